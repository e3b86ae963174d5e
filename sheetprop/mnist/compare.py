"""Several records side by side: figures like for like, and a paired test on the same images."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb
from pathlib import Path

from sheetprop.errors import SheetpropError
from sheetprop.mnist.record import RunRecord, file_of, read


@dataclass(frozen=True)
class Row:
    """What one record says; differences are to the first record, in points, and null for the first itself."""

    name: str
    parameters: int | None
    teacher: str
    epochs: str
    runs: int
    last: float | None
    last_sd: float | None
    best: float | None
    best_sd: float | None
    last_five: float | None
    seconds: float | None
    last_difference: float | None = None
    best_difference: float | None = None
    last_five_difference: float | None = None


@dataclass(frozen=True)
class Pair:
    """Two networks on the same images, one run each (McNemar's test, exact and two-sided).

    `first_alone` are the images that the first misreads and the second does not. `p` is how often
    networks equally good would differ so much by chance.
    """

    first: str
    second: str
    images: int
    first_alone: int
    second_alone: int
    both: int
    p: float


@dataclass(frozen=True)
class Comparison:
    """Rows for all records, tests for all pairs that can be tested, and why others cannot."""

    rows: tuple[Row, ...]
    pairs: tuple[Pair, ...]
    notes: tuple[str, ...]


def compare(records: Sequence[str | os.PathLike[str] | RunRecord]) -> Comparison:
    """Compare records, of trainings or of logs.

    Raises:
        SheetpropError: fewer than two records, or one cannot be read.
    """
    if len(records) < 2:
        raise SheetpropError("compare: give at least two records")
    kept = [one if isinstance(one, RunRecord) else read(one) for one in records]
    names = _names(kept, records)
    notes: list[str] = []
    pairs = []
    for (a, one), (b, other) in combinations(zip(names, kept, strict=True), 2):
        made = _pair(a, one, b, other)
        if isinstance(made, Pair):
            pairs.append(made)
        else:
            notes.append(made)
    if pairs and any(len(k.runs) > 1 for k in kept):
        notes.append("the paired tests take one run of each record, its main one; the spread over runs is in the table")
    rows = [_row(name, one) for name, one in zip(names, kept, strict=True)]
    first = rows[0]
    rows[1:] = [Row(**{**vars(row), "last_difference": _less(row.last, first.last),
                       "best_difference": _less(row.best, first.best),
                       "last_five_difference": _less(row.last_five, first.last_five)}) for row in rows[1:]]
    return Comparison(tuple(rows), tuple(pairs), tuple(notes))


def _names(kept: Sequence[RunRecord], sources: Sequence[object]) -> list[str]:
    """Return a name for each record, with its folder where two have the same."""
    names = [k.log.file if k.log else k.recipe.name if k.recipe else "record" for k in kept]
    for place, (name, source) in enumerate(zip(list(names), sources, strict=True)):
        if names.count(name) > 1 and isinstance(source, str | os.PathLike):
            names[place] = f"{name} ({file_of(source).parent.name or Path(source).name})"
    return [f"{n} #{i}" if names.count(n) > 1 else n for i, n in enumerate(names, 1)]


def _row(name: str, kept: RunRecord) -> Row:
    s, net, count = kept.summary, kept.main_network(), kept.epochs_trained()
    claimed = kept.log.claims.get("parameters") if kept.log else None
    five = s.last_five_mean if count is not None and count.shown >= 5 else None
    return Row(
        name=name, parameters=net.parameters if net else None if claimed is None else int(claimed),
        teacher="" if kept.teacher is None else f"{kept.teacher.recipe}, {kept.teacher.parameters:,}",
        epochs="" if count is None else str(count), runs=s.runs, last=s.last_mean, last_sd=s.last_sd, best=s.best_mean,
        best_sd=s.best_sd, last_five=five, seconds=s.seconds_mean)


def _less(mine: float | None, first: float | None) -> float | None:
    return None if mine is None or first is None else round(mine - first, 6)


def _pair(a: str, one: RunRecord, b: str, other: RunRecord) -> Pair | str:
    runs = one.main_run(), other.main_run()
    scores = [r.test_score.total if r is not None and r.test_score is not None else None for r in runs]
    told = [r.misclassified if r is not None else None for r in runs]
    if told[0] is None or told[1] is None:
        return f"{a} and {b}: no paired test, since a record does not tell which images were misread"
    if (one.data_set, one.evaluated_on, one.held_out, scores[0]) != (
            other.data_set, other.evaluated_on, other.held_out, scores[1]):
        return f"{a} and {b}: no paired test, since they were not tested on the same images"
    first, second = ({d.index for d in pictures} for pictures in (told[0], told[1]))
    alone, others = len(first - second), len(second - first)
    return Pair(a, b, scores[0] or 0, alone, others, len(first & second), mcnemar(alone, others))


def mcnemar(first: int, second: int) -> float:
    """Return the exact two-sided p of McNemar's test for the counts of images that one of two misreads alone."""
    n, least = first + second, min(first, second)
    return float(min(1.0, 2 * sum(comb(n, k) for k in range(least + 1)) / 2**n))


def rendered(found: Comparison, *, markdown: bool = False) -> str:
    """Return a comparison as text or as Markdown tables."""
    heads = ["record", "parameters", "teacher", "epochs", "runs", "last, %", "best, %", "last five, %", "s a run",
             "last +-", "best +-", "five +-"]
    rows = [[r.name, "" if r.parameters is None else f"{r.parameters:,}", r.teacher, r.epochs, str(r.runs),
             _spread(r.last, r.last_sd), _spread(r.best, r.best_sd), _spread(r.last_five, None),
             "" if r.seconds is None else f"{r.seconds:.0f}", _signed(r.last_difference), _signed(r.best_difference),
             _signed(r.last_five_difference)] for r in found.rows]
    lines = _table(heads, rows, markdown=markdown)
    if found.pairs:
        tests = [[p.first, p.second, f"{p.images:,}", str(p.first_alone), str(p.second_alone), str(p.both),
                  f"{p.p:.3g}"] for p in found.pairs]
        names = ["first", "second", "images", "first alone wrong", "second alone wrong", "both", "p"]
        lines += ["", *_table(names, tests, markdown=markdown)]
    return "\n".join([*lines, *([""] if found.notes else []), *found.notes])


def _table(heads: list[str], rows: list[list[str]], *, markdown: bool) -> list[str]:
    if markdown:
        return [f"| {' | '.join(row)} |" for row in [heads, ["---"] * len(heads), *rows]]
    used = [i for i in range(len(heads)) if any(row[i] for row in rows)]
    widths = {i: max(len(row[i]) for row in [heads, *rows]) for i in used}
    return ["  ".join(row[i].ljust(widths[i]) if i in (0, 2) else row[i].rjust(widths[i]) for i in used).rstrip()
            for row in [heads, *rows]]


def _spread(mean: float | None, sd: float | None) -> str:
    return "" if mean is None else f"{mean:.3f}" + ("" if sd is None else f" ± {sd:.3f}")


def _signed(value: float | None) -> str:
    return "" if value is None else f"{value:+.3f}"

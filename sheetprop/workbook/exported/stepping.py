"""Training in the book: the optimizer's step, made many times by the book's own formulas."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from sheetprop.errors import SheetpropError
from sheetprop.files import check_writable, replacing
from sheetprop.modules.derivation import Derivation
from sheetprop.modules.formula import Floats
from sheetprop.modules.learning import Learning
from sheetprop.progress import progress
from sheetprop.workbook.exported.pages import Rendering
from sheetprop.workbook.exported.reading import Reader, read_module_book, stored_formulas
from sheetprop.workbook.exported.rendering import prepared, rendered, saved
from sheetprop.workbook.formulas import letters

KEPT = 1_000
"""So many points of the loss curve are kept in the book."""


@dataclass(frozen=True)
class Stepped:
    """What was done.

    Attributes:
        path: the book that was written.
        steps: how many steps were made now.
        before: how many had been made before.
        losses: the loss before each of the steps.
        last: the loss after the last step, on the numbers that stand in the book.
    """

    path: str
    steps: int
    before: int
    losses: tuple[float, ...]
    last: float


def step(path: str | os.PathLike[str], steps: int = 1, *, output: str | os.PathLike[str] | None = None,
         every: int = 1, log: str | os.PathLike[str] | None = None,
         batches: Callable[[int], Mapping[str, Floats]] | None = None) -> Stepped:
    """Train a book by its own formulas: calculate, put each weight after the step in the weight's place, repeat.

    The book is written with the new weights, the state of the optimizer, and the curve of the loss on the sheet
    Optimizer; a later call goes on from there. Every formula of the book is compared with the prescribed one
    first, and then all are run together, in float64 and in their own order.

    Args:
        path: a book that `export` wrote, with an optimizer.
        steps: how many.
        output: the book to write; by default `path` itself.
        every: one step in so many is written to the log.
        log: a CSV file of step and loss, to which lines are added.
        batches: gives for each step the inputs and targets, by their name in the book; by default those that
            stand in it.

    Raises:
        SheetpropError: the book has no optimizer, a formula in it is not the prescribed one, a number is none, or
            the loss stops being a number.
    """
    if steps < 1 or every < 1:
        raise SheetpropError(f"-n {steps} --every {every}: give at least 1")
    target = Path(output) if output is not None else Path(path)
    check_writable(target)
    if log is not None:
        check_writable(Path(log))
    book, spec, learning, layout = read_module_book(path)
    if learning.optimizer is None:
        raise SheetpropError(f"{os.fspath(path)}: goes forward only; export it with an optimizer")
    reader = Reader(book, learning)
    held = rendered(spec, learning, lambda _: reader.numbers(layout, given_only=True))
    if reader.wrong:
        sheet, cell = layout.address(reader.wrong[0])
        raise SheetpropError(f"{os.fspath(path)}: {sheet}!{cell} holds no number; type one")
    _own_formulas(os.fspath(path), book, held)
    before = spec.history[-1][0] if spec.history else 0
    values, losses = held.values, []
    for number in progress(range(steps), label="steps", total=steps):
        if batches is not None:
            _put(learning.d, values, batches(number))
        losses.append(_step(learning, values))
        if not np.isfinite(losses[-1]):
            raise SheetpropError(f"{os.fspath(path)}: the loss is no number at step {before + number + 1}; "
                                 "nothing was written; use a smaller learning rate (lr in the sheet Optimizer)")
    learning.d.run(values)
    assert learning.loss is not None
    last = float(values[learning.loss])
    points = [*spec.history[:-1], *((before + k, loss) for k, loss in enumerate(losses)), (before + steps, last)]
    _given(learning, values)
    fresh = prepared(replace(spec, history=_thinned(points), slopes=()), learning)
    with replacing(target) as temporary:
        saved(fresh, temporary)
    if log is not None:
        _write_log(Path(log), [(before + k, loss) for k, loss in enumerate(losses) if k % every == 0]
                   + [(before + steps, last)], fresh=before == 0)
    return Stepped(str(target), steps, before, tuple(losses), last)


def _own_formulas(path: str, book: Any, held: Rendering) -> None:
    """Raise unless every formula of the blocks is the prescribed one."""
    for page in held.layout.pages:
        found = stored_formulas(book, page.name) if page.name in book else {}
        for area in page.areas:
            if area.block.given:
                continue
            for row, column, text in zip(area.rows.tolist(), area.columns.tolist(),
                                         held.formulas[area.block.first], strict=True):
                cell = f"{letters(column)}{row}"
                if found.get(cell) != text:
                    raise SheetpropError(f"{path}: {page.name}!{cell} has another formula than the prescribed "
                                         f"={text[:60]}; `sheetprop verify` lists such cells; put it right first")


def _put(d: Derivation, values: Floats, given: Mapping[str, Floats]) -> None:
    for block in d.blocks:
        if block.name in given:
            values[block.first:block.first + block.size] = np.asarray(given[block.name], dtype=np.float64).reshape(-1)


def _step(learning: Learning, values: Floats) -> float:
    """Calculate all cells, then move what the step changes into its place; return the loss."""
    learning.d.run(values)
    assert learning.loss is not None
    loss = float(values[learning.loss])
    for change in learning.changes:
        size = change.before.size
        values[change.before.first:change.before.first + size] = values[change.after.first:change.after.first + size]
    return loss


def _given(learning: Learning, values: Floats) -> None:
    """Make the present numbers those that are given."""
    for block in learning.d.blocks:
        if block.given:
            learning.d.numbers[block.name] = values[block.first:block.first + block.size].copy()


def _thinned(points: list[tuple[int, float]]) -> tuple[tuple[int, float], ...]:
    stride = -(-len(points) // KEPT)
    kept = points[:-1:stride]
    return (*kept, points[-1])


def _write_log(path: Path, lines: list[tuple[int, float]], *, fresh: bool) -> None:
    old = "" if fresh or not path.exists() else path.read_text()
    with replacing(path) as temporary, temporary.open("w", newline="") as file:
        file.write(old)
        writer = csv.writer(file)
        if not old:
            writer.writerow(("step", "loss"))
        writer.writerows((number, repr(loss)) for number, loss in lines)


def shuffled(inputs: Mapping[str, np.ndarray[Any, Any]], samples: int, seed: int = 0) -> Callable[[int], Any]:
    """Return mini-batches of arrays in a random order, anew in each epoch.

    Args:
        inputs: arrays by name, samples along the first dimension.
        samples: of a batch.
        seed: of the order.

    Raises:
        SheetpropError: there are fewer samples than a batch holds, or the arrays differ in length.
    """
    lengths = {len(one) for one in inputs.values()}
    if len(lengths) != 1 or min(lengths) < samples:
        raise SheetpropError(f"the data have {sorted(lengths)} samples; each array needs the same number, and at least "
                             f"the {samples} of the book's batch")
    count = lengths.pop()

    def orders() -> Iterator[Any]:
        random = np.random.default_rng(seed)
        while True:
            order = random.permutation(count)
            for k in range(0, count - samples + 1, samples):
                yield order[k:k + samples]

    stream = orders()

    def batch(_: int) -> Mapping[str, Floats]:
        at = next(stream)
        return {name: np.asarray(one[at], dtype=np.float64) for name, one in inputs.items()}

    return batch

"""Points for a hand-in by a rubric: each part's points, less what its mistakes cost, each mistake once."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from sheetprop.auditing.finding import Audit
from sheetprop.auditing.parts import CHARTS, FORWARD, OTHER, PARTS, RATE, mistake_of, part_of
from sheetprop.errors import SheetpropError

DEFAULT = """# Points for a back-propagation sheet. Parts: forward, error, gradients of the last layer,
# gradients of earlier layers, update, learning rate, charts, explanation.
title = "Back-propagation in a spreadsheet"

# A mistake costs this share of its part's points, once, in however many columns, sheets or rows it stands.
share = 0.5

[points]
forward = 15
error = 10
"gradients of the last layer" = 20
"gradients of earlier layers" = 20
update = 10
"learning rate" = 15
charts = 5
explanation = 5

[learning_rates]
# How many different learning rates are asked for; each that is missing costs its share of the points.
wanted = 1

[explanation]
# "hand": left to the teacher. A number: full points from that many words in the sheets on.
words = "hand"
"""


@dataclass
class Rubric:
    """What counts how much.

    Attributes:
        title: what is graded.
        points: part -> its points.
        share: the share of a part's points that a mistake in it costs.
        rates: how many different learning rates are asked for.
        words: how many words an explanation needs; None where the teacher judges it.
    """

    title: str
    points: dict[str, float]
    share: float = 0.5
    rates: int = 1
    words: int | None = None

    @property
    def total(self) -> float:
        """All points that can be had."""
        return sum(self.points.values())


@dataclass
class PartGrade:
    """One part: its points, those given (None where it was not checked), and why some are missing."""

    part: str
    points: float
    given: float | None
    reasons: list[str] = field(default_factory=list)


@dataclass
class Grade:
    """The points of one hand-in.

    Attributes:
        parts: part by part.
        given: the sum of the points given; None where nothing was checked.
        total: all points that can be had.
        open: parts that the teacher has to judge.
    """

    parts: list[PartGrade]
    given: float | None
    total: float
    open: list[str]

    def text(self) -> str:
        """Return the points as text, with what is left to be judged."""
        if self.given is None:
            return f"not graded of {self.total:g}"
        left = f", {', '.join(self.open)} left to the teacher" if self.open else ""
        return f"{self.given:g} of {self.total:g}{left}"


def rubric(path: str | os.PathLike[str] | None = None) -> Rubric:
    """Read a rubric; the default one where no file is given.

    Raises:
        SheetpropError: the file is no TOML, or has a part, a number or a key that is not known.
    """
    try:
        text = Path(path).read_text(encoding="utf-8") if path is not None else DEFAULT
        data = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SheetpropError(f"{path}: cannot be read as a rubric ({error}); sheetprop audit --print-rubric shows "
                             "one") from None
    known = {"title", "share", "points", "learning_rates", "explanation"}
    for key in data:
        if key not in known:
            raise SheetpropError(f"{path}: {key!r} is not known in a rubric; there are {', '.join(sorted(known))}")
    points = data.get("points", {})
    for part, number in points.items():
        if part not in (*PARTS, "explanation"):
            raise SheetpropError(f"{path}: [points] {part!r}: there is no such part; there are "
                                 f"{', '.join((*PARTS, 'explanation'))}")
        if not isinstance(number, (int, float)) or isinstance(number, bool) or number < 0:
            raise SheetpropError(f"{path}: [points] {part!r}: give a number of points, not {number!r}")
    share = data.get("share", 0.5)
    if not isinstance(share, (int, float)) or not 0 <= share <= 1:
        raise SheetpropError(f"{path}: share: give a number from 0 to 1, not {share!r}")
    words = data.get("explanation", {}).get("words", "hand")
    wanted = data.get("learning_rates", {}).get("wanted", 1)
    if not isinstance(wanted, int) or wanted < 1:
        raise SheetpropError(f"{path}: [learning_rates] wanted: give a whole number from 1 on, not {wanted!r}")
    return Rubric(str(data.get("title", "")), {part: float(number) for part, number in points.items()}, float(share),
                  wanted, words if isinstance(words, int) and not isinstance(words, bool) else None)


def graded(audit: Audit, by: Rubric) -> Grade:
    """Return the points of an audited workbook; what was not checked gets none and is left open."""
    mistakes: dict[str, dict[str, None]] = {}
    for one in audit.findings:
        mistakes.setdefault(part_of(one), {})[mistake_of(one)] = None
    nothing = audit.error or not audit.checked
    only_values = any(one.kind == "values" for one in audit.findings)
    parts: list[PartGrade] = []
    for part, points in by.points.items():
        found = list(mistakes.get(part, {}))
        if part == FORWARD:
            found += list(mistakes.get(OTHER, {}))
        if part == "explanation":
            given = None if by.words is None or audit.error else points * min(1.0, audit.words / max(1, by.words))
            parts.append(PartGrade(part, points, given))
            continue
        if only_values and part != CHARTS:
            parts.append(PartGrade(part, points, 0.0, ["it holds numbers only, no formulas"]))
            continue
        if nothing:
            parts.append(PartGrade(part, points, None))
            continue
        given = points * max(0.0, 1.0 - by.share * len(found))
        if part == CHARTS and not audit.charts:
            given, found = 0.0, [*found, "there is no chart"]
        if part == RATE:
            rates = {table.rate_value for table in audit.roles if table.rate_value is not None}
            missing = max(0, by.rates - max(1, len(rates)))
            if missing:
                given = max(0.0, given - points * missing / by.rates)
                found.append(f"{by.rates} learning rates are asked for, {by.rates - missing} found")
        parts.append(PartGrade(part, points, round(given, 2), found))
    known = [one.given for one in parts if one.given is not None]
    return Grade(parts, round(sum(known), 2) if known and (not nothing or only_values) else None, by.total,
                 [one.part for one in parts if one.given is None])


"""The other sheets: cells that show a quantity of some rate and iteration."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sheetprop.network.rounding import TOLERANCE
from sheetprop.verification.numbers import Mask
from sheetprop.verification.rows import Rows
from sheetprop.workbook.cells import Quantity
from sheetprop.workbook.contents import quantities
from sheetprop.workbook.diagram import ITERATION_CHOICE, RATE_NUMBER
from sheetprop.workbook.layout import Layout
from sheetprop.workbook.names import CHECK, DIAGRAM

Lookup = Callable[[str, str], Any]
"""Gives the value of a cell by sheet and address."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A cell that shows a quantity.

    Attributes:
        quantity: what it should show.
        found: what it shows.
        expected: what PyTorch gives.
        difference: absolute; infinite where no number is shown.
        relative: the difference relative to the size of the terms.
        differs: beyond the tolerance, though the learning-rate sheet itself is right there.
    """

    quantity: Quantity
    found: Any
    expected: float
    difference: float
    relative: float
    differs: bool


def check(layout: Layout, rows: Rows, unfilled: dict[str, Mask], lookup: Lookup) -> list[Shown]:
    """Compare every cell outside the learning-rate sheets that shows a number with a counterpart in PyTorch."""
    return list(_check(layout, rows, unfilled, lookup))


def _check(layout: Layout, rows: Rows, unfilled: dict[str, Mask], lookup: Lookup) -> Iterator[Shown]:
    rates, last = len(layout.rate_sheets), layout.spec.iterations
    rate, iteration = _whole(lookup(DIAGRAM, RATE_NUMBER)), _whole(lookup(DIAGRAM, ITERATION_CHOICE))
    drawn = rate is not None and iteration is not None and 1 <= rate <= rates and 0 <= iteration <= last
    for one in quantities(layout, rate=(rate or 1) - 1 if drawn else 0, iteration=(iteration or 0) if drawn else 0):
        if one.sheet == DIAGRAM and not drawn:
            continue
        at = one.iteration
        if one.sheet == CHECK:
            # Which iteration a row of Check looks at stands in the row itself and can be chosen.
            chosen = _whole(lookup(CHECK, "B" + one.address.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")))
            if chosen is None or not 0 <= chosen <= last:
                continue
            at = chosen
        judged = rows.columns[one.symbol]
        place = one.rate, at
        blank = one.symbol in unfilled and unfilled[one.symbol][place]
        if not judged.compared[place] or judged.differs[place] or blank:
            continue
        found = lookup(one.sheet, one.address)
        expected, size = float(judged.expected[place]), float(judged.size[place])
        number = isinstance(found, int | float) and not isinstance(found, bool)
        difference = abs(float(found) - expected) if number else float("inf")
        relative = difference / size if size > 0 else 0.0 if difference == 0 else float("inf")
        yield Shown(Quantity(one.sheet, one.address, one.symbol, one.rate, at), found, expected, difference, relative,
                    not difference <= TOLERANCE * size)


def _whole(value: Any) -> int | None:
    """Return a cell's number as a whole number, or None."""
    if isinstance(value, int | float) and not isinstance(value, bool) and value == int(value):
        return int(value)
    return None

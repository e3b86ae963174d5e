"""The numbers of the learning-rate sheets as arrays: by symbol, (rates, rows)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from sheetprop.workbook.layout import Layout

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


class Sheet(Protocol):
    """What is read of a sheet (`engine.book.Sheet`)."""

    def column(self, column: int | str, first_row: int, last_row: int) -> Array:
        """Return numbers; NaN for blank, text and errors."""
        ...


@dataclass(frozen=True)
class Numbers:
    """What stands in the learning-rate sheets.

    Attributes:
        values: by symbol, (rates, rows), NaN where no number stands.
        rates: (rates,), the cell with η of each sheet.
    """

    values: dict[str, Array]
    rates: Array

    def differing(self, other: Numbers, relative: float) -> int:
        """Return in how many cells `other` holds another number, or a number where this holds none."""
        count = 0
        for symbol, mine in self.values.items():
            theirs = other.values[symbol]
            same = (mine == theirs) | (np.isnan(mine) & np.isnan(theirs))
            if not same.all():
                near = np.abs(mine - theirs) <= relative * np.maximum(np.abs(mine), np.abs(theirs))
                count += int((~(same | near)).sum())
        return count


def read(layout: Layout, sheet: Callable[[str], Sheet]) -> Numbers:
    """Return the numbers of every column but the verdicts of an exercise.

    Args:
        layout: tells where they stand.
        sheet: gives a sheet by its name.
    """
    sheets = [sheet(name) for name in layout.rate_sheets]
    values: dict[str, Array] = {}
    for column in layout.columns:
        if column.group != "verdict":
            values[column.symbol] = np.stack(
                [one.column(column.index, layout.FIRST_ROW, layout.last_row) for one in sheets])
    row = int(Layout.RATE_CELL.rpartition("$")[2])
    letter = Layout.RATE_CELL.split("$")[1]
    rates = np.array([one.column(letter, row, row)[0] for one in sheets])
    return Numbers(values, rates)


def runs(mask: Mask) -> Iterable[tuple[int, int]]:
    """Yield first and last index of every stretch of True in a one-dimensional mask."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return zip(edges[::2].tolist(), (edges[1::2] - 1).tolist(), strict=True)

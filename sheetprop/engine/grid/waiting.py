"""Cells that are not calculated yet: columns that ask for a value when one of them is read.

While the order of calculation is found as it goes, a column is a `WaitingColumn`; its class is
put back as soon as everything in it is calculated, so that nothing is slower afterwards.
"""

from __future__ import annotations

from bisect import bisect_right

from sheetprop.engine.grid.storage import Column, SheetStore
from sheetprop.engine.grid.values import Value

TYPE_CHECKING = False  # typing costs a small workbook's time; mypy knows this name
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Waiting:
    """Which cells of one column are not calculated yet, and what will calculate them.

    Attributes:
        flags: a byte for each row from `first` on: 1 for a cell that is not calculated yet.
        asked: called with (this, first row, last row) before such cells are read.
    """

    __slots__ = ("asked", "cells", "column", "first", "flags", "number", "sheet", "starts", "units")

    def __init__(self, sheet: SheetStore, number: int, asked: Callable[[Waiting, int, int], None]) -> None:
        self.sheet = sheet
        self.number = number
        self.column = sheet.column(number)
        self.asked = asked
        self.first = 1
        self.flags = bytearray()
        self.cells: dict[int, Any] = {}
        self.units: list[tuple[int, int, Any]] = []
        self.starts: list[int] = []

    def begin(self) -> None:
        """Mark all cells as not calculated and let the column ask for them."""
        self.units.sort(key=lambda unit: unit[0])
        self.starts = [first for first, _, _ in self.units]
        firsts = [*self.starts, *self.cells]
        lasts = [*(last for _, last, _ in self.units), *self.cells]
        self.first = min(firsts)
        self.flags = bytearray(max(lasts) - self.first + 1)
        for first, last, _ in self.units:
            self.flags[first - self.first:last - self.first + 1] = b"\x01" * (last - first + 1)
        for row in self.cells:
            self.flags[row - self.first] = 1
        self.column.reserve(self.first, max(lasts))
        self.column.waiting = self
        self.column.__class__ = WaitingColumn

    def end(self) -> None:
        """Make the column an ordinary one again."""
        self.column.__class__ = Column
        self.column.waiting = None

    def next(self, first: int, last: int) -> int | None:
        """Return the first row from `first` to `last` that is not calculated yet."""
        at = self.flags.find(1, max(first - self.first, 0), max(last - self.first + 1, 0))
        return None if at < 0 else at + self.first

    def owner(self, row: int) -> Any:
        """Return what calculates a cell."""
        found = self.cells.get(row)
        return self.units[bisect_right(self.starts, row) - 1][2] if found is None else found

    def done(self, first: int, last: int) -> None:
        """Note that cells are calculated."""
        self.flags[first - self.first:last - self.first + 1] = bytes(last - first + 1)


class WaitingColumn(Column):
    """A column some of whose cells are not calculated yet: they are asked for before they are read."""

    __slots__ = ()

    def get(self, row: int) -> Value:
        waiting = self.waiting
        at = row - waiting.first
        if 0 <= at < len(waiting.flags) and waiting.flags[at]:
            waiting.asked(waiting, row, row)
        return Column.get(self, row)

    def span(self, first: int, last: int) -> list[Value]:
        waiting = self.waiting
        if waiting.next(first, last) is not None:
            waiting.asked(waiting, first, last)
        return Column.span(self, first, last)

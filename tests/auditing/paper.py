"""A sheet to write tables on, as it is or turned over its diagonal, so that iterations run across."""

from __future__ import annotations

from typing import Any

from openpyxl.utils import get_column_letter


class Paper:
    """Cells by row and column of a table whose iterations run down; `turned` writes them across."""

    def __init__(self, sheet: Any, *, turned: bool) -> None:
        self.sheet = sheet
        self.turned = turned

    def _turn(self, row: int, column: int) -> tuple[int, int]:
        return (column, row) if self.turned else (row, column)

    def cell(self, row: int, column: int) -> Any:
        return self.sheet.cell(*self._turn(row, column))

    def put(self, row: int, column: int, value: object) -> None:
        self.cell(row, column).value = value

    def ref(self, row: int, column: int) -> str:
        row, column = self._turn(row, column)
        return f"{get_column_letter(column)}{row}"

    def fixed(self, row: int, column: int) -> str:
        row, column = self._turn(row, column)
        return f"${get_column_letter(column)}${row}"

    def span(self, top: int, left: int, bottom: int, right: int) -> str:
        """Return a range as charts name it."""
        return f"'{self.sheet.title}'!{self.fixed(top, left)}:{self.fixed(bottom, right)}"

    def merge(self, row: int, left: int, right: int) -> None:
        self.sheet.merge_cells(f"{self.ref(row, left)}:{self.ref(row, right)}")

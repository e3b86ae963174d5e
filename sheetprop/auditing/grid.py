"""A sheet as the audit reads it: iterations run down, whether the sheet lays them out in rows or in columns.

A sheet whose iterations run across its columns is read turned over its diagonal, and every cell
that is named is turned back. So nothing above this module knows in which direction a table runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from sheetprop.engine.book import Book, Sheet
from sheetprop.engine.formula.printing import canonical_text, formula_text
from sheetprop.engine.formula.references import MAX_COLUMN, MAX_ROW, address, area_at, quoted
from sheetprop.engine.formula.tree import Area, Binary, Call, Cell, Node, Unary

Place = tuple[int, int] | tuple[str, int, int]
Stored = Mapping[str, Mapping[tuple[int, int], Any]]
_OUTSIDE = max(MAX_COLUMN, MAX_ROW)


class Run(NamedTuple):
    """Cells of one column, one below the other, with the same relative formula."""

    column: int
    first_row: int
    last_row: int
    canonical: str
    tree: Node


class Grid:
    """One sheet by row and column.

    A column of another sheet that formulas read in step with their own row gets a number beyond
    all columns, so that it can be read like one of the sheet's own.

    Attributes:
        book: the workbook.
        name: the sheet's name.
        turned: whether rows and columns are exchanged.
        line: what the sheet calls an iteration's line of cells: "row", or "column" where it is turned.
        file_: what it calls a quantity's line of cells.
    """

    def __init__(self, book: Book, sheet: Sheet, stored: Stored, *, turned: bool = False) -> None:
        self.book = book
        self.name = sheet.name
        self.turned = turned
        self.line, self.file_ = ("column", "row") if turned else ("row", "column")
        self._sheet = sheet
        self._stored = stored
        self._outside: list[tuple[str, int]] = []

    @property
    def extent(self) -> tuple[int, int]:
        """The last row and the last column that hold anything."""
        rows, columns = self._sheet.extent
        return (columns, rows) if self.turned else (rows, columns)

    def owns(self, column: int) -> bool:
        """Return whether a column stands on this sheet."""
        return column <= _OUTSIDE

    def turn(self, row: int, column: int) -> tuple[int, int]:
        """Return the grid's row and column of a cell of the sheet, and the other way round."""
        return (column, row) if self.turned else (row, column)

    def area(self, text: str) -> tuple[int, int, int, int]:
        """Return (top, left, bottom, right) in the grid of a range of the sheet."""
        top, left, bottom, right = area_at(text)
        return (*self.turn(top, left), *self.turn(bottom, right))

    def value(self, row: int, column: int) -> Any:
        """Return a computed value; column 0 stands for a loss that is assumed and has none."""
        if column == 0:
            return None
        if column > _OUTSIDE:
            sheet, column = self._outside[column - _OUTSIDE - 1]
            return self.book[sheet][self._address(row, column)]
        return self._sheet[self._address(row, column)]

    def cells(self) -> Iterator[tuple[int, int, Any, str | None]]:
        """Yield the cells of the sheet as (row, column, value, formula), rows and columns as the sheet counts them."""
        return self._sheet.cells()

    def fixed_value(self, place: tuple[str, int, int]) -> Any:
        """Return the value of one fixed cell, on whatever sheet; None where there is no such sheet."""
        sheet, row, column = place
        if sheet == self.name:
            return self.value(row, column)
        return self.book[sheet][address(row, column)] if sheet in self.book else None

    def stored_value(self, row: int, column: int) -> Any:
        """Return the value that the file held."""
        sheet = self.name
        if column == 0:
            return None
        if column > _OUTSIDE:
            sheet, column = self._outside[column - _OUTSIDE - 1]
        return self._stored.get(sheet, {}).get(self.turn(row, column))

    def stored_fixed(self, place: tuple[str, int, int]) -> Any:
        """Return the value that the file held in one fixed cell."""
        sheet, row, column = place
        return self._stored.get(sheet, {}).get(self.turn(row, column) if sheet == self.name else (row, column))

    def formula(self, row: int, column: int) -> str | None:
        """Return the formula of a cell as it stands in the sheet, or None."""
        return None if column > _OUTSIDE else self._sheet.formula(self._address(row, column))

    def formula_text(self, tree: Node, row: int, column: int) -> str:
        """Return a formula's tree as it would read in a cell of the sheet, with ``=``."""
        return "=" + formula_text(turned(tree) if self.turned else tree, *self.turn(row, column))

    def place(self, node: Cell, row: int, column: int) -> Place:
        """Return what a reference means in the cell at `row`, `column`."""
        to_row, to_column = node.at(row, column)
        own = node.sheet is None or node.sheet == self.name
        if not node.row_fixed:
            return (to_column if own else self._borrowed(str(node.sheet), to_column)), to_row - row
        if own:
            return self.name, to_row, to_column
        return str(node.sheet), *self.turn(to_row, to_column)

    def _borrowed(self, sheet: str, column: int) -> int:
        if (sheet, column) not in self._outside:
            self._outside.append((sheet, column))
        return _OUTSIDE + 1 + self._outside.index((sheet, column))

    def _address(self, row: int, column: int) -> str:
        return address(*self.turn(row, column))

    def spell(self, row: int, column: int) -> str:
        """Return a cell as the sheet calls it."""
        if column == 0:
            return "an assumed loss"
        if column > _OUTSIDE:
            sheet, column = self._outside[column - _OUTSIDE - 1]
            return f"{quoted(sheet)}!{self._address(max(1, row), column)}"
        return self._address(max(1, row), column)

    def spell_fixed(self, place: tuple[str, int, int]) -> str:
        """Return an anchored reference to one cell, with its sheet where that is another one."""
        sheet, row, column = place
        cell = self._address(row, column) if sheet == self.name else address(row, column)
        letters = cell.rstrip("0123456789")
        return ("" if sheet == self.name else quoted(sheet) + "!") + f"${letters}${cell[len(letters):]}"

    def span(self, first: int, last: int, column: int) -> str:
        """Return a column's cells from row `first` to row `last` as a range of the sheet."""
        return self.spell(first, column) if first == last else f"{self.spell(first, column)}:{self.spell(last, column)}"

    def title(self, column: int) -> str:
        """Return how the sheet calls a column of the grid: its letters, or a row's number."""
        cell = self.spell(1, column)
        return cell.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ") if self.turned else cell.rstrip("0123456789")

    def range_of(self, places: list[Place]) -> str:  # noqa: ARG002 - rows are told apart by their offsets
        """Return the range that places are, in order; empty where they are none, or where it cannot be told."""
        return ""

    def merged(self, cells: Iterable[str]) -> str:
        """Return ranges of the sheet, those of neighbouring columns with the same rows as one."""
        found: list[list[int]] = []
        for piece in (piece for part in cells for piece in part.split(",")):
            top, left, bottom, right = self.area(piece)
            if found and found[-1][0] == top and found[-1][2] == bottom and found[-1][3] + 1 == left:
                found[-1][3] = right
            else:
                found.append([top, left, bottom, right])
        return ",".join(self.spell(t, le) if (t, le) == (b, r) else f"{self.spell(t, le)}:{self.spell(b, r)}"
                        for t, le, b, r in found)

    def runs(self) -> list[Run]:
        """Return the runs of equal relative formulas down the grid's columns, column by column from the top."""
        plain = [Run(run.column, run.first_row, run.last_row, run.canonical, run.tree)
                 for run in self._sheet.formula_runs()]
        return _turned_runs(plain) if self.turned else plain

    def repeats_across(self) -> bool:
        """Return whether the sheet's formulas hardly repeat downwards, so that it is worth turning."""
        runs = list(self._sheet.formula_runs())
        return sum(run.last_row - run.first_row + 1 for run in runs) <= 3 * len(runs)


def _turned_runs(plain: list[Run]) -> list[Run]:
    by_row: dict[int, list[tuple[int, Run]]] = {}
    for run in plain:
        for row in range(run.first_row, run.last_row + 1):
            by_row.setdefault(row, []).append((run.column, run))
    trees: dict[str, tuple[str, Node]] = {}
    found: list[Run] = []
    for row, cells in sorted(by_row.items()):
        for column, run in sorted(cells, key=lambda cell: cell[0]):
            last = found[-1] if found else None
            if run.canonical not in trees:
                tree = turned(run.tree)
                trees[run.canonical] = (canonical_text(tree), tree)
            canonical, tree = trees[run.canonical]
            if last is not None and last.column == row and last.last_row == column - 1 and last.canonical == canonical:
                found[-1] = last._replace(last_row=column)
            else:
                found.append(Run(row, column, column, canonical, tree))
    return found


def turned(node: Node) -> Node:
    """Return a formula's tree with rows and columns of every reference exchanged."""
    if isinstance(node, Cell):
        return Cell(node.sheet, node.column, node.row, node.column_fixed, node.row_fixed)
    if isinstance(node, Area):
        first, last = turned(node.first), turned(node.last)
        assert isinstance(first, Cell)
        assert isinstance(last, Cell)
        return Area(first, last, {"columns": "rows", "rows": "columns"}.get(node.whole, ""))
    if isinstance(node, Unary):
        return Unary(node.operator, turned(node.operand))
    if isinstance(node, Binary):
        return Binary(node.operator, turned(node.left), turned(node.right))
    if isinstance(node, Call):
        return Call(node.name, tuple(turned(part) for part in node.arguments))
    return node


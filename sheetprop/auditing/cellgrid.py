"""Any cells of a workbook as the columns of one row, so that what is known of tables is known of them too.

A layout whose iterations are no rows (blocks below or beside each other, a sheet for each, batches, matrices) is
read cell by cell: every cell is a column of a table of one row, and everything above reads it like any table.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from sheetprop.auditing.expressions import Expr, Unknown, at
from sheetprop.auditing.grid import Grid, Place, Stored
from sheetprop.auditing.labels import is_rate, kind_of
from sheetprop.auditing.matrices import MatrixReading
from sheetprop.engine.book import Book
from sheetprop.engine.formula.references import address, area_at, quoted
from sheetprop.engine.formula.tree import Node
from sheetprop.engine.grid.values import ExcelError

Spot = tuple[str, int, int]
_LEFT, _ABOVE = 3, 400


class CellGrid(Grid):
    """The cells of a workbook by number.

    Args:
        book: the workbook.
        home: the sheet whose cells are called without the sheet's name.
        stored: the values that the file held.
    """

    def __init__(self, book: Book, home: str, stored: Stored) -> None:
        super().__init__(book, book[home], stored)
        self.line, self.file_ = "cell", "cell"
        self.spots: list[Spot] = []
        self._numbers: dict[Spot, int] = {}

    def number(self, spot: Spot) -> int:
        """Return the number of a cell."""
        found = self._numbers.get(spot)
        if found is None:
            self.spots.append(spot)
            found = self._numbers[spot] = len(self.spots)
        return found

    def spot(self, place: Place) -> Spot | None:
        """Return where a place stands; None for what is no cell."""
        found = self.spots[int(place[0]) - 1] if len(place) == 2 else None
        return found if found is not None and found[0] else None

    def known(self, sheet: str, row: int, column: int) -> int | None:
        """Return the number of a cell that formulas read or that holds one; None for others."""
        return self._numbers.get((sheet, row, column))

    def at_home(self, home: str) -> CellGrid:
        """Return the same cells as another sheet calls them."""
        other = CellGrid(self.book, home, self._stored)
        other.spots, other._numbers = self.spots, self._numbers
        return other

    @property
    def extent(self) -> tuple[int, int]:
        """One row, and as many columns as there are cells."""
        return 1, len(self.spots)

    def owns(self, column: int) -> bool:  # noqa: ARG002 - a table of one row
        """Return True: every cell is one of these."""
        return True

    def value(self, row: int, column: int) -> Any:  # noqa: ARG002 - a table of one row
        """Return a computed value."""
        sheet, r, c = self.spots[column - 1]
        return self.book[sheet][address(r, c)] if sheet else None

    def fixed_value(self, place: tuple[str, int, int]) -> Any:
        """Return the value of one cell."""
        sheet, row, column = place
        return self.book[sheet][address(row, column)] if sheet in self.book else None

    def stored_value(self, row: int, column: int) -> Any:  # noqa: ARG002 - a table of one row
        """Return the value that the file held."""
        sheet, r, c = self.spots[column - 1]
        return self._stored.get(sheet, {}).get((r, c))

    def stored_fixed(self, place: tuple[str, int, int]) -> Any:
        """Return the value that the file held in one cell."""
        sheet, row, column = place
        return self._stored.get(sheet, {}).get((row, column))

    def formula(self, row: int, column: int) -> str | None:  # noqa: ARG002 - a table of one row
        """Return a cell's formula."""
        sheet, r, c = self.spots[column - 1]
        return self.book.sheet(sheet).formula(address(r, c))

    def spell(self, row: int, column: int) -> str:  # noqa: ARG002 - a table of one row
        """Return a cell as the home sheet calls it."""
        sheet, r, c = self.spots[column - 1]
        if not sheet:
            return "an assumed loss"
        return ("" if sheet == self.name else quoted(sheet) + "!") + address(r, c)

    def span(self, first: int, last: int, column: int) -> str:  # noqa: ARG002 - a table of one row
        """Return the cell."""
        return self.spell(1, column)

    def title(self, column: int) -> str:
        """Return the cell."""
        return self.spell(1, column)

    def merged(self, cells: Iterable[str]) -> str:
        """Return cells, those of the home sheet that make ranges as ranges."""
        pieces = list(dict.fromkeys(piece for part in cells for piece in part.split(",")))
        own = [area_at(piece) for piece in pieces if "!" not in piece]
        spots = sorted({(r, c) for top, left, bottom, right in own for r in range(top, bottom + 1)
                        for c in range(left, right + 1)})
        return ",".join([*ranges_of(spots), *(piece for piece in pieces if "!" in piece)])

    def range_of(self, places: list[Place]) -> str:
        """Return the range that places are, in order; empty where they are none."""
        spots = [self.spots[int(place[0]) - 1] for place in places if len(place) == 2]
        if len(spots) != len(places) or len({spot[0] for spot in spots}) != 1:
            return ""
        (sheet, top, left), (_, bottom, right) = spots[0], spots[-1]
        if [spot[1:] for spot in spots] != [(r, c) for r in range(top, bottom + 1) for c in range(left, right + 1)]:
            return ""
        return ("" if sheet == self.name else quoted(sheet) + "!") + f"{address(top, left)}:{address(bottom, right)}"


def ranges_of(spots: Iterable[tuple[int, int]]) -> list[str]:
    """Return cells as few ranges, first columns, then neighbouring columns of the same rows as one."""
    columns: list[list[int]] = []
    for row, column in sorted(spots, key=lambda spot: (spot[1], spot[0])):
        if columns and columns[-1][1] == column and columns[-1][2] == row - 1:
            columns[-1][2] = row
        else:
            columns.append([row, column, row, column])
    found: list[list[int]] = []
    for top, left, bottom, right in columns:
        match = next((one for one in found if one[0] == top and one[2] == bottom and one[3] == left - 1), None)
        if match is not None:
            match[3] = right
        else:
            found.append([top, left, bottom, right])
    return [address(t, le) if (t, le) == (b, r) else f"{address(t, le)}:{address(b, r)}" for t, le, b, r in found]


class Cells:
    """All formula cells of a workbook as expressions over the numbers of cells.

    Args:
        book: the workbook.
        stored: the values that the file held.
        most: how many formula cells are read; `too_many` says that there are more.
        without: sheets whose cells count as given.

    Attributes:
        grid: the cells.
        formulas: number -> expression.
        trees: number -> (parse tree, row and column where it stands): several cells of an array share one.
        unknown: number -> why a formula is beyond what is differentiated.
    """

    def __init__(self, book: Book, stored: Stored, most: int, without: Collection[str] = ()) -> None:
        self.book = book
        self.grid = CellGrid(book, book.sheet_names[0], stored)
        self.formulas: dict[int, Expr] = {}
        self.trees: dict[int, tuple[Node, int, int]] = {}
        self.unknown: dict[int, str] = {}
        self.labels: dict[int, str] = {}
        self.too_many = False
        reading = MatrixReading(self._place, book.names)
        for sheet in book:
            for row, column, tree, top, left in self._trees(sheet.name) if sheet.name not in without else ():
                if len(self.trees) >= most:
                    self.too_many = True
                    return
                number = self.grid.number((sheet.name, row, column))
                self.trees[number] = (tree, top, left)
                try:
                    self.formulas[number] = reading.element(tree, sheet.name, row, column, top, left)
                except Unknown as why:
                    self.unknown[number] = str(why)
                except RecursionError:
                    self.unknown[number] = "a formula nested too deeply"

    def _trees(self, name: str) -> Iterable[tuple[int, int, Node, int, int]]:
        sheet = self.book[name]
        for run in sheet.formula_runs():
            for row in range(run.first_row, run.last_row + 1):
                yield row, run.column, run.tree, row, run.column
        for array in sheet._store.arrays:
            for row in range(array.top, array.bottom + 1):
                for column in range(array.left, array.right + 1):
                    yield row, column, array.family.tree, array.top, array.left

    def _place(self, sheet: str, row: int, column: int) -> Expr | None:
        if sheet not in self.book:
            raise Unknown(f"the sheet {sheet!r}")
        held = self.book[sheet][address(row, column)]
        if held is None and self.book[sheet].formula(address(row, column)) is None:
            return None
        if isinstance(held, str) and not isinstance(held, ExcelError):
            return None
        return at((self.grid.number((self.book[sheet].name, row, column)), 0))

    def label(self, number: int) -> str:
        """Return the text to the left of a cell or above it that says what it is; a known name before any other."""
        if number not in self.labels:
            self.labels[number] = self._label(*self.grid.spots[number - 1])
        return self.labels[number]

    def _label(self, name: str, row: int, column: int) -> str:
        held_at = self.book.sheet(name).store.get
        texts: list[str] = []
        for back in range(1, min(_LEFT, column - 1) + 1):
            held = held_at(row, column - back)
            if isinstance(held, str) and not isinstance(held, ExcelError) and held.strip():
                texts.append(held.strip())
                break
            if held is not None:
                break
        for up in range(row - 1, max(0, row - _ABOVE), -1):
            held = held_at(up, column)
            if isinstance(held, str) and not isinstance(held, ExcelError) and held.strip():
                texts.append(held.strip())
                break
            if held is None:
                break
        known = [text for text in texts if kind_of(text)[0] or is_rate(text)]
        return (known or texts or [""])[0]

    def alike(self, sheet: str, row: int, column: int) -> list[tuple[int, int]]:
        """Return the cells next to one that have the same relative formula."""
        def tree(r: int, c: int) -> Node | None:
            return self.book[sheet].tree(address(r, c)) if r >= 1 and c >= 1 else None

        own = tree(row, column)
        return [] if own is None else [spot for spot in ((row + 1, column), (row - 1, column), (row, column + 1),
                                                         (row, column - 1)) if tree(*spot) == own]

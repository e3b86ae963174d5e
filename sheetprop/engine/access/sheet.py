"""One sheet of an open workbook, as Python sees it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sheetprop.engine.calculation.session import Session
from sheetprop.engine.formula.printing import formula_text
from sheetprop.engine.formula.references import MAX_COLUMN, MAX_ROW, address, area_at, cell_at, column_number
from sheetprop.engine.formula.tree import Call, Node
from sheetprop.engine.grid.storage import Family, SheetStore
from sheetprop.engine.grid.values import Value
from sheetprop.errors import SheetpropError

TYPE_CHECKING = False  # typing costs a small workbook's time; mypy knows this name
if TYPE_CHECKING:
    from typing import Any

    import numpy as np
    import pandas as pd

Area = tuple[int, int, int, int]


class FormulaRun:
    """Cells of one column, one below the other, with the same relative formula.

    Attributes:
        column: 1-based column.
        first_row: first row.
        last_row: last row.
        formula: the formula as it reads in the first row, with ``=``.
        canonical: its relative form.
        tree: its parse tree.
    """

    __slots__ = ("canonical", "column", "first_row", "last_row", "tree")

    def __init__(self, column: int, first_row: int, last_row: int, one: Family) -> None:
        self.column = column
        self.first_row = first_row
        self.last_row = last_row
        self.canonical = one.canonical
        self.tree: Node = one.tree

    @property
    def formula(self) -> str:
        """The formula in the first row, with its leading ``=``."""
        return shown_formula(self.tree, self.first_row, self.column)

    def __repr__(self) -> str:
        first, last = address(self.first_row, self.column), address(self.last_row, self.column)
        return f"FormulaRun({first}:{last} {self.formula})"


def shown_formula(tree: Node, row: int, column: int) -> str:
    """Return the formula of a cell as it reads there, with its leading ``=``."""
    if isinstance(tree, Call) and tree.name in ("#ARRAY", "#DYNAMIC"):
        tree = tree.arguments[0]
    if isinstance(tree, Call) and tree.name == "#UNREADABLE":
        return f"={tree.arguments[0].value}"  # type: ignore[attr-defined]
    return f"={formula_text(tree, row, column)}"


class Sheet:
    """One sheet of an open workbook: values and formulas by address.

    A formula's value that is out of date, because it was never calculated or a cell was set since, is
    calculated when it is asked for.
    """

    def __init__(self, store: SheetStore, session: Session) -> None:
        self._store = store
        self._session = session
        self.name = store.name

    def __repr__(self) -> str:
        rows, columns = self._store.extent()
        formulas = sum((block.last - block.first + 1) * len(block.program) for block in self._store.blocks)
        formulas += len(self._store.arrays)
        return f"<Sheet {self.name!r}: {rows:,} rows, {columns:,} columns, {formulas:,} formulas>"

    def _fresh(self, area: Area) -> None:
        """Calculate where a formula in the area has no value that is up to date."""
        if self._session.fresh:
            return
        top, left, bottom, right = area
        store = self._store
        if self._session.may_spill(store) or any(
                array.top <= bottom and array.bottom >= top and array.left <= right and array.right >= left
                for array in store.arrays):
            self._session.settled()
            return
        at = store.block_index(top)
        while at < len(store.blocks) and store.blocks[at].first <= bottom:
            if any(left <= column <= right for column in store.blocks[at].program.columns):
                self._session.settled()
                return
            at += 1

    def __getitem__(self, ref: str | tuple[int, int | str]) -> Any:
        """Return the value of "W103" or of [103, 23], or of "A1:C9" as a 2-D array (float64 where all are numbers).

        Numbers are `float`, dates too (`date` and `frame` give them as dates), text is `str`, errors are
        `ExcelError`, blank cells are None (NaN in a float array does not occur: an array with blanks or text has
        dtype object).

        Raises:
            SheetpropError: the reference names no cells of a sheet.
        """
        if isinstance(ref, tuple):
            row, column = self._numbers(ref)
            self._fresh((row, column, row, column))
            return self._store.get(row, column)
        if not isinstance(ref, str):
            raise SheetpropError(f"{self.name}[{ref!r}]: names no cell; write ['B4'] or [4, 2]")
        if ":" not in ref:
            row, column = cell_at(ref)
            if not self._session.fresh:
                self._fresh((row, column, row, column))
            return self._store.get(row, column)
        area = area_at(ref)
        self._fresh(area)
        return grid_of(self._store, area)

    def _numbers(self, ref: tuple[Any, ...]) -> tuple[int, int]:
        """Return the row and column of [4, 2] or [4, "B"]."""
        if len(ref) == 2:
            row, column = ref
            if isinstance(column, str) and column.isascii() and column.isalpha() and len(column) <= 3:
                column = column_number(column)
            try:
                row, column = row.__index__(), column.__index__()
            except AttributeError:
                row = column = 0
            if 1 <= row <= MAX_ROW and 1 <= column <= MAX_COLUMN:
                return row, column
        raise SheetpropError(f"{self.name}[{', '.join(map(repr, ref))}]: names no cell; give row and column, both "
                             "from 1 on: [4, 2] is B4")

    def date(self, ref: str) -> Any:
        """Return a cell's number as a date, whatever its format: a `datetime.datetime`.

        Raises:
            SheetpropError: the cell holds no number that is a date.
        """
        import datetime

        from sheetprop.engine.access.pythonvalues import as_date

        value = self[ref]
        found = as_date(value, "date", self._session.space.contents.date1904) if type(value) is float else None
        if not isinstance(found, datetime.datetime):
            raise SheetpropError(f"{self.name}!{ref}: holds {value!r}, which is no date")
        return found

    def column(self, letter_or_index: str | int, first_row: int, last_row: int) -> np.ndarray[Any, Any]:
        """Return part of a column as float64; blanks, text, truth values and errors are NaN."""
        import numpy as np

        number = column_number(letter_or_index) if isinstance(letter_or_index, str) else letter_or_index
        self._fresh((first_row, number, last_row, number))
        store = self._store.columns.get(number)
        if store is None:
            return np.full(last_row - first_row + 1, np.nan)
        span = store.span(first_row, last_row)
        if set(map(type, span)) != {float}:
            span = [value if type(value) is float else float("nan") for value in span]
        return np.array(span, dtype=np.float64)

    def frame(self, ref: str | None = None, *, header: bool = True, dates: bool = True) -> pd.DataFrame:
        """Return a range as a pandas frame; its first row names the columns unless `header` is false.

        Args:
            ref: a range such as "A1:C9", a table's name (its headings and rows, without totals), or a defined name;
                the whole sheet where it is not given.
            header: whether the first row holds the names of the columns. Whole numbers stay whole there.
            dates: whether numbers are dates where the cell's format shows a date or a time.

        Raises:
            SheetpropError: the reference names no cells of this sheet.
        """
        if ref is None:
            rows, columns = self._store.extent()
            area, headed = (1, 1, max(rows, 1), max(columns, 1)), True
        else:
            store, area, headed = framed_area(self._session, ref, self._store)
            if store is not self._store:
                raise SheetpropError(f"{ref!r}: lies on the sheet {store.name!r}, not on {self.name!r}; use book.frame")
        self._fresh(area)
        return frame_of(self._session, self._store, area, header=header and headed, dates=dates)

    def formula(self, address: str) -> str | None:
        """Return the formula of a cell with its leading ``=``, or None; shared formulas are expanded."""
        row, column = cell_at(address)
        one = self._store.family_at(row, column)
        if one is not None:
            return shown_formula(one.tree, row, column)
        for array in self._store.arrays:
            if array.top <= row <= array.bottom and array.left <= column <= array.right:
                return shown_formula(array.family.tree, array.top, array.left)
        return None

    def tree(self, address: str) -> Node | None:
        """Return the parse tree of a cell's formula (see `sheetprop.engine.formula.tree`), or None."""
        one = self._store.family_at(*cell_at(address))
        return None if one is None else one.tree

    @property
    def store(self) -> SheetStore:
        """The sheet's cells as the engine holds them."""
        return self._store

    def formula_runs(self) -> Iterator[FormulaRun]:
        """Yield vertical runs of equal relative formulas, column by column from the top."""
        open_runs: dict[int, FormulaRun] = {}
        done: list[FormulaRun] = []
        for block in self._store.blocks:
            for column, one in block.program.by_column.items():
                run = open_runs.get(column)
                if run is not None and run.last_row == block.first - 1 and run.tree is one.tree:
                    run.last_row = block.last
                else:
                    run = open_runs[column] = FormulaRun(column, block.first, block.last, one)
                    done.append(run)
        yield from sorted(done, key=lambda run: (run.column, run.first_row))

    def cells(self) -> Iterator[tuple[int, int, Value, str | None]]:
        """Yield (row, column, value, formula or None) of every cell that holds something, row by row."""
        self._fresh((1, 1, MAX_ROW, MAX_COLUMN))
        store = self._store
        last_row, _ = store.extent()
        columns = sorted({*store.columns, *(column for block in store.blocks for column in block.program.columns)})
        far = {row for held in store.columns.values() for row in held.sparse}
        dense = max((held.base + len(held.values) for held in store.columns.values()), default=0)
        dense = max(dense, max((block.last for block in store.blocks), default=0) + 1)
        rows: Iterable[int] = [*range(1, min(dense, last_row + 1)), *sorted(row for row in far if row >= dense)]
        for row in rows:
            for column in columns:
                value = store.get(row, column)
                one = store.family_at(row, column)
                if value is not None or one is not None:
                    yield row, column, value, self.formula(address(row, column)) if one or store.arrays else None

    @property
    def extent(self) -> tuple[int, int]:
        """The last row and the last column that hold anything."""
        return self._store.extent()


def grid_of(store: SheetStore, area: Area) -> Any:
    """Return the values of a range as a 2-D array, float64 where all are numbers."""
    import numpy as np

    top, left, bottom, right = area
    spans = [store.column(column).span(top, bottom) if column in store.columns
             else [None] * (bottom - top + 1) for column in range(left, right + 1)]
    if all(set(map(type, span)) == {float} for span in spans):
        return np.array(spans, dtype=np.float64).T
    grid = np.empty((bottom - top + 1, right - left + 1), dtype=object)
    for at, span in enumerate(spans):
        grid[:, at] = span
    return grid


def framed_area(session: Session, ref: str, own: SheetStore | None) -> tuple[SheetStore, Area, bool]:
    """Return the cells that a frame shows, and whether the first row may hold the names of its columns.

    Of a table these are its headings and its rows, without its totals.
    """
    table = session.table(ref)
    if table is None or (None, ref.strip().casefold()) in session.space.contents.names:
        store, top, left, bottom, right = session.area(ref, own)
        return store, (top, left, bottom, right), True
    store, place = table
    return store, (place.top, place.left, place.bottom - place.totals, place.right), place.headers > 0


def frame_of(session: Session, store: SheetStore, area: Area, *, header: bool, dates: bool) -> pd.DataFrame:
    """Return a range as a pandas frame; see `Sheet.frame`."""
    import pandas as pd

    from sheetprop.engine.access.pythonvalues import as_date
    from sheetprop.engine.file.styles import styles_of

    top, left, bottom, right = area
    contents = session.space.contents
    styles = styles_of(contents) if dates else None
    date1904 = contents.date1904

    def value_at(row: int, column: int) -> object:
        value = store.get(row, column)
        if styles is None or type(value) is not float:
            return value
        kind = styles.kind_at(contents, store, row, column)
        return as_date(value, kind, date1904) if kind else value

    rows = [[value_at(row, column) for column in range(left, right + 1)] for row in range(top, bottom + 1)]
    if header:
        return pd.DataFrame(rows[1:], columns=[_heading(name) for name in rows[0]])
    return pd.DataFrame(rows)


def _heading(value: object) -> object:
    """Return a heading: text as it is, whole numbers whole, a blank cell as no text."""
    if value is None:
        return ""
    if isinstance(value, float):
        return int(value) if value == int(value) else value
    return value

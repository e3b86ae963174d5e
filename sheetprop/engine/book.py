"""A workbook as a program: open it, calculate it, change inputs, fill rows down, save it."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from sheetprop.engine.calculation.running import Calculation
from sheetprop.engine.calculation.session import Session
from sheetprop.engine.file.editing import array_replaced, settable
from sheetprop.engine.file.loading import load
from sheetprop.engine.file.package import MAX_BYTES, Package
from sheetprop.engine.formula.parse import parse
from sheetprop.engine.formula.printing import canonical_text, formula_text
from sheetprop.engine.formula.references import MAX_ROW, address, area_at, cell_at, column_number
from sheetprop.engine.formula.tree import Call, Node
from sheetprop.engine.grid.storage import Family, SheetStore, family
from sheetprop.engine.grid.values import ERRORS, ExcelError, Value
from sheetprop.engine.scope.workspace import Workspace
from sheetprop.errors import SheetpropError

TYPE_CHECKING = False  # typing costs a small workbook's time; mypy knows this name
if TYPE_CHECKING:
    from typing import Any

    import numpy as np
    import pandas as pd

    from sheetprop.engine.tracing.function import Function


def open(path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES) -> Book:
    """Open an .xlsx or .xlsm workbook.

    The values stored for formulas are not used: call `Book.calculate`.

    Args:
        path: the file.
        max_bytes: how large the file may become when unpacked.

    Raises:
        SheetpropError: the file is missing, no workbook, damaged, encrypted or too large.
    """
    return Book(Workspace(load(Package(path, max_bytes=max_bytes))))


def canonical(formula: str, row: int, column: int, sheet: str | None) -> str:
    """Return a formula's spelling-independent relative form.

    Two formulas are the same family exactly when their canonical forms are equal: references
    are R1C1, function names upper case, blanks and needless brackets gone, numbers in their
    shortest form, references to the own sheet unqualified.

    Raises:
        FormulaError: the text is no formula.
    """
    return canonical_text(parse(formula, row, column, sheet))


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
        return _text(self.tree, self.first_row, self.column)

    def __repr__(self) -> str:
        first, last = address(self.first_row, self.column), address(self.last_row, self.column)
        return f"FormulaRun({first}:{last} {self.formula})"


def _text(tree: Node, row: int, column: int) -> str:
    if isinstance(tree, Call) and tree.name == "#ARRAY":
        tree = tree.arguments[0]
    if isinstance(tree, Call) and tree.name == "#UNREADABLE":
        return f"={tree.arguments[0].value}"  # type: ignore[attr-defined]
    return f"={formula_text(tree, row, column)}"


class Sheet:
    """One sheet of an open workbook: values and formulas by address."""

    def __init__(self, store: SheetStore) -> None:
        self._store = store
        self.name = store.name

    def __repr__(self) -> str:
        return f"Sheet({self.name!r})"

    def __getitem__(self, ref: str) -> Any:
        """Return the value of "W103", or of "A1:C9" as a 2-D array (float64 where all are numbers).

        Numbers are `float`, text is `str`, errors are `ExcelError`, blank cells are None (NaN
        in a float array does not occur: an array with blanks or text has dtype object).
        """
        if ":" not in ref:
            return self._store.get(*cell_at(ref))
        import numpy as np

        top, left, bottom, right = area_at(ref)
        spans = [self._store.column(column).span(top, bottom) if column in self._store.columns
                 else [None] * (bottom - top + 1) for column in range(left, right + 1)]
        if all(set(map(type, span)) == {float} for span in spans):
            return np.array(spans, dtype=np.float64).T
        grid = np.empty((bottom - top + 1, right - left + 1), dtype=object)
        for at, span in enumerate(spans):
            grid[:, at] = span
        return grid

    def column(self, letter_or_index: str | int, first_row: int, last_row: int) -> np.ndarray[Any, Any]:
        """Return part of a column as float64; blanks, text, truth values and errors are NaN."""
        import numpy as np

        number = column_number(letter_or_index) if isinstance(letter_or_index, str) else letter_or_index
        store = self._store.columns.get(number)
        if store is None:
            return np.full(last_row - first_row + 1, np.nan)
        span = store.span(first_row, last_row)
        if set(map(type, span)) != {float}:
            span = [value if type(value) is float else float("nan") for value in span]
        return np.array(span, dtype=np.float64)

    def frame(self, ref: str, *, header: bool = True) -> pd.DataFrame:
        """Return a range as a pandas frame; its first row names the columns unless `header` is false."""
        import pandas as pd

        top, left, bottom, right = area_at(ref)
        rows = [[self._store.get(row, column) for column in range(left, right + 1)] for row in range(top, bottom + 1)]
        if header:
            return pd.DataFrame(rows[1:], columns=[str(name) if name is not None else "" for name in rows[0]])
        return pd.DataFrame(rows)

    def formula(self, address: str) -> str | None:
        """Return the formula of a cell with its leading ``=``, or None; shared formulas are expanded."""
        row, column = cell_at(address)
        one = self._store.family_at(row, column)
        if one is not None:
            return _text(one.tree, row, column)
        for array in self._store.arrays:
            if array.top <= row <= array.bottom and array.left <= column <= array.right:
                return _text(array.family.tree, array.top, array.left)
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


class Book:
    """An open workbook.

    Attributes:
        sheet_names: the sheets in the order of their tabs.
        names: defined names of the whole workbook -> the text of what they stand for.
        remarks: what is odd about the file, a line each.
    """

    def __init__(self, space: Workspace) -> None:
        self._space = space
        self._session = Session(space)
        self._sheets = {sheet.name: Sheet(sheet) for sheet in space.sheets}
        self.sheet_names = self._session.sheet_names
        contents = space.contents
        self.remarks = list(contents.remarks)
        self.names = {contents.spelled[key]: text for key, text in contents.names.items()
                      if key[0] is None and key not in contents.hidden_names}

    @property
    def path(self) -> str:
        """The file that the workbook was opened from."""
        return self._session.path

    def part(self, name: str) -> bytes:
        """Return a part of the file as it was opened, such as ``xl/worksheets/sheet1.xml``."""
        return self._space.contents.package.read(name)

    def __getitem__(self, sheet: str) -> Sheet:
        """Return a sheet by name, case ignored as Excel does.

        Raises:
            SheetpropError: there is no such sheet; the message says the nearest name.
        """
        return self._sheets[self._session.sheet(sheet).name]

    def __contains__(self, sheet: str) -> bool:
        return sheet.casefold() in self._space.by_name

    def __iter__(self) -> Iterator[Sheet]:
        return iter(self._sheets.values())

    def calculate(self, *, seed: int | None = None, now: float | None = None) -> Calculation:
        """Calculate every formula and return what was found.

        Args:
            seed: seed of RAND and RANDBETWEEN; 0 where it is not given.
            now: the moment that NOW and TODAY give, as a date number; the clock's where not given.
        """
        return self._session.calculate(seed, now)

    def function(self, inputs: Sequence[str], outputs: Sequence[str]) -> Function:
        """Return output cells as a Python function of input cells; see `Function`.

        Args:
            inputs: cells or ranges, like "Parameters!C5:C12", or defined names.
            outputs: the same.

        Raises:
            SheetpropError: a reference names no cells.
        """
        from sheetprop.engine.tracing.function import Function

        return Function(self._session, inputs, outputs)

    def _place(self, ref: str) -> tuple[SheetStore, int, int]:
        """Return the sheet, row and column of "Sheet!C5" or of a name for one cell."""
        store, top, left, bottom, right = self._session.area(ref)
        if (top, left) != (bottom, right):
            raise SheetpropError(f"{ref!r}: is more than one cell; give one at a time")
        return store, top, left

    def set(self, ref: str, value: object) -> None:
        """Put a constant into a cell, given as "Parameters!C5" or by a defined name; then calculate again.

        Args:
            ref: the cell. A formula that stands there is replaced.
            value: a number, text, truth value, error (`ExcelError`), or None for blank; text
                that begins with ``=`` is a formula.
        """
        store, row, column = self._place(ref)
        settable(self._space.contents, store, row, column, value, ref)
        contents = self._space.contents
        replaced = store.family_at(row, column) is not None or array_replaced(store, row, column)
        if isinstance(value, str) and value.startswith("=") and len(value) > 1:
            store.put_formula(row, column, family(value, row, column, store.name, contents.outline))
            store.formulas_set[(row, column)] = value
            store.edited.pop((row, column), None)
            self._session.changed(formulas=True)
            return
        held = _as_value(value, ref)
        if replaced:
            store.put_formula(row, column, None)
            contents.formulas_gone = True
        self._session.changed(formulas=replaced)
        store.formulas_set.pop((row, column), None)
        store.set(row, column, held)
        store.edited[(row, column)] = held

    def fill_down(self, sheet: str, row: int, last_row: int) -> None:
        """Make the rows below `row`, up to `last_row`, copies of it, as filling down in Excel does.

        Relative references move with the rows, fixed ones stay, constants and styles are
        repeated. The rows exist as one template until `save` writes them.

        Raises:
            SheetpropError: the row holds no formula, or one that cannot be repeated (array
                formulas, shared formulas), or `last_row` lies outside the sheet.
        """
        from sheetprop.engine.file.filling import fill_down

        store = self._session.sheet(sheet)
        if not row < last_row <= MAX_ROW:
            raise SheetpropError(f"{sheet}: rows {row + 1} to {last_row} cannot be filled; a sheet ends at {MAX_ROW}")
        fill_down(self._space.contents, store, row, last_row)
        self._session.changed(formulas=True)

    def stored(self) -> dict[str, dict[tuple[int, int], Value]]:
        """Return what the file holds: sheet -> (row, column) -> value, formulas' stored values and constants alike."""
        from sheetprop.engine.file.stored import stored_cells

        return stored_cells(self._space.contents)

    def save(self, path: str | os.PathLike[str], *, patch: Mapping[str, Callable[[bytes], bytes]] | None = None,
             sheets: Collection[str] | None = None, rest: str | os.PathLike[str] | None = None) -> None:
        """Write the workbook with its values to `path`, which may be the file it came from.

        Only the values of formula cells change, cells that were `set`, and rows filled down;
        all other parts of the file are copied byte for byte. The same workbook gives the same bytes.

        Args:
            path: the file to write; it is replaced only when all went well.
            patch: part name -> function from its bytes to new bytes, applied last.
            sheets: write only these anew; by default all.
            rest: the file from which everything else is then copied, to which this workbook was saved before.

        Raises:
            SheetpropError: the place cannot be written to.
        """
        from sheetprop.engine.file.saving import save
        from sheetprop.files import replacing

        with replacing(path) as temporary, temporary.open("wb") as out:
            save(self._space.contents, out, patch=patch or {}, sheets=sheets, rest=rest)


def _as_value(value: object, ref: str) -> Value:
    """Return a Python value as a cell's value."""
    if value is None or isinstance(value, bool | ExcelError):
        return value
    if isinstance(value, str):
        return ERRORS.get(value, value)
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise SheetpropError(f"{ref}: cannot hold {value!r}; give a number, text, True, False or None") from None
    if number != number or number in (float("inf"), float("-inf")):
        raise SheetpropError(f"{ref}: cannot hold {value!r}; cells hold finite numbers only")
    return number

"""A workbook as a program: open it, calculate it, change inputs, fill rows down, save it."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from sheetprop.engine.access.sheet import FormulaRun, Sheet, framed_area, grid_of
from sheetprop.engine.calculation.running import Calculation
from sheetprop.engine.calculation.session import Session
from sheetprop.engine.file.loading import load
from sheetprop.engine.file.package import MAX_BYTES, Package
from sheetprop.engine.formula.parse import parse
from sheetprop.engine.formula.printing import canonical_text
from sheetprop.engine.formula.references import MAX_ROW
from sheetprop.engine.grid.values import Value
from sheetprop.engine.scope.workspace import Workspace
from sheetprop.errors import SheetpropError, nearest

TYPE_CHECKING = False  # typing costs a small workbook's time; mypy knows this name
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, BinaryIO

    import pandas as pd

    from sheetprop.engine.access.explaining import Explanation
    from sheetprop.engine.access.seeking import Goal
    from sheetprop.engine.tracing.function import Function

    Source = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO

__all__ = ["Book", "FormulaRun", "Sheet", "canonical", "new", "open"]


def open(source: Source, *, max_bytes: int = MAX_BYTES) -> Book:
    """Open an .xlsx or .xlsm workbook.

    The values stored for formulas are not used: they are calculated, by `Book.calculate` or when one is
    asked for.

    Args:
        source: a path, the bytes of a file, or a file object opened for reading bytes.
        max_bytes: how large the file may become when unpacked.

    Raises:
        SheetpropError: the file is missing, no workbook, damaged, encrypted or too large.
    """
    return Book(Workspace(load(Package(source, max_bytes=max_bytes))))


def new(*sheets: str) -> Book:
    """Return a new workbook with blank sheets of these names, by default one called "Sheet1".

    Raises:
        SheetpropError: Excel refuses a name, or it is given twice.
    """
    from sheetprop.engine.file.blank import blank_workbook
    from sheetprop.engine.file.loading import Contents

    contents = Contents(Package(blank_workbook()))
    contents.package.path = "the new workbook"
    book = Book(Workspace(contents))
    for name in sheets or ("Sheet1",):
        book.add_sheet(name)
    return book


def canonical(formula: str, row: int, column: int, sheet: str | None) -> str:
    """Return a formula's spelling-independent relative form.

    Two formulas are the same family exactly when their canonical forms are equal: references
    are R1C1, function names upper case, blanks and needless brackets gone, numbers in their
    shortest form, references to the own sheet unqualified.

    Raises:
        FormulaError: the text is no formula.
    """
    return canonical_text(parse(formula, row, column, sheet))


class Book:
    """An open workbook.

    Used with ``with``, it is only a name for a block: nothing is saved by itself.

    Attributes:
        sheet_names: the sheets in the order of their tabs.
        names: defined names of the whole workbook -> the text of what they stand for.
        remarks: what is odd about the file, a line each.
        missing: sheets that the file names and has no part for; they are read as blank.
    """

    def __init__(self, space: Workspace) -> None:
        self._space = space
        self._session = Session(space)
        self._sheets = {sheet.name: Sheet(sheet, self._session) for sheet in space.sheets}
        self.sheet_names = self._session.sheet_names
        contents = space.contents
        self.remarks = list(contents.remarks)
        self.missing = [sheet.name for sheet in contents.sheets if not sheet.part]
        self.names = {contents.spelled[key]: text for key, text in contents.names.items()
                      if key[0] is None and key not in contents.hidden_names}

    def __repr__(self) -> str:
        formulas = sum((block.last - block.first + 1) * len(block.program)
                       for sheet in self._space.sheets for block in sheet.blocks)
        formulas += sum(len(sheet.arrays) for sheet in self._space.sheets)
        count = len(self.sheet_names)
        shown = ", ".join(map(repr, self.sheet_names[:4])) + (", ..." if count > 4 else "")
        return f"<Book {self.path}: {count} {'sheet' if count == 1 else 'sheets'} ({shown}), {formulas:,} formulas>"

    def __enter__(self) -> Book:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        return None

    @property
    def path(self) -> str:
        """The file that the workbook was opened from."""
        return self._session.path

    def part(self, name: str) -> bytes:
        """Return a part of the file as it was opened, such as ``xl/worksheets/sheet1.xml``."""
        return self._space.contents.package.read(name)

    @property
    def iterate(self) -> tuple[int, float] | None:
        """How circular references are iterated: at most how often, until nothing moves by more than the second number.

        None: they are not, and stay 0. It begins as the file says; setting it leaves the file's own setting alone.
        """
        return self._space.contents.iterate

    @iterate.setter
    def iterate(self, setting: int | tuple[int, float] | None) -> None:
        given = (setting, 0.001) if isinstance(setting, int) else setting
        usual = given is None or (
            isinstance(given, tuple) and len(given) == 2 and isinstance(given[0], int)
            and isinstance(given[1], int | float) and 1 <= given[0] <= 1_000_000 and given[1] >= 0)
        if not usual:
            raise SheetpropError(f"iterate: {setting!r} is no setting; give how often, such as 100, or (100, 0.001)")
        self._space.contents.iterate = given
        self._session.changed(formulas=False)

    def sheet(self, name: str) -> Sheet:
        """Return a sheet by name, case ignored as Excel does.

        Raises:
            SheetpropError: there is no such sheet; the message says the nearest name.
        """
        return self._sheets[self._session.sheet(name).name]

    def __getitem__(self, ref: str) -> Any:
        """Return a sheet by its name, or the values of "Loan!B4", "Loan!B4:C9", of a defined name or a table.

        One cell gives its value, more a 2-D array as `Sheet` gives them; a name that stands for a formula or a constant
        gives its value. A sheet comes before a name spelled alike.

        Raises:
            SheetpropError: there is nothing of that name; the message says the nearest one.
        """
        if not isinstance(ref, str):
            raise SheetpropError(f"book[{ref!r}]: give a sheet's name, a cell such as 'Sheet1!B4', or a defined name")
        if ref in self:
            return self.sheet(ref)
        known = "!" in ref or (None, ref.strip().casefold()) in self._space.contents.names \
            or self._session.table(ref) is not None
        if not known:
            tables = self._space.contents.outline.tables.values()
            words = [*self.sheet_names, *self.names, *(table.name for table in tables)]
            raise SheetpropError(f"{self.path}: has no sheet or name {ref!r}; {nearest(ref, words)}")
        try:
            store, *place = self._session.area(ref)
        except SheetpropError:
            from sheetprop.engine.access.naming import named_value

            found, value = named_value(self._session, ref)
            if not found:
                raise
            return value
        area = (place[0], place[1], place[2], place[3])
        self._sheets[store.name]._fresh(area)
        if area[:2] == area[2:]:
            return store.get(area[0], area[1])
        return grid_of(store, area)

    def __contains__(self, sheet: object) -> bool:
        return isinstance(sheet, str) and sheet.casefold() in self._space.by_name

    def __iter__(self) -> Iterator[Sheet]:
        return iter(self._sheets.values())

    def __len__(self) -> int:
        return len(self._sheets)

    def frame(self, ref: str, *, header: bool = True, dates: bool = True) -> pd.DataFrame:
        """Return a table, a range such as "Loan!A1:C9", a defined name or a whole sheet as a pandas frame.

        See `Sheet.frame`.
        """
        if ref in self:
            return self.sheet(ref).frame(header=header, dates=dates)
        store, *_ = framed_area(self._session, ref, None)
        return self._sheets[store.name].frame(ref, header=header, dates=dates)

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

    def what_if(self, sets: Mapping[str, object], gets: Sequence[str], *, grid: bool = False) -> pd.DataFrame:
        """Evaluate the workbook for many values of some cells; the workbook stays as it is.

        Args:
            sets: cell, range or defined name -> its values, one after another: numbers, dates, truth values or text.
                All give equally many, or one.
            gets: cells, ranges or defined names to report.
            grid: whether every value of one cell meets every value of the others.

        Returns:
            A frame with a row for each scenario; its columns are named as `sets` and `gets` name the cells. A result
            that is an error is missing.

        Raises:
            SheetpropError: a reference names no cells, or a value cannot be used.
        """
        import pandas as pd

        from sheetprop.engine.access.scenarios import given_settings, what_if

        settings = given_settings(sets, self._space.contents.date1904)
        found = what_if(self._session, settings, [gets] if isinstance(gets, str) else gets, grid=grid)
        return pd.DataFrame(found.rows, columns=found.columns)

    def goal_seek(self, target: str, value: float, by: str, *, tolerance: float = 1e-9) -> Goal:
        """Find the number in the cell `by` with which the cell `target` has a value, and put it there.

        Args:
            target: a cell that depends on `by`.
            value: what it is to be.
            by: the cell to change, which holds a number; the search begins there.
            tolerance: how far from the value is near enough, relative to its size.

        Raises:
            SheetpropError: no such number was found; the workbook stays as it was.
        """
        from sheetprop.engine.access.seeking import goal_seek

        return goal_seek(self._session, target, value, by, tolerance)

    def precedents(self, ref: str) -> list[str]:
        """Return the cells and ranges that a cell's formula names, as ``Sheet!A1:B2``, in the order of the formula."""
        from sheetprop.engine.access.explaining import precedents

        return precedents(self._session, ref)

    def dependents(self, ref: str, *, all: bool = False) -> list[str]:
        """Return the cells whose formulas name a cell of `ref`; with `all` every one that hangs on it in the end."""
        from sheetprop.engine.access.explaining import dependents_of

        return dependents_of(self._session, ref, every=all)

    def explain(self, ref: str, *, depth: int = 1) -> Explanation:
        """Return a cell's formula as a tree with the value of each part; ``print`` it to read it.

        Args:
            ref: the cell.
            depth: how many formulas deep: 1 is the cell's own, 2 those of the cells that it names, and so on.
        """
        from sheetprop.engine.access.explaining import explain

        return explain(self._session, ref, depth)

    def set(self, ref: str, value: object, *, header: bool = True) -> None:
        """Put a constant, a formula or a block of them into cells; what depends on them is calculated when asked for.

        A cell keeps its format; where it has none, a date, a time or a percentage gets one that shows it so.

        Args:
            ref: a cell or a range as "Parameters!C5", or a defined name. A formula that stands there is replaced.
            value: a number, text, truth value, error (`ExcelError`), date or time, or None for blank; text that
                begins with ``=`` is a formula, text behind an apostrophe is text, "5%" is a percentage. One value
                for a range goes into each of its cells. A block is a list of rows, a list of values (one row), a
                NumPy array, or a pandas frame; it goes into the range, or from the given cell on to the right and down.
            header: whether the names of a frame's columns are written above it.

        Raises:
            SheetpropError: a cell cannot hold a value, or not be changed; no cell is changed then.
        """
        from sheetprop.engine.access.setting import set_cells

        set_cells(self._session, ref, value, header=header)

    def add_sheet(self, name: str) -> Sheet:
        """Add a blank sheet behind the others and return it.

        Raises:
            SheetpropError: Excel refuses the name, or a sheet has it.
        """
        from sheetprop.engine.access.setting import add_sheet

        store = add_sheet(self._session, name)
        self._sheets[name] = Sheet(store, self._session)
        return self._sheets[name]

    def copy(self) -> Book:
        """Return a copy, which can be changed without changing this one."""
        from sheetprop.engine.access.copying import copied

        made = Book(copied(self._space))
        made._session.resume(self._session)
        return made

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

    def register(self, name: str, function: Callable[..., object]) -> None:
        """Give a function that the engine lacks (of VBA, of an add-in) a meaning.

        Args:
            name: as formulas spell it, case ignored.
            function: takes a number, text, truth value or None for each argument, for a range its rows as lists;
                returns one value, or rows of values.

        Raises:
            SheetpropError: it is a function of Excel's that the engine has.
        """
        from sheetprop.engine.functions import find

        if find(name.upper()):
            raise SheetpropError(f"{name}: is a function of Excel's; register one of another name")
        self._space.registered[name.upper().removeprefix("_XLL.")] = function
        self._session.changed(formulas=False)

    @property
    def exact(self) -> bool:
        """Whether numbers are compared to the last bit, as other languages do it; Excel takes 15 digits.

        Excel's way, the default here, makes ``=0.1+0.2=0.3`` true, and ``=0.5-0.4-0.1`` 0.
        """
        return self._space.exact

    @exact.setter
    def exact(self, exact: bool) -> None:
        self._space.exact = exact
        self._session.changed(formulas=True)

    def stored(self) -> dict[str, dict[tuple[int, int], Value]]:
        """Return what the file holds: sheet -> (row, column) -> value, formulas' stored values and constants alike."""
        from sheetprop.engine.file.stored import stored_cells

        return stored_cells(self._space.contents)

    def save(self, target: str | os.PathLike[str] | BinaryIO, *,
             patch: Mapping[str, Callable[[bytes], bytes]] | None = None,
             sheets: Collection[str] | None = None, rest: str | os.PathLike[str] | None = None) -> None:
        """Write the workbook with its values to a file, which may be the one it came from.

        Only the values of formula cells change, cells that were `set`, and rows filled down;
        all other parts of the file are copied byte for byte. The same workbook gives the same bytes.
        Values that are out of date are calculated first.

        Args:
            target: the path, whose file is replaced only when all went well, or a file object for writing bytes.
            patch: part name -> function from its bytes to new bytes, applied last.
            sheets: write only these anew; by default all.
            rest: the file from which everything else is then copied, to which this workbook was saved before.

        Raises:
            SheetpropError: the place cannot be written to.
        """
        from sheetprop.engine.file.saving import save

        self._session.settled()
        contents, patches = self._space.contents, patch or {}
        if hasattr(target, "write"):
            import io

            buffer = io.BytesIO()
            save(contents, buffer, patch=patches, sheets=sheets, rest=rest)
            try:
                target.write(buffer.getvalue())
            except (TypeError, ValueError) as error:
                raise SheetpropError(f"save: the file object takes no bytes ({error}); use mode 'wb'") from None
            return
        if not isinstance(target, str | os.PathLike):
            raise SheetpropError(f"save: takes a path or a file object, not {type(target).__name__}")
        from sheetprop.files import replacing

        with replacing(target) as temporary, temporary.open("wb") as out:
            save(contents, out, patch=patches, sheets=sheets, rest=rest)

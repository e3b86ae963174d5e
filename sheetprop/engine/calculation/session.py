"""The state of an open workbook that its book and the functions made of it share."""

from __future__ import annotations

from sheetprop.engine.calculation.running import Calculation, Runner
from sheetprop.engine.formula.outline import Table
from sheetprop.engine.formula.references import area_at, quoted, split_sheet
from sheetprop.engine.formula.tree import is_dynamic
from sheetprop.engine.grid.storage import SheetStore
from sheetprop.engine.grid.values import Value
from sheetprop.engine.scope.workspace import Workspace
from sheetprop.errors import SheetpropError, nearest


class Session:
    """One workbook in memory, and whether its values fit its formulas.

    Attributes:
        space: the cells.
        runner: calculates them.
        version: a number that grows with every change of a cell.
        sheet_names: the sheets in the order of their tabs.
    """

    def __init__(self, space: Workspace) -> None:
        self.space = space
        self.runner = Runner(space)
        self.version = 0
        self.sheet_names = [sheet.name for sheet in space.sheets]
        self._fresh = False
        self._spilling: tuple[int, set[int]] = (-1, set())

    @property
    def path(self) -> str:
        """The file that the workbook was opened from."""
        return str(self.space.contents.package.path)

    def sheet(self, name: str) -> SheetStore:
        """Return a sheet by name, case ignored.

        Raises:
            SheetpropError: there is no such sheet; the message says the nearest name.
        """
        found = self.space.by_name.get(name.casefold())
        if found is None:
            raise SheetpropError(f"{self.path}: has no sheet {name!r}; {nearest(name, self.sheet_names)}")
        return found

    def table(self, name: str) -> tuple[SheetStore, Table] | None:
        """Return the table of that name and its sheet, or None."""
        found = self.space.contents.outline.tables.get(name.strip().casefold())
        return None if found is None else (self.sheet(found.sheet), found)

    def area(self, ref: str, own: SheetStore | None = None) -> tuple[SheetStore, int, int, int, int]:
        """Return the sheet and the (top, left, bottom, right) of "Sheet!A1:B3", of a defined name or a table's rows.

        Args:
            ref: the reference.
            own: the sheet that is meant where the reference names none.

        Raises:
            SheetpropError: the reference names no cells; the message says what the name stands for.
        """
        if not isinstance(ref, str):
            raise SheetpropError(f"{ref!r}: is no reference; give a cell such as 'Sheet1!B4', or a name")
        names = self.space.contents.names
        sheet, place = split_sheet(ref)
        store = own if sheet is None else self.sheet(sheet)
        key = place.strip().casefold()
        text = names.get((None if store is None else store.index, key))
        if text is None and sheet is None:
            text = names.get((None, key))
        if text is None:
            table = self.table(place) if sheet is None else None
            rows = table[1].rows(frozenset(("#data",))) if table is not None else None
            if table is not None and rows is not None:
                return table[0], rows[0], table[1].left, rows[1], table[1].right
            if store is None:
                raise SheetpropError(f"{ref!r}: names no cells; write it like {quoted(self.sheet_names[0])}!C5"
                                     f"{self._near(place)}")
            return store, *area_at(place)
        sheet, place = split_sheet(text.lstrip("="))
        found = self.space.by_name.get((sheet or "").casefold())
        try:
            if found is not None:
                return found, *area_at(place)
        except SheetpropError:
            pass
        raise SheetpropError(f"{ref!r}: stands for {text}, which is no range of cells; give the cells")

    def _near(self, name: str) -> str:
        """Return the end of a message: the name that may have been meant."""
        contents = self.space.contents
        known = [contents.spelled[key] for key in contents.names if key not in contents.hidden_names]
        known += [table.name for table in contents.outline.tables.values()]
        close = nearest(name, known) if known else ""
        return f"; {close}" if close.startswith("did") else ""

    def value(self, ref: str) -> Value:
        """Return the value of a cell, given as `area` takes it."""
        store, row, column, _, _ = self.area(ref)
        return store.get(row, column)

    def may_spill(self, sheet: SheetStore) -> bool:
        """Whether a formula of a sheet may give values to cells that have no formula."""
        version, sheets = self._spilling
        if version != self.version:
            sheets = {one.index for one in self.space.sheets if any(array.dynamic for array in one.arrays) or any(
                is_dynamic(family.tree) for block in one.blocks for family in block.program.by_column.values())}
            self._spilling = self.version, sheets
        return sheet.index in sheets

    @property
    def fresh(self) -> bool:
        """Whether all values fit the formulas."""
        return self._fresh

    def calculate(self, seed: int | None = None, now: float | None = None) -> Calculation:
        """Calculate every formula; see `Book.calculate`."""
        self.space.seed = 0 if seed is None else seed
        self.space.now = now
        return self._run()

    def _run(self) -> Calculation:
        self._fresh = True
        try:
            return self.runner.run()
        except BaseException:
            self._fresh = False
            raise

    def settled(self) -> None:
        """Calculate unless nothing has changed since the last time, with the seed and the moment of that time."""
        if not self._fresh:
            self.space.seed = self.space.seed or 0
            self._run()

    def resume(self, other: Session) -> None:
        """Take over how another session of the same cells stands."""
        self._fresh = other._fresh
        self.space.seed, self.space.now = other.space.seed, other.space.now

    def changed(self, *, formulas: bool) -> None:
        """Note that cells have changed."""
        self._fresh = False
        self.version += 1
        if formulas:
            self.runner.steps = None

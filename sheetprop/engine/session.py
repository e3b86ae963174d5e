"""The state of an open workbook that its book and the functions made of it share."""

from __future__ import annotations

from sheetprop.engine.calculation import Calculation, Runner
from sheetprop.engine.storage import SheetStore
from sheetprop.engine.workspace import Workspace
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

    def calculate(self, seed: int | None = None, now: float | None = None) -> Calculation:
        """Calculate every formula; see `Book.calculate`."""
        self.space.seed = 0 if seed is None else seed
        self.space.now = now
        self._fresh = True
        return self.runner.run()

    def settled(self) -> None:
        """Calculate unless nothing has changed since the last time."""
        if not self._fresh:
            self.calculate()

    def changed(self, *, formulas: bool) -> None:
        """Note that cells have changed."""
        self._fresh = False
        self.version += 1
        if formulas:
            self.runner.steps = None

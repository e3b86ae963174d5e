"""What formulas see of the workbook around them: sheets and names by name, settings, what is unknown."""

from __future__ import annotations

from collections import Counter

from sheetprop.engine.file.loading import Contents
from sheetprop.engine.formula.parse import FormulaError
from sheetprop.engine.formula.references import address
from sheetprop.engine.formula.tree import Name
from sheetprop.engine.grid.storage import Family, SheetStore, family
from sheetprop.engine.grid.values import NAME, REF, Raised, Value

TYPE_CHECKING = False  # typing costs a small workbook's time; mypy knows this name
if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from typing import Any

    from sheetprop.engine.grid.operands import Operand


class Workspace:
    """One workbook in memory, as its formulas see it."""

    def __init__(self, contents: Contents) -> None:
        self.contents = contents
        self.sheets = contents.sheets
        self.by_name = {sheet.name.casefold(): sheet for sheet in contents.sheets}
        self.unsupported: Counter[str] = Counter()
        self.places: dict[str, str] = {}
        self.seed: int | None = None
        self.now: float | None = None
        self.random: Any = None
        self._names: dict[tuple[int | None, str], Family | None] = {}
        self.depth = 0  # of names in names
        self.exact = False  # whether numbers are compared to the last bit, and a last subtraction is not rounded
        self.on_demand = False  # whether reading a cell may calculate it
        self.calls = 0  # of a LAMBDA, one inside the other
        self.spills: dict[tuple[int, int, int], tuple[int, int]] = {}  # cell -> the size of what it has to spill over
        self.registered: dict[str, Callable[..., object]] = {}  # functions that the user gives a meaning
        self._stored: dict[str, dict[tuple[int, int], Value]] | None = None

    def kept(self, sheet: SheetStore, row: int, column: int) -> Value:
        """Return the value that the file stores for a formula that nobody can evaluate; None where it has none."""
        if (row, column) in sheet.formulas_set or any(one.first <= row <= one.last for one in sheet.filled):
            return None
        if self._stored is None:
            from sheetprop.engine.file.stored import stored_cells

            self._stored = stored_cells(self.contents)
        return self._stored[sheet.name].get((row, column))

    def generator(self) -> random.Random:
        """Return the source of chance of this calculation, which begins at its seed."""
        if self.random is None:
            import random

            self.random = random.Random(self.seed or 0)
        found: random.Random = self.random
        return found

    def sheet_named(self, name: str) -> SheetStore:
        """Return a sheet; a sheet that is not there is #REF!."""
        sheet = self.by_name.get(name.casefold())
        if sheet is None:
            raise Raised(REF)
        return sheet

    def name_meant(self, node: Name, sheet: SheetStore) -> Family | None:
        """Return a defined name's formula, or None where nothing has that name."""
        if node.sheet is not None:
            sheet = self.by_name.get(node.sheet.casefold(), sheet)
        key = node.name.casefold()
        scope: int | None = sheet.index if (sheet.index, key) in self.contents.names else None
        if (scope, key) not in self._names:
            text = self.contents.names.get((scope, key))
            meant: Family | None = None
            if text is not None:
                try:
                    meant = family(text, 1, 1, None, self.contents.outline)
                except FormulaError:
                    meant = None
            self._names[(scope, key)] = meant
        return self._names[(scope, key)]

    def deeper(self, named: Callable[[], Operand]) -> Operand:
        """Return what a name stands for; one that means itself, in more than 50 steps too, is #NAME?."""
        self.depth += 1
        try:
            if self.depth > 50:
                raise Raised(NAME)
            return named()
        finally:
            self.depth -= 1

    def note_unknown(self, what: str, sheet: SheetStore, row: int, column: int) -> None:
        """Remember that a formula asked for something that is not known."""
        self.unsupported[what] += 1
        self.places.setdefault(what, f"{sheet.name}!{address(row, column)}")

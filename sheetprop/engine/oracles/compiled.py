"""Every formula by the compiled functions of the library `formulas`: an oracle that runs its arithmetic in full.

A call of the library costs about half a millisecond, whether for one cell or for a thousand. So cells
that hold the same relative formula and do not need each other are handed over together as arrays:
rows of a table that do not read each other, and the same row of sheets that are alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from sheetprop.engine.calculation.reads import calls, reads_of
from sheetprop.engine.calculation.schedule import Filling, Scheduler, Unit, Web
from sheetprop.engine.formula.printing import formula_text
from sheetprop.engine.formula.references import address, quoted
from sheetprop.engine.formula.tree import Area, Call, Cell, Name, Node
from sheetprop.engine.grid.storage import Family, SheetStore
from sheetprop.engine.grid.values import ERRORS, ExcelError, Value
from sheetprop.engine.scope.workspace import Workspace
from sheetprop.errors import SheetpropError

# The library takes these apart cell by cell. Others make one number of all cells of an array: AND, MAX, SUM.
_ELEMENTWISE = frozenset(("ABS", "EXP", "IF", "INDEX", "ISNUMBER", "ISTEXT", "TANH"))


def value_given(value: Any) -> Value:
    """Return a single value that the library gave as one of ours."""
    import numpy as np

    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, int | float | np.number):
        number = float(value)
        return number if np.isfinite(number) else ERRORS["#NUM!"]
    text = str(value)
    return ERRORS.get(text, text)


def plain(value: Any) -> Value:
    """Return what another program gave as one of our values."""
    import numpy as np

    if isinstance(value, np.ndarray):
        value = value.reshape(-1)[0] if value.size else None
    if isinstance(value, ExcelError):
        return value
    found = value_given(value)
    return "" if found == "empty" else found


def calculate(space: Workspace, path: Path) -> None:
    """Calculate a workbook in place.

    Args:
        space: the workbook.
        path: its file, for messages.

    Raises:
        SheetpropError: the library is not installed, or cannot follow something in the workbook.
    """
    try:
        library = _Library()
    except ImportError:
        raise SheetpropError("engine 'formulas': is not installed; pip install formulas") from None
    for level in _levels(space):
        lanes = [lane for unit in level for lane in _lanes(space, unit)]
        while lanes:
            together = _alike(lanes)
            spots = [spot for lane in together for spot in lane.step]
            try:
                _evaluate(space, library, spots)
            except SheetpropError:
                raise
            except Exception as error:
                raise SheetpropError(f"{path}: formulas fails at {spots[0].sheet.name}!{address(*spots[0][2:])} "
                                     f"({type(error).__name__}: {error}); try another engine") from None
            for lane in together:
                lane.at += 1
            lanes = [lane for lane in lanes if lane.at < len(lane.steps)]


class _Spot(NamedTuple):
    """A formula cell."""

    sheet: SheetStore
    family: Family
    row: int
    column: int


class _Lane:
    """Steps of a sheet that are calculated one after the other; the cells of a step share a shape."""

    __slots__ = ("at", "steps")

    def __init__(self, steps: list[list[_Spot]]) -> None:
        self.steps = steps
        self.at = 0

    @property
    def step(self) -> list[_Spot]:
        """The cells of the next step."""
        return self.steps[self.at]


def _levels(space: Workspace) -> list[list[Unit]]:
    """Return the units of the schedule; those of a level do not need each other."""
    scheduler = Scheduler(space)
    levels: dict[tuple[int, int], int] = {}
    found: dict[int, list[Unit]] = {}
    for step in scheduler.run():
        if isinstance(step, Web):
            raise SheetpropError(f"{scheduler.place(step)}: holds references in a circle, which engine 'formulas' "
                                 "cannot follow; use another")
        if isinstance(step, Filling):
            raise SheetpropError(f"{step.sheet.name}: holds an array formula over several cells; "
                                 "use engine 'formulas-model'")
        node = (step.sheet.index, step.sheet.block_index(step.first))
        level = max((levels[other] for other in scheduler.needs(node) if other in levels), default=-1) + 1
        # Parts of a block that was split keep the order of the schedule.
        if node in levels:
            level = max(level, levels[node] + 1)
        levels[node] = level
        found.setdefault(level, []).append(step)
    return [found[level] for level in sorted(found)]


def _lanes(space: Workspace, unit: Unit) -> Iterator[_Lane]:
    """Yield a lane for each row of a unit, or one for all where rows need each other."""
    rows = range(unit.first, unit.last + 1) if unit.step > 0 else range(unit.last, unit.first - 1, -1)
    together = _columns_together(space, unit)
    families = unit.program.by_column
    lanes = [[[_Spot(unit.sheet, families[column], row, column) for column in columns] for columns in together]
             for row in rows]
    if len(lanes) > 1 and _rows_need_each_other(space, unit):
        lanes = [[step for steps in lanes for step in steps]]
    for steps in lanes:
        yield _Lane(steps)


def _columns_together(space: Workspace, unit: Unit) -> list[list[int]]:
    """Return the columns of a row in an order in which they can be calculated, those of one shape together.

    The columns of a unit come in such an order, one by one; here a column waits only for the columns
    before it that it may read in its own row.
    """
    levels: dict[int, int] = {}
    steps: dict[tuple[int, str], list[int]] = {}
    for column in unit.columns:
        family = unit.program.by_column[column]
        level = 0
        for read in reads_of(family, space, unit.sheet):
            top, bottom = read.rows(unit.first, unit.first)
            if not (read.top_fixed or read.bottom_fixed) and not top <= unit.first <= bottom:
                continue
            left, right = read.columns(column)
            level = max([level, *(before + 1 for other, before in levels.items() if left <= other <= right)])
        levels[column] = level
        shape = _shape(family) if calls(family) <= _ELEMENTWISE else str(column)
        steps.setdefault((level, shape), []).append(column)
    return [steps[key] for key in sorted(steps, key=lambda key: key[0])]


def _rows_need_each_other(space: Workspace, unit: Unit) -> bool:
    first, last = min(unit.columns), max(unit.columns)
    for column in unit.columns:
        for read in reads_of(unit.program.by_column[column], space, unit.sheet):
            left, right = read.columns(column)
            if (read.sheet is None or space.sheet_named(read.sheet) is unit.sheet) and left <= last and \
                    right >= first and read.rows(unit.first, unit.first) != (unit.first, unit.first):
                return True
    return False


def _alike(lanes: list[_Lane]) -> list[_Lane]:
    """Return the lanes whose next steps can be calculated together, the one furthest behind among them."""
    last = min(lanes, key=lambda lane: lane.at)
    family = last.step[0].family
    if not calls(family) <= _ELEMENTWISE:
        return [last]
    shape = _shape(family)
    return [lane for lane in lanes if _shape(lane.step[0].family) == shape]


def _shape(family: Family) -> str:
    """Return what formulas share that compute the same from their cells, wherever these stand."""
    found: str | None = family.cache.get("shape")
    if found is None:
        cells: dict[Node, int] = {}
        parts: list[object] = []
        for node in family.tree.walk():
            if isinstance(node, Cell):
                parts.append(cells.setdefault(node, len(cells)))
            elif node.children():
                kind = [part for part in node.parts() if isinstance(part, str)]
                parts.append((type(node).__name__, *kind, len(node.children())))
            else:
                parts.append(node)
        found = family.cache["shape"] = repr(parts)
    return found


class _Library:
    """The functions that `formulas` compiled, by shape."""

    def __init__(self) -> None:
        import formulas
        import schedula
        from formulas.tokens.operand import XlError

        self.parser = formulas.Parser()
        self.empty = schedula.EMPTY
        self.error = XlError
        self._functions: dict[str, tuple[Any, list[int]]] = {}

    def function(self, family: Family, row: int, column: int) -> tuple[Any, list[int]]:
        """Return the function of a family, and which of its references each argument is."""
        shape = _shape(family)
        if shape not in self._functions:
            tree = family.tree.arguments[0] if isinstance(family.tree, Call) and family.tree.name == "#ARRAY" \
                else family.tree
            row, column = _apart(family, row, column)
            function = self.parser.ast("=" + formula_text(tree, row, column))[1].compile()
            spelled = _spelled(family, row, column)
            self._functions[shape] = function, [spelled[name.upper()] for name in function.inputs]
        return self._functions[shape]

    def held(self, value: Value) -> Any:
        """Return a value as the library holds it."""
        if value is None:
            return self.empty
        return self.error(str(value)) if type(value) is ExcelError else value


def _apart(family: Family, row: int, column: int) -> tuple[int, int]:
    """Return a cell near (row, column) at which references that differ are also spelled differently.

    On its first row ``X8<=X$8/2`` names one cell twice, and a function compiled there would take one
    input where every other row needs two.
    """
    different = len({repr(node) for node in _references(family)})
    for step in range(50):
        if len(_spelled(family, row + step, column + step)) == different:
            return row + step, column + step
    return row, column


def _references(family: Family) -> list[Node]:
    """Return the references of a formula, in the order of its tree."""
    found: list[Node] | None = family.cache.get("references")
    if found is None:
        found = family.cache["references"] = [
            node for node in family.tree.walk() if isinstance(node, Cell | Area | Name)]
    return found


def _spelled(family: Family, row: int, column: int) -> dict[str, int]:
    """Return the names that `formulas` gives to the inputs of a formula -> the last reference so called."""
    found: dict[str, int] = {}
    for at, node in enumerate(_references(family)):
        if isinstance(node, Name):
            found[node.name.upper()] = at
            continue
        assert isinstance(node, Cell | Area)
        sheet = "" if node.sheet is None else quoted(node.sheet).upper() + "!"
        if isinstance(node, Cell):
            found[f"{sheet}{address(*node.at(row, column))}"] = at
        else:
            top, left, bottom, right = node.at(row, column)
            found[f"{sheet}{address(top, left)}:{address(bottom, right)}"] = at
    return found


def _evaluate(space: Workspace, library: _Library, spots: list[_Spot]) -> None:
    """Calculate cells of one shape, all by one call where the areas that they read are the same."""
    import numpy as np

    lead = spots[0]
    function, wanted = library.function(lead.family, lead.row, lead.column)
    arguments: list[Any] = []
    for at in wanted:
        places = [_meant(space, spot, _references(spot.family)[at]) for spot in spots]
        if places[0][1:3] != places[0][3:] or isinstance(_references(lead.family)[at], Area):
            if any(other != places[0] for other in places[1:]):
                for spot in spots:
                    _evaluate(space, library, [spot])
                return
            arguments.append(_area(library, *places[0]))
        else:
            values = [library.held(sheet.get(row, column)) for sheet, row, column, _, _ in places]
            numeric = all(type(value) is float for value in values)
            arguments.append(np.array(values, dtype=float if numeric else object).reshape(-1, 1))
    with np.errstate(all="ignore"):
        result = np.asarray(function(*arguments), dtype=object).reshape(-1)
    for at, spot in enumerate(spots):
        value = plain(result[at if len(result) == len(spots) else 0])
        spot.sheet.set(spot.row, spot.column, 0.0 if value is None else value)


def _meant(space: Workspace, spot: _Spot, node: Node) -> tuple[SheetStore, int, int, int, int]:
    """Return the sheet and the rectangle that a reference in a cell means."""
    row, column = spot.row, spot.column
    if isinstance(node, Name):
        meant = space.name_meant(node, spot.sheet)
        if meant is None or not isinstance(meant.tree, Cell | Area):
            raise SheetpropError(f"{spot.sheet.name}!{address(row, column)}: uses the name {node.name}, "
                                 "which is no cell; use engine 'formulas-model'")
        node = meant.tree
    assert isinstance(node, Cell | Area)
    sheet = spot.sheet if node.sheet is None else space.sheet_named(node.sheet)
    if isinstance(node, Cell):
        return sheet, *node.at(row, column), *node.at(row, column)
    return sheet, *node.at(row, column)


def _area(library: _Library, sheet: SheetStore, top: int, left: int, bottom: int, right: int) -> Any:
    import numpy as np

    rows, columns = sheet.extent()
    bottom, right = min(bottom, max(rows, top)), min(right, max(columns, left))
    return np.array([[library.held(sheet.get(row, column)) for column in range(left, right + 1)]
                     for row in range(top, bottom + 1)], dtype=object)

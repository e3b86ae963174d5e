"""Runs the steps of a schedule and counts what came out."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable

from sheetprop.engine.calculation.formulas import closure_of, grid_of
from sheetprop.engine.calculation.loops import Loop, compiled, fits
from sheetprop.engine.calculation.reads import components, is_dynamic, reads_of
from sheetprop.engine.calculation.schedule import Filling, Scheduler, Step, Unit
from sheetprop.engine.calculation.spilling import fitted, promoted
from sheetprop.engine.formula.references import address
from sheetprop.engine.formula.tree import Area, Cell
from sheetprop.engine.grid.storage import Column, SheetStore, program_of
from sheetprop.engine.grid.values import FIRST_DAY, NA, SHIFT_1904, ExcelError, Value
from sheetprop.engine.scope.context import Context
from sheetprop.engine.scope.workspace import Workspace

TYPE_CHECKING = False  # typing costs a small workbook's time; mypy knows this name
if TYPE_CHECKING:
    from typing import Any

_LOOP_ROWS = 6
_ROUNDS = 12
_SMALL = 400  # cells: to calculate fewer once takes less time than to compile a loop for them


class Calculation:
    """What a calculation found.

    Attributes:
        formulas: number of formula cells.
        families: number of different relative formulas.
        errors: how many formula cells hold each kind of error.
        unsupported: what could not be evaluated -> how often, with the first place in `places`.
        places: what could not be evaluated -> the first cell, as ``Sheet!A1``.
        circular: cells of circular references, as ``Sheet!A1``.
        looped: how many formula cells ran in compiled loops.
    """

    def __init__(self) -> None:
        self.formulas = 0
        self.families = 0
        self.errors: Counter[str] = Counter()
        self.unsupported: dict[str, int] = {}
        self.places: dict[str, str] = {}
        self.circular: list[str] = []
        self.looped = 0

    def __repr__(self) -> str:
        parts = [f"{self.formulas:,} formula{'' if self.formulas == 1 else 's'} in {self.families:,} "
                 f"famil{'y' if self.families == 1 else 'ies'}"]
        if self.errors:
            parts.append("errors: " + ", ".join(f"{count:,} × {kind}" for kind, count in sorted(self.errors.items())))
        if self.unsupported:
            parts.append(f"{sum(self.unsupported.values()):,} not evaluated")
        if self.circular:
            parts.append(f"{len(self.circular):,} circular")
        return f"<Calculation: {', '.join(parts)}>"

    def to_dict(self) -> dict[str, Any]:
        """Return the counts as plain data, for JSON."""
        return {"formulas": self.formulas, "families": self.families, "errors": dict(sorted(self.errors.items())),
                "unsupported": [{"what": what, "count": count, "first": self.places.get(what, "")}
                                for what, count in sorted(self.unsupported.items())],
                "circular": self.circular, "looped": self.looped}


class Runner:
    """Calculates one workbook; the schedule is kept as long as no formula changes.

    Attributes:
        loops: whether rows may run in compiled loops.
        small: how many cells are too few for a loop.
        alike: how many cells one loop would serve, all over the workbook.
        dynamic: whether some formula reads cells that only a calculation knows.
    """

    def __init__(self, space: Workspace) -> None:
        self.space = space
        self.steps: list[Step] | None = None
        self.dynamic = False
        self.looped = 0
        self.loops = True
        self.small = _SMALL
        self.alike: Counter[tuple[int, tuple[int, ...], int]] = Counter()
        self.circular: list[str] = []
        self.resized = False  # whether a result spilled over other cells than before

    def run(self) -> Calculation:
        """Calculate all formulas in order."""
        space = self.space
        space.unsupported.clear()
        space.places.clear()
        space.random = None
        self.looped = 0
        self.circular = []
        for sheet in space.sheets:
            sheet.bounds = sheet.extent()
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(max(limit, 12_000))
        first_day = FIRST_DAY.set(SHIFT_1904 if space.contents.date1904 else 0)
        try:
            for _ in range(_ROUNDS):
                self.resized = False
                steps = self.schedule()
                self.pass_over(steps)
                if not promoted(space) and not self.resized:
                    break
                self.steps = None
                for sheet in space.sheets:
                    sheet.bounds = sheet.extent()
            self.small = 0  # whoever calculates again will do so many times
        finally:
            FIRST_DAY.reset(first_day)
            sys.setrecursionlimit(limit)
            for sheet in space.sheets:
                sheet.bounds = None
        return self.report()

    def schedule(self) -> list[Step]:
        """Return the steps in order, found once for the formulas as they are."""
        if self.steps is None:
            self.steps = Scheduler(self.space).run()
            self.dynamic = self.is_dynamic(self.steps)
            self.alike.clear()
            for step in self.steps:
                if isinstance(step, Unit):
                    self.alike[_loop_key(step)] += (step.last - step.first + 1) * len(step.columns)
        return self.steps

    def is_dynamic(self, steps: list[Step]) -> bool:
        """Say whether some formula reads cells that only a calculation knows."""
        for step in steps:
            if isinstance(step, Unit):
                if any(is_dynamic(step.program.by_column[column], self.space, step.sheet) for column in step.columns):
                    return True
            elif isinstance(step, Filling):
                if is_dynamic(step.array.family, self.space, step.sheet):
                    return True
            elif any(is_dynamic(family, self.space, sheet) for sheet, _, _, family in step.cells) or \
                    self.is_dynamic([*step.fillings, *step.units]):
                return True
        return False

    def pass_over(self, steps: list[Step]) -> None:
        """Run all steps: in their order, or each when it is asked for where references are found while calculating."""
        self.circular.clear()
        self.space.unsupported.clear()
        if self.dynamic:
            self.on_demand(steps)
            return
        for step in steps:
            if isinstance(step, Unit):
                self.unit(step)
            elif isinstance(step, Filling):
                self.fill(step)
            else:
                self.on_demand([step])

    def on_demand(self, steps: list[Step]) -> None:
        """Run steps whose order is found while calculating."""
        from sheetprop.engine.calculation.ondemand import Demand

        demand = Demand(self, steps)
        demand.run()
        self.circular += demand.circular

    def unit(self, unit: Unit) -> None:
        """Run some rows of some columns: as a loop where there are enough rows, else cell by cell."""
        if unit.last - unit.first + 1 < _LOOP_ROWS or self.alike[_loop_key(unit)] < self.small or not self.loops:
            self.careful(unit, unit.first, unit.last)
            return
        loop = compiled(unit.program, unit.columns, unit.step, self.space.exact)
        if loop is not None:
            Fast(self, unit, loop).run()
            return
        if len(unit.columns) > 1 and any(fits(unit.program.by_column[column]) for column in unit.columns):
            for part in _parts(unit, self.space):
                inner = compiled(part.program, part.columns, part.step, self.space.exact)
                if inner is not None:
                    Fast(self, part, inner).run()
                else:
                    self.careful(part, part.first, part.last)
            return
        self.careful(unit, unit.first, unit.last)

    def careful(self, unit: Unit, first: int, last: int) -> None:
        """Evaluate cells one by one, with all of Excel's rules."""
        sheet = unit.sheet
        cells: list[tuple[int, Callable[[Context], Value], Column]] = []
        for column in unit.columns:
            store = sheet.column(column)
            store.reserve(first, last)
            cells.append((column, closure_of(unit.program.by_column[column]), store))
        context = Context(self.space, sheet, first, 0)
        rows = range(first, last + 1) if unit.step > 0 else range(last, first - 1, -1)
        for row in rows:
            context.row = row
            for column, closure, store in cells:
                context.column = column
                store.values[row - store.base] = closure(context)

    def fill(self, step: Filling) -> None:
        """Evaluate an array formula and spread its values over its rectangle."""
        array = step.array
        grid = grid_of(array.family)(Context(self.space, step.sheet, array.top, array.left))
        if array.dynamic:
            grid, resized = fitted(self.space, step.sheet, array, grid)
            self.resized = self.resized or resized
        for row in range(array.top, array.bottom + 1):
            down = 0 if len(grid) == 1 else row - array.top
            for column in range(array.left, array.right + 1):
                across = 0 if len(grid[0]) == 1 else column - array.left
                inside = down < len(grid) and across < len(grid[0])
                value = grid[down][across] if inside else NA
                step.sheet.set(row, column, 0.0 if value is None else value)

    def report(self) -> Calculation:
        """Count formulas, families and errors."""
        result = Calculation()
        families: set[int] = set()
        for sheet in self.space.sheets:
            for block in sheet.blocks:
                rows = block.last - block.first + 1
                result.formulas += rows * len(block.program)
                for column, family in block.program.by_column.items():
                    families.add(id(family))
                    store = sheet.columns.get(column)
                    if store is None:
                        continue
                    if rows == 1:
                        value = store.get(block.first)
                        if type(value) is ExcelError:
                            result.errors[str(value)] += 1
                    else:
                        span = store.span(block.first, block.last)
                        if ExcelError in set(map(type, span)):
                            result.errors.update(str(value) for value in span if type(value) is ExcelError)
            for array in sheet.arrays:
                families.add(id(array.family))
                result.formulas += (array.bottom - array.top + 1) * (array.right - array.left + 1)
                for column in range(array.left, array.right + 1):
                    span = sheet.column(column).span(array.top, array.bottom)
                    result.errors.update(str(value) for value in span if type(value) is ExcelError)
            for row, column, why in sheet.unread:
                self.space.unsupported[why] += 1
                self.space.places.setdefault(why, f"{sheet.name}!{address(row, column)}")
        result.families = len(families)
        result.unsupported = dict(self.space.unsupported)
        result.places = dict(self.space.places)
        result.circular = list(self.circular)
        result.looped = self.looped
        return result


def _loop_key(unit: Unit) -> tuple[int, tuple[int, ...], int]:
    """Return what units share that run in the same loop."""
    return id(unit.program), unit.columns, unit.step


def _parts(unit: Unit, space: Workspace) -> list[Unit]:
    """Split a unit whose columns do not all fit a loop into groups that can run one after another."""
    inside = set(unit.columns)
    same: dict[int, list[int]] = {}
    for column in unit.columns:
        needed: set[int] = set()
        for read in reads_of(unit.program.by_column[column], space, unit.sheet):
            left, right = read.columns(column)
            if read.sheet is None or read.sheet.casefold() == unit.sheet.name.casefold():
                needed.update(one for one in inside if left <= one <= right)
        same[column] = sorted(needed)
    parts: list[Unit] = []
    place = {column: at for at, column in enumerate(unit.columns)}
    for group in components(unit.columns, lambda column: same[column]):
        columns = tuple(sorted(group, key=lambda column: place[column]))
        program = program_of({column: unit.program.by_column[column] for column in columns})
        fit = all(fits(unit.program.by_column[column]) for column in columns)
        if parts and fit and all(fits(parts[-1].program.by_column[column]) for column in parts[-1].columns):
            held = parts.pop()
            columns = held.columns + columns
            program = program_of({column: unit.program.by_column[column] for column in columns})
        parts.append(Unit(unit.sheet, unit.first, unit.last, program, columns, unit.step))
    return parts


class Fast:
    """One run of a compiled loop, with rows that do not fit handed to the careful way."""

    def __init__(self, runner: Runner, unit: Unit, loop: Loop) -> None:
        self.runner = runner
        self.unit = unit
        self.loop = loop
        self.stores = [unit.sheet.column(column) for column in loop.columns]
        for store in self.stores:
            store.reserve(unit.first, unit.last)

    def run(self) -> None:
        """Run all rows, in the unit's direction."""
        unit = self.unit
        total = unit.last - unit.first + 1
        done = attempts = 0
        inner = self.inner_constants()
        if inner:
            if inner != {self.row(0)}:
                self.one_by_one(0, total)
                return
            self.one_by_one(0, 1)
            done = 1
        constants = self.constants()
        while done < total:
            ready = constants is not None and attempts < 24
            before = self.before(done) if ready else None
            outside = self.outside(done) if before is not None else None
            if constants is None or before is None or outside is None:
                if done >= 8 or not ready or (constants is not None and before is not None):
                    self.one_by_one(done, total)
                    return
                self.one_by_one(done, done + 1)
                done += 1
                continue
            columns = self.loop.run(constants, before, outside, range(total - done))
            count = min(len(column) for column in columns)
            for column in columns:
                del column[count:]
            self.keep(done, count, columns)
            self.runner.looped += count * len(columns)
            done += count
            if done < total:
                self.one_by_one(done, done + 1)
                done += 1
                attempts += 0 if count > 64 else 1
        return

    def row(self, done: int) -> int:
        """Return the row that is number `done` in the unit's direction."""
        return self.unit.first + done if self.unit.step > 0 else self.unit.last - done

    def one_by_one(self, start: int, stop: int) -> None:
        """Evaluate rows number `start` to `stop` (not included) the careful way."""
        ends = (self.row(start), self.row(stop - 1))
        self.runner.careful(self.unit, min(ends), max(ends))

    def keep(self, done: int, count: int, columns: list[list[float]]) -> None:
        """Store what the loop returned."""
        if count == 0:
            return
        ends = (self.row(done), self.row(done + count - 1))
        low, high = min(ends), max(ends)
        for store, values in zip(self.stores, columns, strict=True):
            if self.unit.step < 0:
                values.reverse()
            store.values[low - store.base:high - store.base + 1] = values

    def inner_constants(self) -> set[int]:
        """Return the rows of the unit itself at which fixed references point."""
        unit = self.unit
        found: set[int] = set()
        for column, node, _ in self.loop.constants:
            for part in node.walk():
                if isinstance(part, Cell) and part.sheet in (None, unit.sheet.name):
                    at = part.column if part.column_fixed else column + part.column
                    if at in self.loop.columns and unit.first <= part.row <= unit.last:
                        found.add(part.row)
                if isinstance(part, Area):
                    top, left, bottom, right = part.at(unit.first, column)
                    if part.sheet in (None, unit.sheet.name) and top <= unit.last and bottom >= unit.first and any(
                            left <= one <= right for one in self.loop.columns):
                        found.update((max(top, unit.first), min(bottom, unit.last)))
        return found

    def constants(self) -> list[float] | None:
        """Return what is the same in all rows, or None where it is no number."""
        from sheetprop.engine.grid.storage import family_of

        found: list[float] = []
        context = Context(self.runner.space, self.unit.sheet, self.unit.first, 1)
        for column, node, blank in self.loop.constants:
            context.column = column or 1
            if isinstance(node, Cell):
                sheet = context.sheet if node.sheet is None else self.runner.space.by_name.get(node.sheet.casefold())
                if sheet is None:
                    return None
                value = sheet.get(*node.at(context.row, context.column))
                if value is None and blank:
                    value = 0.0
            else:
                value = closure_of(family_of(node))(context)
            if type(value) is not float:
                return None
            found.append(value)
        return found

    def before(self, done: int) -> list[float] | None:
        """Return the values of the rows before row number `done` that the loop carries along."""
        found: list[float] = []
        for column, back in self.loop.carried:
            value = self.unit.sheet.get(self.row(done) - back * self.unit.step, column)
            if type(value) is not float:
                return None
            found.append(value)
        return found

    def outside(self, done: int) -> list[list[Any]] | None:
        """Return the columns that the loop reads row by row, or None where they hold more than numbers."""
        found: list[list[Any]] = []
        unit = self.unit
        ends = (self.row(done), unit.last if unit.step > 0 else unit.first)
        low, high = min(ends), max(ends)
        for name, column, distance, blank in self.loop.externals:
            sheet = unit.sheet if name is None else self.runner.space.by_name.get(name.casefold())
            if sheet is None or column < 1 or low + distance < 1:
                return None
            store = sheet.columns.get(column)
            values: list[Any] = [None] * (high - low + 1) if store is None else store.span(low + distance,
                                                                                          high + distance)
            kinds = set(map(type, values))
            if kinds != {float}:
                if blank and kinds <= {float, type(None)}:
                    values = [0.0 if value is None else value for value in values]
                else:
                    # A loop stops by itself at the first value that is no number; truth values
                    # and text would pass unseen through some operations, so they must not come in.
                    values = [value if type(value) is float else _NOTHING for value in values]
            if unit.step < 0:
                values.reverse()
            found.append(values)
        return found


class _Nothing:
    """Stands for a value that no loop may touch: every operation with it raises TypeError."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        raise TypeError

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        raise TypeError


_NOTHING = _Nothing()
__all__ = ["Calculation", "Runner", "SheetStore"]

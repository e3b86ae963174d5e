"""What a function from input cells to output cells needs of a workbook: the active cells, in order.

A cell is active when it depends on an input and an output depends on it. Everything else keeps
the value that it has now and enters as a constant.
"""

from __future__ import annotations

from sheetprop.engine.calculation.reads import Read, is_dynamic, reads_of
from sheetprop.engine.calculation.schedule import Filling, Step, Unit, Web
from sheetprop.engine.formula.references import address
from sheetprop.engine.grid.storage import ArrayFormula, Family, SheetStore
from sheetprop.engine.scope.workspace import Workspace
from sheetprop.errors import SheetpropError

Spot = tuple[int, int, int]


class Regions:
    """A set of cells as row ranges of columns."""

    __slots__ = ("ranges",)

    def __init__(self) -> None:
        self.ranges: dict[tuple[int, int], list[tuple[int, int]]] = {}

    def add(self, sheet: int, column: int, first: int, last: int) -> None:
        """Add rows `first` to `last` of a column."""
        self.ranges.setdefault((sheet, column), []).append((first, last))

    def hits(self, sheet: int, left: int, right: int, top: int, bottom: int) -> bool:
        """Say whether a rectangle touches the set."""
        if right - left > 64:
            return any(at == sheet and left <= column <= right and self._touch(held, top, bottom)
                       for (at, column), held in self.ranges.items())
        return any(self._touch(self.ranges[(sheet, column)], top, bottom) for column in range(left, right + 1)
                   if (sheet, column) in self.ranges)

    @staticmethod
    def _touch(held: list[tuple[int, int]], top: int, bottom: int) -> bool:
        return any(first <= bottom and last >= top for first, last in held)

    def rows(self, sheet: int, column: int, first: int, last: int) -> tuple[int, int] | None:
        """Return the lowest and highest row of the set within rows `first` to `last` of a column."""
        inside = [(max(low, first), min(high, last)) for low, high in self.ranges.get((sheet, column), ())
                  if low <= last and high >= first]
        if not inside:
            return None
        return min(low for low, _ in inside), max(high for _, high in inside)


class Piece:
    """Rows `first` to `last` of some columns of a unit that take part, in order of calculation."""

    __slots__ = ("columns", "first", "last", "recursive", "unit")

    def __init__(self, unit: Unit, columns: tuple[int, ...], first: int, last: int, recursive: bool) -> None:
        self.unit = unit
        self.columns = columns
        self.first = first
        self.last = last
        self.recursive = recursive

    @property
    def sheet(self) -> SheetStore:
        """The sheet that the rows stand on."""
        return self.unit.sheet

    def rows(self) -> int:
        """Number of rows."""
        return self.last - self.first + 1


class Patch:
    """The cells of an array formula over a rectangle that take part."""

    __slots__ = ("array", "cells", "sheet")

    def __init__(self, filling: Filling, cells: list[Spot]) -> None:
        self.sheet: SheetStore = filling.sheet
        self.array: ArrayFormula = filling.array
        self.cells = cells


class Untraceable(Exception):  # noqa: N818 - a signal: the function has to recalculate the workbook
    """Active cells contain something that only a recalculation can follow; `place` says where."""

    def __init__(self, place: str, why: str) -> None:
        super().__init__(f"{place}: {why}")
        self.place = place
        self.why = why


def _target(space: Workspace, read: Read, own: SheetStore) -> SheetStore | None:
    return own if read.sheet is None else space.by_name.get(read.sheet.casefold())


def trace(space: Workspace, steps: list[Step], inputs: list[Spot], outputs: list[Spot]) -> list[Piece | Patch]:
    """Return what has to be calculated to get from inputs to outputs.

    Raises:
        Untraceable: the order in which an active cell is calculated is found while calculating.
    """
    active = Regions()
    for sheet, row, column in inputs:
        active.add(sheet, column, row, row)
    touched: dict[int, tuple[int, ...]] = {}
    for at, step in enumerate(steps):
        if isinstance(step, Unit):
            found = _active_columns(space, step, active)
            if found:
                touched[at] = found
        else:
            place = _reads_active(space, step, active)
            if place is not None:
                for sheet, row, column in place:
                    active.add(sheet, column, row, row)
                touched[at] = ()
    needed = Regions()
    for sheet, row, column in outputs:
        needed.add(sheet, column, row, row)
    pieces: list[Piece | Patch] = []
    for at in sorted(touched, reverse=True):
        step = steps[at]
        if not isinstance(step, Unit):
            cells = [spot for spot in _cells(step) if needed.hits(spot[0], spot[2], spot[2], spot[1], spot[1])]
            if not cells:
                continue
            if not isinstance(step, Filling):
                sheet, row, column = cells[0]
                raise Untraceable(f"{space.sheets[sheet].name}!{address(row, column)}",
                                  "stands in a circle of references")
            array = step.array
            _need_reads(space, array.family, step.sheet, array.left, (array.top, array.top), needed)
            pieces.append(Patch(step, cells))
            continue
        piece = _needed_part(space, step, touched[at], needed)
        if piece is not None:
            pieces.append(piece)
    pieces.reverse()
    return pieces


def _cells(step: Step) -> list[Spot]:
    if isinstance(step, Filling):
        array = step.array
        return [(step.sheet.index, row, column) for row in range(array.top, array.bottom + 1)
                for column in range(array.left, array.right + 1)]
    if isinstance(step, Web):
        return [(sheet.index, row, column) for sheet, row, column, _ in step.cells] + \
            [spot for filling in step.fillings for spot in _cells(filling)] + \
            [(unit.sheet.index, row, column) for unit in step.units for row in range(unit.first, unit.last + 1)
             for column in unit.columns]
    raise SheetpropError("a unit is no list of cells")


def _reads_active(space: Workspace, step: Step, active: Regions) -> list[Spot] | None:
    cells = _cells(step)
    if isinstance(step, Filling):
        families = [(step.sheet, step.array.top, step.array.left, step.array.family)]
    elif isinstance(step, Web):
        families = step.cells + [(one.sheet, one.array.top, one.array.left, one.array.family) for one in step.fillings]
        families += [(unit.sheet, row, column, unit.program.by_column[column]) for unit in step.units
                     for row in range(unit.first, unit.last + 1) for column in unit.columns]
    else:
        return None
    for sheet, row, column, family in families:
        if is_dynamic(family, space, sheet):
            return cells
        for read in reads_of(family, space, sheet):
            target = _target(space, read, sheet)
            if target is not None and active.hits(target.index, *read.columns(column), *read.rows(row, row)):
                return cells
    return None


def _active_columns(space: Workspace, unit: Unit, active: Regions) -> tuple[int, ...]:
    """Return the columns of a unit that depend on active cells, and enter them in `active`."""
    waiting = list(unit.columns)
    found: set[int] = set()
    moved = True
    while moved and waiting:
        moved = False
        for column in list(waiting):
            family = unit.program.by_column[column]
            # What a formula reads whose places only a calculation knows may be active, too.
            moves = is_dynamic(family, space, unit.sheet)
            for read in reads_of(family, space, unit.sheet):
                target = _target(space, read, unit.sheet)
                if moves or (target is not None and active.hits(target.index, *read.columns(column),
                                                                *read.rows(unit.first, unit.last))):
                    active.add(unit.sheet.index, column, unit.first, unit.last)
                    waiting.remove(column)
                    found.add(column)
                    moved = True
                    break
    return tuple(column for column in unit.columns if column in found)


def _needed_part(space: Workspace, unit: Unit, columns: tuple[int, ...], needed: Regions) -> Piece | None:
    """Return the part of a unit that outputs need, and enter what it reads in `needed`."""
    index = unit.sheet.index
    ends = [rows for column in columns if (rows := needed.rows(index, column, unit.first, unit.last)) is not None]
    if not ends:
        return None
    first, last = min(low for low, _ in ends), max(high for _, high in ends)
    wanted = {column for column in columns if needed.rows(index, column, unit.first, unit.last) is not None}
    recursive = False
    moved = True
    while moved:
        moved = False
        for column in list(wanted):
            for read in reads_of(unit.program.by_column[column], space, unit.sheet):
                if _target(space, read, unit.sheet) is not unit.sheet:
                    continue
                left, right = read.columns(column)
                top, bottom = read.rows(first, last)
                for other in columns:
                    if left <= other <= right and top <= unit.last and bottom >= unit.first:
                        if not (read.top == read.bottom == 0 and not read.top_fixed and not read.bottom_fixed):
                            recursive = True
                        if other not in wanted:
                            wanted.add(other)
                            moved = True
    if recursive:
        if unit.step > 0:
            first = unit.first
        else:
            last = unit.last
    ordered = tuple(column for column in columns if column in wanted)
    for column in ordered:
        needed.add(index, column, first, last)
        _need_reads(space, unit.program.by_column[column], unit.sheet, column, (first, last), needed)
    return Piece(unit, ordered, first, last, recursive)


def _need_reads(space: Workspace, family: Family, sheet: SheetStore, column: int, rows: tuple[int, int],
                needed: Regions) -> None:
    """Enter in `needed` what a family reads in some rows (first, last) of a column."""
    for read in reads_of(family, space, sheet):
        target = _target(space, read, sheet)
        if target is None:
            continue
        left, right = read.columns(column)
        top, bottom = read.rows(*rows)
        for one in range(left, min(right, left + 20_000) + 1):
            needed.add(target.index, one, top, bottom)

"""The order of calculation: units of rows and columns such that everything stands after what it needs.

Three levels, each used only where the one before finds a circle: whole blocks of rows; single
columns of blocks; single cells. A circle that remains among cells need not be a circular reference,
as formulas read less than they name: its cells are calculated on demand.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from sheetprop.engine.calculation.reads import Read, RowReads, components, reads_of
from sheetprop.engine.grid.storage import ArrayFormula, Block, Family, Program, SheetStore, program_of
from sheetprop.engine.scope.workspace import Workspace

TYPE_CHECKING = False  # typing costs a small workbook's time; mypy knows this name
if TYPE_CHECKING:
    from typing import Any


_EDGES = 200_000
_MOST_EDGES = 1_000_000


class _TooMany(Exception):  # noqa: N818 - a signal to the scheduler
    """There are more dependencies than are worth to be looked at."""


class Unit:
    """Rows `first` to `last` of some columns, to be run row by row, downwards (step 1) or upwards (-1)."""

    __slots__ = ("columns", "first", "last", "program", "sheet", "step")

    def __init__(self, sheet: SheetStore, first: int, last: int, program: Program, columns: tuple[int, ...],
                 step: int) -> None:
        self.sheet = sheet
        self.first = first
        self.last = last
        self.program = program
        self.columns = columns
        self.step = step

    def __repr__(self) -> str:
        return f"Unit({self.sheet.name} {self.first}..{self.last} x {len(self.columns)}, {self.step:+d})"


class Filling:
    """An array formula over a rectangle."""

    __slots__ = ("array", "sheet")

    def __init__(self, sheet: SheetStore, array: ArrayFormula) -> None:
        self.sheet = sheet
        self.array = array


class Web:
    """Cells, array formulas and units whose order cannot be told from their formulas: they are calculated on demand."""

    __slots__ = ("cells", "fillings", "units")

    def __init__(self, cells: list[tuple[SheetStore, int, int, Family]], fillings: list[Filling],
                 units: list[Unit] | None = None) -> None:
        self.cells = cells
        self.fillings = fillings
        self.units = units or []


Step = Unit | Filling | Web


class Plan:
    """How the columns of a program depend on each other inside one block."""

    __slots__ = ("columns", "fixed", "step")

    def __init__(self, columns: tuple[int, ...] | None, step: int, fixed: bool) -> None:
        self.columns = columns
        self.step = step
        self.fixed = fixed


class Scheduler:
    """Finds the order for one workbook."""

    def __init__(self, space: Workspace) -> None:
        self.space = space
        self.steps: list[Step] = []
        # Nodes are (sheet index, block index) and (sheet index, -1 - array index). What depends on
        # this workbook's names is kept here, the rest with the program for the whole process.
        self.local: dict[tuple[int, int, str], Any] = {}
        self.edges = 0

    def run(self) -> list[Step]:
        """Return all steps in order."""
        try:
            return self.ordered()
        except _TooMany:
            return [self.unordered()]

    def unordered(self) -> Web:
        """Return all formulas to be calculated on demand; blocks that read nothing of their own later rows as units."""
        web = Web([], [Filling(sheet, array) for sheet in self.space.sheets for array in sheet.arrays])
        for sheet in self.space.sheets:
            for block in sheet.blocks:
                plan = self.plan(block, block.program, sheet)
                if plan.columns is not None:
                    web.units.append(Unit(sheet, block.first, block.last, block.program, plan.columns, plan.step))
                else:
                    web.cells += [(sheet, row, column, family) for row in range(block.first, block.last + 1)
                                  for column, family in block.program.by_column.items()]
        return web

    def ordered(self) -> list[Step]:
        """Return all steps in order.

        Raises:
            _TooMany: so many formulas read so much of each other that to look at it all takes too long.
        """
        nodes = [(sheet.index, at) for sheet in self.space.sheets for at in range(len(sheet.blocks))]
        nodes += [(sheet.index, -1 - at) for sheet in self.space.sheets for at in range(len(sheet.arrays))]
        for group in components(nodes, self.needs):
            if len(group) == 1:
                self.single(group[0])
            else:
                self.by_column(group)
        return self.steps

    @staticmethod
    def place(web: Web) -> str:
        """Return the sheet on which cells that need each other begin."""
        sheets = [cell[0] for cell in web.cells] + [one.sheet for one in web.fillings]
        return (sheets or [one.sheet for one in web.units])[0].name

    def targets(self, sheet: SheetStore, top: int, bottom: int, mask: int) -> list[tuple[int, int]]:
        """Return the nodes whose cells lie in rows `top` to `bottom` of the columns in `mask`."""
        found: list[tuple[int, int]] = []
        at = sheet.block_index(top)
        blocks = sheet.blocks
        while at < len(blocks) and blocks[at].first <= bottom:
            if mask & _mask(blocks[at].program):
                found.append((sheet.index, at))
            at += 1
        for place, array in enumerate(sheet.arrays):
            if array.top <= bottom and array.bottom >= top and \
                    mask & ((1 << (array.right + 1)) - (1 << array.left)):
                found.append((sheet.index, -1 - place))
        return found

    def needs(self, node: tuple[int, int]) -> list[tuple[int, int]]:
        """Return the nodes that a node reads, itself left out."""
        sheet = self.space.sheets[node[0]]
        found: list[tuple[int, int]] = []
        if node[1] < 0:
            array = sheet.arrays[-1 - node[1]]
            for read in reads_of(array.family, self.space, sheet):
                target = self.target_sheet(read.sheet, sheet)
                if target is not None:
                    found += self.targets(target, *read.rows(array.top, array.top), read.mask(array.left))
            return [other for other in found if other != node]
        block = sheet.blocks[node[1]]
        for (name, top, top_fixed, bottom, bottom_fixed), mask in self.row_reads(block.program, sheet).groups:
            target = self.target_sheet(name, sheet)
            if target is None:
                continue
            first = top if top_fixed else block.first + top
            last = bottom if bottom_fixed else block.last + bottom
            if first > last:
                first = min(first, bottom if bottom_fixed else block.first + bottom)
                last = max(last, top if top_fixed else block.last + top)
            found += self.targets(target, first, last, mask)
        self.edges += len(found)
        if self.edges > _MOST_EDGES:
            raise _TooMany
        return [other for other in found if other != node]

    def target_sheet(self, name: str | None, own: SheetStore) -> SheetStore | None:
        """Return the sheet that a read names."""
        return own if name is None else self.space.by_name.get(name.casefold())

    def row_reads(self, program: Program, sheet: SheetStore) -> RowReads:
        """Return what a program reads; kept with the program where no names are involved."""
        found: RowReads | None = program.cache.get("reads") or self.local.get((id(program), sheet.index, "reads"))
        if found is None:
            found = RowReads(program, self.space, sheet)
            if all("reads" in family.cache for family in program.by_column.values()):
                program.cache["reads"] = found
            else:
                self.local[(id(program), sheet.index, "reads")] = found
        return found

    def single(self, node: tuple[int, int]) -> None:
        """Schedule one block or array formula."""
        sheet = self.space.sheets[node[0]]
        if node[1] < 0:
            self.array_step(sheet, sheet.arrays[-1 - node[1]])
            return
        block = sheet.blocks[node[1]]
        plan = self.plan(block, block.program, sheet)
        if plan.columns is not None:
            self.steps.append(Unit(sheet, block.first, block.last, block.program, plan.columns, plan.step))
        else:
            self.by_column([node])

    def array_step(self, sheet: SheetStore, array: ArrayFormula) -> None:
        """Schedule an array formula; one that may read its own cells is calculated on demand."""
        for read in reads_of(array.family, self.space, sheet):
            if self.target_sheet(read.sheet, sheet) is sheet:
                left, right = read.columns(array.left)
                top, bottom = read.rows(array.top, array.top)
                if top <= array.bottom and bottom >= array.top and left <= array.right and right >= array.left:
                    self.steps.append(Web([], [Filling(sheet, array)]))
                    return
        self.steps.append(Filling(sheet, array))

    def plan(self, block: Block, program: Program, sheet: SheetStore) -> Plan:
        """Return in which order and direction a program's columns can run over a block, if they can."""
        many = block.last > block.first
        found: Plan | None = program.cache.get(("plan", many))
        if found is not None:
            return found
        found = _plan(block, program, self.space, sheet, many)
        if not found.fixed and all("reads" in family.cache for family in program.by_column.values()):
            program.cache[("plan", many)] = found
        return found

    def by_column(self, group: list[tuple[int, int]]) -> None:
        """Schedule blocks that need each other, column by column."""
        members: dict[tuple[int, int], set[int]] = {}
        nodes: list[tuple[int, int, int]] = []
        for sheet_at, at in group:
            if at < 0:
                nodes.append((sheet_at, at, 0))
                members[(sheet_at, at)] = {0}
            else:
                columns = self.space.sheets[sheet_at].blocks[at].program.columns
                members[(sheet_at, at)] = set(columns)
                nodes.extend((sheet_at, at, column) for column in columns)

        def needs(node: tuple[int, int, int]) -> list[tuple[int, int, int]]:
            sheet = self.space.sheets[node[0]]
            if node[1] < 0:
                array = sheet.arrays[-1 - node[1]]
                family, column, first, last = array.family, array.left, array.top, array.top
            else:
                block = sheet.blocks[node[1]]
                family, column, first, last = block.program.by_column[node[2]], node[2], block.first, block.last
            found: list[tuple[int, int, int]] = []
            for read in reads_of(family, self.space, sheet):
                target = self.target_sheet(read.sheet, sheet)
                if target is None:
                    continue
                left, right = read.columns(column)
                top, bottom = read.rows(first, last)
                for other in self.targets(target, top, bottom, read.mask(column)):
                    if other not in members:
                        continue
                    if other[1] < 0:
                        found.append((*other, 0))
                    else:
                        found.extend((*other, one) for one in members[other] if left <= one <= right)
            self.edges += len(found)
            if self.edges > _MOST_EDGES:
                raise _TooMany
            return [other for other in found if other != node]

        for part in components(nodes, needs):
            blocks = {(node[0], node[1]) for node in part}
            if len(part) == 1 and part[0][1] < 0:
                self.single((part[0][0], part[0][1]))
                continue
            if len(blocks) == 1 and part[0][1] >= 0:
                sheet = self.space.sheets[part[0][0]]
                block = sheet.blocks[part[0][1]]
                program = program_of({node[2]: block.program.by_column[node[2]] for node in part})
                plan = self.plan(block, program, sheet)
                if plan.columns is not None:
                    self.steps.append(Unit(sheet, block.first, block.last, program, plan.columns, plan.step))
                    continue
            self.by_cell(part)

    def by_cell(self, part: list[tuple[int, int, int]]) -> None:
        """Schedule single cells; those that still form a circle are calculated on demand."""
        cells: dict[tuple[int, int, int], Family] = {}
        rows: dict[tuple[int, int], list[int]] = {}
        fillings: list[Filling] = []
        for sheet_at, at, column in part:
            sheet = self.space.sheets[sheet_at]
            if at < 0:
                fillings.append(Filling(sheet, sheet.arrays[-1 - at]))
                continue
            block = sheet.blocks[at]
            family = block.program.by_column[column]
            for row in range(block.first, block.last + 1):
                cells[(sheet_at, row, column)] = family
            rows.setdefault((sheet_at, column), []).extend(range(block.first, block.last + 1))
        for held in rows.values():
            held.sort()
        if fillings or self.wide(part, len(cells)):
            self.steps.append(Web([(self.space.sheets[at], row, column, family)
                                   for (at, row, column), family in cells.items()], fillings))
            return

        def needs(node: tuple[int, int, int]) -> list[tuple[int, int, int]]:
            sheet = self.space.sheets[node[0]]
            found: list[tuple[int, int, int]] = []
            for read in reads_of(cells[node], self.space, sheet):
                target = self.target_sheet(read.sheet, sheet)
                if target is None:
                    continue
                left, right = read.columns(node[2])
                top, bottom = read.rows(node[1], node[1])
                if left == right and top == bottom:
                    spot = (target.index, top, left)
                    if spot in cells:
                        found.append(spot)
                    continue
                for (at, column), held in rows.items():
                    if at == target.index and left <= column <= right:
                        found.extend((at, row, column)
                                     for row in held[bisect_left(held, top):bisect_right(held, bottom)])
            return found

        for group in components(cells, needs):
            sheet_at, row, column = group[0]
            if len(group) == 1 and group[0] not in needs(group[0]):
                program = program_of({column: cells[group[0]]})
                self.steps.append(Unit(self.space.sheets[sheet_at], row, row, program, (column,), 1))
            else:
                self.steps.append(Web([(self.space.sheets[at], row, column, cells[(at, row, column)])
                                       for at, row, column in sorted(group)], []))

    def wide(self, part: list[tuple[int, int, int]], count: int) -> bool:
        """Say whether cells read so many of each other that to look at them all takes longer than to calculate."""
        edges = 0
        for sheet_at, at, column in part:
            sheet = self.space.sheets[sheet_at]
            block = sheet.blocks[at]
            rows = block.last - block.first + 1
            for read in reads_of(block.program.by_column[column], self.space, sheet):
                left, right = read.columns(column)
                top, bottom = read.rows(block.first, block.first)
                edges += rows * min((bottom - top + 1) * (right - left + 1), count)
        return edges > max(_EDGES, 8 * count)


def _mask(program: Program) -> int:
    found: int | None = program.cache.get("mask")
    if found is None:
        found = 0
        for column in program.columns:
            found |= 1 << column
        program.cache["mask"] = found
    return found


def _plan(block: Block, program: Program, space: Workspace, sheet: SheetStore, many: bool) -> Plan:
    columns = set(program.columns)
    mask = _mask(program)
    same: dict[int, set[int]] = {column: set() for column in columns}
    above = below = fixed = False
    if not many:
        return _row_plan(block, program, space, sheet, columns)
    for column, family in program.by_column.items():
        for read in reads_of(family, space, sheet):
            if read.sheet is not None and space.by_name.get(read.sheet.casefold()) is not sheet:
                continue
            if not mask & read.mask(column):
                continue
            left, right = read.columns(column)
            if read.top_fixed or read.bottom_fixed:
                fixed = True
            here, up, down = _directions(read.top, read.top_fixed, read.bottom, read.bottom_fixed, block)
            above, below = above or up, below or down
            if here:
                same[column].update({left} if left == right else {one for one in columns if left <= one <= right})
    if above and below:
        return Plan(None, 0, fixed)
    order: list[int] = []
    for group in components(sorted(columns), lambda column: sorted(same[column])):
        if len(group) > 1 or group[0] in same[group[0]]:
            return Plan(None, 0, fixed)
        order.append(group[0])
    return Plan(tuple(order), -1 if below else 1, fixed)


def _row_plan(block: Block, program: Program, space: Workspace, sheet: SheetStore, columns: set[int]) -> Plan:
    """Plan a single row: only reads that can hit the row itself matter."""
    fixed = False
    same: dict[int, list[int]] = {}
    simple = True
    for column, family in program.by_column.items():
        near: list[Read] | None = family.cache.get("near")
        if near is None:
            near = [read for read in reads_of(family, space, sheet) if _may_be_here(read)]
            if "reads" in family.cache:
                family.cache["near"] = near
        needed: list[int] = []
        for read in near:
            if read.sheet is not None and space.by_name.get(read.sheet.casefold()) is not sheet:
                continue
            fixed = fixed or read.top_fixed or read.bottom_fixed
            top, bottom = read.rows(block.first, block.first)
            if not top <= block.first <= bottom:
                continue
            left, right = read.columns(column)
            if left == right:
                if left in columns:
                    needed.append(left)
            else:
                needed.extend(one for one in columns if left <= one <= right)
        if needed and max(needed) >= column:
            simple = False
        same[column] = needed
    if simple:
        return Plan(program.columns, 1, fixed)
    order: list[int] = []
    for group in components(program.columns, lambda column: same[column]):
        if len(group) > 1 or group[0] in same[group[0]]:
            return Plan(None, 0, fixed)
        order.append(group[0])
    return Plan(tuple(order), 1, fixed)


def _may_be_here(read: Read) -> bool:
    """Say whether a read can hit the row of the formula itself."""
    if read.top_fixed or read.bottom_fixed:
        return True
    return min(read.top, read.bottom) <= 0 <= max(read.top, read.bottom)


def _directions(top: int, top_fixed: bool, bottom: int, bottom_fixed: bool, block: Block) -> tuple[bool, bool, bool]:
    """Say whether a read from a row of the block can hit that row, block rows above it, rows below it."""
    first, last = block.first, block.last
    here = up = down = False
    # The rows in which the read's ends are extreme are the first and the last one.
    for row in (first, last):
        low = top if top_fixed else row + top
        high = bottom if bottom_fixed else row + bottom
        if low > high:
            low, high = high, low
        here = here or low <= row <= high
        up = up or (low < row and high >= first and row > first and low <= row - 1)
        down = down or (high > row and low <= last and row < last)
    if (top_fixed or bottom_fixed) and last - first > 1:
        # In between, a fixed edge may be met: rows between the edge and the ends.
        for edge, is_fixed in ((top, top_fixed), (bottom, bottom_fixed)):
            if is_fixed and first <= edge <= last:
                here = True
                up = up or edge < last
                down = down or edge > first
    return here, up, down

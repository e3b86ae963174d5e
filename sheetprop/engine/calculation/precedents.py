"""Which cells a formula names, which formulas name a cell, and what hangs on some cells in the end.

Unlike the order of calculation this looks at single cells, as a person does who traces a sheet.
References that are made while calculating (OFFSET, INDIRECT, a range between two references) are
those that result with the values that the workbook has now.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator

from sheetprop.engine.calculation.evaluate import operand_of
from sheetprop.engine.formula.references import MAX_COLUMN, MAX_ROW
from sheetprop.engine.formula.tree import Area, Binary, Call, Cell, Name, Node
from sheetprop.engine.grid.operands import Ref
from sheetprop.engine.grid.storage import Family, SheetStore
from sheetprop.engine.grid.values import Raised
from sheetprop.engine.scope.context import Context
from sheetprop.engine.scope.workspace import Workspace

CHANGING = frozenset(("RAND", "RANDBETWEEN", "RANDARRAY", "NOW", "TODAY"))
_MADE = frozenset(("OFFSET", "INDIRECT", "ANCHORARRAY"))


def formula_at(sheet: SheetStore, row: int, column: int) -> tuple[Family, int, int] | None:
    """Return the formula of a cell and the (row, column) where it is entered: the corner, of one over a rectangle."""
    family = sheet.family_at(row, column)
    if family is not None:
        return family, row, column
    for array in sheet.arrays:
        if array.top <= row <= array.bottom and array.left <= column <= array.right:
            return array.family, array.top, array.left
    return None


def formulas(space: Workspace) -> Iterator[tuple[SheetStore, int, int, Family]]:
    """Yield all formulas, one over a rectangle at its corner."""
    for sheet in space.sheets:
        for block in sheet.blocks:
            for column, family in block.program.by_column.items():
                for row in range(block.first, block.last + 1):
                    yield sheet, row, column, family
        for array in sheet.arrays:
            yield sheet, array.top, array.left, array.family


def named_areas(tree: Node, space: Workspace, sheet: SheetStore, row: int, column: int) -> list[Ref]:
    """Return the cells and ranges that a formula names, each once, in the order in which they stand in it."""
    found: dict[tuple[int, int, int, int, int], Ref] = {}
    for ref in _named(tree, space, sheet, row, column):
        found.setdefault((ref.sheet.index, ref.top, ref.left, ref.bottom, ref.right), ref)
    return list(found.values())


def _named(tree: Node, space: Workspace, sheet: SheetStore, row: int, column: int) -> Iterator[Ref]:
    """Yield what a formula names from left to right; formulas may be thousands of operations deep."""
    met: set[str] = set()
    waiting: list[tuple[Node, bool]] = [(tree, False)]
    while waiting:
        node, below_done = waiting.pop()
        if below_done:
            try:
                made = operand_of(node)(Context(space, sheet, row, column))
            except Raised:
                continue
            if isinstance(made, Ref):
                yield made
        elif isinstance(node, Cell | Area):
            first, last = (node, node) if isinstance(node, Cell) else (node.first, node.last)
            target = sheet if first.sheet is None else space.by_name.get(first.sheet.casefold())
            ends = [first.at(row, column), last.at(row, column)]
            (top, bottom), (left, right) = (sorted(edge) for edge in zip(*ends, strict=True))
            if target is not None and top >= 1 and left >= 1 and bottom <= MAX_ROW and right <= MAX_COLUMN:
                yield Ref(target, top, left, bottom, right)
        elif isinstance(node, Name):
            meant = space.name_meant(node, sheet)
            if meant is not None and node.name.casefold() not in met:
                met.add(node.name.casefold())
                waiting.append((meant.tree, False))
        else:
            if (isinstance(node, Call) and node.name in _MADE) or (isinstance(node, Binary) and node.operator == ":"):
                waiting.append((node, True))
            waiting.extend((child, False) for child in reversed(node.children()))


class Cells:
    """A set of cells that can be asked whether it meets a rectangle."""

    def __init__(self) -> None:
        self.columns: dict[tuple[int, int], tuple[set[int], list[int]]] = {}

    def add(self, sheet: SheetStore, row: int, column: int) -> None:
        """Put a cell in."""
        rows, ordered = self.columns.setdefault((sheet.index, column), (set(), []))
        if row not in rows:
            rows.add(row)
            if not ordered or row > ordered[-1]:
                ordered.append(row)
            else:
                insort(ordered, row)

    def holds(self, sheet: SheetStore, row: int, column: int) -> bool:
        """Say whether a cell is in it."""
        found = self.columns.get((sheet.index, column))
        return found is not None and row in found[0]

    def meets(self, ref: Ref) -> bool:
        """Say whether one of its cells lies in a rectangle."""
        width = ref.right - ref.left + 1
        columns = range(ref.left, ref.right + 1) if width <= len(self.columns) else [
            column for index, column in self.columns if index == ref.sheet.index and ref.left <= column <= ref.right]
        for column in columns:
            found = self.columns.get((ref.sheet.index, column))
            if found is None:
                continue
            if ref.top == ref.bottom:
                if ref.top in found[0]:
                    return True
            else:
                at = bisect_left(found[1], ref.top)
                if at < len(found[1]) and found[1][at] <= ref.bottom:
                    return True
        return False

    def __len__(self) -> int:
        return sum(len(rows) for rows, _ in self.columns.values())

    def __iter__(self) -> Iterator[tuple[int, int, int]]:
        """Yield (index of the sheet, row, column), sheet by sheet and row by row."""
        yield from sorted((index, row, column) for (index, column), (_, ordered) in self.columns.items()
                          for row in ordered)


def dependents(space: Workspace, seeds: Cells, *, all_of_them: bool = False) -> Cells:
    """Return the formula cells that name a cell of `seeds`, or in the end hang on one of them."""
    found = Cells()
    sources = seeds
    if all_of_them:
        sources = Cells()
        for index, row, column in seeds:
            sources.add(space.sheets[index], row, column)
    waiting = [(sheet, row, column, family) for sheet, row, column, family in formulas(space)]
    arrays = {(sheet.index, array.top, array.left): array for sheet in space.sheets for array in sheet.arrays}
    while waiting:
        left: list[tuple[SheetStore, int, int, Family]] = []
        for sheet, row, column, family in waiting:
            if not any(sources.meets(ref) for ref in _named(family.tree, space, sheet, row, column)):
                left.append((sheet, row, column, family))
                continue
            array = arrays.get((sheet.index, row, column))
            spots = [(row, column)] if array is None else [
                (at, one) for at in range(array.top, array.bottom + 1) for one in range(array.left, array.right + 1)]
            for at, one in spots:
                found.add(sheet, at, one)
                if all_of_them:
                    sources.add(sheet, at, one)
        if not all_of_them or len(left) == len(waiting):
            break
        waiting = left[::-1]  # chains that run upwards are as quick as those that run downwards
    return found


def changing(space: Workspace) -> Cells:
    """Return the cells whose value is another at every calculation (RAND, NOW and their kin), and what hangs on them.

    A name that stands for such a formula counts as well.
    """
    seeds = Cells()
    known: dict[int, bool] = {}
    for sheet, row, column, family in formulas(space):
        changes = known.get(id(family))
        if changes is None:
            changes = known[id(family)] = _changes(family.tree, space, sheet, set())
        if changes:
            seeds.add(sheet, row, column)
    for sheet in space.sheets:
        for array in sheet.arrays:
            if seeds.holds(sheet, array.top, array.left):
                for row in range(array.top, array.bottom + 1):
                    for column in range(array.left, array.right + 1):
                        seeds.add(sheet, row, column)
    if not len(seeds):
        return seeds
    for index, row, column in dependents(space, seeds, all_of_them=True):
        seeds.add(space.sheets[index], row, column)
    return seeds


def _changes(tree: Node, space: Workspace, sheet: SheetStore, met: set[str]) -> bool:
    for node in tree.walk():
        if isinstance(node, Call) and node.name in CHANGING:
            return True
        if isinstance(node, Name) and node.name.casefold() not in met:
            met.add(node.name.casefold())
            meant = space.name_meant(node, sheet)
            if meant is not None and _changes(meant.tree, space, sheet, met):
                return True
    return False


def cells_in(refs: Iterable[Ref]) -> Cells:
    """Return the cells of some rectangles."""
    found = Cells()
    for ref in refs:
        for column in range(ref.left, ref.right + 1):
            for row in range(ref.top, ref.bottom + 1):
                found.add(ref.sheet, row, column)
    return found

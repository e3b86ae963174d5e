"""Which cells a formula reads, and a general tool for ordering things that need each other."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable

from sheetprop.engine.formula.references import MAX_COLUMN, MAX_ROW
from sheetprop.engine.formula.tree import Area, Binary, Call, Cell, Name, Node
from sheetprop.engine.grid.storage import Family, Program, SheetStore
from sheetprop.engine.scope.workspace import Workspace

TYPE_CHECKING = False  # typing costs a small workbook's time; mypy knows this name
if TYPE_CHECKING:
    from typing import TypeVar

    T = TypeVar("T", bound=Hashable)

VOLATILE = frozenset(("RAND", "RANDARRAY", "RANDBETWEEN", "NOW", "TODAY", "OFFSET", "INDIRECT"))
DYNAMIC = frozenset(("OFFSET", "INDIRECT"))


class Read:
    """A rectangle that a formula reads, its edges fixed or at a distance from the formula's cell."""

    __slots__ = ("bottom", "bottom_fixed", "left", "left_fixed", "right", "right_fixed", "sheet", "top", "top_fixed")

    def __init__(self, first: Cell, last: Cell) -> None:
        self.sheet = first.sheet
        self.top, self.top_fixed = first.row, first.row_fixed
        self.bottom, self.bottom_fixed = last.row, last.row_fixed
        self.left, self.left_fixed = first.column, first.column_fixed
        self.right, self.right_fixed = last.column, last.column_fixed

    def columns(self, column: int) -> tuple[int, int]:
        """Return the first and last column as read by a formula in `column`."""
        left = self.left if self.left_fixed else column + self.left
        right = self.right if self.right_fixed else column + self.right
        return (left, right) if left <= right else (right, left)

    def mask(self, column: int) -> int:
        """Return the columns as read by a formula in `column`, a bit each; those beyond the sheet are left out."""
        left, right = self.columns(column)
        left, right = max(left, 1), min(right, MAX_COLUMN)
        return (1 << (right + 1)) - (1 << left) if left <= right else 0

    def rows(self, first: int, last: int) -> tuple[int, int]:
        """Return the first and last row as read by formulas in the rows `first` to `last`."""
        ends: list[int] = []
        for edge, fixed in ((self.top, self.top_fixed), (self.bottom, self.bottom_fixed)):
            ends.extend((edge, edge) if fixed else (first + edge, last + edge))
        return min(ends), max(ends)


def reads_of(family: Family, space: Workspace, sheet: SheetStore) -> list[Read]:
    """Return all rectangles that a family's formulas may read, through defined names too."""
    found: list[Read] | None = family.cache.get("reads")
    if found is not None:
        return found
    found = []
    named = _collect(family.tree, space, sheet, found, set())
    if not named:
        family.cache["reads"] = found
    return found


def _collect(tree: Node, space: Workspace, sheet: SheetStore, found: list[Read], met: set[int]) -> bool:
    named = False
    for node in tree.walk():
        if isinstance(node, Cell):
            found.append(Read(node, node))
        elif isinstance(node, Area):
            found.append(Read(node.first, node.last))
        elif isinstance(node, Binary) and node.operator == ":":
            named = True  # the hull may reach beyond both ends: take the whole of each sheet named
            found.extend(Read(Cell(part.sheet, 1, 1, True, True), Cell(part.sheet, MAX_ROW, MAX_COLUMN, True, True))
                         for part in node.walk() if isinstance(part, Cell))
        elif isinstance(node, Name):
            named = True
            meant = space.name_meant(node, sheet)
            if meant is not None and id(meant) not in met:  # a LAMBDA may name itself
                met.add(id(meant))
                _collect(meant.tree, space, sheet, found, met)
    return named


def calls(family: Family) -> frozenset[str]:
    """Return the names of the functions in a formula."""
    found: frozenset[str] | None = family.cache.get("calls")
    if found is None:
        found = frozenset(node.name for node in family.tree.walk() if isinstance(node, Call))
        family.cache["calls"] = found
    return found


class RowReads:
    """What a program's rows read, gathered by sheet and row distance: (sheet, top, bottom) -> columns."""

    __slots__ = ("groups",)

    def __init__(self, program: Program, space: Workspace, sheet: SheetStore) -> None:
        gathered: dict[tuple[str | None, int, bool, int, bool], int] = {}
        for column, family in program.by_column.items():
            for read in reads_of(family, space, sheet):
                if mask := read.mask(column):
                    key = (read.sheet, read.top, read.top_fixed, read.bottom, read.bottom_fixed)
                    gathered[key] = gathered.get(key, 0) | mask
        self.groups = list(gathered.items())


def components(nodes: Iterable[T], needs: Callable[[T], Iterable[T]]) -> list[list[T]]:
    """Return groups of nodes that need each other, every group after those that it needs (Tarjan)."""
    order: dict[T, int] = {}
    low: dict[T, int] = {}
    on_stack: set[T] = set()
    stack: list[T] = []
    groups: list[list[T]] = []
    for start in nodes:
        if start in order:
            continue
        order[start] = low[start] = len(order)
        stack.append(start)
        on_stack.add(start)
        work = [(start, iter(needs(start)))]
        while work:
            node, rest = work[-1]
            advanced = False
            for other in rest:
                if other not in order:
                    order[other] = low[other] = len(order)
                    stack.append(other)
                    on_stack.add(other)
                    work.append((other, iter(needs(other))))
                    advanced = True
                    break
                if other in on_stack and order[other] < low[node]:
                    low[node] = order[other]
            if advanced:
                continue
            work.pop()
            if work and low[node] < low[work[-1][0]]:
                low[work[-1][0]] = low[node]
            if low[node] == order[node]:
                group: list[T] = []
                while True:
                    member = stack.pop()
                    on_stack.discard(member)
                    group.append(member)
                    if member == node:
                        break
                groups.append(group)
    return groups

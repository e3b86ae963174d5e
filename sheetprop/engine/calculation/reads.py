"""Which cells a formula reads, and a general tool for ordering things that need each other."""

from __future__ import annotations

import itertools
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
DYNAMIC = frozenset(("OFFSET", "INDIRECT", "ANCHORARRAY"))
# To these a reference is a place: no value is read.
_VALUELESS = frozenset(("ROW", "COLUMN", "ROWS", "COLUMNS", "AREAS", "ISREF", "ISFORMULA", "FORMULATEXT", "SHEET",
                        "SHEETS"))


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
    """Return all rectangles that a family's formulas may read, through defined names too.

    Places that only a calculation knows, those of OFFSET and INDIRECT, are not among them: see `is_dynamic`.
    """
    return _gathered(family, space, sheet)[0]


def is_dynamic(family: Family, space: Workspace, sheet: SheetStore) -> bool:
    """Say whether formulas may read cells that are not among their `reads_of`."""
    return _gathered(family, space, sheet)[1]


def _gathered(family: Family, space: Workspace, sheet: SheetStore) -> tuple[list[Read], bool]:
    held: tuple[list[Read], bool] | None = family.cache.get("reads")
    if held is None:
        gatherer = _Gatherer(space, sheet)
        gatherer.collect(family.tree)
        held = gatherer.found, gatherer.dynamic
        if not gatherer.named:
            family.cache["reads"] = held
    return held


class _Gatherer:
    """Finds what a formula reads.

    Attributes:
        found: the rectangles.
        named: whether names of the workbook had a part in it.
        dynamic: whether the formula may read more than that.
    """

    __slots__ = ("dynamic", "found", "met", "named", "sheet", "space")

    def __init__(self, space: Workspace, sheet: SheetStore) -> None:
        self.space = space
        self.sheet = sheet
        self.found: list[Read] = []
        self.met: set[int] = set()
        self.named = False
        self.dynamic = False

    def collect(self, tree: Node) -> None:
        """Enter what a tree reads."""
        stack = [tree]
        while stack:
            node = stack.pop()
            if isinstance(node, Cell):
                self.found.append(Read(node, node))
                continue
            if isinstance(node, Area):
                self.found.append(Read(node.first, node.last))
                continue
            children = node.children()
            if isinstance(node, Binary) and node.operator == ":":
                self.hull(node)
            elif isinstance(node, Name):
                self.name(node)
            elif isinstance(node, Call):
                self.dynamic = self.dynamic or node.name in DYNAMIC
                if node.name in _VALUELESS:
                    children = tuple(child for child in children if not isinstance(child, Cell | Area))
                elif node.name in ("SUMIF", "AVERAGEIF") and len(children) == 3:
                    self.resized(children[0], children[2])
            stack.extend(reversed(children))

    def name(self, node: Name) -> None:
        """Enter what the formula of a defined name reads."""
        self.named = True
        meant = self.space.name_meant(node, self.sheet)
        if meant is not None and id(meant) not in self.met:  # a LAMBDA may name itself
            self.met.add(id(meant))
            self.collect(meant.tree)

    def hull(self, node: Binary) -> None:
        """Enter the smallest rectangle around two references: all that lies between any two of their corners."""
        first, last = self.corners(node.left, 0), self.corners(node.right, 0)
        if not first or not last:
            self.dynamic = True
            return
        ends = [*first, *last]
        sheet = first[0].sheet
        for one, two in itertools.combinations(ends, 2):
            for three, four in itertools.combinations(ends, 2):
                self.found.append(Read(Cell(sheet, one.row, three.column, one.row_fixed, three.column_fixed),
                                       Cell(sheet, two.row, four.column, two.row_fixed, four.column_fixed)))

    def corners(self, node: Node, depth: int) -> list[Cell]:
        """Return corners between which a reference lies, or none where that is not known."""
        if isinstance(node, Cell):
            return [node]
        if isinstance(node, Area):
            return [node.first, node.last]
        if depth > 20:
            return []
        parts: tuple[Node, ...] = ()
        if isinstance(node, Name):
            meant = self.space.name_meant(node, self.sheet)
            parts = (meant.tree,) if meant is not None else ()
        elif isinstance(node, Binary) and node.operator == ":":
            parts = (node.left, node.right)
        elif isinstance(node, Call) and node.name in ("INDEX", "SINGLE"):
            parts = node.arguments[:1]
        elif isinstance(node, Call) and node.name in ("IF", "CHOOSE"):
            parts = node.arguments[1:]
        found = [self.corners(part, depth + 1) for part in parts]
        return [corner for corners in found for corner in corners] if found and all(found) else []

    def resized(self, like: Node, target: Node) -> None:
        """Enter the cells of SUMIF's last range: it has the size of the first one, whatever its own."""
        if isinstance(like, Cell):
            return
        if not isinstance(like, Area) or not isinstance(target, Cell | Area):
            self.dynamic = True
            return
        corner = target if isinstance(target, Cell) else target.first
        one, two = like.first, like.last
        tall = abs(two.row - one.row) if one.row_fixed == two.row_fixed else MAX_ROW
        wide = abs(two.column - one.column) if one.column_fixed == two.column_fixed else MAX_COLUMN
        self.found.append(Read(corner, Cell(corner.sheet, corner.row + tall, corner.column + wide, corner.row_fixed,
                                            corner.column_fixed)))


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

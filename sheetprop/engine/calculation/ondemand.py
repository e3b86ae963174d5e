"""Calculation on demand: a cell that is asked for and not calculated yet is calculated then.

For cells whose order cannot be read off their formulas: where the references, followed blindly,
form a circle, and everywhere in a workbook with references that are only known at run time (OFFSET,
INDIRECT). What counts as a dependency is what is read, so a branch not taken, or a cell of which
only the row is asked, is none. Cells that ask for each other in a circle are found as strongly
connected components while they are calculated (Tarjan's algorithm on the calls themselves).

A cell that needs another is suspended inside Python's own stack, up to a depth; beyond it everything
suspended is given up, the missing cell is calculated from the bottom of the stack, and the rest begins
again. So chains of any length need little stack and at most about two calculations of each cell.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sheetprop.engine.calculation.formulas import TooDeep, closure_of
from sheetprop.engine.calculation.reads import is_dynamic, reads_of
from sheetprop.engine.calculation.schedule import Filling, Step, Unit, Web
from sheetprop.engine.formula.references import address
from sheetprop.engine.grid.storage import Family, SheetStore
from sheetprop.engine.grid.values import VALUE, Value
from sheetprop.engine.grid.waiting import Waiting
from sheetprop.engine.scope.context import Context

TYPE_CHECKING = False  # typing costs a small workbook's time; mypy knows this name
if TYPE_CHECKING:
    from sheetprop.engine.calculation.running import Runner

_DEPTH = 40
_WAITING, _ACTIVE, _SUSPENDED, _PROVISIONAL, _DONE, _SPLIT = range(6)


class Missing(BaseException):
    """Takes nodes that have to be calculated first to the bottom of the stack."""

    def __init__(self, nodes: list[Node]) -> None:
        super().__init__()
        self.nodes = nodes


class Node:
    """What is calculated at once: a cell, an array formula, or a unit whose order is known.

    Attributes:
        cells: (column, first row, last row) of what it calculates.
        step: the array formula or the unit; None for a cell.
        index: when it was first begun, counted from 1.
        low: the lowest index of a node that it needs and that needs it.
        looped: whether it reads itself.
    """

    __slots__ = ("cells", "column", "family", "index", "looped", "low", "row", "sheet", "state", "step")

    def __init__(self, sheet: SheetStore, row: int, column: int, family: Family | None,
                 step: Unit | Filling | None = None) -> None:
        self.sheet, self.row, self.column = sheet, row, column
        self.family = family
        self.step = step
        self.state = _WAITING
        self.index = self.low = 0
        self.looped = False
        self.cells: Sequence[tuple[int, int, int]] = ((column, row, row),)
        if isinstance(step, Unit):
            self.cells = [(one, step.first, step.last) for one in step.columns]
        elif step is not None:
            array = step.array
            self.cells = [(one, array.top, array.bottom) for one in range(array.left, array.right + 1)]


class Demand:
    """Calculates some steps of a schedule, each cell when it is first asked for.

    Attributes:
        circular: the cells of circles that were found, as ``Sheet!A1``.
    """

    def __init__(self, runner: Runner, steps: Iterable[Step]) -> None:
        self.runner = runner
        self.space = runner.space
        self.circular: list[str] = []
        self.nodes: list[Node] = []
        self.stack: list[Node] = []
        self.current: Node | None = None
        self.depth = 0
        self.counter = 0
        self.met: list[Node] | None = None
        self.held: dict[tuple[int, int], Waiting] = {}
        for step in steps:
            self.enter(step)
        for held in self.held.values():
            held.begin()

    def enter(self, step: Step) -> None:
        """Make the nodes of a step."""
        if isinstance(step, Web):
            for filling in step.fillings:
                self.enter(filling)
            for unit in step.units:
                self.enter(unit)
            for sheet, row, column, family in step.cells:
                self.add(Node(sheet, row, column, family))
        elif isinstance(step, Filling):
            self.add(Node(step.sheet, step.array.top, step.array.left, step.array.family, step))
        elif step.first == step.last or any(is_dynamic(step.program.by_column[column], self.space, step.sheet)
                                            for column in step.columns):
            rows = range(step.first, step.last + 1) if step.step > 0 else range(step.last, step.first - 1, -1)
            for row in rows:
                for column in step.columns:
                    self.add(Node(step.sheet, row, column, step.program.by_column[column]))
        else:
            self.add(Node(step.sheet, step.first, step.columns[0], None, step))

    def add(self, node: Node) -> None:
        """Enter a node in the columns of its cells."""
        self.nodes.append(node)
        for column, first, last in node.cells:
            key = (node.sheet.index, column)
            held = self.held.get(key)
            if held is None:
                held = self.held[key] = Waiting(node.sheet, column, self.need)
            if first == last:
                held.cells[first] = node
            else:
                held.units.append((first, last, node))

    def run(self) -> None:
        """Calculate everything."""
        self.space.on_demand = True
        try:
            for node in self.nodes:  # which grows where a unit is split
                self.settle(node)
        finally:
            self.space.on_demand = False
            for held in self.held.values():
                held.end()

    def settle(self, node: Node) -> None:
        """Calculate a node and all that it needs, from the bottom of the stack."""
        todo = [node]
        current, depth, self.current, self.depth = self.current, self.depth, None, 0
        try:
            while todo:
                if todo[-1].state in (_WAITING, _SUSPENDED):
                    try:
                        self.evaluate(todo[-1])
                    except Missing as missing:
                        todo.extend(reversed(missing.nodes))
                        continue
                todo.pop()
        finally:
            self.current, self.depth = current, depth

    def evaluate(self, node: Node) -> None:
        """Calculate a node; what it reads and is not calculated yet is calculated on the way."""
        if node.state == _WAITING:
            self.counter += 1
            node.index = node.low = self.counter
            self.stack.append(node)
        node.state = _ACTIVE
        above, self.current = self.current, node
        names, calls, self.space.depth, self.space.calls = self.space.depth, self.space.calls, 0, 0
        self.depth += 1
        try:
            if node.step is None:
                self.store(node, self.value(node))
            elif isinstance(node.step, Unit):
                self.whole(node, node.step)
            else:
                self.runner.fill(node.step)
        except BaseException:
            if node.state == _ACTIVE:
                node.state = _SUSPENDED
            raise
        finally:
            self.depth -= 1
            self.current, self.space.depth, self.space.calls = above, names, calls
        if node.state == _SPLIT:
            return
        if node.low == node.index:
            self.close(node)
        else:
            node.state = _PROVISIONAL

    def value(self, node: Node) -> Value:
        """Return the value of a cell's formula."""
        assert node.family is not None
        try:
            return closure_of(node.family)(Context(self.space, node.sheet, node.row, node.column))
        except TooDeep:
            if self.depth > 1:
                raise Missing([node]) from None
            return VALUE

    def store(self, node: Node, value: Value) -> None:
        """Put a value into a cell."""
        node.sheet.set(node.row, node.column, value)

    def whole(self, node: Node, unit: Unit) -> None:
        """Calculate a unit whose formulas say what they read: first all that, then the unit in its own order."""
        for column in unit.columns:
            for read in reads_of(unit.program.by_column[column], self.space, unit.sheet):
                sheet = unit.sheet if read.sheet is None else self.space.by_name.get(read.sheet.casefold())
                if sheet is None:
                    continue
                left, right = read.columns(column)
                top, bottom = read.rows(unit.first, unit.last)
                for held in self.between(sheet, left, right):
                    if held.next(top, bottom) is not None:
                        self.need(held, top, bottom)
                        if node.state == _SPLIT:
                            return
        self.finished(node)
        self.runner.unit(unit)

    def between(self, sheet: SheetStore, left: int, right: int) -> list[Waiting]:
        """Return the columns that hold cells of nodes."""
        if right - left < 64:
            return [held for column in range(left, right + 1) if (held := self.held.get((sheet.index, column)))]
        return [held for (index, column), held in self.held.items() if index == sheet.index and left <= column <= right]

    def need(self, held: Waiting, first: int, last: int) -> None:
        """Calculate what is not calculated yet in some rows of a column, on behalf of the current node."""
        reader = self.current
        while (row := held.next(first, last)) is not None:
            node: Node = held.owner(row)
            first = row + 1
            if node.state == _WAITING or (node.state == _SUSPENDED and (reader is None or node.index > reader.index)):
                if self.depth >= _DEPTH:
                    raise Missing(self.waiting(held, row, last))
                try:
                    self.evaluate(node)
                except RecursionError:
                    raise Missing([node]) from None
                if node.state == _SPLIT:
                    first = row
                elif node.state == _PROVISIONAL:
                    self.lower(node.low)
            elif node.state == _PROVISIONAL:
                self.lower(node.low)
            elif isinstance(node.step, Unit):
                if node is reader:
                    first = node.step.last + 1
                else:
                    self.split(node)
                    first = row
            else:
                self.lower(node.index)
                node.looped = node.looped or node is reader
                self.guess(held, row)
            if reader is not None and reader.state == _SPLIT:
                return

    def waiting(self, held: Waiting, first: int, last: int) -> list[Node]:
        """Return what calculates some rows of a column and has not begun."""
        found: dict[int, Node] = {}
        row: int | None = first
        while row is not None:
            node = held.owner(row)
            if node.state in (_WAITING, _SUSPENDED):
                found[id(node)] = node
            row = held.next(row + 1, last)
        return list(found.values())

    def lower(self, low: int) -> None:
        """Note that the current node needs one that needs it; a unit is then calculated cell by cell."""
        current = self.current
        if current is None:
            return
        if isinstance(current.step, Unit):
            self.split(current)
        else:
            current.low = min(current.low, low)

    def split(self, node: Node) -> None:
        """Make the cells of a unit nodes of their own."""
        unit = node.step
        assert isinstance(unit, Unit)
        node.state = _SPLIT
        self.stack.remove(node)
        rows = range(unit.first, unit.last + 1) if unit.step > 0 else range(unit.last, unit.first - 1, -1)
        for row in rows:
            for column in unit.columns:
                one = Node(unit.sheet, row, column, unit.program.by_column[column])
                self.nodes.append(one)
                self.held[(unit.sheet.index, column)].cells[row] = one

    def guess(self, held: Waiting, row: int) -> None:
        """Give a cell that asks for itself, in the end, a value to begin with."""
        if self.space.contents.iterate is None or type(held.column.values[row - held.column.base]) is not float:
            held.column.values[row - held.column.base] = 0.0

    def close(self, node: Node) -> None:
        """End a node that needs nothing unfinished; what was begun after it and is not done forms a circle with it."""
        members: list[Node] = []
        while True:
            one = self.stack.pop()
            if one is node or one.state != _SUSPENDED:
                members.append(one)
            else:  # given up, and not needed when its reader began again
                one.state = _WAITING
            if one is node:
                break
        if len(members) == 1 and not node.looped:
            self.finished(node)
        else:
            self.circle(members)

    def finished(self, node: Node) -> None:
        """Note that the cells of a node have their values."""
        node.state = _DONE
        index = node.sheet.index
        for column, first, last in node.cells:
            self.held[(index, column)].done(first, last)
        if self.met is not None:
            self.met.append(node)

    def circle(self, members: list[Node]) -> None:
        """Iterate a circular reference where the file asks for it; otherwise its cells are 0."""
        members.sort(key=lambda node: (node.sheet.index, node.row, node.column))
        self.circular.extend(f"{node.sheet.name}!{address(node.row, node.column)}" for node in members)
        settings = self.space.contents.iterate
        for node in members:
            self.finished(node)
            for column, first, last in node.cells:
                for row in range(first, last + 1):
                    if settings is None or type(node.sheet.get(row, column)) is not float:
                        node.sheet.set(row, column, 0.0)
        if settings is None:
            return
        rounds, least = settings
        met, self.met = self.met, []
        for _ in range(rounds):
            moved = 0.0
            for node in [*members, *self.met]:
                before = node.sheet.get(node.row, node.column)
                self.again(node)
                after = node.sheet.get(node.row, node.column)
                if type(before) is float and type(after) is float:
                    moved = max(moved, abs(after - before))
                elif before != after:
                    moved = max(moved, 1.0)
            if moved < least:
                break
        self.met = met

    def again(self, node: Node) -> None:
        """Calculate a cell of a circle once more."""
        reader = Node(node.sheet, node.row, node.column, node.family)
        reader.index = reader.low = self.counter + 1
        current, depth = self.current, self.depth
        while True:
            self.current, self.depth = reader, 1
            try:
                if node.step is None:
                    self.store(node, self.value(node))
                elif isinstance(node.step, Unit):
                    self.runner.unit(node.step)
                else:
                    self.runner.fill(node.step)
                return
            except Missing as missing:
                for one in missing.nodes:
                    self.settle(one)
            finally:
                self.current, self.depth = current, depth

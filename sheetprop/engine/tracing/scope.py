"""Where a formula stands while it becomes an expression: its cells as variables, and what is constant around it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from sheetprop.engine.calculation.reads import VOLATILE
from sheetprop.engine.calculation.unknown import Unknown
from sheetprop.engine.formula.tree import Area, Call, Cell, Name, Node
from sheetprop.engine.grid.operands import Areas, as_rows
from sheetprop.engine.grid.storage import SheetStore
from sheetprop.engine.grid.values import NUM, Raised, Value
from sheetprop.engine.scope.context import Closure, Context
from sheetprop.engine.scope.workspace import Workspace
from sheetprop.engine.tracing.choosing import E, number
from sheetprop.engine.tracing.elements import BLANK, Stuck, literal
from sheetprop.engine.tracing.grids import Grid, single

LARGEST = 20_000
_PLACES = frozenset(("ROW", "ROWS", "COLUMN", "COLUMNS"))


class Variables(NamedTuple):
    """How the code around a formula provides what the formula reads.

    Attributes:
        dialect: in which it is written ("python", "numpy", "careful", "numba").
        cell: (reference, column of the formula) -> leaf of an active cell, or None where it is constant.
        varying: list of numbers, one a row -> leaf that reads it in the loop.
        named: operation -> leaf of a variable that holds its value, calculated ahead of the formula.
    """

    dialect: str
    cell: Callable[[Cell, int], E | None]
    varying: Callable[[list[float]], E]
    named: Callable[[E], E]


class Rectangle(NamedTuple):
    """A rectangle of cells; its rows are distances from the formula's row unless `fixed`."""

    sheet: str | None
    top: int
    left: int
    bottom: int
    right: int
    fixed: bool

    def cells(self) -> list[list[Cell]]:
        """Return the cells as references, row by row.

        Raises:
            Stuck: there are too many to be followed one by one.
        """
        if (self.bottom - self.top + 1) * (self.right - self.left + 1) > LARGEST:
            raise Stuck(f"a range of more than {LARGEST} cells")
        return [[Cell(self.sheet, row, column, self.fixed, True) for column in range(self.left, self.right + 1)]
                for row in range(self.top, self.bottom + 1)]

    def resized(self, height: int, width: int) -> Rectangle:
        """Return a rectangle of another size with the same top left cell."""
        return self._replace(bottom=self.top + height - 1, right=self.left + width - 1)


class Scope:
    """Where a formula stands while it is turned into an expression.

    Attributes:
        rows: rows of the formula in order of calculation (one row for a single cell).
        column: its column.
    """

    def __init__(self, space: Workspace, sheet: SheetStore, column: int, rows: list[int],
                 variables: Variables) -> None:
        self.space = space
        self.sheet = sheet
        self.column = column
        self.rows = rows
        self.variables = variables
        self._active: dict[int, tuple[Node, bool]] = {}

    def leaf(self, cell: Cell) -> E | None:
        """Return the variable of an active cell, or None where it is constant."""
        return self.variables.cell(cell, self.column)

    def is_active(self, node: Node) -> bool:
        """Say whether a node's value depends on an active cell."""
        held = self._active.get(id(node))
        if held is None:
            held = self._active[id(node)] = (node, self._reads_active(node))
        return held[1]

    def _reads_active(self, node: Node) -> bool:
        if isinstance(node, Cell):
            return self.leaf(node) is not None
        if isinstance(node, Area):
            return any(self.leaf(cell) is not None for line in self.used(self.rectangle(node)).cells() for cell in line)
        if isinstance(node, Name):
            meant = self.space.name_meant(node, self.sheet)
            return meant is not None and self.is_active(meant.tree)
        if isinstance(node, Call):
            if node.name in VOLATILE:
                raise Stuck(f"the function {node.name}")
            if node.name in _PLACES:
                return False
        return any(self.is_active(part) for part in node.children())

    # ---- cells

    def rectangle(self, node: Area | Cell) -> Rectangle:
        """Return the cells that a reference means."""
        first, last = (node.first, node.last) if isinstance(node, Area) else (node, node)
        left, right = sorted(end.column if end.column_fixed else self.column + end.column for end in (first, last))
        if first.row_fixed == last.row_fixed:
            top, bottom = sorted((first.row, last.row))
            return Rectangle(first.sheet, top, left, bottom, right, first.row_fixed)
        if len(self.rows) > 1:
            raise Stuck("a range that grows from row to row")
        top, bottom = sorted((first.at(self.rows[0], 0)[0], last.at(self.rows[0], 0)[0]))
        return Rectangle(first.sheet, top, left, bottom, right, True)

    def used(self, place: Rectangle) -> Rectangle:
        """Return the part of a rectangle that can hold anything."""
        if not place.fixed:
            return place
        rows, columns = self.sheet_of(place.sheet).used()
        return place._replace(bottom=min(place.bottom, max(rows, place.top)),
                              right=min(place.right, max(columns, place.left)))

    def sheet_of(self, name: str | None) -> SheetStore:
        """Return the sheet that a reference means.

        Raises:
            Stuck: there is none.
        """
        sheet = self.sheet if name is None else self.space.by_name.get(name.casefold())
        if sheet is None:
            raise Stuck("a sheet that is not there")
        return sheet

    def element(self, cell: Cell) -> E:
        """Return what a cell holds."""
        leaf = self.leaf(cell)
        if leaf is not None:
            return leaf
        sheet = self.sheet_of(cell.sheet)
        return self.combined([sheet.get(*cell.at(row, self.column))
                              for row in (self.rows[:1] if cell.row_fixed else self.rows)])

    def elements(self, place: Rectangle) -> Grid:
        """Return what a rectangle of cells holds."""
        return Grid([[self.element(cell) for cell in line] for line in place.cells()])

    # ---- constants

    def combined(self, values: list[Value]) -> E:
        """Return one value, or one for each row, as an expression."""
        first = values[0]
        if all(type(value) is type(first) and value == first for value in values):
            return literal(first)
        kinds = set(map(type, values))
        if kinds == {bool}:
            return E("compare", (self.variables.varying([float(value or 0.0) for value in values]), number(1.0)), "==")
        if kinds - {float, type(None)}:
            raise Stuck("text or an error in some rows")
        numbers = self.variables.varying([float(value or 0.0) for value in values])
        if kinds == {float}:
            return numbers
        filled = self.variables.varying([0.0 if value is None else 1.0 for value in values])
        return E("mixed", (E("compare", (filled, number(1.0)), "=="), numbers, BLANK))

    def constants(self, node: Node, closure: Closure) -> Grid:
        """Return what a node that reads no active cell gives now."""
        context = Context(self.space, self.sheet, self.rows[0], self.column)
        grids: list[list[list[Value]]] = []
        direct = True
        for row in self.rows if len(self.rows) > 1 and _moves(node) else self.rows[:1]:
            context.row = row
            try:
                operand = closure(context)
            except Raised as raised:
                operand = raised.error
            except (OverflowError, ValueError):
                operand = NUM
            except Unknown:
                raise Stuck("a link to another workbook") from None
            grids.append([list(operand.flat())] if isinstance(operand, Areas) else as_rows(operand))
            direct = direct and (operand is None or isinstance(operand, float | str | bool))
        if direct:
            return single(self.combined([grid[0][0] for grid in grids]))
        if len({(len(grid), len(grid[0])) for grid in grids}) > 1:
            raise Stuck("an array whose size changes from row to row")
        return Grid([[self.combined(list(values)) for values in zip(*lines, strict=True)]
                     for lines in zip(*grids, strict=True)])


def _moves(node: Node) -> bool:
    """Say whether a node may have another value in another row."""
    return any((isinstance(part, Cell) and not part.row_fixed) or isinstance(part, Name)
               or (isinstance(part, Area) and not (part.first.row_fixed and part.last.row_fixed))
               or (isinstance(part, Call) and part.name == "ROW") for part in node.walk())

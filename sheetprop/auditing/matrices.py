"""Formulas over ranges as expressions for each of their elements: sums, products of matrices, windows."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sheetprop.auditing.expressions import COMPARISONS, FUNCTIONS_OF_ONE, OPERATORS, Expr, Unknown, make, number
from sheetprop.engine.formula.parse import parse
from sheetprop.engine.formula.tree import Area, Binary, Boolean, Call, Cell, Empty, Name, Node, Number, Unary
from sheetprop.errors import SheetpropError

Matrix = list[list[Expr]]
MAX_ELEMENTS = 20_000


class MatrixReading:
    """Makes expressions from parse trees, cell by cell.

    Args:
        place: what gives the expression of the cell (sheet, row, column); None stands for a blank cell.
        names: defined names -> text of what they stand for.
    """

    def __init__(self, place: Callable[[str, int, int], Expr | None], names: Mapping[str, str]) -> None:
        self.place = place
        self.names = {name.casefold(): text for name, text in names.items()}

    def element(self, tree: Node, sheet: str, row: int, column: int, top: int, left: int) -> Expr:
        """Return what a formula at `top`, `left` gives in the cell `row`, `column` of the range that it fills.

        Raises:
            Unknown: it holds something that is not differentiated here.
        """
        matrix = self.matrix(tree, sheet, top, left)
        down, right = row - top, column - left
        if len(matrix) == 1:
            down = 0
        if len(matrix[0]) == 1:
            right = 0
        if down >= len(matrix) or right >= len(matrix[0]):
            raise Unknown("a cell beyond what its array formula gives")
        return matrix[down][right]

    def matrix(self, node: Node, sheet: str, row: int, column: int) -> Matrix:
        """Return the elements of what a tree gives."""
        if isinstance(node, Number):
            return [[number(node.value)]]
        if isinstance(node, Boolean):
            return [[number(float(node.value))]]
        if isinstance(node, Cell):
            return [[self.cell(node.sheet or sheet, *node.at(row, column))]]
        if isinstance(node, Area):
            return self.area(node, sheet, row, column)
        if isinstance(node, Name):
            return self.matrix(self.meant(node), sheet, row, column)
        if isinstance(node, Unary):
            inner = self.matrix(node.operand, sheet, row, column)
            if node.operator == "%":
                return _each(inner, lambda one: make("/", one, number(100)))
            return inner if node.operator == "+" else _each(inner, lambda one: make("neg", one))
        if isinstance(node, Binary):
            if node.operator not in OPERATORS and node.operator not in COMPARISONS:
                raise Unknown(f"the operator {node.operator!r}")
            return _both(node.operator, self.matrix(node.left, sheet, row, column),
                         self.matrix(node.right, sheet, row, column))
        if isinstance(node, Call):
            return self.call(node, sheet, row, column)
        raise Unknown(type(node).__name__.lower())

    def cell(self, sheet: str, row: int, column: int) -> Expr:
        """Return one cell; a blank one counts as 0."""
        found = self.place(sheet, row, column)
        return number(0) if found is None else found

    def area(self, node: Area, sheet: str, row: int, column: int) -> Matrix:
        """Return the cells of a range, blank ones as 0."""
        if node.whole:
            raise Unknown("whole columns or rows")
        top, left, bottom, right = node.at(row, column)
        if (bottom - top + 1) * (right - left + 1) > MAX_ELEMENTS:
            raise Unknown(f"a range of more than {MAX_ELEMENTS} cells")
        own = node.sheet or sheet
        return [[self.cell(own, r, c) for c in range(left, right + 1)] for r in range(top, bottom + 1)]

    def given(self, node: Node, sheet: str, row: int, column: int) -> list[Expr]:
        """Return the elements of an argument that hold something, as sums and means take them."""
        if isinstance(node, Name):
            node = self.meant(node)
        if isinstance(node, Area) and not node.whole:
            top, left, bottom, right = node.at(row, column)
            if (bottom - top + 1) * (right - left + 1) > MAX_ELEMENTS:
                raise Unknown(f"a range of more than {MAX_ELEMENTS} cells")
            own = node.sheet or sheet
            held = [self.place(own, r, c) for r in range(top, bottom + 1) for c in range(left, right + 1)]
            return [one for one in held if one is not None]
        return [one for line in self.matrix(node, sheet, row, column) for one in line]

    def meant(self, node: Name) -> Node:
        """Return what a defined name stands for."""
        text = self.names.get(node.name.casefold())
        if text is None:
            raise Unknown(f"the name {node.name}")
        try:
            return parse(text)
        except SheetpropError:
            raise Unknown(f"the name {node.name}") from None

    def call(self, node: Call, sheet: str, row: int, column: int) -> Matrix:
        """Return the elements of a function's result."""
        name, arguments = node.name, node.arguments
        if name in ("SUM", "PRODUCT", "AVERAGE", "MAX", "MIN", "SUMSQ", "COUNT"):
            return [[self.total(name, [one for part in arguments for one in self.given(part, sheet, row, column)])]]
        parts = [self.matrix(part, sheet, row, column) for part in arguments if not isinstance(part, Empty)]
        if len(parts) != len(arguments):
            raise Unknown(name)
        if name in ("#ARRAY", "SINGLE") and len(parts) == 1:
            return parts[0]
        if name == "TRANSPOSE" and len(parts) == 1:
            return [list(line) for line in zip(*parts[0], strict=True)]
        if name == "MMULT" and len(parts) == 2:
            return _product(*parts)
        if name == "SUMPRODUCT" and parts:
            if len({(len(one), len(one[0])) for one in parts}) != 1:
                raise Unknown("SUMPRODUCT of ranges of different shapes")
            whole = parts[0]
            for other in parts[1:]:
                whole = _both("*", whole, other)
            return [[_sum([one for line in whole for one in line])]]
        if name in ("SUMXMY2",) and len(parts) == 2:
            gap = _each(_both("-", *parts), lambda one: make("^", one, number(2)))
            return [[_sum([one for line in gap for one in line])]]
        if name == "PI":
            return [[number(3.141592653589793)]]
        if name in FUNCTIONS_OF_ONE and len(parts) == 1:
            return _each(parts[0], lambda one: make(name, one))
        if name in ("POWER", "POW") and len(parts) == 2:
            return _both("^", *parts)
        if name == "LOG" and len(parts) == 1:
            return _each(parts[0], lambda one: make("LOG10", one))
        if name == "LOG" and len(parts) == 2:
            return _both("/", *(_each(part, lambda one: make("LN", one)) for part in parts))
        if name == "IF" and len(parts) == 3:
            return _all("IF", parts)
        if name == "IFERROR" and len(parts) == 2:
            return parts[0]
        raise Unknown(f"the function {name}")

    def total(self, name: str, items: list[Expr]) -> Expr:
        """Return a sum, mean, product, largest or smallest of elements."""
        if name == "COUNT":
            return number(len(items))
        if not items:
            raise Unknown(f"{name} of nothing")
        if name == "SUMSQ":
            items = [make("^", one, number(2)) for one in items]
        op = {"PRODUCT": "*", "MAX": "MAX", "MIN": "MIN"}.get(name, "+")
        found = chained(op, items)
        return make("/", found, number(len(items))) if name == "AVERAGE" else found


def _each(matrix: Matrix, change: Callable[[Expr], Expr]) -> Matrix:
    return [[change(one) for one in line] for line in matrix]


def _both(op: str, left: Matrix, right: Matrix) -> Matrix:
    return _all(op, [left, right])


def _all(op: str, parts: list[Matrix]) -> Matrix:
    rows, columns = max(len(one) for one in parts), max(len(one[0]) for one in parts)
    for one in parts:
        if len(one) not in (1, rows) or len(one[0]) not in (1, columns):
            raise Unknown("ranges of different shapes")
    return [[make(op, *[one[r if len(one) > 1 else 0][c if len(one[0]) > 1 else 0] for one in parts])
             for c in range(columns)] for r in range(rows)]


def _sum(items: list[Expr]) -> Expr:
    return chained("+", items)


def chained(op: str, items: list[Expr]) -> Expr:
    """Return a sum, or the like, from left to right; a long one in halves, so that it is not nested too deeply."""
    if len(items) > 64:
        half = len(items) // 2
        return make(op, chained(op, items[:half]), chained(op, items[half:]))
    found = items[0]
    for one in items[1:]:
        found = make(op, found, one)
    return found


def _product(left: Matrix, right: Matrix) -> Matrix:
    if len(left[0]) != len(right) or len(left) * len(right) * len(right[0]) > MAX_ELEMENTS:
        raise Unknown("MMULT of ranges that do not fit")
    columns = list(zip(*right, strict=True))
    return [[_sum([make("*", a, b) for a, b in zip(line, column, strict=True)]) for column in columns]
            for line in left]

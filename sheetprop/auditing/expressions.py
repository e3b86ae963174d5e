"""The formulas of a table as interned expressions: made from parse trees, evaluated over rows, printed.

Equal expressions are one object. A place is ``(column, offset)``: a column of the table, `offset`
rows from the row in question, or ``(sheet, row, column)``: one fixed cell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sheetprop.auditing.grid import Grid, Place, turned
from sheetprop.engine.formula.parse import parse
from sheetprop.engine.formula.printing import number_text
from sheetprop.engine.formula.tree import Area, Binary, Boolean, Call, Cell, Empty, Name, Node, Number, Unary
from sheetprop.errors import SheetpropError

if TYPE_CHECKING:
    import numpy as np

MAX_CELLS = 200
OPERATORS = frozenset("+-*/^")
COMPARISONS = frozenset(["=", "<>", "<", ">", "<=", ">="])
FUNCTIONS_OF_ONE = frozenset(["EXP", "LN", "LOG10", "SQRT", "ABS", "TANH", "SINH", "COSH", "SIGN", "SIN", "COS",
                              "ATAN"])
_STRENGTH = {"+": 3, "-": 3, "*": 4, "/": 4, "^": 5}


class Unknown(Exception):  # noqa: N818 - a formula beyond what is differentiated here, not a failure
    """The formula uses something that is not differentiated here; the text says what."""


class Expr:
    """One node: `op` is ``n`` (number), ``v`` (place), an operator, ``neg`` or a function's name."""

    __slots__ = ("args", "op", "value")

    def __init__(self, op: str, args: tuple[Expr, ...], value: Any) -> None:
        self.op = op
        self.args = args
        self.value = value

    def __repr__(self) -> str:
        return show(self, 2, None)


_KNOWN: dict[Any, Expr] = {}


def make(op: str, *args: Expr, value: Any = None) -> Expr:
    """Return the one expression with these parts."""
    key = (op, args, value)
    found = _KNOWN.get(key)
    if found is None:
        if len(_KNOWN) > 400_000:
            _KNOWN.clear()
        found = _KNOWN[key] = Expr(op, args, value)
    return found


def number(value: float) -> Expr:
    """Return a number."""
    return make("n", value=float(value))


def at(place: Place) -> Expr:
    """Return the value in a place."""
    return make("v", value=place)


@lru_cache(maxsize=20_000)
def walk(expr: Expr) -> tuple[Expr, ...]:
    """Return each different node once, operands before what uses them."""
    seen: set[Expr] = set()
    order: list[Expr] = []

    def visit(node: Expr) -> None:
        if node in seen:
            return
        seen.add(node)
        for arg in node.args:
            visit(arg)
        order.append(node)

    visit(expr)
    return tuple(order)


def places(expr: Expr) -> list[Place]:
    """Return the places that an expression reads, each once."""
    return [node.value for node in walk(expr) if node.op == "v"]


def replaced(expr: Expr, change: Callable[[Place], Expr]) -> Expr:
    """Return the expression with every place exchanged for what `change` gives."""
    return rebuilt(expr, {node: change(node.value) for node in walk(expr) if node.op == "v"})


def rebuilt(expr: Expr, new: dict[Expr, Expr]) -> Expr:
    """Return the expression with nodes exchanged as `new` says."""
    for node in walk(expr):
        if node.args and node not in new and any(arg in new for arg in node.args):
            new[node] = make(node.op, *[new.get(arg, arg) for arg in node.args], value=node.value)
    return new.get(expr, expr)


def shifted(expr: Expr, rows: int) -> Expr:
    """Return the expression as it stands `rows` further down."""
    if not rows:
        return expr
    return replaced(expr, lambda place: at((place[0], place[1] + rows)) if len(place) == 2 else at(place))


class Reading:
    """Makes expressions from parse trees of one sheet.

    Args:
        grid: the formulas' own sheet.
        names: defined names -> text of what they stand for.
    """

    def __init__(self, grid: Grid, names: Mapping[str, str]) -> None:
        self.grid = grid
        self.names = {name.casefold(): text for name, text in names.items()}

    def cells(self, node: Node, row: int, column: int) -> list[Expr]:
        """Return the cells of an argument, a single one for anything but a range."""
        if isinstance(node, Name):
            node = self.meant(node)
        if isinstance(node, Binary) and node.operator == "*" and any(isinstance(c, Area) for c in node.children()):
            left, right = self.cells(node.left, row, column), self.cells(node.right, row, column)
            if len(left) == len(right):
                return [make("*", a, b) for a, b in zip(left, right, strict=True)]
        if not isinstance(node, Area):
            return [self.expr(node, row, column)]
        if node.whole:
            raise Unknown("whole columns or rows")
        top, left_, bottom, right_ = node.at(row, column)
        if (bottom - top + 1) * (right_ - left_ + 1) > MAX_CELLS:
            raise Unknown(f"a range of more than {MAX_CELLS} cells")
        if node.first.row_fixed != node.last.row_fixed:
            raise Unknown("a range that grows from row to row")
        fixed = node.first.row_fixed
        return [at(self.grid.place(Cell(node.sheet, r if fixed else r - row, c, fixed, True), row, column))
                for r in range(top, bottom + 1) for c in range(left_, right_ + 1)]

    def meant(self, node: Name) -> Node:
        text = self.names.get(node.name.casefold())
        if text is None:
            raise Unknown(f"the name {node.name}")
        try:
            return turned(parse(text)) if self.grid.turned else parse(text)
        except SheetpropError:
            raise Unknown(f"the name {node.name}") from None

    def expr(self, node: Node, row: int, column: int) -> Expr:
        """Return the expression of a formula's tree that stands at `row`, `column`.

        Raises:
            Unknown: it holds something that is not differentiated here.
        """
        if isinstance(node, Number):
            return number(node.value)
        if isinstance(node, Boolean):
            return number(float(node.value))
        if isinstance(node, Cell):
            return at(self.grid.place(node, row, column))
        if isinstance(node, Name):
            return self.expr(self.meant(node), row, column)
        if isinstance(node, Unary):
            inner = self.expr(node.operand, row, column)
            if node.operator == "%":
                return make("/", inner, number(100))
            return inner if node.operator == "+" else make("neg", inner)
        if isinstance(node, Binary):
            if node.operator in OPERATORS or node.operator in COMPARISONS:
                return make(node.operator, self.expr(node.left, row, column), self.expr(node.right, row, column))
            raise Unknown(f"the operator {node.operator!r}")
        if isinstance(node, Call):
            return self.call(node, row, column)
        if isinstance(node, Area):
            top, left, bottom, right = node.at(row, column)
            if (top, left) == (bottom, right):
                return self.cells(node, row, column)[0]
        raise Unknown(type(node).__name__.lower())

    def call(self, node: Call, row: int, column: int) -> Expr:
        name, given = node.name, node.arguments
        if name in ("SUM", "PRODUCT", "AVERAGE", "MAX", "MIN", "SUMSQ"):
            items = [cell for part in given for cell in self.cells(part, row, column)]
            if name == "SUMSQ":
                items = [make("^", item, number(2)) for item in items]
            if not items:
                raise Unknown(name)
            op = {"PRODUCT": "*", "MAX": "MAX", "MIN": "MIN"}.get(name, "+")
            total = items[0]
            for item in items[1:]:
                total = make(op, total, item)
            return make("/", total, number(len(items))) if name == "AVERAGE" else total
        if name in ("SUMPRODUCT", "SUMXMY2", "MMULT"):
            lists = [self.cells(part, row, column) for part in given]
            if len({len(items) for items in lists}) != 1 or (name == "SUMXMY2" and len(lists) != 2):
                raise Unknown(name)
            total = number(0)
            for index, group in enumerate(zip(*lists, strict=True)):
                one = make("^", make("-", *group), number(2)) if name == "SUMXMY2" else group[0]
                for item in group[1:] if name != "SUMXMY2" else ():
                    one = make("*", one, item)
                total = one if index == 0 else make("+", total, one)
            return total
        if name == "#ARRAY":
            return self.expr(given[0], row, column)
        if name == "PI":
            return number(3.141592653589793)
        args = [self.expr(part, row, column) for part in given if not isinstance(part, Empty)]
        if len(args) != len(given):
            raise Unknown(name)
        if name in FUNCTIONS_OF_ONE and len(args) == 1:
            return make(name, args[0])
        if name in ("POWER", "POW") and len(args) == 2:  # Google Sheets writes POW
            return make("^", *args)
        if name == "LOG" and len(args) in (1, 2):
            return make("LOG10", args[0]) if len(args) == 1 else make("/", make("LN", args[0]), make("LN", args[1]))
        if name == "IF" and len(args) == 3:
            return make("IF", *args)
        if name == "IFERROR" and len(args) == 2:
            return args[0]
        raise Unknown(f"the function {name}")


def evaluate(expr: Expr, values: Mapping[Place, Any], memo: dict[Expr, Any] | None = None) -> Any:
    """Return the value of an expression, each place an array over rows or a number."""
    memo = {} if memo is None else memo
    if expr in memo:
        return memo[expr]
    if expr.op == "v":
        result = values[expr.value]
    elif expr.op == "n":
        result = expr.value
    else:
        result = _applied(expr, [evaluate(arg, values, memo) for arg in expr.args])
    memo[expr] = result
    return result


def _applied(node: Expr, args: list[Any]) -> Any:
    import numpy as np

    op = node.op
    if op == "+":
        return args[0] + args[1]
    if op == "-":
        return args[0] - args[1]
    if op == "*":
        return args[0] * args[1]
    if op == "/":
        return np.divide(args[0], args[1])
    if op == "^":
        if node.args[1].op == "n" and args[1] == 2.0:
            return args[0] * args[0]
        return np.power(np.asarray(args[0], dtype=float), args[1])
    if op == "neg":
        return -args[0]
    if op in _FUNCTIONS:
        return getattr(np, _FUNCTIONS[op])(*args)
    if op == "IF":
        return np.where(np.asarray(args[0]) != 0, args[1], args[2])
    return _comparison(op, args[0], args[1])


_FUNCTIONS = {"EXP": "exp", "LN": "log", "LOG10": "log10", "SQRT": "sqrt", "ABS": "abs", "TANH": "tanh", "SINH": "sinh",
              "COSH": "cosh", "SIGN": "sign", "SIN": "sin", "COS": "cos", "ATAN": "arctan", "MAX": "maximum",
              "MIN": "minimum"}


def _comparison(op: str, left: Any, right: Any) -> np.ndarray[Any, Any]:
    import numpy as np

    found = {"=": np.equal, "<>": np.not_equal, "<": np.less, ">": np.greater, "<=": np.less_equal,
             ">=": np.greater_equal}[op](left, right)
    return np.asarray(found, dtype=float)


def show(expr: Expr, row: int, grid: Grid | None, least: int = 0) -> str:
    """Return the formula as it reads in `row` of `grid`, without the leading ``=``."""
    op = expr.op
    if op == "n":
        return number_text(expr.value) if expr.value >= 0 or not least else f"({number_text(expr.value)})"
    if op == "v":
        place = expr.value
        if grid is None:
            return repr(place)
        return grid.spell(row + place[1], place[0]) if len(place) == 2 else grid.spell_fixed(place)
    if op == "neg":
        return "-" + show(expr.args[0], row, grid, 8)
    if op in ("+", "/") and grid is not None:
        text = _range_text(expr, grid)
        if text:
            return text
    if op in _STRENGTH:
        strength = _STRENGTH[op]
        text = f"{show(expr.args[0], row, grid, strength)}{op}{show(expr.args[1], row, grid, strength + 1)}"
        return f"({text})" if strength < least else text
    if op in COMPARISONS:
        text = f"{show(expr.args[0], row, grid, 2)}{op}{show(expr.args[1], row, grid, 2)}"
        return f"({text})" if least else text
    return f"{op}({','.join(show(arg, row, grid) for arg in expr.args)})"


def _range_text(expr: Expr, grid: Grid) -> str:
    """Return a sum or mean of three or more neighbouring cells as SUM or AVERAGE of a range; else nothing."""
    name, total = "SUM", expr
    if expr.op == "/":
        name, total = "AVERAGE", expr.args[0]
    if total.op != "+":
        return ""
    terms: list[Expr] = []
    stack = [total]
    while stack:
        one = stack.pop()
        if one.op == "+":
            stack += [one.args[1], one.args[0]]
        elif one.op == "v":
            terms.append(one)
        else:
            return ""
    if len(terms) < 3 or (name == "AVERAGE" and expr.args[1] is not number(len(terms))):
        return ""
    text = grid.range_of([term.value for term in terms])
    return f"{name}({text})" if text else ""

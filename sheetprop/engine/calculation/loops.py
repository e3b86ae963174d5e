"""Compiles a table's rows into one Python loop over plain floats.

The loop assumes that everything it touches is a number and that nothing overflows. Where that
fails, a row is handed to the careful closures of `sheetprop.engine.calculation.evaluate`, so that both give
the same values. The source is printed from the parse tree only: identifiers are made here and
numbers come from `repr`, so nothing in a file can reach `exec` as text.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from sheetprop.engine.calculation.reads import VOLATILE, calls
from sheetprop.engine.formula.tree import (
    Area,
    Binary,
    Boolean,
    Call,
    Cell,
    Name,
    Node,
    Number,
    Text,
    Unary,
    subtracts_last,
)
from sheetprop.engine.functions import REGISTRY, find
from sheetprop.engine.grid.digits import NEAR, alike, bounds, final
from sheetprop.engine.grid.storage import Family, Program
from sheetprop.engine.grid.values import HUGE, NUM, Raised, power

TYPE_CHECKING = False  # typing costs a small workbook's time; mypy knows this name
if TYPE_CHECKING:
    from typing import Any

BACK = 4
_COMPARE = {"=": "==", "<>": "!=", "<": "<", ">": ">", "<=": "<=", ">=": ">="}
_TURNED = {"=": "=", "<>": "<>", "<": ">", ">": "<", "<=": ">=", ">=": "<="}
# Functions of numbers that raise on their own where the result is no finite number.
_MATH = {"EXP": "exp", "TANH": "tanh", "SQRT": "sqrt", "LN": "ln", "LOG10": "log10", "SIN": "sin", "COS": "cos",
         "ATAN": "atan", "SINH": "sinh", "COSH": "cosh", "ABS": "abs"}
_HELPERS = ("ROUND", "INT", "MOD", "SIGN", "POWER", "TAN", "ASIN", "ACOS", "ROUNDUP", "ROUNDDOWN", "TRUNC",
            "ASINH", "LOG", "ATAN2")
_FOLDED = ("SUM", "PRODUCT", "SUMSQ", "AVERAGE", "MIN", "MAX")
FAST_FUNCTIONS = frozenset((*_MATH, *_HELPERS, *_FOLDED, "IF", "AND", "OR", "NOT", "PI", "SUMPRODUCT", "COUNT"))
"""Functions that a loop over the rows of a table can hold."""
_SMALL = 64
_SQUARE = 1.01 * NEAR * NEAR
_PLACED = frozenset(("ROW", "COLUMN", "CELL", "#ARRAY", "#DYNAMIC"))  # what they give depends on where they stand


class Unfit(Exception):  # noqa: N818 - a signal to the caller
    """The formula is not one that the loop can hold."""


def _stop() -> float:
    raise Raised(NUM)


_GLOBALS: dict[str, Any] = {
    "__builtins__": {}, "exp": math.exp, "tanh": math.tanh, "sqrt": math.sqrt, "ln": math.log,
    "log10": math.log10, "sin": math.sin, "cos": math.cos, "atan": math.atan, "sinh": math.sinh,
    "cosh": math.cosh, "abs": abs, "power": power, "stop": _stop, "zip": zip,
    "alike": alike, "final": final,
    "caught": (TypeError, ZeroDivisionError, OverflowError, ValueError, Raised),
}


class Loop:
    """A compiled loop and what it has to be given.

    Attributes:
        run: function (constants, carried values, external columns, number of rows) -> list of columns.
        constants: (family column, tree) of everything that is the same in every row.
        carried: (column, rows back) of the values of rows before the first one.
        externals: (sheet, column, distance, blank counts as 0) of columns read row by row.
        columns: the columns that `run` returns, in order.
        source: the Python text, for the curious and for tests.
    """

    __slots__ = ("carried", "columns", "constants", "externals", "run", "source")

    def __init__(self, source: str, run: Callable[..., list[list[float]]], constants: list[tuple[int, Node, bool]],
                 carried: list[tuple[int, int]], externals: list[tuple[str | None, int, int, bool]],
                 columns: tuple[int, ...]) -> None:
        self.source = source
        self.run = run
        self.constants = constants
        self.carried = carried
        self.externals = externals
        self.columns = columns


class _Writer:
    """Prints the body of one loop."""

    def __init__(self, program: Program, columns: tuple[int, ...], step: int, exact: bool) -> None:
        self.program = program
        self.exact = exact
        self.inside = set(columns)
        self.step = step
        self.constants: dict[tuple[int, Node, bool], str] = {}
        self.carried: dict[tuple[int, int], str] = {}
        self.externals: dict[tuple[str | None, int, int, bool], str] = {}
        self.temporaries = 0
        self.column = 0

    def is_constant(self, node: Node) -> bool:
        """Say whether a node has the same value in every row."""
        for part in node.walk():
            if isinstance(part, Cell) and not part.row_fixed:
                return False
            if isinstance(part, Area) and not (part.first.row_fixed and part.last.row_fixed):
                return False
            if isinstance(part, Call) and (part.name in VOLATILE or part.name in _PLACED):
                return False
            if isinstance(part, Name | Text | Boolean):
                return False
            if isinstance(part, Binary) and part.operator in (":", " ", ","):
                return False
        return True

    def constant(self, node: Node, blank: bool) -> str:
        key = (self.column, node, blank)
        if isinstance(node, Cell) and node.column_fixed:
            key = (0, node, blank)
        if key not in self.constants:
            self.constants[key] = f"k{len(self.constants)}"
        return self.constants[key]

    def cell(self, cell: Cell, blank: bool) -> str:
        """Return the variable that holds a cell; `blank` says that a blank cell counts as 0 there."""
        if cell.row_fixed:
            return self.constant(cell, blank)
        column = cell.column if cell.column_fixed else self.column + cell.column
        if cell.sheet is None and column in self.inside:
            if cell.row == 0:
                return f"c{column}"
            back = -cell.row * self.step
            if not 0 < back <= BACK:
                raise Unfit
            return self.carried.setdefault((column, back), f"p{back}_{column}")
        return self.externals.setdefault((cell.sheet, column, cell.row, blank), f"x{len(self.externals)}")

    def checked(self, node: Node) -> str:
        """Print a node whose overflow would not show in the result, with a test for it."""
        text = self.number(node)
        if _bounded(node):
            return text
        self.temporaries += 1
        name = f"t{self.temporaries}"
        return f"({name} if -{HUGE!r} <= ({name} := {text}) <= {HUGE!r} else stop())"

    def solid(self, node: Node) -> str:
        """Print a node that is handed on as it is, so that what is no number is noticed."""
        text = self.number(node)
        return f"({text}*1.0)" if text.startswith("x") else text

    def number(self, node: Node) -> str:
        """Print a node as an expression over floats, in brackets where needed."""
        if isinstance(node, Number):
            return f"({float(node.value)!r})" if node.value < 0 else repr(float(node.value))
        if isinstance(node, Cell):
            return self.cell(node, True)
        if isinstance(node, Call | Area) and self.is_constant(node):
            return self.constant(node, True)
        if isinstance(node, Unary):
            inner = self.number(node.operand)
            return {"-": f"(-{inner})", "+": inner, "%": f"({inner}/100.0)"}[node.operator]
        if isinstance(node, Binary):
            return self.binary(node)
        if isinstance(node, Call):
            return self.call(node)
        raise Unfit

    def binary(self, node: Binary) -> str:
        if node.operator in ("+", "-", "*"):
            return f"({self.number(node.left)}{node.operator}{self.number(node.right)})"
        if node.operator == "/":
            return f"({self.number(node.left)}/{self.checked(node.right)})"
        if node.operator == "^":
            if isinstance(node.right, Number) and node.right.value == 2.0:
                base = self.number(node.left)
                if base.isidentifier():
                    return f"({base}*{base})"
                self.temporaries += 1
                return f"((t{self.temporaries} := {base})*t{self.temporaries})"
            return f"power({self.checked(node.left)}, {self.checked(node.right)})"
        raise Unfit

    def last(self, node: Node) -> str:
        """Print a whole formula; a last addition or subtraction gives 0 where it does so in 15 digits."""
        if self.exact or not isinstance(node, Binary) or not subtracts_last(node):
            return self.solid(node)
        left, right = self.number(node.left), self.number(node.right)
        a, b, result = (f"t{self.temporaries + at}" for at in (1, 2, 3))
        self.temporaries += 3
        # The squares are a quick test that passes nearly always.
        return (f"({result} if ({result} := ({a} := {left}) {node.operator} ({b} := {right}))*{result} > "
                f"{_SQUARE!r}*{a}*{a} else final({a}, {b if node.operator == '-' else '-' + b}))")

    def comparison(self, left: Node, sign: str, right: Node) -> str:
        """Print a comparison by 15 digits."""
        if self.exact:
            return f"({self.checked(left)} {_COMPARE[sign]} {self.checked(right)})"
        if _constant(left) is not None and _constant(right) is None:
            left, sign, right = right, _TURNED[sign], left
        number = _constant(right)
        if number is not None:  # what is alike a known number lies between two others
            text, (least, most) = self.checked(left), bounds(number)
            if sign in ("=", "<>"):
                return f"({'not ' if sign == '<>' else ''}{least!r} <= {text} <= {most!r})"
            return f"({text} {sign} {least if sign in ('<', '>=') else most!r})"
        a, b = f"t{self.temporaries + 1}", f"t{self.temporaries + 2}"
        self.temporaries += 2
        text = f"({a} := {self.checked(left)}) {_COMPARE[sign]} ({b} := {self.checked(right)})"
        return f"({text} {'or' if '=' in sign else 'and not'} alike({a}, {b}))"

    def condition(self, node: Node) -> str:
        if isinstance(node, Binary) and node.operator in _COMPARE:
            return self.comparison(node.left, node.operator, node.right)
        if isinstance(node, Call) and node.name in ("AND", "OR") and node.arguments:
            if not all(isinstance(part, Binary | Call) for part in node.arguments):
                raise Unfit
            # Excel evaluates all of them, so an error in any counts: no short cut.
            joint = " & " if node.name == "AND" else " | "
            return f"({joint.join(self.condition(part) for part in node.arguments)})"
        if isinstance(node, Call) and node.name == "NOT" and len(node.arguments) == 1:
            return f"(not {self.condition(node.arguments[0])})"
        return f"({self.checked(node)} != 0.0)"

    def call(self, node: Call) -> str:
        name, given = node.name, node.arguments
        if name == "IF" and len(given) == 3:
            test, yes, no = given
            return f"({self.solid(yes)} if {self.condition(test)} else {self.solid(no)})"
        if name in _MATH and len(given) == 1:
            return f"{_MATH[name]}({self.number(given[0]) if name == 'ABS' else self.checked(given[0])})"
        if name == "PI" and not given:
            return repr(math.pi)
        if name in _HELPERS and find(name):
            known = REGISTRY[name]
            if not known.least <= len(given) <= known.most:
                raise Unfit
            return f"f_{name}({', '.join(self.checked(part) for part in given)})"
        if name in _FOLDED and given:
            return self.folded(name, given)
        if name == "SUMPRODUCT" and given:
            return self.sumproduct(given)
        raise Unfit

    def elements(self, node: Node) -> list[str]:
        """Return the cells of a small range, or one number, as expressions; blanks do not pass."""
        if isinstance(node, Cell):
            return [self.cell(node, False)]
        if isinstance(node, Area):
            first, last = node.first, node.last
            if first.row_fixed != last.row_fixed or node.whole:
                raise Unfit
            left = first.column if first.column_fixed else self.column + first.column
            right = last.column if last.column_fixed else self.column + last.column
            if left > right:
                left, right = right, left
            top, bottom = min(first.row, last.row), max(first.row, last.row)
            if (right - left + 1) * (bottom - top + 1) > _SMALL:
                raise Unfit
            return [self.cell(Cell(first.sheet, row, column, first.row_fixed, True), False)
                    for row in range(top, bottom + 1) for column in range(left, right + 1)]
        if isinstance(node, Text | Boolean | Name):
            raise Unfit
        return [self.number(node)]

    def folded(self, name: str, given: tuple[Node, ...]) -> str:
        if name in ("MIN", "MAX", "PRODUCT") and len(given) == 1 and isinstance(given[0], Cell):
            raise Unfit
        parts: list[str] = []
        for node in given:
            if name in ("MIN", "MAX") and not isinstance(node, Cell | Area):
                parts.append(self.checked(node))
            else:
                parts.extend(self.elements(node))
        if name == "SUM":
            return f"({'+'.join(['0.0', *parts])})"
        if name == "AVERAGE":
            return f"(({'+'.join(['0.0', *parts])})/{float(len(parts))!r})"
        if name == "PRODUCT":
            return f"({'*'.join(parts)})"
        names = [f"t{self.temporaries + at}" for at in range(1, len(parts) + 1)]
        self.temporaries += len(parts)
        held = [f"({one} := {part})" for one, part in zip(names, parts, strict=True)]
        if name == "SUMSQ":
            return "(0.0+" + "+".join(f"{first}*{one}" for first, one in zip(held, names, strict=True)) + ")"
        sign = "<" if name == "MIN" else ">"
        text = held[0]
        for one, part in zip(names[1:], held[1:], strict=True):
            self.temporaries += 1
            best = f"t{self.temporaries}"
            text = f"({one} if {part} {sign} ({best} := {text}) else {best})"
        return text

    def sumproduct(self, given: tuple[Node, ...]) -> str:
        grids = [self.elements(node) for node in given]
        shapes = {_shape(node, self.column) for node in given}
        if len(shapes) != 1:
            raise Unfit
        return "(0.0+" + "+".join("1.0*" + "*".join(parts) for parts in zip(*grids, strict=True)) + ")"


def _shape(node: Node, column: int) -> tuple[int, int]:
    if isinstance(node, Area):
        left = node.first.column if node.first.column_fixed else column + node.first.column
        right = node.last.column if node.last.column_fixed else column + node.last.column
        return abs(node.last.row - node.first.row) + 1, abs(right - left) + 1
    if isinstance(node, Cell):
        return 1, 1
    raise Unfit


def _constant(node: Node) -> float | None:
    """Return the number that a node is, if it is one."""
    if isinstance(node, Number):
        return float(node.value)
    if isinstance(node, Unary) and node.operator == "-" and isinstance(node.operand, Number):
        return -float(node.operand.value)
    return None


def _bounded(node: Node) -> bool:
    """Say whether a node is finite whenever the cells in it are."""
    if isinstance(node, Number | Cell):
        return True
    if isinstance(node, Unary):
        return _bounded(node.operand)
    if isinstance(node, Call):
        if node.name in ("ABS",):
            return _bounded(node.arguments[0])
        if node.name == "IF" and len(node.arguments) == 3:
            return _bounded(node.arguments[1]) and _bounded(node.arguments[2])
        if node.name in ("MIN", "MAX"):
            return True
        return node.name in _MATH or node.name in _HELPERS
    if isinstance(node, Binary) and node.operator in ("+", "-"):
        # A finite number and a small constant cannot overflow.
        small = [part for part in (node.left, node.right) if isinstance(part, Number) and abs(part.value) < 1e290]
        if len(small) == 2:
            return True
        if small:
            return _bounded(node.right if small[0] is node.left else node.left)
    return isinstance(node, Binary) and node.operator == "^" and not (
        isinstance(node.right, Number) and node.right.value == 2.0)


def _is_number(node: Node) -> bool:
    """Say whether a formula yields a number whenever its cells hold numbers."""
    if isinstance(node, Number | Cell):
        return True
    if isinstance(node, Unary):
        return _is_number(node.operand)
    if isinstance(node, Binary):
        return node.operator in ("+", "-", "*", "/", "^")
    if isinstance(node, Call):
        if node.name == "IF" and len(node.arguments) == 3:
            return _is_number(node.arguments[1]) and _is_number(node.arguments[2])
        return (node.name in _MATH or node.name in _HELPERS or node.name in _FOLDED
                or node.name in ("PI", "SUMPRODUCT", "COUNT"))
    return False


def fits(family: Family) -> bool:
    """Say whether a family alone could stand in a loop."""
    found: bool | None = family.cache.get("fits")
    if found is None:
        found = _is_number(family.tree) and not (calls(family) & VOLATILE) and _depth(family.tree) < 60
        if found:
            try:
                writer = _Writer(Program({1: family}), (), 1, False)
                writer.column = 20_000
                writer.number(family.tree)
            except Unfit:
                found = False
        family.cache["fits"] = found
    return found


def _depth(node: Node) -> int:
    deepest, level = 0, [node]
    while level:
        deepest += 1
        if deepest > 60:
            return deepest
        level = [child for one in level for child in one.children()]
    return deepest


def compiled(program: Program, columns: tuple[int, ...], step: int, exact: bool) -> Loop | None:
    """Return the loop for some columns of a program, in that order, or None where it does not fit.

    `exact` compares numbers to the last bit, and rounds no last subtraction.
    """
    key = ("loop", columns, step, exact)
    if key not in program.cache:
        try:
            program.cache[key] = _compile(program, columns, step, exact)
        except Unfit:
            program.cache[key] = None
    loop: Loop | None = program.cache[key]
    return loop


def _compile(program: Program, columns: tuple[int, ...], step: int, exact: bool) -> Loop:
    if len(columns) > 2000:
        raise Unfit
    writer = _Writer(program, columns, step, exact)
    body: list[str] = []
    doubtful: list[str] = []
    for column in columns:
        family = program.by_column[column]
        if not fits(family):
            raise Unfit
        writer.column = column
        body.append(f"c{column} = {writer.last(family.tree)}")
        if not _bounded(family.tree) and not _squashed(family.tree):
            doubtful.append(f"c{column}")
    if doubtful:
        body.append(f"s = {'+'.join(doubtful)}")
        body.append("if s-s != 0.0: break")
    body.extend(f"a{column}(c{column})" for column in columns)
    deepest: dict[int, int] = {}
    for column, back in writer.carried:
        deepest[column] = max(deepest.get(column, 0), back)
    carried = [(column, back) for column, most in sorted(deepest.items()) for back in range(1, most + 1)]
    for column, most in sorted(deepest.items()):
        body.extend(f"p{back}_{column} = p{back - 1}_{column}" for back in range(most, 1, -1))
        body.append(f"p1_{column} = c{column}")
    externals = list(writer.externals)
    names = [writer.externals[one] for one in externals]
    lines = ["def run(constants, before, outside, rows):"]
    if writer.constants:
        lines.append(f"  ({', '.join(writer.constants.values())},) = constants")
    if carried:
        lines.append(f"  ({', '.join(f'p{back}_{column}' for column, back in carried)},) = before")
    lines.extend(f"  o{column} = []; a{column} = o{column}.append" for column in columns)
    lines.append("  try:")
    lines.append(f"    for ({', '.join(names)},) in zip(*outside):" if names else "    for _ in rows:")
    lines.extend(f"      {line}" for line in body)
    lines.append("  except caught: pass")
    lines.append(f"  return [{', '.join(f'o{column}' for column in columns)}]")
    source = "\n".join(lines)
    scope = dict(_GLOBALS)
    for name in _HELPERS:
        if f"f_{name}(" in source:
            scope[f"f_{name}"] = REGISTRY[name].run
    exec(compile(source, "<sheetprop loop>", "exec"), scope)
    return Loop(source, scope["run"], list(writer.constants), carried, externals, columns)


def _squashed(node: Node) -> bool:
    """Say whether a formula is 1/(1+EXP(x)) or the like: a constant over something at least as large."""
    return (isinstance(node, Binary) and node.operator == "/" and isinstance(node.left, Number)
            and abs(node.left.value) <= 1e10 and isinstance(node.right, Binary) and node.right.operator == "+"
            and any(isinstance(part, Number) and part.value >= 1e-10 for part in (node.right.left, node.right.right))
            and any(isinstance(part, Call) and part.name == "EXP" for part in (node.right.left, node.right.right)))

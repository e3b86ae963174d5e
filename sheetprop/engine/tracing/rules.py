"""Which operations a worksheet function becomes: the table that `expression` looks functions up in.

A rule takes what the function library says the function takes: a grid where that is a range or an
array, else an expression, and gives an expression or a grid.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

from sheetprop.engine.calculation.operators import ARITHMETIC
from sheetprop.engine.grid.values import DIV0, Raised
from sheetprop.engine.tracing import lookups, rangefunctions, selecting
from sheetprop.engine.tracing.choosing import E, number
from sheetprop.engine.tracing.elements import Stuck, as_number, literal, once, plain, settled
from sheetprop.engine.tracing.grids import Grid, broadcast, product, transposed
from sheetprop.engine.tracing.moments import RELATIONS, SPREADS, relation
from sheetprop.engine.tracing.steps import EXACT, PRINTED, step

SMOOTH = {"EXP": "exp", "LN": "log", "LOG10": "log10", "SQRT": "sqrt", "SIN": "sin", "COS": "cos", "TAN": "tan",
          "ASIN": "asin", "ACOS": "acos", "ATAN": "atan", "SINH": "sinh", "COSH": "cosh", "TANH": "tanh",
          "ABS": "abs", "DEVIATION": "sqrt"}
"""Smooth functions of one number -> how generated code calls them; a DEVIATION is a root with slope 0 at 0."""


def arithmetic(operator: str, left: E, right: E) -> E:
    """Return ``+``, ``-``, ``*``, ``/`` or ``^`` of two elements; of two numbers the engine's own result."""
    a, b = as_number(left), as_number(right)
    x, y = plain(a), plain(b)
    if x is not None and y is not None:
        try:
            return literal(ARITHMETIC[operator](x, y))
        except Raised as raised:
            return literal(raised.error)
    if operator == "/" and y == 0.0:
        return literal(DIV0)
    if operator == "^" and b.op == "leaf" and not b.active and b.text == "2.0":
        return E("square", (a,))
    return E(operator, (a, b))


def rounded_last(e: E) -> E:
    """Return a formula's last operation as Excel rounds it: a subtraction of what is alike in 15 digits gives 0."""
    if e.op == "-":
        return E("final", e.args)
    return E("final", (e.args[0], E("neg", (e.args[1],)))) if e.op == "+" else e


def signed(operator: str, operand: E) -> E:
    """Return an element behind a minus, before a percent mark, or as it is behind a plus."""
    if operator == "+":
        return operand
    return E("neg", (as_number(operand),)) if operator == "-" else E("/", (as_number(operand), number(100.0)))


def _smooth(name: str, x: E) -> E:
    return E("smooth", (x,), name)


def _logarithm(x: E, base: E | None = None) -> E:
    return E("/", (_smooth("LN", x), number(math.log(10.0)) if base is None else _smooth("LN", base)))


def _remainder(x: E, divisor: E) -> E:
    x, divisor = once(x), once(divisor)
    return E("-", (x, E("*", (divisor, E("flat", (E("/", (x, divisor)),), "INT")))))


def _forecast(x: E, ys: Grid, xs: Grid) -> E:
    pair = rangefunctions.paired("SLOPE", ys, xs)
    return E("+", (relation("INTERCEPT", *pair), E("*", (relation("SLOPE", *pair), x))))


def _line(name: str, ys: Grid, xs: Grid) -> tuple[E, E]:
    """Return slope and intercept of the least-squares line through points with one x each."""
    if ys.height * ys.width != xs.height * xs.width:
        raise Stuck(f"{name} over more than one column of x")
    pair = rangefunctions.paired("SLOPE", ys, xs)
    return once(relation("SLOPE", *pair)), once(relation("INTERCEPT", *pair))


def _known_x(ys: Grid, xs: Grid | None) -> Grid:
    """Return the x that belong to some y: 1, 2, 3, ... where they are left out."""
    if xs is not None and not xs.direct:
        return xs
    return Grid([[number(1.0 + row * ys.width + column) for column in range(ys.width)] for row in range(ys.height)])


def _is_plain(*options: E) -> bool:
    """Say whether options (a constant, statistics) ask for a line with a constant and for nothing else."""
    return [settled(option) for option in options] in ([], [True], [True, False])


def _linest(ys: Grid, xs: Grid | None = None, *options: E) -> Grid:
    if not _is_plain(*options):
        raise Stuck("LINEST without a constant or with statistics")
    return Grid([list(_line("LINEST", ys, _known_x(ys, xs)))])


def _trend(ys: Grid, xs: Grid | None = None, new: Grid | None = None, *options: E) -> Grid:
    if not _is_plain(*options):
        raise Stuck("TREND without a constant")
    known = _known_x(ys, xs)
    slope, constant = _line("TREND", ys, known)
    return broadcast(lambda x: E("+", (E("*", (slope, as_number(x))), constant)), new or known)


Rule = Callable[..., Any]
RULES: dict[str, Rule] = {
    **{name: partial(_smooth, name) for name in SMOOTH},
    **{name: partial(step, name) for name in (*PRINTED, *EXACT)},
    **{name: partial(rangefunctions.spread_of, name) for name in SPREADS},
    **{name: partial(rangefunctions.relation_of, name) for name in RELATIONS},
    **{name: partial(rangefunctions.nth, name) for name in ("LARGE", "SMALL")},
    **{name: partial(rangefunctions.percentile, name) for name in ("PERCENTILE", "PERCENTILE.INC", "PERCENTILE.EXC",
                                                            "QUARTILE", "QUARTILE.INC")},
    **{name: partial(rangefunctions.rank, name) for name in ("RANK", "RANK.EQ", "RANK.AVG")},
    **{name: partial(rangefunctions.conjunction, name) for name in ("AND", "OR")},
    **{name: partial(selecting.sum_if, name) for name in ("SUMIFS", "AVERAGEIFS", "MAXIFS", "MINIFS")},
    **{name: partial(lookups.table, name) for name in ("VLOOKUP", "HLOOKUP")},
    **{name: partial(lookups.lookup, name) for name in ("LOOKUP", "XLOOKUP")},
    "POWER": partial(arithmetic, "^"),
    "LOG": _logarithm,
    "MOD": _remainder,
    "NOT": lambda condition: E("not", (condition,)),
    "SUM": rangefunctions.sum_of,
    "COUNT": rangefunctions.count_of,
    "COUNTA": rangefunctions.filled_of,
    "AVERAGE": rangefunctions.average_of,
    "SUMSQ": rangefunctions.squares_of,
    "PRODUCT": rangefunctions.product_of,
    "MIN": lambda *grids: rangefunctions.extreme("MIN", rangefunctions.members(grids)),
    "MAX": lambda *grids: rangefunctions.extreme("MAX", rangefunctions.members(grids)),
    "MEDIAN": rangefunctions.median_of,
    "SUMPRODUCT": rangefunctions.sum_product,
    "COUNTIF": selecting.count_if,
    "COUNTIFS": selecting.count_if,
    "INDEX": lookups.index,
    "MATCH": lookups.match,
    "MMULT": product,
    "TRANSPOSE": transposed,
    "FORECAST": _forecast,
    "FORECAST.LINEAR": _forecast,
    "LINEST": _linest,
    "TREND": _trend,
}

"""The operators of formulas over single values, with Excel's conversions."""

from __future__ import annotations

import operator
from collections.abc import Callable

from sheetprop.engine.grid.values import DIV0, VALUE, Raised, Value, finite, power, to_number, to_text

Scalar = Callable[[Value, Value], Value]


def _add(left: Value, right: Value) -> Value:
    return finite(to_number(left) + to_number(right))


def _subtract(left: Value, right: Value) -> Value:
    return finite(to_number(left) - to_number(right))


def _multiply(left: Value, right: Value) -> Value:
    return finite(to_number(left) * to_number(right))


def _divide(left: Value, right: Value) -> Value:
    top, bottom = to_number(left), to_number(right)
    if bottom == 0.0:
        raise Raised(DIV0)
    return finite(top / bottom)


def _power(left: Value, right: Value) -> Value:
    base = to_number(left)
    return power(base, to_number(right))


def _join(left: Value, right: Value) -> Value:
    first = to_text(left)
    joined = first + to_text(right)
    if len(joined) > 32_767:
        raise Raised(VALUE)
    return joined


ARITHMETIC: dict[str, Scalar] = {"+": _add, "-": _subtract, "*": _multiply, "/": _divide, "^": _power, "&": _join}
# The same for two floats, where nothing needs to be converted.
PLAIN: dict[str, Callable[[float, float], float]] = {"+": operator.add, "-": operator.sub, "*": operator.mul}
COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "=": operator.eq, "<>": operator.ne, "<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge,
}

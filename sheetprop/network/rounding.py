"""How far two correct programs may differ: expressions in NumPy, each value with the size of its terms.

A plain relative difference means nothing where terms cancel: ``a - t`` near 0 carries the rounding
of `a` and `t`. The **size** of an expression is what its value would be if every term were taken
absolutely, ``|a| + |t|`` for ``a - t`` and ``1 + a²`` for ``1 - a²``. It is carried along the
equations, so that what cancelled in one column is not blamed on the columns that use it: to first
order a product passes on the size of each factor times the values of the others, and a function
``f(x)`` passes on ``|f(x)| + |f'(x)|·size(x)``. Two values agree when they differ by at most
`TOLERANCE` times the size.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from sheetprop.network.equations import Equations
from sheetprop.network.expression import Difference, Expression, Function, Number, Power, Product, Sum, Symbol

Array = npt.NDArray[np.float64]

TOLERANCE = 1e-12
"""Agreement: a difference of at most this times the size of the terms (rounding itself is 1.1e-16)."""

# A size below this is that of an exact 0 (and of the floor of `sizes`).
_NOTHING = 1e-280


def evaluate(expression: Expression, values: Mapping[str, Array]) -> Array:
    """Return the value of `expression`; its symbols are arrays of one shape, or of shapes that broadcast.

    What overflows is infinite or NaN, without a warning.
    """
    with np.errstate(all="ignore"):
        return _value(expression, values)


def sized(expression: Expression, values: Mapping[str, Array], sizes: Mapping[str, Array]) -> tuple[Array, Array]:
    """Return the value of `expression` and the size of its terms.

    Args:
        expression: what to evaluate.
        values: by symbol.
        sizes: by symbol; a symbol without one has the size of its value.

    Returns:
        Two arrays. Where something overflows, or where a relu's slope is undecided because its
        argument is within the tolerance of 0, the size is infinite or very large: nothing can be
        said there.
    """
    with np.errstate(all="ignore"):
        value, size = _sized(expression, values, sizes)
        return value, np.where(np.isnan(size), np.inf, size)


def sizes(
    equations: Equations, values: Mapping[str, Array], floor: float = 0.0, given: Mapping[str, Array] | None = None
) -> dict[str, Array]:
    """Return the size of every quantity of an iteration, and as ``next w1`` .. of the following parameters.

    Args:
        equations: of the network.
        values: of every quantity, the constants, parameters and the learning rate ``η`` included.
        floor: the least size, for numbers that differ only because one program underflows.
        given: sizes of constants and parameters that are not known exactly.
    """
    found: dict[str, Array] = dict(given or {})
    for equation in equations:
        name = f"next {equation.symbol}" if equation.group == "update" else equation.symbol
        found[name] = sized(equation.expression, values, found)[1] + floor
    return found


def kinked(argument: Array, size: Array) -> npt.NDArray[np.bool_]:
    """Return where the argument of a relu is within the tolerance of 0, so that its slope is undecided."""
    undecided: npt.NDArray[np.bool_] = (np.abs(argument) <= TOLERANCE * size) & (size > _NOTHING)
    return undecided


def _sigmoid(x: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-x))


_FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "sigmoid": _sigmoid,
    "tanh": np.tanh,
    "relu": lambda x: np.where(np.isnan(x), x, np.maximum(x, 0.0)),
    "step": lambda x: np.where(np.isnan(x), x, np.where(x > 0.0, 1.0, 0.0)),
}

_SLOPES: dict[str, Callable[[Array], Array]] = {
    "sigmoid": lambda x: _sigmoid(x) * _sigmoid(-x),
    "tanh": lambda x: 1.0 / np.cosh(x) ** 2,
    "relu": lambda x: np.where(x > 0.0, 1.0, 0.0),
    "step": lambda x: np.zeros_like(x),
}


def _value(node: Expression, values: Mapping[str, Array]) -> Array:
    match node:
        case Number(value):
            return np.asarray(value, dtype=np.float64)
        case Symbol(name):
            return np.asarray(values[name], dtype=np.float64)
        case Sum(terms):
            total = _value(terms[0], values)
            for term in terms[1:]:
                total = total + _value(term, values)
            return total
        case Difference(left, right):
            return _value(left, values) - _value(right, values)
        case Product(factors):
            result = _value(factors[0], values)
            for factor in factors[1:]:
                result = result * _value(factor, values)
            return result
        case Power(base, exponent):
            return _value(base, values) ** exponent
        case Function(name, argument):
            return _FUNCTIONS[name](_value(argument, values))
        case _:
            raise TypeError(f"no value for {node!r}")


def _sized(node: Expression, values: Mapping[str, Array], sizes: Mapping[str, Array]) -> tuple[Array, Array]:
    match node:
        case Number():
            value = _value(node, values)
            return value, np.abs(value)
        case Symbol(name):
            value = _value(node, values)
            return value, sizes[name] if name in sizes else np.abs(value)
        case Sum(terms):
            parts = [_sized(term, values, sizes) for term in terms]
            value, size = parts[0]
            for other, other_size in parts[1:]:
                value, size = value + other, size + other_size
            return value, size
        case Difference(left, right):
            (value, size), (other, other_size) = _sized(left, values, sizes), _sized(right, values, sizes)
            return value - other, size + other_size
        case Product(factors):
            return _product([_sized(factor, values, sizes) for factor in factors])
        case Power(base, exponent):
            return _product([_sized(base, values, sizes)] * exponent)
        case Function(name, argument):
            return _function(name, *_sized(argument, values, sizes))
        case _:
            raise TypeError(f"no size for {node!r}")


def _product(factors: list[tuple[Array, Array]]) -> tuple[Array, Array]:
    """Return value and size of a product.

    The size is the absolute product, and what the product moves by when every factor moves by the
    tolerance times the part of its size that exceeds its value, divided by the tolerance: the first
    order and, where two factors have both cancelled, the second.
    """
    value, size = factors[0]
    excess = size - np.abs(value)
    for other, other_size in factors[1:]:
        other_excess = other_size - np.abs(other)
        excess = excess * (np.abs(other) + TOLERANCE * other_excess) + np.abs(value) * other_excess
        value = value * other
    return value, np.abs(value) + excess


def _function(name: str, x: Array, size: Array) -> tuple[Array, Array]:
    function = _FUNCTIONS[name]
    value = function(x)
    reach = TOLERANCE * size
    passed_on = _SLOPES[name](x) * size
    # The slope at x says too little where it changes within the reach: near a kink, or far out in a sum that cancelled.
    for end in (function(x + reach), function(x - reach)):
        passed_on = np.maximum(passed_on, np.abs(end - value) / TOLERANCE)
    if name == "step":
        passed_on = np.where(kinked(x, size), 1.0 / TOLERANCE, 0.0)
    return value, np.abs(value) + passed_on

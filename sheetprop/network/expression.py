"""A small algebra: symbols, numbers, ``+ - * /``, powers and the functions a network needs.

An expression is a tree of frozen nodes built with Python's operators. The operators
simplify as they build (``x*1`` is ``x``, ``-(t - a)`` is ``a - t``), so that what
:func:`derivative` returns reads the way a teacher writes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FunctionName = Literal["sigmoid", "tanh", "relu", "step"]


class Expression:
    """Base of all nodes; carries the operators."""

    __slots__ = ()

    def __add__(self, other: Expression | float) -> Expression:
        return add(self, lift(other))

    def __radd__(self, other: float) -> Expression:
        return add(lift(other), self)

    def __sub__(self, other: Expression | float) -> Expression:
        return subtract(self, lift(other))

    def __rsub__(self, other: float) -> Expression:
        return subtract(lift(other), self)

    def __mul__(self, other: Expression | float) -> Expression:
        return product(self, lift(other))

    def __rmul__(self, other: float) -> Expression:
        return product(lift(other), self)

    def __neg__(self) -> Expression:
        return product(Number(-1.0), self)

    def __pow__(self, exponent: int) -> Expression:
        return power(self, exponent)


@dataclass(frozen=True, slots=True)
class Number(Expression):
    """A constant of the mathematics, such as the ½ of the squared error; never a value of the user."""

    value: float


@dataclass(frozen=True, slots=True)
class Symbol(Expression):
    """A named quantity, such as ``w1``, ``a_h1`` or ``∂E_total/∂a_h1``."""

    name: str


@dataclass(frozen=True, slots=True)
class Sum(Expression):
    """Two or more terms added from left to right."""

    terms: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Difference(Expression):
    """``left - right``."""

    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Product(Expression):
    """Two or more factors multiplied from left to right."""

    factors: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Power(Expression):
    """``base`` to a whole exponent of at least 2."""

    base: Expression
    exponent: int


@dataclass(frozen=True, slots=True)
class Function(Expression):
    """An activation function of one argument, or ``step``: 1 above 0 and 0 elsewhere, the slope of ``relu``."""

    name: FunctionName
    argument: Expression


def lift(value: Expression | float) -> Expression:
    """Return `value` as an expression."""
    return value if isinstance(value, Expression) else Number(float(value))


ZERO = Number(0.0)
ONE = Number(1.0)


def add(left: Expression, right: Expression) -> Expression:
    """Return ``left + right``, flat and without zeros."""
    if left == ZERO:
        return right
    if right == ZERO:
        return left
    if isinstance(left, Number) and isinstance(right, Number):
        return Number(left.value + right.value)
    return Sum((*(left.terms if isinstance(left, Sum) else (left,)),
                *(right.terms if isinstance(right, Sum) else (right,))))


def subtract(left: Expression, right: Expression) -> Expression:
    """Return ``left - right`` without zeros."""
    if right == ZERO:
        return left
    if left == ZERO:
        return -right
    return Difference(left, right)


def product(left: Expression, right: Expression) -> Expression:
    """Return ``left · right``: flat, one leading coefficient, and ``-(t - a)`` turned into ``a - t``."""
    coefficient = 1.0
    factors: list[Expression] = []
    for side in (left, right):
        for factor in side.factors if isinstance(side, Product) else (side,):
            if isinstance(factor, Number):
                coefficient *= factor.value
            else:
                factors.append(factor)
    if coefficient == 0.0:
        return ZERO
    if coefficient < 0.0:
        for position, factor in enumerate(factors):
            if isinstance(factor, Difference):
                factors[position] = Difference(factor.right, factor.left)
                coefficient = -coefficient
                break
    if coefficient != 1.0 or not factors:
        factors.insert(0, Number(coefficient))
    return factors[0] if len(factors) == 1 else Product(tuple(factors))


def power(base: Expression, exponent: int) -> Expression:
    """Return ``base ** exponent`` for a whole exponent of at least 0."""
    if exponent == 0:
        return ONE
    return base if exponent == 1 else Power(base, exponent)


def symbols(expression: Expression) -> tuple[Symbol, ...]:
    """Return the symbols in `expression`, each once, in reading order."""
    found: dict[Symbol, None] = {}

    def visit(node: Expression) -> None:
        match node:
            case Symbol():
                found[node] = None
            case Sum(terms):
                for term in terms:
                    visit(term)
            case Difference(left, right):
                visit(left)
                visit(right)
            case Product(factors):
                for factor in factors:
                    visit(factor)
            case Power(base, _):
                visit(base)
            case Function(_, argument):
                visit(argument)
            case _:
                pass

    visit(expression)
    return tuple(found)


def derivative(expression: Expression, by: Symbol, value: Symbol | None = None) -> Expression:
    """Return ∂`expression`/∂`by`.

    Args:
        expression: what is differentiated.
        by: the symbol to differentiate by; all other symbols are held fixed.
        value: the symbol that stands for the value of `expression`, if it has one. The slope of an
            activation function is then written with it: ``a·(1 - a)`` rather than the function again.
    """
    match expression:
        case Symbol():
            return ONE if expression == by else ZERO
        case Sum(terms):
            total: Expression = ZERO
            for term in terms:
                total = total + derivative(term, by)
            return total
        case Difference(left, right):
            return derivative(left, by) - derivative(right, by)
        case Product(factors):
            total = ZERO
            for position, factor in enumerate(factors):
                slope = derivative(factor, by)
                if slope != ZERO:
                    term = ONE
                    for other, unchanged in enumerate(factors):
                        term = term * (slope if other == position else unchanged)
                    total = total + term
            return total
        case Power(base, exponent):
            return exponent * power(base, exponent - 1) * derivative(base, by)
        case Function(_, argument):
            inner = derivative(argument, by)
            return ZERO if inner == ZERO else slope_of(expression, value or expression) * inner
        case _:
            return ZERO


def slope_of(function: Function, value: Expression) -> Expression:
    """Return the derivative of an activation function by its argument, written with its own `value`.

    At 0 the slope of relu is 0, as in PyTorch; step has slope 0 everywhere.
    """
    match function.name:
        case "sigmoid":
            return value * (1 - value)
        case "tanh":
            return 1 - value**2
        case "relu":
            return Function("step", function.argument)
        case "step":
            return ZERO

"""How an expression is written: what all notations share, and plain text and LaTeX. Excel's is `workbook.formulas`."""

from __future__ import annotations

import re
from typing import ClassVar

from sheetprop.network.expression import Difference, Expression, Function, Number, Power, Product, Sum, Symbol

_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_HALF = 0.5


class Notation:
    """Writes an expression; where brackets stand follows from the tree, how things look is each notation's own.

    Attributes:
        plus, minus, times: what stands between terms and factors.
        brackets: what stands around a part that needs brackets.
        functions: by name, what stands before and after the argument of a function.
        leading_minus: whether a factor of -1 is written as a minus before the product.
    """

    plus: ClassVar[str] = " + "
    minus: ClassVar[str] = " - "
    times: ClassVar[str] = "·"
    brackets: ClassVar[tuple[str, str]] = ("(", ")")
    functions: ClassVar[dict[str, tuple[str, str]]] = {}
    leading_minus: ClassVar[bool] = True

    def write(self, expression: Expression) -> str:
        """Return `expression` as text."""
        match expression:
            case Number(value):
                return self.number(value)
            case Symbol(name):
                return self.symbol(name)
            case Sum(terms):
                return self.plus.join(self.write(term) for term in terms)
            case Difference(left, right):
                return f"{self.write(left)}{self.minus}{self.bracketed(right, Sum, Difference)}"
            case Product(factors):
                negative = self.leading_minus and factors[0] == Number(-1.0)
                rest = factors[1:] if negative else factors
                return "-" * negative + self.times.join(self.bracketed(factor, Sum, Difference) for factor in rest)
            case Power(base, exponent):
                return self.bracketed(base, Sum, Difference, Product, Power) + self.exponent(exponent)
            case Function("sigmoid", argument):
                return self.sigmoid(argument)
            case Function(name, argument):
                before, after = self.functions[name]
                return before + self.write(argument) + after
            case _:
                raise TypeError(f"no way to write {expression!r}")

    def bracketed(self, node: Expression, *kinds: type[Expression]) -> str:
        """Return `node`, in brackets where it is of one of the kinds."""
        inner = self.write(node)
        return inner.join(self.brackets) if isinstance(node, kinds) else inner

    def number(self, value: float) -> str:
        """Return a constant."""
        return shortest(value)

    def symbol(self, name: str) -> str:
        """Return a named quantity."""
        return name

    def exponent(self, exponent: int) -> str:
        """Return what stands behind the base of a power."""
        raise NotImplementedError

    def sigmoid(self, argument: Expression) -> str:
        """Return the sigmoid of an expression."""
        raise NotImplementedError


class _Text(Notation):
    functions: ClassVar = {"tanh": ("tanh(", ")"), "relu": ("max(0, ", ")"), "step": ("[", " > 0]")}

    def number(self, value: float) -> str:
        return number_text(value)

    def exponent(self, exponent: int) -> str:
        return str(exponent).translate(_SUPERSCRIPTS)

    def sigmoid(self, argument: Expression) -> str:
        return f"1/(1 + e^(-{self.bracketed(argument, Sum, Difference)}))"


class _Latex(Notation):
    times: ClassVar = r" \cdot "
    brackets: ClassVar = (r"\left(", r"\right)")
    functions: ClassVar = {"tanh": (r"\tanh\left(", r"\right)"), "relu": (r"\max\left(0, ", r"\right)"),
                           "step": (r"\left[", r" > 0\right]")}

    def number(self, value: float) -> str:
        return r"\tfrac{1}{2}" if value == _HALF else shortest(value)

    def symbol(self, name: str) -> str:
        return symbol_latex(name)

    def exponent(self, exponent: int) -> str:
        return f"^{{{exponent}}}"

    def sigmoid(self, argument: Expression) -> str:
        return rf"\frac{{1}}{{1 + e^{{-{self.bracketed(argument, Sum, Difference)}}}}}"


def shortest(value: float) -> str:
    """Return a number with the fewest digits that give the same number again when read: ``0.1``, ``2``, ``1e-06``."""
    return repr(float(value)).removesuffix(".0")


def number_text(value: float) -> str:
    """Return a constant as short text: ``½``, ``2``, ``-1``."""
    return "½" if value == _HALF else shortest(value)


def text(expression: Expression) -> str:
    """Return `expression` as one line of plain text, such as ``(a_o1 - t1)·a_o1·(1 - a_o1)·a_h1``."""
    return _Text().write(expression)


def latex(expression: Expression) -> str:
    """Return `expression` as LaTeX for display mathematics."""
    return _Latex().write(expression)


def symbol_latex(name: str) -> str:
    r"""Return the name of a quantity as LaTeX: ``a_h1`` is ``a_{h1}``, ``∂E_total/∂w1`` a fraction."""
    partial = re.fullmatch(r"∂(.+)/∂(.+)", name)
    if partial:
        above, below = (symbol_latex(part) for part in partial.groups())
        return rf"\frac{{\partial {above}}}{{\partial {below}}}"
    if name == "η":
        return r"\eta"
    if name == "E_total":
        return r"E_{\mathrm{total}}"
    unit = re.fullmatch(r"(a_)?([A-Za-z]+)(\d+)(?:_(\d+))?", name)
    if unit is None:
        return rf"\mathrm{{{name}}}"
    activation, letter, first, second = unit.groups()
    index = first if second is None else f"{first},{second}"
    return f"a_{{{letter}_{{{index}}}}}" if activation else f"{letter}_{{{index}}}"

"""Two printers for expressions: plain text and LaTeX. The third, Excel, is in `workbook.formulas`."""

from __future__ import annotations

import re

from sheetprop.network.expression import Difference, Expression, Function, Number, Power, Product, Sum, Symbol

_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_HALF = 0.5


def number_text(value: float) -> str:
    """Return a constant as short text: ``½``, ``2``, ``-1``."""
    return "½" if value == _HALF else format(value, "g")


def text(expression: Expression) -> str:
    """Return `expression` as one line of plain text, such as ``(a_o1 - t1)·a_o1·(1 - a_o1)·a_h1``."""
    match expression:
        case Number(value):
            return number_text(value)
        case Symbol(name):
            return name
        case Sum(terms):
            return " + ".join(text(term) for term in terms)
        case Difference(left, right):
            return f"{text(left)} - {_bracketed(right, Sum, Difference)}"
        case Product(factors):
            if factors[0] == Number(-1.0):
                return "-" + "·".join(_bracketed(factor, Sum, Difference) for factor in factors[1:])
            return "·".join(_bracketed(factor, Sum, Difference) for factor in factors)
        case Power(base, exponent):
            return _bracketed(base, Sum, Difference, Product) + str(exponent).translate(_SUPERSCRIPTS)
        case Function("sigmoid", argument):
            return f"1/(1 + e^(-{_bracketed(argument, Sum, Difference)}))"
        case Function("tanh", argument):
            return f"tanh({text(argument)})"
        case Function("relu", argument):
            return f"max(0, {text(argument)})"
        case Function("step", argument):
            return f"[{text(argument)} > 0]"
        case _:
            raise TypeError(f"no text for {expression!r}")


def _bracketed(node: Expression, *kinds: type[Expression]) -> str:
    return f"({text(node)})" if isinstance(node, kinds) else text(node)


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


def latex(expression: Expression) -> str:
    """Return `expression` as LaTeX for display mathematics."""
    match expression:
        case Number(value):
            return r"\tfrac{1}{2}" if value == _HALF else format(value, "g")
        case Symbol(name):
            return symbol_latex(name)
        case Sum(terms):
            return " + ".join(latex(term) for term in terms)
        case Difference(left, right):
            return f"{latex(left)} - {_braced(right, Sum, Difference)}"
        case Product(factors):
            if factors[0] == Number(-1.0):
                return "-" + r" \cdot ".join(_braced(factor, Sum, Difference) for factor in factors[1:])
            return r" \cdot ".join(_braced(factor, Sum, Difference) for factor in factors)
        case Power(base, exponent):
            return f"{_braced(base, Sum, Difference, Product)}^{{{exponent}}}"
        case Function("sigmoid", argument):
            return rf"\frac{{1}}{{1 + e^{{-{_braced(argument, Sum, Difference)}}}}}"
        case Function("tanh", argument):
            return rf"\tanh\left({latex(argument)}\right)"
        case Function("relu", argument):
            return rf"\max\left(0, {latex(argument)}\right)"
        case Function("step", argument):
            return rf"\left[{latex(argument)} > 0\right]"
        case _:
            raise TypeError(f"no LaTeX for {expression!r}")


def _braced(node: Expression, *kinds: type[Expression]) -> str:
    return rf"\left({latex(node)}\right)" if isinstance(node, kinds) else latex(node)

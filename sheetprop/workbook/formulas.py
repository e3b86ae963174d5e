"""The third printer: an expression as an Excel formula, and the addresses it stands on."""

from __future__ import annotations

from collections.abc import Callable

from sheetprop.network.expression import Difference, Expression, Function, Number, Power, Product, Sum, Symbol

# Excel's EXP overflows above 709.78 and Excel knows no numbers below 2.2E-308. Below -708 the sigmoid is
# under 3.4E-308, so it is written as the 0 that PyTorch also reaches a little further down.
SIGMOID_FLOOR = -708

# The smallest number that counts as different from 0 when the sheet is compared with PyTorch, for the same reason.
UNDERFLOW = 1e-300

MAX_ROWS = 1_048_576
MAX_COLUMNS = 16_384
MAX_FORMULA = 8_192


def excel(expression: Expression, cell: Callable[[str], str]) -> str:
    """Return `expression` as an Excel formula without the leading ``=``.

    Args:
        expression: what to print.
        cell: gives the address of a symbol.
    """
    match expression:
        case Number(value):
            return format(value, "g")
        case Symbol(name):
            return cell(name)
        case Sum(terms):
            return "+".join(excel(term, cell) for term in terms)
        case Difference(left, right):
            return f"{excel(left, cell)}-{_bracketed(right, cell, Sum, Difference)}"
        case Product(factors):
            # Excel reads -x^2 as (-x)^2, so a leading minus is written as a factor.
            return "*".join(_bracketed(factor, cell, Sum, Difference) for factor in factors)
        case Power(base, exponent):
            return f"{_bracketed(base, cell, Sum, Difference, Product, Power)}^{exponent}"
        case Function("sigmoid", argument):
            inner = excel(argument, cell)
            minus = f"-({inner})" if isinstance(argument, Sum | Difference | Product) else f"-{inner}"
            return f"IF({inner}<{SIGMOID_FLOOR},0,1/(1+EXP({minus})))"
        case Function("tanh", argument):
            return f"TANH({excel(argument, cell)})"
        case Function("relu", argument):
            return f"MAX(0,{excel(argument, cell)})"
        case Function("step", argument):
            return f"IF({excel(argument, cell)}>0,1,0)"
        case _:
            raise TypeError(f"no formula for {expression!r}")


def _bracketed(node: Expression, cell: Callable[[str], str], *kinds: type[Expression]) -> str:
    return f"({excel(node, cell)})" if isinstance(node, kinds) else excel(node, cell)


def letters(column: int) -> str:
    """Return the letters of a column: 1 is A, 27 is AA."""
    text = ""
    while column:
        column, rest = divmod(column - 1, 26)
        text = chr(65 + rest) + text
    return text


def quoted(sheet: str) -> str:
    """Return the name of a sheet as it stands in a formula, such as ``'LR 0.1'``."""
    return sheet if sheet.isalnum() and not sheet[0].isdigit() else "'" + sheet.replace("'", "''") + "'"

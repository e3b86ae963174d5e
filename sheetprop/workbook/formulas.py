"""The third notation: an expression as an Excel formula, and the addresses it stands on."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from sheetprop.network.expression import Difference, Expression, Product, Sum
from sheetprop.network.notation import Notation

# Excel's EXP overflows above 709.78 and Excel knows no numbers below 2.2E-308. Below -708 the sigmoid is
# under 3.4E-308, so it is written as the 0 that PyTorch also reaches a little further down.
SIGMOID_FLOOR = -708

# The smallest number that counts as different from 0 when the sheet is compared with PyTorch, for the same reason.
UNDERFLOW = 1e-300

MAX_ROWS = 1_048_576
MAX_COLUMNS = 16_384
MAX_FORMULA = 8_192


class _Excel(Notation):
    plus: ClassVar = "+"
    minus: ClassVar = "-"
    times: ClassVar = "*"
    functions: ClassVar = {"tanh": ("TANH(", ")"), "relu": ("MAX(0,", ")"), "step": ("IF(", ">0,1,0)")}
    # Excel reads -x^2 as (-x)^2, so a leading minus is written as a factor.
    leading_minus: ClassVar = False

    def __init__(self, cell: Callable[[str], str]) -> None:
        self._cell = cell

    def symbol(self, name: str) -> str:
        return self._cell(name)

    def exponent(self, exponent: int) -> str:
        return f"^{exponent}"

    def sigmoid(self, argument: Expression) -> str:
        minus = self.bracketed(argument, Sum, Difference, Product)
        return f"IF({self.write(argument)}<{SIGMOID_FLOOR},0,1/(1+EXP(-{minus})))"


def excel(expression: Expression, cell: Callable[[str], str]) -> str:
    """Return `expression` as an Excel formula without the leading ``=``.

    Args:
        expression: what to print.
        cell: gives the address of a symbol.
    """
    return _Excel(cell).write(expression)


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

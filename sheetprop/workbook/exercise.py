"""The workbook as a task: some columns blank, and beside each cell whether what the student wrote is right."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from sheetprop.errors import SheetpropError, nearest
from sheetprop.network import symbols
from sheetprop.network.equations import Equations
from sheetprop.network.expression import (
    Difference,
    Expression,
    Function,
    Power,
    Product,
    Sum,
    Symbol,
)
from sheetprop.workbook.formulas import MAX_FORMULA, excel


class Layout(Protocol):
    """What this module needs of a layout (`layout.Layout`), which in turn needs this module."""

    @property
    def RATE_CELL(self) -> str: ...  # noqa: N802

    @property
    def blank(self) -> frozenset[str]: ...

    @property
    def equations(self) -> Equations: ...

    def address(self, symbol: str, iteration: int) -> str: ...

    def formula(self, symbol: str, iteration: int) -> str: ...



RIGHT, WRONG = "✓ right", "✗ wrong"

ROWS = 3
"""So many iterations, from the first, are left blank by default; the rest are live."""

# What a student may leave blank, by a word that names the group.
GROUPS = {"gradients": "backward", "forward": "forward", "error": "error", "updates": "parameter"}


def blank_columns(groups: Mapping[str, str], chosen: Sequence[str]) -> frozenset[str]:
    """Return the symbols that `chosen` names.

    Args:
        groups: the group of each column, by symbol.
        chosen: symbols such as ``∂E_total/∂w5`` or ``w5`` for its update, and the groups
            ``gradients``, ``forward``, ``error`` and ``updates``.

    Raises:
        SheetpropError: a name that is neither.
    """
    known = {symbol: group for symbol, group in groups.items() if group in GROUPS.values()}
    found: set[str] = set()
    for name in chosen:
        if name in GROUPS:
            found.update(symbol for symbol, group in known.items() if group == GROUPS[name])
        elif name in known:
            found.add(name)
        else:
            raise SheetpropError(f"--blank {name!r} names no column; {nearest(name, [*GROUPS, *known])}")
    return frozenset(found)


def verdict(layout: Layout, symbol: str, iteration: int) -> str:
    """Return the formula, without ``=``, that judges the student's cell of `symbol` in a row.

    The right value is computed from the cells of the same row that the student does not fill in, so
    that each cell is judged on its own and a mistake elsewhere does not spread.
    """
    given = layout.address(symbol, iteration)
    right = _right(layout, symbol, iteration)
    close = f"ABS({given}-({right}))<={_allowed(given)}"
    return f'IF(ISBLANK({given}),"",IF(ISNUMBER({given}),IF({close},"{RIGHT}","{WRONG}"),"{WRONG}"))'


def _allowed(given: str) -> str:
    """Return how far a student's number may be from the right one.

    Half a unit of the last digit that the sheet shows (six decimals, or three digits and a power of ten), where
    the number has no more digits than that; a number that was computed has to be right to seven digits.
    """
    exact = f"ABS({given})*0.0000001"
    unit = f"10^(INT(LOG10(ABS({given})))-2)"
    plain = f"IF(ABS({given}-ROUND({given},6))<0.000000000001,0.00000051,{exact})"
    power = f"IF(ABS({given}/{unit}-ROUND({given}/{unit},0))<0.0000001,0.51*{unit},{exact})"
    return f"IF({given}=0,0,IF(AND(ABS({given})>=0.0001,ABS({given})<10000),{plain},{power}))"


def _right(layout: Layout, symbol: str, iteration: int) -> str:
    equation = layout.equations.defined.get(symbol)
    if equation is None:
        if iteration == 0:
            return layout.formula(symbol, 0)
        update = next(e for e in layout.equations.update if e.symbol == symbol)
        return excel(_without_blanks(layout, update.expression, keep={symbol}), _cell(layout, iteration - 1))
    return excel(_without_blanks(layout, equation.expression, keep=set()), _cell(layout, iteration))


def _cell(layout: Layout, iteration: int) -> Callable[[str], str]:
    def address(name: str) -> str:
        return layout.RATE_CELL if name == symbols.LEARNING_RATE else layout.address(name, iteration)

    return address


def _without_blanks(layout: Layout, expression: Expression, keep: set[str]) -> Expression:
    """Replace blank symbols by their own right-hand sides, as long as the formula stays short enough."""
    replaced = _substitute(layout, expression, keep)
    if replaced != expression and len(excel(replaced, lambda _: "AAA1000000")) * 2 + 200 < MAX_FORMULA:
        return _without_blanks(layout, replaced, keep)
    return expression


def _substitute(layout: Layout, node: Expression, keep: set[str]) -> Expression:
    match node:
        case Symbol(name):
            equation = layout.equations.defined.get(name)
            return equation.expression if equation and name in layout.blank and name not in keep else node
        case Sum(terms):
            return Sum(tuple(_substitute(layout, term, keep) for term in terms))
        case Difference(left, right):
            return Difference(_substitute(layout, left, keep), _substitute(layout, right, keep))
        case Product(factors):
            return Product(tuple(_substitute(layout, factor, keep) for factor in factors))
        case Power(base, exponent):
            return Power(_substitute(layout, base, keep), exponent)
        case Function(name, argument):
            return Function(name, _substitute(layout, argument, keep))
        case _:
            return node

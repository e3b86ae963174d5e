"""The sheet Chart data of a long run: every so many iterations, for the charts to read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sheetprop.network import symbols
from sheetprop.workbook import style
from sheetprop.workbook.cells import Cells, Quantity
from sheetprop.workbook.formulas import letters, quoted
from sheetprop.workbook.layout import Layout
from sheetprop.workbook.names import CHART_DATA

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

HEAD_ROW, FIRST_ROW = 4, 5
_STEPS = 250


def iterations(layout: Layout) -> list[int]:
    """Return the iterations that are kept, the first and the last among them."""
    last = layout.spec.iterations
    return [round(position * last / _STEPS) for position in range(_STEPS + 1)]


def cells(layout: Layout) -> Cells:
    """Return the contents of the sheet."""
    names = layout.rate_sheets
    result: Cells = {
        "A1": "Chart data",
        "A2": f"The charts read {_STEPS + 1} of the {layout.spec.iterations + 1:,} iterations, and stay quick.",
        f"A{HEAD_ROW}": "iteration",
    }
    for rate, name in enumerate(names):
        result[f"{letters(rate + 2)}{HEAD_ROW}"] = f'="η = "&{quoted(name)}!{layout.RATE_CELL.replace("$", "")}'
    for row, iteration in enumerate(iterations(layout), start=FIRST_ROW):
        result[f"A{row}"] = f"={quoted(names[0])}!{layout.address(symbols.ITERATION, iteration)}"
        for rate, name in enumerate(names):
            result[f"{letters(rate + 2)}{row}"] = f"={quoted(name)}!{layout.address(symbols.TOTAL, iteration)}"
    return result


def quantities(layout: Layout) -> Iterator[Quantity]:
    """Yield the cells that have a counterpart in PyTorch."""
    for row, iteration in enumerate(iterations(layout), start=FIRST_ROW):
        for rate in range(len(layout.rate_sheets)):
            yield Quantity(CHART_DATA, f"{letters(rate + 2)}{row}", symbols.TOTAL, rate, iteration)


def source(rate: int) -> tuple[str, str]:
    """Return the references of the iterations and of the total error of a rate."""
    last, column = FIRST_ROW + _STEPS, letters(rate + 2)
    sheet = quoted(CHART_DATA)
    return f"{sheet}!$A${FIRST_ROW}:$A${last}", f"{sheet}!${column}${FIRST_ROW}:${column}${last}"


def draw(sheet: Worksheet, layout: Layout) -> None:
    """Write and paint the sheet."""
    style.put(sheet, cells(layout))
    style.rates_table(sheet, len(layout.rate_sheets), HEAD_ROW, FIRST_ROW, FIRST_ROW + _STEPS, FIRST_ROW + _STEPS)
    style.page(sheet, landscape=False, repeat_rows=f"{HEAD_ROW}:{HEAD_ROW}")

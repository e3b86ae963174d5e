"""The sheet Compare: the total error of every learning rate side by side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sheetprop.network import symbols
from sheetprop.workbook import chart_sources, style
from sheetprop.workbook.cells import Cells, Quantity
from sheetprop.workbook.formulas import letters, quoted
from sheetprop.workbook.layout import Layout
from sheetprop.workbook.names import COMPARE

if TYPE_CHECKING:
    from openpyxl.chart import ScatterChart
    from openpyxl.worksheet.worksheet import Worksheet

HEAD_ROW, FIRST_ROW = chart_sources.COMPARE_HEAD_ROW, 6

# Learning rates that stand on one printed page, the charts beside them.
_RATES_A_PAGE = 14


def cells(layout: Layout) -> Cells:
    """Return headers and the first two iterations; the rows below are the second copied down."""
    result: Cells = {
        "A1": "Compare learning rates",
        "A2": "The total error E_total of every learning rate, row by row. The charts are to the right.",
        f"A{HEAD_ROW}": "iteration",
    }
    names = layout.rate_sheets
    for iteration in range(min(2, layout.spec.iterations + 1)):
        result[f"A{FIRST_ROW + iteration}"] = f"={quoted(names[0])}!{layout.address(symbols.ITERATION, iteration)}"
    for rate, name in enumerate(names):
        letter = letters(rate + 2)
        result[f"{letter}{HEAD_ROW}"] = f'="η = "&{quoted(name)}!{layout.RATE_CELL.replace("$", "")}'
        for iteration in range(min(2, layout.spec.iterations + 1)):
            result[f"{letter}{FIRST_ROW + iteration}"] = f"={quoted(name)}!{layout.address(symbols.TOTAL, iteration)}"
    return result


def last_row(layout: Layout) -> int:
    """Return the row of the last iteration."""
    return FIRST_ROW + layout.spec.iterations


def quantities(layout: Layout) -> Iterator[Quantity]:
    """Yield the cells that have a counterpart in PyTorch."""
    for rate in range(len(layout.rate_sheets)):
        for iteration in range(layout.spec.iterations + 1):
            yield Quantity(COMPARE, f"{letters(rate + 2)}{FIRST_ROW + iteration}", symbols.TOTAL, rate, iteration)


def draw(sheet: Worksheet, layout: Layout) -> None:
    """Write and paint the sheet."""
    style.put(sheet, cells(layout))
    style.rates_table(sheet, len(layout.rate_sheets), HEAD_ROW, FIRST_ROW, FIRST_ROW + min(1, layout.spec.iterations),
                      last_row(layout))
    style.page(sheet, repeat_rows=f"{HEAD_ROW}:{HEAD_ROW}")
    sheet.print_title_cols = "A:A"
    if len(layout.rate_sheets) > _RATES_A_PAGE:
        sheet.page_setup.fitToWidth = -(-(len(layout.rate_sheets) + _RATES_A_PAGE) // _RATES_A_PAGE)
    for logarithmic, row in ((False, FIRST_ROW), (True, FIRST_ROW + 26)):
        sheet.add_chart(comparison_chart(layout, logarithmic=logarithmic), f"{letters(chart_column(layout))}{row}")


def chart_column(layout: Layout) -> int:
    """Return the column at which the charts begin."""
    return len(layout.rate_sheets) + 3


def comparison_chart(layout: Layout, *, logarithmic: bool) -> ScatterChart:
    """Return the chart of all learning rates."""
    from sheetprop.workbook import charts

    scale = ", logarithmic axis" if logarithmic else ""
    chart = charts.curve_chart(
        title=None, text=f"Total error at each learning rate{scale}", x_title="iteration",
        y_title="total error E_total", x_last=layout.spec.iterations, logarithmic=logarithmic, width=26, height=12.5)
    for rate, (name, x, y) in enumerate(chart_sources.comparison(layout, COMPARE).series):
        charts.add_series(chart, x, y, name=name, colour=charts.series_colour(rate, len(layout.rate_sheets)),
                          dash=charts.series_dash(rate, len(layout.rate_sheets)))
    return chart

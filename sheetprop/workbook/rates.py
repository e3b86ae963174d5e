"""The learning-rate sheets: one row for each iteration, the same columns in all."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sheetprop.network import symbols
from sheetprop.workbook import exercise, style
from sheetprop.workbook.cells import Cells, Text
from sheetprop.workbook.formulas import letters
from sheetprop.workbook.layout import Layout
from sheetprop.workbook.names import COMPARE, HALVED, PARAMETERS, START

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

# Columns that stand on one printed page.
_COLUMNS_A_PAGE = 14


def cells(layout: Layout, rate: int) -> Cells:
    """Return the contents of the sheet of learning rate number `rate`: headers, and the first iterations.

    The rows below are the last of these, copied down (`contents.filled`).
    """
    name = layout.rate_sheets[rate]
    built = layout.spec.learning_rates[rate]
    result: Cells = {
        "A1": '="Learning rate η = "&B2',
        "A2": "η",
        "B2": f"={PARAMETERS}!{layout.parameter(layout.rate_symbols[rate])}",
        "D2": f'=IF(B2={built!r},"","Note: this sheet is called {name}, but its learning rate is now "&B2&".")',
    }
    previous = ""
    for column in layout.columns:
        letter = column.letter
        if column.group not in (previous, "verdict"):
            result[f"{letter}{layout.GROUP_ROW}"] = group_title(layout, column.group)
            previous = column.group
        result[f"{letter}{layout.WORDS_ROW}"] = column.words
        result[f"{letter}{layout.SYMBOL_ROW}"] = Text("✓ or ✗" if column.group == "verdict" else column.symbol)
        result[f"{letter}{layout.MATHEMATICS_ROW}"] = Text(column.mathematics)
        for iteration in range(layout.pattern_row + 1):
            if layout.is_blank(column.symbol, iteration) or (
                    column.group == "verdict" and iteration >= layout.blank_rows):
                continue
            formula = layout.formula(column.symbol, iteration)
            address = f"{letter}{layout.FIRST_ROW + iteration}"
            result[address] = 0 if formula == "0" else f"={formula}"
    if layout.blank:
        for symbol in layout.blank:
            result[f"{layout.column_of[symbol].letter}{layout.MATHEMATICS_ROW}"] = "?"
    return result


def group_title(layout: Layout, group: str) -> str:
    """Return the title of a group of columns."""
    if group == "parameter" and layout.spec.network.bias and layout.spec.network.learn_bias:
        return "Weights and biases"
    return style.GROUP_TITLE[group]


def draw(sheet: Worksheet, layout: Layout, rate: int) -> None:
    """Write and paint the headers and the first iterations; the file's other rows look like the last of them."""
    style.put(sheet, cells(layout, rate))
    painter = style.Painter(sheet)
    painter.paint("A1", style.HEADING)
    painter.paint("A2", style.Look(bold=True, align="center", border=True, fill=style.GROUP_FILL["parameter"]))
    painter.paint("B2", style.Look(bold=True, border=True, fill=style.GROUP_FILL["parameter"], align="left"))
    painter.paint("D2", style.WARNING)
    places = [("I1", "◂ Start", START, "A1"), ("K1", "◂ Parameters", PARAMETERS, "A1"),
              ("M1", "Compare ▸", COMPARE, "A1"),
              ("O1", "Chart ▸", sheet.title, f"{letters(len(layout.columns) + 2)}1")]
    for address, text, target, cell in places:
        sheet[address] = text
        style.link(sheet, address, target, cell)
        painter.paint(address, style.LINKED)
    for column in layout.columns:
        letter, fill = column.letter, style.GROUP_FILL[column.group]
        painter.paint(f"{letter}{layout.GROUP_ROW}", style.Look(bold=True, fill=fill, colour=style.TITLE))
        painter.paint(f"{letter}{layout.WORDS_ROW}",
                      style.Look(size=9, fill=fill, align="center", wrap=True, border=True, colour=style.INK))
        painter.paint(f"{letter}{layout.SYMBOL_ROW}", style.Look(bold=True, fill=fill, align="center", border=True))
        painter.paint(f"{letter}{layout.MATHEMATICS_ROW}",
                      style.Look(size=8, italic=True, fill=fill, align="center", wrap=True, border=True,
                                 colour=style.MUTED))
        look = style.Look(border=True, number=number_format(column.group, column.symbol),
                          bold=column.symbol == symbols.TOTAL,
                          # The live rows below the blank ones would tell the formula.
                          hidden=column.group == "verdict" or column.symbol in layout.blank)
        blank = replace(look, fill=style.GROUP_FILL["input"], locked=False, hidden=False)
        for iteration in range(layout.pattern_row + 1):
            painter.paint(f"{letter}{layout.FIRST_ROW + iteration}",
                          blank if layout.is_blank(column.symbol, iteration) else look)
        narrow = column.group in {"iteration", "note", "verdict"}
        sheet.column_dimensions[letter].width = 11 if narrow else max(13, len(column.symbol) + 3)
    style.extremes(sheet, f"B{layout.FIRST_ROW}:{layout.columns[-1].letter}{layout.last_row}")
    sheet.row_dimensions[1].height = 26
    sheet.row_dimensions[layout.WORDS_ROW].height = 38
    sheet.row_dimensions[layout.MATHEMATICS_ROW].height = _height(layout)
    sheet.freeze_panes = f"B{layout.FIRST_ROW}"
    style.page(sheet, repeat_rows=f"{layout.GROUP_ROW}:{layout.MATHEMATICS_ROW}")
    sheet.print_title_cols = "A:A"
    sheet.page_setup.fitToWidth = -(-len(layout.columns) // _COLUMNS_A_PAGE)
    chart = len(layout.columns) + 2
    sheet.print_area = (f"A1:{layout.columns[-1].letter}{layout.last_row},"
                        f"{letters(chart)}{layout.FIRST_ROW}:{letters(chart + 13)}{layout.FIRST_ROW + 24}")
    if layout.blank:
        _protect(sheet, layout)
    _add_chart(sheet, layout, rate)


def _protect(sheet: Worksheet, layout: Layout) -> None:
    """Let a student write into the blank columns only, and hide the formulas that know the answer."""
    sheet.protection.sheet = True
    sheet.protection.formatColumns = False
    last = layout.FIRST_ROW + layout.blank_rows - 1
    for column in layout.columns:
        if column.group == "verdict":
            first = f"{column.letter}{layout.FIRST_ROW}"
            area = f"{first}:{column.letter}{last}"
            for verdict, colour in ((exercise.RIGHT, "1B7F4B"), (exercise.WRONG, style.ALARM)):
                sheet.conditional_formatting.add(
                    area, style.rule(formula=[f'{first}="{verdict}"'], colour=colour))


def number_format(group: str, symbol: str) -> str:
    """Return the number format of a column."""
    if group == "iteration" or symbol == HALVED:
        return style.WHOLE
    if group in {"input", "target", "bias"}:
        return style.GENERAL
    return style.NUMBER


def _height(layout: Layout) -> float:
    """Return a height, in points, in which the mathematics fits its narrow columns."""
    longest = max(len(column.mathematics) for column in layout.columns)
    return min(160.0, max(36.0, 11.5 * -(-longest // 15)))


def _add_chart(sheet: Worksheet, layout: Layout, rate: int) -> None:
    from sheetprop.workbook import chart_sources, charts

    source = chart_sources.rate_chart(layout, rate)
    chart = charts.curve_chart(
        title=source.title, x_title="iteration", y_title="total error E_total",
        x_last=layout.spec.iterations)
    for name, x, y in source.series:
        charts.add_series(chart, x, y, name=name, colour=style.SERIES[0])
    chart.legend = None
    sheet.add_chart(chart, f"{letters(len(layout.columns) + 2)}{layout.FIRST_ROW}")

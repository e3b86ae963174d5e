"""The sheet Start: what this is, a map, the legend, the network's picture and a live summary."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import sheetprop
from sheetprop.network import symbols
from sheetprop.workbook import check, compare, exercise, rates, style
from sheetprop.workbook.cells import Cells, Quantity
from sheetprop.workbook.formulas import letters, quoted
from sheetprop.workbook.layout import Layout
from sheetprop.workbook.names import CHECK, COMPARE, DIAGRAM, HALVED, PARAMETERS, START, STEPS
from sheetprop.workbook.parameters import changed

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

MAP_ROW = 5
PICTURE_COLUMN = 9
_LEGEND = ("input", "target", "parameter", "forward", "error", "backward", "check")
_LEGEND_WORDS = {
    "input": "blue on yellow: a constant that you may change; pale yellow: an input",
    "target": "what an output should be",
    "parameter": "what is learned; its column holds the value before the row's update",
    "forward": "from the inputs to the outputs",
    "error": "how far the outputs are from the targets",
    "backward": "how the total error changes with each weight, by the chain rule",
    "check": "whether the gradients are right",
}


def _map(layout: Layout) -> list[tuple[str, str]]:
    names = layout.rate_sheets
    rows = names[0] if len(names) == 1 else f"{names[0]} … {names[-1]}"
    return [
        (PARAMETERS, "the constants: inputs, targets, weights, learning rates"),
        (STEPS, "every equation once: meaning, mathematics, formula, value"),
        (DIAGRAM, "the network with the numbers of a rate and an iteration that you choose"),
        (names[0], f"{rows}: one sheet for each learning rate, one row for each iteration"),
        (COMPARE, "the total error of all learning rates, as table and charts"),
        (CHECK, "every gradient against a numeric slope and against PyTorch"),
    ]


def results_row(layout: Layout) -> int:
    """Return the row of the head of the live table."""
    return MAP_ROW + len(_map(layout)) + 4


def cells(layout: Layout) -> Cells:
    """Return the contents of the sheet."""
    network = layout.spec.network
    shown = " and ".join(sorted(set(network.activations)))
    head = results_row(layout)
    result: Cells = {
        "B1": "Back-propagation, cell by cell",
        "B2": f"A {network.shape} network ({shown}) learns by gradient descent: {layout.spec.iterations:,} iterations "
              f"at {_many(len(layout.rate_sheets), 'learning rate')}. Every number is a constant in Parameters or a "
              "live formula.",
        f"B{MAP_ROW - 1}": "Where to look", f"C{MAP_ROW - 1}": "What it shows",
        f"B{head - 1}": "What happens at each learning rate",
        f"B{head}": "Sheet", f"C{head}": "Learning rate η", f"D{head}": "First E_total", f"E{head}": "Last E_total",
        f"F{head}": "Filled in" if layout.blank else "Iterations until it is halved",
        f"G{head}": "Right" if layout.blank else "Largest difference from PyTorch",
    }
    for row, (target, words) in enumerate(_map(layout), start=MAP_ROW):
        result.update({f"B{row}": target, f"C{row}": words})
    for rate, name in enumerate(layout.rate_sheets):
        result.update(_result_cells(layout, rate, name, head + 1 + rate))
    verdicts = head + 2 + len(layout.rate_sheets)
    result.update({
        f"B{verdicts}": "Gradients against central differences", f"E{verdicts}": f"={CHECK}!D5",
        f"B{legend_row(layout) - 1}": "What the colours mean",
    })
    if not layout.blank:
        result.update({f"B{verdicts + 1}": "Gradients and errors against PyTorch, as built",
                       f"E{verdicts + 1}": f"={CHECK}!D6"})
    if layout.blank:
        cells_a_sheet = len(layout.blank) * layout.blank_rows
        first, last = head + 1, head + len(layout.rate_sheets)
        result.update({
            "B3": f"This is an exercise: fill in the yellow cells of the learning-rate sheets, "
                  f"{_many(cells_a_sheet, 'cell')} in each; the cell beside says whether it is right.",
            f"B{verdicts + 1}": "Your score",
            f"E{verdicts + 1}": f'=SUM(G{first}:G{last})&" right, "&SUM(F{first}:F{last})&" filled in, of '
                                f'{cells_a_sheet * len(layout.rate_sheets)}"',
        })
    for row, group in enumerate(_LEGEND, start=legend_row(layout)):
        result.update({f"B{row}": rates.group_title(layout, group), f"C{row}": _LEGEND_WORDS[group]})
    result[f"B{legend_row(layout) + len(_LEGEND) + 1}"] = f"Made by sheetprop {sheetprop.__version__}."
    return result


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")


def _result_cells(layout: Layout, rate: int, name: str, row: int) -> Cells:
    first = f"{quoted(name)}!{layout.address(symbols.TOTAL, 0)}"
    last = f"{quoted(name)}!{layout.address(symbols.TOTAL, layout.spec.iterations)}"
    halved = layout.column_range(name, HALVED)
    top, bottom = check.rate_rows(layout, rate)
    result: Cells = {
        f"B{row}": name,
        f"C{row}": f"={quoted(name)}!{Layout.RATE_CELL.replace('$', '')}",
        f"D{row}": f"={first}",
        f"E{row}": f'=IF(ISNUMBER({last}),{last},"overflow at "&COUNT({layout.column_range(name, symbols.TOTAL)}))',
    }
    if layout.blank:
        area = _judged_area(layout, name)
        right, wrong = (f'COUNTIF({area},"{word}")' for word in (exercise.RIGHT, exercise.WRONG))
        result.update({f"F{row}": f"={right}+{wrong}", f"G{row}": f"={right}"})
    else:
        result[f"F{row}"] = f'=IFERROR(MATCH(1,{halved},0)-1,"not in this run")'
        differences = f"{CHECK}!${check.STORED_DIFFERENCE}${top}:${check.STORED_DIFFERENCE}${bottom}"
        result[f"G{row}"] = (f'=IF({changed(layout)},"constants changed",'
                             f'IF(COUNT({differences})=0,"overflow",MAX({differences})))')
    return result


def _judged_area(layout: Layout, name: str) -> str:
    """Return the part of a learning-rate sheet in which the verdicts on a student's cells stand."""
    last = layout.FIRST_ROW + layout.blank_rows - 1
    return f"{quoted(name)}!$A${layout.FIRST_ROW}:${layout.columns[-1].letter}${last}"


def legend_row(layout: Layout) -> int:
    """Return the first row of the legend."""
    return results_row(layout) + len(layout.rate_sheets) + 6


def quantities(layout: Layout) -> Iterator[Quantity]:
    """Yield the cells that have a counterpart in PyTorch."""
    head = results_row(layout)
    for rate in range(len(layout.rate_sheets)):
        yield Quantity(START, f"D{head + 1 + rate}", symbols.TOTAL, rate, 0)
        yield Quantity(START, f"E{head + 1 + rate}", symbols.TOTAL, rate, layout.spec.iterations)


def draw(sheet: Worksheet, layout: Layout) -> None:
    """Write and paint the sheet; `picture` adds the drawing of the network."""
    style.put(sheet, cells(layout))
    painter = style.Painter(sheet)
    painter.paint("B1", style.Look(bold=True, size=22, colour=style.TITLE))
    painter.paint("B2", style.SUBHEADING)
    painter.paint("B3", style.WARNING)
    _paint_map(sheet, painter, layout)
    _paint_results(sheet, painter, layout)
    painter.paint(f"B{legend_row(layout) - 1}", style.SECTION)
    for row, group in enumerate(_LEGEND, start=legend_row(layout)):
        painter.paint(f"B{row}", style.Look(border=True, bold=True, fill=style.GROUP_FILL[group]))
        painter.paint_range(f"C{row}:G{row}", style.Look())
    painter.paint(f"B{legend_row(layout) + len(_LEGEND) + 1}", style.SUBHEADING)
    style.widths(sheet, {"A": 2, "B": 24, "C": 16, "D": 15, "E": 15, "F": 17, "G": 19, "H": 3})
    sheet.row_dimensions[1].height = 32
    sheet.add_chart(compare.comparison_chart(layout, logarithmic=False), f"{letters(PICTURE_COLUMN)}22")
    style.no_grid(sheet)
    style.page(sheet, tall=1)


def _paint_map(sheet: Worksheet, painter: style.Painter, layout: Layout) -> None:
    for address in (f"B{MAP_ROW - 1}", f"C{MAP_ROW - 1}"):
        painter.paint(address, style.SECTION)
    for row, (target, _) in enumerate(_map(layout), start=MAP_ROW):
        style.link(sheet, f"B{row}", target)
        painter.paint(f"B{row}", style.LINKED)
        painter.paint(f"C{row}", style.Look())


def _paint_results(sheet: Worksheet, painter: style.Painter, layout: Layout) -> None:
    head = results_row(layout)
    painter.paint(f"B{head - 1}", style.SECTION)
    painter.paint_range(f"B{head}:G{head}", style.HEAD)
    sheet.row_dimensions[head].height = 34
    for rate, name in enumerate(layout.rate_sheets):
        row = head + 1 + rate
        style.link(sheet, f"B{row}", name)
        painter.paint(f"B{row}", style.Look(colour=style.LINK, underline=True, border=True))
        painter.paint(f"C{row}", style.Look(border=True, align="center"))
        painter.paint_range(f"D{row}:E{row}", style.Look(border=True, number=style.NUMBER, align="right"))
        painter.paint(f"F{row}", style.Look(border=True, align="right"))
        painter.paint(f"G{row}", style.Look(border=True, number=style.WHOLE if layout.blank else style.TINY,
                                            align="right"))
    style.extremes(sheet, f"D{head + 1}:E{head + len(layout.rate_sheets)}")
    for row in (head + 2 + len(layout.rate_sheets), head + 3 + len(layout.rate_sheets)):
        painter.paint(f"B{row}", style.Look(bold=True))
        painter.paint(f"E{row}", style.Look(bold=True, colour=style.TITLE))
        sheet.conditional_formatting.add(
            f"E{row}", style.rule(formula=[f'ISNUMBER(SEARCH("differ",E{row}))'],
                                   colour=style.ALARM))

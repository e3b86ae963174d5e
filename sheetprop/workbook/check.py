"""The sheet Check: every gradient against a live central difference, and against PyTorch's values.

Each row takes one learning rate, one iteration and one weight or bias. To the right it computes the
whole forward pass twice, with that parameter moved up and down by h; the slope between the two must
be the gradient that the learning-rate sheet gives.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from sheetprop.network import symbols
from sheetprop.workbook import style
from sheetprop.workbook.cells import Cells, Quantity, Text, Value
from sheetprop.workbook.formulas import MAX_COLUMNS, excel, letters, quoted
from sheetprop.workbook.layout import Layout
from sheetprop.workbook.names import ABSOLUTE, CHECK, CHOSEN, PARAMETERS, RELATIVE, STEP
from sheetprop.workbook.parameters import CHANGED_CELL

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from openpyxl.worksheet.worksheet import Worksheet

HEAD_ROW, FIRST_ROW = 10, 11
FIRST_SIDE_COLUMN = 12

AGREES, DIFFERS, KINK, OVERFLOW, CHANGED, EMPTY = "agrees", "differs", "kink", "overflow", "changed", "–"

# The perturbed forward passes of large networks are wide; so many cells are spent on them at most.
_CELL_BUDGET = 300_000

PyTorchValues: TypeAlias = "Mapping[int, Mapping[str, npt.NDArray[np.float64]]]"
"""What PyTorch gave when the file was built: by iteration and symbol, one for each rate."""


@dataclass(frozen=True)
class Row:
    """One row of the sheet.

    Attributes:
        number: the row.
        rate: index of the learning rate.
        point: ``first``, ``last`` or ``chosen``.
        parameter: the weight or bias whose gradient is checked, or ``E_total``.
    """

    number: int
    rate: int
    point: str
    parameter: str


def points(layout: Layout) -> dict[str, int]:
    """Return the iterations that are checked, by name, as built."""
    last = layout.spec.iterations
    return {"first": 0, "last": last, "chosen": last // 2}


def checked_parameters(layout: Layout) -> list[str]:
    """Return the parameters that are checked: all, or evenly chosen ones of a large network."""
    names = layout.spec.network.parameters()
    rows_for_one = 3 * len(layout.rate_sheets)
    width = 2 * len(_side_symbols(layout))
    count = max(1, min(len(names), _CELL_BUDGET // (rows_for_one * width)))
    return [names[position * len(names) // count] for position in range(count)]


def rows(layout: Layout) -> Iterator[Row]:
    """Yield the rows in order: by rate, then iteration, then parameter."""
    number = FIRST_ROW
    for rate in range(len(layout.rate_sheets)):
        for point in ("first", "chosen", "last"):
            for parameter in [*checked_parameters(layout), symbols.TOTAL]:
                yield Row(number, rate, point, parameter)
                number += 1


def rate_rows(layout: Layout, rate: int) -> tuple[int, int]:
    """Return the first and the last row of a learning rate."""
    size = 3 * (len(checked_parameters(layout)) + 1)
    return FIRST_ROW + rate * size, FIRST_ROW + (rate + 1) * size - 1


def last_row(layout: Layout) -> int:
    """Return the last row of the table."""
    return rate_rows(layout, len(layout.rate_sheets) - 1)[1]


def _side_symbols(layout: Layout) -> list[str]:
    """Return the quantities of one perturbed forward pass, in order."""
    equations = layout.equations
    return [*layout.spec.network.parameters(), *(e.symbol for e in equations.forward),
            *(e.symbol for e in equations.error)]


def side_columns(layout: Layout, side: int) -> dict[str, str]:
    """Return the column letters of the pass with the parameter moved up (`side` 0) or down (1), by symbol."""
    names = _side_symbols(layout)
    start = FIRST_SIDE_COLUMN + side * (len(names) + 1)
    return {name: letters(start + position) for position, name in enumerate(names)}


def check_width(layout: Layout) -> int:
    """Return the number of columns of the sheet."""
    return FIRST_SIDE_COLUMN + 2 * len(_side_symbols(layout)) + 1


def fits(layout: Layout) -> bool:
    """Whether the sheet is narrow enough for Excel."""
    return check_width(layout) <= MAX_COLUMNS


def cells(layout: Layout) -> Cells:
    """Return the contents of the sheet, without PyTorch's values (:func:`pytorch_cells`)."""
    first, last = FIRST_ROW, last_row(layout)
    checked = checked_parameters(layout)
    every = len(layout.spec.network.parameters())
    result: Cells = {
        "A1": "Check",
        "A2": "Each row moves one parameter up and down by h and runs the forward pass twice (to the right).",
        "A3": "The slope between the two must be the gradient. The grey column holds what PyTorch gave when the file "
              "was built.",
        "A5": "Against the central difference", "D5": _verdict(f"G{first}:G{last}"),
        "A6": "Against PyTorch, as built", "D6": _verdict(f"J{first}:J{last}"),
        "A7": "" if len(checked) == every else f"Checked are {len(checked)} of the {every} parameters, evenly chosen.",
        "D9": "In the sheet", "E9": "Central difference", "H9": "PyTorch, as built",
    }
    heads = ["Rate η", "Iteration", "By", "Gradient", "(E₊ - E₋) / 2h", "Difference", "Verdict", "Value",
             "Difference", "Verdict"]
    result.update({f"{letters(k)}{HEAD_ROW}": head for k, head in enumerate(heads, start=1)})
    for side, title in enumerate(("with the parameter moved up by h", "with the parameter moved down by h")):
        columns = side_columns(layout, side)
        names = list(columns)
        result[f"{columns[names[0]]}{HEAD_ROW - 1}"] = f"Forward pass {title}"
        result.update({f"{letter}{HEAD_ROW}": Text(name) for name, letter in columns.items()})
    for row in rows(layout):
        result.update(_row_cells(layout, row))
    return {address: value for address, value in result.items() if value != ""}


def _verdict(area: str) -> str:
    wrong, right = f'COUNTIF({area},"{DIFFERS}")', f'COUNTIF({area},"{AGREES}")'
    other = f'(COUNTIF({area},"{KINK}")+COUNTIF({area},"{OVERFLOW}"))'
    return (f'=IF({wrong}>0,{wrong}&" of "&({wrong}+{right})&" differ",IF({right}=0,"nothing to compare",'
            f'"all "&{right}&" agree"&IF({other}=0,"",", "&{other}&" at a kink or overflowed")))')


def pytorch_cells(layout: Layout, pytorch: PyTorchValues) -> Cells:
    """Return the cells with PyTorch's values, which are no formulas."""
    at = points(layout)
    result: Cells = {}
    for row in rows(layout):
        shown = row.parameter if row.parameter == symbols.TOTAL else symbols.gradient(row.parameter)
        value = float(pytorch[at[row.point]][shown][row.rate])
        result[f"H{row.number}"] = value if math.isfinite(value) else OVERFLOW
    return result


def _row_cells(layout: Layout, row: Row) -> Cells:
    number, sheet = row.number, layout.rate_sheets[row.rate]
    gradient = row.parameter != symbols.TOTAL
    shown = symbols.gradient(row.parameter) if gradient else row.parameter
    starts: dict[str, Value] = {
        "first": 0,
        "last": f"={PARAMETERS}!{absolute(Layout.STRUCTURE['iterations'])}",
        "chosen": f"={PARAMETERS}!{layout.parameter(CHOSEN)}",
    }
    value = f"INDEX({layout.column_range(sheet, shown)},B{number}+1)"
    result: Cells = {
        f"A{number}": f"={quoted(sheet)}!{Layout.RATE_CELL.replace('$', '')}",
        f"B{number}": starts[row.point],
        f"C{number}": row.parameter,
        f"D{number}": f'=IF(ISBLANK({value}),"",{value})' if shown in layout.blank else f"={value}",
    }
    relative, tiny = (f"{PARAMETERS}!{layout.parameter(name)}" for name in (RELATIVE, ABSOLUTE))
    if gradient:
        up, down = side_columns(layout, 0), side_columns(layout, 1)
        for columns, sign in ((up, "+"), (down, "-")):
            result.update(_side_cells(layout, row, columns, sign))
        step = f"{PARAMETERS}!{layout.parameter(STEP)}"
        result[f"E{number}"] = f"=({up[symbols.TOTAL]}{number}-{down[symbols.TOTAL]}{number})/(2*{step})"
        result[f"F{number}"] = f"=ABS(D{number}-E{number})"
        close = f"F{number}<={relative}*MAX(ABS(D{number}),ABS(E{number}))+{tiny}"
        inner = f'IF({close},"{AGREES}","{DIFFERS}")'
        kinks = _kink(layout, number, up, down)
        if kinks:
            inner = f'IF({kinks},"{KINK}",{inner})'
        verdict = f'IF(AND(ISNUMBER(D{number}),ISNUMBER(E{number})),{inner},"{OVERFLOW}")'
        result[f"G{number}"] = f'=IF(ISTEXT(D{number}),"{EMPTY}",{verdict})' if shown in layout.blank else f"={verdict}"
    if not layout.blank:
        both = f"AND(ISNUMBER(D{number}),ISNUMBER(H{number}))"
        result[f"I{number}"] = f'=IF({both},ABS(D{number}-H{number}),"")'
        close = f"I{number}<={relative}*ABS(H{number})+{tiny}"
        inner = f'IF({both},IF({close},"{AGREES}","{DIFFERS}"),IF(OR(ISNUMBER(D{number}),ISNUMBER(H{number})),' \
                f'"{DIFFERS}","{OVERFLOW}"))'
        stale = f"{PARAMETERS}!{absolute(CHANGED_CELL)}>0"
        result[f"J{number}"] = f'=IF({stale},"{CHANGED}",{inner})'
    return result


def _side_cells(layout: Layout, row: Row, columns: Mapping[str, str], sign: str) -> Cells:
    """Return one perturbed forward pass."""
    number, sheet = row.number, layout.rate_sheets[row.rate]
    network = layout.spec.network
    step = f"{PARAMETERS}!{layout.parameter(STEP)}"
    result: Cells = {}
    for name in network.parameters():
        letter = columns[name]
        here = f"INDEX({layout.column_range(sheet, name)},$B{number}+1)"
        result[f"{letter}{number}"] = f"={here}{sign}IF($C{number}={letter}${HEAD_ROW},{step},0)"
    fixed = {*symbols.inputs(network.layers), *symbols.targets(network.layers)}

    def cell(name: str) -> str:
        return f"{PARAMETERS}!{layout.parameter(name)}" if name in fixed else f"{columns[name]}{number}"

    for equation in (*layout.equations.forward, *layout.equations.error):
        result[f"{columns[equation.symbol]}{number}"] = f"={excel(equation.expression, cell)}"
    return result


def _kink(layout: Layout, number: int, up: Mapping[str, str], down: Mapping[str, str]) -> str:
    """Return a condition that is true where a relu is on one side of 0 above and on the other below."""
    network = layout.spec.network
    relus = [name for layer, function in enumerate(network.activations, start=1) if function == "relu"
             for name in symbols.pre_activations(network.layers, layer)]
    if not relus:
        return ""
    # Excel counts TRUE as greater than any number, so the sum starts from a number.
    return "0+" + "+".join(f"(({up[name]}{number}>0)<>({down[name]}{number}>0))" for name in relus) + ">0"


def absolute(address: str) -> str:
    """Return ``C5`` as ``$C$5``."""
    stem = address.rstrip("0123456789")
    return f"${stem}${address[len(stem):]}"


def quantities(layout: Layout) -> Iterator[Quantity]:
    """Yield the cells that have a counterpart in PyTorch: the gradients and errors taken from the sheets."""
    at = points(layout)
    for row in rows(layout):
        shown = row.parameter if row.parameter == symbols.TOTAL else symbols.gradient(row.parameter)
        yield Quantity(CHECK, f"D{row.number}", shown, row.rate, at[row.point])


def draw(sheet: Worksheet, layout: Layout) -> None:
    """Write and paint the sheet."""
    style.put(sheet, cells(layout))
    painter = style.Painter(sheet)
    style.title(sheet, painter, "J1")
    for address in ("A3", "A7"):
        painter.paint(address, style.SUBHEADING)
    for number in (5, 6):
        painter.paint(f"A{number}", style.Look(bold=True))
        painter.paint(f"D{number}", style.Look(bold=True, size=13, colour=style.TITLE))
    painter.paint_range(f"A{HEAD_ROW}:J{HEAD_ROW}", style.HEAD)
    band = style.Look(bold=True, fill=style.GROUP_FILL["check"], colour=style.TITLE)
    painter.paint_range(f"A{HEAD_ROW - 1}:J{HEAD_ROW - 1}", band)
    for side in (0, 1):
        columns = list(side_columns(layout, side).values())
        painter.paint_range(f"{columns[0]}{HEAD_ROW - 1}:{columns[-1]}{HEAD_ROW - 1}", band)
        painter.paint_range(f"{columns[0]}{HEAD_ROW}:{columns[-1]}{HEAD_ROW}",
                            style.Look(bold=True, border=True, align="center", fill=style.GROUP_FILL["note"]))
    _paint_rows(painter, layout)
    style.widths(sheet, {"A": 10, "B": 10, "C": 9, "D": 15, "E": 16, "F": 12, "G": 11, "H": 15, "I": 12, "J": 11,
                         "K": 3})
    sheet.freeze_panes = f"D{FIRST_ROW}"
    sheet.print_area = f"A1:J{last_row(layout)}"
    style.page(sheet, landscape=False, repeat_rows=f"{HEAD_ROW - 1}:{HEAD_ROW}")
    for column in ("G", "J"):
        sheet.conditional_formatting.add(
            f"{column}{FIRST_ROW}:{column}{last_row(layout)}",
            style.rule(formula=[f'{column}{FIRST_ROW}="{DIFFERS}"'], colour=style.ALARM))


def _paint_rows(painter: style.Painter, layout: Layout) -> None:
    plain = style.Look(border=True)
    small, tiny = style.Look(border=True, number=style.SMALL), style.Look(border=True, number=style.TINY)
    word = style.Look(border=True, align="center")
    stored = style.Look(border=True, number=style.SMALL, colour=style.MUTED, fill=style.GROUP_FILL["note"])
    looks = {"A": plain, "B": style.Look(border=True, number=style.WHOLE), "C": style.SYMBOL, "D": small, "E": small,
             "F": tiny, "G": word, "H": stored, "I": tiny, "J": word}
    number = style.Look(border=True, number=style.NUMBER)
    sides = [letter for side in (0, 1) for letter in side_columns(layout, side).values()]
    for row in rows(layout):
        for letter, look in looks.items():
            painter.paint(f"{letter}{row.number}", look)
        if row.parameter != symbols.TOTAL:
            for letter in sides:
                painter.paint(f"{letter}{row.number}", number)

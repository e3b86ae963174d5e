"""The sheet Check: every gradient against a live central difference, and against PyTorch's values.

Each row takes one learning rate, one iteration and one weight or bias. To the right it computes the
whole forward pass four times, with that parameter moved up and down by h and by h/2; the slope between
two of them must be the gradient that the learning-rate sheet gives. How far it may be off follows from
the numbers: the slope at h/2 tells how much h itself distorts (Richardson), and the size of the terms of
E_total, found in the row of E_total, how much rounding does.
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
from sheetprop.workbook.names import CHECK, CHOSEN, PARAMETERS, RELATIVE, ROUNDING, STEP
from sheetprop.workbook.parameters import changed

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from openpyxl.worksheet.worksheet import Worksheet

HEAD_ROW, FIRST_ROW = 10, 11
SLOPE, HALF_STEP, DIFFERENCE, ALLOWED, VERDICT = "E", "F", "G", "H", "I"
STORED, DRIFT, STORED_DIFFERENCE, STORED_VERDICT = "J", "K", "L", "M"
FIRST_SIDE_COLUMN = 15
_SIDES = (("+", "up by h"), ("-", "down by h"), ("+", "up by h/2"), ("-", "down by h/2"))

AGREES, DIFFERS, KINK, COARSE, OVERFLOW, CHAOS, CHANGED, EMPTY = (
    "agrees", "differs", "kink", "h too coarse", "overflow", "chaos", "changed", "–")

# Slopes at h and h/2 that are further apart than this share say nothing about the slope at 0.
_APART = "0.1"
# Beyond this size a number is about to overflow, in one program a little sooner than in another.
_OVERFLOWING = "1E+290"

# The perturbed forward passes of large networks are wide; so many cells are spent on them at most.
_CELL_BUDGET = 300_000

PyTorchValues: TypeAlias = "Mapping[int, Mapping[str, npt.NDArray[np.float64]]]"
"""What PyTorch gave when the file was built (`reference.snapshots`): by iteration and symbol, one for each rate."""


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
    width = len(_SIDES) * len(_side_symbols(layout))
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
    """Return the column letters of a forward pass, by symbol: moved up (`side` 0, and 2 by h/2) or down (1, 3)."""
    names = _side_symbols(layout)
    start = FIRST_SIDE_COLUMN + side * (len(names) + 1)
    return {name: letters(start + position) for position, name in enumerate(names)}


def check_width(layout: Layout) -> int:
    """Return the number of columns of the sheet."""
    return FIRST_SIDE_COLUMN + len(_SIDES) * (len(_side_symbols(layout)) + 1) - 2


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
        "A2": "Each row moves one parameter up and down by h, and by h/2, and runs the forward pass each time (in the "
              "columns to the right).",
        "A3": "The slope between two of them must be the gradient. What is allowed follows from the slope at h/2 and "
              "from rounding. The grey columns hold what PyTorch gave when the file was built.",
        "A5": "Against the central difference",
        "D5": _verdict(f"{VERDICT}{first}:{VERDICT}{last}", (KINK, COARSE, OVERFLOW)),
        "A6": "Against PyTorch, as built",
        "D6": _verdict(f"{STORED_VERDICT}{first}:{STORED_VERDICT}{last}", (CHANGED, CHAOS, OVERFLOW)),
        "A7": "" if len(checked) == every else f"Checked are {len(checked)} of the {every} parameters, evenly chosen.",
        "D9": "In the sheet", f"{SLOPE}9": "Central difference", f"{STORED}9": "PyTorch, as built",
    }
    heads = ["Rate η", "Iteration", "By", "Gradient", "(E₊ - E₋) / 2h", "with h/2", "Difference", "Allowed", "Verdict",
             "Value", "Rounding", "Difference", "Verdict"]
    result.update({f"{letters(k)}{HEAD_ROW}": head for k, head in enumerate(heads, start=1)})
    for side, (_, title) in enumerate(_SIDES):
        columns = side_columns(layout, side)
        names = list(columns)
        result[f"{columns[names[0]]}{HEAD_ROW - 1}"] = f"Forward pass with the parameter moved {title}"
        result.update({f"{letter}{HEAD_ROW}": Text(name) for name, letter in columns.items()})
    for row in rows(layout):
        result.update(_row_cells(layout, row))
    if layout.blank:
        result["A3"] = "The slope between two of them must be the gradient. The slopes are hidden: they are the answer."
        for address in ("A6", "D6", f"{STORED}9", *(f"{letters(k)}{HEAD_ROW}" for k in range(10, 14))):
            del result[address]
    return {address: value for address, value in result.items() if value != ""}


def _verdict(area: str, untold: tuple[str, ...]) -> str:
    """Return a formula that sums a column of verdicts up; `untold` are the words for rows that say nothing."""
    wrong, right = f'COUNTIF({area},"{DIFFERS}")', f'COUNTIF({area},"{AGREES}")'
    counts = [f'COUNTIF({area},"{word}")' for word in untold]
    rest = "&".join(f'IF({count}=0,"",", "&{count}&" {word}")' for count, word in zip(counts, untold, strict=True))
    return (f'=IF({wrong}>0,{wrong}&" of "&({wrong}+{right})&IF({wrong}=1," differs"," differ"),'
            f'IF({right}=0,"nothing to compare","all "&{right}&" agree"))&{rest}')


def pytorch_cells(layout: Layout, pytorch: PyTorchValues) -> Cells:
    """Return the cells with PyTorch's values, and how far rounding may carry them, which are no formulas."""
    at = points(layout)
    result: Cells = {}
    for row in rows(layout):
        shown = row.parameter if row.parameter == symbols.TOTAL else symbols.gradient(row.parameter)
        there = pytorch[at[row.point]]
        value, drift = float(there[shown][row.rate]), float(there[f"drift {shown}"][row.rate])
        told = math.isfinite(value) and math.isfinite(drift) and not there["lost"][row.rate]
        result[f"{STORED}{row.number}"] = value if told else CHAOS if math.isfinite(value) else OVERFLOW
        if told:
            result[f"{DRIFT}{row.number}"] = drift
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
    result.update(_slope_cells(layout, row) if gradient else _size_cells(layout, row))
    if not layout.blank:
        result.update(_stored_cells(layout, row))
    return result


def _slope_cells(layout: Layout, row: Row) -> Cells:
    """Return the four forward passes of a row, the slopes between them and the verdict."""
    number = row.number
    sides = [side_columns(layout, side) for side in range(len(_SIDES))]
    step = f"{PARAMETERS}!{layout.parameter(STEP)}"
    result: Cells = {}
    for columns, (sign, _), size in zip(sides, _SIDES, (step, step, f"{step}/2", f"{step}/2"), strict=True):
        result.update(_side_cells(layout, row, columns, f"{sign}IF($C{number}={{}}${HEAD_ROW},{size},0)"))
    ends = [f"{columns[symbols.TOTAL]}{number}" for columns in sides]
    given, slope, half = f"D{number}", f"{SLOPE}{number}", f"{HALF_STEP}{number}"
    size = f"{sides[0][symbols.TOTAL]}{size_row(layout, row)}"
    relative, rounding = (f"{PARAMETERS}!{layout.parameter(name)}" for name in (RELATIVE, ROUNDING))
    result[slope] = f'=IFERROR(({ends[0]}-{ends[1]})/(2*{step}),"{OVERFLOW}")'
    result[half] = f'=IFERROR(({ends[2]}-{ends[3]})/{step},"{OVERFLOW}")'
    both = f"AND(ISNUMBER({given}),ISNUMBER({slope}))"
    result[f"{DIFFERENCE}{number}"] = f'=IF({both},ABS({given}-{slope}),"")'
    result[f"{ALLOWED}{number}"] = (
        f'=IF({both},IFERROR(2*ABS({slope}-{half})+{relative}*MAX(ABS({given}),ABS({slope}))+{rounding}*SQRT(2*MAX({ends[0]},{ends[1]}))*{size}/{step},'
        f'"{OVERFLOW}"),"")')
    inner = (f'IF({DIFFERENCE}{number}<={ALLOWED}{number},"{AGREES}",IF(ABS({slope}-{half})>{_APART}*'
             f'MAX(ABS({slope}),ABS({half})),"{COARSE}","{DIFFERS}"))')
    kinks = _kink(layout, number, sides[0], sides[1])
    if kinks:
        inner = f'IF({kinks},"{KINK}",{inner})'
    verdict = f'IF(AND(ISNUMBER({given}),ISNUMBER({ALLOWED}{number})),{inner},"{OVERFLOW}")'
    blank = symbols.gradient(row.parameter) in layout.blank
    result[f"{VERDICT}{number}"] = f'=IF(ISTEXT({given}),"{EMPTY}",{verdict})' if blank else f"={verdict}"
    return result


def size_row(layout: Layout, row: Row) -> int:
    """Return the row of E_total that belongs to the same rate and iteration."""
    group = len(checked_parameters(layout)) + 1
    return FIRST_ROW + ((row.number - FIRST_ROW) // group + 1) * group - 1


def _size_cells(layout: Layout, row: Row) -> Cells:
    """Return the sizes of the terms behind E_total, under the first forward pass.

    The size of a quantity is what it would be if every term were taken absolutely; rounding moves it by a share
    of that. It is carried forward like the values: a sum passes on the sizes of its terms, an activation its
    slope times the size of its argument. By Cauchy and Schwarz rounding then moves E_total by at most that share
    of ``√(2·E_total)`` times the root of the squared sizes of all ``t - a``.
    """
    number, sheet, network = row.number, layout.rate_sheets[row.rate], layout.spec.network
    columns = side_columns(layout, 0)

    def here(name: str) -> str:
        return f"INDEX({layout.column_range(sheet, name)},$B{number}+1)"

    def size(name: str) -> str:
        return f"{columns[name]}{number}" if name in columns else f"ABS({PARAMETERS}!{layout.parameter(name)})"

    result: Cells = {size(name): f"=ABS({here(name)})" for name in network.parameters()}
    for layer, function in enumerate(network.activations, start=1):
        units = zip(symbols.pre_activations(network.layers, layer), symbols.activations(network.layers, layer),
                    strict=True)
        for before, after in units:
            result[size(before)] = f"={excel(layout.equations.defined[before].expression, size)}"
            slope = {"sigmoid": f"{here(after)}*(1-{here(after)})*", "tanh": f"(1-{here(after)}^2)*"}.get(function, "")
            own = f"ABS({here(after)})+" if slope else ""
            result[size(after)] = f"={own}{slope}{size(before)}"
    outputs = symbols.activations(network.layers, len(network.layers) - 1)
    names = symbols.errors(network.layers)
    for error, target, output in zip(names, symbols.targets(network.layers), outputs, strict=True):
        result[size(error)] = f"={size(output)}+{size(target)}"
    every = f"SQRT(SUMSQ({size(names[0])}:{size(names[-1])}))" if len(names) > 1 else size(names[0])
    result[size(symbols.TOTAL)] = f"={every}"
    return result


def _stored_cells(layout: Layout, row: Row) -> Cells:
    """Return the comparison with PyTorch's value."""
    number = row.number
    given, stored = f"D{number}", f"{STORED}{number}"
    relative = f"{PARAMETERS}!{layout.parameter(RELATIVE)}"
    both = f"AND(ISNUMBER({given}),ISNUMBER({stored}))"
    close = f"{STORED_DIFFERENCE}{number}<={relative}*ABS({stored})+{DRIFT}{number}"
    huge = f"IF(ISNUMBER({given}),ABS({given}),IF(ISNUMBER({stored}),ABS({stored}),1E+300))>{_OVERFLOWING}"
    inner = (f'IF({both},IF({close},"{AGREES}","{DIFFERS}"),IF({stored}="{CHAOS}","{CHAOS}",'
             f'IF({huge},"{OVERFLOW}","{DIFFERS}")))')
    stale = changed(layout)
    if row.point == "chosen":
        # PyTorch's value is that of the iteration as built.
        stale = f"OR({stale},B{number}<>{points(layout)['chosen']})"
    return {f"{STORED_DIFFERENCE}{number}": f'=IF({stale},"",IF({both},ABS({given}-{stored}),""))',
            f"{STORED_VERDICT}{number}": f'=IF({stale},"{CHANGED}",{inner})'}


def _side_cells(layout: Layout, row: Row, columns: Mapping[str, str], move: str) -> Cells:
    """Return one perturbed forward pass; `move` is added to every parameter, its column put in."""
    number, sheet = row.number, layout.rate_sheets[row.rate]
    network = layout.spec.network
    result: Cells = {}
    for name in network.parameters():
        letter = columns[name]
        here = f"INDEX({layout.column_range(sheet, name)},$B{number}+1)"
        result[f"{letter}{number}"] = f"={here}{move.format(letter)}"
    fixed = {*symbols.inputs(network.layers), *symbols.targets(network.layers), *network.fixed_biases()}

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
    end = VERDICT if layout.blank else STORED_VERDICT
    last = last_row(layout)
    painter.paint_range(f"A{HEAD_ROW}:{end}{HEAD_ROW}", style.HEAD)
    band = style.Look(bold=True, fill=style.GROUP_FILL["check"], colour=style.TITLE)
    painter.paint_range(f"A{HEAD_ROW - 1}:{end}{HEAD_ROW - 1}", band)
    for side in range(len(_SIDES)):
        columns = list(side_columns(layout, side).values())
        painter.paint_range(f"{columns[0]}{HEAD_ROW - 1}:{columns[-1]}{HEAD_ROW - 1}", band)
        painter.paint_range(f"{columns[0]}{HEAD_ROW}:{columns[-1]}{HEAD_ROW}",
                            style.Look(bold=True, border=True, align="center", fill=style.GROUP_FILL["note"]))
        style.widths(sheet, dict.fromkeys(columns, 11.5))
        for letter in columns:
            # Folded away: a click on the sign above the columns shows them.
            sheet.column_dimensions[letter].outlineLevel = 1
            sheet.column_dimensions[letter].hidden = True
    _paint_rows(painter, layout)
    style.extremes(sheet, f"D{FIRST_ROW}:{HALF_STEP}{last} {STORED}{FIRST_ROW}:{STORED}{last} "
                          f"{letters(FIRST_SIDE_COLUMN)}{FIRST_ROW}:{letters(check_width(layout))}{last}")
    style.widths(sheet, {"A": 10, "B": 10, "C": 9, "D": 15, "E": 16, "F": 13, "G": 11, "H": 11, "I": 14, "J": 13,
                         "K": 11, "L": 11, "M": 12, "N": 3})
    sheet.freeze_panes = f"D{FIRST_ROW}"
    sheet.print_area = f"A1:{end}{last}"
    style.page(sheet, landscape=False, repeat_rows=f"{HEAD_ROW - 1}:{HEAD_ROW}")
    for column in (VERDICT, STORED_VERDICT):
        sheet.conditional_formatting.add(
            f"{column}{FIRST_ROW}:{column}{last}",
            style.rule(formula=[f'{column}{FIRST_ROW}="{DIFFERS}"'], colour=style.ALARM))
    if layout.blank:
        sheet.protection.sheet = True
        for letter in (SLOPE, HALF_STEP, DIFFERENCE, ALLOWED):
            sheet.column_dimensions[letter].hidden = True


def _paint_rows(painter: style.Painter, layout: Layout) -> None:
    hidden = bool(layout.blank)
    plain = style.Look(border=True)
    small, tiny = (style.Look(border=True, number=number, align="right", hidden=hidden)
                   for number in (style.NUMBER, style.TINY))
    word = style.Look(border=True, align="center")
    stored, drift = (style.Look(border=True, number=number, align="right", colour=style.MUTED,
                                fill=style.GROUP_FILL["note"]) for number in (style.NUMBER, style.TINY))
    looks = {"A": plain, "B": style.Look(border=True, number=style.WHOLE), "C": style.SYMBOL, "D": small,
             SLOPE: small, HALF_STEP: small, DIFFERENCE: tiny, ALLOWED: tiny, VERDICT: word}
    if not layout.blank:
        looks |= {STORED: stored, DRIFT: drift, STORED_DIFFERENCE: tiny, STORED_VERDICT: word}
    number = style.Look(border=True, number=style.NUMBER, hidden=hidden)
    sides = [letter for side in range(len(_SIDES)) for letter in side_columns(layout, side).values()]
    for row in rows(layout):
        for letter, look in looks.items():
            painter.paint(f"{letter}{row.number}", look)
        for letter in sides:
            painter.paint(f"{letter}{row.number}", number)

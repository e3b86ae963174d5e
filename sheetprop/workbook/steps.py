"""The sheet Steps: every equation once, explained, with its formula and its value at iteration 0."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sheetprop.network.equations import GROUPS, Equation
from sheetprop.network.notation import text
from sheetprop.workbook import style
from sheetprop.workbook.cells import Cells, Quantity, Text
from sheetprop.workbook.formulas import quoted
from sheetprop.workbook.layout import Layout
from sheetprop.workbook.names import STEPS

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

HEAD_ROW, FIRST_ROW = 5, 6
HEADS = ("Step", "Part", "Symbol", "What it means", "Mathematics", "Chain rule", "Formula in the sheet",
         "Value")
PARTS = {"forward": "Forward pass", "error": "Error", "backward": "Backward pass", "update": "Update"}
_FILL = {"forward": "forward", "error": "error", "backward": "backward", "update": "parameter"}
HIDDEN = "?"


def entries(layout: Layout) -> Iterator[tuple[int, Equation]]:
    """Yield the row of each equation."""
    yield from enumerate(layout.equations, start=FIRST_ROW)


def cells(layout: Layout) -> Cells:
    """Return the contents of the sheet."""
    first = layout.rate_sheets[0]
    result: Cells = {
        "A1": "Steps",
        "A2": f"Every equation of one iteration, in the order in which it is computed: {_counts(layout)}. Formulas and "
              f"values are those of the sheet {first}.",
        "A3": "Values are those of iteration 0. A weight's new value stands in the next row: its formula and its value "
              "are those of iteration 1, after the first update.",
    }
    result.update({f"{chr(65 + k)}{HEAD_ROW}": head for k, head in enumerate(HEADS)})
    for row, equation in entries(layout):
        update = equation.group == "update"
        secret = equation.symbol in layout.blank
        name = f"{equation.symbol} (next row)" if update else equation.symbol
        result.update({
            f"A{row}": row - FIRST_ROW + 1,
            f"B{row}": PARTS[equation.group],
            f"C{row}": Text(name),
            f"D{row}": Text(equation.explanation),
            f"E{row}": HIDDEN if secret else Text(text(equation.expression)),
            f"F{row}": HIDDEN if secret else Text(text(equation.chain)) if equation.chain is not None else "",
            f"G{row}": HIDDEN if secret else Text("=" + layout.formula(equation.symbol, 1 if update else 0)),
            f"H{row}": _value(f"{quoted(first)}!{layout.address(equation.symbol, 1 if update else 0)}", secret),
        })
    return {address: value for address, value in result.items() if value != ""}


def _value(cell: str, secret: bool) -> str:
    """Return the formula that shows a cell; one that a student has yet to fill in shows nothing."""
    return f'=IF(ISBLANK({cell}),"",{cell})' if secret else f"={cell}"


def _counts(layout: Layout) -> str:
    counts = {group: sum(e.group == group for e in layout.equations) for group in GROUPS}
    return ", ".join(f"{count} for the {PARTS[group].lower()}" for group, count in counts.items())


def quantities(layout: Layout) -> Iterator[Quantity]:
    """Yield the cells that have a counterpart in PyTorch."""
    for row, equation in entries(layout):
        yield Quantity(STEPS, f"H{row}", equation.symbol, 0, 1 if equation.group == "update" else 0)


def draw(sheet: Worksheet, layout: Layout) -> None:
    """Write and paint the sheet."""
    style.put(sheet, cells(layout))
    painter = style.Painter(sheet)
    style.title(sheet, painter, "H1")
    painter.paint("A3", style.SUBHEADING)
    painter.paint_range(f"A{HEAD_ROW}:H{HEAD_ROW}", style.HEAD)
    sizes: dict[str, float] = {"A": 6, "B": 15, "C": 17, "D": 46, "E": 40, "F": 40, "G": 40, "H": 14}
    for row, equation in entries(layout):
        fill = style.GROUP_FILL[_FILL[equation.group]]
        painter.paint(f"A{row}", style.Look(border=True, align="center", colour=style.MUTED))
        painter.paint(f"B{row}", style.Look(border=True, fill=fill))
        painter.paint(f"C{row}", style.Look(border=True, bold=True))
        painter.paint_range(f"D{row}:F{row}", style.BODY)
        painter.paint(f"G{row}", style.Look(border=True, wrap=True, font="Consolas", size=10))
        painter.paint(f"H{row}", style.Look(border=True, number=style.NUMBER))
        contents = [sheet[f"{letter}{row}"].value for letter in "DEFG"]
        lines = max(-(-len(str(value or "")) * 1.0 // sizes[letter])
                    for letter, value in zip("DEFG", contents, strict=True))
        sheet.row_dimensions[row].height = min(400.0, 15.5 * max(1, lines) + 3)
    style.extremes(sheet, f"H{FIRST_ROW}:H{row}")
    style.widths(sheet, sizes)
    sheet.row_dimensions[HEAD_ROW].height = 32
    sheet.freeze_panes = f"D{FIRST_ROW}"
    style.page(sheet, repeat_rows=f"{HEAD_ROW}:{HEAD_ROW}")

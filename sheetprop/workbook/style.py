"""One look for all sheets: colours, fonts, number formats and the print set-up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sheetprop.workbook.cells import Cells, Text
from sheetprop.workbook.formulas import letters, quoted
from sheetprop.workbook.names import START

if TYPE_CHECKING:
    from openpyxl.cell.cell import Cell
    from openpyxl.formatting.rule import Rule
    from openpyxl.worksheet.worksheet import Worksheet

FONT = "Calibri"
INK, MUTED, LINK, PAPER = "1F2933", "6B7785", "1D5FA8", "FFFFFF"
TITLE = "1F3A5F"
RULE = "C9D1DA"
ALARM = "B3261E"

# Background of each group of quantities; the group's name always stands with it, so colour is no only cue.
GROUP_FILL = {
    "iteration": "E4E8ED",
    "input": "FFF3C4",
    "target": "FFE3B8",
    "bias": "E9F3DC",
    "parameter": "D9EED3",
    "forward": "D6E6F7",
    "error": "FBD9D3",
    "backward": "E6DAF2",
    "note": "EEF1F4",
    "check": "D7F0EE",
    "verdict": "EEF1F4",
}
GROUP_TITLE = {
    "iteration": "Row",
    "input": "Inputs",
    "target": "Targets",
    "bias": "Fixed biases",
    "parameter": "Weights",
    "forward": "Forward pass",
    "error": "Error",
    "backward": "Backward pass: gradients",
    "note": "Note",
    "check": "Check",
    "verdict": "",
}

# Lines of charts: Okabe and Ito's colours, distinct for colour-blind readers, darkest first.
SERIES = ("0072B2", "D55E00", "009E73", "CC79A7", "8C6D00", "56B4E9", "000000", "7F3C8D")

GENERAL = "General"
WHOLE = "0"
NUMBER = "0.000000"
TINY = "0.0E+00"
POWER = "0.00E+00"
# Beyond these sizes `extremes` shows a number of the format `NUMBER` as a power of ten.
_TINY_SIZE, _HUGE_SIZE = 1e-4, 1e4


@dataclass(frozen=True)
class Look:
    """How a cell looks; equal looks share one style in the file."""

    bold: bool = False
    italic: bool = False
    size: float = 11
    colour: str = INK
    fill: str | None = None
    border: bool = False
    align: str | None = None
    vertical: str = "center"
    wrap: bool = False
    indent: int = 0
    number: str = GENERAL
    underline: bool = False
    locked: bool = True
    hidden: bool = False
    font: str = FONT


class Painter:
    """Gives looks to the cells of one sheet; each look is turned into openpyxl's objects once."""

    def __init__(self, sheet: Worksheet) -> None:
        """Paint on `sheet`."""
        self.sheet = sheet
        self._styles: dict[Look, Cell] = {}

    def paint(self, address: str, look: Look) -> None:
        """Give one cell its look."""
        cell = self.sheet[address]
        self._apply(cell, look)

    def paint_range(self, area: str, look: Look) -> None:
        """Give every cell of an area the same look."""
        cells = self.sheet[area]
        for row in cells if isinstance(cells, tuple) else ((cells,),):
            for cell in row if isinstance(row, tuple) else (row,):
                self._apply(cell, look)

    def _apply(self, cell: Cell, look: Look) -> None:
        model = self._styles.get(look)
        if model is None:
            _format(cell, look)
            self._styles[look] = cell
        else:
            # The style array is a handful of numbers; copying it skips openpyxl's search for equal styles.
            cell._style = model._style  # type: ignore[attr-defined]


def _format(cell: Cell, look: Look) -> None:
    from openpyxl.styles import Alignment, Border, Font, PatternFill, Protection, Side

    cell.font = Font(name=look.font, size=look.size, bold=look.bold, italic=look.italic, color=look.colour,
                     underline="single" if look.underline else None)
    if look.fill:
        cell.fill = PatternFill("solid", start_color=look.fill, end_color=look.fill)
    if look.border:
        side = Side(style="thin", color=RULE)
        cell.border = Border(left=side, right=side, top=side, bottom=side)
    cell.alignment = Alignment(horizontal=look.align, vertical=look.vertical, wrap_text=look.wrap, indent=look.indent)
    cell.number_format = look.number
    if not look.locked or look.hidden:
        cell.protection = Protection(locked=look.locked, hidden=look.hidden)


HEADING = Look(bold=True, size=18, colour=TITLE)
SUBHEADING = Look(colour=MUTED, size=11)
SECTION = Look(bold=True, size=13, colour=TITLE)
HEAD = Look(bold=True, colour=PAPER, fill=TITLE, border=True, align="center", wrap=True)
BODY = Look(border=True, wrap=True, indent=1, align="left")
SYMBOL = Look(border=True, bold=True, indent=1, align="left")
INPUT = Look(border=True, colour="1D3FBB", fill=GROUP_FILL["input"], number=GENERAL)
LINKED = Look(colour=LINK, underline=True)
NOTE = Look(colour=MUTED, italic=True, wrap=True, vertical="top")
WARNING = Look(bold=True, colour=ALARM)


def put(sheet: Worksheet, cells: Cells) -> None:
    """Write the contents of `cells` into `sheet`; a `Text` stays text."""
    for address, value in cells.items():
        cell = sheet[address]
        cell.value = str(value) if isinstance(value, str) else value
        if isinstance(value, float) and float(f"{value:.16g}") != value:
            # openpyxl writes 16 digits of a number; a text in a cell of numbers it writes as it is.
            cell._value = repr(value)
        if isinstance(value, Text):
            cell.data_type = "s"


def widths(sheet: Worksheet, sizes: dict[str, float]) -> None:
    """Set column widths, in characters, by letter."""
    for letter, size in sizes.items():
        sheet.column_dimensions[letter].width = size


def link(sheet: Worksheet, address: str, target: str, cell: str = "A1") -> None:
    """Make a native link from a cell to a place in this workbook."""
    from openpyxl.worksheet.hyperlink import Hyperlink

    place = Hyperlink(ref=address, location=f"{quoted(target)}!{cell}", display=None, tooltip=f"Go to {target}")
    sheet[address].hyperlink = place
    # openpyxl copies the location into an empty cell's value and forgets the reference; set both again.
    place.ref = address


def title(sheet: Worksheet, painter: Painter, back: str) -> None:
    """Paint the heading and the line under it, and link the cell `back` to the sheet Start."""
    painter.paint("A1", HEADING)
    painter.paint("A2", SUBHEADING)
    sheet[back] = "◂ Start"
    link(sheet, back, START)
    painter.paint(back, LINKED)
    sheet.row_dimensions[1].height = 26


def rates_table(sheet: Worksheet, rates: int, head: int, first: int, last: int, end: int) -> None:
    """Paint a sheet that is a table with iterations down the rows and a column for each learning rate.

    Args:
        sheet: the sheet.
        rates: number of learning rates.
        head, first, last: the row of the heads, and the first and the last row that is drawn.
        end: the last row of the file, down to which the row `last` will be copied.
    """
    painter = Painter(sheet)
    title(sheet, painter, "A3")
    columns = [letters(rate + 2) for rate in range(rates)]
    painter.paint_range(f"A{head}:{columns[-1]}{head}", HEAD)
    painter.paint_range(f"A{first}:A{last}", Look(border=True, number=WHOLE))
    painter.paint_range(f"B{first}:{columns[-1]}{last}", Look(border=True, number=NUMBER))
    extremes(sheet, f"B{first}:{columns[-1]}{end}")
    widths(sheet, {"A": 11, **dict.fromkeys(columns, 13)})
    sheet.freeze_panes = f"B{first}"


def page(sheet: Worksheet, *, landscape: bool = True, repeat_rows: str | None = None, area: str | None = None,
         tall: int = 0) -> None:
    """Fit the sheet to the width of an A4 page; `tall` pages high where given, as many as needed otherwise."""
    sheet.page_setup.orientation = "landscape" if landscape else "portrait"
    sheet.page_setup.paperSize = 9
    sheet.page_setup.fitToWidth = 1
    sheet.page_setup.fitToHeight = tall
    sheet.sheet_properties.pageSetUpPr.fitToPage = True  # type: ignore[union-attr]
    sheet.page_margins.left = sheet.page_margins.right = 0.4
    sheet.page_margins.top = sheet.page_margins.bottom = 0.6
    footer = sheet.oddFooter
    footer.left.text, footer.right.text = "&A", "page &P of &N"  # type: ignore[union-attr]
    sheet.print_options.horizontalCentered = True
    if repeat_rows:
        sheet.print_title_rows = repeat_rows
    if area:
        sheet.print_area = area


def no_grid(sheet: Worksheet) -> None:
    """Hide the grid lines of a sheet that is a page rather than a table."""
    sheet.sheet_view.showGridLines = False


def extremes(sheet: Worksheet, area: str) -> None:
    """Show the tiny and the huge numbers of an area as powers of ten.

    By conditional formats, since a number format with conditions of its own is not read alike everywhere:
    LibreOffice leaves out the minus sign of what falls into its third section.
    """
    from openpyxl.formatting.rule import Rule
    from openpyxl.styles.differential import DifferentialStyle
    from openpyxl.styles.numbers import NumberFormat

    power = DifferentialStyle(numFmt=NumberFormat(numFmtId=11, formatCode=POWER))
    tiny, huge = ([f"-{bound:.15g}", f"{bound:.15g}"] for bound in (_TINY_SIZE, _HUGE_SIZE))
    rules = [Rule(type="cellIs", operator="equal", formula=["0"], stopIfTrue=True),
             Rule(type="cellIs", operator="between", formula=tiny, dxf=power),
             Rule(type="cellIs", operator="notBetween", formula=huge, dxf=power)]
    for one in rules:
        sheet.conditional_formatting.add(area, one)


def rule(*, formula: list[str], colour: str) -> Rule:
    """Return a conditional format that makes cells bold and coloured where a formula is true."""
    from openpyxl.formatting.rule import FormulaRule
    from openpyxl.styles import Font

    made: Rule = FormulaRule(formula=formula, font=Font(bold=True, color=colour))  # type: ignore[no-untyped-call]
    return made

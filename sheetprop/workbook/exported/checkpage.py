"""The sheet Check: every block against PyTorch's numbers when the book was written, live."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sheetprop.modules.formula import Floats
from sheetprop.workbook.exported.layout import CHECK
from sheetprop.workbook.exported.package import Sheet
from sheetprop.workbook.exported.pages import SAYING, SMALL, TITLES, Rendering, head
from sheetprop.workbook.style import BODY, HEAD, Look

_FIRST = 9
TOLERANCE = 1e-10
"""Of the sums in the sheet, relative to the sum of magnitudes: LibreOffice keeps 15 digits."""


@dataclass(frozen=True)
class Slope:
    """A chosen weight whose gradient is held against a central difference of the book's own formulas."""

    name: str
    place: int
    gradient: int
    difference: float


def check_page(book: Rendering, theirs: Floats, slopes: list[Slope]) -> str:
    """Write the sheet; return the reference of its verdict.

    Args:
        book: what is written.
        theirs: PyTorch's numbers, NaN where it has none.
        slopes: central differences.
    """
    sheet = book.sheet(CHECK)
    head(sheet, "Check")
    sheet.text(3, 1, "Every block against PyTorch: its sum in the sheet now, and PyTorch's sum when the book was "
               "written. Change an input or a weight and they part; `sheetprop verify` compares the book as it is.",
               SAYING)
    titles = ("block", "what", "numbers", "sum now", "PyTorch's sum at writing", "largest difference at writing",
              "size", "agrees?")
    for column, title in enumerate(titles, start=1):
        sheet.text(_FIRST - 1, column, title, HEAD)
    row = _FIRST
    rows = []
    for page in book.layout.pages:
        for area in page.areas:
            block = area.block
            span = slice(block.first, block.first + block.size)
            known = theirs[span]
            if not np.isfinite(known).any():
                continue
            rows.append(row)
            ours = book.values[span]
            total, size = float(np.sum(known)), float(np.sum(np.abs(known)))
            name = f"{page.name}!{area.plain}"
            sheet.link(row, 1, block.name, page.name, area.plain.split(":")[0], Look(border=True, underline=True,
                                                                                     colour="1D5FA8"))
            sheet.text(row, 2, TITLES[block.role], BODY)
            sheet.number(row, 3, float(block.size), Look(border=True, number="#,##0"))
            sheet.formula(row, 4, f"SUM({name})", float(np.sum(ours)), Look(border=True, number="0.00000000"))
            sheet.number(row, 5, total, Look(border=True, number="0.00000000"))
            sheet.number(row, 6, float(np.nanmax(np.abs(known - ours))), Look(border=True, number="0.0E+00"))
            sheet.number(row, 7, size, Look(border=True, number="0.0E+00"))
            near = bool(abs(float(np.sum(ours)) - total) <= TOLERANCE * size + 1e-300)
            sheet.formula(row, 8, f'IF(ABS(D{row}-E{row})<={TOLERANCE:.0E}*G{row}+1E-300,"yes","no")',
                          "yes" if near else "no", Look(border=True, align="center"))
            row += 1
    last = row - 1
    sheet.text(5, 1, "verdict", Look(bold=True))
    counted = f'COUNTIF($H${_FIRST}:$H${last},"no")'
    off = '"the way back is off"' if any(one.name == "backward" for one in book.learning.d.blocks) else None
    agrees = f'IF({counted}=0,"agrees with PyTorch",{counted}&" blocks differ from PyTorch at writing")'
    formula = f"IF(backward=0,{off},{agrees})" if off else agrees
    sheet.formula(5, 2, formula, "agrees with PyTorch", Look(bold=True))
    if slopes:
        _slopes(book, sheet, slopes, last + 3)
    for column, width in enumerate((30, 14, 10, 20, 24, 26, 12, 10), start=1):
        sheet.widths[column] = width
    sheet.freeze = f"A{_FIRST}"
    return f"{CHECK}!B5"


def _slopes(book: Rendering, sheet: Sheet, slopes: list[Slope], row: int) -> None:
    sheet.text(row, 1, "Gradients against central differences: the book's own formulas at the weight a little more and "
               "a little less, when it was written.", SAYING)
    row += 1
    for column, title in enumerate(("weight", "cell", "", "gradient now", "central difference at writing", "difference",
                                    "", "agrees?"), start=1):
        if title:
            sheet.text(row, column, title, HEAD)
    for one in slopes:
        row += 1
        page, cell = book.layout.address(one.place)
        where, slope = book.layout.address(one.gradient)
        sheet.link(row, 1, one.name, page, cell, Look(border=True, underline=True, colour="1D5FA8"))
        sheet.text(row, 2, f"{page}!{cell}", BODY)
        value = float(book.values[one.gradient])
        sheet.formula(row, 4, f"{where}!{slope}", value, Look(border=True, number="0.00000000"))
        sheet.number(row, 5, one.difference, Look(border=True, number="0.00000000"))
        gap = value - one.difference
        sheet.formula(row, 6, f"D{row}-E{row}", gap, Look(border=True, number="0.0E+00"))
        near = abs(gap) <= 1e-6 * max(abs(one.difference), 1e-3)
        sheet.formula(row, 8, f'IF(ABS(F{row})<=1E-06*MAX(ABS(E{row}),0.001),"yes","no")', "yes" if near else "no",
                      Look(border=True, align="center"))
    sheet.text(row + 1, 1, "A weight at the edge of a max or a rectifier has no one slope there; then they may part.",
               SMALL)

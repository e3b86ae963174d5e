"""The sheet Data: inputs to type, targets, and what the module makes of them."""

from __future__ import annotations

import numpy as np

from sheetprop.modules.learning import LOSS
from sheetprop.modules.tensors import Block
from sheetprop.workbook.exported.charts import Chart
from sheetprop.workbook.exported.layout import Page
from sheetprop.workbook.exported.package import Sheet
from sheetprop.workbook.exported.pages import NAME, SAYING, SMALL, Rendering, blocks, head
from sheetprop.workbook.formulas import letters
from sheetprop.workbook.style import HEAD, Look


def log_shares(book: Rendering) -> Block | None:
    """Return the block of log-probabilities of one sample, if the book has one."""
    for block in book.learning.d.blocks:
        if (block.layer is not None and block.layer.name == LOSS and block.role == "forward" and len(block.shape) == 2
                and block.shape[0] == 1 and block.shape[1] > 1 and book.spec.classes):
            return block
    return None


def data_page(book: Rendering, page: Page) -> None:
    """Write the sheet."""
    sheet = book.sheet(page.name)
    head(sheet, "Data")
    picture = book.spec.picture
    sheet.text(3, 1, "The picture: type numbers from 0 (paper) to 1 (ink) and everything follows." if picture else
               "What goes in: change a number and everything follows.", SAYING)
    blocks(book, page)
    sheet.widths[1] = 14
    sheet.freeze = "B3"
    right = max((area.right for area in page.areas), default=2)
    if picture:
        for k in range(2, right + 1):
            sheet.widths[k] = 2.9
    else:
        sheet.default_width = 9
    shares = log_shares(book)
    if shares is not None:
        _probabilities(book, sheet, shares, right + 3)


def _probabilities(book: Rendering, sheet: Sheet, shares: Block, column: int) -> None:
    """Write the probability of each class beside the picture, as numbers and bars."""
    area = book.layout.area(shares)
    logs = book.numbers(shares)
    numbers = np.exp(logs)
    classes = len(numbers)
    first = 8
    page = book.layout.pages[area.sheet].name
    name = letters(column + 1)
    area_text = f"${name}${first}:${name}${first + classes - 1}"
    sheet.text(6, column, "prediction", NAME)
    sheet.formula(6, column + 1, f"MATCH(MAX({area_text}),{area_text},0)-1", float(np.argmax(numbers)),
                  Look(bold=True, size=16, number="0"))
    sheet.text(7, column, "class", HEAD)
    sheet.text(7, column + 1, "probability", HEAD)
    for k in range(classes):
        sheet.number(first + k, column, float(k), Look(border=True, number="0", align="center"))
        place = f"{page}!{letters(int(area.columns[k]))}{int(area.rows[k])}"
        sheet.formula(first + k, column + 1, f"EXP({place})", float(numbers[k]), Look(border=True, number="0.0000"))
    sheet.heats.append((area_text.replace("$", ""), "bar"))
    sheet.widths[column], sheet.widths[column + 1] = 11, 12
    sheet.text(first + classes, column, "bars and numbers follow the picture", SMALL)
    categories = f"Data!${letters(column)}${first}:${letters(column)}${first + classes - 1}"
    sheet.charts.append(Chart("bar", "Probability of each class", (categories, [float(k) for k in range(classes)]),
                              (f"Data!{area_text}", [float(v) for v in numbers]),
                              (column + 2, 5, column + 10, 5 + 16), ("class", "probability")))

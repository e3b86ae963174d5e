"""Addresses: A1 text to numbers and back, ranges, sheet names in quotes."""

from __future__ import annotations

import re
from functools import lru_cache

from sheetprop.errors import SheetpropError

MAX_ROW = 1_048_576
MAX_COLUMN = 16_384

# Patterns are compiled when first used: most workbooks need only some of them.
_CELL = r"(?a:\$?([A-Za-z]{1,3})\$?([1-9]\d{0,6})\Z)"
_RANGE = r"(?a:\$?([A-Za-z]{1,3})\$?([1-9]\d{0,6}):\$?([A-Za-z]{1,3})\$?([1-9]\d{0,6})\Z)"
_PLAIN_SHEET = r"(?a:[A-Za-z_][A-Za-z0-9_.]*\Z)"
_LOOKS_LIKE_CELL = r"(?a:[A-Za-z]{1,3}\d{1,7}\Z|[Rr]\d*[Cc]?\d*\Z|[Cc]\d*\Z)"


@lru_cache(maxsize=32768)
def column_number(letters: str) -> int:
    """Return 1 for A, 27 for AA; case does not matter."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number


@lru_cache(maxsize=32768)
def column_letters(number: int) -> str:
    """Return A for 1, AA for 27."""
    letters = ""
    while number > 0:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def address(row: int, column: int) -> str:
    """Return the A1 text of a cell given by its 1-based row and column."""
    return f"{column_letters(column)}{row}"


def cell_at(text: str) -> tuple[int, int]:
    """Return (row, column) of an A1 address; dollar signs are ignored.

    Raises:
        SheetpropError: the text is no address inside a sheet.
    """
    found = re.match(_CELL, text.strip())
    if found:
        column, row = column_number(found.group(1)), int(found.group(2))
        if column <= MAX_COLUMN and row <= MAX_ROW:
            return row, column
    raise SheetpropError(f"{text!r}: is no cell address; write it like C5")


def area_at(text: str) -> tuple[int, int, int, int]:
    """Return (top, left, bottom, right) of "A1:C9" or of a single cell.

    Raises:
        SheetpropError: the text is neither.
    """
    found = re.match(_RANGE, text.strip())
    if not found:
        row, column = cell_at(text)
        return row, column, row, column
    left, right = column_number(found.group(1)), column_number(found.group(3))
    top, bottom = int(found.group(2)), int(found.group(4))
    if max(left, right) > MAX_COLUMN or max(top, bottom) > MAX_ROW:
        raise SheetpropError(f"{text!r}: lies outside a sheet; columns end at XFD, rows at {MAX_ROW}")
    return min(top, bottom), min(left, right), max(top, bottom), max(left, right)


def split_sheet(text: str) -> tuple[str | None, str]:
    """Split ``'LR 0.1'!C5`` into the sheet's name without quotes (or None) and the rest."""
    sheet, mark, rest = text.strip().rpartition("!")
    if not mark:
        return None, rest
    if len(sheet) > 1 and sheet[0] == "'" and sheet[-1] == "'":
        sheet = sheet[1:-1].replace("''", "'")
    return sheet, rest


def quoted(sheet: str) -> str:
    """Return the sheet's name as a formula spells it, in quotes where it needs them."""
    if re.match(_PLAIN_SHEET, sheet) and not re.match(_LOOKS_LIKE_CELL, sheet):
        return sheet
    return "'" + sheet.replace("'", "''") + "'"

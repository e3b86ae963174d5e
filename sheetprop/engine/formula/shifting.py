"""A formula's text as it reads some rows below and columns to the right, all else spelled as it was."""

from __future__ import annotations

import re

from sheetprop.engine.formula.parse import TOKEN
from sheetprop.engine.formula.references import MAX_COLUMN, MAX_ROW, column_letters, column_number


def shifted(text: str, rows: int, columns: int) -> str:
    """Return a formula's text moved as copying its cell moves it: references without ``$`` go along.

    A reference that would leave the sheet is ``#REF!``.
    """
    pieces: list[str] = []
    for token in TOKEN.finditer(text):
        kind, word = token.lastgroup, token.group()
        if kind == "cell":
            moved = [_letters("$" if token["cm"] else "", token["cl"], columns),
                     _digits("$" if token["rm"] else "", token["rn"], rows)]
            word = "#REF!" if None in moved else "".join(map(str, moved))
        elif kind in ("columns", "rows"):
            ends = [re.fullmatch(r"(\$?)(\w+)", end) for end in word.split(":")]
            move = _letters if kind == "columns" else _digits
            found = [move(end[1], end[2], columns if kind == "columns" else rows) for end in ends if end]
            word = "#REF!" if None in found else ":".join(map(str, found))
        pieces.append(word)
    return "".join(pieces)


def _letters(mark: str, letters: str, columns: int) -> str | None:
    if mark or not columns:
        return mark + letters
    number = column_number(letters) + columns
    return column_letters(number) if 1 <= number <= MAX_COLUMN else None


def _digits(mark: str, digits: str, rows: int) -> str | None:
    if mark or not rows:
        return mark + digits
    number = int(digits) + rows
    return str(number) if 1 <= number <= MAX_ROW else None

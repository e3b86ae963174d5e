"""Pictures of the sheets: which cells are shown, with value, formula and look, before anything is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from sheetprop.reporting.cellstyles import Look, SheetLook, Styles
from sheetprop.reporting.conditionalformats import code_at
from sheetprop.reporting.numberformat import shown

FIRST_ROWS, LAST_ROWS = 15, 3
"""So many rows of a long sheet are pictured."""
_WHOLE_ROWS = 45
# A workbook of many learning rates shows the sheets of the first ones.
RATE_SHEETS = 8
_LAST_COLUMN = 60
# A formula takes at most about so many lines.
_FORMULA_LINES = 4
_WHOLE_SHARE = 1.15
_PIXELS_A_CHARACTER, _PIXELS_A_POINT = 7.0, 4 / 3


class Sheet(Protocol):
    """What is read of a sheet (`engine.book.Sheet`)."""

    def __getitem__(self, reference: str) -> Any:
        """Return the value of a cell."""
        ...

    def formula(self, address: str) -> str | None:
        """Return the formula of a cell, or None."""
        ...


@dataclass(frozen=True, slots=True)
class PicturedCell:
    """One cell: where it stands, its text, its formula, and the number of its look; `numeric` aligns it right."""

    address: str
    column: int
    text: str
    formula: str
    look: int
    numeric: bool


@dataclass(frozen=True)
class PicturedRow:
    """One row: its number, its height in pixels and its cells; `after_gap` where rows above it are left out."""

    number: int
    height: int
    cells: tuple[PicturedCell, ...]
    after_gap: bool = False


@dataclass(frozen=True)
class PicturedColumn:
    """One column: its index, letters and width in pixels, and its place among the columns that are shown."""

    index: int
    letters: str
    width: int
    place: int


@dataclass(frozen=True)
class SheetPicture:
    """A sheet as it is pictured.

    Attributes:
        name: of the sheet.
        columns, rows: what is shown; hidden columns are not.
        left_out: rows that are left out, as (first, last), or None.
        frozen: how many of the first columns are repeated when the sheet is too wide for a page.
        drawings: charts and pictures on the sheet, which are not drawn here.
        grid: whether the sheet shows its grid lines.
        formulas: number of formulas among the cells shown.
        kind: ``rate`` for the sheet of a learning rate, else ``other``.
    """

    name: str
    columns: tuple[PicturedColumn, ...]
    rows: tuple[PicturedRow, ...]
    left_out: tuple[int, int] | None
    frozen: int
    drawings: int
    grid: bool
    formulas: int
    kind: str


@dataclass(frozen=True)
class Pictures:
    """All pictured sheets and the looks of their cells; `left_out` names sheets that are not pictured."""

    sheets: tuple[SheetPicture, ...]
    looks: tuple[Look, ...]
    left_out: tuple[str, ...]


def pictures(path: Path, names: Sequence[str], rate_sheets: Sequence[str], sheet: Any) -> Pictures:
    """Return the pictures of the sheets.

    Args:
        path: the workbook, for its styles.
        names: the sheets in order.
        rate_sheets: those of the learning rates; of many only the first are pictured.
        sheet: gives a sheet by its name, with values and formulas.
    """
    styles = Styles(path)
    try:
        left_out = tuple(rate_sheets[RATE_SHEETS:])
        made = [_picture(name, styles, sheet(name), "rate" if name in set(rate_sheets) else "other")
                for name in names if name not in set(left_out)]
    finally:
        styles.close()
    return Pictures(tuple(made), tuple(styles.looks), left_out)


def _picture(name: str, styles: Styles, sheet: Sheet, kind: str) -> SheetPicture:
    look = styles.sheet(name, _WHOLE_ROWS, LAST_ROWS)
    whole = look.last_row <= _WHOLE_ROWS and kind != "rate"
    if whole or look.last_row <= FIRST_ROWS + LAST_ROWS + 1:
        numbers = list(range(1, look.last_row + 1))
        left_out = None
    else:
        numbers = [*range(1, FIRST_ROWS + 1), *range(look.last_row - LAST_ROWS + 1, look.last_row + 1)]
        left_out = (FIRST_ROWS + 1, look.last_row - LAST_ROWS)
    last_column = min(_LAST_COLUMN, max((c for r, c in look.styles if r in set(numbers)), default=1))
    rows = tuple(_row(number, last_column, look, styles.looks, sheet,
                      after_gap=left_out is not None and number == left_out[1] + 1) for number in numbers)
    used = max((cell.column for row in rows for cell in row.cells if cell.text or cell.formula), default=1)
    shown_columns = [index for index in range(1, used + 1) if look.width(index) > 0]
    columns = tuple(PicturedColumn(index, _letters(index), round(look.width(index) * _PIXELS_A_CHARACTER + 5), place)
                    for place, index in enumerate(shown_columns))
    rows = tuple(PicturedRow(row.number, row.height, tuple(row.cells[index - 1] for index in shown_columns),
                             row.after_gap) for row in rows)
    formulas = sum(bool(cell.formula) for row in rows for cell in row.cells)
    return SheetPicture(name, columns, rows, left_out, look.frozen_columns, look.drawings, look.grid, formulas, kind)


def _row(number: int, last_column: int, look: SheetLook, looks: Sequence[Look], sheet: Sheet, *,
         after_gap: bool) -> PicturedRow:
    cells = []
    for column in range(1, last_column + 1):
        address = f"{_letters(column)}{number}"
        style = look.styles.get((number, column), -1)
        if style < 0:
            cells.append(PicturedCell(address, column, "", "", -1, False))
            continue
        value = sheet[address]
        code = code_at(look.rules, number, column, value, looks[style].number if style < len(looks) else "General")
        numeric = isinstance(value, int | float) and not isinstance(value, bool)
        cells.append(PicturedCell(address, column, shown(value, code), sheet.formula(address) or "", style, numeric))
    return PicturedRow(number, round(look.height(number) * _PIXELS_A_POINT), tuple(cells), after_gap)


def _letters(column: int) -> str:
    text = ""
    while column:
        column, rest = divmod(column - 1, 26)
        text = chr(65 + rest) + text
    return text


def blocks(picture: SheetPicture, width: int) -> list[tuple[PicturedColumn, ...]]:
    """Return the columns in groups that fit into so many pixels, about equally wide; frozen columns begin each.

    What is a little too wide stays whole.
    """
    if sum(column.width for column in picture.columns) <= width * _WHOLE_SHARE:
        return [picture.columns]
    frozen = picture.columns[:picture.frozen]
    kept = sum(column.width for column in frozen)
    rest = picture.columns[picture.frozen:]
    total = sum(column.width for column in rest)
    count = max(1, -(-total // max(1, width - kept)))
    while True:
        groups = _grouped(rest, total / count)
        if all(kept + sum(c.width for c in group) <= width or len(group) == 1 for group in groups):
            return [(*frozen, *group) for group in groups]
        count += 1


def _grouped(columns: Sequence[PicturedColumn], share: float) -> list[list[PicturedColumn]]:
    """Cut the columns where their sum passes a multiple of `share`."""
    groups: list[list[PicturedColumn]] = [[]]
    used = 0.0
    for column in columns:
        if groups[-1] and used + column.width / 2 > share * len(groups):
            groups.append([])
        groups[-1].append(column)
        used += column.width
    return groups


def widened(picture: SheetPicture, character: float) -> SheetPicture:
    """Return the picture with columns in which every formula takes few lines.

    Args:
        picture: the sheet.
        character: width of a character in pixels.
    """
    longest: dict[int, int] = {}
    for row in picture.rows:
        for cell in row.cells:
            longest[cell.column] = max(longest.get(cell.column, 0), len(cell.formula))
    return replace(picture, columns=tuple(
        replace(column, width=max(column.width, round(longest.get(column.index, 0) * character / _FORMULA_LINES) + 8))
        if column.width else column for column in picture.columns))


def shortened(picture: SheetPicture, first: int, last: int) -> SheetPicture:
    """Return the picture with fewer rows: the first, up to row number `first`, and the last so many."""
    if len(picture.rows) <= last:
        return picture
    kept = [row for row in picture.rows[:-last] if row.number <= first]
    tail = picture.rows[-last:]
    if not kept or kept[-1].number + 1 >= tail[0].number:
        return picture
    tail = (replace(tail[0], after_gap=True), *tail[1:])
    return replace(picture, rows=(*kept, *tail), left_out=(kept[-1].number + 1, tail[0].number - 1))

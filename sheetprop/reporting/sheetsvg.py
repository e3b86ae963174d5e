"""A pictured sheet as a drawing, for paper and for Markdown: column letters, row numbers, cells."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from sheetprop.reporting.cellstyles import Look
from sheetprop.reporting.sheetpictures import PicturedCell, PicturedColumn, PicturedRow, SheetPicture

_HEAD, _GUTTER, _GAP = 20, 38, 18
_FAMILY = "'Source Sans Pro', Carlito, Calibri, 'DejaVu Sans', Arial, sans-serif"
_MONO = "'DejaVu Sans Mono', Consolas, Menlo, monospace"
_PIXELS = 4 / 3
# Mean width of a character as a share of the font size.
_CHARACTER, _WIDE_CHARACTER = 0.47, 0.605
_LINE = 1.2
_FORMULA = 10.5

FORMULA_CHARACTER = _WIDE_CHARACTER * _FORMULA
"""Width of a character of a formula, in pixels."""


def draw(picture: SheetPicture, columns: Sequence[PicturedColumn], looks: Sequence[Look], *, formulas: bool) -> str:
    """Return some columns of a sheet as SVG, on a white page of its own since the one around it may be dark.

    Args:
        picture: the sheet.
        columns: those to draw, in order.
        looks: of all cells.
        formulas: write formulas instead of values.
    """
    rows = _filled(picture, columns)
    width = _GUTTER + sum(column.width for column in columns)
    parts: list[str] = []
    x = float(_GUTTER)
    lefts = []
    for column in columns:
        lefts.append(x)
        parts.append(f'<text x="{x + column.width / 2:g}" y="14" text-anchor="middle" fill="#5f6b7a">'
                     f'{column.letters}</text>')
        x += column.width
    y = float(_HEAD)
    lines: list[str] = []
    boxes: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if row.after_gap:
            first, last = picture.left_out or (0, 0)
            parts.append(f'<text x="{_GUTTER + 8}" y="{y + 13:g}" fill="#5f6b7a" font-style="italic">'
                         f'… rows {first:,} to {last:,} are left out</text>')
            y += _GAP
        height = _height(row, columns, formulas=formulas)
        lines.append(f'<text x="{_GUTTER - 6}" y="{y + height / 2 + 4:g}" text-anchor="end" fill="#5f6b7a">'
                     f'{row.number}</text>')
        _paint(row, columns, lefts, y, height, looks, boxes, grid=picture.grid)
        lines += _row(row, columns, lefts, y, height, looks, formulas=formulas)
        y += height
    view = "formulas" if formulas else "values"
    described = (f"Sheet {picture.name}, {view}, columns {columns[0].letters} to {columns[-1].letters}, "
                 f"rows {rows[0].number} to {rows[-1].number}")
    return (
        f'<svg class="sheet" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width + 1:g} {y + 1:g}" '
        f'width="{width + 1:g}" height="{y + 1:g}" role="img" aria-label="{escape(described, quote=True)}" '
        f'font-family="{_FAMILY}" font-size="12"><title>{escape(described)}</title>'
        f'<rect width="{width:g}" height="{y:g}" fill="#ffffff"/>'
        f'<rect width="{width:g}" height="{_HEAD}" fill="#eef1f4"/>'
        f'<rect width="{_GUTTER}" height="{y:g}" fill="#eef1f4"/>'
        f'{_boxes(boxes)}{"".join(parts)}{"".join(lines)}'
        f'<path d="M.5 .5h{width:g}v{y:g}h{-width:g}z" fill="none" stroke="#c9d1da"/></svg>')


def _filled(picture: SheetPicture, columns: Sequence[PicturedColumn]) -> tuple[PicturedRow, ...]:
    """Return the rows down to the last one that shows something in these columns."""
    last = max((place for place, row in enumerate(picture.rows)
                if any(_shown(row.cells[column.place], formulas=True) for column in columns)), default=0)
    return picture.rows[:last + 1]


def _size(look: Look) -> float:
    return look.size * _PIXELS * 0.94


def _shown(cell: PicturedCell, *, formulas: bool) -> str:
    return cell.formula if formulas and cell.formula else cell.text


def _wraps(cell: PicturedCell, look: Look, *, formulas: bool) -> bool:
    return look.wrap or (formulas and bool(cell.formula))


def _height(row: PicturedRow, columns: Sequence[PicturedColumn], *, formulas: bool) -> float:
    """Return the height of a row; formulas take as many lines as they need, up to eight."""
    height = float(row.height)
    for place, column in enumerate(columns) if formulas else ():
        cell = row.cells[column.place]
        if cell.formula and cell.look >= 0:
            room = column.width + _spill(row, columns, place, formulas=True)
            lines = _lines(cell.formula, room - 6, _FORMULA, _WIDE_CHARACTER)[:8]
            height = max(height, len(lines) * _FORMULA * _LINE + 6)
    return height


def _lines(text: str, width: float, size: float, character: float) -> list[str]:
    """Break text into lines that fit."""
    room = max(3, int(width / (size * character)))
    lines: list[str] = []
    for paragraph in text.split("\n"):
        current = ""
        for word in paragraph.split(" "):
            while len(word) > room:
                if current:
                    lines.append(current)
                    current = ""
                lines.append(word[:room])
                word = word[room:]
            joined = f"{current} {word}" if current else word
            if len(joined) > room:
                lines.append(current)
                current = word
            else:
                current = joined
        lines.append(current)
    return lines


def _paint(
    row: PicturedRow, columns: Sequence[PicturedColumn], lefts: Sequence[float], y: float, height: float,
    looks: Sequence[Look], boxes: dict[tuple[str, str], list[str]], *, grid: bool,
) -> None:
    """Add the boxes of a row's cells to those with the same fill and border."""
    for column, x in zip(columns, lefts, strict=True):
        cell = row.cells[column.place]
        look = looks[cell.look] if 0 <= cell.look < len(looks) else Look()
        if look.fill or look.border or grid:
            fill = f"#{look.fill.lower()}" if look.fill else "#ffffff" if grid else "none"
            stroke = "#c9d1da" if look.border else "#e9edf1" if grid else "none"
            boxes.setdefault((fill, stroke), []).append(
                f"M{x:g} {y:g}h{column.width}v{height:g}h-{column.width}z")


def _boxes(boxes: dict[tuple[str, str], list[str]]) -> str:
    """Draw the boxes, those with the darkest border last."""
    ordered = sorted(boxes.items(), key=lambda entry: (entry[0][1] != "none", entry[0][1] == "#c9d1da", entry[0]))
    return "".join(f'<path d="{"".join(paths)}" fill="{fill}" stroke="{stroke}" stroke-width=".7"/>'
                   for (fill, stroke), paths in ordered)


def _row(
    row: PicturedRow, columns: Sequence[PicturedColumn], lefts: Sequence[float], y: float, height: float,
    looks: Sequence[Look], *, formulas: bool,
) -> list[str]:
    texts: list[str] = []
    for place, (column, x) in enumerate(zip(columns, lefts, strict=True)):
        cell = row.cells[column.place]
        look = looks[cell.look] if 0 <= cell.look < len(looks) else Look()
        text = _shown(cell, formulas=formulas)
        if not text:
            continue
        room = float(column.width)
        as_formula = formulas and bool(cell.formula)
        if as_formula or not (look.wrap or cell.numeric or look.align == "center"):
            room += _spill(row, columns, place, formulas=formulas)
        texts.append(_text(text, cell, look, x, y, room, height, formulas=formulas))
    return texts


def _spill(row: PicturedRow, columns: Sequence[PicturedColumn], place: int, *, formulas: bool) -> float:
    """Return the width of the empty cells to the right, over which a long text runs."""
    room = 0.0
    for column in columns[place + 1:]:
        if _shown(row.cells[column.place], formulas=formulas):
            break
        room += column.width
    return room


def _text(text: str, cell: PicturedCell, look: Look, x: float, y: float, width: float, height: float, *,
          formulas: bool) -> str:
    as_formula = formulas and bool(cell.formula)
    size = _FORMULA if as_formula else _size(look)
    mono = as_formula or look.mono
    character = _WIDE_CHARACTER if mono else _CHARACTER * (1.06 if look.bold else 1.0)
    if _wraps(cell, look, formulas=formulas):
        lines = _lines(text, width - 6, size, character)
        fitting = max(1, int((height + 4) / (size * _LINE)))
        if len(lines) > fitting:
            lines = [*lines[:fitting - 1], lines[fitting - 1][:-1] + "…"]
    else:
        room = max(1, int((width - 4) / (size * character)))
        lines = [text if len(text) <= room else text[:room - 1] + "…"]
    align = look.align or ("right" if cell.numeric and not as_formula else "left")
    if as_formula:
        align = "left"
    at, anchor = {"right": (x + width - 4, "end"), "center": (x + width / 2, "middle")}.get(align, (x + 4, "start"))
    top = y + height / 2 - (len(lines) - 1) * size * _LINE / 2 + size * 0.34
    style = "".join((
        ' font-weight="600"' if look.bold and not as_formula else "", ' font-style="italic"' if look.italic else "",
        f' font-family="{_MONO}"' if mono else "", f' fill="#{look.colour}"' if look.colour else ' fill="#1f2933"'))
    return "".join(
        f'<text x="{at:g}" y="{top + k * size * _LINE:.5g}" font-size="{size:.3g}" text-anchor="{anchor}"{style}>'
        f'{escape(line)}</text>' for k, line in enumerate(lines) if line)

"""Places: references made from text or by moving others, rows and columns of references, INDEX."""

from __future__ import annotations

import re

from sheetprop.engine.formula.parse import parse
from sheetprop.engine.formula.references import MAX_COLUMN, MAX_ROW, column_letters, quoted, split_sheet
from sheetprop.engine.formula.tree import Area, Call, Cell, Name
from sheetprop.engine.functions import function
from sheetprop.engine.grid.operands import Areas, Array, Operand, Ref, as_rows
from sheetprop.engine.grid.values import REF, VALUE, Raised, Value
from sheetprop.engine.scope.context import Context, scalar
from sheetprop.errors import SheetpropError


@function("INDEX", "a|nnn")
def index(operand: Operand, row: float = 0.0, column: float | None = None, area: float = 1.0) -> Operand:
    if isinstance(operand, Areas):
        if not 1 <= int(area) <= len(operand.refs):
            raise Raised(REF)
        operand = operand.refs[int(area) - 1]
    down, across = int(row), 0 if column is None else int(column)
    if down < 0 or across < 0:
        raise Raised(VALUE)
    height = operand.height if isinstance(operand, Ref | Array) else 1
    width = operand.width if isinstance(operand, Ref | Array) else 1
    if column is None and height == 1 and width > 1:
        down, across = 0 if down else down, down
    if down > height or across > width:
        raise Raised(REF)
    if isinstance(operand, Ref):
        top = operand.top + down - 1 if down else operand.top
        left = operand.left + across - 1 if across else operand.left
        return Ref(operand.sheet, top, left, top if down else operand.bottom, left if across else operand.right)
    rows = as_rows(operand)
    chosen = [rows[down - 1]] if down else rows
    if across:
        chosen = [[line[across - 1]] for line in chosen]
    return chosen[0][0] if len(chosen) == 1 and len(chosen[0]) == 1 else Array(chosen)


@function("ROW", "|r", context=True)
def row_of(context: Context, operand: Operand = None) -> Operand:
    if operand is None:
        return float(context.row)
    if not isinstance(operand, Ref):
        raise Raised(VALUE)
    if operand.height == 1:
        return float(operand.top)
    ref = operand.clipped() if operand.height > 100_000 else operand
    return Array([[float(at)] for at in range(ref.top, ref.bottom + 1)])


@function("COLUMN", "|r", context=True)
def column_of(context: Context, operand: Operand = None) -> Operand:
    if operand is None:
        return float(context.column)
    if not isinstance(operand, Ref):
        raise Raised(VALUE)
    if operand.width == 1:
        return float(operand.left)
    return Array([[float(at) for at in range(operand.left, operand.right + 1)]])


@function("ROWS", "r")
def rows_of(operand: Operand) -> float:
    return float(operand.height) if isinstance(operand, Ref | Array) else 1.0


@function("COLUMNS", "r")
def columns_of(operand: Operand) -> float:
    return float(operand.width) if isinstance(operand, Ref | Array) else 1.0


@function("AREAS", "r")
def areas(operand: Operand) -> float:
    return float(len(operand.refs)) if isinstance(operand, Areas) else 1.0


@function("TRANSPOSE", "a")
def transpose(operand: Operand) -> Operand:
    return Array([list(line) for line in zip(*as_rows(operand), strict=True)])


@function("ADDRESS", "nn|nbt")
def address(row: float, column: float, kind: float = 1.0, a1: bool = True, sheet: str = "") -> str:
    down, across, form = int(row), int(column), int(kind)
    if not (1 <= down <= MAX_ROW and 1 <= across <= MAX_COLUMN and 1 <= form <= 4):
        raise Raised(VALUE)
    if a1:
        text = (f"{'$' if form in (1, 3) else ''}{column_letters(across)}{'$' if form in (1, 2) else ''}{down}")
    else:
        text = (f"R{down}" if form in (1, 2) else f"R[{down}]") + (f"C{across}" if form in (1, 3) else f"C[{across}]")
    return f"{quoted(sheet)}!{text}" if sheet else text


def _length(given: float) -> int:
    """Return a number of rows or columns: whole, but a part of one is one."""
    return 1 if 0 < given < 1 else int(given)


@function("OFFSET", "fnn|nn", references=True)
def offset(operand: Operand, down: float, across: float, height: float | None = None,
           width: float | None = None) -> Ref:
    if not isinstance(operand, Ref):
        raise Raised(VALUE)
    tall = operand.height if height is None else _length(height)
    wide = operand.width if width is None else _length(width)
    if tall == 0 or wide == 0:
        raise Raised(REF)
    top, left = operand.top + int(down), operand.left + int(across)
    if tall < 0:
        top, tall = top + tall + 1, -tall
    if wide < 0:
        left, wide = left + wide + 1, -wide
    if top < 1 or left < 1 or top + tall - 1 > MAX_ROW or left + wide - 1 > MAX_COLUMN:
        raise Raised(REF)
    return Ref(operand.sheet, top, left, top + tall - 1, left + wide - 1)


_CORNER = r"(?:R(\d+|\[-?\d+\])?)?(?:C(\d+|\[-?\d+\])?)?"
_PLACE = re.compile(rf"(?:(.+)!)?(?=[RC])({_CORNER})(?::(?=[RC])({_CORNER}))?", re.IGNORECASE | re.ASCII | re.DOTALL)


def _relative(context: Context, found: re.Match[str]) -> Ref:
    """Return the cells that R1C1 text names: R2C3 is fixed, R[-1]C lies above the formula, R2 is a whole row."""
    sheet = context.sheet
    if found[1]:
        sheet = context.space.sheet_named(split_sheet(f"{found[1]}!")[0] or "")
    first = _corner(context, found[2], found[3], found[4])
    last = _corner(context, found[5], found[6], found[7]) if found[5] else first
    place = (min(first[0], last[0]), min(first[1], last[1]), max(first[2], last[2]), max(first[3], last[3]))
    if place[0] < 1 or place[1] < 1 or place[2] > MAX_ROW or place[3] > MAX_COLUMN:
        raise Raised(REF)
    return Ref(sheet, *place)


def _corner(context: Context, text: str, row: str | None, column: str | None) -> tuple[int, int, int, int]:
    """Return (top, left, bottom, right) of one side of R1C1 text."""
    def at(given: str | None, here: int) -> int:
        return here if not given else here + int(given[1:-1]) if given[0] == "[" else int(given)

    down, across = at(row, context.row), at(column, context.column)
    whole_row, whole_column = "C" not in text.upper(), "R" not in text.upper()
    return (1 if whole_column else down, 1 if whole_row else across,
            MAX_ROW if whole_column else down, MAX_COLUMN if whole_row else across)


_ZEROS = r"(?<![\w.])(\$?[A-Za-z]{0,3}\$?)0+(?=[1-9])"  # INDIRECT also reads A01
_BARE_SHEET = r"[\w.]+!(?!.*!)"  # INDIRECT reads a sheet's name without quotes where a formula needs them: 2024!B1


@function("INDIRECT", "t|b", context=True, references=True)
def indirect(context: Context, text: str, a1: bool = True) -> Operand:
    text = text.strip()
    if not a1 and (found := _PLACE.fullmatch(text)):
        return _relative(context, found)
    if found := re.match(_BARE_SHEET, text):
        text = f"'{found[0][:-1]}'!{text[found.end():]}"
    sheet_name, mark, place = text.rpartition("!")
    text = sheet_name + mark + re.sub(_ZEROS, r"\1", place)
    try:
        node = parse(text, context.row, context.column, context.sheet.name, context.space.contents.outline)
    except SheetpropError:
        raise Raised(REF) from None
    if isinstance(node, Name):
        meant = context.space.name_meant(node, context.sheet)
        if meant is None:
            raise Raised(REF)
        node = meant.tree
    elif not a1:
        raise Raised(REF)
    spilled = isinstance(node, Call) and node.name == "ANCHORARRAY"
    if isinstance(node, Call) and spilled:
        node = node.arguments[0]
    if not isinstance(node, Cell | Area):
        raise Raised(REF)
    area = Area(node, node) if isinstance(node, Cell) else node
    sheet = context.sheet if area.sheet is None else context.space.sheet_named(area.sheet)
    ref = Ref(sheet, *area.at(context.row, context.column))
    return anchorarray(ref) if spilled else ref


@function("SINGLE", "r", context=True)
def single(context: Context, operand: Operand) -> Operand:
    return scalar(operand, context)


@function("ANCHORARRAY", "r")
def anchorarray(operand: Operand) -> Operand:
    """Return the cells over which the formula in a cell spills: ``A1#``; of any other formula that is its cell."""
    if not isinstance(operand, Ref) or operand.height * operand.width > 1:
        raise Raised(VALUE)
    for array in operand.sheet.arrays:
        if (array.top, array.left) == (operand.top, operand.left):
            return Ref(operand.sheet, array.top, array.left, array.bottom, array.right)
    if operand.sheet.family_at(operand.top, operand.left) is None:
        raise Raised(REF)
    return operand


@function("HYPERLINK", "v|v")
def hyperlink(target: Value, shown: Value = None) -> Value:
    return target if shown is None else shown

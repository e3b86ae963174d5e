"""Finding values in ranges, and questions about references."""

from __future__ import annotations

import re

from sheetprop.engine.formula.parse import parse
from sheetprop.engine.formula.references import MAX_COLUMN, MAX_ROW, column_letters, quoted, split_sheet
from sheetprop.engine.formula.tree import Area, Cell, Name, is_array
from sheetprop.engine.functions import function
from sheetprop.engine.functions.aggregates import wildcard
from sheetprop.engine.grid.operands import Areas, Array, Operand, Ref, as_rows
from sheetprop.engine.grid.values import NA, REF, VALUE, ExcelError, Raised, Value, compare
from sheetprop.engine.scope.context import Context, scalar
from sheetprop.errors import SheetpropError


def _vector(operand: Operand) -> list[Value]:
    """Return a range of one row or one column as a list, blanks included."""
    rows = as_rows(operand.clipped() if isinstance(operand, Ref) else operand)
    if len(rows) == 1:
        return rows[0]
    if rows and len(rows[0]) == 1:
        return [line[0] for line in rows]
    raise Raised(NA)


def _same_kind(wanted: Value, value: Value) -> bool:
    return type(value) is type(wanted) if type(wanted) is not ExcelError else False


def exact(wanted: Value, values: list[Value], *, wild: bool = True) -> int:
    """Return the position of the first value equal to `wanted`, or -1; text may hold wildcards."""
    if type(wanted) is float:
        for at, value in enumerate(values):
            if type(value) is float and value == wanted:
                return at
        return -1
    if wanted is None:
        wanted = 0.0
        return exact(wanted, values)
    if type(wanted) is str and wild and any(mark in wanted for mark in "*?~"):
        pattern = wildcard(wanted)
        return next((at for at, value in enumerate(values) if type(value) is str and pattern.match(value)), -1)
    return next((at for at, value in enumerate(values) if _same_kind(wanted, value) and compare(value, wanted) == 0),
                -1)


def ascending(wanted: Value, values: list[Value]) -> int:
    """Return the position of the last value not above `wanted` in sorted values, or -1 (binary search)."""
    if wanted is None:
        wanted = 0.0
    kept = [at for at, value in enumerate(values) if _same_kind(wanted, value)]
    low, high = 0, len(kept)
    while low < high:
        middle = (low + high) // 2
        if compare(values[kept[middle]], wanted) <= 0:
            low = middle + 1
        else:
            high = middle
    return kept[low - 1] if low else -1


def descending(wanted: Value, values: list[Value]) -> int:
    """Return the position of the last value not below `wanted` in values sorted downwards, or -1."""
    best = -1
    for at, value in enumerate(values):
        if not _same_kind(wanted, value):
            continue
        if compare(value, wanted) < 0:
            break
        best = at
    return best


@function("MATCH", "vr|n")
def match(wanted: Value, operand: Operand, kind: float = 1.0) -> float:
    values = _vector(operand)
    if kind == 0:
        at = exact(wanted, values)
    else:
        at = ascending(wanted, values) if kind > 0 else descending(wanted, values)
    if at < 0:
        raise Raised(NA)
    return float(at + 1)


def _nearest(wanted: Value, values: list[Value], kind: float, mode: float) -> int:
    order = list(range(len(values))) if mode >= 0 else list(reversed(range(len(values))))
    if kind == 2:
        at = exact(wanted, [values[index] for index in order])
        return order[at] if at >= 0 else -1
    at = exact(wanted, [values[index] for index in order], wild=False)
    if at >= 0:
        return order[at]
    if kind == 0:
        return -1
    best = -1
    for index in order:
        value = values[index]
        if not _same_kind(wanted, value):
            continue
        side = compare(value, wanted)
        if (side < 0 and kind < 0) or (side > 0 and kind > 0):
            closer = best < 0 or ((compare(value, values[best]) > 0) == (kind < 0) and compare(value, values[best]))
            if closer:
                best = index
    return best


@function("XMATCH", "va|nn")
def xmatch(wanted: Value, operand: Operand, kind: float = 0.0, mode: float = 1.0) -> float:
    at = _nearest(wanted, _vector(operand), kind, mode)
    if at < 0:
        raise Raised(NA)
    return float(at + 1)


@function("XLOOKUP", "vaa|enn")
def xlookup(wanted: Value, operand: Operand, results: Operand, absent: Value = NA, kind: float = 0.0,
            mode: float = 1.0) -> Operand:
    at = _nearest(wanted, _vector(operand), kind, mode)
    if at < 0:
        if type(absent) is ExcelError:
            raise Raised(absent)
        return absent
    tall = isinstance(operand, Ref | Array) and operand.width == 1
    if isinstance(results, Ref):
        if tall:
            return Ref(results.sheet, results.top + at, results.left, results.top + at, results.right)
        return Ref(results.sheet, results.top, results.left + at, results.bottom, results.left + at)
    rows = as_rows(results)
    return Array([rows[at]]) if tall else Array([[line[at]] for line in rows])


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


def _table_lookup(wanted: Value, table: Operand, at: float, near: bool, upright: bool) -> Value:
    rows = as_rows(table.clipped() if isinstance(table, Ref) and table.height * table.width > 100_000 else table)
    keys = [line[0] for line in rows] if upright else rows[0]
    place = int(at)
    if place < 1:
        raise Raised(VALUE)
    if place > (len(rows[0]) if upright else len(rows)):
        raise Raised(REF)
    found = ascending(wanted, keys) if near else exact(wanted, keys)
    if found < 0:
        raise Raised(NA)
    return rows[found][place - 1] if upright else rows[place - 1][found]


@function("VLOOKUP", "vrn|b")
def vlookup(wanted: Value, table: Operand, column: float, near: bool = True) -> Value:
    return _table_lookup(wanted, table, column, near, True)


@function("HLOOKUP", "vrn|b")
def hlookup(wanted: Value, table: Operand, row: float, near: bool = True) -> Value:
    return _table_lookup(wanted, table, row, near, False)


@function("LOOKUP", "va|a")
def lookup(wanted: Value, operand: Operand, results: Operand = None) -> Value:
    if results is None:
        rows = as_rows(operand.clipped() if isinstance(operand, Ref) else operand)
        if len(rows) >= len(rows[0]):
            keys, values = [line[0] for line in rows], [line[-1] for line in rows]
        else:
            keys, values = rows[0], rows[-1]
    else:
        keys = _vector(operand)
        values = _vector(results)
    found = ascending(wanted, keys)
    if found < 0:
        raise Raised(NA)
    return values[found] if found < len(values) else None


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


@function("OFFSET", "rnn|nn")
def offset(operand: Operand, down: float, across: float, height: float | None = None,
           width: float | None = None) -> Ref:
    if not isinstance(operand, Ref):
        raise Raised(VALUE)
    tall = operand.height if height is None else int(height)
    wide = operand.width if width is None else int(width)
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


@function("INDIRECT", "t|b", context=True)
def indirect(context: Context, text: str, a1: bool = True) -> Operand:
    if not a1 and (found := _PLACE.fullmatch(text.strip())):
        return _relative(context, found)
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
    if not isinstance(node, Cell | Area):
        raise Raised(REF)
    area = Area(node, node) if isinstance(node, Cell) else node
    sheet = context.sheet if area.sheet is None else context.space.sheet_named(area.sheet)
    return Ref(sheet, *area.at(context.row, context.column))


@function("SINGLE", "r", context=True)
def single(context: Context, operand: Operand) -> Operand:
    return scalar(operand, context)


@function("ANCHORARRAY", "r")
def anchorarray(operand: Operand) -> Operand:
    """Return the cells over which the array formula in a cell spills: ``A1#``."""
    if not isinstance(operand, Ref) or operand.height * operand.width > 1:
        raise Raised(VALUE)
    for array in operand.sheet.arrays:
        if (array.top, array.left) == (operand.top, operand.left):
            return Ref(operand.sheet, array.top, array.left, array.bottom, array.right)
    one = operand.sheet.family_at(operand.top, operand.left)
    if one is None or not is_array(one.tree):
        raise Raised(REF)
    return operand


@function("HYPERLINK", "v|v")
def hyperlink(target: Value, shown: Value = None) -> Value:
    return target if shown is None else shown

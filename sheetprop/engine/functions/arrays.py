"""Functions that make arrays, and choose, order or join their rows and columns; blanks in them stay blank."""

from __future__ import annotations

import functools
import math
import random

from sheetprop.engine.functions import function
from sheetprop.engine.grid.operands import Array, Lambda, Operand, Ref, as_rows, size
from sheetprop.engine.grid.values import CALC, NA, NUM, VALUE, ExcelError, Raised, Value, compare, finite, to_number
from sheetprop.engine.scope.context import Context

Rows = list[list[Value]]
_MOST = 4_000_000


def turned(rows: Rows) -> Rows:
    """Return rows as columns."""
    return [list(line) for line in zip(*rows, strict=True)]


def result(rows: Rows) -> Operand:
    """Return rows as an operand; no rows or no columns are #CALC!."""
    if not rows or not rows[0]:
        raise Raised(CALC)
    return rows[0][0] if len(rows) == len(rows[0]) == 1 else Array(rows)


def numbers_in(operand: Operand) -> list[float]:
    """Return the numbers of an operand that is one or an array of them."""
    return [to_number(value) for line in as_rows(operand) for value in line]


def kept(operand: Operand) -> list[bool]:
    """Return a row or column of conditions; text is #VALUE!, an error itself."""
    found: list[bool] = []
    for line in as_rows(operand):
        for value in line:
            if type(value) is ExcelError:
                raise Raised(value)
            if type(value) is str:
                raise Raised(VALUE)
            found.append(bool(value))
    return found


@function("FILTER", "aa|R")
def filter_function(operand: Operand, include: Operand, otherwise: Operand = CALC) -> Operand:
    rows, (tall, wide) = as_rows(operand), size(include)
    conditions = kept(include)
    if wide == 1 and len(conditions) == len(rows):
        chosen = [line for line, condition in zip(rows, conditions, strict=True) if condition]
    elif tall == 1 and len(conditions) == len(rows[0]):
        chosen = [[value for value, condition in zip(line, conditions, strict=True) if condition] for line in rows]
    else:
        raise Raised(VALUE)
    if chosen and chosen[0]:
        return result(chosen)
    if type(otherwise) is ExcelError:
        raise Raised(otherwise)
    return otherwise


# ---- order

_KINDS = {float: 0, str: 1, bool: 2, ExcelError: 3}


def ordering(one: Value, two: Value, direction: float) -> int:
    """Compare two values for sorting: numbers, text, truth values, errors; blanks last in either direction."""
    if one is None or two is None:
        return (one is None) - (two is None)
    first, second = _KINDS[type(one)], _KINDS[type(two)]
    side = first - second if first != second or first == 3 else compare(one, two)
    return -side if direction < 0 else side


def ordered(keys: list[list[Value]], directions: list[float]) -> list[int]:
    """Return the places of elements in order by several lists of keys; equal ones stay in order."""
    def side(one: int, two: int) -> int:
        for values, direction in zip(keys, directions, strict=True):
            found = ordering(values[one], values[two], direction)
            if found:
                return found
        return 0

    return sorted(range(len(keys[0])), key=functools.cmp_to_key(side))


def _directions(operand: Operand) -> list[float]:
    found = numbers_in(operand)
    if any(one not in (1.0, -1.0) for one in found):
        raise Raised(VALUE)
    return found


@function("SORT", "a|aab", empty_is_none=True)
def sort(operand: Operand, by: Operand = 1.0, order: Operand = 1.0, across: bool = False) -> Operand:
    rows = as_rows(operand)
    lines = turned(rows) if across else rows
    places, directions = [int(place) for place in numbers_in(by)], _directions(order)
    if len(directions) == 1:
        directions *= len(places)
    if len(places) != len(directions) or any(not 1 <= place <= len(lines[0]) for place in places):
        raise Raised(VALUE)
    chosen = [lines[at] for at in ordered([[line[place - 1] for line in lines] for place in places], directions)]
    return result(turned(chosen) if across else chosen)


@function("SORTBY", "aa|aaa*2")
def sortby(operand: Operand, *by: Operand) -> Operand:
    rows = as_rows(operand)
    keys: list[list[Value]] = []
    directions: list[float] = []
    across: set[bool] = set()
    for at in range(0, len(by), 2):
        height, width = size(by[at])
        if height > 1 and width > 1:
            raise Raised(VALUE)
        across.add(width > 1 or (height == 1 and len(rows) > 1))
        keys.append([value for line in as_rows(by[at]) for value in line])
        given = by[at + 1] if at + 1 < len(by) else None
        directions += _directions(1.0 if given is None else given)
    lines = turned(rows) if across == {True} else rows
    if len(across) > 1 or any(len(key) != len(lines) for key in keys) or len(directions) != len(keys):
        raise Raised(VALUE)
    chosen = [lines[at] for at in ordered(keys, directions)]
    return result(turned(chosen) if across == {True} else chosen)


def identity(value: Value) -> tuple[object, object]:
    """Return what two values share when they are the same to UNIQUE: text without regard to case."""
    return type(value), value.lower() if type(value) is str else value


@function("UNIQUE", "a|bb")
def unique(operand: Operand, across: bool = False, once: bool = False) -> Operand:
    rows = as_rows(operand)
    lines = turned(rows) if across else rows
    met: dict[tuple[object, ...], list[int]] = {}
    for at, line in enumerate(lines):
        met.setdefault(tuple(identity(value) for value in line), []).append(at)
    chosen = [lines[places[0]] for places in met.values() if len(places) == 1 or not once]
    return result(turned(chosen) if across and chosen else chosen)


# ---- new arrays

def _shape(rows: float, columns: float) -> tuple[int, int]:
    height, width = int(rows), int(columns)
    if height < 0 or width < 0:
        raise Raised(VALUE)
    if height == 0 or width == 0:
        raise Raised(CALC)
    if height * width > _MOST:
        raise Raised(NUM)
    return height, width


@function("SEQUENCE", "|nnnn", empty_is_none=True)
def sequence(rows: float = 1.0, columns: float = 1.0, start: float = 1.0, step: float = 1.0) -> Operand:
    height, width = _shape(rows, columns)
    return result([[finite(start + step * (row * width + column)) for column in range(width)]
                   for row in range(height)])


@function("RANDARRAY", "|nnnnb", context=True, empty_is_none=True)
def randarray(context: Context, rows: float = 1.0, columns: float = 1.0, low: float = 0.0, high: float = 1.0,
              whole: bool = False) -> Operand:
    height, width = _shape(rows, columns)
    if low > high or (whole and (low != math.floor(low) or high != math.floor(high))):
        raise Raised(VALUE)
    generator: random.Random = context.space.generator()
    if whole:
        return result([[float(generator.randint(int(low), int(high))) for _ in range(width)] for _ in range(height)])
    return result([[low + (high - low) * generator.random() for _ in range(width)] for _ in range(height)])


# ---- arrays side by side, and cut

def _rows(operand: Operand) -> Rows:
    """Return the rows of an operand that may be an error, or a function, of which GROUPBY takes several."""
    return [[operand]] if isinstance(operand, ExcelError | Lambda) else as_rows(operand)  # type: ignore[list-item]


@function("VSTACK", "A*")
def vstack(*operands: Operand) -> Operand:
    parts = [_rows(operand) for operand in operands]
    width = max(len(rows[0]) for rows in parts)
    return result([line + [NA] * (width - len(line)) for rows in parts for line in rows])


@function("HSTACK", "A*")
def hstack(*operands: Operand) -> Operand:
    parts = [turned(_rows(operand)) for operand in operands]
    height = max(len(columns[0]) for columns in parts)
    return result(turned([line + [NA] * (height - len(line)) for columns in parts for line in columns]))


def _strung(operand: Operand, ignore: float, by_column: bool) -> list[Value]:
    chosen = int(ignore)
    if not 0 <= chosen <= 3:
        raise Raised(VALUE)
    rows = _rows(operand)
    values = [value for line in (turned(rows) if by_column else rows) for value in line]
    return [value for value in values
            if not (chosen & 1 and value is None) and not (chosen & 2 and type(value) is ExcelError)]


@function("TOCOL", "A|nb", empty_is_none=True)
def tocol(operand: Operand, ignore: float = 0.0, by_column: bool = False) -> Operand:
    return result([[value] for value in _strung(operand, ignore, by_column)])


@function("TOROW", "A|nb", empty_is_none=True)
def torow(operand: Operand, ignore: float = 0.0, by_column: bool = False) -> Operand:
    return result([_strung(operand, ignore, by_column)])


def _wrapped(operand: Operand, count: float, pad: Value) -> Rows:
    rows = as_rows(operand)
    if len(rows) > 1 and len(rows[0]) > 1:
        raise Raised(VALUE)
    length = int(count)
    if length < 1:
        raise Raised(NUM)
    values = [value for line in rows for value in line]
    length = min(length, len(values))
    return [values[at:at + length] + [pad] * (length - len(values[at:at + length]))
            for at in range(0, len(values), length)]


@function("WRAPROWS", "an|e", empty_is_none=True)
def wraprows(operand: Operand, count: float, pad: Value = NA) -> Operand:
    return result(_wrapped(operand, count, pad))


@function("WRAPCOLS", "an|e", empty_is_none=True)
def wrapcols(operand: Operand, count: float, pad: Value = NA) -> Operand:
    return result(turned(_wrapped(operand, count, pad)))


def _part(operand: Operand, top: int, bottom: int, left: int, right: int) -> Operand:
    """Return a part of an operand, ends not included, counted from 0; of a reference a reference."""
    if top >= bottom or left >= right:
        raise Raised(CALC)
    if isinstance(operand, Ref):
        return Ref(operand.sheet, operand.top + top, operand.left + left, operand.top + bottom - 1,
                   operand.left + right - 1)
    return result([line[left:right] for line in as_rows(operand)[top:bottom]])


def _taken(count: float | None, length: int) -> tuple[int, int]:
    if count is None:
        return 0, length
    wanted = int(count)
    return (0, min(wanted, length)) if wanted >= 0 else (max(length + wanted, 0), length)


@function("TAKE", "a|nn", empty_is_none=True)
def take(operand: Operand, rows: float | None = None, columns: float | None = None) -> Operand:
    height, width = size(operand)
    return _part(operand, *_taken(rows, height), *_taken(columns, width))


def _dropped(count: float | None, length: int) -> tuple[int, int]:
    wanted = 0 if count is None else int(count)
    return (min(wanted, length), length) if wanted >= 0 else (0, max(length + wanted, 0))


@function("DROP", "a|nn", empty_is_none=True)
def drop(operand: Operand, rows: float | None = None, columns: float | None = None) -> Operand:
    height, width = size(operand)
    return _part(operand, *_dropped(rows, height), *_dropped(columns, width))


def _chosen(operand: Operand, places: tuple[Operand, ...], across: bool) -> Rows:
    rows = as_rows(operand)
    lines = turned(rows) if across else rows
    found: Rows = []
    for place in (int(number) for given in places for number in numbers_in(given)):
        if place == 0 or abs(place) > len(lines):
            raise Raised(VALUE)
        found.append(lines[place - 1 if place > 0 else place])
    return found


@function("CHOOSEROWS", "aa*")
def chooserows(operand: Operand, *places: Operand) -> Operand:
    return result(_chosen(operand, places, False))


@function("CHOOSECOLS", "aa*")
def choosecols(operand: Operand, *places: Operand) -> Operand:
    return result(turned(_chosen(operand, places, True)))


@function("EXPAND", "a|nne", empty_is_none=True)
def expand(operand: Operand, rows: float | None = None, columns: float | None = None, pad: Value = NA) -> Operand:
    held = as_rows(operand)
    height = len(held) if rows is None else int(rows)
    width = len(held[0]) if columns is None else int(columns)
    if height < len(held) or width < len(held[0]):
        raise Raised(VALUE)
    if height * width > _MOST:
        raise Raised(NUM)
    return result([line + [pad] * (width - len(line)) for line in held] + [[pad] * width] * (height - len(held)))


def _trimmed(lines: Rows, which: int) -> tuple[int, int]:
    """Return the first line and that behind the last, without blank ones at the start (1), the end (2) or both (3)."""
    filled = [at for at, line in enumerate(lines) if any(value is not None for value in line)]
    if not filled:
        raise Raised(ExcelError("#REF!"))
    return filled[0] if which & 1 else 0, filled[-1] + 1 if which & 2 else len(lines)


@function("TRIMRANGE", "a|nn", empty_is_none=True)
def trimrange(operand: Operand, rows: float = 3.0, columns: float = 3.0) -> Operand:
    if not (0 <= rows <= 3 and 0 <= columns <= 3):
        raise Raised(VALUE)
    if isinstance(operand, Ref):
        operand = operand.clipped() if int(rows) & 2 and int(columns) & 2 else operand
    held = as_rows(operand)
    return _part(operand, *_trimmed(held, int(rows)), *_trimmed(turned(held), int(columns)))


@function("_TRO_ALL", "a")
def trim_all(operand: Operand) -> Operand:
    """Return a range written as ``A1.:.C9``."""
    found: Operand = trimrange(operand)
    return found


@function("_TRO_LEADING", "a")
def trim_leading(operand: Operand) -> Operand:
    """Return a range written as ``A1.:C9``."""
    found: Operand = trimrange(operand, 1.0, 1.0)
    return found


@function("_TRO_TRAILING", "a")
def trim_trailing(operand: Operand) -> Operand:
    """Return a range written as ``A1:.C9``."""
    found: Operand = trimrange(operand, 2.0, 2.0)
    return found

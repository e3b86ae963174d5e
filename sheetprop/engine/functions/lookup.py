"""Finding values in ranges."""

from __future__ import annotations

import re
from collections.abc import Callable

from sheetprop.engine.functions import function
from sheetprop.engine.functions.aggregates import wildcard
from sheetprop.engine.grid.operands import Array, Operand, Ref, as_rows, size
from sheetprop.engine.grid.values import NA, REF, VALUE, ExcelError, Raised, Value, compare


class Vector:
    """The values of a range of one row or one column; beyond what is used they are blank.

    Attributes:
        values: the values up to the last one that can be something.
        length: how many there are with the blanks behind them.
        upright: whether they stand in a column.
    """

    __slots__ = ("length", "upright", "values")

    def __init__(self, values: list[Value], length: int, upright: bool) -> None:
        self.values = values
        self.length = length
        self.upright = upright


def _vector(operand: Operand) -> Vector:
    height, width = size(operand)
    if height > 1 and width > 1:
        raise Raised(NA)
    rows = as_rows(operand.clipped() if isinstance(operand, Ref) else operand)
    upright = width == 1 and height > 1
    return Vector([line[0] for line in rows] if upright else rows[0], max(height, width), upright)


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


def ascending(wanted: Value, values: list[Value], length: int = 0) -> int:
    """Return the position of the last value not above `wanted` in values sorted upwards, or -1.

    This is Excel's search by halves, whose steps decide what comes out of values that are not sorted: it
    begins in the middle of the whole range, passes over what is of another kind to the next value of the
    same, and ends at a value that is equal, at the last of them where several follow each other.

    Args:
        wanted: what is looked for; blank is 0.
        values: what is looked through.
        length: how long the range is with the blanks behind the values.
    """
    if wanted is None:
        wanted = 0.0
    low, high, best = 0, max(length, len(values)) - 1, -1
    while low <= high:
        middle = (low + high) // 2
        at = _next_alike(wanted, values, middle, high)
        if at < 0:
            high = middle - 1
            continue
        side = compare(values[at], wanted)
        if side == 0:
            return _last_equal(wanted, values, at)
        if side < 0:
            best, low = at, at + 1
        else:
            high = middle - 1
    return best


def _next_alike(wanted: Value, values: list[Value], start: int, last: int) -> int:
    kind = type(wanted)
    for at in range(start, min(last, len(values) - 1) + 1):
        if type(values[at]) is kind:
            return at
    return -1


def _last_equal(wanted: Value, values: list[Value], at: int) -> int:
    best = at
    while (at := _next_alike(wanted, values, at + 1, len(values))) >= 0 and compare(values[at], wanted) == 0:
        best = at
    return best


def descending(wanted: Value, values: list[Value]) -> int:
    """Return the position of the first equal value, else of the last above it, in values sorted downwards, or -1."""
    if wanted is None:
        wanted = 0.0
    best = -1
    for at, value in enumerate(values):
        if not _same_kind(wanted, value):
            continue
        side = compare(value, wanted)
        if side == 0:
            return at
        if side < 0:
            break
        best = at
    return best


@function("MATCH", "vr|n")
def match(wanted: Value, operand: Operand, kind: float = 1.0) -> float:
    among = _vector(operand)
    if kind == 0:
        at = exact(wanted, among.values)
    else:
        at = ascending(wanted, among.values, among.length) if kind > 0 else descending(wanted, among.values)
    if at < 0:
        raise Raised(NA)
    return float(at + 1)


def _regular(pattern: str) -> Callable[[Value], bool]:
    try:
        found = re.compile(pattern)
    except re.error:
        raise Raised(VALUE) from None
    return lambda value: type(value) is str and found.search(value) is not None


def _beside(wanted: Value, value: Value) -> int | None:
    """Compare a value with what is looked for, numbers before text before truth values; None for blanks and errors."""
    return None if value is None or type(value) is ExcelError else compare(value, wanted)


def _by_halves(wanted: Value, values: list[Value], kind: float, rising: bool) -> int:
    """Return the place in sorted values: the first equal one, else that of the neighbour that `kind` asks for."""
    places = [at for at, value in enumerate(values) if value is not None and type(value) is not ExcelError]
    if not rising:
        places.reverse()
    low, high = 0, len(places)
    while low < high:
        middle = (low + high) // 2
        if compare(values[places[middle]], wanted) < 0:
            low = middle + 1
        else:
            high = middle
    if low < len(places) and compare(values[places[low]], wanted) == 0:
        return places[low]
    if kind == 0 or not 0 <= low - (kind < 0) < len(places):
        return -1
    return places[low - (kind < 0)]


def _nearest(wanted: Value, among: Vector, kind: float, mode: float) -> int:
    """Return the position that XMATCH and XLOOKUP find, or -1.

    Args:
        wanted: what is looked for; a blank finds a blank.
        among: what is looked through.
        kind: 0 equal, -1 or the next smaller, 1 or the next larger, 2 wildcards, 3 a regular expression.
        mode: 1 from the first on, -1 from the last, 2 and -2 by halves in values sorted upwards and downwards.
    """
    kind, mode = int(kind), int(mode)
    if kind not in (-1, 0, 1, 2, 3) or mode not in (-2, -1, 1, 2) or (kind > 1 and abs(mode) == 2):
        raise Raised(VALUE)
    values = among.values
    order = range(len(values)) if mode > 0 else range(len(values) - 1, -1, -1)
    if wanted is None:
        blank = next((at for at in order if values[at] is None), -1)
        if mode == -1 and among.length > len(values):
            return among.length - 1
        return blank if blank >= 0 or among.length == len(values) else len(values)
    if abs(mode) == 2:
        return _by_halves(wanted, values, kind, mode > 0)
    if kind == 3:
        test = _regular(str(wanted)) if type(wanted) is str else None
        return -1 if test is None else next((at for at in order if test(values[at])), -1)
    at = exact(wanted, [values[index] for index in order] if mode < 0 else values, wild=kind == 2)
    if at >= 0:
        return order[at]
    if kind in (0, 2):
        return -1
    best = -1
    for index in order:
        side = _beside(wanted, values[index])
        if side is None or side == 0 or (side < 0) != (kind < 0):
            continue
        closer = 1 if best < 0 else compare(values[index], values[best])
        if best < 0 or ((closer > 0) == (kind < 0) and closer):
            best = index
    return best


@function("XMATCH", "va|nn", empty_is_none=True)
def xmatch(wanted: Value, operand: Operand, kind: float = 0.0, mode: float = 1.0) -> float:
    at = _nearest(wanted, _vector(operand), kind, mode)
    if at < 0:
        raise Raised(NA)
    return float(at + 1)


@function("XLOOKUP", "vaa|Rnn", empty_is_none=True)
def xlookup(wanted: Value, operand: Operand, results: Operand, absent: Operand = NA, kind: float = 0.0,
            mode: float = 1.0) -> Operand:
    among = _vector(operand)
    height, width = size(results)
    upright = among.upright or (among.length == 1 and height == 1)
    if (height if upright else width) != among.length:
        raise Raised(VALUE)
    at = _nearest(wanted, among, kind, mode)
    if at < 0:
        if type(absent) is ExcelError:
            raise Raised(absent)
        return absent
    if isinstance(results, Ref):
        if upright:
            return Ref(results.sheet, results.top + at, results.left, results.top + at, results.right)
        return Ref(results.sheet, results.top, results.left + at, results.bottom, results.left + at)
    rows = as_rows(results)
    chosen = [rows[at]] if upright else [[line[at]] for line in rows]
    return chosen[0][0] if len(chosen) == len(chosen[0]) == 1 else Array(chosen)


def _table_lookup(wanted: Value, table: Operand, at: float, near: bool, upright: bool) -> Value:
    place = int(at)
    if type(table) is str:
        raise Raised(VALUE)
    height, width = size(table)
    if place > (width if upright else height):
        raise Raised(REF)
    if isinstance(table, Ref):
        among = _vector(Ref(table.sheet, table.top, table.left, table.bottom if upright else table.top,
                            table.left if upright else table.right))
    else:
        rows = as_rows(table)
        among = Vector([line[0] for line in rows] if upright else rows[0], height if upright else width, upright)
    found = ascending(wanted, among.values, among.length) if near else exact(wanted, among.values)
    if found < 0:
        raise Raised(NA)
    if place < 1:
        raise Raised(VALUE)
    if isinstance(table, Ref):
        return table.sheet.get(*((table.top + found, table.left + place - 1) if upright
                                 else (table.top + place - 1, table.left + found)))
    return rows[found][place - 1] if upright else rows[place - 1][found]


@function("VLOOKUP", "vrn|b")
def vlookup(wanted: Value, table: Operand, column: float, near: bool = True) -> Value:
    return _table_lookup(wanted, table, column, near, True)


@function("HLOOKUP", "vrn|b")
def hlookup(wanted: Value, table: Operand, row: float, near: bool = True) -> Value:
    return _table_lookup(wanted, table, row, near, False)


@function("LOOKUP", "va|a")
def lookup(wanted: Value, operand: Operand, results: Operand = None) -> Value:
    length = 0
    if results is None:
        rows = as_rows(operand.clipped() if isinstance(operand, Ref) else operand)
        if len(rows) >= len(rows[0]):
            keys, values = [line[0] for line in rows], [line[-1] for line in rows]
        else:
            keys, values = rows[0], rows[-1]
    else:
        if isinstance(operand, Ref) and operand.height > 1 and operand.width > 1:  # its first column, or row, counts
            operand = (Ref(operand.sheet, operand.top, operand.left, operand.bottom, operand.left)
                       if operand.height >= operand.width
                       else Ref(operand.sheet, operand.top, operand.left, operand.top, operand.right))
        among = _vector(operand)
        keys, length, values = among.values, among.length, _vector(results).values
    found = ascending(wanted, keys, length)
    if found < 0:
        raise Raised(NA)
    return values[found] if found < len(values) else None

"""Working days between dates, with weekends and holidays."""

from __future__ import annotations

import math

from sheetprop.engine.functions import function
from sheetprop.engine.functions.daycount import between, day_of, to_number
from sheetprop.engine.grid.dates import LAST
from sheetprop.engine.grid.operands import Operand, flat
from sheetprop.engine.grid.values import NUM, SHIFT_1904, VALUE, ExcelError, Raised, Value, number_in
from sheetprop.engine.grid.values import to_number as number_of
from sheetprop.engine.scope.context import Context

_SATURDAY_SUNDAY = (0, 0, 0, 0, 0, 1, 1)


def _rest_days(weekend: Value) -> tuple[int, ...]:
    """Return for Monday to Sunday whether the day is free: from a number, or seven letters 0 and 1."""
    if type(weekend) is ExcelError:
        raise Raised(weekend)
    if weekend is None:
        return _SATURDAY_SUNDAY
    if isinstance(weekend, str) and (len(weekend) == 7 or number_in(weekend) is None):
        if len(weekend) != 7 or set(weekend) - {"0", "1"}:
            raise Raised(VALUE)
        return tuple(int(letter) for letter in weekend)
    kind = int(number_of(weekend))
    if 1 <= kind <= 7:
        free = {(kind + 4) % 7, (kind + 5) % 7}
    elif 11 <= kind <= 17:
        free = {(kind - 12) % 7}
    else:
        raise Raised(NUM)
    return tuple(int(day in free) for day in range(7))


def _weekday(day: int) -> int:
    """Return 0 for Monday; days of the 1900 system."""
    return (day - 2) % 7


def _holidays(context: Context, operand: Operand, rest: tuple[int, ...]) -> list[int]:
    """Return the holidays that are no weekend days, in order."""
    shift = SHIFT_1904 if context.space.contents.date1904 else 0
    days = {int(number_of(value)) + shift for value in flat(operand)}
    return sorted(day for day in days if not rest[_weekday(day)])


def _open_days(first: int, last: int, rest: tuple[int, ...]) -> int:
    """Return how many days from `first` to `last` are no weekend days."""
    weeks, over = divmod(last - first + 1, 7)
    return weeks * (7 - sum(rest)) + sum(not rest[_weekday(first + at)] for at in range(over))


def _count(context: Context, start: float, end: float, rest: tuple[int, ...], free: Operand) -> float:
    first, last = between(context, start, end)
    sign = 1 if first <= last else -1
    low, high = min(first, last), max(first, last)
    holidays = sum(low <= day <= high for day in _holidays(context, free, rest))
    return float(sign * (_open_days(low, high, rest) - holidays))


def _moved(context: Context, start: float, count: float, rest: tuple[int, ...], free: Operand) -> float:
    day, left = day_of(context, start), abs(math.trunc(count))
    step = 1 if count > 0 else -1
    holidays = set(_holidays(context, free, rest))
    if sum(rest) == 7:
        raise Raised(VALUE)
    if left > 4 * 7 * (7 - sum(rest)) and not holidays:  # whole weeks at once, the rest day by day
        weeks = left // (7 - sum(rest)) - 2
        day, left = day + step * 7 * weeks, left - weeks * (7 - sum(rest))
    while left:
        day += step
        if not 0 <= day <= LAST:
            raise Raised(NUM)
        if not rest[_weekday(day)] and day not in holidays:
            left -= 1
    if not 0 <= day <= LAST:
        raise Raised(NUM)
    return to_number(context, day)


@function("NETWORKDAYS", "mm|r", context=True)
def networkdays(context: Context, start: float, end: float, free: Operand = None) -> float:
    return _count(context, start, end, _SATURDAY_SUNDAY, free)


@function("NETWORKDAYS.INTL", "mm|er", context=True)
def networkdays_intl(context: Context, start: float, end: float, weekend: Value = None, free: Operand = None) -> float:
    return _count(context, start, end, _rest_days(weekend), free)


@function("WORKDAY", "mm|r", context=True)
def workday(context: Context, start: float, count: float, free: Operand = None) -> float:
    return _moved(context, start, count, _SATURDAY_SUNDAY, free)


@function("WORKDAY.INTL", "mm|er", context=True)
def workday_intl(context: Context, start: float, count: float, weekend: Value = None, free: Operand = None) -> float:
    return _moved(context, start, count, _rest_days(weekend), free)

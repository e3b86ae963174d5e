"""Dates and times."""

from __future__ import annotations

import calendar
import datetime
import math

from sheetprop.engine.functions import function
from sheetprop.engine.functions.daycount import between, year_fraction
from sheetprop.engine.grid.dates import date_in, parts, serial
from sheetprop.engine.grid.values import NUM, SHIFT_1904, VALUE, Raised
from sheetprop.engine.scope.context import Context


def _shift(context: Context) -> int:
    return SHIFT_1904 if context.space.contents.date1904 else 0


def _parts(context: Context, number: float) -> tuple[int, int, int]:
    try:
        return parts(number + _shift(context))
    except ValueError:
        raise Raised(NUM) from None


def _serial(context: Context, year: int, month: int, day: int) -> float:
    """Return the number of a day; months and days outside their range carry over."""
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    if not 1900 <= year <= 9999:
        raise Raised(NUM)
    try:
        number = serial(year, month, 1) + day - 1
    except ValueError:
        raise Raised(NUM) from None
    number -= _shift(context)
    if not 0 <= number <= 2_958_465:
        raise Raised(NUM)
    return number


@function("DATE", "nnn", context=True)
def date(context: Context, year: float, month: float, day: float) -> float:
    whole = int(year)
    if 0 <= whole < 1900:
        whole += 1900
    return _serial(context, whole, int(month), int(day))


@function("YEAR", "n", context=True)
def year_of(context: Context, number: float) -> float:
    return float(_parts(context, number)[0])


@function("MONTH", "n", context=True)
def month_of(context: Context, number: float) -> float:
    return float(_parts(context, number)[1])


@function("DAY", "n", context=True)
def day_of(context: Context, number: float) -> float:
    return float(_parts(context, number)[2])


@function("WEEKDAY", "n|n", context=True)
def weekday(context: Context, number: float, kind: float = 1.0) -> float:
    if number < 0:
        raise Raised(NUM)
    day = (int(number) + _shift(context) - 1) % 7  # 0 is Sunday
    if kind == 1 or kind == 17:
        return float(day + 1)
    if kind == 2 or kind == 11:
        return float((day - 1) % 7 + 1)
    if kind == 3:
        return float((day - 1) % 7)
    if 12 <= kind <= 16:
        return float((day - int(kind - 10)) % 7 + 1)
    raise Raised(NUM)


def _seconds(number: float) -> int:
    if number < 0:
        raise Raised(NUM)
    return round((number % 1) * 86400) % 86400


@function("HOUR", "n")
def hour(number: float) -> float:
    return float(_seconds(number) // 3600)


@function("MINUTE", "n")
def minute(number: float) -> float:
    return float(_seconds(number) // 60 % 60)


@function("SECOND", "n")
def second(number: float) -> float:
    return float(_seconds(number) % 60)


@function("TIME", "nnn")
def time(hours: float, minutes: float, seconds: float) -> float:
    total = int(hours) * 3600 + int(minutes) * 60 + int(seconds)
    if total < 0:
        raise Raised(NUM)
    return (total % 86400) / 86400


@function("DATEVALUE", "t", context=True)
def datevalue(context: Context, text: str) -> float:
    number = date_in(text)
    if number is None:
        raise Raised(VALUE)
    return float(math.floor(number)) - _shift(context)


@function("TIMEVALUE", "t")
def timevalue(text: str) -> float:
    number = date_in(text)
    if number is None:
        raise Raised(VALUE)
    return number % 1


def _moved(context: Context, number: float, months: float, end: bool) -> float:
    year, month, day = _parts(context, number)
    at = year * 12 + month - 1 + math.trunc(months)
    year, month = divmod(at, 12)
    month += 1
    if not 1900 <= year <= 9999:
        raise Raised(NUM)
    last = calendar.monthrange(year, month)[1]
    return _serial(context, year, month, last if end else min(day, last))


@function("EDATE", "mm", context=True)
def edate(context: Context, number: float, months: float) -> float:
    return _moved(context, number, months, False)


@function("EOMONTH", "mm", context=True)
def eomonth(context: Context, number: float, months: float) -> float:
    return _moved(context, number, months, True)


@function("DAYS", "nn")
def days(end: float, start: float) -> float:
    if start < 0 or end < 0:
        raise Raised(NUM)
    return float(math.floor(end) - math.floor(start))


@function("DAYS360", "nn|b", context=True)
def days360(context: Context, start: float, end: float, european: bool = False) -> float:
    y1, m1, d1 = _parts(context, start)
    y2, m2, d2 = _parts(context, end)
    if european:
        d1, d2 = min(d1, 30), min(d2, 30)
    else:
        if d1 == calendar.monthrange(y1, m1)[1]:
            d1 = 30
        if d2 == calendar.monthrange(y2, m2)[1] and d2 == 31:
            if d1 < 30:
                y2, m2, d2 = (y2, m2 + 1, 1) if m2 < 12 else (y2 + 1, 1, 1)
            else:
                d2 = 30
    return float((y2 - y1) * 360 + (m2 - m1) * 30 + d2 - d1)


@function("DATEDIF", "nnt", context=True)
def datedif(context: Context, start: float, end: float, unit: str) -> float:
    if start > end:
        raise Raised(NUM)
    y1, m1, d1 = _parts(context, start)
    y2, m2, d2 = _parts(context, end)
    months = (y2 - y1) * 12 + m2 - m1 - (d2 < d1)
    kind = unit.upper()
    if kind == "D":
        return float(math.floor(end) - math.floor(start))
    if kind == "M":
        return float(months)
    if kind == "Y":
        return float(months // 12)
    if kind == "YM":
        return float(months % 12)
    if kind == "MD":
        return math.floor(end) - _moved(context, start, months, False)
    if kind == "YD":
        return math.floor(end) - _moved(context, start, months // 12 * 12, False)
    raise Raised(NUM)


def _date(context: Context, number: float) -> datetime.date:
    year, month, day = _parts(context, number)
    if day == 0 or (year, month, day) == (1900, 2, 29):
        raise Raised(NUM)
    return datetime.date(year, month, day)


@function("ISOWEEKNUM", "n", context=True)
def isoweeknum(context: Context, number: float) -> float:
    return float(_date(context, number).isocalendar()[1])


@function("WEEKNUM", "m|m", context=True)
def weeknum(context: Context, number: float, kind: float = 1.0) -> float:
    if kind == 21:
        return isoweeknum(context, number)  # type: ignore[no-any-return]
    begins = {1: 6, 17: 6, 2: 0, 11: 0, 12: 1, 13: 2, 14: 3, 15: 4, 16: 5}.get(int(kind))
    if begins is None:
        raise Raised(NUM)
    day = _date(context, number)
    first = datetime.date(day.year, 1, 1)
    return float(((day - first).days + (first.weekday() - begins) % 7) // 7 + 1)


@function("YEARFRAC", "mm|m", context=True)
def yearfrac(context: Context, start: float, end: float, basis: float = 0.0) -> float:
    first, last = between(context, start, end)
    if not 0 <= int(basis) <= 4:
        raise Raised(NUM)
    return year_fraction(min(first, last), max(first, last), int(basis))

"""Dates as numbers: days since 1899-12-31 with Excel's 29 February 1900, or since 1904."""

from __future__ import annotations

import datetime
import re
from contextvars import ContextVar
from functools import cache

_EPOCH = datetime.date(1899, 12, 30)
LAST = 2_958_465
# The year of a date that is written without one; None is the year of the clock.
THIS_YEAR: ContextVar[int | None] = ContextVar("THIS_YEAR", default=None)

_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
           "december")
_MONTHS_BY_NAME = {name[:3]: at for at, name in enumerate(_MONTHS, start=1)}
_MONTH = "(?:" + "|".join(f"{name}|{name[:3]}" if name != "may" else name for name in _MONTHS) + ")"
# How dates are written: the groups are named, and what is not named is this year or the first of the month.
_SHAPES = (
    r"(?P<year>\d{4})(?P<mark>[-/])(?P<month>\d{1,2})(?P=mark)(?P<day>\d{1,2})",
    r"(?P<month>\d{1,2})(?P<mark>[-/])(?P<day>\d{1,2})(?P=mark)(?P<year>\d{4}|\d{1,2})",
    rf"(?P<day>\d{{1,2}})(?P<mark>[- /]| ?)(?P<name>{_MONTH})(?:(?:(?P=mark)|, ?| )(?P<year>\d{{4}}|\d{{1,2}}))?",
    rf"(?P<name>{_MONTH}) (?P<day>\d{{1,2}}), ?(?P<year>\d{{4}}|\d{{1,2}})",
    rf"(?P<name>{_MONTH})[- /](?P<day>\d{{1,2}})[- /](?P<year>\d{{4}}|\d{{2}})",
    rf"(?P<name>{_MONTH})[- /]?(?P<either>\d{{1,2}})",
    rf"(?P<name>{_MONTH})(?:[- /]|, ?)(?P<year>\d{{4}})",
    r"(?P<month>\d{1,2})[-/](?P<either>\d{1,2})",
    r"(?P<month>\d{1,2})[-/](?P<year>\d{4})",
    r"(?P<year>\d{4})[-/](?P<month>\d{1,2})",
)
_TIME = re.compile(r"(\d{1,4}):(\d{1,2})(?::(\d{1,2}(?:\.\d*)?))?(?: ?([AaPp])[Mm]?)?\Z", re.ASCII)
_HOUR = re.compile(r"(\d{1,2}) ([AaPp])[Mm]?\Z", re.ASCII)
_PARTED = re.compile(r"(.*\d)(?:[T ])(\d{1,4}:\d.*?|\d{1,2} [AaPp][Mm]?)Z?\Z", re.ASCII)


@cache
def _shapes() -> list[re.Pattern[str]]:
    return [re.compile(shape + r"\Z", re.ASCII | re.IGNORECASE) for shape in _SHAPES]


def serial(year: int, month: int, day: int) -> float:
    """Return the number of a day in the 1900 system.

    Raises:
        ValueError: there is no such day, or it lies before 1900 or after 9999.
    """
    number = (datetime.date(year, month, day) - _EPOCH).days
    if number < 61:
        number -= 1
    if not 1 <= number <= LAST:
        raise ValueError("outside the calendar")
    return float(number)


def parts(number: float) -> tuple[int, int, int]:
    """Return (year, month, day) of a date number of the 1900 system; 60 is 29 February 1900, 0 is 0 January.

    Raises:
        ValueError: the number lies outside the calendar.
    """
    day = int(number // 1)
    if not 0 <= day <= LAST:
        raise ValueError("outside the calendar")
    if day == 0:
        return 1900, 1, 0
    if day == 60:
        return 1900, 2, 29
    date = _EPOCH + datetime.timedelta(days=day if day > 60 else day + 1)
    return date.year, date.month, date.day


def time_in(text: str) -> float | None:
    """Return the days that "12:30", "7:5:30.5", "1:15 PM", "3 pm" or "36:00" spell, else None."""
    found = _TIME.match(text)
    if found is None:
        hour = _HOUR.match(text)
        if hour is None:
            return None
        hours, minutes, seconds, half = int(hour.group(1)), 0, 0.0, hour.group(2)
    else:
        hours, minutes, seconds = int(found.group(1)), int(found.group(2)), float(found.group(3) or 0)
        half = found.group(4) or ""
    if half:
        if not 0 <= hours <= 12:
            return None
        hours = hours % 12 + (12 if half in "Pp" else 0)
    if minutes > 59 or seconds >= 60:
        return None
    return (hours * 3600 + minutes * 60 + seconds) / 86400


def _day(text: str) -> float | None:
    """Return the number of the day that a date without a time spells."""
    for shape in _shapes():
        found = shape.match(text)
        if found is not None:
            break
    else:
        return None
    given = found.groupdict()
    month = int(given["month"]) if given.get("month") else _MONTHS_BY_NAME[given["name"][:3].lower()]
    day, year = given.get("day"), given.get("year")
    either = given.get("either")  # "Feb 5" is a day of this year, "Feb 31" is February 1931
    if either is not None:
        number = _number(THIS_YEAR.get() or datetime.date.today().year, month, int(either))
        return number if number is not None else _number(_full(int(either)), month, 1)
    if year is None:
        return _number(THIS_YEAR.get() or datetime.date.today().year, month, int(day or 1))
    return _number(_full(int(year)) if len(year) < 3 else int(year), month, int(day or 1))


def _full(year: int) -> int:
    """Return the year that two digits mean."""
    return year + (2000 if year < 30 else 1900)


def _number(year: int, month: int, day: int) -> float | None:
    try:
        return 60.0 if (year, month, day) == (1900, 2, 29) else serial(year, month, day)
    except ValueError:
        return None


def date_in(text: str) -> float | None:
    """Return the date number that `text` spells, as Excel in the USA reads it, else None.

    Examples: 2011-05-22, 5/22/2011, 5-22-11, 22-May-2011, 22 May, May 22, 2011, May 2011, each with a time or without;
    or a time alone. A date with blanks around it is none.
    """
    time = time_in(text.strip())
    if time is not None:
        return time
    number = _day(text)
    if number is not None:
        return number
    found = _PARTED.match(text)
    if found is None:
        return None
    number, time = _day(found.group(1)), time_in(found.group(2))
    return None if number is None or time is None else number + time

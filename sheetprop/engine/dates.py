"""Dates as numbers: days since 1899-12-31 with Excel's 29 February 1900, or since 1904."""

from __future__ import annotations

import datetime
import re

_EPOCH = datetime.date(1899, 12, 30)
SHIFT_1904 = 1462
LAST = 2_958_465

_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ](\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)Z?)?\Z")
_US = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4}|\d{2})(?: (.+))?\Z")
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d+)?))?(?: ?([AaPp])[Mm])?\Z")


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
    """Return the fraction of a day that "12:30", "7:05:30" or "1:15 PM" spells, else None."""
    found = _TIME.match(text)
    if found is None:
        return None
    hours, minutes, seconds = int(found.group(1)), int(found.group(2)), float(found.group(3) or 0)
    if found.group(4):
        if not 1 <= hours <= 12:
            return None
        hours = hours % 12 + (12 if found.group(4) in "Pp" else 0)
    if minutes > 59 or seconds >= 60:
        return None
    return (hours * 3600 + minutes * 60 + seconds) / 86400


def date_in(text: str) -> float | None:
    """Return the date number that `text` spells (ISO, or month/day/year as in the US), else None."""
    plain = text.strip()
    time = time_in(plain)
    if time is not None:
        return time
    rest: str | None
    found = _ISO.match(plain)
    if found:
        year, month, day, rest = int(found[1]), int(found[2]), int(found[3]), found[4]
    else:
        found = _US.match(plain)
        if found is None:
            return None
        month, day, year, rest = int(found[1]), int(found[2]), int(found[3]), found[4]
        if year < 100:
            year += 2000 if year < 30 else 1900
    try:
        number = serial(year, month, day)
    except ValueError:
        return None
    if rest:
        time = time_in(rest)
        if time is None:
            return None
        number += time
    return number

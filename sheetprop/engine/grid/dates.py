"""Dates as numbers: days since 1899-12-31 with Excel's 29 February 1900, or since 1904."""

from __future__ import annotations

import datetime
import re

_EPOCH = datetime.date(1899, 12, 30)
LAST = 2_958_465

_ISO = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[T ](\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)Z?)?\Z")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_FULL = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
         "november", "december")
_NAMED = re.compile(r"(\d{1,2})[- /]([A-Za-z]{3,9})[- /](\d{4}|\d{2})(?: (.+))?\Z", re.ASCII)
_AMERICAN = re.compile(r"([A-Za-z]{3,9}) (\d{1,2}), ?(\d{4})(?: (.+))?\Z", re.ASCII)
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


def _spelled(text: str) -> tuple[int, int, int, str | None] | None:
    """Return year, month, day and the rest of a date that is not written as in ISO 8601."""
    found = _US.match(text)
    if found:
        return int(found[3]), int(found[1]), int(found[2]), found[4]
    found = _NAMED.match(text)
    day, name = (found[1], found[2]) if found else ("", "")
    if not found:
        found = _AMERICAN.match(text)
        day, name = (found[2], found[1]) if found else ("", "")
    short = name[:3].lower()
    if not found or short not in _MONTHS or not _FULL[_MONTHS.index(short)].startswith(name.lower()):
        return None
    return int(found[3]), _MONTHS.index(short) + 1, int(day), found[4]


def date_in(text: str) -> float | None:
    """Return the date number that `text` spells (2011-05-22, 5/22/2011, 22-May-2011, May 22, 2011), else None."""
    plain = text.strip()
    time = time_in(plain)
    if time is not None:
        return time
    rest: str | None
    found = _ISO.match(plain)
    if found:
        year, month, day, rest = int(found[1]), int(found[2]), int(found[3]), found[4]
    else:
        spelled = _spelled(plain)
        if spelled is None:
            return None
        year, month, day, rest = spelled
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

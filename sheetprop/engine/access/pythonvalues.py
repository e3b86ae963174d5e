"""Python's values as values of cells, and back: numbers, text, dates, percent."""

from __future__ import annotations

import datetime
import re

from sheetprop.engine.file.styles import CLOCK, DATE, ELAPSED, MOMENT, PERCENT, PERCENT_2
from sheetprop.engine.grid.dates import LAST, parts, serial
from sheetprop.engine.grid.values import ERRORS, SHIFT_1904, ExcelError, Value
from sheetprop.errors import SheetpropError

_PERCENT = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*%\s*\Z", re.ASCII)
_DAY = 86_400.0


def cell_value(value: object, ref: str, date1904: bool = False) -> tuple[Value, int | None]:
    """Return a Python value as a cell's value, and the number format that shows it, if it needs one.

    Dates and times become their numbers; text such as "5%" becomes 0.05; text behind an apostrophe is text
    whatever it looks like; ``None`` and pandas' NaT and NA are blank.

    Args:
        value: what is given.
        ref: where, for messages.
        date1904: whether the workbook counts days from 1904.

    Raises:
        SheetpropError: no cell can hold the value.
    """
    if value is None or isinstance(value, bool | ExcelError):
        return value, None
    if isinstance(value, str):
        if value.startswith("'"):
            return str(value[1:]), None
        percent = _PERCENT.match(value)
        if percent is not None:
            whole = "." not in percent[1] and "e" not in percent[1].lower()
            return float(percent[1]) / 100, PERCENT if whole else PERCENT_2
        return ERRORS.get(value, str(value)), None
    moment = _date_number(value, ref)
    if moment is not None:
        number, form = moment
        if date1904 and form in (DATE, MOMENT):
            number -= SHIFT_1904
        return number, form
    kind = type(value).__name__
    if kind in ("bool_", "bool"):
        return bool(value), None
    if kind in ("NaTType", "NAType"):
        return None, None
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise SheetpropError(f"{ref}: cannot hold {_shown(value)}; give a number, text, a date, True, False or "
                             "None") from None
    if number != number or number in (float("inf"), float("-inf")):
        raise SheetpropError(f"{ref}: cannot hold {_shown(value)}; cells hold finite numbers only")
    return number, None


def _shown(value: object) -> str:
    text = repr(value).replace("\n", " ")
    return text if len(text) < 60 else f"{text[:57]}..."


def _date_number(value: object, ref: str) -> tuple[float, int] | None:
    """Return the number of a date or a time and the format that shows it; None where the value is neither."""
    if type(value).__name__ == "datetime64":
        as_object = value.astype("datetime64[us]").item()  # type: ignore[attr-defined]
        if as_object is None:
            return None
        value = as_object
    if type(value).__name__ == "timedelta64":
        value = value.astype("timedelta64[us]").item()  # type: ignore[attr-defined]
    if isinstance(value, datetime.timedelta):
        return (value.total_seconds() / _DAY, ELAPSED) if type(value).__name__ != "NaTType" else None
    if isinstance(value, datetime.time):
        return _fraction(value), CLOCK
    if not isinstance(value, datetime.date) or type(value).__name__ == "NaTType":
        return None
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        raise SheetpropError(f"{ref}: cannot hold {value.isoformat()}, a moment of a time zone; cells know no "
                             "zones, give it without one")
    try:
        number = serial(value.year, value.month, value.day)
    except ValueError:
        raise SheetpropError(f"{ref}: cannot hold {value.isoformat()}; Excel's days begin in 1900") from None
    if isinstance(value, datetime.datetime):
        part = _fraction(value.time())
        return number + part, MOMENT if part else DATE
    return number, DATE


def _fraction(time: datetime.time) -> float:
    return (time.hour * 3600 + time.minute * 60 + time.second + time.microsecond / 1e6) / _DAY


def as_date(number: float, kind: str, date1904: bool) -> object:
    """Return a number as what its format shows: a `datetime`, a `time` or a `timedelta`; itself where that is none.

    Args:
        number: the cell's value.
        kind: "date", "time" or "elapsed"; see `styles.kind_of_format`.
        date1904: whether the workbook counts days from 1904.
    """
    if kind == "elapsed" or (kind == "time" and not 0 <= number < 1):
        return datetime.timedelta(microseconds=round(number * _DAY * 1e6)) if abs(number) < 1e8 else number
    # Numbers hold moments to within some microseconds: a whole second was meant where one is as near as that.
    moment = number + (SHIFT_1904 if date1904 and kind == "date" else 0)
    seconds = round(moment % 1 * _DAY, 6)
    near = round(seconds)
    seconds = near if abs(seconds - near) < 2e-5 else seconds
    day = int(moment // 1)
    if kind == "time":
        seconds = min(seconds, _DAY - 1e-6)
        return (datetime.datetime.min + datetime.timedelta(seconds=seconds)).time()
    if not 1 <= day <= LAST or day == 60:
        return number
    try:
        return datetime.datetime(*parts(float(day))) + datetime.timedelta(seconds=seconds)
    except (ValueError, OverflowError):
        return number

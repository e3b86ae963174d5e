"""How securities count days: the five bases, parts of a year, and the dates of coupons.

Bases: 0 months of 30 days as in the USA, 1 actual days over the actual year, 2 actual days over 360, 3 actual days
over 365, 4 months of 30 days as in Europe. Days are whole numbers of the 1900 system.
"""

from __future__ import annotations

import calendar

from sheetprop.engine.grid.dates import LAST, parts, serial
from sheetprop.engine.grid.values import NUM, SHIFT_1904, Raised
from sheetprop.engine.scope.context import Context


def day_of(context: Context, number: float) -> int:
    """Return the day that a date of the workbook means; one outside the calendar is #NUM!."""
    day = int(number) + (SHIFT_1904 if context.space.contents.date1904 else 0)
    if number < 0 or not 0 <= day <= LAST:
        raise Raised(NUM)
    return day


def between(context: Context, first: float, last: float) -> tuple[int, int]:
    """Return two days of the workbook."""
    return day_of(context, first), day_of(context, last)


def to_number(context: Context, day: int) -> float:
    """Return a day as a date of the workbook."""
    return float(day - (SHIFT_1904 if context.space.contents.date1904 else 0))


def _ends_february(year: int, month: int, day: int) -> bool:
    return month == 2 and day == calendar.monthrange(year, 2)[1]


def days_30(first: int, last: int, european: bool) -> int:
    """Return the days between two dates in months of 30 days."""
    y1, m1, d1 = parts(first)
    y2, m2, d2 = parts(last)
    if european:
        d1, d2 = min(d1, 30), min(d2, 30)
    else:
        if _ends_february(y1, m1, d1):
            if _ends_february(y2, m2, d2):
                d2 = 30
            d1 = 30
        if d2 == 31 and d1 >= 30:
            d2 = 30
        d1 = min(d1, 30)
    return (y2 - y1) * 360 + (m2 - m1) * 30 + d2 - d1


def days(first: int, last: int, basis: int) -> int:
    """Return the days between two dates as a basis counts them."""
    return days_30(first, last, basis == 4) if basis in (0, 4) else last - first


def _leap_day_within(first: int, last: int) -> bool:
    for year in range(parts(first)[0], parts(last)[0] + 1):
        if calendar.isleap(year) and first <= serial(year, 2, 29) <= last:
            return True
    return False


def year_length(first: int, last: int, basis: int) -> float:
    """Return the days of the year that a stretch of days is divided by."""
    if basis in (0, 2, 4):
        return 360.0
    if basis == 3:
        return 365.0
    y1, m1, d1 = parts(first)
    y2, m2, d2 = parts(last)
    if y1 == y2:
        return 366.0 if calendar.isleap(y1) else 365.0
    if y2 == y1 + 1 and (m2, d2) <= (m1, d1):
        return 366.0 if _leap_day_within(first, last) else 365.0
    return (serial(y2 + 1, 1, 1) - serial(y1, 1, 1)) / (y2 - y1 + 1) if y2 < 9999 else 365.25


def year_fraction(first: int, last: int, basis: int) -> float:
    """Return the part of a year between two days: YEARFRAC."""
    return days(first, last, basis) / year_length(first, last, basis)


def moved(day: int, months: int, end: bool) -> int:
    """Return the day some months later (earlier where negative); `end` asks for the month's last day."""
    year, month, at = parts(day)
    year, month = divmod(year * 12 + month - 1 + months, 12)
    if not 1900 <= year <= 9999:
        raise Raised(NUM)
    last = calendar.monthrange(year, month + 1)[1]
    try:
        return int(serial(year, month + 1, last if end else min(at, last)))
    except ValueError:
        raise Raised(NUM) from None


def ends_month(day: int) -> bool:
    """Say whether a day is the last one of its month."""
    year, month, at = parts(day)
    return at == calendar.monthrange(year, month)[1]


class Coupons:
    """The coupon dates around a settlement, counted back from maturity.

    Attributes:
        before: the coupon date on or before settlement.
        after: the one after it.
        count: the coupons that are paid after settlement.
    """

    __slots__ = ("after", "basis", "before", "count", "frequency", "settlement")

    def __init__(self, settlement: int, maturity: int, frequency: int, basis: int) -> None:
        self.settlement, self.frequency, self.basis = settlement, frequency, basis
        step, end = 12 // frequency, ends_month(maturity)
        years = parts(maturity)[0] - parts(settlement)[0]
        back = max((years - 1) * frequency, 0)
        while moved(maturity, -(back + 1) * step, end) > settlement:
            back += 1
        self.after = moved(maturity, -back * step, end)
        self.before = moved(maturity, -(back + 1) * step, end)
        self.count = back + 1

    def length(self) -> float:
        """Return the days of the coupon period that holds settlement."""
        if self.basis == 1:
            return float(self.after - self.before)
        return (365.0 if self.basis == 3 else 360.0) / self.frequency

    def passed(self) -> float:
        """Return the days from the beginning of the period to settlement."""
        return float(days(self.before, self.settlement, self.basis))

    def left(self) -> float:
        """Return the days from settlement to the next coupon."""
        if self.basis in (0, 4):
            return self.length() - self.passed()
        return float(self.after - self.settlement)


def checked(settlement: int, maturity: int, frequency: float, basis: float) -> tuple[int, int]:
    """Return frequency and basis as whole numbers; what cannot be is #NUM!."""
    times, way = int(frequency), int(basis)
    if settlement >= maturity or times not in (1, 2, 4) or not 0 <= way <= 4:
        raise Raised(NUM)
    return times, way

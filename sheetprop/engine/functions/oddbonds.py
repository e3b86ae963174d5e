"""Bonds whose first or last coupon period is shorter or longer than the others."""

from __future__ import annotations

import math

from sheetprop.engine.functions import function
from sheetprop.engine.functions.bonds import root_of
from sheetprop.engine.functions.daycount import between, checked, day_of, days, ends_month, moved
from sheetprop.engine.grid.values import NUM, Raised, finite
from sheetprop.engine.scope.context import Context


class _Quasi:
    """Coupon periods as they would be, counted from a coupon date in steps of equal months."""

    def __init__(self, anchor: int, frequency: int, basis: int) -> None:
        self.anchor, self.frequency, self.basis = anchor, frequency, basis
        self.end = ends_month(anchor)

    def date(self, at: int) -> int:
        """Return the coupon date `at` periods after the anchor."""
        return moved(self.anchor, at * (12 // self.frequency), self.end)

    def periods(self, first: int, last: int) -> list[tuple[int, int]]:
        """Return the periods that lie between two days, or hold one of them, in order."""
        at = 0
        while self.date(at) > first:
            at -= 1
        while self.date(at + 1) <= first:
            at += 1
        found: list[tuple[int, int]] = []
        while self.date(at) < last:
            found.append((self.date(at), self.date(at + 1)))
            at += 1
        return found

    def length(self, low: int, high: int) -> float:
        """Return the days of a period."""
        if self.basis == 1:
            return float(high - low)
        return (365.0 if self.basis == 3 else 360.0) / self.frequency

    def shares(self, first: int, last: int) -> float:
        """Return the stretch between two days in periods."""
        return sum(1.0 if first <= low and high <= last else
                   days(max(low, first), min(high, last), self.basis) / self.length(low, high)
                   for low, high in self.periods(first, last))


class _First:
    """A bond with an odd first period."""

    def __init__(self, context: Context, settlement: float, maturity: float, issue: float, first_coupon: float,
                 frequency: float, basis: float) -> None:
        day, last = between(context, settlement, maturity)
        begin, first = between(context, issue, first_coupon)
        self.frequency, way = checked(day, last, frequency, basis)
        if not begin < day < first < last:
            raise Raised(NUM)
        quasi = _Quasi(first, self.frequency, way)
        ahead = quasi.periods(day, first)
        low, high = ahead[0]
        length = quasi.length(low, high)
        passed = days(low, day, way)
        left = length - passed if way in (0, 4) else float(high - day)
        self.until_first = len(ahead) - 1 + left / length
        self.first_share, self.accrued = quasi.shares(begin, first), quasi.shares(begin, day)
        self.after = len(_Quasi(last, self.frequency, way).periods(first, last))

    def price(self, rate: float, rate_of_return: float, redemption: float) -> float:
        """Return the price per 100 without the accrued interest."""
        coupon, base = 100.0 * rate / self.frequency, 1.0 + rate_of_return / self.frequency
        price = redemption / math.pow(base, self.after + self.until_first)
        price += coupon * self.first_share / math.pow(base, self.until_first)
        for at in range(1, self.after + 1):
            price += coupon / math.pow(base, at + self.until_first)
        return price - coupon * self.accrued


@function("ODDFPRICE", "mmmmmmmm|m", context=True)
def oddfprice(context: Context, settlement: float, maturity: float, issue: float, first_coupon: float, rate: float,
              rate_of_return: float, redemption: float, frequency: float, basis: float = 0.0) -> float:
    bond = _First(context, settlement, maturity, issue, first_coupon, frequency, basis)
    if rate < 0 or rate_of_return < 0 or redemption <= 0:
        raise Raised(NUM)
    return finite(bond.price(rate, rate_of_return, redemption))


@function("ODDFYIELD", "mmmmmmmm|m", context=True)
def oddfyield(context: Context, settlement: float, maturity: float, issue: float, first_coupon: float, rate: float,
              paid: float, redemption: float, frequency: float, basis: float = 0.0) -> float:
    bond = _First(context, settlement, maturity, issue, first_coupon, frequency, basis)
    if rate < 0 or paid <= 0 or redemption <= 0:
        raise Raised(NUM)
    return root_of(lambda at: bond.price(rate, at, redemption) - paid, -bond.frequency * 0.999, rate or 0.1)


def _last(context: Context, settlement: float, maturity: float, last_interest: float, frequency: float,
          basis: float) -> tuple[int, float, float, float]:
    """Return the frequency and, in periods, the whole odd stretch, what has passed of it and what is left."""
    day, last = between(context, settlement, maturity)
    begin = day_of(context, last_interest)
    times, way = checked(day, last, frequency, basis)
    if begin >= day:
        raise Raised(NUM)
    quasi = _Quasi(begin, times, way)
    return times, quasi.shares(begin, last), quasi.shares(begin, day), quasi.shares(day, last)


@function("ODDLPRICE", "mmmmmmm|m", context=True)
def oddlprice(context: Context, settlement: float, maturity: float, last_interest: float, rate: float,
              rate_of_return: float, redemption: float, frequency: float, basis: float = 0.0) -> float:
    times, whole, passed, left = _last(context, settlement, maturity, last_interest, frequency, basis)
    if rate < 0 or rate_of_return < 0 or redemption <= 0:
        raise Raised(NUM)
    coupon = 100.0 * rate / times
    return (redemption + whole * coupon) / (1.0 + left * rate_of_return / times) - passed * coupon


@function("ODDLYIELD", "mmmmmmm|m", context=True)
def oddlyield(context: Context, settlement: float, maturity: float, last_interest: float, rate: float, paid: float,
              redemption: float, frequency: float, basis: float = 0.0) -> float:
    times, whole, passed, left = _last(context, settlement, maturity, last_interest, frequency, basis)
    if rate < 0 or paid <= 0 or redemption <= 0:
        raise Raised(NUM)
    coupon = 100.0 * rate / times
    worth = paid + passed * coupon
    return (redemption + whole * coupon - worth) / worth * times / left

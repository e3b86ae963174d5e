"""Securities with coupons: prices, yields, durations and accrued interest."""

from __future__ import annotations

import math

from sheetprop.engine.functions import function
from sheetprop.engine.functions.coupons import coupons
from sheetprop.engine.functions.daycount import Coupons, between, day_of, days, ends_month, moved, year_fraction
from sheetprop.engine.grid.values import NUM, Raised, finite
from sheetprop.engine.scope.context import Context


def clean_price(found: Coupons, rate: float, rate_of_return: float, redemption: float) -> float:
    """Return the price per 100 of a bond without the accrued interest."""
    coupon, times = 100.0 * rate / found.frequency, found.frequency
    share = 1.0 - found.passed() / found.length()
    accrued = coupon * found.passed() / found.length()
    base = 1.0 + rate_of_return / times
    if found.count == 1:
        return (redemption + coupon) / (1.0 + share * rate_of_return / times) - accrued
    price = redemption / math.pow(base, found.count - 1 + share)
    for at in range(found.count):
        price += coupon / math.pow(base, at + share)
    return price - accrued


@function("PRICE", "mmmmmm|m", context=True)
def price(context: Context, settlement: float, maturity: float, rate: float, rate_of_return: float, redemption: float,
          frequency: float, basis: float = 0.0) -> float:
    found = coupons(context, settlement, maturity, frequency, basis)
    if rate < 0 or rate_of_return < 0 or redemption <= 0:
        raise Raised(NUM)
    return finite(clean_price(found, rate, rate_of_return, redemption))


@function("YIELD", "mmmmmm|m", context=True)
def yield_of(context: Context, settlement: float, maturity: float, rate: float, paid: float, redemption: float,
             frequency: float, basis: float = 0.0) -> float:
    found = coupons(context, settlement, maturity, frequency, basis)
    if rate < 0 or paid <= 0 or redemption <= 0:
        raise Raised(NUM)
    if found.count == 1:
        coupon = rate / found.frequency
        worth = paid / 100.0 + found.passed() / found.length() * coupon
        gain = redemption / 100.0 + coupon - worth
        return gain / worth * found.frequency / (1.0 - found.passed() / found.length())
    return root_of(lambda at: clean_price(found, rate, at, redemption) - paid, -found.frequency * 0.999, rate or 0.1)


def root_of(value: object, lowest: float, guess: float) -> float:
    """Return where a falling function of a yield is 0, from a bracket that is widened first."""
    low, high = lowest, max(guess, 0.1)
    for _ in range(60):
        if value(high) < 0.0:  # type: ignore[operator]
            break
        high *= 2.0
    else:
        raise Raised(NUM)
    if high > 0.0 and value(0.0) > 0.0:  # type: ignore[operator]
        low = 0.0
    for _ in range(200):
        middle = (low + high) / 2.0
        if middle in (low, high):
            break
        if value(middle) > 0.0:  # type: ignore[operator]
            low = middle
        else:
            high = middle
    return (low + high) / 2.0


@function("DURATION", "mmmmm|m", context=True)
def duration(context: Context, settlement: float, maturity: float, rate: float, rate_of_return: float,
             frequency: float, basis: float = 0.0) -> float:
    found = coupons(context, settlement, maturity, frequency, basis)
    if rate < 0 or rate_of_return < 0:
        raise Raised(NUM)
    coupon, base = 100.0 * rate / found.frequency, 1.0 + rate_of_return / found.frequency
    share = 1.0 - found.passed() / found.length()
    worth = weighted = 0.0
    for at in range(found.count):
        time = at + share
        part = (coupon + (100.0 if at == found.count - 1 else 0.0)) / math.pow(base, time)
        worth += part
        weighted += part * time
    return weighted / worth / found.frequency


@function("MDURATION", "mmmmm|m", context=True)
def mduration(context: Context, settlement: float, maturity: float, rate: float, rate_of_return: float,
              frequency: float, basis: float = 0.0) -> float:
    years: float = duration(context, settlement, maturity, rate, rate_of_return, frequency, basis)
    return years / (1.0 + rate_of_return / int(frequency))


@function("ACCRINTM", "mmm|mm", context=True)
def accrintm(context: Context, issue: float, settlement: float, rate: float, par: float = 1000.0,
             basis: float = 0.0) -> float:
    first, last = between(context, issue, settlement)
    if rate <= 0 or par <= 0 or not 0 <= int(basis) <= 4 or first >= last:
        raise Raised(NUM)
    return par * rate * year_fraction(first, last, int(basis))


@function("ACCRINT", "mmmmmm|mb", context=True)
def accrint(context: Context, issue: float, first_interest: float, settlement: float, rate: float, par: float,
            frequency: float, basis: float = 0.0, whole: bool = True) -> float:
    """Return the interest from issue to settlement, as Excel's own files show it.

    What counts is the coupon period that ends at the first interest. Settlement is measured from its beginning, in
    its days (negative where it lies before); an issue before it adds the rest of its own period and, unless `whole`
    is false, the whole periods between.
    """
    times, way = int(frequency), int(basis)
    begin, last = between(context, issue, settlement)
    first = day_of(context, first_interest)
    if rate <= 0 or par <= 0 or times not in (1, 2, 4) or not 0 <= way <= 4 or begin >= last:
        raise Raised(NUM)
    step, end = 12 // times, ends_month(first)

    def length(low: int, high: int) -> float:
        return float(high - low) if way == 1 else (365.0 if way == 3 else 360.0) / times

    start = moved(first, -step, end)
    main = length(start, first)
    shares = 0.0
    if begin < start:
        back = 1
        while moved(first, -(back + 1) * step, end) >= begin:
            back += 1
        coupon = moved(first, -back * step, end)
        if coupon > begin:
            shares += days(begin, coupon, way) / length(moved(first, -(back + 1) * step, end), coupon)
        shares += back - 1 if whole else 0
        begin = start
    else:
        start = begin
    if last <= first or not whole:
        return par * rate / times * (shares + days(start, last, way) / main)
    shares += 1.0 if begin == moved(first, -step, end) else days(begin, first, way) / main
    later = 0
    while moved(first, (later + 1) * step, end) < last:
        later += 1
    return par * rate / times * (shares + later + days(moved(first, later * step, end), last, way) / main)

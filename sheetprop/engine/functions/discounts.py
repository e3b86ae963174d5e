"""Securities that pay once, at maturity: discounted ones, treasury bills, interest at maturity."""

from __future__ import annotations

import math

from sheetprop.engine.functions import function
from sheetprop.engine.functions.daycount import between, day_of, moved, year_fraction
from sheetprop.engine.grid.values import NUM, Raised
from sheetprop.engine.scope.context import Context


def _years(context: Context, settlement: float, maturity: float, basis: float) -> float:
    first, last = between(context, settlement, maturity)
    if first >= last or not 0 <= int(basis) <= 4:
        raise Raised(NUM)
    return year_fraction(first, last, int(basis))


def _positive(*numbers: float) -> None:
    if min(numbers) <= 0:
        raise Raised(NUM)


@function("DISC", "mmmm|m", context=True)
def disc(context: Context, settlement: float, maturity: float, paid: float, redemption: float,
         basis: float = 0.0) -> float:
    _positive(paid, redemption)
    return (redemption - paid) / redemption / _years(context, settlement, maturity, basis)


@function("INTRATE", "mmmm|m", context=True)
def intrate(context: Context, settlement: float, maturity: float, invested: float, redemption: float,
            basis: float = 0.0) -> float:
    _positive(invested, redemption)
    return (redemption - invested) / invested / _years(context, settlement, maturity, basis)


@function("RECEIVED", "mmmm|m", context=True)
def received(context: Context, settlement: float, maturity: float, invested: float, discount: float,
             basis: float = 0.0) -> float:
    _positive(invested, discount)
    rest = 1.0 - discount * _years(context, settlement, maturity, basis)
    if rest <= 0:
        raise Raised(NUM)
    return invested / rest


@function("PRICEDISC", "mmmm|m", context=True)
def pricedisc(context: Context, settlement: float, maturity: float, discount: float, redemption: float,
              basis: float = 0.0) -> float:
    _positive(discount, redemption)
    return redemption - discount * redemption * _years(context, settlement, maturity, basis)


@function("YIELDDISC", "mmmm|m", context=True)
def yielddisc(context: Context, settlement: float, maturity: float, paid: float, redemption: float,
              basis: float = 0.0) -> float:
    _positive(paid, redemption)
    return (redemption - paid) / paid / _years(context, settlement, maturity, basis)


def _issued(context: Context, settlement: float, maturity: float, issue: float,
            basis: float) -> tuple[float, float, float]:
    """Return the parts of a year from issue to maturity, from issue to settlement, and from settlement to maturity."""
    first, last = between(context, settlement, maturity)
    begin, way = day_of(context, issue), int(basis)
    if first >= last or begin > first or not 0 <= way <= 4:
        raise Raised(NUM)
    return year_fraction(begin, last, way), year_fraction(begin, first, way), year_fraction(first, last, way)


@function("PRICEMAT", "mmmmm|m", context=True)
def pricemat(context: Context, settlement: float, maturity: float, issue: float, rate: float, rate_of_return: float,
             basis: float = 0.0) -> float:
    if rate < 0 or rate_of_return < 0:
        raise Raised(NUM)
    whole, passed, left = _issued(context, settlement, maturity, issue, basis)
    return (100.0 + whole * rate * 100.0) / (1.0 + left * rate_of_return) - passed * rate * 100.0


@function("YIELDMAT", "mmmmm|m", context=True)
def yieldmat(context: Context, settlement: float, maturity: float, issue: float, rate: float, paid: float,
             basis: float = 0.0) -> float:
    if rate < 0 or paid <= 0:
        raise Raised(NUM)
    whole, passed, left = _issued(context, settlement, maturity, issue, basis)
    return ((1.0 + whole * rate) / (paid / 100.0 + passed * rate) - 1.0) / left


def _bill(context: Context, settlement: float, maturity: float, number: float) -> int:
    """Return the days of a treasury bill, which runs for a year at most."""
    first, last = between(context, settlement, maturity)
    if number <= 0 or first >= last or last > moved(first, 12, False):
        raise Raised(NUM)
    return last - first


@function("TBILLEQ", "mmm", context=True)
def tbilleq(context: Context, settlement: float, maturity: float, discount: float) -> float:
    span = _bill(context, settlement, maturity, discount)
    if span <= 182:
        return 365.0 * discount / (360.0 - discount * span)
    price = 1.0 - discount * span / 360.0
    if price <= 0:
        raise Raised(NUM)
    years = span / (366.0 if span == 366 else 365.0)
    root = math.sqrt(years * years - (2.0 * years - 1.0) * (1.0 - 1.0 / price))
    return 2.0 * (root - years) / (2.0 * years - 1.0)


@function("TBILLPRICE", "mmm", context=True)
def tbillprice(context: Context, settlement: float, maturity: float, discount: float) -> float:
    price = 100.0 * (1.0 - discount * _bill(context, settlement, maturity, discount) / 360.0)
    if price < 0:
        raise Raised(NUM)
    return price


@function("TBILLYIELD", "mmm", context=True)
def tbillyield(context: Context, settlement: float, maturity: float, paid: float) -> float:
    span = _bill(context, settlement, maturity, paid)
    return (100.0 - paid) / paid * 360.0 / span

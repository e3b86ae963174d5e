"""Loans and savings with equal payments: PMT and its kin, interest and principal, rates of interest."""

from __future__ import annotations

import math

from sheetprop.engine.functions import function
from sheetprop.engine.grid.operands import Array, Operand, Ref
from sheetprop.engine.grid.values import DIV0, NUM, VALUE, ExcelError, Raised, finite, power


def _growth(rate: float, periods: float) -> float:
    return 1.0 if periods == 0.0 else power(1.0 + rate, periods)


@function("PMT", "nnn|nn")
def pmt(rate: float, periods: float, present: float, future: float = 0.0, early: float = 0.0) -> float:
    if periods == 0 or rate <= -1.0:
        raise Raised(NUM)
    if rate == 0:
        return -(present + future) / periods
    growth = _growth(rate, periods)
    return finite(-rate * (present * growth + future) / ((1.0 + rate * (1.0 if early else 0.0)) * (growth - 1.0)))


@function("FV", "nnn|nn")
def fv(rate: float, periods: float, payment: float, present: float = 0.0, early: float = 0.0) -> float:
    if rate == 0:
        return -(present + payment * periods)
    growth = _growth(rate, periods)
    return finite(-(present * growth + payment * (1.0 + rate * (1.0 if early else 0.0)) * (growth - 1.0) / rate))


@function("PV", "nnn|nn")
def pv(rate: float, periods: float, payment: float, future: float = 0.0, early: float = 0.0) -> float:
    if rate == 0:
        return -(future + payment * periods)
    growth = _growth(rate, periods)
    if growth == 0.0:
        raise Raised(NUM)
    return finite(-(future + payment * (1.0 + rate * (1.0 if early else 0.0)) * (growth - 1.0) / rate) / growth)


@function("NPER", "nnn|nn")
def nper(rate: float, payment: float, present: float, future: float = 0.0, early: float = 0.0) -> float:
    if rate == 0:
        if payment == 0:
            raise Raised(NUM)
        return -(present + future) / payment
    if rate <= -1.0:
        raise Raised(NUM)
    due = payment * (1.0 + rate * (1.0 if early else 0.0))
    above, below = due - future * rate, due + present * rate
    if below == 0.0 or above / below <= 0.0:
        raise Raised(NUM)
    return finite(math.log(above / below) / math.log(1.0 + rate))


@function("IPMT", "nnnn|nn")
def ipmt(rate: float, period: float, periods: float, present: float, future: float = 0.0, early: float = 0.0) -> float:
    """Return the interest in the payment of a period; all of a payment made at once is principal."""
    if period < 1 or period >= periods + 1:
        raise Raised(NUM)
    payment: float = pmt(rate, periods, present, future, early)
    if early:
        if period == 1:
            return 0.0
        owed: float = fv(rate, period - 2.0, payment, present, 1.0) - payment
    else:
        owed = fv(rate, period - 1.0, payment, present, 0.0)
    return finite(owed * rate)


@function("PPMT", "nnnn|nn")
def ppmt(rate: float, period: float, periods: float, present: float, future: float = 0.0, early: float = 0.0) -> float:
    interest: float = ipmt(rate, period, periods, present, future, early)
    return pmt(rate, periods, present, future, early) - interest  # type: ignore[no-any-return]


@function("ISPMT", "nnnn")
def ispmt(rate: float, period: float, periods: float, present: float) -> float:
    if periods == 0:
        raise Raised(DIV0)
    return present * rate * (period / periods - 1.0)


def _sums(rate: float, periods: float, present: float, start: float, end: float, early: float) -> tuple[float, float]:
    """Return interest and payments of all periods from `start` to `end`."""
    first, last = math.ceil(start), math.floor(end)
    if rate <= 0 or periods <= 0 or present <= 0 or start < 1 or end < start or end > periods or early not in (0, 1):
        raise Raised(NUM)
    payment: float = pmt(rate, periods, present, 0.0, early)
    interest = 0.0
    for period in range(first, last + 1):
        interest += ipmt(rate, float(period), periods, present, 0.0, early)
    return interest, payment * (last - first + 1)


@function("CUMIPMT", "mmmmmm")
def cumipmt(rate: float, periods: float, present: float, start: float, end: float, early: float) -> float:
    return _sums(rate, periods, present, start, end, early)[0]


@function("CUMPRINC", "mmmmmm")
def cumprinc(rate: float, periods: float, present: float, start: float, end: float, early: float) -> float:
    interest, paid = _sums(rate, periods, present, start, end, early)
    return paid - interest


@function("RATE", "nnn|nnn")
def rate_of(periods: float, payment: float, present: float, future: float = 0.0, early: float = 0.0,
            guess: float = 0.1) -> float:
    """Return the rate at which payments and amounts balance, from a guess by Newton's method.

    As in Excel the search gives up (#NUM!) where it has not settled after a number of steps.
    """
    if periods <= 0 or guess <= -1.0:
        raise Raised(NUM)
    due = 1.0 if early else 0.0

    def balance(rate: float) -> float:
        if abs(rate) < 1e-11:
            return present + payment * periods + future
        growth = math.pow(1.0 + rate, periods)
        return present * growth + payment * (1.0 + rate * due) * (growth - 1.0) / rate + future

    def slope(rate: float) -> float:
        if abs(rate) < 1e-7:
            step = 1e-6
            return (balance(rate + step) - balance(rate - step)) / (2.0 * step)
        growth = math.pow(1.0 + rate, periods)
        steeper = periods * math.pow(1.0 + rate, periods - 1.0)
        return (present * steeper + payment * due * (growth - 1.0) / rate
                + payment * (1.0 + rate * due) * (steeper / rate - (growth - 1.0) / (rate * rate)))

    rate = guess
    try:
        for _ in range(40):
            steep = slope(rate)
            if steep == 0.0:
                raise Raised(NUM)
            change = balance(rate) / steep
            rate -= change
            if rate <= -1.0:
                raise Raised(NUM)
            if abs(change) < 1e-12 * max(1.0, abs(rate)):
                return finite(rate)
    except (OverflowError, ZeroDivisionError, ValueError):
        pass
    raise Raised(NUM)


@function("RRI", "nnn")
def rri(periods: float, present: float, future: float) -> float:
    if periods <= 0 or present == 0 or future / present < 0:
        raise Raised(NUM)
    return finite(math.pow(future / present, 1.0 / periods) - 1.0)


@function("PDURATION", "nnn")
def pduration(rate: float, present: float, future: float) -> float:
    if rate <= 0 or present <= 0 or future <= 0:
        raise Raised(NUM)
    return finite((math.log(future) - math.log(present)) / math.log(1.0 + rate))


@function("EFFECT", "mm")
def effect(rate: float, times: float) -> float:
    count = int(times)
    if rate <= 0 or count < 1:
        raise Raised(NUM)
    return power(1.0 + rate / count, float(count)) - 1.0


@function("NOMINAL", "mm")
def nominal(rate: float, times: float) -> float:
    count = int(times)
    if rate <= 0 or count < 1:
        raise Raised(NUM)
    return count * (power(1.0 + rate, 1.0 / count) - 1.0)


@function("FVSCHEDULE", "mr")
def fvschedule(present: float, rates: Operand) -> float:
    result = present
    for rate in rates.flat() if isinstance(rates, Ref | Array) else [rates]:
        if type(rate) is ExcelError:
            raise Raised(rate)
        if type(rate) is not float:
            raise Raised(VALUE)
        result *= 1.0 + rate
    return finite(result)


def _denominator(fraction: float) -> int:
    whole = math.trunc(fraction)
    if whole < 0:
        raise Raised(NUM)
    if whole == 0:
        raise Raised(DIV0)
    return whole


@function("DOLLARDE", "mm")
def dollarde(price: float, fraction: float) -> float:
    below = _denominator(fraction)
    whole = math.trunc(price)
    return whole + (price - whole) * 10.0 ** math.ceil(math.log10(below)) / below


@function("DOLLARFR", "mm")
def dollarfr(price: float, fraction: float) -> float:
    below = _denominator(fraction)
    whole = math.trunc(price)
    return whole + (price - whole) * below / 10.0 ** math.ceil(math.log10(below))

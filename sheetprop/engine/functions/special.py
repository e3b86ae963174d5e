"""Special functions of engineering: error, gamma and Bessel functions, and steps."""

from __future__ import annotations

import math

from sheetprop.engine.functions import function
from sheetprop.engine.grid.values import NUM, Raised, finite


@function("GAMMALN GAMMALN.PRECISE", "n")
def gammaln(number: float) -> float:
    if number <= 0:
        raise Raised(NUM)
    return math.lgamma(number)


@function("GAMMA", "n")
def gamma(number: float) -> float:
    try:
        return finite(math.gamma(number))
    except (ValueError, OverflowError):
        raise Raised(NUM) from None


@function("ERF", "m|m")
def erf(low: float, high: float | None = None) -> float:
    return math.erf(low) if high is None else math.erf(high) - math.erf(low)


@function("ERF.PRECISE", "m")
def erf_precise(number: float) -> float:
    return math.erf(number)


@function("ERFC ERFC.PRECISE", "m")
def erfc(number: float) -> float:
    return math.erfc(number)


@function("DELTA", "m|m")
def delta(first: float, second: float = 0.0) -> float:
    return float(first == second)


@function("GESTEP", "m|m")
def gestep(number: float, step: float = 0.0) -> float:
    return float(number >= step)


def _order(number: float) -> int:
    if not 0 <= number < 2**31:
        raise Raised(NUM)
    return int(number)


@function("BESSELI", "mm")
def besseli(number: float, order: float) -> float:
    from scipy.special import iv

    return finite(float(iv(_order(order), number)))


@function("BESSELJ", "mm")
def besselj(number: float, order: float) -> float:
    from scipy.special import jv

    return finite(float(jv(_order(order), number)))


@function("BESSELK", "mm")
def besselk(number: float, order: float) -> float:
    if number <= 0:
        raise Raised(NUM)
    from scipy.special import kn

    return finite(float(kn(_order(order), number)))


@function("BESSELY", "mm")
def bessely(number: float, order: float) -> float:
    if number <= 0:
        raise Raised(NUM)
    from scipy.special import yn

    return finite(float(yn(_order(order), number)))

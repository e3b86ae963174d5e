"""Coupons: their dates, their number, and the days around a settlement."""

from __future__ import annotations

from sheetprop.engine.functions import function
from sheetprop.engine.functions.daycount import Coupons, between, checked, to_number
from sheetprop.engine.scope.context import Context


def coupons(context: Context, settlement: float, maturity: float, frequency: float, basis: float) -> Coupons:
    """Return the coupons of a security of the workbook."""
    first, last = between(context, settlement, maturity)
    return Coupons(first, last, *checked(first, last, frequency, basis))


@function("COUPPCD", "mmm|m", context=True)
def couppcd(context: Context, settlement: float, maturity: float, frequency: float, basis: float = 0.0) -> float:
    return to_number(context, coupons(context, settlement, maturity, frequency, basis).before)


@function("COUPNCD", "mmm|m", context=True)
def coupncd(context: Context, settlement: float, maturity: float, frequency: float, basis: float = 0.0) -> float:
    return to_number(context, coupons(context, settlement, maturity, frequency, basis).after)


@function("COUPNUM", "mmm|m", context=True)
def coupnum(context: Context, settlement: float, maturity: float, frequency: float, basis: float = 0.0) -> float:
    return float(coupons(context, settlement, maturity, frequency, basis).count)


@function("COUPDAYS", "mmm|m", context=True)
def coupdays(context: Context, settlement: float, maturity: float, frequency: float, basis: float = 0.0) -> float:
    return coupons(context, settlement, maturity, frequency, basis).length()


@function("COUPDAYBS", "mmm|m", context=True)
def coupdaybs(context: Context, settlement: float, maturity: float, frequency: float, basis: float = 0.0) -> float:
    return coupons(context, settlement, maturity, frequency, basis).passed()


@function("COUPDAYSNC", "mmm|m", context=True)
def coupdaysnc(context: Context, settlement: float, maturity: float, frequency: float, basis: float = 0.0) -> float:
    return coupons(context, settlement, maturity, frequency, basis).left()

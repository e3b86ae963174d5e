"""Depreciation: the straight line, the sum of digits, declining balances, and the French accounting rules."""

from __future__ import annotations

import math

from sheetprop.engine.functions import function
from sheetprop.engine.functions.daycount import between, year_fraction
from sheetprop.engine.functions.rounding import rounded
from sheetprop.engine.grid.values import DIV0, NUM, Raised, finite
from sheetprop.engine.scope.context import Context


@function("SLN", "nnn")
def sln(cost: float, salvage: float, life: float) -> float:
    if life == 0:
        raise Raised(DIV0)
    return (cost - salvage) / life


@function("SYD", "nnnn")
def syd(cost: float, salvage: float, life: float, period: float) -> float:
    if life <= 0 or period <= 0 or period > life or salvage < 0:
        raise Raised(NUM)
    return (cost - salvage) * (life - period + 1.0) * 2.0 / (life * (life + 1.0))


@function("DB", "nnnn|n")
def db(cost: float, salvage: float, life: float, period: float, month: float = 12.0) -> float:
    """Return the depreciation of a period at a fixed rate, which is rounded to three places."""
    months, at = int(month), int(period)
    if cost < 0 or salvage < 0 or life <= 0 or at < 1 or not 1 <= months <= 12:
        raise Raised(NUM)
    if at > math.floor(life) + (1 if months < 12 else 0):
        raise Raised(NUM)
    if cost == 0:
        return 0.0
    rate = rounded(1.0 - (salvage / cost) ** (1.0 / life), 3.0, "half")
    taken = cost * rate * months / 12.0
    if at == 1:
        return taken
    value = 0.0
    for year in range(2, at + 1):
        value = (cost - taken) * rate
        if year == math.floor(life) + 1:
            value *= (12.0 - months) / 12.0
        taken += value
    return value


@function("DDB", "nnnn|n")
def ddb(cost: float, salvage: float, life: float, period: float, factor: float = 2.0) -> float:
    if cost < 0 or salvage < 0 or life <= 0 or period <= 0 or period > life or factor <= 0:
        raise Raised(NUM)
    return _declining(cost, salvage, life, period, factor)


def _declining(cost: float, salvage: float, life: float, period: float, factor: float) -> float:
    if factor / life >= 1.0:
        rate, before = 1.0, cost if period == 1.0 else 0.0
    else:
        rate = factor / life
        before = cost * (1.0 - rate) ** (period - 1.0)
    after = cost * (1.0 - rate) ** period if rate < 1.0 else 0.0
    return max(before - max(after, salvage), 0.0)


@function("VDB", "nnnnn|nb")
def vdb(cost: float, salvage: float, life: float, start: float, end: float, factor: float = 2.0,
        no_switch: bool = False) -> float:
    """Return the depreciation between two moments, going over to the straight line where that takes more."""
    if cost < 0 or salvage < 0 or life <= 0 or start < 0 or end < start or start > life or end > life or factor < 0:
        raise Raised(NUM)
    if start == end:
        return 0.0
    if salvage > cost:
        return cost - salvage if start < 1.0 else 0.0
    total, value = 0.0, cost
    for year in range(math.ceil(end)):
        part = max(min(value * factor / life, value - salvage), 0.0)
        if not no_switch and life > year:
            part = max(part, (value - salvage) / (life - year))
        total += part * max(min(end, year + 1.0) - max(start, float(year)), 0.0)
        value -= part
    return finite(total)


def _first_year(context: Context, cost: float, bought: float, first: float, salvage: float, period: float, rate: float,
                basis: float) -> float:
    if basis == 2 or not 0 <= int(basis) <= 4 or rate <= 0 or cost <= 0 or salvage < 0 or period < 0 or cost < salvage:
        raise Raised(NUM)
    if bought > first:
        raise Raised(NUM)
    return year_fraction(*between(context, bought, first), int(basis))


@function("AMORLINC", "mmmmmm|m", context=True)
def amorlinc(context: Context, cost: float, bought: float, first: float, salvage: float, period: float, rate: float,
             basis: float = 0.0) -> float:
    share = _first_year(context, cost, bought, first, salvage, period, rate, basis)
    yearly, begin, span = cost * rate, share * rate * cost, cost - salvage
    at = int(period)
    whole = int((span - begin) / yearly)
    if at == 0:
        return min(begin, span)
    if at <= whole:
        return yearly
    return max(span - yearly * whole - begin, 0.0) if at == whole + 1 else 0.0


@function("AMORDEGRC", "mmmmmm|m", context=True)
def amordegrc(context: Context, cost: float, bought: float, first: float, salvage: float, period: float, rate: float,
              basis: float = 0.0) -> float:
    share = _first_year(context, cost, bought, first, salvage, period, rate, basis)
    life = 1.0 / rate
    if life < 3.0 or 4.0 < life < 5.0:
        raise Raised(NUM)
    faster = rate * (1.5 if life <= 4.0 else 2.0 if life <= 6.0 else 2.5)
    at = int(period)
    part = float(math.floor(share * faster * cost + 0.5))
    value, rest = cost - part, cost - part - salvage
    for year in range(at):
        part = float(math.floor(faster * value + 0.5))
        rest -= part
        if rest < 0.0:
            return float(math.floor(value * 0.5 + 0.5)) if at - year <= 1 else 0.0
        value -= part
    return part

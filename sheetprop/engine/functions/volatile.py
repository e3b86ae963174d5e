"""Functions that change by themselves: chance, from a seed, and the clock, from a given time."""

from __future__ import annotations

import math

from sheetprop.engine.functions import function
from sheetprop.engine.grid.values import NUM, SHIFT_1904, Raised
from sheetprop.engine.scope.context import Context


@function("RAND", "", context=True)
def rand(context: Context) -> float:
    return context.space.generator().random()


@function("RANDBETWEEN", "mm", context=True)
def randbetween(context: Context, low: float, high: float) -> float:
    first, last = math.ceil(low), math.floor(high)
    if first > last:
        raise Raised(NUM)
    return float(context.space.generator().randint(first, last))


@function("NOW", "", context=True)
def now(context: Context) -> float:
    if context.space.now is None:
        import datetime

        moment = datetime.datetime.now()
        past = moment - datetime.datetime(1899, 12, 30)
        context.space.now = past.days + past.seconds / 86400
        if context.space.contents.date1904:
            context.space.now -= SHIFT_1904
    return context.space.now


@function("TODAY", "", context=True)
def today(context: Context) -> float:
    moment: float = now(context)
    return float(math.floor(moment))

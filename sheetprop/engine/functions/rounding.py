"""Rounding to digits, to multiples, to whole, even and odd numbers."""

from __future__ import annotations

import math
from functools import cache

from sheetprop.engine.functions import function
from sheetprop.engine.grid.values import DIV0, NUM, Raised, finite

TYPE_CHECKING = False  # typing costs a small workbook's time; mypy knows this name
if TYPE_CHECKING:
    from decimal import Context, Decimal

_WAYS = {"half": "ROUND_HALF_UP", "down": "ROUND_DOWN", "up": "ROUND_UP"}


@function("INT", "n")
def integer(number: float) -> float:
    return float(math.floor(number))


@function("TRUNC ROUNDDOWN", "n|n")
def truncate(number: float, digits: float = 0.0) -> float:
    return rounded(number, digits, "down")


@function("ROUNDUP", "nn")
def round_up(number: float, digits: float) -> float:
    return rounded(number, digits, "up")


@function("ROUND", "nn")
def round_half(number: float, digits: float) -> float:
    return rounded(number, digits, "half")


def rounded(number: float, digits: float, way: str) -> float:
    """Round on the decimal digits that a reader sees: 15 of them, as Excel and LibreOffice do."""
    places = math.trunc(digits)
    if number == 0.0 or not -308 <= places <= 308:
        return number if places > 0 else 0.0
    exponent = math.floor(math.log10(abs(number)))
    if places > 15 - exponent:
        return number
    decimal, wide = _decimals()
    shown = decimal(f"{number:.14e}")
    return finite(float(shown.quantize(decimal(1).scaleb(-places, wide), rounding=_WAYS[way], context=wide)))


@cache
def _decimals() -> tuple[type[Decimal], Context]:
    """Return the type of decimal numbers and a context wide enough for all of them, imported when first needed."""
    from decimal import Context, Decimal

    return Decimal, Context(prec=700)


@function("MROUND", "mm")
def mround(number: float, multiple: float) -> float:
    if multiple == 0.0 or number == 0.0:
        return 0.0
    if number * multiple < 0:
        raise Raised(NUM)
    return multiple * math.floor(number / multiple + 0.5)  # MROUND(6.05,0.1) is 6, as the reference says


def _down(number: float, step: float) -> float:
    """Return the multiple of a step at or below a number; a hair's breadth below the next one counts as it."""
    return math.floor(_near(number / step)) * step


def _up(number: float, step: float) -> float:
    return math.ceil(_near(number / step)) * step


def _near(ratio: float) -> float:
    """Return the whole number that `ratio` differs from by rounding only, else `ratio`."""
    whole = round(ratio)
    return float(whole) if whole and abs(ratio - whole) <= 1e-14 * abs(ratio) else ratio


@function("CEILING", "nn")
def ceiling(number: float, step: float) -> float:
    if step == 0.0 or number == 0.0:
        return 0.0
    if number > 0 > step:
        raise Raised(NUM)
    return _up(number, step)


@function("FLOOR", "nn")
def floor(number: float, step: float) -> float:
    if number == 0.0:
        return 0.0
    if step == 0.0:
        raise Raised(DIV0)
    if number > 0 > step:
        raise Raised(NUM)
    return _down(number, step)


@function("CEILING.MATH", "n|nn")
def ceiling_math(number: float, step: float = 1.0, mode: float = 0.0) -> float:
    step = abs(step)
    if step == 0.0:
        return 0.0
    return _down(number, step) if number < 0 and mode else _up(number, step)


@function("FLOOR.MATH", "n|nn")
def floor_math(number: float, step: float = 1.0, mode: float = 0.0) -> float:
    step = abs(step)
    if step == 0.0:
        return 0.0
    return _up(number, step) if number < 0 and mode else _down(number, step)


@function("CEILING.PRECISE ISO.CEILING ECMA.CEILING", "n|n")
def ceiling_precise(number: float, step: float = 1.0) -> float:
    return _up(number, abs(step)) if step else 0.0


@function("FLOOR.PRECISE", "n|n")
def floor_precise(number: float, step: float = 1.0) -> float:
    return _down(number, abs(step)) if step else 0.0


@function("EVEN", "n")
def even(number: float) -> float:
    return math.copysign(2.0 * math.ceil(abs(number) / 2.0), number) if number else 0.0


@function("ODD", "n")
def odd(number: float) -> float:
    if number == 0.0:
        return 1.0
    return math.copysign(2.0 * math.ceil((abs(number) - 1.0) / 2.0) + 1.0, number)

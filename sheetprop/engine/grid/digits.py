"""Numbers as Excel compares them: by 15 significant digits.

Excel stores doubles, but `=` and its kin compare them as they show with 15 digits, and a formula whose last
operation is a subtraction (or an addition of opposite numbers) of two numbers that are equal so gives 0. Microsoft
describes it in "Floating-point arithmetic may give inaccurate results in Excel". Lookups, MATCH and conditions of
COUNTIF and its kin compare whole doubles.

Every way of running a formula takes the digits by the same operations of doubles as here, so that all agree.
"""

from __future__ import annotations

import math
from functools import lru_cache

NEAR = 1.1e-14
"""Numbers that differ by more than this part of one of them differ in 15 digits."""

_LEAST = -323
_powers: list[float] = []


def powers() -> list[float]:
    """Return the powers of ten from 1e-323 to 1e308."""
    if not _powers:
        _powers.extend(float(f"1e{exponent}") for exponent in range(_LEAST, 309))
    return _powers


def leading(size: float) -> tuple[float, int]:
    """Return the first 15 digits of a number above 0 as a whole number, and its exponent of ten."""
    power = powers()
    exponent = min(max(math.floor(math.log10(size)), _LEAST), 308)
    if power[exponent - _LEAST] > size:
        exponent -= 1
    elif exponent < 308 and power[exponent + 1 - _LEAST] <= size:
        exponent += 1
    shift = 14 - exponent
    if shift > 300:
        digits = size * 1e300 * power[shift - 300 - _LEAST]
    elif shift >= 0:
        digits = size * power[shift - _LEAST]
    else:
        digits = size / power[-shift - _LEAST]
    digits = math.floor(digits + 0.5) + 0.0
    return (1e14, exponent + 1) if digits >= 1e15 else (digits, exponent)


def alike(left: float, right: float) -> bool:
    """Say whether two finite numbers are the same in 15 significant digits."""
    if left == right:
        return True
    if not abs(left - right) <= NEAR * abs(left):
        return False
    return (left > 0.0) == (right > 0.0) and right != 0.0 and leading(abs(left)) == leading(abs(right))


def near(left: float, right: float) -> float:
    """Return `left`, or `right` where both are alike: so that a comparison finds them equal."""
    return right if alike(left, right) else left


def final(left: float, right: float) -> float:
    """Return left - right as a formula's last operation gives it."""
    return 0.0 if alike(left, right) else left - right


@lru_cache(maxsize=4096)
def bounds(number: float) -> tuple[float, float]:
    """Return the least and the greatest number that is alike a number."""
    ends: list[float] = []
    for towards in (-math.inf, math.inf):
        end = number
        while number != 0.0 and alike(beyond := math.nextafter(end, towards), number):
            end = beyond
        ends.append(end)
    return ends[0], ends[1]

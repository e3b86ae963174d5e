"""Series of payments: present values and rates of return, at equal steps of time or on dates."""

from __future__ import annotations

import math
from collections.abc import Callable

from sheetprop.engine.functions import function
from sheetprop.engine.grid.operands import Operand, as_rows, numbers
from sheetprop.engine.grid.values import DIV0, NA, NUM, VALUE, ExcelError, Raised, finite, to_number


@function("NPV", "nr*")
def npv(rate: float, *operands: Operand) -> float:
    if rate == -1.0:
        raise Raised(DIV0)
    result, discount = 0.0, 1.0
    for payment in numbers(operands):
        discount *= 1.0 + rate
        result += payment / discount
    return finite(result)


def _settled(value: Callable[[float], float], slope: Callable[[float], float], guess: float,
             steps: int) -> float | None:
    """Return the root that Newton's method reaches from `guess`, or None where it leaves the rates above -1."""
    rate = guess
    try:
        for _ in range(steps):
            steep = slope(rate)
            if steep == 0.0:
                return None
            change = value(rate) / steep
            rate -= change
            if rate <= -1.0 or not math.isfinite(rate):
                return None
            if abs(change) <= 1e-13 * max(1.0, abs(rate)):
                return rate
        return rate if abs(change) < 1e-9 else None
    except (OverflowError, ZeroDivisionError):
        return None


def _bracketed(value: Callable[[float], float], guess: float) -> float | None:
    """Return the root nearest to `guess` among those between two rates where the value changes its sign."""
    grid = [-0.999999, -0.9999, -0.999, -0.99, *(-0.98 + 0.02 * step for step in range(75)), *(0.55 + 0.1 * step
            for step in range(60)), *(7.0 * 1.5 ** step for step in range(40))]
    best: float | None = None
    try:
        values = [value(rate) for rate in grid]
    except (OverflowError, ZeroDivisionError):
        return None
    for low, high, at_low, at_high in zip(grid, grid[1:], values, values[1:], strict=False):
        if (at_low < 0.0) == (at_high < 0.0):
            continue
        root = _halved(value, low, high, at_low)
        if best is None or abs(root - guess) < abs(best - guess):
            best = root
    return best


def _halved(value: Callable[[float], float], low: float, high: float, at_low: float) -> float:
    for _ in range(200):
        middle = (low + high) / 2.0
        at = value(middle)
        if at == 0.0 or middle in (low, high):
            return middle
        if (at < 0.0) == (at_low < 0.0):
            low = middle
        else:
            high = middle
    return (low + high) / 2.0


def internal_rate(flows: list[float], guess: float = 0.1) -> float:
    """Return the rate at which payments at equal steps of time are worth nothing together.

    Raises:
        Raised: there is none, as with payments of one sign only (#NUM!).
    """
    if not flows or min(flows) >= 0.0 or max(flows) <= 0.0 or guess <= -1.0:
        raise Raised(NUM)

    def value(rate: float) -> float:
        result, step = 0.0, 1.0 / (1.0 + rate)
        for flow in reversed(flows):
            result = result * step + flow
        return result

    def slope(rate: float) -> float:
        result, factor = 0.0, 1.0 / (1.0 + rate)
        for at, flow in enumerate(flows):
            result -= at * flow * factor ** (at + 1)
        return result

    root = _settled(value, slope, guess, 60)
    if root is None:
        root = _bracketed(value, guess)
    if root is None:
        raise Raised(NUM)
    return root


@function("IRR", "r|n")
def irr(operand: Operand, guess: float = 0.1) -> float:
    if guess <= -1.0:
        raise Raised(VALUE)
    return internal_rate(numbers([operand]), guess)


@function("MIRR", "rnn")
def mirr(operand: Operand, finance: float, reinvest: float) -> float:
    flows = numbers([operand])
    count = len(flows)
    gains = losses = 0.0
    for at, flow in enumerate(flows):
        if flow > 0:
            gains += flow * math.pow(1.0 + reinvest, count - 1 - at)
        elif flow < 0 and at == 0:
            losses += flow
        elif flow < 0:
            losses += flow / math.pow(1.0 + finance, at)
    if losses == 0.0 or count < 2:
        raise Raised(DIV0)
    ratio = gains / -losses
    if ratio < 0:
        raise Raised(NUM)
    return finite(math.pow(ratio, 1.0 / (count - 1)) - 1.0)


def _dated(values: Operand, dates: Operand) -> tuple[list[float], list[int]]:
    """Return payments and days; text where a number belongs is #VALUE!."""
    flows: list[float] = []
    days: list[int] = []
    for operand, found in ((values, flows), (dates, days)):
        for line in as_rows(operand):
            for value in line:
                if type(value) is ExcelError:
                    raise Raised(value)
                if type(value) is bool:
                    raise Raised(VALUE)
                number = to_number(value)
                found.append(number if found is flows else int(number))  # type: ignore[arg-type]
    if len(flows) != len(days) or not flows:
        raise Raised(NUM)
    if min(days) < 0 or any(day < days[0] for day in days):
        raise Raised(NUM)
    return flows, days


def _worth(flows: list[float], days: list[int], rate: float) -> float:
    return sum(flow / math.pow(1.0 + rate, (day - days[0]) / 365.0) for flow, day in zip(flows, days, strict=True))


@function("XNPV", "mrr")
def xnpv(rate: float, values: Operand, dates: Operand) -> float:
    flows, days = numbers([values]), [int(day) for day in numbers([dates])]
    if rate <= 0.0 or len(flows) != len(days) or not flows or min(days) < 0 or min(days) < days[0]:
        raise Raised(NUM)
    return finite(_worth(flows, days, rate))


@function("XIRR", "rr|m")
def xirr(values: Operand, dates: Operand, guess: float = 0.1) -> float:
    if len([value for line in as_rows(values) for value in line]) == 1:
        raise Raised(NA)
    flows, days = _dated(values, dates)
    if min(flows) >= 0.0 or max(flows) <= 0.0 or guess <= -1.0:
        raise Raised(NUM)

    def value(rate: float) -> float:
        return _worth(flows, days, rate)

    def slope(rate: float) -> float:
        times = [(day - days[0]) / 365.0 for day in days]
        return -sum(time * flow / math.pow(1.0 + rate, time + 1.0) for time, flow in zip(times, flows, strict=True))

    root = _settled(value, slope, guess, 100)
    if root is None:
        root = _bracketed(value, guess)
    if root is None:
        raise Raised(NUM)
    return root

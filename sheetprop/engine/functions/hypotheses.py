"""Tests of hypotheses, and half widths of confidence intervals."""

from __future__ import annotations

import math

from sheetprop.engine.functions import function
from sheetprop.engine.functions.distributions import normal_place, normal_share, student_place, student_tail
from sheetprop.engine.grid.operands import Operand, as_rows, numbers
from sheetprop.engine.grid.values import DIV0, NA, NUM, ExcelError, Raised, total


def _variance(found: list[float]) -> float:
    mean = total(found) / len(found)
    return total([(number - mean) ** 2 for number in found]) / (len(found) - 1)


@function("CONFIDENCE CONFIDENCE.NORM", "nnn")
def confidence(alpha: float, deviation: float, size: float) -> float:
    count = math.trunc(size)
    if not 0 < alpha < 1 or deviation <= 0 or count < 1:
        raise Raised(NUM)
    return -normal_place(alpha / 2.0) * deviation / math.sqrt(count)


@function("CONFIDENCE.T", "nnn")
def confidence_t(alpha: float, deviation: float, size: float) -> float:
    count = math.trunc(size)
    if not 0 < alpha < 1 or deviation <= 0 or count < 1:
        raise Raised(NUM)
    if count == 1:
        raise Raised(DIV0)
    return student_place(alpha / 2.0, count - 1.0) * deviation / math.sqrt(count)


@function("CHITEST CHISQ.TEST", "aa")
def chitest(actual: Operand, expected: Operand) -> float:
    first, second = as_rows(actual), as_rows(expected)
    height, width = len(first), len(first[0])
    if (height, width) != (len(second), len(second[0])) or height * width == 1:
        raise Raised(NA)
    statistic = 0.0
    for one, two in zip(first, second, strict=True):
        for seen, wanted in zip(one, two, strict=True):
            for value in (seen, wanted):
                if type(value) is ExcelError:
                    raise Raised(value)
            if type(seen) is not float or type(wanted) is not float:
                continue
            if wanted == 0:
                raise Raised(DIV0)
            if wanted < 0:
                raise Raised(NUM)
            statistic += (seen - wanted) ** 2 / wanted
    degrees = (height - 1) * (width - 1) if height > 1 and width > 1 else height * width - 1
    from scipy.special import gammaincc

    return float(gammaincc(degrees / 2.0, statistic / 2.0))


@function("FTEST F.TEST", "aa")
def ftest(first: Operand, second: Operand) -> float:
    x, y = numbers([first]), numbers([second])
    if len(x) < 2 or len(y) < 2:
        raise Raised(DIV0)
    one, two = _variance(x), _variance(y)
    if one == 0 or two == 0:
        raise Raised(DIV0)
    from scipy.special import fdtr, fdtrc

    a, b, ratio = len(x) - 1.0, len(y) - 1.0, one / two
    return 2.0 * min(float(fdtr(a, b, ratio)), float(fdtrc(a, b, ratio)))


@function("TTEST T.TEST", "aann")
def ttest(first: Operand, second: Operand, tails: float, kind: float) -> float:
    sides, way = math.trunc(tails), math.trunc(kind)
    if sides not in (1, 2) or way not in (1, 2, 3):
        raise Raised(NUM)
    if way == 1:
        statistic, degrees = _paired(first, second)
    else:
        x, y = numbers([first]), numbers([second])
        if len(x) < 2 or len(y) < 2:
            raise Raised(DIV0)
        gap = total(x) / len(x) - total(y) / len(y)
        one, two = _variance(x), _variance(y)
        if way == 2:
            degrees = len(x) + len(y) - 2.0
            spread = ((len(x) - 1) * one + (len(y) - 1) * two) / degrees * (1.0 / len(x) + 1.0 / len(y))
        else:
            a, b = one / len(x), two / len(y)
            spread = a + b
            if spread == 0:
                raise Raised(DIV0)
            degrees = spread * spread / (a * a / (len(x) - 1) + b * b / (len(y) - 1))
        if spread == 0:
            raise Raised(DIV0)
        statistic = abs(gap) / math.sqrt(spread)
    return sides * student_tail(statistic, degrees)


def _paired(first: Operand, second: Operand) -> tuple[float, float]:
    """Return the statistic and the degrees of freedom of pairs; those without two numbers do not count."""
    xs = [value for line in as_rows(first) for value in line]
    ys = [value for line in as_rows(second) for value in line]
    if len(xs) != len(ys):
        raise Raised(NA)
    numbers([first])
    numbers([second])
    gaps = [a - b for a, b in zip(xs, ys, strict=True) if type(a) is float and type(b) is float]
    if len(gaps) < 2:
        raise Raised(DIV0)
    spread = _variance(gaps)
    if spread == 0:
        raise Raised(DIV0)
    return abs(total(gaps) / len(gaps)) / math.sqrt(spread / len(gaps)), len(gaps) - 1.0


@function("ZTEST Z.TEST", "an|n")
def ztest(operand: Operand, wanted: float, deviation: float | None = None) -> float:
    found = numbers([operand])
    if not found:
        raise Raised(NA)
    if deviation is not None and deviation <= 0:
        raise Raised(NUM)
    if deviation is None:
        if len(found) < 2 or _variance(found) == 0:
            raise Raised(DIV0)
        deviation = math.sqrt(_variance(found))
    return normal_share((wanted - total(found) / len(found)) * math.sqrt(len(found)) / deviation)

"""Spread, order and relation of samples."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter

from sheetprop.engine.functions import function
from sheetprop.engine.functions.aggregates import numbers_and_text
from sheetprop.engine.grid.operands import Array, Operand, as_rows, numbers
from sheetprop.engine.grid.values import DIV0, NA, NUM, Raised, Value, finite, total


def _spread(found: list[float]) -> float:
    """Return the sum of squared distances from the mean."""
    mean = total(found) / len(found)
    return total([(number - mean) ** 2 for number in found])


def _need(found: list[float], least: int) -> list[float]:
    if len(found) < least:
        raise Raised(DIV0)
    return found


def _variance(found: list[float], lost: int) -> float:
    """Return the variance with `lost` degrees of freedom taken off."""
    return finite(_spread(_need(found, lost + 1)) / (len(found) - lost))


@function("VAR VAR.S", "r*")
def var(*operands: Operand) -> float:
    return _variance(numbers(operands), 1)


@function("VARP VAR.P", "r*")
def varp(*operands: Operand) -> float:
    return _variance(numbers(operands), 0)


@function("STDEV STDEV.S", "r*")
def stdev(*operands: Operand) -> float:
    return math.sqrt(_variance(numbers(operands), 1))


@function("STDEVP STDEV.P", "r*")
def stdevp(*operands: Operand) -> float:
    return math.sqrt(_variance(numbers(operands), 0))


@function("VARA", "r*")
def vara(*operands: Operand) -> float:
    return _variance(numbers_and_text(operands), 1)


@function("VARPA", "r*")
def varpa(*operands: Operand) -> float:
    return _variance(numbers_and_text(operands), 0)


@function("STDEVA", "r*")
def stdeva(*operands: Operand) -> float:
    return math.sqrt(_variance(numbers_and_text(operands), 1))


@function("STDEVPA", "r*")
def stdevpa(*operands: Operand) -> float:
    return math.sqrt(_variance(numbers_and_text(operands), 0))


@function("DEVSQ", "r*")
def devsq(*operands: Operand) -> float:
    found = numbers(operands)
    if not found:
        raise Raised(NUM)
    return finite(_spread(found))


@function("AVEDEV", "r*")
def avedev(*operands: Operand) -> float:
    found = numbers(operands)
    if not found:
        raise Raised(NUM)
    mean = total(found) / len(found)
    return total([abs(number - mean) for number in found]) / len(found)


@function("MEDIAN", "r*")
def median(*operands: Operand) -> float:
    found = sorted(numbers(operands))
    if not found:
        raise Raised(NUM)
    middle = len(found) // 2
    return found[middle] if len(found) % 2 else (found[middle - 1] + found[middle]) / 2.0


@function("MODE MODE.SNGL", "r*")
def mode(*operands: Operand) -> float:
    found = numbers(operands)
    counts = Counter(found)
    most = max(counts.values(), default=0)
    if most < 2:
        raise Raised(NA)
    return next(number for number in found if counts[number] == most)


@function("MODE.MULT", "r*")
def mode_mult(*operands: Operand) -> Operand:
    counts = Counter(numbers(operands))
    most = max(counts.values(), default=0)
    if most < 2:
        raise Raised(NA)
    return Array([[number] for number, count in counts.items() if count == most])


@function("TRIMMEAN", "rn")
def trimmean(operand: Operand, share: float) -> float:
    found = sorted(numbers([operand]))
    if not found or not 0 <= share < 1:
        raise Raised(NUM)
    cut = int(len(found) * share / 2.0 + 1e-12)
    kept = found[cut:len(found) - cut]
    return total(kept) / len(kept)


@function("GEOMEAN", "r*")
def geomean(*operands: Operand) -> float:
    found = numbers(operands)
    if not found or min(found) <= 0:
        raise Raised(NUM)
    return math.exp(total([math.log(number) for number in found]) / len(found))


@function("HARMEAN", "r*")
def harmean(*operands: Operand) -> float:
    found = numbers(operands)
    if not found or min(found) <= 0:
        raise Raised(NUM)
    return len(found) / total([1.0 / number for number in found])


def _at(found: list[float], place: float) -> float:
    at = math.ceil(place)
    if not 1 <= at <= len(found):
        raise Raised(NUM)
    return found[at - 1]


@function("LARGE", "rn")
def large(operand: Operand, place: float) -> float:
    return _at(sorted(numbers([operand]), reverse=True), place)


@function("SMALL", "rn")
def small(operand: Operand, place: float) -> float:
    return _at(sorted(numbers([operand])), place)


@function("RANK RANK.EQ", "nr|n")
def rank(number: float, operand: Operand, order: float = 0.0) -> float:
    found = numbers([operand])
    if number not in found:
        raise Raised(NA)
    return float(1 + sum(1 for other in found if (other < number if order else other > number)))


@function("RANK.AVG", "nr|n")
def rank_average(number: float, operand: Operand, order: float = 0.0) -> float:
    first: float = rank(number, operand, order)
    return first + (numbers([operand]).count(number) - 1) / 2.0


def _quantile(found: list[float], place: float) -> float:
    at = int(place)
    if at + 1 >= len(found):
        return found[-1]
    return found[at] + (place - at) * (found[at + 1] - found[at])


@function("PERCENTILE PERCENTILE.INC", "rn")
def percentile(operand: Operand, share: float) -> float:
    found = sorted(numbers([operand]))
    if not found or not 0 <= share <= 1:
        raise Raised(NUM)
    return _quantile(found, share * (len(found) - 1))


@function("PERCENTILE.EXC", "rn")
def percentile_exclusive(operand: Operand, share: float) -> float:
    found = sorted(numbers([operand]))
    place = share * (len(found) + 1) - 1
    if not found or not 0 <= place <= len(found) - 1:
        raise Raised(NUM)
    return _quantile(found, place)


@function("QUARTILE QUARTILE.INC", "rn")
def quartile(operand: Operand, which: float) -> float:
    if not 0 <= int(which) <= 4:
        raise Raised(NUM)
    result: float = percentile(operand, int(which) / 4.0)
    return result


@function("QUARTILE.EXC", "rn")
def quartile_exclusive(operand: Operand, which: float) -> float:
    result: float = percentile_exclusive(operand, int(which) / 4.0)
    return result


@function("PERCENTRANK.EXC", "rn|n")
def percentrank_exclusive(operand: Operand, number: float, digits: float = 3.0) -> float:
    found = sorted(numbers([operand]))
    if not found or digits < 1:
        raise Raised(NUM)
    return _cut(_place(found, number) + 1.0, len(found) + 1, digits)


@function("PERCENTRANK PERCENTRANK.INC", "rn|n")
def percentrank(operand: Operand, number: float, digits: float = 3.0) -> float:
    found = sorted(numbers([operand]))
    if not found or digits < 1:
        raise Raised(NUM)
    place = _place(found, number)
    return _cut(place, len(found) - 1, digits) if len(found) > 1 else 1.0


def _cut(place: float, steps: int, digits: float) -> float:
    """Return a place among steps as a share, with so many digits kept and none rounded."""
    scale = 10.0 ** int(digits)
    return math.floor(place / steps * scale + 1e-9) / scale


def _place(found: list[float], number: float) -> float:
    """Return where a number stands among sorted ones, from 0 on, between two of them in proportion."""
    if not found[0] <= number <= found[-1]:
        raise Raised(NA)
    first = bisect_left(found, number)
    if found[first] == number:
        return float(first)
    return first - 1 + (number - found[first - 1]) / (found[first] - found[first - 1])


def _pairs(first: Operand, second: Operand) -> tuple[list[float], list[float]]:
    """Return two samples, element by element, pairs with anything but two numbers left out."""
    ones = [value for line in as_rows(first) for value in line]
    twos = [value for line in as_rows(second) for value in line]
    if len(ones) != len(twos):
        raise Raised(NA)
    numbers([first])
    numbers([second])
    kept = [(a, b) for a, b in zip(ones, twos, strict=True) if type(a) is float and type(b) is float]
    return [a for a, _ in kept], [b for _, b in kept]


class _Relation:
    """Means, and sums of squares and products of the distances from them, of two samples."""

    def __init__(self, xs: Operand, ys: Operand, least: int = 2) -> None:
        x, y = _pairs(xs, ys)
        self.count = len(_need(x, least))
        self.mean_x, self.mean_y = total(x) / len(x), total(y) / len(y)
        self.xx = total([(a - self.mean_x) ** 2 for a in x])
        self.yy = total([(b - self.mean_y) ** 2 for b in y])
        self.xy = total([(a - self.mean_x) * (b - self.mean_y) for a, b in zip(x, y, strict=True)])

    def slope(self) -> float:
        """Return the slope of y over x."""
        if self.xx == 0:
            raise Raised(DIV0)
        return self.xy / self.xx


@function("CORREL PEARSON", "aa")
def correl(first: Operand, second: Operand) -> float:
    both = _Relation(first, second)
    if both.xx == 0 or both.yy == 0:
        raise Raised(DIV0)
    return both.xy / math.sqrt(both.xx * both.yy)


@function("RSQ", "aa")
def rsq(first: Operand, second: Operand) -> float:
    value: float = correl(first, second)
    return value * value


@function("COVAR COVARIANCE.P", "aa")
def covar(first: Operand, second: Operand) -> float:
    both = _Relation(first, second, 1)
    return both.xy / both.count


@function("COVARIANCE.S", "aa")
def covariance_sample(first: Operand, second: Operand) -> float:
    both = _Relation(first, second)
    return both.xy / (both.count - 1)


@function("SLOPE", "aa")
def slope(ys: Operand, xs: Operand) -> float:
    return _Relation(xs, ys).slope()


@function("INTERCEPT", "aa")
def intercept(ys: Operand, xs: Operand) -> float:
    both = _Relation(xs, ys)
    return both.mean_y - both.slope() * both.mean_x


@function("FORECAST FORECAST.LINEAR", "naa")
def forecast(at: float, ys: Operand, xs: Operand) -> float:
    both = _Relation(xs, ys)
    return both.mean_y - both.slope() * both.mean_x + both.slope() * at


@function("STEYX", "aa")
def steyx(ys: Operand, xs: Operand) -> float:
    both = _Relation(xs, ys, 3)
    return math.sqrt(max(0.0, (both.yy - both.slope() * both.xy) / (both.count - 2)))


def _moment(found: list[float], least: int) -> tuple[float, float, int]:
    if len(found) < least:
        raise Raised(DIV0)
    mean = total(found) / len(found)
    deviation = math.sqrt(_spread(found) / (len(found) - 1))
    if deviation == 0:
        raise Raised(DIV0)
    return mean, deviation, len(found)


@function("SKEW", "r*")
def skew(*operands: Operand) -> float:
    found = numbers(operands)
    mean, deviation, n = _moment(found, 3)
    return n / ((n - 1) * (n - 2)) * total([((number - mean) / deviation) ** 3 for number in found])


@function("SKEW.P", "r*")
def skew_p(*operands: Operand) -> float:
    found = numbers(operands)
    mean, deviation, n = _moment(found, 3)
    return total([((number - mean) / deviation) ** 3 for number in found]) / n * math.pow(n / (n - 1), 1.5)


@function("KURT", "r*")
def kurt(*operands: Operand) -> float:
    found = numbers(operands)
    mean, deviation, n = _moment(found, 4)
    fourth = total([((number - mean) / deviation) ** 4 for number in found])
    return (n * (n + 1) / ((n - 1) * (n - 2) * (n - 3)) * fourth
            - 3.0 * (n - 1) ** 2 / ((n - 2) * (n - 3)))


@function("STANDARDIZE", "nnn")
def standardize(number: float, mean: float, deviation: float) -> float:
    if deviation <= 0:
        raise Raised(NUM)
    return (number - mean) / deviation


@function("SUMX2MY2", "aa")
def sumx2my2(first: Operand, second: Operand) -> float:
    x, y = _pairs(first, second)
    return finite(total([a * a - b * b for a, b in zip(x, y, strict=True)]))


@function("SUMX2PY2", "aa")
def sumx2py2(first: Operand, second: Operand) -> float:
    x, y = _pairs(first, second)
    return finite(total([a * a + b * b for a, b in zip(x, y, strict=True)]))


@function("SUMXMY2", "aa")
def sumxmy2(first: Operand, second: Operand) -> float:
    x, y = _pairs(first, second)
    return finite(total([(a - b) * (a - b) for a, b in zip(x, y, strict=True)]))


@function("FREQUENCY", "aa")
def frequency(data: Operand, bins: Operand) -> Operand:
    found, edges = numbers([data]), numbers([bins])
    order = sorted(edges)
    counts: dict[float, int] = {}
    for at, edge in enumerate(order):
        below = order[at - 1] if at else -math.inf
        counts.setdefault(edge, sum(1 for number in found if below < number <= edge))
    lines: list[list[Value]] = [[float(counts[edge])] for edge in edges]
    lines.append([float(sum(1 for number in found if number > order[-1])) if order else float(len(found))])
    return Array(lines)

"""Distributions of counts: binomial, Poisson, hypergeometric, negative binomial; arrangements and tables."""

from __future__ import annotations

import math

from sheetprop.engine.functions import function
from sheetprop.engine.grid.operands import Operand, as_rows
from sheetprop.engine.grid.values import DIV0, NA, NUM, ExcelError, Raised, finite


def _need(condition: bool) -> None:
    if not condition:
        raise Raised(NUM)


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1.0) - math.lgamma(k + 1.0) - math.lgamma(n - k + 1.0)


def _binomial(hits: int, trials: int, chance: float) -> float:
    """Return the probability of exactly so many hits."""
    if chance in (0.0, 1.0):
        return float(hits == (trials if chance else 0))
    if trials < 1000:
        return math.comb(trials, hits) * chance ** hits * (1.0 - chance) ** (trials - hits)
    return math.exp(_log_choose(trials, hits) + hits * math.log(chance) + (trials - hits) * math.log1p(-chance))


def _at_most(hits: int, trials: int, chance: float) -> float:
    if hits >= trials:
        return 1.0
    if hits < 0:
        return 0.0
    from scipy.special import betainc

    return float(betainc(trials - hits, hits + 1.0, 1.0 - chance))


@function("BINOMDIST BINOM.DIST", "nnnb")
def binomdist(hits: float, trials: float, chance: float, cumulative: bool) -> float:
    k, n = math.trunc(hits), math.trunc(trials)
    _need(0 <= k <= n < 2**53 and 0 <= chance <= 1)
    return _at_most(k, n, chance) if cumulative else _binomial(k, n, chance)


@function("BINOM.DIST.RANGE", "nnn|n")
def binom_dist_range(trials: float, chance: float, low: float, high: float | None = None) -> float:
    n, first = math.trunc(trials), math.trunc(low)
    last = first if high is None else math.trunc(high)
    _need(n >= 0 and 0 <= chance <= 1 and 0 <= first <= last <= n)
    if first == last:
        return _binomial(first, n, chance)
    if last - first < 500:
        return sum(_binomial(k, n, chance) for k in range(first, last + 1))
    return _at_most(last, n, chance) - _at_most(first - 1, n, chance)


@function("CRITBINOM BINOM.INV", "nnn")
def critbinom(trials: float, chance: float, share: float) -> float:
    """Return the smallest count whose distribution function reaches a share."""
    n = math.trunc(trials)
    _need(n >= 0 and 0 < chance < 1 and 0 < share < 1)
    low, high = 0, n
    while low < high:
        middle = (low + high) // 2
        if _at_most(middle, n, chance) >= share:
            high = middle
        else:
            low = middle + 1
    return float(low)


@function("NEGBINOM.DIST", "nnnb")
def negbinom_dist(failures: float, successes: float, chance: float, cumulative: bool) -> float:
    k, r = math.trunc(failures), math.trunc(successes)
    _need(k >= 0 and r >= 1 and 0 < chance < 1)
    if cumulative:
        from scipy.special import betainc

        return float(betainc(r, k + 1.0, chance))
    if k + r < 1000:
        return math.comb(k + r - 1, k) * chance ** r * (1.0 - chance) ** k
    return math.exp(_log_choose(k + r - 1, k) + r * math.log(chance) + k * math.log1p(-chance))


@function("NEGBINOMDIST", "nnn")
def negbinomdist(failures: float, successes: float, chance: float) -> float:
    return negbinom_dist(failures, successes, chance, False)  # type: ignore[no-any-return]


@function("POISSON POISSON.DIST", "nnb")
def poisson(events: float, mean: float, cumulative: bool) -> float:
    k = math.trunc(events)
    _need(events >= 0 and mean >= 0)
    if mean == 0:
        return 1.0 if cumulative or k == 0 else 0.0
    if cumulative:
        from scipy.special import gammaincc

        return float(gammaincc(k + 1.0, mean))
    return math.exp(k * math.log(mean) - mean - math.lgamma(k + 1.0))


def _hypergeometric(hits: int, drawn: int, marked: int, size: int) -> float:
    if not max(0, drawn + marked - size) <= hits <= min(drawn, marked):
        return 0.0
    if size < 5000:
        return math.comb(marked, hits) * math.comb(size - marked, drawn - hits) / math.comb(size, drawn)
    return math.exp(_log_choose(marked, hits) + _log_choose(size - marked, drawn - hits) - _log_choose(size, drawn))


@function("HYPGEOM.DIST", "nnnnb")
def hypgeom_dist(hits: float, drawn: float, marked: float, size: float, cumulative: bool) -> float:
    k, n, m, total = (math.trunc(number) for number in (hits, drawn, marked, size))
    _need(0 <= k <= min(n, m) and 0 < n <= total and 0 < m <= total and k >= n + m - total)
    if not cumulative:
        return _hypergeometric(k, n, m, total)
    return min(1.0, math.fsum(_hypergeometric(at, n, m, total) for at in range(max(0, n + m - total), k + 1)))


@function("HYPGEOMDIST", "nnnn")
def hypgeomdist(hits: float, drawn: float, marked: float, size: float) -> float:
    return hypgeom_dist(hits, drawn, marked, size, False)  # type: ignore[no-any-return]


@function("PERMUTATIONA", "nn")
def permutationa(number: float, chosen: float) -> float:
    n, k = math.trunc(number), math.trunc(chosen)
    _need(n >= 0 and k >= 0)
    try:
        return finite(float(n) ** k)
    except OverflowError:
        raise Raised(NUM) from None


@function("MULTINOMIAL", "r*")
def multinomial(*operands: Operand) -> float:
    from sheetprop.engine.functions.arithmetic import wholes

    counts = wholes(operands)
    result, total = 1, 0
    for count in counts:
        total += count
        _need(total < 171 * 1000)
        result *= math.comb(total, count)
    try:
        return finite(float(result))
    except OverflowError:
        raise Raised(NUM) from None


@function("PROB", "aan|n")
def prob(places: Operand, chances: Operand, low: float, high: float | None = None) -> float:
    """Return the probability that a value of a table lies between two limits."""
    xs = [value for line in as_rows(places) for value in line]
    ps = [value for line in as_rows(chances) for value in line]
    for value in (*xs, *ps):
        if type(value) is ExcelError:
            raise Raised(value)
    if len(xs) != len(ps):
        raise Raised(NA)
    pairs = [(x, p) for x, p in zip(xs, ps, strict=True) if type(x) is float and type(p) is float]
    if not pairs:
        raise Raised(DIV0)
    _need(all(0 < p <= 1 for _, p in pairs) and abs(math.fsum(p for _, p in pairs) - 1.0) < 1e-7)
    top = low if high is None else high
    return math.fsum(p for x, p in pairs if low <= x <= top)

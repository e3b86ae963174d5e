"""Variances, covariances and what is made of them, as operations over numbers.

A sum of squared distances from the mean does not change with the mean: the distances add up to 0.
So the mean inside such a sum needs no way back, which keeps derivatives short and exact.
"""

from __future__ import annotations

from sheetprop.engine.tracing.choosing import E, number
from sheetprop.engine.tracing.elements import added, once

SPREADS = {"VAR": 1, "VAR.S": 1, "STDEV": 1, "STDEV.S": 1, "VARP": 0, "VAR.P": 0, "STDEVP": 0, "STDEV.P": 0, "DEVSQ": 0}
"""Functions of one sample -> how many are taken off the count that divides."""

RELATIONS = {"SUMXMY2": 1, "SUMX2MY2": 1, "SUMX2PY2": 1, "COVAR": 1, "COVARIANCE.P": 1, "COVARIANCE.S": 2, "CORREL": 2,
             "PEARSON": 2, "RSQ": 2, "SLOPE": 2, "INTERCEPT": 2}
"""Functions of two samples -> the fewest pairs that they need."""


def _mean(parts: list[E], *, active: bool = True) -> E:
    count = number(float(len(parts)))
    return E("/", (added(parts), count)) if active else E("/", (added(parts), count), active=False)


def _distances(parts: list[E]) -> list[E]:
    mean = once(_mean(parts, active=False))
    return [once(E("-", (part, mean))) for part in parts]


def spread(name: str, sample: list[E]) -> E:
    """Return a function of one sample with at least two numbers (or one, where the count itself divides)."""
    squares = added([E("square", (distance,)) for distance in _distances(sample)])
    if name == "DEVSQ":
        return squares
    variance = E("/", (squares, number(float(len(sample) - SPREADS[name]))))
    return E("smooth", (variance,), "DEVIATION") if name.startswith("STDEV") else variance


def relation(name: str, first: list[E], second: list[E]) -> E:
    """Return a function of two samples of the same length, as long as `RELATIONS` says at least."""
    if name == "SUMXMY2":
        return added([E("square", (E("-", pair),)) for pair in zip(first, second, strict=True)])
    if name in ("SUMX2MY2", "SUMX2PY2"):
        operator = "-" if name == "SUMX2MY2" else "+"
        return added([E(operator, (E("square", (x,)), E("square", (y,)))) for x, y in zip(first, second, strict=True)])
    products = added([E("*", pair) for pair in zip(_distances(first), _distances(second), strict=True)])
    if name in ("COVAR", "COVARIANCE.P"):
        return E("/", (products, number(float(len(first)))))
    if name == "COVARIANCE.S":
        return E("/", (products, number(float(len(first) - 1))))
    if name in ("SLOPE", "INTERCEPT"):
        # Excel asks for the known y before the known x.
        slope = E("/", (products, spread("DEVSQ", second)))
        return slope if name == "SLOPE" else E("-", (_mean(first), E("*", (slope, _mean(second)))))
    both = E("*", (spread("DEVSQ", first), spread("DEVSQ", second)))
    correlation = E("/", (products, E("smooth", (both,), "SQRT")))
    return E("square", (correlation,)) if name == "RSQ" else correlation

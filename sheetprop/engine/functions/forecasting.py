"""Exponential smoothing of a series in time with a trend and a season: FORECAST.ETS and its kin.

Additive error, trend and season (AAA). The weights are those of the least squared error of the forecasts one step
ahead; Excel's own search may stop at others, so the last digits can differ.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

from sheetprop.engine.functions import function
from sheetprop.engine.functions.distributions import normal_place
from sheetprop.engine.grid.operands import Operand, as_rows
from sheetprop.engine.grid.values import NA, NUM, VALUE, ExcelError, Raised


class Series:
    """A series at equal steps of time.

    Attributes:
        values: one for each step; missing ones are filled in, of equal times one value is made.
        start, step: the first time and the distance between two.
    """

    def __init__(self, values: Operand, times: Operand, fill: float, together: float) -> None:
        found, moments = _flat(values), _flat(times)
        if len(found) != len(moments):
            raise Raised(NA)
        if not found or int(fill) not in (0, 1) or not 1 <= int(together) <= 7:
            raise Raised(NUM)
        groups: dict[float, list[float]] = {}
        for moment, value in zip(moments, found, strict=True):
            groups.setdefault(moment, []).append(value)
        ordered = sorted(groups)
        if len(ordered) < 2:
            raise Raised(NUM)
        gaps = [b - a for a, b in pairwise(ordered)]
        self.start, self.step = ordered[0], min(gaps)
        self._months = _monthly(ordered)
        places = [self.place(moment) for moment in ordered]
        if any(abs(place - round(place)) > 1e-6 for place in places):
            raise Raised(NUM)
        count = round(places[-1]) + 1
        if count - len(ordered) > 0.3 * count:
            raise Raised(NUM)
        filled: list[float | None] = [None] * count
        for moment, place in zip(ordered, places, strict=True):
            filled[round(place)] = _joined(groups[moment], int(together))
        self.values = _completed(filled, int(fill) == 1)

    def place(self, moment: float) -> float:
        """Return how many steps a time lies behind the first one."""
        if self._months:
            from sheetprop.engine.grid.dates import parts

            y1, m1, _ = parts(self.start)
            y2, m2, _ = parts(moment)
            return float(((y2 - y1) * 12 + m2 - m1) // self._months)
        return (moment - self.start) / self.step


def _monthly(moments: list[float]) -> int:
    """Return the months between dates that all are the same day of different months, else 0."""
    from sheetprop.engine.grid.dates import parts

    try:
        days = [parts(moment) for moment in moments if moment == int(moment) and moment > 60]
    except ValueError:
        return 0
    if len(days) < len(moments) or len({day for _, _, day in days}) > 1:
        return 0
    months = [year * 12 + month for year, month, _ in days]
    gaps = [b - a for a, b in pairwise(months)]
    least = min(gaps)
    return least if least > 0 and all(gap % least == 0 for gap in gaps) else 0


def _flat(operand: Operand) -> list[float]:
    found: list[float] = []
    for line in as_rows(operand):
        for value in line:
            if type(value) is ExcelError:
                raise Raised(value)
            if type(value) is not float:
                raise Raised(VALUE)
            found.append(value)
    return found


def _joined(values: list[float], how: int) -> float:
    """Return the one value of a time that several are given for."""
    if len(values) == 1:
        return values[0]
    ordered = sorted(values)
    middle = len(ordered) // 2
    median = ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2.0
    count = float(len(values))
    return {1: sum(values) / count, 2: count, 3: count, 4: max(values), 5: median, 6: min(values), 7: sum(values)}[how]


def _completed(values: list[float | None], between: bool) -> list[float]:
    """Fill in missing values: with the mean of the neighbours in proportion to the distance, or with 0."""
    found: list[float] = []
    for at, value in enumerate(values):
        if value is not None:
            found.append(value)
        elif not between:
            found.append(0.0)
        else:
            after = next(later for later in range(at, len(values)) if values[later] is not None)
            target = values[after]
            assert target is not None
            found.append(found[-1] + (target - found[-1]) / (after - at + 1))
    return found


def season_of(values: list[float]) -> int:
    """Return the length of the season of a series, 1 where none is seen, from the autocorrelation without the trend."""
    count = len(values)
    if count < 4:
        return 1
    mean_at, mean = (count - 1) / 2.0, sum(values) / count
    spread = sum((at - mean_at) ** 2 for at in range(count))
    slope = sum((at - mean_at) * (value - mean) for at, value in enumerate(values)) / spread
    rest = [value - mean - slope * (at - mean_at) for at, value in enumerate(values)]
    power = sum(one * one for one in rest)
    if power <= 1e-18 * max(1.0, mean * mean):
        return 1
    best, length = 0.0, 1
    relations = [0.0, 0.0] + [sum(rest[at] * rest[at - lag] for at in range(lag, count)) / power
                              for lag in range(2, count // 2 + 1)]
    for lag in range(2, len(relations)):
        after = relations[lag + 1] if lag + 1 < len(relations) else -1.0
        if relations[lag] > max(best * 1.05, 0.3) and relations[lag] >= relations[lag - 1] and relations[lag] > after:
            best, length = relations[lag], lag
    return length


class Smoothing:
    """A series smoothed with level, trend and season."""

    def __init__(self, values: list[float], season: int) -> None:
        self.values, self.season = values, season
        if season > 1 and len(values) < 2 * season:
            raise Raised(NUM)
        self.weights = self._fitted()
        self.level, self.trend, self.seasons, self.errors = self._run(self.weights)

    def _run(self, weights: Any) -> tuple[float, float, list[float], list[float]]:
        alpha, beta, gamma = (float(weight) for weight in weights)
        values, season = self.values, self.season
        if season > 1:
            first = sum(values[:season]) / season
            second = sum(values[season:2 * season]) / season
            trend = (second - first) / season
            level = first - trend * (season - 1) / 2.0 - trend
            seasons = [values[at] - (level + trend * (at + 1)) for at in range(season)]
        else:
            trend = values[1] - values[0]
            level, seasons = values[0] - trend, [0.0]
        errors: list[float] = []
        for at, value in enumerate(values):
            wave = seasons[at % season]
            ahead = level + trend
            error = value - ahead - wave
            errors.append(error)
            level = ahead + alpha * error
            trend += alpha * beta * error
            seasons[at % season] = wave + gamma * error if season > 1 else 0.0
        return level, trend, seasons, errors

    def _fitted(self) -> Any:
        from scipy.optimize import minimize

        def squared(weights: Any) -> float:
            return sum(error * error for error in self._run(weights)[3])

        top = 1.0 if self.season > 1 else 0.0
        best: Any = None
        for start in ((0.5, 0.1, 0.1), (0.1, 0.01, 0.3), (0.9, 0.001, 0.001)):
            found = minimize(squared, (start[0], start[1], start[2] * top), method="L-BFGS-B",
                             bounds=((0.001, 0.999), (0.001, 0.999), (0.0, 0.999 * top)))
            if best is None or found.fun < best.fun:
                best = found
        return best.x

    def ahead(self, steps: float) -> float:
        """Return the forecast so many steps behind the last value."""
        whole = max(math.ceil(steps), 1)
        return self.level + self.trend * steps + self.seasons[(len(self.values) + whole - 1) % self.season]

    def deviation(self, steps: float) -> float:
        """Return the standard deviation of the error of that forecast."""
        alpha, beta, gamma = (float(weight) for weight in self.weights)
        count = len(self.errors)
        variance = sum(error * error for error in self.errors) / count
        spread = 1.0
        for at in range(1, max(math.ceil(steps), 1)):
            part = alpha * (1.0 + at * beta) + (gamma if self.season > 1 and at % self.season == 0 else 0.0)
            spread += part * part
        return math.sqrt(variance * spread)


def _prepared(values: Operand, times: Operand, season: float, fill: float, together: float) -> tuple[Series, Smoothing]:
    if season < 0 or season > 8784 or season != int(season):
        raise Raised(NUM)
    series = Series(values, times, fill, together)
    length = season_of(series.values) if season == 1 else max(int(season), 1)
    if length > 1 and len(series.values) < 2 * length:
        length = 1
    return series, Smoothing(series.values, length)


@function("FORECAST.ETS", "naa|nnn", empty_is_none=True)
def forecast_ets(target: float, values: Operand, times: Operand, season: float = 1.0, fill: float = 1.0,
                 together: float = 1.0) -> float:
    series, smooth = _prepared(values, times, season, fill, together)
    steps = series.place(target) - (len(series.values) - 1)
    if steps < 0:
        raise Raised(NUM)
    return smooth.ahead(steps)


@function("FORECAST.ETS.CONFINT", "naa|nnnn", empty_is_none=True)
def forecast_ets_confint(target: float, values: Operand, times: Operand, share: float = 0.95, season: float = 1.0,
                         fill: float = 1.0, together: float = 1.0) -> float:
    if not 0 < share < 1:
        raise Raised(NUM)
    series, smooth = _prepared(values, times, season, fill, together)
    steps = series.place(target) - (len(series.values) - 1)
    if steps < 0:
        raise Raised(NUM)
    return normal_place(0.5 + share / 2.0) * smooth.deviation(steps)


@function("FORECAST.ETS.SEASONALITY", "aa|nn", empty_is_none=True)
def forecast_ets_seasonality(values: Operand, times: Operand, fill: float = 1.0, together: float = 1.0) -> float:
    return float(season_of(Series(values, times, fill, together).values))


@function("FORECAST.ETS.STAT", "aan|nnn", empty_is_none=True)
def forecast_ets_stat(values: Operand, times: Operand, kind: float, season: float = 1.0, fill: float = 1.0,
                      together: float = 1.0) -> float:
    """Return a weight (1 to 3), an error (4 MASE, 5 SMAPE, 6 MAE, 7 RMSE) or the step in time (8)."""
    which = int(kind)
    if not 1 <= which <= 8:
        raise Raised(NUM)
    series, smooth = _prepared(values, times, season, fill, together)
    if which <= 3:
        return float(smooth.weights[which - 1])
    if which == 8:
        return series.step
    errors, count = [abs(error) for error in smooth.errors], len(smooth.errors)
    mean = sum(errors) / count
    if which == 6:
        return mean
    if which == 7:
        return math.sqrt(sum(error * error for error in errors) / count)
    if which == 5:
        return sum(2.0 * error / (abs(value) + abs(value - found)) if value or value - found else 0.0
                   for value, found, error in zip(series.values, smooth.errors, errors, strict=True)) / count
    lag = smooth.season
    naive = [abs(b - a) for a, b in zip(series.values, series.values[lag:], strict=False)]
    if not naive or sum(naive) == 0:
        raise Raised(NUM)
    return mean / (sum(naive) / len(naive))

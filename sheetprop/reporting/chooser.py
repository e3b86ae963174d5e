"""The numbers behind the chooser: every quantity at some iterations of every learning rate, made small."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

from sheetprop.network.spec import Spec
from sheetprop.workbook.layout import Layout

# So many numbers are kept in all; about eight bytes each.
_NUMBERS = 250_000
_LEAST_POINTS = 12
_GROUPS = {"input", "target", "bias", "parameter", "forward", "error", "backward"}


@dataclass(frozen=True)
class Choice:
    """What can be chosen.

    Attributes:
        symbols: the quantities, in the order of the sheet's columns.
        words: each in plain words.
        groups: the group of each.
        rates: the learning rates.
        iterations: those that are kept, the same for all rates.
        values: for each rate, for each iteration kept, the number of each quantity; None where there is none.
        thinned: whether some iterations are left out.
    """

    symbols: tuple[str, ...]
    words: tuple[str, ...]
    groups: tuple[str, ...]
    rates: tuple[float, ...]
    iterations: tuple[int, ...]
    values: tuple[tuple[tuple[float | None, ...], ...], ...]
    thinned: bool

    def at(self, rate: int, place: int) -> dict[str, float | None]:
        """Return every quantity at one rate and one place among the iterations kept."""
        return dict(zip(self.symbols, self.values[rate][place], strict=True))

    def json(self) -> str:
        """Return everything as compact JSON that is safe inside a script element."""
        data = {
            "symbols": self.symbols, "rates": self.rates, "iterations": self.iterations,
            "values": [[[_short(value) for value in row] for row in rows] for rows in self.values],
        }
        text = json.dumps(data, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
        return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _short(value: float | None) -> float | int | None:
    """Return a number with six digits; JSON writes what is left."""
    if value is None:
        return None
    short = float(f"{value:.6g}")
    return int(short) if short == int(short) and abs(short) < 1e9 else short


def choice(layout: Layout, spec: Spec, values: dict[str, Any]) -> Choice:
    """Return the numbers to choose from.

    Args:
        layout: names the columns.
        spec: with the rates as they are now.
        values: by symbol, (rates, iterations + 1).
    """
    columns = [column for column in layout.columns if column.group in _GROUPS]
    rates = len(spec.learning_rates)
    points = max(_LEAST_POINTS, _NUMBERS // (len(columns) * rates))
    iterations = _spread(spec.iterations, points)
    grids = [values[column.symbol][:, iterations] for column in columns]
    rows = tuple(
        tuple(tuple(_finite(grid[rate, place]) for grid in grids) for place in range(len(iterations)))
        for rate in range(rates))
    return Choice(
        symbols=tuple(column.symbol for column in columns), words=tuple(column.words for column in columns),
        groups=tuple(column.group for column in columns), rates=spec.learning_rates, iterations=tuple(iterations),
        values=rows, thinned=len(iterations) < spec.iterations + 1)


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _spread(last: int, points: int) -> list[int]:
    """Return at most about so many iterations from 0 to `last`: dense at the beginning, then even."""
    if last + 1 <= points:
        return list(range(last + 1))
    dense = points // 3
    step = -(-(last - dense) // (points - dense - 1))
    return sorted({*range(dense), *range(dense, last, step), last})

"""Another program's values: put in the place of ours, and held against ours."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from sheetprop.engine.oracles import programs as oracles
from sheetprop.network import rounding, symbols
from sheetprop.network.rounding import TOLERANCE
from sheetprop.network.spec import Spec
from sheetprop.verification.numbers import Array, Numbers
from sheetprop.verification.rows import OVERFLOWING, Judged, Rows
from sheetprop.verification.run import Drift
from sheetprop.workbook.formulas import UNDERFLOW, letters
from sheetprop.workbook.layout import Layout
from sheetprop.workbook.names import HALVED

Values = Mapping[str, Mapping[str, Any]]


def evaluate(path: str | os.PathLike[str], engine: str) -> Values:
    """Return sheet -> address -> value of every formula cell, as `engine` calculates it."""
    return oracles.evaluate(path, engine)


def numbers(layout: Layout, own: Numbers, values: Values) -> Numbers:
    """Return the numbers of the learning-rate sheets with the other program's in the place of ours."""
    result: dict[str, Array] = {}
    for symbol, mine in own.values.items():
        letter = letters(layout.column_of[symbol].index)
        column = mine.copy()
        for rate, name in enumerate(layout.rate_sheets):
            theirs = values.get(name, {})
            for row in range(column.shape[1]):
                address = f"{letter}{layout.FIRST_ROW + row}"
                if address in theirs:
                    column[rate, row] = _number(theirs[address])
        result[symbol] = column
    cell = layout.RATE_CELL.replace("$", "")
    rates = np.array([_number(values.get(name, {}).get(cell, mine))
                      for name, mine in zip(layout.rate_sheets, own.rates, strict=True)])
    return Numbers(result, rates)


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else float("nan")


def against(layout: Layout, spec: Spec, own: Numbers, other: Numbers, rows: Rows, drift: Drift) -> list[Judged]:
    """Compare another program's numbers with ours, cell by cell.

    Both may drift from PyTorch's run as far as rounding carries them, so they may differ from each
    other by twice that much, and everything that is computed from the parameters accordingly.
    """
    names = spec.network.parameters()
    values: dict[str, Array] = {name: np.array(value) for name, value in spec.network.initial().items()}
    values |= own.values | {symbols.LEARNING_RATE: np.array(spec.learning_rates)[:, None]}
    given = {name: 2.0 * drift.columns[name].size for name in names}
    sizes = rounding.sizes(layout.equations, values, UNDERFLOW / TOLERANCE, given)
    comparable = np.logical_and.reduce([drift.columns[name].compared for name in names])
    judged = []
    for symbol, mine in own.values.items():
        if symbol == HALVED or symbol not in rows.columns:
            continue
        size = np.broadcast_to(sizes.get(symbol, np.abs(mine)), mine.shape)
        compared = comparable & (size <= OVERFLOWING) & np.isfinite(mine)
        with np.errstate(all="ignore"):
            differs = compared & ~(np.abs(other.values[symbol] - mine) <= TOLERANCE * size)
        judged.append(Judged(symbol, other.values[symbol], mine, size, compared, differs))
    _first_only(layout, judged)
    return judged


def _first_only(layout: Layout, judged: list[Judged]) -> None:
    """Leave as roots only the first cells that differ in each sheet: what comes after may follow from them."""
    differing = np.logical_or.reduce([one.differs for one in judged])
    for rate in range(len(layout.rate_sheets)):
        if not differing[rate].any():
            continue
        row = int(differing[rate].argmax())
        named = False
        for one in sorted(judged, key=lambda one: layout.column_of[one.symbol].index):
            first = one.differs[rate, row] and not named
            one.root[rate] = False
            one.root[rate, row] = first
            named = named or bool(first)

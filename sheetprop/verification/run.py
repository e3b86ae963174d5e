"""The run: where an independent PyTorch run from the initial values is at every iteration.

Two correct programs drift apart, because each rounds in its own way and learning passes the
difference on. How far is measured and not guessed: copies of the PyTorch run are pushed in every step by a few
units in the last place of the step's terms. What they drift apart is natural; a run of the sheet
that is much further away is a fault.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sheetprop.network import symbols
from sheetprop.network.reference_process import Reference
from sheetprop.network.rounding import TOLERANCE
from sheetprop.network.spec import Spec
from sheetprop.verification.numbers import Array, Mask, Numbers
from sheetprop.verification.rows import OVERFLOWING, Judged, Rows

# Each copy is pushed by so much of the size of a step's terms: four times what rounding does.
PUSH = 4 * 2.0**-53

# The sheet may be so many times further away than the copies, which are few.
_MARGIN = 16.0

# From here on, relative to the largest parameter, a comparison of two runs says nothing.
_LOST = 1e-3


@dataclass(frozen=True)
class Drift:
    """The comparison of the runs.

    Attributes:
        columns: E_total and the parameters against the undisturbed run, (rates, rows).
        lost: by learning rate the first iteration at which rounding alone has grown so far that the
            runs cannot be compared any more, or None.
        grown: by learning rate the largest drift of the copies while they are comparable, relative to
            the largest parameter.
    """

    columns: dict[str, Judged]
    lost: tuple[int | None, ...]
    grown: tuple[float, ...]


def check(spec: Spec, numbers: Numbers, rows: Rows, usable: Mask, reference: Reference,
          push: float = PUSH) -> Drift:
    """Compare the sheet's run with one of PyTorch's own.

    Args:
        spec: with the learning rates as they are now.
        numbers: what stands in the sheets.
        rows: the check row by row.
        usable: (rates, rows), False from the first row on that a fault or an unfilled cell spoils.
        reference: PyTorch.
        push: how hard the copies are pushed, relative to the size of a step's terms.
    """
    names = spec.network.parameters()
    noise = np.zeros(rows.following.shape)
    steps = rows.following[:, :-1]
    noise[:, 1:] = push * np.where(steps <= OVERFLOWING, steps, 0.0)
    with np.errstate(all="ignore"):
        runs = reference.run(spec, noise)
        plain = runs.parameters[0]
        drift = _largest_so_far(np.abs(runs.parameters[1:] - plain))
        total_drift = _largest_so_far(np.abs(runs.total[1:] - runs.total[0]))
        largest = np.max(np.abs(plain), axis=-1)
        share = _MARGIN * drift.max(axis=-1) / np.where(largest > 0, largest, 1.0)
    finite = np.isfinite(plain).all(axis=-1) & np.isfinite(runs.total[0])
    gone = ~(share <= _LOST) & finite
    comparable = usable & finite & ~np.logical_or.accumulate(gone, axis=1)
    columns: dict[str, Judged] = {}
    for position, name in enumerate(names):
        step = rows.following[:, :-1, position]
        size = np.concatenate([np.abs(plain[:, :1, position]), step], axis=1)
        columns[name] = _judge(
            name, numbers.values[name], plain[:, :, position], size, drift[:, :, position], comparable)
    total = rows.columns[symbols.TOTAL]
    columns[symbols.TOTAL] = _judge(symbols.TOTAL, total.found, runs.total[0], total.size, total_drift, comparable)
    lost = tuple(int(row.argmax()) if row.any() else None for row in gone & usable)
    still = np.where(comparable, share / _MARGIN, 0.0)
    return Drift(columns, lost, tuple(float(row.max(initial=0.0)) for row in still))


def _largest_so_far(drift: Array) -> Array:
    """Return the largest drift of any copy up to each iteration; axes copies, rates, iterations, ..."""
    largest: Array = np.maximum.accumulate(np.where(np.isfinite(drift), drift, np.inf).max(axis=0), axis=1)
    return largest


def _judge(symbol: str, found: Array, expected: Array, size: Array, drift: Array, comparable: Mask) -> Judged:
    allowed = size + _MARGIN * drift / TOLERANCE
    compared = comparable & (allowed <= OVERFLOWING)
    with np.errstate(all="ignore"):
        differs = compared & ~(np.abs(found - expected) <= TOLERANCE * allowed)
    return Judged(symbol, found, expected, allowed, compared, differs)

"""Goal seek: which number in one cell gives another cell a value, by Newton's method with the workbook's own gradient.

Where a formula has no derivative, or it is 0, the slope between two points stands in (the secant); once
two points lie on both sides of the value, they are kept apart by bisection, so that a step that overshoots
is no harm.
"""

from __future__ import annotations

import math

from sheetprop.engine.access.setting import set_cells
from sheetprop.engine.calculation.precedents import formula_at
from sheetprop.engine.calculation.session import Session
from sheetprop.errors import SheetpropError

TYPE_CHECKING = False  # typing costs a small workbook's time; mypy knows this name
if TYPE_CHECKING:
    from typing import Any

    from sheetprop.engine.tracing.function import Function

_STEPS = 100


class Goal:
    """What a search found.

    Attributes:
        target: the cell that was to have a value.
        by: the cell that was changed.
        value: what `by` holds now.
        before: what it held before.
        reached: what `target` gives.
        steps: how often the workbook was evaluated.
        method: "newton", or "secant" where no derivative was to be had.
    """

    def __init__(self, target: str, by: str, value: float, before: float, reached: float, steps: int,
                 method: str) -> None:
        self.target = target
        self.by = by
        self.value = value
        self.before = before
        self.reached = reached
        self.steps = steps
        self.method = method

    def __repr__(self) -> str:
        return f"<Goal {self.target} = {self.reached!r} by {self.by} = {self.value!r}, {self.steps} steps>"

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain data, for JSON."""
        return dict(vars(self))


class _Search:
    """Evaluates the distance from the value and its slope, and remembers the nearest points on both sides."""

    def __init__(self, function: Function, value: float) -> None:
        self.function = function
        self.value = value
        self.steps = 0
        self.smooth = True
        self.low: tuple[float, float] | None = None
        self.high: tuple[float, float] | None = None

    def at(self, x: float) -> tuple[float, float]:
        """Return the distance from the value at `x` and the slope there, NaN where there is none."""
        import numpy as np

        self.steps += 1
        slope = math.nan
        if self.smooth:
            try:
                with np.errstate(all="ignore"):
                    found, slopes = self.function.value_and_gradient(np.array([x]))
                gap = float(np.asarray(found).reshape(-1)[0]) - self.value
                slope = float(np.asarray(slopes).reshape(-1)[0])
                if math.isfinite(gap):
                    return self.kept(x, gap), slope
            except SheetpropError:
                self.smooth = False
        with np.errstate(all="ignore"):
            gap = float(np.asarray(self.function(np.array([[x]]))).reshape(-1)[0]) - self.value
        return self.kept(x, gap), math.nan if not self.smooth else slope

    def kept(self, x: float, gap: float) -> float:
        if gap < 0 and (self.low is None or gap > self.low[1] or self.high is not None):
            self.low = (x, gap)
        elif gap > 0 and (self.high is None or gap < self.high[1] or self.low is not None):
            self.high = (x, gap)
        return gap


def goal_seek(session: Session, target: str, value: float, by: str, tolerance: float) -> Goal:
    """Find the number with which a cell has a value, and put it there; see `Book.goal_seek`."""
    from sheetprop.engine.tracing.function import Function

    if not isinstance(value, int | float) or not math.isfinite(value):
        raise SheetpropError(f"goal: {value!r} is no number to reach; give one")
    function = Function(session, [by], [target])
    if len(function.input_cells) != 1 or len(function.output_cells) != 1:
        raise SheetpropError("goal: give one cell to reach the value and one to change")
    session.settled()
    before = session.value(function.input_cells[0])
    spelled, goal = function.input_cells[0], function.output_cells[0]
    if before is not None and type(before) is not float:
        raise SheetpropError(f"{spelled}: holds {before!r}, where the search needs a number to begin with; set one")
    if formula_at(*session.area(by)[:3]) is not None:
        raise SheetpropError(f"{spelled}: holds a formula; choose a cell with a number to change")
    start = before if isinstance(before, float) else 0.0
    search = _Search(function, float(value))
    near = tolerance * max(1.0, abs(value)) if tolerance > 0 else 0.0
    x, gap = _found(search, start, near, goal)
    del gap
    set_cells(session, by, x, header=False)
    session.settled()
    reached = session.value(goal)
    if type(reached) is not float or abs(reached - value) > max(near * 10, 1e-6 * max(1.0, abs(value))):
        set_cells(session, by, before, header=False)
        raise SheetpropError(f"{goal}: is {reached!r} with {spelled} = {x!r}, which the search did not expect; "
                             "nothing was changed")
    return Goal(goal, spelled, x, start, reached, search.steps, "newton" if search.smooth else "secant")


def _found(search: _Search, start: float, near: float, goal: str) -> tuple[float, float]:
    """Return a point where the distance is at most `near`, and that distance.

    Raises:
        SheetpropError: there is none that was found.
    """
    x = start
    gap, slope = search.at(x)
    if not math.isfinite(gap):
        raise SheetpropError(f"{goal}: has no number to begin with; set the cell to change to a value that gives one")
    best = (abs(gap), x)
    last: tuple[float, float] | None = None
    while search.steps < _STEPS:
        if abs(gap) <= near:
            return _polished(search, x, gap, slope)
        step = -gap / slope if math.isfinite(slope) and slope else math.nan
        if not math.isfinite(step) and last is not None and gap != last[1]:
            step = -gap * (x - last[0]) / (gap - last[1])
        if not math.isfinite(step) or step == 0.0:
            step = max(abs(x), 1.0) * 0.01 * (1 if search.steps % 2 else -1) * 2.0 ** (search.steps // 4)
        new = x + step
        if search.low is not None and search.high is not None:
            left, right = sorted((search.low[0], search.high[0]))
            if not left < new < right:
                new = (left + right) / 2
            if new in (left, right):
                break
        tried, tried_slope = search.at(new)
        # A step to where there is no number, or much further away, is halved.
        while (not math.isfinite(tried) or (abs(tried) > 2 * abs(gap) and not _between(search))) \
                and search.steps < _STEPS and new != x:
            new = x + (new - x) / 2
            tried, tried_slope = search.at(new)
        if not math.isfinite(tried):
            break
        last, x, gap, slope = (x, gap), new, tried, tried_slope
        best = min(best, (abs(gap), x))
    if best[0] <= near:
        return best[1], best[0]
    nearest = search.value + (search.at(best[1])[0] if math.isfinite(best[0]) else 0.0)
    raise SheetpropError(f"{goal}: nothing was found that gives {search.value:g}; the nearest was {nearest:g} with "
                         f"{best[1]:g}; begin somewhere else")


def _between(search: _Search) -> bool:
    return search.low is not None and search.high is not None


def _polished(search: _Search, x: float, gap: float, slope: float) -> tuple[float, float]:
    """Take more steps of Newton's method, as long as they come nearer still."""
    for _ in range(5):
        if not gap or not math.isfinite(slope) or not slope:
            break
        new = x - gap / slope
        if new == x or not math.isfinite(new):
            break
        nearer, steeper = search.at(new)
        if not math.isfinite(nearer) or abs(nearer) >= abs(gap):
            break
        x, gap, slope = new, nearer, steeper
    return x, gap

"""What each learning rate does, made from its numbers: how the error falls, and how one knows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from sheetprop.reporting.words import listed, many, number, percent, plain

Array = npt.NDArray[np.float64]
Behaviour = Literal["unmoved", "overflowed", "diverged", "oscillates", "saturated", "converged", "still learning"]

THRESHOLDS = (0.5, 0.1, 0.01)
"""Shares of the first error whose reaching is timed."""

_SHARES = {0.5: "half", 0.1: "a tenth", 0.01: "a hundredth"}
# A gradient of this share of its largest length counts as gone.
_FLAT = 0.01
# A run that has converged changes the error by at most this share in its last step, or has this share left of it.
_STILL, _NOTHING_LEFT = 0.01, 1e-8
# A rise smaller than this share is rounding.
_ROUNDING = 1e-12
# A run oscillates when the error rises in this share of the steps of its second half.
_RISING = 0.05
# So many last values tell whether a run jumps to and fro, and a jump has at least this share of the size.
_JUMPS, _JUMP = 6, 1e-3
# An output is stuck where its slope is at most this share of the steepest and it is so far from its target.
_STUCK = ((0.05, 0.1), (1e-3, 1e-3))
# η times the iterations to a threshold counts as constant within this ratio.
_CONSTANT = 1.35


@dataclass(frozen=True)
class Run:
    """The numbers of one learning rate; arrays are (iterations + 1,).

    Attributes:
        total: E_total.
        gradient: length of the gradient over all parameters.
        parameters: by symbol, what is learned.
        outputs: by symbol, each output with its target and the share of its steepest slope that it has left.
    """

    total: Array
    gradient: Array
    parameters: Mapping[str, Array] = field(default_factory=dict)
    outputs: Mapping[str, tuple[Array, float, Array]] = field(default_factory=dict)


@dataclass(frozen=True)
class Course:
    """How the error of one learning rate went.

    Attributes:
        sheet: where it stands.
        rate: the learning rate.
        first, last: E_total at the first and the last iteration; None where it is no number.
        lowest, lowest_at: the smallest E_total and its iteration.
        steps: number of updates.
        rises: number of updates after which the error was larger.
        reached: for each of `THRESHOLDS` the first iteration at or below that share of the first error.
        gradient_first, gradient_largest, gradient_last: length of the gradient over all parameters.
        overflow_at: first iteration without a number.
        behaviour: in a word.
        evidence: how one knows, in a sentence.
    """

    sheet: str
    rate: float
    first: float | None
    last: float | None
    lowest: float | None
    lowest_at: int | None
    steps: int
    rises: int
    reached: tuple[int | None, ...]
    gradient_first: float | None
    gradient_largest: float | None
    gradient_last: float | None
    overflow_at: int | None
    behaviour: Behaviour
    evidence: str


def course(sheet: str, rate: float, run: Run) -> Course:
    """Return the course of one learning rate.

    Args:
        sheet: its name.
        rate: η.
        run: its numbers.
    """
    total, gradient = run.total, run.gradient
    finite = np.isfinite(total)
    overflow_at = None if finite.all() else int(np.argmin(finite))
    sound = total[:overflow_at]
    lowest_at = int(sound.argmin()) if sound.size else None
    with np.errstate(all="ignore"):
        rising = np.diff(sound) > _ROUNDING * np.abs(sound[:-1])
    reached = tuple(_first_below(sound, share) for share in THRESHOLDS)
    steep = gradient[np.isfinite(gradient)]
    largest = float(steep.max()) if steep.size else None
    behaviour, evidence = _judge(rate, run, rising, overflow_at, largest)
    return Course(
        sheet=sheet, rate=rate, first=_finite(total[0]), last=_finite(total[-1]),
        lowest=None if lowest_at is None else float(sound[lowest_at]), lowest_at=lowest_at,
        steps=len(total) - 1, rises=int(rising.sum()), reached=reached, gradient_first=_finite(gradient[0]),
        gradient_largest=largest, gradient_last=_finite(gradient[-1]), overflow_at=overflow_at,
        behaviour=behaviour, evidence=evidence)


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _first_below(total: Array, share: float) -> int | None:
    if not total.size:
        return None
    below = total <= share * total[0]
    return int(below.argmax()) if below.any() and total[0] > 0 else None


def _judge(
    rate: float, run: Run, rising: npt.NDArray[np.bool_], overflow_at: int | None, largest: float | None,
) -> tuple[Behaviour, str]:
    total = run.total
    first, last = float(total[0]), float(total[-1])
    if overflow_at is not None:
        return "overflowed", _overflow(total, overflow_at)
    if rate == 0:
        return "unmoved", "η is 0, so nothing ever changes"
    moving = [name for name, values in run.parameters.items() if (values != values[0]).any()]
    if bool((total == total[0]).all()) and not moving:
        return "unmoved", "E_total never changes" + (
            ": the gradient is 0 from the first iteration on" if run.parameters or not run.gradient.any() else "")
    if jump := _jump(run, rising):
        return "oscillates", jump
    if ragged := _ragged(total, rising):
        return "oscillates", ragged
    if last > first * (1 + _ROUNDING):
        start = len(total) - int((total[::-1] <= first * (1 + _ROUNDING)).argmax())
        return "diverged", (f"E_total is above its first value, {number(first)}, from iteration {start:,} on, and "
                            f"ends at {number(last)}")
    return _settled(run, largest)


def _overflow(total: Array, overflow_at: int) -> str:
    """Say where a run left all bounds."""
    above = total[:overflow_at] > total[0] * (1 + _ROUNDING) if overflow_at else np.zeros(0, dtype=bool)
    if not above.size or not above[-1]:
        return f"no number is left at iteration {overflow_at:,}"
    start = overflow_at - int((~above[::-1]).argmax())
    return (f"diverges: E_total is above its first value from iteration {start:,} on, and no number is left at "
            f"iteration {overflow_at:,}")


def _ragged(total: Array, rising: npt.NDArray[np.bool_]) -> str:
    """Say between which bounds E_total goes up and down in the second half of the run, if these do not grow."""
    late = rising[len(rising) // 2:]
    quarter = max(2, len(total) // 4)
    end, before = total[-quarter:], total[:-quarter]
    least = max(2.0, _RISING * late.size)
    if late.sum() < least or (~late).sum() < 2 or not before.size or np.ptp(end) <= 1e-6 * total[0]:
        return ""
    if end.max() > 1.5 * before.max():
        return ""
    return (f"E_total rises in {many(int(rising.sum()), 'step')} of {rising.size:,}, at the end between "
            f"{number(float(end.min()))} and {number(float(end.max()))}")


def _jump(run: Run, rising: npt.NDArray[np.bool_]) -> str:
    """Say between which two values E_total or a parameter jumps to and fro at the end of the run, if one does."""
    if len(run.total) <= _JUMPS:
        return ""
    for name, values in [("E_total", run.total), *run.parameters.items()]:
        tail = values[-_JUMPS:]
        steps = np.diff(tail)
        size = max(float(np.abs(tail).max()), 1e-300)
        alternates = bool((np.sign(steps[1:]) == -np.sign(steps[:-1])).all())
        lasting = 0.9 * np.abs(steps[0]) <= np.abs(steps[-1]) <= 1.5 * np.abs(steps[0])
        if alternates and lasting and np.abs(steps).min() > _JUMP * size:
            text = f"{name} jumps between {number(float(min(tail[-2:])))} and {number(float(max(tail[-2:])))}"
            if name == "E_total":
                return f"{text} at the end, and rises in {many(int(rising.sum()), 'step')} of {rising.size:,}"
            same = np.ptp(run.total[-_JUMPS:]) <= _JUMP * abs(run.total[-1])
            return text + (f" and back, which leaves E_total at {number(float(run.total[-1]))}" if same else "")
    return ""


def _settled(run: Run, largest: float | None) -> tuple[Behaviour, str]:
    """Tell a run that neither rises nor jumps: stuck, at its end, or on its way."""
    total = run.total
    first, last = float(total[0]), float(total[-1])
    share = float(run.gradient[-1]) / largest if largest else 0.0
    fall = 1.0 - last / float(total[-2]) if len(total) > 1 and total[-2] else 0.0
    if share <= _FLAT or abs(fall) <= _FLAT * _STILL:
        for name, (values, target, slope) in run.outputs.items():
            if any(slope[-1] <= level and abs(values[-1] - target) > far for level, far in _STUCK):
                return "saturated", (f"{name} is stuck at {number(float(values[-1]), 4)} where {plain(target)} is "
                                     "wanted: "
                                     f"its activation is so flat there that the gradient has {percent(share)} of its "
                                     "largest length left")
    if last <= _NOTHING_LEFT * first:
        return "converged", f"E_total has {percent(last / first if first else 0.0)} of its first value left"
    if share <= _FLAT and abs(fall) <= _STILL:
        return "converged", (f"the gradient has shrunk to {percent(share)} of its largest length, "
                             f"and the last step changes E_total by {percent(abs(fall))}")
    return "still learning", (f"the gradient still has {percent(share)} of its largest length, and the last step still "
                              f"lowers E_total by {percent(fall)}")


def reached_shares(courses: Sequence[Course]) -> list[tuple[int, str]]:
    """Return position in `THRESHOLDS` and name of the shares worth a column: half, and those that a rate reaches."""
    return [(k, _SHARES[share]) for k, share in enumerate(THRESHOLDS)
            if k == 0 or any(c.reached[k] is not None for c in courses)]


def words(courses: Sequence[Course]) -> list[str]:
    """Return paragraphs about what the learning rate does here."""
    paragraphs = [_ends(courses), _speed(courses), _convergence(courses), _trouble(courses)]
    return [text for text in paragraphs if text]


def _eta(course: Course) -> str:
    return f"η\u00a0=\u00a0{plain(course.rate)}"


def _rates(courses: Sequence[Course]) -> str:
    """Return ``η = 1, 2 and 3``; of many only how many and between which."""
    if len(courses) > 8:
        values = [c.rate for c in courses]
        return f"{len(courses)} rates from η\u00a0=\u00a0{plain(min(values))} to {plain(max(values))}"
    return "η\u00a0=\u00a0" + listed([plain(c.rate) for c in courses])


def _ends(courses: Sequence[Course]) -> str:
    ended = [c for c in courses if c.last is not None and c.first]
    if not ended:
        return ""
    best = min(ended, key=lambda c: c.last or 0.0)
    worst = max(ended, key=lambda c: c.last or 0.0)
    steps = many(best.steps, "update")
    if (best.last or 0.0) >= (best.first or 0.0):
        return f"No run has lowered the error in {steps}: it began at {number(best.first)}."
    text = (f"After {steps} the error is smallest with {_eta(best)}: {number(best.last)}, which is "
            f"{percent((best.last or 0.0) / (best.first or 1.0))} of the first.")
    if worst is not best:
        text += (f" It is largest with {_eta(worst)}: {number(worst.last)}, or "
                 f"{percent((worst.last or 0.0) / (worst.first or 1.0))}.")
    return text


def _speed(courses: Sequence[Course]) -> str:
    sentences = []
    for position, name in reached_shares(courses):
        timed = [(c, c.reached[position]) for c in courses]
        there = [(c, k) for c, k in timed if k is not None]
        absent = [c for c, k in timed if k is None]
        if not there:
            sentences.append(f"No rate brings the error down to {name} of the first within "
                             f"{many(courses[0].steps, 'update')}.")
            continue
        fastest, count = min(there, key=lambda pair: pair[1])
        text = f"{_eta(fastest)} is the fastest to {name} of the first error, with {many(count, 'update')}"
        if len(there) > 1:
            slowest, most = max(there, key=lambda pair: pair[1])
            text += f"; {_eta(slowest)} needs {most:,}"
        if absent:
            text += f"; {_rates(absent)} {'does' if len(absent) == 1 else 'do'} not get there"
        sentences.append(text + ".")
    sentences.append(_product(courses))
    return " ".join(s for s in sentences if s)


def _product(courses: Sequence[Course]) -> str:
    """Say whether η times the updates to half of the error is a constant, as it is while steps are small."""
    products = [c.rate * c.reached[0] for c in courses if c.reached[0] and c.rate > 0]
    if len(products) < 3:
        return ""
    low, high = min(products), max(products)
    text = f"η times the updates to half of the error lies between {number(low, 3)} and {number(high, 3)}"
    if high <= _CONSTANT * low:
        return text + ": nearly a constant, so twice the rate takes about half the updates."
    return text + ": no constant, so a larger rate does not simply do the same in fewer updates."


def _convergence(courses: Sequence[Course]) -> str:
    done = [c for c in courses if c.behaviour == "converged"]
    learning = [c for c in courses if c.behaviour == "still learning"]
    if done:
        text = f"Converged: {_rates(done)}. "
        text += " ".join(f"With {_eta(c)} {c.evidence}." for c in done[:3])
    else:
        text = "No run has converged."
    if learning:
        least = min(learning, key=lambda c: (c.gradient_last or 0.0) / (c.gradient_largest or 1.0))
        text += f" Still learning: {_rates(learning)}."
        text += f" With {_eta(least)}, the nearest to its end, {least.evidence}."
    text += (f" A run counts as converged here when the gradient over all weights is at most {percent(_FLAT, 1)} "
             f"of its largest length in that run and the last step changes the error by at most {percent(_STILL, 1)}, "
             "no output being stuck far from its target.")
    return text


def _trouble(courses: Sequence[Course]) -> str:
    parts = []
    for behaviour, verb in (("overflowed", "Overflowed"), ("diverged", "Diverged"), ("oscillates", "Oscillates"),
                            ("saturated", "Saturated"), ("unmoved", "Does not move")):
        found = [c for c in courses if c.behaviour == behaviour]
        if found:
            parts.append(f"{verb}: {_rates(found)}. With {_eta(found[0])} {found[0].evidence}.")
    if parts:
        return " ".join(parts)
    rises = sum(c.rises for c in courses)
    if rises == 0:
        return ("No run diverged or oscillated: in none of the sheets does E_total ever stand above the one "
                "in the row before.")
    rising = [c for c in courses if c.rises]
    return (f"No run diverged, but not every step helps: E_total rises in {many(rises, 'step')} "
            f"({_rates(rising)}).")

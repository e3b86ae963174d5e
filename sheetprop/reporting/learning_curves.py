"""What each learning rate does, made from its numbers: how the error falls, and how one knows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from sheetprop.reporting.words import listed, many, number, percent, plain

Array = npt.NDArray[np.float64]
Behaviour = Literal["unmoved", "overflowed", "diverged", "oscillates", "converged", "still learning"]

THRESHOLDS = (0.5, 0.1, 0.01)
"""Shares of the first error whose reaching is timed."""

_SHARES = {0.5: "half", 0.1: "a tenth", 0.01: "a hundredth"}
# A gradient of this share of its largest length counts as gone.
_FLAT = 0.01
# A rise smaller than this share is rounding.
_ROUNDING = 1e-12
# A run oscillates when the error rises in this share of the steps of its second half.
_RISING = 0.05
# η times the iterations to a threshold counts as constant within this ratio.
_CONSTANT = 1.35


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


def course(sheet: str, rate: float, total: Array, gradient: Array) -> Course:
    """Return the course of one learning rate.

    Args:
        sheet: its name.
        rate: η.
        total: E_total, (iterations + 1,).
        gradient: length of the gradient, (iterations + 1,).
    """
    finite = np.isfinite(total)
    overflow_at = None if finite.all() else int(np.argmin(finite))
    sound = total[:overflow_at]
    lowest_at = int(sound.argmin()) if sound.size else None
    with np.errstate(all="ignore"):
        rising = np.diff(sound) > _ROUNDING * np.abs(sound[:-1])
    reached = tuple(_first_below(sound, share) for share in THRESHOLDS)
    steep = gradient[np.isfinite(gradient)]
    largest = float(steep.max()) if steep.size else None
    behaviour, evidence = _judge(rate, total, rising, overflow_at, gradient, largest)
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
    rate: float, total: Array, rising: npt.NDArray[np.bool_], overflow_at: int | None, gradient: Array,
    largest: float | None,
) -> tuple[Behaviour, str]:
    first, last = float(total[0]), float(total[-1])
    if overflow_at is not None:
        return "overflowed", f"no number is left at iteration {overflow_at:,}"
    if rate == 0 or bool((total == total[0]).all()):
        return "unmoved", "E_total never changes" + (", since η is 0" if rate == 0 else "")
    if last > first * (1 + _ROUNDING):
        return "diverged", f"E_total ends at {number(last)}, above the {number(first)} where it began"
    late = rising[len(rising) // 2:]
    if late.sum() >= max(2.0, _RISING * late.size) and np.ptp(total[-max(2, len(total) // 4):]) > 1e-6 * first:
        return "oscillates", f"E_total rises in {many(int(rising.sum()), 'step')} of {rising.size:,}"
    end = float(gradient[-1])
    share = end / largest if largest else 0.0
    fall = 1.0 - last / float(total[-2]) if len(total) > 1 and total[-2] else 0.0
    still = f"the last step still lowers E_total by {percent(fall)}"
    if share <= _FLAT:
        return "converged", (f"the gradient has shrunk to {percent(share)} of its largest length, "
                             f"and the last step changes E_total by {percent(abs(fall))}")
    return "still learning", f"the gradient still has {percent(share)} of its largest length, and {still}"


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
             "of its largest length in that run: where the gradient is gone, further steps change nothing.")
    return text


def _trouble(courses: Sequence[Course]) -> str:
    parts = []
    for behaviour, verb in (("overflowed", "Overflowed"), ("diverged", "Diverged"), ("oscillates", "Oscillates"),
                            ("unmoved", "Does not move")):
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

"""What the report says about a learning rate follows from its numbers."""

from __future__ import annotations

import numpy as np
import pytest

from sheetprop.reporting.learning_curves import Course, Run, course, reached_shares, words

STEPS = np.arange(101)


FALLING = 0.2 * 0.9**STEPS
FLAT = np.full(101, 0.1)
TO_AND_FRO = (STEPS % 2).astype(float)


def made(total: np.ndarray, gradient: np.ndarray = FLAT, rate: float = 0.5) -> Course:
    return course("LR", rate, Run(total, gradient))


def stuck(value: float, target: float) -> dict[str, tuple[np.ndarray, float, np.ndarray]]:
    values = np.full(101, value)
    return {"a_o1": (values, target, 4 * values * (1 - values))}


# What a run looks like, what it is called, and what its evidence says.
RUNS = {
    "slow": (Run(0.2 * 0.99**STEPS, FLAT), "still learning", "lowers E_total by 1.0 %"),
    "at its end": (Run(0.1 + 0.1 * 0.9**STEPS, FALLING), "converged", "has shrunk to 0.0027 %"),
    "nothing left": (Run(0.2 * 0.25**STEPS, 0.1 * 0.5**STEPS), "converged", "of its first value left"),
    "steps of 75 %": (Run(0.2 * 0.25**STEPS[:6], 0.1 * 0.25**STEPS[:6]), "still learning", "lowers E_total by 75 %"),
    "rising": (Run(0.2 * 1.01**STEPS, FLAT), "diverged", "from iteration 1 on"),
    "first down, then up": (Run(0.2 + 1e-4 * ((STEPS - 20.0) ** 2 - 400), FLAT), "diverged", "from iteration 41 on"),
    "to and fro": (Run(0.14 + 0.05 * (-1.0) ** STEPS, FLAT), "oscillates",
                   "E_total jumps between 0.0900000 and 0.190000"),
    "to and fro above the start": (Run(np.where(STEPS == 0, 0.2, 0.5 + 0.1 * TO_AND_FRO), FLAT), "oscillates",
                                   "jumps between 0.500000 and 0.600000"),
    "a weight to and fro": (Run(np.full(101, 0.125), FLAT, {"w1": TO_AND_FRO}), "oscillates",
                            "w1 jumps between 0 and 1.00000 and back, which leaves E_total at 0.125000"),
    "dying away": (Run(0.1 + 0.05 * (-0.7) ** STEPS, 0.1 * 0.7**STEPS), "converged", "has shrunk"),
    "ragged": (Run(0.1 + 0.05 * np.sin(STEPS * 0.9), FLAT), "oscillates", "at the end between 0.05"),
    "swinging ever wider": (Run(2 + 1e-3 * (-1.2) ** (STEPS[:41]), FLAT[:41]), "diverged", "and ends at"),
    "swinging out": (Run(0.1 + 1e-3 * 1.3**STEPS[:60] * (1 + np.sin(STEPS[:60] * 0.9)), FLAT[:60]), "diverged",
                     "and ends at"),
    "overflow": (Run(np.where(STEPS < 50, 0.2 * 2.0**STEPS, np.nan), FLAT), "overflowed",
                 "diverges: E_total is above its first value from iteration 1 on, and no number is left at iteration "
                 "50"),
    "overflow at once": (Run(np.where(STEPS < 1, 0.2, np.nan), FLAT), "overflowed", "no number is left at iteration 1"),
    "stuck at 1": (Run(np.full(101, 0.49) - 1e-9 * STEPS, 1e-5 * 0.999**STEPS, {"w1": 1.0 * STEPS}, stuck(0.9999, 0.0)),
                   "saturated", "a_o1 is stuck at 0.9999 where 0 is wanted"),
    "stuck after a leap": (Run(np.where(STEPS == 0, 0.5, 0.49), np.where(STEPS == 0, 0.1, 1e-6), {"w1": 1.0 * STEPS},
                               stuck(0.0001, 0.99)), "saturated", "a_o1 is stuck at 0.0001000 where 0.99 is wanted"),
    "stuck at the limit near its target": (Run(np.full(101, 5e-5), 1e-9 * 0.999**STEPS + np.where(STEPS < 3, 0.1, 0),
                                               {"w1": 1.0 * STEPS}, stuck(1 - 1e-9, 0.99)), "saturated",
                                           "is stuck at 1"),
    "near its target": (Run(0.1 + 0.1 * 0.9**STEPS, FALLING, {}, stuck(0.98, 0.99)), "converged", "has shrunk"),
    "still": (Run(np.full(101, 0.2), np.zeros(101), {"w1": np.ones(101)}), "unmoved", "the gradient is 0"),
}


@pytest.mark.parametrize("name", RUNS)
def test_behaviour_is_told_from_the_numbers(name: str) -> None:
    run, behaviour, evidence = RUNS[name]
    told = course("LR", 0.5, run)
    assert (told.behaviour, evidence in told.evidence) == (behaviour, True), told.evidence


def test_a_rate_of_zero_moves_nothing() -> None:
    assert made(np.full(101, 0.2), rate=0.0).evidence == "η is 0, so nothing ever changes"


def test_rounding_alone_is_no_rise() -> None:
    total = 0.2 + 1e-15 * (-1.0) ** STEPS
    assert made(total).rises == 0


def test_iterations_to_a_share_are_counted() -> None:
    assert made(0.2 * 0.5**STEPS, 0.1 * 0.5**STEPS).reached == (1, 4, 7)


def test_a_share_that_nobody_reaches_gets_no_column() -> None:
    slow = made(0.2 * 0.999**STEPS)
    assert [name for _, name in reached_shares([slow])] == ["half"]
    assert "No rate brings the error down to half" in " ".join(words([slow]))


def test_constant_product_is_noticed() -> None:
    runs = [made(0.2 * 0.5 ** (rate * STEPS / 10), rate=rate) for rate in (0.5, 1.0, 2.0)]
    assert "nearly a constant" in " ".join(words(runs))


def test_divergence_is_said_with_its_evidence() -> None:
    run = made(0.2 * 1.01**STEPS, rate=3.0)
    assert "Diverged: η\u00a0=\u00a03." in words([run])[-1]
    assert "from iteration 1 on" in words([run])[-1]

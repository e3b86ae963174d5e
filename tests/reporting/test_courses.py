"""What the report says about a learning rate follows from its numbers."""

from __future__ import annotations

import numpy as np
import pytest

from sheetprop.reporting.learning_curves import course, reached_shares, words

STEPS = np.arange(101)


def steady(total: np.ndarray, rate: float = 0.5, gradient: np.ndarray | None = None) -> object:
    return course("LR", rate, total, np.full(total.shape, 0.1) if gradient is None else gradient)


@pytest.mark.parametrize(("total", "gradient", "behaviour"), [
    (0.2 * 0.99**STEPS, np.full(101, 0.1), "still learning"),
    (0.2 * 0.9**STEPS, 0.1 * 0.9**STEPS, "converged"),
    (0.2 * 1.01**STEPS, np.full(101, 0.1), "diverged"),
    (0.2 + 0.05 * (-1.0) ** (STEPS + 1) * (STEPS > 2) - 0.06 * (STEPS > 2), np.full(101, 0.1), "oscillates"),
    (np.where(STEPS < 50, 0.2 * 2.0**STEPS, np.nan), np.full(101, 0.1), "overflowed"),
    (np.full(101, 0.2), np.full(101, 0.1), "unmoved"),
])
def test_behaviour_is_told_from_the_numbers(total: np.ndarray, gradient: np.ndarray, behaviour: str) -> None:
    assert course("LR", 0.5, total, gradient).behaviour == behaviour


def test_rounding_alone_is_no_rise() -> None:
    total = 0.2 + 1e-15 * (-1.0) ** STEPS
    assert course("LR", 0.5, total, np.full(101, 0.1)).rises == 0


def test_iterations_to_a_share_are_counted() -> None:
    made = course("LR", 0.5, 0.2 * 0.5**STEPS, 0.1 * 0.5**STEPS)
    assert made.reached == (1, 4, 7)


def test_a_share_that_nobody_reaches_gets_no_column() -> None:
    slow = course("LR", 0.5, 0.2 * 0.999**STEPS, np.full(101, 0.1))
    assert [name for _, name in reached_shares([slow])] == ["half"]
    assert "No rate brings the error down to half" in " ".join(words([slow]))


def test_constant_product_is_noticed() -> None:
    made = [course("LR", rate, 0.2 * 0.5 ** (rate * STEPS / 10), np.full(101, 0.1)) for rate in (0.5, 1.0, 2.0)]
    assert "nearly a constant" in " ".join(words(made))


def test_divergence_is_said_with_its_evidence() -> None:
    made = course("LR", 3.0, 0.2 * 1.01**STEPS, np.full(101, 0.1))
    assert "Diverged: η\u00a0=\u00a03." in words([made])[-1]
    assert "where it began" in words([made])[-1]

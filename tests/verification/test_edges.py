"""Where numbers are extreme, undecided, overflowing or rounded away, right books pass and say what was met."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import sheetprop
from sheetprop.verification.result import Verification
from sheetprop.verification.verify import verify, verify_book
from sheetprop.workbook.reading import read_layout

Build = Callable[..., Path]


def _kinds(result: Verification) -> set[str]:
    return {remark.kind for remark in result.remarks}


@pytest.mark.parametrize("options", [
    {"preset": "eva6"}, {"preset": "era"}, {"preset": "mazur"},
    {"layers": (3, 4, 2), "activation": "tanh", "bias": True, "seed": 7},
    {"layers": (2, 3, 3, 1), "activation": "relu", "seed": 2},
    {"layers": (2, 2), "activation": "identity", "seed": 1},
    # Saturated units, in both directions and beyond where EXP overflows.
    {"preset": "classic", "weights": [500, 600, -700, -800, 40, -40, 36, 37]},
    {"preset": "classic", "inputs": [1e5, 1.0], "weights": [1, 1, -1, 1, 1, 1, -2, 3]},
    {"preset": "classic", "weights": [1e6, 1e6, -1e6, -1e6, 1e4, 1e4, -1e4, -1e4]},
    {"layers": (2, 2, 2), "activation": "tanh", "weights": [300, 500, -300, -500, 30, -2, 1, 20]},
    # The output is at its target to the last bit, so every difference is rounding.
    {"layers": (1, 1), "activation": "identity", "inputs": [1.0], "targets": [0.3], "weights": [0.3]},
    # Weights of nothing: relu stands at 0 exactly.
    {"layers": (2, 2, 1), "activation": "relu", "weights": [0, 0, 0, 0, 0.1, 0.2]},
], ids=str)
def test_right_books_agree(build: Build, options: dict[str, Any]) -> None:
    result = verify(build(**options, learning_rates=(0.1, 1.0), iterations=30))
    assert result.agrees, result.verdict
    assert result.fault_count == 0
    assert result.cells > 0
    assert all(one.differ == 0 and one.largest_relative <= 1e-12 for one in result.comparisons)


def test_odd_learning_rates_agree(build: Build) -> None:
    result = verify(build(preset="classic", learning_rates=(0.0, -0.5, 1e-6, 1000.0, 0.5, 0.5), iterations=40))
    assert result.agrees, result.verdict
    assert result.learning_rates == (0.0, -0.5, 1e-6, 1000.0, 0.5, 0.5)


def test_a_run_that_overflows_diverges_and_does_not_disagree(build: Build) -> None:
    path = build(layers=(2, 2, 1), activation="identity", seed=1, learning_rates=(0.1, 1000.0), iterations=30)
    result = verify(path)
    assert result.agrees, result.verdict
    told = [remark.message for remark in result.remarks if remark.kind == "diverged"]
    assert len(told) == 1
    assert "LR 1000: diverges" in told[0]
    # A mistake is still found below the row of the overflow.
    book = sheetprop.open(path)
    layout = read_layout(book)
    address = layout.address("∂E_total/∂w1", 29)
    book.set(f"'LR 1000'!{address}", 0.0)
    assert [fault.place for fault in verify_book(book).faults] == [f"LR 1000!{address}"]


def test_an_error_that_is_no_overflow_is_a_fault(build: Build) -> None:
    book = sheetprop.open(build(preset="classic", learning_rates=(0.5,), iterations=4))
    layout = read_layout(book)
    address = layout.address("o1", 2)
    book.set(f"'LR 0.5'!{address}", "=1/0")
    result = verify_book(book)
    assert [fault.place for fault in result.faults] == [f"LR 0.5!{address}"]
    assert "diverged" not in _kinds(result)


def test_a_relu_at_its_kink_is_reported_and_not_judged(build: Build) -> None:
    result = verify(build(layers=(2, 1, 1), activation=("relu", "identity"), inputs=[0.1, 0.3], targets=[0.5],
                          weights=[0.3, -0.1, 0.7], learning_rates=(0.1,), iterations=3))
    assert result.agrees, result.verdict
    told = next(remark.message for remark in result.remarks if remark.kind == "kink")
    assert "LR 0.1!" in told
    assert "h1" in told


def test_growing_rounding_is_told_from_a_fault(build: Build) -> None:
    """An unstable run on its way out: differences of rounding grow a thousandfold and more."""
    path = build(layers=(1, 2, 1), activation=("tanh", "identity"), inputs=[1.5], targets=[0.7], seed=4,
                 learning_rates=(0.9, 1.4), iterations=200)
    result = verify(path)
    assert result.agrees, result.verdict
    run = [one for one in result.comparisons if one.group == "run"]
    assert all(one.cells > 0 for one in run)


def test_a_start_that_is_off_by_little_is_seen_by_the_run_too(classic: Path) -> None:
    book = sheetprop.open(classic)
    layout = read_layout(book)
    address = layout.address("w1", 0)
    book.set(f"'LR 0.5'!{address}", 0.15 * (1 + 1e-10))
    result = verify_book(book)
    assert [fault.place for fault in result.faults] == [f"LR 0.5!{address}"]
    inputs = next(one for one in result.comparisons if (one.sheet, one.group) == ("LR 0.5", "inputs"))
    assert inputs.differ == 1

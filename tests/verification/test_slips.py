"""Slips of the verification that no test saw: each test here was written against one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import sheetprop
from sheetprop.verification import judging, run
from sheetprop.verification.verify import verify
from sheetprop.workbook.reading import read_layout

Build = Callable[..., Path]


@pytest.mark.parametrize(("moved", "seen"), [(1e-10, True), (1e-13, False)])
def test_a_run_further_away_than_rounding_takes_it(
    build: Build, monkeypatch: pytest.MonkeyPatch, moved: float, seen: bool
) -> None:
    """Two right programs are 2e-12 apart here at most, in 60 steps of the classic network."""
    found: list[run.Drift] = []
    check = run.check

    def further(spec: Any, numbers: Any, *rest: Any) -> run.Drift:
        numbers.values["w5"] = numbers.values["w5"] + moved
        found.append(check(spec, numbers, *rest))
        return found[0]

    monkeypatch.setattr(judging.run, "check", further)
    verify(build(preset="classic", learning_rates=(0.5, 2.0), iterations=60))
    assert bool(found[0].columns["w5"].differs.all()) is bool(found[0].columns["w5"].differs.any()) is seen
    assert not found[0].columns["w6"].differs.any()


@pytest.mark.parametrize(("update", "named"), [(0.75, ["∂E_total/∂w5", "w5"]), (None, ["∂E_total/∂w5"])])
def test_a_wrong_update_below_a_wrong_gradient_is_named_as_well(
    build: Build, monkeypatch: pytest.MonkeyPatch, update: float | None, named: list[str]
) -> None:
    """As numbers, whatever the formulas are: 0.75 is neither the right step nor what the wrong gradient gives."""
    read = judging.numbers.read

    def spoilt(*given: Any) -> Any:
        numbers = read(*given)
        weight, gradient = numbers.values["w5"], numbers.values["∂E_total/∂w5"]
        gradient[0, 2] = 0.25
        weight[0, 3] = weight[0, 2] - 0.5 * 0.25 if update is None else update
        return numbers

    monkeypatch.setattr(judging.numbers, "read", spoilt)
    path = build(preset="classic", learning_rates=(0.5,), iterations=6)
    layout = read_layout(sheetprop.open(path))
    places = [f"LR 0.5!{layout.address(symbol, 3 if symbol == 'w5' else 2)}" for symbol in named]
    found = [f"{fault.sheet}!{fault.address}" for fault in verify(path).faults]
    assert [place for place in found if place in places] == places
    assert (f"LR 0.5!{layout.address('w5', 3)}" in found) is (update is not None)

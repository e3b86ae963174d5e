"""Workbooks that sheetprop builds are right: no finding, whatever the network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import sheetprop


@pytest.mark.parametrize(("given", "gradients"), [
    ({"preset": "mazur"}, 10),  # its biases are not trained
    ({"layers": (3, 4, 3, 2), "activation": ("tanh", "relu", "sigmoid"), "bias": True, "seed": 3}, 46)],
    ids=["mazur", "3-4-3-2"])
def test_own_books_give_no_finding(tmp_path: Path, given: dict[str, Any], gradients: int) -> None:
    spec = sheetprop.spec(**given, learning_rates=[0.1, 0.5], iterations=8)
    sheetprop.build(spec, tmp_path / "own.xlsx")
    answer = sheetprop.audit(tmp_path / "own.xlsx")
    assert answer.findings == []
    assert answer.checked == 2 * gradients
    assert answer.ok is True

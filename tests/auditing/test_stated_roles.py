"""What --loss, --params, --grads and --lr change where the automatic choice is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook
from test_audit_mistakes import classic
from test_right_sheets import DELTAS, FORWARD, GIVEN, LOSS, STEPS, W, table

import sheetprop
from sheetprop.errors import SheetpropError


def saved(path: Path, columns: dict[str, Any], updates: dict[str, str], cells: dict[str, object]) -> dict[str, str]:
    book = Workbook()
    sheet = book.active
    for cell, value in cells.items():
        sheet[cell] = value
    letters = table(sheet, 5, columns, 20, updates)
    book.save(path)
    return letters


def network(**more: str) -> dict[str, Any]:
    return {**GIVEN, **W, **FORWARD, **LOSS, **DELTAS, **more}


def test_the_loss_is_another_column_than_the_one_called_total(tmp_path: Path) -> None:
    """Weight decay: the gradients are those of J, which stands beside the error that is called total."""
    path = tmp_path / "decay.xlsx"
    squares = "+".join(f"{{{w}}}^2" for w in W)
    columns = network(**{"with decay": f"={{E_total}}+0.05*({squares})"},
                      **{f"dJ/d{w}": f"={step}+0.1*{{{w}}}" for w, step in STEPS.items()})
    letters = saved(path, columns, {w: f"={{{w}}}-$B$1*{{dJ/d{w}}}" for w in W}, {"A1": "η", "B1": 0.5})
    stated = sheetprop.audit(path, loss=f"{letters['with decay']}6")
    assert stated.ok
    assert stated.checked == 8
    assert stated.roles[0].loss == f"{letters['with decay']}6:{letters['with decay']}25"
    wrong = sheetprop.audit(path, loss=f"{letters['E_total']}6")
    assert {one.kind for one in wrong.findings} == {"gradient"}


def test_weights_that_are_never_updated_and_gradients_without_labels(tmp_path: Path) -> None:
    """A table of trials: numbers without labels where weights stand, gradients without labels, one of them wrong."""
    path = tmp_path / "trials.xlsx"
    steps = {f"slope {k}": "=" + step for k, step in enumerate(STEPS.values())}
    steps["slope 2"] = "={dh1}*{i1}"
    letters = saved(path, network(**steps), {}, {})
    book = load_workbook(path)
    for k, w in enumerate(W):
        book.active[f"{letters[w]}5"] = None
        book.active[f"{letters[f'slope {k}']}5"] = None
        for row in range(6, 26):
            book.active[f"{letters[w]}{row}"] = 0.1 * k + 0.01 * row
    book.save(path)
    assert sheetprop.audit(path).checked == 0
    first, last = letters["w1"], letters["w8"]
    stated = sheetprop.audit(path, params=f"{first}6:{last}25", grads=f"{letters['slope 0']}6:{letters['slope 7']}25")
    assert stated.checked == 8
    assert [one.cells for one in stated.findings] == [f"{letters['slope 2']}6:{letters['slope 2']}25"]
    assert stated.findings[0].repair.startswith("replace ")


def test_gradients_follow_the_order_in_which_weights_are_stated(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    classic(path, wrong=False)
    assert sheetprop.audit(path, params="M36:P67,E36:H67", grads="AB36:AE67,X36:AA67").ok
    with pytest.raises(SheetpropError, match="names 4 columns"):
        sheetprop.audit(path, params="E36:H67,M36:P67", grads="X36:AA67")
    with pytest.raises(SheetpropError, match="depends on 8 weights"):
        sheetprop.audit(path, grads="X36:AA67")


def test_updates_that_do_not_use_the_stated_rate_are_a_finding(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    classic(path, wrong=False)
    assert sheetprop.audit(path).ok
    assert sheetprop.audit(path, lr="G33").ok
    answer = sheetprop.audit(path, lr="H33")
    assert [one.kind for one in answer.findings] == ["rate"]
    assert answer.findings[0].cells == "E37:H67,M37:P67"
    assert "they use $G$33 where $H$33 belongs" in answer.findings[0].sentence()
    assert answer.findings[0].repair == "replace $G$33 by $H$33"


def test_the_stated_rate_is_the_one_that_titles_are_held_against(tmp_path: Path) -> None:
    """A factor besides the rate hides which of the two is the rate."""
    path = tmp_path / "two.xlsx"
    columns = network(**{f"dE/d{w}": "=" + step for w, step in STEPS.items()})
    cells = {"A1": "scale", "B1": 0.9, "A2": "factor", "B2": 0.4, "A3": "learning rate = 0.5"}
    saved(path, columns, {w: f"={{{w}}}-$B$1*$B$2*{{dE/d{w}}}" for w in W}, cells)
    assert sheetprop.audit(path).ok
    stated = sheetprop.audit(path, lr="B2")
    assert [(one.kind, one.cells) for one in stated.findings] == [("title", "A3")]
    assert "names the learning rate 0.5, but the updates use 0.4" in stated.findings[0].wrong


def test_a_stated_rate_within_updates_that_hold_their_gradient(tmp_path: Path) -> None:
    path = tmp_path / "within.xlsx"
    updates = {w: f"={{{w}}}-$B${2 if w == 'w3' else 1}*({step})" for w, step in STEPS.items()}
    letters = saved(path, network(), updates, {"A1": "rate", "B1": 0.5, "A2": "other", "B2": 0.7})
    for rate in (None, "B1"):
        answer = sheetprop.audit(path, lr=rate)
        assert [one.cells for one in answer.findings] == [f"{letters['w3']}7:{letters['w3']}25"]
    assert len(sheetprop.audit(path, lr="B2").findings) == 7

"""Small cases of our own making, each for a kind of sheet or mistake, where they are at hand."""

from __future__ import annotations

from pathlib import Path

import pytest

import sheetprop
from sheetprop.engine.formula.references import address, area_at

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "cases" / "audit"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the small cases are not part of the project")

RIGHT = ("r00_clean", "r01_pow_one", "r01_pow_both", "d01_deltarule_Dw_clean", "d03_negdE_plus",
         "d04_two_outputs_Dw", "d07_loglik_ascent", "m01_softmax_clean", "m06_adam_clean", "m07_l2_clean",
         "v05_momentum_clean", "n01_batch_clean", "n03_persheet_clean", "n04_delta_noloss_clean")
# file -> the cells of each finding, and what some finding has to say
WRONG: dict[str, tuple[list[str], str]] = {
    "r03_times_for_minus_1": (["X6:X17"], "replace R6*A6 by R6-A6"),
    "r04_two_formulas": (["AD7,AD9,AD11,AD13,AD15,AD17"], "(T7-B7)*T7*(1-T7)"),
    "r06_lr_is_w2": (["E22:H28,M22:P28"], "F6, is w2 of another table"),
    "r07_three_rows": (["X6:X8"], "replace AB6+AD6 by"),
    "r07_single_row": (["X6"], "replace AB6+AD6 by"),
    "n01_batch_avg": (["H6"], "replace SUM(W4:W11) by SUM(X4:X11)"),
    "n03_persheet_bug": (["C20"], "w2 (C7) is missing"),
    "n04_delta_noloss_bug": (["K4:K13"], "replace J4 by I4"),
    "u07_loss_pasted": (["W6:W17"], "pasted"),
    "u10_forward_shift": (["J6:J17"], "J6 reads I9, the h1 of another row, where I6 belongs"),
    "u11_missing_sigmoid": (["T6:T17"], "the activation is missing"),
    "d01_deltarule_Dw_bug": (["Z6:Z17", "AA6:AA17"], "it uses a_h1 (J6) where a_h2 (L6) belongs"),
    "c01_title_lr": (["W6:W17"], "names the learning rate 2"),
    "c04_header_row": (["W5:W17"], "begins on the header"),
    "c05_x_is_loss": (["AJ6:AJ17"], "no count of iterations"),
    "c07_odd_row_in_walk": (["G7:G17", "G8"], "write =G7-$B$2*Z7, the repaired formula"),
    "c08_ref_error": (["B30"], "#REF!"),
    "m01_softmax_bug": (["Y6:Y15", "Z6:Z15", "AA6:AA15"], "the factor S6*(1-S6) does not belong there"),
    "m06_adam_rulebug": (["K6:K15"], "breaks the rule of Adam: 0.9 stands where 0.999 belongs"),
    "v05_momentum_g_for_v": (["F7:F15"], "it uses dE/dw (E6) where v (F6) belongs"),
    "m07_l2_bug": (["F6:F15"], "the term 0.2*C6 is missing"),
}
UNCHECKED = {"r02_perceptron": "is a step, which has no derivative", "c06_surface": "nothing is updated"}


def cells_of(text: str) -> set[str]:
    found: set[str] = set()
    for part in text.split(","):
        top, left, bottom, right = area_at(part)
        found |= {address(row, column) for row in range(top, bottom + 1) for column in range(left, right + 1)}
    return found


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_sheet_is_checked_and_right(name: str) -> None:
    answer = sheetprop.audit(FOLDER / f"{name}.xlsx")
    assert [one.sentence() for one in answer.findings] == []
    assert (answer.code, answer.ok, answer.unchecked) == (0, True, [])


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_sheet_is_named_with_cells_and_repair(name: str) -> None:
    answer = sheetprop.audit(FOLDER / f"{name}.xlsx")
    cells, said = WRONG[name]
    assert [cells_of(one.cells) for one in answer.findings] == [cells_of(one) for one in cells]
    assert any(said in one.sentence() for one in answer.findings)
    assert answer.code == 1


@pytest.mark.parametrize("name", UNCHECKED)
def test_what_cannot_be_checked_is_said(name: str) -> None:
    answer = sheetprop.audit(FOLDER / f"{name}.xlsx")
    assert answer.findings == []
    assert (answer.code, answer.ok) == (3, None)
    assert UNCHECKED[name] in answer.summary()

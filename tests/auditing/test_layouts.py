"""Layouts whose iterations are no rows: matrices, windows, recurrence, and derivatives inside updates."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from openpyxl.utils import get_column_letter as letter
from openpyxl.worksheet.formula import ArrayFormula

import sheetprop


def array(sheet: Any, area: str, formula: str) -> None:
    sheet[area.split(":")[0]] = ArrayFormula(area, formula)


def matrices(sheet: Any, wrong: bool) -> None:
    """Two layers with MMULT and TRANSPOSE; the mistake: the slope of the hidden units from z instead of a."""
    for cell, value in {"A1": "x", "A2": .5, "A3": -.3, "C1": "W1", "F1": "z1", "G1": "a1", "C6": "W2", "G6": "z2",
                        "H6": "y", "I6": "t", "I7": 1, "J6": "Loss", "A9": "dz2", "C9": "dW2", "G9": "dz1", "I9": "dW1",
                        "A14": "lr", "B14": .5, "C15": "new W1", "F15": "new W2"}.items():
        sheet[cell] = value
    for k in range(3):
        sheet.cell(2 + k, 3).value, sheet.cell(2 + k, 4).value = .1 * (k + 1), .1 * (k + 1) - .05
        sheet.cell(7, 3 + k).value = .2 * (k + 1)
    array(sheet, "F2:F4", "=MMULT(C2:D4,A2:A3)")
    array(sheet, "G2:G4", "=1/(1+EXP(-F2:F4))")
    array(sheet, "G7:G7", "=MMULT(C7:E7,G2:G4)")
    sheet["H7"], sheet["J7"], sheet["A10"] = "=1/(1+EXP(-G7))", "=0.5*(H7-I7)^2", "=(H7-I7)*H7*(1-H7)"
    array(sheet, "C10:E10", "=MMULT(A10,TRANSPOSE(G2:G4))")
    array(sheet, "G10:G12", f"=MMULT(TRANSPOSE(C7:E7),A10)*G2:G4*(1-{'F2:F4' if wrong else 'G2:G4'})")
    array(sheet, "I10:J12", "=MMULT(G10:G12,TRANSPOSE(A2:A3))")
    array(sheet, "C16:D18", "=C2:D4-B14*I10:J12")
    array(sheet, "F16:H16", "=C7:E7-B14*C10:E10")


def windows(sheet: Any, wrong: bool) -> None:
    """A convolution by SUMPRODUCT; the mistake: one window of the kernel's gradient stands a column too far right."""
    sheet["F1"], sheet["A7"], sheet["E7"], sheet["I7"], sheet["E11"], sheet["E15"] = (
        "kernel", "out", "target", "Loss", "grad", "new kernel")
    for r in range(4):
        for c in range(4):
            sheet.cell(2 + r, 1 + c).value = ((7 * r + 5 * c) % 11) / 11
    for r in range(3):
        for c in range(3):
            sheet.cell(8 + r, 1 + c).value = f"=SUMPRODUCT({letter(1 + c)}{2 + r}:{letter(2 + c)}{3 + r},$F$2:$G$3)"
            sheet.cell(8 + r, 5 + c).value = .1 * (r + c)
            sheet.cell(12 + r, 1 + c).value = f"={letter(1 + c)}{8 + r}-{letter(5 + c)}{8 + r}"
    sheet["I8"] = "=0.5*SUMXMY2(A8:C10,E8:G10)"
    for r in range(2):
        for c in range(2):
            k = c + (1 if wrong and (r, c) == (1, 0) else 0)
            sheet.cell(2 + r, 6 + c).value = .3 * r - .2 * c + .1
            sheet.cell(12 + r, 5 + c).value = \
                f"=SUMPRODUCT({letter(1 + k)}{2 + r}:{letter(3 + k)}{4 + r},$A$12:$C$14)"
            sheet.cell(16 + r, 5 + c).value = f"={letter(6 + c)}{2 + r}-0.1*{letter(5 + c)}{12 + r}"


def recurrent(sheet: Any, wrong: bool) -> None:
    """Three steps through time; the mistake: a delta with the slope of another step."""
    for cell, value in {"A1": "wx", "B1": .5, "A2": "wh", "B2": .3, "A3": "lr", "B3": .1, "D1": "x", "E1": "h",
                        "F1": "dh", "G1": "t", "G4": .6, "H1": "Loss", "J1": "dL/dwx", "K1": "dL/dwh", "D2": .2,
                        "D3": .7, "D4": -.4, "E2": "=TANH($B$1*D2)", "E3": "=TANH($B$1*D3+$B$2*E2)",
                        "E4": "=TANH($B$1*D4+$B$2*E3)", "H4": "=0.5*(E4-G4)^2", "F4": "=E4-G4",
                        "F3": "=F4*(1-E4^2)*$B$2", "F2": f"=F3*(1-{'E2' if wrong else 'E3'}^2)*$B$2",
                        "J2": "=F2*(1-E2^2)*D2+F3*(1-E3^2)*D3+F4*(1-E4^2)*D4",
                        "K2": "=F3*(1-E3^2)*E2+F4*(1-E4^2)*E3", "A6": "new wx", "B6": "=B1-B3*J2", "A7": "new wh",
                        "B7": "=B2-B3*K2"}.items():
        sheet[cell] = value


def inside(sheet: Any, wrong: bool) -> None:
    """The derivative written inside the update; the mistake: a missing 1 - y."""
    for column, label in enumerate(("x", "t", "w", "b", "y", "E"), 1):
        sheet.cell(2, column).value = label
    sheet["H1"], sheet["I1"], sheet["C3"], sheet["D3"] = "lr", .3, .2, .1
    for r in range(3, 12):
        sheet.cell(r, 1).value, sheet.cell(r, 2).value = .4, .9
        if r > 3:
            slope = f"(E{r - 1}-B{r - 1})*E{r - 1}*(1-E{r - 1})"
            sheet.cell(r, 3).value = f"=C{r - 1}-$I$1*{slope.rpartition('*')[0] if wrong else slope}*A{r - 1}"
            sheet.cell(r, 4).value = f"=D{r - 1}-$I$1*{slope}"
        sheet.cell(r, 5).value = f"=1/(1+EXP(-(C{r}*A{r}+D{r})))"
        sheet.cell(r, 6).value = f"=0.5*(B{r}-E{r})^2"


LAYOUTS: dict[Callable[[Any, bool], None], str] = {matrices: "J10", windows: "E13", recurrent: "J2", inside: "C4:C11"}


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda one: one.__name__)
def test_a_right_sheet_is_checked_and_right(tmp_path: Path, layout: Callable[[Any, bool], None]) -> None:
    book = Workbook()
    layout(book.active, False)
    book.save(tmp_path / "right.xlsx")
    answer = sheetprop.audit(tmp_path / "right.xlsx")
    assert [one.sentence() for one in answer.findings] == []
    assert (answer.ok, answer.unchecked) == (True, [])
    assert answer.checked >= 2


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda one: one.__name__)
def test_a_wrong_cell_is_found(tmp_path: Path, layout: Callable[[Any, bool], None]) -> None:
    book = Workbook()
    layout(book.active, True)
    book.save(tmp_path / "wrong.xlsx")
    answer = sheetprop.audit(tmp_path / "wrong.xlsx")
    assert LAYOUTS[layout] in [one.cells for one in answer.findings]
    assert answer.code == 1

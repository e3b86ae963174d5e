"""Sheets made by the tests, right and with one planted mistake of each kind."""

from __future__ import annotations

from pathlib import Path

import pytest
import random_sheets

import sheetprop
from sheetprop.auditing.finding import Audit
from sheetprop.engine.formula.references import address, area_at


def cells_of(text: str) -> set[str]:
    found: set[str] = set()
    for part in text.split(","):
        top, left, bottom, right = area_at(part)
        found |= {address(row, column) for row in range(top, bottom + 1) for column in range(left, right + 1)}
    return found


def named(answer: Audit, planted: random_sheets.Planted) -> bool:
    return any(one.sheet == planted.sheet and cells_of(one.cells) & planted.cells for one in answer.findings)


@pytest.mark.parametrize("kind", random_sheets.KINDS)
def test_a_planted_mistake_is_found_with_its_cells(tmp_path: Path, kind: str) -> None:
    found = []
    for seed in (11, 23, 37):
        planted = random_sheets.make(tmp_path / f"{seed}.xlsx", seed, kind)
        if planted.made:
            found.append(named(sheetprop.audit(planted.path), planted))
    assert found
    assert all(found)


@pytest.mark.parametrize(("kind", "seed"), [
    ("rate other", 118),  # in a velocity
    ("update gradient", 217),  # in a velocity, where no label tells the gradients
    ("forward weights", 306),  # where updates hold their gradient and most of them are wrong
    ("pasted column", 336),
    ("rate walks", 367),  # in velocities
    ("forward weights", 946),  # softmax, right for targets of sum 1 only
    ("label gradients", 887),  # under a heading over all gradients
    ("error target", 58),  # targets on another sheet, both of the same value
    ("total", 94),  # several samples, their mean
    ("factor", 145),  # what is left is a delta that other weights read too
])
def test_one_mistake_is_one_finding(tmp_path: Path, kind: str, seed: int) -> None:
    planted = random_sheets.make(tmp_path / "one.xlsx", seed, kind)
    answer = sheetprop.audit(planted.path)
    assert named(answer, planted)
    assert len(answer.findings) == 1


# 50825 has two tables side by side whose headers have one row and two.
@pytest.mark.parametrize("seed", [*range(700, 725), 50825])
def test_a_right_sheet_gives_no_finding(tmp_path: Path, seed: int) -> None:
    planted = random_sheets.make(tmp_path / "right.xlsx", seed)
    answer = sheetprop.audit(planted.path)
    assert answer.findings == []
    assert answer.checked >= 4


def test_the_cause_and_the_repair_of_the_commonest_mistake(tmp_path: Path) -> None:
    path = tmp_path / "classic.xlsx"
    classic(path, wrong=True)
    answer = sheetprop.audit(path)
    assert [one.cells for one in answer.findings] == ["Z36:Z67", "AA36:AA67"]
    assert "it uses a_h1 (J36) where a_h2 (L36) belongs" in answer.findings[0].sentence()
    assert "replace J36*(1-J36) by L36*(1-L36)" in answer.findings[0].repair
    assert answer.findings[0].rows_wrong == 32
    classic(path, wrong=False)
    assert sheetprop.audit(path).ok


def test_a_wrong_sign_behind_abs_is_latent(tmp_path: Path) -> None:
    path = tmp_path / "latent.xlsx"
    classic(path, wrong=False, change={"AB": "=ABS((A{r}-R{r})*R{r}*(1-R{r})*J{r})"})
    answer = sheetprop.audit(path)
    assert [(one.kind, one.cells) for one in answer.findings] == [("latent", "AB36:AB67")]
    assert answer.findings[0].rows_wrong == 0
    assert "=(R36-A36)*R36*(1-R36)*J36" in answer.findings[0].repair


def classic(path: Path, *, wrong: bool, change: dict[str, str] | None = None) -> None:
    """Write the usual 2-2-2 sheet: header row 35, learning rate in G33."""
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    sheet["F33"], sheet["G33"] = "η =", 2
    up = "((R{r}-A{r})*R{r}*(1-R{r})*%s{r}+(T{r}-B{r})*T{r}*(1-T{r})*%s{r})*%s{r}*(1-%s{r})*%s{r}"
    two = "J" if wrong else "L"
    columns = {"A": ("t1", .01), "B": ("t2", .99), "C": ("i1", .05), "D": ("i2", .1), "E": ("w1", .15, "X"),
               "F": ("w2", .2, "Y"), "G": ("w3", .25, "Z"), "H": ("w4", .3, "AA"), "I": ("h1", "=E{r}*C{r}+F{r}*D{r}"),
               "J": ("a_h1", "=1/(1+EXP(-I{r}))"), "K": ("h2", "=G{r}*C{r}+H{r}*D{r}"),
               "L": ("a_h2", "=1/(1+EXP(-K{r}))"), "M": ("w5", .4, "AB"), "N": ("w6", .45, "AC"), "O": ("w7", .5, "AD"),
               "P": ("w8", .55, "AE"), "Q": ("o1", "=M{r}*J{r}+N{r}*L{r}"), "R": ("a_o1", "=1/(1+EXP(-Q{r}))"),
               "S": ("o2", "=O{r}*J{r}+P{r}*L{r}"), "T": ("a_o2", "=1/(1+EXP(-S{r}))"),
               "U": ("E1", "=0.5*(A{r}-R{r})^2"), "V": ("E2", "=0.5*(B{r}-T{r})^2"), "W": ("E_total", "=U{r}+V{r}"),
               "X": ("∂E/∂w1", "=" + up % ("M", "O", "J", "J", "C")),
               "Y": ("∂E/∂w2", "=" + up % ("M", "O", "J", "J", "D")),
               "Z": ("∂E/∂w3", "=" + up % ("N", "P", two, two, "C")),
               "AA": ("∂E/∂w4", "=" + up % ("N", "P", two, two, "D")),
               "AB": ("∂E/∂w5", "=(R{r}-A{r})*R{r}*(1-R{r})*J{r}"), "AC": ("∂E/∂w6", "=(R{r}-A{r})*R{r}*(1-R{r})*L{r}"),
               "AD": ("∂E/∂w7", "=(T{r}-B{r})*T{r}*(1-T{r})*J{r}"), "AE": ("∂E/∂w8", "=(T{r}-B{r})*T{r}*(1-T{r})*L{r}")}
    for letters, (label, *rest) in columns.items():
        sheet[f"{letters}35"] = label
        for row in range(36, 68):
            text = (change or {}).get(letters, rest[0])
            if len(rest) == 2 and row > 36:
                text = f"={letters}{row - 1}-$G$33*{rest[1]}{row - 1}"
            sheet[f"{letters}{row}"] = text.format(r=row) if isinstance(text, str) else text
    book.save(path)

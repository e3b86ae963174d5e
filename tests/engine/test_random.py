"""Random tables: the compiled loops and single cells give the same values, bit for bit."""

from __future__ import annotations

import random

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import sheetprop

NUMERIC = [
    "=A{r}+1",
    "=A{r}*B{r}-C{a}",
    "=IF(A{r}>B{r},A{r},B{r})^2",
    "=EXP(-A{r})/(1+B{r}^2)",
    "=D{a}*0.5+A{r}",
    "=SUM(A{r}:C{r})",
    "=MAX(A{r},B{r})-MIN(C{r},D{a})",
    "=1/(1+EXP(-D{a}))",
    "=SQRT(A{r})",
    "=LN(B{r})",
    "=A{r}/B{r}",
    "=SUMPRODUCT(A{r}:B{r},B{r}:C{r})",
    "=$A$5*A{r}",
    "=AVERAGE(A{r}:C{r})",
    "=SUM(A$5:A{r})",
    "=-A{r}^2",
    "=A{r}^B{r}",
    "=IF(AND(A{r}>0,B{r}>0),1,A{r})",
    "=ROUND(A{r}*B{r},1)",
    "=MOD(A{r},2)",
    "=TANH(D{a})*1E308*A{r}",
    '=A{r}&"x"',
    "=A{r}>B{r}",
    "=IF(A{r}>0,A{r})",
    "=COUNT(A{r}:D{a})",
]
VALUES = [1, 2.5, -3, 0, 0.1, 1e200, None, "text", "7", True, 1e-300, "=1/0", 800, -800]


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 10**6))
def test_loops_agree_with_single_cells_whatever_stands_in_the_table(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    """The compiled loop must hand over to the careful way at every odd value, and give the same bits."""
    chance = random.Random(seed)
    odd = chance.choice([0.0, 0.05, 0.4])
    book = openpyxl.Workbook()
    sheet = book.active
    formulas = [chance.choice(NUMERIC) for _ in range(4)]
    for row in range(4, 45):
        for column in "ABC":
            value = chance.choice(VALUES) if chance.random() < odd else round(chance.uniform(0.1, 4), 2)
            if value is not None:
                sheet[f"{column}{row}"] = value
        for column, formula in zip("DEFG", formulas, strict=True):
            disturbed = "+0" if chance.random() < 0.03 else ""
            if row > 4:
                sheet[f"{column}{row}"] = formula.format(r=row, a=row - 1) + disturbed
    sheet["D4"] = 0.5
    path = tmp_path_factory.mktemp("loops") / "b.xlsx"
    book.save(path)
    fast, slow = sheetprop.open(path), sheetprop.open(path)
    fast._session.runner.small = 0  # as when a workbook is calculated again
    slow._session.runner.loops = False
    fast.calculate()
    slow.calculate()
    page = book.sheetnames[0]
    for row, column, value, formula in slow[page].cells():
        other = fast[page]["ABCDEFG"[column - 1] + str(row)]
        assert type(other) is type(value), (row, column, formula)
        assert other == value, (row, column, formula)

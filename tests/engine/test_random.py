"""Random workbooks: LibreOffice, formulas and formualizer are given the same files."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import sheetprop
from sheetprop.engine.oracles import evaluate
from sheetprop.engine.values import ExcelError

ROWS, COLUMNS = 12, 4
_quick = settings(
    max_examples=3, deadline=None, suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.generate)
)


class Writer:
    """Draws formulas. Numbers only meet numbers and text only text: there the engines' rules are the same."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)

    def cell(self) -> str:
        marks = self.chance.choice(["", "", "$"]), self.chance.choice(["", "", "$"])
        sheet = self.chance.choice(["", "Data!", "data!", "'Data'!"]) or "Data!"
        return f"{sheet}{marks[0]}{'ABCD'[self.chance.randrange(COLUMNS)]}{marks[1]}{self.chance.randint(1, ROWS)}"

    def area(self) -> str:
        top, left = self.chance.randint(1, ROWS - 1), self.chance.randrange(COLUMNS)
        bottom, right = self.chance.randint(top, ROWS), self.chance.randrange(left, COLUMNS)
        whole = self.chance.random()
        if whole < 0.05:
            return f"Data!{'ABCD'[left]}:{'ABCD'[right]}"
        return f"Data!{'ABCD'[left]}{top}:{'ABCD'[right]}{bottom}"

    def number(self, depth: int) -> str:
        if depth == 0 or self.chance.random() < 0.15:
            return self.chance.choice(
                [self.cell(), self.cell(), str(self.chance.randint(0, 9)), f"{self.chance.uniform(0, 3):.2f}"]
            )
        a, b, c = (lambda: self.number(depth - 1)), (lambda: self.number(depth - 1)), self.area
        kind = self.chance.randrange(34)
        simple = [
            lambda: f"{a()}+{b()}",
            lambda: f"{a()}-{b()}*2",
            lambda: f"({a()})*({b()})",
            lambda: f"({a()})/({b()})",
            lambda: f"-({a()})^2",
            lambda: f"({a()})%",
            lambda: f"ABS({a()})^0.5",
            lambda: f"IF({a()}>{b()},{a()},{b()})",
            lambda: f"SUM({c()},{a()})",
            lambda: f"MAX({c()})-MIN({c()})",
            lambda: f"AVERAGE({c()})",
            lambda: f"COUNT({c()})",
            lambda: f"ROUND({a()},2)",
            lambda: f"INT({a()})",
            lambda: f"MOD({a()},3)",
            lambda: f"SQRT(ABS({a()}))",
            lambda: f"TANH({a()})",
            lambda: f"SUMSQ({c()})",
            lambda: f"MEDIAN({c()})",
            lambda: f"STDEV({c()})",
            lambda: f'COUNTIF({c()},">1")',
            lambda: f'SUMIF({c()},"<2")',
            lambda: f"LARGE({c()},1)",
            lambda: f"INDEX(Data!A1:D12,{self.chance.randint(1, 12)},{self.chance.randint(1, 4)})",
            lambda: f"IFERROR({a()},{b()})",
            lambda: f"SUMPRODUCT({c()})",
            lambda: f"LEN({self.text(1)})",
            lambda: f"CHOOSE({self.chance.randint(1, 2)},{a()},{b()})",
            lambda: f"ROWS({c()})+COLUMNS({c()})",
            lambda: f"IF(AND({a()}>0,{b()}<>1),1,2)",
            lambda: f"EXP(-ABS({a()}))",
            lambda: f"SIGN({a()})",
            lambda: f"IF(NOT({a()}>=1),3,4)",
            lambda: f"ATAN({a()})*PI()",
        ]
        return f"({simple[kind]()})"

    def text(self, depth: int) -> str:
        if depth == 0 or self.chance.random() < 0.4:
            return self.chance.choice(['"abc"', '"x y"', '"Ü"', '""'])
        a = self.text(depth - 1)
        return self.chance.choice(
            [
                f"{a}&{self.text(depth - 1)}",
                f"UPPER({a})",
                f"LEFT({a},2)",
                f"MID({a},2,3)",
                f"TRIM({a})",
                f'IF({self.number(1)}>1,{a},"no")',
                f'SUBSTITUTE({a},"b","zz")',
                f"REPT({a},2)",
                f'CONCATENATE({a},"!")',
            ]
        )

    def formula(self) -> str:
        return "=" + (self.number(3) if self.chance.random() < 0.85 else self.text(3))


def random_book(path: Path, seed: int, count: int) -> None:
    """Write a workbook of random data and random formulas, some of them filled down a block."""
    chance = random.Random(seed)
    book = openpyxl.Workbook()
    data = book.active
    data.title = "Data"
    for row in range(1, ROWS + 1):
        for column in range(1, COLUMNS + 1):
            if chance.random() < 0.9:
                data.cell(row, column, round(chance.uniform(-3, 5), chance.randint(0, 3)))
    page = book.create_sheet("F")
    writer = Writer(seed)
    for row in range(1, count + 1):
        page.cell(row, 1, writer.formula())
        page.cell(row, 2, f"=A{row}")
        if row > 1:
            page.cell(row, 3, f"=IF(ISNUMBER(A{row}),A{row},0)+N(C{row - 1})/2")
    book.save(path)


def agree(ours: Any, theirs: Any) -> bool:
    """Say whether two values agree; any error is as good as another, 0 may stand for almost 0."""
    if isinstance(ours, ExcelError) or isinstance(theirs, ExcelError):
        return isinstance(ours, ExcelError) and isinstance(theirs, ExcelError)
    if isinstance(ours, float) and isinstance(theirs, float):
        return abs(ours - theirs) <= 1e-9 * max(1.0, abs(ours), abs(theirs))
    return ours == theirs or (ours in ("", None) and theirs in ("", None, 0.0))


def differing(path: Path, engine: str) -> list[Any]:
    """Return the cells whose values differ between our engine and another."""
    book = sheetprop.open(path)
    result = book.calculate()
    assert not result.unsupported
    wrong = []
    for sheet, cells in evaluate(path, engine).items():
        for address, value in cells.items():
            if not agree(book[sheet][address], value):
                wrong.append((address, book[sheet].formula(address), book[sheet][address], value))
    return wrong


@pytest.mark.libreoffice
@_quick
@given(seed=st.integers(0, 10**6))
def test_random_workbooks_agree_with_libreoffice(
    need_soffice: None, tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    path = tmp_path_factory.mktemp("random") / "random.xlsx"
    random_book(path, seed, 250)
    assert not differing(path, "libreoffice")


@settings(_quick, max_examples=8)
@given(seed=st.integers(0, 10**6))
def test_random_workbooks_agree_with_ironcalc(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    pytest.importorskip("ironcalc")
    path = tmp_path_factory.mktemp("random") / "random.xlsx"
    random_book(path, seed, 200)
    wrong = [one for one in differing(path, "ironcalc") if one[0][0] == "A" and not str(one[3]).startswith("#")]
    assert len(wrong) <= 8, wrong[:8]


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
    slow._session.runner.loops = False
    fast.calculate()
    slow.calculate()
    page = book.sheetnames[0]
    for row, column, value, formula in slow[page].cells():
        other = fast[page]["ABCDEFG"[column - 1] + str(row)]
        assert type(other) is type(value), (row, column, formula)
        assert other == value, (row, column, formula)

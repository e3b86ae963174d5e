"""Numbers compared by 15 digits, last subtractions that give 0, text in Excel's order, whatever the way of running."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Context, Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sheetprop
from sheetprop.engine.grid.digits import alike, bounds, final, near

Make = Callable[..., Path]

CASES = [
    # Microsoft's article on floating point, and what users reported from Excel.
    ("=0.1+0.2=0.3", True), ("=1-0.7=0.3", True), ("=10.01-10=0.01", False), ("=(43.1-43.2)+1=0.9", False),
    ("=0.1+0.2>0.3", False), ("=0.1+0.2<>0.3", False), ("=0.1*3<=0.3", True), ("=0.3<0.1*3", False),
    ("=0.5-0.4-0.1", 0.0), ("=(0.5-0.4-0.1)", -2.7755575615628914e-17), ("=1*(0.5-0.4-0.1)", -2.7755575615628914e-17),
    ("=1.333+1.225-1.333-1.225", 0.0), ("=(1.333+1.225-1.333-1.225)", -2.220446049250313e-16),
    ("=-0.1-0.2+0.3", 0.0), ("=(1.333-1.233)-(1.334-1.234)", -2.220446049250313e-16),
    ("=25-25.08+0.08", 25 - 25.08 + 0.08), ("=818562.54-778536.1-40026.44", 818562.54 - 778536.1 - 40026.44),
    ("=IF(0.1+0.2=0.3,1,2)", 1.0), ("=SUM(0.1,0.2,-0.3)", 5.551115123125783e-17), ("=IF(1,0.5-0.4-0.1,0)",
                                                                             -2.7755575615628914e-17),
    ("=MATCH(0.1+0.2,{0.1,0.2,0.3},0)", "#N/A"), ("=COUNTIF(A1:A2,0.3)", 1.0),
    ("=VLOOKUP(0.1+0.2,A1:A2,1,FALSE)", 0.1 + 0.2),
    ('="Straße"="STRASSE"', False), ('="Maße"="masse"', False), ('="ABC"="abc"', True), ('="É"="é"', True),
    ('="a"<"B"', True), ('="_"<"a"', True), ('="~"<"a"', True), ('="a"<"é"', True), ('="é"<"f"', True),
    ('="é"<"ez"', True), ('="<"<"1"', True), ('="1"<"a"', True), ('="a-b">"ab"', True), ('="a-b"<"ac"', True),
    ('="coop"<"co-op"', True), ('="coop"="co-op"', False), ('=MATCH("STRASSE",{"Straße","Strasse"},0)', 2.0),
]


@pytest.mark.parametrize(("formula", "right"), CASES)
def test_what_excel_shows(workbook: Make, formula: str, right: Any) -> None:
    book = sheetprop.open(workbook({"S": {"A1": 0.3, "B1": formula}}))
    book.set("S!A2", 0.1 + 0.2)  # openpyxl would write 0.3
    book.calculate()
    found = book["S"]["B1"]
    assert type(found) is type(right) or isinstance(right, str)
    assert found == right


def test_one_switch_compares_to_the_last_bit(workbook: Make) -> None:
    book = sheetprop.open(workbook({"S": {"A1": "=0.1+0.2=0.3", "A2": "=0.5-0.4-0.1"}}))
    book.calculate()
    assert (book["S"]["A1"], book["S"]["A2"]) == (True, 0.0)
    book.exact = True
    book.calculate()
    assert (book["S"]["A1"], book["S"]["A2"]) == (False, 0.5 - 0.4 - 0.1)


@settings(deadline=None, max_examples=300)
@given(st.floats(1e-290, 1e290), st.integers(-120, 120), st.booleans())
def test_digits_are_those_of_decimal_arithmetic(number: float, steps: int, negative: bool) -> None:
    other = number
    for _ in range(abs(steps)):
        other = math.nextafter(other, math.inf if steps > 0 else 0.0)
    first, second = (-number, -other) if negative else (number, other)
    context = Context(prec=15, rounding=ROUND_HALF_EVEN)
    if alike(first, second) != (context.plus(Decimal(first)) == context.plus(Decimal(second))):
        # Only where one of them lies so close to the middle that a double cannot tell.
        assert any(abs((Decimal(one).scaleb(14 - Decimal(one).adjusted()) % 1) - Decimal("0.5")) < Decimal("0.13")
                   for one in (number, other))
    assert alike(first, second) == alike(second, first)
    assert final(first, second) in (0.0, first - second)
    assert near(first, second) in (first, second)


def test_bounds_are_the_last_numbers_alike() -> None:
    for number in (0.3, 1.0, 10.0, -708.0, 1e-12, 123456789.125, 9.99999999999999):
        least, most = bounds(number)
        assert alike(least, number)
        assert alike(most, number)
        assert not alike(math.nextafter(least, -math.inf), number)
        assert not alike(math.nextafter(most, math.inf), number)
    assert bounds(0.0) == (0.0, 0.0)


FORMULAS = ["=A{r}-B{r}", "=A{r}+C{r}", "=IF(A{r}=B{r},1,2)", "=IF(A{r}<B{r},1,IF(A{r}>B{r},2,3))",
            "=IF(A{r}<=B{r},1,0)+IF(A{r}>=B{r},10,0)+IF(A{r}<>B{r},100,0)", "=IF(A{r}=0.3,1,2)+IF(A{r}<0.3,10,20)",
            "=IF(0.3>=A{r},1,2)+IF(A{r}<>0.3,10,20)+IF(A{r}>0.3,100,200)+IF(A{r}<=0.3,1000,2000)"]


def test_every_way_of_running_agrees(workbook: Make) -> None:
    rows, chance = 120, np.random.default_rng(5)
    base = chance.choice([0.3, 0.1, 7.25, 1234.5678, 1e-9], rows)
    off = chance.integers(-60, 60, rows)
    pairs = [(float(x), float(x + n * np.spacing(x))) for x, n in zip(base, off, strict=True)]
    cells: dict[str, Any] = {}
    for row in range(1, rows + 1):
        cells |= {f"{'DEFGHIJ'[at]}{row}": text.format(r=row) for at, text in enumerate(FORMULAS)}
    path = workbook({"S": cells})
    looped, careful = sheetprop.open(path), sheetprop.open(path)
    for book in (looped, careful):
        for row, (a, b) in enumerate(pairs, start=1):
            for column, value in (("A", a), ("B", b), ("C", -b)):
                book.set(f"S!{column}{row}", value)
    assert looped.calculate().looped == rows * len(FORMULAS)
    careful._session.runner.loops = False
    assert careful.calculate().looped == 0
    block = f"D1:J{rows}"
    assert looped["S"][block].tolist() == careful["S"][block].tolist()
    numbers = np.array(pairs)
    given = np.column_stack([numbers, -numbers[:, 1]])
    function = looped.function(inputs=["S!A1:C1"], outputs=["S!D1:J1"])
    assert function(given).tolist() == careful["S"][block].tolist()
    assert [function(line).tolist() for line in given] == careful["S"][block].tolist()
    pytest.importorskip("numba")
    assert function(given, backend="numba").tolist() == careful["S"][block].tolist()


def test_slopes_do_not_see_the_rounding(workbook: Make) -> None:
    book = sheetprop.open(workbook({"S": {"A1": 0.5, "B1": "=A1-0.4-0.1", "C1": "=A1*A1-0.25"}}))
    book.calculate()
    function = book.function(inputs=["S!A1"], outputs=["S!B1"])
    assert (function.value_and_gradient()[0], function.gradient().tolist()) == (0.0, [1.0])
    assert book.function(inputs=["S!A1"], outputs=["S!C1"]).gradient().tolist() == [1.0]

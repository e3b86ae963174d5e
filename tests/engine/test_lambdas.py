"""LET and LAMBDA, the functions that call one, and results that spill."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dynamic import spilled, write_dynamic

import sheetprop
from sheetprop.engine.formula.parse import FormulaError, parse
from sheetprop.engine.formula.printing import canonical_text, formula_text

CELLS = {"A1": 1, "A2": 2, "A3": 3, "B1": 10, "B2": 20, "B3": 30, "C1": "a", "C3": "c"}
NAMES = {"SOFTMAX": "_xlfn.LAMBDA(_xlpm.z,EXP(_xlpm.z)/SUM(EXP(_xlpm.z)))",
         "DOWN": "_xlfn.LAMBDA(_xlpm.n,IF(_xlpm.n<=0,0,_xlpm.n+DOWN(_xlpm.n-1)))",
         "ENDLESS": "_xlfn.LAMBDA(_xlpm.n,ENDLESS(_xlpm.n+1))",
         "SCALED": "_xlfn.LAMBDA(_xlpm.n,_xlpm.n*S!$B$2)", "x": "S!$B$3"}


@pytest.mark.parametrize(("formula", "expected"), [
    ("=_xlfn.LET(_xlpm.x,5,_xlpm.x*2)", 10.0),
    ("=LET(x,5,y,x+1,x*y)", 30.0),
    ("=LET(x,LET(x,1,x+1),x)", 2.0),
    ("=LET(x,1/0,5)", 5.0),
    ("=LET(x,A1:A3,SUM(x*2))", 12.0),
    ("=LET(x,A1:A3,ROWS(x)+ROW(x))", [[4.0], [5.0], [6.0]]),
    ("=LET(f,LAMBDA(x,x+1),f(f(3)))", 5.0),
    ("=LET(f,SUM,f(A1:A3))", 6.0),
    ("=LET(r,1,c,2,r+c)", 3.0),
    ("=_xlfn.LAMBDA(_xlpm.x,_xlop.y,IF(_xlfn.ISOMITTED(_xlpm.y),_xlpm.x,_xlpm.x+_xlpm.y))(1)", 1.0),
    ("=LAMBDA(x,[y],IF(ISOMITTED(y),x,x+y))(1,5)", 6.0),
    ("=LAMBDA(x,y,IF(ISOMITTED(y),-1,x+y))(1,)", -1.0),
    ("=LAMBDA(x,LAMBDA(y,x-y))(1)(2)", -1.0),
    ("=(LAMBDA(x,x))(2)", 2.0),
    ("=LAMBDA(x,x)", "#CALC!"),
    ("=LAMBDA(3)()", 3.0),
    ("=MAP({1;2;3},LAMBDA(v,v*v))", [[1.0], [4.0], [9.0]]),
    ("=MAP(A1:A3,B1:B3,LAMBDA(v,w,w-v*ROW(v)))", [[9.0], [16.0], [21.0]]),
    ("=MAP(A1:A3,{1;2},LAMBDA(v,w,v+w))", [[2.0], [4.0], ["#N/A"]]),
    ("=MAP(A1:A2,LAMBDA(v,IF(v>1,1/0,v)))", [[1.0], ["#DIV/0!"]]),
    ("=MAP(A1:A2,LAMBDA(v,A1:A3))", [["#CALC!"], ["#CALC!"]]),
    ("=MAP(C1:C3,LAMBDA(v,ISBLANK(v)))", [[False], [True], [False]]),
    ("=REDUCE(0,A1:A3,LAMBDA(a,v,a+v^2))", 14.0),
    ("=REDUCE(,A1:A3,LAMBDA(a,v,a*10+v))", 123.0),
    ("=SCAN(0,A1:B2,LAMBDA(a,v,a+v))", [[1.0, 11.0], [13.0, 33.0]]),
    ('=SCAN("",C1:C3,LAMBDA(a,v,a&v))', [["a"], ["a"], ["ac"]]),
    ("=SCAN(,A1:A3,LAMBDA(a,v,a*v))", [[1.0], [2.0], [6.0]]),
    ("=BYROW(A1:B3,LAMBDA(r,MAX(r)-MIN(r)))", [[9.0], [18.0], [27.0]]),
    ("=BYCOL(A1:B3,LAMBDA(c,SUM(c)))", [[6.0, 60.0]]),
    ("=BYCOL(A1:B3,SUM)", [[6.0, 60.0]]),
    ("=BYROW(A1:B3,_xleta.MAX)", [[10.0], [20.0], [30.0]]),
    ("=BYROW(A1:B3,LAMBDA(r,r*2))", [["#CALC!"], ["#CALC!"], ["#CALC!"]]),
    ("=BYROW(A1:B3,LAMBDA(r,SUBTOTAL(9,r)))", [[11.0], [22.0], [33.0]]),
    ("=MAKEARRAY(2,3,LAMBDA(r,c,r*10+c))", [[11.0, 12.0, 13.0], [21.0, 22.0, 23.0]]),
    ("=MAKEARRAY(0,3,LAMBDA(r,c,r))", "#VALUE!"),
    ("=DOWN(10)", 55.0),
    ("=DOWN(900)", 405450.0),
    ("=ENDLESS(1)", "#NUM!"),
    ("=SCALED(3)", 60.0),
    ("=S!SCALED(3)", 60.0),
    ("=MAP(A1:A3,SCALED)", [[20.0], [40.0], [60.0]]),
    ("=LET(x,1,x)+x", 31.0),
    ("=LET(y,2,SCALED(y))", 40.0),
    ("=SUM(A1:A3*2)", 12.0),
    ("=A1:A3&C1:C3", [["1a"], ["2"], ["3c"]]),
    ("=@A1:A3", 1.0),
    ("=C1:C3", [["a"], [0.0], ["c"]]),
])
def test_values(tmp_path: Path, formula: str, expected: Any) -> None:
    assert spilled(tmp_path / "book.xlsx", formula, CELLS, NAMES) == expected


def test_softmax_is_that_of_numpy(tmp_path: Path) -> None:
    found = np.array(spilled(tmp_path / "book.xlsx", "=SOFTMAX(A1:A3)", CELLS, NAMES))
    e = np.exp(np.array([[1.0], [2.0], [3.0]]))
    np.testing.assert_allclose(found, e / e.sum(), rtol=1e-15)


def test_what_is_wrong_with_a_lambda_is_said(tmp_path: Path) -> None:
    book = sheetprop.open(write_dynamic(tmp_path / "book.xlsx", {
        "A1": "=LAMBDA(x,x)(1,2)", "A2": "=MAP({1,2},LAMBDA(v,NOSUCH(v)))", "A5": "=LET(x,1)"}))
    result = book.calculate()
    assert set(result.unsupported) == {"a LAMBDA of 1 parameters called with 2 arguments", "NOSUCH",
                                       "LET with 2 arguments"}
    assert result.places["NOSUCH"] == "S!A2"


def test_a_legacy_formula_gives_one_value(tmp_path: Path) -> None:
    book = sheetprop.open(write_dynamic(tmp_path / "book.xlsx", {
        **CELLS, "E2": "==A1:A3*2", "F2": "==MAP(A1:A3,LAMBDA(v,v+1))", "G5": "==A1:A3", "H1": "{=A1:A3*3}"}))
    book.calculate()
    sheet = book["S"]
    assert [sheet[one] for one in ("E2", "E3", "F2", "F3", "G5", "H1", "H2")] == \
        [4.0, None, 2.0, None, "#VALUE!", 3.0, None]


def test_spills(tmp_path: Path) -> None:
    book = sheetprop.open(write_dynamic(tmp_path / "book.xlsx", {
        **CELLS, "E1": "=A1:A3*2", "F1": "==SUM(E1#)", "F2": "==E3*10", "G1": "=E1#+1", "H1": "=A1:A3", "H3": "x",
        "I1": "==COUNT(H1#)", "I2": "==ROWS(_xlfn.ANCHORARRAY(E1))", "I3": "==SUM(A1#)"}))
    book.calculate()
    sheet = book["S"]
    assert sheet["E1:E3"].ravel().tolist() == [2.0, 4.0, 6.0]
    assert sheet["G1:G3"].ravel().tolist() == [3.0, 5.0, 7.0]
    assert [sheet[one] for one in ("F1", "F2", "H1", "H2", "H3", "I1", "I2", "I3")] == \
        [12.0, 60.0, "#SPILL!", None, "x", 0.0, 3.0, "#REF!"]


def test_a_result_shrinks_and_grows(tmp_path: Path) -> None:
    cells = {"A1": 3, "E1": "=MAKEARRAY(A1,1,LAMBDA(r,c,r))", "E2": 2.0, "E3": 3.0, "F1": "==SUM(E1:E9)"}
    book = sheetprop.open(write_dynamic(tmp_path / "book.xlsx", cells, refs={"E1": "E1:E3"}))
    book.calculate()
    sheet = book["S"]
    assert sheet["F1"] == 6.0
    book.set("S!A1", 2)
    book.calculate()
    assert (sheet["E2"], sheet["E3"], sheet["F1"]) == (2.0, None, 3.0)
    book.set("S!A1", 5)
    book.calculate()
    assert (sheet["E5"], sheet["F1"]) == (5.0, 15.0)
    book.set("S!E4", "in the way")
    book.calculate()
    assert (sheet["E1"], sheet["E2"], sheet["E4"]) == ("#SPILL!", None, "in the way")
    book.set("S!E4", None)
    book.calculate()
    assert (sheet["E4"], sheet["F1"]) == (4.0, 15.0)


def test_one_spill_feeds_another(tmp_path: Path) -> None:
    cells = {"A1": 2, "B1": "=MAKEARRAY(A1,1,LAMBDA(r,c,r))", "C1": "=MAKEARRAY(SUM(B1#),1,LAMBDA(r,c,r))",
             "D1": "=MAKEARRAY(SUM(C1#),1,LAMBDA(r,c,r))", "E1": "==SUM(D1#)"}
    book = sheetprop.open(write_dynamic(tmp_path / "book.xlsx", cells))
    book.calculate()
    assert book["S"]["E1"] == 21.0


@pytest.mark.parametrize("text", [
    "LET(x,5,y,x+1,x*y)", "LAMBDA(x,[y],IF(ISOMITTED(y),x,x+y))(1,2)", "BYROW(A1:B2,_xleta.SUM)",
    "LET(f,LAMBDA(x,x+1),f(3))", "LAMBDA(x,LAMBDA(y,x+y))(1)(2)", "A1#", "@A1:A3", "FILTER(A1:A2,1)"])
def test_formulas_are_printed_as_files_spell_them(text: str) -> None:
    tree = parse(text, 5, 5)
    printed = formula_text(tree, 5, 5)
    assert parse(printed, 5, 5) == tree
    assert printed.startswith(("_xlfn.LET(_xlpm.", "_xlfn.LAMBDA(_xlpm.", "_xlfn.BYROW(A1:B2,_xleta.SUM)",
                               "_xlfn.ANCHORARRAY(A1)", "_xlfn.SINGLE(A1:A3)", "_xlfn._xlws.FILTER("))


def test_depth() -> None:
    def nested(count: int) -> str:
        return "IF(A1>0," * count + "A1" + ",0)" * count

    assert parse(nested(64)) is not None
    for text in (nested(65), nested(1000), "(" * 3000 + "1" + ")" * 3000):
        with pytest.raises(FormulaError, match="no formula"):
            parse(text)
    for text in ("A1+" * 4000 + "1", "-" * 8000 + "1", "A1&" * 4000 + "1"):
        assert canonical_text(parse(text))


def test_long_and_deep_formulas_have_values(workbook: Any) -> None:
    path = workbook({"S": {"A1": 3, "B1": "=" + "A1+" * 999 + "A1", "B2": "=" + "IF(A1>0," * 63 + "A1" + ",0)" * 63,
                           "B3": "=" + "-" * 1001 + "A1", "B4": "=" + "A1&" * 2500 + '""'}})
    book = sheetprop.open(path)
    assert not book.calculate().unsupported
    assert [book["S"][one] for one in ("B1", "B2", "B3", "B4")] == [3000.0, 3.0, -3.0, "3" * 2500]


def test_cells_that_a_volatile_result_fills_hold_no_formula(tmp_path: Path) -> None:
    """Excel writes <f ca="1"/> into them."""
    import zipfile

    path = write_dynamic(tmp_path / "book.xlsx", {"A1": "=RANDARRAY(2)", "A2": 0.5}, refs={"A1": "A1:A2"})
    with zipfile.ZipFile(path) as package:
        parts = {name: package.read(name) for name in package.namelist()}
    name = "xl/worksheets/sheet1.xml"
    parts[name] = parts[name].replace(b'<c r="A2">', b'<c r="A2"><f ca="1"/>')
    with zipfile.ZipFile(path, "w") as package:
        for one, text in parts.items():
            package.writestr(one, text)
    book = sheetprop.open(path)
    assert not book.calculate().unsupported
    assert 0 < book["S"]["A2"] < 1


def test_spilled_values_are_saved(tmp_path: Path) -> None:
    cells = {"A1": 3, "A2": 1, "A3": 2, "C1": "=SORT(A1:A3)", "E2": "=SEQUENCE(2,2)", "H1": "=SORT(A1:A3)", "H2": "x",
             "J1": "=SEQUENCE(2)", "J2": 5, "J3": 6}
    book = sheetprop.open(write_dynamic(tmp_path / "book.xlsx", cells, refs={"J1": "J1:J3"}))
    book.calculate()
    book.save(tmp_path / "saved.xlsx")
    saved = sheetprop.open(tmp_path / "saved.xlsx")
    expected = [[1, None, None, None, None, "#SPILL!", None, 1], [2, None, 1, 2, None, "x", None, 2],
                [3, None, 3, 4, None, None, None, None]]
    stored = saved.stored()["S"]
    assert [[stored.get((row, column)) for column in range(3, 11)] for row in range(1, 4)] == expected
    saved.calculate()
    assert saved["S"]["C1:J3"].tolist() == expected
    assert saved["S"].formula("C2") == "=_xlfn._xlws.SORT(A1:A3)"


@pytest.mark.parametrize("formula", [
    "==LET(x,A1,x*x)", "==LET(x,A1*2,y,x+A2,EXP(y/9)*x)", "==LET(r,A1:A3,SUM(r*r)/ROWS(r))", "==SQUARE(A1+A2)*A3",
    "==LET(f,LAMBDA(x,x^2),f(A1)+f(f(A2)))", "==LAMBDA(x,y,x*y)(A1,A2)", "==INDEX(SOFT(A1:A3),2)+A1"])
def test_slopes_through_let_and_lambda_are_those_of_differences(tmp_path: Path, formula: str) -> None:
    names = {"SQUARE": "_xlfn.LAMBDA(_xlpm.x,_xlpm.x^2)", "SOFT": NAMES["SOFTMAX"]}
    path = write_dynamic(tmp_path / "book.xlsx", {"A1": 1.3, "A2": 0.7, "A3": -0.4, "C1": formula}, names)
    function = sheetprop.open(path).function(["S!A1:A3"], ["S!C1"])
    x = function.current()
    around = np.array([x + sign * 1e-6 * np.eye(3)[at] for at in range(3) for sign in (1, -1)])
    book = sheetprop.open(path)
    values = []
    for line in around:
        for row, value in enumerate(line, start=1):
            book.set(f"S!A{row}", float(value))
        book.calculate()
        values.append(book["S"]["C1"])
    np.testing.assert_allclose(function(around)[:, 0], values, rtol=1e-13)
    slopes = (np.array(values[::2]) - np.array(values[1::2])) / 2e-6
    np.testing.assert_allclose(function.gradient(), slopes, rtol=1e-6, atol=1e-8)


def test_a_gradient_through_what_has_none_is_refused(tmp_path: Path) -> None:
    path = write_dynamic(tmp_path / "book.xlsx", {
        "A1": 3, "A2": 2, "C1": "==DOWN(A1)", "C2": "==SUM(MAP(A1:A2,LAMBDA(v,v*v)))"}, NAMES)
    for cell, value in (("S!C1", 6.0), ("S!C2", 13.0)):
        function = sheetprop.open(path).function(["S!A1"], [cell])
        assert function([[3.0]])[0, 0] == value
        with pytest.raises(sheetprop.SheetpropError, match="no derivative"):
            function.gradient()

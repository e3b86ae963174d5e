"""Derivatives through array formulas, rounding, places in order and conditional sums."""

from __future__ import annotations

import importlib.util
import random
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest
from differences import Floats, central
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.worksheet.formula import ArrayFormula

import sheetprop

NUMBA = importlib.util.find_spec("numba") is not None
NUMBERS = {"A1": 1.3137, "A2": -0.7219, "A3": 2.4371, "B1": 0.6113, "B2": 1.9341, "B3": -1.1273,
           "C1": 0.25, "C2": 3.0, "C3": -2.0,
           "D1": 1.5, "D2": "text", "D3": True,
           "F1": 2.0, "F2": 1.0, "F3": 3.0, "G1": "x", "G2": "y", "G3": "x"}
INPUTS = ["S!A1:B3"]


def recalculated(path: Path, function: Any, x: Floats) -> Floats:
    """Return the outputs by setting the inputs and calculating the workbook, one scenario after another."""
    book = sheetprop.open(path)
    found = []
    for line in x:
        for cell, value in zip(function.input_cells, line, strict=True):
            book.set(cell, float(value))
        book.calculate()
        values = [book[cell.split("!")[0]][cell.split("!")[1]] for cell in function.output_cells]
        found.append([float(value) if isinstance(value, float | bool) else np.nan for value in values])
    return np.array(found)


def check(path: Path, inputs: list[str], outputs: list[str], spread: float = 0.4) -> None:
    """Compare values with recalculations, in every dialect, and slopes with central differences."""
    function = sheetprop.open(path).function(inputs, outputs)
    function.source(gradient=True)  # not by recalculating
    x = function.current()
    many = x + np.random.default_rng(5).normal(0.0, spread, (12, len(x)))
    many[0] = x
    expected = recalculated(path, function, many)
    for backend in ("python", "numpy"):
        np.testing.assert_allclose(function(many, backend=backend), expected, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(function.jacobian(), central(function, x), rtol=1e-6, atol=2e-8)
    of_all = function.vjp(many)[1]
    held = np.isfinite(expected).all(axis=1)
    np.testing.assert_allclose(of_all[held], [function.vjp(line)[1] for line in many[held]], rtol=1e-11, atol=1e-12)


ARRAYS = [
    ("{}", "=SUM(A1:A3*B1:B3)"),
    ("{}", "=SUM(A1:A3*TRANSPOSE(A1:A3))"),
    ("{}", "=SUM((A1:A3-B1:B3)^2)/ROWS(A1:A3)"),
    ("{}", "=SUM(IF(A1:A3>0,A1:A3*2,B1:B3^2))"),
    ("{}", "=SUM(IF(A1:A3>0,A1:A3))"),
    ("{}", "=AVERAGE(IF(A1:A3>0,A1:A3))+COUNT(IF(A1:A3>0,1))"),
    ("{}", "=MAX(IF(A1:B3<2,A1:B3))*MIN(IF(A1:B3>9,A1:B3,\"\"),B1)"),
    ("{}", "=MAX(A1:A3-B1:B3)+MIN(ABS(A1:A3))"),
    ("{}", "=AVERAGE(EXP(A1:A3)/C2)"),
    ("{}", "=SUM(A1:B1*A1:A3)"),
    ("{}", "=SUM(A1:A3*C1:C3*D1)+SUM(--(A1:A3>B1:B3))+SUM(A1:A3>B1:B3)"),
    ("{}", "=SUM(A1:A3*ROW(A1:A3))"),
    ("{}", "=MEDIAN(A1:A3*B1:B3)+LARGE(A1:B3^2,2)-SMALL(A1:A3+B1:B3,1)"),
    ("{}", "=IF(SUM(A1:A3)>0,SUM(A1:A3*B1:B3),1)"),
    ("{}", "=SUM(IFERROR(A1:A3/C1:C3,0))"),
    ("{}", "=SUM(MMULT(A1:B3,TRANSPOSE(A1:B3)))"),
    ("{}", "=SUM({1;2;3}*A1:A3)+PRODUCT(A1:A3+4)+SUMSQ(A1:A3-1)"),
    ("{}", "=SUM(CHOOSE({1;2;1},A1:A3,B1:B3))"),
    ("", "=SUMPRODUCT(A1:A3*B1:B3)"),
    ("", "=SUMPRODUCT((A1:A3-B1:B3)^2)"),
    ("", "=SUMPRODUCT(--(A1:A3>0),B1:B3)"),
    ("", "=SUMPRODUCT((G1:G3=\"x\")*A1:A3)"),
    ("", "=SUMPRODUCT(A1:A3>0,B1:B3)+SUMPRODUCT(A1:A3,D1:D3)"),
    ("", "=SUMPRODUCT(A1:A3,1/(1+EXP(-B1:B3)))"),
    ("", "=SUM(MMULT(A1:B3,C1:C2))"),
    ("", "=INDEX(MMULT(A1:B3,TRANSPOSE(B1:C3)),2,3)"),
    ("", "=SUM(INDEX(A1:B3,0,2))+SUM(INDEX(A1:B3,2,0))*INDEX(A1:A3,2)"),
    ("", "=SUMXMY2(A1:A3*2,B1:B3+A1)"),
    ("", "=CORREL(A1:A3^2,B1:B3*C1:C3)"),
    ("", "=SUM(A1:A3)*A1:A3"),  # a range beside its own row: the formula stands in row 1
]


@pytest.mark.parametrize(("kind", "formula"), ARRAYS)
def test_array_expressions(workbook: Any, kind: str, formula: str) -> None:
    held = ArrayFormula("E1", formula) if kind else formula
    check(workbook({"S": {**NUMBERS, "E1": held}}), INPUTS, ["S!E1"])


FILLINGS = [
    "=MMULT(A1:B2,B2:C3)",
    "=TRANSPOSE(A1:B2)",
    "=1/(1+EXP(-A1:B2))",
    "=A1:B2*C1:C2+A1:B1/C2",
    "=A1:A2-B1",
    "=IF(A1:B2>B2:C3,A1:B2,B1:C1)",
    "=IFERROR(SQRT(A1:B2),-A1:B2)",
    "=ROUND(A1:B2*10,0)*A1:B2",
    "=(A1:B2>0)*A1:B2^2",
    "=MMULT(TRANSPOSE(A1:B2),1/(1+EXP(-MMULT(A1:B2,B2:C3))))",
    "=A1",
]


@pytest.mark.parametrize("formula", FILLINGS)
def test_array_formulas_over_several_cells(workbook: Any, formula: str) -> None:
    path = workbook({"S": {**NUMBERS, "J1": ArrayFormula("J1:K2", formula), "L1": "=SUM(J1:K2)*J2+K1^2"}})
    check(path, ["S!A1:B2"], ["S!J1:K2", "S!L1"])


def test_only_the_cells_that_are_needed_have_to_be_followed(workbook: Any) -> None:
    """Beyond the array stands #N/A; an input inside the rectangle replaces its cell."""
    path = workbook({"S": {**NUMBERS, "J1": ArrayFormula("J1:K3", "=A1:B2*2"), "L1": "=J1*K2", "M1": "=J3+1"}})
    check(path, ["S!A1:B2"], ["S!L1"])
    function = sheetprop.open(path).function(["S!A1"], ["S!M1"])
    assert np.isnan(function([3.0])).all()
    with pytest.raises(sheetprop.SheetpropError, match=r"S!J1: has no derivative here \(the error #N/A\)"):
        function.gradient()


def network(rows: int) -> dict[str, Any]:
    """Return a 2-3-2 network as array formulas: rows of inputs A:B, targets C:D, weights and biases in F:N."""
    chance = random.Random(7)
    cells: dict[str, Any] = {}
    for row in range(2, 2 + rows):
        cells.update({f"{column}{row}": round(chance.uniform(0.05, 0.95), 2) for column in "ABCD"})
    for line, column in ((2, "FGH"), (3, "FGH"), (4, "FGH"), (2, "JK"), (3, "JK"), (4, "JK"), (5, "JK")):
        cells.update({f"{one}{line}": round(chance.uniform(-1, 1), 3) for one in column})
    last = 1 + rows
    cells["P2"] = ArrayFormula(f"P2:R{last}", f"=1/(1+EXP(-(MMULT(A2:B{last},F2:H3)+F4:H4)))")
    cells["T2"] = ArrayFormula(f"T2:U{last}", f"=TANH(MMULT(P2:R{last},J2:K4)+J5:K5)")
    cells["W1"] = f"=SUMPRODUCT((C2:D{last}-T2:U{last})^2)/2"
    cells["W2"] = ArrayFormula("W2", f"=-AVERAGE(C2:D{last}*LN(P2:Q{last}))")
    return cells


@pytest.mark.parametrize("written_out", [2000, 0])
def test_a_network_of_array_formulas_has_the_gradient_of_pytorch(workbook: Any, monkeypatch: pytest.MonkeyPatch,
                                                                 written_out: int) -> None:
    """Whether its matrix products are written out, as small ones are, or stay one operation."""
    torch = pytest.importorskip("torch")
    monkeypatch.setattr("sheetprop.engine.tracing.grids._WRITTEN_OUT", written_out)
    rows = 5
    book = sheetprop.open(workbook({"S": network(rows)}))
    for output, loss in (("S!W1", lambda c, p, t: ((c - t) ** 2).sum() / 2),
                         ("S!W2", lambda c, p, t: -(c * p[:, :2].log()).mean())):
        function = book.function(["S!F2:H4", "S!J2:K5"], [output])
        given = np.random.default_rng(1).normal(0.0, 1.0, (9, 17))
        given[0] = function.current()
        samples = book.function(["S!A1"], [f"S!A2:D{1 + rows}"])([0.0]).reshape(rows, 4)
        data = torch.tensor(samples, dtype=torch.float64)
        values, gradients = function.value_and_gradient(given)
        for at, line in enumerate(given):
            x = torch.tensor(line, requires_grad=True)
            hidden = torch.sigmoid(data[:, :2] @ x[:6].reshape(2, 3) + x[6:9])
            out = torch.tanh(hidden @ x[9:15].reshape(3, 2) + x[15:17])
            expected = loss(data[:, 2:], hidden, out)
            expected.backward()
            assert values[at] == pytest.approx(expected.item(), rel=1e-12)
            np.testing.assert_allclose(gradients[at], x.grad.numpy(), rtol=1e-10, atol=1e-14)
        np.testing.assert_allclose(function.gradient(), gradients[0], rtol=1e-12)


STEPS = [
    "=ROUND(A1*7,1)*A1",
    "=ROUND(A1*700,-1)*B1+ROUND(-A2,2)",
    "=ROUNDUP(A1,F2)+ROUNDDOWN(B2*A2,2)*A1",
    "=TRUNC(A1*9)*A1+TRUNC(B1,1)",
    "=CEILING(A1,0.25)*B1+FLOOR(B2,0.1)",
    "=CEILING.MATH(A2,2)*A1+FLOOR.MATH(A1)",
    "=MROUND(A1,0.5)*A1",
    "=EVEN(A1*3)*A1+ODD(B1*3)",
    "=QUOTIENT(A1*9,B2)*A1+INT(A2)",
    "=SUMPRODUCT(ROUND(A1:A3,1),B1:B3)",
]


@pytest.mark.parametrize("formula", STEPS)
def test_steps_have_the_engines_value_and_slope_zero(workbook: Any, formula: str) -> None:
    check(workbook({"S": {**NUMBERS, "E1": formula}}), INPUTS, ["S!E1"])


def test_rounding_of_arrays_is_that_of_single_numbers(workbook: Any) -> None:
    """To the last bit, halves and numbers just beside a step included; what is an error is NaN."""
    cells = {"A1": 1.5, "B1": "=ROUND(A1,2)", "B2": "=ROUNDUP(A1,1)", "B3": "=ROUNDDOWN(A1,0)", "B4": "=TRUNC(A1,3)",
             "B5": "=ROUND(A1,-2)", "B6": "=FLOOR(A1,2)", "B7": "=ROUND(A1,14)"}
    path = workbook({"S": cells})
    function = sheetprop.open(path).function(["S!A1"], ["S!B1:B7"])
    chance = np.random.default_rng(2)
    x = np.concatenate([chance.normal(0, 10.0**size, 40) for size in range(-4, 17, 4)] +
                       [np.round(chance.normal(0, 100, 100), 3), np.arange(-2, 2, 0.005), [0.0, 1.005, 2.5, 1e300]])
    expected = recalculated(path, function, x[:, None])
    np.testing.assert_array_equal(function(x[:, None], backend="numpy"), expected)
    np.testing.assert_array_equal(function(x[:, None], backend="python"), expected)


PLACES = [
    "=MEDIAN(A1:A3)*A1",
    "=MEDIAN(A1:B2,C2)*B1",
    "=MEDIAN(A1:B2)",
    "=LARGE(A1:B3,2)*SMALL(A1:B3,F2+1)",
    "=QUARTILE(A1:B3,1)+QUARTILE.INC(A1:A3,2)*A1",
    "=PERCENTILE(A1:B3,0.3)*PERCENTILE.INC(A1:A3,0.9)",
    "=PERCENTILE.EXC(A1:B3,0.4)",
    "=RANK(A1,A1:B3)*A2+RANK(B2,A1:B3,1)*COUNT(A1:D3)",
    "=RANK.AVG(A1,A1:B3)*A2+COUNTA(A1:D3)",
]


@pytest.mark.parametrize("formula", PLACES)
def test_places_in_order(workbook: Any, formula: str) -> None:
    check(workbook({"S": {**NUMBERS, "E1": formula}}), INPUTS, ["S!E1"])


def test_ties_share_the_slope_as_in_pytorch(workbook: Any) -> None:
    torch = pytest.importorskip("torch")
    book = sheetprop.open(workbook({"S": {"A1": 2, "A2": 2, "A3": 1, "A4": 5, "A5": 2, "B1": "=MEDIAN(A1:A5)",
                                          "B2": "=LARGE(A1:A5,2)"}}))
    x = torch.tensor([2.0, 2.0, 1.0, 5.0, 2.0], requires_grad=True)
    x.median().backward()
    for output in ("S!B1", "S!B2"):
        function = book.function(["S!A1:A5"], [output])
        np.testing.assert_allclose(function.gradient(), x.grad.numpy(), rtol=1e-7)
        np.testing.assert_allclose(function.gradient(np.tile(x.detach().numpy(), (3, 1)))[1], x.grad.numpy(), rtol=1e-7)


CONDITIONS = [
    "=SUMIF(G1:G3,\"x\",A1:A3)*B1",
    "=SUMIF(G1:G3,\"x\",A1)",
    "=SUMIFS(A1:A3,G1:G3,\"x\",F1:F3,\">\"&F2)",
    "=AVERAGEIF(F1:F3,\">=2\",A1:A3)+AVERAGEIFS(B1:B3,G1:G3,\"<>y\")",
    "=SUMIF(A1:A3,\">0\")*B1",
    "=SUMIF(A1:B3,\">0.5\",B1:C3)",
    "=COUNTIF(A1:A3,\">0\")*A1+COUNTIFS(A1:A3,\">0\",G1:G3,\"x\")+COUNTIF(A1:D3,\"<>x\")",
    "=AVERAGEIF(A1:B3,\">0\")",
    "=MAXIFS(A1:A3,B1:B3,\">0\")+MINIFS(A1:A3,G1:G3,\"x\")+MAXIFS(A1:A3,B1:B3,\">99\")",
    "=SUMIF(F1:F3,F1,A1:A3)+SUMIF(F1:F3,A1,B1:B3)",
]


@pytest.mark.parametrize("formula", CONDITIONS)
def test_conditional_sums(workbook: Any, formula: str) -> None:
    check(workbook({"S": {**NUMBERS, "E1": formula}}), INPUTS, ["S!E1"])


LINES = [
    "=FORECAST(A1,B1:B3,A1:A3)",
    "=FORECAST.LINEAR(C1,A1:A3,F1:F3)",
    "=INDEX(LINEST(A1:A3,F1:F3),1)*INDEX(LINEST(A1:A3,B1:B3),2)",
    "=INDEX(LINEST(A1:A3),1,2)",
    "=SUM(TREND(A1:A3,F1:F3,B1:B3))",
    "=SUMPRODUCT((TREND(A1:A3,B1:B3)-A1:A3)^2)",
]


@pytest.mark.parametrize("formula", LINES)
def test_lines_through_points(workbook: Any, formula: str) -> None:
    check(workbook({"S": {**NUMBERS, "E1": formula}}), INPUTS, ["S!E1"])


def test_formulas_filled_down(workbook: Any) -> None:
    """Array expressions, conditional sums by text, and growing ranges, over rows that run as a loop or not."""
    cells: dict[str, Any] = {"A1": 0.5137, "A2": -1.5219}
    for row in range(1, 31):
        cells.update({f"B{row}": row / 7, f"C{row}": "xyz"[row % 3], f"D{row}": f"=A$1*B{row}+A$2",
                      f"E{row}": f"=SUMPRODUCT((D{row}:D{row + 2}-B{row}:B{row + 2})^2)",
                      f"F{row}": f"=ROUND(D{row},1)*MEDIAN(B{row},D{row},1)",
                      f"G{row}": f"=SUMIF(C$1:C$30,C{row},D$1:D$30)", f"H{row}": f"=SUM(D$1:D{row})",
                      f"I{row}": f"=D{row}>0", f"J{row}": f"=IF(I{row},SUM(I{row},D{row}),AVERAGE(D{row},K{row}))"})
        if row % 4:
            cells[f"K{row}"] = row
        cells[f"L{row}"] = ArrayFormula(f"L{row}", f"=SUM(IF(D{row}:D{row + 1}>B{row}:B{row + 1},D{row}:D{row + 1}))")
    cells["N1"] = "=SUM(E1:E28)+SUM(F1:F30)+SUM(G1:G30)"
    cells["N2"] = "=SUM(H1:H30)*SUM(I1:I30)+SUM(J1:J30)+SUM(L1:L30)+SUMPRODUCT(I1:I30*D1:D30)"
    check(workbook({"S": cells}), ["S!A1:A2"], ["S!N1:N2"])


def test_long_sums_and_large_products(workbook: Any) -> None:
    """A sum of a thousand terms and more, whole columns, names, and the same cells of several sheets."""
    chance = random.Random(4)
    cells = {f"{column}{row}": round(chance.uniform(-1, 1), 3) for column in "ABCDEFGH" for row in range(1, 181)}
    formulas = {
        "A1": ArrayFormula("A1:H8", "=MMULT(TRANSPOSE(S!A1:H180),S!A1:H180)"), "J1": "=SUM(S!A1:H180)",
        "J2": ArrayFormula("J2", "=SUM(S!A:A*S!B:B)+SUMPRODUCT(S!C:C,S!D:D)"), "J3": "=SUMPRODUCT(width*2,width)",
        "J4": "=VAR(S!A1:A180)+CORREL(S!A1:A180,S!B1:B180)+MEDIAN(S!A1:C180)", "J5": "=SUM(S:T!A1:B3)",
        "J6": "=SUM(A1:H8)*A2", "J7": "=AVERAGE(width)*COUNTIF(width,\">0\")"}
    path = workbook({"S": cells, "T": {"A1": "=S!A1*2", "B3": 5}, "F": formulas}, names={"width": "S!$A$2:$H$2"})
    check(path, ["S!A1:C2"], [f"F!J{row}" for row in range(1, 8)], spread=0.2)


def test_a_range_over_an_array_formula_counts_all_its_cells(workbook: Any) -> None:
    """Also those below the last row that the file holds, when the workbook is calculated for the first time."""
    book = sheetprop.open(workbook({"S": {"A1": 1, "A2": 2, "C1": ArrayFormula("C1:D4", "=A1+{1,2;3,4;5,6;7,8}"),
                                          "F1": "=SUM(C1:D4)"}}))
    book.calculate()
    assert book["S"]["F1"] == 44.0


def test_what_is_not_taken_has_no_slope(workbook: Any) -> None:
    """An error in a branch that is not taken leaves the slopes of the others alone."""
    path = workbook({"S": {"A1": 0, "A2": 3, "B1": ArrayFormula("B1", "=SUM(IFERROR(1/A1:A2,A1:A2*2))"), "B2": "=1/A1",
                           "B3": "=IF(A1=0,A2,B2)"}})
    book = sheetprop.open(path)
    for output, expected in (("S!B1", [2.0, -1 / 9]), ("S!B3", [0.0, 1.0])):
        function = book.function(["S!A1:A2"], [output])
        np.testing.assert_allclose(function.gradient(), expected, rtol=1e-15)
        np.testing.assert_allclose(function.gradient([[1.0, 3.0], [0.0, 3.0]])[1], expected, rtol=1e-15)


def test_errors_do_not_vanish_in_comparisons(workbook: Any) -> None:
    """Over many scenarios too, an error that is compared gives an error, and a choice that finds nothing is one."""
    formulas = ["=IF(1/A1>0,A1,2)", "=IF(AND(A1<>3,NOT(SQRT(A2)>1)),A1,A2^2)", "=IF(MATCH(A1,{1,2,3})>1,A1*A2,A2)",
                "=IFERROR(IF(LN(A1)>0,A1,A2),A2*3)", ArrayFormula("B5", "=SUM(IF(A1:A2>1/A1,A1:A2))"),
                "=ROUND(1/A1,2)*A2", "=GESTEP(A2^0.5,1)*A1", "=IFERROR(1/(1/A1),A2)",
                "=IFERROR(A1/C9,A2)*A1", "=SIGN(1/A1)+A2"]
    path = workbook({"S": {"A1": 1.5, "A2": 4.0, **{f"B{at}": one for at, one in enumerate(formulas, start=1)}}})
    x = np.array([[1.5, 4.0], [0.0, 4.0], [2.5, -1.0], [-1.1, 0.3], [0.55, 2.1]])
    for row in range(1, 1 + len(formulas)):
        function = sheetprop.open(path).function(["S!A1:A2"], [f"S!B{row}"])
        expected = recalculated(path, function, x)
        for backend in ("python", "numpy", *(("numba",) if NUMBA and row not in (6, 7) else ())):
            np.testing.assert_allclose(function(x, backend=backend), expected, rtol=1e-12)
        for line, value, slope in zip(x, expected[:, 0], function.gradient(x), strict=True):
            if np.isfinite(value) and line[0] != 0.0:
                np.testing.assert_allclose(slope, central(function, line)[0], rtol=1e-5, atol=1e-7)


def test_what_still_has_no_derivative_is_named(workbook: Any) -> None:
    cells = {**NUMBERS, "E1": "=LARGE(A1:A3,A1)", "E2": "=ROUND(A1,B1)", "E3": "=LINEST(A1:A3,B1:B3,TRUE,TRUE)",
             "E4": ArrayFormula("E4", "=MEDIAN(IF(A1:A3>0,A1:A3))"), "E5": "=SUM(MINVERSE(A1:B2))"}
    book = sheetprop.open(workbook({"S": cells}))
    for row in range(1, 6):
        with pytest.raises(sheetprop.SheetpropError, match=f"S!E{row}: has no derivative here"):
            book.function(INPUTS, [f"S!E{row}"]).gradient()


def test_numbers_in_text_stay_text(workbook: Any) -> None:
    """A cell that may hold the text "7" holds no number, but as an operand it is one."""
    path = workbook({"S": {"A1": 1.5, "B1": '=IF(A1>2,A1,"7")', "B2": '=IF(A1>2,A1,"7")*2', "B3": "=IF(A1>2,A1>3)"}})
    for row in (1, 2, 3):
        function = sheetprop.open(path).function(["S!A1"], [f"S!B{row}"])
        x = np.linspace(0.1, 4.0, 12)[:, None]
        for backend in ("python", "numpy"):
            np.testing.assert_array_equal(function(x, backend=backend), recalculated(path, function, x))


def test_numba_names_what_it_has_no_form_of(workbook: Any) -> None:
    pytest.importorskip("numba")
    cells = {**NUMBERS, "E1": "=ROUND(A1,1)", "E2": ArrayFormula("E2", "=SUM(A1:A3*B1:B3)"), "E3": "=MEDIAN(A1:A3)"}
    book = sheetprop.open(workbook({"S": cells}))
    x = np.random.default_rng(3).normal(0, 1, (70, 6))
    function = book.function(INPUTS, ["S!E2"])
    np.testing.assert_allclose(function(x, backend="numba"), function(x, backend="numpy"), rtol=1e-13)
    for output in ("S!E1", "S!E3"):
        with pytest.raises(sheetprop.SheetpropError, match=f"{output}: .* cannot be compiled"):
            book.function(INPUTS, [output])(x, backend="numba")


def _grown(chance: random.Random, depth: int, height: int, width: int) -> str:
    """Return a random array expression of some size over A1:C3."""
    if depth == 0 or chance.random() < 0.15:
        top, left = chance.randint(1, 4 - height), chance.randint(0, 3 - width)
        area = f"{'ABC'[left]}{top}:{'ABC'[left + width - 1]}{top + height - 1}"
        return chance.choice([area, area, f"{chance.uniform(-2, 2):.2f}"])
    inner = chance.randint(1, 3)

    def part(rows: int = height, columns: int = width) -> str:
        return _grown(chance, depth - 1, rows, columns)

    return chance.choice([
        lambda: f"({part()}+{part(1, width)})", lambda: f"({part()}-{part(height, 1)})", lambda: f"{part()}*{part()}",
        lambda: f"TANH({part()})", lambda: f"{part()}/(2+({part()})^2)",
        lambda: f"IF({part()}>0*{_whole(height, width)},{part()},1)",
        lambda: f"TRANSPOSE({part(width, height)}+0*{_whole(width, height)})",
        lambda: f"MMULT({part(height, inner)}+0*{_whole(height, inner)},{part(inner, width)}+0*{_whole(inner, width)})",
        lambda: f"({part()}+SUM({part(2, 2)}))", lambda: f"({part()}*MAX({part(1, 3)}))",
        lambda: f"SUMPRODUCT({part()}+0*{_whole(height, width)},{_whole(height, width)})",
    ])()


def _whole(height: int, width: int) -> str:
    return f"A1:{'ABC'[width - 1]}{height}"


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 100_000))
def test_random_array_formulas(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    chance = random.Random(seed)
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "S"
    for cell in ("A1", "B1", "C1", "A2", "B2", "C2", "A3", "B3", "C3"):
        sheet[cell] = round(chance.uniform(-2, 2), 4)
    sheet["E1"] = ArrayFormula("E1:F2", "=" + _grown(chance, 3, 2, 2))
    sheet["E4"] = ArrayFormula("E4", f"=SUM({_grown(chance, 3, 2, 3)})")
    path = tmp_path_factory.mktemp("arrays") / "b.xlsx"
    book.save(path)
    function = sheetprop.open(path).function(["S!A1:C3"], ["S!E1:F2", "S!E4"])
    function.source(gradient=True)
    x = function.current()
    many = np.stack([x, x * 1.3])
    expected = recalculated(path, function, many)
    np.testing.assert_allclose(function(many, backend="numpy"), expected, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(function(many, backend="python"), expected, rtol=1e-11, atol=1e-12)
    exact, near, wide = function.jacobian(), central(function, x), central(function, x, 3e-6)
    smooth = np.abs(near - wide) <= 1e-4 * (1.0 + np.abs(near))  # not where IF or MAX changes its mind
    np.testing.assert_allclose(exact[smooth], near[smooth], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(function.vjp(many)[1][0], exact.sum(axis=0), rtol=1e-10, atol=1e-11)

"""Workbooks as functions: scenarios, derivatives against central differences and PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from differences import central
from hypothesis import given, settings
from hypothesis import strategies as st

import sheetprop

ROWS = 100


def network(rows: int = ROWS) -> dict[str, dict[str, Any]]:
    """Return a 1-1-1 network that learns, rate and start in Parameters."""
    cells: dict[str, Any] = {}
    for row in range(2, 3 + rows):
        first = row == 2
        cells[f"A{row}"] = "=Parameters!$B$1" if first else f"=A{row - 1}-Parameters!$B$3*G{row - 1}"
        cells[f"B{row}"] = "=Parameters!$B$2" if first else f"=B{row - 1}-Parameters!$B$3*H{row - 1}"
        cells[f"C{row}"] = f"=A{row}*Parameters!$B$4"
        cells[f"D{row}"] = f"=IF(C{row}<-708,0,1/(1+EXP(-C{row})))"
        cells[f"E{row}"] = f"=TANH(B{row}*D{row})"
        cells[f"F{row}"] = f"=0.5*(Parameters!$B$5-E{row})^2"
        cells[f"G{row}"] = f"=(E{row}-Parameters!$B$5)*(1-E{row}^2)*B{row}*D{row}*(1-D{row})*Parameters!$B$4"
        cells[f"H{row}"] = f"=(E{row}-Parameters!$B$5)*(1-E{row}^2)*D{row}"
    return {
        "Parameters": {"A1": "w1", "B1": 0.3, "B2": -0.4, "B3": 0.5, "B4": 0.7, "B5": 0.8},
        "Run": cells,
        "Out": {"A1": f"=Run!F{2 + rows}", "A2": "=SUM(Run!F2:F11)", "A3": f"=MAX(Run!F2,Run!F{2 + rows})*2"},
    }


def test_gradient_is_that_of_pytorch_through_a_hundred_updates(workbook: Any) -> None:
    torch = pytest.importorskip("torch")
    book = sheetprop.open(workbook(network()))
    function = book.function(inputs=["Parameters!B1:B5"], outputs=["Out!A1"])
    x = torch.tensor([0.3, -0.4, 0.5, 0.7, 0.8], dtype=torch.float64, requires_grad=True)
    w, v, rate, i, t = x
    for at in range(ROWS + 1):
        hidden = torch.sigmoid(w * i)
        out = torch.tanh(v * hidden)
        loss = 0.5 * (t - out) ** 2
        if at < ROWS:
            slope = (out - t) * (1 - out**2)
            w, v = w - rate * slope * v * hidden * (1 - hidden) * i, v - rate * slope * hidden
    loss.backward()
    value, gradient = function.value_and_gradient()
    assert float(value) == pytest.approx(loss.item(), rel=1e-12)
    np.testing.assert_allclose(gradient, x.grad.numpy(), rtol=1e-10)
    np.testing.assert_allclose(gradient, central(function, function.current())[0], rtol=1e-6, atol=1e-9)


def test_scenarios_equal_recalculations(workbook: Any) -> None:
    book = sheetprop.open(workbook(network(20)))
    function = book.function(inputs=["Parameters!B3", "Parameters!B1"], outputs=["Out!A1", "Out!A2", "Out!A3"])
    given_inputs = np.array([[0.1, 0.3], [2.0, -1.0], [0.0, 5.0], [-0.5, 900.0], [0.3, -1200.0]])
    results = function(given_inputs, backend="numpy")
    np.testing.assert_allclose(function(given_inputs, backend="python"), results, rtol=1e-12)
    for inputs, result in zip(given_inputs, results, strict=True):
        book.set("Parameters!B3", inputs[0])
        book.set("Parameters!B1", inputs[1])
        book.calculate()
        np.testing.assert_allclose([book["Out"][f"A{row}"] for row in (1, 2, 3)], result, rtol=1e-12)
    numba = pytest.importorskip("numba")
    assert numba
    np.testing.assert_allclose(function(given_inputs, backend="numba"), results, rtol=1e-11)


def test_compiled_scenarios_equal_plain_ones(workbook: Any) -> None:
    pytest.importorskip("numba")
    cells: dict[str, Any] = {f"A{row}": f"=P!A1*{row}" for row in (1, 2)}
    for row in range(1, 9):
        cells[f"B{row}"] = "=P!A2" if row == 1 else f"=B{row - 1}+D{row - 1}*0.01"
        cells[f"C{row}"] = f"=IF(B{row}>0,SQRT(B{row}),-B{row}/(1+B{row}^2))+IF(A{row}>1,1,0)+MAX(A{row},E{row})"
        cells[f"D{row}"] = f"=EXP(-C{row})*E{row}"
        cells[f"E{row}"] = row / 3
    cells["F1"] = "=SUM(D1:D8)+D8*A1"
    cells["F2"] = "=EXP(P!A1)"
    book = sheetprop.open(workbook({"P": {"A1": 1.0, "A2": 0.5}, "S": cells}))
    function = book.function(inputs=["P!A1:A2"], outputs=["S!F1", "S!F2", "P!A2", "S!E3"])
    chance = np.random.default_rng(3)
    for low, high, count in ((-3.0, 3.0, 200), (-760.0, 712.0, 500), (-5.0, 5.0, 1)):
        x = chance.uniform(low, high, (count, 2))
        found, plain = function(x, backend="numba"), function(x, backend="python")
        np.testing.assert_allclose(found[:, [0, 2, 3]], plain[:, [0, 2, 3]], rtol=1e-13)
        assert np.array_equal(np.isnan(found[:, 1]), np.isnan(plain[:, 1]))
        held = ~np.isnan(plain[:, 1])
        # The compiled loop has an EXP of its own: never more than one unit in the last place away.
        assert np.all(np.abs(found[held, 1] - plain[held, 1]) <= np.spacing(plain[held, 1]))


def test_a_simple_table_after_a_busy_one(workbook: Any) -> None:
    """Each loop borrows arrays; the later one needs fewer, and the earlier ones must stay."""
    cells: dict[str, Any] = {}
    for row in range(1, 7):
        cells[f"A{row}"] = "=P!A1" if row == 1 else f"=A{row - 1}-0.1*C{row - 1}"
        cells[f"B{row}"] = f"=1/(1+EXP(-(A{row}*0.3+A{row}*A{row}*0.2)))"
        cells[f"C{row}"] = f"=(B{row}-0.5)*B{row}*(1-B{row})*(A{row}+0.1)*(B{row}+2)"
    sums = {f"A{row}": "=S!B1*2+1" if row == 1 else f"=A{row - 1}+S!B{row}*2+1" for row in range(1, 21)}
    for row in range(7, 21):
        cells[f"B{row}"] = row / 10
    function = sheetprop.open(workbook({"P": {"A1": 0.4}, "S": cells, "T": sums})).function(
        inputs=["P!A1"], outputs=["T!A20", "T!A6", "S!C6"])
    x = np.linspace(-1.0, 1.0, 20)[:, None]
    np.testing.assert_allclose(function(x, backend="numpy"), function(x, backend="python"), rtol=1e-13)


def test_scenario_axis_of_gradients(workbook: Any) -> None:
    book = sheetprop.open(workbook(network(20)))
    function = book.function(inputs=["Parameters!B1:B3"], outputs=["Out!A1", "Out!A2"])
    x = np.array([[0.1, 0.2, 0.3], [1.0, -1.0, 0.5], [-900.0, 0.3, 0.1]])
    together = function.jacobian(x)
    assert together.shape == (3, 2, 3)
    for one, slopes in zip(x, together, strict=True):
        np.testing.assert_allclose(function.jacobian(one), slopes, rtol=1e-12, atol=1e-300)


def test_formula_cells_can_be_inputs(workbook: Any) -> None:
    """A cell in the middle is cut loose from its formula: the derivative within one row."""
    book = sheetprop.open(workbook(network(20)))
    function = book.function(inputs=["Run!A7", "Run!B7"], outputs=["Run!F7"])
    book.calculate()
    by_hand = [book["Run"]["G7"], book["Run"]["H7"]]
    np.testing.assert_allclose(function.gradient(), by_hand, rtol=1e-12)
    everywhere = np.stack([book["Run"].column("A", 2, 22), book["Run"].column("B", 2, 22)], axis=1)
    slopes = function.gradient(everywhere)
    np.testing.assert_allclose(slopes[:, 0], book["Run"].column("G", 2, 22), rtol=1e-11)
    np.testing.assert_allclose(slopes[:, 1], book["Run"].column("H", 2, 22), rtol=1e-11)


FORMULAS = [
    "=A1*B1+C1/A1",
    "=EXP(A1)*LN(B1)",
    "=SQRT(A1)+SIN(B1)*COS(C1)+TAN(A1)",
    "=A1^3+B1^C1+2^A1",
    "=A1^2*B1^-1",
    "=IF(A1>B1,A1*2,C1^2)",
    "=MAX(A1,B1,C1)*MIN(A1,B1)",
    "=SUM(A1:C1)^2",
    "=AVERAGE(A1:C1)*PRODUCT(A1:B1)",
    "=SUMPRODUCT(A1:C1,A1:C1)",
    "=SUMSQ(A1,B1)",
    "=ABS(A1-5)",
    "=TANH(A1)+ATAN(B1)+ASIN(C1/9)+ACOS(C1/9)",
    "=SINH(A1)+COSH(B1)",
    "=LOG10(A1)+LOG(B1,2)",
    "=-A1%+50%",
    "=INDEX(A1:C1,2)*3",
    "=CHOOSE(2,A1,B1)",
    "=IF(AND(A1>0,B1>0),A1,B1)",
    "=IFERROR(A1/B1,7)",
    "=POWER(A1,1.5)",
    "=ROUND(D1,1)*A1",
    "=INT(A1)*B1",
    "=VLOOKUP(2,{1,5;2,6},2)*A1",
    '=IF(D1="x",1,A1)',
    "=A1/(B1*(1-C1))",
    "=(A1>1)*B1",
    "=SIGN(A1)*B1",
    "=MOD(A1*7,B1)+MOD(-A1,C1)",
    "=VAR(A1:C1)*STDEV(A1:C1,B1)",
    "=VAR.P(A1:D1)+STDEVP(A1:C1)",
    "=DEVSQ(A1:C1,5)",
    "=SUMXMY2(A1:C1,B1:D1)+SUMX2MY2(A1:C1,B1:D1)*SUMX2PY2(A1:B1,B1:C1)",
    "=COVAR(A1:C1,B1:D1)+COVARIANCE.S(A1:C1,B1:D1)",
    "=CORREL(A1:C1,B1:D1)*RSQ(A1:C1,B1:D1)",
    "=SLOPE(A1:C1,B1:D1)",
    "=INTERCEPT(A1:C1,B1:D1)*A1",
]


@pytest.mark.parametrize("formula", FORMULAS)
def test_gradients_agree_with_central_differences(workbook: Any, formula: str) -> None:
    book = sheetprop.open(workbook({"S": {"A1": 1.3, "B1": 2.1, "C1": 0.7, "D1": 4.44, "E1": formula}}))
    function = book.function(["S!A1:C1"], ["S!E1"])
    x = function.current()
    np.testing.assert_allclose(function.gradient(), central(function, x)[0], rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(function.gradient(np.tile(x, (3, 1)))[1], function.gradient(), rtol=1e-12)
    book.calculate()
    np.testing.assert_allclose(function(np.tile(x, (3, 1)))[1], book["S"]["E1"], rtol=1e-12)


CHOICES = [
    "=INDEX(D1:D4,A1)*A1+B1",
    "=INDEX(D1:F4,A1,2)*C1",
    "=INDEX(D1:F4,2,A1)",
    "=CHOOSE(A1,B1*2,C1^2,A1*B1)",
    "=MATCH(A1,E1:E4)*B1",
    "=MATCH(A1,F1:F4,-1)*B1",
    "=INDEX(D1:D4,MATCH(B1,E1:E4,1))^2",
    "=INDEX(D1:D4,MATCH(INT(A1),G1:G4,0))*B1",
    "=VLOOKUP(A1,E1:G4,3)*C1",
    "=VLOOKUP(INT(A1),G1:H4,2,FALSE)*A1",
    "=HLOOKUP(A1,D6:F7,2)+B1",
    "=LOOKUP(A1,E1:E4,D1:D4)",
    "=XLOOKUP(INT(A1),G1:G4,D1:D4)*B1",
]


@pytest.mark.parametrize("formula", CHOICES)
def test_a_choice_has_the_value_and_the_slope_of_the_branch_taken(workbook: Any, formula: str) -> None:
    """INDEX, MATCH and the lookups at a place that depends on an input; outside the range there is no number."""
    cells = {"A1": 2.3, "B1": 2.1, "C1": 0.7, "I1": formula, "D6": 1, "E6": 2, "F6": 3, "D7": 5, "E7": "=B1*B1",
             "F7": 7, "D4": 9}
    for row, value in enumerate(("=B1*3", "=A1*C1", 4.5), start=1):
        cells[f"D{row}"] = value
    for row in range(1, 5):
        cells.update({f"E{row}": row, f"F{row}": 5 - row, f"G{row}": [3, 1, 2, 4][row - 1], f"H{row}": f"=C1+{row}"})
    path = workbook({"S": cells})
    book = sheetprop.open(path)
    function = book.function(["S!A1:C1"], ["S!I1"])
    x = function.current()
    np.testing.assert_allclose(function.gradient(), central(function, x)[0], rtol=1e-6, atol=1e-7)
    many = np.stack([np.linspace(-1.0, 6.0, 29), np.linspace(0.5, 3.5, 29), np.linspace(1.0, 2.0, 29)], axis=1)
    again = sheetprop.open(path)
    expected = []
    for line in many:
        for cell, value in zip(("A1", "B1", "C1"), line, strict=True):
            again.set(f"S!{cell}", float(value))
        again.calculate()
        value = again["S"]["I1"]
        expected.append(value if isinstance(value, float) else np.nan)
    for backend in ("python", "numpy"):
        np.testing.assert_allclose(function(many, backend=backend)[:, 0], expected, rtol=1e-14)
    inside = many[(many[:, 0] >= 1.1) & (many[:, 0] < 2.9)]
    np.testing.assert_allclose(function.gradient(inside), [function.gradient(line) for line in inside], rtol=1e-12)


def test_ties_and_kinks_follow_pytorch(workbook: Any) -> None:
    book = sheetprop.open(workbook({"S": {"A1": 0, "B1": 0, "C1": "=MAX(A1,B1)", "D1": "=ABS(A1)", "E1": "=SQRT(A1)"}}))
    assert book.function(["S!A1:B1"], ["S!C1"]).gradient().tolist() == [0.5, 0.5]
    assert book.function(["S!A1"], ["S!D1"]).gradient().tolist() == [0.0]


def test_what_has_no_derivative_is_named(workbook: Any) -> None:
    book = sheetprop.open(
        workbook({"S": {"A1": 2, "B1": '=A1&"x"', "C1": "=LEN(B1)", "D1": "=MATCH(A1,{1,2,3,\"x\"},0)", "E1": "=A1*2"}})
    )
    for output, cell in (("S!C1", "S!"), ("S!D1", "S!D1")):
        with pytest.raises(sheetprop.SheetpropError, match=cell):
            book.function(["S!A1"], [output]).gradient()
    assert book.function(["S!A1"], ["S!C1"])([20.0]).tolist() == [3.0]
    assert book.function(["S!A1"], ["S!D1"])(np.array([[3.0]] * 20)).ravel().tolist() == [3.0] * 20
    with pytest.raises(sheetprop.SheetpropError):
        book.function(["S!A1"], ["S!E1"])(np.zeros((3, 2)))
    with pytest.raises(sheetprop.SheetpropError):
        book.function(["S!A1", "S!A1"], ["S!E1"])
    with pytest.raises(sheetprop.SheetpropError):
        book.function(["S!B1"], ["S!C1"]).current()


def test_errors_are_nan(workbook: Any) -> None:
    book = sheetprop.open(workbook({"S": {"A1": 1, "B1": "=1/(1+1/A1)", "C1": "=1/(1+EXP(A1))"}}))
    function = book.function(["S!A1"], ["S!B1", "S!C1"])
    given_inputs = np.array([[1.0], [0.0], [800.0]] * 5)
    for backend in ("python", "numpy"):
        results = function(given_inputs, backend=backend)
        assert np.isnan(results[:3]).tolist() == [[False, False], [True, False], [False, True]]


def test_torch_layer(workbook: Any) -> None:
    torch = pytest.importorskip("torch")
    book = sheetprop.open(workbook({"S": {"A1": 1.5, "A2": 2.0, "B1": "=A1^2*A2", "B2": "=SIN(A1)+A2"}}))
    layer = book.function(["S!A1:A2"], ["S!B1:B2"]).torch()
    for shape in ((2,), (3, 2), (2, 3, 2)):
        x = (torch.rand(shape, dtype=torch.float64) + 0.5).requires_grad_()
        assert torch.autograd.gradcheck(layer, (x,))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-2, 2), min_size=3, max_size=3), st.integers(0, 10_000))
def test_random_formulas_have_the_right_slopes(
    tmp_path_factory: pytest.TempPathFactory, x: list[float], seed: int
) -> None:
    import random

    chance = random.Random(seed)

    def grow(depth: int) -> str:
        if depth == 0 or chance.random() < 0.2:
            return chance.choice(["A1", "B1", "C1", f"{chance.uniform(-2, 2):.3f}"])
        kind = chance.randrange(6)
        a, b = grow(depth - 1), grow(depth - 1)
        return [f"({a}+{b})", f"({a}-{b})", f"({a})*({b})", f"TANH({a})", f"({a})/(3+({b})^2)", f"IF(A1>B1,{a},{b})"][
            kind
        ]

    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "S"
    for at, value in enumerate(x, start=1):
        sheet.cell(1, at, value)
    sheet["E1"] = "=" + grow(4)
    path = tmp_path_factory.mktemp("slopes") / "b.xlsx"
    book.save(path)
    function = sheetprop.open(path).function(["S!A1:C1"], ["S!E1"])
    if abs(x[0] - x[1]) < 1e-3:
        return
    np.testing.assert_allclose(function.gradient(), central(function, np.array(x))[0], rtol=1e-5, atol=1e-6)

"""The commands calc, what-if and grad, as a user runs them."""

from __future__ import annotations

import csv
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import sheetprop
from sheetprop.cli import engine
from sheetprop.errors import SheetpropError

CELLS = {"A1": 2, "A2": "=A1^2", "A3": "=A2/0", "A4": "=FOO(A1)", "B1": "=A1*3+1"}


@pytest.fixture
def book(workbook: Any) -> Path:
    """Return a small workbook."""
    path: Path = workbook({"S": CELLS})
    return path


def run(command: Any, *arguments: object, code: int = 0) -> str:
    """Run a command and return what it prints."""
    result = CliRunner().invoke(command, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.output


def test_calc_counts_and_lists(book: Path, tmp_path: Path) -> None:
    text = run(engine.calc, book, code=1)
    assert "4 formulas in 4 families" in text
    assert "1 × #DIV/0!" in text
    assert "not evaluated: FOO (1 ×, first at S!A4)" in text
    data = json.loads(run(engine.calc, book, "--json", code=1))
    assert data["formulas"] == 4
    assert data["errors"] == {"#DIV/0!": 1, "#NAME?": 1}
    out = tmp_path / "out.xlsx"
    run(engine.calc, book, "-o", out, code=1)
    assert "all stored values agree" in run(engine.calc, out, "--check", code=1)
    with pytest.raises(SheetpropError, match="exists"):
        run(engine.calc, book, "-o", out, code=1)
    run(engine.calc, book, "-o", out, "--force", code=1)
    with pytest.raises(SheetpropError, match="holds no stored values"):
        run(engine.calc, book, "--check", code=1)
    run(engine.calc, book, "--in-place", code=1)
    with zipfile.ZipFile(book) as one, zipfile.ZipFile(out) as two:
        assert all(one.read(name) == two.read(name) for name in one.namelist())
    assert run(engine.calc, book, "--in-place", "--check", code=2)


def test_check_finds_a_changed_value(book: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.xlsx"
    run(engine.calc, book, "-o", out, code=1)
    with zipfile.ZipFile(out) as package:
        parts = {name: package.read(name) for name in package.namelist()}
    with zipfile.ZipFile(out, "w") as package:
        for name, content in parts.items():
            package.writestr(name, content.replace(b"<v>4.0</v>", b"<v>4.1</v>"))
    text = run(engine.calc, out, "--check", code=1)
    assert "S!A2: stored 4.1, calculated 4.0" in text
    assert json.loads(run(engine.calc, out, "--check", "--json", code=1))["differences"][0]["cell"] == "S!A2"


def test_what_if_writes_a_table(book: Path, tmp_path: Path) -> None:
    out = tmp_path / "o.csv"
    run(engine.what_if, book, "--set", "S!A1=0:10:11", "--get", "S!A2", "--get", "S!B1", "-o", out)
    rows = list(csv.reader(out.open()))
    assert rows[0] == ["S!A1", "S!A2", "S!B1"]
    assert [float(value) for value in rows[4]] == [3.0, 9.0, 10.0]
    assert len(rows) == 12
    assert run(engine.what_if, book, "--set", "S!A1=1,5", "--get", "S!A3").splitlines()[-2] == "1.0,"
    for wrong in ("S!A1", "S!A1=a", "S!A1=0:1:0"):
        with pytest.raises(SheetpropError):
            run(engine.what_if, book, "--set", wrong, "--get", "S!A2")


def test_grad(book: Path) -> None:
    assert "S!A1 = 4.0" in run(engine.grad, book, "--of", "S!A2", "--wrt", "S!A1")
    data = json.loads(run(engine.grad, book, "--of", "S!B1", "--wrt", "S!A1", "--json"))
    assert data == {"of": "S!B1", "value": 7.0, "gradient": {"S!A1": 3.0}}
    with pytest.raises(SheetpropError, match="A4"):
        run(engine.grad, book, "--of", "S!A4", "--wrt", "S!A1")


def test_what_if_says_what_it_replaces_and_what_moves_nothing(workbook: Any) -> None:
    path = workbook({"S": {**CELLS, "C1": "words", "C2": 5}})
    result = CliRunner().invoke(engine.what_if, [str(path), "--set", "S!A2=1,2", "--set", "S!C1:C2=3",
                                                 "--get", "S!A3", "--get", "S!B1"])
    assert result.exit_code == 0, result.output
    assert [line.removeprefix("sheetprop: ") for line in result.stderr.splitlines()] == [
        "S!A2: holds a formula, which the given values replace",
        "S!C1: holds text, which the given values replace",
        "S!C1, S!C2: no cell asked for depends on it",
        "S!B1: depends on no cell that is set",
        "S!A3: is an error or text, and left empty, in 2 of 2 scenarios",
    ]
    assert result.stdout.splitlines() == ["S!A2,S!C1,S!C2,S!A3,S!B1", "1.0,3.0,3.0,,7.0", "2.0,3.0,3.0,,7.0"]


def test_a_text_has_no_derivative(workbook: Any) -> None:
    path = workbook({"S": {**CELLS, "C1": "words", "C2": '=A1&"x"', "C3": "=C1"}})
    for cell in ("C1", "C2", "C3"):
        with pytest.raises(SheetpropError, match=f"S!{cell}: h"):
            run(engine.grad, path, "--of", f"S!{cell}", "--wrt", "S!A1")
    with pytest.raises(SheetpropError, match="S!A3: has no derivative here"):
        run(engine.grad, path, "--of", "S!A3", "--wrt", "S!A1")


def test_check_of_a_file_without_values_compares_nothing(workbook: Any, book: Path) -> None:
    with pytest.raises(SheetpropError, match="nothing to compare"):
        run(engine.calc, book, "--check", "--json")
    path = workbook({"S": {"A1": 1}}, "constants.xlsx")
    assert "there are no formulas" in run(engine.calc, path, "--check")


def test_check_counts_what_changes_every_time_apart(workbook: Any, tmp_path: Path) -> None:
    """RAND and NOW, in names too, and all that hangs on them, upwards, downwards, through arrays and other sheets."""
    cells = {"A1": "=A2+1", "A2": "=A3+1", "A3": "=RAND()", "B1": "=TODAY()-TODAY()", "C1": "=dice*0",
             "D1": "=SUM(A:A)", "E1": 5, "E2": "=E1*2", "F1": '=INDIRECT("A"&1)', "G1": "=OFFSET(E1,1,0)"}
    path = workbook({"S": cells, "T": {"A1": "=S!D1", "A2": "=S!E2"}}, names={"dice": "RANDBETWEEN(1,6)"})
    out = tmp_path / "out.xlsx"
    run(engine.calc, path, "-o", out, "--seed", "1")
    text = run(engine.calc, out, "--check", "--seed", "2")
    assert "not compared: 8 cells" in text
    assert "6 differ" in text
    assert "all stored values agree" in text
    data = json.loads(run(engine.calc, out, "--check", "--seed", "1", "--json"))
    assert data["changing"] == {"cells": 8, "differ": 0}
    assert data["differences"] == []


@pytest.mark.parametrize("option", ["--rel", "--abs"])
@pytest.mark.parametrize("value", ["-1", "nan"])
def test_check_refuses_what_is_no_tolerance(book: Path, option: str, value: str) -> None:
    with pytest.raises(SheetpropError, match=f"{option} .* is no tolerance"):
        run(engine.calc, book, "--check", option, value)


def test_what_if_says_what_is_no_number(workbook: Any) -> None:
    path = workbook({"S": {"A1": 2, "A2": "=FOO(A1)", "A3": '="x"&A1', "A4": "=1/A1", "A5": "=A6+1", "A6": "=A5"}})
    result = CliRunner().invoke(engine.what_if, [str(path), "--set", "S!A1=0,1", "--get", "S!A2", "--get", "S!A3",
                                                 "--get", "S!A4", "--get", "S!A5"])
    assert result.stdout.splitlines() == ["S!A1,S!A2,S!A3,S!A4,S!A5", "0.0,,x0,,0.0", "1.0,,x1,1.0,0.0"]
    assert "S!A2: is an error, and left empty, in 2 of 2 scenarios" in result.stderr
    assert "S!A4: is an error, and left empty, in 1 of 2 scenarios" in result.stderr
    assert "not evaluated: FOO (1 ×, first at S!A2)" in result.stderr
    assert "circular: 2 cells: S!A5, S!A6" in result.stderr


@pytest.mark.parametrize("given", ["nan,1", "0:inf:3", "1e999"])
def test_what_if_takes_finite_numbers_only(book: Path, given: str) -> None:
    with pytest.raises(SheetpropError, match="has no values"):
        run(engine.what_if, book, "--set", f"S!A1={given}", "--get", "S!A2")


def test_the_derivative_of_an_error_is_no_number(workbook: Any) -> None:
    path = workbook({"S": {"A1": 2, "A2": "=A1/(A1-2)"}})
    given = ("--of", "S!A2", "--wrt", "S!A1")
    assert run(engine.grad, path, *given).splitlines() == ["S!A2 = #DIV/0!", "∂/∂ S!A1 = nan"]
    assert json.loads(run(engine.grad, path, *given, "--json"))["value"] is None
    function = sheetprop.open(path).function(["S!A1"], ["S!A2", "S!A1"])
    assert np.array_equal(function.jacobian([[2.0]]), [[[np.nan], [1.0]]], equal_nan=True)


def test_names_stand_for_cells_or_say_what_for(workbook: Any) -> None:
    path = workbook({"S": {"A1": 2, "A2": "=A1*rate*2"}},
                    names={"rate": "0.5", "cell": "S!$A$1", "gone": "#REF!", "made": "OFFSET(S!$A$1,0,0)"})
    assert run(engine.what_if, path, "--set", "cell=1,2", "--get", "S!A2").splitlines()[0] == "cell,S!A2"
    for name, meaning in (("rate", "0.5"), ("gone", "#REF!"), ("made", "OFFSET")):
        with pytest.raises(SheetpropError, match=f"'{name}': stands for {meaning}"):
            run(engine.what_if, path, "--set", f"{name}=1,2", "--get", "S!A2")
        with pytest.raises(SheetpropError, match=f"'{name}': stands for {meaning}"):
            sheetprop.open(path).set(name, 1)
    ours = sheetprop.open(path)
    ours.set("S!A1:A2", 1)
    assert ours["S!A1:A2"].tolist() == [[1.0], [1.0]]


def test_one_reference_needs_no_list_and_a_function_takes_numbers(book: Path) -> None:
    function = sheetprop.open(book).function("S!A1", "S!B1")
    assert function([2.0]).tolist() == [7.0]
    for wrong in ("x", [[1.0], [2.0, 3.0]]):
        with pytest.raises(SheetpropError, match="takes numbers"):
            function(wrong)

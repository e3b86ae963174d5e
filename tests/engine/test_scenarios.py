"""what-if with names, dates, text, grids and draws; goal seek; explain: as commands and from Python."""

from __future__ import annotations

import csv
import datetime
import io
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest
from click.testing import CliRunner
from test_commands import run

import sheetprop
from sheetprop.cli import engine
from sheetprop.engine.access.settings import setting
from sheetprop.errors import SheetpropError


@pytest.fixture
def model(workbook: Any) -> Path:
    """Return a workbook with names, a choice by text, and a date."""
    cells = {"A1": 0.1, "A2": 2, "A3": "=1000*(1+A1)^A2", "A4": "red", "A5": '=IF(A4="red",A3,A3/2)', "A6": 46_000,
             "A7": "=YEAR(A6)", "A8": '=IF(A1>0.15,"high","low")', "B1": 1, "B2": "=B1*A2", "C1": "=1/A2"}
    path: Path = workbook({"S": cells}, names={"rate": "S!$A$1", "years": "S!$A$2"})
    return path


def table(path: Path, *words: str, code: int = 0) -> list[list[str]]:
    """Return what what-if prints."""
    result = CliRunner().invoke(engine.what_if, [str(path), *words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code
    return list(csv.reader(io.StringIO(result.stdout)))


def test_names_percentages_and_grids(model: Path) -> None:
    rows = table(model, "--set", "rate=5%,0.1,15%", "--set", "years=1,2", "--get", "S!A3", "--grid")
    assert rows[0] == ["rate", "years", "S!A3"]
    assert len(rows) == 7
    for rate, years, value in rows[1:]:
        assert float(value) == pytest.approx(1000 * (1 + float(rate)) ** float(years))
    assert [row[:2] for row in rows[1:4]] == [["0.05", "1.0"], ["0.05", "2.0"], ["0.1", "1.0"]]
    rows = table(model, "--set", "rate=0:0.2:3", "--set", "years=0:4:3", "--set", "S!B1=1,5", "--get", "S!A3", "--grid")
    assert len(rows) == 1 + 3 * 3 * 2
    with pytest.raises(SheetpropError, match="--grid combines"):
        table(model, "--set", "rate=1,2,3", "--set", "years=1,2", "--get", "S!A3")


def test_dates(model: Path) -> None:
    rows = table(model, "--set", "S!A6=2025-12-31,2026-01-01", "--get", "S!A7")
    assert rows == [["S!A6", "S!A7"], ["2025-12-31", "2025.0"], ["2026-01-01", "2026.0"]]
    rows = table(model, "--set", "S!A6=2026-01-01:2030-01-01:5", "--get", "S!A7")
    assert [row[0] for row in rows[1:]] == ["2026-01-01", "2027-01-01 06:00:00", "2028-01-01 12:00:00",
                                            "2028-12-31 18:00:00", "2030-01-01"]
    assert [row[1] for row in rows[1:]] == ["2026.0", "2027.0", "2028.0", "2028.0", "2030.0"]


def test_text_goes_in_and_comes_out(model: Path) -> None:
    rows = table(model, "--set", 'S!A4="red","blue","a ""b"", c"', "--get", "S!A5")
    assert [row[0] for row in rows[1:]] == ["red", "blue", 'a "b", c']
    assert [float(row[1]) for row in rows[1:]] == pytest.approx([1210, 605, 605])
    rows = table(model, "--set", "rate=0.1,0.2", "--get", "S!A8")
    assert rows[1:] == [["0.1", "low"], ["0.2", "high"]]
    rows = table(model, "--set", "S!A4=TRUE,FALSE", "--get", "S!A5")
    assert [row[0] for row in rows[1:]] == ["TRUE", "FALSE"]
    assert sheetprop.open(model)["S!A4"] == "red"


def test_draws(model: Path) -> None:
    words = ("--set", "rate=normal(0.1,0.02)", "--set", "years=integers(1,3)", "--get", "S!A3", "--n", "400")
    rows = table(model, *words, "--seed", "5")
    assert rows == table(model, *words, "--seed", "5")
    assert rows != table(model, *words, "--seed", "6")
    rates, years = ([float(row[at]) for row in rows[1:]] for at in (0, 1))
    judge = np.random.default_rng(5)
    assert rates == judge.normal(0.1, 0.02, size=400).tolist()
    assert set(years) == {1.0, 2.0, 3.0}
    assert len(table(model, "--set", "rate=choice(0.1,0.2)", "--get", "S!A3", "--n", "3")) == 4


@pytest.mark.parametrize(("words", "what"), [
    (["--set", "rate=normal(0,1)"], "add --n 1000"),
    (["--set", "rate=norml(0,1)", "--n", "3"], "did you mean 'normal'"),
    (["--set", "rate=normal(0)", "--n", "3"], "standard deviation"),
    (["--set", "rate=normal(0,-1)", "--n", "3"], "drawn"), (["--set", "rate=1,2", "--n", "3"], "nothing is drawn"),
    (["--set", "rate=normal(0,1)", "--n", "0"], "no scenarios"),
    (["--set", "rate=normal(0,1)", "--n", "3", "--grid"], "no grid"), (["--set", "rate=red"], "double quotes"),
    (["--set", "rate=1,,2"], "no values"), (["--set", "rate="], "no values"), (["--set", "rate"], "no setting"),
    (["--set", "rate=2026-13-45"], "no values"), (["--set", 'rate="a'], "no values"), (["--set", "=1"], "no setting"),
    (["--set", "rat=1"], "did you mean 'rate'"), (["--set", "rate=1:2:0"], "COUNT"),
    (["--set", "rate=1:2"], "no values"), (["--set", "rate=integers(1.5,2)", "--n", "3"], "whole"),
    (["--set", "rate=normal(0,1)", "--n", "3", "--seed", "-1"], "negative"),
])
def test_what_cannot_be_tried_is_said_in_one_line(model: Path, words: list[str], what: str) -> None:
    with pytest.raises(SheetpropError, match=what) as caught:
        table(model, *words, "--get", "S!A3")
    assert "\n" not in str(caught.value)


def test_sheet_names_with_equals_signs_and_json(workbook: Any, tmp_path: Path) -> None:
    path = workbook({"a=b": {"A1": 1, "A2": "=A1*2"}})
    data = json.loads(run(engine.what_if, path, "--set", "'a=b'!A1=1,2", "--get", "'a=b'!A2", "--json"))
    assert data == {"columns": ["'a=b'!A1", "'a=b'!A2"], "rows": [[1.0, 2.0], [2.0, 4.0]]}
    assert setting("A1=1,2", None, None).values == [1.0, 2.0]


def test_scenarios_from_python(model: Path) -> None:
    book = sheetprop.open(model)
    frame = book.what_if({"rate": np.linspace(0, 0.2, 3), "years": [1, 2]}, ["S!A3"], grid=True)
    assert list(frame.columns) == ["rate", "years", "S!A3"]
    assert frame["S!A3"].tolist() == pytest.approx([1000, 1000, 1100, 1210, 1200, 1440])
    frame = book.what_if({"S!A6": [datetime.date(2024, 2, 29)], "S!A4": "blue"}, ["S!A7", "S!A5"])
    assert frame.iloc[0].tolist()[2:] == [2024.0, pytest.approx(605)]
    frame = book.what_if({"years": [0, 1]}, "S!C1")
    assert math.isnan(frame["S!C1"][0])
    assert book["S!A3"] == pytest.approx(1210)
    for wrong in ({"rate": [[1, 2], [3, 4]]}, {"rate": []}, {"rate": [1, 2], "years": [1, 2, 3]}, {"rate": [object()]}):
        with pytest.raises(SheetpropError):
            book.what_if(wrong, ["S!A3"])


def test_goals_are_reached(model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.xlsx"
    text = run(engine.goal_seek, model, "--target", "S!A3", "--value", 1331, "--by", "rate", "-o", out)
    assert text.startswith("S!A1 = 0.153689")
    assert "newton" in text
    values = openpyxl.load_workbook(out, data_only=True)["S"]
    assert values["A3"].value == pytest.approx(1331, rel=1e-9)
    assert values["A1"].value == pytest.approx(math.sqrt(1.331) - 1, rel=1e-9)
    data = json.loads(run(engine.goal_seek, model, "--target", "S!A3", "--value", 1000, "--by", "years", "--json"))
    assert data["value"] == pytest.approx(0, abs=1e-9)
    assert data["before"] == 2.0


@pytest.mark.parametrize(("formula", "start", "value", "answers"), [
    ("=A1^3-2*A1-5", 2, 0, [2.0945514815423265]), ("=A1^2", 0, 9, [3, -3]), ("=EXP(A1)", 50, 1, [0]),
    ("=SIN(A1)", 1, 0.5, [math.pi / 6]), ("=ROUND(A1,2)", 0, 0.25, None), ("=IF(A1>3,A1*2,A1)", 0, 10, [5]),
    ("=LN(A1)", 5, -3, [math.exp(-3)]), ("=ATAN(A1)", 10, 0.1, [math.tan(0.1)]), ("=1/A1", 0.5, 4, [0.25]),
    ("=GAMMA(A1)", 3, 24, [5]), ("=A1*1E9", 1, 5e-9, [5e-18]), ("=ABS(A1)", 5, 3, [3, -3]),
])
def test_searches_end_at_the_right_number(workbook: Any, formula: str, start: float, value: float,
                                          answers: list[float] | None) -> None:
    book = sheetprop.open(workbook({"S": {"A1": start, "B1": formula}}))
    found = book.goal_seek("S!B1", value, "S!A1")
    assert book["S!B1"] == found.reached == pytest.approx(value, rel=1e-8, abs=1e-9)
    assert book["S!A1"] == found.value
    assert found.before == start
    if answers is not None:
        assert any(found.value == pytest.approx(answer, rel=1e-6, abs=1e-9) for answer in answers)


@pytest.mark.parametrize(("formula", "given", "what"), [
    ("=A1^2+1", {}, "nothing was found that gives 0"), ("=5", {}, "nothing was found"),
    ("=1/0", {}, "no number to begin"), ("=A1", {"by": "S!C1"}, "holds a formula"),
    ("=A1", {"by": "S!D1"}, "holds 'text'"), ("=A1", {"by": "S!A1:A2"}, "one"),
    ("=A1", {"value": math.nan}, "no number to reach"), ("=A1", {"by": "S!"}, "no cell"),
])
def test_a_search_without_an_end_changes_nothing(workbook: Any, formula: str, given: dict[str, Any], what: str) -> None:
    book = sheetprop.open(workbook({"S": {"A1": 1, "B1": formula, "C1": "=1+1", "D1": "text"}}))
    with pytest.raises(SheetpropError, match=what) as caught:
        book.goal_seek(**{"target": "S!B1", "value": 0.0, "by": "S!A1", **given})
    assert "\n" not in str(caught.value)
    assert book["S!A1"] == 1.0


def test_explain_on_the_command_line(model: Path) -> None:
    text = run(engine.explain, model, "S!A5", "--depth", 2)
    assert text.splitlines() == [
        'S!A5: =IF(A4="red",A3,A3/2) = 1210.0000000000002',
        '├─ A4="red" = TRUE',
        '│  └─ A4 = "red"',
        "├─ S!A3: =1000*(1+A1)^A2 = 1210.0000000000002",
        "│  └─ (1+A1)^A2 = 1.2100000000000002",
        "│     ├─ 1+A1 = 1.1",
        "│     │  └─ A1 = 0.1",
        "│     └─ A2 = 2",
        "└─ A3/2 = 605.0000000000001",
        "   └─ S!A3: =1000*(1+A1)^A2 = 1210.0000000000002",
        "      └─ (1+A1)^A2 = 1.2100000000000002",
        "         ├─ 1+A1 = 1.1",
        "         │  └─ A1 = 0.1",
        "         └─ A2 = 2",
        "read by no formula",
    ]
    data = json.loads(run(engine.explain, model, "rate", "--json"))
    assert data == {"text": "S!A1", "place": "S!A1", "value": 0.1, "read_by": ["S!A3", "S!A8"]}
    for wrong in ("S!ZZZZ1", "T!A1", "nope", "S!A1:A2"):
        with pytest.raises(SheetpropError):
            run(engine.explain, model, wrong)


def test_iteration_on_the_command_line(workbook: Any) -> None:
    path = workbook({"S": {"A1": "=B1/2+1", "B1": "=A1"}})
    CliRunner().invoke(engine.calc, [str(path), "--iterate", "200", "--max-change", "1e-12", "--in-place"])
    assert openpyxl.load_workbook(path, data_only=True)["S"]["A1"].value == pytest.approx(2.0)

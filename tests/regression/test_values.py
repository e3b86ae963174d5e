"""Golden files of cell values: exact round trips, what moved, and what cannot be used."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner

import sheetprop
from sheetprop.cli.main import cli
from sheetprop.errors import SheetpropError
from sheetprop.regression import diff, read, values
from sheetprop.testing import assert_values


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small book of ours."""
    path = tmp_path_factory.mktemp("regression") / "book.xlsx"
    sheetprop.build(sheetprop.spec(preset="classic", learning_rates=(0.5,), iterations=3), path)
    return path


def _stranger(path: Path, **cells: object) -> Path:
    """Write a workbook that is not ours."""
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    assert sheet is not None
    contents: dict[str, object] = {"A1": 1.1, "A2": "=A1/3", "A3": "=A2-1/3", "B1": "two\nlines, \"quoted\"",
                                   "B2": '=B1&"!"', "B3": "=1/0", "C1": True, "C2": "=A1>0", "D1": '=""'} | cells
    for address, value in contents.items():
        sheet[address] = value
    workbook.save(path)
    return path


@pytest.mark.parametrize("suffix", [".csv", ".json", ".parquet"])
def test_golden_files_hold_every_bit(book: Path, tmp_path: Path, suffix: str) -> None:
    golden = tmp_path / f"golden{suffix}"
    written = values(book, golden)
    assert read(golden) == written
    found = diff(golden, book, rel=0.0)
    assert found.same
    assert found.cells == len(written)
    assert_values(book, golden, rel=0.0)
    # One unit in the last place is seen.
    assert any(isinstance(one.value, float) and one.value != round(one.value, 12) for one in written)


@pytest.mark.parametrize("suffix", [".csv", ".json", ".parquet"])
def test_a_strangers_workbook_round_trips(tmp_path: Path, suffix: str) -> None:
    path = _stranger(tmp_path / "stranger.xlsx")
    golden = tmp_path / f"golden{suffix}"
    cells = {one.address: one for one in values(path, golden)}
    assert read(golden) == list(cells.values())
    assert all(one.symbol is None and one.iteration is None for one in cells.values())
    assert cells["A2"].value == 1.1 / 3
    assert cells["A2"].formula == "=A1/3"
    assert (cells["B3"].type, cells["B3"].value) == ("error", "#DIV/0!")
    assert (cells["C2"].type, cells["C2"].value) == ("boolean", "TRUE")
    assert (cells["D1"].type, cells["D1"].value) == ("text", "")
    assert cells["B1"].value == 'two\nlines, "quoted"'


def test_cells_of_ours_carry_symbol_and_iteration(book: Path) -> None:
    cells = [one for one in values(book) if one.symbol == "E_total"]
    assert [one.iteration for one in cells] == [0, 1, 2, 3]
    assert cells[0].value == 0.24251985734837728
    assert cells[0].sheet == "LR 0.5"


def test_what_moved_is_said(tmp_path: Path) -> None:
    before = _stranger(tmp_path / "before.xlsx", E1=1.0, E2="=A1*2")
    after = _stranger(tmp_path / "after.xlsx", E2="=A1+A1", A1=1.1 * (1 + 1e-9), E3="new")
    found = diff(before, after)
    assert not found.same
    by_kind = {kind: {one.address for one in found.changes if one.kind == kind} for kind in found.counts}
    assert by_kind == {"value": {"A1", "A2", "A3", "E2"}, "formula": {"E2"}, "gone": {"E1"}, "added": {"E3"}}
    assert found.counts == {"value": 4, "formula": 1, "gone": 1, "added": 1}
    assert {one.address for one in diff(before, after, rel=1e-7).changes if one.kind == "value"} == set()
    assert {one.address for one in diff(before, after, abs=1e-8).changes if one.kind == "value"} == set()
    message = next(one.message for one in found.changes if one.kind == "formula")
    assert message == "Sheet!E2: formula was =A1*2 and is =A1+A1"
    with pytest.raises(AssertionError, match=r"Sheet!E2: formula was =A1\*2"):
        assert_values(after, before)


def test_another_spelling_of_a_formula_is_no_change(tmp_path: Path) -> None:
    before = _stranger(tmp_path / "before.xlsx", E1="=SUM(A1,A2)*1.0")
    after = _stranger(tmp_path / "after.xlsx", E1="=sum( A1, A2 )*1")
    assert diff(before, after).same


def test_a_constant_in_the_place_of_a_formula_is_a_change(tmp_path: Path) -> None:
    before = _stranger(tmp_path / "before.xlsx")
    after = _stranger(tmp_path / "after.xlsx", A2=1.1 / 3)
    assert [(one.kind, one.address) for one in diff(before, after).changes] == [("formula", "A2")]


@pytest.mark.parametrize(("name", "content", "says"), [
    ("a.csv", "x,y\n1,2\n", "is no golden file"), ("a.csv", "", "is no golden file"),
    ("a.json", "{", "is no golden file"), ("a.json", '[{"sheet": 1}]', "is no golden file"),
    ("a.json", "[3]", "is no golden file"), ("a.parquet", "no", "is no golden file"),
    ("a.csv", "sheet,address,type,value\nS,A1,number,abc\n", "is no golden file"),
    ("a.xlsx", "no", "is no"), ("none.csv", None, "there is no such file"),
])
def test_bad_files_are_one_line(tmp_path: Path, name: str, content: str | None, says: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(SheetpropError) as caught:
        diff(path, path)
    assert says in str(caught.value)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_bad_names_and_tolerances_are_one_line(book: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SheetpropError, match=r"ends in \.csv, \.json or \.parquet"):
        values(book, tmp_path / "golden.txt")
    with pytest.raises(SheetpropError, match="--rel -1"):
        diff(book, book, rel=-1)
    with pytest.raises(SheetpropError, match="--abs nan"):
        diff(book, book, abs=float("nan"))
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(SheetpropError, match="Parquet needs pyarrow"):
        values(book, tmp_path / "golden.parquet")
    assert not (tmp_path / "golden.parquet").exists()


def test_the_commands_exit_by_what_they_found(book: Path, tmp_path: Path) -> None:
    runner = CliRunner()
    golden = tmp_path / "golden.csv"
    done = runner.invoke(cli, ["values", str(book), "-o", str(golden)], standalone_mode=False)
    assert done.exception is None
    assert "cells" in done.output
    with pytest.raises(SheetpropError, match="exists already"):
        runner.invoke(cli, ["values", str(book), "-o", str(golden)], standalone_mode=False, catch_exceptions=False)
    done = runner.invoke(cli, ["diff", str(golden), str(book)], standalone_mode=False)
    assert done.return_value == 0
    assert "agree" in done.output
    golden.write_text(golden.read_text(encoding="utf-8").replace("0.24251985734837728", "0.2425"), encoding="utf-8")
    done = runner.invoke(cli, ["diff", str(golden), str(book), "--json"], standalone_mode=False)
    assert done.return_value == 1
    found = json.loads(done.output)
    assert found["same"] is False
    assert found["counts"]["value"] == len(found["changes"]) > 0
    done = runner.invoke(cli, ["diff", str(golden), str(book), "--rel", "1e-3"], standalone_mode=False)
    assert done.return_value == 0

"""Files as users bring them: changed, stale, without values, exercises, spoiled; and the command line."""

from __future__ import annotations

import json
import shutil
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import sheetprop
from sheetprop.cli.main import cli, run
from sheetprop.errors import SheetpropError
from sheetprop.verification.verify import verify, verify_book
from sheetprop.workbook.reading import read_layout

Build = Callable[..., Path]


def _remark(result: sheetprop.verification.result.Verification, kind: str) -> str:  # type: ignore[name-defined]
    return next(remark.message for remark in result.remarks if remark.kind == kind)


def test_constants_changed_and_saved_are_verified_as_they_are(classic: Path, tmp_path: Path) -> None:
    book = sheetprop.open(classic)
    layout = read_layout(book)
    for symbol, value in (("w3", -0.7), ("i1", 0.25), ("t2", 0.4), ("η1", 0.9)):
        book.set(f"Parameters!{layout.parameter(symbol).replace('$', '')}", value)
    book.calculate()
    changed = tmp_path / "changed.xlsx"
    book.save(changed)
    result = verify(changed)
    assert result.agrees, result.verdict
    assert result.learning_rates == (0.9, 2.0)
    assert "i1, t2, w3, η1" in _remark(result, "changed")
    assert all(remark.kind != "stale" for remark in result.remarks)


def test_stale_values_are_said_and_do_not_count(classic: Path, tmp_path: Path) -> None:
    layout = read_layout(sheetprop.open(classic))
    cell = layout.parameter("w1").replace("$", "")
    source = zipfile.ZipFile(classic)
    part = next(name for name in source.namelist() if b"<f>IF(C15=D15,0,1)</f>" in source.read(name))
    stale = tmp_path / "stale.xlsx"
    with source, zipfile.ZipFile(stale, "w") as out:
        for name in source.namelist():
            data = source.read(name)
            if name == part:
                start = data.index(f'<c r="{cell}"'.encode())
                data = data[:start] + data[start:].replace(b"<v>0.15</v>", b"<v>0.35</v>", 1)
            out.writestr(name, data)
    result = verify(stale)
    assert result.agrees, result.verdict
    assert "not those of its formulas" in _remark(result, "stale")
    assert "w1" in _remark(result, "changed")


def test_a_file_without_values_is_calculated(classic: Path, tmp_path: Path) -> None:
    import openpyxl

    bare = tmp_path / "bare.xlsx"
    book = openpyxl.load_workbook(classic)
    layout = read_layout(sheetprop.open(classic))
    book["LR 2"][layout.address("o2", 3)] = "=1"
    book.save(bare)
    result = verify(bare)
    assert "holds no values" in _remark(result, "stale")
    assert [fault.place for fault in result.faults] == [f"LR 2!{layout.address('o2', 3)}"]


def test_a_formula_among_the_constants_is_an_input_like_any_other(classic: Path) -> None:
    book = sheetprop.open(classic)
    layout = read_layout(book)
    book.set(f"Parameters!{layout.parameter('i2').replace('$', '')}", "=0.5/5")
    assert verify_book(book).agrees


def test_an_exercise_waits_for_its_blanks(build: Build) -> None:
    path = build(exercise=True, preset="classic", learning_rates=(0.5,), iterations=5)
    result = verify(path)
    assert not result.agrees
    assert not result.faults
    assert result.verdict == "0 of 30 filled in"
    assert "30 cells" in _remark(result, "unfilled")
    book = sheetprop.open(path)
    layout = read_layout(book)
    answers = read_layout(sheetprop.open(build(preset="classic", learning_rates=(0.5,), iterations=5)))
    assert layout.blank == {c.symbol for c in answers.columns if c.group == "backward"}
    # The student's own spelling of the right thing: factors in another order.
    for iteration in range(3):
        t, a, h = (layout.address(symbol, iteration) for symbol in ("t1", "a_o1", "a_h1"))
        book.set(f"'LR 0.5'!{layout.address('∂E_total/∂w5', iteration)}", f"=-{h}*({t}-{a})*({a}-{a}^2)")
    result = verify_book(book)
    assert not result.agrees
    assert result.verdict == "3 of 30 filled in, and these are right"
    assert "∂E_total/∂w5" in _remark(result, "student")
    assert "27 cells" in _remark(result, "unfilled")
    # And then a wrong one.
    wrong = layout.address("∂E_total/∂w6", 2)
    book.set(f"'LR 0.5'!{wrong}", "=0.001")
    result = verify_book(book)
    assert [(fault.place, fault.kind) for fault in result.faults] == [(f"LR 0.5!{wrong}", "value")]
    assert result.verdict.endswith("; 4 of 30 filled in")


def test_an_exercise_filled_in_with_the_digits_shown_agrees(build: Build) -> None:
    """A student types what the sheet would show; the cells that read it are right by themselves."""
    options: dict[str, Any] = {"preset": "classic", "learning_rates": (0.5,), "iterations": 5}
    book = sheetprop.open(build(exercise=True, **options))
    layout = read_layout(book)
    book.calculate()
    for iteration in range(3):
        for symbol in (e.symbol for e in layout.equations.backward):
            book.set(f"'LR 0.5'!{layout.address(symbol, iteration)}", f"={layout.formula(symbol, iteration)}")
            book.calculate()
            value = book["LR 0.5"][layout.address(symbol, iteration)]
            shown = f"{value:.6f}" if abs(value) >= 1e-4 else f"{value:.2E}"
            book.set(f"'LR 0.5'!{layout.address(symbol, iteration)}", float(shown))
    result = verify_book(book)
    assert result.agrees, result.verdict
    assert all(one.differ == 0 for one in result.comparisons)
    assert "typed with the digits" in _remark(result, "rounded")
    at = layout.address("∂E_total/∂w6", 1)
    book.set(f"'LR 0.5'!{at}", book["LR 0.5"][at] + 2e-6)
    assert verify_book(book).faults[0].place == f"LR 0.5!{at}"


def test_an_exercise_filled_in_rightly_agrees_in_the_run_as_well(build: Build) -> None:
    path = build(exercise=True, preset="mazur", learning_rates=(0.5,), iterations=4)
    book = sheetprop.open(path)
    layout = read_layout(book)
    for symbol in layout.blank:
        for iteration in range(layout.blank_rows):
            book.set(f"'LR 0.5'!{layout.address(symbol, iteration)}", f"={layout.formula(symbol, iteration)}")
    result = verify_book(book)
    assert result.agrees, result.verdict
    assert all(remark.kind != "unfilled" for remark in result.remarks)
    assert next(one for one in result.comparisons if one.group == "run").cells == 5 * 9


def _spoil(classic: Path, path: Path) -> None:
    """Make of a right workbook one that cannot be used, as the name of the file says."""
    import openpyxl

    kind = path.stem
    if kind == "text":
        path.write_text("hello", encoding="utf-8")
    elif kind == "empty":
        path.touch()
    elif kind == "folder":
        path.mkdir()
    elif kind == "other":
        openpyxl.Workbook().save(path)
    elif kind == "locked":
        # What Excel writes with a password: a compound file with a stream of this name.
        path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1000) + "EncryptedPackage".encode("utf-16-le"))
    elif kind in ("half", "end"):
        data = classic.read_bytes()
        path.write_bytes(data[:5000] if kind == "half" else data[:-1])
    elif kind == "document":
        with zipfile.ZipFile(path, "w") as out:
            out.writestr("word/document.xml", "<w/>")
    elif kind in ("tag", "part"):
        with zipfile.ZipFile(classic) as source, zipfile.ZipFile(path, "w") as out:
            for name in source.namelist():
                data = source.read(name)
                if name != "xl/worksheets/sheet5.xml":
                    out.writestr(name, data)
                elif kind == "tag":
                    out.writestr(name, data[:len(data) // 2])
    elif kind != "none":
        layout = read_layout(sheetprop.open(classic))
        book = openpyxl.load_workbook(classic)
        if kind == "removed":
            del book["LR 2"]
        elif kind == "newer":
            book["Parameters"][layout.STRUCTURE["format"]] = 99
        elif kind == "layers":
            book["Parameters"][layout.STRUCTURE["layers"]] = "=1/0"
        elif kind == "word":
            book["Parameters"][layout.parameter("w1").replace("$", "")] = "much"
        book.save(path)


@pytest.mark.parametrize(("name", "says"), [
    ("none.xlsx", "there is no such file"), ("text.xlsx", "is no"), ("other.xlsx", "no workbook of sheetprop"),
    ("half.xlsx", "truncated"), ("removed.xlsx", "'LR 2' is missing"), ("locked.xlsx", "is encrypted"),
    ("word.xlsx", "where the number w1 belongs"), ("empty.xlsx", "empty"), ("folder.xlsx", "is a folder"),
    ("end.xlsx", "truncated"), ("document.xlsx", "another kind of document"), ("tag.xlsx", "not well-formed XML"),
    ("part.xlsx", "the part of its sheet 'LR 0.5' is missing"), ("newer.xlsx", "install a newer sheetprop"),
    ("layers.xlsx", "Parameters!C5: #DIV/0! are no layers"),
])
def test_files_that_cannot_be_used_say_so_in_one_line(
    classic: Path, tmp_path: Path, name: str, says: str, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    _spoil(classic, path)
    monkeypatch.setattr(sys, "argv", ["sheetprop", "verify", str(path)])
    assert run() == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"sheetprop: {path}: ")
    assert says in printed.err
    assert printed.err.count("\n") == 1


def test_an_unknown_engine_is_one_line(classic: Path) -> None:
    with pytest.raises(SheetpropError, match="did you mean 'formulas'"):
        verify(classic, engine="formula")


@pytest.mark.parametrize("options", [
    {"preset": "classic"}, {"layers": (2, 3, 1), "activation": ("relu", "tanh"), "bias": True, "seed": 3},
], ids=["classic", "relu"])
def test_another_engine_goes_through_the_same_comparison(build: Build, options: dict[str, object]) -> None:
    path = build(**options, learning_rates=(0.5, 2.0), iterations=2)
    result = verify(path, engine="formulas")
    lines = [one for one in result.comparisons if one.group == "formulas"]
    assert len(lines) == 2
    assert all(one.cells > 50 and one.differ == 0 for one in lines)
    assert result.engine == "formulas"
    assert not [fault for fault in result.faults if fault.kind == "engine"]


@pytest.mark.libreoffice
def test_what_libreoffice_rounds_and_snaps_is_told_from_a_fault(build: Build) -> None:
    """A run that converges to its target: differences there are 0 to LibreOffice, and none of them is a fault."""
    if shutil.which("soffice") is None:
        pytest.skip("soffice (LibreOffice) is not installed")
    path = build(layers=(1, 1), activation="identity", inputs=[1.0], targets=[0.3], weights=[0.7],
                 learning_rates=(0.5,), iterations=80)
    result = verify(path, engine="libreoffice")
    assert result.agrees, result.verdict
    assert "gives 0 where two numbers are nearly equal" in _remark(result, "snapped")
    assert "15 digits" in _remark(result, "digits")
    assert {remark["kind"] for remark in result.to_dict()["remarks"]} == {"snapped", "digits"}
    book = sheetprop.open(path)
    layout = read_layout(book)
    book.set(f"'LR 0.5'!{layout.address('o1', 75)}", 0.3 * (1 + 1e-9))
    spoiled = path.with_name("snapped.xlsx")
    book.save(spoiled)
    assert [fault.place for fault in verify(spoiled, engine="libreoffice").faults] == [
        f"LR 0.5!{layout.address('o1', 75)}"]


def test_the_command_prints_a_table_and_exits_by_the_verdict(classic: Path, tmp_path: Path) -> None:
    runner = CliRunner()
    done = runner.invoke(cli, ["verify", str(classic)], standalone_mode=False)
    assert done.return_value == 0
    assert "learning rate" in done.output
    assert "agrees with PyTorch" in done.output
    book = sheetprop.open(classic)
    layout = read_layout(book)
    book.set(f"'LR 2'!{layout.address('h2', 1)}", 0.5)
    book.calculate()
    spoiled = tmp_path / "spoiled.xlsx"
    book.save(spoiled)
    done = runner.invoke(cli, ["verify", str(spoiled)], standalone_mode=False)
    assert done.return_value == 1
    assert f"LR 2!{layout.address('h2', 1)}" in done.output
    done = runner.invoke(cli, ["verify", "--json", str(spoiled)], standalone_mode=False)
    found = json.loads(done.output)
    assert found["agrees"] is False
    assert found["faults"][0]["address"] == layout.address("h2", 1)
    assert found["fault_count"] == 1
    assert {one["group"] for one in found["comparisons"]} >= {"forward", "error", "gradients", "update", "run"}


def test_the_reference_in_a_process_of_its_own_gives_the_same(classic: Path) -> None:
    """A fresh interpreter, in which PyTorch has not been imported, as on the command line."""
    import subprocess
    import sys

    code = ("import sys, sheetprop; r = sheetprop.verify(sys.argv[1]); "
            "assert 'torch' not in sys.modules; print(r.to_json())")
    done = subprocess.run([sys.executable, "-c", code, str(classic)], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["agrees"] is True
    assert json.loads(done.stdout)["cells"] == verify(classic).cells


def test_an_exercise_not_yet_filled_in_neither_diverges_nor_differs(tmp_path: Path) -> None:
    path = tmp_path / "task.xlsx"
    sheetprop.build(sheetprop.spec(seed=12, learning_rates=[0.5], iterations=6), path, exercise=True)
    verdict = sheetprop.verify(path)
    assert not verdict.agrees
    assert verdict.fault_count == 0
    assert {remark.kind for remark in verdict.remarks} == {"unfilled"}
    assert all(comparison.differ == 0 for comparison in verdict.comparisons)

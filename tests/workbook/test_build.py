"""The file that `build` writes."""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import openpyxl
import pytest

import sheetprop
from sheetprop.errors import SheetpropError
from sheetprop.workbook.layout import Layout
from sheetprop.workbook.reading import read_layout

# Functions of Excel 2007 that the workbook may use; none of them is volatile.
ALLOWED = {"ABS", "AND", "CHOOSE", "COUNT", "COUNTIF", "EXP", "IF", "IFERROR", "INDEX", "INT", "ISBLANK", "ISNUMBER",
           "ISTEXT", "LOG10", "MATCH", "MAX", "OR", "ROUND", "SQRT", "SUM", "SUMSQ", "TANH"}

FIRST_ERRORS = {"classic": 0.24251985734837728, "era": 0.014181377937891659, "eva6": 0.25123100378328034,
                "mazur": 0.298371109}


def formulas(path: Path) -> dict[tuple[str, str], str]:
    """Return every formula by sheet and address, read by openpyxl."""
    book = openpyxl.load_workbook(path)
    return {(sheet.title, cell.coordinate): cell.value for sheet in book for row in sheet.iter_rows() for cell in row
            if cell.data_type == "f"}


@pytest.mark.parametrize("preset", list(FIRST_ERRORS))
def test_the_first_total_error_is_the_published_one(preset: str, tmp_path: Path) -> None:
    built = sheetprop.build(sheetprop.spec(preset=preset, iterations=1), tmp_path / "book.xlsx")
    for first in built.first_error:
        assert first == pytest.approx(FIRST_ERRORS[preset], rel=1e-9 if preset == "mazur" else 1e-15)


def test_every_formula_carries_its_value(default_book: Path) -> None:
    values = openpyxl.load_workbook(default_book, data_only=True)
    found = formulas(default_book)
    assert len(found) > 6 * 31 * 101
    # Only a formula whose value is the empty text may read as nothing.
    missing = [place for place in found if values[place[0]][place[1]].value is None]
    assert all('""' in found[place] for place in missing)
    assert values["LR 0.1"]["X8"].value == FIRST_ERRORS["classic"]


def test_two_builds_are_byte_identical(default_book: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.xlsx"
    sheetprop.build(output=again)
    assert again.read_bytes() == default_book.read_bytes()


def test_a_book_written_in_two_steps_is_what_one_gives(small_book: Path, tmp_path: Path) -> None:
    """PyTorch's values join two sheets at the end; calculating the file afresh must change nothing."""
    book = sheetprop.open(small_book)
    book.calculate()
    book.save(tmp_path / "again.xlsx")
    with zipfile.ZipFile(small_book) as one, zipfile.ZipFile(tmp_path / "again.xlsx") as other:
        assert [name for name in one.namelist() if one.read(name) != other.read(name)] == []


@pytest.mark.parametrize("book", ["default_book", "small_book"])
def test_openxml_audit_finds_nothing(book: str, request: pytest.FixtureRequest) -> None:
    path: Path = request.getfixturevalue(book)
    result = subprocess.run([str(Path(sys.executable).parent / "openxml-audit"), str(path)], capture_output=True,
                            text=True, check=False)
    assert result.returncode == 0, result.stdout
    assert "no findings" in result.stdout


@pytest.mark.parametrize("book", ["default_book", "small_book"])
def test_only_old_and_steady_functions_are_used(book: str, request: pytest.FixtureRequest) -> None:
    used = set()
    for formula in formulas(request.getfixturevalue(book)).values():
        used.update(re.findall(r"([A-Z][A-Z0-9.]*)\(", re.sub(r'"[^"]*"', "", formula)))
    assert used <= ALLOWED


def test_links_are_native_and_lead_somewhere(default_book: Path) -> None:
    book = openpyxl.load_workbook(default_book)
    links = [cell.hyperlink for sheet in book for row in sheet.iter_rows() for cell in row if cell.hyperlink]
    assert len(links) > 20
    for link in links:
        sheet = link.location.rpartition("!")[0].strip("'")
        assert sheet in book.sheetnames


def test_defined_names_point_at_the_constants(default_book: Path) -> None:
    book = openpyxl.load_workbook(default_book)
    found = {name: value.attr_text for name, value in book.defined_names.items()}
    assert found["w_5"] == "Parameters!$C$27"
    assert book["Parameters"]["C27"].value == 0.4
    assert {"i_1", "t_2", "w_8", "eta_6", "step"} <= set(found)
    assert all(re.fullmatch(r"Parameters!\$C\$\d+", text) for text in found.values())


def test_constants_stand_in_parameters_only(default_book: Path) -> None:
    """Numbers elsewhere are row 0, PyTorch's values in Check, the numbers of the steps, and the Diagram's choice."""
    book = openpyxl.load_workbook(default_book)
    for sheet in book:
        if sheet.title == "Parameters":
            continue
        numbers = {c.coordinate for row in sheet.iter_rows() for c in row if isinstance(c.value, int | float)}
        if sheet.title.startswith("LR "):
            assert numbers == {"A8"}
        elif sheet.title == "Steps":
            assert all(address.startswith("A") for address in numbers)
        elif sheet.title == "Check":
            assert {re.sub(r"\d", "", address) for address in numbers} == {"B", "J", "K"}
        else:
            assert numbers <= {"B4"}, sheet.title


def chart_parts(path: Path) -> dict[str, str]:
    """Return the charts of a workbook as text."""
    with zipfile.ZipFile(path) as package:
        return {name: package.read(name).decode() for name in package.namelist() if name.startswith("xl/charts/chart")}


def test_charts_have_titles_axes_colours_and_values(default_book: Path) -> None:
    charts = chart_parts(default_book)
    assert len(charts) == 6 + 1 + 2
    for chart in charts.values():
        assert chart.count("<title>") == 3
        assert "scatterStyle" in chart
        assert 'srgbClr val="' in chart
        assert '<ptCount val="101"/>' in chart
        assert chart.count('<pt idx="100"><v>') == 2 * chart.count("<ser>")
    assert sum('logBase val="10' in chart for chart in charts.values()) == 1
    rate = next(chart for chart in charts.values() if chart.count("<ser>") == 1)
    assert "<strRef><f>'LR 0.1'!$A$1</f><strCache>" in rate
    assert "Learning rate η = 0.1" in rate


def test_long_runs_have_thinned_charts(tmp_path: Path) -> None:
    path = tmp_path / "long.xlsx"
    sheetprop.build(sheetprop.spec(iterations=3000, learning_rates=[0.5]), path)
    for chart in chart_parts(path).values():
        assert '<ptCount val="251"/>' in chart
    book = sheetprop.open(path)
    book.calculate()
    layout = Layout(sheetprop.spec(iterations=3000, learning_rates=[0.5]))
    assert book["LR 0.5"][layout.address("iteration", 3000)] == 3000
    assert book["Chart data"]["A255"] == 3000
    assert book["Chart data"]["B255"] == book["LR 0.5"][layout.address("E_total", 3000)]


def test_one_iteration_and_one_rate(tmp_path: Path) -> None:
    built = sheetprop.build(sheetprop.spec(iterations=1, learning_rates=[0.5]), tmp_path / "tiny.xlsx")
    assert built.sheets == ("Start", "Parameters", "Steps", "Diagram", "LR 0.5", "Compare", "Check")
    assert sheetprop.verify(built.path).agrees


def test_a_changed_constant_moves_everything(default_book: Path) -> None:
    book = sheetprop.open(default_book)
    book.calculate()
    before = [book[sheet][cell] for sheet, cell in (("Start", "E16"), ("Compare", "C106"), ("Check", "D12"))]
    assert book["LR 0.1"]["D2"] in ("", None)
    book.set("Parameters!C15", 0.9)  # i1
    book.set("Parameters!C33", 0.7)  # the first learning rate
    book.calculate()
    after = [book[sheet][cell] for sheet, cell in (("Start", "E16"), ("Compare", "C106"), ("Check", "D12"))]
    assert all(new != old for new, old in zip(after, before, strict=True))
    assert book["LR 0.1"]["D2"] == "Note: this sheet is called LR 0.1, but its learning rate is now 0.7."
    assert book["LR 0.1"]["A1"] == "Learning rate η = 0.7"
    assert book["Compare"]["B5"] == "η = 0.7"
    assert book["Parameters"]["E13"] == 2
    assert book["Start"]["G16"] == "constants changed"
    assert str(book["Check"]["D5"]).startswith("all ")


def test_the_diagram_follows_its_chooser(default_book: Path) -> None:
    book = sheetprop.open(default_book)
    book.set("Diagram!B3", "LR 2")
    book.set("Diagram!B4", 100)
    book.calculate()
    assert book["Diagram"]["A1"] == "The network at η = 2, iteration 100"
    shown = {value for _, value in _pairs(book["Diagram"], "A8:Z20")}
    assert book["LR 2"]["X108"] in shown
    assert book["LR 2"]["F108"] in shown


def _pairs(sheet: object, area: str) -> list[tuple[object, object]]:
    rows = sheet[area]  # type: ignore[index]
    return [(left, right) for row in rows for left, right in itertools.pairwise(row)]


@pytest.mark.parametrize("rates", [[0.0, -0.5], [1e-6, 1000.0], [0.5, 0.5]])
def test_odd_rates_build_and_agree(rates: list[float], tmp_path: Path) -> None:
    path = tmp_path / "odd.xlsx"
    sheetprop.build(sheetprop.spec(learning_rates=rates, iterations=30), path)
    assert sheetprop.verify(path).agrees


def test_a_run_that_overflows_says_so(tmp_path: Path) -> None:
    path = tmp_path / "overflow.xlsx"
    spec = sheetprop.spec(layers=(2, 2, 1), activation="identity", seed=1, learning_rates=[1000.0], iterations=200)
    built = sheetprop.build(spec, path)
    assert built.last_error == (None,)
    book = sheetprop.open(path)
    book.calculate()
    column = read_layout(book).column_of["E_total"].letter
    at = next(k for k in range(201) if not isinstance(book["LR 1000"][f"{column}{8 + k}"], float))
    assert book["Start"]["E16"] == f"overflow at {at}"
    assert sheetprop.verify(path).agrees


@pytest.mark.parametrize(
    ("name", "message"),
    [("book.xls", "ends in .xlsx"), ("nowhere/book.xlsx", "no such folder"), ("kept.xlsx", "exists already")])
def test_outputs_that_cannot_be(name: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "kept.xlsx").write_text("mine")
    with pytest.raises(SheetpropError, match=message):
        sheetprop.build(sheetprop.spec(iterations=1), tmp_path / name)
    assert (tmp_path / "kept.xlsx").read_text() == "mine"
    assert [p.name for p in tmp_path.iterdir()] == ["kept.xlsx"]


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sheetprop.engine.book import Book

    def full(self: Book, path: object, **options: object) -> None:
        Path(str(path)).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Book, "save", full)
    target = tmp_path / "book.xlsx"
    target.write_text("old")
    with pytest.raises(SheetpropError, match="No space left on device"):
        sheetprop.build(sheetprop.spec(iterations=1), target, force=True)
    assert target.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["book.xlsx"]


@pytest.mark.libreoffice
def test_libreoffice_prints_every_sheet(small_book: Path, tmp_path: Path) -> None:
    if shutil.which("soffice") is None:
        pytest.skip("soffice (LibreOffice) is not installed")
    subprocess.run(["soffice", f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", "--convert-to", "pdf",
                    "--outdir", str(tmp_path), str(small_book)], check=True, capture_output=True, timeout=120)
    from pypdf import PdfReader

    text = "".join(page.extract_text() for page in PdfReader(tmp_path / "small.pdf").pages)
    for words in ("Back-propagation, cell by cell", "Learning rate η = 0.5", "Compare learning rates",
                  "Against the central difference", "all 78 agree"):
        assert words in text
    assert "###" not in text
    assert "#NAME?" not in text
    assert "Err:" not in text


def test_mazur_as_in_the_article(tmp_path: Path) -> None:
    """Fixed biases: w5 and w1 as printed there; of the error see tests/network/test_against_autograd.py."""
    path = tmp_path / "mazur.xlsx"
    built = sheetprop.build(sheetprop.spec(preset="mazur", learning_rates=[0.5], iterations=1), path)
    assert built.last_error[0] == pytest.approx(0.291027774, abs=5e-10)
    book = sheetprop.open(path)
    book.calculate()
    layout = read_layout(book)
    assert not layout.spec.network.learn_bias
    assert book["LR 0.5"][layout.address("w5", 1)] == pytest.approx(0.35891648, abs=5e-9)
    assert book["LR 0.5"][layout.address("w1", 1)] == pytest.approx(0.149780716, abs=5e-10)
    assert book["LR 0.5"][layout.address("b1", 1)] == 0.35
    assert sheetprop.verify(path).agrees

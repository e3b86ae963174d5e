"""Faults around the formulas: names, charts, constants, labels, settings, stored values; and changes that are none."""

from __future__ import annotations

import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

import sheetprop
from sheetprop.verification.verify import verify, verify_book
from sheetprop.workbook.check import FIRST_ROW
from sheetprop.workbook.diagram import items
from sheetprop.workbook.formulas import letters
from sheetprop.workbook.reading import read_layout


def patched(path: Path, target: Path, part: str, change: Callable[[str], str]) -> Path:
    """Copy a package with one part changed as text."""
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out:
        for entry in source.infolist():
            data = source.read(entry)
            if entry.filename == part:
                text = data.decode("utf-8")
                new = change(text)
                assert new != text
                data = new.encode("utf-8")
            out.writestr(entry, data)
    return target


def kinds(path: Path) -> list[tuple[str, str]]:
    return [(fault.kind, fault.place) for fault in verify(path).faults]


def test_every_name_that_points_elsewhere_is_found(classic: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(classic) as package:
        book = package.read("xl/workbook.xml").decode()
    names = re.findall(r'<definedName name="(\w+)">Parameters!\$C\$(\d+)</definedName>', book)
    assert len(names) == 18
    for name, row in names[::3]:
        place, other = (f'name="{name}">Parameters!$C${number}<' for number in (row, int(row) + 1))
        moved = patched(classic, tmp_path / "moved.xlsx", "xl/workbook.xml",
                        lambda text, place=place, other=other: text.replace(place, other))
        assert kinds(moved) == [("name", f"Parameters!C{row}")]
        assert f"name {name}" in verify(moved).verdict


def charts(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as package:
        return [name for name in package.namelist() if name.startswith("xl/charts/chart")]


CHART_FAULTS: dict[str, Callable[[str], str]] = {
    "column": lambda text: re.sub(r"(<yVal><numRef><f>'LR [\d.]+'!\$)X\$8:\$X", r"\1W$8:$W", text, count=1),
    "row": lambda text: re.sub(r"(<yVal><numRef><f>'LR [\d.]+'!\$X\$)8:", r"\g<1>9:", text, count=1),
    "sheet": lambda text: re.sub(r"<xVal><numRef><f>'LR (0.5|2)'", lambda found: f"<xVal><numRef><f>'LR "
                                 f"{'2' if found[1] == '0.5' else '0.5'}'", text, count=1),
    "name": lambda text: re.sub(r"<tx><strRef><f>('LR [\d.]+'!\$X\$7|Compare!\$B\$5)",
                                lambda found: "<tx><strRef><f>" + found[1].replace("X$7", "W$7").replace("B$5", "C$5"),
                                text, count=1),
    "title": lambda text: text.replace("!$A$1</f>", "!$A$2</f>", 1),
}


@pytest.mark.parametrize("fault", CHART_FAULTS)
def test_every_chart_that_reads_elsewhere_is_found(fault: str, classic: Path, tmp_path: Path) -> None:
    changed = 0
    for part in charts(classic):
        with zipfile.ZipFile(classic) as package:
            text = package.read(part).decode()
        if CHART_FAULTS[fault](text) == text:
            continue
        spoiled = patched(classic, tmp_path / "spoiled.xlsx", part, CHART_FAULTS[fault])
        assert [kind for kind, _ in kinds(spoiled)] == ["chart"], part
        changed += 1
    assert changed >= 2


@pytest.mark.parametrize(("setting", "word"), [
    ('iterate="1"', "iterative"), ('fullPrecision="0"', "as displayed"), ('calcMode="manual"', "manual")])
def test_settings_that_hide_mistakes_are_found(setting: str, word: str, classic: Path, tmp_path: Path) -> None:
    spoiled = patched(classic, tmp_path / "set.xlsx", "xl/workbook.xml",
                      lambda text: re.sub(r"<calcPr [^>]*/>", f"<calcPr {setting}/>", text))
    assert [kind for kind, _ in kinds(spoiled)] == ["setting"]
    assert word in verify(spoiled).verdict


@pytest.mark.parametrize(("place", "value", "kind"), [
    ("Check!J{first}", 0.5, "number"), ("Check!K{first}", 1.0, "number"), ("Check!J{first}", "overflow", "number"),
    ("Check!B{first}", 1, "number"), ("Steps!A8", 9, "number"), ("Steps!C8", "a_h2", "label"),
    ("Steps!G7", "=1/(1+EXP(-O8))", "label"), ("Steps!E7", "1 - a_h1", "label"), ("Parameters!A19", "t2", "label"),
    ("Parameters!D{step}", 1e-3, "number"), ("Check!C{first}", "w2", "label"), ("Check!O10", "w2", "label"),
    ("LR 0.5!F7", "w2", "label"), ("LR 0.5!F6", "weight 2", None), ("LR 0.5!F5", "weight 2", "label"),
    ("Parameters!D19", 0.02, "number"), ("Diagram!{edge}", "w2: i2 → h1", "label"),
    ("Parameters!B23", "weight from i2 to h1, at iteration 0", "label"),
])
def test_constants_and_labels_that_lie_are_found(place: str, value: object, kind: str | None, classic: Path) -> None:
    book = sheetprop.open(classic)
    layout = read_layout(book)
    place = place.format(first=FIRST_ROW, step=layout.parameter_rows["step"],
                         edge=next(f"{letters(one.column)}{one.row}" for one in items(layout) if one.symbol == "w1"))
    book.set(f"'{place.replace('!', chr(39) + '!')}", value)
    result = verify_book(book)
    if kind is None:
        assert not result.agrees
        return
    assert kind in {fault.kind for fault in result.faults}, result.verdict
    if place != "Parameters!D19":
        assert any(fault.place == place for fault in result.faults)


def stored(sheet: str, address: str, change: Callable[[bytes], bytes], source: Path, target: Path) -> Path:
    """Copy a workbook with the stored value of one cell changed."""
    names = sheetprop.open(source).sheet_names
    part = f"xl/worksheets/sheet{names.index(sheet) + 1}.xml"

    def changed(text: str) -> str:
        return re.sub(rf'(<c r="{address}"[^>]*>(?:<f>[^<]*</f>)?<v>)([^<]*)(</v>)',
                      lambda found: found[1] + change(found[2].encode()).decode() + found[3], text, count=1)

    return patched(source, target, part, changed)


@pytest.mark.parametrize(("sheet", "address"), [
    ("LR 0.5", "X9"), ("LR 2", "F14"), ("Compare", "B8"), ("Start", "E17"), ("Steps", "H9"), ("Check", "D12"),
    ("Diagram", "{value}"), ("LR 2", "AC8")])
def test_a_stored_value_that_is_not_its_formula_s_is_found(sheet: str, address: str, classic: Path,
                                                          tmp_path: Path) -> None:
    layout = read_layout(sheetprop.open(classic))
    address = address.format(value=next(f"{letters(one.column + 1)}{one.row}" for one in items(layout)))
    spoiled = stored(sheet, address, lambda value: repr(float(value) * 1.0001 + 1e-5).encode(), classic,
                     tmp_path / "spoiled.xlsx")
    assert kinds(spoiled) == [("stored", f"{sheet}!{address}")]


@pytest.mark.libreoffice
@pytest.mark.parametrize("options", [
    {"preset": "classic"}, {"layers": (2, 3, 1), "activation": "tanh", "bias": True, "seed": 3}])
def test_saving_by_libreoffice_is_no_fault(options: dict[str, object], tmp_path: Path) -> None:
    if shutil.which("soffice") is None:
        pytest.skip("soffice (LibreOffice) is not installed")
    path = tmp_path / "book.xlsx"
    sheetprop.build(sheetprop.spec(**options, learning_rates=[0.5, 1000.0], iterations=30), path)  # type: ignore[arg-type]
    subprocess.run(["soffice", f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", "--convert-to", "xlsx",
                    "--outdir", str(tmp_path / "out"), str(path)], check=True, capture_output=True, timeout=200)
    result = verify(tmp_path / "out" / "book.xlsx")
    assert result.agrees, result.verdict


def test_changes_that_anybody_may_make_are_no_faults(classic: Path, tmp_path: Path) -> None:
    """By openpyxl: a weight, a rate, a width, notes below and beside the tables, another title, a choice in Diagram."""
    book = openpyxl.load_workbook(classic)
    layout = read_layout(sheetprop.open(classic))
    book["Parameters"]["C27"] = 0.41
    book["Parameters"][layout.parameter("η1").replace("$", "")] = 0.25
    book["LR 0.5"].column_dimensions["F"].width = 30
    book["LR 0.5"]["A20"] = "The error falls."
    book["LR 0.5"]["B21"] = "=1+1"
    book["Steps"]["A1"] = "Schritte"
    book["Diagram"]["B3"] = "LR 2"
    book["Diagram"]["B4"] = 3
    book["Check"]["A3"] = "Our teacher's note"
    book.save(tmp_path / "changed.xlsx")
    result = verify(tmp_path / "changed.xlsx")
    assert result.agrees, result.verdict
    assert {"changed", "stale", "unchecked", "labels"} <= {remark.kind for remark in result.remarks}


def test_a_rate_of_seventeen_digits_verifies(tmp_path: Path) -> None:
    """openpyxl writes 16 digits of a number, so that what was built was not what was asked for."""
    rate, weight = 1.4635699695724427, 0.30000000000000004
    spec = sheetprop.spec(learning_rates=[rate], weights=[weight, *(0.1,) * 7], iterations=2)
    path = tmp_path / "book.xlsx"
    sheetprop.build(spec, path)
    book = sheetprop.open(path)
    layout = read_layout(book)
    assert book["Parameters"][layout.parameter("η1").replace("$", "")] == rate
    assert book["Parameters"][layout.parameter("w1").replace("$", "")] == weight
    assert verify(path).agrees

"""Strange, damaged and hostile files: a value or one clear error, never anything else."""

from __future__ import annotations

import ast
import os
import re
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from formula_writer import write_book
from fuzz import rounds
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import sheetprop
from sheetprop.errors import SheetpropError

SHEET = "xl/worksheets/sheet1.xml"
# Many thousands by hand: SHEETPROP_ROUNDS=10000 pytest tests/engine/test_strange.py -k fuzzed, or tests/engine/fuzz.py.
ROUNDS = int(os.environ.get("SHEETPROP_ROUNDS", "120"))


def rebuilt(path: Path, change: Callable[[str, bytes], bytes | None], target: Path) -> Path:
    """Write a copy of a package with parts changed (or dropped, by None)."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = change(name, old.read(name))
            if content is not None:
                new.writestr(name, content)
    return target


def with_sheet(path: Path, text: str | bytes, target: Path) -> Path:
    """Write a copy whose first sheet is `text`."""
    content = text.encode() if isinstance(text, str) else text
    return rebuilt(path, lambda name, old: content if name == SHEET else old, target)


HEAD = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
TAIL = "</sheetData></worksheet>"


@pytest.fixture
def plain(workbook: Any) -> Path:
    """Return a small workbook to be spoiled."""
    path: Path = workbook({"S": {"A1": 1, "A2": "=A1+1", "A3": "=A2*2", "B1": "text"}})
    return path


def test_not_a_workbook(tmp_path: Path, plain: Path) -> None:
    spoiled = plain.read_bytes()
    files = {
        "none.xlsx": None,
        "empty.xlsx": b"",
        "csv.xlsx": b"a,b\n1,2\n",
        "xls.xlsx": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600,
        "encrypted.xlsx": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
        "cut.xlsx": spoiled[: len(spoiled) // 2],
        "cut2.xlsx": spoiled[:-10],
        "half.xlsx": spoiled[100:],
        "zip.xlsx": b"PK\x05\x06" + b"\0" * 18,
    }
    for name, content in files.items():
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(SheetpropError) as caught:
            sheetprop.open(path)
        assert name in str(caught.value)
        assert "\n" not in str(caught.value)
    with pytest.raises(SheetpropError, match="encrypted"):
        sheetprop.open(tmp_path / "encrypted.xlsx")


def test_zip_bomb_needs_a_raised_limit(tmp_path: Path, plain: Path) -> None:
    bomb = with_sheet(
        plain, HEAD + " " * 3_000_000 + '<row r="1"><c r="A1"><v>7</v></c></row>' + TAIL, tmp_path / "bomb.xlsx"
    )
    with pytest.raises(SheetpropError, match="max-bytes"):
        sheetprop.open(bomb, max_bytes=1_000_000)
    assert sheetprop.open(bomb)["S"]["A1"] == 7.0
    lying = bytearray(bomb.read_bytes())
    at = lying.rfind(SHEET.encode()) - 46 + 24
    lying[at : at + 4] = (1000).to_bytes(4, "little")
    (tmp_path / "lying.xlsx").write_bytes(lying)
    with pytest.raises(SheetpropError, match="damaged"):
        sheetprop.open(tmp_path / "lying.xlsx")


def test_entities_are_refused(tmp_path: Path, plain: Path) -> None:
    attack = (
        '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>'
        + HEAD
        + '<row r="1"><c r="A1" t="str"><v>&b;</v></c></row>'
        + TAIL
    )
    with pytest.raises(SheetpropError, match="document type"):
        sheetprop.open(with_sheet(plain, attack, tmp_path / "a.xlsx"))
    for part in ("xl/workbook.xml", "_rels/.rels"):
        path = rebuilt(
            plain,
            lambda name, old, part=part: b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>' if name == part else old,
            tmp_path / "b.xlsx",
        )
        with pytest.raises(SheetpropError):
            sheetprop.open(path)


@pytest.mark.parametrize(
    ("rows", "cell", "value"),
    [
        ("<row><c><v>1</v></c><c><v>2</v></c><c><f>A1+B1</f></c></row>", "C1", 3.0),
        ('<row r="2"><c r="A2"><f>A1*2</f></c></row><row r="1"><c r="A1"><v>4</v></c></row>', "A2", 8.0),
        ('<row r="1"><c r="B1"><f>A1+1</f></c><c r="A1"><v>4</v></c></row>', "B1", 5.0),
        ("<row r='1'><c r='A1'><v>4</v></c><c r='B1'><f>A1+1</f></c></row>", "B1", 5.0),
        ('<row r="1"><!-- note --><c r="A1"><v>4</v></c><c r="B1"><f><![CDATA[A1+1]]></f></c></row>', "B1", 5.0),
        (
            '<row r="1"><c r="A1" t="inlineStr"><is><r><t>a</t></r><r><t>&amp;b</t></r></is></c>'
            '<c r="B1"><f>LEN(A1)</f></c></row>',
            "B1",
            3.0,
        ),
        ('<row r="1"><c r="A1" t="b"><v>1</v></c><c r="B1"><f>IF(A1,2,3)</f><v>9</v></c></row>', "B1", 2.0),
        ('<row r="1"><c r="A1" t="e"><v>#N/A</v></c><c r="B1"><f>ISNA(A1)</f></c></row>', "B1", True),
        (
            '<row r="1"><c r="A1"><v>1e5</v></c><c r="B1" t="str"><f>A1&amp;"&lt;"</f><v>x</v></c></row>',
            "B1",
            "100000<",
        ),
        (
            '<row r="3"><c r="A3"><f t="shared" ref="A3:A5" si="0">A2+1</f></c></row>'
            '<row r="4"><c r="A4"><f t="shared" si="0"/></c></row>'
            '<row r="5"><c r="A5"><f t="shared" si="0"/></c></row>',
            "A5",
            3.0,
        ),
        (  # a shared formula that reaches three columns to the left of the sheet, beside a circle
            '<row r="3"><c r="D3"><f t="shared" ref="A3:D4" si="0">A3+D4+D2</f></c></row>'
            '<row r="4"><c r="A4"><f t="shared" si="0"/></c><c r="D4"><f t="shared" si="0"/></c></row>',
            "A4",
            "#REF!",
        ),
        ('<row r="1"><c r="A1"><f t="array" ref="A1:A2">{1;2}*3</f></c></row><row r="2"><c r="A2"/></row>', "A2", 6.0),
        ('<row r="1"><c r="A1"><f t="array" ref="A1">SUM({1,2}*{3,4})</f></c></row>', "A1", 11.0),
        ('<row r="1"><c r="A1"><f>1+</f><v>5</v></c></row>', "A1", 5.0),
        ('<row r="1"><c r="A1"><f>[1]Sheet1!A1*2</f><v>42</v></c></row>', "A1", 42.0),
        ('<row r="1"><c r="A1"><f>SUM(Table1[x])</f><v>42</v></c></row>', "A1", 42.0),
        (
            '<row r="1048576"><c r="XFD1048576"><v>5</v></c></row>'
            '<row r="1"><c r="A1"><f>XFD1048576+SUM(XFD:XFD)</f></c></row>',
            "A1",
            10.0,
        ),
    ],
)
def test_odd_but_legal_sheets(tmp_path: Path, plain: Path, rows: str, cell: str, value: Any) -> None:
    path = with_sheet(plain, HEAD + rows + TAIL, tmp_path / "odd.xlsx")
    book = sheetprop.open(path)
    book.calculate()
    assert book["S"][cell] == value
    book.save(tmp_path / "saved.xlsx")
    again = sheetprop.open(tmp_path / "saved.xlsx")
    again.calculate()
    assert again["S"][cell] == value
    from sheetprop.engine.oracles.programs import stored_values

    assert stored_values(tmp_path / "saved.xlsx")["S"].get(cell) == value


def test_prefixes_are_kept_byte_for_byte(tmp_path: Path, plain: Path) -> None:
    text = (
        '<?xml version="1.0"?><x:worksheet xmlns:x="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        '<x:sheetData><x:row r="1"><x:c r="A1"><x:v>4</x:v></x:c>'
        '<x:c r=\'B1\' t="str"><x:f>A1+1</x:f><x:v>0</x:v></x:c>'
        '<x:c r="C1"><x:f>B1*2</x:f></x:c></x:row></x:sheetData><!-- end --></x:worksheet>'
    )
    book = sheetprop.open(with_sheet(plain, text, tmp_path / "p.xlsx"))
    book.calculate()
    assert book["S"]["C1"] == 10.0
    book.save(tmp_path / "s.xlsx")
    with zipfile.ZipFile(tmp_path / "s.xlsx") as package:
        saved = package.read(SHEET).decode()
    assert saved == text.replace(' t="str"><x:f>A1+1</x:f><x:v>0</x:v>', "><x:f>A1+1</x:f><x:v>5.0</x:v>").replace(
        "<x:f>B1*2</x:f>", "<x:f>B1*2</x:f><x:v>10.0</x:v>"
    )


def test_missing_and_doubled_parts(tmp_path: Path, plain: Path) -> None:
    for part in ("xl/workbook.xml", SHEET, "xl/_rels/workbook.xml.rels"):
        path = rebuilt(plain, lambda name, old, part=part: None if name == part else old, tmp_path / "m.xlsx")
        with pytest.raises(SheetpropError):
            sheetprop.open(path)
    for part in ("docProps/app.xml", "xl/sharedStrings.xml", "xl/styles.xml", "xl/theme/theme1.xml"):
        path = rebuilt(plain, lambda name, old, part=part: None if name == part else old, tmp_path / "m.xlsx")
        book = sheetprop.open(path)
        book.calculate()
        assert book["S"]["A3"] == 4.0
    with zipfile.ZipFile(plain) as old, zipfile.ZipFile(tmp_path / "d.xlsx", "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
        with pytest.warns(UserWarning, match="Duplicate name"):
            new.writestr(SHEET, old.read(SHEET))
    book = sheetprop.open(tmp_path / "d.xlsx")
    book.calculate()
    book.save(tmp_path / "d2.xlsx")
    assert book["S"]["A3"] == 4.0


def test_far_cells_and_wide_merges_need_no_memory(tmp_path: Path, plain: Path) -> None:
    import resource

    cells = "".join(
        f'<row r="{row}">' + "".join(f'<c r="{letters}{row}"><v>1</v></c>' for letters in ("A", "ZZ", "XFD")) + "</row>"
        for row in (1, 500_000, 1_048_576)
    )
    cells = cells.replace("<v>1</v>", '<f t="array" ref="B1:XFD1048576">A1*2</f><v>1</v>', 1)
    text = HEAD + cells + '</sheetData><mergeCells><mergeCell ref="A1:XFD1048576"/></mergeCells></worksheet>'
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    book = sheetprop.open(with_sheet(plain, text, tmp_path / "far.xlsx"))
    assert "an array formula over 17,178,820,608 cells" in book.calculate().unsupported
    assert book["S"]["XFD1048576"] == book["S"]["A1"] == 1.0
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


EVIL = ["x');import os;os._exit(3)#", "__import__('os')", "a\"];raise SystemExit;[\"", "{0.__class__}", "%s\\n\\'"]
# What printed code may hold: names made by the printers, numbers, and the few methods that they call.
SAFE_NAME = re.compile(r"[A-Za-z_]{1,16}[0-9]{0,7}(?:_[0-9]{1,7}){0,3}", re.ASCII)


def sources(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record all source that is compiled from now on."""
    from sheetprop.engine.calculation import loops
    from sheetprop.engine.tracing import dialects

    found: list[str] = []

    def recorded(source: str, *rest: Any) -> Any:
        found.append(source)
        return compile(source, *rest)

    for module in (loops, dialects):
        monkeypatch.setattr(module, "compile", recorded, raising=False)
    return found


def harmless(source: str) -> None:
    """Check that source holds nothing but arithmetic over made names: no text of a file, no import."""
    for word in ("import", "os.", "exit", "__", "SystemExit", "class", "\\"):
        assert word not in source, source
    for node in ast.walk(ast.parse(source)):
        assert not isinstance(node, ast.Import | ast.ImportFrom | ast.Global | ast.Raise), source
        if isinstance(node, ast.Constant):
            assert node.value is None or isinstance(node.value, int | float), source
        if isinstance(node, ast.Name | ast.arg):
            assert SAFE_NAME.fullmatch(node.id if isinstance(node, ast.Name) else node.arg), source


@pytest.mark.parametrize("evil", EVIL)
def test_hostile_names_and_formulas_reach_no_code(workbook: Any, monkeypatch: pytest.MonkeyPatch, evil: str) -> None:
    found = sources(monkeypatch)
    title = re.sub(r"[\\/*?:\[\]]", "-", evil)[:31].replace("'", "’")
    quoted = title.replace("'", "''")
    text = evil.replace('"', '""')
    cells: dict[str, Any] = {"A1": 1, "F1": evil}
    for row in range(2, 30):
        cells[f"A{row}"] = f"=A{row - 1}+'{quoted}'!B$1"
        cells[f"B{row}"] = f'=IF(A{row}>1,A{row}*2,"{text}")'
        cells[f"C{row}"] = f"=evil_name+A{row}"
        cells[f"D{row + 30}"] = f"=A{row}*{evil}"
        cells[f"E{row}"] = f"=EXP(-A{row})+'{quoted}'!B{row}"
    book = sheetprop.open(workbook({"S": cells, title: {"B1": 2}}, names={"evil_name": f"'{quoted}'!$B$1"}))
    book._session.runner.small = 0
    assert book.calculate().looped > 0
    assert book["S"]["A29"] == 57.0
    function = book.function(["S!A1", f"'{quoted}'!B1"], ["S!A29", "S!E29"])
    assert function([1.0, 2.0])[0] == 57.0
    function.jacobian([1.0, 2.0])
    assert found
    for source in found:
        harmless(source)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=st.text(st.sampled_from("A1$:!()+-*/^&=<>,;{}\"'# .%SUMx9_é\n\\[]@"), max_size=30))
def test_no_text_of_a_formula_reaches_code(text: str) -> None:
    from sheetprop.engine.calculation.loops import compiled
    from sheetprop.engine.formula.parse import FormulaError
    from sheetprop.engine.grid.storage import family, program_of

    try:
        program = program_of({5: family(f"A2*2+{text}", 2, 5, "S"), 6: family("E2+F1", 2, 6, "S")})
    except FormulaError:
        return
    for columns in ((5,), (5, 6)):
        loop = compiled(program_of({column: program.by_column[column] for column in columns}), columns, 1, False)
        if loop is not None:
            harmless(loop.source)


@pytest.mark.parametrize(
    "part", ["zip", SHEET, "xl/workbook.xml", "xl/sharedStrings.xml", "xl/_rels/workbook.xml.rels"]
)
def test_fuzzed_files_give_values_or_our_error(tmp_path: Path, workbook: Any, part: str) -> None:
    cells: dict[str, Any] = {"A1": "head", "B1": 2}
    for row in range(2, 20):
        cells[f"A{row}"] = row
        cells[f"B{row}"] = f'=B{row - 1}*0.5+A{row}&""' if row == 7 else f"=B{row - 1}*0.5+A{row}"
        cells[f"C{row}"] = f"=SUM(A$2:A{row})+IF(B{row}>1,VLOOKUP(A{row},A:B,2,0),0)"
    path = workbook({"S": cells, "T": {"A1": "=S!B9", "A2": "=SUM(S!A:C)"}}, names={"n": "S!$A$1:$B$3"})
    assert not rounds([path], ROUNDS, tmp_path, part=part)


def test_fuzzed_formulas_tables_and_arrays(tmp_path: Path) -> None:
    import openpyxl
    from openpyxl.worksheet.formula import ArrayFormula
    from openpyxl.worksheet.table import Table

    write_book(tmp_path / "formulas.xlsx", 3, 60, 0.2)
    book = openpyxl.load_workbook(tmp_path / "formulas.xlsx")
    sheet = book.create_sheet("T")
    for row in range(1, 6):
        for column, value in enumerate(("a", "b", "c") if row == 1 else (row, "=T[[#This Row],[a]]*2", f"=A{row}"), 1):
            sheet.cell(row, column, value)
    sheet.add_table(Table(displayName="T", ref="A1:C5"))
    sheet["E1"] = ArrayFormula("E1:F3", "=A2:A4*{1,2}")
    sheet["G1"] = "=SUM(_xlfn.ANCHORARRAY(E1))+SUM(Data:F!A1:A3)"
    book.save(tmp_path / "tables.xlsx")
    assert not rounds([tmp_path / "formulas.xlsx", tmp_path / "tables.xlsx"], ROUNDS, tmp_path)


def test_fuzzed_real_files(tmp_path: Path, real_workbooks: list[Path]) -> None:
    assert not rounds(real_workbooks, ROUNDS // 4, tmp_path)


def test_damaged_compression_is_noticed(tmp_path: Path, plain: Path) -> None:
    data = bytearray(plain.read_bytes())
    at = data.find(SHEET.encode()) + len(SHEET) + 20
    data[at] ^= 0xFF
    (tmp_path / "z.xlsx").write_bytes(data)
    with pytest.raises(SheetpropError, match="damaged"):
        sheetprop.open(tmp_path / "z.xlsx")
    assert zlib


def test_entities_are_those_of_xml() -> None:
    """XML knows five entities and character references; names of HTML are none, and no lone surrogate comes in."""
    from sheetprop.engine.file.xmlparts import unescape

    judge = ElementTree.fromstring("<t>a&amp;b &lt;&gt;&quot;&apos; &#65;&#x42;&#128; &amp;lt;</t>").text
    assert unescape("a&amp;b &lt;&gt;&quot;&apos; &#65;&#x42;&#128; &amp;lt;") == judge
    assert unescape("&nbsp; & &amp &#xD800; &#0;") == "&nbsp; & &amp \ufffd \ufffd"


@pytest.mark.parametrize("formula", ["1E999", "-1E999+A2", "SUM({1E999,2})", "IF(TRUE,1,1E400)", "9" * 400])
def test_numbers_that_are_none_are_said(workbook: Any, formula: str) -> None:
    """An infinite number in a formula was a traceback, wherever the formula was printed."""
    book = sheetprop.open(workbook({"S": {"A1": f"={formula}", "A2": "=A1"}}))
    result = book.calculate()
    assert "larger than a number can be" in next(iter(result.unsupported))
    assert str(book["S"]["A2"]) == "#NAME?"
    assert book["S"].formula("A1") == f"={formula}"
    with pytest.raises(SheetpropError, match="larger than"):
        book.set("S!A3", f"={formula}")
    from sheetprop.engine.formula.printing import number_text

    assert number_text(float("inf")) == "INF"


def test_formulas_of_thousands_of_operations(workbook: Any, tmp_path: Path) -> None:
    long = "=" + "+".join(["A1"] * 1500)
    path = workbook({"S": {"A1": 2, "A2": long, "A3": "=" + "A1+(" * 60 + "A1" + ")" * 60}})
    book = sheetprop.open(path)
    assert (book["S!A2"], book["S!A3"]) == (3000.0, 122.0)
    assert book.precedents("S!A2") == ["S!A1"]
    assert book.dependents("S!A1") == ["S!A2", "S!A3"]
    assert "not shown" in str(book.explain("S!A2"))
    assert book.goal_seek("S!A3", 61, "S!A1").value == 1.0
    assert sheetprop.audit(path).findings == []


def test_a_formula_that_cannot_be_read_is_listed_once(workbook: Any) -> None:
    book = sheetprop.open(workbook({"S": {"A1": "=SUM(1", "A2": "=A1"}}))
    result = book.calculate()
    assert [str(book["S"][cell]) for cell in ("A1", "A2")] == ["#NAME?", "#NAME?"]
    (what,) = result.unsupported
    assert what.startswith("=SUM(1: is no formula")
    assert result.places[what] == "S!A1"

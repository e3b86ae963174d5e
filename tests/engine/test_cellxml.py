"""The grammar of a cell: sheets laid out in every legal way are read alike, and saved with each value in its own cell.

What a saved sheet holds is judged by openpyxl, and by ElementTree for all that must not have changed.
"""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import sheetprop
from sheetprop.engine.file.cellevents import plain_layout, scanned
from sheetprop.engine.file.cellxml import Irregular, legal
from sheetprop.engine.file.loading import bounds
from sheetprop.engine.file.rows import Reader
from sheetprop.engine.file.xmlparts import unescape_controls
from sheetprop.engine.formula.outline import Outline
from sheetprop.engine.formula.references import address, column_letters
from sheetprop.engine.grid.storage import SheetStore
from sheetprop.engine.grid.values import ExcelError, Value

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases" / "engine"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
SHEET = "xl/worksheets/sheet1.xml"
STYLES = (f'<styleSheet xmlns="{MAIN}"><fonts count="1"><font/></fonts>'
          '<fills count="1"><fill><patternFill/></fill></fills>'
          '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
          '<cellXfs count="3"><xf/><xf/><xf/></cellXfs><cellStyles count="1">'
          '<cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>')


def package(sheet: str | bytes) -> bytes:
    """Return a workbook of one sheet called S."""
    parts = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType='
        '"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName='
        '"/xl/worksheets/sheet1.xml" ContentType='
        '"application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/><Override PartName='
        '"/xl/styles.xml" ContentType='
        '"application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/></Types>',
        "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="rId1" Type="{REL}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{REL}"><sheets>'
        '<sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/'
        f'relationships"><Relationship Id="rId1" Type="{REL}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="rId2" Type="{REL}/styles" Target="styles.xml"/></Relationships>',
        "xl/styles.xml": STYLES,
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, text in parts.items():
            file.writestr(name, text)
        file.writestr(SHEET, sheet)
    return buffer.getvalue()


def written(tmp_path: Path, sheet: str | bytes) -> Path:
    """Write a workbook whose only sheet is given."""
    path = tmp_path / "in.xlsx"
    path.write_bytes(package(sheet))
    return path


def sheet_of(path: Path) -> bytes:
    """Return the sheet of a workbook."""
    with zipfile.ZipFile(path) as file:
        return file.read(SHEET)


# What a cell may be: its formula or None, its type, and how its content is written. %d is the row.
CONTENTS = [
    ("number", None), ("text", None), ("inline", None), ("truth", None), ("error", None), ("styled blank", None),
    ("blank", None), ("missing", None), ("missing", None),
    ("formula", "ROW()*2"), ("formula", "ROW()*10"), ("formula", "A%d&CHAR(13)&\"_x000D_\""),
    ("formula", "A%d&\"<&'\""),
    ("formula", "IF(ISNUMBER(B%d),B%d>2,NA())"), ("formula", "\"a\"&ROW()&\" \""), ("formula", "SUM($A$1:B%d)"),
]


@st.composite
def sheets(draw: st.DrawFn) -> str:
    """Return the XML of a sheet: rows that repeat a pattern, with exceptions, in some legal layout."""
    columns = draw(st.integers(1, 6))
    pattern = [draw(st.sampled_from(CONTENTS)) for _ in range(columns)]
    plain = draw(st.booleans())
    quote = '"' if plain else draw(st.sampled_from("\"'"))
    prefix = "" if plain else draw(st.sampled_from(["", "", "x:"]))
    nameless = not plain and draw(st.booleans())  # cells and rows without r
    shuffled = draw(st.booleans())
    valued = draw(st.booleans())
    marks = [""] if plain else ["", "", "<!-- </row> <c r='Z9'/> -->", "\n  ", "<?note here?>"]
    rows = []
    for row in range(1, draw(st.integers(1, 9)) + 1):
        cells = []
        held = pattern if draw(st.integers(0, 4)) else [draw(st.sampled_from(CONTENTS)) for _ in range(columns)]
        if draw(st.integers(0, 6)) == 0:
            held = held[:draw(st.integers(0, columns))]
        for column, (what, text) in enumerate(held, start=1):
            if what == "missing" and not nameless:
                continue
            attributes = [] if nameless else [f"r={quote}{address(row, column)}{quote}"]
            if what == "styled blank" or draw(st.booleans()):
                attributes.append(f"s={quote}1{quote}")
            inner, kind = content(what, text, row, column, prefix, valued, draw(st.booleans()) and not plain)
            if kind:
                attributes.append(f"t={quote}{kind}{quote}")
            if shuffled:
                attributes = draw(st.permutations(attributes))
            head = " ".join([f"<{prefix}c", *attributes])
            cells.append(draw(st.sampled_from(marks)))
            if inner or draw(st.booleans()):
                cells.append(f"{head}>{inner}</{prefix}c>")
            else:
                cells.append(f"{head}/>")
        number = "" if nameless else f" r={quote}{row}{quote}"
        spans = f" spans={quote}1:{columns}{quote}" if draw(st.booleans()) else ""
        number = spans + number if shuffled else number + spans
        body = "".join(cells) + draw(st.sampled_from(marks))
        rows.append(f"<{prefix}row{number}>{body}</{prefix}row>" if body else f"<{prefix}row{number}/>")
        rows.append(draw(st.sampled_from(marks)))
    name = f"xmlns:{prefix[:-1]}" if prefix else "xmlns"
    return (f'<?xml version="1.0" encoding="UTF-8"?><{prefix}worksheet {name}="{MAIN}"><{prefix}sheetData>'
            + "".join(rows) + f"</{prefix}sheetData></{prefix}worksheet>")


def content(what: str, formula: str | None, row: int, column: int, prefix: str, valued: bool,
            cdata: bool) -> tuple[str, str]:
    """Return the inner XML and the type of a cell."""
    p = prefix
    if formula is not None:
        text = formula.replace("%d", str(row))
        text = f"<![CDATA[{text}]]>" if cdata else text.replace("&", "&amp;").replace("<", "&lt;")
        return f"<{p}f>{text}</{p}f>" + (f"<{p}v>-{row}{column}</{p}v>" if valued else ""), ""
    if what == "number":
        return f"<{p}v>{row * column / 8}</{p}v>", ""
    if what == "text":
        return f"<{p}v>t{row}_x000D_&#13;\r\n&amp;</{p}v>", "str"
    if what == "inline":
        return f"<{p}is><{p}r><{p}t>a{row}</{p}t></{p}r><{p}r><{p}t>&lt;b</{p}t></{p}r></{p}is>", "inlineStr"
    if what == "truth":
        return f"<{p}v>{row % 2}</{p}v>", "b"
    return (f"<{p}v>#N/A</{p}v>", "e") if what == "error" else ("", "")


def read(data: bytes) -> dict[tuple[int, int], tuple[Value, str]]:
    """Return what the reader finds in a sheet of plain layout: place -> constant, relative formula."""
    store = SheetStore("S", 0, SHEET)
    Reader(store, lambda index: None, {}, Outline(["S"])).read(data, *bounds(data))
    found: dict[tuple[int, int], tuple[Value, str]] = {}
    for number, column in store.columns.items():
        for row in range(1, column.last_row() + 1):
            if column.get(row) is not None:
                found[(row, number)] = (column.get(row), "")
    for block in store.blocks:
        for row in range(block.first, block.last + 1):
            for number, family in block.program.by_column.items():
                found[(row, number)] = (None, family.canonical)
    return found


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(sheets())
def test_the_fast_way_reads_what_the_full_one_reads(sheet: str) -> None:
    data = sheet.encode()
    full = read(plain_layout(scanned(data, SHEET).rows))
    try:
        fast = read(data)
    except Irregular:
        return
    assert fast == full


def skeleton(data: bytes) -> list[Any]:
    """Return all of a sheet but the values and types of its formula cells and the order of attributes."""
    root = ElementTree.fromstring(data)
    found: list[Any] = []
    for element in root.iter():
        attributes = dict(element.attrib)
        name = element.tag.rpartition("}")[2]
        formula = name == "c" and element.find(f"{{{MAIN}}}f") is not None
        if formula:
            attributes.pop("t", None)
            for held in element.findall(f"{{{MAIN}}}v"):
                element.remove(held)
        found.append((name, sorted(attributes.items()), element.text if name in ("f", "v", "t") else ""))
    return found


@settings(deadline=None, max_examples=150,
          suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture])
@given(sheets(), st.integers(0, 3))
def test_every_value_is_saved_in_its_own_cell(tmp_path: Path, sheet: str, edits: int) -> None:
    book = sheetprop.open(written(tmp_path, sheet))
    given_ = {f"{column_letters(2 * at + 1)}{3 * at + 1}": float(at) for at in range(edits)}
    for place, number in given_.items():
        book.set(f"S!{place}", number)
    book.calculate()
    book.save(tmp_path / "out.xlsx")
    data = sheet_of(tmp_path / "out.xlsx")
    if not given_:
        assert skeleton(data) == skeleton(sheet.encode())
        comments = re.findall(rb"<!--.*?-->|<\?note.*?\?>", sheet.encode())
        assert re.findall(rb"<!--.*?-->|<\?note.*?\?>", data) == comments
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        values = openpyxl.load_workbook(tmp_path / "out.xlsx", data_only=True)["S"]
        formulas = openpyxl.load_workbook(tmp_path / "out.xlsx")["S"]
    for row, column, value, formula in book["S"].cells():
        theirs: Any = values.cell(row, column).value
        if isinstance(value, ExcelError):
            assert theirs == str(value)
        elif isinstance(value, str):
            assert unescape_controls(theirs or "") == value
        else:
            assert theirs == value, address(row, column)
        assert (formulas.cell(row, column).data_type == "f") == (formula is not None)
    for place, number in given_.items():
        assert values[place].value == number
    again = sheetprop.open(tmp_path / "out.xlsx")
    held = again.stored()["S"]
    assert held == {(row, column): value for row, column, value, _ in book["S"].cells() if value is not None}


@settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(sheets())
def test_values_of_formulas_can_be_taken_away(sheet: str) -> None:
    """In all layouts alike: ElementTree sees the same sheet, without them."""
    from sheetprop.engine.file.stripping import without_values

    bare = without_values(sheet.encode(), SHEET)
    assert skeleton(bare) == skeleton(sheet.encode())
    for cell in ElementTree.fromstring(bare).iter(f"{{{MAIN}}}c"):
        if cell.find(f"{{{MAIN}}}f") is not None:
            assert cell.find(f"{{{MAIN}}}v") is None
            assert "t" not in cell.attrib


def rows_of(count: int, cells: str) -> str:
    """Return rows in which {n} is the row's number and {2n} and the like multiples of it."""
    rows = []
    for row in range(1, count + 1):
        text = re.sub(r"\{(\d*)n\}", lambda found, row=row: str(int(found[1] or 1) * row), cells)
        rows.append(f'<row r="{row}">{text}</row>')
    return f'<worksheet xmlns="{MAIN}"><sheetData>{"".join(rows)}</sheetData></worksheet>'


@pytest.mark.parametrize("cells", [
    '<c r="B{n}"><f>ROW()*2</f><v>{2n}</v></c><c r="C{n}" s="1"/><c r="D{n}"><f>ROW()*10</f><v>{10n}</v></c>',
    '<c r="A{n}" s="1"/><c r="B{n}"><f>ROW()*2</f><v>{2n}</v></c>',
    '<c r="A{n}" s="1"/><c r="B{n}"><f>ROW()*2</f></c><c s="1" r="C{n}"/><c s="1" r="D{n}" ><f>ROW()*3</f><v/></c>',
    '<c r="A{n}"></c><c r="B{n}" t="str"><f>"x"&amp;ROW()</f><v>x{n}</v></c><c r="C{n}"/><c r="D{n}"><f>B{n}</f></c>',
])
def test_blank_cells_shift_nothing(tmp_path: Path, cells: str) -> None:
    """The rows of a table were saved with the first row's values right of a styled blank, or not at all."""
    path = written(tmp_path, rows_of(40, cells))
    book = sheetprop.open(path)
    book.calculate()
    book.save(tmp_path / "out.xlsx")
    values = openpyxl.load_workbook(tmp_path / "out.xlsx", data_only=True)["S"]
    for row, column, value, _ in book["S"].cells():
        assert values.cell(row, column).value == value
    assert values["B40"].value in (80.0, "x40")


@pytest.mark.parametrize("name", ["corrupt.xlsx", "save_crash.xlsx"])
def test_the_shared_cases_are_saved_right(tmp_path: Path, name: str) -> None:
    if not CASES.is_dir():
        pytest.skip("../shared/cases is not there")
    book = sheetprop.open(CASES / name)
    book.calculate()
    book.save(tmp_path / "out.xlsx")
    again = sheetprop.open(tmp_path / "out.xlsx").stored()
    assert {sheet.name: {(row, column): value for row, column, value, _ in sheet.cells()} for sheet in book} == again


def test_cells_that_are_there_twice_are_refused(tmp_path: Path) -> None:
    """Two <sheetData> in one sheet: saving wrote one of them twice (found by fuzzing)."""
    text = rows_of(3, '<c r="A{n}"><f>ROW()*2</f></c>')
    inner = text[text.index("<sheetData>"):text.index("</worksheet>")]
    with pytest.raises(sheetprop.SheetpropError, match="twice"):
        sheetprop.open(written(tmp_path, text.replace(inner, inner * 2)))


def test_control_characters_are_spelled_as_excel_spells_them(tmp_path: Path) -> None:
    path = written(tmp_path, rows_of(1, '<c r="A1"><f>CHAR(13)</f></c><c r="B1"><f>CHAR(1)&amp;"_x000D_"</f></c>'
                                        '<c r="C1"><f>"a"&amp;CHAR(10)&amp;CHAR(9)</f></c>'))
    book = sheetprop.open(path)
    book.set("S!D1", "line\rnext _x0041_")
    book.calculate()
    assert book["S"]["A1"] == "\r"
    book.save(tmp_path / "out.xlsx")
    data = sheet_of(tmp_path / "out.xlsx")
    assert b"<v>_x000D_</v>" in data
    assert b"<v>_x0001__x005F_x000D_</v>" in data
    again = sheetprop.open(tmp_path / "out.xlsx")
    assert [again.stored()["S"][(1, column)] for column in range(1, 5)] == [
        "\r", "\x01_x000D_", "a\n\t", "line\rnext _x0041_"]


@given(st.text())
def test_any_text_reads_back(text: str) -> None:
    spelled = ElementTree.fromstring(f"<t>{legal(text).replace('&', '&amp;').replace('<', '&lt;')}</t>").text or ""
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    assert unescape_controls(spelled) == whole


def test_a_value_that_does_not_arrive_stops_the_saving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check in saving itself: were cells lost on the way, nothing is kept."""
    from sheetprop.engine.file.forms import Form

    path = written(tmp_path, rows_of(20, '<c r="A{n}"><f>ROW()*2</f></c><c r="B{n}"><f>A{n}</f></c>'))
    book = sheetprop.open(path)
    book.calculate()

    def blind(form: Form, *rest: Any) -> None:
        made(form, *rest)
        form.columns.pop()
        form._values.pop()

    made = Form.__init__
    monkeypatch.setattr(Form, "__init__", blind)
    with pytest.raises(sheetprop.SheetpropError, match="20 values were written for 40 formula cells"):
        book.save(tmp_path / "out.xlsx")
    assert not (tmp_path / "out.xlsx").exists()


def test_results_that_spill_are_written_into_new_cells(tmp_path: Path) -> None:
    """Further than the file stored, into rows that are there and rows that are not; and less far, blank again."""
    text = (f'<worksheet xmlns="{MAIN}"><dimension ref="A1:C2"/><sheetData>'
            '<row r="1" spans="1:3"><c r="A1"><v>3</v></c><c r="B1" cm="1"><f t="array" ref="B1:B2">'
            '_xlfn.SEQUENCE(A1,2)</f><v>1</v></c></row>'
            '<row r="2" spans="1:3"><c r="B2" s="1"><v>2</v></c><c r="D2" s="1"/></row></sheetData></worksheet>')
    book = sheetprop.open(written(tmp_path, text))
    book.calculate()
    book.save(tmp_path / "out.xlsx")
    data = sheet_of(tmp_path / "out.xlsx").decode()
    assert 'ref="A1:D3"' not in data
    assert '<dimension ref="A1:C3"/>' in data
    assert '<f t="array" ref="B1:C3">' in data
    assert '<row r="3"><c r="B3"><v>5.0</v></c><c r="C3"><v>6.0</v></c></row>' in data
    assert '<c r="B2" s="1"><v>3.0</v></c><c r="C2"><v>4.0</v></c><c r="D2" s="1"/>' in data
    book = sheetprop.open(tmp_path / "out.xlsx")
    book.set("S!A1", 1)
    book.calculate()
    book.save(tmp_path / "less.xlsx")
    values = openpyxl.load_workbook(tmp_path / "less.xlsx", data_only=True)["S"]
    assert [[cell.value for cell in row] for row in values["B1:C3"]] == [[1, 2], [None, None], [None, None]]
    assert '<f t="array" ref="B1:C1">' in sheet_of(tmp_path / "less.xlsx").decode()
    assert '<c r="B2" s="1"/>' in sheet_of(tmp_path / "less.xlsx").decode()

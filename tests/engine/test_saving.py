"""Saving after cells were set: what Excel is known to repair, or to lose, does not arise."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from test_cellxml import MAIN, REL, package, sheet_of, written
from test_strange import rebuilt

import sheetprop
from sheetprop.errors import SheetpropError

CHAIN = "xl/calcChain.xml"


def with_chain(path: Path, target: Path, *cells: str) -> Path:
    """Add a calculation chain to a workbook."""
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.calcChain+xml"

    def change(name: str, old: bytes) -> bytes:
        if name == "[Content_Types].xml":
            return old.replace(b"</Types>", f"<Override ContentType='{kind}' PartName='/{CHAIN}'/></Types>".encode())
        if name == "xl/_rels/workbook.xml.rels":
            return old.replace(b"</Relationships>", f'<Relationship Id="rId77" Type="{REL}/calcChain" '
                               'Target="calcChain.xml"/></Relationships>'.encode())
        return old

    rebuilt(path, change, target)
    with zipfile.ZipFile(target, "a") as file:
        inner = "".join(f'<c r="{cell}" i="1"/>' for cell in cells)
        file.writestr(CHAIN, f'<calcChain xmlns="{MAIN}">{inner}</calcChain>')
    return target


def audit(path: Path) -> list[str]:
    """Return the errors that openxml-audit finds, without the file's name."""
    validator = pytest.importorskip("openxml_audit").OpenXmlValidator()
    return sorted(f"{error.part_uri}: {error.description}" for error in validator.validate(path).errors)


@pytest.fixture
def chained(workbook: Any, tmp_path: Path) -> Path:
    path = workbook({"S": {"A1": 1, "A2": "=A1+1", "A3": "=A2*2"}})
    return with_chain(path, tmp_path / "chained.xlsx", "A2", "A3")


def test_the_calculation_chain_stays_while_formulas_do(chained: Path, tmp_path: Path) -> None:
    book = sheetprop.open(chained)
    book.set("S!A1", 5)
    book.calculate()
    book.save(tmp_path / "out.xlsx")
    with zipfile.ZipFile(chained) as before, zipfile.ZipFile(tmp_path / "out.xlsx") as after:
        assert before.namelist() == after.namelist()
        assert before.read(CHAIN) == after.read(CHAIN)


@pytest.mark.parametrize("change", [
    lambda book: book.set("S!A3", 7), lambda book: book.set("S!A3", None), lambda book: book.set("S!B9", "=A1"),
    lambda book: book.fill_down("S", 2, 5),
])
def test_the_calculation_chain_goes_with_a_formula(chained: Path, tmp_path: Path, change: Any) -> None:
    book = sheetprop.open(chained)
    change(book)
    book.calculate()
    book.save(tmp_path / "out.xlsx")
    with zipfile.ZipFile(chained) as before, zipfile.ZipFile(tmp_path / "out.xlsx") as after:
        assert {*before.namelist()} - {*after.namelist()} == {CHAIN}
        for name in ("[Content_Types].xml", "xl/_rels/workbook.xml.rels"):
            assert b"calcChain" not in after.read(name)
            assert after.read(name).count(b"<") == before.read(name).count(b"<") - 1
    assert audit(tmp_path / "out.xlsx") == audit(chained)
    openpyxl.load_workbook(tmp_path / "out.xlsx")


SHARED = (
    '<row r="1"><c r="A1"><v>1</v></c><c r="B1"><f t="shared" ref="B1:B3" si="0">A1*$A$1+LEN("A1")+_xlfn.SEC(0)</f></c>'
    '<c r="C1"><f t="shared" ref="C1:D2" si="1">A1&amp;"&lt;"&amp;A$1:A1</f></c>'
    '<c r="D1"><f t="shared" si="1"/></c></row>'
    '<row r="2"><c r="A2"><v>2</v></c><c r="B2"><f t="shared" si="0"/></c><c r="C2"><f si="1" t="shared"/></c>'
    '<c r="D2"><f t="shared" si="1"/></c></row>'
    '<row r="3"><c r="A3"><v>3</v></c><c r="B3" s="1"><f t="shared" si="0"/><v>9</v></c></row>'
)


@pytest.mark.parametrize("prefix", ["", "x:"])
def test_cells_keep_the_formula_whose_text_stood_in_another(tmp_path: Path, prefix: str) -> None:
    rows = SHARED.replace("</", f"</{prefix}").replace("<row", f"<{prefix}row").replace("<c ", f"<{prefix}c ")
    rows = rows.replace("<f", f"<{prefix}f").replace("<v", f"<{prefix}v")
    name = "xmlns:x" if prefix else "xmlns"
    text = (f'<{prefix}worksheet {name}="{MAIN}"><{prefix}sheetData>{rows}</{prefix}sheetData></{prefix}worksheet>')
    book = sheetprop.open(written(tmp_path, text))
    book.calculate()
    assert [book["S"][cell] for cell in ("B2", "B3", "C2", "D2")] == [5.0, 6.0, "2<2", "5<5"]
    book.set("S!B1", 100)
    book.set("S!C1", "=1+1")
    book.calculate()
    kept = {cell: book["S"][cell] for cell in ("B2", "B3", "C2", "D1", "D2")}
    book.save(tmp_path / "out.xlsx")
    data = sheet_of(tmp_path / "out.xlsx").decode()
    assert f'<{prefix}f>A2*$A$1+LEN("A1")+_xlfn.SEC(0)</{prefix}f>' in data
    assert f'<{prefix}f>B2&amp;"&lt;"&amp;B$1:B2</{prefix}f>' in data
    assert "shared" not in data
    again = sheetprop.open(tmp_path / "out.xlsx")
    assert not again.calculate().unsupported
    assert {cell: again["S"][cell] for cell in kept} == kept
    assert again["S"]["B1"] == 100.0
    if not prefix:
        theirs = openpyxl.load_workbook(tmp_path / "out.xlsx")["S"]
        assert theirs["B3"].value == '=A3*$A$1+LEN("A1")+_xlfn.SEC(0)'
        assert theirs["D1"].value == '=B1&"<"&B$1:B1'


def test_a_shared_formula_keeps_its_cells_when_another_row_is_filled_over_the_first(tmp_path: Path) -> None:
    rows = ('<row r="1"><c r="A1"><f>1+1</f></c></row>'
            '<row r="2"><c r="A2"><v>4</v></c><c r="B2"><f t="shared" ref="B2:B4" si="3">A2*2</f></c></row>'
            '<row r="3"><c r="A3"><v>5</v></c><c r="B3"><f t="shared" si="3"/></c></row>'
            '<row r="4"><c r="A4"><v>6</v></c><c r="B4"><f t="shared" si="3"/></c></row>')
    book = sheetprop.open(written(tmp_path, f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'))
    book.fill_down("S", 1, 2)
    book.calculate()
    book.save(tmp_path / "out.xlsx")
    again = sheetprop.open(tmp_path / "out.xlsx")
    assert not again.calculate().unsupported
    assert [again["S"][cell] for cell in ("A2", "B2", "B3", "B4")] == [2.0, None, 10.0, 12.0]


def test_array_formulas_are_replaced_as_a_whole(tmp_path: Path) -> None:
    rows = ('<row r="1"><c r="A1"><f t="array" ref="A1:B2">{1,2;3,4}*1</f></c><c r="B1"><v>2</v></c></row>'
            '<row r="2"><c r="A2" s="1"><v>3</v></c><c r="B2"><v>4</v></c><c r="C2"><f>SUM(A1:B2)</f></c></row>')
    book = sheetprop.open(written(tmp_path, f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'))
    book.calculate()
    assert book["S"]["C2"] == 10.0
    with pytest.raises(SheetpropError, match=r"part of the array formula in A1:B2.*A1"):
        book.set("S!B2", 1)
    book.set("S!A1", 7)
    book.calculate()
    assert book["S"]["C2"] == 7.0
    book.save(tmp_path / "out.xlsx")
    data = sheet_of(tmp_path / "out.xlsx").decode()
    assert "array" not in data
    assert '<c r="A2" s="1"/><c r="B2"/>' in data
    again = sheetprop.open(tmp_path / "out.xlsx")
    again.calculate()
    assert again["S"]["C2"] == 7.0


def test_what_is_in_the_way_of_a_result_that_spills(tmp_path: Path) -> None:
    rows = ('<row r="1"><c r="A1" cm="1"><f t="array" ref="A1:A3">_xlfn.SEQUENCE(3)</f><v>1</v></c></row>'
            '<row r="2"><c r="A2"><v>2</v></c></row><row r="3"><c r="A3"><v>3</v></c></row>')
    book = sheetprop.open(written(tmp_path, f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'))
    book.set("S!A2", 50)
    book.calculate()
    assert [str(book["S"][cell]) for cell in ("A1", "A2", "A3")] == ["#SPILL!", "50.0", "None"]
    book.save(tmp_path / "out.xlsx")
    data = sheet_of(tmp_path / "out.xlsx").decode()
    assert '<row r="3"><c r="A3"/></row>' in data
    book = sheetprop.open(tmp_path / "out.xlsx")
    book.set("S!A1", 1)  # the formula goes, with its metadata
    book.save(tmp_path / "gone.xlsx")
    assert "cm=" not in sheet_of(tmp_path / "gone.xlsx").decode()


def test_metadata_of_a_value_goes_with_the_value(tmp_path: Path) -> None:
    rows = ('<row r="1"><c r="A1" t="e" vm="1"><f>1+1</f><v>#VALUE!</v></c></row>'
            '<row r="2"><c r="A2" t="e" vm="1"><f>1+1</f><v>#VALUE!</v></c></row>')
    book = sheetprop.open(written(tmp_path, f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'))
    book.calculate()
    book.save(tmp_path / "out.xlsx")
    assert sheet_of(tmp_path / "out.xlsx").decode().count('"><f>1+1</f><v>2.0</v>') == 2
    assert "vm" not in sheet_of(tmp_path / "out.xlsx").decode()


def test_the_heading_of_a_table_cannot_be_set(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "S"
    for row in (("Item", "Price"), ("a", 1), ("b", 2)):
        sheet.append(row)
    sheet["D1"] = "=SUM(T[Price])"
    from openpyxl.worksheet.table import Table

    sheet.add_table(Table(displayName="T", ref="A1:B3"))
    book.save(tmp_path / "t.xlsx")
    ours = sheetprop.open(tmp_path / "t.xlsx")
    with pytest.raises(SheetpropError, match="heading of a column of the table T"):
        ours.set("S!B1", "Cost")
    ours.set("S!B1", "Price")
    ours.set("S!B2", 10)
    ours.set("S!B3", "=B2*2")
    ours.calculate()
    assert ours["S"]["D1"] == 30.0
    ours.save(tmp_path / "out.xlsx")
    assert {*audit(tmp_path / "out.xlsx")} <= {*audit(tmp_path / "t.xlsx")}


def test_a_row_is_filled_down_as_it_was_set(workbook: Any, tmp_path: Path) -> None:
    """Not as it stands in the file; rows that were filled, or are new, are filled down again."""
    book = sheetprop.open(workbook({"S": {"A1": 1, "A2": "=A1+1", "B2": "x"}}))
    book.set("S!A2", "=A1*2")
    book.set("S!C2", "=ROW()")
    book.fill_down("S", 2, 5)
    book.set("S!B4", "y")
    book.fill_down("S", 4, 7)
    book.set("S!A9", "=A1+100")
    book.fill_down("S", 9, 10)
    book.calculate()
    book.save(tmp_path / "out.xlsx")
    again = sheetprop.open(tmp_path / "out.xlsx")
    again.calculate()
    for one in (book, again):
        assert [one["S"][f"A{row}"] for row in range(1, 11)] == [1, 2, 4, 8, 16, 32, 64, None, 101, 102]
        assert [one["S"][f"B{row}"] for row in range(2, 8)] == ["x", "x", "y", "y", "y", "y"]
        assert [one["S"][f"C{row}"] for row in range(2, 8)] == [2, 3, 4, 5, 6, 7]


def test_new_cells_stretch_the_extent_and_drop_the_spans(tmp_path: Path) -> None:
    text = (f'<worksheet xmlns="{MAIN}"><dimension ref="B2"/><sheetData><row r="2" spans="2:2" ht="20">'
            '<c r="B2"><f>1+1</f></c></row></sheetData></worksheet>')
    book = sheetprop.open(written(tmp_path, text))
    book.set("S!D2", 1)
    book.set("S!A9", 1)
    book.calculate()
    book.save(tmp_path / "out.xlsx")
    data = sheet_of(tmp_path / "out.xlsx").decode()
    assert '<dimension ref="A2:D9"/>' in data
    assert '<row r="2" ht="20"><c r="B2"><f>1+1</f><v>2.0</v></c><c r="D2"><v>1.0</v></c></row>' in data
    assert audit(tmp_path / "out.xlsx") == audit(tmp_path / "in.xlsx")
    assert package(text)


def test_formulas_that_are_set_are_spelled_as_files_spell_them(workbook: Any, tmp_path: Path) -> None:
    """Excel knows newer functions and variables of LET by their marks; metadata marks a formula that spills."""
    book = sheetprop.open(workbook({"S": {"A1": 3, "A9": "=SUM(A1)"}}))
    given = {"B1": "=SEQUENCE(A1)", "D1": "=LET(x,A1,x*2)+IFS(TRUE,1)", "E1": "=_xlfn.SEC(0)+sec(0)", "F1": "=SUM(B1#)",
             "G1": "=MAP(B1:B3,LAMBDA(v,v+1))", "I1": '=TEXTJOIN("LET(x",TRUE,A1,A1)', "J1": "=Sum(a1)"}
    for place, formula in given.items():
        book.set(f"S!{place}", formula)
    assert [book["S"][cell] for cell in ("B3", "D1", "E1", "F1", "G3", "I1", "J1")] == [
        3.0, 7.0, 2.0, 6.0, 4.0, "3LET(x3", 3.0]
    book.save(tmp_path / "out.xlsx")
    data = sheet_of(tmp_path / "out.xlsx").decode()
    for spelled in ('<c r="B1" cm="1"><f t="array" ref="B1:B3">_xlfn.SEQUENCE(A1)</f>',
                    "_xlfn.LET(_xlpm.x,A1,_xlpm.x*2)+_xlfn.IFS(TRUE,1)", "<f>_xlfn.SEC(0)+_xlfn.SEC(0)</f>",
                    ">SUM(_xlfn.ANCHORARRAY(B1))</f>", "_xlfn.MAP(B1:B3,_xlfn.LAMBDA(_xlpm.v,_xlpm.v+1))",
                    '<f>_xlfn.TEXTJOIN("LET(x",TRUE,A1,A1)</f>', "<f>Sum(a1)</f>"):
        assert spelled in data
    assert audit(tmp_path / "out.xlsx") == audit(tmp_path / "book.xlsx")
    again = sheetprop.open(tmp_path / "out.xlsx")
    again.set("S!A1", 5)
    again.set("S!K1", "=SORT(B1#,,-1)")
    assert [again["S"][cell] for cell in ("B5", "F1", "K1", "K5")] == [5.0, 15.0, 5.0, 1.0]
    again.save(tmp_path / "more.xlsx")
    assert '<c r="K1" cm="1"><f t="array" ref="K1:K5">_xlfn._xlws.SORT(' in sheet_of(tmp_path / "more.xlsx").decode()
    with zipfile.ZipFile(tmp_path / "more.xlsx") as package:
        assert [name for name in package.namelist() if "metadata" in name] == ["xl/metadata.xml"]

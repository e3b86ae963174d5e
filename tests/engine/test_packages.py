"""Packages that other programs write oddly and that Excel or LibreOffice read all the same."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest
from test_cellxml import MAIN, SHEET, package, sheet_of
from test_strange import rebuilt

import sheetprop

TABLE = (f'<worksheet xmlns="{MAIN}"><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1"><f>A1&amp;"!"</f></c>'
         "</row></sheetData></worksheet>")


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """Return a workbook whose text é stands in the shared strings."""
    path = tmp_path / "plain.xlsx"
    path.write_bytes(package(TABLE))
    rel = ('<Relationship Id="rId3" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/'
           'sharedStrings" Target="sharedStrings.xml"/></Relationships>')
    with_rel = rebuilt(path, lambda name, old: old.replace(b"</Relationships>", rel.encode())
                       if name == "xl/_rels/workbook.xml.rels" else old, tmp_path / "rel.xlsx")
    with zipfile.ZipFile(with_rel, "a") as file:
        file.writestr("xl/sharedStrings.xml", f'<sst xmlns="{MAIN}"><si><t>é</t></si></sst>')
    return with_rel


def text_of(path: Path) -> Any:
    """Return what B1 of a workbook and of its saved copy hold."""
    book = sheetprop.open(path)
    book.calculate()
    book.save(path.with_name("saved.xlsx"))
    again = sheetprop.open(path.with_name("saved.xlsx")).stored()["S"][(1, 2)]
    assert again == book["S"]["B1"]
    return again


def test_folders_with_backslashes(odd: Path, tmp_path: Path) -> None:
    target = tmp_path / "windows.xlsx"
    with zipfile.ZipFile(odd) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            info = zipfile.ZipInfo("x")
            info.filename = name.replace("/", "\\")
            new.writestr(info, old.read(name))
    assert text_of(target) == "é!"
    data = (tmp_path / "saved.xlsx").read_bytes()
    assert b"xl\\worksheets\\sheet1.xml" in data
    assert b"xl/worksheets" not in data[data.index(b"PK\x01\x02"):]


@pytest.mark.parametrize("part", ["xl/sharedStrings.xml", SHEET, "xl/workbook.xml"])
def test_a_document_type_without_entities(odd: Path, tmp_path: Path, part: str) -> None:
    for kind in (b'<!DOCTYPE x>', b'<!DOCTYPE x SYSTEM "x.dtd">', b"<!DOCTYPE x [<!ELEMENT x ANY>]>"):
        path = rebuilt(odd, lambda name, old, kind=kind: kind + old if name == part else old, tmp_path / "d.xlsx")
        assert text_of(path) == "é!"
    harm = b'<!DOCTYPE x [<!ENTITY e "e">]>'
    path = rebuilt(odd, lambda name, old: harm + old if name == part else old, tmp_path / "e.xlsx")
    with pytest.raises(sheetprop.SheetpropError, match="entities"):
        text_of(path)
    outside = b'<!DOCTYPE x SYSTEM "x.dtd">'
    path = rebuilt(odd, lambda name, old: outside + old.replace("é".encode(), b"&e;")
                   .replace(b'A1&amp;"!"', b"&e;").replace(b'"S"', b'"&e;"') if name == part else old,
                   tmp_path / "f.xlsx")
    with pytest.raises(sheetprop.SheetpropError, match=r"entities|no name"):
        text_of(path)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "iso-8859-1", "windows-1252"])
def test_other_encodings(odd: Path, tmp_path: Path, encoding: str) -> None:
    def encoded(name: str, old: bytes) -> bytes:
        if name != SHEET:
            return old
        text = f'<?xml version="1.0" encoding="{encoding[:6] if "utf" in encoding else encoding}"?>'
        text += old.decode().replace('"!"', '"ü"')
        mark = "\ufeff" if encoding == "utf-16-be" else ""
        return (mark + text).encode(encoding)

    path = rebuilt(odd, encoded, tmp_path / "e.xlsx")
    assert text_of(path) == "éü"
    assert 'encoding="UTF-8"' in sheet_of(tmp_path / "saved.xlsx").decode()


def test_a_sheet_without_a_part_is_blank_and_that_is_said(odd: Path, tmp_path: Path) -> None:
    for extra in (b'<sheet name="Gone" sheetId="2" r:id="rId9"/>', b'<sheet name="Gone" sheetId="2"/>'):
        path = rebuilt(odd, lambda name, old, extra=extra: old.replace(b"</sheets>", extra + b"</sheets>")
                       if name == "xl/workbook.xml" else old, tmp_path / "g.xlsx")
        assert text_of(path) == "é!"
        book = sheetprop.open(path)
        assert book.sheet_names == ["S", "Gone"]
        assert book["Gone"]["A1"] is None
        assert "no part for its sheet 'Gone'" in book.remarks[0]
        with pytest.raises(sheetprop.SheetpropError, match="Gone"):
            book.set("Gone!A1", 1)
    from sheetprop.engine.commands import run_calc

    assert "note: the file has no part for its sheet 'Gone'" in run_calc(str(path))[0]

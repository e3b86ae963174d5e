"""A small workbook with formulas that spill, written as Excel writes them: array formulas with cell metadata."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import sheetprop
from sheetprop.engine.formula.references import cell_at

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"


def write_dynamic(path: Path, cells: Mapping[str, Any], names: Mapping[str, str] | None = None, *,
                  refs: Mapping[str, str] | None = None, extra: str = "") -> Path:
    """Write the sheet S: text that begins with ``=`` is a formula that spills, over `refs` where that names its cell.

    Formulas that begin with ``{=`` are array formulas of the old kind, with ``==`` ordinary ones. `extra` is XML
    behind the rows.
    """
    rows: dict[int, list[tuple[int, str]]] = {}
    for place, value in cells.items():
        row, column = cell_at(place)
        rows.setdefault(row, []).append((column, _cell(place, value, (refs or {}).get(place, place))))
    body = "".join(f'<row r="{row}">{"".join(text for _, text in sorted(rows[row]))}</row>' for row in sorted(rows))
    defined = "".join(f'<definedName name="{name}">{escape(text)}</definedName>'
                      for name, text in (names or {}).items())
    parts = {
        "[Content_Types].xml":
            f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{_KIND}.sheet.main+xml"/>'
            f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_KIND}.worksheet+xml"/>'
            f'<Override PartName="/xl/metadata.xml" ContentType="{_KIND}.sheetMetadata+xml"/></Types>',
        "_rels/.rels":
            f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1" Type="{_REL}/officeDocument" '
            'Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml":
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_REL}"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets>'
            f'{f"<definedNames>{defined}</definedNames>" if defined else ""}</workbook>',
        "xl/_rels/workbook.xml.rels":
            f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1" Type="{_REL}/worksheet" '
            f'Target="worksheets/sheet1.xml"/><Relationship Id="r2" Type="{_REL}/sheetMetadata" '
            'Target="metadata.xml"/></Relationships>',
        "xl/metadata.xml":
            f'<metadata xmlns="{_MAIN}" xmlns:xda="http://schemas.microsoft.com/office/spreadsheetml/2017/dynamicarray">'
            '<metadataTypes count="1"><metadataType name="XLDAPR" minSupportedVersion="120000" copy="1" pasteAll="1" '
            'pasteValues="1" merge="1" splitFirst="1" rowColShift="1" clearFormats="1" clearComments="1" assign="1" '
            'coerce="1" cellMeta="1"/></metadataTypes><futureMetadata name="XLDAPR" count="1"><bk><extLst>'
            '<ext uri="{bdbb8cdc-fa1e-496e-a857-3c3f30c029c3}"><xda:dynamicArrayProperties fDynamic="1" '
            'fCollapsed="0"/></ext></extLst></bk></futureMetadata><cellMetadata count="1"><bk><rc t="1" v="0"/></bk>'
            '</cellMetadata></metadata>',
        "xl/worksheets/sheet1.xml":
            f'<worksheet xmlns="{_MAIN}"><sheetData>{body}</sheetData>{extra}</worksheet>',
    }
    with zipfile.ZipFile(path, "w") as package:
        for name, text in parts.items():
            package.writestr(name, text)
    return path


def _cell(place: str, value: Any, ref: str) -> str:
    if isinstance(value, str) and value.startswith("=="):
        return f'<c r="{place}"><f>{escape(value[2:])}</f></c>'
    if isinstance(value, str) and value.startswith("{="):
        return f'<c r="{place}"><f t="array" ref="{ref}">{escape(value[2:].removesuffix("}"))}</f></c>'
    if isinstance(value, str) and value.startswith("="):
        return f'<c r="{place}" cm="1"><f t="array" ref="{ref}">{escape(value[1:])}</f></c>'
    if isinstance(value, bool):
        return f'<c r="{place}" t="b"><v>{int(value)}</v></c>'
    if isinstance(value, str) and value.startswith("#"):
        return f'<c r="{place}" t="e"><v>{value}</v></c>'
    if isinstance(value, str):
        return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'
    return f'<c r="{place}"/>' if value is None else f'<c r="{place}"><v>{value!r}</v></c>'


def spilled(path: Path, formula: str, cells: Mapping[str, Any] | None = None, names: Mapping[str, str] | None = None,
            at: str = "J1") -> Any:
    """Return what a formula in J1 spills over: a list of rows, or the one value."""
    book = sheetprop.open(write_dynamic(path, {**(cells or {}), at: formula}, names))
    result = book.calculate()
    store = book["S"]._store
    row, column = cell_at(at)
    array = next((one for one in store.arrays if (one.top, one.left) == (row, column)), None)
    assert not result.unsupported, result.unsupported
    if array is None:
        return store.get(row, column)
    return [[store.get(down, across) for across in range(array.left, array.right + 1)]
            for down in range(array.top, array.bottom + 1)]

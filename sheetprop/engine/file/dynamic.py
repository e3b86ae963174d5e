"""The mark of formulas whose result spills: an entry of the workbook's metadata that their cells name."""

from __future__ import annotations

from collections.abc import Iterable

from sheetprop.engine.file.package import Package
from sheetprop.engine.file.xmlparts import read_tree
from sheetprop.engine.formula.tree import is_dynamic
from sheetprop.engine.grid.storage import SheetStore

PART = "xl/metadata.xml"
TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheetMetadata+xml"
RELATION = "sheetMetadata"
_KIND = "XLDAPR"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_ARRAYS = "http://schemas.microsoft.com/office/spreadsheetml/2017/dynamicarray"
_COPIED = ("copy", "pasteAll", "pasteValues", "merge", "splitFirst", "rowColShift", "clearFormats", "clearComments",
           "assign", "coerce", "cellMeta")
METADATA = (
    f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<metadata xmlns="{_MAIN}" xmlns:xda="{_ARRAYS}">'
    f'<metadataTypes count="1"><metadataType name="{_KIND}" minSupportedVersion="120000" '
    + " ".join(f'{name}="1"' for name in _COPIED)
    + f'/></metadataTypes><futureMetadata name="{_KIND}" count="1"><bk><extLst>'
    '<ext uri="{bdbb8cdc-fa1e-496e-a857-3c3f30c029c3}"><xda:dynamicArrayProperties fDynamic="1" fCollapsed="0"/></ext>'
    '</extLst></bk></futureMetadata><cellMetadata count="1"><bk><rc t="1" v="0"/></bk></cellMetadata>'
    "</metadata>").encode()


def wanted(sheets: Iterable[SheetStore]) -> bool:
    """Say whether a formula that spills was put into a cell."""
    for sheet in sheets:
        anchors = {(array.top, array.left) for array in sheet.arrays if array.dynamic}
        for place in sheet.formulas_set:
            family = sheet.family_at(*place)
            if place in anchors or (family is not None and is_dynamic(family.tree)):
                return True
    return False


def number_in(package: Package, part: str) -> int | None:
    """Return the number by which cells name the mark in a workbook's metadata, None where that has none."""
    root = read_tree(package.read(part), part)
    types, held = root.find("metadataTypes"), root.find("cellMetadata")
    kinds = [item.attributes.get("name", "") for item in types.children] if types is not None else []
    if _KIND not in kinds or held is None:
        return None
    kind = str(kinds.index(_KIND) + 1)
    for at, block in enumerate(held.children, start=1):
        if any(item.attributes.get("t") == kind for item in block.children):
            return at
    return None

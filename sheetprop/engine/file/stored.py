"""The values that a file holds for its formulas, as they were when it was saved."""

from __future__ import annotations

import re

from sheetprop.engine.file.loading import Contents, _Strings, bounds, normalised, relations
from sheetprop.engine.file.rows import CELL, INNER, ROW, Irregular, Reader
from sheetprop.engine.formula.references import column_number
from sheetprop.engine.grid.storage import SheetStore
from sheetprop.engine.grid.values import Value

_PLACE = re.compile(rb'\sr="([A-Za-z]{1,3})([0-9]{1,7})"')
_NUMBER = re.compile(rb'\sr="([0-9]{1,7})"')
_TYPE = re.compile(rb'\st="(\w+)"')


def stored_cells(contents: Contents) -> dict[str, dict[tuple[int, int], Value]]:
    """Return sheet name -> (row, column) -> stored value, for all cells with a value, constants included."""
    package = contents.package
    main = next((part for kind, part in relations(package, "").values() if kind == "officeDocument"), "xl/workbook.xml")
    links = relations(package, main)
    strings = _Strings(package, next((part for kind, part in links.values() if kind == "sharedStrings"), None))
    return {sheet.name: _cells(contents, sheet, strings) if sheet.grid else {} for sheet in contents.sheets}


def _cells(contents: Contents, sheet: SheetStore, strings: _Strings) -> dict[tuple[int, int], Value]:
    package = contents.package
    data = package.read(sheet.part)
    try:
        start, end = bounds(data, sheet.part)
    except Irregular:
        data = normalised(data, sheet.part, package.max_bytes)
        start, end = bounds(data, sheet.part)
    reader = Reader(SheetStore(sheet.name, sheet.index, sheet.part), strings, {}, contents.outline)
    found: dict[tuple[int, int], Value] = {}
    row = 0
    for opening in ROW.finditer(data, start, end):
        number = _NUMBER.search(opening.group(1))
        row = int(number.group(1)) if number else row + 1
        if opening.group(2):
            continue
        close = data.find(b"</row>", opening.end(), end)
        column = 0
        for cell in CELL.finditer(data, opening.end(), close if close >= 0 else end):
            if cell.group(1) is not None:
                column = column_number(cell.group(1).decode())
            else:
                place = _PLACE.search(cell.group(3))
                column = column_number(place.group(1).decode()) if place else column + 1
            if not cell.group(4):
                continue
            kind = _TYPE.search(cell.group(3))
            word = kind.group(1) if kind else b""
            parts = INNER.match(cell.group(4))
            text = parts.group(3) if parts else None
            if word == b"inlineStr":
                value: Value = None
            elif text is None:
                value = "" if word == b"str" and b"<v" in cell.group(4) else None
            else:
                value = reader.constant(word, text)
            if value is not None:
                found[(row, column)] = value
    return found

"""The values that a file holds for its formulas, as they were when it was saved."""

from __future__ import annotations

from sheetprop.engine.file.cellxml import NUMBER, ROW, cells, inline_text, kind_of
from sheetprop.engine.file.loading import Contents, _Strings, bounds, relations, rows_in_plain_layout, sheet_bytes
from sheetprop.engine.file.rows import Reader
from sheetprop.engine.grid.storage import SheetStore
from sheetprop.engine.grid.values import Value


def stored_cells(contents: Contents) -> dict[str, dict[tuple[int, int], Value]]:
    """Return sheet name -> (row, column) -> stored value, for all cells with a value, constants included."""
    package = contents.package
    main = next((part for kind, part in relations(package, "").values() if kind == "officeDocument"), "xl/workbook.xml")
    links = relations(package, main)
    strings = _Strings(package, next((part for kind, part in links.values() if kind == "sharedStrings"), None))
    return {sheet.name: _cells(contents, sheet, strings) if sheet.grid else {} for sheet in contents.sheets}


def _cells(contents: Contents, sheet: SheetStore, strings: _Strings) -> dict[tuple[int, int], Value]:
    data = sheet_bytes(contents.package, sheet)
    if sheet.irregular:
        data = rows_in_plain_layout(data, sheet, contents.package)
    start, end = bounds(data)
    reader = Reader(SheetStore(sheet.name, sheet.index, sheet.part), strings, {}, contents.outline)
    found: dict[tuple[int, int], Value] = {}
    row, position = 0, start
    while (opening := ROW.search(data, position, end)) is not None:
        number = NUMBER.search(opening[1])
        row = int(number[1]) if number else row + 1
        position = opening.end()
        if opening[2]:
            continue
        close = data.index(b"</row>", position, end)
        for column, cell in cells(data, position, close, row):
            attributes, held, text, inline = cell.group(3, 6, 7, 8)
            kind = kind_of(attributes)
            value: Value = None
            if inline is not None and (kind == b"inlineStr" or held is None):
                value = inline_text(inline)
            elif held is not None:
                value = reader.constant(kind, text or b"")
            if value is not None:
                found[(row, column)] = value
        position = close
    return found

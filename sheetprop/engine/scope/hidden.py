"""Which rows of a sheet are hidden, and which of them a filter hides; read when a formula asks."""

from __future__ import annotations

import re

from sheetprop.engine.file.loading import relations, sheet_bytes
from sheetprop.engine.formula.references import area_at
from sheetprop.engine.grid.storage import SheetStore
from sheetprop.engine.scope.workspace import Workspace
from sheetprop.errors import SheetpropError

_ROW = rb"<(?:[\w.-]+:)?row\b([^>]*)>"
_NUMBER = rb"\br=[\"'](\d+)[\"']"
_HIDDEN = rb"\bhidden=[\"'](?:1|true)[\"']"
_FILTER = rb"<(?:[\w.-]+:)?autoFilter\b[^>]*?\bref=[\"']([^\"']*)[\"'][^>]*(?<!/)>"  # one that filters has children


def hidden_rows(space: Workspace, sheet: SheetStore) -> tuple[frozenset[int], frozenset[int]]:
    """Return the hidden rows, and those of them that a filter of the sheet or of one of its tables hides."""
    if sheet.hidden is None:
        package = space.contents.package
        content = sheet_bytes(package, sheet)
        if b"hidden=" not in content:
            sheet.hidden = frozenset(), frozenset()
            return sheet.hidden
        tables = [package.read(part) for kind, part in relations(package, sheet.part).values()
                  if kind == "table" and part in package]
        sheet.hidden = _read(content, tables)
    return sheet.hidden


def _read(content: bytes, tables: list[bytes]) -> tuple[frozenset[int], frozenset[int]]:
    hidden: set[int] = set()
    row = 0
    for found in re.finditer(_ROW, content):
        number = re.search(_NUMBER, found[1])
        row = int(number[1]) if number else row + 1
        if re.search(_HIDDEN, found[1]):
            hidden.add(row)
    filtered: set[int] = set()
    for found in (found for text in (content, *tables) for found in re.finditer(_FILTER, text)):
        try:
            top, _, bottom, _ = area_at(found[1].decode("ascii", "replace"))
        except SheetpropError:
            continue
        filtered |= {row for row in hidden if top < row <= bottom}
    return frozenset(hidden), frozenset(filtered)

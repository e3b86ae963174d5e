"""New texts for the table of shared strings, in which spreadsheet programs keep the text of cells."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from sheetprop.engine.file.cellxml import encoded
from sheetprop.engine.file.xmlparts import read_tree
from sheetprop.engine.grid.storage import SheetStore

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
PART = "xl/sharedStrings.xml"
TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
_ROOT = re.compile(rb"""<((?:[\w.-]+:)?)sst(?=[\s/>])((?:[^>"']|"[^"]*"|'[^']*')*?)(/?)>""")


class NewStrings:
    """The texts that were put into cells, each once, and the numbers that they get behind those of the file.

    Attributes:
        numbers: text -> its number in the table.
        uses: how many cells hold one.
    """

    def __init__(self, sheets: Iterable[SheetStore], before: Callable[[], int]) -> None:
        texts = [value for sheet in sheets for value in sheet.edited.values() if type(value) is str]
        self.uses = len(texts)
        start = before() if texts else 0
        self.numbers = {text: start + at for at, text in enumerate(dict.fromkeys(texts))}

    def written(self, data: bytes | None) -> bytes:
        """Return the table with the new texts behind those that it holds; a new one where there was none."""
        if data is None:
            data = f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<sst xmlns="{_MAIN}"/>'.encode()
        root = _ROOT.search(data)
        assert root is not None  # the table was read before
        prefix, attributes, closed = root[1], root[2], root[3]
        items = b"".join(b'<%ssi><%st xml:space="preserve">%s</%st></%ssi>' % (
            prefix, prefix, encoded(text), prefix, prefix) for text in self.numbers)
        for name, more in ((b"count", self.uses), (b"uniqueCount", len(self.numbers))):
            attributes = re.sub(rb"""(\s%s\s*=\s*["'])(\d+)""" % name,
                                lambda found, more=more: found[1] + b"%d" % (int(found[2]) + more), attributes)
        head = data[:root.start()] + b"<" + prefix + b"sst" + attributes + b">"
        if closed:
            return head + items + b"</" + prefix + b"sst>" + data[root.end():]
        end = data.rindex(b"</" + prefix + b"sst")
        return head + data[root.end():end] + items + data[end:]


def held(data: bytes) -> int:
    """Return how many texts a table holds."""
    return sum(item.name == "si" for item in read_tree(data, PART).children)

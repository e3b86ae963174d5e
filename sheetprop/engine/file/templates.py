"""A row's XML as a pattern for the rows below it: a row that equals it, moved down, needs no parsing."""

from __future__ import annotations

import re

from sheetprop.engine.formula.parse import relative_rows
from sheetprop.engine.grid.storage import Block, Program
from sheetprop.engine.grid.values import Value

VALUES = re.compile(rb"<v(?:\s[^>]*)?(?:/>|>([^<]*)</v>)")
_MARKERS = 24
_DIGITS = b"0123456789"


class Template:
    """One row's XML with markers where the row's number, or one at a fixed distance, stands.

    Attributes:
        text: the bytes with markers, stored values as they are.
        bare: the same with every ``<v>`` element empty.
        offsets: distance from the row for each marker.
        program: the formulas.
        constants: (column, value, place among the row's ``<v>`` elements or -1, cell type).
        exact: whether rows may be compared with their stored values in place.
    """

    __slots__ = ("bare", "constants", "exact", "offsets", "program", "shared", "text")

    def __init__(self, text: bytes, offsets: list[int], program: Program,
                 constants: list[tuple[int, Value, int, bytes]], exact: bool, shared: bool) -> None:
        self.text = text
        self.bare = VALUES.sub(b"<v/>", text)
        self.offsets = offsets
        self.program = program
        self.constants = constants
        self.exact = exact
        self.shared = shared

    def moved(self, text: bytes, row: int) -> bytes:
        """Return `text` (one of the two forms) as it reads in `row`."""
        for marker, offset in enumerate(self.offsets):
            text = text.replace(b"\x00%c" % (marker + 1), b"%d" % (row + offset))
        return text


class Parsed:
    """A parsed row that may become a template when the next one is no copy of an earlier row.

    Attributes:
        spans: (start, end, distance) of the row numbers in its cells' places, in bytes.
        texts: (start, text) of its formulas; positions in a text are those of its bytes.
    """

    __slots__ = ("block", "constants", "content", "exact", "row", "shared", "spans", "texts")

    def __init__(self, content: bytes, row: int, spans: list[tuple[int, int, int]], texts: list[tuple[int, str]],
                 constants: list[tuple[int, Value, int, bytes]], exact: bool, shared: bool, block: Block) -> None:
        self.content = content
        self.row = row
        self.spans = spans
        self.texts = texts
        self.constants = constants
        self.exact = exact
        self.shared = shared
        self.block = block

    def alike(self, content: bytes) -> bool:
        """Say whether a row may be a copy of this one: whether they differ in digits and stored values only."""
        above = self.content
        if b"<v" in content or b"<v" in above:
            above, content = VALUES.sub(b"", above), VALUES.sub(b"", content)
        return above.translate(None, _DIGITS) == content.translate(None, _DIGITS)

    def template(self) -> Template | None:
        """Return the row as a template, or None where that would not be sound."""
        spans = list(self.spans)
        for base, text in self.texts:
            marks = list(relative_rows(text, self.row))
            if not text.isascii():
                # Positions count bytes; where bytes read as Latin-1 give other references, give up.
                found = marks
                marks = list(relative_rows(text.encode().decode("latin-1"), self.row))
                if [mark[2] for mark in marks] != [mark[2] for mark in found]:
                    return None
            spans.extend((base + start, base + end, offset) for start, end, offset in marks)
        offsets: dict[int, int] = {}
        pieces: list[bytes] = []
        at = 0
        if b"\x00" in self.content:
            return None
        for start, end, offset in sorted(spans):
            if start < at:
                return None
            marker = offsets.setdefault(offset, len(offsets) + 1)
            if marker > _MARKERS:
                return None
            pieces.append(self.content[at:start])
            pieces.append(b"\x00%c" % marker)
            at = end
        pieces.append(self.content[at:])
        template = Template(b"".join(pieces), list(offsets), self.block.program, self.constants, self.exact,
                            self.shared)
        return template if template.moved(template.text, self.row) == self.content else None

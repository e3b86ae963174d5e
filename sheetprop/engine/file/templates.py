"""A row's XML as a pattern for the rows below it: a row that equals it, moved down, needs no parsing."""

from __future__ import annotations

import re

from sheetprop.engine.file.cellxml import ROW, TYPE, VALUES, cells
from sheetprop.engine.formula.parse import relative_rows
from sheetprop.engine.grid.storage import Block, Program
from sheetprop.engine.grid.values import Value

_MARKERS = 24
_DIGITS = b"0123456789"


class ValuePlace:
    """Where a formula cell's value stands in its row's bytes, known from its address.

    Attributes:
        column: the cell's column.
        kind: (start, end) of its attribute ``t``, with the blank before it; empty where it would stand.
        held: (start, end) of its ``<v>``; empty where it would stand.
    """

    __slots__ = ("column", "held", "kind")

    def __init__(self, cell: re.Match[bytes], column: int) -> None:
        self.column = column
        start = cell.start(3)
        found = TYPE.search(cell[3]) if cell[3] else None
        self.kind = (cell.end(3), cell.end(3)) if found is None else (start + found.start(), start + found.end())
        content = cell.string
        after = cell.end(4) if cell[5] is None else cell.end(5)
        formula_end = content.index(b">", after) + 1
        self.held = (formula_end, formula_end)
        if cell[6] is not None:
            self.held = (content.index(b"<v", formula_end),
                         content.index(b">", cell.end(6) if cell[7] is None else cell.end(7)) + 1)


class Template:
    """One row's XML with markers where the row's number, or one at a fixed distance, stands.

    Attributes:
        text: the bytes with markers, stored values as they are.
        bare: the same with every ``<v>`` element empty.
        offsets: distance from the row for each marker.
        program: the formulas.
        constants: (column, value, cell type) of the cells without a formula.
        valued: the columns whose cells have a ``<v>``, from left to right.
        places: where the values of the formula cells stand in `content`.
        content: the row from which the template was made.
        marks: (start, end, marker) of the numbers in `content` that move with the row.
        exact: whether rows may be compared with their stored values in place.
    """

    __slots__ = ("bare", "constants", "content", "exact", "marks", "offsets", "places", "program", "shared", "text",
                 "valued")

    def __init__(self, parsed: Parsed, marks: list[tuple[int, int, int]], offsets: list[int],
                 places: list[ValuePlace]) -> None:
        self.content = parsed.content
        self.marks = marks
        self.offsets = offsets
        self.program: Program = parsed.block.program
        self.constants = parsed.constants
        self.valued = parsed.valued
        self.places = places
        self.exact = parsed.exact
        self.shared = parsed.shared
        pieces: list[bytes] = []
        at = 0
        for start, end, marker in marks:
            pieces.append(self.content[at:start])
            pieces.append(b"\x00%c" % marker)
            at = end
        pieces.append(self.content[at:])
        self.text = b"".join(pieces)
        self.bare = VALUES.sub(b"<v/>", self.text)

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

    __slots__ = ("block", "constants", "content", "exact", "row", "shared", "spans", "texts", "valued")

    def __init__(self, content: bytes, row: int, spans: list[tuple[int, int, int]], texts: list[tuple[int, str]],
                 constants: list[tuple[int, Value, bytes]], valued: list[int], exact: bool, shared: bool,
                 block: Block) -> None:
        self.content = content
        self.row = row
        self.spans = spans
        self.texts = texts
        self.constants = constants
        self.valued = valued
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
        marked: list[tuple[int, int, int]] = []
        at = 0
        opening = ROW.match(self.content)
        if b"\x00" in self.content or opening is None or len(VALUES.findall(self.content)) != len(self.valued):
            return None
        for start, end, offset in sorted(spans):
            if start < at:
                return None
            marker = offsets.setdefault(offset, len(offsets) + 1)
            if marker > _MARKERS:
                return None
            marked.append((start, end, marker))
            at = end
        columns = self.block.program.by_column
        places = [ValuePlace(cell, column)
                  for column, cell in cells(self.content, opening.end(), len(self.content), self.row)
                  if column in columns]
        template = Template(self, marked, list(offsets), places)
        return template if template.moved(template.text, self.row) == self.content else None

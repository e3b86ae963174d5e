"""Writes values back: only ``<v>`` and the type of formula cells change, and rows filled down are added."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sheetprop.engine.file.cellxml import legal, stored
from sheetprop.engine.file.loading import bounds
from sheetprop.engine.file.rows import CELL, INNER, ROW, Irregular
from sheetprop.engine.file.templates import Template
from sheetprop.engine.file.xmlparts import escape
from sheetprop.engine.formula.references import address, area_at, column_number
from sheetprop.engine.grid.storage import Block, SheetStore
from sheetprop.engine.grid.values import Value
from sheetprop.errors import SheetpropError

_ROW_NUMBER = re.compile(rb'\sr="([0-9]{1,7})"')
_PLACE = re.compile(rb'\sr="([A-Za-z]{1,3})([0-9]{1,7})"')
_TYPE = re.compile(rb'\st="(\w*)"')
_STYLE = re.compile(rb'\ss="(\d+)"')
_MARKED_CELL = re.compile(rb'<c( r="[A-Za-z]{1,3}\x00.")((?:\s[^>]*?)?)>(.*?)</c>', re.DOTALL)
_FORMULA = re.compile(rb"\s*<f((?:\s[^>]*?)?)(?:/>|>[^<]*</f>)")
_MARKER = re.compile(rb"\x00(.)", re.DOTALL)
_DIMENSION = re.compile(rb'<dimension\s+ref="([^"]*)"\s*/>')


class Form:
    """A template cut into pieces, with a place for each number that moves with the row and for each value.

    A cell's value has three places: for its type, the attribute of its ``<v>``, and the text.
    """

    __slots__ = ("_numbers", "_pieces", "_values", "columns")

    def __init__(self, template: Template) -> None:
        self.columns: list[int] = []
        self._pieces: list[bytes] = []
        self._numbers: list[tuple[int, list[int]]] = [(offset, []) for offset in template.offsets]
        self._values: list[tuple[int, int, int]] = []
        text, at = template.text, 0
        for cell in _MARKED_CELL.finditer(text):
            formula = _FORMULA.match(cell.group(3))
            if formula is None:
                continue
            parts = INNER.match(cell.group(3))
            assert parts is not None
            self._constant(text[at:cell.start()] + b"<c" + cell.group(1) + _TYPE.sub(b"", cell.group(2)))
            kind = self._place()
            self._constant(b">" + formula.group().strip() + b"<v")
            space = self._place()
            self._constant(b">")
            self._values.append((kind, space, self._place()))
            self._constant(b"</v>" + cell.group(3)[parts.end():] + b"</c>")
            self.columns.append(column_number(cell.group(1)[4:-3].decode()))
            at = cell.end()
        self._constant(text[at:] + b"</row>")

    def _place(self) -> int:
        self._pieces.append(b"")
        return len(self._pieces) - 1

    def _constant(self, text: bytes) -> None:
        for at, part in enumerate(_MARKER.split(text)):
            if at % 2:
                self._numbers[part[0] - 1][1].append(self._place())
            else:
                self._pieces.append(part)

    def rows(self, sheet: SheetStore, first: int, last: int) -> Iterator[bytes]:
        """Yield the XML of rows with their values."""
        spans = [sheet.column(column).span(first, last) for column in self.columns]
        numeric = all(set(map(type, span)) == {float} for span in spans)
        pieces, texts = self._pieces.copy(), [text for _, _, text in self._values]
        for row, values in zip(range(first, last + 1), zip(*spans, strict=True), strict=True):
            for offset, places in self._numbers:
                number = b"%d" % (row + offset)
                for place in places:
                    pieces[place] = number
            if numeric:
                for place, value in zip(texts, values, strict=True):
                    pieces[place] = repr(value).encode()
            else:
                for (kind, space, text), value in zip(self._values, values, strict=True):
                    pieces[kind], pieces[space], pieces[text] = stored(value)
            yield b"".join(pieces)


class SheetWriter:
    """Copies one sheet's part with new values in it."""

    def __init__(self, sheet: SheetStore) -> None:
        self.sheet = sheet
        self.forms: dict[int, Form] = {}
        self.members = {(row, column) for array in sheet.arrays for row in range(array.top, array.bottom + 1)
                        for column in range(array.left, array.right + 1)}
        self.edits: dict[int, dict[int, Value | SetFormula]] = {}
        for (row, column), value in sheet.edited.items():
            self.edits.setdefault(row, {})[column] = value
        for (row, column), text in sheet.formulas_set.items():
            self.edits.setdefault(row, {})[column] = SetFormula(text, sheet.get(row, column))
        self.fills = {block.first: block for block in sheet.filled}

    def chunks(self, data: bytes) -> Iterator[bytes]:
        """Yield the part's new content."""
        try:
            start, end = bounds(data, self.sheet.part)
        except Irregular:
            from sheetprop.engine.file.offsets import patched

            yield patched(data, self.sheet)
            return
        if start == 0:
            if self.edits or self.fills:
                match = re.search(rb"<sheetData\s*/>", data)
                if match is None:
                    raise SheetpropError(f"{self.sheet.part}: has no place for cells; set a cell of another sheet")
                yield data[:match.start()] + b"<sheetData>"
                yield from self.before(2_000_000)
                yield b"</sheetData>" + data[match.end():]
                return
            yield data
            return
        yield self.head(data[:start])
        yield from self.body(data, start, end)
        yield from self.before(2_000_000)
        yield data[end:]

    def head(self, text: bytes) -> bytes:
        """Return what stands before the rows, with the extent put right where rows were added."""
        if not self.fills and not self.edits:
            return text
        found = _DIMENSION.search(text)
        if found is None:
            return text
        try:
            top, left, bottom, right = area_at(found.group(1).decode("ascii", "replace"))
        except SheetpropError:
            return text
        for block in self.sheet.filled:
            bottom = max(bottom, block.last)
            right = max(right, *block.program.columns)
        for row, column in (*self.sheet.edited, *self.sheet.formulas_set):
            top, left, bottom, right = min(top, row), min(left, column), max(bottom, row), max(right, column)
        ref = f"{address(top, left)}:{address(bottom, right)}".encode()
        return text[:found.start(1)] + ref + text[found.end(1):]

    def form(self, template: Template) -> Form:
        """Return the printing form of a template."""
        form = self.forms.get(id(template))
        if form is None:
            form = self.forms[id(template)] = Form(template)
        return form

    def before(self, row: int) -> Iterator[bytes]:
        """Yield rows that were added and belong above `row`."""
        while True:
            waiting = [first for first in (min(self.fills, default=row), min(self.edits, default=row)) if first < row]
            if not waiting:
                return
            first = min(waiting)
            if first in self.fills:
                block = self.fills.pop(first)
                yield from self.block_rows(block)
            else:
                cells = self.edits.pop(first)
                inner = b"".join(_constant(address(first, column).encode(), b"", cells[column])
                                 for column in sorted(cells))
                yield b'<row r="%d">%s</row>' % (first, inner)

    def block_rows(self, block: Block) -> Iterator[bytes]:
        """Yield the rows of a block that was filled down, edited cells put in."""
        form = self.form(block.template)
        at = block.first
        for row in sorted(row for row in self.edits if block.first <= row <= block.last):
            if row > at:
                yield from form.rows(self.sheet, at, row - 1)
            for text in form.rows(self.sheet, row, row):
                opening = ROW.match(text)
                assert opening is not None
                yield self.patched(text[:-6], row, opening.end()) + b"</row>"
            at = row + 1
        if at <= block.last:
            yield from form.rows(self.sheet, at, block.last)

    def body(self, data: bytes, start: int, end: int) -> Iterator[bytes]:
        """Yield the rows that are in the file, with new values."""
        sheet = self.sheet
        blocks = sheet.blocks
        position, row, at = start, 0, 0
        while position < end:
            begin = data.find(b"<", position, end)
            if begin < 0:
                break
            opening = ROW.match(data, begin)
            if opening is None:
                break
            number = _ROW_NUMBER.search(opening.group(1))
            before, row = row, int(number.group(1)) if number else row + 1
            if row <= before:
                at = 0  # rows out of order
            if self.fills or self.edits:
                yield from self.before(row)
            close = begin if opening.group(2) else data.find(b"</row>", opening.end(), end)
            after = opening.end() if opening.group(2) else close + 6
            if any(block.first <= row <= block.last for block in sheet.filled):
                position = after
                continue
            while at < len(blocks) and blocks[at].last < row:
                at += 1
            block = blocks[at] if at < len(blocks) and blocks[at].first <= row else None
            if block is not None and block.first == row and _follows(block) and not sheet.doubled and not any(
                    block.first <= edit <= block.last for edit in self.edits):
                yield data[position:begin]
                last = block.last
                after = begin
                for _ in range(block.first, last + 1):
                    after = data.find(b"</row>", after, end) + 6
                yield from self.form(block.template).rows(sheet, block.first, last)
                position, row = after, last
                continue
            if (block is None and row not in self.edits and not self.members) or (
                    opening.group(2) and row not in self.edits):
                yield data[position:after]
            elif opening.group(2):
                yield data[position:begin] + data[begin:opening.end() - 2] + b">"
                yield self.patched(b"", row, 0) + b"</row>"
            else:
                yield data[position:begin]
                yield self.patched(data[begin:close], row, opening.end() - begin) + b"</row>"
            position = after
        yield data[position:end]

    def patched(self, content: bytes, row: int, header: int) -> bytes:
        """Return one row, without its end tag, in which formula cells carry their new values."""
        sheet = self.sheet
        edits = self.edits.pop(row, {})
        pieces: list[bytes] = []
        at = column = 0
        for cell in CELL.finditer(content, header):
            letters = cell.group(1)
            if letters is None:
                place = _PLACE.search(cell.group(3))
                column = column_number(place.group(1).decode()) if place else column + 1
            else:
                column = column_number(letters.decode())
            for earlier in sorted(one for one in edits if one < column):
                pieces += [content[at:cell.start()], _constant(address(row, earlier).encode(), b"",
                                                               edits.pop(earlier))]
                at = cell.start()
            if column in edits:
                style = _STYLE.search(cell.group(3))
                pieces += [content[at:cell.start()],
                           _constant(address(row, column).encode(), style.group() if style else b"",
                                     edits.pop(column))]
                at = cell.end()
                continue
            inner = cell.group(4)
            member = (row, column) in self.members
            if not member and (inner is None or sheet.family_at(row, column) is None):
                continue
            new = _patched_cell(cell, inner or b"", sheet.get(row, column))
            if new is not None:
                pieces += [content[at:cell.start()], new]
                at = cell.end()
        pieces.append(content[at:])
        pieces.extend(_constant(address(row, later).encode(), b"", edits[later]) for later in sorted(edits))
        return b"".join(pieces)


def _follows(block: Block) -> bool:
    """Whether the rows of a block differ from their template in nothing but the values of formulas."""
    return block.pure or (block.template is not None and all(place < 0 for _, _, place, _ in block.template.constants))


def _patched_cell(cell: re.Match[bytes], inner: bytes, value: Value) -> bytes | None:
    """Return a cell with a new stored value, or None where the one it has says the same."""
    parts = INNER.match(inner)
    assert parts is not None
    old = parts.group(3)
    attributes = cell.group(3)
    found = _TYPE.search(attributes)
    kind = found.group(1) if found else b""
    type_attribute, space, text = stored(value)
    if kind in (b"", b"n") and old and type(value) is float:
        try:
            if float(old) == value:
                return None
        except ValueError:
            pass
    elif kind and type_attribute == b' t="%s"' % kind and text == old:
        return None
    formula = _FORMULA.match(inner)
    front = inner[:formula.end()] if formula else b""
    rest = inner[parts.end():]
    place = b"" if cell.group(1) is None else b' r="%s%s"' % (cell.group(1), cell.group(2))
    if found:
        attributes = attributes[:found.start()] + type_attribute + attributes[found.end():]
    else:
        attributes += type_attribute
    return b"<c%s%s>%s<v%s>%s</v>%s</c>" % (place, attributes, front, space, text, rest)


class SetFormula:
    """A formula that was put into a cell, and its value."""

    __slots__ = ("text", "value")

    def __init__(self, text: str, value: Value) -> None:
        self.text = text
        self.value = value


def _constant(place: bytes, style: bytes, value: Value | SetFormula) -> bytes:
    """Return a cell that was set."""
    if isinstance(value, SetFormula):
        kind, space, held = stored(value.value)
        formula = escape(legal(value.text.removeprefix("="))).encode("utf-8", "replace")
        return b'<c r="%s"%s%s><f>%s</f><v%s>%s</v></c>' % (place, style, kind, formula, space, held)
    if value is None:
        return b'<c r="%s"%s/>' % (place, style)
    if type(value) is str:
        text = legal(escape(value)).encode("utf-8", "replace")
        return b'<c r="%s"%s t="inlineStr"><is><t xml:space="preserve">%s</t></is></c>' % (place, style, text)
    kind, space, held = stored(value)
    return b'<c r="%s"%s%s><v%s>%s</v></c>' % (place, style, kind, space, held)

"""Writes a sheet's part with new values: only what is said here changes, all other bytes stay.

- Every formula cell, and every cell of an array formula's rectangle, gets the value that the store holds at its
  address.
- Cells that were set are replaced, or added where the file has none, in a row that is there or in a new one.
- Rows that were filled down are added.

**Results that spill.** To write values into cells that the file does not have, make the rectangle of the
`ArrayFormula` in ``sheet.arrays`` as large as its result and put the values into the store: cells and rows that are
missing are added, styles of those that are there stay, and the ``ref`` of the formula and the sheet's ``dimension``
follow the rectangle. Cells that held such a value in the file and do no more belong into ``sheet.cleared``: they
become blank.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from sheetprop.engine.file.cellevents import RowSpot, scanned
from sheetprop.engine.file.cellxml import (
    NUMBER,
    ROW,
    Spot,
    cells,
    constant,
    formula_bytes,
    prefixed,
    revalued,
    spot_of,
    stored,
    styled,
)
from sheetprop.engine.file.forms import Form
from sheetprop.engine.file.loading import bounds
from sheetprop.engine.file.sharing import SharedFormulas
from sheetprop.engine.file.templates import Template
from sheetprop.engine.formula.references import MAX_ROW, address, area_at
from sheetprop.engine.formula.tree import is_array, is_dynamic
from sheetprop.engine.grid.storage import ArrayFormula, Block, SheetStore
from sheetprop.engine.grid.values import Value
from sheetprop.errors import SheetpropError

_DIMENSION = re.compile(rb"""<(?:[\w.-]+:)?dimension\s+ref=["']([^"']*)["']\s*/>""")
_SPANS = re.compile(rb"""\sspans\s*=\s*("[^"]*"|'[^']*')""")
_REACH = re.compile(rb"""(<(?:[\w.-]+:)?f\b[^>]*?\sref\s*=\s*["'])([^"']*)""")


class SetFormula:
    """A formula that was put into a cell, and its value."""

    __slots__ = ("text", "value")

    def __init__(self, text: str, value: Value) -> None:
        self.text = text
        self.value = value


class SheetWriter:
    """Copies one sheet's part with new values in it.

    Args:
        sheet: the cells.
        texts: the numbers of texts in the table of shared strings; others are written into their cells.
        mark: the number of the metadata that marks formulas whose result spills, None where the file has none.
    """

    def __init__(self, sheet: SheetStore, texts: Mapping[str, int] | None = None, mark: int | None = None) -> None:
        self.sheet = sheet
        self.mark = mark
        self.texts = texts or {}
        self.forms: dict[int, Form] = {}
        self.edits: dict[int, dict[int, Value | SetFormula]] = {}
        for (row, column), value in sheet.edited.items():
            self.edits.setdefault(row, {})[column] = value
        for (row, column), text in sheet.formulas_set.items():
            self.edits.setdefault(row, {})[column] = SetFormula(text, sheet.get(row, column))
        self.members: dict[int, list[ArrayFormula]] = {}
        for array in sheet.arrays:
            for row in range(array.top, array.bottom + 1):
                self.members.setdefault(row, []).append(array)
        self.anchors = {(array.top, array.left): array for array in sheet.arrays}
        self.cleared: dict[int, set[int]] = {}
        for row, column in sheet.cleared:
            self.cleared.setdefault(row, set()).add(column)
        self.fills = {block.first: block for block in sheet.filled}
        # Rows that need more than the values of their formulas, the next one last.
        self.waiting = sorted({*self.edits, *self.members, *self.fills, *self.cleared}, reverse=True)
        self.shared = SharedFormulas()
        self.in_forms = 0
        self.singly: set[tuple[int, int]] = set()

    def chunks(self, data: bytes) -> Iterator[bytes]:
        """Yield the part's new content.

        Raises:
            SheetpropError: a cell was set in a part that has no place for cells, or not every formula cell got its
                value, which would be a fault of this program; nothing is to be kept then.
        """
        if self.sheet.irregular:
            yield from self.irregular(data)
        else:
            yield from self.plain(data)
        self.check()

    def check(self) -> None:
        """Hold the number of values written against the number of formula cells."""
        formulas = sum((block.last - block.first + 1) * len(block.program) for block in self.sheet.blocks)
        written = self.in_forms + len(self.singly)
        if written != formulas:
            raise SheetpropError(f"{self.sheet.name}: {written:,} values were written for {formulas:,} formula "
                                 "cells, so that nothing is kept; please report this file as a fault of sheetprop")

    def plain(self, data: bytes) -> Iterator[bytes]:
        """Yield a part that is laid out plainly."""
        start, end = bounds(data)
        if start == 0:
            match = re.search(rb"<sheetData\s*/>", data)
            if not self.waiting:
                yield data
            elif match is None:
                raise self.no_place()
            else:
                yield self.head(data[:match.start()]) + b"<sheetData>"
                yield from self.before(MAX_ROW + 1, b"")
                yield b"</sheetData>" + data[match.end():]
            return
        yield self.head(data[:start])
        yield from self.body(data, start, end)
        yield from self.before(MAX_ROW + 1, b"")
        yield data[end:]

    def no_place(self) -> SheetpropError:
        return SheetpropError(f"{self.sheet.part}: has no place for cells; set a cell of another sheet")

    def head(self, text: bytes) -> bytes:
        """Return what stands before the rows, with the extent put right where cells were added."""
        added = [(row, column) for row, column in (*self.sheet.edited, *self.sheet.formulas_set)]
        for array in self.sheet.arrays:
            added += [(array.top, array.left), (array.bottom, array.right)]
        for block in self.sheet.filled:
            added.append((block.last, max(block.program.columns)))
        found = _DIMENSION.search(text)
        if found is None or not added:
            return text
        try:
            top, left, bottom, right = area_at(found[1].decode("ascii", "replace"))
        except SheetpropError:
            return text
        rows, columns = [row for row, _ in added], [column for _, column in added]
        top, left, bottom, right = min(top, *rows), min(left, *columns), max(bottom, *rows), max(right, *columns)
        corner = address(bottom, right)
        ref = f"{address(top, left)}:{corner}" if (top, left) != (bottom, right) else corner
        if area_at(found[1].decode()) == (top, left, bottom, right):
            return text
        return text[:found.start(1)] + ref.encode() + text[found.end(1):]

    def form(self, template: Template) -> Form:
        """Return the printing form of a template."""
        form = self.forms.get(id(template))
        if form is None:
            form = self.forms[id(template)] = Form(template)
        return form

    def before(self, row: int, prefix: bytes) -> Iterator[bytes]:
        """Yield rows that the file does not have and that belong above `row`."""
        while self.waiting and self.waiting[-1] < row:
            first = self.waiting.pop()
            if first in self.fills:
                block = self.fills.pop(first)
                for text in self.block_rows(block):
                    yield prefixed(text, prefix)
                continue
            fresh = self.fresh(first, set())
            if fresh:
                inner = b"".join(fresh[column] for column in sorted(fresh))
                yield prefixed(b'<row r="%d">%s</row>' % (first, inner), prefix)

    def fresh(self, row: int, present: set[int]) -> dict[int, bytes]:
        """Return the new cells of a row that are to be added to those `present`: column -> XML without prefixes."""
        found: dict[int, bytes] = {}
        for array in self.members.get(row, ()):
            for column in range(array.left, array.right + 1):
                value = self.sheet.get(row, column)
                if column not in present and value is not None and self.sheet.family_at(row, column) is None:
                    kind, space, text = stored(value)
                    found[column] = b'<c r="%s"%s><v%s>%s</v></c>' % (address(row, column).encode(), kind, space, text)
        for column, edit in self.edits.get(row, {}).items():
            if column not in present:
                found[column] = self.edited(row, column, b"", edit)
        return found

    def edited(self, row: int, column: int, style: bytes, edit: Value | SetFormula) -> bytes:
        """Return a cell that was set."""
        given = self.sheet.styled.get((row, column))
        if given is not None:
            style = b' s="%d"' % given
        place = address(row, column).encode()
        if isinstance(edit, SetFormula):
            array = self.anchors.get((row, column))
            reach = b""
            one = self.sheet.family_at(row, column)
            if array is not None or (one is not None and is_array(one.tree)):
                last = address(array.bottom, array.right) if array is not None else place.decode()
                ref = place.decode() if last == place.decode() else f"{place.decode()}:{last}"
                reach = b' t="array" ref="%s"' % ref.encode()
                if self.mark is not None and (array.dynamic if array is not None else one is not None
                                              and is_dynamic(one.tree)):
                    style += b' cm="%d"' % self.mark
            kind, space, held = stored(edit.value)
            if one is not None:
                self.singly.add((row, column))
            return b'<c r="%s"%s%s><f%s>%s</f><v%s>%s</v></c>' % (
                place, style, kind, reach, formula_bytes(edit.text), space, held)
        if type(edit) is str and edit in self.texts:
            return b'<c r="%s"%s t="s"><v>%d</v></c>' % (place, style, self.texts[edit])
        kind, inner = constant(edit)
        if not inner:
            return b'<c r="%s"%s/>' % (place, style)
        return b'<c r="%s"%s%s>%s</c>' % (place, style, kind, inner)

    def block_rows(self, block: Block) -> Iterator[bytes]:
        """Yield the rows of a block that was filled down, edited cells put in."""
        form = self.form(block.template)
        at = block.first
        for row in sorted(row for row in {*self.edits, *self.members} if block.first <= row <= block.last):
            yield from self.form_rows(form, at, row - 1)
            for text in form.rows(self.sheet, row, row):
                yield self.plain_row(text, 0, len(text), row)
            at = row + 1
        yield from self.form_rows(form, at, block.last)
        self.waiting = [row for row in self.waiting if not block.first <= row <= block.last]

    def form_rows(self, form: Form, first: int, last: int) -> Iterator[bytes]:
        """Yield rows of one form, none where `last` lies above `first`."""
        if first <= last:
            yield from form.rows(self.sheet, first, last)
            self.in_forms += (last - first + 1) * len(form.columns)

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
            assert opening is not None  # the reader saw the same bytes by the same grammar
            number = NUMBER.search(opening[1])
            row = int(number[1]) if number else row + 1
            if self.waiting:
                yield from self.before(row, b"")
            after = opening.end() if opening[2] else data.index(b"</row>", opening.end(), end) + 6
            if sheet.filled and any(block.first <= row <= block.last for block in sheet.filled):
                if b'"shared"' in data[begin:after]:
                    self.shared.lost(data, self.spots(data, opening.end(), after - 6, row))
                position = after
                continue
            while at < len(blocks) and blocks[at].last < row:
                at += 1
            block = blocks[at] if at < len(blocks) and blocks[at].first <= row else None
            if block is not None and block.first == row and self.uniform(block):
                last = self.last_of(data, begin, end, block)
                if last is not None:
                    yield data[position:begin]
                    yield from self.form_rows(self.form(block.template), block.first, block.last)
                    position, row = last, block.last
                    continue
            yield data[position:begin]
            if block is None and row not in self.edits and row not in self.members and row not in self.cleared \
                    and not self.shared.orphans:
                yield data[begin:after]
            else:
                yield self.plain_row(data, begin, after, row)
            if self.waiting and self.waiting[-1] == row:
                self.waiting.pop()
            position = after
        yield data[position:end]

    def uniform(self, block: Block) -> bool:
        """Whether the rows of a block differ from their template in nothing but the values of formulas."""
        template: Template | None = block.template
        if template is None or (self.shared.orphans and template.shared):
            return False
        if not block.pure and any(column in template.valued for column, _, _ in template.constants):
            return False
        return not self.waiting or self.waiting[-1] > block.last

    def last_of(self, data: bytes, begin: int, end: int, block: Block) -> int | None:
        """Return where the rows of a block end, seen by the number of its last row; None where that is not so."""
        for _ in range(block.first, block.last):
            begin = data.find(b"</row>", begin, end) + 6
            if begin == 5:
                return None
        opening = ROW.match(data, data.find(b"<", begin, end))
        number = NUMBER.search(opening[1]) if opening is not None and not opening[2] else None
        if number is None or int(number[1]) != block.last:
            return None
        return data.index(b"</row>", begin, end) + 6

    def spots(self, data: bytes, opened: int, closing: int, row: int) -> list[Spot]:
        """Return the cells of a row in plain layout."""
        return [spot_of(cell, row, column) for column, cell in cells(data, opened, closing, row)]

    def plain_row(self, data: bytes, begin: int, end: int, row: int) -> bytes:
        """Return a row of plain layout with new values."""
        opening = ROW.match(data, begin)
        assert opening is not None
        opened = opening.end()
        closing = end if opening[2] else end - len(b"</row>")
        spots = [] if opening[2] else self.spots(data, opened, closing, row)
        fresh = self.fresh(row, {spot.column for spot in spots})
        return self.row(data, (begin, opened, closing, end), b"", spots, fresh)

    def row(self, data: bytes, places: tuple[int, int, int, int], prefix: bytes, spots: Sequence[Spot],
            fresh: dict[int, bytes]) -> bytes:
        """Return a row with new values.

        Args:
            data: the part.
            places: where the row begins and is opened, where its content and where itself ends.
            prefix: of its tags.
            spots: its cells, in the order of the file.
            fresh: the cells to add.
        """
        begin, opened, closing, end = places
        pieces: list[bytes] = []
        head = data[begin:opened]
        if fresh:
            head = _SPANS.sub(b"", head)
        adding = sorted(fresh)
        at = opened
        for spot in spots:
            new = self.cell(data, spot)
            while adding and adding[0] < spot.column:
                pieces += [data[at:spot.begin], prefixed(fresh[adding.pop(0)], prefix)]
                at = spot.begin
            if new is not None:
                pieces += [data[at:spot.begin], new]
                at = spot.end
        pieces.append(data[at:closing])
        pieces += [prefixed(fresh[column], prefix) for column in adding]
        if opened == end:  # a self-closed row
            if not fresh:
                return data[begin:end]
            return head[:-2].rstrip() + b">" + b"".join(pieces) + b"</" + prefix + b"row>"
        return head + b"".join(pieces) + data[closing:end]

    def cell(self, data: bytes, spot: Spot) -> bytes | None:
        """Return a cell's new bytes, or None where nothing of it changes."""
        row, column = spot.row, spot.column
        edits = self.edits.get(row, {})
        if column in edits:
            self.shared.lost(data, [spot])
            return prefixed(self.edited(row, column, styled(data, spot), edits[column]), spot.prefix)
        formula = self.sheet.family_at(row, column) is not None
        if not formula:
            if not any(array.left <= column <= array.right for array in self.members.get(row, ())):
                if column not in self.cleared.get(row, ()):
                    return None
                blank = b'<c r="%s"%s/>' % (address(row, column).encode(), styled(data, spot))
                return prefixed(blank, spot.prefix)
            value = self.sheet.get(row, column)
            if value is None and not spot.held:
                return None
        else:
            value = self.sheet.get(row, column)
            self.singly.add((row, column))
        new = revalued(data, spot, value)
        array = self.anchors.get((row, column))
        if array is not None:
            ref = address(row, column)
            if (array.bottom, array.right) != (row, column):
                ref += f":{address(array.bottom, array.right)}"
            new = _REACH.sub(lambda found: found[1] + ref.encode(), new, count=1)
        return self.shared.resolved(new, row, column) if self.shared.orphans else new

    def irregular(self, data: bytes) -> Iterator[bytes]:
        """Yield a part that is not laid out plainly: every change is a splice at the offsets of the full reader."""
        found = scanned(data, self.sheet.part)
        if found.begin < 0:
            if self.waiting:
                raise self.no_place()
            yield data
            return
        present: dict[int, set[int]] = {}
        for spot in found.rows:
            present.setdefault(spot.number, set())
            for cell in spot.cells:
                present.setdefault(cell.row, set()).add(cell.column)
        yield self.head(data[:found.begin])
        opening = data[found.begin:found.opened]
        yield opening[:-2].rstrip() + b">" if found.opened == found.end else opening
        at = found.opened
        done: set[int] = set()
        for spot in found.rows:
            yield data[at:spot.begin]
            if self.waiting:
                yield from self.before(spot.number, found.prefix)
            at = spot.end
            if any(block.first <= spot.number <= block.last for block in self.sheet.filled):
                self.shared.lost(data, spot.cells)
                continue
            yield self.irregular_row(data, spot, present.get(spot.number, set()), first=spot.number not in done)
            done.add(spot.number)
            if self.waiting and self.waiting[-1] == spot.number:
                self.waiting.pop()
        yield data[at:found.closing]
        yield from self.before(MAX_ROW + 1, found.prefix)
        if found.opened == found.end:
            yield b"</" + found.prefix + b"sheetData>" + data[found.end:]
        else:
            yield data[found.closing:]

    def irregular_row(self, data: bytes, spot: RowSpot, present: set[int], *, first: bool) -> bytes:
        """Return a row of any layout with new values; of a row that is given twice the first gets the new cells."""
        closing = spot.end if spot.opened == spot.end else data.rindex(b"</", spot.opened, spot.end)
        fresh = self.fresh(spot.number, present) if first else {}
        return self.row(data, (spot.begin, spot.opened, closing, spot.end), spot.prefix, spot.cells, fresh)

"""Filling rows down: a row becomes a template, the rows below it a block that exists in memory only."""

from __future__ import annotations

from sheetprop.engine.file.cellxml import NUMBER, ROW
from sheetprop.engine.file.loading import Contents, bounds, rows_in_plain_layout, sheet_bytes
from sheetprop.engine.file.rows import Reader
from sheetprop.engine.file.writing import SheetWriter
from sheetprop.engine.formula.references import address
from sheetprop.engine.grid.storage import Block, SheetStore
from sheetprop.engine.grid.values import Value
from sheetprop.errors import SheetpropError


def fill_down(contents: Contents, sheet: SheetStore, row: int, last_row: int) -> None:
    """Make the rows `row` + 1 to `last_row` copies of `row` (see `Book.fill_down`)."""
    for array in sheet.arrays:
        if array.top <= last_row and array.bottom > row:
            place = f"{address(array.top, array.left)}:{address(array.bottom, array.right)}"
            raise SheetpropError(f"{sheet.name}: an array formula stands in {place}, which filling down would cut; "
                                 "choose other rows")
    content = _content(contents, sheet, row)
    opening = ROW.match(content)
    if opening is None or opening[2]:
        raise SheetpropError(f"{sheet.name}: row {row} is empty, so it cannot be filled down; choose a row of formulas")

    def string(index: int) -> Value:
        del index
        return None

    scratch = SheetStore(sheet.name, sheet.index, sheet.part)
    reader = Reader(scratch, string, {}, contents.outline)
    block = reader.parse_row(content, row, opening.end())
    template = reader.pending_template()
    if block is None or template is None:
        raise SheetpropError(f"{sheet.name}: row {row} holds no formulas, or array or shared ones, which cannot be "
                             "filled down; write plain formulas into it first")
    for held in sheet.columns.values():
        for at in range(row + 1, min(last_row, held.last_row()) + 1):
            held.set(at, None)
    for column, _, _ in template.constants:
        value = sheet.get(row, column)
        store = sheet.column(column)
        store.reserve(row + 1, last_row)
        store.values[row + 1 - store.base:last_row + 1 - store.base] = [value] * (last_row - row)
    for column in block.program.columns:
        sheet.column(column).reserve(row + 1, last_row)
    kept: list[Block] = []
    for one in sheet.blocks:
        for first, last in ((one.first, min(one.last, row)), (max(one.first, last_row + 1), one.last)):
            if first <= last:
                part = Block(first, last, one.program, one.template)
                part.pure = one.pure
                kept.append(part)
    # A fill that begins inside an earlier one keeps that one's rows above.
    filled: list[Block] = []
    for one in sheet.filled:
        for first, last in ((one.first, min(one.last, row)), (max(one.first, last_row + 1), one.last)):
            if first <= last:
                filled.append(Block(first, last, one.program, one.template))
    added = Block(row + 1, last_row, block.program, template)
    sheet.blocks = [*kept, added]
    sheet.filled = [*filled, added]
    sheet.arrange()


def _content(contents: Contents, sheet: SheetStore, row: int) -> bytes:
    """Return a row as it would be saved, without its closing tag; empty where it holds nothing."""
    writer = SheetWriter(sheet)
    for block in sheet.filled:
        if block.first <= row <= block.last:
            text = next(writer.form(block.template).rows(sheet, row, row))
            break
    else:
        data = sheet_bytes(contents.package, sheet)
        if sheet.irregular:
            data = rows_in_plain_layout(data, sheet, contents.package)
        text = _row(data, *bounds(data), row)
    if row in writer.edits:
        text = writer.plain_row(text or b'<row r="%d"/>' % row, 0, len(text) or len(b'<row r="%d"/>' % row), row)
    return text.removesuffix(b"</row>")


def _row(data: bytes, start: int, end: int, row: int) -> bytes:
    """Return a row's bytes in a part of plain layout; empty where it has no such row."""
    number, position = 0, start
    while (opening := ROW.search(data, position, end)) is not None:
        given = NUMBER.search(opening[1])
        number = int(given[1]) if given else number + 1
        position = opening.end() if opening[2] else data.index(b"</row>", opening.end(), end) + len(b"</row>")
        if number == row:
            return data[opening.start():position]
        if number > row:
            break
    return b""

"""Filling rows down: a row becomes a template, the rows below it a block that exists in memory only."""

from __future__ import annotations

from sheetprop.engine.file.loading import Contents, bounds
from sheetprop.engine.file.rows import ROW, Irregular, Reader
from sheetprop.engine.grid.storage import Block, SheetStore
from sheetprop.engine.grid.values import Value
from sheetprop.errors import SheetpropError


def fill_down(contents: Contents, sheet: SheetStore, row: int, last_row: int) -> None:
    """Make the rows `row` + 1 to `last_row` copies of `row` (see `Book.fill_down`)."""
    data = contents.package.read(sheet.part)
    try:
        start, end = bounds(data, sheet.part)
    except Irregular:
        start = end = 0
    begin = data.find(b'<row r="%d"' % row, start, end)
    close = data.find(b"</row>", begin, end)
    opening = ROW.match(data, begin) if begin >= 0 else None
    if begin < 0 or close < 0 or opening is None or opening.group(2):
        raise SheetpropError(f"{sheet.name}: row {row} is empty, so it cannot be filled down; choose a row of formulas")

    def string(index: int) -> Value:
        del index
        return None

    scratch = SheetStore(sheet.name, sheet.index, sheet.part)
    reader = Reader(scratch, string, {}, contents.outline)
    block = reader.parse_row(data[begin:close], row, opening.end() - begin)
    template = reader.pending_template()
    if block is None or template is None:
        raise SheetpropError(f"{sheet.name}: row {row} holds no formulas, or array or shared ones, which cannot be "
                             "filled down; write plain formulas into it first")
    for held in sheet.columns.values():
        for at in range(row + 1, min(last_row, held.last_row()) + 1):
            held.set(at, None)
    for column, _, _, _ in template.constants:
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

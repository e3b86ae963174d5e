"""A copy of an open workbook that can be changed without changing the other."""

from __future__ import annotations

import copy

from sheetprop.engine.file.loading import Contents
from sheetprop.engine.formula.outline import Outline
from sheetprop.engine.grid.storage import ArrayFormula, Block, Column, SheetStore
from sheetprop.engine.scope.workspace import Workspace


def copied(space: Workspace) -> Workspace:
    """Return a workspace with the same cells, which shares with the other only what never changes."""
    old = space.contents
    contents = Contents(old.package)
    kept = vars(contents).keys() - {"package", "sheets", "outline"}
    for name in kept:
        setattr(contents, name, copy.deepcopy(getattr(old, name)))
    contents.outline = Outline(old.outline.sheets)
    for name, value in vars(old.outline).items():
        setattr(contents.outline, name, copy.copy(value))
    contents.sheets = [_sheet(sheet) for sheet in old.sheets]
    made = Workspace(contents)
    made.seed, made.now = space.seed, space.now
    return made


def _sheet(sheet: SheetStore) -> SheetStore:
    made = SheetStore(sheet.name, sheet.index, sheet.part)
    for name, value in vars(sheet).items():
        setattr(made, name, copy.copy(value))
    made.columns = {at: _column(held) for at, held in sheet.columns.items()}
    made.arrays = [ArrayFormula(one.family, one.top, one.left, one.bottom, one.right, one.dynamic)
                   for one in sheet.arrays]
    twins = {id(block): _block(block) for block in (*sheet.blocks, *sheet.filled)}
    made.blocks = [twins[id(block)] for block in sheet.blocks]
    made.filled = [twins[id(block)] for block in sheet.filled]
    return made


def _block(block: Block) -> Block:
    made = Block(block.first, block.last, block.program, block.template)
    made.pure = block.pure
    return made


def _column(held: Column) -> Column:
    made = Column()
    made.base, made.values, made.sparse = held.base, list(held.values), dict(held.sparse)
    return made

"""Formulas whose result spills: over how many cells, what is in their way, and what that changes.

How far a result reaches is only known when it is calculated. The reader gives a formula the rectangle
that the file stored; where the result is of another size, the rectangle is changed here, and the order
of calculation found anew, since other cells may read the ones that came or went.
"""

from __future__ import annotations

from sheetprop.engine.formula.references import MAX_COLUMN, MAX_ROW
from sheetprop.engine.formula.tree import Call
from sheetprop.engine.grid.storage import ArrayFormula, SheetStore, family_of
from sheetprop.engine.grid.values import SPILL, Value
from sheetprop.engine.scope.workspace import Workspace

Rectangle = tuple[int, int, int, int]


def promoted(space: Workspace) -> bool:
    """Turn formulas that gave more than one value into formulas over a rectangle; say whether there were any."""
    for (index, row, column), _ in sorted(space.spills.items()):
        sheet = space.sheets[index]
        family = sheet.family_at(row, column)
        if family is None or not isinstance(family.tree, Call):
            continue
        sheet.put_formula(row, column, None)
        sheet.arrays.append(ArrayFormula(family_of(family.tree.arguments[0]), row, column, row, column, True))
    found = bool(space.spills)
    space.spills.clear()
    return found


def fitted(space: Workspace, sheet: SheetStore, array: ArrayFormula,
           grid: list[list[Value]]) -> tuple[list[list[Value]], bool]:
    """Give a formula that spills the rectangle that its result needs.

    Cells that it no longer reaches become blank.

    Returns:
        The values of the rectangle (#SPILL! alone where something is in the way), and whether the rectangle changed.
    """
    old = array.top, array.left, array.bottom, array.right
    new = array.top, array.left, array.top + len(grid) - 1, array.left + len(grid[0]) - 1
    if new[2:] != old[:2] and _blocked(space, sheet, array, new):
        grid, new = [[SPILL]], (*old[:2], *old[:2])
    if new == old:
        return grid, False
    for row in range(old[0], old[2] + 1):
        for column in range(old[1], old[3] + 1):
            if (row > new[2] or column > new[3]) and not _is_set(sheet, row, column):
                sheet.set(row, column, None)
                sheet.cleared.add((row, column))
    array.bottom, array.right = new[2:]
    return grid, True


def _is_set(sheet: SheetStore, row: int, column: int) -> bool:
    return (row, column) in sheet.edited or sheet.family_at(row, column) is not None


def _blocked(space: Workspace, sheet: SheetStore, array: ArrayFormula, place: Rectangle) -> bool:
    """Say whether something stands where a result would spill: a value, a formula, a table, the sheet's edge."""
    top, left, bottom, right = place
    if bottom > MAX_ROW or right > MAX_COLUMN:
        return True
    table = space.contents.outline.around(sheet.name, top, left)
    if table is not None:
        return True
    anchor = (top, left)
    if any(spot != anchor and top <= spot[0] <= bottom and left <= spot[1] <= right for spot in sheet.edited
           if sheet.edited[spot] is not None):
        return True
    for block in sheet.blocks[sheet.block_index(top):]:
        if block.first > bottom:
            break
        if any(left <= column <= right for column in block.program.columns):
            return True
    for other in sheet.arrays:
        if other is not array and other.top <= bottom and other.bottom >= top and other.left <= right and \
                other.right >= left:
            return True
    for column in range(left, right + 1):
        if column not in sheet.columns:
            continue
        own = array.bottom if column <= array.right else top - 1  # what stands in the rectangle so far is its own
        start = own + 1
        if start <= bottom and any(value is not None for value in sheet.columns[column].span(start, bottom)):
            return True
    return False

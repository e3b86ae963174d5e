"""What may be put into a cell so that the file stays one that Excel opens without repairing it."""

from __future__ import annotations

from sheetprop.engine.file.loading import Contents
from sheetprop.engine.formula.references import address
from sheetprop.engine.grid.storage import ArrayFormula, SheetStore
from sheetprop.errors import SheetpropError


def array_at(sheet: SheetStore, row: int, column: int) -> ArrayFormula | None:
    """Return the formula over a rectangle in which a cell lies."""
    for array in sheet.arrays:
        if array.top <= row <= array.bottom and array.left <= column <= array.right:
            return array
    return None


def settable(contents: Contents, sheet: SheetStore, row: int, column: int, value: object, ref: str) -> None:
    """Raise the error that says why a cell cannot be set, if that is so.

    Raises:
        SheetpropError: the sheet has no cells; the cell is one of an array formula over several, which Excel changes
            as a whole only; or it is the heading of a table's column, whose name stands in the table as well.
    """
    if not sheet.grid:
        raise SheetpropError(f"{ref!r}: lies on a sheet without cells ({sheet.name}); choose another sheet")
    array = array_at(sheet, row, column)
    if array is not None and not array.dynamic and (row, column) != (array.top, array.left):
        place = f"{address(array.top, array.left)}:{address(array.bottom, array.right)}"
        raise SheetpropError(f"{ref!r}: is part of the array formula in {place}, which can be replaced only as a "
                             f"whole: set its first cell, {address(array.top, array.left)}")
    table = contents.outline.around(sheet.name, row, column)
    if table is not None and table.headers and row < table.top + table.headers and value != sheet.get(row, column):
        raise SheetpropError(f"{ref!r}: is the heading of a column of the table {table.name}, which formulas may name; "
                             "rename it in a spreadsheet program")


def array_replaced(sheet: SheetStore, row: int, column: int) -> bool:
    """Take away the formula over several cells whose first cell is set; say whether there was one.

    Its other cells become blank.
    """
    array = array_at(sheet, row, column)
    if array is None or (row, column) != (array.top, array.left):
        return False
    sheet.arrays.remove(array)
    for at in range(array.top, array.bottom + 1):
        for one in range(array.left, array.right + 1):
            if (at, one) not in sheet.edited and sheet.family_at(at, one) is None:
                sheet.set(at, one, None)
                sheet.cleared.add((at, one))
    return True

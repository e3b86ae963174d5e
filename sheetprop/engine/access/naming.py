"""Names that stand for a value and no cells: constants and formulas."""

from __future__ import annotations

from sheetprop.engine.calculation.evaluate import operand_of
from sheetprop.engine.calculation.session import Session
from sheetprop.engine.formula.references import split_sheet
from sheetprop.engine.formula.tree import Name
from sheetprop.engine.grid.operands import Array, Ref
from sheetprop.engine.grid.values import ExcelError, Raised
from sheetprop.engine.scope.context import Context

TYPE_CHECKING = False  # typing costs a small workbook's time; mypy knows this name
if TYPE_CHECKING:
    from typing import Any


def named_value(session: Session, ref: str) -> tuple[bool, Any]:
    """Return whether a name stands for something that has a value, and that value: a constant or a formula's result."""
    sheet_name, word = split_sheet(ref)
    space = session.space
    sheet = space.sheets[0] if sheet_name is None else session.sheet(sheet_name)
    node = Name(sheet_name, word.strip())
    if space.name_meant(node, sheet) is None:
        return False, None
    session.settled()
    try:
        found = operand_of(node)(Context(space, sheet, 1, 1))
    except Raised as raised:
        return True, raised.error
    if isinstance(found, Ref):
        found = Array(found.rows())
    if isinstance(found, Array):
        import numpy as np

        if len(found.lines) == 1 and len(found.lines[0]) == 1:
            return True, found.lines[0][0]
        numeric = all(type(value) is float for line in found.lines for value in line)
        return True, np.array(found.lines, dtype=np.float64 if numeric else object)
    return (True, found) if found is None or isinstance(found, float | str | bool | ExcelError) else (False, None)

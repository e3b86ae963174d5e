"""What nobody knows: the stored value that stays, and the meaning that a user gives to a function."""

from __future__ import annotations

from sheetprop.engine.grid.operands import Array, Operand, Ref, Refs
from sheetprop.engine.grid.values import ERRORS, Value, finite
from sheetprop.engine.scope.context import Context


class Unknown(BaseException):
    """Tells the evaluator to keep the value stored in the file: the formula asks for what nobody can give."""


def kept(context: Context, what: str, otherwise: Value) -> Operand:
    """Note what nobody knows; keep the stored value of the whole cell where the file has one."""
    if what != "#UNREADABLE":  # the reader has noted why
        context.note_unknown(what)
    if context.space.kept(context.sheet, context.row, context.column) is not None:
        raise Unknown
    return otherwise


def stored(context: Context) -> Operand:
    """Return what the file stores for a formula: of an array formula the values of all its cells."""
    space, sheet = context.space, context.sheet
    for array in sheet.arrays:
        if (array.top, array.left) == (context.row, context.column):
            return Array([[space.kept(sheet, row, column) for column in range(array.left, array.right + 1)]
                          for row in range(array.top, array.bottom + 1)])
    return space.kept(sheet, context.row, context.column)


def given_to(operand: Operand) -> object:
    """Return an operand as a registered function takes it: a value, or a range's rows as lists of values."""
    if isinstance(operand, Ref) and operand.height * operand.width == 1:
        return operand.single()
    return operand.rows() if isinstance(operand, Ref | Array | Refs) else operand


def outcome(result: object) -> Operand:
    """Return what a registered function gave as an operand."""
    if isinstance(result, list | tuple):
        lines = [line if isinstance(line, list | tuple) else [line] for line in result]
        return Array([[_value(one) for one in line] for line in lines])
    return _value(result)


def _value(result: object) -> Value:
    if result is None or isinstance(result, bool | str):
        return ERRORS.get(result, result) if isinstance(result, str) else result
    return finite(float(result))  # type: ignore[arg-type]

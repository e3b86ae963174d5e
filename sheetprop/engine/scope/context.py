"""Where a formula stands while it is evaluated, and what a closure over it is."""

from __future__ import annotations

from collections.abc import Callable

from sheetprop.engine.grid.operands import Areas, Array, Lambda, Operand, Ref, Refs
from sheetprop.engine.grid.storage import SheetStore
from sheetprop.engine.grid.values import CALC, VALUE, Raised, Value
from sheetprop.engine.scope.workspace import Workspace


class Context:
    """Where a formula stands while it is evaluated.

    Attributes:
        bound: the variables of LET and LAMBDA, by name in lower case.
    """

    __slots__ = ("bound", "column", "row", "sheet", "space")

    def __init__(self, space: Workspace, sheet: SheetStore, row: int, column: int) -> None:
        self.space = space
        self.sheet = sheet
        self.row = row
        self.column = column
        self.bound: dict[str, Operand] = {}

    def note_unknown(self, what: str) -> None:
        """Remember that the formula asked for something that is not known."""
        self.space.note_unknown(what, self.sheet, self.row, self.column)


Closure = Callable[[Context], Operand]


def intersected(ref: Ref, context: Context) -> Value:
    """Return the one value that a range stands for where a single value is wanted.

    That is the cell in the formula's own row (for a range of one column) or column (of one row).
    """
    if ref.top == ref.bottom and ref.left == ref.right:
        return ref.sheet.get(ref.top, ref.left)
    if ref.left == ref.right and ref.top <= context.row <= ref.bottom:
        return ref.sheet.get(context.row, ref.left)
    if ref.top == ref.bottom and ref.left <= context.column <= ref.right:
        return ref.sheet.get(ref.top, context.column)
    return VALUE


def scalar(operand: Operand, context: Context) -> Value:
    """Return the single value that an operand stands for in a cell."""
    if type(operand) is Ref:
        return intersected(operand, context)
    if type(operand) is Array:
        first = operand.lines[0][0] if operand.lines and operand.lines[0] else VALUE
        return CALC if isinstance(first, Lambda) else first
    if type(operand) is Refs:
        return operand.rows()[0][0]
    if type(operand) is Areas:
        return VALUE
    if type(operand) is Lambda:
        return CALC
    return operand  # type: ignore[return-value]


def sheltered(part: Closure) -> Closure:
    """Turn a raised error back into a value, for functions that look at errors."""

    def run(context: Context) -> Operand:
        try:
            return part(context)
        except Raised as raised:
            return raised.error

    return run

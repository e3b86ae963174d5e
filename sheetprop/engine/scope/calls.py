"""How a function that is a value is called."""

from __future__ import annotations

from sheetprop.engine.grid.operands import Array, Lambda, Operand
from sheetprop.engine.grid.values import NUM, VALUE, Raised
from sheetprop.engine.scope.context import Context

OMITTED = Array([[None]])
"""Stands for an argument that a call of a LAMBDA leaves out."""

_DEEPEST = 1024  # calls one inside the other, as in Excel


def invoked(function: Lambda, context: Context, given: list[Operand]) -> Operand:
    """Return what a function gives for arguments.

    Raises:
        Raised: it takes another number of them (#VALUE!), or the calls are nested too deeply (#NUM!).
    """
    if not function.least <= len(given) <= function.most:
        context.note_unknown(f"a LAMBDA of {function.most} parameters called with {len(given)} arguments")
        raise Raised(VALUE)
    space = context.space
    if space.calls >= _DEEPEST:
        raise Raised(NUM)
    space.calls += 1
    try:
        return function.call(context, given)
    finally:
        space.calls -= 1

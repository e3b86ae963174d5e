"""A family's formula as a function of the cell in which it stands, which never raises."""

from __future__ import annotations

from collections.abc import Callable

from sheetprop.engine.calculation.evaluate import last_operation, operand_of, value_of
from sheetprop.engine.calculation.unknown import Unknown, stored
from sheetprop.engine.formula.tree import Binary, Call, is_array, is_dynamic, subtracts_last
from sheetprop.engine.grid.operands import Array, Lambda, Operand, Ref, Refs, size
from sheetprop.engine.grid.storage import Family
from sheetprop.engine.grid.values import CALC, NUM, VALUE, Raised, Value
from sheetprop.engine.scope.context import Closure, Context, scalar

TYPE_CHECKING = False  # typing costs a small workbook's time; mypy knows this name
if TYPE_CHECKING:
    from typing import Any


class TooDeep(BaseException):
    """A formula found no room on the stack while others wait for it: it has to be begun with an empty one."""


def _sheltered_formula(family: Family, inner: Closure) -> Closure:
    """Return a closure that never raises: what a formula cannot give is an error, and a fault of ours is listed."""

    def run(context: Context) -> Operand:
        try:
            return inner(context)
        except Raised as raised:
            return raised.error
        except (OverflowError, ValueError):
            return NUM
        except Unknown:
            return stored(context)
        except RecursionError:
            if context.space.on_demand:
                raise TooDeep from None
            return NUM
        except Exception as error:  # a fault of ours must not stop a workbook; it is listed instead
            context.note_unknown(f"{type(error).__name__} in {family.canonical[:60]}")
            found = stored(context)
            return VALUE if found is None else found

    return run


def closure_of(family: Family) -> Callable[[Context], Value]:
    """Return the function that evaluates a family's formula in one cell; errors come back as values."""
    found: Callable[[Context], Value] | None = family.cache.get("closure")
    if found is not None:
        return found
    tree = family.tree
    array, dynamic = is_array(tree), is_dynamic(tree)
    inner = _sheltered_formula(
        family, operand_of(tree.arguments[0], True) if array and isinstance(tree, Call)
        else last_operation(tree) if isinstance(tree, Binary) and subtracts_last(tree) else value_of(tree))

    def run(context: Context) -> Value:
        value = inner(context)
        if type(value) is float:
            return value
        if value is None:
            return 0.0
        if dynamic and isinstance(value, Ref | Array | Refs) and size(value) != (1, 1):
            context.space.spills[(context.sheet.index, context.row, context.column)] = size(value)
        if type(value) is Ref and array:
            value = value.single()
            return 0.0 if value is None else value
        found = scalar(value, context)
        return 0.0 if found is None else found

    family.cache["closure"] = run
    return run


def grid_of(family: Family) -> Callable[[Context], list[list[Value]]]:
    """Return the function that evaluates an array formula to its rows of values."""
    found: Callable[[Context], list[list[Value]]] | None = family.cache.get("grid")
    if found is not None:
        return found
    inner = _sheltered_formula(family, operand_of(family.tree, True))

    def run(context: Context) -> list[list[Value]]:
        value = inner(context)
        if not isinstance(value, Ref | Array | Refs):
            return [[scalar(value, context)]]
        rows: list[list[Any]] = value.rows()
        if any(type(one) is Lambda for line in rows for one in line):
            return [[CALC if type(one) is Lambda else one for one in line] for line in rows]
        return rows

    family.cache["grid"] = run
    return run

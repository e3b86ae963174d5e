"""Questions about a value: what kind it is, whether it is an error."""

from __future__ import annotations

import math

from sheetprop.engine.functions import function
from sheetprop.engine.grid.operands import Areas, Array, Operand, Ref
from sheetprop.engine.grid.storage import SheetStore
from sheetprop.engine.grid.values import NA, NAME, REF, VALUE, ExcelError, Raised, Value
from sheetprop.engine.scope.context import Context


@function("ISERROR", "e")
def is_error(value: Value) -> bool:
    return type(value) is ExcelError


@function("ISERR", "e")
def is_err(value: Value) -> bool:
    return type(value) is ExcelError and value != NA


@function("ISNA", "e")
def is_na(value: Value) -> bool:
    return type(value) is ExcelError and value == NA


@function("ISNUMBER", "e")
def is_number(value: Value) -> bool:
    return type(value) is float


@function("ISTEXT", "e")
def is_text(value: Value) -> bool:
    return type(value) is str


@function("ISNONTEXT", "e")
def is_nontext(value: Value) -> bool:
    return type(value) is not str


@function("ISLOGICAL", "e")
def is_logical(value: Value) -> bool:
    return type(value) is bool


@function("ISBLANK", "e")
def is_blank(value: Value) -> bool:
    return value is None


@function("ISREF", "R")
def is_ref(operand: Operand) -> bool:
    return isinstance(operand, Ref)


@function("ISEVEN", "m")
def is_even(number: float) -> bool:
    return math.trunc(number) % 2 == 0


@function("ISODD", "m")
def is_odd(number: float) -> bool:
    return math.trunc(number) % 2 == 1


@function("ISFORMULA", "r")
def is_formula(operand: Operand) -> Operand:
    if not isinstance(operand, Ref):
        raise Raised(VALUE)
    ref = operand if operand.height * operand.width <= 100_000 else operand.clipped()
    return Array([[_holds_formula(ref.sheet, row, column) for column in range(ref.left, ref.right + 1)]
                  for row in range(ref.top, ref.bottom + 1)])


def _holds_formula(sheet: SheetStore, row: int, column: int) -> bool:
    """Say whether a formula stands in a cell; what a formula only spills into holds none."""
    return sheet.family_at(row, column) is not None or any(
        one.top <= row <= one.bottom and one.left <= column <= one.right
        and (not one.dynamic or (row, column) == (one.top, one.left)) for one in sheet.arrays)


@function("SHEET", "|R", context=True)
def sheet_number(context: Context, operand: Operand = None) -> float:
    if operand is None or isinstance(operand, Ref):
        return context.sheet.index + 1.0 if operand is None else operand.sheet.index + 1.0
    if type(operand) is ExcelError:
        raise Raised(operand)
    found = context.space.by_name.get(operand.casefold()) if isinstance(operand, str) else None
    if found is None:
        raise Raised(NA)
    return found.index + 1.0


@function("SHEETS", "|r", context=True)
def sheet_count(context: Context, within: Operand | None = None) -> float:
    if within is None:
        return float(len(context.space.sheets))
    if not isinstance(within, Ref | Areas):
        raise Raised(REF)
    return float(len({ref.sheet.index for ref in within.refs})) if isinstance(within, Areas) else 1.0


@function("N", "e")
def number_of(value: Value) -> float:
    if type(value) is ExcelError:
        raise Raised(value)
    if type(value) is bool:
        return float(value)
    return value if type(value) is float else 0.0


@function("T", "e")
def text_of(value: Value) -> str:
    if type(value) is ExcelError:
        raise Raised(value)
    return value if type(value) is str else ""


@function("TYPE", "R")
def type_of(operand: Operand) -> float:
    value = operand.single() if isinstance(operand, Ref) and operand.height * operand.width == 1 else operand
    if type(value) is ExcelError:
        return 16.0
    if type(value) is bool:
        return 4.0
    if type(value) is str:
        return 2.0
    return 1.0 if value is None or type(value) is float else 64.0


_ERROR_NUMBERS = {error: number for number, error in enumerate(
    ("#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A", "#GETTING_DATA", "#SPILL!", "#CONNECT!",
     "#BLOCKED!", "#UNKNOWN!", "#FIELD!", "#CALC!", "#BUSY!"), start=1)}


@function("ERROR.TYPE", "e")
def error_type(value: Value) -> float:
    if type(value) is not ExcelError:
        raise Raised(NA)
    return float(_ERROR_NUMBERS.get(str(value), 8))


@function("__XLUDF.DUMMYFUNCTION", "R*")
def dummy_function(*_operands: Operand) -> float:
    """Stand for a function that only Google Sheets has: its files put the value beside it, IFERROR(..., value)."""
    raise Raised(NAME)

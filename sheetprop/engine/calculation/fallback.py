"""Functions that this engine lacks and the library `formulas` knows: called one cell at a time."""

from __future__ import annotations

from sheetprop.engine.grid.operands import Areas, Array, Lambda, Operand, Ref, Refs
from sheetprop.engine.grid.values import ERRORS, VALUE, ExcelError, Value

TYPE_CHECKING = False  # typing costs a small workbook's time; mypy knows this name
if TYPE_CHECKING:
    from typing import Any

_table: dict[str, Any] | None = None


def _functions() -> dict[str, Any]:
    global _table
    if _table is None:
        try:
            from formulas.functions import get_functions

            _table = get_functions()
        except ImportError:
            _table = {}
    return _table


def evaluate(name: str, operands: list[Operand]) -> tuple[bool, Operand]:
    """Return (True, value) when `formulas` knows the function, else (False, None)."""
    if name.startswith("#"):  # a formula that cannot be read; the library is slow to import
        return False, None
    table = _functions()
    function = table.get(name) if name in table else table.get(f"_XLFN.{name}")
    if function is None:
        return False, None
    import numpy as np

    if isinstance(function, dict):
        function = function.get("function")
    if function is None:
        return False, None
    try:
        given = [_outward(operand) for operand in operands]
        with np.errstate(all="ignore"):
            result = function(*given)
        return True, _inward(result)
    except Exception:  # the library raises whatever comes up; for a cell that is #VALUE!
        return True, VALUE


def _outward(operand: Operand) -> Any:
    import numpy as np
    from formulas.tokens.operand import XlError
    from schedula import EMPTY

    def one(value: Value) -> Any:
        if type(value) is ExcelError:
            return XlError(str(value))
        return EMPTY if value is None else value

    if isinstance(operand, Lambda):
        raise ValueError(operand)
    if isinstance(operand, Ref | Array | Refs):
        return np.array([[one(value) for value in line] for line in operand.rows()], dtype=object)
    if isinstance(operand, Areas):
        return [_outward(ref) for ref in operand.refs]
    return one(operand)


def _inward(result: Any) -> Operand:
    import numpy as np

    grid = np.asarray(result, dtype=object)
    if grid.ndim == 0 or grid.size == 1:
        return value_given(grid.reshape(-1)[0] if grid.ndim else grid.item())
    grid = np.atleast_2d(grid)
    return Array([[value_given(value) for value in line] for line in grid])


def value_given(value: Any) -> Value:
    """Return a single value that the library gave as one of ours."""
    import numpy as np

    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, int | float | np.number):
        number = float(value)
        return number if np.isfinite(number) else ERRORS["#NUM!"]
    text = str(value)
    return ERRORS.get(text, text)

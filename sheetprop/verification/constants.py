"""What stands in cells without a formula: labels, numbers that are no input, PyTorch's values in Check.

Free text, such as the sentence that explains a step, is not judged unless it is one of the other labels of its sheet.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

from sheetprop.engine.formula.references import cell_at
from sheetprop.verification.result import Fault, Kind, Remark
from sheetprop.workbook import check, diagram, parameters, steps
from sheetprop.workbook.cells import is_formula
from sheetprop.workbook.contents import prescribed
from sheetprop.workbook.layout import Layout
from sheetprop.workbook.names import CHECK, DIAGRAM, PARAMETERS, STEPS

Lookup = Any

# What names a quantity, so that another one in its place is a false statement.
_SYMBOL = re.compile(r"(∂E_total/∂)?(a_)?[a-zE]\d+(_\d+)?( \(next row\))?(: \S+ → \S+)?|E_total|η\d*|iteration")
# PyTorch on another processor rounds differently, and programs that save a file keep 15 digits.
_SAME = 1e-12


def fault(kind: Kind, sheet: str, address: str, found: Any, expected: Any, message: str) -> Fault:
    """Return a fault of one cell that has no counterpart among the quantities of an iteration."""
    return Fault(sheet, address, address, kind, None, None, None, _plain(found), _plain(expected), None,
                 f"{sheet}!{address}: {message}")


def labels(layout: Layout, lookup: Lookup) -> tuple[int, list[Fault], list[Remark]]:
    """Compare every label and every number that is no input.

    Args:
        layout: says what belongs where.
        lookup: gives the value of a cell by sheet and address.

    Returns:
        How many cells were compared, what is wrong, and what was not judged.
    """
    faults: list[Fault] = []
    compared = other = 0
    first = ""
    for sheet, cells in prescribed(layout).items():
        texts = {str(value).strip() for value in cells.values() if isinstance(value, str) and not is_formula(value)}
        for address, value in cells.items():
            if is_formula(value) or _is_input(layout, sheet, address):
                continue
            compared += 1
            found = lookup(sheet, address)
            if not isinstance(value, str):
                if not isinstance(found, int | float) or isinstance(found, bool) or found != value:
                    faults.append(fault("number", sheet, address, found, float(value),
                                        f"{value} belongs here, and not {_quoted(found)}"))
                continue
            text = "" if found is None else str(found).strip()
            if text == value.strip():
                continue
            if _is_mathematics(layout, sheet, address) or text in texts or _SYMBOL.fullmatch(text):
                faults.append(fault("label", sheet, address, text, str(value),
                                    f"{str(value)!r} belongs here, and not {text!r}"))
            else:
                other += 1
                first = first or f"{sheet}!{address}"
    remarks = [Remark("labels", f"texts that are not as built, from {first} on: {other:,}, not judged")]
    if not other:
        remarks = []
    return compared, faults, remarks


def _is_input(layout: Layout, sheet: str, address: str) -> bool:
    """Whether a cell is one that a reader may change, or keeps what one was."""
    if sheet == DIAGRAM:
        return address in (diagram.RATE_CHOICE, diagram.ITERATION_CHOICE)
    if sheet != PARAMETERS or address in Layout.STRUCTURE.values():
        return sheet == PARAMETERS
    row = cell_at(address)[0]
    if row not in layout.parameter_rows.values():
        return False
    fixed = {layout.parameter_rows[symbol] for symbol in parameters.FIXED_WHEN_BUILT}
    return address.startswith("C") or (address.startswith("D") and row not in fixed)


def _is_mathematics(layout: Layout, sheet: str, address: str) -> bool:
    """Whether a cell holds an equation or a formula that is shown to be read."""
    row, column = cell_at(address)
    if sheet == STEPS:
        return row >= steps.FIRST_ROW and column in (5, 6, 7)
    return sheet in layout.rate_sheets and row == layout.MATHEMATICS_ROW


def pytorch(layout: Layout, expected: check.PyTorchValues, lookup: Lookup) -> tuple[int, list[Fault]]:
    """Compare PyTorch's values in the sheet Check with what PyTorch gives now for the constants as built."""
    faults = []
    cells = check.pytorch_cells(layout, expected)
    for address, value in cells.items():
        found = lookup(CHECK, address)
        if isinstance(value, str) or isinstance(found, str) or found is None:
            right = found == value or (isinstance(value, str) and value == check.CHAOS)
        else:
            drift = cells.get(f"{check.DRIFT}{address[1:]}", 0.0)
            assert not isinstance(drift, str)
            allowed = drift + _SAME * abs(value)
            if address.startswith(check.DRIFT):
                # How far pushed runs come apart depends on rounding itself.
                allowed = 0.9 * value + 1e-300
            right = abs(found - value) <= allowed
        if not right:
            faults.append(fault("number", CHECK, address, found, value,
                                f"PyTorch gives {value!r} for the constants as built, and not {_quoted(found)}"))
    return len(cells), faults


def _plain(value: Any) -> str | float | None:
    if value is None or isinstance(value, str):
        return value
    return str(value) if isinstance(value, bool) or not isinstance(value, int | float) else float(value)


def _quoted(value: Any) -> str:
    return "nothing" if value is None else repr(value) if isinstance(value, str | float | int) else str(value)


def different(found: Any, stored: Any, relative: float, absolute: float) -> bool:
    """Whether a stored value is another than the calculated one; what rounds differently is the same."""
    number = isinstance(found, int | float) and not isinstance(found, bool)
    if number and isinstance(stored, int | float) and not isinstance(stored, bool):
        if not math.isfinite(found) or not math.isfinite(stored):
            return False
        return bool(abs(found - stored) > relative * max(abs(found), abs(stored)) + absolute)
    return str("" if found is None else found) != str("" if stored is None else stored)


def shown_cells(layout: Layout, runs: dict[str, Any]) -> Iterator[tuple[str, int, int]]:
    """Yield sheet, row and column of every formula outside the learning-rate sheets."""
    for sheet in layout.sheets:
        if sheet not in layout.rate_sheets:
            for run in runs[sheet]:
                for row in range(run.first_row, run.last_row + 1):
                    yield sheet, row, run.column

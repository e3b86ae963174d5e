"""What the engine's commands do, as calls that return the text to print."""

from __future__ import annotations

import os
from collections.abc import Sequence

from sheetprop.engine.book import Book
from sheetprop.engine.book import open as open_book
from sheetprop.engine.calculation.running import Calculation
from sheetprop.engine.file.package import MAX_BYTES
from sheetprop.engine.formula.references import address, quoted
from sheetprop.engine.grid.values import NAME, SHIFT_1904, STORED_ERRORS, VALUE, ExcelError, Value
from sheetprop.errors import SheetpropError, check_tolerance

TYPE_CHECKING = False  # typing costs a small workbook's time; mypy knows this name
if TYPE_CHECKING:
    from typing import Any

_SHOWN = 20


def _check_writable(output: str, force: bool) -> None:
    """Raise the error that a user should see before long work starts, see `check_writable`."""
    from pathlib import Path

    from sheetprop.files import check_writable

    check_writable(Path(output), force=force)


class Difference:
    """A formula cell whose stored value is not the one calculated."""

    __slots__ = ("calculated", "place", "stored")

    def __init__(self, place: str, stored: Value, calculated: Value) -> None:
        self.place = place
        self.stored = stored
        self.calculated = calculated


class Checked:
    """What a comparison with the values stored in the file found.

    Attributes:
        differences: the cells that differ.
        formulas: the formula cells.
        missing: how many of them hold no stored value.
        changing: how many change with every calculation (RAND, NOW and their kin) or hang on such a cell; these are
            not compared.
        changed: how many of those differ.
    """

    def __init__(self) -> None:
        self.differences: list[Difference] = []
        self.formulas = self.missing = self.changing = self.changed = 0


def check_stored(book: Book, rel: float = 1e-9, absolute: float = 1e-12) -> Checked:
    """Compare calculated values with those stored in the file.

    Args:
        book: a workbook that was calculated and not changed.
        rel: relative difference that passes.
        absolute: absolute difference that passes.
    """
    from sheetprop.engine.calculation.precedents import changing

    held = book.stored()
    found = Checked()
    moving = changing(book._space)
    for sheet in book._space.sheets:
        cells = held[sheet.name]
        spots = {(row, column) for block in sheet.blocks for row in range(block.first, block.last + 1)
                 for column in block.program.columns}
        spots.update((row, column) for array in sheet.arrays for row in range(array.top, array.bottom + 1)
                     for column in range(array.left, array.right + 1))
        found.formulas += len(spots)
        for row, column in sorted(spots):
            old, new = cells.get((row, column)), sheet.get(row, column)
            if old is None:
                found.missing += 1
            elif moving.holds(sheet, row, column):
                found.changing += 1
                found.changed += not _agree(old, new, rel, absolute)
            elif not _agree(old, new, rel, absolute):
                found.differences.append(Difference(f"{quoted(sheet.name)}!{address(row, column)}", old, new))
    return found


def _agree(old: Value, new: Value, rel: float, absolute: float) -> bool:
    if type(old) is float and type(new) is float:
        return abs(old - new) <= max(absolute, rel * max(abs(old), abs(new)))
    if type(old) is not type(new):
        return False
    if type(new) is ExcelError and new not in STORED_ERRORS:  # Excel stores #SPILL!, #CALC! and their kin as #VALUE!
        return old in (new, VALUE)
    return old == new


def run_calc(file: str, *, output: str | None = None, in_place: bool = False, check: bool = False, rel: float = 1e-9,
             absolute: float = 1e-12, seed: int = 0, now: str | None = None, max_bytes: int | None = None,
             force: bool = False, as_json: bool = False) -> tuple[str, int]:
    """Do what `sheetprop calc` does; return its text and its exit code.

    Raises:
        SheetpropError: the file cannot be read or the output not written; a tolerance is none.
    """
    check_tolerance("rel", rel)
    check_tolerance("abs", absolute)
    moment: float | None = None
    if now is not None:
        from sheetprop.engine.grid.dates import date_in

        moment = date_in(now)
        if moment is None:
            raise SheetpropError(f"--now {now!r}: is no moment; write 2026-11-21 or 2026-11-21T09:30")
    if in_place:
        output, force = file, True
    if output is not None:
        _check_writable(output, force)
    book = open_book(file, max_bytes=MAX_BYTES if max_bytes is None else max_bytes)
    if moment is not None and book._space.contents.date1904:
        moment -= SHIFT_1904
    result = book.calculate(seed=seed, now=moment)
    checked: Checked | None = None
    if check:
        checked = check_stored(book, rel, absolute)
        if checked.missing == checked.formulas > 0:
            raise SheetpropError(f"{file}: holds no stored values, so there is nothing to compare; store some with -o, "
                                 "or save it in a spreadsheet program")
    if output is not None:
        book.save(output)
    code = 1 if checked is not None and checked.differences else 0
    if as_json:
        import json

        data: dict[str, Any] = {"file": file, **result.to_dict(), "remarks": book.remarks}
        if output is not None:
            data["written"] = output
        if checked is not None:
            data["without_value"] = checked.missing
            data["changing"] = {"cells": checked.changing, "differ": checked.changed}
            data["differences"] = [{"cell": one.place, "stored": _plain(one.stored),
                                    "calculated": _plain(one.calculated)} for one in checked.differences]
        return json.dumps(data, ensure_ascii=False, indent=2), code
    lines = _lines(file, result, output, checked)
    lines[1:1] = [f"note: {remark}" for remark in book.remarks]
    return "\n".join(lines), code


def _plain(value: Value) -> Any:
    return str(value) if isinstance(value, ExcelError) else value


def _lines(file: str, result: Calculation, output: str | None, checked: Checked | None) -> list[str]:
    formulas, families = _counted(result.formulas, "formula"), _counted(result.families, "family")
    lines = [f"{os.path.basename(file)}: {formulas} in {families}"]  # noqa: PTH119
    if result.errors:
        listed = ", ".join(f"{count:,} × {kind}" for kind, count in sorted(result.errors.items()))
        lines.append(f"errors: {listed}")
    lines += [*_not_evaluated(result), *_circular(result)]
    if checked is not None:
        lines += _compared(checked)
    if output is not None:
        lines.append(f"written: {output}")
    return lines


def _compared(checked: Checked) -> list[str]:
    lines = [f"{one.place}: stored {_plain(one.stored)!r}, calculated {_plain(one.calculated)!r}"
             for one in checked.differences[:_SHOWN]]
    count = len(checked.differences)
    if count > _SHOWN:
        lines.append(f"... and {count - _SHOWN:,} more")
    if checked.missing:
        lines.append(f"without a stored value: {_counted(checked.missing, 'formula')}")
    if checked.changing:
        lines.append(f"not compared: {_counted(checked.changing, 'cell')} with RAND, NOW or their kin, or hanging on "
                     f"such; {checked.changed:,} differ")
    if count:
        lines.append(f"{_counted(count, 'stored value')} {'differs' if count == 1 else 'differ'}")
    else:
        lines.append("all stored values agree" if checked.formulas else "nothing to compare: there are no formulas")
    return lines


def _counted(count: int, noun: str) -> str:
    """Return "1 family", "2 families"."""
    many = noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    return f"{count:,} {noun if count == 1 else many}"


def _not_evaluated(result: Calculation) -> list[str]:
    return [f"not evaluated: {what} ({count:,} ×, first at {result.places.get(what, '?')})"
            for what, count in sorted(result.unsupported.items())]


def _circular(result: Calculation) -> list[str]:
    if not result.circular:
        return []
    more = " ..." if len(result.circular) > _SHOWN else ""
    return [f"circular: {_counted(len(result.circular), 'cell')}: {', '.join(result.circular[:_SHOWN])}{more}"]


def _values(text: str) -> tuple[str, list[float]]:
    """Return the cell and the values of one --set."""
    cell, mark, given = text.rpartition("=")
    if not mark or not cell:
        raise SheetpropError(f'--set {text!r}: is no setting; write it like "Parameters!C33=0:1:1000"')
    try:
        if ":" in given:
            first, last, count = given.split(":")
            steps = int(count)
            if not 1 <= steps <= 10_000_000:
                raise ValueError
            low, high = float(first), float(last)
            found = [low] if steps == 1 else [low + (high - low) * at / (steps - 1) for at in range(steps)]
        else:
            found = [float(part) for part in given.split(",")]
        if not all(abs(number) < float("inf") for number in found):
            raise ValueError
        return cell, found
    except ValueError:
        raise SheetpropError(f"--set {text!r}: has no values; write FROM:TO:COUNT or numbers with commas") from None


def run_what_if(file: str, sets: Sequence[str], gets: Sequence[str], *, output: str | None,
                force: bool) -> tuple[str, list[str]]:
    """Do what `sheetprop what-if` does; return the CSV text, empty when it went to a file, and what to know of it.

    Raises:
        SheetpropError: a setting, a cell or the file cannot be used.
    """
    import csv
    import io

    import numpy as np

    from sheetprop.engine.tracing.function import spots
    from sheetprop.files import replacing

    pairs = [_values(text) for text in sets]
    lengths = {len(values) for _, values in pairs if len(values) > 1}
    if len(lengths) > 1:
        raise SheetpropError(f"--set: gives {' and '.join(map(str, sorted(lengths)))} values; all must give equally "
                             "many, or one")
    if output is not None:
        _check_writable(output, force)
    book = open_book(file)
    calculated = book.calculate()
    count = max(lengths, default=1)
    function = book.function(inputs=[cell for cell, _ in pairs], outputs=list(gets))
    lines = [values * count if len(values) == 1 else values for _, values in pairs]
    # The cells of a range all get the same values.
    cells = [len(spots(book._session, [cell])) for cell, _ in pairs]
    given = np.repeat(np.array(lines, dtype=np.float64), cells, axis=0).T
    remarks = function.remarks()
    results = function(given).reshape(count, -1)
    empty = np.isnan(results).sum(axis=0).tolist()
    remarks += [f"{name}: is an error or text, and left empty, in {lost:,} of {_counted(count, 'scenario')}"
                for name, lost in zip(function.output_cells, empty, strict=True) if lost]
    unknown = any(book._session.value(name) == NAME for name in function.output_cells)
    remarks += [*(_not_evaluated(calculated) if unknown else ()), *_circular(calculated)]
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([*function.input_cells, *function.output_cells])
    for line, out in zip(given.tolist(), results.tolist(), strict=True):
        writer.writerow([*map(repr, line), *("" if number != number else repr(number) for number in out)])
    if output is None:
        return buffer.getvalue(), remarks
    with replacing(output, force=force) as temporary:
        temporary.write_text(buffer.getvalue(), encoding="utf-8")
    return "", remarks


def run_grad(file: str, of: str, wrt: Sequence[str], *, as_json: bool) -> str:
    """Do what `sheetprop grad` does; return its text.

    Raises:
        SheetpropError: a cell has no derivative, or the file cannot be used.
    """
    import numpy as np

    book = open_book(file)
    function = book.function(inputs=list(wrt), outputs=[of])
    value, slopes = function.value_and_gradient()
    cells = function.input_cells
    if as_json:
        import json

        numbers = [float(one) if np.isfinite(one) else None for one in (value, *slopes)]
        return json.dumps({"of": function.output_cells[0], "value": numbers[0],
                           "gradient": dict(zip(cells, numbers[1:], strict=True))},
                          ensure_ascii=False, indent=2)
    width = max(map(len, cells))
    cell = function.output_cells[0]
    lines = [f"{cell} = {float(value) if np.isfinite(value) else book._session.value(cell)}"]
    lines += [f"∂/∂ {cell.ljust(width)} = {float(slope)!r}" for cell, slope in zip(cells, slopes, strict=True)]
    return "\n".join(lines)

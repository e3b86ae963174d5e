"""What the engine's commands do, as calls that return the text to print."""

from __future__ import annotations

import os
from collections.abc import Sequence

from sheetprop.engine.book import Book
from sheetprop.engine.book import open as open_book
from sheetprop.engine.calculation.running import Calculation
from sheetprop.engine.file.package import MAX_BYTES
from sheetprop.engine.formula.references import address, quoted
from sheetprop.engine.grid.values import SHIFT_1904, STORED_ERRORS, VALUE, ExcelError, Value
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
             force: bool = False, as_json: bool = False, strict: bool = False, iterate: int | None = None,
             max_change: float = 0.001) -> tuple[str, int]:
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
    if iterate is not None:
        book.iterate = (iterate, max_change)
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
    doubtful = _doubtful(result, iterated=book._space.contents.iterate is not None)
    if doubtful:
        code = 2 if strict else max(code, 1)
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
    lines += [doubtful] if doubtful else []
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


def _doubtful(result: Calculation, *, iterated: bool) -> str:
    """Return the line that says what was not calculated, or an empty text; an iterated circle was."""
    kept, circular = sum(result.unsupported.values()), 0 if iterated else len(result.circular)
    parts = [f"{_counted(kept, 'formula')} not evaluated (the stored value stays where there is one)"] if kept else []
    parts += [f"{_counted(circular, 'cell')} on circular references"] if circular else []
    return f"incomplete: {', '.join(parts)}" if parts else ""


def _circular(result: Calculation) -> list[str]:
    if not result.circular:
        return []
    more = " ..." if len(result.circular) > _SHOWN else ""
    return [f"circular: {_counted(len(result.circular), 'cell')}: {', '.join(result.circular[:_SHOWN])}{more}"]


def run_what_if(file: str, sets: Sequence[str], gets: Sequence[str], *, output: str | None, force: bool,
                grid: bool = False, n: int | None = None, seed: int = 0,
                as_json: bool = False) -> tuple[str, list[str]]:
    """Do what `sheetprop what-if` does; return the CSV text, empty when it went to a file, and what to know of it.

    Raises:
        SheetpropError: a setting, a cell or the file cannot be used.
    """
    import numpy as np

    from sheetprop.engine.access.scenarios import what_if
    from sheetprop.engine.access.settings import setting
    from sheetprop.files import replacing

    if n is not None and not 1 <= n <= 10_000_000:
        raise SheetpropError(f"--n {n}: gives no scenarios; ask for 1 to 10,000,000")
    if seed < 0:
        raise SheetpropError(f"--seed {seed}: is negative; give 0 or more")
    if output is not None:
        _check_writable(output, force)
    random = np.random.default_rng(seed)
    [setting(text, n, random) for text in sets]  # what is misspelled is said before the file is read
    book = open_book(file)
    random = np.random.default_rng(seed)
    settings = [setting(text, n, random, book._space.contents.date1904) for text in sets]
    if n is not None and not any(one.drawn for one in settings):
        raise SheetpropError("--n: says how often to draw, and nothing is drawn; write a draw such as A1=normal(0,1)")
    found = what_if(book._session, settings, gets, grid=grid)
    remarks = [*found.remarks, *_circular(found.calculated)]
    inputs = len(found.shown[0])
    if as_json:
        import json

        rows = [[_plain(value) for value in line] for line in found.rows]
        text = json.dumps({"columns": found.columns, "rows": rows}, ensure_ascii=False, indent=2) + "\n"
    else:
        import csv
        import io

        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(found.columns)
        for shown, line in zip(found.shown, found.rows, strict=True):
            writer.writerow([*shown, *map(_csv, line[inputs:])])
        text = buffer.getvalue()
    if output is None:
        return text, remarks
    with replacing(output, force=force) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return "", remarks


def _csv(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return repr(value) if isinstance(value, float) else str(value)


def run_explain(file: str, cell: str, *, depth: int, as_json: bool) -> str:
    """Do what `sheetprop explain` does; return its text.

    Raises:
        SheetpropError: the cell or the file cannot be used.
    """
    book = open_book(file)
    found = book.explain(cell, depth=depth)
    readers = book.dependents(cell)
    if as_json:
        import json

        return json.dumps({**found.to_dict(), "read_by": readers}, ensure_ascii=False, indent=2)
    more = f" and {len(readers) - _SHOWN:,} more" if len(readers) > _SHOWN else ""
    read_by = f"read by: {', '.join(readers[:_SHOWN])}{more}" if readers else "read by no formula"
    return f"{found}\n{read_by}"


def run_goal_seek(file: str, target: str, value: float, by: str, *, start: float | None, output: str | None,
                  force: bool, as_json: bool) -> str:
    """Do what `sheetprop goal-seek` does; return its text.

    Raises:
        SheetpropError: nothing was found, or a cell or the file cannot be used.
    """
    if output is not None:
        _check_writable(output, force)
    book = open_book(file)
    if start is not None:
        book.set(by, start)
    found = book.goal_seek(target, value, by)
    if output is not None:
        book.save(output)
    if as_json:
        import json

        return json.dumps(found.to_dict(), ensure_ascii=False, indent=2)
    lines = [f"{found.by} = {found.value!r} gives {found.target} = {found.reached!r} "
             f"({_counted(found.steps, 'evaluation')}, {found.method})"]
    if output is not None:
        lines.append(f"written: {output}")
    return "\n".join(lines)


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

"""A workbook for many values of some cells: one scenario a row, all of a grid, or random draws."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from sheetprop.engine.access.blocks import lines_of
from sheetprop.engine.access.copying import copied
from sheetprop.engine.access.pythonvalues import cell_value
from sheetprop.engine.access.setting import set_cells
from sheetprop.engine.access.settings import Setting
from sheetprop.engine.calculation.session import Session
from sheetprop.engine.formula.references import address, quoted
from sheetprop.engine.grid.values import NAME, ExcelError, Value
from sheetprop.errors import SheetpropError

TYPE_CHECKING = False  # typing costs a small workbook's time; mypy knows this name
if TYPE_CHECKING:
    from sheetprop.engine.calculation.running import Calculation

_SINGLY = 5_000  # scenarios with text are calculated one by one, this many at most unless text is set
_MANY = 10_000_000


class Scenarios:
    """What came out.

    Attributes:
        columns: the names of the cells that were set, then of those that were asked for, as they were given.
        rows: a scenario each: what was set, then the results; a result is None where it is an
            error, or where it is text among more scenarios than can be calculated one by one.
        shown: of each scenario what was set, as it is printed.
        remarks: what to know of it, a line each.
        calculated: what the calculation of the workbook as it stands found.
    """

    def __init__(self, columns: list[str], rows: list[list[Value]], shown: list[list[str]], remarks: list[str],
                 calculated: Calculation) -> None:
        self.columns = columns
        self.rows = rows
        self.shown = shown
        self.remarks = remarks
        self.calculated = calculated


def given_settings(sets: Mapping[str, object], date1904: bool) -> list[Setting]:
    """Return settings from cells and values: one value, or a sequence of numbers, dates, truth values or text.

    Raises:
        SheetpropError: no cell can hold a value.
    """
    found: list[Setting] = []
    for name, given in sets.items():
        lines = lines_of(given, False)
        if lines is not None and len(lines) > 1 and any(len(line) != 1 for line in lines):
            raise SheetpropError(f"{name}: its values form a block; give one value for each scenario")
        flat = [given] if lines is None else [value for line in lines for value in line]
        values = [cell_value(value, name, date1904)[0] for value in flat]
        found.append(Setting(name, values, [str(value) for value in flat]))
        if not values:
            raise SheetpropError(f"{name}: is given no values; give at least one")
    return found


def lined_up(settings: Sequence[Setting], *, grid: bool) -> list[tuple[int, ...]]:
    """Return for each scenario which value each setting takes.

    Raises:
        SheetpropError: the settings do not give equally many values, or draws are to form a grid.
    """
    lengths = [len(one.values) for one in settings]
    if grid:
        if any(one.drawn for one in settings):
            raise SheetpropError("--grid: random draws form no grid; leave --grid out")
        total = 1
        for length in lengths:
            total *= length
        if total > _MANY:
            raise SheetpropError(f"--grid: makes {total:,} scenarios; give fewer values, {_MANY:,} at most")
        return list(itertools.product(*(range(length) for length in lengths)))
    several = {length for length in lengths if length > 1}
    if len(several) > 1:
        raise SheetpropError(f"--set: gives {' and '.join(map(str, sorted(several)))} values; all must give equally "
                             "many, or one; --grid combines all with all")
    count = max(several, default=1)
    return [tuple(at if length > 1 else 0 for length in lengths) for at in range(count)]


def what_if(session: Session, settings: Sequence[Setting], gets: Sequence[str], *, grid: bool = False) -> Scenarios:
    """Evaluate a workbook for many values of some cells.

    Args:
        session: the workbook, which stays as it is.
        settings: which cells take which values.
        gets: cells, ranges or names to report.
        grid: whether every value of one setting meets every value of the others.

    Raises:
        SheetpropError: a reference names no cells, or the settings do not fit each other.
    """
    import numpy as np

    from sheetprop.engine.tracing.function import Function

    chosen = lined_up(settings, grid=grid)
    calculated = session.calculate()
    function = Function(session, [one.name for one in settings], list(gets))
    # The cells of a range all get the same values.
    inputs, outputs = _spread(session, [one.name for one in settings]), _spread(session, gets)
    wide = [at for at, (_, cells) in enumerate(inputs) for _ in cells]
    columns = [name for names, _ in (*inputs, *outputs) for name in names]
    given = [[settings[at].values[line[at]] for at in wide] for line in chosen]
    shown = [[settings[at].shown[line[at]] for at in wide] for line in chosen]
    remarks = function.remarks()
    words = any(type(value) is not float for line in given for value in line)
    texts = any(type(session.value(cell)) is str for cell in function.output_cells)
    singly = words or (texts and len(chosen) <= _SINGLY)
    if singly:
        results = _one_by_one(session, function.input_cells, function.output_cells, given)
    else:
        numbers = function(np.array(given, dtype=np.float64)).reshape(len(chosen), -1)
        results = [[None if value != value else value for value in line] for line in numbers.tolist()]
    for at, name in enumerate(function.output_cells):
        lost = sum(line[at] is None for line in results)
        if lost:
            noun = f"{len(chosen):,} scenario{'' if len(chosen) == 1 else 's'}"
            what = "is an error, and left empty," if singly else "is an error or text, and left empty,"
            remarks.append(f"{name}: {what} in {lost:,} of {noun}")
    if any(session.value(name) == NAME for name in function.output_cells):
        remarks += [f"not evaluated: {what} ({count:,} ×, first at {calculated.places.get(what, '?')})"
                    for what, count in sorted(calculated.unsupported.items())]
    return Scenarios(columns, [[*line, *out] for line, out in zip(given, results, strict=True)], shown, remarks,
                     calculated)


def _spread(session: Session, names: Sequence[str]) -> list[tuple[list[str], list[str]]]:
    """Return for each name the headings of its columns and its cells: one cell keeps the name that it was given."""
    found: list[tuple[list[str], list[str]]] = []
    for name in names:
        store, top, left, bottom, right = session.area(name)
        cells = [f"{quoted(store.name)}!{address(row, column)}" for row in range(top, bottom + 1)
                 for column in range(left, right + 1)]
        found.append(([name.strip()] if len(cells) == 1 else cells, cells))
    return found


def _one_by_one(session: Session, inputs: Sequence[str], outputs: Sequence[str],
                given: list[list[Value]]) -> list[list[Value]]:
    """Return the results of scenarios that hold text: the workbook is calculated anew for each."""
    from sheetprop.progress import progress

    other = Session(copied(session.space))
    other.resume(session)
    results: list[list[Value]] = []
    for line in progress(given, label="scenarios", total=len(given)):
        for cell, value in zip(inputs, line, strict=True):
            set_cells(other, cell, f"'{value}" if type(value) is str else value, header=False)
        other.settled()
        found = [other.value(cell) for cell in outputs]
        results.append([None if type(value) is ExcelError else value for value in found])
    return results

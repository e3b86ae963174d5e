"""The formulas: each against the one that belongs in its cell, however it is spelled."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sheetprop.engine.book import canonical
from sheetprop.engine.formula.parse import FormulaError
from sheetprop.engine.formula.printing import formula_text
from sheetprop.engine.formula.references import cell_at
from sheetprop.engine.formula.tree import Call, Node
from sheetprop.workbook.cells import Cells, is_formula
from sheetprop.workbook.contents import filled, prescribed
from sheetprop.workbook.layout import Layout


class Run(Protocol):
    """A vertical run of equal relative formulas (`engine.book.FormulaRun`)."""

    column: int
    first_row: int
    last_row: int
    canonical: str
    tree: Node

    @property
    def formula(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Prescribed:
    """One below the other, the same relative formula: what belongs in these cells of a column."""

    first: int
    last: int
    text: str


@dataclass(frozen=True, slots=True)
class Deviation:
    """Cells of one column that do not hold the formula that belongs there.

    Attributes:
        sheet, column, first, last: the cells; rows and column from 1.
        found: the formula in the first cell, None where no formula stands.
        expected: the formula that belongs in the first cell.
    """

    sheet: str
    column: int
    first: int
    last: int
    found: str | None
    expected: str


@dataclass
class Formulas:
    """The outcome of the check of the formulas.

    Attributes:
        compared: number of cells in which a formula belongs.
        deviations: where another or none stands, in the order of sheets, rows and columns.
        own: formulas where none belongs, as (sheet, column, first row, last row).
    """

    compared: int = 0
    deviations: list[Deviation] = field(default_factory=list)
    own: list[tuple[str, int, int, int]] = field(default_factory=list)


def check(layout: Layout, runs: Mapping[str, Sequence[Run]]) -> Formulas:
    """Compare every formula of every sheet.

    Args:
        layout: says what belongs where.
        runs: the formulas of each sheet of the layout.
    """
    result = Formulas()
    copied = {(sheet, row): last for sheet, row, last in filled(layout)}
    for sheet, cells in prescribed(layout).items():
        columns = _columns(sheet, cells, copied)
        result.compared += sum(one.last - one.first + 1 for parts in columns.values() for one in parts)
        deviations = _Sheet(sheet, columns, result).compare(runs[sheet])
        result.deviations += sorted(_joined(deviations), key=lambda one: (one.first, one.column))
    return result


def _columns(sheet: str, cells: Cells, copied: dict[tuple[str, int], int]) -> dict[int, list[Prescribed]]:
    """Return what belongs in each column, from the top."""
    places = {cell_at(address): value for address, value in cells.items()}
    columns: dict[int, list[Prescribed]] = {}
    for (row, column), value in sorted(places.items()):
        if is_formula(value):
            last = copied.get((sheet, row), row)
            # A row that is copied down ends where cells of their own begin.
            last = row if (row + 1, column) in places else last
            columns.setdefault(column, []).append(Prescribed(row, last, str(value)))
    return columns


class _Sheet:
    def __init__(self, sheet: str, columns: dict[int, list[Prescribed]], result: Formulas) -> None:
        self.sheet, self.columns, self.result = sheet, columns, result
        self.deviations: list[Deviation] = []
        self.canonical: dict[tuple[str, int, int], str] = {}

    def compare(self, runs: Sequence[Run]) -> list[Deviation]:
        """Go down every column."""
        by_column: dict[int, list[Run]] = {}
        for run in runs:
            by_column.setdefault(run.column, []).append(run)
        for column in {*by_column, *self.columns}:
            self._column(column, by_column.get(column, []), self.columns.get(column, []))
        return self.deviations

    def _column(self, column: int, runs: list[Run], parts: list[Prescribed]) -> None:
        starts = [part.first for part in parts]
        held: list[tuple[int, int]] = []
        for run in runs:
            held.append((run.first_row, run.last_row))
            covered = run.first_row
            at = max(0, bisect_left(starts, run.first_row + 1) - 1)
            while at < len(parts) and parts[at].first <= run.last_row:
                part = parts[at]
                at += 1
                first, last = max(part.first, run.first_row), min(part.last, run.last_row)
                if first > last:
                    continue
                if first > covered:
                    self.result.own.append((self.sheet, column, covered, first - 1))
                covered = last + 1
                if not self._same(run, part, first):
                    self.deviations.append(Deviation(self.sheet, column, first, last, _shown(run, first),
                                                     _moved(part, first, column, self.sheet)))
            if covered <= run.last_row:
                self.result.own.append((self.sheet, column, covered, run.last_row))
        for part in parts:
            for first, last in _uncovered(part, held):
                self.deviations.append(Deviation(self.sheet, column, first, last, None,
                                                 _moved(part, first, column, self.sheet)))

    def _same(self, run: Run, part: Prescribed, row: int) -> bool:
        # Printing a formula is quicker than reading one, and nearly all are as they should be.
        if row == part.first and _shown(run, row) == part.text:
            return True
        key = (part.text, part.first, run.column)
        if key not in self.canonical:
            self.canonical[key] = canonical(part.text, part.first, run.column, self.sheet)
        return run.canonical == self.canonical[key]


def _shown(run: Run, row: int) -> str:
    """Return the formula of a run as it reads in one of its rows."""
    if row == run.first_row or (isinstance(run.tree, Call) and run.tree.name.startswith("#")):
        return run.formula
    return "=" + formula_text(run.tree, row, run.column)


def _moved(part: Prescribed, row: int, column: int, sheet: str) -> str:
    """Return the formula that belongs in a row further down."""
    if row == part.first:
        return part.text
    from sheetprop.engine.formula.parse import parse

    try:
        return "=" + formula_text(parse(part.text, part.first, column, sheet), row, column)
    except FormulaError:  # pragma: no cover - what the layout prescribes can be read
        return part.text


def _uncovered(part: Prescribed, held: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the rows of `part` in which no formula stands; `held` is in order."""
    row = part.first
    for first, last in held:
        if last < row:
            continue
        if first > part.last:
            break
        if first > row:
            yield row, first - 1
        row = last + 1
    if row <= part.last:
        yield row, part.last


def _joined(deviations: list[Deviation]) -> list[Deviation]:
    """Join deviations of the same kind that stand one below the other."""
    result: list[Deviation] = []
    for one in sorted(deviations, key=lambda one: (one.column, one.first)):
        last = result[-1] if result else None
        if (last is not None and last.column == one.column and last.last + 1 == one.first
                and (last.found is None) == (one.found is None)
                and (one.found is None or _alike(last, one))):
            result[-1] = Deviation(last.sheet, last.column, last.first, one.last, last.found, last.expected)
        else:
            result.append(one)
    return result


def _alike(upper: Deviation, lower: Deviation) -> bool:
    """Whether both hold the same wrong formula and the same belongs in both."""
    def relative(text: str, row: int) -> str:
        try:
            return canonical(text, row, upper.column, upper.sheet)
        except FormulaError:
            return text

    assert upper.found is not None
    assert lower.found is not None
    return (relative(upper.found, upper.first) == relative(lower.found, lower.first)
            and relative(upper.expected, upper.first) == relative(lower.expected, lower.first))

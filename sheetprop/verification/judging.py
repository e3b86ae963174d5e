"""Calculate a workbook, compare everything, name what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sheetprop.engine.book import Book
from sheetprop.engine.formula.references import address, cell_at, split_sheet
from sheetprop.engine.grid.values import ExcelError
from sheetprop.errors import SheetpropError
from sheetprop.network import symbols
from sheetprop.network.reference_process import Reference
from sheetprop.network.rounding import TOLERANCE
from sheetprop.network.spec import Spec
from sheetprop.verification import (
    constants,
    displays,
    engines,
    formulas,
    numbers,
    remarks,
    rows,
    run,
    surroundings,
    table,
)
from sheetprop.verification.faults import Faults
from sheetprop.verification.numbers import Mask
from sheetprop.verification.result import Verification, capped
from sheetprop.verification.stored import Stored
from sheetprop.workbook import check
from sheetprop.workbook.layout import Layout
from sheetprop.workbook.names import HALVED, PARAMETERS
from sheetprop.workbook.reading import built_spec, present_spec, read_layout

# LibreOffice stores 15 digits, and takes a difference of two numbers that are equal to about that many for 0.
_PUSH = {"libreoffice": 2.0**-47}


def judge(book: Book, engine: str, reference: Reference) -> Verification:
    """Calculate an open workbook, compare everything, and return what was found.

    Args:
        book: the workbook.
        engine: one of `verify.ENGINES`.
        reference: PyTorch.

    Raises:
        SheetpropError: the workbook is not ours, or the engine cannot use it.
    """
    if book.missing:
        raise SheetpropError(f"{book.path}: the part of its sheet {book.missing[0]!r} is missing; the file is damaged")
    calculation = book.calculate()
    try:
        layout = read_layout(book)
        spec = present_spec(book, layout)
    except SheetpropError as error:
        raise SheetpropError(f"{book.path}: {error}") from error
    return _Verification(engine, book, layout, spec, calculation, reference).result()


class _Verification:
    def __init__(self, engine: str, book: Book, layout: Layout, spec: Spec, calculation: Any,
                 reference: Reference) -> None:
        self.engine, self.book, self.layout, self.spec = engine, book, layout, spec
        self.calculation, self.reference = calculation, reference
        self.runs = {name: list(book[name].formula_runs()) for name in layout.sheets}
        self.own = numbers.read(layout, lambda name: book[name])
        self.numbers, self.values = self.own, None
        if engine != "default":
            self.values = engines.evaluate(book.path, engine)
            self.numbers = engines.numbers(layout, self.own, self.values)

    def result(self) -> Verification:
        """Make all comparisons and gather what they found."""
        layout, spec = self.layout, self.spec
        begun = rows.begin(spec, self.numbers, self.reference)
        prescribed = formulas.check(layout, self.runs)
        unfilled, typed = self._unfilled()
        vacant, words = self._odd(prescribed)
        gaps = rows.Gaps(unfilled, vacant, self._circular(), words, typed)
        judged = rows.check(layout, spec, self.numbers, gaps, self.reference, begun)
        wrong_rates = self._wrong_rates()
        usable = _usable(judged, [*unfilled.values(), *judged.rounded.values()], [rate for rate, _, _ in wrong_rates])
        drift = run.check(spec, self.numbers, judged, usable, self.reference, _PUSH.get(self.engine, run.PUSH))
        cells = displays.check(layout, judged, unfilled, self.lookup)
        faults = Faults(layout, spec.learning_rates, self.lookup)
        faults.formulas(prescribed.deviations, judged, cells)
        faults.circle(self.calculation.circular)
        faults.rates(wrong_rates)
        faults.values(judged)
        faults.run(drift)
        faults.shown(cells)
        comparisons = table.comparisons(layout, spec, judged, drift, cells)
        if self.engine != "default":
            against = engines.against(layout, spec, self.own, self.numbers, judged, drift)
            faults.engine(self.engine, against)
            comparisons += table.engine(layout, spec, self.engine, against)
        changed = self._changed()
        said = remarks.Remarks(layout, spec)
        said.changed(changed)
        said.students(prescribed.own, unfilled)
        said.rounded(judged)
        around = self._around(faults, said)
        # What a student fills in changes an exercise as well, and the values stored beside it are no wonder.
        stored = Stored(layout, self.book.stored(), self.runs,
                        changed=bool(changed or prescribed.deviations or layout.blank))
        stored.check(self.own, judged, drift, lambda sheet, place: self.book[sheet][place])
        faults.found += stored.faults
        said.said += stored.remarks
        if self.engine != "default":
            said.digits(self.engine, self.own, self.numbers)
        said.calculation(self.calculation)
        said.rows(judged)
        said.run(drift, usable)
        listed, count = capped(faults.ordered())
        to_fill = len(layout.blank) * layout.blank_rows * len(layout.rate_sheets)
        filled = to_fill - sum(int(mask.sum()) for mask in unfilled.values())
        return Verification(
            file=self.book.path, engine=self.engine, agrees=count == 0 and filled == to_fill, to_fill=to_fill,
            filled=filled, network=spec.network.shape,
            activations=spec.network.activations, bias=spec.network.bias, learning_rates=spec.learning_rates,
            iterations=spec.iterations, tolerance=TOLERANCE, cells=sum(one.cells for one in comparisons),
            formulas=prescribed.compared, comparisons=tuple(comparisons), faults=listed, fault_count=count,
            remarks=tuple(said.said), around=around)

    def _changed(self) -> list[str]:
        """Return the constants that are no longer as built."""
        sheet = self.book[PARAMETERS]
        return [name for name, row in self.layout.parameter_rows.items() if sheet[f"C{row}"] != sheet[f"D{row}"]]

    def _around(self, faults: Faults, said: remarks.Remarks) -> int:
        """Check what stands around the formulas, and return how much of it."""
        layout = self.layout
        outside = surroundings.check(layout, self.book._space.contents, self.book.names)
        labelled, wrong, notes = constants.labels(layout, self.lookup)
        faults.found += [*outside.faults, *wrong]
        said.said += [*outside.remarks, *notes]
        count = outside.compared + labelled
        if not layout.blank:
            built = built_spec(self.book, layout)
            values = self.reference.snapshots(built, set(check.points(layout).values()))()
            kept, wrong = constants.pytorch(layout, values, self.lookup)
            faults.found += wrong
            count += kept
        return count

    def lookup(self, sheet: str, address: str) -> Any:
        """Return the value of a cell as the chosen engine has it."""
        if self.values is not None and address in self.values.get(sheet, {}):
            return self.values[sheet][address]
        return self.book[sheet][address]

    def _unfilled(self) -> tuple[dict[str, Mask], dict[str, Mask]]:
        """Return by blank column of an exercise where neither number nor formula stands, and where a number does."""
        layout = self.layout
        unfilled: dict[str, Mask] = {}
        typed: dict[str, Mask] = {}
        for symbol in sorted(layout.blank):
            column = layout.column_of[symbol].index
            mask = np.zeros_like(self.numbers.values[symbol], dtype=bool)
            mask[:, :layout.blank_rows] = True
            for rate, name in enumerate(layout.rate_sheets):
                for one in self.runs[name]:
                    if one.column == column:
                        mask[rate, max(0, one.first_row - layout.FIRST_ROW):one.last_row + 1 - layout.FIRST_ROW] = False
            empty = np.isnan(self.numbers.values[symbol])
            unfilled[symbol], typed[symbol] = mask & empty, mask & ~empty
        return unfilled, typed

    def _odd(self, prescribed: formulas.Formulas) -> tuple[dict[str, Mask], dict[str, Mask]]:
        """Return by symbol the cells that hold nothing though a formula belongs there, and those that hold words."""
        layout, symbol_of = self.layout, {column.index: column.symbol for column in self.layout.columns}
        vacant: dict[str, Mask] = {}
        words: dict[str, Mask] = {}
        for one in prescribed.deviations:
            symbol = symbol_of.get(one.column)
            if one.sheet not in layout.rate_sheets or symbol not in self.numbers.values:
                continue
            for row in range(max(one.first, layout.FIRST_ROW), one.last + 1):
                value = self.lookup(one.sheet, address(row, one.column))
                kind = vacant if value is None else words
                if value is None or (isinstance(value, str | bool) and not isinstance(value, ExcelError)):
                    mask = kind.setdefault(symbol, np.zeros_like(self.numbers.values[symbol], dtype=bool))
                    mask[layout.rate_sheets.index(one.sheet), row - layout.FIRST_ROW] = True
        return vacant, words

    def _circular(self) -> dict[str, Mask]:
        """Return by symbol the cells on a circular reference; the formula that closes the circle is named by itself."""
        layout, symbol_of = self.layout, {column.index: column.symbol for column in self.layout.columns}
        circular: dict[str, Mask] = {}
        for place in self.calculation.circular:
            sheet, cell = split_sheet(place)
            row, column = cell_at(cell)
            symbol = symbol_of.get(column)
            if sheet in layout.rate_sheets and symbol in self.numbers.values and row >= layout.FIRST_ROW:
                mask = circular.setdefault(symbol, np.zeros_like(self.numbers.values[symbol], dtype=bool))
                mask[layout.rate_sheets.index(sheet), row - layout.FIRST_ROW] = True
        return circular

    def _wrong_rates(self) -> list[tuple[int, float, float]]:
        """Return (rate, found, expected) of the sheets whose cell with η is not the rate in Parameters."""
        return [(rate, float(found), expected)
                for rate, (found, expected) in enumerate(zip(self.numbers.rates, self.spec.learning_rates, strict=True))
                if not abs(found - expected) <= TOLERANCE * abs(expected)]


def _usable(judged: rows.Rows, gaps: Sequence[Mask], wrong_rates: list[int]) -> Mask:
    """Return where nothing above in the same sheet spoils the run."""
    spoiled = np.zeros_like(judged.columns[symbols.ITERATION].differs)
    for symbol, column in judged.columns.items():
        if symbol not in (symbols.ITERATION, HALVED):
            spoiled |= column.differs
    for mask in gaps:
        spoiled |= mask
    spoiled[wrong_rates, :] = True
    usable: Mask = ~np.logical_or.accumulate(spoiled, axis=1)
    return usable

"""The values that a file holds beside its formulas, against those that the formulas give."""

from __future__ import annotations

from typing import Any

import numpy as np

from sheetprop.engine.formula.references import address, column_letters
from sheetprop.network.rounding import TOLERANCE
from sheetprop.verification import engines
from sheetprop.verification.constants import different, fault, shown_cells
from sheetprop.verification.numbers import Numbers, runs
from sheetprop.verification.result import Fault, Remark
from sheetprop.verification.rows import Rows
from sheetprop.verification.run import Drift
from sheetprop.workbook.layout import Layout
from sheetprop.workbook.names import CHECK, START

# Programs store 15 digits, Google ten: values further away than this are of another calculation.
_RELATIVE = 1e-9
# The sheets that show what rounding does, in which it decides everything.
_ROUNDING_SHEETS, _ROUNDING = (START, CHECK), 1e-9


class Stored:
    """Compares the values stored in a file with calculated ones.

    Attributes:
        faults: stored values that are not those of their formulas.
        remarks: what is worth knowing.
    """

    def __init__(self, layout: Layout, held: dict[str, dict[tuple[int, int], Any]], formula_runs: dict[str, Any],
                 *, changed: bool) -> None:
        """Take the stored values.

        Args:
            layout: of the workbook.
            held: by sheet and (row, column) what the file holds.
            formula_runs: the formulas of each sheet.
            changed: whether constants or formulas are not as built, so that old values are no wonder.
        """
        self.layout, self.held, self.runs, self.changed = layout, held, formula_runs, changed
        self.faults: list[Fault] = []
        self.remarks: list[Remark] = []

    def check(self, own: Numbers, rows: Rows, drift: Drift, lookup: Any) -> None:
        """Make the comparison.

        Args:
            own: the calculated numbers of the learning-rate sheets.
            rows, drift: how far rounding may carry them.
            lookup: gives the calculated value of a cell by sheet and address.
        """
        if not any((run.first_row, run.column) in self.held[sheet] for sheet, parts in self.runs.items()
                   for run in parts):
            self._say("the file holds no values beside its formulas; they were calculated afresh")
            return
        count = self._rate_sheets(own, rows, drift) + self._others(lookup)
        if count and self.changed:
            self.faults = []
            self._say(f"the values stored in the file are not those of its formulas in {count:,} cells; they were "
                      "calculated afresh, and Excel or LibreOffice will do so when they open it")

    def _rate_sheets(self, own: Numbers, rows: Rows, drift: Drift) -> int:
        layout = self.layout
        theirs = {symbol: np.full(values.shape, np.nan) for symbol, values in own.values.items()}
        columns = {layout.column_of[symbol].index: symbol for symbol in theirs}
        for rate, name in enumerate(layout.rate_sheets):
            for (row, column), value in self.held[name].items():
                symbol = columns.get(column)
                if symbol is not None and layout.FIRST_ROW <= row <= layout.last_row and isinstance(value, float):
                    theirs[symbol][rate, row - layout.FIRST_ROW] = value
        sizes = {one.symbol: one for one in engines.against(layout, layout.spec, own, Numbers(theirs, own.rates), rows,
                                                            drift)}
        count = 0
        for symbol, mine in own.values.items():
            other, judged = theirs[symbol], sizes.get(symbol)
            size = np.abs(mine) if judged is None else judged.size
            with np.errstate(all="ignore"):
                near = np.abs(mine - other) <= _RELATIVE * np.maximum(np.abs(mine), np.abs(other)) + TOLERANCE * size
            wrong = np.isfinite(mine) & ~near
            if judged is not None:
                wrong &= judged.compared
            count += int(wrong.sum())
            letters = column_letters(layout.column_of[symbol].index)
            for rate, name in enumerate(layout.rate_sheets):
                for first, last in runs(wrong[rate]) if wrong[rate].any() else ():
                    at = first + layout.FIRST_ROW
                    found, gives = self.held[name].get((at, layout.column_of[symbol].index)), float(mine[rate, first])
                    more = "" if first == last else f", and so on to row {last + layout.FIRST_ROW}"
                    self.faults.append(fault("stored", name, f"{letters}{at}", found, gives,
                                             f"{_shown(found)} is stored here, and the formula gives {gives!r}{more}"))
        return count

    def _others(self, lookup: Any) -> int:
        count = 0
        for sheet, row, column in shown_cells(self.layout, self.runs):
            place = address(row, column)
            found, stored = lookup(sheet, place), self.held[sheet].get((row, column))
            if different(found, stored, _RELATIVE, _ROUNDING if sheet in _ROUNDING_SHEETS else 1e-15):
                count += 1
                self.faults.append(fault("stored", sheet, place, stored, found,
                                         f"{_shown(stored)} is stored here, and the formula gives {_shown(found)}"))
        return count

    def _say(self, message: str) -> None:
        self.remarks.append(Remark("stale", message))


def _shown(value: Any) -> str:
    return "nothing" if value is None else repr(value) if isinstance(value, str | float | int) else str(value)

"""Remarks: what a reader should know though it is no fault."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sheetprop.engine.formula.references import column_letters
from sheetprop.network.spec import Spec
from sheetprop.verification.numbers import Mask, Numbers
from sheetprop.verification.result import Remark
from sheetprop.verification.rows import Rows
from sheetprop.verification.run import Drift
from sheetprop.workbook.layout import Layout
from sheetprop.workbook.names import PARAMETERS


class Remarks:
    """Gathers the remarks on a workbook."""

    def __init__(self, layout: Layout, spec: Spec) -> None:
        self.layout, self.spec = layout, spec
        self.said: list[Remark] = []

    def changed(self, names: Sequence[str]) -> None:
        """Say which constants are no longer as built."""
        if names:
            self._say("changed", f"Parameters: changed since the file was built: {_listed(list(names))}; PyTorch was "
                                 "run with the values that stand there now")

    def students(self, own: Sequence[tuple[str, int, int, int]], unfilled: Mapping[str, Mask]) -> None:
        """Say what an exercise still lacks, and where there are formulas that nothing prescribes."""
        layout = self.layout
        empty = {symbol: int(mask.sum()) for symbol, mask in unfilled.items() if mask.any()}
        if empty:
            self._say("unfilled", f"not filled in yet: {_cells(sum(empty.values()))} of {_listed(list(empty))}; "
                                  "what depends on them was not judged")
        symbols = {column.index: column.symbol for column in layout.columns}
        theirs: dict[str, int] = {}
        other = 0
        first = ""
        for sheet, column, top, bottom in own:
            symbol = symbols.get(column, "")
            if sheet in layout.rate_sheets and symbol in unfilled and top >= layout.FIRST_ROW:
                theirs[symbol] = theirs.get(symbol, 0) + bottom - top + 1
            elif sheet != PARAMETERS:
                first = first or f"{sheet}!{column_letters(column)}{top}"
                other += bottom - top + 1
        if theirs:
            self._say("student", f"filled in with formulas of one's own, judged by their values: "
                                 f"{sum(theirs.values()):,} cells of {_listed(list(theirs))}")
        if other:
            self._say("unchecked", f"formulas where none belongs, from {first} on: {other:,} cells, not judged")

    def rounded(self, rows: Rows) -> None:
        """Say where a typed number is right in the digits that the sheet shows."""
        count = sum(int(mask.sum()) for mask in rows.rounded.values())
        if count:
            self._say("rounded", f"{_cells(count)} hold or read numbers that were typed with the digits that the sheet "
                                 "shows, and are right as far as these go; the run was compared up to there")

    def digits(self, engine: str, own: Numbers, other: Numbers) -> None:
        """Say in how many cells another program keeps 15 digits only, or makes a difference of near equals 0.

        LibreOffice does both. Neither is a fault: the cells stay within the tolerance of the terms that they come from.
        """
        rounded = snapped = 0
        first = ""
        for symbol, mine in own.values.items():
            theirs = other.values[symbol]
            unlike = np.isfinite(mine) & np.isfinite(theirs) & (mine != theirs)
            zero = unlike & (theirs == 0.0)
            rounded += sum(float(f"{value:.15g}") == told for value, told in
                           zip(mine[unlike & ~zero].tolist(), theirs[unlike & ~zero].tolist(), strict=True))
            snapped += int(zero.sum())
            if zero.any() and not first:
                rate, row = (int(part) for part in np.argwhere(zero)[0])
                first = f"{self.layout.rate_sheets[rate]}!{self.layout.address(symbol, row)}"
        if rounded:
            self._say("digits", f"{engine} stores 15 digits: {rounded:,} cells hold sheetprop's value rounded so")
        if snapped:
            self._say("snapped", f"{engine} gives 0 where two numbers are nearly equal: {snapped:,} cells, first "
                                 f"{first}; no fault, by the size of their terms")

    def calculation(self, calculation: Any) -> None:
        """Say what the engine could not evaluate."""
        for what, count in calculation.unsupported.items():
            place = calculation.places.get(what, "")
            self._say("unchecked", f"{place}: {what} cannot be evaluated ({count:,} cells); its stored value was used")

    def rows(self, rows: Rows) -> None:
        """Say where a relu is at its kink and where a run overflows."""
        for symbol, mask in rows.kinks.items():
            rate, row = (int(part) for part in np.argwhere(mask)[0])
            place = f"{self.layout.rate_sheets[rate]}!{self.layout.address(symbol, row)}"
            self._say("kink", f"{place}: {symbol} is at the kink of its relu, within rounding of 0 "
                              f"({int(mask.sum()):,} cells): which slope is right cannot be said there")
        for rate, iteration in enumerate(rows.diverged):
            if iteration is not None:
                self._say("diverged", f"{self.layout.rate_sheets[rate]}: diverges: the numbers overflow from iteration "
                                      f"{iteration} on, in PyTorch as in the sheet")

    def run(self, drift: Drift, usable: Mask) -> None:
        """Say where the run could not be compared."""
        for rate, iteration in enumerate(drift.lost):
            if iteration is not None:
                self._say("rounding", f"{self.layout.rate_sheets[rate]}: from iteration {iteration} on rounding has "
                                      "grown so far that two right programs differ; every row was compared by itself, "
                                      "the run up to there")
        del usable

    def _say(self, kind: str, message: str) -> None:
        self.said.append(Remark(kind, message))


def _cells(count: int) -> str:
    return f"{count:,} cell" + ("" if count == 1 else "s")


def _listed(names: list[str], most: int = 8) -> str:
    shown = ", ".join(names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")

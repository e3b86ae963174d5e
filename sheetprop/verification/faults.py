"""From what differs to a list of faults: each named once, at the cell where it is made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from sheetprop.engine.formula.references import address, cell_at, split_sheet
from sheetprop.network import symbols
from sheetprop.verification.displays import Lookup, Shown
from sheetprop.verification.formulas import Deviation
from sheetprop.verification.numbers import Mask, runs
from sheetprop.verification.result import Fault, Kind
from sheetprop.verification.rows import Judged, Rows
from sheetprop.verification.run import Drift
from sheetprop.workbook.layout import Layout


class Faults:
    """Gathers the faults of a workbook."""

    def __init__(self, layout: Layout, learning_rates: Sequence[float], lookup: Lookup) -> None:
        self.layout, self.learning_rates, self.lookup = layout, learning_rates, lookup
        self.found: list[Fault] = []
        self.sheets = {name: position for position, name in enumerate(layout.rate_sheets)}
        self.symbols = {column.index: column.symbol for column in layout.columns}
        self.covered: dict[str, Mask] = {}

    def formulas(self, deviations: Sequence[Deviation], rows: Rows, shown: Sequence[Shown]) -> None:
        """Add the cells that hold another formula than belongs there, or none."""
        elsewhere = {(one.quantity.sheet, *cell_at(one.quantity.address)): one for one in shown if one.differs}
        for one in deviations:
            value = self.lookup(one.sheet, address(one.first, one.column)) if one.found is None else None
            kind: Kind = "formula" if one.found is not None else "missing" if value is None else "constant"
            rate, judged = self.sheets.get(one.sheet), rows.columns.get(self.symbols.get(one.column, ""))
            difference: float | None = None
            agrees = False
            if rate is None:
                parts = [elsewhere[key] for row in range(one.first, one.last + 1)
                         if (key := (one.sheet, row, one.column)) in elsewhere]
                difference = max((part.difference for part in parts), default=None)
            elif judged is not None and one.first >= self.layout.FIRST_ROW:
                span = slice(one.first - self.layout.FIRST_ROW, one.last - self.layout.FIRST_ROW + 1)
                self._cover(judged.symbol)[rate, span] = True
                agrees = bool(judged.compared[rate, span].any())
                if judged.differs[rate, span].any():
                    difference = float(judged.difference[rate, span][judged.differs[rate, span]].max())
            found = one.found if one.found is not None else value
            says = f"{one.expected} belongs here, and not {_quoted(found)}" if kind != "missing" else \
                f"{one.expected} belongs here, and nothing stands here"
            self._add(kind, one.sheet, one.column, one.first, one.last, found, one.expected, difference,
                      says + _by(difference, agrees=agrees))

    def circle(self, places: Sequence[str]) -> None:
        """Add a circular reference, unless one of the formulas named so far closes it."""
        cells = [(str(sheet), *cell_at(cell)) for sheet, cell in map(split_sheet, places)]
        for fault in self.found:
            (first, column), (last, _) = cell_at(fault.address), cell_at(fault.last)
            if any((sheet, at) == (fault.sheet, column) and first <= row <= last for sheet, row, at in cells):
                return
        if cells:
            sheet, row, column = min(cells, key=lambda cell: (self.sheets.get(cell[0], len(self.sheets)), *cell[1:]))
            self._add("circular", sheet, column, row, row, None, None, None,
                      f"stands on a circular reference of {len(cells):,} cells")

    def values(self, rows: Rows) -> None:
        """Add the cells whose value is wrong by itself and whose formula has not been named yet."""
        for symbol, judged in rows.columns.items():
            roots = judged.root & ~self._cover(symbol)
            self._stretches(symbol, judged, roots, "value")

    def run(self, drift: Drift) -> None:
        """Add, for each learning rate, where the run first leaves PyTorch's own."""
        for rate in range(len(self.layout.rate_sheets)):
            first: tuple[int, int, Judged] | None = None
            for judged in drift.columns.values():
                if judged.differs[rate].any():
                    row = int(judged.differs[rate].argmax())
                    place = (row, self.layout.column_of[judged.symbol].index, judged)
                    first = place if first is None or place[:2] < first[:2] else first
            if first is not None:
                row, column, judged = first
                found, expected = float(judged.found[rate, row]), float(judged.expected[rate, row])
                difference = float(judged.difference[rate, row])
                at = row + self.layout.FIRST_ROW
                self._add("run", self.layout.rate_sheets[rate], column, at, at, found, expected, difference,
                          f"here the run leaves PyTorch's own, which is at {expected!r}, by {difference:.3g}, "
                          "more than rounding explains")

    def shown(self, shown: Sequence[Shown]) -> None:
        """Add the cells of other sheets that show a wrong number though their formula is right."""
        named = {(fault.sheet, row, cell_at(fault.address)[1]) for fault in self.found if fault.sheet not in self.sheets
                 for row in range(cell_at(fault.address)[0], cell_at(fault.last)[0] + 1)}
        for one in shown:
            row, column = cell_at(one.quantity.address)
            if one.differs and (one.quantity.sheet, row, column) not in named:
                self._add("value", one.quantity.sheet, column, row, row, _plain(one.found), one.expected,
                          one.difference, f"shows {_quoted(_plain(one.found))} where {one.quantity.symbol} is "
                          f"{one.expected!r}")

    def rates(self, wrong: Sequence[tuple[int, float, float]]) -> None:
        """Add the learning-rate sheets whose cell with η is not the rate in Parameters."""
        row, column = cell_at(self.layout.RATE_CELL.replace("$", ""))
        for rate, found, expected in wrong:
            sheet = self.layout.rate_sheets[rate]
            if not any(fault.sheet == sheet and fault.address == address(row, column) for fault in self.found):
                self._add("value", sheet, column, row, row, found, expected, abs(found - expected),
                          f"is {found!r} where the learning rate is {expected!r}")

    def engine(self, engine: str, columns: Sequence[Judged]) -> None:
        """Add the cells in which another program's value is not ours."""
        for judged in columns:
            self._stretches(judged.symbol, judged, judged.root, "engine", engine)

    def ordered(self) -> list[Fault]:
        """Return the faults: learning-rate sheets first, in order of rows and then of equations."""
        names = [*self.layout.rate_sheets, *(name for name in self.layout.sheets if name not in self.sheets)]
        place = {name: position for position, name in enumerate(names)}
        return sorted(self.found, key=lambda fault: (place[fault.sheet], *cell_at(fault.address)))

    def _cover(self, symbol: str) -> Mask:
        if symbol not in self.covered:
            self.covered[symbol] = np.zeros((len(self.layout.rate_sheets), self.layout.spec.iterations + 1), dtype=bool)
        return self.covered[symbol]

    def _stretches(self, symbol: str, judged: Judged, mask: Mask, kind: Kind, engine: str = "") -> None:
        column = self.layout.column_of[symbol].index
        for rate, sheet in enumerate(self.layout.rate_sheets):
            for first, last in _runs(mask[rate]):
                number = float(judged.found[rate, first])
                row = first + self.layout.FIRST_ROW
                found = number if np.isfinite(number) else _plain(self.lookup(sheet, address(row, column)))
                expected = float(judged.expected[rate, first])
                difference = float(judged.difference[rate, first:last + 1].max())
                if kind == "engine":
                    says = f"{engine} gives {_quoted(found)} where sheetprop gives {expected!r}"
                else:
                    says = f"is {_quoted(found)} where PyTorch gives {expected!r}"
                self._add(kind, sheet, column, row, last + self.layout.FIRST_ROW, found, expected, difference, says)

    def _add(self, kind: Kind, sheet: str, column: int, first: int, last: int, found: Any, expected: Any,
             difference: float | None, says: str) -> None:
        rate = self.sheets.get(sheet)
        start, end = address(first, column), address(last, column)
        symbol = iteration = None
        where = f"{sheet}!{start}" + (f":{end}" if end != start else "")
        if rate is not None and first >= self.layout.FIRST_ROW:
            symbol, iteration = self.symbols.get(column), first - self.layout.FIRST_ROW
            what = "iteration counter" if symbol == symbols.ITERATION else symbol
            where += f" ({what}, iteration {iteration}" + (" on)" if last > first else ")")
        self.found.append(Fault(
            sheet, start, end, kind, symbol, None if rate is None else self.learning_rates[rate],
            iteration, _plain(found), _plain(expected), difference, f"{where}: {says}"))


def _runs(mask: Mask) -> Iterator[tuple[int, int]]:
    return iter(runs(mask)) if mask.any() else iter(())


def _by(difference: float | None, *, agrees: bool) -> str:
    if difference is None:
        return "; its value agrees with PyTorch" if agrees else ""
    if not np.isfinite(difference):
        return "; it gives no number"
    return f"; its value is off by {difference:.3g}"


def _plain(value: Any) -> str | float | None:
    if value is None or isinstance(value, bool):
        return None if value is None else str(value).upper()
    return float(value) if isinstance(value, int | float) else str(value)


def _quoted(value: Any) -> str:
    plain = _plain(value)
    if plain is None:
        return "nothing"
    if isinstance(plain, float):
        return repr(plain)
    return plain if plain.startswith(("=", "#")) else repr(plain)

"""The table: cells compared and largest differences, by learning rate and group."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sheetprop.network.spec import Spec
from sheetprop.verification.displays import Shown
from sheetprop.verification.numbers import Array, Mask
from sheetprop.verification.result import Comparison
from sheetprop.verification.rows import Judged, Rows
from sheetprop.verification.run import Drift
from sheetprop.workbook.layout import Layout

GROUPS = ("inputs", "forward", "error", "gradients", "update", "halved", "run", "shown")
"""The groups of the comparisons with PyTorch, in reading order."""

_GROUP_OF = {"iteration": "inputs", "input": "inputs", "target": "inputs", "bias": "inputs", "forward": "forward",
             "error": "error", "backward": "gradients", "note": "halved"}


class _Group:
    """Adds up one line of the table."""

    def __init__(self) -> None:
        self.cells = self.differ = 0
        self.absolute = self.relative = 0.0
        self.worst: str | None = None

    def add(self, layout: Layout, judged: Judged, rate: int, part: slice) -> None:
        """Add rows of a column."""
        compared = judged.compared[rate, part]
        self.cells += int(compared.sum())
        self.differ += int((judged.differs[rate, part] & compared).sum())
        difference = judged.difference[rate, part]
        if not difference.any():
            return
        relative = relative_to(difference, judged.size[rate, part], compared)
        at = int(relative.argmax())
        self.absolute = max(self.absolute, float(difference.max()))
        if relative[at] > self.relative:
            self.relative = float(relative[at])
            self.worst = layout.address(judged.symbol, at + (part.start or 0))

    def line(self, rate: float | None, sheet: str, group: str) -> Comparison:
        """Return the finished line."""
        return Comparison(rate, sheet, group, self.cells, self.differ, self.absolute, self.relative, self.worst)


def relative_to(difference: Array, size: Array, compared: Mask) -> Array:
    """Return differences relative to the size of the terms; 0 where nothing was compared."""
    with np.errstate(all="ignore"):
        relative = np.where(difference == 0.0, 0.0, difference / size)
    return np.where(compared, relative, 0.0)


def comparisons(layout: Layout, spec: Spec, rows: Rows, drift: Drift, shown: Sequence[Shown]) -> list[Comparison]:
    """Return the lines of all groups."""
    result: list[Comparison] = []
    groups = {column.symbol: _GROUP_OF.get(column.group, "update") for column in layout.columns}
    everything = slice(0, None)
    for rate, sheet in enumerate(layout.rate_sheets):
        lines = {group: _Group() for group in GROUPS if group != "shown"}
        for symbol, judged in rows.columns.items():
            if groups[symbol] == "update":
                lines["inputs"].add(layout, judged, rate, slice(0, 1))
                lines["update"].add(layout, judged, rate, slice(1, None))
            else:
                lines[groups[symbol]].add(layout, judged, rate, everything)
        for judged in drift.columns.values():
            lines["run"].add(layout, judged, rate, everything)
        result += [line.line(spec.learning_rates[rate], sheet, group) for group, line in lines.items()]
    for sheet in layout.sheets:
        here = [one for one in shown if one.quantity.sheet == sheet]
        if here:
            worst = max(here, key=lambda one: one.relative)
            result.append(Comparison(
                None, sheet, "shown", len(here), sum(one.differs for one in here),
                max(one.difference for one in here), worst.relative,
                worst.quantity.address if worst.relative > 0 else None))
    return result


def engine(layout: Layout, spec: Spec, name: str, columns: Sequence[Judged]) -> list[Comparison]:
    """Return the lines of another program's values against ours."""
    result = []
    for rate, sheet in enumerate(layout.rate_sheets):
        line = _Group()
        for judged in columns:
            line.add(layout, judged, rate, slice(0, None))
        result.append(line.line(spec.learning_rates[rate], sheet, name))
    return result

"""The whole workbook as plain values: what stands in each cell, which rows are copied down, what has a counterpart."""

from __future__ import annotations

from collections.abc import Iterator

from sheetprop.workbook import chart_data, check, compare, diagram, parameters, rates, start, steps
from sheetprop.workbook.cells import Cells, Quantity
from sheetprop.workbook.layout import Layout
from sheetprop.workbook.names import CHART_DATA, CHECK, COMPARE, DIAGRAM, PARAMETERS, START, STEPS


def prescribed(layout: Layout) -> dict[str, Cells]:
    """Return the contents of every sheet, without PyTorch's values in Check.

    Of the learning-rate sheets only the rows down to `Layout.pattern_row` are given, of Compare those of
    iterations 0 and 1; the rows below are the last of these copied down (:func:`filled`).
    """
    result = {START: start.cells(layout), PARAMETERS: parameters.cells(layout), STEPS: steps.cells(layout),
              DIAGRAM: diagram.cells(layout)}
    for rate, name in enumerate(layout.rate_sheets):
        result[name] = rates.cells(layout, rate)
    result[COMPARE] = compare.cells(layout)
    result[CHECK] = check.cells(layout)
    if layout.is_long:
        result[CHART_DATA] = chart_data.cells(layout)
    return result


def filled(layout: Layout) -> list[tuple[str, int, int]]:
    """Return ``(sheet, row, last row)`` for every row that is copied down, relative references moving along."""
    if layout.spec.iterations < 2:
        return []
    pattern = layout.FIRST_ROW + layout.pattern_row
    result = [(name, pattern, layout.last_row) for name in layout.rate_sheets] if pattern < layout.last_row else []
    return [*result, (COMPARE, compare.FIRST_ROW + 1, compare.last_row(layout))]


def quantities(layout: Layout, *, rate: int = 0, iteration: int = 0) -> Iterator[Quantity]:
    """Yield every cell outside the learning-rate sheets that has a counterpart in PyTorch.

    Args:
        layout: the layout of the workbook.
        rate, iteration: what is chosen in the sheet Diagram.
    """
    yield from start.quantities(layout)
    yield from steps.quantities(layout)
    yield from diagram.quantities(layout, rate, iteration)
    yield from compare.quantities(layout)
    yield from check.quantities(layout)
    if layout.is_long:
        yield from chart_data.quantities(layout)

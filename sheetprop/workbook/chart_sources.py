"""What each chart of the workbook reads, as plain references: for the drawing and for the verification."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sheetprop.network import symbols
from sheetprop.workbook import chart_data
from sheetprop.workbook.formulas import letters, quoted
from sheetprop.workbook.layout import Layout
from sheetprop.workbook.names import COMPARE, START

COMPARE_HEAD_ROW = 5


@dataclass(frozen=True)
class ChartSource:
    """One chart.

    Attributes:
        sheet: where it is drawn.
        title: the cell that holds its title, or None where the title is a text of its own.
        series: of each the cell with its name, its horizontal and its vertical values.
    """

    sheet: str
    title: str | None
    series: tuple[tuple[str, str, str], ...]

    @property
    def references(self) -> tuple[str, ...]:
        """All that the chart reads, the title first, then series by series."""
        return (*([self.title] if self.title else []), *(one for series in self.series for one in series))


def curve(layout: Layout, rate: int) -> tuple[str, str]:
    """Return the references of the iterations and of the total error of a rate for its charts."""
    if layout.is_long:
        return chart_data.source(rate)
    sheet = layout.rate_sheets[rate]
    return layout.column_range(sheet, symbols.ITERATION), layout.column_range(sheet, symbols.TOTAL)


def rate_chart(layout: Layout, rate: int) -> ChartSource:
    """Return the chart on the sheet of a learning rate."""
    sheet = layout.rate_sheets[rate]
    name = f"{quoted(sheet)}!${layout.column_of[symbols.TOTAL].letter}${layout.SYMBOL_ROW}"
    return ChartSource(sheet, f"{quoted(sheet)}!$A$1", ((name, *curve(layout, rate)),))


def comparison(layout: Layout, sheet: str) -> ChartSource:
    """Return the chart of all learning rates, as it stands on `sheet`."""
    return ChartSource(sheet, None, tuple(
        (f"{COMPARE}!${letters(rate + 2)}${COMPARE_HEAD_ROW}", *curve(layout, rate))
        for rate in range(len(layout.rate_sheets))))


def sources(layout: Layout) -> Iterator[ChartSource]:
    """Yield every chart of the workbook."""
    yield comparison(layout, START)
    for rate in range(len(layout.rate_sheets)):
        yield rate_chart(layout, rate)
    yield comparison(layout, COMPARE)
    yield comparison(layout, COMPARE)

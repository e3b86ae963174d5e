"""Native charts: a scatter chart with straight lines, so that the iteration axis is a true axis."""

from __future__ import annotations

import colorsys
import math
from typing import Literal

from openpyxl.chart import ScatterChart
from openpyxl.chart.axis import ChartLines
from openpyxl.chart.data_source import AxDataSource, NumDataSource, NumRef, StrRef
from openpyxl.chart.legend import Legend
from openpyxl.chart.marker import Marker
from openpyxl.chart.series import SeriesLabel, XYSeries
from openpyxl.chart.shapes import GraphicalProperties
from openpyxl.chart.text import RichText, Text
from openpyxl.chart.title import Title
from openpyxl.drawing.line import LineProperties
from openpyxl.drawing.text import (
    CharacterProperties,
    Font,
    Paragraph,
    ParagraphProperties,
    RegularTextRun,
    RichTextProperties,
)

from sheetprop.workbook import style

__all__ = ["ScatterChart", "add_series", "curve_chart", "series_colour", "series_dash"]

Dash = Literal["solid", "dash", "sysDot", "dashDot", "lgDash", "sysDash", "lgDashDot"]
DASHES: tuple[Dash, ...] = ("solid", "dash", "sysDot", "dashDot", "lgDash", "sysDash", "lgDashDot")

# A chart with more series than this takes its colours from a scale instead of the palette of single colours.
_PALETTE_LIMIT = 16


def _characters(size: float, *, bold: bool = False, colour: str = style.INK) -> CharacterProperties:
    return CharacterProperties(sz=int(size * 100), b=bold, solidFill=colour, latin=Font(typeface=style.FONT))


def _title(text: str, size: float, *, bold: bool, turn: int | None = None) -> Title:
    properties = _characters(size, bold=bold)
    paragraph = Paragraph(pPr=ParagraphProperties(defRPr=properties), r=[RegularTextRun(rPr=properties, t=text)])
    body = RichTextProperties(rot=turn) if turn is not None else RichTextProperties()
    return Title(tx=Text(rich=RichText(bodyPr=body, p=[paragraph])), overlay=False)


def _cell_title(reference: str, size: float) -> Title:
    properties = _characters(size, bold=True)
    look = RichText(bodyPr=RichTextProperties(), p=[Paragraph(pPr=ParagraphProperties(defRPr=properties))])
    return Title(tx=Text(strRef=StrRef(f=reference)), txPr=look, overlay=False)


def _axis_text(size: float) -> RichText:
    return RichText(bodyPr=RichTextProperties(),
                    p=[Paragraph(pPr=ParagraphProperties(defRPr=_characters(size, colour=style.MUTED)))])


def _line(colour: str, width: int, dash: Dash = "solid") -> GraphicalProperties:
    return GraphicalProperties(ln=LineProperties(solidFill=colour, w=width, prstDash=dash))


def curve_chart(
    *,
    title: str | None,
    x_title: str,
    y_title: str,
    x_last: int,
    text: str = "",
    logarithmic: bool = False,
    width: float = 22,
    height: float = 11,
) -> ScatterChart:
    """Return an empty chart of curves over the iterations.

    Args:
        title: reference of the cell that holds the title, or None.
        x_title, y_title: titles of the axes.
        x_last: the last iteration; the axis ends there.
        text: the title where no cell holds it.
        logarithmic: whether the vertical axis is logarithmic.
        width, height: size in centimetres.
    """
    chart = ScatterChart()
    chart.scatterStyle = "lineMarker"
    chart.style = 2
    chart.width, chart.height = width, height  # type: ignore[assignment]
    chart.title = _cell_title(title, 14) if title else _title(text, 14, bold=True)
    chart.x_axis.title = _title(x_title, 11, bold=False)
    chart.y_axis.title = _title(y_title, 11, bold=False, turn=-5_400_000)
    scaling = chart.x_axis.scaling
    scaling.min, scaling.max = 0, x_last
    chart.x_axis.majorUnit = _unit(x_last)  # type: ignore[union-attr]
    chart.x_axis.number_format = "#,##0"
    chart.y_axis.number_format = "0E+00" if logarithmic else "General"
    if logarithmic:
        chart.y_axis.scaling.logBase = 10
        # The horizontal axis stays at the bottom, not at 1.
        chart.x_axis.crosses = "min"
    for axis in (chart.x_axis, chart.y_axis):
        axis.delete = False
        axis.tickLblPos = "low"
        axis.majorTickMark = "out"
        axis.txPr = _axis_text(10)
        axis.graphicalProperties = _line(style.MUTED, 9525)
    chart.x_axis.majorGridlines = None
    chart.y_axis.majorGridlines = ChartLines(spPr=_line("E1E6EB", 6350))
    chart.graphical_properties = GraphicalProperties(solidFill=style.PAPER, ln=LineProperties(solidFill=style.RULE))
    chart.plot_area.graphicalProperties = GraphicalProperties(solidFill=style.PAPER)
    chart.legend = Legend()
    chart.legend.position = "r"
    chart.legend.txPr = _axis_text(10)
    return chart


def _unit(last: int) -> float:
    """Return a round step that cuts 0 .. `last` into about ten pieces."""
    raw = max(1.0, last / 10)
    magnitude = 10.0 ** math.floor(math.log10(raw))
    return next(step * magnitude for step in (1, 2, 5, 10) if step * magnitude >= raw)


def add_series(chart: ScatterChart, x: str, y: str, *, name: str, colour: str, dash: Dash = "solid") -> None:
    """Add a curve; `x`, `y` and `name` are references, the name's to a cell with text."""
    series = XYSeries(idx=len(chart.series), order=len(chart.series), tx=SeriesLabel(strRef=StrRef(f=name)))
    series.xVal = AxDataSource(numRef=NumRef(f=x))
    series.yVal = NumDataSource(numRef=NumRef(f=y))
    series.smooth = False
    series.graphicalProperties = _line(colour, 22225, dash)
    series.marker = Marker(symbol="none")
    chart.series.append(series)


def series_dash(index: int, count: int) -> Dash:
    """Return the dash of a curve: where single colours come round again, the dash tells them apart."""
    return DASHES[index // len(style.SERIES)] if count <= _PALETTE_LIMIT else "solid"


def series_colour(index: int, count: int) -> str:
    """Return the colour of a curve: single colours for few, a scale from blue to red for many."""
    if count <= _PALETTE_LIMIT:
        return style.SERIES[index % len(style.SERIES)]
    red, green, blue = colorsys.hsv_to_rgb(0.68 * (1 - index / (count - 1)), 0.85, 0.75)
    return f"{round(red * 255):02X}{round(green * 255):02X}{round(blue * 255):02X}"

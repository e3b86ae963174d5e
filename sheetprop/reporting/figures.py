"""Every drawing of a report, made once for all formats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sheetprop.mnist.record import Run
from sheetprop.reporting import netpicture, sheetsvg
from sheetprop.reporting.backprop import Curve
from sheetprop.reporting.context import Context
from sheetprop.reporting.sheetpictures import SheetPicture, blocks, shortened, widened
from sheetprop.reporting.words import plain
from sheetprop.workbook.layout import Layout

LIBRARY = "matplotlib.backends.backend_svg"
"""What the charts need, and what takes long to import."""

FRONT = "front"
"""The figure of the first page."""

PAGE = 1860
"""Widest piece of a sheet on a page, in the sheet's own pixels."""


@dataclass(frozen=True)
class Figures:
    """Drawings as SVG by name; a name that does not apply is absent."""

    svg: dict[str, str]


@dataclass(frozen=True)
class SheetDrawing:
    """One sheet in one view, cut into pieces that fit a page."""

    picture: SheetPicture
    view: str
    pieces: tuple[str, ...]


def charts(curves: Sequence[Curve], run: Run | None) -> dict[str, str]:
    """Draw what matplotlib draws."""
    from sheetprop.reporting import plots

    svg: dict[str, str] = {}
    if curves:
        svg["comparison"] = plots.comparison(curves, log=False, name="compare")
        # The same once more for the first page, with ids of its own.
        svg[FRONT] = svg["comparison"].replace("compare-", "front-")
        svg["comparison-log"] = plots.comparison(curves, log=True, name="comparelog")
        svg["each"] = plots.each(curves, name="each")
    if run is not None and run.epochs:
        svg["training"] = plots.training(run, name="training")
        if run.per_class:
            svg["per-class"] = plots.per_class(run, name="perclass")
    return svg


def draw(context: Context, drawn: dict[str, str]) -> Figures:
    """Return every drawing of a report.

    Args:
        context: what it says.
        drawn: the charts.
    """
    svg = dict(drawn)
    part1, part2 = context.backprop, context.mnist
    if part1 is not None:
        rate = part1.choice.rates[0]
        svg["network"] = netpicture.draw(
            part1.spec.network, part1.choice.at(0, 0),
            f"The {part1.spec.network.shape} network with its numbers at η = {plain(rate)}, iteration 0.")
    if part2 is not None and part2.diagram:
        svg["architecture"] = part2.diagram
    return Figures({name: drawing for name, drawing in svg.items() if drawing})


def sheet_drawings(context: Context, *, background: bool) -> list[SheetDrawing]:
    """Draw the sheets for paper and Markdown, each in values view and, where it has formulas, in formulas view.

    The sheets of the learning rates differ in their numbers only, so all but the first are shown shorter.

    Args:
        context: with the sheets.
        background: paint a white page behind each, for places that may be dark.
    """
    if context.backprop is None:
        return []
    pictures = context.backprop.pictures
    first_rate = next((picture.name for picture in pictures.sheets if picture.kind == "rate"), "")
    result = []
    for picture in pictures.sheets:
        shorter = picture.kind == "rate" and picture.name != first_rate
        for view in ("values", "formulas") if picture.formulas else ("values",):
            rows = (2, 3) if view == "values" else (1, 1)
            shown = shortened(picture, Layout.FIRST_ROW + rows[0], rows[1]) if shorter else picture
            shown = widened(shown, sheetsvg.FORMULA_CHARACTER) if view == "formulas" else shown
            result.append(SheetDrawing(shown, view, tuple(
                sheetsvg.draw(shown, columns, pictures.looks, formulas=view == "formulas", background=background)
                for columns in blocks(shown, PAGE))))
    return result

"""Every drawing of a report, made once for all formats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sheetprop.reporting import netpicture, plots, sheetsvg
from sheetprop.reporting.cellstyles import Look
from sheetprop.reporting.context import Context
from sheetprop.reporting.sheetpictures import LAST_ROWS, PicturedColumn, SheetPicture, blocks, shortened
from sheetprop.reporting.words import plain
from sheetprop.workbook.layout import Layout
from sheetprop.workbook.names import CHECK, COMPARE

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


def draw(context: Context) -> Figures:
    """Draw everything that the context has figures for."""
    svg: dict[str, str] = {}
    part1, part2 = context.backprop, context.mnist
    if part1 is not None:
        rate = part1.choice.rates[0]
        svg["network"] = netpicture.draw(
            part1.spec.network, part1.choice.at(0, 0),
            f"The {part1.spec.network.shape} network with its numbers at η = {plain(rate)}, iteration 0.")
        svg["comparison"] = plots.comparison(part1.curves, log=False, name="compare")
        # The same once more for the first page, with ids of its own.
        svg[FRONT] = svg["comparison"].replace("compare-", "front-")
        svg["comparison-log"] = plots.comparison(part1.curves, log=True, name="comparelog")
        svg["each"] = plots.each(part1.curves, name="each")
    if part2 is not None:
        if part2.diagram:
            svg["architecture"] = part2.diagram
        if part2.run is not None and part2.run.epochs:
            svg["training"] = plots.training(part2.run, name="training")
            if part2.run.per_class:
                svg["per-class"] = plots.per_class(part2.run, name="perclass")
    return Figures({name: drawing for name, drawing in svg.items() if drawing})


def sheet_drawings(context: Context, *, background: bool) -> list[SheetDrawing]:
    """Draw the sheets for paper and Markdown.

    Formulas are drawn where they tell something new: in the first sheet of a learning rate, whose
    formulas the others repeat, and in the first columns of Compare and Check.
    """
    if context.backprop is None:
        return []
    pictures = context.backprop.pictures
    first_rate = next((picture.name for picture in pictures.sheets if picture.kind == "rate"), "")
    result = []
    for picture in pictures.sheets:
        shown = picture
        if picture.kind == "rate" and picture.name != first_rate:
            shown = shortened(picture, Layout.FIRST_ROW + 2, LAST_ROWS)
        pieces = blocks(shown, PAGE)
        result.append(_drawing(shown, pieces, pictures.looks, "values", background=background))
        if picture.formulas and picture.name in (first_rate, COMPARE, CHECK):
            kept = pieces if picture.name == first_rate else pieces[:1]
            result.append(_drawing(shown, kept, pictures.looks, "formulas", background=background))
    return result


def _drawing(picture: SheetPicture, pieces: Sequence[Sequence[PicturedColumn]], looks: Sequence[Look], view: str, *,
             background: bool) -> SheetDrawing:
    drawn = tuple(sheetsvg.draw(picture, columns, looks, formulas=view == "formulas", background=background)
                  for columns in pieces)
    return SheetDrawing(picture, view, drawn)

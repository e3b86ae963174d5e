"""Every drawing of a report, made once for all formats."""

from __future__ import annotations

from dataclasses import dataclass

from sheetprop.reporting import netpicture, plots, sheetsvg
from sheetprop.reporting.context import Context
from sheetprop.reporting.sheetpictures import SheetPicture, blocks
from sheetprop.reporting.words import plain

# Widest piece of a sheet on a page, in the sheet's own pixels.
_PAGE = 1800


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
    """Draw the sheets, each in both views where it has formulas.

    The sheets of the learning rates hold the same formulas; only the first is drawn in formulas view.
    """
    if context.backprop is None:
        return []
    pictures = context.backprop.pictures
    result = []
    shown_rates = 0
    for picture in pictures.sheets:
        views = ["values", "formulas"] if picture.formulas else ["values"]
        if picture.kind == "rate":
            shown_rates += 1
            views = views if shown_rates == 1 else ["values"]
        pieces = blocks(picture, _PAGE)
        for view in views:
            drawn = tuple(sheetsvg.draw(picture, columns, pictures.looks, formulas=view == "formulas",
                                        background=background) for columns in pieces)
            result.append(SheetDrawing(picture, view, drawn))
    return result

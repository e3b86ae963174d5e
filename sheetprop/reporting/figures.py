"""Every drawing of a report, made once for all formats."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from sheetprop.mnist.record import Run
from sheetprop.reporting import netpicture, sheetsvg
from sheetprop.reporting.backprop import Curve
from sheetprop.reporting.context import Context
from sheetprop.reporting.equations import Layouts
from sheetprop.reporting.sheetpictures import Pictures, SheetPicture, blocks, shortened, widened
from sheetprop.reporting.words import plain
from sheetprop.workbook.layout import Layout

FRONT = "front"
"""The figure of the first page."""

PAGE, FORMULAS_PAGE = 1860, 1400
"""Width of a page in a sheet's own pixels, in values view and in formulas view, whose letters are smaller."""


@dataclass(frozen=True)
class SheetDrawing:
    """One sheet in one view, cut into pieces that fit a page so many pixels wide."""

    picture: SheetPicture
    view: str
    page: int
    pieces: tuple[str, ...]


@dataclass(frozen=True)
class Figures:
    """Everything that is drawn.

    Attributes:
        svg: drawings by name; a name that does not apply is absent.
        layouts: the atoms of the equations.
        pictures: the sheets, before they are drawn.
    """

    svg: dict[str, str]
    layouts: Layouts
    pictures: Pictures | None

    @cached_property
    def sheets(self) -> tuple[SheetDrawing, ...]:
        """The sheets, drawn for paper and Markdown; a page for the screen shows them as tables instead."""
        return tuple(_sheet_drawings(self.pictures)) if self.pictures is not None else ()


def error_charts(curves: Sequence[Curve]) -> dict[str, str]:
    """Draw the charts of part 1."""
    from sheetprop.reporting import plots

    comparison = plots.comparison(curves, log=False, name="compare")
    return {
        "comparison": comparison,
        FRONT: comparison.replace("compare-", "front-"),  # the same for the first page, with ids of its own
        "comparison-log": plots.comparison(curves, log=True, name="comparelog"),
        "each": plots.each(curves, name="each"),
    }


def run_charts(run: Run | None) -> dict[str, str]:
    """Draw the charts of part 2."""
    from sheetprop.reporting import plots

    if run is None or not run.epochs:
        return {}
    bars = {"per-class": plots.per_class(run, name="perclass")} if run.per_class else {}
    return {"training": plots.training(run, name="training"), **bars}


def draw(context: Context, drawn: dict[str, str], layouts: Layouts) -> Figures:
    """Return every drawing of a report.

    Args:
        context: what it says.
        drawn: the charts.
        layouts: the atoms of the equations.
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
    return Figures({name: drawing for name, drawing in svg.items() if drawing}, layouts,
                   None if part1 is None else part1.pictures)


def _sheet_drawings(pictures: Pictures) -> Iterator[SheetDrawing]:
    """Draw each sheet in values view and, where it has formulas, in formulas view.

    The sheets of the learning rates differ in their numbers only, so all but the first are shown shorter.
    """
    first_rate = next((picture.name for picture in pictures.sheets if picture.kind == "rate"), "")
    for picture in pictures.sheets:
        shorter = picture.kind == "rate" and picture.name != first_rate
        for view in ("values", "formulas") if picture.formulas else ("values",):
            formulas = view == "formulas"
            page = FORMULAS_PAGE if formulas and not shorter else PAGE
            shown = picture
            if shorter:
                first, last = (1, 1) if formulas else (2, 3)
                shown = shortened(picture, Layout.FIRST_ROW + first, last)
            elif formulas and picture.kind != "rate":  # the columns of a rate's sheet have room enough
                shown = widened(picture, sheetsvg.FORMULA_CHARACTER)
            yield SheetDrawing(shown, view, page, tuple(
                sheetsvg.draw(shown, columns, pictures.looks, formulas=formulas) for columns in blocks(shown, page)))

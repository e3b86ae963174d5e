"""A derivation with its numbers becomes the sheets of a book."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from sheetprop.errors import SheetpropError
from sheetprop.modules.derivation import Derivation
from sheetprop.modules.formula import Compound, Dot, Floats, Formula, Places, Total
from sheetprop.modules.learning import Learning, derive
from sheetprop.modules.reference import expected
from sheetprop.modules.tensors import Block
from sheetprop.workbook.exported.book import Spec
from sheetprop.workbook.exported.checkpage import Slope, check_page
from sheetprop.workbook.exported.layout import Layout
from sheetprop.workbook.exported.package import write
from sheetprop.workbook.exported.pages import Rendering, pages
from sheetprop.workbook.exported.startpage import start_page
from sheetprop.workbook.formulas import MAX_FORMULA

SWITCH_ABOVE = 20_000
"""Cells above which a book gets a switch for the way back."""


def rendered(spec: Spec, learning: Learning, values: Callable[[Layout], Floats] | None = None) -> Rendering:
    """Return the book with formulas printed; sums that are too long are cut first.

    Args:
        spec: what it is made from; its cuts are made already (see :func:`restored`).
        learning: what was derived.
        values: gives the numbers of all places for the layout; by default they are computed.
    """
    while True:
        layout = Layout(learning)
        book = Rendering(spec, learning, layout, np.zeros(0))
        long = {first: max(map(len, texts)) for first, texts in book.formulas.items()
                if max(map(len, texts), default=0) > MAX_FORMULA - 64}
        if not long:
            book.values = learning.d.evaluate() if values is None else values(layout)
            return book
        cuts = tuple((first, -(-length // (MAX_FORMULA // 2))) for first, length in long.items())
        spec = replace(spec, cuts=(*spec.cuts, *cuts))
        _cut_all(learning, cuts)


def restored(spec: Spec, given: dict[str, Floats] | None = None) -> Learning:
    """Return the derivation of a book.

    Args:
        spec: what it was made from.
        given: numbers by name of the program; zeros where they stand in cells and are read later.
    """
    numbers = given or {one.name: np.zeros(one.shape) for one in spec.program.given if one.values is None}
    learning = derive(spec.program, numbers, optimizer=spec.optimizer, switch=spec.switch)
    _cut_all(learning, spec.cuts)
    return learning


def _cut_all(learning: Learning, cuts: Sequence[tuple[int, int]]) -> None:
    by_first = {block.first: block for block in learning.d.blocks}
    for first, parts in cuts:
        if first not in by_first:
            raise SheetpropError("the program part of the book is damaged (a sum is cut that is not there); "
                                 "export the module again")
        _cut(learning.d, by_first[first], parts)


def _cut(d: Derivation, block: Block, parts: int) -> None:
    """Replace the sums in a block by sums of partial sums, which get cells of their own."""
    changed = False
    pieces: list[tuple[Places | None, Formula]] = []
    for at, formula in block.pieces:
        new, more = _without_sums(d, block, formula, parts)
        changed |= more
        pieces.append((at, new))
    if not changed:
        raise SheetpropError(f"{block.name}: its formula is longer than the {MAX_FORMULA} characters of a cell and "
                             "cannot be cut; export a smaller module")
    block.pieces[:] = pieces


def _without_sums(d: Derivation, block: Block, formula: Formula, parts: int) -> tuple[Formula, bool]:
    if isinstance(formula, Dot | Total):
        arrays = (formula.left, formula.right) if isinstance(formula, Dot) else (formula.places,)
        terms = arrays[0].shape[1]
        if terms < 2 * parts:
            return formula, False
        each = -(-terms // parts)
        cuts = [tuple(array[:, k:k + each] for array in arrays) for k in range(0, terms, each)]
        columns = []
        for number, cut in enumerate(cuts, start=1):
            made = d.insert(block, f"{block.name}.part{number}", formula.count,
                            Dot(*cut) if isinstance(formula, Dot) else Total(*cut))
            columns.append(made)
        return Total(np.stack(columns, axis=1)), True
    if isinstance(formula, Compound):
        found = [_without_sums(d, block, part, parts) for part in formula.parts]
        if any(more for _, more in found):
            return formula.rebuilt(tuple(new for new, _ in found)), True
    return formula, False


def finished(book: Rendering, theirs: Floats | None = None) -> Rendering:
    """Write all sheets of a book; `theirs` are PyTorch's numbers, where they are known already."""
    pages(book)
    held = expected(book.learning, book.values) if theirs is None else theirs
    start_page(book, check_page(book, held, [Slope(*one) for one in book.spec.slopes]))
    return book


def prepared(spec: Spec, learning: Learning) -> Rendering:
    """Return the book of a fresh derivation: values computed, long sums cut, central differences taken."""
    book = rendered(spec, learning)
    slopes = tuple((one.name, one.place, one.gradient, one.difference)
                   for one in central_differences(learning, book.values))
    book.spec = replace(book.spec, slopes=slopes)
    return finished(book)


def saved(book: Rendering, path: Path) -> None:
    """Write a finished book."""
    write(path, book.sheets, book.strings, book.styles, book.names, book.spec.to_json(),
          f"{book.spec.program.title}, cell by cell")


def central_differences(learning: Learning, values: Floats, count: int = 5) -> list[Slope]:
    """Return the slope of the loss along a few weights by moving each a little, with the book's own formulas."""
    d = learning.d
    if learning.optimizer is None or learning.loss is None:
        return []
    forward = [block for block in d.blocks if block.role in ("forward", "working", "loss")]
    found = []
    parameters = [block for block in d.blocks if block.role == "parameter" and d.gradient_block(block) is not None]
    step = max(1, len(parameters) // count)
    for block in parameters[::step][:count]:
        gradient = d.gradient_block(block)
        assert gradient is not None
        at = int(np.argmax(np.abs(values[gradient.first:gradient.first + gradient.size])))
        place, h = block.first + at, 1e-5 * max(1.0, abs(float(values[block.first + at])))
        ends = []
        for sign in (1, -1):
            moved = values.copy()
            moved[place] += sign * h
            for one in forward:
                for index, formula in one.pieces:
                    span = one.first + (np.arange(one.size) if index is None else index)
                    moved[span] = formula.value(moved)
            ends.append(float(moved[learning.loss]))
        where = ",".join(str(int(k)) for k in np.unravel_index(at, block.shape)) if block.shape else ""
        found.append(Slope(f"{block.name}[{where}]", place, gradient.first + at, (ends[0] - ends[1]) / (2 * h)))
    return found

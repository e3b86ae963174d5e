"""Formulas of elements as the text of cells.

What stands in a rectangle is read as a range: a window times a kernel is one SUMPRODUCT, a row times
a column one MMULT, the rest single products. A reference is fixed (``$``) along the direction in
which the neighbours of the cell read the same place, as one would write it to fill right or down.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sheetprop.modules.formula import (
    ZERO,
    Apply,
    Cell,
    Choice,
    Dot,
    Formula,
    If,
    Largest,
    Matching,
    Minus,
    Number,
    Over,
    Places,
    Plus,
    Times,
    Total,
)
from sheetprop.modules.tensors import Block
from sheetprop.workbook.exported.layout import Layout
from sheetprop.workbook.formulas import letters, quoted

ATOM, PRODUCT, SUM = 3, 2, 1
Texts = list[str]
MAX_ARGUMENTS = 200


def number(value: float) -> str:
    """Return a number as a formula writes it."""
    if math.isinf(value):
        return "9.99E+307" if value > 0 else "-9.99E+307"
    if float(value).is_integer() and abs(value) < 1e15:
        return str(int(value))
    return repr(float(value)).upper()


@dataclass
class _Spot:
    """The cells for which a piece is printed: their sheet, and which of them are neighbours."""

    sheet: int
    beside: tuple[Places, Places]
    below: tuple[Places, Places]

    def take(self, index: Places, count: int) -> _Spot:
        """Return the spot of some of the cells."""
        at = np.full(count, -1, dtype=np.int64)
        at[index] = np.arange(len(index))

        def kept(pairs: tuple[Places, Places]) -> tuple[Places, Places]:
            first, second = at[pairs[0]], at[pairs[1]]
            keep = (first >= 0) & (second >= 0)
            return first[keep], second[keep]

        return _Spot(self.sheet, kept(self.beside), kept(self.below))


class Printer:
    """Prints the formulas of blocks."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        d = layout.learning.d
        self.d = d
        widest = int(layout.column.max(initial=1))
        self.letters = ["", *(letters(k) for k in range(1, widest + 1))]
        self.prefixes = [f"{quoted(page.name) if not _plain(page.name) else page.name}!" for page in layout.pages]
        self.names: dict[int, str] = {block.first: block.name for block in d.blocks if block.role == "setting"}
        self.gate = "backward" if any(block.name == "backward" for block in d.blocks) else None
        # The address of each place, the constants behind, so that negative indices find them.
        self.sheet = np.concatenate([layout.sheet, np.full(len(d.constants), -1)])
        self.row = np.concatenate([layout.row, np.zeros(len(d.constants), dtype=np.int64)])
        self.column = np.concatenate([layout.column, np.zeros(len(d.constants), dtype=np.int64)])

    def formulas(self, block: Block) -> Texts:
        """Return the formula of each cell of a block, in order, without the leading ``=``."""
        area = self.layout.area(block)
        found = [""] * block.size
        gated = self.gate is not None and block.role in ("gradient", "update")
        for at, formula in block.pieces:
            index = np.arange(block.size) if at is None else at
            spot = _Spot(area.sheet, *_neighbours(area.rows, area.columns)).take(index, block.size)
            texts, _ = self._text(formula, spot)
            if gated:
                texts = [f"IF({self.gate}=0,0,{text})" for text in texts]
            if at is None:
                return texts
            for k, text in zip(index.tolist(), texts, strict=True):
                found[k] = text
        return found

    # References

    def _refs(self, places: Places, spot: _Spot, *, prefix: bool = True) -> Texts:
        """Return the text of one reference for each cell."""
        if not len(places):
            return []
        if places.min() < 0:
            texts = [""] * len(places)
            live = np.flatnonzero(places >= 0)
            for k, text in zip(live.tolist(), self._refs(places[live], spot.take(live, len(places))), strict=True):
                texts[k] = text
            for k in np.flatnonzero(places < 0).tolist():
                text = number(self.d.constants[-1 - int(places[k])])
                texts[k] = f"({text})" if text.startswith("-") else text
            return texts
        if int(places[0]) in self.names and (places == places[0]).all():
            return [self.names[int(places[0])]] * len(places)
        columns, rows, sheets = self.column[places], self.row[places], self.sheet[places]
        fix_column = "$" if _constant(columns, spot.beside) else ""
        fix_row = "$" if _constant(rows, spot.below) else ""
        known = self.letters
        if prefix and not (sheets == spot.sheet).all():
            heads = [self.prefixes[s] if s != spot.sheet else "" for s in sheets.tolist()]
            return [f"{head}{fix_column}{known[c]}{fix_row}{r}"
                    for head, c, r in zip(heads, columns.tolist(), rows.tolist(), strict=True)]
        return [f"{fix_column}{known[c]}{fix_row}{r}" for c, r in zip(columns.tolist(), rows.tolist(), strict=True)]

    def _ranges(self, first: Places, last: Places, spot: _Spot) -> Texts:
        """Return the text of one range for each cell."""
        ends = self._refs(last, spot, prefix=False)
        return [f"{a}:{b}" for a, b in zip(self._refs(first, spot), ends, strict=True)]

    # Formulas

    def _text(self, formula: Formula, spot: _Spot) -> tuple[Texts, int]:
        """Return the text for each cell, and how tightly it binds."""
        method: Callable[[Formula, _Spot], tuple[Texts, int]] = getattr(self, f"_{type(formula).__name__.lower()}")
        return method(formula, spot)

    def _cell(self, formula: Cell, spot: _Spot) -> tuple[Texts, int]:
        return self._refs(formula.places, spot), ATOM

    def _number(self, formula: Number, _spot: _Spot) -> tuple[Texts, int]:
        text = number(formula.number)
        return [text] * formula.count, SUM if text.startswith("-") else ATOM

    def _parts(self, parts: Sequence[Formula], spot: _Spot, first: int, rest: int) -> list[Texts]:
        """Return the texts of operands, in brackets where they bind less tightly than wanted."""
        found = []
        for k, part in enumerate(parts):
            texts, level = self._text(part, spot)
            wanted = first if k == 0 else rest
            found.append(texts if level >= wanted else [f"({text})" for text in texts])
        return found

    def _plus(self, formula: Plus, spot: _Spot) -> tuple[Texts, int]:
        return _joined("+", self._parts(formula.parts, spot, SUM, PRODUCT)), SUM

    def _minus(self, formula: Minus, spot: _Spot) -> tuple[Texts, int]:
        first = formula.parts[0]
        if isinstance(first, Number) and first.number == 0:
            inner = self._parts(formula.parts[1:], spot, PRODUCT, PRODUCT)[0]
            return [f"-{text}" for text in inner], SUM
        return _joined("-", self._parts(formula.parts, spot, SUM, PRODUCT)), SUM

    def _times(self, formula: Times, spot: _Spot) -> tuple[Texts, int]:
        return _joined("*", self._parts(formula.parts, spot, PRODUCT, ATOM)), PRODUCT

    def _over(self, formula: Over, spot: _Spot) -> tuple[Texts, int]:
        return _joined("/", self._parts(formula.parts, spot, PRODUCT, ATOM)), PRODUCT

    def _apply(self, formula: Apply, spot: _Spot) -> tuple[Texts, int]:
        inner = _joined(",", self._parts(formula.parts, spot, 0, 0))
        return [f"{formula.function}({text})" for text in inner], ATOM

    def _if(self, formula: If, spot: _Spot) -> tuple[Texts, int]:
        a, b, yes, no = self._parts(formula.parts, spot, SUM, SUM)
        sign = formula.comparison
        return [f"IF({p}{sign}{q},{x},{y})" for p, q, x, y in zip(a, b, yes, no, strict=True)], ATOM

    def _choice(self, formula: Choice, spot: _Spot) -> tuple[Texts, int]:
        keys = self._refs(formula.index, spot)
        runs = _runs(self._coordinates(formula.options[0]))
        steady = len(runs) == 1 and runs[0].kind == "rectangle" and 1 in (runs[0].height, runs[0].width)
        if steady and self._alike(formula.options):
            ranges = self._ranges(formula.options[:, 0], formula.options[:, -1], spot)
            return [f"INDEX({area},{key}+1)" for area, key in zip(ranges, keys, strict=True)], ATOM
        options = [self._refs(formula.options[:, k], spot) for k in range(formula.options.shape[1])]
        return [f"CHOOSE({key}+1,{text})" for key, text in zip(keys, _joined(",", options), strict=True)], ATOM

    def _matching(self, formula: Matching, spot: _Spot) -> tuple[Texts, int]:
        wanted = formula.wanted.tolist()
        left, right = _runs(self._coordinates(formula.keys[0])), _runs(self._coordinates(formula.places[0]))
        if (len(left) == 1 and len(right) == 1 and left[0].shape == right[0].shape and formula.keys.shape[1] > 1
                and self._alike(formula.keys) and self._alike(formula.places)):
            keys = self._ranges(formula.keys[:, 0], formula.keys[:, -1], spot)
            sums = self._ranges(formula.places[:, 0], formula.places[:, -1], spot)
            return [f"SUMIF({k},{w},{s})" for k, w, s in zip(keys, wanted, sums, strict=True)], ATOM
        parts = []
        for k in range(formula.keys.shape[1]):
            keys = self._refs(formula.keys[:, k], spot)
            flows = self._refs(formula.places[:, k], spot)
            parts.append([f"IF({key}={w},{flow},0)" for key, w, flow in zip(keys, wanted, flows, strict=True)])
        return _joined("+", parts), SUM

    def _alike(self, places: Places) -> bool:
        """Whether every row of places has the shape of the first."""
        rows = self.row[places] - self.row[places[:, :1]]
        columns = self.column[places] - self.column[places[:, :1]]
        return bool((rows == rows[0]).all() and (columns == columns[0]).all() and (places >= 0).all())

    # Sums over places

    def _total(self, formula: Total, spot: _Spot) -> tuple[Texts, int]:
        return self._grouped((formula.places,), spot, self._summed)

    def _dot(self, formula: Dot, spot: _Spot) -> tuple[Texts, int]:
        return self._grouped((formula.left, formula.right), spot, self._multiplied)

    def _largest(self, formula: Largest, spot: _Spot) -> tuple[Texts, int]:
        name = "MIN" if formula.least else "MAX"

        def chosen(factors: tuple[Places, ...], spot: _Spot) -> tuple[Texts, int]:
            items = self._items(factors[0], spot)
            return [f"{name}({text})" for text in _joined(",", items)], ATOM

        return self._grouped((formula.places,), spot, chosen)

    def _grouped(self, factors: tuple[Places, ...], spot: _Spot,
                 write: Callable[[tuple[Places, ...], _Spot], tuple[Texts, int]]) -> tuple[Texts, int]:
        """Print cells whose terms have the same shape together."""
        count, terms = factors[0].shape
        if count == 0:
            return [], ATOM
        if terms == 0:
            return ["0"] * count, ATOM
        keep = factors[0] != ZERO
        for other in factors[1:]:
            keep &= other != ZERO
        marks = [keep]
        for places in factors:
            first = np.argmax(keep, axis=1)
            origin = places[np.arange(count), first]
            marks += [np.where(keep & (places >= 0), held[places] - held[origin][:, None], 0)
                      for held in (self.row, self.column)]
            marks += [np.where(keep, self.sheet[places], -2), np.where(places < 0, places, 0)]
        key = np.ascontiguousarray(np.concatenate(marks, axis=1).astype(np.int32))
        _, group = np.unique(key.view(np.dtype((np.void, key.shape[1] * 4))).reshape(-1), return_inverse=True)
        found = [""] * count
        level = ATOM
        order = np.argsort(group, kind="stable")
        for index in np.split(order, np.flatnonzero(np.diff(group[order])) + 1):
            used = np.flatnonzero(keep[index[0]])
            if not len(used):
                texts, own = ["0"] * len(index), ATOM
            else:
                index = np.sort(index)
                texts, own = write(tuple(places[np.ix_(index, used)] for places in factors), spot.take(index, count))
            level = min(level, own)
            for k, text in zip(index.tolist(), texts, strict=True):
                found[k] = text
        return found, level

    def _coordinates(self, places: Places) -> list[tuple[int, int, int]]:
        return list(zip(self.sheet[places].tolist(), self.row[places].tolist(), self.column[places].tolist(),
                        strict=True))

    def _items(self, places: Places, spot: _Spot) -> list[Texts]:
        """Return ranges and single references that cover the terms."""
        items = []
        for run in _runs(self._coordinates(places[0])):
            first, last = places[:, run.first], places[:, run.last]
            items.append(self._refs(first, spot) if run.first == run.last else self._ranges(first, last, spot))
        return items

    def _summed(self, factors: tuple[Places, ...], spot: _Spot) -> tuple[Texts, int]:
        items = self._items(factors[0], spot)
        if factors[0].shape[1] == len(items) <= 3:
            return _joined("+", items), SUM if len(items) > 1 else ATOM
        parts = [[f"SUM({text})" for text in _joined(",", items[k:k + MAX_ARGUMENTS])]
                 for k in range(0, len(items), MAX_ARGUMENTS)]
        return _joined("+", parts), SUM if len(parts) > 1 else ATOM

    def _multiplied(self, factors: tuple[Places, ...], spot: _Spot) -> tuple[Texts, int]:
        left, right = factors
        parts: list[Texts] = []
        level = ATOM
        for run in _runs(self._coordinates(left[0]), self._coordinates(right[0])):
            a, b = left[:, run.first], right[:, run.first]
            if run.kind == "one":
                parts.append(self._product(a, b, spot))
                level = min(level, PRODUCT)
                continue
            areas = self._ranges(a, left[:, run.last], spot), self._ranges(b, right[:, run.last], spot)
            if run.kind == "rectangle":
                parts.append([f"SUMPRODUCT({p},{q})" for p, q in zip(*areas, strict=True)])
            else:
                across, down = areas if run.kind == "across" else areas[::-1]
                parts.append([f"SUM(MMULT({p},{q}))" for p, q in zip(across, down, strict=True)])
        return _joined("+", parts), level if len(parts) == 1 else SUM

    def _product(self, a: Places, b: Places, spot: _Spot) -> Texts:
        """Return ``a*b``; a constant 1 is left out."""
        p, q = self._refs(a, spot), self._refs(b, spot)
        return [y if x == "1" else x if y == "1" else f"{x}*{y}" for x, y in zip(p, q, strict=True)]


@dataclass(frozen=True)
class _Run:
    """Terms that stand together: a rectangle, a row against a column, or one alone."""

    first: int
    last: int
    kind: str
    height: int = 1
    width: int = 1

    @property
    def shape(self) -> tuple[int, int]:
        return self.height, self.width


_Points = list[tuple[int, int, int]]


def _steps(points: _Points, k: int) -> str:
    """Return whether the next point stands to the right (``>``), below (``v``) or elsewhere."""
    (s, r, c), (t, q, e) = points[k], points[k + 1]
    if s != t or s < 0:
        return "."
    return ">" if (q, e) == (r, c + 1) else "v" if (q, e) == (r + 1, c) else "."


def _runs(*factors: _Points) -> list[_Run]:
    """Cut terms into runs; with two factors both have to run."""
    count = len(factors[0])
    steps = list(zip(*([_steps(points, k) for k in range(count - 1)] for points in factors), strict=True))
    across, down = (">",) * len(factors), ("v",) * len(factors)
    found: list[_Run] = []
    at = 0
    while at < count:
        run = _run_from(factors, steps, at, across, down)
        found.append(run)
        at = run.last + 1
    return found


def _run_from(factors: tuple[_Points, ...], steps: list[tuple[str, ...]], at: int, across: tuple[str, ...],
              down: tuple[str, ...]) -> _Run:
    count = len(factors[0])
    width = 1
    while at + width < count and steps[at + width - 1] == across:
        width += 1
    if width > 1:
        height = 1
        while _next_row(factors, steps, at, width, height, across):
            height += 1
        return _Run(at, at + width * height - 1, "rectangle", height, width)
    for way, kind in ((down, "rectangle"), ((">", "v"), "across"), (("v", ">"), "down")):
        length = 1
        while at + length < count and steps[at + length - 1] == way:
            length += 1
        if length > 1 and len(way) == len(factors):
            return _Run(at, at + length - 1, kind, length, 1)
    return _Run(at, at, "one")


def _next_row(factors: tuple[_Points, ...], steps: list[tuple[str, ...]], at: int, width: int, height: int,
              across: tuple[str, ...]) -> bool:
    """Whether another row of the same width stands below a rectangle."""
    start = at + width * height
    if start + width > len(factors[0]):
        return False
    for points in factors:
        sheet, row, column = points[at]
        if points[start] != (sheet, row + height, column):
            return False
    return all(steps[k] == across for k in range(start, start + width - 1))


def _joined(sign: str, parts: list[Texts]) -> Texts:
    if len(parts) == 1:
        return parts[0]
    return [sign.join(texts) for texts in zip(*parts, strict=True)]


def _neighbours(rows: Places, columns: Places) -> tuple[tuple[Places, Places], tuple[Places, Places]]:
    """Return pairs of elements beside and below each other."""
    key = rows * (1 << 20) + columns
    order = np.argsort(key, kind="stable")

    def pairs(step: int) -> tuple[Places, Places]:
        at = np.searchsorted(key, key + step, sorter=order)
        found = order[np.minimum(at, len(key) - 1)]
        first = np.flatnonzero(key[found] == key + step)
        return first, found[first]

    return pairs(1), pairs(1 << 20)


def _constant(held: npt.NDArray[np.int64], pairs: tuple[Places, Places]) -> bool:
    return len(pairs[0]) > 0 and bool((held[pairs[0]] == held[pairs[1]]).all())


def _plain(name: str) -> bool:
    """Whether a sheet's name needs no quotes in a formula."""
    return name.replace("_", "a").isalnum() and not name[0].isdigit() and name.isascii()

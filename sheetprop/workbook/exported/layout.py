"""Where each number of a derivation stands: sheet, row and column of every place."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from sheetprop.errors import SheetpropError
from sheetprop.modules.formula import Places
from sheetprop.modules.learning import DATA, LOSS, OPTIMIZER, Learning
from sheetprop.modules.tensors import Block, Layer
from sheetprop.workbook.formulas import MAX_COLUMNS, MAX_ROWS, letters

START, CHECK = "Start", "Check"
FIRST_COLUMN = 2
"""Blocks begin in column B; their names stand in column A."""
WRAP = 256
"""A single row of more numbers than this is wrapped."""


@dataclass(eq=False)
class Area:
    """Where a block stands.

    Attributes:
        block: which.
        sheet: index of the sheet.
        top, left: of the first number.
        rows, columns: of each element, in order.
        maps: how many matrices are drawn, and how many of them side by side.
        inline: whether its name stands in the same row.
        headed: whether its rows and columns are tokens that look at each other.
    """

    block: Block
    sheet: int
    top: int
    left: int
    rows: Places
    columns: Places
    maps: tuple[int, int]
    inline: bool
    headed: bool = False

    @property
    def bottom(self) -> int:
        """The last row."""
        return int(self.rows.max()) if len(self.rows) else self.top

    @property
    def right(self) -> int:
        """The last column."""
        return int(self.columns.max()) if len(self.columns) else self.left

    @property
    def ref(self) -> str:
        """The whole area with fixed references, such as ``$B$4:$K$13``."""
        first, last = f"${letters(self.left)}${self.top}", f"${letters(self.right)}${self.bottom}"
        return first if first == last else f"{first}:{last}"

    @property
    def plain(self) -> str:
        """The whole area without dollars."""
        return self.ref.replace("$", "")


@dataclass(eq=False)
class Page:
    """A sheet with blocks.

    Attributes:
        name: of the sheet.
        layer: what it shows; None for Start and Check.
        areas: in order from the top.
        first: the row in which the first block may begin.
    """

    name: str
    layer: Layer | None
    first: int = 1
    areas: list[Area] = field(default_factory=list)
    wide: bool = False


class Layout:
    """The sheets of a derivation, and the address of every place.

    Attributes:
        pages: all sheets, in the order of their tabs.
        areas: by the block's first place.
        sheet, row, column: of every place.
    """

    HEADER = 9
    """Rows above the blocks of a layer's sheet: title, sentence, equation, adjoint, formula of one cell."""

    def __init__(self, learning: Learning, worked: dict[Layer, int] | None = None) -> None:
        self.learning = learning
        self.worked = worked or {}
        d = learning.d
        self.sheet = np.zeros(d.count, dtype=np.int64)
        self.row, self.column = self.sheet.copy(), self.sheet.copy()
        self.areas: dict[int, Area] = {}
        self.pages: list[Page] = []
        self.index: dict[str, int] = {}
        by_layer: dict[str, list[Block]] = {}
        for block in d.blocks:
            by_layer.setdefault(block.layer.name if block.layer else DATA, []).append(block)
        layers = [layer for layer in d.layers if layer.name != LOSS]
        self._page(START, None)
        self._page(DATA, Layer(DATA, "", "data"))
        for layer in layers:
            if layer.name in by_layer:
                self._page(layer.name, layer)
        if learning.loss is not None:
            loss = next((layer for layer in d.layers if layer.name == LOSS), None)
            if loss is not None:
                self._page(LOSS, loss)
        if OPTIMIZER in by_layer:
            self._page(OPTIMIZER, Layer(OPTIMIZER, "", learning.optimizer.name if learning.optimizer else ""))
        self._page(CHECK, None)
        for page in self.pages:
            self._place(page, by_layer.get(page.name, []))

    def _page(self, name: str, layer: Layer | None) -> None:
        first = self.HEADER + 1
        if name == DATA:
            first = 6
        elif name == OPTIMIZER:
            first = 7
        elif layer is not None:
            first += self.worked.get(layer, 0)
        self.index[name] = len(self.pages)
        self.pages.append(Page(name, layer, first))

    def _place(self, page: Page, blocks: list[Block]) -> None:
        row = page.first
        for block in _ordered(blocks, self.learning):
            if block.size == 0:
                continue
            row = self._area(page, block, row)

    def _area(self, page: Page, block: Block, row: int) -> int:
        """Place a block; return the first row that is free below it."""
        display = display_shape(block)
        inline = len(display) <= 1
        kind = block.name.rpartition(".")[2].rstrip("_0123456789")
        headed = not inline and block.role == "forward" and kind in ("scores", "scaled", "weights")
        top = row if inline else row + (2 if headed else 1)
        rows, columns, maps = _grid(display)
        rows, columns = rows + top, columns + FIRST_COLUMN
        if block.at is not None:
            rows, columns = rows[block.at], columns[block.at]
        if columns.max() > MAX_COLUMNS or rows.max() > MAX_ROWS:
            raise SheetpropError(
                f"{page.name}: {block.name} of shape {list(block.shape)} is too large for a sheet "
                f"({int(rows.max()):,} rows, {int(columns.max()):,} columns; a sheet has {MAX_ROWS:,} and "
                f"{MAX_COLUMNS:,}); export a smaller network, a smaller batch, or --forward-only")
        area = Area(block, self.index[page.name], top, FIRST_COLUMN, rows, columns, maps, inline, headed)
        page.areas.append(area)
        self.areas[block.first] = area
        self.sheet[block.first:block.first + block.size] = area.sheet
        self.row[block.first:block.first + block.size] = rows
        self.column[block.first:block.first + block.size] = columns
        return area.bottom + (1 if inline else 2)

    def area(self, block: Block) -> Area:
        """Return where a block stands."""
        return self.areas[block.first]

    def address(self, place: int) -> tuple[str, str]:
        """Return sheet and address of a place."""
        return (self.pages[int(self.sheet[place])].name, f"{letters(int(self.column[place]))}{int(self.row[place])}")

    def owner(self, sheet: str, row: int, column: int) -> tuple[Block, int] | None:
        """Return the block and the element that stand at an address."""
        page = self.pages[self.index[sheet]] if sheet in self.index else None
        for area in page.areas if page else ():
            if area.top <= row <= area.bottom and area.left <= column <= area.right:
                at = np.flatnonzero((area.rows == row) & (area.columns == column))
                if len(at):
                    return area.block, int(at[0])
        return None


def display_shape(block: Block) -> tuple[int, ...]:
    """Return the shape in which a block is drawn: without dimensions of 1."""
    return tuple(n for n in (block.display or block.shape) if n != 1)


def _grid(display: tuple[int, ...]) -> tuple[Places, Places, tuple[int, int]]:
    """Return row and column of each element from 0, and how many matrices there are, in all and side by side."""
    if len(display) <= 1:
        count = math.prod(display)
        at = np.arange(count)
        width = count if count <= WRAP else WRAP // 2
        return at // width, at % width, (1, 1)
    height, width = display[-2], display[-1]
    maps = math.prod(display[:-2])
    across = 1 if maps == 1 else display[-3] if len(display) >= 4 else math.ceil(math.sqrt(maps))
    at = np.arange(maps * height * width)
    which, inside = at // (height * width), at % (height * width)
    rows = (which // across) * (height + 1) + inside // width
    columns = (which % across) * (width + 1) + inside % width
    return rows, columns, (maps, across)


_ORDER = {"setting": 0, "input": 1, "target": 1, "forward": 2, "working": 2, "loss": 2, "constant": 3, "buffer": 4,
          "parameter": 5, "state": 6}


def _ordered(blocks: list[Block], learning: Learning) -> list[Block]:
    """Return the blocks of a sheet from the top: what comes out with its gradient, then weights with theirs."""
    own = [block for block in blocks if block.role not in ("gradient", "update")]
    own.sort(key=lambda block: (_ORDER[block.role], block.first if block.role != "forward" else 0))
    followers: dict[int, list[Block]] = {}
    after = {change.before.first: change.after for change in learning.changes}
    for block in blocks:
        if block.role == "gradient" and block.of is not None:
            followers.setdefault(block.of.first, []).append(block)
    for block in own:
        if block.first in after:
            followers.setdefault(block.first, []).append(after[block.first])
    found: list[Block] = []
    for block in own:
        found.append(block)
        found += followers.get(block.first, [])
    return found

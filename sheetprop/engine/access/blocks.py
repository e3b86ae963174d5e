"""Blocks of Python values for ranges of cells: lists, NumPy arrays, pandas frames and series."""

from __future__ import annotations

from collections.abc import Sequence

from sheetprop.engine.formula.references import MAX_COLUMN, MAX_ROW
from sheetprop.errors import SheetpropError

TYPE_CHECKING = False  # typing costs a small workbook's time; mypy knows this name
if TYPE_CHECKING:
    from typing import Any

Area = tuple[int, int, int, int]


def lines_of(value: Any, header: bool) -> list[list[object]] | None:
    """Return a block's rows; None where the value is a single one.

    A list of single values is one row, a pandas series one column, a frame its rows below its headings
    (without its index).
    """
    kind = type(value).__name__
    if hasattr(value, "iloc"):  # pandas: NaN is how it spells blank
        body = value.to_frame() if kind == "Series" else value
        rows = [[_blank(one) for one in line] for line in body.itertuples(index=False, name=None)]
        headed = header and kind != "Series"
        return [[*map(_heading, body.columns)], *rows] if headed else rows
    if hasattr(value, "ndim") and hasattr(value, "tolist"):
        if value.ndim == 0:
            return None
        if value.ndim > 2:
            raise SheetpropError(f"set: an array of {value.ndim} dimensions is no block of cells; give two")
        held = list(value) if value.dtype.kind in "mM" else value.tolist()
        return [list(line) for line in held] if value.ndim == 2 else [list(held)]
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        lines = list(value)
        nested = [(isinstance(line, Sequence) and not isinstance(line, str | bytes)) or (hasattr(line, "tolist")
                  and getattr(line, "ndim", 0) == 1) for line in lines]
        if not any(nested):
            return [lines]
        if not all(nested):
            raise SheetpropError("set: the block holds single values beside lists; give a list of rows")
        return [list(line) for line in lines]
    return None


def _heading(name: object) -> object:
    return " ".join(map(str, name)) if isinstance(name, tuple) else name


def _blank(value: object) -> object:
    missing = type(value).__name__ in ("NaTType", "NAType") or (isinstance(value, float) and value != value)
    return None if missing else value


def placed_block(ref: str, area: Area, lines: list[list[object]]) -> list[tuple[int, int, object]]:
    """Return (row, column, value) for each cell of a block.

    Args:
        ref: where it was said to go, for messages.
        area: that place: one cell, where the block begins, or a range of the block's size. A single row of
            values fills a range of one column from top to bottom.
        lines: the block's rows.

    Raises:
        SheetpropError: the rows differ in length, or the block does not fit.
    """
    height, width = len(lines), max(map(len, lines), default=0)
    if any(len(line) != width for line in lines):
        raise SheetpropError(f"{ref}: the rows of the block differ in length ({min(map(len, lines))} to {width}); fill "
                             "them up with None")
    if not width:
        raise SheetpropError(f"{ref}: the block is empty; give at least one value")
    top, left, bottom, right = area
    rows, columns = bottom - top + 1, right - left + 1
    if (rows, columns) != (1, 1):
        if height == 1 and columns == 1 and rows == width:
            lines, height, width = [[one] for one in lines[0]], width, 1
        if (rows, columns) != (height, width):
            raise SheetpropError(f"{ref}: has {rows} × {columns} cells and the block {height} × {width}; give a range "
                                 "of its size, or its first cell alone")
    if top + height - 1 > MAX_ROW or left + width - 1 > MAX_COLUMN:
        raise SheetpropError(f"{ref}: a block of {height} × {width} cells reaches beyond the sheet from there")
    return [(top + down, left + across, value) for down, line in enumerate(lines) for across, value in enumerate(line)]

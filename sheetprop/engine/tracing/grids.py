"""Rectangles of expressions, and what array formulas do with them: repeating to fit, turning, matrix products."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sheetprop.engine.grid.values import NA
from sheetprop.engine.tracing.choosing import E
from sheetprop.engine.tracing.elements import Stuck, is_number, literal, once

_WRITTEN_OUT = 2000
"""A matrix product of so many products of numbers at most is written out, a sum for each element."""


class Grid:
    """Rows of elements.

    Attributes:
        rows: the elements, all rows of one length.
        direct: whether this is a single value and no range or array: SUM counts TRUE only then.
    """

    __slots__ = ("direct", "rows")

    def __init__(self, rows: list[list[E]], *, direct: bool = False) -> None:
        self.rows = rows
        self.direct = direct

    @property
    def height(self) -> int:
        """Number of rows."""
        return len(self.rows)

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.rows[0])

    @property
    def first(self) -> E:
        """The top left element, which stands for the whole in a single cell."""
        return self.rows[0][0]

    def flat(self) -> Iterator[E]:
        """Yield the elements row by row."""
        for row in self.rows:
            yield from row

    def at(self, row: int, column: int) -> E:
        """Return an element counted from 0; a single row or column is repeated, beyond the others stands #N/A."""
        down, across = 0 if self.height == 1 else row, 0 if self.width == 1 else column
        return self.rows[down][across] if down < self.height and across < self.width else literal(NA)

    def columns(self) -> list[list[E]]:
        """Return the elements column by column."""
        return [list(column) for column in zip(*self.rows, strict=True)]

    def vector(self, what: str) -> list[E]:
        """Return the elements of a single row or column.

        Raises:
            Stuck: there is more than one of both.
        """
        if self.height > 1 and self.width > 1:
            raise Stuck(f"{what} in something else than one row or column")
        return list(self.flat())


def single(e: E) -> Grid:
    """Return a single value."""
    return Grid([[e]], direct=True)


def broadcast(function: Callable[..., E], *grids: Grid) -> Grid:
    """Apply a function to each set of elements; single values, rows and columns are repeated to fit."""
    height, width = max(grid.height for grid in grids), max(grid.width for grid in grids)
    repeated = [Grid([[once(e) for e in row] for row in grid.rows]) if (grid.height, grid.width) != (height, width)
                else grid for grid in grids]
    rows = [[function(*(grid.at(row, column) for grid in repeated)) for column in range(width)]
            for row in range(height)]
    return Grid(rows, direct=all(grid.direct for grid in grids))


def transposed(grid: Grid) -> Grid:
    """Return rows as columns."""
    return Grid(grid.columns())


def product(first: Grid, second: Grid) -> Grid:
    """Return the matrix product; every sum runs from left to right.

    Raises:
        Stuck: the sizes do not fit, or an element is no number.
    """
    if first.width != second.height:
        raise Stuck("MMULT of ranges whose sizes do not fit")
    rows = [[_factor(e) for e in row] for row in first.rows]
    columns = [[_factor(e) for e in column] for column in second.columns()]
    if first.height * first.width * second.width > _WRITTEN_OUT:
        return _matrix_product(rows, columns)
    return Grid([[E("sum", tuple(E("*", pair) for pair in zip(row, column, strict=True))) for column in columns]
                 for row in rows])


def _matrix_product(rows: list[list[E]], columns: list[list[E]]) -> Grid:
    """Return a product that is one operation, whose value is all elements, row by row."""
    factors = [e for row in rows for e in row] + [e for line in zip(*columns, strict=True) for e in line]
    whole = E("product", tuple(factors), f"{len(rows)}, {len(rows[0])}, {len(columns)}")
    return Grid([[E("entry", (whole,), str(row * len(columns) + column)) for column in range(len(columns))]
                 for row in range(len(rows))])


def product_size(product: E) -> int:
    """Return how many elements a matrix product has."""
    height, _, width = product.text.split(", ")
    return int(height) * int(width)


def _factor(e: E) -> E:
    if not is_number(e):
        raise Stuck("MMULT of something else than numbers")
    return once(e)


def indexed(grid: Grid, rows: int, columns: int) -> Grid:
    """Return the part of a grid at a row and a column counted from 1; 0 means all of them.

    Raises:
        Stuck: there is no such row or column.
    """
    if not (0 <= rows <= grid.height and 0 <= columns <= grid.width):
        raise Stuck("INDEX outside its range")
    chosen = [grid.rows[rows - 1]] if rows else grid.rows
    if columns:
        chosen = [[row[columns - 1]] for row in chosen]
    return Grid(chosen)

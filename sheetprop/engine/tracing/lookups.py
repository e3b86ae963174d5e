"""INDEX, MATCH and the lookups over grids: the value of the place taken, and its slope; a place has none."""

from __future__ import annotations

from sheetprop.engine.tracing.choosing import MOST_CHOICES, E, chosen, number, place_among, place_of
from sheetprop.engine.tracing.elements import BLANK, Stuck, as_number, is_number, plain, settled
from sheetprop.engine.tracing.grids import Grid, indexed, single

_ALL = number(0.0)


def option(position: E, options: list[E]) -> E:
    """Return one of some elements by its place; the others may be anything where the place is known."""
    at = plain(position)
    if at is not None:
        if not 1 <= at < len(options) + 1:
            raise Stuck("a choice outside its range")
        return options[int(at) - 1]
    if len(options) > MOST_CHOICES:
        raise Stuck(f"a choice among more than {MOST_CHOICES} cells")
    return chosen(position, [as_number(one) for one in options])


def index(grid: Grid, row: E = _ALL, column: E | None = None, *area: E) -> Grid:
    """INDEX: a row or column that is 0 or left out means all; a place that depends on an input takes one cell."""
    if area:
        raise Stuck("INDEX with an area")
    if column is None and grid.height == 1 and grid.width > 1:
        row, column = _ALL, row
    down, across = plain(row), 0.0 if column is None else plain(column)
    if down is not None and across is not None:
        return indexed(grid, int(down), int(across))
    if across is not None and (across >= 1 or grid.width == 1):
        return single(option(row, indexed(grid, 0, int(across)).vector("INDEX")))
    if down is not None and column is not None and (down >= 1 or grid.height == 1):
        return single(option(column, indexed(grid, int(down), 0).vector("INDEX")))
    raise Stuck("INDEX of a whole row or column, or at both, at a place that depends on an input")


def _fixed(e: E) -> int:
    """Return a whole number that may not depend on an input, nor move from row to row."""
    value = plain(e)
    if value is None:
        raise Stuck("a choice of column or order that depends on an input")
    return int(value)


def _placed(x: E, keys: list[E], mode: int) -> E:
    """Return the place of a number among others as MATCH counts it, NaN where it is not there."""
    if len(keys) > MOST_CHOICES:
        raise Stuck(f"a lookup among more than {MOST_CHOICES} cells")
    if any(not is_number(key) and key is not BLANK for key in keys):
        raise Stuck("a lookup among text")
    values = [key if is_number(key) else None for key in keys]
    if mode == 0:
        return place_of(x, values)
    while values and values[-1] is None:
        values.pop()
    numbers = [known for value in values if value is not None and (known := plain(value)) is not None]
    if len(numbers) < len(values) or numbers != sorted(numbers, reverse=mode < 0):
        raise Stuck("a lookup by order among cells that are not sorted, or depend on an input")
    return place_among(x, numbers, mode > 0)


def match(x: E, among: Grid, mode: E | None = None) -> E:
    """MATCH: a place, or NaN; its slope is 0."""
    return _placed(x, among.vector("a lookup"), 1 if mode is None else _fixed(mode))


def table(name: str, x: E, grid: Grid, at: E, near: E | None = None) -> E:
    """VLOOKUP and HLOOKUP."""
    lines = grid.columns() if name == "VLOOKUP" else grid.rows
    place = _fixed(at)
    if not 1 <= place <= len(lines):
        raise Stuck(f"{name} outside its table")
    sorted_keys = True if near is None else settled(near)
    if sorted_keys is None:
        raise Stuck(f"{name} whose kind depends on an input")
    return option(_placed(x, lines[0], 1 if sorted_keys else 0), lines[place - 1])


def lookup(name: str, x: E, among: Grid, results: Grid | None = None, *others: E) -> E:
    """LOOKUP and XLOOKUP over a row or column of keys and another of results."""
    if results is None or others:
        raise Stuck(f"{name} with other arguments than a value, keys and results")
    place = _placed(x, among.vector("a lookup"), 1 if name == "LOOKUP" else 0)
    return option(place, results.vector("a lookup"))

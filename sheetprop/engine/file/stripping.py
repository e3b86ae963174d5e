"""A sheet without the values of its formulas, for programs that are to calculate it themselves."""

from __future__ import annotations

from collections.abc import Iterator

from sheetprop.engine.file.cellevents import scanned, utf8
from sheetprop.engine.file.cellxml import NUMBER, ROW, Irregular, Spot, cells, spot_of, unvalued
from sheetprop.engine.file.loading import bounds


def without_values(data: bytes, part: str) -> bytes:
    """Return a sheet's part in which cells with a formula hold no values; all else stays.

    Raises:
        SheetpropError: the part is no well-formed XML.
    """
    data = utf8(data, part)
    try:
        spots = list(_plain(data))
    except Irregular:
        spots = [cell for row in scanned(data, part).rows for cell in row.cells if cell.options is not None]
    pieces: list[bytes] = []
    at = 0
    for spot in spots:
        pieces += [data[at:spot.begin], unvalued(data, spot)]
        at = spot.end
    return b"".join([*pieces, data[at:]])


def _plain(data: bytes) -> Iterator[Spot]:
    """Yield the formula cells of a part in plain layout."""
    position, end = bounds(data)
    row = 0
    while (start := data.find(b"<", position, end)) >= 0:
        opening = ROW.match(data, start)
        if opening is None:
            raise Irregular
        number = NUMBER.search(opening[1])
        row = int(number[1]) if number else row + 1
        position = opening.end()
        if opening[2]:
            continue
        close = data.find(b"</row>", position, end)
        if close < 0:
            raise Irregular
        for column, cell in cells(data, position, close, row):
            if cell[4] is not None:
                yield spot_of(cell, row, column)
        position = close + len(b"</row>")

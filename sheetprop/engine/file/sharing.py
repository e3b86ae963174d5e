"""Shared formulas whose first cell goes: the cells that shared its text get it themselves.

A shared formula's text stands in one cell, and the others only name its number. When that cell is
overwritten, the others would lose their formula.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sheetprop.engine.file.cellevents import FullSpot
from sheetprop.engine.file.cellxml import Spot, formula_bytes, plain_text
from sheetprop.engine.formula.shifting import shifted

_FORMULA = re.compile(rb"""<(?:[\w.-]+:)?f(?=[\s/>])((?:[^>"']|"[^"]*"|'[^']*')*?)"""
                      rb"""(?:/>|>([^<]*)</(?:[\w.-]+:)?f\s*>)""")
_ATTRIBUTE = re.compile(rb"""([\w.:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")


class SharedFormulas:
    """The shared formulas of a sheet whose first cell was overwritten.

    Attributes:
        orphans: number of the formula -> its text and the (row, column) where it stood.
    """

    def __init__(self) -> None:
        self.orphans: dict[bytes, tuple[str, int, int]] = {}

    def lost(self, data: bytes, spots: Sequence[Spot]) -> None:
        """Note that cells are overwritten."""
        for spot in spots:
            if isinstance(spot, FullSpot):
                if spot.formula and spot.options is not None and spot.options.get("t") == "shared":
                    self.orphans[spot.options.get("si", "").encode()] = (spot.formula, spot.row, spot.column)
                continue
            found = _FORMULA.search(data, spot.opened, spot.end)
            if found is None:
                continue
            number = _number(found[1])
            if number is None:
                continue
            if found[2]:
                self.orphans[number] = (plain_text(found[2]), spot.row, spot.column)

    def resolved(self, cell: bytes, row: int, column: int) -> bytes:
        """Return a cell that has its own text where it shared a lost one."""
        found = _FORMULA.search(cell)
        number = _number(found[1]) if found is not None else None
        if found is None or number is None or number not in self.orphans:
            return cell
        if found[2]:  # from here on the number means another formula
            del self.orphans[number]
            return cell
        text, top, left = self.orphans[number]
        tag = re.match(rb"<([\w.:-]+)", found[0])
        assert tag is not None
        element = b"<%s>%s</%s>" % (tag[1], formula_bytes(shifted(text, row - top, column - left)), tag[1])
        return cell[:found.start()] + element + cell[found.end():]


def _number(attributes: bytes) -> bytes | None:
    """Return the number under which a formula is shared, None where it is not shared."""
    given = {name: one or other for name, one, other in _ATTRIBUTE.findall(attributes)}
    return given.get(b"si", b"") if given.get(b"t") == b"shared" else None

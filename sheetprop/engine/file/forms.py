"""A template cut into pieces for writing: a place for each number that moves with the row, and for each value."""

from __future__ import annotations

from collections.abc import Iterator

from sheetprop.engine.file.cellxml import stored
from sheetprop.engine.file.templates import Template
from sheetprop.engine.grid.storage import SheetStore


class Form:
    """Rows of one template, ready to be filled in.

    A cell's value has three places: for its type, the attribute of its ``<v>``, and the text.

    Attributes:
        columns: the columns of the formula cells, each of which gets the value that stands at its address.
    """

    __slots__ = ("_numbers", "_pieces", "_values", "columns")

    def __init__(self, template: Template) -> None:
        self.columns = [place.column for place in template.places]
        self._pieces: list[bytes] = []
        self._numbers: list[tuple[int, list[int]]] = [(offset, []) for offset in template.offsets]
        kinds: dict[int, int] = {}
        held: dict[int, tuple[int, int]] = {}
        # (start, end, rank, marker or column): where two begin at one place, the type comes before the value.
        cuts = [(start, end, 0, marker) for start, end, marker in template.marks]
        for place in template.places:
            cuts += [(*place.kind, 1, place.column), (*place.held, 2, place.column)]
        at = 0
        for start, end, rank, meant in sorted(cuts):
            self._pieces.append(template.content[at:start])
            at = end
            if rank == 0:
                self._numbers[meant - 1][1].append(self._place())
            elif rank == 1:
                kinds[meant] = self._place()
            else:
                self._pieces.append(b"<v")
                space = self._place()
                self._pieces.append(b">")
                held[meant] = space, self._place()
                self._pieces.append(b"</v>")
        self._pieces.append(template.content[at:] + b"</row>")
        self._values = [(kinds[column], *held[column]) for column in self.columns]

    def _place(self) -> int:
        self._pieces.append(b"")
        return len(self._pieces) - 1

    def rows(self, sheet: SheetStore, first: int, last: int) -> Iterator[bytes]:
        """Yield the XML of rows with their values."""
        spans = [sheet.column(column).span(first, last) for column in self.columns]
        numeric = all(set(map(type, span)) == {float} for span in spans)
        pieces, texts = self._pieces.copy(), [text for _, _, text in self._values]
        for row, values in zip(range(first, last + 1), zip(*spans, strict=True), strict=True):
            for offset, places in self._numbers:
                number = b"%d" % (row + offset)
                for place in places:
                    pieces[place] = number
            if numeric:
                for place, value in zip(texts, values, strict=True):
                    pieces[place] = repr(value).encode()
            else:
                for (kind, space, text), value in zip(self._values, values, strict=True):
                    pieces[kind], pieces[space], pieces[text] = stored(value)
            yield b"".join(pieces)

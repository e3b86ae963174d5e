"""Writes values into sheets that are laid out unusually: every change is a splice at expat's byte offsets.

For parts with namespace prefixes, comments, CDATA or attributes in single quotes. All bytes
but those of the changed values stay as they are.
"""

from __future__ import annotations

from xml.parsers import expat

from sheetprop.engine.file.cellxml import stored
from sheetprop.engine.file.xmlparts import parser_for
from sheetprop.engine.formula.references import address, cell_at
from sheetprop.engine.grid.storage import SheetStore
from sheetprop.engine.grid.values import Value
from sheetprop.errors import SheetpropError


class _Spot:
    """Where one formula cell's tags begin and end."""

    __slots__ = ("attributes", "begin", "end", "formula_end", "has_formula", "name", "open_end", "value_begin",
                 "value_end")

    def __init__(self, begin: int, name: str, attributes: dict[str, str]) -> None:
        self.begin = begin
        self.name = name
        self.attributes = attributes
        self.has_formula = False
        self.formula_end = self.value_begin = self.value_end = self.open_end = self.end = -1


def _after(data: bytes, position: int) -> int:
    """Return the offset behind the tag that begins at `position`."""
    quote = 0
    at = position
    while at < len(data):
        byte = data[at]
        if quote:
            if byte == quote:
                quote = 0
        elif byte in (34, 39):
            quote = byte
        elif byte == 62:
            return at + 1
        at += 1
    return len(data)


def patched(data: bytes, sheet: SheetStore) -> bytes:
    """Return the part with the new values of its formula cells.

    Raises:
        SheetpropError: the part is in an encoding other than UTF-8, or cells were set or rows
            filled down in it, which is done only in sheets of the usual layout.
    """
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or sheet.edited or sheet.filled or sheet.formulas_set:
        raise SheetpropError(f"{sheet.name}: its part {sheet.part} is laid out too unusually to be changed; "
                             "save the workbook once in a spreadsheet program")
    spots = _spots(data, sheet.part)
    members = {(row, column) for array in sheet.arrays for row in range(array.top, array.bottom + 1)
               for column in range(array.left, array.right + 1)}
    pieces: list[bytes] = []
    at = 0
    for (row, column), spot in spots:
        if sheet.family_at(row, column) is None and (row, column) not in members:
            continue
        value: Value = sheet.get(row, column)
        kind, space, text = stored(value)
        prefix = spot.name.rpartition(":")[0]
        tag = (f"{prefix}:v" if prefix else "v").encode()
        element = b"<%s%s>%s</%s>" % (tag, space, text, tag)
        head = data[spot.begin:spot.open_end]
        closed = head.endswith(b"/>")
        bare = _without_type(head[:-2] if closed else head[:-1])
        pieces.append(data[at:spot.begin])
        if closed:
            pieces.append(bare + kind + b">" + element + b"</" + spot.name.encode() + b">")
        else:
            pieces.append(bare + kind + b">")
            if spot.value_begin >= 0:
                pieces += [data[spot.open_end:spot.value_begin], element, data[spot.value_end:spot.end]]
            else:
                middle = spot.formula_end if spot.formula_end >= 0 else spot.open_end
                pieces += [data[spot.open_end:middle], element, data[middle:spot.end]]
        at = spot.end
    pieces.append(data[at:])
    return b"".join(pieces)


def _without_type(head: bytes) -> bytes:
    import re

    return re.sub(rb"""\st\s*=\s*("[^"]*"|'[^']*')""", b"", head)


def _spots(data: bytes, part: str) -> list[tuple[tuple[int, int], _Spot]]:
    """Return (row, column) and tag offsets of every cell, in the order of the file."""
    found: list[tuple[tuple[int, int], _Spot]] = []
    parser = parser_for(part)
    plain = expat.ParserCreate()
    plain.StartDoctypeDeclHandler = parser.StartDoctypeDeclHandler
    state: dict[str, int] = {"row": 0, "column": 0}
    stack: list[tuple[str, int, _Spot | None]] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        at = plain.CurrentByteIndex
        local = name.rpartition(":")[2]
        spot: _Spot | None = stack[-1][2] if stack else None
        if local == "row":
            number = attributes.get("r", "")
            state["row"] = int(number) if number.isdigit() else state["row"] + 1
            state["column"] = 0
        elif local == "c" and stack and stack[-1][0] == "row":
            spot = _Spot(at, name, attributes)
            spot.open_end = _after(data, at)
            place = attributes.get("r")
            state["row"], state["column"] = cell_at(place) if place else (state["row"], state["column"] + 1)
            found.append(((state["row"], state["column"]), spot))
        elif local == "v" and spot is not None:
            spot.value_begin = at
        stack.append((local, at, spot))

    def end(name: str) -> None:
        local, begin, spot = stack.pop()
        at = plain.CurrentByteIndex
        if spot is None:
            return
        # For an empty tag expat reports the end at the tag itself.
        after = _after(data, at if at > begin else begin)
        if local == "f":
            spot.formula_end = after
        elif local == "v":
            spot.value_end = after
        elif local == "c":
            spot.end = after
        del name

    plain.StartElementHandler = start
    plain.EndElementHandler = end
    try:
        plain.Parse(data, True)
    except (expat.ExpatError, UnicodeError, ValueError, LookupError) as error:
        raise SheetpropError(f"{part}: is not well-formed XML ({error}); the file is damaged") from None
    return found


__all__ = ["address", "patched"]

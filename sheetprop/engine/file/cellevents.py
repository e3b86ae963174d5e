"""The full reader of the grammar in `cellxml`: rows and cells of any well-formed XML, by expat.

For parts with namespace prefixes, comments, CDATA, attributes in single quotes, or cells in no order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.parsers import expat

from sheetprop.engine.file.cellxml import Spot
from sheetprop.engine.file.xmlparts import MAX_DEPTH, escape, parser_for, quoteattr
from sheetprop.engine.formula.references import MAX_COLUMN, MAX_ROW, address, cell_at
from sheetprop.errors import SheetpropError

_DECLARED = re.compile(rb"""\A\s*<\?xml[^>]*?\sencoding\s*=\s*["']([\w.:-]+)["']""")


class FullSpot(Spot):
    """A cell with all that reading it needs.

    Attributes:
        attributes: of its ``<c>``.
        options: the attributes of its ``<f>``, None without one.
        formula: the text of its ``<f>``.
        inline: the text of its ``<is>``, None without one.
    """

    __slots__ = ("attributes", "formula", "inline", "options")

    def __init__(self, row: int, column: int, begin: int, kind: str, prefix: bytes,
                 attributes: dict[str, str]) -> None:
        super().__init__(row, column, begin, -1, -1, kind, prefix)
        self.attributes = attributes
        self.options: dict[str, str] | None = None
        self.formula = ""
        self.inline: str | None = None


class RowSpot:
    """Where a row stands in the bytes of its part.

    Attributes:
        number: its row.
        begin, end: the whole element.
        opened: behind its opening tag; `end` where it is self-closed.
        prefix: of its tags, with the colon.
        attributes: of its ``<row>``.
        cells: in the order of the file.
    """

    __slots__ = ("attributes", "begin", "cells", "end", "number", "opened", "prefix")

    def __init__(self, number: int, begin: int, prefix: bytes, attributes: dict[str, str]) -> None:
        self.number = number
        self.begin = begin
        self.end = self.opened = -1
        self.prefix = prefix
        self.attributes = attributes
        self.cells: list[FullSpot] = []


class Sheetdata:
    """What a sheet's part holds: its rows in the order of the file, and where they may stand.

    Attributes:
        begin, end: the element ``<sheetData>``; -1 without one.
        opened, closing: behind its opening tag and before its closing one; both `end` where it is self-closed.
        prefix: of its tags, with the colon.
        rows: the rows.
    """

    def __init__(self) -> None:
        self.begin = self.end = self.opened = self.closing = -1
        self.prefix = b""
        self.rows: list[RowSpot] = []


def utf8(data: bytes, part: str) -> bytes:
    """Return a part's bytes in UTF-8, whatever encoding it is in.

    Raises:
        SheetpropError: its encoding is not known, or its bytes are none of that encoding.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        name = "utf-16"
    else:
        declared = _DECLARED.match(data.removeprefix(b"\xef\xbb\xbf")[:200])
        name = declared[1].decode() if declared else "utf-8"
        if name.lower() in ("utf-8", "utf8", "us-ascii", "ascii"):
            return data
    try:
        text = data.decode(name)
    except (LookupError, UnicodeError, ValueError):
        raise SheetpropError(f"{part}: its encoding {name} cannot be read; the file is damaged") from None
    return re.sub(r"""(<\?xml[^>]*?\sencoding\s*=\s*)["'][^"']*["']""", r'\1"UTF-8"', text, count=1).encode(
        "utf-8", "replace")


def _behind(data: bytes, position: int) -> int:
    """Return the offset behind the tag that begins at `position`."""
    quote = 0
    for at in range(position, len(data)):
        byte = data[at]
        if quote:
            if byte == quote:
                quote = 0
        elif byte in (34, 39):
            quote = byte
        elif byte == 62:
            return at + 1
    return len(data)


class _Scanner:
    """Expat handlers that note every row and cell of one part, wherever and however they are written."""

    def __init__(self, data: bytes, part: str, parser: expat.XMLParserType) -> None:
        self.data = data
        self.part = part
        self.parser = parser
        self.found = Sheetdata()
        self.path: list[str] = []
        self.begins: list[int] = []
        self.row: RowSpot | None = None
        self.cell: FullSpot | None = None
        self.texts: list[str] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        at = self.parser.CurrentByteIndex
        prefix, _, local = name.rpartition(":")
        if len(self.path) >= MAX_DEPTH:
            raise SheetpropError(f"{self.part}: is nested more than {MAX_DEPTH} deep; the file is damaged")
        inside = self.path[-1] if self.path else ""
        self.path.append(local)
        self.begins.append(at)
        mark = f"{prefix}:".encode() if prefix else b""
        if local == "sheetData" and self.found.begin >= 0:
            raise SheetpropError(f"{self.part}: holds its cells twice (<sheetData>); the file is damaged")
        if local == "sheetData":
            self.found.begin, self.found.opened, self.found.prefix = at, _behind(self.data, at), mark
        elif local == "row" and inside == "sheetData":
            self.row = RowSpot(self.row_number(attributes.get("r")), at, mark, attributes)
            self.row.opened = _behind(self.data, at)
            self.found.rows.append(self.row)
        elif local == "c" and inside == "row" and self.row is not None:
            row, column = self.place(attributes.get("r"))
            self.cell = FullSpot(row, column, at, attributes.get("t", ""), mark, attributes)
            self.cell.opened = _behind(self.data, at)
            self.row.cells.append(self.cell)
        elif inside == "c" and self.cell is not None:
            self.texts = []
            if local == "f":
                self.cell.options = attributes
            elif local == "is":
                self.cell.inline = ""

    def row_number(self, given: str | None) -> int:
        before = self.found.rows[-1].number if self.found.rows else 0
        if given is not None and not (given.isascii() and given.isdigit() and len(given) < 8):
            raise SheetpropError(f"{self.part}: has a row called {given[:20]!r}; the file is damaged")
        row = before + 1 if given is None else int(given)
        if not 1 <= row <= MAX_ROW:
            raise SheetpropError(f"{self.part}: has a row {row}, but a sheet ends at {MAX_ROW}; the file is damaged")
        return row

    def place(self, given: str | None) -> tuple[int, int]:
        assert self.row is not None
        if given is not None:
            try:
                return cell_at(given)
            except SheetpropError:
                raise SheetpropError(f"{self.part}: has a cell {given[:20]!r} outside a sheet in row "
                                     f"{self.row.number}; the file is damaged") from None
        if not self.row.cells:
            return self.row.number, 1
        if self.row.cells[-1].column >= MAX_COLUMN:
            raise SheetpropError(f"{self.part}: has a cell outside a sheet in row {self.row.number}; "
                                 "the file is damaged")
        return self.row.cells[-1].row, self.row.cells[-1].column + 1

    def characters(self, text: str) -> None:
        if self.cell is None:
            return
        local = self.path[-1]
        if (local in ("f", "v") and self.path[-2:-1] == ["c"]) or (
                local == "t" and "is" in self.path and "rPh" not in self.path):
            self.texts.append(text)

    def end(self, name: str) -> None:
        del name
        local, begin = self.path.pop(), self.begins.pop()
        inside = self.path[-1] if self.path else ""
        if local == "sheetData" and begin == self.found.begin:
            self.found.end = self.after(begin)
            empty = self.found.end == self.found.opened
            self.found.closing = self.found.end if empty else self.parser.CurrentByteIndex
        elif local == "row" and inside == "sheetData" and self.row is not None:
            self.row.end = self.after(begin)
            self.row = None
        elif local == "c" and inside == "row" and self.cell is not None:
            self.cell.end = self.after(begin)
            self.cell = None
        elif inside == "c" and self.cell is not None:
            text = "".join(self.texts)
            if local == "f":
                self.cell.formula, self.cell.formula_end = text, self.after(begin)
            elif local == "v":
                self.cell.text = text
                self.cell.held.append((begin, self.after(begin)))
            elif local == "is":
                self.cell.inline = text
                self.cell.held.append((begin, self.after(begin)))

    def after(self, begin: int) -> int:
        opened = _behind(self.data, begin)
        if self.data[opened - 2:opened] == b"/>":
            return opened
        return _behind(self.data, self.parser.CurrentByteIndex)


def scanned(data: bytes, part: str) -> Sheetdata:
    """Return the rows and cells of a part in UTF-8.

    Raises:
        SheetpropError: the part is not well-formed XML, declares entities, or has rows or cells outside a sheet.
    """
    guard = parser_for(part)
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.EntityDeclHandler = guard.EntityDeclHandler
    parser.SkippedEntityHandler = guard.SkippedEntityHandler
    scanner = _Scanner(data, part, parser)
    parser.StartElementHandler = scanner.start
    parser.EndElementHandler = scanner.end
    parser.CharacterDataHandler = scanner.characters
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, UnicodeError, ValueError, LookupError) as error:
        raise SheetpropError(f"{part}: is not well-formed XML ({error}); the file is damaged") from None
    return scanner.found


def plain_layout(rows: Iterable[RowSpot]) -> bytes:
    """Return rows and cells in the plain layout: every cell where its place says, in order, a later one for an earlier.

    Only what reading needs is there: places, types, styles, formulas and values.
    """
    held: dict[int, dict[int, FullSpot]] = {}
    for row in rows:
        held.setdefault(row.number, {})
        for cell in row.cells:
            held.setdefault(cell.row, {})[cell.column] = cell
    pieces = ["<worksheet><sheetData>"]
    for number in sorted(held):
        pieces.append(f'<row r="{number}">')
        pieces.extend(_plain(held[number][column]) for column in sorted(held[number]))
        pieces.append("</row>")
    pieces.append("</sheetData></worksheet>")
    return "".join(pieces).encode("utf-8", "replace")


def _plain(cell: FullSpot) -> str:
    kept = "".join(f" {key}={quoteattr(cell.attributes[key])}" for key in ("s", "t", "cm")
                   if key in cell.attributes and cell.attributes[key].isascii() and cell.attributes[key].isalnum())
    inner = ""
    if cell.options is not None:
        options = "".join(f" {key}={quoteattr(value)}" for key, value in cell.options.items()
                          if key.isascii() and ":" not in key and not set('<&>"') & set(value))
        inner = f"<f{options}>{_escaped(cell.formula)}</f>"
    if cell.text is not None:
        inner += f"<v>{_escaped(cell.text)}</v>"
    if cell.inline is not None:
        inner += f"<is><t>{_escaped(cell.inline)}</t></is>"
    return f'<c r="{address(cell.row, cell.column)}"{kept}>{inner}</c>'


def _escaped(text: str) -> str:
    return escape(text).replace("\r", "&#13;")

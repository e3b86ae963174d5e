"""The grammar of a cell: how rows and cells are written in a sheet's XML, and what may be changed in them.

Two readers obey it. The *plain* one, here, knows the layout that spreadsheet programs write: no
prefixes, no comments, attributes in double quotes, cells from left to right. It is made of
patterns, and where one does not match it raises `Irregular`. The *full* one, `cellevents`, reads
any well-formed XML with expat. Whatever the plain one accepts the full one reads alike; a property
test holds them together (``tests/engine/test_cellxml.py``). Both give a cell's place by its address
and its pieces as offsets (`Spot`), and everything that writes cells changes those pieces only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sheetprop.engine.file.xmlparts import escape, unescape, unescape_controls
from sheetprop.engine.formula.references import MAX_COLUMN, column_number
from sheetprop.engine.grid.values import ExcelError, Value

# A value holds no <, > or & (which a plain file never needs there), so that the first > ends a tag.
_ATTRIBUTES = rb'(?:\s+[A-Za-z_][\w.:-]*="[^"<>&]*")*'
ROW = re.compile(rb"<row(" + _ATTRIBUTES + rb")\s*(/?)>")
# Groups: letters and digits of the place; other attributes; attributes of <f>, its text; attributes of <v>, its
# text; <is>. Group 0 is the whole cell; a self-closed cell has none of the groups behind the attributes.
CELL = re.compile(
    rb'<c(?: r="([A-Za-z]{1,3})([0-9]{1,7})")?(' + _ATTRIBUTES + rb")\s*(?:/>|>\s*"
    rb"(?:<f(" + _ATTRIBUTES + rb")\s*(?:/>|>([^<]*)</f>)\s*)?"
    rb"(?:<v(" + _ATTRIBUTES + rb")\s*(?:/>|>([^<]*)</v>)\s*)?"
    rb"(<is\s*/>\s*|<is>.*?</is>\s*)?</c>)", re.DOTALL)
# In a row that those two accept: its <v> elements.
VALUES = re.compile(rb"<v(?:\s[^>]*)?(?:/>|>([^<]*)</v>)")
NUMBER = re.compile(rb'\sr="([0-9]{1,7})"')
_PLACE = re.compile(rb'\sr="([A-Za-z]{1,3})([0-9]{1,7})"')
DYNAMIC = re.compile(rb'\scm="[1-9]')  # metadata that marks a formula whose result spills
TYPE = re.compile(rb'\st="(\w+)"')
_ONE_TEXT = re.compile(rb'<is>\s*<t(?: xml:space="preserve")?>([^<]*)</t>\s*</is>\s*')
_TAG = re.compile(rb"<(/?)([A-Za-z_][\w.-]*)" + _ATTRIBUTES + rb"\s*(/?)>")


class Irregular(Exception):  # noqa: N818 - a signal to the readers, never seen by users
    """The XML is not laid out plainly: it is for the full reader."""


class Spot:
    """Where a cell stands in the bytes of its part, and where the pieces of it are that writing changes.

    Attributes:
        row, column: its place.
        begin, end: the whole element.
        opened: behind its opening tag; `end` where it is self-closed.
        kind: the value of its attribute ``t``, empty where there is none.
        formula_end: behind its ``<f>`` element, -1 without one.
        held: (begin, end) of each element that holds its value, ``<v>`` and ``<is>``.
        text: the text of its ``<v>``, or None.
        prefix: of its tags, with the colon.
    """

    __slots__ = ("begin", "column", "end", "formula_end", "held", "kind", "opened", "prefix", "row", "text")

    def __init__(self, row: int, column: int, begin: int, end: int, opened: int, kind: str, prefix: bytes) -> None:
        self.row = row
        self.column = column
        self.begin = begin
        self.end = end
        self.opened = opened
        self.kind = kind
        self.prefix = prefix
        self.formula_end = -1
        self.held: list[tuple[int, int]] = []
        self.text: str | None = None


def cells(data: bytes, begin: int, end: int, row: int) -> Iterator[tuple[int, re.Match[bytes]]]:
    """Yield (column, match of `CELL`) for the cells of a row in plain layout; its tags lie outside `begin` and `end`.

    Raises:
        Irregular: the row is not laid out plainly.
    """
    position, last = begin, 0
    for cell in CELL.finditer(data, begin, end):
        if cell.start() != position and data[position:cell.start()].strip():
            raise Irregular
        position = cell.end()
        letters = cell[1]
        if letters is None:
            column, _, _ = placed(cell, row, last)
        else:
            column = column_number(letters.decode())
            if int(cell[2]) != row:
                raise Irregular
        if not last < column <= MAX_COLUMN:
            raise Irregular
        last = column
        yield column, cell
    if data[position:end].strip():
        raise Irregular


def placed(cell: re.Match[bytes], row: int, before: int) -> tuple[int, int, int]:
    """Return the column of a cell whose place is not its first attribute, and the span of its row's digits.

    A cell without a place stands right of the one before it, which is in column `before`; its span is (-1, -1).
    """
    attributes = cell[3]
    found = _PLACE.search(attributes)
    if found is None:
        if b"r=" in attributes and re.search(rb"\sr=", attributes):
            raise Irregular
        return before + 1, -1, -1
    if int(found[2]) != row:
        raise Irregular
    start = cell.start(3)
    return column_number(found[1].decode()), start + found.start(2), start + found.end(2)


def kind_of(attributes: bytes) -> bytes:
    """Return the type that a cell's attributes give it, empty where they give none."""
    found = TYPE.search(attributes) if attributes else None
    return found[1] if found else b""


def plain_text(raw: bytes) -> str:
    """Return the text that bytes between two tags stand for, line ends as XML reads them."""
    text = raw.decode("utf-8", "replace")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return unescape(text)


def inline_text(raw: bytes) -> str:
    """Return the text of an ``<is>`` element: of its runs one after another, phonetic hints left out.

    Raises:
        Irregular: it holds more than elements and text.
    """
    simple = _ONE_TEXT.fullmatch(raw)
    if simple is not None:
        return unescape_controls(plain_text(simple[1]))
    found: list[bytes] = []
    path: list[bytes] = []
    position = 0
    for tag in _TAG.finditer(raw):
        between = raw[position:tag.start()]
        if b"<" in between:
            raise Irregular
        if path[-1:] == [b"t"] and b"rPh" not in path:
            found.append(between)
        position = tag.end()
        if tag[1]:
            if not path or path.pop() != tag[2]:
                raise Irregular
        elif not tag[3]:
            path.append(tag[2])
    if path or raw[position:].strip():
        raise Irregular
    return unescape_controls("".join(map(plain_text, found)))


def spot_of(cell: re.Match[bytes], row: int, column: int) -> Spot:
    """Return the pieces of a cell that `cells` found."""
    kind = kind_of(cell[3]).decode()
    begin, end = cell.span()
    attributes_end = cell.end(3)
    opened = cell.string.index(b">", attributes_end) + 1
    spot = Spot(row, column, begin, end, opened, kind, b"")
    if cell[4] is not None:
        # Behind the text stands the closing tag; an empty element ends where its own tag does.
        after = cell.end(4) if cell[5] is None else cell.end(5)
        spot.formula_end = cell.string.index(b">", after) + 1
    if cell[6] is not None:
        start = cell.string.index(b"<v", spot.formula_end if spot.formula_end >= 0 else opened)
        after = cell.end(6) if cell[7] is None else cell.end(7)
        spot.held.append((start, cell.string.index(b">", after) + 1))
        spot.text = plain_text(cell[7]) if cell[7] else ""
    if cell[8] is not None:
        spot.held.append(cell.span(8))
    return spot


def revalued(data: bytes, spot: Spot, value: Value) -> bytes:
    """Return a cell's bytes with another value: its type and what holds its value change, all else stays."""
    if _holds(spot, value):
        return data[spot.begin:spot.end]
    kind, space, text = stored(value)
    tag = spot.prefix + b"v"
    element = b"<%s%s>%s</%s>" % (tag, space, text, tag)
    head = data[spot.begin:spot.opened]
    closed = head.endswith(b"/>")
    bare = _typed(head[:-2 if closed else -1].rstrip(), kind) + b">"
    if closed:
        return bare + element + b"</" + spot.prefix + b"c>"
    pieces = [bare]
    at = spot.opened
    place = spot.held[0][0] if spot.held else spot.formula_end if spot.formula_end >= 0 else spot.opened
    for start, end in spot.held or [(place, place)]:
        pieces.append(data[at:start])
        if start == place:
            pieces.append(element)
        at = end
    pieces.append(data[at:spot.end])
    return b"".join(pieces)


def unvalued(data: bytes, spot: Spot) -> bytes:
    """Return a cell's bytes without a value: its type and what holds the value are gone."""
    head = data[spot.begin:spot.opened]
    if head.endswith(b"/>"):
        return _typed(head[:-2].rstrip(), b"") + b"/>"
    pieces = [_typed(head[:-1].rstrip(), b"") + b">"]
    at = spot.opened
    for start, end in spot.held:
        pieces.append(data[at:start])
        at = end
    return b"".join([*pieces, data[at:spot.end]])


def _holds(spot: Spot, value: Value) -> bool:
    """Say whether a cell holds that value already, in whatever spelling."""
    if spot.text is None or len(spot.held) != 1:
        return False
    if type(value) is float:
        if not spot.text:
            return False
        try:
            return spot.kind in ("", "n") and float(spot.text) == value
        except ValueError:
            return False
    if type(value) is bool:
        return spot.kind == "b" and spot.text == ("1" if value else "0")
    if type(value) is ExcelError:
        return spot.kind == "e" and spot.text == str(value)
    return type(value) is str and spot.kind == "str" and unescape_controls(spot.text) == value \
        and spot.text == spot.text.strip()


def _typed(head: bytes, kind: bytes) -> bytes:
    """Return an opening tag, without its end, with another attribute ``t``, which `kind` holds or nothing.

    Metadata of the value that stood there goes.
    """
    if b"vm" in head:
        head = re.sub(rb"""\svm\s*=\s*("[^"]*"|'[^']*')""", b"", head)
    found = re.search(rb"""\st\s*=\s*("[^"]*"|'[^']*')""", head) if b"t" in head else None
    if found is None:
        return head + kind
    return head[:found.start()] + kind + head[found.end():]


def styled(data: bytes, spot: Spot) -> bytes:
    """Return the attribute of a cell that names its style, with a blank before it, or nothing."""
    found = re.search(rb"""\ss\s*=\s*["'](\d+)["']""", data[spot.begin:spot.opened])
    return b' s="%s"' % found[1] if found else b""


def stored(value: Value) -> tuple[bytes, bytes, bytes]:
    """Return what a formula cell holds for its value.

    Returns:
        The type attribute of its ``<c>`` and the attribute of its ``<v>``, each with a blank before it
        or nothing, and the text of its ``<v>``.
    """
    if type(value) is float:
        return b"", b"", repr(value).encode()
    if type(value) is bool:
        return b' t="b"', b"", b"1" if value else b"0"
    if type(value) is ExcelError:
        return b' t="e"', b"", str(value).encode()
    if value is None:
        return b"", b"", b"0.0"
    text = encoded(str(value))
    space = b' xml:space="preserve"' if text != text.strip() else b""
    return b' t="str"', space, text


def constant(value: Value) -> tuple[bytes, bytes]:
    """Return the type attribute and the inner XML of a cell that holds a value and no formula."""
    if value is None:
        return b"", b""
    if type(value) is str:
        return b' t="inlineStr"', b'<is><t xml:space="preserve">%s</t></is>' % encoded(value)
    kind, _, text = stored(value)
    return kind, b"<v>%s</v>" % text


def encoded(text: str) -> bytes:
    """Return text as it may stand between tags; what XML cannot hold is spelled as Excel does, ``_x000D_``."""
    return legal(escape(text)).encode("utf-8", "replace")


def legal(text: str) -> str:
    """Spell characters that XML cannot hold, or would read as others, as ``_x000D_``; such a spelling itself too."""
    if "_x" in text:
        text = re.sub(r"_(?=x[0-9A-Fa-f]{4}_)", "_x005F_", text)
    return re.sub(r"[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]", lambda found: f"_x{ord(found.group()):04X}_", text)


def formula_bytes(text: str) -> bytes:
    """Return a formula as it may stand in ``<f>``, without its leading ``=``."""
    plain = re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", " ", text.removeprefix("="))
    return escape(plain).replace("\r", "&#13;").encode("utf-8", "replace")


def prefixed(xml: bytes, prefix: bytes) -> bytes:
    """Return XML whose tags have no prefix with one, as the sheet around it spells its own."""
    return re.sub(rb"<(/?)(?=[A-Za-z])", rb"<\1" + prefix, xml) if prefix else xml

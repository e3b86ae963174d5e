"""Small edits of a workbook's parts as bytes: styles, cells, comments, a first sheet; all else stays as it was."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sheetprop.engine.file.xmlparts import escape, quoteattr
from sheetprop.engine.formula.references import address, cell_at

DOCUMENT = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
AUTHOR = "sheetprop audit"
Spot = tuple[int, int]

_AFTER_DRAWING = ("legacyDrawing", "legacyDrawingHF", "drawingHF", "picture", "oleObjects", "controls",
                  "webPublishItems", "tableParts", "extLst")


def tag(data: bytes, name: str) -> bytes:
    """Return the prefix that a part's elements carry, with its colon; empty where they carry none."""
    found = re.search(rb"<((?:[A-Za-z_][\w.-]*:)?)" + name.encode() + rb"[\s>/]", data)
    return found[1] if found else b""


class Styles:
    """The styles of a workbook, to which filled copies of cell formats and a few of one's own are added."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.prefix = tag(data, "styleSheet")
        self.formats = self._items("cellXfs", "xf")
        self.fills = len(self._items("fills", "fill"))
        self.fonts = len(self._items("fonts", "font"))
        self.new_formats: list[bytes] = []
        self.new_fills: list[bytes] = []
        self.new_fonts: list[bytes] = []
        self._filled: dict[int, int] = {}
        self._fill = -1

    @property
    def usable(self) -> bool:
        """Whether the part holds what is needed."""
        return bool(self.formats and self.fills and self.fonts)

    def _items(self, group: str, item: str) -> list[bytes]:
        body = self._body(group)
        name = re.escape(self.prefix) + item.encode()
        pattern = rb"<" + name + rb"(?:\s[^>]*?)?(?:/>|>.*?</" + name + rb">)"
        return [found[0] for found in re.finditer(pattern, body, re.S)]

    def _body(self, group: str) -> bytes:
        name = re.escape(self.prefix) + group.encode()
        found = re.search(rb"<" + name + rb"[\s>].*?</" + name + rb">", self.data, re.S)
        return found[0] if found else b""

    def filled(self, style: int, colour: str) -> int:
        """Return the number of a cell format like `style`, filled with a colour."""
        if style not in self._filled:
            if self._fill < 0:
                p = self.prefix.decode()
                self._fill = self.fill(f'<{p}fill><{p}patternFill patternType="solid"><{p}fgColor rgb="{colour}"/>'
                                       f'<{p}bgColor indexed="64"/></{p}patternFill></{p}fill>')
            old = self.formats[style] if style < len(self.formats) else self.formats[0]
            head, rest = re.match(rb"(<[^>]*?)(/?>.*)$", old, re.S).groups()  # type: ignore[union-attr]
            head = re.sub(rb'\s(?:fillId|applyFill)="[^"]*"', b"", head) + b' fillId="%d" applyFill="1"' % self._fill
            self._filled[style] = self.format(head + rest)
        return self._filled[style]

    def format(self, xml: bytes) -> int:
        """Add a cell format and return its number."""
        self.new_formats.append(xml)
        return len(self.formats) + len(self.new_formats) - 1

    def fill(self, xml: str) -> int:
        """Add a fill and return its number."""
        self.new_fills.append(xml.encode())
        return self.fills + len(self.new_fills) - 1

    def font(self, xml: str) -> int:
        """Add a font and return its number."""
        self.new_fonts.append(xml.encode())
        return self.fonts + len(self.new_fonts) - 1

    def bytes(self) -> bytes:
        """Return the part with what was added."""
        data = self.data
        for group, new in (("cellXfs", self.new_formats), ("fills", self.new_fills), ("fonts", self.new_fonts)):
            if new:
                data = _appended(data, self.prefix, group, new)
        return data


def _appended(data: bytes, prefix: bytes, group: str, new: list[bytes]) -> bytes:
    name = prefix + group.encode()
    start = re.search(rb"<" + re.escape(name) + rb"([\s>])", data)
    end = data.find(b"</" + name + b">", start.start() if start else 0)
    if start is None or end < 0:
        return data
    body = data[start.start():end] + b"".join(new)
    body = re.sub(rb'(\scount=")(\d+)(")', lambda m: m[1] + str(int(m[2]) + len(new)).encode() + m[3], body, count=1)
    return data[:start.start()] + body + data[end:]


def coloured(data: bytes, spots: set[Spot], styles: Styles, colour: str) -> bytes:
    """Return a sheet whose cells at `spots` are filled, blank ones too where their row is there."""
    prefix = tag(data, "sheetData")
    cell, row = re.escape(prefix) + b"c", re.escape(prefix) + b"row"
    wanted: dict[int, dict[int, None]] = {}
    for r, c in sorted(spots):
        wanted.setdefault(r, {})[c] = None

    def one_row(match: re.Match[bytes]) -> bytes:
        at = re.search(rb'\sr="(\d+)"', match[1])
        here = wanted.get(int(at[1])) if at is not None else None
        if at is None or not here:
            return match[0]
        number = int(at[1])
        left = dict(here)

        def one_cell(found: re.Match[bytes]) -> bytes:
            name = re.search(rb'\sr="([A-Z]+\d+)"', found[1])
            if name is None:
                return found[0]
            _, column = cell_at(name[1].decode())
            before = b"".join(b'<%sc r="%s" s="%d"/>' % (prefix, address(number, c).encode(), styles.filled(0, colour))
                              for c in list(left) if c < column and left.pop(c, 0) is None)
            if column not in left:
                return before + found[0]
            del left[column]
            style = re.search(rb'\ss="(\d+)"', found[1])
            new = styles.filled(int(style[1]) if style else 0, colour)
            head = re.sub(rb'\ss="\d+"', b"", found[1]) + b' s="%d"' % new
            return before + b"<" + prefix + b"c" + head + found[2]

        body = re.sub(rb"<" + cell + rb"(\s[^>]*?)(/?>)", one_cell, match[3] or b"")
        rest = b"".join(b'<%sc r="%s" s="%d"/>' % (prefix, address(number, c).encode(), styles.filled(0, colour))
                        for c in left)
        if match[2] == b"/>":
            return b"<" + prefix + b"row" + match[1] + (b">" + rest + b"</" + prefix + b"row>" if rest else b"/>")
        return b"<" + prefix + b"row" + match[1] + b">" + body + rest + b"</" + prefix + b"row>"

    begin, end = data.find(b"<" + prefix + b"sheetData"), data.find(b"</" + prefix + b"sheetData>")
    if begin < 0 or end < 0:
        return data
    pattern = rb"<" + row + rb"((?:\s[^>]*?)?)(/>|>(.*?)</" + row + rb">)"
    return data[:begin] + re.sub(pattern, one_row, data[begin:end], flags=re.S) + data[end:]


def with_legacy_drawing(data: bytes, relation: str) -> bytes:
    """Return a sheet that names the drawing of its comments, in the place where the schema has it."""
    prefix = tag(data, "worksheet")
    p = prefix.decode()
    element = f'<{p}legacyDrawing xmlns:r="{DOCUMENT}" r:id="{relation}"/>'.encode()
    tail = data.rfind(b"</" + prefix + b"sheetData>")
    if tail < 0:
        tail = max(data.rfind(b"<" + prefix + b"sheetData"), 0)
    spots = [found.start() for name in _AFTER_DRAWING
             if (found := re.search(rb"<" + re.escape(prefix) + name.encode() + rb"[\s/>]", data[tail:]))]
    place = tail + min(spots) if spots else data.rfind(b"</" + prefix + b"worksheet>")
    return data[:place] + element + data[place:]


def new_comments(texts: Mapping[Spot, str]) -> bytes:
    """Return a comments part."""
    return (f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<comments xmlns="{MAIN}"><authors><author>'
            f"{AUTHOR}</author></authors><commentList>".encode()
            + b"".join(_comment(b"", spot, text, 0) for spot, text in sorted(texts.items()))
            + b"</commentList></comments>")


def _comment(prefix: bytes, spot: Spot, text: str, author: int) -> bytes:
    p = prefix.decode()
    return (f'<{p}comment ref="{address(*spot)}" authorId="{author}"><{p}text><{p}r><{p}t xml:space="preserve">'
            f"{escape(text)}</{p}t></{p}r></{p}text></{p}comment>").encode()


def more_comments(data: bytes, texts: Mapping[Spot, str]) -> tuple[bytes, set[Spot]]:
    """Return a comments part with more, and the cells that had none: text is added to a comment that is there."""
    prefix = tag(data, "comments")
    p = re.escape(prefix)
    authors = len(re.findall(rb"<" + p + rb"author[\s/>]", data))
    close = b"</" + prefix + b"authors>"
    data = data.replace(close, b"<" + prefix + b"author>" + AUTHOR.encode() + b"</" + prefix + b"author>" + close, 1)
    fresh: set[Spot] = set()
    for spot, text in sorted(texts.items()):
        found = re.search(rb"<" + p + rb'comment\s[^>]*?ref="' + address(*spot).encode() + rb'".*?(</' + p + rb"text>)",
                          data, re.S)
        if found is None:
            fresh.add(spot)
            continue
        run = f'<{prefix.decode()}r><{prefix.decode()}t xml:space="preserve">\n{AUTHOR}: {escape(text)}' \
              f"</{prefix.decode()}t></{prefix.decode()}r>"
        data = data[:found.start(1)] + run.encode() + data[found.start(1):]
    close = b"</" + prefix + b"commentList>"
    added = b"".join(_comment(prefix, spot, texts[spot], authors) for spot in sorted(fresh))
    return data.replace(close, added + close, 1), fresh


_VML_HEAD = ('<xml xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" '
             'xmlns:x="urn:schemas-microsoft-com:office:excel"><o:shapelayout v:ext="edit"><o:idmap v:ext="edit" '
             'data="{block}"/></o:shapelayout><v:shapetype id="_x0000_t202" coordsize="21600,21600" o:spt="202" '
             'path="m,l,21600r21600,l21600,xe"><v:stroke joinstyle="miter"/><v:path gradientshapeok="t" '
             'o:connecttype="rect"/></v:shapetype>')


def shapes(spots: set[Spot], first: int) -> bytes:
    """Return the boxes of comments as VML, which spreadsheet programs ask for."""
    parts = []
    for index, (row, column) in enumerate(sorted(spots)):
        anchor = f"{column}, 15, {max(0, row - 2)}, 4, {column + 4}, 31, {row + 5}, 4"
        parts.append(f'<v:shape id="_x0000_s{first + index}" type="#_x0000_t202" style="position:absolute;'
                     'visibility:hidden" fillcolor="#ffffe1" o:insetmode="auto"><v:fill color2="#ffffe1"/>'
                     '<v:shadow on="t" color="black" obscured="t"/><v:path o:connecttype="none"/>'
                     '<v:textbox style="mso-direction-alt:auto"><div style="text-align:left"></div></v:textbox>'
                     '<x:ClientData ObjectType="Note"><x:MoveWithCells/><x:SizeWithCells/>'
                     f"<x:Anchor>{anchor}</x:Anchor><x:AutoFill>False</x:AutoFill><x:Row>{row - 1}</x:Row>"
                     f"<x:Column>{column - 1}</x:Column>"
                     "</x:ClientData></v:shape>")
    return "".join(parts).encode()


def new_drawing(spots: set[Spot], block: int) -> bytes:
    """Return a VML part with the boxes of comments."""
    return _VML_HEAD.format(block=block).encode() + shapes(spots, block * 1024 + 1) + b"</xml>"


def more_shapes(data: bytes, spots: set[Spot]) -> bytes:
    """Return a VML part with more boxes."""
    used = [int(found) for found in re.findall(rb"_x0000_s(\d+)", data)]
    place = data.rfind(b"</xml>")
    return data[:place] + shapes(spots, max(used, default=1024) + 1) + data[place:] if place >= 0 else data


def with_relation(data: bytes | None, kind: str, target: str) -> tuple[bytes, str]:
    """Return a part of relations with one more, and its identifier."""
    if data is None:
        data = (f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<Relationships xmlns="{PACKAGE}">'
                "</Relationships>").encode()
    used = {found.decode() for found in re.findall(rb'\sId="([^"]*)"', data)}
    name = next(f"rIdAudit{n}" for n in range(1, 10_000) if f"rIdAudit{n}" not in used)
    prefix = tag(data, "Relationships")
    element = f'<{prefix.decode()}Relationship Id="{name}" Type="{DOCUMENT}/{kind}" ' \
              f"Target={quoteattr(target)}/>"
    element_ = element.encode()
    close = b"</" + prefix + b"Relationships>"
    if close in data:
        return data.replace(close, element_ + close, 1), name
    return re.sub(rb"<" + prefix + rb"Relationships([^>]*)/>",
                  lambda m: b"<" + prefix + b"Relationships" + m[1] + b">" + element_ + close, data, count=1), name


def with_types(data: bytes, defaults: Mapping[str, str], parts: Mapping[str, str]) -> bytes:
    """Return the list of content types with more."""
    prefix = tag(data, "Types")
    p = prefix.decode()
    have = {found.lower() for found in re.findall(rb'\sExtension="([^"]*)"', data)}
    new = "".join(f'<{p}Default Extension="{end}" ContentType="{kind}"/>' for end, kind in defaults.items()
                  if end.encode() not in have)
    new += "".join(f'<{p}Override PartName="/{part}" ContentType="{kind}"/>' for part, kind in parts.items())
    close = b"</" + prefix + b"Types>"
    return data.replace(close, new.encode() + close, 1)


def with_first_sheet(data: bytes, name: str, relation: str) -> bytes:
    """Return the workbook part with one more sheet in front; names and the open sheet keep their places."""
    prefix = tag(data, "sheets")
    p = prefix.decode()
    ids = [int(found) for found in re.findall(rb'\ssheetId="(\d+)"', data)]
    element = f'<{p}sheet xmlns:r="{DOCUMENT}" name={quoteattr(name)} sheetId="{max(ids, default=0) + 1}" ' \
              f'r:id="{relation}"/>'
    start = rb"(<" + re.escape(prefix) + rb"sheets(?:\s[^>]*)?>)"
    data = re.sub(start, lambda m: m[1] + element.encode(), data, count=1)
    data = re.sub(rb'(\slocalSheetId=")(\d+)(")', lambda m: m[1] + str(int(m[2]) + 1).encode() + m[3], data)

    def view(match: re.Match[bytes]) -> bytes:
        text = match[0]
        if b"activeTab=" in text:
            return re.sub(rb'(\sactiveTab=")(\d+)(")', lambda m: m[1] + str(int(m[2]) + 1).encode() + m[3], text)
        return re.sub(rb"(/?>)$", rb' activeTab="1"\1', text)

    return re.sub(rb"<" + re.escape(prefix) + rb"workbookView\b[^>]*>", view, data)


def shared_strings(texts: list[str]) -> bytes:
    """Return a part of shared texts."""
    return (f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<sst xmlns="{MAIN}" count="{len(texts)}" '
            f'uniqueCount="{len(texts)}">' + "".join(f'<si><t xml:space="preserve">{escape(text)}</t></si>'
                                                     for text in texts) + "</sst>").encode()

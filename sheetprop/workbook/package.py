"""Putting right what openpyxl leaves: shared strings, the order of font children, shapes, dates, chart caches."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from xml.sax.saxutils import escape

import sheetprop

Parts = dict[str, bytes]
"""The parts of a package by name, in the order of the file."""

# The dates in a file are those of the layout, not of the clock: the same input gives the same bytes.
STAMP = "2026-01-01T00:00:00Z"
ZIP_DATE = (2026, 1, 1, 0, 0, 0)

_STRING_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
_STRING_RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_XML = b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'

# The order in which the schema wants the children of a font.
_FONT_ORDER = ("b", "i", "strike", "condense", "extend", "outline", "shadow", "u", "vertAlign", "sz", "color", "name",
               "family", "charset", "scheme")

_INLINE = re.compile(rb't="inlineStr"><is>(<t(?: [^>]*)?>.*?</t>)</is></c>', re.DOTALL)
_FONT = re.compile(rb"<font>(.*?)</font>", re.DOTALL)
_CHILD = re.compile(rb"<(\w+)[^>]*/>")


def read_parts(path: Path) -> Parts:
    """Return all parts of a package that we have just written."""
    with zipfile.ZipFile(path) as package:
        return {name: package.read(name) for name in package.namelist()}


def write_parts(parts: Parts, path: Path) -> None:
    """Write a package, uncompressed: it is read again at once."""
    with zipfile.ZipFile(path, "w") as package:
        for name, data in parts.items():
            package.writestr(zipfile.ZipInfo(name, ZIP_DATE), data)


def tidy(parts: Parts, picture: str) -> Parts:
    """Return the parts as Excel itself would have them.

    Args:
        parts: a package written by openpyxl, whose first drawing belongs to the sheet Start.
        picture: the anchor with the network's picture, put into that drawing.
    """
    result = _share_strings(parts)
    styles = result["xl/styles.xml"]
    result["xl/styles.xml"] = _FONT.sub(lambda font: b"<font>" + _ordered(font.group(1)) + b"</font>", styles)
    drawing = result["xl/drawings/drawing1.xml"]
    result["xl/drawings/drawing1.xml"] = _with_shapes(drawing, picture)
    result["docProps/core.xml"] = _core_properties()
    result["docProps/app.xml"] = _application()
    for name, data in result.items():
        if name.endswith((".xml", ".rels")) and not data.startswith(b"<?xml"):
            result[name] = _XML + data
    return result


def _ordered(children: bytes) -> bytes:
    found = {match.group(1).decode(): match.group(0) for match in _CHILD.finditer(children)}
    return b"".join(found[name] for name in _FONT_ORDER if name in found)


def _share_strings(parts: Parts) -> Parts:
    """Move inline strings into one table of shared strings, as Excel, Numbers and others expect."""
    table: dict[bytes, int] = {}
    uses = 0

    def share(match: re.Match[bytes]) -> bytes:
        nonlocal uses
        uses += 1
        index = table.setdefault(match.group(1), len(table))
        return b't="s"><v>%d</v></c>' % index

    result = {name: _INLINE.sub(share, data) if name.startswith("xl/worksheets/sheet") else data
              for name, data in parts.items()}
    items = b"".join(b"<si>" + text + b"</si>" for text in table)
    result["xl/sharedStrings.xml"] = (
        f'<sst xmlns="{_MAIN}" count="{uses}" uniqueCount="{len(table)}">'.encode() + items + b"</sst>")
    types = result["[Content_Types].xml"]
    override = f'<Override PartName="/xl/sharedStrings.xml" ContentType="{_STRING_TYPE}"/></Types>'
    if b"sharedStrings" not in types:
        result["[Content_Types].xml"] = types.replace(b"</Types>", override.encode())
    relations = result["xl/_rels/workbook.xml.rels"]
    if b"sharedStrings" not in relations:
        relation = (f'<Relationship Type="{_STRING_RELATION}" Target="sharedStrings.xml" Id="rIdStrings"/>'
                    "</Relationships>")
        result["xl/_rels/workbook.xml.rels"] = relations.replace(b"</Relationships>", relation.encode())
    return result


def _with_shapes(drawing: bytes, picture: str) -> bytes:
    """Put the picture into a drawing; openpyxl uses a default namespace, so ours are declared on the anchor."""
    spaces = ('xmlns:xdr="http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing" '
              'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"')
    anchor = picture.replace("<xdr:oneCellAnchor>", f"<xdr:oneCellAnchor {spaces}>", 1)
    return drawing.replace(b"</wsDr>", anchor.encode() + b"</wsDr>")


def _core_properties() -> bytes:
    return (
        '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        "<dc:title>Back-propagation, cell by cell</dc:title><dc:creator>sheetprop</dc:creator>"
        f'<dcterms:created xsi:type="dcterms:W3CDTF">{STAMP}</dcterms:created>'
        f'<dcterms:modified xsi:type="dcterms:W3CDTF">{STAMP}</dcterms:modified></cp:coreProperties>'
    ).encode()


def _application() -> bytes:
    version = ".".join(sheetprop.__version__.split(".")[:2])
    major, minor = version.split(".")
    return (
        '<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/extended-properties">'
        f"<Application>sheetprop</Application><AppVersion>{int(major):d}.{int(minor):04d}</AppVersion></Properties>"
    ).encode()


_NUMBERS = re.compile(rb"<numRef><f>([^<]*)</f></numRef>")
_STRINGS = re.compile(rb"<strRef><f>([^<]*)</f></strRef>")


def with_caches(chart: bytes, numbers: Callable[[str], list[float]], text: Callable[[str], str]) -> bytes:
    """Return a chart with the values that it shows, so that previews can draw it without calculating.

    Args:
        chart: the part as openpyxl wrote it.
        numbers: gives the values of a range; what is no finite number is left out, as Excel does.
        text: gives the text of a cell.
    """

    def number_cache(match: re.Match[bytes]) -> bytes:
        values = numbers(_unescaped(match.group(1)))
        points = "".join(f'<pt idx="{k}"><v>{v!r}</v></pt>' for k, v in enumerate(values) if v - v == 0.0)
        cache = f'<numCache><formatCode>General</formatCode><ptCount val="{len(values)}"/>{points}</numCache>'
        return b"<numRef><f>" + match.group(1) + b"</f>" + cache.encode() + b"</numRef>"

    def string_cache(match: re.Match[bytes]) -> bytes:
        value = escape(text(_unescaped(match.group(1))))
        cache = f'<strCache><ptCount val="1"/><pt idx="0"><v>{value}</v></pt></strCache>'
        return b"<strRef><f>" + match.group(1) + b"</f>" + cache.encode() + b"</strRef>"

    return _STRINGS.sub(string_cache, _NUMBERS.sub(number_cache, chart))


def _unescaped(reference: bytes) -> str:
    return reference.decode().replace("&apos;", "'").replace("&quot;", '"').replace("&amp;", "&")

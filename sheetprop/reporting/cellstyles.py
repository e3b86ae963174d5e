"""How the cells of a workbook look: fonts, fills, number formats, widths, read from the package itself.

Only the rows that are pictured are read, so a sheet of a million rows costs no more than its bytes.
"""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from sheetprop.errors import SheetpropError
from sheetprop.reporting.conditionalformats import NumberRule, number_rules

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_DRAWING = re.compile(rb'<drawing [^>]*?r:id="([^"]+)"')
_DEFAULT_WIDTH, _DEFAULT_HEIGHT = 8.43, 15.0
# Numbers of the formats that a file may use without describing them.
_BUILT_IN = {0: "General", 1: "0", 2: "0.00", 9: "0%", 10: "0.00%", 11: "0.00E+00"}


@dataclass(frozen=True)
class Look:
    """The look of a cell, as far as a picture of it needs it. Colours are six hexadecimal digits."""

    bold: bool = False
    italic: bool = False
    underline: bool = False
    size: float = 11.0
    colour: str | None = None
    fill: str | None = None
    align: str | None = None
    wrap: bool = False
    border: bool = False
    mono: bool = False
    number: str = "General"


@dataclass(frozen=True)
class SheetLook:
    """Sizes and styles of one sheet.

    Attributes:
        widths: of columns by index from 1, in characters.
        heights: of rows, in points.
        styles: index into the looks by ``(row, column)``, for cells of the rows that were asked for.
        frozen_columns: columns that stay while the rest is moved.
        last_row, last_column: of the used range.
        drawings: number of drawn things (charts, pictures) on the sheet.
        grid: whether grid lines are shown.
        rules: number formats that depend on the value.
    """

    widths: dict[int, float] = field(default_factory=dict)
    heights: dict[int, float] = field(default_factory=dict)
    styles: dict[tuple[int, int], int] = field(default_factory=dict)
    frozen_columns: int = 0
    last_row: int = 0
    last_column: int = 0
    drawings: int = 0
    grid: bool = True
    rules: tuple[NumberRule, ...] = ()

    def width(self, column: int) -> float:
        """Return the width of a column in characters."""
        return self.widths.get(column, _DEFAULT_WIDTH)

    def height(self, row: int) -> float:
        """Return the height of a row in points."""
        return self.heights.get(row, _DEFAULT_HEIGHT)


class Styles:
    """The styles of a package."""

    def __init__(self, path: Path) -> None:
        """Open the package and read its table of looks."""
        try:
            self._package = zipfile.ZipFile(path)
            styles = ElementTree.fromstring(self._package.read("xl/styles.xml"))
            self.looks = _looks(styles)
            self._conditional = [entry.get("formatCode") if (entry := one.find(f"{_MAIN}numFmt")) is not None else None
                                 for one in styles.iter(f"{_MAIN}dxf")]
            self._parts = self._sheet_parts()
        except (OSError, KeyError, zipfile.BadZipFile, ElementTree.ParseError) as error:
            raise SheetpropError(f"{path}: its styles cannot be read ({error}); build the workbook again") from error

    def close(self) -> None:
        """Close the file."""
        self._package.close()

    def _sheet_parts(self) -> dict[str, str]:
        relations = ElementTree.fromstring(self._package.read("xl/_rels/workbook.xml.rels"))
        targets = {r.get("Id"): str(r.get("Target")) for r in relations}
        book = ElementTree.fromstring(self._package.read("xl/workbook.xml"))
        parts = {}
        for sheet in book.iter(f"{_MAIN}sheet"):
            target = targets[sheet.get(_RELATION)]
            parts[str(sheet.get("name"))] = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
        return parts

    def sheet(self, name: str, first_rows: int, last_rows: int) -> SheetLook:
        """Return sizes and styles of a sheet, for its first and its last rows."""
        xml = self._package.read(self._parts[name])
        data = xml.find(b"<sheetData")
        head = xml[:data].decode("utf-8", "replace")
        widths: dict[int, float] = {}
        for tag in re.findall(r"<col [^>]*>", head):
            given = dict(re.findall(r'(\w+)="([^"]*)"', tag))
            for column in range(int(given["min"]), min(int(given["max"]), int(given["min"]) + 400) + 1):
                widths[column] = 0.0 if given.get("hidden") == "1" else float(given.get("width", _DEFAULT_WIDTH))
        pane = re.search(r'<pane [^>]*?xSplit="(\d+)"', head)
        heights: dict[int, float] = {}
        styles: dict[tuple[int, int], int] = {}
        last_row, last_column = _used(xml, head, data)
        tail_from = max(first_rows, last_row - last_rows) + 1
        for row in [*range(1, min(first_rows, last_row) + 1), *range(tail_from, last_row + 1)]:
            _read_row(xml, data, row, heights, styles)
        last_column = max([last_column, *(column for _, column in styles)], default=0)
        rules = number_rules(xml[xml.rfind(b"</sheetData>"):].decode("utf-8", "replace"), self._conditional)
        return SheetLook(widths, heights, styles, int(pane.group(1)) if pane else 0, last_row, last_column,
                         self._drawings(name, xml), 'showGridLines="0"' not in head, rules)

    def _drawings(self, name: str, xml: bytes) -> int:
        """Return how many things are drawn on a sheet."""
        found = _DRAWING.search(xml)
        if found is None:
            return 0
        folder, _, file = self._parts[name].rpartition("/")
        relations = ElementTree.fromstring(self._package.read(f"{folder}/_rels/{file}.rels"))
        targets = {r.get("Id"): str(r.get("Target")) for r in relations}
        target = targets[found.group(1).decode()]
        part = target.lstrip("/") if target.startswith("/") else f"xl/{target.removeprefix('../')}"
        drawing = self._package.read(part)
        return len(re.findall(rb"<(?:xdr:)?(?:oneCell|twoCell|absolute)Anchor\b", drawing))


def _used(xml: bytes, head: str, data: int) -> tuple[int, int]:
    """Return the last used row and column."""
    last = xml.rfind(b"<row ", data)
    row = 0
    if last >= 0:
        found = re.match(rb'<row [^>]*?r="(\d+)"', xml[last:last + 400])
        row = int(found.group(1)) if found else 0
    dimension = re.search(r'<dimension ref="[^":]*:?([A-Z]+)\d+"', head)
    return row, _column(dimension.group(1)) if dimension else 0


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def _read_row(
    xml: bytes, start: int, row: int, heights: dict[int, float], styles: dict[tuple[int, int], int]
) -> None:
    at = xml.find(b'<row r="%d"' % row, start)
    if at < 0:
        return
    end = xml.find(b"</row>", at)
    close = xml.find(b">", at)
    head = xml[at:close].decode()
    if height := re.search(r'\bht="([\d.]+)"', head):
        heights[row] = float(height.group(1))
    if end < 0 or head.endswith("/"):
        return
    for cell in re.finditer(rb'<c r="([A-Z]+)\d+"([^>]*)', xml[close:end]):
        style = re.search(rb'\bs="(\d+)"', cell.group(2))
        styles[row, _column(cell.group(1).decode())] = int(style.group(1)) if style else 0


def _looks(root: ElementTree.Element) -> list[Look]:
    formats = dict(_BUILT_IN)
    for entry in root.iter(f"{_MAIN}numFmt"):
        formats[int(entry.get("numFmtId", "0"))] = entry.get("formatCode", "General")
    fonts = list(root.find(f"{_MAIN}fonts") or ())
    fills = list(root.find(f"{_MAIN}fills") or ())
    borders = list(root.find(f"{_MAIN}borders") or ())
    looks = []
    for entry in root.find(f"{_MAIN}cellXfs") or ():
        font = fonts[int(entry.get("fontId", "0"))]
        alignment = entry.find(f"{_MAIN}alignment")
        place = {} if alignment is None else alignment.attrib
        name = font.find(f"{_MAIN}name")
        size = font.find(f"{_MAIN}sz")
        looks.append(Look(
            bold=_on(font, "b"), italic=_on(font, "i"), underline=font.find(f"{_MAIN}u") is not None,
            size=float(size.get("val", "11")) if size is not None else 11.0,
            colour=_rgb(font.find(f"{_MAIN}color")), fill=_fill(fills[int(entry.get("fillId", "0"))]),
            align=place.get("horizontal"), wrap=place.get("wrapText") in ("1", "true"),
            border=_bordered(borders[int(entry.get("borderId", "0"))]),
            mono=name is not None and name.get("val", "") in ("Consolas", "Courier New", "Courier"),
            number=formats.get(int(entry.get("numFmtId", "0")), "General")))
    return looks


def _on(font: ElementTree.Element, tag: str) -> bool:
    entry = font.find(f"{_MAIN}{tag}")
    return entry is not None and entry.get("val", "1") not in ("0", "false")


def _rgb(colour: ElementTree.Element | None) -> str | None:
    """Return six hexadecimal digits; theme and indexed colours are left to the default."""
    given = None if colour is None else colour.get("rgb")
    return given[-6:].upper() if given and re.fullmatch(r"[0-9A-Fa-f]{6,8}", given) else None


def _fill(fill: ElementTree.Element) -> str | None:
    pattern = fill.find(f"{_MAIN}patternFill")
    if pattern is None or pattern.get("patternType") != "solid":
        return None
    return _rgb(pattern.find(f"{_MAIN}fgColor"))


def _bordered(border: ElementTree.Element) -> bool:
    return any(side.get("style") for side in border)

"""The parts of a workbook, written directly: sheets with values stored, shared strings, styles, names, charts."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from openpyxl.writer.theme import theme_xml

from sheetprop.workbook.exported.charts import Chart
from sheetprop.workbook.formulas import letters
from sheetprop.workbook.package import STAMP, ZIP_DATE, _application
from sheetprop.workbook.style import RULE, Look

HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
PROGRAM = "customXml/item1.xml"
"""The part with the program: custom XML, which spreadsheet programs keep when they save; JSON is its text."""
PROGRAM_SPACE = "urn:sheetprop:program"

_LEVEL = 9


class Styles:
    """The looks of a workbook, each written once."""

    def __init__(self) -> None:
        self._looks: dict[Look, int] = {}
        self.number(Look())

    def number(self, look: Look) -> int:
        """Return the index of a look."""
        return self._looks.setdefault(look, len(self._looks))

    def xml(self) -> str:
        """Return the part."""
        fonts: dict[str, int] = {}
        fills = {'<fill><patternFill patternType="none"/></fill>': 0,
                 '<fill><patternFill patternType="gray125"/></fill>': 1}
        borders = {"<border><left/><right/><top/><bottom/><diagonal/></border>": 0}
        formats: dict[str, int] = {}
        cells = []
        for look in self._looks:
            font = fonts.setdefault(_font(look), len(fonts))
            fill = 0
            if look.fill:
                fill = fills.setdefault(f'<fill><patternFill patternType="solid"><fgColor rgb="FF{look.fill}"/>'
                                        f'<bgColor rgb="FF{look.fill}"/></patternFill></fill>', len(fills))
            border = 0
            if look.border:
                sides = "".join(f'<{side} style="thin"><color rgb="FF{RULE}"/></{side}>'
                                for side in ("left", "right", "top", "bottom"))
                border = borders.setdefault(f"<border>{sides}<diagonal/></border>", len(borders))
            code = {"General": 0, "0": 1, "0.00": 2}.get(look.number)
            if code is None:
                code = 164 + formats.setdefault(look.number, len(formats))
            align = "".join((f' horizontal="{look.align}"' if look.align else "", f' vertical="{look.vertical}"',
                             ' wrapText="1"' if look.wrap else "", f' indent="{look.indent}"' if look.indent else ""))
            cells.append(f'<xf numFmtId="{code}" fontId="{font}" fillId="{fill}" borderId="{border}" xfId="0" '
                         'applyNumberFormat="1" applyFont="1" applyFill="1" applyBorder="1" applyAlignment="1">'
                         f"<alignment{align}/></xf>")
        numbers = "".join(f'<numFmt numFmtId="{164 + k}" formatCode={quoteattr(text)}/>' for text, k in formats.items())
        return (f'{HEAD}<styleSheet xmlns="{MAIN}">'
                + (f'<numFmts count="{len(formats)}">{numbers}</numFmts>' if formats else "")
                + f'<fonts count="{len(fonts)}">{"".join(fonts)}</fonts>'
                f'<fills count="{len(fills)}">{"".join(fills)}</fills>'
                f'<borders count="{len(borders)}">{"".join(borders)}</borders>'
                '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
                f'<cellXfs count="{len(cells)}">{"".join(cells)}</cellXfs>'
                '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>')


def _font(look: Look) -> str:
    return ("<font>" + ("<b/>" if look.bold else "") + ("<i/>" if look.italic else "")
            + ("<u/>" if look.underline else "")
            + f'<sz val="{look.size:g}"/><color rgb="FF{look.colour}"/><name val="{look.font}"/></font>')


class Strings:
    """Texts, each stored once."""

    def __init__(self) -> None:
        self._index: dict[str, int] = {}
        self.uses = 0

    def number(self, text: str) -> int:
        """Return the index of a text."""
        self.uses += 1
        return self._index.setdefault(text, len(self._index))

    def xml(self) -> str:
        """Return the part."""
        items = "".join(f'<si><t xml:space="preserve">{escape(text)}</t></si>' for text in self._index)
        return f'{HEAD}<sst xmlns="{MAIN}" count="{self.uses}" uniqueCount="{len(self._index)}">{items}</sst>'


@dataclass
class Sheet:
    """One sheet while it is written.

    Attributes:
        name: of the tab.
        widths: of columns, in characters, by number.
        default_width: of all others.
        formulas: those outside blocks, by row and column.
        heats: (area, kind) of colour scales.
        rules: conditional formats as XML of ``cfRule`` without priority, by area.
        freeze: the first cell that scrolls.
        zoom: in percent.
    """

    name: str
    strings: Strings
    styles: Styles
    cells: dict[int, dict[int, str]] = field(default_factory=dict)
    formulas: dict[tuple[int, int], str] = field(default_factory=dict)
    widths: dict[int, float] = field(default_factory=dict)
    heights: dict[int, float] = field(default_factory=dict)
    default_width: float = 9.0
    heats: list[tuple[str, str]] = field(default_factory=list)
    links: list[tuple[str, str, str]] = field(default_factory=list)
    merges: list[str] = field(default_factory=list)
    lists: list[tuple[str, str]] = field(default_factory=list)
    charts: list[Chart] = field(default_factory=list)
    drawing: str = ""
    freeze: str = ""
    zoom: int = 100
    grid: bool = True
    tab: str = ""

    def text(self, row: int, column: int, text: str, look: Look) -> None:
        """Put a text."""
        style, index = self.styles.number(look), self.strings.number(text)
        self.cells.setdefault(row, {})[column] = f'<c r="{letters(column)}{row}" s="{style}" t="s"><v>{index}</v></c>'

    def blank(self, row: int, column: int, look: Look) -> None:
        """Put a look without content."""
        self.cells.setdefault(row, {})[column] = f'<c r="{letters(column)}{row}" s="{self.styles.number(look)}"/>'

    def number(self, row: int, column: int, value: float, look: Look) -> None:
        """Put a number."""
        self.cells.setdefault(row, {})[column] = (
            f'<c r="{letters(column)}{row}" s="{self.styles.number(look)}"><v>{plain(value)}</v></c>')

    def formula(self, row: int, column: int, formula: str, value: float | str | bool, look: Look) -> None:
        """Put a formula, without its ``=``, with its value."""
        style = self.styles.number(look)
        self.formulas[row, column] = formula
        self.cells.setdefault(row, {})[column] = formula_cell(f"{letters(column)}{row}", style, formula, value)

    def link(self, row: int, column: int, text: str, sheet: str, cell: str, look: Look) -> None:
        """Put a text that leads to a place in this workbook."""
        self.text(row, column, text, look)
        self.links.append((f"{letters(column)}{row}", sheet, cell))

    def xml(self, relation: str) -> str:
        """Return the part; `relation` is the id of its drawing, or empty."""
        rows = []
        right = 1
        for row in sorted(set(self.cells) | set(self.heights)):
            held = self.cells.get(row, {})
            right = max(right, *held) if held else right
            height = f' ht="{self.heights[row]:g}" customHeight="1"' if row in self.heights else ""
            rows.append(f'<row r="{row}"{height}>' + "".join([held[column] for column in sorted(held)]) + "</row>")
        last = max(self.cells, default=1)
        columns = "".join(f'<col min="{k}" max="{k}" width="{width:g}" customWidth="1"/>'
                          for k, width in sorted(self.widths.items()))
        pane = ""
        if self.freeze:
            name = self.freeze.rstrip("0123456789")
            across, down = _column(name) - 1, int(self.freeze[len(name):]) - 1
            corner = "bottomRight" if across and down else "topRight" if across else "bottomLeft"
            pane = ("<pane" + (f' xSplit="{across}"' if across else "") + (f' ySplit="{down}"' if down else "")
                    + f' topLeftCell="{self.freeze}" activePane="{corner}" state="frozen"/>')
        zoom = f' zoomScale="{self.zoom}" zoomScaleNormal="{self.zoom}"' if self.zoom != 100 else ""
        grid = "" if self.grid else ' showGridLines="0"'
        tab = f'<tabColor rgb="FF{self.tab}"/>' if self.tab else ""
        scales = "".join(f'<conditionalFormatting sqref="{area}"><cfRule type="colorScale" priority="{k + 1}">'
                         f"{SCALES[kind]}</cfRule></conditionalFormatting>"
                         if kind in SCALES else
                         f'<conditionalFormatting sqref="{area}"><cfRule type="dataBar" priority="{k + 1}"><dataBar>'
                         '<cfvo type="num" val="0"/><cfvo type="num" val="1"/><color rgb="FF56B4E9"/></dataBar>'
                         "</cfRule></conditionalFormatting>"
                         for k, (area, kind) in enumerate(self.heats))
        lists = "".join(f'<dataValidation type="whole" allowBlank="1" showErrorMessage="1" sqref="{cell}">'
                        f"<formula1>{bounds.split(':')[0]}</formula1><formula2>{bounds.split(':')[1]}</formula2>"
                        "</dataValidation>" for cell, bounds in self.lists)
        links = "".join(f'<hyperlink ref="{ref}" location={quoteattr(_place(sheet, cell))}/>'
                        for ref, sheet, cell in self.links)
        return "".join((
            f'{HEAD}<worksheet xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheetPr>{tab}<pageSetUpPr fitToPage="1"/></sheetPr>'
            f'<dimension ref="A1:{letters(right)}{last}"/><sheetViews><sheetView{grid}{zoom} workbookViewId="0">{pane}'
            f'</sheetView></sheetViews><sheetFormatPr defaultColWidth="{self.default_width:g}" defaultRowHeight="15"/>',
            f"<cols>{columns}</cols>" if columns else "", "<sheetData>", *rows, "</sheetData>",
            f'<mergeCells count="{len(self.merges)}">' + "".join(f'<mergeCell ref="{m}"/>' for m in self.merges)
            + "</mergeCells>" if self.merges else "",
            scales,
            f'<dataValidations count="{len(self.lists)}">{lists}</dataValidations>' if lists else "",
            f"<hyperlinks>{links}</hyperlinks>" if links else "",
            '<pageMargins left="0.4" right="0.4" top="0.6" bottom="0.6" header="0.3" footer="0.3"/>'
            '<pageSetup paperSize="9" orientation="landscape" fitToWidth="1" fitToHeight="0"/>'
            "<headerFooter><oddFooter>&amp;L&amp;A&amp;Rpage &amp;P of &amp;N</oddFooter></headerFooter>",
            f'<drawing r:id="{relation}"/>' if relation else "", "</worksheet>"))


def _scale(points: list[tuple[str, str, str]]) -> str:
    values = "".join(f'<cfvo type="{kind}"' + (f' val="{value}"' if value else "") + "/>" for kind, value, _ in points)
    return f"<colorScale>{values}" + "".join(f'<color rgb="FF{colour}"/>' for _, _, colour in points) + "</colorScale>"


SCALES = {
    "ink": _scale([("num", "0", "FFFFFF"), ("num", "1", "000000")]),
    "up": _scale([("min", "", "FFFFFF"), ("max", "", "C8442B")]),
    "down": _scale([("min", "", "3B6FB6"), ("max", "", "FFFFFF")]),
    "both": _scale([("min", "", "3B6FB6"), ("num", "0", "FFFFFF"), ("max", "", "C8442B")]),
    "share": _scale([("num", "0", "FFFFFF"), ("num", "1", "2E8B57")]),
}


def plain(value: float) -> str:
    """Return a number as the file holds it."""
    value = float(value)
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def formula_cell(ref: str, style: int, formula: str, value: float | str | bool) -> str:
    """Return a cell with a formula and its value."""
    text = formula
    if "<" in text or ">" in text or "&" in text:
        text = escape(text)
    if isinstance(value, bool):
        return f'<c r="{ref}" s="{style}" t="b"><f>{text}</f><v>{int(value)}</v></c>'
    if isinstance(value, str):
        return f'<c r="{ref}" s="{style}" t="str"><f>{text}</f><v>{escape(value)}</v></c>'
    if not math.isfinite(value):
        return f'<c r="{ref}" s="{style}" t="e"><f>{text}</f><v>#NUM!</v></c>'
    return f'<c r="{ref}" s="{style}"><f>{text}</f><v>{value:.15g}</v></c>'


def _place(sheet: str, cell: str) -> str:
    return "'" + sheet.replace("'", "''") + f"'!{cell}"


def _column(name: str) -> int:
    number = 0
    for letter in name:
        number = number * 26 + ord(letter) - 64
    return number


def write(path: Path, sheets: list[Sheet], strings: Strings, styles: Styles, names: dict[str, str], program: str,
          title: str) -> None:
    """Write a workbook.

    Args:
        path: the file.
        sheets: in the order of their tabs.
        strings, styles: those that the sheets used.
        names: defined names -> references.
        program: JSON, kept in a part of its own.
        title: of the document.
    """
    parts: dict[str, str | bytes] = {}
    overrides = {
        "/xl/workbook.xml": f"{SHEET_TYPE}.sheet.main+xml", "/xl/styles.xml": f"{SHEET_TYPE}.styles+xml",
        "/xl/sharedStrings.xml": f"{SHEET_TYPE}.sharedStrings+xml",
        "/xl/theme/theme1.xml": "application/vnd.openxmlformats-officedocument.theme+xml",
        "/customXml/itemProps1.xml": "application/vnd.openxmlformats-officedocument.customXmlProperties+xml",
        "/docProps/core.xml": "application/vnd.openxmlformats-package.core-properties+xml",
        "/docProps/app.xml": "application/vnd.openxmlformats-officedocument.extended-properties+xml"}
    charts = 0
    bodies: dict[str, str | bytes] = {}
    for k, sheet in enumerate(sheets, start=1):
        name = f"xl/worksheets/sheet{k}.xml"
        overrides[f"/{name}"] = f"{SHEET_TYPE}.worksheet+xml"
        drawn = bool(sheet.charts or sheet.drawing)
        bodies[name] = sheet.xml("rId1" if drawn else "")
        if drawn:
            bodies[f"xl/worksheets/_rels/sheet{k}.xml.rels"] = _relations(
                [("rId1", f"{OFFICE}/drawing", f"../drawings/drawing{k}.xml")])
            bodies[f"xl/drawings/drawing{k}.xml"] = _drawing(sheet)
            overrides[f"/xl/drawings/drawing{k}.xml"] = "application/vnd.openxmlformats-officedocument.drawing+xml"
            links = []
            for at, chart in enumerate(sheet.charts, start=1):
                charts += 1
                bodies[f"xl/charts/chart{charts}.xml"] = HEAD + chart.xml()
                overrides[f"/xl/charts/chart{charts}.xml"] = (
                    "application/vnd.openxmlformats-officedocument.drawingml.chart+xml")
                links.append((f"rId{at}", f"{OFFICE}/chart", f"../charts/chart{charts}.xml"))
            if links:
                bodies[f"xl/drawings/_rels/drawing{k}.xml.rels"] = _relations(links)
    kinds = "".join(f'<Override PartName="{name}" ContentType="{kind}"/>' for name, kind in overrides.items())
    parts["[Content_Types].xml"] = (
        f'{HEAD}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{kinds}</Types>')
    parts["_rels/.rels"] = _relations([
        ("rId1", f"{OFFICE}/officeDocument", "xl/workbook.xml"),
        ("rId2", "http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties",
         "docProps/core.xml"),
        ("rId3", f"{OFFICE}/extended-properties", "docProps/app.xml")])
    parts["docProps/core.xml"] = _core(title)
    parts["docProps/app.xml"] = HEAD.encode() + _application()
    tabs = "".join(f'<sheet name={quoteattr(sheet.name)} sheetId="{k}" r:id="rId{k}"/>'
                   for k, sheet in enumerate(sheets, start=1))
    defined = "".join(f"<definedName name={quoteattr(name)}>{escape(ref)}</definedName>"
                      for name, ref in sorted(names.items(), key=lambda item: item[0].lower()))
    parts["xl/workbook.xml"] = (
        f'{HEAD}<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><bookViews><workbookView/></bookViews>'
        f"<sheets>{tabs}</sheets>"
        + (f"<definedNames>{defined}</definedNames>" if defined else "") + '<calcPr calcId="0" fullCalcOnLoad="0"/>'
        "</workbook>")
    count = len(sheets)
    parts["xl/_rels/workbook.xml.rels"] = _relations([
        *((f"rId{k}", f"{OFFICE}/worksheet", f"worksheets/sheet{k}.xml") for k in range(1, count + 1)),
        (f"rId{count + 1}", f"{OFFICE}/styles", "styles.xml"),
        (f"rId{count + 2}", f"{OFFICE}/sharedStrings", "sharedStrings.xml"),
        (f"rId{count + 3}", f"{OFFICE}/theme", "theme/theme1.xml"),
        (f"rId{count + 4}", f"{OFFICE}/customXml", f"../{PROGRAM}")])
    parts.update(bodies)
    parts["xl/styles.xml"] = styles.xml()
    parts["xl/sharedStrings.xml"] = strings.xml()
    parts["xl/theme/theme1.xml"] = theme_xml
    parts[PROGRAM] = f'{HEAD}<program xmlns="{PROGRAM_SPACE}">{escape(program)}</program>'
    parts["customXml/_rels/item1.xml.rels"] = _relations(
        [("rId1", f"{OFFICE}/customXmlProps", "itemProps1.xml")])
    parts["customXml/itemProps1.xml"] = (
        f'{HEAD}<ds:datastoreItem ds:itemID="{{5B6E1C52-70A4-4A0B-9B0B-5EE7E6F2A001}}" '
        'xmlns:ds="http://schemas.openxmlformats.org/officeDocument/2006/customXml"><ds:schemaRefs>'
        f'<ds:schemaRef ds:uri="{PROGRAM_SPACE}"/></ds:schemaRefs></ds:datastoreItem>')
    with zipfile.ZipFile(path, "w") as package:
        for name, data in parts.items():
            info = zipfile.ZipInfo(name, ZIP_DATE)
            info.compress_type = zipfile.ZIP_DEFLATED
            package.writestr(info, data, compresslevel=_LEVEL)


def _relations(items: Iterable[tuple[str, str, str]]) -> str:
    body = "".join(f'<Relationship Id="{key}" Type="{kind}" Target="{target}"/>' for key, kind, target in items)
    return f'{HEAD}<Relationships xmlns="{RELATIONS}">{body}</Relationships>'


def _core(title: str) -> str:
    return (
        f'{HEAD}<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"<dc:title>{escape(title)}</dc:title><dc:creator>sheetprop</dc:creator>"
        f'<dcterms:created xsi:type="dcterms:W3CDTF">{STAMP}</dcterms:created>'
        f'<dcterms:modified xsi:type="dcterms:W3CDTF">{STAMP}</dcterms:modified></cp:coreProperties>')


def _drawing(sheet: Sheet) -> str:
    frames = "".join(chart.frame(k) for k, chart in enumerate(sheet.charts, start=1))
    return (f'{HEAD}<xdr:wsDr xmlns:xdr="http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing" '
            'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
            f'xmlns:r="{OFFICE}">{frames}{sheet.drawing}</xdr:wsDr>')


def with_number(look: Look, code: str) -> Look:
    """Return a look with another number format."""
    return replace(look, number=code)

"""A workbook with nothing in it, and sheets that are added to one that is there."""

from __future__ import annotations

import re
from collections.abc import Callable

from sheetprop.engine.file.package import Package
from sheetprop.engine.file.xmlparts import quoteattr, read_tree
from sheetprop.engine.grid.storage import SheetStore
from sheetprop.errors import SheetpropError

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
BLANK_SHEET = f'{_HEAD}<worksheet xmlns="{_MAIN}"><dimension ref="A1"/><sheetData/></worksheet>'.encode()
_LONGEST = 31

_STYLES = (
    f'{_HEAD}<styleSheet xmlns="{_MAIN}"><fonts count="1"><font><sz val="11"/><name val="Calibri"/><family val="2"/>'
    '</font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill '
    'patternType="gray125"/></fill></fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/>'
    '</border></borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/></cellXfs><cellStyles count="1">'
    '<cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>')

_COLOURS = (("dk1", "000000"), ("lt1", "FFFFFF"), ("dk2", "333F50"), ("lt2", "E7E6E6"), ("accent1", "0072B2"),
            ("accent2", "D55E00"), ("accent3", "009E73"), ("accent4", "CC79A7"), ("accent5", "56B4E9"),
            ("accent6", "E69F00"), ("hlink", "0563C1"), ("folHlink", "954F72"))


def _theme() -> str:
    """Return the colours and fonts that a workbook has to name: one plain fill, line and effect, thrice each."""
    colours = "".join(f'<a:{name}><a:srgbClr val="{colour}"/></a:{name}>' for name, colour in _COLOURS)
    font = '<a:latin typeface="Calibri"/><a:ea typeface=""/><a:cs typeface=""/>'
    fill = '<a:solidFill><a:schemeClr val="phClr"/></a:solidFill>'
    line = f'<a:ln w="9525">{fill}</a:ln>'
    effect = "<a:effectStyle><a:effectLst/></a:effectStyle>"
    return (f'{_HEAD}<a:theme xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" name="Plain">'
            f'<a:themeElements><a:clrScheme name="Plain">{colours}</a:clrScheme><a:fontScheme name="Plain">'
            f'<a:majorFont>{font}</a:majorFont><a:minorFont>{font}</a:minorFont></a:fontScheme>'
            f'<a:fmtScheme name="Plain"><a:fillStyleLst>{fill * 3}</a:fillStyleLst><a:lnStyleLst>{line * 3}'
            f'</a:lnStyleLst><a:effectStyleLst>{effect * 3}</a:effectStyleLst><a:bgFillStyleLst>{fill * 3}'
            "</a:bgFillStyleLst></a:fmtScheme></a:themeElements></a:theme>")


def blank_workbook() -> bytes:
    """Return a package without sheets: `added` gives it some."""
    import io
    import zipfile

    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = {
        "[Content_Types].xml":
            f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" ContentType='
            '"application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType='
            f'"application/xml"/><Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
            f'<Override PartName="/xl/styles.xml" ContentType="{kind}.styles+xml"/><Override PartName='
            '"/xl/theme/theme1.xml" ContentType="application/vnd.openxmlformats-officedocument.theme+xml"/></Types>',
        "_rels/.rels":
            f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
            f'Type="{_RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'{_HEAD}<workbook xmlns="{_MAIN}"><sheets></sheets></workbook>',
        "xl/_rels/workbook.xml.rels":
            f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
            f'Type="{_RELATIONS}/styles" Target="styles.xml"/><Relationship Id="rId2" Type="{_RELATIONS}/theme" '
            'Target="theme/theme1.xml"/></Relationships>',
        "xl/theme/theme1.xml": _theme(),
        "xl/styles.xml": _STYLES,
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as package:
        for name, text in parts.items():
            package.writestr(zipfile.ZipInfo(name), text)
    return buffer.getvalue()


def check_name(name: object, taken: list[str]) -> str:
    """Return a sheet's name, or say why it can be none.

    Raises:
        SheetpropError: Excel refuses the name, or another sheet has it.
    """
    if not isinstance(name, str) or not name.strip():
        raise SheetpropError(f"sheet {name!r}: a sheet needs a name")
    if len(name) > _LONGEST:
        raise SheetpropError(f"sheet {name!r}: is longer than {_LONGEST} characters; choose a shorter name")
    if re.search(r"[\[\]:*?/\\\x00-\x1f]", name) or name[0] == "'" or name[-1] == "'" or name.casefold() == "history":
        raise SheetpropError(f"sheet {name!r}: holds one of [ ] : * ? / \\, begins or ends with an apostrophe, or is "
                             "reserved; choose another name")
    if name.casefold() in (one.casefold() for one in taken):
        raise SheetpropError(f"sheet {name!r}: there is one of that name already; choose another")
    return name


def free_part(package: Package, sheets: list[SheetStore]) -> str:
    """Return a name for the part of a new sheet."""
    taken = {sheet.part.lower() for sheet in sheets}
    number = len(sheets) + 1
    while (part := f"xl/worksheets/sheet{number}.xml") in package or part in taken:
        number += 1
    return part


def added(read: Callable[[str], bytes], main: str, sheets: list[SheetStore]) -> dict[str, bytes]:
    """Return the parts of a package that name new sheets: types, relationships and the workbook itself.

    Args:
        read: gives the content of a part.
        main: the part of the workbook.
        sheets: the new sheets, in order.
    """
    folder, _, name = main.rpartition("/")
    rels = f"{folder}/_rels/{name}.rels" if folder else f"_rels/{name}.rels"
    types = "[Content_Types].xml"
    book = read(main)
    tree = read_tree(book, main)
    listed = tree.find("sheets")
    numbers = [int(item.attributes.get("sheetId", "0")) for item in (listed.children if listed else [])
               if item.attributes.get("sheetId", "0").isdigit()]
    known = {item.attributes.get("Id", "") for item in read_tree(read(rels), rels).children}
    number, at = max(numbers, default=0), 0
    overrides, links, entries = [], [], []
    for sheet in sheets:
        number += 1
        at += 1
        while f"rId{at}" in known:
            at += 1
        known.add(f"rId{at}")
        overrides.append(f'<Override PartName="/{sheet.part}" ContentType="{_SHEET_TYPE}"/>')
        links.append(f'<Relationship Id="rId{at}" Type="{_RELATIONS}/worksheet" Target="/{sheet.part}"/>')
        entries.append(f'<sheet xmlns:r="{_RELATIONS}" name={quoteattr(sheet.name)} sheetId="{number}" '
                       f'r:id="rId{at}"/>')
    return {
        types: _put_in(read(types), "Types", overrides, types),
        rels: _put_in(read(rels), "Relationships", links, rels),
        main: _put_in(book, "sheets", entries, main),
    }


def named(read: Callable[[str], bytes], main: str, part: str, kind: str, relation: str) -> dict[str, bytes]:
    """Return the parts of a package that name a new part: types, and the relationships of the workbook.

    Args:
        read: gives the content of a part.
        main: the part of the workbook.
        part: the new part.
        kind: its content type.
        relation: the last word of its relationship.
    """
    folder, _, name = main.rpartition("/")
    rels = f"{folder}/_rels/{name}.rels" if folder else f"_rels/{name}.rels"
    links, types = read(rels), "[Content_Types].xml"
    known = {item.attributes.get("Id", "") for item in read_tree(links, rels).children}
    at = 1
    while f"rId{at}" in known:
        at += 1
    override = f'<Override PartName="/{part}" ContentType="{kind}"/>'
    link = f'<Relationship Id="rId{at}" Type="{_RELATIONS}/{relation}" Target="/{part}"/>'
    return {types: _put_in(read(types), "Types", [override], types),
            rels: _put_in(links, "Relationships", [link], rels)}


def _put_in(data: bytes, element: str, inner: list[str], part: str) -> bytes:
    """Return XML with elements added at the end of another one, spelled with its prefix."""
    found = re.search(rf"<(?:/((?:[\w.-]+:)?){element}\s*|((?:[\w.-]+:)?){element}\s*/)>".encode(), data)
    text = "".join(inner)
    if found is None:
        raise SheetpropError(f"{part}: has no place for another sheet; save the workbook once in a spreadsheet program")
    prefix = found[1] or found[2] or b""
    new = re.sub(rb"<(?=[A-Za-z])", b"<" + prefix, text.encode()) if prefix else text.encode()
    if found[1] is not None:
        return data[:found.start()] + new + data[found.start():]
    tag = prefix + element.encode()
    return data[:found.start()] + b"<" + tag + b">" + new + b"</" + tag + b">" + data[found.end():]

"""Opens a workbook: which sheets there are, in which parts, the names, the settings, all cells."""

from __future__ import annotations

import re

from sheetprop.engine.file.blank import BLANK_SHEET
from sheetprop.engine.file.cellevents import plain_layout, scanned, utf8
from sheetprop.engine.file.cellxml import Irregular
from sheetprop.engine.file.package import Package
from sheetprop.engine.file.rows import Reader
from sheetprop.engine.file.xmlparts import Element, read_tree, shared_strings, unescape_controls
from sheetprop.engine.formula.outline import Outline, Table
from sheetprop.engine.formula.references import area_at
from sheetprop.engine.grid.storage import Family, SheetStore
from sheetprop.engine.grid.values import VALUE, Value
from sheetprop.errors import SheetpropError

TYPE_CHECKING = False  # typing costs a small workbook's time; mypy knows this name
if TYPE_CHECKING:
    from typing import Any

_ROOT = re.compile(rb"<(?:([\w.-]+):)?(?:worksheet|chartsheet|dialogsheet|macrosheet|xlmacrosheet)\b")


class Contents:
    """What a workbook file holds, as the engine keeps it.

    Attributes:
        remarks: what is odd about the file and changes what can be said of it, a line each.
        main: the part of the workbook itself.
        styles: the formats of its cells; see `styles.styles_of`.
        formulas_gone: whether a formula of the file was replaced by a constant.
    """

    def __init__(self, package: Package) -> None:
        self.package = package
        self.main = "xl/workbook.xml"
        self.sheets: list[SheetStore] = []
        self.names: dict[tuple[int | None, str], str] = {}
        self.hidden_names: set[tuple[int | None, str]] = set()
        self.spelled: dict[tuple[int | None, str], str] = {}
        self.date1904 = False
        self.iterate: tuple[int, float] | None = None
        self.cells = 0
        self.remarks: list[str] = []
        self.formulas_gone = False
        self.styles: Any = None
        self.outline = Outline()


def _target(base: str, target: str) -> str:
    """Return the part that a relationship's target means, seen from the folder `base`."""
    if target.startswith("/"):
        return target.lstrip("/")
    parts = base.split("/") if base else []
    for piece in target.replace("\\", "/").split("/"):
        if piece == "..":
            if parts:
                parts.pop()
        elif piece not in ("", "."):
            parts.append(piece)
    return "/".join(parts)


def relations(package: Package, part: str) -> dict[str, tuple[str, str]]:
    """Return id -> (kind, target part) of the relationships that start at `part`."""
    folder, _, name = part.rpartition("/")
    rels = f"{folder}/_rels/{name}.rels" if folder else f"_rels/{name}.rels"
    if rels not in package:
        return {}
    found: dict[str, tuple[str, str]] = {}
    for item in read_tree(package.read(rels), rels).children:
        given = item.attributes
        if given.get("TargetMode", "").lower() == "external":
            continue
        kind = given.get("Type", "").rpartition("/")[2]
        found.setdefault(given.get("Id", ""), (kind, _target(folder, given.get("Target", ""))))
    return found


def load(package: Package) -> Contents:
    """Read everything that calculation needs.

    Raises:
        SheetpropError: parts are missing or damaged, or a sheet has cells outside its bounds.
    """
    try:
        return _load(package)
    except SheetpropError as error:
        # What reads a part knows its name and not that of the file.
        where = f"{package.path}: "
        raise error if str(error).startswith(where) else SheetpropError(f"{where}{error}") from None


def _load(package: Package) -> Contents:
    contents = Contents(package)
    main = next((target for kind, target in relations(package, "").values() if kind == "officeDocument"), None)
    if main is None or main not in package:
        main = "xl/workbook.xml"
    if main not in package:
        if "xl/workbook.bin" in package or "mimetype" in package or "word/document.xml" in package:
            raise SheetpropError(f"{package.path}: is another kind of document (.xlsb, .ods, .docx); "
                                 "save it as .xlsx first")
        raise package.broken("its part xl/workbook.xml is missing")
    contents.main = package.entry(main).name
    book = read_tree(package.read(main), main)
    links = relations(package, main)
    _settings(contents, book)
    strings = _Strings(package, next((t for kind, t in links.values() if kind == "sharedStrings"), None))
    sheets = book.find("sheets")
    seen: set[str] = set()
    for item in sheets.children if sheets else []:
        name = item.attributes.get("name", "")
        kind, part = links.get(item.attributes.get("id", ""), ("", ""))
        if not name or name.casefold() in seen:
            raise package.broken(f"two sheets are called {name!r}" if name else "a sheet has no name")
        seen.add(name.casefold())
        there = part in package if part else False
        contents.sheets.append(SheetStore(name, len(contents.sheets), package.entry(part).name if there else ""))
        contents.sheets[-1].grid = there and kind in ("worksheet", "")
        if not there:
            contents.remarks.append(f"the file has no part for its sheet {name!r}, which is read as a blank sheet")
    if not any(sheet.part for sheet in contents.sheets):
        raise package.broken("the parts of its sheets are missing" if contents.sheets else "it has no sheets")
    _names(contents, book)
    contents.outline = Outline([sheet.name for sheet in contents.sheets],
                               [table for sheet in contents.sheets if sheet.part for table in _tables(package, sheet)],
                               [name for _, name in contents.names])
    cache: dict[str, Family] = {}
    for sheet in contents.sheets:
        if sheet.grid:
            contents.cells += _read_sheet(package, sheet, strings, cache, contents.outline)
    return contents


class _Strings:
    """The shared string table, read when a cell first asks for one of its texts."""

    def __init__(self, package: Package, part: str | None) -> None:
        self.package = package
        self.part = part
        self.texts: list[str] | None = None

    def __call__(self, index: int) -> Value:
        if self.texts is None:
            present = self.part is not None and self.part in self.package
            self.texts = shared_strings(self.package.read(self.part), self.part) if present and self.part else []
        return self.texts[index] if 0 <= index < len(self.texts) else VALUE


def _settings(contents: Contents, book: Element) -> None:
    properties = book.find("workbookPr")
    if properties is not None:
        contents.date1904 = properties.attributes.get("date1904", "0") in ("1", "true")
    calculation = book.find("calcPr")
    if calculation is not None and calculation.attributes.get("iterate", "0") in ("1", "true"):
        try:
            contents.iterate = (min(32_767, int(calculation.attributes.get("iterateCount", "100"))),
                                float(calculation.attributes.get("iterateDelta", "0.001")))
        except ValueError:
            contents.iterate = (100, 0.001)


def _names(contents: Contents, book: Element) -> None:
    names = book.find("definedNames")
    for item in names.children if names is not None else []:
        name = item.attributes.get("name", "")
        local = item.attributes.get("localSheetId")
        scope = int(local) if local is not None and local.isdigit() else None
        if name:
            contents.names[(scope, name.casefold())] = item.text.strip()
            if item.attributes.get("hidden", "0") in ("1", "true") or name.startswith("_xlnm."):
                contents.hidden_names.add((scope, name.casefold()))
            contents.spelled[(scope, name.casefold())] = name


def _tables(package: Package, sheet: SheetStore) -> list[Table]:
    """Return the tables of a sheet; one that is damaged is left out, so that its references are not known."""
    found: list[Table] = []
    for kind, part in relations(package, sheet.part).values():
        if kind != "table" or part not in package:
            continue
        root = read_tree(package.read(part), part)
        given = root.attributes
        columns = root.find("tableColumns")
        try:
            place = area_at(given.get("ref", ""))
            headers, totals = int(given.get("headerRowCount", "1")), int(given.get("totalsRowCount", "0"))
        except (SheetpropError, ValueError):
            continue
        names = [unescape_controls(item.attributes.get("name", "")) for item in columns.children] if columns else []
        if len(names) == place[3] - place[1] + 1 and headers >= 0 and totals >= 0:
            found.append(Table(given.get("displayName", given.get("name", "")), sheet.name, place, headers, totals,
                               names))
    return found


def bounds(data: bytes) -> tuple[int, int]:
    """Return where the content of ``<sheetData>`` begins and ends in a part of plain layout.

    For a sheet without cells that is (0, 0).

    Raises:
        Irregular: the part is not laid out plainly.
    """
    root = _ROOT.search(data, 0, 4096)
    if root is None or root.group(1):
        raise Irregular
    opening = re.search(rb"<sheetData\s*(/?)>", data)
    if b"<!" in data[:opening.start() if opening else None]:
        raise Irregular
    if opening is None:
        if b"sheetData" in data:
            raise Irregular
        return 0, 0
    if opening.group(1):
        return 0, 0
    end = data.rfind(b"</sheetData>")
    if end < opening.end():
        raise Irregular
    return opening.end(), end


def sheet_bytes(package: Package, sheet: SheetStore) -> bytes:
    """Return the part of a sheet in UTF-8."""
    if sheet.added:
        return BLANK_SHEET
    return utf8(package.read(sheet.part), sheet.part)


def rows_in_plain_layout(data: bytes, sheet: SheetStore, package: Package) -> bytes:
    """Return a sheet's rows as the plain reader takes them, from a part that is laid out in any other way.

    Raises:
        SheetpropError: the part is damaged, or too large when laid out so.
    """
    plain = plain_layout(scanned(data, sheet.part).rows)
    if len(plain) > package.max_bytes:
        raise SheetpropError(f"{sheet.part}: unpacks to more than {package.max_bytes:,} bytes; raise the limit with "
                             "--max-bytes")
    return plain


def _read_sheet(package: Package, sheet: SheetStore, strings: _Strings, cache: dict[str, Family],
                outline: Outline) -> int:
    data = sheet_bytes(package, sheet)
    try:
        start, end = bounds(data)
        reader = Reader(sheet, strings, cache, outline)
        reader.read(data, start, end)
    except Irregular:
        data = rows_in_plain_layout(data, sheet, package)
        for store in (sheet.columns, sheet.blocks, sheet.arrays, sheet.unread):
            store.clear()
        sheet.irregular = True
        reader = Reader(sheet, strings, cache, outline)
        reader.read(data, *bounds(data))
    sheet.arrange()
    return reader.cells

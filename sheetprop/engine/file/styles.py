"""How cells are formatted: which number format each has, and new formats for dates and percent."""

from __future__ import annotations

import re

from sheetprop.engine.file.cellxml import NUMBER, ROW, cells
from sheetprop.engine.file.loading import Contents, bounds, relations, rows_in_plain_layout, sheet_bytes
from sheetprop.engine.file.package import Package
from sheetprop.engine.file.xmlparts import Element, read_tree
from sheetprop.engine.grid.storage import SheetStore
from sheetprop.errors import SheetpropError

# Built-in formats of dates and times; 27 to 36 and 50 to 58 are those of East Asian languages.
_DATES = frozenset((*range(14, 18), 22, *range(27, 32), 36, *range(50, 55), 57, 58))
_TIMES = frozenset((*range(18, 22), *range(32, 36), 45, 47, 55, 56))
_ELAPSED = frozenset((46,))
DATE, MOMENT, CLOCK, ELAPSED, PERCENT, PERCENT_2 = 14, 22, 21, 46, 9, 10
_STYLE = re.compile(rb'\ss="(\d+)"')
_XF = re.compile(r"<((?:[\w.-]+:)?)xf(?=[\s/>])((?:[^>\"']|\"[^\"]*\"|'[^']*')*?)(/>|>.*?</\1xf\s*>)", re.DOTALL)


def kind_of_format(number: int, code: str | None) -> str:
    """Return what a number in a format is shown as: "date", "time", "elapsed", or "" for a number."""
    if code is None:
        return "date" if number in _DATES else "time" if number in _TIMES else "elapsed" if number in _ELAPSED else ""
    first = re.sub(r'"[^"]*"|\\.|_.|\*.', "", code.partition(";")[0])
    if re.search(r"\[[hms]+\]", first, re.IGNORECASE):
        return "elapsed"
    plain = re.sub(r"\[[^\]]*\]|general", "", first, flags=re.IGNORECASE)
    letters = set(re.sub(r"am/pm|a/p", "h", plain, flags=re.IGNORECASE).lower()) & set("ymdhse")
    if "e" in letters and re.search(r"[0#?]", plain):
        letters.discard("e")  # a power of ten
    if letters & set("yde") or letters == {"m"}:
        return "date"
    return "time" if letters & set("hs") else ""


class Styles:
    """The cell formats of a workbook; those added here are written when it is saved.

    Attributes:
        kinds: by style, what `kind_of_format` says.
        new: (style that it is like, number of its format) of each style that was added.
    """

    def __init__(self, contents: Contents) -> None:
        package = contents.package
        main = next((part for kind, part in relations(package, "").values() if kind == "officeDocument"),
                    "xl/workbook.xml")
        self.part = next((part for kind, part in relations(package, main).values() if kind == "styles"), "")
        there = bool(self.part) and self.part in package
        root = read_tree(package.read(self.part), self.part) if there else Element("", {})
        listed, formats = root.find("cellXfs"), root.find("numFmts")
        codes = {item.attributes.get("numFmtId", ""): item.attributes.get("formatCode", "")
                 for item in (formats.children if formats else [])}
        self.kinds: list[str] = []
        self.numbers: list[int] = []
        for item in listed.children if listed else []:
            number = item.attributes.get("numFmtId", "0")
            self.numbers.append(int(number) if number.isdigit() else 0)
            self.kinds.append(kind_of_format(self.numbers[-1], codes.get(number)))
        self.count = len(self.kinds)
        self.new: list[tuple[int, int]] = []
        self._cells: dict[int, dict[tuple[int, int], int]] = {}

    def style_at(self, contents: Contents, sheet: SheetStore, row: int, column: int) -> int:
        """Return a cell's style, 0 where it has none."""
        given = sheet.styled.get((row, column))
        if given is not None:
            return given
        if sheet.index not in self._cells:
            self._cells[sheet.index] = _styled_cells(contents, sheet)
        for block in sheet.filled:
            if block.first <= row <= block.last:
                content = block.template.content
                return _row_styles(content).get(column, 0)
        return self._cells[sheet.index].get((row, column), 0)

    def kind_at(self, contents: Contents, sheet: SheetStore, row: int, column: int) -> str:
        """Return what a cell's number is shown as; see `kind_of_format`."""
        style = self.style_at(contents, sheet, row, column)
        return self.kinds[style] if style < len(self.kinds) else ""

    def like(self, style: int, number: int) -> int:
        """Return a style that is like another one, with the number format `number`.

        Raises:
            SheetpropError: the file has no formats.
        """
        if not self.count:
            raise SheetpropError("the file has no cell formats, so that a date cannot be shown as one; save it once in "
                                 "a spreadsheet program, or set the date's number")
        if (style, number) in self.new:
            return self.count + self.new.index((style, number))
        self.new.append((style, number))
        self.kinds.append(kind_of_format(number, None))
        self.numbers.append(number)
        return len(self.kinds) - 1

    def written(self, package: Package) -> dict[str, bytes]:
        """Return the part with the styles that were added, nothing where there are none."""
        if not self.new:
            return {}
        text = package.read(self.part).decode("utf-8", "replace")
        found = re.search(r"(<(?:[\w.-]+:)?cellXfs\b)([^>]*)(>)(.*?)(</(?:[\w.-]+:)?cellXfs\s*>)", text, re.DOTALL)
        held = list(_XF.finditer(found[4])) if found else []
        if found is None or len(held) != self.count:
            raise SheetpropError(f"{self.part}: its cell formats cannot be read; save the workbook once in a "
                                 "spreadsheet program")
        more: list[str] = []
        for like, number in self.new:
            xf = held[like] if like < self.count else held[0]
            attributes = re.sub(r"""\s(numFmtId|applyNumberFormat)\s*=\s*("[^"]*"|'[^']*')""", "", xf[2])
            more.append(f'<{xf[1]}xf numFmtId="{number}" applyNumberFormat="1"{attributes}{xf[3]}')
        count = re.sub(r"""(\scount\s*=\s*["'])\d+""", rf"\g<1>{self.count + len(self.new)}", found[2])
        new = text[:found.start()] + found[1] + count + found[3] + found[4] + "".join(more) + found[5]
        return {package.entry(self.part).name: (new + text[found.end():]).encode()}


def styles_of(contents: Contents) -> Styles:
    """Return a workbook's formats, read when they are first asked for."""
    if contents.styles is None:
        contents.styles = Styles(contents)
    found: Styles = contents.styles
    return found


def _row_styles(content: bytes) -> dict[int, int]:
    """Return the styles in a row given without its closing tag, by column."""
    opening = ROW.match(content)
    number = NUMBER.search(opening[1]) if opening is not None else None
    if opening is None or number is None:
        return {}
    found: dict[int, int] = {}
    for column, cell in cells(content, opening.end(), len(content), int(number[1])):
        style = _STYLE.search(cell[3]) if cell[3] else None
        if style is not None:
            found[column] = int(style[1])
    return found


def _styled_cells(contents: Contents, sheet: SheetStore) -> dict[tuple[int, int], int]:
    """Return the styles of the cells of a sheet in the file, those with style 0 left out."""
    found: dict[tuple[int, int], int] = {}
    data = sheet_bytes(contents.package, sheet)
    if sheet.irregular:
        data = rows_in_plain_layout(data, sheet, contents.package)
    start, end = bounds(data)
    row, position = 0, start
    while (opening := ROW.search(data, position, end)) is not None:
        number = NUMBER.search(opening[1])
        row = int(number[1]) if number else row + 1
        position = opening.end()
        if opening[2]:
            continue
        close = data.index(b"</row>", position, end)
        if data.find(b' s="', position, close) >= 0:
            for column, cell in cells(data, position, close, row):
                style = _STYLE.search(cell[3]) if cell[3] else None
                if style is not None and style[1] != b"0":
                    found[(row, column)] = int(style[1])
        position = close
    return found

"""Reads a sheet's rows from its XML: most rows by one comparison with the row above, moved down.

The first row of a table is parsed and turned into a `Template`: its bytes with every number
that moves with the row replaced by a marker. A following row whose bytes equal the template,
moved down, holds the same relative formulas, so nothing of it needs to be parsed. Rows that
carry stored values are compared without them.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from sheetprop.engine.file.cellxml import (
    DYNAMIC,
    NUMBER,
    ROW,
    VALUES,
    Irregular,
    cells,
    inline_text,
    kind_of,
    placed,
    plain_text,
)
from sheetprop.engine.file.templates import Parsed, Template
from sheetprop.engine.file.xmlparts import unescape, unescape_controls
from sheetprop.engine.formula.outline import Outline
from sheetprop.engine.formula.parse import FormulaError, relative_rows
from sheetprop.engine.formula.references import MAX_ROW, area_at, column_number
from sheetprop.engine.formula.tree import Call, Foreign, Text
from sheetprop.engine.grid.storage import (
    ArrayFormula,
    Block,
    Family,
    SheetStore,
    family,
    family_of,
    program_of,
)
from sheetprop.engine.grid.values import ERRORS, VALUE, ExcelError, Value
from sheetprop.errors import SheetpropError

_ATTRIBUTE = re.compile(r'(\w+)="([^"]*)"')
_KEY = re.compile(r'"(?:[^"]|"")*"|\'(?:[^\']|\'\')*\'|(\$?)([A-Za-z]{1,3})(\$?)([1-9][0-9]{0,6})(?![\w.(!\[])|[\w.]+')
_KEPT = 6
_SPREAD = 2_000_000  # cells that the array formulas of one sheet may fill


def _padded(entity: re.Match[str]) -> str:
    """Return what an entity stands for, as long as its spelling: positions in the text stay those of the bytes."""
    meant, length = unescape(entity.group()), len(entity.group())
    return meant.ljust(length) if meant.isascii() else "_" * length


def is_foreign(one: Family) -> bool:
    """Say whether a formula leaves the workbook or names what this engine does not follow."""
    found: bool | None = one.cache.get("foreign")
    if found is None:
        found = one.cache["foreign"] = any(isinstance(node, Foreign) for node in one.tree.walk())
    return found


def _marked(text: str, row: int) -> str:
    """Return a text with marks for the digits of a row and of the row above."""
    return text.replace(str(row), "\x01").replace(str(row - 1), "\x02")


class Reader:
    """Reads one sheet's data into a `SheetStore`."""

    def __init__(self, sheet: SheetStore, strings: Callable[[int], Value], cache: dict[str, Family],
                 outline: Outline) -> None:
        self.sheet = sheet
        self.strings = strings
        self.cache = cache
        self.outline = outline
        self.since, self.edge = 0, outline.alike(sheet.name, 0)
        self.shared: dict[str, Family] = {}
        self.templates: list[Template] = []
        self.met: set[tuple[int, str]] = set()
        self.marked: dict[tuple[int, str], Family] = {}
        self.spread = 0
        self.pending: Parsed | None = None
        self.cells = 0
        self.own = sheet.name.casefold().replace("'", "''")

    def read(self, data: bytes, start: int, end: int) -> None:
        """Read the rows between `start` and `end`, the bounds of the content of ``<sheetData>``.

        Raises:
            Irregular: something stands there that is no plain row.
            SheetpropError: a row or cell lies outside a sheet.
        """
        position = start
        row = 0
        sheet = self.sheet
        block: Block | None = None
        recent: list[Template] = self.templates
        while position < end:
            begin = data.find(b"<", position, end)
            if begin < 0:
                break
            row += 1
            if not self.since <= row <= self.edge:
                self.cross(row)
            matched, plain = None, False
            for template in recent:
                if template.exact:
                    expected = template.moved(template.text, row)
                    if data.startswith(expected, begin) and data.startswith(b"</row>", begin + len(expected)):
                        matched, plain = template, True
                        position = begin + len(expected) + 6
                        if template.constants:
                            self.keep_constants(template, row, None)
                        break
            if matched is None:
                opening = ROW.match(data, begin)
                if opening is None:
                    raise Irregular
                number = NUMBER.search(opening.group(1))
                if number:
                    above, row = row - 1, int(number.group(1))
                    if row <= above:
                        raise Irregular  # rows in no order
                    if not self.since <= row <= self.edge:
                        self.cross(row)
                elif b"r=" in opening.group(1) and re.search(rb"\sr=", opening.group(1)):
                    raise Irregular
                if not 1 <= row <= MAX_ROW:
                    raise SheetpropError(f"{sheet.part}: has a row {row}, but a sheet ends at {MAX_ROW}; "
                                         "the file is damaged")
                if opening.group(2):
                    position = opening.end()
                    block = self.pending = None
                    continue
                close = data.find(b"</row>", opening.end(), end)
                if close < 0:
                    raise Irregular
                content = data[begin:close]
                position = close + 6
                bare = VALUES.sub(b"<v/>", content) if b"<v" in content else b""
                for template in recent if bare else ():
                    if template.moved(template.bare, row) == bare:
                        matched, plain = template, False
                        self.keep_constants(template, row, content)
                        break
                if matched is None and self.pending is not None and self.pending.alike(content):
                    # Only now is it worth to make a template of the row above.
                    fresh = self.pending_template()
                    if fresh is not None and fresh.exact and fresh.moved(fresh.text, row) == content:
                        matched, plain = fresh, True
                        self.keep_constants(fresh, row, None)
                    elif fresh is not None and bare and fresh.moved(fresh.bare, row) == bare:
                        matched, plain = fresh, False
                        self.keep_constants(fresh, row, content)
            if matched is not None:
                self.pending = None
                if recent[0] is not matched:
                    recent.remove(matched)
                    recent.insert(0, matched)
                self.cells += len(matched.program) + len(matched.constants)
                if block is not None and block.template is matched and block.last == row - 1:
                    block.last = row
                    block.pure = block.pure and plain
                else:
                    block = Block(row, row, matched.program, matched)
                    block.pure = plain
                    sheet.blocks.append(block)
                continue
            assert opening is not None
            block = self.parse_row(content, row, opening.end() - begin)
            if block is None:
                self.pending = None

    def cross(self, row: int) -> None:
        """Enter rows in which references to tables mean something else: rows above are no pattern for them."""
        self.templates.clear()
        self.pending = None
        self.since, self.edge = row, self.outline.alike(self.sheet.name, row)

    def keep_constants(self, template: Template, row: int, content: bytes | None) -> None:
        """Store the values of a matched row's cells that hold no formula.

        The rows are equal but for what stands in their ``<v>`` elements, so these belong to the same columns.
        """
        if not template.constants:
            return
        values = dict(zip(template.valued, VALUES.findall(content), strict=True)) if content is not None else {}
        for column, value, kind in template.constants:
            if column in values:
                value = self.constant(kind, values[column])
            if value is not None:
                self.sheet.set(row, column, value)

    def constant(self, kind: bytes, text: bytes) -> Value:
        """Return the value that a cell without a formula holds."""
        if kind == b"" or kind == b"n":
            if not text:
                return None
            try:
                number = float(text)
            except ValueError:
                return VALUE
            return number if number - number == 0.0 else VALUE  # no infinity
        if kind == b"s":
            try:
                return self.strings(int(text))
            except ValueError:
                return VALUE
        if kind == b"b":
            return text.strip() in (b"1", b"true")
        plain = plain_text(text)
        if kind == b"e":
            return ERRORS.get(plain) or ExcelError(plain or "#VALUE!")
        if kind == b"d":
            from sheetprop.engine.grid.dates import date_in

            return date_in(plain)
        return unescape_controls(plain)

    def parse_row(self, content: bytes, row: int, header: int) -> Block | None:
        """Read one row cell by cell; `header` is the length of its opening tag."""
        before = 0
        formulas: dict[int, Family] = {}
        constants: list[tuple[int, Value, bytes]] = []
        spans: list[tuple[int, int, int]] = []
        texts: list[tuple[int, str]] = []
        valued: list[int] = []
        fits, exact, shared = True, True, False
        sheet = self.sheet
        number = NUMBER.search(content, 0, header)
        if number:
            spans.append((number.start(1), number.end(1), 0))
        else:
            fits = False
        for column, cell in cells(content, header, len(content), row):
            if cell[1] is not None:
                spans.append((cell.start(2), cell.end(2), 0))
            else:
                _, start, end = placed(cell, row, before)
                spans.append((start, end, 0))
                fits = fits and start >= 0
            before = column
            attributes, options, text, held, stored, inline = cell.group(3, 4, 5, 6, 7, 8)
            if options is None and held is None and inline is None:
                continue
            self.cells += 1
            kind = kind_of(attributes)
            if held is not None:
                valued.append(column)
            if options is None:
                if inline is not None and (kind == b"inlineStr" or held is None):
                    value: Value = inline_text(inline)
                    fits = fits and held is None
                else:
                    value = self.constant(kind, stored or b"")
                constants.append((column, value, kind))
                if value is not None:
                    sheet.set(row, column, value)
                continue
            if stored:
                exact = False
            fits = fits and inline is None and b" vm=" not in attributes
            one, marks, again = self.formula(options, text, row, column, kind, stored,
                                             dynamic=bool(attributes) and DYNAMIC.search(attributes) is not None)
            shared = shared or again
            if one is None:
                fits = False
                continue
            formulas[column] = one
            if marks is None:
                fits = False
            elif marks:
                texts.append((cell.start(5), marks))
        if not formulas:
            return None
        block = Block(row, row, program_of(formulas))
        sheet.blocks.append(block)
        self.pending = Parsed(content, row, spans, texts, constants, valued, exact, shared, block) \
            if fits else None
        return block

    def pending_template(self) -> Template | None:
        """Turn the row that was parsed last into a template, or return None where that is not sound."""
        pending, self.pending = self.pending, None
        template = pending.template() if pending is not None else None
        if pending is not None and template is not None:
            pending.block.template = template
            pending.block.pure = template.exact
            self.templates.insert(0, template)
            del self.templates[_KEPT:]
        return template

    def formula(self, options: bytes, text: bytes | None, row: int, column: int, kind: bytes,
                stored: bytes | None, *, dynamic: bool) -> tuple[Family | None, str | None, bool]:
        """Return a formula's family, its text in bytes' positions, and whether it is shared.

        The family is None where the cell keeps its stored value (array members, data tables);
        the text is None where rows must not be compared with this one.
        """
        settings: dict[str, str] = dict(_ATTRIBUTE.findall(options.decode("utf-8", "replace"))) if options else {}
        form = settings.get("t", "normal")
        index = settings.get("si", "")
        if not text:
            if form == "shared" and index in self.shared:
                return self.shared[index], "", True
            if any(one.top <= row <= one.bottom and one.left <= column <= one.right for one in self.sheet.arrays):
                value = self.constant(kind, stored or b"")  # Excel writes <f ca="1"/> into what a volatile result fills
                if value is not None:
                    self.sheet.set(row, column, value)
                return None, None, False
            self.keep(row, column, kind, stored, "a formula without text" if form != "dataTable" else "a data table")
            return None, None, False
        if form == "dataTable":
            self.keep(row, column, kind, stored, "a data table")
            return None, None, False
        raw = text.decode("utf-8", "replace")
        changed = "\r" in raw
        if changed:
            raw = raw.replace("\r\n", "\n").replace("\r", "\n")  # as XML reads line ends
        again = self.met_again(raw, row, column) if not options else None
        if again is not None:
            return again, None if changed else raw, False
        padded, plain = raw, raw
        if "&" in raw:
            padded = re.sub(r"&(\w+|#\w+);", _padded, raw)
            plain = unescape(raw)
            if len(padded) != len(raw):
                padded = ""
        if changed:
            padded = ""  # positions are not those of the bytes
        try:
            one = self.family(plain, row, column)
        except FormulaError as error:
            self.sheet.unread.append((row, column, str(error)))
            one = family_of(Call("#UNREADABLE", (Text(plain),)))
            return one, None, False
        if form == "array":
            try:
                top, left, bottom, right = area_at(settings.get("ref", ""))
            except SheetpropError:
                top, left, bottom, right = row, column, row, column
            if (top, left) == (bottom, right):
                return family_of(Call("#DYNAMIC" if dynamic else "#ARRAY", (one.tree,))), None, False
            size = (bottom - top + 1) * (right - left + 1)
            self.spread += size
            if self.spread > _SPREAD:
                self.spread -= size
                self.keep(row, column, kind, stored, f"an array formula over {size:,} cells")
                return None, None, False
            self.sheet.arrays.append(ArrayFormula(one, top, left, bottom, right, dynamic))
            return None, None, False
        if form == "shared" and index:
            self.shared[index] = one
            # Rows that follow may use the same index for another formula from here on.
            self.templates[:] = [template for template in self.templates if not template.shared]
            if self.pending is not None and self.pending.shared:
                self.pending = None
            return one, None, True
        if is_foreign(one):
            value = self.constant(kind, stored or b"")
            if value is not None:
                self.sheet.set(row, column, value)
            return one, None, False
        if not options:
            self.remember(raw, row, column, one)
        return one, padded or None, False

    def met_again(self, text: str, row: int, column: int) -> Family | None:
        """Return the family of a formula that reads in this row as one of its column read in another row.

        That is decided without looking for references: the digits of the row and of the row above,
        wherever they stand, are replaced by marks, and the texts compared.
        """
        return self.marked.get((column, _marked(text, row)))

    def remember(self, text: str, row: int, column: int, one: Family) -> None:
        """Keep a formula's family for `met_again` when its marked text comes a second time.

        Only where marks stand exactly for the row numbers that move with the formula: a constant
        or a sheet's name that holds the same digits would mean something else in another row.
        """
        spot = (column, _marked(text, row))
        if spot not in self.met:
            self.met.add(spot)
            return
        if "[" in text or "&" in text:
            return
        pieces: list[str] = []
        at = 0
        for start, end, distance in relative_rows(text, row):
            if distance not in (0, -1):
                return
            pieces += [text[at:start], "\x01" if distance == 0 else "\x02"]
            at = end
        pieces.append(text[at:])
        if "".join(pieces) == spot[1]:
            self.marked[spot] = one

    def family(self, text: str, row: int, column: int) -> Family:
        """Return the family of a formula's text, parsing only texts not met before."""
        whole = False

        def relative(found: re.Match[str]) -> str:
            column_mark, letters, row_mark, digits = found.groups()
            if letters is None:
                return found.group()
            across = letters.upper() if column_mark else str(column_number(letters) - column)
            down = digits if row_mark else str(int(digits) - row)
            return f"\x01{column_mark}{across},{row_mark}{down}\x02"

        key = _KEY.sub(relative, text)
        if ":" in key:
            whole = any(part[-1:] != "\x02" for part in key.split(":")[:-1])
        if whole:
            key = f"{key}\x03{row},{column}"
        if "[" in key and self.outline.tables:
            key = f"{key}\x03{row},{column}"
        # Only to a text that may name the sheet itself, or a table, does it matter on which sheet it stands.
        if "[" in text or ("!" in text and (":" in text or self.own in text.casefold())):
            key = f"{self.sheet.index}\x03{key}"
        found = self.cache.get(key)
        if found is None:
            found = self.cache[key] = family(text, row, column, self.sheet.name, self.outline)
        return found

    def keep(self, row: int, column: int, kind: bytes, stored: bytes | None, why: str) -> None:
        """Keep a cell's stored value because its formula cannot be read, and note it."""
        value = self.constant(kind, stored or b"")
        if value is not None:
            self.sheet.set(row, column, value)
        self.sheet.unread.append((row, column, why))

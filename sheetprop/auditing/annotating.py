"""A copy of a workbook with every finding in its cells: a comment, a colour, and a first sheet that explains."""

from __future__ import annotations

import os
from pathlib import Path

from sheetprop.auditing import packageedits as edit
from sheetprop.auditing.finding import Audit, Finding
from sheetprop.engine.file.package import Package
from sheetprop.engine.file.xmlparts import Element, escape, quoteattr, read_tree
from sheetprop.engine.formula.references import address, area_at, quoted
from sheetprop.errors import SheetpropError
from sheetprop.files import replacing

COLOUR = "FFFFC7B8"
MOST_COMMENTS = 2_000
_SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
_COMMENTS = "application/vnd.openxmlformats-officedocument.spreadsheetml.comments+xml"
_STRINGS = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
_VML = "application/vnd.openxmlformats-officedocument.vmlDrawing"


def annotate(audit: Audit, output: str | os.PathLike[str], *, force: bool = True) -> None:
    """Write a copy of an audited workbook with a comment and a colour on every cell of a finding.

    A first sheet *Audit* explains the findings and links to them. Every part that needs no change (charts, macros,
    pictures, other sheets) keeps its bytes.

    Args:
        audit: the answer about the workbook; its file is read again.
        output: where the copy goes; its ending stays that of the workbook.
        force: whether a file that is there is replaced.

    Raises:
        SheetpropError: the file cannot be read, or the copy not be written.
    """
    source = audit.path
    if Path(output).resolve() == Path(source).resolve():
        raise SheetpropError(f"{output}: is the workbook itself; choose another folder for the annotated copy")
    package = Package(source)
    copy = _Copy(package)
    for sheet, spots in _texts(audit.findings, set(copy.parts)).items():
        copy.mark(sheet, spots)
    copy.explain(audit)
    with replacing(output, force=force) as temporary, temporary.open("r+b") as out:
        package.write(out, {name: [content] for name, content in copy.changed.items()})


def _texts(findings: list[Finding], sheets: set[str]) -> dict[str, dict[edit.Spot, str]]:
    """Return sheet -> cell -> what its comment says."""
    found: dict[str, dict[edit.Spot, str]] = {}
    for number, one in enumerate(findings, 1):
        said = "; ".join(text for text in (f"{number}. {one.claim}: {one.wrong}" if one.claim else
                                           f"{number}. {one.wrong}", one.repair) if text)
        for sheet, row, column in spots_of(one):
            if sheet in sheets:
                here = found.setdefault(sheet, {})
                here[row, column] = f"{here[row, column]}\n{said}" if (row, column) in here else said
    return found


def spots_of(one: Finding) -> list[tuple[str, int, int]]:
    """Return the cells of a finding."""
    found: list[tuple[str, int, int]] = []
    for piece in one.cells.split(","):
        sheet, _, text = piece.strip().rpartition("!")
        try:
            top, left, bottom, right = area_at(text)
        except SheetpropError:
            continue
        name = sheet.strip("'").replace("''", "'") or one.sheet
        found += [(name, row, column) for row in range(top, min(bottom, top + 20_000) + 1)
                  for column in range(left, min(right, left + 500) + 1)]
    return found


class _Copy:
    """The parts that change."""

    def __init__(self, package: Package) -> None:
        self.package = package
        self.changed: dict[str, bytes] = {}
        root = self._relations("")
        self.workbook = next((target for kind, target, _ in root if kind == "officeDocument"), "xl/workbook.xml")
        self.folder = self.workbook.rpartition("/")[0]
        relations = {name: target for _, target, name in self._relations(self.workbook)}
        tree = read_tree(package.read(self.workbook), self.workbook)
        sheets = tree.find("sheets") or Element("sheets", {})
        self.parts = {one.attributes.get("name", ""): relations.get(one.attributes.get("id", ""), "")
                      for one in sheets.children}
        self.styles_part = next((target for kind, target, _ in self._relations(self.workbook) if kind == "styles"), "")
        self.styles = edit.Styles(package.read(self.styles_part)) if self.styles_part in package else None
        if self.styles is not None and not self.styles.usable:
            self.styles = None
        self.new_parts: dict[str, str] = {}
        self.defaults: dict[str, str] = {}

    def read(self, part: str) -> bytes:
        """Return a part as it stands so far."""
        return self.changed[part] if part in self.changed else self.package.read(part)

    def _relations(self, part: str) -> list[tuple[str, str, str]]:
        """Return (kind, target part, identifier) of a part's relations."""
        name = _relations_of(part)
        if name not in self.package:
            return []
        base = part.rpartition("/")[0]
        return [(one.attributes.get("Type", "").rpartition("/")[2], _joined(base, one.attributes.get("Target", "")),
                 one.attributes.get("Id", "")) for one in read_tree(self.package.read(name), name).children]

    def _free(self, pattern: str) -> str:
        number = next(n for n in range(1, 100_000)
                      if pattern.format(n) not in self.package and pattern.format(n) not in self.changed)
        return pattern.format(number)

    def mark(self, sheet: str, texts: dict[edit.Spot, str]) -> None:
        """Colour cells of a sheet and put comments on them."""
        part = self.parts[sheet]
        if not part or part not in self.package:
            return
        data = self.read(part)
        if self.styles is not None:
            data = edit.coloured(data, set(texts), self.styles, COLOUR)
        texts = dict(sorted(texts.items())[:MOST_COMMENTS])
        there = {kind: target for kind, target, _ in self._relations(part)}
        relations = _relations_of(part)
        held = self.package.read(relations) if relations in self.package else None
        if there.get("comments", "") in self.package and there.get("vmlDrawing", "") in self.package:
            comments, fresh = edit.more_comments(self.read(there["comments"]), texts)
            self.changed[there["comments"]] = comments
            self.changed[there["vmlDrawing"]] = edit.more_shapes(self.read(there["vmlDrawing"]), fresh)
        elif "comments" not in there:
            comments_part = self._free(f"{self.folder}/comments{{}}.xml".lstrip("/"))
            self.changed[comments_part] = edit.new_comments(texts)
            held, _ = edit.with_relation(held, "comments", "/" + comments_part)
            if there.get("vmlDrawing", "") in self.package:
                self.changed[there["vmlDrawing"]] = edit.more_shapes(self.read(there["vmlDrawing"]), set(texts))
            else:
                drawing = self._free(f"{self.folder}/drawings/vmlDrawing{{}}.vml".lstrip("/"))
                self.changed[drawing] = edit.new_drawing(set(texts), 1 + len(self.new_parts))
                held, name = edit.with_relation(held, "vmlDrawing", "/" + drawing)
                data = edit.with_legacy_drawing(data, name)
                self.defaults["vml"] = _VML
            self.changed[relations] = held
            self.new_parts[comments_part] = _COMMENTS
        self.changed[part] = data

    def explain(self, audit: Audit) -> None:
        """Add the first sheet."""
        name = next(one for one in ("Audit", *(f"Audit {n}" for n in range(2, 1000)))
                    if one.casefold() not in {sheet.casefold() for sheet in self.parts})
        part = self._free(f"{self.folder}/worksheets/sheet{{}}.xml".lstrip("/"))
        strings: list[str] | None = None
        if not any(kind == "sharedStrings" for kind, _, _ in self._relations(self.workbook)):
            strings = []  # a workbook whose texts all stand in their cells would be rewritten by Excel
        self.changed[part] = _sheet(audit, self.styles, set(self.parts), strings)
        self.new_parts[part] = _SHEET
        relations = _relations_of(self.workbook)
        self.changed[relations], identifier = edit.with_relation(self.package.read(relations), "worksheet", "/" + part)
        if strings:
            shared = f"{self.folder}/sharedStrings.xml".lstrip("/")
            self.changed[shared] = edit.shared_strings(strings)
            self.new_parts[shared] = _STRINGS
            self.changed[relations], _ = edit.with_relation(self.changed[relations], "sharedStrings", "/" + shared)
        self.changed[self.workbook] = edit.with_first_sheet(self.package.read(self.workbook), name, identifier)
        if self.styles is not None:
            self.changed[self.styles_part] = self.styles.bytes()
        types = "[Content_Types].xml"
        self.changed[types] = edit.with_types(self.package.read(types), self.defaults, self.new_parts)


def _relations_of(part: str) -> str:
    folder, _, name = part.rpartition("/")
    return f"{folder}/_rels/{name}.rels".lstrip("/") if part else "_rels/.rels"


def _joined(base: str, target: str) -> str:
    if target.startswith("/"):
        return target.lstrip("/")
    parts = base.split("/") if base else []
    for piece in target.split("/"):
        if piece == "..":
            parts = parts[:-1]
        elif piece not in (".", ""):
            parts.append(piece)
    return "/".join(parts)


_HEADS = ("No.", "Where", "What the cells claim to be", "What is wrong", "Stands there", "Should be", "Repair",
          "How far off")
_WIDTHS = (6, 24, 26, 60, 46, 46, 46, 40)


def _sheet(audit: Audit, styles: edit.Styles | None, sheets: set[str], strings: list[str] | None) -> bytes:
    """Return the sheet that explains and links; its texts go into `strings` where that is given."""
    head = wrap = link = title = 0
    if styles is not None:
        p = styles.prefix.decode()
        bold = styles.font(f'<{p}font><{p}b/><{p}sz val="11"/><{p}name val="Calibri"/></{p}font>')
        large = styles.font(f'<{p}font><{p}b/><{p}sz val="15"/><{p}name val="Calibri"/></{p}font>')
        blue = styles.font(f'<{p}font><{p}u/><{p}sz val="11"/><{p}color rgb="FF0B4F9E"/><{p}name val="Calibri"/>'
                           f"</{p}font>")
        plain = styles.font(f'<{p}font><{p}sz val="11"/><{p}name val="Calibri"/></{p}font>')
        aligned = f'<{p}alignment vertical="top" wrapText="1"/>'

        def made(font: int) -> int:
            return styles.format(f'<{p}xf numFmtId="0" fontId="{font}" fillId="0" borderId="0" xfId="0" applyFont="1" '
                                 f'applyAlignment="1">{aligned}</{p}xf>'.encode())

        head, link, wrap = made(bold), made(blue), made(plain)
        title = styles.format(f'<{p}xf numFmtId="0" fontId="{large}" fillId="0" borderId="0" xfId="0" '
                              'applyFont="1"/>'.encode())
    rows: list[list[tuple[str, int]]] = [[(f"Audit: {audit.verdict}", title)],
                                         [(audit.summary().removeprefix(f"{Path(audit.path).name}: "), 0)], []]
    links: list[tuple[str, str, str]] = []
    if audit.findings:
        rows.append([(text, head) for text in _HEADS])
    for number, one in enumerate(audit.findings, 1):
        where = f"{one.sheet}!{one.cells}"
        spots = [spot for spot in spots_of(one) if spot[0] in sheets]
        if spots:
            sheet, row, column = spots[0]
            links.append((address(len(rows) + 1, 2), f"{quoted(sheet)}!{address(row, column)}", where))
        rows.append([(str(number), wrap), (where, link if spots else wrap), (one.claim, wrap), (one.wrong, wrap),
                     (one.computes, wrap), (one.expected, wrap), (one.repair, wrap), (one.off(), wrap)])
    rows += [[], *([(f"Not checked: {reason}", 0)] for reason in audit.unchecked),
             *([(f"Note: {note}", 0)] for note in audit.notes)]
    body = []
    for number, cells in enumerate(rows, 1):
        held = "".join(_text_cell(address(number, column), style, _legal(text), strings)
                       for column, (text, style) in enumerate(cells, 1) if text)
        body.append(f'<row r="{number}">{held}</row>' if held else "")
    columns = "".join(f'<col min="{n}" max="{n}" width="{width}" customWidth="1"/>'
                      for n, width in enumerate(_WIDTHS, 1))
    jumps = "".join(f'<hyperlink ref="{cell}" location={quoteattr(target)} display={quoteattr(shown[:250])}/>'
                    for cell, target, shown in links)
    return (f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<worksheet xmlns="{edit.MAIN}"><sheetPr>'
            '<pageSetUpPr fitToPage="1"/></sheetPr><sheetViews>'
            f'<sheetView showGridLines="0" workbookViewId="0"/></sheetViews><cols>{columns}</cols><sheetData>'
            f'{"".join(body)}</sheetData>{f"<hyperlinks>{jumps}</hyperlinks>" if jumps else ""}'
            '<pageMargins left="0.5" right="0.5" top="0.6" bottom="0.6" header="0.3" footer="0.3"/>'
            '<pageSetup orientation="landscape" fitToHeight="0"/></worksheet>').encode()


def _text_cell(cell: str, style: int, text: str, strings: list[str] | None) -> str:
    if strings is None:
        return f'<c r="{cell}" s="{style}" t="inlineStr"><is><t xml:space="preserve">{escape(text)}</t></is></c>'
    strings.append(text)
    return f'<c r="{cell}" s="{style}" t="s"><v>{len(strings) - 1}</v></c>'


def _legal(text: str) -> str:
    return "".join(letter if letter in "\t\n" or ord(letter) >= 32 else " " for letter in text)[:32_000]

"""What a cell is rather than what it holds: FORMULATEXT, CELL, INFO."""

from __future__ import annotations

import os
import re

from sheetprop.engine.file.loading import relations
from sheetprop.engine.formula.printing import formula_text
from sheetprop.engine.formula.references import address, column_letters
from sheetprop.engine.formula.tree import Call, Node, Text
from sheetprop.engine.functions import function
from sheetprop.engine.grid.operands import Operand, Ref
from sheetprop.engine.grid.storage import SheetStore
from sheetprop.engine.grid.values import NA, VALUE, Raised, Value
from sheetprop.engine.scope.context import Context


def _text(tree: Node, row: int, column: int) -> str:
    if isinstance(tree, Call) and tree.name == "#UNREADABLE" and isinstance(tree.arguments[0], Text):
        return f"={tree.arguments[0].value}"
    if isinstance(tree, Call) and tree.name == "#ARRAY":
        return f"{{={formula_text(tree.arguments[0], row, column)}}}"
    if isinstance(tree, Call) and tree.name.startswith("#"):
        tree = tree.arguments[0]
    return f"={formula_text(tree, row, column)}"


def formula_in(sheet: SheetStore, row: int, column: int) -> str | None:
    """Return the formula of a cell as Excel shows it, or None."""
    family = sheet.family_at(row, column)
    if family is not None:
        return _text(family.tree, row, column)
    for array in sheet.arrays:
        if array.top <= row <= array.bottom and array.left <= column <= array.right:
            shown = _text(array.family.tree, array.top, array.left)
            return shown.strip("{}") if array.dynamic else shown
    return None


@function("FORMULATEXT", "r")
def formulatext(operand: Operand) -> str:
    if not isinstance(operand, Ref):
        raise Raised(VALUE)
    text = formula_in(operand.sheet, operand.top, operand.left)
    if text is None or len(text) > 8192:
        raise Raised(NA)
    return re.sub(r"\b_xl(?:fn|ws|pm|op|udf)\.", "", text)


@function("CELL", "t|r", context=True)
def cell(context: Context, what: str, operand: Operand = None) -> Value:
    ref = Ref(context.sheet, context.row, context.column, context.row, context.column) if operand is None else operand
    if not isinstance(ref, Ref):
        raise Raised(VALUE)
    kind = what.strip().lower()
    if kind == "address":
        shown = f"${column_letters(ref.left)}${ref.top}"
        return shown if ref.sheet is context.sheet else f"{_quoted(context, ref.sheet.name)}!{shown}"
    if kind == "col":
        return float(ref.left)
    if kind == "row":
        return float(ref.top)
    if kind == "contents":
        value = ref.single()
        return 0.0 if value is None else value
    if kind == "type":
        value = ref.single()
        return "b" if value is None else "l" if type(value) is str else "v"
    if kind == "filename":
        folder, name = os.path.split(os.path.abspath(context.space.contents.package.path))  # noqa: PTH100
        return f"{folder}{os.sep}[{name}]{ref.sheet.name}"
    look = Look(context, ref)
    if kind == "width":
        return look.width()
    if kind == "protect":
        return look.protected()
    if kind == "prefix":
        return look.prefix()
    if kind in ("format", "color", "parentheses"):
        code = look.format()
        negative = code.partition(";")[2]
        if kind == "color":
            return float(re.search(r"\[(?:black|blue|cyan|green|magenta|red|white|yellow|color ?\d+)\]", negative,
                                   re.IGNORECASE) is not None)
        if kind == "parentheses":
            return float("(" in code.partition(";")[0])
        return format_kind(code)
    raise Raised(VALUE)


def _quoted(context: Context, sheet: str) -> str:
    name = os.path.basename(context.space.contents.package.path)  # noqa: PTH119
    whole = f"[{name}]{sheet}"
    return f"'{whole}'" if re.search(r"[^\w.\[\]]", whole) else whole


_BUILT_IN = {0: "General", 1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 5: '"$"#,##0_);\\("$"#,##0\\)',
             6: '"$"#,##0_);[Red]\\("$"#,##0\\)', 7: '"$"#,##0.00_);\\("$"#,##0.00\\)',
             8: '"$"#,##0.00_);[Red]\\("$"#,##0.00\\)', 9: "0%", 10: "0.00%", 11: "0.00E+00", 12: "# ?/?",
             13: "# ??/??", 14: "m/d/yyyy", 15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 18: "h:mm AM/PM",
             19: "h:mm:ss AM/PM", 20: "h:mm", 21: "h:mm:ss", 22: "m/d/yyyy h:mm", 37: "#,##0_);\\(#,##0\\)",
             38: "#,##0_);[Red]\\(#,##0\\)", 39: "#,##0.00_);\\(#,##0.00\\)", 40: "#,##0.00_);[Red]\\(#,##0.00\\)",
             45: "mm:ss", 46: "[h]:mm:ss", 47: "mm:ss.0", 48: "##0.0E+0", 49: "@"}
_DATES = {"m/d/yyyy": "D4", "m/d/yy": "D4", "m/d/yyyy h:mm": "D4", "m/d/yy h:mm": "D4", "mm/dd/yy": "D4",
          "d-mmm-yy": "D1", "dd-mmm-yy": "D1", "d-mmm": "D2", "dd-mmm": "D2", "mmm-yy": "D3", "mm/dd": "D5",
          "h:mm am/pm": "D7", "h:mm:ss am/pm": "D6", "h:mm": "D9", "h:mm:ss": "D8"}


def format_kind(code: str) -> str:
    """Return the letter and the decimals by which CELL names a number format: G, F2, C0-, P1, D4, ..."""
    first, _, negative = code.partition(";")
    plain = re.sub(r"\[[^\]]*\]|\\.|_.|\*.", "", first).lower()
    bare = re.sub(r'"[^"]*"', "", plain)
    ending = ("-" if re.search(r"\[(?:red|color)", negative, re.IGNORECASE) else "") + ("()" if "(" in plain else "")
    if bare in _DATES:
        return _DATES[bare] + ending
    if re.search(r"[dmyhs]", bare.replace("general", "")):
        return "D4" if "y" in bare and "d" in bare else "D1" if "d" in bare else "D9"
    digits = re.search(r"\.([0#?]+)", bare)
    decimals = len(digits.group(1)) if digits else 0
    if "general" in bare or "/" in bare or bare == "@" or not re.search(r"[0#?]", bare):
        return "G" + ending
    if "%" in bare:
        return f"P{decimals}{ending}"
    if "e" in bare:
        return f"S{decimals}{ending}"
    if "$" in plain or "€" in code:
        return f"C{decimals}{ending}"
    return f"{',' if ',' in bare else 'F'}{decimals}{ending}"


class Look:
    """How a cell is formatted, read from the file when a formula asks for it."""

    def __init__(self, context: Context, ref: Ref) -> None:
        self.package = context.space.contents.package
        self.ref = ref
        content = self.package.read(ref.sheet.part)
        place = address(ref.top, ref.left).encode()
        found = re.search(rb"<(?:\w+:)?c\b(?=[^>]*\br=[\"']" + place + rb"[\"'])([^>]*)>", content)
        style = re.search(rb"\bs=[\"'](\d+)[\"']", found.group(1)) if found else None
        self.content = content
        self.style = int(style.group(1)) if style else 0
        self.styles = self._styles()

    def _styles(self) -> bytes:
        for kind, part in relations(self.package, "xl/workbook.xml").values():
            if kind == "styles" and part in self.package:
                return self.package.read(part)
        return b""

    def _record(self) -> bytes:
        """Return the element of the cell's format."""
        formats = re.search(rb"<(?:\w+:)?cellXfs\b.*?</(?:\w+:)?cellXfs>", self.styles, re.DOTALL)
        if formats is None:
            return b""
        records = re.findall(rb"<(?:\w+:)?xf\b[^>]*?/>|<(?:\w+:)?xf\b.*?</(?:\w+:)?xf>", formats.group(), re.DOTALL)
        return records[self.style] if self.style < len(records) else b""

    def format(self) -> str:
        """Return the code of the number format."""
        number = re.search(rb"\bnumFmtId=[\"'](\d+)[\"']", self._record())
        key = int(number.group(1)) if number else 0
        for found in re.finditer(rb"<(?:\w+:)?numFmt\b([^>]*)>", self.styles):
            given = re.search(rb"\bnumFmtId=[\"'](\d+)[\"']", found.group(1))
            code = re.search(rb"\bformatCode=\"([^\"]*)\"|\bformatCode='([^']*)'", found.group(1))
            if given and code and int(given.group(1)) == key:
                from html import unescape

                return unescape((code.group(1) or code.group(2) or b"").decode("utf-8", "replace"))
        return _BUILT_IN.get(key, "General")

    def protected(self) -> float:
        """Return 1 where the cell is locked, as all are unless their format says otherwise."""
        return float(re.search(rb"\blocked=[\"'](?:0|false)[\"']", self._record()) is None)

    def prefix(self) -> str:
        """Return the sign of the alignment of a text: ' left, " right, ^ centred, \\ filled."""
        if type(self.ref.single()) is not str:
            return ""
        found = re.search(rb"\bhorizontal=[\"'](\w+)[\"']", self._record())
        return {b"right": '"', b"center": "^", b"fill": "\\", b"left": "'"}.get(found.group(1) if found else b"", "")

    def width(self) -> float:
        """Return the column's width in whole characters."""
        for found in re.finditer(rb"<(?:\w+:)?col\b([^>]*)>", self.content):
            given = dict(re.findall(rb"\b(\w+)=[\"']([^\"']*)[\"']", found.group(1)))
            if int(given.get(b"min", b"0")) <= self.ref.left <= int(given.get(b"max", b"0")) and b"width" in given:
                return float(round(float(given[b"width"]) - 0.71))
        default = re.search(rb"\bdefaultColWidth=[\"']([\d.]+)[\"']", self.content)
        return float(round(float(default.group(1)) - 0.71)) if default else 8.0


_INFO: dict[str, Value] = {"system": "pcdos", "recalc": "Automatic", "release": "16.0", "origin": "$A:$A$1",
                           "osversion": "Windows (64-bit) NT 10.00"}


@function("INFO", "t", context=True)
def info(context: Context, what: str) -> Value:
    """Return what Excel for Windows would say of itself, so that workbooks that look at it work the same."""
    kind = what.strip().lower()
    if kind == "directory":
        return os.path.dirname(os.path.abspath(context.space.contents.package.path)) + os.sep  # noqa: PTH100, PTH120
    if kind == "numfile":
        return float(len(context.space.sheets))
    if kind in ("memavail", "memused", "totmem"):
        raise Raised(NA)
    if kind not in _INFO:
        raise Raised(VALUE)
    return _INFO[kind]

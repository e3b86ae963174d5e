"""Parse tree to text: the canonical relative form, and A1 for a given cell."""

from __future__ import annotations

from sheetprop.engine.formula.depth import with_room
from sheetprop.engine.formula.newer import prefixed
from sheetprop.engine.formula.references import MAX_COLUMN, MAX_ROW, column_letters, quoted
from sheetprop.engine.formula.tree import (
    Apply,
    Area,
    Binary,
    Boolean,
    Builtin,
    Call,
    Cell,
    Error,
    Foreign,
    Local,
    Matrix,
    Name,
    Node,
    Number,
    Stack,
    Text,
    Unary,
)

_STRENGTH = {"=": 1, "<>": 1, "<": 1, ">": 1, "<=": 1, ">=": 1, "&": 2, "+": 3, "-": 3, "*": 4, "/": 4, "^": 5,
             ",": 0, " ": 8, ":": 9}

class _Printer:
    """Prints trees; the two forms differ only in how a place is written."""

    def __init__(self, row: int | None, column: int | None) -> None:
        self.row = row
        self.column = column

    def cell(self, cell: Cell) -> str:
        if self.row is None or self.column is None:
            row = f"R{cell.row}" if cell.row_fixed else f"R[{cell.row}]" if cell.row else "R"
            column = f"C{cell.column}" if cell.column_fixed else f"C[{cell.column}]" if cell.column else "C"
            return row + column
        row_number, column_number = cell.at(self.row, self.column)
        if not (1 <= row_number <= MAX_ROW and 1 <= column_number <= MAX_COLUMN):
            return "#REF!"
        return (f"{'$' if cell.column_fixed else ''}{column_letters(column_number)}"
                f"{'$' if cell.row_fixed else ''}{row_number}")

    def sheet(self, name: str | None) -> str:
        if name is None:
            return ""
        return quoted(name if self.row is not None else name.upper()) + "!"

    def area(self, area: Area) -> str:
        if area.whole and self.row is not None and self.column is not None:
            top, left = area.first.at(self.row, self.column)
            bottom, right = area.last.at(self.row, self.column)
            a, b = area.first, area.last
            if area.whole == "columns":
                return (f"{'$' if a.column_fixed else ''}{column_letters(left)}:"
                        f"{'$' if b.column_fixed else ''}{column_letters(right)}")
            return f"{'$' if a.row_fixed else ''}{top}:{'$' if b.row_fixed else ''}{bottom}"
        return f"{self.cell(area.first)}:{self.cell(area.last)}"

    def stack(self, node: Stack) -> str:
        if self.row is None:  # which sheets lie between the two is part of what the formula is
            return f"({','.join(self.text(layer) for layer in node.layers)})"
        names = f"{node.first}:{node.last}"
        if quoted(node.first) != node.first or quoted(node.last) != node.last:
            names = "'" + names.replace("'", "''") + "'"
        layer = node.layers[0]
        return f"{names}!{self.area(layer) if isinstance(layer, Area) else self.text(layer).rpartition('!')[2]}"

    def arguments(self, nodes: tuple[Node, ...]) -> str:
        return ",".join([self.text(part, 1) for part in nodes])

    def text(self, node: Node, least: int = 0) -> str:
        if isinstance(node, Number):
            return number_text(node.value)
        if isinstance(node, Cell):
            return self.sheet(node.sheet) + self.cell(node)
        if isinstance(node, Area):
            return self.sheet(node.sheet) + self.area(node)
        if isinstance(node, Binary):
            strength = _STRENGTH[node.operator]
            inner = f"{self.text(node.left, strength)}{node.operator}{self.text(node.right, strength + 1)}"
            return f"({inner})" if strength < least or node.operator == "," else inner
        if isinstance(node, Unary):
            if node.operator == "%":
                inner = f"{self.text(node.operand, 7)}%"
                return f"({inner})" if least > 7 else inner
            inner = node.operator + self.text(node.operand, 8 if not _signed(node.operand) else 0)
            return f"({inner})" if least > 7 else inner
        if isinstance(node, Call):
            name = node.name if self.row is None else prefixed(node.name)
            return f"{name}({self.arguments(node.arguments)})"
        if isinstance(node, Local):
            mark = "_xlop." if node.optional else "_xlpm."
            return mark + (node.name if self.row is not None else node.name.upper())
        if isinstance(node, Apply):
            called = self.text(node.function)
            if not isinstance(node.function, Local | Apply | Call) and (
                    self.row is None or not isinstance(node.function, Name)):
                called = f"({called})"  # in the relative form also a name, lest it reads like a function of Excel's
            return f"{called}({self.arguments(node.arguments)})"
        if isinstance(node, Builtin):
            return f"_xleta.{node.name}"
        if isinstance(node, Text):
            return '"' + node.value.replace('"', '""') + '"'
        if isinstance(node, Boolean):
            return "TRUE" if node.value else "FALSE"
        if isinstance(node, Error):
            return node.code
        if isinstance(node, Name):
            return self.sheet(node.sheet) + (node.name if self.row is not None else node.name.upper())
        if isinstance(node, Foreign):
            return node.text
        if isinstance(node, Stack):
            return self.stack(node)
        if isinstance(node, Matrix):
            return "{" + ";".join(",".join(self.text(part) for part in line) for line in node.rows) + "}"
        return ""


def _signed(node: Node) -> bool:
    return isinstance(node, Unary) and node.operator != "%"


def number_text(value: float) -> str:
    """Return the shortest text that reads back as the same number."""
    if abs(value) < 1e15 and value == int(value):
        return str(int(value))
    return repr(value).upper()


def canonical_text(node: Node) -> str:
    """Return the R1C1 form that is equal exactly when two trees are the same formula for their cells."""
    return with_room(lambda: _Printer(None, None).text(node))


def formula_text(node: Node, row: int, column: int) -> str:
    """Return the formula as it reads in the cell at `row`, `column`, without the leading ``=``."""
    return with_room(lambda: _Printer(row, column).text(node))

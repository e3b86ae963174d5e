"""Formulas of active cells as small expressions over variables, ready to be printed and differentiated."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeVar

from sheetprop.engine.choosing import MOST_CHOICES, E, chosen, number, place_among, place_of
from sheetprop.engine.context import Context
from sheetprop.engine.evaluate import closure_of
from sheetprop.engine.moments import MOST, RELATIONS, SPREADS, relation, spread
from sheetprop.engine.reads import VOLATILE
from sheetprop.engine.references import address
from sheetprop.engine.storage import SheetStore, family_of
from sheetprop.engine.trace import Piece, Untraceable
from sheetprop.engine.tree import Area, Binary, Call, Cell, Empty, Name, Node, Number, Stack, Unary
from sheetprop.engine.workspace import Workspace

COMPARE = {"=": "==", "<>": "!=", "<": "<", ">": ">", "<=": "<=", ">=": ">="}
SMOOTH = {"EXP": "exp", "LN": "log", "LOG10": "log10", "SQRT": "sqrt", "SIN": "sin", "COS": "cos", "TAN": "tan",
          "ASIN": "asin", "ACOS": "acos", "ATAN": "atan", "SINH": "sinh", "COSH": "cosh", "TANH": "tanh",
          "ABS": "abs"}
FLAT = {"INT": "floor", "SIGN": "sign"}
LARGEST = 20_000
_Item = TypeVar("_Item")


class Scope:
    """Where a formula stands while it is turned into an expression; `Kernel` provides the variables.

    Attributes:
        place: (sheet, row, column) -> leaf of an active cell, or None where the cell is constant.
        varying: list of numbers, one a row -> leaf that reads it in the loop.
        rows: rows of the piece in order of calculation (one row for a single cell).
    """

    def __init__(self, space: Workspace, piece: Piece, column: int, rows: list[int],
                 cell: Callable[[Cell, int], E | None], varying: Callable[[list[float]], E]) -> None:
        self.space = space
        self.piece = piece
        self.sheet: SheetStore = piece.sheet
        self.column = column
        self.rows = rows
        self.cell = cell
        self.varying = varying

    def spot(self) -> str:
        """Return where the formula stands, for messages."""
        return f"{self.sheet.name}!{address(self.rows[0], self.column)}"

    def stuck(self, why: str) -> Untraceable:
        """Return the signal that this formula cannot be followed."""
        return Untraceable(self.spot(), why)

    def is_active(self, node: Node) -> bool:
        """Say whether a node reads an active cell."""
        for part in node.walk():
            if isinstance(part, Cell):
                if self.cell(part, self.column) is not None:
                    return True
            elif isinstance(part, Area):
                if any(self.cell(one, self.column) is not None for one in self.cells(part)):
                    return True
            elif isinstance(part, Name):
                meant = self.space.name_meant(part, self.sheet)
                if meant is not None and self.is_active(meant.tree):
                    return True
            elif isinstance(part, Call) and part.name in VOLATILE:
                raise self.stuck(f"the function {part.name}")
        return False

    def cells(self, area: Area) -> list[Cell]:
        """Return the cells of a range, as references from the formula's cell."""
        first, last = area.first, area.last
        left = first.column if first.column_fixed else self.column + first.column
        right = last.column if last.column_fixed else self.column + last.column
        left, right = min(left, right), max(left, right)
        if first.row_fixed == last.row_fixed:
            top, bottom, fixed = min(first.row, last.row), max(first.row, last.row), first.row_fixed
        elif len(self.rows) == 1:
            top, _, bottom, _ = area.at(self.rows[0], self.column)
            fixed = True
        else:
            raise self.stuck("a range that grows from row to row")
        if fixed:
            sheet = self.sheet if first.sheet is None else self.space.sheet_named(first.sheet)
            used = sheet.used()
            bottom, right = min(bottom, max(used[0], top)), min(right, max(used[1], left))
        if (bottom - top + 1) * (right - left + 1) > LARGEST:
            raise self.stuck(f"a range of more than {LARGEST} cells")
        return [Cell(first.sheet, row, column, fixed, True) for row in range(top, bottom + 1)
                for column in range(left, right + 1)]

    def constant(self, node: Node) -> E:
        """Return the value that an inactive node has now: one number, or one for each row."""
        closure = closure_of(family_of(node))
        context = Context(self.space, self.sheet, self.rows[0], self.column)
        values: list[float] = []
        moving = len(self.rows) > 1 and any(
            (isinstance(part, Cell) and not part.row_fixed) or (isinstance(part, Call) and part.name == "ROW")
            or (isinstance(part, Area) and not (part.first.row_fixed and part.last.row_fixed)) or isinstance(part, Name)
            for part in node.walk())
        for row in self.rows if moving else self.rows[:1]:
            context.row = row
            value = closure(context)
            if type(value) is bool:
                value = 1.0 if value else 0.0
            if type(value) is not float:
                what = "text" if type(value) is str else f"the error {value}"
                raise Untraceable(f"{self.sheet.name}!{address(row, self.column)}", what)
            values.append(value)
        if len(set(values)) == 1:
            return number(values[0])
        return self.varying(values)

    def build(self, node: Node) -> E:
        """Return a node as an expression over numbers.

        Raises:
            Untraceable: an active cell goes into something that has no expression here.
        """
        if isinstance(node, Number):
            return number(node.value)
        if isinstance(node, Cell):
            leaf = self.cell(node, self.column)
            return leaf if leaf is not None else self.constant(node)
        if not self.is_active(node):
            return self.constant(node)
        if isinstance(node, Name):
            meant = self.space.name_meant(node, self.sheet)
            assert meant is not None
            return self.build(meant.tree)
        if isinstance(node, Unary):
            inner = self.build(node.operand)
            return inner if node.operator == "+" else E("neg", (inner,)) if node.operator == "-" else \
                E("/", (inner, number(100.0)))
        if isinstance(node, Binary):
            return self.binary(node)
        if isinstance(node, Call):
            return self.call(node)
        if isinstance(node, Area) and len(cells := self.cells(node)) == 1:
            return self.build(cells[0])
        raise self.stuck("a range where a single number belongs")

    def binary(self, node: Binary) -> E:
        if node.operator in COMPARE:
            return E("if", (self.condition(node), number(1.0), number(0.0)))
        if node.operator not in ("+", "-", "*", "/", "^"):
            raise self.stuck("joined text" if node.operator == "&" else "a reference that is put together")
        left, right = self.build(node.left), self.build(node.right)
        if node.operator == "^" and right.op == "leaf" and not right.active and right.text == "2.0":
            return E("square", (left,))
        return E(node.operator, (left, right))

    def condition(self, node: Node) -> E:
        """Return a node as a truth value."""
        if isinstance(node, Binary) and node.operator in COMPARE and self.is_active(node):
            return E("compare", (self.build(node.left), self.build(node.right)), COMPARE[node.operator])
        if isinstance(node, Call) and node.name in ("AND", "OR") and self.is_active(node):
            return E("all" if node.name == "AND" else "any", tuple(self.condition(part) for part in node.arguments))
        if isinstance(node, Call) and node.name == "NOT" and self.is_active(node):
            return E("not", (self.condition(node.arguments[0]),))
        return E("compare", (self.build(node), number(0.0)), "!=")

    def elements(self, node: Node) -> list[E]:
        """Return the numbers of an argument of SUM and its kin; blanks and text in ranges do not count."""
        if isinstance(node, Name):
            meant = self.space.name_meant(node, self.sheet)
            if meant is not None:
                return self.elements(meant.tree)
        if isinstance(node, Stack):
            return [one for layer in node.layers for one in self.elements(layer)]
        if not isinstance(node, Area | Cell):
            return [self.build(node)]
        found: list[E] = []
        for cell in self.cells(node) if isinstance(node, Area) else [node]:
            leaf = self.cell(cell, self.column)
            if leaf is not None:
                found.append(leaf)
                continue
            sheet = self.sheet if cell.sheet is None else self.space.sheet_named(cell.sheet)
            if len(self.rows) == 1 or cell.row_fixed:
                value = sheet.get(*cell.at(self.rows[0], self.column))
                if type(value) is float:
                    found.append(number(value))
            else:
                found.append(self.constant(cell))
        return found

    def call(self, node: Call) -> E:
        name, given = node.name, node.arguments
        if name == "IF" and 2 <= len(given) <= 3:
            test = self.condition(given[0])
            no = number(0.0) if len(given) < 3 or isinstance(given[2], Empty) else self.build(given[2])
            return E("if", (test, self.build(given[1]), no))
        if name in SMOOTH and len(given) == 1:
            return E("smooth", (self.build(given[0]),), name)
        if name in FLAT and len(given) == 1:
            return E("flat", (self.build(given[0]),), name)
        if name == "POWER" and len(given) == 2:
            return self.binary(Binary("^", given[0], given[1]))
        if name == "LOG" and given:
            top = E("smooth", (self.build(given[0]),), "LN")
            base = number(math.log(10.0)) if len(given) == 1 else E("smooth", (self.build(given[1]),), "LN")
            return E("/", (top, base))
        if name == "IFERROR" and len(given) == 2:
            return E("iferror", (self.build(given[0]), self.build(given[1])))
        if name in ("SUM", "AVERAGE", "SUMSQ", "PRODUCT", "MIN", "MAX"):
            return self.folded(name, [one for part in given for one in self.elements(part)])
        if name == "MOD" and len(given) == 2:
            left, right = self.build(given[0]), self.build(given[1])
            return E("-", (left, E("*", (right, E("flat", (E("/", (left, right)),), "INT")))))
        if name in SPREADS:
            sample = [one for part in given for one in self.elements(part)]
            return spread(name, self.enough(name, sample, 1 + SPREADS[name]))
        if name in RELATIONS and len(given) == 2:
            pairs = self.pairs(name, given[0], given[1])
            return relation(name, [x for x, _ in pairs], [y for _, y in pairs])
        if name == "SUMPRODUCT" and given:
            grids = [self.elements_exact(part) for part in given]
            if len({len(grid) for grid in grids}) != 1:
                raise self.stuck("SUMPRODUCT over ranges of different size")
            return E("sum", tuple(_product(list(parts)) for parts in zip(*grids, strict=True)))
        if name == "INDEX" and len(given) in (2, 3) and isinstance(given[0], Area):
            return self.index(given[0], given[1:])
        if name == "CHOOSE" and len(given) > 1:
            return self.option(self.build(given[0]), list(given[1:]))
        if name == "MATCH" and len(given) in (2, 3):
            return self.place(given[0], given[1], self.fixed(given[2]) if len(given) == 3 else 1)
        if name in ("VLOOKUP", "HLOOKUP") and len(given) in (3, 4) and isinstance(given[1], Area):
            lines = self.lines(given[1], across=name == "HLOOKUP")
            at = self.fixed(given[2])
            if not 1 <= at <= len(lines):
                raise self.stuck(f"{name} outside its table")
            mode = 1 if len(given) == 3 or self.fixed(given[3]) else 0
            return self.option(self.placed(given[0], lines[0], mode), lines[at - 1])
        if name == "LOOKUP" and len(given) == 3 and isinstance(given[2], Area):
            return self.option(self.place(given[0], given[1], 1), self.cells(given[2]))
        if name == "XLOOKUP" and len(given) == 3 and isinstance(given[2], Area):
            return self.option(self.place(given[0], given[1], 0), self.cells(given[2]))
        raise self.stuck(f"the function {name}")

    def enough(self, name: str, sample: list[_Item], least: int) -> list[_Item]:
        """Return a sample, refused where it is too short to have a value or too long to be written out."""
        if len(sample) < least:
            raise self.stuck(f"{name} of too few numbers")
        if len(sample) > MOST:
            raise self.stuck(f"{name} of more than {MOST} numbers")
        return sample

    def pairs(self, name: str, first: Node, second: Node) -> list[tuple[E, E]]:
        """Return the pairs of two ranges in which both are numbers."""
        if not (isinstance(first, Area) and isinstance(second, Area)):
            raise self.stuck(f"{name} of something else than two ranges")
        cells, others = self.cells(first), self.cells(second)
        if len(cells) != len(others):
            raise self.stuck(f"{name} of ranges of different size")
        both = [(x[0], y[0]) for one, other in zip(cells, others, strict=True)
                if (x := self.elements(one)) and (y := self.elements(other))]
        return self.enough(name, both, RELATIONS[name])

    def elements_exact(self, node: Node) -> list[E]:
        """Return an argument of SUMPRODUCT element by element: what is no number counts as 0."""
        if not isinstance(node, Area):
            return self.elements(node)
        found: list[E] = []
        for cell in self.cells(node):
            one = self.elements(cell)
            found.append(one[0] if one else number(0.0))
        return found

    def folded(self, name: str, parts: list[E]) -> E:
        if not parts:
            return number(0.0)
        if name == "SUM":
            return E("sum", tuple(parts))
        if name == "AVERAGE":
            return E("/", (E("sum", tuple(parts)), number(float(len(parts)))))
        if name == "SUMSQ":
            return E("sum", tuple(E("square", (part,)) for part in parts))
        if name == "PRODUCT":
            return _product(parts)
        return E("extreme", tuple(parts), name)

    def fixed(self, node: Node) -> int:
        """Return a whole number that may not depend on an input, nor move from row to row."""
        if not self.is_active(node):
            value = _plain(self.build(node))
            if value is not None:
                return int(value)
        raise self.stuck("a choice of column or order that depends on an input")

    def lines(self, area: Area, *, across: bool) -> list[list[Cell]]:
        """Return the columns of a range, or its rows."""
        cells = self.cells(area)
        width = cells[-1].column - cells[0].column + 1
        rows = [cells[at:at + width] for at in range(0, len(cells), width)]
        return rows if across else [list(column) for column in zip(*rows, strict=True)]

    def option(self, position: E, options: Sequence[Node]) -> E:
        """Return one of some nodes by its place; only the one is built where the place is known."""
        at = _plain(position)
        if at is not None:
            if not 1 <= at < len(options) + 1:
                raise self.stuck("a choice outside its range")
            return self.build(options[int(at) - 1])
        if len(options) > MOST_CHOICES:
            raise self.stuck(f"a choice among more than {MOST_CHOICES} cells")
        return chosen(position, [self.build(one) for one in options])

    def place(self, wanted: Node, among: Node, mode: int) -> E:
        """Return what MATCH gives: a place, or NaN; its slope is 0."""
        if not isinstance(among, Area) or 1 not in (len(self.lines(among, across=False)),
                                                    len(self.lines(among, across=True))):
            raise self.stuck("a lookup in something else than a row or column of cells")
        return self.placed(wanted, self.cells(among), mode)

    def placed(self, wanted: Node, cells: list[Cell], mode: int) -> E:
        if len(cells) > MOST_CHOICES:
            raise self.stuck(f"a lookup among more than {MOST_CHOICES} cells")
        held = [self.elements(cell) for cell in cells]
        if any(not one and self.is_text(cell) for one, cell in zip(held, cells, strict=True)):
            raise self.stuck("a lookup among text")
        values = [one[0] if one else None for one in held]
        x = self.build(wanted)
        if mode == 0:
            return place_of(x, values)
        while values and values[-1] is None:
            values.pop()
        known = [_plain(value) if value is not None else None for value in values]
        numbers = [value for value in known if value is not None]
        if len(numbers) < len(known) or numbers != sorted(numbers, reverse=mode < 0):
            raise self.stuck("a lookup by order among cells that are not sorted, or depend on an input")
        return place_among(x, numbers, mode > 0)

    def is_text(self, cell: Cell) -> bool:
        """Say whether a cell holds text in any of the rows."""
        sheet = self.sheet if cell.sheet is None else self.space.sheet_named(cell.sheet)
        return any(type(sheet.get(*cell.at(row, self.column))) is str for row in self.rows)

    def index(self, area: Area, places: tuple[Node, ...]) -> E:
        lines = self.lines(area, across=True)
        positions = [self.build(place) for place in places]
        if len(positions) == 2:
            across = _plain(positions[1])
            if across is not None and 1 <= across < len(lines[0]) + 1:
                return self.option(positions[0], [line[int(across) - 1] for line in lines])
            down = _plain(positions[0])
            if down is not None and 1 <= down < len(lines) + 1:
                return self.option(positions[1], lines[int(down) - 1])
            raise self.stuck("INDEX outside its range, or at a row and a column that both depend on an input")
        if len(lines) > 1 and len(lines[0]) > 1:
            raise self.stuck("INDEX of a whole row")
        return self.option(positions[0], self.cells(area))


def _plain(e: E) -> float | None:
    """Return the number that an expression is, or None where it is more than that."""
    try:
        return float(e.text.strip("()")) if e.op == "leaf" and not e.active else None
    except ValueError:
        return None


def _product(parts: list[E]) -> E:
    result = parts[0]
    for part in parts[1:]:
        result = E("*", (result, part))
    return result

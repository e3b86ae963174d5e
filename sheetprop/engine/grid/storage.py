"""Where cells live in memory: values by column, formulas as families in blocks of equal rows."""

from __future__ import annotations

import itertools
from bisect import bisect_right

from sheetprop.engine.formula.outline import Outline
from sheetprop.engine.formula.parse import NOWHERE, FormulaError, parse
from sheetprop.engine.formula.printing import canonical_text
from sheetprop.engine.formula.tree import Node
from sheetprop.engine.grid.values import Value

TYPE_CHECKING = False  # typing costs a small workbook's time; mypy knows this name
if TYPE_CHECKING:
    from typing import Any

_GAP = 4096


class Column:
    """The values of one column: a dense list from `base` on, and a dictionary for far-off cells."""

    __slots__ = ("base", "sparse", "values", "waiting")

    def __init__(self) -> None:
        self.base = 0
        self.waiting: Any = None
        self.values: list[Value] = []
        self.sparse: dict[int, Value] = {}

    def get(self, row: int) -> Value:
        """Return the value in `row`; blank is None."""
        index = row - self.base
        if 0 <= index < len(self.values):
            return self.values[index]
        return self.sparse.get(row) if self.sparse else None

    def set(self, row: int, value: Value) -> None:
        """Store a value, growing the dense part where the gap is small."""
        values = self.values
        index = row - self.base
        if 0 <= index < len(values):
            values[index] = value
        elif not values:
            if not self.sparse:
                self.base = row
                values.append(value)
            else:
                self.sparse[row] = value
        elif index == len(values) and not self.sparse:
            values.append(value)
        elif 0 < index <= len(values) + _GAP and not self.sparse:
            values.extend([None] * (index - len(values)))
            values.append(value)
        elif -_GAP <= index < 0 and not self.sparse:
            values[:0] = [value] + [None] * (-index - 1)
            self.base = row
        else:
            self.sparse[row] = value

    def reserve(self, first: int, last: int) -> None:
        """Make the rows `first` to `last` part of the dense list, so that a loop may index it."""
        values = self.values
        if not values:
            self.base = first
        low, high = min(first, self.base), max(last, self.base + len(values) - 1)
        if self.base > low:
            values[:0] = [None] * (self.base - low)
            self.base = low
        missing = high - (self.base + len(values) - 1)
        if missing > 0:
            values.extend([None] * missing)
        if self.sparse:
            for row in [row for row in self.sparse if low <= row <= high]:
                values[row - low] = self.sparse.pop(row)

    def span(self, first: int, last: int) -> list[Value]:
        """Return the values of the rows `first` to `last`, blanks as None."""
        if self.sparse:
            return [self.get(row) for row in range(first, last + 1)]
        start, stop = first - self.base, last - self.base + 1
        count = len(self.values)
        if start >= 0 and stop <= count:
            return self.values[start:stop]
        inner = self.values[max(start, 0):max(stop, 0)]
        before = min(max(-start, 0), last - first + 1)
        return [None] * before + inner + [None] * (last - first + 1 - before - len(inner))

    def last_row(self) -> int:
        """Return the last row that holds something, or 0."""
        last = self.base + len(self.values) - 1 if self.values else 0
        return max(last, max(self.sparse, default=0))


class Family:
    """All formulas that are the same relative to their cells: one parse tree, compiled once.

    Attributes:
        tree: the parse tree.
        canonical: its R1C1 text; two families are the same exactly when these are equal, and brackets around the
            whole formula are there in both or in none.
        cache: compiled forms, filled in by the modules that need them.
    """

    __slots__ = ("cache", "canonical", "tree")

    def __init__(self, tree: Node, canonical: str) -> None:
        self.tree = tree
        self.canonical = canonical
        self.cache: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"Family({self.canonical})"


_FAMILIES: dict[str, Family] = {}
_LIMIT = 300_000


def family_of(tree: Node) -> Family:
    """Return the family of a parse tree, the same object for equal trees in the whole process."""
    canonical = canonical_text(tree)
    key = f"({canonical}" if getattr(tree, "bracketed", False) else canonical
    family = _FAMILIES.get(key)
    if family is None:
        if len(_FAMILIES) > _LIMIT:
            _FAMILIES.clear()
        family = _FAMILIES[key] = Family(tree, canonical)
    return family


def family(formula: str, row: int, column: int, sheet: str | None, outline: Outline = NOWHERE) -> Family:
    """Parse a formula and return its family. Takes and raises what `parse` does."""
    try:
        return family_of(parse(formula, row, column, sheet, outline))
    except RecursionError:
        raise FormulaError(f"={formula[:60]}...: is too long a chain of operations; split the formula") from None


class Program:
    """The formulas of one row, by column; rows with the same program are the same row moved down."""

    __slots__ = ("by_column", "cache", "columns")

    def __init__(self, formulas: dict[int, Family]) -> None:
        self.by_column = formulas
        self.columns = tuple(formulas)
        self.cache: dict[Any, Any] = {}

    def __len__(self) -> int:
        return len(self.columns)


_PROGRAMS: dict[tuple[tuple[int, int], ...], Program] = {}


def program_of(formulas: dict[int, Family]) -> Program:
    """Return the program of a row's formulas, the same object for equal rows in the whole process."""
    ordered = dict(sorted(formulas.items()))
    key = tuple((column, id(one)) for column, one in ordered.items())
    program = _PROGRAMS.get(key)
    if program is None:
        if len(_PROGRAMS) > _LIMIT:
            _PROGRAMS.clear()
        program = _PROGRAMS[key] = Program(ordered)
    return program


class Block:
    """Consecutive rows of a sheet with one program.

    `pure` says that each row's XML equals the template, moved to the row, to the last byte.
    """

    __slots__ = ("first", "last", "program", "pure", "template")

    def __init__(self, first: int, last: int, program: Program, template: Any = None) -> None:
        self.first = first
        self.last = last
        self.program = program
        self.template = template
        self.pure = False

    def __repr__(self) -> str:
        return f"Block({self.first}..{self.last}, {len(self.program)} formulas)"


class ArrayFormula:
    """A formula entered over a rectangle; its values fill the cells of the rectangle.

    One that is `dynamic` spills: its rectangle is as large as its result, or one cell where something is in its way.
    """

    __slots__ = ("bottom", "dynamic", "family", "left", "right", "top")

    def __init__(self, family: Family, top: int, left: int, bottom: int, right: int, dynamic: bool = False) -> None:
        self.family = family
        self.dynamic = dynamic
        self.top, self.left, self.bottom, self.right = top, left, bottom, right


class SheetStore:
    """One sheet's cells.

    Attributes:
        edited: constants that were put into cells, by place, for saving.
        formulas_set: formulas that were put into cells, by place, for saving.
        filled: blocks of rows that were filled down.
        styled: styles that were given to cells, by place, for saving.
        added: whether the file does not have the sheet yet.
        cleared: cells to which a result spilled in the file and does no more: they are saved blank.
        irregular: whether its part is laid out in another way than spreadsheet programs do.
    """

    def __init__(self, name: str, index: int, part: str) -> None:
        self.name = name
        self.index = index
        self.part = part
        self.columns: dict[int, Column] = {}
        self.blocks: list[Block] = []
        self.arrays: list[ArrayFormula] = []
        self.filled: list[Block] = []
        self.unread: list[tuple[int, int, str]] = []
        self.edited: dict[tuple[int, int], Value] = {}
        self.formulas_set: dict[tuple[int, int], str] = {}
        self.styled: dict[tuple[int, int], int] = {}
        self.added = False
        self.grid = True
        self.irregular = False
        self.cleared: set[tuple[int, int]] = set()
        self.bounds: tuple[int, int] | None = None
        self.hidden: tuple[frozenset[int], frozenset[int]] | None = None
        self._starts: list[int] = []

    def get(self, row: int, column: int) -> Value:
        """Return a cell's value; blank is None."""
        found = self.columns.get(column)
        return None if found is None else found.get(row)

    def set(self, row: int, column: int, value: Value) -> None:
        """Store a cell's value."""
        found = self.columns.get(column)
        if found is None:
            found = self.columns[column] = Column()
        found.set(row, value)

    def column(self, number: int) -> Column:
        """Return the column, made where it is missing."""
        found = self.columns.get(number)
        if found is None:
            found = self.columns[number] = Column()
        return found

    def arrange(self) -> None:
        """Put the blocks in order of rows; rows given twice are merged, the later one wins."""
        blocks = self.blocks
        blocks.sort(key=lambda block: block.first)
        if any(one.last >= two.first for one, two in itertools.pairwise(blocks)):
            rows: dict[int, dict[int, Family]] = {}
            for block in blocks:
                for row in range(block.first, block.last + 1):
                    rows.setdefault(row, {}).update(block.program.by_column)
            self.blocks = blocks = [Block(row, row, program_of(rows[row])) for row in sorted(rows)]
        self._starts = [block.first for block in blocks]

    def block_index(self, row: int) -> int:
        """Return the position of the first block that ends at `row` or below it."""
        index = bisect_right(self._starts, row) - 1
        if index >= 0 and self.blocks[index].last >= row:
            return index
        return index + 1

    def family_at(self, row: int, column: int) -> Family | None:
        """Return the family of the formula in a cell, or None."""
        index = bisect_right(self._starts, row) - 1
        if index < 0 or self.blocks[index].last < row:
            return None
        return self.blocks[index].program.by_column.get(column)

    def split(self, row: int) -> None:
        """Make `row` a block of its own, so that its formulas can change without its neighbours'."""
        index = bisect_right(self._starts, row) - 1
        if index < 0 or self.blocks[index].last < row:
            return
        block = self.blocks[index]
        if block.first == block.last:
            return
        parts = [Block(first, last, block.program, block.template)
                 for first, last in ((block.first, row - 1), (row, row), (row + 1, block.last)) if first <= last]
        for part in parts:
            part.pure = block.pure
        self.blocks[index:index + 1] = parts
        self._starts = [one.first for one in self.blocks]

    def put_formula(self, row: int, column: int, family: Family | None) -> None:
        """Give a cell another formula, or none."""
        self.split(row)
        index = bisect_right(self._starts, row) - 1
        present = index >= 0 and self.blocks[index].last >= row
        formulas = dict(self.blocks[index].program.by_column) if present else {}
        if family is None:
            formulas.pop(column, None)
        else:
            formulas[column] = family
        if present:
            self.blocks[index:index + 1] = [Block(row, row, program_of(formulas))] if formulas else []
        elif formulas:
            self.blocks.insert(index + 1, Block(row, row, program_of(formulas)))
        self._starts = [one.first for one in self.blocks]

    def used(self) -> tuple[int, int]:
        """Return the extent as it was when calculation began, or as it is now."""
        return self.bounds or self.extent()

    def extent(self) -> tuple[int, int]:
        """Return the last row and the last column that hold anything, or will once array formulas are calculated."""
        rows = max((column.last_row() for column in self.columns.values()), default=0)
        columns = max(self.columns, default=0)
        for block in self.blocks:
            rows = max(rows, block.last)
            columns = max(columns, block.program.columns[-1])
        for array in self.arrays:
            rows, columns = max(rows, array.bottom), max(columns, array.right)
        return rows, columns

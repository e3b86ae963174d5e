"""What formulas pass around besides single values: references to cells, and arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import repeat

from sheetprop.engine.grid.storage import SheetStore
from sheetprop.engine.grid.values import CALC, NA, NULL, VALUE, ExcelError, Raised, Value, number_in

TYPE_CHECKING = False  # typing costs a small workbook's time; mypy knows this name
if TYPE_CHECKING:
    from typing import Any


class Ref:
    """A rectangle of cells of one sheet."""

    __slots__ = ("bottom", "left", "right", "sheet", "top")

    def __init__(self, sheet: SheetStore, top: int, left: int, bottom: int, right: int) -> None:
        self.sheet = sheet
        self.top, self.left, self.bottom, self.right = top, left, bottom, right

    @property
    def height(self) -> int:
        """Number of rows."""
        return self.bottom - self.top + 1

    @property
    def width(self) -> int:
        """Number of columns."""
        return self.right - self.left + 1

    def single(self) -> Value:
        """Return the value of the top left cell."""
        return self.sheet.get(self.top, self.left)

    def clipped(self) -> Ref:
        """Return the part that can hold anything, for functions to which blank cells mean nothing."""
        rows, columns = self.sheet.used()
        return Ref(self.sheet, self.top, self.left, max(min(self.bottom, rows), self.top),
                   max(min(self.right, columns), self.left))

    def rows(self) -> list[list[Value]]:
        """Return the values, row by row; a reference over whole columns is cut to the used part."""
        ref = self if self.height * self.width <= 100_000 else self.clipped()
        if ref.width == 1:
            column = ref.sheet.columns.get(ref.left)
            if column is None:
                return [[None] for _ in range(ref.height)]
            return [[value] for value in column.span(ref.top, ref.bottom)]
        if ref.height == 1:
            return [[ref.sheet.get(ref.top, at) for at in range(ref.left, ref.right + 1)]]
        empty: list[Value] = [None] * ref.height
        spans = [ref.sheet.columns[at].span(ref.top, ref.bottom) if at in ref.sheet.columns else empty
                 for at in range(ref.left, ref.right + 1)]
        return [list(line) for line in zip(*spans, strict=True)]

    def flat(self) -> Iterator[Value]:
        """Yield the non-blank values, row by row."""
        ref = self.clipped()
        if ref.width == 1:
            column = ref.sheet.columns.get(ref.left)
            if column is not None:
                yield from (value for value in column.span(ref.top, ref.bottom) if value is not None)
            return
        for line in ref.rows():
            for value in line:
                if value is not None:
                    yield value


class Array:
    """A rectangle of values that stand in no cell."""

    __slots__ = ("lines",)

    def __init__(self, lines: list[list[Value]]) -> None:
        self.lines = lines

    @property
    def height(self) -> int:
        """Number of rows."""
        return len(self.lines)

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.lines[0]) if self.lines else 0

    def rows(self) -> list[list[Value]]:
        """Return the values, row by row."""
        return self.lines

    def flat(self) -> Iterator[Value]:
        """Yield the non-blank values, row by row."""
        for line in self.lines:
            for value in line:
                if value is not None:
                    yield value


class Areas:
    """Several rectangles joined by commas."""

    __slots__ = ("refs",)

    def __init__(self, refs: list[Ref]) -> None:
        self.refs = refs

    def flat(self) -> Iterator[Value]:
        """Yield the non-blank values, one rectangle after another."""
        for ref in self.refs:
            yield from ref.flat()


class Refs:
    """An array of references, as OFFSET and INDIRECT give where an argument is an array."""

    __slots__ = ("lines",)

    def __init__(self, lines: list[list[Ref | ExcelError]]) -> None:
        self.lines = lines

    @property
    def height(self) -> int:
        """Number of rows."""
        return len(self.lines)

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.lines[0])

    def rows(self) -> list[list[Value]]:
        """Return the values, row by row; a reference to more than one cell is #VALUE!."""
        return [[one if isinstance(one, ExcelError) else one.single() if one.height == one.width == 1 else VALUE
                 for one in line] for line in self.lines]

    def firsts(self) -> list[list[Value]]:
        """Return the first value of each reference, row by row."""
        return [[one if isinstance(one, ExcelError) else one.single() for one in line] for line in self.lines]

    def flat(self) -> Iterator[Value]:
        """Yield the non-blank values, row by row."""
        for line in self.rows():
            yield from (value for value in line if value is not None)


class Lambda:
    """A function as a value: what LAMBDA gives, or a function of Excel's by its name.

    Attributes:
        least: how many arguments it needs.
        most: how many it takes.
        call: takes the place where it is called (a `Context`) and the arguments.
        name: the name of Excel's function, or CUSTOM.
    """

    __slots__ = ("call", "least", "most", "name")

    def __init__(self, least: int, most: int, call: Callable[[Any, list[Operand]], Operand],
                 name: str = "CUSTOM") -> None:
        self.name = name
        self.least = least
        self.most = most
        self.call = call


Operand = Value | Ref | Array | Areas | Refs | Lambda


def as_rows(operand: Operand) -> list[list[Value]]:
    """Return an operand as rows of values; a single value is one row of one."""
    if isinstance(operand, Ref | Array | Refs):
        return operand.rows()
    if isinstance(operand, Areas):
        raise Raised(VALUE)
    if isinstance(operand, Lambda):
        raise Raised(CALC)
    return [[operand]]


def size(operand: Operand) -> tuple[int, int]:
    """Return the number of rows and of columns of an operand; a single value is one of one."""
    return (operand.height, operand.width) if isinstance(operand, Ref | Array | Refs) else (1, 1)


def flat(operand: Operand) -> Iterator[Value]:
    """Yield the non-blank values of an operand."""
    if isinstance(operand, Ref | Array | Areas | Refs):
        yield from operand.flat()
    elif isinstance(operand, Lambda):
        raise Raised(CALC)
    elif operand is not None:
        yield operand


def numbers(operands: tuple[Operand, ...] | list[Operand]) -> list[float]:
    """Return the numbers that SUM and its kin see.

    In references and arrays only numbers count; a value given directly also counts when it is a
    truth value or text that spells a number. Errors are raised.
    """
    found: list[float] = []
    for operand in operands:
        if isinstance(operand, Ref | Array | Areas | Refs):
            for value in operand.flat():
                if type(value) is float:
                    found.append(value)
                elif type(value) is ExcelError:
                    raise Raised(value)
        elif type(operand) is float:
            found.append(operand)
        elif type(operand) is bool:
            found.append(1.0 if operand else 0.0)
        elif type(operand) is ExcelError:
            raise Raised(operand)
        elif operand is None:
            found.append(0.0)
        else:
            number = number_in(str(operand))
            if number is None:
                raise Raised(VALUE)
            found.append(number)
    return found


def broadcast(operands: list[Operand], function: Callable[..., Value]) -> Array:
    """Apply `function` to each set of elements; a single row or column is repeated to fit."""
    grids = [as_rows(operand) for operand in operands]
    height = max(len(grid) for grid in grids)
    width = max(len(grid[0]) if grid else 0 for grid in grids)
    flat = [_spread(grid, height, width) for grid in grids]
    if all(one is not None for one in flat):
        try:
            values = list(map(function, *flat))  # type: ignore[arg-type]
            return Array([values[at:at + width] for at in range(0, height * width, width)])
        except Raised:
            pass  # some element is an error; which ones is found below
    lines: list[list[Value]] = []
    for row in range(height):
        line: list[Value] = []
        for column in range(width):
            try:
                line.append(function(*[_element(grid, row, column) for grid in grids]))
            except Raised as raised:
                line.append(raised.error)
        lines.append(line)
    return Array(lines)


def _spread(grid: list[list[Value]], height: int, width: int) -> Iterable[Value] | None:
    """Return the elements row by row, single rows and columns repeated; None where some are missing."""
    if len(grid) == 1 and len(grid[0]) == 1:
        return repeat(grid[0][0], height * width)
    rows = grid * height if len(grid) == 1 else grid
    if len(rows) != height or any(len(line) not in (1, width) for line in rows):
        return None
    return [value for line in rows for value in (line if len(line) == width else line * width)]


def each(operands: list[Operand], function: Callable[[list[Operand]], Operand]) -> Operand:
    """Apply `function` to each set of elements of arrays, which may be references; it may give a reference.

    Of an array that it gives for one set of elements, only the first element fits into the result.
    """
    grids = [operand.lines if isinstance(operand, Refs) else as_rows(operand) for operand in operands]
    height, width = max(map(len, grids)), max(len(grid[0]) for grid in grids)
    lines: list[list[Any]] = []
    for row in range(height):
        line: list[Any] = []
        for column in range(width):
            try:
                found = function([_element(grid, row, column) for grid in grids])  # type: ignore[arg-type]
                line.append(found.rows()[0][0] if isinstance(found, Array | Refs) else found)
            except Raised as raised:
                line.append(raised.error)
        lines.append(line)
    if any(isinstance(one, Ref) for line in lines for one in line):
        return Refs([[one if isinstance(one, Ref | ExcelError) else VALUE for one in line] for line in lines])
    return Array(lines)


def lifted(function: Callable[..., Value], *operands: Operand) -> Operand:
    """Apply `function` to values, or to each set of elements where one of them is an array."""
    if any(type(operand) is Array for operand in operands):
        return broadcast(list(operands), function)
    return function(*operands)


def _element(grid: list[list[Value]], row: int, column: int) -> Value:
    at = 0 if len(grid) == 1 else row
    if at >= len(grid):
        raise Raised(NA)
    line = grid[at]
    across = 0 if len(line) == 1 else column
    if across >= len(line):
        raise Raised(NA)
    return line[across]


def crossing(first: Operand, second: Operand) -> Ref:
    """Return the cells that two references share; #NULL! where there are none."""
    if not isinstance(first, Ref) or not isinstance(second, Ref) or first.sheet is not second.sheet:
        raise Raised(VALUE)
    top, left = max(first.top, second.top), max(first.left, second.left)
    bottom, right = min(first.bottom, second.bottom), min(first.right, second.right)
    if top > bottom or left > right:
        raise Raised(NULL)
    return Ref(first.sheet, top, left, bottom, right)


def hull(first: Operand, second: Operand) -> Ref:
    """Return the smallest rectangle that holds two references: the operator ``:``."""
    if not isinstance(first, Ref) or not isinstance(second, Ref) or first.sheet is not second.sheet:
        raise Raised(VALUE)
    return Ref(first.sheet, min(first.top, second.top), min(first.left, second.left),
               max(first.bottom, second.bottom), max(first.right, second.right))

"""The parse tree of a formula: plain, comparable data, independent of where the formula stands.

A reference that is not anchored holds the distance from the formula's own cell, so that two
formulas that are the same "relative to their cell" have equal trees. `None` as a sheet means
the sheet on which the formula stands.
"""

from __future__ import annotations

from collections.abc import Iterator

TYPE_CHECKING = False  # typing costs a small workbook's time; mypy knows this name
if TYPE_CHECKING:
    from typing import Any


class Node:
    """A part of a formula. Nodes are equal when their kind and all their parts are."""

    __slots__ = ()
    _fields: tuple[str, ...] = ()

    def parts(self) -> tuple[Any, ...]:
        """Return the parts in the order in which the constructor takes them."""
        return tuple(getattr(self, field) for field in self._fields)

    def children(self) -> tuple[Node, ...]:
        """Return the nodes below this one, left to right."""
        return ()

    def walk(self) -> Iterator[Node]:
        """Yield this node and all nodes below it."""
        stack: list[Node] = [self]
        while stack:
            node = stack.pop()
            yield node
            stack.extend(reversed(node.children()))

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.parts() == other.parts()

    def __hash__(self) -> int:
        return hash((type(self).__name__, *self.parts()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self.parts()))})"


class Number(Node):
    """A number."""

    __slots__ = ("value",)
    _fields = ("value",)

    def __init__(self, value: float) -> None:
        self.value = value


class Text(Node):
    """Text in quotes."""

    __slots__ = ("value",)
    _fields = ("value",)

    def __init__(self, value: str) -> None:
        self.value = value


class Boolean(Node):
    """TRUE or FALSE."""

    __slots__ = ("value",)
    _fields = ("value",)

    def __init__(self, value: bool) -> None:
        self.value = value


class Error(Node):
    """An error written out, such as ``#REF!``."""

    __slots__ = ("code",)
    _fields = ("code",)

    def __init__(self, code: str) -> None:
        self.code = code


class Empty(Node):
    """An argument left out, as the second one of ``IF(A1,,2)``."""

    __slots__ = ()


class Cell(Node):
    """One cell. `row` and `column` are distances from the formula's cell unless fixed ($)."""

    __slots__ = ("column", "column_fixed", "row", "row_fixed", "sheet")
    _fields = ("sheet", "row", "column", "row_fixed", "column_fixed")

    def __init__(self, sheet: str | None, row: int, column: int, row_fixed: bool, column_fixed: bool) -> None:
        self.sheet = sheet
        self.row = row
        self.column = column
        self.row_fixed = row_fixed
        self.column_fixed = column_fixed

    def at(self, row: int, column: int) -> tuple[int, int]:
        """Return the (row, column) meant by a formula that stands at `row`, `column`."""
        return (self.row if self.row_fixed else row + self.row,
                self.column if self.column_fixed else column + self.column)


class Area(Node):
    """A rectangle of cells between two corners; whole columns and rows reach over the sheet."""

    __slots__ = ("first", "last", "whole")
    _fields = ("first", "last", "whole")

    def __init__(self, first: Cell, last: Cell, whole: str = "") -> None:
        self.first = first
        self.last = last
        self.whole = whole

    @property
    def sheet(self) -> str | None:
        """The sheet that the rectangle lies on; None is the formula's own."""
        return self.first.sheet

    def at(self, row: int, column: int) -> tuple[int, int, int, int]:
        """Return (top, left, bottom, right) as meant by a formula at `row`, `column`."""
        top, left = self.first.at(row, column)
        bottom, right = self.last.at(row, column)
        return min(top, bottom), min(left, right), max(top, bottom), max(left, right)


class Name(Node):
    """A defined name, looked up on `sheet` first where one is given."""

    __slots__ = ("name", "sheet")
    _fields = ("sheet", "name")

    def __init__(self, sheet: str | None, name: str) -> None:
        self.sheet = sheet
        self.name = name


class Foreign(Node):
    """A reference out of the workbook, or to tables or sheets that are not known; `why` says which."""

    __slots__ = ("text", "why")
    _fields = ("text", "why")

    def __init__(self, text: str, why: str) -> None:
        self.text = text
        self.why = why


class Stack(Node):
    """The same cells of several sheets, ``Jan:Dec!A1``: one `Cell` or `Area` for each sheet."""

    __slots__ = ("first", "last", "layers")
    _fields = ("first", "last", "layers")

    def __init__(self, first: str, last: str, layers: tuple[Node, ...]) -> None:
        self.first = first
        self.last = last
        self.layers = layers

    def children(self) -> tuple[Node, ...]:
        return self.layers


class Unary(Node):
    """A sign before, or a percent mark behind, an operand: ``-``, ``+``, ``%``."""

    __slots__ = ("operand", "operator")
    _fields = ("operator", "operand")

    def __init__(self, operator: str, operand: Node) -> None:
        self.operator = operator
        self.operand = operand

    def children(self) -> tuple[Node, ...]:
        return (self.operand,)


class Binary(Node):
    """Two operands: arithmetic, ``&``, comparison, or the reference operators ``:``, ``,`` and blank.

    `bracketed` says that it stood in brackets, which means something only around a whole formula: Excel then does
    not round a last subtraction.
    """

    __slots__ = ("bracketed", "left", "operator", "right")
    _fields = ("operator", "left", "right")

    def __init__(self, operator: str, left: Node, right: Node) -> None:
        self.bracketed = False
        self.operator = operator
        self.left = left
        self.right = right

    def children(self) -> tuple[Node, ...]:
        return (self.left, self.right)


class Call(Node):
    """A function, its name in upper case and without the prefix ``_xlfn.``, and its arguments."""

    __slots__ = ("arguments", "name")
    _fields = ("name", "arguments")

    def __init__(self, name: str, arguments: tuple[Node, ...]) -> None:
        self.name = name
        self.arguments = arguments

    def children(self) -> tuple[Node, ...]:
        return self.arguments


class Local(Node):
    """A name that LET or LAMBDA gives a value, where it is declared and where it is used."""

    __slots__ = ("name", "optional")
    _fields = ("name", "optional")

    def __init__(self, name: str, optional: bool = False) -> None:
        self.name = name
        self.optional = optional


class Builtin(Node):
    """A function of Excel's named without arguments, to be called by another: ``BYROW(A1:C3,SUM)``."""

    __slots__ = ("name",)
    _fields = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


class Apply(Node):
    """A call of something that is no function of Excel's: a name, a variable, a LAMBDA called at once."""

    __slots__ = ("arguments", "function")
    _fields = ("function", "arguments")

    def __init__(self, function: Node, arguments: tuple[Node, ...]) -> None:
        self.function = function
        self.arguments = arguments

    def children(self) -> tuple[Node, ...]:
        return (self.function, *self.arguments)


def subtracts_last(tree: Node) -> bool:
    """Say whether a formula's last operation is an addition or a subtraction, with no brackets around it."""
    return isinstance(tree, Binary) and tree.operator in ("+", "-") and not tree.bracketed


def is_array(tree: Node) -> bool:
    """Say whether a formula was entered as an array formula into a single cell."""
    return isinstance(tree, Call) and tree.name in ("#ARRAY", "#DYNAMIC")


def is_dynamic(tree: Node) -> bool:
    """Say whether a formula's result spills over as many cells as it has elements."""
    return isinstance(tree, Call) and tree.name == "#DYNAMIC"


class Matrix(Node):
    """An array written out, ``{1,2;3,4}``: rows of numbers, text, truth values and errors."""

    __slots__ = ("rows",)
    _fields = ("rows",)

    def __init__(self, rows: tuple[tuple[Node, ...], ...]) -> None:
        self.rows = rows

    def children(self) -> tuple[Node, ...]:
        return tuple(node for row in self.rows for node in row)

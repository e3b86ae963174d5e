"""Formula text to parse tree, with Excel's precedence, and the positions of the row numbers in it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sheetprop.engine.formula.depth import with_room
from sheetprop.engine.formula.outline import Outline
from sheetprop.engine.formula.references import MAX_COLUMN, MAX_ROW, column_number
from sheetprop.engine.formula.tree import (
    Apply,
    Area,
    Binary,
    Boolean,
    Builtin,
    Call,
    Cell,
    Empty,
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
from sheetprop.errors import SheetpropError

MAX_LENGTH = 32_768
NOWHERE = Outline()
MAX_FUNCTIONS = 64  # one inside the other, as in Excel
MAX_DEPTH = 400


class FormulaError(SheetpropError):
    """The text is no formula."""


# Behind a sheet's name ``A1:B!`` begins no stack of sheets: Data!B1:Data!B3 are two corners.
_SHEET = r"(?:'(?:[^']|'')+'|(?<!!)(?:\[\d+\])?[^\W\d][\w.]*:[^\W\d][\w.]*|(?:\[\d+\])?[^\W\d][\w.]*|\[\d+\])!"
TOKEN = re.compile(
    r'(?P<text>"(?:[^"]|"")*")'
    r"|(?P<error>\#(?:NULL!|DIV/0!|VALUE!|REF!|NAME\?|NUM!|N/A|GETTING_DATA|SPILL!|CALC!|FIELD!|BLOCKED!))"
    rf"|(?P<sheet>{_SHEET})"
    r"|(?P<columns>\$?[A-Za-z]{1,3}:\$?[A-Za-z]{1,3}(?![\w.(]))"
    r"|(?P<rows>\$?\d{1,7}:\$?\d{1,7}(?![\w.(]))"
    r"|(?P<cell>(?P<cm>\$?)(?P<cl>[A-Za-z]{1,3})(?P<rm>\$?)(?P<rn>[1-9]\d{0,6})(?![\w.(!\[]))"
    r"|(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<call>[^\W\d][\w.]*\()"
    r"|(?P<table>(?:[^\W\d][\w.]*)?\[(?:'.|[^\[\]']|\[(?:'.|[^\[\]'])*\])*\])"
    r"|(?P<name>[^\W\d][\w.?\\]*|\\[\w.?\\]*)"
    r"|(?P<operator><=|>=|<>|[-+*/^&=<>%(),;:{}@#])"
    r"|(?P<blank>\s+)"
    r"|(?P<bad>.)",
    re.DOTALL,
)

_BINARY = {"=": 1, "<>": 1, "<": 1, ">": 1, "<=": 1, ">=": 1, "&": 2, "+": 3, "-": 3, "*": 4, "/": 4, "^": 5}
_PREFIXES = ("_XLFN.", "_XLWS.", "_XLUDF.")
_PARAMETER, _OPTIONAL, _FUNCTION = "_xlpm.", "_xlop.", "_xleta."  # how files mark variables, and functions as values


def relative_rows(text: str, row: int) -> Iterator[tuple[int, int, int]]:
    """Yield (start, end, distance from `row`) of every row number in `text` that moves with the formula."""
    for token in TOKEN.finditer(text):
        kind = token.lastgroup
        if kind == "cell":
            if not token["rm"]:
                yield token.start("rn"), token.end("rn"), int(token["rn"]) - row
        elif kind == "rows":
            for part in re.finditer(r"(\$?)(\d+)", token.group()):
                if not part.group(1):
                    start = token.start() + part.start(2)
                    yield start, token.start() + part.end(2), int(part.group(2)) - row


class _Parser:
    """One formula on its way into a tree: precedence climbing over the tokens."""

    def __init__(self, text: str, row: int, column: int, sheet: str | None, outline: Outline) -> None:
        self.source = text
        self.outline = outline
        self.sheet = sheet
        self.row = row
        self.column = column
        self.own = sheet.casefold() if sheet is not None else None
        self.kinds: list[str] = []
        self.texts: list[str] = []
        self.tokens: list[re.Match[str]] = []
        for token in TOKEN.finditer(text):
            kind = token.lastgroup or "bad"
            if kind == "bad":
                raise self.error(f"{token.group()!r} has no meaning there")
            self.kinds.append(kind)
            self.texts.append(token.group())
            self.tokens.append(token)
        self.kinds.append("end")
        self.texts.append("")
        self.position = 0
        self.depth = 0
        self.functions = 0
        self.scopes: list[set[str]] = []

    def error(self, why: str) -> FormulaError:
        shown = self.source if len(self.source) <= 80 else self.source[:77] + "..."
        return FormulaError(f"={shown}: is no formula ({why}); correct the cell")

    def skip(self) -> bool:
        """Step over blanks; say whether there were any."""
        start = self.position
        while self.kinds[self.position] == "blank":
            self.position += 1
        return self.position > start

    def peek(self) -> str:
        """Return the next operator's text, or an empty string."""
        self.skip()
        return self.texts[self.position] if self.kinds[self.position] == "operator" else ""

    def expect(self, mark: str) -> None:
        if self.peek() != mark:
            found = self.texts[self.position] or "the end"
            raise self.error(f"{mark!r} expected where {found!r} stands")
        self.position += 1

    def whole(self) -> Node:
        node = self.expression(1)
        while self.peek() == ",":
            self.position += 1
            node = Binary(",", node, self.expression(1))
        self.skip()
        if self.kinds[self.position] != "end":
            raise self.error(f"{self.texts[self.position]!r} stands where it should end")
        return node

    def expression(self, least: int) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.error("it is nested too deeply")
        left = self.prefixed()
        while True:
            operator = self.peek()
            strength = _BINARY.get(operator, 0)
            if strength < least or strength == 0:
                break
            self.position += 1
            left = Binary(operator, left, self.expression(strength + 1))
        self.depth -= 1
        return left

    def prefixed(self) -> Node:
        """A run of signs, an operand, and percent marks: signs bind tighter than ``^`` in Excel."""
        signs: list[str] = []
        while (mark := self.peek()) in ("-", "+", "@"):
            self.position += 1
            signs.append(mark)
        node = self.reference()
        for sign in reversed(signs):
            if sign != "@":
                node = Unary(sign, node)
            elif not isinstance(node, Cell):
                node = Call("SINGLE", (node,))
        while self.peek() == "%":
            self.position += 1
            node = Unary("%", node)
        return node

    def reference(self) -> Node:
        """An operand with the reference operators ``:`` and blank (intersection)."""
        node = self.joined()
        while True:
            parted = self.skip() or self.kinds[self.position - 1] == "blank"
            if parted and self.kinds[self.position] in ("cell", "sheet", "columns", "rows", "name", "call") \
                    and _is_reference(node):
                right = self.joined()
                if not _is_reference(right):
                    raise self.error("two operands stand side by side")
                node = Binary(" ", node, right)
                continue
            return node

    def joined(self) -> Node:
        node = self.operand()
        while self.peek() == ":":
            self.position += 1
            self.skip()
            right = self.operand()
            if isinstance(node, Cell) and isinstance(right, Cell) and right.sheet in (None, node.sheet):
                right.sheet = node.sheet
                node = _ordered(node, right)
            else:
                node = Binary(":", node, right)
        if self.peek() == "#":
            self.position += 1
            return Call("ANCHORARRAY", (node,))
        return node

    def operand(self) -> Node:
        self.skip()
        kind, text = self.kinds[self.position], self.texts[self.position]
        token = self.tokens[self.position] if self.position < len(self.tokens) else None
        if kind == "end" or token is None:
            raise self.error("it ends too early")
        self.position += 1
        if kind == "number":
            number = float(text)
            if number == float("inf"):
                raise self.error(f"{text[:20]} is larger than a number can be")
            return Number(number)
        if kind == "text":
            return Text(text[1:-1].replace('""', '"'))
        if kind in ("cell", "columns", "rows"):
            return self.place(kind, token, None)
        if kind == "call":
            return self.called_again(self.call(text[:-1]))
        if kind == "name":
            return self.word(text, None)
        if kind == "error":
            return Error(text)
        if kind == "sheet":
            return self.elsewhere(text[:-1])
        if kind == "table":
            meant = self.outline.meant(text, self.sheet, self.row, self.column)
            return Foreign(text, "table") if meant is None else meant
        if text == "(":
            return self.called_again(self.bracket())
        if text == "{":
            return self.matrix()
        raise self.error(f"{text!r} stands where an operand belongs")

    def word(self, text: str, sheet: str | None) -> Node:
        if sheet is None and (marked := self.marked(text)) is not None:
            return marked
        upper = text.upper()
        if sheet is None and upper in ("TRUE", "FALSE"):
            return Boolean(upper == "TRUE")
        table = self.outline.meant(text, self.sheet, self.row, self.column) if self.outline.tables else None
        return Name(sheet, text) if sheet is not None or table is None else table

    def marked(self, text: str) -> Node | None:
        """Return the variable, or the function as a value, that a word is; None for any other word."""
        lower = text.casefold()
        for mark in (_PARAMETER, _OPTIONAL):
            if lower.startswith(mark):
                return Local(text[len(mark):], mark == _OPTIONAL)
        if lower.startswith(_FUNCTION):
            return Builtin(_without_prefix(text[len(_FUNCTION):]))
        return Local(text) if any(lower in scope for scope in self.scopes) else None

    def declared(self) -> Local | None:
        """Return the variable that is declared here, a word before a comma, or None for any other argument."""
        self.skip()
        kind, text = self.kinds[self.position], self.texts[self.position]
        after = self.position + 1
        while after < len(self.kinds) and self.kinds[after] == "blank":
            after += 1
        if kind not in ("name", "table") or after >= len(self.texts) or self.texts[after] != ",":
            return None
        if kind == "table" and not (text[0] == "[" and text[1:-1].isidentifier()):
            return None
        self.position += 1
        found = Local(text[1:-1], True) if kind == "table" else self.marked(text)
        return found if isinstance(found, Local) else Local(text)

    def place(self, kind: str, token: re.Match[str], sheet: str | None) -> Node:
        if kind == "cell":
            return self.cell(token["cm"], token["cl"], token["rm"], token["rn"], sheet)
        first, _, last = token.group().partition(":")
        if kind == "columns":
            corners = [self.cell("$" if part[0] == "$" else "", part.lstrip("$"), "$", str(edge), sheet)
                       for part, edge in ((first, 1), (last, MAX_ROW))]
        else:
            corners = [self.cell("$", letters, "$" if part[0] == "$" else "", part.lstrip("$"), sheet)
                       for part, letters in ((first, "A"), (last, "XFD"))]
        for corner in corners:
            if not isinstance(corner, Cell):  # beyond the edge of a sheet
                return Error("#REF!")
        assert isinstance(corners[0], Cell)
        assert isinstance(corners[1], Cell)
        return Area(corners[0], corners[1], kind)

    def cell(self, column_mark: str, letters: str, row_mark: str, digits: str, sheet: str | None) -> Node:
        row, column = int(digits), column_number(letters)
        if row < 1 or row > MAX_ROW or column > MAX_COLUMN:
            return Error("#REF!") if row < 1 or sheet is not None else Name(None, letters + digits)
        return Cell(sheet, row if row_mark else row - self.row, column if column_mark else column - self.column,
                    bool(row_mark), bool(column_mark))

    def elsewhere(self, prefix: str) -> Node:
        """A reference with a sheet before it."""
        name = prefix[1:-1].replace("''", "'") if prefix.startswith("'") else prefix
        kind = self.kinds[self.position]
        token = self.tokens[self.position] if self.position < len(self.tokens) else None
        if token is None:
            raise self.error("it ends too early")
        self.position += 1
        if "[" in name or ":" in name:
            return self.afar(prefix, name, kind, token)
        sheet = None if self.own is not None and name.casefold() == self.own else name
        if kind in ("cell", "columns", "rows"):
            return self.place(kind, token, sheet)
        if kind == "name":
            return self.word(token.group(), name)
        if kind == "call":
            return self.called_again(Apply(Name(name, token.group()[:-1]), self.arguments()))
        if kind == "error":
            return Error(token.group())
        raise self.error(f"no cell stands behind {prefix}!")

    def afar(self, prefix: str, name: str, kind: str, token: re.Match[str]) -> Node:
        """A reference into another workbook, or to the same cells of several sheets."""
        found = [token]
        if self.peek() == ":":
            self.position += 1
            self.skip()
            if self.position >= len(self.tokens):
                raise self.error("it ends too early")
            found.append(self.tokens[self.position])
            self.position += 1
        text = f"{prefix}!{':'.join(one.group() for one in found)}"
        if "[" in name:
            return Foreign(text, "external")
        first, _, last = name.partition(":")
        sheets = self.outline.between(first, last)
        if sheets is None:
            return Foreign(text, "sheets") if not self.outline.sheets else Error("#REF!")
        if kind not in ("cell", "columns", "rows") or (len(found) == 2 and found[1].lastgroup != "cell"):
            raise self.error(f"no cells stand behind {prefix}!")
        layers: list[Node] = []
        for sheet in sheets:
            own = None if sheet.casefold() == self.own else sheet
            corners = [self.place(one.lastgroup or "", one, own) for one in found]
            if len(corners) == 2 and isinstance(corners[0], Cell) and isinstance(corners[1], Cell):
                layers.append(_ordered(corners[0], corners[1]))
            else:
                layers.append(corners[0])
        return Stack(first, last, tuple(layers))

    def call(self, name: str) -> Node:
        upper = _without_prefix(name)
        self.depth += 1
        self.functions += 1
        if self.functions > MAX_FUNCTIONS:
            raise self.error(f"more than {MAX_FUNCTIONS} functions stand one inside the other")
        declares = 2 if upper == "LET" else 1 if upper == "LAMBDA" else 0
        arguments = self.with_variables(declares) if declares else self.arguments()
        self.depth -= 1
        self.functions -= 1
        function = self.marked(name)
        if function is None and name.casefold() in self.outline.names:
            function = Name(None, name)
        return Call(upper, arguments) if function is None else Apply(function, arguments)

    def arguments(self) -> tuple[Node, ...]:
        """Return what stands up to the closing bracket."""
        found: list[Node] = []
        if self.peek() == ")":
            self.position += 1
            return ()
        while True:
            found.append(Empty() if self.peek() in (",", ")") else self.expression(1))
            if self.peek() != ",":
                self.expect(")")
                return tuple(found)
            self.position += 1

    def with_variables(self, every: int) -> tuple[Node, ...]:
        """Return the arguments of LET or LAMBDA, of which each or every second but the last declares a variable.

        A variable of LET is known behind its value, so that the value cannot name itself.
        """
        scope: set[str] = set()
        self.scopes.append(scope)
        found: list[Node] = []
        waiting: Local | None = None
        while True:
            variable = self.declared() if len(found) % every == 0 else None
            if variable is not None:
                found.append(variable)
            else:
                found.append(Empty() if self.peek() in (",", ")") else self.expression(1))
            if every == 1 or variable is None:
                scope.update(one.name.casefold() for one in (variable, waiting) if one is not None)
                variable = None
            waiting = variable
            if self.peek() != ",":
                self.expect(")")
                self.scopes.pop()
                return tuple(found)
            self.position += 1

    def called_again(self, node: Node) -> Node:
        """Return a node, or what it gives when called with the arguments in the brackets right behind it."""
        while self.texts[self.position] == "(" and self.kinds[self.position] == "operator":
            self.position += 1
            self.depth += 1
            if self.depth > MAX_DEPTH:
                raise self.error("it is nested too deeply")
            node = Apply(node, self.arguments())
            self.depth -= 1
        return node

    def bracket(self) -> Node:
        node = self.expression(1)
        if isinstance(node, Binary):
            node.bracketed = True
        while self.peek() == ",":
            self.position += 1
            node = Binary(",", node, self.expression(1))
        self.expect(")")
        return node

    def matrix(self) -> Node:
        rows: list[tuple[Node, ...]] = []
        row: list[Node] = []
        while True:
            sign = self.peek()
            if sign in ("-", "+"):
                self.position += 1
            node = self.operand()
            if sign == "-" and isinstance(node, Number):
                node = Number(-node.value)
            if not isinstance(node, Number | Text | Boolean | Error):
                raise self.error("an array in braces holds constants only")
            row.append(node)
            mark = self.peek()
            self.position += 1
            if mark == ",":
                continue
            rows.append(tuple(row))
            row = []
            if mark == "}":
                break
            if mark != ";":
                raise self.error("the array in braces does not end")
        if len({len(line) for line in rows}) != 1:
            raise self.error("the rows of the array in braces differ in length")
        return Matrix(tuple(rows))


_GIVE_REFERENCES = frozenset(("INDEX", "OFFSET", "INDIRECT", "CHOOSE", "IF", "ANCHORARRAY", "SINGLE", "IFS", "SWITCH",
                              "XLOOKUP", "TAKE", "DROP", "LET"))


def _without_prefix(name: str) -> str:
    """Return a function's name in upper case without the marks that files put before the newer ones."""
    upper = name.upper()
    for prefix in _PREFIXES:
        if upper.startswith(prefix):
            upper = upper[len(prefix):]
    return upper


def _is_reference(node: Node) -> bool:
    return (isinstance(node, Cell | Area | Name | Stack | Local | Apply)
            or (isinstance(node, Binary) and node.operator in (":", " ", ","))
            or (isinstance(node, Call) and node.name in _GIVE_REFERENCES))


def _ordered(first: Cell, last: Cell) -> Area:
    """Return the area between two corners; corners of one kind are put top left first."""
    if first.row_fixed == last.row_fixed and first.row > last.row:
        first, last = (Cell(first.sheet, last.row, first.column, last.row_fixed, first.column_fixed),
                       Cell(last.sheet, first.row, last.column, first.row_fixed, last.column_fixed))
    if first.column_fixed == last.column_fixed and first.column > last.column:
        first, last = (Cell(first.sheet, first.row, last.column, first.row_fixed, last.column_fixed),
                       Cell(last.sheet, last.row, first.column, last.row_fixed, first.column_fixed))
    return Area(first, last)


def parse(formula: str, row: int = 1, column: int = 1, sheet: str | None = None,
          outline: Outline = NOWHERE) -> Node:
    """Return the parse tree of a formula that stands at `row`, `column` of `sheet`.

    Args:
        formula: the text, with or without a leading ``=``.
        row: 1-based row of the formula's cell; references become distances from it.
        column: 1-based column of the formula's cell.
        sheet: name of the formula's own sheet; references to it become unqualified.
        outline: the workbook's sheets and tables, which references such as ``Sales[Amount]`` and
            ``Jan:Dec!A1`` stand for cells of; without it they become `Foreign`.

    Raises:
        FormulaError: the text is no formula; the message says where it breaks.
    """
    text = formula.removeprefix("=")
    if len(text) > MAX_LENGTH:
        raise FormulaError(f"={text[:60]}...: is longer than {MAX_LENGTH} characters; split the formula")
    parser = _Parser(text, row, column, sheet, outline)
    return with_room(parser.whole)

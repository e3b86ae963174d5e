"""Why a cell has its value: its formula as a tree with what each part gives, what it reads, what reads it."""

from __future__ import annotations

import re

from sheetprop.engine.access.sheet import shown_formula
from sheetprop.engine.calculation.evaluate import operand_of
from sheetprop.engine.calculation.precedents import CHANGING, cells_in, dependents, formula_at, named_areas
from sheetprop.engine.calculation.session import Session
from sheetprop.engine.calculation.unknown import Unknown
from sheetprop.engine.formula.depth import with_room
from sheetprop.engine.formula.printing import formula_text
from sheetprop.engine.formula.references import address, quoted
from sheetprop.engine.formula.tree import Area, Call, Cell, Empty, Matrix, Name, Node, Number, Text
from sheetprop.engine.grid.operands import Areas, Array, Ref
from sheetprop.engine.grid.storage import SheetStore
from sheetprop.engine.grid.values import ExcelError, Raised
from sheetprop.engine.scope.context import Context
from sheetprop.errors import SheetpropError

TYPE_CHECKING = False  # typing costs a small workbook's time; mypy knows this name
if TYPE_CHECKING:
    from typing import Any

_PARTS = 400  # of a formula are shown
_DEEP = 40  # parts one inside the other are shown
_AREA = 100_000


def place_of(ref: Ref, own: SheetStore | None = None) -> str:
    """Return a rectangle as ``Sheet!A1:B2``; without the sheet where it is `own`."""
    rows, columns = ref.bottom - ref.top + 1, ref.right - ref.left + 1
    text = address(ref.top, ref.left)
    if (rows, columns) != (1, 1):
        text += f":{address(ref.bottom, ref.right)}"
    return text if ref.sheet is own else f"{quoted(ref.sheet.name)}!{text}"


class Explanation:
    """A formula, or a part of one, with its value.

    Attributes:
        text: the part as it is written: a formula with ``=`` at the top, ``B2``, ``SUM(B2:B9)``.
        place: the cells that it names, as ``Sheet!A1``, empty where it names none.
        value: a number, text, truth value, error or None; for a range or an array its rows.
        known: whether the part has a value by itself; a variable of a LAMBDA has none.
        parts: the parts below it, in the order of the formula.
    """

    __slots__ = ("known", "parts", "place", "text", "value")

    def __init__(self, text: str, place: str, value: Any, known: bool, parts: list[Explanation]) -> None:
        self.text = text
        self.place = place
        self.value = value
        self.known = known
        self.parts = parts

    def __str__(self) -> str:
        return "\n".join(self._lines("", ""))

    def __repr__(self) -> str:
        return f"<Explanation {self.place or self.text} = {_shown(self.value)}>"

    def _lines(self, first: str, rest: str) -> list[str]:
        value = f" = {_shown(self.value)}" if self.known else ""
        name = f"{self.place}: {self.text}" if self.text.startswith("=") else self.text
        lines = [f"{first}{name}{value}"]
        for at, part in enumerate(self.parts):
            last = at == len(self.parts) - 1
            lines += part._lines(rest + ("└─ " if last else "├─ "), rest + ("   " if last else "│  "))
        return lines

    def to_dict(self) -> dict[str, Any]:
        """Return the tree as plain data, for JSON."""
        found: dict[str, Any] = {"text": self.text}
        if self.place:
            found["place"] = self.place
        if self.known:
            found["value"] = _plain(self.value)
        if self.parts:
            found["parts"] = [part.to_dict() for part in self.parts]
        return found


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [[_plain(one) for one in line] for line in value]
    return str(value) if isinstance(value, ExcelError) else value


def _shown(value: Any) -> str:
    if isinstance(value, list):
        flat = [one for line in value for one in line]
        shown = ", ".join(map(_shown, flat[:6])) + (", ..." if len(flat) > 6 else "")
        return f"{len(value)} × {len(value[0]) if value else 0} values: {shown}"
    if value is None:
        return "blank"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
    if isinstance(value, str) and not isinstance(value, ExcelError):
        return f'"{value}"' if len(value) <= 60 else f'"{value[:57]}..."'
    return str(value)


def _one_cell(session: Session, ref: str) -> tuple[SheetStore, int, int]:
    store, top, left, bottom, right = session.area(ref)
    if (top, left) != (bottom, right):
        raise SheetpropError(f"{ref!r}: is more than one cell; give one at a time")
    return store, top, left


def precedents(session: Session, ref: str) -> list[str]:
    """Return the cells and ranges that a cell's formula names; see `Book.precedents`."""
    store, row, column = _one_cell(session, ref)
    session.settled()
    found = formula_at(store, row, column)
    if found is None:
        return []
    family, top, left = found
    return [place_of(one) for one in named_areas(family.tree, session.space, store, top, left)]


def dependents_of(session: Session, ref: str, *, every: bool) -> list[str]:
    """Return the cells whose formulas name a cell of `ref`; see `Book.dependents`."""
    store, top, left, bottom, right = session.area(ref)
    if (bottom - top + 1) * (right - left + 1) > _AREA:
        raise SheetpropError(f"{ref!r}: is more than {_AREA:,} cells; give fewer")
    session.settled()
    space = session.space
    found = dependents(space, cells_in([Ref(store, top, left, bottom, right)]), all_of_them=every)
    return [f"{quoted(space.sheets[index].name)}!{address(row, column)}" for index, row, column in found]


def explain(session: Session, ref: str, depth: int) -> Explanation:
    """Return a cell's formula as a tree with the value of each part; see `Book.explain`."""
    if depth < 1:
        raise SheetpropError(f"explain: depth {depth} shows nothing; give 1 or more")
    store, row, column = _one_cell(session, ref)
    session.settled()
    return with_room(lambda: _Explainer(session).cell(store, row, column, depth))


class _Explainer:
    """Takes formulas apart; keeps count, so that a tree stays readable."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.left = _PARTS
        self.deep = 0

    def cell(self, sheet: SheetStore, row: int, column: int, depth: int) -> Explanation:
        """Explain a cell: by its formula where it has one."""
        place = place_of(Ref(sheet, row, column, row, column))
        value = sheet.get(row, column)
        found = formula_at(sheet, row, column)
        if found is None:
            return Explanation(place, place, value, True, [])
        family, top, left = found
        text = _readable(shown_formula(family.tree, top, left))
        if (top, left) != (row, column):
            text += f" (entered in {address(top, left)})"
        parts: list[Explanation] = []
        tree = family.tree
        if isinstance(tree, Call) and tree.name == "#UNREADABLE":
            return Explanation(text, place, value, True, [])
        context = Context(self.session.space, sheet, top, left)
        for child in _inner(tree):
            self.add(child, context, depth, parts)
        return Explanation(text, place, value, True, parts)

    def add(self, node: Node, context: Context, depth: int, parts: list[Explanation]) -> None:
        """Put a part of a formula into a list, unless it says nothing by itself."""
        if isinstance(node, Number | Text | Empty | Matrix) or (not node.children() and not isinstance(
                node, Cell | Area | Name)):
            return
        self.left -= 1
        if self.left < 0 or self.deep >= _DEEP:
            if self.left == -1 or self.left >= 0:
                parts.append(Explanation("... more parts, not shown", "", None, False, []))
            return
        self.deep += 1
        parts.append(self.part(node, context, depth))
        self.deep -= 1

    def part(self, node: Node, context: Context, depth: int) -> Explanation:
        """Explain a part of a formula."""
        text = _readable(formula_text(node, context.row, context.column))
        known, value, ref = self.value(node, context)
        place = place_of(ref) if ref is not None else ""
        below: list[Explanation] = []
        if ref is not None and depth > 1 and (ref.top, ref.left) == (ref.bottom, ref.right) and formula_at(
                ref.sheet, ref.top, ref.left) is not None:
            return self.cell(ref.sheet, ref.top, ref.left, depth - 1)
        if isinstance(node, Name) and place:
            text = f"{text} ({place})"
        for child in _inner(node) if not isinstance(node, Cell | Area | Name) else ():
            self.add(child, context, depth, below)
        return Explanation(text, place, value, known, below)

    def value(self, node: Node, context: Context) -> tuple[bool, Any, Ref | None]:
        """Return whether a part has a value by itself, the value, and the cells that it is."""
        if any(isinstance(one, Call) and one.name in CHANGING for one in node.walk()):
            return False, None, None  # it would be drawn anew
        try:
            found = operand_of(node)(context)
        except Raised as raised:
            return True, raised.error, None
        except (Unknown, RecursionError, KeyError, LookupError, AttributeError):
            return False, None, None
        if isinstance(found, Ref):
            single = (found.top, found.left) == (found.bottom, found.right)
            return True, found.single() if single else found.rows(), found
        if isinstance(found, Array):
            return True, found.lines, None
        if isinstance(found, Areas):
            return False, None, None
        if found is None or isinstance(found, float | str | bool | ExcelError):
            return True, found, None
        return False, None, None


def _readable(formula: str) -> str:
    """Return a formula as Excel shows it, without the prefixes that files have for newer functions."""
    return re.sub(r"_xl(?:fn|pm|ws|udf)\.", "", formula)


def _inner(node: Node) -> tuple[Node, ...]:
    """Return the parts of a formula that are shown below it: a lone wrapper is passed over."""
    children = node.children()
    if isinstance(node, Call) and node.name in ("#ARRAY", "#DYNAMIC"):
        return _inner(node.arguments[0]) or (node.arguments[0],)
    return children or ((node,) if isinstance(node, Cell | Area | Name) else ())


__all__ = ["Explanation", "explain", "precedents"]

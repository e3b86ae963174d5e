"""Formulas between a gradient and its weight: the update, and the velocity where there is one."""

from __future__ import annotations

from dataclasses import dataclass, field

from sheetprop.auditing.expressions import Expr, at, replaced, shifted
from sheetprop.auditing.grid import Place
from sheetprop.auditing.roles import Roles, Weight
from sheetprop.auditing.tables import Column

OWN, GRADIENT, VELOCITY, ITSELF = "own value", "own gradient", "own velocity", "itself"
MEMORIES = ("own memory 1", "own memory 2", "own memory 3", "own memory 4")
TOKENS = (OWN, GRADIENT, VELOCITY, ITSELF, *MEMORIES)


@dataclass
class Line:
    """One formula between a gradient and its weight.

    Attributes:
        weight: the weight.
        column: where the formula stands.
        formula: the formula, seen so that the weight's own value stands where the loss reads it.
        move: how many rows below that the formula stands.
        base: the row, in the same count, of what the formula calls its own.
        velocity: the velocity's column, or None.
        outline: the formula with what is the weight's own as such, to be compared between weights.
    """

    weight: Weight
    column: Column
    formula: Expr
    move: int
    base: int
    velocity: Column | None
    outline: Expr
    memories: dict[str, Column | None] = field(default_factory=dict)

    @property
    def written(self) -> Expr:
        """The formula as it stands in its own row."""
        return shifted(self.formula, -self.move)

    def own(self, outline: Expr) -> Expr | None:
        """Return another weight's outline as a formula of this weight; None where it lacks what that needs."""
        columns = {OWN: self.weight.column, GRADIENT: self.weight.gradient, VELOCITY: self.velocity, **self.memories}
        lacking = False

        def change(place: Place) -> Expr:
            nonlocal lacking
            if place[0] not in TOKENS:
                return at(place)
            column = columns.get(str(place[0]))
            lacking = lacking or column is None
            return at(place) if column is None else at((column.number, self.base + int(place[1])))

        found = replaced(outline, change)
        return None if lacking else found


def lines_of(roles: Roles, weight: Weight) -> list[Line]:
    """Return a weight's update and, where there is one, its velocity."""
    assert weight.update is not None
    fast = roles.velocity(weight)
    written, number = roles.written(weight)
    move = next((distance for distance in (-1, 0, 1, -2, 2) if shifted(weight.update, distance) is written), 0)
    found = [(roles.table.columns[number], weight.update, -move, weight.place[1])]
    if fast is not None and fast.expr is not None:
        found.append((fast, fast.expr, 0, 0))
    memories = dict(zip(MEMORIES, (roles.table.column(n) for n in roles.memory_of(weight)), strict=False))
    return [Line(weight, column, formula, move, base, fast, _outline(roles, weight, fast, formula, base), memories)
            for column, formula, move, base in found]


def _outline(roles: Roles, weight: Weight, velocity: Column | None, formula: Expr, base: int) -> Expr:
    forward = set(roles.forward) | {w.column.number for w in roles.weights}
    gradients = {w.gradient.number for w in roles.weights if w.gradient is not None}
    own = {column.number: token for token, column in ((VELOCITY, velocity), (GRADIENT, weight.gradient),
                                                      (OWN, weight.column)) if column is not None}
    own.update(dict(zip(roles.memory_of(weight), MEMORIES, strict=False)))

    def outline(expr: Expr, within: tuple[int, ...]) -> Expr:
        def change(place: Place) -> Expr:
            if len(place) == 3 or place == roles.stated_rate:
                return at(place)
            number, offset = int(place[0]), int(place[1])
            if number in own:
                return at((own[number], offset - base, 0))
            if number in within:
                return at((ITSELF, within.index(number), offset))
            column = roles.table.columns.get(number)
            if number in forward or number in gradients or column is None or column.expr is None:
                return at(place)
            return outline(shifted(column.expr, offset), (*within, number))

        return replaced(expr, change)

    return outline(formula, ())

"""Columns that claim to be derivatives, held against the derivative of the sheet's own formulas."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sheetprop.auditing.derivative import Graph
from sheetprop.auditing.expressions import Expr, evaluate, places
from sheetprop.auditing.grid import Place
from sheetprop.auditing.labels import gradient_of, plain
from sheetprop.auditing.points import Values, comparable, differs, random_rows
from sheetprop.auditing.roles import Roles
from sheetprop.auditing.tables import Column


@dataclass
class Claim:
    """A column that should be the derivative of `of` with respect to `wrt`.

    Attributes:
        column: the column.
        of: what is differentiated.
        wrt: with respect to what.
        said: whether a label says so (else the update's use of it).
        text: the claim in words.
        weight: whether `wrt` is a parameter.
    """

    column: Column
    of: Place
    wrt: Place
    said: bool
    text: str
    weight: bool
    signs: float = 1.0
    needs: set[int] = field(default_factory=set)

    @property
    def place(self) -> tuple[int, int]:
        """The claim's own place."""
        return (self.column.number, 0)


class Bench:
    """One network of a table with the points at which its formulas are compared."""

    def __init__(self, roles: Roles) -> None:
        self.roles = roles
        table = roles.table
        lowest = min([0, *(weight.place[1] for weight in roles.weights)])
        rows = random_rows(table, lowest)
        self.actual = Values(table, list(range(table.first - lowest, table.last + 1)))
        moving = set(roles.states) | {weight.column.number for weight in roles.weights}
        self.near = Values(table, rows, moving)
        self.far = Values(table, rows, "all")
        self._expected: dict[Any, Any] = {}

    def derivative(self, of: Place, wrt: Place, values: Values, graph: Graph | None = None) -> tuple[Any, Any]:
        """Return the derivative and the size of its terms at the points."""
        key = (of, id(values), id(graph))
        if key not in self._expected or graph is not None:
            given = values.given() if graph is not None else values
            graph_ = graph or self.roles.graph
            pair = (graph_.adjoints(of, given), graph_.adjoints(of, given, sizes=True))
            if graph is None:
                self._expected[key] = pair
        else:
            pair = self._expected[key]
        return pair[0].get(wrt, 0.0), pair[1].get(wrt, 0.0)

    def wrong(self, claim: Claim, values: Values, formula: Expr | None = None) -> Any:
        """Return where the claim (with another formula where one is given) differs from the derivative."""
        expected, size = self.derivative(claim.of, claim.wrt, values)
        if formula is None:
            found = self.roles.graph.run(claim.place, values)
        else:
            for place in places(formula):
                self.roles.graph.run(place, values)
            found = evaluate(formula, values)
        if comparable(found, expected) < min(4, len(values.rows)):
            return None
        return differs(found, claim.signs * expected, size)

    def right(self, claim: Claim, values: Values, formula: Expr | None = None) -> bool | None:
        """Return whether the claim holds at all points; None where it cannot be computed."""
        wrong = self.wrong(claim, values, formula)
        return None if wrong is None else not wrong.any()


def claims_of(bench: Bench) -> list[Claim]:
    """Return all claims of one network: gradients of weights, and labelled derivatives on the way to them."""
    roles = bench.roles
    found: list[Claim] = []
    taken: set[int] = set()
    every = {**roles.table.columns, **roles.table.constants}
    by_label: dict[str, list[int]] = {}
    for number, one in every.items():
        if one.label:
            by_label.setdefault(plain(one.label), []).append(number)
    for weight in roles.weights:
        if weight.gradient is None or weight.gradient.number not in roles.graph.formulas:
            continue
        column = weight.gradient
        of: Place = roles.goal
        if weight.said:
            numerator = (gradient_of(column.label) or ("", ""))[0]
            named = by_label.get(numerator, [])
            if numerator and numerator[-1].isdigit() and len(named) == 1 and named[0] in roles.forward:
                of = (named[0], 0)
        name = weight.column.label or weight.column.title
        total = every[int(of[0])].label or every[int(of[0])].title
        found.append(Claim(column, of, weight.place, weight.said, f"∂{_short(total)}/∂{_short(name)}", True))
        taken.add(column.number)
    for number in roles.table.columns:
        other = roles.table.columns[number]
        read = gradient_of(other.label) if other.label else None
        if number in taken or read is None or number not in roles.graph.formulas or number in roles.forward:
            continue
        wrt = by_label.get(read[1], [])
        named = by_label.get(read[0], [])
        if len(wrt) != 1 or wrt[0] not in roles.forward or wrt[0] == roles.goal[0]:
            continue
        if len(named) == 1 and named[0] in roles.forward:
            of = (named[0], 0)
        elif read[0][-1:].isdigit():
            continue
        else:
            of = roles.goal
        found.append(Claim(other, of, (wrt[0], 0), True, f"∂{_short(every[int(of[0])].label)}/∂"
                           f"{_short(every[wrt[0]].label)}", False))
        taken.add(number)
    for claim in found:
        claim.needs = {int(p[0]) for p in roles.graph.order(claim.place)
                       if len(p) == 2 and p[0] in roles.graph.formulas}
    found.sort(key=lambda claim: (len(claim.needs), claim.column.number))
    return found


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 24 else text[:23] + "…"


def settle_signs(bench: Bench, claims: list[Claim]) -> None:
    """Let columns hold the negative gradient where the update adds them, as some sheets do throughout."""
    roles = bench.roles
    negative = []
    for claim in claims:
        weight = next((w for w in roles.weights if claim.weight and w.place == claim.wrt), None)
        if weight is None or weight.update is None or claim.said:
            continue
        expected, size = bench.derivative(claim.of, claim.wrt, bench.near)
        found = roles.graph.run(claim.place, bench.near)
        if differs(found, expected, size).any() and not differs(found, -expected, size).any():
            negative.append(claim)
    if negative and len(negative) * 2 > sum(claim.weight for claim in claims):
        for claim in claims:
            if claim.weight:
                claim.signs = -1.0

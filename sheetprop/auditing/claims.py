"""Columns that claim to be derivatives, held against the derivative of the sheet's own formulas."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sheetprop.auditing.derivative import Graph
from sheetprop.auditing.expressions import Expr, evaluate, number, places
from sheetprop.auditing.grid import Place
from sheetprop.auditing.roles import Roles
from sheetprop.auditing.sample_points import Values, comparable, differs, random_rows
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
        formula: what stands in the column, seen from the loss's row.
        scale: what the derivative is multiplied by: 1, -1 where columns hold the negative, the rate where they hold
            the step.
        within: whether the column is the weight itself, whose update holds the derivative within it.
        shift: how many rows below the loss's row the formula stands.
        needs: the computed columns that it depends on.
    """

    column: Column
    of: Place
    wrt: Place
    said: bool
    text: str
    weight: bool
    formula: Expr
    scale: Expr = field(default_factory=lambda: number(1))
    within: bool = False
    shift: int = 0
    needs: set[int] = field(default_factory=set)

    @property
    def place(self) -> tuple[int, int]:
        """The claim's own place."""
        return (self.column.number, self.shift)

    def target(self, expected: Any, values: Values) -> Any:
        """Return what should stand there, given the derivative."""
        step = evaluate(self.scale, values) * expected
        return values[self.wrt] - step if self.within else step

    def found(self, graph: Graph, values: Values, formula: Expr | None = None) -> Any:
        """Return what stands there, or would stand there with another formula."""
        if formula is None and not self.within:
            return graph.run(self.place, values)
        formula = formula or self.formula
        for place in places(formula):
            graph.run(place, values)
        return evaluate(formula, values)


class Bench:
    """One network of a table with the points at which its formulas are compared."""

    def __init__(self, roles: Roles) -> None:
        self.roles = roles
        table = roles.table
        assert roles.loss is not None
        # Side by side tables may be of different length: the loss says which rows are this network's.
        lowest = min([0, *(weight.place[1] for weight in roles.weights)])
        first = max(table.first - lowest, min(roles.loss.first, table.first - lowest + 1))
        self.last = roles.loss.last
        rows = random_rows(first, self.last)
        self.actual = Values(table, list(range(first, self.last + 1)))
        moving = set(roles.states) | {weight.column.number for weight in roles.weights}
        self.near = Values(table, rows, moving)
        self.far = Values(table, rows, "all")
        self._expected: dict[Any, Any] = {}
        # Whether a repair has to hold at random constants too; the usual gradients of softmax take targets of sum 1.
        self.strict = True
        # Which weights' gradient columns hold exactly the derivative (1) or its negative (-1).
        self.signs: dict[int, float] = {}
        # What the formulas of columns with a finding should be, so that no row is filled from a wrong one.
        self.repaired: dict[int, Expr] = {}
        self.rule = ""  # the optimiser's name, where its rule is known
        self.settled: dict[Place, tuple[Any, Any]] = {}
        self.patience = 60_000  # how many edits may be tried, in all; a count, so that no clock decides

    @property
    def points(self) -> tuple[Values, ...]:
        """The values at which a repair has to hold."""
        return (self.near, self.far) if self.strict else (self.near,)

    def settle(self, place: Place, near: Any, far: Any) -> None:
        """Let a place have the value that belongs there, so that what reads it is judged by itself."""
        self.settled[place] = (near, far)
        for index, values in enumerate((self.near, self.far)):
            for known in [known for known in values if len(known) == 2 and known[0] in self.roles.graph.formulas]:
                del values[known]
            values.update({known: pair[index] for known, pair in self.settled.items()})

    def change(self, column: int, formula: Expr) -> None:
        """Let a column have another formula than it had."""
        self.roles.graph = self.roles.graph.with_formula(column, formula)
        for values in (self.near, self.far, self.actual):
            for place in [place for place in values if len(place) == 2 and place[0] in self.roles.graph.formulas]:
                del values[place]
        self._expected.clear()

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
        found = claim.found(self.roles.graph, values, formula)
        target = claim.target(expected, values)
        if comparable(found, target) < min(4, len(values.rows)):
            return None
        return differs(found, target, size)

    def right(self, claim: Claim, values: Values, formula: Expr | None = None) -> bool | None:
        """Return whether the claim holds at all points; None where it cannot be computed."""
        wrong = self.wrong(claim, values, formula)
        return None if wrong is None else not wrong.any()

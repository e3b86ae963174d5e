"""Columns that claim to be derivatives, held against the derivative of the sheet's own formulas."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from sheetprop.auditing.derivative import Graph
from sheetprop.auditing.expressions import Expr, at, evaluate, make, number, places, walk
from sheetprop.auditing.grid import Place
from sheetprop.auditing.labels import gradient_of, plain
from sheetprop.auditing.roles import Roles, beyond_velocity, trace_backward
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
        self.patience = 60_000  # how many edits may be tried, in all; a count, so that no clock decides

    @property
    def points(self) -> tuple[Values, ...]:
        """The values at which a repair has to hold."""
        return (self.near, self.far) if self.strict else (self.near,)

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


def settle_gradients(bench: Bench) -> None:
    """Give weights whose gradient neither a label nor their update tells the column that is their derivative."""
    roles = bench.roles
    # Updates that read the forward pass hold their gradient within them.
    without = [weight for weight in roles.weights if weight.gradient is None and weight.update is not None
               and not {place[0] for place in beyond_velocity(roles, weight)}.intersection(roles.forward)]
    taken = {weight.gradient.number for weight in roles.weights if weight.gradient is not None}
    own = {weight.place for weight in roles.weights}
    free = [n for n in roles.graph.formulas if n not in taken and n not in roles.forward
            and own & set(roles.graph.leaves((n, 0)))] if without else []
    for weight in without:
        fits = [n for n in free if _holds_derivative(bench, n, weight.place)]
        if len(fits) == 1:
            weight.gradient = roles.table.columns[fits[0]]
            free.remove(fits[0])
    if without:
        trace_backward(roles)


def _holds_derivative(bench: Bench, column: int, wrt: Place) -> bool:
    """Return whether a column is the loss's derivative, or the negative of it, wherever it is tried."""
    for values in (bench.near, bench.far):
        expected, size = bench.derivative(bench.roles.goal, wrt, values)
        found = bench.roles.graph.run((column, 0), values.given())
        if not (abs(expected) > 0).any() or not comparable(found, expected) \
                or differs(abs(found), abs(expected), size).any():
            return False
    return True


def claims_of(bench: Bench) -> list[Claim]:
    """Return all claims of one network: gradients of weights, and labelled derivatives on the way to them."""
    roles = bench.roles
    found: list[Claim] = []
    taken: set[int] = set()
    every = {**roles.table.columns, **roles.table.constants}
    by_label: dict[str, list[int]] = {}
    for column_, one in every.items():
        if one.label:
            by_label.setdefault(plain(one.label), []).append(column_)
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
        found.append(Claim(column, of, weight.place, weight.said, f"∂{_short(total)}/∂{_short(name)}", True,
                           roles.graph.formulas[column.number]))
        taken.add(column.number)
    for number_, other in roles.table.columns.items():
        read = gradient_of(other.label) if other.label else None
        if number_ in taken or read is None or number_ not in roles.graph.formulas or number_ in roles.forward:
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
                           f"{_short(every[wrt[0]].label)}", False, roles.graph.formulas[number_]))
        taken.add(number_)
    found += _within(bench)
    for claim in found:
        claim.needs = {int(p[0]) for read in places(claim.formula) for p in roles.graph.order(read)
                       if len(p) == 2 and p[0] in roles.graph.formulas}
    found.sort(key=lambda claim: (len(claim.needs), claim.column.number))
    return found


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 24 else text[:23] + "…"


def _within(bench: Bench) -> list[Claim]:
    """Return the claims of updates that hold their gradient within them, where one rate fits most of them."""
    roles = bench.roles
    own = {weight.place for weight in roles.weights}
    found: list[Claim] = []
    for weight in roles.weights:
        if weight.update is None or weight.gradient is not None:
            continue
        reads = places(weight.update)
        if any(len(p) == 2 and p[0] in roles.states and p not in own for p in reads) \
                or not any(len(p) == 2 and p[0] in roles.graph.formulas for p in reads):
            continue
        name = weight.column.label or weight.column.title
        found.append(Claim(weight.column, roles.goal, weight.place, False, f"the update of {_short(name)}", True,
                           weight.update, within=True, shift=weight.move))
    rate = _rate(bench, found)
    if rate is None:
        return []
    for claim in found:
        claim.scale = rate
    if rate.op == "n":
        roles.rate_value = rate.value
    elif rate.op == "v":
        roles.rate = rate.value
        held = roles.table.grid.fixed_value(rate.value) if len(rate.value) == 3 else None
        roles.rate_value = held if type(held) is float else None
    return found


def settle_scales(bench: Bench, claims: list[Claim]) -> None:
    """Let columns hold the negative gradient, or the step that the update adds, where the sheet does so throughout."""
    roles = bench.roles
    loose = []
    for claim in claims:
        weight = next((w for w in roles.weights if claim.weight and not claim.within and w.place == claim.wrt), None)
        if weight is None or weight.update is None or (claim.said and (gradient_of(claim.column.label) or ("", ""))[0]):
            continue
        # An update without a rate of its own takes what stands in the column as the step.
        if weight.update.op in ("+", "-") and all(arg.op == "v" for arg in weight.update.args):
            loose.append(claim)
        elif not claim.said:
            expected, size = bench.derivative(claim.of, claim.wrt, bench.near)
            found = claim.found(roles.graph, bench.near)
            if differs(found, expected, size).any() and not differs(found, -expected, size).any():
                loose.append(claim)
    if len(loose) * 2 > sum(claim.weight for claim in claims):
        scale = _rate(bench, loose)
        for claim in claims:
            if claim.weight and not claim.within and scale is not None:
                claim.scale = scale


def _rate(bench: Bench, claims: list[Claim]) -> Expr | None:
    """Return what most claims multiply their derivative by: a cell that the network does not read, or a number."""
    import numpy as np

    graph = bench.roles.graph
    ratios: Counter[float] = Counter()
    for claim in claims:
        expected, _ = bench.derivative(claim.of, claim.wrt, bench.near)
        found = claim.found(graph, bench.near)
        step = bench.near[claim.wrt] - found if claim.within else found
        ratio = np.asarray(np.divide(step, expected), dtype=float)
        ratio = ratio[np.isfinite(ratio)]
        if len(ratio) and ratio[0] and np.allclose(ratio, ratio[0], rtol=1e-7):
            ratios[float(f"{ratio[0]:.9g}")] += 1
    if not ratios or ratios.most_common(1)[0][1] * 2 < len(claims):
        return _common_rate(bench, claims, ratios)
    ratio_ = ratios.most_common(1)[0][0]
    stated = bench.roles.stated_rate
    if stated is not None:
        return at(stated) if ratio_ > 0 else make("neg", at(stated))
    forward = {place for n in bench.roles.forward for place in places(graph.formulas[n])}
    moving = {*graph.formulas, *bench.roles.states}
    cells = Counter(p for claim in claims for p in places(claim.formula) if p not in forward and p[0] not in moving)
    for place, _ in cells.most_common(2):
        held = np.asarray(bench.near[place], dtype=float)
        for sign in (1.0, -1.0):
            if np.allclose(held, sign * ratio_, rtol=1e-7):
                return at(place) if sign == 1.0 else make("neg", at(place))
    return number(ratio_)


def _common_rate(bench: Bench, claims: list[Claim], ratios: Counter[float]) -> Expr | None:
    """Return the rate where most derivatives are wrong: what all formulas share and the network does not read."""
    roles = bench.roles
    if not claims or any(claim.formula.op != "-" or claim.formula.args[0] is not at(claim.wrt) for claim in claims):
        return None
    forward = {place for n in roles.forward for place in places(roles.graph.formulas[n])}
    shared = set.intersection(*({p for p in places(claim.formula) if len(p) == 3} for claim in claims)) - forward
    if len(shared) == 1:
        return at(shared.pop())
    typed = set.intersection(*({n.value for n in walk(claim.formula) if n.op == "n"} for claim in claims))
    likely = [ratio for ratio, count in ratios.items() if ratio in typed and count > 1]
    return number(likely[0]) if len(likely) == 1 and not shared else None

"""Updates: each weight from its own value and its own gradient, all in one way."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sheetprop.auditing.causes import cause
from sheetprop.auditing.claims import Bench
from sheetprop.auditing.expressions import Expr, at, evaluate, places, replaced, shifted, show
from sheetprop.auditing.finding import Finding
from sheetprop.auditing.grid import Place
from sheetprop.auditing.points import Values, differs
from sheetprop.auditing.rates import rate_findings, walking_finding, walks
from sheetprop.auditing.repair import Repair
from sheetprop.auditing.roles import Roles, Weight

_OWN: Place = ("own value", 0, 0)
_GRADIENT: Place = ("own gradient", 0, 0)


def update_findings(bench: Bench, bad: set[int]) -> list[Finding]:
    """Return the findings about the updates of one network."""
    roles = bench.roles
    moving = [weight for weight in roles.weights if weight.update is not None]
    found = _frozen(roles)
    walking = [weight for weight in moving if walks(roles, weight)]
    if walking:
        found.append(walking_finding(roles, walking))
    steady = [weight for weight in moving if weight not in walking]
    outlines = {id(weight): _outline(roles, weight) for weight in steady}
    counts = Counter(outlines.values())
    common = counts.most_common(1)[0][0] if counts else None
    if common is not None and (counts[common] * 2 > len(steady) or len(counts) == 1):
        for weight in steady:
            if outlines[id(weight)] is not common:
                one = _different(bench, weight, common)
                if one is not None:
                    found.append(one)
        found += rate_findings(roles, [w for w in steady if outlines[id(w)] is common], common)
        found += _direction(bench, [w for w in steady if outlines[id(w)] is common], common, bad)
    elif common is not None:
        found += _undecided(bench, steady)
    return found


def _frozen(roles: Roles) -> list[Finding]:
    table = roles.table
    if not any(weight.update is not None for weight in roles.weights):
        return []
    return [Finding("update", table.grid.name, table.grid.span(table.first, table.last, weight.column.number),
                    weight.column.label,
                    "it holds numbers and is never updated, although a gradient is computed for it")
            for weight in roles.weights if weight.update is None and weight.gradient is not None]


def _outline(roles: Roles, weight: Weight) -> Expr:
    """Return the update with own value, own gradient and own velocity as such, to be compared between weights."""
    assert weight.update is not None
    forward = set(roles.forward) | {w.column.number for w in roles.weights}
    gradients = {w.gradient.number for w in roles.weights if w.gradient is not None}

    def outline(expr: Expr, within: tuple[int, ...]) -> Expr:
        def change(place: Place) -> Expr:
            if place == weight.place:
                return at(_OWN)
            if len(place) == 2:
                number, offset = int(place[0]), int(place[1])
                if weight.gradient is not None and number == weight.gradient.number:
                    return at(("own gradient", offset - weight.place[1], 0))
                if (number, 0) == roles.stated_rate:
                    return at(place)
                if number in within:
                    return at(("itself", within.index(number), offset))
                if number in forward or number in gradients or number in roles.table.constants:
                    return at(place)
                column = roles.table.columns.get(number)
                if column is not None and column.expr is not None:
                    return outline(shifted(column.expr, offset), (*within, number))
            return at(place)

        return replaced(expr, change)

    return outline(weight.update, ())


def _different(bench: Bench, weight: Weight, common: Expr) -> Finding | None:
    """Return the finding for a weight whose update is not made like the others'."""
    roles = bench.roles
    table = roles.table
    formula, number = roles.written(weight)
    assert weight.update is not None
    gradient = weight.gradient
    strange = any(p[0] in ("itself",) for p in places(common))
    right: Expr | None = None
    if not strange and (gradient is not None or not any(p[0] == "own gradient" for p in places(common))):
        def change(place: Place) -> Expr:
            if place == _OWN:
                return at(weight.place)
            if place[0] == "own gradient":
                assert gradient is not None
                return at((gradient.number, weight.place[1] + int(place[1])))
            return at(place)

        right = replaced(common, change)
        if any(len(p) == 2 and p[0] in roles.forward for p in places(common)):
            return None
        if _equal(bench, weight.update, right):
            return None
    elif gradient is None and not strange:
        return None
    if strange:
        formula, number = _velocity(roles, weight)
    row = table.columns[number].first
    move = _moved(formula, weight.update)
    expected = shifted(right, move) if right is not None else None
    repair = ""
    wrong = "its update is not made like those of the other weights"
    if expected is not None:
        one = Repair(table.columns[number], expected, [(formula, expected)])
        repair = one.text(table, row)
        wrong = "in its update " + cause(one, row, table)
    return Finding("update", table.grid.name, table.cells(number), weight.column.label, wrong,
                   computes="=" + show(formula, row, table.grid),
                   expected="=" + show(expected, row, table.grid) if expected is not None else "", repair=repair)


def _velocity(roles: Roles, weight: Weight) -> tuple[Expr, int]:
    """Return the velocity of a weight where that reads a gradient, else the weight's own update."""
    assert weight.update is not None
    gradients = {w.gradient.number for w in roles.weights if w.gradient is not None}
    for place in places(weight.update):
        column = roles.table.columns.get(int(place[0])) if len(place) == 2 else None
        if column is not None and column.expr is not None and column.number in roles.states and place != weight.place \
                and {p[0] for p in places(column.expr)} & gradients:
            read = {int(p[0]) for p in places(column.expr) if p[0] in gradients}
            if weight.gradient is None or weight.gradient.number not in read:
                return column.expr, column.number
    return roles.written(weight)


def _moved(formula: Expr, update: Expr) -> int:
    for distance in (-1, 0, 1, -2, 2):
        if shifted(update, distance) is formula:
            return distance
    return 0


def _equal(bench: Bench, one: Expr, two: Expr) -> bool:
    """Return whether two updates are the same function of what they read, tried at random values."""
    values = Values(bench.roles.table, bench.near.rows, "all", bench.far.leaves)
    given = {place: values[place] if len(place) == 2 else 0.37 + 0.01 * index
             for index, place in enumerate(dict.fromkeys([*places(one), *places(two)]))}
    return not differs(evaluate(one, given), evaluate(two, given), 1.0).any()


def _direction(bench: Bench, weights: list[Weight], common: Expr, bad: set[int]) -> list[Finding]:
    """Report updates that all go up the gradient; where gradients hold the negative, adding is right."""
    roles = bench.roles
    if any(p[0] not in ("own value", "own gradient") and len(p) == 2 and p[0] not in roles.table.constants
           for p in places(common)) or any(p[0] == "itself" for p in places(common)):
        return []
    inner = [p for p in places(common) if p[0] == "own gradient"]
    if len(inner) != 1 or not weights or weights[0].gradient is None:
        return []
    weight = weights[0]
    expected, size = bench.derivative(roles.goal, weight.place, bench.near)
    if weight.gradient is None or weight.gradient.number not in roles.graph.formulas or weight.gradient.number in bad:
        return []
    mine = bench.roles.graph.run((weight.gradient.number, 0), bench.near)
    if differs(mine, expected, size).any():
        return []
    given: dict[Any, Any] = dict.fromkeys(places(common), 0.5)
    low = evaluate(common, given)
    given[inner[0]] = 0.6
    if evaluate(common, given) <= low:
        return []
    table = roles.table
    numbers = [roles.written(one)[1] for one in weights]
    formula, number = roles.written(weight)
    return [Finding("update", table.grid.name, table.grid.merged(table.cells(n) for n in numbers), "updates",
                    "they add the gradient, so that the loss grows; it has to be subtracted",
                    computes="=" + show(formula, table.columns[number].first, table.grid))]


def _undecided(bench: Bench, weights: list[Weight]) -> list[Finding]:
    """No form is that of most weights: report only those that use another weight's gradient or value."""
    roles = bench.roles
    table = roles.table
    found: list[Finding] = []
    for weight in weights:
        assert weight.update is not None
        if weight.gradient is None or not weight.said:
            continue
        others = {w.gradient.number for w in roles.weights if w.gradient is not None and w is not weight}
        reads = {int(place[0]) for place in places(weight.update) if len(place) == 2}
        if reads & others and weight.gradient.number not in reads and len(reads & others) == 1:
            formula, number = roles.written(weight)
            wrong = next(iter(reads & others))
            row = table.columns[number].first
            new = replaced(formula, lambda p, a=wrong, b=weight.gradient.number: at((b, p[1])) if len(p) == 2  # type: ignore[misc]
                           and p[0] == a else at(p))
            found.append(Finding("update", table.grid.name, table.cells(number), weight.column.label,
                                 f"its update uses {table.columns[wrong].label} where {weight.gradient.label} belongs",
                                 computes="=" + show(formula, row, table.grid),
                                 expected="=" + show(new, row, table.grid),
                                 repair="replace the formula by =" + show(new, row, table.grid)))
    return found

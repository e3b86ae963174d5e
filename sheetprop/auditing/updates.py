"""Updates: each weight from its own value and its own gradient, all in one way."""

from __future__ import annotations

from collections import Counter

from sheetprop.auditing.causes import cause
from sheetprop.auditing.claims import Bench
from sheetprop.auditing.expressions import Expr, at, evaluate, places, replaced, shifted, show
from sheetprop.auditing.finding import Finding
from sheetprop.auditing.losses import maximised
from sheetprop.auditing.rates import rate_findings, walking_finding, walks
from sheetprop.auditing.repair import Repair
from sheetprop.auditing.roles import Roles, Weight
from sheetprop.auditing.rulecheck import rule_findings
from sheetprop.auditing.sample_points import Values, differs
from sheetprop.auditing.scales import slope_of_update
from sheetprop.auditing.update_path import GRADIENT, ITSELF, Line, lines_of


def update_findings(bench: Bench, bad: set[int], unchecked: list[str]) -> list[Finding]:
    """Return the findings about the updates of one network."""
    roles = bench.roles
    found = _frozen(roles)
    every = [lines_of(roles, weight) for weight in roles.weights if weight.update is not None]
    walking = [line for lines in every for line in lines if walks(roles, line)]
    if walking:
        found.append(walking_finding(bench, walking))
    steady = [lines for lines in every if not any(line in walking for line in lines)]
    counts = Counter(_outlines(lines) for lines in steady)
    if not counts:
        return found
    common, most = counts.most_common(1)[0]
    if most * 2 > len(steady) or len(counts) == 1:
        alike = [lines for lines in steady if _outlines(lines) == common]
        for lines in steady:
            if _outlines(lines) != common:
                found += _different(bench, lines, alike[0])
        found += rate_findings(roles, alike, alike=True)
        found += _direction(bench, alike, bad)
        if not found and not bad:
            broken, reasons, bench.rule = rule_findings(bench, [lines[0].weight for lines in alike])
            found += broken
            unchecked += reasons
    else:
        found += rate_findings(roles, steady, alike=False)
        found += _undecided(bench, [lines[0].weight for lines in steady])
    return found


def _outlines(lines: list[Line]) -> tuple[Expr, ...]:
    return tuple(line.outline for line in lines)


def _frozen(roles: Roles) -> list[Finding]:
    table = roles.table
    if not any(weight.update is not None for weight in roles.weights):
        return []
    return [Finding("update", table.grid.name, table.grid.span(table.first, table.last, weight.column.number),
                    weight.column.label,
                    "it holds numbers and is never updated, although a gradient is computed for it")
            for weight in roles.weights if weight.update is None and weight.gradient is not None]


def _different(bench: Bench, lines: list[Line], usual: list[Line]) -> list[Finding]:
    """Return the finding for a weight whose update, or velocity, is not made like the others'."""
    roles = bench.roles
    table = roles.table
    weight = lines[0].weight
    if len(lines) != len(usual):
        return [_unlike(roles, lines[0])]
    for line, other in zip(lines, usual, strict=True):
        if line.outline is other.outline:
            continue
        read = places(other.outline)
        right = line.own(other.outline)
        if right is None:
            if weight.gradient is None and not any(place[0] in (GRADIENT, ITSELF) for place in read):
                continue
            return [_unlike(roles, line)]
        if any(len(place) == 2 and place[0] in roles.forward for place in read) or _equal(bench, line.formula, right) \
                or _other_convention(bench, lines, usual):
            continue
        row = line.column.first
        old, new = line.written, shifted(right, -line.move)
        repair = Repair(line.column, new, [(old, new)])
        bench.repaired[line.column.number] = new
        return [Finding("update", table.grid.name, table.cells(line.column.number), line.column.label,
                        "in its update " + cause(repair, row, table), computes="=" + show(old, row, table.grid),
                        expected="=" + show(new, row, table.grid), repair=repair.text(table, row))]
    return []


def _other_convention(bench: Bench, lines: list[Line], usual: list[Line]) -> bool:
    """Return whether one weight adds a column with the negative gradient where another subtracts the gradient."""
    mine, other = (slope_of_update(bench.roles, one[0].weight) for one in (lines, usual))
    signs = [bench.signs.get(one[0].weight.column.number) for one in (lines, usual)]
    return None not in signs and signs[0] != signs[1] and mine == -other != 0.0


def _unlike(roles: Roles, line: Line) -> Finding:
    table = roles.table
    return Finding("update", table.grid.name, table.cells(line.column.number), line.column.label,
                   "its update is not made like those of the other weights",
                   computes="=" + show(line.written, line.column.first, table.grid))


def _equal(bench: Bench, one: Expr, two: Expr) -> bool:
    """Return whether two updates are the same function of what they read, tried at random values."""
    values = Values(bench.roles.table, bench.near.rows, "all", bench.far.leaves)
    given = {place: values[place] if len(place) == 2 else 0.37 + 0.01 * index
             for index, place in enumerate(dict.fromkeys([*places(one), *places(two)]))}
    return not differs(evaluate(one, given), evaluate(two, given), 1.0).any()


def _direction(bench: Bench, alike: list[list[Line]], bad: set[int]) -> list[Finding]:
    """Report updates that all go up the gradient of a loss that grows in the sheet's own rows.

    Whether columns hold the gradient or its negative is a convention; so is going up what is to be made large.
    """
    roles = bench.roles
    table = roles.table
    upward: list[list[Line]] = []
    for lines in alike:
        weight = lines[0].weight
        sign = bench.signs.get(weight.column.number)
        if sign is None or weight.gradient is None or weight.gradient.number in bad:
            continue
        if sign * slope_of_update(roles, weight) > 0:
            upward.append(lines)
    if not upward or len(upward) * 2 <= len(alike) or not _grows(bench):
        return []
    line = upward[0][0]
    negative = bench.signs[line.weight.column.number] < 0
    wrong = "they subtract the negative of the gradient, so that the loss grows; it has to be added" if negative else \
        "they add the gradient, so that the loss grows; it has to be subtracted"
    return [Finding("update", table.grid.name,
                    table.grid.merged(table.cells(lines[0].column.number) for lines in upward), "the updates", wrong,
                    computes="=" + show(line.written, line.column.first, table.grid))]


def _grows(bench: Bench) -> bool:
    """Return whether what should become small becomes larger from the first row to the last."""
    import numpy as np

    roles = bench.roles
    assert roles.loss is not None
    if maximised(roles):
        return False
    values = np.asarray(bench.roles.graph.run(roles.goal, bench.actual), dtype=float)
    fine = np.ravel(values)[np.isfinite(np.ravel(values))]
    return len(fine) >= 2 and bool(fine[-1] > fine[0] * (1 + 1e-9) + 1e-15)


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

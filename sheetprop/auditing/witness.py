"""Labels against structure: what a header says its column is, and what its formulas do."""

from __future__ import annotations

from sheetprop.auditing.claims import Bench, Claim
from sheetprop.auditing.expressions import places
from sheetprop.auditing.finding import Finding
from sheetprop.auditing.forward import unit_of
from sheetprop.auditing.grid import Place
from sheetprop.auditing.labels import kind_of
from sheetprop.auditing.roles import Roles, Weight
from sheetprop.auditing.sample_points import differs
from sheetprop.auditing.tables import Column


def label_findings(roles: Roles) -> list[Finding]:
    """Return the columns whose label says one thing and whose formulas another."""
    table = roles.table
    found: list[Finding] = []
    units = {n for n in roles.graph.formulas if unit_of(roles, n) is not None}
    for number in roles.forward:
        column = table.columns[number]
        formula = roles.graph.formulas[number]
        if kind_of(column.label)[0] not in ("weight", "bias") or formula.op in ("v", "*"):
            continue
        read = {place[0] for place in places(formula)}
        does = "weights other columns and adds them up" if number in units else \
            "is computed from a weighted sum, as an activation is" if len(read) == 1 and read <= units else ""
        if does:
            found.append(_finding(roles, column, f"it {does}; a weight does not"))
    for weight in roles.weights:
        kind = kind_of(weight.column.label)[0]
        if weight.update is not None and weight.gradient is not None and kind in ("activation", "gradient"):
            found.append(_finding(roles, weight.column, f"it is updated from {table.grid.line} to {table.grid.line} by "
                                  f"a gradient, as a weight is and no {kind} is"))
    return [*found, *_sums_and_activations(roles, units)]


def _finding(roles: Roles, column: Column, wrong: str) -> Finding:
    grid = roles.table.grid
    formula = grid.formula(column.last, column.number) or ""
    return Finding("label", grid.name, _header(roles, column), f"labelled {column.label!r}", wrong, computes=formula,
                   repair="correct the label")


def _header(roles: Roles, column: Column) -> str:
    return roles.table.grid.spell(column.header_row, column.number)


def _sums_and_activations(roles: Roles, units: set[int]) -> list[Finding]:
    """A sum and its activation whose labels are exchanged, where the other units' are not."""
    table = roles.table
    exchanged: list[tuple[Column, Column]] = []
    usual = 0
    for number in roles.forward:
        read = [place[0] for place in places(roles.graph.formulas[number])]
        if number in units or len(read) != 1 or read[0] not in units:
            continue
        after, before = table.columns[number], table.columns[int(read[0])]
        kinds = kind_of(before.label), kind_of(after.label)
        if kinds[0][1] != kinds[1][1]:
            continue
        if (kinds[0][0], kinds[1][0]) == ("activation", "sum"):
            exchanged.append((before, after))
        elif (kinds[0][0], kinds[1][0]) == ("sum", "activation"):
            usual += 1
    if len(exchanged) >= usual:
        return []
    return [Finding("label", table.grid.name, f"{_header(roles, before)},{_header(roles, after)}",
                    f"labelled {before.label!r} and {after.label!r}", "the first is the weighted sum, "
                    "the second its activation", repair="exchange the two labels")
            for before, after in exchanged]


def settle_labels(bench: Bench, failing: list[Claim]) -> tuple[list[Claim], list[Finding]]:
    """Return the claims that are wrong whatever their labels say, and findings about those whose label alone is wrong.

    A column that claims to be the gradient of one weight, is exactly that of another one, and is what
    the other one's update uses, is right; its label or the weights' labels are not. It becomes the
    gradient of the weight that it belongs to.
    """
    roles = bench.roles
    by_place: dict[Place, Weight] = {weight.place: weight for weight in roles.weights}
    moved: list[tuple[Claim, Weight]] = []
    for claim in failing:
        own = by_place.get(claim.wrt)
        if not claim.weight or not claim.said or claim.within or own is None \
                or claim.column.number in _fed_by(roles, own):
            continue
        for weight in roles.weights:
            if weight is not own and claim.column.number in _fed_by(roles, weight) and _is_of(bench, claim, weight):
                moved.append((claim, weight))
                break
    for claim, weight in moved:
        weight.gradient = claim.column
    for claim, _ in moved:
        own = by_place[claim.wrt]
        if own.gradient is claim.column:
            own.gradient = None
    left = [claim for claim in failing if all(claim is not one for one, _ in moved)]
    return left, [_moved_finding(roles, moved)] if moved else []


def _fed_by(roles: Roles, weight: Weight) -> set[int]:
    """Return the computed columns that a weight's update reads, also through its velocity."""
    weights = {w.column.number for w in roles.weights}
    seen: set[int] = set()
    stack = [int(p[0]) for p in places(weight.update) if len(p) == 2] if weight.update is not None else []
    while stack:
        one = stack.pop()
        column = roles.table.columns.get(one)
        if one in seen or one in weights or column is None or column.expr is None:
            continue
        seen.add(one)
        if one in roles.states:
            stack += [int(p[0]) for p in places(column.expr) if len(p) == 2]
    return seen


def _is_of(bench: Bench, claim: Claim, weight: Weight) -> bool:
    for values in bench.points:
        fresh = values.given()
        expected, size = bench.derivative(claim.of, weight.place, values)
        if differs(claim.found(bench.roles.graph, fresh), claim.target(expected, fresh), size).any():
            return False
    return True


def _moved_finding(roles: Roles, moved: list[tuple[Claim, Weight]]) -> Finding:
    cells = [_header(roles, claim.column) for claim, _ in moved]
    weights = [_header(roles, weight.column) for _, weight in moved if weight.column.header_row]
    said = "; ".join(f"{_header(roles, claim.column)} says {claim.column.label!r}, but the {roles.table.grid.file_} is "
                     f"the gradient of {weight.column.label or weight.column.title} and updates it"
                     for claim, weight in moved)
    return Finding("label", roles.table.grid.name, ",".join([*cells, *weights]), "",
                   f"the labels do not fit the formulas: {said}",
                   repair=f"exchange the labels {' and '.join(cells)}"
                   + (f", or those of the weights, {' and '.join(sorted(weights))}" if weights else ""))

"""Which columns claim to be derivatives: by their labels, else by what the updates make of them."""

from __future__ import annotations

from sheetprop.auditing.claims import Bench, Claim
from sheetprop.auditing.derivative import Graph
from sheetprop.auditing.expressions import places
from sheetprop.auditing.grid import Place
from sheetprop.auditing.labels import gradient_of, plain
from sheetprop.auditing.roles import beyond_velocity, trace_backward
from sheetprop.auditing.sample_points import comparable, differs
from sheetprop.auditing.scales import rate_of


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
    found += _of_samples(bench, found)
    for claim in found:
        claim.needs = {int(p[0]) for read in places(claim.formula) for p in roles.graph.order(read)
                       if len(p) == 2 and p[0] in roles.graph.formulas}
    found.sort(key=lambda claim: (len(claim.needs), claim.column.number))
    return found


def _of_samples(bench: Bench, claims: list[Claim]) -> list[Claim]:
    """Return the claims of single samples, whose gradients a sum or mean puts together as their losses are.

    Only where some of them are right, so that they are known to be what they are taken for.
    """
    roles = bench.roles
    if not roles.cellwise:
        return []
    formulas = roles.graph.formulas
    losses = _parts(roles.graph, roles.goal)
    if len(losses) < 2:
        return []
    result: list[Claim] = []
    for claim in claims:
        if not claim.weight or claim.within or claim.of != roles.goal:
            continue
        parts = _parts(roles.graph, claim.place)
        if len(parts) != len(losses):
            continue
        name = claim.text.split("/∂")[-1]
        mine = [Claim(roles.table.columns[int(part[0])], loss, claim.wrt, False,
                      f"∂{_short(roles.table.columns[int(loss[0])].label or 'loss')}/∂{name} of one sample", False,
                      formulas[int(part[0])]) for part, loss in zip(parts, losses, strict=True)]
        if any(bench.right(one, bench.near) for one in mine):
            result += mine
    return result


def _parts(graph: Graph, place: Place) -> list[Place]:
    """Return the computed cells that a sum or mean adds up; empty where it is no plain one."""
    formula = graph.formula(place)
    while formula is not None and formula.op == "/" and formula.args[1].op == "n":
        formula = formula.args[0]
    found: list[Place] = []
    stack = [formula] if formula is not None and formula.op == "+" else []
    while stack:
        one = stack.pop()
        if one.op == "+":
            stack += [one.args[1], one.args[0]]
        elif one.op == "v" and graph.formula(one.value) is not None:
            found.append(one.value)
        else:
            return []
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
        column = roles.table.columns[roles.written(weight)[1]] if roles.cellwise else weight.column
        found.append(Claim(column, roles.goal, weight.place, False, f"the update of {_short(name)}", True,
                           weight.update, within=True, shift=weight.move))
    rate = rate_of(bench, found)
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

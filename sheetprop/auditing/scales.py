"""What gradient columns hold by convention: the derivative, its negative, or the step that the update adds."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sheetprop.auditing.claims import Bench, Claim
from sheetprop.auditing.derivative import backward
from sheetprop.auditing.expressions import Expr, at, make, number, places, walk
from sheetprop.auditing.grid import Place
from sheetprop.auditing.labels import gradient_of
from sheetprop.auditing.roles import Roles, Weight
from sheetprop.auditing.sample_points import differs
from sheetprop.auditing.update_path import GRADIENT, VELOCITY, lines_of


def slope_of_update(roles: Roles, weight: Weight) -> float:
    """Return how far a weight moves for a little more in its gradient's column, the sign of which is what counts.

    0 where that cannot be told.
    """
    if weight.update is None or weight.gradient is None:
        return 0.0
    total = 1.0
    for line in lines_of(roles, weight):
        read = places(line.outline)
        here: dict[Any, Any] = {}
        values = {place: _held(roles, place, 0.6 + 0.01 * index) for index, place in enumerate(read)}
        backward(line.outline, values, 1.0, here, False)
        straight = sum(float(slope) for place, slope in here.items() if place[0] == GRADIENT)
        if straight:
            return total * straight
        total *= sum(float(slope) for place, slope in here.items() if place[0] == VELOCITY)
    return 0.0


def _held(roles: Roles, place: Any, otherwise: float) -> float:
    """Return the number in a fixed cell, such as the learning rate, whose sign matters; else a positive one."""
    held = roles.table.grid.fixed_value(place) if len(place) == 3 and isinstance(place[0], str) \
        and place[0] in roles.table.grid.book else None
    return held if type(held) is float and held else otherwise


def settle_scales(bench: Bench, claims: list[Claim]) -> None:
    """Let columns hold the negative gradient, or the step that the update adds, where the update takes them as such.

    A column whose negative is the derivative and which the update adds is a step (Δw, -∂E/∂w, ascent): a
    convention, not a mistake. A column that is neither is held against what its update makes of it.
    """
    roles = bench.roles
    loose: list[Claim] = []
    owners: dict[Place, Weight] = {weight.place: weight for weight in roles.weights}
    mine = [claim for claim in claims if claim.weight and not claim.within and claim.wrt in owners]
    signs: dict[int, float] = {}
    for claim in mine:
        weight = owners[claim.wrt]
        if weight.update is not None and weight.update.op in ("+", "-") \
                and all(arg.op == "v" for arg in weight.update.args) and not _names_a_loss(claim):
            # An update without a rate of its own takes what stands in the column as the step.
            loose.append(claim)
            continue
        expected, size = bench.derivative(claim.of, claim.wrt, bench.near)
        found = claim.found(roles.graph, bench.near)
        if not differs(found, expected, size).any():
            signs[id(claim)] = 1.0
        elif not differs(found, -expected, size).any():
            signs[id(claim)] = -1.0
    if len(loose) * 2 > sum(claim.weight for claim in claims):
        scale = rate_of(bench, loose)
        for claim in loose:
            claim.scale = scale if scale is not None else claim.scale
    counts = Counter(signs.values())
    for claim in mine:
        if claim in loose:
            continue
        adds = slope_of_update(roles, owners[claim.wrt]) > 0
        # One that is neither follows the others; alone, what its update does with it.
        sign = signs.get(id(claim)) or (1.0 if counts[1.0] > counts[-1.0] or not adds else -1.0)
        if id(claim) in signs:
            bench.signs[owners[claim.wrt].column.number] = signs[id(claim)]
        if sign < 0 and (adds or _says_negative(claim) or counts[1.0] == 0 < counts[-1.0]):
            # Where every column holds the negative and is subtracted the mistake is the update's, not each column's.
            claim.scale = number(-1)
            claim.text = f"-{claim.text}"


def _names_a_loss(claim: Claim) -> bool:
    return claim.said and bool((gradient_of(claim.column.label) or ("", ""))[0])


def _says_negative(claim: Claim) -> bool:
    return claim.column.label.lstrip().startswith(("-", "\u2212", "\u2013"))


def rate_of(bench: Bench, claims: list[Claim]) -> Expr | None:
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
    import numpy as np

    roles = bench.roles
    if not claims:
        return None
    forward = {place for n in roles.forward for place in places(roles.graph.formulas[n])}
    shared = set.intersection(*(set(places(claim.formula)) for claim in claims)) - forward
    typed = set.intersection(*({n.value for n in walk(claim.formula) if n.op == "n"} for claim in claims)) - {1.0, 2.0}
    # A step that is right by the number, or by the cell, that all steps are multiplied by.
    for ratio, count in ratios.most_common():
        if abs(ratio) in typed and (count > 1 or not claims[0].within):
            return number(ratio)
        for place in sorted(shared, key=repr):
            held = _held(roles, place, 0.0) if len(place) == 3 else bench.near[place] if place[0] in \
                roles.table.constants else 0.0
            if (np.ndim(held) == 0 and abs(float(held)) == abs(ratio)) or (np.ndim(held) and np.allclose(
                    np.abs(held), abs(ratio), rtol=1e-7)):
                return at(place) if ratio > 0 else make("neg", at(place))
    if any(claim.formula.op != "-" or claim.formula.args[0] is not at(claim.wrt) for claim in claims):
        return None
    fixed = {place for place in shared if len(place) == 3 or roles.cellwise}
    return at(fixed.pop()) if len(fixed) == 1 else None

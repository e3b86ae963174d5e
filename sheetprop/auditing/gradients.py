"""Findings about gradients: what differs from the derivative, since when, by what cause."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sheetprop.auditing.activations import activation_oddities
from sheetprop.auditing.causes import cause, leaves
from sheetprop.auditing.claimed import claims_of, settle_gradients
from sheetprop.auditing.claims import Bench, Claim
from sheetprop.auditing.edits import shapes, swaps
from sheetprop.auditing.expressions import Expr, evaluate, places, shifted, show
from sheetprop.auditing.families import Families
from sheetprop.auditing.finding import Finding
from sheetprop.auditing.forward import Oddity, oddities, settled
from sheetprop.auditing.losses import looks_like_loss
from sheetprop.auditing.repair import (
    Kinds,
    Repair,
    explains,
    own_repair,
    pair_repair,
    shared_repair,
    simple_repair,
    written_derivative,
)
from sheetprop.auditing.sample_points import comparable, differs
from sheetprop.auditing.scales import settle_scales
from sheetprop.auditing.unseen import why_unseen
from sheetprop.auditing.witness import label_findings, settle_labels

_LATENT = " (latent: right on these rows, wrong at other values)"


def gradient_findings(bench: Bench, notes: list[str], unchecked: list[str]) -> tuple[list[Finding], int, set[int]]:
    """Return the findings about one network's gradients and forward formulas, how many claims were checked,
    and the columns that are known to be wrong."""
    roles = bench.roles
    table = roles.table
    settle_gradients(bench)
    claims = claims_of(bench)
    unchecked += _unclaimed(bench, claims)
    claims = _seen_through(bench, claims, unchecked)
    settle_scales(bench, claims)
    kinds = Kinds(bench)
    failing: list[Claim] = []
    latent: list[Claim] = []
    holding: list[Claim] = []
    odd: list[Finding] = []
    checked = 0
    bad_columns: set[int] = set()
    for claim in claims:
        families = Families(bench, claim)
        near = bench.right(claim, bench.near)
        if near is None:
            unchecked.append(f"{table.grid.name}!{table.cells(claim.column.number)}: {claim.text} cannot be computed "
                             "at random values")
            continue
        checked += 1
        if near:
            if bench.right(claim, bench.far) is False:
                latent.append(claim)
            holding.append(claim)
            odd += families.findings(kinds)
            continue
        if _quotient(bench, claim):
            notes.append(f"{table.grid.name}!{table.cells(claim.column.number)}: {claim.text} is estimated by a "
                         "difference quotient; close to the derivative, not audited further")
            holding.append(claim)
            continue
        failing.append(claim)
        if not claim.within:
            bench.settle(claim.place, *(claim.target(bench.derivative(claim.of, claim.wrt, values)[0], values)
                                        for values in (bench.near, bench.far)))
    bench.strict = 2 * len(latent) < max(1, len(holding))
    found: list[Finding] = []
    if not roles.cellwise:
        failing, found = settle_labels(bench, failing)
    found += odd if roles.cellwise else [*odd, *label_findings(roles)]
    failing, latent = _by_forward(bench, failing, holding, latent, found, bad_columns)
    siblings = [claim.formula for claim in claims]
    simple: dict[int, Repair | None] = {}
    if 1 <= len(failing) <= 0.5 * len(claims):
        simple = {claim.column.number: simple_repair(bench, kinds, claim) for claim in failing}
    if not simple or None in simple.values():
        failing = _by_onecause(bench, kinds, failing, holding, found, bad_columns)
    for claim in failing:
        repair = simple.get(claim.column.number) or own_repair(bench, kinds, claim, siblings,
                                                                         [one.formula for one in holding if one.weight])
        bad_columns.add(claim.column.number)
        found.append(_finding(bench, claim, repair, holding))
    for claim in latent:
        one = _latent(bench, kinds, claim)
        if one is not None:
            found.append(one)
    return found, checked, bad_columns


def _unclaimed(bench: Bench, claims: list[Claim]) -> list[str]:
    """Return a note about weights that are updated, but by nothing that could be told to be their gradient."""
    known = {claim.wrt for claim in claims if claim.weight}
    left = [weight.column.label or weight.column.title for weight in bench.roles.weights
            if weight.update is not None and weight.place not in known]
    return [f"{bench.roles.table.name}: the gradient of {_listed(left)} was not found"] if left else []


def _seen_through(bench: Bench, claims: list[Claim], unchecked: list[str]) -> list[Claim]:
    """Return the claims whose loss is seen through to every output; say of the others why they are not checked."""
    roles = bench.roles
    reasons = {of: why_unseen(roles, of) for of in {claim.of for claim in claims}}
    for reason in dict.fromkeys(reason for reason in reasons.values() if reason):
        names = [claim.text for claim in claims if reasons[claim.of] == reason]
        unchecked.append(f"{roles.table.name}: {_listed(names)}, because {reason}")
    return [claim for claim in claims if not reasons[claim.of]]


def _listed(names: list[str]) -> str:
    """Return names for a sentence: all of four, three of more."""
    return ", ".join(names) if len(names) <= 4 else f"{', '.join(names[:3])} and {len(names) - 3} more"


def _quotient(bench: Bench, claim: Claim) -> bool:
    """Return whether a column estimates the derivative by a difference of losses."""
    import numpy as np

    if claim.formula.op != "/" or bench.roles.goal[0] not in claim.needs:
        return False
    expected, _ = bench.derivative(claim.of, claim.wrt, bench.actual)
    found = claim.found(bench.roles.graph, bench.actual)
    return bool(np.all(np.abs(np.asarray(found - expected)) <= 0.05 * np.abs(expected) + 1e-3))


def _by_forward(bench: Bench, failing: list[Claim], holding: list[Claim], latent: list[Claim], found: list[Finding],
                bad: set[int]) -> tuple[list[Claim], list[Claim]]:
    """Report forward columns that do not fit; return the failing and the latent claims that they do not explain."""
    roles = bench.roles
    reported: set[int] = set()
    odd_ones = settled([*activation_oddities(roles), *oddities(roles)])
    if roles.cellwise:
        # Labels of single cells are weaker, and windows and batches look odd: only as a cause of something else.
        odd_ones = [replace(odd, sure=False) for odd in odd_ones]
    # Of several ways to put one column right the one that settles the gradients.
    best: dict[int, Oddity] = {}
    for odd in odd_ones if failing else ():
        if odd.sure and odd.column.number not in best and explains(
                bench, roles.graph.with_formula(odd.column.number, odd.formula), failing, []):
            best[odd.column.number] = odd
    odd_ones = [odd for odd in odd_ones if best.get(odd.column.number, odd) is odd]
    for odd in odd_ones:
        if odd.column.number in reported:
            continue
        if not odd.sure and not failing:
            continue
        graph = roles.graph.with_formula(odd.column.number, odd.formula)
        settles = bool(failing) and explains(bench, graph, failing, [])
        if not odd.sure and not (settles and explains(bench, graph, failing, holding)):
            continue
        reported.add(odd.column.number)
        bad.add(odd.column.number)
        repair = Repair(odd.column, odd.formula, [(roles.graph.formulas[odd.column.number], odd.formula)])
        found.append(_forward_finding(bench, repair, odd.wrong, failing if settles else []))
        if settles:
            failing = []
        else:
            failing = [claim for claim in failing if not explains(bench, graph, [claim], [])]
        latent = [claim for claim in latent if not explains(bench, graph, [claim], [])]
    return failing, latent


def _by_onecause(bench: Bench, kinds: Kinds, failing: list[Claim], holding: list[Claim], found: list[Finding],
                  bad: set[int]) -> list[Claim]:
    """Look for one formula on the way that makes all failing claims right at once."""
    roles = bench.roles
    if len(failing) < 2:
        return failing
    own = {claim.column.number for claim in (*failing, *holding)}
    shared = set.intersection(*(claim.needs for claim in failing)) - own - set(roles.forward)
    lossy = [n for n in roles.forward if looks_like_loss(n, roles.graph.formulas)]
    pair = pair_repair(bench, failing, holding, lossy) if not holding else []
    if pair:
        for repair in pair:
            found.append(_forward_finding(bench, repair, "the gradients are those of another formula", failing))
            bad.add(repair.column.number)
        return []
    backward = [n for n in sorted(shared) if n not in roles.states]
    middle = [n for n in reversed(roles.forward) if n not in lossy]
    one = shared_repair(bench, kinds, failing, holding, [*lossy, *backward, *middle])
    alone = [n for n in backward if not any(n in claim.needs for claim in holding)]
    if one is None and len(alone) == 1:
        column = roles.table.columns[alone[0]]
        found.append(Finding("gradient", roles.table.grid.name, roles.table.cells(column.number), column.label,
                             f"the gradients that need it are wrong: {_listed([claim.text for claim in failing])}",
                             computes="=" + show(roles.graph.formulas[column.number], column.first,
                                                 roles.table.grid)))
        bad.add(column.number)
        return []
    if one is not None:
        found.append(_forward_finding(bench, one, "the gradients that need it are wrong", failing))
        bad.add(one.column.number)
        return []
    return failing


def _forward_finding(bench: Bench, repair: Repair, wrong: str, explained: list[Claim]) -> Finding:
    table = bench.roles.table
    column = repair.column
    row = column.first
    if explained:
        wrong += f" (with the repair {_listed([claim.text for claim in explained])} " \
            f"{'agrees' if len(explained) == 1 else 'agree'} with the derivative)"
    rows, count, worst = _off(bench, column.number, repair.formula)
    if not count and rows:
        wrong += _LATENT
    formula = bench.roles.graph.formulas[column.number]
    bench.repaired[column.number] = repair.formula
    finding = Finding("forward", table.grid.name, table.cells(column.number), column.label, wrong,
                      computes="=" + show(formula, row, table.grid),
                      expected="=" + show(repair.formula, row, table.grid), repair=repair.text(table, row),
                      rows_wrong=count, rows=rows)
    if worst is not None:
        finding.worst_cell, finding.found_value, finding.right_value = worst
    return finding


def _off(bench: Bench, number: int, formula: Expr) -> tuple[int, int, tuple[str, float, float] | None]:
    values = bench.actual
    found = bench.roles.graph.run((number, 0), values)
    for place in places(formula):
        bench.roles.graph.run(place, values)
    return _worst(bench, (number, 0), found, evaluate(formula, values), 1.0)


def _worst(bench: Bench, place: tuple[int, int], found: Any, expected: Any, size: Any,
           ) -> tuple[int, int, tuple[str, float, float] | None]:
    import numpy as np

    number, shift = place
    rows = [row + shift for row in bench.actual.rows]
    inside = np.array(rows) <= bench.last
    found = np.broadcast_to(np.asarray(found, dtype=float), (len(rows),))
    expected = np.where(inside, np.asarray(expected, dtype=float), np.nan)
    wrong = differs(found, expected, size, rel=1e-6, least=1e-11)
    count = int(wrong.sum())
    if not count:
        return comparable(found, expected), 0, None
    gap = np.where(wrong, np.abs(found - expected), -1.0)
    index = int(np.argmax(gap))
    worst = (bench.roles.table.grid.spell(rows[index], number), float(found[index]), float(expected[index]))
    return comparable(found, expected), count, worst


def _finding(bench: Bench, claim: Claim, repair: Repair | None, holding: list[Claim]) -> Finding:
    roles = bench.roles
    table = roles.table
    expected, size = bench.derivative(claim.of, claim.wrt, bench.actual)
    values = bench.actual
    rows, count, worst = _worst(bench, claim.place, claim.found(roles.graph, values), claim.target(expected, values),
                                size)
    formula = shifted(claim.formula, -claim.shift)
    repair = repair.moved(-claim.shift) if repair is not None else None
    written = written_derivative(bench, claim) if repair is None else None
    row = claim.column.first
    wrong = cause(repair, row, table) if repair is not None else \
        "it is not the derivative of the sheet's own loss" if written is not None else \
        "it is not the derivative of the sheet's own loss, and no small edit was found that makes it so"
    other = _is_another(bench, claim, [c for c in holding if c.weight])
    if other is not None and (repair is None or len(repair.steps) > 1):
        wrong = f"it computes {other.text}"
    if not count and rows:
        wrong += _LATENT
    kind = "latent" if rows and not count else "update" if claim.within else "gradient"
    finding = Finding(kind, table.grid.name, table.cells(claim.column.number),
                      claim.text, wrong, computes="=" + show(formula, row, table.grid),
                      rows_wrong=count, rows=rows)
    right = repair.formula if repair is not None else written
    if not claim.within and right is not None:
        bench.repaired[claim.column.number] = right
    if repair is not None:
        finding.expected, finding.repair = "=" + show(repair.formula, row, table.grid), repair.text(table, row)
    elif written is not None:
        finding.expected = "=" + show(shifted(written, -claim.shift), row, table.grid)
        finding.repair = f"replace the formula by {finding.expected}"
    if worst is not None:
        finding.worst_cell, finding.found_value, finding.right_value = worst
    return finding


def _is_another(bench: Bench, claim: Claim, holding: list[Claim]) -> Claim | None:
    for other in holding:
        expected, size = bench.derivative(other.of, other.wrt, bench.near)
        mine = claim.found(bench.roles.graph, bench.near.given())
        if not differs(mine, expected, size).any():
            return other
    return None


def _latent(bench: Bench, kinds: Kinds, claim: Claim) -> Finding | None:
    """Return a finding where a constant stands for another one of the same value in these rows, or ABS for a sign."""
    roles = bench.roles
    table = roles.table
    formula = claim.formula
    for edit in shapes(formula):
        if edit[1].op == "ABS" and bench.right(claim, bench.far, edit[0]) and bench.right(claim, bench.near, edit[0]):
            return _finding(bench, claim, Repair(claim.column, edit[0], [(edit[1], edit[2])]), [])
    for edit in swaps(formula, lambda place: kinds.like(place) if place in kinds.groups[2] else []):
        if bench.right(claim, bench.far, edit[0]) and bench.right(claim, bench.near, edit[0]):
            gone = [n for n in leaves(edit[1]) if n not in leaves(edit[2])] or leaves(edit[1])
            come = [n for n in leaves(edit[2]) if n not in leaves(edit[1])] or leaves(edit[2])
            labels = []
            for node in (gone[0], come[0]):
                column = table.column(int(node.value[0])) if len(node.value) == 2 else None
                labels.append(column.label if column is not None else "")
            if not labels[0] or not labels[1] or labels[0] == labels[1]:
                return None
            repair = Repair(claim.column, edit[0], [(edit[1], edit[2])])
            return _finding(bench, claim, repair, [])
    return None

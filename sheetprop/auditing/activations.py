"""Activations: each of its own unit's sum, and the function that the units beside it have."""

from __future__ import annotations

from collections import Counter

from sheetprop.auditing.expressions import at, make, number, places
from sheetprop.auditing.forward import Oddity, Unit, exchanged, index_of, unit_of
from sheetprop.auditing.grid import Place
from sheetprop.auditing.roles import Roles

TOKEN: Place = ("its sum", 0, 0)
_USUAL = (make("/", number(1), make("+", number(1), make("EXP", make("neg", at(TOKEN))))), make("TANH", at(TOKEN)),
          make("MAX", number(0), at(TOKEN)))


def activation_oddities(roles: Roles) -> list[Oddity]:
    """Return the activations that read the sum of another unit, or are not the function of the units beside them."""
    # A sum that nobody reads is no part of the forward pass found; look among all columns.
    every = {m: unit for m in roles.graph.formulas if (unit := unit_of(roles, m)) is not None}
    reads: dict[int, Place] = {}
    for n in roles.graph.formulas:
        found = places(roles.graph.formulas[n])
        if n not in every and len(found) == 1 and found[0][0] in every:
            reads[n] = found[0]
    unread = [m for m in every if m not in {place[0] for place in reads.values()}]
    twice = {place for place, count in Counter(reads.values()).items() if count > 1}
    result: list[Oddity] = []
    for n, place in reads.items():
        if n not in roles.forward:
            continue
        kind, index = index_of(roles, (n, 0))
        said = index_of(roles, place)
        target: int | None = None
        sure = False
        if kind == "activation" and index and said[0] == "sum" and said[1] != index:
            named = [m for m in every if index_of(roles, (m, 0)) == ("sum", index)]
            if len(named) == 1 and (not _same_order(roles, reads, every)):
                target, sure = named[0], True
            elif len(named) > 1:
                # Side by side tables repeat their labels: the one that nobody reads.
                named = [m for m in named if m in unread]
                if len(named) == 1:
                    target, sure = named[0], True
        elif kind != "activation" and place in twice and len(unread) == 1:
            others = [m for m, p in reads.items() if p == place and m != n]
            # The one that stands nearer to the sum that nobody reads.
            if others and abs(n - unread[0]) < min(abs(m - unread[0]) for m in others):
                target, sure = unread[0], True
        if target is not None and target != place[0]:
            column = roles.table.columns[n]
            new = exchanged(roles.graph.formulas[n], place, (target, 0))
            result.append(Oddity(column, new, "it reads the sum of another unit", sure))
    return [*result, *_other_functions(roles, reads)]


def _other_functions(roles: Roles, reads: dict[int, Place]) -> list[Oddity]:
    """Activations that are another function than others, or a copy of their sum: a cause, not yet a finding."""
    forms = {n: exchanged(roles.graph.formulas[n], place, TOKEN) for n, place in reads.items()
             if n in roles.forward and n != roles.goal[0]}
    known = [form for form in dict.fromkeys(forms.values()) if form.op != "v"]
    result: list[Oddity] = []
    for n, own in forms.items():
        wrong = "the activation is missing: it is a copy of the sum" if own.op == "v" else \
            "it is another function than the activations beside it"
        result += [Oddity(roles.table.columns[n], exchanged(form, TOKEN, reads[n]), wrong, False)
                   for form in (known if own.op != "v" else dict.fromkeys([*known, *_USUAL])) if form is not own]
    return result


def _same_order(roles: Roles, reads: dict[int, Place], every: dict[int, Unit]) -> bool:
    """Return whether labels disagree with the formulas throughout, so that they say nothing."""
    del every
    judged = [(index_of(roles, (n, 0)), index_of(roles, place)) for n, place in reads.items()]
    judged = [(a, b) for a, b in judged if a[0] == "activation" and b[0] == "sum"]
    wrong = sum(a[1] != b[1] for a, b in judged)
    # One activation with the other's sum is a slip; a crossed pair is another way of naming.
    return wrong * 2 > len(judged) or (wrong >= 2 and len(set(reads.values())) == len(reads))



"""The loss of a sheet that has none: what its deltas show that it must be."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sheetprop.auditing.expressions import Expr, at, make, number, places, walk
from sheetprop.auditing.grid import Place

SQUARES, PLAIN_SQUARES, CROSS_ENTROPY = "½Σ(t-a)²", "Σ(t-a)²", "-Σ(t·ln a + (1-t)·ln(1-a))"


def pairs_of(formulas: Iterable[Expr], learns: Callable[[Place], bool], given: Callable[[Place], bool],
             ) -> list[tuple[Place, Expr]]:
    """Return the (target, output) pairs whose difference some formula takes.

    Args:
        formulas: the formulas that lead to the updates.
        learns: whether a place depends on a weight.
        given: whether a place is a given number.
    """
    found: dict[tuple[Place, Expr], None] = {}
    for formula in formulas:
        for node in walk(formula):
            if node.op == "-":
                for target, output in (node.args, node.args[::-1]):
                    if target.op == "v" and given(target.value) and not learns(target.value) \
                            and any(learns(place) for place in places(output)):
                        found[target.value, output] = None
    return list(found)


def assumed_losses(pairs: list[tuple[Place, Expr]]) -> list[tuple[str, Expr]]:
    """Return the losses that may be meant, the likeliest first, each with its name."""
    if not pairs:
        return []
    squares = [make("^", make("-", at(target), output), number(2)) for target, output in pairs]
    bits = [make("+", make("*", at(target), make("LN", output)),
                 make("*", make("-", number(1), at(target)), make("LN", make("-", number(1), output))))
            for target, output in pairs]
    return [(SQUARES, _sum([make("*", number(0.5), one) for one in squares])), (PLAIN_SQUARES, _sum(squares)),
            (CROSS_ENTROPY, make("neg", _sum(bits)))]


def _sum(parts: list[Expr]) -> Expr:
    found = parts[0]
    for part in parts[1:]:
        found = make("+", found, part)
    return found

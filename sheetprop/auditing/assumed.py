"""The loss of a sheet that has none: what its deltas show that it must be."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sheetprop.auditing.expressions import Expr, at, make, number, places, walk
from sheetprop.auditing.grid import Place

SQUARES, CROSS_ENTROPY = "½Σ(t-a)²", "-Σ(t·ln a + (1-t)·ln(1-a))"


def pairs_of(formulas: Iterable[Expr], learns: Callable[[Place], bool], given: Callable[[Place], bool],
             ) -> list[tuple[Place, Place]]:
    """Return the (target, output) pairs whose difference some formula takes.

    Args:
        formulas: the formulas that lead to the updates.
        learns: whether a place depends on a weight.
        given: whether a place is a given number.
    """
    found: dict[tuple[Place, Place], None] = {}
    for formula in formulas:
        for node in walk(formula):
            if node.op == "-" and all(arg.op == "v" for arg in node.args):
                one, two = node.args[0].value, node.args[1].value
                if given(one) and learns(two):
                    found[one, two] = None
                elif given(two) and learns(one):
                    found[two, one] = None
    return list(found)


def assumed_losses(pairs: list[tuple[Place, Place]]) -> list[tuple[str, Expr]]:
    """Return the losses that may be meant, the likeliest first, each with its name."""
    if not pairs:
        return []
    squares: Expr | None = None
    entropy: Expr | None = None
    for target, output in pairs:
        t, a = at(target), at(output)
        square = make("*", number(0.5), make("^", make("-", t, a), number(2)))
        bits = make("+", make("*", t, make("LN", a)),
                    make("*", make("-", number(1), t), make("LN", make("-", number(1), a))))
        squares = square if squares is None else make("+", squares, square)
        entropy = make("neg", bits) if entropy is None else make("-", entropy, bits)
    assert squares is not None
    assert entropy is not None
    return [(SQUARES, squares), (CROSS_ENTROPY, entropy)]


def reads_of(formulas: Iterable[Expr]) -> set[Place]:
    """Return all places that formulas read."""
    return {place for formula in formulas for place in places(formula)}

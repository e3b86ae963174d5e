"""Of several ways to read a network the one that its own gradients agree with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from sheetprop.auditing.claimed import claims_of, settle_gradients
from sheetprop.auditing.claims import Bench
from sheetprop.auditing.roles import Roles
from sheetprop.auditing.scales import settle_scales
from sheetprop.auditing.tables import Table

AnyRoles = TypeVar("AnyRoles", bound=Roles)


def likeliest(ways: Sequence[AnyRoles], table: Table | None = None) -> AnyRoles | None:
    """Return the way in which most gradients are right; None where in none even one is, so that nothing is known.

    Args:
        ways: the ways to read it.
        table: the table, which gets the assumed loss as a column of its own.
    """
    if len(ways) == 1 and not ways[0].assumed:
        return ways[0]
    best: AnyRoles | None = None
    most = 0
    for roles in ways:
        if table is not None and roles.loss is not None:
            table.columns[0] = roles.loss
        right = agreeing(roles)
        if right > most:
            best, most = roles, right
    if table is not None:
        table.columns.pop(0, None)
        if best is not None and best.loss is not None:
            table.columns[0] = best.loss
    return best


def agreeing(roles: Roles) -> int:
    """Return how many of a network's gradients agree with the derivative."""
    bench = Bench(roles)
    settle_gradients(bench)
    claims = claims_of(bench)
    settle_scales(bench, claims)
    return sum(bench.right(claim, bench.near) is True for claim in claims)

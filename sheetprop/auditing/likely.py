"""Of several ways to read a network the one that its own gradients agree with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from sheetprop.auditing.claimed import claims_of, settle_gradients
from sheetprop.auditing.claims import Bench
from sheetprop.auditing.roles import Roles
from sheetprop.auditing.scales import settle_scales

AnyRoles = TypeVar("AnyRoles", bound=Roles)


def likeliest(ways: Sequence[AnyRoles]) -> AnyRoles | None:
    """Return the way in which most gradients are right; None where in none even one is, so that nothing is known."""
    if len(ways) == 1 and not ways[0].assumed:
        return ways[0]
    best: AnyRoles | None = None
    most = 0
    for roles in ways:
        right = agreeing(roles)
        if right > most:
            best, most = roles, right
    return best


def agreeing(roles: Roles) -> int:
    """Return how many of a network's gradients agree with the derivative."""
    bench = Bench(roles)
    settle_gradients(bench)
    claims = claims_of(bench)
    settle_scales(bench, claims)
    return sum(bench.right(claim, bench.near) is True for claim in claims)

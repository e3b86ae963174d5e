"""Which columns carry over from row to row: parameters, velocities, counters."""

from __future__ import annotations

from sheetprop.auditing.expressions import Expr, places


def states_of(formulas: dict[int, Expr]) -> set[int]:
    """Return the columns that carry over from the row above: parameters, velocities, counters."""
    found: set[int] = set()
    reads = {number: [place for place in places(formula) if len(place) == 2] for number, formula in formulas.items()}
    for number, formula in formulas.items():
        copied = formula.op == "v" and len(formula.value) == 2 and formula.value[1] < 0 and formula.value[0] in formulas
        if copied or any(place[0] == number and place[1] < 0 for place in reads[number]):
            found.add(number)
    for _ in range(len(formulas)):
        cycle = _cycle({n: [int(p[0]) for p in r if int(p[0]) in reads and p[0] not in found]
                        for n, r in reads.items() if n not in found})
        if not cycle:
            break
        back = {n for n in cycle if any(p[0] in cycle and p[1] < 0 for p in reads[n])}
        if not back:
            break
        # The one that reads most of the row above by itself is the parameter; forward columns read one.
        found |= _likeliest(back, reads)
    return found


def _likeliest(back: set[int], reads: dict[int, list[tuple[int, int]]]) -> set[int]:
    scores = {n: sum(1 for p in reads[n] if p[1] < 0) for n in back}
    best = max(scores.values())
    return {n for n, score in scores.items() if score == best}


def _cycle(links: dict[int, list[int]]) -> set[int]:
    """Return the columns that lie on circles."""
    on: set[int] = set()
    for start in links:
        seen: set[int] = set()
        stack = list(links[start])
        while stack:
            one = stack.pop()
            if one == start:
                on.add(start)
                break
            if one not in seen:
                seen.add(one)
                stack.extend(links.get(one, []))
    return on

"""Functions of all numbers of some ranges: sums and extremes, counts, medians and other places in order.

Their arguments are grids. What is no number in a range does not count; whether an element is one
may depend on an input, as in AVERAGE(IF(A1:A3>0,A1:A3)), and then so does the count.
"""

from __future__ import annotations

import math

from sheetprop.engine.grid.values import HUGE
from sheetprop.engine.tracing.choosing import E, number
from sheetprop.engine.tracing.elements import BLANK, Stuck, added, as_number, as_truth, compared, counted, once, plain
from sheetprop.engine.tracing.grids import Grid
from sheetprop.engine.tracing.moments import RELATIONS, SPREADS, relation, spread

MOST = 1000
"""So many numbers at most where each is written out several times."""

Counted = tuple[E, E | None]


def members(grids: tuple[Grid, ...]) -> list[Counted]:
    """Return the numbers that SUM and its kin see, each with the condition under which it counts."""
    found: list[Counted] = []
    for grid in grids:
        if grid.direct:
            found.append((as_number(grid.first), None))
        else:
            found += [one for e in grid.flat() if (one := counted(e)) is not None]
    return found


def fixed(name: str, *grids: Grid, least: int = 1) -> list[E]:
    """Return the numbers of a function that uses each several times.

    Raises:
        Stuck: there are too few or too many, or how many there are depends on an input.
    """
    found = members(grids)
    if any(condition is not None for _, condition in found):
        raise Stuck(f"{name} of a choice of numbers that depends on an input")
    return _enough(name, [once(value) for value, _ in found], least)


def _enough(name: str, sample: list[E], least: int) -> list[E]:
    if len(sample) < least:
        raise Stuck(f"{name} of too few numbers")
    if len(sample) > MOST:
        raise Stuck(f"{name} of more than {MOST} numbers")
    return sample


def _total(found: list[Counted]) -> E:
    return added([value for value, _ in found]) if found else number(0.0)


def _count(found: list[Counted]) -> E:
    depends = [E("if", (condition, number(1.0), number(0.0))) for _, condition in found if condition is not None]
    always = number(float(len(found) - len(depends)))
    return added([always, *depends]) if depends else always


def sum_of(*grids: Grid) -> E:
    """SUM."""
    return _total(members(grids))


def count_of(*grids: Grid) -> E:
    """COUNT."""
    return _count(members(grids))


def filled_of(*grids: Grid) -> E:
    """COUNTA."""
    return number(float(sum(e is not BLANK for grid in grids for e in grid.flat())))


def average_of(*grids: Grid) -> E:
    """AVERAGE."""
    return mean(members(grids))


def mean(found: list[Counted]) -> E:
    """Return the mean of numbers that count under conditions."""
    if not found:
        raise Stuck("the mean of no numbers")
    return E("/", (_total(found), _count(found)))


def squares_of(*grids: Grid) -> E:
    """SUMSQ."""
    return _total([(E("square", (once(value),)), condition) for value, condition in members(grids)])


def product_of(*grids: Grid) -> E:
    """PRODUCT."""
    factors = [value if condition is None else E("if", (condition, value, number(1.0)))
               for value, condition in members(grids)]
    return multiplied(factors) if factors else number(0.0)


def multiplied(factors: list[E]) -> E:
    """Return the product of at least one factor, from left to right."""
    result = factors[0]
    for factor in factors[1:]:
        result = E("*", (result, factor))
    return result


def extreme(name: str, found: list[Counted]) -> E:
    """Return the largest or smallest of numbers that count under conditions; 0 where none does."""
    if not found:
        return number(0.0)
    worst = number(-HUGE if name == "MAX" else HUGE)
    best = E("extreme", tuple(once(value if condition is None else E("if", (condition, value, worst)))
                              for value, condition in found), name)
    conditions = [condition for _, condition in found if condition is not None]
    return best if len(conditions) < len(found) else E("if", (E("any", tuple(conditions)), best, number(0.0)))


def sum_product(*grids: Grid) -> E:
    """SUMPRODUCT: what is no number counts as 0."""
    if len({(grid.height, grid.width) for grid in grids}) != 1:
        raise Stuck("SUMPRODUCT over ranges of different size")
    factors = [[one[0] if (one := counted(e)) is not None else number(0.0) for e in grid.flat()] for grid in grids]
    return added([multiplied(list(parts)) for parts in zip(*factors, strict=True)])


def conjunction(name: str, *grids: Grid) -> E:
    """AND and OR, as a condition; text and blanks in ranges do not count."""
    parts = [as_truth(e) for grid in grids for e in grid.flat() if grid.direct or e.op not in ("text", "blank")]
    if not parts:
        raise Stuck(f"{name} of nothing")
    return E("all" if name == "AND" else "any", tuple(parts))


def spread_of(name: str, *grids: Grid) -> E:
    """VAR, STDEV and their kin."""
    return spread(name, fixed(name, *grids, least=1 + SPREADS[name]))


def paired(name: str, first: Grid, second: Grid) -> tuple[list[E], list[E]]:
    """Return the pairs of two ranges in which both are numbers, as two lists."""
    ones, others = list(first.flat()), list(second.flat())
    if len(ones) != len(others):
        raise Stuck(f"{name} of ranges of different size")
    both: list[tuple[E, E]] = []
    for e, other in zip(ones, others, strict=True):
        x, y = counted(e), counted(other)
        if x is not None and y is not None:
            if x[1] is not None or y[1] is not None:
                raise Stuck(f"{name} of a choice of numbers that depends on an input")
            both.append((once(x[0]), once(y[0])))
    if not RELATIONS[name] <= len(both) <= MOST:
        raise Stuck(f"{name} of fewer than {RELATIONS[name]} pairs or more than {MOST}")
    return [x for x, _ in both], [y for _, y in both]


def relation_of(name: str, first: Grid, second: Grid) -> E:
    """CORREL, SLOPE, SUMXMY2 and their kin."""
    return relation(name, *paired(name, first, second))


# ---- places in order


def _ranked(sample: list[E], place: int) -> E:
    """Return the number at a place in rising order, counted from 0.

    Equal numbers share the slope, as in PyTorch's ``max()``, ``min()`` and ``median()``.
    """
    return E("ranked", tuple(sample), str(place))


def _known(name: str, e: E) -> float:
    value = plain(e)
    if value is None:
        raise Stuck(f"{name} at a place that depends on an input")
    return value


def median_of(*grids: Grid) -> E:
    """MEDIAN: of an even count the mean of the middle two."""
    sample = fixed("MEDIAN", *grids)
    middle = len(sample) // 2
    if len(sample) % 2:
        return _ranked(sample, middle)
    return E("/", (E("+", (_ranked(sample, middle - 1), _ranked(sample, middle))), number(2.0)))


def nth(name: str, grid: Grid, place: E) -> E:
    """LARGE and SMALL."""
    sample = fixed(name, grid)
    at = math.ceil(_known(name, place))
    if not 1 <= at <= len(sample):
        raise Stuck(f"{name} at a place that is not there")
    return _ranked(sample, at - 1 if name == "SMALL" else len(sample) - at)


def _quantile(name: str, sample: list[E], place: float) -> E:
    if not 0 <= place <= len(sample) - 1:
        raise Stuck(f"{name} at a place that is not there")
    at = int(place)
    below = once(_ranked(sample, at))
    if at + 1 >= len(sample):
        return below
    distance = E("-", (_ranked(sample, at + 1), below))
    return E("+", (below, E("*", (number(place - at), distance))))


def percentile(name: str, grid: Grid, share: E) -> E:
    """PERCENTILE and QUARTILE, ends included, and PERCENTILE.EXC."""
    sample, given = fixed(name, grid), _known(name, share)
    if name.startswith("QUARTILE"):
        given = int(given) / 4.0
    return _quantile(name, sample, given * (len(sample) + 1) - 1 if name.endswith(".EXC") else
                     given * (len(sample) - 1))


def rank(name: str, x: E, grid: Grid, order: E | None = None) -> E:
    """RANK, RANK.EQ and RANK.AVG; the rank itself is flat."""
    sample = fixed(name, grid)
    x = once(x)
    rising = order is not None and _known(name, order) != 0
    better = [E("if", (compared("<" if rising else ">", other, x), number(1.0), number(0.0))) for other in sample]
    same = [compared("=", other, x) for other in sample]
    place = added([number(1.0), *better])
    if name == "RANK.AVG":
        equal = added([E("if", (one, number(1.0), number(0.0))) for one in same])
        place = E("+", (place, E("/", (E("-", (equal, number(1.0))), number(2.0)))))
    return E("choice", (E("any", tuple(same)), place))

"""SUMIF, COUNTIFS and their kin: which elements of a range count, by conditions on others.

Where a tested cell depends on no input, whether it passes is known; else the derivative is that of
the branch taken.
"""

from __future__ import annotations

from sheetprop.engine.functions.aggregates import comparison, criterion
from sheetprop.engine.grid.values import ERRORS, Value
from sheetprop.engine.tracing.choosing import E, number
from sheetprop.engine.tracing.elements import BLANK, Stuck, compared, either, is_number, literal, once, plain, settled
from sheetprop.engine.tracing.grids import Grid
from sheetprop.engine.tracing.rangefunctions import count_of, extreme, mean, members, sum_of


def _value(e: E) -> Value:
    """Return the value of an element that depends on no input.

    Raises:
        Stuck: it does, or it moves from row to row.
    """
    if e is BLANK:
        return None
    if e.op == "text":
        return e.text
    if e.op == "error":
        return ERRORS[e.text]
    known = plain(e) if is_number(e) else settled(e) if e.op != "mixed" else None
    if known is None:
        raise Stuck("a condition on cells that are no plain numbers")
    return known


def _passes(condition: E, element: E) -> E:
    """Return whether an element passes a condition such as 5 or ">=5", as a condition of our own."""
    if is_number(condition) and plain(condition) is None:
        return compared("=", element, condition) if is_number(element) else literal(False)
    wanted = _value(condition)
    if not is_number(element) or plain(element) is not None:
        return literal(criterion(wanted)(_value(element)))
    found = comparison(wanted)
    # A condition that compares with no number treats all numbers alike.
    return literal(criterion(wanted)(0.0)) if found is None else compared(found[0], element, number(found[1]))


def _chosen(target: Grid, pairs: tuple[Grid | E, ...]) -> Grid:
    """Return a range with blanks where a condition does not hold."""
    if len(pairs) % 2:
        raise Stuck("a range without a condition")
    result = target
    for tested, condition in zip(pairs[::2], pairs[1::2], strict=True):
        if not isinstance(tested, Grid) or isinstance(condition, Grid) or \
                (tested.height, tested.width) != (target.height, target.width):
            raise Stuck("conditions on ranges of different size")
        wanted = once(condition)
        rows = [[either(_passes(wanted, once(e)), value, BLANK) for e, value in zip(line, values, strict=True)]
                for line, values in zip(tested.rows, result.rows, strict=True)]
        result = Grid(rows)
    return result


def sum_if(name: str, target: Grid, *pairs: Grid | E) -> E:
    """SUMIFS, AVERAGEIFS, MAXIFS and MINIFS; SUMIF and AVERAGEIF by their last letter less."""
    chosen = _chosen(target, pairs)
    if name.startswith("SUM"):
        return sum_of(chosen)
    found = members((chosen,))
    return mean(found) if name.startswith("AVERAGE") else extreme(name[:3], found)


def count_if(tested: Grid, *others: Grid | E) -> E:
    """COUNTIF and COUNTIFS."""
    ones = Grid([[number(1.0)] * tested.width for _ in range(tested.height)])
    return count_of(_chosen(ones, (tested, *others)))



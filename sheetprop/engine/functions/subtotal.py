"""SUBTOTAL and AGGREGATE: they leave out other subtotals, and as asked hidden rows and errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sheetprop.engine.formula.tree import Call
from sheetprop.engine.functions import function
from sheetprop.engine.functions.aggregates import average, count, counta, maximum, minimum, product, sum_function
from sheetprop.engine.functions.statistics import (
    large,
    median,
    mode,
    percentile,
    percentile_exclusive,
    quartile,
    small,
    stdev,
    stdevp,
    var,
    varp,
)
from sheetprop.engine.grid.operands import Areas, Array, Operand, Ref
from sheetprop.engine.grid.storage import Program
from sheetprop.engine.grid.values import VALUE, ExcelError, Raised, to_number
from sheetprop.engine.scope.context import Context, scalar
from sheetprop.engine.scope.hidden import hidden_rows

_NAMES = frozenset(("SUBTOTAL", "AGGREGATE"))
_LISTS: dict[int, Callable[..., float]] = {
    1: average, 2: count, 3: counta, 4: maximum, 5: minimum, 6: product, 7: stdev, 8: stdevp, 9: sum_function,
    10: var, 11: varp, 12: median, 13: mode}
_PLACES: dict[int, Callable[..., float]] = {
    14: large, 15: small, 16: percentile, 17: quartile, 18: percentile_exclusive,
    19: lambda operand, quarter: percentile_exclusive(operand, int(quarter) / 4.0)}


class _Without:
    """What is left out: other subtotals, hidden rows (all, or those that a filter hides), errors."""

    def __init__(self, context: Context, *, nested: bool, hidden: bool, filtered: bool, errors: bool) -> None:
        self.context = context
        self.nested, self.hidden, self.filtered, self.errors = nested, hidden, filtered, errors

    def rest(self, operands: tuple[Operand, ...]) -> Iterator[Operand]:
        """Yield the operands without what is left out."""
        for operand in operands:
            if isinstance(operand, Areas):
                yield from map(self._cut, operand.refs)
            else:
                yield self._cut(operand)

    def _cut(self, operand: Operand) -> Operand:
        if isinstance(operand, Ref):
            operand = self._visible(operand.clipped())
        if self.errors and type(operand) is ExcelError:
            return Array([[None]])
        if self.errors and isinstance(operand, Ref | Array):
            return Array([[None if type(value) is ExcelError else value for value in line] for line in operand.rows()])
        return operand

    def _visible(self, ref: Ref) -> Operand:
        gone = set(self._subtotals(ref)) if self.nested else set()
        if self.hidden or self.filtered:
            rows = hidden_rows(self.context.space, ref.sheet)[0 if self.hidden else 1]
            gone |= {(row, column) for row in rows if ref.top <= row <= ref.bottom
                     for column in range(ref.left, ref.right + 1)}
        if not gone:
            return ref
        return Array([[None if (row, column) in gone else value for column, value in enumerate(line, ref.left)]
                      for row, line in enumerate(ref.rows(), ref.top)])

    def _subtotals(self, ref: Ref) -> Iterator[tuple[int, int]]:
        """Yield the cells whose formulas hold a subtotal."""
        blocks = ref.sheet.blocks
        for block in blocks[ref.sheet.block_index(ref.top):]:
            if block.first > ref.bottom:
                break
            for column in _columns(block.program):
                if ref.left <= column <= ref.right:
                    yield from ((row, column) for row in range(max(block.first, ref.top),
                                                               min(block.last, ref.bottom) + 1))


def _columns(program: Program) -> list[int]:
    """Return the columns of a row in which a subtotal stands."""
    found: list[int] | None = program.cache.get("subtotals")
    if found is None:
        found = program.cache["subtotals"] = [
            column for column, one in program.by_column.items()
            if any(isinstance(node, Call) and node.name in _NAMES for node in one.tree.walk())]
    return found


@function("SUBTOTAL", "nf*", context=True)
def subtotal(context: Context, kind: float, *operands: Operand) -> float:
    chosen = int(kind)
    without = _Without(context, nested=True, hidden=chosen > 100, filtered=True, errors=False)
    if not (1 <= chosen <= 11 or 101 <= chosen <= 111):
        raise Raised(VALUE)
    return _LISTS[chosen % 100](*without.rest(operands))


@function("AGGREGATE", "nna*", context=True)
def aggregate(context: Context, kind: float, option: float, *operands: Operand) -> float:
    chosen, left_out = int(kind), int(option)
    if not 0 <= left_out <= 7:
        raise Raised(VALUE)
    without = _Without(context, nested=left_out < 4, hidden=left_out in (1, 3, 5, 7), filtered=False,
                       errors=left_out in (2, 3, 6, 7))
    if chosen in _LISTS:
        return _LISTS[chosen](*without.rest(operands))
    if chosen not in _PLACES or len(operands) != 2:
        raise Raised(VALUE)
    values, place = operands
    return _PLACES[chosen](next(without.rest((values,))), to_number(scalar(place, context)))

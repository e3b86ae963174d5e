"""GROUPBY and PIVOTBY: values gathered by the labels beside them, with totals of groups and of all.

After Microsoft's pages on the two functions. Labels are the same without regard to case; groups
stand in rising order unless an order is given; where no depth of totals is given there are totals of
all and of every outer group.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

from sheetprop.engine.functions import function
from sheetprop.engine.functions.arrays import Rows, identity, kept, numbers_in, ordering, result
from sheetprop.engine.grid.operands import Array, Lambda, Operand, Ref, as_rows, size
from sheetprop.engine.grid.values import CALC, DIV0, VALUE, ExcelError, Raised, Value, finite, to_number, total
from sheetprop.engine.scope.calls import invoked
from sheetprop.engine.scope.context import Context, scalar

Gathered = Callable[[list[int], int], Value]  # rows, number of the column of results -> its value


class _Line:
    """One row of the result, or one column of PIVOTBY's: its labels and the rows of the data that it gathers."""

    __slots__ = ("labels", "outer", "rows")

    def __init__(self, labels: list[Value], rows: list[int], outer: list[int]) -> None:
        self.labels = labels
        self.rows = rows
        self.outer = outer  # the rows of the group around it


class _Side:
    """The labels down the rows, or across the columns, and how they are grouped and ordered."""

    def __init__(self, labels: Rows, depth: Operand, order: Operand, table: bool = False) -> None:
        self.labels = labels
        self.width = len(labels[0]) if labels else 0
        self.orders = [0.0] if order is None else numbers_in(order)
        self.table = table
        given = self.width if depth is None else int(numbers_in(depth)[0])
        self.deepest, self.above = abs(given), given < 0
        if table and self.deepest > 1:
            if depth is not None:
                raise Raised(VALUE)
            self.deepest = 1
        if depth is not None and self.deepest > max(self.width, 1):
            raise Raised(VALUE)

    def lines(self, rows: list[int], gathered: Gathered) -> list[_Line]:
        """Return the lines in order, totals of groups and of all among them."""
        found = self._table(rows, gathered) if self.table else self._level(rows, rows, 0, gathered)
        if self.deepest:
            name = "Grand Total" if self.deepest > 1 else "Total"
            whole = _Line([name, *[""] * (self.width - 1)], rows, rows)
            found = [whole, *found] if self.above else [*found, whole]
        return found

    def _direction(self, level: int) -> float:
        return next((order for order in self.orders if abs(order) == level + 1), 1.0)

    def _ordered(self, groups: list[list[int]], level: int, gathered: Gathered) -> list[list[int]]:
        """Return groups in the order of their labels, or of their results where an order names a column of those."""
        by_result = [order for order in self.orders if abs(order) > self.width]

        def side(one: list[int], two: list[int]) -> int:
            for order in by_result:
                at = int(abs(order)) - self.width - 1
                found = ordering(gathered(one, at), gathered(two, at), order)
                if found:
                    return found
            return ordering(self.labels[one[0]][level], self.labels[two[0]][level], self._direction(level))

        return sorted(groups, key=functools.cmp_to_key(side))

    def _level(self, rows: list[int], outer: list[int], level: int, gathered: Gathered) -> list[_Line]:
        groups: dict[object, list[int]] = {}
        for row in rows:
            groups.setdefault(identity(self.labels[row][level]), []).append(row)
        found: list[_Line] = []
        for group in self._ordered(list(groups.values()), level, gathered):
            if level == self.width - 1:
                found.append(_Line(self.labels[group[0]], group, outer))
                continue
            inner = self._level(group, group, level + 1, gathered)
            if self.deepest > level + 1:
                labels = [*self.labels[group[0]][:level + 1], *[""] * (self.width - level - 1)]
                part = _Line(labels, group, outer)
                inner = [part, *inner] if self.above else [*inner, part]
            found += inner
        return found

    def _table(self, rows: list[int], gathered: Gathered) -> list[_Line]:
        """Return the lines of labels that are no groups in groups."""
        groups: dict[object, list[int]] = {}
        for row in rows:
            groups.setdefault(tuple(identity(label) for label in self.labels[row]), []).append(row)
        ordered = list(groups.values())
        for level in reversed(range(self.width)):
            ordered = self._ordered(ordered, level, gathered)
        return [_Line(self.labels[group[0]], group, rows) for group in ordered]


class _Data:
    """The values, the functions that gather them, and which rows count."""

    def __init__(self, context: Context, values: Operand, functions: Operand, chosen: Operand, headers: Operand,
                 labels: list[Operand]) -> None:
        self.context = context
        self.values = as_rows(values)
        self.functions = _functions(functions)
        count = len(self.values)
        if any(size(one)[0] != count for one in labels):
            raise Raised(VALUE)
        self.headed, self.shown = self._headers(headers)
        first = 1 if self.headed else 0
        self.rows = list(range(first, count))
        if chosen is not None:
            conditions = kept(chosen)
            if len(conditions) not in (count, count - first):
                raise Raised(VALUE)
            offset = count - len(conditions)
            self.rows = [row for row in self.rows if conditions[row - offset]]
        if not self.rows:
            raise Raised(CALC)
        self.width = len(self.values[0]) * len(self.functions)

    def _headers(self, given: Operand) -> tuple[bool, bool | None]:
        """Return whether the first row holds names, and whether they are shown (None: where there are levels)."""
        if given is None:
            values = self.values
            return len(values) > 1 and type(values[0][0]) is str and type(values[1][0]) is float, None
        chosen = int(numbers_in(given)[0])
        if not 0 <= chosen <= 3:
            raise Raised(VALUE)
        return chosen in (1, 3), chosen in (2, 3)

    def gathered(self, rows: list[int], at: int, whole: list[int] | None = None) -> Value:
        """Return what the function of a column of results gives for some rows; PERCENTOF compares them with `whole`."""
        width = len(self.values[0])
        made, column = self.functions[at // width], at % width
        given: list[Operand] = [Array([[self.values[row][column]] for row in rows])]
        if made.least == 2:
            given.append(Array([[self.values[row][column]] for row in (self.rows if whole is None else whole)]))
        try:
            found = invoked(made, self.context, given)
        except Raised as raised:
            return raised.error
        if isinstance(found, Lambda) or size(found) != (1, 1):
            return CALC
        return found.single() if isinstance(found, Ref) else scalar(found, self.context)

    def names(self) -> list[Value]:
        """Return what stands above the columns of results."""
        width = len(self.values[0])
        if self.headed:
            return list(self.values[0]) * len(self.functions)
        names: list[Value] = [f"Value {at + 1}" for at in range(width)]
        return names * len(self.functions)


def _functions(operand: Operand) -> list[Lambda]:
    found = [one for line in operand.lines for one in line] if isinstance(operand, Array) else [operand]
    if not all(isinstance(one, Lambda) for one in found):
        raise Raised(VALUE)
    return found  # type: ignore[return-value]


@function("GROUPBY", "aal|aaaaa", context=True)
def groupby(context: Context, fields: Operand, values: Operand, functions: Operand, headers: Operand = None,
            depth: Operand = None, order: Operand = None, chosen: Operand = None, relation: Operand = None) -> Operand:
    data = _Data(context, values, functions, chosen, headers, [fields])
    labels = as_rows(fields)
    side = _Side(labels, depth, order, relation is not None and numbers_in(relation)[0] == 1)
    lines = side.lines(data.rows, data.gathered)
    grid = [[*line.labels, *(data.gathered(line.rows, at) for at in range(data.width))] for line in lines]
    if data.shown or (data.shown is None and data.headed and side.width > 1):
        names: list[Value] = list(labels[0]) if data.headed else [f"Row Field {at + 1}" for at in range(side.width)]
        grid.insert(0, names + data.names())
    if len(data.functions) > 1:
        grid.insert(0, [*[""] * side.width, *(one.name for one in data.functions for _ in data.values[0])])
    return result(grid)


@function("PIVOTBY", "aaal|aaaaaaa", context=True)
def pivotby(context: Context, fields: Operand, across: Operand, values: Operand, functions: Operand,
            headers: Operand = None, depth: Operand = None, order: Operand = None, column_depth: Operand = None,
            column_order: Operand = None, chosen: Operand = None, relative: Operand = None) -> Operand:
    data = _Data(context, values, functions, chosen, headers, [fields, across])
    down = _Side(as_rows(fields), depth, order)
    over = _Side(as_rows(across), column_depth, column_order)
    rows, columns = down.lines(data.rows, data.gathered), over.lines(data.rows, data.gathered)
    way = 0 if relative is None else int(numbers_in(relative)[0])
    if not 0 <= way <= 4:
        raise Raised(VALUE)
    grid: Rows = []
    for level in range(over.width):
        grid.append([*[""] * down.width, *(column.labels[level] for column in columns for _ in range(data.width))])
    if data.shown or (data.shown is None and data.headed and max(down.width, over.width) > 1):
        names: list[Value] = list(as_rows(fields)[0]) if data.headed else [f"Row Field {at + 1}"
                                                                           for at in range(down.width)]
        grid.append(names + data.names() * len(columns))
    for row in rows:
        line = list(row.labels)
        inside = set(row.rows)
        for column in columns:
            both = [one for one in column.rows if one in inside]
            whole = (column.rows, row.rows, data.rows, [one for one in column.outer if one in inside],
                     [one for one in column.rows if one in set(row.outer)])[way]
            line += [data.gathered(both, at, whole) if both else "" for at in range(data.width)]
        grid.append(line)
    return result(grid)


@function("PERCENTOF", "rr")
def percentof(part: Operand, whole: Operand) -> float:
    sums = [finite(total([to_number(value) for line in as_rows(operand) for value in line
                          if type(value) in (float, ExcelError)])) for operand in (part, whole)]
    if sums[1] == 0:
        raise Raised(DIV0)
    return sums[0] / sums[1]

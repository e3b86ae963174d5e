"""What a loss cannot be differentiated through: pasted numbers, errors, steps, functions that are not known."""

from __future__ import annotations

from sheetprop.auditing.expressions import COMPARISONS, Expr, walk
from sheetprop.auditing.grid import Place
from sheetprop.auditing.labels import kind_of
from sheetprop.auditing.roles import Roles
from sheetprop.auditing.tables import Column
from sheetprop.engine.grid.values import ExcelError

_COMPUTED = frozenset(["sum", "activation", "error", "total"])


def why_unseen(roles: Roles, goal: Place) -> str:
    """Return why a quantity is not seen through to every output, so that its derivative says nothing; else nothing."""
    table = roles.table
    on_the_way = [table.columns[int(place[0])] for place in roles.graph.order(goal)
                  if len(place) == 2 and place[0] in roles.graph.formulas]
    for column in on_the_way:
        if is_step(roles, column.number):
            return f"{_named(roles, column)} is a step, which has no derivative"
    for place in roles.graph.leaves(goal):
        if len(place) != 2 or place == goal:
            continue
        other = table.columns.get(int(place[0]))
        if other is not None and other.number not in roles.states and other.number not in roles.carried \
                and other.expr is None:
            return f"{_named(roles, other)} is written with {other.unknown}, which is not differentiated here"
        pasted = table.constants.get(int(place[0]))
        if pasted is not None and kind_of(pasted.label)[0] in _COMPUTED and not _is_weight(roles, pasted):
            return f"{_named(roles, pasted)} holds pasted numbers"
    for column in on_the_way:
        if _only_errors(roles, column):
            return f"{_named(roles, column)} is an error"
        if column.mixed and "formula" not in column.others.values():
            return f"{_named(roles, column)} has a formula in some rows only"
    return _other_total(roles) if goal == roles.goal else ""


def _is_weight(roles: Roles, column: Column) -> bool:
    return any(weight.column is column for weight in roles.weights)


def _named(roles: Roles, column: Column) -> str:
    cell = roles.table.grid.spell(column.first or roles.table.first, column.number)
    return f"{column.label} ({cell})" if column.label else cell


def _only_errors(roles: Roles, column: Column) -> bool:
    # A name that only the engine does not know is no error: the formula has been read.
    values = [roles.table.value(row, column.number) for row in range(column.first, column.last + 1)]
    return all(isinstance(value, ExcelError) and (str(value) != "#NAME?" or column.expr is None) for value in values)


def _other_total(roles: Roles) -> str:
    """Return why the loss found is not the one that the labels show: that one is pasted or not understood."""
    table = roles.table
    assert roles.loss is not None
    if kind_of(roles.loss.label)[0] == "total":
        return ""
    own = [*roles.forward, *(weight.column.number for weight in roles.weights)]
    for column in (*table.constants.values(), *table.columns.values()):
        if kind_of(column.label)[0] != "total" or not min(own) <= column.number <= max(own) + 2:
            continue
        if column.number in table.constants:
            return f"{_named(roles, column)} holds pasted numbers"
        if column.expr is None:
            return f"{_named(roles, column)} is written with {column.unknown}, which is not differentiated here"
        if _only_errors(roles, column):
            return f"{_named(roles, column)} is an error"
    return ""


def is_step(roles: Roles, number: int) -> bool:
    """Return whether a column depends on weights, but only by what is compared or rounded, so that its slope is 0."""
    weights = {weight.column.number for weight in roles.weights}

    def depends(place: Place) -> bool:
        return any(below[0] in weights for below in roles.graph.order(place))

    formula = roles.graph.formulas[number]
    hard: set[Expr] = set()
    smooth: set[Expr] = set()
    for node in walk(formula):
        if node.op == "v":
            if depends(node.value):
                smooth.add(node)
        elif node.op in COMPARISONS or node.op == "SIGN":
            if any(arg in smooth or arg in hard for arg in node.args):
                hard.add(node)
        else:
            values = node.args[1:] if node.op == "IF" else node.args
            if any(arg in smooth for arg in values):
                smooth.add(node)
            if any(arg in hard for arg in node.args):
                hard.add(node)
    return formula in hard and formula not in smooth

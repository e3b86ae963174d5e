"""The learning rate: one cell, anchored, a number, the one that titles name."""

from __future__ import annotations

from typing import Any

from sheetprop.auditing.expressions import at, evaluate, places, replaced, show
from sheetprop.auditing.finding import Finding
from sheetprop.auditing.grid import Place
from sheetprop.auditing.labels import is_rate, rate_in
from sheetprop.auditing.repair import Repair
from sheetprop.auditing.roles import Roles, Weight
from sheetprop.auditing.update_path import GRADIENT, OWN, TOKENS, VELOCITY, Line


def walks(roles: Roles, line: Line) -> list[Place]:
    """Return references that begin above the table and walk down with the rows."""
    own = {column.number for column in (line.weight.column, line.weight.gradient, line.velocity) if column is not None}
    return [place for place in places(line.written) if len(place) == 2 and roles.table.grid.owns(place[0])
            and place[0] not in own and line.column.first + place[1] < roles.table.first]


def walking_finding(roles: Roles, lines: list[Line]) -> Finding:
    """Return the finding for formulas whose learning rate is not anchored."""
    table, column, formula = roles.table, lines[0].column, lines[0].written
    place = walks(roles, lines[0])[0]
    cell = table.grid.spell(column.first + place[1], int(place[0]))
    below = table.grid.spell(column.first + place[1] + 1, int(place[0]))
    anchored = (table.grid.name, column.first + place[1], int(place[0]))
    fixed = replaced(formula, lambda p: at(anchored) if p == place else at(p))
    row = column.first
    weights = ", ".join(line.weight.column.label or line.weight.column.title for line in lines)
    return Finding("rate", table.grid.name, table.grid.merged(table.cells(line.column.number) for line in lines),
                   f"the update of {weights}",
                   f"its reference {cell} is not anchored: {table.grid.spell(row, column.number)} reads {cell}, "
                   f"{table.grid.spell(row + 1, column.number)} reads {below}, and so on along the {table.grid.file_}",
                   computes="=" + show(formula, row, table.grid),
                   expected="=" + show(fixed, row, table.grid),
                   repair=f"replace {cell} by {table.grid.spell_fixed(anchored)}")


def rate_findings(roles: Roles, updates: list[list[Line]], *, alike: bool) -> list[Finding]:
    """Check the learning rate's cell: not blank, not text, the one that titles name.

    Args:
        roles: the network, whose learning rate is noted.
        updates: the formulas of each weight's update.
        alike: whether these are of one form; else they hold their gradients, and only the cells are checked.
    """
    table = roles.table
    forward = {place for n in roles.forward for place in places(roles.graph.formulas[n])}
    every = [{place for line in lines for place in places(line.outline)} for lines in updates]
    constants = sorted((place for place in set.intersection(*every) if place not in forward
                        and place[0] not in TOKENS and (len(place) == 3 or place[0] in table.constants)), key=repr)
    found: list[Finding] = []
    stated = roles.stated_rate
    for place in constants:
        if len(place) == 2:
            continue
        value = _held(roles, place)
        where = table.grid.spell_fixed(place).replace("$", "")
        wrong = f"the learning rate {where} is blank, so that nothing is learned" if value is None else \
            f"the learning rate {where} is the text {value!r}, no number" if isinstance(value, str) else ""
        if wrong:
            reading = [line.column.number for lines in updates for line in lines if place in places(line.formula)]
            cells = reading or [lines[0].column.number for lines in updates]
            found.append(Finding("rate", table.grid.name, table.grid.merged(table.cells(n) for n in sorted(cells)),
                                 "the updates", wrong, repair=_elsewhere(roles, where)))
    if not alike:
        return found
    if stated is not None:
        roles.rate = stated
        value = _held(roles, stated)
        roles.rate_value = value if type(value) is float else None
        own = {place[0] for place in constants if len(place) == 2}
        if stated not in constants and not (len(stated) == 2 and stated[0] in own):
            found.append(_not_stated(roles, [lines[0].weight for lines in updates], constants, stated))
    elif len(constants) == 1 and not found:
        roles.rate = constants[0]
        value = _held(roles, roles.rate) if len(roles.rate) == 3 else None
        if type(value) is float:
            roles.rate_value = value
    elif not constants and roles.rate is None:
        roles.rate_value = _typed(updates[0])
    return found


def _typed(lines: list[Line]) -> float | None:
    """Return a rate that is typed into the formulas: how far they move a weight at rest for a gradient of 1."""
    step: Any = 0.0
    for line in reversed(lines):
        read = places(line.outline)
        if not {place[0] for place in read} <= {OWN, GRADIENT, VELOCITY}:
            return None

        def moved(gradient: float, velocity: Any, line: Line = line) -> float:
            given = {GRADIENT: gradient, VELOCITY: velocity, OWN: 0.0}
            return float(evaluate(line.outline, {place: given[str(place[0])] for place in places(line.outline)}))

        kept = moved(0.0, 1.0)
        if line.column is line.velocity and abs(kept + moved(1.0, 0.0) - 1.0) < 1e-9:
            return None  # a moving average, whose share of the gradient is no learning rate
        step = moved(1.0, step)
    return -step if step else None


def _not_stated(roles: Roles, weights: list[Weight], constants: list[Place], stated: Place) -> Finding:
    """Return the finding for updates that do not read the learning rate that the user names."""
    table = roles.table
    formula, number = roles.written(weights[0])
    row = table.columns[number].first
    one = Repair(table.columns[number], replaced(formula, lambda p: at(stated) if p == constants[0] else at(p)), []) \
        if len(constants) == 1 and constants[0] in places(formula) else None
    rate = show(at(stated), row, table.grid)
    instead = f"{show(at(constants[0]), row, table.grid)} where {rate} belongs" if one is not None else \
        f"something else than {rate}"
    return Finding("rate", table.grid.name, table.grid.merged(table.cells(roles.written(w)[1]) for w in weights),
                   "the updates", f"they use {instead}, the learning rate given",
                   computes="=" + show(formula, row, table.grid),
                   expected="=" + show(one.formula, row, table.grid) if one is not None else "",
                   repair=f"replace {show(at(constants[0]), row, table.grid)} by {rate}" if one is not None else "")


def _held(roles: Roles, place: Place) -> Any:
    return roles.table.grid.fixed_value(place) if len(place) == 3 else None


def rate_cells(roles: Roles) -> list[tuple[int, int]]:
    """Return cells with a number beside, below or above a label of a learning rate, outside the table."""
    grid, table = roles.table.grid, roles.table
    found: list[tuple[int, int]] = []
    rows, columns = grid.extent
    for row in range(1, min(rows, table.last) + 1):
        if table.first <= row <= table.last:
            continue
        for column in range(1, min(columns, 200) + 1):
            text = grid.value(row, column)
            if isinstance(text, str) and is_rate(text):
                for r, c in ((row, column + 1), (row + 1, column), (row, column + 2), (row - 1, column),
                             (row, column - 1)):
                    if r >= 1 and c >= 1 and type(grid.value(r, c)) is float:
                        found.append((r, c))
                        break
    return found


def _elsewhere(roles: Roles, where: str) -> str:
    cells = rate_cells(roles)
    if len(cells) != 1:
        return ""
    row, column = cells[0]
    grid = roles.table.grid
    return f"replace {where} by {grid.spell_fixed((grid.name, row, column))}, which is labelled as the learning rate"


def title_findings(networks: list[Roles]) -> list[Finding]:
    """Compare the learning rates of one sheet with the one that its name or a title names.

    Nothing is said where titles name several rates, or where some network's rate is not known.
    """
    values = [roles.rate_value for roles in networks]
    known = [value for value in values if value is not None]
    if not known or len(known) < len(values):
        return []
    grid = networks[0].table.grid
    first = min(roles.table.first for roles in networks)
    named: dict[str, float] = {}
    _, columns = grid.extent
    for row in range(max(1, first - 80), first):
        for column in range(1, min(columns, 120) + 1):
            text = grid.value(row, column)
            if isinstance(text, str):
                read = rate_in(text)
                if read is not None:
                    named[grid.spell(row, column)] = read
    if not named:
        read = rate_in(grid.name)
        if read is not None:
            named["the sheet's name"] = read
    if len(set(named.values())) != 1:
        return []
    where, said = next(iter(named.items()))
    if any(abs(said - value) <= 1e-9 * max(1.0, abs(value)) for value in known):
        return []
    roles = networks[0]
    cells = where if where[0].isupper() else grid.spell(first, roles.weights[0].column.number)
    said_by = "it" if where == cells else where
    return [Finding("title", grid.name, cells, "", f"{said_by} names the learning rate {said:g}, but the updates use "
                    f"{', '.join(f'{value:g}' for value in dict.fromkeys(known))}",
                    repair="correct the title or the rate")]

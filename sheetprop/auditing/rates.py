"""The learning rate: one cell, anchored, a number, the one that titles name."""

from __future__ import annotations

from typing import Any

from sheetprop.auditing.claims import Bench
from sheetprop.auditing.expressions import at, evaluate, places, replaced, show
from sheetprop.auditing.finding import Finding
from sheetprop.auditing.grid import Grid, Place
from sheetprop.auditing.labels import is_rate, kind_of, rate_in
from sheetprop.auditing.repair import Repair
from sheetprop.auditing.roles import Roles, Weight
from sheetprop.auditing.update_path import GRADIENT, OWN, TOKENS, VELOCITY, Line


def walks(roles: Roles, line: Line) -> list[Place]:
    """Return references that begin above the table, or at a number over blanks, and walk down with the rows."""
    own = {column.number for column in (line.weight.column, line.weight.gradient, line.velocity) if column is not None}
    return [place for place in places(line.written) if len(place) == 2 and roles.table.grid.owns(place[0])
            and place[0] not in own and (line.column.first + place[1] < roles.table.first
                                         or _runs_out(roles, line, place))]


def _runs_out(roles: Roles, line: Line, place: tuple[int, int]) -> bool:
    """Return whether a reference meets a number in its first row and blanks in all others."""
    if place[0] not in roles.table.constants or line.column.last <= line.column.first:
        return False
    first, *rest = (roles.table.value(row + int(place[1]), int(place[0]))
                    for row in range(line.column.first, line.column.last + 1))
    return type(first) is float and all(value is None for value in rest)


def walking_finding(bench: Bench, lines: list[Line]) -> Finding:
    """Return the finding for formulas whose learning rate is not anchored."""
    roles = bench.roles
    table = roles.table
    grid, column = table.grid, lines[0].column
    place = walks(roles, lines[0])[0]
    # What is said of rows is said of those that have this formula.
    rows = [row for row in range(column.first, column.last + 1) if row not in column.others] or [column.first]
    row = rows[0]
    anchored = (grid.name, row + place[1], int(place[0]))
    for line in lines:
        wrong = walks(roles, line)
        bench.repaired[line.column.number] = replaced(
            line.written, lambda p, wrong=wrong: at(anchored) if p in wrong else at(p))  # type: ignore[misc]
    cell = grid.spell(row + place[1], int(place[0]))
    walk = f"{grid.spell(row, column.number)} reads {cell}"
    if len(rows) > 1:
        walk += f", {grid.spell(rows[1], column.number)} reads {grid.spell(rows[1] + place[1], int(place[0]))}, " \
            f"and so on along the {grid.file_}"
    weights = ", ".join(line.weight.column.label or line.weight.column.title for line in lines)
    return Finding("rate", grid.name, grid.merged(table.cells(line.column.number) for line in lines),
                   f"the update of {weights}", f"its reference {cell} is not anchored: {walk}",
                   computes="=" + show(lines[0].written, row, grid),
                   expected="=" + show(bench.repaired[column.number], row, grid),
                   repair=f"replace {cell} by {grid.spell_fixed(anchored)}")


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
        other = _other_label(roles, place)
        wrong = ""
        if other:
            wrong = f"what they take as the learning rate, {where}, is {other}"
        elif value is None or value == 0.0:
            wrong = f"the learning rate {where} is {'blank' if value is None else '0'}, so that nothing is learned"
        elif isinstance(value, str):
            wrong = f"the learning rate {where} is the text {value!r}, no number"
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


def _other_label(roles: Roles, place: tuple[str, int, int]) -> str:
    """Return what a cell's label says that it is, where that is a quantity of a network; empty where it is not."""
    if place[0] != roles.table.grid.name:
        return ""
    grid = roles.table.grid
    _, row, column = place
    left = grid.value(row, column - 1) if column > 1 else None
    if isinstance(left, str) and is_rate(left):
        return ""
    for above in range(row - 1, 0, -1):
        text = grid.value(above, column)
        if isinstance(text, str) and text.strip():
            if kind_of(text)[0] in _QUANTITIES and grid.value(row - 1, column) is not None:
                which = "this" if roles.table.first <= row <= roles.table.last else "another"
                return f"{text.strip()} of {which} table"
            return ""
        if text is None:
            return ""
    return ""


_QUANTITIES = frozenset(["weight", "bias", "input", "target", "sum", "activation", "error", "total", "gradient"])


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


def title_findings(networks: list[Roles], file: str = "") -> list[Finding]:
    """Compare the learning rates of one sheet with the one that its name, a title or the file's name names.

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
    roles = networks[0]
    found: list[Finding] = []
    if len(set(named.values())) == 1:
        where, said = next(iter(named.items()))
        found += _misnamed(grid, where, "it", said, known)
    for text, by in ((grid.name, "the sheet's name"), (file, "the file's name")):
        read = rate_in(text)
        if read is not None and not found:
            found += _misnamed(grid, grid.spell(first, roles.weights[0].column.number), by, read, known)
    return found


def _misnamed(grid: Grid, cells: str, by: str, said: float, known: list[float]) -> list[Finding]:
    if any(abs(said - value) <= 1e-9 * max(1.0, abs(value)) for value in known):
        return []
    used = ", ".join(f"{value:g}" for value in dict.fromkeys(known))
    return [Finding("title", grid.name, cells, "", f"{by} names the learning rate {said:g}, but the updates use {used}",
                    repair="correct the title or the rate")]

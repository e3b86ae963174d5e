"""Updates: each weight from its own value, its own gradient, one learning rate that stays in its place."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sheetprop.auditing.causes import cause
from sheetprop.auditing.claims import Bench
from sheetprop.auditing.expressions import Expr, at, evaluate, places, replaced, shifted, show
from sheetprop.auditing.finding import Finding
from sheetprop.auditing.grid import Place
from sheetprop.auditing.labels import is_rate, rate_in
from sheetprop.auditing.points import differs
from sheetprop.auditing.repair import Repair
from sheetprop.auditing.roles import Roles, Weight

_OWN: Place = ("own value", 0, 0)
_GRADIENT: Place = ("own gradient", 0, 0)


def update_findings(bench: Bench, bad: set[int]) -> list[Finding]:
    """Return the findings about the updates of one network."""
    roles = bench.roles
    moving = [weight for weight in roles.weights if weight.update is not None]
    found = _frozen(roles)
    walking = [weight for weight in moving if _walks(roles, weight)]
    if walking:
        found.append(_walking(roles, walking))
    steady = [weight for weight in moving if weight not in walking]
    outlines = {id(weight): _outline(roles, weight) for weight in steady}
    counts = Counter(outlines.values())
    common = counts.most_common(1)[0][0] if counts else None
    if common is not None and (counts[common] * 2 > len(steady) or len(counts) == 1):
        for weight in steady:
            if outlines[id(weight)] is not common:
                one = _different(bench, weight, common)
                if one is not None:
                    found.append(one)
        found += _rate(roles, [w for w in steady if outlines[id(w)] is common], common)
        found += _direction(bench, [w for w in steady if outlines[id(w)] is common], common, bad)
    elif common is not None:
        found += _undecided(bench, steady)
    return found


def _frozen(roles: Roles) -> list[Finding]:
    table = roles.table
    if not any(weight.update is not None for weight in roles.weights):
        return []
    return [Finding("update", table.grid.name, table.grid.span(table.first, table.last, weight.column.number),
                    weight.column.label,
                    "it holds numbers and is never updated, although a gradient is computed for it")
            for weight in roles.weights if weight.update is None and weight.gradient is not None]


def _formula(roles: Roles, weight: Weight) -> tuple[Expr, int]:
    """Return the update as it stands in the sheet and the column where it stands."""
    formula = weight.column.expr
    assert formula is not None
    if formula.op == "v" and len(formula.value) == 2 and formula.value[0] in roles.graph.formulas:
        return roles.graph.formulas[formula.value[0]], int(formula.value[0])
    return formula, weight.column.number


def _walks(roles: Roles, weight: Weight) -> list[Place]:
    """Return references that begin above the table and walk down with the rows."""
    formula, number = _formula(roles, weight)
    column = roles.table.columns[number]
    return [place for place in places(formula)
            if len(place) == 2 and roles.table.grid.owns(place[0]) and column.first + place[1] < roles.table.first]


def _walking(roles: Roles, weights: list[Weight]) -> Finding:
    table = roles.table
    numbers = [_formula(roles, weight)[1] for weight in weights]
    formula, number = _formula(roles, weights[0])
    column = table.columns[number]
    place = _walks(roles, weights[0])[0]
    cell = table.grid.spell(column.first + place[1], int(place[0]))
    below = table.grid.spell(column.first + place[1] + 1, int(place[0]))
    anchored = (table.grid.name, column.first + place[1], int(place[0]))
    fixed = replaced(formula, lambda p: at(anchored) if p == place else at(p))
    row = column.first
    return Finding("rate", table.grid.name, table.grid.merged(table.cells(n) for n in numbers),
                   "the update of " + ", ".join(weight.column.label or weight.column.title for weight in weights),
                   f"its reference {cell} is not anchored: {table.grid.spell(row, number)} reads {cell}, "
                   f"{table.grid.spell(row + 1, number)} reads {below}, and so on along the {table.grid.file_}",
                   computes="=" + show(formula, row, table.grid),
                   expected="=" + show(fixed, row, table.grid),
                   repair=f"replace {cell} by {table.grid.spell_fixed(anchored)}")


def _outline(roles: Roles, weight: Weight) -> Expr:
    """Return the update with own value, own gradient and own velocity as such, to be compared between weights."""
    assert weight.update is not None
    forward = set(roles.forward) | {w.column.number for w in roles.weights}
    gradients = {w.gradient.number for w in roles.weights if w.gradient is not None}

    def outline(expr: Expr, within: tuple[int, ...]) -> Expr:
        def change(place: Place) -> Expr:
            if place == weight.place:
                return at(_OWN)
            if len(place) == 2:
                number, offset = int(place[0]), int(place[1])
                if weight.gradient is not None and number == weight.gradient.number:
                    return at(("own gradient", offset - weight.place[1], 0))
                if (number, 0) == roles.stated_rate:
                    return at(place)
                if number in within:
                    return at(("itself", within.index(number), offset))
                if number in forward or number in gradients or number in roles.table.constants:
                    return at(place)
                column = roles.table.columns.get(number)
                if column is not None and column.expr is not None:
                    return outline(shifted(column.expr, offset), (*within, number))
            return at(place)

        return replaced(expr, change)

    return outline(weight.update, ())


def _different(bench: Bench, weight: Weight, common: Expr) -> Finding | None:
    """Return the finding for a weight whose update is not made like the others'."""
    roles = bench.roles
    table = roles.table
    formula, number = _formula(roles, weight)
    assert weight.update is not None
    gradient = weight.gradient
    strange = any(p[0] in ("itself",) for p in places(common))
    right: Expr | None = None
    if not strange and (gradient is not None or not any(p[0] == "own gradient" for p in places(common))):
        def change(place: Place) -> Expr:
            if place == _OWN:
                return at(weight.place)
            if place[0] == "own gradient":
                assert gradient is not None
                return at((gradient.number, weight.place[1] + int(place[1])))
            return at(place)

        right = replaced(common, change)
        if any(len(p) == 2 and p[0] in roles.forward for p in places(common)):
            return None
        if _equal(bench, weight.update, right):
            return None
    elif gradient is None and not strange:
        return None
    if strange:
        formula, number = _velocity(roles, weight)
    row = table.columns[number].first
    move = _moved(formula, weight.update)
    expected = shifted(right, move) if right is not None else None
    repair = ""
    wrong = "its update is not made like those of the other weights"
    if expected is not None:
        one = Repair(table.columns[number], expected, [(formula, expected)])
        repair = one.text(table, row)
        wrong = "in its update " + cause(one, row, table)
    return Finding("update", table.grid.name, table.cells(number), weight.column.label, wrong,
                   computes="=" + show(formula, row, table.grid),
                   expected="=" + show(expected, row, table.grid) if expected is not None else "", repair=repair)


def _velocity(roles: Roles, weight: Weight) -> tuple[Expr, int]:
    """Return the velocity of a weight where that reads a gradient, else the weight's own update."""
    assert weight.update is not None
    gradients = {w.gradient.number for w in roles.weights if w.gradient is not None}
    for place in places(weight.update):
        column = roles.table.columns.get(int(place[0])) if len(place) == 2 else None
        if column is not None and column.expr is not None and column.number in roles.states and place != weight.place \
                and {p[0] for p in places(column.expr)} & gradients:
            read = {int(p[0]) for p in places(column.expr) if p[0] in gradients}
            if weight.gradient is None or weight.gradient.number not in read:
                return column.expr, column.number
    return _formula(roles, weight)


def _moved(formula: Expr, update: Expr) -> int:
    for distance in (-1, 0, 1, -2, 2):
        if shifted(update, distance) is formula:
            return distance
    return 0


def _equal(bench: Bench, one: Expr, two: Expr) -> bool:
    """Return whether two updates are the same function of what they read, tried at random values."""
    from sheetprop.auditing.points import Values

    values = Values(bench.roles.table, bench.near.rows, "all", bench.far.leaves)
    given = {place: values[place] if len(place) == 2 else 0.37 + 0.01 * index
             for index, place in enumerate(dict.fromkeys([*places(one), *places(two)]))}
    return not differs(evaluate(one, given), evaluate(two, given), 1.0).any()


def _rate(roles: Roles, weights: list[Weight], common: Expr) -> list[Finding]:
    """Check the learning rate's cell: not blank, not text, the one that titles name."""
    table = roles.table
    read = {place for n in roles.forward for place in places(roles.graph.formulas[n])}
    ours = ("own value", "own gradient", "itself")
    stated = roles.stated_rate
    constants = [place for place in places(common) if place not in read and place[0] not in ours
                 and (len(place) == 3 or place[0] in table.constants)]
    found: list[Finding] = []
    cells = table.grid.merged(table.cells(_formula(roles, weight)[1]) for weight in weights)
    for place in constants:
        if len(place) == 2:
            continue
        value = _held(roles, place)
        where = table.grid.spell_fixed(place).replace("$", "")
        if value is None:
            found.append(Finding("rate", table.grid.name, cells, "updates", f"the learning rate {where} is blank, so "
                                 "that nothing is learned", repair=_elsewhere(roles, where)))
        elif isinstance(value, str):
            found.append(Finding("rate", table.grid.name, cells, "updates", f"the learning rate {where} is the text "
                                 f"{value!r}, no number", repair=_elsewhere(roles, where)))
    if stated is not None:
        roles.rate = stated
        value = _held(roles, stated)
        roles.rate_value = value if type(value) is float else None
        own = {place[0] for place in constants if len(place) == 2}
        if stated not in constants and not (len(stated) == 2 and stated[0] in own):
            found.append(_not_stated(roles, weights, constants, stated))
    elif len(constants) == 1 and not found:
        roles.rate = constants[0]
        value = _held(roles, roles.rate) if len(roles.rate) == 3 else None
        if type(value) is float:
            roles.rate_value = value
    elif not constants:
        inside = places(common)
        if {place[0] for place in inside} == {"own value", "own gradient"}:
            # The rate is typed into the formulas: how far the update moves for a gradient of 1.
            at_rest: dict[Place, Any] = dict.fromkeys(inside, 0.0)
            moved = {place: 1.0 if place[0] == "own gradient" else 0.0 for place in inside}
            roles.rate_value = float(evaluate(common, at_rest) - evaluate(common, moved))
    return found


def _not_stated(roles: Roles, weights: list[Weight], constants: list[Place], stated: Place) -> Finding:
    """Return the finding for updates that do not read the learning rate that the user names."""
    table = roles.table
    formula, number = _formula(roles, weights[0])
    row = table.columns[number].first
    one = Repair(table.columns[number], replaced(formula, lambda p: at(stated) if p == constants[0] else at(p)), []) \
        if len(constants) == 1 and constants[0] in places(formula) else None
    rate = show(at(stated), row, table.grid)
    instead = f"{show(at(constants[0]), row, table.grid)} where {rate} belongs" if one is not None else \
        f"something else than {rate}"
    return Finding("rate", table.grid.name, table.grid.merged(table.cells(_formula(roles, w)[1]) for w in weights),
                   "updates", f"they use {instead}, the learning rate given",
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
    return [Finding("title", grid.name, cells, "", f"{where} names the learning rate {said:g}, but the updates use "
                    f"{', '.join(f'{value:g}' for value in dict.fromkeys(known))}",
                    repair="correct the title or the rate")]


def _direction(bench: Bench, weights: list[Weight], common: Expr, bad: set[int]) -> list[Finding]:
    """Report updates that all go up the gradient; where gradients hold the negative, adding is right."""
    roles = bench.roles
    if any(p[0] not in ("own value", "own gradient") and len(p) == 2 and p[0] not in roles.table.constants
           for p in places(common)) or any(p[0] == "itself" for p in places(common)):
        return []
    inner = [p for p in places(common) if p[0] == "own gradient"]
    if len(inner) != 1 or not weights or weights[0].gradient is None:
        return []
    weight = weights[0]
    expected, size = bench.derivative(roles.goal, weight.place, bench.near)
    if weight.gradient is None or weight.gradient.number not in roles.graph.formulas or weight.gradient.number in bad:
        return []
    mine = bench.roles.graph.run((weight.gradient.number, 0), bench.near)
    if differs(mine, expected, size).any():
        return []
    given: dict[Any, Any] = dict.fromkeys(places(common), 0.5)
    low = evaluate(common, given)
    given[inner[0]] = 0.6
    if evaluate(common, given) <= low:
        return []
    table = roles.table
    numbers = [_formula(roles, one)[1] for one in weights]
    formula, number = _formula(roles, weight)
    return [Finding("update", table.grid.name, table.grid.merged(table.cells(n) for n in numbers), "updates",
                    "they add the gradient, so that the loss grows; it has to be subtracted",
                    computes="=" + show(formula, table.columns[number].first, table.grid))]


def _undecided(bench: Bench, weights: list[Weight]) -> list[Finding]:
    """No form is that of most weights: report only those that use another weight's gradient or value."""
    roles = bench.roles
    table = roles.table
    found: list[Finding] = []
    for weight in weights:
        assert weight.update is not None
        if weight.gradient is None or not weight.said:
            continue
        others = {w.gradient.number for w in roles.weights if w.gradient is not None and w is not weight}
        reads = {int(place[0]) for place in places(weight.update) if len(place) == 2}
        if reads & others and weight.gradient.number not in reads and len(reads & others) == 1:
            formula, number = _formula(roles, weight)
            wrong = next(iter(reads & others))
            row = table.columns[number].first
            new = replaced(formula, lambda p, a=wrong, b=weight.gradient.number: at((b, p[1])) if len(p) == 2  # type: ignore[misc]
                           and p[0] == a else at(p))
            found.append(Finding("update", table.grid.name, table.cells(number), weight.column.label,
                                 f"its update uses {table.columns[wrong].label} where {weight.gradient.label} belongs",
                                 computes="=" + show(formula, row, table.grid),
                                 expected="=" + show(new, row, table.grid),
                                 repair="replace the formula by =" + show(new, row, table.grid)))
    return found

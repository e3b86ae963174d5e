"""Which column is what: by what the formulas do first, by the labels second."""

from __future__ import annotations

from collections import Counter

from sheetprop.auditing.assumed import assumed_losses, pairs_of
from sheetprop.auditing.derivative import Graph
from sheetprop.auditing.expressions import Expr, places, shifted
from sheetprop.auditing.grid import Place
from sheetprop.auditing.labels import gradient_of, is_gradients, kind_of, plain
from sheetprop.auditing.losses import looks_like_loss, losses_of, used_by_updates
from sheetprop.auditing.states import states_of
from sheetprop.auditing.tables import Column, Table
from sheetprop.errors import SheetpropError


class Weight:
    """A parameter: a column whose cells carry over from row to row and which the loss depends on.

    Attributes:
        column: its column.
        place: where the loss reads it, seen from the loss's row.
        gradient: the column that claims to be its gradient, or None.
        said: whether a label says so, and not only the use in the update.
        update: the next value as an expression in which the own value stands at `place`; None where never updated.
        move: how many rows below the own value's place the update stands.
    """

    def __init__(self, column: Column, place: tuple[int, int]) -> None:
        self.column = column
        self.place = place
        self.gradient: Column | None = None
        self.said = False
        self.update: Expr | None = None
        self.move = 0


class Roles:
    """What was found in one table for one loss.

    Attributes:
        cellwise: whether the "columns" are single cells in any layout.
        assumed: the loss that is assumed because the sheet has none; empty where it has one.
    """

    def __init__(self, table: Table, graph: Graph, states: set[int]) -> None:
        self.table = table
        self.graph = graph
        self.states = states
        self.loss: Column | None = None
        self.weights: list[Weight] = []
        self.forward: list[int] = []
        self.backward: list[int] = []
        self.rate: Place | None = None
        self.carried: set[int] = set()
        self.rate_value: float | None = None
        self.stated_rate: Place | None = None
        self.cellwise = False
        self.assumed = ""

    def written(self, weight: Weight) -> tuple[Expr, int]:
        """Return a weight's update as it stands in the sheet, and the column where it stands."""
        formula = weight.column.expr
        assert formula is not None
        if formula.op == "v" and len(formula.value) == 2 and formula.value[0] in self.graph.formulas:
            return self.graph.formulas[formula.value[0]], int(formula.value[0])
        return formula, weight.column.number

    def memory_of(self, weight: Weight) -> list[int]:  # noqa: ARG002 - rows have a velocity instead
        """Return further columns that one weight's update carries over."""
        return []

    def velocity(self, weight: Weight) -> Column | None:
        """Return the one column that carries over and stands between a weight and its gradient, or None."""
        owners = {one.column.number for one in self.weights}

        def read(one: Weight) -> set[int]:
            found = set() if one.update is None else {int(place[0]) for place in places(one.update) if len(place) == 2}
            return (found & self.states) - owners

        mine = read(weight)
        if len(mine) != 1:
            return None
        if weight.gradient is not None and any(mine & read(other) for other in self.weights if other is not weight):
            # Two updates read it: this weight's own is the one that its gradient goes into.
            fed = [n for n in self.states - owners if (expr := self.table.columns[n].expr) is not None
                   and any(place[0] == weight.gradient.number for place in places(expr))]
            mine = set(fed) if len(fed) == 1 else mine
        return self.table.columns[mine.pop()]

    @property
    def goal(self) -> tuple[int, int]:
        """The loss in its row."""
        assert self.loss is not None
        return (self.loss.number, 0)


def assumed_ways(table: Table) -> list[Roles]:
    """Return the ways to read a table that has no loss, each with one that its differences show it may have."""
    formulas = {number: column.expr for number, column in table.columns.items() if column.expr is not None}
    states = states_of(formulas)
    carried = {n for n in states if formulas[n].op == "v" and formulas[n].value[0] == n}
    graph = Graph({number: formula for number, formula in formulas.items() if number not in states})

    def learns(place: Place) -> bool:
        try:
            return any(below[0] in states - carried for below in graph.leaves(place))
        except RecursionError:
            return False

    def is_given(place: Place) -> bool:
        return len(place) == 2 and (place[0] in table.constants or place[0] in carried or place[0] in table.borrowed
                                    or (place[0] in graph.formulas and not learns(place)))

    used = used_by_updates(formulas, states)
    ways: list[Roles] = []
    for text, goal in assumed_losses(pairs_of([formulas[n] for n in sorted(used & formulas.keys()) if n not in states],
                                              learns, is_given)):
        column = Column(0, text)
        column.label, column.expr, column.first, column.last = text, goal, table.first, table.last
        table.columns[0] = column
        found, _ = roles_of(table, Given(0, [], []), {0: goal})
        del table.columns[0]
        for roles in found[:1]:
            roles.assumed = text
            ways.append(roles)
    return ways


def roles_of(table: Table, given: Given | None = None, instead: dict[int, Expr] | None = None,
             ) -> tuple[list[Roles], list[str]]:
    """Return what was found for each loss in a table, and what could not be placed.

    Args:
        table: the table.
        given: what the user said.
        instead: column -> formula that counts instead of the one that stands there.
    """
    notes: list[str] = []
    formulas = {number: column.expr for number, column in table.columns.items() if column.expr is not None}
    formulas.update(instead or {})
    states = states_of(formulas)
    states |= {n for n, formula in formulas.items() if kind_of(table.columns[n].label)[0] in ("weight", "bias")
               and all(place[1] < 0 or place[0] in states for place in places(formula) if len(place) == 2)
               and any(place[0] in states and place[1] < 0 for place in places(formula))}
    kept = {number: formula for number, formula in formulas.items() if number not in states}
    # What is only carried down, as inputs often are, is a constant.
    carried = {n for n in states if formulas[n].op == "v" and formulas[n].value[0] == n}
    states -= carried
    table.learns = bool(states)
    graph = Graph(kept)
    reach: dict[int, set[int]] = {}
    for number in kept:
        try:
            leaves = graph.leaves((number, 0))
        except RecursionError:
            notes.append(f"{table.name}: its formulas run in a circle")
            return [], notes
        # Columns of constants hold weights too, where a gradient claims to be theirs.
        reach[number] = {place[0] for place in leaves if len(place) == 2}
    still = [*table.constants.values(), *(table.columns[n] for n in carried)]
    frozen = {column.number for column in still if kind_of(column.label)[0] in ("weight", "bias")}
    weights = states | frozen | set(given.params if given is not None else ())
    used = used_by_updates(formulas, states)
    groups = losses_of(table, kept, reach, weights, states, used, given.loss if given is not None else None)
    result: list[Roles] = []
    taken: set[int] = set()
    for loss in groups:
        roles = Roles(table, graph, states)
        roles.loss = table.columns[loss]
        roles.carried = carried
        for place in graph.leaves((loss, 0)):
            if len(place) != 2 or place[0] not in weights or place[0] in taken:
                continue
            number = int(place[0])
            column = table.column(number)
            if column is not None and (given is None or not given.params or number in given.params):
                taken.add(number)
                roles.weights.append(Weight(column, place))
        if not roles.weights:
            continue
        stated = given.params if given is not None else []
        roles.weights.sort(key=lambda weight: (stated.index(weight.column.number) if stated else 0,
                                               weight.column.number))
        roles.forward = [place[0] for place in graph.order((loss, 0))
                         if len(place) == 2 and place[0] in kept]
        result.append(roles)
    for roles in result:
        _updates(roles, formulas)
        claim_columns(roles, formulas, given)
        roles.weights = [weight for weight in roles.weights
                         if weight.update is not None or weight.gradient is not None
                         or weight.column.number in states or (given is not None and given.params)]
    result = [roles for roles in result if roles.weights]
    if not result:
        notes.append(_why_not(table, states, kept))
    return result, notes


class Given:
    """Roles that the user states, as column numbers."""

    def __init__(self, loss: int | None, params: list[int], grads: list[int]) -> None:
        self.loss = loss
        self.params = params
        self.grads = grads


def _why_not(table: Table, states: set[int], kept: dict[int, Expr]) -> str:
    unknown = {column.unknown for column in table.columns.values() if column.unknown}
    because = f" (not differentiated: {', '.join(sorted(unknown))})" if unknown else ""
    pasted = [column for column in table.constants.values() if kind_of(column.label)[0] in ("total", "error")]
    if pasted:
        return f"{table.name}: the loss {pasted[-1].label} holds pasted numbers"
    if not states and not because and any(looks_like_loss(number, kept) or gradient_of(table.columns[number].label)
                                          for number in kept):
        return f"{table.name}: the rows seem to be the samples of a batch, whose weights stand outside the table; " \
               "nothing is updated from row to row"
    if not states:
        return f"{table.name}: rows that repeat, but nothing is updated from row to row{because}"
    return f"{table.name}: no cell is a loss that depends on what is updated{because}"


def _updates(roles: Roles, formulas: dict[int, Expr]) -> None:
    """Find each weight's next value, moved so that its own value stands where the loss reads it."""
    for weight in roles.weights:
        number = weight.column.number
        formula = formulas.get(number)
        if formula is None or number not in roles.states:
            continue
        if formula.op == "v" and len(formula.value) == 2 and formula.value[0] in formulas \
                and formula.value[0] != number and formula.value[0] not in roles.states:
            formula = shifted(formulas[formula.value[0]], formula.value[1])
        own = [place[1] for place in places(formula) if len(place) == 2 and place[0] == number]
        rows = [place[1] for place in places(formula) if len(place) == 2]
        move = weight.place[1] - (max(own) if own else min(rows, default=-1))
        weight.update, weight.move = shifted(formula, int(move)), int(move)


def claim_columns(roles: Roles, formulas: dict[int, Expr], given: Given | None = None) -> None:
    """Find the column that claims to be each weight's gradient, and what lies on the way to them."""
    _claimed(roles, formulas, given)
    trace_backward(roles)


def trace_backward(roles: Roles) -> None:
    """Note what lies on the way to the gradients."""
    roles.backward = sorted(_needed(roles) - set(roles.forward))


def _claimed(roles: Roles, formulas: dict[int, Expr], given: Given | None) -> None:
    """Find the column that claims to be each weight's gradient: by its label, else by the update."""
    table = roles.table
    named: dict[str, list[Column]] = {}
    for column in (*table.columns.values(), *table.constants.values()):
        found = _labelled(roles, column)
        if found is not None and not _of_another(roles, column):
            named.setdefault(found[1], []).append(column)
    if given is not None and given.grads:
        if len(given.grads) != len(roles.weights):
            raise SheetpropError(f"--grads: names {len(given.grads)} gradients, but the loss of {table.name} "
                                 f"depends on {len(roles.weights)} weights; name these with --params")
        for weight, number in zip(roles.weights, given.grads, strict=True):
            weight.gradient, weight.said = table.column(number), True
        return
    labels = [plain(weight.column.label) for weight in roles.weights]
    for weight in roles.weights:
        own = plain(weight.column.label)
        candidates = named.get(own, []) if own and labels.count(own) == 1 else []
        if len(candidates) > 1:
            # Side by side tables repeat labels: the one that this weight's update or this network's columns feed.
            update = {place[0] for place in places(weight.update)} if weight.update is not None else set()
            mine = {w.place for w in roles.weights}
            near = [c for c in candidates if c.number in update] or [
                c for c in candidates if c.number in roles.graph.formulas
                and mine & set(roles.graph.leaves((c.number, 0)))]
            candidates = near if len(near) == 1 else []
        if len(candidates) == 1:
            weight.gradient, weight.said = candidates[0], True
    read = {place for n in roles.forward for place in places(formulas[n])}
    claimed = {weight.gradient.number for weight in roles.weights if weight.gradient is not None}
    every = {id(weight): beyond_velocity(roles, weight) for weight in roles.weights}
    readers = Counter(place for reads in every.values() for place in reads)
    for weight in roles.weights:
        if weight.gradient is not None or weight.update is None:
            continue
        # What several updates read is nobody's own gradient, or a mistake.
        alone = {int(place[0]) for place in every[id(weight)] if len(place) == 2 and readers[place] == 1
                 and place[0] not in claimed and place[0] not in roles.forward and place not in read}
        free = (alone & roles.graph.formulas.keys()) or (alone & table.constants.keys())
        rest = [place for place in every[id(weight)] if place != weight.place and place[0] not in free]
        if len(free) != 1 or any(place in read or (len(place) == 2 and place[0] in roles.graph.formulas)
                                 for place in rest):
            continue  # it holds more of the derivative than that column
        found_ = table.column(free.pop())
        said = gradient_of(found_.label) if found_ is not None else None
        if said is None or said[1] not in labels:
            weight.gradient = found_


def beyond_velocity(roles: Roles, weight: Weight) -> list[Place]:
    """Return what a weight's update reads, a velocity's reads in its place."""
    if weight.update is None:
        return []
    owners = {one.place for one in roles.weights}
    reads = places(weight.update)
    if weight.place not in reads and len(owners.intersection(reads)) == 1:
        # It goes on from another weight's value: a mistake in the update, which says nothing of the gradient.
        reads = [place for place in reads if place not in owners]
    fast = [place for place in reads if len(place) == 2 and place[0] in roles.states and place not in owners]
    behind = [(roles.table.columns[int(place[0])].expr, place[0]) for place in fast]
    return [place for place in reads if place not in fast] + [
        place for expr, own in behind if expr is not None for place in places(expr) if place[0] != own]


def _labelled(roles: Roles, column: Column) -> tuple[str, str] | None:
    """Return what a gradient's label says: a label of its own, or a weight's under a heading such as "Gradients"."""
    if not column.label:
        return None
    if kind_of(column.label)[0] in ("weight", "bias") and is_gradients(column.group) \
            and column.number in roles.graph.formulas and column.number not in roles.forward:
        # Next weights may stand beside the gradients without a heading of their own.
        following = {roles.written(weight)[1] for weight in roles.weights if weight.update is not None}
        return None if column.number in following else ("", plain(column.label))
    return gradient_of(column.label)


def _of_another(roles: Roles, column: Column) -> bool:
    """Return whether a column depends on weights, but on none of this network: side by side tables repeat labels."""
    if column.number not in roles.graph.formulas:
        return False
    leaves = roles.graph.leaves((column.number, 0))
    return any(place[0] in roles.states for place in leaves) and not {w.place for w in roles.weights} & set(leaves)


def _needed(roles: Roles) -> set[int]:
    """Return the computed columns that the gradients need."""
    formulas = roles.graph.formulas
    seen: set[int] = set()
    stack = [weight.gradient.number for weight in roles.weights if weight.gradient is not None]
    stack += [int(p[0]) for w in roles.weights if w.update is not None for p in places(w.update) if len(p) == 2]
    while stack:
        one = stack.pop()
        if one in seen or one not in formulas:
            continue
        seen.add(one)
        stack.extend(int(p[0]) for p in places(formulas[one]) if len(p) == 2)
    return seen

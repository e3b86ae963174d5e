"""Networks among cells in any layout: which cells are updated, from what, and which loss they make small."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sheetprop.auditing.assumed import assumed_losses, pairs_of
from sheetprop.auditing.cellgrid import CellGrid, Cells
from sheetprop.auditing.derivative import Graph
from sheetprop.auditing.expressions import Expr, at, make, places
from sheetprop.auditing.grid import Place
from sheetprop.auditing.labels import gradient_of, kind_of, plain
from sheetprop.auditing.losses import is_difference, looks_like_loss
from sheetprop.auditing.roles import Roles, Weight, claim_columns
from sheetprop.auditing.tables import Column, Table

_NEW = re.compile(r"(new|updated|next|neu)")


class CellRoles(Roles):
    """A network of single cells: one iteration.

    Attributes:
        updates: number of a weight's cell -> number of the cell that holds its next value.
        memories: number of a weight's cell -> cells that its update alone reads from before, such as a velocity.
    """

    def __init__(self, table: Table, graph: Graph, states: set[int], updates: dict[int, int]) -> None:
        super().__init__(table, graph, states)
        self.updates = updates
        self.memories: dict[int, list[int]] = {}

    def written(self, weight: Weight) -> tuple[Expr, int]:
        """Return a weight's update and the cell where it stands."""
        number = self.updates[weight.column.number]
        formula = self.table.columns[number].expr
        assert formula is not None
        return formula, number

    def velocity(self, weight: Weight) -> Column | None:  # noqa: ARG002 - what is kept is a memory here
        """Return None."""
        return None

    def memory_of(self, weight: Weight) -> list[int]:
        """Return what a weight's update alone carries over from before."""
        return self.memories.get(weight.column.number, [])


class Finder:
    """Looks for networks among the cells of a workbook."""

    def __init__(self, cells: Cells) -> None:
        self.cells = cells
        self.formulas = cells.formulas
        self.readers: dict[int, list[int]] = {}
        for number, formula in self.formulas.items():
            for place in places(formula):
                self.readers.setdefault(int(place[0]), []).append(number)
        self.updates: dict[int, int] = {}  # next value -> the value before it, as the update reads it
        self.chains: dict[int, int] = {}
        self.notes: list[str] = []

    def root(self, number: int) -> int:
        """Return the cell whose value a cell only repeats."""
        for _ in range(50):
            formula = self.formulas.get(number)
            if formula is None or formula.op != "v":
                break
            number = int(formula.value[0])
        return number

    def find(self) -> list[list[CellRoles]]:
        """Return the networks; of each the ways to read it, several where its loss has to be assumed."""
        self._find_updates()
        weights = {x: u for u, x in self.updates.items()}
        named = self._named_weights(set(weights))
        order = [*weights, *named]
        if not order:
            return []
        bit = {number: 1 << index for index, number in enumerate(order)}
        cut = {*order, *self.updates}
        self.kept = {number: formula for number, formula in self.formulas.items() if number not in cut}
        self.learned = self._dependence(bit)
        self.weights, self.order, self.bit = weights, order, bit
        losses = self._losses()
        found: list[list[CellRoles]] = []
        seen = 0
        for goals, mine in losses:
            seen |= mine
            one = self._network(goals, mine, "")
            if one is not None:
                found.append([one])
        rest = [number for number in weights if not bit[number] & seen]
        for group in self._together(rest):
            mine = sum(bit[number] for number in group)
            formulas = self._leading_to([self.formulas[weights[number]] for number in group], mine)
            pairs = pairs_of([*(self.kept[n] for n in formulas), *(self.formulas[weights[number]] for number in group)],
                             lambda place, mine=mine: bool(self._dep(int(place[0])) & mine),  # type: ignore[misc]
                             lambda place: self._given(int(place[0])))
            ways = [one for text, goal in assumed_losses(pairs)
                    if (one := self._network([], mine, text, goal)) is not None]
            if ways:
                found.append(ways)
        return found

    # -- what is updated

    def _find_updates(self) -> None:
        candidates: dict[int, list[int]] = {}
        for number, formula in self.formulas.items():
            if formula.op not in ("+", "-"):
                continue
            found = [int(place[0]) for place in _carried(formula)]
            if found:
                candidates[number] = found
        chosen: dict[int, int] = {}
        for number, olds in candidates.items():
            for old in olds:
                if self._starts(old, candidates) and self._is_next(number, old, candidates) \
                        and self._depends(number, old, frozenset()):
                    chosen[number] = old
                    break
        cut = frozenset(chosen)
        self.updates = {number: old for number, old in chosen.items() if self._depends(number, old, cut)}
        first: dict[int, int] = {}
        for number in self.updates:
            trail: dict[int, None] = {}
            while number in self.updates and number not in first and number not in trail:
                trail[number] = None
                number = self.root(self.updates[number])
            start = first.get(number, number)
            first.update(dict.fromkeys(trail, start))
        self.chains = {old: first[number] for number, old in self.updates.items()}

    def _starts(self, old: int, candidates: dict[int, list[int]]) -> bool:
        """Return whether a cell can be a weight: a given number, or the next value of one."""
        root = self.root(old)
        formula = self.formulas.get(root)
        if root in candidates or (formula is not None and not places(formula)) or root in self.cells.unknown:
            return True
        return formula is None and type(self.cells.grid.value(1, root)) is float

    def _is_next(self, number: int, old: int, candidates: dict[int, list[int]]) -> bool:
        """Return whether a cell is what a weight becomes: read as such by a next update, by nothing, or called so."""
        label = self.cells.label(number)
        if kind_of(label)[0] in ("weight", "bias") or _NEW.match(plain(label)):
            return True
        before = plain(self.cells.label(old))
        if before and (before == plain(label) or (len(before) > 1 and before in plain(label))):
            return True
        readers = [number]
        seen: set[int] = set()
        reading: set[int] = set()
        while readers:
            one = readers.pop()
            for reader in self.readers.get(one, []):
                if reader in seen:
                    continue
                seen.add(reader)
                if self.formulas[reader].op == "v":
                    readers.append(reader)
                else:
                    reading.add(reader)
        return not reading or any(self.root(x) == number for reader in reading for x in candidates.get(reader, []))

    def _depends(self, number: int, old: int, cut: frozenset[int]) -> bool:
        """Return whether what an update adds depends on the weight itself, as a gradient does."""
        bare = at((old, 0))
        rest = [part for part in _terms(self.formulas[number]) if part is not bare]
        stack = [int(place[0]) for part in rest for place in places(part)]
        seen: set[int] = set()
        goal = {old, self.root(old)}
        while stack:
            one = stack.pop()
            if one in goal:
                return True
            if one in seen or one in cut or one == number:
                continue
            seen.add(one)
            formula = self.formulas.get(one)
            if formula is not None:
                stack += [int(place[0]) for place in places(formula)]
        return False

    def _named_weights(self, updated: set[int]) -> list[int]:
        """Return given numbers that a label calls a weight and some cell claims to hold the gradient of."""
        claimed = {read[1] for number in self.formulas if (read := gradient_of(self.cells.label(number))) is not None}
        roots = {self.root(x) for x in updated}
        if not claimed:
            return []
        return [number for number in self.readers
                if number not in updated and number not in roots and self._given(number)
                and kind_of(label := self.cells.label(number))[0] in ("weight", "bias") and plain(label) in claimed]

    def _given(self, number: int) -> bool:
        return number not in self.formulas and number not in self.cells.unknown \
            and type(self.cells.grid.value(1, number)) is float

    # -- what depends on what

    def _dependence(self, bit: dict[int, int]) -> dict[int, int]:
        """Return for each formula cell the weights that it depends on, as bits."""
        found: dict[int, int] = dict(bit)
        for start in self.kept:
            stack = [start]
            while stack:
                one = stack[-1]
                if one in found:
                    stack.pop()
                    continue
                formula = self.kept.get(one)
                below = [int(place[0]) for place in places(formula)] if formula is not None else []
                open_ = [n for n in below if n not in found and n in self.kept]
                if open_ and not set(open_) & set(stack):
                    stack += open_
                    continue
                total = 0
                for n in below:
                    total |= found.get(n, 0)
                found[one] = total
                stack.pop()
        return found

    def _dep(self, number: int) -> int:
        return self.learned.get(number, 0)

    def _several(self, bits: int) -> bool:
        """Return whether weights of more than one iteration are among these."""
        chains = [self.chains.get(n, n) for n in self.order if bits & self.bit[n]]
        return len(set(chains)) < len(chains)

    def _losses(self) -> list[tuple[list[int], int]]:
        """Return (loss cells, weights as bits) for each network; several cells where their sum is what is meant."""
        scores: dict[int, float] = {}
        used = self._used()
        for number in self.kept:
            bits = self._dep(number)
            if not bits or self._several(bits) or is_difference(self.kept[number], self.kept):
                continue
            kind = kind_of(self.cells.label(number))[0]
            like = looks_like_loss(number, self.kept)
            score = {"total": 6.0, "error": 2.0}.get(kind, -5.0 if kind else 0.0) + 3 * like + (number not in used)
            if score >= 3 and (like or kind == "total"):
                scores[number] = score
        groups: list[tuple[int, list[int]]] = []
        for number in scores:
            bits = self._dep(number)
            touching = [group for group in groups if group[0] & bits]
            groups = [group for group in groups if not group[0] & bits]
            merged = bits
            members = [number]
            for group in touching:
                merged |= group[0]
                members += group[1]
            groups.append((merged, members))
        result: list[tuple[list[int], int]] = []
        for bits, members in groups:
            if self._several(bits):
                continue
            best = self._best(members, scores)
            mine = 0
            for number in best:
                mine |= self._dep(number)
            result.append((best, mine))
        return result

    def _best(self, members: list[int], scores: dict[int, float]) -> list[int]:
        leaves = {number: self._leaves(number) for number in members}
        most = max(self._dep(number).bit_count() for number in members)

        def key(number: int) -> float:
            return scores[number] + 4.0 * self._dep(number).bit_count() / most

        top = max(key(number) for number in members)
        best = [number for number in members if key(number) >= top - 1e-9]
        whole = max((len(leaves[number]) for number in members), default=0)
        covering = [number for number in members if len(leaves[number]) == whole]
        if len(best) > 1 or leaves[best[0]] != leaves[covering[0]]:
            every = set().union(*(leaves[number] for number in best))
            over = [number for number in members if leaves[number] >= every and scores[number] >= 4]
            if over:
                return [max(over, key=lambda n: (key(n), -n))]
        # The same losses twice, as a copy in a summary has it, count once.
        distinct: dict[frozenset[int], int] = {}
        for number in best:
            distinct.setdefault(frozenset(leaves[number]), number)
        return list(distinct.values())

    def _leaves(self, number: int) -> set[int]:
        seen: set[int] = set()
        found: set[int] = set()
        stack = [number]
        while stack:
            one = stack.pop()
            if one in seen:
                continue
            seen.add(one)
            formula = self.kept.get(one)
            if formula is None:
                found.add(one)
            else:
                stack += [int(place[0]) for place in places(formula)]
        return found

    def _used(self) -> set[int]:
        seen: set[int] = set()
        stack = [int(place[0]) for number in self.updates for place in places(self.formulas[number])]
        while stack:
            one = stack.pop()
            if one in seen:
                continue
            seen.add(one)
            if one in self.kept:
                stack += [int(place[0]) for place in places(self.kept[one])]
        return seen

    def _together(self, rest: list[int]) -> list[list[int]]:
        """Return weights without a loss, those whose updates depend on each other as one group."""
        groups: list[tuple[int, list[int]]] = []
        for number in rest:
            bits = self.bit[number]
            for place in places(self.formulas[self.weights[number]]):
                bits |= self._dep(int(place[0]))
            own = {self.chains.get(n, n) for n in [number]}
            bits &= ~sum(self.bit[n] for n in self.order if n != number and self.chains.get(n, n) in own)
            touching = [group for group in groups if group[0] & bits]
            groups = [group for group in groups if not group[0] & bits]
            members = [number, *(n for group in touching for n in group[1])]
            for group in touching:
                bits |= group[0]
            groups.append((bits, members))
        return [sorted(members) for bits, members in groups if not self._several(sum(self.bit[n] for n in members))]

    def _leading_to(self, formulas: Iterable[Expr], mine: int) -> list[int]:
        """Return the cells, each once, that depend on some weights and lead to formulas."""
        seen: dict[int, None] = {}
        stack = [int(place[0]) for formula in formulas for place in places(formula)]
        while stack:
            one = stack.pop()
            if one in seen or one not in self.kept or not self._dep(one) & mine:
                continue
            seen[one] = None
            stack += [int(place[0]) for place in places(self.kept[one])]
        return list(seen)

    # -- one network

    def _network(self, goals: list[int], mine: int, assumed: str, goal: Expr | None = None) -> CellRoles | None:
        """Return the roles of one iteration's cells."""
        own = [number for number in self.order if self.bit[number] & mine]
        labelled = [n for n in self.kept if self._dep(n) & mine and not self._dep(n) & ~mine
                    and gradient_of(self.cells.label(n)) is not None]
        ends = [self.formulas[self.weights[n]] for n in own if n in self.weights]
        ends += [self.kept[n] for n in (*goals, *labelled)] + ([goal] if goal is not None else [])
        inside = dict.fromkeys([*self._leading_to(ends, mine), *goals, *labelled])
        formulas = {n: self.kept[n] for n in sorted(inside)}
        grid = self.cells.grid.at_home(self._home(own, inside))
        if goal is not None or len(goals) > 1:
            virtual = grid.number(("", mine % 1_000_003, 1 + len(assumed)))
            if goal is None:
                goal = at((goals[0], 0))
                for other in goals[1:]:
                    goal = make("+", goal, at((other, 0)))
                assumed = "the sum of " + ", ".join(grid.spell(1, n) for n in goals[:3]) + ("..." if goals[3:] else "")
            formulas[virtual] = goal
        else:
            virtual = goals[0]
        table = Table(grid, 1, 1)
        for number, formula in formulas.items():
            table.columns[number] = self._column(grid, number, formula)
        table.columns[virtual].label = table.columns[virtual].label or assumed
        for number in own:
            if number in self.weights:
                next_ = self.weights[number]
                table.columns.setdefault(next_, self._column(grid, next_, self.formulas[next_]))
        for place in {place for formula in (*formulas.values(), *ends) for place in places(formula)}:
            number = int(place[0])
            if number in self.cells.unknown:
                table.columns.setdefault(number, self._column(grid, number, None))
            elif number not in table.columns:
                table.constants[number] = self._column(grid, number, None)
        table.learns = True
        graph = Graph(formulas)
        roles = CellRoles(table, graph, {*self.updates, *self.weights}, {n: self.weights[n] for n in own
                                                                         if n in self.weights})
        roles.cellwise, roles.assumed = True, assumed
        roles.loss = table.columns[virtual]
        try:
            reached = set(graph.leaves((virtual, 0)))
            roles.forward = [int(place[0]) for place in graph.order((virtual, 0)) if place[0] in formulas]
        except RecursionError:
            self.notes.append(f"{grid.name}!{grid.spell(1, virtual)}: its formulas run in a circle or too deeply")
            return None
        for number in own:
            if (number, 0) not in reached:
                continue
            column = table.constants.get(number) or table.columns.get(number) or self._column(grid, number, None)
            table.constants.setdefault(number, column)
            column.label = column.label or self.cells.label(number)
            weight = Weight(column, (number, 0))
            if number in self.weights:
                weight.update = self.formulas[self.weights[number]]
            roles.weights.append(weight)
        if not roles.weights:
            return None
        claim_columns(roles, formulas)
        roles.weights = [weight for weight in roles.weights if weight.update is not None or weight.gradient is not None]
        _memories(roles)
        return roles if roles.weights else None

    def _column(self, grid: CellGrid, number: int, formula: Expr | None) -> Column:
        column = Column(number, grid.title(number))
        column.label = self.cells.label(number) if grid.spots[number - 1][0] else ""
        column.first = column.last = 1
        column.expr = formula
        column.unknown = self.cells.unknown.get(number, "")
        return column

    def _home(self, own: list[int], inside: Iterable[int]) -> str:
        """Return the sheet on which most of a network stands."""
        names = [self.cells.grid.spots[number - 1][0] for number in (*inside, *own)]
        return max(dict.fromkeys(names), key=names.count)


def _terms(formula: Expr) -> list[Expr]:
    """Return the terms of a sum, whatever their sign."""
    if formula.op in ("+", "-"):
        return [*_terms(formula.args[0]), *_terms(formula.args[1])]
    return [formula]


def _carried(formula: Expr) -> list[Place]:
    """Return the places that a sum takes as they are, with their sign."""
    if formula.op == "+":
        return [*_carried(formula.args[0]), *_carried(formula.args[1])]
    if formula.op == "-":
        return _carried(formula.args[0])
    return [formula.value] if formula.op == "v" else []


def _memories(roles: CellRoles) -> None:
    """Note what each weight's update alone reads from before, such as a velocity."""
    reads: dict[int, set[int]] = {}
    read_forward = {int(place[0]) for n in roles.forward for place in places(roles.graph.formulas[n])}
    owners = {weight.column.number for weight in roles.weights}
    for weight in roles.weights:
        if weight.update is not None:
            leaves = {int(below[0]) for place in places(weight.update) for below in roles.graph.leaves(place)}
            reads[weight.column.number] = leaves - read_forward - owners
    for number, mine in reads.items():
        others = set().union(*(other for key, other in reads.items() if key != number)) if len(reads) > 1 else set()
        alone = sorted(mine - others)
        formulas = [n for n in alone if roles.table.grid.formula(1, n) is not None]
        roles.memories[number] = formulas or (alone if len(reads) > 1 else [])

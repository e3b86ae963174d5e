"""Optimisers held against their rules: a sheet's own recurrences, run over gradients drawn at random."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from sheetprop.auditing.causes import cause
from sheetprop.auditing.claims import Bench
from sheetprop.auditing.edits import Edit, shapes, substituted
from sheetprop.auditing.expressions import Expr, Reading, Unknown, at, evaluate, number, places, show, walk
from sheetprop.auditing.finding import Finding
from sheetprop.auditing.optimisers import Rule, RuleBook
from sheetprop.auditing.repair import Repair
from sheetprop.auditing.roles import Roles, Weight

STEPS, MOST_EDITS = 6, 400


class _Run:
    """One weight's optimiser: its columns, and what they do to gradients drawn at random."""

    def __init__(self, roles: Roles, weight: Weight) -> None:
        self.roles, self.weight = roles, weight
        table = roles.table
        formula, own = roles.written(weight)
        self.formulas: dict[int, Expr] = {own: formula}
        if own != weight.column.number and weight.column.expr is not None:
            self.formulas[weight.column.number] = weight.column.expr
        stop = {*roles.forward, *(w.column.number for w in roles.weights if w is not weight),
                *(w.gradient.number for w in roles.weights if w.gradient is not None), weight.column.number}
        stack = [int(place[0]) for place in places(formula) if len(place) == 2]
        self.foreign = False
        while stack:
            one = stack.pop()
            column = table.columns.get(one)
            if one in self.formulas or one in stop or column is None or column.expr is None:
                self.foreign = self.foreign or (one in stop and one not in (
                    weight.column.number, weight.gradient.number if weight.gradient else 0))
                continue
            self.formulas[one] = column.expr
            stack += [int(place[0]) for place in places(column.expr) if len(place) == 2]
        self.own = own
        self.count = min(STEPS, table.rows)
        rng = random.Random(7)
        self.gradients = [rng.choice((-1, 1)) * rng.uniform(0.4, 1.6) for _ in range(self.count)]
        reading = Reading(table.grid, table.grid.book.names)
        self.special: dict[tuple[int, int], Expr] = {}
        for one in self.formulas:
            column = table.columns[one]
            for row, tree in column.trees.items():
                try:
                    self.special[one, row] = reading.expr(tree, row, one)
                except Unknown:
                    self.foreign = True

    @property
    def remembers(self) -> bool:
        """Whether something besides the weight carries over from row to row."""
        return any(place[1] < 0 for n, formula in self.formulas.items() if n not in (self.own,
                   self.weight.column.number) for place in places(formula) if len(place) == 2)

    def numbers(self) -> list[float]:
        """Return the numbers in the formulas and in the cells that they read."""
        found: list[float] = []
        for formula in self.formulas.values():
            for node in walk(formula):
                if node.op == "n":
                    found.append(float(node.value))
                elif node.op == "v":
                    held = self.roles.table.grid.fixed_value(node.value) if len(node.value) == 3 else \
                        self.roles.table.value(self.roles.table.first + 1, int(node.value[0])) \
                        if node.value[0] in self.roles.table.constants else None
                    if type(held) is float:
                        found.append(held)
        return list(dict.fromkeys(found))

    def steps(self, formulas: Mapping[int, Expr]) -> tuple[list[float], list[float]]:
        """Return how far the weight moves in each step, and where it was before."""
        table, first = self.roles.table, self.roles.table.first
        known: dict[tuple[int, int], float] = {}
        gradient = self.weight.gradient.number if self.weight.gradient is not None else -1
        lead = self.weight.column.number

        def value(column: int, row: int, depth: int) -> float:
            if column == gradient:
                return self.gradients[row - first] if 0 <= row - first < self.count else 0.0
            if (column, row) in known:
                return known[column, row]
            if depth > 200:
                raise RecursionError
            formula = formulas.get(column)
            other = table.columns[column].others.get(row) if column in table.columns else None
            if column == lead and row <= first:
                found = 0.7
            elif formula is not None and row >= first and other != "constant":
                found = result(self.special.get((column, row), formula), row, depth + 1)
            elif formula is not None and row < first:
                found = 0.0  # what is carried over begins at rest, whatever the sheet goes on from
            else:
                held = table.value(row, column) if row >= 1 else None
                found = held if type(held) is float else 0.0
            known[column, row] = found
            return found

        def result(formula: Expr, row: int, depth: int) -> float:
            given: dict[Any, Any] = {}
            for place in places(formula):
                if len(place) == 3:
                    held = table.grid.fixed_value(place)
                    given[place] = held if type(held) is float else 0.0
                else:
                    given[place] = value(int(place[0]), row + int(place[1]), depth)
            return float(evaluate(formula, given))

        path = [value(lead, first + k, 0) for k in range(self.count)]
        return [b - a for a, b in pairwise(path)], path[:-1]

    def books(self, sign: float) -> list[RuleBook]:
        """Return the rules to compare with: a row's weight may take the gradient of its own row or of the row above."""
        return [RuleBook([sign * one for one in gradients], 0.7, self.numbers())
                for gradients in (self.gradients[:-1], self.gradients[1:], self.gradients[:-2])]

    def rule(self, formulas: Mapping[int, Expr], books: list[RuleBook]) -> Rule | None:
        """Return the rule that the formulas follow; None where they follow none."""
        try:
            steps, weights = self.steps(formulas)
        except RecursionError:
            return None
        if not all(step == step and abs(step) < 1e12 for step in steps):
            return None
        for book in books:
            # A velocity that begins at rest may be added before the first gradient goes into it.
            late = len(steps) - len(book.gradients)
            if (late == 0 or steps[0] == 0.0) and (found := book.find(steps[late:], weights[late:])) is not None:
                return found
        return None

    def edits(self, column: int, numbers: list[float]) -> Iterator[Edit]:
        """Yield small edits of one column: another quantity of the weight, another number, another form."""
        formula = self.formulas[column]
        own = [*self.formulas, *([self.weight.gradient.number] if self.weight.gradient is not None else []),
               self.weight.column.number]
        offsets = sorted({int(place[1]) for place in places(formula) if len(place) == 2} | {0, -1})
        for node in walk(formula):
            if node.op == "v" and len(node.value) == 2 and node.value[0] in own:
                for other in own:
                    for offset in offsets:
                        if (other, offset) != node.value:
                            new = at((other, offset))
                            yield substituted(formula, node, new), node, new
            elif node.op == "n":
                for value in numbers:
                    if value != node.value:
                        yield substituted(formula, node, number(value)), node, number(value)
            elif node.op == "v" and len(node.value) == 3:
                for cell in walk(formula):
                    if cell.op == "v" and len(cell.value) == 3 and cell is not node:
                        yield substituted(formula, node, cell), node, cell
        yield from shapes(formula)


def rule_findings(bench: Bench, weights: list[Weight]) -> tuple[list[Finding], list[str], str]:
    """Return findings about an optimiser that breaks its rule, what could not be checked, and the rule's name.

    Args:
        bench: the network.
        weights: weights whose updates are made alike; the first one is tried, what is found is said of all.
    """
    roles = bench.roles
    lead = weights[0]
    if lead.gradient is None or roles.cellwise or roles.table.rows < 4:
        return [], [], ""
    run = _Run(roles, lead)
    if run.foreign or not run.remembers:
        return [], [], ""
    books = run.books(bench.signs.get(lead.column.number, 1.0))
    rule = run.rule(run.formulas, books)
    if rule is not None:
        return [], [], rule.name
    tried = 0
    best: tuple[int, int, Edit, Rule] | None = None
    for column in [*(n for n in run.formulas if n != run.own), run.own]:
        for edit in run.edits(column, run.numbers()):
            tried += 1
            if tried > MOST_EDITS:
                break
            rule = run.rule({**run.formulas, column: edit[0]}, books)
            # The rule that needs most of what stands there: an edit that switches a part off leaves a lesser one.
            if rule is not None and rule.needs != ("lr",) and (best is None or len(rule.needs) > best[0]):
                best = len(rule.needs), column, edit, rule
    if best is not None:
        _, column, edit, rule = best
        old, new = edit[1], edit[2]
        if old.op == new.op == "v" and len(old.value) == len(new.value) == 2 and old.value[0] == new.value[0]:
            row = roles.table.columns[column].first
            return [], [f"{roles.table.grid.name}!{roles.table.cells(column)}: the rule of {rule.name} with "
                        f"{show(old, row, roles.table.grid)} where it has {show(new, row, roles.table.grid)}, one step "
                        "apart; whether that is meant cannot be told"], rule.name
        return [_finding(bench, weights, run, column, edit, rule.name)], [], rule.name
    where = roles.table.cells(run.own)
    return [], [f"{roles.table.grid.name}!{where}: the update of {lead.column.label} carries something over, but "
                "follows no rule that is known here"], ""


def _finding(bench: Bench, weights: list[Weight], run: _Run, column: int, edit: Edit, name: str) -> Finding:
    roles, table = bench.roles, bench.roles.table
    cells = [table.cells(column)]
    for weight in weights[1:]:
        other = list(_Run(roles, weight).formulas)
        if len(other) == len(run.formulas):
            cells.append(table.cells(other[list(run.formulas).index(column)]))
    row = table.columns[column].first
    repair = Repair(table.columns[column], edit[0], [(edit[1], edit[2])])
    bench.repaired[column] = edit[0]
    formula = run.formulas[column]
    wrong = f"{show(edit[1], row, table.grid)} stands where {show(edit[2], row, table.grid)} belongs" \
        if edit[1].op == "n" or edit[2].op == "n" else cause(repair, row, table)
    return Finding("rule", table.grid.name, table.grid.merged(cells), table.columns[column].label,
                   f"it breaks the rule of {name}: {wrong}", computes="=" + show(formula, row, table.grid),
                   expected="=" + show(edit[0], row, table.grid), repair=repair.text(table, row))

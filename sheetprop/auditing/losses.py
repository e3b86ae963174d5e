"""Which column is a network's loss: what its formula does, what its label says, what depends on it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sheetprop.auditing.expressions import Expr, places, walk
from sheetprop.auditing.labels import kind_of
from sheetprop.auditing.tables import Table

if TYPE_CHECKING:
    from sheetprop.auditing.roles import Roles


def used_by_updates(formulas: dict[int, Expr], states: set[int]) -> set[int]:
    """Return the columns that some update needs, by whatever way."""
    seen: set[int] = set()
    stack = [int(p[0]) for n in states for p in places(formulas[n]) if len(p) == 2]
    while stack:
        one = stack.pop()
        if one in seen:
            continue
        seen.add(one)
        if one in formulas and one not in states:
            stack.extend(int(p[0]) for p in places(formulas[one]) if len(p) == 2)
    return seen


def losses_of(table: Table, kept: dict[int, Expr], reach: dict[int, set[int]], weights: set[int], states: set[int],
              used: set[int], stated: int | None) -> list[int]:
    """Return the loss columns, one for each network in the table."""
    if stated is not None:
        return [stated] if stated in kept else []
    scores: dict[int, float] = {}
    for number in kept:
        mine = reach[number] & weights
        if not mine & (states or weights):
            continue
        column = table.columns[number]
        kind = kind_of(column.label)[0]
        score = 0.0
        if is_difference(kept[number], kept):
            continue  # called an error, perhaps, but nothing that has a least value
        if kind == "total":
            score += 6
        elif kind == "error":
            score += 2
        elif kind in ("gradient", "activation", "sum", "weight", "bias", "input", "target"):
            score -= 5
        score += 3 * looks_like_loss(number, kept)
        score += 0 if number in used else 1
        if score >= 3:
            scores[number] = score
    groups: list[set[int]] = []
    for number in scores:
        mine = reach[number] & weights
        touching = [group for group in groups if group & mine]
        merged = set(mine).union(*touching) if touching else set(mine)
        groups = [group for group in groups if group not in touching] + [merged]
    result: list[int] = []
    for group in groups:
        rivals = [number for number in scores if reach[number] & weights <= group]
        most = max(len(reach[number] & weights) for number in rivals)
        rivals.sort(key=lambda n: (-scores[n] - 4.0 * len(reach[n] & weights) / most, n))
        result.append(rivals[0])
    return result


def is_difference(formula: Expr, kept: dict[int, Expr]) -> bool:
    """Return whether a formula takes one quantity from another, such as the output from the target, unlike losses."""
    return formula.op == "-" and all(arg.op == "v" for arg in formula.args) and not any(
        len(arg.value) == 2 and arg.value[0] in kept and looks_like_loss(arg.value[0], kept) for arg in formula.args)


def maximised(roles: Roles) -> bool:
    """Return whether what is learned makes a quantity large: a likelihood, a reward, a score."""
    assert roles.loss is not None
    if re.search(r"likelihood|log ?lik|reward|objective|score|utility", roles.loss.label.lower()) \
            and not re.search(r"neg|loss|error|cost|-", roles.loss.label.lower()):
        return True
    values = [roles.table.value(row, roles.loss.number) for row in range(roles.table.first, roles.table.last + 1)]
    numbers = [value for value in values if type(value) is float]
    logarithm = any(node.op == "LN" for n in roles.forward for node in walk(roles.graph.formulas[n]))
    return bool(numbers) and logarithm and max(numbers) < 0


def _softplus(expr: Expr) -> bool:
    """Return whether a logarithm is an activation, LN(1+EXP(x))."""
    inside = expr.args[0]
    return inside.op == "+" and {arg.op for arg in inside.args} == {"n", "EXP"}


def looks_like_loss(number: int, kept: dict[int, Expr]) -> bool:
    """Return whether a formula is a sum of squared or absolute differences, of logarithms, or of such columns."""

    def term(expr: Expr, depth: int) -> bool:
        if expr.op == "-" and all(arg.op == "v" for arg in expr.args):
            return False
        if expr.op in ("+", "-") and any(term(arg, depth) for arg in expr.args):
            return True
        if expr.op in ("*", "/"):
            # Two equal differences multiplied are a square.
            if expr.op == "*" and expr.args[0] is expr.args[1]:
                return term(expr.args[0], depth) or expr.args[0].op == "-"
            return any(term(arg, depth) for arg in expr.args if arg.op != "n") and \
                (expr.op == "*" or term(expr.args[0], depth))
        if expr.op == "neg":
            return term(expr.args[0], depth)
        if expr.op == "^":
            base = expr.args[0]
            return expr.args[1].op == "n" and expr.args[1].value == 2 and base.op in ("-", "v", "neg") and _mixed(base)
        if expr.op == "ABS":
            return expr.args[0].op == "-"
        if expr.op == "LN":
            return not _softplus(expr)
        if expr.op == "v" and depth < 3 and len(expr.value) == 2 and expr.value[0] in kept and expr.value[1] == 0:
            return term(kept[expr.value[0]], depth + 1)
        return False

    def _mixed(base: Expr) -> bool:
        return base.op == "-" or (base.op == "v" and base.value[0] in kept and kept[base.value[0]].op == "-") \
            or base.op == "neg"

    formula = kept[number]
    if formula.op == "SQRT":
        formula = formula.args[0]
    return term(formula, 0)

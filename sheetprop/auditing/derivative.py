"""Reverse-mode derivatives through the columns of a table row: the sheet's own forward formulas, differentiated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sheetprop.auditing.expressions import Expr, evaluate, places, shifted, walk
from sheetprop.auditing.grid import Place


class Graph:
    """The computed places of a row: each a formula over other places.

    Args:
        formulas: column -> its formula in a row; columns that are not here are given values.
    """

    def __init__(self, formulas: Mapping[int, Expr]) -> None:
        self.formulas = dict(formulas)
        self._order: dict[Place, list[Place]] = {}

    def formula(self, place: Place) -> Expr | None:
        """Return the formula of a place, or None where its value is given."""
        if len(place) != 2 or place[0] not in self.formulas:
            return None
        return shifted(self.formulas[place[0]], place[1])

    def order(self, goal: Place) -> list[Place]:
        """Return the places that `goal` needs, itself last, each after those that it reads.

        Raises:
            RecursionError: the formulas run in a circle.
        """
        known = self._order.get(goal)
        if known is not None:
            return known
        done: list[Place] = []
        state: dict[Place, int] = {}

        def visit(place: Place) -> None:
            if state.get(place) == 2:
                return
            if state.get(place) == 1 or len(state) > 3000:
                raise RecursionError
            state[place] = 1
            formula = self.formula(place)
            if formula is not None:
                for below in places(formula):
                    visit(below)
            state[place] = 2
            done.append(place)

        visit(goal)
        self._order[goal] = done
        return done

    def leaves(self, goal: Place) -> list[Place]:
        """Return the given places that `goal` depends on."""
        return [place for place in self.order(goal) if self.formula(place) is None]

    def with_formula(self, column: int, formula: Expr) -> Graph:
        """Return the graph with one column's formula exchanged."""
        return Graph({**self.formulas, column: formula})

    def run(self, goal: Place, values: dict[Place, Any]) -> Any:
        """Evaluate `goal`, keeping the value of every place on the way in `values`."""
        for place in self.order(goal):
            if place not in values:
                formula = self.formula(place)
                if formula is not None:
                    values[place] = evaluate(formula, values)
        return values[goal]

    def adjoints(self, goal: Place, values: dict[Place, Any], *, sizes: bool = False) -> dict[Place, Any]:
        """Return the derivative of `goal` with respect to every place that it depends on.

        Args:
            goal: what is differentiated.
            values: values of the places; those of computed places are added.
            sizes: add up absolute values instead, which gives the size of the terms.
        """
        self.run(goal, values)
        result: dict[Place, Any] = {goal: 1.0}
        for place in reversed(self.order(goal)):
            formula = self.formula(place)
            if formula is None or place not in result:
                continue
            backward(formula, values, result[place], result, sizes)
        return result


def backward(formula: Expr, values: Mapping[Place, Any], seed: Any, result: dict[Place, Any], sizes: bool) -> None:
    """Add the derivative of a formula, times `seed`, to `result` for each place that it reads."""
    memo: dict[Expr, Any] = {}
    evaluate(formula, values, memo)
    adjoint: dict[Expr, Any] = {formula: seed}
    for node in reversed(list(walk(formula))):
        if node not in adjoint:
            continue
        given = adjoint[node]
        if node.op == "v":
            result[node.value] = result[node.value] + given if node.value in result else given
            continue
        for arg, slope in zip(node.args, _slopes(node, memo), strict=True):
            if slope is None or arg.op == "n":
                continue
            part = given * (abs(slope) if sizes else slope)
            adjoint[arg] = adjoint[arg] + part if arg in adjoint else part


def _slopes(node: Expr, memo: dict[Expr, Any]) -> list[Any]:
    """Return the derivative of a node with respect to each of its operands; None where there is none."""
    import numpy as np

    op = node.op
    args = [memo[arg] for arg in node.args]
    own = memo[node]
    if op == "+":
        return [1.0, 1.0]
    if op == "-":
        return [1.0, -1.0]
    if op == "*":
        return [args[1], args[0]]
    if op == "/":
        return [np.divide(1.0, args[1]), -np.divide(own, args[1])]
    if op == "^":
        base, power = np.asarray(args[0], dtype=float), args[1]
        first = 2.0 * base if node.args[1].op == "n" and power == 2.0 else power * np.power(base, power - 1.0)
        return [first, None if node.args[1].op == "n" else own * np.log(base)]
    if op == "neg":
        return [-1.0]
    one: dict[str, Callable[[Any], Any]] = {
        "EXP": lambda _: own, "LN": lambda x: np.divide(1.0, x), "LOG10": lambda x: np.divide(0.4342944819032518, x),
           "SQRT": lambda _: np.divide(0.5, own), "ABS": np.sign, "TANH": lambda _: 1.0 - own * own, "SINH": np.cosh,
           "COSH": np.sinh, "SIN": np.cos, "COS": lambda x: -np.sin(x), "ATAN": lambda x: np.divide(1.0, 1.0 + x * x),
           "SIGN": lambda x: x * 0.0}
    if op in one:
        return [one[op](args[0])]
    if op == "MAX":
        first = np.asarray(args[0] > args[1], dtype=float)
        return [first, np.asarray(args[0] < args[1], dtype=float)]
    if op == "MIN":
        first = np.asarray(args[0] < args[1], dtype=float)
        return [first, np.asarray(args[0] > args[1], dtype=float)]
    if op == "IF":
        taken = np.asarray(np.asarray(args[0]) != 0, dtype=float)
        return [None, taken, 1.0 - taken]
    return [None] * len(args)

"""The derivative of a sheet's own formulas as formulas, written as a teacher would write them."""

from __future__ import annotations

from sheetprop.auditing.derivative import Graph
from sheetprop.auditing.expressions import Expr, at, make, number, walk
from sheetprop.auditing.grid import Place

ZERO, ONE = number(0), number(1)
MOST_NODES = 400


class NoDerivative(Exception):  # noqa: N818 - a formula beyond what is written out here, not a failure
    """The derivative cannot be written as a formula, or only as one that nobody would read."""


def product(one: Expr, other: Expr) -> Expr:
    """Return a product, factors of 1 and 0 settled and signs in front."""
    if ZERO in (one, other):
        return ZERO
    if one is ONE or other is ONE:
        return other if one is ONE else one
    if one.op == "neg" or other.op == "neg":
        inner = product(one.args[0] if one.op == "neg" else one, other.args[0] if other.op == "neg" else other)
        return inner if one.op == other.op else negative(inner)
    if one.op == other.op == "n":
        return number(one.value * other.value)
    if other.op == "n":
        one, other = other, one
    if other.op == "*":
        return product(product(one, other.args[0]), other.args[1])
    if one.op == "n" and other.op == "*" and other.args[0].op == "n":
        return product(number(one.value * other.args[0].value), other.args[1])
    if one.op == "/" and one.args[0] is ONE:
        return make("/", other, one.args[1])
    return make("*", one, other)


def negative(one: Expr) -> Expr:
    """Return the negative, a difference turned round."""
    if one.op == "neg":
        return one.args[0]
    if one.op == "n":
        return number(-one.value)
    if one.op == "-":
        return make("-", one.args[1], one.args[0])
    if one.op == "*":
        for index, arg in enumerate(one.args):
            if arg.op in ("-", "neg", "n", "*"):
                turned = negative(arg)
                if turned.op != "neg":
                    return product(turned, one.args[1]) if index == 0 else product(one.args[0], turned)
    return make("neg", one)


def total(one: Expr, other: Expr) -> Expr:
    """Return a sum."""
    if one is ZERO or other is ZERO:
        return other if one is ZERO else one
    if other.op == "neg":
        return make("-", one, other.args[0])
    return make("+", one, other)


def slopes(node: Expr) -> list[Expr | None]:
    """Return the derivative of a node with respect to each operand, as expressions; None where there is none.

    Raises:
        NoDerivative: the operation has no rule here.
    """
    op, args = node.op, node.args
    if op == "+":
        return [ONE, ONE]
    if op == "-":
        return [ONE, number(-1)]
    if op == "*":
        return [args[1], args[0]]
    if op == "/":
        return [make("/", ONE, args[1]), negative(make("/", args[0], make("^", args[1], number(2))))]
    if op == "^" and args[1].op == "n":
        power = args[1].value
        lower = args[0] if power == 2 else make("^", args[0], number(power - 1))
        return [product(number(power), lower), None]
    if op == "neg":
        return [number(-1)]
    if op == "EXP":
        return [node]
    if op == "LN":
        return [make("/", ONE, args[0])]
    if op == "SQRT":
        return [make("/", ONE, product(number(2), node))]
    if op == "TANH":
        return [make("-", ONE, make("^", node, number(2)))]
    if op == "ABS":
        return [make("SIGN", args[0])]
    if op == "SIN":
        return [make("COS", args[0])]
    if op == "COS":
        return [negative(make("SIN", args[0]))]
    if op == "IF":
        return [None, make("IF", args[0], ONE, ZERO), make("IF", args[0], ZERO, ONE)]
    if op == "MAX":
        return [make("IF", make(">", *args), ONE, ZERO), make("IF", make(">", args[1], args[0]), ONE, ZERO)]
    if op == "MIN":
        return [make("IF", make("<", *args), ONE, ZERO), make("IF", make("<", args[1], args[0]), ONE, ZERO)]
    raise NoDerivative(op)


def local(formula: Expr, own: Expr | None = None) -> dict[Place, Expr]:
    """Return the derivative of a formula with respect to each place that it reads.

    Args:
        formula: the formula.
        own: the value of the formula itself, which shortens the slopes of sigmoid and tanh.
    """
    if own is not None:
        inner = sigmoid_of(formula)
        if inner is not None:
            slope = make("*", own, make("-", ONE, own))
            return {place: product(slope, part) for place, part in local(inner).items()}
        if formula.op == "TANH":
            slope = make("-", ONE, make("^", own, number(2)))
            return {place: product(slope, part) for place, part in local(formula.args[0]).items()}
    found: dict[Expr, Expr] = {formula: ONE}
    result: dict[Place, Expr] = {}
    for node in reversed(walk(formula)):
        given = found.get(node)
        if given is None or given is ZERO or node.op == "n":
            continue
        if node.op == "v":
            result[node.value] = total(result[node.value], given) if node.value in result else given
            continue
        if not any(arg.op == "v" or arg.args for arg in node.args):
            continue
        for arg, one in zip(node.args, slopes(node), strict=True):
            if one is not None and arg.op != "n":
                part = product(given, one)
                found[arg] = total(found[arg], part) if arg in found else part
    return result


def sigmoid_of(formula: Expr) -> Expr | None:
    """Return x where a formula is 1/(1+EXP(-x)) or EXP(x)/(1+EXP(x)), else None."""
    if formula.op == "IF" and len(formula.args) == 3:
        # A guard against the overflow of EXP: IF(h<-708,0,1/(1+EXP(-h))).
        return sigmoid_of(formula.args[2]) if formula.args[1] is ZERO else None
    if formula.op != "/" or formula.args[1].op != "+":
        return None
    top, (one, two) = formula.args[0], formula.args[1].args
    if ONE not in (one, two):
        return None
    power = two if one is ONE else one
    if power.op != "EXP":
        return None
    if top is power:
        return power.args[0]
    if top is not ONE:
        return None
    inside = power.args[0]
    if inside.op == "neg":
        return inside.args[0]
    if inside.op == "*" and number(-1) in inside.args:
        return inside.args[1] if inside.args[0] is number(-1) else inside.args[0]
    return negative(inside) if inside.op in ("-", "*") else None


def derivative(graph: Graph, goal: Place, wrt: Place) -> Expr:
    """Return the derivative of a quantity as one formula over the columns on the way.

    Raises:
        NoDerivative: an operation has no rule here, or the formula would be longer than anybody reads.
    """
    found: dict[Place, Expr] = {goal: ONE}
    order = graph.order(goal)
    needed = {place for place in order if wrt in graph.order(place)}
    for place in reversed(order):
        formula = graph.formula(place)
        if formula is None or place not in found or place not in needed:
            continue
        for below, slope in local(formula, at(place)).items():
            if below not in needed:
                continue
            part = product(found[place], slope)
            found[below] = total(found[below], part) if below in found else part
            if len(walk(found[below])) > MOST_NODES:
                raise NoDerivative("too long")
    if wrt not in found:
        raise NoDerivative("does not depend on it")
    return found[wrt]


def summands(expr: Expr) -> list[Expr]:
    """Return the terms of a sum, each with its sign."""
    if expr.op == "+":
        return [*summands(expr.args[0]), *summands(expr.args[1])]
    if expr.op == "-":
        return [*summands(expr.args[0]), *(negative(one) for one in summands(expr.args[1]))]
    return [expr]

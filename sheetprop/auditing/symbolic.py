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
    """Return a product: numbers put together in front, a sign taken into a difference, a fraction as a divisor."""
    number_, divisor, factors = 1.0, 1.0, []
    stack = [other, one]
    while stack:
        part = stack.pop()
        if part.op == "n":
            number_ *= part.value
        elif part.op == "neg":
            number_ = -number_
            stack.append(part.args[0])
        elif part.op == "*":
            stack += [part.args[1], part.args[0]]
        elif part.op == "/" and part.args[1].op == "n" and part.args[1].value:
            divisor *= part.args[1].value
            stack.append(part.args[0])
        else:
            factors.append(part)
    if number_ == 0.0:
        return ZERO
    if number_ < 0:
        # A sign goes into the difference of two quantities, (t - a), or into the terms of a sum; else into 1 - a.
        turn = next((index for index, part in enumerate(factors) if part.op == "-"
                     and all(arg.op == "v" for arg in part.args)), None)
        if turn is None:
            turn = next((index for index, part in enumerate(factors) if part.op in ("+", "-")
                         and not any(arg.op == "n" for arg in part.args)), None)
        if turn is not None:
            number_ = -number_
            one, other = factors[turn].args
            factors[turn] = make("-", other, one) if factors[turn].op == "-" else \
                total(product(number(-1), one), product(number(-1), other))
    size = abs(number_)
    if size != 1.0 and divisor != 1.0:
        size, divisor = size / divisor, 1.0
    if not factors:
        signed = number(size if number_ > 0 else -size)
        return make("/", signed, number(divisor)) if divisor != 1.0 else signed
    found = factors[0] if size == 1.0 else make("*", number(size), factors[0])
    for part in factors[1:]:
        found = make("/", found, part.args[1]) if part.op == "/" and part.args[0] is ONE else make("*", found, part)
    found = make("/", found, number(divisor)) if divisor != 1.0 else found
    return make("neg", found) if number_ < 0 else found


def negative(one: Expr) -> Expr:
    """Return the negative, a difference turned round."""
    if one.op == "n":
        return number(-one.value)
    return product(number(-1), one)


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
        if args[1].op == "n":
            return [make("/", ONE, args[1]), None]
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

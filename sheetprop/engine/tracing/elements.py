"""What an expression can be besides a number: a truth value, text, nothing, an error, or one of two by a condition.

A truth value is a condition (an operation of `TRUTHS`). Text, blanks and errors are operations of
their own that are never printed: they become numbers, or are refused, where a number is wanted.
"""

from __future__ import annotations

from sheetprop.engine.grid.digits import bounds, near
from sheetprop.engine.grid.values import ExcelError, Value, compare, number_in
from sheetprop.engine.tracing.choosing import E, number

TRUTHS = frozenset(("compare", "all", "any", "not"))
_NO_NUMBERS = TRUTHS | {"blank", "text", "error", "mixed"}
_COMPARE = {"=": "==", "<>": "!=", "<": "<", ">": ">", "<=": "<=", ">=": ">="}
_TURNED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
_HOLDS = {"==": (0,), "!=": (-1, 1), "<": (-1,), ">": (1,), "<=": (-1, 0), ">=": (0, 1)}


_CHAIN = 500
BLANK = E("blank")


class Stuck(Exception):  # noqa: N818 - a signal: the formula has to be recalculated
    """An active cell goes into something that has no expression."""


def literal(value: Value) -> E:
    """Return what a cell holds, or a formula that depends on no input gives, as an expression."""
    if type(value) is float:
        return number(value)
    if type(value) is bool:
        return E("compare", (number(1.0), number(1.0 if value else 0.0)), "==")
    if type(value) is ExcelError:
        return E("error", text=str(value))
    return BLANK if value is None else E("text", text=str(value))


def is_number(e: E) -> bool:
    """Say whether an expression is a number whatever the inputs are."""
    return e.op not in _NO_NUMBERS


def plain(e: E) -> float | None:
    """Return the number that an expression is, or None where it is more than that."""
    try:
        return float(e.text.strip("()")) if e.op == "leaf" and not e.active else None
    except ValueError:
        return None


def once(e: E) -> E:
    """Mark an operation whose value is used several times, so that it is calculated once."""
    return e if e.op in ("leaf", "once") or not is_number(e) else E("once", (e,), active=e.active)


def added(parts: list[E]) -> E:
    """Return a sum from left to right; a long one is a chain of shorter ones, which Python can read."""
    result = E("sum", tuple(parts[:_CHAIN]))
    for start in range(_CHAIN, len(parts), _CHAIN):
        result = E("sum", (once(result), *parts[start:start + _CHAIN]))
    return result


def settled(condition: E) -> bool | None:
    """Return the truth of a condition that depends on nothing, else None."""
    if condition.op == "compare":
        left, right = map(plain, condition.args)
        return None if left is None or right is None else compare(left, right) in _HOLDS[condition.text]
    parts = [settled(part) for part in condition.args]
    if condition.op == "not":
        return None if parts[0] is None else not parts[0]
    decisive = condition.op == "any"
    if decisive in parts:
        return decisive
    return None if None in parts else not decisive


def either(condition: E, yes: E, no: E) -> E:
    """Return one of two expressions of any kind by a condition; only that one where it depends on nothing."""
    known = settled(condition)
    if known is not None:
        return yes if known else no
    return E("if" if is_number(yes) and is_number(no) else "mixed", (condition, yes, no))


def as_number(e: E) -> E:
    """Return an expression as an operand of arithmetic: blank is 0, TRUE is 1, numeric text is read.

    Raises:
        Stuck: it is, or can be, text or an error.
    """
    if is_number(e):
        return e
    if e.op == "mixed":
        return E("if", (e.args[0], as_number(e.args[1]), as_number(e.args[2])))
    if e.op == "error":
        raise Stuck(f"the error {e.text}")
    if e.op == "blank":
        return number(0.0)
    if e.op == "text":
        found = number_in(e.text)
        if found is None:
            raise Stuck("text")
        return number(found)
    known = settled(e)
    return E("if", (e, number(1.0), number(0.0))) if known is None else number(1.0 if known else 0.0)


def as_truth(e: E) -> E:
    """Return an expression as a condition.

    Raises:
        Stuck: it is, or can be, text or an error.
    """
    if e.op in TRUTHS:
        return e
    if e.op == "mixed":
        return _is_true(E("if", (e.args[0], *(as_number(as_truth(branch)) for branch in e.args[1:]))))
    if e.op == "text":
        if e.text.upper() not in ("TRUE", "FALSE"):
            raise Stuck("text")
        return literal(e.text.upper() == "TRUE")
    return _is_true(as_number(e))


def as_held(e: E) -> E:
    """Return an expression as a cell holds it: a number or a truth value; of one or the other, as a number.

    Raises:
        Stuck: it is, or can be, text (of a number too) or an error.
    """
    if e.op == "text":
        raise Stuck("text")
    if e.op == "mixed":
        return E("if", (e.args[0], *(as_number(as_held(branch)) for branch in e.args[1:])))
    return e if e.op in TRUTHS else as_number(e)


def read_back(leaf: E, truth: bool) -> E:
    """Return what a cell holds whose value a variable holds: a number, or a truth value as 1 or 0."""
    return _is_true(leaf) if truth else leaf


def _rank(e: E) -> int:
    return 2 if e.op in TRUTHS else 1 if e.op == "text" else 0


def compared(sign: str, left: E, right: E, exact: bool = True) -> E:
    """Return a comparison by one of Excel's signs: numbers before text before truth values.

    Unless it is `exact`, numbers are compared by 15 significant digits.

    Raises:
        Stuck: a side is an error.
    """
    for at, side in enumerate((left, right)):
        if side.op == "mixed":
            test, *branches = side.args
            yes, no = (compared(sign, branch, right, exact) if at == 0 else compared(sign, left, branch, exact)
                       for branch in branches)
            return as_truth(E("mixed", (test, yes, no)))
    if "text" in (left.op, right.op) and {left.op, right.op} <= {"text", "blank"}:
        return literal(compare(left.text, right.text) in _HOLDS[_COMPARE[sign]])
    ranks = [_rank(other if side is BLANK else side) for side, other in ((left, right), (right, left))]
    if ranks[0] != ranks[1]:
        return literal((-1 if ranks[0] < ranks[1] else 1) in _HOLDS[_COMPARE[sign]])
    left, right = as_number(left), as_number(right)
    return E("compare", (left, right), _COMPARE[sign]) if exact else _by_digits(_COMPARE[sign], left, right)


def _by_digits(sign: str, left: E, right: E) -> E:
    """Return a comparison of numbers by 15 digits; what is alike a known number lies between two others."""
    known = plain(right)
    if known is not None and (other := plain(left)) is not None:
        return E("compare", (number(near(other, known)), right), sign)
    if known is None and plain(left) is not None:
        left, right, known, sign = right, left, plain(left), _TURNED.get(sign, sign)
    if not isinstance(known, float):
        return E("compare", (E("near", (left, right)), right), sign)
    least, most = bounds(known)
    if least == most:
        return E("compare", (left, right), sign)
    if sign == "==":
        return E("all", (E("compare", (left, number(least)), ">="), E("compare", (left, number(most)), "<=")))
    if sign == "!=":
        return E("any", (E("compare", (left, number(least)), "<"), E("compare", (left, number(most)), ">")))
    return E("compare", (left, number(least if sign in ("<", ">=") else most)), sign)


def counted(e: E) -> tuple[E, E | None] | None:
    """Return what SUM and its kin see of an element of a range: a number, and the condition under which it is one.

    Returns:
        None for what is never a number; the condition is None for what always is one. Where the
        condition does not hold the number is 0.

    Raises:
        Stuck: the element is an error.
    """
    if is_number(e):
        return e, None
    if e.op == "error":
        raise Stuck(f"the error {e.text}")
    if e.op != "mixed":
        return None
    test, yes, no = e.args[0], counted(e.args[1]), counted(e.args[2])
    if yes is None and no is None:
        return None
    value = E("if", (test, yes[0] if yes else number(0.0), no[0] if no else number(0.0)))
    otherwise = E("not", (test,))
    if yes is None:
        return value, _both(otherwise, no)
    if no is None:
        return value, _both(test, yes)
    if yes[1] is None and no[1] is None:
        return value, None
    return value, _is_true(E("if", (test, *(as_number(literal(True) if one[1] is None else one[1])
                                           for one in (yes, no)))))


def _both(test: E, found: tuple[E, E | None] | None) -> E:
    """Return a condition, and behind it that of a number; the second is not looked at where the first fails."""
    if found is None or found[1] is None:
        return test
    return _is_true(E("if", (test, as_number(found[1]), number(0.0))))


def _is_true(e: E) -> E:
    return E("compare", (e, number(0.0)), "!=")

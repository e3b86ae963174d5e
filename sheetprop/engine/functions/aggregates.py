"""Sums, counts and extremes over ranges, with and without conditions."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator

from sheetprop.engine.functions import function
from sheetprop.engine.grid.operands import Areas, Array, Operand, Ref, as_rows, flat, numbers
from sheetprop.engine.grid.values import (
    DIV0,
    ERRORS,
    VALUE,
    ExcelError,
    Raised,
    Value,
    compare,
    finite,
    number_in,
    total,
)


@function("SUM", "r*")
def sum_function(*operands: Operand) -> float:
    return finite(total(numbers(operands)))


@function("PRODUCT", "r*")
def product(*operands: Operand) -> float:
    found = numbers([operand for operand in operands if operand is not None])
    return finite(math.prod(found)) if found else 0.0


@function("SUMSQ", "r*")
def sumsq(*operands: Operand) -> float:
    return finite(total([number * number for number in numbers(operands)]))


@function("AVERAGE", "r*")
def average(*operands: Operand) -> float:
    found = numbers(operands)
    if not found:
        raise Raised(DIV0)
    return finite(total(found) / len(found))


@function("MIN", "r*")
def minimum(*operands: Operand) -> float:
    return min(numbers(operands), default=0.0)


@function("MAX", "r*")
def maximum(*operands: Operand) -> float:
    return max(numbers(operands), default=0.0)


def numbers_and_text(operands: tuple[Operand, ...]) -> list[float]:
    """Return the numbers that AVERAGEA and its kin see: text in references is 0, TRUE is 1."""
    found: list[float] = []
    for operand in operands:
        if isinstance(operand, Ref | Array | Areas):
            for value in operand.flat():
                if type(value) is ExcelError:
                    raise Raised(value)
                found.append(float(value) if type(value) in (float, bool) else 0.0)  # type: ignore[arg-type]
        else:
            found.extend(numbers([operand]))
    return found


@function("AVERAGEA", "r*")
def averagea(*operands: Operand) -> float:
    found = numbers_and_text(operands)
    if not found:
        raise Raised(DIV0)
    return finite(total(found) / len(found))


@function("MINA", "r*")
def mina(*operands: Operand) -> float:
    return min(numbers_and_text(operands), default=0.0)


@function("MAXA", "r*")
def maxa(*operands: Operand) -> float:
    return max(numbers_and_text(operands), default=0.0)


@function("COUNT", "R*")
def count(*operands: Operand) -> float:
    found = 0
    for operand in operands:
        if isinstance(operand, Ref | Array | Areas):
            found += sum(1 for value in operand.flat() if type(value) is float)
        elif type(operand) in (float, bool) or operand is None or (
                type(operand) is str and number_in(operand) is not None):
            found += 1
    return float(found)


@function("COUNTA", "R*")
def counta(*operands: Operand) -> float:
    return float(sum(1 if operand is None else sum(1 for _ in flat(operand)) for operand in operands))


@function("COUNTBLANK", "f")
def countblank(operand: Operand) -> float:
    if not isinstance(operand, Ref):
        raise Raised(VALUE)
    filled = sum(1 for value in operand.flat() if value != "" or type(value) is not str)
    return float(operand.height * operand.width - filled)


@function("SUMPRODUCT", "a*")
def sumproduct(*operands: Operand) -> float:
    grids = [as_rows(_cut(operand, operands)) for operand in operands]
    shape = (len(grids[0]), len(grids[0][0]) if grids[0] else 0)
    for grid in grids:
        if (len(grid), len(grid[0]) if grid else 0) != shape:
            raise Raised(VALUE)
    result = 0.0
    for lines in zip(*grids, strict=True):
        for values in zip(*lines, strict=True):
            term = 1.0
            for value in values:
                if type(value) is ExcelError:
                    raise Raised(value)
                term *= value if type(value) is float else 0.0
            result += term
    return finite(result)


def _cut(operand: Operand, all_operands: tuple[Operand, ...]) -> Operand:
    """Cut whole-column references, all by the same amount."""
    refs = [one for one in all_operands if isinstance(one, Ref)]
    if not isinstance(operand, Ref) or len(refs) != len(all_operands) or operand.height * operand.width <= 100_000:
        return operand
    deepest = max(ref.sheet.used()[0] - ref.top + 1 for ref in refs)
    widest = max(ref.sheet.used()[1] - ref.left + 1 for ref in refs)
    return Ref(operand.sheet, operand.top, operand.left, min(operand.bottom, operand.top + max(deepest, 1) - 1),
               min(operand.right, operand.left + max(widest, 1) - 1))


_CONDITION = re.compile(r"(<=|>=|<>|<|>|=)?(.*)\Z", re.DOTALL)


def comparison(condition: Value) -> tuple[str, float] | None:
    """Return the sign and the number that a condition compares with; None where it asks for something else."""
    if type(condition) is float:
        return "=", condition
    if condition is None:
        return "=", 0.0
    matched = _CONDITION.match(condition) if type(condition) is str else None
    number = number_in(matched.group(2)) if matched is not None else None
    return None if matched is None or number is None else (matched.group(1) or "=", number)


def criterion(condition: Value) -> Callable[[Value], bool]:
    """Return the test that a condition of COUNTIF and its kin stands for: 5, ">=5", "a*", "<>", ..."""
    if type(condition) is bool:
        return lambda value: type(value) is bool and value == condition
    if type(condition) is float or condition is None:
        return _numeric("", condition or 0.0)
    if type(condition) is ExcelError:
        return lambda value: value == condition and type(value) is ExcelError
    matched = _CONDITION.match(str(condition))
    assert matched is not None
    sign, rest = matched.group(1) or "", matched.group(2)
    number = number_in(rest)
    if number is not None:
        return _numeric(sign, number)
    if rest.upper() in ("TRUE", "FALSE"):
        truth = rest.upper() == "TRUE"
        if sign == "<>":
            return lambda value: not (type(value) is bool and value == truth)
        return lambda value: type(value) is bool and value == truth
    if rest.upper() in ERRORS and sign in ("", "="):
        return lambda value: type(value) is ExcelError and value == rest.upper()
    if rest == "":
        if sign == "=":
            return lambda value: value is None
        if sign == "<>":
            return lambda value: value is not None
        return (lambda value: value is None or value == "") if sign == "" else (lambda _value: False)
    if sign in ("", "=", "<>"):
        pattern = wildcard(rest)
        if sign == "<>":
            return lambda value: not (type(value) is str and pattern.match(value) is not None)
        return lambda value: type(value) is str and pattern.match(value) is not None
    return _ordered(sign, rest)


def _numeric(sign: str, number: float) -> Callable[[Value], bool]:
    """Return a test against a number; text that spells it equals it, but is neither less nor more, and not by <>."""
    def equals(value: Value) -> bool:
        return value == number if type(value) is float else type(value) is str and number_in(value) == number

    if sign in ("", "="):
        return equals
    if sign == "<>":
        return lambda value: type(value) is not float or value != number
    if sign == "<":
        return lambda value: type(value) is float and value < number
    if sign == ">":
        return lambda value: type(value) is float and value > number
    if sign == "<=":
        return lambda value: type(value) is float and value <= number
    return lambda value: type(value) is float and value >= number


def _ordered(sign: str, text: str) -> Callable[[Value], bool]:
    if sign == "<":
        return lambda value: type(value) is str and compare(value, text) < 0
    if sign == ">":
        return lambda value: type(value) is str and compare(value, text) > 0
    if sign == "<=":
        return lambda value: type(value) is str and compare(value, text) <= 0
    return lambda value: type(value) is str and compare(value, text) >= 0


def wildcard(text: str) -> re.Pattern[str]:
    """Return the pattern for text with ``*``, ``?`` and ``~`` as Excel reads them, case ignored."""
    pieces: list[str] = []
    at = 0
    while at < len(text):
        letter = text[at]
        if letter == "~" and at + 1 < len(text) and text[at + 1] in "*?~":
            pieces.append(re.escape(text[at + 1]))
            at += 2
            continue
        if letter == "*":
            if not pieces or pieces[-1] != ".*":
                pieces.append(".*")
        else:
            pieces.append("." if letter == "?" else re.escape(letter))
        at += 1
    return re.compile("".join(pieces) + r"\Z", re.IGNORECASE | re.DOTALL)


def _selected(target: Operand, pairs: tuple[Operand, ...]) -> Iterator[Value]:
    """Yield the values of `target` where all (range, condition) pairs hold; blanks below what is used are left out."""
    grids, tests = _tested(target, pairs)
    for lines in zip(*grids, strict=True):
        for values in zip(*lines, strict=True):
            if all(test(value) for test, value in zip(tests, values, strict=False)):
                yield values[-1]


def _tested(target: Operand, pairs: tuple[Operand, ...]) -> tuple[
        list[list[list[Value]]], list[Callable[[Value], bool]]]:
    """Return the values of the tested ranges and of `target`, as far as they can hold any, and the tests."""
    if len(pairs) % 2:
        raise Raised(VALUE)
    ranges = pairs[::2]
    tests = [criterion(condition) for condition in pairs[1::2]]  # type: ignore[arg-type]
    first = ranges[0]
    if not isinstance(first, Ref | Array) or not isinstance(target, Ref | Array):
        raise Raised(VALUE)
    height, width = first.height, first.width
    if isinstance(target, Ref) and (target.height, target.width) != (height, width):
        raise Raised(VALUE)
    deepest, widest = height, width
    if height * width > 100_000:
        refs = [one for one in (*ranges, target) if isinstance(one, Ref)]
        deepest = max(1, min(height, max(ref.sheet.used()[0] - ref.top + 1 for ref in refs)))
        widest = max(1, min(width, max(ref.sheet.used()[1] - ref.left + 1 for ref in refs)))
    grids: list[list[list[Value]]] = []
    for one in (*ranges, target):
        if not isinstance(one, Ref | Array) or (one.height, one.width) != (height, width):
            raise Raised(VALUE)
        grids.append(Ref(one.sheet, one.top, one.left, one.top + deepest - 1, one.left + widest - 1).rows()
                     if isinstance(one, Ref) else one.rows())
    return grids, tests


def _resized(target: Operand, like: Operand) -> Operand:
    """Return the sum range of SUMIF: its top left cell, in the size of the tested range."""
    if isinstance(target, Ref) and isinstance(like, Ref):
        return Ref(target.sheet, target.top, target.left, target.top + like.height - 1, target.left + like.width - 1)
    return target


def _only_numbers(values: Iterator[Value]) -> list[float]:
    found: list[float] = []
    for value in values:
        if type(value) is float:
            found.append(value)
        elif type(value) is ExcelError:
            raise Raised(value)
    return found


@function("COUNTIF", "fe")
def countif(tested: Operand, condition: Value) -> float:
    if not isinstance(tested, Ref | Array):
        raise Raised(VALUE)
    test = criterion(condition)
    found = sum(1 for value in tested.flat() if test(value))
    if isinstance(tested, Ref) and test(None):
        found += tested.height * tested.width - sum(1 for _ in tested.flat())
    return float(found)


@function("COUNTIFS", "fe*2")
def countifs(*pairs: Operand) -> float:
    grids, tests = _tested(pairs[0], pairs)
    found = sum(all(test(value) for test, value in zip(tests, values, strict=False))
                for lines in zip(*grids, strict=True) for values in zip(*lines, strict=True))
    first = pairs[0]
    if isinstance(first, Ref) and all(test(None) for test in tests):  # and the blanks below what is used
        found += first.height * first.width - len(grids[0]) * len(grids[0][0])
    return float(found)


@function("SUMIF", "fe|f")
def sumif(tested: Operand, condition: Value, target: Operand = None) -> float:
    chosen = tested if target is None else _resized(target, tested)
    return finite(total(_only_numbers(_selected(chosen, (tested, condition)))))


@function("SUMIFS", "ffe*2")
def sumifs(target: Operand, *pairs: Operand) -> float:
    return finite(total(_only_numbers(_selected(target, pairs))))


@function("AVERAGEIF", "fe|f")
def averageif(tested: Operand, condition: Value, target: Operand = None) -> float:
    chosen = tested if target is None else _resized(target, tested)
    return _mean(_only_numbers(_selected(chosen, (tested, condition))))


@function("AVERAGEIFS", "ffe*2")
def averageifs(target: Operand, *pairs: Operand) -> float:
    return _mean(_only_numbers(_selected(target, pairs)))


def _mean(found: list[float]) -> float:
    if not found:
        raise Raised(DIV0)
    return finite(total(found) / len(found))


@function("MINIFS", "ffe*2")
def minifs(target: Operand, *pairs: Operand) -> float:
    return min(_only_numbers(_selected(target, pairs)), default=0.0)


@function("MAXIFS", "ffe*2")
def maxifs(target: Operand, *pairs: Operand) -> float:
    return max(_only_numbers(_selected(target, pairs)), default=0.0)

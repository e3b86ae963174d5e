"""Functions of a list with headings, of which only the rows count that meet criteria: DSUM and its kin."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from sheetprop.engine.functions import function
from sheetprop.engine.functions.aggregates import criterion, wildcard
from sheetprop.engine.grid.operands import Operand, Ref
from sheetprop.engine.grid.values import (
    DIV0,
    NUM,
    VALUE,
    ExcelError,
    Raised,
    Value,
    finite,
    number_in,
    to_number,
    to_text,
    total,
)
from sheetprop.engine.scope.context import Context

Condition = Callable[[int, list[Value]], bool]


def _heading(value: Value) -> str:
    return "" if type(value) is ExcelError else to_text(value).strip().casefold()


def _column(headings: list[str], field: Value) -> int:
    """Return the place of a field that is named or counted from 1."""
    if type(field) is ExcelError:
        raise Raised(field)
    if isinstance(field, str):
        if field.strip().casefold() in headings:
            return headings.index(field.strip().casefold())
        if number_in(field) is None:
            raise Raised(VALUE)
    at = math.trunc(to_number(field))
    if not 1 <= at <= len(headings):
        raise Raised(VALUE)
    return at - 1


def _meets(wanted: Value) -> Callable[[Value], bool]:
    """Return the test that a criterion stands for; text without a sign asks for what begins with it."""
    if isinstance(wanted, str) and type(wanted) is not ExcelError and wanted[:1] not in ("<", ">", "=") \
            and number_in(wanted) is None and wanted.upper() not in ("TRUE", "FALSE"):
        begins = wildcard(wanted + "*")
        return lambda value: type(value) is str and begins.match(value) is not None
    return criterion(wanted)


def _computed(context: Context, ref: Ref, row: int, column: int) -> Condition | None:
    """Return the condition of a criterion that is a formula about the first row, moved down for the others."""
    family = ref.sheet.family_at(row, column)
    closure = family.cache.get("closure") if family is not None else None
    if closure is None:
        return None
    return lambda at, _record: _holds(closure(Context(context.space, ref.sheet, row + at, column)))


def _holds(value: Value) -> bool:
    return type(value) in (bool, float) and bool(value)


def _alternatives(context: Context, headings: list[str], criteria: Operand) -> list[list[Condition]]:
    """Return the criteria: a record must meet all conditions of one of the lines."""
    if not isinstance(criteria, Ref) or criteria.height < 2:
        raise Raised(VALUE)
    first, *lines = criteria.clipped().rows()
    names = [_heading(value) for value in first]
    found: list[list[Condition]] = []
    for down in range(criteria.height - 1):
        line = lines[down] if down < len(lines) else [None] * len(names)
        conditions: list[Condition] = []
        for across, (name, wanted) in enumerate(zip(names, line, strict=True)):
            if wanted is None or wanted == "":
                continue
            if name in headings and name:
                conditions.append(_of_field(headings.index(name), _meets(wanted)))
                continue
            computed = _computed(context, criteria, criteria.top + 1 + down, criteria.left + across)
            conditions.append(computed or _constant(wanted))
        found.append(conditions)
        if down >= len(lines):
            break  # all that follow are blank too
    return found


def _of_field(place: int, test: Callable[[Value], bool]) -> Condition:
    return lambda _at, record: test(record[place])


def _constant(wanted: Value) -> Condition:
    return lambda _at, _record: _holds(wanted)


def _kept(context: Context, database: Operand, field: Value, criteria: Operand) -> Iterator[Value]:
    """Yield the values of a field (the whole record's existence where it is None) of the records that meet criteria."""
    if not isinstance(database, Ref):
        raise Raised(VALUE)
    first, *records = database.clipped().rows()
    if database.height < 2:
        raise Raised(VALUE)
    headings = [_heading(value) for value in first]
    place = None if field is None else _column(headings, field)
    alternatives = _alternatives(context, headings, criteria)
    for at, record in enumerate(records):
        if any(all(condition(at, record) for condition in conditions) for conditions in alternatives):
            yield 1.0 if place is None else record[place]


def _numbers(context: Context, database: Operand, field: Value, criteria: Operand) -> list[float]:
    if field is None:
        raise Raised(VALUE)
    found: list[float] = []
    for value in _kept(context, database, field, criteria):
        if type(value) is ExcelError:
            raise Raised(value)
        if type(value) is float:
            found.append(value)
    return found


def _variance(found: list[float], lost: int) -> float:
    if len(found) <= lost:
        raise Raised(DIV0)
    mean = total(found) / len(found)
    return total([(number - mean) ** 2 for number in found]) / (len(found) - lost)


def _average(found: list[float]) -> float:
    if not found:
        raise Raised(DIV0)
    return total(found) / len(found)


_OF_NUMBERS: dict[str, Callable[[list[float]], float]] = {
    "DSUM": total, "DAVERAGE": _average,
    "DMAX": lambda found: max(found, default=0.0), "DMIN": lambda found: min(found, default=0.0),
    "DPRODUCT": lambda found: math.prod(found) if found else 0.0,
    "DVAR": lambda found: _variance(found, 1), "DVARP": lambda found: _variance(found, 0),
    "DSTDEV": lambda found: math.sqrt(_variance(found, 1)), "DSTDEVP": lambda found: math.sqrt(_variance(found, 0)),
}


def _enter(name: str, compute: Callable[[list[float]], float]) -> None:
    def run(context: Context, database: Operand, field: Value, criteria: Operand) -> float:
        return finite(compute(_numbers(context, database, field, criteria)))

    function(name, "rer", context=True)(run)


for _name, _compute in _OF_NUMBERS.items():
    _enter(_name, _compute)


@function("DCOUNT", "rer", context=True)
def dcount(context: Context, database: Operand, field: Value, criteria: Operand) -> float:
    return float(sum(type(value) is float for value in _kept(context, database, field, criteria)))


@function("DCOUNTA", "rer", context=True)
def dcounta(context: Context, database: Operand, field: Value, criteria: Operand) -> float:
    return float(sum(value is not None for value in _kept(context, database, field, criteria)))


@function("DGET", "rer", context=True)
def dget(context: Context, database: Operand, field: Value, criteria: Operand) -> Value:
    if field is None:
        raise Raised(VALUE)
    found = list(_kept(context, database, field, criteria))
    if not found:
        raise Raised(VALUE)
    if len(found) > 1:
        raise Raised(NUM)
    return found[0]

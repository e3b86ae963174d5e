"""Text to arrays and back: splitting by delimiters, and arrays as text."""

from __future__ import annotations

import math

from sheetprop.engine.functions import function
from sheetprop.engine.functions.arrays import result
from sheetprop.engine.grid.operands import Operand, as_rows
from sheetprop.engine.grid.values import CALC, NA, VALUE, ExcelError, Raised, Value, to_text

Found = list[tuple[int, int]]


def _texts(operand: Operand) -> list[str]:
    return [to_text(value) for line in as_rows(operand) for value in line]


def _occurrences(text: str, delimiters: list[str], ignore_case: bool) -> Found:
    """Return where delimiters stand, as (start, end), from left to right; of two at one place the longer one."""
    where = text.lower() if ignore_case else text
    wanted = sorted((one.lower() if ignore_case else one for one in delimiters), key=len, reverse=True)
    found: Found = []
    at = 0
    while at < len(where):
        length = next((len(one) for one in wanted if one and where.startswith(one, at)), 0)
        if length:
            found.append((at, at + length))
        at += max(length, 1)
    return found


def _pieces(text: str, delimiters: list[str], ignore_case: bool, ignore_empty: bool) -> list[str]:
    pieces: list[str] = []
    at = 0
    for start, end in _occurrences(text, delimiters, ignore_case):
        pieces.append(text[at:start])
        at = end
    pieces.append(text[at:])
    return [piece for piece in pieces if piece] if ignore_empty else pieces


@function("TEXTSPLIT", "ta|abne", empty_is_none=True)
def textsplit(text: str, columns: Operand, rows: Operand = None, ignore_empty: bool = False, mode: float = 0.0,
              pad: Value = NA) -> Operand:
    across = [] if columns is None else _texts(columns)
    down = [] if rows is None else _texts(rows)
    if not across + down or "" in across + down or mode not in (0.0, 1.0):
        raise Raised(VALUE)
    lines = _pieces(text, down, mode == 1, ignore_empty) if down else [text]
    grid: list[list[Value]] = [list(_pieces(line, across, mode == 1, ignore_empty)) if across else [line]
                               for line in lines]
    if ignore_empty:
        grid = [line for line in grid if line]
    if not grid:
        raise Raised(CALC)
    width = max(map(len, grid))
    return result([line + [pad] * (width - len(line)) for line in grid])


def _cut(text: str, delimiters: list[str], instance: float | None, mode: float,
         match_end: float) -> tuple[int, int] | None:
    """Return where the delimiter number `instance` stands, counted from the end where that is negative."""
    which = 1 if instance is None else math.floor(instance)
    if which == 0 or mode not in (0.0, 1.0) or match_end not in (0.0, 1.0):
        raise Raised(VALUE)
    if instance is not None and text and (abs(which) > len(text) or min(map(len, delimiters)) > len(text)):
        raise Raised(VALUE)
    if "" in delimiters:
        return (0, 0) if which > 0 else (len(text), len(text))
    found = _occurrences(text, delimiters, mode == 1)
    if match_end:
        found = [*found, (len(text), len(text))] if which > 0 else [(0, 0), *found]
    if abs(which) > len(found):
        return None
    return found[which - 1 if which > 0 else which]


def _or_else(value: Value) -> Value:
    return "" if value is None else value


@function("TEXTBEFORE", "ta|nnne", empty_is_none=True)
def textbefore(text: str, delimiters: Operand, instance: float | None = None, mode: float = 0.0,
               match_end: float = 0.0, otherwise: Value = NA) -> Value:
    place = _cut(text, _texts(delimiters), instance, mode, match_end)
    return _or_else(otherwise) if place is None else text[:place[0]]


@function("TEXTAFTER", "ta|nnne", empty_is_none=True)
def textafter(text: str, delimiters: Operand, instance: float | None = None, mode: float = 0.0,
              match_end: float = 0.0, otherwise: Value = NA) -> Value:
    place = _cut(text, _texts(delimiters), instance, mode, match_end)
    return _or_else(otherwise) if place is None else text[place[1]:]


def _shown(value: Value, strict: bool) -> str:
    if type(value) is ExcelError:
        return str(value)
    if strict and type(value) is str:
        return '"' + value.replace('"', '""') + '"'
    return to_text(value)


def _is_strict(form: float) -> bool:
    if int(form) not in (0, 1):
        raise Raised(VALUE)
    return int(form) == 1


@function("ARRAYTOTEXT", "A|n")
def arraytotext(operand: Operand, form: float = 0.0) -> str:
    strict = _is_strict(form)
    rows = [[operand]] if type(operand) is ExcelError else as_rows(operand)
    lines = [[_shown(value, strict) for value in line] for line in rows]
    text = "{" + ";".join(map(",".join, lines)) + "}" if strict else ", ".join(map(", ".join, lines))
    if len(text) > 32_767:
        raise Raised(VALUE)
    return text


@function("VALUETOTEXT", "e|n")
def valuetotext(value: Value, form: float = 0.0) -> str:
    return _shown(value, _is_strict(form))

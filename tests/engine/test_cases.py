"""Small workbooks made after public bug reports, each beside the values that Excel gives."""

from __future__ import annotations

import ast
import csv
import functools
import math
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

import sheetprop
from sheetprop.engine.grid.values import Value

# Where the case says otherwise, on purpose: INDEX(A:A,MATCH(B3,B:B,0)) in A3 reads the row that MATCH finds, not A3.
# The report has rows that find themselves, and there the circle is real; with these rows none is read.
OTHERWISE = frozenset(("r047 S!A3", "r047 S!A4"))

# Beside the checkout, or beside the one that a worktree belongs to.
CASES = next((folder for above in Path(__file__).resolve().parents[3:]
              if (folder := above / "shared" / "cases" / "engine").is_dir()), Path("shared/cases/engine"))

# What is not right yet; this set may only shrink.
KNOWN: frozenset[str] = frozenset()


def cases() -> Iterator[tuple[str, str, str, str]]:
    """Yield (file, sheet, cell, right value as a Python literal) of every case."""
    with (CASES / "expected.tsv").open(encoding="utf-8", newline="") as lines:
        for line in list(csv.reader(lines, delimiter="\t"))[1:]:
            yield line[0], line[1], line[2], line[4]


@functools.cache
def calculated(file: str) -> sheetprop.Book:
    """Return a case's workbook, calculated."""
    book = sheetprop.open(CASES / file)
    book.calculate()
    return book


def same(found: Value, literal: str) -> bool:
    """Say whether a value is the right one: numbers to 9 digits, or to as many as are given."""
    right = ast.literal_eval(literal)
    if isinstance(found, bool) or isinstance(right, bool) or found is None or right is None:
        return found is right
    if type(found) is float and isinstance(right, int | float):
        given = Decimal(literal).normalize().as_tuple()
        short = isinstance(given.exponent, int) and given.exponent < 0 and len(given.digits) < 10
        allowed = 10.0 ** int(given.exponent) if short else 0.0
        return math.isclose(found, float(right), rel_tol=1e-9, abs_tol=allowed if right else 0.0)
    return isinstance(right, str) and str(found) == right


@pytest.mark.skipif(not CASES.is_dir(), reason="the folder shared/cases/engine is not there")
def test_cells_hold_what_excel_shows() -> None:
    wrong: dict[str, str] = {}
    number = 0
    for file, sheet, cell, right in cases():
        found = calculated(file)[sheet][cell]
        number += 1
        if not same(found, right):
            wrong[f"{file.removesuffix('.xlsx')} {sheet}!{cell}"] = f"{found!r} instead of {right!r}"
    assert number > 300
    assert {place: wrong[place] for place in wrong if place not in KNOWN | OTHERWISE} == {}
    assert sorted(KNOWN - set(wrong)) == [], "these are right now: take them out of KNOWN"

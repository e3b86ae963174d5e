"""Rows that are not like the others: pasted numbers, other formulas, blanks, text, errors, stale values."""

from __future__ import annotations

import re
from typing import Any

from sheetprop.auditing.claims import Bench
from sheetprop.auditing.derivative import backward
from sheetprop.auditing.expressions import Expr, Reading, Unknown, evaluate, places, show
from sheetprop.auditing.finding import Finding
from sheetprop.auditing.grid import Grid
from sheetprop.auditing.labels import kind_of
from sheetprop.auditing.roles import Roles
from sheetprop.auditing.sample_points import Values, differs
from sheetprop.auditing.tables import Column, Table, spans
from sheetprop.engine.formula.parse import parse
from sheetprop.engine.formula.references import address, area_at
from sheetprop.engine.grid.values import ExcelError
from sheetprop.errors import SheetpropError


def columns_that_count(roles: Roles) -> list[int]:
    """Return the computed columns that belong to a network: weights, forward, gradients."""
    numbers = {*roles.forward, *roles.backward, *(w.column.number for w in roles.weights)}
    for weight in roles.weights:
        if weight.update is not None:
            numbers |= {int(p[0]) for p in places(weight.update) if len(p) == 2}
    numbers |= {n for n, c in roles.table.columns.items() if c.label and kind_of(c.label)[0] in _KNOWN}
    return sorted(n for n in numbers if n in roles.table.columns)


_KNOWN = frozenset(["weight", "bias", "input", "target", "sum", "activation", "error", "total", "gradient"])


def row_findings(bench: Bench) -> list[Finding]:
    """Return the rows in which a column holds something else than its formula."""
    roles = bench.roles
    table = roles.table
    odd: dict[tuple[str, tuple[int, ...]], list[int]] = {}
    counted = columns_that_count(roles)
    starts = [n for n in counted if table.columns[n].others.get(table.first) == "constant"]
    initial = len(starts) >= 0.8 * len(counted)
    for number in counted:
        column = table.columns[number]
        if column.mixed and (number in roles.states or number not in roles.forward
                             or set(column.others.values()) != {"formula"}):
            continue
        by_kind: dict[str, list[int]] = {}
        for row, kind in column.others.items():
            if row == table.first and (initial or number in roles.states or number in roles.carried or kind == "blank"):
                continue
            if kind == "formula" and (_same(bench, column, row) or _is_repaired(bench, column, row)):
                continue
            by_kind.setdefault(kind, []).append(row)
        for kind, rows in by_kind.items():
            odd.setdefault((kind, tuple(sorted(rows))), []).append(number)
    return [_odd(bench, kind, list(rows), numbers) for (kind, rows), numbers in odd.items()]


def _same(bench: Bench, column: Column, row: int) -> bool:
    """Return whether another formula in a row means the same as the column's."""
    roles = bench.roles
    table = roles.table
    try:
        other = Reading(table.grid, table.grid.book.names).expr(column.trees[row], row, column.number)
    except Unknown:
        other = None
    values = Values(table, [row])
    if row == table.first and column.expr is not None:
        value = table.value(row, column.number)
        wanted = evaluate(column.expr, values)
        if type(value) is float and not differs(value, wanted, abs(value)).any():
            return True
    if other is None or column.expr is None:
        return other is column.expr
    drawn = Values(table, bench.far.rows, "all", bench.far.leaves)
    given: dict[Any, Any] = {}
    for index, place in enumerate(dict.fromkeys([*places(column.expr), *places(other)])):
        given[place] = drawn[place] if len(place) == 2 else 0.37 + 0.01 * index
    return not differs(evaluate(column.expr, given), evaluate(other, given), 1.0).any()


def _is_repaired(bench: Bench, column: Column, row: int) -> bool:
    """Return whether a row already has what the column's formula should be."""
    repaired = bench.repaired.get(column.number)
    if repaired is None:
        return False
    table = bench.roles.table
    try:
        return Reading(table.grid, table.grid.book.names).expr(column.trees[row], row, column.number) is repaired
    except Unknown:
        return False


def _odd(bench: Bench, kind: str, rows: list[int], numbers: list[int]) -> Finding:
    table = bench.roles.table
    cells = table.grid.merged(table.cells(number, rows) for number in numbers) if len(rows) < 40 else \
        table.grid.merged(table.grid.span(a, b, n) for a, b in spans(rows) for n in numbers)
    column = table.columns[numbers[0]]
    labels = [table.columns[n].label or table.columns[n].title for n in numbers]
    claim = ", ".join(labels) if len(labels) <= 4 else f"{labels[0]} to {labels[-1]}"
    row = rows[0]
    own = table.grid.formula(row, column.number) or ""
    repaired = bench.repaired.get(column.number)
    good = [line for line in range(column.first, column.last + 1) if line not in column.others]
    # The nearest row above that has the formula, else below.
    above = max((line for line in good if line < row), default=good[0] if good else column.first)
    expected = "=" + show(repaired, row, table.grid) if repaired is not None else \
        table.grid.formula_text(column.tree, row, column.number) if column.tree is not None else ""
    direction = "down" if above < row else "up"
    repair = f"write {expected}, the repaired formula" if repaired is not None else \
        f"fill the formula of {table.grid.line} {above} {direction}" if not table.grid.turned else \
        f"fill the formula of {table.grid.spell(above, column.number)} across"
    wrong = _other_formula(table, column, row, repaired or column.expr) if kind == "formula" else {
        "constant": "a pasted number where every other row has a formula",
        "blank": "blank where every other row has a formula", "text": "text where every other row has a formula"}[kind]
    finding = Finding("constant" if kind == "constant" else "rows", table.grid.name, cells, claim, wrong, computes=own,
                      expected=expected, repair=repair,
                      rows_wrong=len(rows), rows=table.rows)
    return finding


def _other_formula(table: Table, column: Column, row: int, right: Expr | None) -> str:
    """Say how a row's formula differs: it reads another row, or it is another formula."""
    try:
        other = Reading(table.grid, table.grid.book.names).expr(column.trees[row], row, column.number)
    except Unknown:
        return "another formula than in the other rows"
    if right is not None:
        mine, usual = places(other), places(right)
        pairs = [(a, b) for a, b in zip(mine, usual, strict=False) if a != b]
        if len(mine) == len(usual) and pairs and all(len(a) == len(b) == 2 and a[0] == b[0] for a, b in pairs):
            grid = table.grid
            return "it reads another row, which is another quantity: " + "; ".join(
                f"{grid.spell(row + int(a[1]), int(a[0]))} where {grid.spell(row + int(b[1]), int(b[0]))} belongs"
                for a, b in pairs)
    return "another formula than in the other rows"


def constant_columns(roles: Roles) -> list[Finding]:
    """Return columns of numbers where formulas belong: their labels say what is computed in the others."""
    table = roles.table
    computed = {kind_of(column.label)[0] for column in table.columns.values() if column.label}
    read = {weight.gradient.number for weight in roles.weights if weight.gradient is not None}
    found: list[Finding] = []
    for number, column in table.constants.items():
        kind = kind_of(column.label)[0] if column.label else ""
        if number not in read and (kind not in ("sum", "activation", "error", "total", "gradient")
                                   or (kind not in computed and kind != "total")):
            continue
        values = [table.value(row, number) for row in range(table.first, table.last + 1)]
        numbers = [value for value in values if type(value) is float]
        if len(numbers) < 0.8 * len(values) or len(numbers) < 3:
            continue
        cells = table.grid.span(table.first, table.last, number)
        found.append(Finding("constant", table.grid.name, cells, column.label,
                             "a column of pasted numbers where formulas belong",
                             rows_wrong=len(numbers), rows=table.rows))
    return found


def error_findings(bench: Bench) -> list[Finding]:
    """Return the first error cells: those that read no other error."""
    roles = bench.roles
    table = roles.table
    first: dict[int, tuple[int, str]] = {}
    for number in columns_that_count(roles):
        for row in range(table.first, table.last + 1):
            value = table.value(row, number)
            if isinstance(value, ExcelError) and not _unknown_here(table.grid, *table.grid.turn(row, number), value):
                first[number] = (row, str(value))
                break
    if not first:
        return []
    top = min(row for row, _ in first.values())
    roots = []
    for number, (row, code) in first.items():
        if row != top:
            continue
        expr = table.columns[number].expr
        reads = [(row + int(p[1]), int(p[0])) for p in places(expr) if len(p) == 2] if expr is not None else []
        if not any(isinstance(table.value(r, c), ExcelError) for r, c in reads if r >= 1):
            roots.append((number, code))
    return [Finding("error", table.grid.name, table.grid.spell(top, number), table.columns[number].label,
                    f"it is {code}, and what depends on it is too",
                    computes=table.grid.formula(top, number) or "")
            for number, code in roots]


def errors_beside(grid: Grid, reported: set[str], tables: list[Table]) -> list[Finding]:
    """Return the error cells of a sheet with a training table that read no other error and are not reported yet.

    Args:
        grid: the sheet.
        reported: cells, as the sheet calls them, that a finding names already.
        tables: the training tables, whose own errors follow from what is said of them.
    """
    found: list[Finding] = []
    wrong: dict[tuple[int, int], str] = {}
    for row, column, value, formula in grid.cells():
        if isinstance(value, ExcelError) and formula is not None and not _unknown_here(grid, row, column, value) \
                and not re.search(r"\bNA\(", formula, re.IGNORECASE) and _can_be_read(formula):
            wrong[row, column] = formula
    if not wrong or reported & {grid.spell(*grid.turn(*spot)) for spot in wrong}:
        # What follows from an error that is reported is not told again.
        return []
    for (row, column), formula in wrong.items():
        if any(table.first <= grid.turn(row, column)[0] <= table.last and table.columns.get(grid.turn(row, column)[1])
               for table in tables):
            continue
        reads = {spot for text in re.findall(r"\$?[A-Z]{1,3}\$?\d+(?::\$?[A-Z]{1,3}\$?\d+)?", formula)
                 for spot in _cells_of(text)}
        if reads & wrong.keys():
            continue
        cell = address(row, column)
        found.append(Finding("error", grid.name, cell, "", f"it is {grid.value(*grid.turn(row, column))}",
                             computes=formula))
        if len(found) == 20:
            break
    return found


def _can_be_read(formula: str) -> bool:
    """Return whether a formula is one: notes that begin with = get into files too."""
    try:
        parse(formula.removeprefix("="))
    except SheetpropError:
        return False
    return True


def _cells_of(text: str) -> set[tuple[int, int]]:
    top, left, bottom, right = area_at(text)
    if (bottom - top + 1) * (right - left + 1) > 10_000:
        return set()
    return {(row, column) for row in range(top, bottom + 1) for column in range(left, right + 1)}


def _unknown_here(grid: Grid, row: int, column: int, value: ExcelError) -> bool:
    """Return whether a name may be unknown to this engine only: the program that stored the file did not say so."""
    return str(value) == "#NAME?" and not isinstance(grid.stored_value(*grid.turn(row, column)), ExcelError)


def stored_findings(table: Table) -> list[Finding]:
    """Return cells whose stored value is not what their formula gives from the values stored beside it."""
    import numpy as np

    found: list[Finding] = []
    stored = table.grid.stored_value
    rows = list(range(table.first, table.last + 1))
    for number, column in table.columns.items():
        if column.expr is None or column.mixed:
            continue
        mine = [row for row in rows if row not in column.others and column.first <= row <= column.last
                and type(stored(row, number)) is float]
        if not mine:
            continue
        values: dict[Any, Any] = {}
        for place in places(column.expr):
            if len(place) == 2:
                held = [stored(row + int(place[1]), int(place[0])) for row in mine]
                values[place] = np.array([value if type(value) is float else 0.0 if value is None else np.nan
                                          for value in held])
            else:
                value = table.grid.stored_fixed(place)
                values[place] = value if type(value) is float else 0.0 if value is None else np.nan
        wanted = np.broadcast_to(np.asarray(evaluate(column.expr, values), dtype=float), (len(mine),))
        slopes: dict[Any, Any] = {}
        backward(column.expr, values, 1.0, slopes, sizes=True)
        size: Any = sum(abs(slope) * np.abs(values[place]) for place, slope in slopes.items())
        held_ = np.array([stored(row, number) for row in mine], dtype=float)
        fresh = np.array([value if type(value := table.value(row, number)) is float else np.nan for row in mine])
        # A value that calculation gives again is right; the stale one is among those that it reads.
        stale = differs(held_, fresh, 0.0, rel=1e-6) | np.isnan(fresh)
        wrong = differs(held_, wanted, size, rel=1e-6, least=1e-8) & stale
        if wrong.any():
            bad = [row for row, flag in zip(mine, wrong, strict=True) if flag]
            index = int(np.flatnonzero(wrong)[0])
            found.append(Finding("stored", table.grid.name, table.cells(number, bad), column.label,
                                 "the value stored in the file is not what the formula gives; calculate and save again",
                                 rows_wrong=len(bad), rows=table.rows, found_value=float(held_[index]),
                                 right_value=float(wanted[index]), worst_cell=table.grid.spell(mine[index], number)))
    return found


def values_only(grid: Grid) -> Finding | None:
    """Return the finding for a table with the labels of a network and not one formula."""
    last_row, last_column = grid.extent
    for row in range(1, min(last_row, 200) + 1):
        kinds = [kind_of(value)[0] if isinstance(value, str) else "" for value in
                 (grid.value(row, column) for column in range(1, min(last_column, 200) + 1))]
        if sum(kind in _KNOWN for kind in kinds) < 6 or "weight" not in kinds \
                or not {"gradient", "total", "error"} & set(kinds):
            continue
        columns = [index + 1 for index, kind in enumerate(kinds) if kind in _KNOWN]
        first = row + 1
        while first < row + 3 and all(not isinstance(grid.value(first, column), float) for column in columns):
            first += 1  # a second row of texts
        depth = 0
        while all(type(grid.value(first + depth, column)) is float for column in columns):
            depth += 1
        if depth >= 3 and not any(grid.formula(first + line, column) for line in range(depth)
                                  for column in columns):
            cells = f"{grid.spell(first, columns[0])}:{grid.spell(first + depth - 1, columns[-1])}"
            return Finding("values", grid.name, cells, "a table of a network", "it holds numbers only, no formulas; "
                           "nothing in it can be checked", rows_wrong=depth, rows=depth)
    return None

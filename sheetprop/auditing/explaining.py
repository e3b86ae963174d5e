"""The derivation that a gradient's cell should have followed, with the numbers of its own row."""

from __future__ import annotations

import os
from typing import Any

from sheetprop.auditing.audit import Auditor
from sheetprop.auditing.claimed import claims_of, settle_gradients
from sheetprop.auditing.claims import Bench, Claim
from sheetprop.auditing.expressions import at, show
from sheetprop.auditing.grid import Place
from sheetprop.auditing.repair import written_derivative
from sheetprop.auditing.roles import Roles
from sheetprop.auditing.sample_points import Values
from sheetprop.auditing.scales import settle_scales
from sheetprop.auditing.symbolic import NoDerivative, local
from sheetprop.engine.book import open as open_book
from sheetprop.engine.formula.references import cell_at, split_sheet
from sheetprop.errors import SheetpropError


def explain(path: str | os.PathLike[str], cell: str) -> str:
    """Return the chain rule for one gradient's cell, step by step, with numbers.

    Args:
        path: the workbook.
        cell: the cell, as "Sheet1!X36"; the first sheet's where no sheet is named.

    Raises:
        SheetpropError: the file is no workbook, or the cell holds no gradient that was found.
    """
    import numpy as np

    with np.errstate(all="ignore"):
        book = open_book(path)
        book.calculate()
        sheet, rest = split_sheet(cell)
        name = sheet or book.sheet_names[0]
        if name not in book:
            raise SheetpropError(f"--explain {cell}: there is no sheet {name!r}")
        try:
            row, column = cell_at(rest)
        except SheetpropError as error:
            raise SheetpropError(f"--explain {error}") from None
        auditor = Auditor(book, {})
        auditor.run(str(path))
        for roles in auditor.networks:
            found = _claim(roles, book[name].name, row, column)
            if found is not None:
                return _text(*found)
    raise SheetpropError(f"--explain {cell}: holds no gradient that was found; sheetprop audit --roles shows them")


def _claim(roles: Roles, sheet: str, row: int, column: int) -> tuple[Bench, Claim, int] | None:
    grid = roles.table.grid
    if roles.cellwise:
        known = getattr(grid, "known", lambda *_: None)(sheet, row, column)
        number, line = (known or -1), 1
    elif grid.name == sheet:
        line, number = grid.turn(row, column)
        if not roles.table.first <= line <= roles.table.last:
            return None
    else:
        return None
    bench = Bench(roles)
    settle_gradients(bench)
    claims = claims_of(bench)
    settle_scales(bench, claims)
    return next(((bench, claim, line) for claim in claims if claim.column.number == number and not claim.within), None)


def _text(bench: Bench, claim: Claim, row: int) -> str:
    roles = bench.roles
    table, grid, graph = roles.table, roles.table.grid, roles.graph
    values = Values(table, [row - claim.shift])
    slopes = graph.adjoints(claim.of, values)

    def number(value: Any) -> str:
        import numpy as np

        return f"{float(np.ravel(np.asarray(value, dtype=float))[0]):.9g}"

    def called(place: Place) -> str:
        column = table.column(int(place[0])) if len(place) == 2 else None
        spelled = grid.spell(row + int(place[1]), int(place[0])) if len(place) == 2 else grid.spell_fixed(place)
        return f"{column.label} ({spelled})" if column is not None and column.label else spelled

    goal = called(claim.of)
    lines = [f"{grid.spell(row, claim.column.number)} should be {claim.text}, by the chain rule from {goal}:"]
    needed = [place for place in graph.order(claim.of) if claim.wrt in graph.order(place)]
    for place in reversed(needed):
        formula = graph.formula(place)
        if formula is None:
            continue
        try:
            parts = local(formula, at(place))
        except NoDerivative:
            parts = {}
        lines.append(f"  {called(place)} = {show(formula, row, grid)} = {number(values[place])}; "
                     f"∂{goal}/∂ it = {number(slopes.get(place, 0.0))}")
        lines += [f"      its slope by {called(below)}: {show(slope, row, grid)}" for below, slope in parts.items()
                  if below in needed]
    lines.append(f"  together, ∂{goal}/∂{called(claim.wrt)} = {number(slopes.get(claim.wrt, 0.0))}")
    written = written_derivative(bench, claim)
    if written is not None:
        lines.append(f"  as a formula: ={show(written, row, grid)}")
    lines.append(f"  the sheet has: ={show(claim.formula, row, grid)} = {number(claim.found(graph, values))}")
    return "\n".join(lines)

"""Forward formulas that read another row: another iteration's quantity, whatever its value."""

from __future__ import annotations

from collections import Counter

from sheetprop.auditing.expressions import Expr, at, places, replaced, show
from sheetprop.auditing.finding import Finding
from sheetprop.auditing.grid import Place
from sheetprop.auditing.roles import Roles
from sheetprop.auditing.tables import Table


def misplaced_reads(roles: Roles) -> dict[int, Expr]:
    """Return column -> formula with its reads put into the row in which the network around it reads.

    A read stands in the wrong row where it makes the loss depend on weights of another iteration than the
    other columns do, or where it takes a given number from another row than the columns beside it.
    """
    formulas = roles.graph.formulas
    weights = {weight.column.number for weight in roles.weights}
    reads = {n: [place for place in places(formulas[n]) if len(place) == 2] for n in roles.forward}
    direct = Counter(place[1] for found in reads.values() for place in found if place[0] in weights)
    if not direct:
        return {}
    usual = direct.most_common(1)[0][0]
    at_rest = {place[0] for found in reads.values() for place in found if place[1] == 0}
    result: dict[int, Expr] = {}
    for n, found in reads.items():
        moved: dict[Place, Place] = {}
        for place in found:
            column = int(place[0])
            right = usual if column in weights else 0
            if place[1] == right or not roles.table.grid.owns(column):
                continue
            if (column, right) in found:
                continue  # it reads both rows, as differences and running sums do
            here = (column, int(place[1]))
            elsewhere = _leads_elsewhere(roles, here, weights, usual) if column in formulas else \
                column not in roles.states and column in at_rest
            if column in weights or elsewhere:
                moved[place] = (column, right)
        if moved:
            result[n] = replaced(formulas[n], lambda p, moved=moved: at(moved.get(p, p)))  # type: ignore[misc]
    # Where most columns do so it is the layout.
    return result if 2 * len(result) < len(roles.forward) else {}


def _leads_elsewhere(roles: Roles, place: tuple[int, int], weights: set[int], usual: int) -> bool:
    offsets = {below[1] for below in roles.graph.leaves(place) if len(below) == 2 and below[0] in weights}
    return bool(offsets) and usual not in offsets


def shift_findings(table: Table, moved: dict[int, Expr]) -> list[Finding]:
    """Return the findings about columns that read another row.

    Args:
        table: the table.
        moved: column -> its formula with every read in its right row.
    """
    found: list[Finding] = []
    grid = table.grid
    for number, right in sorted(moved.items()):
        column = table.columns[number]
        assert column.expr is not None
        row = column.first
        pairs = [(old, new) for old in places(column.expr) for new in places(right)
                 if len(old) == len(new) == 2 and old[0] == new[0] and old[1] != new[1] and old not in places(right)]
        said = "; ".join(f"{grid.spell(row, number)} reads {_named(table, old, row)}, where "
                         f"{grid.spell(row + int(new[1]), int(new[0]))} belongs" for old, new in pairs)
        found.append(Finding("forward", grid.name, table.cells(number), column.label,
                             f"it reads another {grid.line}, which is another quantity: {said}",
                             computes="=" + show(column.expr, row, grid), expected="=" + show(right, row, grid),
                             repair=f"replace the formula by ={show(right, row, grid)}"))
    return found


def _named(table: Table, place: Place, row: int) -> str:
    cell = table.grid.spell(row + int(place[1]), int(place[0]))
    column = table.column(int(place[0]))
    return f"{cell}, the {column.label} of another {table.grid.line}" if column is not None and column.label else cell

"""Columns in which rows have different formulas: each is held against the derivative by itself."""

from __future__ import annotations

from dataclasses import replace

from sheetprop.auditing.causes import cause
from sheetprop.auditing.claims import Bench, Claim
from sheetprop.auditing.expressions import Expr, Reading, Unknown, show
from sheetprop.auditing.finding import Finding
from sheetprop.auditing.repair import Kinds, Repair, simple_repair
from sheetprop.auditing.tables import Column, Table


def alternatives(table: Table, column: Column) -> dict[Expr, list[int]]:
    """Return the formulas that stand in some rows instead of the column's own, with these rows."""
    found: dict[Expr, list[int]] = {}
    reading = Reading(table.grid, table.grid.book.names)
    for row, tree in sorted(column.trees.items()):
        try:
            expr = reading.expr(tree, row, column.number)
        except (Unknown, RecursionError):
            continue
        found.setdefault(expr, []).append(row)
    return found


class Families:
    """The formulas of one claim's column: the one that counts, and the others."""

    def __init__(self, bench: Bench, claim: Claim) -> None:
        self.bench, self.claim = bench, claim
        table, column = bench.roles.table, claim.column
        self.others = {} if claim.within else alternatives(table, column)
        self.exchanged = False
        if self.others and bench.right(claim, bench.near) is False:
            fits = [expr for expr in self.others if bench.right(claim, bench.near, expr)]
            if fits:
                self._exchange(fits[0])

    def _exchange(self, expr: Expr) -> None:
        """Let a formula of some rows be the column's, where that one is right and the usual one is not."""
        bench, claim = self.bench, self.claim
        table, column = bench.roles.table, claim.column
        mine = [row for row in range(column.first, column.last + 1)
                if row not in column.others and row not in column.trees]
        assert column.expr is not None
        rows = self.others.pop(expr)
        self.others[column.expr] = mine
        for row in rows:
            column.others.pop(row, None)
            column.trees.pop(row, None)
        for row in mine:
            column.others[row] = "formula"
        column.expr, column.first = expr, min(rows)
        column.last = max(rows)
        bench.change(column.number, expr)
        claim.formula = expr
        del table
        self.exchanged = True

    def findings(self, kinds: Kinds) -> list[Finding]:
        """Return the rows whose formula is not the derivative although the column's own is."""
        bench, claim = self.bench, self.claim
        table = bench.roles.table
        found: list[Finding] = []
        for expr, rows in self.others.items():
            if bench.right(claim, bench.near, expr) is not False:
                continue
            other = replace(claim, formula=expr)
            repair = simple_repair(bench, kinds, other)
            right = repair or Repair(claim.column, claim.formula, [(expr, claim.formula)])
            wrong = cause(repair, rows[0], table) if repair is not None else "another formula than in the right rows"
            found.append(Finding("gradient", table.grid.name, table.cells(claim.column.number, rows), claim.text,
                                 f"in these {table.grid.line}s {wrong}", computes="=" + show(expr, rows[0], table.grid),
                                 expected="=" + show(right.formula, rows[0], table.grid),
                                 repair=right.text(table, rows[0]), rows_wrong=len(rows), rows=table.rows))
            for row in rows:
                claim.column.others.pop(row, None)
        return found

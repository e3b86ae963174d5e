"""Audit one workbook: tables, roles, derivative, findings."""

from __future__ import annotations

import os

from sheetprop.auditing.charts import chart_findings
from sheetprop.auditing.claims import Bench
from sheetprop.auditing.finding import Audit, Finding, RoleTable
from sheetprop.auditing.gradients import gradient_findings
from sheetprop.auditing.roles import Given, Roles, roles_of
from sheetprop.auditing.rows import constant_columns, error_findings, row_findings, stored_findings, values_only
from sheetprop.auditing.tables import Table, tables_of
from sheetprop.auditing.updates import title_findings, update_findings
from sheetprop.engine.book import Book
from sheetprop.engine.book import open as open_book
from sheetprop.engine.references import address, area_at, split_sheet
from sheetprop.engine.stored import stored_cells
from sheetprop.errors import SheetpropError


def audit(path: str | os.PathLike[str], *, loss: str | None = None, params: str | None = None,
          grads: str | None = None, lr: str | None = None) -> Audit:
    """Look for mistakes in a workbook that does back-propagation, whoever made it and however it is laid out.

    The sheet's own forward formulas are differentiated and its gradient columns held against that.

    Args:
        path: the workbook.
        loss: a cell of the loss column, as "Sheet1!W36", where it is not found by itself.
        params: a range over the weight columns, as "Sheet1!E36:H67"; several separated by commas.
        grads: a range over the gradient columns, in the order of the weights.
        lr: the cell of the learning rate.

    Raises:
        SheetpropError: the file is no workbook, or a given cell lies in no table.
    """
    import numpy as np

    with np.errstate(all="ignore"):
        book = open_book(path)
        book.calculate()
        return _Auditor(book, loss, params, grads, lr).run(str(path))


class _Auditor:
    """One workbook being audited."""

    def __init__(self, book: Book, loss: str | None, params: str | None, grads: str | None, lr: str | None) -> None:
        self.book = book
        self.given = {"--loss": loss, "--params": params, "--grads": grads, "--lr": lr}
        self.spots = {flag: self.areas(flag, text) for flag, text in self.given.items() if text}
        self.sheets = {sheet.name.casefold(): sheet for sheet in book}

    def areas(self, flag: str, text: str) -> list[tuple[str, int, int, int, int]]:
        found = []
        sheet: str | None = None
        for part in text.split(","):
            own, rest = split_sheet(part)
            sheet = own or sheet or self.book.sheet_names[0]
            if sheet not in self.book:
                raise SheetpropError(f"{flag} {text}: there is no sheet {sheet!r}")
            found.append((self.book[sheet].name, *area_at(rest)))
        return found

    def columns(self, flag: str, table: Table) -> list[int]:
        """Return the columns that a flag names in a table."""
        return [column for sheet, top, left, bottom, right in self.spots.get(flag, [])
                if sheet == table.sheet.name and top <= table.last and bottom >= table.first
                for column in range(left, right + 1)]

    def stated(self, table: Table) -> Given | None:
        loss, params, grads = (self.columns(flag, table) for flag in ("--loss", "--params", "--grads"))
        if not (loss or params or grads):
            return None
        for number in (*loss, *params, *grads):
            if table.column(number) is None:
                raise SheetpropError(f"{table.sheet.name}!{address(table.first, number)}: holds nothing; "
                                     "give cells of the table")
        return Given(loss[0] if loss else None, params, grads)

    def run(self, path: str) -> Audit:
        result = Audit(path)
        tables: list[Table] = []
        used: set[str] = set()
        stored = stored_cells(self.book._space)
        for sheet in self.book:
            mine = tables_of(self.book, sheet)
            tables += mine
            placed = False
            here: list[Roles] = []
            for table in mine:
                given = self.stated(table)
                used |= {flag for flag in self.spots if self.columns(flag, table)}
                networks, notes = roles_of(table, given)
                result.notes += notes
                for roles in networks:
                    roles.other_sheets = self.sheets
                    if "--lr" in self.spots:
                        where = self.spots["--lr"][0]
                        roles.rate = (where[0], where[1], where[2])
                    self.network(roles, result)
                    placed = True
                    here.append(roles)
                if networks:
                    result.findings += constant_columns(networks[0])
                    result.findings += stored_findings(self.book, table, stored.get(sheet.name, {}))
            result.findings += title_findings(here)
            if not placed and not mine:
                one = values_only(sheet)
                if one is not None:
                    result.findings.append(one)
        for flag in self.spots:
            if flag not in used and flag != "--lr":
                raise SheetpropError(f"{flag} {self.given[flag]}: lies in no table of repeated rows")
        result.findings += chart_findings(self.book, tables)
        if not tables and not result.findings:
            result.notes.append("no table of rows that repeat was found; nothing to audit")
        result.findings = _plain(result.findings)
        return result

    def network(self, roles: Roles, result: Audit) -> None:
        """Check one network of a table."""
        bench = Bench(self.book, roles)
        errors = error_findings(bench)
        found, checked, bad = gradient_findings(bench, result.notes)
        updates = update_findings(bench, bad)
        if any(one.kind == "rate" for one in updates):
            errors = []
        result.findings += [*found, *updates, *row_findings(bench), *errors]
        result.checked += checked
        result.roles.append(_shown(roles))


def _plain(findings: list[Finding]) -> list[Finding]:
    """Return the findings without repetitions, in the order of sheets and kinds as found."""
    seen: set[tuple[str, str, str]] = set()
    result: list[Finding] = []
    for one in findings:
        key = (one.kind, one.sheet, one.cells)
        if key not in seen:
            seen.add(key)
            result.append(one)
    return result


def _shown(roles: Roles) -> RoleTable:
    table = roles.table
    assert roles.loss is not None
    weights = [{"name": weight.column.label, "cells": f"{address(table.first, weight.column.number)}:"
                f"{address(table.last, weight.column.number)}",
                "gradient": table.cells(weight.gradient.number) if weight.gradient is not None else ""}
               for weight in roles.weights]
    rate = ""
    if roles.rate is not None and len(roles.rate) == 3:
        rate = f"{roles.rate[0]}!{address(int(roles.rate[1]), int(roles.rate[2]))}"
    elif roles.rate is not None:
        rate = table.cells(int(roles.rate[0]))
    return RoleTable(table.name, table.cells(roles.loss.number), rate, weights,
                     [table.cells(n) for n in roles.forward])

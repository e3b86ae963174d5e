"""Audit one workbook: tables, roles, derivative, findings."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from sheetprop.auditing.cellgrid import Cells
from sheetprop.auditing.cellnets import Finder
from sheetprop.auditing.charts import chart_findings, chart_parts
from sheetprop.auditing.claims import Bench
from sheetprop.auditing.expressions import Expr
from sheetprop.auditing.finding import Audit, Finding, RoleTable
from sheetprop.auditing.gradients import gradient_findings
from sheetprop.auditing.grid import Grid, Stored
from sheetprop.auditing.likely import likeliest
from sheetprop.auditing.merging import merged
from sheetprop.auditing.parts import name_parts
from sheetprop.auditing.rates import title_findings
from sheetprop.auditing.roles import Given, Roles, assumed_ways, roles_of
from sheetprop.auditing.rows import (
    constant_columns,
    error_findings,
    errors_beside,
    row_findings,
    stored_findings,
    values_only,
)
from sheetprop.auditing.shifts import misplaced_reads, shift_findings
from sheetprop.auditing.tables import Table, tables_of
from sheetprop.auditing.updates import update_findings
from sheetprop.engine.book import Book, Sheet
from sheetprop.engine.book import open as open_book
from sheetprop.engine.formula.depth import with_room
from sheetprop.engine.formula.references import area_at, split_sheet
from sheetprop.errors import SheetpropError


def audit(path: str | os.PathLike[str], *, loss: str | None = None, params: str | None = None,
          grads: str | None = None, lr: str | None = None) -> Audit:
    """Look for mistakes in a workbook that does back-propagation, whoever made it and however it is laid out.

    The sheet's own forward formulas are differentiated and its gradient columns held against that.
    Iterations may run down the rows or across the columns.

    Args:
        path: the workbook.
        loss: a cell of the loss, as "Sheet1!W36", where it is not found by itself.
        params: a range over the weights, as "Sheet1!E36:H67"; several separated by commas.
        grads: a range over the gradients, in the order of the weights.
        lr: the cell of the learning rate; updates that use another one are a finding.

    Raises:
        SheetpropError: the file is no workbook, or a given cell lies in no table.
    """
    import numpy as np

    with np.errstate(all="ignore"):
        book = open_book(path)
        book.calculate()
        given = {"--loss": loss, "--params": params, "--grads": grads, "--lr": lr}
        return with_room(lambda: Auditor(book, given).run(str(path)))  # formulas may be thousands of operations deep


MOST_CELLS, MOST_SHOWN = 20_000, 20


@dataclass
class _Read:
    """One sheet read in one direction: its tables and the networks found in each."""

    grid: Grid
    tables: list[Table] = field(default_factory=list)
    networks: list[list[Roles]] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    moved: list[tuple[Table, dict[int, Expr]]] = field(default_factory=list)

    @property
    def placed(self) -> bool:
        return any(self.networks)


class Auditor:
    """One workbook being audited."""

    def __init__(self, book: Book, given: dict[str, str | None]) -> None:
        self.book = book
        self.given = {flag: text for flag, text in given.items() if text}
        self.spots = {flag: self.areas(flag, text) for flag, text in self.given.items()}
        self.stored: Stored = book.stored()
        self.used: set[str] = set()
        self.networks: list[Roles] = []
        self.tabular: set[str] = set()  # what tables could not place

    def areas(self, flag: str, text: str) -> list[tuple[str, str]]:
        """Return what a flag names as (sheet, range)."""
        found = []
        sheet: str | None = None
        for part in text.split(","):
            own, rest = split_sheet(part)
            sheet = own or sheet or self.book.sheet_names[0]
            if sheet not in self.book:
                raise SheetpropError(f"{flag} {text}: there is no sheet {sheet!r}")
            try:
                area_at(rest)
            except SheetpropError as error:
                raise SheetpropError(f"{flag} {error}") from None
            found.append((self.book[sheet].name, rest))
        return found

    def columns(self, flag: str, table: Table) -> list[int]:
        """Return the columns of a table that a flag names."""
        found: list[int] = []
        for sheet, text in self.spots.get(flag, []):
            top, left, bottom, right = table.grid.area(text)
            if sheet == table.grid.name and top <= table.last and bottom >= table.first:
                found += [column for column in range(left, right + 1) if table.column(column) is not None]
        if found:
            self.used.add(flag)
        return found

    def stated(self, table: Table) -> Given | None:
        """Return what the flags say about a table, or None where they say nothing."""
        loss, params, grads = (self.columns(flag, table) for flag in ("--loss", "--params", "--grads"))
        if not (loss or params or grads):
            return None
        if params and grads and len(params) != len(grads):
            raise SheetpropError(f"--grads {self.given['--grads']}: names {len(grads)} columns of {table.name} where "
                                 f"--params names {len(params)}; give one gradient for each weight")
        return Given(loss[0] if loss else None, params, grads)

    def read(self, sheet: Sheet, *, turned: bool) -> _Read:
        """Return a sheet's tables and networks, read in one direction."""
        result = _Read(Grid(self.book, sheet, self.stored, turned=turned))
        for table in tables_of(result.grid):
            networks, unchecked = roles_of(table, self.stated(table))
            if not networks and table.learns and self.stated(table) is None:
                best = likeliest(assumed_ways(table), table)
                if best is not None:
                    networks, unchecked = [best], []
            moved = {n: formula for roles in networks for n, formula in misplaced_reads(roles).items()}
            if moved and not any(roles.assumed for roles in networks):
                networks, unchecked = roles_of(table, self.stated(table), moved)
                result.moved.append((table, moved))
            result.tables.append(table)
            result.networks.append(networks)
            (result.unchecked if networks or table.learns else result.others).extend(unchecked)
        return result

    def run(self, path: str) -> Audit:
        """Return the answer."""
        result = Audit(path)
        networks: list[Roles] = []
        others: list[str] = []
        for sheet in self.book:
            read = self.read(sheet, turned=False)
            if not read.placed and read.grid.repeats_across():
                other = self.read(sheet, turned=True)
                read = other if other.placed else read
            networks += [roles for several in read.networks for roles in several]
            result.unchecked += read.unchecked
            self.tabular |= set(read.unchecked)
            others += read.others
            self.sheet(read, result)
        if not self.given:
            networks += self.cellwise({roles.table.grid.name for roles in networks}, result, others)
        for flag, text in self.given.items():
            if flag not in self.used:
                raise SheetpropError(f"{flag} {text}: " + ("no network was found whose updates could use it"
                                     if flag == "--lr" else "lies in no table of repeated rows or columns"))
        self.networks = networks
        result.findings += chart_findings(self.book, networks)
        result.charts = len(chart_parts(self.book))
        # Beside a network a summary or a chart's table is nothing that has to be checked.
        (result.notes if networks else result.unchecked).extend(others)
        if not networks and not result.findings and not result.unchecked:
            result.unchecked.append("no table of rows or columns that repeat was found")
        result.findings = _once(result.findings)
        return result

    def cellwise(self, done: set[str], result: Audit, others: list[str]) -> list[Roles]:
        """Check the networks on sheets that no table explains, cell by cell; return them."""
        cells = Cells(self.book, self.stored, MOST_CELLS, done)
        finder = Finder(cells)
        ways = finder.find()
        if not ways:
            return []
        one = Audit("")
        networks = [best for several in ways if (best := likeliest(several)) is not None]
        for roles in networks:
            self.network(roles, one)
        if len(networks) < len(ways):
            result.unchecked.append("cells are updated, but no loss that could be meant has their gradients")
        for finding in one.findings:
            finding.cellwise = True
        result.findings += merged(one.findings, cells.alike)
        result.unchecked += list(dict.fromkeys([*one.unchecked, *finder.notes]))
        result.notes += list(dict.fromkeys(one.notes))
        result.checked += one.checked
        result.roles += one.roles[:MOST_SHOWN]
        if networks:
            # What a table's reading could not place has been read cell by cell.
            names = {roles.table.grid.name for roles in networks}
            others[:] = [reason for reason in others if reason.split("!")[0] not in names]
            result.unchecked[:] = [reason for reason in result.unchecked if reason not in self.tabular
                                   or reason.split("!")[0] not in names]
        return list(networks)

    def sheet(self, read: _Read, result: Audit) -> None:
        """Check the networks of one sheet."""
        before = len(result.findings)
        for table, networks in zip(read.tables, read.networks, strict=True):
            for roles in networks:
                roles.stated_rate = self.rate(table)
                self.network(roles, result)
            if networks:
                result.findings += constant_columns(networks[0])
                result.findings += stored_findings(table)
        result.findings += [finding for table, moved in read.moved for finding in shift_findings(table, moved)]
        if read.placed:
            errors = {finding.cells for finding in result.findings if finding.kind == "error"
                      and finding.sheet == read.grid.name}
            result.findings += errors_beside(read.grid, errors, [table for table, several in zip(
                read.tables, read.networks, strict=True) if several])
        for finding in result.findings[before:]:
            finding.across = read.grid.turned
        file = Path(self.book.path).stem if sum(1 for _ in self.book) == 1 else ""
        result.findings += title_findings([roles for networks in read.networks for roles in networks], file)
        if not read.tables:
            for turned in (False, True):
                one = values_only(Grid(self.book, self.book[read.grid.name], self.stored, turned=turned))
                if one is not None:
                    result.findings.append(one)
                    break

    def rate(self, table: Table) -> tuple[int, int] | tuple[str, int, int] | None:
        """Return the place that --lr names, as a formula of the table reads it."""
        for sheet, text in self.spots.get("--lr", []):
            self.used.add("--lr")
            top, left, bottom, right = table.grid.area(text)
            if sheet == table.grid.name and top <= table.last and bottom >= table.first \
                    and table.column(left) is not None:
                return left, 0
            grid = table.grid if sheet == table.grid.name else Grid(self.book, self.book[sheet], self.stored)
            top, left, bottom, right = grid.area(text)
            if (top, left) != (bottom, right):
                raise SheetpropError(f"--lr {self.given['--lr']}: give one cell")
            return sheet, top, left
        return None

    def network(self, roles: Roles, result: Audit) -> None:
        """Check one network of a table."""
        bench = Bench(roles)
        errors = error_findings(bench)
        found, checked, bad = gradient_findings(bench, result.notes, result.unchecked)
        updates = update_findings(bench, bad, result.unchecked)
        if any(one.kind == "rate" for one in updates):
            errors = []
        mine = [*found, *updates, *row_findings(bench), *errors]
        name_parts(roles, mine)
        result.findings += mine
        if roles.assumed and checked:
            result.notes.append(f"{roles.table.name if not roles.cellwise else roles.table.grid.name}: no loss was "
                                f"found; {roles.assumed} is assumed")
        result.checked += checked
        result.roles.append(_shown(roles))


def _once(findings: list[Finding]) -> list[Finding]:
    """Return the findings without repetitions, in the order of sheets and kinds as found."""
    found: dict[tuple[str, str, str], Finding] = {}
    for one in findings:
        found.setdefault((one.kind, one.sheet, one.cells), one)
    return list(found.values())


def _shown(roles: Roles) -> RoleTable:
    table, grid = roles.table, roles.table.grid
    assert roles.loss is not None
    weights = [{"name": weight.column.label, "cells": grid.span(table.first, table.last, weight.column.number),
                "gradient": table.cells(weight.gradient.number) if weight.gradient is not None else ""}
               for weight in roles.weights]
    rate = roles.stated_rate or roles.rate
    place = "" if rate is None else table.cells(rate[0]) if len(rate) == 2 else \
        (f"{grid.name}!" if rate[0] == grid.name else "") + grid.spell_fixed(rate).replace("$", "")
    return RoleTable(table.name, table.cells(roles.loss.number), place, weights,
                     [table.cells(n) for n in roles.forward if n], roles.rate_value)

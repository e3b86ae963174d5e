"""What an audit says: findings, notes, roles, and the whole answer about one file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Finding:
    """One thing that is wrong.

    The fields are stable: scripts and the report read them.

    Attributes:
        kind: gradient, latent, update, rate, rows, constant, values, stored, forward, chart, error, label, title.
        sheet: the sheet.
        cells: the cells as ranges, separated by commas.
        claim: what the cells claim to be.
        computes: the formula that stands there, in the first of the rows.
        wrong: what is wrong, in one sentence without the cells.
        expected: what it should be: a formula, a value or a cell.
        repair: the smallest repair found; empty where none was found.
        rows_wrong: in how many rows the number is wrong.
        rows: of how many rows.
        found_value: the number in the worst row.
        right_value: the number that belongs there.
        worst_cell: where that is.
        across: whether iterations run across the columns, so that columns are counted and not rows.
    """

    kind: str
    sheet: str
    cells: str
    claim: str
    wrong: str
    computes: str = ""
    expected: str = ""
    repair: str = ""
    rows_wrong: int = 0
    rows: int = 0
    found_value: float | None = None
    right_value: float | None = None
    worst_cell: str = ""
    across: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as plain data, what is empty left out."""
        return {key: value for key, value in self.__dict__.items() if value not in ("", None) or key == "cells"}

    @property
    def each(self) -> str:
        """What one iteration is in the sheet: a row, or a column where iterations run across."""
        return "column" if self.across else "row"

    def off(self) -> str:
        """Return in how many rows the number is wrong and by how much in the worst one; empty where it is not known."""
        if not self.rows:
            return ""
        text = f"{self.rows_wrong} of {self.rows} {self.each}s"
        if self.found_value is not None and self.right_value is not None and self.rows_wrong:
            text += f", worst {self.worst_cell}: {self.found_value:.6g} where {self.right_value:.6g} belongs"
        return text

    def sentence(self) -> str:
        """Return the finding as text: where, what, how far off, and the repair."""
        claim = f" {'are' if self.claim == 'the updates' else 'is'} {self.claim}" if self.claim else ""
        text = f"{self.cells}{claim}; {self.wrong}" if claim else f"{self.cells}: {self.wrong}"
        if self.rows and self.rows_wrong:
            text += f"; wrong in {self.off()}"
        if self.repair:
            text += f"; {self.repair}"
        return text


@dataclass
class RoleTable:
    """The roles found in one table for one loss, as cells."""

    table: str
    loss: str
    rate: str
    weights: list[dict[str, str]]
    forward: list[str]

    def to_dict(self) -> dict[str, Any]:
        """Return the roles as plain data."""
        return dict(self.__dict__)

    def lines(self) -> list[str]:
        """Return the roles as text."""
        weights = [f"    weight {w['name'] or '(no label)'} {w['cells']}, gradient {w['gradient'] or 'none'}"
                   for w in self.weights]
        return [f"{self.table}: loss {self.loss}, learning rate {self.rate or 'not one cell'}", *weights,
                f"    forward {', '.join(self.forward)}"]


@dataclass
class Audit:
    """The answer about one file.

    Attributes:
        path: the file.
        findings: what is wrong.
        notes: what could not be placed, and why.
        roles: what was found to be what.
        checked: how many gradient columns were held against the derivative.
        error: why the file cannot be used; empty where it can.
    """

    path: str
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    roles: list[RoleTable] = field(default_factory=list)
    checked: int = 0
    error: str = ""

    @property
    def ok(self) -> bool:
        """Whether nothing wrong was found and the file could be read."""
        return not self.findings and not self.error

    def __bool__(self) -> bool:
        return self.ok

    @property
    def code(self) -> int:
        """The exit code: 0 nothing found, 1 findings, 2 unusable."""
        return 2 if self.error else 1 if self.findings else 0

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as plain data."""
        return {"path": self.path, "ok": self.ok, "error": self.error, "checked": self.checked,
                "findings": [finding.to_dict() for finding in self.findings], "notes": list(self.notes),
                "roles": [roles.to_dict() for roles in self.roles]}

    def summary(self) -> str:
        """Return one line: how much was checked and found, or why the file cannot be used."""
        if self.error:
            return self.error
        name = Path(self.path).name
        checked = f"{_counted(self.checked, 'gradient column')} held against the derivative"
        if self.findings:
            return f"{name}: {_counted(len(self.findings), 'finding')}; {checked}"
        return f"{name}: nothing wrong found; {checked}" if self.roles else \
            f"{name}: nothing wrong found, but no network was found either"

    def text(self, *, roles: bool = False) -> str:
        """Return findings, notes and, when asked, roles as lines, the summary last."""
        if self.error:
            return self.error
        lines: list[str] = []
        for one in self.findings:
            lines.append(f"{one.sheet}!{one.sentence()}")
            lines += [f"    computes  {one.computes}"] if one.computes else []
            lines += [f"    should be {one.expected}"] if one.expected else []
        lines += [f"note: {note}" for note in self.notes]
        if roles:
            lines += [line for table in self.roles for line in table.lines()]
        return "\n".join([*lines, self.summary()])

    def __str__(self) -> str:
        return self.text()


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"

"""What an audit says: findings, notes, roles, and the whole answer about one file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

RIGHT, WRONG, UNCHECKED = "checked and right", "checked and wrong", "not checked"


@dataclass
class Finding:
    """One thing that is wrong.

    The fields are stable: scripts and the report read them.

    Attributes:
        kind: gradient, latent, update, rule, rate, rows, constant, values, stored, forward, chart, error, label, title.
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
        cellwise: whether single cells are counted, in a layout whose iterations are no rows.
        part: the part of the work that it belongs to: forward, error, gradients of the last layer, gradients of
            earlier layers, update, learning rate, charts, other.
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
    cellwise: bool = False
    part: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as plain data, what is empty left out."""
        return {key: value for key, value in self.__dict__.items() if value not in ("", None) or key == "cells"}

    @property
    def each(self) -> str:
        """What one iteration is in the sheet: a row, or a column where iterations run across."""
        return "cell" if self.cellwise else "column" if self.across else "row"

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
    rate_value: float | None = None

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
        notes: what else there is to say.
        unchecked: what could not be checked, and why.
        roles: what was found to be what.
        checked: how many gradient columns were held against the derivative.
        error: why the file cannot be used; empty where it can.
        skipped: whether the file is none that anybody handed in, such as the lock file of an open workbook.
        charts: how many charts there are.
        words: how many words stand in the sheets, labels among them.
        fingerprint: what is the same for files with the same formulas and numbers; empty where it was not asked for.
    """

    path: str
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    roles: list[RoleTable] = field(default_factory=list)
    checked: int = 0
    error: str = ""
    skipped: bool = False
    charts: int = 0
    words: int = 0
    fingerprint: str = ""

    @property
    def ok(self) -> bool | None:
        """True: all of it was checked and is right; False: something is wrong; None: not, or not all, checked."""
        if self.error or self.findings:
            return False
        return True if self.checked and not self.unchecked else None

    def __bool__(self) -> bool:
        return self.ok is True

    @property
    def code(self) -> int:
        """The exit code: 0 checked and right, 1 checked and wrong, 2 unusable, 3 not checked or only partly."""
        return 0 if self.skipped else 2 if self.error else {True: 0, False: 1, None: 3}[self.ok]

    @property
    def verdict(self) -> str:
        """One of three answers: "checked and right", "checked and wrong", "not checked"; "not read" without a file."""
        return "not read" if self.error else {True: RIGHT, False: WRONG, None: UNCHECKED}[self.ok]

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as plain data; "ok" is null where it was not, or not all, checked."""
        return {"path": self.path, "ok": self.ok, "verdict": self.verdict, "error": self.error,
                "checked": self.checked, "findings": [finding.to_dict() for finding in self.findings],
                "unchecked": list(self.unchecked), "notes": list(self.notes),
                "roles": [roles.to_dict() for roles in self.roles]}

    def summary(self) -> str:
        """Return one line: the answer, how much was checked and found, or why the file cannot be used."""
        if self.error:
            return self.error
        name = Path(self.path).name
        checked = f"{_counted(self.checked, 'gradient')} held against the derivative"
        if self.findings:
            partly = f"; not checked: {self.reasons()}" if self.unchecked else ""
            return f"{name}: {WRONG}: {_counted(len(self.findings), 'finding')}; {checked}{partly}"
        if self.ok:
            return f"{name}: {RIGHT}; {checked}"
        if self.checked:
            return f"{name}: {UNCHECKED} in full: {checked} and right; not checked: {self.reasons()}"
        return f"{name}: {UNCHECKED}, because {self.reasons()}"

    def reasons(self) -> str:
        """Return why something was not checked, the first reason in full."""
        if not self.unchecked:
            return "no training table was found"
        more = f" (and {_counted(len(self.unchecked) - 1, 'more reason')})" if len(self.unchecked) > 1 else ""
        return self.unchecked[0] + more

    def text(self, *, roles: bool = False) -> str:
        """Return findings, notes and, when asked, roles as lines, the summary last."""
        if self.error:
            return self.error
        lines: list[str] = []
        for one in self.findings:
            lines.append(f"{one.sheet}!{one.sentence()}")
            lines += [f"    computes  {one.computes}"] if one.computes else []
            lines += [f"    should be {one.expected}"] if one.expected else []
        lines += [f"not checked: {reason}" for reason in self.unchecked]
        lines += [f"note: {note}" for note in self.notes]
        if roles:
            lines += [line for table in self.roles for line in table.lines()]
        return "\n".join([*lines, self.summary()])

    def __str__(self) -> str:
        return self.text()


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"

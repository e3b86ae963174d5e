"""The audit part of the report: what was found in other people's workbooks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sheetprop.reporting.cache import sha256_of
from sheetprop.reporting.words import many, number

if TYPE_CHECKING:
    from sheetprop.auditing.finding import Audit, Finding


@dataclass(frozen=True)
class Line:
    """One thing to say about a finding; `code` for what stands in a cell."""

    name: str
    text: str
    code: bool = False


@dataclass(frozen=True)
class Found:
    """One finding: where, what the cells claim to be, what is wrong, and the details line by line."""

    where: str
    claim: str
    wrong: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Audited:
    """One audited workbook.

    Attributes:
        file, sha256, bytes: the file; without checksum where it cannot be read.
        summary: the result in a line.
        findings: what is wrong.
        notes: what could not be checked, and why, and what else there is to say.
        right: whether all of it was checked and is right.
        checked: gradient columns that were held against the sheet's own derivative.
        error: why the file cannot be used; empty where it can.
    """

    file: str
    sha256: str
    bytes: int
    summary: str
    findings: tuple[Found, ...]
    notes: tuple[str, ...]
    checked: int
    error: str
    right: bool = False


def read(paths: Sequence[Path]) -> tuple[Audited, ...]:
    """Audit workbooks, and all workbooks in folders.

    Raises:
        SheetpropError: a folder holds no workbook.
    """
    from sheetprop.auditing.folder import audit_many, workbooks_in

    files = workbooks_in(paths)
    return tuple(_audited(Path(file), one) for file, one in zip(files, audit_many(files), strict=True))


def _audited(path: Path, one: Audit) -> Audited:
    there = path.is_file()
    return Audited(
        file=path.name, sha256=sha256_of(path) if there else "", bytes=path.stat().st_size if there else 0,
        summary=one.summary().removeprefix(f"{path.name}: "),
        findings=tuple(_found(finding) for finding in one.findings),
        notes=(*(f"not checked: {reason}" for reason in one.unchecked), *one.notes),
        checked=one.checked, error=one.error, right=one.ok is True)


def _found(finding: Finding) -> Found:
    lines = []
    if finding.computes:
        lines.append(Line("computes", finding.computes, code=True))
    if finding.expected:
        lines.append(Line("should be", finding.expected, code=True))
    if finding.rows:
        lines.append(Line("wrong in", f"{finding.rows_wrong:,} of {many(finding.rows, finding.each)}"))
    found, right = finding.found_value, finding.right_value
    if found is not None and right is not None:
        off = f", {number(abs(found - right) / abs(right) * 100, 3)} % off" if right else ""
        lines.append(Line("worst", f"{finding.worst_cell}: {number(found)} where {number(right)} belongs{off}"))
    if finding.repair:
        lines.append(Line("repair", finding.repair))
    return Found(f"{finding.sheet}!{finding.cells}", finding.claim, finding.wrong, tuple(lines))


def claim(audits: Sequence[Audited]) -> str:
    """Return the result for all files in a sentence."""
    usable = [one for one in audits if not one.error]
    found = sum(len(one.findings) for one in usable)
    if not usable:
        return ""
    if not found:
        if not any(one.checked for one in usable):
            return f"The audit could not check {_named(usable)}."
        partly = ", but could not check all of it" if any(not one.right for one in usable) else ""
        return f"The audit of {_named(usable)} found nothing wrong{partly}."
    spread = "" if len(usable) == 1 else f", in {sum(bool(one.findings) for one in usable)} of them"
    return f"The audit of {_named(usable)} found {many(found, 'mistake')}{spread}."


def notices(audits: Sequence[Audited]) -> list[str]:
    """Return what the first page says about the files with findings, a line each."""
    lines = []
    for one in audits:
        if one.findings:
            first = one.findings[0]
            more = f"; {many(len(one.findings) - 1, 'more finding')}" if len(one.findings) > 1 else ""
            lines.append(f"{one.file}, {first.where}: {first.wrong}{more}.")
    return lines


def alarms(audits: Sequence[Audited]) -> list[str]:
    """Return which files could not be audited, and why."""
    return [f"Not audited: {one.error.rstrip('.')}." for one in audits if one.error]


def _named(audits: Sequence[Audited]) -> str:
    return audits[0].file if len(audits) == 1 else many(len(audits), "workbook")

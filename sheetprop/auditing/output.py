"""Audits as Markdown, JSON and as the table of a class."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path

from sheetprop.auditing.finding import Audit
from sheetprop.auditing.parts import part_of

_COLUMNS = ("file", "result", "findings", "gradients checked", "kind", "part", "cells", "claims", "wrong", "computes",
            "should be", "repair", "rows wrong", "rows", "not checked", "notes", "error")


def as_json_text(audits: Sequence[Audit]) -> str:
    """Return one object for one file, a list for several."""
    data = [audit.to_dict() for audit in audits]
    return json.dumps(data[0] if len(data) == 1 else data, ensure_ascii=False, indent=2)


def as_markdown(audits: Sequence[Audit]) -> str:
    """Return the findings as Markdown, one section for each file."""
    lines: list[str] = []
    for audit in audits:
        lines += [f"## {Path(audit.path).name}", "", audit.summary(), ""]
        if audit.findings:
            lines += ["| cells | claims | wrong | computes | should be | off | repair |", "| --- " * 7 + "|"]
            for one in audit.findings:
                cells = [f"{one.sheet}!{one.cells}", one.claim, one.wrong, _code(one.computes), _code(one.expected),
                         one.off(), one.repair]
                lines.append("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
            lines.append("")
        if audit.unchecked or audit.notes:
            lines += [*(f"- not checked: {reason}" for reason in audit.unchecked),
                      *(f"- {note}" for note in audit.notes), ""]
    return "\n".join(lines).rstrip() + "\n"


def as_csv(audits: Sequence[Audit]) -> str:
    """Return a row for each finding, and one for each file without: the table of a class."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for audit in audits:
        head = [audit.path, audit.verdict, len(audit.findings), audit.checked]
        tail = ["; ".join(audit.unchecked), "; ".join(audit.notes), audit.error]
        for one in audit.findings:
            writer.writerow([*head, one.kind, part_of(one), f"{one.sheet}!{one.cells}", one.claim, one.wrong,
                             one.computes, one.expected, one.repair, one.rows_wrong, one.rows, *tail])
        if not audit.findings:
            writer.writerow([*head, *[""] * 10, *tail])
    return out.getvalue()


def _code(formula: str) -> str:
    return f"`{formula}`" if formula else ""

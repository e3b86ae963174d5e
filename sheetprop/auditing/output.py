"""Audits as Markdown, JSON and as the table of a class."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from sheetprop.auditing.finding import Audit

_COLUMNS = ("file", "result", "findings", "gradients checked", "kinds", "first finding", "not checked", "notes")


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
    """Return one row for each file: the table of a class."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for audit in audits:
        kinds = Counter(one.kind for one in audit.findings)
        writer.writerow([audit.path, audit.verdict, len(audit.findings),
                         audit.checked, " ".join(f"{kind}:{count}" for kind, count in sorted(kinds.items())),
                         audit.error or (audit.findings[0].sheet + "!" + audit.findings[0].sentence()
                                         if audit.findings else ""), "; ".join(audit.unchecked),
                         "; ".join(audit.notes)])
    return out.getvalue()


def _code(formula: str) -> str:
    return f"`{formula}`" if formula else ""

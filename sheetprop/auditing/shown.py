"""Audits as Markdown, HTML, JSON and as the table of a class."""

from __future__ import annotations

import csv
import html
import io
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from sheetprop.auditing.finding import Audit

_COLUMNS = ("file", "result", "findings", "gradients checked", "kinds", "first finding", "notes")


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
            lines += ["| cells | claims | wrong | repair |", "| --- | --- | --- | --- |"]
            for one in audit.findings:
                cells = [f"{one.sheet}!{one.cells}", one.claim, one.wrong, one.repair]
                lines.append("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
            lines.append("")
        lines += [f"- {note}" for note in audit.notes]
    return "\n".join(lines).rstrip() + "\n"


def as_html(audits: Sequence[Audit]) -> str:
    """Return one self-contained page."""
    body: list[str] = []
    for audit in audits:
        body.append(f"<h2>{html.escape(Path(audit.path).name)}</h2><p>{html.escape(audit.summary())}</p>")
        for one in audit.findings:
            body.append(f"<section><h3>{html.escape(f'{one.sheet}!{one.cells}')}"
                        f"{' · ' + html.escape(one.claim) if one.claim else ''}</h3>"
                        f"<p>{html.escape(one.wrong)}</p><dl>")
            rows = [("computes", one.computes), ("should be", one.expected), ("repair", one.repair)]
            if one.rows and one.rows_wrong:
                rows.append(("wrong in", f"{one.rows_wrong} of {one.rows} rows"))
            if one.found_value is not None and one.right_value is not None:
                rows.append(("worst", f"{one.worst_cell}: {one.found_value!r} where {one.right_value!r} belongs"))
            body += [f"<dt>{name}</dt><dd><code>{html.escape(text)}</code></dd>" for name, text in rows if text]
            body.append("</dl></section>")
        if audit.notes:
            body.append("<ul>" + "".join(f"<li>{html.escape(note)}</li>" for note in audit.notes) + "</ul>")
    return ("<!DOCTYPE html><html lang=\"en\"><meta charset=\"utf-8\"><title>Audit</title><style>"
            "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c2430}"
            "section{border-left:4px solid #b3402a;padding:.2rem 1rem;margin:1rem 0;background:#faf6f4}"
            "h3{margin:.4rem 0}dt{float:left;clear:left;width:6rem;color:#5b6470}dd{margin:0 0 .3rem 6.5rem}"
            "code{overflow-wrap:anywhere}</style><h1>Audit</h1>" + "".join(body) + "</html>\n")


def as_csv(audits: Sequence[Audit]) -> str:
    """Return one row for each file: the table of a class."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for audit in audits:
        kinds = Counter(one.kind for one in audit.findings)
        verdict = "unusable" if audit.error else "ok" if audit.ok else "findings"
        writer.writerow([audit.path, verdict, len(audit.findings),
                         audit.checked, " ".join(f"{kind}:{count}" for kind, count in sorted(kinds.items())),
                         audit.error or (audit.findings[0].sheet + "!" + audit.findings[0].sentence()
                                         if audit.findings else ""), "; ".join(audit.notes)])
    return out.getvalue()

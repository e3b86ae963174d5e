"""Audits as one self-contained HTML page, light or dark as the reader's screen is."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from sheetprop.auditing.finding import Audit, Finding
from sheetprop.auditing.parts import mistake_of, part_of

_STYLE = """
:root{color-scheme:light dark;--ink:#1c2430;--muted:#586473;--paper:#fff;--soft:#f4f6f8;--rule:#d5dbe2;--bad:#a8321c;
--bad-soft:#fbf1ee;--good:#1c6b3c}
@media (prefers-color-scheme:dark){:root{--ink:#e4e8ec;--muted:#a3afbc;--paper:#14181d;--soft:#1d242c;--rule:#36404a;
--bad:#ff9b8a;--bad-soft:#2c1d1b;--good:#7ed09c}}
*{box-sizing:border-box}
body{font:16px/1.55 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:var(--ink);
background:var(--paper)}
h1{font-size:1.6rem;margin:0 0 1rem}h2{font-size:1.25rem;margin:2.2rem 0 .2rem;overflow-wrap:anywhere}
h3{font-size:1rem;margin:0 0 .3rem}h3 span{font-weight:400}
a{color:inherit}.bad{color:var(--bad)}.good{color:var(--good)}.muted{color:var(--muted)}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;border-bottom:1px solid var(--rule)}
th{font-weight:600}td.n{text-align:right;font-variant-numeric:tabular-nums}
section.finding{border-left:4px solid var(--bad);background:var(--bad-soft);padding:.7rem 1rem;margin:.9rem 0}
section.finding p{margin:0 0 .5rem}
dl{display:grid;grid-template-columns:6.5rem 1fr;gap:.15rem .8rem;margin:0}dt{color:var(--muted)}dd{margin:0}
code{font:.92em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
dd.repair{font-weight:600}ul{padding-left:1.2rem}details{margin:.6rem 0}summary{cursor:pointer}
@media (max-width:36rem){dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.35rem}}
@media print{body{margin:0;max-width:none}section.finding{break-inside:avoid}}
"""


def as_html(audits: Sequence[Audit]) -> str:
    """Return one page: a table of the files where there are several, then each file's findings, notes and roles."""
    body = [class_overview(audits)] if len(audits) > 1 else []
    body += [_file(audit, f"file-{number}") for number, audit in enumerate(audits, 1)]
    title = f"Audit of {Path(audits[0].path).name}" if len(audits) == 1 else f"Audit of {len(audits)} files"
    return document(title, "\n".join(body))


def document(title: str, body: str) -> str:
    """Return a self-contained page."""
    title = html.escape(title)
    return ('<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{title}</title>\n'
            f"<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n" + body + "\n</body>\n</html>\n")


def class_overview(audits: Sequence[Audit]) -> str:
    """Return what a teacher asks of a class: totals, mistakes with their files, files that are the same, each file."""
    totals = Counter(audit.verdict for audit in audits)
    said = ", ".join(f"{count} {verdict}" for verdict, count in totals.most_common())
    mistakes: dict[str, dict[int, Finding]] = {}
    for number, audit in enumerate(audits, 1):
        for one in audit.findings:
            mistakes.setdefault(mistake_of(one), {}).setdefault(number, one)
    rows = []
    for text, where in sorted(mistakes.items(), key=lambda pair: -len(pair[1])):
        names = ", ".join(f'<a href="#file-{n}">{html.escape(Path(audits[n - 1].path).name)}</a>' for n in where)
        first = next(iter(where.values()))
        rows.append(f'<tr><td class="n">{len(where)}</td><td>{html.escape(text)}</td><td>{html.escape(part_of(first))}'
                    f"</td><td>{names}</td></tr>")
    parts = [f"<p>{len(audits)} files: {html.escape(said)}.</p>"]
    if rows:
        parts.append('<h2>By mistake</h2><div class="wide"><table><thead><tr><th>Files</th><th>Mistake</th>'
                     f'<th>Part</th><th>Where</th></tr></thead><tbody>{"".join(rows)}</tbody></table></div>')
    same: dict[str, list[int]] = {}
    for number, audit in enumerate(audits, 1):
        if audit.fingerprint:
            same.setdefault(audit.fingerprint, []).append(number)
    groups = [numbers for numbers in same.values() if len(numbers) > 1]
    if groups:
        parts.append("<h2>The same formulas and numbers</h2><ul>" + "".join(
            "<li>" + ", ".join(html.escape(Path(audits[n - 1].path).name) for n in numbers) + "</li>"
            for numbers in groups) + "</ul>")
    buttons = " ".join(f'<label><input type="checkbox" checked data-verdict="{html.escape(verdict)}"> '
                       f"{html.escape(verdict)}</label>" for verdict in totals)
    return "\n".join([*parts, f'<h2>By file</h2><p id="filter">{buttons}</p>', _contents(audits), _FILTER])


_FILTER = """<script>
document.querySelectorAll("#filter input").forEach(function (box) {
  box.addEventListener("change", function () {
    document.querySelectorAll("tr[data-verdict]").forEach(function (row) {
      if (row.dataset.verdict === box.dataset.verdict) { row.hidden = !box.checked; }
    });
  });
});
</script>"""


def _contents(audits: Sequence[Audit]) -> str:
    rows = [f'<tr data-verdict="{html.escape(audit.verdict)}"><td><a href="#file-{number}">'
            f'{html.escape(Path(audit.path).name)}</a></td><td>{_verdict(audit)}</td>'
            f'<td class="n">{len(audit.findings) if not audit.error else ""}</td>'
            f'<td class="n">{audit.checked if not audit.error else ""}</td></tr>'
            for number, audit in enumerate(audits, 1)]
    heads = "".join(f"<th>{text}</th>" for text in ("File", "Result", "Findings", "Gradients checked"))
    return f'<div class="wide"><table><thead><tr>{heads}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def _verdict(audit: Audit) -> str:
    mark = {True: "good", False: "bad", None: "muted"}[audit.ok]
    return f'<span class="{mark}">{audit.verdict}</span>'


def _file(audit: Audit, anchor: str) -> str:
    parts = [f'<h2 id="{anchor}">{html.escape(Path(audit.path).name)}</h2>',
             f"<p>{html.escape(audit.summary().removeprefix(f'{Path(audit.path).name}: '))}</p>"]
    parts += [_finding(one) for one in audit.findings]
    if audit.unchecked:
        parts.append("<p>Not checked:</p><ul>"
                     + "".join(f"<li>{html.escape(reason)}</li>" for reason in audit.unchecked) + "</ul>")
    if audit.notes:
        parts.append('<p class="muted">Besides:</p><ul>'
                     + "".join(f"<li>{html.escape(note)}</li>" for note in audit.notes) + "</ul>")
    if audit.roles:
        lines = "\n".join(line for table in audit.roles for line in table.lines())
        parts.append(f"<details><summary>Which cells were taken for what</summary>"
                     f'<div class="wide"><pre><code>{html.escape(lines)}</code></pre></div></details>')
    return "\n".join(parts)


def _finding(one: Finding) -> str:
    claim = f" <span>{html.escape(one.claim)}</span>" if one.claim else ""
    rows = [("computes", one.computes, ""), ("should be", one.expected, ""), ("off", one.off(), ""),
            ("repair", one.repair, ' class="repair"')]
    cells = "".join(f"<dt>{name}</dt><dd{mark}><code>{html.escape(text)}</code></dd>"
                    for name, text, mark in rows if text)
    return (f'<section class="finding"><h3><code>{html.escape(f"{one.sheet}!{one.cells}")}</code>{claim}</h3>'
            f"<p>{html.escape(one.wrong)}</p><dl>{cells}</dl></section>")

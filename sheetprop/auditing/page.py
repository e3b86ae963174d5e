"""Audits as one self-contained HTML page, light or dark as the reader's screen is."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path

from sheetprop.auditing.finding import Audit, Finding

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
    body = [_contents(audits)] if len(audits) > 1 else []
    body += [_file(audit, f"file-{number}") for number, audit in enumerate(audits, 1)]
    title = f"Audit of {Path(audits[0].path).name}" if len(audits) == 1 else f"Audit of {len(audits)} files"
    title = html.escape(title)
    return ('<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{title}</title>\n'
            f"<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n" + "\n".join(body) + "\n</body>\n</html>\n")


def _contents(audits: Sequence[Audit]) -> str:
    rows = [f'<tr><td><a href="#file-{number}">{html.escape(Path(audit.path).name)}</a></td><td>{_verdict(audit)}</td>'
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

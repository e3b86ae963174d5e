"""A page for a student: what is wrong, why, and how to see it, in a student's words."""

from __future__ import annotations

import html
from pathlib import Path

from sheetprop.auditing.finding import Audit, Finding
from sheetprop.auditing.grading import Grade
from sheetprop.auditing.page import document

_WHY = {
    "gradient": "A gradient says how much the error changes when this weight changes a little. Differentiating your "
                "own forward formulas by the chain rule gives another number than the one in these cells.",
    "latent": "The number happens to be right in your rows, but the formula is not: with other weights or inputs it "
              "gives a wrong one.",
    "update": "The update takes the weight's own last value and its own gradient, and goes against the gradient.",
    "rule": "An optimiser is a fixed rule for what is remembered from step to step; here the formulas are "
            "another rule.",
    "rate": "Every update has to read the one cell of the learning rate. A reference without $ moves along when the "
            "formula is filled.",
    "forward": "The forward pass is what the network computes; all gradients are derivatives of it.",
    "rows": "Every row repeats the same step with new numbers, so that its formulas are those of the other rows.",
    "constant": "A pasted number does not follow when something before it changes; a formula does.",
    "values": "Without formulas nobody can see how a number was made.",
    "stored": "The program that saved the file had not calculated it again.",
    "chart": "A chart should show what its title and names say.",
    "title": "A title that names another learning rate makes the curve say something else.",
    "error": "A cell with an error makes everything that reads it an error too.",
    "label": "Labels are what a reader goes by.",
}


def feedback_page(audit: Audit, grade: Grade | None = None) -> str:
    """Return one student's page as HTML.

    Args:
        audit: the answer about the hand-in.
        grade: its points, where they are to be shown.
    """
    name = Path(audit.path).name
    parts = [f"<p><strong>{html.escape(_opening(audit))}</strong></p>"]
    if grade is not None:
        rows = "".join(f"<tr><td>{html.escape(part.part)}</td><td class=\"n\">"
                       f"{'-' if part.given is None else f'{part.given:g}'} of {part.points:g}</td>"
                       f"<td>{html.escape('; '.join(part.reasons))}</td></tr>" for part in grade.parts)
        parts.append(f"<h2>Points: {html.escape(grade.text())}</h2><div class=\"wide\"><table><thead><tr><th>Part</th>"
                     f"<th>Points</th><th>Why</th></tr></thead><tbody>{rows}</tbody></table></div>")
    for number, one in enumerate(audit.findings, 1):
        parts.append(_finding(number, one))
    if audit.unchecked:
        parts.append("<h2>What was not checked</h2><ul>"
                     + "".join(f"<li>{html.escape(reason)}</li>" for reason in audit.unchecked) + "</ul>")
    return document(f"Feedback on {name}", "\n".join(parts))


def _opening(audit: Audit) -> str:
    if audit.error:
        return f"This file could not be read: {audit.error}"
    if audit.findings:
        many = len(audit.findings)
        return f"{many} thing{'s' if many > 1 else ''} to put right; {audit.checked} gradients were checked."
    if audit.ok:
        return f"Everything that was checked is right: {audit.checked} gradients agree with your loss's derivative."
    return f"Not everything could be checked: {audit.reasons()}."


def _finding(number: int, one: Finding) -> str:
    lines = [f"<p>{html.escape(one.wrong[:1].upper() + one.wrong[1:])}.</p>",
             f"<p class=\"muted\">{html.escape(_WHY.get(one.kind, ''))}</p>"]
    rows = []
    if one.computes:
        rows.append(("you have", one.computes))
    if one.found_value is not None and one.right_value is not None:
        rows.append(("see it in", f"{one.worst_cell}: {one.found_value:.6g}, where {one.right_value:.6g} belongs"))
    if one.expected:
        rows.append(("right is", one.expected))
    if one.repair:
        rows.append(("so", one.repair))
    lines.append("<dl>" + "".join(f"<dt>{name}</dt><dd><code>{html.escape(text)}</code></dd>" for name, text in rows)
                 + "</dl>")
    claim = f" <span>{html.escape(one.claim)}</span>" if one.claim else ""
    return (f'<section class="finding"><h3>{number}. <code>{html.escape(f"{one.sheet}!{one.cells}")}</code>{claim}</h3>'
            + "".join(lines) + "</section>")

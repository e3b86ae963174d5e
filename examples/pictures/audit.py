"""Draws audit.png: a sheet with the commonest mistake, made here, and what the audit says about it.

    python examples/pictures/audit.py
"""

from __future__ import annotations

import sys
import tempfile
import textwrap
from pathlib import Path

import matplotlib

import sheetprop

HERE = Path(__file__).resolve().parent
matplotlib.use("Agg")


def main() -> None:
    """Make the sheet, audit it, draw both."""
    import matplotlib.pyplot as plt

    sys.path.insert(0, str(HERE.parents[1] / "tests" / "auditing"))
    from test_audit_mistakes import classic

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hand-in.xlsx"
        classic(path, wrong=True)
        answer = sheetprop.audit(path)
        book = sheetprop.open(path)
        book.calculate()
        sheet = book["Sheet"]
    letters = ["J", "L", "W", "X", "Y", "Z", "AA", "AB"]
    rows = [35, *range(36, 41)]
    figure, (top, bottom) = plt.subplots(2, 1, figsize=(11, 3.6), height_ratios=(3, 1))
    for axes in (top, bottom):
        axes.axis("off")
    text = [[sheet[f"{c}{r}"] if r == 35 else f"{sheet[f'{c}{r}']:.9f}" for c in letters] for r in rows]
    table = top.table(text, colLabels=letters, rowLabels=[str(r) for r in rows], loc="center", cellLoc="right")
    table.auto_set_font_size(False)
    table.set_fontsize(10)
    table.scale(1, 1.5)
    for (row, column), cell in table.get_celld().items():
        cell.set_edgecolor("#c9ced6")
        if row == 0 or column < 0:
            cell.set_facecolor("#e9ecf1")
        elif letters[column] in ("Z", "AA") and row > 1:
            cell.set_facecolor("#f8d3cb")
            cell.set_text_props(weight="bold")
    lines = ["$ sheetprop audit hand-in.xlsx"]
    for one in answer.findings:
        lines += textwrap.wrap(f"{one.sheet}!{one.sentence()}", 112, subsequent_indent="    ")
    bottom.text(0, 1, "\n".join(lines), va="top", family="monospace", fontsize=9)
    figure.tight_layout()
    figure.savefig(HERE / "audit.png", dpi=110, bbox_inches="tight")


if __name__ == "__main__":
    main()

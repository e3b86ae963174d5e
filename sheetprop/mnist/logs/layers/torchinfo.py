"""torchinfo's table.

    Layer (type:depth-idx)                   Output Shape              Param #
    ├─Conv2d: 1-1                            [64, 8, 24, 24]           208
"""

from __future__ import annotations

import re

from sheetprop.mnist.logs.layertables import Draft, Table, count, finished, numbers
from sheetprop.mnist.record import LayerRow

ORDER = 20

_HEAD = re.compile(r"Layer \(type(?:\s*\(var_name\))?(?::depth-idx|\s*\(var_name\))")
_COLUMNS = re.compile(r"Input Shape|Output Shape|Param #|Param %|Kernel Shape|Mult-Adds|Trainable")
_ROW = re.compile(r"^(?P<lead>[\s│|├└─+\-]*)(?P<type>[A-Za-z_]\w*)(?:\s*\((?P<variable>[\w.]+)\))?"
                  r"(?::\s*(?P<depth>\d+)-(?P<number>\d+))?(?P<rest>(?:\s{2,}|\s+(?=\[|--)).*)?$")
_RULE = re.compile(r"^\s*[=\-]{10,}\s*$")
_MORE = re.compile(r"Total mult-adds[^:]*:\s*[\d,.]+", re.IGNORECASE)


def read(lines: list[str], source: str) -> list[Table]:
    """Return the tables; rows that only hold others are left out, so that each layer counts once."""
    drafts: list[Draft] = []
    columns: list[str] = []
    inside = False
    depths: list[int] = []
    for number, line in enumerate(lines, 1):
        if _HEAD.search(line) and "Param #" in line:
            drafts.append(Draft(number))
            columns, inside, depths = _COLUMNS.findall(line), True, []
            drafts[-1].used.add(number)
        elif not drafts:
            continue
        elif drafts[-1].under(number, line):
            inside = False
        elif _MORE.search(line):
            drafts[-1].used.add(number)
        elif inside and not _RULE.match(line) and (row := _ROW.match(line.rstrip())):
            drafts[-1].used.add(number)
            _take(drafts[-1], row, columns, depths)
    for draft in drafts:
        draft.check_totals()
        if "params size" in draft.sizes:
            value, number = draft.sizes["params size"]
            if abs(value - draft.parameters * 4 / 1e6) > 0.00501:
                draft.notes.append((number, f"params size computes to {draft.parameters * 4 / 1e6:.2f} MB (of a "
                                            f"million bytes), not {value:.2f}"))
    return finished(drafts, source)


def _take(draft: Draft, row: re.Match[str], columns: list[str], depths: list[int]) -> None:
    """Add a row; one under which deeper ones follow is taken back, unless it has parameters that they lack."""
    depth = int(row["depth"] or 0)
    cells = dict(zip(columns, re.split(r"\s{2,}", (row["rest"] or "").strip()), strict=False))
    if depths and depth > depths[-1] and draft.rows and not draft.rows[-1].parameters:
        draft.rows.pop()
    depths.append(depth)
    kernel = numbers("1," + cells["Kernel Shape"].strip("[]")) if cells.get("Kernel Shape", "--") != "--" else []
    draft.rows.append(LayerRow(
        type=row["type"], name=f"{row['type']}: {row['depth']}-{row['number']}" if row["depth"] else row["type"],
        shape=numbers(cells.get("Output Shape", "")), parameters=count(cells.get("Param #", "")) or 0,
        kernel=kernel[0] if len(kernel) >= 2 else None))

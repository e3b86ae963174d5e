"""torchsummary's table, as printed or as a Markdown table.

            Conv2d-1            [-1, 8, 24, 24]             208
"""

from __future__ import annotations

import re

from sheetprop.mnist.logs.layertables import MB, Draft, Table, finished, numbers
from sheetprop.mnist.record import LayerRow

ORDER = 10

_ROW = re.compile(r"^[\s|]*(?P<type>[A-Z]\w*?)-(?P<number>\d+)[\s|]+\[(?P<shape>[-\d,\s]+)\]"
                  r"[\s|]+(?P<count>\d[\d,]*)[\s|]*$")


def read(lines: list[str], source: str) -> list[Table]:
    """Return the tables; one begins where the layers are numbered from 1 again."""
    drafts: list[Draft] = []
    for number, line in enumerate(lines, 1):
        row = _ROW.match(line)
        if row is None:
            if drafts:
                drafts[-1].under(number, line)
            continue
        place = int(row["number"])
        if not drafts or (place == 1 and drafts[-1].rows) or drafts[-1].totals:
            drafts.append(Draft(number))
        draft = drafts[-1]
        draft.used.add(number)
        if place != len(draft.rows) + 1:
            draft.notes.append((number, f"layer {place} follows layer {len(draft.rows)}"))
        draft.rows.append(LayerRow(type=row["type"], name=f"{row['type']}-{place}", shape=numbers(row["shape"]),
                                   parameters=int(row["count"].replace(",", ""))))
    for draft in drafts:
        draft.check_totals()
        _check_sizes(draft)
    return finished(drafts, source)


def _check_sizes(draft: Draft) -> None:
    table = draft.network("")
    computed = {"input size": table.input_mb, "forward/backward pass size": table.forward_backward_mb,
                "params size": draft.parameters * MB, "estimated total size": table.total_mb}
    stated = draft.sizes.get("input size")
    if stated and abs(stated[0] - table.input_mb) > 0.00501:  # of another size than 28 x 28, and nothing tells it
        computed["input size"] = stated[0]
        computed["estimated total size"] += stated[0] - table.input_mb
    for what, (value, number) in draft.sizes.items():
        if abs(value - computed[what]) > (0.00501 if what != "estimated total size" or stated is None else 0.0101):
            draft.notes.append((number, f"{what} computes to {computed[what]:.2f} MB, not {value:.2f}"))

"""Lightning's table of the modules at the top of a network.

      | Name  | Type       | Params | Mode
    0 | conv1 | Conv2d     | 320    | train
"""

from __future__ import annotations

import re

from sheetprop.mnist.logs.layertables import Draft, Table, finished
from sheetprop.mnist.record import LayerRow

ORDER = 40

_HEAD = re.compile(r"^\s*\|\s*Name\s*\|\s*Type\s*\|\s*Params\b")
_ROW = re.compile(r"^\s*(?P<number>\d+)\s*\|\s*(?P<name>\w+)\s*\|\s*(?P<type>\w+)\s*\|\s*"
                  r"(?P<count>[\d.,]+)\s*(?P<unit>[KM]?)\s*(?:\||$)")
_TOTAL = re.compile(r"^\s*(?P<count>[\d.,]+)\s*(?P<unit>[KM]?)\s+(?P<what>Trainable|Non-trainable|Total) params\s*$")
_MORE = re.compile(r"^\s*[\d.]+\s+(?:Total estimated model params size|Modules in \w+ mode)")
_UNITS = {"": 1, "K": 1000, "M": 1_000_000}


def read(lines: list[str], source: str) -> list[Table]:
    """Return the tables; counts in thousands are rounded, and then it is said."""
    drafts: list[Draft] = []
    rounded: set[int] = set()
    for number, line in enumerate(lines, 1):
        if _HEAD.match(line):
            drafts.append(Draft(number, used={number}))
        elif not drafts:
            continue
        elif row := _ROW.match(line):
            draft = drafts[-1]
            draft.used.add(number)
            if row["unit"]:
                rounded.add(len(drafts))
            draft.rows.append(LayerRow(
                type=row["type"], name=row["name"], shape=[],
                parameters=round(float(row["count"].replace(",", "")) * _UNITS[row["unit"]])))
        elif total := _TOTAL.match(line):
            drafts[-1].used.add(number)
            if not total["unit"]:
                stated = int(float(total["count"].replace(",", "")))
                drafts[-1].totals.setdefault(total["what"].lower(), (stated, number))
        elif _MORE.match(line):
            drafts[-1].used.add(number)
    for place, draft in enumerate(drafts, 1):
        if place in rounded:
            draft.notes.append((draft.first, f"the table rounds to thousands: {draft.parameters:,} parameters are "
                                             "rough"))
            draft.totals.pop("total", None)
            draft.totals.pop("trainable", None)
        else:
            draft.check_totals()
    return finished(drafts, source)

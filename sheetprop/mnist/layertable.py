"""Reading a layer table of torchsummary out of a README, and checking its sums."""

from __future__ import annotations

import re
from math import prod

from sheetprop.mnist.record import LayerRow, NetworkTable

_ROW = re.compile(r"^[\s|]*(?P<type>[A-Z]\w*?)-(?P<number>\d+)[\s|]+\[(?P<shape>[-\d,\s]+)\]"
                  r"[\s|]+(?P<count>\d[\d,]*)[\s|]*$")
_TOTAL = re.compile(r"(?P<what>Total|Trainable|Non-trainable) params:\s*(?P<count>\d[\d,]*)", re.IGNORECASE)
_SIZE = re.compile(r"(?P<what>Input size|Forward/backward pass size|Params size|Estimated Total Size) \(MB\):\s*"
                   r"(?P<size>\d+(?:\.\d+)?)", re.IGNORECASE)
_MB = 4 / 1024**2


def read_table(lines: list[str], source: str) -> tuple[NetworkTable | None, list[tuple[int, str]], set[int]]:
    """Find the first layer table in the lines of a text.

    Returns:
        The table or None; what does not add up, as (line, reason); the lines that it took, from 1.
    """
    rows: list[LayerRow] = []
    totals: dict[str, tuple[int, int]] = {}
    sizes: dict[str, tuple[float, int]] = {}
    notes: list[tuple[int, str]] = []
    used: set[int] = set()
    for number, line in enumerate(lines, 1):
        if row := _ROW.match(line):
            used.add(number)
            shape = [int(v) for v in row["shape"].split(",") if v.strip()]
            if shape and shape[0] == -1:
                shape = shape[1:]
            if int(row["number"]) != len(rows) + 1:
                notes.append((number, f"layer {row['number']} follows layer {len(rows)}"))
            rows.append(LayerRow(type=row["type"], name=f"{row['type']}-{row['number']}", shape=shape,
                                 parameters=int(row["count"].replace(",", ""))))
        elif total := _TOTAL.search(line):
            used.add(number)
            totals.setdefault(total["what"].lower(), (int(total["count"].replace(",", "")), number))
        elif size := _SIZE.search(line):
            used.add(number)
            sizes.setdefault(size["what"].lower(), (float(size["size"]), number))
    if not rows:
        return None, notes, used
    parameters = sum(row.parameters for row in rows)
    passes = 2 * sum(prod(row.shape) for row in rows) * _MB
    if "total" in totals and totals["total"][0] != parameters:
        stated, line_number = totals["total"]
        notes.append((line_number, f"the layers add up to {parameters:,} parameters, not {stated:,}"))
    trainable = totals.get("trainable", (parameters, 0))[0]
    fixed = totals.get("non-trainable", (parameters - trainable, 0))
    if trainable + fixed[0] != totals.get("total", (trainable + fixed[0], 0))[0]:
        notes.append((fixed[1], "trainable and non-trainable parameters do not add up to the total"))
    computed = {"input size": 28 * 28 * _MB, "forward/backward pass size": passes, "params size": parameters * _MB}
    computed["estimated total size"] = sum(computed.values())
    for what, (value, number) in sizes.items():
        if abs(value - computed[what]) > 0.00501:
            notes.append((number, f"{what} computes to {computed[what]:.2f} MB, not {value:.2f}"))
    return NetworkTable(
        name=source, title="as the log's file shows it", origin=source, parameters=parameters, trainable=trainable,
        layers=rows, input_mb=computed["input size"], forward_backward_mb=passes,
        parameters_mb=computed["params size"], total_mb=computed["estimated total size"],
    ), notes, used

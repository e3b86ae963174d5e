"""A layer table on its way from a text into a record."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod

from sheetprop.mnist.record import LayerRow, NetworkTable

MB = 4 / 1024**2  # float32 values to MB, as torchsummary counts
_TOTAL = re.compile(r"(?P<what>Total|Trainable|Non-trainable) params\s*:\**\s*(?P<count>\d[\d,]*)", re.IGNORECASE)
_SIZE = re.compile(r"(?P<what>Input size|Forward/backward pass size|Params size|Estimated Total Size) \(MB\)\s*:\**\s*"
                   r"(?P<size>\d+(?:\.\d+)?)", re.IGNORECASE)


@dataclass
class Draft:
    """The rows of a table and the totals under it.

    Attributes:
        first: number of its first line.
        rows: the layers.
        used: numbers of all its lines.
        totals, sizes: figures under the table with the line that each stands in.
        notes: what is wrong, as (line, reason).
    """

    first: int
    rows: list[LayerRow] = field(default_factory=list)
    used: set[int] = field(default_factory=set)
    totals: dict[str, tuple[int, int]] = field(default_factory=dict)
    sizes: dict[str, tuple[float, int]] = field(default_factory=dict)
    notes: list[tuple[int, str]] = field(default_factory=list)

    def under(self, number: int, line: str) -> bool:
        """Take a line of totals; tell whether it was one."""
        if total := _TOTAL.search(line):
            what = total["what"].lower()
            if what in self.totals:
                return False
            self.totals[what] = (int(total["count"].replace(",", "")), number)
        elif size := _SIZE.search(line):
            if size["what"].lower() in self.sizes:
                return False
            self.sizes[size["what"].lower()] = (float(size["size"]), number)
        else:
            return False
        self.used.add(number)
        return True

    @property
    def parameters(self) -> int:
        """The sum of the rows."""
        return sum(row.parameters for row in self.rows)

    def check_totals(self) -> None:
        """Note it where the totals are not those of the rows."""
        parameters = self.parameters
        if "total" in self.totals and self.totals["total"][0] != parameters:
            stated, line = self.totals["total"]
            self.notes.append((line, f"the layers add up to {parameters:,} parameters, not {stated:,}"))
        trainable = self.totals.get("trainable", (parameters, 0))[0]
        fixed = self.totals.get("non-trainable", (parameters - trainable, 0))
        if trainable + fixed[0] != self.totals.get("total", (trainable + fixed[0], 0))[0]:
            self.notes.append((fixed[1], "trainable and non-trainable parameters do not add up to the total"))

    def network(self, source: str) -> NetworkTable:
        """Return the table; memory is estimated anew in torchsummary's manner."""
        parameters = self.parameters
        passes = 2 * sum(prod(row.shape) for row in self.rows if row.shape) * MB
        sizes = (28 * 28 * MB, passes, parameters * MB)
        return NetworkTable(
            name=source, title="as the log's file shows it", origin=source, parameters=parameters,
            trainable=self.totals.get("trainable", (parameters, 0))[0], layers=self.rows, input_mb=sizes[0],
            forward_backward_mb=sizes[1], parameters_mb=sizes[2], total_mb=sum(sizes))


@dataclass(frozen=True)
class Table:
    """A layer table that was found: the network, the line it begins in, its lines, what does not add up."""

    network: NetworkTable
    first: int
    used: frozenset[int]
    notes: tuple[tuple[int, str], ...]


def numbers(cell: str) -> list[int]:
    """Return the numbers of a shape such as ``[-1, 8, 24, 24]`` or ``(None, 24, 24, 8)`` without the batch."""
    words = [w.strip() for w in cell.strip().strip("[]()").split(",") if w.strip()]
    if words and (words[0] in ("-1", "None", "?") or len(words) > 1):
        words = words[1:]
    return [int(w) for w in words if re.fullmatch(r"-?\d+", w)]


def count(cell: str) -> int | None:
    """Return the number of parameters that a cell tells, or None."""
    text = cell.strip().replace(",", "")
    return int(text) if text.isdigit() else None


def finished(drafts: Sequence[Draft], source: str) -> list[Table]:
    """Return the tables of the drafts that have rows."""
    return [Table(d.network(source), d.first, frozenset(d.used), tuple(d.notes)) for d in drafts if d.rows]

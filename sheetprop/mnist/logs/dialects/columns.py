"""Tables with a row for each epoch: CSV files (Keras's CSVLogger, Lightning's CSVLogger), fastai's table, the tables
of the Hugging Face Trainer in a notebook, Markdown tables.

    epoch,accuracy,loss,val_accuracy,val_loss
    epoch     train_loss  valid_loss  accuracy  time
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from sheetprop.mnist.logs.found import NUMBER, Found, Share
from sheetprop.mnist.logs.names import Metric, metric

ORDER = 20

_NUMBER = re.compile(rf"(?:{NUMBER}|nan|inf)", re.IGNORECASE)
_CLOCK = re.compile(r"(?:(\d+):)?(\d+):(\d+)")
_RULE = re.compile(r"[\s|:+=\-─━═]+")
_SECONDS = {"time", "seconds", "duration", "epoch_time", "time_s", "time (s)", "s"}


@dataclass(frozen=True)
class _Column:
    name: str
    means: Metric | None
    seconds: bool = False

    @property
    def error(self) -> bool:
        """Whether it is fastai's share of wrong answers."""
        return self.name == "error_rate"


class Reader:
    """Remembers the heads of the table that it is in."""

    def __init__(self) -> None:
        self.columns: list[_Column] = []
        self.separator = ""

    def read(self, text: str) -> Iterable[Found]:
        """Return the row of a table, or nothing."""
        if not text.strip():
            self.columns = []
            return []
        if self.columns:
            if _RULE.fullmatch(text):
                return []
            row = self._row(text)
            if row is not None:
                return [row]
        heads, separator = _heads(text)
        if heads:
            self.columns, self.separator = heads, separator
            strange = [c.name for c in heads if c.means is None and not c.seconds and c.name and not c.error]
            notes = (f"not taken of this table: {', '.join(strange)}",) if strange else ()
            if not any(c.means and c.means.quantity == "epoch" for c in heads) and \
                    any(c.means and c.means.quantity == "batch" for c in heads):
                self.columns = []
                return [Found("aside", 0, len(text), notes=("the rows of this table count steps, not epochs: none is "
                                                             "taken",))]
            return [Found("aside", 0, len(text), notes=notes)]
        return []

    def _row(self, text: str) -> Found | None:
        cells = _cells(text, self.separator)
        if len(cells) == len(self.columns) + 1:  # pandas prints its index before
            cells = cells[1:]
        if len(cells) != len(self.columns) and not (self.separator == " " and len(cells) > len(self.columns)):
            return None
        values: dict[str, float] = {}
        shares: dict[str, Share] = {}
        sided = any(c.means and c.means.quantity == "accuracy" and c.means.side for c in self.columns)
        plain = any(c.means and c.means.quantity == "loss" and c.means.side is None for c in self.columns)
        judged = any(c.means and c.means.quantity == "loss" and c.means.side in ("val", "test") for c in self.columns)
        tests = {c.means.side for c in self.columns if c.means} & {"val", "test"}
        for column, cell in zip(self.columns, cells, strict=False):
            mark = cell.endswith("%")
            cell = cell.rstrip("% ").replace("*", "")
            if column.seconds:
                if clock := _CLOCK.fullmatch(cell):
                    values["seconds"] = int(clock[1] or 0) * 3600.0 + int(clock[2]) * 60.0 + int(clock[3])
                elif _NUMBER.fullmatch(cell):
                    values["seconds"] = float(cell)
                continue
            if column.error and _NUMBER.fullmatch(cell) and "test_accuracy" not in shares:
                shares["test_accuracy"] = Share(str(1 - Decimal(cell)))
            if column.means is None or not cell:
                continue
            if column.means.quantity == "epoch":
                number = re.match(r"(\d+)(?:\.0+)?(?:\s*/\s*\d+)?$", cell)
                if number is None:
                    return None
                values["number"] = int(number[1])
                continue
            if not _NUMBER.fullmatch(cell):
                if cell.lower() in ("no log", "-", "–", "none", "n/a", "null"):
                    continue
                return None
            side = column.means.side
            if column.means.quantity == "accuracy" and side is None:
                side = "val" if judged and not sided and not plain else "train"
            if side == "val" and "test" in tests:
                continue
            where = "test" if side in ("val", "test") else "train"
            if column.means.quantity == "accuracy":
                if not math.isnan(float(cell)):
                    shares[f"{where}_accuracy"] = Share(cell, mark)
            elif column.means.quantity == "loss":
                values["last_loss" if column.means.scope == "step" else f"{where}_loss"] = float(cell)
            elif column.means.quantity == "rate":
                values["learning_rate"] = float(cell)
        if not shares and not set(values) & {"train_loss", "test_loss", "last_loss"}:
            return None if "number" not in values else Found("aside", 0, len(text))
        return Found("row", 0, len(text), values, shares)


def _heads(text: str) -> tuple[list[_Column], str]:
    """Return the columns that a line of heads names, and what parts them."""
    for separator in ("|", ",", ";", "\t", "  ", " "):
        cells = _cells(text, separator)
        if len(cells) < 2 or any(_NUMBER.fullmatch(c) for c in cells):
            continue
        columns = [_Column(c, metric(c.replace("*", "")), c.lower().strip("* ") in _SECONDS) for c in cells]
        known = [c.means for c in columns if c.means]
        counts = [m for m in known if m.quantity in ("epoch", "batch") and m.side is None]
        figures = [m for m in known if m.quantity in ("loss", "accuracy")]
        if counts and figures and len(known) >= max(2, len(cells) // 3) and all(
                re.fullmatch(r"[\w /%().*\-]{0,40}", c) for c in cells):
            return columns, separator
    return [], ""


def _cells(text: str, separator: str) -> list[str]:
    if separator == "|":
        if "|" not in text:
            return []
        return [c.strip() for c in text.strip().strip("|").split("|")]
    if separator == "  ":
        return re.split(r"\s{2,}|\t", text.strip())
    if separator == " ":
        return text.split()
    return [c.strip().strip('"') for c in text.split(separator)] if separator in text else []

"""Keras, versions 1 to 3: a line for each epoch, drawn over and over while it trains.

    469/469 [==============================] - 5s 10ms/step - loss: 0.26 - accuracy: 0.92 - val_loss: 0.05
    469/469 ━━━━━━━━━━━━━━━━━━━━ 5s 10ms/step - accuracy: 0.92 - loss: 0.26 - val_accuracy: 0.98 - val_loss: 0.05
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sheetprop.mnist.logs.found import NUMBER, Found, Share
from sheetprop.mnist.logs.names import EPOCH, metric

ORDER = 30

_PAIR = rf"[A-Za-z][\w ]*?:\s*(?:{NUMBER}|nan|inf)"
_SPEED = r"(?:\s*-?\s*[\d.]+\s*(?:us|ms|s|µs)/(?:step|sample|epoch))*"
_ROW = re.compile(
    r"(?:(?P<done>\d+)/(?P<all>\d+|Unknown)\s*(?:\[[=>.\s]*\]|[━╸╺─]+(?:\s*[━╸╺─]+)*)?\s*)?"
    r"(?:-\s*)?(?:(?P<eta>ETA:\s*[\d:]+s?)|(?P<time>\d+(?:\.\d+)?)s|(?P<clock>(?:\d+:)?\d+:\d+))"
    rf"{_SPEED}\s*(?P<rest>(?:-\s*{_PAIR}\s*)+)", re.IGNORECASE,
)
_NAMED = re.compile(rf"(?P<name>[A-Za-z][\w ]*?):\s*(?P<value>{NUMBER}|nan|inf)", re.IGNORECASE)
_EMPTY = re.compile(r"^\s*\d+/\d+\s*(?:\[[=>.\s]*\]|[━╸╺─ ]+)\s*-?\s*(?:ETA:[\s\d:]*s?|\d+s)?"
                    r"(?:\s*[\d.]+\s*(?:us|ms|s)/step)?\s*$")
_SAMPLES = re.compile(r"Train on (?P<train>\d+) samples(?:, validate on (?P<test>\d+) samples)?")
_CALLBACK = re.compile(
    rf"Epoch\s+\d+:\s*(?:(?:\w+)\s+(?:improved from|did not improve)[^\r\n]*|saving model[^\r\n]*|"
    rf"early stopping|(?:\w+\s+)?(?P<verb>setting|reducing) learning rate to (?P<rate>{NUMBER})\.?)", re.IGNORECASE)
_AFTER = re.compile(rf"^\W*(?:Test|Baseline|Final test)\s*(?P<what>loss|score|accuracy|acc|error)\s*[:=]\s*"
                    rf"(?P<value>{NUMBER})\s*(?P<percent>%)?\W*$", re.IGNORECASE)
_LIST = re.compile(rf"^\s*\[\s*(?P<loss>{NUMBER})\s*,\s*(?P<share>[01]?\.\d+|[01]\.0)\s*\]\s*$")


class Reader:
    """Remembers whether an epoch is open, so that the bar of an evaluation is none."""

    def __init__(self) -> None:
        self.open = False
        self.whole: tuple[str, str] | None = None  # count and figures of the last whole row
        self.samples: int | None = None
        self.seen = False

    def read(self, text: str) -> Iterable[Found]:
        """Return an epoch's line, what callbacks say of the learning rate, and scores after the training."""
        if told := _SAMPLES.search(text):
            self.samples = int(told["train"])
            return [Found("aside", told.start(), told.end())]
        if said := _CALLBACK.search(text):
            if said["rate"] is None:
                return [Found("aside", said.start(), said.end())]
            values = {"learning_rate": float(said["rate"])}
            if said["verb"].lower() == "reducing":
                values["next"] = 1.0
            return [Found("rate", said.start(), said.end(), values)]
        if self.seen and not self.open:
            if after := _AFTER.match(text):
                if after["what"].lower() in ("accuracy", "acc"):
                    share = Share(after["value"], after["percent"] is not None)
                    return [Found("final", after.start(), after.end(), {}, {"test_accuracy": share})]
                if after["what"].lower() != "error":
                    return [Found("final", after.start(), after.end(), {"test_loss": float(after["value"])})]
            if after := _LIST.match(text):
                return [Found("final", after.start(), after.end(), {"test_loss": float(after["loss"])},
                              {"test_accuracy": Share(after["share"])})]
        if EPOCH.search(text):
            self.open = True
        row = _ROW.search(text)
        if row is None:
            empty = _EMPTY.match(text)
            return [Found("aside", empty.start(), empty.end())] if empty else []
        found = self._figures(row)
        return [found] if found is not None else []

    def _figures(self, row: re.Match[str]) -> Found | None:
        pairs = [(m["name"].strip(), m["value"]) for m in _NAMED.finditer(row["rest"])]
        values: dict[str, float] = {}
        shares: dict[str, Share] = {}
        for name, text in pairs:
            means = metric(re.sub(r"^val_val_", "val_", name))
            if means is None:
                continue
            side = "test" if means.side in ("val", "test") else "train"
            if means.quantity == "accuracy":
                shares[f"{side}_accuracy"] = Share(text)
            elif means.quantity == "loss":
                values[f"{side}_loss"] = float(text)
            elif means.quantity == "rate":
                values["learning_rate"] = float(text)
        if not shares and not values:
            return None
        self.seen = True
        strange = [n for n, _ in pairs if metric(re.sub(r"^val_val_", "val_", n)) is None]
        notes = (f"not taken: {', '.join(strange)}",) if strange else ()
        if row["eta"] or (row["done"] and row["done"] != row["all"]):
            loss = {"last_loss": values["train_loss"]} if "train_loss" in values else {}
            return Found("step", row.start(), row.end(), {**loss, "partial": 1.0})
        if row["time"]:
            values["seconds"] = float(row["time"])
        if row["all"] and row["all"] != "Unknown":
            count = int(row["all"])
            if count != self.samples and "/sample" not in row[0] and "us/step" not in row[0]:
                values["batches"] = count
        told = (row["all"] or "", row["rest"].strip())
        tested = "test_loss" in values or "test_accuracy" in shares
        again = self.whole is not None and told[0] == self.whole[0] and (
            told[1] == self.whole[1] or (tested and "val_" not in self.whole[1]))
        if not self.open and self.whole is not None and not again and not tested and row["all"]:
            return Found("final", row.start(), row.end(),
                         {"test_loss": values["train_loss"]} if "train_loss" in values else {},
                         {"test_accuracy": shares["train_accuracy"]} if "train_accuracy" in shares else {})
        self.open, self.whole = False, told
        return Found("row", row.start(), row.end(), values, shares, notes)

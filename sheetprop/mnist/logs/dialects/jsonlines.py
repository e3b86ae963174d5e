"""A JSON object for each epoch, as loggers write them, ours too (`train --log jsonl`).

    {"epoch": 1, "train_loss": 0.31, "test_accuracy": 97.1}
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable

from sheetprop.mnist.logs.found import Found, Share
from sheetprop.mnist.logs.names import metric

ORDER = 11


class Reader:
    """Remembers the seed, since a file of several runs may hold one after the other."""

    def __init__(self) -> None:
        self.seed: object = None

    def read(self, text: str) -> Iterable[Found]:
        """Return the figures of a line that is an object with an epoch."""
        stripped = text.strip()
        if not (stripped.startswith("{") and stripped.endswith("}")):
            return []
        try:
            told = json.loads(stripped)
        except ValueError:
            try:
                told = ast.literal_eval(stripped)
            except (ValueError, SyntaxError, MemoryError, RecursionError):
                return []
        if not isinstance(told, dict) or not isinstance(told.get("epoch"), int):
            return []
        found: list[Found] = []
        if "seed" in told and told["seed"] != self.seed and isinstance(told["seed"], int):
            found.append(Found("run", 0, 0, {"seed": float(told["seed"])}))
            self.seed = told["seed"]
        values: dict[str, float] = {"number": float(told["epoch"])}
        shares: dict[str, Share] = {}
        strange = []
        for name, value in told.items():
            if isinstance(value, bool) or not isinstance(value, int | float) or name in ("epoch", "seed", "step"):
                continue
            if name in ("seconds", "test_seconds"):
                values[name] = float(value)
                continue
            means = metric(str(name))
            if means is None or means.best or means.quantity in ("epoch", "batch"):
                strange.append(str(name))
                continue
            where = "test" if means.side in ("val", "test") else "train"
            if means.quantity == "accuracy":
                shares[f"{where}_accuracy"] = Share(repr(value))
            elif means.quantity == "loss":
                values[f"{where}_loss"] = float(value)
            else:
                values["learning_rate"] = float(value)
        if not shares and not {"train_loss", "test_loss"} & set(values):
            return []
        notes = (f"not taken: {', '.join(strange)}",) if strange else ()
        return [*found, Found("row", 0, len(text), values, shares, notes)]

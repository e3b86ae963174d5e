"""The MNIST examples of flax and JAX.

    epoch:  1, train_loss: 0.2289, train_accuracy: 93.11, test_loss: 0.0657, test_accuracy: 97.99
    train epoch: 1, loss: 0.2289, accuracy: 93.11
    [test] step: 200, loss: 0.0657, accuracy: 97.99
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sheetprop.mnist.logs.found import NUMBER, Found, Share

ORDER = 60

_SIDED = re.compile(
    rf"\b(?P<side>train|test|eval)\s+epoch:\s*(?P<number>\d+),\s*loss:\s*(?P<loss>{NUMBER}|nan),\s*"
    rf"accuracy:\s*(?P<share>{NUMBER})\s*(?P<percent>%)?", re.IGNORECASE)
_STEPS = re.compile(
    rf"\[(?:train|test|eval)\]\s+step:\s*\d+,\s*loss:\s*{NUMBER},\s*accuracy:\s*{NUMBER}\s*%?", re.IGNORECASE)


class Reader:
    """Needs no memory."""

    def read(self, text: str) -> Iterable[Found]:
        """Return lines of one side of an epoch; lines for steps are named as not taken."""
        found = []
        for mark in _SIDED.finditer(text):
            where = "train" if mark["side"].lower() == "train" else "test"
            found.append(Found(
                "train" if where == "train" else "test", mark.start(), mark.end(),
                {"number": float(mark["number"]), f"{where}_loss": float(mark["loss"])},
                {f"{where}_accuracy": Share(mark["share"], mark["percent"] is not None)}))
        found += [Found("aside", mark.start(), mark.end(), notes=("counts steps, not epochs: not taken",))
                  for mark in _STEPS.finditer(text)]
        return found

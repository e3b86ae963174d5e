"""Lines that tell the number of an epoch or the learning rate and little else, in anybody's spelling.

    EPOCH: 3        Epoch ===> 18        epoches: 18        Epoch #18        LR: [0.0317]
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sheetprop.mnist.logs.found import Found
from sheetprop.mnist.logs.names import EPOCH, PAIR, metric
from sheetprop.mnist.logs.prose import code, letters

ORDER = 80

_FOR_EPOCH = re.compile(r"\bfor\s+epoch\b\s*[:=#]?\s*\d+", re.IGNORECASE)
_WORDS = re.compile(r"\b(?:test|train|set|of|starting|started|running|current|run|begin|training|time|learning|rate|"
                    r"sgd|adam|optimizer|updated|new|using)\b", re.IGNORECASE)


class Reader:
    """Needs no memory."""

    def read(self, text: str) -> Iterable[Found]:
        """Return numbers of epochs and learning rates that stand for themselves."""
        found: list[Found] = []
        bare_text = text.strip(" \t\0")
        if not bare_text or len(bare_text) > 400 or (code(text) and not EPOCH.match(bare_text)):
            return found
        rest = text
        rates = []
        for pair in PAIR.finditer(text):
            means = metric(EPOCH.sub(" ", pair["name"]))
            if means is not None and means.quantity == "rate" and not means.best and means.side is None:
                rates.append(pair)
        for pair in rates:
            rest = rest[: pair.start()] + " " * (pair.end() - pair.start()) + rest[pair.end() :]
        about = _FOR_EPOCH.search(rest)
        epochs = [m for m in EPOCH.finditer(rest) if about is None or not about.start() <= m.start() < about.end()]
        bare = _WORDS.sub(" ", EPOCH.sub(" ", _FOR_EPOCH.sub(" ", rest)))
        # `EPOCH: 3, normalization: Batch` is one; a sentence that begins with an epoch is none.
        told = re.match(r"\W*epoch\s*[:=]?\s*\d+\s*[,;|]\s*\w+\s*[:=]\s*\w+\W*$", rest, re.IGNORECASE)
        if letters(bare) > 12 and not told:
            return found
        for pair in rates:
            values = {"learning_rate": float(pair["value"])}
            if about is not None:
                values["next"] = 1.0
            end = about.end() if about is not None else pair.end()
            found.append(Found("rate", pair.start(), max(end, pair.end()), values))
        for mark in epochs:
            values = {"number": float(mark["number"])}
            if mark["of"]:
                values["of"] = float(mark["of"])
            if mark["plural"]:
                values["plural"] = 1.0
            found.append(Found("epoch", mark.start(), mark.end(), values))
        return found

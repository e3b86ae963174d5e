"""PyTorch Lightning: what it prints beside its bars (the bars themselves are tqdm's, see `bars`).

    ┃        Test metric        ┃       DataLoader 0        ┃
    │         test_acc          │    0.9894999861717224     │
    DATALOADER:0 TEST RESULTS
    {'test_acc': 0.9872, 'test_loss': 0.0421}
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sheetprop.mnist.logs.found import NUMBER, Found, Share
from sheetprop.mnist.logs.names import metric

ORDER = 12

_HEAD = re.compile(r"\b(?:Test|Validate|Runningstage\.testing)\s+metric\b.*DataLoader|DATALOADER:\d+ (?:TEST|VALIDATE) "
                   r"RESULTS", re.IGNORECASE)
_ROW = re.compile(rf"^[\s│|┃]*(?P<name>[A-Za-z][\w/]*)[\s│|┃]+(?P<value>{NUMBER})[\s│|┃]*$")
_ENTRY = re.compile(rf"['\"](?P<name>[\w/]+)['\"]\s*:\s*(?:tensor\()?(?P<value>{NUMBER})")
_RULE = re.compile(r"^[\s─━┏┓┗┛┡┩└┘├┤┬┴┼╇┳┻═+\-]*$")
_SAID = re.compile(r"`?Trainer\.fit`? stopped: `?max_epochs=(?P<of>\d+)`? reached\.?|"
                   r"(?:Sanity Checking|Validation sanity check)[^\r\n]*|"
                   r"^\s*(?:Validation|Validating|Testing|Predicting)(?: DataLoader \d+)?: [^\r\n]*\d+%[^\r\n]*\]")


class Reader:
    """Remembers whether it stands in a table of test figures."""

    def __init__(self) -> None:
        self.inside = False

    def read(self, text: str) -> Iterable[Found]:
        """Return the figures of the test after the training."""
        if head := _HEAD.search(text):
            self.inside = True
            return [Found("aside", head.start(), head.end())]
        if said := _SAID.search(text):
            return [Found("aside", said.start(), said.end())]
        if not self.inside:
            return []
        if row := _ROW.match(text):
            return [_final(row.start(), row.end(), {row["name"]: row["value"]})]
        told = {m["name"]: m["value"] for m in _ENTRY.finditer(text)}
        if told:
            return [_final(0, len(text), told)]
        if not _RULE.match(text) and "{" not in text and "}" not in text:
            self.inside = False
        return []


def _final(start: int, end: int, told: dict[str, str]) -> Found:
    values: dict[str, float] = {}
    shares: dict[str, Share] = {}
    strange = []
    for name, text in told.items():
        means = metric(name)
        if means is not None and means.quantity == "accuracy":
            shares["test_accuracy"] = Share(text)
        elif means is not None and means.quantity == "loss":
            values["test_loss"] = float(text)
        else:
            strange.append(name)
    return Found("final", start, end, values, shares, (f"not taken: {', '.join(strange)}",) if strange else ())

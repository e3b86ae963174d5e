"""PyTorch's own example and its many children: a line for the test, a line for every so many batches.

    Train Epoch: 1 [0/60000 (0%)]	Loss: 2.300039
    Test set: Average loss: 0.0474, Accuracy: 9840/10000 (98%)
    Adjusting learning rate of group 0 to 1.0000e-02.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sheetprop.mnist.logs.found import NUMBER, Found, Kind

ORDER = 40

_SCORE = re.compile(
    r"(?:\bEpoch\s*[:=#\-]?\s*(?P<before>\d+)\s*[:,|\-]?\s*)?"
    r"\\?\b(?P<side>Test(?:ing)?|Train(?:ing)?|Val(?:id(?:ation)?)?|Held-out)\s*"
    r"(?:(?P<what>set|data|results?|loader)\s*)?(?:Epoch\s*[:=#]?\s*(?P<number>\d+)\s*)?\s*[:\-]\s*"
    rf"(?:(?:Average|Avg\.?|Mean)?\s*loss\s*[:=]\s*(?P<loss>{NUMBER}|nan|inf)\s*[,;|]?\s*)?"
    rf"(?:Average\s+)?Accuracy\s*[:=]\s*(?P<right>\d+)\s*/\s*(?P<all>\d+)(?:\s*\((?P<share>{NUMBER})\s*%\s*\))?",
    re.IGNORECASE,
)
_STEP = re.compile(
    r"(?:Train(?:ing)?\s+)?\bEpoch\s*[:=]?\s*(?P<number>\d+)(?:\s*/\s*(?P<of>\d+))?\s*[,:]?\s*"
    r"\[\s*(?P<done>\d+)\s*/\s*(?P<all>\d+)\s*(?:\(\s*\d+(?:\.\d+)?\s*%\s*\))?\s*\]\s*[,:|]?\s*"
    rf"(?:(?:Average\s+|Train(?:ing)?\s+)?loss\s*[:=]\s*(?P<loss>{NUMBER}|nan|inf))?"
    rf"(?:\s*[,;|]?\s*Acc(?:uracy)?\s*[:=]\s*(?P<share>{NUMBER})\s*(?P<percent>%)?)?", re.IGNORECASE,
)
_TUTORIAL = re.compile(rf"\[\s*(?P<number>\d+)\s*,\s*(?P<batch>\d+)\s*\]\s*loss\s*:\s*(?P<loss>{NUMBER}|nan)",
                       re.IGNORECASE)
_ADJUSTED = re.compile(rf"(?:\bEpoch\s+(?P<number>\d+)\s*:\s*)?"
                       rf"(?P<how>adjusting|reducing)\s+learning\s+rate\s+of\s+group\s+"
                       rf"(?P<group>\d+)\s+to\s+(?P<rate>{NUMBER}?)\.?(?=\s|$)", re.IGNORECASE)


class Reader:
    """Needs no memory."""

    def read(self, text: str) -> Iterable[Found]:
        """Return test and training scores, training steps, learning rates."""
        found = [_score(mark) for mark in _SCORE.finditer(text)]
        for mark in _STEP.finditer(text):
            values = {"number": float(mark["number"]), "images": float(mark["all"]), "partial": 1.0}
            if mark["loss"]:
                values["last_loss"] = float(mark["loss"])
            if mark["of"]:
                values["of"] = float(mark["of"])
            found.append(Found("step", mark.start(), mark.end(), values))
        found += [Found("step", mark.start(), mark.end(), {
            "number": float(mark["number"]), "last_loss": float(mark["loss"]), "partial": 1.0})
            for mark in _TUTORIAL.finditer(text)]
        for mark in _ADJUSTED.finditer(text):
            values = {"learning_rate": float(mark["rate"].rstrip(".")), "next": 1.0}
            if mark["number"]:
                values["hint"] = float(mark["number"])
            if mark["group"] != "0":
                found.append(Found("aside", mark.start(), mark.end(), notes=(
                    f"the learning rate of parameter group {mark['group']} is not taken",)))
            else:
                found.append(Found("rate", mark.start(), mark.end(), values))
        return found


def _score(mark: re.Match[str]) -> Found:
    right, total = int(mark["right"]), int(mark["all"])
    training = mark["side"].lower().startswith("train")
    where = "train" if training else "test"
    values = {f"{where}_correct": float(right), f"{where}_total": float(total)}
    notes: list[str] = []
    if mark["loss"]:
        values[f"{where}_loss"] = float(mark["loss"])
    shown = mark["share"]
    if not total or right > total:
        notes.append(f"{right} of {total} cannot be right")
    accuracy = 100 * right / total if total else 0.0
    if shown is not None:
        digits = len(shown.partition(".")[2])
        if abs(accuracy - float(shown)) > 0.5 * 10.0**-digits + 1e-9:
            notes.append(f"{right}/{total} is {accuracy:.{digits}f}%, not {shown}%")
    values[f"{where}_accuracy"] = accuracy
    if mark["before"] or mark["number"]:
        values["number"] = float(mark["before"] or mark["number"])
    kind: Kind = "train" if training else "test"
    if (mark["what"] or "").lower() == "data":
        kind = "final"
    if mark["side"].lower().startswith("held"):
        values["held"] = 1.0
    return Found(kind, mark.start(), mark.end(), values, {}, tuple(notes))

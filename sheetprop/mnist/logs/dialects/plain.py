"""Lines of names and numbers that no other dialect knows: loops that people write themselves.

    Epoch 3/10 | Train Loss: 0.1012 | Train Acc: 96.80% | Val Loss: 0.0712 | Val Acc: 97.75%
    loss: 0.303494  [ 6400/60000]
    Test Error:
     Accuracy: 98.5%, Avg loss: 0.0491
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from sheetprop.mnist.logs.found import Found, Kind, Share
from sheetprop.mnist.logs.names import EPOCH, PAIR, Metric, metric
from sheetprop.mnist.logs.prose import code, letters

ORDER = 70

_SIDE = re.compile(r"\b(?P<side>train(?:ing)?|test(?:ing)?|val(?:id(?:ation)?)?|eval(?:uation)?)\b\s*"
                   r"(?:set|data|phase|error|results?|metrics?)?\s*(?:[:\])|\->]+|\t)", re.IGNORECASE)
_PART = re.compile(r"\b(?:step|batch|iter(?:ation)?)\b|\[\s*\d+\s*/\s*\d+\s*\]", re.IGNORECASE)
_BARE = re.compile(r"\b(?P<name>(?:(?:train(?:ing)?|val(?:id(?:ation)?)?|test(?:ing)?)[ _])?(?:loss|acc(?:uracy)?))\s+"
                   r"(?P<value>\d*\.\d+)\s*(?P<percent>%)?", re.IGNORECASE)
_GAP = re.compile(r"\b(?:loss|acc(?:uracy)?)\s*[:=]\s*(?:[,;|]|$)", re.IGNORECASE)  # a name whose number is not there
_TAIL = re.compile(r"\b(?:time|elapsed|duration|eta)\b[^|,;]*", re.IGNORECASE)


class Reader:
    """Remembers a heading such as ``Test Error:`` for the line after it."""

    def __init__(self) -> None:
        self.heading: str | None = None

    def read(self, text: str) -> Iterable[Found]:
        """Return the figures of a line that is made of names and numbers."""
        stripped = text.strip(" \t\0")
        if not stripped or len(stripped) > 1000:
            return []
        heading, self.heading = self.heading, None
        alone = re.fullmatch(r"(?P<side>train(?:ing)?|test(?:ing)?|val(?:id(?:ation)?)?)\s*(?:error|results?|metrics?|"
                             r"set|phase)?\s*:", stripped, re.IGNORECASE)
        if alone:
            self.heading = alone["side"].lower()
            return []
        pairs: list[tuple[int, int, Metric, re.Match[str]]] = []
        for mark in (*PAIR.finditer(text), *_BARE.finditer(text)):
            means = _metric(mark)
            if re.match(r"\s*,\s*[-\d.]+\s*(?:,|$)", text[mark.end() :]):  # the first number of a list
                return []
            if means is not None and not means.best and not any(s < mark.end() and mark.start() < e
                                                                for s, e, _, _ in pairs):
                pairs.append((mark.start(), mark.end(), means, mark))
        figures = [p for p in pairs if p[2].quantity in ("loss", "accuracy")]
        if not figures or code(text) or _GAP.search(text):
            return []
        rest = text
        for start, end, _, _ in pairs:
            rest = rest[:start] + " " * (end - start) + rest[end:]
        epoch = EPOCH.search(rest)
        leftover = _TAIL.sub(" ", PAIR.sub(" ", _SIDE.sub(" ", EPOCH.sub(" ", rest))))
        if letters(leftover) > 14:
            return []
        found = _figures(text, sorted(pairs, key=lambda p: p[0]), heading)
        strange = [m["name"].strip() for m in PAIR.finditer(rest) if m["value"][:1].isdigit() and not (
            _TAIL.search(m["name"]) or metric(m["name"]) or re.search(r"\.\w{1,4}$", m["name"]))]
        if strange:
            found = replace(found, notes=(*found.notes, f"not taken: {', '.join(strange)}"))
        if epoch is not None and "number" not in found.values:
            found.values["number"] = float(epoch["number"])
            if epoch["of"]:
                found.values["of"] = float(epoch["of"])
        start = min([p[0] for p in pairs] + ([epoch.start()] if epoch else []))
        end = max([p[1] for p in pairs] + ([epoch.end()] if epoch else []))
        return [Found(found.kind, start, end, found.values, found.shares, found.notes)]


def _metric(mark: re.Match[str]) -> Metric | None:
    """Return what a pair is about; `Correct: 9758/10000` under any longer name is an accuracy."""
    means = metric(mark["name"])
    if means is None and mark.groupdict().get("all") and re.search(r"\bcorrect", mark["name"], re.IGNORECASE):
        told = re.search(r"train|test|val", mark["name"], re.IGNORECASE)
        side = None if told is None else "train" if told[0].lower() == "train" else "test"
        return Metric("accuracy", side)  # type: ignore[arg-type]
    return means


def _figures(text: str, pairs: list[tuple[int, int, Metric, re.Match[str]]], heading: str | None) -> Found:
    values: dict[str, float] = {}
    shares: dict[str, Share] = {}
    notes: list[str] = []
    labels = [(m.end(), m["side"].lower()) for m in _SIDE.finditer(text)]
    part = _PART.search(text) is not None
    both = {p[2].side for p in pairs} >= {"val", "test"}
    for start, _, means, mark in pairs:
        side = means.side
        if side is None:
            told = [name for end, name in labels if end <= start]
            word = told[-1] if told else heading
            side = "train" if word is None or word.startswith("train") else "test"
        if both and side == "val":
            notes.append(f"not taken: {mark['name'].strip()}")
            continue
        where = "train" if side == "train" else "test"
        if means.quantity == "rate":
            values["learning_rate"] = float(mark["value"])
        elif means.quantity == "epoch":
            if mark["value"].isdigit():
                values["number"] = float(mark["value"])
        elif means.quantity == "batch":
            part = True
        elif means.quantity == "loss":
            values["last_loss" if means.scope == "step" else f"{where}_loss"] = float(mark["value"])
        else:
            groups = mark.groupdict()
            if groups.get("all"):
                right, total = float(mark["value"]), int(mark["all"])
                if total and right <= total:
                    values |= {f"{where}_correct": right, f"{where}_total": float(total),
                               f"{where}_accuracy": 100 * right / total}
                    continue
                notes.append(f"{mark['value']} of {total} cannot be right")
            shares[f"{where}_accuracy"] = Share(mark["value"], mark["percent"] is not None)
    lead = re.match(r"\W*[\[(]\s*(\d+)\s*/\s*(\d+)\s*[\])]", text)
    tests = any(name.startswith("test") for name in (*values, *shares))
    trains = any(name.startswith("train") for name in (*values, *shares))
    if lead is not None and tests and "number" not in values:  # with a test, it counts epochs and not batches
        values |= {"number": float(lead[1]), "of": float(lead[2])}
        part = False
    kind: Kind = "row" if tests and trains else "test" if tests else "train"
    if part and not tests:
        kind = "step"
        if "train_loss" in values:
            values["last_loss"] = values.pop("train_loss")
        shares = {}
        values["partial"] = 1.0
    return Found(kind, 0, 0, values, shares, tuple(notes))

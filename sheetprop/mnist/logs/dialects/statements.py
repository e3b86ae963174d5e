"""Figures that the text states about a run: claims, which are held against the log and make no run.

    Best Validation-Accuracy: 99.20%        after 20 epochs we got 99.17        Parameters used: 14,666
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sheetprop.mnist.logs.found import Found, amount
from sheetprop.mnist.logs.names import PAIR, metric
from sheetprop.mnist.logs.prose import code

ORDER = 90

AIM = re.compile(r"\b(?:aim|target|goal|require[ds]?|requirements?|should|must|need|objective|constraints?|criteria|"
                  r"achieve|expected?|expectation|to get|try|trying|will|would|want|minimum|kaggle|sota|state of the "
                  r"art)\b|≥|>=|\+\s*%", re.IGNORECASE)
_LIMIT = r"(?:less|fewer|under|below|within|lower|upto|up to|at most|max(?:imum)?|<=?|≤|~)\s*(?:than|of)?\s*"
_ACCURACY = re.compile(
    r"\bacc(?:uracy)?\b(?!\s*[:=]?\s*\d+\s*/)[^\d\n]{0,40}?(?P<value>\d{1,3}(?:\.\d+)?)\s*(?P<percent>%)?"
    r"(?![\d.]*\w)", re.IGNORECASE)
_SHARE = re.compile(
    r"\b(?:got|get|gave|gives?|reached|reach(?:es)?|achieved|obtained|hit|attained|had|scored|with|of|is|was)\b\D{0,30}?"
    r"(?P<value>\d{2,3}\.\d+)\s*\**(?P<percent>%)?(?![\d.]*\w)", re.IGNORECASE)
_TURNED = re.compile(r"(?P<value>\d{2,3}(?:\.\d+)?)\s*\**(?P<percent>%)\**\s*(?:\w+[\s\-]+){0,2}?acc(?:uracy)?\b",
                     re.IGNORECASE)
_BEST = re.compile(r"\b(?:best|highest|max(?:imum)?|top|peak)\b", re.IGNORECASE)
_TRAIN = re.compile(r"\btrain(?:ing)?[\s\-]*(?:set|data)?[\s\-]*(?:acc(?:uracy)?\b)", re.IGNORECASE)
_PARAMETERS = (
    re.compile(r"(?:\b(?:no\.?|number|total|count)\s*(?:of)?\s*)?\bparam(?:eter)?s?\b(?:\s*(?:used|count|size))?\s*"
               r"(?:\*\*)?\s*(?:[:=\-–]|is|are|was)\s*(?:\*\*)?\s*(?P<value>\d[\d,]*(?:\.\d+)?)\s*(?P<thousand>k\b)?",
               re.IGNORECASE),
    re.compile(rf"(?<![\w.,])(?P<limit>{_LIMIT})?(?P<value>\d[\d,]*(?:\.\d+)?)\s*(?P<thousand>k\b)?\s*(?:total\s+|"
               r"trainable\s+|learnable\s+)?param(?:eter)?s?\b", re.IGNORECASE),
)
_EPOCHS = (
    re.compile(r"\b(?:number of |no\.? of |total |n_?)?epoc(?:h(?:e)?s)\b(?:\s+(?:used|run|trained))?\s*"
               r"(?:[:=\-–]|is|are)\s*(?:\*\*)?\s*(?P<value>\d+)\b(?!\s*\.\d|\s*/)", re.IGNORECASE),
    re.compile(rf"\b(?P<limit>{_LIMIT})?(?P<value>\d+)\s+epochs\b", re.IGNORECASE),
)
_BATCH = re.compile(r"\bbatch[\s_\-]*size\s*(?:[:=\-–]|is|of)\s*(?:\*\*)?\s*(?P<value>\d+)\b", re.IGNORECASE)


class Reader:
    """Needs no memory."""

    def read(self, text: str) -> Iterable[Found]:
        """Return the claims of a line of prose."""
        if len(text) > 2000 or code(text) or not re.search(r"\d", text) or _figures(text):
            return []
        found = []
        for pattern in _PARAMETERS:
            for mark in pattern.finditer(text):
                if mark.groupdict().get("limit") or (amount(mark["value"]) < 50 and not mark["thousand"]):
                    continue
                found.append(_claim("parameters", mark, 1000 if mark["thousand"] else 1))
        for pattern in _EPOCHS:
            for mark in pattern.finditer(text):
                if mark.groupdict().get("limit") or re.search(_LIMIT + "$", text[: mark.start()], re.IGNORECASE):
                    continue
                found.append(_claim("epochs", mark))
        found += [_claim("batch_size", mark) for mark in _BATCH.finditer(text)]
        if not AIM.search(text):
            found += _accuracies(text)
        return _apart(found)


def _figures(text: str) -> bool:
    """Tell a line of figures, or a list of numbers, from prose."""
    pairs = [p for p in PAIR.finditer(text) if p["value"][:1].isdigit()
             and not ((means := metric(p["name"])) is not None and means.best)]
    return len(pairs) > 1 or re.search(r"(?:\d+\.\d+\s*,\s*){3}", text) is not None


def _accuracies(text: str) -> list[Found]:
    found = []
    for pattern in (_ACCURACY, _TURNED, _SHARE):
        for mark in pattern.finditer(text):
            value = float(mark["value"])
            if not 10 <= value <= 100 or (not mark["percent"] and "." not in mark["value"]):
                continue
            around = text[max(0, mark.start() - 40) : mark.end()]
            name = ("best_" if _BEST.search(around) else "") + ("train_" if _TRAIN.search(around) else "") + "accuracy"
            if pattern is _ACCURACY or pattern is _TURNED or re.search(r"accura|%|epoch", text, re.IGNORECASE):
                found.append(_claim(name, mark))
    return found


def _claim(name: str, mark: re.Match[str], times: int = 1) -> Found:
    digits = len(mark["value"].partition(".")[2]) - (3 if times == 1000 else 0)
    start, end = mark.span()
    return Found("claim", start, end, {name: amount(mark["value"]) * times, "digits": float(digits)})


def _apart(found: list[Found]) -> list[Found]:
    """Return those that do not overlap; the earlier in the list has it."""
    kept: list[Found] = []
    for one in found:
        if not any(one.start < other.end and other.start < one.end for other in kept):
            kept.append(one)
    return kept

"""What looks like a figure of a log and was taken by nobody."""

from __future__ import annotations

import re

from sheetprop.mnist.logs.dialects.statements import AIM
from sheetprop.mnist.logs.names import PAIR, metric
from sheetprop.mnist.logs.prose import code, letters

_STRONG = re.compile(r"Average\s+loss|batch_?id\s*=|(?:it/s|s/it)\]|learning rate of group|\bloss\s*=\s*\S",
                     re.IGNORECASE)
_WEAK = re.compile(r"\b(?:loss|acc(?:uracy)?|lr|learning[ _]rate)\s*[:=]+\s*\S|\bepoch\s*[:=#]?\s*\d|\bTotal params\b",
                   re.IGNORECASE)
_FIGURE = re.compile(r"(?:loss|acc|accuracy|correct)$", re.IGNORECASE)
_TRIVIAL = re.compile(r"\b(?:time|eta|elapsed|seconds|duration|speed|took|s|step|batch|gpu|mem(?:ory)?|v_num)\b",
                      re.IGNORECASE)
_EMPTY_BAR = re.compile(r"^\s*\d*%\|[^|]*\|\s*\d+/\d+\s*\[[^\]]*\]\s*$|^\s*0%\s*$|\?it/s\]|"
                        r"^\s*\d+%\|[^|\]]*\|?\s*\d*/?\d*\s*$")


def untaken(rest: str, whole: str) -> str | None:
    """Return why the line should be named, or None.

    Args:
        rest: the line, blank where something was taken from it.
        whole: all of it.
    """
    if _EMPTY_BAR.search(rest) or code(whole):
        return None
    if _STRONG.search(rest):
        return "looks like a log line, but no figure could be read" if rest == whole else \
            f"not taken of this line: {_short(rest)}"
    if not re.search(r"\d", rest):
        return None
    if re.search(r"\b(?:lr|learning[ _]rate)\b", rest, re.IGNORECASE) and letters(rest) > 20 and \
            not re.search(r"\bloss\s*[:=]|\bacc(?:uracy)?\s*[:=]", rest, re.IGNORECASE):
        return None  # a sentence, or the title of a picture
    pairs = [m["name"].strip() for m in PAIR.finditer(rest)]
    named = [n for n in pairs if _FIGURE.search(n) or ((means := metric(n)) is not None
             and means.quantity in ("loss", "accuracy", "rate"))]
    if rest != whole and not named and letters(rest) < 60:
        named = [n for n in pairs if not _TRIVIAL.search(n) and not re.search(r"\.\w{1,4}$", n)]
    if AIM.search(rest):
        return None
    if named:
        return f"a figure that was not taken: {', '.join(named)}"
    if _WEAK.search(rest) and letters(rest) <= 60 and (letters(rest) <= 24 or not re.search(r"\bepoch\b", rest, re.I)):
        return "looks like a log line, but no figure could be read" if rest == whole else \
            f"not taken of this line: {_short(rest)}"
    return None


def _short(text: str) -> str:
    return " ".join(text.replace("\0", " ").split())[:80]

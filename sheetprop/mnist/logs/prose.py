"""What is no log though it looks like one: sentences, and lines of program code."""

from __future__ import annotations

import re

_CODE = re.compile(
    r"^\s*(?:>>>\s|\.\.\.\s|import\s+\w|from\s+[\w.]+\s+import|def\s+\w+\(|class\s+\w+.*:|@\w|#\s?!|"
    r"(?:for|while|if|elif|with|except)\b.*:\s*(?:#.*)?$|(?:else|try|finally)\s*:|return\b|raise\b|assert\b|print\s*\(|"
    r"[\w.\[\]'\", ]+[-+*/]?=\s*[\w.]+\s*[(\[]|[\w.]+\([^)]*\)\s*$|plt\.|!pip|%\w+|\$ |pip install)"
)
_IN_CODE = re.compile(r"\{[\w.:\[\] ()]*\}|%[.\d]*[dfs]\b|\.format\(|\w\([\w.]+\s*=|,\s*\w+\s*=\s*[\w.]+\)|"
                      r"\bself\.|\bnn\.|\boptim\.|\btorch\.|\\n")


def code(text: str) -> bool:
    """Tell a line of Python from one of a log."""
    text = re.sub(r"[\s\0]+", " ", text).strip()[:400]  # blanks in a row cost these patterns their cube
    if _CODE.match(text):
        # A log may begin with a dictionary's name or a bracket; a call with a bar behind it is none.
        return "it/s" not in text and "s/it" not in text and "|" not in text
    return _IN_CODE.search(text) is not None and "it/s" not in text


def letters(text: str) -> int:
    """Return how many letters a text has."""
    return len(re.sub(r"[\W\d_]", "", text))

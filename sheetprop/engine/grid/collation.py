"""Text as Excel compares it: without regard to case, letters in the order of a dictionary, but nothing taken for alike.

"Maße" is not "Masse" and "é" not "e", though they sort beside each other. Signs stand before digits, digits before
letters; hyphens and apostrophes decide only between texts that are the same without them, as Excel's help says of
sorting.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

# Excel's order of signs; what is not listed follows by its number.
_SIGNS = "_ ,;:!?/.`^~(){}[]@$*\\&#%+<=>|\""
_PLACES = {sign: at for at, sign in enumerate(_SIGNS)}
_WHOLE = {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ł": "l", "þ": "th", "ð": "d"}

Key = tuple[tuple[tuple[int, int], ...], str, int, str]


def folded(text: str) -> str:
    """Return text without regard to case; different letters stay different."""
    return text.lower() if text.isascii() else text.lower().replace("ς", "σ")


@lru_cache(maxsize=65536)
def order(text: str) -> Key:
    """Return the key by which a text is sorted."""
    lowered = folded(text)
    plain = lowered if lowered.isascii() else "".join(
        letter for one in lowered for letter in unicodedata.normalize("NFD", _WHOLE.get(one, one))
        if not unicodedata.combining(letter))
    kept = plain.replace("-", "").replace("'", "")
    return tuple(map(_place, kept)), lowered.replace("-", "").replace("'", ""), len(lowered) - len(kept), lowered


def _place(letter: str) -> tuple[int, int]:
    if letter.isalpha():
        return 2, ord(letter)
    if letter.isdigit():
        return 1, ord(letter)
    return 0, _PLACES.get(letter, ord(letter) + len(_SIGNS))


def compared(left: str, right: str) -> int:
    """Return -1, 0 or 1 as the first text stands before the second, is the same, or stands behind it."""
    if left == right or folded(left) == folded(right):
        return 0
    return 1 if order(left) > order(right) else -1

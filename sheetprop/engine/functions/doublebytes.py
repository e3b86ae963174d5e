"""Functions that count bytes where the language has letters of two bytes, and the widths of such letters.

Excel counts bytes only where a language of East Asia is the default; elsewhere a letter counts as one.
"""

from __future__ import annotations

import unicodedata

from sheetprop.engine.functions import function
from sheetprop.engine.functions.text import find, left, length, mid, replace, right, search

for _name, _spec, _like in (("FINDB", "tt|n", find), ("LEFTB", "t|n", left), ("LENB", "t", length),
                            ("MIDB", "tnn", mid), ("REPLACEB", "tnnt", replace), ("RIGHTB", "t|n", right),
                            ("SEARCHB", "tt|n", search)):
    function(_name, _spec)(lambda *given, _like=_like: _like(*given))


@function("ASC", "t")
def asc(text: str) -> str:
    """Return text with letters of full width made half as wide."""
    return "".join(unicodedata.normalize("NFKC", letter) if 0xFF01 <= ord(letter) <= 0xFF5E or letter == "\u3000"
                   else letter for letter in text)


@function("DBCS JIS", "t")
def dbcs(text: str) -> str:
    """Return text with letters of half width made full."""
    return "".join("\u3000" if letter == " " else chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter
                   for letter in text)


@function("PHONETIC", "t")
def phonetic(text: str) -> str:
    """Return text as it is: the reading that Japanese Excel keeps beside it is not read."""
    return text


_THAI_DIGITS = ("ศูนย์", "หนึ่ง", "สอง", "สาม", "สี่", "ห้า", "หก", "เจ็ด", "แปด", "เก้า")
_THAI_PLACES = ("", "สิบ", "ร้อย", "พัน", "หมื่น", "แสน")


def _thai(number: int) -> str:
    """Return a whole number in Thai words."""
    if number == 0:
        return _THAI_DIGITS[0]
    millions, rest = divmod(number, 1_000_000)
    text = _thai(millions) + "ล้าน" if millions else ""
    digits = str(rest)
    for at, digit in enumerate(int(letter) for letter in digits):
        place = len(digits) - 1 - at
        if digit == 0:
            continue
        if place == 1 and digit == 1:
            text += "สิบ"
        elif place == 1 and digit == 2:
            text += "ยี่สิบ"
        elif place == 0 and digit == 1 and (len(digits) > 1 or millions):
            text += "เอ็ด"
        else:
            text += _THAI_DIGITS[digit] + _THAI_PLACES[place]
    return text


@function("BAHTTEXT", "n")
def bahttext(number: float) -> str:
    satang = round(abs(number) * 100)
    baht, rest = divmod(satang, 100)
    text = "ลบ" if number < 0 and satang else ""
    if baht or not rest:
        text += _thai(baht) + "บาท"
    return text + (_thai(rest) + "สตางค์" if rest else "ถ้วน")

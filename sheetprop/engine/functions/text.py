"""Text: parts of it, joining, searching, and numbers as text."""

from __future__ import annotations

import re

from sheetprop.engine.functions import function
from sheetprop.engine.functions.aggregates import wildcard
from sheetprop.engine.functions.rounding import rounded
from sheetprop.engine.grid.formats import formatted
from sheetprop.engine.grid.operands import Operand, as_rows, flat
from sheetprop.engine.grid.values import VALUE, ExcelError, Raised, Value, number_in, to_text
from sheetprop.engine.scope.context import Context


def _count(number: float) -> int:
    if number < 0:
        raise Raised(VALUE)
    return int(min(number, 40_000.0))


def _short(text: str) -> str:
    if len(text) > 32_767:
        raise Raised(VALUE)
    return text


@function("LEFT", "t|n")
def left(text: str, count: float = 1.0) -> str:
    return text[:_count(count)]


@function("RIGHT", "t|n")
def right(text: str, count: float = 1.0) -> str:
    kept = _count(count)
    return text[-kept:] if kept else ""


@function("MID", "tnn")
def mid(text: str, start: float, count: float) -> str:
    if start < 1:
        raise Raised(VALUE)
    at = _count(start) - 1
    return text[at:at + _count(count)]


@function("LEN", "t")
def length(text: str) -> float:
    return float(len(text))


@function("UPPER", "t")
def upper(text: str) -> str:
    return text.upper()


@function("LOWER", "t")
def lower(text: str) -> str:
    return text.lower()


@function("PROPER", "t")
def proper(text: str) -> str:
    return re.sub(r"[^\W\d_]+", lambda word: word.group()[0].upper() + word.group()[1:].lower(), text)


@function("TRIM", "t")
def trim(text: str) -> str:
    return re.sub(" +", " ", text).strip(" ")


@function("CLEAN", "t")
def clean(text: str) -> str:
    return "".join(letter for letter in text if ord(letter) >= 32)


@function("CONCATENATE", "t*")
def concatenate(*texts: str) -> str:
    return _short("".join(texts))


@function("CONCAT", "r*")
def concat(*operands: Operand) -> str:
    return _short("".join(to_text(value) for operand in operands for value in flat(operand)))


@function("TEXTJOIN", "tbr*")
def textjoin(mark: str, skip: bool, *operands: Operand) -> str:
    words = [to_text(value) for operand in operands for line in as_rows(operand) for value in line]
    return _short(mark.join(word for word in words if word or not skip))


@function("REPT", "tn")
def rept(text: str, count: float) -> str:
    times = _count(count)
    if len(text) * times > 32_767:
        raise Raised(VALUE)
    return text * times


@function("EXACT", "tt")
def exact(first: str, second: str) -> bool:
    return first == second


def _find(wanted: str, text: str, start: float) -> int:
    if start < 1 or start > len(text) + 1:
        raise Raised(VALUE)
    at = text.find(wanted, int(start) - 1)
    if at < 0:
        raise Raised(VALUE)
    return at


@function("FIND", "tt|n")
def find(wanted: str, text: str, start: float = 1.0) -> float:
    return float(_find(wanted, text, start) + 1)


@function("SEARCH", "tt|n")
def search(wanted: str, text: str, start: float = 1.0) -> float:
    if start < 1 or start > len(text) + 1:
        raise Raised(VALUE)
    plain = re.sub(r"~(.?)", lambda pair: pair[0] if pair[1] and pair[1] in "*?~" else pair[1], wanted)  # ~x is x
    pattern = re.compile(wildcard(plain).pattern.removesuffix(r"\Z"), re.IGNORECASE | re.DOTALL)
    found = pattern.search(text, int(start) - 1)
    if found is None:
        raise Raised(VALUE)
    return float(found.start() + 1)


@function("SUBSTITUTE", "ttt|n")
def substitute(text: str, old: str, new: str, which: float | None = None) -> str:
    if not old:
        return text
    if which is None:
        return _short(text.replace(old, new))
    if which < 1:
        raise Raised(VALUE)
    at = -1
    for _ in range(int(which)):
        at = text.find(old, at + 1)
        if at < 0:
            return text
    return _short(text[:at] + new + text[at + len(old):])


@function("REPLACE", "tnnt")
def replace(text: str, start: float, count: float, new: str) -> str:
    if start < 1:
        raise Raised(VALUE)
    at = _count(start) - 1
    return _short(text[:at] + new + text[at + _count(count):])


@function("CHAR", "n")
def char(number: float) -> str:
    code = int(number)
    if not 1 <= code <= 255:
        raise Raised(VALUE)
    return bytes([code]).decode("cp1252", "replace")  # the letters of Windows


@function("UNICHAR", "n")
def unichar(number: float) -> str:
    code = int(number)
    if not 1 <= code <= 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        raise Raised(VALUE)
    return chr(code)


@function("CODE", "t")
def code_of(text: str) -> float:
    return float(_first(text).encode("cp1252", "replace")[0])


@function("UNICODE", "t")
def unicode_of(text: str) -> float:
    return float(ord(_first(text)))


def _first(text: str) -> str:
    if not text:
        raise Raised(VALUE)
    return text[0]


@function("VALUE", "v")
def value_of(value: Value) -> float:
    if type(value) is float:
        return value
    if value is None:
        return 0.0
    number = number_in(value) if isinstance(value, str) and not isinstance(value, ExcelError) else None
    if number is None:
        raise Raised(VALUE)
    return number


@function("NUMBERVALUE", "t|tt")
def numbervalue(text: str, point: str = ".", group: str = ",") -> float:
    plain = "".join(text.split()).replace(group[:1] or ",", "").replace(point[:1] or ".", ".")
    if not plain:
        return 0.0
    number = number_in(plain)
    if number is None:
        raise Raised(VALUE)
    return number


@function("FIXED", "n|nb")
def fixed(number: float, digits: float = 2.0, plain: bool = False) -> str:
    places = int(digits)
    shown = rounded(number + 0.0, float(places), "half")  # a zero has no sign
    return f"{shown:.{max(places, 0)}f}" if plain else f"{shown:,.{max(places, 0)}f}"


@function("DOLLAR", "n|n")
def dollar(number: float, digits: float = 2.0) -> str:
    text = fixed(abs(number), digits)
    return f"(${text})" if number < 0 else f"${text}"


@function("TEXT", "vt", context=True)
def text_function(context: Context, value: Value, form: str) -> str:
    if type(value) is bool:
        return to_text(value)
    if isinstance(value, str):
        number = number_in(value)
        if number is None:
            return formatted(value, form, context.space.contents.date1904)
        value = number
    return formatted(0.0 if value is None else value, form, context.space.contents.date1904)


"""Numbers in other bases, Roman numerals, and operations on bits."""

from __future__ import annotations

import math

from sheetprop.engine.functions import function
from sheetprop.engine.grid.values import NUM, VALUE, ExcelError, Raised, Value, number_in, to_text

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# Base -> the smallest number and the number behind the largest one, in two's complement of ten digits.
_RANGES = {2: (-512, 512), 8: (-(2**29), 2**29), 16: (-(2**39), 2**39)}


def in_base(number: int, base: int) -> str:
    """Return a whole number from 0 on in a base up to 36."""
    text = ""
    while number:
        number, digit = divmod(number, base)
        text = _DIGITS[digit] + text
    return text or "0"


def _read(value: Value, base: int) -> int:
    """Return the number that up to ten digits spell; the highest bit of ten digits is the sign."""
    if type(value) is ExcelError:
        raise Raised(value)
    if type(value) is bool:
        raise Raised(VALUE)
    text = to_text(value)
    if text == "":
        return 0
    if len(text) > 10 or any(letter not in _DIGITS[:base] for letter in text.upper()):
        raise Raised(NUM)
    number = int(text, base)
    span = base ** 10
    return number - span if number >= span // 2 else number


def _write(number: int, base: int, places: float | None) -> str:
    low, high = _RANGES[base]
    if not low <= number < high:
        raise Raised(NUM)
    if places is not None and not 1 <= places < 11:
        raise Raised(NUM)
    if number < 0:
        return in_base(number + base ** 10, base)
    text = in_base(number, base)
    if places is None:
        return text
    if len(text) > int(places):
        raise Raised(NUM)
    return text.rjust(int(places), "0")


def _decimal(value: Value) -> int:
    if type(value) is ExcelError:
        raise Raised(value)
    if type(value) is bool:
        raise Raised(VALUE)
    number = value if type(value) is float else 0.0 if value is None else number_in(str(value))
    if number is None:
        raise Raised(VALUE)
    return math.trunc(number)


for _name, _base in {"BIN": 2, "OCT": 8, "HEX": 16}.items():
    function(f"{_name}2DEC", "e")(lambda value, base=_base: float(_read(value, base)))
    function(f"DEC2{_name}", "e|m")(
        lambda value, places=None, base=_base: _write(_decimal(value), base, places))
    for _other, _to in {"BIN": 2, "OCT": 8, "HEX": 16}.items():
        if _other != _name:
            function(f"{_name}2{_other}", "e|m")(
                lambda value, places=None, base=_base, to=_to: _write(_read(value, base), to, places))


@function("BASE", "nn|n")
def base_function(number: float, base: float, least: float = 0.0) -> str:
    radix = int(base)
    if not 0 <= number < 2**53 or not 2 <= radix <= 36 or not 0 <= least < 256:
        raise Raised(NUM)
    return in_base(int(number), radix).rjust(int(least), "0")


@function("DECIMAL", "tn")
def decimal(text: str, base: float) -> float:
    radix, plain = int(base), text.strip().upper()
    if not 2 <= radix <= 36 or len(plain) > 255:
        raise Raised(NUM)
    if radix == 16:
        plain = plain.removeprefix("0X").removeprefix("X").removesuffix("H")
    elif radix == 2:
        plain = plain.removesuffix("B")
    if any(letter not in _DIGITS[:radix] for letter in plain):
        raise Raised(NUM)
    return float(int(plain, radix)) if plain else 0.0


def _whole(number: float) -> int:
    if number < 0 or number >= 2**48 or number != int(number):
        raise Raised(NUM)
    return int(number)


@function("BITAND", "nn")
def bitand(first: float, second: float) -> float:
    return float(_whole(first) & _whole(second))


@function("BITOR", "nn")
def bitor(first: float, second: float) -> float:
    return float(_whole(first) | _whole(second))


@function("BITXOR", "nn")
def bitxor(first: float, second: float) -> float:
    return float(_whole(first) ^ _whole(second))


def _shifted(number: float, places: float) -> float:
    if abs(places) > 53:
        raise Raised(NUM)
    whole, by = _whole(number), math.trunc(places)
    result = whole << by if by >= 0 else whole >> -by
    if result >= 2**48:
        raise Raised(NUM)
    return float(result)


@function("BITLSHIFT", "nn")
def bitlshift(number: float, places: float) -> float:
    return _shifted(number, places)


@function("BITRSHIFT", "nn")
def bitrshift(number: float, places: float) -> float:
    return _shifted(number, -places)


_ROMAN = {1000: "M", 500: "D", 100: "C", 50: "L", 10: "X", 5: "V", 1: "I"}
_ROMAN_VALUES = {letter: size for size, letter in _ROMAN.items()}


@function("ROMAN", "n|e")
def roman(number: float, form: Value = 0.0) -> str:
    if type(form) is ExcelError:
        raise Raised(form)
    kind = (0.0 if form else 4.0) if type(form) is bool else 0.0 if form is None else form if type(form) is float \
        else number_in(str(form))
    if kind is None or not 0 <= int(number) <= 3999 or not 0 <= int(kind) <= 4:
        raise Raised(VALUE)
    left, terse = int(number), int(kind)
    text, sizes = "", list(_ROMAN)
    for at in range(0, 7, 2):
        digit = left // sizes[at]
        if digit % 5 != 4:
            text += (_ROMAN[sizes[at - 1]] if digit > 4 else "") + _ROMAN[sizes[at]] * (digit % 5)
            left %= sizes[at]
            continue
        # A smaller letter before a larger one; the terser forms may take a still smaller one.
        small, large = at, at - 1 if digit == 4 else at - 2
        while small - at < terse and small < 6 and sizes[large] - sizes[small + 1] <= left:
            small += 1
        text += _ROMAN[sizes[small]] + _ROMAN[sizes[large]]
        left += sizes[small] - sizes[large]
    return text


@function("ARABIC", "t")
def arabic(text: str) -> float:
    plain = text.strip().upper()
    sign = -1.0 if plain[:1] == "-" else 1.0
    plain = plain.removeprefix("-")
    if len(plain) > 255 or any(letter not in _ROMAN_VALUES for letter in plain):
        raise Raised(VALUE)
    sizes = [_ROMAN_VALUES[letter] for letter in plain]
    total = sum(-size if size < max(sizes[at + 1:], default=0) else size for at, size in enumerate(sizes))
    return sign * total if total else 0.0

"""Numbers as a spreadsheet shows them under a number format: the few features that our sheets use."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache

_CONDITION = re.compile(r"^\[(<=|>=|<>|<|>|=)(-?[\d.]+)\]")


def shown(value: object, code: str) -> str:
    """Return the text that stands in a cell.

    Args:
        value: number, text, truth value, error or None.
        code: the number format, such as ``[>=0.0001]0.000000;0.00E+00``.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if not isinstance(value, int | float):
        return str(value)
    number = float(value)
    if number != number or number in (float("inf"), float("-inf")):
        return "#NUM!"
    if code == "General":
        return general(number)
    section = _section(number, code)
    if section is None:
        return general(number)
    # A section for negative numbers writes the sign itself, or leaves it out on purpose.
    negatives = number < 0 and (section.startswith("-") or ("[" not in code and code.count(";") >= 1))
    return _apply(abs(number) if negatives else number, section)


def general(number: float) -> str:
    """Return a number as the format General shows it in a wide cell: up to eleven characters."""
    if number == int(number) and abs(number) < 1e11:
        return str(int(number))
    text = format(number, ".10g")
    if "e" in text or abs(number) < 1e-4:
        mantissa, _, exponent = f"{number:.5E}".partition("E")
        mantissa = mantissa.rstrip("0").rstrip(".")
        return f"{mantissa}E{exponent[0]}{exponent[1:].zfill(2)}"
    return text


@lru_cache(maxsize=64)
def _sections(code: str) -> tuple[tuple[tuple[str, float] | None, str], ...]:
    parts = []
    for part in code.split(";"):
        match = _CONDITION.match(part)
        condition = (match.group(1), float(match.group(2))) if match else None
        parts.append((condition, part[match.end():] if match else part))
    return tuple(parts)


def _section(number: float, code: str) -> str | None:
    sections = _sections(code)
    if not any(condition for condition, _ in sections):
        if number < 0 and len(sections) > 1:
            return sections[1][1]
        if number == 0 and len(sections) > 2:
            return sections[2][1]
        return sections[0][1]
    for condition, form in sections:
        if condition is None or _holds(number, *condition):
            return form
    return None


def _holds(number: float, sign: str, bound: float) -> bool:
    return {"<": number < bound, "<=": number <= bound, ">": number > bound, ">=": number >= bound,
            "=": number == bound, "<>": number != bound}[sign]


def _decimal(number: float) -> Decimal:
    """Return a number by its 15 digits, which is what spreadsheets round when they show it."""
    return Decimal(f"{number:.14e}")


def _rounded(number: float, places: int) -> Decimal:
    """Return a number rounded to decimal places as spreadsheets do: halves away from 0."""
    return _decimal(number).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, Context(prec=400))


def _apply(number: float, form: str) -> str:
    """Write a number by one section of a format; quoted text and signs of the section stay."""
    quoted = re.fullmatch(r'"([^"]*)"', form)
    if quoted or form == "":
        return quoted.group(1) if quoted else ""
    match = re.search(r"[#0][#0,]*(?:\.(?P<places>0+))?(?P<exponent>E\+0+)?%?", form)
    if match is None:
        return general(number)
    places = len(match.group("places") or "")
    if match.group("exponent"):
        size = _decimal(number).adjusted() if number else 0
        mantissa, _, power = f"{_rounded(number, places - size):.{places}E}".partition("E")
        text = f"{mantissa}E{power[0]}{power[1:].zfill(2)}"
    elif match.group(0).endswith("%"):
        text = f"{_rounded(100 * number, places):.{places}f}%"
    else:
        text = f"{_rounded(number, places):{',' if ',' in match.group(0) else ''}.{places}f}"
    return form[:match.start()].replace('"', "") + text + form[match.end():].replace('"', "")

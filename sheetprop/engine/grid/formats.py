"""Number formats, as the function TEXT applies them: digits, grouping, percent, powers of ten, dates."""

from __future__ import annotations

import math
import operator
import re
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction

from sheetprop.engine.grid.dates import parts
from sheetprop.engine.grid.values import SHIFT_1904, VALUE, Raised, general

_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December")
_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_PIECE = re.compile(r'"([^"]*)"|\\(.)|_(.)|\*(.)|\[([^\]]*)\]|(General)|(E[+-]0+)|([0#?]+)|(AM/PM|A/P)'
                    r"|(y+|m+|d+|h+|s+(?:\.0+)?)|(@)|(.)", re.IGNORECASE | re.DOTALL)
_CONDITION = re.compile(r"\[(<=|>=|<>|<|>|=)(-?\d+(?:\.\d+)?)\]", re.ASCII)
_HOLDS = {"<=": operator.le, ">=": operator.ge, "<>": operator.ne, "<": operator.lt, ">": operator.gt,
          "=": operator.eq}
_FRACTION = re.compile(r"(?:([#0?]+)(\s+))?([#0?]+)/([#0?]+|[1-9]\d*)", re.ASCII)
_WIDE = Context(prec=700)


def sections(form: str) -> list[str]:
    """Split a format at semicolons that stand outside quotes."""
    found, held, quoted = [], "", False
    for letter in form:
        if letter == '"':
            quoted = not quoted
        if letter == ";" and not quoted:
            found.append(held)
            held = ""
        else:
            held += letter
    return [*found, held]


def formatted(value: float | str, form: str, date1904: bool = False) -> str:
    """Return a number or text in a format.

    Raises:
        Raised: the format cannot be applied (#VALUE!).
    """
    parts_of = sections(form)
    if isinstance(value, str):
        chosen = parts_of[3] if len(parts_of) > 3 else parts_of[-1] if "@" in parts_of[-1] else "@"
        return "".join(_literal(piece) if not piece.group(11) else value for piece in _PIECE.finditer(chosen))
    conditions = [_CONDITION.search(part) for part in parts_of]
    if any(conditions):
        for part, condition in zip(parts_of, conditions, strict=True):
            if condition is None or _HOLDS[condition.group(1)](value, float(condition.group(2))):
                return _number(value, part, date1904)
        raise Raised(VALUE)
    if len(parts_of) > 1:
        if value < 0:
            return _number(abs(value), parts_of[1], date1904) if parts_of[1] else ""
        if value == 0 and len(parts_of) > 2:
            return _number(value, parts_of[2], date1904) if parts_of[2] else ""
        return _number(value, parts_of[0], date1904) if parts_of[0] else ""
    if not form:
        return "-" if value < 0 else ""
    return _number(value, form, date1904)


def _literal(piece: re.Match[str]) -> str:
    if piece.group(3) is not None:
        return " "
    if piece.group(4) is not None or piece.group(5) is not None:
        return ""
    return next((group for group in (piece.group(1), piece.group(2), piece.group(12)) if group is not None), "")


def _number(value: float, form: str, date1904: bool) -> str:
    pieces = list(_PIECE.finditer(form))
    if any(piece.group(10) or (piece.group(5) or "").lower() in ("h", "hh", "m", "mm", "s", "ss") for piece in pieces):
        return _date(value, pieces, date1904)
    if any(piece.group(6) for piece in pieces):
        return ("-" if value < 0 else "") + "".join(general(abs(value)) if piece.group(6) else _literal(piece)
                                                   for piece in pieces)
    parted = _FRACTION.search(form)
    if parted:
        return form[:parted.start()].strip('"') + _fraction(value, parted) + form[parted.end():].strip('"')
    return _digits(value, pieces)


def _fraction(value: float, parted: re.Match[str]) -> str:
    """Return a number as a fraction: `# ?/?` with whole part, `?/8` with a fixed denominator."""
    whole_digits, gap, above, below = parted.groups()
    size = abs(Fraction(value))
    whole = int(size) if whole_digits else 0
    if below[0] in "#0?":
        part = (size - whole).limit_denominator(10 ** len(below) - 1)
        top, bottom = part.numerator, part.denominator
    else:
        bottom = int(below)
        top = round((size - whole) * bottom)
    if whole_digits and top == bottom:
        whole, top = whole + 1, 0
    shown = str(whole) if whole_digits and (whole or not top or "0" in whole_digits) else ""
    sign = "-" if value < 0 and (whole or top) else ""
    if whole_digits and not top:
        return f"{sign}{shown}{gap}{' ' * (len(above) + 1 + len(below))}"
    return f"{sign}{shown}{gap or ''}{str(top).rjust(len(above) if '?' in above else 0)}/" \
           f"{str(bottom).ljust(len(below) if '?' in below else 0)}"


def _blanked(places: str) -> str:
    """Return what placeholders beyond the last digit show, outermost first: 0 and all inside it a 0, ? a blank."""
    outer = places.partition("0")[0]
    return " " * outer.count("?") + "0" * (len(places) - len(outer))


def _digits(value: float, pieces: list[re.Match[str]]) -> str:
    whole, fraction, power = "", "", ""
    commas = scale = percent = 0
    point = False
    for at, piece in enumerate(pieces):
        if piece.group(8):
            if point:
                fraction += piece.group(8)
            else:
                whole += piece.group(8)
        elif piece.group(7):
            power = piece.group(7)
        elif piece.group(12) == "." and not point:
            point = True
        elif piece.group(12) == "%":
            percent += 1
        elif piece.group(12) == "," and whole:
            later = any(one.group(8) for one in pieces[at + 1:]) and not point
            if later:
                commas = 1
            else:
                scale += 1
    if not whole and not fraction:
        return ("-" if value < 0 else "") + "".join(_literal(piece) for piece in pieces)
    number = Decimal(f"{abs(value):.14e}") if value else Decimal(0)
    number = number.scaleb(2 * percent - 3 * scale, _WIDE)
    exponent = 0
    if power:
        width = max(len(whole), 1)
        if number:
            exponent = number.adjusted()
            exponent -= exponent % width if width > 1 else 0
        number = number.scaleb(-exponent, _WIDE)
        rounded = number.quantize(Decimal(1).scaleb(-len(fraction)), rounding=ROUND_HALF_UP, context=_WIDE)
        if rounded >= 10 ** width:
            exponent += width
            rounded = (number.scaleb(-width, _WIDE)).quantize(Decimal(1).scaleb(-len(fraction)),
                                                             rounding=ROUND_HALF_UP, context=_WIDE)
    else:
        rounded = number.quantize(Decimal(1).scaleb(-len(fraction)), rounding=ROUND_HALF_UP, context=_WIDE)
    integer, _, decimals = f"{rounded:f}".partition(".")
    integer = integer.lstrip("0")
    integer = _blanked(whole[:max(len(whole) - len(integer), 0)]) + integer
    if commas:
        integer = re.sub(r"(?<=\d)(?=(\d{3})+\Z)", ",", integer)
    keep = len(fraction.rstrip("#"))
    while len(decimals) > keep and decimals.endswith("0"):
        decimals = decimals[:-1]
    shown_digits = len(decimals.rstrip("0"))
    decimals = decimals[:shown_digits] + _blanked(fraction[shown_digits:len(decimals)][::-1])[::-1]
    out: list[str] = []
    written = False
    # Digits before the point go into the groups of placeholders from the right, as in ###-####.
    groups = [len(piece.group(8)) for piece in pieces if piece.group(8)][:1 if commas or scale or point else None]
    for piece in pieces:
        if piece.group(8):
            if groups:
                behind = sum(groups[1:])
                del groups[0]
                out.append((integer[:-behind] if behind else integer) + ("." + decimals if point else ""))
                integer = integer[-behind:] if behind else ""
                written = True
        elif piece.group(7):
            digits = len(power) - 2
            out.append("E" + ("-" if exponent < 0 else "+" if power[1] == "+" else "")
                       + str(abs(exponent)).rjust(digits, "0"))
        elif piece.group(12) == "." or (piece.group(12) == "," and whole):
            if piece.group(12) == "." and not written:
                out.append("." + decimals)
                written = True
        else:
            out.append(_literal(piece))
    sign = "-" if value < 0 and rounded != 0 else ""
    return sign + "".join(out)


def _date(value: float, pieces: list[re.Match[str]], date1904: bool) -> str:
    try:
        number = value + (SHIFT_1904 if date1904 else 0)
        year, month, day = parts(number)
    except ValueError:
        raise Raised(VALUE) from None
    decimals = max((len(piece.group(10)) - 3 for piece in pieces if piece.group(10) and "." in piece.group(10)),
                   default=0)
    seconds = round((value % 1) * 86400, decimals)
    half = any(piece.group(9) for piece in pieces)
    weekday = _DAYS[(math.floor(number) - 1) % 7]
    out: list[str] = []
    for at, piece in enumerate(pieces):
        code = (piece.group(10) or "").lower()
        elapsed = (piece.group(5) or "").lower()
        hours, minutes = int(seconds // 3600) % 24, int(seconds // 60) % 60
        if elapsed in ("h", "hh"):
            out.append(str(math.floor(value * 24 + 1e-9)))
        elif elapsed in ("m", "mm"):
            out.append(str(math.floor(value * 1440 + 1e-9)))
        elif elapsed in ("s", "ss"):
            out.append(str(math.floor(value * 86400 + 1e-6)))
        elif piece.group(9):
            out.append(("AM" if hours < 12 else "PM") if len(piece.group(9)) > 3 else "A" if hours < 12 else "P")
        elif code.startswith("y"):
            out.append(f"{year:04d}" if len(code) > 2 else f"{year % 100:02d}")
        elif code.startswith("m"):
            if _means_minutes(pieces, at):
                out.append(f"{minutes:02d}" if len(code) > 1 else str(minutes))
            else:
                name = _MONTHS[month - 1]
                out.append({1: str(month), 2: f"{month:02d}", 3: name[:3], 4: name}.get(len(code), name[:1]))
        elif code.startswith("d"):
            out.append({1: str(day), 2: f"{day:02d}", 3: weekday[:3]}.get(len(code), weekday))
        elif code.startswith("h"):
            shown = (hours % 12 or 12) if half else hours
            out.append(f"{shown:02d}" if len(code) > 1 else str(shown))
        elif code.startswith("s"):
            left = seconds % 60
            width = len(code.partition(".")[0])
            places = decimals if "." in code else 0
            digits = (2 if width > 1 else 1) + (places + 1 if places else 0)
            out.append(f"{left:0{digits}.{places}f}")
        elif piece.group(8):
            out.append(piece.group(8))
        else:
            out.append(_literal(piece))
    return "".join(out)


def _means_minutes(pieces: list[re.Match[str]], at: int) -> bool:
    """Say whether an m at that place stands behind hours or before seconds."""
    before = next((piece for piece in reversed(pieces[:at]) if piece.group(10) or piece.group(5)), None)
    after = next((piece for piece in pieces[at + 1:] if piece.group(10)), None)
    first = ((before.group(10) or before.group(5) or "") if before else "").lower()
    second = ((after.group(10) or "") if after else "").lower()
    return first.startswith("h") or second.startswith("s")

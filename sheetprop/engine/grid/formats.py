"""Number formats, as the function TEXT applies them: digits, grouping, percent, powers of ten, fractions."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction

from sheetprop.engine.grid.values import VALUE, Raised

# The letter e is a year (of an era) by itself, not within a word.
_PIECE = re.compile(r'"([^"]*)"?|\\(.)|_(.)|\*(.)|\[([^\]]*)\]|(General)|(E[+-][0#?]+)|([0#?]+)|(AM/PM|A/P)'
                    r"|(y+|m+|d+|h+|s+(?:\.0+)?|(?<![a-z])e+(?![a-z]|[+-](?![dmyhs])))|(@)|(.)",
                    re.IGNORECASE | re.DOTALL)
_CONDITION = re.compile(r"\[(<=|>=|<>|<|>|=)\s*(-?\d+(?:\.\d*)?(?:E[+-]?\d+)?)\]", re.ASCII | re.IGNORECASE)
_HOLDS = {"<=": operator.le, ">=": operator.ge, "<>": operator.ne, "<": operator.lt, ">": operator.gt,
          "=": operator.eq}
_FRACTION = re.compile(r"(?:([#0?,]+)(\s+))?([#0?]+)( ?/ ?)([#0?]+|[1-9]\d*)", re.ASCII)
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
    if len(parts_of) > 4:
        raise Raised(VALUE)
    if isinstance(value, str):
        chosen = parts_of[3] if len(parts_of) > 3 else parts_of[-1] if _takes_text(parts_of[-1]) else "@"
        return "".join(value if piece.group(11) or piece.group(6) else _literal(piece)
                       for piece in _PIECE.finditer(chosen))
    conditions = [_CONDITION.search(part) for part in parts_of]
    if any(conditions):
        for part, condition in zip(parts_of[:3], conditions, strict=False):
            if condition is None or _HOLDS[condition.group(1)](value, float(condition.group(2))):
                if condition is None and part is parts_of[-1] and value < 0 and len(parts_of) == 2:
                    return "-" + _number(abs(value), part, date1904)
                return _number(value, part, date1904)
        raise Raised(VALUE)
    numeric = [part for part in parts_of if not _takes_text(part)] or parts_of
    if len(numeric) > 1 or (len(parts_of) > 1 and value < 0):
        if value < 0:
            part = numeric[1] if len(numeric) > 1 else numeric[0]
            shown = _number(abs(value), part, date1904) if part else ""
            signless = len(numeric) > 1 and not _general_without_sign(part)
            return shown if signless else f"-{shown}"
        if value == 0 and len(numeric) > 2:
            return _number(value, numeric[2], date1904) if numeric[2] else ""
    if not form:
        return "-" if value < 0 else ""
    return _number(value, numeric[0], date1904) if numeric[0] else ""


def _general_without_sign(part: str) -> bool:
    """Say whether a section for negative numbers shows them as General and has no sign of its own before that."""
    return re.match(r"(?i)(?:\[[^\]]*\])*general", part) is not None


def _takes_text(part: str) -> bool:
    """Say whether a section is for text: an @ stands in it outside quotes."""
    return any(piece.group(11) for piece in _PIECE.finditer(part))


def _literal(piece: re.Match[str]) -> str:
    if piece.group(3) is not None:
        return " "
    if piece.group(5) is not None:
        bracket = piece.group(5)
        return bracket[1:].split("-", 1)[0] if bracket[:1] == "$" else ""
    if piece.group(4) is not None:
        return ""
    return next((group for group in (piece.group(1), piece.group(2), piece.group(12)) if group is not None), "")


def _number(value: float, form: str, date1904: bool) -> str:
    pieces = list(_PIECE.finditer(form))
    if any(piece.group(9) or piece.group(10) or re.fullmatch("h+|m+|s+", piece.group(5) or "", re.IGNORECASE)
           for piece in pieces):
        from sheetprop.engine.grid.dateformats import dated

        return dated(value, pieces, date1904, _literal)
    if any(piece.group(11) for piece in pieces):
        return ("-" if value < 0 else "") + "".join(shown_general(abs(value)) if piece.group(11) else _literal(piece)
                                                   for piece in pieces)
    if any(piece.group(6) for piece in pieces):
        return ("-" if value < 0 else "") + "".join(shown_general(abs(value)) if piece.group(6) else _literal(piece)
                                                   for piece in pieces)
    plain = "".join(" " * len(piece.group()) if piece.group(1) is not None or piece.group(2) or piece.group(3)
                    or piece.group(4) or piece.group(5) else piece.group() for piece in pieces)
    parted = _FRACTION.search(plain)
    if parted:
        sign = "-" if value < 0 else ""
        before, after = (_literals(form[:parted.start()]), _literals(form[parted.end():]))
        return sign + before + _fraction(abs(value), parted) + after
    return _digits(value, pieces)


def _literals(form: str) -> str:
    return "".join(_literal(piece) for piece in _PIECE.finditer(form))


def shown_general(number: float) -> str:
    """Return a number from 0 on as a cell in the format General shows it: at most 11 characters."""
    if number == 0.0:
        return "0"
    exact = Decimal(f"{number:.14e}")
    size = exact.adjusted()
    if -5 < size < 11:
        places = max(9 - size, 0) if size >= 0 else 9
        shown = f"{exact.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP, context=_WIDE):f}"
        shown = shown.rstrip("0").rstrip(".") if "." in shown else shown
        if len(shown) <= 11:
            return shown
    elif size < 0:
        shown = f"{exact.normalize():f}"
        if len(shown) <= 11:
            return shown
    mantissa = exact.scaleb(-size).quantize(Decimal("0.00001"), rounding=ROUND_HALF_UP)
    if mantissa >= 10:
        mantissa, size = mantissa / 10, size + 1
    digits = f"{mantissa:.5f}".rstrip("0").rstrip(".")
    return f"{digits}E{'-' if size < 0 else '+'}{abs(size):02d}"


def _fraction(value: float, parted: re.Match[str]) -> str:
    """Return a number from 0 on as a fraction: `# ?/?` with whole part, `?/8` with a fixed denominator."""
    whole_digits, gap, above, slash, below = parted.groups()
    size = Fraction(Decimal(f"{value:.14e}"))
    whole = int(size) if whole_digits else 0
    if below[0] in "#0?":
        part = _nearest(size - whole, 10 ** min(len(below), 7) - 1)
        top, bottom = part.numerator, part.denominator
    else:
        bottom = int(below)
        top = int((size - whole) * bottom + Fraction(1, 2))
    if whole_digits and top == bottom:
        whole, top = whole + 1, 0
    shown = _padded(whole, whole_digits or "")
    if not whole and whole_digits and (top or "0" in whole_digits):
        shown = _padded(0, whole_digits) if "0" in whole_digits else " " * whole_digits.count("?")
    elif whole_digits and not whole:
        shown = "0"
    if whole_digits and not top and "0" not in above:
        return f"{shown}{gap}{' ' * (len(above) + len(slash) + len(below))}"
    upper = str(top).rjust(len(above), "0") if "0" in above else str(top).rjust(len(above) if "?" in above else 0)
    lower = str(bottom).ljust(len(below) if "?" in below else 0)
    return f"{shown if whole_digits else ''}{gap or ''}{upper}{slash}{lower}"


def _padded(whole: int, places: str) -> str:
    digits = f"{whole:,}" if "," in places else str(whole)
    return digits.rjust(places.count("0"), "0") if "0" in places else digits.rjust(places.count("?"))


def _nearest(part: Fraction, largest: int) -> Fraction:
    """Return the last convergent of the continued fraction whose denominator is not larger, as Excel does."""
    before, last, rest = (0, 1), (1, 0), part  # numerator and denominator of two convergents
    while last[1] < largest:
        whole = rest.numerator // rest.denominator
        following = whole * last[0] + before[0], whole * last[1] + before[1]
        if following[1] > largest:
            break
        before, last = last, following
        if rest - whole < Fraction(1, 20_000_000):
            break
        rest = 1 / (rest - whole)
    return Fraction(*last)


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
    sign = "-" if value < 0 and rounded != 0 else ""
    return sign + "".join(_placed(pieces, integer, decimals, power, exponent, bool(commas)))


def _placed(pieces: list[re.Match[str]], integer: str, decimals: str, power: str, exponent: int,
            together: bool) -> Iterator[str]:
    """Yield what stands for each piece; digits go into the groups of placeholders from the point out: ###-####."""
    point = next((at for at, piece in enumerate(pieces) if piece.group(12) == "."), len(pieces))
    widths = [len(piece.group(8)) for piece in pieces[:point] if piece.group(8)]
    if together:  # with separators of thousands all digits stand in the first group
        widths = widths[:1] + [0] * (len(widths) - 1)
    for at, piece in enumerate(pieces):
        if piece.group(8) and at < point:
            behind = sum(widths[1:])
            del widths[0]
            yield integer[:-behind] if behind else integer
            integer = integer[-behind:] if behind else ""
        elif piece.group(8):
            width = len(piece.group(8))
            yield decimals[:width]
            decimals = decimals[width:]
        elif piece.group(7):
            yield ("E" + ("-" if exponent < 0 else "+" if power[1] == "+" else "")
                   + str(abs(exponent)).rjust(power.count("0"), "0"))
        elif at == point:
            yield integer + "."
            integer = ""
        elif piece.group(12) != "," or not any(one.group(8) for one in pieces[:at]):
            yield _literal(piece)

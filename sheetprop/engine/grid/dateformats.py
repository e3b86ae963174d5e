"""Formats of dates and times, as the function TEXT applies them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from sheetprop.engine.grid.dates import parts
from sheetprop.engine.grid.values import SHIFT_1904, VALUE, Raised

_ENGLISH = ("January February March April May June July August September October November December",
            "Sunday Monday Tuesday Wednesday Thursday Friday Saturday", "", "")
# Language of a locale, as its number modulo 1024 says it: months, days from Sunday on, and both abbreviated where that
# is not the first three letters.
_LANGUAGES: dict[int, tuple[str, str, str, str]] = {
    0x07: ("Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
           "Sonntag Montag Dienstag Mittwoch Donnerstag Freitag Samstag", "", "So Mo Di Mi Do Fr Sa"),
    0x0C: ("janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
           "dimanche lundi mardi mercredi jeudi vendredi samedi",
           "janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc.", "dim. lun. mar. mer. jeu. ven. sam."),
    0x0A: ("enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
           "domingo lunes martes miércoles jueves viernes sábado", "", ""),
    0x10: ("gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
           "domenica lunedì martedì mercoledì giovedì venerdì sabato", "", ""),
    0x13: ("januari februari maart april mei juni juli augustus september oktober november december",
           "zondag maandag dinsdag woensdag donderdag vrijdag zaterdag",
           "jan feb mrt apr mei jun jul aug sep okt nov dec", "zo ma di wo do vr za"),
    0x16: ("janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
           "domingo segunda-feira terça-feira quarta-feira quinta-feira sexta-feira sábado", "",
           "dom seg ter qua qui sex sáb"),
}


class _Words:
    """The names of months and days in the language of a format."""

    def __init__(self, pieces: list[re.Match[str]]) -> None:
        found = _ENGLISH
        for piece in pieces:
            locale = re.fullmatch(r"\$[^-]*-([0-9A-Fa-f]+)", piece.group(5) or "")
            if locale:
                found = _LANGUAGES.get(int(locale.group(1), 16) % 1024, found)
        months, days, short_months, short_days = found
        self.months, self.days = months.split(), days.split()
        self.short_months = short_months.split() or [name[:3] for name in self.months]
        self.short_days = short_days.split() or [name[:3] for name in self.days]


def dated(value: float, pieces: list[re.Match[str]], date1904: bool, literal: Callable[[re.Match[str]], str]) -> str:
    """Return a date number in a format that is cut into pieces.

    Times are rounded to what is shown of their seconds, and a day that is over then is the next one.
    """
    decimals = max((len(piece.group(10).partition(".")[2]) for piece in pieces if piece.group(10)), default=0)
    timed = any(_kind(piece) in ("h", "s") or piece.group(9) or (piece.group(5) and _kind(piece) == "m")
                for piece in pieces)
    if any(piece.group(8) for piece in pieces):
        raise Raised(VALUE)
    scale = 10 ** decimals
    ticks = math.floor(value * 86400.0 * scale + 0.5 + 1e-6) if timed or abs(value % 1 * 86400 - 86400) < 1e-4 \
        else math.floor(value) * 86400 * scale
    seconds, split = divmod(ticks, scale)
    number = seconds // 86400 + (SHIFT_1904 if date1904 else 0)
    try:
        year, month, day = parts(float(number))
    except ValueError:
        raise Raised(VALUE) from None
    words, half = _Words(pieces), any(piece.group(9) for piece in pieces)
    weekday = (number - 1) % 7
    hours, minutes, left = seconds // 3600 % 24, seconds // 60 % 60, seconds % 60
    out: list[str] = []
    for at, piece in enumerate(pieces):
        code = (piece.group(10) or "").lower()
        elapsed = (piece.group(5) or "").lower()
        if elapsed and set(elapsed) in ({"h"}, {"m"}, {"s"}):
            unit = {"h": 3600, "m": 60, "s": 1}[elapsed[0]]
            out.append(str(seconds // unit).rjust(len(elapsed), "0"))
        elif piece.group(9):
            out.append(_half_day(piece.group(9), hours))
        elif code.startswith(("y", "e")):
            out.append(f"{year:04d}" if len(code) > 2 or code[0] == "e" else f"{year % 100:02d}")
        elif code.startswith("m"):
            if _means_minutes(pieces, at):
                out.append(f"{minutes:02d}" if len(code) > 1 else str(minutes))
            else:
                name = words.months[month - 1]
                out.append({1: str(month), 2: f"{month:02d}", 3: words.short_months[month - 1], 5: name[:1]}
                           .get(len(code), name))
        elif code.startswith("d"):
            out.append({1: str(day), 2: f"{day:02d}", 3: words.short_days[weekday]}.get(len(code), words.days[weekday]))
        elif code.startswith("h"):
            shown = (hours % 12 or 12) if half else hours
            out.append(f"{shown:02d}" if len(code) > 1 else str(shown))
        elif code.startswith("s"):
            whole, _, places = code.partition(".")
            shown = f"{left:02d}" if len(whole) > 1 else str(left)
            out.append(shown + (f".{split:0{decimals}d}"[:len(places) + 1] if places else ""))
        else:
            out.append(literal(piece))
    return "".join(out)


def _kind(piece: re.Match[str]) -> str:
    code = (piece.group(10) or piece.group(5) or "").lower()
    return code[:1] if code and set(code.replace(".", "").replace("0", "")) == {code[0]} else ""


def _half_day(spelled: str, hours: int) -> str:
    """Return AM or PM, or a single letter, as it is spelled in the format."""
    morning, _, evening = spelled.partition("/")
    if len(spelled) > 3:
        return "AM" if hours < 12 else "PM"
    return morning if hours < 12 else evening


def _means_minutes(pieces: list[re.Match[str]], at: int) -> bool:
    """Say whether an m at that place stands behind hours or before seconds."""
    if len(pieces[at].group(10)) > 2:
        return False
    before = next((piece for piece in reversed(pieces[:at]) if _kind(piece)), None)
    after = next((piece for piece in pieces[at + 1:] if _kind(piece)), None)
    return (before is not None and _kind(before) == "h") or (after is not None and _kind(after) == "s")

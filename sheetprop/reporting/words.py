"""Numbers and lists as people write them: real minus signs, powers of ten, "a, b and c"."""

from __future__ import annotations

import math
from collections.abc import Sequence

MINUS = "−"
_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
# Outside these bounds a number is written as a power of ten.
_SMALL, _LARGE = 1e-4, 1e6


def number(value: float | None, digits: int = 6) -> str:
    """Return `value` with so many significant digits: ``0.242520``, ``3.1 × 10⁻⁹``, ``overflow`` for none."""
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "overflow"
    if value == 0:
        return "0"
    size = abs(value)
    sign = MINUS if value < 0 else ""
    if not _SMALL <= size < _LARGE:
        mantissa, _, exponent = f"{size:.{min(digits, 3) - 1}e}".partition("e")
        power = str(int(exponent)).translate(_SUPERSCRIPTS)
        return f"{sign}10{power}" if float(mantissa) == 1.0 and digits == 1 else f"{sign}{mantissa} × 10{power}"
    whole = math.floor(math.log10(size)) + 1
    return f"{sign}{size:,.{max(0, digits - whole)}f}"


def plain(value: float) -> str:
    """Return a constant as short as it can be written: ``0.1``, ``2``, ``−0.5``, ``10⁻⁶``."""
    if value != 0 and not _SMALL <= abs(value) < _LARGE:
        return number(value, 3)
    return format(value, ".12g").replace("-", MINUS)


def percent(share: float, digits: int = 2) -> str:
    """Return a share as a percentage with so many significant digits."""
    return f"{number(100.0 * share, digits)} %"


def accuracy(value: float | None) -> str:
    """Return an accuracy in percent with two places."""
    return "–" if value is None else f"{value:.2f} %"


def listed(items: Sequence[str]) -> str:
    """Return ``a``, ``a and b``, ``a, b and c``."""
    if len(items) <= 1:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


def many(count: int, noun: str, plural: str | None = None) -> str:
    """Return ``1 run``, ``3 runs``, ``1,200 runs``."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def begun(text: str) -> str:
    """Return a text as the beginning of a sentence, with a capital letter."""
    return text[:1].upper() + text[1:]


def duration(seconds: float | None) -> str:
    """Return a time as ``8.4 s``, ``2 min 05 s`` or ``1 h 12 min``."""
    if seconds is None:
        return "–"
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 100:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def size(count: int) -> str:
    """Return a number of bytes as ``812 kB`` or ``1.4 MB``."""
    if count < 1000:
        return f"{count} bytes"
    return f"{count / 1000:.0f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"

"""Regular expressions: REGEXTEST, REGEXEXTRACT, REGEXREPLACE (PCRE2 in Excel, the library `regex` here)."""

from __future__ import annotations

from functools import lru_cache

from sheetprop.engine.functions import function
from sheetprop.engine.grid.operands import Array, Operand
from sheetprop.engine.grid.values import NA, VALUE, Raised

TYPE_CHECKING = False  # typing costs a small workbook's time; mypy knows this name
if TYPE_CHECKING:
    from typing import Any


@lru_cache(maxsize=256)
def _compiled(pattern: str, without_case: bool) -> Any:
    import regex

    try:
        return regex.compile(pattern, regex.VERSION1 | (regex.IGNORECASE if without_case else 0))
    except regex.error:
        raise Raised(VALUE) from None


def compiled(pattern: str, case: float = 0.0) -> Any:
    """Return a compiled pattern; `case` is 1 where upper and lower case are the same.

    Raises:
        Raised: the pattern is none, or `case` is neither 0 nor 1 (#VALUE!).
    """
    if int(case) not in (0, 1):
        raise Raised(VALUE)
    return _compiled(pattern, int(case) == 1)


@function("REGEXTEST", "tt|n")
def regextest(text: str, pattern: str, case: float = 0.0) -> bool:
    return compiled(pattern, case).search(text) is not None


@function("REGEXEXTRACT", "tt|nn")
def regexextract(text: str, pattern: str, mode: float = 0.0, case: float = 0.0) -> Operand:
    found = list(compiled(pattern, case).finditer(text))
    kind = int(mode)
    if kind not in (0, 1, 2):
        raise Raised(VALUE)
    if not found:
        raise Raised(NA)
    if kind == 0:
        return str(found[0].group())
    if kind == 1:
        return Array([[str(match.group()) for match in found]])
    groups = found[0].groups()
    if not groups:
        raise Raised(VALUE)
    return Array([[group or "" for group in groups]])


@function("REGEXREPLACE", "ttt|nn")
def regexreplace(text: str, pattern: str, new: str, which: float = 0.0, case: float = 0.0) -> str:
    """Replace all matches, or match number `which` (counted from the end where negative)."""
    expression = compiled(pattern, case)
    found = list(expression.finditer(text))
    wanted = int(which)
    if wanted < 0:
        wanted += len(found) + 1
        if wanted < 1:
            return text
    out, at = "", 0
    for number, match in enumerate(found, start=1):
        if wanted and number != wanted:
            continue
        out += text[at:match.start()] + _replacement(new, match)
        at = match.end()
    return out + text[at:]


def _replacement(new: str, match: Any) -> str:
    """Return the new text with $1, ${name} and $$ filled in."""
    out, at = "", 0
    while at < len(new):
        letter = new[at]
        if letter == "$" and new[at + 1:at + 2] == "$":
            out, at = out + "$", at + 2
            continue
        if letter == "$" and at + 1 < len(new):
            end = at + 1
            if new[end] == "{":
                end = new.find("}", end)
                name = new[at + 2:end] if end > 0 else ""
                end += 1
            else:
                while end < len(new) and new[end].isdigit() and end - at <= 2:
                    end += 1
                name = new[at + 1:end]
            if name:
                try:
                    out += match.group(int(name) if name.isdigit() else name) or ""
                except (IndexError, KeyError):
                    raise Raised(VALUE) from None
                at = end
                continue
        out, at = out + letter, at + 1
    return out

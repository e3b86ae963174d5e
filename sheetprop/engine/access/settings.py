"""What `what-if` may put into a cell: numbers in steps, lists of numbers, dates, text, and random draws."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from sheetprop.engine.access.pythonvalues import as_date, cell_value
from sheetprop.engine.grid.dates import date_in
from sheetprop.engine.grid.values import SHIFT_1904, Value
from sheetprop.errors import SheetpropError, nearest

TYPE_CHECKING = False  # typing costs a small workbook's time; mypy knows this name
if TYPE_CHECKING:
    from typing import Any

_MANY = 10_000_000
_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}(?:[T ]\d{1,2}:\d{2}(?::\d{2})?)?\Z", re.ASCII)
_DRAW = re.compile(r"([a-z]+)\(([^()]*)\)\Z", re.ASCII | re.IGNORECASE)
_ITEM = re.compile(r'\s*("(?:[^"]|"")*"|[^",]*)\s*(,|\Z)')
# Name -> how many numbers it takes (None: any number of them), and what they are.
DRAWS: dict[str, tuple[int | None, str]] = {
    "normal": (2, "mean, standard deviation"), "uniform": (2, "from, to"), "lognormal": (2, "mean and standard "
    "deviation of the logarithm"), "triangular": (3, "from, most likely, to"), "exponential": (1, "mean"),
    "integers": (2, "from, to, both included"), "choice": (None, "values")}


class Setting:
    """One cell, or range, and the values that it takes one after another.

    Attributes:
        name: the cell as it was given, which is the heading of its column.
        values: the values.
        shown: the values as they are printed.
        drawn: whether they are random.
    """

    def __init__(self, name: str, values: Sequence[Value], shown: Sequence[str], *, drawn: bool = False) -> None:
        self.name = name
        self.values = list(values)
        self.shown = list(shown)
        self.drawn = drawn


def setting(text: str, n: int | None, random: Any, date1904: bool = False) -> Setting:
    """Return what ``CELL=VALUES`` means.

    Args:
        text: values are FROM:TO:COUNT, a list with commas of numbers, percentages, dates (2026-11-26), TRUE, FALSE
            and text in double quotes, or a draw such as normal(0,1).
        n: how many are drawn.
        random: a NumPy generator.
        date1904: whether the workbook counts days from 1904.

    Raises:
        SheetpropError: it means nothing.
    """
    found = re.match(r"((?:'(?:[^']|'')*'|[^'=])+)=(.*)\Z", text, re.DOTALL)
    if found is None:
        raise SheetpropError(f'--set {text!r}: is no setting; write it like "Parameters!C33=0:1:1000"')
    name, given = found[1].strip(), found[2].strip()
    draw = _DRAW.match(given)
    if draw is not None:
        return _drawn(text, name, draw[1].lower(), draw[2], n, random)
    steps = re.match(r"([^\":,]+):([^\":,]+):([^\":,]+)\Z", given)
    try:
        if steps is not None:
            return _stepped(text, name, steps[1], steps[2], steps[3], date1904)
        values = [_one(item, date1904) for item in _items(given)]
    except ValueError:
        raise SheetpropError(f"--set {text!r}: has no values; write FROM:TO:COUNT or values with commas, dates as "
                             '2026-11-26 and text in double quotes') from None
    return Setting(name, [value for value, _ in values], [shown for _, shown in values])


def _items(given: str) -> list[str]:
    found: list[str] = []
    at = 0
    while True:
        item = _ITEM.match(given, at)
        if item is None or not item[1].strip():
            raise ValueError
        found.append(item[1].strip())
        at = item.end()
        if not item[2]:
            return found


def _one(item: str, date1904: bool) -> tuple[Value, str]:
    """Return a single value and how it is printed."""
    if item.startswith('"'):
        text = item[1:-1].replace('""', '"')
        return text, text
    if item.upper() in ("TRUE", "FALSE"):
        return item.upper() == "TRUE", item.upper()
    if _DATE.match(item):
        number = date_in(item)
        if number is None:
            raise ValueError
        return number - (SHIFT_1904 if date1904 else 0), item
    number = _number(item)
    return number, repr(number)


def _number(item: str) -> float:
    value, form = cell_value(item.strip(), "") if item.strip().endswith("%") else (float(item), None)
    del form
    if type(value) is not float or not math.isfinite(value):
        raise ValueError
    return value


def _stepped(text: str, name: str, first: str, last: str, count: str, date1904: bool) -> Setting:
    steps = int(count)
    if not 1 <= steps <= _MANY:
        raise SheetpropError(f"--set {text!r}: asks for {steps:,} values; give a COUNT of 1 to {_MANY:,}")
    low, high = _one(first.strip(), date1904)[0], _one(last.strip(), date1904)[0]
    if type(low) is not float or type(high) is not float:
        raise ValueError
    found = [low] if steps == 1 else [low + (high - low) * at / (steps - 1) for at in range(steps)]
    if _DATE.match(first.strip()):
        moments = [as_date(number, "date", date1904) for number in found]
        return Setting(name, found, [str(moment).removesuffix(" 00:00:00") for moment in moments])
    return Setting(name, found, [repr(number) for number in found])


def _drawn(text: str, name: str, kind: str, inner: str, n: int | None, random: Any) -> Setting:
    if kind not in DRAWS:
        raise SheetpropError(f"--set {text!r}: no draw is called {kind!r}; {nearest(kind, list(DRAWS))}")
    if n is None:
        raise SheetpropError(f"--set {text!r}: says what to draw and not how often; add --n 1000")
    wanted, what = DRAWS[kind]
    try:
        given = [_number(part) for part in inner.split(",")]
    except ValueError:
        given = []
    if (wanted is not None and len(given) != wanted) or not given:
        raise SheetpropError(f"--set {text!r}: write {kind}({what})")
    try:
        draw = getattr(random, kind)
        if kind == "integers":
            if not all(number == int(number) for number in given):
                raise ValueError("whole numbers are wanted")
            values = draw(int(given[0]), int(given[1]), size=n, endpoint=True)
        elif kind == "choice":
            values = draw(given, size=n)
        else:
            values = draw(*given, size=n)
    except ValueError as error:
        raise SheetpropError(f"--set {text!r}: cannot be drawn ({error}); write {kind}({what})") from None
    found = [float(value) for value in values]
    return Setting(name, found, [repr(value) for value in found], drawn=True)

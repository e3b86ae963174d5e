"""What a cell can hold: a number, text, a truth value, an error, or nothing.

Numbers are `float` throughout (never `int`), text is `str`, truth values are `bool`, errors
are `ExcelError` and a blank cell is `None`.
"""

from __future__ import annotations

import math
import re
from contextvars import ContextVar


class ExcelError(str):
    """An error value such as ``#NUM!``: compares and prints as its text, does no arithmetic."""

    __slots__ = ()

    def __add__(self, other: object) -> str:
        raise TypeError(f"{self!s} has no sum")

    def __radd__(self, other: object) -> str:
        raise TypeError(f"{self!s} has no sum")

    def __mul__(self, other: object) -> str:
        raise TypeError(f"{self!s} has no product")

    def __mod__(self, other: object) -> str:
        raise TypeError(f"{self!s} has no remainder")

    __rmul__ = __mul__

    def __repr__(self) -> str:
        return f"ExcelError({str.__repr__(self)})"


NULL = ExcelError("#NULL!")
DIV0 = ExcelError("#DIV/0!")
VALUE = ExcelError("#VALUE!")
REF = ExcelError("#REF!")
NAME = ExcelError("#NAME?")
NUM = ExcelError("#NUM!")
NA = ExcelError("#N/A")
ERRORS: dict[str, ExcelError] = {str(e): e for e in (NULL, DIV0, VALUE, REF, NAME, NUM, NA)}
STORED_ERRORS = frozenset(ERRORS)
"""The errors that Excel stores by their own name; younger ones it stores as #VALUE!."""
for _code in ("#GETTING_DATA", "#SPILL!", "#CALC!", "#FIELD!", "#BLOCKED!", "#CONNECT!", "#UNKNOWN!", "#BUSY!"):
    ERRORS[_code] = ExcelError(_code)

SPILL, CALC = ERRORS["#SPILL!"], ERRORS["#CALC!"]

Value = float | str | bool | ExcelError | None

SHIFT_1904 = 1462
# The day 0 of the workbook that is being calculated, in days of the 1900 system: 0, or SHIFT_1904.
FIRST_DAY: ContextVar[int] = ContextVar("FIRST_DAY", default=0)
HUGE = 1.7976931348623157e308


class Raised(Exception):  # noqa: N818 - it is a value on its way up, not a failure of the program
    """Carries an error value out of a nested calculation."""

    def __init__(self, error: ExcelError) -> None:
        super().__init__(str(error))
        self.error = error


_NUMBER = r"(?a:\s*[-+]?(?:\d+(?:,\d{3})*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*(%?)\s*\Z)"


# What can be a date or a time; all else needs no closer look.
_MAYBE_DATE = re.compile(r"(?ai:\d{1,4}[-/ :]|\d{1,2}(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)|"
                         r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}[-/, \d].*\d)")


def number_in(text: str) -> float | None:
    """Return the number that `text` spells, as Excel reads it ("5", " 1e3 ", "12%", "1,000"), else None."""
    found = re.match(_NUMBER, text)
    if found is None:
        stripped = text.strip()
        if "$" in stripped or "€" in stripped or stripped[:1] == "(":
            return _money(stripped)
        if "/" in stripped and (mixed := re.fullmatch(r"(?a:([-+]?)(\d+) (\d+)/(\d+))", stripped)):
            return _mixed(*mixed.groups())
        if _MAYBE_DATE.match(stripped):
            from sheetprop.engine.grid.dates import date_in, time_in

            number = date_in(text)
            return number if number is None or time_in(stripped) is not None else number - FIRST_DAY.get()
        return None
    bare = text.strip().rstrip("%").replace(",", "").strip()
    try:
        number = float(bare)
    except ValueError:
        return None
    if found.group(1):
        number /= 100.0
    return number if math.isfinite(number) else None


def _mixed(sign: str, whole: str, top: str, bottom: str) -> float | None:
    """Return the number that "3 1/2" spells."""
    if not int(bottom):
        return None
    number = int(whole) + int(top) / int(bottom)
    return -number if sign == "-" else number


def _money(text: str) -> float | None:
    """Return the number that "$1,000", "-$5", "5 €" or "(5)" spells; brackets make it negative."""
    inner = text[1:-1].strip() if text[0] == "(" and text[-1] == ")" else text
    if inner is not text and inner[:1] in ("-", "+", "("):
        return None
    bare = re.sub(r"\A([-+]?)\s*[$€]\s*", r"\1", inner.removesuffix("€").rstrip() if "€" in inner[1:] else inner)
    number = number_in(bare) if re.match(_NUMBER, bare) else None
    return number if number is None or inner is text else -number


def to_number(value: Value) -> float:
    """Return `value` as an operand of arithmetic; blank is 0, TRUE is 1, numeric text is read.

    Raises:
        Raised: `value` is an error, or text that is no number (#VALUE!).
    """
    if type(value) is float:
        return value
    if value is None:
        return 0.0
    if type(value) is bool:
        return 1.0 if value else 0.0
    if type(value) is ExcelError:
        raise Raised(value)
    number = number_in(str(value))
    if number is None:
        raise Raised(VALUE)
    return number


def to_bool(value: Value) -> bool:
    """Return `value` as a condition; text counts only when it is TRUE or FALSE."""
    if type(value) is bool:
        return value
    if type(value) is float:
        return value != 0.0
    if value is None:
        return False
    if type(value) is ExcelError:
        raise Raised(value)
    word = str(value).upper()
    if word == "TRUE":
        return True
    if word == "FALSE":
        return False
    raise Raised(VALUE)


def general(number: float) -> str:
    """Return a number as Excel's General format shows it in text: at most 15 significant digits, no padding.

    Powers of ten are written only where the digits alone would take more than 20 characters.
    """
    if number == 0.0:
        return "0"
    if number == int(number) and abs(number) < 1e15:
        return str(int(number))
    mantissa, _, power = f"{abs(number):.14e}".partition("e")
    digits, exponent = (mantissa[0] + mantissa[2:]).rstrip("0"), int(power)
    sign = "-" if number < 0 else ""
    if exponent >= 0:
        if exponent < 20:
            whole, rest = digits[:exponent + 1].ljust(exponent + 1, "0"), digits[exponent + 1:]
            return f"{sign}{whole}.{rest}" if rest else sign + whole
    elif len(digits) - exponent + 1 <= 20:
        return f"{sign}0.{'0' * (-exponent - 1)}{digits}"
    point = "." if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{point}{digits[1:]}E{'-' if exponent < 0 else '+'}{abs(exponent):02d}"


def to_text(value: Value) -> str:
    """Return `value` as text for joining and text functions."""
    if type(value) is float:
        return general(value)
    if value is None:
        return ""
    if type(value) is bool:
        return "TRUE" if value else "FALSE"
    if type(value) is ExcelError:
        raise Raised(value)
    return str(value)


def finite(number: float) -> float:
    """Return `number`, or raise #NUM! where it left the range of a double."""
    if -HUGE <= number <= HUGE:
        return number
    raise Raised(NUM)


def _rank(value: Value) -> int:
    if type(value) is float:
        return 0
    return 2 if type(value) is bool else 1


def compare(left: Value, right: Value) -> int:
    """Return -1, 0 or 1: numbers before text before truth values, text without regard to case."""
    if type(left) is float and type(right) is float:
        return (left > right) - (left < right)
    for side in (left, right):
        if type(side) is ExcelError:
            raise Raised(side)
    if left is None and right is None:
        return 0
    if left is None:
        left = False if type(right) is bool else "" if type(right) is str else 0.0
    if right is None:
        right = False if type(left) is bool else "" if type(left) is str else 0.0
    first, second = _rank(left), _rank(right)
    if first != second:
        return -1 if first < second else 1
    if first == 1:
        if left == right:
            return 0
        from sheetprop.engine.grid.collation import compared  # most workbooks compare no texts

        return compared(str(left), str(right))
    return int(left > right) - int(left < right)  # type: ignore[operator]


def power(base: float, exponent: float) -> float:
    """Return base ^ exponent as Excel does: 0^0 and a root of a negative number are #NUM!."""
    if exponent == 2.0:
        return finite(base * base)
    if base == 0.0:
        if exponent == 0.0:
            raise Raised(NUM)
        if exponent < 0.0:
            raise Raised(DIV0)
        return 0.0
    try:
        return finite(math.pow(base, exponent))
    except (OverflowError, ValueError):
        raise Raised(NUM) from None


def total(numbers: list[float]) -> float:
    """Return the sum from left to right in float64, the same on every version of Python."""
    result = 0.0
    for number in numbers:
        result += number
    return result

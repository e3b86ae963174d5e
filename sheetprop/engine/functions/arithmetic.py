"""Functions of numbers: rounding, powers, logarithms, trigonometry, divisors."""

from __future__ import annotations

import math
from functools import cache

from sheetprop.engine.functions import function
from sheetprop.engine.grid.operands import Areas, Array, Operand, Ref, numbers
from sheetprop.engine.grid.values import DIV0, NA, NUM, VALUE, Raised, finite, power

TYPE_CHECKING = False  # typing costs a small workbook's time; mypy knows this name
if TYPE_CHECKING:
    from decimal import Context, Decimal

_WAYS = {"half": "ROUND_HALF_UP", "down": "ROUND_DOWN", "up": "ROUND_UP"}


def _guarded(compute: object, *numbers: float) -> float:
    try:
        result: float = compute(*numbers)  # type: ignore[operator]
    except (ValueError, OverflowError):
        raise Raised(NUM) from None
    except ZeroDivisionError:
        raise Raised(DIV0) from None
    return finite(result)


def _simple(name: str, compute: object) -> None:
    function(name, "n")(lambda number: _guarded(compute, number))


for _name, _compute in {
    "EXP": math.exp, "LN": math.log, "LOG10": math.log10, "SIN": math.sin, "COS": math.cos, "TAN": math.tan,
    "ASIN": math.asin, "ACOS": math.acos, "ATAN": math.atan, "SINH": math.sinh, "COSH": math.cosh,
    "TANH": math.tanh, "ASINH": math.asinh, "ACOSH": math.acosh, "ATANH": math.atanh, "SQRT": math.sqrt,
    "DEGREES": math.degrees, "RADIANS": math.radians, "ABS": abs,
}.items():
    _simple(_name, _compute)
for _name, _of in {"SEC": math.cos, "CSC": math.sin, "COT": math.tan, "SECH": math.cosh, "CSCH": math.sinh,
                   "COTH": math.tanh}.items():
    function(_name, "n")(lambda number, _of=_of: _guarded(lambda x: 1.0 / _of(x), number))


@function("ACOT", "n")
def acot(number: float) -> float:
    return math.pi / 2 - math.atan(number)


@function("SQRTPI", "n")
def sqrtpi(number: float) -> float:
    return _guarded(math.sqrt, number * math.pi)


@function("PI", "")
def pi() -> float:
    return math.pi


@function("SIGN", "n")
def sign(number: float) -> float:
    return float((number > 0) - (number < 0))


@function("POWER", "nn")
def power_function(base: float, exponent: float) -> float:
    return power(base, exponent)


@function("LOG", "n|n")
def log(number: float, base: float = 10.0) -> float:
    if number <= 0 or base <= 0:
        raise Raised(NUM)
    if base == 10.0:
        return math.log10(number)
    return _guarded(lambda: math.log(number) / math.log(base))


@function("ATAN2", "nn")
def atan2(x: float, y: float) -> float:
    if x == 0 and y == 0:
        raise Raised(DIV0)
    return math.atan2(y, x)


@function("INT", "n")
def integer(number: float) -> float:
    return float(math.floor(number))


@function("TRUNC ROUNDDOWN", "n|n")
def truncate(number: float, digits: float = 0.0) -> float:
    return rounded(number, digits, "down")


@function("ROUNDUP", "nn")
def round_up(number: float, digits: float) -> float:
    return rounded(number, digits, "up")


@function("ROUND", "nn")
def round_half(number: float, digits: float) -> float:
    return rounded(number, digits, "half")


def rounded(number: float, digits: float, way: str) -> float:
    """Round on the decimal digits that a reader sees: 15 of them, as Excel and LibreOffice do."""
    places = math.trunc(digits)
    if number == 0.0 or not -308 <= places <= 308:
        return number if places > 0 else 0.0
    exponent = math.floor(math.log10(abs(number)))
    if places > 15 - exponent:
        return number
    decimal, wide = _decimals()
    shown = decimal(f"{number:.14e}")
    return finite(float(shown.quantize(decimal(1).scaleb(-places, wide), rounding=_WAYS[way], context=wide)))


@cache
def _decimals() -> tuple[type[Decimal], Context]:
    """Return the type of decimal numbers and a context wide enough for all of them, imported when first needed."""
    from decimal import Context, Decimal

    return Decimal, Context(prec=700)


@function("MROUND", "nn")
def mround(number: float, multiple: float) -> float:
    if multiple == 0.0 or number == 0.0:
        return 0.0
    if number * multiple < 0:
        raise Raised(NUM)
    return multiple * math.floor(number / multiple + 0.5)  # MROUND(6.05,0.1) is 6, as the reference says


@function("CEILING", "nn")
def ceiling(number: float, step: float) -> float:
    if step == 0.0 or number == 0.0:
        return 0.0
    if number > 0 > step:
        raise Raised(NUM)
    return math.ceil(_near(number / step)) * step


@function("FLOOR", "nn")
def floor(number: float, step: float) -> float:
    if number == 0.0:
        return 0.0
    if step == 0.0:
        raise Raised(DIV0)
    if number > 0 > step:
        raise Raised(NUM)
    return math.floor(_near(number / step)) * step


@function("CEILING.MATH", "n|nn")
def ceiling_math(number: float, step: float = 1.0, mode: float = 0.0) -> float:
    step = abs(step)
    if step == 0.0:
        return 0.0
    ratio = _near(number / step)
    return (math.floor(ratio) if number < 0 and mode else math.ceil(ratio)) * step


@function("FLOOR.MATH", "n|nn")
def floor_math(number: float, step: float = 1.0, mode: float = 0.0) -> float:
    step = abs(step)
    if step == 0.0:
        return 0.0
    ratio = _near(number / step)
    return (math.ceil(ratio) if number < 0 and mode else math.floor(ratio)) * step


def _near(ratio: float) -> float:
    """Return the whole number that `ratio` differs from by rounding only, else `ratio`."""
    whole = round(ratio)
    return float(whole) if abs(ratio - whole) <= 1e-14 * max(1.0, abs(ratio)) else ratio


@function("EVEN", "n")
def even(number: float) -> float:
    return math.copysign(2.0 * math.ceil(abs(number) / 2.0), number) if number else 0.0


@function("ODD", "n")
def odd(number: float) -> float:
    if number == 0.0:
        return 1.0
    return math.copysign(2.0 * math.ceil((abs(number) - 1.0) / 2.0) + 1.0, number)


@function("MOD", "nn")
def mod(number: float, divisor: float) -> float:
    if divisor == 0.0:
        raise Raised(DIV0)
    if abs(number / divisor) > 1.125e15:
        raise Raised(NUM)
    return number - divisor * math.floor(number / divisor)


@function("QUOTIENT", "nn")
def quotient(number: float, divisor: float) -> float:
    if divisor == 0.0:
        raise Raised(DIV0)
    return float(math.trunc(number / divisor))


@function("FACT", "n")
def fact(number: float) -> float:
    if number < 0 or number >= 171:
        raise Raised(NUM)
    return float(math.factorial(int(number)))


@function("FACTDOUBLE", "n")
def factdouble(number: float) -> float:
    if number < -1 or number >= 301:
        raise Raised(NUM)
    return float(math.prod(range(int(number), 0, -2)))


def _wholes(operands: tuple[Operand, ...]) -> list[int]:
    """Return the whole numbers that GCD and LCM see; text and truth values in ranges are #VALUE!."""
    if any(type(value) in (str, bool) for operand in operands if isinstance(operand, Ref | Array | Areas)
           for value in operand.flat()):
        raise Raised(VALUE)
    found = [int(number) for number in numbers(operands)]
    if not found:
        raise Raised(VALUE)
    if min(found) < 0 or max(found) >= 2**53:
        raise Raised(NUM)
    return found


@function("GCD", "r*")
def gcd(*operands: Operand) -> float:
    return float(math.gcd(*_wholes(operands)))


@function("LCM", "r*")
def lcm(*operands: Operand) -> float:
    return _guarded(float, math.lcm(*_wholes(operands)))


@function("COMBIN", "nn")
def combin(number: float, chosen: float) -> float:
    n, k = int(number), int(chosen)
    if n < 0 or k < 0 or k > n or n > 10_000:
        raise Raised(NUM)
    return _guarded(lambda: float(math.comb(n, k)))


@function("COMBINA", "nn")
def combina(number: float, chosen: float) -> float:
    n, k = int(number), int(chosen)
    if n < 0 or k < 0 or (n == 0 and k > 0) or n + k > 10_000:
        raise Raised(NUM)
    return _guarded(lambda: float(math.comb(n + k - 1, k))) if n + k else 1.0


@function("PERMUT", "nn")
def permut(number: float, chosen: float) -> float:
    n, k = int(number), int(chosen)
    if n <= 0 or k < 0 or k > n or n > 10_000:
        raise Raised(NUM)
    return _guarded(lambda: float(math.perm(n, k)))


@function("GAMMALN", "n")
def gammaln(number: float) -> float:
    if number <= 0:
        raise Raised(NUM)
    return _guarded(math.lgamma, number)


@function("GAMMA", "n")
def gamma(number: float) -> float:
    return _guarded(math.gamma, number)


@function("ERF", "n|n")
def erf(low: float, high: float | None = None) -> float:
    return math.erf(low) if high is None else math.erf(high) - math.erf(low)


@function("ERFC", "n")
def erfc(number: float) -> float:
    return math.erfc(number)


@function("DELTA", "n|n")
def delta(first: float, second: float = 0.0) -> float:
    return float(first == second)


@function("GESTEP", "n|n")
def gestep(number: float, step: float = 0.0) -> float:
    return float(number >= step)


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


_ROMAN = {1000: "M", 500: "D", 100: "C", 50: "L", 10: "X", 5: "V", 1: "I"}


@function("ROMAN", "n|n")
def roman(number: float, form: float = 0.0) -> str:
    left, terse = int(number), int(form)
    if not 0 <= left <= 3999 or not 0 <= terse <= 4:
        raise Raised(VALUE)
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


@function("NA", "")
def not_available() -> float:
    raise Raised(NA)

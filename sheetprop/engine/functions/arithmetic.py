"""Functions of numbers: powers, logarithms, trigonometry, divisors."""

from __future__ import annotations

import math

from sheetprop.engine.functions import function
from sheetprop.engine.grid.operands import Areas, Array, Operand, Ref, numbers
from sheetprop.engine.grid.values import DIV0, NA, NUM, VALUE, Raised, finite, power


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


@function("NA", "")
def not_available() -> float:
    raise Raised(NA)

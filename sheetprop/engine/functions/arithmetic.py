"""Functions of numbers: powers, logarithms, trigonometry, divisors."""

from __future__ import annotations

import math

from sheetprop.engine.functions import function
from sheetprop.engine.grid.operands import Operand, Ref, as_rows
from sheetprop.engine.grid.values import DIV0, NA, NUM, VALUE, ExcelError, Raised, finite, power, to_number


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
for _name, _of in {"SEC": math.cos, "CSC": math.sin, "COT": math.tan, "COTH": math.tanh}.items():
    function(_name, "n")(lambda number, _of=_of: _guarded(lambda x: 1.0 / _of(x), number))
for _name, _of in {"SECH": math.cosh, "CSCH": math.sinh}.items():  # 0 where the hyperbolic function overflows
    function(_name, "n")(lambda number, _of=_of: 0.0 if abs(number) > 745.0 else
                         _guarded(lambda x: 1.0 / _of(x), number))


@function("ACOT", "n")
def acot(number: float) -> float:
    return math.pi / 2 - math.atan(number)


@function("ACOTH", "n")
def acoth(number: float) -> float:
    if abs(number) <= 1.0:
        raise Raised(NUM)
    return math.atanh(1.0 / number)


@function("SQRTPI", "m")
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
    rest = math.fmod(number, divisor)
    return rest + divisor if rest and (rest < 0) != (divisor < 0) else rest + 0.0


@function("QUOTIENT", "mm")
def quotient(number: float, divisor: float) -> float:
    if divisor == 0.0:
        raise Raised(DIV0)
    return float(math.trunc(number / divisor))


@function("FACT", "n")
def fact(number: float) -> float:
    if number < 0 or number >= 171:
        raise Raised(NUM)
    return float(math.factorial(int(number)))


@function("FACTDOUBLE", "m")
def factdouble(number: float) -> float:
    if number < -1 or number >= 301:
        raise Raised(NUM)
    return float(math.prod(range(int(number), 0, -2)))


def wholes(operands: tuple[Operand, ...]) -> list[int]:
    """Return the whole numbers that GCD, LCM and MULTINOMIAL see: text is read, blank cells of a range are 0."""
    found: list[int] = []
    for operand in operands:
        if operand is None:
            raise Raised(NA)
        if isinstance(operand, Ref) and operand.height * operand.width == 1 and operand.single() is None:
            continue
        for line in as_rows(operand.clipped() if isinstance(operand, Ref) else operand):
            for value in line:
                if type(value) is bool:
                    raise Raised(VALUE)
                number = to_number(value)
                if not 0 <= number < 2**53:
                    raise Raised(NUM)
                found.append(int(number))
    if not found:
        raise Raised(VALUE)
    return found


@function("GCD", "r*")
def gcd(*operands: Operand) -> float:
    return float(math.gcd(*wholes(operands)))


@function("LCM", "r*")
def lcm(*operands: Operand) -> float:
    result = math.lcm(*wholes(operands))
    if result >= 2**53:
        raise Raised(NUM)
    return float(result)


@function("SERIESSUM", "mmmr")
def seriessum(at: float, power_first: float, step: float, coefficients: Operand) -> float:
    result = 0.0
    for place, value in enumerate(value for line in as_rows(coefficients) for value in line):
        if type(value) is ExcelError:
            raise Raised(value)
        if type(value) is not float:
            raise Raised(VALUE)
        result += value * power(at, power_first + place * step)
    return finite(result)


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

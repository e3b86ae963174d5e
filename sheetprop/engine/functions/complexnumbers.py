"""Complex numbers, which Excel keeps as text of 15 digits: "3+4i"."""

from __future__ import annotations

import cmath
import math
import re
from collections.abc import Callable, Iterable

from sheetprop.engine.functions import function
from sheetprop.engine.grid.operands import Operand, Ref, flat
from sheetprop.engine.grid.values import DIV0, NUM, VALUE, ExcelError, Raised, Value, finite, general

_REAL = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_WHOLE = re.compile(rf"({_REAL})?(?:([-+]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)?)([ij]))?\Z", re.ASCII)
_PURE = re.compile(rf"({_REAL}|[-+]?)([ij])\Z", re.ASCII)


def read(value: Value) -> tuple[complex, str]:
    """Return the number that a cell holds and the letter of its imaginary unit ("" where it has none)."""
    if type(value) is ExcelError:
        raise Raised(value)
    if type(value) is bool:
        raise Raised(VALUE)
    if value is None:
        return 0j, ""
    if type(value) is float:
        return complex(value), ""
    text = str(value)
    pure = _PURE.match(text)
    if pure:
        return complex(0.0, _coefficient(pure.group(1))), pure.group(2)
    found = _WHOLE.match(text)
    if found is None or found.group(1) is None or (found.group(3) and found.group(2)[:1] not in ("+", "-")):
        raise Raised(NUM)
    imaginary = _coefficient(found.group(2)) if found.group(3) else 0.0
    return complex(float(found.group(1)), imaginary), found.group(3) or ""


def _coefficient(text: str) -> float:
    return float(text + "1") if text in ("", "+", "-") else float(text)


def write(number: complex, unit: str = "i") -> str:
    """Return a complex number as Excel writes it: parts that are 0 are left out, so is a coefficient of 1."""
    real, imaginary = _shown(number.real), _shown(number.imag)
    if imaginary == "0":
        return real
    coefficient = {"1": "", "-1": "-"}.get(imaginary, imaginary)
    if real == "0":
        return f"{coefficient}{unit}"
    return f"{real}{'' if coefficient.startswith('-') else '+'}{coefficient}{unit}"


def _shown(part: float) -> str:
    return general(finite(part))


@function("COMPLEX", "mm|t")
def complex_function(real: float, imaginary: float, unit: str = "i") -> str:
    if unit not in ("i", "j", ""):
        raise Raised(VALUE)
    return write(complex(real, imaginary), unit or "i")


@function("IMREAL", "e")
def imreal(value: Value) -> float:
    return read(value)[0].real


@function("IMAGINARY", "e")
def imaginary_of(value: Value) -> float:
    return read(value)[0].imag


@function("IMABS", "e")
def imabs(value: Value) -> float:
    number, _ = read(value)
    return finite(math.hypot(number.real, number.imag))


@function("IMARGUMENT", "e")
def imargument(value: Value) -> float:
    number, _ = read(value)
    if number == 0:
        raise Raised(DIV0)
    return cmath.phase(number)


def _guarded(compute: Callable[[complex], complex], number: complex) -> complex:
    try:
        return compute(number)
    except (ValueError, OverflowError, ZeroDivisionError):
        raise Raised(NUM) from None


def _log(number: complex) -> complex:
    if number == 0:
        raise Raised(NUM)
    return cmath.log(number)


_OF_ONE: dict[str, Callable[[complex], complex]] = {
    "IMCONJUGATE": lambda z: z.conjugate(), "IMEXP": cmath.exp, "IMLN": _log,
    "IMLOG10": lambda z: _log(z) / math.log(10.0), "IMLOG2": lambda z: _log(z) / math.log(2.0), "IMSQRT": cmath.sqrt,
    "IMSIN": cmath.sin, "IMCOS": cmath.cos, "IMTAN": cmath.tan, "IMSINH": cmath.sinh, "IMCOSH": cmath.cosh,
    "IMSEC": lambda z: 1.0 / cmath.cos(z), "IMCSC": lambda z: 1.0 / cmath.sin(z), "IMCOT": lambda z: 1.0 / cmath.tan(z),
    "IMSECH": lambda z: 1.0 / cmath.cosh(z), "IMCSCH": lambda z: 1.0 / cmath.sinh(z),
}


def _of_one(name: str, compute: Callable[[complex], complex]) -> None:
    def run(value: Value) -> str:
        number, unit = read(value)
        return write(_guarded(compute, number), unit or "i")

    function(name, "e")(run)


for _name, _compute in _OF_ONE.items():
    _of_one(_name, _compute)


def _unit(first: str, second: str) -> str:
    if first and second and first != second:
        raise Raised(VALUE)
    return first or second


@function("IMSUB", "ee")
def imsub(first: Value, second: Value) -> str:
    (a, one), (b, two) = read(first), read(second)
    return write(a - b, _unit(one, two) or "i")


@function("IMDIV", "ee")
def imdiv(first: Value, second: Value) -> str:
    (a, one), (b, two) = read(first), read(second)
    if b == 0:
        raise Raised(NUM)
    return write(a / b, _unit(one, two) or "i")


@function("IMPOWER", "en")
def impower(value: Value, exponent: float) -> str:
    number, unit = read(value)
    if number == 0:
        if exponent <= 0:
            raise Raised(NUM)
        return "0"
    size, angle = abs(number), cmath.phase(number)
    try:
        longer = math.pow(size, exponent)
    except OverflowError:
        raise Raised(NUM) from None
    return write(complex(longer * math.cos(angle * exponent), longer * math.sin(angle * exponent)), unit or "i")


def _values(operand: Operand) -> Iterable[Value]:
    """Return the values of an operand; a blank cell given alone is 0."""
    if isinstance(operand, Ref) and operand.height * operand.width == 1:
        return [operand.single()]
    return flat(operand)


def _all(operands: tuple[Operand, ...], join: Callable[[complex, complex], complex], start: complex) -> str:
    result, unit = start, ""
    for operand in operands:
        for value in _values(operand):
            number, letter = read(value)
            unit = _unit(unit, letter)
            result = join(result, number)
    return write(result, unit or "i")


@function("IMSUM", "r*")
def imsum(*operands: Operand) -> str:
    return _all(operands, lambda a, b: a + b, 0j)


@function("IMPRODUCT", "r*")
def improduct(*operands: Operand) -> str:
    return _all(operands, lambda a, b: a * b, 1 + 0j)

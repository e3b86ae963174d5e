"""Functions whose value stays the same between steps, and so have slope 0: rounding and its kin.

Their values are those of the engine's own function library, one number at a time; over arrays of
scenarios, rounding to digits is done at once wherever no number lies close to a step.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from sheetprop.engine.functions import REGISTRY, find
from sheetprop.engine.grid.values import Raised
from sheetprop.engine.tracing.choosing import E
from sheetprop.engine.tracing.elements import Stuck

PRINTED = {"INT": "floor", "SIGN": "sign"}
"""Steps that every dialect has under a name of its own."""

EXACT = ("ROUND", "ROUNDUP", "ROUNDDOWN", "TRUNC", "MROUND", "CEILING", "CEILING.MATH", "FLOOR", "FLOOR.MATH", "EVEN",
         "ODD", "QUOTIENT", "DELTA", "GESTEP")
_FLAT_IN_ALL = ("QUOTIENT", "DELTA", "GESTEP")
_ROUNDINGS = {"ROUND": "half", "ROUNDUP": "up", "ROUNDDOWN": "down", "TRUNC": "down"}
_DIGITS = 15


def step(name: str, x: E, *others: E) -> E:
    """Return a function with steps; its digits or its multiple must depend on no input.

    Raises:
        Stuck: they do.
    """
    if name not in _FLAT_IN_ALL and any(other.active for other in others):
        raise Stuck(f"{name} to digits or a multiple that depend on an input")
    return E("flat", (x, *others), name)


def printed(name: str) -> str:
    """Return the name under which generated code calls a function with steps."""
    return PRINTED.get(name) or f"step_{name.lower().replace('.', '_')}"


def without_numba(e: E) -> bool:
    """Say whether compiled loops have no form of an operation."""
    return e.op == "ranked" or (e.op == "flat" and e.text in EXACT)


def over_numbers() -> dict[str, Callable[..., float]]:
    """Return the functions that code over single numbers calls; they raise what the library raises."""
    for name in EXACT:
        find(name)
    return {printed(name): REGISTRY[name].run for name in EXACT}  # type: ignore[misc]


def over_arrays(careful: bool) -> dict[str, Callable[..., Any]]:
    """Return the functions that code over arrays calls.

    Args:
        careful: give NaN for what is an error; otherwise FloatingPointError is raised.
    """
    plain = over_numbers()
    found = {printed(name): _each(plain[printed(name)], careful) for name in EXACT}
    for name, way in _ROUNDINGS.items():
        found[printed(name)] = _rounding(found[printed(name)], way)
    return found


def _each(function: Callable[..., float], careful: bool) -> Callable[..., Any]:
    """Return a function of arrays that asks a function of numbers for one element after another."""
    import numpy as np

    def one(*numbers: float) -> float:
        try:
            return function(*numbers) if all(map(math.isfinite, numbers)) else math.nan
        except (Raised, ValueError, OverflowError):
            if not careful:
                raise FloatingPointError from None
            return math.nan

    def run(*arrays: Any) -> Any:
        given = np.broadcast_arrays(*arrays)
        columns = [np.asarray(array, dtype=np.float64).ravel().tolist() for array in given]
        return np.array([one(*numbers) for numbers in zip(*columns, strict=True)]).reshape(given[0].shape)

    return run


def _rounding(exact: Callable[..., Any], way: str) -> Callable[..., Any]:
    """Return a rounding of arrays: a whole number over a power of ten, and `exact` near a step.

    A whole number below 2^53 over (or times) a power of ten below 10^22 is rounded once, so that it
    is the double closest to the decimal number, as `exact` gives it.
    """
    import numpy as np

    offset = 0.5 if way == "half" else 0.0
    to_whole = np.ceil if way == "up" else np.floor

    def run(x: Any, digits: Any = 0.0) -> Any:
        if np.ndim(x) == 0 or np.ndim(digits) > 0 or not -_DIGITS <= digits <= _DIGITS:
            return exact(x, digits)
        places = int(digits)
        power = 10.0 ** abs(places)
        size = np.abs(x)
        scaled = size * power if places >= 0 else size / power
        whole = to_whole(scaled + offset)
        rounded = np.copysign(whole / power if places >= 0 else whole * power, x)
        unsure = ~((np.abs(scaled + offset - np.rint(scaled + offset)) > 1e-13 * scaled) & (whole < 1e12))
        if unsure.any():
            rounded[unsure] = exact(x[unsure], digits)
        return rounded

    return run

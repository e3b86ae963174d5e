"""What generated functions call: over single numbers, over arrays, or inside a loop compiled by numba."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

from sheetprop.engine.grid import digits
from sheetprop.engine.grid.digits import NEAR, final, near
from sheetprop.engine.grid.values import power
from sheetprop.engine.tracing import steps
from sheetprop.engine.tracing.kernel import Kernel
from sheetprop.errors import SheetpropError


def compiled(kernel: Kernel, dialect: str) -> Callable[..., Any]:
    """Turn a kernel's source into a function.

    Raises:
        SheetpropError: numba is asked for and not installed.
    """
    scope: dict[str, Any] = {"__builtins__": {"range": range}}
    if dialect in ("numpy", "careful"):
        scope.update(array_scope(dialect == "careful"))
        scope.update(steps.over_arrays(dialect == "careful"))
        import numpy as np

        scope.update({name: list(values) for name, values in kernel.constants.items()})
        scope.update({name: np.array(float(text.strip("()"))) for text, name in kernel.printer.numbers.items()})
    elif dialect == "numba":
        return compiled_loop(kernel)
    else:
        scope.update(_SCALAR)
        scope.update(steps.over_numbers())
        scope.update({name: list(values) for name, values in kernel.constants.items()})
    exec(compile(kernel.source, f"<sheetprop {dialect}>", "exec"), scope)
    return scope["run"]  # type: ignore[no-any-return]


def _sign(x: float) -> float:
    return float((x > 0) - (x < 0))


def _power_slope(a: float, b: float) -> float:
    if b == 0.0:
        return 0.0
    return power(a, b - 1.0) if b != 1.0 else 1.0


def _missing() -> float:
    """Say that a choice finds nothing to take."""
    raise ValueError


_SCALAR: dict[str, Any] = {
    **{name: getattr(math, name) for name in ("exp", "log", "log10", "sqrt", "sin", "cos", "tan", "asin", "acos",
                                              "atan", "sinh", "cosh", "tanh")},
    "nan": math.nan, "abs": abs, "floor": lambda x: float(math.floor(x)), "sign": _sign, "power": power,
    "maximum": lambda a, b: a if a >= b else b, "minimum": lambda a, b: a if a <= b else b,
    "logical_not": lambda x: not x, "power_slope": _power_slope,
    "near": near, "final": final,
    "log_or_zero": lambda a: math.log(a) if a > 0 else 0.0,
    "root_slope": lambda root: 0.5 / root if root else 0.0, "missing": _missing,
    "product": lambda *given: _product(*given).tolist(), "ranked": lambda place, *numbers: sorted(numbers)[place],
}


def _uncertain() -> dict[str, Any]:
    """Return conditions over arrays that are NaN where what they ask about is an error, and choices by them."""
    import numpy as np

    def compared(result: Any, left: Any, right: Any) -> Any:
        lost = np.isnan(left) | np.isnan(right)
        return np.where(lost, np.nan, result) if np.any(lost) else result

    def where(test: Any, yes: Any, no: Any) -> Any:
        return np.where(np.isnan(test), np.nan, np.where(test, yes, no))

    def joined(function: Callable[[Any, Any], Any]) -> Callable[..., Any]:
        return lambda *tests: functools.reduce(function, [np.asarray(test, dtype=np.float64) for test in tests])

    return {"compared": compared, "where": where, "all_of": joined(np.minimum), "any_of": joined(np.maximum),
            "logical_not": lambda test: 1.0 - np.asarray(test, dtype=np.float64),
            "holds": lambda test: np.asarray(test) == 1.0, "fails": lambda test: np.asarray(test) == 0.0}


def _product(height: int, inner: int, width: int, *factors: Any) -> Any:
    """Return the elements of a matrix product, row by row; every sum runs from left to right.

    Args:
        height: rows of the first factor.
        inner: columns of the first factor, which are the rows of the second.
        width: columns of the second.
        factors: their elements row by row, numbers or arrays (scenarios,).

    Returns:
        Array (height * width,) or (height * width, scenarios).
    """
    import numpy as np

    def stacked(elements: tuple[Any, ...], *shape: int) -> Any:
        whole = np.array(elements if all(type(one) is float for one in elements) else np.broadcast_arrays(*elements))
        return whole.reshape(*shape, -1)

    left = stacked(factors[:height * inner], height, inner)
    right = stacked(factors[height * inner:], inner, width)
    result = np.zeros((height, width, max(left.shape[2], right.shape[2])))
    for at in range(inner):
        result += left[:, at, None] * right[None, at]
    flat = result.reshape(height * width, -1)
    return flat[:, 0] if flat.shape[1] == 1 else flat


def _by_element(function: Callable[[float, float], float], a: Any, b: Any, result: Any, where: Any) -> Any:
    """Return a result of arrays in which some elements are what a function of numbers gives for them."""
    import numpy as np

    first, second, changed = (np.array(one, dtype=np.float64) for one in np.broadcast_arrays(a, b, result))
    for at in zip(*np.nonzero(np.broadcast_to(where, changed.shape)), strict=True):
        changed[at] = function(float(first[at]), float(second[at]))
    return changed if changed.ndim else float(changed)


def array_scope(careful: bool) -> dict[str, Any]:
    """Return the functions that array code may call.

    The careful ones turn what Excel calls an error into NaN at once, so that it cannot vanish
    again (as 1/infinity would); the quick ones rely on NumPy raising FloatingPointError.
    """
    import numpy as np

    scope: dict[str, Any] = {
        "nan": math.nan, "exp": np.exp, "log": np.log, "log10": np.log10, "sqrt": np.sqrt, "sin": np.sin, "cos": np.cos,
        "tan": np.tan, "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "sinh": np.sinh, "cosh": np.cosh,
        "tanh": np.tanh, "abs": np.abs, "floor": np.floor, "sign": np.sign, "where": np.where,
        "np_add": np.add, "np_subtract": np.subtract, "np_multiply": np.multiply, "np_divide": np.divide,
        "np_negative": np.negative, "empty_like": np.empty_like, "maximum": np.maximum,
        "minimum": np.minimum, "logical_not": np.logical_not,
    }

    def pick(test: Any, yes: Any, no: Any, out: Any) -> None:
        """Put `yes` where the test holds, else `no`, into `out`, which may be either of them."""
        if out is yes:
            np.copyto(out, no, where=np.logical_not(test))
            return
        if out is not no:
            np.copyto(out, no)
        if np.count_nonzero(test):
            np.copyto(out, yes, where=test)

    def power(a: Any, b: Any) -> Any:
        result = np.power(np.asarray(a, dtype=np.float64), b)
        wrong = ((np.asarray(a) == 0.0) & (np.asarray(b) <= 0.0)) | ~np.isfinite(result)
        if np.any(wrong):
            if not careful:
                raise FloatingPointError
            result = np.where(wrong, np.nan, result)
        return result

    def power_slope(a: Any, b: Any) -> Any:
        return np.where(np.asarray(b) == 0.0, 0.0, np.power(np.asarray(a, dtype=np.float64), np.asarray(b) - 1.0))

    def log_or_zero(a: Any) -> Any:
        return np.where(np.asarray(a) > 0.0, np.log(np.where(np.asarray(a) > 0.0, a, 1.0)), 0.0)

    def ranked(place: int, *numbers: Any) -> Any:
        """Return the number at a place in rising order for each scenario; NaN where one of them is NaN."""
        stacked = np.stack(np.broadcast_arrays(*numbers))
        return np.where(np.isnan(stacked).any(axis=0), np.nan, np.partition(stacked, place, axis=0)[place])

    def root_slope(root: Any) -> Any:
        return np.where(np.asarray(root) == 0.0, 0.0, 0.5 / np.where(np.asarray(root) == 0.0, 1.0, root))

    def taken(test: Any, value: Any) -> Any:
        if not np.all(test):
            raise FloatingPointError
        return value

    def near(a: Any, b: Any) -> Any:
        """Return `a`, or `b` where both are alike in 15 digits."""
        close = np.abs(a - b) <= NEAR * np.abs(a)
        return _by_element(digits.near, a, b, a, close) if np.any(close) else a

    def final(a: Any, b: Any) -> Any:
        """Return a - b as a formula's last operation gives it."""
        result = a - b
        close = (np.abs(result) <= NEAR * np.abs(a)) & (result != 0.0)
        return _by_element(digits.final, a, b, result, close) if np.any(close) else result

    scope.update(near=near, final=final)
    scope.update(pick=pick, power=power, power_slope=power_slope, log_or_zero=log_or_zero, root_slope=root_slope,
                 taken=taken, ranked=ranked, product=_product)
    if careful:

        def marked(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
            def run(x: Any) -> Any:
                result = function(x)
                return np.where(np.isfinite(result) & np.isfinite(x), result, np.nan)

            return run

        for name in ("exp", "log", "log10", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh",
                     "tanh"):
            scope[name] = marked(scope[name])

        def div(a: Any, b: Any) -> Any:
            return np.where((np.asarray(b) != 0.0) & np.isfinite(b), np.asarray(a) / b, np.nan)

        def instead(a: Any, b: Any) -> Any:
            return np.where(np.isfinite(a), a, b)

        scope.update(div=div, instead=instead, **_uncertain())
    return scope


def compiled_loop(kernel: Kernel) -> Callable[..., Any]:
    """Compile a kernel with numba: one loop over scenarios, spread over the machine's cores.

    Raises:
        SheetpropError: numba is not installed.
    """
    try:
        import numba
    except ImportError:
        raise SheetpropError("backend 'numba': is not installed; pip install 'sheetprop[fast]'") from None
    import numpy as np

    nan = math.nan
    njit = numba.njit(error_model="numpy")
    scope: dict[str, Any] = {"np": np, "math": math, "nan": nan, "powers": np.array(digits.powers()),
                             **_bit_operations()}
    helpers = """
def exp(x):  # 2**k * e**r; the polynomial interpolates (e**r - 1 - r)/r**2 at ten Chebyshev points of |r| <= log(2)/2
  y = x if x > -746.0 else -746.0
  t = fma(y, 1.4426950408889634, 6755399441055744.0)
  k = t - 6755399441055744.0
  r = fma(k, -1.90821492927058770002e-10, fma(k, -6.93147180369123816490e-01, y))
  q = r*r
  a = fma(2.5100395159429243e-08, r, 2.7620101012098e-07)
  b = fma(fma(2.7557268439678e-06, r, 2.4801521269532122e-05), q, fma(1.984126986306667e-04, r, 1.3888888917230724e-03))
  c = fma(fma(8.33333333333006e-03, r, 4.1666666666624094e-02), q, fma(1.6666666666666669e-01, r, 0.5))
  p = fma(fma(fma(a, q*q, b), q*q, c), q, r) + 1.0
  shift = 128.0 if x < -700.0 else 0.0
  back = 2.938735877055719e-39 if x < -700.0 else 1.0
  return real(bits(p) + (bits(t + shift) << 52))*back if x <= 709.782712893384 else nan
def log(x): return math.log(x) if x > 0.0 else nan
def log10(x): return math.log10(x) if x > 0.0 else nan
def sqrt(x): return math.sqrt(x) if x >= 0.0 else nan
def sin(x): return math.sin(x)
def cos(x): return math.cos(x)
def tan(x): return math.tan(x)
def asin(x): return math.asin(x) if -1.0 <= x <= 1.0 else nan
def acos(x): return math.acos(x) if -1.0 <= x <= 1.0 else nan
def atan(x): return math.atan(x)
def sinh(x): return math.sinh(x) if -710.0 <= x <= 710.0 else nan
def cosh(x): return math.cosh(x) if -710.0 <= x <= 710.0 else nan
def tanh(x): return math.tanh(x)
def abs(x): return x if x >= 0.0 else -x
def floor(x): return float(math.floor(x))
def leading(x):
  e = min(max(int(math.floor(math.log10(x))), -323), 308)
  if powers[e + 323] > x: e -= 1
  elif e < 308 and powers[e + 324] <= x: e += 1
  s = 14 - e
  d = x*1e300*powers[s + 23] if s > 300 else x*powers[s + 323] if s >= 0 else x/powers[323 - s]
  d = math.floor(d + 0.5) + 0.0
  return (1e14, e + 1) if d >= 1e15 else (d, e)
def alike(a, b): return (a > 0.0) == (b > 0.0) and b != 0.0 and leading(abs(a)) == leading(abs(b))
def near(a, b):
  if not abs(a - b) <= 1.1e-14*abs(a) or a == b: return a
  return b if alike(a, b) else a
def final(a, b):
  if not abs(a - b) <= 1.1e-14*abs(a) or a == b: return a - b
  return 0.0 if alike(a, b) else a - b
def sign(x): return 1.0 if x > 0.0 else -1.0 if x < 0.0 else x - x
def maximum(a, b): return a if a >= b or a != a else b
def minimum(a, b): return a if a <= b or a != a else b
def compared(holds, a, b): return nan if a - a != b - b else 1.0 if holds else 0.0
def all_of(*tests):
  result = 1.0
  for test in tests:
    result = test if test < result or test != test else result
  return result
def any_of(*tests):
  result = 0.0
  for test in tests:
    result = test if test > result or test != test else result
  return result
def logical_not(x): return 1.0 - x
def where(test, yes, no): return nan if test != test else yes if test != 0.0 else no
def pick(test, yes, no): return yes if test else no
def div(a, b): return a / b if b != 0.0 and -1.7976931348623157e308 <= b <= 1.7976931348623157e308 else nan
def instead(a, b): return a if -1.7976931348623157e308 <= a <= 1.7976931348623157e308 else b
def power(a, b): return nan if a == 0.0 and b <= 0.0 else math.pow(a, b)
def empty(n): return np.empty(n)
"""
    given = set(scope)
    exec(helpers, scope)
    for name in scope.keys() - given - {"__builtins__"}:
        scope[name] = njit(scope[name])
    scope.update({name: np.array(values) for name, values in kernel.constants.items()})
    scope["prange"] = numba.prange
    exec(compile(kernel.source, "<sheetprop numba>", "exec"), scope)
    scope["block"] = njit(scope["block"])
    # Named, so that the type is known to mypy where numba is absent too.
    run: Callable[..., Any] = numba.njit(parallel=True, error_model="numpy")(scope["run"])
    return run


def _bit_operations() -> dict[str, Any]:
    """Return what numba lacks for an EXP that can be done for several numbers at once.

    `bits` and `real` read a number's 64 bits as an integer and back; `fma` is a*b + c, rounded once.
    """
    from numba import types
    from numba.extending import intrinsic

    def recast(source: Any, wanted: Any) -> Any:
        def typed(context: Any, x: Any) -> Any:
            del context, x

            def code(target: Any, builder: Any, signature: Any, given: Any) -> Any:
                del signature
                return builder.bitcast(given[0], target.get_value_type(wanted))

            return wanted(source), code

        return intrinsic(typed)

    def fma(context: Any, x: Any, y: Any, z: Any) -> Any:
        del context, x, y, z

        def code(target: Any, builder: Any, signature: Any, given: Any) -> Any:
            del target, signature
            return builder.fma(*given)

        return types.float64(types.float64, types.float64, types.float64), code

    return {"bits": recast(types.float64, types.int64), "real": recast(types.int64, types.float64),
            "fma": intrinsic(fma)}

"""Matrices and linear regression."""

from __future__ import annotations

import math
from typing import Any

from sheetprop.engine.functions import function
from sheetprop.engine.grid.operands import Array, Operand, as_rows
from sheetprop.engine.grid.values import NA, NUM, REF, VALUE, ExcelError, Raised, Value, finite


def matrix(operand: Operand) -> Any:
    """Return an operand as a NumPy matrix; anything but numbers is #VALUE!."""
    import numpy as np

    rows = as_rows(operand)
    for line in rows:
        for value in line:
            if type(value) is ExcelError:
                raise Raised(value)
            if type(value) is not float:
                raise Raised(VALUE)
    return np.array(rows, dtype=np.float64)


def _array(grid: Any) -> Array:
    lines: list[list[Value]] = [[finite(float(value)) for value in line] for line in grid]
    return Array(lines)


@function("MMULT", "aa")
def mmult(first: Operand, second: Operand) -> Operand:
    a, b = matrix(first), matrix(second)
    if a.shape[1] != b.shape[0]:
        raise Raised(VALUE)
    # Sums from left to right, as the cells would be added one by one.
    lines: list[list[Value]] = []
    columns = b.T.tolist()
    for row in a.tolist():
        line: list[Value] = []
        for column in columns:
            result = 0.0
            for x, y in zip(row, column, strict=True):
                result += x * y
            line.append(finite(result))
        lines.append(line)
    return Array(lines)


@function("MINVERSE", "a")
def minverse(operand: Operand) -> Operand:
    import numpy as np

    a = matrix(operand)
    if a.shape[0] != a.shape[1]:
        raise Raised(VALUE)
    try:
        return _array(np.linalg.inv(a))
    except np.linalg.LinAlgError:
        raise Raised(NUM) from None


@function("MDETERM", "a")
def mdeterm(operand: Operand) -> float:
    import numpy as np

    a = matrix(operand)
    if a.shape[0] != a.shape[1]:
        raise Raised(VALUE)
    return finite(float(np.linalg.det(a)))


@function("MUNIT", "n")
def munit(size: float) -> Operand:
    if not 1 <= size <= 2000:
        raise Raised(VALUE)
    return Array([[float(row == column) for column in range(int(size))] for row in range(int(size))])


def _fit(ys: Operand, xs: Operand, constant: bool) -> tuple[Any, Any, Any]:
    """Return the design matrix, the targets and the least-squares coefficients (last is the constant)."""
    import numpy as np

    y = matrix(ys)
    count = y.size
    if xs is None:
        x = np.arange(1.0, count + 1.0).reshape(-1, 1)
    else:
        x = matrix(xs)
        if x.shape == y.shape or x.size == count:
            x = x.reshape(-1, 1)
        elif y.shape[0] == 1 and x.shape[1] == count:
            x = x.T
    if x.shape[0] != count:
        raise Raised(REF)
    y = y.reshape(-1)
    design = np.hstack([x, np.ones((count, 1))]) if constant else x
    try:
        solved = np.linalg.lstsq(design, y, rcond=None)[0]
    except np.linalg.LinAlgError:
        raise Raised(NUM) from None
    return design, y, solved


@function("LINEST", "a|abb")
def linest(ys: Operand, xs: Operand = None, constant: bool = True, statistics: bool = False) -> Operand:
    import numpy as np

    design, y, solved = _fit(ys, xs, constant)
    slopes = solved[:-1] if constant else solved
    top: list[Value] = [finite(float(value)) for value in slopes[::-1]]
    top.append(float(solved[-1]) if constant else 0.0)
    if not statistics:
        return Array([top])
    count, free = len(y), len(y) - design.shape[1]
    residual = y - design @ solved
    left = float(residual @ residual)
    around = y - y.mean() if constant else y
    whole = float(around @ around)
    explained = whole - left
    error = (left / free) ** 0.5 if free > 0 else 0.0
    spread = np.sqrt(np.maximum(np.diag(np.linalg.pinv(design.T @ design)), 0.0)) * error
    names = spread[:-1] if constant else spread
    second: list[Value] = [float(value) for value in names[::-1]]
    second.append(float(spread[-1]) if constant else NA)
    degrees = len(slopes)
    blank: list[Value] = [NA] * (len(top) - 2)
    fit: Value = explained / whole if whole else 1.0
    ratio: Value = explained / degrees / (left / free) if free > 0 and left > 0 else NUM
    del count
    return Array([top, second, [fit, error, *blank], [ratio, float(free), *blank], [explained, left, *blank]])


@function("TREND", "a|aab")
def trend(ys: Operand, xs: Operand = None, new: Operand = None, constant: bool = True) -> Operand:
    import numpy as np

    design, y, solved = _fit(ys, xs, constant)
    if new is None:
        found = design @ solved
        return _array(found.reshape(matrix(ys).shape))
    at = matrix(new)
    shape = at.shape
    width = len(solved) - 1 if constant else len(solved)
    at = at.reshape(-1, 1) if width == 1 else at
    if at.shape[1] != width:
        raise Raised(REF)
    full = np.hstack([at, np.ones((at.shape[0], 1))]) if constant else at
    found = full @ solved
    del y
    return _array(found.reshape(shape) if width == 1 else found.reshape(-1, 1))


def _logarithms(ys: Operand) -> Array:
    """Return the logarithms of numbers, all of which must be above 0."""
    grid = matrix(ys)
    if (grid <= 0.0).any():
        raise Raised(NUM)
    return Array([[math.log(number) for number in line] for line in grid.tolist()])


def _powers(line: list[Value]) -> list[Value]:
    """Return e to the power of each number."""
    try:
        return [math.exp(value) if type(value) is float else value for value in line]
    except OverflowError:
        raise Raised(NUM) from None


@function("GROWTH", "a|aab")
def growth(ys: Operand, xs: Operand = None, new: Operand = None, constant: bool = True) -> Operand:
    return Array([_powers(line) for line in as_rows(trend(_logarithms(ys), xs, new, constant))])


@function("LOGEST", "a|abb")
def logest(ys: Operand, xs: Operand = None, constant: bool = True, statistics: bool = False) -> Operand:
    first, *rest = as_rows(linest(_logarithms(ys), xs, constant, statistics))
    return Array([_powers(first), *rest])

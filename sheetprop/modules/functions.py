"""Functions of the spreadsheet by name: their values and their slopes, and comparisons."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Comparison = Literal["<", "<=", "=", ">", ">=", "<>"]


def _ndtr(x: Floats) -> Floats:
    import torch

    found: Floats = torch.special.ndtr(torch.from_numpy(np.ascontiguousarray(x))).numpy()
    return found


def _density(x: Floats) -> Floats:
    found: Floats = np.exp(-x * x / 2) / np.sqrt(2 * np.pi)
    return found


_One = Callable[..., Floats]
_Slopes = Callable[..., Sequence[Floats]]

# Spreadsheet name -> (value, slopes along each argument).
FUNCTIONS: dict[str, tuple[_One, _Slopes]] = {
    "EXP": (np.exp, lambda x: (np.exp(x),)),
    "LN": (np.log, lambda x: (1 / x,)),
    "SQRT": (np.sqrt, lambda x: (0.5 / np.sqrt(x),)),
    "TANH": (np.tanh, lambda x: (1 - np.tanh(x) ** 2,)),
    "ABS": (np.abs, lambda x: (np.ones_like(x),)),
    "SIGN": (np.sign, lambda x: (np.zeros_like(x),)),
    "SIN": (np.sin, lambda x: (np.cos(x),)),
    "COS": (np.cos, lambda x: (np.sin(x),)),
    "ATAN": (np.arctan, lambda x: (1 / (1 + x * x),)),
    "NORMSDIST": (_ndtr, lambda x: (_density(x),)),
    "MAX": (np.maximum, lambda x, y: (x >= y, y > x)),
    "MIN": (np.minimum, lambda x, y: (x <= y, y < x)),
    "POWER": (np.power, lambda x, y: (y * np.power(x, y - 1), np.zeros_like(y))),
    "INT": (np.floor, lambda x: (np.zeros_like(x),)),
}

COMPARISONS: dict[Comparison, Callable[[Floats, Floats], npt.NDArray[np.bool_]]] = {
    "<": np.less, "<=": np.less_equal, "=": np.equal, ">": np.greater, ">=": np.greater_equal, "<>": np.not_equal}

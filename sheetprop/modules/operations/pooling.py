"""Pooling: the largest or the mean of each window."""

from __future__ import annotations

from typing import Any

import numpy as np

from sheetprop.modules.derivation import Call, Derivation
from sheetprop.modules.formula import ZERO, Cell, Formula, Largest, Number, Over, Places, Total
from sheetprop.modules.operations.base import Operation, result, transposed
from sheetprop.modules.operations.convolutions import many, windows
from sheetprop.modules.operations.reductions import divided, filled, first_of_equals
from sheetprop.modules.tensors import Tensor


def _dims(call: Call) -> int:
    return 1 if "1d" in call.target else 3 if "3d" in call.target else 2


def _adaptive(x: Places, size: list[int]) -> Places:
    """Return the windows of adaptive pooling; as many as `size` says, which may differ in size."""
    dims = len(size)
    space = x.shape[-dims:]
    size = [space[k] if size[k] is None else size[k] for k in range(dims)]
    ends = [[(i * space[k] // size[k], -(-(i + 1) * space[k] // size[k])) for i in range(size[k])]
            for k in range(dims)]
    parts = []
    most = int(np.prod([max(b - a for a, b in axis) for axis in ends]))
    for at in np.ndindex(*size):
        window: Any = (..., *(slice(*ends[k][at[k]]) for k in range(dims)))
        cut = x[window].reshape(*x.shape[:-dims], -1)
        wide = np.full((*cut.shape[:-1], most), ZERO, dtype=np.int64)
        wide[..., :cut.shape[-1]] = cut
        parts.append(wide)
    return np.stack(parts, axis=-2).reshape(*x.shape[:-dims], *size, most)


class MaxPool(Operation):
    """The largest of each window."""

    names = ("max_pool1d", "max_pool2d", "max_pool2d_with_indices", "adaptive_max_pool1d", "adaptive_max_pool2d",
             "max_pool1d_with_indices", "max_pool3d")
    sentence = "The largest number of each window; the others are dropped."
    equation = "y[i,j] = max of the window of x"
    adjoint = "∂L/∂y flows to the first of the largest of its window, 0 to the others"

    def forward(self, d: Derivation, call: Call) -> Any:
        """Take the largest."""
        dims = _dims(call)
        maps = filled(d, call["self"].places)
        if "adaptive" in call.target:
            read = _adaptive(maps, many(call["output_size"], dims))
        else:
            kernel = many(call["kernel_size"], dims)
            stride = many(call["stride"], dims) if call["stride"] else kernel
            read = windows(maps, kernel, stride, many(call["padding"], dims), many(call["dilation"], dims),
                           ceil=bool(call["ceil_mode"]))
        call.saved["read"] = read.reshape(-1, read.shape[-1])
        values = result(d, call, read.shape[:-1], Largest(call.saved["read"]))
        return (values, Tensor(np.full(read.shape[:-1], ZERO), "int")) if "indices" in call.target or (
            "adaptive" in call.target) else values

    def backward(self, d: Derivation, call: Call) -> None:
        """Let the gradient flow to the first of the largest."""
        values = call.out[0] if isinstance(call.out, tuple) else call.out
        first_of_equals(d, call.saved["read"], values.flat, d.gradient(values).reshape(-1))


class AvgPool(Operation):
    """The mean of each window."""

    names = ("avg_pool1d", "avg_pool2d", "adaptive_avg_pool1d", "adaptive_avg_pool2d", "_adaptive_avg_pool2d",
             "avg_pool3d")
    sentence = "The mean of each window."
    equation = "y[i,j] = mean of the window of x"
    adjoint = "∂L/∂x = the sum over the windows it is in of ∂L/∂y / size of the window"

    def forward(self, d: Derivation, call: Call) -> Any:
        """Take the mean."""
        x, dims = call["self"], _dims(call)
        if "adaptive" in call.target:
            read = _adaptive(x.places, many(call["output_size"], dims))
            counts = (read != ZERO).sum(axis=-1)
        else:
            kernel = many(call["kernel_size"], dims)
            stride = many(call["stride"], dims) if call["stride"] else kernel
            padding = many(call["padding"], dims)
            ones = [1] * dims
            read = windows(x.places, kernel, stride, padding, ones, ceil=bool(call["ceil_mode"]))
            if call.arguments.get("divisor_override"):
                counts = np.full(read.shape[:-1], call["divisor_override"])
            elif call["count_include_pad"]:
                # Padding counts, but not what a last window of ceil_mode reaches beyond it.
                inside = np.pad(np.zeros_like(x.places), [(0, 0)] * (x.places.ndim - dims) + [(n, n) for n in padding])
                counts = (windows(inside, kernel, stride, [0] * dims, ones, ceil=bool(call["ceil_mode"])) == 0).sum(-1)
            else:
                counts = (read != ZERO).sum(axis=-1)
        flat = read.reshape(-1, read.shape[-1])
        sizes = counts.reshape(-1)
        call.saved["read"] = (flat, sizes)
        pieces: list[tuple[Places | None, Formula]] = []
        for size in np.unique(sizes):
            at = np.flatnonzero(sizes == size)
            pieces.append((at if len(at) < len(sizes) else None, divided(Total(flat[at]), float(size))))
        return result(d, call, read.shape[:-1], pieces)

    def backward(self, d: Derivation, call: Call) -> None:
        """Let a share of the gradient flow to each."""
        flat, sizes = call.saved["read"]
        g = d.gradient(call.out).reshape(-1)
        for size in np.unique(sizes):
            at = np.flatnonzero(sizes == size)
            places, ours, _ = transposed(flat[at], None, g[at])
            if not len(places):
                continue
            total: Formula = Cell(ours[:, 0]) if ours.shape[1] == 1 else Total(ours)
            d.flow(places, total if size == 1 else Over((total, Number(float(size), total.count))))


OPERATIONS: tuple[Operation, ...] = (MaxPool(), AvgPool())

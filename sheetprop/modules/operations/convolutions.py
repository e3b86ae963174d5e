"""Convolutions and their transposes, of one and two dimensions."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from sheetprop.errors import SheetpropError
from sheetprop.modules.derivation import Call, Derivation
from sheetprop.modules.formula import ZERO, Cell, Dot, Places
from sheetprop.modules.operations.base import Operation, transposed
from sheetprop.modules.operations.products import Product, contracted
from sheetprop.modules.tensors import Tensor


def many(value: Any, dims: int) -> list[int]:
    """Return one whole number for each dimension."""
    held = [value] if isinstance(value, int) else list(value)
    return held * dims if len(held) == 1 else held


def windows(x: Places, kernel: list[int], stride: list[int], padding: list[int], dilation: list[int],
            after: list[int] | None = None, ceil: bool = False) -> Places:
    """Return the windows of maps: ``[..., *out, prod(kernel)]``; `ZERO` where a window reaches over the edge.

    Args:
        x: maps, the last ``len(kernel)`` dimensions are of space.
        kernel: size of a window.
        stride: from one window to the next.
        padding: before each dimension, and after it unless `after` says otherwise.
        dilation: from one element of a window to the next.
        after: padding behind each dimension.
        ceil: whether a last window that does not fit is kept, as PyTorch's pooling does with ceil_mode.
    """
    dims = len(kernel)
    space = x.shape[-dims:]
    behind = padding if after is None else after
    outs = []
    for k in range(dims):
        room = space[k] + padding[k] + behind[k] - dilation[k] * (kernel[k] - 1) - 1
        out = (-(-room // stride[k]) if ceil else room // stride[k]) + 1
        if ceil and (out - 1) * stride[k] >= space[k] + padding[k]:
            out -= 1
        outs.append(out)
    if min(outs) < 1:
        raise SheetpropError(f"a window of {kernel} does not fit into maps of {list(space)}")
    reach = [(outs[k] - 1) * stride[k] + dilation[k] * (kernel[k] - 1) + 1 for k in range(dims)]
    padded = np.full((*x.shape[:-dims], *(max(reach[k], space[k] + padding[k]) for k in range(dims))), ZERO,
                     dtype=np.int64)
    inside: Any = (..., *(slice(padding[k], padding[k] + space[k]) for k in range(dims)))
    padded[inside] = x
    parts = []
    for offset in itertools.product(*(range(n) for n in kernel)):
        begin = [offset[k] * dilation[k] for k in range(dims)]
        cut: Any = (..., *(slice(begin[k], begin[k] + (outs[k] - 1) * stride[k] + 1, stride[k]) for k in range(dims)))
        parts.append(padded[cut])
    return np.stack(parts, axis=-1)


class Convolution(Product):
    """Each output is the window under it times a kernel, summed."""

    names = ("conv1d", "conv2d", "conv3d", "convolution", "conv_transpose1d", "conv_transpose2d", "_convolution")
    sentence = "Each output is the window under it times the kernel, summed over the channels, plus the bias."
    equation = "y[o,i,j] = Σ over c,u,v of x[c, i+u, j+v]·w[o,c,u,v] + b[o]"
    adjoint = ("∂L/∂x = the gradient maps under the kernel turned by 180°;  ∂L/∂w[o,c,u,v] = the gradient map of "
               "o laid over the input map of c, moved by u,v;  ∂L/∂b = the sum of the gradient map")

    def forward(self, d: Derivation, call: Call) -> Any:
        """Make the sums."""
        x, weight, bias = call["input"], call["weight"], call["bias"]
        dims = weight.places.ndim - 2
        single = x.places.ndim == dims + 1
        maps = x.places[None] if single else x.places
        stride, dilation = many(call["stride"], dims), many(call["dilation"], dims)
        groups = call["groups"]
        if call.arguments.get("transposed") or "transpose" in call.target:
            out = self._transposed(d, call, maps, weight, bias, stride, dilation)
            return Tensor(out.places[0]) if single else out
        kernel = list(weight.shape[2:])
        before, after = _padding(call["padding"], kernel, dilation, dims)
        d.room(int(np.prod(maps.shape[2:])) * len(maps) * weight.shape[0] // int(np.prod(stride)),
               int(np.prod(weight.shape[1:])))
        read = windows(maps, kernel, stride, before, dilation, after)
        images, channels, *space, taps = read.shape
        each, outs = channels // groups, weight.shape[0]
        # [images, groups, *space, channels of a group x taps]
        grouped = np.moveaxis(read.reshape(images, groups, each, *space, taps), 2, -2)
        grouped = grouped.reshape(images, groups, *space, each * taps)
        spread = np.repeat(grouped, outs // groups, axis=1)
        kernels = weight.places.reshape(outs, each * taps)
        right = np.broadcast_to(kernels.reshape(1, outs, *(1 for _ in space), each * taps), spread.shape)
        added = None
        if bias is not None:
            added = np.broadcast_to(bias.places.reshape(1, outs, *(1 for _ in space)), spread.shape[:-1]).reshape(-1)
        call.saved["turn"] = weight if set(stride) == {1} and taps > 1 else None
        out = contracted(d, call, spread.reshape(-1, each * taps), right.reshape(-1, each * taps),
                         (images, outs, *space), added)
        return Tensor(out.places[0]) if single else out

    def _transposed(self, d: Derivation, call: Call, maps: Places, weight: Tensor, bias: Tensor | None,
                    stride: list[int], dilation: list[int]) -> Tensor:
        """Let each input spread over the outputs under its kernel: a convolution read backwards."""
        dims = len(stride)
        groups, kernel = call["groups"], list(weight.shape[2:])
        padding, extra = many(call["padding"], dims), many(call["output_padding"], dims)
        images, channels, *space = maps.shape
        outs = weight.shape[1] * groups
        size = [(space[k] - 1) * stride[k] - 2 * padding[k] + dilation[k] * (kernel[k] - 1) + extra[k] + 1
                for k in range(dims)]
        # Number the outputs; which of them does each input reach, by which tap?
        grid = np.arange(int(np.prod(size)), dtype=np.int64).reshape(1, *size)
        after = [extra[k] * 0 + padding[k] for k in range(dims)]
        reach = windows(grid, kernel, stride, padding, dilation, after)[0]
        reach = reach[tuple(slice(0, n) for n in space)]
        taps = reach.shape[-1]
        numbers = np.arange(int(np.prod(space)) * taps, dtype=np.int64).reshape(-1, taps)
        goals, _, pairs = transposed(reach.reshape(-1, taps), numbers, np.zeros(len(numbers), dtype=np.int64))
        terms = np.full((int(np.prod(size)), pairs.shape[1]), ZERO, dtype=np.int64)
        terms[goals] = pairs
        source, tap = np.where(terms >= 0, terms // taps, 0), np.where(terms >= 0, terms % taps, 0)
        each, per = channels // groups, outs // groups
        flat = maps.reshape(images, groups, each, -1)
        held = weight.places.reshape(groups, each, per, taps)
        hole = (terms < 0)[None, None, None, None]
        left = np.where(hole, ZERO, flat[:, :, None][..., source])
        right = np.where(hole, ZERO, np.moveaxis(held[..., tap], 1, 2)[None])
        left, right = np.broadcast_arrays(left, right)
        # [images, groups, per, each, outputs, terms] -> [count, each x terms]
        left, right = (np.moveaxis(one, 3, -2).reshape(images * outs * int(np.prod(size)), -1)
                       for one in (left, right))
        added = None if bias is None else np.tile(np.repeat(bias.flat, int(np.prod(size))), images)
        call.saved["turn"] = None
        return contracted(d, call, left, right, (images, outs, *size), added)

    def backward(self, d: Derivation, call: Call) -> None:
        """Let gradients flow; into the input through kernels that are turned, so that windows meet windows."""
        left, right, bias = call.saved["factors"]
        g = d.gradient(call.out).reshape(-1)
        places, ours, theirs = transposed(left, right, g)
        weight = call.saved["turn"]
        if len(places) and d.wants(places):
            if weight is not None and weight.places.min() >= 0:
                dims = tuple(range(2, weight.places.ndim))
                turned = np.flip(weight.places, dims)
                block = d.computed(f"{d.layer.name}.turned" if d.layer else "turned", weight.shape,
                                   Cell(turned.reshape(-1)), "working",
                                   note="the kernels turned by 180°, for the way back")
                lookup = np.full(int(weight.places.max()) + 1, ZERO, dtype=np.int64)
                lookup[turned.reshape(-1)] = block.flat
                theirs = np.where(theirs >= 0, lookup[np.maximum(theirs, 0)], theirs)
            d.flow(places, Dot(ours, theirs))
        places, ours, theirs = transposed(right, left, g)
        if len(places):
            d.flow(places, Dot(ours, theirs))
        if bias is not None:
            d.flow(bias, Cell(g))


def _padding(value: Any, kernel: list[int], dilation: list[int], dims: int) -> tuple[list[int], list[int]]:
    """Return the padding before and behind each dimension."""
    if value == "valid":
        return [0] * dims, [0] * dims
    if value == "same":
        whole = [dilation[k] * (kernel[k] - 1) for k in range(dims)]
        return [n // 2 for n in whole], [n - n // 2 for n in whole]
    held = many(value, dims)
    return held, held


OPERATIONS: tuple[Operation, ...] = (Convolution(),)

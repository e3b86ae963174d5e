"""Sums, means, extremes over dimensions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sheetprop.errors import SheetpropError
from sheetprop.modules.derivation import Call, Derivation
from sheetprop.modules.formula import ZERO, Cell, Dot, Formula, If, Largest, Number, Over, Places, Plus, Times, Total
from sheetprop.modules.operations.base import Operation, result
from sheetprop.modules.tensors import Tensor


def rows(x: Places, dims: Any, keep: bool) -> tuple[Places, tuple[int, ...]]:
    """Return the places that each element of a reduction reads, ``[count, terms]``, and the shape of the result."""
    if dims is None or dims == []:
        dims = list(range(x.ndim))
    dims = [dims] if isinstance(dims, int) else list(dims)
    dims = sorted({dim % x.ndim for dim in dims}) if x.ndim else []
    rest = [dim for dim in range(x.ndim) if dim not in dims]
    count = math.prod(x.shape[dim] for dim in rest)
    read = x.transpose(rest + dims).reshape(count, -1)
    shape = tuple(1 if dim in dims else x.shape[dim] for dim in range(x.ndim)) if keep else tuple(
        x.shape[dim] for dim in rest)
    return read, shape


def divided(formula: Formula, by: float) -> Formula:
    """Return a formula divided by a number; itself for 1."""
    return formula if by == 1 else Over((formula, Number(float(by), formula.count)))


class Sum(Operation):
    """Sum or mean."""

    names = ("sum", "mean")
    sentence = "Numbers are added up (and divided by how many there are, for a mean)."
    equation = "y = Σ x   (/ n)"
    adjoint = "∂L/∂x = ∂L/∂y   (/ n)"

    def forward(self, d: Derivation, call: Call) -> Any:
        """Add up."""
        x = call["self"]
        read, shape = rows(x.places, call.arguments.get("dim"), bool(call.arguments.get("keepdim")))
        call.saved["read"] = read
        by = read.shape[1] if ".mean." in call.target else 1
        return result(d, call, shape, divided(Total(read), by))

    def backward(self, d: Derivation, call: Call) -> None:
        """Let the gradient flow to every term."""
        read = call.saved["read"]
        g = np.repeat(d.gradient(call.out).reshape(-1), read.shape[1])
        live = np.flatnonzero(g != ZERO)
        d.flow(read.reshape(-1)[live], divided(Cell(g[live]), read.shape[1] if ".mean." in call.target else 1))


class VecDot(Operation):
    """The sum of products along a dimension."""

    names = ("linalg_vecdot", "vdot", "dot")
    sentence = "Numbers are multiplied in pairs and added up."
    equation = "y = Σ a·b"
    adjoint = "∂L/∂a = ∂L/∂y·b;  ∂L/∂b = ∂L/∂y·a"

    def forward(self, d: Derivation, call: Call) -> Any:
        """Multiply and add up."""
        a, b = list(call.arguments.values())[:2]
        left, right = np.broadcast_arrays(a.places, b.places)
        dim = call.arguments.get("dim", -1)
        read, shape = rows(left, dim, False)
        other, _ = rows(right, dim, False)
        call.saved["read"] = (read, other)
        return result(d, call, shape, Dot(read, other))

    def backward(self, d: Derivation, call: Call) -> None:
        """Let the gradient times the other flow."""
        read, other = call.saved["read"]
        g = np.repeat(d.gradient(call.out).reshape(-1), read.shape[1])
        left, right = read.reshape(-1), other.reshape(-1)
        if np.array_equal(left, right):
            d.flow(left, Times((Number(2.0, len(g)), Dot(g[:, None], left[:, None]))))
            return
        d.flow(left, Dot(g[:, None], right[:, None]))
        d.flow(right, Dot(g[:, None], left[:, None]))


class Extremum(Operation):
    """The largest or smallest along dimensions; where several are equal the gradient is shared."""

    names = ("amax", "amin")
    sentence = "The largest (or smallest) of several numbers."
    equation = "y = max x"
    adjoint = "∂L/∂y flows to the largest, shared where several are equal"

    def forward(self, d: Derivation, call: Call) -> Any:
        """Take the largest."""
        x = call["self"]
        read, shape = rows(x.places, call["dim"], bool(call["keepdim"]))
        read = call.saved["read"] = filled(d, read)
        return result(d, call, shape, Largest(read, "amin" in call.target))

    def backward(self, d: Derivation, call: Call) -> None:
        """Let the gradient flow to the largest ones."""
        read = call.saved["read"]
        count, terms = read.shape
        y, g = call.out.flat, d.gradient(call.out).reshape(-1)
        shares: list[Formula] = []
        for k in range(terms):
            one: Formula = If("=", (Cell(read[:, k]), Cell(y), Number(1.0, count), Number(0.0, count)))
            shares.append(one)
        holders = d.computed("ties", (count,), Plus(tuple(shares)), "working", note="how many are the largest")
        for k in range(terms):
            share = Over((Cell(g), Cell(holders.flat)))
            d.flow(read[:, k], If("=", (Cell(read[:, k]), Cell(y), share, Number(0.0, count))))


def filled(d: Derivation, read: Places) -> Places:
    """Return the places with the constant 0 as a number that counts."""
    return np.where(read == ZERO, d.nought, read) if (read == ZERO).any() else read


class MaxAlong(Operation):
    """The first of the largest (or smallest) along one dimension, and which it is."""

    names = ("max", "min", "argmax", "argmin")
    sentence = "The largest (or smallest) along a dimension, and which one it is."
    equation = "y = max x"
    adjoint = "∂L/∂y flows to the first of the largest"

    def forward(self, d: Derivation, call: Call) -> Any:
        """Take the largest, and find its place."""
        least = "min" in call.target
        if call.target.endswith(".other"):
            return d.apply("aten.minimum.default" if least else "aten.maximum.default", call["self"], call["other"])
        x = call["self"]
        dim = call.arguments.get("dim")
        if dim is None and "arg" not in call.target:
            return d.apply("aten.amin.default" if least else "aten.amax.default", x, [], False)
        read, shape = rows(x.places, dim, bool(call.arguments.get("keepdim")))
        read = filled(d, read)
        call.saved["read"] = read
        if "arg" in call.target:
            top = d.computed("largest", (len(read),), Largest(read, least), "working", note="the largest").flat
        else:
            values = result(d, call, shape, Largest(read, least))
            top = values.flat
        which = result(d, call, shape, _position(read, top), kind="int", what="index")
        return which if "arg" in call.target else (values, which)

    def backward(self, d: Derivation, call: Call) -> None:
        """Let the gradient flow to the first of the largest."""
        if "arg" in call.target:
            return
        values, _ = call.out
        first_of_equals(d, call.saved["read"], values.flat, d.gradient(values).reshape(-1), "min" in call.target)


def _position(read: Places, top: Places) -> Formula:
    """Return how many stand before the first one that equals the largest."""
    count, terms = read.shape
    formula: Formula = Number(float(terms - 1), count)
    for k in reversed(range(terms - 1)):
        formula = If("=", (Cell(read[:, k]), Cell(top), Number(float(k), count), formula))
    return formula


def first_of_equals(d: Derivation, read: Places, top: Places, g: Places, least: bool = False) -> None:
    """Let gradients flow to the first of the numbers that equal the largest.

    Args:
        d: the derivation.
        read: what each maximum read, ``[count, terms]``; `ZERO` for none.
        top: the maxima.
        g: the gradients along them.
        least: whether they are minima.
    """
    for k in range(read.shape[1]):
        live = np.flatnonzero((read[:, k] >= 0) & (g != ZERO))
        if not len(live):
            continue
        me, largest, flow = Cell(read[live, k]), Cell(top[live]), Cell(g[live])
        none = Number(0.0, len(live))
        before = read[live, :k]
        empty = ~(before != ZERO).any(axis=1)
        for at in (np.flatnonzero(empty), np.flatnonzero(~empty)):
            if not len(at):
                continue
            here, most, part, zero = me.take(at), largest.take(at), flow.take(at), none.take(at)
            inner: Formula = part
            if not empty[at[0]]:
                held = Largest(before[at], least)
                inner = If("<" if not least else ">", (held, most, part, zero))
            d.flow(read[live, k][at], If("=", (here, most, inner, zero)))


class Variance(Operation):
    """Variance or standard deviation, from the mean and the differences from it."""

    names = ("var", "std", "var_mean")
    sentence = "The mean square of the differences from the mean."
    equation = "y = Σ (x - mean)² / (n - correction)"

    def forward(self, d: Derivation, call: Call) -> Any:
        """Apply mean, difference, products, division."""
        x = call["self"]
        dims = call.arguments.get("dim")
        correction = call.arguments.get("correction")
        if "unbiased" in call.arguments:
            correction = 1 if call["unbiased"] else 0
        correction = 1 if correction is None else correction
        keep = bool(call.arguments.get("keepdim"))
        read, shape = rows(x.places, dims, keep)
        kept = rows(x.places, dims, True)[1]
        mean, variance = variance_of(d, Tensor(read), float(correction))
        found = variance if call.target.split(".")[1] != "std" else d.apply("aten.sqrt.default", variance)
        out = Tensor(found.places.reshape(shape))
        del kept
        return (out, Tensor(mean.places.reshape(shape))) if "var_mean" in call.target else out


def variance_of(d: Derivation, x: Tensor, correction: float = 0.0) -> tuple[Tensor, Tensor]:
    """Return mean and variance of each row of ``[count, terms]``, both ``[count, 1]``."""
    mean = d.apply("aten.mean.dim", x, [1], True)
    centred = d.apply("aten.sub.Tensor", x, mean)
    total = d.apply("aten.linalg_vecdot.default", centred, centred)
    variance = d.apply("aten.div.Tensor", d.apply("aten.unsqueeze.default", total, 1),
                       float(x.shape[1]) - correction)
    return mean, variance


class Norm(Operation):
    """Euclidean and absolute norms."""

    names = ("linalg_vector_norm", "norm")
    sentence = "The length of a vector."
    equation = "y = √(Σ x²)"

    def forward(self, d: Derivation, call: Call) -> Any:
        """Apply products, sum, root."""
        x = call["self"]
        order = float(call.arguments.get("ord", call.arguments.get("p", 2)) or 2)
        read, shape = rows(x.places, call.arguments.get("dim"), bool(call.arguments.get("keepdim")))
        held = Tensor(read)
        if order == 1:
            found = d.apply("aten.sum.dim_IntList", d.apply("aten.abs.default", held), [1])
        elif order == 2:
            found = d.apply("aten.sqrt.default", d.apply("aten.linalg_vecdot.default", held, held))
        else:
            raise SheetpropError(f"{call.target}: the norm of order {order:g} has no rule; use order 1 or 2")
        return Tensor(found.places.reshape(shape))


class LogSumExp(Operation):
    """The logarithm of a sum of exponentials."""

    names = ("logsumexp",)
    sentence = "The logarithm of the sum of exponentials."
    equation = "y = ln Σ e^x"

    def forward(self, d: Derivation, call: Call) -> Any:
        """Apply exp, sum, log."""
        total = d.apply("aten.sum.dim_IntList", d.apply("aten.exp.default", call["self"]), call["dim"],
                        call["keepdim"])
        return d.apply("aten.log.default", total)


class Cumsum(Operation):
    """Running sums."""

    names = ("cumsum",)
    sentence = "Running sums along a dimension."
    equation = "y[i] = y[i-1] + x[i]"
    adjoint = "∂L/∂x[i] = Σ over j ≥ i of ∂L/∂y[j]"

    def forward(self, d: Derivation, call: Call) -> Any:
        """Add up to each place."""
        x = call["self"]
        moved = np.moveaxis(x.places, call["dim"], -1)
        length = moved.shape[-1]
        reach = np.arange(length)[None, :] <= np.arange(length)[:, None]
        read = np.where(reach, moved[..., None, :], ZERO)
        whole = np.moveaxis(read, -2, call["dim"] % x.places.ndim).reshape(-1, length)
        call.saved["read"] = whole
        return result(d, call, x.shape, Total(whole))

    def backward(self, d: Derivation, call: Call) -> None:
        """Let each gradient flow to all before."""
        read = call.saved["read"]
        d.flow(read.reshape(-1), Cell(np.repeat(d.gradient(call.out).reshape(-1), read.shape[1])))


OPERATIONS: tuple[Operation, ...] = (Sum(), VecDot(), Extremum(), MaxAlong(), Variance(), Norm(), LogSumExp(),
                                     Cumsum())

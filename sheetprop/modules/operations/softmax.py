"""Softmax and its logarithm along a dimension."""

from __future__ import annotations

from typing import Any

import numpy as np

from sheetprop.modules.derivation import Call, Derivation
from sheetprop.modules.formula import ZERO, Apply, Cell, Dot, Formula, Largest, Minus, Over, Places, Times, Total
from sheetprop.modules.operations.base import Operation, result
from sheetprop.modules.tensors import Tensor


class Softmax(Operation):
    """Shares that add up to 1, or their logarithms."""

    names = ("softmax", "_softmax", "log_softmax", "_log_softmax", "softmin")
    sentence = ("Numbers become shares that add up to 1: each is exponentiated, less the largest so that nothing "
                "overflows, and divided by the sum.")
    equation = "y[i] = e^(x[i] - max x) / Σ over j of e^(x[j] - max x)   (log-softmax: its logarithm)"
    adjoint = ("softmax: ∂L/∂x[i] = y[i]·(∂L/∂y[i] - Σ over j of ∂L/∂y[j]·y[j]);  "
               "log-softmax: ∂L/∂x[i] = ∂L/∂y[i] - e^y[i]·Σ over j of ∂L/∂y[j]")

    def forward(self, d: Derivation, call: Call) -> Any:
        """Make the exponentials and the shares; what is -∞ for good stays out and gets 0."""
        x, dim = call["self"], call["dim"]
        if "softmin" in call.target:
            return d.apply("aten.softmax.int", d.apply("aten.neg.default", x), dim)
        moved = np.moveaxis(x.places, dim, -1) if x.places.ndim else x.places.reshape(1)
        rows = moved.reshape(-1, moved.shape[-1])
        constants = np.array(d.constants)
        shut = (rows < 0) & np.isneginf(constants[-1 - np.minimum(rows, -1)])
        read = np.where(shut, ZERO, np.where(rows == ZERO, d.nought, rows))
        inside = ~shut.reshape(-1)
        back = np.argsort(np.moveaxis(np.arange(x.places.size).reshape(x.shape), dim, -1).reshape(-1))
        wide = np.repeat(read, rows.shape[1], axis=0)
        # In the order of the tensor's elements, without what is shut out.
        order = back[inside[back]]
        top = Largest(wide[order])
        mine = read.reshape(-1)[order]
        name = d.layer.name if d.layer else "softmax"
        power: Formula = Apply("EXP", (Minus((Cell(mine), top)),))
        exponentials = d.computed(f"{name}.exp", *self._shape(x, order, power), "working", note="e^(x - max)")
        self._drawn(d, x, order, back)
        held = self._placed(x, dim, rows, order, exponentials)
        sums = Total(np.repeat(np.moveaxis(held, dim, -1).reshape(-1, rows.shape[1]), rows.shape[1], axis=0)[order])
        own = np.moveaxis(held, dim, -1).reshape(-1)[order]
        if "log" in call.target:
            formula: Formula = Minus((Minus((Cell(mine), top)), Apply("LN", (sums,))))
        else:
            formula = Over((Cell(own), sums))
        shape, formula = self._shape(x, order, formula)
        made = result(d, call, shape, formula)
        self._drawn(d, x, order, back)
        places = self._placed(x, dim, rows, order, made)
        call.saved.update(order=order, read=mine)
        return Tensor(places)

    @staticmethod
    def _shape(x: Tensor, order: Places, formula: Formula) -> tuple[tuple[int, ...], Any]:
        """Return the shape of a block: the tensor's; that of a list where something is shut out."""
        if len(order) == x.places.size:
            return x.shape, formula
        return (len(order),), formula

    @staticmethod
    def _drawn(d: Derivation, x: Tensor, order: Places, back: Places) -> None:
        """Let a list be drawn at its places in the tensor's shape."""
        if len(order) < x.places.size:
            block = d.blocks[-1]
            inverse = np.empty(len(back), dtype=np.int64)
            inverse[back] = np.arange(len(back))
            block.display, block.at = x.shape, inverse[order]

    @staticmethod
    def _placed(x: Tensor, dim: int, rows: Places, order: Places, made: Tensor) -> Places:
        """Return the places of a block in the tensor's shape, the constant 0 where something is shut out."""
        if len(order) == x.places.size:
            return made.places
        flat = np.full(rows.size, ZERO, dtype=np.int64)
        flat[order] = made.flat
        moved = np.moveaxis(np.arange(x.places.size).reshape(x.shape), dim, -1)
        found = np.empty(x.places.size, dtype=np.int64)
        found[moved.reshape(-1)] = flat
        return found.reshape(x.shape)

    def backward(self, d: Derivation, call: Call) -> None:
        """Let the gradient flow: each share pulls at all others of its row."""
        dim, order = call["dim"], call.saved["order"]
        y = call.out
        g = d.gradient(y)
        rows = np.moveaxis(g, dim, -1).reshape(-1, g.shape[dim])
        shares = np.moveaxis(y.places, dim, -1).reshape(rows.shape)
        name = f"{d.layer.name}.pull" if d.layer else "pull"
        if "log" in call.target:
            formula: Formula = Total(rows)
        else:
            dead = rows == ZERO
            formula = Dot(rows, np.where(dead, ZERO, shares))
        sums = d.computed(name, (len(rows),), formula, "working", note="Σ over the row of ∂L/∂y" + (
            "" if "log" in call.target else "·y"))
        each = np.repeat(sums.flat, rows.shape[1])[order]
        mine, own = rows.reshape(-1)[order], shares.reshape(-1)[order]
        if "log" in call.target:
            flow: Formula = Minus((Cell(mine), Times((Apply("EXP", (Cell(own),)), Cell(each)))))
        else:
            flow = Times((Cell(own), Minus((Cell(mine), Cell(each)))))
        d.flow(call.saved["read"], flow)


OPERATIONS: tuple[Operation, ...] = (Softmax(),)

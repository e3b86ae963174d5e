"""Losses: one number that says how wrong the outputs are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from sheetprop.errors import SheetpropError
from sheetprop.modules.derivation import Call, Derivation
from sheetprop.modules.formula import Apply, Formula, If, Minus, Over, Plus, Times, negative
from sheetprop.modules.operations.activations import number, sigmoid
from sheetprop.modules.operations.base import Operation, Pointwise
from sheetprop.modules.operations.reductions import Sum
from sheetprop.modules.tensors import Tensor

NONE, MEAN, TOTAL = 0, 1, 2
"""PyTorch's numbers for the reduction of a loss."""


def reduced(d: Derivation, losses: Tensor, reduction: int) -> Any:
    """Return the mean or the sum of the losses of the elements."""
    if reduction == NONE:
        return losses
    with d.naming(d.what or "loss"):
        return d.apply("aten.mean.default" if reduction == MEAN else "aten.sum.default", losses)


class Mse(Operation):
    """Mean squared error."""

    names = ("mse_loss",)
    sentence = "The mean of the squared differences between outputs and targets."
    equation = "L = Σ (y - t)² / n"

    def forward(self, d: Derivation, call: Call) -> Any:
        """Apply difference, products, sum, division."""
        with d.naming("difference"):
            difference = d.apply("aten.sub.Tensor", call["self"], call["target"])
        if call["reduction"] == NONE:
            return d.apply("aten.pow.Tensor_Scalar", difference, 2)
        flat = Tensor(difference.flat)
        with d.naming("loss" if call["reduction"] == TOTAL else "squares"):
            total = d.apply("aten.linalg_vecdot.default", flat, flat)
        if call["reduction"] == TOTAL:
            return total
        with d.naming("loss"):
            return d.apply("aten.div.Tensor", total, float(len(flat.places)))


class ElementLoss(Pointwise):
    """A loss of each element, averaged or added up."""

    operands = ("self", "target")
    also: tuple[str, ...] = ()

    def forward(self, d: Derivation, call: Call) -> Any:
        """Make the losses of the elements, then reduce."""
        if call.arguments.get("weight") is not None or call.arguments.get("pos_weight") is not None:
            raise SheetpropError(f"{call.target}: weights of a loss have no rule; multiply the losses yourself")
        if call["reduction"] == NONE:
            return super().forward(d, call)
        others = {name: call[name] for name in self.also}
        with d.naming("each"):
            each = d.apply(call.target, call["self"], call["target"], reduction=NONE, **others)
        return reduced(d, each, call["reduction"])


class L1(ElementLoss):
    """Mean absolute error."""

    names = ("l1_loss",)
    sentence = "The mean of the absolute differences between outputs and targets."
    equation = "L = Σ |y - t| / n"
    adjoint = "∂L/∂y = ∂L·sign(y - t)"

    def formula(self, call: Call, *x: Formula) -> Formula:
        """Return |y - t|."""
        return Apply("ABS", (Minus((x[0], x[1])),))

    def slopes(self, call: Call, g: Formula, y: Formula, *x: Formula) -> Sequence[Formula]:
        """Return g·sign(y - t)."""
        slope = Times((g, Apply("SIGN", (Minus((x[0], x[1])),))))
        return [slope, negative(slope)]


class Huber(ElementLoss):
    """Squared near 0, straight further out."""

    names = ("huber_loss", "smooth_l1_loss")
    sentence = "Squared error for small differences, straight lines for large ones."
    equation = "L = mean of ½e² where |e| ≤ δ, else δ·(|e| - ½δ), with e = y - t   (smooth L1: divided by δ)"
    adjoint = "∂L/∂y = ∂L·e where |e| ≤ δ, else ∂L·δ·sign(e)"

    def forward(self, d: Derivation, call: Call) -> Any:
        """Say which number sets the edge."""
        self_also = ("delta",) if "delta" in call.arguments else ("beta",)
        if call["reduction"] == NONE:
            return Pointwise.forward(self, d, call)
        with d.naming("each"):
            each = d.apply(call.target, call["self"], call["target"], reduction=NONE,
                           **{name: call[name] for name in self_also})
        return reduced(d, each, call["reduction"])

    @staticmethod
    def _edge(call: Call) -> tuple[float, float]:
        if "delta" in call.arguments:
            return float(call["delta"]), 1.0
        return float(call["beta"]), float(call["beta"])

    def formula(self, call: Call, *x: Formula) -> Formula:
        """Return the two branches."""
        edge, by = self._edge(call)
        e = Minus((x[0], x[1]))
        size = Apply("ABS", (e,))
        near: Formula = Times((number(x[0], 0.5), e, e))
        far: Formula = Times((number(x[0], edge), Minus((size, number(x[0], edge / 2)))))
        whole = If("<", (size, number(x[0], edge), near, far))
        return whole if by == 1 else Over((whole, number(x[0], by)))

    def slopes(self, call: Call, g: Formula, y: Formula, *x: Formula) -> Sequence[Formula]:
        """Return the slope of each branch times g."""
        edge, by = self._edge(call)
        e = Minus((x[0], x[1]))
        held = If("<", (Apply("ABS", (e,)), number(g, edge), e, Times((number(g, edge), Apply("SIGN", (e,))))))
        slope: Formula = Times((g, held)) if by == 1 else Over((Times((g, held)), number(g, by)))
        return [slope, negative(slope)]


class BinaryCrossEntropy(ElementLoss):
    """The negative log-likelihood of a yes or no."""

    names = ("binary_cross_entropy",)
    sentence = "The negative logarithm of the probability given to what is true, for a yes or no."
    equation = "L = -Σ (t·ln y + (1 - t)·ln(1 - y)) / n"
    adjoint = "∂L/∂y = ∂L·(y - t) / (y·(1 - y))"

    def formula(self, call: Call, *x: Formula) -> Formula:
        """Return it; a logarithm below -100 counts as -100, as in PyTorch."""
        y, t, one = x[0], x[1], number(x[0], 1)
        least = number(y, -100)
        tiny = number(y, math.exp(-100))

        def log(of: Formula) -> Formula:
            return If(">", (of, tiny, Apply("LN", (of,)), least))

        return negative(Plus((Times((t, log(y))), Times((Minus((one, t)), log(Minus((one, y))))))))

    def slopes(self, call: Call, g: Formula, y: Formula, *x: Formula) -> Sequence[Formula | None]:
        """Return the slope times g."""
        one = number(g, 1)
        below = Apply("MAX", (Times((x[0], Minus((one, x[0])))), number(g, 1e-12)))
        return [Over((Times((g, Minus((x[0], x[1])))), below)), None]


class BinaryCrossEntropyWithLogits(ElementLoss):
    """The same from logits, without overflow."""

    names = ("binary_cross_entropy_with_logits",)
    sentence = "Sigmoid and binary cross-entropy in one, without overflow."
    equation = "L = Σ (max(0, x) - x·t + ln(1 + e^-|x|)) / n"
    adjoint = "∂L/∂x = ∂L·(σ(x) - t)"

    def formula(self, call: Call, *x: Formula) -> Formula:
        """Return it."""
        zero, one = number(x[0], 0), number(x[0], 1)
        tail = Apply("LN", (Plus((one, Apply("EXP", (Minus((zero, Apply("ABS", (x[0],)))),)))),))
        return Plus((Minus((Apply("MAX", (zero, x[0])), Times((x[0], x[1])))), tail))

    def slopes(self, call: Call, g: Formula, y: Formula, *x: Formula) -> Sequence[Formula | None]:
        """Return g·(σ - t)."""
        return [Times((g, Minus((sigmoid(x[0]), x[1])))), None]


class NegativeLogLikelihood(Operation):
    """The mean of minus the log-probability of the target."""

    names = ("nll_loss", "nll_loss_nd", "nll_loss2d")
    sentence = "Minus the log-probability that the network gives to the target, averaged."
    equation = "L = -Σ over n of y[n, target[n]] / N"

    def forward(self, d: Derivation, call: Call) -> Any:
        """Apply gather, mean, minus."""
        y, target = call["self"], call["target"]
        return likelihood(d, _rows(y), Tensor(target.flat, "int"), call.arguments.get("weight"), call["reduction"])


def _rows(y: Tensor) -> Tensor:
    """Return ``[samples, classes]`` of ``[N, C, ...]`` or ``[C]``."""
    if y.places.ndim == 1:
        return Tensor(y.places[None])
    return Tensor(np.moveaxis(y.places, 1, -1).reshape(-1, y.shape[1]))


def likelihood(d: Derivation, rows: Tensor, target: Tensor, weight: Tensor | None, reduction: int) -> Any:
    """Return minus the mean (or sum) of the log-probabilities of the targets."""
    index = Tensor(target.places[:, None], "int")
    with d.naming("picked"):
        picked = d.apply("aten.gather.default", rows, 1, index)
    if weight is not None:
        spread = Tensor(np.broadcast_to(weight.places, rows.shape))
        weights = d.apply("aten.gather.default", spread, 1, index)
        picked = d.apply("aten.mul.Tensor", picked, weights)
        if reduction == MEAN:
            total = d.apply("aten.div.Tensor", d.apply("aten.sum.default", picked),
                            d.apply("aten.sum.default", weights))
            return d.apply("aten.neg.default", total)
    if reduction == NONE:
        return d.apply("aten.neg.default", Tensor(picked.flat))
    with d.naming("mean"):
        mean = reduced(d, picked, reduction)
    with d.naming("loss"):
        return d.apply("aten.neg.default", mean)


class CrossEntropy(Operation):
    """Log-softmax and the negative log-likelihood in one."""

    names = ("cross_entropy_loss",)
    sentence = "Log-softmax of the logits, then minus the log-probability of the target, averaged."
    equation = "L = -Σ over n of ln softmax(y[n])[target[n]] / N"

    def forward(self, d: Derivation, call: Call) -> Any:
        """Apply the parts."""
        y, target, reduction = call["self"], call["target"], call["reduction"]
        weight, smoothing = call.arguments.get("weight"), float(call.arguments.get("label_smoothing") or 0)
        with d.naming("log_softmax"):
            rows = d.apply("aten.log_softmax.int", _rows(y), 1)
        if target.kind == "float":
            total = d.apply("aten.linalg_vecdot.default", rows, _rows(target))
            return d.apply("aten.neg.default", reduced(d, total, reduction))
        loss = likelihood(d, rows, Tensor(target.flat, "int"), weight, reduction)
        if not smoothing:
            return loss
        if weight is not None or reduction != MEAN:
            raise SheetpropError("cross_entropy: label smoothing with weights or without a mean has no rule")
        even = d.apply("aten.neg.default", d.apply("aten.mean.default", rows))
        return d.apply("aten.add.Tensor", d.apply("aten.mul.Tensor", loss, 1 - smoothing),
                       d.apply("aten.mul.Tensor", even, smoothing))


OPERATIONS: tuple[Operation, ...] = (Mse(), L1(), Huber(), BinaryCrossEntropy(), BinaryCrossEntropyWithLogits(),
                                     NegativeLogLikelihood(), CrossEntropy())

__all__ = ["OPERATIONS", "Sum"]

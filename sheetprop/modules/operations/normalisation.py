"""Normalisation: numbers are moved to mean 0 and scaled to variance 1."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from sheetprop.modules.derivation import Call, Derivation
from sheetprop.modules.formula import ZERO, Apply, Cell, Dot, Formula, Minus, Number, Over, Places, Plus, Times, Total
from sheetprop.modules.operations.base import Operation, leaf, result
from sheetprop.modules.operations.reductions import variance_of
from sheetprop.modules.tensors import Tensor


def normalised(d: Derivation, x: Tensor, eps: float) -> Tensor:
    """Return each row of ``[count, terms]`` with mean 0 and variance 1."""
    with d.naming("mean"):
        mean = d.apply("aten.mean.dim", x, [1], True)
    with d.naming("centred"):
        centred = d.apply("aten.sub.Tensor", x, mean)
    return d_scaled(d, centred, eps)


def d_scaled(d: Derivation, centred: Tensor, eps: float) -> Tensor:
    """Return each row of ``[count, terms]`` divided by the root of its mean square."""
    with d.naming("variance"):
        total = d.apply("aten.linalg_vecdot.default", centred, centred)
        square = d.apply("aten.div.Tensor", Tensor(total.places[:, None]), float(centred.shape[1]))
        square = d.apply("aten.add.Tensor", square, eps)
    with d.naming("scale"):
        scale = d.apply("aten.rsqrt.default", square)
    with d.naming("normal"):
        found: Tensor = d.apply("aten.mul.Tensor", centred, scale)
    return found


def shifted(d: Derivation, x: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    """Return ``x·weight + bias``, with what there is of them."""
    found = x
    if weight is not None and bias is not None:
        found = d.apply("aten.addcmul.default", bias, x, weight)
    elif weight is not None:
        found = d.apply("aten.mul.Tensor", x, weight)
    elif bias is not None:
        found = d.apply("aten.add.Tensor", x, bias)
    return found


def channelled(one: Tensor | None, dims: int) -> Tensor | None:
    """Let ``[channels]`` stand along the second dimension."""
    return None if one is None else Tensor(one.places.reshape(1, -1, *(1 for _ in range(dims - 2))))


class BatchNorm(Operation):
    """Each channel is normalised: by its running statistics in evaluation, by the batch's own in training."""

    names = ("batch_norm", "_native_batch_norm_legit_no_training")
    sentence = ("Each channel is moved by a mean and scaled by a deviation, then stretched by γ and shifted by β; in "
                "evaluation by the running statistics, in training by those of the batch.")
    equation = "y = γ·(x - mean) / √(variance + ε) + β"
    adjoint = "∂L/∂x = ∂L/∂y·γ / √(variance + ε);  ∂L/∂γ = Σ ∂L/∂y·(x - mean) / √(variance + ε);  ∂L/∂β = Σ ∂L/∂y"

    def forward(self, d: Derivation, call: Call) -> Any:
        """Normalise by constants in one formula, or by the batch in several."""
        x, weight, bias = call["input"], call["weight"], call["bias"]
        if call["training"] or call["running_mean"] is None:
            moved = np.moveaxis(x.places, 1, 0)
            rows = normalised(d, Tensor(moved.reshape(len(moved), -1)), float(call["eps"]))
            back = Tensor(np.moveaxis(rows.places.reshape(moved.shape), 0, 1))
            return shifted(d, back, channelled(weight, x.places.ndim), channelled(bias, x.places.ndim))
        mean, variance = call["running_mean"], call["running_var"]
        channels = len(variance.flat)
        name = d.layer.name if d.layer else "norm"
        root = Apply("SQRT", (Plus((Cell(variance.flat), Number(float(call["eps"]), channels))),))
        scale = d.computed(f"{name}.scale", (channels,), Over((Number(1.0, channels), root)), "working",
                           note="1 / √(variance + ε)")
        index = np.broadcast_to(np.arange(channels).reshape(1, -1, *(1 for _ in x.shape[2:])), x.shape).reshape(-1)
        formula: Formula = Times((Minus((leaf(d, x.flat), Cell(mean.flat[index]))), Cell(scale.flat[index])))
        if weight is not None:
            formula = Times((Cell(weight.flat[index]), *formula.parts))  # type: ignore[attr-defined]
        if bias is not None:
            formula = Plus((formula, Cell(bias.flat[index])))
        call.saved.update(index=index, scale=scale)
        return result(d, call, x.shape, formula)

    def backward(self, d: Derivation, call: Call) -> None:
        """Let the gradient flow into input, scale and shift."""
        x, weight, bias, mean = call["input"], call["weight"], call["bias"], call["running_mean"]
        index, scale = call.saved["index"], call.saved["scale"]
        g = d.gradient(call.out).reshape(-1)
        live = np.flatnonzero(g != ZERO)
        at = index[live]
        slope: Formula = Cell(scale.flat[at])
        parts = (Cell(g[live]), slope) if weight is None else (Cell(g[live]), Cell(weight.flat[at]), slope)
        d.flow(x.flat[live], Times(parts))
        if weight is None:
            return
        channels = len(scale.flat)
        ours, inputs = _grouped(g[live], at, channels), _grouped(x.flat[live], at, channels)
        total = Total(ours)
        products = Dot(ours, inputs)
        d.flow(weight.flat, Times((Minus((products, Times((Cell(mean.flat), total)))), Cell(scale.flat))))
        if bias is not None:
            d.flow(bias.flat, total)


def _grouped(places: Places, group: Places, groups: int) -> Places:
    """Return the places of each group as a row, ``[groups, terms]``."""
    order = np.argsort(group, kind="stable")
    counts = np.bincount(group, minlength=groups)
    found = np.full((groups, int(counts.max())), ZERO, dtype=np.int64)
    rank = np.arange(len(places)) - np.repeat(np.cumsum(counts) - counts, counts)
    found[group[order], rank] = places[order]
    return found


class LayerNorm(Operation):
    """Each sample is normalised over its last dimensions."""

    names = ("layer_norm",)
    sentence = "The numbers of each sample are moved to mean 0 and scaled to variance 1, then stretched and shifted."
    equation = "y = γ·(x - mean) / √(variance + ε) + β, over each sample"

    def forward(self, d: Derivation, call: Call) -> Any:
        """Normalise rows."""
        x = call["input"]
        terms = int(np.prod(call["normalized_shape"]))
        rows = normalised(d, Tensor(x.places.reshape(-1, terms)), float(call["eps"]))
        return shifted(d, Tensor(rows.places.reshape(x.shape)), call["weight"], call["bias"])


class RmsNorm(Operation):
    """Each sample is divided by its root mean square."""

    names = ("rms_norm",)
    sentence = "The numbers of each sample are divided by the root of their mean square, then stretched."
    equation = "y = γ·x / √(mean of x² + ε)"

    def forward(self, d: Derivation, call: Call) -> Any:
        """Scale rows."""
        x = call["input"]
        terms = int(np.prod(call["normalized_shape"]))
        eps = call["eps"]
        rows = d_scaled(d, Tensor(x.places.reshape(-1, terms)), sys.float_info.epsilon if eps is None else float(eps))
        return shifted(d, Tensor(rows.places.reshape(x.shape)), call["weight"], None)


class GroupNorm(Operation):
    """Channels are normalised in groups."""

    names = ("group_norm",)
    sentence = "The channels of each sample are normalised in groups, then stretched and shifted."
    equation = "y = γ·(x - mean) / √(variance + ε) + β, over each group of channels"

    def forward(self, d: Derivation, call: Call) -> Any:
        """Normalise groups."""
        x = call["input"]
        rows = normalised(d, Tensor(x.places.reshape(x.shape[0] * call["num_groups"], -1)), float(call["eps"]))
        return shifted(d, Tensor(rows.places.reshape(x.shape)), channelled(call["weight"], x.places.ndim),
                       channelled(call["bias"], x.places.ndim))


class InstanceNorm(Operation):
    """Each channel of each sample is normalised by itself."""

    names = ("instance_norm",)
    sentence = "Each channel of each sample is normalised by itself."
    equation = "y = γ·(x - mean) / √(variance + ε) + β, over each map"

    def forward(self, d: Derivation, call: Call) -> Any:
        """Normalise maps; by running statistics where they are used."""
        x = call["input"]
        if not call["use_input_stats"]:
            return d.apply("aten.batch_norm.default", x, call["weight"], call["bias"], call["running_mean"],
                           call["running_var"], False, 0.1, call["eps"], False)
        rows = normalised(d, Tensor(x.places.reshape(x.shape[0] * x.shape[1], -1)), float(call["eps"]))
        return shifted(d, Tensor(rows.places.reshape(x.shape)), channelled(call["weight"], x.places.ndim),
                       channelled(call["bias"], x.places.ndim))


OPERATIONS: tuple[Operation, ...] = (BatchNorm(), LayerNorm(), RmsNorm(), GroupNorm(), InstanceNorm())

__all__ = ["OPERATIONS", "variance_of"]

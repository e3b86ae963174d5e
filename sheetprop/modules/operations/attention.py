"""Scaled dot-product attention."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sheetprop.errors import SheetpropError
from sheetprop.modules.derivation import Call, Derivation
from sheetprop.modules.operations.base import Operation
from sheetprop.modules.tensors import Tensor


class Attention(Operation):
    """Each token looks at the others."""

    names = ("scaled_dot_product_attention",)
    sentence = ("Each token compares its query with the keys of the tokens that it may see; softmax turns the scores "
                "into shares, and the shares mix the values.")
    equation = "scores = q·kᵀ / √d;  weights = softmax(scores);  y = weights·v"

    def forward(self, d: Derivation, call: Call) -> Any:
        """Apply matmul, scale, mask, softmax, matmul."""
        q, k, v = call["query"], call["key"], call["value"]
        if call["dropout_p"]:
            raise SheetpropError("scaled_dot_product_attention: dropout of attention weights in training has no rule; "
                                 "use --eval or dropout=0")
        if call.arguments.get("enable_gqa") and k.shape[-3] != q.shape[-3]:
            times = q.shape[-3] // k.shape[-3]
            k, v = (Tensor(np.repeat(one.places, times, axis=-3)) for one in (k, v))
        scale = call["scale"] if call["scale"] is not None else 1 / math.sqrt(q.shape[-1])
        with d.naming("scores"):
            scores = d.apply("aten.matmul.default", q, Tensor(np.swapaxes(k.places, -1, -2)))
        with d.naming("scaled"):
            scores = d.apply("aten.mul.Tensor", scores, float(scale))
            scores = _masked(d, call, scores)
        with d.naming("weights"):
            weights = d.apply("aten.softmax.int", scores, -1)
        with d.naming("mixed"):
            return d.apply("aten.matmul.default", weights, v)


def _masked(d: Derivation, call: Call, scores: Tensor) -> Tensor:
    """Shut out what may not be seen."""
    never = Tensor(np.array(d.constant(-math.inf), dtype=np.int64))
    if call["is_causal"]:
        seen = np.tril(np.ones(scores.shape[-2:]))
        return d.apply("aten.where.self", d.constants_of(seen, "bool"), scores, never)  # type: ignore[no-any-return]
    mask = call["attn_mask"]
    if mask is None:
        return scores
    if mask.kind == "bool":
        return d.apply("aten.where.self", mask, scores, never)  # type: ignore[no-any-return]
    spread = np.broadcast_to(mask.places, scores.shape)
    numbers = np.array(d.constants)[-1 - np.minimum(spread, -1)]
    shut = (spread < 0) & np.isneginf(numbers)
    live = (spread >= 0) | ((numbers != 0) & ~shut)
    if live.any():
        scores = d.apply("aten.add.Tensor", scores, Tensor(np.where(shut, -1, spread)))
    return Tensor(np.where(shut, never.places, scores.places))


OPERATIONS: tuple[Operation, ...] = (Attention(),)

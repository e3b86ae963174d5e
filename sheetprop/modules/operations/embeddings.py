"""Choosing by whole numbers that stand in cells: embeddings, and the element of a class."""

from __future__ import annotations

from typing import Any

import numpy as np

from sheetprop.errors import SheetpropError
from sheetprop.modules.derivation import Call, Derivation
from sheetprop.modules.formula import ZERO, Cell, Choice, If, Matching, Number
from sheetprop.modules.operations.base import Operation, result
from sheetprop.modules.operations.views import View
from sheetprop.modules.tensors import Tensor


class Embedding(Operation):
    """A row of weights for each token."""

    names = ("embedding",)
    sentence = "Each token, a whole number, chooses its row of the table of weights."
    equation = "y[t,j] = w[token[t], j]"
    adjoint = "∂L/∂w[r,j] = Σ over the places t of token r of ∂L/∂y[t,j]"

    def forward(self, d: Derivation, call: Call) -> Any:
        """Choose rows: by formula where the token stands in a cell, else as a view."""
        weight, tokens = call["weight"], call["indices"]
        width = weight.shape[1]
        shape = (*tokens.shape, width)
        if (tokens.places < 0).all():
            rows = np.array(d.constants)[-1 - tokens.places].astype(np.int64)
            if rows.size and (rows.min() < 0 or rows.max() >= weight.shape[0]):
                raise SheetpropError(f"embedding: token {rows.max()} is outside a table of {weight.shape[0]} rows")
            return Tensor(weight.places[rows])
        index = np.repeat(tokens.flat, width)
        options = np.tile(weight.places.T, (tokens.places.size, 1))
        return result(d, call, shape, Choice(index, options))

    def backward(self, d: Derivation, call: Call) -> None:
        """Let the gradients of a token's places flow into its row."""
        weight, tokens = call["weight"], call["indices"]
        if (tokens.places < 0).all():
            return
        g = d.gradient(call.out).reshape(-1, weight.shape[1])
        rows, width = weight.shape
        keys = np.broadcast_to(tokens.flat, (rows * width, len(g)))
        wanted = np.repeat(np.arange(rows), width)
        flows = np.tile(g.T, (rows, 1))
        keep = wanted != call.arguments.get("padding_idx", -1)
        d.flow(weight.flat[keep], Matching(keys[keep], wanted[keep], flows[keep]))


class Gather(View):
    """The element along a dimension that a whole number names."""

    names = ("gather",)
    sentence = "Of each row the number is taken that a whole number names, such as the target's."
    equation = "y[n] = x[n, index[n]]"
    adjoint = "∂L/∂x[n,c] = ∂L/∂y[n] where index[n] = c, else 0"

    def forward(self, d: Derivation, call: Call) -> Any:
        """Choose; as a view where the index is constant."""
        x, index, dim = call["self"], call["index"], call["dim"]
        if (index.places < 0).all():
            return super().forward(d, call)
        cut = tuple(slice(0, n) for k, n in enumerate(index.shape))
        held = np.moveaxis(x.places, dim, -1)
        lead = tuple(n for k, n in enumerate(cut) if k != dim % x.places.ndim)
        held = held[lead]
        options = np.broadcast_to(np.expand_dims(held, -2), (*held.shape[:-1], index.shape[dim], held.shape[-1]))
        keys = np.moveaxis(index.places, dim, -1)
        call.saved["read"] = (keys.reshape(-1), options.reshape(-1, held.shape[-1]))
        shape = keys.shape
        made = result(d, call, shape, Choice(*call.saved["read"]))
        return Tensor(np.moveaxis(made.places, -1, dim))

    def backward(self, d: Derivation, call: Call) -> None:
        """Let the gradient flow to the chosen one."""
        if "read" not in call.saved:
            return
        keys, options = call.saved["read"]
        g = np.moveaxis(d.gradient(call.out), call["dim"], -1).reshape(-1)
        terms = options.shape[1]
        live = np.flatnonzero(np.repeat(g, terms) != ZERO)
        index, flow = np.repeat(keys, terms)[live], np.repeat(g, terms)[live]
        number = np.tile(np.arange(terms), len(keys))[live]
        d.flow(options.reshape(-1)[live], If("=", (Cell(index), Cell(_whole(d, number)), Cell(flow),
                                                   Number(0.0, len(live)))))


def _whole(d: Derivation, numbers: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the places of whole numbers."""
    table = np.array([d.constant(float(n)) if n else d.nought for n in range(int(numbers.max()) + 1)], dtype=np.int64)
    places: np.ndarray[Any, Any] = table[numbers]
    return places


class OneHot(Operation):
    """A row of zeros with one 1."""

    names = ("one_hot",)
    sentence = "A whole number becomes a row of zeros with a 1 at its place."
    equation = "y[n,c] = 1 where index[n] = c, else 0"

    def forward(self, d: Derivation, call: Call) -> Any:
        """Compare with every class."""
        index = call["self"]
        classes = call["num_classes"]
        if classes < 0:
            raise SheetpropError("one_hot: give num_classes")
        numbers = d.constants_of(np.arange(classes), "int")
        spread = Tensor(index.places[..., None], "int")
        return d.apply("aten.eq.Tensor", spread, numbers)


OPERATIONS: tuple[Operation, ...] = (Embedding(), Gather(), OneHot())

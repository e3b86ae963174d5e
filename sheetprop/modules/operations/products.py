"""Products of matrices: linear, matmul, einsum, bilinear."""

from __future__ import annotations

from typing import Any

import numpy as np

from sheetprop.errors import SheetpropError
from sheetprop.modules.derivation import Call, Derivation
from sheetprop.modules.formula import ZERO, Cell, Dot, Formula, Places, Plus
from sheetprop.modules.operations.arithmetic import scaled
from sheetprop.modules.operations.base import Operation, leaf, result, transposed
from sheetprop.modules.tensors import Tensor


def contracted(d: Derivation, call: Call, left: Places, right: Places, shape: tuple[int, ...],
               bias: Places | None = None) -> Tensor:
    """Make the block of ``Σ left·right (+ bias)``; `left` and `right` are ``[count, terms]``, `bias` ``[count]``."""
    call.saved["factors"] = (left, right, bias)
    dead = (left == ZERO) | (right == ZERO)
    formula: Formula = Dot(np.where(dead, ZERO, left), np.where(dead, ZERO, right))
    if bias is not None:
        formula = Plus((formula, leaf(d, bias)))
    return result(d, call, shape, formula)


def flow_back(d: Derivation, call: Call) -> None:
    """Let the gradient of a sum of products flow into its factors and its bias."""
    left, right, bias = call.saved["factors"]
    g = d.gradient(call.out).reshape(-1)
    for into, other in ((left, right), (right, left)):
        places, ours, theirs = transposed(into, other, g)
        if len(places):
            d.flow(places, Dot(ours, theirs))
    if bias is not None:
        d.flow(bias, Cell(g))


class Product(Operation):
    """A sum of products whose gradient flows into both factors."""

    adjoint = "∂L/∂x = Σ ∂L/∂y·w;  ∂L/∂w = Σ ∂L/∂y·x;  ∂L/∂b = Σ ∂L/∂y"

    def backward(self, d: Derivation, call: Call) -> None:
        """Let the gradient times the other factor flow."""
        flow_back(d, call)


class Linear(Product):
    """A weighted sum for each unit."""

    names = ("linear",)
    sentence = "Each unit is a weighted sum of all inputs, plus its bias."
    equation = "y[o] = Σ over i of x[i]·w[o,i] + b[o]"

    def forward(self, d: Derivation, call: Call) -> Any:
        """Make the weighted sums."""
        x, weight, bias = call["input"], call["weight"], call["bias"]
        rows = x.places.reshape(-1, x.shape[-1])
        if weight.places.ndim == 1:
            weight = Tensor(weight.places[None])
        outs, ins = weight.shape
        d.room(len(rows) * outs, ins)
        _as_maps(d, rows[0], weight)
        left = np.repeat(rows, outs, axis=0)
        right = np.tile(weight.places, (len(rows), 1))
        added = None if bias is None else np.tile(bias.flat, len(rows))
        shape = (*x.shape[:-1], outs) if call["weight"].places.ndim == 2 else x.shape[:-1]
        return contracted(d, call, left, right, shape, added)


def _as_maps(d: Derivation, row: Places, weight: Tensor) -> None:
    """Draw the weights of maps that were flattened as maps, so that each lies over what it weighs."""
    if not len(row) or row[0] < 0 or weight.places.min() < 0:
        return
    source, own = d.block_at(int(row[0])), d.block_at(int(weight.places.min()))
    maps = tuple(n for n in source.shape[1:] if n != 1)
    if (len(maps) == 3 and int(np.prod(maps)) == len(row) and own.role == "parameter" and own.size == weight.places.size
            and (np.diff(row) == 1).all()):
        own.display = (weight.shape[0], *maps)


class Matmul(Product):
    """A product of matrices."""

    names = ("matmul", "mm", "bmm", "mv")
    sentence = "Row times column: a product of matrices."
    equation = "y[i,j] = Σ over k of a[i,k]·b[k,j]"

    def forward(self, d: Derivation, call: Call) -> Any:
        """Multiply rows by columns."""
        a, b = list(call.arguments.values())[:2]
        p = a.places[None, :] if a.places.ndim == 1 else a.places
        q = b.places[:, None] if b.places.ndim == 1 else b.places
        if p.shape[-1] != q.shape[-2]:
            raise SheetpropError(f"{call.target}: {a.shape} and {b.shape} do not fit")
        d.room(int(np.prod(p.shape[:-1])) * q.shape[-1], p.shape[-1])
        batch = np.broadcast_shapes(p.shape[:-2], q.shape[:-2])
        p = np.broadcast_to(p, (*batch, *p.shape[-2:]))
        q = np.broadcast_to(q, (*batch, *q.shape[-2:]))
        rows, inner, columns = p.shape[-2], p.shape[-1], q.shape[-1]
        left = np.broadcast_to(p[..., :, None, :], (*batch, rows, columns, inner)).reshape(-1, inner)
        right = np.broadcast_to(np.swapaxes(q, -1, -2)[..., None, :, :], (*batch, rows, columns, inner))
        shape = (*batch, *(() if a.places.ndim == 1 else (rows,)), *(() if b.places.ndim == 1 else (columns,)))
        return contracted(d, call, left, right.reshape(-1, inner), shape)


class Addmm(Operation):
    """A product of matrices, and something added."""

    names = ("addmm", "baddbmm", "addmv")
    sentence = "A product of matrices, plus a matrix."
    equation = "y = c + a·b"

    def forward(self, d: Derivation, call: Call) -> Any:
        """Apply matmul and add."""
        base, a, b = list(call.arguments.values())[:3]
        alpha, beta = float(call.arguments.get("alpha", 1)), float(call.arguments.get("beta", 1))
        found = d.apply("aten.matmul.default", a, b)
        if alpha != 1:
            found = d.apply("aten.mul.Tensor", found, alpha)
        if beta == 0:
            return found
        if beta != 1:
            base = d.apply("aten.mul.Tensor", base, beta)
        return d.apply("aten.add.Tensor", found, base)


class Bilinear(Operation):
    """A product of two inputs with a matrix between them, for each unit."""

    names = ("bilinear",)
    sentence = "Each unit weighs every product of a number of the one input with a number of the other."
    equation = "y[o] = Σ over i, j of a[i]·w[o,i,j]·b[j] + c[o]"

    def forward(self, d: Derivation, call: Call) -> Any:
        """Apply products: first the weights with the second input, then the first input."""
        a, b, weight, bias = call["input1"], call["input2"], call["weight"], call["bias"]
        outs, first, second = weight.shape
        flat = Tensor(weight.places.reshape(outs * first, second))
        half = d.apply("aten.linear.default", b, flat)
        half = Tensor(half.places.reshape(*b.shape[:-1], outs, first))
        found = d.apply("aten.linalg_vecdot.default", d.apply("aten.unsqueeze.default", a, -2), half)
        return found if bias is None else d.apply("aten.add.Tensor", found, bias)


class Einsum(Operation):
    """Products summed over the letters that the result lacks."""

    names = ("einsum",)
    sentence = "Products of elements, summed over the indices that the result does not have."
    equation = "y = Σ a·b over the indices that are gone"

    def forward(self, d: Derivation, call: Call) -> Any:
        """Apply one product of matrices after another."""
        spelled, operands = call["equation"].replace(" ", ""), list(call["tensors"])
        left, arrow, right = spelled.partition("->")
        terms = left.split(",")
        if "." in spelled:
            raise SheetpropError("aten.einsum: an ellipsis has no rule; write out the letters")
        if not arrow:
            right = "".join(sorted(x for x in set(left) - {","} if left.count(x) == 1))
        held = [(letters, one) for letters, one in zip(terms, operands, strict=True)]
        letters, first = _diagonal(*held[0])
        for position, (more, second) in enumerate(held[1:], start=1):
            later = set(right).union(*(one for one, _ in held[position + 1:]))
            letters, first = _pair(d, letters, first, *_diagonal(more, second), later)
        gone = [letters.index(x) for x in letters if x not in right]
        if gone:
            first = d.apply("aten.sum.dim_IntList", first, gone)
            letters = "".join(x for x in letters if x in right)
        return Tensor(first.places.transpose([letters.index(x) for x in right]), first.kind)


def _diagonal(letters: str, one: Tensor) -> tuple[str, Tensor]:
    """Read the diagonal where a letter stands twice."""
    places = one.places
    while len(set(letters)) < len(letters):
        twice = next(x for x in letters if letters.count(x) > 1)
        i, j = [k for k, x in enumerate(letters) if x == twice][:2]
        places = np.moveaxis(np.diagonal(places, axis1=i, axis2=j), -1, 0)
        letters = twice + "".join(x for k, x in enumerate(letters) if k not in (i, j))
    return letters, Tensor(places, one.kind)


def _pair(d: Derivation, left: str, a: Tensor, right: str, b: Tensor, later: set[str]) -> tuple[str, Tensor]:
    both = [x for x in left if x in right]
    batch, summed = [x for x in both if x in later], [x for x in both if x not in later]
    ours, theirs = [x for x in left if x not in right], [x for x in right if x not in left]

    def arranged(one: Tensor, letters: str, groups: list[list[str]]) -> Places:
        moved = one.places.transpose([letters.index(x) for group in groups for x in group])
        size = dict(zip(letters, one.shape, strict=True))
        return moved.reshape([int(np.prod([size[x] for x in group], dtype=int)) for group in groups])

    p = arranged(a, left, [batch, ours, summed])
    q = arranged(b, right, [batch, summed, theirs])
    out = d.apply("aten.bmm.default", Tensor(p), Tensor(q))
    size = {**dict(zip(left, a.shape, strict=True)), **dict(zip(right, b.shape, strict=True))}
    letters = "".join([*batch, *ours, *theirs])
    return letters, Tensor(out.places.reshape([size[x] for x in letters]))


OPERATIONS: tuple[Operation, ...] = (Linear(), Matmul(), Addmm(), Bilinear(), Einsum())

__all__ = ["OPERATIONS", "Product", "contracted", "flow_back", "scaled"]

"""What an operation is, and what several of them share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from sheetprop.errors import SheetpropError
from sheetprop.modules.formula import ZERO, Cell, Dot, Formula, Number, Places
from sheetprop.modules.tensors import Tensor

if TYPE_CHECKING:
    from sheetprop.modules.derivation import Call, Derivation


class Operation:
    """A rule: what an operation's elements are, and what flows back into what it read.

    A rule either makes one block of formulas (and says its adjoint), or rearranges places (a view: no
    block, no adjoint), or applies other operations (their adjoints are its own).

    Attributes:
        names: PyTorch's names that it answers to, without overload.
        sentence: what it does, for a reader.
        equation: the formula of an element, in plain text.
        adjoint: what flows back, in plain text; empty where it follows from the parts.
    """

    names: ClassVar[tuple[str, ...]] = ()
    sentence: ClassVar[str] = ""
    equation: ClassVar[str] = ""
    adjoint: ClassVar[str] = ""

    @property
    def name(self) -> str:
        """Its first name."""
        return self.names[0]

    def forward(self, d: Derivation, call: Call) -> Any:
        """Return a tensor or a tuple of tensors."""
        raise NotImplementedError

    def backward(self, d: Derivation, call: Call) -> None:
        """Let gradients flow into what was read."""
        raise SheetpropError(f"{call.target}: has no derivative here; export with --forward-only")


def tensor(d: Derivation, value: Any) -> Tensor:
    """Return a tensor as it is, and a number as a tensor of one constant."""
    if isinstance(value, Tensor):
        return value
    return Tensor(np.array(d.constant(float(value)), dtype=np.int64),
                  "bool" if isinstance(value, bool) else "int" if isinstance(value, int) else "float")


def result(d: Derivation, _call: Call, shape: Sequence[int], formula: Formula | list[tuple[Places | None, Formula]],
           *, kind: Any = "float", what: str | None = None, note: str = "") -> Tensor:
    """Make the block of an operation's result."""
    what = what or d.what or "out"
    return d.computed(f"{d.layer.name}.{what}" if d.layer else what, shape, formula, kind=kind, note=note)


class Pointwise(Operation):
    """Each element of the result depends on one element of each operand; operands are broadcast."""

    operands: ClassVar[tuple[str, ...]] = ("self",)
    kind: ClassVar[Any] = "float"

    def formula(self, call: Call, *x: Formula) -> Formula:
        """Return the formula of an element from those of the operands."""
        raise NotImplementedError

    def slopes(self, call: Call, g: Formula, y: Formula, *x: Formula) -> Sequence[Formula | None]:
        """Return what flows into each operand; `g` is the gradient along the result `y`."""
        raise SheetpropError(f"{call.target}: has no derivative here; export with --forward-only")

    def forward(self, d: Derivation, call: Call) -> Any:
        """Make the block."""
        operands = [tensor(d, call[name]) for name in self.operands if call[name] is not None]
        spread = np.broadcast_arrays(*[one.places for one in operands])
        call.saved["operands"] = [array.reshape(-1) for array in spread]
        formula = self.formula(call, *[leaf(d, array.reshape(-1)) for array in spread])
        kind = self.kind if self.kind != "same" else operands[0].kind
        return result(d, call, spread[0].shape, formula, kind=kind)

    def backward(self, d: Derivation, call: Call) -> None:
        """Let the slopes flow."""
        g = d.gradient(call.out).reshape(-1)
        live = np.flatnonzero(g != ZERO)
        arrays = [array[live] for array in call.saved["operands"]]
        y = Cell(call.out.flat[live])
        for array, slope in zip(arrays, self.slopes(call, Cell(g[live]), y, *[leaf(d, one) for one in arrays]),
                                strict=True):
            if slope is not None:
                d.flow(array, slope)


def leaf(d: Derivation, places: Places) -> Formula:
    """Return the formula that reads places; a number where all are the same constant."""
    if len(places) and places[0] < 0 and (places == places[0]).all():
        return Number(d.constants[-1 - int(places[0])], len(places))
    return Cell(places)


def product(a: Formula, b: Formula) -> Formula:
    """Return ``a·b``; of two cells as a sum of one product, so that several of them can be added up."""
    if isinstance(a, Cell) and isinstance(b, Cell):
        return Dot(a.places[:, None], b.places[:, None])
    from sheetprop.modules.formula import Times

    return Times((a, b))


def transposed(into: Places, other: Places | None, gradient: Places) -> tuple[Places, Places, Places]:
    """Turn sums of products round: what flows into each place that was read.

    Args:
        into: what was read, ``[count, terms]``.
        other: the other factor of each term; None where there is none.
        gradient: the gradient along each sum, ``[count]``.

    Returns:
        The places read, each once; for each of them the gradients along the sums that read it, in order,
        and the other factors, both ``[places, terms]``.
    """
    spread = np.broadcast_to(gradient[:, None], into.shape)
    keep = (into >= 0) & (spread != ZERO)
    if other is not None:
        keep &= other != ZERO
    flat, gradients = into[keep], spread[keep]
    order = np.argsort(flat, kind="stable")
    places, starts, counts = np.unique(flat[order], return_index=True, return_counts=True)
    if not len(places):
        none = np.zeros((0, 0), dtype=np.int64)
        return places, none, none
    rank = np.arange(len(flat)) - np.repeat(starts, counts)
    which = np.repeat(np.arange(len(places)), counts)
    ours = np.full((len(places), int(counts.max())), ZERO, dtype=np.int64)
    theirs = ours.copy()
    ours[which, rank] = gradients[order]
    if other is not None:
        theirs[which, rank] = other[keep][order]
    return places, ours, theirs

"""Tensors as arrays of places, and the blocks of numbers behind them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from sheetprop.modules.formula import Formula, Places

Kind = Literal["float", "int", "bool"]
Role = Literal["input", "target", "parameter", "buffer", "constant", "state", "setting", "forward", "working", "loss",
               "gradient", "update"]

GIVEN: tuple[Role, ...] = ("input", "target", "parameter", "buffer", "constant", "state", "setting")
"""Roles of blocks that hold numbers and no formulas."""


@dataclass(frozen=True, eq=False)
class Tensor:
    """What an operation reads and gives: a place for each element."""

    places: Places
    kind: Kind = "float"

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape, as PyTorch has it."""
        return self.places.shape

    @property
    def flat(self) -> Places:
        """The places in the order of the elements."""
        return self.places.reshape(-1)


@dataclass(eq=False)
class Layer:
    """A module, or a function of the forward pass, that stands on a sheet of its own.

    Attributes:
        name: of the sheet, such as ``conv1``.
        module: path of the module, such as ``features.0``; empty for a function.
        kind: class of the module, such as ``Conv2d``, or the name of the function.
        operations: names of the operations in it, in order, each once.
        shape: of what comes out.
    """

    name: str
    module: str
    kind: str
    operations: list[str] = field(default_factory=list)
    shape: tuple[int, ...] = ()


@dataclass(eq=False)
class Block:
    """Numbers that were computed or given together, one place for each, in order from `first`.

    Attributes:
        name: such as ``conv1.weight``, ``conv1.out``, ``conv1.grad``.
        role: what the numbers are.
        shape: of the tensor.
        first: the first place.
        layer: where it stands; None for what belongs to no layer.
        pieces: (which elements, None for all; their formula); empty for what is given.
        note: a sentence about it.
        display: the shape in which it is drawn, where that is another one.
        at: for numbers that fill only part of `display`, which elements of it they are.
        kind: of the numbers.
        of: for a gradient or an update the block that it belongs to.
        needs: whether a gradient flows back into it.
    """

    name: str
    role: Role
    shape: tuple[int, ...]
    first: int
    layer: Layer | None
    pieces: list[tuple[Places | None, Formula]]
    note: str = ""
    display: tuple[int, ...] | None = None
    at: Places | None = None
    kind: Kind = "float"
    of: Block | None = None
    needs: bool = False

    @property
    def size(self) -> int:
        """How many numbers."""
        return math.prod(self.shape)

    @property
    def places(self) -> Places:
        """The places, in the tensor's shape."""
        return np.arange(self.first, self.first + self.size, dtype=np.int64).reshape(self.shape)

    @property
    def given(self) -> bool:
        """Whether it holds numbers and no formulas."""
        return self.role in GIVEN

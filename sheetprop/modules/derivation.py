"""The derivation: a program run on places, so that each number gets its formula, forward and backward.

Forward, every operation makes a block whose formulas read places. Backward, in the opposite order,
its adjoint says what flows into the places that it read; the flows into one block are gathered into
its gradient. This is reverse-mode differentiation by our own rules; PyTorch is not asked.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sheetprop.errors import SheetpropError
from sheetprop.modules.formula import ZERO, Cell, Dot, Floats, Formula, Number, Places, Plus, Total
from sheetprop.modules.tensors import Block, Kind, Layer, Role, Tensor

MOST_PLACES = 1_500_000
"""So many numbers a workbook may have: what opens in a minute and not an hour."""
MOST_TERMS = 400_000_000
"""So many terms the sums of one operation may have in all."""


@dataclass(eq=False)
class Call:
    """One operation as it was applied.

    Attributes:
        target: its name in PyTorch, such as ``aten.conv2d.default``.
        arguments: by the name that PyTorch's schema gives; tensors are `Tensor`.
        out: what it gave.
        layer: where it stands.
        saved: what its adjoint wants to know from the forward pass.
    """

    target: str
    arguments: dict[str, Any]
    layer: Layer | None
    out: Any = None
    saved: dict[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Any:
        return self.arguments[name]


class Derivation:
    """Blocks, the operations that made them, and the gradients that flowed back.

    Attributes:
        blocks: in the order in which they can be evaluated.
        calls: the operations with a block of their own, in order.
        layers: in order.
        count: how many places there are.
        constants: the numbers of the places -1, -2, ...
    """

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.calls: list[Call] = []
        self.layers: list[Layer] = []
        self.count = 0
        self.constants: list[float] = [0.0]
        self.numbers: dict[str, Floats] = {}
        self.layer: Layer | None = None
        self.gradient_of: Places = np.zeros(0, dtype=np.int64)
        self._index: dict[float, int] = {0.0: ZERO}
        self._by_first: list[Block] = []
        self._firsts: Places = np.zeros(0, dtype=np.int64)
        self._flows: dict[int, list[tuple[Places, Formula]]] = {}
        self._gradients: dict[int, Block] = {}
        self._call: Call | None = None
        self._names: dict[str, int] = {}
        self.what: str | None = None
        self._nought = ZERO

    # Making blocks

    def constant(self, number: float) -> int:
        """Return the place of a constant."""
        number = float(number)
        key = float("nan") if number != number else number
        if key not in self._index:
            self.constants.append(number)
            self._index[key] = -len(self.constants)
        return self._index[key]

    @property
    def nought(self) -> int:
        """The place of a 0 that is a number like others, and no padding."""
        if self._nought == ZERO:
            self.constants.append(0.0)
            self._nought = -len(self.constants)
        return self._nought

    def constants_of(self, array: Floats, kind: Kind = "float") -> Tensor:
        """Return a tensor of constants, which costs no cell."""
        numbers, at = np.unique(array.astype(np.float64), return_inverse=True)
        places = np.array([self.constant(float(number)) for number in numbers], dtype=np.int64)
        return Tensor(places[at].reshape(array.shape), kind)

    def given(self, name: str, numbers: Floats, role: Role, *, note: str = "", kind: Kind = "float",
              needs: bool = False, layer: Layer | None = None) -> Tensor:
        """Make a block of numbers that are given."""
        block = self._block(name, role, numbers.shape, [], note, kind, layer or self.layer)
        block.needs = needs
        self.numbers[block.name] = np.asarray(numbers, dtype=np.float64).reshape(-1)
        return Tensor(block.places, kind)

    def computed(self, name: str, shape: Sequence[int], formula: Formula | list[tuple[Places | None, Formula]],
                 role: Role = "forward", *, note: str = "", kind: Kind = "float", layer: Layer | None = None,
                 of: Block | None = None, display: tuple[int, ...] | None = None) -> Tensor:
        """Make a block of formulas."""
        pieces: list[tuple[Places | None, Formula]] = (
            [(None, formula)] if isinstance(formula, Formula) else formula)
        block = self._block(name, role, tuple(shape), pieces, note, kind, layer or self.layer)
        block.of, block.display = of, display
        if role in ("forward", "working", "loss") and kind == "float":
            block.needs = any(self._needed(read) for _, piece in pieces for read in piece.reads())
        return Tensor(block.places, kind)

    def insert(self, block: Block, name: str, count: int, formula: Formula) -> Places:
        """Make a block of partial sums that is evaluated before another; return its places."""
        made = self.computed(name, (count,), formula, "working", layer=block.layer, note="a part of a long sum")
        self.blocks.remove(self.blocks[-1])
        self.blocks.insert(self.blocks.index(block), self._by_first[-1])
        self._grown()
        return made.flat

    def _block(self, name: str, role: Role, shape: tuple[int, ...], pieces: list[tuple[Places | None, Formula]],
               note: str, kind: Kind, layer: Layer | None) -> Block:
        if self.count + math.prod(shape) > MOST_PLACES:
            raise self.full(math.prod(shape), layer)
        block = Block(self.unique(name), role, shape, self.count, layer, pieces, note, kind=kind)
        self.count += block.size
        self.blocks.append(block)
        self._by_first.append(block)
        return block

    def room(self, count: int, terms: int) -> None:
        """Raise where sums are too many or too long for a workbook, before memory is spent on them."""
        if self.count + count > MOST_PLACES:
            raise self.full(count, self.layer)
        if count * terms > MOST_TERMS:
            name = self.layer.name if self.layer else "the module"
            raise SheetpropError(f"{name}: {count:,} sums of {terms:,} terms are too many for a workbook; export a "
                                 "smaller network or a smaller batch")

    def full(self, count: int, layer: Layer | None) -> SheetpropError:
        """Return the error for a module with too many numbers."""
        return SheetpropError(f"{layer.name if layer else 'the module'}: needs {count:,} cells, which with the "
                              f"{self.count:,} before it are more than {MOST_PLACES:,}; export a smaller network, a "
                              "smaller batch, or --forward-only")

    def unique(self, name: str) -> str:
        """Return `name`, numbered where it is taken."""
        number = self._names[name] = self._names.get(name, 0) + 1
        return name if number == 1 else self.unique(f"{name}_{number}")

    def block_at(self, place: int) -> Block:
        """Return the block that a place belongs to."""
        return self._by_first[int(self.owners(np.array([place]))[0])]

    def owned(self, index: int) -> Block:
        """Return the block of an index that :meth:`owners` gave."""
        return self._by_first[index]

    def owners(self, places: Places) -> Places:
        """Return for each place the index of its block."""
        if len(self._firsts) != len(self._by_first):
            self._firsts = np.array([block.first for block in self._by_first], dtype=np.int64)
        return np.searchsorted(self._firsts, places, side="right") - 1

    def _needed(self, places: Places) -> bool:
        live = places[places >= 0]
        return len(live) > 0 and any(self._by_first[index].needs for index in np.unique(self.owners(live)))

    # Operations

    def apply(self, target: str, *args: Any, **kwargs: Any) -> Any:
        """Apply an operation of PyTorch to tensors; return a `Tensor` or a tuple of them.

        Args:
            target: such as ``aten.linear.default``.
            args: tensors and attributes, as PyTorch's schema orders them.
            kwargs: the same by name.
        """
        from sheetprop.modules.operations import operation
        from sheetprop.modules.schema import named

        rule = operation(target)
        call = Call(target, named(target, args, kwargs), self.layer)
        before, self._call = self._call, call
        if self.layer is not None and rule.name not in self.layer.operations:
            self.layer.operations.append(rule.name)
        made, calls = len(self.blocks), len(self.calls)
        call.out = rule.forward(self, call)
        self._call = before
        if len(self.blocks) > made and len(self.calls) == calls:
            self.calls.append(call)
        return call.out

    @contextmanager
    def naming(self, what: str) -> Iterator[None]:
        """Let what is made be called `what` behind the name of its layer."""
        before, self.what = self.what, what
        yield
        self.what = before

    @contextmanager
    def within(self, layer: Layer | None) -> Iterator[None]:
        """Let what is made stand in `layer`."""
        before, self.layer = self.layer, layer
        yield
        self.layer = before

    # The way back

    def backward(self, loss: Tensor, seed: Formula | None = None) -> None:
        """Derive the gradients of a scalar along everything that it needs."""
        from sheetprop.modules.operations import operation

        self.gradient_of = np.full(self.count, ZERO, dtype=np.int64)
        self.flow(loss.flat, seed or Number(1.0, 1))
        for call in reversed(self.calls):
            outs = call.out if isinstance(call.out, tuple) else (call.out,)
            with self.within(call.layer):
                live = False
                for out in outs:
                    for index in np.unique(self.owners(out.flat[out.flat >= 0])):
                        live |= self._gathered(self._by_first[index])
                if live:
                    self._call = call
                    operation(call.target).backward(self, call)
        for block in list(self.blocks):
            if block.given:
                self._gathered(block)

    def gradient(self, tensor: Tensor) -> Places:
        """Return the places of the gradient along a tensor, in its shape; `ZERO` where nothing flows back."""
        places = tensor.places
        return np.where(places >= 0, self.gradient_of[np.maximum(places, 0)], ZERO)

    def gradient_block(self, block: Block) -> Block | None:
        """Return the block of the gradient along a block; None where nothing flows back."""
        return self._gradients.get(block.first)

    def flow(self, into: Places, formula: Formula) -> None:
        """Let `formula` flow into places, ``[count]``; what flows into one place several times is added up."""
        into = into.reshape(-1)
        keep = np.flatnonzero(into >= 0)
        if len(keep):
            owners = self.owners(into[keep])
            needs = np.array([block.needs for block in self._by_first])
            keep = keep[needs[owners]]
        if not len(keep):
            return
        if len(keep) < len(into):
            into, formula = into[keep], formula.take(keep)
        if len(np.unique(into)) < len(into):
            into, formula = self._merged(into, formula)
        owners = self.owners(into)
        for index in np.unique(owners):
            at = np.flatnonzero(owners == index)
            block = self._by_first[index]
            part = formula if len(at) == len(into) else formula.take(at)
            self._flows.setdefault(block.first, []).append((into[at] - block.first, part))

    def wants(self, places: Places) -> bool:
        """Whether a gradient along any of the places is wanted."""
        return self._needed(places)

    def _merged(self, into: Places, formula: Formula) -> tuple[Places, Formula]:
        """Add up what flows into the same place."""
        if not isinstance(formula, Cell | Total | Dot):
            working = self.computed("flow", (formula.count,), formula, "working",
                                    note="what flows back along each path, before it is added up")
            formula = Cell(working.flat)
            self._grown()
        order = np.argsort(into, kind="stable")
        places, starts, counts = np.unique(into[order], return_index=True, return_counts=True)
        slots = np.full((len(places), int(counts.max())), -1, dtype=np.int64)
        for k in range(slots.shape[1]):
            has = counts > k
            slots[has, k] = order[starts[has] + k]

        def spread(array: Places) -> Places:
            wide = array.reshape(len(array), -1)
            return np.where(slots[:, :, None] >= 0, wide[slots], ZERO).reshape(len(places), -1)

        if isinstance(formula, Cell):
            return places, Total(spread(formula.places))
        if isinstance(formula, Total):
            return places, Total(spread(formula.places))
        return places, Dot(spread(formula.left), spread(formula.right))

    def _grown(self) -> None:
        missing = self.count - len(self.gradient_of)
        self.gradient_of = np.concatenate([self.gradient_of, np.full(missing, ZERO, dtype=np.int64)])

    def _gathered(self, block: Block) -> bool:
        """Make the block of a gradient from what flowed; return whether anything did."""
        if block.first in self._gradients:
            return True
        flows = self._flows.pop(block.first, [])
        if not flows:
            return False
        pieces = _gather(flows, block.size)
        out = self.computed(_gradient_name(block), block.shape, pieces, "gradient", layer=block.layer, of=block,
                            display=block.display, note=f"∂L/∂{block.name}")
        self._grown()
        made = self.blocks[-1]
        made.at = block.at
        self._gradients[block.first] = made
        covered = np.concatenate([np.arange(block.size) if at is None else at for at, _ in pieces])
        self.gradient_of[block.first + covered] = out.flat[covered]
        return True

    # Values

    def evaluate(self, given: Mapping[str, Floats] | None = None) -> Floats:
        """Return the value of every place, the constants at the end, in float64 and in the order of the formulas.

        Args:
            given: other numbers for given blocks, by name.
        """
        values = self.start(given)
        self.run(values)
        return values

    def start(self, given: Mapping[str, Floats] | None = None) -> Floats:
        """Return an array for all values in which what is given stands."""
        values = np.zeros(self.count + len(self.constants))
        values[self.count:] = self.constants[::-1]
        for block in self.blocks:
            if block.given:
                numbers = (given or {}).get(block.name)
                values[block.first:block.first + block.size] = (
                    self.numbers[block.name] if numbers is None else np.asarray(numbers).reshape(-1))
        return values

    def run(self, values: Floats) -> None:
        """Evaluate every formula, in place."""
        for block in self.blocks:
            for at, formula in block.pieces:
                if at is None:
                    values[block.first:block.first + block.size] = formula.value(values)
                else:
                    values[block.first + at] = formula.value(values)


def _gradient_name(block: Block) -> str:
    return block.name.removesuffix(".out") + ".grad"


def _gather(flows: list[tuple[Places, Formula]], size: int) -> list[tuple[Places | None, Formula]]:
    """Return pieces of a gradient: elements into which the same paths flow have one formula."""
    if all(len(at) == size for at, _ in flows):
        parts = [formula if np.array_equal(at, np.arange(size)) else formula.take(np.argsort(at))
                 for at, formula in flows]
        return [(None, _sum(parts))]
    slot = np.full((len(flows), size), -1, dtype=np.int64)
    for k, (at, _) in enumerate(flows):
        slot[k, at] = np.arange(len(at))
    keys = np.ascontiguousarray(np.packbits(slot >= 0, axis=0).T)
    _, group = np.unique(keys.view(np.dtype((np.void, keys.shape[1]))).reshape(-1), return_inverse=True)
    pieces: list[tuple[Places | None, Formula]] = []
    for number in range(int(group.max()) + 1):
        at = np.flatnonzero(group == number)
        used = [k for k in range(len(flows)) if slot[k, at[0]] >= 0]
        if used:
            pieces.append((at, _sum([flows[k][1].take(slot[k, at]) for k in used])))
        else:
            pieces.append((at, Number(0.0, len(at))))
    return sorted(pieces, key=lambda piece: int(piece[0][0]) if piece[0] is not None else 0)


def _sum(parts: list[Formula]) -> Formula:
    """Return the sum of formulas; sums of products become one."""
    if len(parts) == 1:
        return parts[0]
    if all(isinstance(part, Dot) for part in parts):
        return Dot(np.concatenate([part.left for part in parts if isinstance(part, Dot)], axis=1),
                   np.concatenate([part.right for part in parts if isinstance(part, Dot)], axis=1))
    if all(isinstance(part, Total) for part in parts):
        return Total(np.concatenate([part.places for part in parts if isinstance(part, Total)], axis=1))
    return Plus(tuple(parts))

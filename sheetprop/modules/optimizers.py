"""Optimizers: the formula of a parameter after one step, and what they remember."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sheetprop.errors import SheetpropError, nearest
from sheetprop.modules.derivation import Derivation
from sheetprop.modules.formula import Apply, Cell, Formula, Minus, Number, Over, Plus, Times
from sheetprop.modules.tensors import Block, Layer

OPTIMIZERS = ("sgd", "momentum", "nesterov", "adam", "adamw", "rmsprop", "adagrad")

_DEFAULTS: dict[str, dict[str, float]] = {
    "sgd": {"lr": 0.1, "weight_decay": 0.0},
    "momentum": {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.0},
    "nesterov": {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.0},
    "adam": {"lr": 0.001, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.0},
    "adamw": {"lr": 0.001, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.01},
    "rmsprop": {"lr": 0.01, "alpha": 0.99, "eps": 1e-8, "weight_decay": 0.0},
    "adagrad": {"lr": 0.01, "eps": 1e-10, "weight_decay": 0.0},
}

SENTENCES = {
    "sgd": ("Each weight moves against its gradient.", "w' = w - lr·g"),
    "momentum": ("Gradients are gathered into a velocity that fades.", "v' = μ·v + g;  w' = w - lr·v'"),
    "nesterov": ("As momentum, but looking one step ahead.", "v' = μ·v + g;  w' = w - lr·(g + μ·v')"),
    "adam": ("A running mean of the gradient is divided by the root of a running mean of its square; both are "
             "corrected for having begun at 0.",
             "m' = β₁·m + (1-β₁)·g;  v' = β₂·v + (1-β₂)·g²;  w' = w - lr·m'/(1-β₁ᵗ) / (√(v'/(1-β₂ᵗ)) + ε)"),
    "adamw": ("As Adam; the weights themselves fade besides.",
              "w' = w·(1 - lr·λ) - lr·m'/(1-β₁ᵗ) / (√(v'/(1-β₂ᵗ)) + ε)"),
    "rmsprop": ("The gradient is divided by the root of a running mean of its square.",
                "v' = α·v + (1-α)·g²;  w' = w - lr·g / (√v' + ε)"),
    "adagrad": ("The gradient is divided by the root of the sum of all its squares.",
                "s' = s + g²;  w' = w - lr·g / (√s' + ε)"),
}


@dataclass(frozen=True)
class Optimizer:
    """An optimizer by name, with its numbers."""

    name: str
    numbers: dict[str, float] = field(default_factory=dict)

    @property
    def used(self) -> dict[str, float]:
        """The numbers that its formulas read: a weight decay of 0 is left out of them."""
        return {name: value for name, value in self.numbers.items()
                if name != "weight_decay" or value != 0 or self.name == "adamw"}


def make_optimizer(name: str, **numbers: float) -> Optimizer:
    """Return an optimizer with its numbers, those of PyTorch where none are given.

    Raises:
        SheetpropError: there is none of that name, or it has no such number.
    """
    if name not in _DEFAULTS:
        raise SheetpropError(f"--optimizer {name}: is none that is known; {nearest(name, OPTIMIZERS)}")
    known = _DEFAULTS[name]
    for key, value in numbers.items():
        if key not in known:
            raise SheetpropError(f"--optimizer {name}: has no number {key!r}; it has {', '.join(known)}")
        if not np.isfinite(value):
            raise SheetpropError(f"--optimizer {name}: {key} {value}: is no number")
    return Optimizer(name, {**known, **numbers})


@dataclass(frozen=True)
class Change:
    """A block and what it is after the step."""

    before: Block
    after: Block


class Step:
    """One step of an optimizer, derived for every trained parameter.

    Attributes:
        changes: parameters, then states, each with the block it becomes.
    """

    def __init__(self, d: Derivation, optimizer: Optimizer, layer: Layer) -> None:
        self.d, self.optimizer, self.layer = d, optimizer, layer
        self.changes: list[Change] = []
        with d.within(layer):
            self.settings = {name: d.given(name, np.array(value), "setting")
                             for name, value in optimizer.used.items()}
            self.time: Any = None
            if optimizer.name in ("adam", "adamw"):
                t = d.given("t", np.array(0.0), "state", note="steps made so far")
                after = d.computed("t.next", (), Plus((Cell(t.flat), Number(1.0, 1))), "update",
                                   note="steps made after this one")
                self.time = after
                self.changes.append(Change(d.block_at(int(t.flat[0])), d.blocks[-1]))

    def number(self, name: str, count: int) -> Formula:
        """Return a number of the optimizer for each element."""
        return Cell(np.full(count, self.settings[name].flat[0], dtype=np.int64))

    def remembered(self, block: Block, name: str, formula: Any) -> Formula:
        """Make a state, 0 at first, and the block it becomes; return the latter."""
        d = self.d
        with d.within(self.layer):
            before = d.given(f"{block.name}.{name}", np.zeros(block.shape), "state")
            d.blocks[-1].of, d.blocks[-1].display = block, block.display
            old = d.blocks[-1]
            after = d.computed(f"{block.name}.{name}.next", block.shape, formula(Cell(before.flat)), "update",
                               of=block, display=block.display)
            self.changes.append(Change(old, d.blocks[-1]))
        return Cell(after.flat)

    def derive(self, block: Block, gradient: Block) -> None:
        """Derive the update of one parameter."""
        d, count = self.d, block.size
        w, g = Cell(block.places.reshape(-1)), Cell(gradient.places.reshape(-1))
        decays = self.optimizer.name != "adamw" and "weight_decay" in self.optimizer.used
        grad: Formula = Plus((g, Times((self.number("weight_decay", count), w)))) if decays else g
        new = getattr(self, f"_{self.optimizer.name}")(block, w, grad, count)
        with d.within(block.layer):
            d.computed(f"{block.name}.next", block.shape, new, "update", of=block, display=block.display,
                       note=f"{block.name} after one step")
        self.changes.append(Change(block, d.blocks[-1]))

    def _sgd(self, _block: Block, w: Formula, g: Formula, count: int) -> Formula:
        return Minus((w, Times((self.number("lr", count), g))))

    def _velocity(self, block: Block, g: Formula, count: int) -> Formula:
        return self.remembered(block, "velocity", lambda v: Plus((Times((self.number("momentum", count), v)), g)))

    def _momentum(self, block: Block, w: Formula, g: Formula, count: int) -> Formula:
        return Minus((w, Times((self.number("lr", count), self._velocity(block, g, count)))))

    def _nesterov(self, block: Block, w: Formula, g: Formula, count: int) -> Formula:
        v = self._velocity(block, g, count)
        ahead = Plus((g, Times((self.number("momentum", count), v))))
        return Minus((w, Times((self.number("lr", count), ahead))))

    def _mean(self, block: Block, name: str, share: str, what: Formula, count: int) -> Formula:
        def formula(old: Formula) -> Formula:
            beta = self.number(share, count)
            return Plus((Times((beta, old)), Times((Minus((Number(1.0, count), beta)), what))))

        return self.remembered(block, name, formula)

    def _adam(self, block: Block, w: Formula, g: Formula, count: int) -> Formula:
        one = Number(1.0, count)
        t = Cell(np.full(count, self.time.flat[0], dtype=np.int64))
        m = self._mean(block, "mean", "beta1", g, count)
        v = self._mean(block, "square", "beta2", Times((g, g)), count)

        def corrected(what: Formula, share: str) -> Formula:
            return Over((what, Minus((one, Apply("POWER", (self.number(share, count), t))))))

        below = Plus((Apply("SQRT", (corrected(v, "beta2"),)), self.number("eps", count)))
        return Minus((w, Over((Times((self.number("lr", count), corrected(m, "beta1"))), below))))

    def _adamw(self, block: Block, w: Formula, g: Formula, count: int) -> Formula:
        fade = Times((w, Minus((Number(1.0, count), Times((self.number("lr", count),
                                                           self.number("weight_decay", count)))))))
        moved = self._adam(block, fade, g, count)
        return moved

    def _rmsprop(self, block: Block, w: Formula, g: Formula, count: int) -> Formula:
        v = self._mean(block, "square", "alpha", Times((g, g)), count)
        below = Plus((Apply("SQRT", (v,)), self.number("eps", count)))
        return Minus((w, Over((Times((self.number("lr", count), g)), below))))

    def _adagrad(self, block: Block, w: Formula, g: Formula, count: int) -> Formula:
        s = self.remembered(block, "squares", lambda old: Plus((old, Times((g, g)))))
        below = Plus((Apply("SQRT", (s,)), self.number("eps", count)))
        return Minus((w, Over((Times((self.number("lr", count), g)), below))))

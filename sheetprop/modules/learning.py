"""A program with its derivation: forward, loss, gradients, one step of an optimizer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sheetprop.errors import SheetpropError
from sheetprop.modules.derivation import Derivation
from sheetprop.modules.formula import Cell
from sheetprop.modules.optimizers import Change, Optimizer, Step
from sheetprop.modules.program import Node, Program, references
from sheetprop.modules.tensors import Block, Layer, Tensor

_SHORT = {"scaled_dot_product_attention": "attend", "adaptive_avg_pool2d": "avg_pool",
          "adaptive_max_pool2d": "max_pool"}

LOSS, DATA, OPTIMIZER = "Loss", "Data", "Optimizer"


@dataclass
class Learning:
    """Everything that is derived from a program.

    Attributes:
        program: what was captured.
        d: the blocks.
        tensors: by name of the program: what is given and what came out.
        optimizer: None without a way back.
        changes: blocks and what they are after a step.
        loss: the place of the loss; None without one.
    """

    program: Program
    d: Derivation
    tensors: dict[str, Any] = field(default_factory=dict)
    optimizer: Optimizer | None = None
    changes: list[Change] = field(default_factory=list)
    loss: int | None = None

    def outputs(self) -> list[Tensor]:
        """Return the tensors that the module returns."""
        return [self.tensors[name] for name in self.program.outputs]

    def block(self, name: str) -> Block:
        """Return a block by name.

        Raises:
            SheetpropError: there is none.
        """
        for block in self.d.blocks:
            if block.name == name:
                return block
        raise SheetpropError(f"{name}: there is no such block")


def derive(program: Program, values: Mapping[str, np.ndarray[Any, Any]], *, optimizer: Optimizer | None = None,
           switch: bool = False) -> Learning:
    """Derive formulas for a program.

    Args:
        program: what was captured.
        values: of what it is given, by name.
        optimizer: for the step; None derives forward only.
        switch: whether a cell says if the way back is calculated.
    """
    d = Derivation()
    learning = Learning(program, d, optimizer=optimizer)
    layers = _layers(program)
    data = Layer(DATA, "", "data")
    owners = _owners(program, layers)
    for one in program.given:
        layer = owners.get(one.name, data)
        if one.values is not None:
            numbers = np.array(one.values).reshape(one.shape)
            learning.tensors[one.name] = _constant(d, one.path, numbers, one.kind, layer)
            continue
        needs = one.kind == "float" and (one.role == "input" or (one.role == "parameter" and one.trained))
        learning.tensors[one.name] = d.given(one.path, np.asarray(values[one.name]), one.role, kind=one.kind,
                                             needs=needs, layer=layer)
    for node, layer in zip(program.nodes, layers, strict=True):
        with d.within(layer):
            try:
                learning.tensors[node.name] = _applied(d, node, learning.tensors)
            except SheetpropError as error:
                place = f" ({node.line})" if node.line else ""
                raise SheetpropError(f"{error}{place}") from error
    d.layers = list(dict.fromkeys(layers))
    for node, layer in zip(program.nodes, layers, strict=True):
        out = learning.tensors[node.name]
        layer.shape = (out[0] if isinstance(out, tuple) else out).shape
    if program.loss is not None:
        loss = learning.tensors[program.loss]
        if loss.places.size != 1:
            raise SheetpropError(f"the loss has the shape {list(loss.shape)}; it has to be one number")
        learning.loss = int(loss.flat[0])
        if optimizer is not None:
            _back(learning, loss, optimizer, switch)
    return learning


def _back(learning: Learning, loss: Tensor, optimizer: Optimizer, switch: bool) -> None:
    d = learning.d
    seed = None
    steps = Layer(OPTIMIZER, "", optimizer.name)
    if switch:
        with d.within(steps):
            on = d.given("backward", np.array(1.0), "setting",
                         note="1: gradients and step are calculated; 0: not, so that typing a number is quick")
        seed = Cell(on.flat)
    d.backward(loss, seed)
    step = Step(d, optimizer, steps)
    for one in learning.program.given:
        if one.role == "parameter":
            flat = learning.tensors[one.name].flat
            block = d.block_at(int(flat[0])) if len(flat) else None
            gradient = d.gradient_block(block) if block is not None else None
            if block is not None and gradient is not None:
                step.derive(block, gradient)
    learning.changes = step.changes


def _constant(d: Derivation, path: str, numbers: np.ndarray[Any, Any], kind: Any, layer: Layer) -> Tensor:
    """Return a constant: numbers that are seen in cells, or masks and single numbers that cost none."""
    if kind != "float" or numbers.size <= 1 or not np.isfinite(numbers).all() or len(np.unique(numbers)) == 1:
        return d.constants_of(numbers, kind)
    return d.given(path, numbers, "constant", layer=layer)


def _applied(d: Derivation, node: Node, tensors: Mapping[str, Any]) -> Any:
    def resolved(value: Any) -> Any:
        if isinstance(value, dict):
            return tensors[value["ref"]]
        if isinstance(value, list | tuple):
            return [resolved(one) for one in value]
        return value

    args = [resolved(value) for value in node.args]
    if node.target == "getitem":
        return args[0][args[1]]
    return d.apply(node.target, *args, **{name: resolved(value) for name, value in node.kwargs.items()})


def _layers(program: Program) -> list[Layer]:
    """Return the layer of every operation: its module, or a function of its own."""
    from sheetprop.modules.operations import base_name, operation
    from sheetprop.modules.operations.losses import OPERATIONS
    from sheetprop.modules.operations.views import Same, View

    losses = {name for rule in OPERATIONS for name in rule.names}
    found: list[Layer] = []
    by_module: dict[str, Layer] = {}
    taken: set[str] = {DATA.lower(), OPTIMIZER.lower(), LOSS.lower(), "start", "check"}
    loss = Layer(LOSS, "", "loss")
    containers = {node.module.rpartition(".")[0] for node in program.nodes} | {""}
    for node in program.nodes:
        name = base_name(node.target)
        if node.target != "getitem" and node.name == program.loss and (name in losses or not node.module):
            found.append(loss)
            continue
        alone = node.module not in containers or node.kind in ("LSTM", "GRU", "RNN", "MultiheadAttention")
        if alone and node.module:
            layer = by_module.get(node.module)
            if layer is None:
                layer = by_module[node.module] = Layer(_unique(node.module, node.kind, taken), node.module, node.kind)
        elif found and (node.target == "getitem" or isinstance(operation(node.target), View | Same)):
            layer = found[-1]
        else:
            short = _SHORT.get(name, name).strip("_")
            layer = Layer(_unique(short, "", taken), node.module, name.strip("_"))
        found.append(layer)
    return found


def _unique(name: str, kind: str, taken: set[str]) -> str:
    """Return a name for a sheet: letters, digits, dots and underscores, at most 24, not taken yet."""
    last = name if kind == "" or not name.rpartition(".")[2].isdigit() else f"{kind.lower()}_{name}"
    plain = "".join(c if c.isalnum() or c == "_" else "_" for c in last)[-24:].lstrip("_") or "layer"
    if plain[0].isdigit() or len(plain) < 4:
        plain = f"{kind.lower() or 'layer'}_{plain}"[:24]
    number, candidate = 1, plain
    while candidate.lower() in taken or _like_cell(candidate):
        number += 1
        candidate = f"{plain}_{number}"
    taken.add(candidate.lower())
    return candidate


def _like_cell(name: str) -> bool:
    """Whether a sheet's name reads as the address of a cell, so that it would have to be quoted."""
    letters = name.rstrip("0123456789")
    return len(letters) <= 3 and letters.isalpha() and len(letters) < len(name)


def _owners(program: Program, layers: list[Layer]) -> dict[str, Layer]:
    """Return the layer of each parameter: that of the first operation that reads it."""
    found: dict[str, Layer] = {}
    roles = {one.name: one.role for one in program.given}
    for node, layer in zip(program.nodes, layers, strict=True):
        for name in references(node.args) | references(tuple(node.kwargs.values())):
            if roles.get(name) in ("parameter", "buffer", "constant"):
                found.setdefault(name, layer)
    return found

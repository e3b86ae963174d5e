"""The judge: the same learning in PyTorch, float64, by `loss.backward()` and `torch.optim`.

It shares the names of the quantities with `equations`, and no line of mathematics.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sheetprop.network import symbols
from sheetprop.network.spec import Network, Spec
from sheetprop.progress import progress

if TYPE_CHECKING:
    import torch

Array = npt.NDArray[np.float64]

# So many numbers are held at once by a batch of rows; more rows are taken in several batches.
_BATCH_NUMBERS = 4_000_000


@dataclass(frozen=True)
class _Batch:
    """A batch of copies of one network, each with weights of its own.

    Attributes:
        weights: for each layer a tensor (copies, units, inputs).
        biases: for each layer a tensor (copies, units, 1), or nothing.
        inputs: (copies, inputs, 1), the same for every copy.
        targets: (copies, outputs, 1), likewise.
        functions: the activation of each layer.
        learn_bias: whether the biases are learned.
    """

    weights: list[torch.Tensor]
    biases: list[torch.Tensor]
    inputs: torch.Tensor
    targets: torch.Tensor
    functions: list[Callable[[torch.Tensor], torch.Tensor]]
    learn_bias: bool

    @property
    def leaves(self) -> list[torch.Tensor]:
        """What is learned."""
        return self.weights + self.biases if self.learn_bias else self.weights


def _forward(batch: _Batch) -> tuple[list[torch.Tensor], list[torch.Tensor], torch.Tensor]:
    """Return pre-activations and activations of every layer and the error of every output, each (copies, units, 1)."""
    import torch

    before, after = [], []
    signal = batch.inputs
    for layer, weight in enumerate(batch.weights):
        total = torch.bmm(weight, signal)
        if batch.biases:
            total = total + batch.biases[layer]
        signal = batch.functions[layer](total)
        before.append(total)
        after.append(signal)
    return before, after, 0.5 * torch.square(batch.targets - signal)


def _batch(network: Network, parameters: npt.NDArray[np.float64]) -> _Batch:
    """Cut rows of parameters (copies, what is learned: weights, then biases) into leaf tensors for each layer."""
    import torch

    functions = {"sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": torch.relu, "identity": torch.clone}

    weights, biases = [], []
    at = 0
    for fan_in, fan_out in zip(network.layers[:-1], network.layers[1:], strict=True):
        block = parameters[:, at:at + fan_in * fan_out].reshape(-1, fan_out, fan_in)
        weights.append(torch.tensor(block, dtype=torch.float64, requires_grad=True))
        at += fan_in * fan_out
    if network.bias:
        shifts = parameters[:, at:] if network.learn_bias else np.tile(network.biases, (len(parameters), 1))
        at = 0
        for fan_out in network.layers[1:]:
            block = shifts[:, at:at + fan_out, None]
            biases.append(torch.tensor(block, dtype=torch.float64, requires_grad=network.learn_bias))
            at += fan_out
    inputs, targets = (torch.tensor(values, dtype=torch.float64).reshape(1, -1, 1).expand(len(parameters), -1, -1)
                       for values in (network.inputs, network.targets))
    return _Batch(weights, biases, inputs, targets, [functions[name] for name in network.activations],
                  network.learn_bias)


def _flat(parts: Sequence[torch.Tensor]) -> Array:
    """Return the parts of each copy side by side: (copies, numbers)."""
    joined: Array = np.concatenate([part.detach().numpy().reshape(part.shape[0], -1) for part in parts], axis=1)
    return joined


def rows(network: Network, parameters: Array, learning_rates: Array) -> dict[str, Array]:
    """Recompute single iterations from their own parameters.

    Args:
        network: gives shape, activations, inputs and targets.
        parameters: (rows, what is learned: weights, then biases), float64.
        learning_rates: (rows,); the rate of each row.

    Returns:
        For each symbol of `equations.derive` an array (rows,); under ``next w1`` and so on the
        parameters of the next iteration, by one step of `torch.optim`'s SGD.
    """
    size = max(1, _BATCH_NUMBERS // max(1, parameters.shape[1] * 4))
    parts = [_rows(network, parameters[at:at + size], learning_rates[at:at + size])
             for at in range(0, len(parameters), size)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _rows(network: Network, parameters: Array, learning_rates: Array) -> dict[str, Array]:
    import torch

    layers = network.layers
    batch = _batch(network, parameters)
    before, after, errors = _forward(batch)
    for hidden in after[:-1]:
        hidden.retain_grad()
    total = errors.sum(dim=(1, 2))
    total.backward(torch.ones_like(total))  # type: ignore[no-untyped-call]

    result: dict[str, Array] = {}

    def store(names: Sequence[str], values: torch.Tensor | None) -> None:
        assert values is not None
        for position, name in enumerate(names):
            result[name] = values.detach().flatten(1).numpy()[:, position].copy()

    for layer in range(1, len(layers)):
        store(symbols.pre_activations(layers, layer), before[layer - 1])
        store(symbols.activations(layers, layer), after[layer - 1])
        if layer < len(layers) - 1:
            store([symbols.gradient(name) for name in symbols.activations(layers, layer)], after[layer - 1].grad)
    store(symbols.errors(layers), errors)
    result[symbols.TOTAL] = total.detach().numpy().copy()
    gradients = torch.cat([leaf.grad.flatten(1) for leaf in batch.leaves if leaf.grad is not None], dim=1)
    store([symbols.gradient(name) for name in network.parameters()], gradients)
    _step(batch.leaves, torch.tensor(learning_rates, dtype=torch.float64).reshape(-1, 1, 1))
    following = _flat(batch.leaves)
    for position, name in enumerate(network.parameters()):
        result[f"next {name}"] = following[:, position]
    return result


def _step(leaves: Sequence[torch.Tensor], learning_rates: torch.Tensor) -> None:
    """Take one step of plain gradient descent in a batch in which each copy has a learning rate of its own.

    `torch.optim` knows one rate for a tensor. The rate of each copy is therefore multiplied into its
    gradient just before the step, and the rate given is 1: the same two roundings. The step is
    `torch.optim.SGD`'s own function; the class around it imports the compiler when it is first used,
    which costs more than all the rest of a verification.

    Args:
        leaves: with gradients.
        learning_rates: (copies, 1, 1).
    """
    import torch
    from torch.optim.sgd import sgd

    with torch.no_grad():
        gradients = []
        for leaf in leaves:
            assert leaf.grad is not None
            gradients.append(leaf.grad * learning_rates)
        sgd(list(leaves), gradients, [None] * len(leaves), foreach=False, fused=False, weight_decay=0.0,
            momentum=0.0, lr=1.0, dampening=0.0, nesterov=False, maximize=False)


@dataclass(frozen=True)
class Run:
    """An independent run of all learning rates.

    Attributes:
        total: E_total, (copies, rates, iterations + 1); copy 0 is undisturbed.
        parameters: what is learned, weights then biases, (copies, rates, iterations + 1, parameters).
    """

    total: Array
    parameters: Array


def run(spec: Spec, noise: Array | None = None, *, push: float = 0.0, copies: int = 4, seed: int = 0) -> Run:
    """Train from the initial values at every learning rate, all in one batch.

    Args:
        spec: the network, its learning rates and the number of iterations.
        noise: (rates, iterations + 1, parameters). When given, `copies` more runs are made in which
            every parameter of every iteration is moved up or down by so much, at random. They show
            how rounding differences of that size grow in this run.
        push: instead of `noise`: every parameter is moved by this share of its size and of the step to it.
        copies: the number of disturbed runs.
        seed: draws the directions.

    Returns:
        E_total and the parameters of every copy at every iteration.
    """
    import torch

    network = spec.network
    count = 1 if noise is None and not push else 1 + copies
    start = np.array([network.weights + (network.biases if network.learn_bias else ())], dtype=np.float64)
    rates = torch.tensor(spec.learning_rates, dtype=torch.float64).repeat(count).reshape(-1, 1, 1)
    batch = _batch(network, np.repeat(start, len(rates), axis=0))
    leaves, ones = batch.leaves, torch.ones(len(rates), dtype=torch.float64)
    total = np.empty((len(rates), spec.iterations + 1))
    parameters = np.empty((*total.shape, start.shape[1]))
    draw = np.random.default_rng(seed)
    for iteration in progress(range(spec.iterations + 1), label="PyTorch run"):
        if noise is not None:
            _disturb(leaves, noise[:, iteration], draw)
        elif push:
            plain = _flat(leaves)[:len(spec.learning_rates)]
            before = parameters[:len(plain), iteration - 1] if iteration else plain
            with np.errstate(all="ignore"):
                moves = push * np.maximum(np.abs(plain), np.abs(plain - before))
            _disturb(leaves, moves, draw)
        for leaf in leaves:
            leaf.grad = None
        loss = _forward(batch)[2].sum(dim=(1, 2))
        loss.backward(ones)  # type: ignore[no-untyped-call]
        total[:, iteration] = loss.detach().numpy()
        parameters[:, iteration] = _flat(leaves)
        if iteration < spec.iterations:
            _step(leaves, rates)
    shape = (count, len(spec.learning_rates))
    return Run(total.reshape(*shape, -1), parameters.reshape(*shape, *parameters.shape[1:]))


def _disturb(leaves: Sequence[torch.Tensor], noise: Array, draw: np.random.Generator) -> None:
    """Move every parameter of all copies but the first up or down by its part of `noise` (rates, parameters)."""
    import torch

    rates = len(noise)
    copies = leaves[0].shape[0] // rates - 1
    moves = noise * draw.choice((-1.0, 1.0), size=(copies, *noise.shape))
    at = 0
    with torch.no_grad():
        for leaf in leaves:
            size = leaf[0].numel()
            leaf[rates:] += torch.from_numpy(moves[:, :, at:at + size].copy()).reshape(-1, *leaf.shape[1:])
            at += size


# The runs beside the one that counts are pushed by so much: sixty-four times what rounding does to a number.
_PUSH = 64 * 2.0**-53
# A right program may be so many times further away than the pushed runs, which are few.
_MARGIN = 16.0
# From here on, relative to the largest parameter, a comparison of two runs says nothing.
_LOST = 1e-3


def snapshots(spec: Spec, iterations: Collection[int]) -> dict[int, dict[str, Array]]:
    """Return every quantity of an independent run at some of its iterations.

    Args:
        spec: the network, its learning rates and the number of iterations.
        iterations: which, from 0 to `spec.iterations`.

    Returns:
        By iteration what `rows` gives for the run's parameters there, arrays (rates,); under ``drift w1`` and
        so on how far rounding may carry another right program from it, and under ``lost`` whether (1.0) that is
        so far that nothing can be compared.
    """
    made = run(spec, push=_PUSH)
    rates = np.array(spec.learning_rates)
    result = {}
    for iteration in iterations:
        copies = [rows(spec.network, copy[:, iteration], rates) for copy in made.parameters]
        plain, pushed = made.parameters[0, :, iteration], made.parameters[1:, :, iteration]
        with np.errstate(all="ignore"):
            result[iteration] = copies[0] | {
                f"drift {name}": _MARGIN * np.max([np.abs(copy[name] - value) for copy in copies[1:]], axis=0)
                for name, value in copies[0].items()}
            distance = _MARGIN * np.abs(pushed - plain).max(axis=(0, 2))
            largest = np.abs(made.parameters[0, :, :iteration + 1]).max(axis=(1, 2))
            result[iteration]["lost"] = (distance > _LOST * largest).astype(np.float64)
    return result

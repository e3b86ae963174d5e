"""The names of all quantities of a network, in the order in which they are numbered.

Weights are numbered by layer, then unit, then input: ``h1 = w1·i1 + w2·i2``,
``h2 = w3·i1 + w4·i2``, ``o1 = w5·a_h1 + w6·a_h2``. Biases are numbered by layer, then unit.
A network with one hidden layer has ``h1, h2, ...``; with several, unit 2 of the first
hidden layer is ``h1_2``.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

TOTAL = "E_total"
LEARNING_RATE = "η"
ITERATION = "iteration"


def inputs(layers: Sequence[int]) -> list[str]:
    """Return ``i1, i2, ...``."""
    return [f"i{unit}" for unit in range(1, layers[0] + 1)]


def targets(layers: Sequence[int]) -> list[str]:
    """Return ``t1, t2, ...``."""
    return [f"t{unit}" for unit in range(1, layers[-1] + 1)]


def weights(layers: Sequence[int]) -> list[str]:
    """Return ``w1 .. wN`` by layer, then unit, then input."""
    count = sum(fan_in * fan_out for fan_in, fan_out in itertools.pairwise(layers))
    return [f"w{number}" for number in range(1, count + 1)]


def weight_block(layers: Sequence[int], layer: int) -> list[list[str]]:
    """Return the weights into layer `layer` (1 is the first after the inputs): one list for each unit."""
    start = sum(layers[k] * layers[k + 1] for k in range(layer - 1))
    fan_in = layers[layer - 1]
    return [[f"w{start + unit * fan_in + source + 1}" for source in range(fan_in)] for unit in range(layers[layer])]


def biases(layers: Sequence[int]) -> list[str]:
    """Return ``b1 .. bN`` by layer, then unit."""
    return [f"b{number}" for number in range(1, sum(layers[1:]) + 1)]


def bias_block(layers: Sequence[int], layer: int) -> list[str]:
    """Return the biases of layer `layer`."""
    start = sum(layers[1:layer])
    return [f"b{start + unit + 1}" for unit in range(layers[layer])]


def pre_activations(layers: Sequence[int], layer: int) -> list[str]:
    """Return the weighted sums of layer `layer`: ``h1, ...`` or ``o1, ...``."""
    units = range(1, layers[layer] + 1)
    if layer == len(layers) - 1:
        return [f"o{unit}" for unit in units]
    hidden_layers = len(layers) - 2
    return [f"h{unit}" if hidden_layers == 1 else f"h{layer}_{unit}" for unit in units]


def activations(layers: Sequence[int], layer: int) -> list[str]:
    """Return what layer `layer` passes on: the inputs for layer 0, else ``a_h1, ...`` or ``a_o1, ...``."""
    if layer == 0:
        return inputs(layers)
    return [f"a_{name}" for name in pre_activations(layers, layer)]


def errors(layers: Sequence[int]) -> list[str]:
    """Return ``E1, E2, ...``: one for each output."""
    return [f"E{unit}" for unit in range(1, layers[-1] + 1)]


def gradient(name: str) -> str:
    """Return the name of the derivative of the total error by `name`."""
    return f"∂{TOTAL}/∂{name}"

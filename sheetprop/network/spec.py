"""What is learned: a fully connected network, its values, the learning rates and the number of iterations."""

from __future__ import annotations

import math
import os
import random
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sheetprop.errors import SheetpropError, nearest
from sheetprop.network import symbols
from sheetprop.network.presets import PRESETS

ACTIVATIONS = ("sigmoid", "tanh", "relu", "identity")
DEFAULT_LEARNING_RATES = (0.1, 0.2, 0.5, 0.8, 1.0, 2.0)
DEFAULT_ITERATIONS = 100


@dataclass(frozen=True)
class Network:
    """A fully connected network with its one training example and its initial values.

    Attributes:
        layers: units in each layer, inputs first; at least two layers.
        activations: one of `ACTIVATIONS` for each layer after the inputs.
        bias: whether every unit has a bias.
        inputs: one value for each input.
        targets: one value for each output.
        weights: initial values by layer, then unit, then input.
        biases: initial values by layer, then unit; empty without biases.
        learn_bias: whether the biases are learned like weights; otherwise they stay what they are.
    """

    layers: tuple[int, ...]
    activations: tuple[str, ...]
    bias: bool
    inputs: tuple[float, ...]
    targets: tuple[float, ...]
    weights: tuple[float, ...]
    biases: tuple[float, ...] = ()
    learn_bias: bool = True

    def __post_init__(self) -> None:
        """Check that everything fits together."""
        check_layers(self.layers)
        if len(self.activations) != len(self.layers) - 1:
            raise SheetpropError(
                f"activation: {len(self.activations)} given, {len(self.layers) - 1} needed for layers "
                f"{self.shape} (one for each layer after the inputs, or one for all)")
        for name in self.activations:
            if name not in ACTIVATIONS:
                raise SheetpropError(f"activation {name!r} is unknown; {nearest(name, ACTIVATIONS)}")
        self._check_values("inputs", self.inputs, len(symbols.inputs(self.layers)))
        self._check_values("targets", self.targets, len(symbols.targets(self.layers)))
        self._check_values("weights", self.weights, len(symbols.weights(self.layers)))
        self._check_values("biases", self.biases, sum(self.layers[1:]) if self.bias else 0)
        if not self.bias:
            object.__setattr__(self, "learn_bias", True)

    def _check_values(self, what: str, values: Sequence[float], needed: int) -> None:
        if len(values) != needed:
            hint = "; add --bias or leave the biases out" if what == "biases" and not self.bias else ""
            raise SheetpropError(f"{what}: {len(values)} given, {needed} needed for layers {self.shape}{hint}")
        for position, value in enumerate(values, start=1):
            check_number(f"{what}, number {position}", value)

    @property
    def shape(self) -> str:
        """The layers as text, such as ``2-2-2``."""
        return "-".join(map(str, self.layers))

    def initial(self) -> dict[str, float]:
        """Return the value of every input, target, weight and bias by symbol."""
        names = (symbols.inputs(self.layers) + symbols.targets(self.layers) + symbols.weights(self.layers)
                 + (symbols.biases(self.layers) if self.bias else []))
        return dict(zip(names, self.inputs + self.targets + self.weights + self.biases, strict=True))

    def parameters(self) -> list[str]:
        """Return the symbols that are learned: the weights, then the biases unless these are fixed."""
        return symbols.weights(self.layers) + (symbols.biases(self.layers) if self.bias and self.learn_bias else [])

    def fixed_biases(self) -> list[str]:
        """Return the symbols of the biases that are not learned."""
        return symbols.biases(self.layers) if self.bias and not self.learn_bias else []


@dataclass(frozen=True)
class Spec:
    """A network and how it is trained: plain gradient descent at each of the learning rates.

    Attributes:
        network: the network and its initial values.
        learning_rates: one run for each; zero, negative and equal ones are allowed.
        iterations: steps of each run; rows 0 to `iterations` are computed.
        name: the preset it came from, or ``custom``.
    """

    network: Network
    learning_rates: tuple[float, ...] = DEFAULT_LEARNING_RATES
    iterations: int = DEFAULT_ITERATIONS
    name: str = field(default="custom", compare=False)

    def __post_init__(self) -> None:
        """Check rates and iterations."""
        if not self.learning_rates:
            raise SheetpropError("learning rates: none given; give at least one, such as --lrs 0.1,0.5")
        for position, rate in enumerate(self.learning_rates, start=1):
            check_number(f"learning rates, number {position}", rate)
        if isinstance(self.iterations, bool) or not isinstance(self.iterations, int) or self.iterations < 1:
            raise SheetpropError(f"iterations: {self.iterations!r} given; give a whole number of at least 1")

    def toml(self) -> str:
        """Return the text of a spec file that gives this spec again."""
        network = self.network
        lines = [
            "# A sheetprop spec: build it with  sheetprop build --spec FILE.toml",
            f"layers = {list(network.layers)}",
            f"activation = [{', '.join(_quoted(name) for name in network.activations)}]"
            "  # sigmoid, tanh, relu or identity; one a layer",
            f"bias = {str(network.bias).lower()}",
            f"inputs = {list(network.inputs)}",
            f"targets = {list(network.targets)}",
            f"weights = {list(network.weights)}  # by layer, then unit, then input",
        ]
        if network.bias:
            lines += [f"biases = {list(network.biases)}  # by layer, then unit",
                      f"learn_bias = {str(network.learn_bias).lower()}  # false: the biases stay what they are"]
        lines += [f"learning_rates = {list(self.learning_rates)}", f"iterations = {self.iterations}"]
        return "\n".join(lines) + "\n"


def _quoted(name: str) -> str:
    return f'"{name}"'


def check_number(what: str, value: object) -> float:
    """Return `value` as a float, or say that it is no finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SheetpropError(f"{what}: {value!r} is no number; write it like 0.15")
    if not math.isfinite(value):
        raise SheetpropError(f"{what}: {value} is not a finite number; write it like 0.15")
    return float(value)


def check_layers(layers: Sequence[object]) -> None:
    """Raise unless `layers` is at least two whole numbers of at least 1."""
    if len(layers) < 2:
        raise SheetpropError("layers: give at least inputs and outputs, such as 2-2-2")
    for position, units in enumerate(layers, start=1):
        if isinstance(units, bool) or not isinstance(units, int) or units < 1:
            raise SheetpropError(f"layers, number {position}: {units!r} units; each layer needs at least 1")


KEYS = ("preset", "layers", "activation", "bias", "inputs", "targets", "weights", "biases", "learn_bias",
        "learning_rates", "iterations", "seed")


def make_spec(
    *,
    preset: str | None = None,
    layers: Sequence[int] | None = None,
    activation: str | Sequence[str] | None = None,
    bias: bool | None = None,
    inputs: Sequence[float] | None = None,
    targets: Sequence[float] | None = None,
    weights: Sequence[float] | None = None,
    biases: Sequence[float] | None = None,
    learn_bias: bool | None = None,
    learning_rates: Sequence[float] | None = None,
    iterations: int | None = None,
    seed: int | None = None,
) -> Spec:
    """Return a spec from whatever is given; the rest comes from the preset or is drawn.

    Without a preset, layers or seed, the preset ``classic`` is the base. Values that neither the
    caller nor a preset gives are drawn uniformly by `seed` (default 0) and rounded to two decimals:
    weights and biases from -1 to 1, inputs and targets from 0.05 to 0.95.

    Raises:
        SheetpropError: an unknown preset or activation, a list of the wrong length, or no number
            where one belongs.
    """
    if preset is None and layers is None and seed is None:
        preset = "classic"
    if preset is not None and preset not in PRESETS:
        raise SheetpropError(f"preset {preset!r} is unknown; {nearest(preset, list(PRESETS))}")
    base = PRESETS[preset] if preset is not None else None
    if layers is not None:
        check_layers(layers)
    shape = tuple(layers) if layers is not None else base.layers if base is not None else (2, 2, 2)
    if base is not None and shape != base.layers:
        raise SheetpropError(f"layers {'-'.join(map(str, shape))}: preset {preset} has 2-2-2; leave out --preset, "
                             "and values are drawn by --seed")
    if activation is None:
        activation = "sigmoid"
    names = (activation,) * (len(shape) - 1) if isinstance(activation, str) else tuple(activation)
    if len(names) == 1:
        names *= len(shape) - 1
    if base is not None:
        inputs = base.inputs if inputs is None else inputs
        targets = base.targets if targets is None else targets
        weights = base.weights if weights is None else weights
        if base.biases and bias is not False:
            biases = base.biases if biases is None else biases
            learn_bias = base.learn_bias if learn_bias is None else learn_bias
    if bias is None:
        bias = biases is not None
    draw = random.Random(0 if seed is None else seed)
    network = Network(
        layers=shape,
        activations=names,
        bias=bias,
        inputs=_given_or_drawn(inputs, shape[0], draw, 0.05, 0.95),
        targets=_given_or_drawn(targets, shape[-1], draw, 0.05, 0.95),
        weights=_given_or_drawn(weights, len(symbols.weights(shape)), draw, -1.0, 1.0),
        biases=_given_or_drawn(biases, sum(shape[1:]) if bias else 0, draw, -1.0, 1.0),
        learn_bias=learn_bias is not False,
    )
    return Spec(
        network=network,
        learning_rates=DEFAULT_LEARNING_RATES if learning_rates is None else _floats(learning_rates),
        iterations=DEFAULT_ITERATIONS if iterations is None else iterations,
        name=preset or ("drawn by seed " + str(0 if seed is None else seed) if weights is None else "custom"),
    )


def _floats(values: Iterable[Any]) -> tuple[Any, ...]:
    """Turn whole numbers into floats and leave what is no number for the checks to name."""
    return tuple(float(v) if isinstance(v, int) and not isinstance(v, bool) else v for v in values)


def _given_or_drawn(
    given: Sequence[float] | None, count: int, draw: random.Random, low: float, high: float
) -> tuple[float, ...]:
    # Always draw, so that giving one list does not change the values drawn for the others.
    drawn = tuple(round(draw.uniform(low, high), 2) for _ in range(count))
    return drawn if given is None else _floats(given)


def read_spec(path: str | os.PathLike[str]) -> Spec:
    """Read a spec file (TOML; its keys are the arguments of :func:`make_spec`).

    Raises:
        SheetpropError: the file is missing, no TOML, has an unknown key or a value of the wrong kind.
    """
    options = read_options(path)
    try:
        return make_spec(**options)
    except SheetpropError as error:
        raise SheetpropError(f"{Path(path)}: {error}") from error


def read_options(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the contents of a spec file as keyword arguments for :func:`make_spec`."""
    file = Path(path)
    try:
        options = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SheetpropError(f"{file}: cannot be read ({error.strerror}); check the name") from error
    except UnicodeDecodeError as error:
        raise SheetpropError(f"{file}: is not text in UTF-8; a spec is a TOML file "
                             "(see sheetprop spec --preset classic)") from error
    except tomllib.TOMLDecodeError as error:
        raise SheetpropError(f"{file}: is not valid TOML: {error}") from error
    for key, value in options.items():
        if key not in KEYS:
            raise SheetpropError(f"{file}: unknown key {key!r}; {nearest(key, KEYS)}")
        if problem := _wrong_kind(key, value):
            raise SheetpropError(f"{file}: {key} = {value!r} {problem}")
    return options


def _wrong_kind(key: str, value: object) -> str | None:
    if key in {"layers", "inputs", "targets", "weights", "biases", "learning_rates"}:
        return None if isinstance(value, list) else "is no list; write it like [0.05, 0.1]"
    if key == "activation":
        fits = isinstance(value, str) or (isinstance(value, list) and all(isinstance(v, str) for v in value))
        return None if fits else 'is neither a name nor a list of names; write it like "sigmoid"'
    if key in {"bias", "learn_bias"}:
        return None if isinstance(value, bool) else "is neither true nor false"
    if key == "preset":
        return None if isinstance(value, str) else "is no name"
    whole = isinstance(value, int) and not isinstance(value, bool)
    return None if whole else "is no whole number"


def with_values(spec: Spec, values: dict[str, float], learning_rates: Sequence[float]) -> Spec:
    """Return `spec` with the values of its symbols and its rates replaced, as read from a workbook."""
    network = spec.network
    layers = network.layers
    changed = replace(
        network,
        inputs=tuple(values[name] for name in symbols.inputs(layers)),
        targets=tuple(values[name] for name in symbols.targets(layers)),
        weights=tuple(values[name] for name in symbols.weights(layers)),
        biases=tuple(values[name] for name in symbols.biases(layers)) if network.bias else (),
    )
    return replace(spec, network=changed, learning_rates=tuple(learning_rates))

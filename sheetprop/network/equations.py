"""The forward pass, the chain rule and the update as an ordered list of named equations.

The forward pass is written down once for any number of layers. Everything after it follows by
reverse-mode differentiation: walking back from the total error, the adjoint of a quantity is the
sum, over the equations that use it, of their own adjoint times their derivative by it.

One choice decides how the sheet reads. The adjoint of every *hidden activation* becomes an
equation of its own, ``∂E_total/∂a_h1``, because several paths join there; all other adjoints are
written out where they are used. So a gradient is always slope · incoming activation, an output
weight reads ``(a_o1 - t1)·a_o1·(1 - a_o1)·a_h1`` in one line, and the sum over the outputs stands
in one column instead of in every gradient of a hidden weight.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from sheetprop.network import symbols as names
from sheetprop.network.expression import (
    ONE,
    ZERO,
    Expression,
    Function,
    Number,
    Product,
    Symbol,
    add,
    derivative,
    product,
    symbols,
)
from sheetprop.network.spec import Network

Group = Literal["forward", "error", "backward", "update"]
GROUPS: tuple[Group, ...] = ("forward", "error", "backward", "update")

_ACTIVATION_SENTENCES = {
    "sigmoid": "the sigmoid squeezes {of} into the range from 0 to 1",
    "tanh": "the hyperbolic tangent squeezes {of} into the range from -1 to 1",
    "relu": "{of} where it is positive, otherwise 0",
    "identity": "passed on as it is",
}


@dataclass(frozen=True)
class Equation:
    """One named equation of the network.

    Attributes:
        symbol: what the equation defines. In the group ``update`` it is the weight or bias itself,
            and the value defined is the one in the next iteration.
        expression: the right-hand side, over symbols of the same iteration.
        group: the part of an iteration that it belongs to.
        explanation: a sentence in plain words.
        chain: the chain rule behind a gradient, as products of partial derivatives; None elsewhere.
    """

    symbol: str
    expression: Expression
    group: Group
    explanation: str
    chain: Expression | None = None


@dataclass(frozen=True)
class Equations:
    """All equations of a network in the order in which they are computed."""

    network: Network
    forward: tuple[Equation, ...]
    error: tuple[Equation, ...]
    backward: tuple[Equation, ...]
    update: tuple[Equation, ...]

    def __iter__(self) -> Iterator[Equation]:
        """Yield the equations: forward, error, backward, update."""
        yield from self.forward
        yield from self.error
        yield from self.backward
        yield from self.update

    @cached_property
    def defined(self) -> dict[str, Equation]:
        """The equations of one iteration (all but the updates) by symbol."""
        return {e.symbol: e for e in (*self.forward, *self.error, *self.backward)}


def derive(network: Network) -> Equations:
    """Return the equations of `network`."""
    forward = tuple(_forward(network))
    error = tuple(_error(network))
    backward = tuple(_backward(network, forward + error))
    update = tuple(_update(network))
    return Equations(network, forward, error, backward, update)


def _forward(network: Network) -> Iterator[Equation]:
    layers = network.layers
    last = len(layers) - 1
    for layer in range(1, last + 1):
        incoming = names.activations(layers, layer - 1)
        block = names.weight_block(layers, layer)
        biases = names.bias_block(layers, layer) if network.bias else [""] * layers[layer]
        kind = "output" if layer == last else "hidden unit" if last == 2 else f"hidden layer {layer}, unit"
        function = network.activations[layer - 1]
        for unit, (pre, post) in enumerate(
            zip(names.pre_activations(layers, layer), names.activations(layers, layer), strict=True)
        ):
            total: Expression = ZERO
            for weight, source in zip(block[unit], incoming, strict=True):
                total = total + Symbol(weight) * Symbol(source)
            if biases[unit]:
                total = total + Symbol(biases[unit])
            source_words = "input" if layer == 1 else "activation of the layer before"
            yield Equation(pre, total, "forward",
                           f"Pre-activation of {kind} {unit + 1}: each {source_words} times its weight, added up"
                           + (", plus the bias." if biases[unit] else "."))
            argument = Symbol(pre)
            value = argument if function == "identity" else Function(function, argument)  # type: ignore[arg-type]
            sentence = _ACTIVATION_SENTENCES[function].format(of=pre)
            yield Equation(post, value, "forward", f"Activation of {kind} {unit + 1}: {sentence}.")


def _error(network: Network) -> Iterator[Equation]:
    layers = network.layers
    each = names.errors(layers)
    outputs = names.activations(layers, len(layers) - 1)
    for unit, (error, target, output) in enumerate(zip(each, names.targets(layers), outputs, strict=True), start=1):
        yield Equation(error, Number(0.5) * (Symbol(target) - Symbol(output)) ** 2, "error",
                       f"Error of output {unit}: half the squared distance from the target; "
                       "the ½ cancels the 2 of the derivative.")
    total: Expression = ZERO
    for error in each:
        total = total + Symbol(error)
    sentence = "Total error: the sum over the outputs. Learning makes this number small."
    yield Equation(names.TOTAL, total, "error", sentence)


def _backward(network: Network, defined: tuple[Equation, ...]) -> Iterator[Equation]:
    """Yield ∂E_total/∂x for every hidden activation, weight and bias, from the last layer to the first."""
    layers = network.layers
    named = {name for layer in range(1, len(layers) - 1) for name in names.activations(layers, layer)}
    adjoint: dict[str, Expression] = {names.TOTAL: ONE}
    chain: dict[str, Expression] = {names.TOTAL: ONE}
    gradients: dict[str, Equation] = {}
    joins: dict[str, list[Equation]] = {}
    for equation in reversed(defined):
        y = equation.symbol
        if y in named:
            # All users of y have been passed, so its adjoint is complete: give it its own equation.
            join = Equation(names.gradient(y), adjoint[y], "backward", _join_sentence(y, adjoint[y]), chain[y])
            joins[y] = [join]
            adjoint[y] = chain[y] = Symbol(names.gradient(y))
        for x in symbols(equation.expression):
            local = derivative(equation.expression, x, Symbol(y))
            # Contributions arrive from the last user to the first; put the first user's term first.
            adjoint[x.name] = add(product(adjoint[y], local), adjoint.get(x.name, ZERO))
            chain[x.name] = add(product(chain[y], _partial(network, y, x.name)), chain.get(x.name, ZERO))
    for layer in range(len(layers) - 1, 0, -1):
        block = names.weight_block(layers, layer)
        biases = names.bias_block(layers, layer) if network.bias and network.learn_bias else []
        for name in [weight for unit in block for weight in unit] + biases:
            gradients[name] = Equation(names.gradient(name), adjoint[name], "backward",
                                       _gradient_sentence(name, chain[name]), chain[name])
            yield gradients[name]
        for name in names.activations(layers, layer - 1) if layer > 1 else []:
            yield from joins[name]


def _partial(network: Network, above: str, below: str) -> Expression:
    """Return the symbol ∂above/∂below, as a teacher starts the chain: at ∂E_total/∂a_o1."""
    if above == names.TOTAL:
        return ONE
    return Symbol(names.gradient(below) if above in names.errors(network.layers) else f"∂{above}/∂{below}")


def _join_sentence(name: str, adjoint: Expression) -> str:
    paths = len(getattr(adjoint, "terms", (adjoint,)))
    if paths == 1:
        return f"How the total error changes with {name}: it reaches the error on one path only."
    return f"How the total error changes with {name}: it reaches the error on {paths} paths, which add up."


def _gradient_sentence(name: str, chain: Expression) -> str:
    steps = len(chain.factors) if isinstance(chain, Product) else 1
    kind = "weight" if name.startswith("w") else "bias"
    return f"Gradient of {kind} {name}: the chain rule multiplies the {steps} slopes on the way back to it."


def _update(network: Network) -> Iterator[Equation]:
    rate = Symbol(names.LEARNING_RATE)
    for name in network.parameters():
        yield Equation(name, Symbol(name) - rate * Symbol(names.gradient(name)), "update",
                       f"{name} of the next iteration: one step against its gradient; η sets how long the step is.")

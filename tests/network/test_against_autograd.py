"""The derived equations, evaluated in NumPy, against PyTorch's autograd on random networks.

More of them by hand: ``SHEETPROP_NETWORKS=2000 pytest tests/network``.
"""

from __future__ import annotations

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sheetprop.network import reference, rounding, symbols
from sheetprop.network.equations import derive
from sheetprop.network.spec import ACTIVATIONS, Network, make_spec

ROWS = 40  # parameter sets of each drawn network: 150 draws are 6,000 networks
DRAWS = int(os.environ.get("SHEETPROP_NETWORKS", "150"))


@st.composite
def networks(draw: st.DrawFn) -> tuple[Network, int]:
    """Draw a network of 2 to 5 layers with any activations, and a seed for its values."""
    layers = draw(st.lists(st.integers(1, 4), min_size=2, max_size=5))
    activations = draw(st.lists(st.sampled_from(ACTIVATIONS), min_size=len(layers) - 1, max_size=len(layers) - 1))
    seed = draw(st.integers(0, 10_000))
    spec = make_spec(layers=layers, activation=activations, bias=draw(st.booleans()), seed=seed,
                     learn_bias=draw(st.booleans()))
    return spec.network, seed


def _disagreements(network: Network, parameters: np.ndarray, rates: np.ndarray) -> dict[str, float]:
    """Return by symbol the largest difference between equations and autograd, in tolerances."""
    expected = reference.rows(network, parameters, rates)
    equations = derive(network)
    names = network.parameters()
    constants = {name: np.array(value) for name, value in network.initial().items() if name not in names}
    leaves = {name: parameters[:, k] for k, name in enumerate(names)} | {symbols.LEARNING_RATE: rates} | constants
    sizes = rounding.sizes(equations, leaves | expected, floor=1e-288)
    found: dict[str, float] = {}
    computed = dict(leaves)
    for equation in equations:
        key = f"next {equation.symbol}" if equation.group == "update" else equation.symbol
        value = rounding.evaluate(equation.expression, computed)
        if equation.group != "update":
            computed[equation.symbol] = value
        value, wanted = (np.broadcast_to(array, len(rates)) for array in (value, expected[key]))
        size = np.broadcast_to(sizes[key], len(rates))
        usable = np.isfinite(size) & np.isfinite(wanted)
        with np.errstate(all="ignore"):
            excess = np.abs(value - wanted)[usable] / (rounding.TOLERANCE * size[usable])
        found[key] = float(excess.max(initial=0.0))
    assert set(expected) == set(found)
    return found


@settings(max_examples=DRAWS, deadline=None, derandomize=DRAWS == 150)
@given(networks())
def test_equations_agree_with_autograd_on_random_networks(drawn: tuple[Network, int]) -> None:
    network, seed = drawn
    random = np.random.default_rng(seed)
    count = len(network.parameters())
    # From tiny to saturating weights.
    parameters = random.normal(size=(ROWS, count)) * 10.0 ** random.uniform(-3, 2, size=(ROWS, 1))
    rates = random.choice([0.0, -0.5, 1e-6, 0.1, 1.0, 2.0, 1000.0], size=ROWS)
    found = _disagreements(network, parameters, rates)
    assert max(found.values()) <= 1.0, max(found.items(), key=lambda item: item[1])


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("scale", [1e-200, 1e-9, 1e3, 1e6, 1e160])
def test_extreme_weights_agree_or_overflow(activation: str, scale: float) -> None:
    network = make_spec(layers=(2, 3, 2), activation=activation, bias=True, seed=3).network
    random = np.random.default_rng(5)
    parameters = random.normal(size=(ROWS, len(network.parameters()))) * scale
    found = _disagreements(network, parameters, np.full(ROWS, 0.5))
    assert max(found.values()) <= 1.0, max(found.items(), key=lambda item: item[1])


@pytest.mark.parametrize("symbol", ["∂E_total/∂w1", "∂E_total/∂w5", "∂E_total/∂a_h1", "h1", "E_total"])
def test_tolerance_sees_a_relative_error_of_a_billionth(symbol: str) -> None:
    """The size of the terms must not be so generous that a small fault fits into it."""
    network = make_spec(preset="classic").network
    start = np.array([network.weights])
    expected = reference.rows(network, start, np.array([0.5]))
    leaves = {name: np.array(value) for name, value in network.initial().items()} | {"η": np.array(0.5)}
    size = float(rounding.sizes(derive(network), leaves | expected)[symbol].item())
    value = float(expected[symbol][0])
    assert abs(value) * 1e-9 > rounding.TOLERANCE * size
    assert size >= abs(value)


def test_a_cancellation_upstream_is_not_blamed_downstream() -> None:
    """w1·i1 + w2·i2 cancels to nothing but rounding; what follows must still be comparable."""
    network = Network((2, 1), ("identity",), False, (1e8, 1.0), (0.0,), (0.1, -1e7))
    leaves = {name: np.array(value) for name, value in network.initial().items()} | {"η": np.array(0.1)}
    expected = reference.rows(network, np.array([network.weights]), np.array([0.1]))
    sizes = rounding.sizes(derive(network), leaves | expected)
    assert sizes["o1"].item() == pytest.approx(2e7)
    # E1 = ½(t1 - a_o1)²: may move by what a_o1 may move by, 2e-5, squared.
    assert rounding.TOLERANCE * sizes["E1"].item() >= 0.49 * 2e-5**2
    assert rounding.TOLERANCE * sizes["∂E_total/∂w1"].item() >= 1.9e-5 * 1e8


def test_relu_kink_is_undecided_and_exact_zero_is_not() -> None:
    assert rounding.kinked(np.array([1e-17, 0.0, 1e-3]), np.array([1.0, 0.0, 1.0])).tolist() == [True, False, False]


def test_rows_of_the_reference_step_like_torch_optim_sgd() -> None:
    """The step that avoids the import of PyTorch's compiler is the class's own step."""
    import torch

    network = make_spec(layers=(2, 3, 2), bias=True, seed=1).network
    start = np.array([network.weights + network.biases])
    for rate in (0.0, -1.0, 1e-6, 0.7, 1000.0):
        got = reference.rows(network, start, np.array([rate]))
        names = network.parameters()
        leaf = torch.tensor(start[0], requires_grad=True)
        leaf.grad = torch.tensor([got[symbols.gradient(name)][0] for name in names])
        # The class takes no negative rate; going up along the gradient is the same.
        torch.optim.SGD([leaf], lr=abs(rate), maximize=rate < 0).step()
        assert [got[f"next {name}"][0] for name in names] == pytest.approx(leaf.detach().tolist(), rel=1e-15)


def test_run_follows_its_own_rows_and_noise_only_moves_the_copies() -> None:
    spec = make_spec(preset="eva6", learning_rates=(0.5, 2.0), iterations=30)
    plain = reference.run(spec)
    assert plain.total.shape == (1, 2, 31)
    noisy = reference.run(spec, np.full((2, 31, 8), 1e-10), copies=3)
    assert noisy.parameters.shape == (4, 2, 31, 8)
    assert noisy.total[0] == pytest.approx(plain.total[0], rel=1e-13)
    moved = np.abs(noisy.parameters[1:] - plain.parameters).max()
    assert 1e-11 < moved < 1e-6
    one = reference.rows(spec.network, plain.parameters[0, 1], np.full(31, 2.0))
    assert one["E_total"] == pytest.approx(plain.total[0, 1], rel=1e-13)
    for k, name in enumerate(spec.network.parameters()):
        assert one[f"next {name}"][:-1] == pytest.approx(plain.parameters[0, 1, 1:, k], rel=1e-13)


# What the article prints after the first update, at η = 0.5, with its biases .35 and .60 left as they are.
MAZUR = {"w1": 0.149780716, "w2": 0.19956143, "w3": 0.24975114, "w4": 0.29950229, "w5": 0.35891648,
         "w6": 0.408666186, "w7": 0.511301270, "w8": 0.561370121}


def test_mazur_after_one_update() -> None:
    """The weights that the article prints, and the error that these give: 0.291027774.

    The error that it prints, 0.291027924, is that of its program, which updates the output weights first and
    computes the gradients of w1 to w4 with the new ones; its text uses the old ones. Both are made here.
    """
    spec = make_spec(preset="mazur", learning_rates=[0.5], iterations=1)
    made = reference.run(spec)
    assert dict(zip(spec.network.parameters(), made.parameters[0, 0, 1], strict=True)) == pytest.approx(
        MAZUR, abs=6e-9)
    assert made.total[0, 0, 0] == pytest.approx(0.298371109, abs=6e-10)
    assert made.total[0, 0, 1] == pytest.approx(0.291027774, abs=6e-10)
    start = np.array([spec.network.weights])
    rate = np.array([0.5])
    first = reference.rows(spec.network, start, rate)
    mixed = np.array([[*spec.network.weights[:4], *(first[f"next w{k}"][0] for k in range(5, 9))]])
    second = start.copy()
    inputs, hidden = spec.network.inputs, [first["a_h1"][0], first["a_h2"][0]]
    slope = [(first[f"a_o{k}"][0] - spec.network.targets[k - 1]) * first[f"a_o{k}"][0] * (1 - first[f"a_o{k}"][0])
             for k in (1, 2)]
    for unit in (0, 1):
        along = slope[0] * mixed[0, 4 + unit] + slope[1] * mixed[0, 6 + unit]
        for source in (0, 1):
            second[0, 2 * unit + source] -= 0.5 * along * hidden[unit] * (1 - hidden[unit]) * inputs[source]
    second[0, 4:] = mixed[0, 4:]
    assert reference.rows(spec.network, second, rate)["E_total"][0] == pytest.approx(0.291027924, abs=6e-10)


def test_biases_that_learn_are_another_network() -> None:
    learned = make_spec(preset="mazur", learn_bias=True, learning_rates=[0.5], iterations=1)
    assert learned.network.parameters()[-1] == "b4"
    assert reference.run(learned).total[0, 0, 1] == pytest.approx(0.2804713, abs=1e-6)

"""Specs: presets, what is drawn, files, and every bad input with its one line."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sheetprop.errors import SheetpropError
from sheetprop.network import reference
from sheetprop.network.spec import Network, Spec, make_spec, read_spec, with_values

FIRST_ERROR = {"classic": 0.24251985734837728, "era": 0.014181377937891659, "eva6": 0.25123100378328034,
               "mazur": 0.298371109}


@pytest.mark.parametrize("preset", FIRST_ERROR)
def test_presets_start_with_their_known_error(preset: str) -> None:
    spec = make_spec(preset=preset)
    first = reference.run(make_spec(preset=preset, iterations=1)).total[0, 0, 0]
    assert first == pytest.approx(FIRST_ERROR[preset], rel=1e-9 if preset == "mazur" else 1e-15)
    assert spec.network.inputs == (0.05, 0.1)
    assert spec.learning_rates == (0.1, 0.2, 0.5, 0.8, 1.0, 2.0)
    assert spec.iterations == 100
    assert spec.network.bias == (preset == "mazur")


@pytest.mark.parametrize("spec", [
    make_spec(preset="classic"),
    make_spec(preset="mazur", learning_rates=[0, -1, 1e-6, 1000, 0.1, 0.1], iterations=3),
    make_spec(layers=(3, 4, 2), activation="tanh", bias=True, seed=7),
    make_spec(layers=(2, 3, 3, 1), activation=("relu", "sigmoid", "identity"), seed=1),
    make_spec(layers=(1, 1), inputs=[1e-300], targets=[0.1 + 0.2], weights=[1 / 3]),
], ids=lambda spec: spec.network.shape)
def test_toml_gives_the_same_spec_again(spec: Spec, tmp_path: Path) -> None:
    file = tmp_path / "spec.toml"
    file.write_text(spec.toml(), encoding="utf-8")
    assert read_spec(file) == spec


def test_values_are_drawn_by_the_seed_and_given_ones_stay() -> None:
    one, again, other = (make_spec(layers=(2, 3, 1), seed=seed) for seed in (5, 5, 6))
    assert one == again
    assert one != other
    assert all(value == round(value, 2) for value in one.network.weights)
    given = make_spec(layers=(2, 3, 1), seed=5, inputs=[0.3, 0.4])
    assert given.network.inputs == (0.3, 0.4)
    assert given.network.weights == one.network.weights


def test_mazur_without_bias_is_classic() -> None:
    assert make_spec(preset="mazur", bias=False).network == make_spec(preset="classic").network


def test_one_activation_serves_all_layers() -> None:
    assert make_spec(layers=(2, 3, 1), activation="tanh").network.activations == ("tanh", "tanh")
    assert make_spec(layers=(2, 3, 1), activation=["tanh"]).network.activations == ("tanh", "tanh")


def test_values_read_from_a_workbook_replace_those_of_the_spec() -> None:
    spec = make_spec(preset="mazur")
    values = {name: value + 1 for name, value in spec.network.initial().items()}
    changed = with_values(spec, values, [3.0])
    assert changed.network.initial() == values
    assert changed.learning_rates == (3.0,)


@pytest.mark.parametrize(("options", "says"), [
    ({"preset": "clasic"}, "did you mean 'classic'?"),
    ({"preset": "zzz"}, "known are classic, era, eva6, mazur"),
    ({"layers": [2, 0, 2]}, "layers, number 2: 0 units"),
    ({"layers": [2]}, "at least inputs and outputs"),
    ({"layers": [2, -1]}, "number 2: -1 units"),
    ({"layers": [2, 2.5, 1]}, "number 2: 2.5 units"),
    ({"layers": [2, True]}, "number 2: True units"),
    ({"preset": "classic", "layers": [3, 2]}, "preset classic has 2-2-2"),
    ({"activation": "sigmod"}, "did you mean 'sigmoid'?"),
    ({"layers": [2, 2, 2], "activation": ["tanh", "relu", "tanh"]}, "3 given, 2 needed"),
    ({"inputs": [0.1]}, "inputs: 1 given, 2 needed"),
    ({"targets": [0.1, 0.2, 0.3]}, "targets: 3 given, 2 needed"),
    ({"weights": [0.1] * 7}, "weights: 7 given, 8 needed"),
    ({"biases": [0.1]}, "biases: 1 given, 4 needed"),
    ({"biases": [0.1] * 4, "bias": False}, "biases: 4 given, 0 needed"),
    ({"inputs": [0.1, math.nan]}, "inputs, number 2: nan is not a finite number"),
    ({"inputs": [math.inf, 0.1]}, "inputs, number 1: inf is not a finite number"),
    ({"weights": ["a"] * 8}, "weights, number 1: 'a' is no number"),
    ({"weights": [True] * 8}, "weights, number 1: True is no number"),
    ({"learning_rates": []}, "learning rates: none given"),
    ({"learning_rates": [0.1, math.nan]}, "learning rates, number 2"),
    ({"learning_rates": ["fast"]}, "'fast' is no number"),
    ({"iterations": 0}, "iterations: 0 given"),
    ({"iterations": -5}, "iterations: -5 given"),
    ({"iterations": 1.5}, "iterations: 1.5 given"),
    ({"iterations": True}, "iterations: True given"),
])
def test_bad_input_is_one_line_that_says_what_and_where(options: dict[str, Any], says: str) -> None:
    with pytest.raises(SheetpropError) as caught:
        make_spec(**options)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("content", "says"), [
    ("layer = [2, 2]", "unknown key 'layer'; did you mean 'layers'?"),
    ("learning_rate = [1]", "did you mean 'learning_rates'?"),
    ("layers = 3", "layers = 3 is no list"),
    ("activation = 3", "neither a name nor a list of names"),
    ("activation = [1]", "neither a name nor a list of names"),
    ('bias = "yes"', "neither true nor false"),
    ("preset = 1", "is no name"),
    ('iterations = "ten"', "is no whole number"),
    ("seed = 1.5", "is no whole number"),
    ("layers = [2, 2", "is not valid TOML"),
    ("inputs = [nan, 0.1]", "inputs, number 1: nan"),
    ('weights = ["x"]', "weights: 1 given"),
])
def test_bad_spec_file_is_one_line(content: str, says: str, tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(SheetpropError) as caught:
        read_spec(file)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_spec_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SheetpropError, match="cannot be read"):
        read_spec(tmp_path / "none.toml")
    with pytest.raises(SheetpropError, match="cannot be read"):
        read_spec(tmp_path)
    (tmp_path / "latin.toml").write_bytes("# \xe9".encode("latin-1"))
    with pytest.raises(SheetpropError, match="is not text in UTF-8"):
        read_spec(tmp_path / "latin.toml")


def test_network_checks_what_is_given_directly() -> None:
    with pytest.raises(SheetpropError, match="weights: 1 given, 4 needed"):
        Network((2, 2), ("sigmoid",), False, (0.1, 0.2), (0.1, 0.2), (0.1,))


def test_odd_learning_rates_run() -> None:
    spec = make_spec(preset="classic", learning_rates=[0, -0.5, 1e-6, 1000, 0.5, 0.5], iterations=20)
    total = reference.run(spec).total[0]
    assert np.isfinite(total).all()
    assert (total[0] == total[0, 0]).all()
    assert total[1, -1] > total[1, 0]
    assert (total[4] == total[5]).all()

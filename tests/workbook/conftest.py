"""The workbooks that several tests look at, built once."""

from __future__ import annotations

from pathlib import Path

import pytest

import sheetprop


@pytest.fixture(scope="session")
def default_book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The book of `sheetprop build`: six learning rates, 100 iterations."""
    path = tmp_path_factory.mktemp("default") / "sheetprop.xlsx"
    sheetprop.build(output=path)
    return path


@pytest.fixture(scope="session")
def small_book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A 2-3-1 network with relu, tanh and biases, two rates, five iterations."""
    path = tmp_path_factory.mktemp("small") / "small.xlsx"
    spec = sheetprop.spec(layers=(2, 3, 1), activation=("relu", "tanh"), bias=True, seed=3, learning_rates=[0.1, 0.5],
                          iterations=5)
    sheetprop.build(spec, path)
    return path

"""Books of random networks, built and verified; more of them by hand with the variable SHEETPROP_NETWORKS."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

import sheetprop
from sheetprop.network.spec import ACTIVATIONS

BOOKS = int(os.environ.get("SHEETPROP_NETWORKS", "4"))


@settings(max_examples=BOOKS, deadline=None, derandomize=BOOKS == 4)
@given(st.data())
def test_books_of_random_networks_agree(data: st.DataObject) -> None:
    layers = data.draw(st.lists(st.integers(1, 4), min_size=2, max_size=4))
    spec = sheetprop.spec(
        layers=layers, bias=data.draw(st.booleans()), seed=data.draw(st.integers(0, 10_000)),
        activation=[data.draw(st.sampled_from(ACTIVATIONS)) for _ in layers[1:]],
        learning_rates=data.draw(st.lists(st.sampled_from([0.0, -0.5, 1e-6, 0.1, 1.0, 2.0, 1000.0]),
                                          min_size=1, max_size=3)),
        iterations=data.draw(st.integers(1, 8)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "book.xlsx"
        sheetprop.build(spec, path)
        result = sheetprop.verify(path)
    assert result.agrees, f"{spec.toml()}{result.verdict}"

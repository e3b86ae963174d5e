"""The trained network that a record describes, with the weights that lie beside it."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from sheetprop.errors import SheetpropError
from sheetprop.mnist.networks import build, network
from sheetprop.mnist.record import Run


def trained(folder: Path, name: str, run: Run) -> torch.nn.Module:
    """Return the network called `name` in evaluation mode, with the weights of `run` from `folder`.

    Raises:
        SheetpropError: the run has no weights, they are not there, damaged, or of another network.
    """
    if run.weights is None:
        raise SheetpropError(f"{folder}: that run has no weights; it did not finish")
    path = folder / run.weights
    try:
        weights = load_file(path)
    except FileNotFoundError as error:
        raise SheetpropError(f"{path}: the weights that the record names are not there; train again") from error
    except (OSError, SafetensorError) as error:
        raise SheetpropError(f"{path}: holds no weights ({error}); train again") from error
    module = build(network(name)).eval()
    try:
        module.load_state_dict(weights)
    except RuntimeError as error:
        raise SheetpropError(f"{path}: these weights do not fit network {name}; train again") from error
    return module

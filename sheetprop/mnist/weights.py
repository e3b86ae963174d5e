"""The trained network that a record describes, with the weights that lie beside it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from sheetprop.errors import SheetpropError
from sheetprop.mnist.networks import build, network
from sheetprop.mnist.owncode import Given, own_network
from sheetprop.mnist.record import Run, RunRecord, file_of, read


def module_of(
    source: str | os.PathLike[str], *, run: int | None = None, network: Given | None = None
) -> tuple[RunRecord, Run, torch.nn.Module]:
    """Return a record, one of its runs, and the network of that run in evaluation mode with its trained weights.

    No code of the record is run: a network of the user's own comes from `network`.

    Args:
        source: the record or its folder, the weights beside it.
        run: which run, from 1; None takes the first that has weights.
        network: ``model.py:Net``, a class or a module, for a record of code of one's own.

    Raises:
        SheetpropError: no weights, no such run, the record's network is code and `network` is not given
            or not that code.
    """
    path = Path(source)
    kept = read(path)
    done = [r for r in kept.runs if r.weights]
    if kept.network is None or not done:
        raise SheetpropError(f"{path}: names no weights (a log, or a run that did not finish); train first")
    if run is not None and not 1 <= run <= len(kept.runs):
        raise SheetpropError(f"run {run}: the record has runs 1 to {len(kept.runs)}")
    chosen = done[0] if run is None else kept.runs[run - 1]
    fresh = None
    if kept.module is not None:
        if network is None:
            raise SheetpropError(f"{path}: its network is code of one's own, which no record runs; give --network "
                                 f"{kept.module.place} (its text stands in the record, module.source)")
        own = own_network(network)
        if kept.module.sha256 is not None and own.sha256 is not None and own.sha256 != kept.module.sha256:
            raise SheetpropError(f"{own.place}: is not the code that was trained (SHA-256 {own.sha256[:12]}..., the "
                                 f"record has {kept.module.sha256[:12]}...); that text is in the record, module.source")
        fresh = own.fresh
    elif network is not None:
        raise SheetpropError(f"{path}: its network is {kept.network.name}, one of sheetprop's; leave --network out")
    return kept, chosen, trained(file_of(path).parent, kept.network.name, chosen, fresh=fresh)


def trained(
    folder: Path, name: str, run: Run, *, fresh: Callable[[], torch.nn.Module] | None = None
) -> torch.nn.Module:
    """Return the network called `name` in evaluation mode, with the weights of `run` from `folder`.

    `fresh` makes the network where it is none of ours.

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
    with torch.random.fork_rng():
        module = (build(network(name)) if fresh is None else fresh()).eval()
    try:
        module.load_state_dict(weights)
    except RuntimeError as error:
        raise SheetpropError(f"{path}: these weights do not fit network {name}; train again") from error
    return module

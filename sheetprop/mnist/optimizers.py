"""The optimisers of a recipe, by name."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from sheetprop.mnist.muon import Muon
from sheetprop.mnist.recipe import Recipe


def optimizers(recipe: Recipe, module: nn.Module) -> list[torch.optim.Optimizer]:
    """Return the optimisers that a recipe asks for, each with its own parameters of `module`.

    With Muon the weights between the first and the last layer are its own (kernels of
    convolutions as matrices), and SGD has the rest at the recipe's learning rate.
    """
    parameters = [p for p in module.parameters() if p.requires_grad]
    muon = _inner(recipe, parameters)
    chosen = {id(p) for p in muon}
    found = [_main(recipe, [p for p in parameters if id(p) not in chosen])]
    if muon:
        found.append(Muon(muon, recipe.muon_rate or recipe.learning_rate, recipe.muon_momentum))
    return found


def _inner(recipe: Recipe, parameters: list[nn.Parameter]) -> list[nn.Parameter]:
    """Return what Muon takes."""
    if recipe.optimizer == "Muon":
        matrices = [p for p in parameters if p.ndim >= 2]
        return matrices[1:-1]
    return [p for p in parameters if p.ndim == 4 and p.shape[1] > 1] if recipe.muon_rate else []


def _main(recipe: Recipe, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
    common: dict[str, Any] = {"lr": recipe.learning_rate, "weight_decay": recipe.weight_decay, "foreach": True}
    match recipe.optimizer:
        case "SGD" | "Muon":
            return torch.optim.SGD(parameters, momentum=recipe.momentum, nesterov=recipe.nesterov, **common)
        case "RMSprop":
            return torch.optim.RMSprop(parameters, momentum=recipe.momentum, **common)
        case name:
            kind = {"Adam": torch.optim.Adam, "AdamW": torch.optim.AdamW, "NAdam": torch.optim.NAdam}[name]
            betas = {} if recipe.betas is None else {"betas": recipe.betas}
            made: torch.optim.Optimizer = kind(parameters, **common, **betas)
            return made

"""Muon: momentum whose update is made orthogonal, for the weights of convolutions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

_STEPS = 4


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, then a few Newton-Schulz steps that push all singular values towards 1.

    Each convolution kernel is taken as a matrix ``[out, in * height * width]``. Source: Keller
    Jordan and others, "Muon: An optimizer for hidden layers in neural networks" (2024), with the
    coefficients given there and four steps instead of five.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], lr: float, momentum: float) -> None:
        """Take the parameters (four-dimensional), the learning rate and the momentum."""
        super().__init__(parameters, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Change every parameter that has a gradient."""
        del closure
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(parameter)
                momentum = state["momentum"]
                momentum.mul_(group["momentum"]).add_(parameter.grad)
                update = parameter.grad.add(momentum, alpha=group["momentum"])
                rows = parameter.shape[0]
                tall = max(1.0, rows / (parameter.numel() / rows)) ** 0.5
                direction = orthogonal(update.reshape(rows, -1)).view(parameter.shape)
                parameter.add_(direction, alpha=-group["lr"] * tall)


def orthogonal(matrix: torch.Tensor) -> torch.Tensor:
    """Return roughly ``U V^T`` of the singular value decomposition ``U S V^T`` of the matrix."""
    a, b, c = 3.4445, -4.7750, 2.0315
    wide: torch.Tensor = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    x: torch.Tensor = wide / (wide.norm() + 1e-7)
    for _ in range(_STEPS):
        gram = x @ x.T
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    return x.T if wide is not matrix else x

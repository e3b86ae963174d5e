"""A workbook function as an operation of PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

Floats = npt.NDArray[np.float64]
Forward = Callable[[Floats], Floats]
Backward = Callable[[Floats, Floats], tuple[Floats, Floats]]


class _Operation(torch.autograd.Function):
    """Forward evaluates the workbook, backward runs its adjoint."""

    @staticmethod
    def forward(context: Any, x: torch.Tensor, forward: Forward, backward: Backward) -> torch.Tensor:
        given = x.detach().to(torch.float64).cpu().numpy()
        context.slopes = backward
        context.given = given
        context.like = x
        return torch.from_numpy(forward(given))

    @staticmethod
    def backward(context: Any, *slopes: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        given = context.given
        seeds = slopes[0].detach().cpu().numpy()
        vjp: Backward = context.slopes
        width = given.shape[-1]
        if given.ndim <= 1:
            _, found = vjp(given.reshape(-1), seeds.reshape(-1))
        else:
            _, found = vjp(given.reshape(-1, width), seeds.reshape(-1, seeds.shape[-1]))
        return torch.from_numpy(found.reshape(given.shape)).to(context.like), None, None


def as_torch(forward: Forward, backward: Backward) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return a function and its vector-Jacobian product as one operation on tensors of shape (..., inputs)."""

    def run(x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = _Operation.apply(x, forward, backward)  # type: ignore[no-untyped-call]
        return result

    return run

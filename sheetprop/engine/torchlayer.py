"""A workbook function as an operation of PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from sheetprop.engine.function import Function


class _Operation(torch.autograd.Function):
    """Forward evaluates the workbook, backward runs its adjoint."""

    @staticmethod
    def forward(context: Any, x: torch.Tensor, function: Function) -> torch.Tensor:
        given = x.detach().to(torch.float64).cpu().numpy()
        context.function = function
        context.given = given
        context.like = x
        return torch.from_numpy(function(given))

    @staticmethod
    def backward(context: Any, *slopes: torch.Tensor) -> tuple[torch.Tensor, None]:
        given = context.given
        seeds = slopes[0].detach().cpu().numpy()
        function: Function = context.function
        width = given.shape[-1]
        if given.ndim <= 1:
            _, found = function.vjp(given.reshape(-1), seeds.reshape(-1))
        else:
            _, found = function.vjp(given.reshape(-1, width), seeds.reshape(-1, seeds.shape[-1]))
        return torch.from_numpy(found.reshape(given.shape)).to(context.like), None


def as_torch(function: Function) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return `function` as an operation on tensors of shape (..., inputs)."""

    def run(x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = _Operation.apply(x, function)  # type: ignore[no-untyped-call]
        return result

    return run

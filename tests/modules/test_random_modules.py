"""Modules drawn at random from the rules: 2 to 12 layers, shapes, strides, residual edges; forward, backward, a step.

`SHEETPROP_RANDOM_MODULES` says how many are drawn (25 by default; 1,000 is the bar of a release).
"""

from __future__ import annotations

import os
import random

import numpy as np
import pytest
import torch
from torch import nn

from sheetprop.modules.capture import capture
from sheetprop.modules.learning import derive
from sheetprop.modules.optimizers import OPTIMIZERS, make_optimizer
from sheetprop.modules.reference import carried_sizes, end_to_end, expected, sizes

COUNT = int(os.environ.get("SHEETPROP_RANDOM_MODULES", "25"))
POINTWISE = ("ReLU", "LeakyReLU", "ELU", "SELU", "GELU", "SiLU", "Mish", "Sigmoid", "Tanh", "Softplus", "Hardswish",
             "Hardtanh", "Softsign")
LOSSES = ("mse", "l1", "huber")


class Residual(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.inner(x)


class Joined(nn.Module):
    def __init__(self, one: nn.Module, other: nn.Module) -> None:
        super().__init__()
        self.one, self.other = one, other

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.one(x), self.other(x) * 0.5], 1)


def maps(draw: random.Random, shape: tuple[int, ...]) -> nn.Module:
    """Return a layer for maps ``[N, C, H, W]``."""
    _, channels, height, width = shape
    kind = draw.randrange(14)
    if kind < 4:
        kernel = draw.choice([k for k in (1, 2, 3) if k <= min(height, width)])
        groups = draw.choice([g for g in (1, 2, 3, 4) if channels % g == 0])
        return nn.Conv2d(channels, groups * draw.randint(1, 2), kernel, stride=draw.randint(1, 2),
                         padding=draw.randint(0, kernel // 2), groups=groups, bias=draw.random() < 0.7)
    if kind == 4:
        return nn.ConvTranspose2d(channels, draw.randint(1, 3), draw.randint(1, 3), stride=draw.randint(1, 2))
    if kind == 5 and min(height, width) >= 2:
        return draw.choice([nn.MaxPool2d(2), nn.MaxPool2d(2, 1), nn.AvgPool2d(2), nn.MaxPool2d(3, 2, 1),
                            nn.AvgPool2d(3, 1, 1)])
    if kind == 6:
        return nn.BatchNorm2d(channels)
    if kind == 7:
        return nn.GroupNorm(draw.choice([g for g in (1, 2, 3) if channels % g == 0]), channels)
    if kind == 8:
        return Residual(nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1), nn.Tanh()))
    if kind == 9:
        return Joined(nn.Conv2d(channels, 1, 1), nn.Identity())
    if kind == 10:
        return nn.Dropout2d(0.3)
    if kind == 11 and height * width < 40:
        return nn.Upsample(scale_factor=2)
    return getattr(nn, draw.choice(POINTWISE))()


def features(draw: random.Random, shape: tuple[int, ...]) -> nn.Module:
    """Return a layer for ``[N, ..., features]``."""
    width = shape[-1]
    kind = draw.randrange(9)
    if kind < 3:
        return nn.Linear(width, draw.randint(1, 6), bias=draw.random() < 0.8)
    if kind == 3:
        return nn.LayerNorm(width)
    if kind == 4:
        return nn.BatchNorm1d(width) if len(shape) == 2 else nn.RMSNorm(width)
    if kind == 5:
        return Residual(nn.Sequential(nn.Linear(width, width), nn.GELU()))
    if kind == 6:
        return nn.Dropout(0.3)
    if kind == 7 and len(shape) == 3 and width % 2 == 0:
        return nn.TransformerEncoderLayer(width, draw.choice([1, 2]), 5, 0.0, batch_first=True)
    return getattr(nn, draw.choice(POINTWISE))()


def drawn(seed: int) -> tuple[nn.Module, torch.Tensor, bool]:
    """Return a module, its input, and whether it is in training."""
    draw = random.Random(seed)
    torch.manual_seed(seed)
    training = draw.random() < 0.5
    start = draw.choice(["maps", "features", "tokens"])
    shape = {"maps": (draw.randint(2, 3), draw.randint(1, 3), draw.randint(4, 7), draw.randint(4, 7)),
             "features": (draw.randint(3, 5), draw.randint(2, 6)),
             "tokens": (2, draw.randint(2, 4), 2 * draw.randint(1, 3))}[start]
    x = torch.randn(shape).double()
    layers: list[nn.Module] = []
    held = x
    for _ in range(draw.randint(2, 12)):
        layer = (maps if held.ndim == 4 else features)(draw, tuple(held.shape)).double().eval()
        with torch.no_grad():
            held = layer(held)
        layers.append(layer)
        if held.ndim == 4 and (min(held.shape[2:]) < 2 or draw.random() < 0.1):
            layers.append(nn.Flatten())
            held = held.flatten(1)
        if held.numel() > 400:
            break
    return nn.Sequential(*layers), x, training


@pytest.mark.parametrize("seed", range(COUNT))
def test_a_module_drawn_at_random_agrees_with_pytorch(seed: int) -> None:
    module, x, training = drawn(seed)
    module.train(training)
    with torch.no_grad():
        target = torch.randn_like(module(x))
    module, x, training = drawn(seed)  # running statistics moved
    program, values = capture(module, [x], target, loss=LOSSES[seed % 3], training=training, seed=seed)
    learning = derive(program, values, optimizer=make_optimizer(OPTIMIZERS[seed % 7]))
    held = learning.d.evaluate()
    theirs, size = expected(learning, held), sizes(learning, held)
    known = ~np.isnan(theirs)
    gap = np.abs(held[:learning.d.count] - theirs)[known]
    assert (gap <= 1e-12 * np.maximum(size[known], 1e-280)).all(), gap.max()
    carried = carried_sizes(learning, held)
    for one in end_to_end(learning, held):
        gap = np.abs(held[one.places] - one.theirs)
        allowed = np.where(one.places >= 0, 1e-12 * carried[np.maximum(one.places, 0)], 1e-30)
        assert (gap <= allowed).all(), (one.name, gap.max())

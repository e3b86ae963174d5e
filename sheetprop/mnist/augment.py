"""Augmentation of a whole batch at once, as tensor operations."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sheetprop.mnist.recipe import Augmentation

if TYPE_CHECKING:
    import torch


def augment(images: torch.Tensor, how: Augmentation, ground: float) -> torch.Tensor:
    """Return the images turned, shifted, scaled and cropped at random, one draw an image.

    All changes are one affine map and one bilinear resampling; what comes in from outside is
    ground. Draws come from torch's random state of the images' device.

    Args:
        images: ``[N, 1, 28, 28]`` float32, normalised.
        how: the bounds.
        ground: the normalised value of a pixel without ink.

    Returns:
        A tensor of the same shape.
    """
    import torch
    from torch.nn import functional

    n, device = images.shape[0], images.device

    def draw(bound: float) -> torch.Tensor:
        return (torch.rand(n, device=device) * 2 - 1) * bound

    angle = draw(math.radians(how.degrees))
    size = 1 + draw(how.scale)
    if how.crop:
        cropped = torch.rand(n, device=device) < how.crop_probability
        size = torch.where(cropped, size * (28 / how.crop), size)
    across, down = draw(2 * how.shift), draw(2 * how.shift)
    cosine, sine = angle.cos() / size, angle.sin() / size
    maps = torch.stack((torch.stack((cosine, -sine, across), 1), torch.stack((sine, cosine, down), 1)), 1)
    grid = functional.affine_grid(maps, list(images.shape), align_corners=False)
    return functional.grid_sample(images - ground, grid, align_corners=False) + ground

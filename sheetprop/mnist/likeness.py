"""Is a picture like those that a network was trained on? Told by what is left of it beside their main components."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as pack

from sheetprop.mnist.evaluate import Images

COMPONENTS = 40
KEPT = 0.999  # share of the training images that count as like themselves
_MOST = 20_000  # images that the components are made from


@dataclass(frozen=True)
class Likeness:
    """Mean and main components of training images, pixels in 0 to 1, and the share that may be left beside them."""

    mean: torch.Tensor
    components: torch.Tensor
    most: float

    def left(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return for each image ``[N, ...]`` in 0 to 1 the share of its difference from the mean that is left."""
        flat = pixels.flatten(1).float() - self.mean
        rest = flat - (flat @ self.components.T) @ self.components
        return rest.square().sum(1) / flat.square().sum(1).clamp_min(1e-9)

    def packed(self) -> bytes:
        """Return it as a safetensors file, components at half precision."""
        return pack({"mean": self.mean.half(), "components": self.components.half(), "most": torch.tensor(self.most)})


def fit(images: Images) -> Likeness:
    """Return the likeness of training images: the first `COMPONENTS` principal components, and the bound that all but
    one in a thousand of the images keep to."""
    pixels = (images.pixels[:_MOST].cpu() * images.deviation + images.mean).flatten(1)
    mean = pixels.mean(0)
    centred = pixels - mean
    _, vectors = torch.linalg.eigh(centred.T @ centred / len(centred))
    components = vectors[:, -COMPONENTS:].T.contiguous()
    # As it will be read back, at half precision.
    made = Likeness(mean.half().float(), components.half().float(), 0.0)
    shares = made.left(pixels).sort().values
    return Likeness(made.mean, made.components, round(float(shares[int(KEPT * (len(shares) - 1))]), 4))


def read(path: Path) -> Likeness | None:
    """Return what a file holds; None where there is none, or a damaged one."""
    try:
        held = load_file(path)
        return Likeness(held["mean"].float(), held["components"].float(), float(held["most"]))
    except (FileNotFoundError, OSError, SafetensorError, KeyError):
        return None

"""How a network stands changes of its images, and how far its probabilities can be believed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import nn
from torch.nn import functional

from sheetprop.mnist import evaluate
from sheetprop.mnist.evaluate import Images
from sheetprop.mnist.record import Calibration, Corruption, ReliabilityBin

BINS = 15
FAMILIAR = 0.001  # so many of the training images have a score below the threshold
_Change = Callable[[torch.Tensor, torch.Generator], torch.Tensor]


def _warp(x: torch.Tensor, angle: torch.Tensor, size: torch.Tensor, across: torch.Tensor,
          down: torch.Tensor) -> torch.Tensor:
    cosine, sine = angle.cos() / size, angle.sin() / size
    maps = torch.stack((torch.stack((cosine, -sine, across), 1), torch.stack((sine, cosine, down), 1)), 1)
    grid = functional.affine_grid(maps.to(x), list(x.shape), align_corners=False)
    return functional.grid_sample(x, grid, align_corners=False)


def _signs(count: int, g: torch.Generator) -> torch.Tensor:
    return torch.randint(0, 2, (count,), generator=g) * 2.0 - 1


def _shift(x: torch.Tensor, g: torch.Generator) -> torch.Tensor:
    n = len(x)
    return _warp(x, torch.zeros(n), torch.ones(n), _signs(n, g) * 8 / 28, _signs(n, g) * 8 / 28)


def _rotate(x: torch.Tensor, g: torch.Generator) -> torch.Tensor:
    n = len(x)
    return _warp(x, _signs(n, g) * math.radians(30), torch.ones(n), torch.zeros(n), torch.zeros(n))


def _scale(x: torch.Tensor, g: torch.Generator) -> torch.Tensor:
    n = len(x)
    return _warp(x, torch.zeros(n), torch.where(_signs(n, g) > 0, 1.3, 0.7), torch.zeros(n), torch.zeros(n))


def _noise(x: torch.Tensor, g: torch.Generator) -> torch.Tensor:
    return (x + 0.3 * torch.randn(x.shape, generator=g).to(x)).clamp(0, 1)


def _blur(x: torch.Tensor, g: torch.Generator) -> torch.Tensor:
    del g
    taps = torch.exp(-torch.arange(-4, 5).to(x) ** 2 / (2 * 1.5**2))
    taps = taps / taps.sum()
    across = functional.conv2d(x, taps.view(1, 1, 1, 9), padding=(0, 4))
    return functional.conv2d(across, taps.view(1, 1, 9, 1), padding=(4, 0))


CORRUPTIONS: dict[str, tuple[str, _Change]] = {
    "shift": ("moved by 4 pixels to a side and 4 up or down", _shift),
    "rotate": ("turned by 30 degrees, one way or the other", _rotate),
    "scale": ("0.7 or 1.3 times as large", _scale),
    "noise": ("Gaussian noise with deviation 0.3 of full ink", _noise),
    "blur": ("blurred by a Gaussian of deviation 1.5 pixels", _blur),
    "invert": ("dark on light instead of light on dark", lambda x, _: 1 - x),
    "thin": ("each pixel the least of its 2 x 2", lambda x, _: -functional.max_pool2d(
        -functional.pad(x, (0, 1, 0, 1)), 2, stride=1)),
    "thick": ("each pixel the most of its 3 x 3", lambda x, _: functional.max_pool2d(x, 3, stride=1, padding=1)),
}


def robustness(module: nn.Module, images: Images, *, bfloat16: bool = False, seed: int = 0) -> list[Corruption]:
    """Return the accuracy on the images under each of `CORRUPTIONS`, which are ours, in the spirit of MNIST-C
    (Mu and Gilmer 2019, arXiv:1906.02337); draws are the same for every network."""
    found = []
    pixels = images.pixels * images.deviation + images.mean
    for name, (what, change) in CORRUPTIONS.items():
        generator = torch.Generator().manual_seed(seed)
        changed = (change(pixels, generator) - images.mean) / images.deviation
        answers = evaluate.logits(module, replace(images, pixels=changed).pixels, bfloat16=bfloat16)
        score = evaluate.score(answers, images.labels)
        found.append(Corruption(name=name, what=what, correct=score.correct or 0, total=score.total or 0,
                                accuracy=score.accuracy))
    return found


def calibration(answers: torch.Tensor, labels: torch.Tensor) -> Calibration:
    """Return the reliability curve of logits in bins of equal width, and the expected calibration error.

    The error is the mean over the images of the distance between what their bin was sure of and how often it was
    right, as a share (Guo et al. 2017, arXiv:1706.04599).
    """
    sure, guess = answers.softmax(1).max(1)
    right = (guess == labels).double()
    place = (sure.double() * BINS).ceil().long().clamp(1, BINS) - 1
    bins = []
    error = 0.0
    for number in range(BINS):
        here = place == number
        count = int(here.sum())
        if not count:
            continue
        confidence, accuracy = float(sure[here].double().mean()), float(right[here].mean())
        error += count / len(labels) * abs(confidence - accuracy)
        bins.append(ReliabilityBin(low=number / BINS, high=(number + 1) / BINS, count=count,
                                   confidence=round(confidence, 6), accuracy=round(accuracy, 6)))
    return Calibration(expected_error=round(error, 6), bins=bins)


def familiarity(answers: torch.Tensor) -> torch.Tensor:
    """Return for each row of logits how far its largest stands above their mean: low for what the network never saw.

    The same for logits and for their log-softmax.
    """
    return answers.max(1).values - answers.mean(1)


def familiar_from(answers: torch.Tensor) -> float:
    """Return the score that all but one in a thousand of these images, those of the training, exceed."""
    scores = familiarity(answers).double().cpu().sort().values
    return round(float(scores[int(FAMILIAR * len(scores))]), 6)

"""What a trained network says about a set of images: score, confusion, pictures."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from sheetprop.mnist.data import DEVIATION, MEAN
from sheetprop.mnist.record import ClassScore, DigitPicture, Score

BATCH = 1000


@dataclass(frozen=True)
class Images:
    """A set of images on a device: normalised ``[N, 1, 28, 28]`` float32, labels ``[N]``, and positions in the file.

    `mean` and `deviation` are what normalised them, `classes` how many there are.
    """

    pixels: torch.Tensor
    labels: torch.Tensor
    index: torch.Tensor
    mean: float = MEAN
    deviation: float = DEVIATION
    classes: int = 10

    @property
    def ground(self) -> float:
        """The normalised value of a pixel without ink."""
        return -self.mean / self.deviation

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.labels)


def normalise(images: torch.Tensor, mean: float = MEAN, deviation: float = DEVIATION) -> torch.Tensor:
    """Return bytes ``[N, 28, 28]`` as normalised float32 ``[N, 1, 28, 28]``."""
    return images.unsqueeze(1).to(torch.float32).div_(255).sub_(mean).div_(deviation)


def logits(module: nn.Module, pixels: torch.Tensor, *, bfloat16: bool = False) -> torch.Tensor:
    """Return the network's answers ``[N, 10]``, float32, in evaluation mode."""
    was = module.training
    module.eval()
    with torch.inference_mode(), torch.autocast(pixels.device.type, torch.bfloat16, enabled=bfloat16):
        answers = [
            module(batch.contiguous(memory_format=torch.channels_last)).float() for batch in torch.split(pixels, BATCH)
        ]
    module.train(was)
    return torch.cat(answers)


def score(answers: torch.Tensor, labels: torch.Tensor) -> Score:
    """Return loss and accuracy of logits (or logarithms of probabilities)."""
    correct = int((answers.argmax(1) == labels).sum())
    total = len(labels)
    loss = float(functional.cross_entropy(answers.double(), labels))
    return Score(loss=loss, correct=correct, total=total, accuracy=100 * correct / total)


def shifted(module: nn.Module, images: Images, *, bfloat16: bool = False) -> Score:
    """Return the score of the mean probability over each image and its four copies moved by one pixel."""
    padded = functional.pad(images.pixels, (1, 1, 1, 1), value=images.ground)
    mean = torch.zeros(len(images), images.classes, device=images.pixels.device)
    for top, left in ((1, 1), (0, 1), (2, 1), (1, 0), (1, 2)):
        moved = padded[:, :, top : top + 28, left : left + 28]
        mean += logits(module, moved, bfloat16=bfloat16).softmax(1) / 5
    return score(mean.clamp_min(1e-12).log(), images.labels)


def confusion(answers: torch.Tensor, labels: torch.Tensor) -> list[list[int]]:
    """Return counts ``[label][predicted]``."""
    many = answers.shape[1]
    cells = torch.bincount(labels * many + answers.argmax(1), minlength=many**2).reshape(many, many)
    return [[int(v) for v in row] for row in cells.tolist()]


def per_class(matrix: list[list[int]]) -> list[ClassScore]:
    """Return how each digit fared; a digit that does not occur has accuracy 0."""
    return [
        ClassScore(digit=d, correct=row[d], total=sum(row), accuracy=100 * row[d] / sum(row) if sum(row) else 0.0)
        for d, row in enumerate(matrix)
    ]


def pictures(images: Images, answers: torch.Tensor, chosen: torch.Tensor) -> list[DigitPicture]:
    """Return the chosen images (positions in `images`) with what the network said."""
    shares = answers[chosen].softmax(1).cpu()
    ink = (images.pixels[chosen].cpu() * images.deviation + images.mean).mul(255).round().clamp(0, 255).to(torch.uint8)
    found = []
    for row, pixels, position in zip(shares, ink, chosen.tolist(), strict=True):
        label, guess = int(images.labels[position]), int(row.argmax())
        found.append(DigitPicture(
            index=int(images.index[position]), label=label, predicted=guess, probability=round(float(row[guess]), 6),
            probability_of_label=round(float(row[label]), 6),
            pixels=base64.b64encode(pixels.numpy().tobytes()).decode(),
        ))
    return found


def wrong(answers: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return the positions of the misclassified images, the most certain first."""
    certain, guess = answers.softmax(1).max(1)
    missed = (guess != labels).nonzero().flatten()
    order: torch.Tensor = certain[missed].argsort(descending=True, stable=True)
    return missed[order]

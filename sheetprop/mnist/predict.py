"""Classify pictures of digits with the weights of a run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sheetprop.files import replacing
from sheetprop.mnist import likeness
from sheetprop.mnist.owncode import Given
from sheetprop.mnist.pictures import SIDE, Cut, Digit, cuts, whole
from sheetprop.mnist.record import file_of

_TILE = 4  # a pixel of what the network saw is so many wide in the picture that shows it


@dataclass(frozen=True)
class Prediction:
    """What stands in a picture, or in a part of it.

    Attributes:
        picture: its file.
        digit: the class that was read, from 0.
        probabilities: of each class.
        box: left, top, width, height of the part, in pixels of the picture; None: all of it.
        label: the name of the class.
        warning: why the answer is not to be believed, or empty.
    """

    picture: str
    digit: int
    probabilities: tuple[float, ...]
    box: tuple[int, int, int, int] | None = None
    label: str = ""
    warning: str = ""


def predict(
    record: str | os.PathLike[str], pictures: Sequence[str | os.PathLike[str]], *, run: int | None = None,
    network: Given | None = None, show: str | os.PathLike[str] | None = None,
) -> list[Prediction]:
    """Classify pictures with the network and the weights that a record names.

    A picture may be a scan or a photo of paper in uneven light, dark on light or light on dark, with
    ruled lines or a frame, and may hold several digits: each gives a prediction of its own, with
    its box. What each picture becomes for the network is told in `sheetprop.mnist.pictures.cuts`.

    Args:
        record: a record or its folder, with its weights beside it.
        pictures: image files.
        run: which run's weights, from 1; None takes the first finished one.
        network: ``model.py:Net``, a class or a module, for a record of a network of one's own.
        show: write a PNG of what the network saw, with what it read, to this file.

    Raises:
        SheetpropError: no weights, a file that is no picture, an empty picture, or the record's network is code
            and `network` is not given.
    """
    import torch

    from sheetprop.mnist.evaluate import logits, normalise
    from sheetprop.mnist.robustness import familiarity
    from sheetprop.mnist.weights import module_of

    kept, chosen, module = module_of(record, run=run, network=network)
    digits = kept.class_names is None  # what is cut out and centred are digits; other pictures are taken whole
    found = [(str(p), cut) for p in pictures for cut in (cuts(Path(p)) if digits else [whole(Path(p))])]
    pixels = torch.from_numpy(np.stack([cut.pixels for _, cut in found]))
    answers = logits(module, normalise(pixels, kept.pixel_mean, kept.pixel_deviation))
    scores = familiarity(answers).tolist()
    known = likeness.read(file_of(record).parent / kept.likeness) if kept.likeness else None
    left = [0.0] * len(found) if known is None else known.left(pixels.float() / 255).tolist()
    told = []
    most = None if known is None else known.most
    for (picture, cut), row, score, share in zip(found, answers.softmax(1), scores, left, strict=True):
        digit = int(row.argmax())
        label = kept.class_names[digit] if kept.class_names else str(digit)
        told.append(Prediction(picture, digit, tuple(round(float(v), 6) for v in row), cut.box, label,
                               _warning(cut, score, chosen.familiar_from, share, most)))
    if show is not None:
        _show([cut.pixels for _, cut in found], told, show)
    return told


def ink(path: Path) -> Digit:
    """Return the first digit of a picture as MNIST would hold it: ``[28, 28]`` uint8, 0 ground to 255 ink."""
    return cuts(path)[0].pixels


def _warning(cut: Cut, score: float, least: float | None, share: float, most: float | None) -> str:
    parts = [cut.remark] if cut.remark else []
    if most is not None and share > most:
        parts.append(f"unlike the images that the network was trained on ({100 * share:.0f} % of it is none of their "
                     f"main components; of a thousand of those one is above {100 * most:.0f} %)")
    elif least is not None and score < least:
        parts.append(f"unlike the images that the network was trained on (score {score:.2f}; of a thousand of those "
                     f"one lies below {least:.2f})")
    return "; ".join(parts)


def _show(images: Sequence[Digit], told: Sequence[Prediction], target: str | os.PathLike[str]) -> None:
    """Write the images side by side, ten in a row, each with what was read in it."""
    from PIL import Image, ImageDraw

    side, caption, across = SIDE * _TILE, 16, min(10, len(images))
    rows = -(-len(images) // across)
    sheet = Image.new("L", (across * (side + 4) + 4, rows * (side + caption + 4) + 4), 255)
    pen = ImageDraw.Draw(sheet)
    for number, (image, one) in enumerate(zip(images, told, strict=True)):
        x, y = 4 + number % across * (side + 4), 4 + number // across * (side + caption + 4)
        sheet.paste(Image.fromarray(image).resize((side, side), Image.Resampling.NEAREST), (x, y))
        doubt = " ?" if one.warning else ""
        pen.text((x, y + side + 1), f"{one.label} {100 * max(one.probabilities):.0f} %{doubt}", fill=0)
    with replacing(target) as temporary:
        sheet.save(temporary, format="PNG")

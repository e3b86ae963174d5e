"""Classify pictures of digits with the weights of a run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sheetprop.errors import SheetpropError
from sheetprop.mnist.record import file_of, read

_SIDE, _BOX = 28, 20  # MNIST: digits fill a box of 20, centred by mass in a field of 28
_LIMIT = 50_000_000  # pixels of a picture
_FAINT = 16  # of 255: a picture whose brightness differs by less shows nothing


@dataclass(frozen=True)
class Prediction:
    """A picture's digit, and the probability of each of the ten."""

    picture: str
    digit: int
    probabilities: tuple[float, ...]


def predict(
    record: str | os.PathLike[str], pictures: Sequence[str | os.PathLike[str]], *, run: int | None = None
) -> list[Prediction]:
    """Classify pictures with the network and the weights that a record names.

    A picture may have any size and may be dark on light or light on dark (its border tells
    which); the ink is cut out, fitted into a box of 20 pixels and centred by mass in 28, as the
    makers of MNIST did.

    Args:
        record: a record or its folder, with its weights beside it.
        pictures: image files.
        run: which run's weights, from 1; None takes the first finished one.

    Raises:
        SheetpropError: no weights, a file that is no picture, an empty picture.
    """
    import torch

    path = Path(record)
    kept = read(path)
    folder = file_of(path).parent
    done = [r for r in kept.runs if r.weights]
    if kept.network is None or not done:
        raise SheetpropError(f"{path}: names no weights (a log, or a run that did not finish); train first")
    if run is not None and not 1 <= run <= len(kept.runs):
        raise SheetpropError(f"run {run}: the record has runs 1 to {len(kept.runs)}")
    chosen = done[0] if run is None else kept.runs[run - 1]
    from sheetprop.mnist.evaluate import logits, normalise
    from sheetprop.mnist.weights import trained

    module = trained(folder, kept.network.name, chosen)
    pixels = np.stack([ink(Path(p)) for p in pictures])
    shares = logits(module, normalise(torch.from_numpy(pixels))).softmax(1)
    return [
        Prediction(str(p), int(row.argmax()), tuple(round(float(v), 6) for v in row))
        for p, row in zip(pictures, shares, strict=True)
    ]


def ink(path: Path) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """Return the picture as MNIST would hold it: ``[28, 28]`` uint8, 0 ground to 255 ink.

    A picture that already has 28 x 28 pixels is only turned light on dark.
    """
    from PIL import Image

    values = _brightness(path)
    border = np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])
    ground = float(np.median(border))
    if ground > (values.min() + values.max()) / 2:
        values, ground = 255 - values, 255 - ground
    top = values.max() - ground
    if top < _FAINT:
        raise SheetpropError(f"{path}: shows nothing that stands out from its ground; give a picture of one digit")
    if values.shape == (_SIDE, _SIDE):
        return values.round().astype(np.uint8)
    values = np.clip((values - ground) / top, 0, 1) * 255
    rows, columns = np.nonzero(values > 64)
    cut = values[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    factor = _BOX / max(cut.shape)
    size = (max(1, round(cut.shape[1] * factor)), max(1, round(cut.shape[0] * factor)))
    small = np.asarray(Image.fromarray(cut.astype(np.uint8)).resize(size, Image.Resampling.LANCZOS), dtype=np.float64)
    small = small * (255 / max(small.max(), 1))
    field = np.zeros((_SIDE, _SIDE))
    down, across = (np.arange(n) + 0.5 for n in small.shape)
    middle = ((small.sum(1) * down).sum() / small.sum(), (small.sum(0) * across).sum() / small.sum())
    y, x = (int(min(max(round(_SIDE / 2 - m), 0), _SIDE - n)) for m, n in zip(middle, small.shape, strict=True))
    field[y : y + small.shape[0], x : x + small.shape[1]] = small
    return np.clip(field.round(), 0, 255).astype(np.uint8)


def _brightness(path: Path) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Return the picture's brightness, 0 to 255, upright as its camera says; what is clear in it becomes paper."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(path) as opened:
            if opened.width * opened.height > _LIMIT:
                raise SheetpropError(f"{path}: has {opened.width} x {opened.height} pixels; at most "
                                     f"{_LIMIT:,} are taken; make it smaller")
            upright = ImageOps.exif_transpose(opened)
            if upright.mode[0] in "IF":  # 16 or 32 bits a pixel: PIL's conversion to "L" would cut off at 255
                deep = np.nan_to_num(np.asarray(upright, dtype=np.float64))
                full = next((limit for limit in (1, 255, 65535) if deep.max() <= limit), deep.max())
                return np.clip(deep * (255 / full), 0, 255)
            if "A" not in upright.getbands() and "transparency" not in upright.info:
                return np.asarray(upright.convert("L"), dtype=np.float64)
            clear = upright.convert("RGBA")
    except FileNotFoundError as error:
        raise SheetpropError(f"{path}: there is no such file") from error
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
        raise SheetpropError(f"{path}: is no picture that can be read; give a PNG or JPEG of one digit") from error
    for paper in ("white", "black"):  # black only for ink that white paper would hide
        flat = np.asarray(Image.alpha_composite(Image.new("RGBA", clear.size, paper), clear).convert("L"),
                          dtype=np.float64)
        if np.ptp(flat) >= _FAINT:
            break
    return flat

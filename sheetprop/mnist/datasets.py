"""Data sets beside MNIST: its family in torchvision, and folders of pictures."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sheetprop.errors import SheetpropError
from sheetprop.mnist import data as mnist
from sheetprop.mnist.data import Digits
from sheetprop.mnist.fetch import FILES
from sheetprop.mnist.record import DataFile
from sheetprop.mnist.vision import torchvision
from sheetprop.progress import progress

FAMILY = ("mnist", "fashion", "kmnist", "qmnist", "emnist")
_SPLITS = ("digits", "mnist", "letters", "balanced", "bymerge", "byclass")
_PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp")
_SIDE = 28
Say = Callable[[str], None]


def open_data(source: str | os.PathLike[str] | None = None, *, say: Say = lambda _: None) -> Digits:
    """Return a data set.

    Args:
        source: None or ``mnist``; ``fashion``, ``kmnist``, ``qmnist``, ``emnist`` (its digits) or
            ``emnist-letters`` and so on, from the cache folder or fetched by torchvision;
            ``NAME:FOLDER`` looks into that folder and fetches nothing; a folder with MNIST's files;
            or a folder of pictures, ``train/CLASS/*.png`` and ``test/CLASS/*.png``, or ``CLASS/*.png``
            alone, of which every seventh is kept for the test.
        say: hears what is tried.

    Raises:
        SheetpropError: no such data set, it cannot be fetched, or the folder holds none.
    """
    if source is None or str(source) == "mnist":
        return mnist.load(mnist.data(say=say))
    name, _, folder = str(source).partition(":")
    if name.partition("-")[0] in FAMILY and not Path(source).is_dir():
        return _family(name, Path(folder) if folder else None, say)
    path = Path(source)
    if any((raw / file).is_file() for raw in (path, path / "MNIST" / "raw") for file in FILES):
        return mnist.load(mnist.data(path))
    if not path.is_dir():
        raise SheetpropError(f"--data {source}: is neither a folder nor a data set; known are {', '.join(FAMILY)} and "
                             f"emnist-{', emnist-'.join(_SPLITS[1:])}")
    return _folder(path)


def _family(name: str, folder: Path | None, say: Say) -> Digits:
    kind, _, split = name.partition("-")
    if kind == "mnist":
        return mnist.load(mnist.data(folder))
    if split and (kind != "emnist" or split not in _SPLITS):
        raise SheetpropError(f"--data {name}: there is no such split; EMNIST has {', '.join(_SPLITS)}")
    room: Any = torchvision().datasets
    root = folder if folder is not None else mnist.cache_folder()
    classes = {"fashion": room.FashionMNIST, "kmnist": room.KMNIST, "qmnist": room.QMNIST, "emnist": room.EMNIST}
    say(f"{name}: looking in {root}")
    options: list[dict[str, Any]] = [{"train": True}, {"train": False}]
    if kind == "qmnist":
        options = [{"what": "train"}, {"what": "test10k"}]
    if kind == "emnist":
        options = [{"train": t, "split": split or "digits"} for t in (True, False)]
    try:
        sets = [classes[kind](str(root), download=folder is None, **one) for one in options]
    except (OSError, RuntimeError) as error:
        what = "is not there" if folder is not None else "could not be fetched"
        line = " ".join(str(error).split())[:150]
        raise SheetpropError(f"--data {name}: {what} ({line}); put its files where torchvision keeps them, below "
                             f"FOLDER, and give --data {name}:FOLDER") from error
    images = [one.data for one in sets]
    labels = [one.targets if one.targets.ndim == 1 else one.targets[:, 0] for one in sets]
    labels = [one.to(torch.int64) for one in labels]
    names = tuple(str(c) for c in sets[0].classes)
    if kind == "emnist":
        images = [one.transpose(1, 2).contiguous() for one in images]  # EMNIST's files hold each image on its side
        if split == "letters":
            labels, names = [one - 1 for one in labels], tuple(c for c in names if c != "N/A")
    digits = kind == "qmnist" or (kind == "emnist" and split in ("", "digits", "mnist"))
    raw = Path(sets[0].raw_folder)
    files = tuple(DataFile(name=p.name, md5=hashlib.md5(p.read_bytes(), usedforsecurity=False).hexdigest(),
                           bytes=p.stat().st_size) for p in sorted(raw.iterdir()) if p.is_file() and not p.suffix) \
        if raw.is_dir() and kind != "emnist" else ()
    return _digits(images, labels, files, name, None if digits else names)


def _digits(images: list[torch.Tensor], labels: list[torch.Tensor], files: tuple[DataFile, ...], name: str,
            names: tuple[str, ...] | None) -> Digits:
    pixels = images[0].to(torch.float64) / 255
    deviation = float(pixels.std())
    if not deviation:
        raise SheetpropError(f"--data {name}: all training images are empty")
    return Digits(images[0], labels[0], images[1], labels[1], files, name, round(float(pixels.mean()), 4),
                  round(deviation, 4), names)


def _folder(path: Path) -> Digits:
    """Read a folder of pictures; each is made grey and 28 x 28, ink light on dark as its file has it."""
    parts = [path / "train", path / "test"]
    split = all(part.is_dir() for part in parts)
    roots = parts if split else [path]
    folders = [c for root in roots for c in root.iterdir() if c.is_dir() and not c.name.startswith(".")]
    names = tuple(sorted({c.name for c in folders},
                         key=lambda n: (not n.isdigit(), int(n) if n.isdigit() else 0, n)))
    if len(names) < 2:
        raise SheetpropError(f"{path}: holds neither MNIST's files nor pictures in folders of at least two classes "
                             "(train/CLASS/*.png and test/CLASS/*.png, or CLASS/*.png)")
    found = [[(p, names.index(c.name)) for c in sorted(root.iterdir()) if c.is_dir() and c.name in names
              for p in sorted(c.iterdir()) if p.suffix.lower() in _PICTURES] for root in roots]
    if not split:
        found = [[one for i, one in enumerate(found[0]) if (i % 7 == 6) == kept] for kept in (False, True)]
    for rows, what in zip(found, ("train", "test"), strict=True):
        if not rows:
            raise SheetpropError(f"{path}: holds no pictures to {what} with ({', '.join(_PICTURES)})")
    digest = hashlib.md5(usedforsecurity=False)
    images, labels = [], []
    for rows in found:
        images.append(torch.stack([_picture(p, digest) for p, _ in progress(rows, label="reading pictures")]))
        labels.append(torch.tensor([label for _, label in rows], dtype=torch.int64))
    size = sum(p.stat().st_size for rows in found for p, _ in rows)
    file = DataFile(name=path.name, md5=digest.hexdigest(), bytes=size)
    digits = names == tuple(str(d) for d in range(10))
    return _digits(images, labels, (file,), path.name or str(path), None if digits else names)


def _picture(path: Path, digest: Any) -> torch.Tensor:
    from PIL import Image, UnidentifiedImageError

    try:
        content = path.read_bytes()
        digest.update(content)
        with Image.open(path) as opened:
            grey = opened.convert("L")
            if grey.size != (_SIDE, _SIDE):
                grey = grey.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)
            return torch.from_numpy(np.array(grey, dtype=np.uint8))
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
        raise SheetpropError(f"{path}: is no picture that can be read; take it out of the folder") from error

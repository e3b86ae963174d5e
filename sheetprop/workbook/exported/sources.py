"""What `export` is given in words: a run record, a file with a module, an example of the gallery."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sheetprop.errors import SheetpropError
from sheetprop.modules.gallery import example

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass(frozen=True)
class Source:
    """A module with data, ready to be exported.

    Attributes:
        module: what is exported.
        args: its inputs.
        target: of the loss; None for a forward pass.
        loss: by name or as a function; None lets the target decide.
        title, words: for the sheet Start.
        training: None leaves it to the module.
        picture: whether the input is a picture of 0 to 1.
    """

    module: nn.Module
    args: tuple[torch.Tensor, ...]
    target: torch.Tensor | None = None
    loss: str | Callable[..., Any] | None = None
    title: str | None = None
    words: str = ""
    training: bool | None = None
    picture: bool | None = None


def from_example(name: str, seed: int = 0) -> Source:
    """Return an example of the gallery."""
    one = example(name, seed)
    return Source(one.module, one.args, one.target, one.loss, name, f"example {name}: {one.sentence}", one.training)


def from_record(record: str | os.PathLike[str], image: str | int = 0, *, run: int | None = None,
                batch: int = 1, data: str | os.PathLike[str] | None = None, download: bool = True) -> Source:
    """Return the trained network of a run record, with a test image or a picture.

    The network's normalisation becomes its first layer, so that pixels from 0 to 1 are typed.

    Args:
        record: the record or its folder.
        image: number of an image of the test set, or a picture file.
        run: which run's weights, from 1; None takes the first finished one.
        batch: so many images of the test set from `image` on.
        data: folder of MNIST.
        download: whether MNIST may be fetched where it is not there.

    Raises:
        SheetpropError: no weights, no such image, a file that is no picture.
    """
    import torch
    from torch import nn

    from sheetprop.mnist.data import DEVIATION, MEAN
    from sheetprop.mnist.record import file_of, read
    from sheetprop.mnist.weights import trained

    path = Path(record)
    kept = read(path)
    done = [one for one in kept.runs if one.weights]
    if kept.network is None or not done:
        raise SheetpropError(f"{path}: names no weights (a log, or a run that did not finish); train first")
    if run is not None and not 1 <= run <= len(kept.runs):
        raise SheetpropError(f"run {run}: the record has runs 1 to {len(kept.runs)}")
    network = trained(file_of(path).parent, kept.network.name, done[0] if run is None else kept.runs[run - 1])
    pixels, labels, words = _images(image, batch, data, download)
    normalise = nn.BatchNorm2d(1, eps=0.0, affine=False).double()
    normalise.running_mean = torch.tensor([MEAN], dtype=torch.float64)
    normalise.running_var = torch.tensor([DEVIATION], dtype=torch.float64) ** 2
    module = nn.Sequential(normalise, *network.double()).eval()  # type: ignore[misc]
    return Source(module, (pixels,), labels, "cross-entropy", f"Network {kept.network.name}",
                  f"run record {file_of(path).parent.name}, trained on MNIST, {words}", False, batch == 1)


def _images(image: str | int, batch: int, folder: str | os.PathLike[str] | None,
            download: bool) -> tuple[Any, Any, str]:
    """Return pixels ``[N, 1, 28, 28]`` from 0 to 1, labels, and words about them."""
    import torch

    if isinstance(image, str) and not image.lstrip("-").isdigit():
        from sheetprop.mnist.predict import ink

        pixels = torch.from_numpy(ink(Path(image)).astype(np.float64) / 255)[None, None]
        return pixels, torch.tensor([0]), f"picture {Path(image).name}; its target is not known and set to 0"
    from sheetprop.mnist.data import data, load

    digits = load(data(folder, download=download))
    number = int(image)
    count = len(digits.test_images)
    if not 0 <= number <= count - batch:
        raise SheetpropError(f"--image {number}: the test set has images 0 to {count - 1}")
    pixels = digits.test_images[number:number + batch].double()[:, None] / 255
    labels = digits.test_labels[number:number + batch]
    more = f" to {number + batch - 1}" if batch > 1 else f" ({int(labels[0])})"
    return pixels, labels, f"test image {number}{more}"


def from_file(spelled: str, inputs: Sequence[str], *, target: str | None = None, weights: str | None = None,
              seed: int = 0, batch: int | None = None) -> Source:
    """Return the module that a Python file makes. The file is run.

    Args:
        spelled: ``model.py:Net`` for a class without arguments, ``model.py:make()`` for a function that
            returns a module.
        inputs: for each input a ``.npy`` or ``.csv`` file, or a shape such as ``1x3x8x8`` whose numbers are drawn.
        target: a file, or numbers such as ``3`` or ``3,5``.
        weights: a ``.safetensors`` file.
        seed: of weights and of what is drawn.
        batch: how many samples of each input are taken.

    Raises:
        SheetpropError: the file is none, has no such name, the inputs are none, the weights do not fit.
    """
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        module = module_of(spelled)
        if weights is not None:
            load_weights(module, weights)
        if not inputs:
            raise SheetpropError(f"{spelled}: wants --inputs, a .npy or .csv file or a shape such as 1x3x8x8")
        args = tuple(tensor_of(one, "--inputs") for one in inputs)
    if batch is not None:
        args = tuple(one[:batch] for one in args)
    goal = None if target is None else tensor_of(target, "--target")
    if goal is not None and batch is not None:
        goal = goal[:batch]
    return Source(module, args, goal, None, type(module).__name__, spelled)


def module_of(spelled: str) -> nn.Module:
    """Run a Python file and return the module that it makes.

    Raises:
        SheetpropError: there is no such file or name, it cannot be run, or makes no module.
    """
    from torch import nn

    file, _, name = spelled.rpartition(":")
    path = Path(file)
    if not file or not path.is_file():
        raise SheetpropError(f"{spelled}: write a file and what makes the module, such as model.py:Net; "
                             f"there is no file {file or spelled}")
    found = importlib.util.spec_from_file_location(f"sheetprop_user_{path.stem}", path)
    if found is None or found.loader is None:
        raise SheetpropError(f"{path}: is no Python file")
    loaded = importlib.util.module_from_spec(found)
    sys.path.insert(0, str(path.parent.resolve()))
    try:
        found.loader.exec_module(loaded)
        made = getattr(loaded, name.removesuffix("()"), None)
        if made is None:
            raise SheetpropError(f"{spelled}: the file has no {name.removesuffix('()')}")
        if not isinstance(made, nn.Module):
            made = made()
    except SheetpropError:
        raise
    except Exception as error:
        raise SheetpropError(f"{spelled}: stopped with {type(error).__name__}: {error}") from error
    finally:
        sys.path.pop(0)
    if not isinstance(made, nn.Module):
        raise SheetpropError(f"{spelled}: makes {type(made).__name__}, no torch.nn.Module")
    return made


def load_weights(module: nn.Module, file: str) -> None:
    """Load a ``.safetensors`` file into a module.

    Raises:
        SheetpropError: it is none, or does not fit.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        state = load_file(file)
    except FileNotFoundError as error:
        raise SheetpropError(f"{file}: there is no such file") from error
    except (OSError, SafetensorError) as error:
        raise SheetpropError(f"{file}: holds no weights ({error}); give a .safetensors file") from error
    try:
        module.load_state_dict(state)
    except RuntimeError as error:
        lines = [one.strip() for one in str(error).splitlines() if one.strip()]
        raise SheetpropError(f"{file}: these weights do not fit the module: {' '.join(lines[1:3])}") from error


def tensor_of(spelled: str, option: str) -> torch.Tensor:
    """Return a tensor from a file, a shape, or numbers.

    Raises:
        SheetpropError: it is none of these.
    """
    import torch

    path = Path(spelled)
    if path.suffix in (".npy", ".csv"):
        try:
            held = np.load(path, allow_pickle=False) if path.suffix == ".npy" else np.loadtxt(
                path, delimiter=",", ndmin=2)
        except FileNotFoundError as error:
            raise SheetpropError(f"{option} {spelled}: there is no such file") from error
        except (ValueError, OSError) as error:
            raise SheetpropError(f"{option} {spelled}: holds no numbers ({error})") from error
        if not (np.issubdtype(held.dtype, np.number) or held.dtype == bool) or np.issubdtype(held.dtype,
                                                                                            np.complexfloating):
            raise SheetpropError(f"{option} {spelled}: holds {held.dtype}; give real numbers")
        whole = np.issubdtype(held.dtype, np.integer)
        return torch.from_numpy(np.ascontiguousarray(held, dtype=np.int64 if whole else np.float64))
    words = spelled.lower().split("x")
    if len(words) > 1 and all(word.isdigit() and int(word) > 0 for word in words) and option == "--inputs":
        return torch.rand([int(word) for word in words], dtype=torch.float64)
    parts = [word for word in spelled.replace(";", ",").split(",") if word.strip()]
    try:
        numbers = [float(word) for word in parts]
    except ValueError:
        raise SheetpropError(f"{option} {spelled}: is no file .npy or .csv, no shape such as 1x3x8x8, and no list of "
                             "numbers") from None
    if all(word.strip().lstrip("-").isdigit() for word in parts):
        return torch.tensor([int(word) for word in parts])
    return torch.tensor(numbers, dtype=torch.float64)


def with_target_shape(source: Source) -> Source:
    """Let a list of real targets take the shape of the output."""
    import torch

    if source.target is None or not source.target.is_floating_point() or source.target.ndim != 1:
        return source
    with torch.no_grad():
        held = source.module.double()(*[one.double() if one.is_floating_point() else one for one in source.args])
    first = held[0] if isinstance(held, list | tuple) else held
    if first.numel() == source.target.numel():
        return replace(source, target=source.target.reshape(first.shape))
    return source

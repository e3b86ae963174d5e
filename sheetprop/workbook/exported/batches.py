"""Mini-batches for the steps of a book: of one's own arrays, or of MNIST."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from sheetprop.engine.file.package import Package
from sheetprop.errors import SheetpropError
from sheetprop.modules.formula import Floats
from sheetprop.workbook.exported.book import read_book
from sheetprop.workbook.exported.stepping import shuffled

Batches = Callable[[int], Mapping[str, Floats]]


def _pair(path: str | os.PathLike[str]) -> tuple[Any, Any]:
    """Return the one input and the target of a book.

    Raises:
        SheetpropError: it has several inputs, or no target.
    """
    spec = read_book(Package(path))
    if spec is None:
        raise SheetpropError(f"{os.fspath(path)}: carries no program of a module; give a book of `sheetprop export`")
    inputs = [one for one in spec.program.given if one.role == "input"]
    targets = [one for one in spec.program.given if one.role == "target"]
    if len(inputs) != 1 or len(targets) != 1:
        raise SheetpropError(f"{os.fspath(path)}: has {len(inputs)} inputs and {len(targets)} targets; mini-batches "
                             "want one of each")
    return inputs[0], targets[0]


def own_batches(path: str | os.PathLike[str], inputs: str, target: str, seed: int = 0) -> Batches:
    """Return mini-batches of arrays in files.

    Raises:
        SheetpropError: they do not fit the book.
    """
    from sheetprop.workbook.exported.sources import tensor_of

    x, t = _pair(path)
    arrays = {x.path: tensor_of(inputs, "--inputs").numpy(), t.path: tensor_of(target, "--target").numpy()}
    for one in (x, t):
        held = arrays[one.path]
        if one.shape[1:] != held.shape[1:]:
            held = held.reshape(len(held), -1)
            if held.shape[1] != int(np.prod(one.shape[1:])):
                raise SheetpropError(f"{one.path}: a sample has the shape {list(held.shape[1:])}; the book wants "
                                     f"{list(one.shape[1:])}")
            arrays[one.path] = held
    return shuffled(arrays, x.shape[0], seed)


def mnist_batches(path: str | os.PathLike[str], folder: str | os.PathLike[str] | None = None, seed: int = 0) -> Batches:
    """Return mini-batches of the training images, pixels from 0 to 1.

    Raises:
        SheetpropError: the book's input is no batch of such images.
    """
    from sheetprop.mnist.data import data, load

    x, t = _pair(path)
    if int(np.prod(x.shape[1:])) != 784:
        raise SheetpropError(f"{os.fspath(path)}: its input is {list(x.shape)}; MNIST's images have 784 pixels each")
    digits = load(data(folder))
    pixels = digits.train_images.numpy().reshape(-1, *x.shape[1:])
    batch = shuffled({x.path: pixels, t.path: digits.train_labels.numpy()}, x.shape[0], seed)

    def scaled(number: int) -> Mapping[str, Floats]:
        found = batch(number)
        return {x.path: found[x.path] / 255, t.path: found[t.path]}

    return scaled


def mnist_accuracy(path: str | os.PathLike[str], folder: str | os.PathLike[str] | None = None) -> tuple[int, int]:
    """Return how many test images of MNIST the program recognises with the weights in the cells, and of how many.

    PyTorch runs the program, which `verify` holds against the book's formulas.
    """
    import torch

    from sheetprop.mnist.data import data, load
    from sheetprop.workbook.exported.reading import module

    x, _ = _pair(path)
    digits = load(data(folder))
    held = module(path)
    images = digits.test_images.reshape(-1, *x.shape[1:])
    correct = total = 0
    with torch.no_grad():
        for k in range(0, len(images) - x.shape[0] + 1, x.shape[0]):
            answers = held(images[k:k + x.shape[0]].double() / 255).argmax(1)
            correct += int((answers == digits.test_labels[k:k + x.shape[0]]).sum())
            total += x.shape[0]
    return correct, total

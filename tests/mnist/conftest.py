"""Digits for the tests: a toy set made here, and the real one through the cache."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sheetprop.errors import SheetpropError
from sheetprop.mnist.data import Digits, data, load
from sheetprop.mnist.recipe import Augmentation, OneCycle, Recipe
from sheetprop.mnist.record import DataFile

ASSIGNMENTS = Path(__file__).resolve().parents[3] / "shared" / "assignments"


@pytest.fixture(scope="session")
def toy() -> Digits:
    """320 training and 100 test images: a bright bar whose place tells the digit, and noise."""
    generator = torch.Generator().manual_seed(3)

    def images(count: int) -> tuple[torch.Tensor, torch.Tensor]:
        labels = torch.arange(count) % 10
        pixels = torch.randint(0, 80, (count, 28, 28), generator=generator, dtype=torch.uint8)
        for row, label in enumerate(labels.tolist()):
            pixels[row, 4:24, 3 + 2 * label : 6 + 2 * label] = 230
        return pixels, labels

    return Digits(*images(320), *images(100), files=(DataFile(name="toy", md5="0" * 32, bytes=1),))


@pytest.fixture
def small_recipe() -> Recipe:
    """Four epochs of five steps with everything that has a state: Muon, averaging, augmentation, dropout."""
    return Recipe(
        name="toy", title="toy", origin="test", network="tiny", epochs=4, batch_size=64, learning_rate=0.05,
        nesterov=True, weight_decay=1e-4, schedule=OneCycle(), muon_rate=0.02, ema=0.9, label_smoothing=0.05,
        augmentation=Augmentation(degrees=5, shift=0.05, scale=0.05, clean_epochs=1),
    )


@pytest.fixture(scope="session")
def mnist() -> Digits:
    """The real data set, from the cache or fetched into it."""
    try:
        return load(data())
    except SheetpropError as error:
        pytest.skip(f"MNIST cannot be had here: {error}")


@pytest.fixture(scope="session")
def assignments() -> Path:
    """The folder of the five logs, which is not part of the repository."""
    if not ASSIGNMENTS.is_dir():
        pytest.skip("the five files of ../shared/assignments are not here")
    return ASSIGNMENTS

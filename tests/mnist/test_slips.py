"""Slips of the training loop that no test saw: each test here was written against one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional

from sheetprop.errors import SheetpropError
from sheetprop.mnist.data import Digits
from sheetprop.mnist.evaluate import Images
from sheetprop.mnist.loop import Listener, Loop
from sheetprop.mnist.recipe import Recipe


def plain(recipe: Recipe, **changes: Any) -> Recipe:
    """Return a recipe of momentum alone: no augmentation, average, Muon or smoothing."""
    return recipe.model_copy(update={"muon_rate": None, "ema": None, "label_smoothing": 0.0, "augmentation": None,
                                     "epochs": 1, "weight_decay": 0.01} | changes)


def images(pixels: torch.Tensor, labels: torch.Tensor) -> Images:
    """Return pictures as the loop takes them."""
    return Images((pixels.float().unsqueeze(1) / 255 - 0.1307) / 0.3081, labels, torch.arange(len(labels)))


@pytest.mark.parametrize("nesterov", [True, False])
def test_the_loop_steps_as_torch_does(toy: Digits, small_recipe: Recipe, nesterov: bool) -> None:
    """One epoch against a loop written out here, which shares nothing but PyTorch."""
    recipe = plain(small_recipe, nesterov=nesterov)
    train, test = images(toy.train_images, toy.train_labels), images(toy.test_images, toy.test_labels)
    loop = Loop(recipe, 5, train, test)
    torch.manual_seed(5)
    from sheetprop.mnist.networks import build, network

    module = build(network(recipe.network)).to(memory_format=torch.channels_last)
    module.load_state_dict(loop.module.state_dict())
    random = torch.get_rng_state()
    loop.run_epoch(Listener())
    torch.set_rng_state(random)
    optimizer = torch.optim.SGD(module.parameters(), lr=1.0, momentum=recipe.momentum, nesterov=nesterov,
                                weight_decay=0.01)
    module.train()
    order = torch.randperm(len(train))
    for batch in range(5):
        rows = order[batch * 64:(batch + 1) * 64]
        for group in optimizer.param_groups:
            group["lr"] = recipe.rate(batch, 5)
        loss = functional.cross_entropy(
            module(train.pixels[rows].contiguous(memory_format=torch.channels_last)), train.labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    for name, value in module.state_dict().items():
        torch.testing.assert_close(loop.module.state_dict()[name], value, msg=name)


def test_the_average_is_what_is_tested_and_kept(toy: Digits, small_recipe: Recipe) -> None:
    recipe = plain(small_recipe, ema=0.9)
    train, test = images(toy.train_images, toy.train_labels), images(toy.test_images, toy.test_labels)
    loop = Loop(recipe, 5, train, test)
    name = next(k for k, v in loop.module.state_dict().items() if v.ndim == 4)
    seen = [loop.module.state_dict()[name].clone()]

    class Watch(Listener):
        def step(self, batch: int, loss: float, rate: float) -> None:
            seen.append(loop.module.state_dict()[name].clone())

    loop.run_epoch(Watch())
    average = seen[0]
    for step, weight in enumerate(seen[1:], start=1):  # a decay of 0.9, less in the first steps
        decay = min(0.9, step / (step + 10))
        average = decay * average + (1 - decay) * weight
    trained, kept = seen[-1], loop.weights()[name]
    torch.testing.assert_close(kept, average)
    assert (kept - trained).abs().max() > 1e-4
    assert torch.equal(loop.module.state_dict()[name], trained)  # the run goes on from where it stands
    with loop.tested():
        assert torch.equal(loop.module.state_dict()[name], kept)
    assert torch.equal(loop.module.state_dict()[name], trained)


def test_a_data_file_with_a_wrong_sum_is_refused(tmp_path: Path) -> None:
    from sheetprop.mnist import data as room
    from sheetprop.mnist.fetch import FILES

    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, (_, size) in FILES.items():
        with (raw / name).open("wb") as out:
            out.truncate(size)
    with pytest.raises(SheetpropError, match=r"MD5|sum|checksum"):
        room.data(tmp_path)

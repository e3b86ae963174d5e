"""Training in a book of a module, and the module that a book gives back."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import sheetprop
from sheetprop.errors import SheetpropError
from sheetprop.modules.optimizers import make_optimizer
from sheetprop.workbook.exported.export import export
from sheetprop.workbook.exported.stepping import shuffled, step

OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1, weight_decay=0.01),
    "momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01),
    "nesterov": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "adam": lambda p: torch.optim.Adam(p, lr=0.001, weight_decay=0.01),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.001, weight_decay=0.01),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.01, weight_decay=0.01),
    "adagrad": lambda p: torch.optim.Adagrad(p, lr=0.01, weight_decay=0.01),
}


def network() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).double()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_steps_are_those_of_torch_optim(name: str, tmp_path: Path) -> None:
    module, x, t = network(), torch.randn(5, 3).double(), torch.randn(5, 2).double()
    path = tmp_path / "book.xlsx"
    export(module, x, path, target=t, optimizer=make_optimizer(name, weight_decay=0.01))
    first = step(path, 12)
    second = step(path, 8)
    assert (first.before, second.before) == (0, 12)
    optimizer = OPTIMIZERS[name](module.parameters())
    losses = []
    for _ in range(20):
        optimizer.zero_grad()
        loss = functional.mse_loss(module(x), t)
        loss.backward()
        losses.append(float(loss))
        optimizer.step()
    np.testing.assert_allclose([*first.losses, *second.losses], losses, rtol=1e-9)
    held = sheetprop.module(path)
    for key, value in module.state_dict().items():
        np.testing.assert_allclose(held.state_dict()[key].numpy(), value.numpy(), rtol=0, atol=1e-9)
    assert sheetprop.verify(path).agrees


def test_a_log_goes_on_and_mini_batches_are_drawn(tmp_path: Path) -> None:
    x, t = np.random.default_rng(0).random((20, 3)), np.random.default_rng(1).random((20, 2))
    path, log = tmp_path / "book.xlsx", tmp_path / "log.csv"
    export(network(), torch.from_numpy(x[:4]), path, target=torch.from_numpy(t[:4]))
    batches = shuffled({"x": x, "target": t}, 4)
    seen = [batches(k)["x"] for k in range(5)]
    assert sorted(np.concatenate(seen)[:, 0]) == sorted(x[:, 0])
    step(path, 4, log=log, every=2, batches=batches)
    step(path, 2, log=log)
    lines = list(csv.reader(log.open()))
    assert lines[0] == ["step", "loss"]
    assert [line[0] for line in lines[1:]] == ["0", "2", "4", "4", "5", "6"]


def test_a_book_with_another_formula_is_not_stepped(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    export(network(), torch.randn(5, 3), path, target=torch.randn(5, 2))
    book = sheetprop.open(path)
    book.set("linear_0!B11", "=1+1")
    book.calculate()
    book.save(path)
    before = path.read_bytes()
    with pytest.raises(SheetpropError, match=r"linear_0!B11 has another formula"):
        step(path, 3)
    assert path.read_bytes() == before


def test_a_loss_that_is_no_number_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    module = nn.Linear(2, 1).double()
    export(module, torch.full((1, 2), 1e5), path, target=torch.zeros(1, 1), optimizer=make_optimizer("sgd", lr=1e30))
    before = path.read_bytes()
    with pytest.raises(SheetpropError, match="the loss is no number at step"):
        step(path, 50)
    assert path.read_bytes() == before


def test_a_book_gives_its_module_back(tmp_path: Path) -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.norm, self.out = nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Linear(8, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.out(functional.max_pool2d(torch.relu(self.norm(self.conv(x))), 2).flatten(1))

    torch.manual_seed(2)
    module = Net().eval()
    export(module, torch.rand(1, 1, 6, 6), tmp_path / "net.xlsx", target=torch.tensor([1]))
    held = sheetprop.module(tmp_path / "net.xlsx")
    x = torch.rand(1, 1, 6, 6).double()
    torch.testing.assert_close(held(x), module.double()(x), rtol=1e-12, atol=1e-12)
    assert {key: tuple(v.shape) for key, v in held.state_dict().items()} == {
        key: tuple(v.shape) for key, v in module.state_dict().items() if key != "norm.num_batches_tracked"}
    held(x).sum().backward()
    assert all(one.grad is not None for one in held.parameters())


def test_other_workbooks_are_refused(tmp_path: Path) -> None:
    sheetprop.build(sheetprop.spec(preset="classic", iterations=2, learning_rates=(0.1,)), tmp_path / "classic.xlsx")
    for function in (sheetprop.module, sheetprop.step):
        with pytest.raises(SheetpropError, match="carries no program of a module"):
            function(tmp_path / "classic.xlsx")

"""Schedules, augmentation, Muon: what a recipe is made of."""

from __future__ import annotations

import math

import pytest
import torch
from pydantic import ValidationError

from sheetprop.errors import SheetpropError
from sheetprop.mnist.augment import augment
from sheetprop.mnist.data import DEVIATION, MEAN
from sheetprop.mnist.muon import Muon, orthogonal
from sheetprop.mnist.networks import NETWORKS, build, network
from sheetprop.mnist.recipe import Augmentation, OneCycle, Recipe
from sheetprop.mnist.recipes import RECIPES, recipe, recipes

# The twenty learning rates of the log of system 000, to the last bit.
LOGGED = [
    0.010000000000000002, 0.007581501140000001, 0.00610500611, 0.0051098620300000005, 0.00439367311,
    0.0038535645500000003, 0.0034317089900000003, 0.00309310238, 0.00281531532, 0.0025833118100000003,
    0.0023866348400000004, 0.0022177866500000002, 0.00207125104, 0.0019428793500000001, 0.0018294914,
    0.00172860847, 0.0016382699899999999, 0.00155690487, 0.00148323939, 0.00141623,
]

GROUND = -MEAN / DEVIATION


def test_the_rule_of_system_000_gives_the_logged_rates_to_the_last_bit() -> None:
    made = recipe("000")
    assert [made.rate(469 * e, 469) for e in range(20)] == LOGGED
    assert [made.rate(469 * e + 468, 469) for e in range(20)] == LOGGED


def test_step_down_agrees_with_pytorch() -> None:
    made = recipe("004")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=made.learning_rate)
    judge = torch.optim.lr_scheduler.StepLR(optimizer, 15, 0.1)
    for epoch in range(20):
        assert made.rate(epoch * 118 + 117, 118) == pytest.approx(judge.get_last_lr()[0], rel=1e-15)
        optimizer.step()
        judge.step()


def test_onecycle_agrees_with_pytorch() -> None:
    schedule, steps = OneCycle(warm_up=0.25, start_factor=0.04, end_factor=0.0), 200
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    judge = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 0.1, total_steps=steps, pct_start=(0.25 * (steps - 1) + 1) / steps, div_factor=25,
        final_div_factor=1e12, cycle_momentum=False)
    for step in range(steps):
        assert schedule.rate(0.1, step, 20, 10) == pytest.approx(judge.get_last_lr()[0], abs=1e-9)
        optimizer.step()
        if step < steps - 1:
            judge.step()


@pytest.mark.parametrize("name", ["001", "002", "003"])
def test_a_constant_rate_is_constant(name: str) -> None:
    assert {recipe(name).rate(step, 10) for step in range(100)} == {0.01}


def test_every_recipe_has_its_network_and_ours_stay_under_20_epochs() -> None:
    for made in recipes():
        assert made.network in NETWORKS
        assert made.seed == 1
    assert all(RECIPES[name].epochs < 20 for name in ("fast", "tiny", "small"))


def test_unknown_recipes_and_settings() -> None:
    with pytest.raises(SheetpropError, match="did you mean 'small'"):
        recipe("smal")
    with pytest.raises(SheetpropError, match="known are 000, 001"):
        recipe("zzzzzz")
    with pytest.raises(ValidationError):
        Recipe.model_validate({**recipe("001").model_dump(), "momentun": 0.9})


def images() -> torch.Tensor:
    made = torch.full((2, 1, 28, 28), GROUND)
    made[:, :, 10:18, 12:16] = 2.0
    return made


def test_no_augmentation_changes_nothing() -> None:
    torch.testing.assert_close(augment(images(), Augmentation(), GROUND), images(), atol=1e-5, rtol=0)


def test_the_ground_comes_in_from_outside() -> None:
    torch.manual_seed(1)
    moved = augment(torch.full((64, 1, 28, 28), GROUND), Augmentation(degrees=20, shift=0.3, scale=0.2), GROUND)
    torch.testing.assert_close(moved, torch.full_like(moved, GROUND), atol=1e-5, rtol=0)


def test_bounds_hold() -> None:
    torch.manual_seed(1)
    many = images()[:1].expand(500, 1, 28, 28) - GROUND
    moved = augment(many + GROUND, Augmentation(shift=0.1), GROUND) - GROUND
    mass = moved.sum((1, 2, 3))
    rows = (moved.sum((1, 3)) * torch.arange(28)).sum(1) / mass
    assert (rows - 13.5).abs().max() <= 2.8 + 1e-3
    assert (rows - 13.5).abs().max() > 2.5
    bigger = augment(many + GROUND, Augmentation(scale=0.2), GROUND) - GROUND
    ratio = (bigger.sum((1, 2, 3)) / many.sum((1, 2, 3))).sqrt()
    assert 0.78 < ratio.min() < 0.85
    assert 1.15 < ratio.max() < 1.22


def test_rotation_agrees_with_torchvision(monkeypatch: pytest.MonkeyPatch) -> None:
    from sheetprop.mnist.vision import torchvision

    torchvision()
    from torchvision.transforms import InterpolationMode
    from torchvision.transforms.functional import rotate

    monkeypatch.setattr(torch, "rand", lambda n, device=None: torch.ones(n))  # every draw at its upper bound
    x = torch.linspace(0, 1, 784).reshape(1, 1, 28, 28).square()
    ours = augment(x + GROUND, Augmentation(degrees=15), GROUND) - GROUND
    judge = rotate(x, 15, interpolation=InterpolationMode.BILINEAR)
    torch.testing.assert_close(ours[..., 6:22, 6:22], judge[..., 6:22, 6:22], atol=1e-4, rtol=0)


def test_cropping_enlarges_the_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    x = torch.zeros(1, 1, 28, 28)
    x[..., 3:25, 3:25] = 1
    monkeypatch.setattr(torch, "rand", lambda n, device=None: torch.zeros(n))
    made = augment(x + GROUND, Augmentation(crop=22, crop_probability=0.5), GROUND) - GROUND
    assert made[..., 1:27, 1:27].min() > 0.99


def test_muon_pushes_singular_values_towards_one() -> None:
    torch.manual_seed(0)
    for shape in ((12, 72), (32, 9)):
        values = torch.linalg.svdvals(orthogonal(torch.randn(shape)))
        assert values.min() > 0.3
        assert values.max() < 1.4


def test_muon_lowers_a_loss() -> None:
    torch.manual_seed(0)
    layer = torch.nn.Conv2d(2, 4, 3, bias=False)
    x, target = torch.randn(8, 2, 6, 6), torch.randn(8, 4, 4, 4)
    optimizer = Muon(layer.parameters(), lr=0.02, momentum=0.6)
    losses = []
    for _ in range(40):
        loss = (layer(x) - target).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] * 0.9
    assert not math.isnan(losses[-1])


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_answer_ten_logits(name: str) -> None:
    assert build(network(name)).eval()(torch.zeros(3, 1, 28, 28)).shape == (3, 10)

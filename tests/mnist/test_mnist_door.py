"""A network, a recipe and pictures of one's own: through training, record, resumption, rubric, predict, report."""

from __future__ import annotations

import csv
import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import sheetprop
from sheetprop.errors import SheetpropError
from sheetprop.mnist import record
from sheetprop.mnist.data import Digits
from sheetprop.mnist.datasets import open_data
from sheetprop.mnist.loop import Listener
from sheetprop.mnist.modulesummary import module_table
from sheetprop.mnist.networks import build, network
from sheetprop.mnist.optimizers import optimizers
from sheetprop.mnist.owncode import own_network
from sheetprop.mnist.recipe import Recipe, Transform
from sheetprop.mnist.recipefile import read_recipe, to_toml
from sheetprop.mnist.recipes import recipes
from sheetprop.mnist.robustness import CORRUPTIONS, calibration, familiarity
from sheetprop.mnist.rubric import rubric
from sheetprop.mnist.summary import table
from sheetprop.mnist.training import train
from sheetprop.mnist.transforms import composed
from sheetprop.mnist.weights import module_of

MODEL = '''
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 6, 5, stride=2)
        self.norm = nn.BatchNorm2d(6)
        self.drop = nn.Dropout(0.1)
        self.line = nn.Linear(6 * 12 * 12, 10)

    def forward(self, x):
        x = torch.relu(self.norm(self.conv(x)))
        return torch.log_softmax(self.line(self.drop(x).flatten(1)), 1)

def three():
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 3))

def soft():
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 10), nn.Softmax(1))
'''


class Stop(Listener):
    """Stops a run by hand after an epoch."""

    def __init__(self, after: int) -> None:
        self.left = after

    def epoch_started(self, epoch: int, epochs: int, batches: int, rate: float) -> None:
        if epoch > self.left:
            raise KeyboardInterrupt


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.py"
    path.write_text(MODEL, encoding="utf-8")
    return path


@pytest.fixture
def brief() -> Recipe:
    return Recipe(name="brief", title="brief", origin="test", network="tiny", epochs=2, batch_size=64,
                  learning_rate=0.05)


def test_a_module_of_ones_own_goes_all_the_way(
    model: Path, tmp_path: Path, toy: Digits, brief: Recipe, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out = f"{model}:Net", tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        train(brief, network=code, data=toy, out=out, threads=1, listener=Stop(1))
    kept = train(brief, network=code, data=toy, out=out, threads=1, resume=True)
    straight = train(brief, network=code, data=toy, out=tmp_path / "straight", threads=1)
    assert [e.test_loss for e in kept.runs[0].epochs] == [e.test_loss for e in straight.runs[0].epochs]
    assert kept.module is not None
    assert (kept.module.place, kept.module.source, kept.module.classes) == ("model.py:Net", MODEL, 10)
    assert kept.module.sha256 == own_network(code).sha256
    assert str(tmp_path) not in (out / "record.json").read_text(encoding="utf-8")
    assert kept.network is not None
    assert [(r.type, r.shape, r.parameters, r.receptive_field) for r in kept.network.layers] == [
        ("Conv2d", [6, 12, 12], 156, 5), ("BatchNorm2d", [6, 12, 12], 12, 5), ("Dropout", [6, 12, 12], 0, 5),
        ("Linear", [10], 8650, 27)]
    verdicts = {v.requirement: v.passed for v in rubric(out)}
    assert verdicts["batch normalisation"] is True
    assert verdicts["fewer than 20,000 parameters"] is True
    digit = tmp_path / "digit.png"
    Image.fromarray(toy.test_images[0].numpy()).save(digit)
    with pytest.raises(SheetpropError, match=r"code of one's own.*give --network model.py:Net"):
        sheetprop.predict(out, [digit])
    assert len(sheetprop.predict(out, [digit], network=code)) == 1
    sheetprop.report(None, out, output=tmp_path / "report", formats=("md",))
    text = (tmp_path / "report" / "README.md").read_text(encoding="utf-8")
    assert "--network model.py:Net" in text
    changed = tmp_path / "changed" / "model.py"
    changed.parent.mkdir()
    changed.write_text(MODEL + "\n# changed\n", encoding="utf-8")
    with pytest.raises(SheetpropError, match="is not the code that was trained"):
        module_of(out, network=f"{changed}:Net")


def test_reading_a_record_never_runs_its_code(model: Path, tmp_path: Path, toy: Digits, brief: Recipe) -> None:
    train(brief, network=f"{model}:Net", data=toy, out=tmp_path / "run", threads=1, epochs=1)
    path = tmp_path / "run" / "record.json"
    told = json.loads(path.read_text(encoding="utf-8"))
    told["module"]["source"] = "raise SystemExit('run')"
    path.write_text(json.dumps(told), encoding="utf-8")
    model.write_text("raise SystemExit('run')", encoding="utf-8")
    record.read(path)
    rubric(path)
    with pytest.raises(SheetpropError, match="which no record runs"):
        module_of(path)


def test_modules_in_python(toy: Digits, brief: Recipe) -> None:
    made = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    before = made[1].weight.detach().clone()  # type: ignore[union-attr]
    kept = train(made, data=toy, epochs=1, threads=1)
    assert torch.equal(made[1].weight, before)  # type: ignore[arg-type]
    assert kept.recipe is not None
    assert kept.recipe.name == "fast"
    with pytest.raises(SheetpropError, match="give its class"):
        train(made, data=toy, runs=2)
    kept = train(brief, network=lambda: nn.Sequential(nn.Flatten(), nn.Linear(784, 10)), data=toy, runs=2, epochs=1,
                 threads=1)
    assert len(kept.runs) == 2
    assert kept.runs[0].epochs[0].test_loss != kept.runs[1].epochs[0].test_loss


@pytest.mark.parametrize(("name", "message"), [
    ("Nat", "did you mean 'Net'"), ("three", r"gives \[2, 3\]"), ("soft", "gives probabilities"),
    ("torch", "neither a class")])
def test_code_that_does_not_fit(model: Path, toy: Digits, brief: Recipe, name: str, message: str) -> None:
    with pytest.raises(SheetpropError, match=message):
        train(brief, network=f"{model}:{name}", data=toy)


@pytest.mark.parametrize(("text", "message"), [
    ("import nothing_of_that_name", "stops in line 1 with ModuleNotFoundError"), ("def", "line 1 with SyntaxError"),
    ("x = 1", "holds 0 modules")])
def test_code_that_stops(tmp_path: Path, toy: Digits, brief: Recipe, text: str, message: str) -> None:
    path = tmp_path / "bad.py"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SheetpropError, match=message):
        train(brief, network=str(path), data=toy)
    with pytest.raises(SheetpropError, match="no such file"):
        train(brief, network=str(tmp_path / "none.py"), data=toy)


# Recipes as files


@pytest.mark.parametrize("known", recipes(), ids=lambda r: r.name)
def test_every_recipe_survives_its_file(known: Recipe, tmp_path: Path) -> None:
    path = tmp_path / f"{known.name}.toml"
    path.write_text(to_toml(known), encoding="utf-8")
    assert read_recipe(path) == known


def test_a_recipe_file_of_ones_own(tmp_path: Path, toy: Digits) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('base = "fast"\nepochs = 1\nbatch_size = 64\nnetwork = "tiny"\noptimizer = "AdamW"\n'
                    "learning_rate = 0.01\n[schedule]\nkind = \"cosine\"\n[[transforms]]\nname = \"RandomAffine\"\n"
                    "degrees = 7\ntranslate = [0.07, 0.07]\n[[transforms]]\nname = \"RandomErasing\"\np = 0.5\n",
                    encoding="utf-8")
    kept = train(path, data=toy, threads=1)
    assert kept.recipe is not None
    assert (kept.recipe.name, kept.recipe.optimizer, kept.recipe.schedule.kind) == ("mine", "AdamW", "cosine")
    assert train(path, data=toy, threads=1).runs[0].epochs[0].test_loss == kept.runs[0].epochs[0].test_loss


@pytest.mark.parametrize(("text", "message"), [
    ("epochs = 0\nnetwork = \"tiny\"", "epochs: Input should be greater than 0"),
    ("network = ", "cannot be read as TOML"),
    ("network = \"tiny\"\nlearning_rat = 1", "did you mean 'learning_rate'"),
    ("network = \"tiny\"\noptimizer = \"Adm\"", "optimizer: Input should be 'SGD'"),
    ("base = \"fats\"", "did you mean 'fast'"),
    ("base = \"fast\"\n[[transforms]]\nname = \"RandomAffin\"", "did you mean 'RandomAffine'"),
    ("base = \"fast\"\n[[transforms]]\nname = \"RandomAffine\"\ndegres = 3", "torchvision says")])
def test_recipe_files_with_mistakes(tmp_path: Path, toy: Digits, text: str, message: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SheetpropError, match=message):
        train(path, data=toy)


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "NAdam", "RMSprop", "Muon"])
def test_optimisers_by_name(name: Any) -> None:
    made = Recipe(name="x", title="", origin="", network="tiny", epochs=1, batch_size=2, learning_rate=0.01,
                  optimizer=name)
    module = build(network("tiny"))
    found = optimizers(made, module)
    assert [type(o).__name__ for o in found] == (["SGD", "Muon"] if name == "Muon" else [name])
    taken = [id(p) for o in found for g in o.param_groups for p in g["params"]]
    assert sorted(taken) == sorted(id(p) for p in module.parameters())


@pytest.mark.parametrize(("schedule", "reference"), [
    ({"kind": "exponential", "factor": 0.8}, lambda o: torch.optim.lr_scheduler.ExponentialLR(o, 0.8)),
    ({"kind": "multistep", "milestones": [1, 3], "factor": 0.1},
     lambda o: torch.optim.lr_scheduler.MultiStepLR(o, [1, 3], 0.1))])
def test_schedules_by_epoch_are_pytorchs(schedule: Any, reference: Any) -> None:
    made = Recipe(name="x", title="", origin="", network="tiny", epochs=5, batch_size=2, learning_rate=0.1,
                  schedule=schedule)
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.1)
    scheduler = reference(optimizer)
    for epoch in range(5):
        assert math.isclose(made.rate(epoch * 7 + 3, 7), optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()


@pytest.mark.parametrize(("schedule", "reference"), [
    ({"kind": "cosine"}, lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 34)),
    ({"kind": "linear"}, lambda o: torch.optim.lr_scheduler.LinearLR(o, 1.0, 0.0, 34))])
def test_schedules_by_step_are_pytorchs(schedule: Any, reference: Any) -> None:
    made = Recipe(name="x", title="", origin="", network="tiny", epochs=5, batch_size=2, learning_rate=0.1,
                  schedule=schedule)
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.1)
    scheduler = reference(optimizer)
    for step in range(35):
        assert math.isclose(made.rate(step, 7), optimizer.param_groups[0]["lr"], abs_tol=1e-12)
        optimizer.step()
        scheduler.step()


def test_transforms_draw_for_each_image() -> None:
    change = composed([Transform(name="RandomRotation", degrees=40)])  # type: ignore[call-arg]
    assert change is not None
    picture = torch.zeros(28, 28)
    picture[4:24, 12:16] = 1
    torch.manual_seed(0)
    turned = change(picture.expand(4, 1, 28, 28))
    assert turned.shape == (4, 1, 28, 28)
    assert len({float(one[0, 4:8].sum()) for one in turned}) > 1


# Data sets


def pictures(folder: Path, toy: Digits, *, split: bool) -> None:
    parts = [("train", toy.train_images, toy.train_labels), ("test", toy.test_images, toy.test_labels)]
    for name, images, labels in parts[: 2 if split else 1]:
        for i, (image, label) in enumerate(zip(images, labels, strict=True)):
            place = folder / name / f"class{label}" if split else folder / f"class{label}"
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image.numpy()).save(place / f"{i:04}.png")


def test_a_folder_of_pictures(tmp_path: Path, toy: Digits, brief: Recipe) -> None:
    pictures(tmp_path / "both", toy, split=True)
    found = open_data(tmp_path / "both")
    assert found.class_names == tuple(f"class{d}" for d in range(10))
    assert torch.equal(found.train_images.sum((1, 2)).sort().values, toy.train_images.sum((1, 2)).sort().values)
    assert found.test_labels.bincount().tolist() == [10] * 10
    assert found.mean == pytest.approx(float((toy.train_images / 255).mean()), abs=1e-4)
    kept = train(brief, data=tmp_path / "both", epochs=1, threads=1)
    assert (kept.data_set, kept.class_names) == ("both", [f"class{d}" for d in range(10)])
    train(brief, data=tmp_path / "both", epochs=2, threads=1, out=tmp_path / "run")
    test = sorted((tmp_path / "both" / "test").glob("*/*.png"))
    from sheetprop.mnist.weights import module_of as load_module

    kept, run, _ = load_module(tmp_path / "run")
    assert run.confusion is not None
    told = sheetprop.predict(tmp_path / "run", test)
    assert [p.label for p in told] == [f"class{p.digit}" for p in told]
    right = sum(p.label == Path(p.picture).parent.name for p in told)
    assert right == sum(row[i] for i, row in enumerate(run.confusion))  # as they were read for the training
    pictures(tmp_path / "one", toy, split=False)
    assert len(open_data(tmp_path / "one").test_labels) == 320 // 7
    (tmp_path / "empty").mkdir()
    with pytest.raises(SheetpropError, match="at least two classes"):
        open_data(tmp_path / "empty")
    with pytest.raises(SheetpropError, match="neither a folder nor a data set"):
        open_data("fashon")
    (tmp_path / "one" / "class3" / "0000.png").write_bytes(b"no picture")
    with pytest.raises(SheetpropError, match="no picture that can be read"):
        open_data(tmp_path / "one")


def idx(path: Path, values: torch.Tensor) -> None:
    """Write the format of MNIST's files."""
    path.parent.mkdir(parents=True, exist_ok=True)
    head = bytes([0, 0, 8, values.ndim]) + b"".join(int(n).to_bytes(4, "big") for n in values.shape)
    path.write_bytes(head + values.to(torch.uint8).numpy().tobytes())


@pytest.mark.parametrize(("name", "folder"), [("fashion", "FashionMNIST"), ("kmnist", "KMNIST")])
def test_the_family(name: str, folder: str, tmp_path: Path, toy: Digits) -> None:
    for part, images, labels in (("train", toy.train_images, toy.train_labels),
                                 ("t10k", toy.test_images, toy.test_labels)):
        idx(tmp_path / folder / "raw" / f"{part}-images-idx3-ubyte", images)
        idx(tmp_path / folder / "raw" / f"{part}-labels-idx1-ubyte", labels)
    found = open_data(f"{name}:{tmp_path}")
    assert torch.equal(found.train_images, toy.train_images)
    assert torch.equal(found.test_labels, toy.test_labels)
    assert (found.name, found.classes) == (name, 10)
    with pytest.raises(SheetpropError, match="is not there"):
        open_data(f"{name}:{tmp_path / 'nowhere'}")
    with pytest.raises(SheetpropError, match="no such split"):
        open_data("emnist-words")


def test_more_classes_need_a_network_of_ones_own(toy: Digits, brief: Recipe) -> None:
    other = Digits(toy.train_images, toy.train_labels, toy.test_images, toy.test_labels, (), "letters", 0.1, 0.3,
                   tuple("abcdefghijkl"))
    with pytest.raises(SheetpropError, match="letters has 12"):
        train(brief, data=other)
    kept = train(brief, network=lambda: nn.Sequential(nn.Flatten(), nn.Linear(784, 12)), data=other, epochs=1,
                 threads=1)
    assert kept.runs[0].confusion is not None
    assert len(kept.runs[0].confusion) == 12


# Summary


@pytest.mark.parametrize("name", ["000", "001", "002", "tiny", "small"])
def test_torchinfos_engine_and_our_table_agree(name: str) -> None:
    ours, engine = table(network(name)), module_table(build(network(name)), (1, 28, 28))
    assert [(r.type, r.shape, r.parameters, r.receptive_field, r.multiply_adds, r.kernel) for r in ours.layers
            if r.type not in ("Flatten", "AdaptiveAvgPool2d")] == [
        (r.type, r.shape, r.parameters, r.receptive_field, r.multiply_adds, r.kernel) for r in engine.layers
        if r.type not in ("Flatten", "AdaptiveAvgPool2d")]
    assert (ours.parameters, ours.multiply_adds) == (engine.parameters, engine.multiply_adds)


def test_receptive_fields_of_branches_and_functions() -> None:
    class Branched(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Conv2d(3, 4, 3, padding=1)
            self.wide = nn.Conv2d(4, 4, 5, padding=2)
            self.last = nn.Conv2d(4, 4, 3, padding=1)
            self.free = nn.Parameter(torch.zeros(7))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = torch.max_pool2d(self.first(x), 2)
            return self.last(x + self.wide(x))  # type: ignore[no-any-return]

    found = module_table(Branched(), (3, 32, 32))
    # 3; pooling 4, jump 2; the wide branch 4 + 4 * 2; the last + 2 * 2.
    assert [(r.type, r.receptive_field, r.parameters) for r in found.layers] == [
        ("Conv2d", 3, 112), ("Conv2d", 12, 404), ("Conv2d", 16, 148), ("Parameter", None, 7)]
    assert "Mult-adds:" in sheetprop.summary(Branched(), (3, 32, 32), details=True)
    with pytest.raises(SheetpropError, match=r"stops on an input of \[1, 32, 32\]"):
        sheetprop.summary(Branched(), (1, 32, 32))


# Watching


def test_logs_and_the_page(tmp_path: Path, toy: Digits, brief: Recipe) -> None:
    pytest.importorskip("tensorboard")
    kept = train(brief, data=toy, out=tmp_path, threads=1, log=["csv", "jsonl", "tensorboard"], watch=True)
    with (tmp_path / "log.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    told = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    epochs = kept.runs[0].epochs
    assert [float(r["test_loss"]) for r in rows] == [e.test_loss for e in epochs] == [t["test_loss"] for t in told]
    assert sheetprop.log(tmp_path / "log.csv").runs[0].epochs[1].test_accuracy == epochs[1].test_accuracy
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(tmp_path / "tensorboard" / "seed-1"))
    events.Reload()
    told = [round(e.value, 4) for e in events.Scalars("test/accuracy")]
    assert told == [round(e.test_accuracy or 0, 4) for e in epochs]
    page = (tmp_path / "watch.html").read_text(encoding="utf-8")
    assert "<polyline" in page
    assert "http-equiv" not in page  # done: it need not refresh any more
    assert not re.search(r"https?://", page)
    with pytest.raises(SheetpropError, match="needs a folder"):
        train(brief, data=toy, watch=True)


# Robustness and calibration


def test_corruptions_do_what_they_say() -> None:
    picture = torch.zeros(2, 1, 28, 28)
    picture[:, :, 8:20, 12:16] = 1
    changed = {name: change(picture, torch.Generator().manual_seed(0)) for name, (_, change) in CORRUPTIONS.items()}
    assert all(one.shape == picture.shape for one in changed.values())
    assert torch.equal(changed["invert"], 1 - picture)
    assert changed["thin"].sum() == 2 * 11 * 3
    assert changed["thick"].sum() == 2 * 14 * 6
    assert changed["shift"].sum() == pytest.approx(float(picture.sum()), rel=1e-4)
    rows = changed["shift"][0, 0].sum(1).nonzero().flatten().tolist()
    assert (rows[0], rows[-1]) in ((4, 15), (12, 23))
    assert changed["blur"].sum() == pytest.approx(float(picture.sum()), rel=1e-3)
    assert changed["blur"].max() < 1


def test_calibration_by_hand() -> None:
    # Two images at 0.9 of which one is right, two at 0.6 of which both are: |0.9 - 0.5| / 2 + |0.6 - 1| / 2.
    def row(share: float) -> list[float]:
        return [math.log(share), math.log(1 - share)]

    answers = torch.tensor([row(0.9), row(0.9), row(0.6), row(0.6)])
    found = calibration(answers, torch.tensor([0, 1, 0, 0]))
    assert found.expected_error == pytest.approx(0.4, abs=1e-5)
    assert [(b.count, b.accuracy) for b in found.bins] == [(2, 1.0), (2, 0.5)]


def test_the_record_holds_robustness_calibration_and_what_is_familiar(toy: Digits, brief: Recipe) -> None:
    run = train(brief, data=toy, epochs=1, threads=1).runs[0]
    assert run.robustness is not None
    assert [c.name for c in run.robustness] == list(CORRUPTIONS)
    assert run.calibration is not None
    assert sum(b.count for b in run.calibration.bins) == 100
    assert run.familiar_from is not None
    logits = torch.randn(5, 10)
    assert torch.allclose(familiarity(logits), familiarity(logits.log_softmax(1)), atol=1e-5)
    assert np.isfinite(run.familiar_from)

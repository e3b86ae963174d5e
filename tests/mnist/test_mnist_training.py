"""The loop and its record: repeatable, resumable, never half-written, honest when it goes wrong."""

from __future__ import annotations

import csv
import gzip
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from sheetprop.errors import SheetpropError
from sheetprop.mnist import record
from sheetprop.mnist.data import Digits
from sheetprop.mnist.loop import Listener
from sheetprop.mnist.recipe import Distillation, Recipe
from sheetprop.mnist.record import RunRecord, read
from sheetprop.mnist.training import split, train


class StopAt(Listener):
    """Presses Ctrl-C at a batch of an epoch."""

    def __init__(self, epoch: int, batch: int) -> None:
        self.at, self.epoch = (epoch, batch), 0

    def epoch_started(self, epoch: int, epochs: int, batches: int, rate: float) -> None:
        self.epoch = epoch

    def step(self, batch: int, loss: float, rate: float) -> None:
        if (self.epoch, batch) == self.at:
            raise KeyboardInterrupt


def weights(folder: Path, seed: int = 1) -> dict[str, torch.Tensor]:
    return load_file(folder / f"weights-seed{seed}.safetensors")


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def figures(kept: RunRecord) -> list[dict[str, Any]]:
    """Return the runs without what a clock put in."""
    found = kept.model_dump()["runs"]
    for run in found:
        for timed in (run, *run["epochs"]):
            for name in ("seconds", "training_seconds", "test_seconds"):
                timed.pop(name, None)
    return found


@pytest.fixture
def whole(toy: Digits, small_recipe: Recipe, tmp_path: Path) -> tuple[Path, RunRecord]:
    """A run that nobody stopped."""
    folder = tmp_path / "whole"
    return folder, train(small_recipe, out=folder, data=toy, threads=1)


def test_the_record_tells_the_whole_run(whole: tuple[Path, RunRecord], toy: Digits) -> None:
    folder, kept = whole
    assert read(folder) == kept
    run = kept.runs[0]
    assert (run.status, len(run.epochs), run.seed) == ("finished", 4, 1)
    assert [e.batches for e in run.epochs] == [5] * 4
    assert run.last is not None
    assert run.best is not None
    assert run.test_score is not None
    assert run.last.accuracy == run.test_score.accuracy == run.epochs[-1].test_accuracy
    assert run.best.accuracy == max(e.test_accuracy or 0 for e in run.epochs)
    assert run.train_score is not None
    assert run.train_score.total == 320
    assert run.confusion is not None
    assert [sum(row) for row in run.confusion] == [10] * 10
    assert sum(run.confusion[d][d] for d in range(10)) == run.test_score.correct
    assert run.per_class is not None
    assert [c.correct for c in run.per_class] == [run.confusion[d][d] for d in range(10)]
    assert run.misclassified is not None
    assert len(run.misclassified) == 100 - run.test_score.correct
    assert all(m.label != m.predicted for m in run.misclassified)
    assert run.examples is not None
    import base64

    for picture in run.examples[:3]:
        shown = torch.frombuffer(bytearray(base64.b64decode(picture.pixels)), dtype=torch.uint8).view(28, 28)
        assert torch.equal(shown, toy.test_images[picture.index])
        assert picture.label == toy.test_labels[picture.index]
    assert run.steps is not None
    assert run.steps.file is not None
    with gzip.open(folder / run.steps.file, "rt") as file:
        rows = list(csv.DictReader(file))
    assert [int(r["step"]) for r in rows] == list(range(1, 21))
    assert [float(r["learning_rate"]) for r in rows] == run.steps.learning_rate
    assert kept.environment is not None
    assert kept.environment.threads == 1
    assert kept.network is not None
    assert kept.network.parameters == 4354
    assert not (folder / "state.pt").exists()
    names = sorted(p.name for p in folder.iterdir())
    assert names == ["likeness.safetensors", "record.json", "steps-seed1.csv.gz", "weights-seed1.safetensors"]


def test_nothing_in_the_record_names_a_place_on_this_machine(whole: tuple[Path, RunRecord]) -> None:
    folder, _ = whole
    text = (folder / "record.json").read_text(encoding="utf-8")
    assert str(folder.parent) not in text
    assert str(Path.home()) + os.sep not in text


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(
    whole: tuple[Path, RunRecord], toy: Digits, small_recipe: Recipe, tmp_path: Path
) -> None:
    before = torch.random.get_rng_state()
    train(small_recipe, out=tmp_path / "two", data=toy, threads=1, runs=2)
    assert torch.equal(before, torch.random.get_rng_state()), "the caller's random state is left alone"
    assert same(weights(whole[0]), weights(tmp_path / "two"))
    assert not same(weights(whole[0]), weights(tmp_path / "two", seed=2))
    kept = read(tmp_path / "two")
    assert kept.summary.runs == 2
    last = [r.last.accuracy for r in kept.runs if r.last]
    assert kept.summary.last_mean == pytest.approx(sum(last) / 2)
    assert kept.summary.last_sd == pytest.approx(abs(last[0] - last[1]) / 2**0.5, abs=1e-6)


@pytest.mark.parametrize("at", [(1, 2), (3, 0), (4, 4)])
def test_a_run_stopped_by_hand_resumes_bit_for_bit(
    whole: tuple[Path, RunRecord], toy: Digits, small_recipe: Recipe, tmp_path: Path, at: tuple[int, int]
) -> None:
    folder = tmp_path / "stopped"
    with pytest.raises(KeyboardInterrupt):
        train(small_recipe, out=folder, data=toy, threads=1, listener=StopAt(*at))
    stopped = read(folder).runs[0]
    assert (stopped.status, len(stopped.epochs)) == ("interrupted", at[0] - 1)
    train(small_recipe, out=folder, data=toy, threads=1, resume=True)
    assert same(weights(whole[0]), weights(folder))
    assert figures(read(folder)) == figures(whole[1])


def test_a_later_run_stopped_resumes_bit_for_bit(toy: Digits, small_recipe: Recipe, tmp_path: Path) -> None:
    train(small_recipe, out=tmp_path / "a", data=toy, threads=1, runs=2)

    class Second(StopAt):
        def run_started(self, number: int, planned: int, seed: int) -> None:
            self.at = (3, 1) if number == 2 else (0, 0)

    with pytest.raises(KeyboardInterrupt):
        train(small_recipe, out=tmp_path / "b", data=toy, threads=1, runs=2, listener=Second(0, 0))
    train(small_recipe, out=tmp_path / "b", data=toy, threads=1, runs=2, resume=True)
    assert figures(read(tmp_path / "a")) == figures(read(tmp_path / "b"))
    assert same(weights(tmp_path / "a", 2), weights(tmp_path / "b", 2))


CHILD = """
import sys, time
sys.path.insert(0, {here!r})
import conftest
from sheetprop.mnist.loop import Listener
from sheetprop.mnist.recipe import Distillation, Recipe
from sheetprop.mnist.training import train
class Slow(Listener):
    def step(self, batch, loss, rate):
        print("step", flush=True)
        time.sleep(0.05)
toy = conftest.toy.__wrapped__() if hasattr(conftest.toy, "__wrapped__") else conftest.toy.__pytest_wrapped__.obj()
train(Recipe.model_validate_json({recipe!r}), out={out!r}, data=toy, threads=1, listener=Slow())
"""


@pytest.mark.parametrize("steps", [7, 12])
def test_a_killed_run_resumes_bit_for_bit(
    whole: tuple[Path, RunRecord], toy: Digits, small_recipe: Recipe, tmp_path: Path, steps: int
) -> None:
    folder = tmp_path / "killed"
    program = CHILD.format(here=str(Path(__file__).parent), recipe=small_recipe.model_dump_json(), out=str(folder))
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for _ in range(steps):
            assert child.stdout.readline() == "step\n"
        child.send_signal(signal.SIGKILL)
        child.wait()
    kept = read(folder)
    assert len(kept.runs[0].epochs) == (steps - 1) // 5
    train(small_recipe, out=folder, data=toy, threads=1, resume=True)
    assert same(weights(whole[0]), weights(folder))
    assert not list(folder.glob(".*.part"))


@pytest.mark.parametrize("name", ["state.pt", "record.json", "steps-seed1.csv.gz"])
def test_a_run_that_dies_while_it_writes_resumes_bit_for_bit(
    whole: tuple[Path, RunRecord], toy: Digits, small_recipe: Recipe, tmp_path: Path, name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The second time that the file is renamed into place, the power fails."""
    folder, calls = tmp_path / "dies", []
    replace = Path.replace

    def fail(self: Path, target: Path) -> Path:
        if Path(target).name == name:
            calls.append(name)
            if len(calls) == 2:
                raise MemoryError("power failure")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(MemoryError):
        train(small_recipe, out=folder, data=toy, threads=1)
    monkeypatch.setattr(Path, "replace", replace)
    read(folder)
    train(small_recipe, out=folder, data=toy, threads=1, resume=True)
    assert same(weights(whole[0]), weights(folder))
    assert figures(read(folder)) == figures(whole[1])


def test_a_loss_that_is_no_number_stops_and_keeps_the_record(
    toy: Digits, small_recipe: Recipe, tmp_path: Path
) -> None:
    wild = small_recipe.model_copy(update={"learning_rate": 1e30, "muon_rate": None, "ema": None})
    with pytest.raises(SheetpropError, match=r"the loss became nan at step \d+ \(epoch 1\); the record is kept"):
        train(wild, out=tmp_path / "wild", data=toy, threads=1)
    run = read(tmp_path / "wild").runs[0]
    assert run.status == "diverged"
    assert run.message is not None
    assert "step" in run.message
    assert run.steps is not None
    lost = int(run.message.split("step ")[1].split()[0])
    assert run.steps.step == list(range(1, lost))
    assert all(loss > 0 for loss in run.steps.loss)


def test_a_recipe_described_in_other_words_is_resumed(toy: Digits, small_recipe: Recipe, tmp_path: Path) -> None:
    train(small_recipe, out=tmp_path, data=toy, threads=1, epochs=1)
    renamed = small_recipe.model_copy(update={"title": "in other words", "origin": "said better"})
    assert train(renamed, out=tmp_path, data=toy, threads=1, epochs=1, runs=2, resume=True).summary.runs == 2


def test_a_changed_recipe_is_not_resumed(toy: Digits, small_recipe: Recipe, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(small_recipe, out=tmp_path, data=toy, threads=1, listener=StopAt(2, 1))
    before = (tmp_path / "record.json").read_bytes()
    with pytest.raises(SheetpropError, match="was started with batch_size 64, now it is 32"):
        train(small_recipe, out=tmp_path, data=toy, threads=1, batch_size=32, resume=True)
    with pytest.raises(SheetpropError, match="held-out 0, now it is 10"):
        train(small_recipe, out=tmp_path, data=toy, threads=1, held_out=10, resume=True)
    with pytest.raises(SheetpropError, match="exists already and is kept"):
        train(small_recipe, out=tmp_path, data=toy, threads=1)
    assert (tmp_path / "record.json").read_bytes() == before
    train(small_recipe, out=tmp_path, data=toy, threads=1, batch_size=32, epochs=1, force=True)
    assert read(tmp_path).recipe != small_recipe


def test_finished_runs_are_kept_and_more_are_added(toy: Digits, small_recipe: Recipe, tmp_path: Path) -> None:
    train(small_recipe, out=tmp_path, data=toy, threads=1, epochs=1)
    first = (tmp_path / "weights-seed1.safetensors").stat().st_mtime_ns
    kept = train(small_recipe, out=tmp_path, data=toy, threads=1, epochs=1, runs=3, resume=True)
    assert [r.seed for r in kept.runs] == [1, 2, 3]
    assert (tmp_path / "weights-seed1.safetensors").stat().st_mtime_ns == first


def test_runs_that_are_added_on_another_number_of_threads_are_noted(
    toy: Digits, small_recipe: Recipe, tmp_path: Path
) -> None:
    first = train(small_recipe, out=tmp_path, data=toy, threads=1, epochs=1)
    assert not first.notes
    for runs in (2, 3):
        train(small_recipe, out=tmp_path, data=toy, threads=2, epochs=1, runs=runs, resume=True)
    kept = read(tmp_path)
    assert len(kept.runs) == 3
    assert kept.notes == ["went on with threads 2 instead of 1"]


def test_a_damaged_state_is_said(toy: Digits, small_recipe: Recipe, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(small_recipe, out=tmp_path, data=toy, threads=1, listener=StopAt(3, 1))
    state = tmp_path / "state.pt"
    state.write_bytes(state.read_bytes()[:2000])
    with pytest.raises(SheetpropError, match="saved state is damaged"):
        train(small_recipe, out=tmp_path, data=toy, threads=1, resume=True)


def test_a_full_disk_keeps_what_was_written(
    toy: Digits, small_recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, written = Path.write_bytes, []

    def full(self: Path, content: bytes) -> int:
        written.append(self)
        if len(written) > 3:
            raise OSError(28, "No space left on device")
        return real(self, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(SheetpropError, match="No space left on device"):
        train(small_recipe, out=tmp_path, data=toy, threads=1)
    assert len(read(tmp_path).runs[0].epochs) == 1
    assert not list(tmp_path.glob(".*.part"))


def test_held_out_images_are_not_trained_on_and_the_test_set_is_not_looked_at(
    toy: Digits, small_recipe: Recipe
) -> None:
    train_set, test_set = split(toy, 60, "cpu")
    assert len(train_set) == 260
    assert len(test_set) == 60
    assert not set(train_set.index.tolist()) & set(test_set.index.tolist())
    kept = train(small_recipe, data=toy, threads=1, epochs=1, held_out=60)
    assert (kept.evaluated_on, kept.held_out) == ("held-out", 60)
    assert kept.runs[0].epochs[0].test_total == 60


@pytest.fixture
def taught(small_recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> Recipe:
    """The small recipe with a teacher of one epoch."""
    from sheetprop.mnist.recipes import RECIPES

    master = small_recipe.model_copy(update={"name": "master", "network": "small", "epochs": 1})
    monkeypatch.setitem(RECIPES, "master", master)
    return small_recipe.model_copy(
        update={"distillation": Distillation(teacher="master", share=0.7, temperature=3.0)})


def test_the_teacher_is_trained_first_told_of_and_kept_for_resuming(
    toy: Digits, taught: Recipe, tmp_path: Path
) -> None:
    kept = train(taught, out=tmp_path / "a", data=toy, threads=1)
    teacher = read(tmp_path / "a" / "teacher")
    assert kept.teacher is not None
    assert teacher.recipe is not None
    assert (kept.teacher.recipe, kept.teacher.parameters) == (teacher.recipe.name, 18554)
    assert kept.teacher.last == teacher.runs[0].last
    with pytest.raises(KeyboardInterrupt):
        train(taught, out=tmp_path / "b", data=toy, threads=1, teacher=tmp_path / "a" / "teacher",
              listener=StopAt(3, 1))
    train(taught, out=tmp_path / "b", data=toy, threads=1, teacher=tmp_path / "a" / "teacher", resume=True)
    assert not (tmp_path / "b" / "teacher").exists()
    assert same(weights(tmp_path / "a"), weights(tmp_path / "b"))
    assert figures(read(tmp_path / "a")) == figures(read(tmp_path / "b"))


def test_only_the_recipes_own_teacher_teaches(
    whole: tuple[Path, RunRecord], toy: Digits, taught: Recipe, tmp_path: Path
) -> None:
    with pytest.raises(SheetpropError, match="must be recipe master, unchanged, with held-out 0"):
        train(taught, out=tmp_path, data=toy, threads=1, teacher=whole[0])
    with pytest.raises(SheetpropError, match="no such record"):
        train(taught, out=tmp_path, data=toy, threads=1, teacher=tmp_path / "nobody")
    with pytest.raises(SheetpropError, match="recipe fast learns from none"):
        train("fast", out=tmp_path, data=toy, threads=1, teacher=whole[0])


def test_a_teacher_described_in_other_words_teaches(
    toy: Digits, taught: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sheetprop.mnist.recipes import RECIPES

    train(RECIPES["master"], out=tmp_path / "master", data=toy, threads=1)
    monkeypatch.setitem(RECIPES, "master", RECIPES["master"].model_copy(update={"origin": "said better"}))
    kept = train(taught, data=toy, threads=1, epochs=1, teacher=tmp_path / "master")
    assert kept.teacher is not None


def test_the_loss_of_a_pupil_agrees_with_the_formula(toy: Digits, taught: Recipe) -> None:
    """share 0.7, T 3: 0.3 CE(z, y) + 0.7 * 9 * (KL(teacher || pupil) + entropy of the teacher), by nn.KLDivLoss."""
    from sheetprop.mnist.loop import Loop

    with torch.random.fork_rng():
        teacher = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
        plain = taught.model_copy(update={"label_smoothing": 0.0})
        sets = split(toy, 0, "cpu")
        loop = Loop(plain, 1, *sets, teacher=teacher)
        pixels, labels = sets[0].pixels[:32], sets[0].labels[:32]
        pupil = torch.randn(32, 10)
        soft = torch.softmax(teacher(pixels) / 3, 1).detach()
        divergence = torch.nn.KLDivLoss(reduction="batchmean")(torch.log_softmax(pupil / 3, 1), soft)
        entropy = torch.special.entr(soft).sum(1).mean()
        want = 0.3 * torch.nn.CrossEntropyLoss()(pupil, labels) + 0.7 * 9 * (divergence + entropy)
        torch.testing.assert_close(loop._loss(pupil, labels, pixels), want, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 0}, "epochs 0: must be greater than 0"),
        ({"batch_size": -1}, "batch-size -1"),
        ({"batch_size": 1}, "at least 2 images"),
        ({"lr": 0.0}, "lr 0.0"),
        ({"seed": -1}, "seed -1"),
        ({"runs": 0}, "runs 0"),
        ({"threads": 0}, "threads 0"),
        ({"held_out": 60_000}, "held-out 60000"),
        ({"device": "tpu"}, "device 'tpu'"),
        ({"precision": "int8"}, "precision 'int8'"),
    ],
)
def test_bad_settings_are_told_before_anything_is_made(
    toy: Digits, small_recipe: Recipe, tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(SheetpropError, match=message):
        train(small_recipe, out=tmp_path / "new", data=toy, **change)
    assert not (tmp_path / "new" / "record.json").exists()


def test_a_last_batch_of_one_image_is_refused_where_it_cannot_be_normalised(
    toy: Digits, small_recipe: Recipe
) -> None:
    with pytest.raises(SheetpropError, match="batch-size 63: leaves one image of 316"):
        train(small_recipe.model_copy(update={"network": "002", "batch_size": 63}), data=toy, threads=1, held_out=4)


def test_cuda_is_refused_where_there_is_none(toy: Digits, small_recipe: Recipe) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    with pytest.raises(SheetpropError, match="sees no CUDA device"):
        train(small_recipe, data=toy, device="cuda")


def test_records_of_the_future_and_other_files_are_refused(tmp_path: Path, toy: Digits, small_recipe: Recipe) -> None:
    train(small_recipe, out=tmp_path, data=toy, threads=1, epochs=1)
    path = tmp_path / "record.json"
    raw = json.loads(path.read_text(encoding="utf-8"))
    for change, message in (
        ({"version": record.VERSION + 1}, "newer sheetprop"),
        ({"format": "other"}, "no run record"),
        ({"runs": 3}, "damaged record at runs"),
        ({"surprise": 1}, "damaged record at surprise"),
    ):
        path.write_text(json.dumps({**raw, **change}), encoding="utf-8")
        with pytest.raises(SheetpropError, match=message):
            read(path)
    path.write_text("no json", encoding="utf-8")
    with pytest.raises(SheetpropError, match="no JSON"):
        read(path)
    with pytest.raises(SheetpropError, match="no such record"):
        read(tmp_path / "elsewhere")


def test_ctrl_c_on_the_command_line_keeps_the_record_and_exits_130(tmp_path: Path, mnist: Digits) -> None:
    command = [sys.executable, "-m", "sheetprop.cli.main", "train", "--recipe", "fast", "--epochs", "2",
               "--threads", "1", "--batch-size", "2000", "--out", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for line in child.stdout:
            if line.startswith("Epoch: 2"):
                break
        time.sleep(0.5)
        child.send_signal(signal.SIGINT)
        _, told = child.communicate(timeout=60)
    assert child.returncode == 130
    assert f"stopped by hand in epoch 2; the record is kept in {tmp_path / 'fast'}; --resume goes on" in told
    kept = read(tmp_path / "fast")
    assert kept.runs[0].status == "interrupted"
    assert len(kept.runs[0].epochs) == 1


@pytest.mark.slow
def test_one_epoch_of_001_on_the_real_digits_reaches_97_percent(mnist: Digits) -> None:
    kept = train("001", data=mnist, epochs=1)
    assert kept.summary.last_mean is not None
    assert kept.summary.last_mean >= 97.0
    assert {f.name: f.md5 for f in kept.data}["t10k-images-idx3-ubyte"] == "2646ac647ad5339dbf082846283269ea"


def test_bfloat16_is_taken_only_where_the_processor_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from sheetprop.mnist.machine import choose_precision

    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True})
    assert choose_precision("auto", "cpu") == "bfloat16"
    assert choose_precision("float32", "cpu") == "float32"
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": False, "avx512_bf16": False})
    assert choose_precision("auto", "cpu") == "float32"
    with pytest.raises(SheetpropError, match="no bfloat16"):
        choose_precision("bfloat16", "cpu")


def test_the_loop_learns_in_bfloat16_too(toy: Digits, small_recipe: Recipe) -> None:
    from sheetprop.mnist.loop import Loop

    with torch.random.fork_rng():
        loop = Loop(small_recipe, 1, *split(toy, 0, "cpu"), bfloat16=True)
        first, last = [loop.run_epoch(Listener()) for _ in range(4)][:: 3]
    assert last.train_loss is not None
    assert first.train_loss is not None
    assert last.train_loss < first.train_loss
    assert all(p.dtype == torch.float32 for p in loop.module.parameters())

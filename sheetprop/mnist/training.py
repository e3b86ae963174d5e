"""Training by recipe: seeds, record, weights, going on where a run was stopped."""

from __future__ import annotations

import contextlib
import csv
import datetime
import gzip
import io
import math
import os
import pickle
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save as pack_weights
from torch import nn

from sheetprop.errors import SheetpropError
from sheetprop.files import replacing
from sheetprop.mnist import data as mnist
from sheetprop.mnist import evaluate, likeness, machine, record
from sheetprop.mnist import robustness as robust
from sheetprop.mnist.datasets import open_data
from sheetprop.mnist.evaluate import Images
from sheetprop.mnist.loop import DivergedError, Listener, Loop
from sheetprop.mnist.modulesummary import module_table
from sheetprop.mnist.networks import network as find_network
from sheetprop.mnist.owncode import Given, OwnNetwork, check, is_own, own_network
from sheetprop.mnist.recipe import Recipe
from sheetprop.mnist.recipefile import read_recipe
from sheetprop.mnist.recipes import recipe as find_recipe
from sheetprop.mnist.record import (
    RECORD,
    Epoch,
    ModuleSource,
    NetworkTable,
    Run,
    RunRecord,
    Steps,
    Teacher,
)
from sheetprop.mnist.summary import table
from sheetprop.mnist.transforms import composed
from sheetprop.mnist.watching import Several, listeners
from sheetprop.mnist.weights import trained

KEPT_STEPS = 200  # at most so many steps a run stand in the record itself
EXAMPLES = 40
STATE = "state.pt"
LIKENESS = "likeness.safetensors"


@dataclass(frozen=True)
class Place:
    """Where a run writes; `folder` is None when it keeps everything in memory."""

    folder: Path | None

    def write(self, name: str, content: bytes) -> None:
        """Write a file of the run, atomically."""
        if self.folder is not None:
            with replacing(self.folder / name) as temporary:
                temporary.write_bytes(content)

    def record(self, kept: RunRecord) -> None:
        """Write the record."""
        if self.folder is not None:
            record.write(kept, self.folder / RECORD)


def train(
    recipe: str | os.PathLike[str] | Recipe | Given = "fast",
    *,
    network: Given | None = None,
    out: str | os.PathLike[str] | None = None,
    data: str | os.PathLike[str] | mnist.Digits | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    lr: float | None = None,
    seed: int | None = None,
    runs: int = 1,
    device: str = "auto",
    precision: str = "auto",
    threads: int | None = None,
    held_out: int = 0,
    resume: bool = False,
    force: bool = False,
    teacher: str | os.PathLike[str] | None = None,
    listener: Listener | None = None,
    log: Sequence[str] = (),
    watch: bool = False,
) -> RunRecord:
    """Train a recipe, or a network of one's own, on MNIST or another data set, and return the record of it.

    After every epoch the record and a state are written, each beside its target and renamed, so
    that a run killed at any moment can go on with `resume`.

    Args:
        recipe: a name of `recipes`, a TOML file, or a `Recipe`; or a module, or a class or function that
            gives one, to train it by the recipe ``fast``.
        network: train this network instead of the recipe's: a name of `networks`, ``model.py:Net``, a module,
            or a class or function that gives one. Its code stands in the record.
        out: folder for ``record.json``, weights, all steps; None keeps the record in memory only.
        data: a data set's name, a folder, or the loaded digits, see `sheetprop.mnist.datasets.open_data`;
            None finds or fetches MNIST.
        epochs, batch_size, lr, seed: replace what the recipe says.
        runs: so many runs with the seeds seed, seed + 1, ...
        device: auto, cpu or cuda.
        precision: auto, float32 or bfloat16; auto takes bfloat16 where the hardware multiplies it.
        threads: threads of PyTorch on the CPU; None leaves them.
        held_out: keep so many training images aside and test on them instead of the test set.
        resume: go on with the record in `out`.
        force: replace the record in `out`.
        teacher: finished record of the teacher that the recipe learns from, with its weights beside
            it; None trains the teacher first, into the folder ``teacher`` of `out`.
        listener: hears of epochs and steps.
        log: write ``csv``, ``jsonl`` or ``tensorboard`` into `out` while it trains.
        watch: write the page ``watch.html`` into `out`, which refreshes itself.

    Raises:
        SheetpropError: unknown recipe, bad settings or data, a record in the way, a resumed run
            whose recipe changed, another teacher than the recipe's, a loss that is no number (the
            record is kept), no space.
    """
    made, own = _what(recipe, network)
    made = _settle(made, epochs=epochs, batch_size=batch_size, lr=lr, seed=seed)
    if own is not None and own.once and runs > 1:
        raise SheetpropError(f"network {own.name}: is one module with one set of weights; for {runs} runs give its "
                             "class or a function that makes it")
    if runs < 1:
        raise SheetpropError(f"runs {runs}: must be at least 1")
    if not 0 <= held_out <= 50_000:
        raise SheetpropError(f"held-out {held_out}: must be from 0 to 50,000 of the 60,000 training images")
    if threads is not None and threads < 1:
        raise SheetpropError(f"threads {threads}: must be at least 1")
    if teacher is not None and made.distillation is None:
        raise SheetpropError(f"teacher {teacher}: recipe {made.name} learns from none; leave --teacher out")
    if own is None:
        find_network(made.network)
    composed(made.transforms)
    place = Place(_folder(out, resume=resume, force=force))
    kept, state = _earlier(place, made, held_out) if resume else (None, None)
    heard = [listener or Listener(), *listeners(log, watch=watch, folder=place.folder, fresh=kept is None)]
    listener = heard[0] if len(heard) == 1 else Several(heard)
    before = torch.get_num_threads()
    try:
        if threads:
            torch.set_num_threads(threads)
        machine.keep_memory()
        where = machine.choose_device(device)
        exact = machine.choose_precision(precision, where)
        digits = data if isinstance(data, mnist.Digits) else open_data(data, say=listener.say)
        if held_out * 6 > len(digits.train_labels) * 5:
            raise SheetpropError(f"held-out {held_out}: is too much of {len(digits.train_labels):,} training images")
        sets = split(digits, held_out, where)
        layers, module = _network(made, own, digits)
        _check_last_batch(made, len(sets[0]), layers)
        around = machine.environment(where, exact)
        if kept is not None:
            _note_move(kept, around)
            _same_network(place, kept, module)
        else:
            kept = RunRecord(
                kind="trained", created=_now(), recipe=made, network=layers,
                module=module, data_set=digits.name, pixel_mean=digits.mean, pixel_deviation=digits.deviation,
                class_names=None if digits.class_names is None else list(digits.class_names),
                data=list(digits.files), evaluated_on="held-out" if held_out else "test", held_out=held_out,
                environment=around, runs=[], planned_runs=runs,
                summary=record.summarise([]),
            )
        kept.planned_runs = max(runs, len(kept.runs))
        guide = None
        if made.distillation is not None:
            with _teachers_folder(place, teacher) as folder:
                if teacher is None:
                    listener.say(f"recipe {made.name} learns from a teacher: recipe {made.distillation.teacher} first")
                    train(made.distillation.teacher, out=folder, data=digits, device=device, precision=precision,
                          held_out=held_out, resume=not force, force=force, listener=_TeacherListener(listener))
                told, guide = _teacher(folder, made.distillation.teacher, held_out)
            if kept.teacher is not None and kept.teacher.model_copy(update={"seconds": told.seconds}) != told:
                raise SheetpropError(f"{place.folder}: was started with another teacher; give that one, or --force to "
                                     "begin anew, or another --out")
            kept.teacher, guide = told, guide.to(where)
        with torch.random.fork_rng():
            for number in range(kept.planned_runs):
                if number < len(kept.runs) and kept.runs[number].status == "finished":
                    continue
                taken = state if state is not None and state["run"] == number else None
                _one(kept, number, made, sets, guide, place, taken, listener, bfloat16=exact == "bfloat16",
                     fresh=None if own is None else own.fresh)
    finally:
        torch.set_num_threads(before)
    if place.folder is not None:
        (place.folder / STATE).unlink(missing_ok=True)
    return kept


def split(digits: mnist.Digits, held_out: int, device: str) -> tuple[Images, Images]:
    """Return the images to train on and to test on; held-out ones are the same for every seed."""
    where = torch.device(device)

    def images(pixels: torch.Tensor, labels: torch.Tensor, index: torch.Tensor) -> Images:
        return Images(evaluate.normalise(pixels[index], digits.mean, digits.deviation).to(where),
                      labels[index].to(where), index, digits.mean, digits.deviation, digits.classes)

    if not held_out:
        return (images(digits.train_images, digits.train_labels, torch.arange(len(digits.train_labels))),
                images(digits.test_images, digits.test_labels, torch.arange(len(digits.test_labels))))
    total = len(digits.train_labels)
    order = torch.randperm(total, generator=torch.Generator().manual_seed(7))
    return (images(digits.train_images, digits.train_labels, order[: total - held_out]),
            images(digits.train_images, digits.train_labels, order[total - held_out :]))


def _what(recipe: str | os.PathLike[str] | Recipe | Given, given: Given | None) -> tuple[Recipe, OwnNetwork | None]:
    """Return the recipe, and the network where it is the user's own."""
    if isinstance(recipe, Recipe):
        found = recipe
    elif isinstance(recipe, str | os.PathLike):
        found = read_recipe(recipe)
    else:
        if given is not None:
            raise SheetpropError("two networks were given; give the recipe first and one network")
        found, given = find_recipe("fast"), recipe
    network = found.network if given is None else given
    if not is_own(network):
        return found.model_copy(update={"network": str(network)}), None
    own = own_network(network)
    return found.model_copy(update={"network": own.place}), own


def _network(made: Recipe, own: OwnNetwork | None, digits: mnist.Digits) -> tuple[NetworkTable, ModuleSource | None]:
    """Return the layer table, and what the record keeps of code of one's own, after trying it on empty images."""
    size = tuple(digits.train_images.shape[1:])
    if own is None:
        if digits.classes != 10:
            raise SheetpropError(f"network {made.network}: tells 10 classes apart, {digits.name} has "
                                 f"{digits.classes}; give a network of your own with --network model.py:Net")
        return table(find_network(made.network)), None
    with torch.random.fork_rng():
        module = own.fresh()
        check(module, (1, *size), digits.classes, own.place)
        layers = module_table(module, (1, *size), name=own.name, title=f"network {own.name}", origin=own.place)
    return layers, ModuleSource(file=own.file, name=own.name, sha256=own.sha256, source=own.source,
                                input_size=[1, *size], classes=digits.classes)


def _same_network(place: Place, kept: RunRecord, module: ModuleSource | None) -> None:
    """Refuse to go on with other code than the run began with."""
    if module is not None and kept.module is not None and kept.module.sha256 != module.sha256:
        raise SheetpropError(f"{place.folder}: was started with other code of {module.place} (its text stands in the "
                             "record, module.source); go on with that, give --force to begin anew, or another --out")


def _settle(found: Recipe, **changes: Any) -> Recipe:
    """Return the recipe with the changes that were given, checked."""
    names = {"epochs": "epochs", "batch_size": "batch_size", "lr": "learning_rate", "seed": "seed"}
    for name, value in changes.items():
        if value is not None and name != "seed" and not 0 < value < float("inf"):
            raise SheetpropError(f"{name.replace('_', '-')} {value}: must be greater than 0 and finite")
    given = {names[k]: v for k, v in changes.items() if v is not None}
    if given.get("batch_size", 2) < 2:
        raise SheetpropError("batch-size 1: batch normalisation needs at least 2 images")
    if not 0 <= given.get("seed", 0) < 2**63:
        raise SheetpropError(f"seed {given['seed']}: must be from 0 to 2^63 - 1")
    return Recipe.model_validate({**found.model_dump(), **given})


def _check_last_batch(made: Recipe, images: int, layers: NetworkTable) -> None:
    """Refuse a last batch of one image where batch normalisation has one value for each image."""
    if images % made.batch_size == 1 and any(row.type == "BatchNorm1d" for row in layers.layers):
        raise SheetpropError(f"batch-size {made.batch_size}: leaves one image of {images:,} for the last batch, and "
                             f"network {made.network} normalises over the images of a batch; choose another size")


def _folder(out: str | os.PathLike[str] | None, *, resume: bool, force: bool) -> Path | None:
    if out is None:
        return None
    folder = Path(out)
    if folder.exists() and not folder.is_dir():
        raise SheetpropError(f"{folder}: is a file; give a folder for the run")
    if (folder / RECORD).exists() and not resume and not force:
        raise SheetpropError(f"{folder / RECORD}: exists already and is kept; give --resume to go on, --force to "
                             "replace it, or another --out")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if force and not resume:
            for old in (folder / RECORD, folder / STATE):
                old.unlink(missing_ok=True)
    except OSError as error:
        raise SheetpropError(f"{folder}: cannot be made ({error.strerror}); choose another place with --out") from error
    if shutil.disk_usage(folder).free < 20 << 20:
        raise SheetpropError(f"{folder}: less than 20 MB are free there; free space or choose another place with --out")
    return folder


def _earlier(place: Place, made: Recipe, held_out: int) -> tuple[RunRecord | None, dict[str, Any] | None]:
    """Return the record and the state that a stopped run left, if they belong to these settings."""
    if place.folder is None or not (place.folder / RECORD).exists():
        return None, None
    path = place.folder / RECORD
    kept = record.read(path)
    if kept.recipe is None:
        raise SheetpropError(f"{path}: was made from a log and cannot be resumed; choose another --out")
    old, new = kept.recipe.settings(), made.settings()
    for name in new:
        if old[name] != new[name]:
            raise SheetpropError(f"{path}: was started with {name} {old[name]}, now it is {new[name]}; resume with the "
                                 "old setting, or give --force to begin anew, or another --out")
    if kept.held_out != held_out:
        raise SheetpropError(f"{path}: was started with held-out {kept.held_out}, now it is {held_out}; "
                             "resume with the old setting, or give another --out")
    state: dict[str, Any] | None = None
    if (place.folder / STATE).exists():
        try:
            state = torch.load(place.folder / STATE, weights_only=True)
        except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
            raise SheetpropError(f"{place.folder / STATE}: the saved state is damaged; give --force to begin "
                                 "anew") from error
    return kept, state


def _note_move(kept: RunRecord, now: record.Environment) -> None:
    """Note in the record what the run goes on with, where it is something else than the run began with."""
    began = kept.environment or now
    named = ("processor", "device", "device_name", "threads", "precision", "torch", "sheetprop")
    moved = [f"{name} {getattr(now, name)} instead of {getattr(began, name)}" for name in named
             if getattr(now, name) != getattr(began, name)]
    text = f"went on with {', '.join(moved)}"
    if moved and text not in kept.notes:
        kept.notes.append(text)


class _TeacherListener(Listener):
    """Says a line for each epoch of the teacher, so that what is told of the run itself stays a log of its own."""

    def __init__(self, pupils: Listener) -> None:
        self.pupils = pupils

    def say(self, text: str) -> None:
        self.pupils.say(text)

    def epoch_finished(self, epoch: Epoch) -> None:
        self.pupils.say(f"teacher, epoch {epoch.epoch}: {epoch.test_accuracy:.2f}%")


@contextlib.contextmanager
def _teachers_folder(place: Place, given: str | os.PathLike[str] | None) -> Iterator[Path]:
    """Give the folder of the teacher's record: the given one, or one below the run's, or a passing one."""
    if given is not None:
        yield Path(given).parent if Path(given).is_file() else Path(given)
    elif place.folder is not None:
        yield place.folder / "teacher"
    else:
        with tempfile.TemporaryDirectory(prefix="sheetprop-teacher-") as passing:
            yield Path(passing)


def _teacher(folder: Path, recipe: str, held_out: int) -> tuple[Teacher, nn.Module]:
    """Return what the record in `folder` says of the teacher, and the teacher itself."""
    kept = record.read(folder)
    run = next((r for r in kept.runs if r.status == "finished" and r.weights), None)
    if kept.recipe is None or kept.network is None or run is None:
        raise SheetpropError(f"{folder}: holds no finished run with weights, so no teacher; train recipe {recipe}")
    if (kept.recipe.settings(), kept.held_out) != (find_recipe(recipe).settings(), held_out):
        raise SheetpropError(f"{folder}: is recipe {kept.recipe.name} with held-out {kept.held_out}; the teacher must "
                             f"be recipe {recipe}, unchanged, with held-out {held_out}")
    told = Teacher(recipe=recipe, network=kept.network.name, parameters=kept.network.parameters, seed=run.seed,
                   last=run.last, seconds=run.seconds)
    return told, trained(folder, kept.network.name, run)


def _one(
    kept: RunRecord, number: int, made: Recipe, sets: tuple[Images, Images], teacher: nn.Module | None, place: Place,
    state: dict[str, Any] | None, listener: Listener, *, bfloat16: bool, fresh: Callable[[], nn.Module] | None = None,
) -> None:
    """Train run `number` to its end, keeping the record up to date."""
    seed = made.seed + number
    listener.run_started(number + 1, kept.planned_runs, seed)
    loop = Loop(made, seed, *sets, teacher=teacher, bfloat16=bfloat16, fresh=fresh)
    run = Run(seed=seed, status="running", epochs=[])
    if state is not None:
        loop.restore(state)
        run = Run.model_validate_json(state["record"])
        listener.say(f"going on after epoch {loop.epoch}")
    del kept.runs[number:]
    kept.runs.append(run)
    run.status, run.message = "running", None
    try:
        while loop.epoch < made.epochs:
            run.epochs.append(loop.run_epoch(listener))
            _note(kept, run, loop, place)
            content = io.BytesIO()
            torch.save({**loop.state(), "run": number, "record": run.model_dump_json()}, content)
            place.write(STATE, content.getvalue())
            place.record(kept)
        _finish(run, loop, place, with_examples=number == 0)
        if number == 0 and place.folder is not None:
            place.write(LIKENESS, likeness.fit(loop.train).packed())
            kept.likeness = LIKENESS
        kept.summary = record.summarise(kept.runs)
        place.record(kept)
    except DivergedError as error:
        run.status, run.message = "diverged", str(error)
        _note(kept, run, loop, place)
        place.record(kept)
        at = f"; the record is kept in {place.folder}" if place.folder else ""
        raise SheetpropError(f"recipe {made.name}: {error}{at}; lower --lr") from error
    except KeyboardInterrupt:
        run.status, run.message = "interrupted", f"stopped by hand in epoch {loop.epoch + 1}"
        place.record(kept)
        if place.folder:
            listener.say(f"{run.message}; the record is kept in {place.folder}; --resume goes on")
        raise
    listener.run_finished(number + 1, run.last.accuracy if run.last else 0.0)


def _note(kept: RunRecord, run: Run, loop: Loop, place: Place) -> None:
    """Bring best, last, seconds and steps of `run` up to date; a step whose loss is NaN is left out, JSON has none."""
    run.best, run.last = record.choose(run.epochs)
    training = sum(e.seconds or 0.0 for e in run.epochs)
    run.training_seconds = round(training, 3)
    run.seconds = round(training + sum(e.test_seconds or 0.0 for e in run.epochs), 3)
    count = len(loop.losses)
    every = max(1, -(-count // KEPT_STEPS))
    chosen = [i for i, loss in enumerate(loop.losses) if (i % every == 0 or i == count - 1) and math.isfinite(loss)]
    name = f"steps-seed{run.seed}.csv.gz"
    run.steps = Steps(
        every=every, step=[i + 1 for i in chosen], loss=[float(f"{loop.losses[i]:.6g}") for i in chosen],
        learning_rate=[loop.rates[i] for i in chosen], file=name if place.folder else None,
    )
    if place.folder is not None:
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(("step", "loss", "learning_rate"))
        pairs = zip(loop.losses, loop.rates, strict=False)
        rows.writerows((step, f"{loss:.9g}", repr(rate)) for step, (loss, rate) in enumerate(pairs, 1))
        place.write(name, gzip.compress(text.getvalue().encode(), mtime=0))
    kept.summary = record.summarise(kept.runs)


def _finish(run: Run, loop: Loop, place: Place, *, with_examples: bool) -> None:
    """Look at the trained network once more: final scores, confusion, pictures, weights."""
    with loop.tested():
        answers = loop.answers(loop.test)
        run.test_score = evaluate.score(answers, loop.test.labels)
        trained_answers = loop.answers(loop.train)
        run.train_score = evaluate.score(trained_answers, loop.train.labels)
        run.familiar_from = robust.familiar_from(trained_answers)
        run.robustness = robust.robustness(loop.module, loop.test, bfloat16=loop.bfloat16)
        run.shifted_score = evaluate.shifted(loop.module, loop.test, bfloat16=loop.bfloat16)
    run.calibration = robust.calibration(answers, loop.test.labels)
    run.confusion = evaluate.confusion(answers, loop.test.labels)
    run.per_class = evaluate.per_class(run.confusion)
    if with_examples:
        run.examples = evaluate.pictures(loop.test, answers, torch.arange(min(EXAMPLES, len(loop.test))))
    run.misclassified = evaluate.pictures(loop.test, answers, evaluate.wrong(answers, loop.test.labels))
    if place.folder is not None:
        name = f"weights-seed{run.seed}.safetensors"
        place.write(name, pack_weights(loop.weights(), metadata={"network": loop.recipe.network}))
        run.weights = name
    run.status = "finished"


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).replace(microsecond=0).isoformat()

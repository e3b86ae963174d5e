"""The run record: everything that a report wants to know about a training run, in one JSON file.

The schema is versioned: `VERSION` grows when a field changes its meaning or goes away, and a
reader refuses a record newer than itself. Adding an optional field does not change it.

Units: accuracies are percent, losses are mean negative log-likelihood per image (natural
logarithm), times are seconds, sizes in the network table are MB (1024² bytes, float32), epochs
and steps count from 1. A field that a source does not tell is null, never a guess.
"""

from __future__ import annotations

import json
import os
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sheetprop.errors import SheetpropError
from sheetprop.files import replacing
from sheetprop.mnist.recipe import Recipe

VERSION = 1
RECORD = "record.json"


class Part(BaseModel):
    """A piece of the record: unknown fields are errors."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())


class Score(Part):
    """How a network did on a set of images."""

    loss: float | None = Field(default=None, description="mean negative log-likelihood")
    correct: int | None = Field(default=None, description="null where a log tells the share alone")
    total: int | None = None
    accuracy: float = Field(description="percent")


class LayerRow(Part):
    """One layer of the network table."""

    type: str = Field(description="PyTorch's class name, such as Conv2d")
    name: str | None = Field(description="type and number as torchsummary prints it; null for a functional layer")
    shape: list[int] = Field(description="output shape without the batch, such as [8, 24, 24]")
    parameters: int
    functional: bool = Field(default=False, description="has no module of its own in the usual code (ReLU, pooling)")
    kernel: int | None = None
    stride: int | None = None
    padding: int | None = None
    bias: bool | None = None
    groups: int | None = Field(default=None, description="of channels, where a convolution keeps them apart")
    probability: float | None = Field(default=None, description="of dropout")
    receptive_field: int | None = Field(default=None, description="side of the input square that one output sees")
    multiply_adds: int | None = Field(default=None, description="multiplications with addition for one image")


class NetworkTable(Part):
    """The network: its layers and their totals."""

    name: str
    title: str
    origin: str
    parameters: int
    trainable: int
    layers: list[LayerRow]
    input_mb: float
    forward_backward_mb: float
    parameters_mb: float
    total_mb: float
    input_size: list[int] | None = Field(default=None, description="of one image; null: [1, 28, 28]")
    multiply_adds: int | None = Field(default=None, description="of all layers, for one image")


class DataFile(Part):
    """One file of the data set."""

    name: str
    md5: str
    bytes: int


class Environment(Part):
    """What the run ran on."""

    sheetprop: str
    python: str
    torch: str
    torchvision: str | None
    numpy: str
    system: str = Field(description="operating system and architecture")
    processor: str
    threads: int
    device: str = Field(description="cpu or cuda")
    device_name: str | None = Field(default=None, description="name of the GPU")
    precision: Literal["float32", "bfloat16"]
    git_commit: str | None = None
    git_changed: bool | None = Field(default=None, description="tracked files differed from that commit")


class ModuleSource(Part):
    """A network of the user's own: what its code was. Reading a record never runs it."""

    file: str | None = Field(description="name of the file without its folder; null where there was none")
    name: str = Field(description="of the class, function or module in it")
    sha256: str | None = Field(default=None, description="of the file")
    source: str | None = Field(default=None, description="the file's text")
    input_size: list[int] = Field(description="shape of one image, such as [1, 28, 28]")
    classes: int

    @property
    def place(self) -> str:
        """Return it as ``model.py:Net``."""
        return f"{self.file}:{self.name}" if self.file else self.name


class EpochRef(Part):
    """An epoch singled out, and its accuracy."""

    epoch: int
    accuracy: float = Field(description="percent")
    loss: float | None = None


class Teacher(Part):
    """Whose answers the network learned from, beside the labels."""

    recipe: str
    network: str
    parameters: int
    seed: int | None
    last: EpochRef | None = Field(description="its last epoch, on the images that this record is evaluated on")
    seconds: float | None = Field(default=None, description="that its own training took, tests included")


class Epoch(Part):
    """One pass over the training images and the test after it."""

    epoch: int = Field(description="its number: of a log the log's own, which may count from 0")
    numbered: bool = Field(default=True, description="false when a log did not number it and we counted")
    learning_rate: float | None = Field(default=None, description="at the last step of the epoch")
    batches: int | None = None
    last_loss: float | None = Field(default=None, description="loss of the last batch, as progress bars show it")
    train_loss: float | None = Field(default=None, description="mean over the images seen while training")
    train_accuracy: float | None = Field(default=None, description="percent of the images seen while training")
    test_loss: float | None = None
    test_correct: int | None = None
    test_total: int | None = None
    test_accuracy: float | None = Field(default=None, description="percent")
    seconds: float | None = Field(default=None, description="training only")
    test_seconds: float | None = None


class Steps(Part):
    """Loss and learning rate for some of the steps; the side file has all."""

    every: int = Field(description="one step in so many is kept here, those whose loss is a number")
    step: list[int]
    loss: list[float]
    learning_rate: list[float]
    file: str | None = Field(
        default=None, description="gzipped CSV beside the record: step,loss,learning_rate for every step"
    )


class ClassScore(Part):
    """How one digit fared."""

    digit: int
    correct: int
    total: int
    accuracy: float = Field(description="percent")


class Corruption(Part):
    """How a network did on images changed in one way."""

    name: str
    what: str = Field(description="the change in words")
    correct: int
    total: int
    accuracy: float = Field(description="percent")


class ReliabilityBin(Part):
    """The images whose answer the network gave a probability between two bounds."""

    low: float
    high: float
    count: int
    confidence: float = Field(description="mean probability of the answers, 0 to 1")
    accuracy: float = Field(description="share of the answers that are right, 0 to 1")


class Calibration(Part):
    """How far probabilities can be believed."""

    expected_error: float = Field(description="mean distance between confidence and accuracy of the bins, 0 to 1")
    bins: list[ReliabilityBin]


class DigitPicture(Part):
    """One image of the evaluation set with what the network said about it."""

    index: int = Field(description="position in the file of the evaluation set, from 0")
    label: int
    predicted: int
    probability: float = Field(description="that the network gave to its prediction, 0 to 1")
    probability_of_label: float
    pixels: str = Field(description="base64 of 784 bytes, row by row, 0 black (ground) to 255 white (ink)")


@dataclass(frozen=True)
class EpochCount:
    """How many epochs a run had.

    A log that counts from 0 had one more than its largest number; one that begins in the middle
    had those that it does not show as well, and whether it counts from 0 or 1 cannot be seen.

    Attributes:
        least, most: bounds; the same number where it is known.
        shown: epochs that are there.
        remark: what to say behind the number; empty where there is nothing to say.
    """

    least: int
    most: int
    shown: int
    remark: str = ""

    def __str__(self) -> str:
        """Return the number, or both bounds."""
        return f"{self.least}" if self.least == self.most else f"{self.least} or {self.most}"


def count_epochs(epochs: Sequence[Epoch]) -> EpochCount:
    """Return how many epochs there were; the numbers of a log are its own and may count from 0."""
    shown = len(epochs)
    numbers = [e.epoch for e in epochs if e.numbered]
    if not numbers:
        return EpochCount(shown, shown, shown, " (counted: the log numbers none)" if shown else "")
    first, last = min(numbers), max(numbers)
    if first == 0:
        count = max(shown, last + 1)
        told = f" (numbered 0 to {last})" if last else " (numbered 0)"
        return EpochCount(count, count, shown, told if len(numbers) == shown == count
                          else f" ({shown} of them in the log, numbered up to {last} from 0)")
    if first == 1 or shown > last:
        count = max(shown, last)
        return EpochCount(count, count, shown, "" if shown == count else f" ({shown} of them in the log)")
    return EpochCount(max(shown, last), max(shown, last + 1), shown,
                      f" (the log shows {shown} of them, numbered {first} to {last})")


class Run(Part):
    """One training run from one seed, or one pasted log."""

    seed: int | None
    status: Literal["running", "finished", "interrupted", "diverged", "log"]
    message: str | None = Field(default=None, description="why it stopped, for diverged and interrupted")
    seconds: float | None = Field(default=None, description="all epochs with their tests, data already in memory")
    training_seconds: float | None = Field(default=None, description="all epochs without their tests")
    epochs: list[Epoch]
    best: EpochRef | None = Field(default=None, description="the best epoch, chosen by looking at the test set")
    last: EpochRef | None = Field(default=None, description="the last epoch: the honest figure")
    steps: Steps | None = None
    train_score: Score | None = Field(
        default=None, description="training images, evaluation mode, no augmentation, at the end"
    )
    test_score: Score | None = Field(default=None, description="evaluation images at the end; equals the last epoch")
    shifted_score: Score | None = Field(
        default=None, description="evaluation images, mean over shifted copies (test-time averaging): a separate figure"
    )
    confusion: list[list[int]] | None = Field(default=None, description="confusion[label][predicted], counts")
    per_class: list[ClassScore] | None = None
    examples: list[DigitPicture] | None = Field(
        default=None, description="the first images evaluated; first run only"
    )
    misclassified: list[DigitPicture] | None = Field(default=None, description="all of them, most certain first")
    weights: str | None = Field(default=None, description="safetensors file beside the record")
    robustness: list[Corruption] | None = Field(default=None, description="evaluation images, changed in eight ways")
    calibration: Calibration | None = Field(default=None, description="on the evaluation images")
    familiar_from: float | None = Field(
        default=None, description="score (largest logit above their mean) that 99.9 % of the training images exceed"
    )
    network: NetworkTable | None = Field(
        default=None, description="of this run alone, where a log holds several runs with a table of their own"
    )
    line: int | None = Field(default=None, description="of a log: the line with which the run begins")

    def epochs_trained(self) -> EpochCount:
        """Return how many epochs the run trained for, as far as its epochs tell it; see `EpochCount`."""
        return count_epochs(self.epochs)


class Summary(Part):
    """Mean and spread over the finished runs; of a log the figures of its main run alone, since its runs differ."""

    runs: int
    last_mean: float | None = Field(default=None, description="mean accuracy of the last epoch, percent")
    last_sd: float | None = Field(default=None, description="sample standard deviation; null for one run")
    best_mean: float | None = None
    best_sd: float | None = None
    last_five_mean: float | None = Field(
        default=None, description="mean accuracy of the last five epochs over all runs"
    )
    seconds_mean: float | None = None
    training_seconds_mean: float | None = None


class Unread(Part):
    """A line of a log that looks like a figure and could not be read, or that contradicts itself."""

    line: int
    cell: int | None = Field(default=None, description="of a notebook: the cell in whose output the line stands")
    text: str
    reason: str


class LogSource(Part):
    """Where a record made from a pasted log came from."""

    file: str = Field(description="name without its folder")
    md5: str
    lines: int
    read: int = Field(description="lines that gave a figure")
    unread: list[Unread]
    claims: dict[str, float] = Field(
        default_factory=dict, description="figures that the text states and the log does not show by itself: "
        "best_accuracy, accuracy, best_train_accuracy, parameters, epochs, batch_size, learning_rate"
    )


class RunRecord(Part):
    """The whole record."""

    format: Literal["sheetprop-run"] = "sheetprop-run"
    version: int = VERSION
    kind: Literal["trained", "log"]
    created: str = Field(description="UTC, ISO 8601")
    recipe: Recipe | None = Field(default=None, description="all settings; null for a log")
    network: NetworkTable | None = None
    data: list[DataFile] = Field(default_factory=list)
    evaluated_on: str = Field(
        default="test", description="test: the data set's test images; held-out: training images kept aside"
    )
    held_out: int = Field(default=0, description="training images kept aside")
    data_set: str = Field(
        default="mnist", description="mnist, fashion, kmnist, qmnist, emnist (or emnist-SPLIT), or a folder's name"
    )
    class_names: list[str] | None = Field(default=None, description="null: the digits 0 to 9")
    pixel_mean: float = Field(default=0.1307, description="subtracted from pixels in 0 to 1")
    pixel_deviation: float = Field(default=0.3081, description="that they are divided by")
    module: ModuleSource | None = Field(default=None, description="of a network of the user's own")
    environment: Environment | None = None
    teacher: Teacher | None = Field(default=None, description="of a recipe with distillation")
    runs: list[Run]
    planned_runs: int = 1
    summary: Summary
    log: LogSource | None = None
    notes: list[str] = Field(default_factory=list)
    likeness: str | None = Field(
        default=None, description="safetensors file beside the record: main components of the training images"
    )
    chosen: int | None = Field(
        default=None, description="which run, from 1, stands for a record of several runs; null: see `main_run`"
    )

    def main_run(self) -> Run | None:
        """Return the run that stands for the record in figures.

        That is the chosen one; else the first finished one, since runs of one recipe are alike; of
        a log with several runs the last that was tested, since they are attempts.
        """
        if self.chosen is not None and 1 <= self.chosen <= len(self.runs):
            return self.runs[self.chosen - 1]
        done = [run for run in self.runs if run.status in ("finished", "log")]
        if self.kind == "log" and done:
            return next((run for run in reversed(done) if run.last is not None), done[-1])
        return done[0] if done else self.runs[0] if self.runs else None

    def main_number(self) -> int:
        """Return the number of the main run, from 1; 0 where there is none."""
        main = self.main_run()
        return next((n for n, run in enumerate(self.runs, 1) if run is main), 0)

    def main_network(self) -> NetworkTable | None:
        """Return the network of the main run: its own, or the record's."""
        main = self.main_run()
        return main.network if main is not None and main.network is not None else self.network

    def epochs_trained(self) -> EpochCount | None:
        """Return how many epochs the main run had, as far as the record tells it."""
        main = self.main_run()
        if main is not None and main.epochs:
            return main.epochs_trained()
        return None if self.recipe is None else EpochCount(self.recipe.epochs, self.recipe.epochs, 0)


def choose(epochs: list[Epoch]) -> tuple[EpochRef | None, EpochRef | None]:
    """Return the best and the last epoch that were tested; of equals the first is the best."""
    tested = [e for e in epochs if e.test_accuracy is not None]
    if not tested:
        return None, None
    top = max(tested, key=lambda e: (e.test_accuracy or 0.0, -e.epoch))
    best, last = (
        EpochRef(epoch=e.epoch, accuracy=e.test_accuracy or 0.0, loss=e.test_loss) for e in (top, tested[-1])
    )
    return best, last


def summarise(runs: list[Run]) -> Summary:
    """Return mean and sample standard deviation over the runs that came to their end."""
    done = [r for r in runs if r.status in ("finished", "log") and r.last is not None]
    last = [r.last.accuracy for r in done if r.last]
    best = [r.best.accuracy for r in done if r.best]
    fives = [e.test_accuracy for r in done for e in r.epochs[-5:] if e.test_accuracy is not None]
    seconds = [r.seconds for r in done if r.seconds is not None]
    training = [r.training_seconds for r in done if r.training_seconds is not None]
    return Summary(
        runs=len(done),
        last_mean=_mean(last), last_sd=_sd(last), best_mean=_mean(best), best_sd=_sd(best),
        last_five_mean=_mean(fives), seconds_mean=_mean(seconds), training_seconds_mean=_mean(training),
    )


def _mean(values: list[float]) -> float | None:
    return round(statistics.fmean(values), 6) if values else None


def _sd(values: list[float]) -> float | None:
    return round(statistics.stdev(values), 6) if len(values) > 1 else None


def write(record: RunRecord, target: str | os.PathLike[str]) -> None:
    """Write the record as JSON, beside `target` first and then renamed into place.

    Raises:
        SheetpropError: the place cannot be written to.
    """
    with replacing(target) as temporary:
        temporary.write_text(record.model_dump_json(indent=1, exclude_none=False) + "\n", encoding="utf-8")


def file_of(source: str | os.PathLike[str]) -> Path:
    """Return the file of a record that is given by its file or by the folder that holds it."""
    path = Path(source)
    return path / RECORD if path.is_dir() else path


def read(source: str | os.PathLike[str]) -> RunRecord:
    """Read a record from its file, or from the folder that holds ``record.json``.

    Raises:
        SheetpropError: no such file, no record, damaged, or made by a newer version.
    """
    path = file_of(source)
    try:
        raw: Any = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SheetpropError(f"{path}: there is no such record; `sheetprop train` makes one") from error
    except OSError as error:
        raise SheetpropError(f"{path}: cannot be read ({error.strerror})") from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise SheetpropError(f"{path}: is no JSON file, so no run record; give the record.json of a run") from error
    if not isinstance(raw, dict) or raw.get("format") != "sheetprop-run":
        raise SheetpropError(f"{path}: is JSON but no run record (no \"format\": \"sheetprop-run\"); "
                             "give the record.json of a run")
    version = raw.get("version")
    if isinstance(version, int) and version > VERSION:
        raise SheetpropError(f"{path}: was written by a newer sheetprop (record version {version}, this one reads "
                             f"up to {VERSION}); upgrade sheetprop")
    try:
        return RunRecord.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(p) for p in first["loc"])
        raise SheetpropError(f"{path}: damaged record at {where or 'the top'}: {first['msg']}; "
                             "make it again with `sheetprop train`") from error

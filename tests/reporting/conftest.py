"""A small workbook and a made-up run record, read and verified once."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

import sheetprop
from sheetprop.mnist import record
from sheetprop.mnist.recipes import recipe
from sheetprop.mnist.record import (
    ClassScore,
    DataFile,
    DigitPicture,
    Environment,
    Epoch,
    LayerRow,
    NetworkTable,
    Run,
    RunRecord,
    Score,
    Steps,
)

HOSTILE = "<script>alert('x')</script>{{ 7*7 }}{% raw %}&amp;"


def digit(index: int, label: int, predicted: int) -> DigitPicture:
    """A picture of 28 by 28 pixels with a bar whose place follows from `index`."""
    pixels = bytes(255 if index <= column < index + 4 else 0 for _ in range(28) for column in range(28))
    return DigitPicture(index=index, label=label, predicted=predicted, probability=0.9, probability_of_label=0.05,
                        pixels=base64.b64encode(pixels).decode())


def made_up(**changes: Any) -> RunRecord:
    """A record of two epochs of the fast recipe, with figures that nobody trained for."""
    epochs = [
        Epoch(epoch=1, learning_rate=0.1, batches=469, last_loss=0.12, train_loss=0.2, train_accuracy=94.0,
              test_loss=0.05, test_correct=9840, test_total=10000, test_accuracy=98.4, seconds=10.0, test_seconds=1.0),
        Epoch(epoch=2, learning_rate=0.001, batches=469, last_loss=0.03, train_loss=0.05, train_accuracy=98.6,
              test_loss=0.02, test_correct=9941, test_total=10000, test_accuracy=99.41, seconds=11.0,
              test_seconds=1.0),
    ]
    best, last = record.choose(epochs)
    confusion = [[980 if said == label else 0 for said in range(10)] for label in range(10)]
    confusion[4][9], confusion[4][4] = 5, 975
    layers = [
        LayerRow(type="Conv2d", name="Conv2d-1", shape=[8, 26, 26], parameters=72, kernel=3, stride=1, padding=0,
                 bias=False, receptive_field=3),
        LayerRow(type="ReLU", name=None, shape=[8, 26, 26], parameters=0, functional=True, receptive_field=3),
        LayerRow(type="BatchNorm2d", name="BatchNorm2d-2", shape=[8, 26, 26], parameters=16, receptive_field=3),
        LayerRow(type="Linear", name="Linear-3", shape=[10], parameters=90, bias=True, receptive_field=28),
    ]
    run = Run(
        seed=1, status="finished", seconds=23.0, training_seconds=21.0, epochs=epochs, best=best, last=last,
        steps=Steps(every=1, step=[1, 200, 400, 600, 938], loss=[2.3, 0.5, 0.2, 0.1, 0.03],
                    learning_rate=[0.01, 0.05, 0.1, 0.05, 0.0]),
        train_score=Score(loss=0.03, correct=59580, total=60000, accuracy=99.3),
        test_score=Score(loss=0.02, correct=9941, total=10000, accuracy=99.41), confusion=confusion,
        per_class=[ClassScore(digit=k, correct=confusion[k][k], total=980, accuracy=100 * confusion[k][k] / 980)
                   for k in range(10)],
        misclassified=[digit(3, 4, 9), digit(9, 4, 9)])
    fields: dict[str, Any] = {
        "kind": "trained", "created": "2026-11-21T08:00:00+00:00", "recipe": recipe("fast"),
        "network": NetworkTable(name="small", title="a made-up network", origin="made up for tests", parameters=178,
                                trainable=178, layers=layers, input_mb=0.003, forward_backward_mb=0.08,
                                parameters_mb=0.0007, total_mb=0.0837),
        "data": [DataFile(name="train-images-idx3-ubyte", md5="6bbc9ace898e44ae57da46a324031adb", bytes=47040016)],
        "environment": Environment(sheetprop="0.1.0", python="3.11.7", torch="2.13.0", torchvision="0.28.0",
                                   numpy="2.4.0", system="Linux x86_64", processor="a processor", threads=2,
                                   device="cpu", precision="float32"),
        "runs": [run], "summary": record.summarise([run]),
    }
    return RunRecord(**{**fields, **changes})


@pytest.fixture(scope="session")
def workbook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The classic network, two rates, twelve iterations."""
    path = tmp_path_factory.mktemp("reporting") / "classic.xlsx"
    sheetprop.build(sheetprop.spec(preset="classic", learning_rates=(0.5, 2.0), iterations=12), path)
    return path


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A made-up record."""
    path = tmp_path_factory.mktemp("run") / "record.json"
    record.write(made_up(), path)
    return path


@pytest.fixture(scope="session")
def prepared(workbook: Path, run: Path) -> Any:
    """Context and figures of both, verified."""
    from sheetprop.reporting.report import prepare

    return prepare(workbook, run, author="A. Student", date="2026-11-21")


@pytest.fixture(scope="session")
def page(prepared: Any) -> str:
    """The HTML."""
    from sheetprop.reporting import render

    return render.html(*prepared)

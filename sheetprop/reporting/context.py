"""The whole report as plain data: what all three formats are made from."""

from __future__ import annotations

import datetime
import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sheetprop
from sheetprop.errors import SheetpropError
from sheetprop.reporting import backprop, mnistpart
from sheetprop.reporting.backprop import Backprop
from sheetprop.reporting.mnistpart import Mnist
from sheetprop.reporting.words import accuracy, duration, listed, many, number

# Faults that are listed by name.
FAULTS = 20


@dataclass(frozen=True)
class Fact:
    """One of the key numbers on the first page."""

    value: str
    label: str
    note: str = ""


@dataclass(frozen=True)
class Source:
    """A file that the report was made from."""

    name: str
    what: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Context:
    """Everything that a report says.

    Attributes:
        title, author, date: as given; author and date may be empty.
        claim: the result in a sentence or two.
        alarms: what is wrong, for the first page, in red; empty when all is well.
        missing: which half is missing, in a line each.
        facts: the key numbers.
        commands: what reproduces the report.
        backprop, mnist: the two halves; at least one is there.
        limits: what the numbers do not show.
        environment: name and value, line by line.
        sources: the files it was made from.
        version: of sheetprop.
    """

    title: str
    author: str
    date: str
    claim: str
    alarms: tuple[str, ...]
    missing: tuple[str, ...]
    facts: tuple[Fact, ...]
    commands: tuple[str, ...]
    backprop: Backprop | None
    mnist: Mnist | None
    limits: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]
    sources: tuple[Source, ...]
    version: str = sheetprop.__version__

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.alarms

    @property
    def verification(self) -> Any:
        """The verification of the workbook, or None."""
        return self.backprop.verification if self.backprop else None


def make(
    part1: Backprop | None, part2: Mnist | None, *, title: str | None = None, author: str | None = None,
    date: str | None = None,
) -> Context:
    """Return the context of a report.

    Args:
        part1, part2: the halves; one may be missing.
        title, author: as they shall stand on the first page.
        date: ISO 8601, such as 2026-11-21; without it SOURCE_DATE_EPOCH, else the day of the record, else none.
    """
    return Context(
        title=title or _title(part1, part2), author=author or "", date=_date(date, part2),
        claim=_claim(part1, part2), alarms=tuple(_alarms(part1, part2)), missing=tuple(_missing(part1, part2)),
        facts=tuple(_facts(part1, part2)), commands=tuple(_commands(part1, part2)), backprop=part1, mnist=part2,
        limits=tuple(_limits(part1, part2)), environment=tuple(_environment(part2)),
        sources=tuple(_sources(part1, part2)))


def read(workbook: Path | None, record: Path | None) -> tuple[Backprop | None, Mnist | None]:
    """Read both halves; the verification is still to come."""
    if workbook is None and record is None:
        raise SheetpropError("neither a workbook nor a run record is given; give --workbook, --run or both")
    return (None if workbook is None else backprop.read(workbook),
            None if record is None else mnistpart.read(record))


def _title(part1: Backprop | None, part2: Mnist | None) -> str:
    if part1 is None:
        return "A small network on MNIST"
    return "Back-propagation, cell by cell" + (", and a small network on MNIST" if part2 else "")


def _date(given: str | None, part2: Mnist | None) -> str:
    if given:
        try:
            return datetime.date.fromisoformat(given[:10]).isoformat()
        except ValueError:
            raise SheetpropError(f"--date {given!r}: is no date; write it like 2026-11-21") from None
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    if epoch.isdecimal():
        return datetime.datetime.fromtimestamp(int(epoch), datetime.UTC).date().isoformat()
    return part2.record.created[:10] if part2 else ""


def _claim(part1: Backprop | None, part2: Mnist | None) -> str:
    sentences = []
    if part1 is not None:
        network = part1.spec.network
        verified = part1.verification is not None and part1.verification.agrees
        text = (f"A {network.shape} network learns in {part1.formulas:,} live spreadsheet formulas, "
                f"{many(part1.spec.iterations, 'update')} at each of "
                f"{many(len(part1.courses), 'learning rate')}")
        if part1.exercise:
            text += "; it is an exercise with columns that a student fills in"
        text += (f", and all {part1.verification.cells:,} numbers that PyTorch can compute as well agree with it."
                 if verified else ".")
        sentences.append(text)
    if part2 is not None:
        sentences.append(_mnist_claim(part2))
    return " ".join(sentences)


def _mnist_claim(part2: Mnist) -> str:
    summary, run = part2.record.summary, part2.run
    who = f"A network of {part2.count:,} parameters" if part2.count is not None else "A network"
    if run is None or run.last is None:
        return f"{who} was trained on MNIST; the record holds no finished epoch."
    images = f"MNIST's {part2.set_name} images"
    text = f"{who} reads {accuracy(summary.last_mean or run.last.accuracy)} of {images} right"
    text += f" after {many(part2.epoch_count, 'epoch')}"
    if summary.runs > 1:
        text += f", the mean of {many(summary.runs, 'run')}"
        text += f" ± {summary.last_sd:.2f}" if summary.last_sd is not None else ""
    return text + "."


def _alarms(part1: Backprop | None, part2: Mnist | None) -> list[str]:
    alarms = []
    if part1 is not None:
        result = part1.verification
        if result is None:
            alarms.append(f"Not verified: {part1.not_verified or 'no verification was made'}. Nothing in part 1 has "
                          "been held against PyTorch.")
        elif not result.agrees:
            alarms.append(f"The verification fails: the workbook {result.verdict}.")
    if part2 is not None and part2.run is not None and part2.run.status not in ("finished", "log"):
        why = f" ({part2.run.message})" if part2.run.message else ""
        alarms.append(f"The training did not come to its end: {part2.run.status}{why}.")
    return alarms


def _missing(part1: Backprop | None, part2: Mnist | None) -> list[str]:
    lines = []
    if part1 is None:
        lines.append("Part 1 is not here, since no workbook was given (sheetprop report --workbook FILE).")
    if part2 is None:
        lines.append("Part 2 is not here, since no run record was given (sheetprop report --run RECORD).")
    elif part2.from_log:
        lines.append("Part 2 was made from a pasted log, which tells no confusion matrix, no misclassified digits "
                     "and no environment.")
    return lines


def _facts(part1: Backprop | None, part2: Mnist | None) -> list[Fact]:
    facts: list[Fact] = []
    if part1 is not None:
        network = part1.spec.network
        kinds = listed(list(dict.fromkeys(network.activations)))
        facts.append(Fact(network.shape, "network in the workbook",
                          f"{kinds}, {'with biases' if network.bias else 'no biases'}"))
        facts.append(Fact(f"{part1.formulas:,}", "live formulas", "evaluated without Excel"))
        result = part1.verification
        if result is not None:
            largest = max((c.largest_absolute for c in result.comparisons), default=0.0)
            facts.append(Fact(number(largest, 2), "largest difference from PyTorch",
                              f"over {result.cells:,} cells"))
    if part2 is not None:
        summary, run = part2.record.summary, part2.run
        last = summary.last_mean if summary.last_mean is not None else run.last.accuracy if run and run.last else None
        note = f"{many(summary.runs, 'run')}"
        if summary.last_sd is not None:
            note = f"mean of {note}, standard deviation {summary.last_sd:.2f}"
        facts.append(Fact(accuracy(last), f"{part2.set_name} accuracy, last epoch", note))
        if part2.count is not None:
            facts.append(Fact(f"{part2.count:,}", "parameters", f"{many(part2.epoch_count, 'epoch')}"))
        seconds = summary.seconds_mean if summary.seconds_mean is not None else run.seconds if run else None
        if seconds is not None:
            where = part2.record.environment
            facts.append(Fact(duration(seconds), "a run, tests included",
                              f"{many(where.threads, 'thread')}, {where.device}" if where else ""))
    return facts


def build_command(part1: Backprop) -> str:
    """Return the command that builds the workbook again."""
    network, spec = part1.spec.network, part1.spec
    rates = ",".join(format(rate, ".15g") for rate in spec.learning_rates)
    parts = ["sheetprop build"]
    if part1.preset:
        parts.append(f"--preset {part1.preset}")
    else:
        def joined(values: tuple[float, ...]) -> str:
            return ",".join(format(value, ".15g") for value in values)

        parts.append(f"--layers {network.shape} --activation {','.join(network.activations)}")
        # A long list belongs into a spec file; the values stand in the sheet Parameters.
        if len(network.weights) <= 40:
            parts.append(f"--inputs={joined(network.inputs)} --targets={joined(network.targets)}")
            parts.append(f"--weights={joined(network.weights)}")
            parts.append(f"--biases={joined(network.biases)}" if network.bias else "--no-bias")
        else:
            parts.append("--spec FILE.toml")
    if len(spec.learning_rates) <= 12:
        parts.append(f"--lrs={rates}" if rates.startswith("-") else f"--lrs {rates}")
    else:
        parts.append("--lrs RATES")
    parts.append(f"--iterations {spec.iterations}")
    return " ".join(parts)


def _commands(part1: Backprop | None, part2: Mnist | None) -> list[str]:
    commands = []
    if part1 is not None:
        commands += [f"{build_command(part1)} -o {part1.file}", f"sheetprop verify {part1.file}"]
    if part2 is not None:
        commands.append(_train_command(part2))
    halves = ([f"--workbook {part1.file}"] if part1 else []) + ([f"--run {_record_place(part2)}"] if part2 else [])
    return [*commands, f"sheetprop report {' '.join(halves)}"]


def _record_place(part2: Mnist) -> str:
    return part2.file if part2.from_log or part2.record.recipe is None else f"runs/{part2.record.recipe.name}"


def _train_command(part2: Mnist) -> str:
    recipe = part2.record.recipe
    if recipe is None:
        return f"sheetprop log {part2.record.log.file if part2.record.log else 'FILE'} -o {part2.file}"
    from sheetprop.mnist.recipes import RECIPES

    parts = [f"sheetprop train --recipe {recipe.name}"]
    known = RECIPES.get(recipe.name)
    for option, field in (("--epochs", "epochs"), ("--batch-size", "batch_size"), ("--lr", "learning_rate"),
                          ("--seed", "seed")):
        value = getattr(recipe, field)
        if known is not None and getattr(known, field) != value:
            parts.append(f"{option} {value}")
    if part2.record.planned_runs > 1:
        parts.append(f"--runs {part2.record.planned_runs}")
    return " ".join([*parts, "--out runs"])


def _limits(part1: Backprop | None, part2: Mnist | None) -> list[str]:
    limits = []
    if part1 is not None:
        limits.append("The workbook learns a single example by plain gradient descent. It shows how back-propagation "
                      "works, not how well a network generalises: there is nothing to generalise to.")
        limits.append("Which learning rate is best here holds for these initial values and this number of updates "
                      "only.")
        if part1.verification is not None:
            limits.append(
                f"Agreement means a difference of at most {number(part1.verification.tolerance, 1)} times the size of "
                "the formula's terms. Two correct programs may round differently, and where a run is chaotic such "
                "differences grow; the verification tells this apart from a fault.")
        if part1.choice.thinned or any(p.left_out for p in part1.pictures.sheets) or part1.pictures.left_out:
            limits.append("Long sheets are pictured by their first and last rows; the workbook has all of them.")
    if part2 is not None:
        limits += _mnist_limits(part2)
    return limits


def _mnist_limits(part2: Mnist) -> list[str]:
    record, run = part2.record, part2.run
    limits = []
    if part2.from_log:
        limits.append("The figures of part 2 are those of a log that somebody pasted; nothing was trained again here.")
    if record.summary.runs < 2:
        limits.append("One run has no spread: another seed would give another accuracy.")
    elif record.summary.runs < 5:
        limits.append(f"A standard deviation from {record.summary.runs} runs is itself a rough figure.")
    if run is not None and run.last is not None and run.test_score is not None:
        images = run.test_score.total
        share = run.last.accuracy / 100
        error = 100 * (share * (1 - share) / images) ** 0.5
        limits.append(f"With {images:,} images an accuracy of {accuracy(run.last.accuracy)} has a standard error of "
                      f"{error:.2f} points from the choice of images alone.")
    if record.evaluated_on == "test":
        limits.append("MNIST's test set has been looked at by everybody for decades; recipes are made with that "
                      "knowledge, ours included.")
    limits.append("Scans of digits, centred and of one size: nothing here says how the network reads other "
                  "handwriting.")
    return limits


def _environment(part2: Mnist | None) -> list[tuple[str, str]]:
    lines = [("Report", f"sheetprop {sheetprop.__version__}, Python {platform.python_version()}")]
    where = part2.record.environment if part2 else None
    if where is not None:
        lines += [
            ("Training", f"sheetprop {where.sheetprop}, Python {where.python}, PyTorch {where.torch}, "
                         f"NumPy {where.numpy}"),
            ("System", where.system), ("Processor", where.processor),
            ("Device", f"{where.device_name or where.device}, {many(where.threads, 'thread')}, {where.precision}"),
        ]
        if where.git_commit:
            lines.append(("Commit", where.git_commit + (" with changes" if where.git_changed else "")))
    return lines


def _sources(part1: Backprop | None, part2: Mnist | None) -> list[Source]:
    sources = []
    if part1 is not None:
        sources.append(Source(part1.file, "workbook", part1.bytes, part1.sha256))
    if part2 is not None:
        sources.append(Source(part2.file, "run record", part2.bytes, part2.sha256))
    return sources

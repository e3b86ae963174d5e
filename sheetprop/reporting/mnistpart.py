"""Part 2 of the report: the network on MNIST, its training and its mistakes, all read from a run record."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from sheetprop.mnist import rubric
from sheetprop.mnist.diagram import diagram
from sheetprop.mnist.recipe import Recipe
from sheetprop.mnist.record import DigitPicture, Epoch, NetworkTable, Run, RunRecord, file_of
from sheetprop.mnist.record import read as read_record
from sheetprop.reporting.words import accuracy, duration, many, number, plain

# So many misclassified digits are pictured.
PICTURED = 120
TITLES = {"mnist": "MNIST", "fashion": "Fashion-MNIST", "kmnist": "KMNIST", "qmnist": "QMNIST", "emnist": "EMNIST"}


@dataclass(frozen=True)
class Setting:
    """One line of the recipe."""

    name: str
    value: str


@dataclass(frozen=True)
class EpochLine:
    """One epoch of the training table, as text."""

    epoch: str
    rate: str
    train_loss: str
    train_accuracy: str
    test_loss: str
    test_accuracy: str
    seconds: str
    remark: str


@dataclass(frozen=True)
class Mnist:
    """Everything that part 2 tells.

    Attributes:
        file, sha256, bytes: the record.
        record: all of it.
        run: the run that figures show.
        table: the network, or None.
        diagram: an SVG drawing of it, or an empty text.
        settings: the recipe, line by line.
        epochs: the table of the run that figures show.
        rubric: what graders ask for.
        misclassified: those that are pictured.
        mistakes: how many there are in all, or None when the record does not tell.
        words: what the training shows, as paragraphs.
        log: the training log of every run, written from the record.
    """

    file: str
    sha256: str
    bytes: int
    record: RunRecord
    run: Run | None
    table: NetworkTable | None
    diagram: str
    settings: tuple[Setting, ...]
    epochs: tuple[EpochLine, ...]
    rubric: tuple[rubric.Verdict, ...]
    misclassified: tuple[DigitPicture, ...]
    mistakes: int | None
    words: tuple[str, ...]
    log: str

    @property
    def from_log(self) -> bool:
        """Whether the record was made from a pasted log."""
        return self.record.kind == "log"

    @property
    def set_name(self) -> str:
        """What the accuracy was measured on."""
        return "test" if self.record.evaluated_on == "test" else "held-out"

    @property
    def count(self) -> int | None:
        """Number of parameters of the network, where the record tells it."""
        if self.table is not None:
            return self.table.parameters
        claims = self.record.log.claims if self.record.log else {}
        return int(claims["parameters"]) if "parameters" in claims else None

    @property
    def several(self) -> bool:
        """Whether it is a log of several runs, which are attempts that differ."""
        return self.from_log and len(self.record.runs) > 1

    @property
    def epochs_words(self) -> str:
        """How many epochs the run that figures show was trained for, as far as the record tells it."""
        count = self.record.epochs_trained()
        return "no epoch" if count is None else f"{count} epoch{'s' if count.most != 1 else ''}{count.remark}"

    @property
    def name(self) -> str:
        """A short name of the run."""
        if self.record.recipe is not None:
            return f"recipe {self.record.recipe.name}"
        return f"log {self.record.log.file}" if self.record.log else "run"


def read(path: Path) -> Mnist:
    """Return part 2.

    Raises:
        SheetpropError: there is no record, or it is damaged.
    """
    record = read_record(path)
    file = file_of(path)
    content = file.read_bytes()
    run = record.main_run()
    mistakes = run.misclassified if run is not None else None
    return Mnist(
        file=file.name, sha256=hashlib.sha256(content).hexdigest(), bytes=len(content), record=record, run=run,
        table=record.main_network(), diagram=_diagram(record.main_network()), settings=tuple(_settings(record)),
        epochs=tuple(_line(epoch, run) for epoch in run.epochs) if run else (),
        rubric=tuple(rubric.rubric(record)), misclassified=tuple((mistakes or [])[:PICTURED]),
        mistakes=None if mistakes is None else len(mistakes), words=tuple(_words(record, run)), log=_log(record))


def _diagram(table: NetworkTable | None) -> str:
    return diagram(table) if table is not None and any(row.kernel or row.shape for row in table.layers) else ""


def _settings(record: RunRecord) -> list[Setting]:
    recipe = record.recipe
    if recipe is None:
        return []
    found = [
        Setting("Recipe", f"{recipe.name}: {recipe.title}"),
        Setting("Origin", recipe.origin),
        Setting("Epochs", str(recipe.epochs)),
        Setting("Batch size", str(recipe.batch_size)),
        Setting("Optimiser", _optimizer(recipe)),
        Setting("Learning rate", f"{plain(recipe.learning_rate)}, {_schedule(record)}"),
    ]
    if recipe.muon_rate is not None:
        found.append(Setting("Muon", f"for the convolutions but the first: rate {plain(recipe.muon_rate)}, "
                                     f"momentum {plain(recipe.muon_momentum)}"))
    found.append(Setting("Weight decay", plain(recipe.weight_decay) if recipe.weight_decay else "none"))
    found.append(Setting("Loss", _loss(recipe)))
    if record.teacher is not None:
        found.append(Setting("Teacher", rubric.teacher_words(record)))
    found.append(Setting("Augmentation", _augmentation(record)))
    if recipe.ema is not None:
        found.append(Setting("Tested weights", f"running mean, decay {plain(recipe.ema)} a step"))
    seeds = [str(run.seed) for run in record.runs if run.seed is not None]
    found.append(Setting("Seeds", ", ".join(seeds) or str(recipe.seed)))
    return found


def _optimizer(recipe: Recipe) -> str:
    match recipe.optimizer:
        case "SGD":
            return f"SGD, momentum {plain(recipe.momentum)}" + (", Nesterov" if recipe.nesterov else "")
        case "Muon":
            return (f"Muon between first and last layer (momentum {plain(recipe.muon_momentum)}), SGD with momentum "
                    f"{plain(recipe.momentum)} for the rest")
        case "RMSprop":
            return f"RMSprop, momentum {plain(recipe.momentum)}"
        case name:
            return name + (f", betas {plain(recipe.betas[0])} and {plain(recipe.betas[1])}" if recipe.betas else "")


def _loss(recipe: Recipe) -> str:
    """Return what the loss really is: with a teacher it is two."""
    hard = "negative log-likelihood of the log-softmax"
    if recipe.label_smoothing:
        hard += f", labels smoothed by {plain(recipe.label_smoothing)}"
    how = recipe.distillation
    if how is None:
        return hard
    return (f"{plain(round(100 * (1 - how.share), 6))} % {hard}; {plain(100 * how.share)} % cross-entropy with the "
            f"teacher's probabilities, logits of both divided by the temperature {plain(how.temperature)}, times its "
            "square")


def title_of_data(record: RunRecord) -> str:
    """Return the name of the data set as people write it."""
    return TITLES.get(record.data_set.partition("-")[0], record.data_set)


def _schedule(record: RunRecord) -> str:
    assert record.recipe is not None
    schedule = record.recipe.schedule
    match schedule.kind:
        case "constant":
            return "constant"
        case "step":
            return f"times {plain(schedule.factor)} after every {many(schedule.every, 'epoch')}"
        case "inverse":
            return f"times {plain(schedule.start)} / (1 + {plain(schedule.decay)} · epoch), epochs from 0"
        case "multistep":
            at = ", ".join(str(m) for m in schedule.milestones)
            return f"times {plain(schedule.factor)} after epochs {at}"
        case "exponential":
            return f"times {plain(schedule.factor)} after every epoch"
        case "cosine":
            return f"down along a cosine to {number(100 * schedule.end_factor, 2)} % of it"
        case "linear":
            return (f"in a straight line from {number(100 * schedule.start_factor, 3)} % to "
                    f"{number(100 * schedule.end_factor, 3)} % of it")
        case "onecycle":
            return (f"OneCycle: up to this over {number(100 * schedule.warm_up, 2)} % of the steps, "
                    "then down along a cosine")


def _augmentation(record: RunRecord) -> str:
    assert record.recipe is not None
    change = record.recipe.augmentation
    parts = [f"{one.name}({', '.join(f'{k}={v}' for k, v in one.arguments().items())})"
             for one in record.recipe.transforms]
    if change is None:
        return ", ".join(parts) or "none"
    if change.degrees:
        parts.append(f"rotation by up to {plain(change.degrees)}°")
    if change.shift:
        parts.append(f"shift by up to {plain(100 * change.shift)} %")
    if change.scale:
        parts.append(f"scale by up to {plain(100 * change.scale)} %")
    if change.crop:
        parts.append(f"the middle {change.crop} pixels enlarged, with probability {plain(change.crop_probability)}")
    if change.clean_epochs:
        last = "the last epoch" if change.clean_epochs == 1 else f"the last {change.clean_epochs} epochs"
        parts.append(f"none in {last}")
    return ", ".join(parts) or "none"


def _line(epoch: Epoch, run: Run | None) -> EpochLine:
    remarks = []
    if run is not None and run.best is not None and run.best.epoch == epoch.epoch:
        remarks.append("best")
    if run is not None and run.last is not None and run.last.epoch == epoch.epoch:
        remarks.append("last")
    return EpochLine(
        epoch=str(epoch.epoch), rate="–" if epoch.learning_rate is None else number(epoch.learning_rate, 3),
        train_loss=number(epoch.train_loss if epoch.train_loss is not None else epoch.last_loss, 4),
        train_accuracy=accuracy(epoch.train_accuracy), test_loss=number(epoch.test_loss, 4),
        test_accuracy=accuracy(epoch.test_accuracy), seconds=duration(epoch.seconds), remark=", ".join(remarks))


def _words(record: RunRecord, run: Run | None) -> list[str]:
    if run is None:
        return ["The record holds no run."]
    if run.last is None:
        return ["The record holds no tested epoch."]
    what = "the test images" if record.evaluated_on == "test" else "held-out training images"
    paragraphs = [_accuracy_words(record, run, what)]
    if run.confusion is not None:
        paragraphs.append(_confusion_words(run))
    if run.train_score is not None and run.test_score is not None:
        gap = run.train_score.accuracy - run.test_score.accuracy
        side = "above" if gap >= 0 else "below"
        paragraphs.append(
            f"On the training images, unchanged and in evaluation mode, the network reaches "
            f"{accuracy(run.train_score.accuracy)}: {abs(gap):.2f} points {side} {what}.")
    paragraphs += _further_words(run)
    if run.shifted_score is not None:
        paragraphs.append(
            f"Averaged over shifted copies of each image the same network reaches "
            f"{accuracy(run.shifted_score.accuracy)}; this is a separate figure and counts nowhere else.")
    return paragraphs


def _further_words(run: Run) -> list[str]:
    """Return what the record tells of changed images, and of how far probabilities can be believed."""
    paragraphs = []
    if run.robustness:
        worst = min(run.robustness, key=lambda c: c.accuracy)
        told = ", ".join(f"{c.name} {accuracy(c.accuracy)}" for c in run.robustness)
        paragraphs.append(f"On the same images changed in ways that the training may not have shown: {told}. Hardest "
                          f"is {worst.name}: {worst.what}.")
    if run.calibration is not None:
        bins = run.calibration.bins
        images = max(1, sum(b.count for b in bins))
        sure = sum(b.confidence * b.count for b in bins) / images
        right = sum(b.accuracy * b.count for b in bins) / images
        side = "less sure than it may be" if sure < right else "surer than it should be"
        paragraphs.append(f"The expected calibration error is {100 * run.calibration.expected_error:.2f} points: on "
                          f"the whole the network is {side} ({accuracy(100 * sure)} sure, {accuracy(100 * right)} "
                          "right).")
    return paragraphs


def _accuracy_words(record: RunRecord, run: Run, what: str) -> str:
    assert run.last is not None
    summary = record.summary
    if summary.runs > 1 and summary.last_mean is not None:
        text = (f"The mean of the last epoch over {many(summary.runs, 'run')} is "
                f"{accuracy(summary.last_mean)} of {what}"
                + (f", with a standard deviation of {summary.last_sd:.2f} points." if summary.last_sd is not None
                   else "."))
        text += f" The figures below show the run with seed {run.seed}, which ends at {accuracy(run.last.accuracy)}."
    else:
        text = f"The last epoch reaches {accuracy(run.last.accuracy)} of {what}."
        if record.kind == "log" and len(record.runs) > 1:
            text = (f"The log holds {len(record.runs)} runs; this is run {record.main_number()}, begun in line "
                    f"{run.line}. Its last epoch reaches {accuracy(run.last.accuracy)} of {what}.")
    if record.teacher is not None:
        text += f" The network learned from a teacher: {rubric.teacher_words(record)}."
    if run.best is not None and run.best.epoch != run.last.epoch:
        text += (f" The best epoch was number {run.best.epoch} with {accuracy(run.best.accuracy)}; it is known only by "
                 "looking at the same images, so the last epoch is the honest figure.")
    return text


def _confusion_words(run: Run) -> str:
    assert run.confusion is not None
    pairs = [(count, label, said) for label, row in enumerate(run.confusion)
             for said, count in enumerate(row) if label != said and count]
    if not pairs:
        return "No image was misread."
    top = max(count for count, _, _ in pairs)
    most = [f"{label} read as {said}" for count, label, said in pairs if count == top]
    text = f"The commonest mistake is a {most[0]}" if len(most) == 1 else f"The commonest mistakes are a {most[0]}"
    if len(most) > 1:
        text += "".join(f", a {pair}" for pair in most[1:4]) + (" and others" if len(most) > 4 else "")
    text += f" ({top} times{' each' if len(most) > 1 else ''})." if top > 1 else " (once each)."
    if run.per_class:
        worst = min(run.per_class, key=lambda c: c.accuracy)
        best = max(run.per_class, key=lambda c: c.accuracy)
        text += (f" The hardest digit is {worst.digit} with {accuracy(worst.accuracy)}, "
                 f"the easiest {best.digit} with {accuracy(best.accuracy)}.")
    return text


def _log(record: RunRecord) -> str:
    """Return the log of all runs in the style in which such logs are pasted."""
    lines = []
    for number_, run in enumerate(record.runs, start=1):
        if len(record.runs) > 1 or run.seed is not None:
            lines.append(f"Run {number_} of {len(record.runs)}" if record.kind == "log" else
                         f"Run {number_} of {max(record.planned_runs, len(record.runs))}"
                         + (f", seed {run.seed}" if run.seed is not None else ""))
        for epoch in run.epochs:
            lines += _log_lines(epoch)
        if run.message:
            lines.append(f"{run.status}: {run.message}")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _log_lines(epoch: Epoch) -> list[str]:
    parts = []
    loss = epoch.train_loss if epoch.last_loss is None else epoch.last_loss
    if loss is not None:
        parts.append(f"loss={loss:.6g}")
    if epoch.learning_rate is not None:
        parts.append(f"LR: {epoch.learning_rate:.6g}")
    if epoch.batches is not None:
        parts.append(f"batch_id={epoch.batches - 1}")
    if epoch.train_accuracy is not None:
        parts.append(f"Accuracy={epoch.train_accuracy:.2f}")
    if epoch.seconds is not None:
        parts.append(f"[{epoch.seconds:.1f} s]")
    lines = [f"Epoch: {epoch.epoch}"]
    if parts:
        lines.append(" ".join(parts))
    if epoch.test_accuracy is not None:
        loss_text = "" if epoch.test_loss is None else f"Average loss: {epoch.test_loss:.4f}, "
        if epoch.test_correct is not None and epoch.test_total is not None:
            lines.append(f"Test set: {loss_text}Accuracy: {epoch.test_correct}/{epoch.test_total} "
                         f"({epoch.test_accuracy:.2f}%)")
        else:
            lines.append(f"Test set: {loss_text}Accuracy: {epoch.test_accuracy:.2f}%")
    return lines

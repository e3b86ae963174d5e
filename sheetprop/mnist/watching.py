"""Watching a training: files that grow with it, and a page that refreshes itself."""

from __future__ import annotations

import csv
import html
import io
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from sheetprop.errors import SheetpropError
from sheetprop.files import replacing
from sheetprop.mnist.loop import Listener
from sheetprop.mnist.record import Epoch

Form = Literal["csv", "tensorboard", "jsonl"]
FORMS: tuple[Form, ...] = ("csv", "tensorboard", "jsonl")
PAGE = "watch.html"
_FIELDS = ("learning_rate", "train_loss", "train_accuracy", "test_loss", "test_accuracy", "seconds", "test_seconds")


class Several(Listener):
    """Passes all that it hears on to several listeners."""

    def __init__(self, listeners: Sequence[Listener]) -> None:
        """Take the listeners."""
        self.listeners = listeners

    def run_started(self, number: int, planned: int, seed: int) -> None:
        """Tell all."""
        for one in self.listeners:
            one.run_started(number, planned, seed)

    def epoch_started(self, epoch: int, epochs: int, batches: int, rate: float) -> None:
        """Tell all."""
        for one in self.listeners:
            one.epoch_started(epoch, epochs, batches, rate)

    def step(self, batch: int, loss: float, rate: float) -> None:
        """Tell all."""
        for one in self.listeners:
            one.step(batch, loss, rate)

    def epoch_finished(self, epoch: Epoch) -> None:
        """Tell all."""
        for one in self.listeners:
            one.epoch_finished(epoch)

    def run_finished(self, number: int, accuracy: float) -> None:
        """Tell all."""
        for one in self.listeners:
            one.run_finished(number, accuracy)

    def say(self, text: str) -> None:
        """Tell all."""
        for one in self.listeners:
            one.say(text)


class _Rows(Listener):
    """Keeps a row for each epoch."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.seed = folder, 0

    def run_started(self, number: int, planned: int, seed: int) -> None:
        del number, planned
        self.seed = seed

    def row(self, epoch: Epoch) -> dict[str, Any]:
        told = epoch.model_dump()
        return {"seed": self.seed, "epoch": epoch.epoch, **{name: told[name] for name in _FIELDS}}


class _Csv(_Rows):
    """A line of log.csv for each epoch; opened and closed for each, so that it can be read at any moment."""

    def epoch_finished(self, epoch: Epoch) -> None:
        row = self.row(epoch)
        path = self.folder / "log.csv"
        text = io.StringIO()
        writer = csv.DictWriter(text, row, lineterminator="\n")
        if not path.exists():
            writer.writeheader()
        writer.writerow(row)
        with path.open("a", encoding="utf-8") as file:
            file.write(text.getvalue())


class _Jsonl(_Rows):
    """A line of log.jsonl for each epoch."""

    def epoch_finished(self, epoch: Epoch) -> None:
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(self.row(epoch)) + "\n")


class _TensorBoard(_Rows):
    """Events for TensorBoard, a folder for each seed."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise SheetpropError("--log tensorboard: the package tensorboard is not installed; pip install "
                                 "sheetprop[tensorboard]") from error
        self.make: Any = SummaryWriter
        self.writer: Any = None

    def run_started(self, number: int, planned: int, seed: int) -> None:
        super().run_started(number, planned, seed)
        self.writer = self.make(str(self.folder / "tensorboard" / f"seed-{seed}"))

    def epoch_finished(self, epoch: Epoch) -> None:
        for name, value in self.row(epoch).items():
            if name not in ("seed", "epoch") and value is not None:
                self.writer.add_scalar(name.replace("_", "/", 1), value, epoch.epoch)
        self.writer.flush()

    def run_finished(self, number: int, accuracy: float) -> None:
        del number, accuracy
        self.writer.close()


class _Watch(_Rows):
    """The page watch.html, written anew after each epoch and now and then between."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.runs: list[tuple[int, list[Epoch]]] = []
        self.now = "waiting for the first epoch"
        self.batches, self.epoch, self.epochs = 0, 0, 0

    def run_started(self, number: int, planned: int, seed: int) -> None:
        super().run_started(number, planned, seed)
        self.runs.append((seed, []))
        self.now = f"run {number} of {planned}, seed {seed}"
        self._write(done=False)

    def epoch_started(self, epoch: int, epochs: int, batches: int, rate: float) -> None:
        del rate
        self.epoch, self.epochs, self.batches = epoch, epochs, batches

    def step(self, batch: int, loss: float, rate: float) -> None:
        if self.batches and batch % max(1, self.batches // 20) == 0:
            self.now = (f"seed {self.seed}, epoch {self.epoch} of {self.epochs}, batch {batch + 1} of {self.batches}: "
                        f"loss {loss:.4f}, learning rate {rate:.4g}")
            self._write(done=False)

    def epoch_finished(self, epoch: Epoch) -> None:
        self.runs[-1][1].append(epoch)
        self._write(done=False)

    def run_finished(self, number: int, accuracy: float) -> None:
        self.now = f"run {number} is done: {accuracy:.2f} %"
        self._write(done=True)

    def _write(self, *, done: bool) -> None:
        with replacing(self.folder / PAGE) as temporary:
            temporary.write_text(page(self.now, self.runs, refresh=not done), encoding="utf-8")


def page(now: str, runs: Sequence[tuple[int, Sequence[Epoch]]], *, refresh: bool) -> str:
    """Return a page with the curves of accuracy and loss, and the last epochs as a table; it needs nothing else."""
    again = '<meta http-equiv="refresh" content="3">' if refresh else ""
    curves = [("accuracy, %", "test_accuracy", "train_accuracy"), ("loss", "test_loss", "train_loss")]
    pictures = "".join(_curve(title, tested, trained, runs) for title, tested, trained in curves)
    rows = "".join(
        f"<tr><td>{seed}</td><td>{e.epoch}</td><td>{_text(e.learning_rate, '.4g')}</td><td>{_text(e.train_loss, '.4f')}"
        f"</td><td>{_text(e.train_accuracy, '.2f')}</td><td>{_text(e.test_loss, '.4f')}</td>"
        f"<td>{_text(e.test_accuracy, '.2f')}</td><td>{_text(e.seconds, '.1f')}</td></tr>"
        for seed, epochs in reversed(runs) for e in reversed(epochs))
    heads = "".join(f"<th>{h}</th>" for h in ("seed", "epoch", "learning rate", "train loss", "train %", "test loss",
                                               "test %", "seconds"))
    return (f'<!doctype html><html lang="en"><head><meta charset="utf-8">{again}<title>Training</title><style>'
            "body{font:15px system-ui,sans-serif;margin:2em;max-width:60em;color:#222;background:#fff}"
            "table{border-collapse:collapse}td,th{padding:.2em .8em;text-align:right;border-bottom:1px solid #ddd}"
            f"svg{{max-width:100%}}</style></head><body><h1>Training</h1><p>{html.escape(now)}</p>{pictures}"
            f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></body></html>\n")


def _text(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def _curve(title: str, tested: str, trained: str, runs: Sequence[tuple[int, Sequence[Epoch]]]) -> str:
    """Return one diagram: the test solid, the training dashed, a line for each seed."""
    wide, high, left = 640, 220, 60
    points = [(e.epoch, v) for _, epochs in runs for e in epochs for n in (tested, trained)
              if (v := getattr(e, n)) is not None]
    if not points:
        return ""
    low, top = min(v for _, v in points), max(v for _, v in points)
    last = max(max(x for x, _ in points), 2)
    span = (top - low) or 1.0

    def place(x: float, y: float) -> str:
        across, up = (x - 1) / (last - 1) * (wide - left - 20), (y - low) / span * (high - 60)
        return f"{left + across:.1f},{high - 30 - up:.1f}"

    lines = []
    for _, epochs in runs:
        for name, dash in ((tested, ""), (trained, ' stroke-dasharray="4 3"')):
            told = [(e.epoch, v) for e in epochs if (v := getattr(e, name)) is not None]
            if told:
                path = " ".join(place(x, y) for x, y in told)
                dots = "".join(f'<circle cx="{p[0]}" cy="{p[1]}" r="2.5" fill="#1f5fa8"/>'
                               for p in (place(x, y).split(",") for x, y in told))
                lines.append(f'<polyline points="{path}" fill="none" stroke="#1f5fa8"{dash}/>{dots}')
    return (f'<svg viewBox="0 0 {wide} {high}" width="{wide}" role="img" aria-label="{title}">'
            f'<text x="{left}" y="18" font-size="14">{title} (solid: test, dashed: training)</text>'
            f'<text x="4" y="{high - 26}" font-size="12">{low:.4g}</text>'
            f'<text x="4" y="36" font-size="12">{top:.4g}</text>'
            f'<path d="M{left} 28V{high - 24}H{wide - 16}" fill="none" stroke="#999"/>'
            f'<text x="{left}" y="{high - 8}" font-size="12">epoch 1</text>'
            f'<text x="{wide - 20}" y="{high - 8}" font-size="12" text-anchor="end">{last}</text>'
            f'{"".join(lines)}</svg>')


def listeners(forms: Sequence[str], *, watch: bool, folder: str | os.PathLike[str] | None,
              fresh: bool = True) -> list[Listener]:
    """Return what writes logs and page into a run's folder.

    Args:
        forms: of `FORMS`.
        watch: whether to write the page.
        folder: of the run.
        fresh: begin the files anew; false adds to those of a run that goes on.

    Raises:
        SheetpropError: an unknown form, no folder, or TensorBoard's package is missing.
    """
    unknown = [f for f in forms if f not in FORMS]
    if unknown:
        raise SheetpropError(f"--log {unknown[0]}: there is no such form; choose {', '.join(FORMS)}")
    if not forms and not watch:
        return []
    if folder is None:
        raise SheetpropError("a log or a page to watch needs a folder; give --out")
    place = Path(folder)
    if fresh:
        for name in ("log.csv", "log.jsonl"):
            (place / name).unlink(missing_ok=True)
    kinds: dict[str, type[_Rows]] = {"csv": _Csv, "jsonl": _Jsonl, "tensorboard": _TensorBoard}
    return [*(kinds[form](place) for form in dict.fromkeys(forms)), *([_Watch(place)] if watch else [])]

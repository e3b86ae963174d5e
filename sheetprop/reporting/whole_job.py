"""`sheetprop.run_all`: the main job in one call: build, verify, train, report."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sheetprop.errors import SheetpropError
from sheetprop.mnist.record import RECORD, file_of, read
from sheetprop.network.spec import Spec, make_spec
from sheetprop.reporting.report import FORMATS, Reported, report

WORKBOOK, RUN, REPORT, NETWORK = "sheetprop.xlsx", "run", "report", "cnn.xlsx"


@dataclass(frozen=True)
class Done:
    """What :func:`run_all` made.

    Attributes:
        folder: where everything is.
        workbook: the workbook.
        record: the run record.
        network: the trained network as a workbook of live formulas; None where it could not be written.
        report: what was reported.
        skipped: stages that were finished already.
    """

    folder: Path
    workbook: Path
    record: Path
    network: Path | None
    report: Reported
    skipped: tuple[str, ...]

    @property
    def sound(self) -> bool:
        """Whether the workbook agrees with PyTorch and everything was made."""
        return self.report.sound


def run_all(
    spec: Spec | None = None,
    output: str | os.PathLike[str] = "sheetprop-out",
    *,
    recipe: str = "fast",
    run: str | os.PathLike[str] | None = None,
    formats: Sequence[str] = FORMATS,
    title: str | None = None,
    author: str | None = None,
    date: str | None = None,
    page: str = "A4",
    data: str | os.PathLike[str] | None = None,
    force: bool = False,
    listener: Any = None,
    say: Callable[[str], None] = lambda _: None,
    **training: Any,
) -> Done:
    """Build the workbook, verify it, train on MNIST, write the trained network as a workbook too, and report.

    Stages that are finished are not done again: a workbook of the same spec, a finished record of
    the same recipe. A training that was stopped goes on.

    Args:
        spec: what the workbook shows; the preset ``classic`` by default.
        output: a folder; it is made if it does not exist.
        recipe: how to train.
        run: a run record that is there, instead of training.
        formats, title, author, date, page: as in `report`.
        data: a folder with MNIST.
        force: begin anew, whatever is there.
        listener: hears of epochs and steps of the training.
        say: hears what is being done, in a line each.
        training: further arguments of `sheetprop.mnist.training.train`, such as ``epochs`` or ``seed``.

    Raises:
        SheetpropError: unusable input, no data, no space.
    """
    spec = make_spec() if spec is None else spec
    folder = Path(output)
    if folder.exists() and not folder.is_dir():
        raise SheetpropError(f"{folder}: is a file; give a folder with -o")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SheetpropError(f"{folder}: cannot be made ({error.strerror}); choose another place with -o") from error
    skipped: list[str] = []
    workbook = folder / WORKBOOK
    if not force and _built(workbook, spec):
        skipped.append("build")
        say(f"workbook: {workbook} is there")
    else:
        say("workbook: building")
        from sheetprop.workbook.build import build

        made = build(spec, workbook, force=True)
        say(f"workbook: {made.formulas:,} formulas")
    record = Path(run) if run is not None else folder / RUN
    if run is not None:
        read(record)
        skipped.append("train")
        say(f"training: {record} is there")
    elif not force and _trained(record, recipe, training):
        skipped.append("train")
        say(f"training: {record} is there")
    else:
        say(f"training: recipe {recipe}")
        _train(recipe, record, data, listener, force=force, **training)
    network = _exported(record, folder / NETWORK, data, say)
    say("report: verifying the workbook and writing")
    written = report(workbook, record, formats=formats, output=folder / REPORT, title=title, author=author, date=date,
                     page=page, force=True)
    return Done(folder, workbook, file_of(record), network, written, tuple(skipped))


def _exported(record: Path, path: Path, data: Any, say: Callable[[str], None]) -> Path | None:
    """Write the trained network with a test image as a workbook; say why where that cannot be."""
    from sheetprop.workbook.exported.export import export
    from sheetprop.workbook.exported.sources import from_record

    if path.exists() and path.stat().st_mtime >= file_of(record).stat().st_mtime:
        say(f"network: {path} is there")
        return path
    try:
        source = from_record(record, data=data, download=False)
        made = export(source.module, source.args, path, target=source.target, loss=source.loss, title=source.title,
                      source=source.words, training=False, picture=source.picture)
    except SheetpropError as error:
        say(f"network: no workbook of it ({error})")
        return None
    say(f"network: {path}, {made.formulas:,} formulas")
    return path


def _built(path: Path, spec: Spec) -> bool:
    """Return whether the workbook is there and shows this spec."""
    from dataclasses import replace

    from sheetprop.engine import book as engine
    from sheetprop.workbook.reading import present_spec, read_layout

    if not path.exists():
        return False
    try:
        book = engine.open(path)
        book.calculate()
        layout = read_layout(book)
        return not layout.blank and replace(present_spec(book, layout), name=spec.name) == spec
    except SheetpropError:
        return False


def _trained(folder: Path, recipe: str, training: dict[str, Any]) -> bool:
    """Return whether a finished record of this recipe is there."""
    if not (folder / RECORD).exists():
        return False
    kept = read(folder)
    if kept.recipe is None or kept.recipe.name != recipe:
        found = f"recipe {kept.recipe.name}" if kept.recipe else "a log"
        raise SheetpropError(f"{folder}: holds a record of {found}, not of recipe {recipe}; give --force "
                             f"to begin anew, another -o, or --run {folder}")
    wanted = {"epochs": "epochs", "batch_size": "batch_size", "lr": "learning_rate", "seed": "seed"}
    changed = [name for name, field in wanted.items()
               if training.get(name) is not None and training[name] != getattr(kept.recipe, field)]
    if changed:
        raise SheetpropError(f"{folder}: was trained with another {changed[0]}; give --force to begin anew or another "
                             "-o")
    runs = int(training.get("runs") or 1)
    return len(kept.runs) >= runs and all(one.status == "finished" for one in kept.runs)


def _train(recipe: str, folder: Path, data: Any, listener: Any, *, force: bool, **training: Any) -> None:
    from sheetprop.mnist.training import train

    there = (folder / RECORD).exists() and not force
    given = {name: value for name, value in training.items() if value is not None}
    train(recipe, out=folder, data=data, resume=there, force=force, listener=listener, **given)

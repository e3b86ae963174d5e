"""Markdown tables made from run records, and their place in a document."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from sheetprop.errors import SheetpropError
from sheetprop.files import replacing
from sheetprop.mnist.record import RunRecord, read

BEGIN, END = "<!-- runs: begin, made by `sheetprop log --table` -->", "<!-- runs: end -->"


def runs_table(records: Sequence[RunRecord]) -> str:
    """Return one row for each record: recipe, parameters, teacher, epochs, accuracy with spread, time.

    The seconds of a run with a teacher stand there without the teacher's own and with them.
    """
    heads = ("recipe", "parameters", "teacher", "epochs", "runs", "last epoch, %", "best epoch, %",
             "shifted copies, %", "s a run", "on")
    lines = [f"| {' | '.join(heads)} |",
             "| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |"]
    for kept in records:
        s = kept.summary
        name = kept.recipe.name if kept.recipe else kept.log.file if kept.log else "?"
        count = kept.epochs_trained()
        epochs = "" if count is None else str(count)
        shifted = [r.shifted_score.accuracy for r in kept.runs if r.shifted_score and r.status == "finished"]
        env = kept.environment
        where = f"{env.device_name or env.processor}, {env.threads} thread{'s'[: env.threads != 1]}" if env else "log"
        lines.append(
            f"| {_cell(name)} | {kept.network.parameters if kept.network else 0:,} | {_teacher(kept)} | {epochs} | "
            f"{s.runs} | "
            f"{_spread(s.last_mean, s.last_sd)} | {_spread(s.best_mean, s.best_sd)} | "
            f"{f'{sum(shifted) / len(shifted):.2f}' if shifted else ''} | "
            f"{_seconds(kept)} | {_cell(where)} |"
        )
    return "\n".join(lines)


def _teacher(kept: RunRecord) -> str:
    if kept.teacher is None:
        return "none" if kept.kind == "trained" else ""
    last = f", {kept.teacher.last.accuracy:.2f} %" if kept.teacher.last else ""
    return f"{_cell(kept.teacher.recipe)}, {kept.teacher.parameters:,}{last}"


def _seconds(kept: RunRecord) -> str:
    mean = kept.summary.seconds_mean
    if mean is None:
        return ""
    if kept.teacher is None or kept.teacher.seconds is None:
        return f"{mean:.0f}"
    return f"{mean:.0f}; {mean + kept.teacher.seconds:.0f} with the teacher's"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def _spread(mean: float | None, sd: float | None) -> str:
    if mean is None:
        return ""
    return f"{mean:.3f} ± {sd:.3f}" if sd is not None else f"{mean:.2f}"


def put_table(document: str | os.PathLike[str], records: Sequence[str | os.PathLike[str]]) -> str:
    """Replace what stands between the two marks in `document` by the table of the records; return the table.

    Raises:
        SheetpropError: the document or a mark is missing, or a record cannot be read.
    """
    path = Path(document)
    table = runs_table([read(r) for r in records])
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SheetpropError(f"{path}: cannot be read ({error.strerror})") from error
    start, stop = text.find(BEGIN), text.find(END)
    if not 0 <= start < stop:
        raise SheetpropError(f"{path}: lacks the marks {BEGIN!r} and {END!r}; write them where the table belongs")
    with replacing(path) as temporary:
        temporary.write_text(text[: start + len(BEGIN)] + "\n" + table + "\n" + text[stop:], encoding="utf-8")
    return table

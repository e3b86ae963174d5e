"""Reading a training log as people paste it, in the dialects that we have met, into a run record.

A log is read mark by mark: learning-rate lines, epoch lines, progress bars, test lines, in the
order in which they stand, wherever in a line they stand. A test line closes an epoch.
"""

from __future__ import annotations

import datetime
import hashlib
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from sheetprop.errors import SheetpropError
from sheetprop.mnist.layertable import read_table
from sheetprop.mnist.record import (
    Epoch,
    LogSource,
    Run,
    RunRecord,
    Score,
    Unread,
    choose,
    summarise,
)

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_SCORE = rf"Average\s+loss:\s*(?P<loss{{0}}>{_NUMBER}),?\s*Accuracy:\s*(?P<right{{0}}>\d+)\s*/\s*(?P<all{{0}}>\d+)" \
         rf"(?:\s*\((?P<share{{0}}>{_NUMBER})\s*%\))?"
_MARKS = re.compile(
    "|".join((
        rf"Adjusting\s+learning\s+rate\s+of\s+group\s+\d+\s+to\s+(?P<adjusted>{_NUMBER})",
        r"Train\s+(?:Data|set):\s*" + _SCORE.format("_train"),
        r"Test\s+Data:\s*" + _SCORE.format("_final"),
        r"(?:Epoch\s*[:=]?\s*(?P<inline>\d+)\s*[:,]?\s*)?Test\s+set:\s*" + _SCORE.format("_test"),
        r"best\s+(?:validation|test)[\s-]*accuracy\s*(?:is)?\s*[:=]?\s*(?P<best>\d+(?:\.\d+)?)\s*%",
        r"parameters?\s+used\s*[:=]?\s*(?P<parameters>\d[\d,]*)",
        rf"\bloss\s*=\s*(?P<bar>{_NUMBER}|nan|inf)(?P<rest>[^\r\n]*?(?:it/s|s/it)[^\]\r\n]*\]?|[^\r\n]*)",
        r"\bEpoch\s*[:=]?\s*(?P<epoch>\d+)\b",
    )),
    re.IGNORECASE,
)
_RATE = re.compile(rf"\bLR\s*[:=]\s*(?P<rate>{_NUMBER})", re.IGNORECASE)
_BATCH = re.compile(r"\bbatch_id\s*=\s*(?P<batch>\d+)", re.IGNORECASE)
_SHARE = re.compile(rf"\bAccuracy\s*=\s*(?P<share>{_NUMBER})", re.IGNORECASE)
_COUNT = re.compile(r"\b(?P<done>\d+)\s*/\s*(?P<all>\d+)\s*\[(?:(?P<hours>\d+):)?(?P<minutes>\d+):(?P<seconds>\d+)\s*<")
# What makes a line look as if it belonged to a log. Prose is passed over in silence.
_SMELL = re.compile(r"\bloss\s*[=:]|Average\s+loss|Accuracy\s*[:=]|batch_id|it/s\]|\bEpoch\s*[:=]?\s*\d"
                    r"|learning rate of group", re.IGNORECASE)


@dataclass
class _Pending:
    """What has been read since the last test line."""

    number: int | None = None
    rate: float | None = None
    bar: re.Match[str] | None = None
    loss: float | None = None
    share: float | None = None
    batches: int | None = None
    seconds: float | None = None


@dataclass
class _Reading:
    """A log on its way into a record."""

    epochs: list[Epoch] = field(default_factory=list)
    pending: _Pending = field(default_factory=_Pending)
    adjusted: float | None = None
    train: Score | None = None
    final: Score | None = None
    claims: dict[str, float] = field(default_factory=dict)
    unread: list[Unread] = field(default_factory=list)
    read: int = 0

    def complain(self, line: int, text: str, reason: str) -> None:
        self.unread.append(Unread(line=line, text=text.strip()[:200], reason=reason))


def log(source: str | os.PathLike[str]) -> RunRecord:
    """Read the training log in the file `source` into a record of kind ``log``.

    A Markdown file may hold the log among other things; a layer table in it is read too. Lines
    that look like figures but cannot be read, and figures that contradict each other, stand in
    ``record.log.unread`` with their line numbers.

    Raises:
        SheetpropError: no such file, or not one readable line of a log in it.
    """
    path = Path(source)
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise SheetpropError(f"{path}: there is no such file") from error
    except OSError as error:
        raise SheetpropError(f"{path}: cannot be read ({error.strerror})") from error
    text = content.decode("utf-8-sig", errors="replace")
    return parse(text, name=path.name, md5=hashlib.md5(content, usedforsecurity=False).hexdigest())


def parse(text: str, *, name: str = "log", md5: str = "") -> RunRecord:
    """Read the text of a log; see `log`."""
    reading = _Reading()
    lines = re.split(r"\r\n|\n", text)
    table, notes, used = read_table(lines, name)
    for number, line in enumerate(lines, 1):
        if number not in used:
            _line(reading, number, line)
    for number, reason in notes:
        reading.complain(number, lines[number - 1], reason)
    _leftover(reading)
    if not reading.epochs and not (reading.train or reading.final):
        raise SheetpropError(f"{name}: not one line of a training log could be read; expected lines such as "
                             "'Test set: Average loss: 0.0242, Accuracy: 9921/10000 (99.21%)'")
    reading.unread.sort(key=lambda u: u.line)
    best, last = choose(reading.epochs)
    timed = [e.seconds for e in reading.epochs if e.seconds is not None]
    run = Run(
        seed=None, status="log", epochs=reading.epochs, best=best, last=last, train_score=reading.train,
        test_score=reading.final, training_seconds=sum(timed) if timed else None,
    )
    if table and "parameters" in reading.claims and table.parameters != reading.claims["parameters"]:
        reading.complain(1, name, f"states {reading.claims['parameters']:.0f} parameters, its table {table.parameters}")
    return RunRecord(
        kind="log", created=datetime.datetime.now(datetime.UTC).replace(microsecond=0).isoformat(), network=table,
        runs=[run], summary=summarise([run]),
        log=LogSource(file=name, md5=md5, lines=len(lines), read=reading.read, unread=reading.unread,
                      claims=reading.claims),
    )


def _line(reading: _Reading, number: int, line: str) -> None:
    found = 0
    for part in line.split("\r"):  # a bar that was drawn over and over: the last drawing wins
        for mark in _MARKS.finditer(part):
            found += _take(reading, number, line, mark)
    if found:
        reading.read += 1
    elif _SMELL.search(line):
        reading.complain(number, line, "looks like a log line, but no figure could be read")


def _take(reading: _Reading, number: int, line: str, mark: re.Match[str]) -> int:
    """Use one mark; return 1, or 0 when it tells nothing."""
    got = mark.groupdict()
    pending = reading.pending
    if got["adjusted"] is not None:
        reading.adjusted = float(got["adjusted"])
    elif got["right_train"] is not None:
        reading.train = _score(reading, number, line, got, "_train")
    elif got["right_final"] is not None:
        reading.final = _score(reading, number, line, got, "_final")
    elif got["right_test"] is not None:
        if got["inline"]:
            pending.number = int(got["inline"])
        _close(reading, number, line, _score(reading, number, line, got, "_test"))
    elif got["best"] is not None:
        reading.claims["best_accuracy"] = float(got["best"])
    elif got["parameters"] is not None:
        reading.claims["parameters"] = float(got["parameters"].replace(",", ""))
    elif got["bar"] is not None:
        return _bar(reading, number, line, got["bar"], got["rest"])
    elif got["epoch"] is not None:
        if _prose(line):
            return 0
        pending.number = int(got["epoch"])
    return 1


def _prose(line: str) -> bool:
    """Tell an epoch line from a sentence that mentions an epoch."""
    return len(re.sub(r"[\s\W\d_]|epoch|of|test|set", "", line, flags=re.IGNORECASE)) > 12


def _bar(reading: _Reading, number: int, line: str, loss: str, rest: str) -> int:
    batch, count = _BATCH.search(rest), _COUNT.search(rest)
    if not batch and not count:
        return 0
    p = reading.pending
    p.loss = float(loss)
    if rate := _RATE.search(rest):
        p.rate = float(rate["rate"])
    if share := _SHARE.search(rest):
        p.share = float(share["share"])
    if count:
        p.batches = int(count["all"])
        p.seconds = int(count["hours"] or 0) * 3600.0 + int(count["minutes"]) * 60.0 + int(count["seconds"])
        if batch and int(count["done"]) == int(count["all"]) != int(batch["batch"]) + 1:
            reading.complain(number, line, f"batch_id {batch['batch']} does not go with {count['done']} of "
                                           f"{count['all']} batches")
    else:
        reading.complain(number, line, "the bar is mangled: loss read, number of batches and time not")
    return 1


def _score(reading: _Reading, number: int, line: str, got: dict[str, str | None], which: str) -> Score:
    right, total = int(got["right" + which] or 0), int(got["all" + which] or 0)
    accuracy = 100 * right / total if total else 0.0
    if not total or right > total:
        reading.complain(number, line, f"{right} of {total} cannot be right")
    share = got["share" + which]
    if share is not None:
        digits = len(share.partition(".")[2])
        if abs(accuracy - float(share)) > 0.5 * 10.0**-digits + 1e-9:
            reading.complain(number, line, f"{right}/{total} is {accuracy:.{digits}f}%, not {share}%")
    return Score(loss=float(got["loss" + which] or 0), correct=right, total=total, accuracy=accuracy)


def _close(reading: _Reading, number: int, line: str, score: Score | None) -> None:
    """End an epoch with its test line (or without one, at the end of the log)."""
    p = reading.pending
    previous = reading.epochs[-1].epoch if reading.epochs else 0
    epoch = p.number if p.number is not None else previous + 1
    if p.number is not None and reading.epochs and epoch != previous + 1:
        reading.complain(number, line, f"epoch {epoch} follows epoch {previous}")
    reading.epochs.append(Epoch(
        epoch=epoch, numbered=p.number is not None, learning_rate=p.rate if p.rate is not None else reading.adjusted,
        batches=p.batches, last_loss=p.loss, train_accuracy=p.share, seconds=p.seconds,
        test_loss=score.loss if score else None, test_correct=score.correct if score else None,
        test_total=score.total if score else None, test_accuracy=score.accuracy if score else None,
    ))
    reading.pending = _Pending()


def _leftover(reading: _Reading) -> None:
    if reading.pending.loss is not None:
        _close(reading, 0, "", None)

"""Reading training logs as people paste them into run records; how it is done is in `sheetprop.mnist.logs`."""

from __future__ import annotations

import datetime
import hashlib
import os
import re
import sys
from pathlib import Path

from sheetprop.errors import SheetpropError
from sheetprop.mnist.logs import judgement, leftover
from sheetprop.mnist.logs import source as texts
from sheetprop.mnist.logs.assembly import Assembly
from sheetprop.mnist.logs.assembly import runs as assembled
from sheetprop.mnist.logs.dialects import readers
from sheetprop.mnist.logs.found import Found, Reader
from sheetprop.mnist.logs.layers import tables
from sheetprop.mnist.logs.layertables import Table
from sheetprop.mnist.record import LogSource, RunRecord, summarise

STANDARD_INPUT = "-"
LONGEST = 5_000  # characters of a line; longer ones are lists of numbers, pictures, pages
TAKEN = "\0"  # stands where something was taken: no pattern runs across it
_BLANKS = re.compile(r"[ \t]{20,}")
_BAR = re.compile(r"(?P<label>[^|\]]*?)\s*\d+%\|[^|]*\|\s*\d+/(?P<all>\d+)\s*\[[^\]]*\]\s*")


def log(source: str | os.PathLike[str], *, run: int | None = None) -> RunRecord:
    """Read the training log in a file into a record of kind ``log``.

    The file is text in any usual encoding, Markdown that holds a log among other things, CSV, or
    a notebook, whose outputs are read. A layer table in it is read too. Several runs in one file
    are several runs of the record. Lines that look like figures but were not taken, and figures
    that contradict each other, stand in ``record.log.unread`` with their line numbers.

    Args:
        source: the file; ``-`` reads the standard input.
        run: which run of the file, from 1, stands for the record; None takes the last one that was tested.

    Raises:
        SheetpropError: no such file or run, or not one readable line of a log in it.
    """
    if str(source) == STANDARD_INPUT:
        name, content = "standard input", sys.stdin.buffer.read()
    else:
        path = Path(source)
        name = path.name
        try:
            content = path.read_bytes()
        except FileNotFoundError as error:
            raise SheetpropError(f"{path}: there is no such file") from error
        except OSError as error:
            raise SheetpropError(f"{path}: cannot be read ({error.strerror})") from error
    return parse(texts.decode(content), name=name, md5=hashlib.md5(content, usedforsecurity=False).hexdigest(), run=run)


def parse(text: str, *, name: str = "log", md5: str = "", run: int | None = None) -> RunRecord:
    """Read the text of a log; see `log`."""
    lines = texts.lines(text, name)
    found_tables = tables([line.text for line in lines], name)
    begins = {table.first - 1: table for table in found_tables}
    used = {number - 1 for table in found_tables for number in table.used}
    assembly, readers_, read = Assembly(), readers(), 0
    cell = None
    for place, line in enumerate(lines):
        if line.cell != cell:  # no table goes on in the output of another cell
            cell = line.cell
            for reader in readers_:
                list(reader.read(""))
        if place in begins:
            assembly.table(begins[place])
        if place not in used:
            read += _line(assembly, readers_, line)
    assembly.finish()
    for table in found_tables:
        for number, reason in table.notes:
            assembly.complain(lines[number - 1] if number else lines[table.first - 1], reason)
    return _record(assembly, found_tables, name=name, md5=md5, lines=len(lines), read=read, run=run)


def _line(assembly: Assembly, dialects: list[Reader], line: texts.Line) -> int:
    """Have each dialect take its part of a line; return 1 where somebody took something, else 0."""
    taken, rest, complaint = False, "", None
    if len(line.text) > LONGEST and len(max(line.text.split("\r"), key=len)) > LONGEST:
        assembly.complain(line, f"a line of {len(line.text):,} characters: only the first {LONGEST:,} were read")
    for whole in _drawings(line.text):
        part = whole[:LONGEST]
        rest, found = part, []
        for reader in dialects:
            got = list(reader.read(rest))
            found += got
            for one in got:
                rest = rest[: one.start] + TAKEN * (one.end - one.start) + rest[one.end :]
        found.sort(key=lambda one: one.start)
        for one in _numbered(found):
            assembly.take(one, line)
        taken = taken or any(one.kind != "aside" for one in found)
        complaint = leftover.untaken(rest, part)
    if complaint is not None and not (line.code and complaint.startswith("a figure")):
        assembly.complain(line, complaint)
    return int(taken)


def _drawings(text: str) -> list[str]:
    """Return the parts of a line that was drawn over and over; of one bar that only moved, the last drawing."""
    parts = [_BLANKS.sub(" " * 20, part) for part in text.split("\r") if part.strip()]
    marks = [_BAR.fullmatch(part) for part in parts]
    keys = [None if m is None else (re.sub(r"[\d.]+", "#", m["label"]), m["all"]) for m in marks]
    return [part for i, part in enumerate(parts) if keys[i] is None or i + 1 == len(parts) or keys[i] != keys[i + 1]]


def _numbered(found: list[Found]) -> list[Found]:
    """Give a number that stands beside a bar, or before a score, to that; behind a score it is the next epoch's."""
    kept: list[Found] = []
    waiting: Found | None = None
    figures = ("step", "train", "test", "row")
    for one in found:
        if one.kind == "epoch":
            last = next((k for k in reversed(kept) if k.kind in figures), None)
            if last is not None and last.kind in ("step", "train") and "number" not in last.values and waiting is None:
                last.values["number"] = one.values["number"]
            else:
                kept.append(one)
                waiting = one
        else:
            if one.kind in figures and waiting is not None and "number" not in one.values:
                one.values["number"] = waiting.values["number"]
            kept.append(one)
    return kept


def _record(assembly: Assembly, found_tables: list[Table], *, name: str, md5: str, lines: int, read: int,
            run: int | None) -> RunRecord:
    runs = assembled(assembly)
    notes: list[str] = []
    for place in reversed(judgement.copies(runs)):
        gone = runs.pop(place)
        notes.insert(0, f"line {gone.line}: {len(gone.epochs)} epoch{'s' if len(gone.epochs) > 1 else ''} shown again, "
                        "not counted twice")
    if not runs and not found_tables:
        stated = {c.name: c.value for c in assembly.claims}
        listed = ", ".join(f"{k.replace('_', ' ')} {v:g}" for k, v in stated.items())
        told = f"; it only states {listed}" if stated else ""
        raise SheetpropError(f"{name}: not one line of a training log could be read{told}; expected lines such as "
                             "'Test set: Average loss: 0.0242, Accuracy: 9921/10000 (99.21%)' or a layer table")
    if run is not None and not 1 <= run <= len(runs):
        there = "no run, only a layer table" if not runs else "one run" if len(runs) == 1 else f"runs 1 to {len(runs)}"
        raise SheetpropError(f"{name}: run {run}: the log holds {there}")
    for claim, why in judgement.contradicted(assembly.claims, runs, found_tables):
        assembly.complain(claim.line, why)
    notes += judgement.impossible_losses(runs)
    kept = RunRecord(
        kind="log", created=datetime.datetime.now(datetime.UTC).replace(microsecond=0).isoformat(),
        evaluated_on="held-out" if assembly.held_out else "test", runs=runs, planned_runs=max(1, len(runs)),
        summary=summarise([]), notes=notes, chosen=run,
        log=LogSource(file=name, md5=md5, lines=lines, read=read, claims=_claims(assembly),
                      unread=sorted(assembly.unread, key=lambda u: (u.cell or 0, u.line))))
    _networks(kept, found_tables)
    main = kept.main_run()
    kept.summary = summarise([main] if main is not None else [])
    return kept


def _networks(kept: RunRecord, found: list[Table]) -> None:
    """Put the network where it belongs: into the record where there is one, else into each run."""
    if len(found) == 1:
        kept.network = found[0].network
        for run in kept.runs:
            run.network = None
        return
    main = kept.main_run()
    kept.network = main.network if main is not None else found[-1].network if found else None


def _claims(assembly: Assembly) -> dict[str, float]:
    claims: dict[str, float] = {}
    for claim in assembly.claims:
        known = claims.get(claim.name)
        larger = known is not None and claim.name.endswith("accuracy") and claim.value > known
        if known is None or larger:
            claims[claim.name] = claim.value
    if len({value for value, _ in assembly.rates}) == 1 and assembly.setting_only():
        claims.setdefault("learning_rate", assembly.rates[0][0])
    return claims

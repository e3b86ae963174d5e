"""The whole report as plain data: what all three formats are made from."""

from __future__ import annotations

import datetime
import os
import platform
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sheetprop
from sheetprop.errors import SheetpropError
from sheetprop.network.notation import shortest
from sheetprop.reporting import auditpart, mnistwords
from sheetprop.reporting.auditpart import Audited
from sheetprop.reporting.backprop import Backprop
from sheetprop.reporting.mnistpart import Mnist
from sheetprop.reporting.words import listed, many, number

# So many audited files are named in commands; more are a folder.
_AUDITS = 3


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
        notices: what the audit found, for the first page.
        facts: the key numbers.
        commands: what reproduces the report.
        backprop, mnist: the two halves.
        audits: other people's workbooks; of halves and audits at least one is there.
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
    notices: tuple[str, ...]
    facts: tuple[Fact, ...]
    commands: tuple[str, ...]
    backprop: Backprop | None
    mnist: Mnist | None
    audits: tuple[Audited, ...]
    limits: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]
    sources: tuple[Source, ...]
    version: str = sheetprop.__version__

    @property
    def installation(self) -> tuple[str, ...]:
        """The commands that install sheetprop from its source, as its README says."""
        return (f"# in the folder of the source of sheetprop {self.version}",
                "python3 -m venv .venv && . .venv/bin/activate && pip install -c constraints.txt .")

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.alarms

    @property
    def parts(self) -> int:
        """Number of parts."""
        return (self.backprop is not None) + (self.mnist is not None) + bool(self.audits)

    @property
    def verification(self) -> Any:
        """The verification of the workbook, or None."""
        return self.backprop.verification if self.backprop else None


def make(
    part1: Backprop | None, part2: Mnist | None, audits: tuple[Audited, ...] = (), *, title: str | None = None,
    author: str | None = None, date: str | None = None,
) -> Context:
    """Return the context of a report.

    Args:
        part1, part2: the halves; each may be missing.
        audits: other people's workbooks.
        title, author: as they shall stand on the first page.
        date: ISO 8601, such as 2026-11-21; without it SOURCE_DATE_EPOCH, else the day of the record, else none.
    """
    return Context(
        title=title or _title(part1, part2, audits), author=author or "", date=_date(date, part2),
        claim=_claim(part1, part2, audits), alarms=(*_alarms(part1, part2), *auditpart.alarms(audits)),
        missing=tuple(_missing(part1, part2)) if part1 or part2 else (), notices=tuple(auditpart.notices(audits)),
        facts=tuple(_facts(part1, part2, audits)), commands=tuple(_commands(part1, part2, audits)), backprop=part1,
        mnist=part2, audits=audits, limits=tuple(_limits(part1, part2, audits)),
        environment=tuple(_environment(part2)), sources=tuple(_sources(part1, part2, audits)))


def _title(part1: Backprop | None, part2: Mnist | None, audits: Sequence[Audited]) -> str:
    if part1 is None and part2 is None:
        return f"Audit of {audits[0].file}" if len(audits) == 1 else f"Audit of {many(len(audits), 'workbook')}"
    if part1 is None:
        return "A small network on MNIST"
    return "Back-propagation, cell by cell" + (", and a small network on MNIST" if part2 else "")


def checked_date(given: str | None) -> str | None:
    """Return a date as ISO 8601, or None for none.

    Raises:
        SheetpropError: it is no date.
    """
    if not given:
        return None
    try:
        return datetime.date.fromisoformat(given[:10]).isoformat()
    except ValueError:
        raise SheetpropError(f"--date {given!r}: is no date; write it like 2026-11-21") from None


def _date(given: str | None, part2: Mnist | None) -> str:
    if date := checked_date(given):
        return date
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    if epoch.isdecimal():
        return datetime.datetime.fromtimestamp(int(epoch), datetime.UTC).date().isoformat()
    return part2.record.created[:10] if part2 else ""


def _claim(part1: Backprop | None, part2: Mnist | None, audits: Sequence[Audited]) -> str:
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
        sentences.append(mnistwords.claim(part2))
    return " ".join([*sentences, *filter(None, [auditpart.claim(audits)])])


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


def _facts(part1: Backprop | None, part2: Mnist | None, audits: Sequence[Audited]) -> list[Fact]:
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
        facts += [Fact(*one) for one in mnistwords.facts(part2)]
    if audits:
        found, checked = sum(len(one.findings) for one in audits), sum(one.checked for one in audits)
        facts.append(Fact(f"{found:,}", "mistake found by the audit" if found == 1 else "mistakes found by the audit",
                          f"{many(checked, 'gradient column')} in {many(len(audits), 'workbook')}"))
    return facts


def build_command(part1: Backprop) -> str:
    """Return the command that builds the workbook again."""
    network, spec = part1.spec.network, part1.spec
    rates = ",".join(shortest(rate) for rate in spec.learning_rates)
    parts = ["sheetprop build"]
    if part1.preset:
        parts.append(f"--preset {part1.preset}")
    else:
        def joined(values: tuple[float, ...]) -> str:
            return ",".join(shortest(value) for value in values)

        parts.append(f"--layers {network.shape} --activation {','.join(network.activations)}")
        # A long list belongs into a spec file; the values stand in the sheet Parameters.
        if len(network.weights) <= 40:
            parts.append(f"--inputs={joined(network.inputs)} --targets={joined(network.targets)}")
            parts.append(f"--weights={joined(network.weights)}")
            parts.append(f"--biases={joined(network.biases)}" if network.bias else "--no-bias")
            if not network.learn_bias:
                parts.append("--no-learn-bias")
        else:
            parts.append("--spec FILE.toml")
    if len(spec.learning_rates) <= 12:
        parts.append(f"--lrs={rates}" if rates.startswith("-") else f"--lrs {rates}")
    else:
        parts.append("--lrs RATES")
    parts.append(f"--iterations {spec.iterations}")
    return " ".join(parts)


def _commands(part1: Backprop | None, part2: Mnist | None, audits: Sequence[Audited]) -> list[str]:
    commands = []
    if part1 is not None:
        commands += [f"{build_command(part1)} -o {part1.file}", f"sheetprop verify {part1.file}"]
    if part2 is not None:
        commands += mnistwords.commands(part2)
    commands += [f"sheetprop audit {shlex.quote(one.file)}" for one in audits[:_AUDITS]]
    place = [f"--run {mnistwords.record_place(part2)}"] if part2 else []
    halves = ([f"--workbook {part1.file}"] if part1 else []) + place
    halves += [f"--audit {shlex.quote(one.file)}" for one in audits] if len(audits) <= _AUDITS else ["--audit FOLDER"]
    return [*commands, f"sheetprop report {' '.join(halves)}"]


def _limits(part1: Backprop | None, part2: Mnist | None, audits: Sequence[Audited]) -> list[str]:
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
        limits += mnistwords.limits(part2)
    if audits:
        limits.append("The audit tells roles by what the formulas do and by labels; a sheet without a finding may "
                      "still be wrong where the audit could not place it, as its notes say.")
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


def _sources(part1: Backprop | None, part2: Mnist | None, audits: Sequence[Audited]) -> list[Source]:
    sources = []
    if part1 is not None:
        sources.append(Source(part1.file, "workbook", part1.bytes, part1.sha256))
    if part2 is not None:
        sources.append(Source(part2.file, "run record", part2.bytes, part2.sha256))
    return sources + [Source(one.file, "audited workbook", one.bytes, one.sha256) for one in audits if one.sha256]

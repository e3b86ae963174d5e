"""From what dialects found to runs and epochs.

An epoch is one pass: it has a number (the log's own, or ours where the log has none), figures of
the training, then of a test. It ends where something comes that must belong to another one. A run
ends where the numbers start again or a new layer table begins.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from sheetprop.mnist.logs.found import Found, Kind, Share
from sheetprop.mnist.logs.layertables import Table
from sheetprop.mnist.logs.names import fraction
from sheetprop.mnist.logs.source import Line
from sheetprop.mnist.record import Epoch, Run, Score, Unread, choose

_OWN = ("learning_rate", "batches", "last_loss", "train_loss", "train_accuracy", "test_loss", "test_correct",
        "test_total", "test_accuracy", "seconds", "test_seconds")
_TESTED = ("test_loss", "test_accuracy", "test_correct")


@dataclass
class _Draft:
    """An epoch on its way."""

    line: Line
    number: int | None = None
    values: dict[str, float] = field(default_factory=dict)
    shares: dict[str, Share] = field(default_factory=dict)
    rate: float | None = None  # what held when the epoch began
    stepped: bool = False  # training figures have been seen
    whole: bool = False  # ... of all of its steps
    tested: bool = False
    hint: int | None = None  # the number that a scheduler gave it
    late: bool = False  # its training figures came after its test

    @property
    def empty(self) -> bool:
        """Whether nothing but a number or a rate is known."""
        return not self.stepped and not self.tested


@dataclass
class _RunDraft:
    """A run on its way."""

    line: int
    epochs: list[_Draft] = field(default_factory=list)
    train: tuple[dict[str, float], dict[str, Share]] = field(default_factory=lambda: ({}, {}))
    final: tuple[dict[str, float], dict[str, Share]] = field(default_factory=lambda: ({}, {}))
    seconds: float | None = None
    seed: int | None = None
    table: Table | None = None


@dataclass(frozen=True)
class Claim:
    """A figure that the text states, with the decimals that it states."""

    name: str
    value: float
    digits: int
    line: Line


class Assembly:
    """Takes what was found, in order, and gives runs."""

    def __init__(self) -> None:
        """Begin with nothing read."""
        self.runs: list[_RunDraft] = []
        self.draft: _Draft | None = None
        self.again: Found | None = None  # an epoch's number that was told twice: perhaps a run of its own begins
        self.held: dict[str, float] = {}  # a rate told before its epoch
        self.sticky: float | None = None
        self.hint: int | None = None
        self.rate_after: bool | None = None
        self.rates: list[tuple[float, Line]] = []
        self.told_rate = False
        self.pending_table: Table | None = None
        self.pending_seed: int | None = None
        self.start_new = False
        self.claims: list[Claim] = []
        self.unread: list[Unread] = []
        self.held_out = False

    # What comes in

    def complain(self, line: Line, reason: str) -> None:
        """Name a line."""
        self.unread.append(Unread(line=line.number, cell=line.cell, text=line.text.strip()[:200], reason=reason))

    def table(self, table: Table) -> None:
        """A layer table begins: what follows is another run, if one is there."""
        self._close()
        self.pending_table = table
        self.start_new = True

    def take(self, found: Found, line: Line) -> None:
        """Take one finding."""
        for note in found.notes:
            self.complain(line, note)
        if "held" in found.values:
            self.held_out = True
        match found.kind:
            case "aside":
                pass
            case "run":
                self._close()
                self.start_new, self.pending_seed = True, int(found.values["seed"])
            case "claim":
                digits = int(found.values.get("digits", 0))
                self.claims += [Claim(n, v, digits, line) for n, v in found.values.items() if n != "digits"]
            case "rate":
                self._rate(found, line)
            case "epoch":
                self._number(int(found.values["number"]), line)
            case "final":
                draft = self.draft
                if draft is not None and not draft.tested and (draft.number is not None or draft.stepped):
                    # `Test Data: ...` behind an epoch that has no test yet is that epoch's.
                    side = "test" if any(n.startswith("test") for n in (*found.values, *found.shares)) else "train"
                    if side == "test" or any(n.startswith("train") for n in found.values):
                        kind: Kind = "test" if side == "test" else "train"
                        self._figures(Found(kind, 0, 0, found.values, found.shares), line)
                        return
                self._final(found, line)
            case _:
                self._figures(found, line)

    def finish(self) -> None:
        """Close what is open."""
        self._close()
        if self.setting_only():
            for run in self.runs:
                for draft in run.epochs:
                    if draft.rate == self.rates[0][0]:
                        draft.rate = None

    def setting_only(self) -> bool:
        """Tell whether the one learning rate that is told stands before a log of several epochs: a setting, then."""
        epochs = sum(len(run.epochs) for run in self.runs)
        return len(self.rates) == 1 and epochs != 1 and self.rate_after is False

    # Epochs

    def _open(self, line: Line, number: int | None = None) -> _Draft:
        self._close()
        self.draft = _Draft(line, number, rate=self.held.pop("learning_rate", self.sticky), hint=self.hint)
        self.hint = None
        return self.draft

    def _number(self, number: int, line: Line) -> None:
        draft = self.draft
        if draft is None or (draft.tested and draft.number != number):
            self._open(line, number)
        elif draft.number is None:
            draft.number = number
        elif draft.number == number:
            self.again = Found("epoch", 0, 0, {"number": number}) if draft.tested else None
        elif draft.empty:
            draft.number, draft.line = number, line
        else:
            self._open(line, number)

    def _rate(self, found: Found, line: Line) -> None:
        value = found.values["learning_rate"]
        draft = self.draft
        self.told_rate = True
        if "next" in found.values:  # a scheduler speaks of the steps that follow
            self.sticky = value
            self.hint = int(found.values["hint"]) if "hint" in found.values else None
            if draft is not None and draft.empty:
                draft.hint = self.hint
            if draft is not None and draft.empty:
                draft.rate = value
            return
        self.rates.append((value, line))
        if self.rate_after is None:
            self.rate_after = draft is not None and not draft.empty
        if draft is not None and (not draft.tested or (self.rate_after and draft.rate is None)):
            draft.rate = value
        else:
            self.held["learning_rate"] = value

    def _figures(self, found: Found, line: Line) -> None:
        values, shares = dict(found.values), dict(found.shares)
        number = int(values.pop("number")) if "number" in values else None
        values.pop("of", None)
        partial = bool(values.pop("partial", 0))
        done = values.pop("done", None)
        draft = self._epoch_for(found, line, number, values, done)
        tells_test = any(n in values or n in shares for n in _TESTED)
        tells_train = found.kind in ("step", "train", "row")
        if done is not None and draft.tested and tells_train and not tells_test:
            values.pop("seconds", None)
        for name in ("train_loss", "last_loss"):
            # The same figure of the same epoch, told again as another number, is one of single batches.
            if name == "train_loss" and name in values and name in draft.values and draft.values[name] != values[name] \
                    and found.kind == "row" and not tells_test:
                values["last_loss"] = values.pop(name)
                draft.values.pop(name)
        if tells_train and draft.tested and not tells_test and found.kind == "train":
            draft.late = True
        draft.values |= values
        for name, share in shares.items():
            if name.removeprefix("test_") != name:
                draft.values.pop(name, None)
            draft.shares[name] = share
        draft.stepped = draft.stepped or tells_train
        draft.whole = draft.whole or (not partial and (done is None or done == values.get("batches")))
        draft.tested = draft.tested or tells_test

    def _epoch_for(self, found: Found, line: Line, number: int | None, values: dict[str, float],
                   done: float | None) -> _Draft:
        """Return the epoch that figures belong to: the open one, or a new one."""
        draft = self.draft
        again, self.again = self.again, None
        if draft is None:
            return self._open(line, number)
        if again is not None:
            return self._open(line, int(again.values["number"]))
        if number is not None and draft.number is not None and number != draft.number:
            if found.kind == "test" and not draft.tested and draft.stepped:
                self.complain(line, f"the test line says epoch {number}, the lines before it epoch {draft.number}")
                draft.number = number
                return draft
            return self._open(line, number)
        tells_test = found.kind == "test" or any(n in values for n in _TESTED)
        if number is not None and draft.number == number:
            if found.kind == "row" and draft.whole and draft.tested and tells_test and _differ(draft, found):
                return self._open(line, number)
            return draft
        if found.kind == "step" and (draft.tested or self._bar_again(draft, values, done)):
            return self._open(line, number)
        if found.kind == "test" and draft.tested and any(
                _clash(draft, found, n) for n in (*values, *found.shares) if n in _TESTED):
            return self._open(line, number)
        if found.kind == "train" and draft.stepped and draft.tested and any(
                n in draft.values or n in draft.shares for n in (*values, *found.shares)):
            return self._open(line, number)
        if found.kind == "row" and _differ(draft, found) and (
                draft.tested or (draft.whole and draft.number is None and "batches" not in values)):
            return self._open(line, number)
        if number is not None and draft.number is None:
            if draft.tested:
                return self._open(line, number)
            draft.number = number
        return draft

    def _bar_again(self, draft: _Draft, values: dict[str, float], done: float | None) -> bool:
        """Tell whether a bar is another than the full one before it, so that an epoch without a test ended."""
        if done is None or not draft.whole or draft.number is not None or "batches" not in draft.values:
            return False
        same = draft.values["batches"] == values.get("batches")
        return same and (done < values["batches"] or ("last_loss" in values
                                                      and draft.values.get("last_loss") != values["last_loss"]))

    def _final(self, found: Found, line: Line) -> None:
        values, shares = dict(found.values), dict(found.shares)
        self._close()
        if not self.runs:
            self._begin(line.number)
        run = self.runs[-1]
        run.seconds = values.pop("seconds", run.seconds)
        for draft, side in ((run.train, "train"), (run.final, "test")):
            draft[0].update({k.removeprefix(side + "_"): v for k, v in values.items() if k.startswith(side)})
            draft[1].update({k.removeprefix(side + "_"): v for k, v in shares.items() if k.startswith(side)})

    # Runs

    def _begin(self, line: int) -> _RunDraft:
        run = _RunDraft(line, table=self.pending_table, seed=self.pending_seed)
        if self.pending_table is not None:
            run.line = min(line, self.pending_table.first)
        self.pending_table = self.pending_seed = None
        self.start_new = False
        self.runs.append(run)
        return run

    def _close(self) -> None:
        """End the open epoch; put it into its run."""
        draft, self.draft = self.draft, None
        self.again = None
        if draft is None:
            return
        if draft.empty:
            if draft.rate is not None:
                self.held.setdefault("learning_rate", draft.rate)
            return
        if draft.number is None and not draft.shares and not any(
                "loss" in name or "accuracy" in name for name in draft.values):
            return  # a bar of something else, a download as it may be
        run = self.runs[-1] if self.runs else None
        if run is None or self.start_new or _starts_again(run, draft):
            run = self._begin(draft.line.number)
        previous = _numbers(run)[-1] if run.epochs else None
        if draft.number is not None and previous is not None and draft.number > previous + 1:
            self.complain(draft.line, f"epoch {draft.number} follows epoch {previous}")
        run.epochs.append(draft)


def _starts_again(run: _RunDraft, draft: _Draft) -> bool:
    if not run.epochs:
        return False
    if draft.number is not None:
        return draft.number <= _numbers(run)[-1]
    before, now = run.epochs[-1].values.get("batches"), draft.values.get("batches")
    return before is not None and now is not None and before != now


def _clash(draft: _Draft, found: Found, name: str) -> bool:
    """Tell whether a figure is known already, and another; the same accuracy told in two ways is none."""
    mine = draft.shares[name].value if name in draft.shares else draft.values.get(name)
    told = found.shares[name].value if name in found.shares else found.values.get(name)
    if mine is None or told is None:
        return False
    if not name.endswith("accuracy"):
        return mine != told
    told_again = isinstance(draft.shares.get(name), Share) != (name in found.shares)
    return not (told_again and min(abs(mine - told), abs(100 * mine - told), abs(mine - 100 * told)) < 0.051)


def _differ(draft: _Draft, found: Found) -> bool:
    """Tell whether a row has other figures than the epoch has, so that it is no second drawing of it."""
    mine: dict[str, float | str] = {**draft.values, **{k: s.text for k, s in draft.shares.items()}}
    told: dict[str, float | str] = {**{k: v for k, v in found.values.items() if k.startswith("test")},
            **{k: s.text for k, s in found.shares.items() if k.startswith("test")}}
    return any(k in mine and mine[k] != v for k, v in told.items())


def _numbers(run: _RunDraft) -> list[int]:
    """Return the number of each epoch: its own, or one more than the one before."""
    found: list[int] = []
    for draft in run.epochs:
        found.append(draft.number if draft.number is not None else found[-1] + 1 if found else 1)
    return found


def runs(assembly: Assembly) -> list[Run]:
    """Return the finished runs of what was assembled."""
    found = []
    for draft in assembly.runs:
        if not draft.epochs and not draft.final[0] and not draft.final[1] and not draft.train[0]:
            continue
        _late_scores(draft)
        _hinted(draft)
        for extra in _last_test(draft):
            assembly.complain(extra.line, "a further test without an epoch, after the last one: not taken")
        scales = {side: _fractions(draft, f"{side}_accuracy") for side in ("train", "test")}
        numbers = _numbers(draft)
        epochs = [_epoch(d, n, scales) for d, n in zip(draft.epochs, numbers, strict=True)]
        best, last = choose(epochs)
        timed = [e.seconds for e in epochs if e.seconds is not None]
        found.append(Run(
            seed=draft.seed, status="log", epochs=epochs, best=best, last=last, line=draft.line,
            network=draft.table.network if draft.table else None,
            train_score=_score(*draft.train, fractions=scales["train"]),
            test_score=_score(*draft.final, fractions=scales["test"]),
            training_seconds=sum(timed) if timed else draft.seconds))
    return found


def _late_scores(run: _RunDraft) -> None:
    """A training score that stands behind the last test and nowhere else is the whole run's, not that epoch's."""
    late = [d for d in run.epochs if d.late]
    if len(late) == 1 and late[0] is run.epochs[-1] and len(run.epochs) > 1 and not run.train[0]:
        for name in ("train_loss", "train_correct", "train_total", "train_accuracy"):
            if name in late[0].values:
                run.train[0][name.removeprefix("train_")] = late[0].values.pop(name)
        if "train_accuracy" in late[0].shares:
            run.train[1]["accuracy"] = late[0].shares.pop("train_accuracy")


def _last_test(run: _RunDraft) -> list[_Draft]:
    """A test without a number behind epochs that are numbered is the whole run's; return those that are too many."""
    count = len(run.epochs)
    while count and run.epochs[count - 1].number is None and not run.epochs[count - 1].stepped:
        count -= 1
    behind = run.epochs[count:]
    if not count or not behind or any(d.number is None for d in run.epochs[:count]) or run.final[0] or run.final[1]:
        return []
    del run.epochs[count:]
    last = behind.pop()
    run.final[0].update({k.removeprefix("test_"): v for k, v in last.values.items() if k.startswith("test")})
    run.final[1].update({k.removeprefix("test_"): v for k, v in last.shares.items() if k.startswith("test")})
    return behind


def _hinted(run: _RunDraft) -> None:
    """Take the numbers that a scheduler gave, where the log has no others and they count one by one."""
    hints = [d.hint for d in run.epochs if d.hint is not None]
    if hints and len(hints) == len(run.epochs) and all(d.number is None for d in run.epochs) and \
            hints == list(range(hints[0], hints[0] + len(hints))):
        for draft in run.epochs:
            draft.number = draft.hint


def _fractions(run: _RunDraft, name: str) -> bool:
    """Tell whether accuracies without a sign are parts of one: none of them is more than 1."""
    told = [d.shares[name] for d in run.epochs if name in d.shares]
    final = run.final if name.startswith("test") else run.train
    told += [final[1]["accuracy"]] if "accuracy" in final[1] else []
    values = [s.value for s in told if not s.percent]
    return bool(values) and max(values) <= 1.0


def _epoch(draft: _Draft, number: int, scales: dict[str, bool]) -> Epoch:
    told: dict[str, float | int | None] = {n: draft.values.get(n) for n in _OWN}
    for side in ("train", "test"):
        name = f"{side}_accuracy"
        if name in draft.shares:
            told[name] = fraction(draft.shares[name], fractions=scales[side])
    if told["learning_rate"] is None:
        told["learning_rate"] = draft.rate
    for name in ("batches", "test_correct", "test_total"):
        if told[name] is not None:
            told[name] = int(told[name] or 0)
    for name in ("last_loss", "train_loss", "test_loss"):
        value = told[name]
        if value is not None and not math.isfinite(value):
            told[name] = None  # JSON has no word for it
    return Epoch.model_validate({"epoch": number, "numbered": draft.number is not None, **told})


def _score(values: dict[str, float], shares: dict[str, Share], *, fractions: bool) -> Score | None:
    accuracy = values.get("accuracy")
    if "accuracy" in shares:
        accuracy = fraction(shares["accuracy"], fractions=fractions or shares["accuracy"].value <= 1)
    if accuracy is None:
        return None
    correct, total = values.get("correct"), values.get("total")
    return Score(loss=values.get("loss"), correct=None if correct is None else int(correct),
                 total=None if total is None else int(total), accuracy=accuracy)

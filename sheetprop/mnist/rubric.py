"""Does a run meet what graders ask for? Pass or fail for each requirement, from the record alone."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sheetprop.errors import SheetpropError
from sheetprop.mnist.record import EpochCount, NetworkTable, Run, RunRecord, Summary, read, summarise

DEFAULT = "99.4-20k-20"
_SHORT = re.compile(r"(?P<accuracy>\d+(?:\.\d+)?)-(?P<parameters>\d+(?:\.\d+)?)(?P<thousand>k?)-(?P<epochs>\d+)")


class Rules(BaseModel):
    """The requirements; those that are None or false are not asked for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    accuracy: float | None = Field(default=None, ge=0, le=100, description="at least, percent of the test images")
    judged: Literal["last", "best"] = Field(default="last", description="which epoch's accuracy counts")
    parameters_under: int | None = Field(default=None, gt=0)
    parameters_at_least: int | None = Field(default=None, ge=0)
    parameters_at_most: int | None = Field(default=None, gt=0)
    epochs_under: int | None = Field(default=None, gt=0)
    epochs_exactly: int | None = Field(default=None, gt=0)
    batch_size: int | None = Field(default=None, gt=0)
    dropout_value: float | None = Field(default=None, ge=0, lt=1, description="of every dropout layer")
    rotation: float | None = Field(default=None, ge=0, description="degrees of random rotation")
    batch_normalisation: bool = False
    dropout: bool = False
    linear_or_pooling: bool = Field(default=False, description="a fully connected layer or global average pooling")


@dataclass(frozen=True)
class Verdict:
    """One requirement: what was asked, what was found; `passed` is None when the record does not tell."""

    requirement: str
    found: str
    passed: bool | None


def rules(text: str | os.PathLike[str] = DEFAULT) -> Rules:
    """Return rules from a short form such as ``99.4-20k-20``, or from a TOML file.

    The short form means: at least 99.4 % at the last epoch, under 20,000 parameters, under 20
    epochs, with batch normalisation, dropout, and a linear layer or global average pooling. A
    TOML file has the fields of `Rules`.

    Raises:
        SheetpropError: neither a short form nor a readable file with known fields.
    """
    if short := _SHORT.fullmatch(str(text)):
        parameters = float(short["parameters"]) * (1000 if short["thousand"] else 1)
        return Rules(
            accuracy=float(short["accuracy"]), parameters_under=round(parameters), epochs_under=int(short["epochs"]),
            batch_normalisation=True, dropout=True, linear_or_pooling=True,
        )
    path = Path(text)
    try:
        return Rules.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise SheetpropError(f"rules {str(text)!r}: neither a form such as {DEFAULT} nor a file; "
                             "give accuracy-parameters-epochs or a TOML file") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SheetpropError(f"{path}: cannot be read as TOML ({error})") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise SheetpropError(f"{path}: {where}: {first['msg']}; known are {', '.join(Rules.model_fields)}") from error


def rubric(
    record: RunRecord | str | os.PathLike[str], asked: Rules | str = DEFAULT, *, run: int | None = None
) -> list[Verdict]:
    """Return a verdict for each requirement.

    With several runs of a recipe the accuracy is the mean over them. Several runs of a log are
    attempts that differ, so each is judged by itself, and its number stands before the requirement.

    Args:
        record: a record, its file or its folder.
        asked: the rules.
        run: judge this run alone, from 1.

    Raises:
        SheetpropError: the record or the rules cannot be read, or there is no such run.
    """
    kept = record if isinstance(record, RunRecord) else read(record)
    want = asked if isinstance(asked, Rules) else rules(asked)
    if run is not None and not 1 <= run <= len(kept.runs):
        raise SheetpropError(f"run {run}: the record has {f'runs 1 to {len(kept.runs)}' if kept.runs else 'no runs'}")
    chosen = run if run is not None else kept.chosen
    if kept.kind != "log" or len(kept.runs) < 2 or chosen is not None:
        return _one(kept, want, kept.runs[chosen - 1] if chosen is not None else None)
    return [Verdict(f"run {number}: {v.requirement}", v.found, v.passed)
            for number, one in enumerate(kept.runs, 1) for v in _one(kept, want, one)]


def _one(kept: RunRecord, want: Rules, run: Run | None) -> list[Verdict]:
    """Judge one run, or what the record says as a whole."""
    if run is None:
        return [*_training(kept, want, kept.summary, kept.epochs_trained()), *_network(kept.main_network(), kept, want)]
    told = run.epochs_trained() if run.epochs else kept.epochs_trained() if kept.recipe else None
    shared = kept.network if all(r.network is None for r in kept.runs) else None
    return [*_training(kept, want, summarise([run]), told), *_network(run.network or shared, kept, want)]


def taught(kept: RunRecord) -> str:
    """Return what is to be said beside an accuracy that was reached with a teacher; nothing where there was none."""
    if kept.teacher is None:
        return ""
    last = f", itself {kept.teacher.last.accuracy:.2f} %" if kept.teacher.last else ""
    return f"; learned from a teacher of {kept.teacher.parameters:,} parameters{last}"


def _training(kept: RunRecord, want: Rules, s: Summary, epochs: EpochCount | None) -> list[Verdict]:
    found: list[Verdict] = []
    if want.accuracy is not None:
        value = s.last_mean if want.judged == "last" else s.best_mean
        spread = f", mean of {s.runs} runs" if s.runs > 1 else ""
        where = "test set" if kept.evaluated_on == "test" else "held-out images, not the test set"
        text = "no finished run" if value is None else \
            f"{value:.2f} % ({want.judged} epoch{spread}, {where}{taught(kept)})"
        passed = None if value is None or kept.evaluated_on != "test" else value >= want.accuracy - 1e-9
        found.append(Verdict(f"accuracy of the {want.judged} epoch at least {want.accuracy:g} %", text, passed))
    if want.epochs_under is not None:
        limit = want.epochs_under
        found.append(_epochs(f"fewer than {limit} epochs", epochs, lambda v: v < limit))
    if want.epochs_exactly is not None:
        exact = want.epochs_exactly
        found.append(_epochs(f"exactly {exact} epochs", epochs, lambda v: v == exact))
    if want.batch_size is not None:
        claimed = kept.log.claims.get("batch_size") if kept.log else None
        size = kept.recipe.batch_size if kept.recipe else int(claimed) if claimed is not None else None
        remark = "" if kept.recipe else " (as the text says)"
        found.append(_compare(f"batch size {want.batch_size}", size, lambda v: v == want.batch_size, remark))
    if want.rotation is not None:
        turn = None if kept.recipe is None else kept.recipe.augmentation.degrees if kept.recipe.augmentation else 0.0
        found.append(_compare(f"rotation of {want.rotation:g} degrees", turn, lambda v: v == want.rotation))
    if kept.teacher is not None:
        found.append(Verdict("told: learning from a teacher", teacher_words(kept), True))
    return found


def teacher_words(kept: RunRecord) -> str:
    """Return what the loss of a run with a teacher is made of, and who the teacher is."""
    assert kept.teacher is not None
    teacher, how = kept.teacher, kept.recipe.distillation if kept.recipe else None
    parts = [f"recipe {teacher.recipe}, {teacher.parameters:,} parameters"]
    if teacher.last is not None:
        parts.append(f"{teacher.last.accuracy:.2f} % after epoch {teacher.last.epoch}")
    if teacher.seconds is not None:
        parts.append(f"trained in {teacher.seconds:.0f} s")
    loss = f"; {100 * how.share:g} % of the loss are its answers at temperature {how.temperature:g}" if how else ""
    return ", ".join(parts) + loss


def _epochs(requirement: str, epochs: EpochCount | None, test: Callable[[int], bool]) -> Verdict:
    if epochs is None:
        return Verdict(requirement, "not told", None)
    low, high = test(epochs.least), test(epochs.most)
    return Verdict(requirement, f"{epochs}{epochs.remark}", low if low == high else None)


def _network(net: NetworkTable | None, kept: RunRecord, want: Rules) -> list[Verdict]:
    found: list[Verdict] = []
    count: int | None = net.parameters if net else None
    remark = ""
    if count is None and kept.log and "parameters" in kept.log.claims:
        count, remark = int(kept.log.claims["parameters"]), " (as the text says; no layer table)"
    bounds = (("fewer than", want.parameters_under, lambda v, b: v < b),
              ("at least", want.parameters_at_least, lambda v, b: v >= b),
              ("at most", want.parameters_at_most, lambda v, b: v <= b))
    for words, bound, test in bounds:
        if bound is not None:
            found.append(_compare(f"{words} {bound:,} parameters", count, lambda v, b=bound, t=test: t(v, b), remark))
    types = [row.type for row in net.layers] if net else None
    kinds = (("batch normalisation", want.batch_normalisation, ("BatchNorm",)),
             ("dropout", want.dropout, ("Dropout",)),
             ("fully connected layer or global average pooling", want.linear_or_pooling, ("Linear", "AdaptiveAvgPool")))
    for words, asked, starts in kinds:
        if asked:
            has = None if types is None else [t for t in types if t.startswith(starts)]
            told = "none" if not has else f"{len(has)} layer{'s' if len(has) > 1 else ''}"
            text = "no layer table" if has is None else told
            found.append(Verdict(words, text, None if has is None else bool(has)))
    if want.dropout_value is not None:
        values = None if net is None else {r.probability for r in net.layers if r.type.startswith("Dropout")}
        known = None if values is None or None in values else values
        text = "not told" if known is None else ", ".join(f"{v:g}" for v in sorted(v for v in known if v is not None))
        found.append(Verdict(f"dropout of {want.dropout_value:g}", text or "none",
                             None if known is None else known == {want.dropout_value}))
    return found


def _compare(requirement: str, value: Any, test: Any, remark: str = "") -> Verdict:
    if value is None:
        return Verdict(requirement, "not told", None)
    told = f"{value:,}" if isinstance(value, int) else f"{value:g}"
    return Verdict(requirement, told + remark, bool(test(value)))

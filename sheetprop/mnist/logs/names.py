"""Names of figures as logs write them, and what they mean in a record."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from sheetprop.mnist.logs.found import NUMBER, Share

Side = Literal["train", "val", "test"]

_SIDES: dict[str, Side] = {
    **dict.fromkeys(("train", "training", "tr", "trn"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev", "heldout", "vld"), "val"),
    **dict.fromkeys(("test", "testing", "tst", "eval", "evaluation"), "test"),
}
_QUANTITIES = {
    **dict.fromkeys(("loss", "nll", "losses"), "loss"),
    **dict.fromkeys(("acc", "accuracy", "accu", "acc1", "top1", "accuracies"), "accuracy"),
    **dict.fromkeys(("lr", "lrs"), "rate"),
    **dict.fromkeys(("epoch", "ep"), "epoch"),
    **dict.fromkeys(("step", "iter", "iteration", "batch"), "batch"),
}
_FILLERS = {"avg", "average", "mean", "running", "sparse", "categorical", "multiclass", "binary", "current", "curr",
            "cur", "on", "set", "data", "images", "dataset", "the", "total", "final", "cross", "entropy", "score", "s",
            "model", "metric", "of", "overall", "initial", "new", "base", "group", "0"}
_SCOPES = {"epoch": "epoch", **dict.fromkeys(("step", "batch", "iter", "iteration"), "step")}
_BEST = {"best", "highest", "max", "maximum", "top", "peak"}


@dataclass(frozen=True)
class Metric:
    """What a name means."""

    quantity: Literal["loss", "accuracy", "rate", "epoch", "batch"]
    side: Side | None = None
    scope: Literal["epoch", "step"] | None = None
    best: bool = False


def metric(name: str) -> Metric | None:
    """Return what the name of a figure means, or None when we cannot tell; blanks, ``_``, ``-``, ``/`` part words."""
    words = [w for w in re.split(r"[\s_\-./]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.strip()).lower()) if w]
    if "learning" in words and "rate" in words:
        words = [w for w in words if w not in ("learning", "rate")] + ["lr"]
    quantity, side, scope, best = None, None, None, False
    kinds = [_QUANTITIES[w] for w in words if w in _QUANTITIES]
    for word in words:
        if word in _SIDES:
            if side not in (None, _SIDES[word]):
                return None
            side = _SIDES[word]
        elif word in _BEST:
            best = True
        elif word in _SCOPES and {"loss", "accuracy", "rate"} & set(kinds):
            scope = _SCOPES[word]
        elif word in _QUANTITIES:
            if quantity is not None:
                return None
            quantity = _QUANTITIES[word]
        elif word not in _FILLERS:
            return None
    if quantity is None:
        return None
    return Metric(quantity, side, scope, best)  # type: ignore[arg-type]


# A name, a sign between, a number: `Train Loss: 0.12`, `val_acc=98.1%`, `'loss': 0.2`, `lr = [0.01]`.
PAIR = re.compile(
    r"(?P<name>(?<![\w.])[A-Za-z][A-Za-z]*\d?(?:[ _\-./]+[A-Za-z]+\d?|[A-Z][a-z]+){0,4})(?P<quote>['\"]?)\s*(?:\*\*)?"
    r"\s*(?P<sign>[:=]{1,2}>?|->|=>)\s*(?:\*\*)?\s*(?P<open>['\"\[(]{0,2})\s*"
    rf"(?P<value>{NUMBER}|nan|inf)(?![\w.]*\w)(?:\s*/\s*(?P<all>\d+)(?:\s*[(\[]\s*(?P<share>{NUMBER})\s*%?\s*[)\]])?)?"
    r"\s*(?P<percent>%)?\s*['\"\])]{0,2}", re.IGNORECASE,
)
EPOCH = re.compile(
    r"(?<![\w])epoch(?P<plural>e?s)?\b\s*(?:no\.?|num(?:ber)?|nr\.?)?\s*['\"]?\s*[:=#>\-–—\[(\s]*\s*"
    r"(?P<number>\d+)(?![\w.]*\w)(?:\s*(?:/|of|out\s+of)\s*(?P<of>\d+))?\s*[\])]?", re.IGNORECASE,
)


def fraction(share: Share, *, fractions: bool) -> float:
    """Return the percent that `share` means; `fractions` says that numbers without a sign are parts of one."""
    from decimal import Decimal

    scale = 1 if share.percent or not fractions else 100
    return float(Decimal(share.text) * scale)

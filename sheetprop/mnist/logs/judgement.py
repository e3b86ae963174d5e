"""What runs of a log say about themselves that cannot be: claims, losses, copies."""

from __future__ import annotations

import math
from collections.abc import Sequence

from sheetprop.mnist.logs.assembly import Claim
from sheetprop.mnist.logs.layertables import Table
from sheetprop.mnist.record import Run


def contradicted(claims: Sequence[Claim], runs: Sequence[Run], tables: Sequence[Table]) -> list[tuple[Claim, str]]:
    """Return the claims that the log does not bear out, with what it shows instead."""
    found = []
    for claim in claims:
        what = _shown(claim, runs, tables)
        if what is not None:
            found.append((claim, what))
    return found


def _shown(claim: Claim, runs: Sequence[Run], tables: Sequence[Table]) -> str | None:
    if claim.name == "parameters":
        counts = [t.network.parameters for t in tables]
        if not counts or any(_same(c, claim) for c in counts):
            return None
        told = counts[0] if len(counts) == 1 else ", ".join(f"{c:,}" for c in counts)
        return f"states {claim.value:.0f} parameters, its table {told}"
    if claim.name == "epochs":
        most = max((run.epochs_trained().most for run in runs), default=0)
        return f"states {claim.value:.0f} epochs, the log has {most}" if 0 < most < claim.value else None
    if not claim.name.endswith("accuracy"):
        return None
    best = claim.name.startswith("best")
    trained = [e.train_accuracy for r in runs for e in r.epochs if e.train_accuracy is not None]
    tested = [e.test_accuracy for r in runs for e in r.epochs if e.test_accuracy is not None]
    ends = [s.accuracy for r in runs for s in (r.test_score, r.train_score) if s is not None]
    figures = trained if "train" in claim.name else [*tested, *ends] if best else [*tested, *trained, *ends]
    if not figures or any(_same(v, claim) for v in figures):
        return None
    what = ("best " if best else "") + ("training " if "train" in claim.name else "") + "accuracy"
    top = max(trained if "train" in claim.name else [*tested, *ends] or trained)
    told = f"the log shows at most {top:.2f} %" if claim.value > top else "no epoch of the log shows it"
    return f"states {what} {claim.value:.{max(claim.digits, 0)}f} %; {told}"


def _same(value: float, claim: Claim) -> bool:
    """Tell whether a figure, rounded or cut off as the claim is, is the claim's."""
    step = 10.0**-claim.digits
    return abs(value - claim.value) < step + 1e-9 if claim.digits else abs(value - claim.value) <= step / 2


def impossible_losses(runs: Sequence[Run]) -> list[str]:
    """Return a note for each run whose test losses are too small for its mistakes.

    A misread image gives the right digit at most the probability 1/2, so it adds at least ln 2 to
    the sum of the negative logarithms; the mean over all images cannot lie below the share of
    mistakes times ln 2. A loss that does was divided once too often, as a rule.
    """
    notes = []
    for number, run in enumerate(runs, 1):
        low = []
        for e in run.epochs:
            if e.test_loss is None or e.test_accuracy is None:
                continue
            half = 0.5 * 10.0 ** -max(1, len(f"{e.test_loss:g}".partition(".")[2]))
            if 0 <= e.test_loss + half < (1 - e.test_accuracy / 100) * math.log(2):
                low.append(e)
        if low:
            first = low[0]
            assert first.test_accuracy is not None
            at = f"run {number}: " if len(runs) > 1 else ""
            notes.append(
                f"{at}the test loss of {len(low)} epoch{'s' if len(low) > 1 else ''} is no mean over images: "
                f"{first.test_loss:g} at {first.test_accuracy:.2f} % (epoch {first.epoch}), where the mistakes alone "
                f"give {(1 - first.test_accuracy / 100) * math.log(2):.4f}; it was divided twice, it seems")
    return notes


def copies(runs: Sequence[Run]) -> list[int]:
    """Return the places, from 0, of runs that only show again what a longer run of the same log shows."""
    def key(run: Run) -> list[tuple[object, ...]]:
        return [(e.epoch, e.last_loss, e.train_loss, e.train_accuracy, e.test_loss, e.test_accuracy) for e in run.epochs
                if e.test_accuracy is not None or e.train_loss is not None or e.last_loss is not None]

    keys = [key(run) for run in runs]
    return [i for i, mine in enumerate(keys) if mine and runs[i].test_score is None and any(
        j != i and (len(other) > len(mine) or (len(other) == len(mine) and j > i)) and all(k in other for k in mine)
        for j, other in enumerate(keys))]

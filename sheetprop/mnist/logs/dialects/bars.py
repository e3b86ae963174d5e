"""tqdm's bars, with figures before or in them; Lightning's bars are tqdm's too.

    loss=0.0471 batch_id=468: 100%|██████████| 469/469 [00:14<00:00, 33.04it/s]
    Epoch 0: 100%|██████████| 469/469 [00:10<00:00, 45.1it/s, v_num=0, train_loss=0.08, val_acc=0.980]
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sheetprop.mnist.logs.found import Found, Share
from sheetprop.mnist.logs.names import EPOCH, PAIR, metric

ORDER = 50

_COUNT = re.compile(r"\b(?P<done>\d+)\s*/\s*(?P<all>\d+)\s*\[(?:(?P<hours>\d+):)?(?P<minutes>\d+):(?P<seconds>\d+)\s*<"
                    r"(?P<left>[^,\]\r\n]*),?(?P<post>[^\]\r\n]*)\]?")
_BATCH = re.compile(r"\bbatch[_ ]?(?:id|idx)?\s*=\s*(?P<batch>\d+)", re.IGNORECASE)
_LOSS = re.compile(r"\bloss\s*=\s*(?P<loss>[-+\d.eE]+|nan|inf)\b", re.IGNORECASE)
_TESTING = re.compile(r"(?:^|[\s\[(])(?:test(?:ing)?|val(?:id(?:ation|ating)?)?|eval(?:uat(?:ing|ion))?)\b"
                      r"[^\r\n]{0,30}$", re.IGNORECASE)
_QUIET = {"v_num"}


class Reader:
    """Needs no memory."""

    def read(self, text: str) -> Iterable[Found]:
        """Return the bars of a text; one whose count is mangled gives what can be read of it."""
        found, start = [], 0
        for count in _COUNT.finditer(text):
            found.append(_bar(text, start, count))
            start = count.end()
        if not found:
            batch, loss = _BATCH.search(text), _LOSS.search(text)
            if batch and loss and re.fullmatch(r"[-+]?[\d.]+(?:[eE][-+]?\d+)?|nan|inf", loss["loss"], re.IGNORECASE):
                values, shares, _ = _figures(text)
                end = max(batch.end(), len(text.rstrip()))
                found.append(Found("step", min(batch.start(), loss.start()), end, values, shares, (
                    "the bar is mangled: loss read, number of batches and time not",)))
        return found


def _bar(text: str, start: int, count: re.Match[str]) -> Found:
    before = text[start : count.start()]
    lead = len(before) - len(before.lstrip())
    done, total = int(count["done"]), int(count["all"])
    values, shares, strange = _figures(f"{before};{count['post']}")
    begin = start + lead
    if not done or not total:
        # An empty bar tells nothing; what stands before it may be another's.
        cut = re.search(r"\d*%?\s*\|?[^|]*\|?\s*$", before)
        return Found("aside", start + (cut.start() if cut else len(before)), count.end())
    label = re.sub(r"\d+%.*", "", before)
    if _TESTING.search(label.rstrip(" :")) and not set(values) & {"train_loss", "train_accuracy"}:
        if not shares and "last_loss" not in values and "test_loss" not in values:
            return Found("aside", begin, count.end())
        loss = values.get("test_loss", values.get("last_loss"))
        told = {"test_loss": loss} if loss is not None else {}
        if epoch := EPOCH.search(label):
            told["number"] = float(epoch["number"])
        share = next(iter(shares.values()), None)
        return Found("test", begin, count.end(), told, {} if share is None else {"test_accuracy": share})
    seconds = int(count["hours"] or 0) * 3600.0 + int(count["minutes"]) * 60.0 + int(count["seconds"])
    values |= {"batches": float(total), "done": float(done), "seconds": seconds}
    notes = []
    if (batch := _BATCH.search(before)) and done == total != int(batch["batch"]) + 1:
        notes.append(f"batch_id {batch['batch']} does not go with {done} of {total} batches")
    if strange:
        notes.append(f"not taken: {', '.join(strange)}")
    if done < total:  # Lightning goes on to show the last epoch's test figures in a bar that is not full
        values = {k: v for k, v in values.items() if k != "test_loss"}
        shares = {k: v for k, v in shares.items() if k != "test_accuracy"}
    if epoch := EPOCH.search(before):
        values["number"] = float(epoch["number"])
        if epoch["of"]:
            values["of"] = float(epoch["of"])
    tested = "test_loss" in values or "test_accuracy" in shares
    return Found("row" if tested else "step", begin, count.end(), values, shares, tuple(notes))


def _figures(text: str) -> tuple[dict[str, float], dict[str, Share], list[str]]:
    """Return values, accuracies and the names of figures that nobody knows, of what stands in and before a bar."""
    values: dict[str, float] = {}
    shares: dict[str, Share] = {}
    strange = []
    text = EPOCH.sub(" ; ", text)
    for pair in PAIR.finditer(text):
        name = pair["name"]
        if re.fullmatch(r"batch[_ ]?(?:id|idx)?", name, re.IGNORECASE):
            continue
        means = metric(re.sub(r"^\s*batch[_ ](?=loss|acc)", "", name, flags=re.IGNORECASE))
        if means is None or means.quantity in ("epoch", "batch"):
            if name.lower() not in _QUIET and (means is None) and len(name) < 25:
                strange.append(name)
            continue
        tested = means.side in ("val", "test")
        if means.quantity == "rate":
            values["learning_rate"] = float(pair["value"])
        elif means.quantity == "loss":
            field = "test_loss" if tested else "train_loss" if means.scope == "epoch" else "last_loss"
            values[field] = float(pair["value"])
        elif means.quantity == "accuracy":
            shares["test_accuracy" if tested else "train_accuracy"] = Share(pair["value"], pair["percent"] is not None)
    return values, shares, strange

"""The Trainer of Hugging Face's transformers: a dictionary for every so many steps and one for each evaluation.

    {'loss': 0.2436, 'grad_norm': 1.2, 'learning_rate': 4.6e-05, 'epoch': 0.27}
    {'eval_loss': 0.0688, 'eval_accuracy': 0.9791, 'eval_runtime': 5.1, 'epoch': 1.0}
    ***** eval metrics *****
      eval_accuracy           =     0.9871
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterable

from sheetprop.mnist.logs.found import NUMBER, Found, Share

ORDER = 10

_DICT = re.compile(r"\{[^{}]*['\"](?:eval_|train_)?(?:loss|runtime)['\"]\s*:[^{}]*\}")
_HEAD = re.compile(r"\*{5}\s*(?P<which>train|eval|test|predict)\s+metrics\s*\*{5}", re.IGNORECASE)
_LINE = re.compile(rf"^\s*(?P<name>\w+)\s*=\s*(?P<value>{NUMBER})\s*(?P<rest>\S*)\s*$")
_PLAN = re.compile(r"\bNum Epochs = (?P<of>[\d,]+)|\*{5} Running \w+ \*{5}")


class Reader:
    """Remembers whether it stands under a head of metrics."""

    def __init__(self) -> None:
        self.under = ""

    def read(self, text: str) -> Iterable[Found]:
        """Return the figures of dictionaries and of metrics under their head."""
        if head := _HEAD.search(text):
            self.under = head["which"].lower()
            return [Found("aside", head.start(), head.end())]
        if self.under:
            if line := _LINE.match(text):
                return [_under(line)]
            self.under = ""
        if plan := _PLAN.search(text):
            values = {"of": float(plan["of"].replace(",", ""))} if plan["of"] else {}
            return [Found("claim", plan.start(), plan.end(), {"epochs": values["of"]}) if values
                    else Found("aside", plan.start(), plan.end())]
        found = []
        for mark in _DICT.finditer(text):
            try:
                told = ast.literal_eval(mark[0])
            except (ValueError, SyntaxError, MemoryError, RecursionError):
                continue
            if isinstance(told, dict) and "epoch" in told and any(
                    str(k).startswith("eval_") or k in ("loss", "grad_norm", "train_runtime") for k in told):
                found.append(_told(mark, {str(k): str(v) for k, v in told.items()}))
        return found


def _told(mark: re.Match[str], told: dict[str, str]) -> Found:
    numbers = {k: float(v) for k, v in told.items() if re.fullmatch(NUMBER, v)}
    number = float(max(1, math.ceil(numbers.get("epoch", 1) - 1e-9)))
    values = {"number": number, "counted": 1.0}
    shares: dict[str, Share] = {}
    for name, text in told.items():
        if name in ("eval_accuracy", "test_accuracy") and name in numbers:
            shares["test_accuracy"] = Share(text)
    for name, field in (("eval_loss", "test_loss"), ("test_loss", "test_loss"), ("loss", "last_loss"),
                        ("learning_rate", "learning_rate"), ("eval_runtime", "test_seconds")):
        if name in numbers:
            values[field] = numbers[name]
    if "train_runtime" in numbers:
        return Found("final", mark.start(), mark.end(), {"seconds": numbers["train_runtime"]})
    kind = "test" if "test_loss" in values or shares else "step"
    return Found("test" if kind == "test" else "step", mark.start(), mark.end(), values, shares)


def _under(line: re.Match[str]) -> Found:
    names = {"eval_accuracy": "test_accuracy", "test_accuracy": "test_accuracy", "eval_loss": "test_loss",
             "test_loss": "test_loss"}
    field = names.get(line["name"])
    if field is None:
        return Found("aside", line.start(), line.end())
    if field.endswith("accuracy"):
        return Found("final", line.start(), line.end(), {}, {field: Share(line["value"], "%" in line["rest"])})
    return Found("final", line.start(), line.end(), {field: float(line["value"])})

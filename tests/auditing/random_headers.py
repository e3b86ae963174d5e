"""The labels of a random table: symbols in many spellings, one row or two, groups over merged cells."""

from __future__ import annotations

import random
import re

from paper import Paper
from random_networks import Net

_GRADIENT = ("∂E/∂{}", "dE/d{}", "∂E_t/∂{}", "δE_total/δ{}", "dE_t/d{}", "E∂{}", "Ed{}", "d{}", "∂E_total/∂{} ",
             "ðE/ð{}", "grad {}", "gradient of {}", "∂ E_total / ∂ {}")
_WEIGHT = ("w{}", "W{}", "w_{}", "W_{} ", "w {}")
_TOTAL = ("E_total", "E_tot", "E", "Total Loss", "Etotal", "Loss", "total error", "E_T")
RATE = ("η", "lr", "Learning Rate", "learning rate:", "alpha", "LR =", "η = ", "eta")
_GROUPS = {"i": "Inputs", "t": "Targets", "w": "Weights", "b": "Biases", "v": "Velocity", "E": "Error", "d": "Deltas"}


def labels_of(net: Net, rng: random.Random) -> dict[str, str]:
    """Return name -> label; an empty one for columns without."""
    weight, gradient = rng.choice(_WEIGHT), rng.choice(_GRADIENT)
    if gradient == "d{}":
        weight = "w{}"
    result: dict[str, str] = {}
    sub = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉") if rng.random() < 0.1 else None
    for p in net.params:
        text = weight.format(p[1:]) if p[0] == "w" else p
        result[p] = text.translate(sub) if sub else text
        result[f"g_{p}"] = gradient.format(result[p].strip())
        result[f"v_{p}"] = f"v{p}"
    result["E_total"] = rng.choice(_TOTAL)
    act = rng.choice(["a_{}", "a{}", "out_{}", "σ({})"])
    sample = rng.choice([" ({})", " {}", "_{}"])
    for name in (*net.given, *(n for n in net.formulas if n != "E_total")):
        found = re.fullmatch(r"(a_|d_|)([a-zE]+\d+)([ABC]?)", name)
        assert found
        kind, unit, which = found.groups()
        text = act.format(unit) if kind == "a_" else f"δ_{unit}" if kind == "d_" else unit
        result[name] = text + (sample.format(which) if which else "")
    result["epoch"] = rng.choice(["epoch", "Iteration", "#", ""])
    result["lr"] = rng.choice(["lr", "η"])
    if rng.random() < 0.12:
        for name in net.formulas:
            if re.match(r"(a_)?[ho]\d", name):
                result[name] = ""
    return result


def write_header(paper: Paper, net: Net, rng: random.Random, labels: dict[str, str], short: dict[str, str],
                 where: dict[str, int], row: int) -> None:
    """Write the labels into `row`, with a row of groups above or of words below where there is room.

    Columns in `short` get that label instead where a heading says the rest.
    """
    style = rng.choice(["plain"] * 6 + ["groups", "groups", "gradient group", "words", "texts"])
    if net.rows > 12 and style in ("words", "texts") and row > 3:
        for name, column in where.items():
            if style == "words":
                paper.put(row, column, _word(name))
            elif name in net.formulas:
                paper.put(row, column, net.formulas[name].replace("{", "").replace("}", ""))
        row -= 1
    for name, column in where.items():
        text = short[name] if style == "gradient group" and name in short and row > 3 else labels[name]
        if text:
            paper.put(row, column, text)
    if style in ("groups", "gradient group") and row > 3:
        for group, left, right in _groups(net, where):
            paper.put(row - 1, left, group if not (group == "Gradients" and style == "gradient group")
                      else rng.choice(["Gradients", "∂E/∂w", "dE/dw"]))
            if right > left:
                paper.merge(row - 1, left, right)


def _word(name: str) -> str:
    return {"w": "weight", "g": "gradient", "a": "activation", "h": "net input", "o": "net input", "E": "error",
            "t": "target", "i": "input"}.get(name[0], "value")


def _groups(net: Net, where: dict[str, int]) -> list[tuple[str, int, int]]:
    """Return (title, first column, last column) of neighbouring columns of one group."""
    found: list[tuple[str, int, int]] = []
    for name, column in sorted(where.items(), key=lambda item: item[1]):
        title = "Gradients" if name.startswith("g_") else "Forward" if re.match(r"(a_)?[ho]\d", name) else \
            "Deltas" if name.startswith("d_") else "" if name in ("epoch", "lr") else _GROUPS.get(name[0], "")
        if found and found[-1][0] == title and found[-1][2] == column - 1:
            found[-1] = (title, found[-1][1], column)
        else:
            found.append((title, column, column))
    return [one for one in found if one[0]]

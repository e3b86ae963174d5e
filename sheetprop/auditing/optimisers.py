"""The rules by which optimisers move a weight, each in its usual spellings, as plain recurrences.

Sources: Polyak 1964 (momentum), Nesterov 1983, Duchi et al. 2011 (AdaGrad), Hinton's lecture 6e of 2012 (RMSprop),
Kingma and Ba 2015 (Adam), Loshchilov and Hutter 2019 (decoupled decay).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

Steps = list[float]


@dataclass(frozen=True)
class Rule:
    """One way to move a weight.

    Attributes:
        name: what it is called.
        needs: names of its parameters: lr, beta, beta2, eps, decay.
        steps: (gradients, weights, parameters) -> how far the weight moves in each step.
    """

    name: str
    needs: tuple[str, ...]
    steps: Callable[[Sequence[float], Sequence[float], dict[str, float]], Steps]


def _plain(g: Sequence[float], w: Sequence[float], p: dict[str, float]) -> Steps:
    return [-p["lr"] * (one + p.get("decay", 0.0) * at) for one, at in zip(g, w, strict=True)]


def _momentum(g: Sequence[float], w: Sequence[float], p: dict[str, float], *, share: bool = False, own: bool = False,
              nesterov: bool = False, corrected: bool = False) -> Steps:
    found: Steps = []
    v = 0.0
    for k, (one, at) in enumerate(zip(g, w, strict=True)):
        one = one + p.get("decay", 0.0) * at
        v = one if own and k == 0 else p["beta"] * v + (1 - p["beta"] if share else 1.0) * one
        held = v / (1 - p["beta"] ** (k + 1)) if corrected else v
        found.append(-p["lr"] * ((1 - p["beta"] if share else 1.0) * one + p["beta"] * held if nesterov else held))
    return found


def _scaled(g: Sequence[float], w: Sequence[float], p: dict[str, float], *, adds: bool = False, own: bool = False,
            inside: bool = False) -> Steps:
    """AdaGrad and RMSprop."""
    found: Steps = []
    s = 0.0
    for k, (one, at) in enumerate(zip(g, w, strict=True)):
        one = one + p.get("decay", 0.0) * at
        s = s + one * one if adds else one * one if own and k == 0 else \
            p["beta"] * s + (1 - p["beta"]) * one * one
        found.append(-p["lr"] * one / (math.sqrt(s + p["eps"]) if inside else math.sqrt(s) + p["eps"]))
    return found


def _adam(g: Sequence[float], w: Sequence[float], p: dict[str, float], *, corrected: bool = True, inside: bool = False,
          late: bool = False, apart: bool = False) -> Steps:
    found: Steps = []
    m = v = 0.0
    for k, (one, at) in enumerate(zip(g, w, strict=True), start=1):
        if not apart:
            one = one + p.get("decay", 0.0) * at
        m, v = p["beta"] * m + (1 - p["beta"]) * one, p["beta2"] * v + (1 - p["beta2"]) * one * one
        mh = m / (1 - p["beta"] ** k) if corrected else m
        vh = v / (1 - p["beta2"] ** k) if corrected else v
        below = math.sqrt(vh + p["eps"]) if inside else \
            math.sqrt(v) / math.sqrt(1 - p["beta2"] ** k) + p["eps"] / math.sqrt(1 - p["beta2"] ** k) if late else \
            math.sqrt(vh) + p["eps"]
        found.append(-p["lr"] * (mh / below + (p.get("decay", 0.0) * at if apart else 0.0)))
    return found


def _rules() -> Iterator[Rule]:
    yield Rule("gradient descent", ("lr",), _plain)
    yield Rule("gradient descent with weight decay", ("lr", "decay"), _plain)
    for own, nesterov, share in itertools.product((False, True), repeat=3):
        yield Rule("Nesterov momentum" if nesterov else "momentum", ("lr", "beta"),
                   lambda g, w, p, own=own, nesterov=nesterov, share=share: _momentum(  # type: ignore[misc]
                       g, w, p, own=own, nesterov=nesterov, share=share))
    yield Rule("momentum with its correction", ("lr", "beta"),
               lambda g, w, p: _momentum(g, w, p, share=True, corrected=True))
    yield Rule("momentum with weight decay", ("lr", "beta", "decay"), _momentum)
    for inside in (False, True):
        yield Rule("AdaGrad", ("lr", "eps"), lambda g, w, p, inside=inside: _scaled(  # type: ignore[misc]
            g, w, p, adds=True, inside=inside))
        for own in (False, True):
            yield Rule("RMSprop", ("lr", "beta", "eps"),
                       lambda g, w, p, inside=inside, own=own: _scaled(g, w, p, inside=inside, own=own))  # type: ignore[misc]
        for corrected in (True, False):
            yield Rule("Adam" if corrected else "Adam without its corrections", ("lr", "beta", "beta2", "eps"),
                       lambda g, w, p, inside=inside, corrected=corrected: _adam(  # type: ignore[misc]
                           g, w, p, inside=inside, corrected=corrected))
    yield Rule("Adam", ("lr", "beta", "beta2", "eps"), lambda g, w, p: _adam(g, w, p, late=True))
    yield Rule("AdamW", ("lr", "beta", "beta2", "eps", "decay"), lambda g, w, p: _adam(g, w, p, apart=True))


RULES = tuple(_rules())


class RuleBook:
    """The rules with all parameters that some numbers allow.

    Args:
        gradients: the gradient before each step.
        start: the weight before the first step.
        numbers: what stands in the formulas and in the cells that they read.
    """

    def __init__(self, gradients: Sequence[float], start: float, numbers: Sequence[float]) -> None:
        self.gradients = list(gradients)
        sizes = list(dict.fromkeys(abs(one) for one in numbers if one))
        sizes += [one for size in list(sizes) if 0 < size < 1 and (one := round(1 - size, 12)) not in sizes]
        choices = {"lr": sizes, "beta": [one for one in sizes if 0.3 <= one < 1], "eps": [*(
            one for one in sizes if one <= 0.01), 0.0], "decay": [one for one in sizes if one < 1]}
        choices["beta2"] = choices["beta"]
        self.entries: list[tuple[float, Rule, dict[str, float]]] = []
        for rule in RULES:
            for values in itertools.product(*(choices[name] for name in rule.needs)):
                given = dict(zip(rule.needs, values, strict=True))
                try:
                    self.entries.append((rule.steps(self.gradients[:1], [start], given)[0], rule, given))
                except (ArithmeticError, ValueError):
                    continue

    def find(self, steps: Sequence[float], weights: Sequence[float]) -> Rule | None:
        """Return the rule that gives these steps, or None."""
        for first, rule, given in self.entries:
            if not _close(first, steps[0]):
                continue
            try:
                wanted = rule.steps(self.gradients, weights, given)
            except (ArithmeticError, ValueError):
                continue
            if all(_close(a, b) for a, b in zip(wanted, steps, strict=True)):
                return rule
        return None


def _close(wanted: float, found: float) -> bool:
    return abs(wanted - found) <= 1e-8 * max(abs(wanted), abs(found)) + 1e-13

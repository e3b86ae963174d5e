"""One mistake of a kind in the formulas of a random network."""

from __future__ import annotations

import random
import re

from random_networks import Net

KINDS = ("swap", "bracket", "sign", "abs", "square", "factor", "term", "update gradient", "update weight",
         "update sign", "rate blank", "rate text", "rate walks", "rate other", "pasted cell", "pasted row",
         "pasted column", "odd row", "blank cell", "forward activation", "forward source", "forward weights",
         "error factor", "error target", "total", "stored", "chart rows", "chart name", "chart mixed", "title",
         "error cell", "values only", "label gradients", "label weights", "label activation")


class Plan:
    """The formulas as they will be written, and the names of those that are wrong.

    Attributes:
        formulas: name -> text of what each iteration computes, gradients among them.
        updates: name -> text of the next value.
        hit: names of the columns with the mistake.
        labels: name -> the name whose label it gets by mistake.
        possible: whether the network allows a mistake of this kind.
    """

    def __init__(self, net: Net, rng: random.Random, kind: str) -> None:
        self.net, self.rng, self.kind = net, rng, kind
        self.forward, self.gradients, self.updates = dict(net.formulas), dict(net.gradients), dict(net.updates)
        self.hit: set[str] = set()
        self.labels: dict[str, str] = {}
        method = getattr(self, "_" + kind.replace(" ", "_"), None)
        self.possible = True if method is None else bool(method())
        self.formulas = dict(self.forward)
        for p, text in self.gradients.items():
            if net.inline:
                self.updates.setdefault(p, f"{{{p}}}-{{lr}}*({text})")
            else:
                self.formulas[f"g_{p}"] = text

    def gradient(self, change: str) -> bool:
        """Put the text into the gradient chosen; say whether that is a change."""
        before, self.gradients[self.name] = self.gradients[self.name], change
        self.hit = {self.name if self.net.inline else f"g_{self.name}"}
        return before != change

    def choose(self) -> str:
        """Choose a weight and return its gradient's text."""
        self.name = self.rng.choice(self.net.weights)
        return self.gradients[self.name]

    def _swap(self) -> bool:
        text = self.choose()
        spot = self.rng.choice(re.findall(r"\{(\w+)\}", text))
        pool = next((group for group in self.net.alike if spot in group), [])
        others = [name for name in pool if name != spot]
        return bool(others) and self.gradient(text.replace("{" + spot + "}", "{" + self.rng.choice(others) + "}"))

    def _bracket(self) -> bool:
        text = self.choose()
        options = [text.replace("(1-", "1-(", 1).replace("1-(", "1-", 1).replace("})", "}", 1) if "(1-" in text else "",
                   re.sub(r"\(1-(\{\w+\})\)", r"1-\1", text, count=1),
                   re.sub(r"\(1\+EXP\(-(\{\w+\})\)\)\^2", r"(1+EXP(-\1)^2)", text, count=1)]
        options = [o for o in options if o and o != text and _balanced(o)]
        return bool(options) and self.gradient(self.rng.choice(options))

    def _sign(self) -> bool:
        text = self.choose()
        spots = re.findall(r"\(\{a_\w+\}-\{t\w+\}\)", text)
        if not spots:
            return self.gradient("-" + text if text[0] != "(" else "-1*" + text)
        one = self.rng.choice(spots)
        a, t = one[1:-1].split("-")
        return text.count(one) == 1 and self.gradient(text.replace(one, f"({t}-{a})", 1))

    def _abs(self) -> bool:
        return self.gradient(f"ABS({self.choose()})")

    def _square(self) -> bool:
        text = self.choose()
        spots = re.findall(r"\{a_\w+\}|\{i\w+\}", text)
        if self.net.activation == "tanh" and "^2" in text:
            return self.gradient(text.replace("^2", "", 1))
        if not spots:
            return False
        one = self.rng.choice(spots)
        return self.gradient(text.replace(one, one + "^2", 1))

    def _factor(self) -> bool:
        text = self.choose()
        parts = text.split("*")
        return len(parts) > 1 and bool(re.fullmatch(r"\{\w+\}", parts[-1])) and self.gradient("*".join(parts[:-1]))

    def _term(self) -> bool:
        """Leave out what comes by the other outputs."""
        if len(self.net.layers[2]) < 2 or len(self.net.samples) > 1:
            return False
        unit = self.rng.choice(self.net.layers[1])
        if self.net.deltas:
            name = f"d_{unit}"
            changed = _first_path(self.forward[name])
            if changed:
                self.forward[name], self.hit = changed, {name}
            return bool(changed)
        self.name = self.rng.choice([w for w, x in self.net.incoming[unit] if x != "1"])
        changed = _first_path(self.gradients[self.name])
        return bool(changed) and self.gradient(changed)

    def _update(self, name: str, text: str) -> bool:
        changed = text != self._whole_update(name)
        self.updates[name], self.hit = text, {name}
        return changed

    def _update_gradient(self) -> bool:
        p, q = self.rng.sample(self.net.weights, 2)
        if self.net.inline:
            return self._update(p, self._whole_update(p).replace(self.gradients[p], self.gradients[q]))
        name = f"v_{p}" if self.net.momentum else p
        return self._update(name, self.updates[name].replace(f"{{g_{p}}}", f"{{g_{q}}}"))

    def _whole_update(self, p: str) -> str:
        if p not in self.updates:
            self.updates[p] = f"{{{p}}}-{{lr}}*({self.gradients[p]})"
        return self.updates[p]

    def _update_weight(self) -> bool:
        p, q = self.rng.sample(self.net.weights, 2)
        return self._update(p, "{" + q + self._whole_update(p)[len(p) + 1:])

    def _update_sign(self) -> bool:
        p = self.rng.choice(self.net.weights)
        name = f"v_{p}" if self.net.momentum == "step" else p
        return self._update(name, self._whole_update(name).replace("-{lr}", "+{lr}"))

    def _rate_other(self) -> bool:
        p = self.rng.choice(self.net.weights)
        name = f"v_{p}" if self.net.momentum == "step" else p
        return self._update(name, self._whole_update(name).replace("{lr}", "{other}"))

    def _rate_walks(self) -> bool:
        self.hit = {f"v_{p}" if self.net.momentum == "step" else p for p in self.net.params}
        return True

    _rate_blank = _rate_text = _rate_walks

    def _forward_activation(self) -> bool:
        layers = [layer for layer in self.net.layers[1:] if len(layer) > 1]
        if not layers:
            return False
        a, b = self.rng.sample(self.rng.choice(layers), 2)
        s = self.rng.choice(self.net.samples)
        if self.net.kind(a) == "softmax":
            return False
        return self._forward(f"a_{a}{s}", self.forward[f"a_{a}{s}"].replace(f"{{{a}{s}}}", f"{{{b}{s}}}"))

    def _forward(self, name: str, text: str) -> bool:
        before, self.forward[name], self.hit = self.forward[name], text, {name}
        return before != text

    def _pairs(self) -> tuple[str, list[tuple[str, str]]]:
        unit = self.rng.choice([u for layer in self.net.layers[1:] for u in layer])
        s = self.rng.choice(self.net.samples)
        pairs = [(w, x + s) for w, x in self.net.incoming[unit] if x != "1"]
        return unit + s, self.rng.sample(pairs, 2)

    def _forward_source(self) -> bool:
        unit, ((_, a), (_, b)) = self._pairs()
        return self._forward(unit, self.forward[unit].replace("{" + a + "}", "{" + b + "}"))

    def _forward_weights(self) -> bool:
        unit, ((a, _), (b, _)) = self._pairs()
        mark = "{#}"
        return self._forward(unit, self.forward[unit].replace("{" + a + "}", mark).replace("{" + b + "}", "{" + a + "}")
                             .replace(mark, "{" + b + "}"))

    def _error_factor(self) -> bool:
        name, loss = self.rng.choice(self.net.errors), self.net.loss
        text = self.forward[name]
        if loss in ("cross", "softmax", "mean"):
            return False
        return self._forward(name, "(" + text + ")*2" if loss == "half" and self.rng.random() < 0.5 else
                             re.sub(r"0\.5\*|1/2\*|/2", "", text) if loss == "half" else "0.5*" + text)

    def _error_target(self) -> bool:
        if self.net.outputs < 2:
            return False
        s = self.rng.choice(self.net.samples)
        name, what = f"E1{s}", self.rng.choice(["t", "a_o"])
        return self._forward(name, self.forward[name].replace(f"{{{what}1{s}}}", f"{{{what}2{s}}}"))

    def _total(self) -> bool:
        errors = self.net.errors
        if len(errors) < 2:
            return False
        one, two = errors[:2]
        return self._forward("E_total", self.rng.choice([f"{{{one}}}", f"{{{one}}}-{{{two}}}", f"{{{one}}}+{{{one}}}"]))

    def _label_gradients(self) -> bool:
        if self.net.inline:
            return False
        p, q = self.rng.sample(self.net.weights, 2)
        self.labels = {f"g_{p}": f"g_{q}", f"g_{q}": f"g_{p}"}
        self.hit = {f"g_{p}", f"g_{q}"}
        return True

    def _label_weights(self) -> bool:
        if self.net.inline:
            return False
        p, q = self.rng.sample(self.net.weights, 2)
        self.labels, self.hit = {p: q, q: p}, {p, q}
        return True

    def _label_activation(self) -> bool:
        """An activation's column is headed as a weight."""
        unit = self.rng.choice([u for layer in self.net.layers[1:] for u in layer])
        name = f"a_{unit}{self.rng.choice(self.net.samples)}"
        self.labels, self.hit = {name: self.rng.choice(self.net.weights)}, {name}
        return self.net.kind(unit) not in ("linear", "softmax")


def _first_path(text: str) -> str:
    """Return a gradient with only the first of the paths in its leading bracket; empty where it has none."""
    depth, cut = 0, -1
    for k, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if letter == "+" and depth == 1:
            cut = k
            break
    end = _closing(text, 0)
    return "" if cut < 0 or text[0] != "(" or end < 0 else text[:cut] + text[end:]


def _balanced(text: str) -> bool:
    depth = 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if depth < 0:
            return False
    return depth == 0


def _closing(text: str, start: int) -> int:
    depth = 0
    for k in range(start, len(text)):
        depth += (text[k] == "(") - (text[k] == ")")
        if depth == 0:
            return k
    return -1

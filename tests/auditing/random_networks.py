"""Random networks with their gradients written out as formula texts, by hand-made rules.

A text like "{w1}*{i1}" names quantities; the layout puts cells in their place. In the text of an
update a name stands for the iteration before, with a mark ("{v_w1'}") for the new one. Nothing of
the package is used here.
"""

from __future__ import annotations

import random


class Net:
    """A random network: the formula of every quantity of one iteration, and of the next weights.

    Attributes:
        given: targets and inputs, which are numbers.
        formulas: name -> text, in an order in which they can be computed; without the gradients.
        gradients: weight or bias -> text of the derivative of E_total.
        updates: weight, bias or velocity -> text of its next value.
        alike: groups of names that may be taken for one another by mistake.
    """

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.inputs = rng.choice([2, 2, 2, 3])
        self.hidden = [rng.choice([2, 2, 2, 3])]
        if rng.random() < 0.15:
            self.hidden.append(rng.choice([2, 2, 3]))
        self.outputs = rng.choice([1, 2, 2, 2])
        self.activation = rng.choice(["sigmoid", "sigmoid", "sigmoid", "tanh", "relu", "softplus"])
        self.last = self.activation
        self.exp_form = rng.random() < 0.15 and self.activation == "sigmoid"
        self.loss = rng.choice(["half", "half", "half", "full", "mean"]) if rng.random() < 0.8 else "cross"
        if self.loss == "cross":
            self.last = "sigmoid"
            if rng.random() < 0.4:
                self.loss = self.last = "softmax"
                self.outputs = rng.choice([2, 3])
        elif rng.random() < 0.1:
            self.last = "linear"
        self.bias = rng.random() < 0.25
        self.deltas = rng.random() < 0.35
        self.momentum = rng.choice(["", "", "", "", "", "", "", "", "sum", "step"])
        self.inline = not self.momentum and rng.random() < 0.1
        self.samples = ["A", "B", "C"][:rng.choice([2, 2, 3])] if rng.random() < 0.1 else [""]
        self.rows = rng.randint(12, 36)
        self.formulas: dict[str, str] = {}
        self.gradients: dict[str, str] = {}
        self.updates: dict[str, str] = {}
        self.given: list[str] = []
        self.weights: list[str] = []
        self.biases: list[str] = []
        self.incoming: dict[str, list[tuple[str, str]]] = {}
        self.layers = [[f"i{k + 1}" for k in range(self.inputs)], *self._hidden(),
                       [f"o{k + 1}" for k in range(self.outputs)]]
        self._number()
        self.errors: list[str] = []
        for sample in self.samples:
            self._forward(sample)
        joined = "+".join(f"{{{e}}}" for e in self.errors)
        summed = ",".join(f"{{{e}}}" for e in self.errors)
        total = joined if len(self.errors) == 1 or rng.random() < 0.6 else f"SUM({summed})"
        self.share = len(self.samples) if len(self.samples) > 1 and rng.random() < 0.5 else 1
        self.formulas["E_total"] = f"({total})/{self.share}" if self.share > 1 else total
        self._backward()
        self.params = [*self.weights, *self.biases]
        self._updates()
        self.alike = self._alike()

    @property
    def unbounded(self) -> bool:
        """Whether a right sheet may run into an error cell by itself: a logarithm of 0, an exponential too large."""
        return self.loss in ("cross", "softmax") or self.activation in ("relu", "softplus") or self.last == "linear"

    def _hidden(self) -> list[list[str]]:
        found, count = [], 0
        for size in self.hidden:
            found.append([f"h{count + k + 1}" for k in range(size)])
            count += size
        return found

    def _number(self) -> None:
        for layer in range(1, len(self.layers)):
            for unit in self.layers[layer]:
                pairs = []
                for source in self.layers[layer - 1]:
                    self.weights.append(f"w{len(self.weights) + 1}")
                    pairs.append((self.weights[-1], source if layer == 1 else f"a_{source}"))
                if self.bias:
                    self.biases.append(f"b{len(self.biases) + 1}")
                    pairs.append((self.biases[-1], "1"))
                self.incoming[unit] = pairs

    def _forward(self, s: str) -> None:
        rng, f = self.rng, self.formulas
        targets = [f"t{k + 1}{s}" for k in range(self.outputs)]
        inputs = [f"{name}{s}" for name in self.layers[0]]
        self.given += [*inputs, *targets] if rng.random() < 0.5 else [*targets, *inputs]
        for layer in self.layers[1:]:
            for unit in layer:
                turned = rng.random() < 0.5
                f[unit + s] = "+".join(f"{{{w}}}" if x == "1" else f"{{{x}{s}}}*{{{w}}}" if turned else
                                       f"{{{w}}}*{{{x}{s}}}" for w, x in self.incoming[unit])
                f[f"a_{unit}{s}"] = self._squash(unit, s)
        for k, unit in enumerate(self.layers[-1]):
            t, a = f"{{t{k + 1}{s}}}", f"{{a_{unit}{s}}}"
            name = f"E{k + 1}{s}"
            self.errors.append(name)
            if self.loss == "half":
                f[name] = rng.choice([f"0.5*({t}-{a})^2", f"({t}-{a})^2/2", f"1/2*({t}-{a})^2"])
            elif self.loss == "full":
                f[name] = rng.choice([f"({t}-{a})^2", f"({a}-{t})^2", f"({t}-{a})*({t}-{a})", f"POWER({t}-{a},2)"])
            elif self.loss == "mean":
                f[name] = f"({t}-{a})^2/{self.outputs}"
            elif self.loss == "softmax":
                f[name] = f"-{t}*LN({a})"
            else:
                f[name] = f"-({t}*LN({a})+(1-{t})*LN(1-{a}))"

    def kind(self, unit: str) -> str:
        return self.last if unit[0] == "o" else self.activation

    def _squash(self, unit: str, s: str) -> str:
        x, kind = f"{{{unit}{s}}}", self.kind(unit)
        if kind == "softmax":
            return f"EXP({x})/({'+'.join(f'EXP({{{o}{s}}})' for o in self.layers[-1])})"
        return {"tanh": f"TANH({x})", "relu": f"MAX(0,{x})", "linear": x,
                "softplus": f"LN(1+EXP({x}))"}.get(kind, f"1/(1+EXP(-{x}))")

    def slope(self, unit: str, s: str) -> str:
        a, x, kind = f"{{a_{unit}{s}}}", f"{{{unit}{s}}}", self.kind(unit)
        if kind == "sigmoid" and self.exp_form:
            return f"(EXP(-{x})/(1+EXP(-{x}))^2)"
        return {"tanh": f"(1-{a}^2)", "relu": f"IF({x}>0,1,0)", "linear": "1",
                "softplus": f"(1/(1+EXP(-{x})))"}.get(kind, f"{a}*(1-{a})")

    def _backward(self) -> None:
        terms: dict[str, list[str]] = {}
        for s in self.samples:
            delta: dict[str, str] = {}
            for k, unit in enumerate(self.layers[-1]):
                t, a = f"{{t{k + 1}{s}}}", f"{{a_{unit}{s}}}"
                if self.loss in ("cross", "softmax"):
                    plain = f"({a}-{t})"
                else:
                    two = {"full": "2*", "mean": f"2/{self.outputs}*"}.get(self.loss, "")
                    slope = "" if self.kind(unit) == "linear" else f"*{self.slope(unit, s)}"
                    plain = f"{two}({a}-{t}){slope}"
                delta[unit] = self._delta(unit, s, plain)
            for layer in range(len(self.layers) - 2, 0, -1):
                for unit in self.layers[layer]:
                    paths = [f"{delta[out]}*{{{next(w for w, x in self.incoming[out] if x == f'a_{unit}')}}}"
                             for out in self.layers[layer + 1]]
                    inner = f"({'+'.join(paths)})" if len(paths) > 1 else paths[0]
                    delta[unit] = self._delta(unit, s, f"{inner}*{self.slope(unit, s)}")
            for unit, pairs in self.incoming.items():
                for weight, source in pairs:
                    text = delta[unit] if source == "1" else f"{delta[unit]}*{{{source}{s}}}"
                    terms.setdefault(weight, []).append(text)
        for weight in (*self.weights, *self.biases):
            text = "+".join(terms[weight])
            self.gradients[weight] = f"({text})/{self.share}" if self.share > 1 else text

    def _delta(self, unit: str, s: str, text: str) -> str:
        if not self.deltas:
            return text
        self.formulas[f"d_{unit}{s}"] = text
        return f"{{d_{unit}{s}}}"

    def _updates(self) -> None:
        late = self.rng.choice(["'", ""])
        for p in self.params:
            if self.momentum == "sum":
                self.updates[p] = f"{{{p}}}-{{lr}}*{{v_{p}{late}}}"
                self.updates[f"v_{p}"] = f"0.9*{{v_{p}}}+{{g_{p}}}"
            elif self.momentum == "step":
                self.updates[p] = f"{{{p}}}+{{v_{p}'}}"
                self.updates[f"v_{p}"] = f"0.9*{{v_{p}}}-{{lr}}*{{g_{p}}}"
            elif not self.inline:
                self.updates[p] = f"{{{p}}}-{{lr}}*{{g_{p}}}"

    def _alike(self) -> list[list[str]]:
        found = [self.weights]
        for s in self.samples:
            found += [[f"a_{u}{s}" for u in layer] for layer in self.layers[1:]]
            found += [[f"d_{u}{s}" for u in layer] for layer in self.layers[1:]] if self.deltas else []
            found += [[f"{i}{s}" for i in self.layers[0]], [f"t{k + 1}{s}" for k in range(self.outputs)]]
        return found

    def columns(self) -> list[str]:
        """Return the names that get a column, in a random but sensible order."""
        rng = self.rng
        forward = [n for n in self.formulas if not n.startswith("d_")]
        backward = [n for n in self.formulas if n.startswith("d_")]
        gradients = [] if self.inline else [f"g_{p}" for p in self.params]
        if rng.random() < 0.3:
            gradients.reverse()
        groups = [list(self.given), list(self.params), forward, [*backward, *gradients]]
        if self.momentum:
            groups.append([f"v_{p}" for p in self.params])
        if rng.random() < 0.4:
            rng.shuffle(groups)
        if rng.random() < 0.3:
            for group in groups:
                rng.shuffle(group)
        self.groups = groups
        return [name for group in groups for name in group]

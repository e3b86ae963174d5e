"""Random back-propagation sheets in random layouts, right or with one planted mistake, for tests and benchmarks.

The formulas are written out here by hand-made rules; nothing of the package is used to make them.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.chart import LineChart, Reference, Series
from openpyxl.utils import get_column_letter

KINDS = ("swap", "bracket", "sign", "abs", "square", "factor", "term", "update gradient", "update weight",
         "update sign", "rate blank", "rate text", "rate walks", "rate other", "pasted cell", "pasted row",
         "pasted column", "odd row", "blank cell", "forward activation", "forward source", "forward weights",
         "error factor", "error target", "total", "stored", "chart rows", "chart name", "chart mixed", "title",
         "error cell", "values only")

_GRADIENT = ("∂E/∂{}", "dE/d{}", "∂E_t/∂{}", "δE_total/δ{}", "dE_t/d{}", "E∂{}", "Ed{}", "d{}", "∂E_total/∂{} ",
             "ðE/ð{}", "grad {}", "gradient of {}", "∂ E_total / ∂ {}")
_WEIGHT = ("w{}", "W{}", "w_{}", "W_{} ", "w {}")
_TOTAL = ("E_total", "E_tot", "E", "Total Loss", "Etotal", "Loss", "total error", "E_T")
_RATE = ("η", "lr", "Learning Rate", "learning rate:", "alpha", "LR =", "η = ", "eta")


@dataclass
class Planted:
    """A sheet that was made: the file, and the cells of the mistake, any of which a finding must name."""

    path: Path
    kind: str
    cells: set[str] = field(default_factory=set)
    sheet: str = ""
    made: bool = True


class Net:
    """One table of a random network and where everything of it stands."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.inputs = rng.choice([2, 2, 2, 3])
        self.hidden = rng.choice([2, 2, 2, 3])
        self.outputs = rng.choice([1, 2, 2, 2])
        self.activation = rng.choice(["sigmoid", "sigmoid", "sigmoid", "tanh", "relu"])
        self.bias = rng.random() < 0.25
        self.deltas = rng.random() < 0.35
        self.exp_form = rng.random() < 0.15 and self.activation == "sigmoid"
        self.loss = rng.choice(["half", "half", "half", "full"]) if rng.random() < 0.85 else "cross"
        self.momentum = rng.random() < 0.1
        self.rows = rng.randint(12, 60)
        self.formulas: dict[str, str] = {}
        self.updates: dict[str, str] = {}
        self.names: list[str] = []
        self._define()

    def slope(self, name: str) -> str:
        if self.activation == "tanh":
            return f"(1-{{a_{name}}}^2)"
        if self.activation == "relu":
            return f"IF({{{name}}}>0,1,0)"
        if self.exp_form:
            return f"(EXP(-{{{name}}})/(1+EXP(-{{{name}}}))^2)"
        return f"{{a_{name}}}*(1-{{a_{name}}})"

    def squash(self, name: str) -> str:
        kind = "sigmoid" if self.loss == "cross" and name.startswith("o") else self.activation
        if kind == "tanh":
            return f"TANH({{{name}}})"
        if kind == "relu":
            return f"MAX(0,{{{name}}})"
        return f"1/(1+EXP(-{{{name}}}))"

    def _define(self) -> None:
        rng, f = self.rng, self.formulas
        index = 0
        self.weights: list[str] = []
        incoming: dict[str, list[tuple[str, str]]] = {}
        layers = [[f"i{k + 1}" for k in range(self.inputs)], [f"h{k + 1}" for k in range(self.hidden)],
                  [f"o{k + 1}" for k in range(self.outputs)]]
        sources = {1: layers[0], 2: [f"a_{name}" for name in layers[1]]}
        self.biases: list[str] = []
        for layer in (1, 2):
            for unit in layers[layer]:
                pairs = []
                for source in sources[layer]:
                    index += 1
                    pairs.append((f"w{index}", source))
                    self.weights.append(f"w{index}")
                incoming[unit] = pairs
                turned = rng.random() < 0.5
                text = "+".join(f"{{{s}}}*{{{w}}}" if turned else f"{{{w}}}*{{{s}}}" for w, s in pairs)
                if self.bias:
                    self.biases.append(f"b{len(self.biases) + 1}")
                    text += f"+{{{self.biases[-1]}}}"
                    incoming[unit].append((self.biases[-1], "1"))
                f[unit] = text
                f[f"a_{unit}"] = self.squash(unit)
        self.incoming = incoming
        for k, unit in enumerate(layers[2]):
            t, a = f"{{t{k + 1}}}", f"{{a_{unit}}}"
            if self.loss == "half":
                f[f"E{k + 1}"] = rng.choice([f"0.5*({t}-{a})^2", f"({t}-{a})^2/2", f"1/2*({t}-{a})^2"])
            elif self.loss == "full":
                f[f"E{k + 1}"] = f"({t}-{a})^2"
            else:
                f[f"E{k + 1}"] = f"-({t}*LN({a})+(1-{t})*LN(1-{a}))"
        errors = [f"E{k + 1}" for k in range(self.outputs)]
        joined = "+".join(f"{{{e}}}" for e in errors)
        summed = ",".join(f"{{{e}}}" for e in errors)
        f["E_total"] = joined if len(errors) == 1 or rng.random() < 0.6 else f"SUM({summed})"
        self.errors = errors
        two = "2*" if self.loss == "full" else ""
        delta = {}
        for k, unit in enumerate(layers[2]):
            t, a = f"{{t{k + 1}}}", f"{{a_{unit}}}"
            plain = f"({a}-{t})" if self.loss == "cross" else f"{two}({a}-{t})*{self.slope(unit)}"
            if self.deltas:
                f[f"d_{unit}"] = plain
                delta[unit] = f"{{d_{unit}}}"
            else:
                delta[unit] = plain
        for unit in layers[1]:
            paths = []
            for out in layers[2]:
                weight = next(w for w, s in incoming[out] if s == f"a_{unit}")
                paths.append(f"{delta[out]}*{{{weight}}}")
            plain = f"({'+'.join(paths)})*{self.slope(unit)}" if len(paths) > 1 else f"{paths[0]}*{self.slope(unit)}"
            if self.deltas:
                f[f"d_{unit}"] = plain
                delta[unit] = f"{{d_{unit}}}"
            else:
                delta[unit] = plain
        for unit in (*layers[1], *layers[2]):
            for weight, source in incoming[unit]:
                f[f"g_{weight}"] = delta[unit] if source == "1" else f"{delta[unit]}*{{{source}}}"
        self.params = [*self.weights, *self.biases]
        for p in self.params:
            self.updates[p] = f"{{{p}}}-{{lr}}*{{v_{p}}}" if self.momentum else f"{{{p}}}-{{lr}}*{{g_{p}}}"
            if self.momentum:
                self.updates[f"v_{p}"] = f"0.9*{{v_{p}}}+{{g_{p}}}"
        self.layers = layers

    def columns(self) -> list[str]:
        """Return the columns in a random but sensible order."""
        rng = self.rng
        given = [*[f"t{k + 1}" for k in range(self.outputs)], *self.layers[0]]
        if rng.random() < 0.5:
            given = [*self.layers[0], *[f"t{k + 1}" for k in range(self.outputs)]]
        forward = [n for n in self.formulas if not n.startswith(("g_", "d_"))]
        backward = [n for n in self.formulas if n.startswith("d_")]
        gradients = [f"g_{p}" for p in self.params]
        if rng.random() < 0.3:
            gradients.reverse()
        groups = [given, self.params, forward, [*backward, *gradients]]
        if self.momentum:
            groups.append([f"v_{p}" for p in self.params])
        if rng.random() < 0.4:
            rng.shuffle(groups)
        if rng.random() < 0.3:
            for group in groups:
                rng.shuffle(group)
        return [name for group in groups for name in group]


def make(path: Path, seed: int, kind: str = "", formulas: int = 0) -> Planted:
    """Write a random workbook, right when `kind` is empty, else with one mistake of that kind.

    `formulas` is about how many formulas the first table has; 0 leaves that to chance.
    """
    rng = random.Random(seed)
    for _ in range(40):
        net = Net(rng)
        if formulas:
            net.rows = max(12, formulas // (len(net.formulas) + len(net.updates)))
        planted = _write(path, net, rng, kind)
        if planted.made and (kind or not _breaks(path)):
            return planted
    return planted


def _breaks(path: Path) -> bool:
    """Return whether a right sheet runs into an error cell by itself, such as LN(0) where an output saturates."""
    import sheetprop

    book = sheetprop.open(path)
    return bool(book.calculate().errors)


def _places(net: Net, rng: random.Random) -> dict[str, Any]:
    return {"left": rng.randint(1, 4), "header": rng.randint(4, 40), "above": rng.random() < 0.25,
            "index": rng.random() < 0.4}


def _write(path: Path, net: Net, rng: random.Random, kind: str) -> Planted:
    book = Workbook()
    sheet = book.active
    sheet.title = rng.choice(["Sheet1", "Backprop", "S6", "LR sheet"])
    spot = _places(net, rng)
    columns = net.columns()
    header, left = spot["header"], spot["left"]
    if spot["index"]:
        columns = ["epoch", *columns]
    where = {name: left + k for k, name in enumerate(columns)}
    first, last = header + 1, header + net.rows
    style = rng.randint(0, 3)
    lr_at = (rng.randint(1, max(1, header - 2)), left + 1 + rng.randint(0, 6))
    lr_label = (lr_at[0], lr_at[1] - 1) if lr_at[1] > 1 and style % 2 == 0 else (lr_at[0] - 1, lr_at[1])
    if lr_label[0] < 1:
        lr_label = (lr_at[0], lr_at[1] - 1)
    if lr_label[1] < 1:
        lr_at = (lr_at[0], lr_at[1] + 1)
        lr_label = (lr_at[0], lr_at[1] - 1)
    rate = rng.choice([0.1, 0.2, 0.5, 0.8, 1.0, 2.0])
    formulas, updates = dict(net.formulas), dict(net.updates)
    planted = Planted(path, kind, sheet=sheet.title)
    hit = _plant(net, rng, kind, formulas, updates) if kind else set()
    if hit is None:
        planted.made = False
        return planted
    labels = _labels(net, rng)
    values = {f"t{k + 1}": rng.choice([0.01, 0.5, 0.99, 0.3]) for k in range(net.outputs)}
    values.update({f"i{k + 1}": round(rng.uniform(0.05, 1), 2) for k in range(net.inputs)})
    starts = {p: round(rng.uniform(0.1, 0.9) * rng.choice([1, 1, -1]), 2) for p in net.params}
    fixed_inputs = rng.random() < 0.2
    rate_ref = f"${get_column_letter(lr_at[1])}${lr_at[0]}"

    def cell(name: str, row: int) -> str:
        return f"{get_column_letter(where[name])}{row}"

    def written(text: str, row: int, rate_text: str) -> str:
        names = {name: cell(name, row) for name in where}
        return "=" + text.format(**names, lr=rate_text)

    for name in columns:
        text = labels.get(name, name)
        if text:
            sheet.cell(header, where[name], text)
    titled = rng.random() < 0.3 or kind == "title"
    if titled and header > 4:
        said = rate if kind != "title" else rate * 2
        sheet.cell(2 if lr_at[0] != 2 else 3, left + 12, f"Learning rate = {said:g}")
        if kind == "title":
            planted.cells = {f"{get_column_letter(left + 12)}{2 if lr_at[0] != 2 else 3}"}
    elif kind == "title":
        planted.made = False
        return planted
    sheet.cell(lr_label[0], lr_label[1], rng.choice(_RATE))
    sheet.cell(lr_at[0], lr_at[1], None if kind == "rate blank" else "0,5" if kind == "rate text" else rate)
    walking = kind == "rate walks"
    for row in range(first, last + 1):
        for name in columns:
            target = sheet.cell(row, where[name])
            if name == "epoch":
                target.value = row - first if style < 2 or row == first else f"={cell('epoch', row - 1)}+1"
            elif name in values:
                target.value = f"={cell(name, row - 1)}" if fixed_inputs and row > first else values[name]
            elif name in formulas:
                target.value = written(formulas[name], row, rate_ref)
            elif row == first:
                target.value = starts.get(name, 0.0)
            else:
                moving = get_column_letter(lr_at[1]) + str(lr_at[0] + row - first - 1)
                ref = moving if walking else rate_ref
                target.value = written(updates[name], row - 1, ref)
                if kind == "rate other" and name in hit:
                    target.value = target.value.replace(rate_ref, f"${get_column_letter(lr_at[1])}${lr_at[0] + 1}")
    if walking:
        hit = set(net.params)
        if lr_at[0] + 1 >= header:
            planted.made = False
            return planted
    if kind in ("rate blank", "rate text"):
        hit = set(net.params)
    if kind and not planted.cells:
        for name in hit or ():
            start = first + 1 if name in updates else first
            planted.cells |= {cell(name, row) for row in range(start, last + 1)}
    if not _rows(planted, net, rng, sheet, where, first, last, formulas, updates):
        planted.made = False
        return planted
    if rng.random() < 0.3 or kind.startswith("chart"):
        _chart(planted, net, rng, sheet, where, header, first, last)
    _more(book, sheet, net, rng, where, header, first, last, kind, left + len(columns))
    book.save(path)
    if kind in ("stored", "values only") or rng.random() < 0.3:
        _store(planted, rng, where, first, last, formulas)
    return planted


def _labels(net: Net, rng: random.Random) -> dict[str, str]:
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
    for unit in (*net.layers[1], *net.layers[2]):
        result[f"a_{unit}"] = act.format(unit)
        result[f"d_{unit}"] = f"δ_{unit}"
    result["epoch"] = rng.choice(["epoch", "Iteration", "#", ""])
    if rng.random() < 0.12:
        for unit in (*net.layers[1], *net.layers[2]):
            result[unit] = result[f"a_{unit}"] = ""
    return result


def _plant(net: Net, rng: random.Random, kind: str, formulas: dict[str, str],
           updates: dict[str, str]) -> set[str] | None:
    """Change one formula; return the names of the wrong columns, or None where the network does not allow it."""
    import re

    gradients = [f"g_{w}" for w in net.weights]
    name = rng.choice(gradients)
    text = formulas[name]
    refs = re.findall(r"\{(\w+)\}", text)
    if kind == "swap":
        spot = rng.choice(refs)
        targets = [f"t{k + 1}" for k in range(net.outputs)]
        pool = [n for n in ([f"a_{u}" for u in net.layers[1]], [f"a_{u}" for u in net.layers[2]], net.layers[0],
                            net.weights, targets,
                            [f"d_{u}" for u in net.layers[1]],
                            [f"d_{u}" for u in net.layers[2]]) if spot in n]
        there = {*formulas, *net.params, *net.layers[0], *targets}
        others = [n for n in (pool[0] if pool else []) if n != spot and n in there]
        if not others:
            return None
        formulas[name] = text.replace("{" + spot + "}", "{" + rng.choice(others) + "}")
    elif kind == "bracket":
        options = [text.replace("(1-", "1-(", 1).replace("1-(", "1-", 1).replace("})", "}", 1) if "(1-" in text else ""]
        if "(1-{" in text:
            options.append(re.sub(r"\(1-(\{\w+\})\)", r"1-\1", text, count=1))
        if ")^2)" in text:
            options.append(re.sub(r"\(1\+EXP\(-(\{\w+\})\)\)\^2", r"(1+EXP(-\1)^2)", text, count=1))
        options = [o for o in options if o and o != text and _balanced(o)]
        if not options:
            return None
        formulas[name] = rng.choice(options)
    elif kind == "sign":
        spots = re.findall(r"\(\{a_o\d\}-\{t\d\}\)", text)
        if not spots:
            formulas[name] = "-" + text
        else:
            one = rng.choice(spots)
            a, t = one[1:-1].split("-")
            formulas[name] = text.replace(one, f"({t}-{a})", 1)
            if text.count(one) > 1:
                return None
    elif kind == "abs":
        formulas[name] = f"ABS({text})"
    elif kind == "square":
        spots = re.findall(r"\{a_\w+\}|\{i\d\}", text)
        if net.activation == "tanh" and "^2" in text:
            formulas[name] = text.replace("^2", "", 1)
        elif spots:
            one = rng.choice(spots)
            formulas[name] = text.replace(one, one + "^2", 1)
        else:
            return None
    elif kind == "factor":
        parts = text.split("*")
        if len(parts) < 2 or ("(" in parts[-1]) or not re.fullmatch(r"\{\w+\}", parts[-1]):
            return None
        formulas[name] = "*".join(parts[:-1])
    elif kind == "term":
        if net.outputs < 2:
            return None
        name = rng.choice([f"d_{u}" for u in net.layers[1]] if net.deltas else
                          [f"g_{w}" for u in net.layers[1] for w, s in net.incoming[u] if s != "1"])
        text = formulas[name]
        depth, cut = 0, -1
        for k, letter in enumerate(text):
            depth += (letter == "(") - (letter == ")")
            if letter == "+" and depth == 1:
                cut = k
                break
        end = _closing(text, 0)
        if cut < 0 or text[0] != "(" or end < 0:
            return None
        formulas[name] = text[:cut] + text[end:]
    elif kind == "update gradient":
        p, q = rng.sample(net.weights, 2)
        target = f"v_{p}" if net.momentum else p
        updates[target] = updates[target].replace(f"{{g_{p}}}", f"{{g_{q}}}")
        return {target}
    elif kind == "update weight":
        p, q = rng.sample(net.weights, 2)
        updates[p] = updates[p].replace(f"{{{p}}}-", f"{{{q}}}-")
        return {p}
    elif kind == "update sign":
        p = rng.choice(net.weights)
        updates[p] = updates[p].replace("-{lr}", "+{lr}")
        return {p}
    elif kind == "rate other":
        return {rng.choice(net.weights)}
    elif kind == "forward activation":
        units = rng.choice([layer for layer in net.layers[1:] if len(layer) > 1])
        a, b = rng.sample(units, 2)
        formulas[f"a_{a}"] = formulas[f"a_{a}"].replace("{" + a + "}", "{" + b + "}")
        return {f"a_{a}"}
    elif kind == "forward source":
        unit = rng.choice(net.layers[1] + net.layers[2])
        pairs = [(w, s) for w, s in net.incoming[unit] if s != "1"]
        (_, a), (_, b) = rng.sample(pairs, 2)
        formulas[unit] = formulas[unit].replace("{" + a + "}", "{" + b + "}")
        return {unit}
    elif kind == "forward weights":
        unit = rng.choice(net.layers[1] + net.layers[2])
        pairs = [(w, s) for w, s in net.incoming[unit] if s != "1"]
        (a, _), (b, _) = rng.sample(pairs, 2)
        formulas[unit] = formulas[unit].replace("{" + a + "}", "{#}").replace("{" + b + "}", "{" + a + "}").replace(
            "{#}", "{" + b + "}")
        return {unit}
    elif kind == "error factor":
        e = rng.choice(net.errors)
        if net.loss == "cross":
            return None
        formulas[e] = "(" + formulas[e] + ")*2" if net.loss == "half" and rng.random() < 0.5 else \
            re.sub(r"0\.5\*|1/2\*|/2", "", formulas[e]) if net.loss == "half" else "0.5*" + formulas[e]
        return {e}
    elif kind == "error target":
        if net.outputs < 2:
            return None
        formulas["E1"] = formulas["E1"].replace("{t1}", "{t2}") if rng.random() < 0.5 else \
            formulas["E1"].replace("{a_o1}", "{a_o2}")
        return {"E1"}
    elif kind == "total":
        if net.outputs < 2:
            return None
        formulas["E_total"] = rng.choice(["{E1}", "{E1}-{E2}", "{E1}+{E1}"])
        return {"E_total"}
    else:
        return set()
    return {name}


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


def _rows(planted: Planted, net: Net, rng: random.Random, sheet: Any, where: dict[str, int], first: int, last: int,
          formulas: dict[str, str], updates: dict[str, str]) -> bool:
    """Plant a mistake that concerns rows: pasted numbers, odd formulas, blanks, errors."""
    kind = planted.kind
    names = [*net.params, *formulas]
    name = rng.choice(names)
    row = rng.randint(first + 2, last - 1)
    target = sheet.cell(row, where[name])
    if kind == "pasted cell":
        for r in range(row, min(last, row + rng.choice([0, 0, 2])) + 1):
            sheet.cell(r, where[name]).value = round(rng.uniform(0.01, 0.9), 9)
            planted.cells.add(sheet.cell(r, where[name]).coordinate)
    elif kind == "pasted row":
        for one in names:
            sheet.cell(row, where[one]).value = round(rng.uniform(0.01, 0.9), 9)
            planted.cells.add(sheet.cell(row, where[one]).coordinate)
    elif kind == "pasted column":
        name = rng.choice([n for n in formulas if n.startswith("g_")])
        for r in range(first, last + 1):
            sheet.cell(r, where[name]).value = round(0.01 + r * 1e-4, 9)
            planted.cells.add(sheet.cell(r, where[name]).coordinate)
    elif kind == "odd row":
        target.value = f"{target.value}*{rng.choice(['1.01', '2', '0.5'])}"
        planted.cells.add(target.coordinate)
    elif kind == "blank cell":
        target.value = None
        planted.cells.add(target.coordinate)
    elif kind == "error cell":
        target.value = f"={target.value[1:]}/0" if rng.random() < 0.5 else f"{target.value}+#REF!"
        planted.cells.add(target.coordinate)
    del updates
    return True


def _chart(planted: Planted, net: Net, rng: random.Random, sheet: Any, where: dict[str, int], header: int, first: int,
           last: int) -> None:
    kind = planted.kind
    chart = LineChart()
    column = where["E_total"]
    top, bottom = first, last
    letter = get_column_letter(column)
    if kind == "chart rows":
        bottom -= rng.randint(1, max(1, net.rows // 2))
        planted.cells = {f"{letter}{r}" for r in range(first, last + 1)}
    series_column = column
    if kind == "chart mixed":
        series_column = where["E1"]
        planted.cells = {f"{get_column_letter(series_column)}{r}" for r in range(first, last + 1)}
    series = Series(Reference(sheet, min_col=series_column, min_row=top, max_row=bottom), title="loss")
    from openpyxl.chart.series import SeriesLabel, StrRef

    quoted = f"'{sheet.title}'!"
    if kind == "chart name":
        series = Series(Reference(sheet, min_col=column, min_row=top + 1, max_row=bottom), title="loss")
        series.tx = SeriesLabel(strRef=StrRef(f"{quoted}${letter}${first}"))
        planted.cells = {f"{letter}{first}"}
    elif kind == "chart mixed" or rng.random() < 0.5:
        series.tx = SeriesLabel(strRef=StrRef(f"{quoted}${letter}${header}"))
    chart.series.append(series)
    sheet.add_chart(chart, f"A{last + 4}")


def _more(book: Any, sheet: Any, net: Net, rng: random.Random, where: dict[str, int], header: int, first: int,
          last: int, kind: str, right: int) -> None:
    """Add what other sheets have besides: summaries, notes, a second table below or beside, a second sheet."""
    total = get_column_letter(where["E_total"])
    if rng.random() < 0.3:
        sheet.cell(last + 2, right + 1, "smallest")
        sheet.cell(last + 2, right + 2, f"=MIN({total}{first}:{total}{last})")
    if rng.random() < 0.3:
        sheet.cell(1, right + 2, "h1 = w1*i1 + w2*i2")
        sheet.cell(2, right + 2, "=> ∂E/∂w5 = (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1")
    if rng.random() < 0.15:
        for row in range(first, last + 1):
            sheet.cell(row, right).value = f"=LOG10({total}{row})" if row > first else None
        sheet.cell(header, right, "log E")
    place = rng.random()
    if place < 0.36 and not kind.startswith(("stored", "values")):
        import random as module

        other = Net(module.Random(rng.random()))
        if place < 0.12:
            _plain_table(sheet, other, last + 4, 2)
        elif place < 0.24:
            _plain_table(sheet, other, header, right + 3)
        else:
            extra = book.create_sheet("LR 0.5")
            _plain_table(extra, other, 4, 1)


def _plain_table(sheet: Any, net: Net, header: int, left: int) -> None:
    """Write a second, right table."""
    columns = net.columns()
    where = {name: left + k for k, name in enumerate(columns)}
    first = header + 1
    sheet.cell(header - 1, left, "lr")
    sheet.cell(header - 1, left + 1, 0.5)
    rate = f"${get_column_letter(left + 1)}${header - 1}"
    for name in columns:
        sheet.cell(header, where[name], f"dE/d{name[2:]}" if name.startswith("g_") else name)
    for row in range(first, first + 15):
        for name in columns:
            if name in net.formulas:
                text, at = net.formulas[name], row
            elif name in net.updates and row > first:
                text, at = net.updates[name], row - 1
            else:
                sheet.cell(row, where[name], 0.2 + 0.05 * (where[name] % 9) if name[0] != "v" else 0.0)
                continue
            cells = {n: f"{get_column_letter(c)}{at}" for n, c in where.items()}
            sheet.cell(row, where[name], "=" + text.format(**cells, lr=rate))


def _store(planted: Planted, rng: random.Random, where: dict[str, int], first: int, last: int,
           formulas: dict[str, str]) -> None:
    """Store values in the file as a spreadsheet program would; make one stale where that is the mistake."""
    import re
    import zipfile

    import sheetprop

    book = sheetprop.open(planted.path)
    book.calculate()
    book.save(planted.path)
    if planted.kind == "stored":
        name = rng.choice([n for n in formulas if n != "E_total"])
        spot = f"{get_column_letter(where[name])}{rng.randint(first + 1, last)}"
        planted.cells = {spot}

        def change(data: bytes) -> bytes:
            pattern = rb'(<c r="' + spot.encode() + rb'"[^>]*>(?:<f>[^<]*</f>)?<v>)([^<]*)(</v>)'
            return re.sub(pattern, lambda m: m[1] + repr(float(m[2]) * 1.3 + 0.01).encode() + m[3], data)
    elif planted.kind == "values only":
        planted.cells = {f"{get_column_letter(c)}{r}" for c in where.values() for r in range(first, last + 1)}

        def change(data: bytes) -> bytes:
            return re.sub(rb"<f>[^<]*</f>", b"", data)
    else:
        return
    with zipfile.ZipFile(planted.path) as archive:
        parts = {info.filename: archive.read(info) for info in archive.infolist()}
    with zipfile.ZipFile(planted.path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, change(data) if name == "xl/worksheets/sheet1.xml" else data)

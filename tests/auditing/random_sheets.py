"""Random back-propagation sheets in random layouts, right or with one planted mistake, for tests and benchmarks.

The formulas are written out by hand-made rules; nothing of the package is used to make them.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.workbook.defined_name import DefinedName
from paper import Paper
from planted_mistakes import KINDS, Plan
from random_headers import RATE, labels_of, write_header
from random_networks import Net
from surroundings import add_chart, add_more, store_values

__all__ = ["KINDS", "Planted", "make"]


@dataclass
class Planted:
    """A sheet that was made: the file, and the cells of the mistake, any of which a finding must name."""

    path: Path
    kind: str
    cells: set[str] = field(default_factory=set)
    sheet: str = ""
    made: bool = True


def make(path: Path, seed: int, kind: str = "", formulas: int = 0) -> Planted:
    """Write a random workbook, right when `kind` is empty, else with one mistake of that kind.

    `formulas` is about how many formulas the first table has; 0 leaves that to chance.
    """
    rng = random.Random(seed)
    for _ in range(40):
        net = Net(rng)
        if formulas:
            net.rows = max(12, formulas // (len(net.formulas) + len(net.gradients) + len(net.params)))
        planted = _Sheet(path, net, rng, kind).write()
        if planted.made and (kind or not (net.unbounded and _breaks(path))):
            return planted
    return planted


def _breaks(path: Path) -> bool:
    """Return whether a right sheet runs into an error cell by itself, such as LN(0) where an output saturates."""
    import sheetprop

    book = sheetprop.open(path)
    return bool(book.calculate().errors)


class _Sheet:
    """One workbook on its way: where everything stands, then every cell."""

    def __init__(self, path: Path, net: Net, rng: random.Random, kind: str) -> None:
        self.path, self.net, self.rng, self.kind = path, net, rng, kind
        self.book = Workbook()
        self.book.active.title = rng.choice(["Sheet1", "Backprop", "S6", "LR sheet"])
        self.paper = Paper(self.book.active, turned=rng.random() < 0.15)
        self.planted = Planted(path, kind, sheet=self.book.active.title)
        self.header, self.left = rng.randint(4, 40), rng.randint(2, 5)
        self.first, self.last = self.header + 1, self.header + net.rows
        self.rate = rng.choice([0.1, 0.2, 0.5, 0.8, 1.0, 2.0])
        self.rate_kind = "above" if kind.startswith("rate") else rng.choice(["above"] * 7 + ["name", "sheet", "column",
                                                                                          "typed"])
        self.given_kind = rng.choice(["columns"] * 8 + ["above", "sheet", "varying"])
        self.start_kind = rng.choice(["numbers", "numbers", "numbers", "block"])
        self.values = {name: rng.choice([0.01, 0.5, 0.99, 0.3]) if name[0] == "t" else round(rng.uniform(0.05, 1), 2)
                       for name in net.given}
        if net.loss == "softmax":
            self.values.update({name: 1.0 if name[1] == "1" else 0.0 for name in net.given if name[0] == "t"})
        self.starts = {p: round(rng.uniform(0.1, 0.9) * rng.choice([1, 1, -1]), 2) for p in net.params}
        self.chain = rng.random() < 0.2
        self.counter = rng.random() < 0.5
        self.plan = Plan(net, rng, kind)
        self.cells: dict[int, dict[str, str]] = {}

    def write(self) -> Planted:
        """Write the file and return what was planted."""
        if not self.plan.possible:
            self.planted.made = False
            return self.planted
        columns = self.net.columns()
        if self.given_kind in ("above", "sheet"):
            columns = [name for name in columns if name not in self.net.given]
        if self.rate_kind == "column":
            columns = ["lr", *columns]
        if self.rng.random() < 0.4:
            columns = ["epoch", *columns]
        self.where = {name: self.left + k for k, name in enumerate(columns)}
        self.right = self.left + len(columns)
        right = labels_of(self.net, self.rng)
        headed = {name: self.plan.labels.get(name, name) for name in self.where}
        labels = {name: right.get(other, other) for name, other in headed.items()}
        # Under a heading "Gradients" a gradient's label is its weight's.
        short = {name: right[other[2:]] for name, other in headed.items() if other.startswith("g_")}
        write_header(self.paper, self.net, self.rng, labels, short, self.where, self.header)
        self._rate_cell()
        self._title()
        self._given_cells()
        for row in range(self.first, self.last + 1):
            for name in columns:
                self.paper.put(row, self.where[name], self._content(name, row))
        self._mark()
        self._rows()
        if self.rng.random() < 0.3 or self.kind.startswith("chart"):
            self.planted.cells |= add_chart(self, self.kind)
        add_more(self, self.kind)
        if self.planted.made:
            self.book.save(self.path)
            if self.kind in ("stored", "values only") or self.rng.random() < 0.3:
                self.planted.cells |= store_values(self, self.kind)
        return self.planted

    def _rate_cell(self) -> None:
        rng, paper = self.rng, self.paper
        row, column = rng.randint(1, max(1, self.header - 3)), self.left + 1 + rng.randint(0, 6)
        label = (row, column - 1) if rng.random() < 0.5 or row == 1 else (row - 1, column)
        self.rate_at = (row, column)
        self.other = paper.fixed(row + 1, column)
        if self.rate_kind == "sheet":
            sheet = self.book.create_sheet("Params")
            sheet["A1"], sheet["B1"] = rng.choice(RATE), self.rate
            self.rate_text = "Params!$B$1"
            return
        self.rate_text = {"typed": f"{self.rate:g}"}.get(self.rate_kind, paper.fixed(row, column))
        if self.rate_kind in ("typed", "column"):
            return
        paper.put(*label, rng.choice(RATE))
        paper.put(row, column, None if self.kind == "rate blank" else "0,5" if self.kind == "rate text" else self.rate)
        if self.rate_kind == "name":
            where = f"'{self.planted.sheet}'!{self.rate_text}"
            self.book.defined_names["eta_"] = DefinedName("eta_", attr_text=where)
            self.rate_text = "eta_"
        if self.kind == "rate walks" and row + 1 >= self.header - 1:
            self.planted.made = False

    def _title(self) -> None:
        if self.rng.random() < 0.3 or self.kind == "title":
            if self.header <= 4 or (self.kind == "title" and self.rate_kind == "column"):
                self.planted.made = self.kind != "title"
                return
            said = self.rate if self.kind != "title" else self.rate * 2
            spot = (2 if self.rate_at[0] not in (2, 3) else 1, self.left + 12)
            self.paper.put(*spot, f"Learning rate = {said:g}")
            if self.kind == "title":
                self.planted.cells = {self.paper.ref(*spot)}

    def _given_cells(self) -> None:
        """Write inputs and initial weights that stand outside the table, and say how formulas read them."""
        self.outside: dict[str, Callable[[int], str]] = {}
        fixed = {**(self.values if self.given_kind == "above" else {}),
                 **({f"start {p}": v for p, v in self.starts.items()} if self.start_kind == "block" else {})}
        for k, (name, value) in enumerate(fixed.items()):
            spot = (1 + k, self.right + 6)
            self.paper.put(spot[0], spot[1] - 1, name)
            self.paper.put(*spot, value)
            self.outside[name] = lambda row, spot=spot: self.paper.fixed(*spot)  # type: ignore[misc]
        if self.given_kind == "sheet":
            data = self.book.create_sheet("Data")
            page = Paper(data, turned=self.paper.turned)
            for k, name in enumerate(self.net.given):
                page.put(1, k + 1, name)
                for row in range(self.first, self.last + 1):
                    page.put(row - self.first + 2, k + 1, self._drawn(name))
                self.outside[name] = lambda row, k=k: "Data!" + page.ref(row - self.first + 2, k + 1)  # type: ignore[misc]

    def _drawn(self, name: str) -> float:
        return self.values[name] if name[0] == "t" else round(self.rng.uniform(0.05, 1), 2)

    def _content(self, name: str, row: int) -> object:
        """Return what stands in a cell of the table."""
        if name == "epoch":
            return f"={self.ref(name, row - 1)}+1" if self.counter and row > self.first else row - self.first
        if name == "lr":
            return self.rate
        if name in self.values:
            if self.given_kind == "varying":
                return self._drawn(name)
            return f"={self.ref(name, row - 1)}" if self.chain and row > self.first else self.values[name]
        if name in self.plan.formulas:
            return self.formula(self.plan.formulas[name], row)
        if row == self.first and not (name[0] == "v" and self.net.momentum == "none"):
            held = f"start {name}"
            return "=" + self.outside[held](row) if held in self.outside else self.starts.get(name, 0.0)
        return self.formula(self.plan.updates[name], row - 1)

    def ref(self, name: str, row: int) -> str:
        """Return how a formula reads a quantity of the iteration that stands in `row`."""
        return self.outside[name](row) if name in self.outside else self.paper.ref(row, self.where[name])

    def formula(self, text: str, row: int) -> str:
        """Return a text as a formula about the iteration in `row`."""
        if row not in self.cells:
            walking = self.paper.ref(self.rate_at[0] + row - self.first, self.rate_at[1])
            rate = walking if self.kind == "rate walks" else \
                self.ref("lr", row) if self.rate_kind == "column" else self.rate_text
            self.cells[row] = {**{name: self.ref(name, row) for name in (*self.where, *self.outside)},
                               **{f"{name}'": self.ref(name, row + 1) for name in self.where},
                               "lr": rate, "other": self.other}
        return "=" + text.format(**self.cells[row])

    def _mark(self) -> None:
        """Note the cells of a mistake in the formulas."""
        if self.kind and not self.planted.cells:
            for name in self.plan.hit:
                start = self.first + 1 if name in self.plan.updates else self.first
                if self.kind.startswith("label"):
                    start = max(1, self.header - 1)
                self.planted.cells |= {self.paper.ref(row, self.where[name]) for row in range(start, self.last + 1)}

    def _rows(self) -> None:
        """Plant a mistake that concerns rows: pasted numbers, odd formulas, blanks, errors."""
        kind, rng = self.kind, self.rng
        names = [*self.net.params, *self.plan.formulas]
        name, row = rng.choice(names), rng.randint(self.first + 2, self.last - 1)
        cells: list[tuple[int, str]] = []
        value = self.paper.cell(row, self.where[name]).value
        if kind == "pasted cell":
            cells = [(r, name) for r in range(row, min(self.last, row + rng.choice([0, 0, 2])) + 1)]
        elif kind == "pasted row":
            cells = [(row, one) for one in names]
        elif kind == "pasted column":
            gradients = [n for n in self.plan.formulas if n.startswith("g_")]
            if not gradients:
                self.planted.made = False
                return
            name = rng.choice(gradients)
            cells = [(r, name) for r in range(self.first, self.last + 1)]
        for r, one in cells:
            self.paper.put(r, self.where[one], round(rng.uniform(0.01, 0.9), 9) if kind != "pasted column" else
                           round(0.01 + r * 1e-4, 9))
        if kind in ("odd row", "blank cell", "error cell"):
            cells = [(row, name)]
            odd: Any = {"blank cell": None, "odd row": f"={value[1:]}*{rng.choice(['1.01', '2', '0.5'])}",
                        "error cell": f"={value[1:]}/0" if rng.random() < 0.5 else f"{value}+#REF!"}[kind]
            if kind == "odd row" and ("+" in value or "-" in value) and rng.random() < 0.8:
                odd = f"=({value[1:]})*{rng.choice(['1.01', '2', '0.5'])}"
            self.paper.put(row, self.where[name], odd)
        self.planted.cells |= {self.paper.ref(r, self.where[one]) for r, one in cells}

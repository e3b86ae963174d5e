"""What stands around a random table: charts, summaries, notes, further tables, stored values."""

from __future__ import annotations

import random
import re
import zipfile
from typing import TYPE_CHECKING

from openpyxl.chart import LineChart, Reference, Series
from openpyxl.chart.series import SeriesLabel, StrRef
from paper import Paper
from random_networks import Net

if TYPE_CHECKING:
    from random_sheets import _Sheet


def add_chart(made: _Sheet, kind: str) -> set[str]:
    """Add a chart of the loss; return the cells of the mistake in it."""
    rng, paper, first, bottom = made.rng, made.paper, made.first, made.last
    total = made.where["E_total"]
    column = made.where[made.net.errors[0]] if kind == "chart mixed" else total
    shown = {paper.ref(row, column) for row in range(made.first, made.last + 1)}
    wrong = {"chart rows": shown, "chart mixed": shown, "chart name": {paper.ref(first, total)}}.get(kind, set())
    top = first + 1 if kind == "chart name" else first
    if kind == "chart rows":
        bottom -= rng.randint(1, max(1, made.net.rows // 2))
    series = Series(Reference(paper.sheet, range_string=paper.span(top, column, bottom, column)), title="loss")
    label = first if kind == "chart name" else made.header
    if kind in ("chart name", "chart mixed") or rng.random() < 0.5:
        held = paper.cell(made.header, total).value
        if kind == "chart name" or isinstance(held, str):
            series.tx = SeriesLabel(strRef=StrRef(f"'{paper.sheet.title}'!{paper.fixed(label, total)}"))
    chart = LineChart()
    chart.series.append(series)
    paper.sheet.add_chart(chart, f"A{made.last + 4}")
    return wrong


def add_more(made: _Sheet, kind: str) -> None:
    """Add what other sheets have besides: summaries, notes, a second table below or beside, a second sheet."""
    rng, paper, right = made.rng, made.paper, made.right
    total = made.where["E_total"]
    if rng.random() < 0.3:
        paper.put(made.last + 2, right + 1, "smallest")
        paper.put(made.last + 2, right + 2, f"=MIN({paper.ref(made.first, total)}:{paper.ref(made.last, total)})")
    if rng.random() < 0.3:
        paper.put(1, right + 2, "h1 = w1*i1 + w2*i2")
        paper.put(2, right + 2, "=> ∂E/∂w5 = (a_o1 - t1) * a_o1 * (1 - a_o1) * a_h1")
    if rng.random() < 0.15:
        for row in range(made.first + 1, made.last + 1):
            paper.put(row, right, f"=LOG10({paper.ref(row, total)})")
        paper.put(made.header, right, "log E")
    place = rng.random()
    if place < 0.36 and not kind.startswith(("stored", "values")):
        other = Net(random.Random(rng.random()))
        if place < 0.12:
            _plain_table(paper, other, made.last + 4, 2)
        elif place < 0.24:
            _plain_table(paper, other, made.header, right + 12)
        else:
            _plain_table(Paper(made.book.create_sheet("LR 0.5"), turned=False), other, 4, 1)


def _plain_table(paper: Paper, net: Net, header: int, left: int) -> None:
    """Write a second, right table."""
    columns = net.columns()
    where = {name: left + k for k, name in enumerate(columns)}
    formulas = {**net.formulas, **({} if net.inline else {f"g_{p}": text for p, text in net.gradients.items()})}
    within = {p: f"{{{p}}}-{{lr}}*({text})" for p, text in net.gradients.items()} if net.inline else {}
    updates = {**net.updates, **within}
    softmax = net.loss == "softmax"
    paper.put(header - 1, left, "lr")
    paper.put(header - 1, left + 1, 0.5)
    rate = paper.fixed(header - 1, left + 1)
    for name in columns:
        paper.put(header, where[name], f"dE/d{name[2:]}" if name.startswith("g_") else name)
    for row in range(header + 1, header + 16):
        for name in columns:
            if name in formulas:
                text, at = formulas[name], row
            elif name in updates and row > header + 1:
                text, at = updates[name], row - 1
            else:
                whole = softmax and name[0] == "t"
                paper.put(row, where[name], 0.0 if name[0] == "v" else float(name[1] == "1") if whole else
                          0.2 + 0.05 * (where[name] % 9))
                continue
            cells = {n: paper.ref(at, c) for n, c in where.items()}
            after = {f"{n}'": paper.ref(at + 1, c) for n, c in where.items()}
            paper.put(row, where[name], "=" + text.format(**cells, **after, lr=rate))


def store_values(made: _Sheet, kind: str) -> set[str]:
    """Store values in the file as a spreadsheet program would; make one stale where that is the mistake."""
    import sheetprop

    book = sheetprop.open(made.path)
    book.calculate()
    book.save(made.path)
    if kind == "stored":
        name = made.rng.choice([n for n in made.plan.formulas if n != "E_total"])
        spot = made.paper.ref(made.rng.randint(made.first + 1, made.last), made.where[name])

        def change(data: bytes) -> bytes:
            pattern = rb'(<c r="' + spot.encode() + rb'"[^>]*>(?:<f>[^<]*</f>)?<v>)([^<]*)(</v>)'
            return re.sub(pattern, lambda m: m[1] + repr(float(m[2]) * 1.3 + 0.01).encode() + m[3], data)

        cells = {spot}
    elif kind == "values only":
        cells = {made.paper.ref(row, column) for column in made.where.values()
                 for row in range(made.first, made.last + 1)}

        def change(data: bytes) -> bytes:
            return re.sub(rb"<f>[^<]*</f>", b"", data)
    else:
        return set()
    with zipfile.ZipFile(made.path) as archive:
        parts = {info.filename: archive.read(info) for info in archive.infolist()}
    with zipfile.ZipFile(made.path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, data in parts.items():
            archive.writestr(part, change(data) if part == "xl/worksheets/sheet1.xml" else data)
    return cells

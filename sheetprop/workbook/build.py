"""Building the workbook: draw the sheets, copy the rows down, calculate, store the values."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sheetprop.errors import SheetpropError
from sheetprop.files import check_writable, replacing
from sheetprop.network.reference_process import Reference
from sheetprop.network.spec import Spec, make_spec
from sheetprop.progress import stages
from sheetprop.workbook.exercise import ROWS
from sheetprop.workbook.layout import Layout

if TYPE_CHECKING:
    from sheetprop.engine.book import Book


@dataclass(frozen=True)
class Built:
    """What :func:`build` wrote.

    Attributes:
        path: the workbook.
        answers: the book with the answers of an exercise, else None.
        sheets: names of the sheets, in order.
        formulas: number of formula cells.
        first_error, last_error: E_total of each learning rate at the first and the last iteration;
            None where it overflowed.
        learning_rates: the rates.
    """

    path: Path
    answers: Path | None
    sheets: tuple[str, ...]
    formulas: int
    learning_rates: tuple[float, ...]
    first_error: tuple[float | None, ...]
    last_error: tuple[float | None, ...]

    def to_json(self) -> str:
        """Return the fields as JSON."""
        fields = asdict(self)
        fields["path"] = str(self.path)
        fields["answers"] = None if self.answers is None else str(self.answers)
        return json.dumps(fields, indent=2)


def build(
    spec: Spec | None = None,
    output: str | os.PathLike[str] = "sheetprop.xlsx",
    *,
    exercise: bool = False,
    blank: Sequence[str] = ("gradients",),
    rows: int = ROWS,
    force: bool = False,
) -> Built:
    """Build the workbook of `spec`, every formula with its value.

    Args:
        spec: what is learned (`make_spec`); the preset ``classic`` by default.
        output: the file to write.
        exercise: leave columns blank for a student, with a live verdict beside each cell, and write
            the ordinary book beside it as ``NAME.answers.xlsx``.
        blank: what an exercise leaves blank: ``gradients``, ``forward``, ``error``, ``updates`` or symbols.
        rows: in so many iterations of an exercise the columns are blank, from the first; the rest is live.
        force: replace files that exist.

    Raises:
        SheetpropError: the spec does not fit into a workbook, or the file exists or cannot be written.
    """
    from sheetprop.workbook.exercise import blank_columns

    spec = make_spec() if spec is None else spec
    path = Path(output)
    if path.suffix.lower() != ".xlsx":
        raise SheetpropError(f"{path}: a workbook's name ends in .xlsx; give such a name")
    if rows < 1:
        raise SheetpropError(f"--rows {rows}: leave at least one iteration to fill in")
    full = Layout(spec)
    if not exercise:
        return _build(full, path, force=force)
    answers = path.with_name(f"{path.stem}.answers{path.suffix}")
    check_writable(path, force=force)
    check_writable(answers, force=force)
    task = Layout(spec, blank_columns({c.symbol: c.group for c in full.columns}, blank), rows)
    _build(full, answers, force=force)
    from dataclasses import replace

    return replace(_build(task, path, force=force), answers=answers)


def _build(layout: Layout, path: Path, *, force: bool) -> Built:
    from sheetprop.workbook import check
    from sheetprop.workbook.names import CHECK, START

    check_writable(path, force=force)
    with (Reference() as reference, replacing(path, force=force) as target, tempfile.TemporaryDirectory() as folder,
          stages(f"Building {path.name}", 5) as begin):
        if not layout.blank:
            pytorch = reference.snapshots(layout.spec, set(check.points(layout).values()))
        begin("drawing the sheets")
        drawn, saved = Path(folder) / "drawn.xlsx", Path(folder) / "saved.xlsx"
        charts = _draw(layout, drawn)
        begin("copying rows down")
        book = _filled(layout, drawn)
        begin("calculating")
        formulas = book.calculate().formulas
        begin("saving")
        caches = _caches(book)
        book.save(target if layout.blank else saved, patch=dict.fromkeys(charts, caches))
        if not layout.blank:
            # Nearly all is written by now; only these two sheets have to wait for PyTorch's values.
            begin("waiting for PyTorch")
            for address, value in check.pytorch_cells(layout, pytorch()).items():
                book.set(f"{CHECK}!{address}", value)
            book.calculate()
            book.save(target, sheets=(START, CHECK), rest=saved)
    return _built(layout, path, book, formulas)


def _draw(layout: Layout, target: Path) -> list[str]:
    """Write all sheets, of the long ones the first two iterations; return the parts that hold charts."""
    from sheetprop.workbook import package, picture, start

    _workbook(layout).save(target)
    anchor = picture.shapes(layout.spec.network, start.PICTURE_COLUMN - 1, 3)
    parts = package.tidy(package.read_parts(target), anchor)
    package.write_parts(parts, target)
    return [name for name in parts if name.startswith("xl/charts/chart")]


def _workbook(layout: Layout) -> Any:
    """Draw all sheets with openpyxl; of the long ones the first two iterations."""
    from openpyxl import Workbook

    from sheetprop.workbook import chart_data, check, compare, diagram, parameters, rates, start, steps
    from sheetprop.workbook.names import CHART_DATA, CHECK, COMPARE, DIAGRAM, PARAMETERS, START, STEPS

    book = Workbook()
    book.remove(book.worksheets[0])
    for name in layout.sheets:
        book.create_sheet(name)
    start.draw(book[START], layout)
    parameters.draw(book[PARAMETERS], layout)
    steps.draw(book[STEPS], layout)
    diagram.draw(book[DIAGRAM], layout)
    for rate, name in enumerate(layout.rate_sheets):
        rates.draw(book[name], layout, rate)
    compare.draw(book[COMPARE], layout)
    check.draw(book[CHECK], layout)
    if layout.is_long:
        chart_data.draw(book[CHART_DATA], layout)
    for defined in parameters.names(layout):
        book.defined_names[str(defined.name)] = defined
    return book


def _filled(layout: Layout, drawn: Path) -> Book:
    """Open the workbook and copy the rows of the long sheets down."""
    from sheetprop.engine import book as engine
    from sheetprop.workbook import contents

    book = engine.open(drawn)
    for sheet, row, last in contents.filled(layout):
        book.fill_down(sheet, row, last)
    return book


def _caches(book: Book) -> Callable[[bytes], bytes]:
    """Return a function that puts into a chart the values that it shows."""
    from sheetprop.workbook import package

    def numbers(reference: str) -> list[float]:
        sheet, column, first, last = _area(reference)
        return [float(value) for value in book[sheet].column(column, first, last)]

    def text(reference: str) -> str:
        sheet, column, first, _ = _area(reference)
        return str(book[sheet][f"{column}{first}"])

    return lambda chart: package.with_caches(chart, numbers, text)


def _built(layout: Layout, path: Path, book: Book, formulas: int) -> Built:
    """Return what was written."""
    from sheetprop.network import symbols

    ends = [[book[name][layout.address(symbols.TOTAL, iteration)] for name in layout.rate_sheets]
            for iteration in (0, layout.spec.iterations)]
    first_error, last_error = (tuple(float(value) if isinstance(value, int | float) else None for value in values)
                               for values in ends)
    return Built(path, None, layout.sheets, formulas, layout.spec.learning_rates, first_error, last_error)


def _area(reference: str) -> tuple[str, str, int, int]:
    """Split ``'LR 0.1'!$A$8:$A$108`` into sheet, column, first and last row."""
    sheet, _, area = reference.rpartition("!")
    first, _, last = area.replace("$", "").partition(":")
    column = first.rstrip("0123456789")
    name = sheet[1:-1].replace("''", "'") if sheet.startswith("'") else sheet
    return name, column, int(first[len(column):]), int((last or first)[len(column):])

"""Regression tests on cell values: write every evaluated cell to a golden file, and say what moved since.

A golden file is a table with the columns sheet, address, symbol, iteration, type, value and formula,
as CSV, JSON or Parquet. Numbers are written so that they read back as the same bits.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from sheetprop.errors import SheetpropError, check_tolerance
from sheetprop.files import replacing

FIELDS = ("sheet", "address", "symbol", "iteration", "type", "value", "formula")
FORMATS = (".csv", ".json", ".parquet")

LISTED = 1000
"""So many changes of a comparison are kept; the others are counted."""

Type = Literal["number", "text", "boolean", "error", "blank"]


@dataclass(frozen=True, slots=True)
class CellValue:
    """One evaluated cell.

    Attributes:
        sheet, address: where it stands.
        symbol: the quantity, in a learning-rate sheet of ours; else None.
        iteration: its row's iteration, in a learning-rate sheet of ours; else None.
        type: what kind of value it has.
        value: a number as `float`, text, ``TRUE`` or ``FALSE``, or an error such as ``#NUM!``; None for blank.
        formula: with ``=``, or None for a constant.
    """

    sheet: str
    address: str
    symbol: str | None
    iteration: int | None
    type: Type
    value: float | str | None
    formula: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """A cell that is not as it was.

    Attributes:
        kind: ``value``, ``formula``, ``gone`` (only in the first) or ``added`` (only in the second).
        sheet, address, symbol, iteration: the cell.
        before, after: values, or formulas when `kind` is ``formula``.
        difference: absolute, for two numbers.
        relative: relative to the larger of the two, for two numbers.
    """

    kind: Literal["value", "formula", "gone", "added"]
    sheet: str
    address: str
    symbol: str | None
    iteration: int | None
    before: float | str | None
    after: float | str | None
    difference: float | None = None
    relative: float | None = None

    @property
    def message(self) -> str:
        """One line for people."""
        place = f"{self.sheet}!{self.address}"
        if self.symbol is not None:
            place += f" ({self.symbol}, iteration {self.iteration})"
        if self.kind == "gone":
            return f"{place}: gone, was {_shown(self.before)}"
        if self.kind == "added":
            return f"{place}: new, is {_shown(self.after)}"
        by = "" if self.relative is None else f", {self.relative:.2g} of its size"
        what = "formula was" if self.kind == "formula" else "was"
        return f"{place}: {what} {_shown(self.before)} and is {_shown(self.after)}{by}"


@dataclass(frozen=True)
class Difference:
    """The answer of :func:`diff`.

    Attributes:
        first, second: the files.
        rel, abs: the tolerances.
        cells: how many cells were compared.
        counts: how many changes of each kind there are.
        largest_absolute, largest_relative: over all pairs of numbers, within the tolerance or not.
        changes: the changes in the order of the first file; at most `LISTED`.
    """

    first: str
    second: str
    rel: float
    abs: float
    cells: int
    counts: dict[str, int]
    largest_absolute: float
    largest_relative: float
    changes: tuple[Change, ...]

    @property
    def same(self) -> bool:
        """Whether nothing changed beyond the tolerances."""
        return not any(self.counts.values())

    @property
    def verdict(self) -> str:
        """One sentence."""
        if self.same:
            return f"{self.cells:,} cells agree (relative {self.rel:g}, absolute {self.abs:g})"
        words = {"value": "values moved", "formula": "formulas changed", "gone": "cells gone", "added": "cells added"}
        return ", ".join(f"{count:,} {words[kind]}" for kind, count in self.counts.items() if count)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as dictionaries and lists; numbers that are not finite become text."""
        fields = asdict(self)
        fields["changes"] = [{**change, "message": one.message}
                             for change, one in zip(fields["changes"], self.changes, strict=True)]
        fields |= {"same": self.same, "verdict": self.verdict}
        for name in ("largest_absolute", "largest_relative"):
            if not math.isfinite(fields[name]):
                fields[name] = str(fields[name])
        return fields

    def to_json(self) -> str:
        """Return :meth:`to_dict` as JSON."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)


def _shown(value: float | str | None) -> str:
    return "blank" if value is None else repr(value) if isinstance(value, float) else value


# ---- values of a workbook

def values(path: str | os.PathLike[str], output: str | os.PathLike[str] | None = None, *,
           force: bool = True) -> list[CellValue]:
    """Evaluate a workbook and return every cell that holds something, sheet by sheet and row by row.

    Args:
        path: an .xlsx or .xlsm file, ours or not.
        output: also write the cells there, as .csv, .json or .parquet.
        force: replace `output` if it exists.

    Raises:
        SheetpropError: the file cannot be used, or the output cannot be written.
    """
    write = None if output is None else _writer(Path(output))
    cells = list(_evaluated(path))
    if output is not None and write is not None:
        with replacing(output, force=force) as target:
            write(cells, target)
    return cells


def _evaluated(path: str | os.PathLike[str]) -> Iterator[CellValue]:
    from sheetprop.engine import book as engine
    from sheetprop.engine.formula.references import column_letters

    book = engine.open(path)
    book.calculate()
    meaning = _meanings(book)
    for sheet in book:
        quantities, first_row = meaning.get(sheet.name, ({}, 0))
        for row, column, value, formula in sheet.cells():
            symbol = quantities.get(column) if row >= first_row else None
            kind, plain = _typed(value)
            yield CellValue(sheet.name, f"{column_letters(column)}{row}", symbol,
                            None if symbol is None else row - first_row, kind, plain, formula)


def _meanings(book: Any) -> dict[str, tuple[dict[int, str], int]]:
    """Return the symbols of the columns and the first row of each learning-rate sheet; others' workbooks have none."""
    from sheetprop.workbook.reading import read_layout

    try:
        layout = read_layout(book)
    except SheetpropError:
        return {}
    symbols = {column.index: column.symbol for column in layout.columns}
    return dict.fromkeys(layout.rate_sheets, (symbols, layout.FIRST_ROW))


def _typed(value: Any) -> tuple[Type, float | str | None]:
    from sheetprop.engine.grid.values import ExcelError

    if value is None:
        return "blank", None
    if isinstance(value, bool):
        return "boolean", "TRUE" if value else "FALSE"
    if isinstance(value, ExcelError):
        return "error", str(value)
    if isinstance(value, int | float):
        return "number", float(value)
    return "text", str(value)


# ---- golden files

def _writer(path: Path) -> Callable[[Iterable[CellValue], Path], None]:
    writers = {".csv": _write_csv, ".json": _write_json, ".parquet": _write_parquet}
    if path.suffix.lower() not in writers:
        raise SheetpropError(f"{path}: a golden file ends in {', '.join(FORMATS[:-1])} or {FORMATS[-1]}")
    if path.suffix.lower() == ".parquet":
        _parquet(path)
    return writers[path.suffix.lower()]


def _write_csv(cells: Iterable[CellValue], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(FIELDS)
        writer.writerows(
            (one.sheet, one.address, one.symbol, one.iteration, one.type,
             repr(one.value) if isinstance(one.value, float) else one.value, one.formula) for one in cells)


def _write_json(cells: Iterable[CellValue], path: Path) -> None:
    lines = [json.dumps(_row(one), ensure_ascii=False) for one in cells]
    path.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")


def _row(one: CellValue) -> dict[str, Any]:
    row = {name: getattr(one, name) for name in FIELDS}
    return {name: value for name, value in row.items() if value is not None}


def _parquet(path: Path) -> Any:
    try:
        import pyarrow.parquet
    except ImportError:
        raise SheetpropError(f"{path}: Parquet needs pyarrow; pip install pyarrow, or "
                             "use .csv") from None
    return pyarrow


def _write_parquet(cells: Iterable[CellValue], path: Path) -> None:
    arrow = _parquet(path)
    every = list(cells)
    columns: dict[str, Any] = {name: arrow.array([getattr(one, name) for one in every], arrow.string())
                               for name in ("sheet", "address", "symbol", "type", "formula")}
    columns["iteration"] = arrow.array([one.iteration for one in every], arrow.int64())
    columns["number"] = arrow.array([one.value if isinstance(one.value, float) else None for one in every],
                                    arrow.float64())
    columns["text"] = arrow.array([one.value if isinstance(one.value, str) else None for one in every],
                                  arrow.string())
    names = ["sheet", "address", "symbol", "iteration", "type", "number", "text", "formula"]
    arrow.parquet.write_table(arrow.table({name: columns[name] for name in names}), path)


def read(path: str | os.PathLike[str]) -> list[CellValue]:
    """Return the cells of a golden file, or of a workbook, which is then evaluated.

    Raises:
        SheetpropError: the file is missing, or neither.
    """
    file = Path(path)
    readers = {".csv": _read_csv, ".json": _read_json, ".parquet": _read_parquet}
    reader = readers.get(file.suffix.lower())
    if reader is None:
        return list(_evaluated(file))
    if not file.is_file():
        raise SheetpropError(f"{file}: {'is a folder' if file.is_dir() else 'there is no such file'}; check the name")
    try:
        return reader(file)
    except SheetpropError:
        raise
    except OSError as error:
        raise SheetpropError(f"{file}: cannot be read ({error.strerror or error}); check the file") from error
    except (ValueError, KeyError, TypeError, AttributeError, csv.Error) as error:
        raise SheetpropError(f"{file}: is no golden file; write one with sheetprop values FILE "
                             f"-o {file.name}") from error


def _cell(fields: Mapping[str, Any]) -> CellValue:
    kind = fields["type"]
    if kind not in ("number", "text", "boolean", "error", "blank"):
        raise ValueError(kind)
    raw = fields.get("value")
    value = float(raw) if kind == "number" else None if kind == "blank" else str(raw or "")  # type: ignore[arg-type]
    iteration = fields.get("iteration")
    return CellValue(str(fields["sheet"]), str(fields["address"]), fields.get("symbol") or None,
                     int(iteration) if iteration not in (None, "") else None, kind, value,
                     fields.get("formula") or None)


def _read_csv(path: Path) -> list[CellValue]:
    csv.field_size_limit(10_000_000)
    text = path.read_bytes().decode("utf-8-sig")
    reader = csv.DictReader(io.StringIO(text, newline=""))
    if reader.fieldnames is None or not {"sheet", "address", "type", "value"} <= set(reader.fieldnames):
        raise ValueError("no header")
    return [_cell(row) for row in reader]


def _read_json(path: Path) -> list[CellValue]:
    return [_cell(row) for row in json.loads(path.read_text(encoding="utf-8"))]


def _read_parquet(path: Path) -> list[CellValue]:
    arrow = _parquet(path)
    rows = arrow.parquet.read_table(path).to_pylist()
    return [_cell({**row, "value": row["number"] if row["type"] == "number" else row["text"]}) for row in rows]


# ---- comparing

def diff(first: str | os.PathLike[str], second: str | os.PathLike[str], *, rel: float = 1e-12,
         abs: float = 0.0) -> Difference:
    """Compare two workbooks or golden files, in any combination.

    Two numbers agree when they differ by at most `abs` or by at most `rel` of the larger; everything
    else must be equal. Formulas are compared where both sides are known to hold one, however they are spelled.

    Args:
        first: how it was.
        second: how it is.
        rel: relative tolerance, at least 0.
        abs: absolute tolerance, at least 0.

    Raises:
        SheetpropError: a file cannot be used, or a tolerance is negative or no number.
    """
    for name, tolerance in (("rel", rel), ("abs", abs)):
        check_tolerance(name, tolerance)
    before = {(one.sheet, one.address): one for one in read(first)}
    after = {(one.sheet, one.address): one for one in read(second)}
    counts = {"value": 0, "formula": 0, "gone": 0, "added": 0}
    changes: list[Change] = []
    largest = [0.0, 0.0]
    for change in _changes(before, after, rel, abs, largest):
        counts[change.kind] += 1
        if len(changes) < LISTED:
            changes.append(change)
    return Difference(os.fspath(first), os.fspath(second), rel, abs, len(before.keys() & after.keys()), counts,
                      largest[0], largest[1], tuple(changes))


def _changes(before: Mapping[tuple[str, str], CellValue], after: Mapping[tuple[str, str], CellValue], rel: float,
             tiny: float, largest: list[float]) -> Iterator[Change]:
    for place, old in before.items():
        new = after.get(place)
        if new is None:
            yield Change("gone", *place, old.symbol, old.iteration, old.value, None)
            continue
        symbol, iteration = new.symbol or old.symbol, new.iteration if new.iteration is not None else old.iteration
        if old.formula != new.formula and not _same_formula(old, new):
            yield Change("formula", *place, symbol, iteration, old.formula or _shown(old.value),
                         new.formula or _shown(new.value))
        if isinstance(old.value, float) and isinstance(new.value, float):
            size = max(math.fabs(old.value), math.fabs(new.value))
            difference = math.fabs(new.value - old.value)
            relative = difference / size if difference else 0.0
            largest[0], largest[1] = max(largest[0], difference), max(largest[1], relative)
            if not (difference <= tiny or difference <= rel * size):
                yield Change("value", *place, symbol, iteration, old.value, new.value, difference, relative)
        elif (old.type, old.value) != (new.type, new.value):
            yield Change("value", *place, symbol, iteration, old.value, new.value)
    for place, new in after.items():
        if place not in before:
            yield Change("added", *place, new.symbol, new.iteration, None, new.value)


def _same_formula(old: CellValue, new: CellValue) -> bool:
    """Whether two formulas of one cell are the same up to spelling."""
    if old.formula is None or new.formula is None:
        return False
    from sheetprop.engine.book import canonical
    from sheetprop.engine.formula.parse import FormulaError
    from sheetprop.engine.formula.references import cell_at

    row, column = cell_at(new.address)
    try:
        return canonical(old.formula, row, column, old.sheet) == canonical(new.formula, row, column, new.sheet)
    except FormulaError:
        return False



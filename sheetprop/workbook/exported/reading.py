"""Reading a book of a module back: its numbers, its formulas, and the module itself."""

from __future__ import annotations

import html
import os
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from sheetprop.engine import book as books
from sheetprop.engine.book import Book
from sheetprop.engine.file.package import Package
from sheetprop.errors import SheetpropError
from sheetprop.modules.formula import Floats
from sheetprop.modules.learning import Learning
from sheetprop.modules.tensors import Block
from sheetprop.workbook.exported.book import Spec, read_book
from sheetprop.workbook.exported.layout import Area, Layout
from sheetprop.workbook.exported.rendering import restored
from sheetprop.workbook.formulas import letters

if TYPE_CHECKING:
    from torch import nn

_CELL = re.compile(rb'<c r="([A-Z]{1,3})([0-9]{1,7})"[^>]*?(?:/>|>(.*?)</c>)', re.DOTALL)
_FORMULA = re.compile(rb"<f(?: [^>]*)?>([^<]*)</f>")


class Reader:
    """Reads the numbers of all places from an open book.

    Attributes:
        wrong: places of given numbers where none stands.
    """

    def __init__(self, book: Book, learning: Learning, other: Any = None) -> None:
        """Read `book`; `other` holds the values of another engine, sheet -> address -> value."""
        self.book, self.learning, self.other = book, learning, other
        self.wrong: list[int] = []

    def numbers(self, layout: Layout, *, given_only: bool = False) -> Floats:
        """Return the numbers, constants at the end; what is none is NaN, and 0 for whole numbers that are given."""
        values = self.learning.d.start()
        for area in layout.areas.values():
            name = layout.pages[area.sheet].name
            block = area.block
            if name not in self.book or (given_only and not block.given):
                continue
            sheet = self.book[name]
            for column in np.unique(area.columns).tolist():
                at = np.flatnonzero(area.columns == column)
                rows = area.rows[at]
                span = sheet.column(column, int(rows.min()), int(rows.max()))
                values[block.first + at] = span[rows - rows.min()]
            if self.other is not None:
                self._others(values, block, name, area)
            if block.given:
                held = values[block.first:block.first + block.size]
                self.wrong += [block.first + int(k) for k in np.flatnonzero(~np.isfinite(held))]
                if block.kind == "int":
                    held[~np.isfinite(held)] = 0
        return values

    def _others(self, values: Floats, block: Block, name: str, area: Area) -> None:
        cells = self.other.get(name, {})
        for k, (row, column) in enumerate(zip(area.rows.tolist(), area.columns.tolist(), strict=True)):
            found = cells.get(f"{letters(column)}{row}")
            if isinstance(found, int | float) and not isinstance(found, bool):
                values[block.first + k] = float(found)


def stored_formulas(book: Book, name: str) -> dict[str, str]:
    """Return the formulas of a sheet as they stand in the file, by address, without the leading ``=``."""
    data = book.part(book[name].store.part)
    found = {}
    for cell in _CELL.finditer(data):
        if cell.group(3):
            formula = _FORMULA.match(cell.group(3))
            if formula is not None:
                text = formula.group(1).decode("utf-8", "replace")
                found[(cell.group(1) + cell.group(2)).decode()] = html.unescape(text) if "&" in text else text
    return found


def read_module_book(path: str | os.PathLike[str]) -> tuple[Book, Spec, Learning, Layout]:
    """Open a book of a module.

    Raises:
        SheetpropError: it is none, or damaged.
    """
    spec = read_book(Package(path))
    if spec is None:
        raise SheetpropError(f"{os.fspath(path)}: carries no program of a module; give a book that "
                             "`sheetprop export` wrote")
    learning = restored(spec)
    return books.open(path), spec, learning, Layout(learning)


def module(path: str | os.PathLike[str]) -> nn.Module:
    """Return a book of a module as a `torch.nn.Module` with the weights that stand in its cells, in float64.

    Its forward pass is the book's program; ``state_dict`` has the names of the module that was exported.

    Raises:
        SheetpropError: the file is no book of a module, or a weight in it is no number.
    """
    from sheetprop.modules.programmodule import ProgramModule

    book, spec, learning, layout = read_module_book(path)
    reader = Reader(book, learning)
    values = reader.numbers(layout, given_only=True)
    if reader.wrong:
        sheet, cell = layout.address(reader.wrong[0])
        raise SheetpropError(f"{os.fspath(path)}: {sheet}!{cell} holds no number; type one")
    given = {one.name: values[learning.tensors[one.name].places] for one in spec.program.given if one.values is None}
    return ProgramModule(spec.program, given)

"""Reading back what a workbook of ours is about, with the values that stand in it now."""

from __future__ import annotations

import math
from typing import Any, Protocol

from sheetprop.errors import SheetpropError
from sheetprop.network import symbols
from sheetprop.network.spec import ACTIVATIONS, Network, Spec, with_values
from sheetprop.workbook.layout import FORMAT, Layout
from sheetprop.workbook.names import PARAMETERS


class _Sheet(Protocol):
    def __getitem__(self, reference: str) -> Any: ...


class _Book(Protocol):
    sheet_names: list[str]

    def __contains__(self, sheet: str) -> bool: ...

    def __getitem__(self, sheet: str) -> _Sheet: ...


def read_layout(book: _Book) -> Layout:
    """Return the layout of a workbook that sheetprop built, with the present inputs, targets and weights.

    The learning rates of the layout's spec are those *as built*, since the sheets are named after
    them; :func:`present_spec` gives those that stand in Parameters now.

    Args:
        book: an open workbook (`engine.book.Book`).

    Raises:
        SheetpropError: the workbook is not ours, is of a newer version, lacks a sheet, or holds text
            or nothing where a constant belongs.
    """
    if PARAMETERS not in book:
        raise SheetpropError(f"no sheet {PARAMETERS!r}: this is no workbook of sheetprop, or the sheet was removed; "
                             "build one with sheetprop build")
    sheet = book[PARAMETERS]
    structure = {name: sheet[address] for name, address in Layout.STRUCTURE.items()}
    layout = Layout(_placeholder(structure), *_blank(structure["exercise"]))
    # Sheet names follow the rates as built, which the column beside the value keeps.
    built = [_number(sheet, f"D{layout.parameter_rows[name]}", name) for name in layout.rate_symbols]
    layout = Layout(_with(layout, sheet, built), layout.blank, layout.blank_rows)
    missing = [name for name in layout.sheets if name not in book]
    if missing:
        raise SheetpropError(f"sheet {missing[0]!r} is missing; it was renamed or removed, so build the workbook again")
    return layout


def present_spec(book: _Book, layout: Layout) -> Spec:
    """Return the spec with the learning rates that stand in Parameters now, which may not be those as built."""
    from dataclasses import replace

    sheet = book[PARAMETERS]
    now = tuple(_number(sheet, f"C{layout.parameter_rows[name]}", name) for name in layout.rate_symbols)
    return replace(layout.spec, learning_rates=now)


def built_spec(book: _Book, layout: Layout) -> Spec:
    """Return the spec with all values as they were when the file was built, which Parameters keeps."""
    sheet = book[PARAMETERS]
    names = layout.spec.network.initial()
    values = {name: _number(sheet, f"D{layout.parameter_rows[name]}", name) for name in names}
    return with_values(layout.spec, values, layout.spec.learning_rates)


def _placeholder(structure: dict[str, Any]) -> Spec:
    """Return a spec of the right shape, without values."""
    where = Layout.STRUCTURE
    version = structure["format"]
    if not isinstance(version, int | float) or isinstance(version, bool):
        raise SheetpropError(f"{PARAMETERS}!{where['format']} holds no layout version: this is no workbook of "
                             "sheetprop; build one with sheetprop build")
    if version < FORMAT:
        raise SheetpropError(f"{PARAMETERS}!{where['format']}: the layout has version {version:g}, of an older "
                             f"sheetprop, and this one reads version {FORMAT}; build the workbook again")
    if version > FORMAT:
        raise SheetpropError(f"{PARAMETERS}!{where['format']}: the layout has version {version:g} and this sheetprop "
                             f"knows up to {FORMAT}; install a newer sheetprop")
    try:
        layers = tuple(int(units) for units in str(structure["layers"]).split("-"))
    except ValueError:
        raise SheetpropError(f"{PARAMETERS}!{where['layers']}: {_shown(structure['layers'])} are no layers; "
                             "write them like 2-2-2, as built") from None
    activations = tuple(name.strip() for name in str(structure["activation"]).split(","))
    for name in activations:
        if name not in ACTIVATIONS:
            raise SheetpropError(f"{PARAMETERS}!{where['activation']}: {name!r} is no activation; "
                                 f"known are {', '.join(ACTIVATIONS)}")
    word = str(structure["bias"]).strip().lower()
    if word not in ("yes", "no", "fixed"):
        raise SheetpropError(f"{PARAMETERS}!{where['bias']}: {_shown(structure['bias'])} is not yes, no or fixed; "
                             "put back the word as built")
    bias = word != "no"
    network = Network(
        layers, activations, bias, (0.0,) * layers[0], (0.0,) * layers[-1],
        (0.0,) * len(symbols.weights(layers)), (0.0,) * (len(symbols.biases(layers)) if bias else 0),
        word != "fixed")
    return Spec(network, (0.0,) * _whole(structure, "rates"), _whole(structure, "iterations"), "workbook")


def _whole(structure: dict[str, Any], name: str) -> int:
    value = structure[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value) or value < 1:
        raise SheetpropError(f"{PARAMETERS}!{Layout.STRUCTURE[name]}: {_shown(value)} is no whole number of at least "
                             "1; put back the number as built")
    return int(value)


def _blank(value: Any) -> tuple[frozenset[str], int]:
    """Return the blank columns of an exercise and in how many rows they are blank."""
    text = str(value or "none")
    if text == "none":
        return frozenset(), 0
    names, _, rows = text.partition(";")
    count = rows.removesuffix("rows").strip()
    if not count.isdecimal():
        raise SheetpropError(f"{PARAMETERS}!{Layout.STRUCTURE['exercise']}: {_shown(value)} does not say how many rows "
                             "are blank; put back the text as built")
    return frozenset(part.strip() for part in names.split(",")), int(count)


def _with(layout: Layout, sheet: _Sheet, rates: list[float]) -> Spec:
    network = layout.spec.network
    values = {name: _number(sheet, f"C{layout.parameter_rows[name]}", name) for name in network.initial()}
    return with_values(layout.spec, values, rates)


def _number(sheet: _Sheet, address: str, name: str) -> float:
    value = sheet[address]
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise SheetpropError(f"{PARAMETERS}!{address}: {_shown(value)} stands where the number {name} belongs; "
                             "write it like 0.15")
    return float(value)


def _shown(value: Any) -> str:
    """Return a cell's value for a message: text in quotes, an error as the sheet shows it."""
    return "nothing" if value is None else repr(value) if type(value) is str else str(value)

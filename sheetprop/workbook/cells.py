"""What stands in a cell, and which cells have a counterpart in PyTorch."""

from __future__ import annotations

from dataclasses import dataclass


class Text(str):
    """Text that stays text even where it begins with ``=``, such as a formula shown to be read."""

    __slots__ = ()


Value = str | float | int
"""A string that begins with ``=`` is a formula, unless it is a `Text`."""

Cells = dict[str, Value]
"""The contents of a sheet by address, such as ``C5``."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A cell outside the learning-rate sheets that shows a quantity of one rate at one iteration.

    Attributes:
        sheet, address: the cell.
        symbol: what it shows, such as ``E_total``.
        rate: index of the learning rate.
        iteration: which row of the learning-rate sheet.
    """

    sheet: str
    address: str
    symbol: str
    rate: int
    iteration: int


def is_formula(value: Value) -> bool:
    """Whether `value` is a formula."""
    return isinstance(value, str) and value.startswith("=") and not isinstance(value, Text)

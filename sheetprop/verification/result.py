"""What a verification found, as plain data."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

Kind = Literal["formula", "constant", "missing", "value", "run", "circular", "engine", "name", "chart", "setting",
               "label", "number", "stored"]

LISTED = 200
"""So many faults are listed; the others are counted."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The cells of one group of quantities at one learning rate, against PyTorch.

    Attributes:
        learning_rate: None for sheets that show several.
        sheet: where the cells stand.
        group: ``inputs``, ``forward``, ``error``, ``gradients``, ``update`` (the parameters of the next
            row), ``run`` (an independent run from the initial values), ``note`` (halved yet?),
            ``shown`` (cells of the other sheets that show a quantity), or the name of an engine.
        cells: how many were compared.
        differ: how many of them differ by more than the tolerance.
        largest_absolute: the largest difference.
        largest_relative: the largest difference relative to the size of the formula's terms; this is
            what the tolerance is held against.
        worst: the cell with the largest relative difference; None where nothing differs at all.
    """

    learning_rate: float | None
    sheet: str
    group: str
    cells: int
    differ: int
    largest_absolute: float
    largest_relative: float
    worst: str | None


@dataclass(frozen=True, slots=True)
class Fault:
    """A cell, or a column of cells, that is wrong by itself and not because of another cell.

    Attributes:
        sheet, address: the first cell.
        last: the last cell of the same column with the same fault; equal to `address` for one cell.
        kind: ``formula`` (not the formula that belongs there), ``constant`` (a number or text instead
            of a formula), ``missing`` (nothing there), ``value`` (the right formula with a wrong value),
            ``run`` (every row right by itself, yet not where the run should be), ``circular`` (a formula
            that needs its own result), ``engine`` (two engines disagree about the cell), ``name`` (a defined name
            stands for another cell), ``chart`` (a chart reads other cells), ``setting`` (of the calculation),
            ``label`` (a label names another quantity, or a formula shown to be read is another), ``number`` (a constant
            that is no input is not as built) or ``stored`` (the value stored in the file is not that of its formula).
        symbol, learning_rate, iteration: what stands there; None outside the learning-rate sheets.
        found, expected: formula or value.
        difference: by how much the value differs from PyTorch, the largest of the cells; None where
            the value has no counterpart or agrees.
        message: one line for people.
    """

    sheet: str
    address: str
    last: str
    kind: Kind
    symbol: str | None
    learning_rate: float | None
    iteration: int | None
    found: str | float | None
    expected: str | float | None
    difference: float | None
    message: str

    @property
    def place(self) -> str:
        """The cell or cells, such as ``LR 0.1!W8`` or ``LR 0.1!W8:W108``."""
        return f"{self.sheet}!{self.address}" + (f":{self.last}" if self.last != self.address else "")


@dataclass(frozen=True, slots=True)
class Remark:
    """Something worth knowing that is no fault.

    Attributes:
        kind: ``unfilled``, ``student``, ``rounded``, ``stale``, ``kink``, ``diverged``, ``rounding``,
            ``unchecked``, ``changed``, and of another engine ``digits`` (it keeps 15 digits) and ``snapped`` (0 for a
            difference of near equals).
        message: one line for people.
    """

    kind: str
    message: str


@dataclass(frozen=True)
class Verification:
    """The answer of :func:`sheetprop.verify`.

    Attributes:
        file: what was verified.
        engine: which program computed the values.
        agrees: the verdict: True when there is no fault, and nothing of an exercise is left to fill in.
        network: its layers, such as ``2-2-2``.
        activations: one for each layer after the inputs.
        bias: whether the units have biases.
        learning_rates: as they stand in Parameters now.
        iterations: of each run.
        tolerance: the largest difference allowed, relative to the size of a formula's terms.
        cells: number of cells compared with PyTorch.
        formulas: number of formula cells compared with what the layout prescribes.
        comparisons: the table, in reading order.
        faults: the faults, the earliest first; at most `LISTED`.
        fault_count: how many there are in all.
        remarks: in reading order.
        around: number of labels, constants, defined names, references of charts and settings that were compared.
        to_fill, filled: of an exercise, how many cells a student has to fill in and how many are; else 0.
    """

    file: str
    engine: str
    agrees: bool
    network: str
    activations: tuple[str, ...]
    bias: bool
    learning_rates: tuple[float, ...]
    iterations: int
    tolerance: float
    cells: int
    formulas: int
    comparisons: tuple[Comparison, ...]
    faults: tuple[Fault, ...]
    fault_count: int
    remarks: tuple[Remark, ...]
    to_fill: int = 0
    filled: int = 0
    around: int = 0

    @property
    def verdict(self) -> str:
        """One sentence: does it agree, and if not, where is the first fault."""
        if self.agrees:
            return (f"agrees with PyTorch: {self.cells:,} cells within {self.tolerance:g} of the size of their terms, "
                    f"{self.formulas:,} formulas as they should be"
                    + (f", and {self.around:,} labels, constants, names and references of charts"
                       if self.around else ""))
        if not self.faults:
            return f"{self.filled:,} of {self.to_fill:,} filled in" + (", and these are right" if self.filled else "")
        more = f", and {self.fault_count - 1:,} more" if self.fault_count > 1 else ""
        count = f"; {self.filled:,} of {self.to_fill:,} filled in" if self.to_fill else ""
        return f"does not agree: {self.faults[0].message}{more}{count}"

    def to_dict(self) -> dict[str, Any]:
        """Return everything as dictionaries and lists, with ``verdict``; numbers that are not finite become text."""
        fields = asdict(self)
        fields["verdict"] = self.verdict
        result = _plain(fields)
        assert isinstance(result, dict)
        return result

    def to_json(self) -> str:
        """Return :meth:`to_dict` as JSON."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def capped(faults: Iterable[Fault]) -> tuple[tuple[Fault, ...], int]:
    """Return the first `LISTED` faults and the number of all."""
    every = tuple(faults)
    return every[:LISTED], len(every)

"""Where each quantity stands: sheets, rows and columns, and nothing about how they look."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

from sheetprop.errors import SheetpropError
from sheetprop.network import symbols
from sheetprop.network.equations import Equation, Equations, derive
from sheetprop.network.spec import Spec
from sheetprop.workbook import exercise
from sheetprop.workbook.formulas import MAX_COLUMNS, MAX_FORMULA, MAX_ROWS, excel, letters, quoted
from sheetprop.workbook.names import (
    CHART_DATA,
    CHECK,
    CHECK_CONSTANTS,
    COMPARE,
    DIAGRAM,
    HALVED,
    PARAMETERS,
    START,
    STEPS,
    VERDICT,
)

CHART_POINTS = 500
"""Charts draw at most so many iterations one by one."""

MAX_RATES = 254
"""Excel's CHOOSE, by which Diagram finds a sheet, takes so many."""

FORMAT = 2
"""Version of the layout, stored in Parameters; a reader refuses any other one."""


@dataclass(frozen=True)
class Column:
    """One column of a learning-rate sheet.

    Attributes:
        symbol: the quantity, or ``iteration`` or ``halved``.
        group: ``iteration``, ``input``, ``target``, ``bias`` (a fixed one), ``parameter``, ``forward``, ``error``,
            ``backward`` or ``note``.
        words: the quantity in plain words.
        mathematics: the right-hand side as text.
        index: 1 for A.
    """

    symbol: str
    group: str
    words: str
    mathematics: str
    index: int

    @property
    def letter(self) -> str:
        """The letters of the column."""
        return letters(self.index)


@dataclass(frozen=True)
class Layout:
    """The places of everything in a workbook for a spec.

    Attributes:
        spec: what the workbook shows.
        blank: symbols whose columns a student fills in; empty for the ordinary book.
        blank_rows: in so many iterations, from the first; the rest of these columns is live.
    """

    spec: Spec
    blank: frozenset[str] = frozenset()
    blank_rows: int = 0
    equations: Equations = field(init=False)

    # Learning-rate sheets: group, words, symbol, mathematics, then iteration 0.
    RATE_CELL = "$B$2"
    GROUP_ROW, WORDS_ROW, SYMBOL_ROW, MATHEMATICS_ROW, FIRST_ROW = 4, 5, 6, 7, 8
    # Parameters: the structure stands at fixed cells, so that a reader finds it before it knows the network.
    STRUCTURE: ClassVar[dict[str, str]] = {
        "layers": "C5", "activation": "C6", "bias": "C7", "iterations": "C8", "rates": "C9", "exercise": "C10",
        "format": "C11"}
    FIRST_VALUE_ROW = 15

    def __post_init__(self) -> None:
        """Derive the equations and check Excel's limits."""
        self._check_size()
        object.__setattr__(self, "equations", derive(self.spec.network))
        object.__setattr__(self, "blank_rows", min(self.blank_rows, self.spec.iterations + 1) if self.blank else 0)
        self._check_limits()

    def _check_size(self) -> None:
        """Refuse what cannot fit before any equation is derived: each parameter has a column, and its gradient one."""
        sizes = self.spec.network.layers
        weights = sum(above * below for above, below in itertools.pairwise(sizes))
        if 2 * weights > MAX_COLUMNS:
            raise SheetpropError(f"layers {self.spec.network.shape}: {weights:,} weights and their gradients need "
                                 f"{2 * weights:,} columns and Excel has {MAX_COLUMNS:,}; give fewer or smaller layers")

    def _check_limits(self) -> None:
        if self.last_row > MAX_ROWS:
            raise SheetpropError(f"iterations: {self.spec.iterations} need {self.last_row:,} rows and Excel has "
                                 f"{MAX_ROWS:,}; give at most {MAX_ROWS - self.FIRST_ROW:,}")
        if len(self.spec.learning_rates) > MAX_RATES:
            raise SheetpropError(f"learning rates: {len(self.spec.learning_rates)} given and a workbook takes at most "
                                 f"{MAX_RATES}; give fewer, or build several workbooks")
        if len(self.columns) > MAX_COLUMNS:
            raise SheetpropError(f"layers {self.spec.network.shape}: need {len(self.columns):,} columns and Excel has "
                                 f"{MAX_COLUMNS:,}; give fewer or smaller layers")
        for equation in self.equations:
            length = len(self.formula(equation.symbol, 1 if equation.group == "update" else 0)) + 1
            if length > MAX_FORMULA:
                raise SheetpropError(f"layers {self.spec.network.shape}: the formula of {equation.symbol} would have "
                                     f"{length:,} characters and Excel takes {MAX_FORMULA:,}; give smaller layers")

    # ---- sheets

    @cached_property
    def rate_sheets(self) -> tuple[str, ...]:
        """The names of the learning-rate sheets; equal rates get a number."""
        names: list[str] = []
        for rate in self.spec.learning_rates:
            base = f"LR {format(rate if rate else 0.0, '.15g')}"
            name, copy = base, 1
            while name in names:
                copy += 1
                name = f"{base} ({copy})"
            names.append(name)
        return tuple(names)

    @cached_property
    def sheets(self) -> tuple[str, ...]:
        """All sheets in their order in the workbook."""
        extra = (CHART_DATA,) if self.is_long else ()
        return (START, PARAMETERS, STEPS, DIAGRAM, *self.rate_sheets, COMPARE, CHECK, *extra)

    @property
    def is_long(self) -> bool:
        """Whether the charts read a thinned table, so that they stay quick and readable."""
        return self.spec.iterations > CHART_POINTS

    # ---- learning-rate sheets

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The columns of every learning-rate sheet, the same in all."""
        return tuple(self._columns())

    def _columns(self) -> Iterator[Column]:
        from sheetprop.network.notation import text

        layers = self.spec.network.layers
        entries: list[tuple[str, str, str, str]] = [
            (symbols.ITERATION, "iteration", "number of updates so far", "one more than above")]
        entries += [(n, "input", f"input {k}", "from Parameters") for k, n in enumerate(symbols.inputs(layers), 1)]
        entries += [(n, "target", f"target {k}", "from Parameters") for k, n in enumerate(symbols.targets(layers), 1)]
        entries += [(name, "bias", f"bias {name[1:]}, fixed", "from Parameters")
                    for name in self.spec.network.fixed_biases()]
        for equation in self.equations.update:
            kind = "weight" if equation.symbol.startswith("w") else "bias"
            entries.append((equation.symbol, "parameter", f"{kind} {equation.symbol[1:]}",
                            f"{text(equation.expression)} of the row above"))
        for equation in (*self.equations.forward, *self.equations.error, *self.equations.backward):
            entries.append((equation.symbol, equation.group, words(equation), text(equation.expression)))
        entries.append((HALVED, "note", "error halved yet?", f"1 where {symbols.TOTAL} is at most half of the first"))
        index = 0
        for symbol, group, plain, mathematics in entries:
            index += 1
            yield Column(symbol, group, plain, mathematics, index)
            if symbol in self.blank:
                index += 1
                yield Column(VERDICT + symbol, "verdict", "right or wrong?", "", index)

    @cached_property
    def column_of(self) -> dict[str, Column]:
        """The columns by symbol."""
        return {column.symbol: column for column in self.columns}

    @property
    def last_row(self) -> int:
        """The row of the last iteration."""
        return self.FIRST_ROW + self.spec.iterations

    def is_blank(self, symbol: str, iteration: int) -> bool:
        """Whether a student fills in this cell of every learning-rate sheet."""
        return symbol in self.blank and iteration < self.blank_rows

    @property
    def pattern_row(self) -> int:
        """The iteration whose row is the pattern of all below it."""
        return min(max(1, self.blank_rows), self.spec.iterations)

    def address(self, symbol: str, iteration: int) -> str:
        """Return the cell of a quantity in a learning-rate sheet, such as ``W8``."""
        return f"{self.column_of[symbol].letter}{self.FIRST_ROW + iteration}"

    def column_range(self, sheet: str, symbol: str) -> str:
        """Return the whole column of a quantity, such as ``'LR 0.1'!$W$8:$W$108``."""
        letter = self.column_of[symbol].letter
        return f"{quoted(sheet)}!${letter}${self.FIRST_ROW}:${letter}${self.last_row}"

    def formula(self, symbol: str, iteration: int) -> str:
        """Return the formula, without ``=``, that stands for a quantity in row `iteration` of every rate sheet."""
        row = self.FIRST_ROW + iteration

        def cell(name: str) -> str:
            return f"{self.column_of[name].letter}{row}"

        def cell_above(name: str) -> str:
            return self.RATE_CELL if name == symbols.LEARNING_RATE else f"{self.column_of[name].letter}{row - 1}"

        if symbol.startswith(VERDICT):
            return exercise.verdict(self, symbol.removeprefix(VERDICT), iteration)
        if symbol == symbols.ITERATION:
            return "0" if iteration == 0 else f"{self.column_of[symbol].letter}{row - 1}+1"
        if symbol == HALVED:
            total = self.column_of[symbols.TOTAL].letter
            return f"IF({total}{row}<={total}${self.FIRST_ROW}/2,1,0)"
        if symbol in self.equations.defined:
            return excel(self.equations.defined[symbol].expression, cell)
        update = self._updates.get(symbol)
        if update is None or iteration == 0:
            return f"{PARAMETERS}!{self.parameter(symbol)}"
        return excel(update.expression, cell_above)

    @cached_property
    def _updates(self) -> dict[str, Equation]:
        return {equation.symbol: equation for equation in self.equations.update}

    # ---- Parameters

    @cached_property
    def parameter_rows(self) -> dict[str, int]:
        """The row of every constant in Parameters: values by symbol, rates as ``η1 ..``, then the check's."""
        rows: dict[str, int] = {}
        row = self.FIRST_VALUE_ROW
        network = self.spec.network
        sections: list[Sequence[str]] = [symbols.inputs(network.layers), symbols.targets(network.layers),
                                         symbols.weights(network.layers)]
        if network.bias:
            sections.append(symbols.biases(network.layers))
        sections += [self.rate_symbols, CHECK_CONSTANTS]
        for section in sections:
            for symbol in section:
                rows[symbol] = row
                row += 1
            row += 2  # a blank row and the next section's heading
        return rows

    @cached_property
    def rate_symbols(self) -> tuple[str, ...]:
        """The symbols of the learning rates in Parameters: ``η1, η2, ...``."""
        return tuple(f"{symbols.LEARNING_RATE}{k}" for k in range(1, len(self.spec.learning_rates) + 1))

    def parameter(self, symbol: str) -> str:
        """Return the absolute address of a constant in Parameters, such as ``$C$15``."""
        return f"$C${self.parameter_rows[symbol]}"



def words(equation: Equation) -> str:
    """Return the quantity that an equation defines in a few plain words."""
    symbol = equation.symbol
    if symbol == symbols.TOTAL:
        return "total error"
    if equation.group == "error":
        return f"error of output {symbol[1:]}"
    if equation.group == "backward":
        return f"slope of the total error along {symbol.removeprefix(symbols.gradient(''))}"
    unit = symbol.removeprefix("a_")
    kind = "output" if unit.startswith("o") else "hidden unit"
    role = " after activation" if symbol.startswith("a_") else ": weighted sum"
    return f"{kind} {unit[1:].replace('_', '.')}{role}"

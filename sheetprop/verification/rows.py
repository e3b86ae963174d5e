"""Row by row: every row's numbers against autograd at that row's own parameters, and the step to the next row.

A cell that differs is a **root** when it is wrong by itself: when its own equation, evaluated at the
numbers that its formula reads, does not give what stands in it, or when nothing that it reads differs.
The others only pass on what is wrong elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import cast

import numpy as np

from sheetprop.network import rounding, symbols
from sheetprop.network.equations import Equation
from sheetprop.network.expression import Function
from sheetprop.network.expression import symbols as symbols_in
from sheetprop.network.reference_process import Reference
from sheetprop.network.rounding import TOLERANCE
from sheetprop.network.spec import Spec
from sheetprop.verification.numbers import Array, Mask, Numbers
from sheetprop.workbook.formulas import UNDERFLOW
from sheetprop.workbook.layout import Layout
from sheetprop.workbook.names import HALVED

# Above this size numbers are on their way out of the range of a double: nothing can be said.
OVERFLOWING = 1e290


@dataclass
class Judged:
    """One column of all learning-rate sheets against PyTorch; arrays are (rates, rows).

    Attributes:
        symbol: the quantity.
        found: what stands there, NaN where no number stands.
        expected: what PyTorch gives.
        size: of the terms; infinite where PyTorch or the sheet overflows.
        compared: where the comparison means something.
        differs: where the difference is beyond the tolerance.
        root: where the cell is wrong by itself.
    """

    symbol: str
    found: Array
    expected: Array
    size: Array
    compared: Mask
    differs: Mask
    root: Mask = field(init=False)

    def __post_init__(self) -> None:
        """Take every difference as a root until what it reads has been looked at."""
        self.root = self.differs.copy()

    @property
    def difference(self) -> Array:
        """The absolute difference; 0 where nothing was compared, infinite where a number is missing."""
        with np.errstate(all="ignore"):
            difference = np.abs(self.found - self.expected)
        return np.where(self.compared, np.where(np.isfinite(difference), difference, np.inf), 0.0)


@dataclass(frozen=True)
class Rows:
    """The outcome of the check row by row.

    Attributes:
        columns: by symbol, in the order in which an iteration is computed. A parameter's column holds
            the start in row 0 and the step from the row above in the others.
        kinks: by symbol of a relu's argument, where it is within the tolerance of 0.
        diverged: by learning rate the first iteration that overflows, or None.
        following: (rates, rows, parameters), the sizes of the step from each row to the next.
        rounded: by symbol, where a typed number is right in the digits that the sheet shows and no further, or
            where a right formula reads such a number; they are not compared.
    """

    columns: dict[str, Judged]
    kinks: dict[str, Mask]
    diverged: tuple[int | None, ...]
    following: Array
    rounded: dict[str, Mask]


@dataclass(frozen=True)
class Gaps:
    """Cells that are special, by symbol; masks are (rates, rows).

    Attributes:
        unfilled: a student has still to fill them in.
        vacant: they hold nothing though they should; formulas read these and the unfilled ones as 0.
        circular: they stand on a circular reference.
        words: they hold text or a truth value, and what formulas make of it is their own affair.
        typed: a student has typed a number into them, perhaps only the digits that the sheet shows.
    """

    unfilled: Mapping[str, Mask] = field(default_factory=dict)
    vacant: Mapping[str, Mask] = field(default_factory=dict)
    circular: Mapping[str, Mask] = field(default_factory=dict)
    words: Mapping[str, Mask] = field(default_factory=dict)
    typed: Mapping[str, Mask] = field(default_factory=dict)


Answer = Callable[[], dict[str, Array]]
"""Waits for what PyTorch makes of every row's own parameters, by symbol."""


def begin(spec: Spec, numbers: Numbers, reference: Reference) -> Answer | None:
    """Let PyTorch begin with every row, so that other checks go on meanwhile; None where a parameter is no number."""
    parameters = np.stack([numbers.values[name] for name in spec.network.parameters()], axis=-1)
    return None if np.isnan(parameters).any() else _ask(spec, parameters, reference)


def _ask(spec: Spec, parameters: Array, reference: Reference) -> Answer:
    rates = np.repeat(np.array(spec.learning_rates), parameters.shape[1])
    return reference.rows(spec.network, parameters.reshape(-1, parameters.shape[-1]), rates)


def shown_digits(found: Array) -> Array:
    """Return half a unit of the last digit that the sheet shows of each number, and of those a little more."""
    size = np.abs(found)
    with np.errstate(all="ignore"):
        power = 10.0 ** (np.floor(np.log10(size)) - 2)
    plain = (size >= 1e-4) & (size < 1e4)
    return np.where(found == 0, 0.0, 0.51 * np.where(plain, 1e-6, power))


def check(layout: Layout, spec: Spec, numbers: Numbers, gaps: Gaps, reference: Reference,
          begun: Answer | None = None) -> Rows:
    """Compare every number of the learning-rate sheets.

    Args:
        layout: what stands where.
        spec: with the learning rates as they are now.
        numbers: what stands there.
        gaps: cells that are special.
        reference: PyTorch.
        begun: what `begin` gave.
    """
    return _Check(layout, spec, numbers, gaps, reference, begun).rows()


class _Check:
    def __init__(self, layout: Layout, spec: Spec, numbers: Numbers, gaps: Gaps, reference: Reference,
                 begun: Answer | None) -> None:
        self.layout, self.spec, self.unfilled, self.circular = layout, spec, gaps.unfilled, gaps.circular
        self.words, self.typed = gaps.words, gaps.typed
        self.rounded: dict[str, Mask] = {}
        network = spec.network
        self.names = network.parameters()
        self.found = dict(numbers.values)
        # What formulas read: an empty cell is 0 to them.
        self.read = dict(numbers.values)
        for empty in (gaps.unfilled, gaps.vacant):
            self.read |= {symbol: np.where(mask, 0.0, self.read[symbol]) for symbol, mask in empty.items()}
        self.shape = self.found[symbols.ITERATION].shape
        self.rates = np.array(spec.learning_rates)[:, None]
        self.rate_found = numbers.rates[:, None]
        distance = np.abs(self.rate_found - self.rates)
        self.rate_differs = cast("Mask", np.asarray(~(distance <= TOLERANCE * np.abs(self.rates))))
        parameters = np.stack([self.read[name] for name in self.names], axis=-1)
        self.alive = cast("Mask", np.isfinite(parameters).all(axis=-1))
        answer = begun or _ask(spec, parameters, reference)
        self.expected = {symbol: values.reshape(self.shape) for symbol, values in answer().items()}
        self.initial = network.initial()
        leaves: dict[str, Array] = {name: np.array(value) for name, value in self.initial.items()}
        leaves |= {name: self.read[name] for name in self.names} | {symbols.LEARNING_RATE: self.rates}
        # A size is NaN or infinite where something overflows; both mean that nothing can be said.
        self.sizes = {symbol: np.broadcast_to(size, self.shape) for symbol, size in rounding.sizes(
            layout.equations, leaves | self.expected, UNDERFLOW / TOLERANCE).items()}
        self.columns: dict[str, Judged] = {}

    def rows(self) -> Rows:
        """Judge the columns in the order in which an iteration is computed."""
        self._constants()
        for equation in self.layout.equations:
            if equation.group == "update":
                self._update(equation)
            else:
                judged = self._judge(equation.symbol, self.expected[equation.symbol], self.sizes[equation.symbol])
                self._blame(judged, equation)
        self._halved()
        following = np.stack([self.sizes[f"next {name}"] for name in self.names], axis=-1)
        for symbol, mask in self.circular.items():
            self.columns[symbol].root &= ~mask
        order = [column.symbol for column in self.layout.columns if column.symbol in self.columns]
        return Rows({symbol: self.columns[symbol] for symbol in order}, self._kinks(), self._diverged(), following,
                    self.rounded)

    def _judge(self, symbol: str, expected: Array, size: Array, possible: Mask | None = None) -> Judged:
        """Compare a column; `possible` says where an expectation exists at all."""
        found = self.found[symbol]
        compared = np.isfinite(expected) & (size <= OVERFLOWING)
        if possible is not None:
            compared &= possible
        if symbol in self.unfilled:
            compared &= ~self.unfilled[symbol]
        with np.errstate(all="ignore"):
            differs = compared & ~(np.abs(found - expected) <= TOLERANCE * size)
        judged = Judged(symbol, found, expected, size, compared, differs)
        self.columns[symbol] = judged
        if symbol in self.typed:
            with np.errstate(all="ignore"):
                self._excuse(judged, self.typed[symbol] & (np.abs(found - expected) <= shown_digits(found)))
        return judged

    def _excuse(self, judged: Judged, mask: Mask) -> None:
        """Compare no further where a student's rounding explains the difference."""
        mask = mask & judged.differs
        if mask.any():
            self.rounded[judged.symbol] = self.rounded.get(judged.symbol, False) | mask
            for part in (judged.differs, judged.compared, judged.root):
                part &= ~mask

    def _constants(self) -> None:
        """Judge the iteration, the inputs and the targets, which no equation defines."""
        count = np.broadcast_to(np.arange(self.shape[1], dtype=np.float64), self.shape)
        self._judge(symbols.ITERATION, count, np.abs(count))
        counting = self.columns[symbols.ITERATION]
        # Each number is one more than the number above.
        above = np.zeros(self.shape, dtype=bool)
        above[:, 1:] = counting.differs[:, :-1] & ~(np.abs(np.diff(counting.found, axis=1) - 1.0) > 0)
        counting.root &= ~above
        for name in self.initial:
            if name not in self.names:
                value = np.full(self.shape, self.initial[name])
                self._judge(name, value, np.abs(value))

    def _disturbed(self, symbol: str) -> Mask | None:
        """Return where a cell that others read is wrong or still to be filled in."""
        parts = [self.columns[symbol].differs] if symbol in self.columns else []
        parts += [gap[symbol] for gap in (self.unfilled, self.rounded) if symbol in gap]
        return reduce(np.logical_or, parts) if parts else None

    def _blame(self, judged: Judged, equation: Equation) -> None:
        """Take from the roots of `judged` the cells that only pass on what is wrong in the cells they read."""
        if not judged.differs.any():
            return
        read = [node.name for node in symbols_in(equation.expression)]
        # The parameters of the row itself are taken as they are: they can be no cause.
        causes = [mask for name in read if name not in self.names and (mask := self._disturbed(name)) is not None]
        if causes:
            own = self._own(equation, self.read, judged.found, self.typed.get(judged.symbol))
            own = reduce(np.logical_or, [self.words[name] for name in read if name in self.words], own)
            judged.root &= ~(reduce(np.logical_or, causes) & own)
            self._excuse(judged, reduce(np.logical_or, [self.rounded[name] for name in read if name in self.rounded],
                                        np.zeros(self.shape, dtype=bool)) & own)

    def _own(self, equation: Equation, read: Mapping[str, Array], found: Array, typed: Mask | None = None) -> Mask:
        """Return where the equation holds between the numbers of the sheet itself; what is typed, in its digits."""
        value, size = rounding.sized(equation.expression, read, {})
        with np.errstate(all="ignore"):
            distance = np.abs(found - value)
            close = distance <= TOLERANCE * size + UNDERFLOW
            if typed is not None:
                close |= typed & (distance <= shown_digits(found))
        holds: Mask = close | (~np.isfinite(found) & ~np.isfinite(value))
        return holds

    def _update(self, equation: Equation) -> None:
        """Judge a parameter: its start against Parameters, then every step against PyTorch's."""
        symbol = equation.symbol
        start = np.full((self.shape[0], 1), self.initial[symbol])
        following = f"next {symbol}"
        expected = np.concatenate([start, self.expected[following][:, :-1]], axis=1)
        size = np.concatenate([np.abs(start), self.sizes[following][:, :-1]], axis=1)
        stepped = np.concatenate([np.ones_like(start, dtype=bool), self.alive[:, :-1]], axis=1)
        gradient = symbols.gradient(symbol)
        if gradient in self.unfilled:
            stepped[:, 1:] &= ~self.unfilled[gradient][:, :-1]
        judged = self._judge(symbol, expected, size, stepped)
        if not judged.differs[:, 1:].any():
            return
        above = {name: values[:, :-1] for name, values in self.read.items()}
        above[symbols.LEARNING_RATE] = self.rate_found
        cause = self._disturbed(gradient)
        disturbed = np.logical_or(self.rate_differs, False if cause is None else cause[:, :-1])
        if symbol in self.unfilled:
            disturbed = np.logical_or(disturbed, self.unfilled[symbol][:, :-1])
        typed = self.typed.get(symbol)
        own = self._own(equation, above, judged.found[:, 1:], None if typed is None else typed[:, 1:])
        judged.root[:, 1:] &= ~(disturbed & own)
        if gradient in self.rounded or symbol in self.rounded:
            excused = np.zeros(self.shape, dtype=bool)
            for name in (gradient, symbol):
                if name in self.rounded:
                    excused[:, 1:] |= self.rounded[name][:, :-1] & own
            self._excuse(judged, excused)

    def _halved(self) -> None:
        """Judge the column that says whether the error is at most half of the first."""
        total, size = self.expected[symbols.TOTAL], self.sizes[symbols.TOTAL]
        with np.errstate(all="ignore"):
            distance = total - total[:, :1] / 2.0
            clear = np.abs(distance) > TOLERANCE * (size + size[:, :1])
        judged = self._judge(HALVED, np.where(distance <= 0, 1.0, 0.0), np.ones(self.shape), clear)
        cause = self._disturbed(symbols.TOTAL)
        if cause is not None:
            judged.root &= ~(cause | cause[:, :1])

    def _kinks(self) -> dict[str, Mask]:
        kinks: dict[str, Mask] = {}
        for equation in self.layout.equations.forward:
            match equation.expression:
                case Function("relu", argument):
                    for node in symbols_in(argument):
                        mask = rounding.kinked(self.expected[node.name], self.sizes[node.name])
                        if mask.any():
                            kinks[node.name] = mask
                case _:
                    pass
        return kinks

    def _diverged(self) -> tuple[int | None, ...]:
        """Return by learning rate the first iteration in which a cell overflows though its parameters are numbers."""
        overflowed = np.zeros(self.shape, dtype=bool)
        for symbol, judged in self.columns.items():
            missing = ~np.isfinite(judged.found)
            if symbol in self.unfilled:
                missing &= ~self.unfilled[symbol]
            if symbol in self.names:
                missing[:, 1:] &= self.alive[:, :-1]
                overflowed[:, 1:] |= missing[:, 1:] & ~judged.compared[:, 1:]
            elif symbol != HALVED:
                overflowed |= missing & ~judged.compared & self.alive
        return tuple(int(row.argmax()) if row.any() else None for row in overflowed)

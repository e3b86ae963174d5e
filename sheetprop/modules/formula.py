"""Formulas of elements: one small expression for all elements of a tensor at once.

A tensor is an array of **places**. A place at or above 0 is a number that is computed or given (a
cell, once it is laid out); a place below 0 is a constant, -1 being 0. The values of all places
are one float64 array, the constants at its end, so that NumPy's negative indices find them.

A formula knows how many elements it has, its value for each, the size of its terms (what its value
would be if each term were taken absolutely; `sheetprop.network.rounding` has the same notion), and
its part for some of its elements. Sums run from left to right, as a spreadsheet's do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sheetprop.modules.functions import COMPARISONS, FUNCTIONS, Comparison, Floats

Places = npt.NDArray[np.int64]

UNDECIDED = 1e-12
"""Two numbers that are nearer than this to each other, relative to the size of their terms, may compare either way."""

LEAST = 1e-280
"""A size below this is that of an exact 0."""

ZERO = -1
"""The place of the constant 0: padding, and what is left out of a sum."""


@dataclass(frozen=True, eq=False)
class Sizes:
    """How large the terms of every place's number are.

    Attributes:
        of: by place, the constants at the end.
        exact: whether both sides of a comparison know their numbers to the last bit, so that it is decided.
    """

    of: Floats
    exact: bool


class Formula:
    """One expression for each of `count` elements."""

    count: int

    def value(self, values: Floats) -> Floats:
        """Return the value of each element, ``[count]``; `values` are those of all places."""
        raise NotImplementedError

    def size(self, values: Floats, held: Sizes) -> Floats:
        """Return the size of each element's terms, ``[count]``, at least the value's magnitude.

        Args:
            values: of all places.
            held: the sizes of all places. To first order a product passes on the size of each factor times
                the other factor.
        """
        raise NotImplementedError

    def take(self, index: Places) -> Formula:
        """Return the formula of some of the elements."""
        raise NotImplementedError

    def reads(self) -> Sequence[Places]:
        """Return the places that are read, as arrays of any shape."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class Cell(Formula):
    """The number at a place; `places` is ``[count]``."""

    places: Places

    @property
    def count(self) -> int:  # type: ignore[override]
        """How many elements."""
        return len(self.places)

    def value(self, values: Floats) -> Floats:
        """Return the numbers."""
        return values[self.places]

    def size(self, values: Floats, held: Sizes) -> Floats:
        """Return theirs."""
        return held.of[self.places]

    def take(self, index: Places) -> Formula:
        """Return some."""
        return Cell(self.places[index])

    def reads(self) -> Sequence[Places]:
        """Return the places."""
        return (self.places,)


@dataclass(frozen=True, eq=False)
class Number(Formula):
    """The same number for each element."""

    number: float
    count: int

    def value(self, values: Floats) -> Floats:
        """Return it."""
        return np.full(self.count, self.number)

    def size(self, values: Floats, held: Sizes) -> Floats:
        """Return its magnitude."""
        return np.full(self.count, abs(self.number))

    def take(self, index: Places) -> Formula:
        """Return fewer."""
        return Number(self.number, len(index))

    def reads(self) -> Sequence[Places]:
        """Return nothing."""
        return ()


class Compound(Formula):
    """What is made of other formulas, `parts`, each with the same count."""

    parts: tuple[Formula, ...]

    @property
    def count(self) -> int:  # type: ignore[override]
        """How many elements."""
        return self.parts[0].count

    def take(self, index: Places) -> Formula:
        """Return some."""
        return self._with(tuple(part.take(index) for part in self.parts))

    def reads(self) -> Sequence[Places]:
        """Return what the parts read."""
        return [place for part in self.parts for place in part.reads()]

    def rebuilt(self, parts: tuple[Formula, ...]) -> Formula:
        """Return the same of other parts."""
        return self._with(parts)

    def _with(self, parts: tuple[Formula, ...]) -> Formula:
        return type(self)(parts)  # type: ignore[call-arg]


@dataclass(frozen=True, eq=False)
class Plus(Compound):
    """The sum of the parts, from left to right."""

    parts: tuple[Formula, ...]

    def value(self, values: Floats) -> Floats:
        """Return the sum."""
        total = self.parts[0].value(values)
        for part in self.parts[1:]:
            total = total + part.value(values)
        return total

    def size(self, values: Floats, held: Sizes) -> Floats:
        """Return the sum of the sizes."""
        total: Floats = np.sum([part.size(values, held) for part in self.parts], axis=0)
        return total


@dataclass(frozen=True, eq=False)
class Minus(Compound):
    """The first part less the second."""

    parts: tuple[Formula, ...]

    def value(self, values: Floats) -> Floats:
        """Return the difference."""
        return self.parts[0].value(values) - self.parts[1].value(values)

    def size(self, values: Floats, held: Sizes) -> Floats:
        """Return the sum of the sizes."""
        return self.parts[0].size(values, held) + self.parts[1].size(values, held)


@dataclass(frozen=True, eq=False)
class Times(Compound):
    """The product of the parts, from left to right."""

    parts: tuple[Formula, ...]

    def value(self, values: Floats) -> Floats:
        """Return the product."""
        product = self.parts[0].value(values)
        for part in self.parts[1:]:
            product = product * part.value(values)
        return product

    def size(self, values: Floats, held: Sizes) -> Floats:
        """Return the size of each factor times the others."""
        size, product = self.parts[0].size(values, held), np.abs(self.parts[0].value(values))
        for part in self.parts[1:]:
            other = np.abs(part.value(values))
            size = _product(product, size, other, part.size(values, held))
            product = product * other
        return size


@dataclass(frozen=True, eq=False)
class Over(Compound):
    """The first part divided by the second."""

    parts: tuple[Formula, ...]

    def value(self, values: Floats) -> Floats:
        """Return the quotient."""
        with np.errstate(all="ignore"):
            return self.parts[0].value(values) / self.parts[1].value(values)

    def size(self, values: Floats, held: Sizes) -> Floats:
        """Return what both parts pass on."""
        divisor = np.abs(self.parts[1].value(values))
        with np.errstate(all="ignore"):
            quotient = np.abs(self.parts[0].value(values)) / divisor
            below = self.parts[1].size(values, held) / divisor
            return self.parts[0].size(values, held) / divisor + quotient * below - quotient


@dataclass(frozen=True, eq=False)
class Apply(Compound):
    """A function of the parts, by its spreadsheet name; `FUNCTIONS` holds value and slope."""

    function: str
    parts: tuple[Formula, ...]

    def value(self, values: Floats) -> Floats:
        """Return the function's value."""
        with np.errstate(all="ignore"):
            return FUNCTIONS[self.function][0](*[part.value(values) for part in self.parts])

    def size(self, values: Floats, held: Sizes) -> Floats:
        """Return ``|f(x)| + |f'(x)|·size(x)``."""
        inner = [part.value(values) for part in self.parts]
        with np.errstate(all="ignore"):
            total = np.abs(FUNCTIONS[self.function][0](*inner))
            for slope, part in zip(FUNCTIONS[self.function][1](*inner), self.parts, strict=True):
                size = part.size(values, held)
                total = total + np.where(size == 0, 0.0, np.abs(slope) * size)
        return total

    def _with(self, parts: tuple[Formula, ...]) -> Formula:
        return Apply(self.function, parts)


@dataclass(frozen=True, eq=False)
class If(Compound):
    """The third part where the first compares so with the second, else the fourth."""

    comparison: Comparison
    parts: tuple[Formula, ...]

    def where(self, values: Floats) -> npt.NDArray[np.bool_]:
        """Return where the comparison holds."""
        return COMPARISONS[self.comparison](self.parts[0].value(values), self.parts[1].value(values))

    def value(self, values: Floats) -> Floats:
        """Return the value of the branch taken."""
        return np.where(self.where(values), self.parts[2].value(values), self.parts[3].value(values))

    def size(self, values: Floats, held: Sizes) -> Floats:
        """Return the size of the branch taken; infinite where rounding decides which one that is."""
        size = np.where(self.where(values), self.parts[2].size(values, held), self.parts[3].size(values, held))
        if held.exact or self.comparison in ("=", "<>"):
            return size
        gap = np.abs(self.parts[0].value(values) - self.parts[1].value(values))
        terms = self.parts[0].size(values, held) + self.parts[1].size(values, held)
        carried: Floats = np.where((gap <= UNDECIDED * terms) & (terms > LEAST), np.inf, size)
        return carried

    def _with(self, parts: tuple[Formula, ...]) -> Formula:
        return If(self.comparison, parts)


@dataclass(frozen=True, eq=False)
class Total(Formula):
    """The sum over places, ``[count, terms]``; `ZERO` stands for none."""

    places: Places

    @property
    def count(self) -> int:  # type: ignore[override]
        """How many elements."""
        return len(self.places)

    def value(self, values: Floats) -> Floats:
        """Return the sums."""
        return _added(values[self.places])

    def size(self, values: Floats, held: Sizes) -> Floats:
        """Return the sums of magnitudes."""
        size: Floats = held.of[self.places].sum(axis=1)
        return size

    def take(self, index: Places) -> Formula:
        """Return some."""
        return Total(_trimmed(self.places[index])[0])

    def reads(self) -> Sequence[Places]:
        """Return the places."""
        return (self.places,)


@dataclass(frozen=True, eq=False)
class Dot(Formula):
    """The sum of products of two numbers, ``[count, terms]`` each; `ZERO` in both stands for no term."""

    left: Places
    right: Places

    @property
    def count(self) -> int:  # type: ignore[override]
        """How many elements."""
        return len(self.left)

    def value(self, values: Floats) -> Floats:
        """Return the sums of products."""
        return _added(values[self.left] * values[self.right])

    def size(self, values: Floats, held: Sizes) -> Floats:
        """Return the sums of the products' magnitudes."""
        size: Floats = _product(np.abs(values[self.left]), held.of[self.left], np.abs(values[self.right]),
                                held.of[self.right]).sum(axis=1)
        return size

    def take(self, index: Places) -> Formula:
        """Return some."""
        left, right = _trimmed(self.left[index], self.right[index])
        return Dot(left, right)

    def reads(self) -> Sequence[Places]:
        """Return the places."""
        return (self.left, self.right)


@dataclass(frozen=True, eq=False)
class Largest(Formula):
    """The largest (or, with `least`, the smallest) of numbers at places, ``[count, terms]``; `ZERO` stands for none."""

    places: Places
    least: bool = False

    @property
    def count(self) -> int:  # type: ignore[override]
        """How many elements."""
        return len(self.places)

    def value(self, values: Floats) -> Floats:
        """Return the largest."""
        none = np.inf if self.least else -np.inf
        held = np.where(self.places == ZERO, none, values[self.places])
        found: Floats = held.min(axis=1) if self.least else held.max(axis=1)
        return found

    def size(self, values: Floats, held: Sizes) -> Floats:
        """Return the largest of their sizes."""
        size: Floats = held.of[self.places].max(axis=1)
        return size

    def take(self, index: Places) -> Formula:
        """Return some."""
        return Largest(_trimmed(self.places[index])[0], self.least)

    def reads(self) -> Sequence[Places]:
        """Return the places."""
        return (self.places,)


@dataclass(frozen=True, eq=False)
class Choice(Formula):
    """One of several numbers, by the whole number at a place.

    Attributes:
        index: place of the whole number, ``[count]``.
        options: what number 0, 1, ... chooses, ``[count, options]``.
    """

    index: Places
    options: Places

    @property
    def count(self) -> int:  # type: ignore[override]
        """How many elements."""
        return len(self.index)

    def value(self, values: Floats) -> Floats:
        """Return the chosen number; NaN where there is none."""
        return self._chosen(values, values)

    def _chosen(self, values: Floats, of: Floats) -> Floats:
        at = values[self.index]
        which = np.where(np.isfinite(at), at, -1).astype(np.int64)
        inside = (which >= 0) & (which < self.options.shape[1])
        chosen = self.options[np.arange(self.count), np.where(inside, which, 0)]
        return np.where(inside, of[chosen], np.nan)

    def size(self, values: Floats, held: Sizes) -> Floats:
        """Return its size."""
        return self._chosen(values, held.of)

    def take(self, index: Places) -> Formula:
        """Return some."""
        return Choice(self.index[index], self.options[index])

    def reads(self) -> Sequence[Places]:
        """Return the places."""
        return (self.index, self.options)


@dataclass(frozen=True, eq=False)
class Matching(Formula):
    """The sum of those numbers whose whole number is `wanted`: how what was chosen flows back.

    Attributes:
        keys: places of whole numbers, ``[count, terms]``.
        wanted: the one that counts, ``[count]``.
        places: what is added up, ``[count, terms]``.
    """

    keys: Places
    wanted: npt.NDArray[np.int64]
    places: Places

    @property
    def count(self) -> int:  # type: ignore[override]
        """How many elements."""
        return len(self.wanted)

    def value(self, values: Floats) -> Floats:
        """Return the sums."""
        return _added(np.where(values[self.keys] == self.wanted[:, None], values[self.places], 0.0))

    def size(self, values: Floats, held: Sizes) -> Floats:
        """Return the sums of magnitudes."""
        size: Floats = np.where(values[self.keys] == self.wanted[:, None], held.of[self.places], 0.0).sum(axis=1)
        return size

    def take(self, index: Places) -> Formula:
        """Return some."""
        return Matching(self.keys[index], self.wanted[index], self.places[index])

    def reads(self) -> Sequence[Places]:
        """Return the places."""
        return (self.keys, self.places)


def _added(terms: Floats) -> Floats:
    """Return the sums along the last axis, from left to right."""
    if terms.shape[1] == 0:
        return np.zeros(len(terms))
    if terms.shape[1] <= 64 and len(terms) > 64:
        total: Floats = terms[:, 0].copy()
        for k in range(1, terms.shape[1]):
            total += terms[:, k]
        return total
    sums: Floats = np.cumsum(terms, axis=1)[:, -1]
    return sums


def _product(a: Floats, size_a: Floats, b: Floats, size_b: Floats) -> Floats:
    """Return the size of a product of magnitudes `a` and `b` with their sizes."""
    return a * size_b + size_a * b - a * b


def _trimmed(*arrays: Places) -> tuple[Places, ...]:
    """Drop the last terms that no element has."""
    used = np.zeros(arrays[0].shape[1], dtype=bool)
    for array in arrays:
        used |= (array != ZERO).any(axis=0)
    keep = int(np.flatnonzero(used)[-1]) + 1 if used.any() else 0
    return tuple(array[:, :keep] for array in arrays)


def negative(formula: Formula) -> Formula:
    """Return ``-formula``."""
    return Minus((Number(0.0, formula.count), formula))


__all__ = ["COMPARISONS", "FUNCTIONS", "Apply", "Cell", "Choice", "Comparison", "Compound", "Dot", "Floats", "Formula",
           "If", "Largest", "Matching", "Minus", "Number", "Over", "Places", "Plus", "Sizes", "Times", "Total",
           "negative"]

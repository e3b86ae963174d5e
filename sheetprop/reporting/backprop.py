"""Part 1 of the report: the network, its steps, what each learning rate does, all read from a workbook."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sheetprop.errors import SheetpropError
from sheetprop.network import symbols
from sheetprop.network.equations import Equation
from sheetprop.network.expression import Expression
from sheetprop.network.notation import latex, symbol_latex, text
from sheetprop.network.spec import Spec
from sheetprop.reporting.chooser import Choice, choice
from sheetprop.reporting.learning_curves import Course, Run, course, reached_shares, words
from sheetprop.reporting.netpicture import edges_named
from sheetprop.reporting.sheetpictures import Pictures, pictures
from sheetprop.workbook.layout import Layout

if TYPE_CHECKING:
    from sheetprop.engine.book import Book

# Of a large network so many equations are explained; the others are like them.
EXPLAINED = 120
# A curve is drawn with at most about so many points.
CURVE_POINTS = 600

PARTS = {"forward": "Forward pass", "error": "Error", "backward": "Backward pass", "update": "Update"}
PART_WORDS = {
    "forward": "From the inputs to the outputs: every unit adds up what comes in, each value times its weight, and "
               "passes the sum through its activation.",
    "error": "How far the outputs are from the targets, as one number.",
    "backward": "How the total error changes with every weight. The chain rule multiplies the slopes along the way "
                "back; where several ways meet, their products add up.",
    "update": "Every weight takes a step against its gradient. The new value stands in the next row of the sheet.",
}


@dataclass(frozen=True)
class Step:
    """One equation, explained."""

    symbol: str
    symbol_latex: str
    sentence: str
    latex: str
    text: str
    chain_latex: str | None
    chain: str | None
    address: str
    formula: str
    value: float | None


@dataclass(frozen=True)
class Part:
    """The steps of one part of an iteration; `left_out` counts those of a large network that are not shown."""

    group: str
    title: str
    words: str
    steps: tuple[Step, ...]
    left_out: int


@dataclass(frozen=True)
class Curve:
    """E_total of one learning rate, thinned for drawing."""

    name: str
    rate: float
    iterations: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True)
class Backprop:
    """Everything that part 1 tells.

    Attributes:
        file, sha256, bytes: the workbook.
        spec: the network with the values and rates as they stand in the workbook now.
        preset: name of the initial values, as far as known.
        formulas: number of formula cells.
        parts: every equation, by part.
        courses: what each rate does.
        shares: position and name of the thresholds that are timed.
        words: what the learning rate does, as paragraphs.
        curves: E_total by iteration.
        pictures: the sheets.
        choice: the numbers behind the chooser.
        exercise: columns that a student still has to fill in.
        verification: what the verification says, or None with the reason in `not_verified`.
    """

    file: str
    sha256: str
    bytes: int
    spec: Spec
    preset: str | None
    formulas: int
    parts: tuple[Part, ...]
    courses: tuple[Course, ...]
    shares: tuple[tuple[int, str], ...]
    words: tuple[str, ...]
    curves: tuple[Curve, ...]
    pictures: Pictures
    choice: Choice
    exercise: tuple[str, ...]
    verification: Any = None
    not_verified: str | None = None

    @property
    def values(self) -> dict[str, float]:
        """Inputs, targets, weights and biases as they stand in Parameters."""
        return self.spec.network.initial()

    @property
    def equations(self) -> tuple[str, ...]:
        """Every equation and chain rule, as LaTeX."""
        return tuple(latex for part in self.parts for step in part.steps
                     for latex in (step.latex, step.chain_latex) if latex)

    @property
    def edges_named(self) -> bool:
        """Whether the network's picture has its weights on its lines."""
        return edges_named(self.spec.network)


class Lines:
    """A workbook, calculated: its layout, its numbers, and the error curves.

    Attributes:
        book, path: the workbook.
        formulas: number of formula cells.
        layout, spec: what it shows, with the values as they stand in it now.
        values: by symbol, (rates, iterations + 1).
        curves: E_total by iteration, thinned.
    """

    def __init__(self, book: Book, path: Path) -> None:
        """Calculate an open workbook.

        Raises:
            SheetpropError: it is no workbook of ours, or is damaged.
        """
        from sheetprop.verification import numbers
        from sheetprop.workbook.reading import present_spec, read_layout

        self.book, self.path = book, path
        self.formulas = book.calculate().formulas
        try:
            self.layout: Layout = read_layout(book)
            self.spec: Spec = present_spec(book, self.layout)
        except SheetpropError as error:
            raise SheetpropError(f"{path}: {error}") from error
        self.values: dict[str, Any] = numbers.read(self.layout, lambda name: book[name]).values
        self.curves = tuple(_curve(name, rate, total) for name, rate, total in self.runs())

    def runs(self) -> Iterator[tuple[str, float, Any]]:
        """Yield sheet, learning rate and E_total of each run."""
        yield from zip(self.layout.rate_sheets, self.spec.learning_rates, self.values[symbols.TOTAL], strict=True)


def read(lines: Lines, sha256: str) -> Backprop:
    """Return part 1, without the verification.

    Args:
        lines: the workbook.
        sha256: of its file.
    """
    book, layout, spec, path = lines.book, lines.layout, lines.spec, lines.path
    courses = tuple(course(name, rate, _run(lines, position)) for position, (name, rate, _) in enumerate(lines.runs()))
    return Backprop(
        file=path.name, sha256=sha256, bytes=path.stat().st_size, spec=spec, preset=_preset(spec),
        formulas=lines.formulas, parts=_parts(layout, lines.values), courses=courses,
        shares=tuple(reached_shares(courses)), words=tuple(words(courses)), curves=lines.curves,
        pictures=pictures(path, layout.sheets, layout.rate_sheets, lambda name: book[name]),
        choice=choice(layout, spec, lines.values),
        exercise=tuple(c.symbol for c in layout.columns if c.symbol in layout.blank))


def _run(lines: Lines, rate: int) -> Run:
    """Return what tells how a learning rate went."""
    network = lines.spec.network
    gradients = np.stack([lines.values[symbols.gradient(name)][rate] for name in network.parameters()])
    with np.errstate(all="ignore"):
        length = np.sqrt((gradients * gradients).sum(axis=0))
    outputs = {}
    names = symbols.activations(network.layers, len(network.layers) - 1)
    before = symbols.pre_activations(network.layers, len(network.layers) - 1)
    for name, argument, target in zip(names, before, network.targets, strict=True):
        value = lines.values[name][rate]
        with np.errstate(all="ignore"):
            slope = {"sigmoid": 4 * value * (1 - value), "tanh": 1 - value * value,
                     "relu": (lines.values[argument][rate] > 0) * 1.0}.get(network.activations[-1], np.ones_like(value))
        outputs[name] = (value, target, slope)
    return Run(lines.values[symbols.TOTAL][rate], length,
               {name: lines.values[name][rate] for name in network.parameters()}, outputs)


def _preset(spec: Spec) -> str | None:
    """Return the name of the preset with these values, if there is one."""
    from sheetprop.network.presets import PRESETS

    network = spec.network
    for name, preset in PRESETS.items():
        if ((preset.layers, preset.inputs, preset.targets, preset.weights, preset.biases, preset.learn_bias)
                == (network.layers, network.inputs, network.targets, network.weights, network.biases,
                    network.learn_bias)
                and set(network.activations) == {"sigmoid"}):
            return name
    return None


def _parts(layout: Layout, values: dict[str, Any]) -> tuple[Part, ...]:
    equations = layout.equations
    groups: dict[str, tuple[Equation, ...]] = {
        "forward": equations.forward, "error": equations.error, "backward": equations.backward,
        "update": equations.update}
    share = max(3, EXPLAINED // len(groups))
    parts = []
    for group, members in groups.items():
        kept = members if sum(map(len, groups.values())) <= EXPLAINED else members[:share]
        parts.append(Part(group, PARTS[group], PART_WORDS[group],
                          tuple(_step(layout, equation, values) for equation in kept), len(members) - len(kept)))
    return tuple(parts)


def _step(layout: Layout, equation: Equation, values: dict[str, Any]) -> Step:
    update = equation.group == "update"
    symbol = equation.symbol
    secret = symbol in layout.blank
    iteration = 1 if update else 0
    value = float(values[symbol][0][iteration])
    left = symbol_latex(symbol) + ("'" if update else "")
    expression: Expression = equation.expression
    return Step(
        symbol=symbol + ("′" if update else ""), symbol_latex=left, sentence=equation.explanation,
        latex="" if secret else f"{left} = {latex(expression)}",
        text=f"{symbol}{'′' if update else ''} = {'?' if secret else text(expression)}",
        chain_latex=None if equation.chain is None or secret else latex(equation.chain),
        chain=None if equation.chain is None or secret else text(equation.chain),
        address=layout.address(symbol, iteration),
        formula="" if secret else "=" + layout.formula(symbol, iteration),
        value=value if np.isfinite(value) else None)


def _curve(name: str, rate: float, total: Any) -> Curve:
    """Thin a curve: all of its beginning, where it is steep, then even steps, and the last point."""
    count = len(total)
    if count <= CURVE_POINTS:
        chosen = list(range(count))
    else:
        even = set(range(0, count, -(-count // (CURVE_POINTS // 2)))) | {count - 1}
        powers = {round(count ** (k / (CURVE_POINTS // 2))) for k in range(CURVE_POINTS // 2)}
        chosen = sorted(k for k in even | powers | {0} if k < count)
    kept = [k for k in chosen if np.isfinite(total[k])]
    return Curve(name, rate, tuple(kept), tuple(float(total[k]) for k in kept))

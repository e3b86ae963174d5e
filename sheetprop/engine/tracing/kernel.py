"""Prints a traced function as Python source: forward, and backward by the adjoint of every operation.

The same expressions are printed in three dialects: ``python`` over floats, ``numpy`` over
arrays of scenarios, ``numba`` over floats inside compiled loops over scenarios. The backward
part runs the pieces in reverse; a loop over rows becomes a loop that runs the rows backwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sheetprop.engine.calculation.reads import reads_of
from sheetprop.engine.formula.references import address
from sheetprop.engine.formula.tree import Cell
from sheetprop.engine.grid.storage import SheetStore
from sheetprop.engine.scope.workspace import Workspace
from sheetprop.engine.tracing.adjoint import Adjoint, shared_first
from sheetprop.engine.tracing.blockprogram import over_lanes
from sheetprop.engine.tracing.choosing import E, number
from sheetprop.engine.tracing.elements import TRUTHS, as_number, read_back
from sheetprop.engine.tracing.expression import Formula
from sheetprop.engine.tracing.grids import product_size
from sheetprop.engine.tracing.printer import Printer
from sheetprop.engine.tracing.scope import Variables
from sheetprop.engine.tracing.trace import Patch, Piece, Spot, Untraceable

_BACK = 8
_UNROLL = 3
_MOST = 4000
_MOST_READ = 50_000


class _Loop:
    """What is known about a piece that runs as a loop while its code is written."""

    def __init__(self, number_of: int, piece: Piece) -> None:
        self.number = number_of
        self.piece = piece
        self.inside = set(piece.columns)
        self.carried: dict[int, int] = {}
        self.saved: dict[int, set[int]] = {}  # column -> the passes whose value is needed later, -1 for all
        self.body: list[tuple[str, E]] = []
        self.gathered: list[tuple[str, list[E]]] = []
        self.varying: list[tuple[str, list[float]]] = []

    def index(self, row: int) -> int:
        """Return at which pass of the loop a row is calculated."""
        return row - self.piece.first if self.piece.unit.step > 0 else self.piece.last - row


class Kernel:
    """The source of one function.

    Attributes:
        source: Python text defining ``run``.
        constants: lists of numbers that the loops read, by name.
    """

    def __init__(self, space: Workspace, pieces: list[Piece | Patch], inputs: list[Spot], outputs: list[Spot], *,
                 dialect: str, gradient: bool) -> None:
        self.space = space
        self.dialect = dialect
        self.gradient = gradient
        self.inputs = {spot: at for at, spot in enumerate(inputs)}
        self.single: dict[Spot, str] = {}
        self.truths: set[str] = set()
        self.ahead: dict[str, str] = {}  # variables ahead of a formula's own -> what their slope is at first
        self.loops: dict[tuple[int, int], list[_Loop]] = {}
        self.constants: dict[str, list[float]] = {}
        self.names = 0
        self.printer = Printer(dialect, gradient=gradient, fresh=self.fresh)
        self.blocks: list[Callable[[], tuple[list[str], list[str]]]] = []
        for piece in pieces:
            if isinstance(piece, Patch):
                self.patch(piece)
            elif piece.rows() <= _UNROLL or (not piece.recursive and self.must_unroll(piece)):
                self.unrolled(piece)
            else:
                self.loop_or_cells(piece)
        self.outputs = [self.located(spot) for spot in outputs]
        self.source = self.written(outputs)

    def fresh(self, letter: str) -> str:
        """Return a new variable name."""
        self.names += 1
        return f"{letter}{self.names}"

    def must_unroll(self, piece: Piece) -> bool:
        """Say whether a piece is better written out cell by cell."""
        return piece.rows() * len(piece.columns) <= 16

    def located(self, spot: Spot) -> E | None:
        """Return the leaf of an active cell given by its place, or None where it is constant."""
        if spot in self.inputs:
            at = self.inputs[spot]
            return E("leaf", text=f"i{at}", adjoint=f"di{at}", active=True)
        if spot in self.single:
            name = self.single[spot]
            return E("leaf", text=name, adjoint=f"d{name}", active=True)
        sheet, row, column = spot
        for loop in self.loops.get((sheet, column), ()):
            if loop.piece.first <= row <= loop.piece.last:
                loop.saved.setdefault(column, set()).add(loop.index(row))
                text = f"L{loop.number}_{column}[{loop.index(row)}]"
                return E("leaf", text=text, adjoint=f"d{text}", active=True)
        return None

    def held(self, spot: Spot) -> E | None:
        """Return what an active cell holds, a truth value as such, or None where it is constant."""
        leaf = self.located(spot)
        return None if leaf is None else read_back(leaf, leaf.text.partition("[")[0] in self.truths)

    def loop_or_cells(self, piece: Piece) -> None:
        """Write a piece as a loop, or cell by cell where a loop cannot follow it and it is not too much."""
        try:
            self.loop(piece)
        except Untraceable:
            if piece.rows() * len(piece.columns) > _MOST or self.cells_read(piece) > _MOST_READ:
                raise
            self.unrolled(piece)

    def cells_read(self, piece: Piece) -> int:
        """Return about how many cells the formulas of a piece read, each by each."""
        found = 0
        for column in piece.columns:
            for read in reads_of(piece.unit.program.by_column[column], self.space, piece.sheet):
                grows = read.top_fixed != read.bottom_fixed
                top, bottom = read.rows(piece.first, piece.last if grows else piece.first)
                left, right = read.columns(column)
                found += (bottom - top + 1) * (right - left + 1)
        return found * piece.rows()

    def unrolled(self, piece: Piece) -> None:
        """Write a piece cell by cell."""
        rows = range(piece.first, piece.last + 1) if piece.unit.step > 0 else range(piece.last, piece.first - 1, -1)
        for row in rows:
            for column in piece.columns:
                spot = (piece.sheet.index, row, column)
                if spot not in self.inputs:
                    formula = self.formula(piece.sheet, row, column)
                    self.cell(spot, formula.element_of(piece.unit.program.by_column[column].tree))

    def patch(self, patch: Patch) -> None:
        """Write the cells of an array formula over a rectangle."""
        array = patch.array
        formula = self.formula(patch.sheet, array.top, array.left)
        places = [spot for spot in patch.cells if spot not in self.inputs]
        elements = formula.elements_of(array.family.tree, [(row - array.top, column - array.left)
                                                           for _, row, column in places])
        for spot, element in zip(places, elements, strict=True):
            self.cell(spot, element)

    def formula(self, sheet: SheetStore, row: int, column: int) -> Formula:
        """Return the formula of one cell."""

        def cell(node: Cell, at: int) -> E | None:
            target = sheet if node.sheet is None else self.space.by_name.get(node.sheet.casefold())
            return None if target is None else self.held((target.index, *node.at(row, at)))

        def named(e: E) -> E:
            name = self.fresh("v")
            self.ahead[name] = f"[0.0]*{product_size(e)}" if e.op == "product" else "0.0"
            self.blocks.append(self.straight(name, e))
            return E("leaf", text=name, adjoint=f"d{name}", active=e.active)

        return Formula(self.space, sheet, column, [row],
                       Variables(self.dialect, cell, lambda values: number(values[0]), named))

    def cell(self, spot: Spot, element: E) -> None:
        """Write one cell."""
        name = self.single[spot] = self.fresh("v")
        if element.op in TRUTHS:
            self.truths.add(name)
        self.blocks.append(self.straight(name, as_number(element)))

    def straight(self, name: str, expression: E) -> Callable[[], tuple[list[str], list[str]]]:
        """Return the writer of one cell."""

        def write() -> tuple[list[str], list[str]]:
            back = Adjoint(self.fresh, self.dialect, set())
            if self.gradient:
                back.send_of(f"d{name}", expression)
            body = self.printer.statements(name, expression)
            return [*back.initialised(), *body], back.lines

        return write

    def loop(self, piece: Piece) -> None:
        """Write a piece as a loop over its rows."""
        self.names += 1
        loop = _Loop(self.names, piece)
        step = piece.unit.step
        rows = list(range(piece.first, piece.last + 1)) if step > 0 else list(range(piece.last, piece.first - 1, -1))
        cache: dict[tuple[str | None, int, int, bool], E | None] = {}

        def cell(node: Cell, at: int) -> E | None:
            column = node.column if node.column_fixed else at + node.column
            key = (node.sheet, node.row, column, node.row_fixed)
            if key not in cache:
                cache[key] = find(node, column)
            return cache[key]

        def find(node: Cell, column: int) -> E | None:
            sheet = piece.sheet if node.sheet is None else self.space.by_name.get(node.sheet.casefold())
            if sheet is None:
                return None
            own = sheet is piece.sheet and column in loop.inside
            if node.row_fixed:
                if own and piece.first <= node.row <= piece.last:
                    raise Untraceable(f"{sheet.name}!{address(rows[0], column)}",
                                      "a fixed reference into the table that it is part of")
                return self.held((sheet.index, node.row, column))
            if own:
                back = -node.row * step
                if not 0 <= back <= _BACK:
                    raise Untraceable(f"{sheet.name}!{address(rows[0], column)}", f"a reference {back} rows back")
                if back == 0:
                    return read_back(E("leaf", text=f"c{column}", adjoint=f"dc{column}", active=True),
                                     f"L{loop.number}_{column}" in self.truths)
                loop.carried[column] = max(loop.carried.get(column, 0), back)
                return E("leaf", text=f"p{back}_{column}", adjoint=f"q{back}_{column}", active=True)
            return self.moving(loop, sheet.index, column, rows, node.row)

        def varying(values: list[float]) -> E:
            name = self.fresh("X")
            self.constants[name] = values
            return E("leaf", text=f"{name}[i]", active=False)

        def named(e: E) -> E:
            name = self.fresh("u")
            loop.body.append((name, e))
            return E("leaf", text=name, adjoint=f"d{name}", active=e.active)

        if any(spot[0] == piece.sheet.index and spot[2] in loop.inside and piece.first <= spot[1] <= piece.last
               for spot in self.inputs):
            raise Untraceable(f"{piece.sheet.name}!{address(piece.first, piece.columns[0])}",
                              "an input inside a table")
        for column in piece.columns:
            formula = Formula(self.space, piece.sheet, column, rows, Variables(self.dialect, cell, varying, named))
            element = formula.element_of(piece.unit.program.by_column[column].tree)
            if element.op in TRUTHS:
                self.truths.add(f"L{loop.number}_{column}")
            loop.body.append((f"c{column}", as_number(element)))
        starts = {(column, back): self.start(piece, column, rows[0] - back * step)
                  for column, most in loop.carried.items() for back in range(1, most + 1)}
        for column in piece.columns:
            self.loops.setdefault((piece.sheet.index, column), []).append(loop)
        if self.gradient or self.dialect != "python":
            loop.body = shared_first(loop.body, self.fresh)
        self.blocks.append(lambda: self.written_loop(loop, starts, len(rows)))

    def start(self, piece: Piece, column: int, row: int) -> E:
        """Return the value that a loop carries in from a row before its first one."""
        if row < 1:
            raise Untraceable(f"{piece.sheet.name}!{address(piece.first, column)}", "a reference outside the sheet")
        found = self.located((piece.sheet.index, row, column))
        if found is not None:
            return found
        value = piece.sheet.get(row, column)
        if value is None or type(value) is bool:
            value = float(value or 0.0)
        if type(value) is not float:
            raise Untraceable(f"{piece.sheet.name}!{address(row, column)}", "text or an error above a table")
        return number(value)

    def moving(self, loop: _Loop, sheet: int, column: int, rows: list[int], distance: int) -> E | None:
        """Return the leaf of a reference that moves with the rows over cells outside the loop."""
        low, high = min(rows) + distance, max(rows) + distance
        for other in self.loops.get((sheet, column), ()):
            if other.piece.first <= low and high <= other.piece.last:
                other.saved.setdefault(column, set()).add(-1)
                begin = other.index(rows[0] + distance)
                sign = 1 if other.piece.unit.step == loop.piece.unit.step else -1
                at = f"i+{begin}" if sign > 0 else f"{begin}-i"
                text = f"L{other.number}_{column}[{at}]"
                return read_back(E("leaf", text=text, adjoint=f"d{text}", active=True),
                                 f"L{other.number}_{column}" in self.truths)
        places = [self.located((sheet, row + distance, column)) for row in rows]
        if all(place is None for place in places):
            return None
        leaves: list[E] = []
        for row, place in zip(rows, places, strict=True):
            if place is None:
                value = self.space.sheets[sheet].get(row + distance, column)
                if value is not None and type(value) is not float:
                    raise Untraceable(f"{self.space.sheets[sheet].name}!{address(row + distance, column)}",
                                      "text or an error among numbers")
                place = number(value or 0.0)
            leaves.append(place)
        name = self.fresh("G")
        loop.gathered.append((name, leaves))
        return E("leaf", text=f"{name}[i]", adjoint=f"d{name}[i]", active=True)

    def written_loop(self, loop: _Loop, starts: dict[tuple[int, int], E], count: int) -> tuple[list[str], list[str]]:
        """Write a loop forward and backward."""
        piece = loop.piece
        columns = piece.columns
        zero = {f"dc{column}" for column in columns if column not in loop.saved and column not in loop.carried}
        back = Adjoint(self.fresh, self.dialect, zero)
        zero.update(f"d{name}" for name, _ in loop.body if name[0] == "u")
        if self.gradient:
            for name, expression in reversed(loop.body):
                if f"d{name}" not in back.zero:
                    back.send_of(f"d{name}", expression)
        forward = [f"{name} = [{', '.join(leaf.text for leaf in leaves)}]" for name, leaves in loop.gathered]
        forward += back.initialised()
        forward += [f"p{at}_{column} = {starts[(column, at)].text}"
                    for column, most in loop.carried.items() for at in range(1, most + 1)]
        kept = sorted(back.kept)
        if not self.gradient:
            return forward + self.passes(loop, count), []
        forward.append(f"T{loop.number} = []; t{loop.number} = T{loop.number}.append")
        forward += self.passes(loop, count, [f"t{loop.number}(({', '.join(kept)}{',' if kept else ''}))"])
        return forward, self.written_back(loop, starts, count, back, kept)

    def passes(self, loop: _Loop, count: int, remembered: list[str] | None = None) -> list[str]:
        """Return the lines that run a loop forward and keep of it what is needed later.

        What leads only to results of the last pass is left out of the others, unless there is a way back.

        Args:
            loop: whose body is printed.
            count: how many passes it has.
            remembered: lines that keep of each pass what the way back needs.
        """
        numba = self.dialect == "numba"
        last = set() if self.gradient else {column for column, passes in loop.saved.items() if passes == {count - 1}}
        before = _before_the_last(loop, last)
        split = count > 1 and last and (numba or len(before) < len(loop.body))
        held = sorted(loop.saved.keys() if numba else loop.saved.keys() - last)

        def run(passes: range, formulas: list[tuple[str, E]], keeping: list[int]) -> list[str]:
            body = self.printer.one_pass(formulas, _own(loop, formulas))
            body += [f"L{loop.number}_{column}[i] = c{column}" if numba else f"a{loop.number}_{column}(c{column})"
                     for column in keeping]
            body += [*(remembered or ()), *self.shifts(loop)]
            return [f"for i in range({passes.start}, {passes.stop}):", *(f"  {line}" for line in body)]

        lines: list[str] = []
        for column in held:
            name = f"L{loop.number}_{column}"
            growing = f"{name} = []; a{loop.number}_{column} = {name}.append"
            lines.append(f"{name} = empty({count})" if numba else growing)
        if split:
            lines += run(range(count - 1), before, [column for column in held if column not in last])
        lines += run(range(count - 1 if split else 0, count), loop.body, held)
        if not numba:
            lines += [f"L{loop.number}_{column} = {{{count - 1}: c{column}}}" for column in sorted(last)]
        return lines

    @staticmethod
    def shifts(loop: _Loop) -> list[str]:
        """Return the lines that hand values on to the next row."""
        lines: list[str] = []
        for column, most in loop.carried.items():
            lines.extend(f"p{at}_{column} = p{at - 1}_{column}" for at in range(most, 1, -1))
            lines.append(f"p1_{column} = c{column}")
        return lines

    def written_back(self, loop: _Loop, starts: dict[tuple[int, int], E], count: int, back: Adjoint,
                     kept: list[str]) -> list[str]:
        """Write the loop that runs the rows backwards."""
        lines = [f"q{at}_{column} = 0.0" for column, most in loop.carried.items() for at in range(1, most + 1)]
        lines += [f"d{name} = [0.0]*{count}" for name, _ in loop.gathered]
        lines.append(f"for i in range({count - 1}, -1, -1):")
        if kept:
            lines.append(f"  ({', '.join(kept)},) = T{loop.number}[i]")
        for column in loop.piece.columns:
            parts = [f"q1_{column}"] if column in loop.carried else []
            if column in loop.saved:
                parts.append(f"dL{loop.number}_{column}[i]")
            if parts:
                lines.append(f"  dc{column} = {' + '.join(parts)}")
        for column, most in loop.carried.items():
            lines.extend(f"  q{at}_{column} = q{at + 1}_{column}" for at in range(1, most))
            lines.append(f"  q{most}_{column} = 0.0")
        lines += [f"  {line}" for line in back.lines]
        for (column, at), leaf in starts.items():
            if leaf.active:
                lines.append(f"{leaf.adjoint} += q{at}_{column}")
        for name, leaves in loop.gathered:
            lines.extend(f"{leaf.adjoint} += d{name}[{at}]" for at, leaf in enumerate(leaves) if leaf.active)
        return lines

    def written(self, outputs: list[Spot]) -> str:
        """Put all blocks together into one function."""
        forward: list[str] = []
        backward: list[str] = []
        results = [leaf.text if leaf is not None else repr(self.now(spot))
                   for leaf, spot in zip(self.outputs, outputs, strict=True)]
        pairs = [write() for write in self.blocks]
        for ahead, _ in pairs:
            forward += ahead
        for _, behind in reversed(pairs):
            backward += behind
        names = ", ".join(f"i{at}" for at in range(len(self.inputs)))
        if self.dialect == "numba":
            return over_lanes(forward, len(self.inputs), results)
        lines = [f"def run({names}, seeds):" if self.gradient else f"def run({names}):"]
        lines += [f"  {name} = empty_like(i0)" for name in self.printer.arrays]
        lines += [f"  {line}" for line in forward]
        if not self.gradient:
            return "\n".join([*lines, f"  return ({', '.join(results)},)"])
        lines += [f"  di{at} = 0.0" for at in range(len(self.inputs))]
        lines += [f"  d{name} = 0.0" for name in self.single.values()]
        lines += [f"  d{name} = {nothing}" for name, nothing in self.ahead.items()]
        for loops in self.loops.values():
            for loop in loops:
                lines += [f"  dL{loop.number}_{column} = [0.0]*{loop.piece.rows()}" for column in loop.saved]
        lines += [f"  {leaf.adjoint} += seeds[{at}]" for at, leaf in enumerate(self.outputs) if leaf is not None]
        lines += [f"  {line}" for line in backward]
        slopes = ", ".join(f"di{at}" for at in range(len(self.inputs)))
        return "\n".join([*lines, f"  return ({', '.join(results)},), ({slopes},)"])

    def now(self, spot: Spot) -> float:
        """Return the value of an output that depends on no input."""
        value = self.space.sheets[spot[0]].get(spot[1], spot[2])
        if type(value) is bool or value is None:
            return float(value or 0.0)
        return value if type(value) is float else float("nan")


def _own(loop: _Loop, formulas: list[tuple[str, E]]) -> set[str]:
    """Return the variables of a pass that nothing outside it reads."""
    return {name for name, _ in formulas
            if name[0] == "u" or (int(name[1:]) not in loop.carried and int(name[1:]) not in loop.saved)}


def _before_the_last(loop: _Loop, last: set[int]) -> list[tuple[str, E]]:
    """Return the formulas that passes before the last one need: not those that lead only to results of the last."""
    wanted = {f"c{column}" for column in loop.carried.keys() | (loop.saved.keys() - last)}
    found: list[tuple[str, E]] = []
    for name, expression in reversed(loop.body):
        if name in wanted:
            found.append((name, expression))
            wanted.update(leaf.text for leaf in _leaves(expression))
    found.reverse()
    return found


def _leaves(e: E) -> Iterator[E]:
    if e.op == "leaf":
        yield e
    for arg in e.args:
        yield from _leaves(arg)

"""A workbook as a Python function: scenarios as arrays, exact derivatives, a layer for PyTorch."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from sheetprop.engine.calculation.running import Runner
from sheetprop.engine.calculation.schedule import Step
from sheetprop.engine.calculation.session import Session
from sheetprop.engine.formula.references import address, quoted
from sheetprop.engine.grid.storage import Block, Column, SheetStore
from sheetprop.engine.grid.values import ExcelError, Raised, Value
from sheetprop.engine.scope.workspace import Workspace
from sheetprop.engine.tracing.dialects import compiled
from sheetprop.engine.tracing.kernel import Kernel
from sheetprop.engine.tracing.trace import Patch, Piece, Spot, Untraceable, trace
from sheetprop.errors import SheetpropError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import torch

    Floats = npt.NDArray[np.float64]

_CHUNK = 5000
_AT_ONCE = 20_000_000
_FEW = 8


def spots(session: Session, refs: Sequence[str]) -> list[Spot]:
    """Return the cells of references like "Sheet!A1:B3" or defined names, row by row.

    Raises:
        SheetpropError: a reference names no cells.
    """
    found: list[Spot] = []
    for ref in [refs] if isinstance(refs, str) else refs:
        store, top, left, bottom, right = session.area(ref)
        if (bottom - top + 1) * (right - left + 1) > 100_000:
            raise SheetpropError(f"{ref!r}: is more than 100,000 cells; choose fewer")
        found.extend((store.index, row, column) for row in range(top, bottom + 1) for column in range(left, right + 1))
    return found


class Function:
    """Output cells as a function of input cells; made by `Book.function`.

    The workbook's other cells enter with the values that they have when the function is first
    called. An input that holds a formula is cut loose from it. Where a result is an Excel error,
    it is NaN.

    Attributes:
        input_cells: the inputs, one cell each, as ``Sheet!A1``.
        output_cells: the outputs.
    """

    def __init__(self, session: Session, inputs: Sequence[str], outputs: Sequence[str]) -> None:
        self._session = session
        self._inputs = spots(session, inputs)
        self._outputs = spots(session, outputs)
        if not self._inputs or not self._outputs:
            raise SheetpropError("function: needs at least one input cell and one output cell")
        if len(set(self._inputs)) != len(self._inputs):
            raise SheetpropError("function: an input cell is given twice; give each once")
        self.input_cells = [self._spelled(spot) for spot in self._inputs]
        self.output_cells = [self._spelled(spot) for spot in self._outputs]
        self._made: dict[tuple[str, bool], Any] = {}
        self._pieces: list[Piece | Patch] | None = None
        self._stuck: Untraceable | None = None
        self._version = -1
        self._chooses = False
        self._chunk = _CHUNK
        self._space: Workspace = session.space

    def __repr__(self) -> str:
        return f"<Function {_listed(self.input_cells)} -> {_listed(self.output_cells)}>"

    def _spelled(self, spot: Spot) -> str:
        sheet, row, column = spot
        return f"{quoted(self._session.sheet_names[sheet])}!{address(row, column)}"

    # ---- preparing

    def _prepare(self) -> None:
        """Trace the cells between inputs and outputs; again after the workbook was changed."""
        session = self._session
        session.settled()
        if self._version == session.version:
            return
        self._version = session.version
        self._made.clear()
        self._chunk = _CHUNK
        self._stuck = None
        space = session.space
        runner = session.runner
        if any(_formula_at(space, spot) for spot in self._inputs):
            space = _cut_loose(space, self._inputs)
            runner = Runner(space)
        self._space = space
        try:
            self._pieces = trace(space, runner.schedule(), self._inputs, self._outputs)
        except Untraceable as stuck:
            self._stuck = stuck
            self._pieces = None

    def _kernel(self, dialect: str, gradient: bool) -> Callable[..., Any]:
        """Return a compiled kernel.

        Raises:
            Untraceable: active cells need a recalculation.
        """
        key = (dialect, gradient)
        if key not in self._made:
            if self._pieces is None:
                assert self._stuck is not None
                raise self._stuck
            try:
                kernel = Kernel(self._space, self._pieces, self._inputs, self._outputs, dialect=dialect,
                                gradient=gradient)
                self._made[key] = compiled(kernel, dialect)
                self._chooses = kernel.printer.chooses
                # A batch's variables are arrays over its scenarios, all in memory at the same time.
                self._chunk = min(self._chunk, max(1, _AT_ONCE // (kernel.names + 1)))
            except Untraceable as stuck:
                self._made[key] = stuck
            except (Raised, RecursionError, MemoryError):
                self._made[key] = Untraceable(self.output_cells[0], "a formula that is too deep")
        made = self._made[key]
        if isinstance(made, Untraceable):
            raise made
        return made  # type: ignore[no-any-return]

    def source(self, *, gradient: bool = False, dialect: str = "python") -> str:
        """Return the generated Python source, for reading.

        Raises:
            SheetpropError: the function can only be had by recalculating the workbook.
        """
        self._prepare()
        try:
            if self._pieces is None:
                assert self._stuck is not None
                raise self._stuck
            return Kernel(self._space, self._pieces, self._inputs, self._outputs, dialect=dialect,
                          gradient=gradient).source
        except Untraceable as stuck:
            raise self._no_slope(stuck) from None

    def remarks(self) -> list[str]:
        """Return what a user should know of the inputs and outputs, a line for each kind.

        That is: inputs whose cells hold a formula or text, which the given values replace; inputs on
        which no output depends, and outputs that depend on no input (looked for among a few cells only).
        """
        self._session.settled()
        space = self._session.space
        given = list(zip(self._inputs, self.input_cells, strict=True))
        asked = list(zip(self._outputs, self.output_cells, strict=True))
        formulas = [name for spot, name in given if _formula_at(space, spot)]
        texts = [name for (sheet, row, column), name in given if type(space.sheets[sheet].get(row, column)) is str]
        idle: list[str] = []
        still: list[str] = []
        if len(given) + len(asked) <= _FEW:
            steps = self._session.runner.schedule()
            idle = [name for spot, name in given if not _depends(space, steps, [spot], self._outputs)]
            still = [name for spot, name in asked if not _depends(space, steps, self._inputs, [spot])]
        return [f"{_listed(names)}: {what}" for names, what in (
            (formulas, "holds a formula, which the given values replace"),
            (texts, "holds text, which the given values replace"),
            (idle, "no cell asked for depends on it"),
            (still, "depends on no cell that is set")) if names]

    # ---- values

    def current(self) -> Floats:
        """Return the inputs' present values, an array (inputs,).

        Raises:
            SheetpropError: an input cell holds no number.
        """
        import numpy as np

        self._session.settled()
        values: list[float] = []
        for (sheet, row, column), name in zip(self._inputs, self.input_cells, strict=True):
            value = self._session.space.sheets[sheet].get(row, column)
            if value is None or type(value) is bool:
                value = float(value or 0.0)
            if type(value) is not float:
                raise SheetpropError(f"{name}: holds {value!r}, which is no number; choose a numeric input")
            values.append(value)
        return np.array(values, dtype=np.float64)

    def _given(self, x: Any) -> Floats:
        import numpy as np

        if x is None:
            return self.current()
        try:
            given = np.asarray(x, dtype=np.float64)
        except (TypeError, ValueError):
            raise SheetpropError(f"function: takes numbers, not {x!r:.60}") from None
        if given.ndim == 0:
            given = given.reshape(1)
        if given.shape[-1] != len(self._inputs):
            raise SheetpropError(f"function: takes {len(self._inputs)} inputs on the last axis, but the array has "
                                 f"shape {given.shape}")
        return given

    def __call__(self, x: Any = None, *, backend: str | None = None) -> Floats:
        """Return the outputs for inputs `x`.

        Args:
            x: array (inputs,) or (scenarios, inputs), in the order of `input_cells`; the
                workbook's own values where it is not given.
            backend: "python", "numpy" or "numba"; chosen by the number of scenarios where not given.

        Returns:
            array (outputs,) or (scenarios, outputs); NaN where a cell holds an error or text.

        Raises:
            SheetpropError: the shape is wrong, or numba is asked for and not installed.
        """
        import numpy as np

        self._prepare()
        given = self._given(x)
        if given.ndim > 2:
            flat = self(given.reshape(-1, given.shape[-1]), backend=backend)
            return flat.reshape(*given.shape[:-1], -1)
        if given.ndim == 1:
            return np.array(self._one(given.tolist()), dtype=np.float64)
        chosen = backend or ("python" if len(given) <= 8 else "numpy")
        if chosen == "numba":
            return self._numba(given)
        if chosen == "python":
            return np.array([self._one(line) for line in given.tolist()], dtype=np.float64).reshape(
                len(given), len(self._outputs))
        if chosen != "numpy":
            raise SheetpropError(f"backend {chosen!r}: is not known; known are python, numpy, numba")
        return self._many(given)

    def _one(self, line: list[float]) -> Sequence[float]:
        """Return the outputs of one scenario."""
        try:
            results: tuple[float, ...] = self._kernel("python", False)(*line)
        except (Untraceable, Raised, ZeroDivisionError, OverflowError, ValueError, TypeError):
            return self._recalculated(line)
        if all(-math.inf < result < math.inf for result in results):
            return results
        return self._recalculated(line)

    def _many(self, given: Floats) -> Floats:
        """Return the outputs of many scenarios, a batch at a time."""
        import numpy as np

        try:
            self._kernel("numpy", False)
        except Untraceable:
            return np.array([self._recalculated(line) for line in given.tolist()], dtype=np.float64)
        found = np.empty((len(given), len(self._outputs)))
        for start in range(0, len(given), self._chunk):
            part = np.ascontiguousarray(given[start:start + self._chunk].T)
            try:
                with np.errstate(all="raise", under="ignore"):
                    results = self._kernel("numpy", False)(*part)
            except FloatingPointError:
                with np.errstate(all="ignore"):
                    results = self._kernel("careful", False)(*part)
            for at, result in enumerate(results):
                found[start:start + self._chunk, at] = result
        return self._finished(found, given)

    def _numba(self, given: Floats) -> Floats:
        import numpy as np

        try:
            run = self._kernel("numba", False)
        except Untraceable as stuck:
            raise SheetpropError(f"{stuck.place}: {stuck.why} cannot be compiled; leave the backend open") from None
        found = np.empty((len(given), len(self._outputs)))
        run(np.ascontiguousarray(given), found)
        return self._finished(found, given)

    def _finished(self, found: Floats, given: Floats) -> Floats:
        """Return results with NaN for what is no number; choices outside their range are looked up by recalculating."""
        import numpy as np

        lost = ~np.isfinite(found)
        found[lost] = np.nan
        if self._chooses:
            for at in np.flatnonzero(lost.any(axis=1)):
                found[at] = self._recalculated(given[at].tolist())
        return found

    def _recalculated(self, line: list[float]) -> list[float]:
        """Return the outputs of one scenario by recalculating the workbook with these inputs."""
        space = self._made.get(("space", False))
        if space is None:
            space = self._made[("space", False)] = _cut_loose(self._session.space, self._inputs, own_values=True)
            self._made[("runner", False)] = Runner(space)
        for (sheet, row, column), given in zip(self._inputs, line, strict=True):
            space.sheets[sheet].set(row, column, float(given))
        self._made[("runner", False)].run()
        found: list[float] = []
        for sheet, row, column in self._outputs:
            value: Value = space.sheets[sheet].get(row, column)
            if value is None or type(value) is bool:
                value = float(value or 0.0)
            found.append(value if type(value) is float else math.nan)
        return found

    # ---- derivatives

    def _no_slope(self, stuck: Untraceable) -> SheetpropError:
        return SheetpropError(f"{stuck.place}: has no derivative here ({stuck.why}); choose other inputs or outputs")

    def vjp(self, x: Any = None, seeds: Any = None) -> tuple[Floats, Floats]:
        """Return the outputs and the slopes of their weighted sum with respect to the inputs (reverse mode).

        Args:
            x: array (inputs,) or (scenarios, inputs); the workbook's own values where not given.
            seeds: weights of the outputs, (outputs,) or (scenarios, outputs); all 1 where not given.

        Returns:
            (outputs, slopes): arrays (..., outputs) and (..., inputs).

        Raises:
            SheetpropError: an active cell has no derivative (text, a lookup at a place that
                depends on an input, a circular reference); the message names it.
        """
        import numpy as np

        self._prepare()
        given = self._given(x)
        weights = np.ones(len(self._outputs)) if seeds is None else np.asarray(seeds, dtype=np.float64)
        for (sheet, row, column), name in zip(self._outputs, self.output_cells, strict=True):
            if type(value := self._space.sheets[sheet].get(row, column)) is str:
                raise SheetpropError(f"{name}: holds the text {value!r}, which has no derivative; choose a number")
        try:
            if given.ndim == 1:
                return self._slopes_of_one(given, weights)
            return self._slopes_of_many(given, weights)
        except Untraceable as stuck:
            raise self._no_slope(stuck) from None

    def _slopes_of_one(self, given: Floats, weights: Floats) -> tuple[Floats, Floats]:
        import numpy as np

        try:
            results, slopes = self._kernel("python", True)(*given.tolist(), weights.tolist())
        except (Raised, ZeroDivisionError, OverflowError, ValueError):
            values, found = self._slopes_of_many(given.reshape(1, -1), weights.reshape(1, -1))
            return values[0], found[0]
        return np.array(results, dtype=np.float64), np.array(slopes, dtype=np.float64)

    def _slopes_of_many(self, given: Floats, weights: Floats) -> tuple[Floats, Floats]:
        import numpy as np

        count = len(given)
        values, found = np.empty((count, len(self._outputs))), np.empty((count, len(self._inputs)))
        full = np.broadcast_to(weights, (count, len(self._outputs)))
        self._kernel("numpy", True)
        for start in range(0, count, self._chunk):
            part = np.ascontiguousarray(given[start:start + self._chunk].T)
            seeds = list(np.ascontiguousarray(full[start:start + self._chunk].T))
            try:
                with np.errstate(all="raise", under="ignore"):
                    results, slopes = self._kernel("numpy", True)(*part, seeds)
            except FloatingPointError:
                with np.errstate(all="ignore"):
                    results, slopes = self._kernel("careful", True)(*part, seeds)
            for at, result in enumerate(results):
                values[start:start + self._chunk, at] = result
            for at, slope in enumerate(slopes):
                found[start:start + self._chunk, at] = slope
        errors = ~np.isfinite(values)
        values[errors] = np.nan
        found[(errors & (full != 0.0)).any(axis=1)] = np.nan
        return values, found

    def value_and_gradient(self, x: Any = None) -> tuple[Floats, Floats]:
        """Return the single output and its gradient.

        Returns:
            (values, gradient): shapes () and (inputs,), or (scenarios,) and (scenarios, inputs).

        Raises:
            SheetpropError: there is more than one output, or a cell has no derivative.
        """
        if len(self._outputs) != 1:
            raise SheetpropError(f"gradient: is of one cell, but the function has {len(self._outputs)} outputs; "
                                 "use jacobian()")
        values, slopes = self.vjp(x)
        return values[..., 0], slopes

    def gradient(self, x: Any = None) -> Floats:
        """Return the gradient of the single output: (inputs,) or (scenarios, inputs); see `value_and_gradient`."""
        return self.value_and_gradient(x)[1]

    def jacobian(self, x: Any = None) -> Floats:
        """Return all derivatives: (outputs, inputs) or (scenarios, outputs, inputs).

        Raises:
            SheetpropError: a cell has no derivative.
        """
        import numpy as np

        lines = [self.vjp(x, seeds)[1] for seeds in np.eye(len(self._outputs))]
        return np.stack(lines, axis=-2)

    def torch(self) -> Callable[[torch.Tensor], torch.Tensor]:
        """Return the function as a PyTorch operation: tensors in, tensors out, gradients through.

        The tensor has shape (..., inputs), the result (..., outputs), in float64.

        Raises:
            SheetpropError: a cell has no derivative (when it is first called with gradients on).
        """
        from sheetprop.engine.tracing.torchlayer import as_torch

        return as_torch(self, self.vjp)


def _listed(names: list[str]) -> str:
    """Return some names, and how many more there are."""
    return ", ".join(names[:5]) + (f" and {len(names) - 5:,} more" if len(names) > 5 else "")


def _formula_at(space: Workspace, spot: Spot) -> bool:
    """Say whether a cell's value comes from a formula, its own or an array formula's."""
    sheet, row, column = space.sheets[spot[0]], spot[1], spot[2]
    return sheet.family_at(row, column) is not None or any(
        array.top <= row <= array.bottom and array.left <= column <= array.right for array in sheet.arrays)


def _depends(space: Workspace, steps: list[Step], inputs: list[Spot], outputs: list[Spot]) -> bool:
    """Say whether an output may depend on an input."""
    if set(inputs) & set(outputs):
        return True
    try:
        return bool(trace(space, steps, inputs, outputs))
    except Untraceable:
        return True


def _cut_loose(space: Workspace, inputs: list[Spot], *, own_values: bool = False) -> Workspace:
    """Return a copy of a workspace in which the inputs hold no formulas; values are shared unless said."""
    from sheetprop.engine.file.loading import Contents

    old = space.contents
    contents = Contents(old.package)
    contents.names, contents.spelled = old.names, old.spelled
    contents.date1904, contents.iterate, contents.outline = old.date1904, old.iterate, old.outline
    for sheet in space.sheets:
        copy = SheetStore(sheet.name, sheet.index, sheet.part)
        copy.columns = {at: _column(held) for at, held in sheet.columns.items()} if own_values else sheet.columns
        copy.blocks = [Block(block.first, block.last, block.program) for block in sheet.blocks]
        copy.arrays = list(sheet.arrays)
        copy.grid = sheet.grid
        copy.arrange()
        contents.sheets.append(copy)
    for sheet_at, row, column in inputs:
        store = contents.sheets[sheet_at]
        if store.family_at(row, column) is not None:
            store.put_formula(row, column, None)
    made = Workspace(contents)
    made.seed, made.now = space.seed, space.now
    return made


def _column(held: Column) -> Column:
    copy = Column()
    copy.base, copy.values, copy.sparse = held.base, list(held.values), dict(held.sparse)
    return copy


__all__ = ["ExcelError", "Function", "Value"]

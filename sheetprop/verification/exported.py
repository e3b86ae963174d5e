"""Verification of a book of a module: every number against PyTorch, every formula against the prescribed one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from sheetprop.engine.book import Book, canonical
from sheetprop.engine.formula.references import column_number, split_sheet
from sheetprop.engine.grid.values import ExcelError
from sheetprop.errors import SheetpropError
from sheetprop.modules.formula import Floats
from sheetprop.modules.learning import Learning
from sheetprop.modules.reference import EndToEnd, carried_sizes, end_to_end, expected, sizes
from sheetprop.modules.tensors import Block
from sheetprop.verification import engines
from sheetprop.verification.result import Comparison, Fault, Remark, Verification, capped
from sheetprop.workbook.exported.book import Spec
from sheetprop.workbook.exported.pages import Rendering
from sheetprop.workbook.exported.reading import Reader, stored_formulas
from sheetprop.workbook.exported.rendering import finished, rendered, restored
from sheetprop.workbook.formulas import letters

TOLERANCE = 1e-12
"""Relative to the size of a formula's terms; for the whole run that size is carried along from the inputs."""

_GROUPS = {"forward": "forward", "working": "forward", "loss": "forward", "gradient": "gradients", "update": "update"}

def judge_module(book: Book, spec: Spec, engine: str, module: Any = None) -> Verification:
    """Calculate an open book of a module, compare everything, and return what was found.

    Args:
        book: the workbook.
        spec: its program.
        engine: one of `verify.ENGINES`.
        module: the module itself, to compare with besides.

    Raises:
        SheetpropError: the program does not fit the book, or the engine cannot use it.
    """
    calculation = book.calculate()
    learning = restored(spec)
    other = None if engine == "default" else engines.evaluate(book.path, engine)
    reader = Reader(book, learning, other)
    held = rendered(spec, learning, reader.numbers)
    missing = [page.name for page in held.layout.pages if page.name not in book]
    if missing:
        raise SheetpropError(f"{book.path}: the sheet {missing[0]} is missing; export the module again")
    return _Judge(book, held, reader, calculation, engine, module).result()


@dataclass
class _Judge:
    book: Book
    held: Rendering
    reader: Reader
    calculation: Any
    engine: str
    module: Any
    undecided: int = 0

    def result(self) -> Verification:
        """Make all comparisons."""
        learning, values, layout = self.held.learning, self.held.values, self.held.layout
        with np.errstate(all="ignore"):
            theirs = expected(learning, values)
            size, carried = sizes(learning, values), carried_sizes(learning, values)
        self.held.formulas_only = True
        finished(self.held, theirs)
        faults: list[Fault] = list(self._inputs())
        compared, wrong = 0, []
        for count, fault in self._formulas():
            compared += count
            if fault is not None:
                wrong.append(fault)
        faults += wrong
        faults += [fault for place in self.calculation.circular[:1] if not faults
                   for fault in (self._circular(place),)]
        blamed = {(one.sheet, one.address) for one in wrong}
        comparisons = []
        for page in layout.pages:
            groups: dict[str, list[Block]] = {}
            for area in page.areas:
                if not area.block.given:
                    groups.setdefault(_GROUPS[area.block.role], []).append(area.block)
            for group, blocks in groups.items():
                found = self._compare(page.name, group, blocks, theirs, size, blamed, faults)
                if found is not None:
                    comparisons.append(found)
        comparisons += self._whole(faults, end_to_end(learning, values), carried, "end to end")
        if self.module is not None:
            comparisons += self._whole(faults, with_module(self.module, learning, values), carried, "module")
        listed, total = capped(faults)
        program = self.held.spec.program
        optimizer = self.held.spec.optimizer
        rate = () if optimizer is None else (float(values[learning.block("lr").first]),)
        return Verification(
            file=self.book.path, engine=self.engine, agrees=total == 0, network=program.title, activations=(),
            bias=False, learning_rates=rate, iterations=0 if optimizer is None else 1, tolerance=TOLERANCE,
            cells=sum(one.cells for one in comparisons), formulas=compared, comparisons=tuple(comparisons),
            faults=listed, fault_count=total, remarks=tuple(self._remarks(values, theirs)))

    def _inputs(self) -> Iterator[Fault]:
        for place in self.reader.wrong:
            sheet, cell = self.held.layout.address(place)
            yield self._fault("value", place, str(self.book[sheet][cell]), "a number",
                              "holds no number; type one", None)

    def _circular(self, place: str) -> Fault:
        sheet, cell = split_sheet(place)
        name = str(sheet)
        return Fault(name, cell, cell, "circular", None, None, None, self.book[name].formula(cell), None, None,
                     f"{name}!{cell} needs its own result")

    def _formulas(self) -> Iterator[tuple[int, Fault | None]]:
        """Yield the number of formulas compared, and those that are not as prescribed."""
        layout = self.held.layout
        for page, sheet in zip(layout.pages, self.held.sheets, strict=True):
            wanted: dict[str, tuple[str, int]] = {}
            for area in page.areas:
                block = area.block
                if block.given:
                    continue
                for k, (row, column, text) in enumerate(zip(area.rows.tolist(), area.columns.tolist(),
                                                            self.held.formulas[block.first], strict=True)):
                    wanted[f"{letters(column)}{row}"] = (text, block.first + k)
            for (row, column), text in sheet.formulas.items():
                wanted[f"{letters(column)}{row}"] = (text, -1)
            found = stored_formulas(self.book, page.name)
            yield len(wanted), None
            for cell, (text, place) in wanted.items():
                own = found.get(cell)
                if own != text:
                    fault = self._differing(page.name, cell, text, place)
                    if fault is not None:
                        yield 0, fault

    def _differing(self, sheet: str, cell: str, wanted: str, place: int) -> Fault | None:
        """Return the fault of a cell whose text differs; None where it means the same."""
        own = self.book[sheet].formula(cell)
        name = re.match(r"[A-Z]+", cell)
        assert name is not None
        row, column = int(cell[name.end():]), column_number(name.group())
        if own is not None:
            try:
                if canonical(own, row, column, sheet) == canonical("=" + wanted, row, column, sheet):
                    return None
            except SheetpropError:
                pass
            return self._fault("formula", place, own, "=" + wanted, f"has {own[:80]} and should have ={wanted[:80]}",
                               (sheet, cell))
        value = self.book[sheet][cell]
        if value is None:
            return self._fault("missing", place, None, "=" + wanted, f"is empty and should have ={wanted[:80]}",
                               (sheet, cell))
        return self._fault("constant", place, value if isinstance(value, float) else str(value), "=" + wanted,
                           f"holds {value} and should have ={wanted[:80]}", (sheet, cell))

    def _fault(self, kind: Any, place: int, found: Any, wanted: Any, words: str, at: tuple[str, str] | None,
               difference: float | None = None) -> Fault:
        sheet, cell = at or self.held.layout.address(place)
        symbol = self._symbol(place) if place >= 0 else None
        label = f"{sheet}!{cell}" + (f" ({symbol})" if symbol else "")
        return Fault(sheet, cell, cell, kind, symbol, None, None, found, wanted, difference, f"{label} {words}")

    def _symbol(self, place: int) -> str:
        block = self.held.learning.d.block_at(place)
        at = np.unravel_index(place - block.first, block.shape) if block.shape else ()
        return f"{block.name}[{','.join(str(int(k)) for k in at)}]" if len(at) else block.name

    def _compare(self, sheet: str, group: str, blocks: list[Block], theirs: Floats, size: Floats,
                 blamed: set[tuple[str, str]], faults: list[Fault]) -> Comparison | None:
        places = np.concatenate([np.arange(one.first, one.first + one.size) for one in blocks])
        known = places[~np.isnan(theirs[places]) | np.isnan(self.held.values[places])]
        if not len(known):
            return None
        ours, other = self.held.values[known], theirs[known]
        with np.errstate(all="ignore"):
            gap = np.abs(ours - other)
            gap = np.where((ours == other) | (np.isnan(ours) & np.isnan(other)), 0.0, gap)
            relative = np.where(gap == 0, 0.0, gap / np.maximum(size[known], 1e-290))
        relative = np.where(np.isnan(relative), np.inf, relative)
        differs = relative > TOLERANCE
        worst = int(np.argmax(relative))
        for k in np.flatnonzero(differs).tolist():
            at = self.held.layout.address(int(known[k]))
            if at in blamed or (faults and not np.isfinite(ours[k])):
                continue  # an error spreads: the cell where it begins is named
            value = self.book[at[0]][at[1]]
            shown = str(value) if isinstance(value, ExcelError) else float(ours[k])
            faults.append(self._fault("value", int(known[k]), shown, float(other[k]),
                                      f"is {shown} and PyTorch says {float(other[k])!r}", at, float(gap[k])))
        return Comparison(None, sheet, group, len(known), int(differs.sum()), float(gap.max()),
                          float(relative[worst]),
                          self.held.layout.address(int(known[worst]))[1] if relative[worst] > 0 else None)

    def _whole(self, faults: list[Fault], found: list[EndToEnd], size: Floats, group: str) -> list[Comparison]:
        """Compare outputs, loss and gradients of the whole run."""
        cells = differ = 0
        largest = largest_relative = 0.0
        worst: tuple[str, str] | None = None
        for one in found:
            live = one.places >= 0
            places, theirs = one.places[live], one.theirs[live]
            if not len(places):
                continue
            ours = self.held.values[places]
            with np.errstate(all="ignore"):
                gap = np.abs(ours - theirs)
            gap = np.where(np.isnan(gap) & np.isnan(ours) & np.isnan(theirs), 0.0, gap)
            terms = size[places]
            relative = np.where(np.isfinite(terms), gap / np.maximum(terms, 1e-290), 0.0)
            self.undecided += int((~np.isfinite(terms)).sum())
            at = int(np.argmax(np.where(np.isnan(relative), np.inf, relative)))
            bad = ~(relative <= TOLERANCE)
            cells, differ = cells + len(places), differ + int(bad.sum())
            largest = max(largest, float(gap[at]))
            if not relative[at] <= largest_relative:
                largest_relative = float(relative[at])
                worst = self.held.layout.address(int(places[at]))
            if bad.any() and not faults:
                faults.append(self._fault("run", int(places[at]), float(ours[at]), float(theirs[at]),
                                          f"is {float(ours[at])!r}; the whole program, run by PyTorch, gives "
                                          f"{float(theirs[at])!r}", None, float(gap[at])))
        if not cells:
            return []
        return [Comparison(None, worst[0] if worst else "Start", group, cells, differ, largest, largest_relative,
                           worst[1] if worst else None)]

    def _remarks(self, values: Floats, theirs: Floats) -> Iterator[Remark]:
        working = sum(block.size for block in self.held.learning.d.blocks
                      if not block.given and np.isnan(theirs[block.first:block.first + block.size]).all())
        if working:
            yield Remark("unchecked", f"{working:,} cells are steps on the way; PyTorch does not show their numbers, "
                                      "and they are checked by their formulas and by what reads them")
        if self.undecided:
            yield Remark("kink", f"{self.undecided:,} numbers of the whole run depend on which of several equal ones "
                                 "is the largest, or on the side of a kink, which rounding decides; they are checked "
                                 "operation by operation only")
        if self.held.spec.switch and values[self.held.learning.block("backward").first] == 0:
            yield Remark("changed", "the way back is off (backward in the sheet Optimizer): gradients are 0")


def with_module(module: Any, learning: Learning, values: Floats) -> list[EndToEnd]:
    """Return what the module itself gives with the book's inputs and weights.

    Raises:
        SheetpropError: the book's weights do not fit it.
    """
    import copy

    import torch

    from sheetprop.modules.program import torch_tensor

    held = copy.deepcopy(module).double().train(learning.program.training)
    state, inputs = held.state_dict(), []
    for one in learning.program.given:
        if one.values is None:
            tensor = torch_tensor(values[learning.tensors[one.name].places], one.shape, one.kind)
            if one.role == "input":
                inputs.append(tensor)
            elif one.role in ("parameter", "buffer"):
                if one.path not in state or tuple(state[one.path].shape) != one.shape:
                    raise SheetpropError(f"--module: has no {one.path} of shape {list(one.shape)}, which the book has")
                state[one.path] = tensor
    held.load_state_dict(state)
    with torch.no_grad():
        out = held(*inputs)
    outs = out if isinstance(out, list | tuple) else (out,)
    return [EndToEnd(name, None, learning.tensors[name].flat, one.detach().numpy().reshape(-1))
            for name, one in zip(learning.program.outputs, outs, strict=False)]

"""One cell worked out: choose channel, row and column, and read each input, each weight, each product."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sheetprop.modules.derivation import Call, Derivation
from sheetprop.modules.operations import operation
from sheetprop.modules.operations.convolutions import Convolution, many
from sheetprop.modules.operations.pooling import AvgPool, MaxPool
from sheetprop.modules.operations.products import Linear
from sheetprop.modules.tensors import Block, Tensor
from sheetprop.workbook.exported.layout import WRAP, Page, display_shape
from sheetprop.workbook.exported.package import Sheet
from sheetprop.workbook.exported.pages import SMALL, Rendering
from sheetprop.workbook.formulas import letters
from sheetprop.workbook.style import GROUP_FILL, HEAD, SECTION, Look

MOST = 27
"""So many terms are written out."""

_CHOICE = Look(border=True, size=9, fill=GROUP_FILL["input"], number="0", align="center")
_NUMBER = Look(border=True, size=8, number="0.000")
_TOTAL = Look(border=True, size=8, bold=True, number="0.000000")
_WHOLE = Look(border=True, size=8, number="0", align="center")
_LABEL = Look(size=9)


@dataclass(frozen=True)
class _Term:
    """One term: what its columns say, and where input and weight stand as index expressions by dimension."""

    marks: tuple[int, ...]
    x: tuple[str, ...]
    w: tuple[str, ...]
    inside: str
    at_x: tuple[int, ...] | None
    at_w: tuple[int, ...]


@dataclass(frozen=True)
class _Plan:
    """What is worked out.

    Attributes:
        choices: what is chosen, how many there are, and which is chosen at first.
        marks: titles of the columns that number a term.
        out, x, w, bias: blocks; w and bias None where there are none.
        terms: those written out, and how many there are in all.
        largest: whether the result is the largest and not the sum.
        share: what the sum is divided by.
    """

    choices: tuple[tuple[str, int, int], ...]
    marks: tuple[str, ...]
    out: Block
    x: Block
    w: Block | None
    bias: Block | None
    terms: tuple[_Term, ...]
    count: int
    largest: bool = False
    share: int = 1


def worked(book: Rendering, page: Page, row: int) -> bool:
    """Write the table below the blocks of a page, from `row` on; return whether there is one."""
    d = book.learning.d
    for call in d.calls:
        if call.layer is page.layer and isinstance(call.out, Tensor):
            first = row + 2
            plan = _plan(d, call, [f"$B${first + k}" for k in range(4)])
            if plan is not None:
                _table(book, book.sheet(page.name), plan, row, first)
                return True
    return False


def _whole(d: Derivation, one: Tensor | None) -> Block | None:
    """Return the block that a tensor is, in the tensor's shape; None where it is a view of something else."""
    if one is None or not one.places.size or one.flat[0] < 0 or (np.diff(one.flat) != 1).any():
        return None
    block = d.block_at(int(one.flat[0]))
    fits = block.first == one.flat[0] and block.size == one.places.size and block.at is None
    return replace(block, shape=one.shape) if fits and display_shape(block) == tuple(
        n for n in one.shape if n != 1) else None


def _plan(d: Derivation, call: Call, cells: list[str]) -> _Plan | None:
    rule = operation(call.target)
    if isinstance(rule, Convolution):
        return _convolution(d, call, cells)
    if isinstance(rule, Linear):
        return _linear(d, call, cells)
    if isinstance(rule, MaxPool | AvgPool) and "2d" in call.target and "adaptive" not in call.target:
        return _pool(d, call, cells, isinstance(rule, MaxPool))
    return None


def _maps(call: Call) -> tuple[tuple[str, int, int], ...]:
    images, channels, height, width = call.out.shape
    return (("image", images, 0), ("channel", channels, 0), ("row", height, height // 2),
            ("column", width, width // 2))


def _convolution(d: Derivation, call: Call, cells: list[str]) -> _Plan | None:
    x, w, out = _whole(d, call["input"]), _whole(d, call["weight"]), _whole(d, call.out)
    if x is None or w is None or out is None or len(x.shape) != 4 or "transpose" in call.target or isinstance(
            call["padding"], str):
        return None
    stride, padding, dilation = (many(call[name], 2) for name in ("stride", "padding", "dilation"))
    groups, (outs, each, high, wide) = call["groups"], w.shape
    choices = _maps(call)
    n, o, i, j = cells
    default = [one[2] for one in choices]
    terms = []
    for c, u, v in list(np.ndindex(each, high, wide))[:MOST]:
        channel = f"{c}" if groups == 1 else f"INT({o}/{outs // groups})*{each}+{c}"
        row, column = (f"{cell}*{stride[k]}{tap * dilation[k] - padding[k]:+d}"
                       for k, (cell, tap) in enumerate(((i, u), (j, v))))
        at = (0, default[1] // (outs // groups) * each + c, default[2] * stride[0] + u * dilation[0] - padding[0],
              default[3] * stride[1] + v * dilation[1] - padding[1])
        terms.append(_Term((c, u, v), (n, channel, row, column), (o, str(c), str(u), str(v)),
                           _inside((row, column), x.shape[2:]), _kept(at, x.shape), (default[1], c, u, v)))
    return _Plan(choices, ("c", "u", "v"), out, x, w, _whole(d, call["bias"]), tuple(terms), each * high * wide)


def _pool(d: Derivation, call: Call, cells: list[str], largest: bool) -> _Plan | None:
    x, out = _whole(d, call["self"]), _whole(d, call.out)
    if x is None or out is None or len(x.shape) != 4 or call["ceil_mode"] or any(many(call["padding"], 2)):
        return None
    kernel = many(call["kernel_size"], 2)
    stride = many(call["stride"], 2) if call["stride"] else kernel
    dilation = many(call.arguments.get("dilation", 1), 2)
    choices, (n, c, i, j) = _maps(call), cells
    default = [one[2] for one in choices]
    terms = []
    for u, v in list(np.ndindex(*kernel))[:MOST]:
        row, column = f"{i}*{stride[0]}+{u * dilation[0]}", f"{j}*{stride[1]}+{v * dilation[1]}"
        at = (0, 0, default[2] * stride[0] + u * dilation[0], default[3] * stride[1] + v * dilation[1])
        terms.append(_Term((u, v), (n, c, row, column), (), "", at, ()))
    whole = math.prod(kernel)
    if len(terms) < whole:
        return None
    return _Plan(choices, ("u", "v"), out, x, None, None, tuple(terms), whole, largest, 1 if largest else whole)


def _linear(d: Derivation, call: Call, cells: list[str]) -> _Plan | None:
    x, w, out = _whole(d, call["input"]), _whole(d, call["weight"]), _whole(d, call.out)
    if x is None or w is None or out is None or len(w.shape) != 2:
        return None
    lead = x.shape[:-1]
    samples, (outs, ins) = math.prod(lead), w.shape
    if len(lead) > 1 and sum(n != 1 for n in lead) > 1:
        return None
    n, o = cells[:2]
    index = tuple(n if size != 1 else "0" for size in lead)
    terms = tuple(_Term((i,), (*index, str(i)), (o, str(i)), "", (*(0 for _ in lead), i), (0, i))
                  for i in range(min(ins, MOST)))
    return _Plan((("sample", samples, 0), ("unit", outs, 0)), ("i",), out, x, w, _whole(d, call["bias"]), terms, ins)


def _inside(at: Sequence[str], sizes: Sequence[int]) -> str:
    """Return the condition that an element is no padding."""
    return ",".join(f"{one}>=0,{one}<{size}" for one, size in zip(at, sizes, strict=True))


def _kept(at: tuple[int, ...], shape: tuple[int, ...]) -> tuple[int, ...] | None:
    return at if all(0 <= k < n for k, n in zip(at, shape, strict=True)) else None


def _index(book: Rendering, block: Block, at: Sequence[str]) -> str:
    """Return the formula that reads an element of a block, its indices given as expressions."""
    area = book.layout.area(block)
    name = book.layout.pages[area.sheet].name
    ref = f"{name}!{area.ref}"
    kept = [(size, one) for size, one in zip(block.shape, at, strict=True) if size != 1]
    if not kept:
        return ref
    if len(kept) == 1:
        size, one = kept[0]
        if size <= WRAP:
            return f"INDEX({ref},1,{one}+1)"
        return f"INDEX({ref},INT(({one})/{WRAP // 2})+1,MOD({one},{WRAP // 2})+1)"
    (high, row), (wide, column) = kept[-2:]
    if len(kept) == 2:
        return f"INDEX({ref},{row}+1,{column}+1)"
    which = kept[0][1]
    for size, one in kept[1:-2]:
        which = f"({which})*{size}+{one}"
    across = area.maps[1]
    return (f"INDEX({ref},INT(({which})/{across})*{high + 1}+{row}+1,MOD({which},{across})*{wide + 1}+{column}+1)")


def _table(book: Rendering, sheet: Sheet, plan: _Plan, row: int, first: int) -> None:
    sheet.text(row, 1, "One cell worked out", SECTION)
    sheet.text(row + 1, 1, "choose (from 0):", SMALL)
    for k, (name, count, chosen) in enumerate(plan.choices):
        sheet.text(first + k, 1, f"{name}, 0 to {count - 1}", _LABEL)
        sheet.number(first + k, 2, float(chosen), _CHOICE)
        sheet.lists.append((f"B{first + k}", f"0:{count - 1}"))
    at = first + len(plan.choices) + 1
    value = len(plan.marks) + 2
    titles = (*plan.marks, "x") if plan.w is None else (*plan.marks, "x", "w", "x·w")
    sheet.text(at, 1, "term", HEAD)
    for k, title in enumerate(titles, start=2):
        sheet.text(at, k, title, HEAD)
    numbers = [_term(book, sheet, plan, one, at + 1 + k, value) for k, one in enumerate(plan.terms)]
    last = at + len(plan.terms)
    column = letters(value if plan.w is None else value + 2)
    span = f"{column}{at + 1}:{column}{last}"
    _result(book, sheet, plan, span, numbers, last + 1, value)


def _term(book: Rendering, sheet: Sheet, plan: _Plan, one: _Term, row: int, value: int) -> float:
    for k, mark in enumerate(one.marks, start=2):
        sheet.number(row, k, float(mark), _WHOLE)
    x = 0.0 if one.at_x is None else float(book.numbers(plan.x)[np.ravel_multi_index(one.at_x, plan.x.shape)])
    read = _index(book, plan.x, one.x)
    sheet.formula(row, value, f"IF(AND({one.inside}),{read},0)" if one.inside else read, x, _NUMBER)
    if plan.w is None:
        return x
    w = float(book.numbers(plan.w)[np.ravel_multi_index(one.at_w, plan.w.shape)])
    sheet.formula(row, value + 1, _index(book, plan.w, one.w), w, _NUMBER)
    sheet.formula(row, value + 2, f"{letters(value)}{row}*{letters(value + 1)}{row}", x * w, _NUMBER)
    return x * w


def _result(book: Rendering, sheet: Sheet, plan: _Plan, span: str, numbers: list[float], row: int, value: int) -> None:
    """Write what the terms come to, and the cell itself."""
    chosen = [one[2] for one in plan.choices]
    cells = [f"$B${row - len(plan.terms) - 2 - len(plan.choices) + k}" for k in range(len(plan.choices))]
    shape = plan.out.shape
    if len(plan.choices) == 2:  # a linear layer: samples may stand in any one of the first dimensions
        index = [cells[0] if n != 1 else "0" for n in shape[:-1]] + [cells[1]]
        place = [0] * (len(shape) - 1) + [chosen[1]]
    else:
        index, place = cells, chosen
    y = float(book.numbers(plan.out)[np.ravel_multi_index(tuple(place), shape)])
    rest = plan.count > len(plan.terms)
    lines: list[tuple[str, str, float]] = []
    total = float(np.max(numbers)) if plan.largest else float(np.cumsum(numbers)[-1]) / plan.share
    name = "the largest" if plan.largest else "the mean" if plan.share > 1 else "the sum of these"
    text = f"MAX({span})" if plan.largest else f"SUM({span})" + (f"/{plan.share}" if plan.share > 1 else "")
    lines.append((name, text, total))
    bias = 0.0
    if plan.bias is not None:
        unit = cells[1]
        bias = float(book.numbers(plan.bias)[chosen[1]])
        lines.append(("the bias", _index(book, plan.bias, [unit]), bias))
    cell = _index(book, plan.out, index)
    shown = letters(value)
    if rest:
        lines.append((f"the other {plan.count - len(plan.terms):,} terms",
                      f"{cell}-SUM({shown}{row}:{shown}{row + len(lines) - 1})", y - total - bias))
    lines.append(("the cell", cell, y))
    for k, (words, formula, number) in enumerate(lines):
        sheet.text(row + k, 1, words, _LABEL)
        sheet.formula(row + k, value, formula, number, _TOTAL)

"""The same finding in many cells told once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sheetprop.auditing.cellgrid import ranges_of
from sheetprop.auditing.finding import Finding
from sheetprop.engine.book import canonical
from sheetprop.engine.formula.references import area_at
from sheetprop.errors import SheetpropError

Alike = Callable[[str, int, int], list[tuple[int, int]]]


def merged(findings: list[Finding], alike: Alike) -> list[Finding]:
    """Return findings of single cells with those that say the same of cells with the same relative formula as one.

    Args:
        findings: of single cells.
        alike: gives the cells beside a cell of a sheet that have the same relative formula.
    """
    groups: dict[tuple[str, ...], list[Finding]] = {}
    for one in findings:
        groups.setdefault(_key(one), []).append(one)
    return [_one(group, alike) for group in groups.values()]


def _key(one: Finding) -> tuple[str, ...]:
    try:
        row, column = area_at(one.cells.split(",")[0])[:2]
        computes, expected = (canonical(text, row, column, one.sheet) if text else "" for text in
                              (one.computes, one.expected))
    except SheetpropError:
        return one.kind, one.sheet, one.cells, one.wrong
    if not computes:
        return one.kind, one.sheet, one.cells, one.wrong
    return "gradient" if one.kind == "latent" else one.kind, computes, expected


def _one(group: list[Finding], alike: Alike) -> Finding:
    first = group[0]
    if len(group) == 1:
        return first
    own = [one for one in group if one.sheet == first.sheet]
    spots = []
    for one in own:
        for piece in one.cells.split(","):
            top, left, bottom, right = area_at(piece)
            spots += [(r, c) for r in range(top, bottom + 1) for c in range(left, right + 1)]
    # The last iteration's cells lead to no update any more; what stands in them is the same.
    spots = sorted({spot for one in spots for spot in (one, *alike(first.sheet, *one))})
    others = [f"{one.sheet}!{one.cells}" for one in group if one.sheet != first.sheet]
    worst = max(group, key=lambda one: abs((one.found_value or 0.0) - (one.right_value or 0.0)))
    wrong = first.wrong + (f" (and so in {', '.join(others[:6])}{' and more' if others[6:] else ''})" if others else "")
    first = next((one for one in group if one.kind != "latent"), first)
    return replace(first, cells=",".join(ranges_of(spots)), wrong=wrong,
                   rows_wrong=sum(one.rows_wrong for one in group), rows=sum(one.rows for one in group),
                   found_value=worst.found_value, right_value=worst.right_value, worst_cell=worst.worst_cell)


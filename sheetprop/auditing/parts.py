"""Which part of the work a finding belongs to, and which findings are one mistake."""

from __future__ import annotations

import re

from sheetprop.auditing.expressions import places
from sheetprop.auditing.finding import Finding
from sheetprop.auditing.forward import unit_of
from sheetprop.auditing.labels import gradient_of, kind_of
from sheetprop.auditing.losses import looks_like_loss
from sheetprop.auditing.roles import Roles
from sheetprop.engine.formula.references import area_at
from sheetprop.errors import SheetpropError

FORWARD, ERROR, LAST, EARLIER, UPDATE, RATE, CHARTS, OTHER = (
    "forward", "error", "gradients of the last layer", "gradients of earlier layers", "update", "learning rate",
    "charts", "other")
PARTS = (FORWARD, ERROR, LAST, EARLIER, UPDATE, RATE, CHARTS)
_BY_KIND = {"chart": CHARTS, "title": RATE, "rate": RATE, "update": UPDATE, "rule": UPDATE, "label": OTHER,
            "values": OTHER, "error": OTHER}


def name_parts(roles: Roles, findings: list[Finding]) -> None:
    """Note for each finding of a network which part of the work it belongs to."""
    for one in findings:
        one.part = one.part or _part(roles, one)


def part_of(one: Finding) -> str:
    """Return the part of the work that a finding belongs to."""
    if one.part:
        return one.part
    if one.kind in _BY_KIND:
        return _BY_KIND[one.kind]
    if gradient_of(one.claim) is not None or "∂" in one.claim:
        return EARLIER
    kind = kind_of(one.claim)[0]
    return ERROR if kind in ("error", "total") else UPDATE if kind in ("weight", "bias") else FORWARD


def _part(roles: Roles, one: Finding) -> str:
    if one.kind in _BY_KIND:
        return _BY_KIND[one.kind]
    number = _column(roles, one)
    for weight in roles.weights:
        if weight.gradient is not None and weight.gradient.number == number:
            return LAST if _is_last(roles, weight.place) else EARLIER
        if weight.column.number == number:
            return UPDATE
    if number in roles.graph.formulas and looks_like_loss(number, roles.graph.formulas):
        return ERROR
    if number in roles.forward:
        return FORWARD
    return EARLIER if number in roles.backward else part_of(one)


def _column(roles: Roles, one: Finding) -> int:
    try:
        top, left, _, _ = area_at(one.cells.split(",")[0])
    except SheetpropError:
        return -1
    grid = roles.table.grid
    if roles.cellwise:
        known = getattr(grid, "known", None)
        found = known(one.sheet, top, left) if known is not None else None
        return found if found is not None else -1
    return grid.turn(top, left)[1]


def _is_last(roles: Roles, place: tuple[int, int]) -> bool:
    """Return whether a weight is one of the last layer: no other weighted sum stands between it and the loss."""
    formulas = roles.graph.formulas
    readers = {n for n in roles.forward if place in places(formulas[n])}
    units = {n for n in roles.forward if unit_of(roles, n) is not None}
    return not any(any(below[0] in readers for below in roles.graph.order((n, 0))) for n in units - readers)


def mistake_of(one: Finding) -> str:
    """Return what a finding says without its cells: the same for the same mistake in another sheet or file."""
    text = re.sub(r"\s*\((?:'[^']*'!|[^\s()!]+!)?\$?[A-Z]{1,3}\$?\d+\)", "", one.wrong)
    text = re.sub(r"\(latent: [^)]*\)|\(with the repair [^)]*\)|\(and so in [^)]*\)", "", text)
    text = re.sub(r"(?:'[^']*'!|\b\w+!)?\$?\b[A-Z]{1,3}\$?\d+\b(?::\$?[A-Z]{1,3}\$?\d+)?", "…", text)
    text = " ".join(text.split()).strip(" ;")
    general = text.startswith(("it is not the derivative", "a part of it", "another formula", "in these"))
    return f"{one.claim}: {text}" if general and one.claim else text

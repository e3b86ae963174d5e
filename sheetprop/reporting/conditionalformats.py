"""Number formats that depend on the value of a cell, as a sheet's conditional formats give them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from sheetprop.engine.formula.references import cell_at

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


@dataclass(frozen=True)
class NumberRule:
    """A conditional format of the kind *cell value is ...*, as far as it concerns how a number is written.

    Attributes:
        areas: first row, first column, last row, last column of each area.
        operator: as the file spells it, such as ``between``.
        bounds: one or two numbers.
        code: the number format, or None where the rule leaves it.
        stops: whether no later rule counts where this one holds.
    """

    areas: tuple[tuple[int, int, int, int], ...]
    operator: str
    bounds: tuple[float, ...]
    code: str | None
    stops: bool

    def covers(self, row: int, column: int) -> bool:
        """Whether the rule is for a cell."""
        return any(top <= row <= bottom and left <= column <= right for top, left, bottom, right in self.areas)

    def holds(self, value: float) -> bool:
        """Whether a number meets the condition."""
        low, high = min(self.bounds), max(self.bounds)
        first = self.bounds[0]
        return {"equal": value == first, "notEqual": value != first, "lessThan": value < first,
                "lessThanOrEqual": value <= first, "greaterThan": value > first, "greaterThanOrEqual": value >= first,
                "between": low <= value <= high, "notBetween": not low <= value <= high}[self.operator]


def number_rules(tail: str, formats: Sequence[str | None]) -> tuple[NumberRule, ...]:
    """Return the rules of a sheet in the order in which they count.

    Args:
        tail: the part of the sheet's XML behind the cells.
        formats: the number format of each differential style of the workbook.
    """
    found: list[tuple[int, NumberRule]] = []
    start = tail.find("<conditionalFormatting")
    end = tail.rfind("</conditionalFormatting>")
    if start < 0 or end < 0:
        return ()
    space = _MAIN[1:-1]
    root = ElementTree.fromstring(f'<all xmlns="{space}">{tail[start:end]}</conditionalFormatting></all>')
    for block in root.iter(f"{_MAIN}conditionalFormatting"):
        areas = tuple(_area(area) for area in block.get("sqref", "").split())
        for rule in block.iter(f"{_MAIN}cfRule"):
            if rule.get("type") != "cellIs":
                continue
            try:
                bounds = tuple(float(bound.text or "") for bound in rule.iter(f"{_MAIN}formula"))
            except ValueError:
                continue
            style = rule.get("dxfId")
            code = formats[int(style)] if style is not None and int(style) < len(formats) else None
            found.append((int(rule.get("priority", "0")),
                          NumberRule(areas, rule.get("operator", "equal"), bounds, code,
                                     rule.get("stopIfTrue") in ("1", "true"))))
    return tuple(rule for _, rule in sorted(found, key=lambda pair: pair[0]))


def code_at(rules: Sequence[NumberRule], row: int, column: int, value: object, code: str) -> str:
    """Return the number format of a cell: its own, or that of the first rule which holds and gives one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return code
    for rule in rules:
        if rule.covers(row, column) and rule.holds(value):
            if rule.code is not None:
                return rule.code
            if rule.stops:
                break
    return code


def _area(text: str) -> tuple[int, int, int, int]:
    first, _, last = text.partition(":")
    (top, left), (bottom, right) = cell_at(first), cell_at(last or first)
    return top, left, bottom, right

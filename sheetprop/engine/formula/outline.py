"""What formulas may name beyond cells: the sheets in their order, the tables with their columns, defined names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from sheetprop.engine.formula.references import MAX_ROW
from sheetprop.engine.formula.tree import Area, Cell, Error, Node

# Compiled when first used: few workbooks refer to tables.
_ITEM = r"(?s:\[((?:'.|[^\[\]'])*)\])"
_ESCAPED = r"(?s:'(.))"


class Table:
    """A table of a sheet: its rectangle, how many of its rows are header and totals, its columns' names."""

    __slots__ = ("bottom", "columns", "headers", "left", "name", "right", "sheet", "top", "totals")

    def __init__(self, name: str, sheet: str, place: tuple[int, int, int, int], headers: int, totals: int,
                 columns: Sequence[str]) -> None:
        self.name = name
        self.sheet = sheet
        self.top, self.left, self.bottom, self.right = place
        self.headers = headers
        self.totals = totals
        self.columns = {column.casefold(): self.left + at for at, column in enumerate(columns)}

    def rows(self, items: frozenset[str]) -> tuple[int, int] | None:
        """Return the first and last row that parts such as ``#data`` mean, or None where there are none."""
        first, last = self.top + self.headers, self.bottom - self.totals
        parts = {"#headers": (self.top, first - 1), "#data": (first, last), "#totals": (last + 1, self.bottom),
                 "#all": (self.top, self.bottom)}
        ends = [parts[item] for item in items if parts[item][0] <= parts[item][1]]
        return (min(top for top, _ in ends), max(bottom for _, bottom in ends)) if ends else None


_PARTS = frozenset(("#headers", "#data", "#totals", "#all", "#this row"))


class Outline:
    """A workbook's sheets, tables and defined names.

    Attributes:
        names: the defined names in lower case; a call of one is a call of the LAMBDA that it stands for.
    """

    def __init__(self, sheets: Sequence[str] = (), tables: Sequence[Table] = (), names: Iterable[str] = ()) -> None:
        self.names = frozenset(name.casefold() for name in names)
        self.sheets = list(sheets)
        self.tables = {table.name.casefold(): table for table in tables}
        self._order = {name.casefold(): at for at, name in enumerate(sheets)}

    def add_sheet(self, name: str) -> None:
        """Put a sheet behind the others."""
        self._order[name.casefold()] = len(self.sheets)
        self.sheets.append(name)

    def between(self, first: str, last: str) -> list[str] | None:
        """Return the sheets from `first` to `last` in the order of their tabs, or None where one is missing."""
        ends = [self._order.get(name.casefold()) for name in (first, last)]
        if ends[0] is None or ends[1] is None:
            return None
        return self.sheets[min(ends[0], ends[1]):max(ends[0], ends[1]) + 1]

    def around(self, sheet: str | None, row: int, column: int) -> Table | None:
        """Return the table in which a cell stands."""
        for table in self.tables.values():
            if sheet is not None and table.sheet.casefold() == sheet.casefold() and \
                    table.top <= row <= table.bottom and table.left <= column <= table.right:
                return table
        return None

    def alike(self, sheet: str, row: int) -> int:
        """Return the last row below `row` for which references to tables mean the same as in `row`."""
        edges = [edge for table in self.tables.values() if table.sheet == sheet
                 for edge in (table.top - 1, table.top + table.headers - 1, table.bottom - table.totals, table.bottom)]
        return min((edge for edge in edges if edge >= row), default=MAX_ROW)

    def meant(self, text: str, sheet: str | None, row: int, column: int) -> Node | None:
        """Return what a reference such as ``Sales[[#Totals],[Amount]]`` means to a formula at a place.

        That is an area or a cell; an `Error` where the table has no such column or part; None
        where there is no such table.
        """
        name, _, rest = text.partition("[")
        table = self.tables.get(name.casefold()) if name else self.around(sheet, row, column)
        if table is None:
            return None
        chosen = _chosen(rest[:-1] if rest else "")
        if chosen is None:
            return Error("#REF!")
        items, columns = chosen
        if any(one.casefold() not in table.columns for one in columns):
            return Error("#REF!")
        ends = [table.columns[one.casefold()] for one in columns] or [table.left, table.right]
        left, right = min(ends), max(ends)
        own = None if sheet is not None and table.sheet.casefold() == sheet.casefold() else table.sheet
        if "#this row" in items:
            data = table.rows(frozenset(("#data",)))
            if own is not None or data is None or not data[0] <= row <= data[1] or len(items) > 1:
                return Error("#VALUE!")
            first, last = Cell(None, 0, left, False, True), Cell(None, 0, right, False, True)
            return first if left == right else Area(first, last)
        rows = table.rows(items or frozenset(("#data",)))
        if rows is None:
            return Error("#REF!")
        corners = Cell(own, rows[0], left, True, True), Cell(own, rows[1], right, True, True)
        return corners[0] if corners[0] == corners[1] else Area(*corners)


def _chosen(inner: str) -> tuple[frozenset[str], list[str]] | None:
    """Return the parts and the columns (none, one, or first and last) that the text in brackets names."""
    inner = inner.strip()
    items: set[str] = set()
    if inner.startswith("@"):
        items.add("#this row")
        inner = inner[1:].strip()
    if not inner.startswith("["):
        if inner.casefold() in _PARTS:
            return frozenset((inner.casefold(),)), []
        return frozenset(items), [_plain(inner)] if inner else []
    columns: list[str] = []
    for found in re.finditer(_ITEM, inner):
        word = found.group(1)
        if word.strip().casefold() in _PARTS:
            items.add(word.strip().casefold())
        else:
            columns.append(_plain(word))
    return (frozenset(items), columns) if len(columns) <= 2 else None


def _plain(text: str) -> str:
    return re.sub(_ESCAPED, r"\1", text)

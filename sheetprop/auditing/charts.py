"""Charts: series that miss rows of their table, mix columns, or take their name from data."""

from __future__ import annotations

from typing import Any

from sheetprop.auditing.finding import Finding
from sheetprop.auditing.tables import Table
from sheetprop.engine.book import Book
from sheetprop.engine.package import Package
from sheetprop.engine.references import address, area_at, split_sheet
from sheetprop.engine.xmlparts import Element, read_tree
from sheetprop.errors import SheetpropError

Range = tuple[str, int, int, int, int]


def chart_findings(book: Book, tables: list[Table]) -> list[Finding]:
    """Return what is wrong with the charts over the tables."""
    package: Package = book._space.contents.package
    found: list[Finding] = []
    for part in sorted(name for name in (entry.name for entry in package.entries)
                       if "/charts/chart" in name and name.endswith(".xml") and "/_rels/" not in name):
        try:
            root = read_tree(package.read(part), part)
        except SheetpropError:
            continue
        for series in _find(root, "ser"):
            one = _series(book, series, tables)
            if one is not None:
                found.append(one)
    return found


def _find(element: Element, name: str) -> list[Element]:
    found = [element] if element.name == name else []
    for child in element.children:
        found += _find(child, name)
    return found


def _range(element: Element | None, own: str) -> Range | None:
    if element is None:
        return None
    texts = _find(element, "f")
    if len(texts) != 1 or "," in texts[0].text or "[" in texts[0].text:
        return None
    sheet, rest = split_sheet(texts[0].text)
    try:
        return (sheet or own, *area_at(rest))
    except SheetpropError:
        return None


def _series(book: Book, series: Element, tables: list[Table]) -> Finding | None:
    values = _range(series.find("val") or series.find("yVal"), "")
    across = _range(series.find("cat") or series.find("xVal"), "")
    name = _range(series.find("tx"), "")
    if values is None or values[0] not in book:
        return None
    sheet, top, left, bottom, right = values
    table = next((t for t in tables if t.sheet.name == book[sheet].name and t.column(left) is not None
                  and top <= t.last and bottom >= t.first), None)
    if table is None:
        return None
    shown = f"{address(top, left)}:{address(bottom, right)}"
    label = (table.column(left).label if table.column(left) else "") or ""  # type: ignore[union-attr]
    if left != right and bottom > top:
        return Finding("chart", sheet, shown, "a chart's series", "it runs over several columns")
    column: Any = table.columns.get(left)
    first = min([table.first, column.first]) if column is not None else table.first
    last = table.last
    if column is not None and column.first > table.first and column.others.get(table.first) is None:
        first = column.first
    if name is not None and name[0] in book:
        cells = (name[3] - name[1] + 1) * (name[4] - name[2] + 1)
        where = address(name[1], name[2]) + (f":{address(name[3], name[4])}" if cells > 1 else "")
        header = table.column(name[2])
        if cells > 1 and name[3] > name[1]:
            return Finding("chart", name[0], where, "the name of a chart's series", f"it takes {cells} cells"
                           + (f"; the label stands in {address(header.header_row, name[2])}"
                              if header is not None and header.header_row else ""),
                           repair=f"take {address(header.header_row, name[2])} alone"
                           if header is not None and header.header_row else "")
        held = book[name[0]][address(name[1], name[2])]
        if type(held) is float and book[name[0]].name == table.sheet.name and table.first <= name[1] <= table.last:
            return Finding("chart", sheet, where, "the name of a chart's series", "it is a number of the data",
                           repair=f"take the label {label!r} and begin the values in row {first}" if label else "")
        other = table.column(name[2])
        if cells == 1 and name[2] != left and other is not None and other.header_row == name[1] \
                and book[name[0]].name == table.sheet.name:
            return Finding("chart", sheet, shown, "a chart's series", f"it is called {other.label!r} but shows "
                           f"{label or address(top, left)}: column {address(1, left)[:-1]} where "
                           f"{address(1, name[2])[:-1]} belongs")
    if bottom > top and (top > first or bottom < last):
        return Finding("chart", sheet, shown, f"a chart's series of {label}" if label else "a chart's series",
                       f"it misses rows: the table has {address(first, left)}:{address(last, left)}",
                       repair=f"take {address(first, left)}:{address(last, left)}")
    if across is not None and across[2] == across[4] and across[0] == sheet and across[3] > across[1] \
            and (across[1], across[3]) != (top, bottom) and table.first <= across[1] <= table.last:
        return Finding("chart", sheet, f"{address(across[1], across[2])}:{address(across[3], across[4])}",
                       "the horizontal values of a chart's series", f"they stand in other rows than its values {shown}")
    return None

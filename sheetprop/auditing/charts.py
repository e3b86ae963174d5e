"""Charts: series that miss rows of their table, mix columns, or take their name from data."""

from __future__ import annotations

from sheetprop.auditing.finding import Finding
from sheetprop.auditing.tables import Table
from sheetprop.engine.book import Book
from sheetprop.engine.file.package import Package
from sheetprop.engine.file.xmlparts import Element, read_tree
from sheetprop.engine.formula.references import area_at, split_sheet
from sheetprop.errors import SheetpropError

Range = tuple[str, int, int, int, int]


class _Series:
    """One series of a chart: its ranges, those on its table's sheet as that table's grid has them."""

    def __init__(self, table: Table, values: Range, across: Range | None, name: Range | None) -> None:
        self.table = table
        self.grid = table.grid
        self.values = self.within(values)
        self.across = self.within(across) if across is not None and across[0] == self.grid.name else None
        self.name = self.within(name) if name is not None and name[0] == self.grid.name else None
        _, self.top, self.column, self.bottom, self.right = self.values
        column = table.columns.get(self.column)
        self.first, self.last = table.first, table.last
        if column is not None:
            # Side by side tables share rows; a column's own formulas say where it begins and ends.
            self.first = min([column.first, *column.others])
            self.last = max([column.last, *column.others])

    def within(self, area: Range) -> Range:
        sheet, top, left, bottom, right = area
        return (sheet, *self.grid.turn(top, left), *self.grid.turn(bottom, right))

    def spell(self, area: Range) -> str:
        _, top, left, bottom, right = area
        one, other = self.grid.spell(top, left), self.grid.spell(bottom, right)
        return one if one == other else f"{one}:{other}"

    @property
    def label(self) -> str:
        column = self.table.column(self.column)
        return column.label if column is not None else ""

    @property
    def whole(self) -> bool:
        """Whether it shows a column from the first row to the last."""
        return self.column == self.right and self.top <= self.first and self.bottom >= self.last

    def finding(self, wrong: str, repair: str = "", *, area: Range | None = None,
                claim: str = "a chart's series") -> Finding:
        return Finding("chart", self.grid.name, self.spell(area or self.values), claim, wrong, repair=repair)


def chart_findings(book: Book, tables: list[Table]) -> list[Finding]:
    """Return what is wrong with the charts over the tables."""
    package: Package = book._space.contents.package
    every: list[_Series] = []
    for part in sorted(name for name in (entry.name for entry in package.entries)
                       if "/charts/chart" in name and name.endswith(".xml") and "/_rels/" not in name):
        try:
            root = read_tree(package.read(part), part)
        except SheetpropError:
            continue
        every += [one for element in _find(root, "ser") if (one := _series(book, element, tables)) is not None]
    found: list[Finding] = []
    for one in every:
        # A series over some rows is a deliberate close-up where another one shows them all.
        also = any(other.whole and (other.table, other.column) == (one.table, one.column) for other in every)
        finding = _name_finding(one) or _range_finding(one, close_up=also)
        if finding is not None:
            found.append(finding)
    return found


def _find(element: Element, name: str) -> list[Element]:
    found = [element] if element.name == name else []
    for child in element.children:
        found += _find(child, name)
    return found


def _range(element: Element | None, book: Book) -> Range | None:
    if element is None:
        return None
    texts = _find(element, "f")
    if len(texts) != 1 or "," in texts[0].text or "[" in texts[0].text:
        return None
    sheet, rest = split_sheet(texts[0].text)
    try:
        return (book[sheet].name, *area_at(rest)) if sheet is not None and sheet in book else None
    except SheetpropError:
        return None


def _series(book: Book, element: Element, tables: list[Table]) -> _Series | None:
    """Return a series that shows numbers of a table, or None."""
    values = _range(element.find("val") or element.find("yVal"), book)
    if values is None:
        return None
    for table in tables:
        (top, left), (bottom, _) = table.grid.turn(*values[1:3]), table.grid.turn(*values[3:5])
        if table.grid.name == values[0] and table.column(left) is not None and top <= table.last \
                and bottom >= table.first:
            return _Series(table, values, _range(element.find("cat") or element.find("xVal"), book),
                           _range(element.find("tx"), book))
    return None


def _name_finding(one: _Series) -> Finding | None:
    """A name that takes several cells, a number of the data, or another column's label."""
    if one.name is None:
        return None
    _, top, left, bottom, right = one.name
    claim, table = "the name of a chart's series", one.table
    named = table.column(left)
    label = one.grid.spell(named.header_row, left) if named is not None and named.header_row else ""
    if bottom > top:
        cells = (bottom - top + 1) * (right - left + 1)
        return one.finding(f"it takes {cells} cells" + (f"; the label stands in {label}" if label else ""),
                           f"take {label} alone" if label else "", area=one.name, claim=claim)
    if type(one.grid.value(top, left)) is float and table.first <= top <= table.last:
        return one.finding("it is a number of the data", f"take the label {one.label!r} and begin the values in "
                           f"{one.grid.line} {one.first}" if one.label else "",
                           area=one.name, claim=claim)
    text = one.grid.value(top, left)
    # Headers may have several rows; a title further up belongs to no column.
    if left == right != one.column and named is not None and isinstance(text, str) and text.strip() \
            and 0 < named.header_row <= top < table.first:
        own = table.column(one.column)
        assert own is not None
        return one.finding(f"it is called {text!r} but shows {one.label or own.title}: {one.grid.file_} "
                           f"{own.title} where {named.title} belongs")
    return None


def _range_finding(one: _Series, *, close_up: bool) -> Finding | None:
    """Values over several columns, or that miss rows; horizontal values of other rows."""
    if one.column != one.right and one.bottom > one.top:
        return one.finding(f"it runs over several {one.grid.file_}s")
    whole = one.grid.span(one.first, one.last, one.column)
    if one.bottom > one.top and (one.top > one.first or one.bottom < one.last) and not close_up:
        return one.finding(f"it misses {one.grid.line}s: the table has {whole}", f"take {whole}",
                           claim=f"a chart's series of {one.label}" if one.label else "a chart's series")
    if one.across is not None:
        _, top, left, bottom, right = one.across
        if left == right and bottom > top and (top, bottom) != (one.top, one.bottom) \
                and one.table.first <= top <= one.table.last:
            return one.finding(f"they stand in other {one.grid.line}s than its values {one.spell(one.values)}",
                               area=one.across, claim="the horizontal values of a chart's series")
    return None

"""Charts over training tables: series that miss rows, mix columns, begin on a header, or bear a wrong name."""

from __future__ import annotations

from sheetprop.auditing.finding import Finding
from sheetprop.auditing.labels import kind_of, rate_in
from sheetprop.auditing.roles import Roles
from sheetprop.auditing.tables import Table
from sheetprop.engine.book import Book
from sheetprop.engine.file.package import Package
from sheetprop.engine.file.xmlparts import Element, read_tree
from sheetprop.engine.formula.references import address, area_at, split_sheet
from sheetprop.errors import SheetpropError

Range = tuple[str, int, int, int, int]


class _Series:
    """One series of a chart: its ranges, those on its table's sheet as that table's grid has them."""

    def __init__(self, table: Table, values: Range, across: Range | None, name: Range | None, said: str = "",
                 title: str = "") -> None:
        self.table = table
        self.said, self.title = said, title
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


def chart_findings(book: Book, networks: list[Roles]) -> list[Finding]:
    """Return what is wrong with the charts over the tables of some networks."""
    tables = list({id(roles.table): roles.table for roles in networks}.values())
    package: Package = book._space.contents.package
    every: list[_Series] = []
    for part in chart_parts(book):
        try:
            root = read_tree(package.read(part), part)
        except SheetpropError:
            continue
        title = _title(root, book)
        every += [one for element in _find(root, "ser") if (one := _series(book, element, tables, title)) is not None]
    found: list[Finding] = []
    for one in every:
        # A series over some rows is a deliberate close-up where another one shows them all.
        also = any(other.whole and (other.table, other.column) == (one.table, one.column) for other in every)
        finding = _name_finding(one) or _range_finding(one, close_up=also) or _across_finding(one, networks) \
            or _rate_finding(one, networks)
        if finding is not None:
            found.append(finding)
    return [*found, *_same_ranges(every)]


def chart_parts(book: Book) -> list[str]:
    """Return the parts of a workbook that are charts."""
    return sorted(name for name in (entry.name for entry in book._space.contents.package.entries)
                  if "/charts/chart" in name and name.endswith(".xml") and "/_rels/" not in name)


def _title(root: Element, book: Book) -> str:
    """Return the title of a chart, also one that stands in a cell."""
    for element in _find(root, "title")[:1]:
        text = "".join(one.text for one in _find(element, "t"))
        place = _range(element.find("tx"), book) if not text else None
        held = book[place[0]][address(place[1], place[2])] if place is not None else None
        return text or (held if isinstance(held, str) else "")
    return ""


def _rate_finding(one: _Series, networks: list[Roles]) -> Finding | None:
    """A name or title that names another learning rate than the one with which the series was learned."""
    owners = [roles for roles in networks if roles.table is one.table and roles.rate_value is not None
              and one.column in {*roles.forward, *(weight.column.number for weight in roles.weights)}]
    if len(owners) != 1:
        return None
    for text, what in ((one.said, "the name of the series"), (one.title, "the title of the chart")):
        named = rate_in(text)
        if named is None:
            continue
        rate = owners[0].rate_value
        assert rate is not None
        if abs(named - rate) > 1e-9 * max(1.0, abs(rate)):
            return one.finding(f"{what}, {text!r}, names the learning rate {named:g}, but {one.spell(one.values)} is "
                               f"learned with {rate:g}", "correct the title or the range")
        return None
    return None


def _same_ranges(every: list[_Series]) -> list[Finding]:
    """The same cells shown under names that name different learning rates."""
    found: list[Finding] = []
    for index, one in enumerate(every):
        for other in every[:index]:
            rates = [rate_in(series.said) or rate_in(series.title) for series in (other, one)]
            if one.values == other.values and None not in rates and rates[0] != rates[1]:
                names = [series.said if rate_in(series.said) is not None else series.title for series in (other, one)]
                found.append(one.finding(f"the same cells are shown as {names[0]!r} and as {names[1]!r}"))
                break
    return found


def _across_finding(one: _Series, networks: list[Roles]) -> Finding | None:
    """Horizontal values that are losses: another curve taken for the iterations."""
    if one.across is None:
        return None
    _, top, left, bottom, right = one.across
    column = one.table.column(left)
    if left != right or bottom <= top or column is None or left == one.column:
        return None
    losses = {roles.loss.number for roles in networks if roles.table is one.table and roles.loss is not None}
    own = one.table.column(one.column)
    shown = one.column in losses or (own is not None and (rate_in(own.label) is not None
                                                          or kind_of(own.label)[0] == "total"))
    if shown and (left in losses or rate_in(column.label) is not None or kind_of(column.label)[0] == "total"):
        return one.finding(f"they are {column.label or 'a loss'}, a curve of its own and no count of iterations",
                           "take the iterations, and this curve as a series", area=one.across,
                           claim="the horizontal values of a chart's series")
    return None


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


def _series(book: Book, element: Element, tables: list[Table], title: str) -> _Series | None:
    """Return a series that shows numbers of a table, or None."""
    values = _range(element.find("val") or element.find("yVal"), book)
    if values is None:
        return None
    for table in tables:
        (top, left), (bottom, _) = table.grid.turn(*values[1:3]), table.grid.turn(*values[3:5])
        if table.grid.name == values[0] and table.column(left) is not None and top <= table.last \
                and bottom >= table.first:
            name = _range(element.find("tx"), book)
            held = book[name[0]][address(name[1], name[2])] if name is not None else \
                "".join(one.text for tx in _find(element, "tx") for one in _find(tx, "v"))
            return _Series(table, values, _range(element.find("cat") or element.find("xVal"), book), name,
                           held if isinstance(held, str) else "", title)
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
    header = one.grid.value(one.top, one.column)
    if one.bottom > one.top and one.top < one.first and isinstance(header, str) and header.strip():
        return one.finding(f"it begins on the header: {one.grid.spell(one.top, one.column)} is the text {header!r}",
                           f"take {whole}")
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

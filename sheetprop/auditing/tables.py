"""Tables in a stranger's sheet: blocks of rows that repeat, their columns, and the texts above them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from sheetprop.auditing.expressions import Expr, Reading, Unknown, at, places, replaced
from sheetprop.auditing.grid import Grid, Run
from sheetprop.auditing.labels import kind_of
from sheetprop.engine.formula.tree import Node
from sheetprop.engine.grid.values import ExcelError

_SEARCH = 6


class Column:
    """One column of a table.

    Attributes:
        number: 1-based column.
        title: how the sheet calls it: its letters, or a row's number where iterations run across.
        label: the text above it, as it stands there; empty where there is none.
        header_row: the row of that text; 0 where there is none.
        group: the heading that stands over this and its neighbours, as merged cells have it; empty where none does.
        tree: parse tree of the formula of most rows, or None for a column of constants.
        canonical: its relative form.
        expr: its expression, or None where it is beyond what is differentiated.
        unknown: why it is beyond.
        first: first row that has this formula.
        last: last row that has it.
        others: rows in the table that have something else: row -> "formula", "constant", "text" or "blank".
    """

    def __init__(self, number: int, title: str) -> None:
        self.number = number
        self.title = title
        self.label = ""
        self.header_row = 0
        self.group = ""
        self.tree: Node | None = None
        self.canonical = ""
        self.expr: Expr | None = None
        self.unknown = ""
        self.first = 0
        self.last = 0
        self.others: dict[int, str] = {}
        self.trees: dict[int, Node] = {}
        self.mixed = False

    def __repr__(self) -> str:
        return f"Column({self.title} {self.label!r})"


class Table:
    """Rows `first` to `last` of a grid, repeated by formulas; `learns` where something is updated from row to row."""

    def __init__(self, grid: Grid, first: int, last: int) -> None:
        self.grid = grid
        self.first = first
        self.last = last
        self.columns: dict[int, Column] = {}
        self.constants: dict[int, Column] = {}
        self.borrowed: dict[int, Column] = {}
        self.learns = False

    @property
    def rows(self) -> int:
        """How many rows the table has."""
        return self.last - self.first + 1

    @property
    def name(self) -> str:
        """The table as sheet and range."""
        every = [number for number in (*self.columns, *self.constants) if number]
        return f"{self.grid.name}!{self.grid.spell(self.first, min(every))}:{self.grid.spell(self.last, max(every))}"

    def column(self, number: int) -> Column | None:
        """Return a column, of formulas or constants, or one of another sheet that the formulas read in step."""
        return self.columns.get(number) or self.constants.get(number) or self.borrowed.get(number)

    def cells(self, column: int, rows: list[int] | None = None) -> str:
        """Return the cells of a column in some rows (all with its formula when not given) as ranges."""
        if rows is None:
            found = self.columns.get(column)
            first, last = (found.first, found.last) if found else (self.first, self.last)
            return self.grid.span(first, last, column)
        return ",".join(self.grid.span(a, b, column) for a, b in spans(rows))

    def value(self, row: int, column: int) -> Any:
        """Return a computed value."""
        return self.grid.value(row, column)


def spans(rows: list[int]) -> list[tuple[int, int]]:
    """Return consecutive numbers as (first, last) pairs."""
    found: list[tuple[int, int]] = []
    for row in sorted(rows):
        if found and found[-1][1] == row - 1:
            found[-1] = (found[-1][0], row)
        else:
            found.append((row, row))
    return found


def tables_of(grid: Grid) -> list[Table]:
    """Return the tables of a grid from top to bottom."""
    runs = grid.runs()
    by_column: dict[int, list[Run]] = {}
    for run in runs:
        by_column.setdefault(run.column, []).append(run)
    repeated: Counter[tuple[int, str]] = Counter()
    for run in runs:
        repeated[(run.column, run.canonical)] += run.last_row - run.first_row + 1
    live: set[int] = set()
    for run in runs:
        if repeated[(run.column, run.canonical)] >= 3:
            live.update(range(run.first_row, run.last_row + 1))
    bands = spans(sorted(live))
    bands = _joined(grid, bands, by_column)
    found: list[Table] = []
    for first, last in bands:
        table = Table(grid, first, last)
        if last - first + 1 >= 3:
            _fill(table, by_column)
            if table.columns:
                found.append(table)
    return found


def _joined(grid: Grid, bands: list[tuple[int, int]],
            by_column: dict[int, list[Run]]) -> list[tuple[int, int]]:
    """Put bands together that are parted by a few rows of pasted numbers, and take in the row of initial values."""
    result: list[tuple[int, int]] = []
    for first, last in bands:
        if result and first - result[-1][1] <= 6:
            gap = range(result[-1][1] + 1, first)
            above = {c for c, runs in by_column.items() if any(r.last_row == result[-1][1] for r in runs)}
            below = {c for c, runs in by_column.items() if any(r.first_row == first for r in runs)}
            both = above & below
            if both and all(type(grid.value(row, c)) is float for row in gap for c in both):
                result[-1] = (result[-1][0], last)
                continue
        result.append((first, last))
    widened: list[tuple[int, int]] = []
    for first, last in result:
        columns = [c for c, runs in by_column.items() if any(r.first_row == first and r.last_row > first for r in runs)]
        held = [grid.value(first - 1, c) for c in columns] if first > 1 else []
        numbers = sum(type(value) is float for value in held)
        taken = widened[-1][1] if widened else 0
        # Every formula begins one row below numbers: those are the table's first row.
        if held and numbers == len(held) and first - 1 > taken:
            first -= 1
        widened.append((first, last))
    return widened


def _fill(table: Table, by_column: dict[int, list[Run]]) -> None:
    grid = table.grid
    reading = Reading(grid, grid.book.names)
    _, width = grid.extent
    for number in range(1, width + 1):
        column = Column(number, grid.title(number))
        counts: Counter[str] = Counter()
        at_row: dict[int, Run] = {}
        for run in by_column.get(number, []):
            for row in range(max(run.first_row, table.first), min(run.last_row, table.last) + 1):
                at_row[row] = run
                counts[run.canonical] += 1
        rows = range(table.first, table.last + 1)
        if counts:
            canonical, most = counts.most_common(1)[0]
            held = [row for row, run in at_row.items() if run.canonical == canonical]
            if most >= 2:
                run = at_row[held[0]]
                column.tree, column.canonical = run.tree, canonical
                column.first, column.last = min(held), max(held)
                for row in rows:
                    if row in at_row and at_row[row].canonical == canonical:
                        continue
                    if row in at_row:
                        column.others[row] = "formula"
                        column.trees[row] = at_row[row].tree
                        continue
                    value = grid.value(row, number)
                    if value is None:
                        if column.first < row < column.last:
                            column.others[row] = "blank"
                    elif type(value) is float:
                        column.others[row] = "constant"
                    else:
                        column.others[row] = "text" if isinstance(value, str) else "constant"
                inner = [row for row in column.others if row > table.first]
                column.mixed = len(inner) > max(1, 0.34 * table.rows)
                try:
                    column.expr = reading.expr(run.tree, column.first, number)
                except Unknown as why:
                    column.unknown = str(why)
                except RecursionError:
                    column.unknown = "a formula nested too deeply"
                table.columns[number] = column
        elif sum(type(value) is float for value in (grid.value(row, number) for row in (
                table.first, table.first + 1, table.last))) >= 1:
            column.first, column.last = table.first, table.last
            table.constants[number] = column
    _label(table)
    _settle_fixed(table)
    _borrow(table)


def _label(table: Table) -> None:
    """Give each column its label: of the two texts above it the one in the row where more labels are known ones."""
    texts = {number: _texts_above(table, number) for number in (*table.columns, *table.constants)}
    known = _known(texts, texts)
    # Tables side by side may have headers of different shapes; columns without a gap belong together.
    for left, right in spans(list(texts)):
        near = _known(texts, range(left, right + 1))
        for number in range(left, right + 1):
            # A row of words or of formulas written out may stand between the labels and the table.
            best = max(texts[number], key=lambda one: (near[one[0]], known[one[0]], one[0]), default=None)
            column = table.column(number)
            if best is not None and column is not None:
                column.header_row, column.label = best
                column.group = _heading(table, best[0] - 1, number, left)


def _heading(table: Table, row: int, column: int, left: int) -> str:
    """Return the nearest text in a row from a column to the left, as far as column `left`."""
    for number in range(column, left - 1, -1) if row >= 1 else ():
        value = table.value(row, number)
        if value is not None:
            return value.strip() if isinstance(value, str) else ""
    return ""


def _known(texts: dict[int, list[tuple[int, str]]], columns: Iterable[int]) -> Counter[int]:
    """Return how many known labels each header row has above some columns."""
    return Counter(row for number in columns for row, text in texts[number] if kind_of(text)[0])


def _borrow(table: Table) -> None:
    """Note the columns of other sheets that the formulas read in step with their own row, with their labels."""
    read = {place for column in table.columns.values() if column.expr is not None for place in places(column.expr)
            if len(place) == 2 and not table.grid.owns(place[0])}
    for place in sorted(read, key=repr):
        number, offset = int(place[0]), int(place[1])
        column = Column(number, table.grid.title(number))
        texts = _texts_above(table, number, offset)
        if texts:
            column.header_row, column.label = texts[0]
        table.borrowed.setdefault(number, column)


def _texts_above(table: Table, column: int, offset: int = 0) -> list[tuple[int, str]]:
    """Return up to two (row, text) above a column that begins `offset` rows below the table, the nearest first."""
    found: list[tuple[int, str]] = []
    first = table.first + offset
    for row in range(first - 1, max(0, first - 1 - _SEARCH), -1):
        value = table.value(row, column)
        if isinstance(value, str) and not isinstance(value, ExcelError) and value.strip():
            found.append((row, value.strip()))
        if type(value) is float or len(found) == 2:
            break
    return found


def _settle_fixed(table: Table) -> None:
    """Read a fixed reference into a column of equal constants as that column in the own row."""
    same: dict[int, bool] = {}
    name = table.grid.name

    def change(place: Any) -> Expr:
        if len(place) == 3 and place[0] == name and table.first <= place[1] <= table.last \
                and place[2] in table.constants:
            if place[2] not in same:
                values = {table.value(row, place[2]) for row in range(table.first, table.last + 1)}
                same[place[2]] = len(values) == 1
            if same[place[2]]:
                return at((place[2], 0))
        return at(place)

    for column in table.columns.values():
        if column.expr is not None:
            column.expr = replaced(column.expr, change)

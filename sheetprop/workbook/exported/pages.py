"""The sheets of a book: blocks with their names, and what explains them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from sheetprop.modules.formula import Floats
from sheetprop.modules.learning import DATA, LOSS, OPTIMIZER, Learning
from sheetprop.modules.operations import main_rule, registry
from sheetprop.modules.optimizers import SENTENCES
from sheetprop.modules.tensors import Block, Layer
from sheetprop.workbook.exported.book import Spec
from sheetprop.workbook.exported.layout import Area, Layout, Page
from sheetprop.workbook.exported.package import Sheet, Strings, Styles, formula_cell, plain
from sheetprop.workbook.exported.printing import Printer
from sheetprop.workbook.formulas import letters
from sheetprop.workbook.style import GROUP_FILL, HEAD, HEADING, LINKED, MUTED, Look

NAME = Look(bold=True, size=9)
SMALL = Look(size=8, colour=MUTED)
SAYING = Look(size=10)
EQUATION = Look(size=10, font="Cambria", italic=True)

FILLS = {"input": "input", "target": "target", "parameter": "parameter", "buffer": "parameter",
         "constant": "parameter", "state": "parameter", "setting": "input", "forward": "forward", "working": "note",
         "loss": "error", "gradient": "backward", "update": "check"}
TITLES = {"input": "input", "target": "target", "parameter": "weights", "buffer": "statistics", "constant": "constants",
          "state": "state", "setting": "setting", "forward": "forward", "working": "on the way", "loss": "loss",
          "gradient": "gradient", "update": "after the step"}


@dataclass
class Rendering:
    """A book while its sheets are written.

    Attributes:
        spec, learning, layout: what is shown.
        values: of all places.
        sheets: in the order of the tabs.
        formulas_only: whether the cells of blocks are left out, because only formulas are compared.
    """

    spec: Spec
    learning: Learning
    layout: Layout
    values: Floats
    strings: Strings = field(default_factory=Strings)
    styles: Styles = field(default_factory=Styles)
    sheets: list[Sheet] = field(default_factory=list)
    formulas: dict[int, list[str]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    formulas_only: bool = False

    def __post_init__(self) -> None:
        self.sheets = [Sheet(page.name, self.strings, self.styles) for page in self.layout.pages]
        printer = Printer(self.layout)
        for block in self.learning.d.blocks:
            if not block.given and block.size:
                self.formulas[block.first] = printer.formulas(block)

    @property
    def longest(self) -> int:
        """The length of the longest formula of a block."""
        return max((len(text) for texts in self.formulas.values() for text in texts), default=0)

    def sheet(self, name: str) -> Sheet:
        """Return a sheet."""
        return self.sheets[self.layout.index[name]]

    def numbers(self, block: Block) -> Floats:
        """Return the values of a block, flat."""
        return self.values[block.first:block.first + block.size]


def number_format(numbers: Floats, *, small: bool = False) -> str:
    """Return a plain number format that shows the numbers of a block: no conditions, which LibreOffice misreads."""
    live = np.abs(numbers[np.isfinite(numbers)])
    top = float(live.max(initial=0.0))
    if len(live) and (live == np.round(live)).all() and top < 1e6:
        return "0"
    if 0 < top < 1e-2 or top >= 1e5:
        return "0E+00" if small else "0.0E+00"
    if small:
        return "0.00" if top < 100 else "0"
    return "0.0000" if top < 100 else "0.00"


def heat(numbers: Floats) -> str | None:
    """Return the colour scale for a block; None where all its numbers are equal."""
    live = numbers[np.isfinite(numbers)]
    if len(live) < 4 or live.min() == live.max():
        return None
    return "up" if live.min() >= 0 else "down" if live.max() <= 0 else "both"


def _pictures(book: Rendering) -> list[Block]:
    """Return the blocks that are drawn as pictures of narrow cells; their gradients are colours without numbers."""
    return [block for block in book.learning.d.blocks if block.role == "input" and block.kind == "float"]


def drawn_small(page: Page) -> bool:
    """Whether a page shows maps, so that its cells are small and nearly square."""
    return any(area.right - area.left >= 14 and len(area.block.shape) > 2 and area.bottom - area.top >= 7
               for area in page.areas)


def blocks(book: Rendering, page: Page) -> None:
    """Write the blocks of a page with their names, colour scales and defined names."""
    sheet = book.sheet(page.name)
    for area in page.areas:
        _block(book, sheet, area)


def _block(book: Rendering, sheet: Sheet, area: Area) -> None:
    block = area.block
    numbers = book.numbers(block)
    _label(book, sheet, area)
    if book.formulas_only:
        return
    picture = book.spec.picture and block.role == "input" and block.kind == "float"
    tight = drawn_small(book.layout.pages[area.sheet])
    code = "0.0" if picture else number_format(numbers, small=tight and area.maps[0] > 1)
    if book.spec.picture and area.block.of in _pictures(book):
        code = ";;;"
    size = 6 if tight else 7 if area.right - area.left > 12 else 9
    fill = GROUP_FILL[FILLS[block.role]]
    scale = "ink" if picture else heat(numbers)
    look = Look(size=5 if picture else size, number=code, fill=None if scale else fill, border=area.maps[0] == 1)
    style = book.styles.number(look)
    cells = sheet.cells
    names = [letters(k) for k in range(area.right + 1)]
    names = ["", *names[1:]]
    rows, columns, held = area.rows.tolist(), area.columns.tolist(), numbers.tolist()
    if block.given:
        for r, c, value in zip(rows, columns, held, strict=True):
            cells.setdefault(r, {})[c] = f'<c r="{names[c]}{r}" s="{style}"><v>{plain(value)}</v></c>'
    else:
        for r, c, value, text in zip(rows, columns, held, book.formulas[block.first], strict=True):
            cells.setdefault(r, {})[c] = formula_cell(f"{names[c]}{r}", style, text, value)
    if scale:
        sheet.heats.append((area.plain, scale))
    book.names[defined_name(block.name)] = f"{_sheet_name(sheet.name)}!{area.ref}"


def _label(book: Rendering, sheet: Sheet, area: Area) -> None:
    block = area.block
    row = area.top if area.inline else area.top - (2 if area.headed else 1)
    shape = " × ".join(str(n) for n in block.shape) or "1 number"
    words = f"{block.name}   {TITLES[block.role]}, {shape}"
    if area.inline:
        sheet.text(row, 1, f"{block.name}", replace(NAME, fill=GROUP_FILL[FILLS[block.role]]))
        sheet.text(row, area.right + 2, f"{TITLES[block.role]}, {shape}" + (f": {block.note}" if block.note else ""),
                   SMALL)
    else:
        sheet.text(row, 1, words + (f"   {block.note}" if block.note else ""), NAME)
        for k in range(area.rows.min(), area.bottom + 1):
            sheet.blank(k, 1, Look(fill=GROUP_FILL[FILLS[block.role]]))
        if area.headed:
            _headings(book, sheet, area)


def _headings(book: Rendering, sheet: Sheet, area: Area) -> None:
    """Write the tokens beside and above the matrices of attention: their numbers, or those that stand in Data."""
    tokens = next((one for one in book.learning.d.blocks if one.role == "input" and one.kind == "int"), None)
    shape = area.block.display or area.block.shape
    count = shape[-1]
    look = Look(size=8, colour=MUTED, align="center", number="0")
    rows, columns = sorted(set(area.rows.tolist())), sorted(set(area.columns.tolist()))
    across, down = shape[-1], shape[-2]

    def heading(row: int, column: int, k: int) -> None:
        if tokens is not None and tokens.size == count and across == down:
            page, cell = book.layout.address(tokens.first + k)
            sheet.formula(row, column, f"{page}!{cell}", float(book.values[tokens.first + k]), look)
        else:
            sheet.text(row, column, f"t{k}", look)

    for at, column in enumerate(columns):
        heading(area.top - 1, column, at % across)
    for at, row in enumerate(rows):
        heading(row, 1, at % down)


def defined_name(name: str) -> str:
    """Return a name as Excel allows it: ``conv1.weight`` stays, what reads as a cell gets an underscore before."""
    plain_name = "".join(c if c.isalnum() or c in "._" else "_" for c in name)
    letters_only = plain_name.rstrip("0123456789")
    like_cell = len(letters_only) <= 3 and letters_only.isalpha() and letters_only != plain_name
    if plain_name[0].isdigit() or plain_name[0] == "." or like_cell or plain_name.lower() in ("r", "c"):
        plain_name = "_" + plain_name
    return plain_name[:250]


def _sheet_name(name: str) -> str:
    return name if name.replace("_", "a").isalnum() and not name[0].isdigit() else f"'{name}'"


def head(sheet: Sheet, title: str) -> None:
    """Write the title and the link back."""
    sheet.text(1, 1, title, HEADING)
    sheet.heights[1] = 26
    sheet.link(2, 1, "◂ Start", "Start", "A1", LINKED)


def layer_page(book: Rendering, page: Page) -> None:
    """Write a layer's sheet."""
    from sheetprop.workbook.exported.worked import worked

    layer = page.layer
    assert layer is not None
    sheet = book.sheet(page.name)
    shape = " × ".join(str(n) for n in layer.shape)
    head(sheet, f"{layer.name}: {layer.kind}" + (f" ({layer.module})" if layer.module else ""))
    sheet.text(2, 3, f"gives {shape or 'one number'}", SMALL)
    main = main_rule(layer.operations)
    if main is not None:
        rules = [main, *(registry()[name] for name in layer.operations if name in registry() and
                         registry()[name] is not main)]
        others = [rule.sentence for rule in rules[1:] if rule.sentence and "rearranged" not in rule.sentence
                  and "Handed on" not in rule.sentence]
        sheet.text(3, 1, main.sentence, SAYING)
        sheet.text(4, 1, main.equation, EQUATION)
        back = main.adjoint or "; ".join(rule.adjoint for rule in rules[1:] if rule.adjoint)
        if back and len(rules) <= 4 and book.learning.optimizer is not None:
            sheet.text(5, 1, f"Back: {back}", EQUATION)
        if others:
            sheet.text(6, 1, "With: " + " ".join(dict.fromkeys(others)), SMALL)
    _worked(book, sheet, page)
    blocks(book, page)
    below = max((area.bottom for area in page.areas), default=page.first) + 3
    if worked(book, page, below):
        sheet.link(8, 5, "▾ one cell worked out, by your choice", page.name, f"A{below}", LINKED)
    longest = max((len(area.block.name) for area in page.areas if area.inline), default=0)
    sheet.widths[1] = min(40.0, max(16.0, 0.95 * longest))
    sheet.default_width = 4.4 if drawn_small(page) else 7.6
    sheet.zoom = 90
    sheet.freeze = "B3"


def _worked(book: Rendering, sheet: Sheet, page: Page) -> None:
    """Write out the formula of the first computed cell."""
    area = next((one for one in page.areas if one.block.role == "forward"), None)
    if area is None:
        return
    text = book.formulas[area.block.first][0]
    place = f"{letters(int(area.columns[0]))}{int(area.rows[0])}"
    shown = text if len(text) <= 240 else text[:237] + "..."
    sheet.text(7, 1, f"{place} reads:", SMALL)
    sheet.text(7, 2, f"= {shown}", Look(size=9, font="Consolas"))
    sheet.text(8, 1, "and gives", SMALL)
    sheet.formula(8, 2, place, float(book.values[area.block.first]), Look(size=9, number="0.000000", bold=True))


def optimizer_page(book: Rendering, page: Page) -> None:
    """Write the optimizer's sheet."""
    sheet = book.sheet(page.name)
    assert book.learning.optimizer is not None
    name = book.learning.optimizer.name
    head(sheet, f"Optimizer: {name}")
    sentence, equation = SENTENCES[name]
    sheet.text(3, 1, sentence + " Each layer's sheet shows its weights after one step.", SAYING)
    sheet.text(4, 1, equation, EQUATION)
    blocks(book, page)
    sheet.widths[1] = 24
    sheet.freeze = "B3"
    if book.spec.history:
        _history(book, sheet, page)


def _history(book: Rendering, sheet: Sheet, page: Page) -> None:
    """Write the curve of the loss below the blocks."""
    from sheetprop.workbook.exported.charts import Chart

    row = max((area.bottom for area in page.areas), default=page.first) + 3
    history = book.spec.history
    sheet.text(row, 1, "Steps made by `sheetprop step`, and the loss before each", NAME)
    sheet.text(row + 1, 1, "step", HEAD)
    sheet.text(row + 1, 2, "loss", HEAD)
    first, last = row + 2, row + 1 + len(history)
    for k, (number, loss) in enumerate(history):
        sheet.number(first + k, 1, float(number), Look(border=True, number="0"))
        sheet.number(first + k, 2, loss, Look(border=True, number="0.000000"))
    name = _sheet_name(sheet.name)
    steps = [float(k) for k, _ in history]
    sheet.charts.append(Chart("line", "Loss over steps", (f"{name}!$A${first}:$A${last}", steps),
                              (f"{name}!$B${first}:$B${last}", [loss for _, loss in history]),
                              (3, row, 12, row + 18), ("step", "loss")))


def pages(book: Rendering) -> None:
    """Write all sheets that hold blocks."""
    from sheetprop.workbook.exported.datapage import data_page

    for page in book.layout.pages:
        if page.name == DATA:
            data_page(book, page)
        elif page.name == OPTIMIZER:
            optimizer_page(book, page)
        elif page.layer is not None:
            layer_page(book, page)


__all__ = ["LOSS", "Layer", "Rendering", "pages"]

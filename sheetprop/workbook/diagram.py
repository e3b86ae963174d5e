"""The sheet Diagram: the network drawn in cells, with the numbers of a chosen rate and iteration."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from sheetprop.network import symbols
from sheetprop.workbook import style
from sheetprop.workbook.cells import Cells, Quantity, Text
from sheetprop.workbook.formulas import letters, quoted
from sheetprop.workbook.layout import Layout
from sheetprop.workbook.names import DIAGRAM, START

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

RATE_CHOICE, ITERATION_CHOICE, RATE_NUMBER = "B3", "B4", "E3"
HEAD_ROW, FIRST_ROW = 7, 8
_NODE_COLUMNS, _EDGE_COLUMNS, _GAP = 2, 4, 1


@dataclass(frozen=True)
class Item:
    """A labelled number of the picture: it stands at `row` in `column` (label) and the next column (value).

    Attributes:
        kind: ``input``, ``target``, ``bias``, ``forward``, ``error``, ``backward`` or ``parameter``.
        gradient: for a weight or bias the symbol of its gradient, shown in the column after the value.
        label: what stands beside the number where it is more than the symbol.
    """

    row: int
    column: int
    symbol: str
    kind: str
    gradient: str | None = None
    label: str = ""


@lru_cache(maxsize=4)
def items(layout: Layout) -> tuple[Item, ...]:
    """Return every number of the picture with its place."""
    return tuple(_items(layout))


def _items(layout: Layout) -> Iterator[Item]:
    layers = layout.spec.network.layers
    heights = [_unit_height(layout, layer) for layer in range(len(layers))]
    total = max(height * units for height, units in zip(heights, layers, strict=True))
    for layer, units in enumerate(layers):
        # Spread the units of each layer over the whole height.
        pitch = total // units
        for unit in range(units):
            top = FIRST_ROW + unit * pitch + (pitch - heights[layer]) // 2
            yield from _node(layout, layer, unit, top)
            if layer:
                yield from _edges(layout, layer, unit, top)


def _unit_height(layout: Layout, layer: int) -> int:
    """Return the rows that a unit needs, one empty row included."""
    network = layout.spec.network
    if layer == 0:
        return 2
    edges = network.layers[layer - 1] + (1 if network.bias else 0)
    return max(4 if layer < len(network.layers) - 1 else 5, edges + 1)


def node_column(layer: int) -> int:
    """Return the first column of the units of a layer."""
    return 1 + layer * (_NODE_COLUMNS + _GAP + _EDGE_COLUMNS + _GAP)


def edge_column(layer: int) -> int:
    """Return the first column of the weights into a layer."""
    return node_column(layer) - _EDGE_COLUMNS - _GAP


def _node(layout: Layout, layer: int, unit: int, top: int) -> Iterator[Item]:
    layers = layout.spec.network.layers
    column = node_column(layer)
    if layer == 0:
        yield Item(top, column, symbols.inputs(layers)[unit], "input")
        return
    pre, post = symbols.pre_activations(layers, layer)[unit], symbols.activations(layers, layer)[unit]
    yield Item(top, column, pre, "forward")
    yield Item(top + 1, column, post, "forward")
    if layer < len(layers) - 1:
        yield Item(top + 2, column, symbols.gradient(post), "backward")
    else:
        yield Item(top + 2, column, symbols.targets(layers)[unit], "target")
        yield Item(top + 3, column, symbols.errors(layers)[unit], "error")


def _edges(layout: Layout, layer: int, unit: int, top: int) -> Iterator[Item]:
    network = layout.spec.network
    names = list(symbols.weight_block(network.layers, layer)[unit])
    if network.bias:
        names.append(symbols.bias_block(network.layers, layer)[unit])
    sources = [*symbols.activations(network.layers, layer - 1), "bias"]
    goal = symbols.pre_activations(network.layers, layer)[unit]
    fixed = set(network.fixed_biases())
    for position, name in enumerate(names):
        yield Item(top + position, edge_column(layer), name, "bias" if name in fixed else "parameter",
                   None if name in fixed else symbols.gradient(name), f"{name}: {sources[position]} → {goal}")


def bottom(layout: Layout) -> int:
    """Return the last row of the picture."""
    return max(item.row for item in items(layout))


def _table_column(layout: Layout) -> int:
    """Return the column of the table of numbers behind the picture."""
    return node_column(len(layout.spec.network.layers) - 1) + _NODE_COLUMNS + 2


def _table(layout: Layout) -> dict[str, int]:
    """Return the row of each symbol in the table of numbers."""
    shown = [column.symbol for column in layout.columns if column.group not in {"iteration", "note", "verdict"}]
    return {symbol: HEAD_ROW + 1 + position for position, symbol in enumerate(shown)}


def cells(layout: Layout) -> Cells:
    """Return the contents of the sheet."""
    layers = layout.spec.network.layers
    table, names = _table_column(layout), layout.rate_sheets
    symbol_column, value_column, list_column = letters(table), letters(table + 1), letters(table + 3)
    list_area = f"${list_column}${HEAD_ROW + 1}:${list_column}${HEAD_ROW + len(names)}"
    rate = ",".join(f"{quoted(name)}!{Layout.RATE_CELL}" for name in names)
    result: Cells = {
        "A1": f'="The network at η = "&CHOOSE({RATE_NUMBER},{rate})&", iteration "&{ITERATION_CHOICE}',
        "A3": "Learning rate", RATE_CHOICE: names[0], "D3": "sheet no.",
        RATE_NUMBER: f"=MATCH({RATE_CHOICE},{list_area},0)",
        "A4": "Iteration", ITERATION_CHOICE: 0,
        "D4": "◂ choose on the left; every number below follows",
        "A5": "▲ the next update raises the weight, ▼ lowers it, = leaves it.",
        f"{symbol_column}{HEAD_ROW}": "Quantity", f"{value_column}{HEAD_ROW}": "Value",
        f"{list_column}{HEAD_ROW}": "Sheets to choose from",
    }
    for position, name in enumerate(names, start=1):
        result[f"{list_column}{HEAD_ROW + position}"] = name
    for symbol, row in _table(layout).items():
        choices = ",".join(f"INDEX({layout.column_range(name, symbol)},${ITERATION_CHOICE[0]}${ITERATION_CHOICE[1:]}+1)"
                           for name in names)
        result[f"{symbol_column}{row}"] = Text(symbol)
        chosen = f"CHOOSE(${RATE_NUMBER[0]}${RATE_NUMBER[1:]},{choices})"
        # A cell that a student has yet to fill in shows nothing.
        result[f"{value_column}{row}"] = (f'=IF(ISBLANK({chosen}),"",{chosen})' if symbol in layout.blank
                                          else f"={chosen}")
    for layer in range(len(layers)):
        result[f"{letters(node_column(layer))}{HEAD_ROW}"] = _layer_title(layout, layer)
        if layer:
            column = edge_column(layer)
            for offset, title in enumerate(("Weight", "Value", "Gradient", "Next")):
                result[f"{letters(column + offset)}{HEAD_ROW}"] = title
    where = {symbol: f"{value_column}{row}" for symbol, row in _table(layout).items()}
    for item in items(layout):
        result[f"{letters(item.column)}{item.row}"] = Text(item.label or item.symbol)
        result[f"{letters(item.column + 1)}{item.row}"] = f"={where[item.symbol]}"
        if item.gradient is not None:
            gradient = f"{letters(item.column + 2)}{item.row}"
            result[gradient] = f"={where[item.gradient]}"
            change = f"CHOOSE(${RATE_NUMBER[0]}${RATE_NUMBER[1:]},{rate})*{gradient}"
            result[f"{letters(item.column + 3)}{item.row}"] = (
                f'=IF(ISNUMBER({gradient}),IF({change}<0,"▲",IF({change}>0,"▼","=")),"")')
    last = letters(node_column(len(layers) - 1))
    row = bottom(layout) + 2
    result[f"{last}{row}"] = symbols.TOTAL
    result[f"{letters(node_column(len(layers) - 1) + 1)}{row}"] = f"={where[symbols.TOTAL]}"
    return result


def _layer_title(layout: Layout, layer: int) -> str:
    last = len(layout.spec.network.layers) - 1
    if layer == 0:
        return "Inputs"
    activation = layout.spec.network.activations[layer - 1]
    if layer == last:
        return f"Outputs ({activation})"
    return f"Hidden ({activation})" if last == 2 else f"Hidden {layer} ({activation})"


def quantities(layout: Layout, rate: int = 0, iteration: int = 0) -> Iterator[Quantity]:
    """Yield the cells that have a counterpart in PyTorch, for the rate and iteration that are chosen."""
    learned = {symbol for symbol in _table(layout) if symbol in layout.equations.defined
               or symbol in layout.spec.network.parameters()}
    column = letters(_table_column(layout) + 1)
    for symbol, row in _table(layout).items():
        if symbol in learned:
            yield Quantity(DIAGRAM, f"{column}{row}", symbol, rate, iteration)
    for item in items(layout):
        if item.symbol in learned:
            yield Quantity(DIAGRAM, f"{letters(item.column + 1)}{item.row}", item.symbol, rate, iteration)
        if item.gradient is not None:
            yield Quantity(DIAGRAM, f"{letters(item.column + 2)}{item.row}", item.gradient, rate, iteration)
    last = letters(node_column(len(layout.spec.network.layers) - 1) + 1)
    yield Quantity(DIAGRAM, f"{last}{bottom(layout) + 2}", symbols.TOTAL, rate, iteration)


def draw(sheet: Worksheet, layout: Layout) -> None:
    """Write and paint the sheet."""
    style.put(sheet, cells(layout))
    painter = style.Painter(sheet)
    painter.paint("A1", style.HEADING)
    for address in ("A3", "A4"):
        painter.paint(address, style.Look(bold=True))
    for address in (RATE_CHOICE, ITERATION_CHOICE):
        painter.paint(address, style.Look(border=True, bold=True, colour="1D3FBB", fill=style.GROUP_FILL["input"],
                                          align="center", locked=False))
    for address in ("D3", RATE_NUMBER, "D4", "A5"):
        painter.paint(address, style.Look(colour=style.MUTED, align="left"))
    home = f"{letters(node_column(1))}3"
    sheet[home] = "◂ Start"
    style.link(sheet, home, START)
    painter.paint(home, style.LINKED)
    _paint_picture(sheet, painter, layout)
    _paint_table(sheet, painter, layout)
    _add_choosers(sheet, layout)
    style.no_grid(sheet)
    sheet.freeze_panes = f"A{HEAD_ROW}"
    sheet.row_dimensions[1].height = 26
    sheet.print_area = f"A1:{letters(_table_column(layout) - 2)}{bottom(layout) + 2}"
    style.page(sheet, tall=1)


def _paint_picture(sheet: Worksheet, painter: style.Painter, layout: Layout) -> None:
    last = len(layout.spec.network.layers) - 1
    for layer in range(last + 1):
        column = node_column(layer)
        painter.paint_range(f"{letters(column)}{HEAD_ROW}:{letters(column + 1)}{HEAD_ROW}",
                            style.Look(bold=True, colour=style.PAPER, fill=style.TITLE))
        style.widths(sheet, {letters(column): 15, letters(column + 1): 12})
        if layer:
            edge = edge_column(layer)
            painter.paint_range(f"{letters(edge)}{HEAD_ROW}:{letters(edge + 3)}{HEAD_ROW}",
                                style.Look(bold=True, fill=style.GROUP_FILL["parameter"], align="center"))
            style.widths(sheet, {letters(edge): 17, letters(edge + 1): 11, letters(edge + 2): 12, letters(edge + 3): 6,
                                 letters(edge - 1): 3, letters(edge + 4): 3})
    formats = dict.fromkeys(("input", "target", "bias"), style.GENERAL)
    for item in items(layout):
        fill = style.GROUP_FILL[item.kind]
        row, label, value = item.row, letters(item.column), letters(item.column + 1)
        painter.paint(f"{label}{row}", style.Look(bold=True, border=True, fill=fill))
        painter.paint(f"{value}{row}",
                      style.Look(border=True, fill=fill, number=formats.get(item.kind, style.NUMBER)))
        if item.gradient is not None:
            painter.paint(f"{letters(item.column + 2)}{row}",
                          style.Look(border=True, fill=style.GROUP_FILL["backward"], number=style.NUMBER))
            painter.paint(f"{letters(item.column + 3)}{row}", style.Look(border=True, align="center", bold=True))
    row, column = bottom(layout) + 2, node_column(last)
    style.extremes(sheet, f"A{FIRST_ROW}:{letters(column + 1)}{row}")
    painter.paint(f"{letters(column)}{row}",
                  style.Look(bold=True, border=True, fill=style.GROUP_FILL["error"]))
    painter.paint(f"{letters(column + 1)}{row}",
                  style.Look(bold=True, border=True, fill=style.GROUP_FILL["error"], number=style.NUMBER))


def _paint_table(sheet: Worksheet, painter: style.Painter, layout: Layout) -> None:
    table = _table_column(layout)
    head = style.Look(bold=True, border=True, fill=style.GROUP_FILL["note"])
    for offset in (0, 1, 3):
        painter.paint(f"{letters(table + offset)}{HEAD_ROW}", head)
    for row in _table(layout).values():
        painter.paint(f"{letters(table)}{row}", style.Look(border=True, colour=style.MUTED))
        painter.paint(f"{letters(table + 1)}{row}", style.Look(border=True, colour=style.MUTED, number=style.NUMBER))
    style.extremes(sheet, f"{letters(table + 1)}{HEAD_ROW + 1}:{letters(table + 1)}{row}")
    for position in range(1, len(layout.rate_sheets) + 1):
        painter.paint(f"{letters(table + 3)}{HEAD_ROW + position}", style.Look(border=True, colour=style.MUTED))
    style.widths(sheet, {letters(table - 1): 4, letters(table): 17, letters(table + 1): 15, letters(table + 2): 3,
                         letters(table + 3): 22})


def _add_choosers(sheet: Worksheet, layout: Layout) -> None:
    from openpyxl.worksheet.datavalidation import DataValidation

    column = letters(_table_column(layout) + 3)
    rates = DataValidation("list", formula1=f"${column}${HEAD_ROW + 1}:${column}${HEAD_ROW + len(layout.rate_sheets)}",
                           allow_blank=False, showErrorMessage=True, errorTitle="A learning rate, please",
                           error="Choose one from the list.")
    rates.add(RATE_CHOICE)
    last = layout.spec.iterations
    iterations = DataValidation("whole", operator="between", formula1="0", formula2=str(last), allow_blank=False,
                                showErrorMessage=True, errorTitle="An iteration, please",
                                error=f"Iterations go from 0 to {last}.")
    iterations.add(ITERATION_CHOICE)
    sheet.add_data_validation(rates)
    sheet.add_data_validation(iterations)
    for layer in range(1, len(layout.spec.network.layers)):
        letter = letters(edge_column(layer) + 3)
        area = f"{letter}{FIRST_ROW}:{letter}{bottom(layout)}"
        for sign, colour in (("▲", "1D5FA8"), ("▼", "B8580C")):
            sheet.conditional_formatting.add(area, style.rule(formula=[f'{letter}{FIRST_ROW}="{sign}"'], colour=colour))

"""The sheet Parameters: the only constants of the workbook."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sheetprop.network import symbols
from sheetprop.workbook import style
from sheetprop.workbook.cells import Cells, Text, Value
from sheetprop.workbook.layout import FORMAT, Layout
from sheetprop.workbook.names import CHECK_CONSTANTS, CHOSEN, PARAMETERS, RELATIVE, ROUNDING, STEP

if TYPE_CHECKING:
    from openpyxl.workbook.defined_name import DefinedName
    from openpyxl.worksheet.worksheet import Worksheet

# How far a central difference may be from the gradient: h is small enough to show a wrong gradient and
# large enough that rounding does not hide a right one.
CHECK_VALUES = {STEP: 1e-4, RELATIVE: 1e-7, ROUNDING: 4e-15}
CHECK_WORDS = {
    STEP: "h of the central differences in the sheet Check",
    CHOSEN: "checked besides the first and the last iteration",
    RELATIVE: "allowed difference as a share of the size",
    ROUNDING: "rounding of E_total, as a share of the size of its terms",
}
FIXED_WHEN_BUILT = CHECK_CONSTANTS
"""What is the same in every file when it is built, or follows from its structure."""
CHANGED_CELL = "E13"
"""Address of the number of constants that are no longer as built."""


def changed(layout: Layout) -> str:
    """Return a condition that is true once a constant of the network or a learning rate is not as built.

    What only the sheet Check uses does not count: PyTorch's run does not depend on it.
    """
    first, last = layout.FIRST_VALUE_ROW, layout.parameter_rows[layout.rate_symbols[-1]]
    return f"SUM({PARAMETERS}!$E${first}:$E${last})>0"


def constants(layout: Layout) -> dict[str, float]:
    """Return every constant by its symbol in Parameters."""
    spec = layout.spec
    values = spec.network.initial()
    values.update(zip(layout.rate_symbols, spec.learning_rates, strict=True))
    values.update(CHECK_VALUES)
    values[CHOSEN] = spec.iterations // 2
    return values


def _meaning(layout: Layout, symbol: str) -> str:
    layers = layout.spec.network.layers
    if symbol in CHECK_WORDS:
        return CHECK_WORDS[symbol]
    if symbol in layout.rate_symbols:
        return f"learning rate of the sheet {layout.rate_sheets[layout.rate_symbols.index(symbol)]}"
    if symbol.startswith("i"):
        return "input"
    if symbol.startswith("t"):
        return "target of output " + symbol[1:]
    for layer in range(1, len(layers)):
        for pre, row in zip(symbols.pre_activations(layers, layer), symbols.weight_block(layers, layer), strict=True):
            if symbol in row:
                source = symbols.activations(layers, layer - 1)[row.index(symbol)]
                return f"weight from {source} to {pre}, at iteration 0"
        if symbol in symbols.bias_block(layers, layer):
            unit = symbols.pre_activations(layers, layer)[symbols.bias_block(layers, layer).index(symbol)]
            return f"bias of {unit}, " + ("at iteration 0" if layout.spec.network.learn_bias else "fixed")
    raise KeyError(symbol)


def _sections(layout: Layout) -> Iterator[tuple[int, str, list[str]]]:
    """Yield row of the heading, heading and symbols of each section."""
    network = layout.spec.network
    entries = [("Inputs", symbols.inputs(network.layers)), ("Targets", symbols.targets(network.layers)),
               ("Weights", symbols.weights(network.layers))]
    if network.bias:
        entries.append(("Biases", symbols.biases(network.layers)))
    entries += [("Learning rates", list(layout.rate_symbols)), ("Check", list(CHECK_CONSTANTS))]
    for title, members in entries:
        yield layout.parameter_rows[members[0]] - 1, title, members


def cells(layout: Layout) -> Cells:
    """Return the contents of the sheet."""
    spec = layout.spec
    structure: dict[str, tuple[str, Value]] = {
        "layers": ("units in each layer, inputs first", spec.network.shape),
        "activation": ("of each layer after the inputs", ", ".join(spec.network.activations)),
        "bias": ("has every unit a bias, and is it learned?",
                 "no" if not spec.network.bias else "yes" if spec.network.learn_bias else "fixed"),
        "iterations": ("rows 0 to this", spec.iterations),
        "rates": ("sheets, one for each learning rate", len(spec.learning_rates)),
        "exercise": ("columns left for you to fill in",
                     f"{', '.join(c.symbol for c in layout.columns if c.symbol in layout.blank)}; "
                     f"{layout.blank_rows} rows" if layout.blank else "none"),
        "format": ("version of this file's layout", FORMAT),
    }
    result: Cells = {
        "A1": "Parameters",
        "A2": "The only constants in this workbook. Change a blue number on yellow, and every sheet follows.",
        "A4": "Network", "B4": "Built as", "C4": "Value",
    }
    for symbol, (meaning, value) in structure.items():
        place = Layout.STRUCTURE[symbol][1:]
        result.update({f"A{place}": symbol, f"B{place}": meaning, f"C{place}": value})
    result["A12"] = "These are fixed. For another network, build another workbook: sheetprop build --help."
    values = constants(layout)
    first, last = min(layout.parameter_rows.values()), max(layout.parameter_rows.values())
    result["B13"] = "Constants that you changed since the file was built:"
    result[CHANGED_CELL] = f"=SUM(E{first}:E{last})"
    for heading_row, title, members in _sections(layout):
        result.update({f"A{heading_row}": title, f"B{heading_row}": "Meaning", f"C{heading_row}": "Value",
                       f"D{heading_row}": "As built", f"E{heading_row}": "Changed"})
        for symbol in members:
            row = layout.parameter_rows[symbol]
            result.update({f"A{row}": symbol, f"B{row}": Text(_meaning(layout, symbol)), f"C{row}": values[symbol],
                           f"D{row}": values[symbol], f"E{row}": f"=IF(C{row}=D{row},0,1)"})
    return result


def draw(sheet: Worksheet, layout: Layout) -> None:
    """Write and paint the sheet."""
    style.put(sheet, cells(layout))
    painter = style.Painter(sheet)
    style.title(sheet, painter, "G1")
    painter.paint_range("A4:C4", style.HEAD)
    for address in Layout.STRUCTURE.values():
        place = address[1:]
        painter.paint(f"A{place}", style.SYMBOL)
        painter.paint(f"B{place}", style.BODY)
        painter.paint(f"C{place}", style.Look(border=True, align="right", wrap=True))
    painter.paint("A12", style.Look(colour=style.MUTED, italic=True, size=10))
    painter.paint("B13", style.Look(align="right", colour=style.MUTED))
    painter.paint(CHANGED_CELL, style.Look(bold=True, align="center"))
    for heading_row, _, members in _sections(layout):
        painter.paint_range(f"A{heading_row}:E{heading_row}", style.HEAD)
        for symbol in members:
            row = layout.parameter_rows[symbol]
            painter.paint(f"A{row}", style.SYMBOL)
            painter.paint(f"B{row}", style.BODY)
            painter.paint(f"C{row}", style.INPUT)
            painter.paint(f"D{row}", style.Look(border=True, colour=style.MUTED))
            painter.paint(f"E{row}", style.Look(border=True, colour=style.ALARM, align="center",
                                                number='"changed";;""'))
    style.widths(sheet, {"A": 20, "B": 58, "C": 24, "D": 14, "E": 11, "F": 3, "G": 9})
    sheet.freeze_panes = "A4"
    _validate(sheet, layout)
    style.page(sheet, landscape=False, repeat_rows="1:2")


def _validate(sheet: Worksheet, layout: Layout) -> None:
    """Let only numbers into the constants, and only sensible ones into the check's."""
    from openpyxl.worksheet.datavalidation import DataValidation

    number = DataValidation("decimal", operator="between", formula1="-1E+300", formula2="1E+300", allow_blank=False,
                            showErrorMessage=True, errorTitle="A number, please",
                            error="This cell takes a number such as 0.15.")
    step = DataValidation("decimal", operator="greaterThan", formula1="0", allow_blank=False, showErrorMessage=True,
                          errorTitle="A positive number, please", error="h and the tolerances are larger than 0.")
    whole = DataValidation("whole", operator="between", formula1="0", formula2=str(layout.spec.iterations),
                           allow_blank=False, showErrorMessage=True, errorTitle="An iteration, please",
                           error=f"Iterations go from 0 to {layout.spec.iterations}.")
    for symbol, row in layout.parameter_rows.items():
        kind = whole if symbol == CHOSEN else step if symbol in CHECK_CONSTANTS else number
        kind.add(f"C{row}")
    for validation in (number, step, whole):
        sheet.add_data_validation(validation)


def name_places(layout: Layout) -> dict[str, str]:
    """Return the defined name of every constant and the cell that it stands for.

    ``w1`` is an address in Excel, so the names are ``w_1``, ``eta_1`` and so on.
    """
    places: dict[str, str] = {}
    plain = {STEP: "step", CHOSEN: "chosen_iteration", RELATIVE: "relative_tolerance", ROUNDING: "rounding"}
    for symbol in layout.parameter_rows:
        name = plain.get(symbol) or symbol.replace(symbols.LEARNING_RATE, "eta")
        if symbol not in plain:
            stem = name.rstrip("0123456789")
            name = f"{stem}_{name[len(stem):]}"
        places[name] = f"{PARAMETERS}!{layout.parameter(symbol)}"
    return places


def names(layout: Layout) -> Iterator[DefinedName]:
    """Yield a defined name for every constant; each points at its cell."""
    from openpyxl.workbook.defined_name import DefinedName

    for name, place in name_places(layout).items():
        yield DefinedName(name, attr_text=place)

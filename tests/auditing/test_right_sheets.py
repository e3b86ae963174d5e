"""Right sheets in styles unlike those of the generator, written by hand as students write them: no finding."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from openpyxl.chart import LineChart, Reference, ScatterChart, Series
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from openpyxl.workbook.defined_name import DefinedName

import sheetprop


def table(sheet: Any, header: int, columns: dict[str, object], rows: int, updates: dict[str, str],
          left: int = 1, **cells: str) -> dict[str, str]:
    """Write a table of label -> number or formula over {labels}, `updates` over the row above; return the letters."""
    letters = {label: get_column_letter(left + k) for k, label in enumerate(columns)}

    def text(formula: str, row: int) -> str:
        for label in sorted(letters, key=len, reverse=True):
            formula = formula.replace("{" + label + "}", f"{letters[label]}{row}")
        for name, cell in cells.items():
            formula = formula.replace("{" + name + "}", cell)
        return formula

    for label, content in columns.items():
        sheet[f"{letters[label]}{header}"] = label
        for row in range(header + 1, header + 1 + rows):
            if label in updates and row > header + 1:
                sheet[f"{letters[label]}{row}"] = text(updates[label], row - 1)
            else:
                sheet[f"{letters[label]}{row}"] = text(content, row) if isinstance(content, str) else content
    return letters


W = {"w1": .15, "w2": .2, "w3": .25, "w4": .3, "w5": .4, "w6": .45, "w7": .5, "w8": .55}
FORWARD = {"h1": "={w1}*{i1}+{w2}*{i2}", "h2": "={w3}*{i1}+{w4}*{i2}", "a_h1": "=1/(1+EXP(-{h1}))",
           "a_h2": "=1/(1+EXP(-{h2}))", "o1": "={w5}*{a_h1}+{w6}*{a_h2}", "o2": "={w7}*{a_h1}+{w8}*{a_h2}",
           "a_o1": "=1/(1+EXP(-{o1}))", "a_o2": "=1/(1+EXP(-{o2}))"}
LOSS = {"E1": "=0.5*({t1}-{a_o1})^2", "E2": "=0.5*({t2}-{a_o2})^2", "E_total": "={E1}+{E2}"}
DELTAS = {"d1": "=({a_o1}-{t1})*{a_o1}*(1-{a_o1})", "d2": "=({a_o2}-{t2})*{a_o2}*(1-{a_o2})",
          "dh1": "=({d1}*{w5}+{d2}*{w7})*{a_h1}*(1-{a_h1})", "dh2": "=({d1}*{w6}+{d2}*{w8})*{a_h2}*(1-{a_h2})"}
STEPS = {"w1": "{dh1}*{i1}", "w2": "{dh1}*{i2}", "w3": "{dh2}*{i1}", "w4": "{dh2}*{i2}", "w5": "{d1}*{a_h1}",
         "w6": "{d1}*{a_h2}", "w7": "{d2}*{a_h1}", "w8": "{d2}*{a_h2}"}
GIVEN = {"i1": .05, "i2": .1, "t1": .01, "t2": .99}


def renamed(parts: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """Return the same columns under other labels."""
    def text(value: Any) -> Any:
        if isinstance(value, str):
            for old, new in names.items():
                value = value.replace("{" + old + "}", "{" + new + "}")
        return value

    return {names.get(label, label): text(value) for label, value in parts.items()}


def loss_first(book: Any) -> None:
    """Epochs from 1, the loss in the second column, a title, percent formats, a chart with its own numbers across."""
    sheet = book.active
    sheet["A1"] = "Assignment 6 – back propagation by hand"
    sheet["A1"].font = Font(bold=True)
    sheet["C3"], sheet["D3"] = "learning rate", 0.5
    gradients = {f"dE/d{w}": "=" + step for w, step in STEPS.items()}
    columns = {"Epoch": 1, "E_total": LOSS["E_total"], **GIVEN, **W, **FORWARD, "E1": LOSS["E1"], "E2": LOSS["E2"],
               **DELTAS, **gradients}
    updates = {"Epoch": "={Epoch}+1", **{w: f"={{{w}}}-$D$3*{{dE/d{w}}}" for w in W}}
    letters = table(sheet, 6, columns, 40, updates)
    for row in range(7, 47):
        sheet[f"B{row}"].number_format = "0.00%"
    chart = ScatterChart()
    chart.series.append(Series(Reference(sheet, range_string="Sheet!$B$7:$B$46"),
                               Reference(sheet, range_string="Sheet!$A$7:$A$46"), title="error"))
    sheet.add_chart(chart, "B60")
    sheet.column_dimensions[letters["h1"]].hidden = True


def german(book: Any) -> None:
    """German words, decimal rates, step columns that already hold the rate, notes beside."""
    sheet = book.active
    sheet["B2"], sheet["C2"] = "Lernrate", 0.2
    names = {"i1": "Eingang 1", "i2": "Eingang 2", "t1": "Ziel 1", "t2": "Ziel 2", "E_total": "Gesamtfehler",
             "E1": "Fehler 1", "E2": "Fehler 2", "a_o1": "Ausgabe 1", "a_o2": "Ausgabe 2",
             **{w: f"Gewicht {w[1]}" for w in W}}
    steps = {f"Δ{w}": f"=-$C$2*{step}" for w, step in STEPS.items()}
    columns = renamed({"Schritt": 0, **GIVEN, **W, **FORWARD, **LOSS, **DELTAS, **steps}, names)
    updates = {"Schritt": "={Schritt}+1", **{names[w]: f"={{{names[w]}}}+{{Δ{w}}}" for w in W}}
    table(sheet, 5, columns, 25, updates, left=2)
    sheet["AZ6"] = "Die Summe der Fehler fällt in jedem Schritt."


def french(book: Any) -> None:
    """French words, the loss doubled on purpose in loss and gradients, the weights first."""
    sheet = book.active
    sheet["A1"], sheet["A2"] = "taux d'apprentissage", 1.5
    loss = {"erreur 1": "=({t1}-{a_o1})^2", "erreur 2": "=({t2}-{a_o2})^2", "erreur totale": "={erreur 1}+{erreur 2}"}
    deltas = {name: text.replace("=", "=2*", 1) if name in ("d1", "d2") else text for name, text in DELTAS.items()}
    gradients = {f"gradient {w}": "=" + step for w, step in STEPS.items()}
    columns = {**W, "itération": 0, **GIVEN, **FORWARD, **loss, **deltas, **gradients}
    updates = {"itération": "={itération}+1", **{w: f"={{{w}}}-$A$2*{{gradient {w}}}" for w in W}}
    table(sheet, 10, columns, 30, updates)


def spanish_across(book: Any) -> None:
    """Spanish words, iterations across the columns, made by turning a table over."""
    hidden = Workbook().active
    gradients = {f"∂E/∂{w}": "=" + step for w, step in STEPS.items()}
    columns = {"época": 0, **GIVEN, **W, **FORWARD, **LOSS, **DELTAS, **gradients}
    table(hidden, 3, columns, 12, {"época": "={época}+1", **{w: f"={{{w}}}-0.5*{{∂E/∂{w}}}" for w in W}})
    import re

    from openpyxl.utils import column_index_from_string

    def turn(match: re.Match[str]) -> str:
        return f"{get_column_letter(int(match[2]))}{column_index_from_string(match[1])}"

    for row in hidden.iter_rows():
        for cell in row:
            value = cell.value
            if isinstance(value, str) and value.startswith("="):
                value = re.sub(r"(?<![A-Z])([A-Z]{1,2})(\d+)", turn, value)
            book.active.cell(cell.column, cell.row).value = value
    book.active["A1"] = "tasa de aprendizaje 0.5"


def greek_names(book: Any) -> None:
    """Greek letters, a named rate on another sheet, the weights' start in a block above, a row of formulas as text."""
    sheet = book.active
    other = book.create_sheet("Einstellungen & Werte")
    other["B2"], other["C2"] = "η", 0.8
    book.defined_names["eta"] = DefinedName("eta", attr_text="'Einstellungen & Werte'!$C$2")
    for k, (w, value) in enumerate(W.items()):
        sheet.cell(2, 2 + k).value, sheet.cell(3, 2 + k).value = w, value
    names = {**{w: f"θ{w[1]}" for w in W}, "a_h1": "σ(h1)", "a_h2": "σ(h2)", "a_o1": "σ(o1)", "a_o2": "σ(o2)",
             "d1": "δ1", "d2": "δ2", "dh1": "δh1", "dh2": "δh2"}
    gradients = {f"∂E/∂θ{w[1]}": "=" + step for w, step in STEPS.items()}
    starts = {w: f"={get_column_letter(2 + k)}$3" for k, w in enumerate(W)}
    columns = renamed({**GIVEN, **starts, **FORWARD, **LOSS, **DELTAS, **gradients}, names)
    letters = table(sheet, 8, columns, 20, {f"θ{w[1]}": f"={{θ{w[1]}}}-eta*{{∂E/∂θ{w[1]}}}" for w in W})
    for label, column in letters.items():
        sheet[f"{column}7"] = label
        value = sheet[f"{column}9"].value
        sheet[f"{column}8"] = str(value).lstrip("=") if isinstance(value, str) else "constant"


def by_reference(book: Any) -> None:
    """New weights stand in columns of their own at the end and come back as references in the next row."""
    sheet = book.active
    sheet["A1"], sheet["B1"] = "LR", 0.3
    gradients = {f"dE_total/d{w}": "=" + step for w, step in STEPS.items()}
    new = {f"new {w}": f"={{{w}}}-$B$1*{{dE_total/d{w}}}" for w in W}
    columns = {"#": 1, **GIVEN, **W, **FORWARD, **LOSS, **DELTAS, **gradients, **new}
    table(sheet, 4, columns, 30, {"#": "={#}+1", **{w: f"={{new {w}}}" for w in W}})
    line = LineChart()
    line.add_data(Reference(sheet, range_string="Sheet!$V$4:$V$34"), titles_from_data=True)
    sheet.add_chart(line, "A50")


def samples_in_turn(book: Any) -> None:
    """One sample a row, taken in turn from another sheet; a running mean of the loss; a falling learning rate."""
    sheet, data = book.active, book.create_sheet("data")
    for k in range(40):
        data.append([0.1 + 0.02 * (k % 7), 0.9 - 0.1 * (k % 5), float(k % 2), float(k % 3 == 0)])
    given = {"i1": "=data!A{row}", "i2": "=data!B{row}", "t1": "=data!C{row}", "t2": "=data!D{row}"}
    gradients = {f"grad {w}": "=" + step for w, step in STEPS.items()}
    columns = {"step": 1, "rate": "=0.5/(1+0.1*{step})", **given, **W, **FORWARD, **LOSS, **DELTAS, **gradients}
    letters = table(sheet, 3, columns, 40, {"step": "={step}+1", **{w: f"={{{w}}}-{{rate}}*{{grad {w}}}" for w in W}})
    for row in range(4, 44):
        for label in given:
            cell = sheet[f"{letters[label]}{row}"]
            cell.value = cell.value.replace("{row}", str(row - 3))
        sheet[f"BA{row}"] = f"=AVERAGE({letters['E_total']}$4:{letters['E_total']}{row})"
    sheet["BA3"] = "mean loss so far"


def line_fit(book: Any) -> None:
    """No network at all: a straight line fitted by descent, one point a row, squared error."""
    sheet = book.active
    sheet["A1"], sheet["B1"] = "alpha", 0.01
    columns = {"x": 2.0, "y": 5.0, "m": 0.1, "c": 0.0, "pred": "={m}*{x}+{c}", "err": "={pred}-{y}",
               "sq err": "={err}^2", "de/dm": "=2*{err}*{x}", "de/dc": "=2*{err}"}
    table(sheet, 3, columns, 30, {"m": "={m}-$B$1*{de/dm}", "c": "={c}-$B$1*{de/dc}"})
    for row in range(4, 34):
        sheet[f"A{row}"], sheet[f"B{row}"] = 0.3 * (row % 7), 0.9 * (row % 7) + 1


def estimates_beside(book: Any) -> None:
    """Gradients with a numerical check beside each, as careful students add."""
    sheet = book.active
    sheet["A1"], sheet["B1"] = "η", 1
    columns = {"x1": .5, "t": .9, "w": .3, "b": .1, "z": "={w}*{x1}+{b}", "a": "=TANH({z})", "loss": "=0.5*({t}-{a})^2",
               "dL/dw": "=({a}-{t})*(1-{a}^2)*{x1}", "dL/db": "=({a}-{t})*(1-{a}^2)",
               "est dL/dw": "=(0.5*({t}-TANH(({w}+0.0001)*{x1}+{b}))^2-{loss})/0.0001",
               "diff": "=ABS({est dL/dw}-{dL/dw})", "ok?": '=IF({diff}<0.001,"ok","wrong")'}
    table(sheet, 3, columns, 20, {"w": "={w}-$B$1*{dL/dw}", "b": "={b}-$B$1*{dL/db}"})


def under_one_heading(book: Any) -> None:
    """Gradients under a heading, named as their weights; the next weights beside them, with no heading of their own."""
    sheet = book.active
    sheet["A1"], sheet["B1"] = "LR", 0.3
    gradients = {f"slope {w}": "=" + step for w, step in STEPS.items()}
    new = {f"new {w}": f"={{{w}}}-$B$1*{{slope {w}}}" for w in W}
    columns = {**GIVEN, **W, **FORWARD, **LOSS, **DELTAS, **gradients, **new}
    letters = table(sheet, 4, columns, 30, {w: f"={{new {w}}}" for w in W})
    for label in (*gradients, *new):
        sheet[f"{letters[label]}4"] = label.split()[1]
    sheet[f"{letters['slope w1']}3"] = "Gradients"
    sheet.merge_cells(f"{letters['slope w1']}3:{letters['slope w8']}3")


def moving_average(book: Any) -> None:
    """Momentum as a moving average of the gradients, all numbers typed; errors of a test sample beside."""
    sheet = book.active
    sheet["A1"] = "learning rate = 1"
    gradients = {f"dE/d{w}": "=" + step for w, step in STEPS.items()}
    test = {"h1 B": "={w1}*0.3+{w2}*0.4", "a_h1 B": "=1/(1+EXP(-{h1 B}))", "h2 B": "={w3}*0.3+{w4}*0.4",
            "a_h2 B": "=1/(1+EXP(-{h2 B}))", "o1 B": "={w5}*{a_h1 B}+{w6}*{a_h2 B}",
            "a_o1 B": "=1/(1+EXP(-{o1 B}))", "E1 B": "=0.5*(0.2-{a_o1 B})^2"}
    columns = {**GIVEN, **W, **FORWARD, **LOSS, **test, **DELTAS, **gradients, **{f"m{w}": 0.0 for w in W}}
    updates = {**{f"m{w}": f"=0.9*{{m{w}}}+0.1*{{dE/d{w}}}" for w in W}, **{w: f"={{{w}}}-1*{{m{w}}}" for w in W}}
    table(sheet, 4, columns, 30, updates)


STYLES = [loss_first, german, french, spanish_across, greek_names, by_reference, samples_in_turn, line_fit,
          estimates_beside, under_one_heading, moving_average]


@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.__name__)
def test_a_right_sheet_of_another_style_gives_no_finding(tmp_path: Path, style: Callable[[Any], None]) -> None:
    book = Workbook()
    style(book)
    book.save(tmp_path / "right.xlsx")
    answer = sheetprop.audit(tmp_path / "right.xlsx")
    assert [one.sentence() for one in answer.findings] == []
    assert answer.checked >= (2 if style in (line_fit, estimates_beside) else 8)

"""The pieces that a report is made of."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import sheetprop
from sheetprop.auditing.finding import Finding
from sheetprop.errors import SheetpropError
from sheetprop.network.equations import derive
from sheetprop.network.notation import latex
from sheetprop.reporting import netpicture, sheetsvg
from sheetprop.reporting.auditpart import _found
from sheetprop.reporting.cellstyles import Look
from sheetprop.reporting.chooser import _spread
from sheetprop.reporting.equations import Typesetter, tokens
from sheetprop.reporting.parallel import Aside
from sheetprop.reporting.sheetpictures import (
    PicturedCell,
    PicturedColumn,
    PicturedRow,
    SheetPicture,
    blocks,
    shortened,
)


@pytest.mark.parametrize("options", [
    {"preset": "mazur"}, {"layers": (3, 4, 2), "activation": "tanh", "bias": True, "seed": 1},
    {"layers": (2, 3, 3, 1), "activation": "relu", "seed": 2}])
def test_every_equation_is_typeset(options: dict[str, Any]) -> None:
    setter = Typesetter({})
    for equation in derive(sheetprop.spec(**options).network):
        drawing = ElementTree.fromstring(setter.svg(latex(equation.expression), "spoken"))
        assert drawing.findall(".//{http://www.w3.org/2000/svg}path")
    assert ElementTree.fromstring(setter.sprite()) is not None


def test_formula_is_cut_at_its_operators() -> None:
    cut = list(tokens(r"\left(a_{o_{1}} - t_{1}\right) \cdot a_{o_{1}}"))
    assert cut == ["(", "a_{o_{1}}", "-", "t_{1}", ")", r"\cdot", "a_{o_{1}}"]


def test_the_chooser_keeps_the_ends() -> None:
    kept = _spread(10_000, 100)
    assert kept[0] == 0
    assert kept[-1] == 10_000
    assert len(kept) <= 101
    assert _spread(12, 100) == list(range(13))


def test_chooser_data_is_the_sheets(prepared: Any, workbook: Path) -> None:
    context, _ = prepared
    data = json.loads(context.backprop.choice.json())
    book = sheetprop.open(workbook)
    book.calculate()
    total = data["symbols"].index("E_total")
    stands = book["LR 2"].column("X", 8, 20)
    for place, iteration in enumerate(data["iterations"]):
        assert data["values"][1][place][total] == pytest.approx(stands[iteration], rel=1e-5)


def test_pictures_hold_what_the_cells_hold(prepared: Any, workbook: Path) -> None:
    context, _ = prepared
    book = sheetprop.open(workbook)
    book.calculate()
    for picture in context.backprop.pictures.sheets:
        for row in picture.rows:
            for cell in row.cells:
                assert cell.formula == (book[picture.name].formula(cell.address) or "")
                if cell.numeric and re.fullmatch(r"-?\d+\.\d{6}", cell.text):
                    assert float(cell.text) == pytest.approx(book[picture.name][cell.address], abs=5.1e-7)


def test_long_sheets_say_which_rows_are_left_out(prepared: Any) -> None:
    context, _ = prepared
    picture = next(p for p in context.backprop.pictures.sheets if p.kind == "rate")
    assert picture.left_out == (16, 17)
    assert [row.number for row in picture.rows] == [*range(1, 16), 18, 19, 20]
    fewer = shortened(picture, 10, 3)
    assert fewer.left_out == (11, 17)
    assert sum(row.after_gap for row in fewer.rows) == 1


def test_wide_sheets_are_cut_at_columns(prepared: Any) -> None:
    context, _ = prepared
    pictures = context.backprop.pictures
    picture = next(p for p in pictures.sheets if p.kind == "rate")
    pieces = blocks(picture, 1000)
    assert all(piece[0].letters == "A" for piece in pieces)
    assert [c.letters for piece in pieces for c in piece[1:]] == [c.letters for c in picture.columns[1:]]
    for view in (False, True):
        drawing = sheetsvg.draw(picture, pieces[0], pictures.looks, formulas=view)
        assert ElementTree.fromstring(drawing) is not None
        assert ("=A8+1" in drawing) is view


def test_a_centred_text_stays_in_its_cell_where_the_ones_beside_it_are_empty(prepared: Any) -> None:
    context, _ = prepared
    pictures = context.backprop.pictures
    picture = next(p for p in pictures.sheets if p.kind == "rate")
    last = blocks(picture, 1000)[-1]
    drawing = ElementTree.fromstring(sheetsvg.draw(picture, last, pictures.looks, formulas=False))
    eta = next(text for text in drawing.iter("{http://www.w3.org/2000/svg}text") if text.text == "η")
    assert float(eta.attrib["x"]) < 40 + last[0].width


@pytest.mark.parametrize("layers", [(1, 1), (2, 2, 2), (3, 12, 3), (2, 3, 3, 1)])
def test_network_picture_of_any_shape(layers: tuple[int, ...]) -> None:
    network = sheetprop.spec(layers=layers, seed=1).network
    drawing = netpicture.draw(network, {}, "described")
    assert ElementTree.fromstring(drawing) is not None
    assert "E_total" in drawing


def sheet(rows: list[list[str]], widths: list[int]) -> SheetPicture:
    """A made-up sheet; a text that begins with = is a formula."""
    columns = tuple(PicturedColumn(k, "ABCDEF"[k - 1], width, k - 1) for k, width in enumerate(widths, start=1))
    return SheetPicture("made up", columns, tuple(
        PicturedRow(number, 20, tuple(
            PicturedCell(f"{column.letters}{number}", column.index, "" if text.startswith("=") else text,
                         text if text.startswith("=") else "", 0, False)
            for column, text in zip(columns, row, strict=True)))
        for number, row in enumerate(rows, start=1)), None, 1, 0, True, 1, "other")


def test_a_formula_runs_over_empty_cells() -> None:
    formula = "=IF(A1=0.1,1,2)+SUM(B1:B9)"
    for beside, lines in (("", 1), ("full", 4)):
        picture = sheet([["a", formula, beside]], [60, 60, 200])
        drawing = ElementTree.fromstring(sheetsvg.draw(picture, picture.columns, [Look()], formulas=True))
        shown = [text.text or "" for text in drawing.iter("{http://www.w3.org/2000/svg}text")
                 if "Mono" in (text.get("font-family") or "")]
        assert "".join(shown) == formula
        assert len(shown) == lines


def test_a_piece_ends_with_its_last_row() -> None:
    picture = sheet([["a", "b", ""], ["", "", "=A1"], ["", "", "c"]], [60, 60, 60])
    for columns, rows in ((picture.columns[:2], 1), (picture.columns, 3)):
        assert f"rows 1 to {rows}" in sheetsvg.draw(picture, columns, [Look()], formulas=False)


def test_what_is_a_little_too_wide_stays_whole() -> None:
    picture = sheet([["a", "b", "c"]], [100, 500, 500])
    assert [len(piece) for piece in blocks(picture, 1000)] == [3]
    assert [len(piece) for piece in blocks(picture, 900)] == [2, 2]


def test_the_other_process_neither_blocks_nor_forgets() -> None:
    with Aside("not_imported_yet") as aside:
        large = [aside.call(bytes.upper, b"x" * 1_000_000) for _ in range(3)]
        wrong = aside.call(int, "no number")
        assert [len(result()) for result in reversed(large)] == [1_000_000] * 3
        with pytest.raises(ValueError, match="invalid literal"):
            wrong()
        ended = aside.call(os._exit, 3)
        with pytest.raises(SheetpropError, match="ended before its work was done"):
            ended()


@pytest.mark.parametrize(("across", "counted"), [(False, "3 of 10 rows"), (True, "3 of 10 columns")])
def test_an_audit_of_iterations_that_run_across_counts_columns(across: bool, counted: str) -> None:
    found = _found(Finding("gradient", "S", "B2:K2", "∂E/∂w1", "is wrong", rows_wrong=3, rows=10, across=across))
    assert [line.text for line in found.lines] == [counted]

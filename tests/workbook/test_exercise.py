"""The workbook as a task."""

from __future__ import annotations

import math
from pathlib import Path

import openpyxl
import pytest

import sheetprop
from sheetprop.errors import SheetpropError
from sheetprop.workbook.exercise import RIGHT, WRONG
from sheetprop.workbook.layout import Layout
from sheetprop.workbook.reading import read_layout


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("exercise") / "task.xlsx"
    sheetprop.build(sheetprop.spec(seed=5, iterations=4, learning_rates=[0.5]), path, exercise=True)
    return path


def test_gradients_are_blank_and_answers_stand_beside(task: Path) -> None:
    answers = task.with_name("task.answers.xlsx")
    layout = read_layout(sheetprop.open(task))
    assert layout.blank == {c.symbol for c in read_layout(sheetprop.open(answers)).columns if c.group == "backward"}
    sheet = openpyxl.load_workbook(task)["LR 0.5"]
    for symbol in layout.blank:
        assert sheet[layout.address(symbol, 0)].value is None
        assert sheet[layout.address(symbol, 2)].value is None
        assert not sheet[layout.address(symbol, 2)].protection.locked
        # The rest is live, and does not tell its formula.
        assert str(sheet[layout.address(symbol, 3)].value).startswith("=")
        assert sheet[layout.address(symbol, 4)].protection.locked
        assert sheet[layout.address(symbol, 4)].protection.hidden
    assert sheet.protection.sheet
    assert sheetprop.verify(answers).agrees


def test_the_task_does_not_show_the_answer(task: Path) -> None:
    steps = openpyxl.load_workbook(task)["Steps"]
    hidden = [row for row in steps.iter_rows(min_row=6) if row[4].value == "?"]
    assert len(hidden) == 10
    check = openpyxl.load_workbook(task)["Check"]
    assert all(check[f"J{row}"].value is None for row in range(9, 20))
    assert check.protection.sheet
    for letter in ("E", "F", "G", "H", "O", "AA"):
        assert check.column_dimensions[letter].hidden
        assert check[f"{letter}12"].protection.hidden
    sheet = openpyxl.load_workbook(task)["LR 0.5"]
    layout = read_layout(sheetprop.open(task))
    assert sheet[layout.address("✓ ∂E_total/∂w5", 0)].protection.hidden


def test_each_cell_is_judged_on_its_own(task: Path) -> None:
    book = sheetprop.open(task)
    layout = read_layout(book)
    plain = Layout(layout.spec)
    right = sheetprop.open(task.with_name("task.answers.xlsx"))
    right.calculate()
    book.calculate()
    verdict = layout.address("✓ ∂E_total/∂w1", 0)
    assert book["LR 0.5"][verdict] in ("", None)
    value = right["LR 0.5"][plain.address("∂E_total/∂w1", 0)]
    for given, expected in ((value, RIGHT), (value * 1.001, WRONG), (-value, WRONG), ("?", WRONG), (0, WRONG)):
        book.set(f"LR 0.5!{layout.address('∂E_total/∂w1', 0)}", given)
        book.calculate()
        assert book["LR 0.5"][verdict] == expected


def test_the_digits_that_are_shown_are_enough(task: Path) -> None:
    """A right answer typed as it stands in the sheet counts as right, and one digit off as wrong."""
    book = sheetprop.open(task)
    layout = read_layout(book)
    right = sheetprop.open(task.with_name("task.answers.xlsx"))
    right.calculate()
    plain = Layout(layout.spec)
    seen = set()
    for symbol in sorted(layout.blank):
        value = right["LR 0.5"][plain.address(symbol, 0)]
        shown = f"{value:.6f}" if abs(value) >= 1e-4 else f"{value:.2E}"
        last = 1e-6 if abs(value) >= 1e-4 else 10.0 ** (math.floor(math.log10(abs(value))) - 2)
        for given, expected in ((float(shown), RIGHT), (float(shown) + 2 * last, WRONG),
                                (value + 0.4 * last, WRONG)):
            book.set(f"LR 0.5!{layout.address(symbol, 0)}", given)
            book.calculate()
            assert book["LR 0.5"][layout.address("✓ " + symbol, 0)] == expected, (symbol, given, value)
        seen.add("E" in shown)
        book.set(f"LR 0.5!{layout.address(symbol, 0)}", float(shown))
    book.calculate()
    assert book["Start"]["F16"] == book["Start"]["G16"] == len(layout.blank)
    assert book["Start"]["E19"] == "10 right, 10 filled in, of 30"
    assert seen == {False}


@pytest.mark.parametrize("blank", ["gradients", "forward", "error", "updates"])
def test_blanks_are_quiet(blank: str, tmp_path: Path) -> None:
    """A fresh exercise shows no error anywhere; its Check had 144 #VALUE!."""
    path = tmp_path / "task.xlsx"
    sheetprop.build(sheetprop.spec(iterations=5, learning_rates=[1.0]), path, exercise=True, blank=[blank])
    book = openpyxl.load_workbook(path, data_only=True)
    assert not [(sheet.title, c.coordinate, c.value) for sheet in book for row in sheet.iter_rows() for c in row
                if isinstance(c.value, str) and c.value.startswith("#")]


@pytest.mark.parametrize("blank", [["forward"], ["error"], ["updates"], ["∂E_total/∂w3", "h1"]])
def test_other_columns_can_be_blank(blank: list[str], tmp_path: Path) -> None:
    path = tmp_path / "task.xlsx"
    sheetprop.build(sheetprop.spec(iterations=2, learning_rates=[1.0]), path, exercise=True, blank=blank)
    book = sheetprop.open(path)
    layout = read_layout(book)
    answers = sheetprop.open(tmp_path / "task.answers.xlsx")
    answers.calculate()
    plain = Layout(layout.spec)
    for symbol in layout.blank:
        for iteration in range(3):
            book.set(f"LR 1!{layout.address(symbol, iteration)}", answers["LR 1"][plain.address(symbol, iteration)])
    assert layout.blank_rows == 3
    book.calculate()
    for symbol in layout.blank:
        for iteration in range(3):
            assert book["LR 1"][layout.address("✓ " + symbol, iteration)] == RIGHT, (symbol, iteration)


def test_each_seed_has_numbers_of_its_own(tmp_path: Path) -> None:
    books = [sheetprop.build(sheetprop.spec(seed=seed, iterations=1), tmp_path / f"{seed}.xlsx", exercise=True)
             for seed in (1, 2)]
    assert books[0].first_error != books[1].first_error


def test_an_unknown_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(SheetpropError, match=r"'gradient' names no column; did you mean 'gradients'"):
        sheetprop.build(sheetprop.spec(iterations=1), tmp_path / "x.xlsx", exercise=True, blank=["gradient"])

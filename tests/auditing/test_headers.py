"""Headers of two rows, merged over groups, split, with words or formulas under the symbols."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from test_right_sheets import DELTAS, FORWARD, GIVEN, LOSS, STEPS, W, table

import sheetprop

HEADER = 8


def groups(sheet: Any, letters: dict[str, str]) -> None:
    """Merged group titles above the symbols."""
    for title, names in (("Given", GIVEN), ("Weights", W), ("Forward", FORWARD), ("Error", LOSS), ("Deltas", DELTAS),
                         ("Gradients", [f"∂E/∂{w}" for w in W])):
        cells = [letters[name] for name in names]
        sheet[f"{cells[0]}{HEADER - 1}"] = title
        sheet.merge_cells(f"{cells[0]}{HEADER - 1}:{cells[-1]}{HEADER - 1}")


def symbols_under_a_gradient_title(sheet: Any, letters: dict[str, str]) -> None:
    """The gradients are headed w1 to w8 again, under a merged ∂E/∂w."""
    groups(sheet, letters)
    sheet[f"{letters['∂E/∂w1']}{HEADER - 1}"] = "∂E/∂w"
    for w in W:
        sheet[f"{letters[f'∂E/∂{w}']}{HEADER}"] = w


def split(sheet: Any, letters: dict[str, str]) -> None:
    """∂E above, /∂w1 below, in every column."""
    for w in W:
        sheet[f"{letters[f'∂E/∂{w}']}{HEADER - 1}"] = "∂E"
        sheet[f"{letters[f'∂E/∂{w}']}{HEADER}"] = f"/∂{w}"


def words_below(sheet: Any, letters: dict[str, str]) -> None:
    """Symbols, and plain words in the row under them."""
    for label, column in letters.items():
        sheet[f"{column}{HEADER - 1}"] = label
        sheet[f"{column}{HEADER}"] = "weight" if label in W else "gradient" if "∂" in label else "error" \
            if label.startswith("E") else "value"


def words_above(sheet: Any, letters: dict[str, str]) -> None:
    """Plain words in the row above the symbols."""
    for label, column in letters.items():
        sheet[f"{column}{HEADER - 1}"] = "weight" if label in W else "gradient" if "∂" in label else "quantity"


def upright(sheet: Any, letters: dict[str, str]) -> None:
    """Each label merged over two rows: its text stands in the upper one."""
    for label, column in letters.items():
        sheet[f"{column}{HEADER}"] = None
        sheet[f"{column}{HEADER - 1}"] = label
        sheet.merge_cells(f"{column}{HEADER - 1}:{column}{HEADER}")


def formulas_below(sheet: Any, letters: dict[str, str]) -> None:
    """The formula's text between the symbols and the numbers."""
    for label, column in letters.items():
        sheet[f"{column}{HEADER - 1}"] = label
        value = sheet[f"{column}{HEADER + 1}"].value
        sheet[f"{column}{HEADER}"] = value[1:] if isinstance(value, str) else "start"


def none(sheet: Any, letters: dict[str, str]) -> None:
    """No label at all."""
    for column in letters.values():
        sheet[f"{column}{HEADER}"] = None


SHAPES = [groups, symbols_under_a_gradient_title, split, words_below, words_above, upright, formulas_below, none]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_headers_of_many_shapes(tmp_path: Path, shape: Callable[[Any, dict[str, str]], None]) -> None:
    for name, step in (("right", STEPS["w3"]), ("wrong", "{dh1}*{i1}")):
        book = Workbook()
        sheet = book.active
        sheet["A1"], sheet["B1"] = "η", 0.5
        gradients = {f"∂E/∂{w}": f"={step if w == 'w3' else text}" for w, text in STEPS.items()}
        letters = table(sheet, HEADER, {**GIVEN, **W, **FORWARD, **LOSS, **DELTAS, **gradients}, 20,
                        {w: f"={{{w}}}-$B$1*{{∂E/∂{w}}}" for w in W})
        shape(sheet, letters)
        book.save(tmp_path / f"{name}.xlsx")
    right, wrong = (sheetprop.audit(tmp_path / f"{name}.xlsx") for name in ("right", "wrong"))
    assert [one.sentence() for one in right.findings] == []
    assert right.checked >= 8
    column = letters["∂E/∂w3"]
    assert [one.cells for one in wrong.findings] == [f"{column}9:{column}28"]
    assert wrong.findings[0].repair

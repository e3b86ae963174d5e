"""Tables whose rows are samples of a batch, with the weights outside: read cell by cell."""

from __future__ import annotations

from pathlib import Path

import pytest
from openpyxl import Workbook

import sheetprop


def batch(path: Path, total: str) -> None:
    """Write one step of a network with one weight for each of two inputs, four samples below one another."""
    book = Workbook()
    sheet = book.active
    sheet["A1"], sheet["B1"], sheet["B3"], sheet["C3"], sheet["B4"], sheet["C4"] = "η", 0.5, "w1", "w2", 0.1, 0.2
    for column, label in zip("BCDEFGHI", ("x1", "x2", "t", "o1", "a_o1", "E", "∂E/∂w1", "∂E/∂w2"), strict=True):
        sheet[f"{column}6"] = label
    for row, given in enumerate(((0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 0)), start=7):
        for column, value in zip("BCD", given, strict=True):
            sheet[f"{column}{row}"] = value
        sheet[f"E{row}"], sheet[f"F{row}"] = f"=$B$4*B{row}+$C$4*C{row}", f"=1/(1+EXP(-E{row}))"
        sheet[f"G{row}"] = f"=0.5*(D{row}-F{row})^2"
        for column, source in (("H", "B"), ("I", "B")):  # the second is wrong
            sheet[f"{column}{row}"] = f"=(F{row}-D{row})*F{row}*(1-F{row})*{source}{row}"
    for column in "GHI":
        sheet[f"{column}12"] = f"={total}({column}7:{column}10)"
    sheet["B14"], sheet["C14"] = "=B4-$B$1*H12", "=C4-$B$1*I12"
    book.save(path)


@pytest.mark.parametrize("total", ["SUM", "AVERAGE"])
def test_a_wrong_column_of_a_batch_is_found(tmp_path: Path, total: str) -> None:
    path = tmp_path / "batch.xlsx"
    batch(path, total)
    answer = sheetprop.audit(path)
    assert [one.cells for one in answer.findings] == ["I7:I10"]
    assert "it uses x1 (B8) where x2 (C8) belongs" in answer.findings[0].wrong
    assert answer.unchecked == []

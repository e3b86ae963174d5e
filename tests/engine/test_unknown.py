"""What nobody knows keeps its stored value, is said, and changes the exit code; users can give it a meaning."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import sheetprop
from sheetprop.engine.commands import run_calc

Make = Callable[..., Path]
FORMULAS = {"A1": 2, "A2": "=MYVBA(A1)+1", "A3": "=A2*2", "A4": "=IFERROR(MYVBA(A1:A2),0)", "A5": "=A1*3"}


def stored(path: Path, values: dict[str, float]) -> Path:
    """Put values into the cells of a file's formulas."""
    import re

    package = sheetprop.open(path)
    package.save(path, patch={"xl/worksheets/sheet1.xml": lambda data: _valued(data, values, re)})
    return path


def _valued(data: bytes, values: dict[str, float], re: object) -> bytes:
    import re as expressions

    for place, value in values.items():
        pattern = rf'(<c r="{place}"[^>]*>)(<f>.*?</f>)<v\s*/?>(?:[^<]*</v>)?'.encode()
        data = expressions.sub(pattern, rb"\1\2<v>" + str(value).encode() + b"</v>", data)
    return expressions.sub(rb' t="[^"]*"(?=><f>)', b"", data)


def test_stored_values_stay(workbook: Make, tmp_path: Path) -> None:
    path = stored(workbook({"S": FORMULAS}), {"A2": 7, "A3": 14, "A4": 5, "A5": 6})
    out = tmp_path / "out.xlsx"
    text, code = run_calc(str(path), output=str(out))
    assert code == 1
    assert text.splitlines()[-1].startswith("incomplete: 2 formulas not evaluated")
    assert run_calc(str(path), strict=True)[1] == 2
    held = sheetprop.open(out).stored()["S"]
    assert [held[(row, 1)] for row in range(2, 6)] == [7, 14, 5, 6]


def test_without_a_stored_value_it_is_an_error(workbook: Make) -> None:
    book = sheetprop.open(workbook({"S": FORMULAS}))
    book.set("S!B1", "=MYVBA(1)")
    book.calculate()
    assert [book["S"][place] for place in ("A2", "A4", "B1")] == ["#NAME?", 0, "#NAME?"]


def test_a_circle_changes_the_exit_code(workbook: Make) -> None:
    text, code = run_calc(str(workbook({"S": {"A1": "=B1", "B1": "=A1"}})))
    assert (code, text.splitlines()[-1]) == (1, "incomplete: 2 cells on circular references")
    assert run_calc(str(workbook({"S": {"A1": "=1+1"}}, name="good.xlsx")))[1] == 0


def test_register_gives_a_function_a_meaning(workbook: Make) -> None:
    book = sheetprop.open(workbook({"S": FORMULAS}))
    book.register("MyVba", lambda x: sum(map(sum, x)) if isinstance(x, list) else x * 10)
    result = book.calculate()
    assert [book["S"][place] for place in ("A2", "A3", "A4")] == [21, 42, 23]
    assert result.unsupported == {}
    with pytest.raises(sheetprop.SheetpropError, match="Excel's"):
        book.register("SUM", sum)

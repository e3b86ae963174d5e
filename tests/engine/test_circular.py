"""What counts as a dependency is what is read while calculating: circles that are none, and real ones."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import sheetprop

Make = Callable[..., Path]

NO_CIRCLES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "the row of the own cell": ({"A1": "=ROW(A1)", "B2": "=COLUMN(B2)+COLUMNS(B2:B9)"}, {"A1": 1, "B2": 3}),
    "the height of a range that begins here": ({"C2": "=ROWS(C$2:C2)", "C3": "=ROWS(C$2:C3)"}, {"C2": 1, "C3": 2}),
    "a count of rows": ({"E2": "=ROW()-ROW($E$2)+1", "E3": "=ROW()-ROW($E$2)+1"}, {"E2": 1, "E3": 2}),
    "questions about the own place": ({"A1": "=ISREF(A1)", "A2": "=AREAS((A1:A2,A2))", "A3": "=ISFORMULA(A3)"},
                                      {"A1": True, "A2": 2, "A3": True}),
    "INDEX over a column that reads back": ({"A1": 3, "A2": "=B1+1", "B1": "=INDEX(A:A,1)*2"}, {"B1": 6, "A2": 7}),
    "INDEX over the own column": ({"A1": 5, "A2": "=INDEX(A:A,1)", "A3": "=INDEX(A:A,2)+1"}, {"A2": 5, "A3": 6}),
    "INDEX over the own row": ({"A1": 5, "B1": "=INDEX(1:1,1)", "C1": "=INDEX(1:1,1,2)+1"}, {"B1": 5, "C1": 6}),
    "a range up to the cell above": ({"B2": 1, "B3": 2, "B4": "=SUM(B2:INDEX(B:B,ROW()-1))",
                                      "B5": "=SUM(B2:INDEX(B:B,ROW()-1))"}, {"B4": 3, "B5": 6}),
    "a range between two places of one list": ({"A1": 1, "A2": 2, "A3": "=SUM(A1:INDEX(A1:A3,2))"}, {"A3": 3}),
    "a range that ends at an OFFSET": ({"A1": 1, "A2": 2, "A3": "=SUM(A1:OFFSET(A3,-1,0))"}, {"A3": 3}),
    "OFFSET from the own cell": ({"C2": 5, "C3": "=OFFSET(C3,-1,0)"}, {"C3": 5}),
    "OFFSET downwards": ({"A1": "=OFFSET(A1,1,0)", "A2": "=OFFSET(A2,1,0)", "A3": 4}, {"A1": 4}),
    "OFFSET of a sum below": ({"A1": "=SUM(OFFSET(B1,0,0,3))", "B1": 1, "B2": "=B1*2", "B3": "=B2*2"}, {"A1": 7}),
    "CHOOSE of what is not chosen": ({"C3": "=CHOOSE(1,5,C3)"}, {"C3": 5}),
    "branches that exclude each other": ({"A1": True, "A2": "=IF(A1,555,A3)", "A3": "=IF(A1,A2,999)"},
                                         {"A2": 555, "A3": 555}),
    "branches turned round": ({"A1": False, "A2": "=IF(A1,555,A3)", "A3": "=IF(A1,A2,999)"},
                              {"A2": 999, "A3": 999}),
    "IFS": ({"A1": 1, "A2": "=_xlfn.IFS(A1=1,7,TRUE,A2)"}, {"A2": 7}),
    "SWITCH": ({"A1": 2, "A2": "=_xlfn.SWITCH(A1,1,A2,2,8)"}, {"A2": 8}),
    "IFERROR": ({"A1": 2, "A2": "=IFERROR(A1,A2)"}, {"A2": 2}),
    "IFNA": ({"A1": 2, "A2": "=_xlfn.IFNA(A1,A2)"}, {"A2": 2}),
    "INDIRECT": ({"A1": 2, "A2": '=INDIRECT("A"&1)+1', "A3": '=SUM(INDIRECT("A1:A"&ROW()-1))'}, {"A2": 3, "A3": 5}),
    "INDIRECT to what comes later": ({"A1": '=INDIRECT("B2")', "B2": "=C3*2", "C3": "=D4+1", "D4": 1}, {"A1": 4}),
    "COUNTA of another part of the own column": ({"A1": 1, "A2": 2, "A3": "=COUNTA(A1:A2)"}, {"A3": 2}),
    "a chooser over a block of formulas": ({"A1": 1, "B1": "=CHOOSE(A1,10,B2)", "B2": "=CHOOSE(A1,B1+1,20)"},
                                           {"B1": 10, "B2": 11}),
    "SUMIF's range takes the size of the first": ({"A1": 1, "A2": 1, "A3": 1, "C1": "=D1", "D1": 5,
                                                   "C2": "=D2", "D2": 6, "C3": "=B9", "B9": "=D1+D2",
                                                   "B1": "=SUMIF(A1:A3,1,C1)"},
                                                  {"B1": 22}),
}
CIRCLES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "two cells": ({"A1": "=B1+1", "B1": "=A1+1"}, ["A1", "B1"]),
    "itself": ({"A1": "=A1+1", "B1": "=A1"}, ["A1"]),
    "the whole own column": ({"A1": 1, "A2": "=SUM(A:A)"}, ["A2"]),
    "AND reads everything": ({"A1": False, "A2": "=AND(A1,A2)"}, ["A2"]),
    "OR reads everything": ({"A1": True, "A2": "=OR(A1,A2)"}, ["A2"]),
    "the branch that is taken": ({"A1": 1, "A2": "=IF(A1,A3,5)", "A3": "=IF(A1,A2,6)"}, ["A2", "A3"]),
    "INDEX at the own cell": ({"A1": 1, "A2": "=INDEX(A:A,2)"}, ["A2"]),
    "a range that ends at the own cell": ({"A1": 1, "A2": "=SUM(A1:INDEX(A:A,2))"}, ["A2"]),
    "OFFSET back": ({"A1": "=OFFSET(A1,1,0)", "A2": "=A1"}, ["A1", "A2"]),
    "figure of eight": ({"A1": "=B1+C1", "B1": "=A1", "C1": "=A1", "D1": "=A1+1"}, ["A1", "B1", "C1"]),
    "two circles with a bridge": ({"A1": "=B1", "B1": "=A1", "C1": "=B1+D1", "D1": "=C1"}, ["A1", "B1", "C1", "D1"]),
    "SUMIF's hidden size": ({"A1": 1, "A2": 1, "A3": "=SUMIF(A1:A2,1,B2)", "B3": "=A3"}, ["A3", "B3"]),
    "the value in CELL": ({"A1": '=A2', "A2": "=T(A1)"}, ["A1", "A2"]),
}


@pytest.mark.parametrize("name", NO_CIRCLES)
def test_what_is_not_read_is_no_dependency(workbook: Make, name: str) -> None:
    cells, right = NO_CIRCLES[name]
    book = sheetprop.open(workbook({"S": cells}))
    result = book.calculate()
    assert {place: book["S"][place] for place in right} == right
    assert result.circular == []
    again = book.calculate()
    assert {place: book["S"][place] for place in right} == right
    assert again.circular == []


@pytest.mark.parametrize("name", CIRCLES)
def test_real_circles_are_named_and_zero(workbook: Make, name: str) -> None:
    cells, circle = CIRCLES[name]
    book = sheetprop.open(workbook({"S": cells}))
    result = book.calculate()
    assert sorted(result.circular) == [f"S!{place}" for place in circle] if "bridge" not in name else True
    assert all(book["S"][place] == 0.0 for place in circle)


def test_two_circles_with_a_bridge_are_two(workbook: Make) -> None:
    book = sheetprop.open(workbook({"S": CIRCLES["two circles with a bridge"][0]}))
    assert sorted(book.calculate().circular) == ["S!A1", "S!B1", "S!C1", "S!D1"]


def test_what_depends_on_a_circle_is_calculated_from_its_zero(workbook: Make) -> None:
    book = sheetprop.open(workbook({"S": {"A1": "=B1+1", "B1": "=A1+1", "C1": "=A1+5", "D1": "=IF(A1=0,C1,B1)"}}))
    assert book.calculate().circular == ["S!A1", "S!B1"]
    assert [book["S"][place] for place in ("C1", "D1")] == [5, 5]


def test_names_and_other_sheets(workbook: Make) -> None:
    path = workbook({"S": {"A1": 1, "A2": 2, "A3": "=SUM(upto)", "B1": "=T!A1+1"},
                     "T": {"A1": "=INDEX(S!A:B,2,1)", "A2": "=INDEX(S!B:B,1)"}},
                    names={"upto": "S!$A$1:INDEX(S!$A:$A,2)"})
    book = sheetprop.open(path)
    assert book.calculate().circular == []
    assert (book["S"]["A3"], book["S"]["B1"], book["T"]["A2"]) == (3, 3, 3)


def test_a_name_counts_the_column_above_it(workbook: Make) -> None:
    path = workbook({"S": {"A1": "head", "A2": 4, "A3": 5, "B1": "=SUM(list)", "B2": "=COUNT(list)"}},
                    names={"list": "S!$A$2:INDEX(S!$A:$A,COUNTA(S!$A:$A))"})
    book = sheetprop.open(path)
    assert book.calculate().circular == []
    assert (book["S"]["B1"], book["S"]["B2"]) == (9, 2)


@pytest.mark.parametrize("order", ["down", "up", "mixed"])
def test_chains_of_any_length_need_no_stack(workbook: Make, order: str) -> None:
    count = 8_000
    rows = list(range(1, count + 1))
    if order == "up":
        rows.reverse()
    elif order == "mixed":
        random.Random(3).shuffle(rows)
    # Each link asks INDEX for the one before it, so that no order can be read off the formulas.
    cells: dict[str, Any] = {f"A{rows[0]}": 1}
    for before, here in itertools.pairwise(rows):
        cells[f"A{here}"] = f"=INDEX(A$1:A${count},{before})+1"
    book = sheetprop.open(workbook({"S": cells}))
    result = book.calculate()
    assert result.circular == []
    assert book["S"][f"A{rows[-1]}"] == count


def test_a_long_circle_is_named_as_a_whole(workbook: Make) -> None:
    count = 2_000
    cells: dict[str, Any] = {f"A{row}": f"=INDEX(A$1:A${count},{row + 1})+1" for row in range(1, count)}
    cells[f"A{count}"] = "=A1"
    book = sheetprop.open(workbook({"S": cells}))
    assert len(book.calculate().circular) == count


def test_a_table_beside_a_reference_known_at_run_time(workbook: Make) -> None:
    cells: dict[str, Any] = {"D1": "=OFFSET(B1,499,0)", "E1": '=SUM(INDIRECT("B1:B500"))', "A1": 1, "B1": "=A1*2"}
    for row in range(2, 501):
        cells[f"A{row}"] = f"=A{row - 1}+1"
        cells[f"B{row}"] = f"=A{row}*2"
    cells["C1"] = "=OFFSET(E1,0,0)"
    book = sheetprop.open(workbook({"S": cells}))
    assert book.calculate().circular == []
    assert (book["S"]["D1"], book["S"]["E1"], book["S"]["C1"]) == (1000, 250_500, 250_500)
    book.set("S!A1", 2)
    book.calculate()
    assert (book["S"]["D1"], book["S"]["C1"]) == (1002, 251_500)


def test_a_table_that_reads_back_through_offset(workbook: Make) -> None:
    # Row n of A reads row n - 1 of B, which reads row n - 1 of A by OFFSET: a table in both directions.
    cells: dict[str, Any] = {"A1": 1, "B1": "=OFFSET(A1,0,0)*2"}
    for row in range(2, 301):
        cells[f"A{row}"] = f"=B{row - 1}+1"
        cells[f"B{row}"] = f"=OFFSET(A{row},0,0)-A{row - 1}"
    book = sheetprop.open(workbook({"S": cells}))
    assert book.calculate().circular == []
    a, b = [1.0], [2.0]
    for _ in range(299):
        a.append(b[-1] + 1)
        b.append(a[-1] - a[-2])
    assert book["S"]["A300"] == a[-1]
    assert book["S"]["B300"] == b[-1]


def test_array_formulas_that_read_only_places(tmp_path: Path) -> None:
    import openpyxl
    from openpyxl.worksheet.formula import ArrayFormula

    book = openpyxl.Workbook()
    sheet = book.active
    sheet["A1"] = ArrayFormula("A1:A3", "=ROW(A1:A3)*2")
    sheet["C1"] = ArrayFormula("C1:C2", "=C1:C2+1")
    sheet["D1"] = "=SUM(C1:C2)"
    book.save(tmp_path / "a.xlsx")
    opened = sheetprop.open(tmp_path / "a.xlsx")
    result = opened.calculate()
    assert opened["Sheet"]["A1:A3"].tolist() == [[2.0], [4.0], [6.0]]
    assert result.circular == ["Sheet!C1"]
    assert opened["Sheet"]["D1"] == 0.0


def test_iteration_where_the_file_asks_for_it(tmp_path: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    for place, value in {"A1": 1000, "A2": "=A1-A3", "A3": "=INDEX(A:A,2)*0.1", "B1": "=A3*2"}.items():
        sheet[place] = value
    book.calculation.iterate = True
    book.calculation.iterateCount = 100
    book.calculation.iterateDelta = 1e-9
    book.save(tmp_path / "i.xlsx")
    opened = sheetprop.open(tmp_path / "i.xlsx")
    result = opened.calculate()
    assert sorted(result.circular) == ["Sheet!A2", "Sheet!A3"]
    assert opened["Sheet"]["A3"] == pytest.approx(1000 / 11, rel=1e-8)
    assert opened["Sheet"]["B1"] == pytest.approx(2000 / 11, rel=1e-8)

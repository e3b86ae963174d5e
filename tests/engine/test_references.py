"""References to tables, to several sheets and to spilled ranges, against LibreOffice and by the documentation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.worksheet.formula import ArrayFormula
from openpyxl.worksheet.table import Table, TableColumn

import sheetprop
from sheetprop.engine.formula.outline import Outline
from sheetprop.engine.formula.outline import Table as Known
from sheetprop.engine.formula.parse import parse
from sheetprop.engine.formula.tree import Area, Cell, Error, Foreign
from sheetprop.engine.oracles.programs import evaluate


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    """Return a workbook with two tables; the first has calculated columns and a totals row."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Sales"
    names = ["Region", "Amount", "Price [EUR]", "Value", "Share"]
    for at, name in enumerate(names):
        sheet.cell(2, 2 + at, name)
    for row in range(3, 15):
        sheet.cell(row, 2, row % 2)
        sheet.cell(row, 3, row * 1.5)
        sheet.cell(row, 4, row + 2)
        sheet.cell(row, 5, "=Sales[[#This Row],[Amount]]*Sales[[#This Row],[Price '[EUR']]]")
        sheet.cell(row, 6, "=Sales[[#This Row],[Value]]/Sales[[#Totals],[Value]]")
    sheet["E15"] = "=SUBTOTAL(109,Sales[Value])"
    sheet["B15"] = "Total"
    for row in range(14, 18):
        sheet.cell(row, 8, "=Sales[[#This Row],[Amount]]")
    table = Table(displayName="Sales", name="Sales", ref="B2:F15", totalsRowCount=1)
    table._initialise_columns()
    for column, name in zip(table.tableColumns, names, strict=True):
        column.name = name
    sheet.add_table(table)
    other = book.create_sheet("Other")
    for row in range(1, 4):
        other.cell(row, 1, f"c{row}")
        other.cell(row, 2, row)
    bare = Table(displayName="Bare", name="Bare", ref="A1:B3", headerRowCount=0)
    bare.tableColumns = [TableColumn(id=1, name="Column1"), TableColumn(id=2, name="Column2")]
    other.add_table(bare)
    for row, formula in enumerate(FORMULAS, start=5):
        other.cell(row, 1, formula)
    path = tmp_path / "tables.xlsx"
    book.save(path)
    return path


FORMULAS = [
    "=SUM(Sales[Amount])",
    "=SUM(sales[AMOUNT])",
    "=ROWS(Sales[])+COLUMNS(Sales[])",
    "=ROWS(Sales[#All])",
    "=COUNTA(Sales[#Headers])",
    "=Sales[[#Headers],[Value]]",
    "=Sales[[#Totals],[Value]]",
    "=SUM(Sales[[Amount]:[Value]])",
    "=SUM(Sales[[#Data],[#Totals],[Value]])",
    "=COUNTA(Sales[[#Headers],[#Data],[Region]])",
    "=SUMIFS(Sales[Value],Sales[Region],1)",
    "=SUM(Bare[Column2])",
    "=INDEX(Bare[Column1],2)",
    "=SUM(Sales[Price '[EUR']])",
]


@pytest.mark.libreoffice
def test_tables_agree_with_libreoffice(tables: Path, need_soffice: None) -> None:
    book = sheetprop.open(tables)
    book._session.runner.small = 0
    result = book.calculate()
    assert not result.unsupported
    assert result.looped >= 20
    theirs = evaluate(tables, "libreoffice")
    for sheet, cells in theirs.items():
        for address, value in cells.items():
            if address in ("H15", "H16", "H17"):
                continue  # rows outside the data: Excel's #VALUE! is followed, LibreOffice gives 0 (see below)
            if sheet == "Other":  # LibreOffice 7.4 wants parts of a table in two pairs of brackets
                known = {"=ROWS(Sales[#All])": 14.0, "=COUNTA(Sales[#Headers])": 5.0}
                value = known.get(FORMULAS[int(address[1:]) - 5], value)
            ours = book[sheet][address]
            agree = ours == value or (isinstance(ours, float) and ours == pytest.approx(value))
            assert agree, (sheet, address, book[sheet].formula(address), ours, value)


def test_table_rows_end_where_the_table_ends(tables: Path, tmp_path: Path) -> None:
    book = sheetprop.open(tables)
    book.calculate()
    sales = book["Sales"]
    assert sales["H14"] == 21.0
    # Microsoft: outside the table's rows, or in a header or totals row, [#This Row] is #VALUE!.
    assert [sales[f"H{row}"] for row in (15, 16, 17)] == ["#VALUE!"] * 3
    assert sales["E15"] == sum(row * 1.5 * (row + 2) for row in range(3, 15))
    assert sales.formula("E9") == "=$C9*$D9"
    book.set("Sales!J1", "=SUM(Sales[Amount])+Bare[[#Totals],[Column2]]")
    book.set("Sales!J2", "=SUM(Sales)")
    book.set("Sales!J3", '=SUM(INDIRECT("Sales[Amount]"))')
    book.set("Sales!J4", "=SUM(Sales[Nothing])")
    book.set("Sales!J5", "=SUM(Nobody[x])")
    result = book.calculate()
    amounts = sum(row * 1.5 for row in range(3, 15))
    assert sales["J1"] == "#REF!"  # the table has no totals row
    assert sales["J3"] == amounts
    assert sales["J2"] > amounts
    assert sales["J4"] == "#REF!"
    assert sales["J5"] == "#NAME?"
    assert result.unsupported == {"a table reference": 1}


@pytest.mark.parametrize(("text", "expected"), [
    ("T[b]", Area(Cell("S", 3, 3, True, True), Cell("S", 9, 3, True, True))),
    ("T[[#All],[a]:[b]]", Area(Cell("S", 2, 2, True, True), Cell("S", 10, 3, True, True))),
    ("T[#Totals]", Area(Cell("S", 10, 2, True, True), Cell("S", 10, 4, True, True))),
    ("T[it''s #1]", Area(Cell("S", 3, 4, True, True), Cell("S", 9, 4, True, True))),
    ("T[@b]", Error("#VALUE!")),
    ("T[nope]", Error("#REF!")),
    ("U[b]", Foreign("U[b]", "table")),
])
def test_table_references_are_cells(text: str, expected: Any) -> None:
    outline = Outline(["S", "X"], [Known("T", "S", (2, 2, 10, 4), 1, 1, ["a", "b", "it's #1"])])
    text = text.replace("#1]", "'#1]")
    tree = parse(text, 5, 3, "X", outline)
    if isinstance(expected, Foreign):
        assert isinstance(tree, Foreign)
    else:
        assert tree == expected
    for row_text in ("T[@b]", "T[@[b]]", "[@b]", "T[[#This Row],[b]]"):
        assert parse(row_text, 5, 3, "S", outline) == Cell(None, 0, 3, False, True)
    assert parse("T[@]", 5, 3, "S", outline) == Area(Cell(None, 0, 2, False, True), Cell(None, 0, 4, False, True))


@pytest.fixture
def months(workbook: Any) -> Path:
    """Return a workbook with the same layout on several sheets, and sums over them."""
    sheets: dict[str, dict[str, Any]] = {
        name: {"A1": at + 1, "A2": at * 10, "B1": "text", "B2": f"=A1+{at}"}
        for at, name in enumerate(("Jan", "Feb", "M 3", "Apr"))}
    sheets["Sum"] = {f"A{row}": formula for row, formula in enumerate(STACKED, start=1)}
    path: Path = workbook(sheets)
    return path


STACKED = [
    "=SUM(Jan:Apr!A1)", "=SUM('Jan:M 3'!A1:A2)", "=AVERAGE(Jan:Apr!A1:B2)", "=COUNT(Jan:Apr!A1:B2)",
    "=COUNTA('Jan:Apr'!A1:B2)", "=MAX(Jan:Apr!B2)", "=MIN(Jan:Apr!A1:A2)", "=PRODUCT(Jan:Feb!A1)",
    "=STDEV(Jan:Apr!A1)", "=SUM(Jan:Apr!A:A)", "=SUM(Apr:Jan!$A$1)", "=LARGE(Jan:Apr!A1:A2,2)",
    "=SUMSQ(Jan:Apr!A1)", "=MEDIAN(Jan:Apr!A1:A2)", "=VARP(Jan:Apr!A1)", "=SUM(Jan:Jan!A1:A2,3)",
]


# What LibreOffice 7.4 does not read: two sheets within one pair of quotes, which is how Excel stores
# them, and whole columns of several sheets. The values are sums by hand.
UNREAD_THERE = {"=SUM('Jan:M 3'!A1:A2)": 36.0, "=COUNTA('Jan:Apr'!A1:B2)": 16.0, "=SUM(Jan:Apr!A:A)": 70.0}


@pytest.mark.libreoffice
def test_references_over_sheets_agree_with_libreoffice(months: Path, need_soffice: None) -> None:
    book = sheetprop.open(months)
    assert not book.calculate().unsupported
    for address, value in evaluate(months, "libreoffice")["Sum"].items():
        formula = STACKED[int(address[1:]) - 1]
        assert book["Sum"][address] == pytest.approx(UNREAD_THERE.get(formula, value)), formula


def test_references_over_sheets(months: Path) -> None:
    book = sheetprop.open(months)
    book.calculate()
    assert book["Sum"]["A1"] == 10.0
    assert book["Sum"].formula("A2") == "=SUM('Jan:M 3'!A1:A2)"
    book.set("M 3!A1", 100)
    book.calculate()
    assert book["Sum"]["A1"] == 107.0
    assert book["Sum"]["A6"] == 102.0
    book.set("Sum!B1", "=SUM(Jan:Nowhere!A1)")
    book.set("Sum!B2", "=Jan:Apr!A1+1")
    book.calculate()
    assert book["Sum"]["B1"] == "#REF!"
    assert book["Sum"]["B2"] == "#VALUE!"  # Microsoft: 3-D references stand in some functions only
    function = book.function(["Jan!A1", "Apr!A1"], ["Sum!A13"])
    assert function.gradient([3.0, 5.0]).tolist() == [6.0, 10.0]


def spilled(path: Path) -> Path:
    """Write a workbook with array formulas as Excel 365 stores dynamic ones."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "S"
    for row in range(1, 6):
        sheet.cell(row, 1, [3, 1, 2, 3, 5][row - 1])
    sheet["C1"] = ArrayFormula("C1:C5", "=A1:A5*2")
    sheet["E1"] = ArrayFormula("E1:E4", "=_xlfn.UNIQUE(A1:A5)")
    sheet["F1"] = ArrayFormula("F1:F3", "=_xlfn.SEQUENCE(3,1,10,5)")
    sheet["G1"] = ArrayFormula("G1:H1", "=TRANSPOSE(A1:A2)")
    sheet["I1"] = ArrayFormula("I1", "=SUM(A1:A5*A1:A5)")
    sheet["D1"] = "=SUM(_xlfn.ANCHORARRAY(C1))"
    sheet["D2"] = "=ROWS(_xlfn.ANCHORARRAY(E1))"
    sheet["D3"] = "=INDEX(_xlfn.ANCHORARRAY(F1),2)"
    sheet["D4"] = "=SUM(_xlfn.ANCHORARRAY(A1))"
    sheet["D5"] = "=_xlfn.SINGLE(A1:A5)"
    sheet["D6"] = "=SUM(_xlfn.ANCHORARRAY(I1))"
    book.save(path)
    return path


def test_spilled_ranges(tmp_path: Path) -> None:
    book = sheetprop.open(spilled(tmp_path / "spill.xlsx"))
    result = book.calculate()
    assert not result.unsupported
    sheet = book["S"]
    assert sheet["C1:C5"].ravel().tolist() == [6.0, 2.0, 4.0, 6.0, 10.0]
    assert sheet["E1:E4"].ravel().tolist() == [3.0, 1.0, 2.0, 5.0]
    assert sheet["F1:F3"].ravel().tolist() == [10.0, 15.0, 20.0]
    assert sheet["G1:H1"].ravel().tolist() == [3.0, 1.0]
    assert [sheet[f"D{row}"] for row in range(1, 7)] == [28.0, 4.0, 15.0, "#REF!", 5.0, 48.0]
    book.set("S!A1", 10)
    book.set("S!D7", "=SUM(C1#)")
    book.calculate()
    assert sheet["D1"] == sheet["D7"] == 42.0
    book.save(tmp_path / "saved.xlsx")
    again = sheetprop.open(tmp_path / "saved.xlsx")
    again.calculate()
    assert again["S"]["D7"] == 42.0


def test_the_same_text_on_other_sheets_is_told_apart(workbook: Any) -> None:
    """A sheet that names itself moves with its cell; another that is named by the same text does not."""
    cells = {"B1": "=A1*2", "C1": "='It''s'!A1+1", "D1": "=SUM('It''s'!A1:A1)", "E1": "=other!A1"}
    first = {"It's": 1, "Other": 10, "Third": 100}
    book = sheetprop.open(workbook({name: {"A1": value, **cells} for name, value in first.items()}))
    book.calculate()
    for name, doubled in (("It's", 2.0), ("Other", 20.0), ("Third", 200.0)):
        assert [book[name][f"{column}1"] for column in "BCDE"] == [doubled, 2.0, 1.0, 10.0]
    assert book["It's"].formula("C1") == "=A1+1"
    assert book["Other"].formula("C1") == book["Third"].formula("C1") == "='It''s'!A1+1"
    assert book["Other"].formula("E1") == "=A1"


def test_subtotal_passes_over_rows_that_the_filter_of_a_table_hides(tmp_path: Path) -> None:
    import openpyxl
    from openpyxl.worksheet.filters import AutoFilter, FilterColumn, Filters
    from openpyxl.worksheet.table import Table

    for filtered, expected in ((True, 5.0), (False, 15.0)):
        book = openpyxl.Workbook()
        sheet = book.active
        assert sheet is not None
        for line in (("k", "v"), ("x", 1), ("y", 2), ("x", 4), ("y", 8)):
            sheet.append(line)
        table = Table(displayName="T", ref="A1:B5")
        table.autoFilter = AutoFilter(ref="A1:B5")
        if filtered:
            table.autoFilter.filterColumn.append(FilterColumn(colId=0, filters=Filters(filter=["x"])))
        sheet.add_table(table)
        sheet["D1"], sheet["D2"], sheet["D3"] = "=SUBTOTAL(9,B2:B5)", "=SUBTOTAL(109,B2:B5)", "=AGGREGATE(9,4,T[v])"
        for row in (3, 5):
            sheet.row_dimensions[row].hidden = True
        path = tmp_path / f"{filtered}.xlsx"
        book.save(path)
        found = sheetprop.open(path)
        found.calculate()
        assert [found["Sheet"][one] for one in ("D1", "D2", "D3")] == [expected, 5.0, 15.0]


def test_indirect_reads_sheets_without_quotes_and_names_of_a_sheet(tmp_path: Path) -> None:
    import openpyxl
    from openpyxl.workbook.defined_name import DefinedName

    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    year = book.create_sheet("2010")
    for row in (1, 2, 3):
        year.cell(row, 1, 10 * row)
    year.defined_names["Net.Bal"] = DefinedName("Net.Bal", attr_text="'2010'!$A$1:$A$3")
    cells = {"A3": 2010, "B1": '=SUM(INDIRECT(A3&"!Net.Bal"))', "B2": '=INDIRECT("2010!A2")',
             "B3": '=SUM(INDIRECT("2010!A1:A2"))', "B4": '=INDIRECT("no!A1")', "B5": '=SUM(INDIRECT({"A3","2010!A1"}))'}
    for place, value in cells.items():
        sheet[place] = value
    path = tmp_path / "book.xlsx"
    book.save(path)
    found = sheetprop.open(path)
    found.calculate()
    assert [found["Sheet"][f"B{row}"] for row in range(1, 6)] == [60.0, 20.0, 30.0, "#REF!", 2020.0]

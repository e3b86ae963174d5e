"""The engine as people use it from Python: sources and targets, cells by any name, blocks, dates, explanations."""

from __future__ import annotations

import datetime
import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest
from openpyxl.worksheet.table import Table
from test_saving import audit

import sheetprop
from sheetprop.engine.grid.values import ExcelError
from sheetprop.errors import SheetpropError

DAY = datetime.datetime(2026, 11, 26)


@pytest.fixture
def loan(tmp_path: Path) -> Path:
    """Return a workbook with a table, names, dates and a percentage."""
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet.title = "Loan"
    for row in (("rate", 0.05), ("years", 3), ("sum", 1000), ("total", "=B3*(1+B1)^B2")):
        sheet.append(row)
    sheet["B1"].number_format = "0.0%"
    for row in (("Paid on", "Amount", 2026, "Note"), (DAY, 10, 1.5, "x"),
                (datetime.datetime(2026, 12, 1, 12, 30), "=B7*2", 2, None)):
        sheet.append(row)
    sheet["D7"] = datetime.time(6, 0)
    sheet["D8"] = datetime.timedelta(hours=30)
    sheet["C5"] = "Rate"
    sheet.add_table(Table(displayName="Payments", ref="A5:D7"))
    from openpyxl.workbook.defined_name import DefinedName

    for name, text in (("rate", "Loan!$B$1"), ("years", "Loan!$B$2"), ("half", "Loan!$B$3/2"), ("fixed", "0.25"),
                       ("amounts", "Loan!$B$6:$B$7")):
        book.defined_names[name] = DefinedName(name, attr_text=text)
    other = book.create_sheet("Other sheet")
    other["A1"] = "=Loan!B4+1"
    sheet["D6"], sheet["A6"], sheet["A7"] = "x", DAY, datetime.datetime(2026, 12, 1, 12, 30)
    sheet["B6"], sheet["B7"], sheet["C6"], sheet["C7"] = 10, "=B6*2", 1.5, 2
    path = tmp_path / "loan.xlsx"
    book.save(path)
    return path


def test_sources_and_targets(loan: Path, tmp_path: Path) -> None:
    data = loan.read_bytes()
    with loan.open("rb") as file:
        books = [sheetprop.open(source) for source in (loan, str(loan), data, bytearray(data), io.BytesIO(data), file)]
    assert {book["Loan"]["B4"] for book in books} == {1000 * 1.05 ** 3}
    assert books[-1].path == str(loan)
    buffer = io.BytesIO()
    books[0].save(buffer)
    books[0].save(tmp_path / "out.xlsx")
    assert buffer.getvalue() == (tmp_path / "out.xlsx").read_bytes()
    with (tmp_path / "again.xlsx").open("wb") as out:
        books[2].save(out)
    assert (tmp_path / "again.xlsx").read_bytes() == buffer.getvalue()
    for wrong, what in ((5, "takes a path"), (io.StringIO("x"), "as text"), (b"no zip", "no .xlsx"), ("", "no such")):
        with pytest.raises(SheetpropError, match=what):
            sheetprop.open(wrong)  # type: ignore[arg-type]
    with pytest.raises(SheetpropError, match="mode 'wb'"):
        books[0].save(io.StringIO())  # type: ignore[arg-type]


def test_cells_by_any_name(loan: Path) -> None:
    book = sheetprop.open(loan)
    assert book["rate"] == book["Loan!B1"] == book["RATE"] == book["Loan"][1, 2] == book["Loan"][1, "b"] == 0.05
    assert book["'Other sheet'!A1"] == book["Other sheet!A1"] == book["Loan"]["B4"] + 1
    assert (book["half"], book["fixed"]) == (500.0, 0.25)
    assert book["amounts"].tolist() == book["Loan!B6:B7"].tolist() == [[10.0], [20.0]]
    assert book["Payments"].shape == (2, 4)
    assert len(book) == 2
    for wrong, what in (("Lone", "did you mean 'Loan'"), ("rat", "did you mean 'rate'"), ("Nope!A1", "has no sheet"),
                        ("Loan!", "no cell address"), (("Loan", 1), "give a sheet's name"), ("Loan!A0", "no cell")):
        with pytest.raises(SheetpropError, match=what):
            book[wrong]
    for place in ((0, 1), (1, 0), (1, 2, 3), (1.5, 2), ("B", 4), (2_000_000, 1)):
        with pytest.raises(SheetpropError, match=r"\[4, 2\] is B4"):
            book["Loan"][place]
    with pytest.raises(SheetpropError, match="names no cell"):
        book["Loan"][4]


def test_values_out_of_date_are_calculated_when_asked_for(loan: Path, tmp_path: Path) -> None:
    book = sheetprop.open(loan)
    assert book["Loan!B3"] == 1000.0
    assert book["Other sheet!A1"] == pytest.approx(1158.625)  # never calculated before
    book.set("years", 0)
    assert book["Loan"]["B4"] == 1000.0
    book.set("Loan!B3", 2000)
    assert book["Loan!B1:B4"].tolist() == [[0.05], [0.0], [2000.0], [2000.0]]
    book.set("Loan!B3", 3000)
    assert book["Loan"].column("B", 4, 4).tolist() == [3000.0]
    book.set("Loan!B3", 3500)
    assert {(row, column): value for row, column, value, _ in book["Loan"].cells()}[(4, 2)] == 3500.0
    book.set("Loan!B3", 4000)
    assert book.frame("Loan!B4:B4", header=False).iloc[0, 0] == 4000.0
    book.set("Loan!B3", 5000)
    book.save(tmp_path / "out.xlsx")
    assert openpyxl.load_workbook(tmp_path / "out.xlsx", data_only=True)["Loan"]["B4"].value == 5000


def test_the_seed_and_the_moment_stay(workbook: Any) -> None:
    book = sheetprop.open(workbook({"S": {"A1": "=RAND()", "A2": "=NOW()", "A3": 1}}))
    book.calculate(seed=7, now=46_000.5)
    drawn = book["S!A1"]
    book.set("S!A3", 2)
    assert (book["S!A1"], book["S!A2"]) == (drawn, 46_000.5)


def test_frames(loan: Path) -> None:
    book = sheetprop.open(loan)
    frame = book.frame("Payments")
    assert list(frame.columns) == ["Paid on", "Amount", "Rate", "Note"]
    assert frame["Paid on"].tolist() == [DAY, pd.Timestamp(2026, 12, 1, 12, 30)]
    assert str(frame["Paid on"].dtype).startswith("datetime64")
    assert frame["Amount"].tolist() == [10.0, 20.0]
    assert frame["Note"].tolist() == ["x", datetime.time(6, 0)]
    plain = book["Loan"].frame("Payments", dates=False)
    assert plain["Paid on"].tolist() == pytest.approx([46_352.0, 46_357.520833333336])
    assert book["Loan"]["A6"] == 46_352.0
    assert book["Loan"].date("A6") == DAY
    with pytest.raises(SheetpropError, match="no date"):
        book["Loan"].date("A1")
    assert book.frame("Loan").shape == (7, 4)
    assert book["Loan"].frame("D8", header=False).iloc[0, 0] == datetime.timedelta(hours=30)
    with pytest.raises(SheetpropError, match=r"use book\.frame"):
        book["Other sheet"].frame("Payments")
    with pytest.raises(SheetpropError, match="did you mean 'Payments'"):
        book.frame("Payment")


def test_headings_stay_whole(workbook: Any) -> None:
    book = sheetprop.open(workbook({"S": {"A1": 2025, "B1": 2026.5, "C1": "x", "E1": DAY, "A2": 1, "E2": 2}}))
    assert list(book["S"].frame().columns) == [2025, 2026.5, "x", "", pd.Timestamp(DAY)]


@pytest.mark.parametrize(("code", "kind"), [
    ("yyyy-mm-dd", "date"), ("mmm", "date"), ("h:mm", "time"), ("[h]:mm:ss", "elapsed"), ("0.00E+00", ""),
    ('"day" 0', ""), ("#,##0.00", ""), ("[Red]0.00", ""), ("[$-409]d-mmm;@", "date"), ("m/d/yy h:mm", "date"),
    ("General", ""), ("0%", ""), ("mm:ss.0", "time"), ("h AM/PM", "time"), ("\\d0", ""), ("_d0", ""),
    ("[$€-407] #,##0", ""), ("[h]", "elapsed"), ("dddd", "date")])
def test_which_formats_show_dates(code: str, kind: str) -> None:
    from openpyxl.styles.numbers import is_date_format, is_timedelta_format

    from sheetprop.engine.file.styles import kind_of_format

    assert kind_of_format(200, code) == kind
    assert (is_date_format(code) or is_timedelta_format(code)) == bool(kind)


def test_what_can_be_set(tmp_path: Path) -> None:
    book = sheetprop.new()
    given: dict[str, Any] = {
        "A1": 5, "A2": np.float32(0.5), "A3": Decimal("1.25"), "A4": True, "A5": np.bool_(False), "A6": "plain",
        "A7": "'=A1",
        "A8": "5%", "A9": "12.5 %", "A10": DAY, "A11": DAY.date(), "A12": datetime.datetime(2026, 1, 2, 3, 4, 5),
        "A13": datetime.time(18, 0), "A14": datetime.timedelta(hours=36), "A15": np.datetime64("2026-11-26"),
        "A16": pd.Timestamp(DAY), "A17": pd.NaT, "A18": pd.NA, "A19": "#N/A", "A20": "", "A21": "=A1*2", "A22": "=",
        "A23": np.int64(7), "A24": None}
    for place, value in given.items():
        book.set(f"Sheet1!{place}", value)
    held = [book["Sheet1"][row, 1] for row in range(1, 25)]
    assert held == [5.0, 0.5, 1.25, True, False, "plain", "=A1", 0.05, 0.125, 46352.0, 46352.0, 46024.127835648148,
                    0.75, 1.5, 46352.0, 46352.0, None, None, "#N/A", "", 10.0, "=", 7.0, None]
    assert type(held[18]) is ExcelError
    book.save(tmp_path / "out.xlsx")
    theirs = openpyxl.load_workbook(tmp_path / "out.xlsx", data_only=True)["Sheet1"]
    shown = [theirs.cell(row, 1).value for row in range(1, 25)]
    assert shown[9:14] == [DAY, DAY, datetime.datetime(2026, 1, 2, 3, 4, 5), datetime.time(18, 0),
                           datetime.timedelta(days=1, hours=12)]
    formats = [theirs[place].number_format for place in ("A1", "A8", "A9", "A10")]
    assert formats == ["General", "0%", "0.00%", "mm-dd-yy"]
    assert theirs["A7"].value == "=A1"
    again = sheetprop.open(tmp_path / "out.xlsx")
    assert [again["Sheet1"][row, 1] for row in range(1, 25)] == held
    assert audit(tmp_path / "out.xlsx") == []
    for wrong in (float("nan"), float("inf"), object(), 1j, 10 ** 400, datetime.date(1890, 1, 1), "x" * 40_000,
                  datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)):
        with pytest.raises(SheetpropError, match="Sheet1!A1: cannot hold") as caught:
            book.set("Sheet1!A1", wrong)
        assert "\n" not in str(caught.value)
    assert book["Sheet1!A1"] == 5.0


def test_a_cell_keeps_its_format(loan: Path, tmp_path: Path) -> None:
    book = sheetprop.open(loan)
    book.set("Loan!B1", "7%")
    book.set("Loan!A6", datetime.date(2027, 1, 1))
    book.set("Loan!B2", datetime.date(2027, 1, 1))
    book.save(tmp_path / "out.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "out.xlsx")["Loan"]
    assert (sheet["B1"].value, sheet["B1"].number_format) == (0.07, "0.0%")
    assert (sheet["A6"].value, sheet["A6"].number_format) == (datetime.datetime(2027, 1, 1), "yyyy-mm-dd h:mm:ss")
    assert sheet["B2"].value == datetime.datetime(2027, 1, 1)
    assert audit(tmp_path / "out.xlsx") == audit(loan)


def test_dates_in_a_book_that_counts_from_1904(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    sheet: Any = book.active
    sheet["A1"] = DAY
    book.save(tmp_path / "mac.xlsx")
    ours = sheetprop.open(tmp_path / "mac.xlsx")
    ours.set("Sheet!A2", DAY)
    assert ours["Sheet!A1"] == ours["Sheet!A2"] == 46352.0 - 1462
    assert ours["Sheet"].frame(header=False)[0].tolist() == [DAY, DAY]


def test_blocks(tmp_path: Path) -> None:
    book = sheetprop.new("S")
    book.set("S!A1", [[1, "=A1*2"], [2, "=A2*2"]])
    assert book["S!A1:B2"].tolist() == [[1.0, 2.0], [2.0, 4.0]]
    book.set("S!A4", [7, 8, 9])
    book.set("S!D1:D3", [1, 2, 3])
    book.set("S!F1", np.arange(6).reshape(2, 3))
    book.set("S!J1", np.arange(2.0))
    book.set("S!A6:C7", 0)
    assert book["S!A4:C4"].tolist() == [[7.0, 8.0, 9.0]]
    assert book["S!D1:D3"].tolist() == [[1.0], [2.0], [3.0]]
    assert book["S!F1:H2"].tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
    assert book["S!A6:C7"].tolist() == [[0.0] * 3] * 2
    frame = pd.DataFrame({"day": [DAY, pd.NaT], "n": [1.5, float("nan")], "t": ["a", None]})
    book.set("S!A10", frame)
    assert book["S!A10:C10"].tolist() == [["day", "n", "t"]]
    back = book["S"].frame("A10:C12")
    assert back["day"].tolist()[0] == pd.Timestamp(DAY)
    assert pd.isna(back["day"].tolist()[1])
    assert back["n"].tolist()[0] == 1.5
    book.set("S!A20", frame, header=False)
    assert book["S!B20"] == 1.5
    book.set("S!H10", frame["n"])
    assert book["S!H10"] == 1.5
    book.set("S!M1", np.array(["2026-11-26"], dtype="datetime64[D]"))
    assert book["S!M1"] == 46352.0
    before = book["S!A1:B2"].tolist()
    for ref, value, what in (("S!A1:B2", [[1, 2, 3]], "2 × 2 cells and the block 1 × 3"),
                             ("S!A1", [[1], [1, 2]], "differ"), ("S!A1", np.zeros((2, 2, 2)), "3 dimensions"),
                             ("S!A1", [1, [2]], "single values"), ("S!A1", [], "empty"), ("S!XFD1", [1, 2], "beyond"),
                             ("S!A1", [[1, object()]], "S!B1: cannot hold"),
                             ("S!A1", [[5, "=1+"]], "no formula")):
        with pytest.raises(SheetpropError, match=what):
            book.set(ref, value)
    assert book["S!A1:B2"].tolist() == before
    book.save(tmp_path / "out.xlsx")
    assert openpyxl.load_workbook(tmp_path / "out.xlsx", data_only=True)["S"]["B2"].value == 4


def test_new_books_and_sheets(tmp_path: Path) -> None:
    book = sheetprop.new("In", "Out & more")
    assert book.sheet_names == ["In", "Out & more"]
    book.set("In!A1", 2)
    sheet = book.add_sheet("Third")
    book.set("Third!B2", "='Out & more'!A1+SUM('In:Third'!A1)")
    book.set("'Out & more'!A1", "=In!A1*10")
    assert sheet["B2"] == 42.0
    book.save(tmp_path / "new.xlsx")
    theirs = openpyxl.load_workbook(tmp_path / "new.xlsx", data_only=True)
    assert theirs.sheetnames == ["In", "Out & more", "Third"]
    assert theirs["Third"]["B2"].value == 42
    again = sheetprop.open(tmp_path / "new.xlsx")
    again.add_sheet("Fourth")
    again.set("Fourth!A1", "=Third!B2")
    again.save(tmp_path / "more.xlsx")
    assert sheetprop.open(tmp_path / "more.xlsx")["Fourth!A1"] == 42.0
    assert audit(tmp_path / "more.xlsx") == []
    for wrong in ("In", "IN", "", "a/b", "x" * 32, "'x", "History", None):
        with pytest.raises(SheetpropError, match="sheet"):
            again.add_sheet(wrong)  # type: ignore[arg-type]
    with pytest.raises(SheetpropError, match="already"):
        sheetprop.new("A", "a")


def test_a_sheet_is_added_to_a_foreign_book(loan: Path, tmp_path: Path) -> None:
    book = sheetprop.open(loan)
    book.add_sheet("More")
    book.set("More!A1", "=rate*100")
    book.save(tmp_path / "out.xlsx")
    theirs = openpyxl.load_workbook(tmp_path / "out.xlsx", data_only=True)
    assert theirs.sheetnames == ["Loan", "Other sheet", "More"]
    assert theirs["More"]["A1"].value == 5
    assert audit(tmp_path / "out.xlsx") == audit(loan)


def test_copies_and_blocks_of_code(loan: Path) -> None:
    with sheetprop.open(loan) as book:
        book.calculate(seed=3)
        other = book.copy()
        other.set("rate", 0.5)
        other.add_sheet("Mine")
        other.set("Loan!B4", 1)
        assert (other["Loan!B4"], book["Loan!B4"]) == (1.0, pytest.approx(1157.625))
        assert book.sheet_names == ["Loan", "Other sheet"]
        third = other.copy()
        third.set("Loan!B3", "=rate")
        assert (third["Loan!B3"], other["Loan!B3"]) == (0.5, 1000.0)


def test_representations_say_what_it_is(loan: Path) -> None:
    book = sheetprop.open(loan)
    assert repr(book) == f"<Book {loan}: 2 sheets ('Loan', 'Other sheet'), 3 formulas>"
    assert repr(book["Loan"]) == "<Sheet 'Loan': 8 rows, 4 columns, 2 formulas>"
    assert repr(book.calculate()) == "<Calculation: 3 formulas in 3 families>"
    book.set("Loan!B1", "=1/0")
    assert repr(book.calculate()) == "<Calculation: 4 formulas in 4 families, errors: 3 × #DIV/0!>"
    function = book.function(["years", "Loan!B3"], ["Loan!B4"])
    assert repr(function) == "<Function Loan!B2, Loan!B3 -> Loan!B4>"


def test_what_a_cell_reads_and_what_reads_it(loan: Path) -> None:
    book = sheetprop.open(loan)
    book.set("Loan!F1", "=SUM(B1:B3,rate)+'Other sheet'!A1+OFFSET(B1,1,0)")
    assert book.precedents("Loan!B4") == ["Loan!B3", "Loan!B1", "Loan!B2"]
    assert book.precedents("Loan!F1") == ["Loan!B1:B3", "Loan!B1", "'Other sheet'!A1", "Loan!B2"]
    assert book.precedents("Loan!B1") == []
    assert book.dependents("rate") == ["Loan!F1", "Loan!B4"]
    assert book.dependents("Loan!B4") == ["'Other sheet'!A1"]
    assert book.dependents("Loan!B6", all=True) == ["Loan!B7"]
    assert book.dependents("Loan!B1", all=True) == ["Loan!F1", "Loan!B4", "'Other sheet'!A1"]
    with pytest.raises(SheetpropError, match="more than one cell"):
        book.precedents("Loan!A1:B2")


def test_explanations(loan: Path) -> None:
    book = sheetprop.open(loan)
    found = book.explain("Other sheet!A1", depth=2)
    assert str(found).splitlines() == [
        "'Other sheet'!A1: =Loan!B4+1 = 1158.6250000000002",
        "└─ Loan!B4: =B3*(1+B1)^B2 = 1157.6250000000002",
        "   ├─ B3 = 1000",
        "   └─ (1+B1)^B2 = 1.1576250000000001",
        "      ├─ 1+B1 = 1.05",
        "      │  └─ B1 = 0.05",
        "      └─ B2 = 3",
    ]
    assert found.to_dict()["parts"][0]["place"] == "Loan!B4"
    assert str(book.explain("Loan!A1")) == 'Loan!A1 = "rate"'
    book.set("Loan!G1", '=IF(rate>1,"high",SUM(B1:B3)&"")')
    lines = str(book.explain("Loan!G1")).splitlines()
    assert lines[0] == 'Loan!G1: =IF(rate>1,"high",SUM(B1:B3)&"") = "1003.05"'
    assert "│  └─ rate (Loan!B1) = 0.05" in lines
    assert "      └─ B1:B3 = 3 × 1 values: 0.05, 3, 1000" in lines
    with pytest.raises(SheetpropError, match="depth 0"):
        book.explain("Loan!B4", depth=0)
    book.set("Loan!H1", "=RAND()+1/0")
    assert "RAND() =" not in str(book.explain("Loan!H1"))
    book.set("Loan!H1", "=LET(x,rate,x*2)+SUM(MAP(B1:B3,LAMBDA(v,v+1)))")
    assert str(book.explain("Loan!H1")).startswith("Loan!H1: =LET(x,rate,x*2)+")


def test_iteration_is_switched_on_from_outside(workbook: Any) -> None:
    book = sheetprop.open(workbook({"S": {"A1": "=B1/2+1", "B1": "=A1"}}))
    assert book.iterate is None
    assert book["S!A1"] == 0.0
    book.iterate = (200, 1e-9)
    assert book["S!A1"] == pytest.approx(2.0)
    book.iterate = 3
    assert book.iterate == (3, 0.001)
    book.iterate = None
    assert len(book.calculate().circular) == 2
    for wrong in (0, "x", (5,), (5, -1.0), (0, 1.0)):
        with pytest.raises(SheetpropError, match="no setting"):
            book.iterate = wrong


def test_what_is_no_reference_is_said(loan: Path) -> None:
    book = sheetprop.open(loan)
    calls: list[Any] = [book.explain, book.precedents, book.dependents, lambda ref: book.set(ref, 1),
                        lambda ref: book.goal_seek(ref, 1.0, "Loan!B1"), lambda ref: book.function([ref], ["Loan!B4"])]
    for call in calls:
        for wrong in (None, 5, "", "Loan", "Nope!A1", "Loan!A0"):
            with pytest.raises(SheetpropError) as caught:
                call(wrong)
            assert "\n" not in str(caught.value)
    with pytest.raises(SheetpropError, match="takes a path"):
        book.save(None)  # type: ignore[arg-type]

"""Edges at which a small slip of the engine gives a plausible wrong number; each was a mutation that no test saw."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest

import sheetprop
from sheetprop.errors import SheetpropError

ROWS = 300


def test_or_and_and_in_a_loop(workbook: Any) -> None:
    cells: dict[str, Any] = {}
    for row in range(1, ROWS + 1):
        cells |= {f"A{row}": row % 2, f"B{row}": row % 3, f"C{row}": f"=IF(OR(A{row}=0,B{row}=0),1,0)",
                  f"D{row}": f"=IF(AND(A{row}=0,B{row}=0),1,0)", f"E{row}": f"=C{row}+10*D{row}"}
    book = sheetprop.open(workbook({"S": cells}))
    book.calculate()
    assert book.calculate().looped > 0
    wanted = [float(row % 2 == 0 or row % 3 == 0) + 10.0 * (row % 6 == 0) for row in range(1, ROWS + 1)]
    assert list(book["S"][f"E1:E{ROWS}"].ravel()) == wanted


@pytest.mark.parametrize("odd", [2, 3, 150, ROWS - 1, ROWS])
@pytest.mark.parametrize("step", [-1, 1])
def test_a_row_that_is_off_by_one_is_no_copy_of_the_row_above(workbook: Any, odd: int, step: int) -> None:
    cells: dict[str, Any] = {f"A{row}": row * row for row in range(ROWS + 2) if row}
    cells |= {f"B{row}": f"=A{row + step if row == odd else row}*2" for row in range(1, ROWS + 1)}
    book = sheetprop.open(workbook({"S": cells}))
    book.calculate()
    wanted = [2.0 * (row + step if row == odd else row) ** 2 for row in range(1, ROWS + 1)]
    assert list(book["S"][f"B1:B{ROWS}"].ravel()) == wanted


def test_a_reference_that_stays_is_told_from_one_that_moves(workbook: Any) -> None:
    """Without `$` too: `=A1` written out in every row is A1 in every row, also where a block of rows begins."""
    cells: dict[str, Any] = {f"A{row}": float(row) for row in range(1, 41)}
    cells |= {f"B{row}": f"=A1+A{row}" for row in range(1, 21)}
    cells |= {f"B{row}": f"=A$21+A{row}" for row in range(21, 41)}
    cells |= {f"C{row}": f"=SUM(A{1 if row < 21 else 21}:A{row})" for row in range(1, 41)}
    book = sheetprop.open(workbook({"S": cells}))
    book.calculate()
    assert list(book["S"]["B1:B40"].ravel()) == [float((1 if row < 21 else 21) + row) for row in range(1, 41)]
    assert list(book["S"]["C1:C40"].ravel()) == [
        float(sum(range(1 if row < 21 else 21, row + 1))) for row in range(1, 41)]


def test_references_beyond_the_sheet(workbook: Any) -> None:
    book = sheetprop.open(workbook({"S": {
        "B1": "=OFFSET(A1,-1,0)", "B2": "=OFFSET(A1,0,-1)", "B3": "=OFFSET(A1048576,1,0)", "B4": "=OFFSET(XFD1,0,1)",
        "B5": "=ISERROR(INDIRECT(\"A1048577\"))", "B6": "=ISERROR(INDIRECT(\"XFE1\"))", "B7": "=A1048576+XFD1",
        "B8": "=ISERROR(INDIRECT(\"A0\"))", "A1": 1}}))
    book.calculate()
    assert [book["S"][f"B{row}"] for row in range(1, 5)] == ["#REF!"] * 4
    assert [book["S"][f"B{row}"] for row in (5, 6, 8)] == [True] * 3
    assert book["S"]["B7"] == 0.0


def test_not_equal_to_nothing(workbook: Any) -> None:
    """`<>` alone counts what is not blank; an empty text is not blank; `=` alone counts blanks only."""
    book = sheetprop.open(workbook({"S": {
        "A1": 1, "A2": "x", "A3": '=""', "C1": '=COUNTIF(A1:A4,"<>")', "C2": '=COUNTIF(A1:A4,"=")',
        "C3": '=COUNTIF(A1:A4,"")', "C4": '=SUMIF(A1:A4,"<>",A1:A4)', "C5": '=COUNTIFS(A1:A4,"<>",A1:A4,"<>x")'}}))
    book.calculate()
    assert [book["S"][f"C{row}"] for row in range(1, 6)] == [3.0, 1.0, 2.0, 1.0, 2.0]


def test_the_day_that_never_was(workbook: Any) -> None:
    """Excel counts 29 February 1900 (day 60), as Lotus 1-2-3 did."""
    book = sheetprop.open(workbook({"S": {
        "A1": "=DATE(1900,2,28)", "A2": "=DATE(1900,2,29)", "A3": "=DATE(1900,3,1)", "A4": "=DAY(60)",
        "A5": "=MONTH(60)", "A6": "=DAY(61)", "A7": "=WEEKDAY(1)", "A8": "=WEEKDAY(61)",
        "A9": '=TEXT(60,"yyyy-mm-dd")', "A10": '=TEXT(59,"yyyy-mm-dd")', "A11": '=TEXT(61,"yyyy-mm-dd")'}}))
    book.calculate()
    assert [book["S"][f"A{row}"] for row in range(1, 9)] == [59.0, 60.0, 61.0, 29.0, 2.0, 1.0, 1.0, 5.0]
    assert [book["S"][f"A{row}"] for row in range(9, 12)] == ["1900-02-29", "1900-02-28", "1900-03-01"]


def test_a_filter_hides_what_is_below_its_heading(workbook: Any, tmp_path: Path) -> None:
    """A heading that is hidden by hand is summed by SUBTOTAL(9, ...), rows that the filter hides are not."""
    path = workbook({"S": {"A1": 100, "A2": 1, "A3": 2, "A4": 4, "A5": 8,
                           "C1": "=SUBTOTAL(9,A1:A5)", "C2": "=SUBTOTAL(109,A1:A5)"}})
    import openpyxl

    book = openpyxl.load_workbook(path)
    sheet = book["S"]
    sheet.auto_filter.ref = "A1:A4"
    sheet.auto_filter.add_filter_column(0, ["1", "4"])
    for row in (1, 3, 5):
        sheet.row_dimensions[row].hidden = True
    book.save(tmp_path / "filtered.xlsx")
    ours = sheetprop.open(tmp_path / "filtered.xlsx")
    ours.calculate()
    assert ours["S"]["C1"] == 100.0 + 1.0 + 4.0 + 8.0
    assert ours["S"]["C2"] == 1.0 + 4.0


def test_a_wrong_checksum_is_damage(workbook: Any, tmp_path: Path) -> None:
    path = workbook({"S": {"A1": 1, "A2": "=A1"}})
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        checksum = struct.pack("<I", archive.getinfo("xl/worksheets/sheet1.xml").CRC)
    assert data.count(checksum) == 2  # before the part, and in the table of contents
    damaged = tmp_path / "damaged.xlsx"
    damaged.write_bytes(bytes(data).replace(checksum, struct.pack("<I", 12345)))
    with pytest.raises(SheetpropError, match=r"sheet1\.xml is damaged"):
        sheetprop.open(damaged)


def wide(path: Path, target: Path) -> None:
    """Copy a zip file; sizes and places in its table of contents stand in zip64 fields, as in files over 4 GB."""
    out = bytearray()
    directory = bytearray()
    count = 0
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            content, name, at = archive.read(info), info.filename.encode(), len(out)
            sizes = (info.CRC, len(content), len(content))
            out += struct.pack("<4s5H3I2H", b"PK\3\4", 45, 0, 0, 0, 33, *sizes, len(name), 0) + name + content
            extra = struct.pack("<2H3Q", 1, 24, len(content), len(content), at)
            directory += struct.pack("<4s6H3I5H2I", b"PK\1\2", 45, 45, 0, 0, 0, 33, info.CRC, 0xFFFFFFFF, 0xFFFFFFFF,
                                     len(name), len(extra), 0, 0, 0, 0, 0xFFFFFFFF) + name + extra
            count += 1
    start = len(out)
    out += directory
    record = len(out)
    out += struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, len(directory), start)
    out += struct.pack("<4sIQI", b"PK\6\7", 0, record, 1)
    out += struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    target.write_bytes(out)


def test_zip64_places(workbook: Any, tmp_path: Path) -> None:
    path = workbook({"S": {"A1": 20, "A2": "=A1+1"}, "T": {"A1": "=S!A2*2"}})
    wide(path, tmp_path / "wide.xlsx")
    with zipfile.ZipFile(tmp_path / "wide.xlsx") as archive:
        assert archive.testzip() is None  # Python reads it the same way
    book = sheetprop.open(tmp_path / "wide.xlsx")
    book.calculate()
    assert book["T"]["A1"] == 42.0


def test_a_function_follows_changed_formulas_and_constants(workbook: Any) -> None:
    book = sheetprop.open(workbook({"S": {"A1": 2, "A2": 5, "A3": "=A1*A2", "A4": "=A3+1"}}))
    book.calculate()
    product = book.function(["S!A1"], ["S!A4"])
    assert product([[3.0]])[0, 0] == 16.0
    book.set("S!A2", 7)
    assert product([[3.0]])[0, 0] == 22.0
    book.set("S!A3", "=A1-A2")
    assert product([[3.0]])[0, 0] == -3.0
    assert product.gradient()[0] == 1.0


def test_a_word_in_a_format_is_no_year(workbook: Any) -> None:
    book = sheetprop.open(workbook({"S": {
        "A1": '=TEXT(0,"0;-0;zero")', "A2": '=TEXT(44197,"e")', "A3": '=TEXT(44197,"e-mm")', "A4": '=TEXT(5,"0 e")',
        "A5": '=TEXT(1234,"0.00E+00")'}}))
    book.calculate()
    assert [book["S"][f"A{row}"] for row in (1, 2, 3, 5)] == ["zero", "2021", "2021-01", "1.23E+03"]


def test_a_gradient_by_a_cell_within_a_table_after_an_overflow(workbook: Any) -> None:
    """The slope of one row's input is one number so far where those of scenarios are added: not written into."""
    cells: dict[str, Any] = {"C2": 0.5}
    for row in range(2, 32):
        cells |= {f"A{row}": 0.1 * (row % 3), f"B{row}": 0.2 * (row % 4), f"D{row}": f"=EXP(C{row}*A{row}+B{row})",
                  f"E{row}": f"=D{row}/(D{row}+EXP(B{row}))"}
        if row > 2:
            cells[f"C{row}"] = f"=C{row - 1}-0.1*(E{row - 1}-1)*A{row - 1}"
    book = sheetprop.open(workbook({"S": cells}))
    book.calculate()
    function = book.function(["S!B11"], ["S!E14"])
    found = function.jacobian([[1e6], [0.5]])
    near = function([[0.5 - 1e-6], [0.5 + 1e-6]])
    assert found[1, 0, 0] == pytest.approx((near[1, 0] - near[0, 0]) / 2e-6, rel=1e-5)
    assert found[0, 0, 0] != found[0, 0, 0]


def test_a_gradient_after_an_overflow_is_no_crash() -> None:
    """Found by fuzzing; as a file of the shared cases has it."""
    above = Path(__file__).resolve().parents
    path = next((folder / "shared" / "cases" / "audit" / "m01_softmax_bug.xlsx" for folder in above
                 if (folder / "shared" / "cases" / "audit").is_dir()), None)
    if path is None:
        pytest.skip("../shared/cases is not there")
    book = sheetprop.open(path)
    book.calculate()
    name = book.sheet_names[0]
    _, slope = book.function([f"{name}!B11"], [f"{name}!U11"]).value_and_gradient([1e6])
    assert slope.shape == (1,)

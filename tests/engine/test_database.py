"""Database functions, held against the worked examples of Microsoft's reference, and what CELL says."""

from __future__ import annotations

from typing import Any

import pytest

import sheetprop

TREES = [("Tree", "Height", "Age", "Yield", "Profit", "Height"),
         ("=Apple", ">10", None, None, None, "<16"), ("=Pear",), (),
         ("Tree", "Height", "Age", "Yield", "Profit"), ("Apple", 18, 20, 14, 105), ("Pear", 12, 12, 10, 96),
         ("Cherry", 13, 14, 9, 105), ("Apple", 14, 15, 10, 75), ("Pear", 9, 8, 8, 77), ("Apple", 8, 9, 6, 45)]
DATA = "A5:E11"


def cells() -> dict[str, Any]:
    """Return the orchard of the reference and criteria of our own beside it."""
    found = {f"{'ABCDEF'[column]}{row}": value for row, line in enumerate(TREES, start=1)
             for column, value in enumerate(line) if value is not None}
    for address in ("A2", "A3"):
        found[address] = f'="{found[address]}"'  # as the reference has them: a formula that gives =Apple
    return found | {"H1": "Tree", "H2": "a", "I1": "Profit", "I2": ">=75", "J1": "tall",
                    "J2": "=B6>AVERAGE($B$6:$B$11)",
                    "K1": "Tree", "L1": "Tree", "L2": "Fig", "M1": "nothing", "M2": 5, "N1": "Tree", "N2": "<>Pear"}


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        (f'DSUM({DATA},"Profit",A1:A2)', 225.0),
        (f'DSUM({DATA},"profit",A1:F3)', 248.0),
        (f'DCOUNT({DATA},"Age",A1:F2)', 1.0),
        (f'DCOUNTA({DATA},"Profit",A1:F2)', 1.0),
        (f'DMAX({DATA},"Profit",A1:F3)', 96.0),
        (f'DMIN({DATA},"Profit",A1:F3)', 75.0),
        (f'DPRODUCT({DATA},"Yield",A1:F3)', 800.0),
        (f'DAVERAGE({DATA},"Yield",A1:B2)', 12.0),
        (f'DSTDEV({DATA},"Yield",A1:A3)', 2.96648),
        (f'DSTDEVP({DATA},"Yield",A1:A3)', 2.65330),
        (f'DVAR({DATA},"Yield",A1:A3)', 8.8),
        (f'DVARP({DATA},4,A1:A3)', 7.04),
        (f'DGET({DATA},"Yield",A1:A3)', "#NUM!"),
        (f'DGET({DATA},"Yield",A1:F2)', 10.0),
        (f'DGET({DATA},"Yield",L1:L2)', "#VALUE!"),
        # Ours: text means "begins with", a blank criterion anything, a formula is asked of each record.
        (f"DSUM({DATA},5,H1:H2)", 225.0),
        (f"DSUM({DATA},5,H1:I2)", 180.0),
        (f"DSUM({DATA},5,J1:J2)", 105.0 + 105.0 + 75.0),
        (f"DCOUNT({DATA},,K1:K2)", 6.0),
        (f"DSUM({DATA},5,N1:N2)", 330.0),
        (f"DSUM({DATA},5,L1:L2)", 0.0),
        (f"DAVERAGE({DATA},5,L1:L2)", "#DIV/0!"),
        (f"DSUM({DATA},6,H1:H2)", "#VALUE!"),
        (f'DSUM({DATA},"Weight",H1:H2)', "#VALUE!"),
        ("DSUM(A5:E5,1,H1:H2)", "#VALUE!"),
        ('CELL("address",B3)', "$B$3"),
        ('CELL("contents",A6)', "Apple"),
        ('CELL("type",Z9)', "b"),
        ('CELL("row",B3:C9)', 3.0),
        ('MID(CELL("filename",A1),FIND("]",CELL("filename",A1))+1,255)', "S"),
        ("FORMULATEXT(J2)", "=B6>AVERAGE($B$6:$B$11)"),
        ("FORMULATEXT(A6)", "#N/A"),
        ('CELL("prefix",A6)', ""),
    ],
)
def test_documented_values(workbook: Any, formula: str, expected: Any) -> None:
    book = sheetprop.open(workbook({"S": cells() | {"Z1": f"={formula}"}}))
    book.calculate()
    value = book["S"]["Z1"]
    assert value == (pytest.approx(expected, rel=1e-5) if isinstance(expected, float) else expected)


@pytest.mark.parametrize(("code", "expected"), [
    ("General", "G"), ("0", "F0"), ("#,##0", ",0"), ("0.00", "F2"), ("#,##0.00", ",2"), ("0%", "P0"), ("0.00%", "P2"),
    ("0.00E+00", "S2"), ("$#,##0_);($#,##0)", "C0"), ("$#,##0.00_);[Red]($#,##0.00)", "C2-"), ("# ?/?", "G"),
    ("d-mmm-yy", "D1"), ("d-mmm", "D2"), ("mmm-yy", "D3"), ("m/d/yy h:mm", "D4"), ("h:mm AM/PM", "D7"),
    ("h:mm:ss", "D8")])
def test_number_formats_have_the_names_that_the_reference_gives_them(tmp_path: Any, code: str, expected: str) -> None:
    import openpyxl

    made = openpyxl.Workbook()
    sheet = made.worksheets[0]
    sheet["A1"] = 5
    sheet["A1"].number_format = code
    sheet["B1"] = '=CELL("format",A1)'
    made.save(tmp_path / "format.xlsx")
    book = sheetprop.open(tmp_path / "format.xlsx")
    book.calculate()
    assert book["Sheet"]["B1"] == expected

"""Values that Microsoft's reference states, and both date systems."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import Any

import pytest

import sheetprop
from sheetprop.engine.oracles.programs import evaluate

LINES = (Path(__file__).parent / "documented.txt").read_text(encoding="utf-8").splitlines()
CASES = [tuple(line.split("\t")) for line in LINES if not line.startswith("#")]


def shown(value: Any) -> str:
    """Return a value as the table spells it."""
    return str(value).upper() if isinstance(value, bool) else "" if value is None else str(value)


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> sheetprop.Book:
    """Return the calculated workbook with one case a row."""
    import openpyxl

    made = openpyxl.Workbook()
    for row, (formula, _) in enumerate(CASES, start=1):
        made.worksheets[0].cell(row, 1, formula)
    path = tmp_path_factory.mktemp("documented") / "documented.xlsx"
    made.save(path)
    opened = sheetprop.open(path)
    assert not opened.calculate().unsupported
    return opened


@pytest.mark.parametrize("row", range(1, len(CASES) + 1), ids=[case[0] for case in CASES])
def test_documented_values(book: sheetprop.Book, row: int) -> None:
    expected = CASES[row - 1][1]
    value = book["Sheet"][f"A{row}"]
    if isinstance(value, float):
        digits = len(expected.partition(".")[2])
        assert math.isclose(value, float(expected), abs_tol=0.6 * 10.0 ** -digits if digits else 1e-9)
    else:
        assert shown(value) == expected


DATES = ["=DATE(2011,7,6)", "=YEAR(39268)", "=MONTH(39268)", "=DAY(39268)", "=WEEKDAY(39268)", "=EDATE(39268,1)",
         "=EOMONTH(39268,0)", '=DATEVALUE("2011-07-06")', '=TEXT(39268,"yyyy-mm-dd")', "=NETWORKDAYS(39268,39300)",
         "=WORKDAY(39268,10)", "=WEEKNUM(39268)", "=DATE(1904,1,1)", "=DATE(1904,1,2)", "=DAYS360(39268,39400)",
         "=YEARFRAC(39268,39400,1)", '="7/6/2011"+0', "=YEAR(0)", '=VALUE("2011-07-06")', '=TEXT(0,"ddd yyyy-mm-dd")']


def in_1904(path: Path, target: Path) -> Path:
    """Write a copy of a workbook that counts days from 1904."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "xl/workbook.xml":
                assert b"<workbookPr" in content
                content = content.replace(b"<workbookPr", b'<workbookPr date1904="1"', 1)
            new.writestr(name, content)
    return target


@pytest.mark.libreoffice
@pytest.mark.parametrize("system", [1900, 1904])
def test_both_date_systems_agree_with_libreoffice(workbook: Any, tmp_path: Path, system: int,
                                                  need_soffice: None) -> None:
    path: Path = workbook({"S": {f"A{row}": formula for row, formula in enumerate(DATES, start=1)}})
    if system == 1904:
        path = in_1904(path, tmp_path / "1904.xlsx")
    book = sheetprop.open(path)
    book.calculate()
    for address, value in evaluate(path, "libreoffice")["S"].items():
        formula = DATES[int(address[1:]) - 1]
        if system == 1900 and "(0" in formula:
            continue  # Excel's day 0 is 0 January 1900; LibreOffice's is 30 December 1899
        assert book["S"][address] == pytest.approx(value), formula


def test_dates_of_the_1904_system(workbook: Any, tmp_path: Path) -> None:
    """Microsoft: 5 July 2011 is 40729 in the 1900 date system and 39267 in the 1904 date system."""
    for system, number in ((1900, 40729.0), (1904, 39267.0)):
        path: Path = workbook({"S": {"A1": "=DATE(2011,7,5)", "A2": "=TODAY()", "A3": "=NOW()",
                                     "A4": '=TEXT(A1,"yyyy-mm-dd")', "A5": '="2011-07-05"+0'}})
        if system == 1904:
            path = in_1904(path, tmp_path / "1904.xlsx")
        book = sheetprop.open(path)
        book.calculate(now=number + 0.25)
        assert book["S"]["A1:A5"].ravel().tolist() == [number, number, number + 0.25, "2011-07-05", number]

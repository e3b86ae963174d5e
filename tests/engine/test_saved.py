"""Saved workbooks as other programs see them: charts, pictures, comments and styles, after only values changed."""

from __future__ import annotations

import shutil
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import openpyxl
import pytest
from openpyxl.chart import LineChart, Reference
from openpyxl.comments import Comment
from openpyxl.drawing.image import Image
from openpyxl.formatting.rule import ColorScaleRule
from openpyxl.styles import PatternFill
from openpyxl.worksheet.worksheet import Worksheet

import sheetprop

ROWS = 20


def dot(path: Path) -> Path:
    """Write a picture of one red pixel."""
    def piece(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    path.write_bytes(b"\x89PNG\r\n\x1a\n" + piece(b"IHDR", struct.pack(">2I5B", 1, 1, 8, 2, 0, 0, 0))
                     + piece(b"IDAT", zlib.compress(b"\0\xff\0\0")) + piece(b"IEND", b""))
    return path


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return a workbook with all kinds of things beside its formulas, and its saved copy."""
    folder = tmp_path_factory.mktemp("rich")
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    sheet: Worksheet = book.create_sheet("Data")
    sheet["A1"], sheet["B1"] = 1, "a label"
    for row in range(2, ROWS + 1):
        sheet[f"A{row}"] = f"=A{row - 1}*1.25+1"
    sheet["A5"].fill = PatternFill("solid", "FFCC00")
    sheet["B1"].comment = Comment("remember", "somebody")
    scale = ColorScaleRule("min", None, "FFFFFF", "max", None, "FF0000")  # type: ignore[no-untyped-call]
    sheet.conditional_formatting.add(f"A1:A{ROWS}", scale)
    sheet.merge_cells("D30:F31")
    chart = LineChart()
    chart.add_data(Reference(sheet, min_col=1, min_row=1, max_row=ROWS))
    sheet.add_chart(chart, "D2")
    sheet.add_image(Image(dot(folder / "dot.png")), "D20")
    path, saved = folder / "rich.xlsx", folder / "saved.xlsx"
    book.save(path)
    opened = sheetprop.open(path)
    opened.calculate()
    opened.save(saved)
    return path, saved


def test_all_other_parts_stay_byte_for_byte(rich: tuple[Path, Path]) -> None:
    path, saved = rich
    with zipfile.ZipFile(path) as before, zipfile.ZipFile(saved) as after:
        assert before.namelist() == after.namelist()
        assert [name for name in before.namelist() if before.read(name) != after.read(name)] == [
            "xl/worksheets/sheet1.xml"]
        assert {name.split("/")[1] for name in after.namelist() if name.startswith("xl/")} >= {"charts", "media",
                                                                                           "drawings"}


@pytest.mark.libreoffice
def test_libreoffice_opens_the_copy_with_its_chart(rich: tuple[Path, Path], need_soffice: None, tmp_path: Path) -> None:
    _, saved = rich
    subprocess.run(["soffice", f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", "--convert-to", "xlsx",
                    "--outdir", str(tmp_path / "out"), str(saved)], capture_output=True, check=True, timeout=120)
    with zipfile.ZipFile(tmp_path / "out" / "saved.xlsx") as package:
        (chart,) = [name for name in package.namelist() if name.startswith("xl/charts/chart")]
        drawn = package.read(chart)
        assert any(name.startswith("xl/media/") for name in package.namelist())
    last = sheetprop.open(saved).stored()["Data"][(ROWS, 1)]
    assert isinstance(last, float)
    assert f'<c:pt idx="{ROWS - 1}"><c:v>{last:.10f}'.encode()[:-4] in drawn


def test_the_audit_finds_nothing_new(rich: tuple[Path, Path]) -> None:
    tool = shutil.which("openxml-audit", path=str(Path(sys.executable).parent))
    if tool is None:
        pytest.skip("openxml-audit is not installed")
    found = []
    for path in rich:
        text = subprocess.run([tool, str(path)], capture_output=True, text=True, check=False).stdout
        found.append(text.replace(str(path), "FILE").replace(path.name, "FILE"))
    assert "finding" in found[0]
    assert found[0] == found[1]

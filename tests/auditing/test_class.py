"""What a teacher gets: annotated copies, points, pages, gradebooks, and an explanation of a cell."""

from __future__ import annotations

import zipfile
from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner
from openpyxl.chart import LineChart, Reference
from openpyxl.comments import Comment
from test_audit_mistakes import classic

import sheetprop
from sheetprop.auditing.annotating import annotate
from sheetprop.auditing.explaining import explain
from sheetprop.auditing.grading import graded, rubric
from sheetprop.cli.auditing import audit as command
from sheetprop.errors import SheetpropError


def parts(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_an_annotated_copy_marks_the_cells_and_leaves_all_else(tmp_path: Path) -> None:
    source, copy = tmp_path / "a.xlsx", tmp_path / "marked" / "a.xlsx"
    classic(source, wrong=True)
    book = openpyxl.load_workbook(source)
    book.create_sheet("Other")["A1"] = "kept"
    book.active["Z36"].comment = Comment("the student's own", "student")
    chart = LineChart()
    chart.add_data(Reference(book.active, range_string="Sheet!$W$36:$W$67"))
    book.active.add_chart(chart, "AH1")
    book.save(source)
    copy.parent.mkdir()
    answer = sheetprop.audit(source)
    annotate(answer, copy)
    before, after = parts(source), parts(copy)
    words = ("chart", "theme", "docProps", "sheet2.xml")
    kept = {name for name in before if any(word in name for word in words)}
    assert len(kept) >= 5
    assert {name for name in kept if before[name] != after[name]} == set()
    marked = openpyxl.load_workbook(copy)
    assert marked.sheetnames == ["Audit", "Sheet", "Other"]
    sheet = marked["Sheet"]
    assert sheet["Z36"].comment.text.startswith("the student's own")
    assert "a_h2 (L36) belongs" in sheet["Z36"].comment.text
    assert sheet["AA67"].comment is not None
    assert sheet["AA67"].fill.fgColor.rgb == "FFFFC7B8"
    assert sheet["AB67"].fill.fill_type is None
    assert marked["Audit"]["B5"].hyperlink.location.endswith("!Z36")
    assert sheet["Z36"].value == openpyxl.load_workbook(source)["Sheet"]["Z36"].value
    assert [one.cells for one in sheetprop.audit(copy).findings] == [one.cells for one in answer.findings]


def test_a_mistake_costs_its_share_once(tmp_path: Path) -> None:
    classic(tmp_path / "a.xlsx", wrong=True)
    grade = graded(sheetprop.audit(tmp_path / "a.xlsx"), rubric())
    earlier = next(part for part in grade.parts if part.part == "gradients of earlier layers")
    assert (earlier.points, earlier.given, len(earlier.reasons)) == (20.0, 10.0, 1)
    assert "explanation" in grade.open
    (tmp_path / "r.toml").write_text('[points]\nbackward = 3\n', encoding="utf-8")
    with pytest.raises(SheetpropError, match="there is no such part"):
        rubric(tmp_path / "r.toml")


def test_a_folder_gives_every_file_a_line_and_a_row(tmp_path: Path) -> None:
    folder = tmp_path / "class"
    folder.mkdir()
    classic(folder / "Ada Lovelace_1234567_assignsubmission_file_net.xlsx", wrong=True)
    classic(folder / "b.xlsx", wrong=False)
    (folder / "c.csv").write_text("1,2", encoding="utf-8")
    (folder / "~$b.xlsx").write_bytes(b"")
    pages, page = tmp_path / "pages", tmp_path / "class.html"
    shown = CliRunner().invoke(command, [str(folder), "--feedback", str(pages), "--gradebook", "moodle", "--html",
                                         str(page), "--jobs", "1"])
    assert shown.exit_code == 2
    assert "c.csv: not read: save as .xlsx" in shown.output
    assert "lock file" in shown.output
    table = (pages / "gradebook.csv").read_text(encoding="utf-8")
    assert "Participant 1234567,Ada Lovelace,80,100" in table
    student = (pages / "Ada Lovelace_1234567_assignsubmission_file_net.html").read_text(encoding="utf-8")
    assert "it uses a_h1 (J36) where a_h2 (L36) belongs" in student.replace("It uses", "it uses")
    text = page.read_text(encoding="utf-8")
    assert "By mistake" in text
    assert "http" not in text.split("<body>")[1]


def test_a_cell_is_explained_with_its_numbers(tmp_path: Path) -> None:
    classic(tmp_path / "a.xlsx", wrong=True)
    text = explain(tmp_path / "a.xlsx", "Z36")
    right = sheetprop.audit(tmp_path / "a.xlsx").findings[0].right_value
    assert right is not None
    assert "Z36 should be ∂E_total/∂w3" in text
    assert "L36*(1-L36)" in text
    with pytest.raises(SheetpropError, match="holds no gradient"):
        explain(tmp_path / "a.xlsx", "A1")

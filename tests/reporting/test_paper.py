"""The PDF: text, bookmarks, metadata, attachments, tags, fonts, and the same bytes twice."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path
from typing import Any

import pytest

from sheetprop.reporting import paper, render

pypdf = pytest.importorskip("pypdf")
pytest.importorskip("weasyprint")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, prepared: Any, workbook: Path, run: Path) -> Path:
    """The PDF of both halves."""
    target = tmp_path_factory.mktemp("paper") / "report.pdf"
    paper.write(render.paper(*prepared), prepared[0].date, target, [workbook, run])
    return target


@pytest.fixture(scope="module")
def reader(made: Path) -> Any:
    return pypdf.PdfReader(io.BytesIO(made.read_bytes()))


def titles(outline: list[Any]) -> list[str]:
    """Return the bookmarks in reading order, whatever their depth."""
    found: list[str] = []
    for entry in outline:
        found += titles(entry) if isinstance(entry, list) else [str(entry.title)]
    return found


def test_bookmarks(reader: Any) -> None:
    found = titles(reader.outline)
    wanted = ["Part 1: Back-propagation in a workbook", "The network", "Every step explained", "Forward pass", "Error",
              "Backward pass", "Update", "The sheets", "Error curves", "What the learning rate does", "Verification",
              "Part 2: A network on MNIST", "The network", "Training", "Where it errs", "What graders ask for",
              "Limits", "Environment and data", "How to reproduce", "Appendix: the log"]
    assert found == wanted


def test_text_can_be_found(reader: Any) -> None:
    pages = [" ".join(page.extract_text().split()) for page in reader.pages]
    text = " ".join(pages)
    assert "Back-propagation, cell by cell" in pages[0]
    assert "0.242520" in pages[0]
    assert "sheetprop verify classic.xlsx" in pages[0]
    assert "Contents" in pages[1]
    assert f"page 2 of {len(pages)}" in pages[1]
    assert "page 1 of" not in pages[0]
    assert "=(S8-D8)*S8*(1-S8)*O8" in text
    # Text of drawings comes as words.
    assert "number of updates so far" in text or "number of" in text
    assert "Pre-activation of hidden unit 1" in text
    assert "99.41 %" in text
    assert "4 → 9" in text


def test_metadata_and_tags(reader: Any) -> None:
    about = reader.metadata
    assert about.title == "Back-propagation, cell by cell, and a small network on MNIST"
    assert about.author == "A. Student"
    assert about.creation_date is not None
    assert about.creation_date.isoformat().startswith("2026-11-21")
    root = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"]
    assert "/StructTreeRoot" in root
    assert b"pdfuaid" in root["/Metadata"].get_object().get_data()


def test_attachments(reader: Any, workbook: Path, run: Path) -> None:
    attached = reader.attachments
    assert attached[workbook.name] == [workbook.read_bytes()]
    assert attached[run.name] == [run.read_bytes()]


def resources(reader: Any) -> Any:
    """Yield the resources of every page and of every drawing on it."""
    for page in reader.pages:
        yield page["/Resources"]
        for entry in (page["/Resources"].get("/XObject") or {}).values():
            inner = entry.get_object().get("/Resources")
            if inner is not None:
                yield inner.get_object()


def test_fonts_are_embedded(reader: Any) -> None:
    fonts = {}
    for found in resources(reader):
        for font in (found.get("/Font") or {}).values():
            font = font.get_object()
            inner = font["/DescendantFonts"][0].get_object() if "/DescendantFonts" in font else font
            fonts[str(font["/BaseFont"])] = inner["/FontDescriptor"].get_object()
    for wanted in ("SourceSerif", "SourceSans", "DejaVuSansMono"):
        assert any(wanted in name.replace("-", "") for name in fonts)
    for name, descriptor in fonts.items():
        assert any(key in descriptor for key in ("/FontFile", "/FontFile2", "/FontFile3")), name


def test_only_the_digits_are_pixels(reader: Any) -> None:
    images = {(image["/Width"], image["/Height"]) for page in reader.pages
              for entry in (page["/Resources"].get("/XObject") or {}).values()
              if (image := entry.get_object()).get("/Subtype") == "/Image"}
    assert images == {(28, 28)}


def test_header_cells_say_what_they_head(reader: Any) -> None:
    scopes = []

    def walk(node: Any) -> None:
        node = node.get_object() if hasattr(node, "get_object") else node
        if isinstance(node, list):
            for child in node:
                walk(child)
        elif isinstance(node, dict):
            if node.get("/S") == "/TH":
                scopes.append(str(node["/A"]["/Scope"]))
            if "/K" in node:
                walk(node["/K"])

    walk(reader.trailer["/Root"]["/StructTreeRoot"])
    assert set(scopes) == {"/Column", "/Row"}


def test_the_same_bytes_twice(tmp_path: Path, made: Path, prepared: Any, workbook: Path, run: Path) -> None:
    again = tmp_path / "again.pdf"
    paper.write(render.paper(*prepared), prepared[0].date, again, [workbook, run])
    assert again.read_bytes() == made.read_bytes()


def test_letter_and_nothing_from_the_network(tmp_path: Path, prepared: Any) -> None:
    target = tmp_path / "letter.pdf"
    made = render.paper(*prepared, page="Letter")
    spoiled = made.text.replace("</body>", '<img src="http://127.0.0.1:9/picture.png" alt="x"></body>')
    paper.write(dataclasses.replace(made, text=spoiled), prepared[0].date, target)
    box = pypdf.PdfReader(target).pages[0].mediabox
    assert (round(box.width), round(box.height)) == (612, 792)

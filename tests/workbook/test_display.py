"""What a person sees: the text that LibreOffice shows for every number of a book, held against the value."""

from __future__ import annotations

import re
import shutil
import subprocess
import zipfile
from collections import Counter
from pathlib import Path

import pytest

import sheetprop
from sheetprop.reporting.cellstyles import Styles
from sheetprop.reporting.conditionalformats import code_at
from sheetprop.reporting.numberformat import shown

BOOKS = {
    "classic": {"preset": "classic", "iterations": 12, "learning_rates": [0.5, 2.0]},
    "negative, tiny and huge": {"layers": (2, 3, 1), "activation": ("identity", "identity"), "seed": 4, "bias": True,
                                "iterations": 14, "learning_rates": [1e-9, 4.0]},
}
NUMBER = re.compile(r"-?\d+(\.\d+)?(E[+-]\d+)?")


def on_paper(book: Path, folder: Path) -> list[str]:
    """Return every word that LibreOffice prints of a book: all cells, each once, no drawings.

    A converted file (CSV, HTML) would show the plain number format only, without the conditional formats.
    """
    bare = folder / "bare.xlsx"
    with zipfile.ZipFile(book) as source, zipfile.ZipFile(bare, "w") as target:
        for entry in source.infolist():
            data = source.read(entry)
            if entry.filename.startswith("xl/worksheets/sheet"):
                data = re.sub(rb"<drawing [^>]*/>|<oddFooter>.*?</oddFooter>|<(page|print)\w+ [^>]*/>", b"", data)
                data = data.replace(b' hidden="1"', b"")
            elif entry.filename == "xl/workbook.xml":
                data = re.sub(rb'<definedName name="_xlnm.*?</definedName>', b"", data)
                data = data.replace(b' state="hidden"', b"")
            target.writestr(entry, data)
    subprocess.run(["soffice", f"-env:UserInstallation=file://{folder}/profile", "--headless", "--convert-to", "pdf",
                    "--outdir", str(folder), str(bare)], check=True, capture_output=True, timeout=200)
    text = subprocess.run(["pdftotext", "-layout", str(folder / "bare.pdf"), "-"], check=True, capture_output=True,
                          text=True).stdout
    return text.split()


def as_shown(book: Path) -> tuple[Counter[str], int]:
    """Return how often each number is shown by the report's renderer, and how many are negative.

    Each text is held against the value on the way: the same sign, and the value as far as the digits go.
    """
    opened = sheetprop.open(book)
    opened.calculate()
    styles = Styles(book)
    texts: Counter[str] = Counter()
    negative = 0
    for name in opened.sheet_names:
        look = styles.sheet(name, 10_000, 0)
        for (row, column), style in look.styles.items():
            value = opened[name][f"{letters(column)}{row}"]
            if isinstance(value, bool) or not isinstance(value, int | float):
                continue
            code = code_at(look.rules, row, column, value, styles.looks[style].number)
            if code.startswith('"'):
                continue
            text = shown(value, code)
            assert NUMBER.fullmatch(text), (name, row, column, text)
            places = len(text.partition(".")[2].partition("E")[0])
            assert float(text) == pytest.approx(value, rel=0.6 * 10.0**-places if "E" in text else 1e-9,
                                                abs=0 if "E" in text else 0.5001 * 10.0**-places)
            assert (float(text) < 0) == (value < 0), (name, row, column, text, value)
            assert (float(text) == 0) == (value == 0), (name, row, column, text, value)
            negative += value < 0
            texts[text] += 1
    styles.close()
    return texts, negative


def letters(column: int) -> str:
    from sheetprop.workbook.formulas import letters as of

    return of(column)


@pytest.mark.libreoffice
@pytest.mark.parametrize("book", BOOKS)
def test_libreoffice_shows_every_number_as_it_is(book: str, tmp_path: Path) -> None:
    """Number formats with conditions lost the minus sign of 2,009 of 6,901 negative numbers of the default book."""
    if shutil.which("soffice") is None or shutil.which("pdftotext") is None:
        pytest.skip("soffice (LibreOffice) or pdftotext is not installed")
    path = tmp_path / "book.xlsx"
    sheetprop.build(sheetprop.spec(**BOOKS[book]), path)  # type: ignore[arg-type]
    expected, negative = as_shown(path)
    assert negative > 100
    words = on_paper(path, tmp_path)
    assert not [word for word in words if "##" in word]
    printed = Counter(word for word in words if NUMBER.fullmatch(word))
    signed = {text: count for text, count in expected.items() if "." in text or text.startswith("-")}
    missing = {text: (count, printed[text]) for text, count in signed.items() if printed[text] < count}
    assert not missing


@pytest.mark.parametrize("book", BOOKS)
def test_the_report_shows_every_number_as_it_is(book: str, tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    sheetprop.build(sheetprop.spec(**BOOKS[book]), path)  # type: ignore[arg-type]
    texts, negative = as_shown(path)
    assert negative > 100
    assert sum(texts.values()) > 1000

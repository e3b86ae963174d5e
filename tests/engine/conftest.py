"""Helpers of the engine's tests: small workbooks, and which programs are there to compare with."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for the helpers beside the tests: fuzz, formula_writer

SHARED = Path(__file__).resolve().parents[3] / "shared" / "workbooks"


@pytest.fixture
def workbook(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a workbook from {sheet: {address: value}} with plain openpyxl."""

    def make(sheets: Mapping[str, Mapping[str, Any]], name: str = "book.xlsx",
             names: Mapping[str, str] | None = None) -> Path:
        import openpyxl
        from openpyxl.workbook.defined_name import DefinedName

        book = openpyxl.Workbook()
        book.remove(book.active)
        for title, cells in sheets.items():
            sheet = book.create_sheet(title)
            for address, value in cells.items():
                sheet[address] = value
        for key, text in (names or {}).items():
            book.defined_names[key] = DefinedName(key, attr_text=text)
        path = tmp_path / name
        book.save(path)
        return path

    return make


@pytest.fixture(scope="session")
def real_workbooks() -> list[Path]:
    """Return the real workbooks beside the checkout; skip where they are not there."""
    if not SHARED.is_dir():
        pytest.skip("../shared/workbooks is not there")
    return sorted(SHARED.glob("*.xls[xm]"))


@pytest.fixture(scope="session")
def need_soffice() -> None:
    """Skip where LibreOffice is not installed."""
    if shutil.which("soffice") is None:
        pytest.skip("soffice is not on the PATH")

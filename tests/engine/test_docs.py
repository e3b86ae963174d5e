"""The examples of docs/engine-python.md run, and show what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "engine-python.md"
BLOCK = re.compile(r"^```(python|sh|)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def rounded(text: str) -> str:
    """Return text with its long numbers cut to ten decimals: the last digits are not what the page is about."""
    return re.sub(r"(\d+\.\d{10})\d+", r"\1", text)


def test_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not PAGE.is_file():
        pytest.skip("the documentation is not there")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    printed = ""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    blocks = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    assert len(blocks) > 10
    for language, text in blocks:
        if language == "python":
            exec(compile(text, str(PAGE), "exec"), names)
        elif language == "sh":
            printed = ""
            for line in text.strip().splitlines():
                command = line.replace("sheetprop ", f'"{sys.executable}" -m sheetprop.cli.main ', 1)
                done = subprocess.run(command, shell=True, capture_output=True, text=True, env=environment, check=False)
                assert done.returncode == 0, done.stderr
                printed += done.stdout
        else:
            assert rounded(printed) == rounded(text)
    found = names["found"]
    assert found.reached == pytest.approx(1200, rel=1e-14)  # type: ignore[attr-defined]
    assert found.value == pytest.approx(8428.2978491, rel=1e-9)  # type: ignore[attr-defined]
    book = names["book"]
    assert book["Sums!B1"] == pytest.approx(2.0)  # type: ignore[index]
    assert names["other"].precedents("Loan!B4") == ["Loan!B1", "Loan!B2", "Loan!B3"]  # type: ignore[attr-defined]
    assert repr(names["again"]) == "<Book the workbook: 2 sheets ('Loan', 'Sums'), 2 formulas>"

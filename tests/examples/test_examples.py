"""The examples run as they stand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import sheetprop

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command and return what it printed."""
    result = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_the_spec_builds_and_verifies(tmp_path: Path) -> None:
    built = sheetprop.build(sheetprop.read_spec(EXAMPLES / "my_network.toml"), tmp_path / "mine.xlsx")
    assert built.sheets[4:6] == ("LR 0.2", "LR 0.8")
    assert sheetprop.verify(built.path).agrees


def test_the_python_calls(tmp_path: Path) -> None:
    printed = run(sys.executable, EXAMPLES / "python_calls.py", tmp_path, cwd=tmp_path)
    assert "agrees with PyTorch" in printed
    assert "E_total falls from 0.251231" in printed


def test_the_pytest_file_guards_a_workbook(tmp_path: Path) -> None:
    printed = run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", EXAMPLES / "test_my_workbook.py",
                  cwd=tmp_path)
    assert "2 passed" in printed

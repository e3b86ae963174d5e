"""The order of the rooms: who may import whom. The contracts stand in pyproject.toml."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LIMIT = 500


def test_rooms_import_downwards_only() -> None:
    program = shutil.which("lint-imports") or shutil.which("lint-imports", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("lint-imports (import-linter) is not installed")
    done = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_a_room_above_is_noticed(tmp_path: Path) -> None:
    """The contract can fail: a copy of the house in which the engine imports the auditing room breaks it."""
    program = shutil.which("lint-imports") or shutil.which("lint-imports", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("lint-imports (import-linter) is not installed")
    shutil.copytree(ROOT / "sheetprop", tmp_path / "sheetprop", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    wrong = tmp_path / "sheetprop" / "engine" / "grid" / "dates.py"
    wrong.write_text(wrong.read_text() + "\n\ndef wrong() -> None:\n    import sheetprop.auditing.audit  # noqa\n")
    done = subprocess.run([program, "--no-cache"], cwd=tmp_path, capture_output=True, text=True, check=False,
                          env={"PYTHONPATH": str(tmp_path), "PATH": str(Path(sys.executable).parent)})
    assert done.returncode != 0
    assert "sheetprop.engine.grid.dates" in done.stdout


def test_no_module_has_outgrown_its_noun() -> None:
    long = {str(path.relative_to(ROOT)): lines for path in (ROOT / "sheetprop").rglob("*.py")
            if (lines := len(path.read_text(encoding="utf-8").splitlines())) > LIMIT}
    assert long == {}


def test_every_room_and_module_says_what_it_is() -> None:
    import ast

    silent = [str(path.relative_to(ROOT)) for path in (ROOT / "sheetprop").rglob("*.py")
              if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))]
    assert silent == []

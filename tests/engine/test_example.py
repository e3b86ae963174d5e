"""The engine's example runs as it stands."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "fit_a_workbook.py"


def test_torch_fits_the_inputs_of_a_workbook(tmp_path: Path) -> None:
    result = subprocess.run([sys.executable, EXAMPLE, tmp_path], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    error = float(result.stdout.split("-> ")[1].split(":")[0])
    assert error < 1.0
    assert (tmp_path / "cooling fitted.xlsx").exists()

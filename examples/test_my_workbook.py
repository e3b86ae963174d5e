"""A regression test on cell values: fails when a workbook's numbers or formulas move.

Copy it beside your workbook. The golden file is made once, read by a person, and kept:

    sheetprop values my_network.xlsx -o my_network.golden.csv
"""

from __future__ import annotations

from pathlib import Path

import pytest

import sheetprop
import sheetprop.testing

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def workbook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the workbook that is guarded; yours may simply lie beside this file."""
    path = tmp_path_factory.mktemp("workbook") / "my_network.xlsx"
    sheetprop.build(sheetprop.read_spec(HERE / "my_network.toml"), path)
    return path


def test_values_have_not_moved(workbook: Path) -> None:
    """Every cell is as in the golden file, to twelve digits."""
    sheetprop.testing.assert_values(workbook, HERE / "my_network.golden.csv", rel=1e-12)


def test_gradients_agree_with_pytorch(workbook: Path) -> None:
    """And the numbers are right, not only unchanged."""
    assert sheetprop.verify(workbook).agrees

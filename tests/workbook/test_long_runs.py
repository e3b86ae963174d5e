"""Ten thousand iterations against an independent PyTorch run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import sheetprop
from sheetprop.network import reference, symbols
from sheetprop.workbook.layout import Layout


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["classic", "eva6"])
def test_six_rates_hold_over_ten_thousand_iterations(preset: str, tmp_path: Path) -> None:
    spec = sheetprop.spec(preset=preset, iterations=10_000)
    path = tmp_path / "long.xlsx"
    sheetprop.build(spec, path)
    book = sheetprop.open(path)
    book.calculate()
    layout = Layout(spec)
    expected = reference.run(spec)
    for rate, name in enumerate(layout.rate_sheets):
        total = book[name].column(layout.column_of[symbols.TOTAL].letter, layout.FIRST_ROW, layout.last_row)
        np.testing.assert_allclose(total, expected.total[0, rate], rtol=1e-12)
        for position, weight in enumerate(spec.network.parameters()):
            column = book[name].column(layout.column_of[weight].letter, layout.FIRST_ROW, layout.last_row)
            # Some weights of eva6 pass through 0, where a relative difference means nothing.
            np.testing.assert_allclose(column, expected.parameters[0, rate, :, position], rtol=1e-12, atol=1e-14)

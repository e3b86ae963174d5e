"""Writing a file beside its target."""

from __future__ import annotations

from pathlib import Path

import pytest

from sheetprop.errors import SheetpropError
from sheetprop.files import replacing


@pytest.mark.parametrize("length", [250, 300], ids=["only the temporary name is too long", "the name is too long"])
def test_a_place_that_takes_no_file_is_one_clear_line(tmp_path: Path, length: int) -> None:
    with (pytest.raises(SheetpropError, match=r"cannot be written \(File name too long\)"),
          replacing(tmp_path / ("x" * length))):
        pass
    assert list(tmp_path.iterdir()) == []


def test_what_was_there_survives_a_failure(tmp_path: Path) -> None:
    target = tmp_path / "kept.txt"
    target.write_text("old")
    with pytest.raises(ZeroDivisionError), replacing(target) as temporary:
        temporary.write_text(str(1 / 0))
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]

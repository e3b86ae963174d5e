"""Six real workbooks made by others, where they are at hand."""

from __future__ import annotations

from pathlib import Path

import pytest

import sheetprop
from sheetprop.auditing.finding import Audit

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "workbooks"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the real workbooks are not part of the project")


def audited(start: str) -> Audit:
    return sheetprop.audit(next(FOLDER.glob(start + "*")))


@pytest.mark.parametrize(("start", "columns", "first", "last"), [("Vishak", ("Z", "AA"), 36, 67),
                                                                 ("navpreet", ("Z", "AA"), 27, 94)])
def test_the_wrong_activation(start: str, columns: tuple[str, str], first: int, last: int) -> None:
    answer = audited(start)
    found = [one for one in answer.findings if one.kind == "gradient"]
    assert [one.cells for one in found] == [f"{c}{first}:{c}{last}" for c in columns]
    for one in found:
        assert f"a_h1 (J{first}) where a_h2 (L{first}) belongs" in one.wrong
        assert f"replace J{first}*(1-J{first}) by L{first}*(1-L{first})" in one.repair
    others = [one for one in answer.findings if one not in found]
    assert [one.kind for one in others] == (["chart"] if start == "Vishak" else [])


def test_abs_and_brackets_and_deltas() -> None:
    answer = audited("ping")
    assert [one.cells for one in answer.findings if one.kind == "latent"] == [f"{c}29:{c}100"
                                                                             for c in ("AB", "AC", "AD", "AE")]
    for one in answer.findings[:4]:
        assert "ABS" in one.wrong
        assert "(R29-A29)" in one.repair or "(T29-B29)" in one.repair
    wrong = [one for one in answer.findings if one.kind == "gradient"]
    assert [one.cells for one in wrong] == [f"{c}29:{c}100" for c in ("X", "Y", "Z", "AA")]
    assert all(one.repair for one in wrong)
    assert len(answer.findings) == 8


def test_the_right_one_gives_no_finding() -> None:
    answer = audited("tsai")
    assert answer.ok
    assert answer.checked == 8
    assert answer.notes == answer.unchecked == []


def test_no_back_propagation_is_said_and_not_guessed() -> None:
    xor, descent = audited("MohammedRashad"), audited("fastai")
    assert xor.ok is None
    assert xor.unchecked
    assert descent.ok is None
    assert descent.findings == []
    assert descent.checked == 10
    assert any("Σ(t-a)² is assumed" in note for note in descent.notes)
    assert any("rmsprop" in reason for reason in descent.unchecked)

"""Where things stand, and what the formulas say."""

from __future__ import annotations

import pytest

from sheetprop.errors import SheetpropError
from sheetprop.network.spec import make_spec
from sheetprop.workbook.formulas import letters, quoted
from sheetprop.workbook.layout import Layout


def test_the_classic_sheet_reads_as_a_teacher_writes_it() -> None:
    layout = Layout(make_spec())
    assert layout.formula("h1", 0) == "F8*B8+G8*C8"
    assert layout.formula("∂E_total/∂w5", 0) == "(S8-D8)*S8*(1-S8)*O8"
    assert layout.formula("∂E_total/∂a_h1", 0) == "(S8-D8)*S8*(1-S8)*J8+(U8-E8)*U8*(1-U8)*L8"
    assert layout.formula("∂E_total/∂w1", 0) == "AC8*O8*(1-O8)*B8"
    assert layout.formula("w1", 1) == "F8-$B$2*AE8"


def test_hidden_weights_use_their_own_activation() -> None:
    """The mistake of 14 of 34 public sheets: w3 and w4 with the activation of h1."""
    layout = Layout(make_spec())
    a_h2 = layout.column_of["a_h2"].letter
    for weight in ("w3", "w4"):
        assert f"{a_h2}8*(1-{a_h2}8)" in layout.formula(f"∂E_total/∂{weight}", 0)


@pytest.mark.parametrize(
    ("rates", "names"),
    [
        ([0.1, 1.0, 2.0], ["LR 0.1", "LR 1", "LR 2"]),
        ([0.0, -0.5, 1e-6, 1000.0], ["LR 0", "LR -0.5", "LR 1e-06", "LR 1000"]),
        ([0.5, 0.5, 0.5], ["LR 0.5", "LR 0.5 (2)", "LR 0.5 (3)"]),
        ([-0.0, 0.0], ["LR 0", "LR 0 (2)"]),
    ],
)
def test_odd_rates_give_valid_sheet_names(rates: list[float], names: list[str]) -> None:
    layout = Layout(make_spec(learning_rates=rates))
    assert list(layout.rate_sheets) == names
    for name in layout.rate_sheets:
        assert len(name) <= 31
        assert not set(name) & set("[]:*?/\\")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"iterations": 1_048_569}, "rows and Excel has 1,048,576"),
        ({"layers": (60, 60, 60, 60)}, "columns and Excel has 16,384"),
        ({"layers": (2, 2, 400)}, "characters and Excel takes 8,192"),
        ({"learning_rates": [0.1] * 255}, "at most 254"),
    ],
)
def test_what_excel_cannot_hold_is_said(options: dict[str, object], message: str) -> None:
    with pytest.raises(SheetpropError, match=message):
        Layout(make_spec(**options))  # type: ignore[arg-type]


def test_the_largest_number_of_iterations_fits() -> None:
    assert Layout(make_spec(iterations=1_048_568)).last_row == 1_048_576


@pytest.mark.parametrize(("column", "name"),
                         [(1, "A"), (26, "Z"), (27, "AA"), (702, "ZZ"), (703, "AAA"), (16384, "XFD")])
def test_letters(column: int, name: str) -> None:
    assert letters(column) == name


def test_names_are_quoted_where_needed() -> None:
    assert quoted("Check") == "Check"
    assert quoted("LR 0.1") == "'LR 0.1'"
    assert quoted("it's") == "'it''s'"

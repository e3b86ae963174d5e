"""Numbers as people write them."""

from __future__ import annotations

import math

import pytest

from sheetprop.reporting import words
from sheetprop.reporting.numberformat import shown


@pytest.mark.parametrize(("value", "digits", "text"), [
    (0.24251985734837728, 6, "0.242520"), (0.0051601, 3, "0.00516"), (3.1e-9, 2, "3.1 × 10⁻⁹"), (1e-12, 1, "10⁻¹²"),
    (-0.5, 2, "−0.50"), (12345.6, 6, "12,345.6"), (0.0, 6, "0"), (None, 6, "–"), (math.inf, 6, "overflow"),
])
def test_number(value: float | None, digits: int, text: str) -> None:
    assert words.number(value, digits) == text


@pytest.mark.parametrize(("value", "code", "text"), [
    (0.05, "General", "0.05"), (3.0, "General", "3"), (1e-10, "General", "1E-10"), (None, "General", ""),
    ("text", "0.00", "text"), (True, "General", "TRUE"),
    (0.15, "[>=100000]0.000E+00;[<=-100000]-0.000E+00;0.000000", "0.150000"),
    (-0.15, "[>=100000]0.000E+00;[<=-100000]-0.000E+00;0.000000", "-0.150000"),
    (-250000.0, "[>=100000]0.000E+00;[<=-100000]-0.000E+00;0.000000", "-2.500E+05"),
    (0.000438, "[>=0.0001]0.000000;[<=-0.0001]-0.000000;0.00E+00", "0.000438"),
    (-0.04276, "[>=0.0001]0.000000;[<=-0.0001]-0.000000;0.00E+00", "-0.042760"),
    (2.5e-7, "[>=0.0001]0.000000;[<=-0.0001]-0.000000;0.00E+00", "2.50E-07"),
    (-2.5e-7, "[>=0.0001]0.000000;[<=-0.0001]-0.000000;0.00E+00", "-2.50E-07"),
    (1.0, '"changed";;""', "changed"), (0.0, '"changed";;""', ""), (0.256, "0.0%", "25.6%"), (1234.0, "#,##0", "1,234"),
])
def test_number_formats_of_the_sheets(value: object, code: str, text: str) -> None:
    assert shown(value, code) == text


def test_lists_and_counts() -> None:
    assert words.listed(["a", "b", "c"]) == "a, b and c"
    assert words.many(1, "run") == "1 run"
    assert words.many(1200, "run") == "1,200 runs"
    assert words.duration(125) == "2 min 05 s"

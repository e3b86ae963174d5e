"""The list of Excel's functions: complete, true, and the same in the documentation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner

import sheetprop
from sheetprop.cli.main import cli
from sheetprop.engine.calculation.loops import FAST_FUNCTIONS
from sheetprop.engine.functions import find, known_functions

PAGE = Path(__file__).parents[2] / "docs" / "functions.md"
# What we know and Excel's reference does not list: names that only files hold, and older spellings.
UNLISTED = {"ANCHORARRAY", "ECMA.CEILING", "SINGLE", "_TRO_ALL", "_TRO_LEADING", "_TRO_TRAILING",
            "__XLUDF.DUMMYFUNCTION"}


def test_every_function_is_listed_once() -> None:
    names = [entry.name for entry in sheetprop.functions()]
    assert len(names) == len(set(names))
    assert set(known_functions()) - set(names) == UNLISTED
    assert set(names) >= FAST_FUNCTIONS


def test_the_list_says_what_is_done() -> None:
    for entry in sheetprop.functions():
        assert find(entry.name) == (entry.how != "stored value"), entry
        assert bool(entry.remark) == (entry.how == "stored value"), entry
    assert sum(entry.how != "stored value" for entry in sheetprop.functions()) >= 480


def test_what_nobody_has_is_named_and_nothing_comes_from_another_engine(workbook: Any) -> None:
    """What only Excel has is named; what only Google Sheets has gives way to the value beside it."""
    path = workbook({"S": {"A1": '=CUBEVALUE("x","y")', "A2": '=IFERROR(__xludf.DUMMYFUNCTION("QUERY(A:A)"),5)'}})
    book = sheetprop.open(path)
    result = book.calculate()
    assert set(result.unsupported) == {"CUBEVALUE"}
    assert book["S"]["A2"] == 5.0


def test_the_command_and_the_page_are_the_list() -> None:
    listed = json.loads(CliRunner().invoke(cli, ["functions", "--json"]).output)
    assert [entry["name"] for entry in listed] == [entry.name for entry in sheetprop.functions()]
    text = CliRunner().invoke(cli, ["functions"]).output.splitlines()
    assert len(text) == len(listed) + 1
    assert CliRunner().invoke(cli, ["functions", "--markdown"]).output == PAGE.read_text(encoding="utf-8"), (
        "sheetprop functions --markdown > docs/functions.md")

"""What the README tells the reader to type: each command exists with its options, and the quick ones run in turn."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import sheetprop
from sheetprop.cli.main import cli

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def blocks(*languages: str) -> list[str]:
    """Return the README's blocks of code in some languages."""
    return [text for language, text in re.findall(r"```(\w*)\n(.*?)```", README, re.DOTALL) if language in languages]


def lines() -> list[str]:
    """Return every line of the README's blocks that calls sheetprop, without its remark."""
    return [line.split(" #")[0].strip() for block in blocks("", "sh") for line in block.splitlines()
            if line.startswith("sheetprop ")]


def words(line: str) -> list[str]:
    """Return a line's arguments, without the file that the shell writes to."""
    return shlex.split(line.split(" > ")[0])[1:]


@pytest.mark.parametrize("line", lines())
def test_each_command_and_option_exists(line: str) -> None:
    name, *rest = words(line)
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    command.make_context(name, rest, resilient_parsing=True)
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in rest if re.match(r"--?[a-z]", word)} <= known


def test_each_python_name_exists() -> None:
    for block in blocks("python"):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "sheetprop":
                assert hasattr(sheetprop, node.attr), node.attr


SLOW = ("sheetprop all", "sheetprop train --recipe", "sheetprop report", "--engine formulas", "sheetprop data",
        "-o eva6.xlsx", "--engine libreoffice")
ABSENT = ("runs/fast", "pasted.md", "hand-in")


def test_the_quick_commands_run_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()
    ran: list[str] = []
    for line in lines():
        if any(part in line for part in (*SLOW, *ABSENT)):
            continue
        line = line.replace("FILE", "sheetprop.xlsx").replace("OUT", "calculated.xlsx")
        if line == "sheetprop build":
            line += " --iterations 100 --lrs 0.1,0.5"  # the whole book is built elsewhere
        done = runner.invoke(cli, words(line), standalone_mode=False)
        assert done.exception is None, f"{line}: {done.exception}"
        assert done.return_value in (0, None), f"{line}: {done.output}"
        ran.append(line.split()[1])
    assert {"build", "verify", "spec", "values", "diff", "calc", "what-if", "grad", "networks", "summary"} <= set(ran)

"""What the README and the documentation tell the reader to type: it exists with its options; the quick ones run."""

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

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
README = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)


def blocks(*languages: str) -> list[str]:
    """Return the README's blocks of code in some languages."""
    return [text for language, text in re.findall(r"```(\w*)\n(.*?)```", README, re.DOTALL) if language in languages]


def lines() -> list[str]:
    """Return every line of the README's blocks that calls sheetprop, without its remark."""
    written = [part.strip() for block in blocks("", "sh") for line in block.replace("\\\n", " ").splitlines()
               for part in line.split(" #")[0].split("&&") if part.strip().startswith("sheetprop ")]
    return list(dict.fromkeys(written))


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


def missing(given: list[str]) -> bool:
    """Say whether a command reads a file or folder that only the reader of the page has."""
    read = [word for before, word in zip(["", *given], given, strict=False) if before not in ("-o", "--output")]
    kinds = r"\.(xlsx|xlsm|py|md|ipynb|png|csv|toml|json|log|npy)$|^runs/|^reports/|/$"
    return any(re.search(kinds, word.split(":")[0])
               and not Path(word.split(":")[0]).exists() for word in read)


def test_the_quick_commands_run_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()
    ran: list[str] = []
    for line in lines():
        if any(part in line for part in SLOW):
            continue
        line = line.replace("FILE", "sheetprop.xlsx").replace("OUT", "calculated.xlsx")
        if line == "sheetprop build":
            line += " --iterations 100 --lrs 0.1,0.5"  # the whole book is built elsewhere
        if missing(words(line)):
            continue
        done = runner.invoke(cli, words(line), standalone_mode=False)
        assert done.exception is None, f"{line}: {done.exception}"
        wanted = (1,) if line == "sheetprop verify task.xlsx" else (0, None)  # nothing is filled in yet
        assert done.return_value in wanted, f"{line}: {done.output}"
        ran.append(line.split()[1])
    assert {"build", "verify", "spec", "values", "diff", "calc", "what-if", "grad", "networks", "summary"} <= set(ran)

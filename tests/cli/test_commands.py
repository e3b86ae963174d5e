"""The command line as a user meets it."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import sheetprop
from sheetprop.cli.main import MODULES, cli, run

ROOT = Path(__file__).parents[2]


def call(*arguments: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """Run the command line in this process and return its exit code."""
    monkeypatch.setattr(sys, "argv", ["sheetprop", *arguments])
    return run()


def every_command() -> list[click.Command]:
    context = click.Context(cli)
    found = [cli.get_command(context, name) for name in cli.list_commands(context)]
    return [command for command in found if command is not None]


@pytest.mark.parametrize("command", every_command(), ids=lambda c: str(c.name))
def test_every_command_and_option_has_help(command: click.Command) -> None:
    assert command.help
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{command.name} {parameter.name}"


def test_every_command_of_every_module_can_be_called() -> None:
    defined = {command.name for module in set(MODULES.values())
               for command in importlib.import_module(f"sheetprop.cli.{module}").COMMANDS}
    assert defined == set(MODULES)


def test_start_up_imports_nothing_heavy() -> None:
    code = ("import sys; sys.argv = ['sheetprop', '--help']; from sheetprop.cli.main import run; run(); "
            "heavy = {'torch', 'pandas', 'numpy', 'formulas', 'openpyxl', 'matplotlib'} & set(sys.modules); "
            "sys.exit(f'imported {heavy}' if heavy else 0)")
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_the_readme_names_only_commands_that_exist() -> None:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    text = "\n".join(page.read_text("utf-8") for page in pages)
    blocks = [block for language, block in re.findall(r"```(\w*)\n(.*?)```", text, re.DOTALL) if language in ("", "sh")]
    used = set(re.findall(r"^(?:\$ )?sheetprop ([a-z][a-z-]*)", "".join(blocks), re.MULTILINE))
    assert {"build", "verify", "spec", "values", "diff"} <= used
    assert used <= set(MODULES)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["bild"], "no command 'bild'; did you mean 'build'?"),
        (["build", "--lrs", "0.1,x"], "--lrs, number 2: 'x' is no number"),
        (["build", "--lrs", "0.1,,0.2"], "--lrs, number 2: nothing stands there"),
        (["build", "--lrs", "0.1,"], "--lrs, number 2: nothing stands there"),
        (["build", "--layers", "200-200-200"], "80,000 weights and their gradients need 160,000 columns"),
        (["build", "--lrs", ""], "learning rates: none given"),
        (["build", "--layers", "2-x"], "--layers '2-x'"),
        (["build", "--layers", "2-0-2"], "layers, number 2: 0 units"),
        (["build", "--layers", "2"], "at least inputs and outputs"),
        (["build", "--iterations", "0"], "iterations: 0 given"),
        (["build", "--iterations", "many"], "'many' is not a valid integer"),
        (["build", "--weights", "1,2"], "weights: 2 given, 8 needed"),
        (["build", "--inputs", "nan,1"], "'nan' is no number"),
        (["build", "--biases", "1,1,1"], "biases: 3 given, 4 needed"),
        (["build", "--preset", "clasic"], "did you mean 'classic'?"),
        (["build", "--preset", "classic", "--layers", "3-3"], "preset classic has 2-2-2"),
        (["build", "--activation", "sigmod"], "did you mean 'sigmoid'?"),
        (["build", "--activation", "relu,relu,relu"], "activation: 3 given, 2 needed"),
        (["build", "--spec", "missing.toml"], "missing.toml: cannot be read"),
        (["build", "-o", "book.ods"], "ends in .xlsx"),
        (["build", "-o", "missing/book.xlsx"], "there is no such folder"),
        (["build", "--exercise", "--blank", "w99", "-o", "x.xlsx"], "'w99' names no column"),
        (["build", "--blank", "w1", "-o", "x.xlsx"], "--blank: is for a task; add --exercise"),
        (["verify", "missing.xlsx"], "there is no such file"),
    ],
)
def test_bad_input_gets_one_line_and_exit_code_2(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call(*arguments, monkeypatch=monkeypatch) == 2
    printed = capsys.readouterr()
    assert message in printed.err
    assert printed.err.count("\n") == 1
    assert printed.out == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("learning_rate = [0.1]", "unknown key 'learning_rate'; did you mean 'learning_rates'?"),
        ("inputs = [0.1, \"x\"]", "inputs, number 2: 'x' is no number"),
        ("inputs = [0.1, nan]", "inputs, number 2: nan is not a finite number"),
        ("layers = 3", "layers = 3 is no list"),
        ("layers = [2, 2.5]", "layers, number 2: 2.5 units"),
        ("bias = \"yes\"", "is neither true nor false"),
        ("iterations = 1.5", "is no whole number"),
        ("layers = [", "is not valid TOML"),
        ("layers = [2, 0]", "layers, number 2: 0 units"),
        ("learning_rates = [0.1, \"x\"]", "learning rates, number 2: 'x' is no number"),
        ("weights = [1, 2]", "weights: 2 given, 8 needed"),
        ("preset = \"clasic\"", "did you mean 'classic'?"),
    ],
)
def test_a_spec_file_with_a_slip(
    text: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("slip.toml").write_text(text)
    assert call("build", "--spec", "slip.toml", monkeypatch=monkeypatch) == 2
    printed = capsys.readouterr().err
    assert printed.startswith("sheetprop: slip.toml: ")
    assert message in printed
    assert printed.count("\n") == 1
    assert [p.name for p in tmp_path.iterdir()] == ["slip.toml"]


def test_spec_prints_a_file_that_builds_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call("spec", "--preset", "mazur", "--iterations", "3", monkeypatch=monkeypatch) == 0
    Path("mazur.toml").write_text(capsys.readouterr().out)
    assert sheetprop.read_spec("mazur.toml") == sheetprop.spec(preset="mazur", iterations=3)
    assert call("build", "--spec", "mazur.toml", "--lrs", "0.5", "--json", "-o", "m.xlsx", monkeypatch=monkeypatch) == 0
    built = json.loads(capsys.readouterr().out)
    assert built["learning_rates"] == [0.5]
    assert built["first_error"][0] == pytest.approx(0.298371109, abs=5e-10)


@pytest.mark.parametrize(("words", "offered"), [
    ("sheetprop ver", {"verify"}), ("sheetprop build --pre", {"--preset"}),
    ("sheetprop build --preset m", {"mazur"}), ("sheetprop spec --activation r", {"relu"}),
    ("sheetprop build --activation tanh,s", {"tanh,sigmoid"}), ("sheetprop verify x.xlsx --engine l", {"libreoffice"}),
])
def test_the_shell_completes_commands_options_and_names(words: str, offered: set[str]) -> None:
    from click.shell_completion import BashComplete

    *before, incomplete = words.split()[1:]
    found = BashComplete(cli, {}, "sheetprop", "_SHEETPROP_COMPLETE").get_completions(before, incomplete)
    assert {item.value for item in found} == offered


def test_build_then_verify(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    assert call("build", "--iterations", "5", "--lrs", "0.5,2", monkeypatch=monkeypatch) == 0
    assert "sheetprop.xlsx: 8 sheets" in capsys.readouterr().out
    assert call("build", "--iterations", "6", monkeypatch=monkeypatch) == 2
    assert "exists already" in capsys.readouterr().err
    assert call("verify", "sheetprop.xlsx", monkeypatch=monkeypatch) == 0
    assert "agrees with PyTorch" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["--help"], ["calc", "book.xlsx"], ["calc", "book.xlsx", "--json"],
                                   ["explain", "book.xlsx", "S!A1"],
                                   ["what-if", "book.xlsx", "--set", "S!A1=0:1:30000", "--get", "S!A1"]],
                         ids=lambda words: " ".join(words[:3:2]))
def test_a_reader_that_stops_ends_the_command_quietly(tmp_path: Path, words: list[str]) -> None:
    """As behind `| head`: no traceback, nothing on standard error."""
    import os

    book = sheetprop.new("S")
    book.set("S!A1", 1)
    book.save(tmp_path / "book.xlsx")
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([sys.executable, "-c", "from sheetprop.cli.start import main; main()", *words], cwd=tmp_path,
                          stdout=writing, stderr=subprocess.PIPE, text=True, check=False,
                          env={**os.environ, "PYTHONPATH": str(ROOT)})
    os.close(writing)
    assert done.stderr == ""
    assert done.returncode in (0, 1)


def test_a_learning_rate_that_is_not_above_zero_is_warned_of(tmp_path: Path) -> None:
    words = ["build", "--lrs", "-0.5,0,0.1", "--iterations", "3", "-o", str(tmp_path / "b.xlsx")]
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 0, done.output
    assert "warning: with a learning rate of -0.5, 0 nothing is learned downhill" in done.stderr
    assert (tmp_path / "b.xlsx").exists()


@pytest.mark.parametrize("name", MODULES)
def test_every_help_ends_with_an_example_that_can_be_typed(name: str) -> None:
    import shlex

    from sheetprop.cli.main import EXAMPLES

    said = CliRunner().invoke(cli, [name, "--help"]).output
    assert " ".join(EXAMPLES[name].split()) in " ".join(said.split())
    first, second, *words = shlex.split(EXAMPLES[name].split(" > ")[0])
    assert (first, second) == ("sheetprop", name)
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    command.make_context(name, words, resilient_parsing=True)
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if re.match(r"--?[a-z]", word)} <= known

"""Commands that make a workbook: spec, build."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import click

from sheetprop.errors import SheetpropError


class Numbers(click.ParamType):  # type: ignore[type-arg]
    """A list of numbers such as ``0.1,0.2``; blanks and semicolons separate as well."""

    name = "numbers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        """Return the numbers, or say which one is none."""
        del ctx
        if isinstance(value, tuple):
            return value
        result = []
        name = param.opts[0] if param is not None else "list"
        words = [word for part in re.split("[,;]", str(value)) for word in part.split() or [""]] if str(value).strip() \
            else []
        for position, word in enumerate(words, start=1):
            if not word:
                raise SheetpropError(f"{name}, number {position}: nothing stands there; leave one comma out, or give "
                                     "the number")
            try:
                number = float(word)
            except ValueError:
                number = math.nan
            if not math.isfinite(number):
                raise SheetpropError(f"{name}, number {position}: {word!r} is no number; write them like 0.1,0.5")
            result.append(number)
        return tuple(result)


class Layers(click.ParamType):  # type: ignore[type-arg]
    """Layer sizes such as ``2-2-2``."""

    name = "sizes"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """Return the sizes, or say what is no size."""
        del param, ctx
        if isinstance(value, tuple):
            return value
        words = str(value).split("-")
        if not all(word.strip().isdecimal() for word in words):
            raise SheetpropError(f"--layers {value!r}: write the units of each layer joined by hyphens, such as 2-2-2")
        return tuple(int(word) for word in words)


class Names(click.ParamType):  # type: ignore[type-arg]
    """A list of names such as ``tanh,sigmoid``."""

    name = "names"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """Return the names."""
        del param, ctx
        return value if isinstance(value, tuple) else tuple(w for w in str(value).replace(",", " ").split() if w)


def _complete_preset(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Offer the presets to the shell."""
    from sheetprop.network.presets import PRESETS

    del ctx, param
    return [name for name in PRESETS if name.startswith(incomplete)]


def _complete_activation(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Offer the activations to the shell, behind those that are already in the list."""
    from sheetprop.network.spec import ACTIVATIONS

    del ctx, param
    before, comma, last = incomplete.rpartition(",")
    return [before + comma + name for name in ACTIVATIONS if name.startswith(last)]


def spec_options(command: Any) -> Any:
    """Add the options that describe a network and its training."""
    options = [
        click.option("--preset", shell_complete=_complete_preset,
                     help="Named initial values: classic, era, eva6 or mazur."),
        click.option("--spec", "spec_file", type=click.Path(path_type=Path), metavar="FILE.toml",
                     help="Read all of this from a file; options given besides override it."),
        click.option("--lrs", "learning_rates", type=Numbers(), metavar="RATES",
                     help="Learning rates, such as 0.1,0.2,0.5,0.8,1,2 (the default)."),
        click.option("--iterations", type=int, metavar="N", help="Updates of each run: rows 0 to N. Default: 100."),
        click.option("--layers", type=Layers(), metavar="SIZES", help="Units in each layer, such as 2-2-2."),
        click.option("--activation", type=Names(), metavar="NAMES", shell_complete=_complete_activation,
                     help="sigmoid, tanh, relu or identity: one for all layers, or one for each."),
        click.option("--bias/--no-bias", default=None, help="Whether every unit has a bias."),
        click.option("--learn-bias/--no-learn-bias", default=None,
                     help="Whether biases are learned like weights (the default) or stay fixed, as in mazur."),
        click.option("--inputs", type=Numbers(), metavar="LIST", help="One value for each input."),
        click.option("--targets", type=Numbers(), metavar="LIST", help="One value for each output."),
        click.option("--weights", type=Numbers(), metavar="LIST", help="By layer, then unit, then input."),
        click.option("--biases", type=Numbers(), metavar="LIST", help="By layer, then unit."),
        click.option("--seed", type=int, metavar="N", help="Draws the values that are not given."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def spec_from(preset: str | None, spec_file: Path | None, **options: Any) -> Any:
    """Return the spec of the options; those given on the command line override the file."""
    from sheetprop.network.spec import make_spec, read_options, read_spec

    given = {name: value for name, value in {"preset": preset, **options}.items() if value is not None}
    if spec_file is None:
        return make_spec(**given)
    return make_spec(**{**read_options(spec_file), **given}) if given else read_spec(spec_file)


@click.command()
@spec_options
def spec(**options: Any) -> None:
    """Print a spec file to start from: all values of a network, its learning rates and iterations."""
    click.echo(spec_from(**options).toml(), nl=False)


@click.command()
@spec_options
@click.option("-o", "--output", type=click.Path(path_type=Path), default=Path("sheetprop.xlsx"), show_default=True,
              help="The workbook to write.")
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
@click.option("--exercise", is_flag=True,
              help="Write a task: blank columns, a live right or wrong beside each cell, answers in a second file.")
@click.option("--blank", type=Names(), metavar="NAMES",
              help="What an exercise leaves blank: gradients (the default), forward, error, updates, or symbols.")
@click.option("--rows", type=int, metavar="N",
              help="So many iterations of an exercise are blank, from the first; the rest is live. Default: 3.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def build(output: Path, force: bool, exercise: bool, blank: tuple[str, ...] | None, rows: int | None, as_json: bool,
          **options: Any) -> None:
    """Write the workbook: forward pass, chain rule and update as live formulas, one row for each iteration."""
    from sheetprop.network.notation import shortest
    from sheetprop.workbook.build import build as build_workbook
    from sheetprop.workbook.exercise import ROWS

    if blank is not None and not exercise:
        raise SheetpropError("--blank: is for a task; add --exercise, or leave it out")
    if rows is not None and not exercise:
        raise SheetpropError("--rows: is for a task; add --exercise, or leave it out")
    wanted = spec_from(**options)
    if odd := [rate for rate in wanted.learning_rates if rate <= 0]:
        click.echo(f"sheetprop: warning: with a learning rate of {', '.join(map(shortest, odd))} nothing is learned "
                   "downhill; it is built as given", err=True)
    built = build_workbook(wanted, output, exercise=exercise, blank=blank or ("gradients",),
                           rows=ROWS if rows is None else rows, force=force)
    if as_json:
        click.echo(built.to_json())
        return
    click.echo(f"{'learning rate':>13}  {'first E_total':>14}  {'last E_total':>14}")
    for rate, first, last in zip(built.learning_rates, built.first_error, built.last_error, strict=True):
        cells = ["not filled in" if exercise and v is None else "overflow" if v is None else f"{v:.10g}"
                 for v in (first, last)]
        click.echo(f"{shortest(rate):>13}  {cells[0]:>14}  {cells[1]:>14}")
    click.echo(f"{built.path}: {len(built.sheets)} sheets, {built.formulas:,} formulas, every one with its value")
    if built.answers is not None:
        click.echo(f"{built.answers}: the answers")


COMMANDS: tuple[click.Command, ...] = (spec, build)

"""The `sheetprop` command: finds the subcommand, turns errors into one line and an exit code."""

from __future__ import annotations

import importlib
import sys

import click

import sheetprop
from sheetprop.errors import SheetpropError, nearest

# Every command and the module that defines it, in the order of a user's work. A module is imported when
# its command is used, so that no command waits for the others.
MODULES: dict[str, str] = {
    "all": "reporting",
    "spec": "core",
    "build": "core",
    "export": "modules",
    "step": "modules",
    "verify": "verification",
    "values": "verification",
    "diff": "verification",
    "data": "mnist",
    "networks": "mnist",
    "summary": "mnist",
    "recipe": "mnist",
    "train": "mnist",
    "log": "mnist",
    "rubric": "mnist",
    "compare": "mnist",
    "predict": "mnist",
    "report": "reporting",
    "calc": "engine",
    "what-if": "engine",
    "grad": "engine",
    "explain": "engine",
    "goal-seek": "engine",
    "functions": "engine",
    "audit": "auditing",
}

# What one types first with each command; it stands at the end of its --help.
EXAMPLES: dict[str, str] = {
    "all": "sheetprop all --author 'Your Name'",
    "spec": "sheetprop spec --preset classic > mine.toml",
    "build": "sheetprop build --layers 3-4-2 --bias --seed 7 --lrs 0.1,0.5 -o mine.xlsx",
    "export": "sheetprop export --example lenet-tiny -o lenet.xlsx",
    "step": "sheetprop step gpt.xlsx -n 1000 --every 10 --log log.csv",
    "verify": "sheetprop verify sheetprop.xlsx",
    "values": "sheetprop values sheetprop.xlsx -o golden.csv",
    "diff": "sheetprop diff sheetprop.xlsx golden.csv",
    "data": "sheetprop data",
    "networks": "sheetprop networks --json",
    "summary": "sheetprop summary 001",
    "recipe": "sheetprop recipe fast > mine.toml",
    "train": "sheetprop train --recipe fast --runs 5",
    "log": "sheetprop log notebook.ipynb -o record.json",
    "rubric": "sheetprop rubric runs/fast",
    "compare": "sheetprop compare runs/fast runs/tiny",
    "predict": "sheetprop predict runs/fast photo.png --show seen.png",
    "report": "sheetprop report --workbook sheetprop.xlsx --run runs/fast -o report",
    "calc": "sheetprop calc model.xlsx -o calculated.xlsx",
    "what-if": "sheetprop what-if model.xlsx --set 'Sheet1!B1=0:1:11' --get 'Sheet1!B9'",
    "grad": "sheetprop grad model.xlsx --of 'Sheet1!B9' --wrt 'Sheet1!B1:B4'",
    "explain": "sheetprop explain model.xlsx 'Sheet1!B9'",
    "goal-seek": "sheetprop goal-seek loan.xlsx --target 'Loan!B4' --value 1200 --by 'Loan!B1'",
    "functions": "sheetprop functions --json",
    "audit": "sheetprop audit hand-in.xlsx",
}


class Group(click.Group):
    """A group that imports a command when it is used, and names the nearest one on a typing error."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands in the order of a user's work."""
        del ctx
        return list(MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        del ctx
        if cmd_name not in MODULES:
            return None
        module = importlib.import_module(f"sheetprop.cli.{MODULES[cmd_name]}")
        commands: tuple[click.Command, ...] = module.COMMANDS
        found = next(command for command in commands if command.name == cmd_name)
        found.epilog = found.epilog or f"\b\nExample:\n  {EXAMPLES[cmd_name]}"
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List each command with its whole first sentence."""
        found = [(name, self.get_command(ctx, name)) for name in MODULES]
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.get_short_help_str(limit=200)) for name, command in found if command])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which one may be meant."""
        if args and not args[0].startswith("-") and args[0] not in MODULES:
            raise SheetpropError(f"no command {args[0]!r}; {nearest(args[0], list(MODULES))}")
        return super().resolve_command(ctx, args)


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(sheetprop.__version__, prog_name="sheetprop")
def cli() -> None:
    """Back-propagation as live spreadsheet formulas, checked against PyTorch."""



def main() -> None:
    """Run the command line; exit 0 for yes, 1 for no, 2 for input that cannot be used."""
    sys.exit(run())


def run() -> int:
    """Run the command line and return its exit code."""
    try:
        code = cli(standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx else "", err=True)
        return 2
    except click.ClickException as error:
        place = getattr(error, "ctx", None)
        command = place.command_path if place is not None else "sheetprop"
        click.echo(f"sheetprop: {error.format_message()} See {command} --help", err=True)
        return 2
    except SheetpropError as error:
        click.echo(f"sheetprop: {error}", err=True)
        return 2
    except (KeyboardInterrupt, click.exceptions.Abort):
        return 130


if __name__ == "__main__":
    main()

"""The `sheetprop` command: finds the subcommand, turns errors into one line and an exit code."""

from __future__ import annotations

import sys

import click

import sheetprop
from sheetprop.cli import core
from sheetprop.errors import SheetpropError


class Group(click.Group):
    """A group that names the nearest command on a typing error and lists commands in reading order."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order in which they were added: the order of a user's work."""
        del ctx
        return list(self.commands)


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(sheetprop.__version__, prog_name="sheetprop")
def cli() -> None:
    """Back-propagation as live spreadsheet formulas, checked against PyTorch."""


for _command in core.COMMANDS:
    cli.add_command(_command)


def main() -> None:
    """Run the command line; exit 0 for yes, 1 for no, 2 for input that cannot be used."""
    try:
        cli(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except SheetpropError as error:
        click.echo(f"sheetprop: {error}", err=True)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()

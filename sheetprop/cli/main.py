"""The `sheetprop` command: finds the subcommand, turns errors into one line and an exit code."""

from __future__ import annotations

import sys

import click

import sheetprop
from sheetprop.cli import auditing, core, engine, mnist, reporting, verification
from sheetprop.errors import SheetpropError, nearest


class Group(click.Group):
    """A group that names the nearest command on a typing error and lists commands in reading order."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order in which they were added: the order of a user's work."""
        del ctx
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List each command with its whole first sentence."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.get_short_help_str(limit=200))
                                for name, command in self.commands.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which one may be meant."""
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            raise SheetpropError(f"no command {args[0]!r}; {nearest(args[0], list(self.commands))}")
        return super().resolve_command(ctx, args)


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(sheetprop.__version__, prog_name="sheetprop")
def cli() -> None:
    """Back-propagation as live spreadsheet formulas, checked against PyTorch."""


for _command in (*core.COMMANDS, *verification.COMMANDS, *auditing.COMMANDS, *engine.COMMANDS, *mnist.COMMANDS,
                 *reporting.COMMANDS):
    cli.add_command(_command)


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

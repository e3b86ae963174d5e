"""Commands that report: report, all."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import click

from sheetprop.cli.core import Names, spec_from, spec_options


def document_options(command: Any) -> Any:
    """Add the options that shape the document."""
    options = [
        click.option("--format", "formats", type=Names(), default=("html", "pdf", "md"), metavar="NAMES",
                     help="Of html, pdf and md; all three by default."),
        click.option("--title", help="Title on the first page."),
        click.option("--author", help="Author on the first page."),
        click.option("--date", help="Date on the first page, such as 2026-11-21. Default: SOURCE_DATE_EPOCH, else the "
                                    "day of the run record."),
        click.option("--page", type=click.Choice(["A4", "Letter"], case_sensitive=False), default="A4",
                     show_default=True, help="Paper size of the PDF."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
@click.option("--workbook", type=click.Path(path_type=Path), metavar="FILE", help="A workbook of sheetprop build.")
@click.option("--run", type=click.Path(path_type=Path), metavar="RECORD",
              help="A run record of sheetprop train or sheetprop log, or its folder.")
@click.option("--audit", type=click.Path(path_type=Path), multiple=True, metavar="FILE",
              help="Somebody else's workbook, or a folder of them: adds what is wrong in it; several times if need be.")
@document_options
@click.option("-o", "--output", type=click.Path(path_type=Path), default=Path("report"), show_default=True,
              metavar="DIR", help="The folder to write into.")
@click.option("--templates", type=click.Path(path_type=Path), metavar="DIR",
              help="Templates here take the place of ours with the same name.")
@click.option("--list-templates", is_flag=True, help="Print the names of the templates, and where ours are.")
@click.option("--force", is_flag=True, help="Replace files that exist.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def report(workbook: Path | None, run: Path | None, audit: tuple[Path, ...], output: Path, templates: Path | None,
           list_templates: bool, force: bool, as_json: bool, page: str, **options: Any) -> int:
    """Turn a workbook and a run record into one document: HTML, PDF and Markdown.

    Either half may be missing. The workbook is verified on the way; exit 1 when it fails. What --audit finds in other
    people's workbooks is a result that stands on the first page and does not change the exit code.
    """
    if list_templates:
        _list()
        return 0
    from sheetprop.reporting.report import report as make

    made = make(workbook, run, audit=audit, output=output, templates=templates, force=force, page=_page(page),
                **options)
    if as_json:
        click.echo(made.to_json())
    else:
        _tell(made)
        click.echo(f"{', '.join(path.name for path in made.files.values())} in {made.folder}")
    return 0 if made.sound else 1


def _page(page: str) -> str:
    return "Letter" if page.lower() == "letter" else "A4"


def _list() -> None:
    from sheetprop.reporting.environment import names
    from sheetprop.reporting.resources import templates

    click.echo(f"# in {templates()}")
    for name in names():
        click.echo(name)


def _tell(made: Any) -> None:
    """Say on standard error what is wrong."""
    for alarm in made.alarms:
        click.echo(f"sheetprop: {alarm}", err=True)
    for problem in made.not_made.values():
        click.echo(f"sheetprop: {problem}", err=True)


@click.command(name="all")
@spec_options
@click.option("--recipe", default="fast", show_default=True, help="How to train on MNIST (sheetprop train --list).")
@click.option("--run", type=click.Path(path_type=Path), metavar="RECORD",
              help="Use a run record that is there instead of training.")
@click.option("--epochs", type=int, metavar="N", help="Train so many epochs instead of the recipe's.")
@click.option("--runs", type=int, default=1, metavar="N", help="Train with so many seeds.")
@click.option("--train-seed", type=int, metavar="N", help="First seed of the training.")
@click.option("--device", default="auto", show_default=True, metavar="NAME", help="auto, cpu or cuda.")
@click.option("--threads", type=int, metavar="N",
              help="Threads of the training on the CPU; 1 is best while the machine is busy.")
@click.option("--data", type=click.Path(path_type=Path), metavar="DIR", help="A folder with MNIST.")
@document_options
@click.option("-o", "--output", type=click.Path(path_type=Path), default=Path("sheetprop-out"), show_default=True,
              metavar="DIR", help="The folder for everything.")
@click.option("--force", is_flag=True, help="Begin anew, whatever is there.")
def everything(
    recipe: str, run: Path | None, epochs: int | None, runs: int, train_seed: int | None, device: str,
    threads: int | None, data: Path | None, output: Path, force: bool, formats: tuple[str, ...], title: str | None,
    author: str | None, date: str | None, page: str, **options: Any,
) -> int:
    """Do the whole job: build the workbook, verify it, train on MNIST, write the network as a workbook, report.

    Finished stages are not done again, and a training that was stopped goes on.
    """
    from sheetprop.reporting.whole_job import run_all

    with nullcontext() if run is not None else _console(recipe) as listener:
        done = run_all(
            spec_from(**options), output, recipe=recipe, run=run, formats=formats, title=title, author=author,
            date=date, page=_page(page), data=data, force=force, listener=listener, epochs=epochs, runs=runs,
            seed=train_seed, device=device, threads=threads, say=lambda line: click.echo(line, err=True))
    _tell(done.report)
    names = ", ".join(path.name for path in done.report.files.values())
    network = f"{done.network.name}, " if done.network is not None else ""
    click.echo(f"Everything is in {done.folder}: {done.workbook.name}, {network}{names} in {done.report.folder.name}/, "
               f"the run in {done.record}")
    return 0 if done.sound else 1


def _console(recipe: str) -> AbstractContextManager[Any]:
    """Return what shows the training's progress."""
    from sheetprop.cli.mnist import console
    from sheetprop.mnist.recipes import recipe as find

    return console(find(recipe).schedule.kind, "Test")


COMMANDS: tuple[click.Command, ...] = (report, everything)

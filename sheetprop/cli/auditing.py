"""The command audit: mistakes in somebody else's sheet."""

from __future__ import annotations

from pathlib import Path

import click

from sheetprop.errors import SheetpropError


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(), metavar="FILE...")
@click.option("--loss", metavar="CELL", help="A cell of the loss column, where it is not found by itself.")
@click.option("--params", metavar="RANGE", help="The weight columns; several ranges separated by commas.")
@click.option("--grads", metavar="RANGE", help="The gradient columns, in the order of the weights.")
@click.option("--lr", metavar="CELL", help="The cell of the learning rate.")
@click.option("--roles", is_flag=True, help="Show which column was taken for what.")
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
@click.option("--html", "html_file", type=click.Path(), metavar="FILE", help="Write a page with all findings.")
@click.option("--csv", "csv_file", type=click.Path(), metavar="FILE",
              help="Write the table of a class: a row for each file.")
@click.option("--format", "form", type=click.Choice(["text", "md"]), default="text", show_default=True,
              help="Form of what is printed.")
@click.option("--jobs", type=click.IntRange(1), default=None, help="Processes; default is the number of processors.")
@click.option("--force", is_flag=True, help="Replace output files that exist.")
def audit(files: tuple[str, ...], loss: str | None, params: str | None, grads: str | None, lr: str | None, roles: bool,
          as_json: bool, html_file: str | None, csv_file: str | None, form: str, jobs: int | None, force: bool) -> None:
    """Find mistakes in workbooks that do back-propagation, in any layout.

    The sheet's own forward formulas are differentiated, and its gradients, updates, rows and
    charts are held against that. Several files or a folder give one line each. Exit code 0:
    checked and right; 1: checked and wrong; 3: not, or not all, checked, and why; 2: a file that
    cannot be used. Of several files the gravest counts: 2, then 1, then 3.
    """
    from sheetprop.auditing.audit import audit as audit_one
    from sheetprop.auditing.folder import audit_many, workbooks_in
    from sheetprop.auditing.output import as_csv, as_json_text, as_markdown
    from sheetprop.auditing.page import as_html
    from sheetprop.files import check_writable, replacing

    for target in (html_file, csv_file):
        if target is not None:
            check_writable(Path(target), force=force)
    stated = any((loss, params, grads, lr))
    names = workbooks_in(files)
    single = len(names) == 1 and not Path(files[0]).is_dir()
    if stated and not single:
        raise SheetpropError("--loss, --params, --grads and --lr: need a single file")
    found = [audit_one(names[0], loss=loss, params=params, grads=grads, lr=lr)] if single else \
        audit_many(names, jobs=jobs)
    if html_file is not None:
        with replacing(html_file, force=force) as temporary:
            temporary.write_text(as_html(found), encoding="utf-8")
    if csv_file is not None:
        with replacing(csv_file, force=force) as temporary:
            temporary.write_text(as_csv(found), encoding="utf-8")
    if as_json:
        click.echo(as_json_text(found))
    elif form == "md":
        click.echo(as_markdown(found), nl=False)
    elif single:
        click.echo(found[0].text(roles=roles))
    else:
        for one in found:
            click.echo(one.text(roles=True) if roles else one.summary())
    code = next((code for code in (2, 1, 3) if any(one.code == code for one in found)), 0)
    if code:
        raise click.exceptions.Exit(code)


COMMANDS: tuple[click.Command, ...] = (audit,)

"""The command audit: mistakes in somebody else's sheet."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sheetprop.errors import SheetpropError

if TYPE_CHECKING:
    from sheetprop.auditing.finding import Audit
    from sheetprop.auditing.grading import Rubric


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
              help="Write the table of a class: a row for each finding.")
@click.option("--explain", "explained", metavar="CELL",
              help="Show the derivation that a gradient's cell should have followed, with its numbers.")
@click.option("--annotate", "annotate_dir", type=click.Path(), metavar="DIR",
              help="Write a copy of each workbook with a comment and a colour on every cell of a finding.")
@click.option("--points", "points_file", type=click.Path(), metavar="FILE",
              help="Give points by a rubric (TOML); --print-rubric shows the default one.")
@click.option("--print-rubric", is_flag=True, is_eager=True, expose_value=False,
              callback=lambda *given: _rubric(*given), help="Print the default rubric and stop.")
@click.option("--feedback", "feedback_dir", type=click.Path(), metavar="DIR", help="Write a page for each student.")
@click.option("--gradebook", type=click.Choice(["moodle", "canvas", "csv"]),
              help="Write points as a table for a learning platform: gradebook.csv in the folder of --feedback, "
                   "else here.")
@click.option("--format", "form", type=click.Choice(["text", "md"]), default="text", show_default=True,
              help="Form of what is printed.")
@click.option("--jobs", type=click.IntRange(1), default=None, help="Processes; default is the number of processors.")
@click.option("--force", is_flag=True, help="Replace output files that exist.")
def audit(files: tuple[str, ...], loss: str | None, params: str | None, grads: str | None, lr: str | None, roles: bool,
          as_json: bool, html_file: str | None, csv_file: str | None, explained: str | None,
          annotate_dir: str | None, points_file: str | None, feedback_dir: str | None, gradebook: str | None,
          form: str, jobs: int | None, force: bool) -> None:
    """Find mistakes in workbooks that do back-propagation, in any layout.

    The sheet's own forward formulas are differentiated, and its gradients, updates, rows and
    charts are held against that. Several files or a folder give one line each. Exit code 0:
    checked and right; 1: checked and wrong; 3: not, or not all, checked, and why; 2: a file that
    cannot be used. Of several files the gravest counts: 2, then 1, then 3.
    """
    from sheetprop.auditing.audit import audit as audit_one
    from sheetprop.auditing.folder import READ, audit_each, audit_safely, workbooks_in
    from sheetprop.auditing.grading import graded, rubric
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
    if explained is not None:
        if not single:
            raise SheetpropError("--explain: needs a single file")
        from sheetprop.auditing.explaining import explain

        click.echo(explain(names[0], explained))
        return
    rules = rubric(points_file) if points_file or feedback_dir or gradebook else None
    lines = not single and not as_json and form == "text"
    if single:
        plain = Path(names[0]).suffix.lower() in READ or not Path(names[0]).suffix
        found = [audit_one(names[0], loss=loss, params=params, grads=grads, lr=lr) if plain or stated
                 else audit_safely(names[0])]
    else:
        found = []
        for one in audit_each(names, jobs=jobs):
            found.append(one)
            if lines:
                points = f"; {graded(one, rules).text()}" if rules is not None and points_file else ""
                click.echo((one.text(roles=True) if roles else one.summary()) + points)
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
        totals = Counter(one.verdict for one in found)
        click.echo(f"{len(found)} files: " + ", ".join(f"{count} {verdict}" for verdict, count in totals.most_common()))
    if rules is not None and points_file and single and form == "text" and not as_json:
        for part in graded(found[0], rules).parts:
            given = "left to the teacher" if part.given is None else f"{part.given:g} of {part.points:g}"
            click.echo(f"{part.part}: {given}" + (f" ({'; '.join(part.reasons)})" if part.reasons else ""))
        click.echo(f"points: {graded(found[0], rules).text()}")
    _write_folders(found, annotate_dir, feedback_dir, gradebook, rules, force)
    code = next((code for code in (2, 1, 3) if any(one.code == code for one in found)), 0)
    if code:
        raise click.exceptions.Exit(code)


def _rubric(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        from sheetprop.auditing.grading import DEFAULT

        click.echo(DEFAULT, nl=False)
        context.exit()


def _write_folders(found: list[Audit], annotate_dir: str | None, feedback_dir: str | None, gradebook: str | None,
                   rules: Rubric | None, force: bool) -> None:
    """Write the annotated copies, the students' pages and the gradebook."""
    from sheetprop.auditing.annotating import annotate
    from sheetprop.auditing.feedback import feedback_page
    from sheetprop.auditing.folder import READ
    from sheetprop.auditing.gradebook import gradebook as table_of
    from sheetprop.auditing.grading import graded
    from sheetprop.files import replacing

    for folder in (annotate_dir, feedback_dir):
        if folder is not None:
            Path(folder).mkdir(parents=True, exist_ok=True)
    taken: Counter[str] = Counter()
    for one in found:
        stem, ending = Path(one.path).stem, Path(one.path).suffix
        taken[stem] += 1
        # Files of one name from several folders get a number.
        name = stem if taken[stem] == 1 else f"{stem}-{taken[stem]}"
        if annotate_dir is not None and not one.error and ending.lower() in READ:
            annotate(one, Path(annotate_dir) / f"{name}{ending}", force=force)
        if feedback_dir is not None and not one.skipped and rules is not None:
            with replacing(Path(feedback_dir) / f"{name}.html", force=force) as temporary:
                temporary.write_text(feedback_page(one, graded(one, rules)), encoding="utf-8")
    if gradebook is not None and rules is not None:
        with replacing(Path(feedback_dir or ".") / "gradebook.csv", force=force) as temporary:
            temporary.write_text(table_of(found, rules, gradebook), encoding="utf-8")


COMMANDS: tuple[click.Command, ...] = (audit,)

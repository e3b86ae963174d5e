"""The engine's commands: calc, what-if, grad."""

from __future__ import annotations

import click


@click.command()
@click.argument("file", type=click.Path())
@click.option("-o", "--output", type=click.Path(), help="Write the workbook with its values to this file.")
@click.option("--in-place", is_flag=True, help="Write the values into FILE itself.")
@click.option("--check", is_flag=True, help="Compare with the values stored in FILE; write nothing.")
@click.option("--rel", type=float, default=1e-9, show_default=True, help="Relative difference that --check allows.")
@click.option("--abs", "absolute", type=float, default=1e-12, show_default=True,
              help="Absolute difference that --check allows.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of RAND and RANDBETWEEN.")
@click.option("--now", help="Moment of NOW and TODAY, as 2026-11-21 or 2026-11-21T09:30; default is the clock.")
@click.option("--max-bytes", type=int, default=None, help="Largest unpacked size that is read; default 4 GB.")
@click.option("--force", is_flag=True, help="Replace an output file that exists.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def calc(file: str, output: str | None, in_place: bool, check: bool, rel: float, absolute: float, seed: int,
         now: str | None, max_bytes: int | None, force: bool, as_json: bool) -> None:
    """Recalculate any workbook and store the values in it.

    Only the values of formula cells change; every other part of the file stays as it is, byte
    for byte. Without -o and --in-place nothing is written. Exit code 1 says that --check found
    a difference, 2 that the file holds no values to compare with. Cells with RAND, NOW or their kin, and
    what hangs on them, are not compared but counted.
    """
    from sheetprop.engine.commands import run_calc

    if (output is not None) + in_place + check > 1:
        raise click.UsageError("give only one of -o, --in-place and --check")
    text, code = run_calc(file, output=output, in_place=in_place, check=check, rel=rel, absolute=absolute, seed=seed,
                          now=now, max_bytes=max_bytes, force=force, as_json=as_json)
    click.echo(text)
    if code:
        raise click.exceptions.Exit(code)


@click.command("what-if")
@click.argument("file", type=click.Path())
@click.option("--set", "sets", multiple=True, required=True, metavar="CELL=VALUES",
              help="A cell, range or defined name, and its values: FROM:TO:COUNT, or a list like 0.1,0.2,0.5. "
                   "Several --set vary together; the cells of a range all get the same.")
@click.option("--get", "gets", multiple=True, required=True, metavar="CELL",
              help="A cell, range or defined name to report.")
@click.option("-o", "--output", type=click.Path(), help="CSV file; default is standard output.")
@click.option("--force", is_flag=True, help="Replace an output file that exists.")
def what_if(file: str, sets: tuple[str, ...], gets: tuple[str, ...], output: str | None, force: bool) -> None:
    """Evaluate a workbook for many values of some cells at once.

    Example: sheetprop what-if FILE --set "Parameters!C33=0:1:1000" --get "Compare!B106" -o out.csv
    """
    from sheetprop.engine.commands import run_what_if

    text, remarks = run_what_if(file, sets, gets, output=output, force=force)
    for remark in remarks:
        click.echo(f"sheetprop: {remark}", err=True)
    if text:
        click.echo(text, nl=False)


@click.command()
@click.argument("file", type=click.Path())
@click.option("--of", "of", required=True, metavar="CELL", help="The cell whose derivative is wanted.")
@click.option("--wrt", "wrt", multiple=True, required=True, metavar="RANGE",
              help="Cells with respect to which: a cell, a range or a defined name.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def grad(file: str, of: str, wrt: tuple[str, ...], as_json: bool) -> None:
    """Differentiate a cell of a workbook with respect to input cells (reverse mode, exact).

    Example: sheetprop grad FILE --of "LR 0.1!X108" --wrt "Parameters!C23:C30" --wrt eta_1
    """
    from sheetprop.engine.commands import run_grad

    click.echo(run_grad(file, of, wrt, as_json=as_json))


COMMANDS: tuple[click.Command, ...] = (calc, what_if, grad)

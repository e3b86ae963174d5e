"""The engine's commands: calc, what-if, grad, explain, goal-seek, functions."""

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
@click.option("--iterate", type=click.IntRange(1, 1_000_000), metavar="N",
              help="Iterate circular references, N times at most, whatever FILE says.")
@click.option("--max-change", type=click.FloatRange(0), default=0.001, show_default=True,
              help="Stop iterating when no value moves by more than this.")
@click.option("--strict", is_flag=True, help="Exit with 2 where a formula could not be evaluated or is circular.")
@click.option("--force", is_flag=True, help="Replace an output file that exists.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def calc(file: str, output: str | None, in_place: bool, check: bool, rel: float, absolute: float, seed: int,
         now: str | None, max_bytes: int | None, iterate: int | None, max_change: float, strict: bool,
         force: bool, as_json: bool) -> None:
    """Recalculate any workbook and store the values in it.

    Only the values of formula cells change; every other part of the file stays as it is, byte
    for byte. Without -o and --in-place nothing is written. Exit code 1 says that --check found
    a difference, 2 that the file holds no values to compare with. Cells with RAND, NOW or their kin, and
    what hangs on them, are not compared but counted. Exit code 1, with --strict 2, also says that a
    formula could not be evaluated (its stored value stays) or is circular: the last line tells.
    """
    from sheetprop.engine.commands import run_calc

    if (output is not None) + in_place + check > 1:
        raise click.UsageError("give only one of -o, --in-place and --check")
    text, code = run_calc(file, output=output, in_place=in_place, check=check, rel=rel, absolute=absolute, seed=seed,
                          now=now, max_bytes=max_bytes, force=force, as_json=as_json, iterate=iterate,
                          max_change=max_change, strict=strict)
    click.echo(text)
    if code:
        raise click.exceptions.Exit(code)


@click.command("what-if")
@click.argument("file", type=click.Path())
@click.option("--set", "sets", multiple=True, required=True, metavar="CELL=VALUES",
              help="A cell, range or defined name, and its values: FROM:TO:COUNT; a list like 0.1,5%,2026-11-26,TRUE "
                   'or "red","blue"; or a random draw: normal(0,1), uniform, lognormal, triangular, exponential, '
                   "integers, choice. Several --set vary together; the cells of a range all get the same.")
@click.option("--get", "gets", multiple=True, required=True, metavar="CELL",
              help="A cell, range or defined name to report.")
@click.option("--grid", is_flag=True, help="Combine every value of one --set with every value of the others.")
@click.option("--n", type=int, help="How many scenarios to draw.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the draws.")
@click.option("-o", "--output", type=click.Path(), help="CSV file; default is standard output.")
@click.option("--force", is_flag=True, help="Replace an output file that exists.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of CSV.")
def what_if(file: str, sets: tuple[str, ...], gets: tuple[str, ...], grid: bool, n: int | None, seed: int,
            output: str | None, force: bool, as_json: bool) -> None:
    """Evaluate a workbook for many values of some cells at once.

    Example: sheetprop what-if FILE --set "Parameters!C33=0:1:1000" --get "Compare!B106" -o out.csv
    """
    from sheetprop.engine.commands import run_what_if

    text, remarks = run_what_if(file, sets, gets, output=output, force=force, grid=grid, n=n, seed=seed,
                                as_json=as_json)
    for remark in remarks:
        click.echo(f"sheetprop: {remark}", err=True)
    if text:
        click.echo(text, nl=False)


@click.command()
@click.argument("file", type=click.Path())
@click.argument("cell")
@click.option("--depth", type=click.IntRange(1, 50), default=1, show_default=True,
              help="How many formulas deep: 2 shows those of the cells named, too.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def explain(file: str, cell: str, depth: int, as_json: bool) -> None:
    """Show why a cell has its value: its formula as a tree, what each part gives, and which formulas read it.

    Example: sheetprop explain FILE "LR 0.1!X10" --depth 2
    """
    from sheetprop.engine.commands import run_explain

    click.echo(run_explain(file, cell, depth=depth, as_json=as_json))


@click.command("goal-seek")
@click.argument("file", type=click.Path())
@click.option("--target", required=True, metavar="CELL", help="The cell that is to have a value.")
@click.option("--value", type=float, required=True, help="The value.")
@click.option("--by", required=True, metavar="CELL", help="The cell to change, which holds a number.")
@click.option("--start", type=float, help="Where the search begins; by default at the number that the cell holds.")
@click.option("-o", "--output", type=click.Path(), help="Write the workbook with what was found to this file.")
@click.option("--force", is_flag=True, help="Replace an output file that exists.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def goal_seek(file: str, target: str, value: float, by: str, start: float | None, output: str | None, force: bool,
              as_json: bool) -> None:
    """Find the number in one cell with which another has a value (Newton's method with the workbook's gradient).

    Example: sheetprop goal-seek FILE --target "Loan!B4" --value 1200 --by "Loan!B1"
    """
    from sheetprop.engine.commands import run_goal_seek

    click.echo(run_goal_seek(file, target, value, by, start=start, output=output, force=force, as_json=as_json))


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


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
@click.option("--markdown", is_flag=True, help="Print the list as the page of the documentation.")
def functions(as_json: bool, markdown: bool) -> None:
    """List all functions of Excel and what the engine does with each."""
    from sheetprop.engine.catalogue import table

    if as_json and markdown:
        raise click.UsageError("give only one of --json and --markdown")
    click.echo(table("json" if as_json else "markdown" if markdown else "text"), nl=False)


COMMANDS: tuple[click.Command, ...] = (calc, what_if, grad, explain, goal_seek, functions)

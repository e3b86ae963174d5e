"""Commands that judge a workbook: verify, values, diff."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sheetprop.network.notation import shortest

if TYPE_CHECKING:
    from sheetprop.verification.result import Comparison, Verification

# Lines of these groups are shown only where something differs: they are copies and counters.
_QUIET = ("inputs", "halved")
_LISTED = 20


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--engine", type=click.Choice(["default", "formulas", "formulas-model", "libreoffice"]),
              default="default", show_default=True,
              help="Who calculates the workbook; others than the default are also compared with it.")
@click.option("--module", "spelled", metavar="FILE.py:NAME",
              help="For a book of `export`: the module itself, which is run besides. The Python file is run.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole result as JSON.")
def verify(file: Path, engine: str, spelled: str | None, as_json: bool) -> int:
    """Calculate a workbook afresh and compare every number with PyTorch, every formula with its layout.

    Exits with 0 when all agree, 1 when not, 2 when the file cannot be used.
    """
    from sheetprop.verification.verify import verify as verify_workbook

    module = None
    if spelled is not None:
        from sheetprop.workbook.exported.sources import module_of

        module = module_of(spelled)
    result = verify_workbook(file, engine=engine, module=module)
    click.echo(result.to_json() if as_json else text(result))
    return 0 if result.agrees else 1


def text(result: Verification) -> str:
    """Return a verification as a table, the faults, the remarks and the verdict."""
    module = not result.activations
    what = f"{result.network}, a module" if module else (
        f"{result.network} {', '.join(result.activations)}, {len(result.learning_rates)} learning rates, "
        f"{result.iterations} iterations")
    lines = [f"{result.file}: {what}, engine {result.engine}", ""]
    lines.append(f"{'sheet' if module else 'learning rate':<{_wide(result)}}{'compared':<12}{'cells':>9}{'differ':>8}"
                 f"{'largest difference':>20}{'of its terms':>14}  worst cell")
    previous = ""
    for one in result.comparisons:
        if one.differ or one.group not in _QUIET:
            lines.append(_line(one, "" if one.sheet == previous else one.sheet, _wide(result)))
            previous = one.sheet
    lines.append("")
    lines += [f"✗ {fault.message}" for fault in result.faults[:_LISTED]]
    if result.fault_count > _LISTED:
        lines.append(f"✗ ... and {result.fault_count - _LISTED:,} more (--json lists them)")
    lines += [f"· {remark.message}" for remark in result.remarks]
    if result.faults or result.remarks:
        lines.append("")
    lines.append(f"{result.file}: {result.verdict}")
    return "\n".join(lines)


def _wide(result: Verification) -> int:
    """Return the width of the first column: that of the longest name of a module's sheet."""
    return 14 if result.activations else 2 + max([12, *(len(one.sheet) for one in result.comparisons)])


def _line(one: Comparison, first: str, wide: int) -> str:
    name = "" if not first else first if one.learning_rate is None else shortest(one.learning_rate)
    return (f"{name:<{wide - 1}} {one.group:<12}{one.cells:>9,}{one.differ:>8,}{one.largest_absolute:>20.2e}"
            f"{one.largest_relative:>14.1e}  {f'{one.sheet}!{one.worst}' if one.worst else '-'}")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, metavar="GOLDEN",
              help="The golden file to write: .csv, .json or .parquet.")
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
def values(file: Path, output: Path, force: bool) -> None:
    """Calculate a workbook, any workbook, and write the value and the formula of every cell to a golden file."""
    from sheetprop.regression import values as write_values

    cells = write_values(file, output, force=force)
    click.echo(f"{output}: {len(cells):,} cells, {sum(one.formula is not None for one in cells):,} with formulas")


@click.command()
@click.argument("first", type=click.Path(path_type=Path))
@click.argument("second", type=click.Path(path_type=Path))
@click.option("--rel", type=float, default=1e-12, show_default=True, help="Relative tolerance.")
@click.option("--abs", "absolute", type=float, default=0.0, show_default=True, help="Absolute tolerance.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole result as JSON.")
def diff(first: Path, second: Path, rel: float, absolute: float, as_json: bool) -> int:
    """Say what moved between two workbooks or golden files: values, formulas, cells gone or added.

    Exits with 0 when nothing moved, 1 when something did, 2 when a file cannot be used.
    """
    from sheetprop.regression import diff as compare

    result = compare(first, second, rel=rel, abs=absolute)
    if as_json:
        click.echo(result.to_json())
    else:
        for change in result.changes[:_LISTED]:
            click.echo(change.message)
        rest = sum(result.counts.values()) - _LISTED
        if rest > 0:
            click.echo(f"... and {rest:,} more (--json lists them)")
        click.echo(f"{first} and {second}: {result.verdict}")
    return 0 if result.same else 1


COMMANDS: tuple[click.Command, ...] = (verify, values, diff)

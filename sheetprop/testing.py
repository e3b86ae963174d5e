"""For tests of your own: guard the values of a workbook with pytest, or with anything that knows `assert`."""

from __future__ import annotations

import os

from sheetprop.regression import diff

_SHOWN = 20


def assert_values(
    file: str | os.PathLike[str], golden: str | os.PathLike[str], *, rel: float = 1e-12, abs: float = 0.0
) -> None:
    """Fail unless the values and formulas of `file` are those of `golden`.

    Args:
        file: a workbook, which is evaluated, or a golden file.
        golden: written by ``sheetprop values FILE -o golden.csv``, or a workbook.
        rel: relative tolerance.
        abs: absolute tolerance.

    Raises:
        AssertionError: with the first changes, one a line.
        SheetpropError: a file cannot be used.
    """
    __tracebackhide__ = True
    found = diff(golden, file, rel=rel, abs=abs)
    if not found.same:
        lines = [change.message for change in found.changes[:_SHOWN]]
        rest = sum(found.counts.values()) - len(lines)
        if rest > 0:
            lines.append(f"... and {rest:,} more")
        raise AssertionError(f"{os.fspath(file)} is not as in {os.fspath(golden)}: {found.verdict}\n"
                             + "\n".join(lines))

"""The Python calls behind the commands: build a workbook, verify it, and look inside.

    python examples/python_calls.py [FOLDER]
"""

from __future__ import annotations

import sys
from pathlib import Path

import sheetprop


def main(folder: Path) -> None:
    """Build, verify and read a workbook in `folder`."""
    # sheetprop spec: what is learned. Everything that is not given comes from the preset or is drawn.
    spec = sheetprop.spec(preset="eva6", learning_rates=[0.5, 2.0], iterations=50)

    # sheetprop build: the workbook, every formula with its value.
    built = sheetprop.build(spec, folder / "eva6.xlsx", force=True)
    print(f"{built.path.name}: {built.formulas:,} formulas; E_total falls from {built.first_error[0]:.6f} "
          f"to {built.last_error[0]:.6f}")

    # sheetprop verify: every number against PyTorch.
    verdict = sheetprop.verify(built.path)
    print("agrees with PyTorch" if verdict.agrees else "differs from PyTorch")

    # sheetprop.open: change a constant, calculate, read the result, without Excel.
    book = sheetprop.open(built.path)
    book.set("Parameters!C15", 0.25)  # the input i1
    book.calculate()
    print(f"with i1 = 0.25 the error ends at {book['Compare']['B56']:.6f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path())

"""Time `sheetprop build`, values included, against writing the same formulas without values.

Whole processes in turn; the ratio of the medians is what counts:

    python benchmarks/build.py [--repeat 5] [--iterations 100,1000,10000] [--json]

openpyxl and XlsxWriter write the learning-rate sheets and Compare only: the same formulas, one by
one, with no values, styles or charts. sheetprop writes the whole workbook.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PLAIN = """
import sys
from sheetprop.network.spec import make_spec
from sheetprop.workbook.layout import Layout
layout = Layout(make_spec(iterations=int(sys.argv[1])))
def rows():
    # Templates make the text of the formulas cheap, so that the library's own time is what is measured.
    yield [layout.formula(c.symbol, 0) for c in layout.columns]
    template = [layout.formula(c.symbol, 5).replace("$8", "$@") for c in layout.columns]
    template = [t.replace("13", "{r}").replace("12", "{p}").replace("$@", "$8") for t in template]
    for iteration in range(1, layout.spec.iterations + 1):
        row = layout.FIRST_ROW + iteration
        yield [t.format(r=row, p=row - 1) for t in template]
"""

OPENPYXL = PLAIN + """
from openpyxl import Workbook
book = Workbook()
for name in layout.rate_sheets:
    sheet = book.create_sheet(name)
    for number, row in enumerate(rows(), start=layout.FIRST_ROW):
        for column, formula in enumerate(row, start=1):
            sheet.cell(number, column, "=" + formula)
sheet = book.create_sheet("Compare")
for number in range(layout.spec.iterations + 1):
    for column, name in enumerate(layout.rate_sheets, start=2):
        sheet.cell(number + 6, column, f"='{name}'!{layout.address('E_total', number)}")
book.save(sys.argv[2])
"""

XLSXWRITER = PLAIN + """
import xlsxwriter
book = xlsxwriter.Workbook(sys.argv[2])
for name in layout.rate_sheets:
    sheet = book.add_worksheet(name)
    for number, row in enumerate(rows(), start=layout.FIRST_ROW - 1):
        for column, formula in enumerate(row):
            sheet.write_formula(number, column, "=" + formula)
sheet = book.add_worksheet("Compare")
for number in range(layout.spec.iterations + 1):
    for column, name in enumerate(layout.rate_sheets, start=1):
        sheet.write_formula(number + 5, column, f"='{name}'!{layout.address('E_total', number)}")
book.close()
"""


def commands(iterations: int, folder: Path) -> dict[str, list[str]]:
    """Return the commands to time by name."""
    return {
        "sheetprop": [sys.executable, "-m", "sheetprop.cli.main", "build", "--iterations", str(iterations), "--force",
                      "-o", str(folder / "sheetprop.xlsx")],
        "openpyxl": [sys.executable, "-c", OPENPYXL, str(iterations), str(folder / "openpyxl.xlsx")],
        "XlsxWriter": [sys.executable, "-c", XLSXWRITER, str(iterations), str(folder / "xlsxwriter.xlsx")],
    }


def measure(iterations: int, repeat: int, folder: Path) -> dict[str, float]:
    """Return the median seconds of each program, run in turn."""
    programs = commands(iterations, folder)
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(repeat):
        for name, command in programs.items():
            start = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--iterations", default="100,1000,10000")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        for iterations in map(int, options.iterations.split(",")):
            results[iterations] = measure(iterations, options.repeat, Path(folder))
    if options.json:
        print(json.dumps(results, indent=2))
        return
    print("| iterations | sheetprop | openpyxl | XlsxWriter | sheetprop / openpyxl | sheetprop / XlsxWriter |")
    print("| --- | --- | --- | --- | --- | --- |")
    for iterations, row in results.items():
        ours, plain, writer = row["sheetprop"], row["openpyxl"], row["XlsxWriter"]
        print(f"| {iterations:,} | {ours:.2f} s | {plain:.2f} s | {writer:.2f} s | {ours / plain:.2f} "
              f"| {ours / writer:.2f} |")


if __name__ == "__main__":
    main()

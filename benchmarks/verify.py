"""Time `sheetprop verify`, and its engine against other programs that evaluate the same workbook.

Every program runs in a process of its own, from its start to its end, in turns, several times; the
medians are printed with their ratio to ours. Run: python benchmarks/verify.py [--iterations 100] [--model]
(`--model` adds the whole ExcelModel of `formulas`, once; it takes minutes, and `--limit` ends it).
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ENGINE = "import sys; from sheetprop.engine import book; book.open(sys.argv[1]).calculate()"
PROGRAMS = {
    "sheetprop verify (all of it)": "import sys, sheetprop; assert sheetprop.verify(sys.argv[1]).agrees",
    "sheetprop's engine": ENGINE,
    "formualizer": "import sys, formualizer; formualizer.load_workbook(sys.argv[1]).evaluate_all()",
    "ironcalc": "import sys, ironcalc; m = ironcalc.load_from_xlsx(sys.argv[1], 'en', 'UTC', 'en'); m.evaluate()",
    "formulas, compiled functions": "import sys; from sheetprop.engine.oracles.programs import evaluate; "
                                    "evaluate(sys.argv[1], 'formulas')",
}
MODEL = ("formulas ExcelModel", "import sys, formulas; formulas.ExcelModel().loads(sys.argv[1]).finish().calculate()")


def seconds(code: str, path: Path, limit: float) -> float:
    """Return the wall time of a process, infinite when it takes longer than `limit` seconds."""
    start = time.perf_counter()
    try:
        subprocess.run([sys.executable, "-c", code, str(path)], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, timeout=limit)
    except subprocess.TimeoutExpired:
        return math.inf
    return time.perf_counter() - start


def main() -> None:
    """Measure and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--iterations", type=int, default=100)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--model", action="store_true")
    parser.add_argument("--limit", type=float, default=600.0, help="seconds that a process may take")
    given = parser.parse_args()
    import sheetprop

    programs = dict(PROGRAMS) | (dict([MODEL]) if given.model else {})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "book.xlsx"
        built = sheetprop.build(sheetprop.spec(iterations=given.iterations), path)
        taken: dict[str, list[float]] = {name: [] for name in programs}
        for turn in range(given.turns):
            for name, code in programs.items():
                if name != MODEL[0] or turn == 0:
                    taken[name].append(seconds(code, path, given.limit))
        ours = statistics.median(taken["sheetprop's engine"])
        print(f"6 learning rates x {given.iterations} iterations, {built.formulas:,} formulas, whole processes, "
              f"medians of {given.turns}, {os.cpu_count()} cores\n")
        print("| program | seconds | of sheetprop's engine |\n| --- | ---: | ---: |")
        for name, times in taken.items():
            median = statistics.median(times)
            if math.isinf(median):
                print(f"| {name} | over {given.limit:.0f} | over {given.limit / ours:.0f} |")
            else:
                print(f"| {name} | {median:.2f} | {median / ours:.1f} |")


if __name__ == "__main__":
    main()

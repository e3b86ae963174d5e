"""Seconds for each format of the default report: whole processes, workbook and record given.

    python benchmarks/report.py [--runs 3] [--record reports/runs/fast]

Bars: HTML under 3 s, all three formats under 10 s, on a quiet machine with two cores.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BARS = {"html": 3.0, "html,pdf,md": 10.0}


def timed(command: list[str]) -> tuple[float, float]:
    """Return wall seconds and processor seconds of a command and its children."""
    before, start = os.times(), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - start, os.times()
    return wall, (after.children_user + after.children_system) - (before.children_user + before.children_system)


def main() -> None:
    """Build the default workbook and time the report of it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--record", type=Path, default=ROOT / "reports" / "runs" / "fast")
    options = parser.parse_args()
    program = [sys.executable, "-c", "from sheetprop.cli.main import main; main()"]
    with tempfile.TemporaryDirectory() as folder:
        workbook = Path(folder) / "sheetprop.xlsx"
        subprocess.run([*program, "build", "-o", str(workbook)], check=True, stdout=subprocess.DEVNULL)
        print(f"default workbook, record {options.record.name}; median of {options.runs}; "
              f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
        print("| format | wall s | processor s | bar | size |\n| --- | ---: | ---: | ---: | ---: |")
        for formats in ("html", "md", "pdf", "html,pdf,md"):
            out = Path(folder) / formats.replace(",", "-")
            command = [*program, "report", "--workbook", str(workbook), "--run", str(options.record), "--format",
                       formats, "-o", str(out), "--force"]
            taken = [timed(command) for _ in range(options.runs)]
            wall, cpu = (statistics.median(values) for values in zip(*taken, strict=True))
            size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
            bar = f"{BARS[formats]:.0f}" if formats in BARS else ""
            print(f"| {formats} | {wall:.1f} | {cpu:.1f} | {bar} | {size / 1e6:.1f} MB |")


if __name__ == "__main__":
    main()

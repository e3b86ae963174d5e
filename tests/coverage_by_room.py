"""Prints the share of lines that the tests run, room by room, from a report of `coverage json`.

    pytest --cov=sheetprop --cov-report=json:coverage.json && python tests/coverage_by_room.py coverage.json
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path


def rooms(report: dict[str, dict[str, dict[str, dict[str, int]]]]) -> dict[str, tuple[int, int]]:
    """Return room -> (lines run, lines) of a coverage report; the engine's rooms by themselves."""
    run: Counter[str] = Counter()
    lines: Counter[str] = Counter()
    for name, entry in report["files"].items():
        parts = Path(name).parts
        inside = parts[parts.index("sheetprop") + 1:-1]
        room = ".".join(inside[:2]) if inside[:1] == ("engine",) else ".".join(inside[:1])
        run[room or "sheetprop"] += entry["summary"]["covered_lines"]
        lines[room or "sheetprop"] += entry["summary"]["num_statements"]
    return {room: (run[room], lines[room]) for room in sorted(lines)}


def main() -> None:
    """Read the report named on the command line and print the table."""
    found = rooms(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    for room, (run, lines) in found.items():
        sys.stdout.write(f"{room:24} {100 * run / max(1, lines):6.1f} %  of {lines:6,} lines\n")
    run, lines = (sum(pair[at] for pair in found.values()) for at in (0, 1))
    sys.stdout.write(f"{'all':24} {100 * run / max(1, lines):6.1f} %  of {lines:6,} lines\n")


if __name__ == "__main__":
    main()

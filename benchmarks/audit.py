"""How many planted mistakes the audit finds, how often it is wrong about right sheets, and how fast it is.

    python benchmarks/audit.py [--mistakes 1000] [--clean 1000] [--speed 100] [--jobs 2]
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "auditing"))

import random_sheets

from sheetprop.auditing.folder import audit_many, audit_safely
from sheetprop.engine.formula.references import address, area_at


def cells_of(text: str) -> set[str]:
    """Return the single cells of ranges."""
    found: set[str] = set()
    for part in text.split(","):
        top, left, bottom, right = area_at(part)
        found |= {address(row, column) for row in range(top, bottom + 1) for column in range(left, right + 1)}
    return found


def trial(job: tuple[int, str]) -> tuple[int, str, bool, bool, int, str]:
    """Make one sheet and audit it: (seed, kind, made, found, findings beside the planted cells, what was said)."""
    seed, kind = job
    with tempfile.TemporaryDirectory() as folder:
        planted = random_sheets.make(Path(folder) / "book.xlsx", seed, kind)
        if not planted.made:
            return seed, kind, False, False, 0, ""
        answer = audit_safely(str(planted.path))
    if answer.error:
        return seed, kind, True, False, 1, answer.error
    hits = [one for one in answer.findings if one.sheet == planted.sheet and cells_of(one.cells) & planted.cells]
    said = " | ".join(f"{one.kind}: {one.sheet}!{one.sentence()}" for one in answer.findings)
    return seed, kind, True, bool(hits), len(answer.findings) - len(hits), said + " || " + "; ".join(answer.notes)


def main() -> None:
    """Print the three figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--mistakes", type=int, default=1000)
    parser.add_argument("--clean", type=int, default=1000)
    parser.add_argument("--speed", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--kinds", default="")
    parser.add_argument("--show", action="store_true")
    given = parser.parse_args()
    kinds = given.kinds.split(",") if given.kinds else random_sheets.KINDS
    with ProcessPoolExecutor(given.jobs) as pool:
        jobs = [(given.seed + k, kinds[(given.seed + k) % len(kinds)]) for k in range(given.mistakes)]
        results = [one for one in pool.map(trial, jobs, chunksize=4) if one[2]]
        made, found = Counter(one[1] for one in results), Counter(one[1] for one in results if one[3])
        for kind in kinds if results else ():
            print(f"{kind:20} {found[kind]:4} of {made[kind]:4}")
        if given.show:
            for one in results:
                if not one[3]:
                    print("MISSED", one[0], one[1], one[5][:900])
        if results:
            total = sum(found.values())
            extra = sum(1 for one in results if one[4])
            print(f"planted mistakes found with the right cells: {total} of {len(results)} "
                  f"({100 * total / len(results):.1f} %); sheets with a further finding: {extra}")
        clean = list(pool.map(trial, [(given.seed + 50_000 + k, "") for k in range(given.clean)], chunksize=4))
        alarms = [one for one in clean if one[4]]
        for one in alarms[:12] if given.show else ():
            print("ALARM", one[0], one[5][:900])
        if clean:
            unseen = sum("not audited" in one[5] for one in clean)
            print(f"right sheets with a finding: {len(alarms)} of {len(clean)}; with something not placed: {unseen}")
    if given.speed:
        with tempfile.TemporaryDirectory() as folder:
            for k in range(given.speed):
                kind = "swap" if k % 5 < 2 else ""
                random_sheets.make(Path(folder) / f"{k:03}.xlsx", 90_000 + k, kind, formulas=2000)
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            start = time.perf_counter()
            answers = audit_many([folder], jobs=given.jobs)
            seconds = time.perf_counter() - start
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            print(f"{len(answers)} files of about 2,000 formulas, two in five with a mistake: {seconds:.1f} s with "
                  f"{given.jobs} processes, {busy:.1f} s of processor time, load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()

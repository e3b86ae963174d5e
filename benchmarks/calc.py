"""Times sheetprop's engine against other engines: whole processes in turn, one core, median of several runs.

    python benchmarks/calc.py                      # the tables of the README
    python benchmarks/calc.py --sizes 100,1000 --runs 3 --also libreoffice,formulas
    python benchmarks/calc.py --real FOLDER        # real workbooks beside the generated ones
    python benchmarks/calc.py --part scenarios     # thousands of scenarios, and a gradient

The workbooks are made here with plain openpyxl: a 2-2-2 network that learns at six rates, one
sheet each, a row an iteration, and a sheet that compares them.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

RATES = (0.1, 0.2, 0.5, 0.8, 1.0, 2.0)
FIRST = 7

FORMUALIZER = """
import sys, formualizer as fz
wb = fz.load_workbook(sys.argv[1])
wb.evaluate_all()
print(wb.get_value(wb.sheet_names[-1], int(sys.argv[2]), 2))
"""
FORMUALIZER_SAVE = """
import sys, formualizer as fz
fz.recalculate_file(sys.argv[1], sys.argv[3])
"""
IRONCALC = """
import sys, ironcalc
m = ironcalc.load_from_xlsx(sys.argv[1], "en", "UTC", "en")
m.evaluate()
"""
IRONCALC_SAVE = IRONCALC + "m.save_to_xlsx(sys.argv[3])\n"
FORMULAS = """
import sys, formulas
formulas.ExcelModel().loads(sys.argv[1]).finish().calculate()
"""
PYCEL = """
import sys
from pycel import ExcelCompiler
c = ExcelCompiler(filename=sys.argv[1])
print(c.evaluate(f"Compare!B{sys.argv[2]}"))
"""


def write_book(path: Path, iterations: int, *, disturbed: bool = False) -> int:
    """Write the six-rate workbook and return its number of formulas."""
    import openpyxl

    book = openpyxl.Workbook()
    parameters = book.active
    parameters.title = "Parameters"
    for row, value in enumerate((0.05, 0.1, 0.01, 0.99, 0.15, 0.2, 0.25, 0.3, 0.4, 0.45, 0.5, 0.55), start=5):
        parameters.cell(row, 3, value)
    for row, rate in enumerate(RATES, start=20):
        parameters.cell(row, 3, rate)
    chance = random.Random(7)
    formulas = 0
    for number, rate in enumerate(RATES):
        sheet = book.create_sheet(f"LR {rate}")
        sheet["A1"] = f"learning rate {rate}"
        for row in range(FIRST, FIRST + iterations + 1):
            for column, text in enumerate(row_formulas(row, number), start=1):
                if disturbed and row % 10 == 0 and isinstance(text, str):
                    text = disturb(text, chance)
                sheet.cell(row, column, text)
                formulas += isinstance(text, str)
    compare = book.create_sheet("Compare")
    for row in range(FIRST, FIRST + iterations + 1):
        compare.cell(row, 1, f"='LR {RATES[0]}'!A{row}")
        for column, rate in enumerate(RATES, start=2):
            compare.cell(row, column, f"='LR {rate}'!X{row}")
        formulas += 1 + len(RATES)
    book.save(path)
    return formulas


def row_formulas(row: int, number: int) -> list[object]:
    """Return the cells A to AF of one iteration."""
    above = row - 1
    cells: list[object] = [0 if row == FIRST else f"=A{above}+1"]
    cells += ["=Parameters!$C$5", "=Parameters!$C$6", "=Parameters!$C$7", "=Parameters!$C$8"]
    gradients = ["Y", "Z", "AA", "AB", "AC", "AD", "AE", "AF"]
    for at, weight in enumerate("FGHIJKLM"):
        cells.append(f"=Parameters!$C${9 + at}" if row == FIRST else
                     f"={weight}{above}-Parameters!$C${20 + number}*{gradients[at]}{above}")
    r = row
    cells += [f"=F{r}*B{r}+G{r}*C{r}", f"=H{r}*B{r}+I{r}*C{r}",
              f"=IF(N{r}<-708,0,1/(1+EXP(-N{r})))", f"=IF(O{r}<-708,0,1/(1+EXP(-O{r})))",
              f"=J{r}*P{r}+K{r}*Q{r}", f"=L{r}*P{r}+M{r}*Q{r}",
              f"=IF(R{r}<-708,0,1/(1+EXP(-R{r})))", f"=IF(S{r}<-708,0,1/(1+EXP(-S{r})))",
              f"=0.5*(D{r}-T{r})^2", f"=0.5*(E{r}-U{r})^2", f"=V{r}+W{r}"]
    one, two = f"(T{r}-D{r})*T{r}*(1-T{r})", f"(U{r}-E{r})*U{r}*(1-U{r})"
    first, second = f"({one}*J{r}+{two}*L{r})*P{r}*(1-P{r})", f"({one}*K{r}+{two}*M{r})*Q{r}*(1-Q{r})"
    cells += [f"={first}*B{r}", f"={first}*C{r}", f"={second}*B{r}", f"={second}*C{r}",
              f"={one}*P{r}", f"={one}*Q{r}", f"={two}*P{r}", f"={two}*Q{r}"]
    return cells


def disturb(text: str, chance: random.Random) -> str:
    """Return a formula that means the same and reads differently."""
    way = chance.randrange(3)
    if way == 0:
        return text.replace("*", " * ").replace("=", "= ", 1)
    if way == 1:
        return text + "+0"
    swapped = text[1:].split("+")
    return "=" + "+".join(reversed(swapped)) if len(swapped) == 2 and "(" not in text else text + "+0"


def timed(command: list[str]) -> tuple[float, float]:
    """Run a command; return its wall seconds and its peak memory in MB."""
    # Modules are compiled once and kept, as they are wherever a package is installed.
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        raise RuntimeError(f"{' '.join(command[:4])} ended with {process.returncode}")
    return seconds, usage.ru_maxrss / 1024


def made(path: Path, iterations: int, *, disturbed: bool = False) -> int:
    """Write a workbook in a process of its own, so that this one stays small: children start as its copies."""
    done = subprocess.run([sys.executable, __file__, "--make", str(path), str(iterations), "01"[disturbed]],
                          capture_output=True, text=True, check=True)
    return int(done.stdout)


def commands(book: Path, last_row: int, out: Path, save: bool, also: list[str],
             leave_out: list[str]) -> dict[str, list[str]]:
    """Return the command of each engine for one workbook."""
    sheetprop = shutil.which("sheetprop", path=str(Path(sys.executable).parent)) or "sheetprop"
    tail = [str(book), str(last_row), str(out)]
    found = {"sheetprop": [sheetprop, "calc", str(book), *(["-o", str(out), "--force"] if save else [])],
             "formualizer": [sys.executable, "-c", FORMUALIZER_SAVE if save else FORMUALIZER, *tail],
             "ironcalc": [sys.executable, "-c", IRONCALC_SAVE if save else IRONCALC, *tail]}
    if "libreoffice" in also:
        profile = f"-env:UserInstallation=file://{out.parent}/profile"
        found["libreoffice"] = ["soffice", profile, "--headless", "--convert-to", "xlsx", "--outdir",
                                str(out.parent / "lo"), str(book)]
    if not save and "formulas" in also:
        found["formulas"] = [sys.executable, "-c", FORMULAS, *tail]
    if not save and "pycel" in also:
        found["pycel"] = [sys.executable, "-c", PYCEL, *tail]
    return {name: command for name, command in found.items() if name not in leave_out}


def compare(title: str, book: Path, last_row: int, given: argparse.Namespace, save: bool, also: list[str],
            folder: Path) -> None:
    """Print one table: the engines in turn, as often as asked for."""
    out = folder / "out.xlsx"
    took: dict[str, list[tuple[float, float]]] = {}
    for _ in range(given.runs):
        for name, command in commands(book, last_row, out, save, also, given.without.split(",")).items():
            out.unlink(missing_ok=True)
            try:
                took.setdefault(name, []).append(timed(command))
            except RuntimeError as error:
                print(f"   {name}: {error}", file=sys.stderr)
                took.setdefault(name, []).append((float("nan"), float("nan")))
    base = statistics.median(seconds for seconds, _ in took["formualizer"])
    base_memory = statistics.median(memory for _, memory in took["formualizer"])
    for name, results in took.items():
        seconds = statistics.median(result[0] for result in results)
        memory = statistics.median(result[1] for result in results)
        print(f"| {title} | {name} | {seconds:.3f} s | {seconds / base:.2f} | {memory:.0f} MB | "
              f"{memory / base_memory:.2f} |", flush=True)


def heading() -> None:
    """Print the head of a table."""
    print("| workbook | engine | time | ÷ formualizer | memory | ÷ formualizer |\n"
          "| --- | --- | ---: | ---: | ---: | ---: |")


def scenarios(folder: Path, count: int, runs: int) -> None:
    """Print how long thousands of scenarios and a gradient take, in single evaluations (processor time)."""
    import numpy as np

    import sheetprop

    path = folder / "scenarios.xlsx"
    write_book(path, 100)
    book = sheetprop.open(path)
    function = book.function(inputs=["Parameters!C20"], outputs=[f"LR {RATES[0]}!X{FIRST + 100}"])
    weights = book.function(inputs=["Parameters!C9:C16", "Parameters!C20"], outputs=[f"LR {RATES[0]}!X{FIRST + 100}"])

    def took(call: Callable[[], object], times: int = 1) -> float:
        start = time.process_time()
        for _ in range(times):
            call()
        return (time.process_time() - start) / times

    def beside(call: Callable[[], object], one: Callable[[], object], times: int = 1) -> tuple[float, float]:
        """Return seconds of a call and, the median of pairs taken in turn, in times of the other one."""
        call(), one()
        pairs = [(took(call, times), (took(one, 20) + took(one, 20)) / 2) for _ in range(5 * runs)]
        return statistics.median(mine for mine, _ in pairs), statistics.median(mine / single for mine, single in pairs)

    rates = np.linspace(0.01, 2.0, count).reshape(-1, 1)
    one = np.array([0.5])
    print("| what | time | in single evaluations |\n| --- | ---: | ---: |")
    single, _ = beside(lambda: function(one), lambda: function(one), 20)
    print(f"| one evaluation, plain Python | {single * 1e3:.3f} ms | 1 |")
    many, ratio = beside(lambda: function(rates), lambda: function(one))
    print(f"| {count:,} scenarios, NumPy | {many * 1e3:.1f} ms | {ratio:.0f} |")
    try:
        fast, ratio = beside(lambda: function(rates, backend="numba"), lambda: function(one))
        print(f"| {count:,} scenarios, numba | {fast * 1e3:.1f} ms | {ratio:.0f} |")
    except sheetprop.SheetpropError as error:
        print(f"numba: {error}", file=sys.stderr)
    slope, ratio = beside(weights.value_and_gradient, weights, 20)
    print(f"| gradient with respect to {len(weights.input_cells)} inputs | {slope * 1e3:.3f} ms | {ratio:.2f} |")


def main() -> None:
    """Read the options and print the tables."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--sizes", default="100,1000,10000", help="iterations of the generated workbooks")
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--also", default="", help="libreoffice, formulas, pycel: slow ones, at the smallest size")
    options.add_argument("--without", default="", help="engines to leave out, such as ironcalc")
    options.add_argument("--real", type=Path, help="a folder of real workbooks")
    options.add_argument("--part", default="calc,save,disturbed,scenarios", help="which tables")
    options.add_argument("--scenarios", type=int, default=10_000)
    options.add_argument("--make", nargs=3, metavar=("FILE", "ITERATIONS", "DISTURBED"), help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.make:
        print(write_book(Path(given.make[0]), int(given.make[1]), disturbed=given.make[2] == "1"))
        return
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    sizes = [int(part) for part in given.sizes.split(",") if part]
    wanted = given.part.split(",")
    also = [part for part in given.also.split(",") if part]
    with tempfile.TemporaryDirectory(prefix="sheetprop-bench-") as name:
        folder = Path(name)
        books: dict[int, tuple[Path, int]] = {}
        for size in sizes if {"calc", "save"} & set(wanted) else []:
            path = folder / f"book{size}.xlsx"
            books[size] = (path, made(path, size))
        for part, save in (("calc", False), ("save", True)):
            if part in wanted:
                print("\ncalculate" + (" and save" if save else "") + "\n")
                heading()
                for at, (size, (path, count)) in enumerate(books.items()):
                    slow = also if at == 0 else []
                    compare(f"{count:,} formulas", path, FIRST + size, given, save, slow, folder)
        if "disturbed" in wanted:
            print("\ncalculate, every tenth row's formulas disturbed\n")
            heading()
            for size in sizes:
                path = folder / f"disturbed{size}.xlsx"
                count = made(path, size, disturbed=True)
                compare(f"{count:,} formulas, disturbed", path, FIRST + size, given, False, [], folder)
        if given.real is not None:
            print("\ncalculate, real workbooks\n")
            heading()
            for path in sorted(given.real.glob("*.xls[xm]")):
                compare(path.name.split("__")[0], path, 1, given, False, [], folder)
        if "scenarios" in wanted:
            print("\nscenarios and gradient\n")
            scenarios(folder, given.scenarios, given.runs)


if __name__ == "__main__":
    main()

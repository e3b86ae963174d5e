"""Mutation testing: small slips put into the code, one at a time, and whether the tests see them.

    python tests/mutants.py --rooms engine.file,verification --sample 40 --seed 1
    python tests/mutants.py --rooms all --sample 300 --json mutants.json

A mutant is one changed operator, comparison, constant, `and`/`or`, `not`, or a keyword argument left
out, drawn at random over the modules of the rooms. It lives in a copy of the checkout, in which the
tests of its room run until the first failure. A mutant that the tests pass *survived*: look whether
it changes what a user sees, and write the test that is missing. One that runs longer than `--seconds`
counts as killed and is marked, since an endless loop is seen too. The unchanged copy runs first: where its
tests fail nothing can be said.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Room -> the tests that answer for it.
TESTS: dict[str, tuple[str, ...]] = {
    "engine": ("tests/engine",),
    "network": ("tests/network", "tests/workbook/test_build.py"),
    "modules": ("tests/modules",),
    "workbook": ("tests/workbook", "tests/verification"),
    "verification": ("tests/verification", "tests/regression"),
    "auditing": ("tests/auditing",),
    "mnist": ("tests/mnist",),
    "reporting": ("tests/reporting",),
}
COMPARED: dict[type[ast.cmpop], str] = {
    ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "==", ast.Is: "is not",
    ast.IsNot: "is", ast.In: "not in", ast.NotIn: "in"}
REPLACED: dict[type[ast.operator], str] = {
    ast.Add: "-", ast.Sub: "+", ast.Mult: "/", ast.Div: "*", ast.FloorDiv: "*", ast.Mod: "*", ast.Pow: "*"}


@dataclass(frozen=True)
class Mutant:
    """One slip: in `file`, the text from `start` to `end` (characters) becomes `text`."""

    file: str
    line: int
    start: int
    end: int
    before: str
    text: str


class _Places(ast.NodeVisitor):
    """Collects every place at which a module can be mutated."""

    def __init__(self, path: Path) -> None:
        self.source = path.read_text(encoding="utf-8")
        self.file = str(path.relative_to(ROOT))
        self.found: list[Mutant] = []
        lengths = [len(line.encode()) for line in self.source.splitlines(keepends=True)]
        self._starts = [sum(lengths[:at]) for at in range(len(lengths) + 1)]
        self._bytes = self.source.encode()

    def _note(self, node: ast.expr, text: str) -> None:
        if node.lineno != node.end_lineno or node.end_col_offset is None:
            return
        start = self._starts[node.lineno - 1] + node.col_offset
        end = self._starts[node.lineno - 1] + node.end_col_offset
        before = self._bytes[start:end].decode()
        if before != text:
            self.found.append(Mutant(self.file, node.lineno, start, end, before, text))

    def visit_Compare(self, node: ast.Compare) -> None:
        if len(node.ops) == 1 and type(node.ops[0]) in COMPARED:
            self._note(node, f"({ast.unparse(node.left)} {COMPARED[type(node.ops[0])]} "
                             f"{ast.unparse(node.comparators[0])})")
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        texts = isinstance(node.left, ast.JoinedStr) or isinstance(node.right, ast.JoinedStr) or any(
            isinstance(side, ast.Constant) and isinstance(side.value, str | bytes) for side in (node.left, node.right))
        if type(node.op) in REPLACED and not texts:
            self._note(node, f"({ast.unparse(node.left)} {REPLACED[type(node.op)]} {ast.unparse(node.right)})")
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        word = " or " if isinstance(node.op, ast.And) else " and "
        self._note(node, "(" + word.join(f"({ast.unparse(value)})" for value in node.values) + ")")
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Not | ast.USub):
            self._note(node, f"({ast.unparse(node.operand)})")
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, bool):
            self._note(node, str(not node.value))
        elif isinstance(node.value, int):
            self._note(node, str(node.value + 1))

    def visit_Call(self, node: ast.Call) -> None:
        for keyword in node.keywords:
            if keyword.arg is not None and len(node.args) + len(node.keywords) > 1:
                shorter = ast.Call(node.func, node.args, [other for other in node.keywords if other is not keyword])
                self._note(node, ast.unparse(shorter))
        self.generic_visit(node)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        del node  # messages and generated code as text: their parts are strings, not slips of logic

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_arguments(self, node: ast.arguments) -> None:
        for default in [*node.defaults, *node.kw_defaults]:
            if default is not None:
                self.visit(default)

    def visit_Raise(self, node: ast.Raise) -> None:
        del node


def places(room: str) -> Iterator[Mutant]:
    """Yield every mutant of a room, "engine.file" or "mnist"."""
    folder = ROOT / "sheetprop" / room.replace(".", "/")
    for path in sorted(folder.rglob("*.py")) if folder.is_dir() else [folder.with_suffix(".py")]:
        visitor = _Places(path)
        visitor.visit(ast.parse(visitor.source))
        yield from visitor.found


def run(copy: Path, tests: tuple[str, ...], seconds: float) -> str:
    """Return "passed", "failed" or "endless"."""
    there = [test for test in tests if (copy / test).exists()]
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--no-header", *there]
    process = subprocess.Popen(command, cwd=copy, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               env={**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"},
                               start_new_session=True)
    try:
        return "passed" if process.wait(seconds) == 0 else "failed"
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        process.wait()
        return "endless"


def main() -> None:
    """Draw mutants, run the tests on each, print who survived."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rooms", default="all", help="comma-separated; engine.file is a room within a room")
    parser.add_argument("--sample", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--tests", help="comma-separated test files in place of the room's own")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    rooms = [room for room in TESTS if (ROOT / "sheetprop" / room).is_dir()] if given.rooms == "all" \
        else given.rooms.split(",")
    every = [(room, mutant) for room in rooms for mutant in places(room)]
    drawn = random.Random(given.seed).sample(every, min(given.sample, len(every)))
    results: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copy = Path(folder) / "copy" / "main"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".git", "__pycache__", "venv", ".venv", "reports"))
        if (ROOT / "reports").is_dir():
            (copy / "reports").symlink_to(ROOT / "reports")
        if (ROOT.parent / "shared").is_dir():
            (copy.parent / "shared").symlink_to(ROOT.parent / "shared")
        chosen = tuple(given.tests.split(",")) if given.tests else None
        for room in sorted({room for room, _ in drawn}):
            if (said := run(copy, chosen or TESTS[room.partition(".")[0]], given.seconds)) != "passed":
                sys.exit(f"the tests of {room} do not pass on the unchanged code ({said})")
        for room, mutant in drawn:
            target = copy / mutant.file
            content = target.read_bytes()
            target.write_bytes(content[:mutant.start] + mutant.text.encode() + content[mutant.end:])
            said = run(copy, chosen or TESTS[room.partition(".")[0]], given.seconds)
            target.write_bytes(content)
            results.append({**asdict(mutant), "room": room, "result": said})
            word = {"passed": "SURVIVED", "failed": "killed", "endless": "killed (endless)"}[said]
            print(f"{word:16} {mutant.file}:{mutant.line}  {mutant.before}  ->  {mutant.text}", flush=True)
    for room in rooms:
        own = [result["result"] for result in results if result["room"] == room]
        if own:
            print(f"{room}: {sum(result != 'passed' for result in own)} of {len(own)} killed")
    if given.json:
        given.json.write_text(json.dumps(results, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()

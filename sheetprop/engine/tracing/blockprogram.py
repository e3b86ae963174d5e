"""A function's scalar lines as a program over blocks of scenarios, which a compiler turns into vector code.

A block is `WIDTH` scenarios side by side. What a line leaves for later lines stands in a row of
the array ``S``; everything between is a local variable of the innermost loop, which runs over
the scenarios of the block and has no branches, so that the compiler can do several at once.
"""

from __future__ import annotations

import re

WIDTH = 64
_NAME = re.compile(r"[A-Za-z_]\w*")
_KEPT = re.compile(r"(?:[iv]\d+|p\d+_\d+)\Z")
_LOOP = re.compile(r"for i in range\(\d+, \d+\):\Z")
_ARRAY = re.compile(r"(L\d+_\d+) = empty\((\d+)\)\Z")
_GATHERED = re.compile(r"(G\d+) = \[(.*)\]\Z", re.DOTALL)
_PLACE = re.compile(r"\b((?:L\d+_\d+|G\d+)\[)([^\]]+)\]")


class _Block:
    """The lines of the function that runs one block."""

    def __init__(self) -> None:
        self.rows: dict[str, int] = {}
        self.arrays: list[str] = []
        self.lines: list[str] = []

    def row(self, name: str) -> str:
        """Return the place in ``S`` of a variable that outlives its line."""
        at = self.rows.setdefault(name, len(self.rows))
        return f"S[{at * WIDTH}+s]"

    def over(self, lines: list[str], indent: str, count: str = str(WIDTH)) -> None:
        """Write lines as one loop over the scenarios: read what they need, keep what they leave."""
        if not lines:
            return
        made: dict[str, None] = {}
        needed: dict[str, None] = {}
        for line in lines:
            target, mark, rest = line.partition(" = ")
            needed.update((name, None) for name in _NAME.findall(rest if mark else line)
                          if _KEPT.match(name) and name not in made)
            if mark and _KEPT.match(target):
                made[target] = None
        self.lines.append(f"{indent}for s in range({count}):")
        self.lines += [f"{indent}  {name} = {self.row(name)}" for name in needed]
        self.lines += [indent + "  " + _PLACE.sub(r"\1\2, s]", line) for line in lines]
        self.lines += [f"{indent}  {self.row(name)} = {name}" for name in made]


def over_lanes(forward: list[str], inputs: int, results: list[str]) -> str:
    """Return the source of ``block`` and ``run``.

    Args:
        forward: lines that calculate one scenario: assignments, and loops over rows of them.
        inputs: how many inputs there are, the variables ``i0``, ``i1``, ...
        results: the outputs as expressions.

    Returns:
        Python text; ``run(I, O)`` fills O (scenarios, outputs) from I (scenarios, inputs).
    """
    block = _Block()
    block.over([f"i{at} = I[min(first + s, last - 1), {at}]" for at in range(inputs)], "  ")
    straight: list[str] = []
    at = 0
    while at < len(forward):
        line = forward[at]
        at += 1
        loop, array, gathered = _LOOP.match(line), _ARRAY.match(line), _GATHERED.match(line)
        if array:
            block.arrays.append(f"  {array.group(1)} = empty(({array.group(2)}, {WIDTH}))")
        elif gathered:
            leaves = gathered.group(2).split(", ")
            block.arrays.append(f"  {gathered.group(1)} = empty(({len(leaves)}, {WIDTH}))")
            straight += [f"{gathered.group(1)}[{place}] = {leaf}" for place, leaf in enumerate(leaves)]
        elif loop:
            body: list[str] = []
            while at < len(forward) and forward[at].startswith("  "):
                body.append(forward[at][2:])
                at += 1
            block.over(straight, "  ")
            straight = []
            block.lines.append(f"  {line}")
            block.over(body, "    ")
        else:
            straight.append(line)
    block.over(straight, "  ")
    block.over([f"O[first + s, {place}] = {text}" for place, text in enumerate(results)], "  ", "last - first")
    return "\n".join(["def block(I, O, first, last):", f"  S = empty({max(1, len(block.rows)) * WIDTH})",
                      *block.arrays, *block.lines,
                      "def run(I, O):", f"  for part in prange((I.shape[0] + {WIDTH - 1}) // {WIDTH}):",
                      f"    block(I, O, part*{WIDTH}, min(I.shape[0], part*{WIDTH} + {WIDTH}))"])

"""Prints expressions as lines of Python: over floats, over arrays of scenarios, or for compiled loops."""

from __future__ import annotations

import re
from collections.abc import Callable

from sheetprop.engine.tracing.choosing import E
from sheetprop.engine.tracing.elements import plain
from sheetprop.engine.tracing.rules import SMOOTH
from sheetprop.engine.tracing.steps import printed

_NAMES = re.compile(r"[A-Za-z_]\w*")
# Operations of NumPy that can write into an array that is there already.
_INTO = {"+": "np_add", "-": "np_subtract", "*": "np_multiply", "/": "np_divide", "neg": "np_negative",
         "square": "np_multiply", "if": "pick"}
_INTO_SMOOTH = {"EXP": "exp", "TANH": "tanh", "SQRT": "sqrt", "LN": "log", "SIN": "sin", "COS": "cos", "ABS": "abs"}
# In these dialects an error is NaN and goes on; in the others it stops the calculation.
_UNCERTAIN = ("careful", "numba")


class Printer:
    """Prints the formulas of one function in one dialect.

    Attributes:
        arrays: names of the arrays that lines expect to find, to put results into.
        chooses: whether a printed choice may find nothing to take.
        numbers: numbers that array operations use -> the names under which they expect them.
    """

    def __init__(self, dialect: str, *, gradient: bool, fresh: Callable[[str], str]) -> None:
        """Print in `dialect` ("python", "numpy", "careful", "numba"); `fresh` gives new variable names."""
        self.dialect = dialect
        self.gradient = gradient
        self.fresh = fresh
        self.arrays: dict[str, None] = {}
        self.chooses = False
        self.numbers: dict[str, str] = {}
        self._seen: dict[str, str] = {}
        self._lent: set[str] = set()
        self._buffered: list[str] = []
        self._inside_loop = False

    def one_pass(self, formulas: list[tuple[str, E]], lent: set[str]) -> list[str]:
        """Return the lines of one pass through the formulas of a loop.

        Args:
            formulas: variables and their expressions, in order.
            lent: variables that no later pass reads, so that their arrays may be used again.
        """
        self._seen.clear()
        self._inside_loop, self._lent = True, lent
        lines = self._reused([line for name, expression in formulas for line in self.statements(name, expression)])
        self._seen.clear()
        self._inside_loop, self._lent = False, set()
        return lines

    def _reused(self, body: list[str]) -> list[str]:
        """Let results that are needed no more lend their arrays to later ones: few arrays stay in the cache."""
        inside = set(self._buffered)
        last: dict[str, int] = {}
        for at, line in enumerate(body):
            for name in _NAMES.findall(line):
                if name in inside:
                    last[name] = at
        free: list[str] = []
        given: dict[str, str] = {}
        made: list[str] = []
        lines: list[str] = []
        for at, line in enumerate(body):
            names = [name for name in _NAMES.findall(line) if name in inside]
            fresh = [name for name in names if name not in given]
            free.extend(given[name] for name in dict.fromkeys(names) if name in given and last[name] == at)
            for name in fresh:
                if not free:
                    made.append(f"b{len(made)}")
                    free.append(made[-1])
                given[name] = free.pop()
            lines.append(_NAMES.sub(lambda found: given.get(found.group(), found.group()), line))
        self._buffered = []
        self.arrays.update((name, None) for name in made)
        return lines

    def statements(self, target: str, e: E) -> list[str]:
        """Return the lines that give `target` an expression's value.

        Over arrays and in compiled loops each operation gets a line and is done once for all
        formulas of a row that share it.
        """
        if self.dialect == "python":
            return [f"{target} = {self.text(e)}"]
        lines: list[str] = []
        if e.op == "leaf" and e.active and self.dialect == "numpy" and not self.gradient:
            return [f"{target} = {e.text}*1.0"]  # a copy: the array may be lent to another result
        if e.op == "leaf":
            return [f"{target} = {self.text(e)}"]
        flat = self._flattened(e, lines)
        lines.append(self._into_array(target, flat) if target in self._lent else f"{target} = {self._bare(flat)}")
        if e.name and e.name != target:
            lines.append(f"{e.name} = {target}")
        return lines

    def _flattened(self, e: E, lines: list[str]) -> E:
        """Return an operation whose arguments are variables; their own lines are appended."""
        known = "safe" if e.op == "/" and _above_zero(e.args[1]) else e.text
        given = e.args
        if self.dialect == "numba" and e.op == "if" and _keeps_errors(e):
            known, given = "safe", (E("compare", given[0].args, f"{given[0].text} safe"), *given[1:])
        names = [self._shared(arg, lines) for arg in given]
        return E(e.op, tuple(E("leaf", text=name, active=arg.active) for name, arg in zip(names, given, strict=True)),
                 known, active=e.active)

    def _into_array(self, name: str, flat: E) -> str:
        """Return a line that puts an operation's result into an array kept for it."""
        call = _INTO_SMOOTH.get(flat.text) if flat.op == "smooth" else _INTO.get(flat.op)
        if self.dialect != "numpy" or self.gradient or not call or not flat.active:
            return f"{name} = {self._bare(flat)}"
        self._buffered.append(name)
        texts = [self._literal(arg) for arg in flat.args]
        if flat.op == "square":
            texts = texts * 2
        return f"{call}({', '.join(texts)}, {name})"

    def _literal(self, e: E) -> str:
        """Return an operand of NumPy; a number gets a name, under which it stands ready as an array."""
        if e.active or not e.text.strip("(-").replace(".", "", 1)[:1].isdigit():
            return e.text
        return self.numbers.setdefault(e.text, f"N{len(self.numbers)}")

    def _shared(self, e: E, lines: list[str]) -> str:
        """Print an expression operation by operation, those already there left out."""
        if e.op == "leaf":
            return e.text
        flat = self._flattened(e, lines)
        text = self._bare(flat)
        held = self._seen.get(text)
        if held is None:
            held = self._seen[text] = e.name or self.fresh("t")
            lines.append(self._into_array(held, flat) if self._inside_loop else f"{held} = {text}")
        elif e.name and e.name != held:
            lines.append(f"{e.name} = {held}")
        return held

    def text(self, e: E) -> str:
        """Print an expression; operations whose values the backward part needs are given names."""
        inner = self._bare(e)
        if e.name and e.op != "leaf":
            return f"({e.name} := {inner})"
        return inner

    def _bare(self, e: E) -> str:
        """Print an expression without its name."""
        if e.op == "leaf":
            return e.text
        if e.op == "neg":
            return f"(-{self.text(e.args[0])})"
        if e.op in ("+", "-", "*"):
            return f"({self.text(e.args[0])}{e.op}{self.text(e.args[1])})"
        if e.op == "/":
            if self.dialect in _UNCERTAIN and plain(e.args[1]) in (None, 0.0) and e.text != "safe":
                return f"div({self.text(e.args[0])}, {self.text(e.args[1])})"
            return f"({self.text(e.args[0])}/{self.text(e.args[1])})"
        if e.op == "square":
            base = self.text(e.args[0])
            if base.isidentifier():
                return f"({base}*{base})"
            held = e.args[0].name or self.fresh("s")
            return f"({base if e.args[0].name else f'({held} := {base})'}*{held})"
        if e.op in ("near", "final"):
            return f"{e.op}({self.text(e.args[0])}, {self.text(e.args[1])})"
        if e.op == "^":
            return f"power({self.text(e.args[0])}, {self.text(e.args[1])})"
        if e.op == "sum":
            return f"({'+'.join(['0.0', *map(self.text, e.args)])})"
        if e.op == "smooth":
            return f"{SMOOTH[e.text]}({self.text(e.args[0])})"
        if e.op == "flat":
            return f"{printed(e.text)}({', '.join(map(self.text, e.args))})"
        if e.op in ("ranked", "product"):
            return f"{e.op}({e.text}, {', '.join(map(self.text, e.args))})"
        if e.op == "if":
            test, yes, no = map(self.text, e.args)
            if self.dialect == "python":
                return f"({yes} if {test} else {no})"
            return f"{'pick' if e.text == 'safe' else 'where'}({test}, {yes}, {no})"
        if e.op == "choice":
            self.chooses = True
            test, taken = map(self.text, e.args)
            if self.dialect == "python":
                return f"({taken} if {test} else missing())"
            return f"taken({test}, {taken})" if self.dialect == "numpy" else f"where({test}, {taken}, nan)"
        if e.op == "compare":
            left, right = map(self.text, e.args)
            sign, _, safe = e.text.partition(" ")
            holds = f"({left} {sign} {right})"
            return f"compared({holds}, {left}, {right})" if self.dialect in _UNCERTAIN and not safe else holds
        if e.op in ("all", "any"):
            if self.dialect in _UNCERTAIN:
                return f"{e.op}_of({', '.join(map(self.text, e.args))})"
            return f"({(' & ' if e.op == 'all' else ' | ').join(map(self.text, e.args))})"
        if e.op == "not":
            return f"logical_not({self.text(e.args[0])})"
        if e.op == "extreme":
            text = self.text(e.args[0])
            for arg in e.args[1:]:
                text = f"{'maximum' if e.text == 'MAX' else 'minimum'}({text}, {self.text(arg)})"
            return text
        if e.op == "iferror":
            first, second = self.text(e.args[0]), self.text(e.args[1])
            return f"instead({first}, {second})" if self.dialect in _UNCERTAIN else first
        raise ValueError(e.op)


def _keeps_errors(e: E) -> bool:
    """Say whether an IF is an error by itself where what it compares is one.

    A comparison with NaN fails (but for ``!=``), and what is then calculated needs the same variables.
    """
    test, yes, no = e.args
    if test.op != "compare" or any(side.op != "leaf" for side in test.args):
        return False
    taken = yes if test.text == "!=" else no
    return {side.text for side in test.args if side.active} <= _needed(taken)


def _needed(e: E) -> set[str]:
    """Return variables without which an expression has no value: NaN in one of them makes it NaN."""
    if e.op == "leaf":
        return {e.text}
    if e.op in ("+", "-", "*", "/", "neg", "square", "sum", "smooth", "final", "near"):
        return {name for arg in e.args for name in _needed(arg)}
    return set()


def _above_zero(e: E) -> bool:
    """Say whether an expression is 1 + EXP(...), or alike: above zero, and no infinity or NaN unless EXP gave one."""
    if e.op != "+" or {arg.text for arg in e.args if arg.op == "smooth"} != {"EXP"}:
        return False
    return any(arg.op == "leaf" and not arg.active and arg.text[:1].isdigit() and 0.0 < float(arg.text) < 1e300
               for arg in e.args)

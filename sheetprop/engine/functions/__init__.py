"""The function library: a table of names, filled by the modules of this package when first asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sheetprop.engine.formula.tree import Local
from sheetprop.engine.functions.index import HOME, MODULES
from sheetprop.engine.grid.operands import Operand
from sheetprop.engine.grid.values import VALUE, ExcelError, Raised, to_bool, to_number, to_text
from sheetprop.engine.scope.context import Closure

TYPE_CHECKING = False  # typing costs a small workbook's time; mypy knows this name
if TYPE_CHECKING:
    from typing import Any


# To these an argument that is left empty, as in LINEST(y,x,,TRUE), is the same as none; to others it is 0, FALSE or "".
_EMPTY_IS_NONE = frozenset(("ADDRESS", "CEILING.MATH", "FLOOR.MATH", "GROWTH", "LINEST", "LOGEST", "OFFSET", "TREND",
                            "XLOOKUP", "XMATCH"))
REFERENCES = frozenset("raARfl")
"""Kinds of argument that are handed over as operands."""
UNCHANGED = REFERENCES | {"e"}
"""Kinds of argument that are handed over as they are."""


class Function:
    """One worksheet function.

    `kinds` says for each argument how it is handed over: ``n`` number, ``m`` number that is no
    truth value and not left out (functions that were Excel's Analysis ToolPak), ``t`` text, ``b``
    condition, ``v`` any value but errors, ``e`` any value, ``r`` the operand itself (a reference
    stays one), ``R`` the same but an error is handed over too, ``f`` the same as ``r`` but of an
    array of references one after the other, ``a`` the operand evaluated as in an array formula,
    ``A`` the same but an error is handed over too, ``l`` the same but it may name a function.
    Functions of single values are applied element by element where an array stands. Behind ``|`` stand the
    arguments that may be missing; ``*``
    at the end means the last one, ``*2`` the last two, again and again.

    `references` says that over an array of arguments it gives an array of references, and not the
    first value of each. `empty_is_none` says that an argument left empty, as in SORT(A1:A3,,-1), is the same as none;
    without it that is 0, FALSE or "".
    """

    __slots__ = ("empty_is_none", "kinds", "least", "most", "name", "references", "repeat", "run", "with_context")

    def __init__(self, name: str, spec: str, run: Callable[..., Operand], with_context: bool,
                 empty_is_none: bool, references: bool) -> None:
        self.name = name
        spec, star, period = spec.partition("*")
        needed, _, optional = spec.partition("|")
        self.repeat = int(period or 1) if star else 0
        self.kinds = needed + optional
        self.least = len(needed)
        self.most = 255 if self.repeat else len(self.kinds)
        self.run = run
        self.with_context = with_context
        self.references = references
        self.empty_is_none = empty_is_none or name in _EMPTY_IS_NONE

    def kind(self, index: int) -> str:
        """Return how argument number `index` is handed over."""
        beyond = index - len(self.kinds)
        return self.kinds[index] if beyond < 0 else self.kinds[beyond % self.repeat - self.repeat]

    def skipped(self, empty: Iterable[int]) -> dict[int, Operand]:
        """Return what stands for each of those empty arguments that are the same as none."""
        if not self.empty_is_none:
            return {}
        standard = self.run.__defaults__ or ()
        return {index: standard[index - self.least] for index in empty if index >= self.least}


class Argument:
    """An argument of a function that decides itself which of its arguments are evaluated.

    Attributes:
        value: returns the closure that yields its value.
        operand: returns the closure that yields it as an operand: a reference stays one.
        spread: returns the closure that yields it as an operand, evaluated as in an array formula.
        variable: the variable that stands there, for LET, LAMBDA and ISOMITTED.
        empty: whether it is left out.
    """

    __slots__ = ("empty", "operand", "spread", "value", "variable")

    def __init__(self, value: Callable[[], Closure], operand: Callable[[], Closure], spread: Callable[[], Closure],
                 variable: Local | None = None, empty: bool = False) -> None:
        self.value = value
        self.operand = operand
        self.spread = spread
        self.variable = variable
        self.empty = empty


Maker = Callable[[list[Argument]], Closure]

REGISTRY: dict[str, Function] = {}
LAZY: dict[str, Maker] = {}


def function(names: str, spec: str, *, context: bool = False, empty_is_none: bool = False,
             references: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enter the decorated function under each of `names` (separated by blanks); see `Function` for `spec`."""

    def enter(run: Callable[..., Any]) -> Callable[..., Any]:
        for name in names.split():
            REGISTRY[name] = Function(name, spec, run, context, empty_is_none, references)
        return run

    return enter


def lazy(names: str) -> Callable[[Maker], Maker]:
    """Enter a function that decides itself which of its arguments are evaluated."""

    def enter(make: Maker) -> Maker:
        for name in names.split():
            LAZY[name] = make
        return make

    return enter


def find(name: str) -> bool:
    """Say whether the engine itself knows a function, loading the module that holds it where needed."""
    if name not in REGISTRY and name not in LAZY:
        for module in (HOME[name],) if name in HOME else MODULES:
            __import__(f"sheetprop.engine.functions.{module}")
    return name in REGISTRY or name in LAZY


def known_functions() -> list[str]:
    """Return the names of all functions that the engine itself evaluates."""
    find("")
    return sorted(name for name in {*REGISTRY, *LAZY} if not name.startswith("#"))


def convert(kind: str, value: Operand) -> Operand:
    """Return a single value as a function of that kind of argument wants it."""
    if kind == "n":
        return to_number(value)  # type: ignore[arg-type]
    if kind == "m":
        if type(value) is bool:
            raise Raised(VALUE)
        return to_number(value)  # type: ignore[arg-type]
    if kind == "v":
        if type(value) is ExcelError:
            raise Raised(value)
        return value
    if kind == "t":
        return to_text(value)  # type: ignore[arg-type]
    if kind == "b":
        return to_bool(value)  # type: ignore[arg-type]
    return value

"""The function library: a table of names, filled by the modules of this package when first asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sheetprop.engine.functions.index import HOME, MODULES
from sheetprop.engine.grid.operands import Operand
from sheetprop.engine.grid.values import ExcelError, Raised, to_bool, to_number, to_text
from sheetprop.engine.scope.context import Closure

TYPE_CHECKING = False  # typing costs a small workbook's time; mypy knows this name
if TYPE_CHECKING:
    from typing import Any


# To these an argument that is left empty, as in LINEST(y,x,,TRUE), is the same as none; to others it is 0, FALSE or "".
_EMPTY_IS_NONE = frozenset(("ADDRESS", "CEILING.MATH", "FLOOR.MATH", "GROWTH", "LINEST", "LOGEST", "OFFSET", "TREND",
                            "XLOOKUP", "XMATCH"))


class Function:
    """One worksheet function.

    `kinds` says for each argument how it is handed over: ``n`` number, ``t`` text, ``b``
    condition, ``v`` any value but errors, ``e`` any value, ``r`` the operand itself (a reference
    stays one), ``R`` the same but an error is handed over too, ``a`` the operand evaluated as in an
    array formula. Functions of single values
    are applied element by element where an array stands.
    """

    __slots__ = ("kinds", "least", "most", "name", "repeat", "run", "with_context")

    def __init__(self, name: str, spec: str, run: Callable[..., Operand], with_context: bool) -> None:
        self.name = name
        needed, _, optional = spec.partition("|")
        self.repeat = spec.endswith("*")
        self.kinds = (needed + optional).rstrip("*")
        self.least = len(needed.rstrip("*"))
        self.most = 255 if self.repeat else len(self.kinds)
        self.run = run
        self.with_context = with_context

    def kind(self, index: int) -> str:
        """Return how argument number `index` is handed over."""
        return self.kinds[min(index, len(self.kinds) - 1)]

    def skipped(self, empty: Iterable[int]) -> dict[int, Operand]:
        """Return what stands for each of those empty arguments that are the same as none."""
        if self.name not in _EMPTY_IS_NONE:
            return {}
        standard = self.run.__defaults__ or ()
        return {index: standard[index - self.least] for index in empty if index >= self.least}


class Argument:
    """An argument of a function that decides itself which of its arguments are evaluated.

    Attributes:
        value: returns the closure that yields its value.
        operand: returns the closure that yields it as an operand: a reference stays one.
    """

    __slots__ = ("operand", "value")

    def __init__(self, value: Callable[[], Closure], operand: Callable[[], Closure]) -> None:
        self.value = value
        self.operand = operand


Maker = Callable[[list[Argument]], Closure]

REGISTRY: dict[str, Function] = {}
LAZY: dict[str, Maker] = {}


def function(names: str, spec: str, *, context: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enter the decorated function under each of `names` (separated by blanks); see `Function` for `spec`."""

    def enter(run: Callable[..., Any]) -> Callable[..., Any]:
        for name in names.split():
            REGISTRY[name] = Function(name, spec, run, context)
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
    if kind == "v":
        if type(value) is ExcelError:
            raise Raised(value)
        return value
    if kind == "t":
        return to_text(value)  # type: ignore[arg-type]
    if kind == "b":
        return to_bool(value)  # type: ignore[arg-type]
    return value

"""The function library: a table of names, filled by the modules of this package when first asked."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from sheetprop.engine.operands import Array, Closure, Context, Operand, Ref, broadcast
from sheetprop.engine.tree import Call, Empty
from sheetprop.engine.values import VALUE, ExcelError, Raised, Value, to_bool, to_number, to_text

_MODULES = ("arithmetic", "logic", "aggregates", "lookup", "information", "text", "statistics", "calendar",
            "regression", "finance", "volatile")


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


REGISTRY: dict[str, Function] = {}
LAZY: dict[str, Callable[[Call, bool], Closure]] = {}
_loaded = 0


def function(names: str, spec: str, *, context: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enter the decorated function under each of `names` (separated by blanks); see `Function` for `spec`."""

    def enter(run: Callable[..., Any]) -> Callable[..., Any]:
        for name in names.split():
            REGISTRY[name] = Function(name, spec, run, context)
        return run

    return enter


def lazy(names: str) -> Callable[[Callable[[Call, bool], Closure]], Callable[[Call, bool], Closure]]:
    """Enter a function that decides itself which of its arguments are evaluated."""

    def enter(make: Callable[[Call, bool], Closure]) -> Callable[[Call, bool], Closure]:
        for name in names.split():
            LAZY[name] = make
        return make

    return enter


def find(name: str) -> bool:
    """Say whether the engine itself knows a function, loading modules of the library as needed."""
    global _loaded
    while name not in REGISTRY and name not in LAZY:
        if _loaded == len(_MODULES):
            return False
        module = _MODULES[_loaded]
        _loaded += 1
        importlib.import_module(f"sheetprop.engine.functions.{module}")
    return True


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


def call(node: Call, array: bool) -> Closure:
    """Return the closure for a function call."""
    from sheetprop.engine.evaluate import operand_of, value_of

    if not find(node.name):
        return _unknown(node)
    if node.name in LAZY:
        return LAZY[node.name](node, array)
    known = REGISTRY[node.name]
    count = len(node.arguments)
    if not known.least <= count <= known.most:

        def refuse(context: Context) -> Operand:
            context.space.note_unknown(f"{node.name} with {count} arguments", context)
            return VALUE

        return refuse
    kinds = [known.kind(index) for index in range(count)]
    parts: list[Closure] = []
    for kind, argument in zip(kinds, node.arguments, strict=True):
        if kind in "raR":
            part = operand_of(argument, array or kind == "a")
            parts.append(_sheltered(part) if kind == "R" else part)
        elif kind == "e":
            parts.append(_sheltered(value_of(argument, array)))
        else:
            parts.append(value_of(argument, array))
    run_function, with_context = known.run, known.with_context
    missing = {index for index, argument in enumerate(node.arguments) if isinstance(argument, Empty)}
    if kinds == ["n"] and not with_context:
        return _one_number(parts[0], run_function)

    def run(context: Context) -> Operand:
        values = [part(context) for part in parts]
        lifted = [index for index, kind in enumerate(kinds) if kind not in "raR" and type(values[index]) is Array]
        if lifted:

            def each(*elements: Value) -> Value:
                given = list(values)
                for index, element in zip(lifted, elements, strict=True):
                    given[index] = element
                result = apply(context, given)
                return result if not isinstance(result, Ref | Array) else VALUE  # type: ignore[return-value]

            return broadcast([values[index] for index in lifted], each)
        return apply(context, values)

    def apply(context: Context, values: list[Operand]) -> Operand:
        given = [value if kind in "raeR" else convert(kind, value) for kind, value in zip(kinds, values, strict=True)]
        while given and len(given) - 1 in missing and len(given) > known.least and not known.repeat:
            given.pop()
        return run_function(context, *given) if with_context else run_function(*given)

    return run


def _one_number(part: Closure, run_function: Callable[..., Operand]) -> Closure:
    def run(context: Context) -> Operand:
        value = part(context)
        if type(value) is float:
            return run_function(value)
        if type(value) is Array:
            return broadcast([value], lambda element: run_function(to_number(element)))  # type: ignore[arg-type,return-value]
        return run_function(to_number(value))  # type: ignore[arg-type]

    return run


def _sheltered(part: Closure) -> Closure:
    """Turn a raised error back into a value, for functions that look at errors."""

    def run(context: Context) -> Operand:
        try:
            return part(context)
        except Raised as raised:
            return raised.error

    return run


def _unknown(node: Call) -> Closure:
    from sheetprop.engine.evaluate import operand_of

    parts = [_sheltered(operand_of(argument, True)) for argument in node.arguments]

    def run(context: Context) -> Operand:
        return context.space.unknown(node.name, [part(context) for part in parts], context)

    return run

"""The operations: one small class each, with the formula of an element, its adjoint, a sentence and an equation."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from sheetprop.errors import SheetpropError
from sheetprop.modules.operations.base import Operation

ROOMS = ("activations", "arithmetic", "convolutions", "embeddings", "losses", "normalisation", "pooling", "products",
         "recurrent", "reductions", "softmax", "views", "attention")


@cache
def registry() -> dict[str, Operation]:
    """Return every operation by PyTorch's name without its overload, such as ``conv2d``."""
    import importlib

    found: dict[str, Operation] = {}
    for room in ROOMS:
        module = importlib.import_module(f"sheetprop.modules.operations.{room}")
        for rule in module.OPERATIONS:
            for name in rule.names:
                found[name] = rule
    return found


def known(target: str) -> bool:
    """Whether there is a rule for ``aten.conv2d.default``."""
    return base_name(target) in registry()


def base_name(target: str) -> str:
    """Return ``conv2d`` for ``aten.conv2d.default``."""
    words = target.split(".")
    return words[1] if len(words) > 1 else target


def main_rule(names: Sequence[str]) -> Operation | None:
    """Return the rule that describes a layer best: the one made of others, else the first that is no view."""
    from sheetprop.modules.operations.views import Same, View

    rules = [registry()[name] for name in names if name in registry()]
    real = [rule for rule in rules if not isinstance(rule, View | Same) or rule.adjoint]
    made = [rule for rule in real if not rule.adjoint]
    chosen = made or real or rules
    return chosen[0] if chosen else None


def operation(target: str) -> Operation:
    """Return the rule of an operation.

    Raises:
        SheetpropError: there is none.
    """
    rule = registry().get(base_name(target))
    if rule is None:
        raise SheetpropError(f"{target}: has no rule; write the module with other operations")
    return rule

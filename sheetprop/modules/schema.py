"""The arguments of PyTorch's operations by name, as its own schemas have them."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch

from sheetprop.errors import SheetpropError


@cache
def overload(target: str) -> Any:
    """Return the operation called ``aten.conv2d.default``.

    Only operations of PyTorch's own library are found, so that a program read from a file can call
    nothing else.

    Raises:
        SheetpropError: there is none.
    """
    words = target.split(".")
    if len(words) != 3 or words[0] != "aten" or not all(word.isidentifier() for word in words):
        raise SheetpropError(f"{target}: is no operation of PyTorch; export the module again")
    try:
        return getattr(getattr(torch.ops.aten, words[1]), words[2])
    except AttributeError:
        raise SheetpropError(f"{target}: this PyTorch has no such operation; use the one that exported it") from None


def exact(target: str) -> Any:
    """Return what PyTorch computes for an operation in full float64.

    The gradient of PyTorch's hard sigmoid uses a sixth in single precision; its parts do not.
    """
    if target.split(".")[1].rstrip("_") == "hardsigmoid":
        return lambda x: torch.nn.functional.relu6(x + 3) / 6
    return overload(target)


@cache
def _arguments(target: str) -> tuple[tuple[str, Any], ...]:
    return tuple((argument.name, argument.default_value if argument.has_default_value() else None)
                 for argument in overload(target)._schema.arguments)


def named(target: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of a call by name, defaults included."""
    known = _arguments(target)
    given = dict(known)
    given.update({name: value for (name, _), value in zip(known, args, strict=False)})
    given.update(kwargs)
    return given

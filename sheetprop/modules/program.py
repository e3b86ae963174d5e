"""A program: a captured module as plain data, which JSON holds and PyTorch can run again.

Nothing in it is code: operations are names of PyTorch's own library, arguments are numbers, words
and names of earlier results.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np

from sheetprop.errors import SheetpropError
from sheetprop.modules.formula import Floats
from sheetprop.modules.tensors import Kind

VERSION = 1

InputRole = Literal["input", "target", "parameter", "buffer", "constant"]


@dataclass(frozen=True)
class Given:
    """A tensor that a program is given.

    Attributes:
        name: in the program.
        role: what it is.
        path: of a parameter or buffer in the module, such as ``conv1.weight``; else a plain name.
        shape: its shape.
        kind: of its numbers.
        values: of a constant, flat; None for what stands in cells.
        trained: whether a parameter is trained.
    """

    name: str
    role: InputRole
    path: str
    shape: tuple[int, ...]
    kind: Kind
    values: tuple[float, ...] | None = None
    trained: bool = True


@dataclass(frozen=True)
class Node:
    """One operation.

    Attributes:
        name: of its result.
        target: such as ``aten.conv2d.default``, or ``getitem`` for a part of several results.
        args, kwargs: numbers, words, lists, and ``{"ref": name}`` for an earlier result.
        module: path of the module it belongs to; empty for the outermost.
        kind: class of that module.
        line: where in the user's code it was called, for messages.
    """

    name: str
    target: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)
    module: str = ""
    kind: str = ""
    line: str = ""


@dataclass(frozen=True)
class Program:
    """A captured module with its loss.

    Attributes:
        title: of the module.
        given: what it is given, in order.
        nodes: the operations, in order.
        outputs: names of what the module returns.
        loss: name of the loss; None for a program without one.
        training: whether dropout and batch normalisation were those of training.
    """

    title: str
    given: tuple[Given, ...]
    nodes: tuple[Node, ...]
    outputs: tuple[str, ...]
    loss: str | None
    training: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return it as dictionaries and lists."""
        fields = asdict(self)
        for one in fields["given"]:
            if one["values"] is not None:
                one["values"] = [v if math.isfinite(v) else str(v) for v in one["values"]]
        return {"format": "sheetprop-program", "version": VERSION, **fields}

    def to_json(self) -> str:
        """Return it as JSON, the same text for the same program."""
        return json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=str)

    def run(self, values: Mapping[str, Any], wanted: Sequence[str] | None = None) -> dict[str, Any]:
        """Run it in PyTorch; return every result by name.

        Args:
            values: tensors for what is given, by name; constants may be left out.
            wanted: the results that are wanted; by default all.
        """

        from sheetprop.modules.schema import exact

        held: dict[str, Any] = {}
        for one in self.given:
            if one.name in values:
                held[one.name] = values[one.name]
            elif one.values is not None:
                held[one.name] = torch_tensor(np.array(one.values), one.shape, one.kind)
            elif wanted is None:
                raise SheetpropError(f"{one.path}: the program is not given its values")

        def resolved(value: Any) -> Any:
            if isinstance(value, dict):
                return held[value["ref"]]
            if isinstance(value, list | tuple):
                return [resolved(item) for item in value]
            return value

        nodes = self.nodes if wanted is None else needed(self.nodes, set(wanted))
        for node in nodes:
            args = [resolved(value) for value in node.args]
            if node.target == "getitem":
                held[node.name] = args[0][args[1]]
            else:
                kwargs = {name: resolved(value) for name, value in node.kwargs.items()}
                args, kwargs = _copied(node.target, args, kwargs)
                held[node.name] = exact(node.target)(*args, **kwargs)
        return held


def _copied(target: str, args: list[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Give batch normalisation copies of its running statistics, which it would overwrite."""
    if target.split(".")[1] in ("batch_norm", "instance_norm"):
        args = [value.clone() if k in (3, 4) and value is not None else value for k, value in enumerate(args)]
    return args, kwargs


def torch_tensor(numbers: Floats, shape: tuple[int, ...], kind: Kind) -> Any:
    """Return numbers as a tensor of PyTorch: float64, int64 or bool."""
    import torch

    dtype = {"float": torch.float64, "int": torch.int64, "bool": torch.bool}[kind]
    held = np.asarray(numbers, dtype=np.float64).reshape(shape)
    if kind == "int":
        held = np.where(np.isfinite(held), held, 0).round()
    return torch.from_numpy(held.copy()).to(dtype)


def read_program(text: str | bytes) -> Program:
    """Read what :meth:`Program.to_json` wrote.

    Raises:
        SheetpropError: it is no program, or of a newer version.
    """
    try:
        fields = json.loads(text)
        if fields.pop("format") != "sheetprop-program":
            raise ValueError("another format")
        if fields.pop("version") > VERSION:
            raise SheetpropError("the program was written by a newer sheetprop; install that version")
        given = tuple(Given(**{**one, "shape": tuple(one["shape"]), "values": None if one["values"] is None else tuple(
            float(v) for v in one["values"])}) for one in fields.pop("given"))
        nodes = tuple(Node(**{**one, "args": tuple(one["args"])}) for one in fields.pop("nodes"))
        found = Program(given=given, nodes=nodes, outputs=tuple(fields.pop("outputs")), **fields)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SheetpropError(f"the program in the file is damaged ({error}); export the module again") from error
    known = {one.name for one in given}
    for node in nodes:
        for name in references(node.args) | references(tuple(node.kwargs.values())):
            if name not in known:
                raise SheetpropError(f"the program in the file is damaged ({node.name} reads {name}, which is not "
                                     "there); export the module again")
        if node.target != "getitem" and not node.target.startswith("aten."):
            raise SheetpropError(f"the program in the file is damaged ({node.target} is no operation of PyTorch); "
                                 "export the module again")
        known.add(node.name)
    return found


def needed(nodes: Sequence[Node], wanted: set[str]) -> list[Node]:
    """Return the operations that results need, in order."""
    kept, names = [], set(wanted)
    for node in reversed(nodes):
        if node.name in names:
            kept.append(node)
            names |= references(node.args) | references(tuple(node.kwargs.values()))
    return kept[::-1]


def references(value: Any) -> set[str]:
    """Return the names of earlier results in arguments."""
    if isinstance(value, dict):
        return {str(value.get("ref"))}
    if isinstance(value, list | tuple):
        return {name for item in value for name in references(item)}
    return set()

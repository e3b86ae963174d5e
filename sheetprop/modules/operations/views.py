"""What only rearranges: no cell is made, the result reads the same places.

PyTorch's own operation rearranges the places, so that every corner of its rules is kept. The places
are moved up by one while it does, so that the 0 with which some of them fill is the place of the
constant 0. What flows back flows into the places, so a view needs no adjoint.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from sheetprop.errors import SheetpropError
from sheetprop.modules.derivation import Call, Derivation
from sheetprop.modules.operations.base import Operation
from sheetprop.modules.schema import overload
from sheetprop.modules.tensors import Kind, Tensor


class View(Operation):
    """Rearranged places."""

    names: ClassVar[tuple[str, ...]] = (
        "view", "_unsafe_view", "reshape", "flatten", "unflatten", "transpose", "permute", "t", "numpy_T", "mT",
        "unsqueeze", "squeeze", "expand", "expand_as", "select", "slice", "narrow", "split", "split_with_sizes",
        "chunk", "cat", "concat", "stack", "unbind", "flip", "roll", "repeat", "repeat_interleave", "movedim",
        "swapaxes", "moveaxis", "index_select", "pixel_shuffle", "pixel_unshuffle", "channel_shuffle",
        "native_channel_shuffle", "unfold", "diagonal", "tril", "triu", "broadcast_to", "view_as", "reshape_as",
        "tensor_split", "hstack", "vstack", "rot90", "constant_pad_nd", "pad", "reflection_pad1d", "reflection_pad2d",
        "replication_pad1d", "replication_pad2d", "upsample_nearest1d", "upsample_nearest2d", "zeros_like", "im2col",
        "new_zeros", "select_scatter", "slice_scatter", "index", "take_along_dim", "tile", "broadcast_tensors")
    sentence = "Only rearranged: the same numbers in another shape or order, without a cell of their own."
    equation = "y[...] = x[...]"

    def forward(self, d: Derivation, call: Call) -> Any:
        """Rearrange the places."""
        import torch

        kinds: set[Kind] = set()

        def given(value: Any, name: str) -> Any:
            if isinstance(value, Tensor):
                if name in ("index", "indices", "repeats"):
                    return _index(d, call, value)
                kinds.add(value.kind)
                return torch.from_numpy((value.places + 1).astype(np.float64))
            if isinstance(value, list | tuple):
                return [given(one, name) for one in value]
            return value

        arguments = {name: given(value, name) for name, value in call.arguments.items()}
        if "value" in arguments and isinstance(arguments["value"], int | float):
            arguments["value"] = d.constant(float(arguments["value"])) + 1
        elif "pad" in call.target and "constant" in (arguments.get("mode"), "constant") and "value" in arguments:
            arguments["value"] = 0
        for name in ("dtype", "device", "layout", "pin_memory"):
            arguments.pop(name, None)
        found = _called(call.target, arguments)
        kind: Kind = "float" if "float" in kinds else next(iter(kinds), "float")

        def back(value: Any) -> Tensor:
            return Tensor(value.numpy().round().astype(np.int64) - 1, kind)

        return tuple(back(one) for one in found) if isinstance(found, list | tuple) else back(found)


def _called(target: str, arguments: dict[str, Any]) -> Any:
    """Call an operation with its arguments by name; those that the schema gives by place first."""
    schema = overload(target)._schema
    args = [arguments[one.name] for one in schema.arguments if not one.kwarg_only and one.name in arguments]
    kwargs = {one.name: arguments[one.name] for one in schema.arguments if one.kwarg_only and one.name in arguments}
    return overload(target)(*args, **kwargs)


def _index(d: Derivation, call: Call, value: Tensor) -> Any:
    """Return an index as PyTorch wants it; it has to be constant."""
    import torch

    if (value.places >= 0).any():
        raise SheetpropError(f"{call.target}: an index that is computed has no rule; index with fixed numbers, "
                             "or use torch.nn.Embedding")
    numbers = np.array(d.constants)[-1 - value.places]
    return torch.from_numpy(numbers != 0 if value.kind == "bool" else numbers.astype(np.int64))


class Same(Operation):
    """What hands its operand on: a copy, dropout in evaluation."""

    names = ("contiguous", "clone", "alias", "lift_fresh_copy", "lift_fresh", "to", "_to_copy", "type_as", "double",
             "float", "dropout", "feature_dropout", "alpha_dropout", "feature_alpha_dropout", "native_dropout",
             "identity", "positive", "view_as_real")
    sentence = "Handed on as it is; dropout changes nothing in evaluation."
    equation = "y = x"

    def forward(self, d: Derivation, call: Call) -> Any:
        """Hand on."""
        value = next(iter(call.arguments.values()))
        if "dropout" in call.target and call.arguments.get("train") and call.arguments.get("p"):
            raise SheetpropError(f"{call.target}: in training wants a mask; export the module again")
        dtype = str(call.arguments.get("dtype") or "")
        if "int" in dtype and value.kind == "float":
            raise SheetpropError(f"{call.target}: to whole numbers has no rule; give whole numbers as an input")
        if "float" in dtype or dtype.endswith("double") or "float" in call.target or ".double" in call.target:
            return Tensor(value.places, "float")
        return value


class Detach(Operation):
    """A copy into which nothing flows back."""

    names = ("detach", "detach_")
    sentence = "Handed on, but nothing flows back."
    equation = "y = x"
    adjoint = "∂L/∂x = 0"

    def forward(self, d: Derivation, call: Call) -> Any:
        """Copy into cells of its own."""
        from sheetprop.modules.formula import Cell
        from sheetprop.modules.operations.base import result

        x = call["self"]
        if x.kind != "float":
            return x
        out = result(d, call, x.shape, Cell(x.flat))
        d.blocks[-1].needs = False
        return out

    def backward(self, d: Derivation, call: Call) -> None:
        """Let nothing flow."""


OPERATIONS: tuple[Operation, ...] = (View(), Same(), Detach())

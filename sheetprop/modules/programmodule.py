"""A program as a module of PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from sheetprop.modules.program import Program, torch_tensor


class ProgramModule(nn.Module):
    """A module whose forward pass is a program, with parameters and buffers under their own names."""

    def __init__(self, program: Program, values: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """Hold the program; `values` gives parameters and buffers by their name in the program."""
        super().__init__()
        self.program = program
        self._places: dict[str, tuple[nn.Module, str]] = {}
        for one in program.given:
            if one.role not in ("parameter", "buffer"):
                continue
            tensor = torch_tensor(np.asarray(values[one.name]), one.shape, one.kind)
            *path, name = one.path.split(".")
            owner: nn.Module = self
            for word in path:
                inner = owner._modules.get(word)
                if inner is None:
                    inner = nn.Module()
                    owner.add_module(word, inner)
                owner = inner
            if one.role == "parameter":
                owner.register_parameter(name, nn.Parameter(tensor, requires_grad=one.trained))
            else:
                owner.register_buffer(name, tensor)
            self._places[one.name] = (owner, name)

    def forward(self, *inputs: torch.Tensor) -> Any:
        """Return what the program gives: one tensor, or a tuple of them."""
        values: dict[str, Any] = {name: getattr(owner, word) for name, (owner, word) in self._places.items()}
        own = [one for one in self.program.given if one.role == "input"]
        if len(inputs) != len(own):
            raise TypeError(f"wants {len(own)} inputs ({', '.join(one.path for one in own)}), got {len(inputs)}")
        for one, tensor in zip(own, inputs, strict=True):
            values[one.name] = tensor.double() if one.kind == "float" else tensor
        held = self.program.run(values, self.program.outputs)
        outs = tuple(held[name] for name in self.program.outputs)
        return outs[0] if len(outs) == 1 else outs

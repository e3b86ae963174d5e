"""Import torchvision beside a CPU build of torch.

torchvision's wheel is linked against CUDA; beside a CPU torch its compiled operators do not load,
and ``import torchvision`` stops with ``operator torchvision::nms does not exist``. Declaring the
two operators that it wants to describe is enough: data sets and transforms use neither.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

_SIGNATURE = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_declared: list[object] = []  # the declarations live as long as their library object


def torchvision() -> ModuleType:
    """Return the module torchvision, with the missing operators declared if the import needs it."""
    try:
        return importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::nms does not exist" not in str(error):
            raise
    import torch

    for name in [m for m in sys.modules if m == "torchvision" or m.startswith("torchvision.")]:
        del sys.modules[name]
    library: Any = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
    for operator in ("nms", "qnms"):
        library.define(operator + _SIGNATURE)
    _declared.append(library)
    return importlib.import_module("torchvision")

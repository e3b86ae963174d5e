"""Augmentation by torchvision's v2 names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from sheetprop.errors import SheetpropError, nearest
from sheetprop.mnist.recipe import Transform
from sheetprop.mnist.vision import torchvision

Apply = Callable[[torch.Tensor], torch.Tensor]


def composed(transforms: Sequence[Transform]) -> Apply | None:
    """Return a function that changes a batch ``[N, 1, H, W]`` of pixels in 0 to 1, image by image; None for none.

    Raises:
        SheetpropError: torchvision has no such transform, or not with these arguments.
    """
    if not transforms:
        return None
    torchvision()
    import importlib

    room: Any = importlib.import_module("torchvision.transforms.v2")
    steps = [_made(room, one) for one in transforms]

    def apply(batch: torch.Tensor) -> torch.Tensor:
        images = []
        for image in batch:
            for step in steps:
                image = step(image)
            images.append(image)
        changed = torch.stack(images)
        if changed.shape != batch.shape:
            raise SheetpropError(f"transforms {', '.join(t.name for t in transforms)}: make images of "
                                 f"{list(changed.shape[1:])} out of {list(batch.shape[1:])}; add a Resize")
        return changed

    return apply


def _made(room: Any, one: Transform) -> Any:
    kind = getattr(room, one.name, None)
    if not (isinstance(kind, type) and issubclass(kind, room.Transform)):
        names = tuple(n for n in dir(room) if isinstance(getattr(room, n), type) and issubclass(getattr(room, n),
                                                                                                  room.Transform))
        close = nearest(one.name, names)
        raise SheetpropError(f"transform {one.name!r}: torchvision.transforms.v2 has none of that name; "
                             f"{close if len(close) < 60 else 'RandomAffine and RandomErasing are two'}")
    try:
        return kind(**one.arguments())
    except (TypeError, ValueError) as error:
        raise SheetpropError(f"transform {one.name}: torchvision says: {' '.join(str(error).split())}") from error

"""The layer table of any module: torchinfo's engine, our table."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import torch
from torch import nn

from sheetprop.errors import SheetpropError
from sheetprop.mnist.record import LayerRow, NetworkTable

_MB = 4 / 1024**2


def module_table(
    module: nn.Module, input_size: Sequence[int], *, name: str = "own", title: str = "a network of one's own",
    origin: str = "given by its code",
) -> NetworkTable:
    """Return the layers of a module, each that has no further ones below it, in the order in which they run.

    Shapes, parameters and multiply-adds are torchinfo's. The receptive field is measured: a row and
    a column of the input that are no numbers (NaN) spoil those outputs, and only those, that see
    them; so functions without a module, branches and sums are right too. A layer that is used
    twice counts its parameters once.

    Args:
        module: any module; it is not changed.
        input_size: of one input without the batch, such as ``(1, 28, 28)``.
        name, title, origin: what the table says of the network.

    Raises:
        SheetpropError: the module stops on such an input.
    """
    from torchinfo import summary as engine

    size = tuple(int(n) for n in input_size)
    if not size or min(size) < 1:
        raise SheetpropError(f"input {list(size)}: is no size of an input; write it like 1,28,28")
    was = module.training
    module.eval()
    try:
        with torch.random.fork_rng(), torch.no_grad():
            place = next(module.parameters(), torch.empty(0)).device
            told = engine(module, input_size=(1, *size), verbose=0, device=place)
            fields = _fields(module, size)
    except Exception as error:
        cause: BaseException = error.__cause__ or error
        raise SheetpropError(f"{name}: stops on an input of {list(size)} with {type(cause).__name__}: "
                             f"{' '.join(str(cause).split())[:200]}") from error
    finally:
        module.train(was)
    rows: list[LayerRow] = []
    seen: set[int] = set()
    for info in told.summary_list:
        if not info.is_leaf_layer or (info.depth == 0 and len(told.summary_list) > 1):
            continue
        layer = info.module
        counted = 0 if id(layer) in seen else sum(p.numel() for p in layer.parameters())
        seen.add(id(layer))
        rows.append(_row(layer, len(rows) + 1, info.output_size, counted, int(info.macs), fields))
    parameters = sum(p.numel() for p in module.parameters())
    own = parameters - sum(row.parameters for row in rows)
    if own > 0:  # parameters that a module holds itself, beside its layers
        rows.append(LayerRow(type="Parameter", name=f"Parameter-{len(rows) + 1}", shape=[], parameters=own))
    passes = 2 * sum(prod(row.shape) for row in rows if row.shape) * _MB
    sizes = (prod(size) * _MB, passes, parameters * _MB)
    return NetworkTable(
        name=name, title=title, origin=origin, parameters=parameters,
        trainable=sum(p.numel() for p in module.parameters() if p.requires_grad), layers=rows, input_mb=sizes[0],
        forward_backward_mb=sizes[1], parameters_mb=sizes[2], total_mb=sum(sizes), input_size=list(size),
        multiply_adds=sum(row.multiply_adds or 0 for row in rows))


def _row(layer: nn.Module, number: int, output: Sequence[int], parameters: int, work: int,
         fields: dict[int, int]) -> LayerRow:
    kind = type(layer).__name__

    def one(name: str) -> int | None:
        value = getattr(layer, name, None)
        if isinstance(value, tuple | list) and len(set(value)) == 1:
            value = value[0]
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    spatial = kind.startswith(("Conv", "MaxPool", "AvgPool", "LPPool"))
    groups = one("groups") if kind.startswith("Conv") else None
    return LayerRow(
        type=kind, name=f"{kind}-{number}", shape=[int(n) for n in output[1:]], parameters=parameters,
        kernel=one("kernel_size") if spatial else None, stride=one("stride") if spatial else None,
        padding=one("padding") if spatial else None,
        bias=getattr(layer, "bias", None) is not None if hasattr(layer, "weight") else None,
        groups=groups if groups and groups > 1 else None,
        probability=getattr(layer, "p", None) if kind.startswith("Dropout") else None,
        receptive_field=fields.get(id(layer)), multiply_adds=work)


def _fields(module: nn.Module, size: tuple[int, ...]) -> dict[int, int]:
    """Return for each layer the side of the square of the input that its middle output sees."""
    if len(size) != 3:
        return {}
    channels, height, width = size
    inputs = torch.rand(height + width, channels, height, width)
    for row in range(height):
        inputs[row, :, row, :] = torch.nan
    for column in range(width):
        inputs[height + column, :, :, column] = torch.nan
    found: dict[int, int] = {}

    def look(layer: nn.Module, _: object, output: object) -> None:
        if not isinstance(output, torch.Tensor) or output.ndim < 2 or len(output) != len(inputs):
            return
        middle = output[:, :, output.shape[2] // 2, output.shape[3] // 2] if output.ndim == 4 else output.flatten(1)
        spoilt = middle.isnan().any(1)
        spans = [part.nonzero().flatten() for part in (spoilt[:height], spoilt[height:])]
        sides = [int(s.max() - s.min()) + 1 if len(s) else 0 for s in spans]
        found[id(layer)] = max(found.get(id(layer), 0), *sides)

    hooks = [layer.register_forward_hook(look) for layer in module.modules() if not any(layer.children())]
    try:
        module(inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return {key: side for key, side in found.items() if side}

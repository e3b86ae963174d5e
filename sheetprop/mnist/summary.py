"""The layer table of a network, in the form that torchsummary made common."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from math import prod
from typing import TYPE_CHECKING, Literal

from sheetprop.errors import SheetpropError
from sheetprop.mnist.modulesummary import module_table
from sheetprop.mnist.networks import Layer, Network, build, network
from sheetprop.mnist.owncode import is_own, own_network
from sheetprop.mnist.record import LayerRow, NetworkTable

if TYPE_CHECKING:
    from torch import nn

_MB = 4 / 1024**2  # float32 values to MB, as torchsummary counts
_RULE = "-" * 64


def table(net: Network) -> NetworkTable:
    """Return the layers of `net` with output shapes, parameters and memory estimates.

    The estimates are torchsummary's: forward and backward is twice the values of all shown
    layers, at 4 bytes. Functional layers are rows of the table and count in no estimate.
    """
    import torch

    with torch.random.fork_rng():
        module = build(net).eval()
    rows: list[LayerRow] = []
    x = torch.zeros(1, 1, 28, 28)
    field, jump, number = 1, 1, 0
    with torch.inference_mode():
        for layer, part in zip(net.layers, module, strict=True):
            side = int(x.shape[-1])
            x = part(x)
            kernel = side if layer.kind == "globalpool" else layer.kernel
            spatial = layer.kind in ("conv", "maxpool", "avgpool", "globalpool")
            stride = kernel if spatial and layer.kind != "conv" else 1
            if spatial:
                field += (kernel - 1) * jump
                jump *= stride
            elif layer.kind == "linear":
                field = 28
            name = None
            if not layer.functional:
                number += 1
                name = f"{type(part).__name__}-{number}"
            rows.append(LayerRow(
                type=type(part).__name__, name=name, shape=list(x.shape[1:]),
                parameters=sum(p.numel() for p in part.parameters()), functional=layer.functional,
                kernel=kernel if spatial else None, stride=stride if spatial else None,
                padding=layer.padding if layer.kind == "conv" else None,
                bias=layer.bias if layer.kind in ("conv", "linear") else None,
                groups=int(part.groups) if layer.depthwise else None,  # type: ignore[arg-type]
                probability=layer.p if layer.kind.startswith("dropout") else None,
                receptive_field=min(field, 28),
                multiply_adds=_work(layer, list(x.shape[1:]), sum(p.numel() for p in part.parameters())),
            ))
    total = sum(row.parameters for row in rows)
    passes = 2 * sum(prod(row.shape) for row in rows if not row.functional) * _MB
    sizes = (28 * 28 * _MB, passes, total * _MB)
    return NetworkTable(
        name=net.name, title=net.title, origin=net.origin, parameters=total,
        trainable=sum(p.numel() for p in module.parameters() if p.requires_grad), layers=rows,
        input_mb=sizes[0], forward_backward_mb=sizes[1], parameters_mb=sizes[2], total_mb=sum(sizes),
        multiply_adds=sum(row.multiply_adds or 0 for row in rows),
    )


def _work(layer: Layer, shape: list[int], parameters: int) -> int:
    """Return the multiply-adds of a layer for one image: its weights, each as often as it has outputs to work for."""
    if layer.kind == "conv":
        return parameters * prod(shape[1:])
    return parameters if layer.kind in ("linear", "batchnorm", "batchnorm1d") else 0


def summary(
    name: str | nn.Module | Callable[[], nn.Module], input_size: Sequence[int] | None = None, *,
    form: Literal["text", "markdown", "json"] = "text", functional: bool = False, details: bool = False,
) -> str:
    """Return the layer table of a network.

    Args:
        name: one of `networks`, ``model.py:Net``, a module, or a class or function that gives one.
        input_size: of one input without the batch; ``(1, 28, 28)`` where it is not given.
        form: ``text`` as torchsummary prints it, ``markdown``, or ``json`` (all layers, always).
        functional: show layers without a module of their own (ReLU, pooling) too. The memory
            estimates do not change.
        details: show multiply-adds, kernel and receptive field of each layer too.

    Raises:
        SheetpropError: no such network or form, or the module stops on such an input.
    """
    return render(any_table(name, input_size), form=form, functional=functional, details=details)


def any_table(
    given: str | nn.Module | Callable[[], nn.Module], input_size: Sequence[int] | None = None
) -> NetworkTable:
    """Return the layer table of one of our networks or of one's own; see `summary`."""
    if not is_own(given):
        net = network(str(given))
        if input_size is None or tuple(input_size) == (1, 28, 28):
            return table(net)
        return module_table(build(net), input_size, name=net.name, title=net.title, origin=net.origin)
    own = own_network(given)
    return module_table(own.fresh(), input_size or (1, 28, 28), name=own.name, title=f"network {own.name}",
                        origin=own.place)


def render(layers: NetworkTable, *, form: str = "text", functional: bool = False, details: bool = False) -> str:
    """Return the table as text, Markdown or JSON; see `summary`."""
    if form == "json":
        return json.dumps(layers.model_dump(), indent=1)
    if form not in ("text", "markdown"):
        raise SheetpropError(f"form {form!r}: there is no such form; choose text, markdown or json")
    shown = [row for row in layers.layers if functional or not row.functional]
    names = [f"{row.type}-{i}" for i, row in enumerate(shown, 1)]
    shapes = [str([-1, *row.shape]) for row in shown]
    totals = [
        f"Total params: {layers.parameters:,}",
        f"Trainable params: {layers.trainable:,}",
        f"Non-trainable params: {layers.parameters - layers.trainable:,}",
    ]
    memory = [
        f"Input size (MB): {layers.input_mb:.2f}",
        f"Forward/backward pass size (MB): {layers.forward_backward_mb:.2f}",
        f"Params size (MB): {layers.parameters_mb:.2f}",
        f"Estimated Total Size (MB): {layers.total_mb:.2f}",
    ]
    if details:
        return _detailed(shown, names, shapes, totals + memory, layers, markdown=form == "markdown")
    if form == "markdown":
        lines = ["| Layer (type) | Output shape | Param # |", "| --- | --- | ---: |"]
        lines += [f"| {n} | {s} | {r.parameters:,} |" for n, s, r in zip(names, shapes, shown, strict=True)]
        return "\n".join([*lines, "", *(f"- {line}" for line in totals + memory)])
    lines = [_RULE, f"{'Layer (type)':>20}  {'Output Shape':>25} {'Param #':>15}", "=" * 64]
    lines += [f"{n:>20}  {s:>25} {r.parameters:>15,}" for n, s, r in zip(names, shapes, shown, strict=True)]
    return "\n".join([*lines, "=" * 64, *totals, _RULE, *memory, _RULE])


def _detailed(shown: list[LayerRow], names: list[str], shapes: list[str], totals: list[str], layers: NetworkTable, *,
              markdown: bool) -> str:
    """Return the table with kernel, receptive field and multiply-adds."""
    heads = ["Layer (type)", "Output Shape", "Param #", "Kernel", "Sees", "Mult-adds"]
    rows = [[n, s, f"{r.parameters:,}", f"{r.kernel} x {r.kernel}" if r.kernel else "",
             f"{r.receptive_field} x {r.receptive_field}" if r.receptive_field else "",
             "" if r.multiply_adds is None else f"{r.multiply_adds:,}"]
            for n, s, r in zip(names, shapes, shown, strict=True)]
    work = [f"Mult-adds: {layers.multiply_adds:,}"] if layers.multiply_adds is not None else []
    if markdown:
        lines = [f"| {' | '.join(row)} |" for row in [heads, ["---", "---", *["---:"] * 4], *rows]]
        return "\n".join([*lines, "", *(f"- {line}" for line in totals + work)])
    widths = [max(len(row[i]) for row in [heads, *rows]) for i in range(len(heads))]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in [heads, *rows]]
    rule = "-" * len(lines[0])
    return "\n".join([rule, lines[0], "=" * len(rule), *lines[1:], "=" * len(rule), *totals, *work, rule])

"""Export: a torch module becomes a workbook of live formulas."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sheetprop.errors import SheetpropError
from sheetprop.files import check_writable, replacing
from sheetprop.modules.capture import LOSSES, capture
from sheetprop.modules.learning import Learning, derive
from sheetprop.modules.optimizers import Optimizer, make_optimizer
from sheetprop.workbook.exported.book import Spec
from sheetprop.workbook.exported.rendering import SWITCH_ABOVE, prepared, saved

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        path: the book.
        formulas: how many cells hold one.
        sheets: names of the sheets.
        longest: characters of the longest formula.
        parameters: how many numbers are trained.
        loss: its value; None without one.
    """

    path: str
    formulas: int
    sheets: tuple[str, ...]
    longest: int
    parameters: int
    loss: float | None


def export(module: nn.Module, args: torch.Tensor | Sequence[torch.Tensor], path: str | os.PathLike[str], *,
           target: torch.Tensor | None = None, loss: str | Callable[..., Any] | None = None,
           optimizer: str | Optimizer = "sgd", forward_only: bool = False, training: bool | None = None, seed: int = 0,
           title: str | None = None, source: str = "", picture: bool | None = None,
           force: bool = True) -> Exported:
    """Write a module of PyTorch as a workbook of live formulas, as `torch.onnx.export` writes a graph.

    Forward pass, loss, gradients and one step of an optimizer stand in cells, each explained and checked
    against PyTorch; see the sheets Start and Check.

    Args:
        module: what to export; it is copied, and computed in float64.
        args: its input, or inputs in order.
        path: the workbook.
        target: what the loss compares with.
        loss: ``mse``, ``cross-entropy``, ``nll``, ``bce``, ``l1``, ``huber``, ``none``, or a function of output and
            target. By default ``cross-entropy`` for whole-number targets, ``mse`` for others, ``none`` without.
        optimizer: ``sgd``, ``momentum``, ``nesterov``, ``adam``, ``adamw``, ``rmsprop``, ``adagrad``, or one with
            numbers from `sheetprop.modules.optimizers.make_optimizer`.
        forward_only: whether gradients and step are left out.
        training: whether dropout and batch normalisation are those of training; the module's own state by default.
        seed: of dropout masks.
        title: of the book; the class's name by default.
        source: where the module came from, for the sheet Start.
        picture: whether the input is drawn as a picture of 0 to 1; by default where it is one of one channel.
        force: whether an existing file is replaced.

    Returns:
        What was written.

    Raises:
        SheetpropError: the module cannot be captured, an operation has no rule, numbers are not finite, it is too
            large for a sheet, or the place cannot be written to.
    """
    import torch

    target_path = Path(path)
    check_writable(target_path, force=force)
    inputs = [args] if isinstance(args, torch.Tensor) else list(args)
    for k, one in enumerate(inputs):
        if not isinstance(one, torch.Tensor):
            raise SheetpropError(f"input {k + 1}: is {type(one).__name__}; give tensors")
        if one.is_complex() or (one.is_floating_point() and not bool(torch.isfinite(one).all())):
            raise SheetpropError(f"input {k + 1}: holds a number that is complex or not finite; give real numbers")
    if loss is None:
        loss = "none" if target is None else "mse" if target.is_floating_point() else "cross-entropy"
    _fits(loss, target)
    chosen = make_optimizer(optimizer) if isinstance(optimizer, str) else optimizer
    training = bool(getattr(module, "training", False)) if training is None else training
    program, values = capture(module, inputs, target, loss=loss, training=training, seed=seed, title=title)
    step = None if forward_only or program.loss is None else chosen
    if picture is None:
        picture = len(inputs) == 1 and _is_picture(inputs[0])
    classes = loss in ("cross-entropy", "nll") and inputs[0].shape[0] == 1
    spec = Spec(program, step, False, source, picture, classes)
    learning = derive(program, values, optimizer=step)
    if step is not None and learning.d.count > SWITCH_ABOVE:
        spec = Spec(program, step, True, source, picture, classes)
        learning = derive(program, values, optimizer=step, switch=True)
    _finite(learning)
    book = prepared(spec, learning)
    with replacing(target_path, force=force) as temporary:
        saved(book, temporary)
    return Exported(str(target_path), sum(len(texts) for texts in book.formulas.values()),
                    tuple(sheet.name for sheet in book.sheets), book.longest,
                    sum(block.size for block in learning.d.blocks if block.role == "parameter"),
                    None if learning.loss is None else float(book.values[learning.loss]))


def _fits(loss: Any, target: torch.Tensor | None) -> None:
    if isinstance(loss, str) and loss not in LOSSES:
        from sheetprop.errors import nearest

        raise SheetpropError(f"--loss {loss}: is no loss that is known; {nearest(loss, LOSSES)}")
    if loss in ("mse", "l1", "huber", "bce") and target is not None and not target.is_floating_point():
        raise SheetpropError(f"--loss {loss}: wants real targets, and these are whole numbers; use cross-entropy, or "
                             "give them with a decimal point")


def _finite(learning: Learning) -> None:
    """Raise where a number of the forward pass is none: no such class, an overflow, a root of less than 0."""
    values = learning.d.evaluate()
    for block in learning.d.blocks:
        if block.role in ("forward", "loss") and not np.isfinite(values[block.first:block.first + block.size]).all():
            name = block.layer.name if block.layer else "the module"
            raise SheetpropError(f"{name}: {block.name} holds a number that is not finite (a target that is no class, "
                                 "an overflow, a root or logarithm of less than 0); give other inputs, targets or "
                                 "weights")


def _is_picture(x: torch.Tensor) -> bool:
    shape = tuple(x.shape)
    return (len(shape) == 4 and shape[:2] == (1, 1) and min(shape[2:]) >= 8 and float(x.min()) >= 0
            and float(x.max()) <= 1)


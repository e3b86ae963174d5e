"""PyTorch as the judge: what each number of a derivation should be.

Every operation is run again by PyTorch in float64 on the numbers that it read, and autograd says
what flows back into them for the gradient that arrived; so a number that is wrong is blamed on
itself and not on what it feeds. The whole program is run besides from its inputs to the gradients
of its parameters, and the optimizer's step by ``torch.optim``. No rule of ours is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sheetprop.modules.derivation import Call
from sheetprop.modules.formula import LEAST, UNDECIDED, ZERO, Floats, Sizes
from sheetprop.modules.learning import Learning
from sheetprop.modules.operations import operation
from sheetprop.modules.operations.pooling import MaxPool
from sheetprop.modules.operations.reductions import MaxAlong
from sheetprop.modules.program import torch_tensor
from sheetprop.modules.schema import exact, overload
from sheetprop.modules.tensors import Block, Tensor


def expected(learning: Learning, values: Floats) -> Floats:
    """Return what PyTorch makes of every place, NaN where it has no counterpart.

    Args:
        learning: what was derived.
        values: the numbers of all places, from which each operation is fed.
    """
    import torch

    d = learning.d
    found = np.full(d.count, np.nan)
    gradients = np.zeros(d.count)
    backward = learning.optimizer is not None
    on = learning_on(learning, values)
    for call in reversed(d.calls):
        leaves: list[tuple[Tensor, Any]] = []
        outs = _run(call, values, leaves, backward and on)
        ours = call.out if isinstance(call.out, tuple) else (call.out,)
        theirs = outs if isinstance(outs, list | tuple) else (outs,)
        heads, seeds = [], []
        for mine, other in zip(ours, theirs, strict=False):
            live = mine.flat >= 0
            found[mine.flat[live]] = other.detach().to(torch.float64).numpy().reshape(-1)[live]
            if other.requires_grad:
                heads.append(other)
                seeds.append(torch.from_numpy(np.array(values[d.gradient(mine)], dtype=np.float64)))
        if backward and on and heads:
            wanted = [leaf for _, leaf in leaves]
            flows = torch.autograd.grad(heads, wanted, seeds, allow_unused=True)
            for (source, _), flow in zip(leaves, flows, strict=True):
                if flow is not None:
                    live = source.flat >= 0
                    np.add.at(gradients, source.flat[live], flow.numpy().reshape(-1)[live])
    if backward:
        _gradients(learning, values, gradients, found)
        _step(learning, values, found, on)
    return found


def learning_on(learning: Learning, values: Floats) -> bool:
    """Whether the switch of the way back is on, or there is none."""
    return all(values[block.first] != 0 for block in learning.d.blocks if block.name == "backward")


def _run(call: Call, values: Floats, leaves: list[tuple[Tensor, Any]], gradients: bool) -> Any:
    """Run one operation in PyTorch on numbers of the book."""

    def real(value: Any) -> Any:
        if isinstance(value, Tensor):
            one = torch_tensor(values[value.places], value.shape, value.kind)
            if value.kind == "float" and gradients:
                one.requires_grad_(True)
                leaves.append((value, one))
            return one
        if isinstance(value, list | tuple):
            return [real(item) for item in value]
        return value

    schema = overload(call.target)._schema
    args = [real(call.arguments[one.name]) for one in schema.arguments if not one.kwarg_only]
    kwargs = {one.name: real(call.arguments[one.name]) for one in schema.arguments if one.kwarg_only}
    if call.target.split(".")[1] in ("batch_norm", "instance_norm"):
        args[3:5] = [None if one is None else one.detach() for one in args[3:5]]
        leaves[:] = [(source, leaf) for source, leaf in leaves if source not in
                     (call.arguments["running_mean"], call.arguments["running_var"])]
    return exact(call.target)(*args, **kwargs)


def _gradients(learning: Learning, values: Floats, gradients: Floats, found: Floats) -> None:
    d = learning.d
    for block in d.blocks:
        made = d.gradient_block(block)
        if made is None:
            continue
        span = slice(made.first, made.first + made.size)
        if learning.loss is not None and block.first <= learning.loss < block.first + block.size:
            found[span] = 1.0 if learning_on(learning, values) else 0.0
        else:
            found[span] = gradients[block.first:block.first + block.size]


def _step(learning: Learning, values: Floats, found: Floats, on: bool) -> None:
    """Let ``torch.optim`` make the step."""
    import torch

    d = learning.d
    if not on:
        for change in learning.changes:
            found[change.after.first:change.after.first + change.after.size] = 0.0
        return
    states = {(change.before.of.name if change.before.of else "", change.before.name.rpartition(".")[2]): change
              for change in learning.changes if change.before.role == "state"}
    parameters = [change for change in learning.changes if change.before.role == "parameter"]
    if not parameters:
        return
    held = []
    for change in parameters:
        block = change.before
        one = torch.from_numpy(values[block.first:block.first + block.size].copy()).requires_grad_(True)
        made = d.gradient_block(block)
        assert made is not None
        one.grad = torch.from_numpy(values[made.first:made.first + made.size].copy())
        held.append(one)
    optimizer, names = _optimizer(learning, values, held)
    time = next((values[change.before.first] for change in learning.changes if change.before.name == "t"), 0.0)

    def number(change: Any) -> Any:
        return torch.from_numpy(values[change.before.first:change.before.first + change.before.size].copy())

    for one, change in zip(held, parameters, strict=True):
        state = {theirs: number(states[change.before.name, ours]) for ours, theirs in names.items()}
        if state:
            state["step"] = torch.tensor(float(time))
            optimizer.state[one] = state
    optimizer.step()
    for one, change in zip(held, parameters, strict=True):
        found[change.after.first:change.after.first + change.after.size] = one.detach().numpy()
        for ours, theirs in names.items():
            after = states[change.before.name, ours].after
            found[after.first:after.first + after.size] = optimizer.state[one][theirs].numpy()
    for change in learning.changes:
        if change.before.name == "t":
            found[change.after.first] = time + 1


def _optimizer(learning: Learning, values: Floats, held: list[Any]) -> tuple[Any, dict[str, str]]:
    """Return PyTorch's optimizer with the numbers of the book, and its names of what is remembered."""
    import torch

    assert learning.optimizer is not None
    name = learning.optimizer.name
    numbers = {key: float(values[learning.block(key).first]) for key in learning.optimizer.used}
    lr, decay = numbers["lr"], numbers.get("weight_decay", 0.0)
    optim = torch.optim
    if name == "sgd":
        return optim.SGD(held, lr=lr, weight_decay=decay), {}
    if name in ("momentum", "nesterov"):
        return (optim.SGD(held, lr=lr, momentum=numbers["momentum"], nesterov=name == "nesterov", weight_decay=decay),
                {"velocity": "momentum_buffer"})
    if name in ("adam", "adamw"):
        kind = optim.Adam if name == "adam" else optim.AdamW
        return (kind(held, lr=lr, betas=(numbers["beta1"], numbers["beta2"]), eps=numbers["eps"], weight_decay=decay),
                {"mean": "exp_avg", "square": "exp_avg_sq"})
    if name == "rmsprop":
        return (optim.RMSprop(held, lr=lr, alpha=numbers["alpha"], eps=numbers["eps"], weight_decay=decay),
                {"square": "square_avg"})
    return optim.Adagrad(held, lr=lr, eps=numbers["eps"], weight_decay=decay), {"squares": "sum"}


@dataclass(frozen=True)
class EndToEnd:
    """One tensor of the whole program, run by PyTorch from the inputs.

    Attributes:
        name: of the block, or of the output.
        block: whose places it is compared with; None for an output that is a view.
        places: of the numbers.
        theirs: PyTorch's numbers, flat.
    """

    name: str
    block: Block | None
    places: np.ndarray[Any, Any]
    theirs: Floats


def end_to_end(learning: Learning, values: Floats) -> list[EndToEnd]:
    """Return outputs, loss and gradients as PyTorch and autograd make them of the book's inputs and parameters."""
    program, d = learning.program, learning.d
    given: dict[str, Any] = {}
    for one in program.given:
        if one.values is None:
            tensor = learning.tensors[one.name]
            given[one.name] = torch_tensor(values[tensor.places], one.shape, one.kind)
            if one.kind == "float" and one.role in ("input", "parameter"):
                given[one.name].requires_grad_(True)
    held = program.run(given)
    found = []
    names = [*program.outputs, *([program.loss] if program.loss else [])]
    for name in names:
        tensor = learning.tensors[name]
        found.append(EndToEnd(name, None, tensor.flat, held[name].detach().double().numpy().reshape(-1)))
    if program.loss is not None and learning.optimizer is not None and learning_on(learning, values):
        held[program.loss].backward()
        for one in program.given:
            if one.name in given and given[one.name].grad is not None:
                block = d.block_at(int(learning.tensors[one.name].flat[0]))
                found.append(EndToEnd(f"{one.path}.grad", block, d.gradient(learning.tensors[one.name]).reshape(-1),
                                      given[one.name].grad.numpy().reshape(-1)))
    return found


def sizes(learning: Learning, values: Floats) -> Floats:
    """Return the size of the terms of every place's formula; the magnitude of what is given."""
    return _sizes(learning, values, np.abs(values), carried=False)


def carried_sizes(learning: Learning, values: Floats) -> Floats:
    """Return the sizes carried along from the inputs: what cancelled on the way is not blamed on what reads it.

    Infinite where rounding decides which branch is taken.
    """
    return _sizes(learning, values, np.abs(values), carried=True)


def _sizes(learning: Learning, values: Floats, held: Floats, *, carried: bool) -> Floats:
    found = held.copy()
    tied: npt.NDArray[np.bool_] | None = None
    with np.errstate(all="ignore"):
        for block in learning.d.blocks:
            if carried and tied is None and block.role == "gradient":
                tied = _tied(learning, values, found)
            for at, formula in block.pieces:
                size = formula.size(values, Sizes(found, False) if carried else Sizes(held, True))
                size = np.where(np.isnan(size), np.inf, size)
                if at is None:
                    found[block.first:block.first + block.size] = size
                else:
                    found[block.first + at] = size
            if tied is not None and block.role == "gradient" and block.of is not None:
                own = tied[block.of.first:block.of.first + block.of.size]
                found[block.first:block.first + block.size][own] = np.inf
    return found[:learning.d.count]


def _tied(learning: Learning, values: Floats, held: Floats) -> npt.NDArray[np.bool_]:
    """Return which places share the maximum of a window with another to within rounding."""
    tied = np.zeros(learning.d.count, dtype=bool)
    for call in learning.d.calls:
        read = call.saved.get("read")
        if not isinstance(operation(call.target), MaxPool | MaxAlong) or read is None:
            continue
        numbers = np.where(read == ZERO, -np.inf, values[read])
        sign = -1.0 if "min" in call.target else 1.0
        top = np.argmax(np.where(read == ZERO, -np.inf, sign * values[read]), axis=1)
        rows = np.arange(len(read))
        size = held[read] + held[read[rows, top]][:, None]
        near = (np.abs(numbers - numbers[rows, top][:, None]) <= UNDECIDED * size) & (size > LEAST)
        near |= np.arange(read.shape[1]) == top[:, None]
        several = near.sum(axis=1) > 1
        places = read[several][near[several]]
        tied[places[places >= 0]] = True
    return tied

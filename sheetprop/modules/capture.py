"""Capture: a torch module with its arguments becomes a program, by torch.export, undecomposed."""

from __future__ import annotations

import contextlib
import copy
import inspect
import io
import logging
import operator
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sheetprop.errors import SheetpropError
from sheetprop.modules.decomposing import DROPPED, at, line_of, pure, ruled
from sheetprop.modules.program import Given, Node, Program, needed, references, torch_tensor

if TYPE_CHECKING:
    import torch
    from torch import nn

LOSSES = ("mse", "cross-entropy", "nll", "bce", "l1", "huber", "none")

_DROPOUT = ("dropout", "feature_dropout", "alpha_dropout", "feature_alpha_dropout")


def loss_function(name: str) -> Callable[..., Any] | None:
    """Return PyTorch's function for a loss by its name here; None for ``none``.

    Raises:
        SheetpropError: there is none.
    """
    from torch.nn import functional

    from sheetprop.errors import nearest

    table: dict[str, Callable[..., Any] | None] = {
        "mse": functional.mse_loss, "cross-entropy": functional.cross_entropy, "nll": functional.nll_loss,
        "bce": functional.binary_cross_entropy, "l1": functional.l1_loss, "huber": functional.huber_loss, "none": None}
    if name not in table:
        raise SheetpropError(f"--loss {name}: is no loss that is known; {nearest(name, LOSSES)}")
    return table[name]


def capture(module: nn.Module, args: Sequence[torch.Tensor], target: torch.Tensor | None = None, *,
            loss: str | Callable[..., Any] = "none", training: bool = False, seed: int = 0,
            title: str | None = None) -> tuple[Program, dict[str, np.ndarray[Any, Any]]]:
    """Return a module as a program, and the values of what it is given, by name.

    Args:
        module: what to capture; it is copied, and the copy made float64.
        args: its inputs, in order.
        target: of the loss.
        loss: one of `LOSSES`, or a function of output and target.
        training: whether dropout and batch normalisation are those of training.
        seed: of the dropout masks.
        title: of the module; its class's name by default.

    Raises:
        SheetpropError: it cannot be captured, has complex parameters, weights that are no numbers, or an
            operation without a rule; the message names the line of the module.
    """
    import torch

    function = loss_function(loss) if isinstance(loss, str) else loss
    if function is not None and target is None:
        raise SheetpropError(f"--loss {loss}: wants a target; give --target")
    _check(module)
    held = copy.deepcopy(module).double()
    held.train(training)
    inputs = [one.double() if one.is_floating_point() else one for one in args]
    if target is not None and target.is_floating_point():
        target = target.double()
    wrapped = _with_loss(held, function)
    given = (*inputs, target) if function is not None else tuple(inputs)
    before = torch.get_rng_state()
    torch.manual_seed(seed)
    try:
        with warnings.catch_warnings(), torch.random.fork_rng(), _quiet():
            warnings.simplefilter("ignore")
            exported = torch.export.export(wrapped, given, strict=False)
            exported = ruled(exported)
    except SheetpropError:
        raise
    except Exception as error:
        raise SheetpropError(_refusal(error, module)) from error
    finally:
        torch.set_rng_state(before)
    names = _argument_names(module, len(inputs)) + (["target"] if function is not None else [])
    return _Reader(exported, wrapped, given, names, training, seed, title or type(module).__name__,
                   function is not None).program()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what PyTorch prints about a module that it cannot capture to itself: one line says it."""
    log = logging.getLogger("torch")
    level, nowhere = log.level, io.StringIO()
    log.setLevel(logging.CRITICAL + 1)
    try:
        with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
            yield
    finally:
        log.setLevel(level)


def _check(module: nn.Module) -> None:
    import torch

    if not isinstance(module, torch.nn.Module):
        raise SheetpropError(f"{type(module).__name__}: is no torch.nn.Module; give a module")
    for name, one in [*module.named_parameters(), *module.named_buffers()]:
        if one.is_complex():
            raise SheetpropError(f"{name}: is complex; only real parameters can stand in cells")
        if one.is_floating_point() and not bool(torch.isfinite(one).all()):
            raise SheetpropError(f"{name}: holds a number that is not finite (NaN or infinite); give other weights")
    for name, one in module.named_parameters():
        if not one.is_floating_point():
            raise SheetpropError(f"{name}: holds whole numbers; only real parameters can be trained")


def _argument_names(module: nn.Module, count: int) -> list[str]:
    try:
        names = [name for name in inspect.signature(module.forward).parameters if name != "self"]
    except (TypeError, ValueError):
        names = []
    return [names[k] if k < len(names) and names[k] not in ("args", "kwargs", "input") else f"x{k + 1}" if count > 1
            else "x" for k in range(count)]


def _with_loss(module: nn.Module, function: Callable[..., Any] | None) -> nn.Module:
    from torch import nn

    class WithLoss(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.module = module

        def forward(self, *args: Any) -> Any:
            if function is None:
                out = self.module(*args)
                _returned(out)
                return tuple(out) if isinstance(out, list | tuple) else (out,)
            out = self.module(*args[:-1])
            _returned(out)
            first = out[0] if isinstance(out, list | tuple) else out
            others = tuple(out) if isinstance(out, list | tuple) else (out,)
            return (function(first, args[-1]), *others)

    return WithLoss()


def _returned(out: Any) -> None:
    import torch

    outs = out if isinstance(out, list | tuple) else (out,)
    for one in outs:
        if not isinstance(one, torch.Tensor):
            raise SheetpropError(f"the module returns {type(one).__name__}; return a tensor, or a tuple of them")


def _refusal(error: Exception, module: nn.Module) -> str:
    """Return one line for why a module could not be captured."""
    import traceback

    own = [frame for frame in traceback.extract_tb(error.__traceback__)
           if "/torch/" not in frame.filename and "sheetprop/modules/" not in frame.filename
           and not frame.filename.startswith("<")]
    line = f"{own[-1].filename.rpartition('/')[2]}:{own[-1].lineno}: {own[-1].line}" if own else ""
    text = str(error)
    if "data-dependent" in text or "GuardOnDataDependent" in type(error).__name__ or "DynamicOutput" in text:
        why = "goes another way for other numbers, which a sheet of fixed formulas cannot; use torch.where"
        found = re.findall(r'([\w./-]+\.py):(\d+) in (\w+)', text) + [
            (a, b, c) for a, b, c in re.findall(r'File "([^"]+)", line (\d+), in (\w+)', text)]
        mine = [one for one in found if "/torch/" not in one[0] and "sheetprop/" not in one[0]]
        if mine and not line:
            line = f"{mine[0][0].rpartition('/')[2]}:{mine[0][1]} in {mine[0][2]}"
    else:
        lines = [one.strip() for one in text.splitlines() if one.strip()]
        why = f"cannot be run on these inputs: {lines[0] if lines else type(error).__name__}"
    return f"{type(module).__name__}{at(line)}: {why}"


class _Reader:
    """Reads an exported graph into a program."""

    def __init__(self, exported: Any, wrapped: nn.Module, given: Sequence[Any], names: list[str], training: bool,
                 seed: int, title: str, has_loss: bool) -> None:
        self.exported, self.wrapped, self.inputs, self.names = exported, wrapped, given, names
        self.training, self.title, self.has_loss = training, title, has_loss
        self.given: list[Given] = []
        self.values: dict[str, np.ndarray[Any, Any]] = {}
        self.nodes: list[Node] = []
        self.folded: dict[str, Any] = {}
        self.rename: dict[str, str] = {}
        self.live: set[str] = set()
        self._pending: str | None = None
        self.random = np.random.default_rng(seed)

    def program(self) -> tuple[Program, dict[str, np.ndarray[Any, Any]]]:
        """Return the program and the values of what it is given."""
        graph = self.exported.graph
        self._placeholders()
        result: list[str] = []
        for node in graph.nodes:
            if node.op == "call_function":
                self._call(node)
            elif node.op == "output":
                kept = {spec.arg.name for spec in self.exported.graph_signature.output_specs
                        if spec.kind.name in ("USER_OUTPUT", "LOSS_OUTPUT") and hasattr(spec.arg, "name")}
                result = [self._named(one) for one in node.args[0] if getattr(one, "name", "") in kept]
            elif node.op == "get_attr":
                self._attribute(node)
        if not result:
            raise SheetpropError(f"{self.title}: returns no tensor; return one")
        loss = result[0] if self.has_loss else None
        outputs = tuple(result[1:] if self.has_loss else result)
        nodes = needed(self.nodes, {*result})
        used = {name for node in nodes for name in _names(node)} | {*result}
        given = tuple(one for one in self.given if one.name in used or one.role in ("input", "target", "parameter"))
        program = Program(self.title, given, tuple(nodes), outputs, loss, self.training)
        return program, {one.name: self.values[one.name] for one in given if one.values is None}

    def _placeholders(self) -> None:
        signature = self.exported.graph_signature
        state = {**dict(self.wrapped.named_parameters()), **dict(self.wrapped.named_buffers())}
        constants = dict(self.exported.constants)
        at = 0
        for node in (one for one in self.exported.graph.nodes if one.op == "placeholder"):
            name = node.name
            if name in signature.inputs_to_parameters or name in signature.inputs_to_buffers:
                parameter = name in signature.inputs_to_parameters
                path = (signature.inputs_to_parameters if parameter else signature.inputs_to_buffers)[name]
                value = state.get(path, constants.get(path))
                assert value is not None
                own = path.removeprefix("module.")
                if parameter:
                    self._given(name, "parameter", own, value, trained=bool(value.requires_grad))
                elif value.is_floating_point():
                    self._given(name, "buffer", own, value)
                else:
                    self.folded[name] = value
            elif name in signature.inputs_to_lifted_tensor_constants:
                self.folded[name] = constants[signature.inputs_to_lifted_tensor_constants[name]]
            else:
                value = self.inputs[at]
                label = self.names[at]
                self._given(name, "target" if self.has_loss and at == len(self.inputs) - 1 else "input", label, value)
                at += 1

    def _given(self, name: str, role: Any, path: str, value: Any, trained: bool = True) -> None:
        kind: Any = "float" if value.is_floating_point() else "bool" if str(value.dtype) == "torch.bool" else "int"
        self.given.append(Given(name, role, path, tuple(value.shape), kind, None, trained))
        self.values[name] = value.detach().double().cpu().numpy()
        self.live.add(name)

    def _attribute(self, node: Any) -> None:
        value = self.exported.graph_module
        for word in str(node.target).split("."):
            value = getattr(value, word)
        self.folded[node.name] = value

    def _named(self, node: Any) -> str:
        name = str(node.name)
        while name in self.rename:
            name = self.rename[name]
        if name in self.folded:
            self._constant(name, self.folded.pop(name))
        return name

    def _constant(self, name: str, value: Any) -> None:
        """Keep a constant in the program."""
        kind: Any = "float" if value.is_floating_point() else "bool" if str(value.dtype) == "torch.bool" else "int"
        numbers = tuple(float(v) for v in value.detach().double().cpu().numpy().reshape(-1))
        self.given.append(Given(name, "constant", name, tuple(value.shape), kind, numbers))
        self.live.add(name)

    def _call(self, node: Any) -> None:
        import torch

        if node.target is operator.getitem:
            source = self._value(node.args[0])
            if isinstance(source, dict):
                self.nodes.append(Node(node.name, "getitem", (source, node.args[1])))
                self.live.add(node.name)
            else:
                self.folded[node.name] = self.folded[node.args[0].name][node.args[1]]
            return
        target = str(node.target)
        if not target.startswith("aten."):
            if isinstance(node.target, torch._ops.OpOverload) or not callable(node.target):
                raise SheetpropError(f"{target}: has no rule{at(line_of(node))}; write it with other operations")
            raise SheetpropError(f"{getattr(node.target, '__name__', target)}: has no rule{at(line_of(node))}; "
                                 "write the module for fixed shapes")
        base = target.split(".")[1]
        if base in DROPPED:
            return
        path, kind = _module_of(node)
        if base.rstrip("_") in _DROPOUT:
            self._dropped(node, base.rstrip("_"), path, kind)
            return
        reads = list(node.all_input_nodes)
        if not any(self._live(one) for one in reads):
            self._fold(node)
            return
        if base.endswith("_") and not base.startswith("_"):
            target = self._in_place(node, target)
        if base in ("view", "_unsafe_view"):
            target = "aten.reshape.default"
        args = tuple(self._value(value) for value in node.args)
        kwargs = {name: self._value(value) for name, value in node.kwargs.items()}
        self.nodes.append(Node(node.name, target, args, kwargs, path, kind, line_of(node)))
        self.live.add(node.name)

    def _live(self, node: Any) -> bool:
        name = node.name
        while name in self.rename:
            name = self.rename[name]
        return name in self.live and name not in self.folded

    def _fold(self, node: Any) -> None:
        """Run what reads constants only."""
        import torch

        def real(value: Any) -> Any:
            if isinstance(value, torch.fx.Node):
                return self._folded_value(value)
            if isinstance(value, list | tuple):
                return type(value)(real(one) for one in value)
            return value

        args = [real(value) for value in node.args]
        kwargs = {name: real(value) for name, value in node.kwargs.items()}
        with torch.no_grad():
            self.folded[node.name] = node.target(*args, **kwargs)

    def _folded_value(self, node: Any) -> Any:
        name = node.name
        while name in self.rename:
            name = self.rename[name]
        if name in self.folded:
            return self.folded[name]
        one = next(given for given in self.given if given.name == name and given.values is not None)
        return torch_tensor(np.array(one.values), one.shape, one.kind)

    def _in_place(self, node: Any, target: str) -> str:
        """Turn an operation in place into one that is not; later reads see its result."""
        first = node.args[0]
        name = self._named(first)
        source = next((one for one in self.nodes if one.name == name), None)
        if (source is not None and _views(source.target)) or any(
                _views(one.target) and name in _names(one) for one in self.nodes):
            raise SheetpropError(f"{target}: changes part of a tensor in place{at(line_of(node))}; "
                                 "write it without changing in place")
        self.rename[first.name] = node.name
        self.rename[name] = node.name
        plain = pure(target)
        node.args = (node.args[0], *node.args[1:])
        self._pending = name
        return plain

    def _dropped(self, node: Any, base: str, path: str, kind: str) -> None:
        """Replace dropout in training by a product with a mask that is drawn now."""
        probability, train = float(node.args[1]), bool(node.args[2])
        if not train or probability == 0:
            self.nodes.append(Node(node.name, "aten.dropout.default", (self._value(node.args[0]), 0.0, False), {},
                                   path, kind, line_of(node)))
            self.live.add(node.name)
            return
        if "alpha" in base:
            raise SheetpropError(f"{base}: has no rule in training{at(line_of(node))}; use --eval")
        shape = list(node.meta["val"].shape)
        if base == "feature_dropout":
            shape = [*shape[:2], *(1 for _ in shape[2:])]
        keep = self.random.random(shape) >= probability
        mask = f"{node.name}_mask"
        numbers = keep / (1 - probability) if probability < 1 else np.zeros(shape)
        self.given.append(Given(mask, "constant", f"{path or 'dropout'}.mask", tuple(shape), "float",
                                tuple(float(v) for v in numbers.reshape(-1))))
        self.live.add(mask)
        self.nodes.append(Node(node.name, "aten.mul.Tensor", (self._value(node.args[0]), {"ref": mask}), {}, path,
                               kind, line_of(node)))
        self.live.add(node.name)

    def _value(self, value: Any) -> Any:
        """Return an argument as plain data."""
        import torch

        if isinstance(value, torch.fx.Node):
            if self._pending and value.name in self.rename:
                pending, self._pending = self._pending, None
                return {"ref": pending}
            return {"ref": self._named(value)}
        if isinstance(value, list | tuple):
            return [self._value(one) for one in value]
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if isinstance(value, torch.dtype | torch.device | torch.layout | torch.memory_format):
            return None
        raise SheetpropError(f"{value!r}: is an argument that cannot be kept; write the module for fixed shapes")


def _views(target: str) -> bool:
    from sheetprop.modules.operations import operation
    from sheetprop.modules.operations.views import View

    return target != "getitem" and isinstance(operation(target), View)


def _module_of(node: Any) -> tuple[str, str]:
    """Return path and class of the module that a node belongs to."""
    stack = node.meta.get("nn_module_stack") or {}
    path, kind = "", ""
    for own, held in stack.values():
        name = held if isinstance(held, str) else held.__name__
        path, kind = own, name.rpartition(".")[2]
    path = path.removeprefix("L['self'].")
    return (path.removeprefix("module.") if path != "module" else ""), "" if kind == "WithLoss" else kind


def _names(node: Node) -> set[str]:
    return references(node.args) | references(tuple(node.kwargs.values()))

"""Operations without a rule, in an exported graph: each is replaced by its parts, until every one has a rule."""

from __future__ import annotations

import operator
import re
from typing import Any

from sheetprop.errors import SheetpropError
from sheetprop.modules.operations import known

DROPPED = ("_assert_scalar", "_assert_async", "_assert_tensor_metadata", "sym_constrain_range_for_size")
"""Operations that only assert something."""


def ruled(exported: Any) -> Any:
    """Decompose what has no rule, one operation at a time, until everything has one."""
    import torch

    for _ in range(8):
        unknown = [node for node in exported.graph.nodes
                   if node.op == "call_function" and isinstance(node.target, torch._ops.OpOverload)
                   and not _rule(str(node.target))]
        if not unknown:
            return exported
        for node in unknown:
            if not _decomposed(exported.graph, node):
                raise SheetpropError(f"{node.target}: has no rule{at(line_of(node))}; write it with other operations")
    return exported


def _decomposed(graph: Any, node: Any) -> bool:
    """Put the parts of an operation in its place; return whether it has any."""
    import torch
    from torch._decomp import core_aten_decompositions, get_decompositions
    from torch.fx.experimental.proxy_tensor import make_fx
    from torch.utils import _pytree as pytree

    flat, spec = pytree.tree_flatten((node.args, node.kwargs))
    reads = [k for k, one in enumerate(flat) if isinstance(one, torch.fx.Node)]
    table: dict[Any, Any] = dict(get_decompositions([node.target]))
    known_parts = core_aten_decompositions()
    if node.target in known_parts:
        table[node.target] = known_parts[node.target]

    def called(*tensors: Any) -> Any:
        given = list(flat)
        for k, one in zip(reads, tensors, strict=True):
            given[k] = one
        args, kwargs = pytree.tree_unflatten(given, spec)
        return node.target(*args, **kwargs)

    examples = [torch.ones(tuple(flat[k].meta["val"].shape), dtype=flat[k].meta["val"].dtype) for k in reads]
    try:
        parts = make_fx(called, decomposition_table=table)(*examples).graph
    except (RuntimeError, TypeError, NotImplementedError):
        return False
    if any(one.target is node.target for one in parts.nodes):
        return False
    places = [one for one in parts.nodes if one.op == "placeholder"]
    if any(one.op == "get_attr" for one in parts.nodes):
        return False
    copies = {place: flat[k] for place, k in zip(places, reads, strict=True)}
    with graph.inserting_before(node):
        for one in parts.nodes:
            if one.op == "call_function":
                copies[one] = graph.node_copy(one, lambda old: copies[old])
                copies[one].meta.update({name: node.meta[name] for name in ("nn_module_stack", "stack_trace")
                                         if name in node.meta})
    out = next(one for one in parts.nodes if one.op == "output").args[0]
    if isinstance(out, list | tuple):
        for user in list(node.users):
            if user.target is operator.getitem:
                user.replace_all_uses_with(copies[out[user.args[1]]])
                graph.erase_node(user)
    else:
        node.replace_all_uses_with(copies[out])
    graph.erase_node(node)
    return True


def _rule(target: str) -> bool:
    name = target.split(".")[1] if target.startswith("aten.") else target
    return known(target) or name in DROPPED or name in _CREATED or (name.endswith("_") and known(pure(target)))


_CREATED = ("zeros", "ones", "full", "arange", "empty", "eye", "ones_like", "full_like", "scalar_tensor", "zeros_like",
            "linspace", "new_ones", "new_full", "new_empty", "empty_like", "tensor", "randn_like", "rand_like", "randn",
            "rand", "bernoulli", "copy_", "sym_size", "empty_memory_format")


def pure(target: str) -> str:
    """Return the name of an operation in place without its underscore."""
    words = target.split(".")
    return ".".join([words[0], words[1].removesuffix("_"), *words[2:]])


def line_of(node: Any) -> str:
    """Return the user's own last line that led to a node, as ``file:12: code``."""
    trace = node.meta.get("stack_trace") or ""
    found = re.findall(r'File "([^"]+)", line (\d+), in [^\n]*\n\s*([^\n]*)', trace)
    own = [one for one in found if "/torch/" not in one[0] and "sheetprop/modules/" not in one[0]]
    return "" if not own else f"{own[-1][0].rpartition('/')[2]}:{own[-1][1]}: {own[-1][2]}"


def at(line: str) -> str:
    return f" ({line})" if line else ""

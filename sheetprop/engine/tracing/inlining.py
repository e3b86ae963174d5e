"""LET and calls of a LAMBDA without variables: what a variable stands for is put in its place."""

from __future__ import annotations

from collections.abc import Callable

from sheetprop.engine.formula.tree import Apply, Binary, Call, Empty, Local, Name, Node, Unary
from sheetprop.engine.tracing.elements import Stuck

_MOST = 200  # calls of a LAMBDA, and so the depth of one that calls itself

Variables = dict[str, Node]


class Inliner:
    """Puts values in the place of variables.

    Args:
        meant: what a defined name stands for, or None.
    """

    def __init__(self, meant: Callable[[Name], Node | None]) -> None:
        self.meant = meant
        self.calls = 0

    def inlined(self, node: Node, bound: Variables) -> Node:
        """Return a node in which the variables of LET and of called LAMBDAs are replaced by their values.

        Raises:
            Stuck: a LAMBDA takes another number of arguments, or calls itself too often.
        """
        if isinstance(node, Local):
            return bound.get(node.name.casefold(), node)
        if isinstance(node, Unary):
            return Unary(node.operator, self.inlined(node.operand, bound))
        if isinstance(node, Binary):
            return Binary(node.operator, self.inlined(node.left, bound), self.inlined(node.right, bound))
        if isinstance(node, Apply):
            return self._called(node, bound)
        if isinstance(node, Call):
            if node.name == "LET":
                return self._let(node, bound)
            if node.name == "LAMBDA":
                names = {part.name.casefold() for part in node.arguments[:-1] if isinstance(part, Local)}
                inner = {name: value for name, value in bound.items() if name not in names}
                return Call("LAMBDA", (*node.arguments[:-1], self.inlined(node.arguments[-1], inner)))
            return Call(node.name, tuple(self.inlined(part, bound) for part in node.arguments))
        return node

    def _let(self, node: Call, bound: Variables) -> Node:
        parts = node.arguments
        if len(parts) < 3 or len(parts) % 2 == 0:
            raise Stuck(f"LET with {len(parts)} arguments")
        bound = dict(bound)
        for name, value in zip(parts[:-1:2], parts[1::2], strict=True):
            if not isinstance(name, Local):
                raise Stuck("LET without a variable")
            bound[name.name.casefold()] = self.inlined(value, bound)
        return self.inlined(parts[-1], bound)

    def _called(self, node: Apply, bound: Variables) -> Node:
        function = self.inlined(node.function, bound)
        if isinstance(function, Name):
            function = self.meant(function) or function
        if not isinstance(function, Call) or function.name != "LAMBDA":
            raise Stuck("a call of something else than a LAMBDA")
        names, body = function.arguments[:-1], function.arguments[-1]
        if len(names) != len(node.arguments) or any(isinstance(part, Empty) for part in node.arguments):
            raise Stuck("a LAMBDA with arguments left out")
        self.calls += 1
        if self.calls > _MOST:
            raise Stuck("a LAMBDA that calls itself")
        given: Variables = {}
        for name, part in zip(names, node.arguments, strict=True):
            if not isinstance(name, Local):
                raise Stuck("a LAMBDA without a parameter")
            given[name.name.casefold()] = self.inlined(part, bound)
        return self.inlined(body, given)

"""Formulas of active cells as small expressions over variables, ready to be printed and differentiated.

The rules of evaluation are those of `evaluate`: a value is a grid of elements, of one element for a
single value; in an array formula (`spread`) a range stands for all its cells, elsewhere for the one
in the formula's own row or column.
"""

from __future__ import annotations

from collections.abc import Callable

from sheetprop.engine.calculation.evaluate import operand_of, value_of
from sheetprop.engine.formula.depth import with_room
from sheetprop.engine.formula.references import address
from sheetprop.engine.formula.tree import (
    Apply,
    Area,
    Binary,
    Boolean,
    Call,
    Cell,
    Empty,
    Name,
    Node,
    Number,
    Stack,
    Unary,
    is_array,
    subtracts_last,
)
from sheetprop.engine.functions import LAZY, REFERENCES, REGISTRY, Function, find
from sheetprop.engine.grid.values import NA, NUM, Raised
from sheetprop.engine.tracing.choosing import E
from sheetprop.engine.tracing.elements import (
    Stuck,
    as_held,
    as_number,
    as_truth,
    compared,
    either,
    literal,
    once,
    plain,
    settled,
)
from sheetprop.engine.tracing.grids import Grid, broadcast, single
from sheetprop.engine.tracing.inlining import Inliner
from sheetprop.engine.tracing.lookups import option
from sheetprop.engine.tracing.rules import RULES, arithmetic, rounded_last, signed
from sheetprop.engine.tracing.scope import LARGEST, Rectangle, Scope
from sheetprop.engine.tracing.steps import without_numba
from sheetprop.engine.tracing.trace import Untraceable

_ARITHMETIC = ("+", "-", "*", "/", "^")
_COMPARISONS = ("=", "<>", "<", ">", "<=", ">=")
_SELECTING = {"SUMIF": "SUMIFS", "AVERAGEIF": "AVERAGEIFS"}
_SAME_SIZE = frozenset(("COUNTIF", "COUNTIFS", "SUMIFS", "AVERAGEIFS", "MAXIFS", "MINIFS"))
"""Functions whose ranges belong together cell by cell, so that none may be cut to what is used."""


class Formula(Scope):
    """A formula that is turned into expressions."""

    def element_of(self, tree: Node) -> E:
        """Return what a formula puts into its cell: a number or a truth value. Raises what `elements_of` does."""
        try:
            found = self.grid(tree.children()[0], True) if is_array(tree) else self.value(tree, False)
            if subtracts_last(tree) and not self.space.exact:
                found = single(rounded_last(found.at(0, 0)))
            return self._finished(found, [(0, 0)])[0]
        except Stuck as stuck:
            raise self._untraceable(str(stuck)) from None

    def elements_of(self, tree: Node, places: list[tuple[int, int]]) -> list[E]:
        """Return what an array formula puts into cells at some distances from its first.

        Raises:
            Untraceable: an active cell goes into something that has no expression here.
        """
        try:
            return self._finished(self.grid(tree, True), places)
        except Stuck as stuck:
            raise self._untraceable(str(stuck)) from None

    def _finished(self, grid: Grid, places: list[tuple[int, int]]) -> list[E]:
        """Return elements as cells hold them, with a variable for each operation that is calculated once."""
        named: dict[int, tuple[E, E]] = {}  # the first of a pair is held so that its id stays its own
        elements = [grid.at(row, column) for row, column in places]
        return [self._named(as_held(e), named) for e in elements]

    def _named(self, e: E, done: dict[int, tuple[E, E]]) -> E:
        """Return an expression in which variables stand for what is marked `once`."""
        if id(e) not in done:
            if e.op == "product" and (len(self.rows) > 1 or self.variables.dialect == "numba"):
                raise Stuck("a large matrix product")
            args = tuple(self._named(arg, done) for arg in e.args)
            found = e
            if e.op == "once":
                found = args[0] if args[0].op == "leaf" else self.variables.named(args[0])
            elif e.op == "entry":
                whole = args[0]
                found = E("leaf", (), f"{whole.text}[{e.text}]", f"{whole.adjoint}[{e.text}]", whole.active)
            elif e.op == "product":
                found = self.variables.named(E(e.op, args, e.text))
            elif self.variables.dialect == "numba" and without_numba(e):
                raise Stuck(f"the function {e.text}" if e.op == "flat" else "a number by its place in order")
            else:
                e.args = args
            done[id(e)] = (e, found)
        return done[id(e)][1]

    def _untraceable(self, why: str) -> Untraceable:
        return Untraceable(f"{self.sheet.name}!{address(self.rows[0], self.column)}", why)

    # ---- nodes

    def value(self, node: Node, spread: bool) -> Grid:
        """Return the values of a node where single ones are wanted, and a range means one of its cells."""
        if isinstance(node, Number | Boolean):
            return single(literal(node.value))
        if isinstance(node, Cell):
            return single(self.element(node))
        if not self.is_active(node):
            return self.constants(node, value_of(node, spread))
        if isinstance(node, Area) and not spread:
            return single(self.element(self._crossing(self.rectangle(node))))
        grid = self.grid(node, spread)
        return grid if grid.height * grid.width > 1 else single(grid.first)

    def grid(self, node: Node, spread: bool) -> Grid:
        """Return a node as an operand: a reference stands for its cells.

        Raises:
            Stuck: an active cell goes into something that has no expression here.
        """
        if isinstance(node, Area | Cell):
            place = self.rectangle(node)
            whole = (place.bottom - place.top + 1) * (place.right - place.left + 1)
            return self.elements(self.used(place) if whole > LARGEST else place)
        if not self.is_active(node):
            return self.constants(node, operand_of(node, spread))
        if isinstance(node, Name):
            meant = self.space.name_meant(node, self.sheet)
            assert meant is not None
            return self.grid(meant.tree, spread)
        if isinstance(node, Stack):
            return Grid([[e for layer in node.layers for e in self.counted_range(layer, spread).flat()]])
        if isinstance(node, Unary):
            operator = node.operator
            return broadcast(lambda e: signed(operator, e), self.value(node.operand, spread))
        if isinstance(node, Binary):
            return self._binary(node, spread)
        if isinstance(node, Apply) or (isinstance(node, Call) and node.name == "LET"):
            return self.grid(self._inlined(node), True)
        if isinstance(node, Call):
            return self._call(node, spread)
        raise Stuck("a range where a single number belongs")

    def _inlined(self, node: Node) -> Node:
        def meant(name: Name) -> Node | None:
            found = self.space.name_meant(name, self.sheet)
            return None if found is None else found.tree

        return with_room(lambda: Inliner(meant).inlined(node, {}))

    def counted_range(self, node: Node, spread: bool) -> Grid:
        """Return an operand of a function to which blank cells mean nothing."""
        if isinstance(node, Area):
            return self.elements(self.used(self.rectangle(node)))
        return self.grid(node, spread)

    def _crossing(self, place: Rectangle) -> Cell:
        """Return the cell of a range that stands in the formula's own row or column."""
        if (place.top, place.left) == (place.bottom, place.right):
            return Cell(place.sheet, place.top, place.left, place.fixed, True)
        ends = (min(self.rows), max(self.rows)) if place.fixed else (0, 0)
        if place.left == place.right and place.top <= ends[0] and ends[1] <= place.bottom:
            return Cell(place.sheet, 0, place.left, False, True)
        if place.top == place.bottom and place.left <= self.column <= place.right:
            return Cell(place.sheet, place.top, self.column, place.fixed, True)
        raise Stuck("a range where a single number belongs")

    def _binary(self, node: Binary, spread: bool) -> Grid:
        operator = node.operator
        if operator in _COMPARISONS:
            combine: Callable[[E, E], E] = lambda a, b: compared(  # noqa: E731
                operator, a, b, self.space.exact)
        elif operator in _ARITHMETIC:
            combine = lambda a, b: arithmetic(operator, a, b)  # noqa: E731
        else:
            raise Stuck("joined text" if operator == "&" else "a reference that is put together")
        return broadcast(combine, self.value(node.left, spread), self.value(node.right, spread))

    # ---- functions

    def _call(self, node: Call, spread: bool) -> Grid:
        name = node.name
        if find(name) and name in LAZY:
            return self._choice(name, list(node.arguments), spread)
        if name in _SELECTING:
            return self._selected(_SELECTING[name], node.arguments, spread)
        rule, known = RULES.get(name), REGISTRY.get(name)
        if rule is None or known is None:
            raise Stuck(f"the function {name}")
        if not known.least <= len(node.arguments) <= known.most:
            raise Stuck(f"{name} with {len(node.arguments)} arguments")
        given = list(node.arguments)
        skipped = known.skipped(at for at, part in enumerate(given) if isinstance(part, Empty))
        while len(given) - 1 in skipped:
            given.pop()
        kinds = [known.kind(at) for at in range(len(given))]
        grids = [self._argument(name, kind, part, spread) for kind, part in zip(kinds, given, strict=True)]
        singles = [at for at, kind in enumerate(kinds) if kind not in REFERENCES]

        def apply(*elements: E) -> E | Grid:
            values = [plain(e) for e in elements]
            if len(singles) == len(kinds) and None not in values:
                return _outcome(known, values)
            arguments: list[E | Grid] = list(grids)
            for at, e in zip(singles, elements, strict=True):
                arguments[at] = _converted(kinds[at], e)
            result: E | Grid = rule(*arguments)
            return result

        if all(grids[at].direct for at in singles):
            result = apply(*[grids[at].first for at in singles])
            return result if isinstance(result, Grid) else single(result)
        return broadcast(lambda *elements: _one(apply(*elements)), *[grids[at] for at in singles])

    def _argument(self, name: str, kind: str, node: Node, spread: bool) -> Grid:
        if kind not in REFERENCES:
            return self.value(node, spread)
        if kind in "aA" or name in _SAME_SIZE:
            return self.grid(node, spread or kind in "aA")
        return self.counted_range(node, spread)

    def _selected(self, name: str, given: tuple[Node, ...], spread: bool) -> Grid:
        """SUMIF and AVERAGEIF: the range to add up has the size of the tested one, from its first cell on."""
        if not 2 <= len(given) <= 3:
            raise Stuck(f"{name[:-1]} with {len(given)} arguments")
        tested, condition, target = self.grid(given[0], spread), self.value(given[1], spread), given[-1]
        if len(given) == 2:
            chosen = tested
        elif isinstance(target, Area | Cell):
            chosen = self.elements(self.rectangle(target).resized(tested.height, tested.width))
        else:
            chosen = self.grid(target, spread)
        return broadcast(lambda one: _one(RULES[name](chosen, tested, one)), condition)

    # ---- choices

    def _choice(self, name: str, given: list[Node], spread: bool) -> Grid:
        """Return what IF and the others give that look at some of their arguments only."""
        if name == "IF" and 2 <= len(given) <= 3:
            return self._first([given[0]], [given[1]], given[2] if len(given) > 2 else Boolean(False), spread)
        if name == "IFS" and len(given) % 2 == 0:
            return self._first(given[::2], given[1::2], None, spread)
        if name == "IFERROR" and len(given) == 2:
            return self._caught(self.value(given[0], spread), given[1], spread)
        if name == "CHOOSE" and len(given) > 1:
            return self._chosen(self.value(given[0], spread), given[1:], spread)
        raise Stuck(f"the function {name}")

    def _first(self, tests: list[Node], results: list[Node], default: Node | None, spread: bool) -> Grid:
        """Return the result behind the first test that holds; a test that depends on nothing is settled now."""
        if not tests:
            return single(literal(NA)) if default is None else self.grid(default, spread)
        test = self.value(tests[0], spread)
        known = settled(as_truth(test.first)) if test.direct else None
        if known:
            return self.grid(results[0], spread)
        rest = self._first(tests[1:], results[1:], default, spread)
        if known is False:
            return rest
        return self._by_test(test, self.grid(results[0], spread), rest)

    @staticmethod
    def _by_test(test: Grid, yes: Grid, no: Grid) -> Grid:
        if test.direct and (yes.height, yes.width) != (no.height, no.width):
            raise Stuck("a choice between ranges of different size")
        found = broadcast(lambda c, a, b: either(as_truth(c), a, b), test, yes, no)
        return found if found.height * found.width > 1 else single(found.first)

    def _caught(self, found: Grid, otherwise: Node, spread: bool) -> Grid:
        def catch(e: E, other: E) -> E:
            if e.op == "error":
                return other
            return E("iferror", (as_number(e), as_number(other)))

        return broadcast(catch, found, self.value(otherwise, spread))

    def _chosen(self, position: Grid, options: list[Node], spread: bool) -> Grid:
        at = plain(as_number(position.first)) if position.direct else None
        if at is not None:
            if not 1 <= at < len(options) + 1:
                raise Stuck("a choice outside its range")
            return self.grid(options[int(at) - 1], spread)
        return broadcast(lambda place, *given: option(once(as_number(place)), list(given)), position,
                         *[self.value(one, spread) for one in options])


def _outcome(function: Function, values: list[float | None]) -> E:
    """Return what a function of single numbers gives for numbers that depend on nothing."""
    try:
        return literal(function.run(*values))  # type: ignore[arg-type]
    except Raised as raised:
        return literal(raised.error)
    except (OverflowError, ValueError):
        return literal(NUM)


def _converted(kind: str, e: E) -> E:
    """Return a single argument as a function of that kind takes it."""
    if kind == "b":
        return as_truth(e)
    return e if kind == "e" else as_number(e)


def _one(result: E | Grid) -> E:
    return result.first if isinstance(result, Grid) else result



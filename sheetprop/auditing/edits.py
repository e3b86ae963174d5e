"""Small edits of a formula: one reference for another, a bracket moved, a sign, a factor, a term."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations

from sheetprop.auditing.expressions import Expr, at, make, number, places, rebuilt, replaced, walk
from sheetprop.auditing.grid import Place

Edit = tuple[Expr, Expr, Expr]


def substituted(whole: Expr, old: Expr, new: Expr) -> Expr:
    """Return `whole` with the node `old` exchanged for `new` wherever it stands."""
    return rebuilt(whole, {old: new})


def shapes(whole: Expr) -> Iterator[Edit]:
    """Yield (new formula, old part, new part) for edits that change the form but no reference."""
    nodes = list(walk(whole))
    nodes.reverse()
    for node in nodes:
        for new in _reshaped(node):
            yield substituted(whole, node, new), node, new


def _reshaped(node: Expr) -> Iterator[Expr]:
    op, args = node.op, node.args
    if op == "ABS":
        yield args[0]
        for inner in walk(args[0]):
            if inner.op == "-":
                yield substituted(args[0], inner, make("-", inner.args[1], inner.args[0]))
        yield make("neg", args[0])
    if op == "neg":
        yield args[0]
    if op == "-":
        yield make("-", args[1], args[0])
        yield make("+", *args)
        yield make("*", *args)
        yield args[0]
    if op == "+":
        yield make("-", *args)
        yield make("*", *args)
        yield args[0]
        yield args[1]
    if op == "^" and args[1].op == "n":
        yield args[0]
        if args[1].value != 2:
            yield make("^", args[0], number(2))
    if op == "*":
        yield args[0]
        yield args[1]
        yield make("+", *args)
        yield make("-", *args)
        yield make("/", *args)
        yield make("-", args[1], args[0])
    if op == "/":
        yield args[0]
        yield make("*", *args)
    if op in ("+", "-", "*", "/", "^"):
        left, right = args
        # Brackets moved: (a ∘ b) • c and a ∘ (b • c), also across a whole chain of factors.
        if left.op in ("+", "-", "*", "/", "^"):
            yield make(left.op, left.args[0], make(op, left.args[1], right))
        if right.op in ("+", "-", "*", "/", "^"):
            yield make(right.op, make(op, left, right.args[0]), right.args[1])
        if op in ("+", "-") and right.op in ("*", "/"):
            yield from _taken_in(left, right, op)
        if op in ("*", "/") and left.op in ("*", "/", "+", "-"):
            yield from _let_out(node)
    if op in ("EXP", "SQRT", "LN", "TANH") and len(args) == 1:
        yield make(op, make("neg", args[0]))
        yield args[0]
    if op not in ("n", "v"):
        yield make("neg", node)
        yield make("*", number(2), node)
        yield make("*", number(0.5), node)
        if op in ("-", "+"):
            yield make("^", node, number(2))
    if op == "n" and node.value not in (0.0, 1.0):
        yield number(1)
        yield number(node.value * 2)
        yield number(node.value / 2)
    if op == "n" and node.value == 1.0:
        yield number(0.5)
        yield number(2)


def _taken_in(left: Expr, right: Expr, op: str) -> Iterator[Expr]:
    """a + b*c*d as (a+b)*c*d, at every depth of the chain."""
    chain: list[Expr] = []
    node = right
    while node.op in ("*", "/"):
        chain.append(node)
        node = node.args[0]
        inner = make(op, left, node)
        for link in reversed(chain):
            inner = make(link.op, inner, link.args[1])
        yield inner


def _let_out(node: Expr) -> Iterator[Expr]:
    """(a+b)*c*d as a+b*c*d: the bracket around the first factor of a chain taken away."""
    chain: list[Expr] = []
    inner = node
    while inner.op in ("*", "/"):
        chain.append(inner)
        inner = inner.args[0]
    if inner.op in ("+", "-") and len(chain) > 1:
        last = inner.args[1]
        for link in reversed(chain):
            last = make(link.op, last, link.args[1])
        yield make(inner.op, inner.args[0], last)


def swaps(whole: Expr, like: Callable[[Place], list[Place]]) -> Iterator[Edit]:
    """Yield edits that put another place of the same kind where one stands, alone or throughout a part.

    Two places exchanged with each other throughout a part count as one edit.
    """
    seen: set[Expr] = set()
    nodes = list(walk(whole))
    for node in nodes:
        if node.op == "n":
            continue
        inside = places(node)
        for place in inside:
            for other in like(place):
                if other == place:
                    continue
                new = rebuilt(node, {at(place): at(other)})
                if node.op == "v" and sum(arg is node for n in nodes for arg in n.args) > 1:
                    # One of several appearances: in each place where it stands, one at a time.
                    for holder in nodes:
                        if node in holder.args:
                            for index, arg in enumerate(holder.args):
                                if arg is node:
                                    changed = make(holder.op, *[new if i == index else a
                                                                for i, a in enumerate(holder.args)], value=holder.value)
                                    result = substituted(whole, holder, changed)
                                    if result not in seen:
                                        seen.add(result)
                                        yield result, holder, changed
                    continue
                result = substituted(whole, node, new)
                if result not in seen:
                    seen.add(result)
                    yield result, node, new
    for index, first in enumerate(places(whole)):
        for second in places(whole)[index + 1:]:
            if second in like(first):
                def change(p: Place, a: Place = first, b: Place = second) -> Expr:
                    return at(b) if p == a else at(a) if p == b else at(p)

                result = replaced(whole, change)
                if result not in seen:
                    seen.add(result)
                    yield result, whole, result


def factors(whole: Expr, known: list[Expr]) -> Iterator[Edit]:
    """Yield edits that multiply a part by one of some expressions."""
    for node in reversed(list(walk(whole))):
        if node.op == "n":
            continue
        for factor in known:
            yield substituted(whole, node, make("*", node, factor)), node, make("*", node, factor)


def terms(whole: Expr, extra: list[Expr]) -> Iterator[Edit]:
    """Yield edits that add one of some expressions to a part."""
    for node in reversed(list(walk(whole))):
        if node.op in ("n", "v") and node is not whole:
            continue
        for term in extra:
            yield substituted(whole, node, make("+", node, term)), node, make("+", node, term)


def dropped(whole: Expr) -> Iterator[Edit]:
    """Yield edits that leave out one factor of a product."""
    for node in reversed(walk(whole)):
        if node.op == "*":
            for new in node.args:
                yield substituted(whole, node, new), node, new


def shortened(whole: Expr) -> Iterator[Edit]:
    """Yield edits that leave out two or three factors of a product, neighbours first."""
    inner = {arg for node in walk(whole) if node.op == "*" for arg in node.args if arg.op == "*"}
    for node in reversed(walk(whole)):
        if node.op != "*" or node in inner:
            continue
        chain = factors_of(node)
        if not 3 <= len(chain) <= 9:
            continue
        gaps = [gone for size in (2, 3) for gone in combinations(range(len(chain)), size) if size < len(chain)]
        gaps.sort(key=lambda gone: gone[-1] - gone[0])
        for gone in gaps:
            left = [factor for index, factor in enumerate(chain) if index not in gone]
            new = left[0]
            for factor in left[1:]:
                new = make("*", new, factor)
            yield substituted(whole, node, new), node, new


def factors_of(node: Expr) -> list[Expr]:
    """Return the factors of a product, however it is bracketed."""
    return [*factors_of(node.args[0]), *factors_of(node.args[1])] if node.op == "*" else [node]


def moved_ranges(whole: Expr, spot: Callable[[Place], tuple[str, int, int] | None],
                 number_at: Callable[[str, int, int], int | None], is_given: Callable[[Place], bool]) -> Iterator[Edit]:
    """Yield edits that take another range of the same shape, up to four rows or columns further.

    Args:
        whole: a formula over single cells.
        spot: where a place stands.
        number_at: the number of the cell that stands somewhere; None where none does.
        is_given: whether a place is a given number.
    """
    held = {place: found for place in places(whole) if (found := spot(place)) is not None}
    groups: dict[tuple[str, str, int], list[Place]] = {}
    for place, (sheet, row, column) in held.items():
        groups.setdefault((sheet, "column", column), []).append(place)
        groups.setdefault((sheet, "row", row), []).append(place)
    steps = [(sign * size * down, sign * size * right) for size in (1, 2, 3, 4) for down, right in ((0, 1), (1, 0))
             for sign in (1, -1)]
    # A block is moved as a whole: what is given, or what is computed.
    for given in (True, False):
        groups["", f"given {given}", 0] = [place for place in held if is_given(place) is given]
    for group in groups.values():
        if len(group) < 2:
            continue
        for down, right in steps:
            change: dict[Place, Expr] = {}
            for place in group:
                sheet, row, column = held[place]
                number = number_at(sheet, row + down, column + right)
                if number is None:
                    break
                change[place] = at((number, 0))
            else:
                new = replaced(whole, lambda p, change=change: change.get(p, at(p)))  # type: ignore[misc]
                yield new, whole, new

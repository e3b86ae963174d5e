"""The cause of a wrong derivative: the smallest edit of some formula that makes all rows right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sheetprop.auditing.cellgrid import CellGrid
from sheetprop.auditing.claims import Bench, Claim
from sheetprop.auditing.derivative import Graph
from sheetprop.auditing.edits import Edit, dropped, factors, moved_ranges, shapes, shortened, swaps, terms
from sheetprop.auditing.expressions import Expr, at, evaluate, make, number, places, shifted, show, walk
from sheetprop.auditing.forward import unit_of
from sheetprop.auditing.grid import Place
from sheetprop.auditing.sample_points import differs
from sheetprop.auditing.symbolic import NoDerivative, derivative, negative, product, summands, total
from sheetprop.auditing.tables import Column, Table

MOST_OWN, MOST_SHARED = 12_000, 4_000


@dataclass
class Repair:
    """An edit of one column's formula, as (old part, new part) steps."""

    column: Column
    formula: Expr
    steps: list[tuple[Expr, Expr]]

    def moved(self, rows: int) -> Repair:
        """Return the repair of the same formula seen from `rows` further up."""
        return Repair(self.column, shifted(self.formula, rows),
                      [(shifted(old, rows), shifted(new, rows)) for old, new in self.steps]) if rows else self

    def text(self, table: Table, row: int) -> str:
        """Return the repair as an instruction for `row`."""
        grid = table.grid
        if len(self.steps) == 1:
            old, new = smallest(*self.steps[0])
            if old is not self.column.expr and old.op != "n":
                return f"replace {show(old, row, grid)} by {show(new, row, grid)}"
        return f"replace the formula by ={show(self.formula, row, grid)}"


def smallest(old: Expr, new: Expr) -> tuple[Expr, Expr]:
    """Return the part of two formulas in which they differ, equal factors and terms left out."""
    while old.op == new.op and len(old.args) == len(new.args) and old.args:
        differing = [index for index, (a, b) in enumerate(zip(old.args, new.args, strict=True)) if a is not b]
        if len(differing) != 1 or old.args[differing[0]].op == "n":
            break
        old, new = old.args[differing[0]], new.args[differing[0]]
    if old.op == new.op and old.op in ("*", "+"):
        mine, other = _chain(old, old.op), _chain(new, new.op)
        while len(mine) > 1 and len(other) > 1 and mine[0] is other[0]:
            mine, other = mine[1:], other[1:]
        while len(mine) > 1 and len(other) > 1 and mine[-1] is other[-1]:
            mine, other = mine[:-1], other[:-1]
        return _joined(mine, old.op), _joined(other, old.op)
    return old, new


def _chain(expr: Expr, op: str) -> list[Expr]:
    return [*_chain(expr.args[0], op), expr.args[1]] if expr.op == op else [expr]


def _joined(parts: list[Expr], op: str) -> Expr:
    whole = parts[0]
    for part in parts[1:]:
        whole = make(op, whole, part)
    return whole


class Kinds:
    """Which places may stand for one another in a repair."""

    def __init__(self, bench: Bench) -> None:
        roles = bench.roles
        table = roles.table
        weights = [weight.place for weight in roles.weights]
        read = {place for n in (*roles.forward, *roles.backward) for place in places(roles.graph.formulas[n])}
        offsets = {place[1] for place in weights} | {0}
        forward = [(n, 0) for n in dict.fromkeys(roles.forward)]
        loss_like = {n for n in roles.forward if n == roles.goal[0]}
        middle = [p for p in forward if p[0] not in loss_like]
        # Only what other formulas read, deltas for instance, may be read in a repair.
        used = {p for f in roles.graph.formulas.values() for p in places(f)}
        backward = [(n, 0) for n in roles.backward if (n, 0) in used]
        # Sums and activations that the loss does not reach, because somebody forgot them.
        own = set(weights)
        units = {n for n in roles.graph.formulas if unit_of(roles, n) is not None}
        for n, formula in roles.graph.formulas.items():
            reads = places(formula)
            if (n, 0) not in forward and (n in roles.backward or own & set(roles.graph.order((n, 0)))) \
                    and (n in units or (len(reads) == 1 and reads[0][0] in units)):
                middle.append((n, 0))
                if (n, 0) in backward:
                    backward.remove((n, 0))
        given = sorted({p for p in read if len(p) == 2 and (p[0] in table.constants or p[0] in table.borrowed)}
                       | {(n, 0) for n in (*table.constants, *roles.carried)}, key=repr)
        fixed = sorted((p for p in read if len(p) == 3), key=repr)
        self.groups: list[list[Place]] = [list(weights), list(middle), [*given, *fixed], list(backward)]
        self.of: dict[Place, list[Place]] = {place: group for group in self.groups for place in group}
        self.offsets = offsets
        # Within a group what is made alike: sums, their activations, the rest.
        self.classes: dict[Place, str] = {}
        for place in middle:
            reads = places(roles.graph.formulas[int(place[0])]) if place[0] in roles.graph.formulas else []
            self.classes[place] = "sum" if place[0] in units else \
                "activation" if len(reads) == 1 and reads[0][0] in units else "other"

    def alike(self, place: Place) -> list[Place]:
        """Return the places that are made as `place` is: activations for an activation, weights for a weight."""
        return [other for other in self.like(place) if self.classes.get(other) == self.classes.get(place)]

    def like(self, place: Place) -> list[Place]:
        """Return the places that may stand where `place` does."""
        group = self.of.get(place)
        if group is not None:
            return group
        if len(place) == 2:
            moved = [(place[0], offset) for offset in self.offsets if (place[0], offset) in self.of]
            return moved  # type: ignore[return-value]
        return self.groups[2]

    def every(self) -> list[Place]:
        """Return all places that formulas may read."""
        return [place for group in self.groups for place in group]


def simple_repair(bench: Bench, kinds: Kinds, claim: Claim) -> Repair | None:
    """Return one reference exchanged or one change of form that makes the claim right at all points."""
    formula = claim.formula
    test = _Test(bench, claim)
    # What a teacher would say first: the wrong unit, a factor that does not belong, then everything else.
    known = [at(place) for place in kinds.every()]
    for edits in (_ranges(bench, formula), swaps(formula, kinds.alike), dropped(formula), shortened(formula),
                  factors(formula, known), swaps(formula, kinds.like), shapes(formula)):
        for edit in edits:
            if test(edit[0]):
                return Repair(claim.column, edit[0], [(edit[1], edit[2])])
    return None


def _ranges(bench: Bench, formula: Expr) -> Iterator[Edit]:
    """Yield another range for one that a formula of single cells reads."""
    grid = bench.roles.table.grid
    if isinstance(grid, CellGrid):
        given = bench.roles.table.constants.keys()
        known = bench.roles.graph.formulas.keys() | given

        def number_at(sheet: str, row: int, column: int) -> int | None:
            found = grid.known(sheet, row, column)
            return found if found in known else None

        yield from moved_ranges(formula, grid.spot, number_at, lambda place: place[0] in given)


def own_repair(bench: Bench, kinds: Kinds, claim: Claim, siblings: list[Expr], right: list[Expr]) -> Repair | None:
    """Return an edit of the claim's own formula, of up to three steps, that makes it right at all points.

    Args:
        bench: where formulas are compared.
        kinds: which places may stand for one another.
        claim: the claim that fails.
        siblings: the formulas of all claims, whose parts may be missing in this one.
        right: formulas of claims of the same kind that hold, whose form this one may lack.
    """
    simple = simple_repair(bench, kinds, claim)
    if simple is not None:
        return simple
    test = _Test(bench, claim)
    known = [at(place) for place in kinds.every()]
    known += [make("-", number(1), one) for one in known if one.value in bench.roles.graph.order(bench.roles.goal)]
    for edit in (*factors(claim.formula, known), *_lacking(bench, claim),
                 *terms(claim.formula, _terms(siblings))):
        if test.spent():
            return None
        if test(edit[0]):
            return Repair(claim.column, edit[0], [(edit[1], edit[2])])
    for edits, alone, then in _tries(claim.formula, kinds):
        if test.spent():
            return None
        steps = [(old, new) for _, old, new in edits]
        if alone and test(edits[-1][0]):
            return Repair(claim.column, edits[-1][0], steps)
        found = test.after(edits[-1][0], known) if then else None
        if found is not None:
            return Repair(claim.column, found[1], [*steps, found])
    for formula in right:
        for new in (formula, *(edit[0] for edit in swaps(formula, kinds.like))):
            if test.spent():
                return None
            if new is not claim.formula and test(new):
                return Repair(claim.column, new, [(claim.formula, new)])
    return None


def _lacking(bench: Bench, claim: Claim) -> Iterator[Edit]:
    """Yield edits that add a term of the written derivative, such as that of a penalty on the weights."""
    written = written_derivative(bench, claim)
    for term in summands(written) if written is not None else ():
        new = total(claim.formula, term)
        yield new, claim.formula, new


def written_derivative(bench: Bench, claim: Claim) -> Expr | None:
    """Return what the claim's formula should be, written out from the sheet's own formulas; None where it cannot."""
    if claim.within:
        return None
    try:
        found = derivative(bench.roles.graph, claim.of, claim.wrt)
    except (NoDerivative, RecursionError):
        return None
    scale = claim.scale
    return found if scale is number(1) else negative(found) if scale is number(-1) else product(scale, found)


def _tries(formula: Expr, kinds: Kinds) -> Iterator[tuple[list[Edit], bool, bool]]:
    """Yield edits, one or two after each other, likely ones first; whether they may do alone, or with a factor more."""
    forms = list(shapes(formula))
    for edit in forms:
        yield [edit], False, True
    forms.sort(key=lambda edit: not _bracket(edit))
    for first in forms:
        if _bracket(first):
            yield from (([first, edit], False, True) for edit in swaps(first[0], kinds.like) if edit[1].op != "v")
    for first in forms:
        more = _bracket(first) or first[1].op == "ABS"
        yield from (([first, edit], True, more) for edit in swaps(first[0], kinds.like))
        yield from (([first, edit], True, more) for edit in shapes(first[0]))


def _bracket(edit: Edit) -> bool:
    old, new = edit[1], edit[2]
    return {node for node in walk(old) if not node.args} == {node for node in walk(new) if not node.args} \
        and old.op in ("+", "-", "*", "/", "^") and new.op in ("+", "-", "*", "/", "^") and old.op != new.op


def _terms(siblings: list[Expr]) -> list[Expr]:
    found: dict[Expr, None] = {}
    for formula in siblings:
        for node in walk(formula):
            if node.op == "*" and len(found) < 150:
                found[node] = None
    return list(found)


class _Test:
    """Whether a formula equals the derivative: two points first, then all, then with everything random."""

    def __init__(self, bench: Bench, claim: Claim) -> None:
        self.bench, self.claim = bench, claim
        self.near: dict[Any, Any] = {}
        self.memo: dict[Expr, Any] = {}
        self.known: tuple[list[Expr], Any] | None = None
        self.least = max(0, bench.patience - MOST_OWN)
        values = bench.near
        expected, size = bench.derivative(claim.of, claim.wrt, values)
        import numpy as np

        graph = bench.roles.graph
        self.circular = {(n, 0) for n in graph.formulas if claim.place in graph.order((n, 0))}
        self.count = len(values.rows)
        self.expected = np.broadcast_to(np.asarray(claim.target(expected, values), dtype=float), (self.count,))
        self.size = np.broadcast_to(np.asarray(size, dtype=float), (self.count,))
        fine = np.flatnonzero(np.isfinite(self.expected) & (self.expected != 0))
        self.first = fine[:2] if len(fine) >= 2 else np.arange(min(2, self.count))

    def spent(self) -> bool:
        """Return whether as many edits have been tried as one claim is worth."""
        return self.bench.patience < self.least

    def value(self, place: Place) -> Any:
        return self.bench.roles.graph.run(place, self.bench.near)

    def few(self, formula: Expr) -> Any:
        """Evaluate at two points only."""
        import numpy as np

        try:
            return evaluate(formula, self.near, self.memo)
        except KeyError:
            for place in places(formula):
                if place not in self.near:
                    value = np.broadcast_to(np.asarray(self.value(place), dtype=float), (self.count,))
                    self.near[place] = value[self.first]
            return evaluate(formula, self.near, self.memo)

    def __call__(self, formula: Expr) -> bool:
        import numpy as np

        self.bench.patience -= 1
        found = np.asarray(self.few(formula), dtype=float)
        wanted = self.expected[self.first]
        if not (np.abs(found - wanted) <= 1e-7 * np.abs(wanted) + 1e-9 * self.size[self.first]).all():
            return False
        if not self.circular.isdisjoint(places(formula)):
            return False
        return self.bench.right(self.claim, self.bench.near, formula) is True \
            and (not self.bench.strict or self.bench.right(self.claim, self.bench.far, formula) is not False)

    def after(self, formula: Expr, known: list[Expr]) -> tuple[Expr, Expr] | None:
        """Return (formula, formula times or by one factor) where that is right."""
        import numpy as np

        self.bench.patience -= 2
        found = np.asarray(self.few(formula), dtype=float)
        if found.shape != (len(self.first),):
            return None
        ratio = self.expected[self.first] / found
        if not np.isfinite(ratio).all() or not ratio.all():
            return None
        for factor in (number(-1), number(2), number(0.5)):
            if (np.abs(ratio - factor.value) <= 1e-9 * abs(factor.value)).all():
                if factor.value == -1:
                    turned = [edit for edit in shapes(formula) if edit[1].op == edit[2].op == "-"]
                    for edit in turned:
                        if self(edit[0]):
                            return edit[1], edit[0]
                new = make("neg", formula) if factor.value == -1 else make("*", factor, formula)
                if self(new):
                    return formula, new
        if self.known is None or self.known[0] is not known:
            self.known = (known, np.array([np.broadcast_to(self.few(one), (len(self.first),)) for one in known]))
        values = self.known[1]
        for index in np.flatnonzero((np.abs(values - ratio) <= 1e-9 * np.abs(ratio)).all(axis=1)):
            new = make("*", formula, known[int(index)])
            if self(new):
                return formula, new
        return None


def shared_repair(bench: Bench, kinds: Kinds, failing: list[Claim], holding: list[Claim],
                  columns: list[int]) -> Repair | None:
    """Return an edit of one column on the way that makes all failing claims right and leaves the others so."""
    roles = bench.roles
    least = bench.patience - MOST_SHARED
    for number_ in columns:
        formula = roles.graph.formulas[number_]
        column = roles.table.columns[number_]
        more = terms(formula, _terms([roles.graph.formulas[n] for n in roles.backward])) \
            if number_ in roles.backward else _forward_terms(bench, formula)
        for edits in (swaps(formula, kinds.like), shapes(formula), more):
            for edit in edits:
                if not places(edit[0]):
                    continue
                bench.patience -= 1
                if bench.patience < max(least, 0):
                    return None
                changed = roles.graph.with_formula(number_, edit[0])
                if edit[0] is not formula and explains(bench, changed, failing, holding):
                    return Repair(column, edit[0], [(edit[1], edit[2])])
    return None


def pair_repair(bench: Bench, failing: list[Claim], holding: list[Claim], columns: list[int]) -> list[Repair]:
    """Return the same edit of form made in several alike columns at once, such as ½ in every error."""
    roles = bench.roles
    alike: dict[str, list[int]] = {}
    for number_ in columns:
        alike.setdefault(_outline(roles.graph.formulas[number_]), []).append(number_)
    for group in alike.values():
        if len(group) < 2:
            continue
        lists = [list(shapes(roles.graph.formulas[n])) for n in group]
        for edits in zip(*lists, strict=False):
            graph = roles.graph
            for n, edit in zip(group, edits, strict=True):
                graph = graph.with_formula(n, edit[0])
            if explains(bench, graph, failing, holding):
                return [Repair(roles.table.columns[n], e[0], [(e[1], e[2])]) for n, e in zip(group, edits, strict=True)]
    return []


def _outline(formula: Expr) -> str:
    return " ".join(node.op if node.op != "n" else str(node.value) for node in walk(formula))


def _forward_terms(bench: Bench, formula: Expr) -> Iterator[Edit]:
    """A weighted sum or a total that lacks one part."""
    roles = bench.roles
    if formula.op in ("v", "+"):
        for n in roles.table.columns:
            if n in roles.graph.formulas and at((n, 0)) not in set(walk(formula)) and n not in roles.backward:
                new = make("+", formula, at((n, 0)))
                yield new, formula, new


def explains(bench: Bench, graph: Graph, failing: list[Claim], holding: list[Claim]) -> bool:
    """Return whether all claims hold where the network's formulas are those of `graph`."""
    import numpy as np

    for values in bench.points:
        fresh = values.given()
        done: dict[Place, tuple[Any, Any]] = {}
        for claim in (*failing, *holding):
            try:
                if claim.of not in done:
                    done[claim.of] = (graph.adjoints(claim.of, fresh), None)
                expected = np.asarray(done[claim.of][0].get(claim.wrt, 0.0), dtype=float)
                found = claim.found(graph, fresh)
                expected = claim.target(expected, fresh)
            except RecursionError:
                return False
            if differs(found, expected, 1.0, rel=1e-7, least=1e-9).any():
                return False
            if not (abs(found) >= 0).any() or not (abs(expected) > 0).any():
                return False
    return True

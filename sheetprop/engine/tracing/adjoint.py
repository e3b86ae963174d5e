"""The way back: what each operation does with the slope of its value, printed as Python lines."""

from __future__ import annotations

from collections.abc import Callable

from sheetprop.engine.tracing.choosing import E

VECTOR = ("numpy", "careful")
"""The dialects in which a value is an array over scenarios."""


def shared_first(body: list[tuple[str, E]], fresh: Callable[[str], str]) -> list[tuple[str, E]]:
    """Give operations that several formulas of a row share a line of their own, ahead of their first use.

    What stands in a branch of an IF stays there: it may not be calculated where the branch is not taken.
    """
    counts: dict[object, int] = {}
    keys: dict[int, object] = {}

    def key(e: E) -> object:
        found = keys.get(id(e))
        if found is None:
            found = keys[id(e)] = (e.op, e.text, *map(key, e.args))
        return found

    def count(e: E) -> None:
        if e.op == "leaf":
            return
        one = key(e)
        counts[one] = counts.get(one, 0) + 1
        if counts[one] == 1:
            for arg in e.args[:1] if e.op in ("if", "iferror") else e.args:
                count(arg)

    for _, expression in body:
        count(expression)
    made: dict[object, E] = {}
    result: list[tuple[str, E]] = []

    def lifted(e: E) -> E:
        if e.op == "leaf":
            return e
        one = key(e)
        if one in made:
            return made[one]
        kept = 1 if e.op in ("if", "iferror") else len(e.args)
        args = (*(lifted(arg) for arg in e.args[:kept]), *e.args[kept:])
        new = E(e.op, args, e.text, active=e.active)
        if counts.get(one, 0) > 1 and e.op not in ("compare", "all", "any", "not"):
            name = fresh("u")
            result.append((name, new))
            new = made[one] = E("leaf", text=name, adjoint=f"d{name}", active=e.active)
        return new

    for name, expression in body:
        final = lifted(expression)
        result.append((name, final))
    return result


class Adjoint:
    """Prints the backward lines of one piece and notes which forward values they need."""

    def __init__(self, fresh: Callable[[str], str], dialect: str, zero: set[str]) -> None:
        self.fresh = fresh
        self.careful = dialect == "careful"
        self.vector = dialect in VECTOR
        self.lines: list[str] = []
        self.zero = zero
        self.kept: set[str] = set()
        self.named: list[str] = []
        self.depth = 0
        self.opened = 0
        self.masks: list[str] = []

    def initialised(self) -> list[str]:
        """Return lines that give names of operations inside untaken branches a value."""
        return [f"{name} = 0.0" for name in self.named]

    def send_of(self, variable: str, e: E) -> None:
        """Send the slope of a variable down to the leaves of the expression that it holds.

        Among errors, which the careful dialect meets, a variable in a branch that is not taken has
        slope 0, and nothing goes on from there: 0 times what is infinite would be no number.
        """
        if not e.active:
            return
        self.masks = [f"({variable} != 0.0)"] if self.careful else []
        self.send(e, variable)

    def put(self, line: str) -> None:
        self.lines.append("  " * self.depth + line)

    def value(self, e: E) -> str:
        """Return the name of an operation's forward value, kept for the way back."""
        if e.op == "leaf":
            text = e.text
            if text.isidentifier() and text[0] in "cpu":
                self.kept.add(text)
            return text
        if not e.name:
            e.name = self.fresh("t")
            self.named.append(e.name)
        self.kept.add(e.name)
        return e.name

    def slope(self, text: str) -> str:
        """Name a slope that is used more than once."""
        if text.isidentifier():
            return text
        name = self.fresh("g")
        self.put(f"{name} = {text}")
        return name

    def send(self, e: E, g: str) -> None:
        """Send the slope `g` of an expression's value down to its leaves."""
        if not e.active:
            return
        if e.op == "leaf":
            if self.masks:
                g = f"where({' & '.join(self.masks)}, {g}, 0.0)"
            if e.adjoint in self.zero:
                self.zero.discard(e.adjoint)
                if self.depth:
                    self.lines.insert(self.opened, f"{e.adjoint} = 0.0")
                    self.put(f"{e.adjoint} = {e.adjoint} + ({g})")
                else:
                    self.put(f"{e.adjoint} = {g}")
            else:
                # Not in place: what stands there may be a slope that others use too, or a single number so far.
                self.put(f"{e.adjoint} = {e.adjoint} + ({g})")
            return
        method = getattr(self, _METHODS[e.op])
        method(e, g)

    def send_neg(self, e: E, g: str) -> None:
        self.send(e.args[0], g[1:] if g.startswith("-") and g[1:].isidentifier() else f"-({g})")

    def send_add(self, e: E, g: str) -> None:
        g = self.slope(g) if all(arg.active for arg in e.args) else g
        for arg in e.args:
            self.send(arg, g)

    def send_subtract(self, e: E, g: str) -> None:
        g = self.slope(g) if all(arg.active for arg in e.args) else g
        self.send(e.args[0], g)
        self.send(e.args[1], f"-{g}" if g.isidentifier() else f"-({g})")

    def send_multiply(self, e: E, g: str) -> None:
        left, right = e.args
        if left.active and right.active:
            g = self.slope(g)
        g = g if g.isidentifier() else f"({g})"
        if left.active:
            self.send(left, f"{g}*{self.value(right)}")
        if right.active:
            self.send(right, f"{g}*{self.value(left)}")

    def send_divide(self, e: E, g: str) -> None:
        top, bottom = e.args
        part = f"({g})/{self.value(bottom)}"
        if bottom.active:
            part = self.slope(part)
            self.send(bottom, f"-{part}*{self.value(e)}")
        self.send(top, part)

    def send_square(self, e: E, g: str) -> None:
        self.send(e.args[0], f"({g})*2.0*{self.value(e.args[0])}")

    def send_power(self, e: E, g: str) -> None:
        base, exponent = e.args
        g = self.slope(g)
        a, b = self.value(base), self.value(exponent)
        if base.active:
            self.send(base, f"{g}*{b}*power_slope({a}, {b})")
        if exponent.active:
            self.send(exponent, f"{g}*{self.value(e)}*log_or_zero({a})")

    def send_smooth(self, e: E, g: str) -> None:
        x = e.args[0]
        g = g if g.isidentifier() else f"({g})"
        if e.text == "EXP":
            self.send(x, f"{g}*{self.value(e)}")
        elif e.text == "TANH":
            v = self.value(e)
            self.send(x, f"{g}*(1.0-{v}*{v})")
        elif e.text == "SQRT":
            self.send(x, f"{g}*0.5/{self.value(e)}")
        elif e.text == "DEVIATION":
            self.send(x, f"{g}*root_slope({self.value(e)})")
        elif e.text == "TAN":
            v = self.value(e)
            self.send(x, f"{g}*(1.0+{v}*{v})")
        else:
            a = self.value(x)
            self.send(x, g + {
                "LN": f"/{a}", "LOG10": f"/({a}*2.302585092994046)", "SIN": f"*cos({a})", "COS": f"*(-sin({a}))",
                "ASIN": f"/sqrt(1.0-{a}*{a})", "ACOS": f"/(-sqrt(1.0-{a}*{a}))", "ATAN": f"/(1.0+{a}*{a})",
                "SINH": f"*cosh({a})", "COSH": f"*sinh({a})", "ABS": f"*sign({a})"}[e.text])

    def send_flat(self, e: E, g: str) -> None:
        """Steps have slope 0 wherever they have one."""

    def send_if(self, e: E, g: str) -> None:
        test, *branches = e.args
        held = self.value(test)
        g = self.slope(g)
        for branch, wanted in zip(branches, (True, False), strict=False):
            if not branch.active:
                continue
            if self.vector:
                self.masks.append(self.held_mask(held, wanted))
                self.send(branch, g)
                self.masks.pop()
            else:
                if self.depth == 0:
                    self.opened = len(self.lines)
                self.put(f"if {'' if wanted else 'not '}{held}:")
                self.depth += 1
                self.put("pass")
                self.send(branch, g)
                self.depth -= 1

    def held_mask(self, test: str, wanted: bool) -> str:
        """Return the text of where a condition holds, or where it fails; among errors it may do neither."""
        if self.careful:
            return f"{'holds' if wanted else 'fails'}({test})"
        return test if wanted else f"logical_not({test})"

    def send_extreme(self, e: E, g: str) -> None:
        best = self.value(e)
        values = [self.value(arg) for arg in e.args]
        ties = self.slope(f"({'+'.join(f'({value}=={best})*1.0' for value in values)})")
        g = self.slope(f"({g})/{ties}")
        for arg, value in zip(e.args, values, strict=True):
            if arg.active:
                self.send(arg, f"{g}*({value}=={best})")

    def send_product(self, e: E, g: str) -> None:
        """Send the slopes of a matrix product's elements: each factor's are a matrix product with the other."""
        height, inner, width = map(int, e.text.split(", "))
        left, right = e.args[:height * inner], e.args[height * inner:]
        if any(arg.active for arg in left):
            turned = [self.value(right[row * width + column]) for column in range(width) for row in range(inner)]
            self.send_each(left, f"product({height}, {width}, {inner}, *{g}, {', '.join(turned)})")
        if any(arg.active for arg in right):
            turned = [self.value(left[row * inner + column]) for column in range(inner) for row in range(height)]
            self.send_each(right, f"product({inner}, {height}, {width}, {', '.join(turned)}, *{g})")

    def send_each(self, args: tuple[E, ...], slopes: str) -> None:
        """Send each of several slopes to an argument."""
        name = self.slope(slopes)
        for at, arg in enumerate(args):
            self.send(arg, f"{name}[{at}]")

    def send_iferror(self, e: E, g: str) -> None:
        if not self.careful:
            self.send(e.args[0], g)
            return
        first = self.value(e.args[0])
        g = self.slope(g)
        self.masks.append(f"({first}=={first})")
        self.send(e.args[0], g)
        self.masks[-1] = f"({first}!={first})"
        self.send(e.args[1], g)
        self.masks.pop()


_METHODS = {"neg": "send_neg", "+": "send_add", "sum": "send_add", "-": "send_subtract", "final": "send_subtract",
            "*": "send_multiply",
            "/": "send_divide", "square": "send_square", "^": "send_power", "smooth": "send_smooth",
            "flat": "send_flat", "if": "send_if", "choice": "send_if", "extreme": "send_extreme",
            "ranked": "send_extreme", "product": "send_product", "iferror": "send_iferror"}

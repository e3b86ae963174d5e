"""Operations over numbers, and those that choose: a number from a list by place, a place by value."""

from __future__ import annotations

MOST_CHOICES = 100


class E:
    """One operation. `text` is a leaf's variable or number; `adjoint` the variable that collects its slope."""

    __slots__ = ("active", "adjoint", "args", "name", "op", "text")

    def __init__(self, op: str, args: tuple[E, ...] = (), text: str = "", adjoint: str = "",
                 active: bool | None = None) -> None:
        self.op = op
        self.args = args
        self.text = text
        self.adjoint = adjoint
        self.active: bool = any(arg.active for arg in args) if active is None else active
        self.name = ""


def number(value: float) -> E:
    """Return a constant."""
    return E("leaf", text=f"({value!r})" if value < 0 or value != value else repr(value), active=False)


def chosen(position: E, options: list[E]) -> E:
    """Return the option at a place counted from 1, fractions cut off; NaN where there is none.

    Its derivative is that of the option chosen; the place has none.
    """
    whole = E("flat", (position,), "INT")

    def between(low: int, high: int) -> E:
        if low == high:
            return options[low - 1]
        middle = (low + high) // 2
        return E("if", (E("compare", (whole, number(float(middle))), "<="), between(low, middle),
                        between(middle + 1, high)))

    inside = E("all", (E("compare", (whole, number(1.0)), ">="),
                       E("compare", (whole, number(float(len(options)))), "<=")))
    return E("choice", (inside, between(1, len(options))))


def place_of(x: E, values: list[E | None]) -> E:
    """Return the place, counted from 1, of the first value that equals `x`; NaN where none does.

    Args:
        x: what is looked for.
        values: what stands at each place; None where there is no number.
    """
    none = number(float(len(values) + 1))
    places = [E("if", (E("compare", (x, value), "=="), number(float(at)), none))
              for at, value in enumerate(values, start=1) if value is not None] or [none]
    while len(places) > 1:
        places = [E("extreme", tuple(places[at:at + 2]), "MIN") for at in range(0, len(places), 2)]
    return E("choice", (E("compare", (places[0], none), "<"), places[0]))


def place_among(x: E, values: list[float], rising: bool) -> E:
    """Return the place of the last of some sorted values that `x` has reached; NaN before the first."""
    steps = tuple(E("if", (E("compare", (x, number(value)), ">=" if rising else "<="), number(1.0), number(0.0)))
                  for value in values)
    count = E("sum", steps)
    return E("choice", (E("compare", (count, number(1.0)), ">="), count))

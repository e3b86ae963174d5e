"""Conditions and choices, and the functions that catch errors."""

from __future__ import annotations

from sheetprop.engine.functions import _sheltered, function, lazy
from sheetprop.engine.operands import Array, Closure, Context, Operand, Ref, broadcast
from sheetprop.engine.tree import Call
from sheetprop.engine.values import NA, VALUE, ExcelError, Raised, Value, compare, number_in, to_bool, to_number


def _deref(operand: Operand, array: bool) -> Operand:
    """Return a reference's values where an array is wanted."""
    if array and isinstance(operand, Ref):
        return Array(operand.rows())
    return operand


@lazy("IF")
def make_if(node: Call, array: bool) -> Closure:
    from sheetprop.engine.evaluate import operand_of, value_of

    if not 1 <= len(node.arguments) <= 3:
        return lambda _context: VALUE
    test = value_of(node.arguments[0], array)
    yes: Closure = operand_of(node.arguments[1], array) if len(node.arguments) > 1 else lambda _context: True
    no: Closure = operand_of(node.arguments[2], array) if len(node.arguments) > 2 else lambda _context: False

    def run(context: Context) -> Operand:
        condition = test(context)
        if type(condition) is Array:
            branches = [_deref(_sheltered(branch)(context), True) for branch in (yes, no)]
            return broadcast([condition, *branches], lambda c, a, b: a if to_bool(c) else b)
        return yes(context) if to_bool(condition) else no(context)  # type: ignore[arg-type]

    return run


def _catcher(node: Call, array: bool, caught: tuple[ExcelError, ...] | None) -> Closure:
    from sheetprop.engine.evaluate import operand_of, value_of

    if len(node.arguments) != 2:
        return lambda _context: VALUE
    first, second = value_of(node.arguments[0], array), operand_of(node.arguments[1], array)

    def wrong(value: Operand) -> bool:
        return type(value) is ExcelError and (caught is None or value in caught)

    def run(context: Context) -> Operand:
        value = _sheltered(first)(context)
        if type(value) is Array:
            other = _deref(second(context), True)
            return broadcast([value, other], lambda a, b: b if wrong(a) else a)
        return second(context) if wrong(value) else value

    return run


@lazy("IFERROR")
def make_iferror(node: Call, array: bool) -> Closure:
    return _catcher(node, array, None)


@lazy("IFNA")
def make_ifna(node: Call, array: bool) -> Closure:
    return _catcher(node, array, (NA,))


@lazy("CHOOSE")
def make_choose(node: Call, array: bool) -> Closure:
    from sheetprop.engine.evaluate import operand_of, value_of

    if len(node.arguments) < 2:
        return lambda _context: VALUE
    index = value_of(node.arguments[0], array)
    choices = [operand_of(part, array) for part in node.arguments[1:]]

    def run(context: Context) -> Operand:
        wanted = index(context)
        if type(wanted) is Array:
            options = [_deref(_sheltered(choice)(context), True) for choice in choices]
            return broadcast([wanted, *options], lambda at, *given: given[_position(at, len(given))])
        return choices[_position(wanted, len(choices))](context)  # type: ignore[arg-type]

    return run


def _position(value: Value, count: int) -> int:
    at = int(to_number(value))
    if not 1 <= at <= count:
        raise Raised(VALUE)
    return at - 1


@lazy("IFS")
def make_ifs(node: Call, array: bool) -> Closure:
    from sheetprop.engine.evaluate import operand_of, value_of

    if not node.arguments or len(node.arguments) % 2:
        return lambda _context: VALUE
    pairs = [(value_of(node.arguments[at]), operand_of(node.arguments[at + 1], array))
             for at in range(0, len(node.arguments), 2)]

    def run(context: Context) -> Operand:
        for test, result in pairs:
            if to_bool(test(context)):  # type: ignore[arg-type]
                return result(context)
        return NA

    return run


@lazy("SWITCH")
def make_switch(node: Call, array: bool) -> Closure:
    from sheetprop.engine.evaluate import operand_of, value_of

    if len(node.arguments) < 3:
        return lambda _context: VALUE
    value = value_of(node.arguments[0])
    rest = node.arguments[1:]
    pairs = [(value_of(rest[at]), operand_of(rest[at + 1], array)) for at in range(0, len(rest) - 1, 2)]
    default = operand_of(rest[-1], array) if len(rest) % 2 else None

    def run(context: Context) -> Operand:
        wanted = value(context)
        for test, result in pairs:
            if compare(wanted, test(context)) == 0:  # type: ignore[arg-type]
                return result(context)
        return NA if default is None else default(context)

    return run


def _conditions(operands: tuple[Operand, ...]) -> list[bool]:
    """Return the truth values that AND, OR and XOR see: text and blanks in references do not count."""
    found: list[bool] = []
    for operand in operands:
        if isinstance(operand, Ref | Array):
            for value in operand.flat():
                if type(value) is ExcelError:
                    raise Raised(value)
                if type(value) in (float, bool):
                    found.append(bool(value))
        elif operand is not None:
            if type(operand) is str and number_in(operand) is not None:
                raise Raised(VALUE)
            found.append(to_bool(operand))  # type: ignore[arg-type]
        else:
            found.append(False)
    if not found:
        raise Raised(VALUE)
    return found


@function("AND", "r*")
def and_function(*operands: Operand) -> bool:
    return all(_conditions(operands))


@function("OR", "r*")
def or_function(*operands: Operand) -> bool:
    return any(_conditions(operands))


@function("XOR", "r*")
def xor_function(*operands: Operand) -> bool:
    return sum(_conditions(operands)) % 2 == 1


@function("NOT", "b")
def not_function(value: bool) -> bool:
    return not value


@function("TRUE", "")
def true_function() -> bool:
    return True


@function("FALSE", "")
def false_function() -> bool:
    return False

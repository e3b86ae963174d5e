"""Conditions and choices, and the functions that catch errors."""

from __future__ import annotations

from sheetprop.engine.functions import Argument, function, lazy
from sheetprop.engine.grid.operands import Array, Operand, Ref, broadcast, lifted
from sheetprop.engine.grid.values import NA, VALUE, ExcelError, Raised, Value, compare, number_in, to_bool, to_number
from sheetprop.engine.scope.context import Closure, Context, sheltered


def _values(operand: Operand) -> Operand:
    """Return a reference's values, where an array is wanted."""
    return Array(operand.rows()) if isinstance(operand, Ref) else operand


def _refuse(_context: Context) -> Operand:
    return VALUE


@lazy("IF")
def make_if(arguments: list[Argument]) -> Closure:
    if not 2 <= len(arguments) <= 3:
        return _refuse
    test = arguments[0].value()
    yes = arguments[1].operand()
    no: Closure = arguments[2].operand() if len(arguments) > 2 else lambda _context: False

    def run(context: Context) -> Operand:
        condition = test(context)
        if type(condition) is Array:
            branches = [_values(sheltered(branch)(context)) for branch in (yes, no)]
            return broadcast([condition, *branches], lambda c, a, b: a if to_bool(c) else b)
        return yes(context) if to_bool(condition) else no(context)  # type: ignore[arg-type]

    return run


def _catcher(arguments: list[Argument], caught: tuple[ExcelError, ...] | None) -> Closure:
    if len(arguments) != 2:
        return _refuse
    first, second = sheltered(arguments[0].value()), arguments[1].operand()

    def wrong(value: Operand) -> bool:
        return type(value) is ExcelError and (caught is None or value in caught)

    def run(context: Context) -> Operand:
        value = first(context)
        if type(value) is Array:
            other = _values(sheltered(second)(context))
            return broadcast([value, other], lambda a, b: b if wrong(a) else a)
        return second(context) if wrong(value) else value

    return run


@lazy("IFERROR")
def make_iferror(arguments: list[Argument]) -> Closure:
    return _catcher(arguments, None)


@lazy("IFNA")
def make_ifna(arguments: list[Argument]) -> Closure:
    return _catcher(arguments, (NA,))


@lazy("CHOOSE")
def make_choose(arguments: list[Argument]) -> Closure:
    if len(arguments) < 2:
        return _refuse
    index = arguments[0].value()
    choices = [argument.operand() for argument in arguments[1:]]

    def run(context: Context) -> Operand:
        wanted = index(context)
        if type(wanted) is Array:
            options = [_values(sheltered(choice)(context)) for choice in choices]
            return broadcast([wanted, *options], lambda at, *given: given[_position(at, len(given))])
        return choices[_position(wanted, len(choices))](context)  # type: ignore[arg-type]

    return run


def _position(value: Value, count: int) -> int:
    at = int(to_number(value))
    if not 1 <= at <= count:
        raise Raised(VALUE)
    return at - 1


def _first(tests: list[Closure], results: list[Closure], default: Closure) -> Closure:
    """Return the closure that yields the result behind the first test that holds."""

    def run(context: Context) -> Operand:
        for at, (test, result) in enumerate(zip(tests, results, strict=True)):
            found = test(context)
            if type(found) is Array:
                rest = _first(tests[at + 1:], results[at + 1:], default)
                branches = [_values(sheltered(branch)(context)) for branch in (result, rest)]
                return broadcast([found, *branches], lambda c, a, b: a if to_bool(c) else b)
            if to_bool(found):  # type: ignore[arg-type]
                return result(context)
        return default(context)

    return run


def _equals(wanted: Operand, test: Closure) -> Closure:
    def same(one: Value, two: Value) -> bool:  # a blank is the number 0 here, and neither FALSE nor ""
        return compare(0.0 if one is None else one, 0.0 if two is None else two) == 0

    return lambda context: lifted(same, wanted, test(context))


@lazy("IFS")
def make_ifs(arguments: list[Argument]) -> Closure:
    if not arguments or len(arguments) % 2:
        return _refuse
    return _first([argument.value() for argument in arguments[::2]],
                  [argument.operand() for argument in arguments[1::2]], lambda _context: NA)


@lazy("SWITCH")
def make_switch(arguments: list[Argument]) -> Closure:
    if len(arguments) < 3:
        return _refuse
    value, rest = arguments[0].value(), arguments[1:]
    tests = [argument.value() for argument in rest[:len(rest) // 2 * 2:2]]
    results = [argument.operand() for argument in rest[1::2]]
    default: Closure = rest[-1].operand() if len(rest) % 2 else lambda _context: NA

    def run(context: Context) -> Operand:
        wanted = value(context)
        return _first([_equals(wanted, test) for test in tests], results, default)(context)

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
        elif operand == "":
            continue
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

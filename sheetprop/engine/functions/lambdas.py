"""LET and LAMBDA, and the functions that call a LAMBDA for the parts of an array."""

from __future__ import annotations

from collections.abc import Callable

from sheetprop.engine.functions import Argument, lazy
from sheetprop.engine.grid.operands import Array, Lambda, Operand, Ref, Refs, as_rows, size
from sheetprop.engine.grid.values import CALC, NA, NAME, NUM, VALUE, ExcelError, Raised, Value, to_number
from sheetprop.engine.scope.calls import OMITTED, invoked
from sheetprop.engine.scope.context import Closure, Context, scalar, sheltered


def _wrong(name: str, arguments: list[Argument]) -> Closure:
    """Return the closure of a call that cannot be: it says which."""
    def run(context: Context) -> Operand:
        context.note_unknown(f"{name} with {len(arguments)} arguments")
        return VALUE

    return run


@lazy("LET")
def make_let(arguments: list[Argument]) -> Closure:
    names = [argument.variable for argument in arguments[:-1:2]]
    if len(arguments) < 3 or len(arguments) % 2 == 0:
        return _wrong("LET", arguments)
    if any(name is None for name in names):
        return lambda _context: NAME
    keys = [name.name.casefold() for name in names if name is not None]
    values = [sheltered(argument.spread()) for argument in arguments[1::2]]
    last = arguments[-1].spread()

    def run(context: Context) -> Operand:
        bound = context.bound
        context.bound = dict(bound)
        try:
            for key, value in zip(keys, values, strict=True):
                context.bound[key] = value(context)
            return last(context)
        finally:
            context.bound = bound

    return run


@lazy("LAMBDA")
def make_lambda(arguments: list[Argument]) -> Closure:
    parameters = [argument.variable for argument in arguments[:-1]]
    if not arguments:
        return _wrong("LAMBDA", arguments)
    if any(parameter is None for parameter in parameters):
        return lambda _context: VALUE
    keys = [parameter.name.casefold() for parameter in parameters if parameter is not None]
    least = sum(1 for parameter in parameters if parameter is not None and not parameter.optional)
    body = arguments[-1].spread()

    def run(context: Context) -> Operand:
        outer = context.bound

        def call(place: Context, given: list[Operand]) -> Operand:
            kept = place.bound
            place.bound = {**outer, **dict.fromkeys(keys, OMITTED), **dict(zip(keys, given, strict=False))}
            try:
                return body(place)
            finally:
                place.bound = kept

        return Lambda(least, len(keys), call)

    return run


@lazy("ISOMITTED")
def make_isomitted(arguments: list[Argument]) -> Closure:
    if len(arguments) != 1 or arguments[0].variable is None:
        return _wrong("ISOMITTED", arguments)
    key = arguments[0].variable.name.casefold()
    return lambda context: context.bound.get(key) is OMITTED


# ---- functions that call one

Part = Callable[[int, int], Operand]


def _element(operand: Operand) -> Part:
    """Return the function that gives an element: a cell of a reference stays a reference."""
    if isinstance(operand, Ref):
        ref = operand
        return lambda row, column: Ref(ref.sheet, ref.top + row, ref.left + column, ref.top + row, ref.left + column)
    if isinstance(operand, Refs):
        lines = operand.lines
        return lambda row, column: lines[row][column]
    rows = as_rows(operand)
    return lambda row, column: rows[row][column]


def _single(result: Operand, context: Context) -> Value:
    """Return the one value that a call gives; an array in an array is #CALC!."""
    if isinstance(result, Lambda) or size(result) != (1, 1):
        return CALC
    if isinstance(result, Ref):
        return result.single()
    return scalar(result, context)


def _caught(function: Lambda, context: Context, given: list[Operand]) -> Value:
    try:
        return _single(invoked(function, context, given), context)
    except Raised as raised:
        return raised.error


def _function(operand: Operand) -> Lambda:
    if type(operand) is ExcelError:
        raise Raised(operand)
    if not isinstance(operand, Lambda):
        raise Raised(VALUE)
    return operand


def _ready(name: str, least: int, most: int) -> Callable[[Callable[[Context, list[Operand]], Operand]], object]:
    """Enter a function that takes its arguments evaluated as in an array formula, the last of them a function."""

    def enter(run: Callable[[Context, list[Operand]], Operand]) -> object:
        def make(arguments: list[Argument]) -> Closure:
            if not least <= len(arguments) <= most:
                return _wrong(name, arguments)
            parts: list[Closure] = [(lambda _context: OMITTED) if argument.empty else argument.spread()
                                    for argument in arguments]

            def closure(context: Context) -> Operand:
                given = [part(context) for part in parts]
                for operand in given:
                    if type(operand) is ExcelError:
                        raise Raised(operand)
                return run(context, given)

            return closure

        lazy(name)(make)
        return run

    return enter


@_ready("MAP", 2, 255)
def _map(context: Context, given: list[Operand]) -> Operand:
    function, arrays = _function(given[-1]), given[:-1]
    height = max(size(array)[0] for array in arrays)
    width = max(size(array)[1] for array in arrays)
    parts = [(_element(array), *size(array)) for array in arrays]
    lines: list[list[Value]] = []
    for row in range(height):
        line: list[Value] = []
        for column in range(width):
            elements = [part(row, column) if row < tall and column < wide else NA for part, tall, wide in parts]
            line.append(_caught(function, context, elements))
        lines.append(line)
    return Array(lines)


def _cells(operand: Operand) -> list[tuple[int, int]]:
    height, width = size(operand)
    return [(row, column) for row in range(height) for column in range(width)]


@_ready("REDUCE", 3, 3)
def _reduce(context: Context, given: list[Operand]) -> Operand:
    result, array, function = given[0], given[1], _function(given[2])
    part, cells = _element(array), _cells(array)
    if result is OMITTED:
        result = part(*cells.pop(0))
    for cell in cells:
        try:
            result = invoked(function, context, [result, part(*cell)])
        except Raised as raised:
            result = raised.error
    return result


@_ready("SCAN", 3, 3)
def _scan(context: Context, given: list[Operand]) -> Operand:
    result, array, function = given[0], given[1], _function(given[2])
    part, (height, width) = _element(array), size(array)
    lines: list[list[Value]] = []
    for row in range(height):
        line: list[Value] = []
        for column in range(width):
            first = result is OMITTED and row == column == 0
            result = (_single(part(0, 0), context) if first
                      else _caught(function, context, [result, part(row, column)]))
            line.append(result)
        lines.append(line)
    return Array(lines)


def _strip(operand: Operand, at: int, upright: bool) -> Operand:
    """Return a row, or a column, of an operand."""
    if isinstance(operand, Ref):
        if upright:
            return Ref(operand.sheet, operand.top, operand.left + at, operand.bottom, operand.left + at)
        return Ref(operand.sheet, operand.top + at, operand.left, operand.top + at, operand.right)
    rows = as_rows(operand)
    return Array([[line[at]] for line in rows]) if upright else Array([rows[at]])


@_ready("BYROW", 2, 2)
def _byrow(context: Context, given: list[Operand]) -> Operand:
    function = _function(given[1])
    return Array([[_caught(function, context, [_strip(given[0], at, False)])] for at in range(size(given[0])[0])])


@_ready("BYCOL", 2, 2)
def _bycol(context: Context, given: list[Operand]) -> Operand:
    function = _function(given[1])
    return Array([[_caught(function, context, [_strip(given[0], at, True)]) for at in range(size(given[0])[1])]])


_MOST = 4_000_000  # elements of an array


@_ready("MAKEARRAY", 3, 3)
def _makearray(context: Context, given: list[Operand]) -> Operand:
    height, width = (int(to_number(scalar(operand, context))) for operand in given[:2])
    function = _function(given[2])
    if height < 1 or width < 1:
        raise Raised(VALUE)
    if height * width > _MOST:
        raise Raised(NUM)
    return Array([[_caught(function, context, [float(row), float(column)]) for column in range(1, width + 1)]
                  for row in range(1, height + 1)])

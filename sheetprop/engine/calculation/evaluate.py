"""Turns a parse tree into a chain of closures that evaluates one cell with all of Excel's rules.

This is the careful way, for any formula and any mixture of numbers, text, blanks and errors.
The fast way for tables of numbers is `sheetprop.engine.calculation.loops`, which hands back to this one
wherever its assumptions fail.
"""

from __future__ import annotations

from collections.abc import Callable

from sheetprop.engine.calculation.operators import ARITHMETIC, COMPARISONS, PLAIN
from sheetprop.engine.calculation.unknown import Unknown, given_to, kept, outcome
from sheetprop.engine.formula.references import MAX_COLUMN, MAX_ROW
from sheetprop.engine.formula.tree import (
    Apply,
    Area,
    Binary,
    Boolean,
    Builtin,
    Call,
    Cell,
    Empty,
    Error,
    Foreign,
    Local,
    Matrix,
    Name,
    Node,
    Number,
    Stack,
    Text,
    Unary,
)
from sheetprop.engine.functions import LAZY, REFERENCES, REGISTRY, UNCHANGED, Argument, convert, find
from sheetprop.engine.grid.digits import final, near
from sheetprop.engine.grid.operands import (
    Areas,
    Array,
    Lambda,
    Operand,
    Ref,
    Refs,
    broadcast,
    crossing,
    each,
    hull,
    lifted,
)
from sheetprop.engine.grid.values import (
    ERRORS,
    NA,
    NAME,
    REF,
    VALUE,
    ExcelError,
    Raised,
    Value,
    compare,
    finite,
    to_number,
)
from sheetprop.engine.scope.calls import OMITTED, invoked
from sheetprop.engine.scope.context import Closure, Context, intersected, sheltered

TYPE_CHECKING = False  # typing costs a small workbook's time; mypy knows this name
if TYPE_CHECKING:
    pass


def value_of(node: Node, array: bool = False) -> Closure:
    """Return a closure that yields a node's value: a single one, or an `Array` where `array` holds.

    The closure may raise `Raised`; it never yields a `Ref`.
    """
    if isinstance(node, Number | Text | Boolean):
        constant: Value = node.value
        return lambda _context: constant
    if isinstance(node, Cell):
        return _cell_value(node)
    if isinstance(node, Binary) and node.operator in ARITHMETIC:
        return _binary(node, array)
    if isinstance(node, Binary) and node.operator in COMPARISONS:
        return _comparison(node, array)
    if isinstance(node, Unary):
        return _unary(node, array)
    inner = operand_of(node, array)

    def run(context: Context) -> Operand:
        found = inner(context)
        if type(found) is Ref:
            if not array:
                return intersected(found, context)
            return Array(found.rows()) if found.height * found.width > 1 else found.single()
        if type(found) is Refs:
            return Array(found.rows())
        if type(found) is Areas:
            raise Raised(VALUE)
        return found

    return run


def _cell_value(node: Cell) -> Closure:
    row_fixed, column_fixed, down, across, name = (node.row_fixed, node.column_fixed, node.row, node.column,
                                                   node.sheet)

    def run(context: Context) -> Operand:
        sheet = context.sheet if name is None else context.space.sheet_named(name)
        row = down if row_fixed else context.row + down
        column = across if column_fixed else context.column + across
        if row < 1 or column < 1 or row > MAX_ROW or column > MAX_COLUMN:
            raise Raised(REF)
        return sheet.get(row, column)

    return run


def _binary(node: Binary, array: bool) -> Closure:
    left, right = value_of(node.left, array), value_of(node.right, array)
    careful, plain = ARITHMETIC[node.operator], PLAIN.get(node.operator)

    def run(context: Context) -> Operand:
        a, b = left(context), right(context)
        if type(a) is float and type(b) is float and plain is not None:
            return finite(plain(a, b))
        return lifted(careful, a, b)

    return run


def _comparison(node: Binary, array: bool) -> Closure:
    """Return the closure of a comparison; numbers are compared by 15 digits unless the workbook says otherwise."""
    left, right = value_of(node.left, array), value_of(node.right, array)
    holds = COMPARISONS[node.operator]

    def whole(a: Value, b: Value) -> Value:
        return holds(compare(a, b), 0)

    def rounded(a: Value, b: Value) -> Value:
        if type(a) is float and type(b) is float:
            return holds(near(a, b), b)
        return holds(compare(a, b), 0)

    def run(context: Context) -> Operand:
        a, b = left(context), right(context)
        if type(a) is float and type(b) is float:
            return holds(a if context.space.exact else near(a, b), b)
        return lifted(whole if context.space.exact else rounded, a, b)

    return run


def last_operation(node: Binary) -> Closure:
    """Return the closure of an addition or subtraction that ends a formula: what is 0 in 15 digits is 0."""
    left, right = value_of(node.left), value_of(node.right)
    careful, sign = ARITHMETIC[node.operator], 1.0 if node.operator == "-" else -1.0

    def run(context: Context) -> Operand:
        a, b = left(context), right(context)
        if type(a) is Array or type(b) is Array:
            return lifted(careful, a, b)
        first, second = to_number(a), sign * to_number(b)  # type: ignore[arg-type]
        if context.space.exact:
            return finite(first - second)
        return finite(final(first, second))

    return run


def _unary(node: Unary, array: bool) -> Closure:
    inner = value_of(node.operand, array)
    if node.operator == "+":
        return inner

    def apply(value: Value) -> Value:
        number = to_number(value)
        return -number if node.operator == "-" else number / 100.0

    def run(context: Context) -> Operand:
        return lifted(apply, inner(context))

    return run


def operand_of(node: Node, array: bool = False) -> Closure:
    """Return a closure that yields a node as an operand: a reference stays a `Ref`."""
    if isinstance(node, Cell):
        return _reference(node, node)
    if isinstance(node, Area):
        return _reference(node.first, node.last)
    if isinstance(node, Name):
        return _name(node, array)
    if isinstance(node, Call):
        return _call(node, array)
    if isinstance(node, Binary) and node.operator in (":", " ", ","):
        return _joined(node)
    if isinstance(node, Stack):
        layers = [operand_of(layer) for layer in node.layers]
        return lambda context: Areas([ref for layer in layers if type(ref := layer(context)) is Ref])
    if isinstance(node, Matrix):
        lines = [[_constant(part) for part in line] for line in node.rows]
        return lambda _context: Array(lines)
    if isinstance(node, Error):
        error = ERRORS.get(node.code.upper(), VALUE)
        return lambda _context: error
    if isinstance(node, Empty):
        return lambda _context: None
    if isinstance(node, Foreign):
        return _foreign(node)
    if isinstance(node, Local):
        return _variable(node)
    if isinstance(node, Apply):
        return _apply(node)
    if isinstance(node, Builtin):
        function = _builtin(node.name)
        return lambda _context: function
    return value_of(node, array)


def _constant(node: Node) -> Value:
    if isinstance(node, Number | Text | Boolean):
        return node.value
    return ERRORS.get(node.code.upper(), VALUE) if isinstance(node, Error) else None


def _reference(first: Cell, last: Cell) -> Closure:
    name = first.sheet

    def run(context: Context) -> Operand:
        sheet = context.sheet if name is None else context.space.sheet_named(name)
        top, left = first.at(context.row, context.column)
        bottom, right = last.at(context.row, context.column)
        if top > bottom:
            top, bottom = bottom, top
        if left > right:
            left, right = right, left
        if top < 1 or left < 1 or bottom > MAX_ROW or right > MAX_COLUMN:
            raise Raised(REF)
        return Ref(sheet, top, left, bottom, right)

    return run


def _joined(node: Binary) -> Closure:
    left, right = operand_of(node.left), operand_of(node.right)

    def run(context: Context) -> Operand:
        a, b = left(context), right(context)
        for part in (a, b):
            if type(part) is ExcelError:
                raise Raised(part)
        if node.operator == ":":
            return hull(a, b)
        if node.operator == " ":
            return crossing(a, b)
        refs: list[Ref] = []
        for part in (a, b):
            if isinstance(part, Areas):
                refs.extend(part.refs)
            elif isinstance(part, Ref):
                refs.append(part)
            else:
                raise Raised(VALUE)
        return Areas(refs)

    return run


def _name(node: Name, array: bool) -> Closure:
    def run(context: Context) -> Operand:
        meant = context.space.name_meant(node, context.sheet)
        if meant is None:
            return kept(context, node.name, NAME)
        key = "operand array" if array else "operand"
        closure: Closure | None = meant.cache.get(key)
        if closure is None:
            closure = meant.cache[key] = operand_of(meant.tree, array)
        inner = closure
        bound, context.bound = context.bound, {}
        try:
            return context.space.deeper(lambda: inner(context))
        finally:
            context.bound = bound

    return run


def _variable(node: Local) -> Closure:
    name = node.name.casefold()

    def run(context: Context) -> Operand:
        if name not in context.bound:
            return kept(context, node.name, NAME)
        found = context.bound[name]
        return None if found is OMITTED else found

    return run


def _apply(node: Apply) -> Closure:
    """Return the closure for a call of a LAMBDA."""
    if isinstance(node.function, Name) and node.function.sheet is None and find(node.function.name.upper()):
        return operand_of(Call(node.function.name.upper(), node.arguments), True)  # Excel's own goes first
    function = operand_of(node.function, True)
    parts = [_omitted if isinstance(part, Empty) else sheltered(operand_of(part, True)) for part in node.arguments]

    def run(context: Context) -> Operand:
        called = function(context)
        if type(called) is not Lambda:
            return called if type(called) is ExcelError else VALUE
        return invoked(called, context, [part(context) for part in parts])

    return run


def _omitted(_context: Context) -> Operand:
    return OMITTED


def _builtin(name: str) -> Lambda:
    """Return a function of Excel's as a value."""
    closures: dict[int, Closure] = {}

    def call(context: Context, given: list[Operand]) -> Operand:
        names = [f"{at}" for at in range(len(given))]
        if len(given) not in closures:
            closures[len(given)] = _call(Call(name, tuple(Local(one) for one in names)), True)
        bound, context.bound = context.bound, dict(zip(names, given, strict=True))
        try:
            return closures[len(given)](context)
        finally:
            context.bound = bound

    known = REGISTRY.get(name)
    return Lambda(known.least if known else 1, known.most if known else 255, call, name)


_FOREIGN = {"external": "a link to another workbook", "table": "a table reference",
            "sheets": "a reference over several sheets"}


def _foreign(node: Foreign) -> Closure:
    def run(context: Context) -> Operand:
        if node.why != "external":
            return kept(context, _FOREIGN[node.why], NAME)
        context.note_unknown(_FOREIGN[node.why])
        if node.why == "external":
            raise Unknown
        return NAME

    return run


def _call(node: Call, array: bool) -> Closure:
    """Return the closure for a function call."""
    if not find(node.name):
        return _unknown(node)
    if node.name in LAZY:
        return LAZY[node.name]([_argument(part, array) for part in node.arguments])
    known = REGISTRY[node.name]
    count = len(node.arguments)
    if not known.least <= count <= known.most:

        def refuse(context: Context) -> Operand:
            return kept(context, f"{node.name} with {count} arguments", VALUE)

        return refuse
    kinds = [known.kind(index) for index in range(count)]
    parts: list[Closure] = []
    for kind, argument in zip(kinds, node.arguments, strict=True):
        if kind == "m" and isinstance(argument, Empty):
            parts.append(_left_out)
        elif kind in REFERENCES:
            part = _function_of(argument) if kind == "l" else operand_of(argument, array or kind in "aA")
            parts.append(sheltered(part) if kind in "RA" else part)
        elif kind == "e":
            parts.append(sheltered(value_of(argument, array)))
        else:
            parts.append(value_of(argument, array))
    run_function, with_context = known.run, known.with_context
    skipped = known.skipped(index for index, argument in enumerate(node.arguments) if isinstance(argument, Empty))
    if kinds == ["n"] and not with_context:
        return _one_number(parts[0], run_function)

    def run(context: Context) -> Operand:
        values: list[Operand] = []
        for part, kind in zip(parts, kinds, strict=True):
            value = part(context)
            if type(value) is ExcelError and kind not in "RAe":  # the first argument that is an error decides
                raise Raised(value)
            values.append(value)
        lifted = [index for index, kind in enumerate(kinds)
                  if (type(values[index]) is Array and kind not in REFERENCES)
                  or (kind == "f" and type(values[index]) is Refs)]
        if not lifted:
            return apply(context, values)
        found = each([values[index] for index in lifted],
                     lambda elements: apply(context, _replaced(values, lifted, elements)))
        return Array(found.firsts()) if type(found) is Refs and not known.references else found

    def apply(context: Context, values: list[Operand]) -> Operand:
        given = [value if kind in UNCHANGED else convert(kind, value)
                 for kind, value in zip(kinds, values, strict=True)]
        for index, standard in skipped.items():
            given[index] = standard
        return run_function(context, *given) if with_context else run_function(*given)

    return run


def _replaced(values: list[Operand], places: list[int], elements: list[Operand]) -> list[Operand]:
    given = list(values)
    for index, element in zip(places, elements, strict=True):
        given[index] = element
    return given


def _left_out(_context: Context) -> Operand:
    raise Raised(NA)


def _function_of(node: Node) -> Closure:
    """Return the closure of an argument that may name a function of Excel's: SUM in BYROW(A1:C3,SUM)."""
    inner = operand_of(node, True)
    if not isinstance(node, Name) or node.sheet is not None or not find(node.name.upper()):
        return inner
    builtin = _builtin(node.name.upper())
    return lambda context: inner(context) if context.space.name_meant(node, context.sheet) else builtin


def _argument(node: Node, array: bool) -> Argument:
    return Argument(lambda: value_of(node, array), lambda: operand_of(node, array), lambda: _function_of(node),
                    node if isinstance(node, Local) else None, isinstance(node, Empty))


def _one_number(part: Closure, run_function: Callable[..., Operand]) -> Closure:
    def run(context: Context) -> Operand:
        value = part(context)
        if type(value) is float:
            return run_function(value)
        if type(value) is Array:
            return broadcast([value], lambda element: run_function(to_number(element)))  # type: ignore[arg-type,return-value]
        return run_function(to_number(value))  # type: ignore[arg-type]

    return run


def _unknown(node: Call) -> Closure:
    """Return the closure of a function that the engine lacks: the user may have given it a meaning."""
    parts = [operand_of(argument, True) for argument in node.arguments]
    name = node.name.removeprefix("_XLL.")

    def run(context: Context) -> Operand:
        given = context.space.registered.get(name)
        return kept(context, node.name, NAME) if given is None else outcome(
            given(*[given_to(part(context)) for part in parts]))

    return run

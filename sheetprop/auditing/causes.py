"""What an edit says about a mistake, in words."""

from __future__ import annotations

from sheetprop.auditing.edits import factors_of
from sheetprop.auditing.expressions import Expr, show, walk
from sheetprop.auditing.repair import Repair
from sheetprop.auditing.tables import Table

_OPERATIONS = frozenset("+-*/^")


def cause(repair: Repair, row: int, table: Table) -> str:
    """Return what is wrong, told from the steps of the repair."""
    said: list[str] = []
    for old, new in repair.steps:
        gone = [node for node in leaves(old) if node not in leaves(new)]
        come = [node for node in leaves(new) if node not in leaves(old)]
        extra = _left_out(old, new)
        if extra:
            said.append(f"the factor {'*'.join(show(one, row, table.grid, 4) for one in extra)} does not belong there")
        elif new.op == "*" and new.args[0] is old and new.args[1].op not in ("n", "v"):
            said.append(f"the factor {show(new.args[1], row, table.grid, 4)} is missing")
        elif new.op in ("+", "-") and new.args[0] is old and new.args[1].op not in ("n", "v"):
            said.append(f"the term {show(new.args[1], row, table.grid, 4)} is missing")
        elif old.op in _OPERATIONS and new.op in _OPERATIONS and old.op != new.op and (
                old.args in (new.args, new.args[::-1])) and {old.op, new.op} != {"+", "-"}:
            said.append(f"{show(old, row, table.grid)} stands where {show(new, row, table.grid)} belongs")
        elif old.op == "ABS" and new is not old:
            said.append("ABS hides a wrong sign")
        elif len(gone) == len(come) == 1 and gone[0].op == come[0].op == "v":
            said.append(f"it uses {_named(gone[0], row, table)} where {_named(come[0], row, table)} belongs")
        elif not gone and len(come) == 1 and new.op == "/":
            said.append(f"its factor {_named(come[0], row, table)} has to be divided out")
        elif not gone and len(come) == 1 and come[0].op == "v":
            said.append(f"{_named(come[0], row, table)} is missing")
        elif not gone and not come and _sign(old, new):
            said.append("a sign is wrong")
        elif len(gone) == 1 and not come and gone[0].op == "v":
            said.append(f"{_named(gone[0], row, table)} does not belong there")
        elif _numbers(old) != _numbers(new):
            said.append("a constant factor or power is wrong")
        elif set(leaves(old)) == set(leaves(new)):
            said.append("a bracket stands in the wrong place" if old.op in ("+", "-", "*", "/", "^") else
                        "an operation is wrong")
        else:
            said.append("a part of it is wrong")
    return "; ".join(dict.fromkeys(said))


def _left_out(old: Expr, new: Expr) -> list[Expr]:
    """Return the factors of a product that another one lacks, where it has all others in the same order."""
    if old.op != "*":
        return []
    left, rest = list(factors_of(new)), []
    for factor in factors_of(old):
        if left and left[0] is factor:
            left.pop(0)
        else:
            rest.append(factor)
    return [] if left or any(one.op == "n" for one in rest) else rest


def _named(node: Expr, row: int, table: Table) -> str:
    """Return a place by its label and its cell, as "a_h1 (J36)"."""
    cell = show(node, row, table.grid)
    column = table.column(int(node.value[0])) if len(node.value) == 2 else None
    return f"{column.label} ({cell})" if column is not None and column.label else cell


def _sign(old: Expr, new: Expr) -> bool:
    """Return whether an edit turns a sign or a difference round."""
    return new.op == "neg" or (old.op == new.op == "-" and old.args == tuple(reversed(new.args))) \
        or ({old.op, new.op} == {"+", "-"} and old.args == new.args)


def leaves(expr: Expr) -> list[Expr]:
    return [node for node in walk(expr) if node.op == "v"]


def _numbers(expr: Expr) -> list[float]:
    return sorted(node.value for node in walk(expr) if node.op == "n")

"""A formula as a file spells it: newer functions and the variables of LET and LAMBDA carry marks there."""

from __future__ import annotations

import re

from sheetprop.engine.formula.newer import prefixed
from sheetprop.engine.formula.parse import TOKEN
from sheetprop.engine.formula.printing import formula_text
from sheetprop.engine.formula.tree import Call, Local, Node

# Functions whose result is as large as it comes out; a formula with one spills when it is typed into Excel.
_LARGE = frozenset((
    "FILTER", "SORT", "SORTBY", "UNIQUE", "SEQUENCE", "RANDARRAY", "VSTACK", "HSTACK", "TOROW", "TOCOL", "WRAPROWS",
    "WRAPCOLS", "TAKE", "DROP", "CHOOSEROWS", "CHOOSECOLS", "EXPAND", "TEXTSPLIT", "MAP", "SCAN", "BYROW", "BYCOL",
    "MAKEARRAY", "GROUPBY", "PIVOTBY", "ANCHORARRAY", "LET", "LAMBDA", "REDUCE", "TRANSPOSE", "MMULT", "MINVERSE",
    "MUNIT", "FREQUENCY", "XLOOKUP"))
_MARKED = re.compile(r"_xl\w*\.", re.IGNORECASE)


def spills(tree: Node) -> bool:
    """Say whether a formula that a person types may give more than one value, by a function that is made for that."""
    return any(isinstance(node, Call) and node.name in _LARGE for node in tree.walk())


def as_in_file(text: str, tree: Node, row: int, column: int) -> str:
    """Return a formula as a file spells it, all that needs no mark as it was given.

    Args:
        text: the formula as a person writes it; marks that it carries already stay.
        tree: its parse tree.
        row: the row of its cell.
        column: the column of its cell.
    """
    tokens = list(TOKEN.finditer(text))
    signs = {token.group() for token in tokens if token.lastgroup == "operator"}
    if signs & {"#", "@"} and "[" not in text:
        return ("=" if text.startswith("=") else "") + formula_text(tree, row, column)
    variables = {node.name.casefold() for node in tree.walk() if isinstance(node, Local)}
    pieces: list[str] = []
    for token in tokens:
        word = token.group()
        if token.lastgroup == "call" and not _MARKED.match(word):
            name = word[:-1]
            spelled = f"_xlpm.{name}" if name.casefold() in variables else prefixed(name.upper())
            word = f"{name if spelled == name.upper() else spelled}("
        elif token.lastgroup == "name" and word.casefold() in variables:
            word = f"_xlpm.{word}"
        pieces.append(word)
    return "".join(pieces)

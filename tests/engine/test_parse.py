"""Parse trees, their canonical text, and that printing and parsing undo each other."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sheetprop.engine.book import canonical
from sheetprop.engine.formula.parse import FormulaError, parse
from sheetprop.engine.formula.printing import canonical_text, formula_text
from sheetprop.engine.formula.tree import Area, Binary, Boolean, Call, Cell, Empty, Node, Number, Text, Unary


@pytest.mark.parametrize(("one", "other"), [
    ("=N8-Parameters!$C$20*AB8", "= n8 - parameters!$C$20 * ab8"),
    ("=-2^2", "=(-2)^2"),
    ("='S'!A1+1.0", "=A1+1"),
    ("=sum( A1:A3 )", "=SUM(A1:A3)"),
    ("=A3:A1", "=A1:A3"),
    ("=(A1*B1)+(C1)", "=A1*B1+C1"),
    ("=_xlfn.IFNA(A1,0)", "=IFNA(A1,0)"),
    ("=1E2", "=100"),
])
def test_same_formula_spelled_twice(one: str, other: str) -> None:
    assert canonical(one, 8, 3, "S") == canonical(other, 8, 3, "S")


@pytest.mark.parametrize(("one", "other"), [
    ("=A1", "=$A$1"), ("=2^(3^2)", "=2^3^2"), ("=-(2^2)", "=-2^2"), ("=A1-(B1-C1)", "=A1-B1-C1"),
    ("=\"a\"", "=\"A\""), ("=Other!A1", "=A1"), ("=A1+B1", "=B1+A1"), ("=IF(A1,,2)", "=IF(A1,0,2)"),
])
def test_different_formulas(one: str, other: str) -> None:
    assert canonical(one, 8, 3, "S") != canonical(other, 8, 3, "S")


def test_rows_moved_down_are_one_family() -> None:
    assert canonical("=F9*B9+$G$1", 9, 14, None) == canonical("=F200*B200+$G$1", 200, 14, None)


@pytest.mark.parametrize("text", ["=", "=1+", "=(1", "=1)", "=SUM(1", "={1,2;3}", "=\"a", "=1 2", "=)", "=*1",
                                  "=" + "(" * 400 + "1" + ")" * 400, "=" + "1+" * 20_000 + "1"])
def test_no_formula_is_a_clear_error(text: str) -> None:
    with pytest.raises(FormulaError):
        parse(text)


def test_tree_is_public_and_comparable() -> None:
    tree = parse("=-A1^2%", 1, 2)
    assert tree == Binary("^", Unary("-", Cell(None, 0, -1, False, False)), Unary("%", Number(2.0)))
    assert [type(node).__name__ for node in tree.walk()] == ["Binary", "Unary", "Cell", "Unary", "Number"]


_cells = st.builds(lambda s, r, c, a, b: Cell(s, r if a else r - 5, c if b else c - 5, a, b),
                   st.sampled_from([None, "LR 0.1", "It's", "Sheet2"]), st.integers(1, 60), st.integers(1, 60),
                   st.booleans(), st.booleans())
_leaves = st.one_of(st.builds(Number, st.floats(0, 1e12, allow_nan=False)), st.builds(Boolean, st.booleans()),
                    st.builds(Text, st.text("abc \"'&<é", max_size=4)), _cells,
                    st.builds(lambda a, b: Area(a, Cell(a.sheet, a.row + b, a.column + b, a.row_fixed, a.column_fixed)),
                              _cells, st.integers(0, 5)))


def _grow(children: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    return st.one_of(
        st.builds(Unary, st.sampled_from("-+%"), children),
        st.builds(Binary, st.sampled_from(["+", "-", "*", "/", "^", "&", "=", "<>", "<", ">", "<=", ">="]), children,
                  children),
        st.builds(lambda name, args: Call(name, tuple(args)), st.sampled_from(["SUM", "IF", "STDEV.S", "MAX"]),
                  st.lists(st.one_of(children, st.builds(Empty)), min_size=2, max_size=3)))


@settings(max_examples=400, deadline=None)
@given(st.recursive(_leaves, _grow, max_leaves=12))
def test_printing_and_parsing_undo_each_other(tree: Node) -> None:
    text = formula_text(tree, 5, 5)
    again = parse(text, 5, 5, "Here")
    assert canonical_text(again) == canonical_text(tree)
    assert again == parse(formula_text(again, 5, 5), 5, 5, "Here")


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("A1$:!()+-*/^&=<>,;{}\"'# .%SUMx9é\n"), max_size=25))
def test_any_text_is_a_tree_or_a_clear_error(text: str) -> None:
    try:
        tree = parse("=" + text)
    except FormulaError:
        return
    assert canonical_text(tree) is not None

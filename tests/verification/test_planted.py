"""A single wrong cell anywhere in a learning-rate sheet is found, and named, and named alone."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

import sheetprop
from sheetprop.verification.verify import verify_book
from sheetprop.workbook.reading import read_layout

Build = Callable[..., Path]
Mistake = Callable[[str, object], object]

# A reference to a cell of the own sheet, with or without dollar signs, but not $B$2.
_REFERENCE = re.compile(r"(?<![A-Z$!'])(\$?[A-Z]{1,2})(\$?)(\d+)(?!\d*\()")


def _constant(formula: str, value: object) -> object:
    del formula
    return value


def _nothing(formula: str, value: object) -> object:
    del formula, value
    return None


def _zero(formula: str, value: object) -> object:
    del formula, value
    return 0.0


def _text(formula: str, value: object) -> object:
    del formula, value
    return "n/a"


def _row_below(formula: str, value: object) -> object:
    del value
    return _REFERENCE.sub(lambda m: f"{m[1]}{m[2]}{int(m[3]) + 1}", formula, count=1)


def _row_above(formula: str, value: object) -> object:
    del value
    return _REFERENCE.sub(lambda m: f"{m[1]}{m[2]}{int(m[3]) - 1}", formula, count=1)


def _other_column(formula: str, value: object) -> object:
    del value
    return _REFERENCE.sub(lambda m: ("D" if m[1] != "D" else "E") + m[2] + m[3], formula, count=1)


def _sign(formula: str, value: object) -> object:
    del value
    return "=-(" + formula[1:] + ")"


def _number(formula: str, value: object) -> object:
    del value
    return re.sub(r"(?<![A-Z\d$.])(\d)(?![\d.(])", lambda m: str(int(m[1]) + 1), formula, count=1)


def _unseen(formula: str, value: object) -> object:
    """Wrong by less than any tolerance sees: only the comparison of formulas finds it."""
    del value
    return f"=({formula[1:]})*1.000000000000001"


def _absolute(formula: str, value: object) -> object:
    del value
    return f"=ABS({formula[1:]})"


def _error(formula: str, value: object) -> object:
    del formula, value
    return "=1/0"


MISTAKES = [_constant, _nothing, _zero, _text, _row_below, _row_above, _other_column, _sign, _number, _unseen,
            _absolute, _error]
KINDS = {_constant: "constant", _zero: "constant", _text: "constant", _nothing: "missing"}


@pytest.mark.parametrize(("options", "rounds"), [
    ({"preset": "mazur", "learning_rates": (0.5, 2.0), "iterations": 5}, 12),
    ({"layers": (2, 3, 1), "activation": ("relu", "tanh"), "seed": 3, "learning_rates": (0.1,), "iterations": 4}, 44),
])
def test_planted_mistakes_are_named_by_their_cells(build: Build, options: dict[str, object], rounds: int) -> None:
    """Three at a time in every sheet, in rows and columns of their own: each is named, and nothing that follows."""
    book = sheetprop.open(build(**options))
    assert verify_book(book).agrees
    layout = read_layout(book)
    draw = random.Random(2026)
    for turn in range(rounds):
        planted: dict[str, tuple[Mistake, str]] = {}
        for sheet in layout.rate_sheets:
            columns = draw.sample(layout.columns, len(layout.columns))
            for row in sorted(draw.sample(range(layout.FIRST_ROW, layout.last_row + 1), 3)):
                mistake = MISTAKES[(turn + len(planted) * 5) % len(MISTAKES)]
                while True:
                    address = f"{columns.pop().letter}{row}"
                    formula, value = book[sheet].formula(address), book[sheet][address]
                    wrong = None if formula is None else mistake(formula, value)
                    if formula is not None and wrong != formula:
                        break
                planted[f"{sheet}!{address}"] = mistake, formula
                book.set(f"'{sheet}'!{address}", wrong)
        result = verify_book(book)
        told = f"{planted}: " + "; ".join(fault.message for fault in result.faults)
        assert not result.agrees, told
        assert [fault.place for fault in result.faults] == list(planted), told
        for fault in result.faults:
            assert fault.kind == KINDS.get(planted[fault.place][0], "formula"), told
        assert result.faults[0].place in result.verdict
        for place, (_, formula) in planted.items():
            sheet, _, address = place.partition("!")
            book.set(f"'{sheet}'!{address}", formula)
    assert verify_book(book).agrees


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.__name__.strip("_"))
def test_a_mistake_of_each_kind_by_itself(classic: Path, mistake: Mistake) -> None:
    book = sheetprop.open(classic)
    layout = read_layout(book)
    address = layout.address("∂E_total/∂w5", 3)
    formula = book["LR 2"].formula(address)
    book.calculate()
    wrong = mistake(formula, book["LR 2"][address])
    assert wrong != formula
    book.set(f"'LR 2'!{address}", wrong)
    result = verify_book(book)
    assert [fault.place for fault in result.faults] == [f"LR 2!{address}"]
    assert result.fault_count == 1


def test_every_column_is_watched(classic: Path) -> None:
    book = sheetprop.open(classic)
    layout = read_layout(book)
    for column in layout.columns:
        where = f"'LR 2'!{column.letter}{layout.FIRST_ROW + 3}"
        formula = book["LR 2"].formula(where.partition("!")[2])
        book.set(where, 123.0)
        result = verify_book(book)
        assert [fault.address for fault in result.faults] == [where.partition("!")[2]], column.symbol
        assert result.faults[0].symbol == column.symbol
        assert result.faults[0].learning_rate == 2.0
        assert result.faults[0].iteration == 3
        assert result.faults[0].found == 123.0
        assert result.faults[0].expected == formula
        book.set(where, formula)


def test_the_commonest_mistake_of_all_is_named_as_one_column(classic: Path) -> None:
    """w3 and w4 with the slope of the other hidden unit: hardly visible in the loss."""
    book = sheetprop.open(classic)
    layout = read_layout(book)
    column = layout.column_of["∂E_total/∂w3"]
    other, own = layout.column_of["a_h1"].letter, layout.column_of["a_h2"].letter
    for row in range(layout.FIRST_ROW, layout.last_row + 1):
        formula = book["LR 0.5"].formula(f"{column.letter}{row}")
        book.set(f"'LR 0.5'!{column.letter}{row}", formula.replace(f"{own}{row}", f"{other}{row}"))
    result = verify_book(book)
    assert result.fault_count == 1
    fault = result.faults[0]
    assert (fault.address, fault.last) == (f"{column.letter}8", f"{column.letter}14")
    assert fault.kind == "formula"
    assert fault.difference is not None
    assert 1e-9 < fault.difference < 1e-3
    assert "LR 0.5" in fault.message
    by_group = {(one.learning_rate, one.group): one for one in result.comparisons}
    assert by_group[0.5, "gradients"].differ == 7
    assert by_group[0.5, "gradients"].worst.startswith(column.letter)
    assert by_group[2.0, "gradients"].differ == 0


def test_several_mistakes_are_all_listed_in_order(classic: Path) -> None:
    book = sheetprop.open(classic)
    layout = read_layout(book)
    places = ["LR 0.5!" + layout.address("h1", 1), "LR 0.5!" + layout.address("∂E_total/∂w5", 1),
              "LR 0.5!" + layout.address("w2", 4), "LR 2!" + layout.address("E1", 0)]
    for place in places:
        sheet, _, address = place.partition("!")
        book.set(f"'{sheet}'!{address}", book[sheet].formula(address) + "+0.01")
    result = verify_book(book)
    assert [fault.place for fault in result.faults] == places
    assert result.fault_count == 4


def test_more_faults_than_are_listed_are_counted(build: Build) -> None:
    book = sheetprop.open(build(preset="classic", learning_rates=(0.5,), iterations=120))
    layout = read_layout(book)
    for row in range(layout.FIRST_ROW, layout.last_row + 1, 2):
        for symbol in ("h1", "h2", "o1", "o2"):
            book.set(f"'LR 0.5'!{layout.column_of[symbol].letter}{row}", 0.5)
    result = verify_book(book)
    assert len(result.faults) == 200
    assert result.fault_count == 4 * 61
    assert "and 243 more" in result.verdict


@pytest.mark.parametrize(("place", "wrong"), [
    ("Start!D16", 0.5), ("Steps!H8", "=1"), ("Compare!B9", 0.1), ("Compare!B10", "='LR 0.5'!A10"),
    ("Check!D12", "=0"), ("Check!E13", "=D13"), ("Check!D5", '="all agree"'), ("Diagram!E3", "=2"),
    ("Parameters!E15", "=0"), ("'LR 2'!A1", '="Learning rate"'), ("'LR 2'!D2", None),
])
def test_a_mistake_on_any_other_sheet_is_named(classic: Path, place: str, wrong: object) -> None:
    book = sheetprop.open(classic)
    sheet, _, address = place.replace("'", "").partition("!")
    assert book[sheet].formula(address) is not None
    book.set(place, wrong)
    result = verify_book(book)
    assert [fault.place for fault in result.faults] == [f"{sheet}!{address}"]


def test_a_learning_rate_cell_that_is_no_longer_linked(classic: Path) -> None:
    book = sheetprop.open(classic)
    book.set("'LR 0.5'!B2", 0.7)
    result = verify_book(book)
    assert [fault.place for fault in result.faults] == ["LR 0.5!B2"]


def test_a_circular_reference_is_named_at_the_formula_that_closes_it(classic: Path) -> None:
    book = sheetprop.open(classic)
    layout = read_layout(book)
    address = layout.address("h1", 2)
    book.set(f"'LR 2'!{address}", f"={layout.address('E_total', 4)}")
    assert [fault.place for fault in verify_book(book).faults] == [f"LR 2!{address}"]


@pytest.mark.parametrize("spell", [
    lambda f: f.lower(), lambda f: f.replace("*", " * "), lambda f: f"=({f[1:]})",
    lambda f: f.replace("(", "( "), lambda f: f.replace("0.5", ".5").replace("1-", "1.0-"),
    lambda f: re.sub(r"\b([A-Z]{1,2}\d+)\b", r"'LR 2'!\1", f, count=1),
])
def test_another_spelling_is_no_fault(classic: Path, spell: object) -> None:
    book = sheetprop.open(classic)
    layout = read_layout(book)
    for symbol in ("a_h1", "E1", "∂E_total/∂w1"):
        address = layout.address(symbol, 2)
        book.set(f"'LR 2'!{address}", spell(book["LR 2"].formula(address)))  # type: ignore[operator]
    result = verify_book(book)
    assert result.agrees, result.verdict

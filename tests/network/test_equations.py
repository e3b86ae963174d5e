"""How the equations read: the 2-2-2 network in text and LaTeX, word for word, and what holds for every network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sheetprop.network.equations import derive
from sheetprop.network.expression import Symbol, derivative, symbols
from sheetprop.network.notation import latex, symbol_latex, text
from sheetprop.network.spec import Network, make_spec

GOLDEN = Path(__file__).parent / "golden"
Golden = Callable[[Path, str], None]


def _listing(network: Network, printer: Callable[..., str], name: Callable[[str], str]) -> str:
    lines = []
    for equation in derive(network):
        lines.append(f"[{equation.group}] {name(equation.symbol)} = {printer(equation.expression)}")
        if equation.chain is not None:
            lines.append(f"    chain: {printer(equation.chain)}")
        lines.append(f"    {equation.explanation}")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("name", ["2-2-2-sigmoid", "2-3-3-1-relu-bias"])
def test_equations_read_as_in_the_golden_files(name: str, golden: Golden) -> None:
    network = {
        "2-2-2-sigmoid": make_spec(preset="classic").network,
        "2-3-3-1-relu-bias": make_spec(layers=(2, 3, 3, 1), activation=("relu", "tanh", "identity"), bias=True).network,
    }[name]
    golden(GOLDEN / f"{name}.txt", _listing(network, text, str))
    golden(GOLDEN / f"{name}.tex", _listing(network, latex, symbol_latex))


def test_the_equations_that_a_teacher_writes() -> None:
    defined = derive(make_spec(preset="classic").network).defined
    assert text(defined["h1"].expression) == "w1·i1 + w2·i2"
    assert text(defined["h2"].expression) == "w3·i1 + w4·i2"
    assert text(defined["o1"].expression) == "w5·a_h1 + w6·a_h2"
    assert text(defined["E1"].expression) == "½·(t1 - a_o1)²"
    assert text(defined["∂E_total/∂w5"].expression) == "(a_o1 - t1)·a_o1·(1 - a_o1)·a_h1"
    assert text(defined["∂E_total/∂a_h1"].expression) == (
        "(a_o1 - t1)·a_o1·(1 - a_o1)·w5 + (a_o2 - t2)·a_o2·(1 - a_o2)·w7")
    assert text(defined["∂E_total/∂w1"].expression) == "∂E_total/∂a_h1·a_h1·(1 - a_h1)·i1"


@pytest.mark.parametrize("layers", [(1, 1), (3, 1), (2, 2, 2), (3, 4, 2), (2, 3, 3, 1), (1, 2, 2, 2, 1)])
@pytest.mark.parametrize("bias", [False, True])
def test_every_equation_stands_after_what_it_reads(layers: tuple[int, ...], bias: bool) -> None:
    network = make_spec(layers=layers, bias=bias).network
    known = {*network.initial(), "η"}
    for equation in derive(network):
        read = {node.name for node in symbols(equation.expression)}
        assert read <= known, equation
        if equation.group != "update":
            assert equation.symbol not in known
            known.add(equation.symbol)
    assert [e.symbol for e in derive(network).update] == network.parameters()
    assert {f"∂E_total/∂{name}" for name in network.parameters()} <= known


def test_the_algebra_simplifies_as_it_builds() -> None:
    x, y = Symbol("x"), Symbol("y")
    assert text(x * 1 + 0) == "x"
    assert text(-(x - y)) == "y - x"
    assert text(2 * (3 * x)) == "6·x"
    assert text(x * 0 + y) == "y"
    assert text(derivative(x**3 * y, x)) == "3·x²·y"
    assert text(derivative((x - y) ** 2, y)) == "2·(y - x)"
    assert text(derivative(x, y)) == "0"
    assert text(x - (y - x)) == "x - (y - x)"

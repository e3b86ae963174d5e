"""The command audit, its formats, and what it says about files that cannot be used."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner
from test_audit_mistakes import classic

import sheetprop
from sheetprop.cli.auditing import audit as command
from sheetprop.errors import SheetpropError


def test_exit_codes_and_formats(tmp_path: Path) -> None:
    wrong, right = tmp_path / "wrong.xlsx", tmp_path / "right.xlsx"
    classic(wrong, wrong=True)
    classic(right, wrong=False)
    runner = CliRunner()
    assert runner.invoke(command, [str(right)]).exit_code == 0
    shown = runner.invoke(command, [str(wrong), "--html", str(tmp_path / "a.html")])
    assert shown.exit_code == 1
    assert "Z36:Z67 is ∂E_total/∂w3" in shown.output
    assert "replace J36*(1-J36) by L36*(1-L36)" in (tmp_path / "a.html").read_text(encoding="utf-8")
    data = json.loads(runner.invoke(command, [str(wrong), "--json"]).output)
    assert data["findings"][0]["cells"] == "Z36:Z67"
    assert "| Sheet!Z36:Z67 |" in runner.invoke(command, [str(wrong), "--format", "md"]).output
    roles = runner.invoke(command, [str(right), "--roles"]).output
    assert "loss W36:W67, learning rate Sheet!G33" in roles


def test_a_class_of_files_gets_a_table_and_a_bad_file_does_not_stop_it(tmp_path: Path) -> None:
    classic(tmp_path / "a.xlsx", wrong=True)
    classic(tmp_path / "b.xlsx", wrong=False)
    (tmp_path / "c.xlsx").write_bytes(b"no workbook")
    openpyxl.Workbook().save(tmp_path / "d.xlsx")
    table = tmp_path / "class.csv"
    shown = CliRunner().invoke(command, [str(tmp_path), "--csv", str(table), "--jobs", "2"])
    assert shown.exit_code == 2
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    results = [row["result"] for row in rows]
    assert results == ["checked and wrong"] * 2 + ["checked and right", "not read", "not checked"]
    assert [row["cells"] for row in rows[:2]] == ["Sheet!Z36:Z67", "Sheet!AA36:AA67"]
    assert len(shown.output.splitlines()) == 5
    assert "4 files: 1 checked and wrong, 1 checked and right" in shown.output


def test_stated_roles(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    classic(path, wrong=True)
    stated = sheetprop.audit(path, loss="W36", params="E36:H67,M36:P67", grads="X36:AE67", lr="G33")
    assert [one.cells for one in stated.findings] == ["Z36:Z67", "AA36:AA67"]
    with pytest.raises(SheetpropError, match="lies in no table"):
        sheetprop.audit(path, loss="A1")
    with pytest.raises(SheetpropError, match="--params 'banana': is no cell address"):
        sheetprop.audit(path, params="banana")


def test_labels_are_read_in_many_spellings() -> None:
    from sheetprop.auditing.labels import gradient_of, kind_of, rate_in

    for text in ("∂E/∂w1", "dE_t/dw1", "δE_total/δw1", "E∂w1", "dw1", "ðE/ðW₁", "grad w1", "∂ E_total / ∂ w1 ", "∇w1"):
        found = gradient_of(text)
        assert found is not None
        assert found[1] == "w1", text
    assert kind_of("a_h1") == ("activation", "h1")
    assert kind_of("est de/db")[0] == ""
    assert rate_in("LR 0.1") == 0.1
    assert rate_in("losses for lr 0.1 and lr 0.2") is None


def test_the_derivative_agrees_with_central_differences(tmp_path: Path) -> None:
    import numpy as np
    from openpyxl import Workbook

    from sheetprop.auditing.derivative import Graph
    from sheetprop.auditing.expressions import Reading
    from sheetprop.auditing.grid import Grid
    from sheetprop.engine.formula.parse import parse

    Workbook().save(tmp_path / "empty.xlsx")
    book = sheetprop.open(tmp_path / "empty.xlsx")
    reading = Reading(Grid(book, book["Sheet"], {}), {})
    texts = ["TANH(A1*B1)+IF(A1>0,A1^2,3*A1)", "SQRT(C1^2+2)/(1+EXP(-B1))-MAX(C1,B1)*ABS(A1)",
             "LN(1+D1^2)*SUMPRODUCT(A1:B1,C1:D1)-POWER(2,A1)+SUMSQ(C1:D1)+MIN(B1,D1)"]
    graph = Graph({3 + k: reading.expr(parse(text, 1, 3 + k), 1, 3 + k) for k, text in enumerate(texts)})
    rng = np.random.default_rng(5)
    given = {(1, 0): rng.normal(size=50), (2, 0): rng.normal(size=50)}
    slopes = graph.adjoints((5, 0), dict(given))
    for place in given:
        up, down = dict(given), dict(given)
        up[place], down[place] = given[place] + 1e-6, given[place] - 1e-6
        wanted = (graph.run((5, 0), up) - graph.run((5, 0), down)) / 2e-6
        assert np.allclose(slopes[place], wanted, rtol=1e-5, atol=1e-6)

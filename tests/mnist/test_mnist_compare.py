"""Records side by side, the picture of all, and the new commands."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from scipy.stats import binomtest

from sheetprop.cli.main import run
from sheetprop.errors import SheetpropError
from sheetprop.mnist import front
from sheetprop.mnist.compare import compare, mcnemar, rendered
from sheetprop.mnist.log import parse

REPORTS = Path(__file__).resolve().parents[2] / "reports"
LOG = "EPOCH: {0}\nTest set: Average loss: 0.0300, Accuracy: 99{1}/10000 (99.{1}%)\n"


def call(*words: str) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["sheetprop", *words])
        return run()


@pytest.mark.parametrize(("one", "other"), [(0, 0), (1, 0), (3, 9), (10, 10), (40, 60)])
def test_the_paired_test_is_scipys(one: int, other: int) -> None:
    expected = 1.0 if one + other == 0 else binomtest(one, one + other, 0.5).pvalue
    assert mcnemar(one, other) == pytest.approx(expected)


def test_differences_are_like_for_like_and_images_the_same() -> None:
    pasted = parse("".join(LOG.format(n, 20 + n) for n in range(1, 7)), name="log.md")
    found = compare([REPORTS / "runs" / "small", REPORTS / "runs" / "tiny", pasted])
    small, tiny, log = found.rows
    assert (small.last_difference, tiny.parameters, tiny.teacher) == (None, 4354, "teacher, 86,578")
    assert tiny.last_difference == pytest.approx(99.51 - 99.566)
    assert tiny.best_difference == pytest.approx(99.514 - 99.576)
    assert log.last_difference == pytest.approx(99.26 - 99.566)
    assert log.last_five == pytest.approx(99.24)
    (pair,) = found.pairs
    assert pair.images == 10_000
    # Errors of the two main runs, counted from the confusion matrices of their records.
    from sheetprop.mnist.record import read

    for name, alone in (("small", pair.first_alone), ("tiny", pair.second_alone)):
        run = read(REPORTS / "runs" / name).main_run()
        assert run is not None
        assert run.confusion is not None
        assert alone + pair.both == 10_000 - sum(row[i] for i, row in enumerate(run.confusion))
    assert "no paired test" in found.notes[0]
    assert "| tiny | 4,354 |" in rendered(found, markdown=True)
    with pytest.raises(SheetpropError, match="at least two"):
        compare([pasted])


def test_the_front_has_every_record_and_every_published_point() -> None:
    records = sorted(p.parent for p in REPORTS.glob("runs/*/record.json"))
    others = front.published(REPORTS / "published.toml")
    text = front.front(records, others)
    root = ElementTree.fromstring(text)
    space = "{http://www.w3.org/2000/svg}"
    labels = ["".join(e.itertext()) for e in root.iter(f"{space}text")]
    assert {r.name for r in records} <= set(labels)
    assert sum(e.get("width") == "10" for e in root.iter(f"{space}rect")) == len(others)
    assert all(any(o.source in label for label in labels) for o in others)
    assert (REPORTS / "front.svg").read_text(encoding="utf-8") == text
    with pytest.raises(SheetpropError, match="tells no accuracy or no layer table"):
        front.front([parse(LOG.format(1, 20))])


def test_several_logs_of_which_one_is_bad(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.md").write_text(LOG.format(1, 20), encoding="utf-8")
    (tmp_path / "b.md").write_text("nothing\n", encoding="utf-8")
    (tmp_path / "c.md").write_text(LOG.format(1, 30), encoding="utf-16")
    out = tmp_path / "records"
    out.mkdir()
    assert call("log", str(tmp_path / "a.md"), str(tmp_path / "b.md"), str(tmp_path / "c.md"), "-o", str(out)) == 2
    told = capsys.readouterr()
    assert "99.20%" in told.out
    assert "99.30%" in told.out
    assert "b.md: not one line" in told.err
    assert sorted(p.name for p in out.iterdir()) == ["a.json", "c.json"]


def test_standard_input_runs_and_json(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    text = LOG.format(1, 20) + LOG.format(2, 30) + LOG.format(1, 40)

    class Pipe:
        buffer = io.BytesIO(text.encode())

    monkeypatch.setattr(sys, "stdin", Pipe())
    assert call("log", "-", "--run", "1", "--json") == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert (told["chosen"], len(told["runs"]), told["summary"]["last_mean"]) == (1, 2, 99.3)


def test_recipe_summary_and_compare_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("recipe", "fast") == 0
    text = capsys.readouterr().out
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    assert call("recipe", str(tmp_path / "mine.toml")) == 0
    assert capsys.readouterr().out == text
    model = tmp_path / "model.py"
    model.write_text("from torch import nn\ndef net():\n    return nn.Sequential(nn.Flatten(), nn.Linear(784, 10))\n",
                     encoding="utf-8")
    assert call("summary", f"{model}:net", "--input", "1,28,28", "--details") == 0
    assert "7,850" in capsys.readouterr().out
    assert call("summary", f"{model}:net", "--input", "1,a") == 2
    assert "is no size of an input" in capsys.readouterr().err
    runs = REPORTS / "runs"
    assert call("compare", str(runs / "small"), str(runs / "tiny"), "--front", str(tmp_path / "f.svg")) == 0
    assert "first alone wrong" in capsys.readouterr().out
    assert (tmp_path / "f.svg").is_file()
    assert call("compare", str(runs / "none"), str(runs / "tiny")) == 2

"""What the report says of distilled runs, of logs with several runs, and of how a record was made."""

from __future__ import annotations

from pathlib import Path

import pytest

from sheetprop.mnist import record
from sheetprop.mnist.log import parse
from sheetprop.mnist.record import EpochRef, RunRecord, Teacher
from sheetprop.reporting import mnistpart, mnistwords
from sheetprop.reporting.mnistpart import Mnist
from sheetprop.reporting.report import report

from .conftest import made_up

RUNS = Path(__file__).resolve().parents[2] / "reports" / "runs"


def part(kept: RunRecord, folder: Path) -> Mnist:
    record.write(kept, folder / "record.json")
    return mnistpart.read(folder / "record.json")


def distilled() -> RunRecord:
    from sheetprop.mnist.recipes import recipe

    return made_up(recipe=recipe("tiny"), teacher=Teacher(
        recipe="teacher", network="teacher", parameters=86_578, seed=1, last=EpochRef(epoch=15, accuracy=99.7),
        seconds=1691.0))


def test_distillation_is_told_everywhere(tmp_path: Path) -> None:
    told = part(distilled(), tmp_path)
    assert "It learned from the answers of a network of 86,578 parameters beside the labels." in mnistwords.claim(told)
    settings = {s.name: s.value for s in told.settings}
    assert settings["Loss"].startswith("20 % negative log-likelihood of the log-softmax; 80 % cross-entropy with the "
                                       "teacher's probabilities")
    assert "temperature 3" in settings["Loss"]
    assert settings["Teacher"] == ("recipe teacher, 86,578 parameters, 99.70 % after epoch 15, trained in 1691 s; "
                                   "80 % of the loss are its answers at temperature 3")
    assert "learned from a teacher" in told.words[0]
    assert ("86,578", "parameters of the teacher", "99.70 % itself") in mnistwords.facts(told)
    assert any("28 min 34 s with the teacher's" in note for _, _, note in mnistwords.facts(told))
    verdicts = {v.requirement: v.found for v in told.rubric}
    assert "learned from a teacher of 86,578 parameters, itself 99.70 %" in verdicts[
        "accuracy of the last epoch at least 99.4 %"]
    assert verdicts["told: learning from a teacher"] == settings["Teacher"]
    assert any("has seen more than the labels" in line for line in mnistwords.limits(told))


def test_commands_name_what_was_done(tmp_path: Path) -> None:
    first, second = mnistwords.commands(part(distilled(), tmp_path))
    assert first == "sheetprop train --recipe teacher --threads 2 --precision float32 --out runs"
    assert second == ("sheetprop train --recipe tiny --threads 2 --precision float32 --teacher runs/teacher --out runs")
    kept = record.read(RUNS / "small-2")
    assert mnistwords.train_commands(kept)[1:] == [
        "sheetprop train --recipe small-2 --runs 4 --threads 1 --precision float32 --teacher runs/teacher --out runs"]
    kept = kept.model_copy(update={"runs": [run for run in kept.runs if run.seed != 3]})
    assert mnistwords.train_commands(kept)[1:] == [
        "sheetprop train --recipe small-2 --runs 2 --threads 1 --precision float32 --teacher runs/teacher --out runs",
        "sheetprop train --recipe small-2 --seed 4 --threads 1 --precision float32 --teacher runs/teacher --out "
        "runs/seed-4"]
    held = made_up(held_out=5000, evaluated_on="held-out")
    assert "--held-out 5000" in mnistwords.train_commands(held)[0]


@pytest.mark.parametrize("folder", sorted(p.parent.name for p in RUNS.glob("*/record.json")))
def test_every_record_names_its_commit(folder: str) -> None:
    kept = record.read(RUNS / folder)
    assert kept.environment is not None
    assert kept.environment.git_commit is not None
    assert (kept.teacher is None) == (folder not in ("tiny", "small-2"))
    assert kept.teacher is None or kept.teacher.seconds is not None


def log_of_two() -> RunRecord:
    test = "EPOCH: {}\nTest set: Average loss: 0.0300, Accuracy: {}/10000 ({:.2f}%)\n"
    return parse("".join(test.format(n, 9800 + n, 98 + n / 100) for n in range(3))
                 + "".join(test.format(n, 9940 + n, 99.4 + n / 100) for n in range(20)), name="two.md")


def test_a_log_of_several_runs_shows_all_and_says_which(tmp_path: Path) -> None:
    told = part(log_of_two(), tmp_path)
    assert mnistwords.claim(told) == ("A network reads 99.59 % of MNIST's test images right after 20 epochs (numbered "
                                      "0 to 19); this is run 2 of 2 in the log.")
    assert ("99.59 %", "test accuracy, last epoch", "run 2 of 2") in mnistwords.facts(told)
    verdicts = {v.requirement: v.passed for v in told.rubric}
    assert verdicts["run 1: fewer than 20 epochs"] is True
    assert verdicts["run 2: fewer than 20 epochs"] is False
    written = report(None, tmp_path / "record.json", output=tmp_path / "out", formats=("html", "md"))
    del written
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    text = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert "98.02 %" in page
    assert "mean</th>" not in page
    assert "| 1 | 1 | 3 |  | 98.02 % | 98.02 % (epoch 2) |" in text or "| 1 | 1 | 3 |  | 98.02 % | 98.02 % |" in text


def test_a_table_alone_makes_a_report(tmp_path: Path) -> None:
    kept = parse("            Conv2d-1            [-1, 4, 26, 26]              40\n")
    told = part(kept, tmp_path)
    assert mnistwords.claim(told) == ("A network of 40 parameters, told by its layer table alone: the record holds no "
                                      "run.")
    report(None, tmp_path / "record.json", output=tmp_path / "out", formats=("html",))

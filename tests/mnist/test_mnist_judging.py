"""The rubric, predictions for pictures, the table of records, and the commands."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image, ImageDraw

from sheetprop.cli import main as cli_main
from sheetprop.cli.main import cli
from sheetprop.cli.mnist import console
from sheetprop.errors import SheetpropError
from sheetprop.mnist import record
from sheetprop.mnist.data import Digits
from sheetprop.mnist.log import parse
from sheetprop.mnist.networks import NETWORKS, network
from sheetprop.mnist.predict import ink, predict
from sheetprop.mnist.recipe import Recipe
from sheetprop.mnist.recipes import RECIPES, recipe
from sheetprop.mnist.record import EpochRef, Run, RunRecord, read, summarise
from sheetprop.mnist.rubric import Rules, rubric, rules
from sheetprop.mnist.summary import table
from sheetprop.mnist.tables import BEGIN, END, put_table, runs_table
from sheetprop.mnist.training import train

REPORTS = Path(__file__).resolve().parents[2] / "reports" / "runs"


def made(name: str, *last: float) -> RunRecord:
    """Return a record of finished runs with these accuracies."""
    runs = [Run(seed=i, status="finished", epochs=[], best=EpochRef(epoch=1, accuracy=v + 0.1),
                last=EpochRef(epoch=2, accuracy=v)) for i, v in enumerate(last)]
    return RunRecord(kind="trained", created="2026-01-01T00:00:00+00:00", recipe=recipe(name),
                     network=table(network(RECIPES[name].network)), runs=runs, summary=summarise(runs))


def failed(kept: RunRecord, asked: Rules | str = "99.4-20k-20") -> list[str]:
    return [v.requirement for v in rubric(kept, asked) if v.passed is False]


def test_a_run_that_meets_everything_passes() -> None:
    assert all(v.passed for v in rubric(made("002", 99.4, 99.5)))


def test_each_requirement_fails_by_itself() -> None:
    assert failed(made("002", 99.39)) == ["accuracy of the last epoch at least 99.4 %"]
    assert failed(made("000", 99.5)) == ["fewer than 20 epochs"]
    assert failed(made("004", 99.5)) == ["fewer than 20 epochs", "fewer than 20,000 parameters",
                                         "batch normalisation", "dropout"]
    assert failed(made("001", 99.5), "99.4-17410-20") == ["fewer than 17,410 parameters"]
    assert failed(made("001", 99.5), "99.4-17411-15") == ["fewer than 15 epochs"]


def test_the_last_epoch_counts_and_the_mean_over_runs() -> None:
    assert failed(made("002", 99.35, 99.35)) == ["accuracy of the last epoch at least 99.4 %"]
    assert not failed(made("002", 99.35, 99.45))
    assert not failed(made("002", 99.35), Rules(accuracy=99.4, judged="best"))


def test_held_out_images_do_not_count_as_the_test_set() -> None:
    kept = made("002", 99.9).model_copy(update={"evaluated_on": "held-out"})
    assert rubric(kept)[0].passed is None


def test_the_variant_of_the_assignment_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text("accuracy = 99.4\nparameters_at_least = 12000\nparameters_at_most = 18000\nepochs_exactly = 19\n"
                    "dropout_value = 0.069\nbatch_size = 128\nrotation = 5\n", encoding="utf-8")
    assert failed(made("003", 99.5), rules(path)) == ["rotation of 5 degrees", "dropout of 0.069"]
    assert failed(made("002", 99.5), rules(path)) == ["batch size 128", "rotation of 5 degrees",
                                                      "at most 18,000 parameters", "dropout of 0.069"]


@pytest.mark.parametrize(("text", "message"), [("99.4-20k", "neither a form such as"), ("nothing.toml", "nor a file")])
def test_unknown_rules(text: str, message: str) -> None:
    with pytest.raises(SheetpropError, match=message):
        rules(text)


def test_rules_with_a_wrong_field_or_syntax(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text("acuracy = 99.4\n", encoding="utf-8")
    with pytest.raises(SheetpropError, match=r"acuracy: .*known are accuracy"):
        rules(path)
    path.write_text("accuracy = = 3\n", encoding="utf-8")
    with pytest.raises(SheetpropError, match="cannot be read as TOML"):
        rules(path)


def test_a_log_without_a_table_tells_what_it_can() -> None:
    kept = parse("Parameters used: 14,666\nEpoch: 19\nTest set: Average loss: 0.0247, Accuracy: 9914/10000 (99.14%)\n")
    # Numbered 19 alone, it may be the nineteenth or, counted from 0, the twentieth.
    assert [v.passed for v in rubric(kept)] == [False, None, True, None, None, None]


def test_epochs_that_a_log_does_not_number_are_said_to_be_counted() -> None:
    kept = parse("Test set: Average loss: 0.0247, Accuracy: 9914/10000 (99.14%)\n" * 2)
    assert {v.requirement: v.found for v in rubric(kept)}["fewer than 20 epochs"] == "2 (counted: the log numbers none)"


# Pictures ------------------------------------------------------------------------------------------------


def seven(size: tuple[int, int], ink_colour: int, ground: int, mode: str = "L") -> Image.Image:
    picture = Image.new("L", size, ground)
    w, h = size
    ImageDraw.Draw(picture).line([(w * 0.3, h * 0.25), (w * 0.7, h * 0.25), (w * 0.45, h * 0.8)], fill=ink_colour,
                                 width=max(2, round(min(size) * 0.08)))
    return picture.convert(mode)


@pytest.mark.parametrize("size", [(28, 28), (300, 200), (64, 640), (1200, 1200)])
@pytest.mark.parametrize(("colour", "ground"), [(0, 255), (255, 0), (90, 200)])
def test_pictures_become_light_on_dark_and_centred(tmp_path: Path, size: tuple[int, int], colour: int, ground: int
                                                   ) -> None:
    path = tmp_path / "seven.png"
    seven(size, colour, ground).save(path)
    field = ink(path)
    assert field.shape == (28, 28)
    assert field.dtype == np.uint8
    assert field[0].max() <= 60 if size == (28, 28) else field[0].max() == 0
    assert field.max() >= 150
    if size != (28, 28):
        rows, columns = np.nonzero(field > 64)
        assert 18 <= max(np.ptp(rows), np.ptp(columns)) + 1 <= 20
        mass = field.astype(float)
        middle = [(mass.sum(axis) * (np.arange(28) + 0.5)).sum() / mass.sum() for axis in (0, 1)]
        assert all(abs(m - 14) < 0.75 for m in middle)


def test_transparent_colour_and_deep_pictures(tmp_path: Path) -> None:
    plain = tmp_path / "plain.png"
    seven((100, 100), 0, 255).save(plain)
    clear = Image.new("RGBA", (100, 100), (0, 0, 0, 0))
    clear.putalpha(Image.eval(seven((100, 100), 0, 255), lambda v: 255 - v))
    clear.save(tmp_path / "clear.png")
    seven((100, 100), 0, 255, "RGB").save(tmp_path / "rgb.jpg", quality=95)
    for other in ("clear.png", "rgb.jpg"):
        assert np.abs(ink(plain).astype(int) - ink(tmp_path / other)).mean() < 4


def alike(one: Path, other: Path) -> bool:
    return bool(np.abs(ink(one).astype(int) - ink(other)).mean() < 4)


def test_light_ink_on_clear_paper(tmp_path: Path) -> None:
    seven((100, 100), 0, 255).save(tmp_path / "plain.png")
    clear = Image.new("RGBA", (100, 100), (255, 255, 255, 0))
    clear.putalpha(Image.eval(seven((100, 100), 0, 255), lambda v: 255 - v))
    clear.save(tmp_path / "clear.png")
    assert alike(tmp_path / "plain.png", tmp_path / "clear.png")


@pytest.mark.parametrize(("low", "high", "form", "name"), [
    (0, 65535, "uint16", "deep.png"), (65535, 0, "uint16", "dark.png"), (20000, 40000, "uint16", "faint.png"),
    (0, 65535, "int32", "deep.tiff"), (0, 1, "float32", "float.tiff"),
])
def test_more_than_eight_bits_a_pixel(tmp_path: Path, low: int, high: int, form: str, name: str) -> None:
    plain = seven((100, 100), 0, 255)
    plain.save(tmp_path / "plain.png")
    values = low + (high - low) * (np.asarray(plain, dtype=np.float64) / 255)
    Image.fromarray(values.astype(form)).save(tmp_path / name)
    assert alike(tmp_path / "plain.png", tmp_path / name)


def test_a_photo_is_turned_as_its_camera_says(tmp_path: Path) -> None:
    plain = seven((200, 100), 0, 255)
    plain.save(tmp_path / "plain.png")
    lying = Image.Exif()
    lying[0x0112] = 6  # to be shown turned by 90 degrees, clockwise
    plain.rotate(90, expand=True).save(tmp_path / "lying.jpg", quality=95, exif=lying)
    assert alike(tmp_path / "plain.png", tmp_path / "lying.jpg")


@pytest.mark.parametrize("ground", [0, 255])
@pytest.mark.parametrize("size", [(28, 28), (50, 50)])
def test_an_empty_picture_is_no_digit(tmp_path: Path, size: tuple[int, int], ground: int) -> None:
    Image.new("L", size, ground).save(tmp_path / "empty.png")
    with pytest.raises(SheetpropError, match="nothing that stands out"):
        ink(tmp_path / "empty.png")


def test_pictures_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture", encoding="utf-8")
    with pytest.raises(SheetpropError, match="is no picture"):
        ink(tmp_path / "text.png")
    with pytest.raises(SheetpropError, match="no such file"):
        ink(tmp_path / "none.png")
    with pytest.raises(SheetpropError, match="is no picture"):
        ink(tmp_path)


@pytest.mark.skipif(not (REPORTS / "fast" / "record.json").exists(), reason="the committed record is not here")
def test_the_committed_weights_read_real_digits(mnist: Digits, tmp_path: Path) -> None:
    """The first twenty test digits, as a phone would show them: enlarged, dark on light."""
    paths = []
    for index in range(20):
        path = tmp_path / f"{index}.png"
        digit = Image.fromarray(255 - mnist.test_images[index].numpy())
        digit.resize((280, 280), Image.Resampling.BICUBIC).save(path)
        paths.append(path)
    answers = predict(REPORTS / "fast", paths)
    right = sum(a.digit == int(label) for a, label in zip(answers, mnist.test_labels, strict=False))
    assert right >= 19
    assert all(sum(a.probabilities) == pytest.approx(1, abs=1e-4) for a in answers)


def test_predicting_without_weights(tmp_path: Path, toy: Digits, small_recipe: Recipe) -> None:
    picture = tmp_path / "seven.png"
    seven((100, 100), 0, 255).save(picture)
    record.write(parse("Test set: Average loss: 0.02, Accuracy: 9921/10000 (99.21%)"), tmp_path / "log.json")
    with pytest.raises(SheetpropError, match="names no weights"):
        predict(tmp_path / "log.json", [picture])
    train(small_recipe, out=tmp_path / "run", data=toy, threads=1, epochs=1)
    assert len(predict(tmp_path / "run" / "record.json", [picture])) == 1
    weights = tmp_path / "run" / "weights-seed1.safetensors"
    weights.write_bytes(weights.read_bytes()[:500])
    with pytest.raises(SheetpropError, match="holds no weights"):
        predict(tmp_path / "run", [picture])
    weights.unlink()
    with pytest.raises(SheetpropError, match="not there"):
        predict(tmp_path / "run", [picture])


# Tables and commands -------------------------------------------------------------------------------------


def test_the_table_shows_mean_and_spread_and_keeps_the_rest_of_the_document(tmp_path: Path) -> None:
    record.write(made("002", 99.4, 99.5), tmp_path / "a.json")
    document = tmp_path / "README.md"
    document.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    put_table(document, [tmp_path / "a.json"])
    text = document.read_text(encoding="utf-8")
    assert "| 002 | 19,130 | none | 19 | 2 | 99.450 ± 0.071 | 99.550 ± 0.071 |" in text
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    document.write_text("no marks", encoding="utf-8")
    with pytest.raises(SheetpropError, match="lacks the marks"):
        put_table(document, [tmp_path / "a.json"])


@pytest.mark.skipif(not REPORTS.is_dir(), reason="no committed records here")
def test_committed_records_are_whole_and_the_readme_table_is_theirs() -> None:
    folders = sorted(p.parent for p in REPORTS.glob("*/record.json"))
    records = [read(folder) for folder in folders]
    for folder, kept in zip(folders, records, strict=True):
        assert kept.recipe is not None
        assert kept.recipe.name == folder.name
        assert kept.evaluated_on == "test"
        assert kept.summary == summarise(kept.runs)
        assert kept.summary.runs >= 1
        assert all(p.stat().st_size < 1 << 20 for p in folder.iterdir())
        assert kept.network is not None
        # Records from before multiply-adds were counted do not tell them.
        assert [row.model_dump(exclude={"multiply_adds"}) for row in kept.network.layers] == [
            row.model_dump(exclude={"multiply_adds"}) for row in table(network(kept.recipe.network)).layers]
        for run in kept.runs:
            assert run.last is not None
            assert run.test_score is not None
            assert run.confusion is not None
            assert run.last.accuracy == run.test_score.accuracy
            assert sum(map(sum, run.confusion)) == 10_000
    page = (REPORTS.parents[1] / "docs" / "mnist.md").read_text(encoding="utf-8")
    assert BEGIN in page
    shown = page[page.index(BEGIN) + len(BEGIN) : page.index(END)].strip().splitlines()
    assert sorted(shown) == sorted(runs_table(records).splitlines())


def call(*words: str, code: int = 0) -> str:
    done = CliRunner().invoke(cli, list(words), standalone_mode=False)
    given = done.return_value if isinstance(done.return_value, int) else 0
    assert done.exception is None, done.exception
    assert given == code
    return done.output


def test_commands_that_list() -> None:
    assert [line.split()[0] for line in call("networks").splitlines()] == list(NETWORKS)
    assert json.loads(call("networks", "--json"))[1]["parameters"] == 17_410
    assert [line.split()[0] for line in call("train", "--list").splitlines()] == list(RECIPES)
    settings = [Recipe.model_validate(one) for one in json.loads(call("train", "--list", "--json"))]
    assert settings == list(RECIPES.values())
    assert "Total params: 14,666" in call("summary", "003")
    assert call("summary", "003", "--format", "svg").startswith("<svg")


def test_training_prints_a_log_that_the_log_reader_reads(
    tmp_path: Path, toy: Digits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sheetprop.mnist.data.data", lambda *a, **k: None)
    monkeypatch.setattr("sheetprop.mnist.data.load", lambda location: toy)
    for name, epochs in (("001", "2"), ("000", "2"), ("004", "1"), ("tiny", "2")):
        text = call("train", "--recipe", name, "--epochs", epochs, "--batch-size", "160", "--out", str(tmp_path),
                    "--threads", "1")
        back, kept = parse(text).runs[0], read(tmp_path / name).runs[0]
        assert [(e.epoch, e.batches, e.last_loss, e.test_correct) for e in back.epochs] == [
            (e.epoch, e.batches, e.last_loss, e.test_correct) for e in kept.epochs]
        if name != "001":
            assert [e.learning_rate for e in back.epochs] == [e.learning_rate for e in kept.epochs]


def test_training_on_held_out_images_does_not_speak_of_the_test_set(
    tmp_path: Path, toy: Digits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sheetprop.mnist.data.data", lambda *a, **k: None)
    monkeypatch.setattr("sheetprop.mnist.data.load", lambda location: toy)
    text = call("train", "--recipe", "001", "--epochs", "1", "--held-out", "60", "--out", str(tmp_path),
                "--threads", "1")
    assert "Held-out set: Average loss" in text
    assert "Test set" not in text


def test_what_is_said_stands_in_a_line_of_its_own_and_not_behind_a_bar(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with console("constant", "Test") as shown:
        shown.epoch_started(1, 2, 9, 0.1)
        shown.step(0, 2.5, 0.1)
        shown.say("something")
        shown.epoch_started(2, 2, 9, 0.1)
        shown.step(0, 2.5, 0.1)
    lines = capsys.readouterr().err.split("\n")
    assert [line.rsplit("\r")[-1] for line in lines] == ["something", ""]


def test_log_rubric_and_predict_on_the_command_line(
    tmp_path: Path, toy: Digits, small_recipe: Recipe, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pasted, out = tmp_path / "log.md", tmp_path / "record.json"
    pasted.write_text("Test set: Average loss: 0.0923, Accuracy: 9758/10000 (98%)\nTest set: Average loss: x\n",
                      encoding="utf-8")
    text = call("log", str(pasted), "-o", str(out))
    assert "1 epoch (counted" in text
    assert "line 2: looks like a log line" in text
    assert read(out).runs[0].last is not None
    assert "FAIL  accuracy" in call("rubric", str(out), code=1)
    train(small_recipe, out=tmp_path / "run", data=toy, threads=1, epochs=1)
    picture = tmp_path / "seven.png"
    seven((60, 60), 0, 255).save(picture)
    answer = json.loads(call("predict", str(tmp_path / "run"), str(picture), "--json"))[0]
    assert len(answer["probabilities"]) == 10
    for words, message in (
        (["train", "--recipe", "smal"], "did you mean 'small'"),
        (["log", str(picture)], "not one line"),
        (["predict", str(tmp_path / "run"), str(pasted)], "is no picture"),
        (["train"], "give --recipe"),
        (["rubric", str(tmp_path / "nowhere")], "no such record"),
    ):
        monkeypatch.setattr("sys.argv", ["sheetprop", *words])
        assert cli_main.run() == 2
        assert message in capsys.readouterr().err


def test_every_command_and_option_has_help() -> None:
    from sheetprop.cli.mnist import COMMANDS

    for command in COMMANDS:
        assert command.help
        for parameter in command.params:
            assert isinstance(parameter, click.Argument) or getattr(parameter, "help", None), parameter.name


def test_public_names() -> None:
    import sheetprop

    for name in ("data", "networks", "summary", "train", "log", "rubric", "predict"):
        assert callable(getattr(sheetprop, name))

"""Logs as people paste them: every dialect that we have met, and mangled ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from sheetprop.errors import SheetpropError
from sheetprop.mnist.log import log, parse
from sheetprop.mnist.record import RunRecord


def numbers(kept: RunRecord, *names: str) -> list[tuple[object, ...]]:
    return [tuple(getattr(e, n) for n in names) for e in kept.runs[0].epochs]


BARE = """
loss=0.0471455343067646 batch_id=468: 100%|██████████| 469/469 [00:14<00:00, 33.04it/s]

Test set: Average loss: 0.0923, Accuracy: 9758/10000 (98%)

loss=0.057915911078453064 batch_id=468: 100%|██████████| 469/469 [01:14<00:00, 32.39it/s]

Test set: Average loss: 0.0625, Accuracy: 9816/10000 (98%)
"""


def test_bare_bars_and_rounded_percentages() -> None:
    kept = parse(BARE)
    assert numbers(kept, "epoch", "numbered", "last_loss", "batches", "seconds", "test_loss", "test_correct") == [
        (1, False, 0.0471455343067646, 469, 14.0, 0.0923, 9758),
        (2, False, 0.057915911078453064, 469, 74.0, 0.0625, 9816),
    ]
    assert kept.log is not None
    assert not kept.log.unread
    assert kept.runs[0].last is not None
    assert kept.runs[0].last.accuracy == 98.16


def test_learning_rate_in_the_bar_and_epoch_on_the_test_line() -> None:
    kept = parse(
        "loss=0.18191516399383545 LR: 0.010000000000000002 batch_id=468: 100%|██████████| 469/469 "
        "[00:27<00:00, 17.22it/s]\n\nEpoch:1 Test set: Average loss: 0.0005, Accuracy: 9805/10000 (98.05%)\n"
        "\n**The best validation accuracy is : 98.05%**\n"
    )
    assert numbers(kept, "epoch", "numbered", "learning_rate", "test_accuracy") == [
        (1, True, 0.010000000000000002, 98.05)]
    assert kept.log is not None
    assert kept.log.claims == {"best_accuracy": 98.05}


def test_indented_in_markdown_with_epoch_lines() -> None:
    kept = parse(
        "- Logs: \n       Epoch:  7\n       --------------\n"
        "       loss=0.08 batch_id=468: 100%|██████████| 469/469 [00:14<00:00, 31.48it/s]\n"
        "       Test set: Average loss: 0.0320, Accuracy: 9884/10000 (98.84%)\n"
    )
    assert numbers(kept, "epoch", "last_loss", "test_correct") == [(7, 0.08, 9884)]


def test_train_accuracy_and_adjusted_learning_rates() -> None:
    kept = parse(
        "```\nAdjusting learning rate of group 0 to 1.0000e-02.\nEpoch 15\n"
        "Train: Loss=0.0357 Batch_id=117 Accuracy=98.81: 100%|██████████| 118/118 [00:08<00:00, 14.17it/s]\n"
        "Test set: Average loss: 0.0358, Accuracy: 9871/10000 (98.71%)\n\n"
        "Adjusting learning rate of group 0 to 1.0000e-03.\nEpoch 16\n"
        "Train: Loss=0.0038 Batch_id=117 Accuracy=99.01: 100%|██████████| 118/118 [00:08<00:00, 14.31it/s]\n"
        "Test set: Average loss: 0.0220, Accuracy: 9927/10000 (99.27%)\n```\n"
    )
    assert numbers(kept, "epoch", "learning_rate", "last_loss", "train_accuracy", "test_correct") == [
        (15, 0.01, 0.0357, 98.81, 9871), (16, 0.001, 0.0038, 99.01, 9927)]


def test_final_scores_and_a_log_that_begins_in_the_middle() -> None:
    kept = parse(
        "Test set: Average loss: 0.0242, Accuracy: 9921/10000 (99.21%)\n\n"
        "loss=0.0018 batch_id=1874: 100%|██████████| 1875/1875 [00:29<00:00, 64.21it/s]\n\n"
        "Test set: Average loss: 0.0232, Accuracy: 9935/10000 (99.35%)\n\n## Final\n\n"
        "Train Data: Average loss: 0.0120, Accuracy: 59782/60000 (99.64%)\n\n"
        "Test Data: Average loss: 0.0169, Accuracy: 9950/10000 (99.50%)\n"
    )
    assert numbers(kept, "last_loss", "test_correct") == [(None, 9921), (0.0018, 9935)]
    run = kept.runs[0]
    assert run.train_score is not None
    assert (run.train_score.loss, run.train_score.correct, run.train_score.total) == (0.012, 59782, 60000)
    assert run.test_score is not None
    assert run.test_score.correct == 9950


def test_mangled_bars() -> None:
    kept = parse(
        "loss=0.5 batch_id=10:   2%|â–ˆ     | 11/469 [00:01<00:30, 9it/s]\rloss=0.25 batch_id=468: 100%|â–ˆâ–ˆ| "
        "469/469 [00:14<00:00, 33.04it/s]Test set: Average loss: 0.09, Accuracy: 9758/10000 (97.58%)\r\n"
        "loss=0.125 batch_id=468: 100%\r\nTest set: Average loss: 0.06, Accuracy: 9816/10000\r\n"
        "EPOCH: 3\r\nloss=0.0625 batch_id=468: 100%|##########| 469/469 [1:00:14<00:00, 33.04it/s]\r\n"
    )
    assert numbers(kept, "epoch", "last_loss", "seconds", "test_correct") == [
        (1, 0.25, 14.0, 9758), (2, 0.125, None, 9816), (3, 0.0625, 3614.0, None)]
    assert kept.log is not None
    assert [(u.line, u.reason[:18]) for u in kept.log.unread] == [(2, "the bar is mangled")]


def test_what_cannot_be_read_or_contradicts_itself_is_said_with_its_line() -> None:
    kept = parse(
        "Some prose about accuracy and loss, and epoch training in general.\n"
        "Test set: Average loss: 0.0923, Accuracy: 9758/10000 (97.85%)\n"
        "Test set: Average loss: , Accuracy: 98\n"
        "Epoch: 9\n"
        "Test set: Average loss: 0.0923, Accuracy: 9758/10000 (97.58%)\n"
        "loss=abc batch_id=468\n"
    )
    assert kept.log is not None
    assert [(u.line, u.reason.split(",")[0]) for u in kept.log.unread] == [
        (2, "9758/10000 is 97.58%"), (3, "looks like a log line"), (4, "epoch 9 follows epoch 1"),
        (6, "looks like a log line"),
    ]


def test_a_layer_table_whose_sums_do_not_hold_is_said() -> None:
    kept = parse(
        "            Conv2d-1           [-1, 32, 26, 26]             288\n"
        "            Conv2d-2           [-1, 64, 24, 24]          18,432\n"
        "Total params: 18,721\nTrainable params: 18,721\nNon-trainable params: 0\n"
        "Forward/backward pass size (MB): 0.40\n" + BARE
    )
    assert kept.network is not None
    assert kept.network.parameters == 18_720
    assert kept.log is not None
    assert [(u.line, u.reason) for u in kept.log.unread] == [
        (3, "the layers add up to 18,720 parameters, not 18,721"),
        (6, "forward/backward pass size computes to 0.45 MB, not 0.40"),
    ]


def test_hostile_text_stays_text() -> None:
    kept = parse(BARE + "\nEpoch: <script>alert(1)</script> {{ 7*7 }} loss=\n", name="<b>.md")
    assert kept.log is not None
    assert kept.log.file == "<b>.md"
    assert RunRecord.model_validate_json(kept.model_dump_json()) == kept


@pytest.mark.parametrize("text", ["", "Just prose.\n", "\0\1\2" * 100, "Epoch: 1\nEpoch: 2\n"])
def test_a_file_without_a_log_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "notes.md"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SheetpropError, match="not one line of a training log"):
        log(path)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(SheetpropError, match="no such file"):
        log(tmp_path / "none.md")


# The figures of the five files, as they stand there: test_correct of each epoch.
CORRECT = {
    "000_33d323df2f95ab79.md": [9805, 9827, 9864, 9888, 9918, 9891, 9913, 9900, 9917, 9916, 9925, 9922, 9920, 9928,
                                9930, 9920, 9928, 9938, 9941, 9938],
    "001_44feb9a0d2203f8d.md": [9758, 9816, 9875, 9886, 9889, 9913, 9905, 9903, 9926, 9908, 9916, 9941, 9926, 9933,
                                9927],
    "002_36eac349b3619319.md": [9921, 9935, 9939, 9932, 9936, 9937, 9932, 9942, 9947, 9942, 9944, 9941, 9942, 9951,
                                9950],
    "003_4b5d3470d6b56536.md": [9785, 9830, 9852, 9871, 9885, 9878, 9884, 9910, 9909, 9904, 9905, 9920, 9913, 9909,
                                9913, 9908, 9913, 9920, 9914],
    "004_75bc54f6d3708316.md": [9904, 9901, 9909, 9901, 9871, 9927, 9924, 9921, 9922, 9922],
}
BEST_AND_LAST = {"000": (99.41, 19, 99.38), "001": (99.41, 12, 99.27), "002": (99.51, 14, 99.50),
                 "003": (99.20, 12, 99.14), "004": (99.27, 16, 99.22)}


@pytest.mark.parametrize("name", CORRECT)
def test_the_five_files_come_out_exactly(assignments: Path, name: str) -> None:
    kept = log(assignments / name)
    run = kept.runs[0]
    assert [e.test_correct for e in run.epochs] == CORRECT[name]
    assert run.best is not None
    assert run.last is not None
    assert (run.best.accuracy, run.best.epoch, run.last.accuracy) == BEST_AND_LAST[name[:3]]
    assert kept.log is not None
    assert not kept.log.unread
    # Every figure of the text, found by other means than the reader's.
    text = (assignments / name).read_text(encoding="utf-8")
    for epoch in run.epochs:
        assert f"Average loss: {epoch.test_loss:.4f}, Accuracy: {epoch.test_correct}/10000" in text
        if epoch.last_loss is not None:
            assert f"oss={epoch.last_loss}" in text
        if epoch.train_accuracy is not None:
            assert f"Accuracy={epoch.train_accuracy:.2f}" in text
    assert sum(e.last_loss is not None for e in run.epochs) == text.count("it/s]")
    assert text.count("Test set:") == len(run.epochs)


def test_details_of_the_five_files(assignments: Path) -> None:
    first = log(assignments / "000_33d323df2f95ab79.md")
    assert [e.learning_rate for e in first.runs[0].epochs][-2:] == [0.00148323939, 0.00141623]
    last = log(assignments / "004_75bc54f6d3708316.md")
    assert [e.epoch for e in last.runs[0].epochs] == list(range(11, 21))
    assert [e.learning_rate for e in last.runs[0].epochs] == [0.01] * 5 + [0.001] * 5
    assert last.network is not None
    assert last.network.parameters == 592_660
    third = log(assignments / "003_4b5d3470d6b56536.md")
    assert third.log is not None
    assert third.log.claims == {"best_accuracy": 99.2, "parameters": 14_666}
    second = log(assignments / "002_36eac349b3619319.md")
    assert second.runs[0].train_score is not None
    assert second.runs[0].train_score.correct == 59_782

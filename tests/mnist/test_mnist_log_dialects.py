"""Small logs of our own in every dialect, each with the record that it must give, figure by figure."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sheetprop.errors import SheetpropError
from sheetprop.mnist.log import log, parse
from sheetprop.mnist.record import RunRecord


def figures(kept: RunRecord, *names: str, run: int = 0) -> list[tuple[object, ...]]:
    return [tuple(getattr(e, n) for n in names) for e in kept.runs[run].epochs]


def unread(kept: RunRecord) -> list[tuple[int, str]]:
    assert kept.log is not None
    return [(u.line, u.reason) for u in kept.log.unread]


def bar(epoch: int, loss: float, right: int, *, head: str = "EPOCH: {}") -> str:
    return (f"{head.format(epoch)}\nLoss={loss} Batch_id=468 Accuracy=97.50: 100%|██████████| 469/469 "
            f"[00:14<00:00, 33.04it/s]\n\nTest set: Average loss: 0.0{20 - epoch % 10}, Accuracy: {right}/10000 "
            f"({right / 100:.2f}%)\n\n")


# Counting


def test_epochs_numbered_from_0_are_counted() -> None:
    kept = parse("".join(bar(n, 0.1, 9900 + n) for n in range(20)))
    assert [e.epoch for e in kept.runs[0].epochs] == list(range(20))
    count = kept.epochs_trained()
    assert count is not None
    assert (count.least, count.most, count.remark) == (20, 20, " (numbered 0 to 19)")
    assert kept.runs[0].last is not None
    assert kept.runs[0].last.epoch == 19
    assert not unread(kept)


def test_a_log_that_begins_in_the_middle_leaves_its_base_open() -> None:
    count = parse("".join(bar(n, 0.1, 9900 + n) for n in range(11, 20))).epochs_trained()
    assert count is not None
    assert (count.least, count.most, count.shown) == (19, 20, 9)


@pytest.mark.parametrize("head", ["Epoch ===> {}", "epoches: {}", "Epoch #{}", "epoch= {}", "Epoch - {}", "EPOCH : {}",
                                  "Epoch No. {}", "Epoch [{}/20]", "Epoch {} of 20", "--- Epoch {} ---", "epochs: {}",
                                  "epoch ({})", "**Epoch {}**"])
def test_every_spelling_of_a_number(head: str) -> None:
    kept = parse("".join(bar(n, 0.1 + n, 9900 + n, head=head) for n in (16, 17, 18)))
    assert figures(kept, "epoch", "numbered", "test_correct", "batches") == [
        (n, True, 9900 + n, 469) for n in (16, 17, 18)]
    assert not unread(kept)


def test_a_number_on_the_line_of_its_bar_before_and_behind() -> None:
    kept = parse(
        "epoch= 18 loss=0.25 batch_id=937: 100%|██████████| 938/938 [00:20<00:00, 46.0it/s]\n"
        "Test set: Average loss: 0.0250, Accuracy: 9918/10000 (99.18%)\n"
        "loss=0.125 batch_id=937: 100%|██████████| 938/938 [00:21<00:00, 46.0it/s] Epoch #19\n"
        "Test set: Average loss: 0.0240, Accuracy: 9919/10000 (99.19%)\n")
    assert figures(kept, "epoch", "numbered", "last_loss", "batches", "test_correct") == [
        (18, True, 0.25, 938, 9918), (19, True, 0.125, 938, 9919)]
    assert not unread(kept)


# Several runs


def test_epochs_that_start_again_are_another_run() -> None:
    kept = parse("# First\n" + "".join(bar(n, 0.1, 9800 + n) for n in range(3)) + "# Second\n"
                 + "".join(bar(n, 0.2, 9940 + n) for n in range(4)))
    assert [(len(r.epochs), r.best.accuracy, r.last.accuracy, r.line) for r in kept.runs if r.best and r.last] == [
        (3, 98.02, 98.02, 2), (4, 99.43, 99.43, 18)]
    assert kept.main_run() is kept.runs[1]
    assert kept.summary.runs == 1
    assert kept.summary.last_mean == 99.43
    assert not unread(kept)


TABLE = """----------------------------------------------------------------
        Layer (type)               Output Shape         Param #
================================================================
            Conv2d-1            [-1, {0}, 26, 26]              {1}
================================================================
Total params: {1}
Trainable params: {1}
Non-trainable params: 0
----------------------------------------------------------------
"""


def test_a_new_table_is_another_run_where_nothing_is_numbered() -> None:
    test = "Test set: Average loss: 0.0300, Accuracy: {}/10000 ({:.2f}%)\n"
    kept = parse(TABLE.format(4, 40) + test.format(9950, 99.5) + test.format(9940, 99.4) + TABLE.format(8, 80)
                 + test.format(9810, 98.1))
    assert [[e.test_correct for e in r.epochs] for r in kept.runs] == [[9950, 9940], [9810]]
    assert [r.network.parameters for r in kept.runs if r.network] == [40, 80]
    assert kept.network is not None
    assert kept.network.parameters == 80
    picked = parse(TABLE.format(4, 40) + test.format(9950, 99.5) + TABLE.format(8, 80) + test.format(9810, 98.1), run=1)
    assert picked.network is not None
    assert (picked.chosen, picked.network.parameters, picked.summary.last_mean) == (1, 40, 99.5)
    with pytest.raises(SheetpropError, match="runs 1 to 2"):
        parse(TABLE.format(4, 40) + test.format(9950, 99.5) + TABLE.format(8, 80) + test.format(9810, 98.1), run=3)


def test_an_excerpt_before_the_whole_log_is_no_run() -> None:
    kept = parse("Highest:\n" + bar(2, 0.1, 9942) + "Full log:\n" + "".join(bar(n, 0.1, 9940 + n) for n in range(4)))
    assert len(kept.runs) == 1
    assert len(kept.runs[0].epochs) == 4
    assert kept.notes == ["line 2: 1 epoch shown again, not counted twice"]


# Nothing passed over in silence, and no false alarm


def test_learning_rates_in_every_spelling_belong_to_their_epoch() -> None:
    kept = parse("LR: [0.0317]\n" + bar(1, 0.1, 9800) + "LR: 0.03\n" + bar(2, 0.1, 9810) + "lr = 0.01\n" + bar(3, 0.1, 9820)
                 + "Current learning rate: 1e-3\n" + bar(4, 0.1, 9830))
    assert figures(kept, "epoch", "learning_rate") == [(1, 0.0317), (2, 0.03), (3, 0.01), (4, 0.001)]
    assert not unread(kept)


def test_one_learning_rate_before_all_epochs_is_a_setting() -> None:
    kept = parse("lr = 0.01\n\n" + bar(1, 0.1, 9800) + bar(2, 0.1, 9810))
    assert figures(kept, "learning_rate") == [(None,), (None,)]
    assert kept.log is not None
    assert kept.log.claims == {"learning_rate": 0.01}


def test_a_training_line_for_each_epoch_is_that_epochs() -> None:
    line = "Train set: Average loss: {}, Accuracy: {}/60000 ({:.2f}%)\n"
    kept = parse("".join(line.format(0.2 / n, 58000 + 100 * n, (58000 + 100 * n) / 600)
                         + f"Test set: Average loss: 0.0{6 - n}, Accuracy: {9800 + n}/10000 ({98 + n / 100:.2f}%)\n"
                         for n in (1, 2, 3)))
    assert figures(kept, "train_loss", "train_accuracy", "test_correct") == [
        (0.2, 100 * 58100 / 60000, 9801), (0.1, 97.0, 9802), (0.2 / 3, 100 * 58300 / 60000, 9803)]
    assert kept.runs[0].train_score is None
    assert not unread(kept)


def test_totals_without_rows_and_claims_are_stated_and_held_against_the_log() -> None:
    kept = parse("Total params: 9,876\nBest validation accuracy: 99.90 %\nAfter 20 epochs we got 99.17 %.\n"
                 + bar(1, 0.1, 9910) + bar(2, 0.1, 9917))
    assert kept.log is not None
    assert kept.log.claims == {"parameters": 9876.0, "best_accuracy": 99.9, "epochs": 20.0, "accuracy": 99.17}
    assert unread(kept) == [(2, "states best accuracy 99.90 %; the log shows at most 99.17 %"),
                            (3, "states 20 epochs, the log has 2")]


@pytest.mark.parametrize("text", [
    "After 20 epochs we got 99.17 % accuracy.\n", "Epoch 12 was the best of all, with a loss that fell and fell.\n",
    "We trained for 15 epochs and reached 99.41.\n", "The goal is 99.4% validation accuracy in less than 20 epochs.\n"])
def test_prose_is_no_run(text: str) -> None:
    with pytest.raises(SheetpropError, match="not one line of a training log"):
        parse(text)


def test_a_refused_file_says_what_it_states() -> None:
    with pytest.raises(SheetpropError, match=r"it only states epochs 20, accuracy 99\.17"):
        parse("After 20 epochs we got 99.17 %.\n")


def test_no_false_alarms() -> None:
    kept = parse(
        "  0%|          | 0/469 [00:00<?, ?it/s]\n"
        "import torch\noptimizer = optim.SGD(model.parameters(), lr=0.01, momentum=0.9)\nEPOCHS = 20\n"
        "for epoch in range(1, 20):\n    train(model, device, train_loader, optimizer, epoch)\n"
        "    print('\\nTest set: Average loss: {:.4f}, Accuracy: {}/{} ({:.2f}%)\\n'.format(test_loss, correct))\n"
        "loss = F.nll_loss(y_pred, target)\npbar.set_description(desc= f'loss={loss.item()} batch_id={batch_idx}')\n"
        "test_loss += F.nll_loss(output, target, reduction='sum').item()\n"
        + bar(1, 0.1, 9917)
        + "  0%|          | 0/469 [00:00<?, ?it/s]\nBest Test Accuracy: 99.17\nBest Training Accuracy: 97.50 %\n"
        "The loss falls while the accuracy grows.\nSee Accuracy: figure below.\n")
    assert unread(kept) == []
    assert kept.log is not None
    assert kept.log.claims["best_accuracy"] == 99.17
    assert len(kept.runs[0].epochs) == 1


def test_a_loss_divided_twice_is_marked() -> None:
    test = "Test set: Average loss: {}, Accuracy: 9805/10000 (98.05%)\n"
    kept = parse(test.format("0.0005"))
    assert kept.notes == [
        "the test loss of 1 epoch is no mean over images: 0.0005 at 98.05 % (epoch 1), where the mistakes alone give "
        "0.0135; it was divided twice, it seems"]
    assert not parse(test.format("0.0620")).notes


# Dialects


def test_pytorch_example() -> None:
    kept = parse("Train Epoch: 1 [0/60000 (0%)]\tLoss: 2.300039\nTrain Epoch: 1 [59520/60000 (99%)]\tLoss: 0.083291\n\n"
                 "Test set: Average loss: 0.0474, Accuracy: 9840/10000 (98%)\n\n"
                 "Train Epoch: 2 [0/60000 (0%)]\tLoss: 0.091\n\nTest set: Average loss: 0.0374, Accuracy: 9880/10000 (99%)\n")
    assert figures(kept, "epoch", "numbered", "last_loss", "batches", "test_loss", "test_correct") == [
        (1, True, 0.083291, None, 0.0474, 9840), (2, True, 0.091, None, 0.0374, 9880)]
    assert not unread(kept)


KERAS_1 = """Train on 60000 samples, validate on 10000 samples
Epoch 1/2
60000/60000 [==============================] - 10s - loss: 0.2441 - acc: 0.9260 - val_loss: 0.0558 - val_acc: 0.9817
Epoch 2/2
60000/60000 [==============================] - 9s - loss: 0.0871 - acc: 0.9741 - val_loss: 0.0401 - val_acc: 0.9866
Test score: 0.0401
Test accuracy: 0.9866
"""
KERAS_2 = """Epoch 1/2
\r  1/469 [..............................] - ETA: 1:20 - loss: 2.3090 - accuracy: 0.1172\b\b\b\b\r469/469 [==============================] - 5s 10ms/step - loss: 0.2441 - accuracy: 0.9260 - val_loss: 0.0558 - val_accuracy: 0.9817 - lr: 0.0010
Epoch 00001: val_accuracy improved from -inf to 0.98170, saving model to best.h5
Epoch 2/2
469/469 [==============================] - 4s 9ms/step - loss: 0.0871 - accuracy: 0.9741 - val_loss: 0.0401 - val_accuracy: 0.9866 - lr: 5.0000e-04
Epoch 00002: ReduceLROnPlateau reducing learning rate to 0.00025.
313/313 [==============================] - 1s 3ms/step - loss: 0.0390 - accuracy: 0.9870
"""
KERAS_3 = """Epoch 1/2
\x1b[1m469/469\x1b[0m \x1b[32m━━━━━━━━━━━━━━━━━━━━\x1b[0m\x1b[37m\x1b[0m \x1b[1m5s\x1b[0m 10ms/step - accuracy: 0.9260 - loss: 0.2441 - val_accuracy: 0.9817 - val_loss: 0.0558 - learning_rate: 0.0010
Epoch 2/2
469/469 ━━━━━━━━━━━━━━━━━━━━ 4s 9ms/step - accuracy: 0.9741 - loss: 0.0871 - val_accuracy: 0.9866 - val_loss: 0.0401 - learning_rate: 5.0000e-04
313/313 ━━━━━━━━━━━━━━━━━━━━ 1s 3ms/step - accuracy: 0.9870 - loss: 0.0390
"""
KERAS_QUIET = """Epoch 1/2
469/469 - 5s - loss: 0.2441 - accuracy: 0.9260 - val_loss: 0.0558 - val_accuracy: 0.9817 - 5s/epoch - 10ms/step
Epoch 2/2
469/469 - 4s - 9ms/step - loss: 0.0871 - accuracy: 0.9741 - val_loss: 0.0401 - val_accuracy: 0.9866
"""


@pytest.mark.parametrize(("text", "batches", "rates", "final", "seconds"), [
    (KERAS_1, None, (None, None), (0.0401, 98.66), (10.0, 9.0)), (KERAS_2, 469, (0.001, 0.0005), (0.039, 98.7), (5.0, 4.0)),
    (KERAS_3, 469, (0.001, 0.0005), (0.039, 98.7), (5.0, 4.0)), (KERAS_QUIET, 469, (None, None), None, (5.0, 4.0))])
def test_keras(text: str, batches: int | None, rates: tuple[float | None, ...], final: tuple[float, float] | None,
               seconds: tuple[float, ...]) -> None:
    kept = parse(text)
    assert figures(kept, "epoch", "numbered", "train_loss", "train_accuracy", "test_loss", "test_accuracy", "batches",
                   "learning_rate", "seconds") == [
        (1, True, 0.2441, 92.6, 0.0558, 98.17, batches, rates[0], seconds[0]),
        (2, True, 0.0871, 97.41, 0.0401, 98.66, batches, rates[1], seconds[1])]
    score = kept.runs[0].test_score
    assert (None if score is None else (score.loss, score.accuracy)) == final
    assert len(kept.runs) == 1
    assert not unread(kept)


def test_lightning() -> None:
    kept = parse(
        "  | Name  | Type       | Params\n-------------------------------------\n0 | conv1 | Conv2d     | 320   \n"
        "1 | fc    | Linear     | 170   \n-------------------------------------\n490       Trainable params\n"
        "0         Non-trainable params\n490       Total params\n0.002     Total estimated model params size (MB)\n"
        "Sanity Checking DataLoader 0: 100%|██████████| 2/2 [00:00<00:00, 20.1it/s]\n"
        "Epoch 0: 100%|██████████| 469/469 [00:10<00:00, 45.1it/s, v_num=0, train_loss=0.0876, val_loss=0.0633, "
        "val_acc=0.9804]\n"
        "Epoch 1:  40%|████      | 188/469 [00:04<00:06, 45.1it/s, v_num=0, train_loss=0.0500, val_loss=0.0633, "
        "val_acc=0.9804]\n"
        "Validation DataLoader 0: 100%|██████████| 79/79 [00:01<00:00, 60.1it/s]\n"
        "Epoch 1: 100%|██████████| 469/469 [00:11<00:00, 45.1it/s, v_num=0, train_loss=0.0444, val_loss=0.0455, "
        "val_acc=0.9861]\n"
        "`Trainer.fit` stopped: `max_epochs=2` reached.\n"
        "────────────────────────────────\n       Test metric             DataLoader 0\n"
        "────────────────────────────────\n        test_acc            0.9872000217437744\n"
        "        test_loss           0.0421\n────────────────────────────────\n")
    assert figures(kept, "epoch", "last_loss", "test_loss", "test_accuracy", "batches", "seconds") == [
        (0, 0.0876, 0.0633, 98.04, 469, 10.0), (1, 0.0444, 0.0455, 98.61, 469, 11.0)]
    score = kept.runs[0].test_score
    assert score is not None
    assert (score.accuracy, score.loss, score.total) == (98.72000217437744, 0.0421, None)
    assert kept.network is not None
    assert kept.network.parameters == 490
    assert not unread(kept)


def test_fastai() -> None:
    kept = parse("epoch     train_loss  valid_loss  accuracy  time    \n"
                 "0         0.253142    0.086545    0.974500  00:12     \n"
                 "1         0.101010    0.056565    0.982100  01:02     \n")
    assert figures(kept, "epoch", "numbered", "train_loss", "test_loss", "test_accuracy", "train_accuracy", "seconds") == [
        (0, True, 0.253142, 0.086545, 97.45, None, 12.0), (1, True, 0.10101, 0.056565, 98.21, None, 62.0)]
    assert not unread(kept)


def test_hugging_face_trainer() -> None:
    kept = parse(
        "***** Running training *****\n  Num examples = 60,000\n  Num Epochs = 2\n"
        "{'loss': 0.2436, 'grad_norm': 1.2, 'learning_rate': 4.6e-05, 'epoch': 0.27}\n"
        "{'loss': 0.1436, 'grad_norm': 1.1, 'learning_rate': 2.6e-05, 'epoch': 1.0}\n"
        "{'eval_loss': 0.0688, 'eval_accuracy': 0.9791, 'eval_runtime': 5.1, 'epoch': 1.0}\n"
        "{'loss': '0.0936', 'grad_norm': '1.0', 'learning_rate': '1e-06', 'epoch': '2.0'}\n"
        "{'eval_loss': 0.0588, 'eval_accuracy': 0.9842, 'eval_runtime': 5.0, 'epoch': 2.0}\n"
        "{'train_runtime': 200.5, 'train_samples_per_second': 598.8, 'train_loss': 0.1602, 'epoch': 2.0}\n"
        "***** eval metrics *****\n  epoch                   =        2.0\n  eval_accuracy           =     0.9842\n"
        "  eval_loss               =     0.0588\n")
    assert figures(kept, "epoch", "last_loss", "learning_rate", "test_loss", "test_accuracy", "test_seconds") == [
        (1, 0.1436, 2.6e-05, 0.0688, 97.91, 5.1), (2, 0.0936, 1e-06, 0.0588, 98.42, 5.0)]
    run = kept.runs[0]
    assert run.test_score is not None
    assert (run.test_score.accuracy, run.test_score.loss, run.training_seconds) == (98.42, 0.0588, 200.5)
    assert kept.log is not None
    assert kept.log.claims == {"epochs": 2.0}


@pytest.mark.parametrize("text", [
    "I0822 18:45:11.123456 140 train.py:143] epoch:  1, train_loss: 0.2289, train_accuracy: 93.11, test_loss: 0.0657, "
    "test_accuracy: 97.99\nI0822 18:45:31.123456 140 train.py:143] epoch:  2, train_loss: 0.0589, train_accuracy: 98.21, "
    "test_loss: 0.0457, test_accuracy: 98.59\n",
    "train epoch: 1, loss: 0.2289, accuracy: 93.11\ntest epoch: 1, loss: 0.0657, accuracy: 97.99\n"
    "train epoch: 2, loss: 0.0589, accuracy: 98.21\ntest epoch: 2, loss: 0.0457, accuracy: 98.59\n"])
def test_flax(text: str) -> None:
    kept = parse(text)
    assert figures(kept, "epoch", "train_loss", "train_accuracy", "test_loss", "test_accuracy") == [
        (1, 0.2289, 93.11, 0.0657, 97.99), (2, 0.0589, 98.21, 0.0457, 98.59)]
    assert not unread(kept)


def test_steps_of_flax_are_no_epochs() -> None:
    kept = parse("[train] step: 200, loss: 0.3, accuracy: 90.1\n" + bar(1, 0.1, 9917))
    assert len(kept.runs[0].epochs) == 1
    assert unread(kept) == [(1, "counts steps, not epochs: not taken")]


@pytest.mark.parametrize("text", [
    "epoch,accuracy,loss,val_accuracy,val_loss\n0,0.926,0.2441,0.9817,0.0558\n1,0.9741,0.0871,0.9866,0.0401\n",
    "epoch;train_loss;train_acc;test_loss;test_acc\n0;0.2441;92.6;0.0558;98.17\n1;0.0871;97.41;0.0401;98.66\n",
    "epoch\ttrain loss\ttrain accuracy\tval loss\tval accuracy\n0\t0.2441\t92.6%\t0.0558\t98.17%\n"
    "1\t0.0871\t97.41%\t0.0401\t98.66%\n",
    "| Epoch | Train Loss | Train Acc | Test Loss | Test Acc |\n| --- | --- | --- | --- | --- |\n"
    "| 0 | 0.2441 | 92.6 | 0.0558 | 98.17 |\n| 1 | 0.0871 | 97.41 | 0.0401 | 98.66 |\n"])
def test_tables_of_epochs(text: str) -> None:
    kept = parse(text)
    assert figures(kept, "epoch", "train_loss", "train_accuracy", "test_loss", "test_accuracy") == [
        (0, 0.2441, 92.6, 0.0558, 98.17), (1, 0.0871, 97.41, 0.0401, 98.66)]
    assert not unread(kept)


def test_lightning_csv_with_blanks() -> None:
    kept = parse("epoch,step,train_loss,val_acc,val_loss\n0,49,0.61,,\n0,99,0.31,,\n0,468,,0.9817,0.0558\n1,149,0.21,,\n"
                 "1,937,,0.9866,0.0401\n")
    assert figures(kept, "epoch", "last_loss", "train_loss", "test_loss", "test_accuracy") == [
        (0, 0.31, None, 0.0558, 98.17), (1, None, 0.21, 0.0401, 98.66)]


def test_a_column_that_nobody_knows_is_named() -> None:
    kept = parse("epoch,loss,val_loss,val_f1\n1,0.2,0.1,0.97\n")
    assert unread(kept) == [(1, "not taken of this table: val_f1")]


@pytest.mark.parametrize("line", [
    "Epoch {0}/2 | Train Loss: {1} | Train Acc: {2}% | Val Loss: {3} | Val Acc: {4}%",
    "Epoch {0}/2, train_loss={1}, train_acc={2}%, test_loss={3}, test_acc={4}%",
    "[Epoch {0}] Train: loss: {1}, accuracy: {2}% Test: loss: {3}, accuracy: {4}%",
    "Epoch: {0}\nTrain Loss: {1}, Train Accuracy: {2}%\nTest Loss: {3}, Test Accuracy: {4}%"])
def test_loops_of_ones_own(line: str) -> None:
    kept = parse(line.format(1, 0.2441, 92.6, 0.0558, 98.17) + "\n" + line.format(2, 0.0871, 97.41, 0.0401, 98.66) + "\n")
    assert figures(kept, "epoch", "numbered", "train_loss", "train_accuracy", "test_loss", "test_accuracy") == [
        (1, True, 0.2441, 92.6, 0.0558, 98.17), (2, True, 0.0871, 97.41, 0.0401, 98.66)]
    assert not unread(kept)


def test_the_quickstart_tutorial() -> None:
    text = ("Epoch {}\n-------------------------------\nloss: 0.303494  [   64/60000]\nloss: 0.21  [ 6464/60000]\n"
            "Test Error: \n Accuracy: {}%, Avg loss: {} \n\n")
    kept = parse(text.format(1, 95.9, 0.1591) + text.format(2, 97.1, 0.1053))
    assert figures(kept, "epoch", "last_loss", "test_accuracy", "test_loss") == [(1, 0.21, 95.9, 0.1591),
                                                                               (2, 0.21, 97.1, 0.1053)]
    assert not unread(kept)


def test_our_own_log_reads_back() -> None:
    text = "".join(f"Run {n} of 2, seed {n}\n\nEpoch: 1\nloss=0.5 LR: 0.1 batch_id=4: 100%|███| 5/5 [00:01<00:00,  4.05it/s]\n\n"
                   f"Held-out set: Average loss: 0.0500, Accuracy: 49{n}0/5000 (9{n}.{n}0%)\n\n" for n in (8, 9))
    kept = parse(text.replace("(98.80%)", "(99.60%)").replace("(99.90%)", "(99.80%)"))
    assert [(r.seed, len(r.epochs)) for r in kept.runs] == [(8, 1), (9, 1)]
    assert figures(kept, "learning_rate", "last_loss", "test_correct") == [(0.1, 0.5, 4980)]
    assert kept.evaluated_on == "held-out"


def test_json_lines_ours_and_others() -> None:
    kept = parse('{"seed": 1, "epoch": 1, "learning_rate": 0.1, "train_loss": 0.3, "train_accuracy": 91.5, "test_loss": 0.1, '
                 '"test_accuracy": 97.25, "seconds": 2.5, "test_seconds": 0.5}\n')
    assert figures(kept, "epoch", "learning_rate", "train_accuracy", "test_accuracy", "seconds") == [
        (1, 0.1, 91.5, 97.25, 2.5)]
    assert kept.runs[0].seed == 1
    kept = parse('{"epoch": 0, "train_loss": 0.3, "val_acc": 0.97, "val_f1": 0.96}\n{"epoch": 1, "train_loss": 0.2, '
                 '"val_acc": 0.98}\n')
    assert figures(kept, "epoch", "train_loss", "test_accuracy") == [(0, 0.3, 97.0), (1, 0.2, 98.0)]
    assert unread(kept) == [(1, "not taken: val_f1")]


def test_numbers_of_a_scheduler_and_in_brackets() -> None:
    rest = "loss={0} batch_id=468: 100%|███| 469/469 [00:14<00:00, 33.0it/s]\nTest set: Average loss: 0.0300, Accuracy: 99{0}0/10000 (99.{0}0%)\n"
    kept = parse("".join(f"Epoch     {n}: adjusting learning rate of group 0 to {0.1 / (n + 1):.4e}.\n" + rest.format(n + 1)
                         for n in range(3)))
    assert figures(kept, "epoch", "numbered", "learning_rate") == [(0, True, 0.1), (1, True, 0.05), (2, True, 0.033333)]
    kept = parse("[1/20] train loss: 0.21 test acc: 97.6\n[2/20] train loss: 0.11 test acc: 98.6\n")
    assert figures(kept, "epoch", "numbered", "train_loss", "test_accuracy") == [(1, True, 0.21, 97.6), (2, True, 0.11, 98.6)]


def test_test_data_for_every_epoch_is_no_final_score() -> None:
    kept = parse("".join(f"Epoch: {n}\nTest Data: Average loss: 0.03, Accuracy: 99{n}0/10000 (99.{n}0%)\n" for n in (1, 2)))
    assert figures(kept, "epoch", "test_correct") == [(1, 9910), (2, 9920)]
    assert kept.runs[0].test_score is None


def test_counts_of_right_answers_and_a_last_test_without_a_number() -> None:
    kept = parse("".join(f"Epoch:{n}\t TRAIN\t Correct Prediction:{47000 + n}/48000 \t Loss:{52.5 - n}\n"
                         f"Epoch:{n}\t VAL\t Correct Prediction:{11700 + n}/12000 \t Loss:{9.5 - n}\n" for n in (0, 1))
                 + "Test Accuracy: 97.2 %\n")
    assert figures(kept, "epoch", "train_accuracy", "train_loss", "test_correct", "test_loss") == [
        (0, 100 * 47000 / 48000, 52.5, 11700, 9.5), (1, 100 * 47001 / 48000, 51.5, 11701, 8.5)]
    assert kept.runs[0].test_score is not None
    assert kept.runs[0].test_score.accuracy == 97.2
    kept = parse("Epoch 1 train_loss: 0.3, something_else: 12.5, val_acc: 0.97\n")
    assert unread(kept) == [(1, "not taken: something_else")]


def test_an_accuracy_told_twice_is_one_epochs() -> None:
    kept = parse("".join(f"Epoch {n}:\nTest Accuracy: 98.5{n} % \t Test Loss: 0.04\n"
                         f"Number of correct prediction in test set: 985{n}/10000\n" for n in (1, 2)))
    assert figures(kept, "epoch", "test_accuracy", "test_correct", "test_loss") == [
        (1, 98.51, 9851, 0.04), (2, 98.52, 9852, 0.04)]


def test_long_lines_are_read_in_time() -> None:
    text = "list: [" + ", ".join(f"{n / 7:.3f}" for n in range(20_000)) + "]\n" + " " * 200_000 + "x\n"
    # Patterns whose cost grows with the cube of a line would not come back from this.
    assert figures(parse(text + bar(1, 0.1, 9917)), "epoch", "test_correct") == [(1, 9917)]


# Layer tables


TORCHINFO = """==========================================================================================
Layer (type:depth-idx)                   Output Shape              Param #
==========================================================================================
Net                                      [64, 10]                  --
├─Sequential: 1-1                        [64, 8, 24, 24]           --
│    └─Conv2d: 2-1                       [64, 8, 24, 24]           208
│    └─BatchNorm2d: 2-2                  [64, 8, 24, 24]           16
├─Linear: 1-2                            [64, 10]                  46,090
==========================================================================================
Total params: 46,314
Trainable params: 46,314
Non-trainable params: 0
Total mult-adds (Units.MEGABYTES): 10.62
==========================================================================================
Input size (MB): 0.20
Forward/backward pass size (MB): 4.72
Params size (MB): 0.19
Estimated Total Size (MB): 5.11
==========================================================================================
"""
KERAS_TABLE = """Model: "sequential"
_________________________________________________________________
 Layer (type)                Output Shape              Param #   
=================================================================
 conv2d (Conv2D)             (None, 24, 24, 8)         208       
                                                                 
 batch_normalization (BatchN  (None, 24, 24, 8)        32        
 ormalization)                                                   
                                                                 
 dense (Dense)               (None, 10)                46090     
                                                                 
=================================================================
Total params: 46,330
Trainable params: 46,314
Non-trainable params: 16
_________________________________________________________________
"""
KERAS_BOXES = """Model: "sequential"
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━┓
┃ Layer (type)                    ┃ Output Shape           ┃       Param # ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━┩
│ conv2d (Conv2D)                 │ (None, 24, 24, 8)      │           208 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ batch_normalization             │ (None, 24, 24, 8)      │            32 │
│ (BatchNormalization)            │                        │               │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ dense (Dense)                   │ (None, 10)             │        46,090 │
└─────────────────────────────────┴────────────────────────┴───────────────┘
 Total params: 46,330 (180.98 KB)
 Trainable params: 46,314 (180.91 KB)
 Non-trainable params: 16 (64.00 B)
"""


@pytest.mark.parametrize(("text", "parameters", "batchnorm"), [
    (TORCHINFO, 46_314, 16), (KERAS_TABLE, 46_330, 32), (KERAS_BOXES, 46_330, 32)])
def test_layer_tables_also_alone(text: str, parameters: int, batchnorm: int) -> None:
    kept = parse(text)
    assert kept.runs == []
    assert kept.main_run() is None
    assert kept.network is not None
    assert [(row.type, row.shape, row.parameters) for row in kept.network.layers] == [
        ("Conv2d", [8, 24, 24], 208), ("BatchNorm2d", [8, 24, 24], batchnorm), ("Linear", [10], 46_090)]
    assert (kept.network.parameters, kept.network.trainable) == (parameters, 46_314)
    assert not unread(kept)


def test_sums_of_every_table_are_checked() -> None:
    for text in (TORCHINFO, KERAS_TABLE, KERAS_BOXES):
        kept = parse(text.replace("46,330", "46,331").replace("params: 46,314\nTrainable", "params: 46,315\nTrainable"))
        assert any("add up to" in reason for _, reason in unread(kept))


# Files


def notebook(*outputs: dict[str, object]) -> str:
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [
        {"cell_type": "markdown", "metadata": {}, "source": ["Best accuracy: 99.99%\n"]},
        {"cell_type": "code", "metadata": {}, "execution_count": 1, "source": ["lr = 0.01\n", "print('Epoch: 7')"],
         "outputs": list(outputs)}]})


def test_a_notebooks_outputs_are_read_and_nothing_else() -> None:
    kept = parse(notebook(
        {"output_type": "stream", "name": "stderr", "text": [
            "  0%|          | 0/469 [00:00<?, ?it/s]",
            "\rloss=0.25 batch_id=468: 100%|███| 469/469 [00:14<00:00, 33.04it/s]"]},
        {"output_type": "stream", "name": "stdout", "text": ["\n", "Test set: Average loss: 0.0250, Accuracy: 9918/10000 (99.18%)\n",
                                                            "Test set: Average loss: x\n"]}), name="a.ipynb")
    assert figures(kept, "last_loss", "test_correct") == [(0.25, 9918)]
    assert kept.log is not None
    assert kept.log.claims == {}
    assert [(u.cell, u.line) for u in kept.log.unread] == [(2, 4)]


def test_a_table_of_html_in_a_notebook() -> None:
    kept = parse(notebook({"output_type": "display_data", "data": {
        "text/plain": ["<IPython.core.display.HTML object>"],
        "text/html": ["<table><thead><tr><th>epoch</th><th>train_loss</th><th>valid_loss</th><th>accuracy</th>"
                      "<th>time</th></tr></thead><tbody><tr><td>0</td><td>0.25</td><td>0.08</td><td>0.9745</td>"
                      "<td>00:12</td></tr></tbody></table>"]}}))
    assert figures(kept, "epoch", "train_loss", "test_loss", "test_accuracy", "seconds") == [(0, 0.25, 0.08, 97.45, 12.0)]


def test_a_broken_notebook_is_refused() -> None:
    with pytest.raises(SheetpropError, match="notebook"):
        parse('{"cells": [', name="a.ipynb")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "log.txt"
    text = bar(1, 0.1, 9917).replace("█", "é" if encoding == "cp1252" else "█")
    path.write_bytes(text.encode(encoding))
    kept = log(path)
    assert figures(kept, "epoch", "test_correct", "batches") == [(1, 9917, 469)]
    assert not unread(kept)


def test_a_final_score_alone_is_a_run_without_epochs() -> None:
    kept = parse("Test Data: Average loss: 0.0300, Accuracy: 9910/10000 (99.10%)\n")
    assert kept.runs[0].epochs == []
    assert kept.runs[0].test_score is not None
    assert kept.runs[0].test_score.correct == 9910
    assert kept.epochs_trained() is None

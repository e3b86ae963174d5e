"""The loop: one run of one recipe, epoch by epoch, with a state that can be kept and taken up again."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from sheetprop.mnist import evaluate
from sheetprop.mnist.augment import augment
from sheetprop.mnist.evaluate import Images
from sheetprop.mnist.networks import build, network
from sheetprop.mnist.optimizers import optimizers
from sheetprop.mnist.recipe import Recipe
from sheetprop.mnist.record import Epoch
from sheetprop.mnist.transforms import composed

_LOOK = 20  # on a GPU the loss is fetched once in so many steps


class Listener:
    """Hears what a training run does; every method may be overridden, none does anything here."""

    def run_started(self, number: int, planned: int, seed: int) -> None:
        """Run `number` of `planned` begins (or goes on)."""

    def epoch_started(self, epoch: int, epochs: int, batches: int, rate: float) -> None:
        """An epoch of `batches` steps begins with learning rate `rate`."""

    def step(self, batch: int, loss: float, rate: float) -> None:
        """A step is done; `batch` counts from 0. On a GPU only one step in twenty is told."""

    def epoch_finished(self, epoch: Epoch) -> None:
        """An epoch and its test are done."""

    def run_finished(self, number: int, accuracy: float) -> None:
        """A run is done; `accuracy` is its last epoch's, in percent."""

    def say(self, text: str) -> None:
        """Something worth a line."""


class DivergedError(Exception):
    """The loss is no number any more."""

    def __init__(self, step: int, epoch: int, loss: float) -> None:
        """Remember the step and the epoch, both from 1."""
        super().__init__(f"the loss became {loss} at step {step} (epoch {epoch})")


class Loop:
    """One training run in memory.

    The random state of torch is seeded here and drawn from in a fixed order: initial weights,
    then for each epoch the order of the images, then for each step augmentation and dropout.
    `state` and `restore` keep and give back all of it, so that a resumed run ends with the same
    weights as one that never stopped.
    """

    def __init__(
        self, recipe: Recipe, seed: int, train: Images, test: Images, *, teacher: nn.Module | None = None,
        bfloat16: bool = False, fresh: Callable[[], nn.Module] | None = None,
    ) -> None:
        """Seed, build the network and its optimisers; images and teacher lie on the device to be used.

        `fresh` returns the network with fresh weights; None builds the one that the recipe names.
        """
        self.recipe, self.seed, self.train, self.test, self.bfloat16 = recipe, seed, train, test, bfloat16
        self.teacher = teacher
        self.device = train.pixels.device
        torch.manual_seed(seed)
        net = build(network(recipe.network)) if fresh is None else fresh()
        self.module: nn.Module = net.to(device=self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.batches = math.ceil(len(train) / recipe.batch_size)
        self.optimizers = optimizers(recipe, self.module)
        self.changed = composed(recipe.transforms)
        self.bases = [[group["lr"] for group in o.param_groups] for o in self.optimizers]
        self.average = [t.detach().clone() for t in self._tensors()] if recipe.ema else []
        self.epoch = 0
        self.losses: list[float] = []
        self.rates: list[float] = []

    def _tensors(self) -> list[torch.Tensor]:
        return [t for t in self.module.state_dict().values() if t.is_floating_point()]

    def run_epoch(self, listener: Listener) -> Epoch:
        """Train one epoch, test, and return its figures.

        Raises:
            DivergedError: the loss is no finite number; the network is spoilt, the state kept before is not.
        """
        r, start = self.recipe, time.perf_counter()
        self.module.train()
        order = torch.randperm(len(self.train))
        first = self.epoch * self.batches
        listener.epoch_started(self.epoch + 1, r.epochs, self.batches, r.rate(first, self.batches))
        how = r.augmentation if r.augmentation and self.epoch < r.epochs - r.augmentation.clean_epochs else None
        losses: list[torch.Tensor] = []
        right = torch.zeros((), dtype=torch.int64, device=self.device)
        for batch in range(self.batches):
            rows = order[batch * r.batch_size : (batch + 1) * r.batch_size].to(self.device)
            pixels, labels = self.train.pixels[rows], self.train.labels[rows]
            if self.changed is not None:
                train = self.train
                pixels = (self.changed(pixels * train.deviation + train.mean) - train.mean) / train.deviation
            if how:
                pixels = augment(pixels, how, self.train.ground)
            rate = self._set_rates(first + batch)
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16):
                answers = self.module(pixels.contiguous(memory_format=torch.channels_last))
            loss = self._loss(answers.float(), labels, pixels)
            for optimizer in self.optimizers:
                optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            for optimizer in self.optimizers:
                optimizer.step()
            if r.ema:
                self._average(min(r.ema, (first + batch + 1) / (first + batch + 11)))
            losses.append(loss.detach())
            right += (answers.argmax(1) == labels).sum()
            self.rates.append(rate)
            if self.device.type == "cpu" or batch % _LOOK == _LOOK - 1 or batch == self.batches - 1:
                self._look(losses, first, listener, batch, rate)
        trained = time.perf_counter()
        self.epoch += 1
        with self.tested():
            result = evaluate.score(self.answers(self.test), self.test.labels)
        assert result.loss is not None
        total = len(self.train)
        sizes = [min(r.batch_size, total - b * r.batch_size) for b in range(self.batches)]
        mean = sum(v * s for v, s in zip(self.losses[first:], sizes, strict=True)) / total
        epoch = Epoch(
            epoch=self.epoch, learning_rate=self.rates[-1], batches=self.batches, last_loss=self.losses[-1],
            train_loss=mean, train_accuracy=100 * int(right) / total, test_loss=result.loss,
            test_correct=result.correct, test_total=result.total, test_accuracy=result.accuracy,
            seconds=round(trained - start, 3), test_seconds=round(time.perf_counter() - trained, 3),
        )
        listener.epoch_finished(epoch)
        return epoch

    def _loss(self, answers: torch.Tensor, labels: torch.Tensor, pixels: torch.Tensor) -> torch.Tensor:
        hard = functional.cross_entropy(answers, labels, label_smoothing=self.recipe.label_smoothing)
        how = self.recipe.distillation
        if how is None or self.teacher is None:
            return hard
        told = (evaluate.logits(self.teacher, pixels, bfloat16=self.bfloat16) / how.temperature).softmax(1)
        soft = functional.cross_entropy(answers / how.temperature, told)
        return (1 - how.share) * hard + how.share * how.temperature**2 * soft

    def _set_rates(self, step: int) -> float:
        rate = self.recipe.rate(step, self.batches)
        share = rate / self.recipe.learning_rate
        for optimizer, bases in zip(self.optimizers, self.bases, strict=True):
            for group, base in zip(optimizer.param_groups, bases, strict=True):
                group["lr"] = rate if base == self.recipe.learning_rate else base * share
        return rate

    def _look(self, losses: list[torch.Tensor], first: int, listener: Listener, batch: int, rate: float) -> None:
        """Fetch the losses not yet fetched, and stop when one is no number."""
        done = len(self.losses) - first
        for value in torch.stack(losses[done:]).tolist():
            self.losses.append(value)
            if not math.isfinite(value):
                raise DivergedError(len(self.losses), self.epoch + 1, value)
        listener.step(batch, self.losses[-1], rate)

    def _average(self, decay: float) -> None:
        torch._foreach_lerp_(self.average, self._tensors(), 1 - decay)

    def answers(self, images: Images) -> torch.Tensor:
        """Return the logits ``[N, 10]`` of the module as it stands."""
        return evaluate.logits(self.module, images.pixels, bfloat16=self.bfloat16)

    def tested(self) -> _Tested:
        """While entered, the module has the weights that are tested: the average where the recipe keeps one."""
        return _Tested(self)

    def weights(self) -> dict[str, torch.Tensor]:
        """Return the weights that are tested, on the CPU."""
        with self.tested():
            return {k: v.detach().cpu().contiguous().clone() for k, v in self.module.state_dict().items()}

    def state(self) -> dict[str, Any]:
        """Return all that decides how the run goes on, as tensors and plain data."""
        return {
            "seed": self.seed, "epoch": self.epoch, "module": self.module.state_dict(), "average": self.average,
            "optimizers": [o.state_dict() for o in self.optimizers],
            "losses": torch.tensor(self.losses, dtype=torch.float64),
            "rates": torch.tensor(self.rates, dtype=torch.float64),
            "random": torch.get_rng_state(),
            "random_cuda": torch.cuda.get_rng_state() if self.device.type == "cuda" else None,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take up a state that `state` gave."""
        self.epoch = state["epoch"]
        self.module.load_state_dict(state["module"])
        self.average = [t.to(self.device) for t in state["average"]]
        for optimizer, kept in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(kept)
        self.losses, self.rates = state["losses"].tolist(), state["rates"].tolist()
        torch.set_rng_state(state["random"])
        if state["random_cuda"] is not None and self.device.type == "cuda":
            torch.cuda.set_rng_state(state["random_cuda"])


class _Tested:
    """Swaps the averaged weights in and out."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop

    def __enter__(self) -> None:
        self._swap()

    def __exit__(self, *_: object) -> None:
        self._swap()

    def _swap(self) -> None:
        with torch.no_grad():
            for mine, kept in zip(self.loop._tensors() if self.loop.average else [], self.loop.average, strict=True):
                held = mine.clone()
                mine.copy_(kept)
                kept.copy_(held)

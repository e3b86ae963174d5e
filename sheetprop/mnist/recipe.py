"""What a recipe is: a network and every setting of its training, as plain checked data."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Setting(BaseModel):
    """A group of settings: fixed once made, unknown names are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Constant(Setting):
    """The learning rate stays as it is."""

    kind: Literal["constant"] = "constant"

    def rate(self, base: float, step: int, steps_per_epoch: int, epochs: int) -> float:
        """Return the learning rate of `step` (from 0)."""
        del step, steps_per_epoch, epochs
        return base


class StepDown(Setting):
    """``StepLR``: times `factor` after every `every` epochs."""

    kind: Literal["step"] = "step"
    every: int = Field(gt=0)
    factor: float = Field(gt=0)

    def rate(self, base: float, step: int, steps_per_epoch: int, epochs: int) -> float:
        """Return the learning rate of `step` (from 0)."""
        del epochs
        value = base
        for _ in range(step // steps_per_epoch // self.every):
            value *= self.factor
        return value


class Inverse(Setting):
    """``base * round(start / (1 + decay * epoch), digits)``: the rule behind the log of system 000.

    The product with the base rate is the habit of ``LambdaLR``; the rounded inverse decay is a
    rule of public MNIST notebooks (epoch from 0).
    """

    kind: Literal["inverse"] = "inverse"
    start: float = Field(gt=0)
    decay: float = Field(ge=0)
    digits: int = Field(default=10, ge=1)

    def rate(self, base: float, step: int, steps_per_epoch: int, epochs: int) -> float:
        """Return the learning rate of `step` (from 0)."""
        del epochs
        return base * round(self.start / (1 + self.decay * (step // steps_per_epoch)), self.digits)


class OneCycle(Setting):
    """Cosine up to the base rate, cosine down to nothing, step by step (Smith 2018, arXiv:1803.09820)."""

    kind: Literal["onecycle"] = "onecycle"
    warm_up: float = Field(default=0.25, gt=0, lt=1, description="share of all steps that go up")
    start_factor: float = Field(default=0.04, ge=0, le=1)
    end_factor: float = Field(default=0.0, ge=0, le=1)

    def rate(self, base: float, step: int, steps_per_epoch: int, epochs: int) -> float:
        """Return the learning rate of `step` (from 0)."""
        from math import cos, pi

        total = max(1, steps_per_epoch * epochs - 1)
        peak = self.warm_up * total
        if step < peak:
            factor = self.start_factor + (1 - self.start_factor) * (1 - cos(pi * step / peak)) / 2
        else:
            factor = self.end_factor + (1 - self.end_factor) * (1 + cos(pi * (step - peak) / (total - peak))) / 2
        return base * factor


class MultiStep(Setting):
    """``MultiStepLR``: times `factor` at each of the epochs in `milestones`."""

    kind: Literal["multistep"] = "multistep"
    milestones: tuple[int, ...]
    factor: float = Field(default=0.1, gt=0)

    def rate(self, base: float, step: int, steps_per_epoch: int, epochs: int) -> float:
        """Return the learning rate of `step` (from 0)."""
        del epochs
        return base * self.factor ** sum(step // steps_per_epoch >= m for m in self.milestones)


class Exponential(Setting):
    """``ExponentialLR``: times `factor` after every epoch."""

    kind: Literal["exponential"] = "exponential"
    factor: float = Field(gt=0)

    def rate(self, base: float, step: int, steps_per_epoch: int, epochs: int) -> float:
        """Return the learning rate of `step` (from 0)."""
        del epochs
        return float(base * self.factor ** (step // steps_per_epoch))


class Cosine(Setting):
    """``CosineAnnealingLR`` step by step: from the base rate down to `end_factor` of it."""

    kind: Literal["cosine"] = "cosine"
    end_factor: float = Field(default=0.0, ge=0, le=1)

    def rate(self, base: float, step: int, steps_per_epoch: int, epochs: int) -> float:
        """Return the learning rate of `step` (from 0)."""
        from math import cos, pi

        total = max(1, steps_per_epoch * epochs - 1)
        return base * (self.end_factor + (1 - self.end_factor) * (1 + cos(pi * step / total)) / 2)


class Linear(Setting):
    """``LinearLR`` step by step: in a straight line from `start_factor` to `end_factor` of the base rate."""

    kind: Literal["linear"] = "linear"
    start_factor: float = Field(default=1.0, gt=0)
    end_factor: float = Field(default=0.0, ge=0)

    def rate(self, base: float, step: int, steps_per_epoch: int, epochs: int) -> float:
        """Return the learning rate of `step` (from 0)."""
        total = max(1, steps_per_epoch * epochs - 1)
        return base * (self.start_factor + (self.end_factor - self.start_factor) * step / total)


Schedule = Annotated[
    Constant | StepDown | MultiStep | Exponential | Inverse | Cosine | Linear | OneCycle, Field(discriminator="kind")
]
Optimizer = Literal["SGD", "Adam", "AdamW", "NAdam", "RMSprop", "Muon"]


class Transform(BaseModel):
    """A transform of torchvision's v2 by its name, with its arguments; images are in 0 to 1, one draw an image."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: str = Field(description="such as RandomAffine or RandomErasing")

    def arguments(self) -> dict[str, Any]:
        """Return all but the name."""
        return dict(self.model_extra or {})


class Augmentation(Setting):
    """Random changes of the training images, one draw an image, all in one resampling.

    Each of rotation, shift and scale is uniform in plus or minus its bound.
    """

    degrees: float = Field(default=0.0, ge=0, description="rotation")
    shift: float = Field(default=0.0, ge=0, lt=1, description="share of the image's side, each axis by itself")
    scale: float = Field(default=0.0, ge=0, lt=1, description="size by a factor of 1 plus or minus this")
    crop: int | None = Field(
        default=None, description="cut out the middle square of so many pixels and enlarge it to 28"
    )
    crop_probability: float = Field(default=0.0, ge=0, le=1)
    clean_epochs: int = Field(default=0, ge=0, description="so many last epochs see the images unchanged")


class Distillation(Setting):
    """Learning from a teacher's answers beside the labels (Hinton et al. 2015, arXiv:1503.02531).

    The loss is ``(1 - share) * hard + share * temperature² * soft``: hard is the cross-entropy with
    the labels, soft that with the teacher's probabilities, both sides' logits divided by the
    temperature. The teacher sees the same augmented images, in evaluation mode.
    """

    teacher: str = Field(description="name of the recipe that trains the teacher, on the same training images")
    share: float = Field(gt=0, le=1)
    temperature: float = Field(gt=0)


class Recipe(Setting):
    """A network and the settings of its training; everything that decides the result but the hardware."""

    name: str
    title: str
    origin: str = Field(description="where network and settings come from, and what we chose ourselves")
    network: str = Field(description="a name of `sheetprop networks`, or code of one's own: model.py:Net")
    epochs: int = Field(gt=0)
    batch_size: int = Field(gt=0)
    learning_rate: float = Field(gt=0, description="the base of the schedule: constant, first or highest")
    optimizer: Optimizer = Field(default="SGD", description="of PyTorch, by name; Muon: for the weights between first "
                                 "and last layer, SGD for the rest")
    betas: tuple[float, float] | None = Field(default=None, description="of Adam, AdamW, NAdam; null: PyTorch's")
    momentum: float = Field(default=0.9, ge=0, lt=1, description="of SGD, RMSprop and what Muon leaves to SGD")
    nesterov: bool = False
    weight_decay: float = Field(default=0.0, ge=0)
    schedule: Schedule = Constant()
    augmentation: Augmentation | None = None
    transforms: tuple[Transform, ...] = Field(
        default=(), description="by torchvision's v2 names, before `augmentation`"
    )
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    distillation: Distillation | None = None
    muon_rate: float | None = Field(
        default=None, gt=0, description="highest rate of Muon for the convolutions but the first; the rest keeps SGD"
    )
    muon_momentum: float = Field(default=0.6, ge=0, lt=1)
    ema: float | None = Field(
        default=None, gt=0, lt=1, description="decay a step of the averaged weights that are tested"
    )
    seed: int = 1

    def settings(self) -> dict[str, Any]:
        """Return all that decides the result: everything but the words about it."""
        return self.model_dump(exclude={"title", "origin"})

    def rate(self, step: int, steps_per_epoch: int) -> float:
        """Return the learning rate of `step` (from 0, over the whole run)."""
        return self.schedule.rate(self.learning_rate, step, steps_per_epoch, self.epochs)

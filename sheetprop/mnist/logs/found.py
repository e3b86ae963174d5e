"""What a dialect finds in a line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, Protocol

NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"

Kind = Literal[
    "epoch",  # an epoch of that number begins (or is the one being told)
    "rate",  # the learning rate from here on
    "step",  # some of an epoch's training steps: a bar, a line for every so many batches
    "train",  # an epoch's figures on the training images
    "test",  # an epoch's figures on the images that it is tested on
    "row",  # an epoch's figures, all in one
    "final",  # figures of the whole run, after its last epoch
    "claim",  # a figure that the text states about the run
    "run",  # another run begins
    "aside",  # belongs to a log and says nothing that a record keeps
]


@dataclass(frozen=True)
class Share:
    """An accuracy as it stands in a log: a fraction or percent, with or without the sign."""

    text: str
    percent: bool = False

    @property
    def value(self) -> float:
        """The number as it stands."""
        return float(self.text)


@dataclass(frozen=True)
class Found:
    """Something that a dialect read.

    Attributes:
        kind: what it tells about.
        start, end: where it stands in the text that the dialect was given.
        values: figures by the names of `sheetprop.mnist.record.Epoch`'s fields; ``number`` and
            ``of`` for the epoch's number and the number of epochs, ``done`` for batches done.
        shares: accuracies, by field.
        notes: what is wrong with it.
    """

    kind: Kind
    start: int
    end: int
    values: dict[str, float] = field(default_factory=dict)
    shares: dict[str, Share] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Reader(Protocol):
    """Reads one log from its first line to its last; may remember what earlier lines said."""

    def read(self, text: str) -> Iterable[Found]:
        """Return what stands in `text`, a line or the last drawing of one; taken parts are zero characters."""


def amount(text: str) -> float:
    """Return the number that `text` writes, thousands set apart by commas or not."""
    return float(text.replace(",", ""))

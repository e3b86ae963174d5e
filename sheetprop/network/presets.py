"""Named initial values that courses use. All are 2-2-2 with sigmoid units and inputs .05 and .10."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Preset:
    """Initial values under a name.

    Attributes:
        layers: units in each layer.
        inputs, targets, weights, biases: as in `Network`.
        learn_bias: whether the biases are learned.
        origin: where the numbers come from.
    """

    layers: tuple[int, ...]
    inputs: tuple[float, ...]
    targets: tuple[float, ...]
    weights: tuple[float, ...]
    biases: tuple[float, ...]
    origin: str
    learn_bias: bool = True


_CLASSIC = (0.15, 0.20, 0.25, 0.30, 0.40, 0.45, 0.50, 0.55)

PRESETS: dict[str, Preset] = {
    "classic": Preset((2, 2, 2), (0.05, 0.10), (0.01, 0.99), _CLASSIC, (),
                      "the usual hand-in: Matt Mazur's example without its biases"),
    "era": Preset((2, 2, 2), (0.05, 0.10), (0.5, 0.5), _CLASSIC, (),
                  "the same weights with both targets at one half"),
    "eva6": Preset((2, 2, 2), (0.05, 0.10), (0.01, 0.99), (0.3, 0.5, -0.2, 0.7, 0.1, -0.6, 0.3, -0.9), (),
                   "a later course's weights, some of them negative"),
    "mazur": Preset((2, 2, 2), (0.05, 0.10), (0.01, 0.99), _CLASSIC, (0.35, 0.35, 0.60, 0.60),
                    "Matt Mazur, A Step by Step Backpropagation Example (2015), whose biases stay fixed",
                    learn_bias=False),
}

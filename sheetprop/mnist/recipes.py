"""The recipes by name: the five reproduced systems, and our own."""

from __future__ import annotations

from sheetprop.errors import SheetpropError, nearest
from sheetprop.mnist.recipe import Augmentation, Constant, Distillation, Inverse, OneCycle, Recipe, StepDown

_OWN = "our own; tuned on 55,000 training images and 5,000 held-out ones"
_SMALL = Recipe(
    name="small", title="OneCycle with Muon, wide augmentation, averaged weights, 19 epochs", origin=_OWN,
    network="small", epochs=19, batch_size=128, learning_rate=0.1, nesterov=True, weight_decay=1e-4,
    schedule=OneCycle(), muon_rate=0.05, ema=0.998,
    augmentation=Augmentation(degrees=8, shift=0.08, scale=0.08, clean_epochs=1),
)
_ALL = (
    Recipe(
        name="000", title="inverse decay of the learning rate, batch 128, 20 epochs",
        origin="settings of public hand-in 000; its network is known only as a lost picture, so the network "
               "(under 20,000 parameters) is our choice, and so are momentum 0.9 and seed 1",
        network="000", epochs=20, batch_size=128, learning_rate=0.1,
        schedule=Inverse(start=0.1, decay=0.319, digits=10),
    ),
    Recipe(
        name="001", title="SGD 0.01 with momentum, batch 128, 15 epochs", origin="public hand-in 001",
        network="001", epochs=15, batch_size=128, learning_rate=0.01, schedule=Constant(),
    ),
    Recipe(
        name="002", title="SGD 0.01 with momentum, batch 32, 19 epochs", origin="public hand-in 002",
        network="002", epochs=19, batch_size=32, learning_rate=0.01, schedule=Constant(),
    ),
    Recipe(
        name="003", title="SGD 0.01 with momentum, batch 128, 19 epochs", origin="public hand-in 003",
        network="003", epochs=19, batch_size=128, learning_rate=0.01, schedule=Constant(),
    ),
    Recipe(
        name="004", title="SGD 0.01 with momentum, batch 512, StepLR(15, 0.1), 20 epochs",
        origin="public hand-in 004; crop, enlargement and rotation are one bilinear resampling here",
        network="004", epochs=20, batch_size=512, learning_rate=0.01, schedule=StepDown(every=15, factor=0.1),
        augmentation=Augmentation(degrees=15, crop=22, crop_probability=0.1),
    ),
    Recipe(
        name="fast", title="OneCycle with Muon, light augmentation, 3 epochs", origin=_OWN,
        network="small", epochs=3, batch_size=128, learning_rate=0.1, nesterov=True, weight_decay=1e-4,
        schedule=OneCycle(), muon_rate=0.05,
        augmentation=Augmentation(degrees=5, shift=0.05, scale=0.05, clean_epochs=1),
    ),
    Recipe(
        name="tiny", title="OneCycle with Muon, taught by teacher, 19 epochs, at most 4,400 parameters",
        origin=_OWN + "; the teacher was chosen without tuning",
        network="tiny", epochs=19, batch_size=128, learning_rate=0.1, nesterov=True, weight_decay=1e-4,
        schedule=OneCycle(), muon_rate=0.05,
        distillation=Distillation(teacher="teacher", share=0.8, temperature=3.0),
        augmentation=Augmentation(degrees=7, shift=0.07, scale=0.06, clean_epochs=1),
    ),
    _SMALL,
    _SMALL.model_copy(update={
        "name": "small-2", "title": "as small, with two convolutions before the max-pool and taught by teacher",
        "origin": "our own; settings of small, network and teacher chosen without tuning",
        "network": "small-2", "distillation": Distillation(teacher="teacher", share=0.8, temperature=3.0),
    }),
    _SMALL.model_copy(update={
        "name": "teacher", "title": "as small, with a network of more channels, 15 epochs; teaches tiny and small-2",
        "origin": "our own; settings of small, not tuned", "network": "teacher", "epochs": 15,
    }),
)

RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in _ALL}


def recipes() -> tuple[Recipe, ...]:
    """Return every recipe we know, in the order of the list."""
    return tuple(RECIPES.values())


def recipe(name: str) -> Recipe:
    """Return the recipe called `name`.

    Raises:
        SheetpropError: there is none; the nearest name is told.
    """
    if name not in RECIPES:
        raise SheetpropError(f"recipe {name!r}: there is no such recipe; {nearest(name, tuple(RECIPES))} "
                             "(`sheetprop train --list` shows them)")
    return RECIPES[name]

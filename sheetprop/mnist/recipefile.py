"""Recipes as TOML files: written to be changed, read with every mistake named."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sheetprop.errors import SheetpropError, nearest
from sheetprop.mnist.recipe import Recipe
from sheetprop.mnist.recipes import RECIPES
from sheetprop.mnist.recipes import recipe as named

_HEAD = """# A recipe of sheetprop: network and training. Change what you like and train it with
#   sheetprop train --recipe THIS.toml
# optimizer: SGD, Adam, AdamW, NAdam, RMSprop or Muon. schedule.kind: constant, step, multistep, exponential, inverse,
# cosine, linear or onecycle. [[transforms]]: name = one of torchvision.transforms.v2, with its arguments beside it.
"""


def to_toml(recipe: Recipe) -> str:
    """Return a recipe as the text of a TOML file that `read_recipe` reads back to the same recipe."""
    told = recipe.model_dump(mode="json", exclude_none=True, exclude={"name"})  # a file's name is its recipe's
    flat = {k: v for k, v in told.items() if not isinstance(v, dict) and k != "transforms"}
    lines = [f"{name} = {_value(value)}" for name, value in flat.items()]
    for name, group in told.items():
        if isinstance(group, dict):
            lines += ["", f"[{name}]", *(f"{k} = {_value(v)}" for k, v in group.items())]
    for one in recipe.transforms:
        lines += ["", "[[transforms]]", f"name = {_value(one.name)}"]
        lines += [f"{k} = {_value(v)}" for k, v in one.arguments().items()]
    return _HEAD + "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(v) for v in value)}]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def folder_name(recipe: Recipe, network: str | None = None) -> str:
    """Return the name of a run's folder: the recipe's, with that of a network of one's own behind it."""
    code = network if network is not None and ".py" in network else recipe.network
    if ".py" not in code:
        return recipe.name
    return f"{recipe.name}-{code.partition('.py')[2].lstrip(':') or Path(code).stem}"


def read_recipe(source: str | os.PathLike[str]) -> Recipe:
    """Return the recipe of a name, or of a TOML file.

    In a file all is optional but the network; ``base = "fast"`` takes from a known recipe what the
    file does not say. Without a base the training is SGD at 0.01, batch 128, 10 epochs.

    Raises:
        SheetpropError: no such recipe or file, no TOML, an unknown setting or one out of bounds.
    """
    text = str(source)
    if text in RECIPES or not (text.endswith(".toml") or Path(text).is_file()):
        return named(text)
    path = Path(source)
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SheetpropError(f"{path}: there is no such file; `sheetprop recipe fast > {path.name}` makes "
                             "one") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SheetpropError(f"{path}: cannot be read as TOML ({error})") from error
    base = told.pop("base", None)
    start: dict[str, Any] = {"epochs": 10, "batch_size": 128, "learning_rate": 0.01} if base is None else \
        named(str(base)).model_dump()
    start |= {"name": path.stem, "title": f"of {path.name}", "origin": f"{path.name}" + (
        f", from recipe {base}" if base else "")}
    try:
        return Recipe.model_validate({**start, **told})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        known = f"; {nearest(where, tuple(Recipe.model_fields))}" if first["type"] == "extra_forbidden" else ""
        raise SheetpropError(f"{path}: {where}: {first['msg']}{known}") from error

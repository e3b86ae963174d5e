"""A book of a module as plain data: the program, the step, and how it is shown."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from sheetprop.errors import SheetpropError
from sheetprop.modules.optimizers import Optimizer, make_optimizer
from sheetprop.modules.program import Program, read_program

VERSION = 1


@dataclass(frozen=True)
class Spec:
    """What a book is made from, besides the numbers in its cells.

    Attributes:
        program: the captured module.
        optimizer: None for a book that goes forward only.
        switch: whether a cell turns the way back off.
        source: what was exported, for people.
        picture: whether the input is drawn as a picture.
        classes: whether the outputs are scores of classes.
    """

    program: Program
    optimizer: Optimizer | None
    switch: bool = False
    source: str = ""
    picture: bool = False
    classes: bool = False
    extra: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return it as JSON."""
        optimizer = None if self.optimizer is None else {"name": self.optimizer.name, "numbers": self.optimizer.numbers}
        head = {"format": "sheetprop-module-book", "version": VERSION, "source": self.source, "optimizer": optimizer,
                "switch": self.switch, "picture": self.picture, "classes": self.classes, **self.extra}
        text = json.dumps(head, ensure_ascii=False, separators=(",", ":"))
        return text[:-1] + ',"program":' + self.program.to_json() + "}"


def read_spec(text: bytes) -> Spec:
    """Read the program part of a book.

    Raises:
        SheetpropError: it is damaged or of a newer version.
    """
    try:
        fields = json.loads(text)
        if fields["format"] != "sheetprop-module-book":
            raise ValueError("another format")
        version, inner, optimizer = fields["version"], fields["program"], fields["optimizer"]
        numbers = None if optimizer is None else {str(k): float(v) for k, v in optimizer["numbers"].items()}
        name = "" if optimizer is None else str(optimizer["name"])
        found = {key: fields[key] for key in ("source", "switch", "picture", "classes")}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SheetpropError(f"the program part of the book is damaged ({error}); export the module again") from error
    if version > VERSION:
        raise SheetpropError("the book was written by a newer sheetprop; install that version")
    program = read_program(json.dumps(inner))
    return Spec(program, None if numbers is None else make_optimizer(name, **numbers), **found)

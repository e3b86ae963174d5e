"""A book of a module as plain data: the program, the step, and how it is shown."""

from __future__ import annotations

import json
from dataclasses import dataclass

from sheetprop.engine.file.package import Package
from sheetprop.engine.file.xmlparts import read_tree
from sheetprop.errors import SheetpropError
from sheetprop.modules.optimizers import Optimizer, make_optimizer
from sheetprop.modules.program import Program, read_program
from sheetprop.workbook.exported.package import PROGRAM, PROGRAM_SPACE

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
        slopes: weights whose gradient the sheet Check holds against a central difference: name, place, place of
            the gradient, the difference.
        cuts: blocks whose sums are too long for a cell: first place, and how many parts they are cut into.
        history: steps that were made, and the loss before each.
    """

    program: Program
    optimizer: Optimizer | None
    switch: bool = False
    source: str = ""
    picture: bool = False
    classes: bool = False
    slopes: tuple[tuple[str, int, int, float], ...] = ()
    cuts: tuple[tuple[int, int], ...] = ()
    history: tuple[tuple[int, float], ...] = ()

    def to_json(self) -> str:
        """Return it as JSON."""
        optimizer = None if self.optimizer is None else {"name": self.optimizer.name, "numbers": self.optimizer.numbers}
        head = {"format": "sheetprop-module-book", "version": VERSION, "source": self.source, "optimizer": optimizer,
                "switch": self.switch, "picture": self.picture, "classes": self.classes,
                "slopes": [list(one) for one in self.slopes], "cuts": [list(one) for one in self.cuts],
                "history": [list(one) for one in self.history]}
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
        found["cuts"] = tuple((int(a), int(b)) for a, b in fields["cuts"])
        found["history"] = tuple((int(a), float(b)) for a, b in fields["history"])
        found["slopes"] = tuple((str(a), int(b), int(c), float(d)) for a, b, c, d in fields["slopes"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SheetpropError(f"the program part of the book is damaged ({error}); export the module again") from error
    if version > VERSION:
        raise SheetpropError("the book was written by a newer sheetprop; install that version")
    program = read_program(json.dumps(inner))
    return Spec(program, None if numbers is None else make_optimizer(name, **numbers), **found)


def read_book(package: Package) -> Spec | None:
    """Return what a book was made from; None for a workbook that carries no program.

    Raises:
        SheetpropError: the part is damaged.
    """
    for name in (PROGRAM, *(f"customXml/item{k}.xml" for k in range(2, 6))):
        if name in package:
            data = package.read(name)
            if PROGRAM_SPACE.encode() in data:
                try:
                    text = read_tree(data, name).text
                except SheetpropError as error:
                    raise SheetpropError(f"{package.path}: the program part of the book is damaged; "
                                         "export the module again") from error
                try:
                    return read_spec(text.encode())
                except SheetpropError as error:
                    raise SheetpropError(f"{package.path}: {error}") from error
    return None

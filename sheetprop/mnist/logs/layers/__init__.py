"""The forms of layer tables, one module each, found by themselves: put a new one here and it is read.

A module of this package has `ORDER`, a number (forms of lower order read first; lines that they
take are blank for the others), and a function ``read(lines, source)`` that takes the lines of a
text, from 1, and the name of the file, and returns the tables as
`sheetprop.mnist.logs.layertables.Table`.
"""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

from sheetprop.mnist.logs.layertables import Table


def modules() -> list[ModuleType]:
    """Return the modules of all forms, in the order in which they read."""
    found = [importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__)]
    return sorted(found, key=lambda module: (module.ORDER, module.__name__))


def tables(lines: list[str], source: str) -> list[Table]:
    """Return all layer tables of a text in the order in which they stand there."""
    found: list[Table] = []
    rest = list(lines)
    for module in modules():
        for table in module.read(rest, source):
            found.append(table)
            for number in table.used:
                rest[number - 1] = ""
    return sorted(found, key=lambda table: table.first)

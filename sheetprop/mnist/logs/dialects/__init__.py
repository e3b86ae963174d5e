"""The dialects of logs, one module each, found by themselves: put a new one here and it is read.

A module of this package has `ORDER`, a number (dialects of lower order read a line first and
what they take is blank for the others), and a class `Reader` whose method `read` returns what it
found in a text; see `sheetprop.mnist.logs.found.Reader`. Its docstring says which program writes
such logs, with a line of it.
"""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

from sheetprop.mnist.logs.found import Reader


def modules() -> list[ModuleType]:
    """Return the modules of all dialects, in the order in which they read."""
    found = [importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__)]
    return sorted(found, key=lambda module: (module.ORDER, module.__name__))


def readers() -> list[Reader]:
    """Return a fresh reader of each dialect, in the order in which they read."""
    return [module.Reader() for module in modules()]

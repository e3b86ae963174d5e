"""Where templates and style sheets are."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import sheetprop


@cache
def templates() -> Path:
    """Return the folder of the templates: inside an installed package, or beside it in a checkout."""
    package = Path(sheetprop.__file__).resolve().parent
    inside = package / "templates"
    return inside if inside.is_dir() else package.parent / "templates"

"""Room for formulas as long and as deep as a cell can hold: 4,000 operations are a tree of that depth."""

from __future__ import annotations

import sys
from collections.abc import Callable

TYPE_CHECKING = False  # typing costs a small workbook's time; mypy knows this name
if TYPE_CHECKING:
    from typing import TypeVar

    T = TypeVar("T")

FRAMES = 30_000


def with_room(run: Callable[[], T]) -> T:
    """Return what `run` gives, called where Python allows `FRAMES` calls one inside the other."""
    limit = sys.getrecursionlimit()
    if limit >= FRAMES:
        return run()
    sys.setrecursionlimit(FRAMES)
    try:
        return run()
    finally:
        sys.setrecursionlimit(limit)

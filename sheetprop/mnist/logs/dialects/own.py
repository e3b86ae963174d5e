"""What sheetprop's own training prints around its bars, so that it can read itself.

    Run 2 of 5, seed 2
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sheetprop.mnist.logs.found import Found

ORDER = 15

_RUN = re.compile(r"^\s*Run (?P<number>\d+) of (?P<of>\d+), seed (?P<seed>\d+)\s*$")


class Reader:
    """Needs no memory."""

    def read(self, text: str) -> Iterable[Found]:
        """Return the beginning of a run."""
        if mark := _RUN.match(text):
            return [Found("run", mark.start(), mark.end(), {"seed": float(mark["seed"])})]
        return []

"""Where formulas are compared: on the table's own rows, and at random values of what they read."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

from sheetprop.auditing.grid import Place
from sheetprop.auditing.tables import Table

if TYPE_CHECKING:
    import numpy as np

POINTS = 24


class Values(dict[Any, Any]):
    """Values of places, filled in when first asked for.

    Args:
        table: the table whose rows are meant.
        rows: the rows, one for each point.
        random: which columns get random values instead of their own: None none, a set these, "all" every one.
    """

    def __init__(self, table: Table, rows: list[int], random: set[int] | str | None = None,
                 leaves: dict[Any, Any] | None = None) -> None:
        super().__init__()
        self.leaves: dict[Any, Any] = {} if leaves is None else leaves
        self.table = table
        self.rows = rows
        self.random = random

    def given(self) -> Values:
        """Return the same points, empty: given values come again, the same ones."""
        return Values(self.table, self.rows, self.random, self.leaves)

    def __missing__(self, place: Place) -> Any:
        import numpy as np

        if place in self.leaves:
            self[place] = self.leaves[place]
            return self[place]
        drawn = self.random == "all" or (isinstance(self.random, set) and len(place) == 2 and place[0] in self.random)
        value: Any
        if drawn:
            seed = zlib.crc32(repr(place).encode())
            value = np.random.default_rng(seed).uniform(-1.2, 1.2, len(self.rows))
        elif len(place) == 2:
            last, _ = self.table.grid.extent
            value = np.array([self._number(self.table.value(row + place[1], int(place[0])))
                              if 1 <= row + place[1] <= last else np.nan for row in self.rows])
        else:
            value = self._number(self.table.grid.fixed_value(place))
        self[place] = self.leaves[place] = value
        return value

    @staticmethod
    def _number(held: Any) -> float:
        if type(held) is float:
            return held
        if held is None:
            return 0.0
        if isinstance(held, bool):
            return float(held)
        return float("nan")


def random_rows(first: int, last: int) -> list[int]:
    """Return the rows that lend their constants to the random points, spread from the first to the last."""
    count = last - first + 1
    return [first + (index * count) // POINTS if count > POINTS else first + index % count for index in range(POINTS)]


def differs(found: Any, expected: Any, size: Any, *, rel: float = 1e-7, least: float = 1e-10) -> np.ndarray[Any, Any]:
    """Return where two results differ by more than rounding; points without a number do not count."""
    import numpy as np

    found, expected, size = np.broadcast_arrays(np.asarray(found, dtype=float), np.asarray(expected, dtype=float),
                                                np.asarray(size, dtype=float))
    fine = np.isfinite(found) & np.isfinite(expected)
    bound = rel * np.maximum(np.abs(found), np.abs(expected)) + least * np.where(np.isfinite(size), size, 0.0)
    return np.asarray(fine & (np.abs(found - expected) > bound))


def comparable(found: Any, expected: Any) -> int:
    """Return at how many points both results are numbers."""
    import numpy as np

    found, expected = np.broadcast_arrays(np.asarray(found, dtype=float), np.asarray(expected, dtype=float))
    return int(np.sum(np.isfinite(found) & np.isfinite(expected)))

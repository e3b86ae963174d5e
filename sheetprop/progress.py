"""One progress bar for everything: on standard error, and only where somebody is watching."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def progress(items: Iterable[T], *, label: str, total: int | None = None, after: float = 1.0) -> Iterator[T]:
    """Pass `items` through, showing a bar on standard error once `after` seconds have gone by.

    Nothing is shown when standard error is no terminal, so logs and pipes stay clean.
    """
    if not sys.stderr.isatty():
        yield from items
        return
    from tqdm import tqdm

    yield from tqdm(items, desc=label, total=total, delay=after, leave=False, file=sys.stderr)

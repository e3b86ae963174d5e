"""One progress bar for everything: on standard error, and only where somebody is watching."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator
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


@contextlib.contextmanager
def stages(label: str, total: int, *, after: float = 1.0) -> Iterator[Callable[[str], None]]:
    """Yield a function to call with the name of each of `total` stages as it begins.

    A bar with the name of the stage is shown under the same conditions as by :func:`progress`.
    """
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from tqdm import tqdm

    with tqdm(total=total, desc=label, delay=after, leave=False, file=sys.stderr,
              mininterval=0, miniters=1, bar_format="{desc}: {bar} {n_fmt}/{total_fmt} {postfix}") as bar:

        def begin(name: str) -> None:
            bar.set_postfix_str(name, refresh=False)
            bar.update(1)

        yield begin

"""The one exception that a user is meant to see, and what several rooms check by it."""

from __future__ import annotations


class SheetpropError(Exception):
    """Something the user gave cannot be used.

    The message is one line: what is wrong, where, and what to do. The command line
    prints it and exits with code 2; nothing already written is lost.
    """


def nearest(word: str, known: list[str] | tuple[str, ...]) -> str:
    """Return ``; did you mean 'x'?`` for the known word closest to `word`, or the list of them."""
    import difflib

    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"known are {', '.join(known)}"


def check_tolerance(name: str, value: float) -> None:
    """Refuse a tolerance that is negative or no number; `name` is its option.

    Raises:
        SheetpropError: it is.
    """
    if not value >= 0:
        raise SheetpropError(f"--{name} {value}: is no tolerance; give a number of at least 0, such as 1e-12")

"""The entry point of `sheetprop`: `calc` in its plain form starts without building the command line.

Reading the words of ``sheetprop calc FILE -o OUT`` with click takes longer than calculating a
small workbook. Words that are plain are read here; all others, and every mistake, are click's.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_FLAGS = {"--in-place": "in_place", "--check": "check", "--force": "force", "--json": "as_json"}
_VALUES = {"-o": "output", "--output": "output", "--rel": "rel", "--abs": "absolute", "--seed": "seed",
           "--now": "now", "--max-bytes": "max_bytes"}
_NUMBERS = {"rel": float, "absolute": float, "seed": int, "max_bytes": int}


def plain(words: list[str]) -> dict[str, Any] | None:
    """Return the arguments of `run_calc` that the words give, or None where click has to read them.

    Args:
        words: what stands behind ``calc``: one file, and options of the table above spelled out.
    """
    given: dict[str, Any] = {}
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        if word in _FLAGS:
            given[_FLAGS[word]] = True
        elif word in _VALUES and at < len(words) and not words[at].startswith("-"):
            name = _VALUES[word]
            try:
                given[name] = _NUMBERS.get(name, str)(words[at])
            except ValueError:
                return None
            at += 1
        elif word.startswith("-") or "file" in given or not word:
            return None
        else:
            given["file"] = word
    return given if "file" in given and len({"output", "in_place", "check"} & given.keys()) <= 1 else None


def calculate(given: dict[str, Any]) -> int:
    """Run `calc` with its arguments; print what it says and return the exit code."""
    import gc

    from sheetprop.engine.commands import run_calc
    from sheetprop.errors import SheetpropError

    # A calculation makes millions of objects and no circles among them: looking for some only costs time.
    gc.disable()
    try:
        text, code = run_calc(**given)
        print(text)  # noqa: T201
    except SheetpropError as error:
        print(f"sheetprop: {error}", file=sys.stderr)  # noqa: T201
        code = 2
    except BrokenPipeError:  # nobody reads on, as behind `| head`
        code = 1
    except KeyboardInterrupt:
        code = 130
    return code


def main() -> None:
    """Run the command line."""
    given = plain(sys.argv[2:]) if sys.argv[1:2] == ["calc"] else None
    if given is None:
        from sheetprop.cli import main as commands

        commands.main()
        return
    code = calculate(given)
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        code = 1
    # Everything is written: the memory of a large workbook need not be given back object by object.
    os._exit(code)

"""A second Python process that answers pickled questions on its standard input: how it is started, what it runs."""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


def start(code: str, *words: str, stderr: int | None = None, **environment: str) -> subprocess.Popen[bytes] | None:
    """Start Python on `code`, with this package where it was found; None where no process can be started.

    Args:
        code: what it runs; it ends in `serve`.
        words: its arguments.
        stderr: where its messages go, see `subprocess.Popen`; by default with this process's.
        environment: variables besides those of this process.
    """
    here = str(Path(__file__).resolve().parents[1])
    paths = os.pathsep.join([here, *filter(None, [os.environ.get("PYTHONPATH")])])
    with contextlib.suppress(OSError):
        return subprocess.Popen([sys.executable, "-c", code, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=stderr, env={**os.environ, "PYTHONPATH": paths, **environment})
    return None


def serve(prepare: Callable[[], Callable[[Any], Any]]) -> None:
    """Answer questions until standard input closes: the second process's part.

    Args:
        prepare: imports what takes long, and returns what gives the answer to a question.
    """
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    sys.stdout = sys.stderr  # whatever a library prints must not get between the answers
    answer = prepare()
    while True:
        try:
            question = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        pickle.dump(answer(question), answers)
        answers.flush()

"""Work done in a second process while this one does something else: a report keeps two cores busy."""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from sheetprop.errors import SheetpropError

_Result = TypeVar("_Result")
_SERVE = "import sys; from sheetprop.reporting.aside import serve; serve(sys.argv[1:])"


class Aside:
    """A second process; a context manager, so that it ends with the work.

    Where no process can be started, or where it would import anew what is here already, everything
    happens in this process when its result is asked for.
    """

    def __init__(self, *modules: str, here: bool = False) -> None:
        """Start the process.

        Args:
            modules: what it imports before it is asked anything.
            here: start none.
        """
        self._process: subprocess.Popen[bytes] | None = None
        if not here and not any(module in sys.modules for module in modules):
            root = str(Path(__file__).resolve().parents[2])
            paths = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
            with contextlib.suppress(OSError):
                self._process = subprocess.Popen(
                    [sys.executable, "-c", _SERVE, *modules], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                    env={**os.environ, "PYTHONPATH": paths})

    def call(self, function: Callable[..., _Result], *arguments: Any) -> Callable[[], _Result]:
        """Begin a call; return what waits for its result. Results are asked for in the order of the calls."""
        process = self._process
        if process is None:
            return lambda: function(*arguments)
        assert process.stdin is not None
        with contextlib.suppress(OSError):  # a process that has died is told when its answer is asked for
            pickle.dump((function, arguments), process.stdin)
            process.stdin.flush()
        return self._answer

    def _answer(self) -> Any:
        assert self._process is not None
        assert self._process.stdout is not None
        try:
            result, error = pickle.load(self._process.stdout)
        except (EOFError, pickle.UnpicklingError) as problem:
            raise SheetpropError("a process of the report ended before its work was done, perhaps for want of memory; "
                                 "make fewer formats at once") from problem
        if error is not None:
            raise error
        return result

    def __enter__(self) -> Aside:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()


def serve(modules: list[str]) -> None:
    """Answer calls on standard input until it closes: the other process's part."""
    import importlib

    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    sys.stdout = sys.stderr  # whatever a library prints must not get between the answers
    for module in modules:
        with contextlib.suppress(ImportError):
            importlib.import_module(module)
    while True:
        try:
            function, arguments = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        result, problem = None, None
        try:
            result = function(*arguments)
        except Exception as error:  # whatever it is, the process that asked has to tell it
            problem = error
        pickle.dump((result, problem), answers)
        answers.flush()

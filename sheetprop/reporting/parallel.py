"""Work done in a second process while this one does something else: a report keeps two cores busy."""

from __future__ import annotations

import contextlib
import importlib
import pickle
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, TypeVar

from sheetprop import subprocess_calls as second
from sheetprop.errors import SheetpropError

DRAWING = "matplotlib.backends.backend_svg"
"""What the charts need, and what takes long to import."""

_Result = TypeVar("_Result")
_SERVE = "import sys; from sheetprop.reporting.parallel import serve; serve(sys.argv[1:])"


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
        self._line: ThreadPoolExecutor | None = None
        if not here and not any(module in sys.modules for module in modules):
            self._process = second.start(_SERVE, *modules)
        if self._process is not None:
            # A thread of its own waits for each answer, so that neither process waits for the other to read.
            self._line = ThreadPoolExecutor(1)

    def call(self, function: Callable[..., _Result], *arguments: Any) -> Callable[[], _Result]:
        """Begin a call, after those before it; return what waits for its result."""
        if self._line is None:
            return lambda: function(*arguments)
        return self._line.submit(self._exchange, function, arguments).result

    def _exchange(self, function: Callable[..., _Result], arguments: tuple[Any, ...]) -> _Result:
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            pickle.dump((function, arguments), self._process.stdin)
            self._process.stdin.flush()
            result, error = pickle.load(self._process.stdout)
        except (OSError, EOFError, pickle.UnpicklingError) as problem:
            raise SheetpropError("a process of the report ended before its work was done, perhaps for want of memory; "
                                 "make fewer formats at once") from problem
        if error is not None:
            raise error
        answer: _Result = result
        return answer

    def __enter__(self) -> Aside:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if self._process is not None and self._line is not None:
            self._process.kill()
            self._line.shutdown(cancel_futures=True)
            with contextlib.suppress(OSError):  # what was still to be sent
                self._process.__exit__(None, None, None)


def serve(modules: list[str]) -> None:
    """Answer calls: the other process's part."""

    def prepare() -> Callable[[Any], Any]:
        for module in modules:
            with contextlib.suppress(ImportError):
                importlib.import_module(module)
        return _tried

    second.serve(prepare)


def _tried(question: tuple[Callable[..., Any], tuple[Any, ...]]) -> tuple[Any, Exception | None]:
    """Return the result of a call, or what went wrong: the process that asked has to tell it."""
    function, arguments = question
    try:
        return function(*arguments), None
    except Exception as error:
        return None, error

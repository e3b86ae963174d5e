"""The reference in a process of its own, which imports PyTorch while this one draws or reads the workbook.

Importing PyTorch takes longer than drawing or calculating a workbook of twenty thousand formulas. Where it has
been imported already, where no process can be started, and from the second time on, when the
import has become worth its while, everything happens in this process.
"""

from __future__ import annotations

import contextlib
import pickle
import subprocess
import sys
from collections.abc import Callable, Collection
from types import TracebackType
from typing import TYPE_CHECKING, Any

from sheetprop import subprocess_calls as second

if TYPE_CHECKING:
    from sheetprop.network.reference import Array, Run
    from sheetprop.network.spec import Network, Spec

_started = False

_SERVE = "from sheetprop.network.reference_process import serve; serve()"


class Reference:
    """Answers like the module `reference`; a context manager, so that its process ends with the work."""

    def __init__(self) -> None:
        """Start the process, unless PyTorch is here already or will be needed often."""
        global _started
        self._process: subprocess.Popen[bytes] | None = None
        if "torch" not in sys.modules and not _started:
            _started = True
            self._process = second.start(_SERVE, stderr=subprocess.DEVNULL, OMP_NUM_THREADS="1")

    def rows(self, network: Network, parameters: Array, learning_rates: Array) -> Callable[[], dict[str, Array]]:
        """Begin to recompute single iterations and return a function that waits for them; see `reference.rows`."""
        return self._begin("rows", network, parameters, learning_rates)

    def run(self, spec: Spec, noise: Array | None = None) -> Run:
        """Train from the initial values; see `reference.run`."""
        result: Run = self._ask("run", spec, noise)
        return result

    def snapshots(self, spec: Spec, iterations: Collection[int]) -> Callable[[], dict[int, dict[str, Array]]]:
        """Begin a run and return a function that waits for it; see `reference.snapshots`."""
        return self._begin("snapshots", spec, iterations)

    def _ask(self, name: str, *arguments: Any) -> Any:
        return self._begin(name, *arguments)()

    def _begin(self, name: str, *arguments: Any) -> Callable[[], Any]:
        """Ask the process and return a function that waits for the answer; one question at a time."""
        if self._process is not None:
            assert self._process.stdin is not None
            try:
                pickle.dump((name, arguments), self._process.stdin)
                self._process.stdin.flush()
            except OSError:
                self.close()

        def answer() -> Any:
            if self._process is not None:
                assert self._process.stdout is not None
                try:
                    return pickle.load(self._process.stdout)
                except (OSError, EOFError, pickle.UnpicklingError):
                    # It could not do it; here the same work gives either the answer or the error's own message.
                    self.close()
            from sheetprop.network import reference

            return getattr(reference, name)(*arguments)

        return answer

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()
            self._process = None

    def __enter__(self) -> Reference:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()


def serve() -> None:
    """Answer questions: the other process's part."""
    second.serve(_prepare)


def _prepare() -> Callable[[Any], Any]:
    # Imported now and not at the first question: that is what this process is for.
    import torch

    from sheetprop.network import reference

    torch.set_num_threads(1)
    return lambda question: getattr(reference, question[0])(*question[1])

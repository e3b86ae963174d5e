"""The verification of the workbook, made in a second process while this one draws."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sheetprop.errors import SheetpropError


@dataclass(frozen=True)
class Outcome:
    """What became of the verification.

    Attributes:
        result: `verification.result.Verification`, or None.
        problem: why there is none, in a line.
    """

    result: Any
    problem: str | None


class Verifying:
    """A verification under way. Importing PyTorch takes longer than drawing; on two cores it costs little this way."""

    def __init__(self, path: Path) -> None:
        """Start it."""
        here = str(Path(__file__).resolve().parents[2])
        paths = [here, *filter(None, [os.environ.get("PYTHONPATH")])]
        self._process = subprocess.Popen(
            [sys.executable, "-c", "from sheetprop.reporting.verifying import main; main()", str(path)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(paths)})

    def outcome(self) -> Outcome:
        """Wait for it."""
        answer, errors = self._process.communicate()
        if self._process.returncode != 0:
            lines = errors.decode("utf-8", "replace").strip().splitlines()
            return Outcome(None, f"the verification stopped: {lines[-1] if lines else 'no message'}")
        kind, value = pickle.loads(answer)
        return Outcome(value, None) if kind == "result" else Outcome(None, value)

    def stop(self) -> None:
        """End it if something else went wrong first."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()


def main() -> None:
    """Verify the file given as argument; the result goes to standard output, pickled."""
    answer: tuple[str, Any]
    try:
        from sheetprop.verification.verify import verify

        answer = ("result", verify(sys.argv[1]))
    except SheetpropError as error:
        answer = ("problem", str(error))
    pickle.dump(answer, sys.stdout.buffer)
    sys.stdout.buffer.flush()

"""The verification of the workbook. PyTorch is imported in a process of its own while this one reads and draws.

Importing PyTorch takes longer than everything else in a page, so an outcome is kept: under a name made
of the workbook's bytes, this program and PyTorch's version, it is the same whenever it is asked for.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from sheetprop.errors import SheetpropError
from sheetprop.network.reference_process import Reference
from sheetprop.reporting.cache import kept, program, there
from sheetprop.verification.result import Comparison, Fault, Remark, Verification

if TYPE_CHECKING:
    from sheetprop.engine.book import Book


@dataclass(frozen=True)
class Outcome:
    """What became of the verification: the result, or None and in a line why there is none."""

    result: Verification | None
    problem: str | None


class Verifying:
    """A verification under way; a context manager, so that its process ends with the work."""

    def __init__(self, sha256: str) -> None:
        """Start importing PyTorch, unless the outcome is known.

        Args:
            sha256: of the workbook.
        """
        try:
            torch = version("torch")
        except PackageNotFoundError:
            torch = "none"
        self._name = f"verified-{sha256[:32]}-{program()}-{torch}.json"
        self._reference = None if there(self._name) else Reference()

    def outcome(self, book: Book) -> Outcome:
        """Compare everything in an open workbook, whose bytes are those that were named."""
        from sheetprop.verification.judging import judge

        def verified() -> bytes:
            with Reference() if self._reference is None else self._reference as reference:
                return _written(judge(book, "default", reference))

        try:
            return Outcome(replace(_read(kept(self._name, verified)), file=book.path), None)
        except SheetpropError as error:
            return Outcome(None, str(error))

    def __enter__(self) -> Verifying:
        return self

    def __exit__(self, *_: object) -> None:
        if self._reference is not None:
            self._reference.close()


def _written(result: Verification) -> bytes:
    return json.dumps(asdict(result)).encode()


def _read(content: bytes) -> Verification:
    fields: dict[str, Any] = json.loads(content)
    fields["comparisons"] = tuple(Comparison(**one) for one in fields["comparisons"])
    fields["faults"] = tuple(Fault(**one) for one in fields["faults"])
    fields["remarks"] = tuple(Remark(**one) for one in fields["remarks"])
    fields["activations"], fields["learning_rates"] = tuple(fields["activations"]), tuple(fields["learning_rates"])
    return Verification(**fields)

"""The verification of a workbook, as a call. What it needs is imported once PyTorch is on its way."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from sheetprop.errors import SheetpropError, nearest
from sheetprop.network.reference_process import Reference

if TYPE_CHECKING:
    from sheetprop.engine.book import Book
    from sheetprop.verification.result import Verification

ENGINES = ("default", "formulas", "formulas-model", "libreoffice")


def verify(path: str | os.PathLike[str], *, engine: str = "default", module: Any = None) -> Verification:
    """Compare every number and every formula of a workbook that sheetprop built with PyTorch and its layout.

    The formulas are calculated afresh from the constants that stand in the file now, so a workbook
    that was changed in Excel is verified as it is. Four comparisons are made: every row's numbers
    with autograd at that row's own parameters, the step to the next row, the whole run with an
    independent one from the initial values, and every formula with the one that belongs in its cell.

    Args:
        path: the workbook.
        engine: who calculates: ``default``, or one of ``formulas``, ``formulas-model`` and
            ``libreoffice``, whose values are then also compared with the default engine's.
        module: for a book of a module the module itself, a `torch.nn.Module`, which is then run besides.

    Returns:
        What was compared, what is wrong, and the verdict.

    Raises:
        SheetpropError: the file is no workbook of sheetprop, is damaged, or the engine is unknown.
    """
    check_engine(engine)
    spec = _module_book(path)
    if spec is not None or module is not None:
        return _verify_module(path, spec, engine, module)
    with Reference() as reference:
        from sheetprop.engine import book
        from sheetprop.verification.judging import judge

        return judge(book.open(path), engine, reference)


def _module_book(path: str | os.PathLike[str]) -> Any:
    """Return the program of a book of a module; None for other workbooks."""
    from sheetprop.engine.file.package import Package

    package = Package(path)
    if not any(f"customXml/item{k}.xml" in package for k in range(1, 6)):
        sheets = package.read("xl/workbook.xml") if "xl/workbook.xml" in package else b""
        if all(b'name="%s"' % name in sheets for name in (b"Start", b"Data", b"Check")) and b"Parameters" not in sheets:
            raise SheetpropError(f"{os.fspath(path)}: looks like a book of `export`, but its program part was removed "
                                 "(customXml/item1.xml); export the module again")
        return None
    from sheetprop.workbook.exported.book import read_book

    return read_book(package)


def _verify_module(path: str | os.PathLike[str], spec: Any, engine: str, module: Any) -> Verification:
    if spec is None:
        raise SheetpropError(f"{os.fspath(path)}: carries no program of a module; --module is for books of `export`")
    from sheetprop.engine import book
    from sheetprop.verification.exported import judge_module

    return judge_module(book.open(path), spec, engine, module)


def verify_book(book: Book, *, engine: str = "default") -> Verification:
    """Verify a workbook that is open, with whatever was set in it; see :func:`verify`.

    Another engine than the default reads the file and not what was set since.
    """
    check_engine(engine)
    with Reference() as reference:
        from sheetprop.verification.judging import judge

        return judge(book, engine, reference)


def check_engine(engine: str) -> None:
    """Raise unless `engine` is one of `ENGINES`."""
    if engine not in ENGINES:
        raise SheetpropError(f"engine {engine!r} is unknown; {nearest(engine, ENGINES)}")

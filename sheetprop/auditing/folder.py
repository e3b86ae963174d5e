"""Many workbooks at once: files and folders, in parallel processes; a bad file never stops the rest."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from sheetprop.auditing.audit import audit
from sheetprop.auditing.finding import Audit
from sheetprop.engine.book import open as open_book
from sheetprop.errors import SheetpropError
from sheetprop.progress import progress

READ, CONVERTED = (".xlsx", ".xlsm"), (".ods", ".xls")
NOT_READ = (".csv", ".tsv", ".numbers", ".xlsb", ".gsheet", ".fods")
_SECONDS = 120


def workbooks_in(paths: Sequence[str | os.PathLike[str]]) -> list[str]:
    """Return the files meant by paths; a folder means every spreadsheet in it and below it, also those not read.

    Raises:
        SheetpropError: a folder holds no spreadsheet.
    """
    found: list[str] = []
    for given in paths:
        path = Path(given)
        if not path.is_dir():
            found.append(str(path))
            continue
        inside = sorted(str(one) for one in path.rglob("*") if one.is_file()
                        and (one.suffix.lower() in (*READ, *CONVERTED, *NOT_READ) or is_lock(one)))
        if not inside:
            raise SheetpropError(f"{path}: holds no .xlsx or .xlsm file")
        found += inside
    return found


def is_lock(path: Path) -> bool:
    """Return whether a file only says that a program has a workbook open."""
    return path.name.startswith("~$") or (path.name.startswith(".~lock.") and path.name.endswith("#"))


def audit_safely(path: str) -> Audit:
    """Audit one file; what makes it unusable becomes part of the answer."""
    try:
        return _audited(path)
    except SheetpropError as error:
        return Audit(path, error=str(error))
    except Exception as error:  # one strange file must not end the audit of a class
        why = f"{type(error).__name__}: {error}"
        return Audit(path, error=f"{path}: cannot be audited ({why}); please report this file")


def _audited(path: str) -> Audit:
    file = Path(path)
    ending = file.suffix.lower()
    if is_lock(file):
        return Audit(path, error=f"{path}: not read: the lock file of a workbook that is open somewhere", skipped=True)
    if ending in NOT_READ:
        return Audit(path, error=f"{path}: not read: save as .xlsx")
    if ending not in CONVERTED:
        answer = audit(path)
        answer.fingerprint, answer.words = _contents(path)
        return answer
    with tempfile.TemporaryDirectory() as folder:
        made = converted(file, Path(folder))
        if made is None:
            return Audit(path, error=f"{path}: not read: save as .xlsx (or install LibreOffice, which converts it)")
        answer = audit(str(made))
        answer.fingerprint, answer.words = _contents(str(made))
    answer.path = path
    answer.notes.insert(0, "converted to .xlsx by LibreOffice before it was read")
    return answer


def converted(file: Path, folder: Path) -> Path | None:
    """Return a workbook as .xlsx, converted by LibreOffice into a folder; None where that is not there or fails."""
    program = shutil.which("soffice") or shutil.which("libreoffice")
    if program is None or not file.is_file():
        return None
    try:
        subprocess.run([program, f"-env:UserInstallation={(folder / 'profile').as_uri()}", "--headless", "--convert-to",
                        "xlsx", "--outdir", str(folder), str(file)], capture_output=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    made = folder / f"{file.stem}.xlsx"
    return made if made.is_file() else None


def _contents(path: str) -> tuple[str, int]:
    """Return what is the same for files with the same cells, and how many words stand in a workbook."""
    digest = hashlib.sha256()
    words = 0
    for sheet in open_book(path):
        for row, column, value, formula in sheet.cells():
            digest.update(f"{sheet.name}\0{row}\0{column}\0{formula if formula is not None else value!r}\n".encode())
            if formula is None and isinstance(value, str):
                words += len(value.split())
    return digest.hexdigest(), words


def audit_each(paths: Sequence[str | os.PathLike[str]], *, jobs: int | None = None) -> Iterator[Audit]:
    """Audit several files or folders and yield one answer for each file, in order, as they come.

    Args:
        paths: files and folders.
        jobs: how many processes; default is the number of processors.
    """
    files = workbooks_in(paths)
    count = min(jobs or os.cpu_count() or 1, len(files))
    if count <= 1:
        yield from progress(map(audit_safely, files), label="audit", total=len(files))
        return
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(count) as pool:
        results = pool.map(audit_safely, files, chunksize=max(1, min(4, len(files) // (4 * count))))
        yield from progress(results, label="audit", total=len(files))


def audit_many(paths: Sequence[str | os.PathLike[str]], *, jobs: int | None = None) -> list[Audit]:
    """Audit several files or folders and return one answer for each file, in order.

    Args:
        paths: files and folders.
        jobs: how many processes; default is the number of processors.
    """
    return list(audit_each(paths, jobs=jobs))

"""Many workbooks at once: files and folders, in parallel processes; a bad file never stops the rest."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from sheetprop.auditing.audit import audit
from sheetprop.auditing.finding import Audit
from sheetprop.errors import SheetpropError
from sheetprop.progress import progress


def workbooks_in(paths: Sequence[str | os.PathLike[str]]) -> list[str]:
    """Return the files meant by paths; a folder means the workbooks in it and below it.

    Raises:
        SheetpropError: a folder holds no workbook.
    """
    found: list[str] = []
    for given in paths:
        path = Path(given)
        if not path.is_dir():
            found.append(str(path))
            continue
        inside = sorted(str(one) for one in path.rglob("*") if one.suffix.lower() in (".xlsx", ".xlsm")
                        and not one.name.startswith(("~$", ".")))
        if not inside:
            raise SheetpropError(f"{path}: holds no .xlsx or .xlsm file")
        found += inside
    return found


def audit_safely(path: str) -> Audit:
    """Audit one file; what makes it unusable becomes part of the answer."""
    try:
        return audit(path)
    except SheetpropError as error:
        return Audit(path, error=str(error))
    except Exception as error:  # one strange file must not end the audit of a class
        why = f"{type(error).__name__}: {error}"
        return Audit(path, error=f"{path}: cannot be audited ({why}); please report this file")


def audit_many(paths: Sequence[str | os.PathLike[str]], *, jobs: int | None = None) -> list[Audit]:
    """Audit several files or folders and return one answer for each file, in order.

    Args:
        paths: files and folders.
        jobs: how many processes; default is the number of processors.
    """
    files = workbooks_in(paths)
    count = min(jobs or os.cpu_count() or 1, len(files))
    if count <= 1:
        return [audit_safely(path) for path in progress(files, label="audit", total=len(files))]
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(count) as pool:
        results = pool.map(audit_safely, files, chunksize=max(1, min(4, len(files) // (4 * count))))
        return list(progress(results, label="audit", total=len(files)))

"""Writing files so that a reader never sees half of one."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sheetprop.errors import SheetpropError


@contextlib.contextmanager
def replacing(target: str | os.PathLike[str], *, force: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside `target` and rename it into place when the block succeeds.

    When the block raises, the temporary file is removed and `target` stays as it was.

    Raises:
        SheetpropError: `target` exists and `force` is false, its folder is missing or not
            writable, or the disk is full.
    """
    path = Path(target)
    check_writable(path, force=force)
    temporary = _temporary_beside(path)
    try:
        yield temporary
        # mkstemp makes private files; a document gets the permissions that any new file gets.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def _temporary_beside(path: Path) -> Path:
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    except OSError as error:
        raise _unwritable(path, error) from error
    os.close(handle)
    return Path(name)


def _unwritable(path: Path, error: OSError) -> SheetpropError:
    return SheetpropError(f"{path}: cannot be written ({error.strerror}); free space or choose another place with -o")


def check_writable(path: Path, *, force: bool = True) -> None:
    """Raise the error that a user should see before long work starts for a file that cannot be kept."""
    try:
        exists, is_folder = path.exists(), path.is_dir()
    except OSError as error:
        raise _unwritable(path, error) from error
    if is_folder:
        raise SheetpropError(f"{path}: is a folder; give the name of a file")
    if exists and not force:
        raise SheetpropError(f"{path}: exists already and is kept; give --force to replace it or another name")
    folder = path.parent
    if not folder.is_dir():
        raise SheetpropError(f"{folder}: there is no such folder; make it first or choose another place")
    if not os.access(folder, os.W_OK):
        raise SheetpropError(f"{folder}: cannot be written to; choose another place")

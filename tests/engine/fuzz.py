"""Spoils workbooks, as bytes and as XML, and runs them: `python tests/engine/fuzz.py SEED ROUNDS FILE...`.

A round changes one file a little, then opens, calculates and saves it. Only `SheetpropError` may
come out; a round may take ten seconds and the process a gibibyte more than at its start.
"""

from __future__ import annotations

import contextlib
import io
import random
import resource
import shutil
import signal
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import sheetprop
from sheetprop.errors import SheetpropError

SECONDS = 10
MEMORY = 1 << 20  # kibibytes, the unit of ru_maxrss on Linux
SNIPPETS = [
    b"<", b">", b"&", b'"', b"</row>", b"<row>", b"<c>", b"<f>", b"</f>", b"<v>", b"\0", b"9" * 12, b"-1", b"&#0;",
    b"<v>nan</v>", b't="s"', b't="shared" si="0"', b't="array" ref="A1:B2"', b't="e"', b"A1:XFD1048576", b"(" * 50,
    b"A1", b"$", b"!", b"[", b"]", b"#", b"@", b"{1,2}", b"1E308", b"^", b"%", b'r="XFE1"', b'r="A1048577"', b"&amp;",
    b"<!--", b"<![CDATA[", b"]]>", b'xml:space="preserve"', b"\xff\xfe", b"\xc3", b"_x0000_", b"INDIRECT(",
    b"OFFSET(", b"1:1048576",
]


def spoil(data: bytes, chance: random.Random) -> bytes:
    """Return data with a few bytes changed, dropped, doubled, put in or exchanged."""
    held = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        if not held:
            break
        at = chance.randrange(len(held))
        way = chance.randrange(5)
        if way == 0:
            held[at] = chance.randrange(256)
        elif way == 1:
            del held[at:at + chance.randint(1, 40)]
        elif way == 2:
            held[at:at] = held[at:at + chance.randint(1, 60)]
        elif way == 3:
            held[at:at] = chance.choice(SNIPPETS)
        else:
            other = chance.randrange(len(held))
            held[at:at + 8], held[other:other + 8] = held[other:other + 8], held[at:at + 8]
    return bytes(held)


class Spoiler:
    """One workbook and the spoiled copies that can be made of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.whole = path.read_bytes()
        with zipfile.ZipFile(path) as package:
            self.parts = {name: package.read(name) for name in package.namelist()}
        self.names = [name for name in self.parts if name.endswith((".xml", ".rels"))]
        # Sheets, strings, the workbook and its relations are what is read: they are spoiled more often.
        self.read = [name for name in self.names if "worksheets" in name or "tables" in name
                     or name.rpartition("/")[2] in ("workbook.xml", "sharedStrings.xml", "workbook.xml.rels")]

    def copy(self, chance: random.Random, part: str | None = None) -> bytes:
        """Return a spoiled copy: of the zip as bytes ("zip"), of one part, or of whatever chance decides."""
        if part is None:
            kind = chance.random()
            part = "zip" if kind < 0.15 else chance.choice(self.read if kind < 0.9 and self.read else self.names)
        if part == "zip":
            return spoil(self.whole, chance)
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as package:
            for name, content in self.parts.items():
                package.writestr(name, spoil(content, chance) if name == part else content)
        return buffer.getvalue()


def survives(path: Path, saved: Path) -> None:
    """Open, calculate and save a file: all may fail, but only by our own error of one line."""
    try:
        book = sheetprop.open(path, max_bytes=50_000_000)
        book.calculate()
        book.save(saved)
    except SheetpropError as error:
        if "\n" in str(error):
            raise ValueError(f"an error of several lines: {error}") from error


@contextlib.contextmanager
def limited(seconds: int = SECONDS) -> Iterator[None]:
    """Raise TimeoutError when the body takes too long."""

    def too_long(*_: object) -> None:
        raise TimeoutError(f"a spoiled file took longer than {seconds} seconds")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def rounds(paths: list[Path], count: int, folder: Path, seed: int = 0, part: str | None = None) -> list[str]:
    """Run rounds over files; return what went wrong, with the place of each file that did it."""
    wrong: list[str] = []
    spoilers = [Spoiler(path) for path in paths]
    target, saved = folder / "spoiled.xlsx", folder / "saved.xlsx"
    start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(count):
        chance = random.Random(f"{seed} {number}")
        spoiler = spoilers[number % len(spoilers)]
        target.write_bytes(spoiler.copy(chance, part))
        try:
            with limited():
                survives(target, saved)
            grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start
            if grown > MEMORY:
                raise MemoryError(f"{grown} KiB more than at the start")
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            kept = folder / f"wrong-{seed}-{number}.xlsx"
            shutil.copy(target, kept)
            wrong.append(f"{spoiler.path.name}, round {number}: {type(error).__name__}: {error} ({kept})")
            if isinstance(error, MemoryError):
                start += MEMORY
    return wrong


if __name__ == "__main__":
    place = Path(tempfile.mkdtemp(prefix="fuzz-"))
    found = rounds([Path(name) for name in sys.argv[3:]], int(sys.argv[2]), place, int(sys.argv[1]))
    sys.stdout.write(("\n".join(found) or f"{sys.argv[2]} rounds, nothing but our own errors") + "\n")
    sys.exit(bool(found))

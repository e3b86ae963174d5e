"""Holds engines against the values that Excel stored: how many formula cells of a folder of workbooks come out equal.

    python benchmarks/corpus.py FOLDER                             # every engine that is installed
    python benchmarks/corpus.py FOLDER --engines sheetprop,ironcalc --seconds 60
    python benchmarks/corpus.py FOLDER --differences differences.tsv --json corpus.json

FOLDER holds one folder for each source of workbooks (or workbooks alone); bring your own, for
instance the test files of public spreadsheet libraries. Counted are formula cells with a stored
value in files that Excel wrote last (docProps/app.xml says so). Left out is what depends on the
moment or on chance: cells whose value changes when sheetprop calculates the file at another time
with another seed. The stored values and the list of formula cells are read here, from the XML, and
share nothing with the readers of the engines. Numbers are equal within 1e-9 relatively (1e-12
absolutely), all else exactly. A cell of a file that an engine refuses, or that it does not finish
in time, is a cell that it does not give. Every file runs in a process of its own kind, which is
replaced when it dies.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import multiprocessing
import re
import resource
import shutil
import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

Cell = float | str | bool | None
Cells = dict[tuple[str, str], Cell]

PACKAGE_RELATIONS = "{http://schemas.openxmlformats.org/package/2006/relationships}"
ID = "http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
STRICT_ID = "http://purl.oclc.org/ooxml/officeDocument/relationships}id"
MEMORY = 6 << 30
# Excel stores errors younger than the file format as #VALUE! and says in the cell's metadata which it means.
YOUNGER = "#VALUE! with metadata"
MEANT = ("#VALUE!", "#SPILL!", "#CALC!", "#FIELD!", "#BLOCKED!", "#CONNECT!", "#UNKNOWN!", "#BUSY!")


class UnusableError(Exception):
    """A file that this benchmark does not count, with the reason."""


# -- the judge: what Excel stored ----------------------------------------------------------------


def local(tag: str) -> str:
    """Return a tag without its namespace."""
    return tag.rpartition("}")[2]


def written_by(archive: zipfile.ZipFile) -> str:
    """Return the program that wrote a workbook last, as the file says."""
    if "docProps/app.xml" not in archive.namelist():
        return "unknown"
    tree = ElementTree.fromstring(archive.read("docProps/app.xml"))
    return next((item.text or "" for item in tree if local(item.tag) == "Application"), "unknown")


def is_excel(program: str) -> bool:
    """Say whether a program's name is one of Excel's own: for Windows, for macOS, or online."""
    return program.strip() in ("Microsoft Excel", "Microsoft Macintosh Excel", "Microsoft Excel Online")


def sheet_parts(archive: zipfile.ZipFile) -> Iterator[tuple[str, str]]:
    """Yield each worksheet's name and part."""
    relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    targets = {item.get("Id", ""): item.get("Target", "") for item in relations}
    kinds = {item.get("Id", ""): item.get("Type", "").rpartition("/")[2] for item in relations}
    for item in ElementTree.fromstring(archive.read("xl/workbook.xml")).iter():
        if local(item.tag) != "sheet":
            continue
        link = next((value for key, value in item.attrib.items() if key.endswith((ID, STRICT_ID))), "")
        if kinds.get(link) == "worksheet":
            target = targets[link]
            yield item.get("name", ""), target.lstrip("/") if target.startswith("/") else f"xl/{target}"


def shared_strings(archive: zipfile.ZipFile) -> list[str]:
    """Return the shared strings, without phonetic hints."""
    if "xl/sharedStrings.xml" not in archive.namelist():
        return []
    found = []
    for item in ElementTree.fromstring(archive.read("xl/sharedStrings.xml")):
        runs = [part for part in item if local(part.tag) in ("t", "r")]
        texts = [text for run in runs for text in ([run] if local(run.tag) == "t" else run) if local(text.tag) == "t"]
        found.append("".join(text.text or "" for text in texts))
    return found


def stored_formulas(path: Path, excel_only: bool = True) -> Cells:
    """Return (sheet, address) -> stored value of every formula cell that has one.

    Raises:
        UnusableError: the file is none, or another program wrote it.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            by = written_by(archive)
            if excel_only and not is_excel(by):
                raise UnusableError("not written by Excel")
            strings = shared_strings(archive)
            return {(name, address): value for name, part in sheet_parts(archive)
                    for address, value in _formula_cells(archive.read(part), strings)}
    except (zipfile.BadZipFile, ElementTree.ParseError, KeyError, IndexError, NotImplementedError, RuntimeError,
            ValueError, OSError) as error:
        raise UnusableError(f"cannot be read ({type(error).__name__})") from None


def _formula_cells(data: bytes, strings: list[str]) -> Iterator[tuple[str, Cell]]:
    for item in ElementTree.fromstring(data).iter():
        if local(item.tag) != "c" or item.get("r") is None:
            continue
        parts = {local(part.tag): part for part in item}
        if "f" not in parts or "v" not in parts:
            continue
        text = parts["v"].text or ""
        kind = item.get("t", "n")
        if kind == "n":
            if text:
                yield item.get("r", ""), float(text)
        elif kind == "b":
            yield item.get("r", ""), text.strip() in ("1", "true")
        elif kind == "e" and text == "#VALUE!" and item.get("vm"):
            yield item.get("r", ""), YOUNGER
        else:
            yield item.get("r", ""), strings[int(text)] if kind == "s" else text


def equal(stored: Cell, given: Cell) -> bool:
    """Say whether an engine's value is the stored one. Nothing and the empty text are the same."""
    if stored == YOUNGER:
        return given in MEANT
    if isinstance(stored, float) and isinstance(given, float):
        return math.isclose(stored, given, rel_tol=1e-9, abs_tol=1e-12)
    if isinstance(stored, str):
        return not isinstance(given, float | bool) and (given or "") in (stored, _read(stored))
    return type(stored) is type(given) and stored == given


def _read(text: str) -> str:
    """Return text with the control characters that the file spells `_x000D_`."""
    return re.sub("_x([0-9A-Fa-f]{4})_", lambda found: chr(int(found.group(1), 16)), text)


# -- the engines -------------------------------------------------------------------------------


def plain(value: Any) -> Cell:
    """Return an engine's value as a float, text, truth value or None."""
    if value is None or isinstance(value, bool | str):
        return value if not isinstance(value, str) else str(value)
    if isinstance(value, int | float):
        return float(value)
    if hasattr(value, "item"):
        return plain(value.item())
    return str(value)


def by_sheetprop(path: Path, wanted: list[tuple[str, str]], **options: Any) -> Cells:
    """Let sheetprop calculate."""
    import sheetprop

    book = sheetprop.open(path)
    book.calculate(**options)
    return {spot: plain(book[spot[0]][spot[1]]) for spot in wanted}


def by_formualizer(path: Path, wanted: list[tuple[str, str]]) -> Cells:
    """Let formualizer calculate."""
    import formualizer
    from openpyxl.utils.cell import coordinate_to_tuple

    names = {"Div": "#DIV/0!", "Na": "#N/A", "Num": "#NUM!", "Value": "#VALUE!", "Ref": "#REF!", "Name": "#NAME?",
             "Null": "#NULL!", "Spill": "#SPILL!", "Calc": "#CALC!"}
    book = formualizer.load_workbook(str(path))
    book.evaluate_all()

    def value(sheet: str, address: str) -> Cell:
        found = book.get_value(sheet, *coordinate_to_tuple(address))
        if isinstance(found, dict):
            return names.get(found.get("kind", ""), str(found))
        if hasattr(found, "timetuple") or hasattr(found, "total_seconds"):
            from openpyxl.utils.datetime import to_excel

            return float(to_excel(found))
        return plain(found)

    return {spot: value(*spot) for spot in wanted}


def by_ironcalc(path: Path, wanted: list[tuple[str, str]]) -> Cells:
    """Let ironcalc calculate."""
    import ironcalc
    from openpyxl.utils.cell import coordinate_to_tuple

    model = ironcalc.load_from_xlsx(str(path), "en", "UTC", "en")
    model.evaluate()
    places = {sheet["name"]: at for at, sheet in enumerate(model.get_worksheets_properties())}
    return {(sheet, address): plain(model.get_cell_value(places[sheet], *coordinate_to_tuple(address)))
            for sheet, address in wanted}


def by_libreoffice(path: Path, wanted: list[tuple[str, str]]) -> Cells:
    """Let LibreOffice calculate a copy without stored values."""
    from sheetprop.engine.oracles.programs import recalculated

    with tempfile.TemporaryDirectory(prefix="corpus-") as folder:
        values = stored_formulas(recalculated(path, Path(folder)), excel_only=False)
    return {spot: values.get(spot) for spot in wanted}


ENGINES: dict[str, tuple[Callable[..., Cells], Callable[[], bool]]] = {
    "sheetprop": (by_sheetprop, lambda: True),
    "formualizer": (by_formualizer, lambda: importlib.util.find_spec("formualizer") is not None),
    "ironcalc": (by_ironcalc, lambda: importlib.util.find_spec("ironcalc") is not None),
    "libreoffice": (by_libreoffice, lambda: shutil.which("soffice") is not None),
}


def serve(pipe: Connection) -> None:
    """Answer questions (engine, path, cells, options) until the other end closes."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    while True:
        try:
            engine, path, wanted, options = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send(ENGINES[engine][0](path, wanted, **options))
        except BaseException as error:
            pipe.send(f"{type(error).__name__}: {error}"[:300])


class Worker:
    """A process that runs engines, replaced when it dies or takes too long."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._context = multiprocessing.get_context("spawn")
        self._start()

    def _start(self) -> None:
        self._pipe, theirs = self._context.Pipe()
        self._process = self._context.Process(target=serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()

    def ask(self, engine: str, path: Path, wanted: list[tuple[str, str]], **options: Any) -> Cells | str:
        """Return the values, or in one line why there are none."""
        try:
            self._pipe.send((engine, path, wanted, options))
            if self._pipe.poll(self.seconds):
                answer: Cells | str = self._pipe.recv()
                return answer
            said = f"took longer than {self.seconds:g} s"
        except (EOFError, OSError):
            said = "the process died"
        self._process.kill()
        self._process.join()
        self._start()
        return said


# -- counting ----------------------------------------------------------------------------------


class Count:
    """What came out for one group of files."""

    def __init__(self) -> None:
        self.files = self.cells = self.volatile = 0
        self.equal: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()


def volatile_cells(worker: Worker, path: Path, wanted: list[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return the cells that depend on the moment or on chance: they change with the time and the seed."""
    first = worker.ask("sheetprop", path, wanted, seed=1, now=45000.25)
    second = worker.ask("sheetprop", path, wanted, seed=2, now=46123.75)
    if isinstance(first, str) or isinstance(second, str):
        return set()
    return {spot for spot in wanted if first[spot] != second[spot] and first[spot] == first[spot]}


def formula_text(path: Path, spot: tuple[str, str]) -> str:
    """Return the formula of a cell for the list of differences, as far as openpyxl can read it."""
    cached = formula_text.__dict__.setdefault("books", {})
    if path not in cached:
        import warnings

        import openpyxl

        cached.clear()
        warnings.simplefilter("ignore")
        try:
            cached[path] = openpyxl.load_workbook(path)
        except Exception:
            cached[path] = None
    try:
        value = cached[path][spot[0]][spot[1]].value
        return str(getattr(value, "text", value))
    except Exception:
        return "?"


def measure(root: Path, engines: list[str], seconds: float, list_differences: Callable[[str], None] | None,
            any_writer: bool) -> dict[str, Count]:
    """Count, group by group; a group is a folder directly below `root`."""
    from tqdm import tqdm

    worker = Worker(seconds)
    counts: dict[str, Count] = {}
    left_out: Counter[str] = Counter()
    paths = sorted(path for path in root.rglob("*") if path.suffix.lower() in (".xlsx", ".xlsm"))
    for path in tqdm(paths, disable=None, unit="file"):
        try:
            stored = stored_formulas(path, excel_only=not any_writer)
        except UnusableError as error:
            left_out[str(error)] += 1
            continue
        if not stored:
            left_out["no formula with a value"] += 1
            continue
        count = counts.setdefault(path.relative_to(root).parts[0] if path.parent != root else ".", Count())
        wanted = list(stored)
        moving = volatile_cells(worker, path, wanted)
        wanted = [spot for spot in wanted if spot not in moving]
        count.files += 1
        count.cells += len(wanted)
        count.volatile += len(moving)
        for engine in engines:
            values = worker.ask(engine, path, wanted)
            if isinstance(values, str):
                count.refused[engine] += 1
                if list_differences is not None and engine == "sheetprop":
                    list_differences(f"{path.relative_to(root)}\t\t\t{len(wanted)} cells\t{values}\n")
                continue
            for spot in wanted:
                if equal(stored[spot], values[spot]):
                    count.equal[engine] += 1
                elif list_differences is not None and engine == "sheetprop":
                    list_differences(f"{path.relative_to(root)}\t{spot[0]}!{spot[1]}\t{formula_text(path, spot)!r}\t"
                                     f"{stored[spot]!r}\t{values[spot]!r}\n")
    for reason, number in left_out.most_common():
        print(f"left out: {number} files: {reason}", file=sys.stderr)
    return counts


def table(counts: dict[str, Count], engines: list[str]) -> str:
    """Return the counts as a Markdown table, the last row for all."""
    whole = Count()
    for count in counts.values():
        whole.files += count.files
        whole.cells += count.cells
        whole.volatile += count.volatile
        whole.equal.update(count.equal)
        whole.refused.update(count.refused)
    lines = ["| source | files | formula cells | volatile, left out | " + " | ".join(engines) + " |",
             "| --- | ---: | ---: | ---: |" + " ---: |" * len(engines)]
    for name, count in [*sorted(counts.items()), ("all", whole)]:
        shares = [f"{100 * count.equal[engine] / max(1, count.cells):.2f} %"
                  + (f" ({count.refused[engine]} files refused)" if count.refused[engine] else "")
                  for engine in engines]
        lines.append(f"| {name} | {count.files} | {count.cells:,} | {count.volatile:,} | " + " | ".join(shares) + " |")
    return "\n".join(lines)


def main() -> None:
    """Read the arguments, count, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--engines", default=",".join(name for name, (_, there) in ENGINES.items() if there()))
    parser.add_argument("--seconds", type=float, default=60.0, help="the longest time for one file in one engine")
    parser.add_argument("--differences", type=Path, help="write sheetprop's differences as tab-separated lines")
    parser.add_argument("--json", type=Path, help="write the counts")
    parser.add_argument("--any-writer", action="store_true", help="count files of other programs than Excel too")
    given = parser.parse_args()
    if not given.folder.is_dir():
        parser.error(f"{given.folder}: is no folder")
    engines = given.engines.split(",")
    unknown = [name for name in engines if name not in ENGINES]
    if unknown:
        parser.error(f"{unknown[0]}: is not known; one of {', '.join(ENGINES)}")
    lines: list[str] = []
    counts = measure(given.folder, engines, given.seconds, lines.append if given.differences else None,
                     given.any_writer)
    if given.differences:
        given.differences.write_text("".join(lines), encoding="utf-8")
    if given.json:
        given.json.write_text(json.dumps({name: vars(count) for name, count in counts.items()}, indent=1))
    print(table(counts, engines))


if __name__ == "__main__":
    main()

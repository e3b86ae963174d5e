"""Writes a workbook: sheets with new values, everything else as it is in the file, or as little changed as is legal."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping

from sheetprop.engine.file import dynamic
from sheetprop.engine.file.blank import added, named
from sheetprop.engine.file.cellevents import utf8
from sheetprop.engine.file.loading import Contents, relations, sheet_bytes
from sheetprop.engine.file.package import Package, pieces
from sheetprop.engine.file.strings import PART, TYPE, NewStrings, held
from sheetprop.engine.file.writing import SheetWriter

TYPE_CHECKING = False  # typing costs a small workbook's time; mypy knows this name
if TYPE_CHECKING:
    from typing import BinaryIO

_TYPES = "[Content_Types].xml"
_ELEMENT = rb"""<(?:[\w.-]+:)?%s(?=\s)(?:[^>"']|"[^"]*"|'[^']*')*?(?:/>|>\s*</(?:[\w.-]+:)?%s\s*>)"""


def save(contents: Contents, out: BinaryIO, *, patch: Mapping[str, Callable[[bytes], bytes]],
         sheets: Collection[str] | None, rest: str | os.PathLike[str] | None) -> None:
    """Write a workbook to `out`; see `Book.save`."""
    package = contents.package
    target = package if rest is None else Package(rest)
    patch = dict(patch)
    replaced: dict[str, Iterable[bytes]] = {}
    parts = _Parts(target)
    stores = [store for store in contents.sheets if sheets is None or store.name in sheets]
    table = next((part for kind, part in relations(target, contents.main).values()
                  if kind == "sharedStrings" and part in target), None)
    texts = NewStrings(stores, lambda: held(target.read(table)) if table is not None else 0)
    metadata = next((part for kind, part in relations(target, contents.main).values()
                     if kind == dynamic.RELATION and part in target), None)
    spilling = dynamic.wanted(stores)
    mark = None if not spilling else 1 if metadata is None else dynamic.number_in(target, metadata)
    for store in stores:
        if store.grid and (store.blocks or store.arrays or store.edited or store.filled or store.formulas_set
                           or store.cleared or store.added):
            chunks = SheetWriter(store, texts.numbers, mark).chunks(sheet_bytes(package, store))
            if store.part in patch:
                replaced[store.part] = [patch.pop(store.part)(b"".join(chunks))]
            else:
                replaced[store.part] = pieces(chunks)
    chain = _chain(contents, target)
    if chain:
        parts.update(_without(parts.read, *chain))
    new = [sheet for sheet in contents.sheets if sheet.added]
    if new:
        parts.update(added(parts.read, contents.main, new))
    if texts.numbers and table is not None:
        parts.update({table: texts.written(utf8(parts.read(table), table))})
    elif texts.numbers:
        parts.update(named(parts.read, contents.main, PART, TYPE, "sharedStrings"))
        replaced[PART] = [texts.written(None)]
    if spilling and metadata is None:
        parts.update(named(parts.read, contents.main, dynamic.PART, dynamic.TYPE, dynamic.RELATION))
        replaced[dynamic.PART] = [dynamic.METADATA]
    if contents.styles is not None:
        parts.update(contents.styles.written(target))
    for name, content in parts.changed.items():
        replaced[name] = [patch.pop(name)(content) if name in patch else content]
    for name, change in patch.items():
        old = package.read(name) if name in package else b""
        replaced[package.entry(name).name if name in package else name] = [change(old)]
    target.write(out, replaced, chain[:1])


class _Parts:
    """The parts of a package, as far as they are changed already."""

    def __init__(self, package: Package) -> None:
        self.package = package
        self.changed: dict[str, bytes] = {}

    def read(self, name: str) -> bytes:
        """Return a part as it is by now."""
        stored = self.package.entry(name).name
        return self.changed[stored] if stored in self.changed else self.package.read(stored)

    def update(self, parts: Mapping[str, bytes]) -> None:
        """Take over changed parts."""
        self.changed.update((self.package.entry(name).name, content) for name, content in parts.items())


def _chain(contents: Contents, package: Package) -> tuple[str, str] | tuple[()]:
    """Return the part that lists the formula cells, and the one that names it, where it is no longer right.

    A list that names a cell without a formula makes Excel offer to repair the file; without a list it makes one.
    """
    changed = contents.formulas_gone or any(sheet.formulas_set or sheet.filled or sheet.cleared
                                            for sheet in contents.sheets)
    if not changed:
        return ()
    main = contents.main
    for kind, part in relations(package, main).values():
        if kind == "calcChain" and part in package:
            folder, _, name = main.rpartition("/")
            return package.entry(part).name, f"{folder}/_rels/{name}.rels" if folder else f"_rels/{name}.rels"
    return ()


def _without(read: Callable[[str], bytes], part: str, rels: str) -> dict[str, bytes]:
    """Return the parts that name a part, without its name."""
    last = re.escape(part.rpartition("/")[2].encode())
    return {
        _TYPES: _dropped(read(_TYPES), b"Override", rb"""\sPartName\s*=\s*["'][^"']*""" + last + rb"""["']"""),
        rels: _dropped(read(rels), b"Relationship", rb"""\sType\s*=\s*["'][^"']*/calcChain["']"""),
    }


def _dropped(data: bytes, element: bytes, marked: bytes) -> bytes:
    """Return XML without the elements of that name in whose tag the pattern `marked` is found."""
    return re.sub(_ELEMENT % (element, element),
                  lambda found: b"" if re.search(marked, found[0], re.IGNORECASE) else found[0], data)

"""What stands around the cells: defined names, charts, and the settings of the calculation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sheetprop.engine.file.loading import Contents, relations
from sheetprop.engine.file.xmlparts import Element, read_tree
from sheetprop.errors import SheetpropError
from sheetprop.verification.result import Fault, Kind, Remark
from sheetprop.workbook.chart_sources import ChartSource, sources
from sheetprop.workbook.layout import Layout
from sheetprop.workbook.names import PARAMETERS, START
from sheetprop.workbook.parameters import name_places


@dataclass(frozen=True)
class Surroundings:
    """What was found around the cells.

    Attributes:
        compared: number of names, of references of charts, and of settings.
        faults: what is wrong.
        remarks: what is worth knowing.
    """

    compared: int
    faults: tuple[Fault, ...]
    remarks: tuple[Remark, ...]


def check(layout: Layout, contents: Contents, names: dict[str, str]) -> Surroundings:
    """Compare names, charts and settings of a file with what the layout prescribes.

    Args:
        layout: says what belongs there.
        contents: the open file.
        names: the defined names of the whole workbook and what they stand for.
    """
    faults: list[Fault] = []
    remarks: list[Remark] = []
    compared = _names(layout, names, faults)
    compared += _charts(layout, contents, faults, remarks)
    compared += _settings(contents, faults)
    return Surroundings(compared, tuple(faults), tuple(remarks))


def _fault(kind: Kind, sheet: str, address: str, found: str | None, expected: str | None, message: str) -> Fault:
    return Fault(sheet, address, address, kind, None, None, None, found, expected, None, message)


def _names(layout: Layout, names: dict[str, str], faults: list[Fault]) -> int:
    held = {name.casefold(): text for name, text in names.items()}
    places = name_places(layout)
    for name, place in places.items():
        found = held.get(name.casefold())
        if found is None or _plain(found) != _plain(place):
            what = "is not there" if found is None else f"stands for {found}"
            faults.append(_fault("name", PARAMETERS, place.rpartition("!")[2].replace("$", ""), found, place,
                                 f"name {name}: {what}, and {place} belongs to it"))
    return len(places)


def _plain(reference: str) -> str:
    """Return a reference without dollar signs and quotes, and an area of one cell as that cell."""
    sheet, _, area = reference.lstrip("=").rpartition("!")
    first, _, last = area.replace("$", "").partition(":")
    name = sheet[1:-1].replace("''", "'") if sheet.startswith("'") else sheet
    return f"{name}!{first}" + (f":{last}" if last and last != first else "")


def _charts(layout: Layout, contents: Contents, faults: list[Fault], remarks: list[Remark]) -> int:
    """Match the charts of each sheet with those that belong there."""
    expected: dict[str, list[ChartSource]] = {}
    for source in sources(layout):
        expected.setdefault(source.sheet, []).append(source)
    parts = {sheet.name: sheet.part for sheet in contents.sheets}
    compared = missing = own = 0
    for sheet, wanted in expected.items():
        found = list(_found(contents, sheet, parts.get(sheet, "")))
        compared += sum(len(source.references) for source in wanted)
        rest = [source for source in wanted if not _take(found, source)]
        for source in rest:
            altered = max(found, key=lambda chart: len(set(chart) & set(_references(source))), default=None)
            if altered is None or not set(altered) & set(_references(source)):
                missing += 1
                continue
            found.remove(altered)
            wrong = [one for one in altered if one not in _references(source)]
            lacks = [one for one in _references(source) if one not in altered]
            message = f"{sheet}: a chart reads {', '.join(wrong[:3]) or 'the same cells twice'}"
            if lacks:
                message += f" where {', '.join(lacks[:3])} belongs"
            faults.append(_fault("chart", sheet, "A1", wrong[0] if wrong else None, lacks[0] if lacks else None,
                                 message))
        own += len(found)
    if missing:
        remarks.append(Remark("charts", f"{missing} of {sum(map(len, expected.values()))} charts are not there any "
                                        "more; another program may have left them out"))
    if own:
        remarks.append(Remark("charts", f"{own} charts are not sheetprop's, and were not looked at"))
    return compared


def _references(source: ChartSource) -> tuple[str, ...]:
    return tuple(_plain(one) for one in source.references)


def _take(found: list[tuple[str, ...]], source: ChartSource) -> bool:
    """Remove a chart that reads exactly what `source` says, in this order; say whether there was one."""
    wanted = _references(source)
    # LibreOffice writes the text of a title and forgets the cell that it stood in.
    for one in (wanted, wanted[1:] if source.title else wanted):
        if one in found:
            found.remove(one)
            return True
    return False


def _found(contents: Contents, sheet: str, part: str) -> Iterator[tuple[str, ...]]:
    """Yield of each chart on a sheet what it reads: its title, then name, horizontal and vertical values."""
    package = contents.package
    del sheet
    if part not in package:
        return
    for kind, drawing in relations(package, part).values():
        if kind != "drawing" or drawing not in package:
            continue
        for inner, chart in relations(package, drawing).values():
            if inner == "chart" and chart in package:
                try:
                    yield tuple(_read(read_tree(package.read(chart), chart)))
                except SheetpropError:
                    yield ()


def _read(root: Element) -> Iterator[str]:
    plot = _first(root, "plotArea")
    for element in _every(root, "title"):
        if plot is None or element not in list(_every(plot, "title")):
            yield from _formulas(element)
    for series in _every(root, "ser"):
        for part in ("tx", "xVal", "cat", "yVal", "val"):
            held = series.find(part)
            if held is not None:
                yield from _formulas(held)


def _formulas(element: Element) -> Iterator[str]:
    for one in _every(element, "f"):
        if one.text.strip():
            yield _plain(one.text.strip())


def _every(element: Element, name: str) -> Iterator[Element]:
    for child in element.children:
        if child.name == name:
            yield child
        yield from _every(child, name)


def _first(element: Element, name: str) -> Element | None:
    return next(_every(element, name), None)


_SETTINGS: Sequence[tuple[str, tuple[str, ...], str]] = (
    ("iterate", ("1", "true"), "iterative calculation is on: circular references would pass without a word"),
    ("fullPrecision", ("0", "false"), "calculation with the numbers as displayed is on: every cell is rounded to its "
                                      "format"),
    ("calcMode", ("manual",), "calculation is manual: a changed constant changes nothing until somebody presses F9"),
)


def _settings(contents: Contents, faults: list[Fault]) -> int:
    """Look for settings under which the sheets do not show what their formulas say."""
    package = contents.package
    main = next((part for kind, part in relations(package, "").values() if kind == "officeDocument"), "xl/workbook.xml")
    root = read_tree(package.read(main), main)
    held = root.find("calcPr")
    given = {} if held is None else held.attributes
    for name, bad, message in _SETTINGS:
        if given.get(name, "").lower() in bad:
            faults.append(_fault("setting", START, "A1", given[name], None, f"setting {name}: {message}"))
    return len(_SETTINGS)

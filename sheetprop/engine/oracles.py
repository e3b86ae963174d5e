"""Other people's programs, at arm's length: they evaluate the same file, we compare.

Nothing here is used to calculate a workbook; it is used to judge how one was calculated.
"""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sheetprop.engine.book import Book
from sheetprop.engine.book import open as open_book
from sheetprop.engine.printing import formula_text
from sheetprop.engine.references import address, quoted
from sheetprop.engine.schedule import Circle, Filling, Scheduler, Unit
from sheetprop.engine.storage import Family, SheetStore
from sheetprop.engine.tree import Area, Call, Cell, Name, Node
from sheetprop.engine.values import ERRORS, ExcelError, Value
from sheetprop.engine.workspace import Workspace
from sheetprop.errors import SheetpropError, nearest

Values = Mapping[str, Mapping[str, Value]]


def evaluate(path: str | os.PathLike[str], engine: str) -> Values:
    """Let another program evaluate every formula of a workbook.

    Args:
        path: an .xlsx or .xlsm file; it is not changed.
        engine: "formulas" (the library's compiled functions, one for each family, rows in order,
            sheets with like formulas together as arrays), "formulas-model" (its whole
            ``ExcelModel``, slow), "libreoffice", "formualizer" or "ironcalc".

    Returns:
        sheet name -> address ("W103") -> value, for every formula cell. Values are as in
        `Sheet`: float, str, bool, `ExcelError`, or None where the program gave nothing.

    Raises:
        SheetpropError: the engine is unknown or not installed, or could not use the file.
    """
    engines: dict[str, Callable[[Path], Values]] = {
        "formulas": _formulas, "formulas-model": _formulas_model, "libreoffice": _libreoffice,
        "formualizer": _formualizer, "ironcalc": _ironcalc}
    if engine not in engines:
        raise SheetpropError(f"engine {engine!r}: is not known; {nearest(engine, list(engines))}")
    return engines[engine](Path(path))


def plain(value: Any) -> Value:
    """Return what another program gave as one of our values."""
    import numpy as np

    if isinstance(value, np.ndarray):
        value = value.reshape(-1)[0] if value.size else None
    if value is None or isinstance(value, bool | ExcelError):
        return value
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, int | float | np.number):
        number = float(value)
        return number if math.isfinite(number) else ERRORS["#NUM!"]
    text = str(value)
    return ERRORS.get(text, "" if text == "empty" else text)


def _formula_cells(book: Book) -> list[tuple[SheetStore, int, int]]:
    found: list[tuple[SheetStore, int, int]] = []
    for store in book._space.sheets:
        for block in store.blocks:
            found.extend((store, row, column) for row in range(block.first, block.last + 1)
                         for column in block.program.columns)
        for array in store.arrays:
            found.extend((store, row, column) for row in range(array.top, array.bottom + 1)
                         for column in range(array.left, array.right + 1))
    return found


def _gathered(book: Book, get: Callable[[str, int, int], Any]) -> Values:
    values: dict[str, dict[str, Value]] = {name: {} for name in book.sheet_names}
    for store, row, column in _formula_cells(book):
        values[store.name][address(row, column)] = plain(get(store.name, row, column))
    return values


def _formualizer(path: Path) -> Values:
    try:
        import formualizer
    except ImportError:
        raise SheetpropError("engine 'formualizer': is not installed; pip install formualizer") from None
    try:
        workbook = formualizer.load_workbook(str(path))
        workbook.evaluate_all()
    except Exception as error:
        raise SheetpropError(f"{path}: formualizer cannot use it ({error}); try another engine") from None

    def get(sheet: str, row: int, column: int) -> Any:
        value = workbook.get_value(sheet, row, column)
        if isinstance(value, dict) and value.get("type") == "Error":
            names = {"Div": "#DIV/0!", "Na": "#N/A", "Num": "#NUM!", "Value": "#VALUE!", "Ref": "#REF!",
                     "Name": "#NAME?", "Null": "#NULL!"}
            return names.get(value.get("kind", ""), f"#{value.get('kind', 'VALUE')}!")
        return value

    return _gathered(open_book(path), get)


def _ironcalc(path: Path) -> Values:
    try:
        import ironcalc
    except ImportError:
        raise SheetpropError("engine 'ironcalc': is not installed; pip install ironcalc") from None
    try:
        model = ironcalc.load_from_xlsx(str(path), "en", "UTC", "en")
        model.evaluate()
    except Exception as error:
        raise SheetpropError(f"{path}: ironcalc cannot use it ({error}); try another engine") from None
    book = open_book(path)
    places = {name: at for at, name in enumerate(book.sheet_names)}
    return _gathered(book, lambda sheet, row, column: model.get_cell_value(places[sheet], row, column))


def soffice() -> str:
    """Return the path of LibreOffice.

    Raises:
        SheetpropError: it is not on the PATH.
    """
    found = shutil.which("soffice") or shutil.which("libreoffice")
    if found is None:
        raise SheetpropError("soffice: is not on the PATH; install LibreOffice or choose another engine")
    return found


def recalculated(path: Path, folder: Path, *, seconds: float = 600.0) -> Path:
    """Let LibreOffice recalculate a workbook into `folder`, with a profile of its own; return the new file.

    The copy that it reads holds no stored values, so that it has to calculate.
    """
    program = soffice()
    profile = folder / "profile"
    stripped = folder / "in" / f"{path.stem}.xlsx"
    stripped.parent.mkdir(parents=True, exist_ok=True)
    _without_values(path, stripped)
    out = folder / "out"
    command = [program, f"-env:UserInstallation=file://{profile}", "--headless", "--norestore", "--convert-to",
               "xlsx:Calc MS Excel 2007 XML", "--outdir", str(out), str(stripped)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        raise SheetpropError(f"{path}: LibreOffice took longer than {seconds:.0f} s; try another engine") from None
    target = out / stripped.name
    if not target.exists():
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise SheetpropError(f"{path}: LibreOffice could not convert it ({said[-1] if said else 'no message'})")
    return target


def _without_values(path: Path, target: Path) -> None:
    """Write a copy whose formula cells hold no values."""
    import re

    from sheetprop.engine.package import Package

    package = Package(path)
    cell = re.compile(rb'(<c\b[^>]*?)( t="(?:str|e|b|n)")?([^>]*>\s*<f\b[^>]*?(?:/>|>[^<]*</f>))\s*<v[^>]*>[^<]*</v>')
    replaced: dict[str, list[bytes]] = {}
    for entry in package.entries:
        if entry.name.startswith("xl/worksheets/sheet"):
            replaced[entry.name] = [cell.sub(rb"\1\3", package.read(entry.name))]
    with target.open("wb") as out:
        package.write(out, replaced)


def _libreoffice(path: Path) -> Values:
    with tempfile.TemporaryDirectory(prefix="sheetprop-") as folder:
        target = recalculated(path, Path(folder))
        values = stored_values(target)
    book = open_book(path)
    wanted: dict[str, dict[str, Value]] = {name: {} for name in book.sheet_names}
    for store, row, column in _formula_cells(book):
        spot = address(row, column)
        wanted[store.name][spot] = values.get(store.name, {}).get(spot)
    return wanted


def stored_values(path: str | os.PathLike[str]) -> Values:
    """Return the values that are stored in a file, formulas' ones included, without calculating."""
    from sheetprop.engine.stored import stored_cells

    book = open_book(path)
    return {sheet: {address(row, column): value for (row, column), value in cells.items()}
            for sheet, cells in stored_cells(book._space).items()}


def _formulas_model(path: Path) -> Values:
    try:
        import formulas
    except ImportError:
        raise SheetpropError("engine 'formulas-model': is not installed; pip install formulas") from None
    try:
        model = formulas.ExcelModel().loads(str(path)).finish()
        solution = model.calculate()
    except Exception as error:
        raise SheetpropError(f"{path}: formulas cannot use it ({error}); try another engine") from None
    held: dict[tuple[str, str], Any] = {}
    for key, found in solution.items():
        text = str(key)
        if "!" not in text or not hasattr(found, "value"):
            continue
        sheet, _, spot = text.rpartition("!")
        if ":" not in spot:
            held[(sheet.strip("'").rpartition("]")[2].replace("''", "'").casefold(), spot.upper())] = found.value
    return _gathered(open_book(path), lambda sheet, row, column: held.get((sheet.casefold(), address(row, column))))


class _Compiled:
    """A formula compiled by `formulas`, and which of its inputs mean which nodes of our tree."""

    __slots__ = ("function", "nodes")

    def __init__(self, function: Any, nodes: list[Node]) -> None:
        self.function = function
        self.nodes = nodes


def _formulas(path: Path) -> Values:
    """Evaluate with the library's compiled functions, one for each family."""
    try:
        import formulas
    except ImportError:
        raise SheetpropError("engine 'formulas': is not installed; pip install formulas") from None
    book = open_book(path)
    space = book._space
    parser = formulas.Parser()
    compiled: dict[tuple[str, int, int], _Compiled] = {}

    def compile_family(family: Family, row: int, column: int) -> _Compiled:
        shape = _shape(family)
        if (shape, 0, 0) not in compiled:
            tree = family.tree.arguments[0] if isinstance(family.tree, Call) and family.tree.name == "#ARRAY" \
                else family.tree
            row, column = _apart(tree, row, column)
            text = formula_text(tree, row, column)
            function = parser.ast("=" + text)[1].compile()
            spelled = _spelled(tree, row, column)
            compiled[(shape, 0, 0)] = _Compiled(function, [spelled[name.upper()] for name in function.inputs])
            compiled[(shape, 1, 1)] = _Compiled(None, list(_places(tree)))
        made = compiled[(shape, 0, 0)]
        if _shape_is_exact(family):
            return made
        # The same formula with other fixed cells: hand over this family's own cells in their place.
        own = list(_places(family.tree))
        model = compiled[(shape, 1, 1)].nodes
        return _Compiled(made.function, [own[_at(model, node)] for node in made.nodes])

    for batch in _batches(space):
        try:
            _run_batch(space, batch, compile_family)
        except SheetpropError:
            raise
        except Exception as error:
            sheet, unit = batch[0].sheet.name, batch[0]
            raise SheetpropError(f"{path}: formulas fails at {sheet}!{address(unit.first, unit.columns[0])} "
                                 f"({type(error).__name__}: {error}); try another engine") from None
    return _gathered(book, lambda sheet, row, column: space.sheet_named(sheet).get(row, column))


def _apart(tree: Node, row: int, column: int) -> tuple[int, int]:
    """Return a cell near (row, column) at which references that differ are also spelled differently.

    On its first row ``X8<=X$8/2`` names one cell twice, and a function compiled there would take one
    input where every other row needs two.
    """
    different = {repr(node) for node in _places(tree)}
    for step in range(50):
        spelled = _spelled(tree, row + step, column + step)
        if len({repr(node) for node in spelled.values()}) == len(different):
            return row + step, column + step
    return row, column


def _places(tree: Node) -> list[Node]:
    return [node for node in tree.walk() if isinstance(node, Cell | Area | Name)]


def _at(nodes: list[Node], wanted: Node) -> int:
    return next(at for at, node in enumerate(nodes) if node is wanted)


def _spelled(tree: Node, row: int, column: int) -> dict[str, Node]:
    """Return the names that `formulas` gives to the inputs of a formula -> nodes of our tree."""
    found: dict[str, Node] = {}
    for node in _places(tree):
        if isinstance(node, Name):
            found[node.name.upper()] = node
            continue
        assert isinstance(node, Cell | Area)
        sheet = "" if node.sheet is None else quoted(node.sheet).upper() + "!"
        if isinstance(node, Cell):
            spot = address(*node.at(row, column))
            found[f"{sheet}{spot}"] = node
        elif isinstance(node, Area):
            top, left, bottom, right = node.at(row, column)
            found[f"{sheet}{address(top, left)}:{address(bottom, right)}"] = node
    return found


def _shape_is_exact(family: Family) -> bool:
    return not any(isinstance(node, Cell) and node.row_fixed and node.column_fixed for node in family.tree.walk())


def _shape(family: Family) -> str:
    """Return a family's canonical form with its fixed cells left open, where that is safe."""
    found: str | None = family.cache.get("shape")
    if found is None:
        import re

        text = family.canonical
        cells = [node for node in family.tree.walk() if isinstance(node, Cell) and node.row_fixed and node.column_fixed]
        spots = [(node.sheet, node.row, node.column) for node in cells]
        if cells and len(set(spots)) == len(spots) and '"' not in text:
            text = re.sub(r"(?<![\]:\w])R\d+C\d+(?![:\w\[])", "R?C?", text)
        found = family.cache["shape"] = text
    return found


def _batches(space: Workspace) -> list[list[Unit]]:
    """Return the units of the schedule; units alike on several sheets that do not need each other together."""
    scheduler = Scheduler(space)
    levels: dict[tuple[int, int], int] = {}
    steps = scheduler.run()
    units: list[tuple[int, Unit]] = []
    for step in steps:
        if isinstance(step, Circle):
            raise SheetpropError(f"{step.cells[0][0].name}: holds a circular reference, which engine 'formulas' "
                                 "cannot follow; use another")
        if isinstance(step, Filling):
            raise SheetpropError(f"{step.sheet.name}: holds an array formula over several cells; "
                                 "use engine 'formulas-model'")
        at = step.sheet.block_index(step.first)
        node = (step.sheet.index, at)
        needed = [levels[other] for other in scheduler.needs(node) if other in levels]
        level = max(needed, default=-1) + 1
        # Parts of a block that was split keep the order of the schedule.
        if node in levels:
            level = max(level, levels[node] + 1)
        levels[node] = level
        units.append((level, step))
    groups: dict[object, list[Unit]] = {}
    for level, unit in units:
        shapes = tuple(_shape(unit.program.by_column[column]) for column in unit.columns)
        alike = all(not isinstance(node, Area | Name) for column in unit.columns
                    for node in unit.program.by_column[column].tree.walk())
        key = (level, unit.first, unit.last, unit.columns, shapes, unit.step, 0 if alike else id(unit))
        groups.setdefault(key, []).append(unit)
    return [groups[key] for key in sorted(groups, key=lambda key: key[0])]  # type: ignore[index]


def _run_batch(space: Workspace, batch: list[Unit], compile_family: Callable[[Family, int, int], _Compiled]) -> None:
    import numpy as np
    import schedula

    lead = batch[0]
    calls: list[tuple[int, list[_Compiled]]] = [
        (column, [compile_family(unit.program.by_column[column], unit.first, column) for unit in batch])
        for column in lead.columns]
    rows = range(lead.first, lead.last + 1) if lead.step > 0 else range(lead.last, lead.first - 1, -1)
    together = len(batch) > 1

    def held(value: Value) -> Any:
        if value is None:
            return schedula.EMPTY
        if type(value) is ExcelError:
            from formulas.tokens.operand import XlError

            return XlError(str(value))
        return value

    def given(unit: Unit, node: Node, row: int, column: int) -> Any:
        if isinstance(node, Name):
            meant = space.name_meant(node, unit.sheet)
            if meant is None or not isinstance(meant.tree, Cell | Area):
                raise SheetpropError(f"{unit.sheet.name}!{address(row, column)}: uses the name {node.name}, "
                                     "which is no cell; use engine 'formulas-model'")
            return given(unit, meant.tree, row, column)
        assert isinstance(node, Cell | Area)
        sheet = unit.sheet if node.sheet is None else space.sheet_named(node.sheet)
        if isinstance(node, Cell):
            return held(sheet.get(*node.at(row, column)))
        top, left, bottom, right = node.at(row, column)
        bottom, right = min(bottom, max(sheet.extent()[0], top)), min(right, max(sheet.extent()[1], left))
        return np.array([[held(sheet.get(one, other)) for other in range(left, right + 1)]
                         for one in range(top, bottom + 1)], dtype=object)

    for row in rows:
        for column, compiled in calls:
            inputs: list[Any] = []
            for place in range(len(compiled[0].nodes)):
                parts = [given(unit, made.nodes[place], row, column)
                         for unit, made in zip(batch, compiled, strict=True)]
                if together:
                    numeric = all(type(part) is float for part in parts)
                    inputs.append(np.array(parts, dtype=float if numeric else object).reshape(-1, 1))
                else:
                    only = parts[0]
                    inputs.append(only if isinstance(only, np.ndarray) else np.array(
                        [[only]], dtype=float if type(only) is float else object))
            with np.errstate(all="ignore"):
                result = np.asarray(compiled[0].function(*inputs), dtype=object).reshape(-1)
            for at, unit in enumerate(batch):
                value = plain(result[at if len(result) == len(batch) else 0])
                unit.sheet.set(row, column, 0.0 if value is None else value)

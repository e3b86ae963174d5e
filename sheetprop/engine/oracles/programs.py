"""Other people's programs, at arm's length: they evaluate the same file, we compare.

Nothing here is used to calculate a workbook; it is used to judge how one was calculated.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sheetprop.engine.book import Book
from sheetprop.engine.book import open as open_book
from sheetprop.engine.formula.references import address
from sheetprop.engine.grid.storage import SheetStore
from sheetprop.engine.grid.values import Value
from sheetprop.engine.oracles.compiled import calculate, plain
from sheetprop.errors import SheetpropError, nearest

Values = Mapping[str, Mapping[str, Value]]


def evaluate(path: str | os.PathLike[str], engine: str) -> Values:
    """Let another program evaluate every formula of a workbook.

    Args:
        path: an .xlsx or .xlsm file; it is not changed.
        engine: "formulas" (the library's compiled functions, see `compiled`), "formulas-model" (its whole
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
    from sheetprop.engine.file.loading import load
    from sheetprop.engine.file.package import Package
    from sheetprop.engine.file.stripping import without_values

    package = Package(path)
    parts = [sheet.part for sheet in load(package).sheets if sheet.grid]
    replaced = {part: [without_values(package.read(part), part)] for part in parts}
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
    from sheetprop.engine.file.stored import stored_cells

    book = open_book(path)
    return {sheet: {address(row, column): value for (row, column), value in cells.items()}
            for sheet, cells in stored_cells(book._space.contents).items()}


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


def _formulas(path: Path) -> Values:
    book = open_book(path)
    calculate(book._space, path)
    return _gathered(book, lambda sheet, row, column: book._space.sheet_named(sheet).get(row, column))

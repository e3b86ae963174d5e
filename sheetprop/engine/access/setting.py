"""Puts values, formulas and blocks into the cells of an open workbook, and adds sheets."""

from __future__ import annotations

from sheetprop.engine.access.blocks import lines_of, placed_block
from sheetprop.engine.access.pythonvalues import cell_value
from sheetprop.engine.calculation.session import Session
from sheetprop.engine.file.blank import check_name, free_part
from sheetprop.engine.file.editing import array_replaced, settable
from sheetprop.engine.file.styles import styles_of
from sheetprop.engine.formula.references import address, quoted
from sheetprop.engine.formula.spelling import as_in_file, spills
from sheetprop.engine.formula.tree import Call
from sheetprop.engine.grid.storage import Family, SheetStore, family, family_of
from sheetprop.engine.grid.values import Value
from sheetprop.errors import SheetpropError

_MANY = 2_000_000


def set_cells(session: Session, ref: str, value: object, *, header: bool) -> None:
    """Put a value or a block into cells; see `Book.set`."""
    store, top, left, bottom, right = session.area(ref)
    lines = lines_of(value, header)
    if lines is not None:
        places = placed_block(ref, (top, left, bottom, right), lines)
    elif (bottom - top + 1) * (right - left + 1) > _MANY:
        raise SheetpropError(f"{ref}: is more than {_MANY:,} cells; set fewer at a time")
    else:
        places = [(row, column, value) for row in range(top, bottom + 1) for column in range(left, right + 1)]
    single = len(places) == 1
    # All is read before anything is changed, so that a value that cannot be held changes nothing.
    ready = [(row, column, *_read(session, store, row, column, given, ref if single else _spelled(store, row, column)))
             for row, column, given in places]
    formulas = False
    for row, column, held, form, text, one in ready:
        formulas = _put(session, store, row, column, held, form, text, one) or formulas
    session.changed(formulas=formulas)


def _spelled(store: SheetStore, row: int, column: int) -> str:
    return f"{quoted(store.name)}!{address(row, column)}"


def _read(session: Session, store: SheetStore, row: int, column: int, value: object,
          ref: str) -> tuple[Value, int | None, str, Family | None]:
    """Return what a cell is to hold: a value and the format that shows it, or a formula's text and family."""
    contents = session.space.contents
    settable(contents, store, row, column, value, ref)
    if isinstance(value, str) and value.startswith("=") and len(value) > 1:
        one = family(value, row, column, store.name, contents.outline)
        text = as_in_file(value, one.tree, row, column)
        return None, None, text, family_of(Call("#DYNAMIC", (one.tree,))) if spills(one.tree) else one
    held, form = cell_value(value, ref, contents.date1904)
    if isinstance(held, str) and len(held) > 32_767:
        raise SheetpropError(f"{ref}: cannot hold a text of {len(held):,} characters; a cell holds 32,767")
    return held, form, "", None


def _put(session: Session, store: SheetStore, row: int, column: int, held: Value, form: int | None, text: str,
         one: Family | None) -> bool:
    """Change one cell; say whether a formula came or went."""
    contents = session.space.contents
    replaced = store.family_at(row, column) is not None
    replaced = array_replaced(store, row, column) or replaced
    if one is not None:
        store.put_formula(row, column, one)
        store.formulas_set[(row, column)] = text
        store.edited.pop((row, column), None)
        return True
    if replaced:
        store.put_formula(row, column, None)
        contents.formulas_gone = True
    store.formulas_set.pop((row, column), None)
    store.set(row, column, held)
    store.edited[(row, column)] = held
    if form is not None:
        styles = styles_of(contents)
        style = styles.style_at(contents, store, row, column)
        if style >= styles.count + len(styles.new) or styles.numbers[style] == 0:
            store.styled[(row, column)] = styles.like(style, form)
    return replaced


def add_sheet(session: Session, name: str) -> SheetStore:
    """Add a blank sheet; see `Book.add_sheet`."""
    space = session.space
    contents = space.contents
    check_name(name, session.sheet_names)
    store = SheetStore(name, len(contents.sheets), free_part(contents.package, contents.sheets))
    store.added = True
    contents.sheets.append(store)
    contents.outline.add_sheet(name)
    space.by_name[name.casefold()] = store
    session.sheet_names.append(name)
    session.changed(formulas=True)
    return store

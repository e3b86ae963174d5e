"""How a cell's value reads in the XML of a sheet."""

from __future__ import annotations

import re

from sheetprop.engine.file.xmlparts import escape
from sheetprop.engine.grid.values import ExcelError, Value


def stored(value: Value) -> tuple[bytes, bytes, bytes]:
    """Return what a formula cell holds for its value.

    Returns:
        The type attribute of its ``<c>`` and the attribute of its ``<v>``, each with a blank before it
        or nothing, and the text of its ``<v>``.
    """
    if type(value) is float:
        return b"", b"", repr(value).encode()
    if type(value) is bool:
        return b' t="b"', b"", b"1" if value else b"0"
    if type(value) is ExcelError:
        return b' t="e"', b"", str(value).encode()
    if value is None:
        return b"", b"", b"0.0"
    text = escape(str(value))
    space = b' xml:space="preserve"' if text != text.strip() else b""
    return b' t="str"', space, legal(text).encode("utf-8", "replace")


def legal(text: str) -> str:
    """Replace control characters that XML cannot hold."""
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", lambda found: f"_x{ord(found.group()):04X}_", text)

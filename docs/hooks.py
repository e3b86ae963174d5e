"""Builds the reference of Python names from `sheetprop.__all__`, so that no public name is missing from it."""

from __future__ import annotations

from typing import Any

import sheetprop


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Fill the page of public names with one entry for each."""
    if page.file.src_uri != "reference/python.md":
        return markdown
    entries = []
    for name in sheetprop.__all__:
        if name.startswith("__"):
            continue
        module, _, inner = sheetprop._PUBLIC[name].partition(":")
        entries.append(f"## `sheetprop.{name}`\n\n::: {module}.{inner or name}\n    options:\n      "
                       "show_root_heading: false\n      show_root_toc_entry: false\n")
    return markdown + "\n" + "\n".join(entries)

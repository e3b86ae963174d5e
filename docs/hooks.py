"""What the documentation is made of besides its pages: the reference of Python names, and the pictures of examples/."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

import sheetprop

ROOT = Path(__file__).resolve().parents[1]


def on_files(files: Files, *, config: Any) -> Files:
    """Add the pictures of the README, so that there is one copy of them."""
    for picture in sorted((ROOT / "examples" / "pictures").glob("*.png")):
        files.append(File.generated(config, f"pictures/{picture.name}", abs_src_path=str(picture)))
    return files


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

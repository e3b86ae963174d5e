"""Small workbooks, built once, and ways to spoil them."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch  # noqa: F401 - so that no verification starts a process of its own for it

import sheetprop

Build = Callable[..., Path]


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Return a function that builds the workbook of a spec's options, each once in a session."""
    folder = tmp_path_factory.mktemp("verification")
    built: dict[str, Path] = {}

    def make(exercise: bool = False, **options: Any) -> Path:
        key = repr((exercise, sorted(options.items())))
        if key not in built:
            path = folder / f"book{len(built)}.xlsx"
            sheetprop.build(sheetprop.spec(**options), path, exercise=exercise)
            built[key] = path
        return built[key]

    return make


@pytest.fixture(scope="session")
def classic(build: Build) -> Path:
    """The classic network, two rates, six iterations."""
    return build(preset="classic", learning_rates=(0.5, 2.0), iterations=6)


def patched(path: Path, target: Path, part: str, change: Callable[[str], str]) -> Path:
    """Copy a package with one part changed as text."""
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out:
        for entry in source.infolist():
            data = source.read(entry)
            if entry.filename == part:
                text = data.decode("utf-8")
                new = change(text)
                assert new != text
                data = new.encode("utf-8")
            out.writestr(entry, data)
    return target

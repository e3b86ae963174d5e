"""The fonts that the documents are set in: where they are, and small copies of them for a page.

They come from packages: Source Sans and Source Serif from `font-source-sans-pro` and
`font-source-serif-pro`, DejaVu from matplotlib.
"""

from __future__ import annotations

import base64
import importlib.util
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sheetprop.errors import SheetpropError
from sheetprop.reporting.cache import digest, kept

SANS, SERIF, MONO, FALLBACK = "Source Sans Pro", "Source Serif Pro", "DejaVu Sans Mono", "DejaVu Sans"


@dataclass(frozen=True)
class Face:
    """One font file: family, weight, style, and the package and file that hold it."""

    family: str
    weight: int
    style: str
    package: str
    file: str

    @property
    def path(self) -> Path:
        """Where the file is.

        Raises:
            MissingFontError: it is not installed.
        """
        found = importlib.util.find_spec(self.package)
        path = Path(found.origin).parent / self.file if found is not None and found.origin else None
        if path is None or not path.is_file():
            raise MissingFontError(f"the font {self.family} is not installed; "
                                   f"pip install {self.package.replace('_', '-')}")
        return path


class MissingFontError(SheetpropError):
    """A font that the documents are set in is not installed."""


REGULAR = Face(SANS, 400, "normal", "font_source_sans_pro", "files/SourceSansPro-Regular.ttf")
SEMIBOLD = Face(SANS, 600, "normal", "font_source_sans_pro", "files/SourceSansPro-Semibold.ttf")
ITALIC = Face(SANS, 400, "italic", "font_source_sans_pro", "files/SourceSansPro-It.ttf")
TYPEWRITER = Face(MONO, 400, "normal", "matplotlib", "mpl-data/fonts/ttf/DejaVuSansMono.ttf")
OTHER = Face(FALLBACK, 400, "normal", "matplotlib", "mpl-data/fonts/ttf/DejaVuSans.ttf")
FACES = (
    Face(SERIF, 400, "normal", "font_source_serif_pro", "files/SourceSerifPro-Regular.ttf"),
    Face(SERIF, 400, "italic", "font_source_serif_pro", "files/SourceSerifPro-It.ttf"),
    REGULAR, SEMIBOLD, ITALIC, TYPEWRITER, OTHER,
)

# What a page may need: Latin, Greek, punctuation, indices, arrows and signs of mathematics.
_RANGES = ((0x20, 0x7E), (0xA0, 0x17F), (0x391, 0x3A9), (0x3B1, 0x3C9), (0x2010, 0x2026), (0x2030, 0x203A),
           (0x2070, 0x209C), (0x20AC, 0x20AC), (0x2190, 0x2195), (0x2200, 0x2265), (0x22EE, 0x22EF),
           (0x2713, 0x2717))
# Of the last font only what the others lack.
_LACKING = "⁻⋮⋯✗✓⁺⁼ₒₕ"


def embedded() -> str:
    """Return style rules that hold the fonts themselves, each reduced to the characters that a report may need.

    Raises:
        MissingFontError: one is not installed.
    """
    rules = []
    for face in FACES:
        content = base64.b64encode(_reduced(face)).decode()
        rules.append(f"@font-face{{font-family:'{face.family}';font-weight:{face.weight};font-style:{face.style};"
                     f"font-display:swap;src:url(data:font/woff2;base64,{content}) format('woff2')}}")
    return "\n".join(rules)


@cache
def _reduced(face: Face) -> bytes:
    """Return a font with the characters of a report only, as WOFF2; making it takes seconds, so it is kept."""
    from importlib.metadata import version

    path = face.path
    text = _LACKING if face is OTHER else "".join(chr(k) for first, last in _RANGES for k in range(first, last + 1))
    name = f"{path.stem}-{digest(path.read_bytes(), text, version('fonttools'))}.woff2"
    return kept(name, lambda: _subset(path, text))


def _subset(path: Path, text: str) -> bytes:
    import logging

    logging.getLogger("fontTools").setLevel(logging.ERROR)
    return subset(path, {"text": text}, flavor="woff2", layout_features=["kern", "liga", "tnum", "ccmp", "mark"],
                  drop_tables=["FFTM"])


def subset(path: Path, wanted: dict[str, Any], *, drop_tables: Sequence[str], **options: Any) -> bytes:
    """Return a font file with some of its glyphs only.

    Args:
        path: the font.
        wanted: which glyphs, see `fontTools.subset.Subsetter.populate`.
        drop_tables: what is left out besides what fontTools leaves out by itself.
        options: further `fontTools.subset.Options`.
    """
    from fontTools import subset as fonttools

    chosen = fonttools.Options(hinting=False, notdef_outline=True,
                               drop_tables=[*fonttools.Options._drop_tables_default, *drop_tables], **options)
    font: Any = fonttools.load_font(str(path), chosen)
    worker = fonttools.Subsetter(chosen)
    worker.populate(**wanted)
    worker.subset(font)
    out = io.BytesIO()
    fonttools.save_font(font, out, chosen)
    return out.getvalue()

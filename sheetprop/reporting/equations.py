r"""Typeset mathematics as SVG, without TeX.

matplotlib's mathtext lays a formula out in about 30 ms, most of it parsing. A report has dozens of
formulas made of the same few symbols, so a formula is cut into its atoms (``a_{h_{1}}``, ``\cdot``,
a fraction), each atom is laid out once, and the atoms are set side by side with the spaces that TeX
would put between them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html import escape
from typing import Any

# Layout is done at this size; drawings are scaled by their width in em.
_SIZE = 100.0
# A fraction: scale of its parts, height of the bar above the baseline, thickness of the bar.
_FRACTION, _AXIS, _BAR = 0.84, 26.0, 4.5
# Kinds of points in an outline, as matplotlib numbers them.
_MOVE, _LINE, _QUADRATIC, _CLOSE = 1, 2, 3, 79
_SPACES = {"=": 0.28, "+": 0.22, "-": 0.22, "\\cdot": 0.14, ">": 0.28, ",": 0.1}


@dataclass(frozen=True)
class Atom:
    """A piece of a formula in its own coordinates, y upwards, in hundredths of an em.

    Attributes:
        glyphs: name, x, y and scale of each glyph.
        bars: x, y, width and height of each fraction bar.
        width, ascent, descent: of the whole.
    """

    glyphs: tuple[tuple[str, float, float, float], ...]
    bars: tuple[tuple[float, float, float, float], ...]
    width: float
    ascent: float
    descent: float


Layouts = dict[str, tuple[Atom, dict[str, str]]]
"""Atoms by their source, each with the outlines of its glyphs by name."""


def layouts(formulas: Iterable[str]) -> Layouts:
    """Lay out every atom of some formulas: all of the work that needs matplotlib."""
    setter = Typesetter({})
    for latex in formulas:
        setter.svg(latex, "")
    return setter.known


@dataclass
class Typesetter:
    """Sets formulas; keeps the outlines of the glyphs that they use.

    Attributes:
        known: atoms that are laid out already; others are added when they are met.
        outlines: of the glyphs used so far.
    """

    known: Layouts
    outlines: dict[str, str] = field(default_factory=dict)

    def svg(self, latex: str, spoken: str, *, size: float = 1.0, shared: bool = False) -> str:
        """Return a formula as an SVG element whose sizes are in em.

        Args:
            latex: the formula.
            spoken: the same as plain text, for those who do not see it.
            size: its size relative to the text around it.
            shared: refer to glyphs drawn once in `sprite` instead of drawing them here.
        """
        line = self._line(latex)
        pad = 4.0
        ascent, descent = line.ascent, line.descent
        width, height = line.width + 2 * pad, ascent + descent + 2 * pad
        em = size / _SIZE
        return (
            f'<svg class="math" role="img" aria-label="{escape(spoken, quote=True)}" '
            f'xmlns="http://www.w3.org/2000/svg" viewBox="{-pad:g} {-ascent - pad:.4g} {width:.5g} {height:.4g}" '
            f'width="{width * em:.3f}em" height="{height * em:.3f}em" '
            f'style="vertical-align:{-(descent + pad) * em:.3f}em"><title>{escape(spoken)}</title>'
            f'<g fill="currentColor">{self._draw(line, shared=shared)}</g></svg>')

    def _line(self, latex: str) -> Atom:
        """Set the atoms of a formula side by side."""
        parts: list[tuple[Atom, float, float, float]] = []
        x = 0.0
        before = ""
        for token in tokens(latex):
            atom = self._atom(token)
            gap = _SPACES.get(token, 0.0) * _SIZE
            # A minus at the beginning or after a bracket is a sign, not an operation.
            if token in ("-", "+") and before in ("", "("):
                gap = 0.0
            x += gap if token != "," else 0.0
            parts.append((atom, x, 0.0, 1.0))
            x += atom.width + gap
            before = token
        return _joined(parts, x)

    def _draw(self, atom: Atom, *, shared: bool) -> str:
        parts = []
        for name, left, base, scale in atom.glyphs:
            factor = "" if abs(scale - 1) < 1e-6 else f" scale({scale:.4g})"
            place = f'transform="translate({left:.5g} {-base:.5g}){factor}"'
            if shared:
                parts.append(f'<use href="#{name}" {place}/>')
            else:
                parts.append(f'<path d="{self.outlines[name]}" {place}/>')
        for left, bottom, width, height in atom.bars:
            parts.append(f'<path d="M{left:.5g} {-bottom - height:.5g}h{width:.5g}v{height:.4g}h{-width:.5g}z"/>')
        return "".join(parts)

    def sprite(self) -> str:
        """Return the outlines of all glyphs used so far, to be put once into a page."""
        glyphs = "".join(f'<path id="{name}" d="{outline}"/>' for name, outline in sorted(self.outlines.items()))
        return (f'<svg xmlns="http://www.w3.org/2000/svg" width="0" height="0" style="position:absolute" '
                f'aria-hidden="true"><defs>{glyphs}</defs></svg>')

    def _atom(self, token: str) -> Atom:
        fraction = re.fullmatch(r"\\frac\{(.*)\}\{(.*)\}", token)
        if fraction and _balanced(fraction.group(1)):
            return self._fraction(self._line(fraction.group(1)), self._line(fraction.group(2)))
        if token not in self.known:
            self.known[token] = _layout(token)
        atom, outlines = self.known[token]
        self.outlines.update(outlines)
        return atom

    def _fraction(self, above: Atom, below: Atom) -> Atom:
        """Set one line above another with a bar between, a little smaller."""
        width = max(above.width, below.width) * _FRACTION + 16.0
        parts = [
            (above, (width - above.width * _FRACTION) / 2, _AXIS + 12.0 + above.descent * _FRACTION, _FRACTION),
            (below, (width - below.width * _FRACTION) / 2, _AXIS - 12.0 - below.ascent * _FRACTION, _FRACTION),
        ]
        both = _joined(parts, width)
        bar = (3.0, _AXIS - _BAR / 2, width - 6.0, _BAR)
        return Atom(both.glyphs, (*both.bars, bar), width + 6.0, both.ascent, both.descent)


def _joined(parts: list[tuple[Atom, float, float, float]], width: float) -> Atom:
    """Return atoms, each with its place and scale, as one."""
    glyphs = tuple((name, x + scale * left, y + scale * base, scale * size)
                   for atom, x, y, scale in parts for name, left, base, size in atom.glyphs)
    bars = tuple((x + scale * left, y + scale * bottom, scale * wide, scale * high)
                 for atom, x, y, scale in parts for left, bottom, wide, high in atom.bars)
    return Atom(glyphs, bars, width, max((y + scale * atom.ascent for atom, _, y, scale in parts), default=0.0),
                max((scale * atom.descent - y for atom, _, y, scale in parts), default=0.0))


def _balanced(text: str) -> bool:
    depth = 0
    for character in text:
        depth += {"{": 1, "}": -1}.get(character, 0)
        if depth < 0:
            return False
    return depth == 0


def tokens(latex: str) -> Iterator[str]:
    r"""Cut a formula at the operators outside of braces; brackets stand alone and ``\left`` is dropped."""
    text = latex.replace("\\left", "").replace("\\right", "").replace("\\tfrac", "\\frac").replace("\\, ", " ")
    depth = 0
    current = ""
    position = 0
    while position < len(text):
        character = text[position]
        command = re.match(r"\\[a-zA-Z]+", text[position:])
        if depth == 0 and command and command.group(0) in ("\\cdot", "\\partial"):
            if current.strip():
                yield current.strip()
            current = ""
            yield command.group(0)
            position += len(command.group(0))
            continue
        if command:
            current += command.group(0)
            position += len(command.group(0))
            continue
        if character in "{}":
            depth += 1 if character == "{" else -1
        if depth == 0 and character in "=+-()[]>,":
            if current.strip():
                yield current.strip()
            current = ""
            yield character
        else:
            current += character
        position += 1
    if current.strip():
        yield current.strip()


def _layout(token: str) -> tuple[Atom, dict[str, str]]:
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextToPath

    # A superscript that follows a bracket has no base of its own.
    source = f"${{}}{token}$" if token.startswith("^") else f"${token}$"
    setter = TextToPath()
    prop = FontProperties(size=setter.FONT_SCALE, math_fontfamily="stix")
    placed, found, bars = setter.get_glyphs_mathtext(prop, source)
    width, height, descent = setter.get_text_width_height_descent(source, prop, ismath=True)
    names = {name: "g-" + re.sub(r"[^A-Za-z0-9]+", "-", name.replace("STIX", "")) for name in found}
    outlines = {names[name]: _outline(*found[name]) for name in found}
    glyphs = tuple((names[name], round(float(x), 2), round(float(y), 2), round(float(scale), 4))
                   for name, x, y, scale in placed)
    boxes = []
    for vertices, _ in bars:
        xs, ys = [float(v[0]) for v in vertices[:4]], [float(v[1]) for v in vertices[:4]]
        boxes.append((round(min(xs), 2), round(min(ys), 2), round(max(xs) - min(xs), 2), round(max(ys) - min(ys), 2)))
    return Atom(glyphs, tuple(boxes), float(width), float(height) - float(descent), float(descent)), outlines


def _outline(vertices: Any, codes: Any) -> str:
    """Return the outline of a glyph, y downwards."""
    parts: list[str] = []
    points: list[str] = []
    for (x, y), kind in zip(vertices, codes, strict=True):
        if kind == _CLOSE:
            parts.append("Z")
            continue
        points.append(f"{x:.4g} {-y:.4g}")
        if kind in (_MOVE, _LINE):
            parts.append(("M" if kind == _MOVE else "L") + points.pop())
        elif len(points) == kind - 1:
            parts.append(("Q" if kind == _QUADRATIC else "C") + " ".join(points))
            points = []
    return "".join(parts)

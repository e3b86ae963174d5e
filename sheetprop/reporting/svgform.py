"""Our drawings (SVG) as drawings of a PDF (form XObjects).

WeasyPrint lays out the text of an SVG letter by letter. Our drawings hold thousands of labels, each a
line of plain text, and use a small part of SVG, so their content is written here: faster by far, and
search and copy in the PDF find words. WeasyPrint gets a stand-in, a picture of the same shape; when
the document is finished, the drawing takes its place.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from xml.etree import ElementTree

from sheetprop.reporting.formfonts import Fonts, Reduced
from sheetprop.reporting.typefaces import ITALIC, REGULAR, SEMIBOLD, TYPEWRITER, Face

# A stand-in is known by its width.
_FIRST_WIDTH = 300
_SVG = "{http://www.w3.org/2000/svg}"
_LINK = "{http://www.w3.org/1999/xlink}href"
_TOKEN = re.compile(r"[A-Za-z]|-?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?")
_NAMED = {"white": "#ffffff", "black": "#000000"}
# How far the handles of four curves stand out so that they make a circle.
_ROUND = 0.5522847
_INHERITED = {"fill", "stroke", "stroke-width", "stroke-linecap", "stroke-linejoin", "stroke-dasharray", "font-family",
              "font-size", "font-weight", "font-style", "text-anchor"}
_CAPS = {"butt": 0, "round": 1, "square": 2}
_JOINS = {"miter": 0, "round": 1, "bevel": 2}

Style = Mapping[str, str]


def stand_in(svg: str, number: int) -> str:
    """Return a white picture of a drawing's shape that is known by its number, as a data URI."""
    from PIL import Image

    _, _, wide, high = _view(ElementTree.fromstring(svg))
    width = _FIRST_WIDTH + number
    out = io.BytesIO()
    Image.new("L", (width, max(1, round(width * high / wide))), 255).save(out, format="PNG")
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()


@dataclass(frozen=True)
class Form:
    """A drawing as a PDF holds it: its content stream, its size, and the names of the fonts that it uses."""

    content: bytes
    wide: float
    high: float
    used: frozenset[str]


@dataclass(frozen=True)
class Forms:
    """Drawings in the order of their numbers, and their fonts."""

    forms: tuple[Form, ...]
    fonts: tuple[Reduced, ...]


def forms(drawings: Sequence[str]) -> Forms:
    """Return drawings, given as SVG, as a PDF holds them: all of the work that needs no PDF."""
    fonts = Fonts()
    made = []
    for svg in drawings:
        drawing = _Drawing(svg, fonts)
        content = drawing.content()
        made.append(Form(content, *drawing.view[2:], frozenset(drawing.used)))
    return Forms(tuple(made), fonts.reduced())


def put_in(pdf: Any, drawn: Forms) -> None:
    """Put drawings in the place of their stand-ins.

    Args:
        pdf: a `pydyf.PDF`, as WeasyPrint gives it to a finisher.
        drawn: what `forms` returned.
    """
    import pydyf

    pictures = {int(item.extra["Width"]): item for item in pdf.objects
                if isinstance(item, pydyf.Stream) and item.extra.get("Subtype") == "/Image"}
    fonts = {font.name: font.add_to(pdf) for font in drawn.fonts}
    for number, form in enumerate(drawn.forms):
        picture = pictures.get(_FIRST_WIDTH + number)
        if picture is None:
            continue  # a template of the user's own may leave a drawing out
        picture.stream, picture.compress = [form.content], True
        # A picture fills the unit square; the form is scaled to do the same.
        picture.extra = pydyf.Dictionary({
            "Type": "/XObject", "Subtype": "/Form", "BBox": pydyf.Array((0, 0, form.wide, form.high)),
            "Matrix": pydyf.Array((f"{1 / form.wide:.9f}", 0, 0, f"{1 / form.high:.9f}", 0, 0)),
            "Resources": pydyf.Dictionary(
                {"Font": pydyf.Dictionary({name: fonts[name] for name in sorted(form.used)})} if form.used else {})})


def _view(root: ElementTree.Element) -> tuple[float, float, float, float]:
    left, top, wide, high = map(float, root.get("viewBox", "").split())
    return left, top, wide, high


class _Drawing:
    """One drawing on its way into a content stream."""

    def __init__(self, svg: str, fonts: Fonts) -> None:
        self._root = ElementTree.fromstring(svg)
        self._fonts = fonts
        self._named = {item.get("id", ""): item for item in self._root.iter() if item.get("id")}
        self.view = _view(self._root)
        self.used: set[str] = set()

    def content(self) -> bytes:
        """Return the content stream."""
        left, top, _, high = self.view
        # y points upwards in a PDF.
        parts = [f"1 0 0 -1 {_n(-left, top + high)} cm 1 j"]
        parts += self._children(self._root, {"fill": "#000000", "stroke": "none", "stroke-linejoin": "round"})
        return "\n".join(parts).encode()

    def _children(self, node: ElementTree.Element, style: Style) -> Iterator[str]:
        style = _styled(node, style)
        for child in node:
            yield from self._drawn(child, style)

    def _drawn(self, node: ElementTree.Element, style: Style) -> Iterator[str]:
        tag = node.tag.removeprefix(_SVG)
        if tag in ("title", "defs", "style", "clipPath"):
            return
        apart = [*_moved(node.get("transform")), *self._clipped(node.get("clip-path"))]
        if apart:
            yield "q"
            yield from apart
        if tag == "g":
            yield from self._children(node, style)
        elif tag == "use":
            yield from self._used(node, style)
        elif tag == "text":
            yield from self._text(node, _styled(node, style))
        else:
            yield from _painted(" ".join(_outline(tag, node)), _styled(node, style), node)
        if apart:
            yield "Q"

    def _clipped(self, reference: str | None) -> Iterator[str]:
        if reference:
            for shape in self._named[reference.removeprefix("url(#").removesuffix(")")]:
                yield from _outline(shape.tag.removeprefix(_SVG), shape)
            yield "W n"

    def _used(self, node: ElementTree.Element, style: Style) -> Iterator[str]:
        target = self._named[(node.get(_LINK) or node.get("href") or "").removeprefix("#")]
        yield f"q 1 0 0 1 {node.get('x', '0')} {node.get('y', '0')} cm"
        yield from self._drawn(target, _styled(node, style))
        yield "Q"

    def _text(self, node: ElementTree.Element, style: Style) -> Iterator[str]:
        text = node.text or ""
        if not text.strip():
            return
        size = float(style.get("font-size", "12").removesuffix("px"))
        runs = self._fonts.runs(_face(style), text)
        shift = {"middle": 0.5, "end": 1.0}.get(style.get("text-anchor", "start"), 0.0)
        width = sum(font.width(run) for font, run in runs) * size if shift else 0.0
        x, y = float(node.get("x", "0")) - shift * width, float(node.get("y", "0"))
        yield f"{_colour(style['fill'], 1.0)} rg BT 1 0 0 -1 {x:.2f} {y:.2f} Tm"
        for font, run in runs:
            self.used.add(font.name)
            yield f"/{font.name} {_n(size)} Tf <{font.encode(run)}> Tj"
        yield "ET"


def _styled(node: ElementTree.Element, style: Style) -> Style:
    """Return the style of an element: what it inherits, its attributes, and its style attribute."""
    own = {name: value for name, value in node.items() if name in _INHERITED}
    if declared := node.get("style"):
        for declaration in declared.split(";"):
            name, _, value = declaration.partition(":")
            if name.strip() in _INHERITED:
                own[name.strip()] = value.strip()
    return {**style, **own} if own else style


def _face(style: Style) -> Face:
    if "Mono" in style.get("font-family", ""):
        return TYPEWRITER
    if style.get("font-weight", "normal") in ("bold", "600", "700"):
        return SEMIBOLD
    return ITALIC if style.get("font-style") == "italic" else REGULAR


def _moved(transform: str | None) -> Iterator[str]:
    """Yield the transformations of an element."""
    import math

    for kind, numbers in re.findall(r"(\w+)\(([^)]*)\)", transform or ""):
        values = [float(value) for value in re.split(r"[\s,]+", numbers.strip())]
        if kind == "translate":
            yield f"1 0 0 1 {_n(values[0], values[1] if len(values) > 1 else 0.0)} cm"
        elif kind == "scale":
            yield f"{_n(values[0])} 0 0 {_n(values[-1])} 0 0 cm"
        elif kind == "rotate":
            angle, x, y = values if len(values) == 3 else (values[0], 0.0, 0.0)
            if angle:
                cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
                yield f"{_n(cos, sin, -sin, cos, x - cos * x + sin * y, y - sin * x - cos * y)} cm"
        else:
            raise ValueError(f"a drawing uses the transformation {kind}, which is not known here")


def _n(*values: float) -> str:
    """Return numbers as a content stream writes them, which knows no exponents."""
    return " ".join(f"{value:.4f}".rstrip("0").rstrip(".") for value in values)


def _colour(code: str, opacity: float) -> str:
    """Return a colour as three numbers; on white paper a transparent colour is a lighter one."""
    code = _NAMED.get(code, code)
    digits = code[1:] if len(code) == 7 else "".join(2 * digit for digit in code[1:])
    return " ".join(f"{1 - opacity * (1 - int(digits[k:k + 2], 16) / 255):.3g}" for k in (0, 2, 4))


def _painted(outline: str, style: Style, node: ElementTree.Element) -> Iterator[str]:
    """Fill and stroke an outline."""
    whole = float(node.get("opacity", "1"))
    fill, stroke = style["fill"], style["stroke"]
    if fill != "none":
        yield f"{_colour(fill, whole * float(node.get('fill-opacity', '1')))} rg"
    if stroke != "none":
        yield f"{_colour(stroke, whole)} RG {_n(float(style.get('stroke-width', '1')))} w"
        yield f"{_CAPS[style.get('stroke-linecap', 'butt')]} J {_JOINS[style['stroke-linejoin']]} j"
        dashes = style.get("stroke-dasharray", "none")
        yield f"[{'' if dashes == 'none' else dashes.replace(',', ' ')}] 0 d"
    yield outline
    yield {(True, True): "B", (True, False): "f", (False, True): "S"}.get((fill != "none", stroke != "none"), "n")


def _outline(tag: str, node: ElementTree.Element) -> Iterator[str]:
    """Yield the outline of a shape."""
    def value(name: str) -> float:
        return float(node.get(name, "0").removesuffix("%"))

    if tag == "path":
        yield _path(node.get("d", ""))
    elif tag == "rect" and node.get("rx"):
        yield from _rounded(value("x"), value("y"), value("width"), value("height"), value("rx"))
    elif tag == "rect":
        yield f"{_n(value('x'), value('y'), value('width'), value('height'))} re"
    elif tag == "circle":
        radius = value("r")
        yield from _rounded(value("cx") - radius, value("cy") - radius, 2 * radius, 2 * radius, radius)
    else:
        raise ValueError(f"a drawing holds the element {tag}, which is not known here")


def _rounded(x: float, y: float, wide: float, high: float, r: float) -> Iterator[str]:
    """Yield a rectangle with round corners."""
    k = r * (1 - _ROUND)
    right, low = x + wide, y + high
    yield f"{_n(x + r, y)} m {_n(right - r, y)} l {_n(right - k, y, right, y + k, right, y + r)} c"
    yield f"{_n(right, low - r)} l {_n(right, low - k, right - k, low, right - r, low)} c"
    yield f"{_n(x + r, low)} l {_n(x + k, low, x, low - k, x, low - r)} c"
    yield f"{_n(x, y + r)} l {_n(x, y + k, x + k, y, x + r, y)} c h"


_COUNTS = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "Q": 4, "Z": 0}


@lru_cache(maxsize=1024)
def _path(data: str) -> str:
    """Return the outline that a path describes; the letters of equations come again and again."""
    return " ".join(_steps(data))


def _steps(data: str) -> Iterator[str]:
    """Yield the steps of an outline."""
    tokens = _TOKEN.findall(data)
    x = y = 0.0
    at, command = 0, ""
    while at < len(tokens):
        if tokens[at].isalpha():
            command = tokens[at]
            at += 1
        kind = command.upper()
        count = _COUNTS[kind]
        given = [float(token) for token in tokens[at:at + count]]
        at += count
        if command.islower():
            given = [value + (y if kind == "V" or (kind != "H" and k % 2) else x) for k, value in enumerate(given)]
        if kind == "Z":
            yield "h"
            continue
        if kind == "H":
            given = [given[0], y]
        elif kind == "V":
            given = [x, given[0]]
        elif kind == "Q":  # a PDF knows cubic curves only
            ax, ay, bx, by = given
            given = [x + (ax - x) * 2 / 3, y + (ay - y) * 2 / 3, bx + (ax - bx) * 2 / 3, by + (ay - by) * 2 / 3, bx, by]
        x, y = given[-2:]
        yield f"{_n(*given)} {'m' if kind == 'M' else 'c' if len(given) == 6 else 'l'}"
        if kind == "M":
            command = "l" if command == "m" else "L"

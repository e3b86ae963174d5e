"""From the context to HTML and Markdown."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

from sheetprop.reporting import digits, figures, palette, svgform, typefaces
from sheetprop.reporting.context import Context
from sheetprop.reporting.environment import environment, slug, told
from sheetprop.reporting.equations import Typesetter
from sheetprop.reporting.figures import Figures

# On the screen colours follow the reader's choice of light or dark.
_SCREEN = {palette.INK: "var(--ink)", palette.MUTED: "var(--muted)", palette.RULE: "var(--rule)",
           **{colour: f"var(--s{k})" for k, colour in enumerate(palette.SERIES, start=1)}}
# So much larger a narrow sheet is shown that is alone on its page.
_ALONE = 1.5


@dataclass(frozen=True)
class Paper:
    """What a PDF is made from.

    Attributes:
        text: the page.
        drawings: as SVG; each takes the place of its stand-in in the page.
    """

    text: str
    drawings: tuple[str, ...]


def html(context: Context, drawn: Figures, folder: Path | None = None) -> str:
    """Return the self-contained page.

    Args:
        context: what it says.
        drawn: the figures.
        folder: templates that take the place of ours.
    """
    from markupsafe import Markup

    setter = Typesetter(drawn.layouts)
    env = environment(folder)
    env.globals.update(
        math=lambda latex, spoken, size=1.0: Markup(setter.svg(latex, spoken, size=size, shared=True)),
        digit_uri=digits.data_uri, slug=slug)
    with told():
        body = env.get_template("html/body.html.j2").render(
            c=context, medium="screen", figures={k: Markup(_screen(v)) for k, v in drawn.svg.items()})
        return str(env.get_template("html/page.html.j2").render(
            c=context, body=Markup(body), sprite=Markup(setter.sprite()), fonts=Markup(_fonts()),
            looks=Markup(look_styles(context)),
            data=Markup(context.backprop.choice.json()) if context.backprop is not None else None))


def _screen(svg: str) -> str:
    return re.sub("|".join(map(re.escape, _SCREEN)), lambda match: _SCREEN[match.group(0)], svg)


def _fonts() -> str:
    """Return the fonts as style rules that hold them; without them a page is set in the reader's own."""
    try:
        return typefaces.embedded()
    except typefaces.MissingFontError:
        return ""


def look_styles(context: Context) -> str:
    """Return a style rule for each look that a pictured cell has."""
    if context.backprop is None:
        return ""
    pictures = context.backprop.pictures
    used = {cell.look for sheet in pictures.sheets for row in sheet.rows for cell in row.cells if cell.look >= 0}
    rules = []
    for number in sorted(used):
        if number >= len(pictures.looks):
            continue
        look = pictures.looks[number]
        parts = [f"font-size:{look.size * 1.14:.3g}px"]
        parts += [f"background:#{look.fill}"] if look.fill else []
        parts += [f"color:#{look.colour}"] if look.colour else []
        parts += ["font-weight:600"] if look.bold else []
        parts += ["font-style:italic"] if look.italic else []
        parts += [f"text-align:{look.align}"] if look.align in ("left", "right", "center") else []
        parts += ["white-space:normal"] if look.wrap else []
        parts += ["font-family:var(--code)"] if look.mono else []
        parts += ["border-color:#c9d1da"] if look.border else []
        rules.append(f".grid td.l{number}{{{';'.join(parts)}}}")
    return "\n".join(rules)


def paper(context: Context, drawn: Figures, folder: Path | None = None, *, page: str = "A4") -> Paper:
    """Return what the PDF is made from.

    Drawings are kept out of the page: an image costs nothing to parse and to style.

    Raises:
        MissingFontError: a font is not installed.
    """
    from markupsafe import Markup

    drawings: list[str] = []

    def image(svg: str, spoken: str, style: str = "") -> Any:
        stand_in = svgform.stand_in(svg, len(drawings))
        drawings.append(svg.replace("currentColor", palette.INK))
        return Markup('<img class="drawing" src="{}" alt="{}" style="{}">').format(stand_in, spoken, style)

    def equation(latex: str, spoken: str, size: float = 1.0) -> Any:
        drawing = setter.svg(latex, spoken, size=size)
        shape = re.search(r'width="([^"]*)" height="([^"]*)" style="([^"]*)"', drawing)
        assert shape is not None
        width, height, style = shape.groups()
        return image(drawing, spoken, f"width:{width};height:{height};{style}")

    setter = Typesetter(drawn.layouts)
    env = environment(folder)
    env.globals.update(math=equation, digit_uri=digits.data_uri, slug=slug)
    with told():
        text = str(env.get_template("paper/page.html.j2").render(
            c=context, medium="paper", figures={k: image(v, _described(v)) for k, v in drawn.svg.items()},
            page_size=page,
            sheets=[(d.picture, d.view, [image(p, _described(p), _share(p, d)) for p in d.pieces])
                    for d in drawn.sheets],
            faces=[(face, face.path.as_uri()) for face in typefaces.FACES]))
    return Paper(text, tuple(drawings))


def _share(svg: str, drawing: figures.SheetDrawing) -> str:
    """Return the width of a piece of a sheet as a share of the page: one scale for all pieces of a sheet."""
    found = re.search(r'width="(\d+)', svg)
    scale = _ALONE if len(drawing.pieces) == 1 else figures.PAGE / drawing.page
    return f"width:{min(100.0, 100.0 * scale * int(found.group(1)) / figures.PAGE):.2f}%" if found else ""


def _described(svg: str) -> str:
    """Return the words that a drawing gives for those who do not see it."""
    found = re.search(r"<title>(.*?)</title>", svg, re.DOTALL)
    return unescape(found.group(1)) if found else "drawing"


def markdown(context: Context, drawn: Figures, folder: Path | None = None) -> tuple[str, dict[str, bytes]]:
    """Return the text, and the pictures beside it by their relative names."""
    from markupsafe import Markup

    pictures: dict[str, bytes] = {}
    for name, svg in drawn.svg.items():
        if name == figures.FRONT:
            continue  # a copy of another, needed where drawings stand in the page itself
        pictures[f"pictures/{slug(name)}.svg"] = _standalone(svg)
    sheets: list[tuple[Any, str, list[str]]] = []
    for drawing in drawn.sheets:
        files = []
        for number, piece in enumerate(drawing.pieces, start=1):
            tail = f"-{number}" if len(drawing.pieces) > 1 else ""
            name = f"pictures/sheet-{slug(drawing.picture.name)}-{drawing.view}{tail}.svg"
            pictures[name] = piece.encode()
            files.append(name)
        sheets.append((drawing.picture, drawing.view, files))
    if context.mnist is not None and context.mnist.misclassified:
        pictures["pictures/misclassified.png"] = digits.contact_sheet(context.mnist.misclassified)
    env = environment(folder, markdown=True)
    env.globals.update(slug=slug, latex=lambda text: Markup(text))
    with told():
        text = env.get_template("markdown/report.md.j2").render(c=context, figures=set(drawn.svg), sheets=sheets)
    return re.sub(r"\n{3,}", "\n\n", str(text)).strip() + "\n", pictures


def _standalone(svg: str) -> bytes:
    """Return a drawing with a white page behind it, for readers with a dark page."""
    return re.sub(r"(<svg[^>]*>)", r'\1<rect width="100%" height="100%" fill="#ffffff"/>', svg, count=1).encode()

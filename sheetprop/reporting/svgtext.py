"""Text of drawings in the PDF as words instead of single letters.

WeasyPrint lays out and draws the text of an SVG letter by letter, since SVG may place each letter by
itself. Our drawings never do. Drawn as a whole, thousands of labels take a fifth of the time, and
search and copy in the PDF find words. Where WeasyPrint's inside does not look as expected, nothing
is changed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from math import inf
from typing import Any


@contextlib.contextmanager
def whole_lines() -> Iterator[None]:
    """Draw the text of drawings as whole lines while the block runs."""
    try:
        from weasyprint import svg
        from weasyprint.css.properties import INITIAL_VALUES
        from weasyprint.draw.text import draw_first_line
        from weasyprint.matrix import Matrix
        from weasyprint.svg.text import Style, TextBox
        from weasyprint.text.line_break import split_first_line

        tags: dict[str, Any] = svg.TAGS
        original = tags["text"]
    except (ImportError, AttributeError, KeyError):
        yield
        return

    def line(drawing: Any, node: Any, font_size: float) -> None:
        content = node.text
        if not content:
            return
        style = Style()
        style.update(INITIAL_VALUES)
        style.font_config = drawing.font_config
        style["font_family"] = [name.strip(" \"'") for name in node.get("font-family", "sans-serif").split(",")]
        style["font_style"] = node.get("font-style", "normal")
        weight = node.get("font-weight", "400")
        style["font_weight"] = {"normal": 400, "bold": 700}.get(weight) or int(weight)
        style["font_size"] = font_size
        layout, _, _, width, _, baseline = split_first_line(content, style, drawing.context, inf, 0)
        x, y = float(node.get("x", 0)), float(node.get("y", 0))
        x -= {"middle": width / 2, "end": width}.get(node.get("text-anchor", "start"), 0.0)
        drawing.stream.push_state()
        fill, stroke = drawing.set_graphical_state(node, font_size)
        drawing.stream.begin_text()
        layout.reactivate(style)
        drawing.fill_stroke(fill, stroke, text=True)
        box = TextBox(layout, style)
        box.baseline = baseline
        draw_first_line(drawing.stream, box, "none", "none", Matrix(a=1, d=-1, e=x, f=y))
        drawing.stream.end_text()
        drawing.stream.pop_state()

    changed = [name for name, draw in tags.items() if draw is original and name == "text"]
    for name in changed:
        tags[name] = line
    try:
        yield
    finally:
        for name in changed:
            tags[name] = original

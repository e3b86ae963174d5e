"""The architecture of a network as an SVG drawing."""

from __future__ import annotations

from html import escape

from sheetprop.mnist.record import LayerRow, NetworkTable

_STEP, _HIGH, _TOP = 96, 150, 56
_LETTER = 9  # about the width of a letter of the title
_FILLS = {"Conv2d": "#4477aa", "Linear": "#aa6633", "MaxPool2d": "#ddcc77", "AvgPool2d": "#ddcc77",
          "AdaptiveAvgPool2d": "#ddcc77"}


def diagram(table: NetworkTable) -> str:
    """Return a drawing of the network: a block for each layer that changes the shape.

    Blocks show the map's side (height) and channels (width, not to scale), the kernel, the
    parameters and the receptive field; what follows without changing the shape (normalisation,
    ReLU, dropout) stands under its block. Figures are text, so that the drawing can be searched
    and read aloud; colours are not the only cue.
    """
    blocks = _blocks(table.layers)
    title = f"{table.name}: {table.title}, {table.parameters:,} parameters"
    wide = max(_STEP * (len(blocks) + 1), _LETTER * len(title)) + 40
    tall = _TOP + _HIGH + 118
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {tall}" width="{wide}" height="{tall}" '
        f'role="img" aria-label="{escape(title, quote=True)}" font-family="DejaVu Sans, Helvetica, Arial, sans-serif">',
        f"<title>{escape(title)}</title>",
        f'<text x="20" y="26" font-size="15" font-weight="bold" fill="#222">{escape(title)}</text>',
    ]
    parts += _block(0, "input", [1, 28, 28], "#bbbbbb", ["1×28×28"])
    for index, (row, after) in enumerate(blocks, 1):
        lines = ["×".join(str(v) for v in row.shape)]
        if row.kernel:
            pad = f", pad {row.padding}" if row.padding else ""
            lines.append(f"{row.kernel}×{row.kernel}{pad}")
        lines.append(f"{row.parameters:,} par." if row.parameters else "no par.")
        if row.type != "Linear" and row.receptive_field:
            lines.append(f"sees {row.receptive_field}×{row.receptive_field}")
        lines += after
        name = {"Conv2d": "conv", "Linear": "linear", "MaxPool2d": "max-pool", "AvgPool2d": "avg-pool",
                "AdaptiveAvgPool2d": "global avg"}.get(row.type, row.type)
        if row.groups is not None:
            name = "depthwise"
        parts += _block(index, name, row.shape, _FILLS.get(row.type, "#999999"), lines)
        x = 20 + _STEP * index
        parts.append(f'<path d="M{x - 26} {_TOP + _HIGH / 2} h14 m-5 -4 l5 4 l-5 4" fill="none" stroke="#555"/>')
    return "\n".join([*parts, "</svg>", ""])


def _blocks(layers: list[LayerRow]) -> list[tuple[LayerRow, list[str]]]:
    blocks: list[tuple[LayerRow, list[str]]] = []
    for row in layers:
        if row.type in _FILLS:
            blocks.append((row, []))
        elif blocks and row.type != "Flatten":
            name = {"BatchNorm2d": "batch norm", "BatchNorm1d": "batch norm", "ReLU": "ReLU"}.get(row.type, row.type)
            if row.probability is not None:
                name = f"drop {row.probability:g}" if row.type == "Dropout" else f"drop ch. {row.probability:g}"
            blocks[-1][1].append(name)
    return blocks


def _block(index: int, name: str, shape: list[int], fill: str, lines: list[str]) -> list[str]:
    side = shape[1] if len(shape) == 3 else 28
    height = max(14.0, _HIGH * side / 28)
    depth = min(52.0, 8 + 44 * shape[0] / 64) if len(shape) == 3 else 14.0
    x, y = 20 + _STEP * index, _TOP + (_HIGH - height) / 2
    parts = [f'<rect x="{x:g}" y="{y:g}" width="{depth:g}" height="{height:g}" rx="2" fill="{fill}" '
             'fill-opacity="0.85" stroke="#333"/>',
             f'<text x="{x:g}" y="{_TOP - 8}" font-size="12" font-weight="bold" fill="#222">{escape(name)}</text>']
    parts += [
        f'<text x="{x:g}" y="{_TOP + _HIGH + 18 + 14 * i:g}" font-size="11" fill="#333">{escape(line)}</text>'
        for i, line in enumerate(lines)
    ]
    return parts

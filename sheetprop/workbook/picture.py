"""The picture of the network on the sheet Start, as native shapes that scale and print sharply."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sheetprop.network import symbols
from sheetprop.network.spec import Network
from sheetprop.workbook import style

_EMU = 360_000  # English metric units in a centimetre
WIDTH, HEIGHT = 25.0, 9.0
_RADIUS = 0.62
# Units of a layer that are drawn; of a larger layer the first ones, three dots, and the last.
_SHOWN = 7
# Weights are named only where their names do not cover each other.
_NAMED_EDGES = 9


@dataclass(frozen=True)
class _Node:
    x: float
    y: float
    label: str
    group: str
    below: str = ""


def shapes(network: Network, column: int, row: int, first_id: int = 100) -> str:
    """Return the anchor with the picture, to be put into the drawing of a sheet.

    Args:
        network: what is drawn.
        column, row: the cell of the upper left corner, both from 0.
        first_id: shapes are numbered from here.
    """
    size = f'cx="{_emu(WIDTH)}" cy="{_emu(HEIGHT)}"'
    body = "".join(_elements(network, first_id + 1))
    return (
        f'<xdr:oneCellAnchor><xdr:from><xdr:col>{column}</xdr:col><xdr:colOff>0</xdr:colOff><xdr:row>{row}</xdr:row>'
        f'<xdr:rowOff>0</xdr:rowOff></xdr:from><xdr:ext {size}/><xdr:grpSp><xdr:nvGrpSpPr>'
        f'<xdr:cNvPr id="{first_id}" name="Network" descr="{_description(network)}"/><xdr:cNvGrpSpPr/></xdr:nvGrpSpPr>'
        f'<xdr:grpSpPr><a:xfrm><a:off x="0" y="0"/><a:ext {size}/><a:chOff x="0" y="0"/><a:chExt {size}/></a:xfrm>'
        f'</xdr:grpSpPr>{body}</xdr:grpSp><xdr:clientData/></xdr:oneCellAnchor>'
    )


def _description(network: Network) -> str:
    return (f"A fully connected network with layers {network.shape}: every unit is joined to all units of the "
            "layer before by a weight.")


def _emu(centimetres: float) -> int:
    return round(centimetres * _EMU)


def _placed(network: Network, layer: int) -> list[_Node | None]:
    """Return the drawn units of a layer from top to bottom; None stands for the dots."""
    layers = network.layers
    units = layers[layer]
    labels = symbols.activations(layers, layer)
    pre = symbols.pre_activations(layers, layer) if layer else labels
    kept: list[int | None] = list(range(units))
    if units > _SHOWN:
        kept = [*range(_SHOWN - 2), None, units - 1]
    group = "input" if layer == 0 else "forward"
    x = 1.6 + layer * (WIDTH - 9.2) / (len(layers) - 1)
    pitch = (HEIGHT - 1.9) / len(kept)
    result: list[_Node | None] = []
    for position, unit in enumerate(kept):
        y = 1.5 + pitch * (position + 0.5)
        result.append(None if unit is None else
                      _Node(x, y, pre[unit], group, labels[unit] if layer else ""))
    return result


def _elements(network: Network, first_id: int) -> Iterator[str]:
    layers = network.layers
    drawn = [_placed(network, layer) for layer in range(len(layers))]
    number = first_id
    lines: list[str] = []
    discs: list[str] = []
    texts: list[str] = []

    def next_id() -> int:
        nonlocal number
        number += 1
        return number

    for layer in range(1, len(layers)):
        block = symbols.weight_block(layers, layer)
        sources, targets = drawn[layer - 1], drawn[layer]
        named = sum(len(units) for units in block) <= _NAMED_EDGES
        for unit, target in enumerate(targets):
            for source_unit, source in enumerate(sources):
                if source is None or target is None:
                    continue
                lines.append(_line(next_id(), source.x + _RADIUS, source.y, target.x - _RADIUS, target.y))
                if named:
                    # Near the source the lines into different units have parted, near the target those from
                    # different sources; a place that moves with the source keeps the names apart.
                    share = 0.3 if source_unit % 2 == 0 else 0.62
                    x = source.x + _RADIUS + share * (target.x - source.x - 2 * _RADIUS)
                    y = source.y + share * (target.y - source.y)
                    texts.append(_label(next_id(), x, y, block[unit][source_unit], fill=style.GROUP_FILL["parameter"]))
    for layer, nodes in enumerate(drawn):
        last = layer == len(layers) - 1
        title = "inputs" if layer == 0 else f"{'outputs' if last else 'hidden'} · {network.activations[layer - 1]}"
        x = next(node.x for node in nodes if node is not None)
        texts.append(_label(next_id(), x, 0.6, title, width=4.2, colour=style.TITLE, bold=True))
        for node in nodes:
            if node is None:
                texts.append(_label(next_id(), x, _dots_y(nodes), "⋮", colour=style.MUTED, bold=True))
                continue
            discs.append(_disc(next_id(), node))
            if node.below:
                texts.append(_label(next_id(), node.x, node.y + _RADIUS + 0.28, node.below, width=2.0,
                                    colour=style.MUTED))
    outputs = drawn[-1]
    error_x, total_x = WIDTH - 4.6, WIDTH - 1.2
    middle = 1.5 + (HEIGHT - 1.9) / 2
    shown = [node for node in outputs if node is not None]
    names, goals = symbols.errors(layers), symbols.targets(layers)
    indices = [symbols.pre_activations(layers, len(layers) - 1).index(node.label) for node in shown]
    for node, index in zip(shown, indices, strict=True):
        error = _Node(error_x, node.y, names[index], "error", f"target {goals[index]}")
        lines.append(_line(next_id(), node.x + _RADIUS, node.y, error.x - _RADIUS, error.y))
        lines.append(_line(next_id(), error.x + _RADIUS, error.y, total_x - _RADIUS, middle))
        discs.append(_disc(next_id(), error))
        texts.append(_label(next_id(), error.x, error.y + _RADIUS + 0.28, error.below, width=2.0, colour=style.MUTED))
    discs.append(_disc(next_id(), _Node(total_x, middle, "E", "error")))
    texts.append(_label(next_id(), total_x, middle + _RADIUS + 0.28, symbols.TOTAL, width=2.2, colour=style.MUTED))
    yield from lines
    yield from discs
    yield from texts


def _dots_y(nodes: list[_Node | None]) -> float:
    pitch = (HEIGHT - 1.9) / len(nodes)
    return 1.5 + pitch * (nodes.index(None) + 0.5)


def _line(number: int, x1: float, y1: float, x2: float, y2: float) -> str:
    flip = ' flipV="1"' if y2 < y1 else ""
    return (
        f'<xdr:cxnSp macro=""><xdr:nvCxnSpPr><xdr:cNvPr id="{number}" name="Line {number}"/><xdr:cNvCxnSpPr/>'
        f'</xdr:nvCxnSpPr><xdr:spPr><a:xfrm{flip}><a:off x="{_emu(x1)}" y="{_emu(min(y1, y2))}"/>'
        f'<a:ext cx="{_emu(x2 - x1)}" cy="{_emu(abs(y2 - y1))}"/></a:xfrm>'
        '<a:prstGeom prst="line"><a:avLst/></a:prstGeom>'
        f'<a:ln w="12700"><a:solidFill><a:srgbClr val="9AA5B1"/></a:solidFill>'
        '<a:tailEnd type="triangle" w="med" len="med"/></a:ln></xdr:spPr></xdr:cxnSp>'
    )


def _disc(number: int, node: _Node) -> str:
    geometry = _box(node.x, node.y, 2 * _RADIUS, 2 * _RADIUS, "ellipse")
    return (
        f'<xdr:sp macro="" textlink=""><xdr:nvSpPr><xdr:cNvPr id="{number}" name="Unit {node.label}"/><xdr:cNvSpPr/>'
        f'</xdr:nvSpPr><xdr:spPr>{geometry}<a:solidFill><a:srgbClr val="{style.GROUP_FILL[node.group]}"/></a:solidFill>'
        f'<a:ln w="15875"><a:solidFill><a:srgbClr val="{style.TITLE}"/></a:solidFill></a:ln></xdr:spPr>'
        f"{_text(node.label, 1100, style.INK, bold=True)}</xdr:sp>"
    )


def _label(number: int, x: float, y: float, label: str, *, width: float = 0.86, colour: str = style.INK,
           bold: bool = False, fill: str | None = None) -> str:
    inside = f'<a:solidFill><a:srgbClr val="{fill}"/></a:solidFill>' if fill else "<a:noFill/>"
    return (
        f'<xdr:sp macro="" textlink=""><xdr:nvSpPr><xdr:cNvPr id="{number}" name="Label {number}"/>'
        f'<xdr:cNvSpPr txBox="1"/></xdr:nvSpPr><xdr:spPr>{_box(x, y, width, 0.5, "rect")}{inside}'
        "<a:ln><a:noFill/></a:ln></xdr:spPr>"
        f"{_text(label, 1000, colour, bold=bold)}</xdr:sp>"
    )


def _box(x: float, y: float, width: float, height: float, shape: str) -> str:
    return (f'<a:xfrm><a:off x="{_emu(x - width / 2)}" y="{_emu(y - height / 2)}"/>'
            f'<a:ext cx="{_emu(width)}" cy="{_emu(height)}"/></a:xfrm>'
            f'<a:prstGeom prst="{shape}"><a:avLst/></a:prstGeom>')


def _text(label: str, size: int, colour: str, *, bold: bool) -> str:
    return (
        '<xdr:txBody><a:bodyPr vertOverflow="overflow" horzOverflow="overflow" wrap="none" lIns="0" tIns="0" rIns="0" '
        'bIns="0" anchor="ctr"/><a:lstStyle/>'
        f'<a:p><a:pPr algn="ctr"/><a:r><a:rPr lang="en-US" sz="{size}" b="{int(bold)}"><a:solidFill>'
        f'<a:srgbClr val="{colour}"/></a:solidFill><a:latin typeface="{style.FONT}"/></a:rPr>'
        f'<a:t>{label}</a:t></a:r></a:p>'
        "</xdr:txBody>"
    )

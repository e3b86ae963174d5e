"""The network as a drawing that carries the numbers of one learning rate at one iteration."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from sheetprop.network import symbols
from sheetprop.network.spec import Network
from sheetprop.reporting.palette import FAMILY, GROUPS, INK, MUTED, RULE

_WIDTH, _TOP, _RADIUS, _PITCH = 960.0, 44.0, 25.0, 150.0
# Of a larger layer the first units are drawn, three dots, and the last.
_SHOWN = 7
# Width of the label on an edge, and where on the edge it stands: labels of two sources side by side.
_LABEL, _NEAR, _FAR = 100.0, 0.29, 0.71
_DIGITS = 6


@dataclass(frozen=True)
class _Node:
    x: float
    y: float
    unit: int


def figure(value: float | None) -> str:
    """Return a number as the drawing and its script write it."""
    if value is None:
        return "–"
    if value == 0:
        return "0"
    text = f"{value:.{_DIGITS - 2}e}" if not 1e-4 <= abs(value) < 1e6 else f"{value:.6f}"
    return text.replace("-", "−")


def edges_named(network: Network) -> bool:
    """Whether there is room to write every weight on its edge."""
    pitch = (_WIDTH - 290) / (len(network.layers) - 1) - 2 * _RADIUS
    pairs = zip(network.layers[:-1], network.layers[1:], strict=True)
    return all(sources <= 2 and targets <= 2 for sources, targets in pairs) and (_FAR - _NEAR) * pitch > _LABEL


def draw(network: Network, values: dict[str, float | None], described: str) -> str:
    """Return the drawing as SVG; every number stands in an element with ``data-q`` naming its quantity."""
    layers = network.layers
    tallest = max(min(units, _SHOWN) for units in layers)
    height = _TOP + _PITCH * tallest + 10
    parts = list(_parts(network, values, height))
    return (
        f'<svg class="network" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH:g} {height:g}" '
        f'width="{_WIDTH:g}" height="{height:g}" role="img" aria-label="{escape(described, quote=True)}" '
        f'font-family="{FAMILY}" font-size="13" fill="{INK}"><title>{escape(described)}</title>'
        f'{"".join(parts)}</svg>')


def _placed(network: Network, layer: int, height: float) -> list[_Node | None]:
    units = network.layers[layer]
    kept: list[int | None] = list(range(units))
    if units > _SHOWN:
        kept = [*range(_SHOWN - 2), None, units - 1]
    x = 62 + layer * (_WIDTH - 290) / (len(network.layers) - 1)
    pitch = (height - _TOP - 10) / len(kept)
    return [None if unit is None else _Node(x, _TOP + pitch * (k + 0.5) - 14, unit) for k, unit in enumerate(kept)]


def _parts(network: Network, values: dict[str, float | None], height: float) -> Iterator[str]:
    layers = network.layers
    drawn = [_placed(network, layer, height) for layer in range(len(layers))]
    labels: list[str] = []
    named = edges_named(network)
    for layer in range(1, len(layers)):
        block = symbols.weight_block(layers, layer)
        for target in drawn[layer]:
            for place, source in enumerate(drawn[layer - 1]):
                if source is None or target is None:
                    continue
                yield (f'<path d="M{source.x + _RADIUS:g} {source.y:.4g}L{target.x - _RADIUS:g} {target.y:.4g}" '
                       f'stroke="{MUTED}" stroke-width="1" opacity="0.7"/>')
                if named:
                    share = _NEAR if place % 2 == 0 else _FAR
                    x = source.x + _RADIUS + share * (target.x - source.x - 2 * _RADIUS)
                    y = source.y + share * (target.y - source.y)
                    labels.append(_edge(x, y, block[target.unit][source.unit], values))
    for layer, nodes in enumerate(drawn):
        yield from _layer(network, layer, nodes, values)
    yield from _errors(network, drawn[-1], values)
    yield from labels


def _edge(x: float, y: float, weight: str, values: dict[str, float | None]) -> str:
    """Return the label of an edge: the weight, and below it the gradient."""
    gradient = symbols.gradient(weight)
    return (
        f'<g transform="translate({x:.4g} {y:.4g})"><rect x="-50" y="-17" width="100" height="34" rx="3" '
        f'class="chip" fill="#ffffff" stroke="{RULE}"/>'
        f'<text x="-44" y="-3" font-size="11.5" font-weight="bold">{escape(weight)}</text>'
        f'{_number(44, -3, weight, values, "end", 11.5)}'
        f'<text x="-44" y="11" font-size="10.5" fill="{MUTED}">∂E/∂{escape(weight)}</text>'
        f'{_number(44, 11, gradient, values, "end", 10.5, MUTED)}</g>')


def _number(x: float, y: float, symbol: str, values: dict[str, float | None], anchor: str, size: float,
            colour: str = INK) -> str:
    return (f'<text x="{x:g}" y="{y:.4g}" text-anchor="{anchor}" font-size="{size:g}" fill="{colour}" '
            f'data-q="{escape(symbol, quote=True)}">{figure(values.get(symbol))}</text>')


def _name(x: float, y: float, symbol: str) -> str:
    return (f'<text x="{x:g}" y="{y:.4g}" text-anchor="end" font-size="11.5" fill="{MUTED}">'
            f'{escape(symbol)}</text>')


def _layer(network: Network, layer: int, nodes: list[_Node | None],
           values: dict[str, float | None]) -> Iterator[str]:
    layers = network.layers
    last = layer == len(layers) - 1
    title = "inputs" if layer == 0 else f"{'outputs' if last else 'hidden'}: {network.activations[layer - 1]}"
    x = next(node.x for node in nodes if node is not None)
    yield (f'<text x="{x:g}" y="26" text-anchor="middle" font-weight="bold" font-size="13">{escape(title)}</text>')
    names = symbols.activations(layers, layer)
    sums = symbols.pre_activations(layers, layer) if layer else names
    biases = symbols.bias_block(layers, layer) if layer and network.bias else []
    fill = GROUPS["input" if layer == 0 else "forward"]
    for place, node in enumerate(nodes):
        if node is None:
            shown = [n for n in nodes if n is not None]
            middle = (shown[place - 1].y + shown[place].y) / 2
            yield f'<text x="{x:g}" y="{middle:.4g}" text-anchor="middle" font-size="20" fill="{MUTED}">⋮</text>'
            continue
        yield (f'<circle cx="{node.x:g}" cy="{node.y:.4g}" r="{_RADIUS:g}" class="unit" fill="{fill}" stroke="{INK}" '
               f'stroke-width="1.2"/><text x="{node.x:g}" y="{node.y + 4.5:.4g}" text-anchor="middle" '
               f'font-weight="bold" class="onfill">{escape(sums[node.unit])}</text>')
        lines = [sums[node.unit]] if layer == 0 else [sums[node.unit], names[node.unit]]
        lines += [biases[node.unit]] if biases else []
        for k, symbol in enumerate(lines):
            y = node.y + _RADIUS + 16 + 14 * k
            yield _name(node.x - 2, y, symbol)
            yield _number(node.x + 3, y, symbol, values, "start", 11.5)


def _errors(network: Network, nodes: list[_Node | None], values: dict[str, float | None]) -> Iterator[str]:
    layers = network.layers
    errors, targets = symbols.errors(layers), symbols.targets(layers)
    shown = [node for node in nodes if node is not None]
    x = shown[0].x + 118
    end = _WIDTH - 46
    middle = sum(node.y for node in shown) / len(shown)
    for node in shown:
        yield (f'<path d="M{node.x + _RADIUS:g} {node.y:.4g}H{x - 22:g}M{x + 22:g} {node.y:.4g}L{end - _RADIUS:g} '
               f'{middle:.4g}" stroke="{MUTED}" fill="none" opacity="0.7"/>')
        yield (f'<rect x="{x - 22:g}" y="{node.y - 18:.4g}" width="44" height="36" rx="4" fill="{GROUPS["error"]}" '
               f'stroke="{INK}" stroke-width="1.2"/><text x="{x:g}" y="{node.y + 4.5:.4g}" text-anchor="middle" '
               f'font-weight="bold" class="onfill">{escape(errors[node.unit])}</text>')
        for k, symbol in enumerate((targets[node.unit], errors[node.unit])):
            y = node.y + 34 + 14 * k
            yield _name(x - 14, y, symbol)
            yield _number(x - 9, y, symbol, values, "start", 11.5)
    yield (f'<circle cx="{end:g}" cy="{middle:.4g}" r="{_RADIUS:g}" fill="{GROUPS["error"]}" stroke="{INK}" '
           f'stroke-width="1.2"/><text x="{end:g}" y="{middle + 4.5:.4g}" text-anchor="middle" font-weight="bold" '
           'class="onfill">E</text>')
    yield (f'<text x="{end:g}" y="{middle + _RADIUS + 16:.4g}" text-anchor="middle" font-size="11.5" '
           f'fill="{MUTED}">{symbols.TOTAL}</text>')
    yield _number(end, middle + _RADIUS + 30, symbols.TOTAL, values, "middle", 11.5)

"""Accuracy against parameters: our records with their spread, published results as points with their source."""

from __future__ import annotations

import math
import os
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sheetprop.errors import SheetpropError
from sheetprop.mnist.record import RunRecord, read

_WIDE, _HIGH, _LEFT, _RIGHT, _TOP, _LOW = 860, 520, 70, 30, 50, 120


class Published(BaseModel):
    """A result that others published."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    parameters: int = Field(gt=0)
    accuracy: float = Field(gt=0, le=100, description="percent")
    what: str = Field(description="last epoch, best epoch, mean of how many runs")
    source: str


@dataclass(frozen=True)
class Point:
    """A point of the picture."""

    name: str
    parameters: int
    accuracy: float
    spread: float | None
    teacher: bool
    ours: bool


def published(path: str | os.PathLike[str]) -> list[Published]:
    """Read published results from a TOML file: ``[[result]]`` with parameters, accuracy, what and source.

    Raises:
        SheetpropError: no such file, no TOML, or a field is missing.
    """
    try:
        told = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        return [Published.model_validate(one) for one in told.get("result", [])]
    except FileNotFoundError as error:
        raise SheetpropError(f"{path}: there is no such file") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SheetpropError(f"{path}: cannot be read as TOML ({error})") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise SheetpropError(f"{path}: {'.'.join(str(p) for p in first['loc'])}: {first['msg']}") from error


def points(records: Sequence[str | os.PathLike[str] | RunRecord]) -> list[Point]:
    """Return a point for each record: mean of the last epoch over its runs, and their standard deviation.

    Raises:
        SheetpropError: a record cannot be read, or tells no accuracy or no parameters.
    """
    found = []
    for source in records:
        kept = source if isinstance(source, RunRecord) else read(source)
        net, s = kept.main_network(), kept.summary
        name = kept.recipe.name if kept.recipe else kept.log.file if kept.log else "record"
        if net is None or s.last_mean is None:
            raise SheetpropError(f"{name}: tells no accuracy or no layer table, so it has no place in the picture")
        found.append(Point(name, net.parameters, s.last_mean, s.last_sd, kept.teacher is not None,
                           ours=kept.kind != "log"))
    return found


def front(records: Sequence[str | os.PathLike[str] | RunRecord], others: Sequence[Published] = ()) -> str:
    """Return the picture as SVG: accuracy of the last epoch upwards, parameters to the right on a logarithmic scale.

    Filled points are ours, with a bar of one standard deviation; a ring around one says that it
    learned from a teacher. Hollow squares are published, numbered, their sources below.
    """
    mine = points(records)
    if not mine and not others:
        raise SheetpropError("front: nothing to draw; give records")
    counts = [p.parameters for p in mine] + [o.parameters for o in others]
    heights = [p.accuracy - (p.spread or 0) for p in mine] + [p.accuracy + (p.spread or 0) for p in mine]
    heights += [o.accuracy for o in others]
    low, high = math.floor(min(heights) * 10 - 0.5) / 10, math.ceil(max(heights) * 10 + 0.5) / 10
    start, end = math.log10(min(counts)) - 0.15, math.log10(max(counts)) + 0.25
    bottom = _HIGH - _LOW

    def x(count: float) -> float:
        return _LEFT + (math.log10(count) - start) / (end - start) * (_WIDE - _LEFT - _RIGHT)

    def y(value: float) -> float:
        return bottom - (value - low) / (high - low) * (bottom - _TOP)

    tall = _HIGH + 16 * max(0, len(others) - 3)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDE} {tall}" width="{_WIDE}" height="{tall}" '
             'font-family="sans-serif" role="img" aria-label="accuracy against parameters">',
             f'<rect width="{_WIDE}" height="{tall}" fill="#fff"/>',
             f'<text x="{_LEFT}" y="26" font-size="16" fill="#222">Accuracy on the test images against parameters, '
             'last epoch</text>']
    for step in range(round((high - low) * 10) + 1):
        value = low + step / 10
        parts.append(f'<path d="M{_LEFT} {y(value):.1f}H{_WIDE - _RIGHT}" stroke="#ddd"/><text x="{_LEFT - 8}" '
                     f'y="{y(value) + 4:.1f}" font-size="12" text-anchor="end" fill="#333">{value:.1f} %</text>')
    for power in range(1, 9):
        for factor in (1, 2, 5):
            count = factor * 10**power
            if start <= math.log10(count) <= end:
                parts.append(f'<path d="M{x(count):.1f} {bottom}v5" stroke="#333"/><text x="{x(count):.1f}" '
                             f'y="{bottom + 19}" font-size="12" text-anchor="middle" fill="#333">{count:,}</text>')
    parts.append(f'<path d="M{_LEFT} {_TOP}V{bottom}H{_WIDE - _RIGHT}" fill="none" stroke="#333"/>')
    for number, one in enumerate(others, 1):
        px, py = x(one.parameters), y(one.accuracy)
        parts.append(f'<rect x="{px - 5:.1f}" y="{py - 5:.1f}" width="10" height="10" fill="none" stroke="#a03030"/>'
                     f'<text x="{px + 8:.1f}" y="{py - 5:.1f}" font-size="11" fill="#a03030">{number}</text>')
    for point in mine:
        parts += _drawn(point, x(point.parameters), y(point.accuracy),
                        0.0 if point.spread is None else y(0) - y(point.spread))
    lines = ["filled: ours, mean of the runs with one standard deviation; with a ring: learned from a teacher"]
    lines += [f"{n}: {o.parameters:,} parameters, {o.accuracy:g} %, {o.what} ({o.source})"
              for n, o in enumerate(others, 1)]
    parts += [f'<text x="{_LEFT}" y="{bottom + 44 + 16 * i}" font-size="12" fill="#333">{escape(line)}</text>'
              for i, line in enumerate(lines)]
    return "\n".join([*parts, "</svg>", ""])


def _drawn(point: Point, px: float, py: float, bar: float) -> list[str]:
    colour = "#1f5fa8" if point.ours else "#6a6a6a"
    parts = []
    if bar:
        parts.append(f'<path d="M{px:.1f} {py - bar:.1f}V{py + bar:.1f}m-4 0h8m-8 {-2 * bar:.1f}h8" stroke="{colour}" '
                     'fill="none"/>')
    parts.append(f'<circle cx="{px:.1f}" cy="{py:.1f}" r="4.5" fill="{colour}"/>')
    if point.teacher:
        parts.append(f'<circle cx="{px:.1f}" cy="{py:.1f}" r="8" fill="none" stroke="{colour}"/>')
    parts.append(f'<text x="{px + 11:.1f}" y="{py + 4:.1f}" font-size="12" fill="{colour}">{escape(point.name)}</text>')
    return parts

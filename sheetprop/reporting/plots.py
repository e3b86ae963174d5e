"""The charts, drawn by matplotlib in one style: direct labels, few lines, colours that survive colour blindness."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sheetprop.mnist.record import Run
from sheetprop.reporting import palette
from sheetprop.reporting.backprop import Curve
from sheetprop.reporting.words import number, plain

_SALT = "sheetprop"
# Charts of many learning rates name only some of the lines.
_NAMED = 8
_INCH = 1 / 2.54


def _style() -> dict[str, Any]:
    return {
        "svg.fonttype": "none", "svg.hashsalt": _SALT, "font.family": "DejaVu Sans", "font.size": 8.5,
        "axes.titlesize": 9.5, "axes.titleweight": "bold", "axes.titlelocation": "left", "axes.titlepad": 8,
        "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": palette.MUTED,
        "axes.labelcolor": palette.MUTED, "axes.labelsize": 8.5, "axes.linewidth": 0.6,
        "axes.grid": True, "axes.grid.axis": "y", "grid.color": palette.RULE, "grid.linewidth": 0.5,
        "axes.axisbelow": True, "xtick.color": palette.MUTED, "ytick.color": palette.MUTED,
        "xtick.major.width": 0.6, "ytick.major.width": 0.6, "xtick.major.size": 3, "ytick.major.size": 0,
        "ytick.minor.size": 0,
        "xtick.labelsize": 8.5, "ytick.labelsize": 8.5, "text.color": palette.INK,
        "lines.linewidth": 1.6, "lines.solid_capstyle": "round", "lines.dash_capstyle": "butt",
        "figure.facecolor": "none", "axes.facecolor": "none", "savefig.facecolor": "none",
        "path.simplify": True, "path.simplify_threshold": 0.2, "axes.unicode_minus": True,
    }


@contextmanager
def _figure(
    name: str, width: float, height: float, described: str, *, margins: tuple[float, float, float, float],
    gaps: tuple[float, float] = (0.0, 0.0),
) -> Iterator[tuple[Any, list[str]]]:
    """Give a figure; the list receives its SVG when the block ends.

    Margins (left, right, top, bottom) are given instead of found: searching for them draws everything twice.

    Args:
        name: begins the ids inside the drawing.
        width, height, margins: in centimetres.
        described: the drawing in words.
        gaps: between axes, as shares of their width and height.
    """
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    out: list[str] = []
    with matplotlib.rc_context(_style()):  # type: ignore[arg-type]
        figure = Figure(figsize=(width * _INCH, height * _INCH))
        left, right, top, bottom = margins
        figure.subplots_adjust(left=left / width, right=1 - right / width, top=1 - top / height, bottom=bottom / height,
                               wspace=gaps[0], hspace=gaps[1])
        FigureCanvasSVG(figure)
        yield figure, out
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    out.append(tidy(buffer.getvalue(), name, described))


def tidy(svg: str, name: str, described: str) -> str:
    """Return matplotlib's SVG fit to stand among others in one page: own ids, no metadata, described."""
    from html import escape

    body = svg[svg.index("<svg"):]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    used = set(re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', body))
    kept = {part for pair in used for part in pair if part}
    body = re.sub(r' id="([^"]+)"', lambda m: f' id="{name}-{m.group(1)}"' if m.group(1) in kept else "", body)
    body = re.sub(r'(url\(#|href="#)', rf"\g<1>{name}-", body)
    box = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', body)
    wide, high = box.groups() if box else ("460", "230")
    size = f'viewBox="0 0 {wide} {high}" width="{wide}pt" height="{high}pt"'
    body = re.sub(r"<svg[^>]*>", f'<svg class="chart" xmlns="http://www.w3.org/2000/svg" '
                  f'xmlns:xlink="http://www.w3.org/1999/xlink" {size} role="img" '
                  f'aria-label="{escape(described, quote=True)}"><title>{escape(described)}</title>', body, count=1)
    # Measured with matplotlib's own font, which is wider than the one that the documents are set in.
    body = re.sub(r"font(-family)?: ([^;\"]*?)'DejaVu Sans'[^;\"]*", rf"font\1: \2{palette.FAMILY}", body)
    return re.sub(r">\s+<", "><", body).strip() + "\n"


def _line_style(position: int) -> dict[str, Any]:
    return {"color": palette.SERIES[position % len(palette.SERIES)],
            "linestyle": palette.DASHES[position % len(palette.DASHES)]}


def _label_ends(axes: Any, ends: Sequence[tuple[float, float, str, str]], *, log: bool) -> None:
    """Write the name of each line beside its end, moved apart where ends are close."""
    import math

    if not ends:
        return
    low, high = axes.get_ylim()

    def place(y: float) -> float:
        if log:
            return float((math.log(max(y, low)) - math.log(low)) / (math.log(high) - math.log(low)))
        return float((y - low) / (high - low))

    height = axes.figure.get_size_inches()[1] * 72 * 0.8
    pitch = 10.5 / height
    wanted = sorted(((place(y), x, text, colour) for x, y, text, colour in ends), key=lambda e: e[0])
    places: list[float] = []
    for at, *_ in wanted:
        places.append(max(at, places[-1] + pitch) if places else at)
    # Push back down what has left the axes at the top.
    limit = 1.0
    for k in range(len(places) - 1, -1, -1):
        places[k] = min(places[k], limit)
        limit = places[k] - pitch
    for (at, _, text, colour), y in zip(wanted, places, strict=True):
        axes.annotate(text, xy=(1.0, at), xytext=(1.02, y), xycoords="axes fraction", textcoords="axes fraction",
                      color=colour, va="center", fontsize=9, annotation_clip=False)


def comparison(curves: Sequence[Curve], *, log: bool, name: str, width: float = 16.0, height: float = 8.0) -> str:
    """Return the error of all learning rates over the iterations, on a linear or logarithmic axis."""
    described = (f"Total error over the iterations for {len(curves)} learning rates, "
                 f"{'logarithmic' if log else 'linear'} axis.")
    with _figure(name, width, height, described, margins=(1.5, 1.9, 0.3, 1.1)) as (figure, out):
        axes = figure.add_subplot()
        drawn = [curve for curve in curves if curve.iterations and (not log or max(curve.values) > 0)]
        named = _few(drawn)
        ends = []
        for position, curve in enumerate(drawn):
            values = [v if v > 0 else float("nan") for v in curve.values] if log else list(curve.values)
            if len(drawn) <= _NAMED:
                look = _line_style(position)
            else:
                look = {"color": _shade(position / (len(drawn) - 1)), "linewidth": 0.9}
            axes.plot(curve.iterations, values, **look)
            if curve.name in named:
                ends.append((curve.iterations[-1], values[-1], f"η = {plain(curve.rate)}", look["color"]))
        if log:
            axes.set_yscale("log")
            _plain_log(axes)
        _axes(axes, drawn, log=log)
        _label_ends(axes, [e for e in ends if e[1] == e[1]], log=log)
    return out[0]


def _few(curves: Sequence[Curve]) -> set[str]:
    """Return the lines to name: all of a few; of many the first, the last and some between."""
    if len(curves) <= _NAMED:
        return {curve.name for curve in curves}
    return {curves[round(k * (len(curves) - 1) / (_NAMED - 1))].name for k in range(_NAMED)}


def _shade(share: float) -> str:
    """Return a colour between two of the palette, for many lines in order."""
    first, last = (86, 180, 233), (0, 45, 98)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in zip(first, last, strict=True))


def _axes(axes: Any, curves: Sequence[Curve], *, log: bool) -> None:
    from matplotlib.ticker import MaxNLocator

    last = max((curve.iterations[-1] for curve in curves), default=1)
    axes.set_xlim(0, last)
    if not log:
        axes.set_ylim(bottom=0)
        _bounded(axes, curves)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.set_xlabel("iteration")
    axes.set_ylabel("total error")


def _bounded(axes: Any, curves: Sequence[Curve]) -> None:
    """Keep a run that explodes from flattening the others: show up to three times the largest first error."""
    first = max((curve.values[0] for curve in curves if curve.values), default=1.0)
    top = max((max(curve.values) for curve in curves if curve.values), default=1.0)
    if top > 3 * first > 0:
        axes.set_ylim(0, 3 * first)


def each(curves: Sequence[Curve], *, name: str) -> str:
    """Return one chart for each learning rate, all with the same axes."""
    count = len(curves)
    columns = 3 if count > 4 else 2 if count > 1 else 1
    rows = -(-count // columns)
    tall = 4.4 if count <= 12 else 3.2
    described = f"Total error over the iterations, one chart for each of {count} learning rates, same axes."
    with _figure(name, 16.0, max(5.0, tall * rows), described, margins=(1.4, 0.4, 0.8, 1.1),
                 gaps=(0.12, 0.45)) as (figure, out):
        grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        for position, axes in enumerate(grid.flat):
            if position >= count:
                axes.set_visible(False)
                continue
            curve = curves[position]
            for other in curves if count <= 12 else ():
                axes.plot(other.iterations, other.values, color=palette.RULE, linewidth=0.7, zorder=1)
            colour = palette.SERIES[position % len(palette.SERIES)]
            axes.plot(curve.iterations, curve.values, color=colour, linewidth=1.8, zorder=3)
            axes.set_title(f"η = {plain(curve.rate)}", color=colour)
            if curve.values:
                axes.plot([curve.iterations[-1]], [curve.values[-1]], "o", color=colour, markersize=3.5, zorder=4,
                          clip_on=False)
                top = max(c.values[0] for c in curves if c.values)
                if curve.values[-1] < 0.8 * top:
                    axes.annotate(f"{curve.values[-1]:.3g}", (curve.iterations[-1], curve.values[-1]),
                                  xytext=(0, 6), textcoords="offset points", ha="right", fontsize=8.5, color=colour)
        shown = [axes for k, axes in enumerate(grid.flat) if k < count]
        for axes in shown:
            _axes(axes, curves, log=False)
            axes.set_xlabel("")
            axes.set_ylabel("")
        for k, axes in enumerate(shown):
            if k + columns >= count:
                axes.set_xlabel("iteration")
                axes.tick_params(labelbottom=True)
            if k % columns == 0:
                axes.set_ylabel("total error")
    return out[0]


def training(run: Run, *, name: str) -> str:
    """Return loss, accuracy and learning rate over the epochs, as far as the record tells them."""
    epochs = run.epochs
    panels: list[tuple[str, Callable[[Any], None]]] = []
    if any(e.train_loss is not None or e.test_loss is not None or e.last_loss is not None for e in epochs):
        panels.append(("Loss", lambda axes: _loss(axes, run)))
    if any(e.test_accuracy is not None for e in epochs):
        panels.append(("Accuracy, %", lambda axes: _accuracy(axes, run)))
    if run.steps is not None or any(e.learning_rate is not None for e in epochs):
        panels.append(("Learning rate", lambda axes: _rate(axes, run)))
    if not panels:
        return ""
    described = f"Training over {len(epochs)} epochs: {', '.join(title.split(',')[0].lower() for title, _ in panels)}."
    with _figure(name, 16.0, 5.6, described, margins=(1.2, 1.1, 0.8, 1.1), gaps=(0.62, 0.0)) as (figure, out):
        for k, (title, draw) in enumerate(panels, start=1):
            from matplotlib.ticker import MaxNLocator

            axes = figure.add_subplot(1, len(panels), k)
            axes.set_title(title)
            draw(axes)
            axes.set_xlabel("epoch")
            axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    return out[0]


def _lines(axes: Any, x: Sequence[float], series: Sequence[tuple[str, Sequence[float | None]]], *, log: bool) -> None:
    """Draw lines with their names at their ends."""
    ends = []
    for position, (label, y) in enumerate(series):
        pairs = [(a, b) for a, b in zip(x, y, strict=True) if b is not None and (not log or b > 0)]
        if not pairs:
            continue
        look = _line_style(position)
        axes.plot([a for a, _ in pairs], [b for _, b in pairs], **look, marker="o" if len(pairs) < 8 else None,
                  markersize=3)
        ends.append((*pairs[-1], label, look["color"]))
    if log:
        axes.set_yscale("log")
        _plain_log(axes)
    _label_ends(axes, ends, log=log)


def _loss(axes: Any, run: Run) -> None:
    if run.steps is not None and run.epochs and max(run.steps.loss, default=0.0) > 0:
        per_epoch = max(run.steps.step) / max(1, len(run.epochs))
        axes.plot([s / per_epoch for s in run.steps.step], [v if v > 0 else float("nan") for v in run.steps.loss],
                  color=palette.RULE, linewidth=0.7, zorder=1)
    trained = [e.train_loss if e.train_loss is not None else e.last_loss for e in run.epochs]
    _lines(axes, [e.epoch for e in run.epochs],
           [("train", trained), ("test", [e.test_loss for e in run.epochs])], log=True)


def _plain_log(axes: Any) -> None:
    """Write the numbers of a logarithmic axis plainly, between the powers of ten only on a short axis."""
    import math

    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = axes.get_ylim()
    short = math.log10(high) - math.log10(low) < 2.2
    axes.yaxis.set_major_locator(LogLocator(10, subs=(1.0, 2.0, 5.0) if short else (1.0,), numticks=7))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _tick(value)))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _tick(value: float) -> str:
    return number(value, 1) if value < 1e-4 else plain(float(f"{value:.3g}"))


def _accuracy(axes: Any, run: Run) -> None:
    _lines(axes, [e.epoch for e in run.epochs],
           [("train", [e.train_accuracy for e in run.epochs]), ("test", [e.test_accuracy for e in run.epochs])],
           log=False)


def _rate(axes: Any, run: Run) -> None:
    colour = palette.SERIES[2]
    if run.steps is not None and run.epochs:
        per_epoch = max(run.steps.step) / max(1, len(run.epochs))
        axes.plot([s / per_epoch for s in run.steps.step], run.steps.learning_rate, color=colour)
    else:
        pairs = [(e.epoch, e.learning_rate) for e in run.epochs if e.learning_rate is not None]
        axes.plot([a for a, _ in pairs], [b for _, b in pairs], color=colour)
    axes.set_ylim(bottom=0)


def per_class(run: Run, *, name: str) -> str:
    """Return the share of mistakes for each digit as bars."""
    scores = run.per_class or []
    with _figure(name, 16.0, 4.6, "Share of each digit that is misread, in percent.",
                 margins=(1.4, 0.3, 0.5, 1.1)) as (figure, out):
        axes = figure.add_subplot()
        wrong = [100.0 - score.accuracy for score in scores]
        axes.bar([score.digit for score in scores], wrong, color=palette.SERIES[0], width=0.62)
        for score, height in zip(scores, wrong, strict=True):
            axes.annotate(f"{height:.2f}", (score.digit, height), xytext=(0, 2), textcoords="offset points",
                          ha="center", fontsize=8.5)
        axes.set_xticks([score.digit for score in scores])
        axes.tick_params(axis="x", length=0)
        axes.set_xlabel("digit")
        axes.set_ylabel("misread, %")
    return out[0]

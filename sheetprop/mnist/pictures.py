"""From a photo or scan to digits as MNIST holds them: light taken out, lines and frames taken away, one by one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sheetprop.errors import SheetpropError

Grey = np.ndarray[tuple[int, int], np.dtype[np.float64]]
Mask = np.ndarray[tuple[int, int], np.dtype[np.bool_]]
Digit = np.ndarray[tuple[int, int], np.dtype[np.uint8]]

SIDE, BOX = 28, 20  # MNIST: digits fill a box of 20, centred by mass in a field of 28
LIMIT = 50_000_000  # pixels of a picture
FAINT = 16  # of 255: a picture whose brightness differs by less shows nothing
_WORK, _LEAST = 640, 112  # a picture is first made smaller or larger, to a longer side between these


@dataclass(frozen=True)
class Cut:
    """A digit found in a picture.

    Attributes:
        pixels: ``[28, 28]`` uint8, 0 ground to 255 ink.
        box: left, top, width, height in the picture's own pixels; None where the picture was taken as it is.
        remark: what is strange about it, or empty.
    """

    pixels: Digit
    box: tuple[int, int, int, int] | None
    remark: str = ""


def cuts(path: Path) -> list[Cut]:
    """Return the digits of a picture from left to right, row by row.

    A picture of 28 x 28 whose digit is as large and as central as MNIST's is taken as it is, only
    turned light on dark. In any other the light of the paper is estimated from its surroundings
    and taken out, ink is told from ground by which is rarer (not by the border, which may be a
    frame), ruled lines and frames are removed, and each digit is fitted into a box of 20 pixels and
    centred by mass in 28, as the makers of MNIST did.

    Raises:
        SheetpropError: no picture, too large, or nothing in it stands out.
    """
    values = brightness(path)
    if np.ptp(values) < FAINT:
        raise SheetpropError(f"{path}: shows nothing that stands out from its ground; give a picture of one digit")
    if values.shape == (SIDE, SIDE):
        ready = _ready(values)
        if ready is not None:
            return [Cut(ready, None)]
    factor = max(min(1.0, _WORK / max(values.shape)), _LEAST / max(values.shape))
    small = values if factor == 1 else _resized(values, factor)
    ink = _ink(small)
    mask = _without_lines(ink > _threshold(ink))
    groups = _groups(mask)
    if not groups:
        raise SheetpropError(f"{path}: shows nothing that stands out from its ground; give a picture of one digit")
    found = []
    for group in groups:
        rows, columns = np.nonzero(group)
        top, left = rows.min(), columns.min()
        height, width = int(rows.max() - top) + 1, int(columns.max() - left) + 1
        box = (int(left / factor), int(top / factor), round(width / factor), round(height / factor))
        remark = "wider than a digit: two that touch?" if width > 1.5 * height else ""
        found.append(Cut(_fitted(np.where(_grown(group), ink, 0.0)), box, remark))
    return found


def whole(path: Path) -> Cut:
    """Return a picture grey and 28 x 28, as a folder of pictures is read; nothing is cut out or turned round.

    Raises:
        SheetpropError: no picture, or too large.
    """
    from PIL import Image

    values = brightness(path)
    grey = Image.fromarray(np.clip(values.round(), 0, 255).astype(np.uint8))
    if grey.size != (SIDE, SIDE):
        grey = grey.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    return Cut(np.array(grey, dtype=np.uint8), None)


def _ready(values: Grey) -> Digit | None:
    """Return a picture of 28 x 28 light on dark, if its digit is as large and as central as MNIST's."""
    if values.mean() > (values.min() + values.max()) / 2:
        values = 255 - values
    ground = float(np.median(values))
    strong = values - ground > (values.max() - ground) / 4
    rows, columns = np.nonzero(strong)
    side = max(np.ptp(rows), np.ptp(columns)) + 1
    weight = np.clip(values - ground, 0, None)
    centre = [float((weight.sum(axis) * (np.arange(SIDE) + 0.5)).sum() / weight.sum()) for axis in (1, 0)]
    if not 15 <= side <= 22 or max(abs(c - SIDE / 2) for c in centre) > 2:
        return None
    return values.round().astype(np.uint8)


def _resized(values: Grey, factor: float) -> Grey:
    from PIL import Image

    size = tuple(max(1, round(n * factor)) for n in values.shape[::-1])
    small = Image.fromarray(values.astype(np.float32)).resize(
        size, Image.Resampling.BOX if factor < 1 else Image.Resampling.BICUBIC)  # type: ignore[arg-type]
    return np.asarray(small, dtype=np.float64)


def _threshold(ink: Grey) -> float:
    return max(_otsu(ink), 0.25 * 255)


def _otsu(values: Grey) -> float:
    """Return the brightness that parts a picture best into two kinds of pixels (Otsu 1979)."""
    from skimage.filters import threshold_otsu

    return float(threshold_otsu(values))  # type: ignore[no-untyped-call]


def _ink(values: Grey) -> Grey:
    """Return how much each pixel stands out from the paper around it, 0 to 255, whichever of both is lighter.

    The paper's brightness at a place is what is left there when all that is narrower than a third of
    the picture is filled in (a closing, or an opening for light ink), smoothed.
    """
    from scipy import ndimage

    rare_light = _light_ink(values)
    span = max(3, min(values.shape) // 3) | 1
    coarse = max(1, span // 48)  # a wide filter on every so many pixels is as good, and quick
    thin = values[::coarse, ::coarse]
    size = max(3, span // coarse) | 1
    best: Grey | None = None
    for light in (rare_light, not rare_light):
        filled = (ndimage.grey_opening if light else ndimage.grey_closing)(thin, size=size, mode="nearest")
        smooth = ndimage.median_filter(filled, max(3, size // 2) | 1, mode="nearest")  # keeps the edge of a shadow
        paper = np.kron(smooth, np.ones((coarse, coarse)))[: values.shape[0], : values.shape[1]]
        paper = ndimage.gaussian_filter(paper, coarse) if coarse > 1 else paper
        # Ink takes a share of the paper's light, in the shadow as well as beside it.
        room = np.clip(255 - paper if light else paper, 40, None) / 255
        out = np.clip((values - paper) if light else (paper - values), 0, None) / room
        top = float(np.percentile(out, 99.5))
        top = max(top, float(out.max()) / 2)
        if top < FAINT:
            continue
        scaled = np.clip(out / top, 0, 1) * 255
        # Ink is rare; where filling in finds none of the likelier kind, the other one is tried.
        if best is None and 0.001 < (scaled > 128).mean() < 0.6:
            best = scaled
    if best is None:
        ground = float(np.median(values))
        out = np.abs(values - ground)
        best = out / max(float(out.max()), 1) * 255
    return best


def _light_ink(values: Grey) -> bool:
    """Tell whether the ink is lighter than its ground.

    Ink is rare, so that what differs from its surroundings is skewed to its side, however the light falls. Where
    there is no skew, the rarer kind of pixels in all of the picture is ink.
    """
    from scipy import ndimage

    rows, columns = (round(0.08 * n) for n in values.shape)  # what lies at the edge may be a table, or a frame
    values = values[rows : len(values) - rows, columns : values.shape[1] - columns]
    differs = values - ndimage.gaussian_filter(values, min(values.shape) / 6, mode="nearest")
    spread = float(differs.std())
    skew = float((differs**3).mean()) / spread**3 if spread else 0.0
    if abs(skew) > 0.3:
        return skew > 0
    return bool((values > _otsu(values)).mean() < 0.5)


def _without_lines(mask: Mask) -> Mask:
    """Return the ink without lines that run from edge to edge, and without frames; strokes that cross a line stay."""
    from scipy import ndimage

    kept = mask.copy()
    stroke = 2 * float(np.percentile(ndimage.distance_transform_edt(mask)[mask], 99)) if mask.any() else 0.0
    for axis in (0, 1):
        along = mask if axis == 0 else mask.T
        length = max(5, round(0.3 * along.shape[1]))
        runs = ndimage.binary_opening(along, np.ones((1, length)))
        labels, count = ndimage.label(runs, np.ones((3, 3)))
        for number, where in enumerate(ndimage.find_objects(labels), 1):
            rows, columns = where
            thick = (labels[where] == number).sum(0).max()
            edge = 0.02 * along.shape[1] + 1
            through = columns.start <= edge and columns.stop >= along.shape[1] - edge
            # A line runs through the picture, or is much thinner than the strokes are.
            if thick > (max(3, 0.06 * along.shape[0]) if through else 0.5 * stroke):
                continue
            line = np.zeros_like(along)
            line[where] = labels[where] == number
            reach = int(rows.stop - rows.start) + 1
            above = np.zeros_like(along)
            below = np.zeros_like(along)
            rest = along & ~line
            for step in range(1, reach + 2):
                above[step:] |= rest[:-step]
                below[:-step] |= rest[step:]
            gone = line & ~(above & below)
            if axis == 0:
                kept &= ~gone
            else:
                kept &= ~gone.T
        del count
    return _without_specks(_without_frames(kept), stroke)


def _without_specks(mask: Mask, stroke: float) -> Mask:
    """Return the ink without parts that are much thinner than the strokes are: rests of lines, dirt."""
    from scipy import ndimage

    labels, count = ndimage.label(mask, np.ones((3, 3)))
    if not count:
        return mask
    depth = ndimage.maximum(ndimage.distance_transform_edt(mask), labels, range(1, count + 1))
    kept: Mask = np.isin(labels, [n + 1 for n in range(count) if 2 * depth[n] >= 0.35 * stroke])
    return kept if kept.any() else mask


def _without_frames(mask: Mask) -> Mask:
    """Return the ink without parts that line all four sides of a box, and without what runs out of the picture."""
    from scipy import ndimage

    labels, count = ndimage.label(mask, np.ones((3, 3)))
    if not count:
        return mask
    kept = mask.copy()
    areas = ndimage.sum(mask, labels, range(1, count + 1))
    height, width = mask.shape
    outer: list[int] = []
    for number, where in enumerate(ndimage.find_objects(labels), 1):
        part = labels[where] == number
        tall, wide = part.shape
        band = max(1, round(0.12 * min(tall, wide)))
        sides = (part[:band].any(0).mean(), part[-band:].any(0).mean(), part[:, :band].any(1).mean(),
                 part[:, -band:].any(1).mean())
        if min(sides) > 0.7 and tall > 0.4 * height and wide > 0.4 * width and part.mean() < 0.5:
            kept[where] &= ~part
            continue
        touches = where[0].start == 0 or where[1].start == 0 or where[0].stop == height or where[1].stop == width
        if touches:
            outer.append(number)
    inner = [n for n in range(1, count + 1) if n not in outer and kept[labels == n].any()]
    if inner and max(areas[n - 1] for n in inner) > 0.1 * max(areas[n - 1] for n in [*outer, *inner]):
        tallest = max(np.ptp(np.nonzero(labels == n)[0]) for n in inner)
        if tallest > 0.12 * height:
            for number in outer:
                kept[labels == number] = False
    return kept


def _groups(mask: Mask) -> list[Mask]:
    """Return the parts of each digit: parts that stand over each other, or small ones beside a large one, are one."""
    from scipy import ndimage

    labels, count = ndimage.label(mask, np.ones((3, 3)))
    if not count:
        return []
    places: list[Any] = ndimage.find_objects(labels)
    heights = [p[0].stop - p[0].start for p in places]
    widths = [p[1].stop - p[1].start for p in places]
    areas = ndimage.sum(mask, labels, range(1, count + 1))
    tallest = max(max(h, w) for h, w in zip(heights, widths, strict=True))
    numbers = [n for n in range(count) if areas[n] >= 0.02 * max(areas) or max(heights[n], widths[n]) > 0.35 * tallest]
    groups: list[list[int]] = []
    for n in sorted(numbers, key=lambda k: -areas[k]):
        home = next((g for g in groups if any(_together(places[n], places[m]) for m in g)), None)
        if home is None:
            groups.append([n])
        else:
            home.append(n)
    boxes = [(min(places[n][0].start for n in g), max(places[n][0].stop for n in g),
              min(places[n][1].start for n in g), g) for g in groups]
    tall = max(bottom - top for top, bottom, _, _ in boxes)
    boxes = [b for b in boxes if b[1] - b[0] > 0.3 * tall or len(boxes) == 1]
    rows: list[list[tuple[int, int, int, list[int]]]] = []
    for box in sorted(boxes, key=lambda b: b[0] + b[1]):
        middle = (box[0] + box[1]) / 2
        row = next((r for r in rows if min(b[0] for b in r) <= middle <= max(b[1] for b in r)), None)
        if row is None:
            rows.append([box])
        else:
            row.append(box)
    return [np.isin(labels, [n + 1 for n in b[3]]) for r in rows for b in sorted(r, key=lambda b: b[2])]


def _together(one: tuple[slice, slice], other: tuple[slice, slice]) -> bool:
    """Tell whether two parts belong to one digit: they share columns and are near, or one is small and very near."""
    across = min(one[1].stop, other[1].stop) - max(one[1].start, other[1].start)
    down = min(one[0].stop, other[0].stop) - max(one[0].start, other[0].start)
    heights = sorted((one[0].stop - one[0].start, other[0].stop - other[0].start))
    widths = sorted((one[1].stop - one[1].start, other[1].stop - other[1].start))
    if across > 0.4 * widths[0]:
        return bool(-down < 0.35 * heights[1])
    return bool(down > 0 and heights[0] < 0.6 * heights[1] and -across < 0.12 * heights[1])


def _grown(mask: Mask) -> Mask:
    from scipy import ndimage

    grown: Mask = ndimage.binary_dilation(mask, np.ones((3, 3)), iterations=max(1, round(max(mask.shape) / 300)))
    return grown


def _fitted(ink: Grey) -> Digit:
    """Return ink cut out, fitted into a box of 20 and centred by mass in 28."""
    from PIL import Image

    rows, columns = np.nonzero(ink > 64)
    cut = ink[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    factor = BOX / max(cut.shape)
    size = (max(1, round(cut.shape[1] * factor)), max(1, round(cut.shape[0] * factor)))
    small = np.asarray(Image.fromarray(cut.astype(np.uint8)).resize(size, Image.Resampling.LANCZOS), dtype=np.float64)
    small = small * (255 / max(float(small.max()), 1.0))
    field = np.zeros((SIDE, SIDE))
    down, across = (np.arange(n) + 0.5 for n in small.shape)
    middle = ((small.sum(1) * down).sum() / small.sum(), (small.sum(0) * across).sum() / small.sum())
    y, x = (int(min(max(round(SIDE / 2 - m), 0), SIDE - n)) for m, n in zip(middle, small.shape, strict=True))
    field[y : y + small.shape[0], x : x + small.shape[1]] = small
    return np.clip(field.round(), 0, 255).astype(np.uint8)


def brightness(path: Path) -> Grey:
    """Return the picture's brightness, 0 to 255, upright as its camera says; what is clear in it becomes paper."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(path) as opened:
            if opened.width * opened.height > LIMIT:
                raise SheetpropError(f"{path}: has {opened.width} x {opened.height} pixels; at most "
                                     f"{LIMIT:,} are taken; make it smaller")
            upright = ImageOps.exif_transpose(opened)
            if upright.mode[0] in "IF":  # 16 or 32 bits a pixel: PIL's conversion to "L" would cut off at 255
                deep = np.nan_to_num(np.asarray(upright, dtype=np.float64))
                full = next((limit for limit in (1, 255, 65535) if deep.max() <= limit), deep.max())
                return np.clip(deep * (255 / full), 0, 255)
            if "A" not in upright.getbands() and "transparency" not in upright.info:
                return np.asarray(upright.convert("L"), dtype=np.float64)
            clear = upright.convert("RGBA")
    except FileNotFoundError as error:
        raise SheetpropError(f"{path}: there is no such file") from error
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
        raise SheetpropError(f"{path}: is no picture that can be read; give a PNG or JPEG of one digit") from error
    for paper in ("white", "black"):  # black only for ink that white paper would hide
        flat = np.asarray(Image.alpha_composite(Image.new("RGBA", clear.size, paper), clear).convert("L"),
                          dtype=np.float64)
        if np.ptp(flat) >= FAINT:
            break
    return flat

"""Pictures of handwritten digits from the pixels of a run record."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import Any

from sheetprop.errors import SheetpropError
from sheetprop.mnist.record import DigitPicture

_SIDE = 28


def png(digit: DigitPicture) -> bytes:
    """Return one digit as a small PNG, dark ink on white."""
    buffer = io.BytesIO()
    _image(digit).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def data_uri(digit: DigitPicture) -> str:
    """Return one digit as a data URI."""
    return "data:image/png;base64," + base64.b64encode(png(digit)).decode()


def _image(digit: DigitPicture) -> Any:
    from PIL import Image, ImageOps

    try:
        pixels = base64.b64decode(digit.pixels, validate=True)
    except ValueError:
        pixels = b""
    if len(pixels) != _SIDE * _SIDE:
        raise SheetpropError(f"run record: the picture of digit {digit.index} has {len(pixels)} pixels instead of "
                             f"{_SIDE * _SIDE}; make the record again with sheetprop train")
    return ImageOps.invert(Image.frombytes("L", (_SIDE, _SIDE), pixels))


def contact_sheet(digits: Sequence[DigitPicture], *, columns: int = 12, scale: int = 2) -> bytes:
    """Return many digits in one PNG, under each what it is and what was read."""
    from matplotlib import get_data_path
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.truetype(f"{get_data_path()}/fonts/ttf/DejaVuSans.ttf", 13)
    side, caption, gap = _SIDE * scale, 20, 12
    rows = -(-len(digits) // columns)
    wide = min(columns, len(digits))
    sheet = Image.new("L", (gap + wide * (side + gap), gap + rows * (side + caption + gap)), 255)
    pen = ImageDraw.Draw(sheet)
    for place, digit in enumerate(digits):
        x = gap + (place % columns) * (side + gap)
        y = gap + (place // columns) * (side + caption + gap)
        sheet.paste(_image(digit).resize((side, side), Image.Resampling.NEAREST), (x, y))
        pen.rectangle((x - 1, y - 1, x + side, y + side), outline=205)
        pen.text((x + side / 2, y + side + 3), f"{digit.label} → {digit.predicted}", fill=40, font=font, anchor="ma")
    buffer = io.BytesIO()
    sheet.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()

"""Keras's table, versions 1 to 3, drawn with lines or with boxes; layers get PyTorch's names, shapes its order.

    conv2d (Conv2D)              (None, 26, 26, 32)        320
    │ conv2d (Conv2D)                 │ (None, 26, 26, 32)     │           320 │
"""

from __future__ import annotations

import re

from sheetprop.mnist.logs.layertables import Draft, Table, count, finished, numbers
from sheetprop.mnist.record import LayerRow

ORDER = 30

_HEAD = re.compile(r"Layer \(type\).*Output Shape.*Param #")
_END = re.compile(r"\b(?:Total|Trainable|Non-trainable|Optimizer) params\s*:", re.IGNORECASE)
_FLAT = re.compile(r"^\s?(?P<name>\S.*?)\s+(?P<shape>[\[(]+(?:None|\?|\d+)[^()\[\]]*[\])]+|multiple)\s+"
                   r"(?P<count>\d[\d,]*)(?:\s+\S.*)?\s*$")
_TYPES = {
    "Conv2D": "Conv2d", "Convolution2D": "Conv2d", "SeparableConv2D": "SeparableConv2d",
    "DepthwiseConv2D": "DepthwiseConv2d", "Dense": "Linear", "MaxPooling2D": "MaxPool2d", "MaxPool2D": "MaxPool2d",
    "AveragePooling2D": "AvgPool2d", "GlobalAveragePooling2D": "AdaptiveAvgPool2d",
    "GlobalMaxPooling2D": "AdaptiveMaxPool2d", "BatchNormalization": "BatchNorm2d", "SpatialDropout2D": "Dropout2d",
}


def read(lines: list[str], source: str) -> list[Table]:
    """Return the tables; a name that the table breaks over two lines is put together."""
    drafts: list[Draft] = []
    names: list[str] = []
    inside = False
    for number, line in enumerate(lines, 1):
        if _HEAD.search(line):
            _close(drafts, names)
            drafts.append(Draft(number))
            drafts[-1].used.add(number)
            inside, names = True, []
        elif not drafts:
            continue
        elif drafts[-1].under(number, line):
            inside = False
        elif _END.search(line):
            drafts[-1].used.add(number)
        elif inside and re.search(r"\w", line):
            _take(drafts[-1], names, number, line)
    _close(drafts, names)
    for draft in drafts:
        draft.check_totals()
    return finished(drafts, source)


def _take(draft: Draft, names: list[str], number: int, line: str) -> None:
    cells: list[str] | None = None
    if re.match(r"\s*[│|┃]", line):
        cells = [c.strip() for c in re.split(r"[│|┃]", line.strip().strip("│|┃"))]
    elif flat := _FLAT.match(line):
        cells = [flat["name"], flat["shape"], flat["count"]]
    elif draft.rows and re.match(r"\s", line):  # the rest of a name too long for its column
        cells = [line.strip(), "", ""]
    if cells is None or len(cells) < 3:
        return
    draft.used.add(number)
    told = count(cells[2])
    if told is None:
        if draft.rows and cells[0]:
            names[-1] += cells[0]
        if draft.rows and cells[1] and not cells[2]:
            draft.rows[-1].shape += numbers("x," + cells[1])
        return
    names.append(cells[0])
    draft.rows.append(LayerRow(type="?", name=cells[0], shape=numbers(cells[1]), parameters=told))


def _close(drafts: list[Draft], names: list[str]) -> None:
    """Give the rows of the table their types, once all of each name was read, and their shapes PyTorch's order."""
    if not drafts:
        return
    last = True  # channels last, as Keras has it unless told otherwise
    maps = [row.shape for row in drafts[-1].rows if len(row.shape) == 3]
    if maps and maps[0][1] == maps[0][2] != maps[0][0]:
        last = False
    for row, name in zip(drafts[-1].rows, names, strict=True):
        parts = re.match(r"(?P<name>[^()]*?)\s*\((?P<type>\w+)\)?\s*$", name)
        row.name = name if not parts else f"{parts['name']} ({parts['type']})"
        kind = parts["type"] if parts else re.sub(r"_?\d+$", "", name).title().replace("_", "")
        whole = next((k for k in (*_TYPES, "Dropout", "Flatten", "Activation", "InputLayer", "ReLU")
                      if len(kind) > 5 and k.startswith(kind)), kind)
        row.type = _TYPES.get(whole, whole)
        if last and len(row.shape) == 3:
            row.shape = [row.shape[2], *row.shape[:2]]
    for place, row in enumerate(drafts[-1].rows):
        if row.type == "BatchNorm2d" and len(row.shape) == 1:
            drafts[-1].rows[place].type = "BatchNorm1d"

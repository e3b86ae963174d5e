"""Layer tables: equal to those that the assignments print, and their columns add up."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from math import prod
from pathlib import Path

import pytest
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextToPath

from sheetprop.errors import SheetpropError
from sheetprop.mnist.diagram import diagram
from sheetprop.mnist.logs.layers import tables
from sheetprop.mnist.networks import NETWORKS, build, network
from sheetprop.mnist.summary import render, summary, table

# As the two hand-ins print them.
PRINTED = {
    "001": """
            Conv2d-1            [-1, 8, 24, 24]             208
       BatchNorm2d-2            [-1, 8, 24, 24]              16
            Conv2d-3           [-1, 16, 20, 20]           3,216
       BatchNorm2d-4           [-1, 16, 20, 20]              32
            Conv2d-5             [-1, 32, 6, 6]          12,832
       BatchNorm2d-6             [-1, 32, 6, 6]              64
         Dropout2d-7             [-1, 32, 6, 6]               0
            Conv2d-8             [-1, 24, 6, 6]             792
         AvgPool2d-9             [-1, 24, 1, 1]               0
           Linear-10                   [-1, 10]             250
================================================================
Total params: 17,410
Trainable params: 17,410
Non-trainable params: 0
----------------------------------------------------------------
Input size (MB): 0.00
Forward/backward pass size (MB): 0.20
Params size (MB): 0.07
Estimated Total Size (MB): 0.27
----------------------------------------------------------------""",
    "004": """
            Conv2d-1           [-1, 32, 26, 26]             288
            Conv2d-2           [-1, 64, 24, 24]          18,432
            Conv2d-3          [-1, 128, 10, 10]          73,728
            Conv2d-4            [-1, 256, 8, 8]         294,912
            Linear-5                   [-1, 50]         204,800
            Linear-6                   [-1, 10]             500
================================================================
Total params: 592,660
Trainable params: 592,660
Non-trainable params: 0
----------------------------------------------------------------
Input size (MB): 0.00
Forward/backward pass size (MB): 0.67
Params size (MB): 2.26
Estimated Total Size (MB): 2.93
----------------------------------------------------------------""",
}


@pytest.mark.parametrize("name", PRINTED)
def test_tables_equal_the_printed_ones(name: str) -> None:
    assert summary(name).endswith(PRINTED[name])


@pytest.mark.parametrize(("name", "file"), [("001", "001_44feb9a0d2203f8d.md"), ("004", "004_75bc54f6d3708316.md")])
def test_tables_equal_those_in_the_files_line_by_line(assignments: Path, name: str, file: str) -> None:
    lines = (assignments / file).read_text(encoding="utf-8").splitlines()
    ours = summary(name).splitlines()
    start = next(i for i, line in enumerate(lines) if line.strip().startswith("Conv2d-1 "))
    assert lines[start : start + len(ours) - 3] == ours[3:]


@pytest.mark.parametrize(("name", "total"), [("001", 17_410), ("002", 19_130), ("003", 14_666), ("004", 592_660)])
def test_parameters_of_the_reproduced(name: str, total: int) -> None:
    assert table(network(name)).parameters == total


def test_our_own_stay_under_their_bounds() -> None:
    sizes = {name: table(NETWORKS[name]).parameters for name in ("000", "tiny", "small")}
    assert sizes["000"] < 20_000
    assert sizes["tiny"] <= 4_400
    assert sizes["small"] < 20_000


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("functional", [False, True])
def test_columns_add_up(name: str, functional: bool) -> None:
    text = summary(name, functional=functional)
    counts = [int(m.replace(",", "")) for m in re.findall(r"\]\s+([\d,]+)$", text, re.MULTILINE)]
    shown = int(re.search(r"Total params: ([\d,]+)", text)[1].replace(",", ""))  # type: ignore[index]
    assert sum(counts) == shown == sum(p.numel() for p in build(network(name)).parameters())
    if not functional:
        (read,) = tables(text.splitlines(), name)
        assert not read.notes
        assert [row.shape for row in read.network.layers] == [
            r.shape for r in table(network(name)).layers if not r.functional]


def test_functional_layers_appear_on_request_and_change_no_figure() -> None:
    short, full = summary("004"), summary("004", functional=True)
    assert "MaxPool2d-5" in full
    assert "MaxPool2d" not in short
    assert short.splitlines()[-9:] == full.splitlines()[-9:]


def test_forms() -> None:
    as_json = json.loads(summary("001", form="json"))
    assert as_json["parameters"] == 17_410
    assert as_json["forward_backward_mb"] == pytest.approx(
        8 / 1024**2 * sum(prod(r["shape"]) for r in as_json["layers"] if not r["functional"]))
    assert "| Conv2d-5 | [-1, 32, 6, 6] | 12,832 |" in summary("001", form="markdown")
    with pytest.raises(SheetpropError, match="no such form"):
        render(table(network("001")), form="latex")
    with pytest.raises(SheetpropError, match="did you mean 'small'"):
        summary("smal")


def test_receptive_field_of_system_003() -> None:
    rows = [r for r in table(network("003")).layers if r.type in ("Conv2d", "MaxPool2d", "Linear")]
    assert [r.receptive_field for r in rows] == [3, 4, 8, 10, 18, 26, 28]


@pytest.mark.parametrize("name", NETWORKS)
def test_the_drawing_is_xml_and_tells_shapes(name: str) -> None:
    made = table(network(name))
    root = ET.fromstring(diagram(made))
    words = [t.text for t in root.iter("{http://www.w3.org/2000/svg}text")]
    for row in made.layers:
        if row.type == "Conv2d":
            assert "×".join(map(str, row.shape)) in words
            assert f"{row.parameters:,} par." in words


@pytest.mark.parametrize("name", NETWORKS)
def test_the_title_of_the_drawing_is_not_cut_off(name: str) -> None:
    root = ET.fromstring(diagram(table(network(name))))
    title = next(root.iter("{http://www.w3.org/2000/svg}text"))
    font = FontProperties(family="DejaVu Sans", weight="bold", size=float(title.attrib["font-size"]))
    width, _, _ = TextToPath().get_text_width_height_descent(title.text, font, False)
    assert float(title.attrib["x"]) + width < float(root.attrib["width"])


def test_convolutions_of_each_channel_by_itself_are_told_apart() -> None:
    made = table(network("tiny"))
    assert [r.groups for r in made.layers if r.type == "Conv2d"] == [None, 16, None, 24, None, 24, None, 24, None]
    assert diagram(made).count(">depthwise<") == 4


def test_hostile_titles_are_text_in_the_drawing() -> None:
    made = table(network("tiny")).model_copy(update={"title": '<script>"{{ }}"&'})
    root = ET.fromstring(diagram(made))
    assert not list(root.iter("{http://www.w3.org/2000/svg}script"))
    assert '<script>"{{ }}"&' in (root.findtext("{http://www.w3.org/2000/svg}title") or "")

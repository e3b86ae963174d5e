"""Books of modules: built, verified, opened by others, and faults in them named."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import openpyxl
import pytest
import torch
from torch import nn

import sheetprop
from sheetprop.errors import SheetpropError
from sheetprop.modules.gallery import examples
from sheetprop.workbook.exported.export import export
from sheetprop.workbook.exported.package import PROGRAM
from sheetprop.workbook.exported.sources import from_example

ALLOWED = {"ABS", "AND", "ATAN", "CHOOSE", "COS", "COUNTIF", "EXP", "IF", "INDEX", "INT", "LN", "MATCH", "MAX", "MIN",
           "MMULT", "MOD", "NORMSDIST", "POWER", "SIGN", "SIN", "SQRT", "SUM", "SUMIF", "SUMPRODUCT", "TANH"}


def book(name: str, folder: Path, **options: object) -> Path:
    one = from_example(name)
    path = folder / f"{name}.xlsx"
    given = {"target": one.target, "loss": one.loss, "training": one.training, "title": one.title, **options}
    export(one.module, one.args, path, **given)  # type: ignore[arg-type]
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("books")


@pytest.fixture(scope="module")
def conv(folder: Path) -> Path:
    return book("conv", folder)


@pytest.mark.parametrize("name", examples())
def test_the_gallery_is_exported_and_verified(name: str, folder: Path) -> None:
    path = book(name, folder)
    result = sheetprop.verify(path)
    assert result.agrees, result.verdict
    assert result.cells > 50
    used = set()
    for sheet in openpyxl.load_workbook(path):
        for row in sheet.iter_rows():
            for cell in row:
                if cell.data_type == "f":
                    assert len(str(cell.value)) <= 8192
                    used |= set(re.findall(r"([A-Z][A-Z0-9.]*)\(", re.sub(r'"[^"]*"', "", str(cell.value))))
    assert used <= ALLOWED


@pytest.mark.parametrize("name", ["conv", "gpt-tiny", "lstm"])
def test_the_stored_values_are_what_the_engine_calculates(name: str, folder: Path) -> None:
    path = book(name, folder)
    held = sheetprop.open(path)
    stored = held.stored()
    held.calculate()
    compared = 0
    for sheet in held:
        for row, column, value, formula in sheet.cells():
            if formula is not None and isinstance(value, float):
                other = stored[sheet.store.name][row, column]
                assert isinstance(other, float)
                assert abs(other - value) <= 1e-12 * max(1.0, abs(value)), (sheet.store.name, row, column)
                compared += 1
    assert compared > 100


def test_the_same_module_gives_the_same_bytes(conv: Path, tmp_path: Path) -> None:
    assert book("conv", tmp_path).read_bytes() == conv.read_bytes()


@pytest.mark.parametrize("name", ["conv", "lenet-tiny", "attention"])
def test_openxml_audit_finds_nothing(name: str, folder: Path) -> None:
    path = book(name, folder)
    result = subprocess.run([str(Path(sys.executable).parent / "openxml-audit"), str(path)], capture_output=True,
                            text=True, check=False)
    assert result.returncode == 0, result.stdout
    assert "no findings" in result.stdout


def changed(path: Path, target: Path, ref: str, value: object) -> Path:
    held = sheetprop.open(path)
    held.set(ref, value)
    held.calculate()
    held.save(target)
    return target


@pytest.mark.parametrize(("ref", "value"), [
    ("conv2d_0!C11", "=SUMPRODUCT(Data!C7:E9,Data!C7:E9)"), ("conv2d_0!D12", 0.25), ("conv2d_0!B20", None),
    ("relu_1!C12", "=MAX(0,conv2d_0!C13)"), ("Loss!B13", "=B11/3")])
def test_a_planted_fault_is_named_by_its_cell(ref: str, value: object, conv: Path, tmp_path: Path) -> None:
    result = sheetprop.verify(changed(conv, tmp_path / "wrong.xlsx", ref, value))
    assert not result.agrees
    assert [fault.place for fault in result.faults] == [ref]
    assert ref in result.verdict


def test_other_inputs_and_weights_are_verified_as_they_are(conv: Path, tmp_path: Path) -> None:
    held = sheetprop.open(conv)
    names = held.names
    held.set(names["_0.weight"].replace("$", "").split(":")[0], 0.75)
    held.set("Data!C9", 0.5)
    held.calculate()
    held.save(tmp_path / "other.xlsx")
    result = sheetprop.verify(tmp_path / "other.xlsx")
    assert result.agrees, result.verdict


def test_a_text_for_a_number_is_named(conv: Path, tmp_path: Path) -> None:
    result = sheetprop.verify(changed(conv, tmp_path / "text.xlsx", "Data!C9", "half"))
    assert not result.agrees
    assert result.faults[0].place == "Data!C9"


def repacked(path: Path, target: Path, part: str, data: bytes | None) -> Path:
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            if name != part:
                new.writestr(name, old.read(name))
            elif data is not None:
                new.writestr(name, data)
    return target


def test_an_altered_program_is_refused(conv: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(conv) as held:
        program = held.read(PROGRAM)
    other = repacked(conv, tmp_path / "other.xlsx", PROGRAM,
                     program.replace(b"aten.relu.default", b"os.system.default"))
    with pytest.raises(SheetpropError, match=r"os\.system\.default is no operation of PyTorch"):
        sheetprop.verify(other)
    broken = repacked(conv, tmp_path / "broken.xlsx", PROGRAM, program[:300])
    with pytest.raises(SheetpropError, match="program part of the book is damaged"):
        sheetprop.verify(broken)
    swapped = repacked(conv, tmp_path / "swapped.xlsx", PROGRAM, program.replace(b"aten.relu.default",
                                                                                 b"aten.tanh.default"))
    assert not sheetprop.verify(swapped).agrees


def test_an_export_forward_only_has_no_gradients(tmp_path: Path) -> None:
    path = book("conv", tmp_path, forward_only=True)
    assert not [name for name in sheetprop.open(path).names if name.endswith(".grad")]
    assert sheetprop.verify(path).agrees


def test_a_long_sum_is_cut_into_partial_ones(tmp_path: Path) -> None:
    torch.manual_seed(0)

    class Wide(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.mix = nn.Conv2d(500, 2, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.mix(x)

    export(Wide(), torch.randn(1, 500, 2, 2), tmp_path / "wide.xlsx", target=torch.randn(1, 2, 2, 2))
    result = sheetprop.verify(tmp_path / "wide.xlsx")
    assert result.agrees, result.verdict
    assert any(".part" in name for name in sheetprop.open(tmp_path / "wide.xlsx").names)


def labelled(book: object, sheet: str, words: str) -> list[tuple[int, float]]:
    """Return the rows whose first cell has these words, and the last number in each."""
    held = book[sheet]  # type: ignore[index]
    found = []
    for row, column, value, _ in held.cells():
        if column == 1 and value == words:
            numbers = [v for r, c, v, _ in held.cells() if r == row and c > 1 and isinstance(v, float)]
            found.append((row, numbers[-1]))
    return found


@pytest.mark.parametrize(("name", "sheet", "result", "choices"), [
    ("conv", "conv2d_0", "the sum of these", [(0, 1, 0, 0), (0, 0, 5, 3), (0, 1, 2, 5)]),
    ("resnet-block", "conv1", "the sum of these", [(1, 2, 0, 0), (0, 1, 5, 5), (1, 0, 3, 0)]),
    ("lenet-tiny", "maxpool2d_2", "the largest", [(0, 2, 1, 2), (0, 2, 0, 1), (0, 1, 2, 3)]),
    ("lenet-tiny", "linear_9", "the sum of these", [(0, 3), (0, 1)])])
def test_the_cell_that_is_chosen_is_worked_out(name: str, sheet: str, result: str, choices: list[tuple[int, ...]],
                                               folder: Path) -> None:
    path = folder / f"{name}.xlsx"
    held = sheetprop.open(path if path.exists() else book(name, folder))
    held.calculate()
    start = next(row for row, column, value, _ in held[sheet].cells() if value == "choose (from 0):") + 1
    seen = set()
    for choice in choices:
        for k, number in enumerate(choice):
            held.set(f"{sheet}!B{start + k}", number)
        held.calculate()
        total = labelled(held, sheet, result)[0][1] + sum(v for _, v in labelled(held, sheet, "the bias"))
        cell = labelled(held, sheet, "the cell")[0][1]
        assert abs(total - cell) < 1e-12
        seen.add(cell)
    assert len(seen) > 1


class Branch(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.first(x)
        if y.sum() > 0:
            return y
        return -y


def test_a_branch_that_depends_on_numbers_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(SheetpropError, match=r"test_exported\.py:\d+.*if y\.sum\(\) > 0"):
        export(Branch(), torch.randn(1, 3), tmp_path / "branch.xlsx")
    assert not (tmp_path / "branch.xlsx").exists()


@pytest.mark.parametrize(("make", "args", "words"), [
    (lambda: nn.Linear(2, 2, dtype=torch.complex64), (torch.ones(1, 2),), "weight: is complex"),
    (lambda: nn.Linear(3, 2), (torch.ones(1, 2),), "cannot be run on these inputs"),
    (lambda: nn.Linear(2, 2), (torch.full((1, 2), np.nan),), "not finite"),
    (lambda: nn.Linear(40000, 1), (torch.ones(1, 40000),), None),
])
def test_what_cannot_be_exported_is_said_in_one_line(make: object, args: tuple[torch.Tensor, ...], words: str | None,
                                                     tmp_path: Path) -> None:
    if words is None:
        return
    with pytest.raises(SheetpropError, match=words) as caught:
        export(make(), args, tmp_path / "no.xlsx")  # type: ignore[operator]
    assert "\n" not in str(caught.value)


def test_weights_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    module = nn.Linear(2, 2)
    with torch.no_grad():
        module.weight[0, 1] = np.nan
    with pytest.raises(SheetpropError, match="weight: holds a number that is not finite"):
        export(module, torch.ones(1, 2), tmp_path / "no.xlsx")


def test_a_book_without_its_program_is_refused(conv: Path, tmp_path: Path) -> None:
    with pytest.raises(SheetpropError, match="its program part was removed"):
        sheetprop.verify(repacked(conv, tmp_path / "gone.xlsx", PROGRAM, None))


def test_a_target_that_is_no_class_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SheetpropError, match="a target that is no class"):
        export(nn.Linear(2, 3), torch.ones(1, 2), tmp_path / "no.xlsx", target=torch.tensor([7]))


def test_a_module_that_returns_no_tensor_is_refused(tmp_path: Path) -> None:
    class Words(nn.Module):
        def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
            return {"out": x}

    with pytest.raises(SheetpropError, match="returns dict; return a tensor"):
        export(Words(), torch.ones(1, 2), tmp_path / "no.xlsx")


def test_a_module_that_is_too_large_is_refused_with_its_layer(tmp_path: Path) -> None:
    module = nn.Sequential(nn.Linear(2, 1000), nn.ReLU(), nn.Linear(1000, 2000))
    with pytest.raises(SheetpropError, match=r"linear_2: needs 2,000,000 cells"):
        export(module, torch.ones(1, 2), tmp_path / "no.xlsx", target=torch.ones(1, 2000))


@pytest.mark.libreoffice
def test_libreoffice_keeps_the_program_and_calculates_the_same(conv: Path, tmp_path: Path) -> None:
    if shutil.which("soffice") is None:
        pytest.skip("soffice is not on the PATH")
    subprocess.run(["soffice", f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", "--convert-to", "xlsx",
                    "--outdir", str(tmp_path), str(conv)], capture_output=True, check=True)
    result = sheetprop.verify(tmp_path / conv.name)
    assert result.agrees, result.verdict
    assert sheetprop.verify(conv, engine="libreoffice").agrees


def test_a_linear_layer_behind_a_flattened_map_is_worked_out_too(tmp_path: Path) -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(1, 5, 3, stride=2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.1),
                           nn.Linear(5, 3)).eval()
    export(module, torch.rand(1, 1, 7, 7), tmp_path / "net.xlsx", target=torch.tensor([1]))
    held = sheetprop.open(tmp_path / "net.xlsx")
    held.calculate()
    total = labelled(held, "linear_4", "the sum of these")[0][1] + labelled(held, "linear_4", "the bias")[0][1]
    assert abs(total - labelled(held, "linear_4", "the cell")[0][1]) < 1e-12
    assert sheetprop.verify(tmp_path / "net.xlsx").agrees


def test_a_trained_network_is_exported_with_a_picture(tmp_path: Path) -> None:
    from PIL import Image

    from sheetprop.workbook.exported.sources import from_record

    pixels = np.zeros((28, 28), dtype=np.uint8)
    pixels[5:23, 13:16] = 240
    Image.fromarray(pixels).save(tmp_path / "one.png")
    source = from_record(Path(__file__).parents[2] / "reports" / "runs" / "tiny", str(tmp_path / "one.png"))
    done = export(source.module, source.args, tmp_path / "tiny.xlsx", target=source.target, loss=source.loss,
                  forward_only=True, training=False, picture=source.picture)
    assert done.formulas > 30_000
    held = sheetprop.open(tmp_path / "tiny.xlsx")
    held.calculate()
    with torch.no_grad():
        shares = source.module(source.args[0]).softmax(1)[0]
    assert held["Data"]["AG6"] == float(shares.argmax()) == 1.0
    for k in range(10):
        assert abs(held["Data"][f"AG{8 + k}"] - float(shares[k])) < 1e-12

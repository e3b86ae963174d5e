"""Pictures as people take them: uneven light, lines, frames, boards, several digits; read by a committed network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sheetprop.mnist.data import Digits
from sheetprop.mnist.pictures import cuts
from sheetprop.mnist.predict import predict

RUN = Path(__file__).resolve().parents[2] / "reports" / "runs" / "fast"


def digit(mnist: Digits, label: int, size: int) -> np.ndarray:
    """The third test image of a label that the network reads right, enlarged, as shares of ink."""
    index = (mnist.test_labels == label).nonzero().flatten()[3]
    image = Image.fromarray(mnist.test_images[index].numpy()).resize((size, size), Image.Resampling.BICUBIC)
    return np.asarray(image, dtype=float) / 255


def paper(light: str, height: int = 400, width: int = 500) -> np.ndarray:
    y, x = np.mgrid[0:height, 0:width]
    match light:
        case "even":
            return np.full((height, width), 235.0)
        case "uneven":
            return 235 - 120 * x / width - 40 * y / height
        case "spot":
            return 90 + 150 * np.exp(-(((x - 0.3 * width) / width) ** 2 + ((y - 0.3 * height) / height) ** 2) * 4)
        case _:
            return np.where(x + 0.5 * y > 0.7 * width, 120.0, 230.0)


def save(values: np.ndarray, path: Path) -> Path:
    noise = np.random.default_rng(0).normal(0, 3, values.shape)
    Image.fromarray(np.clip(values + noise, 0, 255).astype(np.uint8)).save(path)
    return path


def drawn(kind: str, mnist: Digits, label: int) -> np.ndarray:
    ink = digit(mnist, label, 220)
    page = paper(kind if kind in ("even", "uneven", "spot", "shadow") else "even" if "frame" in kind else "uneven")
    if kind == "board":
        page = 250 - page
        page[80:300, 150:370] += (240 - page[80:300, 150:370]) * ink
        return page
    page[80:300, 150:370] *= 1 - 0.75 * ink
    if kind == "ruled":
        for y in range(30, 400, 60):
            page[y : y + 3] *= 0.6
    if kind == "inner frame":
        for part in (np.s_[20:28, 20:480], np.s_[372:380, 20:480], np.s_[20:380, 20:28], np.s_[20:380, 472:480]):
            page[part] = 40
    if kind == "outer frame":
        page[:14] = page[-14:] = page[:, :14] = page[:, -14:] = 20
    return page


@pytest.mark.parametrize("kind", ["even", "uneven", "spot", "shadow", "ruled", "inner frame", "outer frame", "board"])
def test_pictures_as_people_take_them(kind: str, mnist: Digits, tmp_path: Path) -> None:
    files = [save(drawn(kind, mnist, label), tmp_path / f"{label}.png") for label in (2, 4, 7)]
    assert [p.digit for p in predict(RUN, files)] == [2, 4, 7]


def test_several_digits_are_boxed_from_left_to_right(mnist: Digits, tmp_path: Path) -> None:
    page = paper("uneven", 300, 900)
    for place, label in enumerate((3, 0, 8, 1)):
        x, y = 30 + 210 * place, 20 + 20 * (place % 2)
        page[y : y + 180, x : x + 180] *= 1 - 0.75 * digit(mnist, label, 180)
    shown = tmp_path / "seen.png"
    found = predict(RUN, [save(page, tmp_path / "many.png")], show=shown)
    assert [p.digit for p in found] == [3, 0, 8, 1]
    boxes = [p.box for p in found if p.box is not None]
    assert all(30 + 210 * i <= box[0] and box[0] + box[2] <= 210 * (i + 1) for i, box in enumerate(boxes))
    assert len(boxes) == 4
    with Image.open(shown) as sheet:
        assert sheet.size == (4 * 116 + 4, 136)


def test_off_centre_at_28_is_centred_and_central_stays_as_it_is(mnist: Digits, tmp_path: Path) -> None:
    index = (mnist.test_labels == 5).nonzero().flatten()[3]
    image = mnist.test_images[index].numpy()
    Image.fromarray(image).save(tmp_path / "central.png")
    Image.fromarray(np.roll(image, (4, -3), (0, 1))).save(tmp_path / "off.png")
    assert np.array_equal(cuts(tmp_path / "central.png")[0].pixels, image)
    moved = cuts(tmp_path / "off.png")
    assert len(moved) == 1
    rows = (moved[0].pixels.astype(float).sum(1) * np.arange(28)).sum() / moved[0].pixels.sum()
    assert abs(rows - 13.5) < 1


def test_what_is_unlike_digits_is_said(mnist: Digits, tmp_path: Path) -> None:
    from sheetprop.mnist import likeness, record
    from sheetprop.mnist.evaluate import Images, normalise
    from sheetprop.mnist.weights import module_of

    kept, run, _ = module_of(RUN)
    kept.likeness = "likeness.safetensors"
    images = Images(normalise(mnist.train_images[:5000]), mnist.train_labels[:5000], mnist.train_labels[:5000])
    folder = tmp_path / "run"
    folder.mkdir()
    record.write(kept, folder / "record.json")
    (folder / str(run.weights)).write_bytes((RUN / str(run.weights)).read_bytes())
    (folder / "likeness.safetensors").write_bytes(likeness.fit(images).packed())
    good = save(drawn("even", mnist, 7), tmp_path / "7.png")
    y, x = np.mgrid[0:400, 0:400]
    odd = save(np.where(((x // 40) + (y // 40)) % 2 & (x > 80) & (x < 320) & (y > 80) & (y < 320), 30.0, 235.0),
               tmp_path / "odd.png")
    first, *rest = predict(folder, [good, odd])
    assert first.warning == ""
    assert any("unlike the images" in one.warning for one in rest)

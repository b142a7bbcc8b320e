"""The paper's crops: the rectangles against a listing by brute force, the pixels against plain resizing and cutting."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from googlenet.data.crops import crop_plan, cut_crops, prepare_crops
from googlenet.data.preprocess import Preprocessing, normalise, prepare
from googlenet.errors import ImageError, SettingsError

SIZES = [(500, 375), (333, 500), (400, 400), (257, 255), (1, 1), (1000, 30), (31, 997)]
PLAIN = Preprocessing()


def listing(width: int, height: int, sides: tuple[int, ...], crop: int) -> list[tuple[object, ...]]:
    """The paper's sentence word for word: size, square, what of the square, mirrored; nothing shared with the plan."""
    found: list[tuple[object, ...]] = []
    for side in sides:
        if height > width:
            long = round(height * side / width)
            size, squares = (side, long), [(0, y) for y in (0, (long - side) // 2, long - side)]
        else:
            long = round(width * side / height)
            size, squares = (long, side), [(x, 0) for x in (0, (long - side) // 2, long - side)]
        for x, y in squares:
            inside, middle = side - crop, (side - crop) // 2
            for dx, dy in [(0, 0), (inside, 0), (0, inside), (inside, inside), (middle, middle)]:
                box = (x + dx, y + dy, x + dx + crop, y + dy + crop)
                found += [(size, box, False), (size, box, True)]
            found += [(size, (x, y, x + side, y + side), False), (size, (x, y, x + side, y + side), True)]
    return found


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("crop", "sides"), [(224, (256, 288, 320, 352)), (112, (128, 144, 160, 176))])
def test_144_rectangles_as_the_paper_lists_them(size: tuple[int, int], crop: int, sides: tuple[int, ...]) -> None:
    plan = crop_plan(size, 144, Preprocessing(crop_size=crop))
    assert [(part.size, part.window, part.mirrored) for part in plan] == listing(*size, sides, crop)
    assert len(plan) == 144


def test_ten_are_corners_and_centre_of_the_centre_square_and_their_mirrors() -> None:
    plan = crop_plan((512, 384), 10, PLAIN)  # 341 x 256, the centre square from 42 to 298
    corners = [(42, 0), (74, 0), (42, 32), (74, 32), (58, 16)]
    assert [(part.window[:2], part.mirrored) for part in plan] == [(c, m) for c in corners for m in (False, True)]
    assert all(part.window[2:] == (part.window[0] + 224, part.window[1] + 224) for part in plan)
    assert set(plan) < set(crop_plan((512, 384), 144, PLAIN))


def test_other_numbers_have_no_plan() -> None:
    with pytest.raises(SettingsError, match="--crops is 12; give 1, 10 or 144"):
        crop_plan((300, 300), 12, PLAIN)


def _photo(width: int, height: int) -> Image.Image:
    coarse = np.random.default_rng(0).integers(0, 256, (7, 9, 3), np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


@pytest.mark.parametrize("size", [(500, 375), (333, 500), (400, 400)])
def test_pixels_are_the_rectangles_of_the_resized_picture(size: tuple[int, int]) -> None:
    image, buffer = _photo(*size), BytesIO()
    image.save(buffer, "PNG")
    prepared = prepare_crops(buffer.getvalue(), PLAIN, 144)
    assert prepared.shape == (144, 3, 224, 224)
    for row, part in zip(prepared, crop_plan(size, 144, PLAIN), strict=True):
        cut = image.resize(part.size, Image.Resampling.BILINEAR).crop(part.window)
        if cut.width != 224:
            cut = cut.resize((224, 224), Image.Resampling.BILINEAR)
        expected = normalise(cut, PLAIN)
        np.testing.assert_array_equal(row, expected[:, :, ::-1] if part.mirrored else expected)
    ten = prepare_crops(buffer.getvalue(), PLAIN, 10)
    np.testing.assert_array_equal(ten, prepared[12:22])


def test_one_crop_is_the_models_own_preprocessing() -> None:
    buffer = BytesIO()
    _photo(500, 375).save(buffer, "JPEG")
    warp = Preprocessing(resize="warp")
    assert np.array_equal(prepare_crops(buffer.getvalue(), warp)[0], prepare(buffer.getvalue(), warp))


@pytest.mark.parametrize("filter", ["bilinear", "bilinear-no-antialias"])
def test_a_panorama_needs_no_memory(filter: str) -> None:
    preprocessing = Preprocessing.model_validate({"filter": filter})
    cuts = list(cut_crops(Image.new("RGB", (20_000, 4), (10, 20, 30)), 144, preprocessing))
    assert [cut.size for cut in cuts] == [(224, 224)] * 72
    assert all(cut.getextrema() == ((10, 10), (20, 20), (30, 30)) for cut in cuts)


def test_a_bad_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.jpg").write_bytes(b"no picture")
    with pytest.raises(ImageError, match=r"x\.jpg"):
        prepare_crops(tmp_path / "x.jpg", PLAIN, 144)

from __future__ import annotations

import math

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError
from torchvision.transforms import InterpolationMode
from torchvision.transforms.autoaugment import _apply_op

from googlenet.data.augment import AugmentSettings, _crop_box, augment
from googlenet.data.draws import generator
from googlenet.data.trivial_augment import OPERATIONS, border_colour, trivial_augment

PLAIN = AugmentSettings(crop_area=(1, 1), crop_aspect=(1, 1), flip=False)


def photo(width: int = 64, height: int = 64) -> Image.Image:
    """Random colours, a few pixels wide each, within a border of one colour."""
    small = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    image = Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)
    framed = Image.new("RGB", (width, height), (40, 90, 200))
    framed.paste(image.crop((2, 2, width - 2, height - 2)), (2, 2))
    return framed


def test_the_same_keys_give_the_same_pixels_and_others_do_not() -> None:
    settings = AugmentSettings(trivial_augment=True, erase=0.5, rotate=10, shift=0.1)

    def run(*keys: int) -> bytes:
        return augment(np.asarray(photo()), settings, 48, generator(*keys)).tobytes()

    assert run(1, 2, 3) == run(1, 2, 3)
    assert len({run(1, 2, 3), run(2, 1, 3), run(1, 3, 3), run(1, 2, 4), run(1, 2)}) == 5


def test_with_everything_off_only_the_size_changes() -> None:
    image = photo()
    result = augment(np.asarray(image), PLAIN, 32, generator(0))
    assert result.dtype == np.uint8
    assert np.abs(result.astype(int) - np.asarray(image.reduce(2))).max() <= 1


def test_crops_keep_to_the_area_and_the_aspect_and_reach_everywhere() -> None:
    settings = AugmentSettings(crop_area=(0.08, 0.5))
    boxes = np.array([_crop_box((300, 200), settings, generator(i)) for i in range(2000)])
    width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    area, aspect = width * height / 60000, width / height
    assert boxes.min() >= 0
    assert boxes[:, 2].max() <= 300
    assert boxes[:, 3].max() <= 200
    assert 0.08 <= area.min() < 0.09
    assert 0.48 < area.max() <= 0.5
    assert area.mean() == pytest.approx(0.29, abs=0.01)
    assert 0.75 <= aspect.min() < 0.76
    assert 1.32 < aspect.max() <= 4 / 3
    assert np.log(aspect).mean() == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize("size", [(1, 500), (500, 1), (1, 1)])
def test_extreme_shapes_are_cropped_in_the_middle(size: tuple[int, int]) -> None:
    box = _crop_box(size, AugmentSettings(), generator(0))
    assert 3 / 4 - 1e-9 <= (box[2] - box[0]) / (box[3] - box[1]) <= 4 / 3 + 1e-9


@pytest.mark.parametrize("size", [(1, 500), (500, 1), (1, 1), (2, 3)])
def test_the_smallest_pictures_keep_at_least_a_pixel(size: tuple[int, int]) -> None:
    picture, settings = np.full((*size, 3), 77, np.uint8), AugmentSettings(crop_area=(0.01, 1), crop_aspect=(0.1, 10))
    for i in range(50):
        assert (augment(picture, settings, 8, generator(i)) == 77).all()


def test_half_of_the_pictures_are_mirrored() -> None:
    image = photo()
    settings = PLAIN.model_copy(update={"flip": True})
    mirrored = np.asarray(image)[:, ::-1]
    upright = np.asarray(image)
    results = [augment(np.asarray(image), settings, 64, generator(i)) for i in range(400)]
    share = np.mean([np.array_equal(result, mirrored) for result in results])
    assert share == pytest.approx(0.5, abs=0.1)
    assert all(np.array_equal(result, upright) or np.array_equal(result, mirrored) for result in results)


@pytest.mark.parametrize("strength", [-1.0, -0.5, 0.0, 0.3, 1.0])
@pytest.mark.parametrize("name", OPERATIONS)
def test_operations_equal_torchvisions(name: str, strength: float) -> None:
    image = photo(70, 70)
    if name == "posterize":
        magnitude = float(8 - round(6 * abs(strength)))
    elif name == "solarize":
        magnitude = float(round(255 * (1 - abs(strength))))
    elif name.startswith("translate"):
        magnitude = -10.0 * strength  # Pillow's coefficients lead from the result to the source
    else:
        magnitude = strength * (135 if name == "rotate" else 0.99)
    theirs = {"autocontrast": "AutoContrast"}.get(name, name.title().replace("_", ""))
    colour = [float(value) for value in border_colour(image)]
    expected = _apply_op(image, theirs, magnitude, InterpolationMode.BILINEAR, colour)
    difference = np.abs(np.asarray(OPERATIONS[name](image, strength)).astype(int) - np.asarray(expected))
    assert difference.mean() < 1


def test_every_operation_is_drawn_and_the_picture_keeps_its_size() -> None:
    image = photo(32, 32)
    results = {trivial_augment(image, generator(i)).tobytes() for i in range(300)}
    assert len(results) > 150
    assert trivial_augment(image, generator(0)).size == (32, 32)


def test_a_turned_picture_is_surrounded_by_the_colour_of_its_border() -> None:
    settings = PLAIN.model_copy(update={"rotate": 45.0, "shift": 0.2})
    corners = [
        augment(np.asarray(photo()), settings, 64, generator(i))[[0, 0, -1, -1], [0, -1, 0, -1]] for i in range(20)
    ]
    assert (np.concatenate(corners) == (40, 90, 200)).all(axis=1).mean() > 0.8


def test_shift_and_rotation_stay_within_their_limits() -> None:
    image = Image.new("RGB", (100, 100))
    image.paste((255, 255, 255), (45, 45, 55, 55))
    settings = PLAIN.model_copy(update={"shift": 0.1})
    centres = []
    for i in range(200):
        bright = np.argwhere(augment(np.asarray(image), settings, 100, generator(i))[..., 0] > 127)
        centres.append(bright.mean(0) - 49.5)
    reach = np.abs(centres).max(0)
    assert (reach <= 10.5).all()
    assert (reach > 8).all()


def test_erasing_replaces_one_rectangle_by_noise_at_its_probability() -> None:
    image = Image.new("RGB", (64, 64), (40, 90, 200))
    settings = PLAIN.model_copy(update={"erase": 0.25})
    areas = []
    for i in range(400):
        changed = (augment(np.asarray(image), settings, 64, generator(i)) != (40, 90, 200)).any(-1)
        if changed.any():
            rows, columns = np.flatnonzero(changed.any(1)), np.flatnonzero(changed.any(0))
            areas.append((np.ptp(rows) + 1) * (np.ptp(columns) + 1) / 64**2)
            assert changed.sum() == pytest.approx(areas[-1] * 64**2, rel=0.05)
    assert len(areas) / 400 == pytest.approx(0.25, abs=0.07)
    assert min(areas) > 0.01
    assert max(areas) < 0.36


@pytest.mark.parametrize(
    "bad", [{"crop_area": (0.5, 0.1)}, {"crop_aspect": (0, 1)}, {"erase": 1.5}, {"shift": math.nan}]
)
def test_settings_that_cannot_be_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        AugmentSettings.model_validate(bad)

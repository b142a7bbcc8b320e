"""The paper's photometric distortions."""

from __future__ import annotations

import numpy as np
from PIL import Image

from googlenet.data.augment import AugmentSettings, augment, random_resized_crop
from googlenet.data.photometric import distort


class _Still(np.random.Generator):
    """Draws that change nothing but the light: factors of 1, components of 1, 0 and 0."""

    def __init__(self) -> None:
        super().__init__(np.random.PCG64(0))

    def uniform(self, *_: object, **__: object) -> float:  # type: ignore[override]
        return 1.0

    def normal(self, *_: object, **__: object) -> np.ndarray:  # type: ignore[override]
        return np.array([0.1, 0.0, 0.0])


def test_the_light_is_the_first_principal_component() -> None:
    gray = Image.new("RGB", (4, 4), (100, 100, 100))
    changed = np.asarray(distort(gray, _Still()))
    # 255 * 0.1 * 0.2175 times (-0.5675, -0.5808, -0.5836), as AlexNet's: about -3.2 each
    assert (changed == [97, 97, 97]).all()


def test_brightness_goes_both_ways_and_stays_in_range() -> None:
    gray = Image.new("RGB", (8, 8), (128, 128, 128))
    means = [np.asarray(distort(gray, np.random.default_rng(seed))).mean() for seed in range(300)]
    assert 60 < min(means) < 75
    assert 180 < max(means) < 195
    assert abs(np.mean(means) - 128) < 8


def test_the_four_filters_are_all_drawn() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
    whole = AugmentSettings(crop_area=(1, 1), crop_aspect=(1, 1), any_filter=True)
    found = {random_resized_crop(noise, whole, 100, np.random.default_rng(seed)).tobytes() for seed in range(40)}
    assert len(found) == 4


def test_without_the_settings_nothing_more_is_drawn() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
    plain, one, other = AugmentSettings(), np.random.default_rng(1), np.random.default_rng(1)
    augment(noise, plain, 32, one)
    random_resized_crop(noise, plain, 32, other)
    other.random(2)  # the flip, and whether to erase
    assert one.random() == other.random()

from __future__ import annotations

import cv2
import numpy as np
import pytest

from googlenet.data.bilinear import resize_window

SIZES = [(256, 256), (300, 200), (17, 450), (1, 1)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("source", [(480, 360), (31, 500), (1, 90), (256, 255), (5, 1)])
def test_equals_opencv_bit_for_bit(source: tuple[int, int], size: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (source[1], source[0], 3), np.uint8)
    expected = cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR)
    assert np.array_equal(resize_window(pixels, size, (0, 0, *size)), expected)


def test_a_window_is_that_part_of_the_whole() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (333, 444, 3), np.uint8)
    whole = resize_window(pixels, (256, 200), (0, 0, 256, 200))
    assert np.array_equal(resize_window(pixels, (256, 200), (16, 30, 240, 170)), whole[30:170, 16:240])

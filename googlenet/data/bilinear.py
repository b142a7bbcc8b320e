"""Bilinear interpolation between the four nearest pixels, without antialiasing: OpenCV's ``INTER_LINEAR``, bit for bit.

Caffe-era networks were fed by it. Pillow has only the antialiased kind.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_BITS = 11  # OpenCV's fixed-point weights: INTER_RESIZE_COEF_BITS in modules/imgproc/src/resize.cpp


def resize_window(
    pixels: NDArray[np.uint8], size: tuple[int, int], window: tuple[int, int, int, int]
) -> NDArray[np.uint8]:
    """Resize (H, W, 3) pixels to ``size`` (width, height), but only the part ``window``: left, top, right, bottom."""
    left, top, right, bottom = window
    x0, x1, weight_x0, weight_x1 = _taps(pixels.shape[1], size[0], left, right)
    y0, y1, weight_y0, weight_y1 = _taps(pixels.shape[0], size[1], top, bottom)
    used = pixels[y0[0] : y1[-1] + 1].astype(np.int32)
    rows = used[:, x0] * weight_x0[:, None] + used[:, x1] * weight_x1[:, None]
    rows >>= 4
    upper = rows[y0 - y0[0]] * weight_y0[:, None, None] >> 16
    lower = rows[y1 - y0[0]] * weight_y1[:, None, None] >> 16
    result: NDArray[np.uint8] = ((upper + lower + 2) >> 2).astype(np.uint8)
    return result


def _taps(
    source: int, target: int, first: int, last: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.int32], NDArray[np.int32]]:
    """The two source pixels and their weights for each target pixel ``first`` <= i < ``last``."""
    position = ((np.arange(first, last) + 0.5) * (source / target) - 0.5).astype(np.float32)
    below = np.floor(position).astype(np.intp)
    fraction = position - below.astype(np.float32)
    one = np.float32(1 << _BITS)
    weight_below = np.rint((1 - fraction) * one).astype(np.int32)
    weight_above = np.rint(fraction * one).astype(np.int32)
    return np.clip(below, 0, source - 1), np.clip(below + 1, 0, source - 1), weight_below, weight_above

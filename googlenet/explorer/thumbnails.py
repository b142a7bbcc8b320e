"""Pictures inside the page, as data URIs: the photograph as it is seen, feature maps pixel by pixel."""

from __future__ import annotations

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_ANCHORS = ((0, 0, 4), (59, 15, 112), (140, 41, 129), (222, 73, 104), (254, 159, 109), (252, 253, 191))
"""From dark to light, so that the map reads in gray as well; the steps of matplotlib's «magma»."""

LEVELS = 256


def palette() -> NDArray[np.uint8]:
    """(256, 3) RGB: the colour of each level, no two alike."""
    steps = np.linspace(0, len(_ANCHORS) - 1, LEVELS)
    channels = (np.interp(steps, range(len(_ANCHORS)), channel) for channel in zip(*_ANCHORS, strict=True))
    colours: NDArray[np.uint8] = np.rint(np.stack(list(channels), axis=1)).astype(np.uint8)
    return colours


_PALETTE = palette()


def map_image(values: NDArray[np.float32], low: float, high: float) -> str:
    """A map, (height, width), a pixel a value: ``low`` the darkest level, ``high`` the lightest. Lossless."""
    span = high - low
    levels = np.rint((values - low) * ((LEVELS - 1) / span)) if span > 0 else np.zeros_like(values)
    return _webp(Image.fromarray(_PALETTE[levels.astype(np.uint8)]), lossless=True)


def photograph_image(image: Image.Image) -> str:
    """The pixels that the network gets, compressed as a photograph."""
    return _webp(image, lossless=False)


def _webp(image: Image.Image, *, lossless: bool) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", lossless=lossless, quality=88, method=4)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()
